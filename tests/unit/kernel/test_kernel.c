/* The kernel against a real database: transactions, savepoints, deadlines on both clocks, effects, queries,
 * SQL, replay. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/transaction.h"
#include "kernel/block.h"
#include "kernel/effect.h"
#include "kernel/registry.h"
#include "kernel_fixture.h"
#include "ledger/ledger.h"
#include "probe.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define SECOND_US MICROSECONDS_PER_SECOND
#define DAY_US (86400 * SECOND_US)
#define PATIENCE 60000 /* looks, a millisecond apart at least */

static const struct module *const modules[] = { &ledger_module, &probe_module, NULL };

static int start(void **state)
{
    struct fixture *f = malloc(sizeof(*f));

    assert_non_null(f);
    atomic_store(&probe_runs, 0);
    atomic_store(&probe_failures, 0);
    probe_fired[0] = '\0';
    fixture_start(f, NETWORK_DEV, modules);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture_audit(*state);
    fixture_stop(*state);
    free(*state);
    return 0;
}

static void expect_refused(struct fixture *f, enum status code, const char *method, json_t *params)
{
    struct reply reply = fixture_call(f, method, params);

    if (reply.status != code)
        fail_msg("%s answered %s (%s) instead of %s", method, status_name(reply.status), reply.error.message,
                 status_name(code));
    reply_close(&reply);
}

static char *meta(struct fixture *f, const char *key)
{
    char *sql AUTO_FREE = text_format("SELECT value FROM meta WHERE key = '%s'", key);

    return fixture_sql_text(f, sql);
}

/* --- transactions ----------------------------------------------------------------------------- */
static void a_transaction_sent_again_answers_its_first_result(void **state)
{
    struct fixture *f = *state;
    json_t *signed_note = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':5}"));
    struct reply first = fixture_call(f, "transaction.submit", json_incref(signed_note));
    struct reply second = fixture_call(f, "transaction.submit", json_incref(signed_note));

    assert_int_equal(first.status, OK);
    assert_int_equal(second.status, OK);
    assert_true(json_is_false(json_object_get(first.result, "repeated")));
    assert_true(json_is_true(json_object_get(second.result, "repeated")));
    assert_true(
        json_equal(json_object_get(first.result, "result"), json_object_get(second.result, "result")));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE body LIKE '%\"by_us\":5,%'"), 1);
    fixture_advance(f, 2 * 3600 * SECOND_US);
    reply_close(&second);
    second = fixture_call(f, "transaction.submit", signed_note); /* its valid_until has passed meanwhile */
    assert_int_equal(second.status, OK);
    assert_true(json_is_true(json_object_get(second.result, "repeated")));
    reply_close(&first);
    reply_close(&second);
}

static void a_transaction_is_refused_from_its_valid_until_on(void **state)
{
    struct fixture *f = *state;
    json_t *early = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':1}"));
    json_t *late = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':2}"));
    json_int_t until =
        json_integer_value(json_object_get(json_object_get(early, "transaction"), "valid_until"));
    struct reply reply;

    fixture_advance(f, until - fixture_now(f) - 1);
    reply = fixture_call(f, "transaction.submit", early);
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    fixture_advance(f, 1);
    expect_refused(f, ERROR_EXPIRED, "transaction.submit", late);
}

/* Signs as fixture_sign does, after changing one member. Takes over the reference to `value`. */
static json_t *signed_with(struct fixture *f, const char *member, json_t *value)
{
    json_t *submission = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':1}"));
    json_t *t = json_object_get(submission, "transaction");
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct transaction transaction;
    struct signature signature;
    struct error error;
    struct hash id;
    char text[2 * sizeof(signature.bytes) + 1];

    buffer_init(&canonical);
    json_object_set_new(t, member, value);
    assert_int_equal(transaction_decode(t, &transaction, &canonical, &id, &error), OK);
    assert_true(schnorr_sign(fixture_key(f, "alice")->secret, &id, NULL, &signature));
    hex_text(text, signature.bytes, sizeof(signature.bytes));
    json_object_set_new(submission, "signature", json_string(text));
    return submission;
}

