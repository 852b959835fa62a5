/* Effects: see effect.h. */
#include "kernel/effect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "kernel/internal.h"

#define LOG_ROOM "kernel"

struct effects {
    struct kernel *kernel;
    struct workers *workers;
    uint64_t running[EFFECTS_RUNNING_MAX];
    size_t count;
};

/* One run: made by the executor, worked on by a worker, brought back to the executor. */
struct effect_job {
    struct work work; /* first, so that the worker finds the job */
    struct kernel *kernel;
    const struct effect_kind *kind;
    struct effect_run run;
    char *key, *request;
    enum status outcome;
};

/* --- asking for one (in a handler) ------------------------------------------------------------ */
uint64_t effect_request(struct execution *x, const char *kind, const char *key, const char *request)
{
    struct machine *m = x->machine;
    struct statement *s = statement(m->database, "SELECT id FROM effect WHERE kind = ? AND key = ?");
    uint64_t id;

    INVARIANT(x->scope == SCOPE_LOCAL, "effect '%s' asked for by the base ledger", kind);
    INVARIANT(registry_effect(m->registry, kind) != NULL, "no module declares the effect '%s'", kind);
    bind_text(s, kind);
    bind_text(s, key);
    if (statement_row(s)) {
        id = (uint64_t)column_integer(s, "id");
        statement_finish(s);
        return id;
    }
    s = statement(m->database, "INSERT INTO effect (kind, key, request, state, attempts, next_us, created_us)"
                               " VALUES (?, ?, ?, 'waiting', 0, ?, ?)");
    bind_text(s, kind);
    bind_text(s, key);
    bind_text(s, request);
    bind_integer(s, m->wall_us);
    bind_integer(s, m->wall_us);
    statement_run(s);
    m->effects_requested = true;
    return (uint64_t)sqlite3_last_insert_rowid(database_handle(m->database));
}

static unsigned attempts_most(const struct effect_kind *kind)
{
    return kind->attempts == 0 ? EFFECT_ATTEMPTS_DEFAULT : kind->attempts;
}

/* --- running (worker) ------------------------------------------------------------------------- */
static void run_effect(struct work *work, size_t worker)
{
    struct effect_job *effect = (struct effect_job *)work;
    struct job *job = job_new(JOB_EFFECT);

    (void)worker;
    buffer_init(&effect->run.result);
    if (effect->run.attempt > attempts_most(effect->kind))
        effect->outcome = error_set(&effect->run.error, ERROR_INTERNAL,
                                    "the node ended while it ran, in the last of its attempts");
    else
        effect->outcome = effect->kind->run(&effect->run);
    if (effect->run.result.size == 0)
        buffer_append_text(&effect->run.result, "{}");
    job->effect = effect;
    /* The executor always moves on, so a full queue empties; nothing may be dropped here. */
    while (!executor_submit(effect->kernel, job))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

struct effects *effects_start(struct kernel *kernel)
{
    struct effects *effects = memory_new(sizeof(*effects));

    effects->kernel = kernel;
    effects->workers = workers_start("effect", EFFECT_WORKERS, EFFECTS_RUNNING_MAX);
    return effects;
}

void effects_stop(struct effects *effects)
{
    workers_end(effects->workers); /* the executor may still be about to submit */
}

void effects_free(struct effects *effects)
{
    workers_free(effects->workers);
    free(effects);
}

/* --- handing out (executor) ------------------------------------------------------------------- */
static bool is_running(const struct effects *effects, uint64_t id)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->running[i] == id)
            return true;
    }
    return false;
}

static struct effect_job *new_job(struct effects *effects, struct statement *s)
{
    struct effect_job *job = memory_new(sizeof(*job));
    const char *kind = column_text(s, "kind");

    job->work.run = run_effect;
    job->kernel = effects->kernel;
    job->kind = registry_effect(effects->kernel->registry, kind);
    INVARIANT(job->kind != NULL, "an effect of kind '%s', which no module declares", kind);
    job->key = text_copy(column_text(s, "key"));
    job->request = text_copy(column_text(s, "request"));
    job->run.kernel = effects->kernel;
    job->run.id = (uint64_t)column_integer(s, "id");
    job->run.key = job->key;
    job->run.request = job->request;
    job->run.attempt = (unsigned)column_integer(s, "attempts") + 1;
    return job;
}

static void free_job(struct effect_job *job)
{
    buffer_close(&job->run.result);
    free(job->key);
    free(job->request);
    free(job);
}

/* The effects whose time has come, as jobs. *due_us: when the first of the others is due. */
static size_t take_due(struct effects *effects, struct database *database, int64_t now_us,
                       struct effect_job *jobs[EFFECTS_RUNNING_MAX], int64_t *due_us)
{
    struct statement *s = statement(database, "SELECT id, kind, key, request, attempts, next_us FROM effect"
                                              " WHERE state = 'waiting' ORDER BY next_us");
    size_t taken = 0;

    *due_us = INT64_MAX;
    while (statement_row(s)) {
        if (effects->count == EFFECTS_RUNNING_MAX) {
            statement_finish(s);
            break; /* the end of a running one comes back here */
        }
        if (is_running(effects, (uint64_t)column_integer(s, "id")))
            continue;
        if (column_integer(s, "next_us") > now_us) {
            *due_us = column_integer(s, "next_us");
            statement_finish(s);
            break;
        }
        jobs[taken] = new_job(effects, s);
        effects->running[effects->count++] = jobs[taken]->run.id;
        taken++;
    }
    return taken;
}

