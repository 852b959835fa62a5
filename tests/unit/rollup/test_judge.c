/* One step judged from its witness: the same answer as the executor's for every step, and for nothing that
 * differs from it by a bit. */
#include "test_rollup.h"

#define TRACES 6
#define RANDOM_BITS 40

/* A batch in execution, before some step. */
struct trace {
    struct world *world;
    struct made made;
    struct machine machine;
    struct hash pre, post;
    struct buffer witness;
};

static void trace_begin(struct trace *trace, struct world *world)
{
    trace->world = world;
    trace->machine = (struct machine){ .done = 0 };
    trace->witness = (struct buffer){ 0 };
    world->items = trace->made.items;
    machine_commitment(&trace->post, &trace->made.context, &trace->machine, &world->root);
}

static void trace_end(struct trace *trace)
{
    buffer_close(&trace->witness);
    made_close(&trace->made);
}

/* Makes the witness of the next step, and then the step. */
static void trace_step(struct trace *trace)
{
    const struct machine_access access = world_access(trace->world);
    const struct machine_batch *batch = &trace->made.batch.machine;
    struct error error;

    trace->pre = trace->post;
    buffer_clear(&trace->witness);
    assert_status(witness_make(batch, trace->made.items, &trace->machine, &trace->world->root, world_prove,
                               trace->world, &trace->witness, &error), OK);
    assert_true(trace->witness.size <= WITNESS_SIZE_MAX);
    assert_status(machine_step(batch, &trace->machine, &access, &error), OK);
    machine_commitment(&trace->post, &trace->made.context, &trace->machine, &trace->world->root);
}

static enum status judge(const struct trace *trace, uint64_t index, const struct hash *pre,
                         const struct hash *post, bool *right)
{
    struct error error;

    return machine_judge(&trace->made.batch.machine, &trace->made.context, &trace->made.items_root, index,
                         pre, post, buffer_bytes(&trace->witness), right, &error);
}

/* Refused, or judged wrong. */
static void assert_not_right(const struct trace *trace, uint64_t index, const struct hash *pre,
                             const struct hash *post)
{
    bool right = true;
    enum status status = judge(trace, index, pre, post, &right);

    assert_true(status == ERROR_INVALID_WITNESS || (status == OK && !right));
}

