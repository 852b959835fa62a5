/* The executor: the one thread that writes. It takes what has queued while the last commit was synced, runs
 * it in one transaction (each command all or nothing), commits once, and only then lets anything out: first
 * the events, then the replies. A failure to write ends the process (store/database.h), so nothing is ever
 * said that did not happen. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "kernel/internal.h"

#define LOG_ROOM "kernel"
#define BATCH_TEXT_MAX                                                                                       \
    ((size_t)4 * 1024 * 1024) /* bytes of events, and of replies, after which a batch ends */
#define BATCH_TEXT_KEPT ((size_t)8 * 1024 * 1024) /* bytes of buffers kept from one batch to the next */
#define VALIDITY_MAX_US ((int64_t)366 * 86400 * MICROSECONDS_PER_SECOND)
/* Batches after a spoiled one, so that nobody can make the node do its work twice for long. */
#define CAREFUL_BATCHES 64

struct job *job_new(enum job_kind kind)
{
    struct job *job = memory_new(sizeof(*job));

    job->kind = kind;
    arena_init(&job->arena);
    return job;
}

void job_free(struct job *job)
{
    free(job->error);
    arena_close(&job->arena);
    free(job);
}

bool executor_submit(struct kernel *k, struct job *job)
{
    job->bytes = JOB_OVERHEAD + job->arena.total;
    if (atomic_fetch_add(&k->queued_bytes, job->bytes) + job->bytes <= k->options.queue_bytes &&
        queue_put(&k->queue, job))
        return true;
    atomic_fetch_sub(&k->queued_bytes, job->bytes);
    return false;
}

/* --- one job, inside the transaction ---------------------------------------------------------- */
static void refuse(struct job *job, enum status status, const struct error *error)
{
    job->status = status;
    job->error = memory_copy(error, sizeof(*error));
}

static void write_reply(struct kernel *k, struct job *job, uint64_t block, const char *result, size_t size,
                        bool repeated)
{
    struct writer w;

    job->reply_offset = k->results.size;
    writer_init(&w, &k->results);
    writer_object_begin(&w);
    writer_member_hex(&w, "transaction", job->id.bytes, sizeof(job->id.bytes));
    writer_member_unsigned(&w, "block", block);
    writer_member_raw(&w, "result", result, size);
    writer_member_boolean(&w, "repeated", repeated);
    writer_object_end(&w);
    job->reply_size = k->results.size - job->reply_offset;
}

static void insert_row(void *context, struct execution *x, struct bytes result, uint64_t first_seq)
{
    const struct job *job = context;

    transaction_insert(x->machine->database, job, machine_height(x->machine, x->scope), result, first_seq,
                       x->machine->next_seq);
}

/* A transaction that stays good for ever is a cheque that can be cashed years later, by whoever finds it. */
static enum status check_validity(int64_t now_us, int64_t valid_until_us, struct error *error)
{
    if (now_us >= valid_until_us)
        return error_set(error, ERROR_EXPIRED, "valid_until is %" PRId64 " and block time is %" PRId64,
                         valid_until_us, now_us);
    if (valid_until_us - now_us > VALIDITY_MAX_US)
        return error_set(error, ERROR_VALIDITY_TOO_LONG,
                         "valid_until is %" PRId64 " and block time is %" PRId64 ": more than 366 days",
                         valid_until_us, now_us);
    return OK;
}

static void run_signed(struct kernel *k, struct job *job)
{
    struct machine *m = &k->machine;
    struct execution x = { .account = job->account, .transaction = job->id };
    const struct machine_command command = { .scope = job->command->scope, .run = job->command->run,
                                             .params = job->params, .after = insert_row, .context = job };
    struct stored_transaction found;
    struct buffer result CLEANUP(buffer_close) = { 0 };
    struct error error;
    enum status status;

    if (transaction_find(k->writer, &job->id, &found)) {
        write_reply(k, job, found.block, found.result, strlen(found.result), true);
        stored_transaction_close(&found);
        return;
    }
    status = check_validity(m->next.time_us, job->valid_until_us, &error);
    if (status == OK)
        status = machine_run(m, &x, &command, &result, &error);
    if (status != OK)
        refuse(job, status, &error);
    else
        write_reply(k, job, machine_height(m, command.scope), (const char *)result.data, result.size, false);
}