static void a_transaction_is_good_for_366_days_at_most(void **state)
{
    struct fixture *f = *state;
    int64_t farthest = fixture_now(f) + 366 * DAY_US;
    struct reply reply;

    expect_refused(f, ERROR_VALIDITY_TOO_LONG, "transaction.submit",
                   signed_with(f, "valid_until", json_integer(farthest + 1)));
    expect_refused(f, ERROR_VALIDITY_TOO_LONG, "transaction.submit",
                   signed_with(f, "valid_until", json_integer(INTEGER_MAX)));
    reply = fixture_call(f, "transaction.submit", signed_with(f, "valid_until", json_integer(farthest)));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

static void a_transaction_for_another_chain_is_refused(void **state)
{
    expect_refused(*state, ERROR_WRONG_CHAIN, "transaction.submit",
                   signed_with(*state, "chain", json_string("dev-0000000000000000")));
}

static void a_refused_command_leaves_no_row_and_no_event(void **state)
{
    struct fixture *f = *state;
    int64_t head = fixture_sql(f, "SELECT max(seq) FROM event"),
            height = fixture_sql(f, "SELECT max(height) FROM block");
    char *probe;

    fixture_refused(f, ERROR_NOT_FOUND, "alice", "probe.note", "{'number':9,'refuse':true}");
    probe = meta(f, "probe");
    assert_null(probe);
    assert_int_equal(fixture_sql(f, "SELECT max(seq) FROM event"), head);
    assert_int_equal(fixture_sql(f, "SELECT max(height) FROM block"), height);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signed_transaction"), 0);
}

/* Many calls at once, so that they share batches. */
#define TOGETHER 120
struct together {
    struct call call;
    struct work work;
    struct kernel *kernel;
    json_t *params;
    enum status status;
    atomic_int *left;
};

static void together_done(struct call *call, enum status status, const struct error *error,
                          struct bytes result)
{
    struct together *t = call->context;

    (void)error, (void)result;
    t->status = status;
    atomic_fetch_sub(t->left, 1);
}

static void together_run(struct work *work, size_t worker)
{
    struct together *t = (struct together *)((char *)work - offsetof(struct together, work));

    kernel_call(t->kernel, worker, &t->call, "transaction.submit", t->params);
}

static void a_command_refused_after_writing_takes_nothing_of_its_batch_along(void **state)
{
    struct fixture *f = *state;
    struct together calls[TOGETHER];
    atomic_int left = TOGETHER;

    for (int i = 0; i < TOGETHER; i++) {
        calls[i] = (struct together){ .kernel = f->kernel, .left = &left, .status = ERROR_INTERNAL,
                                      .call = { .done = together_done, .context = &calls[i] },
                                      .work = { .run = together_run },
                                      .params = fixture_sign(f, "alice", "probe.note",
                                                             fixture_json("{'number':%d,'refuse':%s}", i + 1,
                                                                          i % 7 == 3 ? "true" : "false")) };
    }
    for (int i = 0; i < TOGETHER; i++)
        assert_true(workers_submit(kernel_workers(f->kernel), &calls[i].work));
    while (atomic_load(&left) > 0)
        usleep(1000);
    for (int i = 0; i < TOGETHER; i++) {
        char *sql AUTO_FREE = text_format("SELECT count(*) FROM event WHERE type = 'dev.time_advanced'"
                                          " AND body ->> 'by_us' = %d", i + 1);

        assert_int_equal(calls[i].status, i % 7 == 3 ? ERROR_NOT_FOUND : OK);
        assert_int_equal(fixture_sql(f, sql), i % 7 == 3 ? 0 : 1);
        json_decref(calls[i].params);
    }
    assert_true(fixture_sql(f, "SELECT count(*) FROM block") < TOGETHER); /* they did share batches */
}

static void every_flipped_part_of_a_signed_transaction_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const members[] = { "account", "chain",       "method",   "params",
                                           "salt",    "valid_until", "signature" };

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        json_t *call = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':3}"));
        json_t *t = json_object_get(call, "transaction");
        struct reply reply;

        switch (i) {
        case 0: json_object_set_new(t, "account", json_string(fixture_address(f, "bob"))); break;
        case 1: json_object_set_new(t, "chain", json_string("dev-0000000000000000")); break;
        case 2: json_object_set_new(t, "method", json_string("ledger.burn")); break;
        case 3: json_object_set_new(t, "params", fixture_json("{'number':4}")); break;
        case 4: json_object_set_new(t, "salt", json_string("00000000000000000000000000000000")); break;
        case 5: json_object_set_new(t, "valid_until", json_integer(9007199254740991)); break;
        default: json_object_set_new(call, "signature", json_string(
                     "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215"
                     "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0")); break;
        }
        reply = fixture_call(f, "transaction.submit", call);
        if (reply.status == OK)
            fail_msg("a transaction with another %s was taken", members[i]);
        reply_close(&reply);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signed_transaction"), 0);
}

static void what_is_not_a_transaction_is_refused(void **state)
{
    struct fixture *f = *state;
    json_t *extra = fixture_sign(f, "alice", "probe.note", fixture_json("{'number':3}"));
    json_t *unknown = fixture_sign(f, "alice", "probe.nothing", fixture_json("{}"));
    json_t *query = fixture_sign(f, "alice", "node.info", fixture_json("{}"));

    json_object_set_new(json_object_get(extra, "transaction"), "nonce", json_integer(1));
    expect_refused(f, ERROR_INVALID_PARAMS, "transaction.submit", extra);
    expect_refused(f, ERROR_METHOD_NOT_FOUND, "transaction.submit", unknown);
    expect_refused(f, ERROR_METHOD_NOT_FOUND, "transaction.submit", query);
    expect_refused(f, ERROR_INVALID_PARAMS, "transaction.submit", fixture_json("{}"));
    expect_refused(f, ERROR_INVALID_PARAMS, "transaction.submit", NULL);
    expect_refused(f, ERROR_UNSIGNED, "probe.note", fixture_json("{'number':1}"));
    expect_refused(f, ERROR_UNSIGNED, "probe.note", fixture_json("{'number':1,'from':'alice'}"));
    expect_refused(f, ERROR_METHOD_NOT_FOUND, "probe.internal", NULL);
}

static void a_mistyped_name_gets_a_suggestion(void **state)
{
    struct fixture *f = *state;
    struct reply reply = fixture_call(f, "ledger.balence", NULL);

    assert_int_equal(reply.status, ERROR_METHOD_NOT_FOUND);
    assert_non_null(strstr(reply.error.message, "ledger.balance"));
    reply_close(&reply);
    reply = fixture_call(f, "block.get", fixture_json("{'hight':1,'height':0}"));
    assert_int_equal(reply.status, ERROR_INVALID_PARAMS);
    assert_non_null(strstr(reply.error.message, "did you mean 'height'"));
    reply_close(&reply);
}

