/* The machine on a small state: what each kind of item does, what makes it null or the batch invalid, and
 * that a step touches the one leaf that machine_place tells. */
#include "test_rollup.h"

/* One item of the world's next batch, executed. */
static struct machine run_made(struct world *world, struct made *made)
{
    struct machine machine = { .done = 0 };

    made_finish(made);
    world_execute(world, made, &machine);
    made_close(made);
    return machine;
}

static struct machine run_transaction(struct world *world, const struct item *item)
{
    struct made made;

    made_init(&made, world);
    made_transaction(&made, item);
    return run_made(world, &made);
}

static struct machine run_inbox(struct world *world, const struct item *item)
{
    struct made made;

    made_init(&made, world);
    made_inbox(&made, item);
    return run_made(world, &made);
}

static struct machine run_forced(struct world *world, const struct item *item)
{
    struct made made;

    made_init(&made, world);
    made_forced(&made, item);
    return run_made(world, &made);
}

static void assert_done(struct machine machine)
{
    assert_int_equal(machine.status, MACHINE_RUNNING);
    assert_false(machine.registers.null);
    assert_false(machine.registers.active);
    assert_int_equal(machine.registers.fault, FAULT_NONE);
}

static uint64_t nonce_of(struct world *world, unsigned person)
{
    return world_account(world, index_of(world, person))->nonce;
}

/* --- what they do ------------------------------------------------------------------------------ */

static void a_transfer_moves_its_amount_and_pays_its_fee(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 300, 7);

    (void)state;
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 1), 693);
    assert_int_equal(balance_of(world, 2), 1300);
    assert_int_equal(balance_of(world, 0), 7);
    assert_int_equal(nonce_of(world, 1), 1);
    assert_int_equal(nonce_of(world, 2), 0);
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_NONCE); /* replayed */
}

static void all_that_is_there_can_be_moved_and_not_one_more(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 996, 5);

    (void)state;
    struct machine machine = run_transaction(world, &item);
    assert_int_equal(machine.status, MACHINE_INVALID);
    assert_int_equal(machine.registers.fault, FAULT_BALANCE);
    item = transfer(world, 1, 2, 995, 5);
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 1), 0);
}

static void a_batch_transfer_credits_each_output(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 10, 1);

    (void)state;
    item.kind = ITEM_BATCH_TRANSFER;
    item.output_count = 4;
    for (unsigned i = 0; i < 4; i++)
        item.outputs[i] = (struct output){ i, 100 * (i + 1) }; /* the operator and the sender too */
    sign_again(world, 1, &item);
    struct machine machine = run_transaction(world, &item);
    assert_int_equal(machine.registers.fault, FAULT_BALANCE); /* 1001 in all */
    item.fee = 0;
    sign_again(world, 1, &item);
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 0), 100);
    assert_int_equal(balance_of(world, 1), 200);
    assert_int_equal(balance_of(world, 2), 1300);
    assert_int_equal(balance_of(world, 3), 1400);
}

static void whoever_pays_himself_keeps_what_he_has(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 1, 1000, 0);

    (void)state;
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 1), 1000);
    item = transfer(world, 1, 1, 1000, 1);
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_BALANCE);
    item = transfer(world, 1, 1, 990, 10);
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 1), 990);
}

static void the_operator_pays_and_is_paid_like_all(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 0, 500, 50);

    (void)state;
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 0), 550);
    item = transfer(world, 0, 2, 400, 150);
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 0), 150); /* its own fee came back */
    assert_int_equal(balance_of(world, 2), 1400);
    item = transfer(world, 0, 0, 100, 50);
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 0), 150);
    item = transfer(world, 0, 2, 100, 51); /* it must have the fee all the same */
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_BALANCE);
}

