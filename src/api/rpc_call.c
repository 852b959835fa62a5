/* What a request costs while it waits is one struct rpc_request; its line is gone as soon as it was
 * parsed. Every request is finished exactly once, in rpc_finish, which is the only place that renders
 * replies. */
#include "api/rpc_call.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"

#define SECRET_METHODS "wallet." /* their parameters are wiped */

/* An array of requests; its answers stand in their order, those of notifications stay empty. */
struct rpc_batch {
    size_t count, remaining; /* under the connection's lock */
    size_t bytes;                        /* of the answers; their memory is charged */
    size_t charged;
    struct buffer replies[];
};

struct rpc_request {
    struct call call;
    struct rpc_connection *connection; /* a reference */
    struct rpc_batch *batch;           /* NULL: alone in its line */
    uint32_t slot;
    uint32_t cost;                     /* bytes of the line that it stands for */
    bool notification, hold;
    uint16_t id_size;
    char id[];
};

/* Answered OK, but not told before the server is released. */
struct rpc_held {
    struct rpc_held *next;
    struct rpc_request *request;
    struct buffer result;
};

static struct rpc_request *request_new(struct rpc_connection *connection, const struct request *parsed,
                                       uint32_t cost)
{
    struct rpc_request *r = memory_new(sizeof *r + parsed->id_size);
    connection_hold(&connection->connection);
    r->connection = connection;
    r->cost = cost;
    r->notification = parsed->notification;
    r->id_size = (uint16_t)parsed->id_size;
    memcpy(r->id, parsed->id, parsed->id_size);
    return r;
}

/* --- answering -------------------------------------------------------------------------------- */
/* Joins the answers of a batch that is complete. Nothing at all when every member was a notification. */
static void batch_join(struct rpc_batch *batch, struct buffer *out)
{
    bool first = true;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->replies[i].size == 0)
            continue;
        buffer_append(out, first ? "[" : ",", 1);
        first = false;
        buffer_append(out, batch->replies[i].data, batch->replies[i].size);
        buffer_close(&batch->replies[i]);
    }
    if (!first)
        buffer_append(out, "]\n", 2);
}

static void batch_free(struct rpc_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        buffer_close(&batch->replies[i]);
    free(batch);
}

/* Under the connection's lock: one member less to wait for. */
static void batch_count_down(struct rpc_connection *connection, struct rpc_batch *batch)
{
    if (--batch->remaining > 0)
        return;
    size_t before = connection->replies.capacity;
    if (!connection->gone)
        batch_join(batch, &connection->replies);
    connection_charge(&connection->connection, BUDGET_OUTPUT, connection->replies.capacity - before);
    connection_refund(&connection->connection, BUDGET_OUTPUT, batch->charged);
    batch_free(batch);
}

/* Under the connection's lock. */
static void render(struct rpc_request *r, enum status status, const struct error *error, struct bytes result)
{
    struct rpc_connection *connection = r->connection;
    struct buffer *out = r->batch == NULL ? &connection->replies : &r->batch->replies[r->slot];
    size_t before = out->capacity;
    if (status == OK)
        reply_result(out, r->id, r->id_size, result);
    else
        reply_error(out, r->id, r->id_size, status, error);
    if (r->batch == NULL)
        buffer_append(out, "\n", 1);
    connection_charge(&connection->connection, BUDGET_OUTPUT, out->capacity - before);
    if (r->batch != NULL) {
        r->batch->bytes += out->size;
        r->batch->charged += out->capacity;
    }
}

void rpc_connection_unlock_and_wake(struct rpc_connection *connection)
{
    struct rpc_server *server = connection->server;
    bool wake = !connection->woken;
    if (wake) {
        connection->woken = true;
        connection_hold(&connection->connection);
    }
    pthread_mutex_unlock(&connection->lock);
    if (!wake)
        return;
    pthread_mutex_lock(&server->lock);
    connection->next_woken = server->woken;
    server->woken = connection;
    pthread_mutex_unlock(&server->lock);
    wake_signal(server->wake);
}

static void rpc_finish(struct rpc_request *r, enum status status, const struct error *error,
                       struct bytes result)
{
    struct rpc_connection *connection = r->connection;
    atomic_fetch_sub(&connection->server->in_flight, 1);
    atomic_fetch_sub(&connection->in_flight_bytes, r->cost);
    atomic_fetch_sub(&connection->server->in_flight_bytes, r->cost);

    pthread_mutex_lock(&connection->lock);
    if (!r->notification && !connection->gone)
        render(r, status, error, result);
    if (r->batch != NULL)
        batch_count_down(connection, r->batch);
    atomic_fetch_sub(&connection->in_flight,
                     1); /* not before the answer is there: at 0 the connection may be closed */
    rpc_connection_unlock_and_wake(connection);
    connection_release(&connection->connection);
    free(r);
}

static void hold(struct rpc_request *r, struct bytes result)
{
    struct rpc_server *server = r->connection->server;
    struct rpc_held *held = memory_new(sizeof *held);
    held->request = r;
    buffer_append(&held->result, result.data, result.size);
    pthread_mutex_lock(&server->lock);
    held->next = server->held;
    server->held = held;
    pthread_mutex_unlock(&server->lock);
}

void rpc_call_release_held(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct rpc_held *held = server->held;
    server->held = NULL;
    pthread_mutex_unlock(&server->lock);
    while (held != NULL) {
        struct rpc_held *next = held->next;
        rpc_finish(held->request, OK, NULL, buffer_bytes(&held->result));
        buffer_close(&held->result);
        free(held);
        held = next;
    }
}

