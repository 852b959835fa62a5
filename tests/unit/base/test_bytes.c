/* Hex, UTF-8, byte order and decimal digits. */
#include "support.h"

#include <inttypes.h>

#include "base/bytes.h"

static void hex_is_lower_case_and_exact(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x00, 0x09, 0x0a, 0x7f, 0x80, 0xf0, 0xff };
    char text[2 * sizeof bytes + 1];
    hex_text(text, bytes, sizeof bytes);
    assert_string_equal(text, "00090a7f80f0ff");
    hex_text(text, bytes, 0);
    assert_string_equal(text, "");
}

static void hex_of_every_byte_agrees_with_printf(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i, back;
        char ours[3], theirs[3];
        hex_text(ours, &byte, 1);
        snprintf(theirs, sizeof theirs, "%02x", i);
        assert_string_equal(ours, theirs);
        assert_true(hex_decode(&back, 1, ours, 2));
        assert_int_equal(back, byte);
        snprintf(theirs, sizeof theirs, "%02X", i);
        assert_true(hex_decode(&back, 1, theirs, 2));
        assert_int_equal(back, byte);
    }
}

static void only_the_22_hex_digits_decode(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdefABCDEF";
        bool digit = c != 0 && strchr(digits, c) != NULL;
        char first[2] = { (char)c, '0' }, second[2] = { '0', (char)c };
        uint8_t out;
        assert_int_equal(hex_decode(&out, 1, first, 2), digit);
        assert_int_equal(hex_decode(&out, 1, second, 2), digit);
    }
}

static void hex_of_another_length_is_refused_and_touches_nothing(void **state)
{
    (void)state;
    uint8_t out[3] = { 1, 2, 3 };
    assert_false(hex_decode(out, 3, "aabbc", 5));
    assert_false(hex_decode(out, 3, "aabbccd", 7));
    assert_false(hex_decode(out, 3, "aabbccdd", 8));
    assert_false(hex_decode(out, 3, "", 0));
    assert_false(hex_decode(out, 3, "aabbcg", 6));
    assert_false(hex_decode(out, 3, "0xaabb", 6));
    assert_memory_equal(out, "\1\2\3", 3);
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 2000; round++) {
        uint8_t in[100], out[100];
        char text[201];
        size_t size = random_below(&random, sizeof in + 1);
        random_bytes(&random, in, size);
        hex_text(text, in, size);
        assert_true(hex_decode(out, size, text, strlen(text)));
        assert_memory_equal(in, out, size);
    }
}

static void integers_stand_in_the_order_named(void **state)
{
    (void)state;
    uint8_t out[8];
    put_be32(out, 0x01020304);
    assert_memory_equal(out, "\1\2\3\4", 4);
    assert_int_equal(get_be32(out), 0x01020304);
    put_be64(out, 0xfedcba9876543210);
    assert_memory_equal(out, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
    assert_true(get_be64(out) == 0xfedcba9876543210);
    put_le64(out, 0xfedcba9876543210);
    assert_memory_equal(out, "\x10\x32\x54\x76\x98\xba\xdc\xfe", 8);
    put_be32(out, UINT32_MAX);
    assert_true(get_be32(out) == UINT32_MAX);
}

static void assert_decimal(uint64_t value)
{
    char ours[DECIMAL_MAX + 1], theirs[DECIMAL_MAX + 1];
    ours[decimal_encode(ours, value)] = '\0';
    snprintf(theirs, sizeof theirs, "%" PRIu64, value);
    assert_string_equal(ours, theirs);
}

static void decimal_agrees_with_printf(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        assert_decimal(power - 1);
        assert_decimal(power);
        assert_decimal(power + 1);
    }
    assert_decimal(UINT64_MAX);
    assert_decimal(INTEGER_MAX);
    for (int i = 0; i < 10000; i++)
        assert_decimal(random_next(&random) >> random_below(&random, 64));
}

