/* Links and operations on outside networks, with a fake one: what is asked, what comes of it, how it ends
 * when the server, the operator or the node does not let it go on. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "network/names.h"
#include "sanitized.h"

#define MILLISECONDS(n) ((n) * 1000)
#define LONG_US MILLISECONDS(60000) /* nobody waits so long for an answer */
#define MANY 100
#define LINKS 5 /* that share them: one alone does not get all places */

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

/* --- links -------------------------------------------------------------------------------------- */
static void a_link_is_made_only_when_its_options_and_credentials_are_good(void **state)
{
    struct fixture *f = *state;

    ask_refused(f, ERROR_NETWORK_LINK_EXISTS, "network.initialize",
                "{'link':'main','network':'fake','options':{'account':'me'}}");
    ask_refused(f, ERROR_NETWORK_NOT_SUPPORTED, "network.initialize", "{'link':'x','network':'arch'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.initialize", "{'link':'x','network':'fake'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.initialize",
                "{'link':'x','network':'fake','options':{'account':'me','colour':'red'}}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.initialize",
                "{'link':'a/b','network':'fake','options':{'account':'me'}}");
    ask_refused(f, ERROR_NETWORK_CREDENTIALS, "network.initialize",
                "{'link':'x','network':'fake','options':{'account':'me','bad':true}}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.initialize",
                "{'link':'x','network':'bare','options':{'account':'me'}}");
    ask_refused(f, ERROR_KEY_NOT_FOUND, "network.initialize",
                "{'link':'x','network':'fake','key':'alice','options':{'account':'me'}}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.initialize",
                "{'link':'x','network':'fake','poll':'1ms','options':{'account':'me'}}");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link"), 1);
    assert_int_equal(fake->connects, 1); /* none of it called anybody */
}

static void a_link_with_a_key_keeps_its_public_half(void **state)
{
    struct fixture *f = *state;
    struct public_key expected;
    char hex[67], *stored;

    fixture_keep_keys(f, "alice");
    assert_true(secret_key_public(fixture_key(f, "alice")->secret, &expected));
    hex_text(hex, expected.bytes, sizeof(expected.bytes));
    keystore_lock(f->keystore);
    ask_refused(f, ERROR_KEYSTORE_LOCKED, "network.initialize",
                "{'link':'keyed','network':'fake','key':'alice','options':{'account':'me'}}");
    assert_int_equal(keystore_unlock(f->keystore, "the tests' own", NULL), OK);
    json_decref(fixture_call(f, "network.initialize",
                             fixture_json("{'link':'keyed','network':'fake','key':'alice',"
                                                                   "'options':{'account':'me'}}")).result);
    stored = fixture_sql_text(f, "SELECT lower(hex(public_key)) FROM network_link WHERE name = 'keyed'");
    assert_string_equal(stored, hex);
    free(stored);
}

static void a_key_signs_for_one_link_of_a_network(void **state)
{
    struct fixture *f = *state;

    fixture_keep_keys(f, "alice");
    json_decref(fixture_call(f, "network.initialize",
                             fixture_json("{'link':'first','network':'fake','key':'alice',"
                                          "'options':{'account':'me'}}")).result);
    ask_refused(f, ERROR_NETWORK_LINK_EXISTS, "network.initialize",
                "{'link':'second','network':'fake','key':'alice','options':{'account':'me'}}");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE name = 'second'"), 0);
    json_decref(fixture_call(f, "network.initialize",
                             fixture_json("{'link':'elsewhere','network':'bare','key':'alice',"
                                          "'options':{'account':'me'}}")).result);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE name = 'elsewhere'"), 1);
    json_decref(fixture_call(f, "network.remove", fixture_json("{'link':'first'}")).result);
    json_decref(fixture_call(f, "network.initialize",
                             fixture_json("{'link':'second','network':'fake','key':'alice',"
                                          "'options':{'account':'me'}}")).result);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE name = 'second'"), 1);
}

