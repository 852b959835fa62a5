/* A room of rollups for the tests of games: the functions of rollup.h, over rows of its own, with a trace
 * that is a chain of hashes, so that everybody can compute it, rightly or wrongly, and no step needs more
 * than a word as its witness. A batch's `items` are its game's depth; its root is the trace's last value. */
#ifndef TESTS_STAND_IN_H
#define TESTS_STAND_IN_H

#include <stdatomic.h>

#include "base/clock.h"
#include "layer2/rollup/rollup.h"

#define SECOND MICROSECONDS_PER_SECOND
#define STAND_IN_WITNESS "the step"
#define STAND_IN_PROOF "a typed proof"
#define NEVER_LIES UINT64_MAX

/* Of every rollup here. */
#define CHALLENGE_US (400 * SECOND)
#define CLOCK_US (100 * SECOND)
#define EXTENSION_US (10 * SECOND)
#define STEP_EXTENSION_US (5 * SECOND)
#define AIR_GAP_US (50 * SECOND)
#define PAYOUT_US (20 * SECOND)
#define BOND_BASE 1000
#define BURN_PPM 100000

/* test.rollup {}; test.propose {domain, parent, depth, root, typed}; test.freeze {domain}. */
extern const struct module stand_in_module;
extern atomic_bool stand_in_not_ready; /* rollup_with_state refuses */

void stand_in_context(struct hash *out, uint64_t domain, uint64_t number, const struct hash *parent);
/* The trace's value after this step, as somebody tells it who lies from step `lie_from` on. */
void stand_in_value(struct hash *out, const struct hash *context, uint64_t index, uint64_t lie_from,
                    uint64_t seed);

#endif
