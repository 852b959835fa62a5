/* Walking JSON without a tree: it takes exactly what RFC 8259 allows, gives pieces as they stand, and agrees
 * with jansson. */
#include "test_client.h"

#include <jansson.h>
#include <time.h>

#include "base/memory.h"
#include "client/request.h"
#include "client/scan.h"

static bool is_json(const char *text)
{
    struct slice value;
    return scan_value(text, strlen(text), &value);
}

static void valid_values_are_taken_and_trimmed(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "0.25",
        "1E3",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\\u00e9\\n\\\\\"",
        "{\"a\":[1,{\"b\":null},[]],\"c\":\"d\"}",
        "[[[]],[{}]]",
        "\"\xc3\xa9\"",
        "[1 , 2\t,\n3 ]",
        "{ \"a\" : { } }",
    };
    struct slice value;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!is_json(good[i]))
            fail_msg("%s is refused", good[i]);
    assert_true(scan_value(" \n {\"a\": 1}\t ", 13, &value));
    assert_true(slice_is(value, "{\"a\": 1}"));
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "tru",
        "True",
        "nul",
        "nullx",
        "\"",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "1 2",
        "{} {}",
        "[1}",
        "{\"a\":1]",
        "[1 2]",
        "'a'",
        "NaN",
        "[}",
        "{]",
        ",",
        ":",
        "{\"a\":1 \"b\":2}",
        "{,}",
        "[\"\\",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (is_json(bad[i]))
            fail_msg("%s is taken", bad[i]);
}

static void nesting_is_bounded(void **state)
{
    char text[2 * SCAN_DEPTH_MAX + 8];
    (void)state;
    for (int depth = SCAN_DEPTH_MAX; depth <= SCAN_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        assert_int_equal(is_json(text), depth == SCAN_DEPTH_MAX);
    }
}

static void members_and_elements_come_in_order(void **state)
{
    struct slice object, key, value;
    struct scan scan;
    const char *text = "{\"seq\":7,\"data\":{\"x\":[1,2]},\"s\":\"a\\u00e9\\ud83d\\ude00\"}";
    struct buffer out CLEANUP(buffer_close) = { 0 };
    (void)state;

    buffer_init(&out);
    assert_true(scan_value(text, strlen(text), &object));
    assert_true(scan_object(&scan, object));
    assert_int_equal(scan_member(&scan, &key, &value), SCAN_ITEM);
    assert_true(key_is(key, "seq") && slice_is(value, "7") && !key_is(key, "se") && !key_is(key, "seqs"));
    assert_int_equal(scan_member(&scan, &key, &value), SCAN_ITEM);
    assert_true(slice_is(value, "{\"x\":[1,2]}"));
    assert_int_equal(scan_member(&scan, &key, &value), SCAN_ITEM);
    assert_true(slice_string(value, &out));
    assert_string_equal((char *)out.data, "a\xc3\xa9\xf0\x9f\x98\x80");
    assert_int_equal(scan_member(&scan, &key, &value), SCAN_END);
    assert_false(scan_array(&scan, object));
    assert_true(slice_member(object, "absent").text == NULL);
    assert_true(scan_array(&scan, slice_member(slice_member(object, "data"), "x")));
    assert_int_equal(scan_element(&scan, &value), SCAN_ITEM);
    assert_true(slice_is(value, "1"));
}

