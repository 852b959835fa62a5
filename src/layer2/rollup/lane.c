/* Lanes: see lane.h. */
#include "layer2/rollup/lane.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/mempool.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/propose.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

#define LOG_ROOM "rollup"
#define RESUME_US (2 * MICROSECONDS_PER_SECOND)
#define PAGE_US (RESUME_US / 20)
#define SWEPT_AT_ONCE 256      /* rollups */
#define BUCKETS 1024
#define READERS_KEPT 8
#define STATES_USUAL 64        /* that are all kept; beyond, small ones are read from rows when needed */
#define SMALL_STATE ((size_t)1 << 20) /* bytes, about */

struct lanes {
    pthread_mutex_t lock; /* over all but what is the executor's */
    struct kernel *kernel;
    struct lane *buckets[BUCKETS]; /* by domain */
    struct lane *first_ready, *last_ready;
    size_t at_work;                /* lanes on workers, or on their way there */
    struct database *readers[READERS_KEPT]; /* of no lane for the moment */
    size_t reader_count;
    size_t states;                 /* in memory */

    uint64_t swept_to;             /* the executor's: where the next sweep goes on */
    bool swept_due;                /* the executor's: this round is not the last one */
};

/* --- the module's memory ---------------------------------------------------------------------- */
void *lanes_open(struct kernel *kernel, struct database *database)
{
    struct lanes *lanes = memory_new(sizeof(*lanes));

    (void)database;
    lanes->kernel = kernel;
    pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

void lane_unload(struct lane *lane)
{
    if (lane->prepared.is_there)
        batch_effects_close(&lane->prepared.effects);
    lane->prepared = (struct prepared){ .is_there = false };
    if (lane->state == NULL)
        return;
    rollup_state_free(lane->state);
    lane->state = NULL;
    pthread_mutex_lock(&lane->lanes->lock);
    lane->lanes->states--;
    pthread_mutex_unlock(&lane->lanes->lock);
}

void lanes_close(void *memory)
{
    struct lanes *lanes = memory;

    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct lane *lane = lanes->buckets[i], *next; lane != NULL; lane = next) {
            next = lane->next;
            lane_unload(lane);
            pthread_mutex_destroy(&lane->lock);
            free(lane);
        }
    }
    for (size_t i = 0; i < lanes->reader_count; i++)
        database_close(lanes->readers[i]);
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

static void work_on(struct work *work, size_t worker);

/* Under the lock of all lanes. */
static struct lane *find(struct lanes *lanes, uint64_t domain)
{
    struct lane **bucket = &lanes->buckets[domain % BUCKETS];
    struct lane *lane = *bucket;

    while (lane != NULL && lane->domain != domain)
        lane = lane->next;
    if (lane != NULL)
        return lane;
    lane = memory_new(sizeof(*lane));
    lane->lanes = lanes;
    lane->domain = domain;
    lane->kernel = lanes->kernel;
    lane->work.run = work_on;
    pthread_mutex_init(&lane->lock, NULL);
    lane->next = *bucket;
    *bucket = lane;
    return lane;
}

static struct lane *lane_of(struct kernel *kernel, uint64_t domain)
{
    struct lanes *lanes = kernel_memory(kernel, &rollup_module);
    struct lane *lane;

    pthread_mutex_lock(&lanes->lock);
    lane = find(lanes, domain);
    pthread_mutex_unlock(&lanes->lock);
    return lane;
}

/* --- one piece of work at a time -------------------------------------------------------------- */
/* Lanes leave a worker to all else that people ask. Under the lock of all lanes. */
static void dispatch(struct lanes *lanes)
{
    struct workers *workers = kernel_workers(lanes->kernel);

    while (lanes->first_ready != NULL && lanes->at_work + 1 < workers_count(workers)) {
        struct lane *lane = lanes->first_ready;

        lanes->first_ready = lane->next_ready;
        lane->next_ready = NULL;
        lane->queued = workers_submit(workers, &lane->work); /* else the sweep */
        lanes->at_work += lane->queued;
    }
}