static void run_unsigned(struct kernel *k, struct job *job)
{
    struct execution x = { 0 };
    const struct machine_command command = { .scope = job->command->scope, .run = job->command->run,
                                             .params = job->params };
    struct error error;
    enum status status;

    job->reply_offset = k->results.size;
    status = machine_run(&k->machine, &x, &command, &k->results, &error);
    job->reply_size = k->results.size - job->reply_offset;
    if (status != OK)
        refuse(job, status, &error);
}

static enum status task_handler(struct execution *x, const void *params, struct writer *result)
{
    struct kernel_task *task = ((const struct job *)params)->task;

    (void)result;
    return task->run(task, x);
}

static enum status effect_handler(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    return effect_job_finish(((const struct job *)params)->effect, x);
}

static void run_inside(struct kernel *k, struct job *job, command_handler *handler)
{
    struct execution x = { 0 };
    const struct machine_command command = { .scope = SCOPE_LOCAL, .run = handler, .params = job };
    struct error error;
    enum status status;

    status = machine_run(&k->machine, &x, &command, &k->results, &error);
    if (status != OK)
        refuse(job, status, &error);
}

static void run_job(struct kernel *k, struct job *job)
{
    switch (job->kind) {
    case JOB_COMMAND:
        if (job->is_signed)
            run_signed(k, job);
        else
            run_unsigned(k, job);
        break;
    case JOB_TASK:
        run_inside(k, job, task_handler);
        break;
    case JOB_EFFECT:
        run_inside(k, job, effect_handler);
        INVARIANT(job->status == OK, "an effect could not be ended: %s", job->error->message);
        break;
    }
}

/* --- after COMMIT ----------------------------------------------------------------------------- */
static void deliver(struct kernel *k, struct job *job)
{
    atomic_fetch_sub(&k->queued_bytes, job->bytes);
    if (job->kind != JOB_EFFECT)
        atomic_fetch_add(job->status == OK ? &k->commands : &k->refused, 1);
    switch (job->kind) {
    case JOB_COMMAND:
        job->call->done(job->call, job->status, job->error,
                        job->reply_size == 0
                            ? bytes_of(NULL, 0)
                            : bytes_of(k->results.data + job->reply_offset, job->reply_size));
        break;
    case JOB_TASK:
        job->task->done(job->task, job->status, job->error);
        break;
    case JOB_EFFECT:
        effect_job_free(job->effect);
        break;
    }
    job_free(job);
}

static void publish(struct kernel *k, struct publication *p)
{
    atomic_store(&k->head, event_log_head(k->log));
    atomic_store(&k->height, k->machine.head.height);
    atomic_store(&k->block_time_us, (uint64_t)k->machine.head.time_us);
    atomic_store(&k->chain_time_us, (uint64_t)k->machine.head.chain_time_us);
    atomic_store(&k->advanced_us, (uint64_t)k->machine.head.advanced_us);
    atomic_fetch_add(&k->commits, 1);
    if (p == NULL)
        return;
    atomic_fetch_add(&k->events, p->last - p->first + 1);
    p->committed_us = clock_monotonic_us();
    if (k->options.publish != NULL)
        k->options.publish(k->options.context, p);
    else
        publication_free(p);
}

/* Chain time must go on while a window runs on it: a block each interval, even an empty one. */
static bool empty_block_due(struct kernel *k, int64_t now_us)
{
    const struct block *head = &k->machine.head;

    return k->machine.earliest_us[CLOCK_CHAIN] != INT64_MAX &&
           now_us >= head->time_us - head->advanced_us + k->options.block_interval_us;
}

