/* The state in memory against plainly written ones: the world of world.h, whose tree is
 * crypto/state_tree.h's, and roots computed from all leaves at once. Random histories; LAYERD_SEED
 * repeats one. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/rollup/state.h"
#include "world.h"

#include <cmocka.h>

static struct dice dice;

/* --- references ------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash));
}

/* The definition of crypto/state_proof.h. */
static struct hash plain_root(const struct state_leaf *leaves, size_t count, unsigned depth)
{
    struct hash root = { .bytes = { 0 } };
    size_t left = 0;

    if (count == 1)
        state_leaf_hash(&root, leaves);
    if (count < 2)
        return root;
    while (left < count && state_key_bit(&leaves[left].key, depth) == 0)
        left++;
    struct hash halves[2] = { plain_root(leaves, left, depth + 1),
                              plain_root(leaves + left, count - left, depth + 1) };
    merkle_node(&root, &halves[0], &halves[1]);
    return root;
}

static struct hash world_plain_root(const struct world *world)
{
    struct state_leaf leaves[WORLD_LEAVES];

    for (size_t i = 0; i < world->leaf_count; i++) {
        leaf_place_hash(&leaves[i].key, &world->leaves[i].place);
        leaf_value_hash(&leaves[i].value, &world->leaves[i].leaf);
    }
    qsort(leaves, world->leaf_count, sizeof leaves[0], by_key);
    return plain_root(leaves, world->leaf_count, 0);
}

static bool leaf_same(const struct leaf *a, const struct leaf *b)
{
    struct hash values[2];

    leaf_value_hash(&values[0], a);
    leaf_value_hash(&values[1], b);
    return hash_equal(&values[0], &values[1]);
}

static void assert_hashes_equal(const struct hash *a, const struct hash *b)
{
    assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
}

/* Leaf by leaf, by root, and by what else the state answers. */
static void assert_same(struct rollup_state *state, const struct world *world)
{
    struct hash root, plain = world_plain_root(world);
    uint32_t index, accounts = 0;

    rollup_state_root(state, &root);
    assert_hashes_equal(&root, &world->root);
    assert_hashes_equal(&root, &plain);
    for (size_t i = 0; i < world->leaf_count; i++) {
        const struct world_leaf *leaf = &world->leaves[i];

        if (leaf->place.kind == LEAF_ACCOUNT) {
            const struct rollup_account *account = rollup_state_account(state, leaf->place.index);
            assert_non_null(account);
            assert_memory_equal(account, &leaf->leaf.account, sizeof *account);
            accounts++;
        } else if (leaf->place.kind == LEAF_INDEX) {
            assert_true(rollup_state_find(state, &leaf->place.key, &index));
            assert_int_equal(index, leaf->leaf.index);
        } else if (leaf->place.kind == LEAF_OUTBOX) {
            assert_memory_equal(rollup_state_outbox(state), &leaf->leaf.outbox,
                                sizeof leaf->leaf.outbox);
        }
    }
    assert_int_equal(rollup_state_accounts(state), accounts);
    assert_null(rollup_state_account(state, accounts));
    for (unsigned asset = 0; asset < world->assets; asset++)
        assert_int_equal(rollup_state_total(state, asset), world_total(world, asset));
}

static void assert_proved(struct rollup_state *state, const struct leaf_place *place, const struct leaf *leaf)
{
    struct state_proof proof;
    struct hash root, key, value, changed, again;
    struct leaf found;
    bool present;

    rollup_state_root(state, &root);
    rollup_state_prove(state, place, &proof, &found, &present);
    leaf_place_hash(&key, place);
    assert_int_equal(present, leaf != NULL);
    if (leaf == NULL) {
        assert_true(state_proof_absent(&proof, &key, &root));
        return;
    }
    assert_true(leaf_same(&found, leaf));
    leaf_value_hash(&value, leaf);
    assert_true(state_proof_present(&proof, &key, &value, &root));
    /* It shows enough to take the leaf out. */
    assert_true(state_proof_change(&proof, &key, &value, NULL, &root, &changed));
    assert_true(state_proof_change(&proof, &key, &value, &value, &root, &again));
    assert_hashes_equal(&again, &root);
}

