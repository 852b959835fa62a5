/* events.sock with a real kernel behind it: streams, cursors, slow clients, and the end. */
#include "api_house.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/event_log.h"

#define QUIET ",'heartbeat_ms':86400000" /* where a slow run's heartbeat is one line too many */
#define SUBSCRIBE "{'jsonrpc':'2.0','id':1,'method':'subscribe','params':"

/* A call on a connection without subscriptions. The reply is the caller's. */
static json_t *call(struct client *client, const char *method, const char *params)
{
    char *AUTO_FREE text = text_format("{'jsonrpc':'2.0','id':9,'method':'%s','params':%s}", method, params);
    client_ask(client, text);
    return client_until(client, "id");
}

static void succeed(struct client *client, const char *method, const char *params)
{
    json_t *reply = call(client, method, params);
    if (json_object_get(reply, "result") == NULL)
        give_up("%s: %s", method,
                json_string_value(json_object_get(json_object_get(reply, "error"), "message")));
    json_decref(reply);
}

static void refused(struct client *client, enum status code, const char *method, const char *params)
{
    json_t *reply = call(client, method, params);
    assert_int_equal(integer_at(reply, "error.code"), code);
    json_decref(reply);
}

/* The seq of the next event line. */
static uint64_t next_seq(struct client *client)
{
    json_t *line = client_until(client, "seq");
    uint64_t seq = (uint64_t)integer_at(line, "seq");
    json_decref(line);
    return seq;
}

static void live_lines_are_replayed_lines_byte_for_byte(void **state)
{
    (void)state;
    struct house house;
    struct client live, again;
    struct buffer CLEANUP(buffer_close) lines = { 0 };
    house_open(&house, NULL);
    uint64_t start = house_head(&house);
    client_open(&live, &house, "events.sock");
    succeed(&live, "subscribe", "{'from':'now'}");
    for (int i = 0; i < 10; i++)
        house_commit(&house, 3, "a \"b\\\x01/\xe2\x82\xac");
    for (uint64_t seq = start + 1; seq <= start + 30;) {
        const char *line = client_line(&live);
        if (strncmp(line, "{\"seq\"", 6) != 0)
            continue;
        buffer_append(&lines, line, strlen(line) + 1);
        seq++;
    }
    client_open(&again, &house, "events.sock");
    char *AUTO_FREE from = text_format("{'from':{'after':%" PRIu64 "}" QUIET "}", start);
    succeed(&again, "subscribe", from);
    for (size_t at = 0; at < lines.size; at += strlen((char *)lines.data + at) + 1)
        assert_string_equal(client_line(&again), (char *)lines.data + at);
    client_close(&live);
    client_close(&again);
    house_close(&house);
}

static void a_ring_of_four_events_serves_everybody_from_the_database(void **state)
{
    (void)state;
    enum { CLIENTS = 5, COMMITS = 200, EVENTS = COMMITS * 7 };
    struct house house;
    struct client clients[CLIENTS];
    house_open(&house, &(struct house_options){ .ring_bytes = 1024 });
    uint64_t start = house_head(&house);
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], &house, "events.sock");
        succeed(&clients[i], "subscribe",
                i % 2 == 0 ? "{'from':'now'}" : "{'from':'now','types':['backup.*']}");
    }
    for (int i = 0; i < COMMITS; i++)
        house_commit(&house, 7, "x");
    for (int i = 0; i < CLIENTS; i++) {
        for (uint64_t seq = start + 1; seq <= start + EVENTS; seq++)
            assert_int_equal(next_seq(&clients[i]), seq);
        client_close(&clients[i]);
    }
    house_close(&house);
}

static void who_does_not_read_goes_on_where_it_stopped(void **state)
{
    (void)state;
    enum { COMMITS = 100, EACH = 200, EVENTS = COMMITS * EACH };
    struct house house;
    struct client stalled, live;
    house_open(&house, &(struct house_options){ .ring_bytes = 64 * 1024 });
    uint64_t start = house_head(&house);
    client_open(&stalled, &house, "events.sock");
    client_open(&live, &house, "events.sock");
    client_ask(&stalled, SUBSCRIBE "{'from':'now'}}");
    succeed(&live, "subscribe", "{'from':'now','types':['backup.failed']}");
    json_t *reply = client_until(&stalled, "result");
    assert_int_equal(integer_at(reply, "result.start"), start);
    json_decref(reply);
    for (int i = 0; i < COMMITS; i++) { /* 5 MB: more than the socket and the ring hold */
        house_commit(&house, EACH, "x");
        for (int event = 0; event < EACH; event++)
            next_seq(&live); /* is not held up by the other */
    }
    for (uint64_t seq = start + 1; seq <= start + EVENTS; seq++)
        assert_int_equal(next_seq(&stalled), seq);
    json_t *caught_up = client_until(&stalled, "caught_up");
    assert_int_equal(integer_at(caught_up, "caught_up"), start + EVENTS);
    json_decref(caught_up);
    client_close(&stalled);
    client_close(&live);
    house_close(&house);
}

