/* What a rollup takes from anybody: transactions, inbox items, leaves, witnesses and proofs of fraud. What is
 * taken must be what we would write; and a step's witness, changed in some places, never shows that the step
 * leads anywhere else than it does. */
#include <stdlib.h>
#include <string.h>

#include "../unit/rollup/world.h"

#define FUZZ_SIZE_MAX 20000
#define STEPS 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct made made;
static struct buffer witnesses[STEPS];
static struct hash commitments[STEPS + 1]; /* before each step, and after the last */
static size_t steps;

/* The witnesses of a random batch that has nothing wrong. */
static void start(void)
{
    struct world *world = world_new(2);
    const struct machine_access access = world_access(world);
    struct machine machine = { .done = 0 };
    struct dice dice = { 7 };
    struct error error;

    made_random(&made, world, &dice, 5, 2, 0, false);
    world->items = made.items;
    const struct machine_batch *batch = &made.batch.machine;
    machine_commitment(&commitments[0], &made.context, &machine, &world->root);
    for (; steps < STEPS && steps < (batch->items + 1) * ITEM_STEPS; steps++) {
        if (witness_make(batch, made.items, &machine, &world->root, world_prove, world, &witnesses[steps],
                         &error) != OK ||
            machine_step(batch, &machine, &access, &error) != OK)
            abort();
        machine_commitment(&commitments[steps + 1], &made.context, &machine, &world->root);
    }
    world_free(world);
}

static void check_transaction(struct bytes bytes)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct item item;
    size_t size;

    if (rollup_transaction_decode(bytes, &made.batch.machine.rollup, 2, &item, &size, NULL) != OK)
        return;
    INVARIANT(transaction_total(&item) <= INTEGER_MAX && item.asset < 2, "a transaction out of range");
    rollup_transaction_encode(&item, &again);
    INVARIANT(bytes_equal(buffer_bytes(&again), bytes_of(bytes.data, size)), "read and written differently");
}

static void check_inbox_item(struct bytes bytes)
{
    CLEANUP(buffer_close) struct buffer again = { 0 }, transaction = { 0 };
    struct item item;

    if (inbox_item_decode(bytes, &made.batch.machine.rollup, 2, &item, NULL) != OK || item.malformed)
        return;
    if (item.kind == ITEM_DEPOSIT || item.kind == ITEM_FORCED_EXIT || item.kind == ITEM_EXITED) {
        inbox_item_encode(&item, &again);
    } else {
        rollup_transaction_encode(&item, &transaction);
        inbox_forced_encode(item.number, buffer_bytes(&transaction), &again);
    }
    INVARIANT(bytes_equal(buffer_bytes(&again), bytes), "an inbox item is read and written differently");
}

static void check_leaf(struct bytes bytes)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct leaf leaf;

    if (leaf_decode(bytes, &leaf, NULL) != OK)
        return;
    leaf_encode(&leaf, &again);
    INVARIANT(bytes_equal(buffer_bytes(&again), bytes), "a leaf is read and written differently");
}

static void check_judge(size_t step, struct bytes witness)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct witness decoded;
    struct hash other = commitments[step + 1];
    struct error error;
    bool right;

    if (witness_decode(witness, &decoded, &error) == OK) {
        witness_encode(&decoded, &again);
        INVARIANT(bytes_equal(buffer_bytes(&again), witness), "a witness is read and written differently");
    }
    other.bytes[0] ^= 1;
    if (machine_judge(&made.batch.machine, &made.context, &made.items_root, step, &commitments[step], &other,
                      witness, &right, &error) == OK)
        INVARIANT(!right && bytes_equal(witness, buffer_bytes(&witnesses[step])), "a wrong step is shown");
}

/* Takes a step, then a place and a mask each. */
static void check_changed(struct bytes bytes)
{
    CLEANUP(buffer_close) struct buffer changed = { 0 };

    if (bytes.size == 0)
        return;
    size_t step = bytes.data[0] % steps;
    buffer_append(&changed, witnesses[step].data, witnesses[step].size);
    for (size_t i = 1; i + 2 < bytes.size; i += 3)
        changed.data[(size_t)(bytes.data[i] << 8 | bytes.data[i + 1]) % changed.size] ^= bytes.data[i + 2];
    check_judge(step, buffer_bytes(&changed));
}

/* The batch has nothing wrong, but any new root may be claimed for it. */
static void check_fraud(struct bytes bytes)
{
    struct batch_result claimed = { .withdrawals = 0 };
    enum fraud_kind kind;
    struct error error;

    if (fraud_verify(&made.batch, &claimed, bytes, &kind, &error) == OK)
        INVARIANT(kind == FRAUD_WITHDRAWALS, "%s is shown", fraud_kind_name(kind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (steps == 0)
        start();
    if (size == 0 || size > FUZZ_SIZE_MAX)
        return 0;
    const struct bytes rest = { data + 1, size - 1 };
    switch (data[0] % 6) {
    case 0:
        check_transaction(rest);
        break;
    case 1:
        check_inbox_item(rest);
        break;
    case 2:
        check_leaf(rest);
        break;
    case 3:
        check_judge(data[0] / 6 % steps, rest);
        break;
    case 4:
        check_changed(rest);
        break;
    default:
        check_fraud(rest);
        break;
    }
    return 0;
}