static struct rollup_state *state_begin(unsigned assets)
{
    return rollup_state_new(assets, person_key(0));
}

static void made_any(struct made *made, const struct world *world, unsigned wrong, bool invalid)
{
    made_random(made, world, &dice, (unsigned)dice_roll(&dice, 8), (unsigned)dice_roll(&dice, 12), wrong,
                invalid);
}

/* --- executing -------------------------------------------------------------------------------- */

/* Puts what the batch changed on the world before it, and takes it off again. */
static void assert_effects(const struct batch_effects *effects, const struct world *before,
                           const struct world *after)
{
    AUTO_WORLD told = world_copy(before, true);

    for (size_t i = 0; i < effects->change_count; i++) {
        const struct leaf_change *change = &effects->changes[i];
        const struct leaf *found = world_find(told, &change->place);

        assert_int_equal(found != NULL, change->was);
        assert_true(change->is);
        assert_true(!change->was || leaf_same(found, &change->before));
        world_put(told, &change->place, &change->after);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&effects->changes[k].place, &change->place, sizeof change->place);
    }
    assert_true(world_equal(told, after));
    assert_int_equal(effects->withdrawal_count, after->withdrawal_count - before->withdrawal_count);
    for (size_t i = 0; i < effects->withdrawal_count; i++) {
        const struct withdrawal *a = &effects->withdrawals[i];
        const struct withdrawal *b = &after->withdrawals[before->withdrawal_count + i];

        assert_true(a->number == b->number && a->asset == b->asset && a->amount == b->amount &&
                    account_equal(&a->recipient, &b->recipient));
    }
}

static void assert_faults(const struct batch_effects *effects, const struct world *before,
                          const struct made *made)
{
    AUTO_WORLD then = world_copy(before, false);
    const struct machine_access access = world_access(then);
    struct machine machine = { .done = 0 };

    then->items = made->items;
    for (uint64_t i = 0; i < made->batch.machine.items; i++) {
        assert_int_equal(machine_item(&made->batch.machine, &machine, &access, NULL), OK);
        assert_int_equal(effects->faults[i], machine.registers.fault);
        assert_true(!machine.registers.null || i < made->batch.machine.inbox_items);
    }
}

/* One random valid batch on both. */
static void both_execute(struct rollup_state *state, struct world *world, struct batch_effects *effects)
{
    struct made made CLEANUP(made_close);
    AUTO_WORLD before = world_copy(world, true);
    struct machine machine = { .done = 0 };
    struct batch_result result;
    struct hash withdrawal_root;
    struct error error;

    made_any(&made, world, 4, false);
    if (rollup_execute(state, &made.batch, NULL, &result, effects, NULL, NULL, &error) != OK)
        fail_msg("%s", error.message);
    world_execute(world, &made, &machine);
    assert_int_equal(machine.status, MACHINE_RUNNING);
    assert_hashes_equal(&result.root, &world->root);
    outbox_root(outbox_shape(), &world_one(world, LEAF_OUTBOX)->outbox, &withdrawal_root);
    assert_hashes_equal(&result.withdrawal_root, &withdrawal_root);
    assert_int_equal(result.withdrawals, world->withdrawal_count);
    assert_effects(effects, before, world);
    assert_faults(effects, before, &made);
}

static void random_batches_lead_where_plain_references_say(void **unused)
{
    (void)unused;

    for (unsigned history = 0; history < 12; history++) {
        AUTO_WORLD world = world_new(1 + (unsigned)dice_roll(&dice, ROLLUP_ASSETS_MAX));
        struct rollup_state *state = state_begin(world->assets);

        assert_same(state, world);
        for (unsigned batch = 0; batch < 10 && world->withdrawal_count < WORLD_WITHDRAWALS - 24; batch++) {
            struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };

            both_execute(state, world, &effects);
            assert_same(state, world);
        }
        for (size_t i = 0; i < world->leaf_count; i++)
            assert_proved(state, &world->leaves[i].place, &world->leaves[i].leaf);
        assert_proved(state, &(struct leaf_place){ .kind = LEAF_ACCOUNT, .index = 99 }, NULL);
        rollup_state_free(state);
    }
}

