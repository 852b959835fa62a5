/* Calls over a real socket to a scripted peer: replies in any order, in pieces, late, wrong, or never. */
#include "test_client.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "peer.h"

#define TIMEOUT_MS 60000

static struct layerd_client *connect_to(const struct peer *peer)
{
    struct layerd_client *client;
    assert_int_equal(layerd_connect(peer_directory(peer), LAYERD_SOCKET_CALLS, TIMEOUT_MS, &client, NULL),
                     LAYERD_OK);
    return client;
}

/* One test with one script: starts the peer, connects. */
#define WITH_PEER(script)                                                                                    \
    peer_script *const scripts[] = { script };                                                               \
    struct peer *peer = peer_start("layerd.sock", scripts, 1, NULL);                                         \
    struct layerd_client *client = connect_to(peer);                                                         \
    struct layerd_failure failure
#define END_PEER                                                                                             \
    layerd_close(client);                                                                                    \
    peer_stop(peer)

static char line[PEER_LINE_MAX]; /* the peer's: one script runs at a time */

static void echo_script(int descriptor, void *context)
{
    (void)context;
    while (peer_read(descriptor, line)) {
        const char *params = strstr(line, "\"params\":");
        char *copy = text_copy(params + 9);
        copy[strlen(copy) - 1] = '\0';
        peer_reply(descriptor, line, copy);
        free(copy);
    }
}

static void a_call_gives_the_result_as_it_was_sent(void **state)
{
    WITH_PEER(echo_script);
    char *result;
    (void)state;
    assert_int_equal(
        layerd_call(client, "a.b", "{ \"x\" : [1, 2],\n \"y\":\"\\u00e9\" }", TIMEOUT_MS, &result, &failure),
        LAYERD_OK);
    assert_string_equal(result, "{ \"x\" : [1, 2],  \"y\":\"\\u00e9\" }");
    layerd_free(result);
    assert_int_equal(layerd_call(client, "a.b", NULL, TIMEOUT_MS, NULL, NULL), LAYERD_OK);
    assert_int_equal(layerd_call(client, "a.b", "nonsense", TIMEOUT_MS, NULL, &failure), LAYERD_ERROR_PARSE);
    assert_int_equal(layerd_call(client, "a.b", "7", TIMEOUT_MS, NULL, &failure),
                     LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_pending(client), 0);
    END_PEER;
}

static void refuse_script(int descriptor, void *context)
{
    (void)context;
    peer_read(descriptor, line);
    peer_say(descriptor, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3001,\"message\":\"holds 5, not "
                         "7\",\"data\":{\"name\":"
                         "\"insufficient_balance\",\"meaning\":\"Too little.\"}}}\n");
    peer_read(descriptor, line);
    peer_say(descriptor, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":9999,\"message\":\"new\\u001b["
                         "31m kind\",\"data\":{\"name\":"
                         "\"brand_new\",\"meaning\":\"Newer.\"}}}\n");
    peer_read(descriptor, line);
    peer_say(descriptor, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":2001,\"message\":\"m\"}}\n");
    peer_read(descriptor, line);
}

static void a_refusal_comes_with_its_name_and_meaning_also_of_unknown_codes(void **state)
{
    WITH_PEER(refuse_script);
    char *result = NULL;
    (void)state;
    assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, &result, &failure),
                     LAYERD_ERROR_INSUFFICIENT_BALANCE);
    assert_string_equal(failure.name, "insufficient_balance");
    assert_string_equal(failure.message, "holds 5, not 7");
    assert_string_equal(failure.meaning, "Too little.");
    assert_int_equal((int)layerd_call(client, "a", NULL, TIMEOUT_MS, &result, &failure), 9999);
    assert_string_equal(failure.name, "brand_new");
    assert_null(strchr(failure.message, 0x1b));
    assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, &result, &failure), LAYERD_ERROR_BUSY);
    assert_string_equal(failure.name, "busy");
    assert_null(result);
    END_PEER;
}

#define MANY 3000

/* Reads all, then answers the last first. */
static void backwards_script(int descriptor, void *context)
{
    static char results[MANY][32];
    (void)context;
    for (int i = 0; i < MANY; i++) {
        if (!peer_read(descriptor, line))
            return;
        snprintf(results[i], sizeof results[i], "\"id\":%llu", peer_id(line));
    }
    for (int i = MANY - 1; i >= 0; i--) {
        char result[32];
        snprintf(result, sizeof result, "%llu", peer_id(results[i]));
        peer_reply(descriptor, results[i], result);
    }
    peer_read(descriptor, line);
}

