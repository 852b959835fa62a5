/* A rollup's state in memory, and executing batches on it. What is durable is the caller's: each executed
 * batch tells which leaves it changed, from what to what, so that rows can follow, and a rejected batch be
 * taken back. One thread at a time. */
#ifndef LAYER2_ROLLUP_STATE_H
#define LAYER2_ROLLUP_STATE_H

#include "crypto/state_proof.h"
#include "layer2/rollup/batch.h"
#include "layer2/rollup/machine.h"

struct rollup_state;

/* The state before the first batch: account 0 is `operator_key`'s, with nothing. */
struct rollup_state *rollup_state_new(unsigned assets, const struct account_id *operator_key);
/* An empty one to be filled with rows by rollup_state_load. */
struct rollup_state *rollup_state_empty(unsigned assets);
void rollup_state_free(struct rollup_state *state);

/* A leaf read back from a row, in any order. */
void rollup_state_load(struct rollup_state *state, const struct leaf_place *place, const struct leaf *leaf);

/* Hashes what changed since it was asked last. */
void rollup_state_root(struct rollup_state *state, struct hash *root);
/* NULL: there is none. Valid until the state changes. */
const struct rollup_account *rollup_state_account(const struct rollup_state *state, uint32_t index);
MUST_CHECK bool rollup_state_find(const struct rollup_state *state, const struct account_id *key,
                                  uint32_t *index);
uint32_t rollup_state_accounts(const struct rollup_state *state);
const struct outbox_tree *rollup_state_outbox(const struct rollup_state *state);
/* The sum over all accounts, for invariants. */
uint64_t rollup_state_total(const struct rollup_state *state, unsigned asset);
size_t rollup_state_memory(const struct rollup_state *state); /* bytes, about */

/* One leaf that a batch changed. Each place once, with what it was before the batch. */
struct leaf_change {
    struct leaf_place place;
    bool was, is;               /* present before, after */
    struct leaf before, after;  /* where present */
};
struct batch_effects {
    struct leaf_change *changes;
    size_t change_count;
    struct withdrawal *withdrawals;
    size_t withdrawal_count;
    enum item_fault *faults;    /* [item]: of inbox items that were null; else FAULT_NONE */
};
void batch_effects_close(struct batch_effects *effects);

/* Executes the batch: *result is what it leads to. ERROR_INVALID_BATCH when an item is malformed or cannot be
 * executed: the message names the item and why, *invalid is its index and *fault the reason, and the state is
 * as before. `verified` [item] tells which signatures are known to be good (NULL: all are verified here).
 * `effects` may be NULL. The root is not computed unless `result` is asked for. */
MUST_CHECK enum status rollup_execute(struct rollup_state *state, const struct batch *batch,
                                      const bool *verified, struct batch_result *result,
                                      struct batch_effects *effects, uint64_t *invalid,
                                      enum item_fault *fault, struct error *error);
/* One transaction tried alone on the state as it is, which stays so: whether the next batch may take it. What
 * `pending` already holds for its sender is the caller's to keep apart. */
MUST_CHECK enum item_fault rollup_try(struct rollup_state *state, const struct machine_batch *batch,
                                      struct bytes transaction);
/* Takes the changes back, newest batch first. */
void rollup_revert(struct rollup_state *state, const struct leaf_change *changes, size_t count);

/* --- proofs ------------------------------------------------------------------------------------ */
/* That the leaf is there, or is not, under the root. */
void rollup_state_prove(struct rollup_state *state, const struct leaf_place *place, struct state_proof *proof,
                        struct leaf *leaf, bool *present);

/* The trace of one batch on the state before it. The state is changed while the trace is used, and as it was
 * once it is closed. Values are found by executing up to the item and then step by step, with a few states
 * kept between, so that a game's questions cost little each. */
struct batch_trace;
struct batch_trace *batch_trace_open(struct rollup_state *before, const struct batch *batch);
void batch_trace_close(struct batch_trace *trace);
/* These signatures [item] are known to be good; the others are verified once, when their item is executed. */
void batch_trace_trust(struct batch_trace *trace, const bool *verified);
/* The commitment after step `index`; for honest_trace (layer2/optimistic/honest.h). Indices beyond 2^63 are
 * refused with ERROR_INVALID_PARAMS. */
MUST_CHECK enum status batch_trace_value(void *trace, unsigned __int128 index, struct hash *out,
                                         struct error *error);
/* What machine_judge needs for this step. */
MUST_CHECK enum status batch_trace_witness(struct batch_trace *trace, uint64_t index, struct buffer *witness,
                                           struct error *error);

/* A proof for fraud_verify of why the batch is wrong on this state, where one of fraud_kind applies; false:
 * none does, and a game must show it. */
MUST_CHECK bool rollup_fraud_prove(struct rollup_state *before, const struct batch *batch,
                                   const struct batch_result *claimed, struct buffer *proof);

#endif
