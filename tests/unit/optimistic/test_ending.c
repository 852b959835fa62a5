/* How a game ends: claims resolved from below, the verdict, and who is paid. */
#include "test_optimistic.h"

#define END_US (NOW_US + 10000) /* all clocks are over */

static struct claim claims[CLAIMS];
static struct payout payouts[CLAIMS];
static struct game game;

static void begin(uint32_t burn_ppm)
{
    struct game_params params = params_small();
    struct account_id proposer = person(1);
    struct hash root = value_of(0);
    struct error error = { .message = "" };

    params.burn_ppm = burn_ppm;
    memset(claims, 0, sizeof(claims));
    assert_status(game_begin(&params, claims, CLAIMS, &root, &proposer, NOW_US, &game, &error), OK);
}

static void end(enum game_status expected)
{
    struct error error = { .message = "" };

    assert_int_equal(game_resolve_ready(&game, END_US), game.count);
    assert_int_equal(game_resolve_ready(&game, END_US), 0);
    assert_status(game_resolve(&game, END_US, &error), OK);
    assert_int_equal(game.status, expected);
    assert_true(game.ended_at_us == END_US);
}

static void pay(enum game_closing mode)
{
    struct error error = { .message = "" };
    int64_t closed_us = END_US + 500;

    assert_status(game_close(&game, mode, closed_us, &error), OK);
    assert_status(game_payouts(&game, 0, closed_us + 200, payouts, &error), OK);
}

static void assert_paid(uint32_t claim, unsigned recipient, uint64_t amount)
{
    struct account_id expected = person(recipient);

    assert_int_equal(payouts[claim].claim, claim);
    assert_true(account_equal(&payouts[claim].recipient, &expected));
    assert_int_equal(payouts[claim].amount, amount);
    assert_int_equal(payouts[claim].amount + payouts[claim].burned, claims[claim].bond);
}

/* --- resolving -------------------------------------------------------------------------------- */
static void unchallenged_root_stands_and_has_its_bond_back(void **state)
{
    (void)state;
    begin(0);
    end(GAME_DEFENDED);
    pay(GAME_NORMAL);
    assert_paid(0, 1, 100);
}

static void root_with_an_answer_that_stands_falls(void **state)
{
    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    end(GAME_DEFEATED);
    pay(GAME_NORMAL);
    assert_paid(0, 2, 100);
    assert_paid(1, 2, 150);
}

static void answer_that_is_countered_does_not_counter(void **state)
{
    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_DEFEND, 1, 2, 3, NOW_US);
    end(GAME_DEFENDED);
    pay(GAME_NORMAL);
    assert_paid(0, 1, 100);
    assert_paid(1, 3, 150);
    assert_paid(2, 3, 225);
}

static void left_most_answer_that_stands_is_paid_whenever_it_was_made(void **state)
{
    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_DEFEND, 1, 2, 3, NOW_US);     /* claim 2: right */
    make(&game, MOVE_ATTACK, 1, 3, 4, NOW_US + 1); /* claim 3: left, later */
    make(&game, MOVE_DEFEND, 1, 4, 5, NOW_US + 2);
    end(GAME_DEFENDED);
    assert_true(account_equal(&claims[1].countered_by, &claims[3].claimant));

    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_ATTACK, 1, 2, 3, NOW_US); /* left, but countered */
    make(&game, MOVE_DEFEND, 1, 3, 4, NOW_US);
    make(&game, MOVE_ATTACK, 2, 4, 5, NOW_US);
    end(GAME_DEFENDED);
    assert_true(account_equal(&claims[1].countered_by, &claims[3].claimant));
}

static void of_two_answers_in_one_place_the_older_is_paid(void **state)
{
    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_ATTACK, 0, 2, 3, NOW_US);
    end(GAME_DEFEATED);
    assert_true(account_equal(&claims[0].countered_by, &claims[1].claimant));
}

