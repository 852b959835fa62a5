/* Whoever plays in disputes with a key of his own: what the policy says is signed here and submitted, as far
 * as the stake goes. */
#ifndef WATCH_PLAYER_H
#define WATCH_PLAYER_H

#include "layer2/optimistic/policy.h"
#include "watch/follower.h"

#define SETTLED_MOST 256u

struct player {
    const struct layerd_key *key;
    struct account_id own;
    uint64_t max_stake;
    const struct watch_listener *listener;
    struct node *node;
    struct published_node now;  /* as read in this look */
    uint64_t ended_to;          /* no bond of ours is locked in games begun up to this event */
    struct settled {            /* games in which nothing is to be done until there are more claims */
        struct hash game;
        uint32_t claims;
    } settled[SETTLED_MOST];
    size_t settled_count, settled_next;
};

/* What came of it. */
struct played {
    unsigned done;      /* commands that were taken */
    bool could_not;     /* something that is needed could not be done */
    bool waits;         /* something is under way, and goes on by itself in a moment */
};

/* Nothing is to be done in this game until it has more claims. */
MUST_CHECK bool player_has_settled(const struct player *player, const struct published_game_line *game);
/* One look at a batch that was executed; `right` tells what was found. `game`: the one that runs about it;
 * NULL: none. Fails when the node does not answer, or serves what does not fit (ERROR_CORRUPT). */
MUST_CHECK enum status player_look(struct player *player, struct follower *follower,
                                   const struct published_batch *batch, bool right,
                                   const struct published_game_line *game,
                                   struct played *played, struct error *error);

#endif
