/* The watcher against cheats: it wins whatever they play, also when the node is started anew at every
 * move. */
#include "table.h"

#include <pthread.h>
#include <time.h>

#include "layer2/optimistic/watcher.h"

#define DEPTH 6u
#define FUNDS 1000000
#define RESERVE 4445 /* 1,210 + 1,464 + 1,771: depths 2, 4 and 6, the dearer side */

static void rest(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
}

static void await_game(struct table *t)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM game WHERE batch = x'%s'", t->batch_hex);
    await_sql(t, sql, 1);
    assert_true(find_game(t));
}

static void it_challenges_a_wrong_batch_and_wins(void **state)
{
    static const uint64_t lies[] = { 0, 1, 31, 32, 62, 63 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct table t;
        unsigned rounds = 0;

        table_open(&t, FUNDS);
        propose(&t, "paul", DEPTH, lies[i], false);
        await_game(&t);
        do
            await_watcher(&t);
        while (play_all(&t, "paul", lies[i]) > 0 && ++rounds < 20);
        assert_true(rounds <= DEPTH);
        fixture_audit(&t.f);
        play_out(&t);
        assert_string_equal(batch_state(&t), "rejected");
        assert_true(held_by(&t, t.watcher) > FUNDS);
        assert_true(held_by_person(&t, "paul") < RICH);
        table_close(&t);
    }
}

static void it_defends_a_right_batch_of_others(void **state)
{
    struct table t;
    unsigned rounds = 0;

    (void)state;
    table_open(&t, FUNDS);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    assert_status(OK, challenge(&t, "carol", 5));
    do
        await_watcher(&t);
    while (play_all(&t, "carol", 5) > 0 && ++rounds < 20);
    play_out(&t);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    assert_true(held_by(&t, t.watcher) > FUNDS);
    assert_true(held_by_person(&t, "carol") < RICH);
    assert_int_equal(held_by_person(&t, "paul"), RICH);
    table_close(&t);
}

static void it_leaves_right_batches_alone(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, FUNDS);
    propose(&t, "paul", DEPTH, NEVER_LIES, false);
    for (int i = 0; i < 5; i++) {
        nudge(&t);
        rest();
    }
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game"), 0);
    assert_int_equal(held_by(&t, t.watcher), FUNDS);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    table_close(&t);
}

/* A new node over the same rows before each of the cheat's moves, and after. */
static void killed_at_every_move_it_still_wins(void **state)
{
    struct table t;
    unsigned rounds = 0, taken;

    (void)state;
    table_open(&t, FUNDS);
    atomic_store(&stand_in_not_ready, true);
    propose(&t, "paul", DEPTH, 40, false);
    fixture_reopen(&t.f); /* before it did anything */
    atomic_store(&stand_in_not_ready, false);
    await_game(&t);
    do {
        fixture_reopen(&t.f);
        nudge(&t);
        await_watcher(&t);
        atomic_store(&stand_in_not_ready, true); /* the cheat's move comes, and the node ends at once */
        taken = play_all(&t, "paul", 40);
        fixture_reopen(&t.f);
        atomic_store(&stand_in_not_ready, false);
        nudge(&t);
        await_watcher(&t);
    } while (taken > 0 && ++rounds < 20);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_true(held_by(&t, t.watcher) > FUNDS);
    table_close(&t);
}

static void it_proves_fraud_at_once_where_it_can(void **state)
{
    struct table t;
    char sql[200];

    (void)state;
    table_open(&t, 0); /* which costs no bond */
    propose(&t, "paul", DEPTH, 40, true);
    await_sql(&t, "SELECT count(*) FROM event WHERE type = 'fraud.committed'", 1); /* its row may be gone */
    fixture_reopen(&t.f); /* the salt is nowhere but in its key */
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM fraud WHERE batch = x'%s'", t.batch_hex);
    await_sql(&t, sql, 1);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game"), 0);
    assert_int_equal(held_by(&t, t.watcher), BOND_BASE - BOND_BASE / 10);
    table_close(&t);
}

/* Blocks come faster than its looks: the proof is shown all the same, however late. */
static void a_busy_ledger_does_not_outrun_its_proof(void **state)
{
    struct table t;
    char sql[200];

    (void)state;
    table_open(&t, 0);
    propose(&t, "paul", DEPTH, 40, true);
    await_sql(&t, "SELECT count(*) FROM event WHERE type = 'fraud.committed'", 1); /* its row may be gone */
    for (int i = 0; i < 30; i++)
        fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1}",
                    fixture_address(&t.f, "carol"));
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM fraud WHERE batch = x'%s'", t.batch_hex);
    await_sql(&t, sql, 1);
    assert_string_equal(batch_state(&t), "rejected");
    table_close(&t);
}