static void a_removed_link_is_gone_and_its_name_free(void **state)
{
    struct fixture *f = *state;
    struct reply reply;

    ask(f, "network.get_state", "{'link':'main'}");
    reply = fixture_call(f, "network.remove", fixture_json("{'link':'main'}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    ask_refused(f, ERROR_NETWORK_LINK_NOT_FOUND, "network.get_state", "{'link':'main'}");
    ask_refused(f, ERROR_NETWORK_LINK_NOT_FOUND, "network.remove", "{'link':'main'}");
    scene_link(f, "main", "{'account':'another'}");
    assert_int_equal(events(f, "removed"), 1);
    /* nor is a provider's key kept that its options may have held */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE instr(options, 'me')"), 0);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE instr(options, 'another')"), 1);
}

static void a_link_whose_credentials_became_bad_is_listed_so_and_stops_nobody(void **state)
{
    struct fixture *f = *state;
    json_t *list;

    fixture_tamper(f, "UPDATE network_link SET options = '{\"account\":\"nobody\"}'");
    list = fixture_query(f, "network.list", "{}");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(list, "items"), 0),
                                                          "client_error")),
                        "the fake's credentials are none");
    json_decref(list);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'lost'", 1);
}

/* --- operations --------------------------------------------------------------------------------- */
static void every_operation_has_its_result_on_record(void **state)
{
    static const struct { const char *method, *params, *member; } each[] = {
        { "connect", "{'link':'main'}", "chain" },
        { "health_check", "{'link':'main'}", "synced" },
        { "get_state", "{'link':'main'}", "balance" },
        { "sync_state", "{'link':'main'}", "more" },
        { "validate_state", "{'link':'main','claim':{'type':'x'}}", "verdict" },
        { "check_transaction_status", "{'link':'main','transaction':'00'}", "state" },
        { "get_transaction_history", "{'link':'main'}", "items" },
        { "estimate_fees", "{'link':'main','kind':'transfer','to':'you','amount':'1'}", "total" },
        { "submit_transaction", "{'link':'main','raw':'00ff'}", "transaction" },
        { "issue_asset", "{'link':'main','symbol':'GOLD','amount':'1000'}", "asset" },
        { "transfer_asset", "{'link':'main','to':'you','amount':'1'}", "sequence" },
        { "verify_proof", "{'link':'main','proof':{'type':'x'}}", "anchor" },
        { "generate_proof", "{'link':'main','claim':{'type':'x'}}", "proof" },
        { "request_payment", "{'link':'main','amount':'9'}", "invoice" },
        { "disconnect", "{'link':'main'}", NULL },
    };
    struct fixture *f = *state;

    assert_int_equal(sizeof(each) / sizeof(each[0]), NETWORK_OPERATIONS);
    for (size_t i = 0; i < NETWORK_OPERATIONS; i++) {
        char *method AUTO_FREE = text_format("network.%s", each[i].method);
        struct operation o = ask(f, method, "%s", each[i].params);
        json_t *shown, *result;

        await_operation(f, &o, "done");
        shown = operation_of(f, &o);
        result = json_object_get(shown, "result");
        assert_string_equal(json_string_value(json_object_get(shown, "kind")), each[i].method);
        if (each[i].member != NULL)
            assert_non_null(json_object_get(result, each[i].member));
        json_decref(shown);
    }
    assert_int_equal(events(f, "operation_ended"), 1 + NETWORK_OPERATIONS);
    assert_int_equal(fake->disconnects, 1);
}