static void a_batch_that_cannot_be_executed_is_named_and_leaves_nothing_behind(void **unused)
{
    unsigned found = 0;
    (void)unused;

    for (unsigned round = 0; round < 60; round++) {
        AUTO_WORLD world = world_new(2);
        struct rollup_state *state = state_begin(world->assets);
        struct batch_effects effects CLEANUP(batch_effects_close) = { 0 }, none = { 0 };
        struct made made CLEANUP(made_close);
        struct machine machine = { .done = 0 };
        enum item_fault fault = FAULT_NONE;
        uint64_t invalid = 0;
        struct error error;

        both_execute(state, world, &effects);
        made_any(&made, world, 6, true);
        AUTO_WORLD after = world_copy(world, false);
        const struct machine_access access = world_access(after);
        after->items = made.items;
        while (machine.status == MACHINE_RUNNING && machine.done < made.batch.machine.items * ITEM_STEPS)
            assert_int_equal(machine_item(&made.batch.machine, &machine, &access, NULL), OK);
        enum status status = rollup_execute(state, &made.batch, NULL, NULL, &none, &invalid, &fault, &error);
        if (machine.status == MACHINE_RUNNING) {
            assert_int_equal(status, OK);
            batch_effects_close(&none);
        } else {
            found++;
            assert_int_equal(status, ERROR_INVALID_BATCH);
            assert_int_equal(invalid, machine.done / ITEM_STEPS - 1);
            assert_int_equal(fault, machine.registers.fault);
            assert_non_null(strstr(error.message, item_fault_name(fault)));
            assert_null(none.changes);
            assert_same(state, world);
        }
        rollup_state_free(state);
    }
    assert_true(found > 5);
}

static void a_transaction_tried_alone_is_judged_as_it_is_when_executed(void **unused)
{
    unsigned bad = 0;
    (void)unused;

    for (unsigned round = 0; round < 60; round++) {
        AUTO_WORLD world = world_new(2);
        struct rollup_state *state = state_begin(world->assets);
        struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };
        struct made made CLEANUP(made_close);
        enum item_fault fault = FAULT_NONE;
        struct error error;

        both_execute(state, world, &effects);
        made_random(&made, world, &dice, 0, 1, 2, true);
        if (made.batch.machine.items == 1) {
            enum item_fault tried = rollup_try(state, &made.batch.machine, made.items[0]);

            assert_same(state, world);
            enum status status = rollup_execute(state, &made.batch, NULL, NULL, NULL, NULL, &fault, &error);
            assert_int_equal(status == OK ? FAULT_NONE : fault, tried);
            bad += tried != FAULT_NONE;
        }
        rollup_state_free(state);
    }
    assert_true(bad > 5);
}

/* --- taking back ------------------------------------------------------------------------------ */

#define HISTORY 8

/* P7: batches are taken back as often as made; afterwards all is as on a state that never saw them. */
static void a_batch_that_was_rolled_back_leaves_no_trace(void **unused)
{
    (void)unused;

    for (unsigned round = 0; round < 12; round++) {
        struct world *worlds[HISTORY + 1] = { world_new(1 + (unsigned)dice_roll(&dice, 3)) };
        struct rollup_state *state = state_begin(worlds[0]->assets);
        struct batch_effects effects[HISTORY] = { { 0 } };
        unsigned count = 0;

        for (unsigned step = 0; step < 40; step++) {
            if (count < HISTORY && worlds[count]->withdrawal_count < WORLD_WITHDRAWALS - 24 &&
                (count == 0 || !dice_one_in(&dice, 3))) {
                worlds[count + 1] = world_copy(worlds[count], true);
                both_execute(state, worlds[count + 1], &effects[count]);
                count++;
            } else {
                count--;
                rollup_revert(state, effects[count].changes, effects[count].change_count);
                batch_effects_close(&effects[count]);
                world_free(worlds[count + 1]);
                if (dice_one_in(&dice, 2)) /* or else it goes on with what no root was asked for */
                    assert_same(state, worlds[count]);
            }
        }
        assert_same(state, worlds[count]);
        /* A fresh one, of the leaves as they stand in the end. */
        struct rollup_state *loaded = rollup_state_empty(worlds[0]->assets);
        for (size_t i = 0; i < worlds[count]->leaf_count; i++) {
            const struct world_leaf *leaf = &worlds[count]->leaves[i];
            rollup_state_load(loaded, &leaf->place, &leaf->leaf);
        }
        assert_same(loaded, worlds[count]);
        while (count > 0) {
            count--;
            rollup_revert(state, effects[count].changes, effects[count].change_count);
            batch_effects_close(&effects[count]);
            world_free(worlds[count + 1]);
        }
        assert_same(state, worlds[0]);
        both_execute(state, worlds[0], &effects[0]);
        assert_same(state, worlds[0]);
        batch_effects_close(&effects[0]);
        rollup_state_free(loaded);
        rollup_state_free(state);
        world_free(worlds[0]);
    }
}