/* --- deadlines -------------------------------------------------------------------------------- */
static void block_time_deadlines_fire_at_their_time_and_not_before(void **state)
{
    struct fixture *f = *state;
    char expected[64];
    int64_t due_us;

    due_us = fixture_now(f) + 10 * SECOND_US;
    fixture_run(f, "alice", "probe.alarm", "{'in':'10s','name':'a'}");
    fixture_advance(f, 10 * SECOND_US - 1);
    assert_string_equal(probe_fired, "");
    fixture_advance(f, 1);
    snprintf(expected, sizeof(expected), "a@%" PRId64 "/", due_us);
    assert_memory_equal(probe_fired, expected, strlen(expected));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM deadline"), 0);
}

static void what_came_due_while_the_node_was_down_may_ask_for_work(void **state)
{
    struct fixture *f = *state;

    fixture_run(f, "alice", "probe.alarm", "{'in':'10s','name':'working'}");
    fixture_tamper(f, "UPDATE deadline SET due_us = 1"); /* while it was down */
    while (fixture_sql(f, "SELECT count(*) FROM effect WHERE key = 'late' AND state = 'done'") == 0)
        usleep(1000);
}

static void deadlines_fire_in_order_of_due_time_then_of_setting(void **state)
{
    struct fixture *f = *state;
    char order[8] = "";
    size_t used = 0;

    fixture_run(f, "alice", "probe.alarm", "{'in':'30s','name':'c'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'10s','name':'a'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'10s','name':'b'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'20s','name':'gone'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'20s','name':'gone','clear':true}");
    fixture_advance(f, 60 * SECOND_US);
    for (const char *at = probe_fired; *at != '\0'; at = strchr(at, ' ') + 1)
        order[used++] = *at;
    assert_string_equal(order, "abc");
}

static void an_outage_never_eats_a_window_on_chain_time(void **state)
{
    struct fixture *f = *state;

    fixture_run(f, "alice", "probe.alarm", "{'in':'300s','name':'w','chain':true}");
    fixture_advance(f, 86400 * SECOND_US); /* a day without blocks counts for 60 s */
    assert_string_equal(probe_fired, "");
    for (int i = 0; i < 3; i++)
        fixture_advance(f, 60 * SECOND_US);
    assert_string_equal(probe_fired, "");
    fixture_advance(f, 60 * SECOND_US);
    assert_memory_equal(probe_fired, "w@", 2);
}

static void advancing_time_fires_before_the_answer_and_counts_on_both_clocks(void **state)
{
    struct fixture *f = *state;

    fixture_refused(f, ERROR_INVALID_PARAMS, "bob", "dev.advance_time", "{'by':0}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "bob", "dev.advance_time", "{'by':'367d'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'1h','name':'b'}");
    fixture_run(f, "alice", "probe.alarm", "{'in':'1h','name':'c','chain':true}");
    fixture_run(f, "bob", "dev.advance_time", "{'by':'59m'}");
    assert_string_equal(probe_fired, "");
    fixture_run(f, "bob", "dev.advance_time", "{'by':'1m'}");
    assert_memory_equal(probe_fired, "b@", 2);
    assert_non_null(strstr(probe_fired, " c@"));
}

static void time_is_not_advanced_outside_of_dev(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, NETWORK_TEST, modules);
    fixture_refused(&f, ERROR_NOT_ON_THIS_NETWORK, "alice", "dev.advance_time", "{'by':'1h'}");
    fixture_stop(&f);
}

/* --- blocks ----------------------------------------------------------------------------------- */
static void block_times_follow_their_rules(void **state)
{
    struct block parent = { .height = 4, .time_us = 1000, .chain_time_us = 500, .advanced_us = 0 }, next;

    (void)state;
    block_follow(&parent, 0, 900, &next); /* the clock went back */
    assert_int_equal(next.height, 5);
    assert_int_equal(next.time_us, 1000);
    assert_int_equal(next.chain_time_us, 500);
    block_follow(&parent, 0, 1000 + CHAIN_TIME_STEP_MAX_US, &next);
    assert_int_equal(next.chain_time_us, 500 + CHAIN_TIME_STEP_MAX_US);
    block_follow(&parent, 0, 1001 + CHAIN_TIME_STEP_MAX_US, &next);
    assert_int_equal(next.chain_time_us, 500 + CHAIN_TIME_STEP_MAX_US);
    parent.advanced_us = 7000000000;
    block_follow(&parent, 7000000000, 1010, &next); /* the whole advance counts, and the 10 µs */
    assert_int_equal(next.time_us, 7000001010);
    assert_int_equal(next.chain_time_us, 500 + 7000000000 + 10);
}

static void a_block_hash_covers_every_field(void **state)
{
    struct block block = {
        .height = 1, .time_us = 2, .chain_time_us = 3, .advanced_us = 4, .transactions = 5, .events = 6
    };
    struct hash first;

    (void)state;
    block_seal(&block);
    first = block.hash;
    for (int field = 0; field < 8; field++) {
        struct block other = block;

        switch (field) {
        case 0: other.height++; break;
        case 1: other.time_us++; break;
        case 2: other.chain_time_us++; break;
        case 3: other.advanced_us++; break;
        case 4: other.transactions++; break;
        case 5: other.events++; break;
        case 6: other.content.bytes[31] ^= 1; break;
        default: other.previous.bytes[0] ^= 1; break;
        }
        block_seal(&other);
        assert_false(hash_equal(&other.hash, &first));
    }
}