static void pipelined_replies_find_their_requests_in_any_order(void **state)
{
    WITH_PEER(backwards_script);
    uint64_t tickets[MANY];
    struct layerd_reply reply;
    (void)state;
    for (int i = 0; i < MANY; i++)
        assert_int_equal(layerd_submit(client, "a", NULL, TIMEOUT_MS, &tickets[i], &failure), LAYERD_OK);
    assert_int_equal(layerd_pending(client), MANY);
    for (int i = 0; i < MANY; i += 3) { /* these by name, the others as they come */
        char expected[32];
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)tickets[i]);
        assert_int_equal(layerd_collect(client, tickets[i], TIMEOUT_MS, &reply, &failure), LAYERD_OK);
        assert_string_equal(reply.result, expected);
        assert_true(reply.ticket == tickets[i] && reply.code == LAYERD_OK);
        layerd_reply_clear(&reply);
    }
    uint64_t before = UINT64_MAX;
    for (size_t left = layerd_pending(client); left > 0; left--) {
        assert_int_equal(layerd_collect(client, 0, TIMEOUT_MS, &reply, &failure), LAYERD_OK);
        assert_true(reply.ticket < before);
        before = reply.ticket;
        layerd_reply_clear(&reply);
    }
    assert_int_equal(layerd_collect(client, 0, 0, &reply, &failure), LAYERD_ERROR_NOT_FOUND);
    assert_int_equal(layerd_collect(client, tickets[5], 0, &reply, &failure), LAYERD_ERROR_NOT_FOUND);
    END_PEER;
}

/* Takes requests of 100 KB and answers each with 100 KB before it reads the next one. */
static void heavy_script(int descriptor, void *context)
{
    char *result = memory_new(100 * 1024 + 3);
    (void)context;
    memset(result, 'x', 100 * 1024);
    result[0] = result[100 * 1024 - 1] = '"';
    while (peer_read(descriptor, line))
        peer_reply(descriptor, line, result);
    free(result);
}

static void full_buffers_on_both_sides_do_not_lock(void **state)
{
    WITH_PEER(heavy_script);
    char *params = memory_new(100 * 1024 + 20);
    struct layerd_reply reply;
    uint64_t ticket;
    (void)state;
    memset(params, 'y', 100 * 1024);
    memcpy(params, "{\"x\":\"", 6);
    memcpy(params + 100 * 1024, "\"}", 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(layerd_submit(client, "a", params, TIMEOUT_MS, &ticket, &failure), LAYERD_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(layerd_collect(client, 0, TIMEOUT_MS, &reply, &failure), LAYERD_OK);
        assert_int_equal(strlen(reply.result), 100 * 1024);
        layerd_reply_clear(&reply);
    }
    free(params);
    END_PEER;
}

static void batch_script(int descriptor, void *context)
{
    (void)context;
    peer_read(descriptor, line);
    if (line[0] != '[' || strstr(line, "\"id\":3") == NULL)
        return;
    peer_say(descriptor, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":2002,\"message\":\"no\"}},{"
                         "\"jsonrpc\":\"2.0\",\"id\":3,"
                         "\"result\":[3]},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"one\":1}}]\n");
    while (peer_read(descriptor, line))
        ;
}

static void a_batch_gives_replies_in_the_order_of_its_requests(void **state)
{
    WITH_PEER(batch_script);
    static const struct layerd_request requests[] = { { "a", "{}" }, { "b", NULL }, { "c", "{\"x\":1}" } };
    static const struct layerd_request bad[] = { { "a", "{}" }, { "b", "{" } };
    struct layerd_reply replies[3] = { { .ticket = 77 } };
    (void)state;
    assert_int_equal(layerd_batch(client, requests, 3, TIMEOUT_MS, replies, &failure), LAYERD_OK);
    assert_string_equal(replies[0].result, "{\"one\":1}");
    assert_int_equal(replies[1].code, LAYERD_ERROR_NOT_FOUND);
    assert_null(replies[1].result);
    assert_string_equal(replies[2].result, "[3]");
    for (int i = 0; i < 3; i++)
        layerd_reply_clear(&replies[i]);
    assert_int_equal(layerd_batch(client, requests, 0, TIMEOUT_MS, replies, &failure), LAYERD_ERROR_LIMIT);
    assert_int_equal(layerd_batch(client, requests, LAYERD_BATCH_MAX + 1, TIMEOUT_MS, replies, &failure),
                     LAYERD_ERROR_LIMIT);
    assert_int_equal(layerd_batch(client, bad, 2, TIMEOUT_MS, replies, &failure), LAYERD_ERROR_PARSE);
    assert_int_equal(layerd_batch(client, requests, 3, 20, replies, &failure), LAYERD_ERROR_TIMEOUT);
    assert_int_equal(layerd_pending(client), 0);
    END_PEER;
}

static void late_script(int descriptor, void *context)
{
    (void)context;
    peer_read(descriptor, line);
    char first[64];
    snprintf(first, sizeof first, "\"id\":%llu", peer_id(line));
    peer_read(descriptor, line); /* the first answer comes with the second request */
    peer_reply(descriptor, first, "\"late\"");
    peer_reply(descriptor, line, "\"second\"");
    peer_read(descriptor, line);
}

static void a_late_reply_is_not_taken_for_the_next_one(void **state)
{
    WITH_PEER(late_script);
    char *result;
    (void)state;
    assert_int_equal(layerd_call(client, "a", NULL, 30, &result, &failure), LAYERD_ERROR_TIMEOUT);
    assert_int_equal(layerd_pending(client), 0);
    assert_int_equal(layerd_call(client, "b", NULL, TIMEOUT_MS, &result, &failure), LAYERD_OK);
    assert_string_equal(result, "\"second\"");
    layerd_free(result);
    END_PEER;
}

static void pieces_script(int descriptor, void *context)
{
    const char *reply = "\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"in pieces\"}\n";
    (void)context;
    peer_read(descriptor, line);
    for (const char *at = reply; *at != '\0'; at++) {
        char one[2] = { *at, '\0' };
        peer_say(descriptor, one);
        usleep(500);
    }
    peer_read(descriptor, line);
}

static void a_reply_may_come_byte_by_byte(void **state)
{
    WITH_PEER(pieces_script);
    char *result;
    (void)state;
    assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, &result, &failure), LAYERD_OK);
    assert_string_equal(result, "\"in pieces\"");
    layerd_free(result);
    END_PEER;
}