static void flip(void *bytes, uint64_t bit)
{
    ((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

static void assert_right(const struct trace *trace)
{
    bool right = false;

    assert_int_equal(judge(trace, trace->machine.done - 1, &trace->pre, &trace->post, &right), OK);
    assert_true(right);
}

static void assert_each_bit_matters(struct trace *trace, bool all)
{
    uint64_t index = trace->machine.done - 1, bits = 8 * trace->witness.size;
    bool right;

    for (uint64_t i = 0; i < (all ? bits : RANDOM_BITS); i++) {
        uint64_t bit = all ? i : dice_roll(&dice, bits);

        flip(trace->witness.data, bit);
        assert_int_equal(judge(trace, index, &trace->pre, &trace->post, &right), ERROR_INVALID_WITNESS);
        flip(trace->witness.data, bit);
    }
    for (uint64_t i = 0; i < (all ? 256 : 4); i++) {
        uint64_t bit = all ? i : dice_roll(&dice, 256);
        struct hash pre = trace->pre, post = trace->post;

        flip(pre.bytes, bit);
        assert_int_equal(judge(trace, index, &pre, &trace->post, &right), ERROR_INVALID_WITNESS);
        flip(post.bytes, bit);
        assert_int_equal(judge(trace, index, &trace->pre, &post, &right), OK);
        assert_false(right);
    }
    assert_right(trace);
}

static void the_judge_agrees_with_the_executor_in_every_step(void **state)
{
    bool seen[ITEM_EXITED + 1][ITEM_STEPS] = { { false } };

    (void)state;
    for (unsigned round = 0; round < TRACES; round++) {
        AUTO_WORLD world = world_small();
        struct trace trace;

        made_random(&trace.made, world, &dice, 5, 8, 4, round % 3 == 2);
        trace_begin(&trace, world);
        uint64_t steps = (trace.made.batch.machine.items + 1) * ITEM_STEPS;
        for (uint64_t index = 0; index < steps; index++) {
            trace_step(&trace);
            assert_right(&trace);
            unsigned kind = trace.machine.registers.item.kind, step = index % ITEM_STEPS;
            assert_each_bit_matters(&trace, !seen[kind][step]);
            seen[kind][step] = true;
        }
        trace_end(&trace);
    }
    for (unsigned step = 0; step < ITEM_STEPS; step++)
        assert_true(seen[ITEM_DEPOSIT][step] && seen[ITEM_TRANSFER][step]);
}

static void a_step_is_good_for_its_own_index_and_batch_alone(void **state)
{
    AUTO_WORLD world = world_small();
    struct trace trace;

    (void)state;
    made_random(&trace.made, world, &dice, 3, 4, 0, false);
    trace_begin(&trace, world);
    for (uint64_t index = 0; index < trace.made.batch.machine.items * ITEM_STEPS; index++) {
        struct trace other = trace;

        trace_step(&trace);
        other = trace;
        assert_not_right(&trace, index + 1, &trace.pre, &trace.post);
        assert_not_right(&trace, index + ITEM_STEPS, &trace.pre, &trace.post);
        assert_not_right(&trace, UINT64_MAX, &trace.pre, &trace.post);
        other.made.context.bytes[3] ^= 1;
        assert_not_right(&other, index, &trace.pre, &trace.post);
        assert_not_right(&trace, index, &trace.post, &trace.pre);
        other = trace;
        other.made.items_root.bytes[9] ^= 1;
        if (index % ITEM_STEPS == 0)
            assert_not_right(&other, index, &trace.pre, &trace.post);
    }
    trace_end(&trace);
}

/* The witness of one step, and where its parts begin. */
static void what_a_step_does_not_need_is_refused(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 0);
    struct trace trace;
    bool right;

    (void)state;
    made_init(&trace.made, world);
    made_transaction(&trace.made, &item);
    made_finish(&trace.made);
    trace_begin(&trace, world);
    for (uint64_t index = 0; index < 2 * ITEM_STEPS; index++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct witness witness;
        struct error error;

        trace_step(&trace);
        buffer_append(&bytes, trace.witness.data, trace.witness.size);
        assert_status(witness_decode(buffer_bytes(&bytes), &witness, &error), OK);
        buffer_append(&trace.witness, "", 1); /* a byte more */
        assert_int_equal(judge(&trace, index, &trace.pre, &trace.post, &right), ERROR_INVALID_WITNESS);

        bool decodes = witness.item.size > 0, touches = witness.touches;
        witness.item = decodes ? bytes_of(NULL, 0) : trace.made.items[0];
        witness.inclusion.count = 0;
        buffer_clear(&trace.witness);
        witness_encode(&witness, &trace.witness); /* the item, or none */
        assert_int_equal(judge(&trace, index, &trace.pre, &trace.post, &right), ERROR_INVALID_WITNESS);

        assert_status(witness_decode(buffer_bytes(&bytes), &witness, &error), OK);
        witness.touches = !touches;
        if (!touches)
            assert_status(world_prove(world, &(struct leaf_place){ .kind = LEAF_GLOBAL }, &witness.proof,
                                      &witness.leaf, &witness.present, &error), OK);
        buffer_clear(&trace.witness);
        witness_encode(&witness, &trace.witness); /* a leaf, or none */
        assert_int_equal(judge(&trace, index, &trace.pre, &trace.post, &right), ERROR_INVALID_WITNESS);

        assert_status(witness_decode(buffer_bytes(&bytes), &witness, &error), OK);
        if (touches && witness.present) { /* that it is absent */
            witness.present = false;
            buffer_clear(&trace.witness);
            witness_encode(&witness, &trace.witness);
            assert_int_equal(judge(&trace, index, &trace.pre, &trace.post, &right), ERROR_INVALID_WITNESS);
        }
    }
    trace_end(&trace);
}

static void registers_that_no_machine_has_are_refused(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 0);
    struct hash pre, post = { { 1 } };
    struct trace trace;
    bool right;

    (void)state;
    made_init(&trace.made, world);
    made_transaction(&trace.made, &item);
    made_finish(&trace.made);
    trace_begin(&trace, world);
    trace_step(&trace);
    for (uint64_t index = 0; index < 2 * ITEM_STEPS; index++) {
        for (unsigned with = 0; with < 4; with++) { /* registers, or none; running, or not */
            struct machine machine = trace.machine;
            bool fits = (with & 1) != 0 ? index % ITEM_STEPS == 0 || index > ITEM_STEPS || (with & 2) != 0 :
                                          (with & 2) == 0 && index < ITEM_STEPS && index % ITEM_STEPS != 0;

            machine.done = index;
            machine.registers.active = (with & 1) == 0;
            machine.status = (with & 2) == 0 ? MACHINE_RUNNING : MACHINE_INVALID;
            machine_commitment(&pre, &trace.made.context, &machine, &world->root);
            buffer_clear(&trace.witness);
            struct error error;
            machine.registers.active = (with & 1) == 0;
            assert_status(witness_make(&trace.made.batch.machine, trace.made.items, &machine, &world->root,
                                       world_prove, world, &trace.witness, &error), OK);
            enum status status = judge(&trace, index, &pre, &post, &right);
            assert_int_equal(status, fits ? OK : ERROR_INVALID_WITNESS);
        }
    }
    trace_end(&trace);
}

/* Below a root that nobody honest made anything may stand at a place. */
static void a_leaf_of_another_kind_is_refused(void **state)
{
    static const enum leaf_kind kinds[] = { LEAF_ACCOUNT, LEAF_INDEX, LEAF_OUTBOX };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        AUTO_WORLD world = world_small();
        struct item item = transfer(world, 1, 2, 5, 0);
        const struct leaf leaf = { .kind = kinds[i] };
        const struct machine machine = { .done = 0 };
        struct hash pre, post = { { 1 } };
        struct trace trace;
        struct error error;
        bool right;

        made_init(&trace.made, world);
        made_transaction(&trace.made, &item);
        made_finish(&trace.made);
        trace_begin(&trace, world);
        world_put(world, &(struct leaf_place){ .kind = LEAF_GLOBAL }, &leaf);
        machine_commitment(&pre, &trace.made.context, &machine, &world->root);
        assert_status(witness_make(&trace.made.batch.machine, trace.made.items, &machine, &world->root,
                                   world_prove, world, &trace.witness, &error), OK);
        assert_int_equal(judge(&trace, 0, &pre, &post, &right), ERROR_INVALID_WITNESS);
        trace_end(&trace);
    }
}

