/* Data that a committee holds and somebody demands: who is paid what, and what becomes of the batch. */
#include "offer.h"

#include "layer2/rollup/data.h"

#define WINDOW_US (604800 * SECOND / 1000)  /* 7 d on dev */
#define JAIL_US (259200 * SECOND / 1000)    /* 3 d */
#define ANSWER_US (86400 * SECOND / 1000)   /* 24 h */

static int64_t supply(struct scene *s)
{
    return number_of(s, "SELECT supply FROM asset WHERE symbol = 'DEV'");
}

static void not_published_in_time_the_batch_falls(bool crash)
{
    int64_t alice, carol, made, deadline;
    struct offer below, above;
    struct scene s;

    committee_open(&s);
    alice = base_balance(&s, "alice");
    carol = base_balance(&s, "carol");
    made = supply(&s);
    offer_all(&s, &below);
    deposit(&s, "bob", 1);
    offer_all(&s, &above);
    assert_int_equal(base_balance(&s, "alice"), alice - 2 * BOND);
    assert_status(OK, demand(&s, "carol", &below));
    assert_int_equal(base_balance(&s, "carol"), carol - AVAILABILITY_BOND);
    assert_status(ERROR_CHALLENGED_BEFORE, demand(&s, "carol", &below));
    assert_status(ERROR_CHALLENGED_BEFORE, demand(&s, "bob", &below));
    assert_status(ERROR_NOT_CHALLENGED, answer(&s, "bob", &above, NULL));
    assert_status(ERROR_WRONG_DATA, answer(&s, "bob", &below, "789c"));
    fixture_audit(&s.f);
    deadline = of_batch(&s, &below, "deadline_us");
    assert_int_equal(deadline, chain_now(&s) + ANSWER_US);
    if (crash)
        scene_crash(&s);
    until(&s, deadline - 10 * SECOND);
    if (crash)
        scene_crash(&s); /* a second passes by it */
    until(&s, deadline - 1);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_PROPOSED);
    until(&s, deadline);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_REJECTED);
    assert_int_equal(of_batch(&s, &above, "batch.state"), BATCH_PARENT_REJECTED);
    assert_status(ERROR_NOT_CHALLENGED, answer(&s, "bob", &below, NULL));
    assert_int_equal(base_balance(&s, "carol"), carol + BOND / 2);
    assert_int_equal(base_balance(&s, "alice"), alice - BOND);
    assert_int_equal(supply(&s), made - BOND / 2);
    assert_int_equal(number_of(&s, "SELECT jailed_until_us FROM rollup WHERE domain = ?1"),
                     deadline + JAIL_US);
    assert_int_equal(of_batch(&s, &below, "c.state"), CHALLENGE_UNANSWERED);
    assert_int_equal(of_batch(&s, &below, "c.reward"), BOND / 2);
    assert_int_equal(of_batch(&s, &below, "c.burned"), BOND / 2);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.availability_failed'", 1);
    offer_close(&below);
    offer_close(&above);
    scene_close(&s);
}

static void not_published_in_time_the_batch_and_those_above_fall(void **state)
{
    (void)state;
    not_published_in_time_the_batch_falls(false);
}

static void so_they_do_when_the_power_goes_meanwhile(void **state)
{
    (void)state;
    not_published_in_time_the_batch_falls(true);
}