static void what_a_network_cannot_do_is_refused_at_once_by_name(void **state)
{
    struct fixture *f = *state;
    struct reply reply;
    json_t *capabilities;

    fixture_keep_keys(f, "alice");
    reply = fixture_call(f, "network.initialize",
                         fixture_json("{'link':'bare','network':'bare','key':'alice',"
                                                               "'options':{'account':'me'}}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    reply = fixture_call(f, "network.transfer_asset", fixture_json("{'link':'bare','to':'x','amount':'1'}"));
    assert_int_equal(reply.status, ERROR_NETWORK_NOT_SUPPORTED);
    assert_non_null(strstr(reply.error.message, "bare cannot transfer_asset"));
    reply_close(&reply);
    ask_refused(f, ERROR_NETWORK_NOT_SUPPORTED, "network.get_state", "{'link':'bare'}");
    ask_refused(f, ERROR_NETWORK_NOT_SUPPORTED, "network.verify_proof", "{'link':'bare','proof':{}}");
    reply = fixture_call(f, "network.request_payment", fixture_json("{'link':'bare','amount':'1'}"));
    assert_int_equal(reply.status, ERROR_NETWORK_NOT_SUPPORTED);
    assert_non_null(strstr(reply.error.message, "bare cannot request_payment: nobody is paid there"));
    reply_close(&reply);
    capabilities = fixture_query(f, "network.capabilities", "{'link':'bare'}");
    for (size_t i = 0; i < NETWORK_OPERATIONS; i++) {
        const json_t *one = json_array_get(json_object_get(capabilities, "operations"), i);

        assert_int_equal(json_is_true(json_object_get(one, "supported")),
                         i == NETWORK_CONNECT || i == NETWORK_DISCONNECT);
    }
    json_decref(capabilities);
}

static void what_a_link_alone_cannot_do_fails_with_the_reason(void **state)
{
    struct fixture *f = *state;
    struct operation o;
    json_t *shown;

    scene_link(f, "other", "{'account':'proofless'}");
    o = ask(f, "network.generate_proof", "{'link':'other','claim':{}}");
    await_operation(f, &o, "failed");
    shown = operation_of(f, &o);
    assert_string_equal(json_string_value(json_object_get(shown, "error")),
                        "fake cannot generate_proof: this account makes no proofs");
    assert_string_equal(json_string_value(json_object_get(shown, "error_name")), "network_not_supported");
    json_decref(shown);
}

static void a_link_at_rest_is_not_used(void **state)
{
    struct fixture *f = *state;

    ask(f, "network.disconnect", "{'link':'main'}");
    ask_refused(f, ERROR_NETWORK_NOT_CONNECTED, "network.get_state", "{'link':'main'}");
    ask_refused(f, ERROR_NETWORK_NOT_CONNECTED, "network.transfer_asset",
                "{'link':'main','to':'x','amount':'1'}");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM effect WHERE kind = 'network.health'"), 0);
    assert_int_equal(events(f, "disconnected"), 1);
}

static void operations_are_the_operators_alone(void **state)
{
    struct fixture *f = *state;
    struct reply reply = fixture_call_public(f, "network.get_state", fixture_json("{'link':'main'}"));

    assert_int_equal(reply.status, ERROR_DENIED);
    reply_close(&reply);
}

static void a_request_key_stands_for_one_operation(void **state)
{
    struct fixture *f = *state;
    struct operation first = transfer(f, "main", "order-1"), again = transfer(f, "main", "order-1");

    assert_string_equal(first.id, again.id);
    ask_refused(f, ERROR_NETWORK_REQUEST_DIFFERS, "network.transfer_asset",
                "{'link':'main','to':'you','amount':'6','request':'order-1'}");
    ask_refused(f, ERROR_NETWORK_REQUEST_DIFFERS, "network.get_state", "{'link':'main','request':'order-1'}");
    await_operation(f, &first, "done");
    again = transfer(f, "main", "order-1");
    assert_string_equal(first.id, again.id);
    assert_int_equal(fake->sends, 1);
}

/* --- many at once ------------------------------------------------------------------------------- */
static void ask_for_many_states(struct fixture *f)
{
    for (int i = 0; i < MANY; i++)
        ask(f, "network.get_state", "{'link':'many%d','timeout':'5m'}", i % LINKS);
}

static void make_links_for_many(struct fixture *f)
{
    char name[16];

    for (int i = 0; i < LINKS; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        scene_link(f, name, "{'account':'me'}");
    }
}

static void a_hundred_that_wait_take_the_time_of_one(void **state)
{
    struct fixture *f = *state;

    make_links_for_many(f);
    fake->holds_reads = true;
    ask_for_many_states(f);
    fake_await(&fake->held, MANY); /* each of them waits for its answer, and for none of the others' */
    fake->holds_reads = false;
    await(f, "SELECT count(*) FROM network_operation WHERE state = 'done' AND operation = 'get_state'", MANY);
    assert_int_equal(fake->reads, MANY);
}

static void a_stop_while_a_hundred_wait_is_quick_and_they_go_on_afterwards(void **state)
{
    struct fixture *f = *state;
    int64_t begun_us;
    unsigned reads;

    make_links_for_many(f);
    fake->latency_us = LONG_US;
    ask_for_many_states(f);
    fake_await(&fake->running, MANY);
    begun_us = clock_monotonic_us();
    fake->latency_us = 0;
    reads = fake->reads;
    fixture_reopen(f);
    assert_true(clock_monotonic_us() - begun_us < LONG_US / 4);
    assert_int_equal(fake->cancelled, MANY); /* none was waited for */
    await(f, "SELECT count(*) FROM network_operation WHERE state = 'done' AND operation = 'get_state'", MANY);
    assert_int_equal(reads, MANY);
    assert_int_equal(fake->reads, 2 * MANY);
}

static void an_operation_begun_again_after_a_stop_has_the_same_id(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->latency_us = LONG_US;
    o = ask(f, "network.get_state", "{'link':'main','timeout':'5m'}");
    fake_await(&fake->running, 1);
    fake->latency_us = 0;
    fixture_reopen(f);
    await_operation(f, &o, "done");
    assert_int_equal(fake->reads, 2);
    assert_string_equal(fake->operations[0], o.id);
    assert_string_equal(fake->operations[1], o.id);
}

/* --- being paid ----------------------------------------------------------------------------------- */
static void a_request_for_payment_keeps_its_secret_over_a_stop_and_no_longer(void **state)
{
    static const char asked[] = "{'link':'main','amount':'9','memo':'m','expires_s':60,'request':'order-1'}";
    struct fixture *f = *state;
    struct operation first, again;
    char hex[65], *sql;
    json_t *shown, *result;

    fake->latency_us = LONG_US;
    first = ask(f, "network.request_payment", "%s", asked);
    fake_await(&fake->running, 1);
    fake->latency_us = 0;
    fixture_reopen(f);
    await_operation(f, &first, "done");
    again = ask(f, "network.request_payment", "%s", asked);
    assert_string_equal(first.id, again.id);
    assert_int_equal(fake->reads, 2);
    assert_string_equal(fake->operations[0], first.id);
    assert_string_equal(fake->operations[1], first.id);
    shown = operation_of(f, &first);
    result = json_object_get(shown, "result");
    assert_string_equal(json_string_value(json_object_get(result, "invoice")), "9");
    assert_string_equal(json_string_value(json_object_get(result, "label")), "m");
    assert_int_equal(json_integer_value(json_object_get(result, "expires")), 1060);
    json_decref(shown);
    again = ask(f, "network.request_payment", "{'link':'main','amount':'9'}");
    await_operation(f, &again, "done");
    assert_string_not_equal(first.id, again.id);
    assert_int_equal(fake->asked, 3); /* that which was stopped, the same again, another */
    assert_true(hash_equal(&fake->asked_secrets[0], &fake->asked_secrets[1]));
    assert_false(hash_equal(&fake->asked_secrets[0], &fake->asked_secrets[2]));
    hex_text(hex, fake->asked_secrets[0].bytes, sizeof(fake->asked_secrets[0].bytes));
    sql = text_format("SELECT (SELECT count(*) FROM effect WHERE instr(request, '%s')) + (SELECT count(*) "
                      "FROM network_operation WHERE instr(request, '%s') OR "
                      "instr(coalesce(result, ''), '%s'))",
                      hex, hex, hex);
    assert_int_equal(fixture_sql(f, sql), 0);
    free(sql);
}

static void assert_error(struct fixture *f, const struct operation *o, const char *name)
{
    json_t *shown = operation_of(f, o);

    assert_string_equal(json_string_value(json_object_get(shown, "error_name")), name);
    json_decref(shown);
}

static void what_a_request_for_payment_may_ask_for_is_bounded_and_half_an_answer_is_none(void **state)
{
    struct fixture *f = *state;
    struct operation o;
    char *much = memory_new(9000);

    ask_refused(f, ERROR_INVALID_PARAMS, "network.request_payment", "{'link':'main','amount':'0'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.request_payment", "{'link':'main','amount':''}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.request_payment", "{'link':'main','amount':'-1'}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.request_payment",
                "{'link':'main','amount':'1','expires_s':0}");
    ask_refused(f, ERROR_INVALID_PARAMS, "network.request_payment",
                "{'link':'main','amount':'1','expires_s':31536001}");
    memset(much, 'x', 8999);
    fake->payable = much;
    o = ask(f, "network.request_payment", "{'link':'main','amount':'1','expires_s':31536000}");
    await_operation(f, &o, "failed");
    assert_error(f, &o, "network_protocol");
    fake->payable = NULL;
    free(much);
}

/* --- ends --------------------------------------------------------------------------------------- */
static void an_operation_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->latency_us = LONG_US;
    o = ask(f, "network.get_state", "{'link':'main','timeout':'50ms'}");
    await_operation(f, &o, "failed");
    assert_error(f, &o, "network_timeout");
    fake->latency_us = 0;
}

static void a_running_operation_is_cancelled(void **state)
{
    struct fixture *f = *state;
    struct operation o;
    struct reply reply;

    fake->latency_us = LONG_US;
    o = ask(f, "network.get_state", "{'link':'main','timeout':'5m'}");
    fake_await(&fake->running, 1);
    reply = fixture_call(f, "network.cancel", fixture_json("{'operation':'%s'}", o.id));
    assert_int_equal(reply.status, OK);
    assert_true(json_is_false(json_object_get(reply.result, "cancelled")));
    reply_close(&reply);
    await_operation(f, &o, "cancelled");
    assert_int_equal(fake->cancelled, 1);
    ask_refused(f, ERROR_NETWORK_OPERATION_ENDED, "network.cancel", "{'operation':'%s'}", o.id);
    ask_refused(f, ERROR_NETWORK_OPERATION_NOT_FOUND, "network.cancel",
                "{'operation':'00112233445566778899aabbccddeeff'}");
    fake->latency_us = 0;
}

static void a_failure_is_told_with_its_name(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->read_fails = ERROR_NETWORK_REJECTED;
    o = ask(f, "network.get_state", "{'link':'main'}");
    await_operation(f, &o, "failed");
    assert_error(f, &o, "network_rejected");
    /* what the application refuses says nothing about the server */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_link WHERE state = 'connected'"), 1);
}

/* --- health ------------------------------------------------------------------------------------- */
static void a_link_is_degraded_lost_and_connected_again_as_its_server_is(void **state)
{
    struct fixture *f = *state;

    fake->health_fails = ERROR_NETWORK_SERVER;
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'degraded'", 1);
    fake->health_fails = OK;
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", 1);
    assert_int_equal(fake->connects, 1);
    fake->health_fails = ERROR_NETWORK_TRANSPORT;
    fake->connect_fails = ERROR_NETWORK_WRONG_CHAIN; /* another server came up there */
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'lost'", 1);
    await_later(f, "SELECT failures > 2 FROM network_link", 1);
    assert_int_equal(events(f, "lost"), 1);
    fake->connect_fails = OK;
    fake->health_fails = OK;
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", 1);
    assert_int_equal(events(f, "degraded"), 1);
    assert_int_equal(events(f, "connected"), 3);
    assert_true(fake->connects > 2); /* the chain was verified anew */
}

static void a_server_that_fails_again_and_again_counts_as_lost(void **state)
{
    struct fixture *f = *state;

    fake->health_fails = ERROR_NETWORK_TIMEOUT;
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'lost'", 1);
    assert_int_equal(events(f, "degraded"), 1);
    assert_int_equal(events(f, "lost"), 1);
}

static void an_open_breaker_degrades_the_link_at_once(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->read_fails = ERROR_NETWORK_CIRCUIT_OPEN;
    o = ask(f, "network.get_state", "{'link':'main'}");
    await_operation(f, &o, "failed");
    assert_int_equal(events(f, "degraded"), 1);
    fake->read_fails = OK;
    await_later(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", 1);
}

static void nothing_is_asked_of_a_server_on_the_wrong_chain(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    fake->connect_fails = ERROR_NETWORK_WRONG_CHAIN;
    fixture_reopen(f); /* a new life verifies anew */
    o = ask(f, "network.get_state", "{'link':'main'}");
    await_operation(f, &o, "failed");
    assert_error(f, &o, "network_wrong_chain");
    assert_int_equal(fake->reads, 0);
}

static void links_are_connected_anew_when_the_node_starts(void **state)
{
    struct fixture *f = *state;

    fixture_reopen(f);
    await(f, "SELECT count(*) FROM event WHERE type = 'network.connected'", 2);
    await(f, "SELECT count(*) FROM network_link WHERE state = 'connected'", 1);
    assert_int_equal(fake->connects, 2);
}

/* --- blocks and proofs -------------------------------------------------------------------------- */
static void lay_block(size_t index, uint64_t height, const char *hash, const char *parent)
{
    snprintf(fake->hashes[index], sizeof(fake->hashes[0]), "%s", hash);
    fake->blocks[index] = (struct network_block){ .height = height, .hash = fake->hashes[index],
                                                  .parent = parent,
                                                  .time_s = 1000 + height };
    fake->block_count = index + 1;
}

static void sync_once(struct fixture *f, const char *state)
{
    struct operation o = ask(f, "network.sync_state", "{'link':'main'}");

    await_operation(f, &o, state);
}

static void blocks_are_stored_as_a_chain_and_rewound(void **state)
{
    struct fixture *f = *state;

    lay_block(0, 10, "a0", "99");
    lay_block(1, 11, "a1", "a0");
    lay_block(2, 12, "a2", "a1");
    sync_once(f, "done");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block"), 3);
    sync_once(f, "done");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block"), 3);
    fake->rewind = true;
    fake->rewind_to = 10;
    lay_block(1, 11, "b1", "a0");
    lay_block(2, 12, "b2", "b1");
    lay_block(3, 13, "b3", "b2");
    sync_once(f, "done");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block"), 4);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block WHERE hash LIKE 'b%'"), 3);
    assert_int_equal(fixture_sql(f, "SELECT body ->> '$.rewound_to' FROM event WHERE type = "
                                    "'network.state_synced'"
                                    " ORDER BY seq DESC LIMIT 1"), 10);
}

