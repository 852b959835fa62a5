/* layerd.sock with a real kernel behind it: order, batches, limits, and what stays until the end. */
#include "api_house.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define ASK "{'jsonrpc':'2.0','id':%d,'method':'node.info'}"
#define PATIENCE_US (60 * MICROSECONDS_PER_SECOND)

static void both_sockets_are_for_owner_and_group(void **state)
{
    (void)state;
    struct house house;
    mode_t before = umask(0);
    house_open(&house, NULL);
    umask(before);
    static const char *const names[] = { "layerd.sock", "events.sock" };
    for (size_t i = 0; i < 2; i++) {
        struct stat found;
        char *AUTO_FREE path = text_format("%s/%s", house.directory, names[i]);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0660);
    }
    house_close(&house);
}

static void a_socket_left_behind_is_replaced_and_one_in_use_is_not(void **state)
{
    (void)state;
    struct house house;
    house_open(&house, NULL);
    const struct api_options options = {
        .base = house.base, .directory = house.directory, .connections_max = 1, .connections_per_uid = 1,
    };
    struct api *second = api_new(&options);
    struct error error;
    assert_int_equal(api_listen(second, house.kernel, &error), ERROR_DATABASE_IN_USE);
    api_pause(second);
    api_finish(second);
    api_free(second);
    struct client client;
    client_open(&client, &house, "layerd.sock"); /* the first still answers */
    client_ask(&client, "{'jsonrpc':'2.0','id':1,'method':'node.info'}");
    json_t *reply = client_value(&client);
    assert_int_equal(integer_at(reply, "id"), 1);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

static void pipelined_requests_are_all_answered(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static bool seen[COUNT];
    memset(seen, 0, sizeof seen);
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "layerd.sock");
    for (int i = 0; i < COUNT; i++) {
        char *AUTO_FREE text = text_format(ASK, i);
        client_ask(&client, text);
    }
    shutdown(client.descriptor, SHUT_WR); /* half closed: the answers still come */
    for (int i = 0; i < COUNT; i++) {
        json_t *reply = client_value(&client);
        assert_false(seen[integer_at(reply, "id")]);
        seen[integer_at(reply, "id")] = true;
        json_decref(reply);
    }
    assert_null(client_line(&client));
    client_close(&client);
    house_close(&house);
}

static void a_batch_answers_in_its_own_order_without_notifications(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "layerd.sock");
    client_ask(
        &client,
        "[{'jsonrpc':'2.0','id':3,'method':'node.info'},{'jsonrpc':'2.0','method':'node.info'},1,"
        "{'jsonrpc':'2.0','id':'x','method':'no.such'},{'jsonrpc':'2.0','id':1,'method':'node.info'}]");
    json_t *reply = client_value(&client);
    assert_int_equal(json_array_size(reply), 4);
    assert_int_equal(integer_at(json_array_get(reply, 0), "id"), 3);
    assert_int_equal(integer_at(json_array_get(reply, 1), "error.code"), ERROR_INVALID_REQUEST);
    assert_int_equal(integer_at(json_array_get(reply, 2), "error.code"), ERROR_METHOD_NOT_FOUND);
    assert_int_equal(integer_at(json_array_get(reply, 3), "id"), 1);
    json_decref(reply);
    client_ask(&client, "[{'jsonrpc':'2.0','method':'node.info'}]");
    client_ask(&client, "[]");
    reply = client_value(&client); /* nothing for the notification */
    assert_int_equal(integer_at(reply, "error.code"), ERROR_INVALID_REQUEST);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

