/* The tree's arithmetic of a batch, on a thread of its own beside the executor, which inserts the rows
 * meanwhile: leaves, inner nodes (three blocks of SHA-256 an event), and what the caller wants done for each
 * event. What comes out is the same with the thread and without it, and nothing here touches the database. */
#ifndef STORE_TREE_WORKER_H
#define STORE_TREE_WORKER_H

#include "store/event_log.h"

struct tile {
    unsigned level; /* a multiple of TILE_LEVELS */
    uint64_t index;
    struct hash hash;
};

/* One batch. All that it points to is the caller's, and stays as it is while the work is under way. */
struct tree_work {
    const struct event *events; /* with their hashes */
    size_t count;
    struct merkle_range *range; /* the tree before these events; afterwards, with them */
    event_hashed *hashed;       /* called for each event, in order; NULL: nothing more to do */
    void *context;
    struct tile *tiles;         /* out: complete ones, in the order in which they became so */
    size_t tile_count, tile_capacity;
};
void tree_work_run(struct tree_work *work); /* on the caller's own thread */
void tree_work_close(struct tree_work *work); /* the tiles */

struct tree_worker;
struct tree_worker *tree_worker_start(void);
void tree_worker_stop(struct tree_worker *worker); /* joins; nothing may be under way */

/* One piece of work at a time, each begun and ended by the same thread. When tree_worker_end returns, the
 * work is done: what the thread has not taken up by then, the caller does, so that a busy machine costs no
 * wait. */
void tree_worker_begin(struct tree_worker *worker, struct tree_work *work);
void tree_worker_end(struct tree_worker *worker);

#endif
