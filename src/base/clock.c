/* The clocks, and times as text. Calendar arithmetic is our own (proleptic Gregorian, UTC, no leap seconds,
 * as POSIX counts): it runs for every event written and must not depend on locale or time zone. */
#include "base/clock.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define SECONDS_PER_DAY ((int64_t)86400)
#define DAYS_PER_ERA ((int64_t)146097)       /* 400 years, after which the calendar repeats */
#define DAYS_TO_1970 ((int64_t)719468)       /* from 0000-03-01 */
#define TIME_TEXT_FIRST ((int64_t)-62167219200000000) /* 0000-01-01T00:00:00.000000Z */
#define TIME_TEXT_LAST ((int64_t)253402300799999999)  /* 9999-12-31T23:59:59.999999Z */
#define YEAR_FIRST 1970
#define YEAR_LAST 2200
#define FRACTION_DIGITS 6
#define DURATION_MAX_US (1000 * SECONDS_PER_DAY * MICROSECONDS_PER_SECOND)

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    INVARIANT(clock_gettime(clock, &now) == 0, "the system has no clock %d", (int)clock);
    return (int64_t)now.tv_sec * MICROSECONDS_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* Years are counted from 1 March, so that the day added in a leap year is the last one. */
static void date_of_day(int64_t day, int *year, int *month, int *day_of_month)
{
    int64_t from_era_zero = day + DAYS_TO_1970;
    int64_t era = (from_era_zero >= 0 ? from_era_zero : from_era_zero - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t in_era = from_era_zero - era * DAYS_PER_ERA;
    int64_t year_in_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year_in_era + year_in_era / 4 - year_in_era / 100);
    int64_t march_month = (5 * in_year + 2) / 153; /* 0: March … 11: February */

    *day_of_month = (int)(in_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_in_era + era * 400 + (*month <= 2));
}

static int64_t day_of_date(int year, int month, int day_of_month)
{
    int64_t march_year = year - (month <= 2);
    int64_t era = march_year / 400, year_in_era = march_year % 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day_of_month - 1;
    int64_t in_era = year_in_era * 365 + year_in_era / 4 - year_in_era / 100 + in_year;
    return era * DAYS_PER_ERA + in_era - DAYS_TO_1970;
}

static char *put_digits(char *out, unsigned value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

void time_text(char out[TIME_TEXT_MAX], int64_t time_us)
{
    if (time_us < TIME_TEXT_FIRST)
        time_us = TIME_TEXT_FIRST;
    if (time_us > TIME_TEXT_LAST)
        time_us = TIME_TEXT_LAST;

    int64_t day_us = SECONDS_PER_DAY * MICROSECONDS_PER_SECOND;
    int64_t day = time_us / day_us, in_day = time_us % day_us;
    if (in_day < 0) {
        in_day += day_us;
        day--;
    }
    int year, month, day_of_month;
    date_of_day(day, &year, &month, &day_of_month);
    unsigned second = (unsigned)(in_day / MICROSECONDS_PER_SECOND);

    char *at = put_digits(out, (unsigned)year, 4);
    *at++ = '-';
    at = put_digits(at, (unsigned)month, 2);
    *at++ = '-';
    at = put_digits(at, (unsigned)day_of_month, 2);
    *at++ = 'T';
    at = put_digits(at, second / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second % 60, 2);
    *at++ = '.';
    at = put_digits(at, (unsigned)(in_day % MICROSECONDS_PER_SECOND), FRACTION_DIGITS);
    *at++ = 'Z';
    *at = '\0';
}

/* Reads exactly `digits` digits and the character behind them (when it is not 0), moving *text on. */
static bool take_number(const char **text, int digits, char behind, int *value)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        char character = (*text)[i];
        if (character < '0' || character > '9')
            return false;
        number = number * 10 + (character - '0');
    }
    if (behind != '\0' && (*text)[digits] != behind)
        return false;
    *text += digits + (behind != '\0');
    *value = number;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* ".25" is 250,000 µs: what stands behind the last digit given counts as zeros. */
static bool take_fraction(const char **text, int64_t *fraction_us)
{
    int64_t value = 0;
    int digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < FRACTION_DIGITS; (*text)++, digits++)
        value = value * 10 + (**text - '0');
    if (digits == 0)
        return false;
    for (; digits < FRACTION_DIGITS; digits++)
        value *= 10;
    *fraction_us = value;
    return true;
}

bool time_parse(const char *text, int64_t *time_us)
{
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction_us = 0;
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month)
        || !take_number(&text, 2, '\0', &day))
        return false;
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1
        || day > days_in_month(year, month))
        return false;
    if (*text == 'T') {
        text++;
        if (!take_number(&text, 2, ':', &hour) || !take_number(&text, 2, ':', &minute)
            || !take_number(&text, 2, '\0', &second) || hour > 23 || minute > 59 || second > 59)
            return false;
        if (*text == '.') {
            text++;
            if (!take_fraction(&text, &fraction_us))
                return false;
        }
        if (*text++ != 'Z')
            return false;
    }
    if (*text != '\0')
        return false;
    int64_t seconds = day_of_date(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    *time_us = seconds * MICROSECONDS_PER_SECOND + fraction_us;
    return true;
}

bool duration_parse(const char *text, int64_t *duration_us)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {
        { "us", 1 },
        { "ms", 1000 },
        { "s", MICROSECONDS_PER_SECOND },
        { "m", 60 * MICROSECONDS_PER_SECOND },
        { "h", 3600 * MICROSECONDS_PER_SECOND },
        { "d", SECONDS_PER_DAY * MICROSECONDS_PER_SECOND },
    };
    int64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > DURATION_MAX_US)
            return false;
    }
    if (at == text)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(at, units[i].name) == 0) {
            if (number > DURATION_MAX_US / units[i].us)
                return false;
            *duration_us = number * units[i].us;
            return true;
        }
    }
    return false;
}
