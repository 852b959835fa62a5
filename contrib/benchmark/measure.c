/* The clock, samples and results: see measure.h. */
#include "measure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

double seconds_since(int64_t begin_ns)
{
    return (double)(now_ns() - begin_ns) / NANOSECONDS;
}

void sleep_ns(int64_t duration_ns)
{
    struct timespec left = { .tv_sec = duration_ns / NANOSECONDS, .tv_nsec = duration_ns % NANOSECONDS };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("  ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void fatal(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity == 0 ? 64 : samples->capacity * 2;
        samples->values = memory_resize(samples->values, samples->capacity * sizeof(*samples->values));
    }
    samples->values[samples->count++] = value;
}

void samples_clear(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){ 0 };
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double samples_percentile(struct samples *samples, double percent)
{
    double place;
    size_t below;

    if (samples->count == 0)
        return 0;
    qsort(samples->values, samples->count, sizeof(*samples->values), compare);
    place = percent / 100 * (double)(samples->count - 1);
    below = (size_t)place;
    if (below + 1 == samples->count)
        return samples->values[below];
    return samples->values[below] +
           (place - (double)below) * (samples->values[below + 1] - samples->values[below]);
}

double samples_median(struct samples *samples)
{
    return samples_percentile(samples, 50);
}

void metric(const char *bench, const char *name, double value, const char *unit, const char *better)
{
    printf("{\"bench\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"better\":\"%s\"}\n", bench,
           name, value, unit, better);
    fflush(stdout);
}
