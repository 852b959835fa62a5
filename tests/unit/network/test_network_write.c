/* Writes on outside networks, with a fake one that sees whatever is sent: nothing before it is durable,
 * nothing twice with other bytes, each nonce in its turn; and what becomes of a write is followed to its
 * end. The rules stand by themselves at the top. */
#include "scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/effect.h"
#include "network/write.h"
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

/* --- rules -------------------------------------------------------------------------------------- */
static void bytes_that_may_have_been_sent_are_never_made_anew(void **state)
{
    (void)state;
    for (enum write_stage s = STAGE_SENDING; s < WRITE_STAGES; s++)
        assert_false(write_stage_may_follow(s, STAGE_QUEUED));
    assert_true(write_stage_may_follow(STAGE_PREPARED, STAGE_QUEUED));
    /* that would forget what is known */
    assert_false(write_stage_may_follow(STAGE_AMBIGUOUS, STAGE_PREPARED));
    assert_false(write_stage_may_follow(STAGE_QUEUED, STAGE_SENDING));
    assert_false(write_stage_may_follow(STAGE_SENDING, STAGE_CANCELLED));
    for (enum write_stage s = STAGE_QUEUED; s < WRITE_STAGES; s++) {
        assert_false(write_stage_may_follow(STAGE_FINAL, s));
        assert_false(write_stage_may_follow(STAGE_REJECTED, s));
        assert_false(write_stage_may_follow(STAGE_DROPPED, s));
        assert_false(write_stage_may_follow(STAGE_CANCELLED, s));
    }
}

static struct write_course sent_at(int64_t time_us)
{
    return (struct write_course){ .stage = STAGE_SENT, .sent_us = time_us, .can_resend = true };
}

static struct network_status seen(enum transaction_state state, enum finality finality, const char *block)
{
    return (struct network_status){ .state = state, .finality = finality, .block = block };
}

static unsigned follow(struct write_course *c, enum transaction_state state, enum finality finality,
                       const char *block, int64_t now_us)
{
    struct network_status s = seen(state, finality, block);

    return write_follow(c, &s, SECONDS(1), now_us);
}

static void a_write_becomes_more_certain_and_then_final(void **state)
{
    struct write_course c = sent_at(1);

    (void)state;
    assert_int_equal(follow(&c, TRANSACTION_PENDING, FINALITY_NONE, NULL, 2), 0);
    assert_int_equal(c.stage, STAGE_PENDING);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "b", 3), NEWS_CONFIRMED | NEWS_ARRIVED);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "b", 4), 0);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_SAFE, "b", 5), NEWS_CONFIRMED);
    assert_false(c.settled);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_FINAL, "b", 6), NEWS_CONFIRMED);
    assert_int_equal(c.stage, STAGE_FINAL);
    assert_true(c.settled);
}

static void a_block_that_is_no_more_is_news_each_way_it_can_go(void **state)
{
    struct write_course c = sent_at(1);

    (void)state;
    follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "b", 2);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "c", 3),
                     NEWS_REORGED | NEWS_CONFIRMED | NEWS_ARRIVED);
    assert_int_equal(follow(&c, TRANSACTION_PENDING, FINALITY_NONE, NULL, 4), NEWS_REORGED);
    assert_int_equal(c.stage, STAGE_PENDING);
    follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "d", 5);
    assert_int_equal(follow(&c, TRANSACTION_UNKNOWN, FINALITY_NONE, NULL, 6), NEWS_REORGED);
    assert_null(c.block);
    /* a failure in a block may go with its block, too */
    assert_int_equal(follow(&c, TRANSACTION_FAILED, FINALITY_SOFT, "e", 7), NEWS_FAILED);
    assert_false(c.settled);
    assert_int_equal(follow(&c, TRANSACTION_CONFIRMED, FINALITY_SOFT, "f", 8),
                     NEWS_REORGED | NEWS_CONFIRMED | NEWS_ARRIVED);
    assert_int_equal(follow(&c, TRANSACTION_FAILED, FINALITY_NONE, NULL, 9), NEWS_FAILED);
    assert_true(c.settled);
}

