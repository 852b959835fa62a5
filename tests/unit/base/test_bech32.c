/* Bech32m against the strings of BIP-350, and addresses. */
#include "support.h"

#include <ctype.h>

#include "base/bech32.h"

#define SYMBOLS "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

static bool decodes(const char *prefix, const char *text, size_t size)
{
    uint8_t out[90];
    return bech32m_decode(out, size, prefix, text, strlen(text));
}

/* BIP-350 "Test vectors for Bech32m", valid. The sixth (82 symbols of 31) is not a whole number of bytes:
 * below. */
static void valid_strings_of_bip_350_decode(void **state)
{
    (void)state;
    assert_true(decodes("a", "A1LQFN3A", 0));
    assert_true(decodes("a", "a1lqfn3a", 0));
    assert_true(decodes("an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1",
                        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1"
                        "1sg7hg6",
                        0));
    assert_true(decodes("?", "?1v759aa", 0));

    const char *counting = "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx";
    uint8_t out[20], expected[20] = { 0 };
    assert_true(bech32m_decode(out, 20, "abcdef", counting, strlen(counting)));
    for (size_t bit = 0; bit < 160; bit++) /* its symbols are 31, 30, … 0 */
        expected[bit / 8] |= (uint8_t)((31 - bit / 5) >> (4 - bit % 5) & 1) << (7 - bit % 8);
    assert_memory_equal(out, expected, 20);
    char again[ADDRESS_TEXT_MAX];
    bech32m_encode(again, "abcdef", out, 20);
    assert_string_equal(again, counting);

    const char *split = "split1checkupstagehandshakeupstreamerranterredcaperredlc445v";
    uint8_t data[30];
    assert_true(bech32m_decode(data, 30, "split", split, strlen(split)));
    bech32m_encode(again, "split", data, 30);
    assert_string_equal(again, split);
}

/* Valid bech32m, but its 410 bits are 51 bytes and two bits that are not zero. */
static void padding_that_is_not_zero_is_refused(void **state)
{
    (void)state;
    const char *ones = "11"
                       "lllllllllllllllllllllllllllllllllllllllll"
                       "lllllllllllllllllllllllllllllllllllllllll" "ludsr8";
    assert_int_equal(strlen(ones), 90);
    assert_false(decodes("1", ones, 51));
}

static void invalid_strings_of_bip_350_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *text;
    } cases[] = {
        { " ", " 1xj0phk" },                /* prefix character out of range */
        { "\x7f", "\x7f" "1g6xzxy" },
        { "\x80", "\x80" "1vctc34" },
        { "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1",
          "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4" },
        { "qyrz8", "qyrz8wqd2c9m" },        /* no separator */
        { "", "1qyrz8wqd2c9m" },            /* empty prefix */
        { "y", "y1b0jsk6g" },               /* not a symbol */
        { "lt", "lt1igcx5c0" },
        { "in", "in1muywd" },               /* checksum too short */
        { "mm", "mm1crxm3i" },              /* not a symbol in the checksum */
        { "au", "au1s5cgom" },
        { "m", "M1VUXWEZ" },                /* checksum made over the upper-case prefix */
        { "", "16plkw9" },
        { "", "1p2gdwpf" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t size = 0; size <= 54; size++)
            assert_false(decodes(cases[i].prefix, cases[i].text, size));
}

static void the_checksum_of_bech32_is_not_that_of_bech32m(void **state)
{
    (void)state;
    assert_false(decodes("a", "a12uel5l", 0)); /* BIP-173, valid there */
    assert_false(decodes("abcdef", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", 20));
}

static void any_bytes_go_there_and_back_in_either_case(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 2000; round++) {
        uint8_t in[48], out[48];
        char text[91];
        size_t size = random_below(&random, sizeof in + 1);
        random_bytes(&random, in, size);
        bech32m_encode(text, "ly", in, size);
        assert_int_equal(strlen(text), 2 + 1 + (8 * size + 4) / 5 + 6);
        assert_true(bech32m_decode(out, size, "ly", text, strlen(text)));
        assert_memory_equal(in, out, size);
        for (char *c = text; *c != '\0'; c++)
            *c = (char)toupper((unsigned char)*c);
        assert_true(bech32m_decode(out, size, "ly", text, strlen(text)));
        text[0] = 'l';
        assert_false(bech32m_decode(out, size, "ly", text, strlen(text)));
    }
}

static void every_single_substitution_is_refused(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 20; round++) {
        struct account_id account, out;
        char text[ADDRESS_TEXT_MAX];
        random_bytes(&random, account.bytes, sizeof account.bytes);
        bech32m_encode(text, "lyt", account.bytes, 32);
        for (size_t at = 0; text[at] != '\0'; at++) {
            char right = text[at];
            for (const char *other = SYMBOLS "bio1\x80 QX"; *other != '\0'; other++) {
                if (*other == right)
                    continue;
                text[at] = *other;
                assert_false(bech32m_decode(&out, 32, "lyt", text, strlen(text)));
            }
            text[at] = right;
        }
    }
}