/* --- effects ---------------------------------------------------------------------------------- */
static void wait_for_event(struct fixture *f, const char *type)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM event WHERE type = '%s'", type);

    for (int i = 0; i < PATIENCE; i++) {
        if (fixture_sql(f, sql) > 0)
            return;
        fixture_advance(f, 1000); /* backoff is on the node's clock */
        usleep(1000);
    }
    fail_msg("no event %s came", type);
}

static void an_effect_is_retried_until_it_succeeds_and_its_result_comes_back(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    char *result;

    atomic_store(&probe_failures, 2);
    reply = fixture_call(f, "probe.work", fixture_json("{'key':'one'}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    wait_for_event(f, "effect.ended");
    assert_int_equal(atomic_load(&probe_runs), 3);
    result = meta(f, "one");
    assert_string_equal(result, "{\"attempt\":3}");
    free(result);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE state = 'done' AND attempts = 3"), 1);
}

static void an_effect_that_never_succeeds_fails_after_its_attempts(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    atomic_store(&probe_failures, 1000);
    reply = fixture_call(f, "probe.work", fixture_json("{'key':'two'}"));
    reply_close(&reply);
    wait_for_event(f, "effect.ended");
    assert_int_equal(atomic_load(&probe_runs), 3);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE state = 'failed'"), 1);
}

static void the_same_key_is_the_same_effect(void **state)
{
    struct fixture *f = *state;
    struct reply first = fixture_call(f, "probe.work", fixture_json("{'key':'k'}"));
    struct reply second = fixture_call(f, "probe.work", fixture_json("{'key':'k'}"));

    assert_true(json_equal(first.result, second.result));
    reply_close(&first);
    reply_close(&second);
    wait_for_event(f, "effect.ended");
    assert_int_equal(atomic_load(&probe_runs), 1);
}

static void an_effect_cut_off_by_a_stop_is_resumed_by_the_next_start(void **state)
{
    struct fixture *f = *state;
    struct reply reply = fixture_call(f, "probe.work", fixture_json("{'key':'until-stop'}"));

    reply_close(&reply);
    for (int i = 0; i < PATIENCE && atomic_load(&probe_runs) == 0; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&probe_runs), 1);
    fixture_reopen(f);
    for (int i = 0; i < PATIENCE && atomic_load(&probe_runs) == 1; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&probe_runs), 2);
    assert_int_equal(fixture_sql(f, "SELECT attempts FROM effect"), 1); /* being stopped did not count */
}

static void ask_to_wait(struct fixture *f, const char *key)
{
    struct reply reply = fixture_call(f, "probe.wait", fixture_json("{'key':'%s'}", key));

    assert_int_equal(reply.status, OK);
    reply_close(&reply);
}

static void wait_for_count(atomic_int *counter, int value)
{
    for (int i = 0; i < PATIENCE && atomic_load(counter) != value; i++)
        usleep(1000);
    assert_int_equal(atomic_load(counter), value);
}

static void effects_that_wait_keep_nobody_else_from_running(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    char key[16];

    atomic_store(&probe_waiting, 0);
    atomic_store(&probe_waits_ended, 0);
    atomic_store(&probe_go, false);
    for (int i = 0; i < PROBE_WAITS + 3; i++) {
        snprintf(key, sizeof(key), "w%d", i);
        ask_to_wait(f, key);
    }
    wait_for_count(&probe_waiting, PROBE_WAITS); /* its places, and no more */
    reply = fixture_call(f, "probe.work", fixture_json("{'key':'meanwhile'}"));
    reply_close(&reply);
    wait_for_event(f, "effect.ended");
    assert_int_equal(atomic_load(&probe_waits_ended), 0);
    assert_int_equal(atomic_load(&probe_waiting), PROBE_WAITS);
    atomic_store(&probe_go, true);
    wait_for_count(&probe_waits_ended, PROBE_WAITS + 3);
    /* transient; the row goes a little after the work has ended */
    for (int i = 0; i < PATIENCE; i++) {
        if (fixture_sql(f, "SELECT count(*) FROM effect WHERE kind = 'probe.wait'") == 0)
            break;
        usleep(1000);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE kind = 'probe.wait'"), 0);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'effect.ended'"), 1);
}

/* So many of each party from `first` to `last`. */
static void ask_for_parties(struct fixture *f, uint64_t first, uint64_t last, int count)
{
    for (uint64_t party = first; party <= last; party++) {
        for (int i = 0; i < count; i++) {
            struct reply reply =
                fixture_call(f, "probe.wait", fixture_json("{'key':'p%d-%d','party':%d}", (int)party, i,
                                                           (int)party));

            assert_int_equal(reply.status, OK);
            reply_close(&reply);
        }
    }
}

static int64_t running_of(struct fixture *f, int party)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM effect WHERE party = %d AND running = 1", party);

    return fixture_sql(f, sql);
}