static void make_ready(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;

    lane->queued = true;
    if (lanes->first_ready == NULL)
        lanes->first_ready = lane;
    else
        lanes->last_ready->next_ready = lane;
    lanes->last_ready = lane;
}

static void schedule(struct lane *lane)
{
    pthread_mutex_lock(&lane->lanes->lock);
    if (lane->queued)
        lane->again = true;
    else
        make_ready(lane);
    dispatch(lane->lanes);
    pthread_mutex_unlock(&lane->lanes->lock);
}

/* --- the connection, as long as the lane is locked -------------------------------------------- */
static bool take_reader(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    struct error error;

    pthread_mutex_lock(&lanes->lock);
    lane->reader = lanes->reader_count > 0 ? lanes->readers[--lanes->reader_count] : NULL;
    pthread_mutex_unlock(&lanes->lock);
    if (lane->reader != NULL || kernel_reader(lane->kernel, &lane->reader, &error) == OK)
        return true;
    log_error("rollup %" PRIu64 ": %s", lane->domain, error.message);
    lane->reader = NULL;
    return false;
}

static void give_reader(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    bool sound = !lane_read_failed(lane), kept;

    pthread_mutex_lock(&lanes->lock);
    kept = sound && lanes->reader_count < READERS_KEPT;
    if (kept)
        lanes->readers[lanes->reader_count++] = lane->reader;
    pthread_mutex_unlock(&lanes->lock);
    if (!kept)
        database_close(lane->reader);
    lane->reader = NULL;
}

bool lane_read_failed(struct lane *lane)
{
    struct error error;

    if (database_failure(lane->reader, &error) == OK)
        return false;
    log_error("rollup %" PRIu64 ": %s", lane->domain, error.message);
    return true;
}

/* The state of the rows, which must have the root that it had. */
static bool load(struct lane *lane)
{
    struct rollup rollup;
    struct batch_row row;
    struct hash root;

    if (!rollup_find(lane->reader, lane->domain, &rollup) ||
        !lane_read(lane->reader, lane->domain, &lane->at))
        return false;
    lane->state = rollup_state_empty(rollup.assets);
    pthread_mutex_lock(&lane->lanes->lock);
    lane->lanes->states++;
    pthread_mutex_unlock(&lane->lanes->lock);
    leaf_load_all(lane->reader, lane->domain, lane->state);
    rollup_state_root(lane->state, &root);
    row.result.root = rollup.genesis_root;
    if (lane->at.number > 0 && !batch_find(lane->reader, &lane->at.batch, &row))
        return false;
    if (hash_equal(&root, &row.result.root))
        return true;
    log_error("rollup %" PRIu64 ": the leaves do not have the root of batch %" PRIu64, lane->domain,
              lane->at.number);
    return false;
}

/* The reader is there. */
static bool get_ready(struct lane *lane)
{
    bool ready;

    if (lane->state != NULL)
        return true;
    database_snapshot_begin(lane->reader);
    ready = load(lane);
    atomic_store(&lane->waiting, pending_sums(lane->reader, lane->domain).count);
    atomic_store(&lane->is_counted, true);
    database_snapshot_end(lane->reader);
    if (ready && !lane_read_failed(lane))
        return true;
    lane_unload(lane);
    return false;
}

struct lane *lane_lock(struct kernel *kernel, uint64_t domain)
{
    struct lane *lane = lane_of(kernel, domain);

