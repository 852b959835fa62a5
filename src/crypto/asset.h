/* The id of an asset follows from its chain and its symbol alone, so that a symbol becomes an id without
 * asking any ledger: nodes and clients share this file. */
#ifndef CRYPTO_ASSET_H
#define CRYPTO_ASSET_H

#include "base/bytes.h"

#define ASSET_TAG "layerd/asset"
#define ASSET_SYMBOL_MAX 13 /* with the final zero */

/* 2 to 12 of A-Z and 0-9, a letter first. */
bool asset_symbol_valid(const char *symbol);

/* Tagged hash "layerd/asset" of: chain and symbol, each behind its length as 4 bytes big-endian. Any text
 * gives an id; whether such an asset exists the ledger knows. */
void asset_id_from_symbol(struct asset_id *asset, const char *chain, const char *symbol);

#endif
