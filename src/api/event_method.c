/* From a line to its handlers, and the questions about the log that are answered at once. */
#include "api/event_method.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "base/clock.h"
#include "base/memory.h"

#define PROTOCOL_VERSION 1
#define CLIENT_NAME_MAX 256
#define OLDEST_EVENT 1 /* nothing is ever pruned */

struct event_reply *event_call_later(struct event_call *call)
{
    struct event_reply *reply = call->reply;
    call->reply = NULL;
    return reply;
}

bool caller_owns(const struct caller *caller, int64_t owner_uid)
{
    return caller->operator_ || caller->uid == owner_uid;
}

enum status position_resolve(struct event_server *server, const struct position *position, uint64_t *after,
                             struct error *error)
{
    uint64_t head = event_server_head(server);
    switch (position->kind) {
    case POSITION_FIRST:
        *after = 0;
        return OK;
    case POSITION_NOW:
        *after = head;
        return OK;
    case POSITION_AFTER:
        if (position->after > head)
            return error_set(error, ERROR_FUTURE,
                             "position %" PRIu64 " lies after the newest event, %" PRIu64,
                             position->after, head);
        *after = position->after;
        return OK;
    case POSITION_TIME:
        *after = event_before_time(server->reader, position->time_us);
        return database_failure(server->reader, error);
    case POSITION_CURSOR:
        break;
    }
    INVARIANT(false, "a cursor's position is looked up by its name");
}

/* --- questions -------------------------------------------------------------------------------- */
static void write_head(struct event_server *server, struct writer *w)
{
    uint64_t head = event_server_head(server);
    struct hash hash;
    writer_member_unsigned(w, "head", head);
    writer_member_unsigned(w, "floor", OLDEST_EVENT);
    writer_key(w, "head_hash");
    if (head > 0 && event_read(server->reader, head, &hash, NULL))
        writer_hex(w, hash.bytes, sizeof hash.bytes);
    else
        writer_null(w);
}

static enum status no_params(struct event_call *call)
{
    struct fields f;
    fields_begin(&f, call->params, "params", call->error);
    return fields_end(&f);
}

static enum status method_hello(struct event_call *call)
{
    struct event_server *server = call->server;
    struct fields f;
    const char *client;
    uint64_t protocol = PROTOCOL_VERSION;
    fields_begin(&f, call->params, "params", call->error);
    fields_text(&f, "client", false, CLIENT_NAME_MAX, &client);
    fields_unsigned(&f, "protocol", false, PROTOCOL_VERSION, PROTOCOL_VERSION, &protocol);
    TRY(fields_end(&f));

    struct writer *w = call->result;
    writer_object_begin(w);
    writer_member_text(w, "node", server->node_id);
    writer_member_text(w, "origin", server->origin);
    writer_member_text(w, "chain", server->chain);
    writer_member_text(w, "network", server->network);
    writer_member_unsigned(w, "protocol", protocol);
    write_head(server, w);
    writer_key(w, "types");
    writer_array_begin(w);
    for (size_t i = 0; i < event_type_count(); i++)
        writer_text(w, event_type_at(i)->name);
    writer_array_end(w);
    writer_object_end(w);
    return database_failure(server->reader, call->error);
}

static enum status method_head(struct event_call *call)
{
    TRY(no_params(call));
    writer_object_begin(call->result);
    write_head(call->server, call->result);
    writer_object_end(call->result);
    return database_failure(call->server->reader, call->error);
}

static enum status method_ping(struct event_call *call)
{
    TRY(no_params(call));
    writer_object_begin(call->result);
    writer_member_integer(call->result, "ts", clock_wall_us());
    writer_member_unsigned(call->result, "head", event_server_head(call->server));
    writer_object_end(call->result);
    return OK;
}

static enum status method_checkpoint_get(struct event_call *call)
{
    struct fields f;
    uint64_t size = 0, covered;
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, "size", false, 0, INTEGER_MAX, &size);
    TRY(fields_end(&f));

    struct buffer CLEANUP(buffer_close) note = { 0 };
    TRY(log_checkpoint(call->server->reader, size, &covered, &note, call->error));
    TRY(database_failure(call->server->reader, call->error));
    writer_object_begin(call->result);
    writer_member_unsigned(call->result, "size", covered);
    writer_key(call->result, "note");
    writer_string(call->result, (const char *)note.data, note.size);
    writer_object_end(call->result);
    return OK;
}

/* --- wait ------------------------------------------------------------------------------------- */
static void answer_waiter(struct waiter *waiter)
{
    struct buffer CLEANUP(buffer_close) result = { 0 };
    buffer_append_format(&result, "{\"head\":%" PRIu64 "}", event_server_head(waiter->server));
    event_reply_finish(waiter->reply, OK, NULL, buffer_bytes(&result));
    watch_close(&waiter->timer);
    free(waiter);
}

static void on_waited(void *context)
{
    struct waiter *waiter = context, **at = &waiter->server->waiters;
    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    answer_waiter(waiter);
}

/* Those to be answered leave the list first: an answer may close a connection, which looks at the list
 * again. */