static void a_withdrawal_is_appended_to_the_outbox(void **state)
{
    AUTO_WORLD world = world_small();
    uint8_t message[WITHDRAWAL_SIZE];
    struct outbox_tree expected = { .count = 0 };
    struct hash leaf;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct item item = withdrawal(world, 1 + i % 3, 10 + i, 2);

        assert_done(run_transaction(world, &item));
        assert_int_equal(world->withdrawal_count, i + 1);
        const struct withdrawal *last = &world->withdrawals[i];
        assert_true(last->number == i && last->amount == 10 + i && last->asset == 0);
        assert_memory_equal(&last->recipient, &item.recipient, sizeof item.recipient);
        withdrawal_encode(last, message);
        outbox_leaf(&leaf, message, sizeof message);
        assert_true(outbox_append(outbox_shape(), &expected, &leaf, NULL, NULL));
        assert_memory_equal(&expected, &world_one(world, LEAF_OUTBOX)->outbox, sizeof expected);
    }
    assert_int_equal(balance_of(world, 0), 10);
    assert_int_equal(balance_of(world, 1), 1000 - 10 - 13 - 4);
}

static void a_registration_makes_the_next_account(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = registration(world, 2, 7, 4);

    (void)state;
    assert_done(run_transaction(world, &item));
    assert_int_equal(index_of(world, 7), 4);
    assert_memory_equal(&world_account(world, 4)->key, person_key(7), 32);
    assert_int_equal(balance_of(world, 7), 0);
    assert_int_equal(world_one(world, LEAF_GLOBAL)->global.accounts, 5);
    assert_int_equal(balance_of(world, 2), 996);
    item = registration(world, 2, 7, 4);
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_EXISTS);
    item = registration(world, 2, 2, 4);
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_EXISTS);
}

static void a_deposit_makes_an_account_or_adds_to_it(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = deposit(9, 70);

    (void)state;
    assert_done(run_inbox(world, &item));
    assert_int_equal(index_of(world, 9), 4);
    assert_int_equal(balance_of(world, 9), 70);
    item.asset = 1;
    assert_done(run_inbox(world, &item));
    assert_int_equal(world_account(world, 4)->balances[1], 70);
    assert_int_equal(balance_of(world, 9), 70);
    assert_int_equal(world_one(world, LEAF_GLOBAL)->global.accounts, 5);
    assert_int_equal(world_one(world, LEAF_GLOBAL)->global.inbox, 5);
    item = deposit(0, 3);
    assert_done(run_inbox(world, &item));
    assert_int_equal(balance_of(world, 0), 3);
}

static void a_forced_exit_takes_its_amount_or_all(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = forced_exit(1, 400);

    (void)state;
    assert_done(run_inbox(world, &item));
    assert_int_equal(balance_of(world, 1), 600);
    assert_int_equal(nonce_of(world, 1), 0);
    item.amount = 0;
    assert_done(run_inbox(world, &item));
    assert_int_equal(balance_of(world, 1), 0);
    assert_int_equal(world->withdrawal_count, 2);
    assert_int_equal(world->withdrawals[0].amount, 400);
    assert_int_equal(world->withdrawals[1].amount, 600);
    assert_memory_equal(&world->withdrawals[1].recipient, &item.recipient, 32);
}

static void a_forced_transaction_does_what_it_would_otherwise(void **state)
{
    AUTO_WORLD world = world_small();
    AUTO_WORLD other = world_small();
    struct item items[] = {
        transfer(world, 1, 2, 5, 1), withdrawal(world, 2, 6, 2), registration(world, 3, 8, 3)
    };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_done(run_forced(world, &items[i]));
        assert_done(run_transaction(other, &items[i]));
        assert_false(world_equal(world, other));
        world_one(other, LEAF_GLOBAL)->global.inbox++;
        assert_true(world_equal(world, other));
    }
}

/* --- what they do not ------------------------------------------------------------------------- */

/* A transaction that cannot be executed: in a batch it makes it invalid; forced it does nothing. */
static void assert_fault(const struct item *item, enum item_fault fault,
                         void (*prepare)(struct world *world))
{
    AUTO_WORLD world = world_small();

    prepare(world);
    AUTO_WORLD before = world_copy(world, true);
    struct machine machine = run_transaction(world, item);
    assert_int_equal(machine.status, MACHINE_INVALID);
    assert_int_equal(machine.registers.fault, fault);
    assert_false(machine.registers.active);
    assert_true(world_equal(world, before)); /* decided before the first write */

    machine = run_forced(world, item);
    assert_int_equal(machine.status, MACHINE_RUNNING);
    assert_true(machine.registers.null);
    assert_int_equal(machine.registers.fault, fault);
    world_one(before, LEAF_GLOBAL)->global.inbox++;
    assert_true(world_equal(world, before));
}