static void run_own(struct kernel *k, const struct machine_command *own)
{
    struct execution x = { 0 };
    struct error error;

    INVARIANT(machine_run(&k->machine, &x, own, &k->results, &error) == OK, "%s", error.message);
}

/* Whoever just spoiled a batch makes the next ones careful. */
static bool must_be_careful(struct kernel *k)
{
    if (k->careful_batches == 0)
        return false;
    k->careful_batches--;
    return true;
}

/* What happens inside the transaction, up to the events. Takes jobs until the events of those taken are many;
 * *count says how many it took. False: the batch is spoiled. */
static bool fill_batch(struct kernel *k, struct job **jobs, size_t *count, int64_t now_us, bool careful)
{
    size_t taken = 0;

    machine_batch_begin(&k->machine, now_us, event_log_head(k->log) + 1, careful);
    if (empty_block_due(k, now_us))
        machine_open_block(&k->machine);
    machine_fire_deadlines(&k->machine);
    machine_sweep(&k->machine);
    while (taken < *count && !k->machine.spoiled && k->machine.text.size < BATCH_TEXT_MAX &&
           k->results.size < BATCH_TEXT_MAX)
        run_job(k, jobs[taken++]);
    *count = taken;
    return !k->machine.spoiled;
}

/* Back to before the batch, for a second run of it with a savepoint for each command. */
static void start_over(struct kernel *k, struct job **jobs, size_t count)
{
    database_rollback(k->writer);
    if (k->sweeping)
        machine_set_sweeps(&k->machine,
                           0); /* what the batch asked for is forgotten: they look for themselves */
    k->careful_batches = CAREFUL_BATCHES;
    buffer_clear(&k->results);
    for (size_t i = 0; i < count; i++) {
        free(jobs[i]->error);
        jobs[i]->error = NULL;
        jobs[i]->status = OK;
    }
    database_begin(k->writer);
}

/* One transaction: the jobs, or a command of the node's own (NULL: none). Returns whether dev.advance_time
 * moved the clock. */
static bool commit_batch(struct kernel *k, struct job **jobs, size_t *count,
                         const struct machine_command *own, bool force_checkpoint)
{
    struct publication *p;
    const size_t offered = *count;
    int64_t now_us = kernel_clock(k);
    bool advanced, filled;

    database_begin(k->writer);
    filled = fill_batch(k, jobs, count, now_us, must_be_careful(k));
    if (!filled) {
        start_over(k, jobs, *count);
        *count = offered;
        filled = fill_batch(k, jobs, count, now_us, true);
    }
    INVARIANT(filled, "a careful batch was spoiled");
    if (own != NULL)
        run_own(k, own);
    p = publication_make(k);
    advanced = k->machine.next_advance_us > 0;
    if (machine_batch_end(&k->machine))
        atomic_fetch_add(&k->blocks, 1);
    event_log_checkpoint(k->log, now_us + k->machine.head.advanced_us,
                         force_checkpoint); /* in events' time */
    if (k->effects != NULL)
        effects_take(k->effects, k->writer, now_us);
    database_commit(k->writer);
    publish(k, p);
    if (k->sweeping)
        machine_follow_up(&k->machine);
    if (k->effects != NULL)
        effects_hand_out(k->effects);
    return advanced;
}

void executor_genesis(struct kernel *k, const struct hash *genesis)
{
    struct publication *p;

    database_begin(k->writer);
    machine_genesis(&k->machine, kernel_clock(k), genesis, event_log_head(k->log) + 1);
    p = publication_make(k);
    database_commit(k->writer);
    publish(k, p);
}

void executor_record(struct kernel *k, command_handler *run, const void *params, bool force_checkpoint)
{
    const struct machine_command own = { .scope = SCOPE_LOCAL, .run = run, .params = params };

    size_t none = 0;

    buffer_clear(&k->results);
    commit_batch(k, NULL, &none, &own, force_checkpoint);
    if (k->options.batch_done != NULL)
        k->options.batch_done(k->options.context);
}

static enum status record_pinned(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    return event_database_wal_pinned(x, params);
}

