/* A connection's lines wait in its backlog; its run takes them all, handles RPC_RUN_LINES of them, and
 * stands at the end of the workers' queue again for the rest, so that a client that pipelines leaves room
 * for the others. A run whose client does not read its replies is parked. */
#include "api/rpc_server.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/rpc_call.h"
#include "base/memory.h"

static struct rpc_connection *rpc_connection_of(struct connection *connection)
{
    return (struct rpc_connection *)connection; /* its first member */
}

/* --- the run (workers) ------------------------------------------------------------------------ */
/* Under the lock. */
static bool may_begin(const struct rpc_connection *c)
{
    return c->gone || atomic_load(&c->server->stopping)
           || connection_may_begin(&c->connection, c->replies.size + c->unsent);
}

static size_t count_lines(const uint8_t *text, size_t size)
{
    size_t count = 0;
    for (const uint8_t *at = text;
         size > 0 && (at = memchr(at, '\n', (size_t)(text + size - at))) != NULL; at++)
        count++;
    return count;
}

/* Under the lock. */
static size_t bytes_waiting(const struct rpc_connection *c)
{
    return c->lines.size - c->lines_at + c->backlog.size;
}

/* Under the lock: a parked run's lines are the client's to pay for, as much memory as they take. */
static void charge_parked(struct rpc_connection *c)
{
    connection_recharge(&c->connection, BUDGET_INPUT, &c->parked_charged,
                        c->parked ? c->lines.capacity + c->backlog.capacity : 0);
}

/* Under the lock: what the client does not read the answers of is not even asked of the kernel, and keeps
 * nobody else waiting. */
static void park(struct rpc_connection *c)
{
    struct rpc_server *server = c->server;
    size_t left = c->lines.size - c->lines_at;
    c->parked_lines = count_lines(c->backlog.data, c->backlog.size);
    if (left > 0)
        c->parked_lines += count_lines(c->lines.data + c->lines_at, left);
    c->parked_bytes = bytes_waiting(c) - c->parked_lines;
    atomic_fetch_sub(&server->in_flight, c->parked_lines);
    atomic_fetch_sub(&server->in_flight_bytes, c->parked_bytes);
    c->parked = true;
    c->running = false;
    buffer_shrink(&c->lines, &c->lines_at);
    charge_parked(c);
    connection_refund(&c->connection, BUDGET_WAITING, bytes_waiting(c));
}

/* Whether the run has another line; otherwise it is over. */
static bool run_goes_on(struct rpc_connection *c)
{
    pthread_mutex_lock(&c->lock);
    bool waits = c->lines_at < c->lines.size || c->backlog.size > 0;
    if (waits && !may_begin(c)) {
        park(c);
        rpc_connection_unlock_and_wake(c); /* others may have room now */
        return false;
    }
    if (c->lines_at == c->lines.size) {
        buffer_close(&c->lines);
        c->lines_at = 0;
        buffer_take(&c->lines, &c->backlog);
        c->running = c->lines.size > 0;
    }
    bool goes_on = c->running;
    pthread_mutex_unlock(&c->lock);
    return goes_on;
}

/* The next line of the run, or false at its end. */
static bool next_line(struct rpc_connection *c, char **line, size_t *size)
{
    if (!run_goes_on(c))
        return false;
    *line = (char *)c->lines.data + c->lines_at;
    char *newline = memchr(*line, '\n', c->lines.size - c->lines_at);
    INVARIANT(newline != NULL, "the backlog holds complete lines");
    *size = (size_t)(newline - *line);
    c->lines_at += *size + 1;
    connection_refund(&c->connection, BUDGET_WAITING, *size + 1);
    return true;
}

static void run_lines(struct work *work, size_t worker)
{
    struct rpc_connection *c = (struct rpc_connection *)((char *)work - offsetof(struct rpc_connection, run));
    struct rpc_server *server = c->server;
    char *line;
    size_t size, handled = 0;
    while (next_line(c, &line, &size)) {
        rpc_call_line(c, worker, line, size, atomic_load(&server->stopping) ? ERROR_STOPPING : OK);
        sodium_memzero(line, size);
        if (++handled % RPC_RUN_LINES == 0 && workers_submit(kernel_workers(server->kernel), &c->run))
            return; /* its reference goes with it */
    }
    connection_release(&c->connection);
}

/* --- the I/O thread --------------------------------------------------------------------------- */
static void on_opened(struct connection *connection)
{
    struct rpc_connection *c = rpc_connection_of(connection);
    c->server = connection->listener->options.context;
    c->run.run = run_lines;
    pthread_mutex_init(&c->lock, NULL);
}

static void on_line(struct connection *connection, const char *text, size_t size)
{
    struct rpc_server *server = rpc_connection_of(connection)->server;
    line_append(&server->incoming, text, size);
    line_append(&server->incoming, "\n", 1);
    server->incoming_lines++;
}

