/* What the channels' tests share: participants with keys, fixed parts, states, signatures, and the groups of
 * tests. */
#ifndef TESTS_TEST_CHANNEL_H
#define TESTS_TEST_CHANNEL_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "layer2/channel/application.h"
#include "layer2/channel/applications/applications.h"
#include "layer2/channel/payout.h"
#include "layer2/channel/rules.h"

#include <cmocka.h>

#define MINUTE (60 * MICROSECONDS_PER_SECOND)

/* The same status, with the message when it is another one. */
#define assert_status(call, expected)                                                              \
    do {                                                                                           \
        enum status assert_got = (call);                                                           \
        if (assert_got != (expected))                                                              \
            fail_msg("%s: %s instead of %s", error.message, status_name(assert_got),               \
                     status_name(expected));                                                       \
    } while (0)

/* Key of a number ≥ 1, by which tests name people without a node. */
struct account_id account_number(unsigned number);

/* A channel of participants 1 … count for one asset; period 10 min, limit 30 min. */
struct channel_fixed fixed_of(size_t participants, const char *application);

/* A state with one simple entry for each participant (amounts end with UINT64_MAX). `all` has room for
 * CHANNEL_ALLOCATIONS_MAX. */
struct channel_state state_of(const struct channel_fixed *fixed, uint64_t turn, const uint64_t *amounts,
                              struct allocation *all);

/* The seed of LAYERD_SEED, or one from the clock, printed so that a failure can be repeated. */
uint64_t random_seed(const char *test);
uint64_t random_below(uint64_t *state, uint64_t bound);

int adjudicator_tests(void);
int application_tests(void);
int dispute_tests(void);
int kit_tests(void);
int life_tests(void);
int party_tests(void);
int play_tests(void);
int rules_tests(void);
int safe_tests(void);
int vector_tests(void);
int virtual_tests(void);
int withdrawal_tests(void);

#endif
