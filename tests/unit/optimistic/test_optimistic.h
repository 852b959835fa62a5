/* What the dispute game's tests share: parameters, people, a small machine with its trace, and moves. */
#ifndef TESTS_TEST_OPTIMISTIC_H
#define TESTS_TEST_OPTIMISTIC_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer2/optimistic/honest.h"

#include <cmocka.h>

/* The same status, with the message when it is another one. */
#define assert_status(call, expected)                                                              \
    do {                                                                                           \
        enum status assert_got = (call);                                                           \
        if (assert_got != (expected))                                                              \
            fail_msg("%s: %s instead of %s", error.message, status_name(assert_got),               \
                     status_name(expected));                                                       \
    } while (0)

#define NOW_US INT64_C(1000000)
#define CLAIMS 512u /* room in a test's game */

/* Depth 4, split at 2, clock 1000 µs, extension 100, 30 more before a step, air gap 500, payout 200, bonds
 * 100 · (3/2)^depth, nothing burned. */
struct game_params params_small(void);
struct account_id person(unsigned number);

#define MACHINE_DEPTH_MAX 7 /* of a machine with more than one state */
/* A machine of a few states. Its trace is right up to `wrong_from`, where one who lies departs from it;
 * values name their step, so that no two steps share one. */
struct machine {
    uint64_t seed;
    unsigned states;              /* few: different states may lead to the same one */
    bool lying;
    unsigned __int128 wrong_from;
    unsigned depth;
    bool known;                   /* `trace` is made */
    unsigned char trace[1 << MACHINE_DEPTH_MAX];
};
struct hash machine_value(const struct machine *machine, unsigned __int128 index, unsigned state);
struct hash machine_truth(struct machine *machine, unsigned __int128 index); /* as this machine tells it */
struct hash machine_prestate(const struct machine *machine);
struct honest_trace machine_trace(struct machine *machine);
struct step_judge machine_judge(struct machine *machine);

/* A move that quotes its parent and pays its bond. */
struct move move_of(const struct game *game, enum move_kind kind, uint32_t parent, const struct hash *value,
                    unsigned mover);
struct hash value_of(unsigned number);
/* The number of the claim made; a refusal fails the test. */
uint32_t make(struct game *game, enum move_kind kind, uint32_t parent, unsigned value, unsigned mover,
              int64_t now_us);

/* The seed of LAYERD_SEED, or one from the clock, printed so that a failure can be repeated. */
uint64_t random_seed(const char *test);
uint64_t random_below(uint64_t *state, uint64_t bound);

int clock_tests(void);
int ending_tests(void);
int honest_tests(void);
int move_tests(void);
int position_tests(void);

#endif
