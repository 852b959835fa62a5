/* When the watcher looks: see watcher.h. */
#include "layer2/optimistic/watcher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/optimistic/rows.h"
#include "layer2/rollup/rollup.h"
#include "ledger/rows.h"

#define LOG_ROOM "optimistic"
#define SWEEP_US (2 * MICROSECONDS_PER_SECOND)
#define LACK_US (60 * MICROSECONDS_PER_SECOND) /* after which a look is taken without funds as well */
#define SWEPT_AT_ONCE 128  /* batches of each kind a sweep */
#define ASKED_MOST 1024    /* batches that wait for a look; the sweep asks again for others */
#define SETTLED_MOST 1024  /* games known to need no look; the others just get one */

struct settled {
    struct hash batch;
    struct watcher_state state;
    struct watcher_lack lack;
    int64_t at_us; /* by this node's clock */
};

struct watcher {
    pthread_mutex_t lock;
    struct kernel *kernel;
    struct work work;        /* on its way while `busy` */
    bool busy;
    struct hash asked[ASKED_MOST];
    size_t asked_count;
    struct database *reader; /* of whoever works */
    struct settled settled[SETTLED_MOST];
    size_t settled_count, settled_next;
    atomic_bool forget;      /* before the next look: the operator has said something else */
    struct hash running_after, wrong_after; /* where the next sweep goes on; the executor's */
};

void *watcher_open(struct kernel *kernel, struct database *database)
{
    struct watcher *w = memory_new(sizeof(*w));

    (void)database;
    w->kernel = kernel;
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

void watcher_close(void *watcher)
{
    struct watcher *w = watcher;

    database_close(w->reader);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* --- what was settled ------------------------------------------------------------------------- */
static bool still_lacks(const struct watcher *w, const struct settled *settled)
{
    struct account_id own = kernel_account(w->kernel);

    return kernel_now(w->kernel) - settled->at_us < LACK_US &&
           row_balance_read(w->reader, DOMAIN_BASE, &own, &settled->lack.asset) == settled->lack.held;
}

static bool is_settled(const struct watcher *w, const struct hash *batch, const struct watcher_state *state)
{
    for (size_t i = 0; i < w->settled_count; i++) {
        if (hash_equal(&w->settled[i].batch, batch))
            return hash_equal(&w->settled[i].state.game, &state->game) &&
                   w->settled[i].state.claims == state->claims && w->settled[i].state.steps == state->steps &&
                   (!w->settled[i].lack.is_there || still_lacks(w, &w->settled[i]));
    }
    return false;
}

static void note_settled(struct watcher *w, const struct hash *batch, const struct watcher_state *state,
                         const struct watcher_lack *lack)
{
    size_t at = 0;

    while (at < w->settled_count && !hash_equal(&w->settled[at].batch, batch))
        at++;
    if (at == w->settled_count) {
        at = w->settled_count < SETTLED_MOST ? w->settled_count++ : w->settled_next++ % SETTLED_MOST;
    }
    w->settled[at] = (struct settled){ *batch, *state, *lack, kernel_now(w->kernel) };
}

/* --- on a worker ------------------------------------------------------------------------------ */
static bool take(struct watcher *w, struct hash *batch)
{
    bool any;

    pthread_mutex_lock(&w->lock);
    any = w->asked_count > 0;
    if (any) {
        *batch = w->asked[0];
        memmove(w->asked, w->asked + 1, --w->asked_count * sizeof(w->asked[0]));
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

static bool reader_is_there(struct watcher *w)
{
    struct error error;

    if (w->reader != NULL || kernel_reader(w->kernel, &w->reader, &error) == OK)
        return true;
    log_warn("the watcher cannot read: %s", error.message);
    return false;
}

static void look(struct watcher *w, const struct hash *batch)
{
    struct watcher_lack lack = { .is_there = false };
    struct watcher_state before;
    struct error error;

    if (!reader_is_there(w))
        return;
    if (atomic_exchange(&w->forget, false))
        w->settled_count = w->settled_next = 0;
    watcher_state_read(w->reader, batch, &before);
    if (is_settled(w, batch, &before))
        return;
    if (watcher_look(w->kernel, w->reader, batch, &lack))
        note_settled(w, batch, &before, &lack);
    if (database_failure(w->reader, &error) != OK)
        log_warn("the watcher cannot read: %s", error.message);
}

/* One look, and back to the end of the workers' queue for the next one, so that others get their turn. */
static void work(struct work *work, size_t worker)
{
    struct watcher *w = (struct watcher *)((char *)work - offsetof(struct watcher, work));
    struct hash batch;

    (void)worker;
    if (take(w, &batch) && !kernel_stopping(w->kernel))
        look(w, &batch);
    pthread_mutex_lock(&w->lock);
    w->busy = w->asked_count > 0 && workers_submit(kernel_workers(w->kernel), &w->work);
    pthread_mutex_unlock(&w->lock);
}

void watcher_forget(struct kernel *kernel)
{
    struct watcher *w = kernel_memory(kernel, &game_module);

    if (w != NULL)
        atomic_store(&w->forget, true);
}

/* --- asking ----------------------------------------------------------------------------------- */
static void ask(struct kernel *kernel, void *context)
{
    struct watcher *w = kernel_memory(kernel, &game_module);
    struct hash *batch = context;
    size_t at = 0;

    pthread_mutex_lock(&w->lock);
    while (at < w->asked_count && !hash_equal(&w->asked[at], batch))
        at++;
    if (at == w->asked_count && at < ASKED_MOST)
        w->asked[w->asked_count++] = *batch;
    if (!w->busy) {
        w->work.run = work;
        w->busy = workers_submit(kernel_workers(kernel), &w->work);
    }
    pthread_mutex_unlock(&w->lock);
    free(batch);
}

void watcher_changed(struct execution *x, struct bytes subject)
{
    INVARIANT(subject.size == sizeof(struct hash), "a batch's id of %zu bytes", subject.size);
    sweep_request(x, WATCHER_SWEEP, execution_time(x) + SWEEP_US);
    execution_after_commit(x, ask, free, memory_copy(subject.data, subject.size));
}

/* --- the sweep -------------------------------------------------------------------------------- */
static void ask_all(struct execution *x, const struct hash *batches, size_t count, struct hash *after)
{
    for (size_t i = 0; i < count; i++)
        execution_after_commit(x, ask, free, memory_copy(&batches[i], sizeof(batches[i])));
    *after = count == SWEPT_AT_ONCE ? batches[count - 1] : (struct hash){ { 0 } };
}

int64_t watcher_sweep(struct execution *x)
{
    struct watcher *w = kernel_memory(execution_kernel(x), &game_module);
    struct database *database = execution_database(x);
    struct hash batches[SWEPT_AT_ONCE];
    size_t running, wrong;

    running = game_row_list_running(database, &w->running_after, batches, SWEPT_AT_ONCE);
    ask_all(x, batches, running, &w->running_after);
    wrong = batch_list_wrong(database, &w->wrong_after, batches, SWEPT_AT_ONCE);
    ask_all(x, batches, wrong, &w->wrong_after);
    return running + wrong == 0 ? INT64_MAX : execution_time(x) + SWEEP_US;
}
