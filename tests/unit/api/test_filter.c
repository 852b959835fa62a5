/* Globs and subjects. */
#include "test_api.h"

#include <string.h>

#include "api/filter.h"
#include "base/memory.h"
#include "kernel/event.h"
#include "store/event_log.h"

static void globs_match_whole_names(void **state)
{
    (void)state;
    static const struct { const char *pattern, *text; bool matches;
    } cases[] = {
        { "*", "", true },
        { "*", "ledger.transferred", true },
        { "", "", true },
        { "", "a", false },
        { "ledger.*", "ledger.transferred", true },
        { "ledger.*", "ledger.", true },
        { "ledger.*", "ledger", false },
        { "ledger.*", "xledger.a", false },
        { "*.transferred", "ledger.transferred", true },
        { "*.transferred", "ledger.transferred2", false },
        { "l*r.*d", "ledger.transferred", true },
        { "l*r.*x", "ledger.transferred", false },
        { "*a*a*", "banana", true },
        { "*a*b*", "banana", false },
        { "**", "x", true },
        { "a*b*c", "aXbXbXc", true },
        { "a*b*c", "aXbXbX", false },
        { "?", "a", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(glob_matches(cases[i].pattern, cases[i].text), cases[i].matches);
}

static void many_stars_take_no_exponential_time(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static struct filter *compile(const char *types, const char *subjects, enum status expected)
{
    AUTO_JSON json_t *type_list = types == NULL ? NULL : quoted(types);
    AUTO_JSON json_t *subject_list = subjects == NULL ? NULL : quoted(subjects);
    struct filter *filter = NULL;
    struct error error = { 0 };
    assert_int_equal(filter_compile(type_list, subject_list, &filter, &error), expected);
    assert_true(expected == OK || filter == NULL);
    return filter;
}

static bool matches(const struct filter *filter, const char *type, const char *subject)
{
    struct buffer CLEANUP(buffer_close) scratch = { 0 };
    struct bytes text = filter_subject(subject, &scratch);
    bool by_index = filter_matches(filter, catalogue_index(type), text);
    assert_int_equal(filter_matches_name(filter, type, text), by_index); /* both ways always agree */
    return by_index;
}

static void types_are_chosen_by_glob(void **state)
{
    (void)state;
    struct filter *filter = compile("['ledger.asset_*','node.started']", NULL, OK);
    assert_true(matches(filter, "ledger.asset_issued", "asset/GOLD"));
    assert_true(matches(filter, "node.started", NULL));
    assert_false(matches(filter, "node.stopped", NULL));
    assert_false(matches(filter, "ledger.transferred", "account/x"));
    assert_true(filter_matches_name(filter, "ledger.asset_of_a_later_version", (struct bytes){ 0 }));
    filter_free(filter);
}

static void subjects_are_chosen_by_name_or_prefix(void **state)
{
    (void)state;
    struct filter *filter =
        compile(NULL, "['asset/GOLD','escrow/*','back\\\"up/a\\\\b\\u0001','backup/\\u0002*']", OK);
    assert_true(matches(filter, "ledger.asset_issued", "asset/GOLD"));
    assert_false(matches(filter, "ledger.asset_issued", "asset/GOLDEN"));
    assert_false(matches(filter, "ledger.asset_issued", "asset/GOL"));
    assert_true(matches(filter, "ledger.escrow_locked", "escrow/00ff"));
    assert_true(matches(filter, "ledger.escrow_locked", "escrow/"));
    assert_false(matches(filter, "ledger.escrow_locked", "escrow"));
    assert_true(matches(filter, "backup.completed", "back\"up/a\\b\x01"));
    assert_true(matches(filter, "backup.completed", "backup/\x02\"rest"));
    assert_false(matches(filter, "backup.completed", "backup/\x03"));
    assert_false(matches(filter, "node.started", NULL));
    filter_free(filter);
}

static void types_and_subjects_must_both_match(void **state)
{
    (void)state;
    struct filter *filter = compile("['ledger.*']", "['asset/GOLD']", OK);
    assert_true(matches(filter, "ledger.asset_minted", "asset/GOLD"));
    assert_false(matches(filter, "ledger.asset_minted", "asset/SILVER"));
    assert_false(matches(filter, "backup.failed", "asset/GOLD"));
    filter_free(filter);
}

static void nothing_given_means_everything(void **state)
{
    (void)state;
    assert_null(compile(NULL, NULL, OK));
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    compile("[]", NULL, ERROR_INVALID_PARAMS);
    compile("'ledger.*'", NULL, ERROR_INVALID_PARAMS);
    compile("[1]", NULL, ERROR_INVALID_PARAMS);
    compile("['']", NULL, ERROR_INVALID_PARAMS);
    compile("['ledger.transfered']", NULL, ERROR_INVALID_PARAMS); /* no such type */
    compile("['ledger.*','nothing.*']", NULL, ERROR_INVALID_PARAMS);
    compile(NULL, "[]", ERROR_INVALID_PARAMS);
    compile(NULL, "{}", ERROR_INVALID_PARAMS);
    compile(NULL, "['a*b']", ERROR_INVALID_PARAMS);
    compile(NULL, "['asset/GOLD',null]", ERROR_INVALID_PARAMS);
}

static void the_catalogue_is_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < event_type_count(); i++)
        assert_int_equal(catalogue_index(event_type_at(i)->name), i);
    assert_int_equal(catalogue_index("no.such"), -1);
    assert_int_equal(catalogue_index(""), -1);
}

/* The filter compares JSON text; what it makes of a subject must be what event_line makes of it. */
static void subjects_are_escaped_as_in_the_event_line(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 0x80; byte++) {
        const char subject[] = { 'x', (char)byte, 'y', '\0' };
        struct buffer CLEANUP(buffer_close) line = { 0 }, scratch = { 0 };
        event_line(
            &(struct event){
                .seq = 1, .type = "node.started", .subject = subject, .body = bytes_of_text("{}") },
            1, &line);
        struct bytes text = filter_subject(subject, &scratch);
        const char *at = strstr(buffer_text(&line), "\"subject\":\"");
        assert_non_null(at);
        at += strlen("\"subject\":\"");
        assert_memory_equal(at, text.data, text.size);
        assert_int_equal(at[text.size], '"');
    }
}

int filter_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_match_whole_names),
        cmocka_unit_test(many_stars_take_no_exponential_time),
        cmocka_unit_test(types_are_chosen_by_glob),
        cmocka_unit_test(subjects_are_chosen_by_name_or_prefix),
        cmocka_unit_test(types_and_subjects_must_both_match),
        cmocka_unit_test(nothing_given_means_everything),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(the_catalogue_is_found_by_name),
        cmocka_unit_test(subjects_are_escaped_as_in_the_event_line),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
