/* A bounded queue of pointers between threads. Many may put, many may take. When it is full, put says no: the
 * caller answers `busy`; nothing ever grows without bound. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **items;
    size_t capacity, first, count; /* a ring: items[first] is the oldest */
    size_t waiting;                /* threads inside queue_take */
    bool closed;
};

void queue_init(struct queue *queue, size_t capacity);
void queue_destroy(struct queue *queue); /* when no thread can be in a call on it any more */
bool queue_put(struct queue *queue, void *item);                             /* false: full or closed */

/* Waits up to timeout_us (<0: for ever) for at least one, takes up to `most`; 0 when none came, or when it is
 * closed and empty. */
size_t queue_take(struct queue *queue, void **items, size_t most, int64_t timeout_us);

size_t queue_count(struct queue *queue);
size_t queue_takers(struct queue *queue); /* threads that wait in queue_take */
bool queue_closed(struct queue *queue);
void queue_close(struct queue *queue); /* no more puts; takers drain what is there, then get 0 */

#endif
