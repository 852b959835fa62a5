/* Runs every test of the rollup's pure half. */
#include "test_rollup.h"

#include "base/clock.h"

struct dice dice;

struct item transfer(struct world *world, unsigned person, unsigned to, uint64_t amount, uint64_t fee)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = index_of(world, person), .fee = fee,
                         .output_count = 1, .outputs = { { index_of(world, to), amount } } };

    item.nonce = world_account(world, item.from)->nonce;
    sign_again(world, person, &item);
    return item;
}

struct item withdrawal(struct world *world, unsigned person, uint64_t amount, uint64_t fee)
{
    struct item item = { .kind = ITEM_WITHDRAWAL, .from = index_of(world, person), .fee = fee,
                         .amount = amount, .recipient = { { 0x77 } } };

    item.nonce = world_account(world, item.from)->nonce;
    sign_again(world, person, &item);
    return item;
}

struct item registration(struct world *world, unsigned person, unsigned whose, uint64_t fee)
{
    struct item item = { .kind = ITEM_REGISTRATION, .from = index_of(world, person), .fee = fee,
                         .key = *person_key(whose) };

    item.nonce = world_account(world, item.from)->nonce;
    sign_again(world, person, &item);
    return item;
}

struct item deposit(unsigned person, uint64_t amount)
{
    return (struct item){ .kind = ITEM_DEPOSIT, .inbox = true, .amount = amount, .key = *person_key(person) };
}

struct item forced_exit(unsigned person, uint64_t amount)
{
    return (struct item){ .kind = ITEM_FORCED_EXIT, .inbox = true, .amount = amount,
                          .key = *person_key(person), .recipient = { { 0x66 } } };
}

struct item exited(uint32_t account, uint64_t amount)
{
    return (struct item){ .kind = ITEM_EXITED, .inbox = true, .amount = amount, .from = account };
}

void sign_again(struct world *world, unsigned person, struct item *item)
{
    person_sign(person, item, &world->rollup);
}

uint32_t index_of(struct world *world, unsigned person)
{
    uint32_t index;

    assert_true(world_index(world, person_key(person), &index));
    return index;
}

uint64_t balance_of(struct world *world, unsigned person)
{
    return world_account(world, index_of(world, person))->balances[0];
}

struct world *world_small(void)
{
    struct world *world = world_new(2);
    struct machine machine = { .done = 0 };
    struct made made;

    made_init(&made, world);
    for (unsigned person = 1; person <= 3; person++) {
        const struct item item = deposit(person, 1000);
        made_inbox(&made, &item);
    }
    made_finish(&made);
    world_execute(world, &made, &machine);
    assert_int_equal(machine.status, MACHINE_RUNNING);
    made_close(&made);
    return world;
}

int main(int argc, char **argv)
{
    const char *seed = getenv("LAYERD_SEED");

    dice.state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_us();
    printf("LAYERD_SEED=%" PRIu64 "\n", dice.state);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return codec_tests() + machine_tests() + judge_tests() + batch_tests() + fraud_tests();
}
