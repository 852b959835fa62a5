/* Moves: what each makes, and every refusal by name beside its rule; a refused move changes nothing. */
#include "test_optimistic.h"

static struct machine machine = { .seed = 5, .states = 1, .depth = 4 };
static struct claim claims[CLAIMS], before_claims[CLAIMS];
static struct game game, before;

static void begin(void)
{
    struct game_params params = params_small();
    struct account_id proposer = person(1);
    struct hash root = value_of(0);
    struct error error = { .message = "" };

    params.prestate = machine_prestate(&machine);
    memset(claims, 0, sizeof(claims));
    assert_status(game_begin(&params, claims, CLAIMS, &root, &proposer, NOW_US, &game, &error), OK);
}

static void assert_refused(const struct move *move, int64_t now_us, enum status expected)
{
    struct step_judge judge = machine_judge(&machine);
    struct error error = { .message = "" };
    uint32_t made = 77;

    before = game;
    memcpy(before_claims, claims, sizeof(claims));
    if (move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND)
        assert_status(game_move(&game, move, now_us, &made, &error), expected);
    else
        assert_status(game_step(&game, move, &judge, now_us, &error), expected);
    assert_int_equal(made, 77);
    assert_memory_equal(&before, &game, sizeof(game));
    assert_memory_equal(before_claims, claims, sizeof(claims));
}

/* Attacks from the root down to the greatest depth; the last claim's number. Claim n says value n. */
static uint32_t attack_to_the_ground(void)
{
    uint32_t last = 0;

    for (unsigned depth = 1; depth <= game.params.max_depth; depth++)
        last = make(&game, MOVE_ATTACK, last, depth, 1 + depth % 2, NOW_US);
    return last;
}

/* --- parameters ------------------------------------------------------------------------------- */
static void parameters_are_refused_beyond_their_bounds(void **state)
{
    const struct game_params good = params_small();
    struct error error = { .message = "" };
    struct game_params bad[18];
    size_t count = 0;

    (void)state;
    assert_status(game_params_check(&good, &error), OK);
#define BAD(change) (bad[count] = good, bad[count].change, count++)
    BAD(max_depth = 0);
    BAD(max_depth = POSITION_DEPTH_MAX + 1);
    BAD(split_depth = 4);
    BAD(max_clock_us = -1);
    BAD(max_clock_us = INT64_MAX);
    BAD(max_clock_us = 199);
    BAD(extension_us = 0);
    BAD(extension_us = -1);
    BAD(extension_us = 501);
    BAD(step_extension_us = 901);
    BAD(step_extension_us = INT64_MIN);
    BAD(air_gap_us = -1);
    BAD(payout_delay_us = INT64_MAX);
    BAD(bond_base = 0);
    BAD(bond_denominator = 0);
    BAD(bond_numerator = 1);
    BAD(burn_ppm = GAME_PPM + 1);
    BAD(bond_base = INTEGER_MAX / 5); /* times (3/2)^4 */
    assert_int_equal(count, sizeof(bad) / sizeof(bad[0]));
    for (size_t i = 0; i < count; i++) {
        if (game_params_check(&bad[i], &error) != ERROR_INVALID_PARAMS)
            fail_msg("bad parameters number %zu are taken", i);
    }
}

static void greatest_parameters_stay_exact(void **state)
{
    struct game_params p = params_small();
    struct error error = { .message = "" };

    (void)state;
    p.max_depth = POSITION_DEPTH_MAX;
    p.max_clock_us = (int64_t)(INTEGER_MAX / (POSITION_DEPTH_MAX + 3));
    p.extension_us = p.max_clock_us / 2;
    p.step_extension_us = p.max_clock_us / 2;
    p.bond_numerator = p.bond_denominator;
    p.bond_base = INTEGER_MAX;
    assert_status(game_params_check(&p, &error), OK);
    assert_true(game_longest_us(&p) > 0 && (uint64_t)game_longest_us(&p) <= INTEGER_MAX);
    assert_true(game_bond(&p, POSITION_DEPTH_MAX) == INTEGER_MAX);
    p.bond_numerator = UINT32_MAX;
    p.bond_denominator = 1;
    assert_status(game_params_check(&p, &error), ERROR_INVALID_PARAMS);
}

static void bonds_grow_by_their_ratio_rounded_down_at_each_depth(void **state)
{
    const uint64_t expected[] = { 100, 150, 225, 337, 505 };
    const struct game_params p = params_small();

    (void)state;
    for (unsigned depth = 0; depth < 5; depth++)
        assert_int_equal(game_bond(&p, depth), expected[depth]);
}