static void as_it_is(struct world *world)
{
    (void)world;
}

static void accounts_are_full(struct world *world)
{
    world_one(world, LEAF_GLOBAL)->global.accounts = UINT32_MAX;
    world_put(world, &(struct leaf_place){ .kind = LEAF_GLOBAL }, world_one(world, LEAF_GLOBAL));
}

static void outbox_is_full(struct world *world)
{
    struct outbox_tree *outbox = &world_one(world, LEAF_OUTBOX)->outbox;

    outbox->count = OUTBOX_COUNT_MAX;
    memset(outbox->frontier, 1, sizeof outbox->frontier);
    world_put(world, &(struct leaf_place){ .kind = LEAF_OUTBOX }, world_one(world, LEAF_OUTBOX));
}

static void a_transaction_that_cannot_be_executed_changes_nothing(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 1), other;

    (void)state;
    other = item;
    other.signature.bytes[40] ^= 1;
    assert_fault(&other, FAULT_SIGNATURE, as_it_is);
    other = item;
    sign_again(world, 2, &other);
    assert_fault(&other, FAULT_SIGNATURE, as_it_is);
    other = item;
    other.nonce = 1;
    sign_again(world, 1, &other);
    assert_fault(&other, FAULT_NONCE, as_it_is);
    other = item;
    other.outputs[0].amount = 1000;
    sign_again(world, 1, &other);
    assert_fault(&other, FAULT_BALANCE, as_it_is);
    other = item;
    other.asset = 1;
    sign_again(world, 1, &other);
    assert_fault(&other, FAULT_BALANCE, as_it_is);
    other = item;
    other.outputs[0].to = 4;
    sign_again(world, 1, &other);
    assert_fault(&other, FAULT_NO_ACCOUNT, as_it_is);
    other = item;
    other.from = 4;
    assert_fault(&other, FAULT_NO_ACCOUNT, as_it_is);
    other = item;
    other.asset = 2; /* of two */
    assert_fault(&other, FAULT_MALFORMED, as_it_is);
    other = registration(world, 1, 2, 1);
    assert_fault(&other, FAULT_EXISTS, as_it_is);
    other = registration(world, 1, 9, 1001);
    assert_fault(&other, FAULT_BALANCE, as_it_is);
    other = registration(world, 1, 9, 1);
    assert_fault(&other, FAULT_FULL, accounts_are_full);
    other = withdrawal(world, 1, 9, 1);
    assert_fault(&other, FAULT_FULL, outbox_is_full);
    other = withdrawal(world, 1, 1000, 1);
    assert_fault(&other, FAULT_BALANCE, as_it_is);
}

static void a_signature_for_another_rollup_is_none(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 1);

    (void)state;
    world->rollup.bytes[0] ^= 1;
    assert_int_equal(run_transaction(world, &item).registers.fault, FAULT_SIGNATURE);
}

static void assert_null_exit(struct world *world, const struct item *item, enum item_fault fault)
{
    AUTO_WORLD before = world_copy(world, true);
    struct machine machine = run_inbox(world, item);

    assert_int_equal(machine.status, MACHINE_RUNNING);
    assert_true(machine.registers.null);
    assert_int_equal(machine.registers.fault, fault);
    world_one(before, LEAF_GLOBAL)->global.inbox++;
    assert_true(world_equal(world, before));
}

static void what_left_on_the_base_ledger_is_taken_from_its_account(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = exited(index_of(world, 1), 400);

    (void)state;
    assert_done(run_inbox(world, &item));
    assert_int_equal(balance_of(world, 1), 600);
    assert_int_equal(nonce_of(world, 1), 0);
    item.amount = 600;
    assert_done(run_inbox(world, &item));
    assert_int_equal(balance_of(world, 1), 0);
    assert_int_equal(world->withdrawal_count, 0);
    assert_int_equal(balance_of(world, 2), 1000);
}