void event_waiters_check(struct event_server *server, bool all)
{
    struct waiter *due = NULL, **at = &server->waiters, *waiter;
    while ((waiter = *at) != NULL) {
        if (all || event_server_head(server) > waiter->after
            || waiter->reply->connection->connection.closed) {
            *at = waiter->next;
            waiter->next = due;
            due = waiter;
        } else {
            at = &waiter->next;
        }
    }
    while ((waiter = due) != NULL) {
        due = waiter->next;
        answer_waiter(waiter);
    }
}

static enum status method_wait(struct event_call *call)
{
    struct event_server *server = call->server;
    struct fields f;
    uint64_t after = event_server_head(server), timeout_ms = WAIT_DEFAULT_MS;
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, "after", false, 0, INTEGER_MAX, &after);
    fields_unsigned(&f, "timeout_ms", false, 0, WAIT_MAX_MS, &timeout_ms);
    TRY(fields_end(&f));

    struct waiter *waiter = memory_new(sizeof *waiter);
    waiter->server = server;
    waiter->after = after;
    waiter->reply = event_call_later(call);
    watch_open(&waiter->timer, server->base, WATCH_TIMER, -1, on_waited, waiter);
    if (event_server_head(server) > after || timeout_ms == 0) {
        answer_waiter(waiter);
        return OK;
    }
    waiter->next = server->waiters;
    server->waiters = waiter;
    watch_start_timer(&waiter->timer, (int64_t)timeout_ms * 1000);
    return OK;
}

/* --- the table -------------------------------------------------------------------------------- */
static const struct event_method {
    const char *name;
    enum status (*run)(struct event_call *call);
    bool operator_only;
} methods[] = {
    { "hello", method_hello, false },
    { "subscribe", method_subscribe, false },
    { "unsubscribe", method_unsubscribe, false },
    { "ack", method_ack, false },
    { "credit", method_credit, false },
    { "ping", method_ping, false },
    { "head", method_head, false },
    { "wait", method_wait, false },
    { "events.get", method_events_get, false },
    { "cursor.create", method_cursor_create, false },
    { "cursor.list", method_cursor_list, false },
    { "cursor.set", method_cursor_set, false },
    { "cursor.delete", method_cursor_delete, false },
    { "checkpoint.get", method_checkpoint_get, false },
    { "proof.inclusion", method_proof_inclusion, false },
    { "proof.consistency", method_proof_consistency, false },
    { "verify", method_verify, true },
};

static enum status run_method(struct event_call *call, const char *name)
{
    const struct caller *caller = &call->connection->connection.caller;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i].name, name) != 0)
            continue;
        if (methods[i].operator_only && !caller->operator_)
            return error_set(call->error, ERROR_DENIED, "'%s' is for the operator; this is uid %" PRId64,
                             name, caller->uid);
        return methods[i].run(call);
    }
    return error_set(call->error, ERROR_METHOD_NOT_FOUND, "events.sock has no method '%.64s'", name);
}

/* --- from lines to methods -------------------------------------------------------------------- */
static void handle(struct event_connection *connection, const json_t *value, struct event_batch *batch,
                   uint32_t slot)
{
    struct buffer CLEANUP(buffer_close) result = { 0 };
    struct writer writer;
    struct request request;
    struct error error = { 0 };
    writer_init(&writer, &result);
    enum status status = request_parse(value, &request, &error);
    struct event_call call = {
        .server = connection->server,
        .connection = connection,
        .params = request.params,
        .result = &writer,
        .error = &error,
        .reply = event_reply_new(connection, &request, batch, slot),
    };
    atomic_fetch_add(connection->server->request_count, 1);
    if (status == OK && connection->connection.closed)
        /* an earlier member of its batch was too much for the client; nobody hears this */
        status = ERROR_STOPPING;
    if (status == OK)
        status = run_method(&call, request.method);
    if (call.reply != NULL)
        event_reply_finish(call.reply, status, &error, buffer_bytes(&result));
}

static void refuse(struct event_connection *connection, enum status status, const struct error *error)
{
    struct request nobody = { .id = "null", .id_size = 4 };
    atomic_fetch_add(connection->server->request_count, 1);
    event_reply_finish(event_reply_new(connection, &nobody, NULL, 0), status, error, (struct bytes){ 0 });
}

static void handle_batch(struct event_connection *connection, const json_t *array)
{
    size_t count = json_array_size(array);
    struct error error;
    if (count == 0) {
        refuse(connection, error_set(&error, ERROR_INVALID_REQUEST, "a batch of no requests"), &error);
        return;
    }
    if (count > EVENT_BATCH_MAX) {
        refuse(connection, error_set(&error, ERROR_LIMIT, "a batch of %zu requests; at most %d", count,
                                     EVENT_BATCH_MAX), &error);
        return;
    }
    struct event_batch *batch = event_batch_new(count);
    for (size_t i = 0; i < count; i++)
        handle(connection, json_array_get(array, i), batch, (uint32_t)i);
    event_batch_begun(connection, batch);
}

void event_method_line(struct event_connection *connection, const char *line, size_t size)
{
    AUTO_JSON json_t *value = NULL;
    struct error error;
    enum status status = json_parse(line, size, &value, &error);
    if (status != OK)
        refuse(connection, status, &error);
    else if (json_is_array(value))
        handle_batch(connection, value);
    else
        handle(connection, value, NULL, 0);
}
