/* See position.h. */
#include "layer2/optimistic/position.h"

#include <stdint.h>

#include "base/status.h"

struct position position_at(unsigned depth, unsigned __int128 index)
{
    unsigned __int128 first = (unsigned __int128)1 << depth;

    INVARIANT(depth <= POSITION_DEPTH_MAX && index < first, "no such index at depth %u", depth);
    return (struct position){ .gindex = first | index };
}

bool position_equal(struct position a, struct position b)
{
    return a.gindex == b.gindex;
}

unsigned position_depth(struct position p)
{
    uint64_t high = (uint64_t)(p.gindex >> 64), low = (uint64_t)p.gindex;

    INVARIANT(p.gindex != 0, "a position is never 0");
    return high != 0 ? 127 - (unsigned)__builtin_clzll(high) : 63 - (unsigned)__builtin_clzll(low);
}

unsigned __int128 position_index(struct position p)
{
    return p.gindex ^ (unsigned __int128)1 << position_depth(p);
}

struct position position_attack(struct position p)
{
    INVARIANT(position_depth(p) < POSITION_DEPTH_MAX, "no depth is left below a position");
    return (struct position){ .gindex = p.gindex << 1 };
}

struct position position_defend(struct position p)
{
    INVARIANT(position_depth(p) < POSITION_DEPTH_MAX, "no depth is left below a position");
    return (struct position){ .gindex = (p.gindex | 1) << 1 };
}

struct position position_right(struct position p, unsigned depth)
{
    unsigned own = position_depth(p);

    INVARIANT(own <= depth && depth <= POSITION_DEPTH_MAX, "depth %u is not under depth %u", depth, own);
    return (struct position){ .gindex = ((p.gindex + 1) << (depth - own)) - 1 };
}

unsigned __int128 position_trace_index(struct position p, unsigned depth)
{
    return position_index(position_right(p, depth));
}

struct position position_left_of(struct position p)
{
    INVARIANT(position_index(p) != 0, "nothing is left of the first position of a depth");
    return (struct position){ .gindex = p.gindex - 1 };
}

struct position position_right_of(struct position p)
{
    unsigned depth = position_depth(p);

    p.gindex++;
    INVARIANT(position_depth(p) == depth, "nothing is right of the last position of depth %u", depth);
    return p;
}

struct position position_trace_ancestor(struct position p)
{
    while (p.gindex > 1 && (p.gindex & 1) != 0) /* a right child commits to the same leaf as its parent */
        p.gindex >>= 1;
    return p;
}

struct position position_trace_ancestor_bounded(struct position p, unsigned bound)
{
    struct position highest = position_trace_ancestor(p);

    INVARIANT(position_depth(p) > bound, "depth %u is not below %u", position_depth(p), bound);
    return position_depth(highest) > bound ? highest : position_right(highest, bound + 1);
}
