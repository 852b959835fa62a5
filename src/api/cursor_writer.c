/* A task writes its operations one by one; one that is refused writes nothing, so it does not take the
 * others with it. What is refused because the queue is full is answered `busy`, but an acknowledgement
 * that nobody waits for is kept and tried again. */
#include "api/cursor_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "kernel/execution.h"

#define LOG_ROOM "api"
#define RETRY_US (20 * 1000)
#define OPERATIONS_MAX CURSORS_MAX /* that wait; more are answered busy */

enum operation_kind { ACKNOWLEDGE, CREATE, SET, DELETE };

struct operation {
    struct operation *next;
    enum operation_kind kind;
    struct cursor cursor;          /* name and position; all of it for CREATE */
    bool checked;                  /* the owner was checked before */
    struct caller caller;
    struct event_reply *replies;   /* newest first */
    enum status status;
    struct error error;
};

struct cursor_batch {
    struct kernel_task task;
    struct cursor_writer *writer;
    struct cursor_batch *next;
    struct operation *first, **end;
};

struct cursor_writer {
    struct event_server *server;
    struct cursor_batch *filling;  /* not submitted yet; NULL: nothing waits */
    size_t waiting;                /* operations in it */
    size_t submitted;              /* tasks in the executor */
    struct watch retry;
    pthread_mutex_t lock;
    struct cursor_batch *done;     /* committed, newest first */
};

/* --- in the executor -------------------------------------------------------------------------- */
static enum status check_owner(struct database *writer, struct operation *operation)
{
    struct cursor found;
    if (operation->checked)
        return OK;
    TRY(cursor_get(writer, operation->cursor.name, &found, &operation->error));
    int64_t owner = found.owner_uid;
    cursor_close(&found);
    if (operation->caller.operator_ || operation->caller.uid == owner)
        return OK;
    return error_set(&operation->error, ERROR_CURSOR_DENIED, "cursor '%s' belongs to uid %" PRId64,
                     operation->cursor.name, owner);
}

/* Nobody but an operator can take the cursors of all others away by making them all. */
static enum status check_count(struct database *writer, struct operation *operation)
{
    if (operation->caller.operator_
        || cursor_count_of(writer, operation->cursor.owner_uid) < CURSORS_OF_OWNER_MAX)
        return OK;
    return error_set(&operation->error, ERROR_TOO_MANY, "uid %" PRId64 " has %d cursors already; delete one",
                     operation->cursor.owner_uid, CURSORS_OF_OWNER_MAX);
}

/* The position as it stands now, for the answer. */
static enum status read_position(struct database *writer, struct operation *operation)
{
    struct cursor found;
    TRY(cursor_get(writer, operation->cursor.name, &found, &operation->error));
    operation->cursor.acknowledged = found.acknowledged;
    cursor_close(&found);
    return OK;
}

static enum status run_operation(struct database *writer, struct operation *operation)
{
    struct cursor *cursor = &operation->cursor;
    int64_t now_us = clock_wall_us();
    switch (operation->kind) {
    case CREATE:
        TRY(check_count(writer, operation));
        cursor->updated_us = now_us;
        return cursor_create(writer, cursor, &operation->error);
    case ACKNOWLEDGE:
        TRY(check_owner(writer, operation));
        TRY(cursor_acknowledge(writer, cursor->name, cursor->acknowledged, now_us, &operation->error));
        return read_position(writer, operation);
    case SET:
        TRY(check_owner(writer, operation));
        return cursor_set(writer, cursor->name, cursor->acknowledged, now_us, &operation->error);
    case DELETE:
        TRY(check_owner(writer, operation));
        return cursor_delete(writer, cursor->name, &operation->error);
    }
    INVARIANT(false, "an operation of kind %d", (int)operation->kind);
}

