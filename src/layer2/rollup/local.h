/* SQL of what this node keeps of rollups: the executed state, what undoes batches, verdicts, withdrawals. */
#ifndef LAYER2_ROLLUP_LOCAL_H
#define LAYER2_ROLLUP_LOCAL_H

#include "layer2/rollup/rollup.h"

/* How far a rollup is executed. */
struct lane_row {
    struct hash batch; /* zero: none */
    uint64_t number;
};
MUST_CHECK bool lane_read(struct database *database, uint64_t domain, struct lane_row *row);
void lane_write(struct database *database, uint64_t domain, const struct lane_row *row);
MUST_CHECK bool lane_is_stalled(struct database *database, uint64_t domain, const char *reason);
/* What was told of why no batch can be proposed; "" for nothing. True when that is news. */
MUST_CHECK bool lane_set_stalled(struct database *database, uint64_t domain, const char *reason);

/* --- leaves */
MUST_CHECK bool leaf_read(struct database *database, uint64_t domain, const struct leaf_place *place,
                          struct leaf *leaf);
/* NULL: nothing is there any more. */
void leaf_write(struct database *database, uint64_t domain, const struct leaf_place *place,
                const struct leaf *leaf);
/* How many there are; `most` when there are more. */
uint64_t leaf_count(struct database *database, uint64_t domain, uint64_t most);
void leaf_load_all(struct database *database, uint64_t domain, struct rollup_state *state);

/* --- undo */
void undo_write(struct database *database, uint64_t domain, uint64_t number,
                const struct leaf_change *changes,
                size_t count);
/* The caller frees. */
struct leaf_change *undo_read(struct database *database, uint64_t domain, uint64_t number, size_t *count);
void undo_delete(struct database *database, uint64_t domain, uint64_t number);
void undo_delete_to(struct database *database, uint64_t domain, uint64_t number);
MUST_CHECK bool undo_exists_to(struct database *database, uint64_t domain, uint64_t number);

/* --- verdicts: read by batch_verdict_read */
void verdict_write(struct database *database, const struct hash *batch, const struct batch_verdict *verdict);

/* --- withdrawals */
/* Appends to the tree as it was before them. */
void withdrawals_append(struct database *database, uint64_t domain, uint64_t batch,
                        struct outbox_tree *tree, const struct withdrawal *list, size_t count);
/* keeps the first `count` */
void withdrawals_cut(struct database *database, uint64_t domain, uint64_t count);
MUST_CHECK bool withdrawal_find(struct database *database, uint64_t domain, uint64_t number,
                                struct withdrawal *withdrawal, uint64_t *batch);
/* In the tree of the first `count`. */
MUST_CHECK bool withdrawal_prove(struct database *database, uint64_t domain, uint64_t number, uint64_t count,
                                 struct outbox_proof *proof);

#endif
