/* A batch's data, and what identifies it and its game. */
#include "test_rollup.h"

static void data_is_split_into_its_transactions(void **state)
{
    AUTO_WORLD world = world_small();
    CLEANUP(buffer_close) struct buffer data = { 0 };
    static struct bytes items[BATCH_ITEMS_MAX];
    struct error error;
    struct made made;
    size_t count;

    (void)state;
    assert_status(batch_split(bytes_of(NULL, 0), &world->rollup, 2, items, &count, &error), OK);
    assert_int_equal(count, 0);
    made_random(&made, world, &dice, 0, 30, 0, false);
    for (uint64_t i = 0; i < made.batch.machine.items; i++)
        buffer_append(&data, made.items[i].data, made.items[i].size);
    assert_status(batch_split(buffer_bytes(&data), &world->rollup, 2, items, &count, &error), OK);
    assert_int_equal(count, made.batch.machine.items);
    for (size_t i = 0; i < count; i++)
        assert_true(bytes_equal(items[i], made.items[i]));
    assert_status(batch_split(bytes_of(data.data, data.size - 1), &world->rollup, 2, items, &count, &error),
                  ERROR_MALFORMED_ITEM);
    data.data[0] = 99;
    assert_status(batch_split(buffer_bytes(&data), &world->rollup, 2, items, &count, &error),
                  ERROR_MALFORMED_ITEM);
    made_close(&made);
}

static void data_beyond_the_limits_is_refused(void **state)
{
    AUTO_WORLD world = world_small();
    CLEANUP(buffer_close) struct buffer data = { 0 };
    static struct bytes items[BATCH_ITEMS_MAX];
    static const uint8_t small[1 + 6 + 64] = { 1, 0, 0, 0, 0, 0, 1 };
    static uint8_t large[BATCH_DATA_MAX + 1];
    struct error error;
    size_t count;

    (void)state;
    assert_true(sizeof small * BATCH_ITEMS_MAX > BATCH_DATA_MAX); /* bytes bind first */
    while (data.size + sizeof small <= BATCH_DATA_MAX)
        buffer_append(&data, small, sizeof small);
    assert_status(batch_split(buffer_bytes(&data), &world->rollup, 2, items, &count, &error), OK);
    assert_status(batch_split(bytes_of(large, sizeof large), &world->rollup, 2, items, &count, &error),
                  ERROR_LIMIT);
}

static void each_part_of_a_batch_makes_another_context(void **state)
{
    AUTO_WORLD world = world_small();
    struct hash root, contexts[9], ids[7];
    struct batch_result result = { .withdrawals = 1 };
    struct account_id proposer = { { 1 } };
    struct hash parent = { { 0 } };
    struct made made;

    (void)state;
    made_random(&made, world, &dice, 2, 3, 0, false);
    for (unsigned change = 0; change < 9; change++) {
        struct batch batch = made.batch;

        root = made.items_root;
        batch.machine.rollup.bytes[1] ^= change == 1;
        batch.number += change == 2;
        batch.previous_root.bytes[2] ^= change == 3;
        root.bytes[3] ^= change == 4;
        batch.machine.items += change == 5;
        batch.machine.inbox_items += change == 6;
        batch.machine.inbox_from += change == 7;
        batch.machine.assets += change == 8;
        batch_context(&batch, &root, &contexts[change]);
        for (unsigned other = 0; other < change; other++)
            assert_memory_not_equal(&contexts[other], &contexts[change], sizeof root);
    }
    for (unsigned change = 0; change < 7; change++) {
        struct batch_result claimed = result;
        struct account_id other_proposer = proposer;

        claimed.root.bytes[0] ^= change == 1;
        claimed.withdrawal_root.bytes[0] ^= change == 2;
        claimed.withdrawals += change == 3;
        other_proposer.bytes[31] ^= change == 4;
        parent.bytes[7] = change == 5;
        batch_id(&ids[change], &contexts[change == 6], &parent, &claimed, &other_proposer);
        for (unsigned other = 0; other < change; other++)
            assert_memory_not_equal(&ids[other], &ids[change], sizeof root);
    }
    made_close(&made);
}

static void the_game_is_deep_enough_for_each_step(void **state)
{
    (void)state;
    assert_int_equal(batch_game_depth(0), ITEM_STEPS_LOG2 + 1);
    assert_int_equal(batch_game_depth(2), ITEM_STEPS_LOG2 + 1);
    assert_int_equal(batch_game_depth(3), ITEM_STEPS_LOG2 + 2);
    for (uint64_t items = 0; items <= BATCH_ITEMS_MAX; items++) {
        unsigned depth = batch_game_depth(items);

        assert_true(items * ITEM_STEPS <= (uint64_t)1 << depth);
        assert_true(depth == ITEM_STEPS_LOG2 + 1 || items * ITEM_STEPS > (uint64_t)1 << (depth - 1));
        assert_int_equal(BATCH_SPLIT_DEPTH(depth), depth - ITEM_STEPS_LOG2);
    }
}

/* The trace goes on behind the last item up to the root claim, which differs from any other root's. */
static void the_trace_ends_in_the_root_claim(void **state)
{
    AUTO_WORLD world = world_small();
    const struct machine_access access = world_access(world);
    struct machine machine = { .done = 0 };
    struct hash claim, found;
    struct error error;
    struct made made;

    (void)state;
    made_random(&made, world, &dice, 2, 3, 0, false);
    batch_prestate(&made.batch, &made.context, &claim);
    machine_commitment(&found, &made.context, &machine, &world->root);
    assert_memory_equal(&claim, &found, sizeof claim);
    unsigned depth = batch_game_depth(made.batch.machine.items);
    world->items = made.items;
    while (machine.done < (uint64_t)1 << depth)
        assert_status(machine_step(&made.batch.machine, &machine, &access, &error), OK);
    machine_commitment(&found, &made.context, &machine, &world->root);
    batch_root_claim(&made.context, depth, &world->root, &claim);
    assert_memory_equal(&claim, &found, sizeof claim);
    batch_root_claim(&made.context, depth, &made.batch.previous_root, &claim);
    assert_memory_not_equal(&claim, &found, sizeof claim);
    machine.status = MACHINE_INVALID;
    machine_commitment(&claim, &made.context, &machine, &world->root);
    assert_memory_not_equal(&claim, &found, sizeof claim);
    made_close(&made);
}

int batch_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_split_into_its_transactions),
        cmocka_unit_test(data_beyond_the_limits_is_refused),
        cmocka_unit_test(each_part_of_a_batch_makes_another_context),
        cmocka_unit_test(the_game_is_deep_enough_for_each_step),
        cmocka_unit_test(the_trace_ends_in_the_root_claim),
    };

    return cmocka_run_group_tests_name("rollup batch", tests, NULL, NULL);
}