/* The next event line is the same to both, byte for byte. */
static void same_line(struct client *one, struct client *other)
{
    const char *line;
    do {
        line = client_line(one);
        assert_non_null(line);
    } while (strstr(line, "\"seq\":") == NULL);
    char *AUTO_FREE kept = text_copy(line);
    do {
        line = client_line(other);
        assert_non_null(line);
    } while (strstr(line, "\"seq\":") == NULL);
    assert_string_equal(line, kept);
}

static void pages_read_ahead_are_what_everybody_reads_for_himself(void **state)
{
    (void)state;
    enum { COMMITS = 60, EACH = 200, EVENTS = COMMITS * EACH, CLIENTS = 4, LATER = 5000 };
    struct house house;
    struct client first, again[CLIENTS], filtered, bounded, gone;
    char *AUTO_FREE until = NULL, *AUTO_FREE from = NULL;
    house_open(&house, &(struct house_options){ .ring_bytes = 64 * 1024 });
    uint64_t start = house_head(&house);
    for (int i = 0; i < COMMITS; i++)
        house_commit(&house, EACH, "x");

    from = text_format("{'from':{'after':%" PRIu64 "}}", start);
    client_open(&first, &house, "events.sock");
    client_open(&filtered, &house, "events.sock");
    client_open(&gone, &house, "events.sock");
    succeed(&first, "subscribe", from);
    succeed(&gone, "subscribe", from);
    char *AUTO_FREE types = text_format("{'from':{'after':%" PRIu64 "},'types':['backup.*']}", start);
    succeed(&filtered, "subscribe", types);
    for (int i = 0; i < LATER; i++)
        same_line(&first, &filtered);
    client_close(&gone); /* in the middle, with what was read ahead for it */
    for (int i = 0; i < CLIENTS; i++) { /* at other positions, while the first goes on */
        client_open(&again[i], &house, "events.sock");
        succeed(&again[i], "subscribe", from);
    }
    client_open(&bounded, &house, "events.sock");
    until = text_format("{'from':{'after':%" PRIu64 "},'until':%" PRIu64 ",'window':4000" QUIET "}", start,
                        start + LATER);
    succeed(&bounded, "subscribe", until);
    for (int i = LATER; i < EVENTS; i++)
        same_line(&first, &filtered);
    for (uint64_t seq = start + 1; seq <= start + EVENTS; seq++)
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(next_seq(&again[i]), seq);
    for (uint64_t seq = start + 1; seq <= start + 4000; seq++)
        assert_int_equal(next_seq(&bounded), seq);
    assert_true(client_is_silent(&bounded, 50));
    client_ask(&bounded, "{'jsonrpc':'2.0','id':2,'method':'credit','params':{'sub':1,'n':4000}}");
    for (uint64_t seq = start + 4001; seq <= start + LATER; seq++)
        assert_int_equal(next_seq(&bounded), seq);
    json_t *end = client_until(&bounded, "end");
    assert_string_equal(json_string_value(json_object_get(json_object_get(end, "end"), "why")), "until");
    json_decref(end);
    json_t *caught_up = client_until(&first, "caught_up");
    assert_int_equal(integer_at(caught_up, "caught_up"), start + EVENTS);
    json_decref(caught_up);

    succeed(&filtered, "unsubscribe", "{'sub':1}");
    client_close(&first);
    client_close(&filtered);
    client_close(&bounded);
    client_open(&first, &house, "events.sock");
    succeed(&first, "subscribe", "{'from':'first'}"); /* and the node stops meanwhile */
    house_stop(&house);
    for (uint64_t seq = 1; seq <= 1000; seq++)
        assert_int_equal(next_seq(&first), seq);
    client_close(&first);
    for (int i = 0; i < CLIENTS; i++)
        client_close(&again[i]);
    house_close(&house);
}

