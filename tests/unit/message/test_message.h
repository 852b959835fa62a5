/* What the tests of messages share: a module that owns domains, a node with it, and withdrawals with their
 * proofs. */
#ifndef TESTS_TEST_MESSAGE_H
#define TESTS_TEST_MESSAGE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernel_fixture.h"
#include "message/message.h"

#include <cmocka.h>

#define HOUR (3600 * MICROSECONDS_PER_SECOND)

/* A fixture with the ledger, messages, and `owner`: its commands owner.open, owner.queue and so on do what
 * message.h offers to the module of a domain. */
extern const struct module *const owner_modules[];

/* The withdrawals of a domain as its own tree has them. */
#define WITHDRAWALS_MAX 256
struct withdrawals {
    size_t count;
    struct withdrawal made[WITHDRAWALS_MAX];
    struct hash leaves[WITHDRAWALS_MAX];
};
void withdrawals_add(struct withdrawals *w, unsigned asset, uint64_t amount,
                     const struct account_id *recipient);
/* The root of the first `count` of them, as 64 hex digits. */
void withdrawals_root(const struct withdrawals *w, size_t count, char root[65]);
/* What message.claim takes for number `number`, proved under the root of the first `count`. */
json_t *withdrawals_claim(const struct withdrawals *w, uint64_t domain, uint64_t number, size_t count);

uint64_t random_below(uint64_t *state, uint64_t bound);

int inbox_tests(void);
int claims_tests(void);
int invariants_tests(void);
int histories_tests(void);

/* --- a node with one domain of one asset ------------------------------------------------------- */
struct scene {
    struct fixture f;
    uint64_t domain;
    struct withdrawals withdrawals;
};
int scene_setup(void **state);
int scene_teardown(void **state); /* audits and replays */
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

/* A command of the owner about the domain, as alice; `more` begins with a comma. Audits. */
void run(struct scene *s, const char *method, const char *more, ...) PRINTF_LIKE(3, 4);
uint64_t balance(struct scene *s, const char *who);
uint64_t escrowed(struct scene *s);
/* A deposit that a final batch took in. */
void deposit(struct scene *s, uint64_t amount);

#endif