static void on_done(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    struct rpc_request *r = call->context;
    if (r->hold && status == OK)
        hold(r, result);
    else
        rpc_finish(r, status, error, result);
}

/* --- calling ---------------------------------------------------------------------------------- */
/* The parser's copies of a secret. Strings are ours alone, so writing into them is safe. */
static void wipe_texts(const json_t *value)
{
    if (json_is_string(value)) {
        sodium_memzero((char *)json_string_value(value), json_string_length(value));
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            wipe_texts(json_array_get(value, i));
    } else if (json_is_object(value)) {
        json_t *object = (json_t *)value;
        for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
            wipe_texts(json_object_iter_value(at));
    }
}

/* What a batch answers is kept until its last member is answered. */
static bool batch_is_full(struct rpc_connection *connection, const struct rpc_batch *batch)
{
    pthread_mutex_lock(&connection->lock);
    bool full = batch->bytes > CONNECTION_BATCH_MAX;
    pthread_mutex_unlock(&connection->lock);
    return full;
}

static void call_one(struct rpc_connection *connection, size_t worker, const json_t *value, uint32_t cost,
                     struct rpc_batch *batch, uint32_t slot, enum status refusal)
{
    struct rpc_server *server = connection->server;
    struct request parsed;
    struct error error = { 0 };
    enum status status = request_parse(value, &parsed, &error);
    struct rpc_request *r = request_new(connection, &parsed, cost);
    r->batch = batch;
    r->slot = slot;
    r->call.caller = connection->connection.caller;
    r->call.done = on_done;
    r->call.context = r;
    atomic_fetch_add(server->request_count, 1);
    if (status == OK)
        status = refusal;
    if (status == OK && batch != NULL && batch_is_full(connection, batch))
        status = error_set(&error, ERROR_LIMIT, "the answers of this batch are over %zu bytes already; ask "
                                                "this again", CONNECTION_BATCH_MAX);
    if (status != OK) {
        rpc_finish(r, status, &error, (struct bytes){ 0 });
        return;
    }
    r->hold = server->hold_method != NULL && strcmp(parsed.method, server->hold_method) == 0;
    bool secret = strncmp(parsed.method, SECRET_METHODS, strlen(SECRET_METHODS)) == 0;
    kernel_call(server->kernel, worker, &r->call, parsed.method,
                parsed.params); /* r may be gone from here on */
    if (secret && parsed.params != NULL)
        wipe_texts(parsed.params);
}

/* A line that is no request at all. It was counted as one. */
static void refuse_line(struct rpc_connection *connection, size_t size, enum status status,
                        const struct error *error)
{
    struct request nobody = { .id = "null", .id_size = 4 };
    atomic_fetch_add(connection->server->request_count, 1);
    rpc_finish(request_new(connection, &nobody, (uint32_t)size), status, error, (struct bytes){ 0 });
}

static void call_batch(struct rpc_connection *connection, size_t worker, const json_t *array, uint32_t size,
                       enum status refusal)
{
    size_t count = json_array_size(array);
    struct error error;
    enum status status = OK;
    if (count == 0)
        status = error_set(&error, ERROR_INVALID_REQUEST, "a batch of no requests");
    else if (count > RPC_BATCH_MAX)
        status = error_set(&error, ERROR_LIMIT, "a batch of %zu requests; at most %d", count, RPC_BATCH_MAX);
    if (status != OK) {
        refuse_line(connection, size, status, &error);
        return;
    }
    struct rpc_batch *batch = memory_new(sizeof *batch + count * sizeof batch->replies[0]);
    batch->count = count;
    batch->remaining = count + 1; /* one for this loop, which is also what the line was counted for */
    atomic_fetch_add(&connection->in_flight, count);
    atomic_fetch_add(&connection->server->in_flight, count - 1);
    uint32_t share = size / (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        uint32_t cost = i == 0 ? size - share * (uint32_t)(count - 1) : share;
        call_one(connection, worker, json_array_get(array, i), cost, batch, (uint32_t)i, refusal);
    }
    pthread_mutex_lock(&connection->lock);
    batch_count_down(connection, batch);
    atomic_fetch_sub(&connection->in_flight, 1);
    rpc_connection_unlock_and_wake(connection);
}

void rpc_call_line(struct rpc_connection *connection, size_t worker, const char *line, size_t size,
                   enum status refusal)
{
    AUTO_JSON json_t *value = NULL;
    struct error error;
    enum status status = json_parse(line, size, &value, &error);
    if (status != OK)
        refuse_line(connection, size, status, &error);
    else if (json_is_array(value))
        call_batch(connection, worker, value, (uint32_t)size, refusal);
    else
        call_one(connection, worker, value, (uint32_t)size, NULL, 0, refusal);
}

bool rpc_call_urgent(struct rpc_connection *connection, const char *line, size_t size)
{
    struct rpc_server *server = connection->server;
    AUTO_JSON json_t *value = NULL;
    struct error error;
    if (memmem(line, size, server->hold_method, strlen(server->hold_method)) == NULL
        || json_parse(line, size, &value, &error) != OK)
        return false;
    const char *method = json_string_value(json_object_get(value, "method"));
    if (method == NULL || strcmp(method, server->hold_method) != 0)
        return false;
    atomic_fetch_add(&connection->in_flight, 1);
    atomic_fetch_add(&connection->in_flight_bytes, size);
    atomic_fetch_add(&server->in_flight, 1);
    atomic_fetch_add(&server->in_flight_bytes, size);
    call_one(connection, NO_WORKER, value, (uint32_t)size, NULL, 0, OK);
    return true;
}
