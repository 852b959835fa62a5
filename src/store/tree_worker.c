/* The tree beside the executor: see tree_worker.h. The lock hands the work over and back, and with it all
 * that the work points to; between the two only one thread writes to any of it. */
#include "store/tree_worker.h"

#include <pthread.h>
#include <signal.h>

#include "base/memory.h"
#include "store/log_tree.h"

#define TILES_FIRST 8

/* --- the arithmetic --------------------------------------------------------------------------- */

static void tile_keep(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tree_work *work = context;

    if (level % TILE_LEVELS != 0)
        return;
    if (work->tile_count == work->tile_capacity) {
        work->tile_capacity = work->tile_capacity == 0 ? TILES_FIRST : 2 * work->tile_capacity;
        work->tiles = memory_resize(work->tiles, work->tile_capacity * sizeof(*work->tiles));
    }
    work->tiles[work->tile_count++] = (struct tile){ .level = level, .index = index, .hash = *hash };
}

void tree_work_run(struct tree_work *work)
{
    struct hash leaf;

    for (size_t i = 0; i < work->count; i++) {
        const struct hash *hash = &work->events[i].hash;

        merkle_leaf(&leaf, hash->bytes, sizeof(hash->bytes));
        merkle_range_append(work->range, &leaf, tile_keep, work);
        if (work->hashed != NULL)
            work->hashed(work->context, i, &work->events[i]);
    }
}

void tree_work_close(struct tree_work *work)
{
    memory_free_pointer(&work->tiles);
}

/* --- the thread ------------------------------------------------------------------------------- */

enum turn { TURN_NONE, TURN_ASKED, TURN_TAKEN, TURN_ENDED, TURN_STOP };

struct tree_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, ended;
    enum turn turn;
    struct tree_work *work; /* unless the turn is none or stop */
};

static void *worker_main(void *context)
{
    struct tree_worker *worker = context;

    pthread_mutex_lock(&worker->lock);
    while (worker->turn != TURN_STOP) {
        if (worker->turn != TURN_ASKED) {
            pthread_cond_wait(&worker->asked, &worker->lock);
            continue;
        }
        worker->turn = TURN_TAKEN;
        pthread_mutex_unlock(&worker->lock);
        tree_work_run(worker->work);
        pthread_mutex_lock(&worker->lock);
        worker->turn = TURN_ENDED;
        pthread_cond_signal(&worker->ended);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

struct tree_worker *tree_worker_start(void)
{
    struct tree_worker *worker = memory_new(sizeof(*worker));
    sigset_t all, before;

    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->asked, NULL);
    pthread_cond_init(&worker->ended, NULL);
    sigfillset(&all); /* signals are the I/O thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        resource_exhausted("threads");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(worker->thread, "tree");
    return worker;
}

void tree_worker_stop(struct tree_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    INVARIANT(worker->turn == TURN_NONE, "the tree's thread was stopped while it had work");
    worker->turn = TURN_STOP;
    pthread_cond_signal(&worker->asked);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->asked);
    pthread_cond_destroy(&worker->ended);
    memory_free_pointer(&worker);
}

void tree_worker_begin(struct tree_worker *worker, struct tree_work *work)
{
    pthread_mutex_lock(&worker->lock);
    INVARIANT(worker->turn == TURN_NONE, "the tree's thread was given work while it had some");
    worker->work = work;
    worker->turn = TURN_ASKED;
    pthread_mutex_unlock(&worker->lock);
    pthread_cond_signal(&worker->asked);
}

void tree_worker_end(struct tree_worker *worker)
{
    struct tree_work *left = NULL;

    pthread_mutex_lock(&worker->lock);
    INVARIANT(worker->turn != TURN_NONE, "the tree's thread was given no work");
    if (worker->turn == TURN_ASKED)
        left = worker->work;
    while (left == NULL && worker->turn != TURN_ENDED)
        pthread_cond_wait(&worker->ended, &worker->lock);
    worker->turn = TURN_NONE;
    pthread_mutex_unlock(&worker->lock);
    if (left != NULL)
        tree_work_run(left);
}
