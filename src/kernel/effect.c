/* Effects: see effect.h. */
#include "kernel/effect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "kernel/internal.h"

#define LOG_ROOM "kernel"

_Static_assert(EFFECTS_WAITING_MAX <= WORKERS_POOL_MAX, "one pool runs all that wait");

/* Those of one kind that wait for one party. */
struct effect_queue {
    uint64_t party;
    size_t running;
    int64_t due_us; /* when to look for some to run; INT64_MAX: when one is asked for or ends */
    struct effect_queue *next;
};

/* What is known of one kind. */
struct effect_lane {
    const struct effect_kind *kind;
    size_t places;  /* of its own; 0: it computes, and has a share in EFFECTS_RUNNING_MAX */
    size_t running;
    struct effect_queue *queues; /* of the parties that something waits or runs for; 0 is always there */
};

struct effects {
    struct kernel *kernel;
    struct workers *computing, *waiting;
    struct effect_lane *lanes; /* in the registry's order */
    size_t lane_count;
    size_t computing_count;    /* that run */
    struct effect_job **taken; /* until they are handed out */
    size_t taken_count, taken_most;
};

/* One run: made by the executor, worked on by a worker, brought back to the executor. */
struct effect_job {
    struct work work; /* first, so that the worker finds the job */
    struct kernel *kernel;
    const struct effect_kind *kind;
    struct effect_lane *lane;
    struct effect_queue *queue;
    bool finished; /* its place is free again */
    struct effect_run run;
    char *key, *request;
    enum status outcome;
};

/* --- asking for one (in a handler) ------------------------------------------------------------ */
/* A batch that is rolled back leaves but a look for nothing. */
static void look_again(struct effect_queue *queue, int64_t due_us)
{
    if (due_us < queue->due_us)
        queue->due_us = due_us;
}

static struct effect_queue *find_or_add_queue(struct effect_lane *lane, uint64_t party)
{
    struct effect_queue **at = &lane->queues;

    while (*at != NULL && (*at)->party != party)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = memory_new(sizeof(**at));
        **at = (struct effect_queue){ .party = party, .due_us = INT64_MAX };
    }
    return *at;
}

/* NULL while the node starts: the first batch may fire deadlines that came due meanwhile, and what reacts to
 * them asks for effects. Every lane looks at the rows when it begins. */
static struct effect_lane *find_lane(const struct machine *m, const char *kind)
{
    int index = registry_effect_index(m->registry, kind);

    INVARIANT(index >= 0, "no module declares the effect '%s'", kind);
    return m->kernel->effects == NULL ? NULL : &m->kernel->effects->lanes[index];
}

uint64_t effect_request_for(struct execution *x, const char *kind, uint64_t party, const char *key,
                            const char *request, int64_t delay_us)
{
    struct machine *m = x->machine;
    struct statement *s = statement(m->database, "SELECT id FROM effect WHERE kind = ? AND key = ?");
    struct effect_lane *lane;
    uint64_t id;

    INVARIANT(x->scope == SCOPE_LOCAL, "effect '%s' asked for by the base ledger", kind);
    lane = find_lane(m, kind);
    bind_text(s, kind);
    bind_text(s, key);
    if (statement_row(s)) {
        id = (uint64_t)column_integer(s, "id");
        statement_finish(s);
        return id;
    }
    s = statement(m->database,
                  "INSERT INTO effect (kind, party, key, request, state, running, attempts, next_us,"
                  " created_us) VALUES (?, ?, ?, ?, 'waiting', 0, 0, ?, ?)");
    bind_text(s, kind);
    bind_integer(s, (int64_t)party);
    bind_text(s, key);
    bind_text(s, request);
    bind_integer(s, m->wall_us + delay_us);
    bind_integer(s, m->wall_us);
    statement_run(s);
    if (lane != NULL)
        look_again(find_or_add_queue(lane, party), m->wall_us + delay_us);
    return (uint64_t)sqlite3_last_insert_rowid(database_handle(m->database));
}

uint64_t effect_request_later(struct execution *x, const char *kind, const char *key, const char *request,
                              int64_t delay_us)
{
    return effect_request_for(x, kind, 0, key, request, delay_us);
}

uint64_t effect_request(struct execution *x, const char *kind, const char *key, const char *request)
{
    return effect_request_later(x, kind, key, request, 0);
}