static void claims_are_resolved_from_below_once_and_after_their_time(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_ATTACK, 1, 2, 1, NOW_US);
    assert_status(game_resolve(&game, END_US, &error), ERROR_OUT_OF_ORDER);
    assert_status(game_resolve_claim(&game, 3, END_US, &error), ERROR_CLAIM_NOT_FOUND);
    assert_status(game_resolve_claim(&game, 0, END_US, &error), ERROR_OUT_OF_ORDER);
    assert_status(game_resolve_claim(&game, 1, END_US, &error), ERROR_OUT_OF_ORDER);
    assert_status(game_resolve_claim(&game, 2, NOW_US + 999, &error), ERROR_CLOCK_RUNNING);
    assert_status(game_resolve_claim(&game, 2, NOW_US + 1000, &error), OK);
    assert_status(game_resolve_claim(&game, 2, END_US, &error), ERROR_CLAIM_RESOLVED);
    assert_status(game_resolve_claim(&game, 1, END_US, &error), OK);
    assert_status(game_resolve(&game, END_US, &error), ERROR_OUT_OF_ORDER);
    assert_status(game_resolve_claim(&game, 0, END_US, &error), OK);
    assert_status(game_resolve(&game, END_US, &error), OK);
    assert_status(game_resolve(&game, END_US, &error), ERROR_GAME_OVER);
    assert_status(game_resolve_claim(&game, 0, END_US, &error), ERROR_GAME_OVER);
    assert_status(game_void(&game, END_US, &error), ERROR_GAME_OVER);
}

static void no_answer_comes_after_a_claim_is_resolved(void **state)
{
    struct hash value = value_of(7);
    struct error error = { .message = "" };
    struct move move;
    uint32_t made;

    (void)state;
    begin(0);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    assert_status(game_resolve_claim(&game, 1, NOW_US + 1000, &error), OK);
    move = move_of(&game, MOVE_ATTACK, 1, &value, 1);
    assert_status(game_move(&game, &move, NOW_US + 1000, &made, &error), ERROR_CLOCK_EXPIRED);
}

/* --- closing and paying ----------------------------------------------------------------------- */
static void air_gap_and_delay_end_on_their_microsecond(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin(0);
    assert_status(game_close(&game, GAME_NORMAL, END_US, &error), ERROR_GAME_NOT_RESOLVED);
    end(GAME_DEFENDED);
    assert_status(game_payouts(&game, 0, END_US + 5000, payouts, &error), ERROR_GAME_NOT_RESOLVED);
    assert_status(game_close(&game, GAME_NORMAL, END_US + 499, &error), ERROR_AIR_GAP);
    assert_int_equal(game.closing, GAME_OPEN);
    assert_status(game_close(&game, GAME_NORMAL, END_US + 500, &error), OK);
    assert_status(game_close(&game, GAME_REFUND, END_US + 500, &error), ERROR_GAME_CLOSED);
    assert_int_equal(game.closing, GAME_NORMAL);
    assert_status(game_payouts(&game, 0, END_US + 699, payouts, &error), ERROR_AIR_GAP);
    assert_status(game_payouts(&game, 0, END_US + 700, payouts, &error), OK);
}

static void refund_gives_every_bond_back(void **state)
{
    (void)state;
    begin(500000);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_ATTACK, 0, 2, 3, NOW_US);
    make(&game, MOVE_ATTACK, 2, 3, 1, NOW_US);
    end(GAME_DEFEATED);
    pay(GAME_REFUND);
    assert_paid(0, 1, 100);
    assert_paid(1, 2, 150);
    assert_paid(2, 3, 150);
    assert_paid(3, 1, 225);
}

static void void_game_gives_every_bond_back_at_once(void **state)
{
    struct error error = { .message = "" };

    (void)state;
    begin(500000);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    assert_int_equal(game_resolve_ready(&game, END_US), 2); /* also of claims that are lost already */
    assert_status(game_void(&game, END_US, &error), OK);
    assert_int_equal(game.status, GAME_VOID);
    assert_status(game_close(&game, GAME_NORMAL, END_US + 500, &error), ERROR_GAME_CLOSED);
    assert_status(game_payouts(&game, 0, END_US, payouts, &error), OK);
    assert_paid(0, 1, 100);
    assert_paid(1, 2, 150);
}

