/* What a rollup's state is made of, and how its leaves are read and written: for state.c, execute.c, trace.c
 * and fraud_prove.c. Whatever is written is also noted in a journal, from which it is taken back. */
#ifndef LAYER2_ROLLUP_STATE_LEAVES_H
#define LAYER2_ROLLUP_STATE_LEAVES_H

#include "layer2/rollup/account_table.h"
#include "layer2/rollup/leaf_tree.h"
#include "layer2/rollup/state.h"

struct rollup_state {
    struct account_table accounts;
    struct leaf global, outbox;
    bool global_there, outbox_there;
    bool global_dirty, outbox_dirty;
    struct leaf_tree *tree;
    uint32_t *dirty;         /* accounts that the tree does not have as they are */
    size_t dirty_count, dirty_room;
    struct rollup_account *shown; /* what rollup_state_account points to */
};

/* Leaves that were written, oldest first, each with what it was. */
struct journal_entry {
    enum leaf_kind kind;
    uint32_t index;  /* of an account, also for its key's leaf */
    bool was;
    size_t before;   /* where its bytes begin in `bytes`: a row, a global, an outbox */
};

struct journal {
    struct journal_entry *entries;
    size_t count, room;
    struct buffer bytes;
};

void journal_clear(struct journal *journal);
void journal_close(struct journal *journal);
/* Takes back all but the first `keep` entries. */
void state_undo(struct rollup_state *state, struct journal *journal, size_t keep);
/* What the entry's leaf was. */
void journal_before(const struct rollup_state *state, const struct journal *journal,
                    const struct journal_entry *entry, struct leaf *leaf);

/* False: there is none. The leaf's other union members are not touched. */
MUST_CHECK bool state_read(const struct rollup_state *state, const struct leaf_place *place,
                           struct leaf *leaf);
/* Puts the leaf there; `journal` may be NULL. An account stands before its key's leaf is written. */
void state_leaf_write(struct rollup_state *state, const struct leaf_place *place, const struct leaf *leaf,
                 struct journal *journal);

/* The account will be read soon, if it exists. */
void state_prefetch(const struct rollup_state *state, uint32_t index);

/* Makes the tree what the leaves are. */
void state_hash(struct rollup_state *state);

/* --- executing -------------------------------------------------------------------------------- */
/* What a machine works on: the access's context. */
struct execution_access {
    struct rollup_state *state;
    struct journal *journal;
    const struct bytes *items;
    struct leaf leaf; /* the one that was read in this step */
    const bool *verified; /* [item], or NULL */
    struct withdrawal *withdrawals;
    size_t withdrawal_count, withdrawal_room;
    bool collect;     /* withdrawals */
};
struct machine_access execution_machine_access(struct execution_access *access);

/* The whole batch, from the journal's end on; `faults` [item] may be NULL. Afterwards machine->status tells
 * whether it could be executed; if not the machine's registers say why not, and it is at the end of the item.
 */
void execute_items(struct execution_access *access, const struct machine_batch *batch,
                   struct machine *machine, enum item_fault *faults);
void state_result(struct rollup_state *state, struct batch_result *result);

#endif
