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

#define WORKERS_MAX 1024
#define THREAD_NAME_MAX 16 /* the kernel's limit, with the final zero */

struct worker {
    struct workers *pool;
    size_t number;
    pthread_t thread;
};

struct workers {
    struct queue queue;
    size_t count;
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

static void worker_start(struct worker *worker, const char *name)
{
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        resource_exhausted("threads");
    char full_name[64];
    snprintf(full_name, sizeof full_name, "%.10s-%zu", name, worker->number);
    full_name[THREAD_NAME_MAX - 1] = '\0';
    pthread_setname_np(worker->thread, full_name);
}

struct workers *workers_start(const char *name, size_t count, size_t queue_capacity)
{
    INVARIANT(count >= 1 && count <= WORKERS_MAX, "%zu workers; 1 … %d", count, WORKERS_MAX);
    struct workers *workers = memory_new(sizeof *workers + count * sizeof workers->worker[0]);
    workers->count = count;
    queue_init(&workers->queue, queue_capacity);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < count; i++) {
        workers->worker[i] = (struct worker){ .pool = workers, .number = i };
        worker_start(&workers->worker[i], name);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return workers;
}

bool workers_submit(struct workers *workers, struct work *work)
{
    return queue_put(&workers->queue, work);
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
    queue_close(&workers->queue);
    for (size_t i = 0; i < workers->count; i++)
        pthread_join(workers->worker[i].thread, NULL);
}

void workers_free(struct workers *workers)
{
    queue_destroy(&workers->queue);
    free(workers);
}
