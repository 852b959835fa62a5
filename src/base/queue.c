/* The bounded queue: a ring under one lock. `filled` is signalled only when somebody waits, so a put to a
 * busy taker costs no system call. Timeouts run on the monotonic clock: setting the wall clock wakes or
 * delays nobody. */
#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"

#define TIMEOUT_MAX_US (365 * 86400 * MICROSECONDS_PER_SECOND) /* so that the sum cannot overflow */

void queue_init(struct queue *queue, size_t capacity)
{
    INVARIANT(capacity > 0, "a queue needs room for one item");
    *queue = (struct queue){ .capacity = capacity, .items = memory_array(capacity, sizeof *queue->items) };

    pthread_condattr_t attributes;
    bool ready = pthread_mutex_init(&queue->lock, NULL) == 0 && pthread_condattr_init(&attributes) == 0
                 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
                 && pthread_cond_init(&queue->filled, &attributes) == 0;
    INVARIANT(ready, "the system gives no lock");
    pthread_condattr_destroy(&attributes);
}

void queue_destroy(struct queue *queue)
{
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    queue->items = NULL;
}

bool queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool taken = !queue->closed && queue->count < queue->capacity;
    bool wake = taken && queue->waiting > 0;
    if (taken) {
        size_t last = queue->first + queue->count++;
        queue->items[last < queue->capacity ? last : last - queue->capacity] = item;
    }
    pthread_mutex_unlock(&queue->lock);
    if (wake)
        pthread_cond_signal(&queue->filled); /* after the unlock: the woken thread finds the lock free */
    return taken;
}

static struct timespec moment_after(int64_t timeout_us)
{
    if (timeout_us > TIMEOUT_MAX_US)
        timeout_us = TIMEOUT_MAX_US;
    int64_t moment = clock_monotonic_us() + timeout_us;
    return (struct timespec){
        .tv_sec = moment / MICROSECONDS_PER_SECOND,
        .tv_nsec = moment % MICROSECONDS_PER_SECOND * 1000,
    };
}

/* Under the lock: returns when there is an item, the queue is closed, or the time is up. */
static void wait_for_items(struct queue *queue, int64_t timeout_us)
{
    if (queue->count > 0 || queue->closed || timeout_us == 0)
        return;
    struct timespec moment = { 0 };
    if (timeout_us > 0)
        moment = moment_after(timeout_us);

    queue->waiting++;
    int woken = 0;
    while (queue->count == 0 && !queue->closed && woken != ETIMEDOUT) {
        if (timeout_us < 0)
            woken = pthread_cond_wait(&queue->filled, &queue->lock);
        else
            woken = pthread_cond_timedwait(&queue->filled, &queue->lock, &moment);
    }
    queue->waiting--;
}

size_t queue_take(struct queue *queue, void **items, size_t most, int64_t timeout_us)
{
    pthread_mutex_lock(&queue->lock);
    wait_for_items(queue, timeout_us);
    size_t taken = queue->count < most ? queue->count : most;
    for (size_t i = 0; i < taken; i++) {
        items[i] = queue->items[queue->first++];
        if (queue->first == queue->capacity)
            queue->first = 0;
    }
    queue->count -= taken;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

size_t queue_takers(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t waiting = queue->waiting;
    pthread_mutex_unlock(&queue->lock);
    return waiting;
}

bool queue_closed(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}
