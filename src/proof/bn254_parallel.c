/* Threads that take the next part until there is none; see bn254_parallel.h. */
#include "proof/bn254_parallel.h"

#include <pthread.h>
#include <stdatomic.h>

struct parallel {
    atomic_size_t next;
    size_t count;
    void (*part)(void *context, size_t index);
    void *context;
};

static void *take_parts(void *argument)
{
    struct parallel *p = argument;

    for (;;) {
        size_t index = atomic_fetch_add(&p->next, 1);
        if (index >= p->count)
            return NULL;
        p->part(p->context, index);
    }
}

void parallel_run(size_t threads, size_t count, void (*part)(void *context, size_t index), void *context)
{
    struct parallel p = { .count = count, .part = part, .context = context };
    pthread_t helper[PARALLEL_THREADS_MAX];
    size_t helpers = 0;

    atomic_init(&p.next, 0);
    if (threads > PARALLEL_THREADS_MAX)
        threads = PARALLEL_THREADS_MAX;
    while (helpers + 1 < threads && helpers + 1 < count &&
           pthread_create(&helper[helpers], NULL, take_parts, &p) == 0)
        helpers++;
    take_parts(&p);
    for (size_t i = 0; i < helpers; i++)
        pthread_join(helper[i], NULL);
}