static void a_party_gets_its_share_of_the_places_and_leaves_one_for_everybody(void **state)
{
    const int share = PROBE_WAITS / EFFECT_SHARE;
    struct fixture *f = *state;

    atomic_store(&probe_waiting, 0);
    atomic_store(&probe_waits_ended, 0);
    atomic_store(&probe_go, false);
    ask_for_parties(f, 1, 1, PROBE_WAITS);
    wait_for_count(&probe_waiting, share); /* one party, however much waits for it */
    ask_for_parties(f, 2, EFFECT_SHARE, PROBE_WAITS);
    wait_for_count(&probe_waiting, PROBE_WAITS); /* several hold all the places between them: */
    ask_for_parties(f, 50, 52, 3);
    wait_for_count(&probe_waiting, PROBE_WAITS + 3); /* whoever else comes gets one, */
    usleep(20000);
    assert_int_equal(atomic_load(&probe_waiting), PROBE_WAITS + 3);
    for (int party = 50; party <= 52; party++)
        assert_int_equal(running_of(f, party), 1);
    ask_for_parties(f, 100, 100 + EFFECTS_FIRST_MAX, 1);
    wait_for_count(&probe_waiting, PROBE_WAITS + EFFECTS_FIRST_MAX); /* as far as that goes; */
    usleep(20000);
    assert_int_equal(atomic_load(&probe_waiting), PROBE_WAITS + EFFECTS_FIRST_MAX);
    fixture_reopen(f); /* and a start knows the parties from the rows: each of them gets one */
    wait_for_count(&probe_waiting,
                   PROBE_WAITS + EFFECTS_FIRST_MAX + EFFECT_SHARE + 3 + EFFECTS_FIRST_MAX + 1);
    for (int party = 1; party <= EFFECT_SHARE; party++)
        assert_int_equal(running_of(f, party), 1);
    atomic_store(&probe_go, true);
    wait_for_count(&probe_waits_ended, EFFECT_SHARE * PROBE_WAITS + 3 * 3 + EFFECTS_FIRST_MAX + 1);
}

static void the_party_with_the_fewest_is_next(void **state)
{
    const int share = PROBE_WAITS / EFFECT_SHARE;
    struct fixture *f = *state;

    atomic_store(&probe_waiting, 0);
    atomic_store(&probe_waits_ended, 0);
    atomic_store(&probe_go, false);
    atomic_store(&probe_end_next, 0);
    ask_for_parties(f, 1, EFFECT_SHARE, share); /* all places */
    wait_for_count(&probe_waiting, PROBE_WAITS);
    ask_for_parties(f, 1, 2, 30);
    ask_for_parties(f, 9, 9, 30); /* asked for last */
    wait_for_count(&probe_waiting, PROBE_WAITS + 1);
    atomic_store(&probe_end_next, share); /* so many places become free */
    for (int i = 0; i < PATIENCE && running_of(f, 9) < 2; i++)
        usleep(1000);
    wait_for_count(&probe_waits_ended, share);
    assert_in_range(running_of(f, 9), 2, share);
    atomic_store(&probe_go, true);
    wait_for_count(&probe_waits_ended, PROBE_WAITS + 2 * (30 - share) + 30);
}

static void effects_that_wait_are_resumed_by_the_next_start(void **state)
{
    struct fixture *f = *state;

    atomic_store(&probe_waiting, 0);
    atomic_store(&probe_waits_ended, 0);
    atomic_store(&probe_go, false);
    ask_to_wait(f, "one");
    wait_for_count(&probe_waiting, 1);
    fixture_reopen(f);
    wait_for_count(&probe_waiting, 2);
    atomic_store(&probe_go, true);
    wait_for_count(&probe_waits_ended, 1);
}

static void an_effect_that_does_not_run_yet_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    atomic_store(&probe_waiting, 0);
    ask_to_wait(f, "late");
    reply = fixture_call(f, "probe.wait", fixture_json("{'key':'cancel'}"));
    assert_true(json_is_true(json_object_get(reply.result, "cancelled")));
    reply_close(&reply);
    fixture_advance(f, 2000000);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect"), 0);
    assert_int_equal(atomic_load(&probe_waiting), 0);
    reply = fixture_call(f, "probe.wait", fixture_json("{'key':'cancel'}"));
    assert_true(json_is_false(json_object_get(reply.result, "cancelled")));
    reply_close(&reply);
}

