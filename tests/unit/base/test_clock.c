/* Times and durations as text. */
#include "support.h"

#include <time.h>

#include "base/clock.h"

#define SECOND MICROSECONDS_PER_SECOND

static void assert_text(int64_t time_us, const char *expected)
{
    char text[TIME_TEXT_MAX];
    time_text(text, time_us);
    assert_string_equal(text, expected);
}

static void known_times_read_as_they_should(void **state)
{
    (void)state;
    assert_text(0, "1970-01-01T00:00:00.000000Z");
    assert_text(951782400 * SECOND, "2000-02-29T00:00:00.000000Z");
    assert_text(1795214583 * SECOND + 123456, "2026-11-20T22:43:03.123456Z");
    assert_text(4107542399 * SECOND + 999999, "2100-02-28T23:59:59.999999Z");
    assert_text(4107542400 * SECOND, "2100-03-01T00:00:00.000000Z");
    assert_text(-1, "1969-12-31T23:59:59.999999Z");
    assert_text(-86400 * SECOND, "1969-12-31T00:00:00.000000Z");
}

static void times_far_outside_show_as_the_nearest(void **state)
{
    (void)state;
    assert_text(INT64_MAX, "9999-12-31T23:59:59.999999Z");
    assert_text(INT64_MIN, "0000-01-01T00:00:00.000000Z");
}

static void texts_agree_with_the_system_and_parse_back(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    for (int round = 0; round < 20000; round++) {
        int64_t seconds = (int64_t)random_below(&random, 7289654400); /* to 2200-12-31 */
        int64_t fraction = (int64_t)random_below(&random, 1000000), back;
        time_t moment = (time_t)seconds;
        struct tm parts;
        char expected[64], text[TIME_TEXT_MAX];
        gmtime_r(&moment, &parts);
        size_t length = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(expected + length, sizeof expected - length, ".%06dZ", (int)fraction);
        time_text(text, seconds * SECOND + fraction);
        assert_string_equal(text, expected);
        assert_true(time_parse(text, &back));
        assert_true(back == seconds * SECOND + fraction);
    }
}

static void times_parse_with_and_without_fraction_and_as_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_us;
    } cases[] = {
        { "1970-01-01", 0 },
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-20", 1795132800 * SECOND },
        { "2026-11-20T22:43:03Z", 1795214583 * SECOND },
        { "2026-11-20T22:43:03.5Z", 1795214583 * SECOND + 500000 },
        { "2026-11-20T22:43:03.000001Z", 1795214583 * SECOND + 1 },
        { "2000-02-29T23:59:59.999999Z", 951868799 * SECOND + 999999 },
        { "2200-12-31T23:59:59Z", 7289654399 * SECOND },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t time_us;
        assert_true(time_parse(cases[i].text, &time_us));
        assert_true(time_us == cases[i].time_us);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "x", "2026", "2026-11", "2026-11-2", "2026-1-20", "26-11-20", "2026-11-20T", "2026-11-20Z",
        "2026-11-20T22:43Z", "2026-11-20T22:43:03", "2026-11-20T22:43:03.Z", "2026-11-20T22:43:03.1234567Z",
        "2026-11-20T22:43:03+00:00", "2026-11-20T22:43:03Zx", "2026-11-20 22:43:03Z", "2026-11-20t22:43:03z",
        "2026-00-20", "2026-13-20", "2026-11-00", "2026-11-31", "2026-02-29", "2100-02-29",
        "2026-11-20T24:00:00Z", "2026-11-20T22:60:00Z", "2026-11-20T22:43:60Z", "1969-12-31", "2201-01-01",
        "-026-11-20", "+026-11-20",
        " 2026-11-20", "2026-11-20 ", "2026/11/20", "2026-11-20T-1:00:00Z", "2026-11-20T22:43:03.-1Z",
    };
    int64_t time_us = 42;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (time_parse(texts[i], &time_us))
            fail_msg("'%s' was taken for a time", texts[i]);
        assert_true(time_us == 42);
    }
}

static void durations_take_a_number_and_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        { "250us", 250 }, { "1500ms", 1500000 }, { "90s", 90 * SECOND }, { "10m", 600 * SECOND },
        { "2h", 7200 * SECOND }, { "7d", 604800 * SECOND }, { "0s", 0 }, { "1000d", 86400000 * SECOND },
        { "24000h", 86400000 * SECOND }, { "86400000000000us", 86400000 * SECOND },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us;
        assert_true(duration_parse(cases[i].text, &us));
        assert_true(us == cases[i].us);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "5", "s", "ms", "-5s", "+5s", "1.5s", " 5s", "5 s", "5s ", "5S", "5sec", "1001d", "24001h",
        "86400000000001us", "99999999999999999999999d", "5ss", "1h30m", "5w", "1e3s", "0x5s",
    };
    int64_t us = 42;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (duration_parse(texts[i], &us))
            fail_msg("'%s' was taken for a duration", texts[i]);
        assert_true(us == 42);
    }
}

static void clocks_run_forward(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_wall_us() > 1700000000 * SECOND);
}

int clock_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_read_as_they_should),
        cmocka_unit_test(times_far_outside_show_as_the_nearest),
        cmocka_unit_test(texts_agree_with_the_system_and_parse_back),
        cmocka_unit_test(times_parse_with_and_without_fraction_and_as_dates),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(durations_take_a_number_and_a_unit),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