/* In the last µs of the window; published in the last µs before the deadline. */
static void published_the_batch_is_open_for_a_whole_window_more(void **state)
{
    int64_t carol, bob, alice;
    struct offer below, above;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_all(&s, &below);
    deposit(&s, "bob", 1);
    offer_all(&s, &above);
    carol = base_balance(&s, "carol");
    bob = base_balance(&s, "bob");
    alice = base_balance(&s, "alice");
    until(&s, of_batch(&s, &below, "window_end_us") - 1);
    assert_status(OK, demand(&s, "carol", &below));
    until(&s, of_batch(&s, &below, "deadline_us") - 1);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_PROPOSED); /* its window is long over */
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_verdict JOIN batch ON batch.id ="
                                   " rollup_verdict.batch WHERE domain = ?1"), 0);
    fixture_audit(&s.f);
    assert_status(OK, answer(&s, "bob", &below, NULL));
    assert_int_equal(of_batch(&s, &below, "data_state"), DATA_PUBLISHED);
    assert_int_equal(of_batch(&s, &below, "window_end_us"), chain_now(&s) + WINDOW_US);
    assert_int_equal(of_batch(&s, &above, "window_end_us"), chain_now(&s) + WINDOW_US);
    assert_int_equal(base_balance(&s, "bob"), bob + AVAILABILITY_BOND);
    assert_int_equal(base_balance(&s, "carol"), carol - AVAILABILITY_BOND);
    assert_int_equal(base_balance(&s, "alice"), alice);
    assert_status(ERROR_CHALLENGED_BEFORE, demand(&s, "carol", &below));
    assert_status(ERROR_NOT_CHALLENGED, answer(&s, "bob", &below, NULL));
    wait_until(&s, "SELECT count(*) FROM rollup_verdict JOIN batch ON batch.id = rollup_verdict.batch"
                   " WHERE domain = ?1 AND is_right = 0", 1); /* what was published was executed */
    until(&s, of_batch(&s, &below, "window_end_us") - 1);
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_PROPOSED);
    until(&s, of_batch(&s, &below, "window_end_us"));
    assert_int_equal(of_batch(&s, &below, "batch.state"), BATCH_ACCEPTED);
    assert_int_equal(of_batch(&s, &above, "batch.state"), BATCH_ACCEPTED);
    fixture_audit(&s.f);
    fixture_replay(&s.f);
    offer_close(&below);
    offer_close(&above);
    fixture_stop(&s.f);
}

static void at_the_end_of_the_window_nothing_is_demanded(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    until(&s, of_batch(&s, &o, "window_end_us"));
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_ACCEPTED);
    assert_status(ERROR_BATCH_NOT_OPEN, demand(&s, "carol", &o));
    fixture_audit(&s.f);
    offer_close(&o);
    fixture_stop(&s.f);
}

static void data_on_the_ledger_is_not_demanded(void **state)
{
    struct scene s;
    char *id;

    (void)state;
    scene_open(&s);
    deposit(&s, "bob", 100);
    make_batch(&s);
    id = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch");
    fixture_refused(&s.f, ERROR_DATA_PUBLISHED, "carol", "rollup.challenge_availability",
                    "{'batch':'%s'}", id);
    fixture_refused(&s.f, ERROR_NOT_CHALLENGED, "carol", "rollup.answer_availability",
                    "{'batch':'%s','data':'00'}", id);
    fixture_refused(&s.f, ERROR_BATCH_NOT_FOUND, "carol", "rollup.challenge_availability",
                    "{'batch':'%064d'}", 1);
    free(id);
    scene_close(&s);
}

static void nobody_demands_without_the_bond(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    assert_status(ERROR_INSUFFICIENT_BALANCE, demand(&s, "erin", &o));
    fixture_run(&s.f, "carol", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':%d}",
                fixture_address(&s.f, "erin"), AVAILABILITY_BOND - 1);
    assert_status(ERROR_INSUFFICIENT_BALANCE, demand(&s, "erin", &o));
    assert_int_equal(of_batch(&s, &o, "data_state"), DATA_WITHHELD);
    give_up(&s, &o);
    offer_close(&o);
    scene_close(&s);
}

/* What is published is what was vouched for, and not what the batch says. */
static void wrong_data_takes_the_batch_at_once(struct scene *s, struct offer *o, const char *reason)
{
    int64_t alice = base_balance(s, "alice"), bob = base_balance(s, "bob"), carol = base_balance(s, "carol");
    char *told;

    offer_sign(s, o);
    assert_status(OK, offer_propose(s, o));
    assert_status(OK, demand(s, "carol", o));
    assert_status(OK, answer(s, "bob", o, NULL));
    assert_int_equal(of_batch(s, o, "batch.state"), BATCH_REJECTED);
    assert_int_equal(of_batch(s, o, "c.state"), CHALLENGE_MALFORMED);
    assert_int_equal(base_balance(s, "alice"), alice - BOND);
    assert_int_equal(base_balance(s, "bob"), bob);
    assert_int_equal(base_balance(s, "carol"), carol + BOND / 2);
    told = fixture_sql_text(&s->f, "SELECT json_extract(body, '$.reason') FROM event WHERE type ="
                                   " 'rollup.rejected'");
    assert_string_equal(told, reason);
    free(told);
    offer_close(o);
    scene_close(s);
}