/* No worker takes the run: every request in the backlog is answered with the reason. */
static void refuse_backlog(struct rpc_connection *c, enum status reason)
{
    char *line;
    size_t size;
    while (next_line(c, &line, &size)) {
        rpc_call_line(c, NO_WORKER, line, size, reason);
        sodium_memzero(line, size);
    }
}

static void start_run(struct rpc_connection *c)
{
    connection_hold(&c->connection);
    if (workers_submit(kernel_workers(c->server->kernel), &c->run))
        return;
    refuse_backlog(c, atomic_load(&c->server->stopping) ? ERROR_STOPPING : ERROR_BUSY);
    connection_release(&c->connection);
}

/* A run that was parked goes on when its client reads again, or is gone, or everything is to be refused
 * anyway. */
static void unpark(struct rpc_connection *c)
{
    pthread_mutex_lock(&c->lock);
    c->unsent = connection_unsent(&c->connection);
    bool start = c->parked && may_begin(c);
    if (c->parked && !start && c->unsent == 0) /* else it goes on when that is read */
        relief_ask(c->connection.listener);
    if (start) {
        atomic_fetch_add(&c->server->in_flight, c->parked_lines);
        atomic_fetch_add(&c->server->in_flight_bytes, c->parked_bytes);
        c->parked = false;
        c->running = true;
        charge_parked(c);
        connection_charge(&c->connection, BUDGET_WAITING, bytes_waiting(c));
    }
    pthread_mutex_unlock(&c->lock);
    if (start)
        start_run(c);
}

static bool is_full(struct rpc_server *server)
{
    return atomic_load(&server->in_flight) >= server->calls_max
           || atomic_load(&server->in_flight_bytes) >= server->calls_bytes_max;
}

/* Room enough that taking up again is worth a look at every connection. */
static bool has_room(struct rpc_server *server)
{
    return atomic_load(&server->in_flight) <= server->calls_max / 2
           && atomic_load(&server->in_flight_bytes) <= server->calls_bytes_max / 2;
}

static bool is_parked(struct rpc_connection *c)
{
    pthread_mutex_lock(&c->lock);
    bool parked = c->parked;
    pthread_mutex_unlock(&c->lock);
    return parked;
}

static bool may_read(struct rpc_connection *c)
{
    if (is_full(c->server)) {
        c->server->throttled = true;
        return false;
    }
    return atomic_load(&c->in_flight) < RPC_IN_FLIGHT_MAX
           && atomic_load(&c->in_flight_bytes) < RPC_IN_FLIGHT_BYTES
           && connection_may_read(&c->connection);
}

/* One line from an operator who has nothing under way: the method that waits for no worker, perhaps. */
static bool run_urgent(struct rpc_connection *c)
{
    struct rpc_server *server = c->server;
    if (server->hold_method == NULL || !c->connection.caller.operator_ || server->incoming_lines != 1
        || server->incoming.size > RPC_URGENT_MAX || atomic_load(&c->in_flight) > 0
        || atomic_load(&server->stopping))
        return false;
    return rpc_call_urgent(c, (const char *)server->incoming.data, server->incoming.size - 1);
}

static void forget_incoming(struct rpc_server *server)
{
    sodium_memzero(server->incoming.data, server->incoming.size);
    buffer_clear(&server->incoming);
    server->incoming_lines = 0;
}

static void on_lines_end(struct connection *connection)
{
    struct rpc_connection *c = rpc_connection_of(connection);
    struct rpc_server *server = c->server;
    if (server->incoming_lines == 0)
        return;
    if (run_urgent(c)) {
        forget_incoming(server);
        return;
    }
    size_t bytes = server->incoming.size - server->incoming_lines; /* without the newlines */
    atomic_fetch_add(&c->in_flight, server->incoming_lines);
    atomic_fetch_add(&c->in_flight_bytes, bytes);

    pthread_mutex_lock(&c->lock);
    line_append(&c->backlog, (const char *)server->incoming.data, server->incoming.size);
    bool start = !c->running && !c->parked;
    if (c->parked) {
        c->parked_lines += server->incoming_lines;
        c->parked_bytes += bytes;
        charge_parked(c);
    } else {
        c->running = true;
        connection_charge(connection, BUDGET_WAITING, server->incoming.size);
        atomic_fetch_add(&server->in_flight, server->incoming_lines);
        atomic_fetch_add(&server->in_flight_bytes, bytes);
    }
    pthread_mutex_unlock(&c->lock);
    forget_incoming(server);
    if (start)
        start_run(c);
    if (!may_read(c))
        connection_pause(connection);
}

static bool finished(struct rpc_connection *c)
{
    pthread_mutex_lock(&c->lock);
    bool nothing = atomic_load(&c->in_flight) == 0 && c->replies.size == 0;
    pthread_mutex_unlock(&c->lock);
    return nothing && connection_unsent(&c->connection) == 0;
}

/* What may be done next with a connection whose state has changed: read on, or close it when its client
 * is done. */