static void a_slow_client_is_told_what_it_lost_or_that_it_is_over(void **state)
{
    (void)state;
    enum { COMMITS = 3, EACH = 4000 }; /* each more than a socket takes: where it is full, it is far behind */
    struct house house;
    struct client skip, close;
    house_open(&house, NULL);
    uint64_t start = house_head(&house);
    client_open(&skip, &house, "events.sock");
    client_open(&close, &house, "events.sock");
    client_ask(&skip, SUBSCRIBE "{'from':'now','on_slow':'skip','max_lag':100" QUIET "}}");
    client_ask(&close, SUBSCRIBE "{'from':'now','on_slow':'close','max_lag':100" QUIET "}}");
    json_decref(client_until(&skip, "caught_up"));
    json_decref(client_until(&close, "caught_up"));
    for (int i = 0; i < COMMITS; i++)
        house_commit(&house, EACH, "x");

    uint64_t expected = start + 1;
    bool lost = false;
    while (!lost || expected <= start + COMMITS * EACH) {
        json_t *line = client_value(&skip);
        if (json_object_get(line, "lost") != NULL) {
            lost = true;
            assert_int_equal(integer_at(line, "lost.from"), expected);
            expected = (uint64_t)integer_at(line, "lost.to") + 1;
        } else if (json_object_get(line, "seq") != NULL) {
            assert_int_equal(integer_at(line, "seq"), expected);
            expected++;
        }
        json_decref(line);
    }
    for (expected = start + 1;; expected++) {
        json_t *line = client_value(&close);
        bool end = json_object_get(line, "end") != NULL;
        assert_int_equal(integer_at(line, end ? "end.next" : "seq"), expected);
        json_decref(line);
        if (end)
            break;
    }
    client_close(&skip);
    client_close(&close);
    house_close(&house);
}

static void credit_opens_the_window(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    house_commit(&house, 20, "x");
    client_open(&client, &house, "events.sock");
    succeed(&client, "subscribe", "{'from':'first','window':3" QUIET "}");
    for (uint64_t seq = 1; seq <= 3; seq++)
        assert_int_equal(next_seq(&client), seq);
    assert_true(client_is_silent(&client, 50));
    client_ask(&client, "{'jsonrpc':'2.0','method':'credit','params':{'sub':1,'n':2}}");
    assert_int_equal(next_seq(&client), 4);
    assert_int_equal(next_seq(&client), 5);
    assert_true(client_is_silent(&client, 50));
    client_close(&client);
    client_open(&client, &house, "events.sock");
    succeed(&client, "subscribe", "{'from':'now'}");
    refused(&client, ERROR_INVALID_PARAMS, "credit", "{'sub':1,'n':2}");
    refused(&client, ERROR_SUBSCRIPTION_NOT_FOUND, "credit", "{'sub':2,'n':2}");
    client_close(&client);
    house_close(&house);
}

static void two_subscriptions_are_told_apart(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "events.sock");
    succeed(&client, "subscribe", "{'from':'now','types':['backup.*']}");
    succeed(&client, "subscribe", "{'from':'now','format':'cloudevents'}");
    house_commit(&house, 1, "x");
    unsigned seen = 0;
    while (seen != 3) {
        json_t *line = client_until(&client, "sub");
        int64_t number = integer_at(line, "sub");
        if (json_object_get(line, "seq") != NULL || json_object_get(line, "specversion") != NULL) {
            assert_int_equal(json_object_get(line, "seq") != NULL, number == 1);
            seen |= 1u << (number - 1);
        }
        json_decref(line);
    }
    succeed(&client, "unsubscribe", "{'sub':2}");
    house_commit(&house, 1, "x");
    json_t *line = client_until(&client, "seq");
    assert_null(json_object_get(line, "sub"));
    json_decref(line);
    for (int i = 0; i < 7; i++)
        succeed(&client, "subscribe", "{'from':'now'}");
    refused(&client, ERROR_TOO_MANY, "subscribe", "{'from':'now'}");
    client_close(&client);
    house_close(&house);
}

static int64_t acknowledged(struct client *client)
{
    json_t *reply = call(client, "cursor.list", "{}");
    const json_t *items = json_object_get(json_object_get(reply, "result"), "items");
    int64_t seq = integer_at(json_array_get(items, 0), "acknowledged");
    json_decref(reply);
    return seq;
}

