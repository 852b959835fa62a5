/* Writes that wait at too low a fee, on a fake network: each candidate is on record before it is sent, all
 * have one sequence, and whichever a block has settles the write. And writes that others wait for. */
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "network/candidate_rows.h"
#include "network/write_rules.h"

#define SECONDS(n) ((n)*MICROSECONDS_PER_SECOND)

static int begin(void **state)
{
    static struct fixture f;

    scene_begin(&f);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    scene_end(*state);
    return 0;
}

static void await_candidates(struct fixture *f, int64_t count)
{
    await_later(f, "SELECT count(*) FROM network_candidate", count);
}

/* One transfer, whose fee was raised so often; the network has taken all. */
static struct operation raised(struct fixture *f, unsigned times)
{
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    fake->raises = true;
    for (unsigned i = 1; i <= times; i++) {
        fake->bump_after_us = SECONDS(30);
        await_candidates(f, i + 1);
        fake->bump_after_us = INT64_MAX;
        await_later(f, "SELECT count(*) FROM network_candidate WHERE sent_us IS NULL", 0);
    }
    assert_int_equal(fake->transaction_count, times + 1);
    return o;
}

/* The column of the only write, or of a candidate, and what the fake server has. */
static void assert_text(struct fixture *f, const char *sql, const char *expected)
{
    char *text = fixture_sql_text(f, sql);

    assert_string_equal(text, expected);
    free(text);
}

/* --- rules -------------------------------------------------------------------------------------- */
static void what_later_ones_wait_for_is_never_given_up(void **state)
{
    struct write_course c = { .stage = STAGE_SENT, .sent_us = SECONDS(1), .can_resend = true,
                              .awaited = true };
    const struct network_status unknown = { .state = TRANSACTION_UNKNOWN };

    (void)state;
    assert_int_equal(write_follow(&c, &unknown, SECONDS(1), SECONDS(2)), 0);
    assert_int_equal(write_follow(&c, &unknown, SECONDS(1), SECONDS(2) + 2 * DROP_AFTER_US), NEWS_RESEND);
    assert_false(c.settled);
    c.awaited = false;
    assert_int_equal(write_follow(&c, &unknown, SECONDS(1), SECONDS(2) + 2 * DROP_AFTER_US), NEWS_DROPPED);
}

static void what_may_be_raised_is_looked_at_often_until_it_is_in_a_block(void **state)
{
    struct write_course c = { .stage = STAGE_SENT, .can_raise = true };

    (void)state;
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(1000000)), POLL_WAITING_MOST_US);
    assert_int_equal(write_poll_delay(&c, SECONDS(60), SECONDS(1000000)), SECONDS(60));
    c.block = "b";
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(1000000)), POLL_MOST_US);
    c = (struct write_course){ .stage = STAGE_SENT };
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(1000000)), POLL_MOST_US);
}

/* --- raising ------------------------------------------------------------------------------------ */
static void a_write_that_waits_is_signed_anew_and_that_one_settles_it(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, 2);

    assert_int_equal(events(f, "fee_raised"), 2);
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT sequence) FROM network_write"), 1);
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT transaction_id) FROM network_candidate"), 3);
    assert_text(f, "SELECT transaction_id FROM network_write", fake->transactions[2].id);
    assert_text(f, "SELECT body ->> '$.replaces' FROM event WHERE type = 'network.fee_raised'"
                   " ORDER BY seq DESC LIMIT 1", fake->transactions[1].id);
    /* each was new to the network */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE body ->> '$.resent' = 1"), 0);
    fake_mine_one(2, FINALITY_SOFT, 7, "b7");
    await_write(f, &o, "confirmed");
    fake_mine_one(2, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
    assert_int_equal(events(f, "asset_transferred"), 1);
    assert_text(f, "SELECT body ->> '$.transaction' FROM event WHERE type = 'network.transaction_confirmed'"
                   " LIMIT 1", fake->transactions[2].id);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fake->transactions[i].sends, 1);
}