/* --- claims ----------------------------------------------------------------------------------- */
static void attack_and_defence_make_claims_that_remember_all(void **state)
{
    const struct account_id third = person(3);
    const struct claim *claim;

    (void)state;
    begin();
    assert_int_equal(game.count, 1);
    assert_int_equal(game.pot, 100);
    assert_int_equal(make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US + 10), 1);
    assert_int_equal(make(&game, MOVE_DEFEND, 1, 2, 3, NOW_US + 15), 2);
    claim = &game.claims[2];
    assert_int_equal(claim->position.gindex, 6);
    assert_int_equal(game.claims[1].position.gindex, 2);
    assert_int_equal(claim->parent, 1);
    assert_int_equal(claim->clock_us, 5);
    assert_int_equal(game.claims[1].clock_us, 10);
    assert_true(claim->made_at_us == NOW_US + 15);
    assert_int_equal(claim->bond, 225);
    assert_int_equal(game.pot, 100 + 150 + 225);
    assert_false(claim->countered || claim->resolved);
    assert_true(account_equal(&claim->claimant, &third));
}

static void game_that_is_over_takes_no_moves(void **state)
{
    struct error error = { .message = "" };
    struct hash value = value_of(1);
    struct move move, step;

    (void)state;
    begin();
    move = move_of(&game, MOVE_ATTACK, 0, &value, 2);
    step = move_of(&game, MOVE_STEP_ATTACK, attack_to_the_ground(), NULL, 2);
    assert_status(game_void(&game, NOW_US, &error), OK);
    assert_refused(&move, NOW_US, ERROR_GAME_OVER);
    assert_refused(&step, NOW_US, ERROR_GAME_OVER);
}

static void claim_that_is_not_there_cannot_be_countered(void **state)
{
    struct hash value = value_of(1);
    struct move move;

    (void)state;
    begin();
    move = move_of(&game, MOVE_ATTACK, 0, &value, 2);
    move.parent = 1;
    assert_refused(&move, NOW_US, ERROR_CLAIM_NOT_FOUND);
    move.parent = GAME_NO_CLAIM;
    assert_refused(&move, NOW_US, ERROR_CLAIM_NOT_FOUND);
    move.kind = MOVE_STEP_ATTACK;
    assert_refused(&move, NOW_US, ERROR_CLAIM_NOT_FOUND);
}

static void claim_that_says_something_else_cannot_be_countered(void **state)
{
    struct hash value = value_of(1);
    struct move move;

    (void)state;
    begin();
    move = move_of(&game, MOVE_ATTACK, 0, &value, 2);
    move.disputed.bytes[31] ^= 1;
    assert_refused(&move, NOW_US, ERROR_WRONG_CLAIM);
    move = move_of(&game, MOVE_STEP_ATTACK, attack_to_the_ground(), NULL, 2);
    move.disputed.bytes[0] ^= 1;
    assert_refused(&move, NOW_US, ERROR_WRONG_CLAIM);
}

static void root_claim_cannot_be_defended_others_can(void **state)
{
    struct hash value = value_of(1);
    struct move move;

    (void)state;
    begin();
    move = move_of(&game, MOVE_DEFEND, 0, &value, 2);
    assert_refused(&move, NOW_US, ERROR_ROOT_DEFENDED);
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_DEFEND, 1, 2, 1, NOW_US);
    make(&game, MOVE_DEFEND, 2, 3, 2, NOW_US); /* also where the split lies: one trace, no second root */
}

static void no_claim_lies_below_the_greatest_depth(void **state)
{
    struct hash value = value_of(5);
    struct move move;
    uint32_t leaf;

    (void)state;
    begin();
    leaf = attack_to_the_ground();
    assert_int_equal(position_depth(game.claims[leaf].position), 4);
    move = move_of(&game, MOVE_ATTACK, leaf, &value, 2);
    assert_refused(&move, NOW_US, ERROR_DEPTH_EXCEEDED);
    move.kind = MOVE_DEFEND;
    assert_refused(&move, NOW_US, ERROR_DEPTH_EXCEEDED);
}

static void bond_is_exactly_the_one_for_the_depth(void **state)
{
    struct hash value = value_of(1);
    struct move move;

    (void)state;
    begin();
    move = move_of(&game, MOVE_ATTACK, 0, &value, 2);
    move.bond = 149;
    assert_refused(&move, NOW_US, ERROR_WRONG_BOND);
    move.bond = 151;
    assert_refused(&move, NOW_US, ERROR_WRONG_BOND);
    move.bond = 0;
    assert_refused(&move, NOW_US, ERROR_WRONG_BOND);
}