static void only_valid_utf8_counts_as_valid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        { "", 0 }, { "plain", 5 }, { "\xc3\xa9", 2 }, { "\xe2\x82\xac!", 4 }, { "\xf0\x9f\x98\x80", 4 },
        { "\xef\xbf\xbf", 3 }, { "\xf4\x8f\xbf\xbf", 4 },
        { "a\xc0\x80", 1 },         /* NUL in two bytes */
        { "\xc1\xbf", 0 },          /* DEL in two bytes */
        { "\xe0\x9f\xbf", 0 },      /* U+07FF in three */
        { "\xf0\x8f\xbf\xbf", 0 },  /* U+FFFF in four */
        { "\xed\xa0\x80", 0 },      /* a surrogate */
        { "\xf4\x90\x80\x80", 0 },  /* U+110000 */
        { "\xf5\x80\x80\x80", 0 },
        { "\x80", 0 }, { "ab\xff", 2 }, { "a\xe2\x82", 1 }, { "a\xe2(\xac", 1 }, { "\xf0\x9f\x98", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(utf8_valid_prefix(cases[i].text, strlen(cases[i].text)), cases[i].valid);

    struct random random = random_start(__func__);
    for (int round = 0; round < 1000; round++) {
        char text[200];
        size_t size = random_text(&random, text, random_below(&random, 50));
        assert_int_equal(utf8_valid_prefix(text, size), size);
    }
}

static void what_steers_a_terminal_is_told_from_what_is_shown(void **state)
{
    (void)state;
    static const char *const steering[] = {
        "\x01", "\x1b", "\n", "\x7f", "\xc2\x80", "\xc2\x9f",
        "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9",
    };
    static const char *const shown[] = {
        " ", "~", "\xc2\xa0", "\xc3\xa4", "\xe2\x80\xa9", "\xe2\x80\xaf",
        "\xe2\x81\xa5", "\xe2\x81\xaa", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
    };
    for (size_t i = 0; i < sizeof steering / sizeof steering[0]; i++)
        assert_true(utf8_steers(steering[i], strlen(steering[i])));
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        assert_false(utf8_steers(shown[i], strlen(shown[i])));
    char text[] = "a\x1b\xc2\x9b|\xe2\x80\xae|\xff|\xe2\x82\xac";
    text_make_printable(text, strlen(text));
    assert_string_equal(text, "a   |   |?|\xe2\x82\xac");
}

static void ids_are_equal_when_all_bytes_are(void **state)
{
    (void)state;
    struct account_id a = { { 0 } }, b = { { 0 } };
    struct hash h = { { 0 } }, g = { { 0 } };
    assert_true(account_is_zero(&a));
    assert_true(account_equal(&a, &b));
    assert_true(hash_equal(&h, &g));
    for (size_t i = 0; i < 32; i++) {
        b.bytes[i] = g.bytes[i] = 1;
        assert_false(account_equal(&a, &b));
        assert_false(account_is_zero(&b));
        assert_false(hash_equal(&h, &g));
        b.bytes[i] = g.bytes[i] = 0;
    }
    assert_true(bytes_equal(bytes_of_text("abc"), bytes_of("abc", 3)));
    assert_false(bytes_equal(bytes_of_text("abc"), bytes_of_text("abd")));
    assert_false(bytes_equal(bytes_of_text("abc"), bytes_of_text("ab")));
    assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of_text("")));
}

int bytes_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_is_lower_case_and_exact),
        cmocka_unit_test(hex_of_every_byte_agrees_with_printf),
        cmocka_unit_test(only_the_22_hex_digits_decode),
        cmocka_unit_test(hex_of_another_length_is_refused_and_touches_nothing),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(integers_stand_in_the_order_named),
        cmocka_unit_test(decimal_agrees_with_printf),
        cmocka_unit_test(only_valid_utf8_counts_as_valid),
        cmocka_unit_test(what_steers_a_terminal_is_told_from_what_is_shown),
        cmocka_unit_test(ids_are_equal_when_all_bytes_are),
    };
    return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
