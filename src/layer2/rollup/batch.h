/* A rollup's batch, pure: its data, what identifies it, and the fraud that can be proved at once. */
#ifndef LAYER2_ROLLUP_BATCH_H
#define LAYER2_ROLLUP_BATCH_H

#include "crypto/state_proof.h"
#include "layer2/rollup/machine.h"

#define BATCH_DATA_MAX ((size_t)256 * 1024) /* bytes of transactions */

/* A batch as it is executed: all items as bytes, those of the inbox first. */
struct batch {
    struct machine_batch machine;
    uint64_t number;            /* 1, 2, … */
    struct hash previous_root;
    const struct bytes *items;  /* machine.items of them */
};

struct batch_result {
    struct hash root;           /* of the state tree */
    struct hash withdrawal_root; /* outbox_root */
    uint64_t withdrawals;       /* in the outbox so far */
};

/* Splits published data into transactions. ERROR_MALFORMED_ITEM names the first that is none;
 * ERROR_LIMIT: more than BATCH_ITEMS_MAX. `items` has room for that many. */
MUST_CHECK enum status batch_split(struct bytes data, const struct hash *rollup, unsigned assets,
                                   struct bytes *items, size_t *count, struct error *error);

/* Root of the RFC 6962 tree over all items' bytes. */
void batch_items_root(const struct batch *batch, struct hash *root);

/* Which batch a game is about: tagged hash `layerd/rollup/context` of rollup id, number (8), previous root,
 * items root, items (8), inbox items (8), number of the first inbox item (8), assets (1). */
void batch_context(const struct batch *batch, const struct hash *items_root, struct hash *context);
/* The batch's id: tagged hash `layerd/rollup/batch` of context, parent's id (32; zero for the first), new
 * root, withdrawal root, withdrawals (8), proposer (32). */
void batch_id(struct hash *id, const struct hash *context, const struct hash *parent,
              const struct batch_result *result, const struct account_id *proposer);

/* --- its game ---------------------------------------------------------------------------------- */
/* The game about a batch of so many items: 2^depth ≥ items · ITEM_STEPS; claims down to the split depth stand
 * between items. depth ≥ ITEM_STEPS_LOG2 + 1. */
unsigned batch_game_depth(uint64_t items);
#define BATCH_SPLIT_DEPTH(depth) ((depth) - ITEM_STEPS_LOG2)
/* Commitments between items: before the first step, and what the root claim must say. */
void batch_prestate(const struct batch *batch, const struct hash *context, struct hash *out);
void batch_root_claim(const struct hash *context, unsigned depth, const struct hash *root, struct hash *out);

/* --- fraud that is proved at once ------------------------------------------------------------- */
/* Against a root of the state before the batch and the batch's own data. Keys never change, every transaction
 * adds one to its sender's nonce, and amounts stand in the data: so one leaf and the items before tell. */
enum fraud_kind {
    FRAUD_SIGNATURE = 1,  /* item's signature is not by its sender's key */
    FRAUD_NONCE = 2,      /* its nonce is not the sender's next one */
    FRAUD_BALANCE = 3,    /* its sender has not got that much */
    FRAUD_WITHDRAWALS = 4, /* the new root's outbox has another withdrawal root, or number */
};
const char *fraud_kind_name(enum fraud_kind kind);
/* Bytes: kind (1), item (4), leaf (2, length; bytes), state_proof_encode. At most FRAUD_SIZE_MAX. */
#define FRAUD_SIZE_MAX (16 * 1024)
void fraud_encode(enum fraud_kind kind, uint32_t item, const struct leaf *leaf,
                  const struct state_proof *proof, struct buffer *out); /* leaf NULL: absent */
/* ERROR_NOT_FRAUD: the proof is sound and shows that all is right; ERROR_INVALID_WITNESS: it is not sound. An
 * account that the batch itself makes cannot be argued about here: the game can. */
MUST_CHECK enum status fraud_verify(const struct batch *batch, const struct batch_result *claimed,
                                    struct bytes proof, enum fraud_kind *kind, struct error *error);

#endif