static void an_effect_that_takes_the_node_down_ends_after_its_attempts(void **state)
{
    struct fixture *f = *state;
    struct reply reply = fixture_call(f, "probe.work", fixture_json("{'key':'until-stop'}"));

    reply_close(&reply);
    for (int i = 0; i < PATIENCE && atomic_load(&probe_runs) == 0; i++)
        usleep(1000);
    fixture_tamper(f, "UPDATE effect SET attempts = 3"); /* as if the node had died in each of them */
    wait_for_event(f, "effect.ended");
    assert_int_equal(atomic_load(&probe_runs), 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE state = 'failed'"), 1);
}

static void backoff_doubles_up_to_its_limit(void **state)
{
    const struct effect_kind kind = { .backoff_us = SECOND_US };

    (void)state;
    assert_int_equal(effect_backoff(&kind, 1), SECOND_US);
    assert_int_equal(effect_backoff(&kind, 2), 2 * SECOND_US);
    assert_int_equal(effect_backoff(&kind, 5), 16 * SECOND_US);
    assert_int_equal(effect_backoff(&kind, 60), EFFECT_BACKOFF_MAX_US);
}

/* --- queries ---------------------------------------------------------------------------------- */
static void sql_reads_and_does_nothing_else(void **state)
{
    struct fixture *f = *state;
    static const char *const refused[] = {
        "INSERT INTO meta VALUES ('a', 'b')",
        "DELETE FROM event",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA table_info(event)",
        "ATTACH '/tmp/x.db' AS x",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "",
        "   ",
        "-- nothing",
        "BEGIN",
        "CREATE TEMP TABLE t (a)",
        "SELECT * FROM nowhere",
        "SELECT ?",
        "VACUUM",
        "SELECT writefile('/tmp/x', 'y')",
        "EXPLAIN SELECT 1; DROP TABLE event",
        "REINDEX",
        "SAVEPOINT a",
        "WITH a AS (SELECT 1) DELETE FROM meta",
    };
    json_t *result =
        fixture_query(f, "sql", "{'query':'SELECT 1, NULL, zeroblob(2), 1.5, 9223372036854775807;  '}");
    json_t *expected = fixture_json("[1,null,'0000',1.5,'9223372036854775807']");

    assert_true(json_equal(json_array_get(json_object_get(result, "rows"), 0), expected));
    json_decref(expected);
    json_decref(result);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        json_t *params = json_object();

        json_object_set_new(params, "query", json_string(refused[i]));
        expect_refused(f, ERROR_SQL, "sql", params);
    }
}

static void sql_names_its_columns_and_says_when_it_cut(void **state)
{
    struct fixture *f = *state;
    json_t *result =
        fixture_query(f, "sql", "{'query':'SELECT seq AS n FROM event UNION ALL SELECT 2','limit':1}");

    assert_string_equal(json_string_value(json_array_get(json_object_get(result, "columns"), 0)), "n");
    assert_int_equal(json_array_size(json_object_get(result, "rows")), 1);
    assert_true(json_is_true(json_object_get(result, "truncated")));
    json_decref(result);
}

static void a_statement_that_never_ends_is_ended(void **state)
{
    struct fixture *f = *state;
    json_t *params = json_object();

    f->query_timeout_us = SECOND_US;
    fixture_reopen(f);
    expect_refused(f, ERROR_TIMEOUT, "probe.endless", NULL);
    json_object_set_new(params, "query",
                        json_string("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                                    " SELECT max(i) FROM n"));
    expect_refused(f, ERROR_TIMEOUT, "sql", params);
    json_decref(fixture_query(f, "node.status", "{}")); /* the connection serves on */
}

static void replay_of_a_history_gives_the_same_blocks_and_rows(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    fixture_run(f, "alice", "dev.faucet", "{}");
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000}");
    for (int i = 0; i < 20; i++) {
        fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}",
                    fixture_address(f, "bob"), i + 1);
        fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "bob", "ledger.transfer",
                        "{'to':'%s','asset':'GOLD','amount':5000}", fixture_address(f, "alice"));
        fixture_run(f, "bob", "probe.alarm", "{'in':'%ds','name':'n%d','chain':%s}", i, i,
                    i % 2 == 0 ? "true" : "false");
        fixture_advance(f, 7 * SECOND_US);
    }
    fixture_run(f, "bob", "dev.advance_time", "{'by':'3d'}");
    reply = fixture_call(f, "replay", NULL);
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    wait_for_event(f, "replay.completed");
    if (fixture_sql(f, "SELECT body ->> 'equal' FROM event WHERE type = 'replay.completed'") != 1)
        fail_msg("replay: %s", fixture_sql_text(f, "SELECT body FROM event WHERE type = 'replay.completed'"));
    assert_true(fixture_sql(f, "SELECT body ->> 'transactions' FROM event WHERE type = 'replay.completed'") >=
                43);
}

static void replay_finds_what_was_changed_behind_its_back(void **state)
{
    static const char *const changes[] = {
        "UPDATE balance SET amount = amount + 1",
        "UPDATE signed_transaction SET signature = zeroblob(64)",
        "UPDATE signed_transaction SET body = replace(body, '\"amount\":7', '\"amount\":8')",
        "UPDATE block SET time_us = time_us - 1 WHERE height = 2",
        "DELETE FROM signed_transaction WHERE number = 2",
        "DELETE FROM posting WHERE amount < 0",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct fixture f;
        struct reply reply;

        fixture_start(&f, NETWORK_DEV, modules);
        fixture_run(&f, "alice", "dev.faucet", "{}");
        fixture_run(&f, "alice", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':7}",
                    fixture_address(&f, "bob"));
        fixture_tamper(&f, changes[i]);
        reply = fixture_call(&f, "replay", NULL);
        assert_int_equal(reply.status, OK);
        reply_close(&reply);
        wait_for_event(&f, "replay.completed");
        if (fixture_sql(&f, "SELECT body ->> 'equal' FROM event WHERE type = 'replay.completed'") != 0)
            fail_msg("replay did not see: %s", changes[i]);
        fixture_stop(&f);
    }
}

