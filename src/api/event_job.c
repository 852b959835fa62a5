/* A job carries its parameters and its result; the reply stays untouched until the job is back on the I/O
 * thread. */
#include "api/event_job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/cloudevents.h"
#include "api/event_method.h"
#include "api/fields.h"
#include "base/memory.h"

#define SCAN_MAX 200000                   /* events that one events.get looks at */
#define PAGE_BYTES ((size_t)4 << 20)      /* after this much, events.get ends its page */

struct event_job {
    struct work work;
    struct event_job *next;
    struct event_lane *lane;
    struct event_reply *reply;
    enum status (*run)(struct event_job *job, struct database *reader, struct writer *w);
    union {
        struct events_get_request get;
        struct { uint64_t first, second; } range; /* seq and size; two sizes; after and until */
    };
    uint64_t head;                        /* when it was asked */
    struct buffer result;
    enum status status;
    struct error error;
};

/* --- on the worker ---------------------------------------------------------------------------- */
/* After a pause nobody may hold the database open: the lock makes it certain that one side closes the
 * connection. */
static void hand_back(struct event_job *job)
{
    struct event_lane *lane = job->lane;
    struct event_server *server = lane->server;
    pthread_mutex_lock(&server->lock);
    if (atomic_load(&server->paused)) {
        database_close(lane->reader);
        lane->reader = NULL;
    }
    job->next = server->jobs_done;
    server->jobs_done = job;
    pthread_mutex_unlock(&server->lock);
    wake_signal(server->wake);
}

static void run_job(struct work *work, size_t worker)
{
    (void)worker;
    struct event_job *job = (struct event_job *)work; /* its first member */
    struct event_lane *lane = job->lane;
    struct writer w;
    writer_init(&w, &job->result);
    job->status = OK;
    if (lane->reader == NULL)
        job->status = kernel_reader(lane->server->kernel, &lane->reader, &job->error);
    if (job->status == OK)
        job->status = job->run(job, lane->reader, &w);
    if (job->status == OK)
        job->status = database_failure(lane->reader, &job->error);
    hand_back(job);
}

/* --- on the I/O thread ------------------------------------------------------------------------ */
static enum status run_events_get(struct event_job *job, struct database *reader, struct writer *w);

static void job_finish(struct event_job *job)
{
    if (job->run == run_events_get)
        filter_free(job->get.filter);
    event_reply_finish(job->reply, job->status, &job->error, buffer_bytes(&job->result));
    buffer_close(&job->result);
    free(job);
}

/* Out of the queue. `at` is where its lane points to it. */
static struct event_job *take_out(struct event_lane *lane, struct event_job **at)
{
    struct event_job *job = *at;
    *at = job->next;
    if (*at == NULL)
        lane->end = at;
    lane->waiting--;
    job->reply->connection->jobs--;
    job->reply->connection->connection.user->jobs--;
    return job;
}

static void refuse(struct event_job *job, enum status status, const char *text)
{
    job->status = error_set(&job->error, status, "%s", text);
    job_finish(job);
}

static void refuse_all(struct event_lane *lane, enum status status)
{
    while (lane->first != NULL)
        refuse(take_out(lane, &lane->first), status, status_meaning(status));
}

/* There is no room for its answer, and its batch keeps others until the last member has one: were it to wait
 * for room, it might be for that which its own batch takes, and nobody could be closed for it. */
static bool is_in_its_own_way(const struct event_job *job)
{
    const struct connection *c = &job->reply->connection->connection;
    return job->reply->batch != NULL && job->reply->batch->bytes > 0 && connection_unsent(c) == 0
           && !connection_may_begin(c, 0);
}

/* Whose turn it is: of the user whose last turn is longest ago, the connection for which the same holds,
 * among those whose client has room for an answer. A flood of one user delays another by one job. */