static void a_flood_of_acknowledgements_ends_at_the_newest(void **state)
{
    (void)state;
    enum { EVENTS = 2000 };
    struct house house;
    struct client client, other;
    house_open(&house, NULL);
    house_commit(&house, EVENTS, "x");
    client_open(&client, &house, "events.sock");
    client_open(&other, &house, "events.sock");
    succeed(&client, "cursor.create", "{'name':'mine','from':'first','filter':{'types':['backup.failed']}}");
    refused(&client, ERROR_CURSOR_EXISTS, "cursor.create", "{'name':'mine','from':'first'}");
    json_t *reply = call(&client, "subscribe", "{'from':{'cursor':'mine'}}");
    assert_int_equal(integer_at(reply, "result.start"), 0);
    json_decref(reply);
    refused(&other, ERROR_CURSOR_BUSY, "subscribe", "{'from':{'cursor':'mine'}}");
    refused(&other, ERROR_CURSOR_BUSY, "cursor.set", "{'name':'mine','seq':1}");
    refused(&other, ERROR_CURSOR_BUSY, "cursor.delete", "{'name':'mine'}");
    uint64_t commits = 0, seq = 0;
    struct kernel_counters before, after;
    kernel_counters(house.kernel, &before);
    for (int i = 0; i < EVENTS; i++) {
        seq = next_seq(&client);
        char *AUTO_FREE ack =
            text_format("{'jsonrpc':'2.0','method':'ack','params':{'sub':1,'seq':%" PRIu64 "}}", seq);
        client_ask(&client, ack);
    }
    char *AUTO_FREE last = text_format("{'sub':1,'seq':%" PRIu64 "}", seq);
    succeed(&client, "ack", last);
    kernel_counters(house.kernel, &after);
    commits = after.commits - before.commits;
    assert_true(commits >= 1 && commits < EVENTS);
    assert_int_equal(acknowledged(&other), seq);
    char *AUTO_FREE ahead = text_format("{'sub':1,'seq':%" PRIu64 "}", house_head(&house) + 1);
    refused(&client, ERROR_FUTURE, "ack", ahead);
    succeed(&client, "ack", "{'sub':1,'seq':1}"); /* older: ignored */
    assert_int_equal(acknowledged(&other), seq);
    client_close(&client);
    client_close(&other);
    house_close(&house);
}

static void a_replaced_log_is_found_by_the_hash(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    house_commit(&house, 5, "x");
    client_open(&client, &house, "events.sock");
    json_t *page = call(&client, "events.get", "{'after':2,'limit':1}");
    const json_t *event = json_array_get(json_object_get(json_object_get(page, "result"), "events"), 0);
    char *AUTO_FREE right = text_format("{'from':{'after':3},'expect_hash':'%s'}",
                                        json_string_value(json_object_get(event, "hash")));
    char *AUTO_FREE wrong = text_format("{'from':{'after':4},'expect_hash':'%s'}",
                                        json_string_value(json_object_get(event, "hash")));
    json_decref(page);
    refused(&client, ERROR_FORK, "subscribe", wrong);
    succeed(&client, "subscribe", right);
    assert_int_equal(next_seq(&client), 4);
    client_close(&client);
    house_close(&house);
}

static void proofs_and_verification_come_from_workers(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    house_commit(&house, 600, "x");
    client_open(&client, &house, "events.sock");
    json_t *reply = call(&client, "proof.inclusion", "{'seq':300,'size':555}");
    struct merkle_proof proof = { 0 };
    struct hash leaf, root;
    const json_t *result = json_object_get(reply, "result"), *steps = json_object_get(result, "proof");
    assert_true(hex_decode(leaf.bytes, 32, json_string_value(json_object_get(result, "leaf")), 64));
    assert_true(hex_decode(root.bytes, 32, json_string_value(json_object_get(result, "root")), 64));
    proof.count = json_array_size(steps);
    for (size_t i = 0; i < proof.count; i++)
        assert_true(hex_decode(proof.hashes[i].bytes, 32, json_string_value(json_array_get(steps, i)), 64));
    assert_true(merkle_verify_inclusion(299, 555, &leaf, &proof, &root));
    assert_false(merkle_verify_inclusion(298, 555, &leaf, &proof, &root));
    json_decref(reply);
    succeed(&client, "proof.consistency", "{'first':100,'second':555}");
    refused(&client, ERROR_PROOF_RANGE, "proof.inclusion", "{'seq':0,'size':555}");
    reply = call(&client, "verify", "{}");
    assert_int_equal(integer_at(reply, "result.last"), house_head(&house));
    json_decref(reply);
    refused(&client, ERROR_METHOD_NOT_FOUND, "no.such", "{}");
    refused(&client, ERROR_INVALID_PARAMS, "head", "{'surprising':1}");
    client_close(&client);
    house_close(&house);
}

static void wait_answers_with_the_next_event_or_the_time(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "events.sock");
    uint64_t head = house_head(&house);
    char *AUTO_FREE wait =
        text_format("{'jsonrpc':'2.0','id':1,'method':'wait','params':{'after':%" PRIu64 "}}", head);
    client_ask(&client, wait);
    assert_true(client_is_silent(&client, 30));
    house_commit(&house, 1, "x");
    json_t *reply = client_value(&client);
    assert_int_equal(integer_at(reply, "result.head"), head + 1);
    json_decref(reply);
    reply = call(&client, "wait", "{'timeout_ms':20}");
    assert_int_equal(integer_at(reply, "result.head"), head + 1);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

