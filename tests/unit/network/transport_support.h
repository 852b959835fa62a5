/* What the tests of the transport share: cmocka's includes and seeded randomness whose seed is printed. */
#ifndef TESTS_NETWORK_TRANSPORT_SUPPORT_H
#define TESTS_NETWORK_TRANSPORT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* splitmix64. LAYERD_SEED repeats a failed run. */
static inline uint64_t seed_of(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003;
    print_message("%s: LAYERD_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

#endif
