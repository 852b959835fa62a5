/* Dates are read by fixed patterns, digit by digit: no locale, no library that takes more than is asked. */
#include "network/transport/retry_after.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define NUMBER_MAX ((uint64_t)1000000000000000) /* larger ones count as this */
#define EPOCH_FROM ((uint64_t)1000000000)
#define DATE_MAX 64       /* the longest form has 40 bytes */

static void strip(const char **text, size_t *size)
{
    while (*size > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\t'))
        (*size)--;
}

static bool number_parse(const char *text, size_t size, uint64_t *number)
{
    strip(&text, &size);
    if (size == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > NUMBER_MAX)
            value = NUMBER_MAX;
    }
    *number = value;
    return true;
}

static int64_t bounded_wait(uint64_t seconds)
{
    uint64_t most = (uint64_t)(RETRY_AFTER_MAX_US / MICROSECONDS_PER_SECOND);
    return (int64_t)(seconds > most ? most : seconds) * MICROSECONDS_PER_SECOND;
}

static int64_t wait_until(int64_t second, int64_t wall_us)
{
    int64_t now = wall_us / MICROSECONDS_PER_SECOND;
    return second <= now ? 0 : bounded_wait((uint64_t)(second - now));
}

bool rate_limit_remaining_parse(const char *text, size_t size, uint64_t *remaining)
{
    return number_parse(text, size, remaining);
}

bool rate_limit_reset_parse(const char *text, size_t size, int64_t wall_us, int64_t *wait_us)
{
    uint64_t number;
    if (!number_parse(text, size, &number))
        return false;
    *wait_us = number < EPOCH_FROM ? bounded_wait(number) : wait_until((int64_t)number, wall_us);
    return true;
}

/* --- dates ---------------------------------------------------------------------------------------- */
struct cursor { const char *at, *end; };

static bool literal(struct cursor *c, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(c->end - c->at) < size || memcmp(c->at, text, size) != 0)
        return false;
    c->at += size;
    return true;
}

static bool digits(struct cursor *c, unsigned count, int *value)
{
    int number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9')
            return false;
        number = number * 10 + (*c->at++ - '0');
    }
    *value = number;
    return true;
}

static bool one_of(struct cursor *c, const char *const *names, int count, int *index)
{
    for (int i = 0; i < count; i++) {
        if (literal(c, names[i])) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool month(struct cursor *c, int *index)
{
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    return one_of(c, names, 12, index);
}

static bool short_day(struct cursor *c)
{
    static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    int index;
    return one_of(c, names, 7, &index);
}

static bool long_day(struct cursor *c)
{
    static const char *const names[] = { "Monday", "Tuesday", "Wednesday", "Thursday",
                                         "Friday", "Saturday", "Sunday" };
    int index;
    return one_of(c, names, 7, &index);
}

static bool time_of_day(struct cursor *c, struct tm *tm)
{
    return digits(c, 2, &tm->tm_hour) && literal(c, ":") && digits(c, 2, &tm->tm_min) && literal(c, ":")
           && digits(c, 2, &tm->tm_sec);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool fixed_date(struct cursor c, struct tm *tm)
{
    return short_day(&c) && literal(&c, ", ") && digits(&c, 2, &tm->tm_mday) && literal(&c, " ")
           && month(&c, &tm->tm_mon) && literal(&c, " ") && digits(&c, 4, &tm->tm_year) && literal(&c, " ")
           && time_of_day(&c, tm) && literal(&c, " GMT") && c.at == c.end;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT": a year that seems more than 50 years ahead is one of the past. */
static bool rfc850_date(struct cursor c, int year_now, struct tm *tm)
{
    if (!(long_day(&c) && literal(&c, ", ") && digits(&c, 2, &tm->tm_mday) && literal(&c, "-")
          && month(&c, &tm->tm_mon) && literal(&c, "-") && digits(&c, 2, &tm->tm_year) && literal(&c, " ")
          && time_of_day(&c, tm) && literal(&c, " GMT") && c.at == c.end))
        return false;
    tm->tm_year += year_now / 100 * 100;
    if (tm->tm_year > year_now + 50)
        tm->tm_year -= 100;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool asctime_date(struct cursor c, struct tm *tm)
{
    return short_day(&c) && literal(&c, " ") && month(&c, &tm->tm_mon) && literal(&c, " ")
           && (literal(&c, " ") ? digits(&c, 1, &tm->tm_mday) : digits(&c, 2, &tm->tm_mday))
           && literal(&c, " ") && time_of_day(&c, tm) && literal(&c, " ") && digits(&c, 4, &tm->tm_year)
           && c.at == c.end;
}

static bool date_parse(const char *text, size_t size, int64_t wall_us, int64_t *second)
{
    struct tm now, tm = { 0 };
    time_t wall = (time_t)(wall_us / MICROSECONDS_PER_SECOND);
    if (size > DATE_MAX || gmtime_r(&wall, &now) == NULL)
        return false;
    struct cursor c = { text, text + size };
    if (!fixed_date(c, &tm) && !rfc850_date(c, now.tm_year + 1900, &tm) && !asctime_date(c, &tm))
        return false;
    if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_mday < 1 || tm.tm_mday > 31)
        return false;
    int day = tm.tm_mday, leap_or_not = tm.tm_sec;
    tm.tm_year -= 1900;
    tm.tm_sec = 0;
    time_t minute = timegm(&tm);
    if (tm.tm_mday != day) /* 31 June */
        return false;
    *second = (int64_t)minute + leap_or_not;
    return true;
}

bool retry_after_parse(const char *text, size_t size, int64_t wall_us, int64_t *wait_us)
{
    uint64_t seconds;
    if (number_parse(text, size, &seconds)) {
        *wait_us = bounded_wait(seconds);
        return true;
    }
    strip(&text, &size);
    int64_t second;
    if (!date_parse(text, size, wall_us, &second))
        return false;
    *wait_us = wait_until(second, wall_us);
    return true;
}
