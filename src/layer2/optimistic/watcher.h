/* The watcher: plays for this node's own account whenever a batch is wrong, or a game is about one that this
 * node has executed. It keeps nothing: each look at a batch reads rows, asks the rollup for the true trace,
 * and submits the moves that are missing. Whoever kills the node at any point loses nothing by it, and two
 * nodes that share one key play one game.
 *
 * A look runs on a worker, one at a time. It is asked for when a verdict is known, when a game has changed,
 * and by a sweep over all that is open: after a restart, when funds came, or when something was refused for
 * the moment. */
#ifndef LAYER2_OPTIMISTIC_WATCHER_H
#define LAYER2_OPTIMISTIC_WATCHER_H

#include "kernel/kernel.h"
#include "layer2/optimistic/honest.h"

#define WATCHER_SWEEP "optimistic.watch"

void *watcher_open(struct kernel *kernel, struct database *database);
void watcher_close(void *watcher);
/* Reactions; subject: the batch. */
void watcher_changed(struct execution *x, struct bytes subject);
int64_t watcher_sweep(struct execution *x);

/* What was settled for lack of something is looked at again. */
void watcher_forget(struct kernel *kernel);

/* What a look could not pay: it is in vain to look again before the account has more or less of that. */
struct watcher_lack {
    bool is_there;
    struct asset_id asset;
    uint64_t held;
};

/* One look at a batch. True: nothing is left to be done until something changes, but for what it lacks. */
MUST_CHECK bool watcher_look(struct kernel *kernel, struct database *reader, const struct hash *batch,
                             struct watcher_lack *lack);

/* What a game was like at a look: when that has not changed, there is no need for another one. */
struct watcher_state {
    struct hash game; /* zero: none runs */
    uint32_t claims, steps;
};
void watcher_state_read(struct database *database, const struct hash *batch, struct watcher_state *state);

#endif
