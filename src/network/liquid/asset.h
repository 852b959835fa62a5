/* Ids of Liquid's assets, from the output that is spent and the contract (Elements, "Asset issuance").
 * Pure. */
#ifndef NETWORK_LIQUID_ASSET_H
#define NETWORK_LIQUID_ASSET_H

#include "network/liquid/bytes.h"

struct liquid_outpoint {
    struct hash transaction; /* in the wire's order of bytes */
    uint32_t output;
};

/* Entropy of an issue that spends the output, under the hash of a contract (wire order; all zero: no
 * contract). */
void liquid_entropy(const struct liquid_outpoint *spent, const struct hash *contract, struct hash *entropy);
void liquid_asset(const struct hash *entropy, struct hash *asset);
/* Of the token that lets its holder issue more. `blinded`: the first issue's amount was confidential. */
void liquid_token(const struct hash *entropy, bool blinded, struct hash *token);

#endif