/* --- the registry ----------------------------------------------------------------------------- */
/* Each event of a batch of many large ones is published and stored, whatever the bound on a batch's bytes. */
static void a_flood_of_large_events_is_cut_into_batches(void **state)
{
    struct fixture *f = *state;
    struct together calls[TOGETHER];
    atomic_int left = TOGETHER;
    struct buffer list CLEANUP(buffer_close) = { 0 };

    fixture_run(f, "alice", "dev.faucet", "{}");
    for (int i = 0; i < 300; i++)
        buffer_append_format(&list, "%s{'to':'%s','asset':'DEV','amount':1,'memo':'%0200d'}",
                             i == 0 ? "" : ",", fixture_address(f, "bob"), i);
    for (int i = 0; i < TOGETHER; i++)
        calls[i] = (struct together){ .kernel = f->kernel,
                                      .left = &left,
                                      .status = ERROR_INTERNAL,
                                      .call = { .done = together_done, .context = &calls[i] },
                                      .work = { .run = together_run },
                                      .params = fixture_sign(f, "alice", "ledger.transfer_batch",
                                                             fixture_json("{'transfers':[%s]}",
                                                                          buffer_text(&list))) };
    for (int i = 0; i < TOGETHER; i++)
        assert_true(workers_submit(kernel_workers(f->kernel), &calls[i].work));
    while (atomic_load(&left) > 0)
        usleep(1000);
    for (int i = 0; i < TOGETHER; i++) {
        assert_int_equal(calls[i].status, OK);
        json_decref(calls[i].params);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'ledger.transferred'"),
                     300 * TOGETHER);
    assert_true(
        fixture_sql(f,
                    "SELECT max(bytes) FROM (SELECT sum(length(body)) AS bytes FROM event GROUP BY block)") <
        5 * 1024 * 1024);
}

static void a_list_of_blocks_read_one_by_one_comes_to_its_end(void **state)
{
    struct fixture *f = *state;
    json_int_t first = 0, height = 0;

    for (int i = 0; i < 5; i++)
        fixture_run(f, "alice", "probe.note", "{'number':%d}", i);
    for (;;) {
        json_t *page = fixture_query(f, "block.list", "{'first':%d,'limit':1}", (int)first);
        json_t *items = json_object_get(page, "items"), *next = json_object_get(page, "next");
        bool more = json_is_integer(next);

        assert_int_equal(json_array_size(items), 1);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(items, 0), "height")), height++);
        first = json_integer_value(next);
        json_decref(page);
        if (!more)
            break;
    }
    assert_int_equal(height, 6);
}

static void edit_distance_counts_letters(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", "", 3), 0);
    assert_int_equal(edit_distance("ledger", "ledger", 3), 0);
    assert_int_equal(edit_distance("leger", "ledger", 3), 1);
    assert_int_equal(edit_distance("ldeger", "ledger", 3), 2);
    assert_int_equal(edit_distance("abc", "xyz", 2), 3);
}

static void every_declared_method_can_be_explained(void **state)
{
    struct fixture *f = *state;
    json_t *all = fixture_query(f, "help", "{}"), *line;
    size_t i;

    json_array_foreach(json_object_get(all, "methods"), i, line) {
        const char *name = json_string_value(json_object_get(line, "name"));

        json_decref(fixture_query(f, "help", "{'method':'%s'}", name));
    }
    assert_true(i > 30);
    json_decref(all);
}

/* --- determinism ------------------------------------------------------------------------------ */
/* A long mixed history from a seed; the hash of its last block is a figure here, so that every compiler and
 * every optimisation must give the very same blocks. */
#define HISTORY_STEPS 400
#define HISTORY_HASH "946ea3e67ecab8b8a2eab9fee56879cd84526b2d668c5a71245c518523c84778"

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void one_step(struct fixture *f, uint64_t *seed)
{
    static const char *const names[] = { "alice", "bob", "carol" };
    const char *who = names[next_random(seed) % 3], *to = names[next_random(seed) % 3];
    uint64_t amount = next_random(seed) % 3000 + 1;

    switch (next_random(seed) % 6) {
    case 0:
        fixture_try(f, who, "dev.faucet", fixture_json("{'amount':%" PRIu64 "}", amount), NULL);
        break;
    case 1:
    case 2:
        fixture_try(f, who, "ledger.transfer",
                    fixture_json("{'to':'%s','asset':'DEV','amount':%" PRIu64 "}", fixture_address(f, to),
                                 amount),
                    NULL);
        break;
    case 3:
        fixture_try(f, who, "ledger.lock",
                    fixture_json("{'to':'%s','asset':'DEV','amount':%" PRIu64
                                 ",'timeout':'30s','hash':'%064" PRIx64 "'}",
                                 fixture_address(f, to), amount, amount),
                    NULL);
        break;
    case 4:
        fixture_try(f, who, "probe.alarm",
                    fixture_json("{'in':'%" PRIu64 "s','name':'n%" PRIu64 "','chain':true}", amount % 90,
                                 amount % 10),
                    NULL);
        break;
    default:
        fixture_advance(f, (int64_t)(amount % 70) * SECOND_US);
        break;
    }
}

static void the_same_history_gives_the_same_block_hash_in_every_build(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 20261120;
    char *hash;

    for (int i = 0; i < HISTORY_STEPS; i++) {
        (void)one_step(f, &seed);
        fixture_advance(f, SECOND_US);
    }
    hash = fixture_sql_text(f, "SELECT lower(hex(hash)) FROM block ORDER BY height DESC LIMIT 1");
    assert_string_equal(hash, HISTORY_HASH);
    free(hash);
}