static void same_claim_is_made_once_whoever_makes_it(void **state)
{
    struct hash value = value_of(1);
    struct move move;

    (void)state;
    begin();
    make(&game, MOVE_ATTACK, 0, 1, 2, NOW_US);
    make(&game, MOVE_ATTACK, 0, 2, 2, NOW_US); /* another value */
    move = move_of(&game, MOVE_ATTACK, 0, &value, 3);
    assert_refused(&move, NOW_US, ERROR_DUPLICATE_CLAIM);
    make(&game, MOVE_ATTACK, 1, 1, 3, NOW_US);
    make(&game, MOVE_DEFEND, 1, 1, 3, NOW_US); /* another position */
    make(&game, MOVE_ATTACK, 2, 1, 3, NOW_US); /* another parent */
    move = move_of(&game, MOVE_DEFEND, 1, &value, 2);
    assert_refused(&move, NOW_US, ERROR_DUPLICATE_CLAIM);
}

static void full_game_takes_no_claim_but_ends_void(void **state)
{
    struct error error = { .message = "" };
    struct hash value = value_of(1);
    struct payout payouts[4];
    struct move move;

    (void)state;
    begin();
    game.capacity = 2;
    make(&game, MOVE_ATTACK, 0, 9, 2, NOW_US);
    move = move_of(&game, MOVE_ATTACK, 0, &value, 2);
    assert_refused(&move, NOW_US, ERROR_GAME_FULL);
    game.capacity = CLAIMS;
    game.pot = INTEGER_MAX - move.bond + 1;
    assert_refused(&move, NOW_US, ERROR_GAME_FULL);
    game.pot = 250;
    assert_status(game_void(&game, NOW_US, &error), OK);
    assert_status(game_payouts(&game, 0, NOW_US, payouts, &error), OK);
    assert_true(account_equal(&payouts[1].recipient, &game.claims[1].claimant));
}

static void no_game_has_more_claims_than_the_limit(void **state)
{
    struct claim *many = calloc(GAME_CLAIMS_MAX + 1, sizeof(*many));
    struct game_params params = params_small();
    struct game large;
    struct hash value = value_of(GAME_CLAIMS_MAX + 9);
    struct error error = { .message = "" };
    struct move move;
    uint32_t made;

    (void)state;
    begin();
    assert_non_null(many);
    for (uint32_t i = 0; i < GAME_CLAIMS_MAX; i++) {
        many[i] = claims[0];
        many[i].parent = i == 0 ? GAME_NO_CLAIM : 0;
        many[i].position.gindex = i == 0 ? 1 : 2;
        many[i].value = value_of(i);
    }
    game_restore(&params, many, GAME_CLAIMS_MAX - 1, GAME_CLAIMS_MAX + 1, &large);
    move = move_of(&large, MOVE_ATTACK, 0, &value, 2);
    assert_status(game_move(&large, &move, NOW_US, &made, &error), OK);
    move.value.bytes[0] ^= 1;
    assert_status(game_move(&large, &move, NOW_US, &made, &error), ERROR_GAME_FULL);
    free(many);
}

/* --- steps ------------------------------------------------------------------------------------ */
static void only_a_claim_at_the_greatest_depth_is_stepped_against(void **state)
{
    struct move step;

    (void)state;
    begin();
    step = move_of(&game, MOVE_STEP_ATTACK, 0, NULL, 2);
    assert_refused(&step, NOW_US, ERROR_NOT_A_LEAF);
    (void)attack_to_the_ground();
    step = move_of(&game, MOVE_STEP_DEFEND, 3, NULL, 2);
    assert_refused(&step, NOW_US, ERROR_NOT_A_LEAF);
}

/* A game in which the claims at gindex 1, 2, 4, 8 (or 10 …) are wrong or right as the bits of `right` say,
 * root first; the moves below the root's attack as `defences` says, first one lowest. */
static uint32_t path(unsigned right, unsigned defences)
{
    uint32_t last = 0;

    begin();
    claims[0].value = machine_value(&machine, 15, (right & 1) == 0);
    for (unsigned depth = 1; depth <= 4; depth++) {
        enum move_kind kind = depth > 1 && (defences >> (depth - 2) & 1) != 0 ? MOVE_DEFEND : MOVE_ATTACK;
        struct position p = kind == MOVE_DEFEND ? position_defend(claims[last].position)
                                                : position_attack(claims[last].position);
        struct hash value = machine_value(&machine, position_trace_index(p, 4), (right >> depth & 1) == 0);
        struct move move = move_of(&game, kind, last, &value, 1 + depth % 2);
        struct error error = { .message = "" };

        assert_status(game_move(&game, &move, NOW_US, &last, &error), OK);
    }
    return last;
}