static void an_older_one_that_a_block_has_settles_it_too(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, 2);
    json_t *shown AUTO_JSON = NULL;

    fake_mine_one(0, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
    assert_text(f, "SELECT transaction_id FROM network_write", fake->transactions[0].id);
    assert_text(f, "SELECT body ->> '$.transaction' FROM event WHERE type = 'network.transaction_confirmed'",
                fake->transactions[0].id);
    assert_int_equal(fixture_sql(f, "SELECT w.raw = c.raw FROM network_write w JOIN network_candidate c"
                                    " USING (number) WHERE place = 1"), 1);
    shown = fixture_query(f, "network.write", "{'operation':'%s'}", o.id);
    assert_int_equal(json_array_size(json_object_get(shown, "candidates")), 3);
    assert_int_equal(events(f, "asset_transferred"), 1);
}

static void a_reorganisation_may_bring_another_one_in(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, 1);

    fake_mine_one(1, FINALITY_SOFT, 7, "b7");
    await_write(f, &o, "confirmed");
    fake_mine_one(0, FINALITY_SOFT, 7, "c7"); /* on another branch the first was faster */
    await_later(f, "SELECT count(*) FROM event WHERE type = 'network.transaction_reorged'", 1);
    await_later(f, "SELECT count(*) FROM network_write WHERE block = 'c7' AND state = 'confirmed'", 1);
    assert_text(f, "SELECT transaction_id FROM network_write", fake->transactions[0].id);
    fake_mine_one(0, FINALITY_NONE, 0, NULL); /* and then neither is in */
    await_write(f, &o, "pending");
    fake_mine_one(1, FINALITY_FINAL, 9, "d9");
    await_write(f, &o, "final");
    assert_text(f, "SELECT transaction_id FROM network_write", fake->transactions[1].id);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 2);
}

static void what_was_forgotten_is_sent_again_as_the_newest(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, 1);

    fake_mine_one(0, FINALITY_SOFT, 7, "b7");
    await_write(f, &o, "confirmed");
    fake_mine_one(0, FINALITY_NONE, 0, NULL);
    fake->forgets = true; /* the block is gone, and what was in it */
    await_later(f, "SELECT count(*) FROM event WHERE type = 'network.transaction_submitted'"
                   " AND body ->> '$.resent' = 1", 1);
    assert_int_equal(fake->transactions[1].sends, 2);
    assert_int_equal(fake->transactions[0].sends, 1);
    fake->forgets = false;
    fake_mine_one(1, FINALITY_FINAL, 9, "d9");
    await_write(f, &o, "final");
}

static void when_somebody_else_used_the_number_it_fails_and_the_next_goes_on(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, 1), next;

    fake_supersede();
    await_write(f, &o, "failed");
    assert_text(f, "SELECT reason FROM network_write", "replaced");
    assert_int_equal(fixture_sql(f, "SELECT settled FROM network_write"), 1);
    assert_int_equal(events(f, "transaction_failed"), 1);
    next = transfer(f, "main", "b");
    await_operation(f, &next, "done");
    assert_int_equal(fixture_sql(f, "SELECT max(sequence) FROM network_write"), 1);
}

/* A number that somebody used before anything of ours arrived: the network answers nothing but "no". */
static void one_that_can_never_arrive_is_rejected_and_those_behind_go_on(void **state)
{
    static const enum fake_send script[] = { FAKE_TAKES_MUTE };
    struct fixture *f = *state;
    struct operation lost, next;

    fake_script(1, script);
    lost = transfer(f, "main", "a");
    await_write_now(f, &lost, "ambiguous");
    fake_supersede();
    next = transfer(f, "main", "b");
    await_operation(f, &lost, "failed");
    await_write(f, &lost, "rejected");
    await_operation(f, &next, "done");
    assert_int_equal(events(f, "transaction_submitted"), 1);
    assert_text(f, "SELECT reason FROM network_write ORDER BY number LIMIT 1", "replaced");
}

