/* The worker pool. Each thread takes one job at a time, so a long proof never holds back signatures queued
 * behind it on the same thread. Signals are blocked in every worker: the IO thread alone receives them. */
#include "base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/queue.h"
#include "base/status.h"

#define THREAD_NAME_MAX 16 /* the kernel's limit, with the final zero */

struct worker {
    struct workers *pool;
    size_t number;
    pthread_t thread;
};

struct workers {
    struct queue queue;
    const char *name;
    size_t count;
    pthread_mutex_t growing; /* held while `started` changes */
    size_t started;
    bool on_demand;
    struct worker worker[];
};

static void *worker_main(void *argument)
{
    const struct worker *worker = argument;
    void *item;
    while (queue_take(&worker->pool->queue, &item, 1, -1) == 1) {
        struct work *work = item;
        work->run(work, worker->number);
    }
    return NULL;
}

static void worker_start(struct worker *worker)
{
    const struct workers *pool = worker->pool;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pool->on_demand)
        pthread_attr_setstacksize(&attributes, WORKERS_WAITING_STACK);
    if (pthread_create(&worker->thread, &attributes, worker_main, worker) != 0)
        resource_exhausted("threads");
    pthread_attr_destroy(&attributes);
    char full_name[64];
    snprintf(full_name, sizeof full_name, "%.10s-%zu", pool->name, worker->number);
    full_name[THREAD_NAME_MAX - 1] = '\0';
    pthread_setname_np(worker->thread, full_name);
}

/* One more thread, which gets no signals. */
static void grow(struct workers *workers)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    size_t number = workers->started++;
    workers->worker[number] = (struct worker){ .pool = workers, .number = number };
    worker_start(&workers->worker[number]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static struct workers *new_pool(const char *name, size_t count, size_t queue_capacity)
{
    INVARIANT(count >= 1 && count <= WORKERS_POOL_MAX, "%zu workers; 1 … %d", count,
              WORKERS_POOL_MAX);
    struct workers *workers = memory_new(sizeof *workers + count * sizeof workers->worker[0]);
    workers->name = name;
    workers->count = count;
    pthread_mutex_init(&workers->growing, NULL);
    queue_init(&workers->queue, queue_capacity);
    return workers;
}

struct workers *workers_start(const char *name, size_t count, size_t queue_capacity)
{
    struct workers *workers = new_pool(name, count, queue_capacity);
    while (workers->started < count)
        grow(workers);
    return workers;
}

struct workers *workers_start_on_demand(const char *name, size_t most, size_t queue_capacity)
{
    struct workers *workers = new_pool(name, most, queue_capacity);
    workers->on_demand = true;
    return workers;
}

/* A thread that waits has taken nothing yet: more jobs than such threads means that one more is needed. Put
 * and growth are one step, so that whoever ends the pool finds a thread for every job in it. */
static bool submit_on_demand(struct workers *workers, struct work *work)
{
    pthread_mutex_lock(&workers->growing);
    bool taken = queue_put(&workers->queue, work);
    if (taken && workers->started < workers->count &&
        queue_count(&workers->queue) > queue_takers(&workers->queue))
        grow(workers);
    pthread_mutex_unlock(&workers->growing);
    return taken;
}

bool workers_submit(struct workers *workers, struct work *work)
{
    return workers->on_demand ? submit_on_demand(workers, work) : queue_put(&workers->queue, work);
}

size_t workers_count(const struct workers *workers)
{
    return workers->count;
}

size_t workers_queued(struct workers *workers)
{
    return queue_count(&workers->queue);
}

void workers_stop(struct workers *workers)
{
    workers_end(workers);
    workers_free(workers);
}

void workers_end(struct workers *workers)
{
    pthread_mutex_lock(&workers->growing);
    queue_close(&workers->queue);
    size_t started = workers->started;
    pthread_mutex_unlock(&workers->growing);
    for (size_t i = 0; i < started; i++)
        pthread_join(workers->worker[i].thread, NULL);
}

void workers_free(struct workers *workers)
{
    queue_destroy(&workers->queue);
    pthread_mutex_destroy(&workers->growing);
    free(workers);
}
