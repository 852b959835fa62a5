/* What becomes of a batch, pure: states, what moves between them, and what a proposer may propose. No rows,
 * no clock: times are parameters, µs of chain time. `now >= deadline` is over everywhere. */
#ifndef LAYER2_ROLLUP_RULES_H
#define LAYER2_ROLLUP_RULES_H

#include "layer2/rollup/rollup.h"

#define BATCH_STATES ((unsigned)BATCH_VOIDED + 1)
/* Batches that are not final, at most: what one rejection takes back in one transaction stays bounded. */
#define UNFINAL_MAX 16384u

enum batch_event {
    BATCH_EVENT_CHALLENGE,     /* a game about it began */
    BATCH_EVENT_DEFEND,        /* and ended in its favour */
    BATCH_EVENT_ACCEPT,
    BATCH_EVENT_FINALIZE,
    BATCH_EVENT_REJECT,        /* it was wrong */
    BATCH_EVENT_REJECT_PARENT, /* one below it was */
    BATCH_EVENT_VOID,          /* the rollup was frozen */
};
#define BATCH_EVENTS ((unsigned)BATCH_EVENT_VOID + 1)

/* False: a batch in this state cannot come to that; *next is untouched. */
MUST_CHECK bool batch_next(enum batch_state state, enum batch_event event, enum batch_state *next);

/* It counts: neither rejected, nor with a parent that was, nor voided. */
bool batch_stands(enum batch_state state);
bool batch_is_over(enum batch_state state); /* nothing moves it any more */

/* `parent` is NULL for the first batch. */
bool batch_may_accept(const struct batch_row *row, const enum batch_state *parent, int64_t now_us);
bool batch_may_finalize(const struct batch_row *row, const enum batch_state *parent, int64_t air_gap_us,
                        int64_t now_us);
bool batch_may_challenge(const struct batch_row *row, int64_t now_us);

/* How far a batch must reach at least, in inbox items, when those before `overdue_end` are overdue. */
uint64_t inbox_least(uint64_t from, uint64_t overdue_end);

#endif
