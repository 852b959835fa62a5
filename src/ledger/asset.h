/* How an asset comes to be. What later modules need of assets stands in ledger.h. */
#ifndef LEDGER_ASSET_H
#define LEDGER_ASSET_H

#include "ledger/ledger.h"

/* The asset whose issuer, symbol, decimals and max_supply are filled in comes to be with a first supply
 * (which may be 0), credited to `holder`; id and supply are filled in. ERROR_ASSET_EXISTS,
 * ERROR_SUPPLY_LIMIT. */
MUST_CHECK enum status asset_create(struct execution *x, struct asset *asset, const char *name,
                                    struct bytes metadata, const struct account_id *holder, uint64_t amount);

/* Replaces the metadata. Who may do so is the caller's question. */
void asset_describe(struct execution *x, const struct asset *asset, struct bytes metadata);

/* The dev network's coin, which the faucet makes. Its issuer is an account that nobody has the key of. */
#define FAUCET_SYMBOL "DEV"
#define FAUCET_DECIMALS 6
void faucet_create(struct execution *x); /* genesis; on other networks nothing */
void faucet_find(struct execution *x, struct asset *asset);

#endif
