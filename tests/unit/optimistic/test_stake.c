/* What the watcher puts at stake: by default a part of its account, for so long; what the operator says
 * otherwise; and what is told where it does not play. */
#include "table.h"

#include "base/bech32.h"
#include "layer2/optimistic/stake.h"

#define DEPTH 6u
#define RESERVE 4445 /* depths 2, 4 and 6: the dearer side of a game here */
#define FIRST 1100   /* the bond of a challenge */

static void set_policy(struct table *t, const char *params)
{
    struct reply reply = fixture_call(&t->f, "watch.policy", fixture_json("%s", params));

    assert_status(OK, reply.status);
    reply_close(&reply);
}

static int64_t games(struct table *t)
{
    return fixture_sql(&t->f, "SELECT count(*) FROM game");
}

/* Told once, with a row that stays; whatever time passes. */
static void assert_held_back(struct table *t, const char *reason, int64_t needed, int64_t limit)
{
    char sql[300];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM watcher_shortage WHERE reason = '%s'", reason);
    await_sql(t, sql, 1);
    for (int i = 0; i < 3; i++)
        nudge(t);
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM event WHERE type = 'watcher.held_back'"
                               " AND body ->> 'reason' = '%s' AND body ->> 'needed' = %" PRId64
                               " AND body ->> 'limit' = %" PRId64, reason, needed, limit);
    assert_int_equal(fixture_sql(&t->f, sql), 1);
}

static void a_stranger_locks_half_of_the_account_at_most(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, 2 * RESERVE - 1);
    propose(&t, "paul", DEPTH, 40, false);
    assert_held_back(&t, "stake", RESERVE, RESERVE - 1);
    assert_int_equal(games(&t), 0);
    fixture_run(&t.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1}", t.watcher);
    await_sql(&t, "SELECT count(*) FROM game", 1);
    await_sql(&t, "SELECT count(*) FROM watcher_shortage", 0);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.funded'"), 1);
    table_close(&t);
}

/* What a running game may still take is set aside: another one, of another rollup, finds that gone. */
static void all_strangers_share_that_half(void **state)
{
    const uint64_t funds = 2 * (2 * RESERVE - 1);
    struct table t;

    (void)state;
    table_open(&t, funds);
    propose(&t, "paul", DEPTH, 40, false);
    await_sql(&t, "SELECT count(*) FROM game", 1);
    fixture_run(&t.f, "carol", "test.rollup", "{'asset':'GOLD'}");
    t.domain = 2;
    propose(&t, "carol", DEPTH, 7, false);
    assert_held_back(&t, "stake", 2 * RESERVE, 2 * RESERVE - 1);
    assert_int_equal(games(&t), 1);
    set_policy(&t, "{'domain':2}"); /* the operator wants it: it is none of the strangers' any more */
    await_sql(&t, "SELECT count(*) FROM game", 2);
    await_sql(&t, "SELECT count(*) FROM watcher_shortage", 0);
    table_close(&t);
}

static void the_operator_says_no_and_yes(void **state)
{
    struct table t;
    json_t *list;

    (void)state;
    table_open(&t, 1000000);
    set_policy(&t, "{'domain':1,'play':false}");
    propose(&t, "paul", DEPTH, 40, false);
    assert_held_back(&t, "policy", RESERVE, 0);
    assert_int_equal(games(&t), 0);
    fixture_reopen(&t.f);
    nudge(&t);
    assert_int_equal(games(&t), 0);
    list = fixture_query(&t.f, "watch.policies", "{}");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "play")));
    assert_true(json_is_false(json_object_get(json_array_get(list, 1), "play")));
    json_decref(list);
    set_policy(&t, "{'domain':1,'reset':true}");
    await_sql(&t, "SELECT count(*) FROM game", 1);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM watch_policy"), 0);
    table_close(&t);
}

