/* Waking the I/O thread from others: one eventfd, written at most once until the I/O thread has looked. A
 * thread that hands over in batches (the executor) is silent until its batch ends; every other thread
 * wakes at once. */
#ifndef API_WAKE_H
#define API_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/watch.h"

struct wake {
    int descriptor;        /* the eventfd */
    atomic_bool pending;   /* written, not yet looked at */
    struct watch readable;
    atomic_bool batch;     /* the executor's batch has ended since the I/O thread looked */
    uint64_t batches;      /* how often that was so; the I/O thread's own */
    void (*woken)(void *context); /* on the I/O thread */
    void *context;
};

void wake_open(struct wake *wake, struct event_base *base, void (*woken)(void *context), void *context);
void wake_close(struct wake *wake);

/* From any thread, after the work was put where `woken` finds it. Does nothing on a thread that hands
 * over in batches. */
void wake_signal(struct wake *wake);

/* The calling thread hands over in batches: its wake_signal waits for the next wake_batch. */
void wake_batch_begin(void);
void wake_batch(struct wake *wake);
/* Not any more: the calling thread had the executor's part for a while. */
void wake_batch_end(void);

#endif