static void move_wal(struct kernel *k)
{
    char path[PATH_MAX];
    struct stat wal = { 0 };
    struct event_database_wal_pinned event;

    if (!database_checkpoint_wal(k->writer, kernel_clock(k)))
        return;
    snprintf(path, sizeof(path), "%s-wal", k->database_path);
    event.bytes = stat(path, &wal) == 0 ? (uint64_t)wal.st_size : 0;
    log_warn("a reader has kept %" PRIu64
             " bytes of write-ahead log from being moved for 30 s: look for an sqlite3 "
             "shell or tool with a transaction open",
             event.bytes);
    executor_record(k, record_pinned, &event, false);
}

/* A batch of unusual size leaves no lasting mark on the node's memory. */
static void shrink(struct buffer *buffer)
{
    if (buffer->capacity > BATCH_TEXT_KEPT)
        buffer_close(buffer);
}

/* Runs a batch to its replies; returns how many of the jobs it took. */
static size_t run_batch(struct kernel *k, struct job **jobs, size_t count)
{
    size_t none = 0;

    buffer_clear(&k->results);
    /* Whoever moves the time may rely on it: what it makes due is fired before the reply. */
    if (commit_batch(k, jobs, &count, NULL, false))
        commit_batch(k, NULL, &none, NULL, false);
    for (size_t i = 0; i < count; i++)
        deliver(k, jobs[i]);
    if (k->options.batch_done != NULL)
        k->options.batch_done(k->options.context);
    shrink(&k->results);
    shrink(&k->machine.text);
    move_wal(k);
    return count;
}

/* --- the loop --------------------------------------------------------------------------------- */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the executor must act although nobody calls: a deadline, an empty block, a checkpoint, an effect's
 * next attempt. */
static int64_t next_action(struct kernel *k)
{
    const struct block *head = &k->machine.head;
    int64_t due_us = earlier(k->machine.earliest_us[CLOCK_BLOCK], machine_sweep_due(&k->machine));
    int64_t checkpoint_us =
        event_log_checkpoint_due(k->log); /* in events' time, as the deadlines of block time are */

    if (checkpoint_us != INT64_MAX)
        checkpoint_us -= head->advanced_us;
    if (due_us != INT64_MAX)
        due_us -= head->advanced_us;
    if (k->machine.earliest_us[CLOCK_CHAIN] != INT64_MAX)
        due_us = earlier(due_us, head->time_us - head->advanced_us + k->options.block_interval_us);
    return earlier(due_us, checkpoint_us);
}

static void *executor_main(void *context)
{
    struct kernel *k = context;

    for (;;) {
        int64_t now_us = kernel_clock(k), action_us = next_action(k),
                due_us = earlier(action_us, effects_due(k->effects));
        int64_t wait_us = -1;
        size_t count;

        if (due_us != INT64_MAX)
            wait_us = due_us <= now_us ? 0 : earlier(due_us - now_us, CLOCK_POLL_US);
        count = queue_take(&k->queue, (void **)k->batch, k->options.batch_size, wait_us);
        if (count == 0 && queue_closed(&k->queue))
            break;
        if (count == 0 && action_us <= kernel_clock(k))
            run_batch(k, NULL, 0);
        for (size_t done = 0; done < count;)
            done += run_batch(k, k->batch + done, count - done);
        if (effects_due(k->effects) <= kernel_clock(k))
            effects_dispatch(k->effects, k->writer, kernel_clock(k));
    }
    return NULL;
}

void executor_start(struct kernel *k)
{
    k->sweeping = true;
    machine_set_sweeps(&k->machine, 0);
    INVARIANT(pthread_create(&k->executor, NULL, executor_main, k) == 0,
              "the executor's thread did not start");
    pthread_setname_np(k->executor, "executor");
}

void executor_stop(struct kernel *k)
{
    queue_close(&k->queue);
    pthread_join(k->executor, NULL);
    k->sweeping = false;
    machine_set_sweeps(&k->machine, INT64_MAX);
}
