/* Chess clocks, by figures and at their edges: one µs early, on the µs, one µs late. */
#include "test_optimistic.h"

static struct claim claims[CLAIMS];
static struct game game;

static void begin_with(const struct game_params *params)
{
    struct account_id proposer = person(1);
    struct hash root = value_of(0);
    struct error error = { .message = "" };

    memset(claims, 0, sizeof(claims));
    assert_status(game_begin(params, claims, CLAIMS, &root, &proposer, NOW_US, &game, &error), OK);
}

static void begin(void)
{
    struct game_params params = params_small();

    begin_with(&params);
}

static enum status try_attack(uint32_t parent, unsigned value, int64_t now_us)
{
    struct hash hash = value_of(value);
    struct move move = move_of(&game, MOVE_ATTACK, parent, &hash, 2);
    uint32_t made;

    return game_move(&game, &move, now_us, &made, NULL);
}

static void claim_is_countered_until_the_last_microsecond_and_resolved_from_then_on(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin();
    assert_true(game_deadline_us(&game, 0) == NOW_US + 1000);
    assert_status(game_resolve_claim(&game, 0, NOW_US + 999, &error), ERROR_CLOCK_RUNNING);
    assert_int_equal(try_attack(0, 1, NOW_US + 999), OK);
    assert_int_equal(try_attack(0, 2, NOW_US + 1000), ERROR_CLOCK_EXPIRED);
    assert_int_equal(try_attack(0, 2, NOW_US + 1001), ERROR_CLOCK_EXPIRED);

    begin();
    assert_status(game_resolve_claim(&game, 0, NOW_US + 1000, &error), OK);
}

static void step_has_the_same_deadline_as_a_claim(void **state)
{
    struct machine machine = { .states = 1, .depth = 4 };
    struct step_judge judge = machine_judge(&machine);
    struct game_params params = params_small();
    struct hash wrong = machine_value(&machine, 0, 1);
    struct error error = { .message = "" };
    struct move move, step;
    uint32_t last = 0;
    int64_t deadline;

    (void)state;
    params.prestate = machine_prestate(&machine);
    begin_with(&params);
    for (unsigned depth = 1; depth < 4; depth++)
        last = make(&game, MOVE_ATTACK, last, depth, 1, NOW_US + 100 * depth);
    move = move_of(&game, MOVE_ATTACK, last, &wrong, 1);
    assert_status(game_move(&game, &move, NOW_US + 400, &last, &error), OK);
    deadline = game_deadline_us(&game, last);
    assert_true(deadline == NOW_US + 400 + 1000 - (100 + 100)); /* claims 1 and 3 took 100 each */
    step = move_of(&game, MOVE_STEP_ATTACK, last, NULL, 2);
    assert_status(game_step(&game, &step, &judge, deadline, &error), ERROR_CLOCK_EXPIRED);
    assert_status(game_step(&game, &step, &judge, deadline - 1, &error), OK);
}

static void time_is_inherited_from_the_grandparent(void **state)
{
    (void)state;
    begin();
    assert_int_equal(make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US + 300), 1);
    assert_int_equal(make(&game, MOVE_ATTACK, 1, 2, 1, NOW_US + 350), 2);
    assert_int_equal(make(&game, MOVE_ATTACK, 2, 3, 2, NOW_US + 450), 3);
    assert_int_equal(make(&game, MOVE_ATTACK, 3, 4, 1, NOW_US + 460), 4);
    assert_int_equal(claims[0].clock_us, 0);
    assert_int_equal(claims[1].clock_us, 300);
    assert_int_equal(claims[2].clock_us, 50);
    assert_int_equal(claims[3].clock_us, 400);
    assert_int_equal(claims[4].clock_us, 60);
    assert_true(game_deadline_us(&game, 1) == NOW_US + 300 + 1000);
    assert_true(game_deadline_us(&game, 2) == NOW_US + 350 + 700);
    assert_true(game_deadline_us(&game, 3) == NOW_US + 450 + 950);
    assert_true(game_deadline_us(&game, 4) == NOW_US + 460 + 600);
    /* Two answers to one claim have each their own time. */
    assert_int_equal(make(&game, MOVE_ATTACK, 0, 5, 3, NOW_US + 500), 5);
    assert_int_equal(claims[5].clock_us, 500);
    assert_true(game_deadline_us(&game, 5) == NOW_US + 500 + 1000);
}

