/* A rollup whose operator does nothing: everybody gets out what the final state gives him, once. */
#include "node_support.h"
#include "../sanitized.h"

static void stop_sequencing(struct scene *s)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':false}", s->domain));

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

/* A batch of this node's own by hand: the sequencer for one batch. */
static void own_do_take_in(struct scene *s, int64_t head)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':true,'batch_time':'1s'}",
                                                   s->domain));

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    wait_until(s, "SELECT head FROM rollup WHERE domain = ?1", head);
    settle(s);
    stop_sequencing(s);
}

static json_t *exit_params_of(struct scene *s, const char *who)
{
    json_t *answer AUTO_JSON = exit_proof_of(s, who);

    return fixture_json("{'domain':%" PRIu64 ",'account':%" PRId64
                        ",'asset':'DEV','leaf':'%s','proof':'%s'}", s->domain,
                        (int64_t)json_integer_value(json_object_get(answer, "account")),
                        json_string_value(json_object_get(answer, "leaf")),
                        json_string_value(json_object_get(answer, "proof")));
}

static void whoever_is_in_a_frozen_rollup_gets_out_once(void **state)
{
    struct scene s;
    int64_t alice, bob;
    json_t *stale;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    deposit(&s, "bob", 500);
    make_batch(&s);
    withdraw(&s, "bob", 100);
    make_batch(&s);
    pass(&s, 1000 * SECOND); /* both are final */
    transfer(&s, "alice", "bob", 400);
    make_batch(&s); /* and this one is not */
    stop_sequencing(&s);
    alice = base_balance(&s, "alice");
    deposit(&s, "alice", 7);
    fixture_run(&s.f, "bob", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    fixture_refused(&s.f, ERROR_ROLLUP_NOT_FROZEN, "carol", "rollup.exit_frozen",
                    "{'domain':%" PRIu64 ",'account':1,'asset':'DEV','leaf':'00','proof':'00'}", s.domain);
    pass(&s, 590 * SECOND);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    pass(&s, 20 * SECOND);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.overdue'", 1);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    settle(&s);
    fixture_audit(&s.f);
    assert_int_equal(base_balance(&s, "alice"), alice); /* the deposit came back */
    assert_int_equal(inside(&s, "alice"), 1000);        /* the transfer was not final */
    fixture_refused(&s.f, ERROR_ROLLUP_FROZEN, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    fixture_refused(&s.f, ERROR_ROLLUP_FROZEN, "alice", "rollup.deposit",
                    "{'domain':%" PRIu64 ",'asset':'DEV','amount':1}", s.domain);
    own_refused(&s, ERROR_ROLLUP_FROZEN, "rollup.propose",
                "{'domain':%" PRIu64 ",'number':3,'root':'%064d','withdrawal_root':'%064d','withdrawals':0,"
                "'inbox_to':2}", s.domain, 0, 0);
    stale = exit_params_of(&s, "alice");
    json_object_set_new(stale, "account", json_integer(2));
    assert_int_equal(fixture_try(&s.f, "carol", "rollup.exit_frozen", stale, NULL), ERROR_INVALID_WITNESS);
    bob = base_balance(&s, "bob");
    assert_int_equal(fixture_try(&s.f, "carol", "rollup.exit_frozen", exit_params_of(&s, "alice"), NULL), OK);
    assert_int_equal(base_balance(&s, "alice"), alice + 1000);
    assert_int_equal(fixture_try(&s.f, "carol", "rollup.exit_frozen", exit_params_of(&s, "alice"), NULL),
                     ERROR_EXITED_BEFORE);
    scene_restart(&s);
    assert_int_equal(fixture_try(&s.f, "bob", "rollup.exit_frozen", exit_params_of(&s, "bob"), NULL), OK);
    assert_int_equal(base_balance(&s, "bob"), bob + 400);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE state = 6"), 1);
    scene_close(&s);
}

/* It is in a batch, but that is not final: the freeze voids the batch, and the deposit goes back. */
static void a_deposit_in_a_batch_that_is_not_final_comes_back(void **state)
{
    struct scene s;
    int64_t alice;

    (void)state;
    scene_open(&s);
    deposit(&s, "bob", 500);
    make_batch(&s);
    pass(&s, 1000 * SECOND);
    alice = base_balance(&s, "alice");
    stop_sequencing(&s);
    deposit(&s, "carol", 5); /* waits until all is frozen */
    pass(&s, 580 * SECOND);
    deposit(&s, "alice", 70);
    own_do_take_in(&s, 2);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE state = 'included'"), 2);
    deposit(&s, "carol", 6);
    pass(&s, 590 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE state = 'included'"), 2);
    pass(&s, 30 * SECOND);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(base_balance(&s, "alice"), alice);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM inbox WHERE state = 'refunded'"), 3);
    assert_int_equal(number_of(&s, "SELECT state FROM batch WHERE number = 2"), BATCH_VOIDED);
    scene_close(&s);
}

static void a_served_inbox_freezes_nothing(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    assert_int_equal(number_of(&s, "SELECT deadline_us - queued_us FROM inbox"), 24 * 3600 * SECOND / 1000);
    make_batch(&s);
    pass(&s, 700 * SECOND);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.overdue'"), 0);
    scene_close(&s);
}

/* What a batch that fell gives back has waited for long, but nobody could take it in: it freezes nothing
 * until its new deadline. */
static void what_comes_back_can_be_taken_in_again(void **state)
{
    char *batch;
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    batch = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch");
    fixture_run(&s.f, "carol", "test.challenge", "{'batch':'%s'}", batch);
    pass(&s, 700 * SECOND);
    fixture_run(&s.f, "carol", "test.void", "{'batch':'%s'}", batch);
    free(batch);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 1000);
    pass(&s, 200 * SECOND);
    fixture_refused(&s.f, ERROR_INBOX_IN_TIME, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.overdue'"), 0);
    scene_close(&s);
}

/* Whoever fills the inbox does not keep the rollup from being frozen: all goes back, piece by piece. */
static void a_full_inbox_is_refunded_piece_by_piece(void **state)
{
    const int items = SANITIZED ? 600 : 4200; /* pieces of 256 */
    struct scene s;
    int64_t bob;

    (void)state;
    scene_open(&s);
    stop_sequencing(&s);
    bob = base_balance(&s, "bob");
    for (int i = 0; i < items; i++)
        fixture_run(&s.f, "bob", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'DEV','amount':1}",
                    s.domain);
    pass(&s, 610 * SECOND);
    fixture_run(&s.f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    fixture_audit(&s.f);
    wait_until(&s, "SELECT count(*) FROM inbox WHERE state = 'refunded'", items);
    assert_int_equal(base_balance(&s, "bob"), bob);
    scene_close(&s);
}

static void a_forced_exit_comes_out_as_a_withdrawal(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    transfer(&s, "alice", "alice", 1); /* to himself: an item like any other, or left out */
    fixture_run(&s.f, "alice", "rollup.exit", "{'domain':%" PRIu64 ",'asset':'DEV'}", s.domain);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 0);
    assert_int_equal(number_of(&s, "SELECT amount FROM rollup_withdrawal WHERE domain = ?1"), 1000);
    scene_close(&s);
}

int escape_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_in_a_frozen_rollup_gets_out_once),
        cmocka_unit_test(a_deposit_in_a_batch_that_is_not_final_comes_back),
        cmocka_unit_test(a_served_inbox_freezes_nothing),
        cmocka_unit_test(what_comes_back_can_be_taken_in_again),
        cmocka_unit_test(a_full_inbox_is_refunded_piece_by_piece),
        cmocka_unit_test(a_forced_exit_comes_out_as_a_withdrawal),
    };

    return cmocka_run_group_tests_name("rollup escape", tests, NULL, NULL);
}