/* --- many accounts ---------------------------------------------------------------------------- */

#define MANY 3000

static void made_deposits(struct batch *batch, struct bytes *items, struct arena *arena, uint64_t from,
                          struct account_id *keys)
{
    *batch = (struct batch){ .machine = { .assets = 1, .items = MANY, .inbox_items = MANY,
                                          .inbox_from = from }, .number = 1, .items = items };
    for (uint64_t i = 0; i < MANY; i++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct item item = { .kind = ITEM_DEPOSIT, .number = from + i, .amount = 1 + i };

        for (size_t k = 0; k < sizeof keys[i].bytes; k++)
            keys[i].bytes[k] = (uint8_t)dice_roll(&dice, 256);
        item.key = keys[i];
        inbox_item_encode(&item, &bytes);
        items[i] = bytes_of(arena_text(arena, (const char *)bytes.data, bytes.size), bytes.size);
    }
}

/* Of genesis and accounts 1 … count with these keys. */
static struct hash many_root(const struct account_id *keys, size_t count, uint64_t inbox)
{
    struct state_leaf *leaves AUTO_FREE = memory_array(2 * count + GENESIS_LEAVES, sizeof leaves[0]);
    struct leaf_place places[GENESIS_LEAVES];
    struct leaf genesis[GENESIS_LEAVES];
    size_t filled = 0;

    leaf_genesis(person_key(0), places, genesis);
    genesis[2].global = (struct rollup_global){ (uint32_t)count + 1, inbox };
    for (; filled < GENESIS_LEAVES; filled++) {
        leaf_place_hash(&leaves[filled].key, &places[filled]);
        leaf_value_hash(&leaves[filled].value, &genesis[filled]);
    }
    for (uint32_t i = 1; i <= count; i++) {
        struct leaf leaf = { .kind = LEAF_ACCOUNT };

        leaf.account.key = keys[i - 1];
        leaf.account.balances[0] = 1 + (i - 1) % MANY;
        leaf_place_hash(&leaves[filled].key, &(struct leaf_place){ .kind = LEAF_ACCOUNT, .index = i });
        leaf_value_hash(&leaves[filled++].value, &leaf);
        leaf = (struct leaf){ .kind = LEAF_INDEX, .index = i };
        leaf_place_hash(&leaves[filled].key,
                        &(struct leaf_place){ .kind = LEAF_INDEX, .key = keys[i - 1] });
        leaf_value_hash(&leaves[filled++].value, &leaf);
    }
    qsort(leaves, filled, sizeof leaves[0], by_key);
    return plain_root(leaves, filled, 0);
}

