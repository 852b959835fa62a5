/* Random games with random players against the watcher: P4 the truth wins and the honest party is paid, P5 a
 * game ends in its time, P6 what went in came out or burned. Every invariant holds after every step. */
#include "table.h"
#include "../sanitized.h"

#define DEPTH 5u
#define FUNDS 1000000
#define GAMES (SANITIZED ? 4u : 12u)

static uint64_t below(uint64_t *state, uint64_t bound)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

/* Anybody, against anything, with a value out of somebody's trace or out of nowhere. */
static void random_move(struct table *t, uint64_t *seed)
{
    static const char *const people[] = { "carol", "dave", "erin", "frank", "paul" };
    const char *who = people[below(seed, 5)];
    const char *kind = below(seed, 2) == 0 ? "attack" : "defend";
    struct hash value = { { (uint8_t)below(seed, 4) } };
    struct position position;
    struct dispute d;
    uint32_t parent;

    read_game(t, &d);
    parent = (uint32_t)below(seed, d.game.count + 1);
    if (parent < d.game.count && below(seed, 4) > 0) {
        position = d.game.claims[parent].position;
        if (position_depth(position) < DEPTH && !(parent == 0 && kind[0] == 'd')) {
            position = kind[0] == 'a' ? position_attack(position) : position_defend(position);
            value = value_at(t, (uint64_t)position_trace_index(position, DEPTH), below(seed, 40));
        }
    }
    if (parent < d.game.count && position_depth(d.game.claims[parent].position) == DEPTH)
        (void)step_at(t, who, parent, kind, STAND_IN_WITNESS);
    else
        (void)move_at(t, who, parent, kind, &value);
    dispute_close(&d);
}

static void play_one(uint64_t seed)
{
    const uint64_t lie_from = below(&seed, 3) == 0 ? NEVER_LIES : below(&seed, 32);
    const int64_t in_time = 2 * CLOCK_US + (DEPTH + 2) * (2 * EXTENSION_US + STEP_EXTENSION_US);
    struct table t;
    int64_t begun_us;
    unsigned moves = 6 + (unsigned)below(&seed, 12);
    char sql[200];

    table_open(&t, FUNDS);
    propose(&t, "paul", DEPTH, lie_from, false);
    if (lie_from == NEVER_LIES)
        assert_status(OK, challenge(&t, "carol", below(&seed, 32)));
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM game WHERE batch = x'%s'", t.batch_hex);
    await_sql(&t, sql, 1);
    assert_true(find_game(&t));
    begun_us = fixture_sql(&t.f, "SELECT begun_us FROM game");
    for (unsigned i = 0; i < moves && fixture_sql(&t.f, "SELECT status FROM game") == GAME_RUNNING; i++) {
        random_move(&t, &seed);
        if (below(&seed, 3) > 0)
            (void)play_all(&t, "paul", lie_from);
        if (below(&seed, 3) == 0)
            fixture_reopen(&t.f);
        nudge(&t);
        if (fixture_sql(&t.f, "SELECT status FROM game") == GAME_RUNNING)
            await_watcher(&t);
        if (below(&seed, 4) == 0)
            advance(&t, 1 + (int64_t)below(&seed, 30) * SECOND);
        fixture_audit(&t.f);
    }
    for (unsigned i = 0; i < 100 && fixture_sql(&t.f, "SELECT status FROM game") == GAME_RUNNING; i++) {
        await_watcher(&t);
        advance(&t, 8 * SECOND);
    }
    assert_string_equal(batch_state(&t), lie_from == NEVER_LIES ? "proposed" : "rejected");
    assert_true(fixture_sql(&t.f, "SELECT ended_us FROM game") - begun_us <= in_time);
    play_out(&t);
    assert_true(held_by(&t, t.watcher) >= FUNDS);
    assert_int_equal(fixture_sql(&t.f, "SELECT (SELECT sum(bond) FROM claim) - sum(amount + burned)"
                                       " FROM payout"), 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.refused'"), 0);
    table_close(&t);
}

static void the_truth_wins_random_games(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    (void)state;
    for (unsigned i = 0; i < (given != NULL ? 1 : GAMES); i++) {
        print_message("LAYERD_SEED=%" PRIu64 "\n", seed + i);
        play_one((seed + i) * 2 + 1);
    }
}

int random_tests(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_truth_wins_random_games) };

    return cmocka_run_group_tests_name("random games", tests, NULL, NULL);
}