    pthread_mutex_lock(&lane->lock);
    if (take_reader(lane)) {
        if (get_ready(lane))
            return lane;
        give_reader(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static bool lock_within(pthread_mutex_t *lock, int64_t wait_us)
{
    int64_t until_us = clock_wall_us() + wait_us;
    const struct timespec until = { .tv_sec = (time_t)(until_us / MICROSECONDS_PER_SECOND),
                                    .tv_nsec = (long)(until_us % MICROSECONDS_PER_SECOND * 1000) };

    return pthread_mutex_timedlock(lock, &until) == 0;
}

struct lane *lane_lock_soon(struct kernel *kernel, uint64_t domain)
{
    struct lane *lane = lane_of(kernel, domain);
    bool soon;

    if (!lock_within(&lane->lock, LANE_WAIT_US))
        return NULL;
    soon = take_reader(lane);
    if (soon) {
        soon = lane->state != NULL ||
               leaf_count(lane->reader, domain, LANE_LEAVES_SOON + 1) <= LANE_LEAVES_SOON;
        lane->is_wanted = !soon;
        if (soon && get_ready(lane))
            return lane;
        give_reader(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    if (!soon)
        schedule(lane);
    return NULL;
}

void lane_unlock(struct lane *lane)
{
    give_reader(lane);
    pthread_mutex_unlock(&lane->lock);
}

/* Whether its state is needed: not that of a rollup which somebody made and which has no batch. */
static bool has_work(struct lane *lane)
{
    struct account_id own = kernel_account(lane->kernel);
    struct rollup rollup;
    struct lane_row row;

    return lane->state != NULL || lane->is_wanted ||
           (rollup_find(lane->reader, lane->domain, &rollup) &&
            lane_read(lane->reader, lane->domain, &row) &&
            (rollup.head > 0 || row.number > 0 ||
             (account_equal(&own, &rollup.operator_) &&
              sequencer_policy(lane->reader, kernel_network(lane->kernel), lane->domain).enabled)));
}

/* One batch of others, or one of our own; true: there may be more. */
static bool work_once(struct lane *lane)
{
    bool more = lane_catch_up(lane);

    if (!more && lane->state != NULL && !kernel_stopping(lane->kernel) && lane_sequence(lane))
        more = lane_catch_up(lane);
    lane_discard_prepared(lane);
    return more;
}

/* Many rollups may have a batch or two. */
static void save_memory(struct lane *lane)
{
    bool many;

    pthread_mutex_lock(&lane->lanes->lock);
    many = lane->lanes->states > STATES_USUAL;
    pthread_mutex_unlock(&lane->lanes->lock);
    if (many && lane->state != NULL && !lane->is_wanted && rollup_state_memory(lane->state) <= SMALL_STATE)
        lane_unload(lane);
}

/* Once, and back to the end of the queue, so that others get their turn. */
static void work_on(struct work *work, size_t worker)
{
    struct lane *lane = (struct lane *)((char *)work - offsetof(struct lane, work));
    bool more = false;

    (void)worker;
    pthread_mutex_lock(&lane->lock);
    if (take_reader(lane)) {
        if (has_work(lane) && get_ready(lane)) {
            more = work_once(lane);
            if (!more && !kernel_stopping(lane->kernel))
                lane_guard(lane);
        }
        if (!more)
            save_memory(lane);
        give_reader(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    pthread_mutex_lock(&lane->lanes->lock);
    lane->lanes->at_work--;
    lane->queued = false;
    if ((more || lane->again) && !kernel_stopping(lane->kernel))
        make_ready(lane);
    lane->again = false;
    dispatch(lane->lanes);
    pthread_mutex_unlock(&lane->lanes->lock);
}

void lane_discard_prepared(struct lane *lane)
{
    struct prepared *p = &lane->prepared;

    if (!p->is_there)
        return;
    rollup_revert(lane->state, p->effects.changes, p->effects.change_count);
    batch_effects_close(&p->effects);
    *p = (struct prepared){ .is_there = false };
}

/* --- rows by way of the executor -------------------------------------------------------------- */
struct commit {
    struct kernel_task task;
    void (*write)(void *context, struct execution *x);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    enum status status;
};

static enum status commit_run(struct kernel_task *task, struct execution *x)
{
    struct commit *commit = (struct commit *)((char *)task - offsetof(struct commit, task));

    commit->write(commit->context, x);
    return OK;
}

static void commit_done(struct kernel_task *task, enum status status, const struct error *error)
{
    struct commit *commit = (struct commit *)((char *)task - offsetof(struct commit, task));

    (void)error;
    pthread_mutex_lock(&commit->lock);
    commit->status = status;
    commit->is_done = true;
    pthread_cond_signal(&commit->changed);
    pthread_mutex_unlock(&commit->lock);
}

bool lane_commit(struct lane *lane, void (*write)(void *context, struct execution *x), void *context)
{
    struct commit commit = { .task = { .run = commit_run, .done = commit_done }, .write = write,
                             .context = context, .status = ERROR_BUSY };

    pthread_mutex_init(&commit.lock, NULL);
    pthread_cond_init(&commit.changed, NULL);
    if (kernel_submit_task(lane->kernel, &commit.task)) {
        pthread_mutex_lock(&commit.lock);
        while (!commit.is_done)
            pthread_cond_wait(&commit.changed, &commit.lock);
        pthread_mutex_unlock(&commit.lock);
    }
    pthread_cond_destroy(&commit.changed);
    pthread_mutex_destroy(&commit.lock);
    return commit.status == OK;
}

/* --- from the executor ------------------------------------------------------------------------ */
struct wake {
    uint64_t domain;
    uint64_t most; /* when so many wait, it is time */
};

static void hand_on(struct kernel *kernel, void *context)
{
    struct wake *wake = context;

    schedule(lane_of(kernel, wake->domain));
    free(wake);
}

static void wake_after_commit(struct execution *x, uint64_t domain)
{
    struct wake *wake = memory_new(sizeof(*wake));

    wake->domain = domain;
    execution_after_commit(x, hand_on, free, wake);
}

static struct lanes *lanes_of(struct execution *x)
{
    return kernel_memory(execution_kernel(x), &rollup_module);
}

/* A rollup that is new here: its state before the first batch. */
static void begin(struct execution *x, const struct rollup *rollup)
{
    struct database *database = execution_database(x);
    const struct lane_row none = { .number = 0 };
    struct leaf_place places[GENESIS_LEAVES];
    struct leaf leaves[GENESIS_LEAVES];

    leaf_genesis(&rollup->operator_, places, leaves);
    for (size_t i = 0; i < GENESIS_LEAVES; i++)
        leaf_write(database, rollup->domain, &places[i], &leaves[i]);
    lane_write(database, rollup->domain, &none);
}

void lane_follow(struct execution *x, struct bytes subject)
{
    uint64_t domain = get_be64(subject.data);
    struct rollup rollup;
    struct lane_row row;

    if (!rollup_find(execution_database(x), domain, &rollup))
        return;
    if (!lane_read(execution_database(x), domain, &row))
        begin(x, &rollup);
    lanes_of(x)->swept_due = true;
    sweep_request(x, ROLLUP_SWEEP, execution_time(x) + RESUME_US);
    wake_after_commit(x, domain);
}

uint64_t lane_waiting(struct execution *x, uint64_t domain)
{
    struct lane *lane = lane_of(execution_kernel(x), domain);

    if (!atomic_load(&lane->is_counted)) {
        atomic_store(&lane->waiting, pending_sums(execution_database(x), domain).count);
        atomic_store(&lane->is_counted, true);
    }
    return atomic_load(&lane->waiting);
}

/* What waits is counted once it is committed: a handler may run twice, or for nothing. */
static void count_one(struct kernel *kernel, void *context)
{
    struct wake *wake = context;
    struct lane *lane = lane_of(kernel, wake->domain);

    if (atomic_fetch_add(&lane->waiting, 1) + 1 >= wake->most)
        schedule(lane);
    free(wake);
}

void lane_wake(struct execution *x, uint64_t domain)
{
    struct sequencer_policy policy =
        sequencer_policy(execution_database(x), execution_network(x), domain);
    struct wake *wake = memory_new(sizeof(*wake));

    *wake = (struct wake){ domain, policy.batch_us == 0 ? 0 : policy.batch_items };
    sweep_request(x, ROLLUP_SWEEP, execution_time(x) + policy.batch_us);
    execution_after_commit(x, count_one, free, wake);
}

void lane_policy_changed(struct execution *x, uint64_t domain)
{
    sweep_request(x, ROLLUP_SWEEP, execution_time(x) + RESUME_US);
    wake_after_commit(x, domain);
}

/* When what waits is to be looked at again; INT64_MAX: nothing does, or it is not ours. */
static int64_t sequence_again(struct execution *x, const struct rollup *rollup)
{
    struct database *database = execution_database(x);
    struct account_id own = kernel_account(execution_kernel(x));
    struct sequencer_policy policy;
    struct pending_sums waiting;
    int64_t due_us;

    if (rollup->frozen || !account_equal(&own, &rollup->operator_))
        return INT64_MAX;
    policy = sequencer_policy(database, execution_network(x), rollup->domain);
    if (!policy.enabled)
        return INT64_MAX;
    waiting = pending_sums(database, rollup->domain);
    if (waiting.count == 0)
        return batch_takes_inbox(database, rollup) ? execution_time(x) + RESUME_US : INT64_MAX;
    due_us = waiting.oldest_us + policy.batch_us;
    return due_us > execution_time(x) && due_us < execution_time(x) + RESUME_US
        ? due_us : execution_time(x) + RESUME_US;
}

static bool stands_still(struct database *database, const struct lane_row *row)
{
    struct batch_row batch;

    return row->number == 0 || (batch_find(database, &row->batch, &batch) && batch_stands(batch.state));
}

/* When there is something to be looked at again; INT64_MAX: nothing. */
static int64_t look_again(struct execution *x, const struct rollup *rollup, const struct lane_row *row)
{
    struct database *database = execution_database(x);
    struct batch_verdict verdict;
    struct batch_row next;

    if (!stands_still(database, row) ||
        (row->number < rollup->head &&
         batch_find_number(database, rollup->domain, row->number + 1, &next) &&
         !batch_verdict_read(database, &next.id, &verdict) &&
         (batch_is_here(database, &next) || !missing_has(database, &next.id))) ||
        guard_waits(x, rollup) || undo_exists_to(database, rollup->domain, rollup->final))
        return execution_time(x) + RESUME_US;
    return sequence_again(x, rollup);
}

/* The next rollup of the statement, looked at. 0: there is none. */
static uint64_t sweep_one(struct execution *x, struct statement *s, uint64_t after, int64_t *earliest_us)
{
    struct database *database = execution_database(x);
    struct rollup rollup;
    struct lane_row row;
    uint64_t domain;
    int64_t due_us;

    bind_integer(s, (int64_t)after);
    if (!statement_row(s))
        return 0;
    domain = (uint64_t)column_integer(s, "domain");
    statement_finish(s);
    if (!rollup_find(database, domain, &rollup) || !lane_read(database, domain, &row))
        return domain;
    due_us = look_again(x, &rollup, &row);
    if (due_us != INT64_MAX)
        wake_after_commit(x, domain);
    if (due_us < *earliest_us)
        *earliest_us = due_us;
    return domain;
}

/* Those that this node makes batches of, each time: its operator chose them. Of all others a page. */
int64_t lanes_sweep(struct execution *x)
{
    struct database *database = execution_database(x);
    struct lanes *lanes = lanes_of(x);
    int64_t own_us = INT64_MAX, others_us = INT64_MAX;
    uint64_t domain = 0;

    do
        domain = sweep_one(x, statement(database, "SELECT domain FROM rollup_sequencer"
                                                  " WHERE domain > ? AND enabled ORDER BY domain LIMIT 1"),
                           domain, &own_us);
    while (domain != 0);
    domain = lanes->swept_to;
    for (size_t i = 0; i == 0 || (domain != 0 && i < SWEPT_AT_ONCE); i++)
        domain = sweep_one(x, statement(database, "SELECT domain FROM rollup WHERE domain > ?"
                                                  " ORDER BY domain LIMIT 1"), domain, &others_us);
    lanes->swept_to = domain;
    lanes->swept_due |= others_us != INT64_MAX;
    if (domain != 0)
        others_us = execution_time(x) + PAGE_US;
    else if (lanes->swept_due)
        others_us = execution_time(x) + RESUME_US;
    if (domain == 0)
        lanes->swept_due = false;
    return own_us < others_us ? own_us : others_us;
}
