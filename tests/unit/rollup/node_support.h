/* What the tests of the rollup's module share: a whole node that operates a rollup, people with value in it,
 * time that passes, and batches as a liar would propose them. */
#ifndef TESTS_ROLLUP_NODE_SUPPORT_H
#define TESTS_ROLLUP_NODE_SUPPORT_H

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
#include "layer2/rollup/lane.h"
#include "layer2/rollup/rules.h"

#include <cmocka.h>

#define SECOND MICROSECONDS_PER_SECOND
#define BOND 1000
#define JAIL (262 * SECOND) /* 3 d / 1000, and a little */

struct scene {
    struct fixture f;
    uint64_t domain;
    struct hash rollup;
    unsigned submitted; /* transactions */
};

/* Keys of alice, bob and carol are kept; the node's own account has funds, and operates a rollup for DEV.
 * Batches are made when asked for: by time alone, 10 s. */
void scene_open(struct scene *s);
/* The same with more terms of rollup.create, as ",'burn_ppm':0"; %s in them is the node's own account. */
void scene_open_with(struct scene *s, const char *terms);
void scene_add_module(const struct module *module); /* to all scenes from now on */
void scene_close(struct scene *s); /* audits, replays, rebuilds */
void scene_restart(struct scene *s);
/* The same on a copy of the files as they lie there now, as if the power had gone. */
void scene_crash(struct scene *s);

/* By the node's own account; the result is the caller's. */
json_t *own_do(struct scene *s, const char *method, const char *format, ...) PRINTF_LIKE(3, 4);
void own_refused(struct scene *s, enum status code, const char *method, const char *format, ...)
    PRINTF_LIKE(4, 5);

void pass(struct scene *s, int64_t us);   /* chain time as well, in steps */
/* Time for the node's workers, and more from round to round: on a busy machine too, chain time is to pass no
 * faster than they can follow. */
void rest(unsigned round);
/* What rollup.exit_proof answers as soon as the lane is not at work; the caller's. */
json_t *exit_proof_of(struct scene *s, const char *who);
void settle(struct scene *s);             /* until this node is up to the head */
void make_batch(struct scene *s);         /* of what waits; until it is executed */
void deposit(struct scene *s, const char *who, uint64_t amount);
/* Made and submitted by the key of this node; its id. */
struct hash transfer(struct scene *s, const char *from, const char *to, uint64_t amount);
struct hash withdraw(struct scene *s, const char *from, uint64_t amount);
int64_t inside(struct scene *s, const char *who); /* balance; −1: no account */
int64_t base_balance(struct scene *s, const char *who);
char *transaction_state(struct scene *s, const struct hash *id); /* "pending", …; the caller's */
int64_t number_of(struct scene *s, const char *sql); /* one integer; ?1 is the domain */
void wait_until(struct scene *s, const char *sql, int64_t value);
void check_rebuild(struct scene *s);
/* Everything that makes up the rollup here, as one hash: leaves, mempool, inbox, head, withdrawals. */
struct hash fingerprint(struct scene *s);

int create_tests(void);
int story_tests(void);
int refusal_tests(void);
int rollback_tests(void);
int availability_tests(void);
int committee_tests(void);
int rules_tests(void);
int escape_tests(void);
int lane_tests(void);
int unfreeze_tests(void);
int bounds_tests(void);

#endif
