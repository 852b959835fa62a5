/* What a lock on an EVM chain is to a transfer, from what a server shows of it: pure.
 *
 * A server may be behind itself: behind one name there are several, and the next answer may come from one
 * that has seen less. So a lock that is not shown any more may come again until both clocks, the chain's and
 * this node's, are past its time; and what is deep is there, whatever a newer block seems not to have. */
#ifndef LAYER2_TRANSFER_EVM_SIGHT_H
#define LAYER2_TRANSFER_EVM_SIGHT_H

#include "layer2/transfer/rules.h"
#include "network/evm/evm_swap.h"

struct evm_glance {
    bool is_source;
    enum transfer_state state;
    enum evm_swap_state newest, settled; /* after the newest block; after the one that is deep enough */
    int64_t chain_us;                    /* the newest block's time */
    int64_t now_us, deadline_us, lock_until_us;
    struct leg_timing timing;
    bool may_come;                       /* a lock of this node's may be on its way */
    bool is_void;                        /* one that a server refused, and that can come no more */
};
/* Nothing is seen, and nothing was: then may_come and is_void count, else they are not looked at. */
bool evm_sight_is_open(const struct evm_glance *g);
enum sight evm_sight(const struct evm_glance *g);

/* Whether locks may be relied on by this chain's clock: not when it is ahead of this node's by more than the
 * skew, for then they end too early; nor (`moves`) when no block came for so long that a lock would be deep
 * by now, for then they may end too late. NULL: they may; else what is wrong. */
const char *evm_clock_fault(int64_t chain_us, int64_t now_us, const struct leg_timing *timing, bool moves);

/* A block's time, in microseconds. A server may tell any number of seconds: one that fits in no such time is
 * the latest that there is, and not an early one again. */
int64_t evm_chain_us(int64_t time_s);

/* The block from which a transfer of that age is looked for on a chain of that height: as if there were one a
 * second. */
uint64_t evm_search_start(uint64_t height, int64_t age_us);

#endif
