/* The leaves of a rollup's state tree, pure: accounts, which account a key has, and two leaves of which there
 * is one each. The tree is crypto/state_tree.h: keys and values below are the hashes that it holds.
 *
 *     key    SHA-256 tagged `layerd/rollup/key` of the leaf's place: kind (1) and index (4, big-endian),
 *            or kind and a key's 32 bytes, or kind alone
 *     value  SHA-256 tagged `layerd/rollup/value` of the leaf's bytes (leaf_encode) */
#ifndef LAYER2_ROLLUP_LEAF_H
#define LAYER2_ROLLUP_LEAF_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "crypto/outbox_tree.h"

#define ROLLUP_ASSETS_MAX 8 /* an asset of a rollup is a number: 0 … assets − 1 */

enum leaf_kind {
    LEAF_ACCOUNT = 1, /* place: the account's index */
    LEAF_INDEX = 2,   /* place: an x-only key; which account is its */
    LEAF_GLOBAL = 3,
    LEAF_OUTBOX = 4,
};

struct leaf_place {
    enum leaf_kind kind;
    uint32_t index;         /* of LEAF_ACCOUNT; else 0 */
    struct account_id key;  /* of LEAF_INDEX; else zero */
};

/* Accounts are numbered from 0 in the order of their coming; 0 is the operator's and takes the fees. An
 * account's key never changes. */
struct rollup_account {
    struct account_id key;
    uint64_t nonce; /* of its next transaction */
    uint64_t balances[ROLLUP_ASSETS_MAX];
};

struct rollup_global {
    uint32_t accounts; /* how many there are: the next one's index */
    uint64_t inbox;    /* the next inbox item to be taken in; the first is 0 */
};

struct leaf {
    enum leaf_kind kind;
    union {
        struct rollup_account account;
        uint32_t index;
        struct rollup_global global;
        struct outbox_tree outbox; /* withdrawals so far */
    };
};

void leaf_place_hash(struct hash *out, const struct leaf_place *place);

/* The state before the first batch: account 0 with the operator's key and nothing, its index, one account and
 * no inbox item so far, an empty outbox. All four leaves are there from then on. */
#define GENESIS_LEAVES 4
void leaf_genesis(const struct account_id *operator_key, struct leaf_place places[GENESIS_LEAVES],
                  struct leaf leaves[GENESIS_LEAVES]);

/* One form for each leaf, at most LEAF_SIZE_MAX bytes, integers big-endian: kind (1), then
 *     account  key (32), nonce (8), a bit for each asset held (1), the balances that are not 0 (8 each)
 *     index    4
 *     global   accounts (4), inbox (8)
 *     outbox   count (8), the frontier's hashes where a bit of count is 1, from the lowest level on */
#define LEAF_SIZE_MAX (1 + 8 + OUTBOX_DEPTH * 32)
void leaf_encode(const struct leaf *leaf, struct buffer *out);
/* ERROR_INVALID_PARAMS for all bytes that leaf_encode would not write, and for nonces, balances and numbers
 * beyond INTEGER_MAX, which no state has. */
MUST_CHECK enum status leaf_decode(struct bytes bytes, struct leaf *leaf, struct error *error);
void leaf_value_hash(struct hash *out, const struct leaf *leaf);

#endif