/* In a game that it entered it plays on, though it would not enter another one. */
static void no_game_is_left_half_way_for_a_policy(void **state)
{
    struct table t;
    unsigned rounds = 0;

    (void)state;
    table_open(&t, 1000000);
    propose(&t, "paul", DEPTH, 40, false);
    await_sql(&t, "SELECT count(*) FROM game", 1);
    assert_true(find_game(&t));
    set_policy(&t, "{'play':false,'max_lock':1,'max_stake':4445}");
    do
        await_watcher(&t);
    while (play_all(&t, "paul", 40) > 0 && ++rounds < 20);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM watcher_shortage"), 0);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_true(held_by(&t, t.watcher) > 1000000);
    table_close(&t);
}

static void a_limit_of_one_rollup_counts_all_its_games(void **state)
{
    struct table t;
    const struct hash lie = { { 3 } };

    (void)state;
    table_open(&t, 1000000);
    set_policy(&t, "{'domain':1,'max_stake':4444}");
    propose(&t, "paul", DEPTH, 40, false);
    assert_held_back(&t, "stake", RESERVE, RESERVE - 1);
    assert_int_equal(games(&t), 0);
    set_policy(&t, "{'domain':1,'max_stake':4445}");
    await_sql(&t, "SELECT count(*) FROM game", 1);
    assert_true(find_game(&t));
    await_watcher(&t);
    for (uint8_t i = 0; i < 3; i++) { /* more lies than the limit has answers for: 1,100 + 3 · 1,331 */
        struct hash other = lie;

        other.bytes[1] = i;
        assert_status(OK, move_at(&t, "paul", 1, "attack", &other));
    }
    assert_held_back(&t, "stake", FIRST + 3 * 1331, RESERVE);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM claim"), 2 + 3 + 2);
    set_policy(&t, "{'domain':1,'max_stake':10000}");
    await_sql(&t, "SELECT count(*) FROM claim", 2 + 3 + 3);
    await_sql(&t, "SELECT count(*) FROM watcher_shortage", 0);
    table_close(&t);
}

static void nothing_is_held_for_longer_than_allowed(void **state)
{
    const int64_t extensions = (DEPTH + 1) * EXTENSION_US + STEP_EXTENSION_US; /* twice at the split */
    const int64_t longest = 2 * CLOCK_US + extensions + AIR_GAP_US + PAYOUT_US;
    struct table t;
    char params[100];

    (void)state;
    table_open(&t, 1000000);
    snprintf(params, sizeof(params), "{'max_lock':%" PRId64 "}", longest - 1);
    set_policy(&t, params);
    propose(&t, "paul", DEPTH, 40, false);
    assert_held_back(&t, "lock", longest, longest - 1);
    assert_int_equal(games(&t), 0);
    snprintf(params, sizeof(params), "{'max_lock':%" PRId64 "}", longest);
    set_policy(&t, params);
    await_sql(&t, "SELECT count(*) FROM game", 1);
    table_close(&t);
}

/* It costs no bond. */
static void fraud_is_proved_whatever_the_policy(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, 0);
    set_policy(&t, "{'play':false}");
    propose(&t, "paul", DEPTH, 40, true);
    await_sql(&t, "SELECT count(*) FROM fraud", 1);
    assert_string_equal(batch_state(&t), "rejected");
    table_close(&t);
}

static void a_policy_is_the_operators_alone(void **state)
{
    struct table t;
    struct reply reply;

    (void)state;
    table_open(&t, 0);
    reply = fixture_call_public(&t.f, "watch.policy", fixture_json("{'play':true}"));
    assert_int_not_equal(reply.status, OK);
    reply_close(&reply);
    reply = fixture_call(&t.f, "watch.policy", fixture_json("{'domain':77}"));
    assert_status(ERROR_ROLLUP_NOT_FOUND, reply.status);
    reply_close(&reply);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM watch_policy"), 0);
    table_close(&t);
}

/* --- the node's own account as the proposer ----------------------------------------------------- */
static void propose_as_the_node(struct table *t, uint64_t lie_from)
{
    static const struct hash no_parent;
    char *batch AUTO_FREE = NULL;
    json_t *params AUTO_JSON = NULL;
    struct error error;
    struct hash root;
    char hex[65];

    stand_in_context(&t->context, t->domain, 1, &no_parent);
    t->depth = DEPTH;
    root = value_at(t, ((uint64_t)1 << DEPTH) - 1, lie_from);
    hex_text(hex, root.bytes, sizeof(root.bytes));
    params = fixture_json("{'domain':%" PRIu64 ",'depth':%u,'root':'%s'}", t->domain, DEPTH, hex);
    if (kernel_submit_own(t->f.kernel, "test.propose", params, NULL, &error) != OK)
        fail_msg("%s", error.message);
    batch = fixture_sql_text(&t->f, "SELECT lower(hex(id)) FROM test_batch");
    snprintf(t->batch_hex, sizeof(t->batch_hex), "%s", batch);
    assert_true(hex_decode(t->batch.bytes, sizeof(t->batch.bytes), t->batch_hex, 64));
}

