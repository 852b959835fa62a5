/* What the ledger's tests share: a node with the ledger alone, and the groups of tests. */
#ifndef TESTS_TEST_LEDGER_H
#define TESTS_TEST_LEDGER_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "ledger/ledger.h"

#include <cmocka.h>

#define SECOND MICROSECONDS_PER_SECOND

/* Each test of a group gets a fresh node on dev; *state is its struct fixture. */
int ledger_setup(void **state);
int ledger_teardown(void **state);

/* What `who` (a name, or an address) holds of an asset on the base ledger, by the query. */
uint64_t held(struct fixture *f, const char *who, const char *symbol);

/* The seed of LAYERD_SEED, or one from the clock, printed so that a failure can be repeated. */
uint64_t random_seed(const char *test);
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t bound);

/* A preimage that follows from a number, and its hash, both as 64 hex digits. */
void preimage_of(uint64_t number, char preimage[65], char hash[65]);

/* The newest event's seq, type and body as "type body". Owned by the caller. */
char *newest_event(struct fixture *f);

int rules_tests(void);
int commands_tests(void);
int escrow_tests(void);
int queries_tests(void);
int invariants_tests(void);
int above_tests(void);
int oracle_tests(void);
int histories_tests(void);

#endif