/* It is never null: no state that was final has less. */
static void what_left_and_is_not_there_is_on_a_false_root_alone(void **state)
{
    const struct { uint32_t account; uint64_t amount; unsigned asset; } wrong[] = {
        { 1, 1001, 0 }, { 1, 1, 1 }, { 77, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        AUTO_WORLD world = world_small();
        struct item item = exited(wrong[i].account, wrong[i].amount);
        struct machine machine;

        item.asset = wrong[i].asset;
        machine = run_inbox(world, &item);
        assert_int_equal(machine.status, MACHINE_INVALID);
        assert_int_equal(machine.registers.fault, FAULT_STATE);
    }
}

static void a_forced_exit_that_cannot_be_executed_changes_nothing(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = forced_exit(1, 1001);

    (void)state;
    assert_null_exit(world, &item, FAULT_BALANCE);
    item = forced_exit(9, 1);
    assert_null_exit(world, &item, FAULT_NO_ACCOUNT);
    item = forced_exit(0, 0); /* all of nothing */
    assert_null_exit(world, &item, FAULT_BALANCE);
    item = forced_exit(1, 0);
    item.asset = 1;
    assert_null_exit(world, &item, FAULT_BALANCE);
    outbox_is_full(world);
    item = forced_exit(1, 1);
    assert_null_exit(world, &item, FAULT_FULL);
}

static void bytes_that_are_no_transaction_are_null_in_the_inbox_and_invalid_elsewhere(void **state)
{
    AUTO_WORLD world = world_small();
    AUTO_WORLD before = world_copy(world, true);
    static const uint8_t junk[] = { ITEM_FORCED, 0, 0, 0, 0, 0, 0, 0, 3, 9, 9, 9 };
    struct made made;

    (void)state;
    made_init(&made, world);
    made_add(&made, bytes_of(junk, sizeof junk));
    struct machine machine = run_made(world, &made);
    assert_int_equal(machine.status, MACHINE_INVALID); /* not among the inbox items */
    assert_int_equal(machine.registers.fault, FAULT_MALFORMED);
    assert_true(world_equal(world, before));

    made_init(&made, world);
    made_add(&made, bytes_of(junk, sizeof junk));
    made.batch.machine.inbox_items = 1;
    machine = run_made(world, &made);
    assert_int_equal(machine.status, MACHINE_RUNNING);
    assert_true(machine.registers.null);
    assert_int_equal(machine.registers.fault, FAULT_MALFORMED);
    world_one(before, LEAF_GLOBAL)->global.inbox++;
    assert_true(world_equal(world, before));
}

static void an_inbox_item_that_is_not_the_next_one_is_invalid(void **state)
{
    AUTO_WORLD world = world_small();
    AUTO_WORLD before = world_copy(world, true);
    struct item item = deposit(1, 5);
    struct made made;

    (void)state;
    for (int by = -1; by <= 1; by += 2) {
        made_init(&made, world);
        made.batch.machine.inbox_from += (uint64_t)by; /* in its bytes, and for the batch */
        made_inbox(&made, &item);
        struct machine machine = run_made(world, &made);
        assert_int_equal(machine.status, MACHINE_INVALID);
        assert_int_equal(machine.registers.fault, FAULT_STATE);
        made_init(&made, world);
        made_inbox(&made, &item);
        made.batch.machine.inbox_from += (uint64_t)by; /* for the batch alone */
        assert_int_equal(run_made(world, &made).status, MACHINE_INVALID);
    }
    assert_true(world_equal(world, before));
}

static void behind_an_invalid_item_nothing_is_done(void **state)
{
    AUTO_WORLD world = world_small();
    AUTO_WORLD before = world_copy(world, true);
    struct item bad = transfer(world, 1, 2, 5000, 1), good = transfer(world, 3, 2, 5, 1);
    struct made made;

    (void)state;
    made_init(&made, world);
    made_transaction(&made, &bad);
    made_transaction(&made, &good);
    struct machine machine = run_made(world, &made);
    assert_int_equal(machine.status, MACHINE_INVALID);
    assert_int_equal(machine.done, 2 * ITEM_STEPS);
    assert_true(world_equal(world, before));
}

static void nobody_gets_more_than_there_can_be(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 1), more = deposit(2, 2);

    (void)state;
    world_account(world, index_of(world, 2))->balances[0] = INTEGER_MAX - 5;
    assert_done(run_transaction(world, &item));
    assert_int_equal(balance_of(world, 2), INTEGER_MAX);
    item = transfer(world, 1, 2, 5, 1);
    struct machine machine = run_transaction(world, &item);
    assert_int_equal(machine.status, MACHINE_INVALID);
    assert_int_equal(machine.registers.fault, FAULT_STATE);
    machine = run_inbox(world, &more);
    assert_int_equal(machine.status, MACHINE_INVALID);
    assert_int_equal(machine.registers.fault, FAULT_STATE);
    assert_int_equal(balance_of(world, 2), INTEGER_MAX);
}