static void whoever_moves_late_has_an_extension_for_his_next_move(void **state)
{
    static const struct {
        unsigned depth;
        int64_t extension_us;
    } rows[] = { { 1, 100 }, { 2, 100 }, { 3, 200 }, { 4, 100 }, { 5, 130 }, { 6, 100 } };
    struct game_params params = params_small();

    (void)state;
    params.max_depth = 6;
    params.split_depth = 4; /* the claim at depth 3 has its next move below the split, that at 5 a step */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t latest = params.max_clock_us - rows[i].extension_us;

        for (int64_t used = latest - 1; used <= latest + 1; used++) {
            uint32_t last = 0;

            begin_with(&params);
            for (unsigned depth = 1; depth < rows[i].depth; depth++)
                last = make(&game, MOVE_ATTACK, last, depth, 2, NOW_US);
            last = make(&game, MOVE_ATTACK, last, 9, 2, NOW_US + used);
            assert_true(claims[last].clock_us == (used < latest ? used : latest));
        }
    }
}

static void an_extension_gives_no_more_than_itself(void **state)
{
    struct game_params params = params_small();

    (void)state;
    params.split_depth = 0;
    begin_with(&params);
    assert_int_equal(make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US + 999), 1); /* topped up: 100 are left */
    assert_int_equal(make(&game, MOVE_ATTACK, 1, 2, 1, NOW_US + 999), 2);
    assert_true(game_deadline_us(&game, 2) == NOW_US + 999 + 100);
    assert_int_equal(try_attack(2, 3, NOW_US + 999 + 100), ERROR_CLOCK_EXPIRED);
    assert_int_equal(make(&game, MOVE_ATTACK, 2, 3, 2, NOW_US + 999 + 99), 3);
    assert_int_equal(claims[3].clock_us, 1000 - 130);
}

/* Both sides always move in the last µs: no game is longer. */
static void longest_game_is_as_long_as_told(void **state)
{
    struct game_params params = params_small();
    struct error error = { .message = "" };
    int64_t now_us = NOW_US, last_deadline;

    (void)state;
    for (params.max_depth = 1; params.max_depth < 40; params.max_depth++) {
        uint32_t last = 0;

        params.bond_numerator = params.bond_denominator;
        params.split_depth = params.max_depth / 2;
        now_us = NOW_US;
        begin_with(&params);
        for (unsigned depth = 1; depth <= params.max_depth; depth++) {
            now_us = game_deadline_us(&game, last) - 1;
            last = make(&game, MOVE_ATTACK, last, depth, depth % 2, now_us);
        }
        last_deadline = game_deadline_us(&game, last);
        assert_true(last_deadline <= NOW_US + game_longest_us(&params));
        assert_true(last_deadline >= NOW_US + 2 * params.max_clock_us - params.max_depth);
        assert_int_equal(game_resolve_ready(&game, last_deadline), game.count);
        assert_status(game_resolve(&game, last_deadline, &error), OK);
    }
}

int clock_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claim_is_countered_until_the_last_microsecond_and_resolved_from_then_on),
        cmocka_unit_test(step_has_the_same_deadline_as_a_claim),
        cmocka_unit_test(time_is_inherited_from_the_grandparent),
        cmocka_unit_test(whoever_moves_late_has_an_extension_for_his_next_move),
        cmocka_unit_test(an_extension_gives_no_more_than_itself),
        cmocka_unit_test(longest_game_is_as_long_as_told),
    };

    return cmocka_run_group_tests_name("clocks", tests, NULL, NULL);
}
