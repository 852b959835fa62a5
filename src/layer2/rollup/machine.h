/* The rollup machine, pure: items executed in micro-steps, of which each touches one leaf of the state tree
 * at most. The executor and the one-step verifier call the same function, machine_step; what differs is where
 * the leaf comes from.
 *
 * Every item takes ITEM_STEPS steps; steps that have nothing to do count too, so step 16·i + s belongs to
 * item i, and behind the last item the trace goes on with steps that do nothing. What step s does, and to
 * which leaf (→: it is written; in brackets: what makes the item null, or the batch invalid):
 *
 *      transfers            withdrawal          registration        deposit             forced exit
 *   0  global: the item is decoded [malformed]; the accounts that a transaction names are below the number
 *      of accounts [no account]; `index` is the next account's; → one inbox item more, when it is from there
 *   1  account `from`: is the signature by its key [signature]      index of key:       index of key
 *                                                                   known? [full]       [no account]
 *   2                       outbox [full]       index of key                            outbox [full]
 *                                               [exists, full]
 *   3  account `from`: nonce and balance [nonce, balance];                              account: balance
 *      → one nonce more, amounts and fee less                                           [balance]; → less
 *   4  → account: output 1  → outbox: one more  → global: one more  → global, if new    → outbox: one more
 *   5  → account: output 2                      → account: new      → account: credit
 *   6  → account: output 3                      → index: new        → index, if new
 *   …  … 11: output 8
 *  12  → account 0: the fee, unless it is 0
 *  13 … 15 nothing
 *
 * Everything is decided before the first write, but for the inbox's counter, which moves by one with each
 * inbox item: so an item that turns out null leaves no change behind. A transaction that cannot be executed
 * sets the status MACHINE_INVALID, which no later step leaves. A forced transaction or exit that cannot is
 * null: the rest of its steps does nothing. A deposit is never null: the ledger takes none that could be. An
 * exited item is not either: step 3 takes its amount from the account, and no other does anything. Such items
 * come before all else that is executed on a state that was final, so the account has it.
 *
 * After step n the machine's commitment is the tagged hash `layerd/rollup/step` of
 *     context (32), steps done (8: n + 1; before the first 0), state root (32), status (1), registers (32)
 * where `registers` is 32 zero bytes between items and once the batch is invalid, else the tagged hash
 * `layerd/rollup/registers` of their bytes: flags (1: 1 null, 2 known), fault (1), amount (8), index (4),
 * then, unless it is null, the item's bytes; of a transaction without its signature once that is verified.
 * The context tells which batch it is (batch.h), so no commitment is good for another. */
#ifndef LAYER2_ROLLUP_MACHINE_H
#define LAYER2_ROLLUP_MACHINE_H

#include "layer2/rollup/item.h"

#define ITEM_STEPS 16u
#define ITEM_STEPS_LOG2 4u
#define BATCH_ITEMS_MAX 4096u

enum machine_status {
    MACHINE_RUNNING = 0,
    MACHINE_INVALID = 1,
};

/* Why an item is invalid, or null. */
enum item_fault {
    FAULT_NONE,
    FAULT_MALFORMED,
    FAULT_SIGNATURE,
    FAULT_NONCE,
    FAULT_BALANCE,
    FAULT_NO_ACCOUNT, /* sender or recipient has none */
    FAULT_EXISTS,     /* the key to be registered has an account */
    FAULT_FULL,       /* accounts, or the outbox */
    FAULT_STATE,      /* the state is none that this machine makes, or an inbox item is not the next one:
                         always invalid, and only on a false root */
};
const char *item_fault_name(enum item_fault fault); /* "bad_signature", … */

/* What goes from step to step of one item. */
struct registers {
    bool active;            /* between items: not */
    bool null;              /* an inbox item that turned out to do nothing */
    enum item_fault fault;  /* stays, as `null` does, until the next item's first step */
    struct item item;       /* its digest is not filled */
    uint64_t amount;        /* what a forced exit takes, known once its account was read; else 0 */
    uint32_t index;         /* of the account that a key has or gets; step 0 sets it to the next account's */
    bool known;             /* deposit, forced exit: the key had one before */
};

struct machine {
    uint64_t done; /* steps */
    enum machine_status status;
    struct registers registers;
};

/* Where leaves and items come from and go to. */
struct machine_access {
    void *context;
    /* The item's bytes, valid until the step ends. Called in the item's first step only. */
    enum status (*item)(void *context, uint64_t index, struct bytes *bytes, struct error *error);
    /* The leaf there, or *leaf = NULL; its kind is the place's. Valid and changeable until the step ends.
     * Called at most once a step, for the place that machine_place tells. */
    enum status (*read)(void *context, const struct leaf_place *place, struct leaf **leaf,
                        struct error *error);
    /* After the leaf that was read was changed in place, or `leaf` is new where nothing was. The same place
     * as read in this step; at most once a step, and last. */
    enum status (*write)(void *context, const struct leaf_place *place, const struct leaf *leaf,
                         struct error *error);
    /* Whether the signature is known to be good, as the executor may; NULL, or false: it is verified here. */
    bool (*verified)(void *context, uint64_t index, const struct account_id *key, const struct item *item);
    /* An executed withdrawal; NULL: nobody asks. */
    void (*withdrew)(void *context, const struct withdrawal *withdrawal);
};

/* What the batch is, as far as a step depends on it. */
struct machine_batch {
    struct hash rollup; /* the rollup's id */
    unsigned assets;    /* 1 … ROLLUP_ASSETS_MAX */
    uint64_t items;     /* those of the inbox first */
    uint64_t inbox_items;
    uint64_t inbox_from; /* number of the first of these */
};

/* One step. Fails only when the access does; the machine is then not to be used any more. */
MUST_CHECK enum status machine_step(const struct machine_batch *batch, struct machine *machine,
                                    const struct machine_access *access, struct error *error);

/* ITEM_STEPS steps or fewer: to the end of the item at hand. For the executor. */
MUST_CHECK enum status machine_item(const struct machine_batch *batch, struct machine *machine,
                                    const struct machine_access *access, struct error *error);

/* The leaf that the next step reads; false: none. */
MUST_CHECK bool machine_place(const struct machine_batch *batch, const struct machine *machine,
                              struct leaf_place *place);
/* Whether the next step decodes an item: the one with index machine->done / ITEM_STEPS. */
MUST_CHECK bool machine_decodes(const struct machine_batch *batch, const struct machine *machine);

void machine_commitment(struct hash *out, const struct hash *context, const struct machine *machine,
                        const struct hash *root);

/* --- one step, verified without the state ------------------------------------------------------ */
/* A witness as bytes: status (1), state root (32), registers (2, length, 0 when not active; and bytes), item
 * (2, length, 0: not needed; bytes; then its place in the items' tree as the RFC 6962 inclusion proof: count
 * (1), hashes), leaf (2, length, 0: absent; bytes), then state_proof_encode to the end, or nothing when the
 * step touches no leaf. witness.h makes them. */
#define WITNESS_SIZE_MAX (16 * 1024)

/* Whether the step with this index (0 …: the one after which index + 1 steps are done) leads from `pre` to
 * `post`. ERROR_INVALID_WITNESS: it does not belong to `pre`, or proves nothing; then nothing is decided. */
MUST_CHECK enum status machine_judge(const struct machine_batch *batch, const struct hash *context,
                                     const struct hash *items_root, uint64_t index, const struct hash *pre,
                                     const struct hash *post, struct bytes witness, bool *right,
                                     struct error *error);

#endif