static struct event_job **find_next(struct event_lane *lane)
{
    struct event_job **next = NULL;
    for (struct event_job **at = &lane->first; *at != NULL; at = &(*at)->next) {
        const struct event_connection *c = (*at)->reply->connection, *best;
        if (!c->connection.closed && !connection_may_begin(&c->connection, connection_unsent(&c->connection))
            && !is_in_its_own_way(*at))
            continue;
        best = next == NULL ? NULL : (*next)->reply->connection;
        if (best == NULL || c->connection.user->job_turn < best->connection.user->job_turn
            || (c->connection.user == best->connection.user && c->job_turn < best->job_turn))
            next = at;
    }
    return next;
}

/* A job that can be begun. Those that nobody wants any more, or whose batch has answers enough, end here. */
static struct event_job *take_next(struct event_lane *lane)
{
    struct event_job **at;
    while ((at = find_next(lane)) != NULL) {
        struct event_job *job = take_out(lane, at);
        struct event_connection *c = job->reply->connection;
        const struct event_batch *batch = job->reply->batch;
        c->job_turn = c->connection.user->job_turn = ++lane->server->job_turns;
        if (c->connection.closed)
            refuse(job, ERROR_STOPPING, "the client is gone");
        else if (batch != NULL && batch->bytes > CONNECTION_BATCH_MAX)
            refuse(job, ERROR_LIMIT, "the answers of this batch are too long already; ask this again");
        else if (is_in_its_own_way(job))
            refuse(job, ERROR_BUSY, "there is no room now for more answers of this batch; ask this again");
        else
            return job;
    }
    return NULL;
}

static void start_next(struct event_lane *lane)
{
    struct event_job *job;
    if (lane->running || lane->first == NULL)
        return;
    if ((job = take_next(lane)) == NULL) {
        if (lane->first != NULL)
            relief_ask(lane->server->listener); /* nobody who waits has room for an answer */
        return;
    }
    lane->running = workers_submit(kernel_workers(lane->server->kernel), &job->work);
    if (lane->running)
        return;
    refuse(job, ERROR_BUSY, status_meaning(ERROR_BUSY));
    refuse_all(lane, ERROR_BUSY);
}

/* The lane is full: the newest job of the user that has most of them gives way, unless that is this one. */
static bool make_room(struct event_lane *lane, const struct budget_user *newcomer)
{
    struct event_job **newest = NULL;
    const struct budget_user *greediest = newcomer;
    if (newcomer->jobs >= JOBS_WAITING_MAX / 2)
        return false; /* no user of this lane can have more */
    for (struct event_job **at = &lane->first; *at != NULL; at = &(*at)->next) {
        const struct budget_user *user = (*at)->reply->connection->connection.user;
        if (user->jobs > greediest->jobs)
            greediest = user;
        if (user == greediest)
            newest = at;
    }
    if (greediest == newcomer)
        return false;
    refuse(take_out(lane, newest), ERROR_BUSY, "too many such questions wait already");
    return true;
}

static enum status submit(struct event_call *call, struct event_lane *lane, struct event_job *job)
{
    struct budget_user *user = call->connection->connection.user;
    if (lane->waiting == JOBS_WAITING_MAX && !make_room(lane, user)) {
        free(job);
        return error_set(call->error, ERROR_BUSY, "%d such questions wait already", JOBS_WAITING_MAX);
    }
    job->work.run = run_job;
    job->lane = lane;
    job->head = event_server_head(call->server);
    job->reply = event_call_later(call);
    job->next = NULL;
    *lane->end = job;
    lane->end = &job->next;
    lane->waiting++;
    user->jobs++;
    call->connection->jobs++;
    start_next(lane);
    return OK;
}

void event_lane_init(struct event_lane *lane, struct event_server *server)
{
    *lane = (struct event_lane){ .server = server, .end = &lane->first };
}

void event_jobs_collect(struct event_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct event_job *done = server->jobs_done;
    server->jobs_done = NULL;
    pthread_mutex_unlock(&server->lock);
    while (done != NULL) {
        struct event_job *job = done;
        struct event_lane *lane = job->lane;
        done = job->next;
        lane->running = false;
        job_finish(job);
        if (!atomic_load(&server->paused))
            start_next(lane);
    }
}