static void strings_that_c_cannot_hold_are_refused(void **state)
{
    static const char *const bad[] = { "\"\\u0000\"",  "\"\\ud800\"",        "\"\\udc00\"",
                                       "\"\\ud800x\"", "\"\\ud800\\u0041\"", "7" };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    (void)state;
    buffer_init(&out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(slice_string((struct slice){ bad[i], strlen(bad[i]) }, &out));
    assert_int_equal(out.size, 0);
}

static void numbers_keep_their_bounds(void **state)
{
    uint64_t number = 5;
    int64_t whole = 5;
    (void)state;
    assert_true(slice_unsigned((struct slice){ "18446744073709551615", 20 }, &number)
                && number == UINT64_MAX);
    assert_false(slice_unsigned((struct slice){ "18446744073709551616", 20 }, &number));
    assert_false(slice_unsigned((struct slice){ "-1", 2 }, &number));
    assert_false(slice_unsigned((struct slice){ "1.0", 3 }, &number));
    assert_false(slice_unsigned((struct slice){ NULL, 0 }, &number));
    assert_true(slice_signed((struct slice){ "-32700", 6 }, &whole) && whole == -32700);
    assert_false(slice_signed((struct slice){ "9223372036854775808", 19 }, &whole));
    assert_false(slice_signed((struct slice){ "-", 1 }, &whole));
}

/* Random texts near JSON: whatever jansson takes, we take, and the other way round (but for what it limits
 * itself: NUL and lone surrogates in strings, real numbers out of range, which these texts have not). */
static void it_agrees_with_jansson_on_random_texts(void **state)
{
    static const char *const parts[] = { "{",  "}",   "[",   "]",    ",",    ":", "\"a\"",   "\"b\"",
                                         "1",  "-2",  "0.5", "true", "null", " ", "\"\\n\"", "\"\xc3\xa9\"",
                                         "\n", "1e2 ", "x",   "\"" };
    unsigned seed = (unsigned)time(NULL);
    unsigned next = seed;
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[64] = "";
        int count = 1 + rand_r(&next) % 9;
        for (int i = 0; i < count; i++)
            strcat(text, parts[(size_t)rand_r(&next) % (sizeof parts / sizeof parts[0])]);
        json_t *parsed = json_loads(text, JSON_DECODE_ANY, NULL);
        bool theirs = parsed != NULL, ours = is_json(text);
        json_decref(parsed);
        if (theirs != ours)
            fail_msg("seed %u: jansson %d, we %d: %s", seed, theirs, ours, text);
    }
}

static void a_request_is_one_line_whatever_its_params(void **state)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    struct error error;
    (void)state;
    buffer_init(&line);
    assert_int_equal(request_append(&line, 3, "a.\"b", " {\n\"x\":\r\n[1]\n}\n", &error), OK);
    assert_string_equal(buffer_text(&line),
                        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a.\\\"b\",\"params\":{ \"x\":  [1] }}");
    buffer_clear(&line);
    assert_int_equal(request_append(&line, 0, "ack", NULL, &error), OK);
    assert_string_equal(buffer_text(&line), "{\"jsonrpc\":\"2.0\",\"method\":\"ack\",\"params\":{}}");
}

static void a_bad_request_is_refused_and_leaves_nothing(void **state)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    struct error error;
    AUTO_FREE char *large = memory_new(LAYERD_LINE_MAX + 100);
    (void)state;
    buffer_init(&line);
    assert_int_equal(request_append(&line, 1, "m", "{", &error), ERROR_PARSE);
    assert_int_equal(request_append(&line, 1, "m", "[1]", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(request_append(&line, 1, "", "{}", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(request_append(&line, 1, "\xff", "{}", &error), ERROR_INVALID_PARAMS);
    memset(large, 'a', LAYERD_LINE_MAX);
    memcpy(large, "{\"x\":\"", 6);
    memcpy(large + LAYERD_LINE_MAX, "\"}", 3);
    assert_int_equal(request_append(&line, 1, "m", large, &error), ERROR_LIMIT);
    assert_int_equal(line.size, 0);
}

static void a_reply_needs_an_id_and_either_result_or_error(void **state)
{
    static const char *const bad[] = { "{}",
                                       "{\"id\":1}",
                                       "{\"result\":1}",
                                       "{\"id\":\"1\",\"result\":1}",
                                       "[1]",
                                       "{\"id\":0,\"result\":1}",
                                       "{\"id\":1,\"result\":1,\"error\":{}}",
                                       "{\"id\":1.5,\"result\":1}" };
    struct reply reply;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (reply_read((struct slice){ bad[i], strlen(bad[i]) }, &reply))
            fail_msg("%s is taken", bad[i]);
    const char *good = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}";
    assert_true(reply_read((struct slice){ good, strlen(good) }, &reply));
    assert_true(reply.id == 0 && reply.result.text == NULL && slice_is(reply.error, "{\"code\":-32700}"));
}

int scan_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_values_are_taken_and_trimmed),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(members_and_elements_come_in_order),
        cmocka_unit_test(strings_that_c_cannot_hold_are_refused),
        cmocka_unit_test(numbers_keep_their_bounds),
        cmocka_unit_test(it_agrees_with_jansson_on_random_texts),
        cmocka_unit_test(a_request_is_one_line_whatever_its_params),
        cmocka_unit_test(a_bad_request_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_reply_needs_an_id_and_either_result_or_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
