/* Named cursors: durable, forward only by acknowledgement, never beyond the log. */
#include "test_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/cursor.h"

static int begin(void **state)
{
    struct place *place = malloc(sizeof(*place));

    place_begin(place);
    place_open(place);
    place_append(place, 100);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

static struct cursor cursor_of(const char *name, uint64_t acknowledged)
{
    struct cursor cursor = { .owner_uid = 1000, .acknowledged = acknowledged, .updated_us = FIRST_TIME_US,
                             .max_lag = 7 };

    snprintf(cursor.name, sizeof(cursor.name), "%s", name);
    return cursor;
}

static uint64_t position(const struct place *place, const char *name)
{
    struct cursor cursor;
    struct error error;
    uint64_t acknowledged;

    assert_ok(cursor_get(place->writer, name, &cursor, &error));
    acknowledged = cursor.acknowledged;
    cursor_close(&cursor);
    return acknowledged;
}

static void cursor_comes_back_as_it_was_made(void **state)
{
    static char filter[] = "{\"types\":[\"ledger.*\"]}";
    struct place *place = *state;
    struct cursor made = cursor_of("accounting", 5), found;
    struct error error;

    made.filter = filter;
    assert_ok(cursor_create(place->writer, &made, &error));
    assert_refused(cursor_create(place->writer, &made, &error), ERROR_CURSOR_EXISTS);
    place_close(place);
    place_open(place);
    assert_ok(cursor_get(place->writer, "accounting", &found, &error));
    assert_string_equal(found.name, "accounting");
    assert_int_equal(found.owner_uid, 1000);
    assert_int_equal(found.acknowledged, 5);
    assert_int_equal(found.updated_us, FIRST_TIME_US);
    assert_int_equal(found.max_lag, 7);
    assert_string_equal(found.filter, filter);
    cursor_close(&found);
    assert_ok(cursor_delete(place->writer, "accounting", &error));
    assert_refused(cursor_delete(place->writer, "accounting", &error), ERROR_CURSOR_NOT_FOUND);
    assert_refused(cursor_get(place->writer, "accounting", &found, &error), ERROR_CURSOR_NOT_FOUND);
}

static void acknowledgement_never_moves_back(void **state)
{
    struct place *place = *state;
    struct cursor made = cursor_of("c", 0);
    uint64_t random = chance_begin("acknowledgement_never_moves_back");
    struct error error;
    uint64_t most = 0;

    assert_ok(cursor_create(place->writer, &made, &error));
    for (int i = 0; i < 200; i++) {
        uint64_t seq = chance(&random) % 101;

        assert_ok(cursor_acknowledge(place->writer, "c", seq, FIRST_TIME_US + i, &error));
        most = seq > most ? seq : most;
        assert_int_equal(position(place, "c"), most);
    }
    assert_ok(cursor_set(place->writer, "c", 3, FIRST_TIME_US, &error)); /* only its owner's wish does */
    assert_int_equal(position(place, "c"), 3);
    assert_refused(cursor_acknowledge(place->writer, "d", 3, FIRST_TIME_US, &error), ERROR_CURSOR_NOT_FOUND);
    assert_refused(cursor_set(place->writer, "d", 3, FIRST_TIME_US, &error), ERROR_CURSOR_NOT_FOUND);
}

static void cursor_never_lies_after_the_newest_event(void **state)
{
    struct place *place = *state;
    struct cursor made = cursor_of("c", 101);
    struct error error;

    assert_refused(cursor_create(place->writer, &made, &error), ERROR_FUTURE);
    made.acknowledged = 100;
    assert_ok(cursor_create(place->writer, &made, &error));
    assert_refused(cursor_acknowledge(place->writer, "c", 101, FIRST_TIME_US, &error), ERROR_FUTURE);
    assert_refused(cursor_set(place->writer, "c", UINT64_MAX, FIRST_TIME_US, &error), ERROR_FUTURE);
    assert_int_equal(position(place, "c"), 100);
}

static void names_and_filters_have_limits(void **state)
{
    static const char *const bad[] = { "", "a b", "a/b", "ä", "a\n", "a'b" };
    static char long_filter[CURSOR_FILTER_MAX + 2];
    struct place *place = *state;
    struct cursor made;
    struct error error;
    char name[CURSOR_NAME_MAX + 1];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        made = cursor_of(bad[i], 0);
        assert_refused(cursor_create(place->writer, &made, &error), ERROR_INVALID_PARAMS);
    }
    memset(name, 'n', CURSOR_NAME_MAX);
    name[CURSOR_NAME_MAX] = '\0';
    assert_false(cursor_name_valid(name));
    name[CURSOR_NAME_MAX - 1] = '\0';
    assert_true(cursor_name_valid(name));
    made = cursor_of("filter", 0);
    memset(long_filter, ' ', CURSOR_FILTER_MAX + 1);
    made.filter = long_filter;
    assert_refused(cursor_create(place->writer, &made, &error), ERROR_LIMIT);
    long_filter[CURSOR_FILTER_MAX] = '\0';
    assert_ok(cursor_create(place->writer, &made, &error));
}

static void cursors_are_counted_and_listed_in_order(void **state)
{
    struct place *place = *state;
    struct cursor listed[1000];
    struct error error;
    char after[CURSOR_NAME_MAX] = "";
    uint64_t seen = 0;
    size_t count;

    database_begin(place->writer);
    for (int i = 0; i < CURSORS_MAX; i++) {
        char name[16];
        struct cursor made;

        snprintf(name, sizeof(name), "c%05d", (i * 1237) % CURSORS_MAX);
        made = cursor_of(name, 0);
        assert_ok(cursor_create(place->writer, &made, &error));
    }
    struct cursor one_more = cursor_of("one-more", 0);
    assert_refused(cursor_create(place->writer, &one_more, &error), ERROR_TOO_MANY);
    assert_int_equal(cursor_count_of(place->writer, 1000), CURSORS_MAX);
    assert_int_equal(cursor_count_of(place->writer, 1001), 0);
    database_commit(place->writer);
    while ((count = cursor_list(place->writer, after, listed, 1000)) > 0) {
        for (size_t i = 0; i < count; i++) {
            char expected[16];

            snprintf(expected, sizeof(expected), "c%05d", (int)seen++);
            assert_string_equal(listed[i].name, expected);
            memcpy(after, listed[i].name, sizeof(after));
            cursor_close(&listed[i]);
        }
    }
    assert_int_equal(seen, CURSORS_MAX);
}

const struct CMUnitTest cursor_tests[] = {
    cmocka_unit_test_setup_teardown(cursor_comes_back_as_it_was_made, begin, end),
    cmocka_unit_test_setup_teardown(acknowledgement_never_moves_back, begin, end),
    cmocka_unit_test_setup_teardown(cursor_never_lies_after_the_newest_event, begin, end),
    cmocka_unit_test_setup_teardown(names_and_filters_have_limits, begin, end),
    cmocka_unit_test_setup_teardown(cursors_are_counted_and_listed_in_order, begin, end),
};
const size_t cursor_tests_count = sizeof(cursor_tests) / sizeof(cursor_tests[0]);