static void what_is_unknown_is_sent_again_after_a_while_and_dropped_after_a_week(void **state)
{
    struct write_course c = sent_at(SECONDS(1));
    struct network_status status = seen(TRANSACTION_UNKNOWN, FINALITY_NONE, NULL);

    (void)state;
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(2)), 0);
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(2) + RESEND_LEAST_US - 1), 0);
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(2) + RESEND_LEAST_US), NEWS_RESEND);
    c.sent_us = SECONDS(2) + RESEND_LEAST_US;
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(3) + RESEND_LEAST_US), 0);
    c.can_resend = false;
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(900)), 0);
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(2) + DROP_AFTER_US - 1), 0);
    assert_int_equal(write_follow(&c, &status, SECONDS(1), SECONDS(2) + DROP_AFTER_US), NEWS_DROPPED);
    assert_true(c.settled);
}

static void looks_become_rarer_with_age_but_have_bounds(void **state)
{
    struct write_course c = sent_at(0);

    (void)state;
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(1)), SECONDS(5));
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(80)), SECONDS(10));
    assert_int_equal(write_poll_delay(&c, SECONDS(5), SECONDS(1000000)), POLL_MOST_US);
    assert_int_equal(write_poll_delay(&c, SECONDS(3600), SECONDS(1000000)), SECONDS(3600));
    assert_int_equal(write_retry_delay(1), SECONDS(1));
    assert_int_equal(write_retry_delay(3), SECONDS(4));
    assert_int_equal(write_retry_delay(1000000), RETRY_MOST_US);
}

static void only_what_certainly_did_not_arrive_counts_as_not_sent(void **state)
{
    (void)state;
    assert_int_equal(write_error_of(ERROR_NETWORK_TRANSPORT), WRITE_ERROR_NOT_NOW);
    assert_int_equal(write_error_of(ERROR_NETWORK_CIRCUIT_OPEN), WRITE_ERROR_NOT_NOW);
    assert_int_equal(write_error_of(ERROR_NETWORK_TIMEOUT), WRITE_ERROR_UNCERTAIN);
    assert_int_equal(write_error_of(ERROR_NETWORK_CANCELLED), WRITE_ERROR_UNCERTAIN);
    assert_int_equal(write_error_of(ERROR_NETWORK_SERVER), WRITE_ERROR_UNCERTAIN);
    assert_int_equal(write_error_of(ERROR_NETWORK_PROTOCOL), WRITE_ERROR_UNCERTAIN);
    assert_int_equal(write_error_of(ERROR_NETWORK_REJECTED), WRITE_ERROR_REFUSED);
}

/* --- the usual course --------------------------------------------------------------------------- */
static void a_transfer_is_followed_until_it_is_final(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    assert_int_equal(events(f, "transaction_submitted"), 1);
    await_write(f, &o, "pending");
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_SOFT, 7, "b7");
    await_write(f, &o, "confirmed");
    assert_int_equal(events(f, "asset_transferred"), 1);
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
    assert_int_equal(events(f, "transaction_confirmed"), 2);
    assert_int_equal(events(f, "asset_transferred"), 1);
    assert_int_equal(fake->sends, 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE kind = 'network.track'"), 0);
}

static void an_issue_tells_of_its_asset(void **state)
{
    struct fixture *f = *state;
    struct operation o = ask(f, "network.issue_asset", "{'link':'main','symbol':'GOLD','amount':'1000'}");
    char *asset;

    await_operation(f, &o, "done");
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
    asset = fixture_sql_text(f, "SELECT body ->> '$.asset' FROM event WHERE type = 'network.asset_issued'");
    assert_string_equal(asset, "asset-1");
    free(asset);
}

static void a_transaction_that_fails_there_is_told_with_its_reason(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");
    char *reason;

    await_operation(f, &o, "done");
    fake_mine(TRANSACTION_FAILED, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "failed");
    reason = fixture_sql_text(f, "SELECT body ->> '$.reason' FROM event WHERE type = "
                                 "'network.transaction_failed'");
    assert_string_equal(reason, "reverted");
    free(reason);
    assert_int_equal(fixture_sql(f, "SELECT settled FROM network_write"), 1);
}