static void blocks_that_are_no_chain_are_not_stored(void **state)
{
    struct fixture *f = *state;

    lay_block(0, 10, "a0", "99");
    lay_block(1, 11, "a1", "ff");
    sync_once(f, "failed");
    lay_block(1, 12, "a1", "a0");
    sync_once(f, "failed");
    lay_block(1, 11, "not a hash", "a0");
    sync_once(f, "failed");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block"), 0);
}

static void a_rewind_that_does_not_go_far_enough_stores_nothing_wrong(void **state)
{
    struct fixture *f = *state;

    lay_block(0, 10, "a0", "99");
    lay_block(1, 11, "a1", "a0");
    sync_once(f, "done");
    fake->rewind = true;
    fake->rewind_to = 10;
    lay_block(0, 10, "c0", "99");
    lay_block(1, 11, "c1", "c0"); /* does not follow our block 10 */
    sync_once(f, "done");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_block"), 0);
}

static void verdicts_are_on_record_with_what_they_rest_on(void **state)
{
    struct fixture *f = *state;
    struct operation o;

    for (enum proof_verdict v = PROOF_VALID; v <= PROOF_UNVERIFIABLE; v++) {
        char *sql AUTO_FREE = text_format("SELECT count(*) FROM network_verdict WHERE verdict = '%s' AND "
                                          "kind = 'proof'"
                                          " AND anchor = 'checkpoint' AND length(hash) = 32",
                                              proof_verdict_name(v));

        fake->verdict = v;
        o = ask(f, "network.verify_proof", "{'link':'main','proof':{'type':'x'}}");
        await_operation(f, &o, "done");
        assert_int_equal(fixture_sql(f, sql), 1);
    }
    assert_int_equal(events(f, "proof_checked"), 3);
}