/* Below a root that nobody honest made anything may be missing: the answer is "invalid", not a crash. */
static void a_damaged_state_makes_every_item_invalid_or_changes_nothing_of_it(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        AUTO_WORLD world = world_small();
        struct machine machine = { .done = 0 };
        struct made made;

        made_random(&made, world, &dice, 3, 5, 0, false);
        const struct leaf_place place = world->leaves[dice_roll(&dice, world->leaf_count)].place;
        struct leaf *leaf = world_find(world, &place);
        if (dice_one_in(&dice, 2))
            world_remove(world, &place);
        else if (leaf->kind == LEAF_ACCOUNT)
            leaf->account.balances[0] = INTEGER_MAX;
        else if (leaf->kind == LEAF_INDEX)
            leaf->index = 1000000;
        else if (leaf->kind == LEAF_GLOBAL)
            leaf->global.accounts++;
        world_execute(world, &made, &machine);
        assert_true(machine.status == MACHINE_RUNNING || machine.registers.fault != FAULT_NONE);
        made_close(&made);
    }
}

/* --- steps ------------------------------------------------------------------------------------ */

struct one_leaf {
    struct world *world;
    bool placed;
    struct leaf_place place;
};

static enum status checked_item(void *context, uint64_t index, struct bytes *bytes, struct error *error)
{
    struct one_leaf *one = context;
    const struct machine_access access = world_access(one->world);

    return access.item(one->world, index, bytes, error);
}

static enum status checked_read(void *context, const struct leaf_place *place, struct leaf **leaf,
                                struct error *error)
{
    struct one_leaf *one = context;
    const struct machine_access access = world_access(one->world);

    assert_true(one->placed);
    assert_memory_equal(place, &one->place, sizeof *place);
    return access.read(one->world, place, leaf, error);
}

static enum status checked_write(void *context, const struct leaf_place *place, const struct leaf *leaf,
                                 struct error *error)
{
    struct one_leaf *one = context;
    const struct machine_access access = world_access(one->world);

    assert_memory_equal(place, &one->place, sizeof *place);
    return access.write(one->world, place, leaf, error);
}

static void a_step_reads_the_one_leaf_that_is_told_before_and_writes_no_other(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        AUTO_WORLD world = world_small();
        struct one_leaf one = { .world = world };
        const struct machine_access access = { .context = &one, .item = checked_item,
                                               .read = checked_read, .write = checked_write };
        struct machine machine = { .done = 0 };
        struct error error;
        struct made made;

        made_random(&made, world, &dice, 5, 10, 4, round % 4 == 0);
        world->items = made.items;
        for (uint64_t step = 0; step < (made.batch.machine.items + 1) * ITEM_STEPS; step++) {
            world->reads = world->writes = 0;
            one.placed = machine_place(&made.batch.machine, &machine, &one.place);
            assert_status(machine_step(&made.batch.machine, &machine, &access, &error), OK);
            assert_int_equal(machine.done, step + 1);
            assert_int_equal(world->reads, one.placed ? 1 : 0);
            assert_true(world->writes <= world->reads);
        }
        assert_false(machine.registers.active);
        made_close(&made);
    }
}

static enum status no_read(void *context, const struct leaf_place *place, struct leaf **leaf,
                           struct error *error)
{
    (void)context, (void)place, (void)leaf;
    return error_set(error, ERROR_CORRUPT, "no such page");
}