static void a_reorg_leads_back_to_pending_and_the_write_is_followed_on(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_SOFT, 7, "b7");
    await_write(f, &o, "confirmed");
    fake_mine(TRANSACTION_PENDING, FINALITY_NONE, 0, NULL);
    await_write(f, &o, "pending");
    assert_int_equal(events(f, "transaction_reorged"), 1);
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 8, "c8");
    await_write(f, &o, "final");
    assert_int_equal(fake->sends, 1);
}

static void what_the_network_forgot_is_sent_again_with_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");

    await_operation(f, &o, "done");
    await_write(f, &o, "pending");
    fake->forgets = true;
    await_later(f, "SELECT count(*) FROM event WHERE type = 'network.transaction_submitted'"
                   " AND body ->> '$.resent' = 1", 1);
    assert_int_equal(fake->transaction_count, 1);
    assert_int_equal(fake->transactions[0].sends, 2);
    fake->forgets = false;
    fake_mine(TRANSACTION_CONFIRMED, FINALITY_FINAL, 7, "b7");
    await_write(f, &o, "final");
}

/* --- refusals ----------------------------------------------------------------------------------- */
static void a_write_that_cannot_be_prepared_is_rejected_and_the_next_goes_on(void **state)
{
    struct fixture *f = *state;
    struct operation bad = ask(f, "network.transfer_asset",
                               "{'link':'main','to':'x','amount':'1','memo':'refuse'}");
    struct operation good = transfer(f, "main", "b");

    await_operation(f, &bad, "failed");
    await_operation(f, &good, "done");
    await_write(f, &bad, "rejected");
    assert_int_equal(events(f, "transaction_rejected"), 1);
    assert_int_equal(fake->sends, 1);
}

static void those_behind_a_rejected_one_take_its_nonce(void **state)
{
    static const enum fake_send script[] = { FAKE_TAKES, FAKE_REJECTS };
    struct fixture *f = *state;
    struct operation o[4];

    fake_script(2, script);
    fake->latency_us = 20000; /* so that several are prepared together */
    for (int i = 0; i < 4; i++) {
        char request[8];

        snprintf(request, sizeof(request), "r%d", i);
        o[i] = transfer(f, "main", request);
    }
    await_later(f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                   "'done'", 3);
    await_later(f, "SELECT count(*) FROM network_write WHERE state = 'rejected'", 1);
    assert_int_equal(fixture_sql(f, "SELECT max(sequence) FROM network_write WHERE settled = 0"), 2);
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT sequence) FROM network_write WHERE settled = 0"),
                     3);
    fake->latency_us = 0;
    (void)o;
}

static void amounts_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;

    ask_refused(f, ERROR_INVALID_PARAMS, "network.transfer_asset", "{'link':'main','to':'x','amount':'-1'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.transfer_asset", "{'link':'main','to':'x','amount':'1e9'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.submit_transaction", "{'link':'main'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.submit_transaction",
                "{'link':'main','raw':'00','text':'x'}");
}

/* --- what is not known -------------------------------------------------------------------------- */
static void one_that_arrived_without_an_answer_is_found_and_not_sent_again(void **state)
{
    static const enum fake_send script[] = { FAKE_TAKES_MUTE };
    struct fixture *f = *state;
    struct operation o;

    fake_script(1, script);
    o = transfer(f, "main", "a");
    await_write_now(f, &o, "ambiguous");
    await_operation(f, &o, "done");
    assert_int_equal(fake->sends, 1);
    assert_int_equal(fake->transactions[0].sends, 1);
}

static void one_that_did_not_arrive_is_sent_again_with_the_same_bytes(void **state)
{
    static const enum fake_send script[] = { FAKE_LOSES, FAKE_LOSES };
    struct fixture *f = *state;
    struct operation o;
    char *raw, *later;

    fake_script(2, script);
    o = transfer(f, "main", "a");
    await_write_now(f, &o, "ambiguous");
    raw = fixture_sql_text(f, "SELECT hex(raw) FROM network_write");
    await_operation(f, &o, "done");
    later = fixture_sql_text(f, "SELECT hex(raw) FROM network_write");
    assert_string_equal(raw, later);
    assert_int_equal(fake->sends, 3);
    assert_int_equal(fake->transaction_count, 1);
    assert_true(fake->statuses >= 2); /* it was looked for before each */
    free(raw);
    free(later);
}

