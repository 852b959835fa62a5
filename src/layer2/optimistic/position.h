/* Positions in a dispute game, pure: nodes of a binary tree as generalized indices, root 1, and what a claim
 * there commits to (OP Stack, LibPosition; the vectors in op-positions.json).
 *
 * A tree of depth D has 2^D leaves: the steps of a trace. A claim at a position commits to the trace up to
 * and including the right-most leaf under it, its trace index. An attack goes to the left child: half as much
 * of the trace, from its beginning. A defence goes to the left child of the right neighbour: it agrees, and
 * says something of what comes after. So every move lands on a left child, and never at the right edge. */
#ifndef LAYER2_OPTIMISTIC_POSITION_H
#define LAYER2_OPTIMISTIC_POSITION_H

#include <stdbool.h>

#define POSITION_DEPTH_MAX 125 /* so that leaves, their number and one level below them fit in 128 bits */

struct position {
    unsigned __int128 gindex; /* 2^depth + index at depth; never 0 */
};

#define POSITION_ROOT ((struct position){ .gindex = 1 })

struct position position_at(unsigned depth, unsigned __int128 index); /* index < 2^depth */
bool position_equal(struct position a, struct position b);
unsigned position_depth(struct position p);
unsigned __int128 position_index(struct position p); /* among those of its depth, from the left */

/* One level down, which must be within POSITION_DEPTH_MAX. A root cannot be defended: the game sees to it. */
struct position position_attack(struct position p);
struct position position_defend(struct position p);

/* The right-most position under p at `depth`, which is p's own or more; and its index there: the trace index
 * when `depth` is that of the game. */
struct position position_right(struct position p, unsigned depth);
unsigned __int128 position_trace_index(struct position p, unsigned depth);

/* The neighbour at the same depth; there must be one. */
struct position position_left_of(struct position p);
struct position position_right_of(struct position p);

/* The highest position that commits to the same leaf as p, p itself among them; or the highest one of these
 * below depth `bound`, which p must lie below. */
struct position position_trace_ancestor(struct position p);
struct position position_trace_ancestor_bounded(struct position p, unsigned bound);

#endif
