/* Following a chain height by height: see follow.h. */
#include "network/follow.h"

#include <string.h>

static void go_back(const struct network_position *position, struct network_sync *sync)
{
    sync->rewound = true;
    sync->rewound_to = position->height > FOLLOW_REWIND ? position->height - FOLLOW_REWIND : 0;
    sync->more = true;
}

static uint64_t first_wanted(const struct follower *f, const struct network_position *position)
{
    if (position->known)
        return position->height + 1;
    return f->tip > FOLLOW_BEGIN && f->tip - FOLLOW_BEGIN > f->least ? f->tip - FOLLOW_BEGIN : f->least;
}

enum status follow_chain(const struct follower *f, const struct network_position *position,
                         struct arena *arena, struct network_sync *sync)
{
    struct network_block *blocks = arena_new(arena, FOLLOW_BLOCKS * sizeof(*blocks));
    const char *parent = position->known ? position->hash : NULL;
    uint64_t next = first_wanted(f, position);

    memset(sync, 0, sizeof(*sync));
    sync->blocks = blocks;
    if (position->known && f->tip < position->height) {
        go_back(position, sync);
        return OK;
    }
    while (next <= f->tip && sync->count < FOLLOW_BLOCKS) {
        struct network_block *block = &blocks[sync->count];

        TRY(f->fetch(f->context, next, block));
        if (parent != NULL && strcmp(parent, block->parent) != 0) {
            if (sync->count > 0)
                break; /* it changed while it was read: the rest is asked for again */
            go_back(position, sync);
            return OK;
        }
        parent = block->hash;
        sync->count++;
        next++;
    }
    sync->more = next <= f->tip;
    return OK;
}