static void an_access_that_fails_ends_the_step(void **state)
{
    AUTO_WORLD world = world_small();
    struct item item = transfer(world, 1, 2, 5, 1);
    struct machine_access access = world_access(world);
    struct machine machine = { .done = 0 };
    struct error error;
    struct made made;

    (void)state;
    made_init(&made, world);
    made_transaction(&made, &item);
    access.read = no_read;
    assert_int_equal(machine_item(&made.batch.machine, &machine, &access, &error), ERROR_CORRUPT);
    made_close(&made);
}

/* What came in, less what went out, is there: whatever is executed. */
static void value_is_kept_over_random_histories(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        AUTO_WORLD world = world_small();
        uint64_t into[2] = { 3000, 0 };

        for (unsigned batch = 0; batch < 6; batch++) {
            struct machine machine = { .done = 0 };
            struct made made;

            made_random(&made, world, &dice, 5, 10, 5, false);
            for (uint64_t i = 0; i < made.batch.machine.inbox_items; i++) {
                struct item item;
                struct error error;

                assert_status(inbox_item_decode(made.items[i], NULL, 2, &item, &error), OK);
                into[item.asset] += item.kind == ITEM_DEPOSIT ? item.amount : 0;
                into[item.asset] -= item.kind == ITEM_EXITED ? item.amount : 0;
            }
            world_execute(world, &made, &machine);
            assert_int_equal(machine.status, MACHINE_RUNNING);
            made_close(&made);
            uint64_t out[2] = { 0, 0 };
            for (size_t i = 0; i < world->withdrawal_count; i++)
                out[world->withdrawals[i].asset] += world->withdrawals[i].amount;
            for (unsigned asset = 0; asset < 2; asset++)
                assert_int_equal(world_total(world, asset) + out[asset], into[asset]);
        }
    }
}

static void faults_have_names(void **state)
{
    (void)state;
    for (int fault = FAULT_NONE; fault <= FAULT_STATE; fault++) {
        for (int other = FAULT_NONE; other < fault; other++)
            assert_string_not_equal(item_fault_name((enum item_fault)fault),
                                    item_fault_name((enum item_fault)other));
    }
}

int machine_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_moves_its_amount_and_pays_its_fee),
        cmocka_unit_test(all_that_is_there_can_be_moved_and_not_one_more),
        cmocka_unit_test(a_batch_transfer_credits_each_output),
        cmocka_unit_test(whoever_pays_himself_keeps_what_he_has),
        cmocka_unit_test(the_operator_pays_and_is_paid_like_all),
        cmocka_unit_test(a_withdrawal_is_appended_to_the_outbox),
        cmocka_unit_test(a_registration_makes_the_next_account),
        cmocka_unit_test(a_deposit_makes_an_account_or_adds_to_it),
        cmocka_unit_test(a_forced_exit_takes_its_amount_or_all),
        cmocka_unit_test(a_forced_transaction_does_what_it_would_otherwise),
        cmocka_unit_test(a_transaction_that_cannot_be_executed_changes_nothing),
        cmocka_unit_test(a_signature_for_another_rollup_is_none),
        cmocka_unit_test(what_left_on_the_base_ledger_is_taken_from_its_account),
        cmocka_unit_test(what_left_and_is_not_there_is_on_a_false_root_alone),
        cmocka_unit_test(a_forced_exit_that_cannot_be_executed_changes_nothing),
        cmocka_unit_test(bytes_that_are_no_transaction_are_null_in_the_inbox_and_invalid_elsewhere),
        cmocka_unit_test(an_inbox_item_that_is_not_the_next_one_is_invalid),
        cmocka_unit_test(behind_an_invalid_item_nothing_is_done),
        cmocka_unit_test(nobody_gets_more_than_there_can_be),
        cmocka_unit_test(a_damaged_state_makes_every_item_invalid_or_changes_nothing_of_it),
        cmocka_unit_test(a_step_reads_the_one_leaf_that_is_told_before_and_writes_no_other),
        cmocka_unit_test(an_access_that_fails_ends_the_step),
        cmocka_unit_test(value_is_kept_over_random_histories),
        cmocka_unit_test(faults_have_names),
    };

    return cmocka_run_group_tests_name("rollup machine", tests, NULL, NULL);
}