static void an_unreachable_server_loses_nothing(void **state)
{
    static const enum fake_send script[] = { FAKE_UNREACHABLE, FAKE_UNREACHABLE, FAKE_UNREACHABLE };
    struct fixture *f = *state;
    struct operation o;

    fake_script(3, script);
    o = transfer(f, "main", "a");
    await_operation(f, &o, "done");
    assert_int_equal(fake->sends, 4);
    assert_int_equal(fake->transactions[0].sends, 1);
}

static void one_that_is_found_by_its_label_is_not_sent_again(void **state)
{
    static const enum fake_send script[] = { FAKE_TAKES_MUTE };
    struct fixture *f = *state;
    struct operation o;

    scene_link(f, "named", "{'account':'me','sequenced':false,'labelled':true}");
    fake_script(1, script);
    o = transfer(f, "named", "a");
    await_operation(f, &o, "done");
    assert_int_equal(fake->sends, 1);
}

/* --- order -------------------------------------------------------------------------------------- */
static void each_nonce_is_used_once_and_in_its_turn(void **state)
{
    enum { WRITES = 150 };
    struct fixture *f = *state;

    for (int i = 0; i < WRITES; i++) {
        char request[16];

        snprintf(request, sizeof(request), "r%d", i);
        transfer(f, "main", request);
    }
    await_later(f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                   "'done'",
                WRITES);
    assert_int_equal(fake->transaction_count, WRITES);
    for (size_t i = 0; i < WRITES; i++) {
        assert_int_equal(fake->transactions[i].sequence, i);
        assert_int_equal(fake->transactions[i].sends, 1);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write w JOIN network_write v"
                                    " ON w.number < v.number AND w.sequence > v.sequence"), 0);
}

static void a_server_that_forgets_what_waits_there_gives_no_number_anew(void **state)
{
    const enum fake_send sends[] = { FAKE_TAKES, FAKE_UNREACHABLE };
    struct fixture *f = *state;
    struct operation first, second;

    fake_script(2, sends);
    first = transfer(f, "main", "a");
    await_operation(f, &first, "done");
    assert_int_equal(fixture_sql(f, "SELECT max(sequence) FROM network_write"), 0);
    fake->next_sequence = 0;
    second = transfer(f, "main", "b");
    await(f, "SELECT count(*) FROM network_write WHERE sequence = 1", 1);
    fake->next_sequence = 1; /* it remembers */
    await_operation(f, &second, "done");
}

