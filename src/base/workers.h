/* A pool of threads that run jobs from one bounded queue. A job gets the number of its worker (0 … count-1),
 * so that each worker can own things without locks (a read-only database connection, a verification
 * context). */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#define WORKERS_POOL_MAX 1152 /* threads of one pool */

struct workers;

struct work {
    void (*run)(struct work *work, size_t worker); /* owns `work`: frees or reuses it */
};

struct workers *workers_start(const char *name, size_t count, size_t queue_capacity);
/* The same for jobs that mostly wait: `most` threads at most, each started when a job comes and none is free,
 * and kept. Their stacks are smaller than usual (WORKERS_WAITING_STACK). */
#define WORKERS_WAITING_STACK ((size_t)1024 * 1024)
struct workers *workers_start_on_demand(const char *name, size_t most, size_t queue_capacity);
bool workers_submit(struct workers *workers, struct work *work); /* false: the queue is full or stopping */
size_t workers_count(const struct workers *workers); /* at most, when they are started on demand */
size_t workers_queued(struct workers *workers);
void workers_stop(struct workers *workers); /* workers_end and workers_free */
void workers_end(struct workers *workers);  /* runs what is queued, joins the threads; takes nothing more */
void workers_free(struct workers *workers); /* once nobody can submit any more */

#endif