static void accounts_grow_and_go_again(void **unused)
{
    struct rollup_state *state = state_begin(1);
    struct account_id *keys AUTO_FREE = memory_array(3 * MANY, sizeof keys[0]);
    struct bytes *items AUTO_FREE = memory_array(MANY, sizeof items[0]);
    struct batch_effects effects[3] = { { 0 } };
    struct hash roots[4];
    struct error error;
    uint32_t index;
    (void)unused;

    rollup_state_root(state, &roots[0]);
    for (unsigned i = 0; i < 3; i++) {
        struct batch_result result;
        struct batch batch;
        struct arena arena;

        arena_init(&arena);
        made_deposits(&batch, items, &arena, (uint64_t)i * MANY, keys + i * MANY);
        if (rollup_execute(state, &batch, NULL, i == 1 ? NULL : &result, &effects[i], NULL, NULL,
                           &error) != OK)
            fail_msg("%s", error.message);
        roots[i + 1] = many_root(keys, (i + 1) * (size_t)MANY, (i + 1) * (uint64_t)MANY);
        if (i != 1)
            assert_hashes_equal(&result.root, &roots[i + 1]);
        arena_close(&arena);
    }
    assert_int_equal(rollup_state_accounts(state), 3 * MANY + 1);
    for (uint32_t i = 0; i < 3 * MANY; i++) {
        assert_true(rollup_state_find(state, &keys[i], &index));
        assert_int_equal(index, i + 1);
    }
    assert_true(rollup_state_memory(state) < 8 * 1024 * 1024);
    for (unsigned i = 3; i-- > 0;) {
        struct hash root;

        rollup_revert(state, effects[i].changes, effects[i].change_count);
        batch_effects_close(&effects[i]);
        rollup_state_root(state, &root);
        assert_hashes_equal(&root, &roots[i]);
        assert_false(rollup_state_find(state, &keys[i * MANY], &index));
        assert_null(rollup_state_account(state, i * MANY + 1));
    }
    rollup_state_free(state);
}

static void rows_loaded_in_any_order_make_the_same_state(void **unused)
{
    (void)unused;

    for (unsigned round = 0; round < 10; round++) {
        AUTO_WORLD world = world_new(3);
        struct rollup_state *state = state_begin(3), *loaded = rollup_state_empty(3);

        for (unsigned batch = 0; batch < 3; batch++) {
            struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };
            both_execute(state, world, &effects);
        }
        for (size_t i = world->leaf_count; i-- > 1;) {
            size_t other = dice_roll(&dice, i + 1);
            struct world_leaf leaf = world->leaves[i];
            world->leaves[i] = world->leaves[other];
            world->leaves[other] = leaf;
        }
        for (size_t i = 0; i < world->leaf_count; i++)
            rollup_state_load(loaded, &world->leaves[i].place, &world->leaves[i].leaf);
        assert_same(loaded, world);
        struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };
        both_execute(loaded, world, &effects);
        assert_same(loaded, world);
        rollup_state_free(loaded);
        rollup_state_free(state);
    }
}

/* --- traces ----------------------------------------------------------------------------------- */

/* Every commitment of the batch, by steps on a world; [0] is before the first. */
static size_t step_through(const struct world *world, const struct made *made, struct hash *commitments)
{
    AUTO_WORLD then = world_copy(world, true);
    const struct machine_access access = world_access(then);
    size_t steps = made->batch.machine.items * ITEM_STEPS + 5;
    struct machine machine = { .done = 0 };

    then->items = made->items;
    for (size_t i = 0; i <= steps; i++) {
        machine_commitment(&commitments[i], &made->context, &machine, &then->root);
        assert_int_equal(machine_step(&made->batch.machine, &machine, &access, NULL), OK);
    }
    return steps;
}

static void assert_judged(struct batch_trace *trace, const struct made *made, const struct hash *commitments,
                          size_t step)
{
    CLEANUP(buffer_close) struct buffer witness = { 0 };
    struct hash wrong = commitments[step + 1];
    struct error error;
    bool right;

    assert_int_equal(batch_trace_witness(trace, step, &witness, &error), OK);
    assert_true(witness.size <= WITNESS_SIZE_MAX);
    if (machine_judge(&made->batch.machine, &made->context, &made->items_root, step, &commitments[step],
                      &commitments[step + 1], buffer_bytes(&witness), &right, &error) != OK)
        fail_msg("%s", error.message);
    assert_true(right);
    wrong.bytes[dice_roll(&dice, 32)] ^= 1;
    assert_int_equal(machine_judge(&made->batch.machine, &made->context, &made->items_root, step,
                                   &commitments[step], &wrong, buffer_bytes(&witness), &right, &error), OK);
    assert_false(right);
}

