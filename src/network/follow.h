/* Following a chain whose server is asked height by height: which block comes next, what to do when it does
 * not link to the one before, and where a link begins that stands nowhere yet. Shared by the networks of that
 * kind; pure: the network tells how high the chain is and fetches blocks. */
#ifndef NETWORK_FOLLOW_H
#define NETWORK_FOLLOW_H

#include "network/network.h"

#define FOLLOW_BLOCKS 25 /* an operation at most */
#define FOLLOW_BEGIN 20  /* so far below the tip a link begins */
#define FOLLOW_REWIND 10 /* blocks gone back at once where the chain is another */

struct follower {
    void *context;
    /* The block of the chain at this height, fetched and hashed; whatever it fails with ends the sync. */
    enum status (*fetch)(void *context, uint64_t height, struct network_block *block);
    uint64_t tip;   /* height of the newest block there */
    uint64_t least; /* height of the first block that can be had */
};

/* What follows `position`; the blocks live in the arena. Where the block that we stand on is no more (the
 * next one does not link to it, or the chain is shorter) it goes back FOLLOW_REWIND blocks; where the chain
 * changed while it was read, what is linked is kept. */
MUST_CHECK enum status follow_chain(const struct follower *follower, const struct network_position *position,
                                    struct arena *arena, struct network_sync *sync);

#endif
