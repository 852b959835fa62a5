/* The groups of the API's tests. Each runs its tests and returns how many failed. */
#ifndef TESTS_API_H
#define TESTS_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail     /* a function of the kernel */
#undef fail_msg /* which used it */
#define give_up(...)                   \
    do {                               \
        print_error(__VA_ARGS__);      \
        print_error("\n");             \
        _fail(__FILE__, __LINE__);     \
    } while (0)

#include "base/json.h"

int budget_tests(void);
int line_tests(void);
int request_tests(void);
int filter_tests(void);
int ring_tests(void);
int subscriber_tests(void);
int cloudevents_tests(void);
int event_request_tests(void);
int kept_tests(void);
int rpc_socket_tests(void);
int event_socket_tests(void);

/* JSON text with ' for ", so that it can be read. The value is the caller's. */
json_t *quoted(const char *text);

/* A small generator, so that a seed tells the whole history (xorshift64*). */
struct luck { uint64_t state; };
struct luck luck_new(void); /* seeded by LAYERD_TEST_SEED or the clock; prints the seed */
uint64_t luck_below(struct luck *luck, uint64_t limit);

#endif