static enum status run(struct kernel_task *task, struct execution *x)
{
    struct cursor_batch *batch = (struct cursor_batch *)task; /* its first member */
    for (struct operation *o = batch->first; o != NULL; o = o->next)
        o->status = run_operation(execution_database(x), o);
    return OK;
}

static void committed(struct kernel_task *task, enum status status, const struct error *error)
{
    struct cursor_batch *batch = (struct cursor_batch *)task;
    struct cursor_writer *writer = batch->writer;
    for (struct operation *o = batch->first; status != OK && o != NULL; o = o->next) {
        o->status = status;
        o->error = *error;
    }
    pthread_mutex_lock(&writer->lock);
    batch->next = writer->done;
    writer->done = batch;
    pthread_mutex_unlock(&writer->lock);
    wake_signal(writer->server->wake);
}

/* --- answering -------------------------------------------------------------------------------- */
static void answer(struct operation *o)
{
    struct buffer CLEANUP(buffer_close) result = { 0 };
    struct writer w;
    writer_init(&w, &result);
    writer_object_begin(&w);
    writer_member_text(&w, "name", o->cursor.name);
    if (o->kind != DELETE)
        writer_member_unsigned(&w, "acknowledged", o->cursor.acknowledged);
    writer_object_end(&w);
    while (o->replies != NULL) {
        struct event_reply *reply = o->replies;
        o->replies = reply->next;
        event_reply_finish(reply, o->status, &o->error, buffer_bytes(&result));
    }
}

static void operation_free(struct operation *o)
{
    cursor_close(&o->cursor);
    free(o);
}

static void batch_free(struct cursor_batch *batch)
{
    while (batch->first != NULL) {
        struct operation *o = batch->first;
        batch->first = o->next;
        answer(o);
        operation_free(o);
    }
    free(batch);
}

/* The executor has no room. Whoever waits hears so; acknowledgements that nobody waits for stay. */
static void refuse_waiting(struct cursor_writer *writer)
{
    struct cursor_batch *batch = writer->filling;
    struct operation **at = &batch->first, *o;
    enum status why = atomic_load(&writer->server->paused) ? ERROR_STOPPING : ERROR_BUSY;
    while ((o = *at) != NULL) {
        o->status = why;
        o->error.code = OK;
        answer(o);
        if (o->kind == ACKNOWLEDGE) {
            o->status = OK;
            at = &o->next;
        } else {
            *at = o->next;
            operation_free(o);
            writer->waiting--;
        }
    }
    batch->end = at;
}

static void submit(struct cursor_writer *writer)
{
    struct cursor_batch *batch = writer->filling;
    if (batch == NULL || batch->first == NULL)
        return;
    size_t waiting = writer->waiting;
    writer->filling = NULL;
    writer->waiting = 0;
    if (kernel_submit_task(writer->server->kernel, &batch->task)) {
        writer->submitted++;
        return;
    }
    writer->filling = batch;
    writer->waiting = waiting;
    refuse_waiting(writer);
    watch_start_timer(&writer->retry, RETRY_US);
}

static void submit_when_free(struct cursor_writer *writer)
{
    if (writer->submitted == 0)
        submit(writer);
}

static void on_retry(void *context)
{
    submit_when_free(context);
}

void cursor_writer_flush(struct cursor_writer *writer)
{
    submit(writer);
}

void cursor_writer_collect(struct cursor_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    struct cursor_batch *done = writer->done;
    writer->done = NULL;
    pthread_mutex_unlock(&writer->lock);
    while (done != NULL) {
        struct cursor_batch *next = done->next;
        writer->submitted--;
        batch_free(done);
        done = next;
    }
    if (!writer->server->finishing)
        submit_when_free(writer);
}

