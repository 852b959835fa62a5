/* What every benchmark needs: the clock, samples with their median and percentiles, and the one form in which
 * results are printed: a JSON object a line on standard output. All prose goes to standard error. */
#ifndef BENCHMARK_MEASURE_H
#define BENCHMARK_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#define NANOSECONDS 1000000000 /* in a second */
#define REPETITIONS 5          /* of each measurement, interleaved with what it is compared with */

int64_t now_ns(void); /* monotonic; the same for all processes */
double seconds_since(int64_t begin_ns);
void sleep_ns(int64_t duration_ns);

/* Ends the program with a message. Children die with their parent. */
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A growing set of numbers. Zero-initialised is empty. */
struct samples {
    double *values;
    size_t count, capacity;
};
void samples_add(struct samples *samples, double value);
void samples_clear(struct samples *samples);
double samples_percentile(struct samples *samples, double percent); /* 50: the median; 0 when empty */
double samples_median(struct samples *samples);

/* One result. `better`: "higher" or "lower". */
void metric(const char *bench, const char *name, double value, const char *unit, const char *better);

#endif