/* The link's next call has to ask the server which chain it is on. */
static void bring_doubt(struct fixture *f)
{
    struct operation o;

    fake->read_fails = ERROR_NETWORK_TRANSPORT;
    fake->health_fails = fake->connect_fails = ERROR_NETWORK_TRANSPORT;
    o = ask(f, "network.get_state", "{'link':'main'}");
    await(f, "SELECT count(*) FROM network_link WHERE state = 'lost'", 1);
    await_operation(f, &o, "failed");
}

static void a_dead_server_takes_the_time_of_one_of_those_that_wait_for_it(void **state)
{
    const int64_t latency_us = MILLISECONDS(SANITIZED ? 1500 : 500);
    struct fixture *f = *state;
    int64_t begun_us;
    unsigned connects;

    bring_doubt(f);
    fake->latency_us = latency_us;
    connects = fake->connects;
    fake->holds_connects = true;
    for (int i = 0; i < MANY / 2; i++)
        ask(f, "network.estimate_fees", "{'link':'main','timeout':'5m'}");
    fake_await(&fake->held, 1);
    begun_us = clock_monotonic_us();
    fake->holds_connects = false;
    await(f, "SELECT count(*) FROM network_operation WHERE state = 'failed' AND operation = 'estimate_fees'",
          MANY / 2);
    /* one after the other they would take 50 times as long */
    assert_true(clock_monotonic_us() - begun_us < MANY / 4 * latency_us);
    assert_in_range(fake->connects - connects, 1, 12);
    fake->latency_us = 0;
}