/* --- collecting ------------------------------------------------------------------------------- */
/* NULL when too many wait. */
static struct operation *add(struct cursor_writer *writer, enum operation_kind kind, const char *name,
                             const struct caller *caller)
{
    struct cursor_batch *batch = writer->filling;
    if (writer->waiting == OPERATIONS_MAX)
        return NULL;
    writer->waiting++;
    if (batch == NULL) {
        batch = writer->filling = memory_new(sizeof *batch);
        batch->task = (struct kernel_task){ .run = run, .done = committed };
        batch->writer = writer;
        batch->end = &batch->first;
    }
    struct operation *o = memory_new(sizeof *o);
    o->kind = kind;
    snprintf(o->cursor.name, sizeof o->cursor.name, "%s", name);
    o->checked = caller == NULL;
    if (caller != NULL)
        o->caller = *caller;
    *batch->end = o;
    batch->end = &o->next;
    return o;
}

static void add_reply(struct operation *o, struct event_reply *reply)
{
    if (o == NULL || reply->notification) { /* nobody waits for a notification: it is no work under way */
        event_reply_finish(reply, o == NULL ? ERROR_BUSY : OK, NULL, (struct bytes){ 0 });
        return;
    }
    reply->next = o->replies;
    o->replies = reply;
}

/* The newest operation on this cursor that waits, when it is an acknowledgement of the same right. */
static struct operation *waiting_acknowledgement(const struct cursor_writer *writer, const char *name,
                                                 const struct caller *caller)
{
    struct operation *newest = NULL;
    for (struct operation *o = writer->filling == NULL ? NULL : writer->filling->first; o != NULL;
         o = o->next)
        if (strcmp(o->cursor.name, name) == 0)
            newest = o;
    if (newest == NULL || newest->kind != ACKNOWLEDGE || newest->checked != (caller == NULL))
        return NULL;
    return caller == NULL || newest->caller.uid == caller->uid ? newest : NULL;
}

void cursor_writer_acknowledge(struct cursor_writer *writer, const char *name, uint64_t seq,
                               const struct caller *caller, struct event_reply *reply)
{
    struct operation *o = waiting_acknowledgement(writer, name, caller);
    if (o == NULL)
        o = add(writer, ACKNOWLEDGE, name, caller);
    if (o != NULL && seq > o->cursor.acknowledged)
        o->cursor.acknowledged = seq;
    add_reply(o, reply);
    submit_when_free(writer);
}

void cursor_writer_create(struct cursor_writer *writer, struct cursor *cursor, const struct caller *caller,
                          struct event_reply *reply)
{
    struct operation *o = add(writer, CREATE, cursor->name, caller);
    if (o != NULL)
        o->cursor = *cursor;
    else
        cursor_close(cursor);
    cursor->filter = NULL;
    add_reply(o, reply);
    submit_when_free(writer);
}

void cursor_writer_set(struct cursor_writer *writer, const char *name, uint64_t seq,
                       const struct caller *caller, struct event_reply *reply)
{
    struct operation *o = add(writer, SET, name, caller);
    if (o != NULL)
        o->cursor.acknowledged = seq;
    add_reply(o, reply);
    submit_when_free(writer);
}

void cursor_writer_delete(struct cursor_writer *writer, const char *name, const struct caller *caller,
                          struct event_reply *reply)
{
    add_reply(add(writer, DELETE, name, caller), reply);
    submit_when_free(writer);
}

/* --- life ------------------------------------------------------------------------------------- */
struct cursor_writer *cursor_writer_new(struct event_server *server)
{
    struct cursor_writer *writer = memory_new(sizeof *writer);
    writer->server = server;
    pthread_mutex_init(&writer->lock, NULL);
    watch_open(&writer->retry, server->base, WATCH_TIMER, -1, on_retry, writer);
    return writer;
}

void cursor_writer_free(struct cursor_writer *writer)
{
    if (writer == NULL)
        return;
    INVARIANT(writer->submitted == 0 && writer->done == NULL, "cursors are still being written");
    if (writer->filling != NULL) {
        refuse_waiting(writer);
        batch_free(writer->filling);
    }
    watch_close(&writer->retry);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}