static void a_witness_stays_within_its_bound(void **state)
{
    struct witness witness = { .touches = true, .present = true };
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    static uint8_t largest[ITEM_SIZE_MAX + 14];

    (void)state;
    witness.registers = bytes_of(largest, sizeof largest);
    witness.item = bytes_of(largest, ITEM_SIZE_MAX);
    witness.inclusion.count = 12; /* of 4096 items */
    witness.leaf.kind = LEAF_OUTBOX;
    witness.leaf.outbox.count = OUTBOX_COUNT_MAX;
    witness.proof.kind = STATE_ABSENT_OTHER;
    witness.proof.depth = STATE_DEPTH_MAX - 1;
    memset(witness.proof.siblings, 1, sizeof witness.proof.siblings);
    witness_encode(&witness, &bytes);
    assert_true(bytes.size <= WITNESS_SIZE_MAX);
}

int judge_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_judge_agrees_with_the_executor_in_every_step),
        cmocka_unit_test(a_step_is_good_for_its_own_index_and_batch_alone),
        cmocka_unit_test(what_a_step_does_not_need_is_refused),
        cmocka_unit_test(registers_that_no_machine_has_are_refused),
        cmocka_unit_test(a_leaf_of_another_kind_is_refused),
        cmocka_unit_test(a_witness_stays_within_its_bound),
    };

    return cmocka_run_group_tests_name("rollup judge", tests, NULL, NULL);
}