static void a_batch_too_large_is_refused_as_a_whole(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    struct buffer CLEANUP(buffer_close) text = { 0 };
    house_open(&house, NULL);
    client_open(&client, &house, "layerd.sock");
    for (int i = 0; i <= 1024; i++)
        buffer_append_text(&text, i == 0 ? "[1" : ",1");
    buffer_append_text(&text, "]\n");
    client_send(&client, buffer_text(&text));
    json_t *reply = client_value(&client);
    assert_int_equal(integer_at(reply, "error.code"), ERROR_LIMIT);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

static void a_held_reply_comes_when_all_is_done(void **state)
{
    (void)state;
    struct house house;
    struct client client, other;
    house_open(&house, &(struct house_options){ .hold_method = "rpc.discover" });
    client_open(&client, &house, "layerd.sock");
    client_open(&other, &house, "layerd.sock");
    client_ask(&client, "{'jsonrpc':'2.0','id':1,'method':'rpc.discover'}");
    client_ask(&client, "{'jsonrpc':'2.0','id':2,'method':'rpc.discover','params':{'surprising':1}}");
    json_t *reply = client_value(&client); /* a refusal is not held */
    assert_int_equal(integer_at(reply, "id"), 2);
    json_decref(reply);
    client_ask(
        &other,
        "[{'jsonrpc':'2.0','id':1,'method':'rpc.discover'},{'jsonrpc':'2.0','id':2,'method':'help'}]");
    client_ask(&other, "{'jsonrpc':'2.0','id':3,'method':'rpc.discover','params':{'surprising':1}}");
    reply = client_value(&other); /* so the node has begun what came before it */
    assert_int_equal(integer_at(reply, "id"), 3);
    json_decref(reply);
    assert_true(client_is_silent(&client, 50));
    assert_true(client_is_silent(&other, 0));
    house_stop(&house);
    reply = client_value(&client);
    assert_int_equal(integer_at(reply, "id"), 1);
    assert_non_null(json_object_get(reply, "result"));
    json_decref(reply);
    reply = client_value(&other);
    assert_int_equal(json_array_size(reply), 2);
    json_decref(reply);
    assert_null(client_line(&client));
    client_close(&client);
    client_close(&other);
    house_close(&house);
}

static void connections_over_the_limit_are_told_why(void **state)
{
    (void)state;
    struct house house;
    struct client clients[3];
    house_open(&house, &(struct house_options){ .connections_per_uid = 2 });
    for (size_t i = 0; i < 3; i++)
        client_open(&clients[i], &house, "layerd.sock");
    json_t *reply = client_value(&clients[2]);
    assert_int_equal(integer_at(reply, "error.code"), ERROR_TOO_MANY);
    json_decref(reply);
    assert_null(client_line(&clients[2]));
    client_close(&clients[0]);
    struct api_counters counters;
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    do {
        api_counters(house.api, &counters);
        assert_true(clock_monotonic_us() < end);
    } while (counters.connections > 1);
    assert_int_equal(counters.refused_connections, 1);
    client_close(&clients[2]);
    client_open(&clients[2], &house, "layerd.sock"); /* there is room again */
    client_ask(&clients[2], "{'jsonrpc':'2.0','id':5,'method':'node.info'}");
    reply = client_value(&clients[2]);
    assert_int_equal(integer_at(reply, "id"), 5);
    json_decref(reply);
    client_close(&clients[1]);
    client_close(&clients[2]);
    house_close(&house);
}

static void a_line_that_does_not_end_in_time_closes_the_connection(void **state)
{
    (void)state;
    struct house house;
    struct client slow, idle;
    house_open(&house, &(struct house_options){ .line_timeout_us = 200000 });
    client_open(&slow, &house, "layerd.sock");
    client_open(&idle, &house, "layerd.sock");
    for (int i = 0; i < 40; i++) { /* a byte now and then does not help */
        client_send(&slow, "{");
        usleep(10000);
    }
    json_t *told = client_value(&slow);
    assert_int_equal(integer_at(told, "error.code"), ERROR_TIMEOUT);
    json_decref(told);
    assert_null(client_line(&slow));
    client_ask(&idle, "{'jsonrpc':'2.0','id':5,'method':'node.info'}");
    json_t *reply = client_value(&idle);
    assert_int_equal(integer_at(reply, "id"), 5);
    json_decref(reply);
    client_close(&slow);
    client_close(&idle);
    house_close(&house);
}

static void a_line_too_long_is_told_and_closes_the_connection(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    client_open(&client, &house, "layerd.sock");
    char *AUTO_FREE text = memory_new((2 << 20) + 1);
    memset(text, 'x', 2 << 20);
    client_send(&client, text);
    json_t *reply = client_value(&client);
    assert_int_equal(integer_at(reply, "error.code"), ERROR_LIMIT);
    json_decref(reply);
    assert_null(client_line(&client));
    client_close(&client);
    house_close(&house);
}

static void clients_that_go_away_in_the_middle_harm_nobody(void **state)
{
    (void)state;
    struct house house;
    struct client client;
    house_open(&house, NULL);
    for (int round = 0; round < 100; round++) {
        client_open(&client, &house, round % 2 == 0 ? "layerd.sock" : "events.sock");
        for (int i = 0; i < 20; i++)
            client_ask(&client,
                       round % 2 == 0
                           ? "{'jsonrpc':'2.0','id':1,'method':'node.info'}"
                           : "{'jsonrpc':'2.0','id':1,'method':'events.get','params':{'limit':3}}");
        client_close(&client);
    }
    client_open(&client, &house, "layerd.sock");
    client_ask(&client, "{'jsonrpc':'2.0','id':5,'method':'node.info'}");
    json_t *reply = client_value(&client);
    assert_int_equal(integer_at(reply, "id"), 5);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

/* Its requests are not carried out before it reads, and count against nobody's share. */
static void a_client_that_reads_nothing_keeps_nobody_waiting(void **state)
{
    (void)state;
    enum { COUNT = 2000, CALLS_MAX = 200 };
    struct house house;
    struct client deaf, other;
    house_open(&house, &(struct house_options){ .calls_max = CALLS_MAX });
    client_open(&deaf, &house, "layerd.sock");
    client_open(&other, &house, "layerd.sock");
    struct buffer CLEANUP(buffer_close) text = { 0 };
    for (int i = 0; i < COUNT; i++)
        buffer_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"rpc.discover\"}\n", i);
    size_t sent = 0;
    for (int tries = 0; tries < 50; tries++) {
        ssize_t now = send(deaf.descriptor, text.data + sent, text.size - sent, MSG_DONTWAIT);
        sent += now > 0 ? (size_t)now : 0;
        usleep(2000);
    }
    for (int i = 0; i < 1000; i++) {
        char *AUTO_FREE ask = text_format(ASK, i);
        client_ask(&other, ask);
        json_t *reply = client_value(&other);
        assert_int_equal(integer_at(reply, "id"), i);
        json_decref(reply);
    }
    size_t whole = 0;
    for (size_t i = 0; i < sent; i++)
        whole += text.data[i] == '\n';
    assert_true(whole > CALLS_MAX / 2);
    for (size_t i = 0; i < whole;
         i++) { /* once it reads, it gets all its answers, in order: they are queries */
        json_t *reply = client_value(&deaf);
        assert_int_equal(integer_at(reply, "id"), i);
        json_decref(reply);
    }
    client_close(&deaf);
    client_close(&other);
    house_close(&house);
}

/* Sends as much as the node takes, whole lines; how many. */
static size_t send_unread(struct client *client, const char *line, size_t count)
{
    struct buffer CLEANUP(buffer_close) text = { 0 };
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&text, line);
    ssize_t sent = send(client->descriptor, text.data, text.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? 0 : (size_t)sent / strlen(line);
}

/* Deaf clients of the same user: the budget is theirs for two seconds, then they are closed one by one. */
static void a_flood_of_clients_that_read_nothing_ends(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    struct house house;
    struct client deaf[COUNT], other;
    /* What their sockets do not take of the replies, a part of one each, has to be more than a user's
     * share: about a half of one on average, for the small ones before move that part. */
    house_open(&house, &(struct house_options){ .unsent_bytes_max = 256 << 10 });
    for (size_t i = 0; i < COUNT; i++) {
        client_open(&deaf[i], &house, "layerd.sock");
        send_unread(&deaf[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"node.info\"}\n", i);
        send_unread(&deaf[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n", 1000);
    }
    client_open(&other, &house, "layerd.sock");
    struct api_counters counters = { .connections = COUNT + 1 };
    int64_t end = clock_monotonic_us() + 30 * MICROSECONDS_PER_SECOND;
    for (int i = 0; counters.connections == COUNT + 1 && clock_monotonic_us() < end; i++) {
        char *AUTO_FREE ask = text_format(ASK, i);
        client_ask(&other, ask);
        json_t *reply = client_value(&other); /* whoever reads is answered all the while */
        assert_int_equal(integer_at(reply, "id"), i);
        json_decref(reply);
        api_counters(house.api, &counters);
        usleep(1000);
    }
    assert_true(counters.connections < COUNT + 1); /* some are closed, not the one that reads */
    for (size_t i = 0; i < COUNT; i++)
        client_close(&deaf[i]);
    client_close(&other);
    house_close(&house);
}

/* What it sent is no burden when it is gone; what was begun is answered to nobody. */
static void requests_behind_unread_answers_go_with_their_client(void **state)
{
    (void)state;
    struct house house;
    struct client deaf;
    struct api_counters parked, later;
    house_open(&house, NULL);
    client_open(&deaf, &house, "layerd.sock");
    size_t sent = send_unread(&deaf, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n", 1000);
    assert_true(sent > 100);
    uint64_t before;
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    api_counters(house.api, &parked);
    do { /* until nothing more is begun for a while */
        before = parked.requests;
        usleep(700000);
        api_counters(house.api, &parked);
        assert_true(clock_monotonic_us() < end);
    } while (parked.requests != before || before == 0);
    assert_true(parked.requests < sent);
    client_close(&deaf);
    end = clock_monotonic_us() + PATIENCE_US;
    do {
        api_counters(house.api, &later);
        assert_true(clock_monotonic_us() < end);
    } while (later.connections > 0);
    usleep(100000);
    api_counters(house.api, &later);
    assert_int_equal(later.requests, parked.requests);
    house_close(&house);
}

static void a_batch_is_answered_up_to_a_size(void **state)
{
    (void)state;
    enum { COUNT = 1024 };
    struct house house;
    struct client client;
    struct buffer CLEANUP(buffer_close) text = { 0 };
    house_open(&house, NULL);
    client_open(&client, &house, "layerd.sock");
    for (int i = 0; i < COUNT; i++)
        buffer_append_format(&text, "%c{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"rpc.discover\"}",
                             i == 0 ? '[' : ',', i);
    buffer_append_text(&text, "]\n");
    client_send(&client, buffer_text(&text));
    const char *line = client_line(&client);
    assert_non_null(line);
    assert_true(strlen(line) < (6 << 20));
    json_t *reply = NULL;
    struct error error;
    assert_int_equal(json_parse(line, strlen(line), &reply, &error), OK);
    assert_int_equal(json_array_size(reply), COUNT);
    assert_non_null(json_object_get(json_array_get(reply, 0), "result"));
    assert_int_equal(integer_at(json_array_get(reply, COUNT - 1), "error.code"), ERROR_LIMIT);
    json_decref(reply);
    client_close(&client);
    house_close(&house);
}

static void a_stop_finds_parked_requests_too(void **state)
{
    (void)state;
    struct house house;
    struct client deaf;
    house_open(&house, NULL);
    client_open(&deaf, &house, "layerd.sock");
    struct buffer CLEANUP(buffer_close) text = { 0 };
    for (int i = 0; i < 2000; i++)
        buffer_append_text(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n");
    client_send(&deaf, buffer_text(&text));
    usleep(100000);
    house_stop(&house);
    client_close(&deaf);
    house_close(&house);
}

int rpc_socket_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sockets_are_for_owner_and_group),
        cmocka_unit_test(a_socket_left_behind_is_replaced_and_one_in_use_is_not),
        cmocka_unit_test(pipelined_requests_are_all_answered),
        cmocka_unit_test(a_batch_answers_in_its_own_order_without_notifications),
        cmocka_unit_test(a_batch_too_large_is_refused_as_a_whole),
        cmocka_unit_test(a_held_reply_comes_when_all_is_done),
        cmocka_unit_test(connections_over_the_limit_are_told_why),
        cmocka_unit_test(a_line_that_does_not_end_in_time_closes_the_connection),
        cmocka_unit_test(a_line_too_long_is_told_and_closes_the_connection),
        cmocka_unit_test(clients_that_go_away_in_the_middle_harm_nobody),
        cmocka_unit_test(a_client_that_reads_nothing_keeps_nobody_waiting),
        cmocka_unit_test(a_flood_of_clients_that_read_nothing_ends),
        cmocka_unit_test(requests_behind_unread_answers_go_with_their_client),
        cmocka_unit_test(a_batch_is_answered_up_to_a_size),
        cmocka_unit_test(a_stop_finds_parked_requests_too),
    };
    return cmocka_run_group_tests_name("layerd.sock", tests, NULL, NULL);
}
