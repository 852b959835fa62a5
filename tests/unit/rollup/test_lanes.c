/* Lanes: that they go on whatever they find, and what many of them cost. */
#include "node_support.h"

#include <dirent.h>
#include <unistd.h>

static void reject_head(struct scene *s)
{
    char sql[160];
    char *id;

    snprintf(sql, sizeof(sql),
             "SELECT lower(hex(batch.id)) FROM batch JOIN rollup USING (domain) WHERE domain = %" PRIu64
             " AND number = head AND state < 4", s->domain);
    id = fixture_sql_text(&s->f, sql);
    fixture_run(&s->f, "carol", "test.reject", "{'batch':'%s'}", id);
    free(id);
    settle(s);
}

/* The node ended after a batch was rejected and another one took its place, and before its lane saw that. */
static void a_batch_in_the_place_of_a_rejected_one_is_seen_after_a_restart(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    reject_head(&s);
    pass(&s, JAIL);
    make_batch(&s);
    fixture_tamper(&s.f, "DELETE FROM rollup_verdict WHERE batch = (SELECT id FROM batch WHERE state < 4);"
                         "UPDATE rollup_lane SET batch = (SELECT id FROM batch WHERE state = 4)");
    scene_restart(&s);
    settle(&s);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_verdict WHERE is_right"), 2);
    assert_int_equal(inside(&s, "alice"), 1000);
    scene_close(&s);
}

/* A transaction whose bytes are not kept any more does not come back into the mempool. */
static void what_has_no_bytes_does_not_wait_again(void **state)
{
    struct hash first, second;
    struct scene s;
    char *text;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    deposit(&s, "bob", 1000);
    make_batch(&s);
    first = transfer(&s, "alice", "bob", 10);
    second = transfer(&s, "bob", "alice", 20);
    make_batch(&s);
    fixture_tamper(&s.f, "UPDATE rollup_pending SET body = NULL"
                         " WHERE number = (SELECT min(number) FROM rollup_pending)");
    scene_restart(&s);
    reject_head(&s);
    text = transaction_state(&s, &first);
    assert_string_equal(text, "dropped");
    free(text);
    pass(&s, JAIL);
    for (int i = 0; i < 50 && number_of(&s, "SELECT head FROM rollup WHERE domain = ?1") < 2; i++) {
        rest((unsigned)i / 4); /* so that its lane sees what the time is */
        pass(&s, 12 * SECOND);
    }
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 2);
    settle(&s);
    text = transaction_state(&s, &second);
    assert_string_equal(text, "in_batch");
    free(text);
    assert_int_equal(inside(&s, "alice"), 1020);
    scene_close(&s);
}

static size_t open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* Somebody makes rollups, one with a batch now and then: they take no connection each, and the node's own
 * goes on as before, also after a restart. */
static void rollups_of_strangers_cost_next_to_nothing(void **state)
{
    struct scene s;
    size_t before;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    before = open_files();
    for (int i = 0; i < 400; i++)
        fixture_run(&s.f, "bob", "rollup.create", "{'assets':[{'asset':'DEV'}],'bond':1}");
    fixture_advance(&s.f, 3 * SECOND);
    transfer(&s, "alice", "alice", 1);
    make_batch(&s);
    assert_true(open_files() < before + 40);
    scene_restart(&s);
    transfer(&s, "alice", "alice", 1);
    make_batch(&s);
    assert_true(open_files() < before + 40);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_lane"), 401);
    scene_close(&s);
}

/* Nothing is taken for a rollup that somebody made in this node's name. */
static void what_is_made_in_this_nodes_name_waits_for_its_operator(void **state)
{
    struct reply reply;
    struct scene s;
    char hex[65];
    struct account_id own;
    int64_t mine;

    (void)state;
    scene_open(&s);
    own = kernel_account(s.f.kernel);
    hex_text(hex, own.bytes, sizeof(own.bytes));
    fixture_run(&s.f, "bob", "rollup.create", "{'assets':[{'asset':'DEV'}],'bond':1,'operator':'%s'}", hex);
    mine = number_of(&s, "SELECT max(domain) FROM rollup");
    reply = fixture_call(&s.f, "rollup.withdraw",
                         fixture_json("{'domain':%" PRId64 ",'signer':'%s','asset':'DEV','amount':1}", mine,
                                      fixture_address(&s.f, "bob")));
    assert_int_equal(reply.status, ERROR_NOT_SEQUENCED_HERE);
    reply_close(&reply);
    fixture_run(&s.f, "bob", "rollup.deposit", "{'domain':%" PRId64 ",'asset':'DEV','amount':5}", mine);
    pass(&s, 100 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch"), 0);
    scene_close(&s);
}

/* What came due while the node was down is done in its first batch, before anything else is there. */
static void a_batch_that_became_final_while_the_node_was_down_is_seen_at_its_start(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    while (number_of(&s, "SELECT accepted_us = 0 OR accepted_us + air_gap_us - (SELECT max(chain_time_us)"
                         " FROM block) > 20000000 FROM batch JOIN rollup USING (domain)") != 0)
        pass(&s, 10 * SECOND);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 0);
    kernel_stop(s.f.kernel, "the test lets time pass");
    s.f.kernel = NULL;
    atomic_fetch_add(&s.f.now_us, 3600 * SECOND);
    fixture_reopen(&s.f);
    wait_until(&s, "SELECT final FROM rollup WHERE domain = ?1", 1);
    wait_until(&s, "SELECT count(*) FROM rollup_undo WHERE domain = ?1", 0);
    scene_close(&s);
}

/* Time for a batch is counted from what is in the inbox now, not from what the last batch took in. */
static void what_comes_right_behind_a_batch_waits_its_own_time(void **state)
{
    struct lane *lane;
    struct scene s;

    (void)state;
    scene_open(&s);
    lane = lane_lock(s.f.kernel, s.domain);
    assert_non_null(lane);
    deposit(&s, "alice", 1000);
    assert_false(lane_sequence(lane)); /* it has just come */
    atomic_fetch_add(&s.f.now_us, 11 * SECOND);
    assert_true(lane_sequence(lane));
    deposit(&s, "alice", 1); /* before the lane looks again */
    while (lane_catch_up(lane))
        continue;
    assert_false(lane_sequence(lane));
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 1);
    atomic_fetch_add(&s.f.now_us, 11 * SECOND);
    assert_true(lane_sequence(lane));
    lane_unlock(lane);
    settle(&s);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 2);
    assert_int_equal(inside(&s, "alice"), 1001);
    scene_close(&s);
}

int lane_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_right_behind_a_batch_waits_its_own_time),
        cmocka_unit_test(a_batch_in_the_place_of_a_rejected_one_is_seen_after_a_restart),
        cmocka_unit_test(what_has_no_bytes_does_not_wait_again),
        cmocka_unit_test(rollups_of_strangers_cost_next_to_nothing),
        cmocka_unit_test(what_is_made_in_this_nodes_name_waits_for_its_operator),
        cmocka_unit_test(a_batch_that_became_final_while_the_node_was_down_is_seen_at_its_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