/* The attempt is on record before it starts: an effect that takes the node down with it ends after its
 * attempts. */
static void record_attempt(struct database *database, const struct effect_job *job)
{
    struct statement *s = statement(database, "UPDATE effect SET attempts = ? WHERE id = ?");

    bind_integer(s, job->run.attempt);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
}

int64_t effects_dispatch(struct effects *effects, struct database *database, int64_t now_us)
{
    struct effect_job *jobs[EFFECTS_RUNNING_MAX];
    int64_t due_us;
    size_t count;

    if (kernel_stopping(effects->kernel))
        return INT64_MAX;
    count = take_due(effects, database, now_us, jobs, &due_us);
    if (count == 0)
        return due_us;
    database_begin(database);
    for (size_t i = 0; i < count; i++)
        record_attempt(database, jobs[i]);
    database_commit(database);
    for (size_t i = 0; i < count; i++) {
        if (workers_submit(effects->workers, &jobs[i]->work))
            continue;
        INVARIANT(kernel_stopping(effects->kernel), "the effects' queue is as long as what may run");
        effect_job_free(effects, jobs[i]); /* the stop came in between: the next start resumes it */
    }
    return due_us;
}

/* --- the end of a run (executor) -------------------------------------------------------------- */
int64_t effect_backoff(const struct effect_kind *kind, unsigned attempt)
{
    int64_t delay_us = kind->backoff_us == 0 ? EFFECT_BACKOFF_DEFAULT_US : kind->backoff_us;

    for (unsigned i = 1; i < attempt && delay_us < EFFECT_BACKOFF_MAX_US; i++)
        delay_us *= 2;
    return delay_us < EFFECT_BACKOFF_MAX_US ? delay_us : EFFECT_BACKOFF_MAX_US;
}

static void set_next_attempt(const struct effect_job *job, struct execution *x, unsigned attempts,
                             int64_t next_us)
{
    struct statement *s =
        statement(x->machine->database, "UPDATE effect SET attempts = ?, next_us = ? WHERE id = ?");

    bind_integer(s, attempts);
    bind_integer(s, next_us);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
    x->machine->effects_requested = true;
}

static void write_outcome(const struct effect_job *job, struct buffer *out)
{
    struct writer w;

    if (job->outcome == OK) {
        buffer_append(out, job->run.result.data, job->run.result.size);
        return;
    }
    writer_init(&w, out);
    writer_object_begin(&w);
    writer_member_integer(&w, "code", job->outcome);
    writer_member_text(&w, "name", status_name(job->outcome));
    writer_member_text(&w, "message", job->run.error.message);
    writer_object_end(&w);
}

static void end_effect(const struct effect_job *job, struct execution *x)
{
    const char *state = job->outcome == OK ? "done" : "failed";
    struct buffer result CLEANUP(buffer_close) = { 0 };
    struct statement *s;

    write_outcome(job, &result);
    s = statement(x->machine->database,
                  "UPDATE effect SET state = ?, attempts = ?, result = ?, ended_us = ? WHERE id = ?");
    bind_text(s, state);
    bind_integer(s, job->run.attempt);
    bind_text_sized(s, (const char *)result.data, result.size);
    bind_integer(s, x->machine->wall_us);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
    x->machine->effects_requested = true; /* a place to run became free */
    if (job->kind->ended != NULL)
        job->kind->ended(x, job->run.id, job->key, job->request, job->outcome, buffer_text(&result));
    event_effect_ended(x, &(struct event_effect_ended){ .effect = job->run.id,
                                                        .kind = job->kind->name,
                                                        .state = state,
                                                        .attempts = job->run.attempt,
                                                        .result = buffer_bytes(&result) });
}

enum status effect_job_finish(struct effect_job *job, struct execution *x)
{
    unsigned most = attempts_most(job->kind);
    bool retry = job->outcome != OK && job->run.attempt < most &&
                 (job->kind->retry == NULL || job->kind->retry(job->outcome));

    if (job->outcome == ERROR_STOPPING) {
        set_next_attempt(job, x, job->run.attempt - 1, x->machine->wall_us); /* the next start resumes it */
    } else if (retry) {
        log_warn("effect %" PRIu64 " (%s), attempt %u of %u: %s", job->run.id, job->kind->name,
                 job->run.attempt, most, job->run.error.message);
        set_next_attempt(job, x, job->run.attempt,
                         x->machine->wall_us + effect_backoff(job->kind, job->run.attempt));
    } else {
        end_effect(job, x);
    }
    return OK;
}

void effect_job_free(struct effects *effects, struct effect_job *job)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->running[i] == job->run.id) {
            effects->running[i] = effects->running[--effects->count];
            break;
        }
    }
    free_job(job);
}

uint64_t effects_waiting(struct database *database)
{
    struct statement *s = statement(database, "SELECT count(*) AS n FROM effect WHERE state = 'waiting'");
    uint64_t count = 0;

    if (statement_row(s)) {
        count = (uint64_t)column_integer(s, "n");
        statement_finish(s);
    }
    return count;
}