/* --- a peer that misbehaves ------------------------------------------------------------------- */

static const char *misbehaviour; /* what the next script says */

static void say_script(int descriptor, void *context)
{
    (void)context;
    peer_read(descriptor, line);
    peer_say(descriptor, misbehaviour);
}

static void nonsense_breaks_the_connection_for_good(void **state)
{
    static const char *const nonsense[] = {
        "hello\n",
        "{}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1}\n",
        "[1]\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":7}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":0,\"message\":\"\"}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}{}\n",
        "{\"id\":\"1\",\"result\":1}\n",
        "\xff\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        misbehaviour = nonsense[i];
        WITH_PEER(say_script);
        if (layerd_call(client, "a", NULL, TIMEOUT_MS, NULL, &failure) != LAYERD_ERROR_PROTOCOL)
            fail_msg("%s gives %s", nonsense[i], failure.name);
        assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, NULL, &failure), LAYERD_ERROR_PROTOCOL);
        END_PEER;
    }
}

static void an_error_without_id_is_told_as_it_is(void **state)
{
    misbehaviour =
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":2010,\"message\":\"line too long\"}}\n";
    WITH_PEER(say_script);
    (void)state;
    assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, NULL, &failure), LAYERD_ERROR_LIMIT);
    assert_string_equal(failure.message, "line too long");
    END_PEER;
}

static void what_came_before_the_end_is_still_collected(void **state)
{
    misbehaviour = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"first\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"res";
    WITH_PEER(say_script);
    struct layerd_reply reply;
    uint64_t first, second;
    (void)state;
    assert_int_equal(layerd_submit(client, "a", NULL, TIMEOUT_MS, &first, &failure), LAYERD_OK);
    assert_int_equal(layerd_submit(client, "b", NULL, TIMEOUT_MS, &second, &failure), LAYERD_OK);
    assert_int_equal(layerd_collect(client, second, TIMEOUT_MS, &reply, &failure), LAYERD_ERROR_DISCONNECTED);
    assert_int_equal(layerd_collect(client, 0, TIMEOUT_MS, &reply, &failure), LAYERD_OK);
    assert_string_equal(reply.result, "\"first\"");
    layerd_reply_clear(&reply);
    assert_int_equal(layerd_call(client, "c", NULL, TIMEOUT_MS, NULL, &failure), LAYERD_ERROR_DISCONNECTED);
    END_PEER;
}

/* --- connecting ------------------------------------------------------------------------------- */

static void connecting_to_nobody_says_so(void **state)
{
    struct layerd_client *client = NULL;
    struct layerd_failure failure;
    char long_path[300];
    (void)state;
    assert_int_equal(layerd_connect("/nonexistent", LAYERD_SOCKET_CALLS, TIMEOUT_MS, &client, &failure),
                     LAYERD_ERROR_CONNECT);
    assert_non_null(strstr(failure.message, "/nonexistent/layerd.sock"));
    assert_string_equal(failure.name, "connect");
    memset(long_path, 'a', sizeof long_path);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(layerd_connect(long_path, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &client, &failure),
                     LAYERD_ERROR_CONNECT);
    assert_null(client);
}

