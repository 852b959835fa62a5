/* Applications: each by its own rules, and all of them by one kit of random play. */
#include "test_channel.h"

#define STAKE 100

static void list_has_every_application_once(void **state)
{
    const struct application *found;
    struct error error;
    size_t count = 0;

    (void)state;
    for (; application_at(count) != NULL; count++) {
        assert_int_equal(application_find(application_at(count)->name, &found, &error), OK);
        assert_ptr_equal(found, application_at(count));
        assert_non_null(found->fixed_ok);
        assert_non_null(found->init_ok);
        assert_non_null(found->next_ok);
    }
    assert_int_equal(application_find("chess", &found, &error), ERROR_APPLICATION_NOT_FOUND);
}

/* --- tictactoe -------------------------------------------------------------------------------- */
struct board {
    struct channel_fixed fixed;
    uint8_t stake[8];
    struct allocation all[2];
    uint8_t data[9 + 16];
    struct channel_state state;
};

static void board_begin(struct board *b)
{
    memset(b, 0, sizeof(*b));
    b->fixed = fixed_of(2, "tictactoe");
    put_be64(b->stake, STAKE);
    b->fixed.terms = bytes_of(b->stake, 8);
    put_be64(b->data + 9, 500);
    put_be64(b->data + 17, 300);
    b->state = state_of(&b->fixed, 1, (uint64_t[]){ 500, 300, UINT64_MAX }, b->all);
    b->state.data = bytes_of(b->data, sizeof(b->data));
}

/* The next state in which the mover marks `field` and the stake is at `holder` (−1: nobody). */
static void board_move(const struct board *from, struct board *to, size_t field, int holder)
{
    *to = *from;
    to->fixed.terms = bytes_of(to->stake, 8);
    to->state.turn++;
    to->data[field] = (uint8_t)(to->state.turn % 2 + 1);
    to->state.allocations = to->all;
    to->state.data = bytes_of(to->data, sizeof(to->data));
    for (int i = 0; i < 2; i++)
        to->all[i].amount = get_be64(to->data + 9 + 8 * i) + (holder == i ? STAKE : 0) -
                            (holder == 1 - i ? STAKE : 0);
}

static enum status board_check(const struct board *from, const struct board *to, size_t mover,
                               struct error *error)
{
    return application_tictactoe.next_ok(&from->fixed, &from->state, &to->state, mover, error);
}

static void tictactoe_begins_with_an_empty_board_and_the_stake_on_both_sides(void **state)
{
    struct board b;
    struct error error = { .message = "" };

    (void)state;
    board_begin(&b);
    assert_status(application_tictactoe.fixed_ok(&b.fixed, &error), OK);
    assert_status(application_tictactoe.init_ok(&b.fixed, &b.state, &error), OK);
    b.data[3] = 1;
    assert_status(application_tictactoe.init_ok(&b.fixed, &b.state, &error), ERROR_INVALID_OUTCOME);
    b.data[3] = 0;
    b.all[0].amount--;
    assert_status(application_tictactoe.init_ok(&b.fixed, &b.state, &error), ERROR_INVALID_OUTCOME);
    put_be64(b.data + 9, STAKE - 1);
    b.all[0].amount = STAKE - 1;
    assert_status(application_tictactoe.init_ok(&b.fixed, &b.state, &error), ERROR_INVALID_OUTCOME);
    b.fixed.terms.size = 7;
    assert_status(application_tictactoe.fixed_ok(&b.fixed, &error), ERROR_INVALID_PARAMS);
}

static void tictactoe_takes_a_move_and_nothing_else(void **state)
{
    struct board b, next;
    struct error error = { .message = "" };

    (void)state;
    board_begin(&b);
    board_move(&b, &next, 4, 0);
    assert_status(board_check(&b, &next, 0, &error), OK);
    assert_status(board_check(&b, &next, 1, &error), ERROR_INVALID_TRANSITION); /* not his turn */
    next.all[0].amount++;
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_OUTCOME);
    board_move(&b, &next, 4, 0);
    next.data[5] = 1;
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_TRANSITION); /* two marks */
    board_move(&b, &next, 4, 0);
    next.data[4] = 2;
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_TRANSITION); /* the other's mark */
    board_move(&b, &next, 4, 0);
    next.data[9] ^= 1;
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_TRANSITION); /* first amounts */
    b.data[4] = 2;
    board_move(&b, &next, 4, 0);
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_TRANSITION); /* a field that is taken */
    next.state.data.size--;
    assert_status(board_check(&b, &next, 0, &error), ERROR_INVALID_OUTCOME);
}