void event_jobs_start(struct event_server *server)
{
    if (atomic_load(&server->paused))
        return;
    start_next(&server->quick);
    start_next(&server->slow);
}

static void pause_lane(struct event_lane *lane)
{
    refuse_all(lane, ERROR_STOPPING);
    if (!lane->running)
        event_lane_close(lane);
}

void event_jobs_pause(struct event_server *server)
{
    event_jobs_collect(server);
    pause_lane(&server->quick);
    pause_lane(&server->slow);
}

void event_lane_close(struct event_lane *lane)
{
    database_close(lane->reader);
    lane->reader = NULL;
}

/* --- events.get ------------------------------------------------------------------------------- */
static bool wanted(const struct filter *filter, const struct event *event, int type, struct buffer *scratch)
{
    if (filter == NULL)
        return true;
    struct bytes subject = filter_subject(event->subject, scratch);
    return type >= 0 ? filter_matches(filter, type, subject)
                     : filter_matches_name(filter, event->type, subject);
}

static void write_event(const struct event *event, int type, const struct event_job *job, struct writer *w)
{
    struct buffer CLEANUP(buffer_close) line = { 0 }, other = { 0 };
    struct line_parts parts;
    event_line(event, type >= 0 ? event_type_at((size_t)type)->version : 1, &line);
    const struct buffer *written = &line;
    if (job->get.format == FORMAT_NATIVE)
        line.size--; /* the newline */
    else
        written = &other;
    bool parsed = job->get.format == FORMAT_NATIVE || line_parse((const char *)line.data, line.size, &parts);
    INVARIANT(parsed, "event %" PRIu64 " is not in the form of an event line", event->seq);
    if (job->get.format == FORMAT_CLOUDEVENTS)
        cloudevent_write(&other, &parts, job->lane->server->node_id);
    else if (job->get.format == FORMAT_NOTIFY)
        notice_write(&other, &parts);
    writer_raw(w, written->data, written->size);
}

/* Returns the last event looked at. */
static uint64_t write_events(struct event_job *job, struct database *reader, struct writer *w)
{
    struct buffer CLEANUP(buffer_close) scratch = { 0 };
    struct event_reader events;
    struct event event;
    uint64_t examined = job->get.after, left = job->get.limit;
    uint64_t scan = job->head - job->get.after < SCAN_MAX ? job->head - job->get.after : SCAN_MAX;
    event_reader_begin(&events, reader, job->get.after, scan);
    while (left > 0 && w->out->size < PAGE_BYTES && event_reader_next(&events, &event)) {
        int type = catalogue_index(event.type);
        examined = event.seq;
        if (!wanted(job->get.filter, &event, type, &scratch))
            continue;
        write_event(&event, type, job, w);
        left--;
    }
    event_reader_end(&events);
    return examined;
}

static enum status run_events_get(struct event_job *job, struct database *reader, struct writer *w)
{
    writer_object_begin(w);
    writer_key(w, "events");
    writer_array_begin(w);
    uint64_t examined = write_events(job, reader, w);
    writer_array_end(w);
    writer_member_unsigned(w, "next", examined);
    writer_member_unsigned(w, "head", job->head);
    writer_object_end(w);
    return OK;
}

enum status method_events_get(struct event_call *call)
{
    struct event_job *job = memory_new(sizeof *job);
    enum status status = events_get_request_read(call->params, &job->get, call->error);
    uint64_t head = event_server_head(call->server);
    if (status == OK && job->get.after > head) {
        status =
            error_set(call->error, ERROR_FUTURE,
                      "position %" PRIu64 " lies after the newest event, %" PRIu64, job->get.after, head);
        filter_free(job->get.filter);
    }
    if (status != OK) {
        free(job);
        return status;
    }
    job->run = run_events_get;
    return submit(call, &call->server->quick, job);
}

/* --- proofs ----------------------------------------------------------------------------------- */
static void write_hash(struct writer *w, const char *key, const struct hash *hash)
{
    writer_member_hex(w, key, hash->bytes, sizeof hash->bytes);
}