/* --- not raising -------------------------------------------------------------------------------- */
static void a_limit_is_told_once_and_the_write_waits(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    fake->bump_after_us = SECONDS(30);
    fake->raise_fails = ERROR_NETWORK_FEE_LIMIT;
    fake->raises = true;
    await_later(f, "SELECT count(*) FROM network_write WHERE fee_reason IS NOT NULL", 1);
    for (int i = 0; i < 10; i++)
        fixture_advance(f, SECONDS(20));
    await_later(f, "SELECT count(*) FROM network_write WHERE state = 'pending'", 1);
    assert_int_equal(events(f, "fee_not_raised"), 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 0);
    fake->raise_fails = OK; /* the operator has raised it */
    await_candidates(f, 2);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE fee_reason IS NULL"), 1);
    assert_int_equal(events(f, "fee_raised"), 1);
    fake->bump_after_us = INT64_MAX;
    await_later(f, "SELECT count(*) FROM network_candidate WHERE sent_us IS NULL", 0);
}

static void a_server_s_trouble_is_no_reason_that_is_told(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    fake->raise_fails = ERROR_NETWORK_TIMEOUT;
    fake->raises = true;
    for (int i = 0; i < 10; i++)
        fixture_advance(f, SECONDS(20));
    await_write(f, &o, "pending");
    assert_int_equal(events(f, "fee_not_raised"), 0);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 0);
    fake->raises = false;
}

static void there_is_an_end_to_raising(void **state)
{
    struct fixture *f = *state;
    struct operation o = raised(f, CANDIDATES_MOST - 1);

    fake->bump_after_us = SECONDS(30);
    await_later(f, "SELECT count(*) FROM event WHERE type = 'network.fee_not_raised'", 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), CANDIDATES_MOST);
    fake_mine_one(3, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
}

static void what_is_refused_for_its_fee_is_raised_again_and_the_rest_sent_again(void **state)
{
    static const enum fake_send script[] = { FAKE_TOO_CHEAP }, poor[] = { FAKE_REJECTS, FAKE_REJECTS };
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    fake_script(1, script);
    fake->bump_after_us = SECONDS(30);
    fake->raises = true;
    await_candidates(f, 2);
    await_later(f, "SELECT too_cheap FROM network_candidate WHERE place = 2", 1);
    assert_text(f, "SELECT refusal FROM network_candidate WHERE place = 2", "underpriced");
    await_candidates(f, 3);
    fake->bump_after_us = INT64_MAX;
    await_later(f, "SELECT count(*) FROM network_candidate WHERE place = 3 AND sent_us IS NOT NULL", 1);
    assert_int_equal(fake->transaction_count, 2); /* the refused one never came in again */
    /* for another reason: no fee is too low, and the same bytes are tried until they are taken */
    fake_script(2, poor);
    fake->bump_after_us = SECONDS(30);
    await_candidates(f, 4);
    fake->bump_after_us = INT64_MAX;
    await_later(f, "SELECT count(*) FROM network_candidate WHERE place = 4 AND sent_us IS NOT NULL", 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 4);
    fake_mine_one(0, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
}

static void a_link_at_rest_raises_nothing(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    await_write(f, &o, "pending");
    ask(f, "network.disconnect", "{'link':'main'}");
    await(f, "SELECT count(*) FROM effect WHERE kind = 'network.track' AND running = 1", 0);
    fake->raises = true;
    for (int i = 0; i < 10; i++)
        fixture_advance(f, SECONDS(20));
    usleep(20000);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 0);
    fake->bump_after_us = SECONDS(30);
    ask(f, "network.connect", "{'link':'main'}");
    await_candidates(f, 2);
    fake->bump_after_us = INT64_MAX;
    await_later(f, "SELECT count(*) FROM network_candidate WHERE sent_us IS NULL", 0);
}

/* --- hurry -------------------------------------------------------------------------------------- */
#define HURRY_US SECONDS(100000) /* more than the clock moves while a test waits */

/* Until it is told so, by a look that was begun before or not: the next one says what is so now. */
static void await_hurry(struct fixture *f, bool hurried, int64_t left_most_us)
{
    for (int i = 0; i < 20000 && (fake->hurried != hurried || fake->left_us > left_most_us); i++) {
        fixture_advance(f, SECONDS(1));
        usleep(1000);
    }
    assert_int_equal(fake->hurried, hurried);
    assert_true(fake->left_us <= left_most_us);
}