static void data_that_is_no_stream_takes_the_batch(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    buffer_clear(&o.packed);
    buffer_append_text(&o.packed, "nothing of the kind");
    o.data_size = o.packed.size;
    data_hash(&o.data_hash, buffer_bytes(&o.packed));
    wrong_data_takes_the_batch_at_once(&s, &o, "data_malformed");
}

static void data_of_other_items_takes_the_batch(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    o.items_root.bytes[31] ^= 1;
    wrong_data_takes_the_batch_at_once(&s, &o, "data_mismatch");
}

static void data_of_fewer_items_takes_the_batch(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    o.transactions = 2;
    wrong_data_takes_the_batch_at_once(&s, &o, "data_mismatch");
}

/* Nothing has that hash and that size: it is as if the data were withheld. */
static void data_of_another_size_cannot_be_published(void **state)
{
    struct offer o;
    struct scene s;
    int64_t carol;

    (void)state;
    committee_open(&s);
    carol = base_balance(&s, "carol");
    offer_make(&s, &o);
    o.data_size++;
    offer_sign(&s, &o);
    assert_status(OK, offer_propose(&s, &o));
    assert_status(OK, demand(&s, "carol", &o));
    assert_status(ERROR_WRONG_DATA, answer(&s, "bob", &o, NULL));
    until(&s, of_batch(&s, &o, "deadline_us"));
    assert_int_equal(of_batch(&s, &o, "c.state"), CHALLENGE_UNANSWERED);
    assert_int_equal(base_balance(&s, "carol"), carol + BOND / 2);
    offer_close(&o);
    scene_close(&s);
}

/* --- it goes for another reason ----------------------------------------------------------------- */
static void gone_meanwhile_the_bond_is_back(const char *how, enum batch_state expected)
{
    struct offer below, above;
    struct scene s;
    int64_t carol;

    committee_open(&s);
    carol = base_balance(&s, "carol");
    offer_all(&s, &below);
    deposit(&s, "bob", 1);
    offer_all(&s, &above);
    assert_status(OK, demand(&s, "carol", &above));
    assert_int_equal(base_balance(&s, "carol"), carol - AVAILABILITY_BOND);
    fixture_run(&s.f, "bob", how, "{'batch':'%s'}", below.hex);
    assert_int_equal(of_batch(&s, &above, "batch.state"), expected);
    assert_int_equal(of_batch(&s, &above, "c.state"), CHALLENGE_VOID);
    assert_int_equal(base_balance(&s, "carol"), carol);
    assert_status(ERROR_NOT_CHALLENGED, answer(&s, "bob", &above, NULL));
    pass(&s, 2 * ANSWER_US); /* and nothing is due any more */
    assert_int_equal(of_batch(&s, &above, "batch.state"), expected);
    assert_int_equal(base_balance(&s, "carol"), carol);
    offer_close(&below);
    offer_close(&above);
    scene_close(&s);
}

static void rejected_with_its_parent_the_bond_is_back(void **state)
{
    (void)state;
    gone_meanwhile_the_bond_is_back("test.reject", BATCH_PARENT_REJECTED);
}

static void taken_back_with_its_parent_the_bond_is_back(void **state)
{
    (void)state;
    gone_meanwhile_the_bond_is_back("test.void", BATCH_PARENT_REJECTED);
}

static void rejected_itself_the_bond_is_back(void **state)
{
    struct scene s;
    struct offer o;
    int64_t carol;

    (void)state;
    committee_open(&s);
    carol = base_balance(&s, "carol");
    offer_all(&s, &o);
    assert_status(OK, demand(&s, "carol", &o));
    give_up(&s, &o);
    assert_int_equal(base_balance(&s, "carol"), carol);
    assert_int_equal(of_batch(&s, &o, "c.state"), CHALLENGE_VOID);
    offer_close(&o);
    scene_close(&s);
}

