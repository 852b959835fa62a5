/* From a deposit to a withdrawal that is claimed, with and without interruptions. */
#include "node_support.h"

static enum status claim(struct scene *s, unsigned number, int64_t amount)
{
    json_t *w AUTO_JSON = fixture_query(&s->f, "rollup.withdrawal", "{'domain':%" PRIu64 ",'number':%u}",
                                        s->domain, number);
    json_t *params;

    if (!json_is_true(json_object_get(w, "final")))
        return ERROR_NOT_READY;
    assert_int_equal(json_integer_value(json_object_get(w, "amount")), amount);
    params = fixture_json("{'domain':%" PRIu64 ",'number':%u,'asset':0,'amount':%" PRId64
                          ",'recipient':'%s','proof':'%s'}", s->domain, number, amount,
                          json_string_value(json_object_get(w, "recipient")),
                          json_string_value(json_object_get(w, "proof")));
    return fixture_try(&s->f, "carol", "message.claim", params, NULL);
}

/* `between` comes after every step. */
static void story(void (*between)(struct scene *s))
{
    struct hash first, second, third;
    struct scene s;
    int64_t base;
    char *text;

    scene_open(&s);
    between(&s);
    deposit(&s, "alice", 1000);
    deposit(&s, "bob", 500);
    between(&s);
    make_batch(&s); /* of inbox items alone */
    between(&s);
    assert_int_equal(inside(&s, "alice"), 1000);
    assert_int_equal(inside(&s, "bob"), 500);
    first = transfer(&s, "alice", "bob", 300);
    between(&s);
    second = transfer(&s, "alice", "bob", 100);
    third = withdraw(&s, "bob", 250);
    between(&s);
    text = transaction_state(&s, &first);
    assert_string_equal(text, "pending");
    free(text);
    make_batch(&s);
    between(&s);
    text = transaction_state(&s, &second);
    assert_string_equal(text, "in_batch");
    free(text);
    assert_int_equal(inside(&s, "alice"), 600);
    assert_int_equal(inside(&s, "bob"), 650);
    assert_int_equal(claim(&s, 0, 250), ERROR_NOT_READY);
    fixture_audit(&s.f);
    pass(&s, 620 * SECOND); /* 7 d / 1000 */
    between(&s);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE domain = ?1 AND state = 2"), 2);
    pass(&s, 310 * SECOND); /* 3.5 d / 1000 */
    between(&s);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
    text = transaction_state(&s, &third);
    assert_string_equal(text, "final");
    free(text);
    base = base_balance(&s, "bob");
    assert_int_equal(claim(&s, 0, 250), OK);
    assert_int_equal(base_balance(&s, "bob"), base + 250);
    assert_int_not_equal(claim(&s, 0, 250), OK);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE domain = ?1 AND state <> 'done'"), 0);
    wait_until(&s, "SELECT count(*) FROM rollup_undo WHERE domain = ?1", 0);
    transfer(&s, "bob", "alice", 50);
    make_batch(&s);
    between(&s);
    assert_int_equal(inside(&s, "alice"), 650);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 3);
    scene_close(&s);
}

static void nothing(struct scene *s)
{
    (void)s;
}

static void value_goes_in_moves_and_comes_out(void **state)
{
    (void)state;
    story(nothing);
}

static void the_same_when_the_node_restarts_after_every_step(void **state)
{
    (void)state;
    story(scene_restart);
}

static void the_same_when_the_power_goes_after_every_step(void **state)
{
    (void)state;
    story(scene_crash);
}

static void what_cannot_be_executed_is_left_out_and_told(void **state)
{
    struct hash good, poor, later;
    struct scene s;
    char *text;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    deposit(&s, "bob", 100);
    make_batch(&s);
    good = transfer(&s, "bob", "alice", 10);
    poor = transfer(&s, "alice", "bob", 5000);
    later = transfer(&s, "bob", "alice", 10);
    make_batch(&s);
    text = transaction_state(&s, &good);
    assert_string_equal(text, "in_batch");
    free(text);
    text = transaction_state(&s, &poor);
    assert_string_equal(text, "dropped");
    free(text);
    text = transaction_state(&s, &later);
    assert_string_equal(text, "in_batch");
    free(text);
    assert_int_equal(inside(&s, "alice"), 120);
    transfer(&s, "alice", "bob", 1); /* with the nonce of the one that was dropped */
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 119);
    scene_close(&s);
}

