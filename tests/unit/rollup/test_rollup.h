/* What the tests of the rollup's pure half share. */
#ifndef TESTS_TEST_ROLLUP_H
#define TESTS_TEST_ROLLUP_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#include <cmocka.h>

/* The same status, with the message when it is another one. */
#define assert_status(call, expected)                                                              \
    do {                                                                                           \
        enum status assert_got = (call);                                                           \
        if (assert_got != (expected))                                                              \
            fail_msg("%s: %s instead of %s", assert_got == OK ? "" : error.message,                \
                     status_name(assert_got), status_name(expected));                              \
    } while (0)

extern struct dice dice; /* from LAYERD_SEED, or the time; printed at the start */

/* A transaction of somebody who has an account there, signed; its nonce is the account's. */
struct item transfer(struct world *world, unsigned person, unsigned to, uint64_t amount, uint64_t fee);
struct item withdrawal(struct world *world, unsigned person, uint64_t amount, uint64_t fee);
struct item registration(struct world *world, unsigned person, unsigned whose, uint64_t fee);
struct item deposit(unsigned person, uint64_t amount); /* of asset 0, as all of these */
struct item forced_exit(unsigned person, uint64_t amount);
struct item exited(uint32_t account, uint64_t amount);
void sign_again(struct world *world, unsigned person, struct item *item);
uint32_t index_of(struct world *world, unsigned person); /* who must have an account */
uint64_t balance_of(struct world *world, unsigned person);

/* Two assets, the operator and three people (1 … 3) with 1000 of asset 0 each. */
struct world *world_small(void);

int codec_tests(void);
int machine_tests(void);
int judge_tests(void);
int batch_tests(void);
int fraud_tests(void);

#endif