static void heartbeats_come_while_nothing_happens(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "events.sock");
    succeed(&client, "subscribe", "{'from':'now','heartbeat_ms':100,'types':['node.*']}");
    for (int i = 0; i < 3; i++) {
        json_t *beat = client_until(&client, "heartbeat");
        assert_int_equal(integer_at(beat, "heartbeat"), house_head(&house));
        json_decref(beat);
    }
    house_commit(&house, 5, "x");
    json_t *progress = client_until(&client, "progress");
    assert_int_equal(integer_at(progress, "progress"), house_head(&house));
    json_decref(progress);
    client_close(&client);
    house_close(&house);
}

static void everybody_hears_of_the_shutdown_after_the_last_event(void **state)
{
    (void)state;
    struct house house;
    struct client all, waiting;
    house_open(&house, NULL);
    house_commit(&house, 100, "x");
    client_open(&all, &house, "events.sock");
    client_open(&waiting, &house, "events.sock");
    succeed(&all, "subscribe", "{'from':'first'}");
    client_ask(&waiting, "{'jsonrpc':'2.0','id':1,'method':'wait','params':{'timeout_ms':600000}}");
    succeed(&waiting, "ping", "{}");
    uint64_t last = house_head(&house) + 1; /* node.stopped */
    house_stop(&house);
    for (uint64_t seq = 1; seq <= last; seq++)
        assert_int_equal(next_seq(&all), seq);
    json_t *end = client_until(&all, "end");
    assert_int_equal(integer_at(end, "end.next"), last + 1);
    json_decref(end);
    assert_null(client_line(&all));
    json_t *reply = client_value(&waiting);
    assert_int_equal(integer_at(reply, "id"), 1);
    json_decref(reply);
    client_close(&all);
    client_close(&waiting);
    house_close(&house);
}

/* Its answers are kept until the last is there, and are all that the user's share holds. */
static void a_batch_larger_than_the_budget_does_not_wait_for_itself(void **state)
{
    (void)state;
    enum { COUNT = 8, EVENTS = 1000 };
    struct house house;
    struct client client;
    struct buffer CLEANUP(buffer_close) text = { 0 };
    house_open(&house, &(struct house_options){ .unsent_bytes_max = 4 << 20 });
    house_commit(&house, EVENTS, "a place with a name that is so long that a page of them takes its room");
    client_open(&client, &house, "events.sock");
    for (int i = 0; i < COUNT; i++)
        buffer_append_format(&text, "%c{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"events.get\","
                             "\"params\":{\"after\":0,\"limit\":%d}}", i == 0 ? '[' : ',', i, EVENTS);
    buffer_append_text(&text, "]\n");
    for (int round = 0; round < 2; round++) { /* there is as much room afterwards */
        client_send(&client, buffer_text(&text));
        json_t *reply = client_value(&client);
        assert_int_equal(json_array_size(reply), COUNT);
        assert_non_null(json_object_get(json_array_get(reply, 0), "result"));
        assert_non_null(json_object_get(json_array_get(reply, 1), "result"));
        assert_int_equal(integer_at(json_array_get(reply, COUNT - 1), "error.code"), ERROR_BUSY);
        json_decref(reply);
    }
    client_close(&client);
    house_close(&house);
}

int event_socket_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_lines_are_replayed_lines_byte_for_byte),
        cmocka_unit_test(a_ring_of_four_events_serves_everybody_from_the_database),
        cmocka_unit_test(who_does_not_read_goes_on_where_it_stopped),
        cmocka_unit_test(pages_read_ahead_are_what_everybody_reads_for_himself),
        cmocka_unit_test(a_slow_client_is_told_what_it_lost_or_that_it_is_over),
        cmocka_unit_test(credit_opens_the_window),
        cmocka_unit_test(two_subscriptions_are_told_apart),
        cmocka_unit_test(a_flood_of_acknowledgements_ends_at_the_newest),
        cmocka_unit_test(a_replaced_log_is_found_by_the_hash),
        cmocka_unit_test(proofs_and_verification_come_from_workers),
        cmocka_unit_test(wait_answers_with_the_next_event_or_the_time),
        cmocka_unit_test(heartbeats_come_while_nothing_happens),
        cmocka_unit_test(everybody_hears_of_the_shutdown_after_the_last_event),
        cmocka_unit_test(a_batch_larger_than_the_budget_does_not_wait_for_itself),
    };
    return cmocka_run_group_tests_name("events.sock", tests, NULL, NULL);
}
