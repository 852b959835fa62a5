/* Reading JSON under limits, and the canonical form (RFC 8785, integers only). */
#include "support.h"

#include "base/json.h"
#include "base/memory.h"

static json_t *parsed(const char *text)
{
    json_t *value = NULL;
    struct error error = { 0 };
    if (json_parse(text, strlen(text), &value, &error) != OK)
        fail_msg("%s: %s", text, error.message);
    return value;
}

static void assert_refused(const char *text, size_t size)
{
    json_t *value = (json_t *)&value;
    struct error error = { 0 };
    if (json_parse(text, size, &value, &error) != ERROR_PARSE)
        fail_msg("'%.*s' was taken for JSON", (int)(size < 100 ? size : 100), text);
    assert_int_equal(error.code, ERROR_PARSE);
    assert_true(strlen(error.message) > 0);
    assert_ptr_equal(value, &value);
}

static void values_of_every_kind_parse(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1", "-1", "0", "1.5", "1e3", "\"x\"", "true", "null", "[]", "{}", " [1, {\"a\": \"\\u00e9\"}] \n",
        "9223372036854775807", "\"\xc3\xa9\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO_JSON json_t *value = parsed(texts[i]);
        assert_non_null(value);
    }
}

static void what_is_not_one_value_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", " ", "{", "[1", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "'x'",
        "nul", "tru", "01", "+1", "1.", ".5", "1 2", "{} x", "[] []", "\"", "\"\\x\"", "\"\\ud800\"",
        "\"\n\"", "NaN", "Infinity", "-", "// x\n1", "]",
        "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "[{\"x\":{\"a\":1,\"b\":1,\"a\":1}}]",
        "\"\\u0000\"", "{\"\\u0000\":1}", "9223372036854775808", "-9223372036854775809", "1e999",
        "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i], strlen(texts[i]));
    assert_refused("1\0", 2);
    assert_refused("\0", 1);
    assert_refused("[1]\0[2]", 7);
    assert_refused("[1,\0 2]", 7);
    assert_refused("\"\0\"", 3);
    assert_refused("{\"a\0b\":1}", 9);
}

static size_t nested(char *out, size_t depth, bool objects)
{
    size_t size = 0;
    for (size_t i = 0; i < depth; i++)
        size += (size_t)sprintf(out + size, "%s", objects ? "{\"a\":" : "[");
    out[size++] = '1';
    for (size_t i = 0; i < depth; i++)
        out[size++] = objects ? '}' : ']';
    out[size] = '\0';
    return size;
}

static void nesting_stops_at_its_bound(void **state)
{
    (void)state;
    AUTO_FREE char *text = memory_new(1 << 20);
    for (int objects = 0; objects < 2; objects++) {
        json_t *value = NULL;
        struct error error = { 0 };
        assert_int_equal(json_parse(text, nested(text, JSON_DEPTH_MAX, objects), &value, &error), OK);
        json_release(&value);
        assert_null(value);
        assert_refused(text, nested(text, JSON_DEPTH_MAX + 1, objects));
        assert_refused(text, nested(text, 100000, objects));
    }
    memset(text, '[', 1 << 20);
    assert_refused(text, 1 << 20);
}

static void brackets_in_strings_and_side_by_side_are_not_depth(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer text = { 0 };
    buffer_init(&text);
    buffer_append_text(&text, "[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"");
    for (int i = 0; i < 200; i++)
        buffer_append_text(&text, ",[{}]");
    buffer_append_text(&text, "]");
    AUTO_JSON json_t *value = parsed(buffer_text(&text));
    assert_int_equal(json_array_size(value), 201);
}

static void a_refusal_names_place_and_reason_in_utf8(void **state)
{
    (void)state;
    json_t *value;
    struct error error = { 0 };
    assert_int_equal(json_parse("{\"a\":1,\"a\":2}", 13, &value, &error), ERROR_PARSE);
    assert_non_null(strstr(error.message, "duplicate"));
    assert_int_equal(json_parse("[1,\xff\n]", 6, &value, &error), ERROR_PARSE);
    assert_non_null(strstr(error.message, "byte"));
    assert_int_equal(utf8_valid_prefix(error.message, strlen(error.message)), strlen(error.message));
}

static void assert_canonical(const char *text, const char *expected)
{
    AUTO_JSON json_t *value = parsed(text);
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    struct error error = { 0 };
    assert_int_equal(json_canonical(value, &out, &error), OK);
    assert_string_equal(buffer_text(&out), expected);
}

static void samples_of_rfc_8785_come_out_as_printed(void **state)
{
    (void)state;
    /* §3.2.3, the sorting example: the emoji (surrogates in UTF-16) stands before U+FB33. */
    assert_canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
                     "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
                     "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
                     "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
                     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
                     "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
                     "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
                     "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
    /* §3.2.2, its string and literals. */
    assert_canonical("{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
                     "  \"literals\": [null, true, false]}",
                     "{\"literals\":[null,true,false],"
                     "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
    /* Nested structures, keys that look like numbers, the empty key. */
    assert_canonical("[56, {\"d\": true, \"10\": null, \"1\": [ ]}]",
                     "[56,{\"1\":[],\"10\":null,\"d\":true}]");
    assert_canonical("{\"1\": {\"f\": {\"f\": \"hi\", \"F\": 5}, \"\\n\": 56}, \"10\": { }, \"\": \"empty\","
                     " \"a\": { }, \"111\": [{\"e\": \"yes\", \"E\": \"no\"}], \"A\": { }}",
                     "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},\"10\":{},"
                     "\"111\":[{\"E\":\"no\",\"e\":\"yes\"}],\"A\":{},\"a\":{}}");
    /* Not normalised: A and a combining ring stay two characters. */
    assert_canonical("\"A\\u030a\"", "\"A\xcc\x8a\"");
}

static void integers_have_one_form(void **state)
{
    (void)state;
    assert_canonical("-0", "0");
    assert_canonical("9007199254740991", "9007199254740991");
    assert_canonical("-9007199254740991", "-9007199254740991");
}

static void other_numbers_are_refused_and_leave_the_buffer(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1.5", "1.0", "1e2", "-0.0", "9007199254740992", "-9007199254740992", "9223372036854775807",
        "-9223372036854775808", "{\"a\":[1,{\"b\":2.5}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AUTO_JSON json_t *value = parsed(texts[i]);
        CLEANUP(buffer_close) struct buffer out = { 0 };
        buffer_init(&out);
        buffer_append_text(&out, "before");
        struct error error = { 0 };
        assert_int_equal(json_canonical(value, &out, &error), ERROR_NOT_CANONICAL);
        assert_true(strlen(error.message) > 0);
        assert_string_equal(buffer_text(&out), "before");
    }
}

static void canonical_form_has_bounds(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    buffer_init(&out);
    struct error error = { 0 };
    AUTO_JSON json_t *deep = json_array();
    for (int i = 1; i < JSON_DEPTH_MAX; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    assert_int_equal(json_canonical(deep, &out, &error), OK);
    json_t *deeper = json_array();
    json_array_append_new(deeper, deep);
    deep = deeper;
    assert_int_equal(json_canonical(deep, &out, &error), ERROR_LIMIT);

    AUTO_JSON json_t *wide = json_object();
    for (int i = 0; i < JSON_MEMBERS_MAX; i++) {
        char key[20];
        snprintf(key, sizeof key, "%d", i * 7919 % JSON_MEMBERS_MAX);
        json_object_set_new(wide, key, json_null());
    }
    assert_int_equal(json_object_size(wide), JSON_MEMBERS_MAX);
    assert_int_equal(json_canonical(wide, &out, &error), OK);
    json_object_set_new(wide, "one more", json_null());
    assert_int_equal(json_canonical(wide, &out, &error), ERROR_LIMIT);
}

/* The second way to sort: turn both keys into UTF-16 and compare unit by unit. */
static size_t utf16_of(const char *text, uint16_t *units)
{
    size_t count = 0;
    const uint8_t *at = (const uint8_t *)text;
    while (*at != 0) {
        uint32_t point;
        size_t length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        point = length == 1 ? *at : *at & (0x7fu >> length);
        for (size_t i = 1; i < length; i++)
            point = point << 6 | (at[i] & 0x3f);
        at += length;
        if (point >= 0x10000) {
            units[count++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            units[count++] = (uint16_t)(0xdc00 + ((point - 0x10000) & 0x3ff));
        } else {
            units[count++] = (uint16_t)point;
        }
    }
    return count;
}

static bool utf16_before(const char *a, const char *b)
{
    uint16_t left[100], right[100];
    size_t left_count = utf16_of(a, left), right_count = utf16_of(b, right);
    for (size_t i = 0; i < left_count && i < right_count; i++)
        if (left[i] != right[i])
            return left[i] < right[i];
    return left_count < right_count;
}

static json_t *random_value(struct random *random, unsigned depth)
{
    size_t kind = random_below(random, depth > 4 ? 4 : 7);
    char text[200];
    if (kind == 0) {
        int64_t value = (int64_t)(random_next(random) >> (11 + random_below(random, 53)));
        return json_integer(random_below(random, 2) == 0 ? value : -value);
    }
    if (kind == 1)
        return random_below(random, 3) == 0 ? json_null() : json_boolean(random_below(random, 2));
    if (kind <= 3)
        return json_stringn(text, random_text(random, text, random_below(random, 40)));
    json_t *value = kind == 4 ? json_array() : json_object();
    size_t count = random_below(random, random_below(random, 20) == 0 ? 60 : 8);
    for (size_t i = 0; i < count; i++) {
        if (kind == 4) {
            json_array_append_new(value, random_value(random, depth + 1));
        } else {
            text[random_text(random, text, random_below(random, 6))] = '\0';
            json_object_set_new(value, text, random_value(random, depth + 1));
        }
    }
    return value;
}

/* jansson keeps members in the order of the text, so the parsed canonical form shows how it was sorted. */
static void assert_sorted(const json_t *value)
{
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            assert_sorted(json_array_get(value, i));
    } else if (json_is_object(value)) {
        const char *before = NULL, *key;
        json_t *member;
        json_object_foreach((json_t *)value, key, member) {
            if (before != NULL)
                assert_true(utf16_before(before, key));
            before = key;
            assert_sorted(member);
        }
    }
}

static void canonical_form_is_sorted_idempotent_and_reads_back_equal(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 1000; round++) {
        AUTO_JSON json_t *value = random_value(&random, 0);
        CLEANUP(buffer_close) struct buffer once = { 0 }, twice = { 0 };
        buffer_init(&once);
        buffer_init(&twice);
        struct error error = { 0 };
        assert_int_equal(json_canonical(value, &once, &error), OK);
        AUTO_JSON json_t *back = NULL;
        assert_int_equal(json_parse((char *)once.data, once.size, &back, &error), OK);
        assert_true(json_equal(value, back));
        assert_sorted(back);
        assert_int_equal(json_canonical(back, &twice, &error), OK);
        assert_true(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    }
}

static void every_truncation_of_a_value_is_refused(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 50; round++) {
        AUTO_JSON json_t *value = json_array();
        json_array_append_new(value, random_value(&random, 3));
        CLEANUP(buffer_close) struct buffer text = { 0 };
        buffer_init(&text);
        assert_int_equal(json_canonical(value, &text, NULL), OK);
        for (size_t size = 0; size < text.size; size++)
            assert_refused((char *)text.data, size);
    }
}

int json_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind_parse),
        cmocka_unit_test(what_is_not_one_value_is_refused),
        cmocka_unit_test(nesting_stops_at_its_bound),
        cmocka_unit_test(brackets_in_strings_and_side_by_side_are_not_depth),
        cmocka_unit_test(a_refusal_names_place_and_reason_in_utf8),
        cmocka_unit_test(samples_of_rfc_8785_come_out_as_printed),
        cmocka_unit_test(integers_have_one_form),
        cmocka_unit_test(other_numbers_are_refused_and_leave_the_buffer),
        cmocka_unit_test(canonical_form_has_bounds),
        cmocka_unit_test(canonical_form_is_sorted_idempotent_and_reads_back_equal),
        cmocka_unit_test(every_truncation_of_a_value_is_refused),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
