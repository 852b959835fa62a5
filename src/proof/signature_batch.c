/* The caller and its helpers take portions from one counter until none is left. The caller waits until
 * all portions are done, not until all helpers have begun: one that begins late finds nothing to do, and
 * the last of all to leave frees what they share. */
#include "proof/signature_batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

#define PORTION 16 /* signatures: half a millisecond, so that the last portion is not long waited for */

struct batch {
    struct signature_check *checks; /* the caller's; not to be touched when all portions are taken */
    size_t count;
    atomic_size_t next;  /* the first that nobody has taken */
    atomic_size_t users; /* the caller and the helpers that have not left */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t done;
};

struct helper {
    struct work work;
    struct batch *batch;
};

static void batch_leave(struct batch *batch)
{
    if (atomic_fetch_sub(&batch->users, 1) != 1)
        return;
    pthread_cond_destroy(&batch->changed);
    pthread_mutex_destroy(&batch->lock);
    free(batch);
}

static void batch_work(struct batch *batch)
{
    size_t first;

    while ((first = atomic_fetch_add(&batch->next, PORTION)) < batch->count) {
        size_t end = batch->count - first < PORTION ? batch->count : first + PORTION;
        for (size_t i = first; i < end; i++) {
            struct signature_check *check = &batch->checks[i];
            check->holds = schnorr_verify(&check->account, check->message.data, check->message.size,
                                          &check->signature);
        }
        pthread_mutex_lock(&batch->lock);
        batch->done += end - first;
        if (batch->done == batch->count)
            pthread_cond_signal(&batch->changed);
        pthread_mutex_unlock(&batch->lock);
    }
}

static void helper_run(struct work *work, size_t worker)
{
    struct helper *helper = (struct helper *)work; /* its first member */
    (void)worker;

    batch_work(helper->batch);
    batch_leave(helper->batch);
    free(helper);
}

static void call_helpers(struct batch *batch, struct workers *workers)
{
    size_t portions = (batch->count + PORTION - 1) / PORTION, helpers = workers_count(workers);

    if (helpers > portions - 1) /* the caller takes part */
        helpers = portions - 1;
    for (size_t i = 0; i < helpers; i++) {
        struct helper *helper = memory_new(sizeof *helper);
        helper->work.run = helper_run;
        helper->batch = batch;
        atomic_fetch_add(&batch->users, 1);
        if (!workers_submit(workers, &helper->work)) { /* the pool is full or stopping: fewer help */
            free(helper);
            batch_leave(batch);
            return;
        }
    }
}

bool signatures_verify(struct workers *workers, struct signature_check *checks, size_t count)
{
    bool all = true;

    if (count == 0)
        return true;
    struct batch *batch = memory_new(sizeof *batch);
    batch->checks = checks;
    batch->count = count;
    atomic_init(&batch->next, 0);
    atomic_init(&batch->users, 1);
    pthread_mutex_init(&batch->lock, NULL);
    pthread_cond_init(&batch->changed, NULL);
    if (workers != NULL)
        call_helpers(batch, workers);
    batch_work(batch);
    pthread_mutex_lock(&batch->lock);
    while (batch->done != count)
        pthread_cond_wait(&batch->changed, &batch->lock);
    pthread_mutex_unlock(&batch->lock);
    batch_leave(batch);
    for (size_t i = 0; i < count; i++)
        all &= checks[i].holds;
    return all;
}