static void traces_and_witnesses_are_those_of_plain_steps(void **unused)
{
    struct hash *commitments AUTO_FREE = memory_array(WORLD_ITEMS * ITEM_STEPS + 7, sizeof commitments[0]);
    (void)unused;

    for (unsigned round = 0; round < 24; round++) {
        AUTO_WORLD world = world_new(2);
        struct rollup_state *state = state_begin(2);
        struct made made CLEANUP(made_close);
        struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };
        struct error error;
        struct hash value;

        both_execute(state, world, &effects);
        made_any(&made, world, 5, round % 2 == 1);
        size_t steps = step_through(world, &made, commitments);
        struct batch_trace *trace = batch_trace_open(state, &made.batch);
        for (unsigned i = 0; i < 120; i++) {
            size_t step = dice_roll(&dice, steps);

            if (dice_one_in(&dice, 2)) {
                assert_judged(trace, &made, commitments, step);
                continue;
            }
            assert_int_equal(batch_trace_value(trace, step, &value, &error), OK);
            assert_hashes_equal(&value, &commitments[step + 1]);
        }
        assert_int_equal(batch_trace_value(trace, (unsigned __int128)1 << 63, &value, &error),
                         ERROR_INVALID_PARAMS);
        assert_int_equal(batch_trace_value(trace, ((unsigned __int128)1 << 63) - 1, &value, &error), OK);
        batch_trace_close(trace);
        assert_same(state, world);
        rollup_state_free(state);
    }
}

/* --- fraud ------------------------------------------------------------------------------------ */

static void faults_are_proved_where_a_proof_can_be(void **unused)
{
    unsigned proved[FRAUD_WITHDRAWALS + 1] = { 0 };
    (void)unused;

    for (unsigned round = 0; round < 150; round++) {
        AUTO_WORLD world = world_new(2);
        struct rollup_state *state = state_begin(2);
        struct made made CLEANUP(made_close);
        CLEANUP(buffer_close) struct buffer proof = { 0 };
        struct batch_effects effects CLEANUP(batch_effects_close) = { 0 };
        struct batch_result claimed = { .withdrawals = 0 };
        enum item_fault fault = FAULT_NONE;
        enum fraud_kind kind;
        struct error error;

        both_execute(state, world, &effects);
        batch_effects_close(&effects);
        made_any(&made, world, 6, true);
        bool valid = rollup_execute(state, &made.batch, NULL, &claimed, &effects, NULL, &fault, NULL) == OK;
        if (valid) {
            rollup_revert(state, effects.changes, effects.change_count);
            assert_false(rollup_fraud_prove(state, &made.batch, &claimed, &proof));
            claimed.withdrawals++;
        }
        bool made_one = rollup_fraud_prove(state, &made.batch, &claimed, &proof);
        if (made_one) {
            assert_true(proof.size <= FRAUD_SIZE_MAX);
            assert_int_equal(fraud_verify(&made.batch, &claimed, buffer_bytes(&proof), &kind, &error), OK);
            assert_int_equal(kind, valid ? FRAUD_WITHDRAWALS : (enum fraud_kind)(fault - 1));
            proved[kind]++;
        } else {
            assert_false(valid);
        }
        assert_same(state, world);
        rollup_state_free(state);
    }
    for (unsigned kind = FRAUD_SIGNATURE; kind <= FRAUD_WITHDRAWALS; kind++)
        assert_true(proved[kind] > 0);
}

int main(void)
{
    const char *seed = getenv("LAYERD_SEED");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches_lead_where_plain_references_say),
        cmocka_unit_test(a_batch_that_cannot_be_executed_is_named_and_leaves_nothing_behind),
        cmocka_unit_test(a_transaction_tried_alone_is_judged_as_it_is_when_executed),
        cmocka_unit_test(a_batch_that_was_rolled_back_leaves_no_trace),
        cmocka_unit_test(accounts_grow_and_go_again),
        cmocka_unit_test(rows_loaded_in_any_order_make_the_same_state),
        cmocka_unit_test(traces_and_witnesses_are_those_of_plain_steps),
        cmocka_unit_test(faults_are_proved_where_a_proof_can_be),
    };

    crypto_start();
    dice.state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("LAYERD_SEED=%" PRIu64 "\n", dice.state);
    return cmocka_run_group_tests_name("rollup_state", tests, NULL, NULL);
}
