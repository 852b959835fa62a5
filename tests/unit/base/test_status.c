/* Errors: names, messages, broken invariants. */
#include "support.h"

#include "base/bytes.h"
#include "base/status.h"

static void every_code_has_its_own_name_and_a_meaning(void **state)
{
    (void)state;
    assert_true(status_count() > 40);
    for (size_t i = 0; i < status_count(); i++) {
        enum status status = status_at(i);
        assert_int_not_equal(status, OK);
        assert_true(strlen(status_meaning(status)) > 10);
        for (const char *c = status_name(status); *c != '\0'; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(status, status_at(k));
            assert_string_not_equal(status_name(status), status_name(status_at(k)));
        }
    }
    assert_string_equal(status_name(OK), "ok");
    assert_string_equal(status_name(ERROR_INSUFFICIENT_BALANCE), "insufficient_balance");
    assert_string_equal(status_name((enum status)12345), "unknown");
    assert_int_equal(ERROR_PARSE, -32700);
}

static void an_error_keeps_code_and_message(void **state)
{
    (void)state;
    struct error error = { 0 };
    assert_int_equal(error_set(&error, ERROR_NOT_FOUND, "no block %d", 7), ERROR_NOT_FOUND);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.message, "no block 7");
    assert_int_equal(error_set(NULL, ERROR_BUSY, "nobody listens"), ERROR_BUSY);
}

static void an_error_can_wrap_its_own_message(void **state)
{
    (void)state;
    struct error error = { 0 };
    error_set(&error, ERROR_STORAGE, "disk full");
    error_set(&error, ERROR_STORAGE, "backup: %s", error.message);
    assert_string_equal(error.message, "backup: disk full");
}

static void a_message_is_one_line_of_utf8_whatever_it_quotes(void **state)
{
    (void)state;
    struct error error = { 0 };
    error_set(&error, ERROR_PARSE, "bad '%s'", "a\nb\x1b\xff\xc3");
    assert_string_equal(error.message, "bad 'a b ?" "?'");

    char long_text[2 * ERROR_MESSAGE_MAX];
    for (size_t offset = 0; offset < 3; offset++) {
        memset(long_text, 'x', offset);
        for (size_t i = offset; i + 3 < sizeof long_text; i += 3)
            memcpy(long_text + i, "\xe2\x82\xac", 4);
        error_set(&error, ERROR_PARSE, "%s", long_text);
        size_t size = strlen(error.message);
        assert_int_equal(size, ERROR_MESSAGE_MAX - 1);
        assert_int_equal(utf8_valid_prefix(error.message, size), size);
    }
}

static void break_an_invariant(void)
{
    int balance = -1;
    INVARIANT(balance >= 0, "balance is %d", balance);
}

static void a_broken_invariant_says_where_and_aborts(void **state)
{
    (void)state;
    assert_aborts(break_an_invariant, "error base: invariant broken at ");
    assert_aborts(break_an_invariant, "test_status.c");
    assert_aborts(break_an_invariant, "balance >= 0: balance is -1");
}

int status_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_name_and_a_meaning),
        cmocka_unit_test(an_error_keeps_code_and_message),
        cmocka_unit_test(an_error_can_wrap_its_own_message),
        cmocka_unit_test(a_message_is_one_line_of_utf8_whatever_it_quotes),
        cmocka_unit_test(a_broken_invariant_says_where_and_aborts),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
