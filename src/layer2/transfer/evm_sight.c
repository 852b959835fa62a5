/* What a lock on an EVM chain is to a transfer: see evm_sight.h. */
#include "layer2/transfer/evm_sight.h"

#include "base/clock.h"

#define BLOCKS_BEFORE 1000
#define LATEST_US (INT64_MAX / 2) /* no block has that time, whatever a server says; sums with it fit */

bool evm_sight_is_open(const struct evm_glance *g)
{
    return g->newest == EVM_SWAP_NONE && g->settled == EVM_SWAP_NONE &&
           g->state == (g->is_source ? TRANSFER_INITIATED : TRANSFER_SOURCE_LOCKED);
}

/* Nothing is locked: may it still be? */
static enum sight sight_of_nothing(const struct evm_glance *g)
{
    if (g->chain_us >= g->deadline_us + g->timing.depth_us && g->now_us >= g->deadline_us)
        return SIGHT_NEVER; /* the contract takes no lock from its deadline on */
    if (!evm_sight_is_open(g))
        return SIGHT_NONE;
    if (!g->is_source) /* it was asked for, and is asked for but once */
        return g->is_void ? SIGHT_NEVER : SIGHT_NONE;
    if (g->may_come)
        return SIGHT_NONE;
    /* What was locked in time and is not seen for a moment would be deep by then. Whoever locks later gets it
     * back at its time. */
    return g->now_us >= g->lock_until_us + g->timing.depth_us ? SIGHT_NEVER : SIGHT_NONE;
}

enum sight evm_sight(const struct evm_glance *g)
{
    switch (g->newest == EVM_SWAP_NONE ? g->settled : g->newest) {
    case EVM_SWAP_NONE:
        return sight_of_nothing(g);
    case EVM_SWAP_LOCKED:
        return g->settled == EVM_SWAP_LOCKED ? SIGHT_LOCKED : SIGHT_SHALLOW;
    case EVM_SWAP_CLAIMED:
        return g->settled == EVM_SWAP_CLAIMED ? SIGHT_CLAIMED : SIGHT_CLAIMING;
    /* before its time by this node's clock, that is a server's word against the terms */
    case EVM_SWAP_REFUNDED:
        return g->settled == EVM_SWAP_REFUNDED && g->now_us >= g->deadline_us - g->timing.skew_us
                   ? SIGHT_RETURNED : SIGHT_SHALLOW;
    }
    INVARIANT(false, "a lock's state %d", (int)g->newest);
}

const char *evm_clock_fault(int64_t chain_us, int64_t now_us, const struct leg_timing *timing, bool moves)
{
    if (chain_us > now_us + timing->skew_us)
        return "is ahead of this node's by more than the terms' skew_s: locks there would end too early";
    if (moves && chain_us + timing->skew_us + timing->depth_us < now_us)
        return "stands still, or is behind this node's (as after dev.advance_time) by more than the terms "
               "allow: locks there would end too late";
    return NULL;
}

uint64_t evm_search_start(uint64_t height, int64_t age_us)
{
    uint64_t back = (age_us > 0 ? (uint64_t)(age_us / MICROSECONDS_PER_SECOND) : 0) + BLOCKS_BEFORE;

    return height > back ? height - back : 0;
}

int64_t evm_chain_us(int64_t time_s)
{
    return time_s < LATEST_US / MICROSECONDS_PER_SECOND ? time_s * MICROSECONDS_PER_SECOND : LATEST_US;
}
