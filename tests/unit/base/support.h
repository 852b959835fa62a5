/* What the tests of base share: cmocka's includes, seeded randomness whose seed is printed, and calls that
 * must end the process. */
#ifndef TESTS_BASE_SUPPORT_H
#define TESTS_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A small generator (xorshift64*): the same seed gives the same test everywhere. LAYERD_SEED repeats a failed
 * one. */
struct random {
    uint64_t state;
};

struct random random_start(const char *test); /* prints test and seed */
uint64_t random_next(struct random *random);
size_t random_below(struct random *random, size_t bound);
void random_bytes(struct random *random, void *out, size_t size);

/* Valid UTF-8 without NUL, from any plane, at most 4 bytes a character; returns its size. */
size_t random_text(struct random *random, char *out, size_t characters);

/* Runs `body` in a child, and gives how it ended: the signal, or 256 + its exit code; what it wrote to
 * standard error. */
#define ENDED_BY_EXIT 256
int ending_of(void (*body)(void), char *said, size_t size);
void assert_aborts(void (*body)(void), const char *saying);

/* Each runs its group of tests and gives the number that failed. */
int status_tests(void);
int bytes_tests(void);
int memory_tests(void);
int buffer_tests(void);
int writer_tests(void);
int json_tests(void);
int bech32_tests(void);
int clock_tests(void);
int log_tests(void);
int queue_tests(void);
int workers_tests(void);

#endif