static void one_that_others_wait_for_is_in_their_hurry(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a"), urgent;

    await_operation(f, &o, "done");
    fixture_advance(f, SECONDS(5));
    await_write(f, &o, "pending");
    assert_false(fake->hurried);
    urgent = ask(f, "network.transfer_asset", "{'link':'main','to':'x','amount':'1','urgent_by':%" PRId64 "}",
                 fixture_now(f) + HURRY_US);
    await_operation(f, &urgent, "done");
    fake_mine_one(1, FINALITY_SOFT, 0, NULL);
    fixture_advance(f, SECONDS(20));
    await_hurry(f, true, HURRY_US - SECONDS(20)); /* asked of either: both are as urgent */
    assert_true(fake->left_us > 0);
    fixture_advance(f, HURRY_US); /* it is over */
    await_hurry(f, false, 0);
}

/* --- restart ------------------------------------------------------------------------------------ */
static void a_stop_between_the_row_and_the_sending_sends_it_once(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    await_write(f, &o, "pending");
    fake->holds_sends = true;
    fake->bump_after_us = SECONDS(30);
    fake->raises = true;
    await_candidates(f, 2);
    assert_int_equal(fake->transaction_count, 1);
    fake->bump_after_us = INT64_MAX;
    fake_await(&fake->held, 1);
    fixture_reopen(f);
    assert_int_equal(fake->transaction_count, 1);
    fake->holds_sends = false;
    await_later(f, "SELECT count(*) FROM network_candidate WHERE sent_us IS NULL", 0);
    assert_int_equal(fake->transaction_count, 2);
    assert_int_equal(fake->transactions[1].sends, 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_candidate"), 2);
    fake_mine_one(1, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
}

/* --- numbers ------------------------------------------------------------------------------------ */
static void a_network_is_told_which_numbers_are_missing(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a"), later;

    await_operation(f, &o, "done");
    assert_true(fake->hole_from == fake->hole_to);
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
    fake->fixed_sequence = 5; /* as if somebody had signed it with a number of his own */
    later = transfer(f, "main", "b");
    await_operation(f, &later, "done");
    fake->fixed_sequence = 0;
    fake->out_of_order = 0;
    fake->next_sequence = 1;
    transfer(f, "main", "c");
    await_later(f, "SELECT count(*) FROM network_operation WHERE state = 'done' AND operation = "
                   "'transfer_asset'", 3);
    assert_int_equal(fake->hole_from, 1); /* 0 was used, 5 waits */
    assert_int_equal(fake->hole_to, 5);
    fake->out_of_order = 0; /* this network fills none */
}

#define RULE(name) cmocka_unit_test(name)
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RULE(what_later_ones_wait_for_is_never_given_up),
        RULE(what_may_be_raised_is_looked_at_often_until_it_is_in_a_block),
        TEST(a_write_that_waits_is_signed_anew_and_that_one_settles_it),
        TEST(an_older_one_that_a_block_has_settles_it_too),
        TEST(a_reorganisation_may_bring_another_one_in),
        TEST(what_was_forgotten_is_sent_again_as_the_newest),
        TEST(when_somebody_else_used_the_number_it_fails_and_the_next_goes_on),
        TEST(one_that_can_never_arrive_is_rejected_and_those_behind_go_on),
        TEST(a_limit_is_told_once_and_the_write_waits),
        TEST(a_server_s_trouble_is_no_reason_that_is_told),
        TEST(there_is_an_end_to_raising),
        TEST(what_is_refused_for_its_fee_is_raised_again_and_the_rest_sent_again),
        TEST(a_link_at_rest_raises_nothing),
        TEST(one_that_others_wait_for_is_in_their_hurry),
        TEST(a_stop_between_the_row_and_the_sending_sends_it_once),
        TEST(a_network_is_told_which_numbers_are_missing),
    };

    fake_open();
    scene_step_us = MICROSECONDS_PER_SECOND; /* half a minute passes between raises */
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("fees that are raised", tests, NULL, NULL) == 0 ? 0 : 1;
}