static void a_sequence_that_is_taken_is_not_used_twice(void **state)
{
    struct fixture *f = *state;
    struct operation first = transfer(f, "main", "a"), second;

    await_operation(f, &first, "done");
    fake->fixed_sequence = 7;
    second = transfer(f, "main", "b");
    await_operation(f, &second, "done");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE sequence = 7"), 1);
    transfer(f, "main", "c");
    await_later(f, "SELECT retries > 1 FROM network_write WHERE state = 'queued'", 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE sequence = 7"), 1);
    fake->out_of_order = 0; /* 7 follows 0: what the fake was told */
    fake->fixed_sequence = 0;
    await_later(f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                   "'done'", 3);
}

static void writes_without_a_sequence_do_not_wait_for_each_other(void **state)
{
    struct fixture *f = *state;

    scene_link(f, "loose", "{'account':'me','sequenced':false}");
    fake->holds_sends = true;
    for (int i = 0; i < 20; i++) {
        char request[16];

        snprintf(request, sizeof(request), "r%d", i);
        transfer(f, "loose", request);
    }
    fake_await(&fake->held_most, SEND_AT_ONCE / EFFECT_SHARE); /* one link's share, and all at once */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write WHERE state = 'sent'"), 0);
    fake->holds_sends = false;
    await_later(f, "SELECT count(*) FROM network_operation WHERE operation = 'transfer_asset' AND state = "
                   "'done'", 20);
}

/* --- keystore ----------------------------------------------------------------------------------- */
static void with_a_locked_keystore_a_write_waits_and_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    struct operation o, never;
    struct reply reply;

    fixture_keep_keys(f, "alice");
    reply = fixture_call(f, "network.initialize",
                         fixture_json("{'link':'keyed','network':'fake','key':'alice',"
                                      "'options':{'account':'me'}}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    ask(f, "network.connect", "{'link':'keyed'}");
    keystore_lock(f->keystore);
    never = transfer(f, "keyed", "never");
    o = transfer(f, "keyed", "a");
    await_later(f, "SELECT retries > 2 FROM network_write ORDER BY number LIMIT 1", 1);
    fixture_advance(f, SECONDS(3600)); /* longer than anybody waits for a server */
    await_later(f, "SELECT retries > 4 FROM network_write ORDER BY number LIMIT 1", 1);
    reply = fixture_call(f, "network.cancel", fixture_json("{'operation':'%s'}", never.id));
    assert_int_equal(reply.status, OK);
    assert_true(json_is_true(json_object_get(reply.result, "cancelled")));
    reply_close(&reply);
    await_operation(f, &never, "cancelled");
    assert_int_equal(keystore_unlock(f->keystore, "the tests' own", NULL), OK);
    await_operation(f, &o, "done");
    assert_int_equal(fake->sends, 1);
}

static void a_write_that_cannot_be_prepared_in_time_fails(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->prepare_fails = ERROR_NETWORK_TIMEOUT;
    fake->prepare_fails_times = 1000;
    o = ask(f, "network.transfer_asset", "{'link':'main','to':'x','amount':'1','give_up_after':'20s'}");
    await_operation(f, &o, "failed");
    assert_int_equal(events(f, "transaction_failed"), 1);
    assert_int_equal(fake->sends, 0);
}

static void what_is_prepared_cannot_be_cancelled(void **state)
{
    static const enum fake_send script[] = { FAKE_LOSES, FAKE_LOSES };
    struct fixture *f = *state;
    struct operation o;

    fake_script(2, script);
    o = transfer(f, "main", "a");
    await_write_now(f, &o, "ambiguous");
    ask_refused(f, ERROR_NETWORK_OPERATION_ENDED, "network.cancel", "{'operation':'%s'}", o.id);
    await_operation(f, &o, "done");
}

/* --- rest and restart --------------------------------------------------------------------------- */
static void a_link_at_rest_sends_nothing_and_goes_on_when_it_is_connected(void **state)
{
    static const enum fake_send script[] = { FAKE_UNREACHABLE, FAKE_UNREACHABLE };
    struct fixture *f = *state;
    struct operation o;
    unsigned sends;

    fake_script(2, script);
    o = transfer(f, "main", "a");
    await(f, "SELECT retries FROM network_write", 1);
    ask(f, "network.disconnect", "{'link':'main'}");
    sends = fake->sends;
    for (int i = 0; i < 20; i++)
        fixture_advance(f, SECONDS(10));
    usleep(20000);
    assert_int_equal(fake->sends, sends);
    ask_refused(f, ERROR_NETWORK_WRITES_OPEN, "network.remove", "{'link':'main'}");
    ask(f, "network.connect", "{'link':'main'}");
    await_operation(f, &o, "done");
}

static void a_link_is_removed_with_its_writes_when_they_are_abandoned(void **state)
{
    static const enum fake_send script[] = { FAKE_LOSES, FAKE_LOSES, FAKE_LOSES };
    struct fixture *f = *state;
    struct operation o;
    struct reply reply;

    fake_script(3, script);
    o = transfer(f, "main", "a");
    await_write_now(f, &o, "ambiguous");
    reply = fixture_call(f, "network.remove", fixture_json("{'link':'main','abandon':true}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    await_write(f, &o, "dropped");
    assert_int_equal(events(f, "transaction_dropped"), 1);
    scene_link(f, "main", "{'account':'me'}"); /* its sequences are its own */
    o = transfer(f, "main", "a");
    await_operation(f, &o, "done");
}

static void a_stop_in_the_middle_of_a_send_leads_to_a_look_and_not_to_another_send(void **state)
{
    static const enum fake_send script[] = { FAKE_HANGS };
    struct fixture *f = *state;
    struct operation o, next;

    fake_script(1, script);
    o = transfer(f, "main", "a");
    next = transfer(f, "main", "b");
    for (int i = 0; i < 60000 && fake->transaction_count == 0; i++)
        usleep(1000);
    assert_int_equal(fake->transaction_count, 1);
    fixture_reopen(f);
    await_operation(f, &o, "done");
    await_operation(f, &next, "done");
    assert_int_equal(fake->transactions[0].sends, 1);
    assert_int_equal(fake->sends, 2);
}

/* As if the node had been killed: the effect's attempt is on record, and nothing of what came of it. */
static void a_kill_in_the_middle_of_a_send_leads_to_a_look_and_not_to_another_send(void **state)
{
    struct fixture *f = *state;
    struct operation o = transfer(f, "main", "a");
    unsigned sends;

    await_operation(f, &o, "done");
    sends = fake->sends;
    fixture_tamper(f, "DELETE FROM effect WHERE kind = 'network.track';"
                      "UPDATE network_write SET state = 'sending', sent_us = NULL, finality = NULL;"
                      "UPDATE network_operation SET state = 'queued', result = NULL, ended_us = NULL"
                      " WHERE operation = 'transfer_asset';"
                      "INSERT INTO effect (kind, key, request, state, running, attempts, next_us, "
                      "created_us) SELECT"
                      " 'network.send', 'link/1', '{\"link\":1,\"writes\":[{\"number\":' || number ||"
                      " ',\"check\":false}]}', 'waiting', 1, 1, 0, 0 FROM network_write");
    await_operation(f, &o, "done");
    assert_int_equal(fake->sends, sends);
}

#define RULE(name) cmocka_unit_test(name)
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(bytes_that_may_have_been_sent_are_never_made_anew),
        RULE(a_write_becomes_more_certain_and_then_final),
        RULE(a_block_that_is_no_more_is_news_each_way_it_can_go),
        RULE(what_is_unknown_is_sent_again_after_a_while_and_dropped_after_a_week),
        RULE(looks_become_rarer_with_age_but_have_bounds),
        RULE(only_what_certainly_did_not_arrive_counts_as_not_sent),
        TEST(a_transfer_is_followed_until_it_is_final),
        TEST(an_issue_tells_of_its_asset),
        TEST(a_transaction_that_fails_there_is_told_with_its_reason),
        TEST(a_reorg_leads_back_to_pending_and_the_write_is_followed_on),
        TEST(what_the_network_forgot_is_sent_again_with_the_same_bytes),
        TEST(a_write_that_cannot_be_prepared_is_rejected_and_the_next_goes_on),
        TEST(those_behind_a_rejected_one_take_its_nonce),
        TEST(amounts_that_are_none_are_refused),
        TEST(one_that_arrived_without_an_answer_is_found_and_not_sent_again),
        TEST(one_that_did_not_arrive_is_sent_again_with_the_same_bytes),
        TEST(an_unreachable_server_loses_nothing),
        TEST(one_that_is_found_by_its_label_is_not_sent_again),
        TEST(each_nonce_is_used_once_and_in_its_turn),
        TEST(a_server_that_forgets_what_waits_there_gives_no_number_anew),
        TEST(a_sequence_that_is_taken_is_not_used_twice),
        TEST(writes_without_a_sequence_do_not_wait_for_each_other),
        TEST(with_a_locked_keystore_a_write_waits_and_can_be_cancelled),
        TEST(a_write_that_cannot_be_prepared_in_time_fails),
        TEST(what_is_prepared_cannot_be_cancelled),
        TEST(a_link_at_rest_sends_nothing_and_goes_on_when_it_is_connected),
        TEST(a_link_is_removed_with_its_writes_when_they_are_abandoned),
        TEST(a_stop_in_the_middle_of_a_send_leads_to_a_look_and_not_to_another_send),
        TEST(a_kill_in_the_middle_of_a_send_leads_to_a_look_and_not_to_another_send),
    };

    fake_open();
    return cmocka_run_group_tests_name("writes on networks", tests, NULL, NULL) == 0 ? 0 : 1;
}
