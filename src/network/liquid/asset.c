/* Ids of Liquid's assets: see asset.h. */
#include "network/liquid/asset.h"

#include <string.h>

#include "crypto/hash.h"

/* One compression of SHA-256 over both, without the padding: the state that libsodium has after a whole
 * block. */
static void fast_node(const struct hash *left, const struct hash *right, struct hash *out)
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, left->bytes, sizeof(left->bytes));
    crypto_hash_sha256_update(&state, right->bytes, sizeof(right->bytes));
    for (size_t i = 0; i < 8; i++)
        put_be32(out->bytes + 4 * i, state.state[i]);
}

void liquid_entropy(const struct liquid_outpoint *spent, const struct hash *contract, struct hash *entropy)
{
    uint8_t outpoint[36];
    struct hash hashed;

    memcpy(outpoint, spent->transaction.bytes, 32);
    for (size_t i = 0; i < 4; i++)
        outpoint[32 + i] = (uint8_t)(spent->output >> (8 * i));
    double_sha256(&hashed, outpoint, sizeof(outpoint));
    fast_node(&hashed, contract, entropy);
}

static void asset_of(const struct hash *entropy, uint8_t kind, struct hash *out)
{
    struct hash tag = { .bytes = { kind } };

    fast_node(entropy, &tag, out);
}

void liquid_asset(const struct hash *entropy, struct hash *asset)
{
    asset_of(entropy, 0, asset);
}

void liquid_token(const struct hash *entropy, bool blinded, struct hash *token)
{
    asset_of(entropy, blinded ? 2 : 1, token);
}
