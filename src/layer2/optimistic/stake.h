/* What the watcher may put at stake: the operator's policies, and the limits where he said nothing. Anybody
 * can make a rollup, with clocks and bonds as he likes, and propose wrong batches in it: this node tells of
 * them in any case, but only so much of its account is held for strangers' rollups, and for so long.
 *
 * A game is entered when the bonds along its longest way down (policy_reserve) are there and in the limit;
 * so much stays set aside for it while it runs. Each move's bond must be within the limit as well. Whoever
 * proposed the batch himself defends it without a limit, unless there is a policy for that rollup: its bond
 * is at stake already, and nobody else could put it there. */
#ifndef LAYER2_OPTIMISTIC_STAKE_H
#define LAYER2_OPTIMISTIC_STAKE_H

#include "kernel/execution.h"
#include "layer2/rollup/rollup.h"

/* Where no policy says otherwise. */
#define WATCH_SHARE 2       /* strangers' rollups, all together: half of the account */
#define WATCH_LOCK_DAYS 30  /* from a game's beginning to its payments at the latest, chain time */

enum stake_bar {
    STAKE_FREE,   /* nothing bars the move */
    STAKE_FUNDS,  /* the account has not got it */
    STAKE_LIMIT,  /* it is more than may be at stake */
    STAKE_LOCK,   /* a bond could be held for too long */
    STAKE_POLICY, /* the operator wants no game about this rollup */
};
const char *stake_bar_name(enum stake_bar bar);

struct stake {
    const struct rollup *rollup;
    const struct batch_row *batch;
    const struct hash *game; /* NULL: it would begin with the move */
    unsigned max_depth;      /* of the game */
    uint64_t bond;           /* of the move */
    /* Told where something bars the move. */
    uint64_t needed;         /* so much would be at stake, or must be there; STAKE_LOCK: µs */
    uint64_t limit;          /* of what is allowed, or there; STAKE_LOCK: µs */
    uint64_t held;           /* by the account */
};
enum stake_bar stake_check(struct database *database, const struct account_id *own, struct stake *stake);

/* How long a bond can be held, whatever anybody does. */
int64_t stake_lock_us(const struct game_params *params);

#endif