static void swaps_insertions_and_deletions_are_refused(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    struct account_id account, out;
    char text[ADDRESS_TEXT_MAX], wrong[ADDRESS_TEXT_MAX + 1];
    random_bytes(&random, account.bytes, sizeof account.bytes);
    address_encode(text, &account);
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at++) {
        memcpy(wrong, text, length);
        if (at + 1 < length && text[at] != text[at + 1]) {
            wrong[at] = text[at + 1];
            wrong[at + 1] = text[at];
            assert_false(address_decode(&out, wrong, length));
        }
        memcpy(wrong, text, at);
        memcpy(wrong + at, text + at + 1, length - at);
        assert_false(address_decode(&out, wrong, length - 1));
        memcpy(wrong, text, at);
        wrong[at] = 'q';
        memcpy(wrong + at + 1, text + at, length - at + 1);
        assert_false(address_decode(&out, wrong, length + 1));
    }
}

static void another_prefix_or_size_is_refused_and_touches_nothing(void **state)
{
    (void)state;
    uint8_t in[32] = { 1, 2, 3 }, out[32];
    char text[ADDRESS_TEXT_MAX];
    memset(out, 0x55, sizeof out);
    bech32m_encode(text, "ly", in, 32);
    assert_false(bech32m_decode(out, 32, "lyt", text, strlen(text)));
    assert_false(bech32m_decode(out, 31, "ly", text, strlen(text)));
    assert_false(bech32m_decode(out, 33, "ly", text, strlen(text)));
    assert_false(bech32m_decode(out, 32, "ly", text, 0));
    assert_false(bech32m_decode(out, SIZE_MAX, "ly", text, strlen(text)));
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0x55);
}

static void addresses_follow_the_prefix_and_take_hex(void **state)
{
    (void)state;
    struct account_id account = { { 0xab, 1 } }, out;
    char text[ADDRESS_TEXT_MAX], hex[65];
    assert_string_equal(address_prefix(), "lyt");
    address_encode(text, &account);
    assert_memory_equal(text, "lyt1", 4);
    assert_true(address_decode(&out, text, strlen(text)));
    assert_true(account_equal(&account, &out));
    hex_text(hex, account.bytes, 32);
    assert_true(address_decode(&out, hex, 64));
    assert_true(account_equal(&account, &out));
    assert_false(address_decode(&out, hex, 63));
    assert_false(address_decode(&out, hex, 0));

    address_set_prefix(ADDRESS_PREFIX_MAIN);
    assert_false(address_decode(&out, text, strlen(text)));
    address_encode(text, &account);
    assert_memory_equal(text, "ly1", 3);
    address_set_prefix(ADDRESS_PREFIX_TEST);
    assert_false(address_decode(&out, text, strlen(text)));
}

int bech32_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_strings_of_bip_350_decode),
        cmocka_unit_test(padding_that_is_not_zero_is_refused),
        cmocka_unit_test(invalid_strings_of_bip_350_are_refused),
        cmocka_unit_test(the_checksum_of_bech32_is_not_that_of_bech32m),
        cmocka_unit_test(any_bytes_go_there_and_back_in_either_case),
        cmocka_unit_test(every_single_substitution_is_refused),
        cmocka_unit_test(swaps_insertions_and_deletions_are_refused),
        cmocka_unit_test(another_prefix_or_size_is_refused_and_touches_nothing),
        cmocka_unit_test(addresses_follow_the_prefix_and_take_hex),
    };
    return cmocka_run_group_tests_name("base/bech32", tests, NULL, NULL);
}