static void a_key_is_registered_once_and_can_be_paid_then(void **state)
{
    struct reply reply;
    struct scene s;
    json_t *params;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    make_batch(&s);
    params = fixture_json("{'domain':%" PRIu64 ",'signer':'%s','to':'%s','asset':'DEV','fee':3}", s.domain,
                          fixture_address(&s.f, "alice"), fixture_address(&s.f, "bob"));
    reply = fixture_call(&s.f, "rollup.register", json_incref(params));
    assert_int_equal(reply.status, OK);
    assert_int_equal(json_integer_value(json_object_get(reply.result, "nonce")), 0);
    reply_close(&reply);
    assert_int_equal(inside(&s, "bob"), -1); /* not yet */
    make_batch(&s);
    assert_int_equal(inside(&s, "bob"), 0);
    assert_int_equal(inside(&s, "alice"), 97);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_leaf WHERE domain = ?1 AND kind = 1"), 3);
    transfer(&s, "alice", "bob", 40);
    reply = fixture_call(&s.f, "rollup.register", params); /* again: it costs nothing and does nothing */
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    make_batch(&s);
    assert_int_equal(inside(&s, "bob"), 40);
    assert_int_equal(inside(&s, "alice"), 57);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.dropped' AND"
                                   " json_extract(body, '$.fault') = 'account_exists'"), 1);
    reply = fixture_call(&s.f, "rollup.register",
                         fixture_json("{'domain':%" PRIu64 ",'signer':'%s','to':'%064d','asset':'DEV'}",
                                      s.domain, fixture_address(&s.f, "alice"), 5));
    assert_int_equal(reply.status, ERROR_BAD_KEY);
    reply_close(&reply);
    reply = fixture_call(&s.f, "rollup.register",
                         fixture_json("{'domain':%" PRIu64 ",'signer':'%s','to':'%s','asset':'DEV'}",
                                      s.domain, fixture_address(&s.f, "carol"),
                                      fixture_address(&s.f, "carol")));
    assert_int_equal(reply.status, ERROR_NO_ROLLUP_ACCOUNT); /* nobody registers himself: somebody pays */
    reply_close(&reply);
    scene_close(&s);
}

static void forced_items_that_cannot_be_executed_do_nothing_and_block_nothing(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    /* no account */
    fixture_run(&s.f, "carol", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    fixture_run(&s.f, "carol", "rollup.force", "{'domain':%" PRIu64 ",'transaction':'00ff'}", s.domain);
    fixture_run(&s.f, "alice", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV','amount':1000}", s.domain);
    fixture_run(&s.f, "alice", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV','amount':30}", s.domain);
    make_batch(&s);
    assert_int_equal(number_of(&s, "SELECT inbox_to FROM batch WHERE domain = ?1"), 5);
    assert_int_equal(inside(&s, "alice"), 70);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_withdrawal WHERE domain = ?1"), 1);
    scene_close(&s);
}

static void a_batch_of_null_items_alone_is_one_and_changes_no_account(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    make_batch(&s);
    fixture_run(&s.f, "carol", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    fixture_run(&s.f, "carol", "rollup.force", "{'domain':%" PRIu64 ",'transaction':'00ff'}", s.domain);
    make_batch(&s);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 2);
    assert_int_equal(inside(&s, "alice"), 100);
    assert_int_equal(inside(&s, "carol"), -1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_undo WHERE number = 2"), 1); /* the cursor */
    pass(&s, 1000 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE state = 'done'"), 3);
    scene_close(&s);
}

static void a_child_waits_for_its_parent(void **state)
{
    struct scene s;
    char *id;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 100);
    make_batch(&s);
    deposit(&s, "alice", 100);
    make_batch(&s);
    id = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 1");
    fixture_run(&s.f, "carol", "test.challenge", "{'batch':'%s'}", id);
    pass(&s, 640 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE domain = ?1 AND state = 0"), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE domain = ?1 AND state = 1"), 1);
    fixture_run(&s.f, "carol", "test.defend", "{'batch':'%s'}", id);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE domain = ?1 AND state = 2"), 2);
    pass(&s, 310 * SECOND);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
    free(id);
    scene_close(&s);
}

int story_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_goes_in_moves_and_comes_out),
        cmocka_unit_test(the_same_when_the_node_restarts_after_every_step),
        cmocka_unit_test(the_same_when_the_power_goes_after_every_step),
        cmocka_unit_test(what_cannot_be_executed_is_left_out_and_told),
        cmocka_unit_test(a_key_is_registered_once_and_can_be_paid_then),
        cmocka_unit_test(forced_items_that_cannot_be_executed_do_nothing_and_block_nothing),
        cmocka_unit_test(a_batch_of_null_items_alone_is_one_and_changes_no_account),
        cmocka_unit_test(a_child_waits_for_its_parent),
    };

    return cmocka_run_group_tests_name("rollup story", tests, NULL, NULL);
}