static void step_from_the_agreed_state_decides_about_the_first_leaf(void **state)
{
    struct step_judge judge = machine_judge(&machine);
    struct error error = { .message = "" };
    struct move step;
    uint32_t leaf;

    (void)state;
    leaf = path(0x00, 0); /* all wrong, index 0: prestate → state 1 is wrong */
    step = move_of(&game, MOVE_STEP_ATTACK, leaf, NULL, 2);
    assert_status(game_step(&game, &step, &judge, NOW_US, &error), OK);
    assert_true(claims[leaf].countered && account_equal(&claims[leaf].countered_by, &step.mover));
    step.mover = person(3);
    assert_refused(&step, NOW_US, ERROR_ALREADY_COUNTERED);

    leaf = path(0x10, 0); /* the leaf's state is right */
    step = move_of(&game, MOVE_STEP_ATTACK, leaf, NULL, 2);
    assert_refused(&step, NOW_US, ERROR_STEP_CONFIRMS);
}

static void step_decides_between_a_leaf_and_the_claim_on_its_left_or_right(void **state)
{
    struct step_judge judge = machine_judge(&machine);
    struct error error = { .message = "" };
    struct move step;
    uint32_t leaf;

    (void)state;
    /* gindex 1, 2, 4, 8, then 18, index 2; its left neighbour is claim 3 (leaf 1), its right one claim 2. */
    leaf = path(0x08, 4);
    assert_int_equal(claims[leaf].position.gindex, 18);
    step = move_of(&game, MOVE_STEP_ATTACK, leaf, NULL, 2); /* right before it, the leaf wrong */
    assert_status(game_step(&game, &step, &judge, NOW_US, &error), OK);
    leaf = path(0x18, 4);
    step = move_of(&game, MOVE_STEP_ATTACK, leaf, NULL, 2); /* both right */
    assert_refused(&step, NOW_US, ERROR_STEP_CONFIRMS);

    /* Claim 2, two levels up, is of the leaf's side: a defence must show that it does not follow. */
    leaf = path(0x18, 4); /* claim 2 is wrong */
    step = move_of(&game, MOVE_STEP_DEFEND, leaf, NULL, 2);
    assert_status(game_step(&game, &step, &judge, NOW_US, &error), OK);
    leaf = path(0x1c, 4);
    step = move_of(&game, MOVE_STEP_DEFEND, leaf, NULL, 2);
    assert_refused(&step, NOW_US, ERROR_STEP_CONFIRMS);

    /* gindex 1, 2, 4, 8, 16: the right neighbour is claim 3, of the other side: it must follow. */
    leaf = path(0x18, 0);
    step = move_of(&game, MOVE_STEP_DEFEND, leaf, NULL, 2);
    assert_status(game_step(&game, &step, &judge, NOW_US, &error), OK);
    leaf = path(0x10, 0);
    step = move_of(&game, MOVE_STEP_DEFEND, leaf, NULL, 2);
    assert_refused(&step, NOW_US, ERROR_STEP_CONFIRMS);
}

static void what_the_judge_refuses_is_refused(void **state)
{
    struct move step;

    (void)state;
    begin();
    step = move_of(&game, MOVE_STEP_DEFEND, attack_to_the_ground(), NULL, 2); /* a state without a witness */
    assert_refused(&step, NOW_US, ERROR_INVALID_PARAMS);
}

static void everything_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(game_status_name(GAME_DEFEATED), "defeated");
    assert_string_equal(game_closing_name(GAME_REFUND), "refund");
    assert_string_equal(move_kind_name(MOVE_STEP_DEFEND), "step_defend");
}

int move_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_refused_beyond_their_bounds),
        cmocka_unit_test(greatest_parameters_stay_exact),
        cmocka_unit_test(bonds_grow_by_their_ratio_rounded_down_at_each_depth),
        cmocka_unit_test(attack_and_defence_make_claims_that_remember_all),
        cmocka_unit_test(game_that_is_over_takes_no_moves),
        cmocka_unit_test(claim_that_is_not_there_cannot_be_countered),
        cmocka_unit_test(claim_that_says_something_else_cannot_be_countered),
        cmocka_unit_test(root_claim_cannot_be_defended_others_can),
        cmocka_unit_test(no_claim_lies_below_the_greatest_depth),
        cmocka_unit_test(bond_is_exactly_the_one_for_the_depth),
        cmocka_unit_test(same_claim_is_made_once_whoever_makes_it),
        cmocka_unit_test(full_game_takes_no_claim_but_ends_void),
        cmocka_unit_test(no_game_has_more_claims_than_the_limit),
        cmocka_unit_test(only_a_claim_at_the_greatest_depth_is_stepped_against),
        cmocka_unit_test(step_from_the_agreed_state_decides_about_the_first_leaf),
        cmocka_unit_test(step_decides_between_a_leaf_and_the_claim_on_its_left_or_right),
        cmocka_unit_test(what_the_judge_refuses_is_refused),
        cmocka_unit_test(everything_has_a_name),
    };

    return cmocka_run_group_tests_name("moves", tests, NULL, NULL);
}
