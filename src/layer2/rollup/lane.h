/* A rollup as this node follows it: its state in memory, and one piece of work at a time on the kernel's
 * workers, under the lane's lock. What counts stands in rows: a lane begins from them, and each of its steps
 * is durable before the next one. The memory is ahead of the rows only while the lock is held. */
#ifndef LAYER2_ROLLUP_LANE_H
#define LAYER2_ROLLUP_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "kernel/kernel.h"
#include "layer2/rollup/local.h"

struct lanes;

/* A batch that this node has executed because it made it, and which waits for its row. */
struct prepared {
    bool is_there;
    uint64_t number;
    struct hash items_root;
    struct batch_result result;
    struct batch_effects effects;
    uint64_t transactions, bytes;
};

struct lane {
    struct lanes *lanes;
    struct lane *next;         /* of its bucket */
    struct lane *next_ready;   /* under the lock of all lanes */
    uint64_t domain;
    struct kernel *kernel;
    struct work work;
    bool queued, again;        /* under the lock of all lanes */
    atomic_uint_fast64_t waiting; /* transactions in the mempool, about: exact after each batch */
    atomic_bool is_counted;    /* once, after the start */

    pthread_mutex_t lock;      /* over all that follows */
    struct database *reader;   /* while it is locked */
    struct rollup_state *state; /* NULL: not read from rows, or not any more */
    struct lane_row at;        /* whose state it is */
    struct prepared prepared;  /* on top of that */
    bool is_wanted;            /* somebody asks for its state, which is too large to be read while he waits */
    bool holds_unfit;          /* the next batch's data is here, and is not what the batch says */
    bool guard_refused;        /* a challenge or an answer of availability, the last time: told once */
    int64_t inbox_since_us;    /* since when something waits in the inbox, by this node's clock; 0: nothing */
};

/* The module's memory. */
void *lanes_open(struct kernel *kernel, struct database *database);
void lanes_close(void *memory);

/* From the executor: looks after the rollup once the transaction is committed. */
void lane_follow(struct execution *x, struct bytes subject); /* the reaction */
void lane_wake(struct execution *x, uint64_t domain);        /* a transaction waits */
void lane_policy_changed(struct execution *x, uint64_t domain);
int64_t lanes_sweep(struct execution *x);
uint64_t lane_waiting(struct execution *x, uint64_t domain);

/* --- for the parts of a lane; the lock is held --------------------------------------------------- */
/* Runs `write` in the executor and waits for the COMMIT. False: it was not, and nothing is written. */
bool lane_commit(struct lane *lane, void (*write)(void *context, struct execution *x),
                            void *context);
void lane_unload(struct lane *lane); /* forgets the memory: it is read again from rows */
void lane_discard_prepared(struct lane *lane);
/* What the reader could not read is not believed. */
MUST_CHECK bool lane_read_failed(struct lane *lane);

/* Locks the lane, with its state at hand; the caller unlocks. NULL: not ready. */
struct lane *lane_lock(struct kernel *kernel, uint64_t domain);
void lane_unlock(struct lane *lane);
/* The same for whoever must be answered soon: waits LANE_WAIT_US at most, and reads no more than
 * LANE_LEAVES_SOON leaves. NULL: not ready; a larger state is read by a worker then, and kept until it is
 * asked for again. */
#define LANE_WAIT_US (MICROSECONDS_PER_SECOND / 2)
#define LANE_LEAVES_SOON 4096
struct lane *lane_lock_soon(struct kernel *kernel, uint64_t domain);

/* follow.c: takes back what does not stand, and executes a batch that is new. True: there may be more. */
MUST_CHECK bool lane_catch_up(struct lane *lane);
/* guard.c: publishes data that is demanded, demands data that is missing. */
void lane_guard(struct lane *lane);
bool guard_waits(struct execution *x, const struct rollup *rollup); /* there is some, of either */
/* sequencer.c: makes one batch when it is time, and proposes it. True: there is a new batch. */
MUST_CHECK bool lane_sequence(struct lane *lane);

#endif