/* All that it has left is one bond, and yet it plays: its batch's bond is at stake already. */
static void what_it_proposed_itself_it_defends_without_a_limit(void **state)
{
    struct table t;
    unsigned rounds = 0;

    (void)state;
    table_open(&t, BOND_BASE + 1210 + 1464 + 1771);
    set_policy(&t, "{'play':false,'max_stake':1,'max_lock':1}"); /* of all others */
    propose_as_the_node(&t, NEVER_LIES);
    assert_status(OK, challenge(&t, "carol", 5));
    do
        await_watcher(&t);
    while (play_all(&t, "carol", 5) > 0 && ++rounds < 20);
    play_out(&t);
    advance(&t, CHALLENGE_US);
    assert_string_equal(batch_state(&t), "accepted");
    assert_true(held_by(&t, t.watcher) > BOND_BASE + RESERVE);
    assert_true(held_by_person(&t, "carol") < RICH);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM event WHERE type = 'watcher.refused'"), 0);
    table_close(&t);
}

/* A wrong batch of its own it neither challenges, proves wrong, nor defends with moves against the truth. */
static void what_it_proposed_wrongly_it_does_not_show(void **state)
{
    struct table t;

    (void)state;
    table_open(&t, 1000000);
    propose_as_the_node(&t, 40);
    for (int i = 0; i < 3; i++)
        nudge(&t);
    assert_int_equal(games(&t), 0);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    for (int i = 0; i < 3; i++)
        nudge(&t);
    assert_int_equal(fixture_sql(&t.f, "SELECT count(*) FROM claim"), 2);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_int_equal(held_by(&t, t.watcher), 1000000 - BOND_BASE);
    table_close(&t);
}

/* Whoever began the game has gone; the watcher plays on for the truth, and wins what he left standing. */
static void a_challenger_who_goes_is_replaced(void **state)
{
    struct table t;
    unsigned rounds = 0;

    (void)state;
    table_open(&t, 1000000);
    atomic_store(&stand_in_not_ready, true);
    propose(&t, "paul", DEPTH, 40, false);
    assert_status(OK, challenge(&t, "carol", NEVER_LIES));
    assert_true(play_all(&t, "paul", 40) > 0); /* carol answers no more */
    atomic_store(&stand_in_not_ready, false);
    nudge(&t);
    do
        await_watcher(&t);
    while (play_all(&t, "paul", 40) > 0 && ++rounds < 20);
    play_out(&t);
    assert_string_equal(batch_state(&t), "rejected");
    assert_true(held_by_person(&t, "carol") > RICH); /* her claim stood */
    assert_true(held_by(&t, t.watcher) > 1000000);
    table_close(&t);
}

int stake_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_locks_half_of_the_account_at_most),
        cmocka_unit_test(all_strangers_share_that_half),
        cmocka_unit_test(the_operator_says_no_and_yes),
        cmocka_unit_test(no_game_is_left_half_way_for_a_policy),
        cmocka_unit_test(a_limit_of_one_rollup_counts_all_its_games),
        cmocka_unit_test(nothing_is_held_for_longer_than_allowed),
        cmocka_unit_test(fraud_is_proved_whatever_the_policy),
        cmocka_unit_test(a_policy_is_the_operators_alone),
        cmocka_unit_test(what_it_proposed_itself_it_defends_without_a_limit),
        cmocka_unit_test(what_it_proposed_wrongly_it_does_not_show),
        cmocka_unit_test(a_challenger_who_goes_is_replaced),
    };

    return cmocka_run_group_tests_name("what the watcher puts at stake", tests, NULL, NULL);
}