static void write_proof(struct writer *w, const struct merkle_proof *proof)
{
    writer_key(w, "proof");
    writer_array_begin(w);
    for (size_t i = 0; i < proof->count; i++)
        writer_hex(w, proof->hashes[i].bytes, sizeof proof->hashes[i].bytes);
    writer_array_end(w);
}

static enum status run_inclusion(struct event_job *job, struct database *reader, struct writer *w)
{
    struct merkle_proof proof;
    struct hash leaf, root;
    TRY(log_inclusion(reader, job->range.first, job->range.second, &leaf, &proof, &root, &job->error));
    writer_object_begin(w);
    writer_member_unsigned(w, "seq", job->range.first);
    writer_member_unsigned(w, "size", job->range.second);
    write_hash(w, "leaf", &leaf);
    write_hash(w, "root", &root);
    write_proof(w, &proof);
    writer_object_end(w);
    return OK;
}

static enum status run_consistency(struct event_job *job, struct database *reader, struct writer *w)
{
    struct merkle_proof proof;
    struct hash first_root, second_root;
    TRY(log_consistency(reader, job->range.first, job->range.second, &proof, &first_root, &second_root,
                        &job->error));
    writer_object_begin(w);
    writer_member_unsigned(w, "first", job->range.first);
    writer_member_unsigned(w, "second", job->range.second);
    write_hash(w, "first_root", &first_root);
    write_hash(w, "second_root", &second_root);
    write_proof(w, &proof);
    writer_object_end(w);
    return OK;
}

/* Both proofs take two numbers, the second of which is the head when it is not given. */
static enum status submit_proof(struct event_call *call, const char *first, const char *second,
                                enum status (*run)(struct event_job *, struct database *, struct writer *))
{
    struct fields f;
    uint64_t a = 0, b = event_server_head(call->server);
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, first, true, 0, INTEGER_MAX, &a);
    fields_unsigned(&f, second, false, 0, INTEGER_MAX, &b);
    TRY(fields_end(&f));
    struct event_job *job = memory_new(sizeof *job);
    job->range.first = a;
    job->range.second = b;
    job->run = run;
    return submit(call, &call->server->quick, job);
}

enum status method_proof_inclusion(struct event_call *call)
{
    return submit_proof(call, "seq", "size", run_inclusion);
}

enum status method_proof_consistency(struct event_call *call)
{
    return submit_proof(call, "first", "second", run_consistency);
}

/* --- verify ----------------------------------------------------------------------------------- */
static bool go_on(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    const struct event_server *server = context;
    return !atomic_load(&server->paused);
}

static enum status run_verify(struct event_job *job, struct database *reader, struct writer *w)
{
    struct event_server *server = job->lane->server;
    struct log_report report;
    TRY(log_verify(reader, server->node_id, kernel_note_key(server->kernel), job->range.first,
                   job->range.second, go_on, server, &report, &job->error));
    writer_object_begin(w);
    writer_member_boolean(w, "ok", true);
    writer_member_unsigned(w, "first", report.first);
    writer_member_unsigned(w, "last", report.last);
    writer_member_unsigned(w, "head", job->head);
    write_hash(w, "head_hash", &report.head_hash);
    if (report.tree_checked)
        write_hash(w, "root", &report.root);
    else
        writer_member_text(w, "root", NULL);
    writer_member_unsigned(w, "checkpoints", report.checkpoints);
    writer_member_boolean(w, "tree_checked", report.tree_checked);
    writer_object_end(w);
    return OK;
}

enum status method_verify(struct event_call *call)
{
    struct fields f;
    uint64_t after = 0, until = 0;
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, "after", false, 0, INTEGER_MAX, &after);
    fields_unsigned(&f, "until", false, 1, INTEGER_MAX, &until);
    TRY(fields_end(&f));
    struct event_job *job = memory_new(sizeof *job);
    job->range.first = after;
    job->range.second = until;
    job->run = run_verify;
    return submit(call, &call->server->slow, job);
}
