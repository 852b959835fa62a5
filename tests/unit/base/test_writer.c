/* The JSON writer: what it writes, what a parser reads back, and misuse. */
#include "support.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"

static void every_kind_of_value_is_written(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    writer_object_begin(&w);
    writer_member_text(&w, "text", "a\"b");
    writer_member_text(&w, "nothing", NULL);
    writer_member_integer(&w, "least", INT64_MIN);
    writer_member_integer(&w, "most", INT64_MAX);
    writer_member_unsigned(&w, "count", UINT64_MAX);
    writer_member_boolean(&w, "yes", true);
    writer_member_boolean(&w, "no", false);
    writer_member_hex(&w, "id", "\x00\xab", 2);
    writer_member_raw(&w, "raw", "{\"x\":[1]}", 9);
    writer_key(&w, "list");
    writer_array_begin(&w);
    writer_integer(&w, 0);
    writer_array_begin(&w);
    writer_array_end(&w);
    writer_object_begin(&w);
    writer_object_end(&w);
    writer_null(&w);
    writer_string(&w, "", 0);
    writer_string(&w, NULL, 0);
    writer_array_end(&w);
    writer_key(&w, "at");
    writer_time(&w, 1795214583000001);
    writer_object_end(&w);
    writer_finish(&w);
    assert_string_equal(buffer_text(&out),
                        "{\"text\":\"a\\\"b\",\"nothing\":null,\"least\":-9223372036854775808,"
                        "\"most\":9223372036854775807,\"count\":18446744073709551615,"
                        "\"yes\":true,\"no\":false,"
                        "\"id\":\"00ab\",\"raw\":{\"x\":[1]},\"list\":[0,[],{},null,\"\",\"\"],"
                        "\"at\":\"2026-11-20T22:43:03.000001Z\"}");
}

static void escapes_are_the_shortest(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    const char text[] = "\x00\x01\b\t\n\x0b\f\r\x1f \"\\/\x7f\xc3\xa9\xf0\x9f\x98\x80";
    buffer_append_json_string(&out, text, sizeof text - 1);
    assert_string_equal(buffer_text(&out), "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/\x7f"
                                           "\xc3\xa9\xf0\x9f\x98\x80\"");
}

/* The scan looks at eight bytes at once: each byte value at each place of short texts. */
static void every_byte_is_escaped_at_every_offset(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    for (size_t size = 1; size <= 20; size++) {
        for (size_t at = 0; at < size; at++) {
            for (int c = 0; c < 0x80; c++) {
                char text[20];
                memset(text, c == 'x' ? 'y' : 'x', size);
                text[at] = (char)c;
                buffer_clear(&out);
                buffer_append_json_string(&out, text, size);
                bool escaped = c < 0x20 || c == '"' || c == '\\';
                bool is_short = escaped && strchr("\b\t\n\f\r\"\\", c) != NULL && c != 0;
                size_t extra = !escaped ? 0 : is_short ? 1 : 5;
                assert_int_equal(out.size, size + 2 + extra);
                assert_int_equal(out.data[0], '"');
                assert_int_equal(out.data[out.size - 1], '"');
                assert_int_equal(out.data[1 + at], escaped ? '\\' : c);
            }
        }
    }
}

static void any_text_reads_back_the_same(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    for (int round = 0; round < 5000; round++) {
        char text[400];
        size_t size = random_text(&random, text, random_below(&random, 100));
        buffer_clear(&out);
        struct writer w;
        writer_init(&w, &out);
        writer_string(&w, text, size);
        writer_finish(&w);
        AUTO_JSON json_t *back = NULL;
        assert_int_equal(json_parse((char *)out.data, out.size, &back, NULL), OK);
        assert_int_equal(json_string_length(back), size);
        assert_memory_equal(json_string_value(back), text, size);
    }
}

/* Writes the same value with the writer and as a jansson tree. */
static json_t *write_random(struct random *random, struct writer *w, unsigned depth)
{
    size_t kind = random_below(random, depth > 5 ? 4 : 6);
    if (kind == 0) {
        int64_t value = (int64_t)(random_next(random) >> random_below(random, 64));
        writer_integer(w, value);
        return json_integer(value);
    }
    if (kind == 1) {
        bool value = random_below(random, 2) == 1;
        writer_boolean(w, value);
        return json_boolean(value);
    }
    if (kind == 2) {
        writer_null(w);
        return json_null();
    }
    if (kind == 3) {
        char text[100];
        size_t size = random_text(random, text, random_below(random, 25));
        writer_string(w, text, size);
        return json_stringn(text, size);
    }
    size_t count = random_below(random, 6);
    json_t *value = kind == 4 ? json_array() : json_object();
    (kind == 4 ? writer_array_begin : writer_object_begin)(w);
    for (size_t i = 0; i < count; i++) {
        if (kind == 4) {
            json_array_append_new(value, write_random(random, w, depth + 1));
        } else {
            char key[32];
            snprintf(key, sizeof key, "key%zu", i);
            writer_key(w, key);
            json_object_set_new(value, key, write_random(random, w, depth + 1));
        }
    }
    (kind == 4 ? writer_array_end : writer_object_end)(w);
    return value;
}

