/* Assets: see asset.h and ledger.h. */
#include "ledger/asset.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/hash.h"
#include "kernel/execution.h"
#include "ledger/rows.h"

enum status asset_find(struct execution *x, const struct asset_id *id, struct asset *asset)
{
    char hex[2 * sizeof(id->bytes) + 1];

    if (row_asset_read(execution_database(x), id, asset))
        return OK;
    hex_text(hex, id->bytes, sizeof(id->bytes));
    return fail(x, ERROR_ASSET_NOT_FOUND, "there is no asset with the id %s on this chain", hex);
}

enum status asset_mint(struct execution *x, uint64_t domain, struct asset *asset, const struct account_id *to,
                       uint64_t amount)
{
    uint64_t supply;

    if (!amount_add(asset->supply, amount, asset->max_supply, &supply))
        return fail(x, ERROR_SUPPLY_LIMIT,
                    "%" PRIu64 " more would bring the supply of %s from %" PRIu64
                    " over its limit of %" PRIu64,
                    amount, asset->symbol, asset->supply, asset->max_supply);
    row_asset_set_supply(execution_database(x), &asset->id, supply);
    balance_credit(x, domain, asset, to, amount);
    asset->supply = supply;
    return OK;
}

enum status asset_burn(struct execution *x, uint64_t domain, struct asset *asset,
                       const struct account_id *from, uint64_t amount)
{
    uint64_t supply;

    TRY(balance_debit(x, domain, asset, from, amount, NULL));
    INVARIANT(amount_subtract(asset->supply, amount, &supply), "an account held more %s than there is",
              asset->symbol);
    row_asset_set_supply(execution_database(x), &asset->id, supply);
    asset->supply = supply;
    return OK;
}

enum status asset_create(struct execution *x, struct asset *asset, const char *name, struct bytes metadata,
                         const struct account_id *holder, uint64_t amount)
{
    struct asset present;

    asset_id_from_symbol(&asset->id, execution_chain(x), asset->symbol);
    asset->supply = amount;
    if (row_asset_read(execution_database(x), &asset->id, &present))
        return fail(x, ERROR_ASSET_EXISTS, "the asset %s exists already", asset->symbol);
    if (amount > asset->max_supply)
        return fail(x, ERROR_SUPPLY_LIMIT, "the first supply of %" PRIu64 " is over the limit of %" PRIu64,
                    amount, asset->max_supply);
    row_asset_insert(execution_database(x), asset, name, metadata, execution_next_seq(x));
    if (amount > 0)
        balance_credit(x, DOMAIN_BASE, asset, holder, amount);
    return OK;
}

void asset_describe(struct execution *x, const struct asset *asset, struct bytes metadata)
{
    row_asset_set_metadata(execution_database(x), &asset->id, metadata);
}

void faucet_find(struct execution *x, struct asset *asset)
{
    struct asset_id id;

    asset_id_from_symbol(&id, execution_chain(x), FAUCET_SYMBOL);
    INVARIANT(row_asset_read(execution_database(x), &id, asset), "a dev network without its coin");
}

void faucet_create(struct execution *x)
{
    struct asset asset = { .symbol = FAUCET_SYMBOL, .decimals = FAUCET_DECIMALS, .max_supply = INTEGER_MAX };
    const char *chain = execution_chain(x), *name = "coin of the development network";
    struct hash issuer, id;
    enum status status;

    if (execution_network(x) != NETWORK_DEV)
        return;
    tagged_hash(&issuer, "layerd/faucet", chain, strlen(chain));
    memcpy(asset.issuer.bytes, issuer.bytes, sizeof(asset.issuer.bytes));
    status = account_hold(x, &asset.issuer, "faucet");
    INVARIANT(status == OK, "a new database holds an account");
    status = asset_create(x, &asset, name, (struct bytes){ 0 }, &asset.issuer, 0);
    INVARIANT(status == OK, "a new database holds an asset");
    memcpy(id.bytes, asset.id.bytes, sizeof(id.bytes));
    event_asset_issued(x, &(struct event_asset_issued){ .symbol = asset.symbol,
                                                        .asset = id,
                                                        .issuer = asset.issuer,
                                                        .name = name,
                                                        .decimals = asset.decimals,
                                                        .amount = 0,
                                                        .max_supply = asset.max_supply });
}