static void settle(struct rpc_connection *c)
{
    if (c->connection.closed)
        return;
    unpark(c);
    if (c->connection.end && finished(c))
        connection_close(&c->connection);
    else if (c->connection.paused && !atomic_load(&c->server->stopping) && may_read(c))
        connection_resume(&c->connection);
}

static void on_ended_or_drained(struct connection *connection)
{
    settle(rpc_connection_of(connection));
}

static void forget_lines(struct buffer *lines)
{
    if (lines->size > 0)
        sodium_memzero(lines->data, lines->size);
    buffer_close(lines);
}

/* Under the lock: requests behind answers that nobody read, and nobody will. */
static void drop_parked(struct rpc_connection *c)
{
    atomic_fetch_sub(&c->in_flight, c->parked_lines);
    atomic_fetch_sub(&c->in_flight_bytes, c->parked_bytes);
    forget_lines(&c->lines);
    forget_lines(&c->backlog);
    c->lines_at = 0;
    c->parked = false;
    charge_parked(c);
}

static void on_closed(struct connection *connection)
{
    struct rpc_connection *c = rpc_connection_of(connection);
    pthread_mutex_lock(&c->lock);
    c->gone = true;
    if (c->parked && c->unsent + c->replies.size > 0)
        drop_parked(c);
    connection_refund(connection, BUDGET_OUTPUT, c->replies.capacity);
    buffer_close(&c->replies);
    pthread_mutex_unlock(&c->lock);
    unpark(c); /* what else it has sent is still carried out */
}

static bool is_busy(const struct connection *connection)
{
    struct rpc_connection *c = rpc_connection_of((struct connection *)connection);
    return atomic_load(&c->in_flight) > 0 && !is_parked(c);
}

static void settle_all(struct listener *listener)
{
    for (struct connection *c = listener->connections, *next; c != NULL; c = next) {
        next = c->next;
        settle(rpc_connection_of(c));
    }
}

static void on_destroyed(struct connection *connection)
{
    struct rpc_connection *c = rpc_connection_of(connection);
    buffer_close(&c->backlog);
    buffer_close(&c->lines);
    buffer_close(&c->replies);
    pthread_mutex_destroy(&c->lock);
}

static const struct connection_handler handler = {
    .size = sizeof(struct rpc_connection),
    .line_max = RPC_LINE_MAX,
    .opened = on_opened,
    .line = on_line,
    .lines_end = on_lines_end,
    .ended = on_ended_or_drained,
    .drained = on_ended_or_drained,
    .closed = on_closed,
    .busy = is_busy,
    .relieved = settle_all,
    .destroyed = on_destroyed,
};

static void collect_one(struct rpc_connection *c)
{
    struct buffer replies;
    buffer_init(&replies);
    pthread_mutex_lock(&c->lock);
    c->woken = false;
    buffer_take(&replies, &c->replies);
    c->unsent += replies.size;
    pthread_mutex_unlock(&c->lock);

    size_t charged = replies.capacity; /* when they were rendered; the output charges them anew */
    connection_take(&c->connection, &replies);
    connection_refund(&c->connection, BUDGET_OUTPUT, charged);
    buffer_close(&replies);
    if (!c->connection.closed && !c->connection.blocked)
        connection_flush(&c->connection);
    settle(c);
}

void rpc_server_collect(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct rpc_connection *woken = server->woken;
    server->woken = NULL;
    pthread_mutex_unlock(&server->lock);
    while (woken != NULL) {
        struct rpc_connection *c = woken;
        woken = c->next_woken;
        collect_one(c);
        connection_release(&c->connection);
    }
    if (server->throttled && has_room(server)) {
        server->throttled = false;
        settle_all(server->listener);
    }
}

enum status rpc_server_open(const struct rpc_server_options *options, struct rpc_server **server,
                            struct error *error)
{
    struct rpc_server *s = memory_new(sizeof *s);
    s->base = options->listener.base;
    s->wake = options->wake;
    s->kernel = options->kernel;
    s->hold_method = text_copy(options->hold_method);
    s->calls_max = options->calls_max;
    s->calls_bytes_max = options->calls_bytes_max;
    s->request_count = options->request_count;
    pthread_mutex_init(&s->lock, NULL);
    struct listener_options listener = options->listener;
    listener.handler = &handler;
    listener.context = s;
    enum status status = listener_open(&listener, &s->listener, error);
    if (status != OK) {
        rpc_server_close(s);
        return status;
    }
    *server = s;
    return OK;
}

void rpc_server_pause(struct rpc_server *server)
{
    atomic_store(&server->stopping, true);
    listener_stop(server->listener);
    for (struct connection *c = server->listener->connections; c != NULL; c = c->next) {
        connection_pause(c);
        unpark(rpc_connection_of(c));
    }
}

void rpc_server_release(struct rpc_server *server)
{
    rpc_call_release_held(server);
}

void rpc_server_close(struct rpc_server *server)
{
    if (server == NULL)
        return;
    listener_close(server->listener);
    buffer_close(&server->incoming);
    pthread_mutex_destroy(&server->lock);
    free(server->hold_method);
    free(server);
}