/* Random games to their end: every legal move is taken, nothing is after the end, and each newest pair of
 * moves supports itself while a single signature never does. */
static void tictactoe_games_end_with_what_the_board_says(void **state)
{
    uint64_t seed = random_seed("tictactoe_games_end_with_what_the_board_says");
    size_t wins = 0, draws = 0;

    (void)state;
    for (int game = 0; game < 300; game++) {
        struct board b, next;
        struct error error = { .message = "" };
        bool over = false;

        board_begin(&b);
        while (!over) {
            size_t field = random_below(&seed, 9), mover = (b.state.turn + 1) % 2;

            if (b.data[field] != 0)
                continue;
            board_move(&b, &next, field, (int)mover);
            if (board_check(&b, &next, mover, &error) != OK) {
                board_move(&b, &next, field, -1); /* the last field, and no line */
                assert_status(board_check(&b, &next, mover, &error), OK);
                draws++;
                over = true;
            }
            if (b.state.turn >= 2) {
                struct signed_state pair[2] = { { .state = b.state, .signed_by = 1u << b.state.turn % 2 },
                                                { .state = next.state, .signed_by = 1u << mover } };

                assert_status(application_supported(&application_tictactoe, &b.fixed, pair, 2, &error), OK);
                assert_status(application_supported(&application_tictactoe, &b.fixed, pair + 1, 1, &error),
                              ERROR_WRONG_SIGNERS);
                pair[0].signed_by = 1u << mover;
                assert_status(application_supported(&application_tictactoe, &b.fixed, pair, 2, &error),
                              ERROR_WRONG_SIGNERS);
            }
            b = next;
            b.state.allocations = b.all;
            b.state.data = bytes_of(b.data, sizeof(b.data));
            b.fixed.terms = bytes_of(b.stake, 8);
            if (!over && memchr(b.data, 0, 9) != NULL) {
                size_t other = 0;

                while (b.data[other] != 0)
                    other++;
                board_move(&b, &next, other, (int)(b.state.turn + 1) % 2);
                over = board_check(&b, &next, (b.state.turn + 1) % 2, &error) == ERROR_INVALID_TRANSITION;
                wins += over;
            } else {
                over = true;
            }
        }
    }
    assert_true(wins > 100 && draws > 5);
}

static void turns_before_the_game_need_both(void **state)
{
    struct board b, next;
    struct signed_state pair[2];
    struct error error = { .message = "" };

    (void)state;
    board_begin(&b);
    board_move(&b, &next, 0, 0);
    pair[0] = (struct signed_state){ .state = b.state, .signed_by = 2 };
    pair[1] = (struct signed_state){ .state = next.state, .signed_by = 1 };
    assert_status(application_supported(&application_tictactoe, &b.fixed, pair, 2, &error),
                  ERROR_WRONG_SIGNERS);
    pair[0].signed_by = 3;
    assert_status(application_supported(&application_tictactoe, &b.fixed, pair, 1, &error), OK);
}

/* --- consensus -------------------------------------------------------------------------------- */
static void consensus_is_every_signature_on_one_state(void **state)
{
    struct channel_fixed fixed = fixed_of(3, "consensus");
    struct signed_state s[2] = { { .signed_by = 7 }, { .signed_by = 7 } };
    struct error error = { .message = "" };

    (void)state;
    assert_status(application_supported(&application_consensus, &fixed, s, 1, &error), OK);
    assert_status(application_supported(&application_consensus, &fixed, s, 2, &error),
                  ERROR_WRONG_NUMBER_OF_STATES);
    for (uint32_t signers = 0; signers < 7; signers++) {
        s[0].signed_by = signers;
        assert_status(application_supported(&application_consensus, &fixed, s, 1, &error),
                      ERROR_WRONG_SIGNERS);
    }
}

int application_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_has_every_application_once),
        cmocka_unit_test(tictactoe_begins_with_an_empty_board_and_the_stake_on_both_sides),
        cmocka_unit_test(tictactoe_takes_a_move_and_nothing_else),
        cmocka_unit_test(tictactoe_games_end_with_what_the_board_says),
        cmocka_unit_test(turns_before_the_game_need_both),
        cmocka_unit_test(consensus_is_every_signature_on_one_state),
    };

    return cmocka_run_group_tests_name("applications", tests, NULL, NULL);
}