/* An inbox item that nobody takes in, and data that nobody has got: the time to answer is the longer one. */
static void frozen_meanwhile_the_bond_is_back(void **state)
{
    struct scene s;
    struct offer o;
    json_t *made;
    int64_t carol;

    (void)state;
    committee_open(&s);
    made = fixture_do(&s.f, "alice", "rollup.create",
                      "{'assets':[{'asset':'DEV'}],'bond':%d,'availability':'committee','committee':"
                      "[{'member':'%s'},{'member':'%s'}],'availability_window':'30d',"
                      "'availability_bond':%d,'challenge':'30d'}", BOND, fixture_address(&s.f, "bob"),
                      fixture_address(&s.f, "dave"), AVAILABILITY_BOND);
    s.domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    json_release(&made);
    deposit(&s, "bob", 10);
    carol = base_balance(&s, "carol");
    offer_all(&s, &o);
    deposit(&s, "bob", 10);
    assert_status(OK, demand(&s, "carol", &o));
    pass(&s, WINDOW_US + 10 * SECOND);
    fixture_run(&s.f, "bob", "rollup.escape", "{'domain':%" PRIu64 "}", s.domain);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_VOIDED);
    assert_int_equal(of_batch(&s, &o, "c.state"), CHALLENGE_VOID);
    assert_int_equal(base_balance(&s, "carol"), carol);
    assert_status(ERROR_NOT_CHALLENGED, answer(&s, "bob", &o, NULL));
    pass(&s, 6 * WINDOW_US);
    assert_int_equal(base_balance(&s, "carol"), carol);
    offer_close(&o);
    scene_close(&s);
}

/* A game about the batch runs: it is decided by the data, or goes on when that comes. */
static void while_a_game_runs_data_is_demanded_all_the_same(void **state)
{
    struct scene s;
    struct offer o;
    char *text;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    fixture_run(&s.f, "bob", "test.challenge", "{'batch':'%s'}", o.hex);
    until(&s, of_batch(&s, &o, "window_end_us"));
    assert_status(OK, demand(&s, "carol", &o));
    fixture_run(&s.f, "bob", "test.defend", "{'batch':'%s'}", o.hex);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_PROPOSED); /* its window is over */
    until(&s, of_batch(&s, &o, "deadline_us"));
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    text = fixture_sql_text(&s.f, "SELECT state || ' ' || challenger || ' ' || reward FROM"
                                  " v_availability_challenge");
    assert_non_null(strstr(text, "unanswered"));
    free(text);
    offer_close(&o);
    scene_close(&s);
}

int availability_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_published_in_time_the_batch_and_those_above_fall),
        cmocka_unit_test(so_they_do_when_the_power_goes_meanwhile),
        cmocka_unit_test(published_the_batch_is_open_for_a_whole_window_more),
        cmocka_unit_test(at_the_end_of_the_window_nothing_is_demanded),
        cmocka_unit_test(data_on_the_ledger_is_not_demanded),
        cmocka_unit_test(nobody_demands_without_the_bond),
        cmocka_unit_test(data_that_is_no_stream_takes_the_batch),
        cmocka_unit_test(data_of_other_items_takes_the_batch),
        cmocka_unit_test(data_of_fewer_items_takes_the_batch),
        cmocka_unit_test(data_of_another_size_cannot_be_published),
        cmocka_unit_test(rejected_with_its_parent_the_bond_is_back),
        cmocka_unit_test(taken_back_with_its_parent_the_bond_is_back),
        cmocka_unit_test(rejected_itself_the_bond_is_back),
        cmocka_unit_test(frozen_meanwhile_the_bond_is_back),
        cmocka_unit_test(while_a_game_runs_data_is_demanded_all_the_same),
    };

    return cmocka_run_group_tests_name("availability of data", tests, NULL, NULL);
}