static void late_in_the_window_it_begins_a_game_as_well(void **state)
{
    struct table t;
    char sql[200];

    (void)state;
    table_open(&t, FUNDS);
    atomic_store(&stand_in_not_ready, true);
    propose(&t, "paul", DEPTH, 40, true);
    advance(&t, CHALLENGE_US - 30 * SECOND);
    atomic_store(&stand_in_not_ready, false);
    await_game(&t);
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM fraud WHERE batch = x'%s'", t.batch_hex);
    await_sql(&t, sql, 1);
    advance(&t, 1);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE status = 3 AND paid = claims"), 1);
    assert_int_equal(held_by(&t, t.watcher), FUNDS + BOND_BASE - BOND_BASE / 10);
    table_close(&t);
}

static void without_funds_it_says_so_and_goes_on_once_they_come(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, 1);
    propose(&t, "paul", DEPTH, 40, false);
    await_sql(&t, "SELECT count(*) FROM watcher_shortage", 1);
    for (int i = 0; i < 3; i++) {
        nudge(&t);
        rest();
    }
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.underfunded'"), 1);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game"), 0);
    {
        json_t *list AUTO_JSON = fixture_query(&t.f, "game.shortages", "{}");

        assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "needed")), RESERVE);
    }
    fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}", t.watcher, FUNDS);
    await_game(&t);
    await_sql(&t, "SELECT count(*) FROM watcher_shortage", 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.funded'"), 1);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    table_close(&t);
}

struct second {
    struct table *table;
    atomic_bool stop;
};

/* Another watcher with the same key: it looks whenever it can. */
static void *look_again(void *context)
{
    struct second *second = context;
    struct watcher_lack lack;
    struct database *reader;
    struct error error;

    assert_int_equal(kernel_reader(second->table->f.kernel, &reader, &error), OK);
    while (!atomic_load(&second->stop)) {
        (void)!watcher_look(second->table->f.kernel, reader, &second->table->batch, &lack);
        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
    }
    database_close(reader);
    return NULL;
}

static void two_with_one_key_play_one_game(void **state)
{
    struct table t;
    struct second second = { .table = &t };
    pthread_t thread;
    unsigned rounds = 0;

    (void)state;
    table_open(&t, FUNDS);
    propose(&t, "paul", DEPTH, 17, false);
    pthread_create(&thread, NULL, look_again, &second);
    await_game(&t);
    do
        await_watcher(&t);
    while (play_all(&t, "paul", 17) > 0 && ++rounds < 20);
    atomic_store(&second.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.refused'"), 0);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_true(held_by(&t, t.watcher) > FUNDS);
    table_close(&t);
}

static void it_sees_to_many_games_at_once(void **state)
{
    struct table t;
    char sql[300];

    (void)state;
    table_open(&t, FUNDS);
    for (unsigned i = 0; i < 12; i++) {
        fixture_run(&t.f, "paul", "test.rollup", "{'asset':'GOLD'}");
        t.domain = i + 2;
        propose(&t, "paul", DEPTH, 5 * i, false);
    }
    await_sql(&t, "SELECT count(*) FROM game", 12);
    for (unsigned round = 0; round < 20; round++) {
        unsigned taken = 0;

        for (unsigned i = 0; i < 12; i++) {
            char *hex AUTO_FREE = NULL;

            t.domain = i + 2;
            snprintf(sql, sizeof(sql), "SELECT lower(hex(id)) FROM test_batch WHERE domain = %u", i + 2);
            hex = fixture_sql_text(&t.f, sql);
            snprintf(t.batch_hex, sizeof(t.batch_hex), "%s", hex);
            assert_true(hex_decode(t.batch.bytes, sizeof(t.batch.bytes), hex, 64));
            stand_in_context(&t.context, t.domain, 1, &(struct hash){ { 0 } });
            assert_true(find_game(&t));
            await_watcher(&t);
            taken += play_all(&t, "paul", 5 * i);
        }
        if (taken == 0)
            break;
    }
    advance(&t, 4 * CLOCK_US);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE status = 2"), 12);
    advance(&t, AIR_GAP_US + PAYOUT_US);
    advance(&t, PAYOUT_US);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM game WHERE paid = claims"), 12);
    table_close(&t);
}

int watcher_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_challenges_a_wrong_batch_and_wins),
        cmocka_unit_test(it_defends_a_right_batch_of_others),
        cmocka_unit_test(it_leaves_right_batches_alone),
        cmocka_unit_test(killed_at_every_move_it_still_wins),
        cmocka_unit_test(it_proves_fraud_at_once_where_it_can),
        cmocka_unit_test(a_busy_ledger_does_not_outrun_its_proof),
        cmocka_unit_test(late_in_the_window_it_begins_a_game_as_well),
        cmocka_unit_test(without_funds_it_says_so_and_goes_on_once_they_come),
        cmocka_unit_test(two_with_one_key_play_one_game),
        cmocka_unit_test(it_sees_to_many_games_at_once),
    };

    return cmocka_run_group_tests_name("the watcher", tests, NULL, NULL);
}