static void random_values_agree_with_the_parser(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    for (int round = 0; round < 1000; round++) {
        buffer_clear(&out);
        struct writer w;
        writer_init(&w, &out);
        AUTO_JSON json_t *expected = write_random(&random, &w, 0);
        writer_finish(&w);
        AUTO_JSON json_t *back = NULL;
        assert_int_equal(json_parse((char *)out.data, out.size, &back, NULL), OK);
        assert_true(json_equal(expected, back));
    }
}

#define MISUSE(name, ...)                    \
    static void name(void)                   \
    {                                        \
        struct buffer out;                   \
        struct writer w;                     \
        buffer_init(&out);                   \
        writer_init(&w, &out);               \
        __VA_ARGS__;                         \
    }

MISUSE(value_without_key, writer_object_begin(&w), writer_null(&w))
MISUSE(key_in_array, writer_array_begin(&w), writer_key(&w, "x"))
MISUSE(key_at_top, writer_key(&w, "x"))
MISUSE(two_keys, writer_object_begin(&w), writer_key(&w, "x"), writer_key(&w, "y"))
MISUSE(key_without_value, writer_object_begin(&w), writer_key(&w, "x"), writer_object_end(&w))
MISUSE(array_end_for_object, writer_object_begin(&w), writer_array_end(&w))
MISUSE(object_end_for_array, writer_array_begin(&w), writer_object_end(&w))
MISUSE(end_without_begin, writer_object_end(&w))
MISUSE(two_values, writer_null(&w), writer_null(&w))
MISUSE(unclosed, writer_array_begin(&w), writer_finish(&w))
MISUSE(empty_value, writer_finish(&w))
MISUSE(empty_raw, writer_raw(&w, "", 0))
MISUSE(too_deep, for (int i = 0; i <= WRITER_DEPTH_MAX; i++) writer_array_begin(&w))

static void misuse_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_aborts(value_without_key, "needs a key");
    assert_aborts(key_in_array, "where none can stand");
    assert_aborts(key_at_top, "where none can stand");
    assert_aborts(two_keys, "where none can stand");
    assert_aborts(key_without_value, "nothing to close");
    assert_aborts(array_end_for_object, "an object's end for an array");
    assert_aborts(object_end_for_array, "an object's end for an array");
    assert_aborts(end_without_begin, "nothing to close");
    assert_aborts(two_values, "one writer writes one value");
    assert_aborts(unclosed, "still open");
    assert_aborts(empty_value, "still open");
    assert_aborts(empty_raw, "no JSON value");
    assert_aborts(too_deep, "deeper than 32");
}

static void the_deepest_nesting_allowed_is_written(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    struct writer w;
    writer_init(&w, &out);
    for (int i = 0; i < WRITER_DEPTH_MAX; i++) {
        if (i % 2 == 0) {
            writer_object_begin(&w);
            writer_key(&w, "a");
        } else {
            writer_array_begin(&w);
        }
    }
    writer_integer(&w, 1);
    for (int i = WRITER_DEPTH_MAX; i-- > 0;)
        (i % 2 == 0 ? writer_object_end : writer_array_end)(&w);
    writer_finish(&w);
    AUTO_JSON json_t *back = NULL;
    assert_int_equal(json_parse((char *)out.data, out.size, &back, NULL), OK);
}

int writer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_written),
        cmocka_unit_test(escapes_are_the_shortest),
        cmocka_unit_test(every_byte_is_escaped_at_every_offset),
        cmocka_unit_test(any_text_reads_back_the_same),
        cmocka_unit_test(random_values_agree_with_the_parser),
        cmocka_unit_test(misuse_is_a_broken_invariant),
        cmocka_unit_test(the_deepest_nesting_allowed_is_written),
    };
    return cmocka_run_group_tests_name("base/writer", tests, NULL, NULL);
}