/* test_kernel [NAME]: all tests, or those whose name is like this ('*' and '?' stand for anything). */
/* --- checks, reactions, sweeps, what follows a commit ------------------------------------------- */
static void checks_run_beside_the_executor_and_again_in_replay(void **state)
{
    struct fixture *f = *state;
    json_t *result AUTO_JSON = fixture_do(f, "alice", "probe.checked", "{'number':21}");

    assert_int_equal(json_integer_value(json_object_get(result, "doubled")), 42);
    fixture_refused(f, ERROR_LIMIT, "alice", "probe.checked", "{'number':1001}");
    fixture_replay(f);
}

static struct reply ask_for(struct fixture *f, const char *params)
{
    return fixture_call(f, "probe.ask", fixture_json("%s", params));
}

static void reactions_follow_what_asked_for_them_and_nothing_refused(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    atomic_store(&probe_reactions, 0);
    atomic_store(&probe_followed, 0);
    atomic_store(&probe_dropped, 0);
    reply = ask_for(f, "{'reactions':5}");
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    assert_int_equal(atomic_load(&probe_reactions), 5);
    assert_int_equal(atomic_load(&probe_followed), 1);
    reply = ask_for(f, "{'reactions':5,'refuse':true}");
    assert_int_equal(reply.status, ERROR_INVALID_PARAMS);
    reply_close(&reply);
    assert_int_equal(atomic_load(&probe_reactions), 5);
    assert_int_equal(atomic_load(&probe_followed), 1);
    assert_true(atomic_load(&probe_dropped) >= 1);
}

static void sweeps_run_at_the_start_when_due_and_when_they_said(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    int before;

    fixture_reopen(f);
    fixture_advance(f, 1);
    before = atomic_load(&probe_sweeps);
    assert_true(before >= 1); /* at the start */
    fixture_advance(f, MICROSECONDS_PER_SECOND);
    assert_int_equal(atomic_load(&probe_sweeps), before);
    probe_sweep_again_us = fixture_now(f) + 20 * MICROSECONDS_PER_SECOND;
    reply = ask_for(f, "{'sweep_in':10000000}");
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    fixture_advance(f, 9 * MICROSECONDS_PER_SECOND);
    assert_int_equal(atomic_load(&probe_sweeps), before);
    fixture_advance(f, 2 * MICROSECONDS_PER_SECOND);
    assert_int_equal(atomic_load(&probe_sweeps), before + 1);
    fixture_advance(f, 5 * MICROSECONDS_PER_SECOND);
    assert_int_equal(atomic_load(&probe_sweeps), before + 1);
    fixture_advance(f, 10 * MICROSECONDS_PER_SECOND);
    assert_int_equal(atomic_load(&probe_sweeps), before + 2);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_transaction_sent_again_answers_its_first_result),
        TEST(a_transaction_is_refused_from_its_valid_until_on),
        TEST(a_transaction_is_good_for_366_days_at_most),
        TEST(a_transaction_for_another_chain_is_refused),
        TEST(a_refused_command_leaves_no_row_and_no_event),
        TEST(a_command_refused_after_writing_takes_nothing_of_its_batch_along),
        TEST(every_flipped_part_of_a_signed_transaction_is_refused),
        TEST(what_is_not_a_transaction_is_refused),
        TEST(a_mistyped_name_gets_a_suggestion),
        TEST(block_time_deadlines_fire_at_their_time_and_not_before),
        TEST(what_came_due_while_the_node_was_down_may_ask_for_work),
        TEST(deadlines_fire_in_order_of_due_time_then_of_setting),
        TEST(an_outage_never_eats_a_window_on_chain_time),
        TEST(advancing_time_fires_before_the_answer_and_counts_on_both_clocks),
        cmocka_unit_test(time_is_not_advanced_outside_of_dev),
        cmocka_unit_test(block_times_follow_their_rules),
        cmocka_unit_test(a_block_hash_covers_every_field),
        TEST(an_effect_is_retried_until_it_succeeds_and_its_result_comes_back),
        TEST(an_effect_that_never_succeeds_fails_after_its_attempts),
        TEST(the_same_key_is_the_same_effect),
        TEST(an_effect_cut_off_by_a_stop_is_resumed_by_the_next_start),
        TEST(an_effect_that_takes_the_node_down_ends_after_its_attempts),
        TEST(effects_that_wait_keep_nobody_else_from_running),
        TEST(a_party_gets_its_share_of_the_places_and_leaves_one_for_everybody),
        TEST(the_party_with_the_fewest_is_next),
        TEST(effects_that_wait_are_resumed_by_the_next_start),
        TEST(an_effect_that_does_not_run_yet_is_taken_back),
        cmocka_unit_test(backoff_doubles_up_to_its_limit),
        TEST(sql_reads_and_does_nothing_else),
        TEST(sql_names_its_columns_and_says_when_it_cut),
        TEST(a_statement_that_never_ends_is_ended),
        TEST(replay_of_a_history_gives_the_same_blocks_and_rows),
        cmocka_unit_test(replay_finds_what_was_changed_behind_its_back),
        TEST(a_flood_of_large_events_is_cut_into_batches),
        TEST(a_list_of_blocks_read_one_by_one_comes_to_its_end),
        cmocka_unit_test(edit_distance_counts_letters),
        TEST(checks_run_beside_the_executor_and_again_in_replay),
        TEST(reactions_follow_what_asked_for_them_and_nothing_refused),
        TEST(sweeps_run_at_the_start_when_due_and_when_they_said),
        TEST(every_declared_method_can_be_explained),
        TEST(the_same_history_gives_the_same_block_hash_in_every_build),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL) == 0 ? 0 : 1;
}
