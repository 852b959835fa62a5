/* A flag and the list of those who wait under it. The lock is held while they are woken, so that none of them
 * can be gone by then. */
#include "network/transport/cancellation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/status.h"

struct cancellation {
    pthread_mutex_t lock;
    atomic_bool requested;
    struct cancellation_watch *first;
};

struct cancellation *cancellation_new(void)
{
    struct cancellation *cancellation = memory_new(sizeof *cancellation);
    INVARIANT(pthread_mutex_init(&cancellation->lock, NULL) == 0, "the system gives no lock");
    atomic_init(&cancellation->requested, false);
    return cancellation;
}

void cancellation_cancel(struct cancellation *cancellation)
{
    pthread_mutex_lock(&cancellation->lock);
    bool before = atomic_exchange(&cancellation->requested, true);
    for (struct cancellation_watch *w = before ? NULL : cancellation->first; w != NULL; w = w->after)
        w->wake(w->context);
    pthread_mutex_unlock(&cancellation->lock);
}

bool cancellation_requested(struct cancellation *cancellation)
{
    return cancellation != NULL && atomic_load(&cancellation->requested);
}

void cancellation_watch_begin(struct cancellation *cancellation, struct cancellation_watch *watch)
{
    if (cancellation == NULL)
        return;
    pthread_mutex_lock(&cancellation->lock);
    watch->before = NULL;
    watch->after = cancellation->first;
    if (watch->after != NULL)
        watch->after->before = watch;
    cancellation->first = watch;
    if (atomic_load(&cancellation->requested))
        watch->wake(watch->context);
    pthread_mutex_unlock(&cancellation->lock);
}

void cancellation_watch_end(struct cancellation *cancellation, struct cancellation_watch *watch)
{
    if (cancellation == NULL)
        return;
    pthread_mutex_lock(&cancellation->lock);
    if (watch->before != NULL)
        watch->before->after = watch->after;
    else
        cancellation->first = watch->after;
    if (watch->after != NULL)
        watch->after->before = watch->before;
    pthread_mutex_unlock(&cancellation->lock);
}

void cancellation_free(struct cancellation *cancellation)
{
    if (cancellation == NULL)
        return;
    INVARIANT(cancellation->first == NULL, "somebody still waits under this cancellation");
    pthread_mutex_destroy(&cancellation->lock);
    free(cancellation);
}