bool effect_is_asked(struct execution *x, const char *kind, const char *key)
{
    struct statement *s = statement(x->machine->database,
                                    "SELECT 1 AS found FROM effect WHERE kind = ? AND key = ?"
                                                          " AND state = 'waiting'");

    bind_text(s, kind);
    bind_text(s, key);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool effect_cancel(struct execution *x, const char *kind, const char *key)
{
    struct statement *s = statement(x->machine->database, "DELETE FROM effect WHERE kind = ? AND key = ?"
                                                          " AND state = 'waiting' AND running = 0");

    bind_text(s, kind);
    bind_text(s, key);
    return statement_run(s) > 0;
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
    if (kernel_stopping(effect->kernel))
        effect->outcome = error_set(&effect->run.error, ERROR_STOPPING, "the node is stopping");
    else if (effect->run.attempt > attempts_most(effect->kind))
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

/* --- the threads ------------------------------------------------------------------------------ */
/* How many may run beside a lane's places, each the only one of its party. */
static size_t beyond(const struct effect_lane *lane)
{
    return lane->places < EFFECTS_FIRST_MAX ? lane->places : EFFECTS_FIRST_MAX;
}

static void open_lane(struct effects *effects, size_t index)
{
    const struct effect_kind *kind = registry_effect_at(effects->kernel->registry, index);
    size_t places = kind->waits == WAITS_USUAL ? effects->kernel->options.max_concurrency : kind->waits;

    effects->lanes[index] = (struct effect_lane){ .kind = kind, .places = places };
    look_again(find_or_add_queue(&effects->lanes[index], 0), 0);
}

/* What the last life left waits for whom the rows say. */
static void find_parties(struct effects *effects, struct database *database)
{
    for (size_t i = 0; i < effects->lane_count; i++) {
        struct effect_lane *lane = &effects->lanes[i];
        struct statement *s = statement(database, "SELECT DISTINCT party FROM effect WHERE kind = ?"
                                                  " AND state = 'waiting' AND running = 0");

        bind_text(s, lane->kind->name);
        while (statement_row(s))
            look_again(find_or_add_queue(lane, (uint64_t)column_integer(s, "party")), 0);
    }
}

/* Those that ran when the last life ended run no more. Their attempts are on record. */
static void forget_running(struct database *database)
{
    database_begin(database);
    statement_run(statement(database, "UPDATE effect SET running = 0 WHERE state = 'waiting' AND running = "
                                      "1"));
    database_commit(database);
}

struct effects *effects_start(struct kernel *kernel)
{
    struct effects *effects = memory_new(sizeof(*effects));
    size_t places = 0;

    effects->kernel = kernel;
    effects->lane_count = registry_effect_count(kernel->registry);
    effects->lanes = memory_array(effects->lane_count, sizeof(*effects->lanes));
    for (size_t i = 0; i < effects->lane_count; i++) {
        open_lane(effects, i);
        if (effects->lanes[i].places > 0)
            places += effects->lanes[i].places + beyond(&effects->lanes[i]);
    }
    INVARIANT(places <= EFFECTS_WAITING_MAX, "%zu effects would wait at once; at most %d", places,
              EFFECTS_WAITING_MAX);
    effects->taken_most = places + EFFECTS_RUNNING_MAX;
    effects->taken = memory_array(effects->taken_most, sizeof(*effects->taken));
    effects->computing = workers_start("effect", EFFECT_WORKERS, EFFECTS_RUNNING_MAX);
    if (places > 0)
        effects->waiting = workers_start_on_demand("waiting", places, places);
    forget_running(kernel->writer);
    find_parties(effects, kernel->writer);
    return effects;
}

void effects_stop(struct effects *effects)
{
    workers_end(effects->computing); /* the executor may still be about to submit */
    if (effects->waiting != NULL)
        workers_end(effects->waiting);
}

static void free_queues(struct effect_lane *lane)
{
    while (lane->queues != NULL) {
        struct effect_queue *queue = lane->queues;

        lane->queues = queue->next;
        free(queue);
    }
}

void effects_free(struct effects *effects)
{
    workers_free(effects->computing);
    if (effects->waiting != NULL)
        workers_free(effects->waiting);
    for (size_t i = 0; i < effects->lane_count; i++)
        free_queues(&effects->lanes[i]);
    free(effects->lanes);
    free(effects->taken);
    free(effects);
}

/* --- handing out (executor) ------------------------------------------------------------------- */
/* Nobody who waits for one party takes the places of those who wait for others. */
static size_t share_of(const struct effect_lane *lane, const struct effect_queue *queue)
{
    if (queue->party == 0)
        return lane->places;
    return lane->places < EFFECT_SHARE ? 1 : lane->places / EFFECT_SHARE;
}

/* How many more of the queue may run. */
static size_t room_of(const struct effects *effects, const struct effect_lane *lane,
                      const struct effect_queue *queue)
{
    size_t share = share_of(lane, queue), left;

    if (lane->places == 0)
        return EFFECTS_RUNNING_MAX - effects->computing_count;
    if (queue->party != 0 && queue->running == 0 && lane->running >= lane->places)
        return lane->running < lane->places + beyond(lane) ? 1 : 0;
    if (lane->running >= lane->places || queue->running >= share)
        return 0;
    left = lane->places - lane->running;
    return left < share - queue->running ? left : share - queue->running;
}

int64_t effects_due(const struct effects *effects)
{
    int64_t due_us = INT64_MAX;

    for (size_t i = 0; i < effects->lane_count; i++)
        for (const struct effect_queue *q = effects->lanes[i].queues; q != NULL; q = q->next)
            if (q->due_us < due_us && room_of(effects, &effects->lanes[i], q) > 0)
                due_us = q->due_us;
    return due_us;
}

static struct effect_job *new_job(struct effects *effects, struct effect_lane *lane,
                                  struct effect_queue *queue, struct statement *s)
{
    struct effect_job *job = memory_new(sizeof(*job));

    job->work.run = run_effect;
    job->kernel = effects->kernel;
    job->kind = lane->kind;
    job->lane = lane;
    job->queue = queue;
    job->key = text_copy(column_text(s, "key"));
    job->request = text_copy(column_text(s, "request"));
    job->run.kernel = effects->kernel;
    job->run.id = (uint64_t)column_integer(s, "id");
    job->run.key = job->key;
    job->run.request = job->request;
    job->run.attempt = (unsigned)column_integer(s, "attempts") + 1;
    return job;
}

void effect_job_free(struct effect_job *job)
{
    buffer_close(&job->run.result);
    free(job->key);
    free(job->request);
    free(job);
}

static void take_place(struct effects *effects, struct effect_lane *lane, struct effect_queue *queue)
{
    queue->running++;
    lane->running++;
    if (lane->places == 0)
        effects->computing_count++;
}

/* Whoever had no place before may have one now: effects_due tells. */
static void give_place_back(struct effects *effects, struct effect_lane *lane, struct effect_queue *queue)
{
    queue->running--;
    lane->running--;
    look_again(queue, 0);
    if (lane->places == 0)
        effects->computing_count--;
}

/* The attempt is on record before it starts: an effect that takes the node down with it ends after its
 * attempts. */
static void record_attempt(struct database *database, const struct effect_job *job)
{
    struct statement *s = statement(database, "UPDATE effect SET attempts = ?, running = 1 WHERE id = ?");

    bind_integer(s, job->run.attempt);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
}

/* The queue's effects whose time has come, at most so many. Sets when to look again. */
static void take_due(struct effects *effects, struct effect_lane *lane, struct effect_queue *queue,
                     size_t most, struct database *database, int64_t now_us)
{
    size_t first = effects->taken_count;
    struct statement *s =
        statement(database, "SELECT id, key, request, attempts, next_us FROM effect WHERE kind = ?"
                            " AND party = ? AND state = 'waiting' AND running = 0 ORDER BY next_us LIMIT ?");

    queue->due_us = INT64_MAX;
    bind_text(s, lane->kind->name);
    bind_integer(s, (int64_t)queue->party);
    bind_integer(s, (int64_t)most + 1);
    while (statement_row(s)) {
        if (effects->taken_count - first == most || column_integer(s, "next_us") > now_us) {
            queue->due_us = column_integer(s, "next_us");
            statement_finish(s);
            break;
        }
        effects->taken[effects->taken_count++] = new_job(effects, lane, queue, s);
        take_place(effects, lane, queue);
    }
    for (size_t i = first; i < effects->taken_count; i++)
        record_attempt(database, effects->taken[i]);
}

static bool can_take(const struct effects *effects, const struct effect_lane *lane,
                     const struct effect_queue *queue, int64_t now_us)
{
    return queue->due_us <= now_us && room_of(effects, lane, queue) > 0;
}

/* Who has the fewest that run is next, until he has one more than the next of those that want places too. */
static struct effect_queue *choose(const struct effects *effects, const struct effect_lane *lane,
                                   int64_t now_us, size_t *most)
{
    struct effect_queue *fewest = NULL;
    size_t others = SIZE_MAX;

    for (struct effect_queue *q = lane->queues; q != NULL; q = q->next) {
        if (!can_take(effects, lane, q, now_us))
            continue;
        if (fewest == NULL || q->running < fewest->running) {
            others = fewest == NULL ? SIZE_MAX : fewest->running;
            fewest = q;
        } else if (q->running < others) {
            others = q->running;
        }
    }
    if (fewest == NULL)
        return NULL;
    *most = room_of(effects, lane, fewest);
    if (others != SIZE_MAX && *most > others - fewest->running + 1)
        *most = others - fewest->running + 1;
    return fewest;
}

/* Nothing waits and nothing runs there. */
static void drop_idle_queues(struct effect_lane *lane)
{
    struct effect_queue **at = &lane->queues;

    while (*at != NULL) {
        struct effect_queue *queue = *at;

        if (queue->party != 0 && queue->running == 0 && queue->due_us == INT64_MAX) {
            *at = queue->next;
            free(queue);
        } else {
            at = &queue->next;
        }
    }
}

void effects_take(struct effects *effects, struct database *database, int64_t now_us)
{
    if (kernel_stopping(effects->kernel))
        return;
    for (size_t i = 0; i < effects->lane_count; i++) {
        struct effect_lane *lane = &effects->lanes[i];
        struct effect_queue *queue;
        bool looked = false;
        size_t most;

        while ((queue = choose(effects, lane, now_us, &most)) != NULL) {
            take_due(effects, lane, queue, most, database, now_us);
            looked = true;
        }
        if (looked)
            drop_idle_queues(lane);
    }
}

void effects_hand_out(struct effects *effects)
{
    for (size_t i = 0; i < effects->taken_count; i++) {
        struct effect_job *job = effects->taken[i];

        if (workers_submit(job->lane->places > 0 ? effects->waiting : effects->computing, &job->work))
            continue;
        INVARIANT(kernel_stopping(effects->kernel), "the effects' queue is as long as what may run");
        give_place_back(effects, job->lane, job->queue); /* a stop came in between: the next start resumes */
        effect_job_free(job);
    }
    effects->taken_count = 0;
}

void effects_dispatch(struct effects *effects, struct database *database, int64_t now_us)
{
    if (kernel_stopping(effects->kernel)) {
        for (size_t i = 0; i < effects->lane_count; i++)
            for (struct effect_queue *q = effects->lanes[i].queues; q != NULL; q = q->next)
                q->due_us = INT64_MAX;
        return;
    }
    database_begin(database);
    effects_take(effects, database, now_us);
    if (effects->taken_count == 0) {
        database_rollback(database);
        return;
    }
    database_commit(database);
    effects_hand_out(effects);
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
        statement(x->machine->database,
                  "UPDATE effect SET attempts = ?, next_us = ?, running = 0 WHERE id = ?");

    bind_integer(s, attempts);
    bind_integer(s, next_us);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
    look_again(job->queue, next_us);
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

static void delete_row(const struct effect_job *job, struct execution *x)
{
    struct statement *s = statement(x->machine->database, "DELETE FROM effect WHERE id = ?");

    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
}

static void end_row(const struct effect_job *job, struct execution *x, struct buffer *result)
{
    struct statement *s =
        statement(x->machine->database,
                  "UPDATE effect SET state = ?, attempts = ?, result = ?, ended_us = ?, running = 0"
                  " WHERE id = ?");

    bind_text(s, job->outcome == OK ? "done" : "failed");
    bind_integer(s, job->run.attempt);
    bind_text_sized(s, (const char *)result->data, result->size);
    bind_integer(s, x->machine->wall_us);
    bind_integer(s, (int64_t)job->run.id);
    statement_run(s);
}

static void end_effect(const struct effect_job *job, struct execution *x)
{
    struct buffer result CLEANUP(buffer_close) = { 0 };

    write_outcome(job, &result);
    if (job->kind->transient)
        delete_row(job, x);
    else
        end_row(job, x, &result);
    if (job->kind->ended != NULL)
        job->kind->ended(x, job->run.id, job->key, job->request, job->outcome, buffer_text(&result));
    if (!job->kind->transient)
        event_effect_ended(x, &(struct event_effect_ended){ .effect = job->run.id,
                                                            .kind = job->kind->name,
                                                            .state = job->outcome == OK ? "done" : "failed",
                                                            .attempts = job->run.attempt,
                                                            .result = buffer_bytes(&result) });
}

enum status effect_job_finish(struct effect_job *job, struct execution *x)
{
    unsigned most = attempts_most(job->kind);
    bool retry = job->outcome != OK && job->run.attempt < most &&
                 (job->kind->retry == NULL || job->kind->retry(job->outcome));

    if (!job->finished) { /* once, although the batch may run twice */
        job->finished = true;
        give_place_back(x->machine->kernel->effects, job->lane, job->queue);
    }
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
