/* The reply parser by itself, and the framing of objects in a stream. */
#include "transport_support.h"

#include "base/json.h"
#include "network/transport/endpoint.h"
#include "network/transport/json_frame.h"
#include "network/transport/rpc_reply.h"

static enum status parse(const char *text, struct rpc_reply *reply)
{
    struct error error = { 0 };
    enum status status = rpc_reply_parse(text, strlen(text), (struct rpc_id){ .number = 7 }, reply, &error);
    assert_true(status == OK || (status == ERROR_NETWORK_PROTOCOL && error.message[0] != '\0'));
    return status;
}

static void both_dialects_are_read(void **state)
{
    (void)state;
    static const struct { const char *text; int refused; int code; } right[] = {
        { "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}", 0, 0 },
        { "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[1]}", 0, 0 },
        { "{\"result\":1,\"error\":null,\"id\":7}\n", 0, 0 },
        { "{\"result\":null,\"error\":null,\"id\":7}", 0, 0 },
        { "{\"result\":null,\"error\":{\"code\":-8,\"message\":\"x\"},\"id\":7}", 1, -8 },
        { "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":3,\"message\":null,\"data\":\"0x\"},\"id\":7}", 1, 3 },
        { "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700},\"id\":null}", 1, -32700 },
        { "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700}}", 1, -32700 },
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct rpc_reply reply;
        assert_int_equal(parse(right[i].text, &reply), OK);
        assert_int_equal(reply.refused, right[i].refused);
        assert_int_equal(reply.refused ? reply.refusal.code : 0, right[i].code);
        assert_int_equal(reply.result == NULL, reply.refused);
        rpc_reply_close(&reply);
    }
}

static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "null", "7", "[]", "{}", "{\"id\":7}", "[{\"id\":7,\"result\":1}]",
        "{\"id\":8,\"result\":1}", "{\"id\":\"7\",\"result\":1}", "{\"id\":7.0,\"result\":1}",
        "{\"id\":null,\"result\":1}", "{\"result\":1}", "{\"id\":-7,\"result\":1}",
            "{\"id\":[7],\"result\":1}",
        "{\"id\":8,\"error\":{\"code\":1}}", "{\"id\":7,\"error\":null}", "{\"id\":7,\"error\":\"no\"}",
        "{\"id\":7,\"error\":{}}", "{\"id\":7,\"error\":{\"code\":\"1\"}}",
            "{\"id\":7,\"error\":{\"code\":1.5}}",
        "{\"id\":7,\"error\":{\"code\":1,\"message\":[]}}", "{\"id\":7,\"error\":[1]}",
            "{\"id\":7,\"error\":false}",
        "{\"id\":7,\"result\":1,\"error\":{\"code\":1}}", "{\"id\":7,\"result\":1,\"result\":1}",
        "{\"id\":7,\"id\":7,\"result\":1}", "{\"jsonrpc\":\"3.0\",\"id\":7,\"result\":1}",
        "{\"jsonrpc\":2,\"id\":7,\"result\":1}", "{\"id\":7,\"result\":1}{}", "{\"id\":7,\"result\":1",
        "{\"id\":7,\"result\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
        "{\"id\":7,\"result\":123456789012345678901234567890}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rpc_reply reply;
        assert_int_equal(parse(wrong[i], &reply), ERROR_NETWORK_PROTOCOL);
    }
}

static void a_text_id_must_be_the_very_text(void **state)
{
    (void)state;
    const struct rpc_id id = { .number = 7, .text = "layerd:x#7" };
    const char *right = "{\"id\":\"layerd:x#7\",\"result\":1}", *number = "{\"id\":7,\"result\":1}";
    struct rpc_reply reply;
    assert_int_equal(rpc_reply_parse(right, strlen(right), id, &reply, NULL), OK);
    rpc_reply_close(&reply);
    assert_int_equal(rpc_reply_parse(number, strlen(number), id, &reply, NULL), ERROR_NETWORK_PROTOCOL);
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[4096];
    int size = snprintf(text, sizeof text, "{\"id\":7,\"error\":{\"code\":1,\"message\":\"a");
    for (int i = 0; i < 600; i++)
        size += snprintf(text + size, sizeof text - (size_t)size, "\xe2\x82\xac");
    (void)snprintf(text + size, sizeof text - (size_t)size, "\"}}");
    struct rpc_reply reply;
    assert_int_equal(parse(text, &reply), OK);
    assert_int_equal(strlen(reply.refusal.message), 1 + 170 * 3);
    rpc_reply_close(&reply);
}

/* Many small values take far more memory than their bytes. */
static void json_of_too_many_values_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    static const char *const pieces[] = { "[],", "1,", "{},", "\"\",", "\"\\\"\",", "[[]],", "null," };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t size = strlen(pieces[i]), count = ENDPOINT_JSON_VALUES_MOST + 1;
        char *text = malloc(size * count + 3), *at = text;
        assert_non_null(text);
        *at++ = '[';
        for (size_t k = 0; k < count; k++, at += size)
            memcpy(at, pieces[i], size);
        memcpy(at - 1, "]", 2);
        json_t *value = NULL;
        assert_int_equal(json_parse_bounded(text, strlen(text), ENDPOINT_JSON_VALUES_MOST, &value, NULL),
                         ERROR_LIMIT);
        assert_null(value);
        free(text);
    }
}

static void a_long_text_counts_as_one_value(void **state)
{
    (void)state;
    size_t size = 3 * ENDPOINT_JSON_VALUES_MOST;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, ',', size);
    memcpy(text, "[\"\\\"", 4);
    memcpy(text + size - 2, "\"]", 3);
    json_t *value = NULL;
    assert_int_equal(json_parse_bounded(text, size, ENDPOINT_JSON_VALUES_MOST, &value, NULL), OK);
    assert_int_equal(json_array_size(value), 1);
    json_decref(value);
    free(text);
}

/* Whatever the pieces: the end is where a parser finds it. */
static void an_object_ends_where_it_ends_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = " \n{\"a\":\"}\\\"{\\\\\",\"b\":[{},{\"c\":{}}]}\n\n{\"next\":1}";
    size_t expected = (size_t)(strstr(text, "\n\n{") - text);
    uint64_t random = seed_of("pieces");
    for (int round = 0; round < 2000; round++) {
        struct json_frame frame = { 0 };
        size_t at = 0, used = 0;
        enum json_frame_state ended = FRAME_GOES_ON;
        while (ended == FRAME_GOES_ON) {
            size_t piece = 1 + next_random(&random) % 9;
            if (piece > sizeof text - 1 - at)
                piece = sizeof text - 1 - at;
            assert_true(piece > 0);
            ended = json_frame_feed(&frame, (const uint8_t *)text + at, piece, &used);
            at += ended == FRAME_ENDS ? used : piece;
        }
        assert_int_equal(ended, FRAME_ENDS);
        assert_int_equal(at, expected);
    }
    static const char *const wrong[] = { "x", "[", "\"", "}", " 1" };
    for (size_t i = 0; i < 5; i++) {
        struct json_frame frame = { 0 };
        size_t used;
        assert_int_equal(json_frame_feed(&frame, (const uint8_t *)wrong[i], strlen(wrong[i]), &used),
                         FRAME_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_dialects_are_read),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(a_text_id_must_be_the_very_text),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(json_of_too_many_values_is_refused_before_it_is_parsed),
        cmocka_unit_test(a_long_text_counts_as_one_value),
        cmocka_unit_test(an_object_ends_where_it_ends_in_any_pieces),
    };
    return cmocka_run_group_tests_name("network rpc reply", tests, NULL, NULL);
}
