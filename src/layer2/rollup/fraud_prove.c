/* Proofs of fraud made: the batch is executed, and what is wrong with it shown on the state before it, or
 * that after it. What is made is verified here before it is given out. */
#include <string.h>

#include "base/memory.h"
#include "layer2/rollup/state_leaves.h"

/* The kind of fraud by which a fault is proved; false: none. */
static bool kind_of(enum item_fault fault, enum fraud_kind *kind)
{
    switch (fault) {
    case FAULT_SIGNATURE:
        *kind = FRAUD_SIGNATURE;
        return true;
    case FAULT_NONCE:
        *kind = FRAUD_NONCE;
        return true;
    case FAULT_BALANCE:
        *kind = FRAUD_BALANCE;
        return true;
    case FAULT_NONE:
    case FAULT_MALFORMED:
    case FAULT_NO_ACCOUNT:
    case FAULT_EXISTS:
    case FAULT_FULL:
    case FAULT_STATE:
        return false;
    }
    return false;
}

static void prove_leaf(struct rollup_state *state, enum fraud_kind kind, uint32_t item,
                       const struct leaf_place *place, struct buffer *out)
{
    struct state_proof proof;
    struct leaf leaf;
    bool present;

    rollup_state_prove(state, place, &proof, &leaf, &present);
    fraud_encode(kind, item, present ? &leaf : NULL, &proof, out);
}

/* On the state before the batch. */
static bool prove_item(struct rollup_state *state, const struct machine *machine, struct buffer *out)
{
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = machine->registers.item.from };
    enum fraud_kind kind;

    if (!kind_of(machine->registers.fault, &kind))
        return false;
    prove_leaf(state, kind, (uint32_t)((machine->done - 1) / ITEM_STEPS), &place, out);
    return true;
}

/* On the state after the batch, when its root is the claimed one. */
static bool prove_withdrawals(struct rollup_state *state, const struct batch_result *claimed,
                              struct buffer *out)
{
    const struct leaf_place place = { .kind = LEAF_OUTBOX };
    struct batch_result right;

    state_result(state, &right);
    if (!hash_equal(&right.root, &claimed->root) ||
        (right.withdrawals == claimed->withdrawals &&
         hash_equal(&right.withdrawal_root, &claimed->withdrawal_root)))
        return false;
    prove_leaf(state, FRAUD_WITHDRAWALS, 0, &place, out);
    return true;
}

bool rollup_fraud_prove(struct rollup_state *before, const struct batch *batch,
                        const struct batch_result *claimed, struct buffer *proof)
{
    CLEANUP(journal_close) struct journal journal = { .count = 0 };
    CLEANUP(buffer_close) struct buffer made = { .size = 0 };
    struct execution_access access = { .state = before, .journal = &journal, .items = batch->items };
    struct machine machine;
    enum fraud_kind kind;
    bool proved;

    execute_items(&access, &batch->machine, &machine, NULL);
    if (machine.status == MACHINE_INVALID) {
        state_undo(before, &journal, 0);
        proved = prove_item(before, &machine, &made);
    } else {
        proved = prove_withdrawals(before, claimed, &made);
        state_undo(before, &journal, 0);
    }
    if (!proved || fraud_verify(batch, claimed, buffer_bytes(&made), &kind, NULL) != OK)
        return false;
    buffer_append(proof, made.data, made.size);
    return true;
}