static void a_server_that_is_slow_to_say_its_chain_holds_up_no_query(void **state)
{
    struct fixture *f = *state;

    bring_doubt(f);
    fake->latency_us = LONG_US;
    ask(f, "network.get_state", "{'link':'main','timeout':'5m'}");
    fake_await(&fake->running, 1);
    json_decref(fixture_query(f, "network.list", "{}"));
    json_decref(fixture_query(f, "network.metrics", "{'link':'main'}"));
    json_decref(fixture_query(f, "network.capabilities", "{'link':'main'}"));
    assert_int_equal(fake->running, 1); /* all were answered before the server was */
    fake->latency_us = 0;
}

static void metrics_tell_of_calls_and_connections(void **state)
{
    struct fixture *f = *state;
    struct operation o = ask(f, "network.get_state", "{'link':'main'}");
    json_t *metrics;

    await_operation(f, &o, "done");
    metrics = fixture_query(f, "network.metrics", "{'link':'main'}");
    assert_int_equal(json_integer_value(json_object_get(metrics, "active_connections")), 3);
    assert_true(json_real_value(json_object_get(metrics, "pool_utilization")) == 0.375);
    assert_true(json_integer_value(json_object_get(metrics, "calls")) >= 2);
    json_decref(metrics);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_is_made_only_when_its_options_and_credentials_are_good),
        TEST(a_link_with_a_key_keeps_its_public_half),
        TEST(a_key_signs_for_one_link_of_a_network),
        TEST(a_removed_link_is_gone_and_its_name_free),
        TEST(a_link_whose_credentials_became_bad_is_listed_so_and_stops_nobody),
        TEST(every_operation_has_its_result_on_record),
        TEST(what_a_network_cannot_do_is_refused_at_once_by_name),
        TEST(what_a_link_alone_cannot_do_fails_with_the_reason),
        TEST(a_link_at_rest_is_not_used),
        TEST(operations_are_the_operators_alone),
        TEST(a_request_key_stands_for_one_operation),
        TEST(a_hundred_that_wait_take_the_time_of_one),
        TEST(a_stop_while_a_hundred_wait_is_quick_and_they_go_on_afterwards),
        TEST(an_operation_begun_again_after_a_stop_has_the_same_id),
        TEST(a_request_for_payment_keeps_its_secret_over_a_stop_and_no_longer),
        TEST(what_a_request_for_payment_may_ask_for_is_bounded_and_half_an_answer_is_none),
        TEST(an_operation_ends_at_its_deadline),
        TEST(a_running_operation_is_cancelled),
        TEST(a_failure_is_told_with_its_name),
        TEST(a_link_is_degraded_lost_and_connected_again_as_its_server_is),
        TEST(a_server_that_fails_again_and_again_counts_as_lost),
        TEST(an_open_breaker_degrades_the_link_at_once),
        TEST(nothing_is_asked_of_a_server_on_the_wrong_chain),
        TEST(links_are_connected_anew_when_the_node_starts),
        TEST(blocks_are_stored_as_a_chain_and_rewound),
        TEST(blocks_that_are_no_chain_are_not_stored),
        TEST(a_rewind_that_does_not_go_far_enough_stores_nothing_wrong),
        TEST(verdicts_are_on_record_with_what_they_rest_on),
        TEST(a_dead_server_takes_the_time_of_one_of_those_that_wait_for_it),
        TEST(a_server_that_is_slow_to_say_its_chain_holds_up_no_query),
        TEST(metrics_tell_of_calls_and_connections),
    };

    fake_open();
    return cmocka_run_group_tests_name("links and operations", tests, NULL, NULL) == 0 ? 0 : 1;
}