/* Whole, or in parts: a bond's payout depends on its number alone. */
static void in_a_full_game_a_part_of_all_later_bonds_burns(void **state)
{
    struct claim *many = calloc(GAME_CLAIMS_MAX, sizeof(*many));
    struct payout *paid = calloc(GAME_CLAIMS_MAX, sizeof(*paid));
    const struct game_params params = params_small();
    struct error error = { .message = "" };
    uint64_t burned = 0;
    struct game full, part;

    (void)state;
    for (uint32_t i = 0; i < GAME_CLAIMS_MAX; i++)
        many[i] = (struct claim){ .parent = i == 0 ? GAME_NO_CLAIM : 0, .position = { i == 0 ? 1 : 2 },
                                  .value = value_of(i), .claimant = person(i % 7), .made_at_us = NOW_US,
                                  .bond = 1000 + i };
    game_restore(&params, many, GAME_CLAIMS_MAX, GAME_CLAIMS_MAX, &full);
    assert_status(game_void(&full, END_US, &error), OK);
    assert_int_equal(full.closing, GAME_FILLED);
    assert_status(game_payouts(&full, 0, END_US, paid, &error), OK);
    for (uint32_t i = 0; i < GAME_CLAIMS_MAX; i++) {
        const struct account_id claimant = person(i % 7);

        assert_int_equal(paid[i].burned, i < 2 ? 0 : many[i].bond / 64);
        assert_int_equal(paid[i].amount + paid[i].burned, many[i].bond);
        assert_true(account_equal(&paid[i].recipient, &claimant));
    }
    part = full;
    for (uint32_t from = 0; from < 10; from += 5) {
        struct payout some[5];

        part.claims = many + from;
        part.count = 5;
        part.pot = 0;
        for (uint32_t i = 0; i < 5; i++)
            part.pot += part.claims[i].bond;
        assert_status(game_payouts(&part, from, END_US, some, &error), OK);
        assert_memory_equal(some, paid + from, sizeof(some));
    }
    game_restore(&params, many, GAME_CLAIMS_MAX - 1, GAME_CLAIMS_MAX, &full);
    assert_status(game_void(&full, END_US, &error), OK);
    assert_int_equal(full.closing, GAME_REFUND); /* one less: void for another reason */
    assert_status(game_payouts(&full, 0, END_US, paid, &error), OK);
    for (uint32_t i = 0; i < GAME_CLAIMS_MAX - 1; i++)
        burned += paid[i].burned;
    assert_int_equal(burned, 0);
    free(many);
    free(paid);
}

static void whoever_counters_himself_pays_the_part_that_burns(void **state)
{
    (void)state;
    begin(333333);
    make(&game, MOVE_ATTACK, 0, 1, 1, NOW_US);
    end(GAME_DEFEATED);
    pay(GAME_NORMAL);
    assert_paid(0, 1, 100 - 33);
    assert_int_equal(payouts[0].burned, 33);
    assert_paid(1, 1, 150); /* what is not lost is not burned */
    assert_int_equal(payouts[1].burned, 0);

    begin(GAME_PPM);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    end(GAME_DEFEATED);
    pay(GAME_NORMAL);
    assert_paid(0, 2, 0);
}

int ending_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchallenged_root_stands_and_has_its_bond_back),
        cmocka_unit_test(root_with_an_answer_that_stands_falls),
        cmocka_unit_test(answer_that_is_countered_does_not_counter),
        cmocka_unit_test(left_most_answer_that_stands_is_paid_whenever_it_was_made),
        cmocka_unit_test(of_two_answers_in_one_place_the_older_is_paid),
        cmocka_unit_test(claims_are_resolved_from_below_once_and_after_their_time),
        cmocka_unit_test(no_answer_comes_after_a_claim_is_resolved),
        cmocka_unit_test(air_gap_and_delay_end_on_their_microsecond),
        cmocka_unit_test(refund_gives_every_bond_back),
        cmocka_unit_test(void_game_gives_every_bond_back_at_once),
        cmocka_unit_test(in_a_full_game_a_part_of_all_later_bonds_burns),
        cmocka_unit_test(whoever_counters_himself_pays_the_part_that_burns),
    };

    return cmocka_run_group_tests_name("ending", tests, NULL, NULL);
}