static void a_directory_that_is_no_nodes_is_named(void **state)
{
    char folder[] = "/tmp/layerd-nobody-XXXXXX";
    struct layerd_client *client = NULL;
    struct layerd_failure failure;
    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *missing = text_format("%s/missing", folder);
    AUTO_FREE char *database = text_format("%s/layerd.sqlite3", folder);
    const struct {
        const char *path, *said;
    } cases[] = { { missing, "there is no directory" }, { folder, "no data directory" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            layerd_connect(cases[i].path, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &client, &failure),
            LAYERD_ERROR_CONNECT);
        assert_non_null(strstr(failure.message, cases[i].said));
    }
    FILE *file = fopen(database, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(layerd_connect(folder, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &client, &failure),
                     LAYERD_ERROR_CONNECT);
    assert_null(strstr(failure.message, "directory"));
    assert_non_null(strstr(failure.meaning, "layerd --background"));
    unlink(database);
    rmdir(folder);
}

static void time_script(int descriptor, void *context)
{
    (void)context;
    peer_read(descriptor, line);
    peer_reply(descriptor, line, "{\"chain\":\"dev-0\",\"now_us\":1795228621196373,\"block_time_us\":5}");
    peer_read(descriptor, line);
    peer_reply(descriptor, line, "{\"chain\":\"dev-0\",\"block_time_us\":5}");
}

static void the_nodes_time_is_what_it_tells_and_no_guess(void **state)
{
    WITH_PEER(time_script);
    int64_t now_us = -1;
    (void)state;
    assert_int_equal(layerd_time(client, TIMEOUT_MS, &now_us, &failure), LAYERD_OK);
    assert_int_equal(now_us, 1795228621196373);
    assert_int_equal(layerd_time(client, TIMEOUT_MS, &now_us, &failure), LAYERD_ERROR_PROTOCOL);
    assert_int_equal(now_us, 1795228621196373);
    END_PEER;
}

static void a_sockets_own_path_is_taken_too(void **state)
{
    peer_script *const scripts[] = { echo_script };
    struct peer *peer = peer_start("named-otherwise", scripts, 1, NULL);
    AUTO_FREE char *path = text_format("%s/named-otherwise", peer_directory(peer));
    struct layerd_client *client;
    (void)state;
    assert_int_equal(layerd_connect(path, LAYERD_SOCKET_EVENTS, TIMEOUT_MS, &client, NULL), LAYERD_OK);
    assert_int_equal(layerd_call(client, "a", NULL, TIMEOUT_MS, NULL, NULL), LAYERD_OK);
    assert_true(layerd_descriptor(client) >= 0);
    END_PEER;
}

static void directories_of_networks_are_the_users(void **state)
{
    char *directory = NULL;
    (void)state;
    setenv("HOME", "/home/somebody", 1);
    assert_int_equal(layerd_directory("test", &directory, NULL), LAYERD_OK);
    assert_string_equal(directory, "/home/somebody/.layerd/test");
    layerd_free(directory);
    assert_int_equal(layerd_directory("moon", &directory, NULL), LAYERD_ERROR_INVALID_PARAMS);
}

int call_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_gives_the_result_as_it_was_sent),
        cmocka_unit_test(a_refusal_comes_with_its_name_and_meaning_also_of_unknown_codes),
        cmocka_unit_test(pipelined_replies_find_their_requests_in_any_order),
        cmocka_unit_test(full_buffers_on_both_sides_do_not_lock),
        cmocka_unit_test(a_batch_gives_replies_in_the_order_of_its_requests),
        cmocka_unit_test(a_late_reply_is_not_taken_for_the_next_one),
        cmocka_unit_test(a_reply_may_come_byte_by_byte),
        cmocka_unit_test(nonsense_breaks_the_connection_for_good),
        cmocka_unit_test(an_error_without_id_is_told_as_it_is),
        cmocka_unit_test(what_came_before_the_end_is_still_collected),
        cmocka_unit_test(connecting_to_nobody_says_so),
        cmocka_unit_test(a_directory_that_is_no_nodes_is_named),
        cmocka_unit_test(the_nodes_time_is_what_it_tells_and_no_guess),
        cmocka_unit_test(a_sockets_own_path_is_taken_too),
        cmocka_unit_test(directories_of_networks_are_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
