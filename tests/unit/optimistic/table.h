/* A node with a rollup (stand_in.h) and people who dispute its batches. */
#ifndef TESTS_TABLE_H
#define TESTS_TABLE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/honest.h"
#include "stand_in.h"

#include <cmocka.h>

#define RICH 1000000 /* what everybody begins with */

struct table {
    struct fixture f;
    uint64_t domain;
    unsigned depth;
    struct hash batch, context; /* at hand */
    char batch_hex[65];
    struct hash game;
    char game_hex[65];
    char watcher[80]; /* address of the node's own account */
};

/* Paul's rollup, and GOLD for paul, carol, dave, erin, frank; `watcher_funds` for the node's own account. */
void table_open(struct table *t, uint64_t watcher_funds);
void table_close(struct table *t); /* after all invariants and a replay */

/* A batch whose trace lies from this step on; it becomes the one at hand. */
void propose(struct table *t, const char *who, unsigned depth, uint64_t lie_from, bool typed);
void propose_child(struct table *t, const char *who, unsigned depth, uint64_t lie_from);
struct hash value_at(const struct table *t, uint64_t index, uint64_t lie_from);
/* With the value half way, as this trace has it. */
enum status challenge(struct table *t, const char *who, uint64_t lie_from);
enum status move_at(struct table *t, const char *who, uint32_t parent, const char *kind,
                    const struct hash *value);
enum status step_at(struct table *t, const char *who, uint32_t claim, const char *kind, const char *witness);

/* The game that is at hand now; false: there is none. */
bool find_game(struct table *t);
void read_game(struct table *t, struct dispute *d); /* close it */
/* All moves of somebody with this trace, once; how many were taken. */
unsigned play_all(struct table *t, const char *who, uint64_t lie_from);
/* Until the watcher has nothing left to do in the game at hand. */
void await_watcher(struct table *t);
/* Until the query gives this number; the clock moves on meanwhile, so that sweeps run. */
void await_sql(struct table *t, const char *sql, int64_t expected);

void advance(struct table *t, int64_t by_us);
void nudge(struct table *t); /* time for a sweep */
int64_t held_by(struct table *t, const char *address);
int64_t held_by_person(struct table *t, const char *who);
const char *batch_state(struct table *t);
/* Everything that is due in the game at hand, until its bonds are paid. */
void play_out(struct table *t);

#define assert_status(expected, call) assert_string_equal(status_name(call), status_name(expected))

int dispute_tests(void);
int fraud_tests(void);
int random_tests(void);
int stake_tests(void);
int watcher_tests(void);

#endif
