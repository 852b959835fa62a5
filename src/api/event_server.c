/* Connections, publications, and the order of things at the end. */
#include "api/event_server.h"

#include <stdlib.h>
#include <string.h>

#include "api/cursor_writer.h"
#include "api/event_job.h"
#include "api/event_method.h"
#include "api/event_stream.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "api"
#define PAUSE_REPLAY_US (500 * 1000) /* for subscribers in the middle of a replay when the node stops */

/* --- publications ----------------------------------------------------------------------------- */
void event_server_publish(struct event_server *server, struct publication *publication)
{
    struct published *published = memory_new(sizeof *published);
    published->publication = publication;
    pthread_mutex_lock(&server->lock);
    /* The I/O thread is far behind: it gets the numbers, and reads the lines from the database. */
    if (server->published_bytes > PUBLISHED_BYTES_MAX)
        buffer_close(&publication->lines);
    server->published_bytes += publication->lines.size;
    *server->published_end = published;
    server->published_end = &published->next;
    pthread_mutex_unlock(&server->lock);
    atomic_store(&server->published_some, true);
}

/* The subject's JSON text; the publication gives the size it has without escapes. */
static uint16_t subject_size(const struct publication *p, const struct publication_entry *entry)
{
    const uint8_t *text = p->lines.data + entry->subject_offset;
    size_t size = entry->subject_size;
    if (size == 0 || (text[size] == '"' && memchr(text, '\\', size) == NULL))
        return (uint16_t)size;
    size = 0;
    while (text[size] != '"')
        size += text[size] == '\\' ? 2 : 1;
    return (uint16_t)size;
}

static void into_ring(struct event_server *server, const struct publication *p)
{
    struct ring *ring = &server->ring;
    if (p->last < p->first || p->last <= ring->head)
        return; /* read from the database when this server was opened */
    if (p->lines.size == 0) {
        ring_skip(ring, p->last);
        return;
    }
    for (uint64_t seq = p->first; seq <= p->last; seq++) {
        const struct publication_entry *entry = &p->entries[seq - p->first];
        if (seq <= ring->head)
            continue;
        INVARIANT(seq == ring->head + 1, "event %llu was published after %llu", (unsigned long long)seq,
                  (unsigned long long)ring->head);
        uint32_t subject = entry->subject_size == 0 ? 0 : entry->subject_offset - entry->offset;
        ring_append(ring, p->lines.data + entry->offset, entry->size, entry->type, subject,
                    subject_size(p, entry));
    }
}

void event_server_take(struct event_server *server)
{
    if (!atomic_exchange(&server->published_some, false))
        return;
    pthread_mutex_lock(&server->lock);
    struct published *published = server->published;
    server->published = NULL;
    server->published_end = &server->published;
    server->published_bytes = 0;
    pthread_mutex_unlock(&server->lock);

    /* All of it into the ring first, then one round of deliveries, so that each subscriber gets as much
     * at once as there is. */
    while (published != NULL) {
        struct published *next = published->next;
        into_ring(server, published->publication);
        publication_free(published->publication);
        free(published);
        published = next;
    }
    atomic_store_explicit(server->ring_bytes, ring_used(&server->ring), memory_order_relaxed);
    event_stream_deliver(server);
    event_waiters_check(server, false);
}

void event_server_collect(struct event_server *server)
{
    event_jobs_collect(server);
    event_pages_collect(server);
    cursor_writer_collect(server->cursors);
}

/* --- connections ------------------------------------------------------------------------------ */
static void on_opened(struct connection *connection)
{
    event_connection_of(connection)->server = connection->listener->options.context;
}

static bool may_begin(const struct event_connection *c)
{
    return !c->connection.closed && c->in_flight < EVENT_IN_FLIGHT_MAX && c->jobs < EVENT_JOBS_MAX
           && connection_may_begin(&c->connection, connection_unsent(&c->connection));
}

static void charge_backlog(struct event_connection *c)
{
    connection_recharge(&c->connection, BUDGET_INPUT, &c->backlog_charged, c->backlog.capacity);
}

static void on_line(struct connection *connection, const char *text, size_t size)
{
    struct event_connection *c = event_connection_of(connection);
    event_server_take(c->server); /* whoever was told of a commit finds its events here */
    if (connection->closed)
        return;
    if (c->backlog.size == 0 && may_begin(c)) {
        event_method_line(c, text, size);
        return;
    }
    buffer_append(&c->backlog, text, size);
    buffer_append(&c->backlog, "\n", 1);
    charge_backlog(c);
}

static void forget_backlog(struct event_connection *c)
{
    buffer_close(&c->backlog);
    c->backlog_at = 0;
    charge_backlog(c);
}

void event_connection_begin(struct event_connection *c)
{
    for (size_t begun = 0; begun < EVENT_RUN_LINES && c->backlog_at < c->backlog.size && may_begin(c);
         begun++) {
        const char *line = (const char *)c->backlog.data + c->backlog_at;
        size_t size = (size_t)((char *)memchr(line, '\n', c->backlog.size - c->backlog_at) - line);
        c->backlog_at += size + 1;
        event_method_line(c, line, size);
    }
    buffer_shrink(&c->backlog, &c->backlog_at); /* a client may always have more in it */
    charge_backlog(c);
    if (!c->connection.closed)
        connection_flush(&c->connection);
    if (c->connection.closed || c->backlog_at == c->backlog.size)
        forget_backlog(c);
    else if (may_begin(c))
        event_connection_touch(c);
    else if (connection_unsent(&c->connection) == 0 && c->in_flight == 0)
        relief_ask(c->connection.listener); /* it waits for others alone */
}

bool event_connection_may_read(struct event_connection *c)
{
    return c->in_flight < EVENT_IN_FLIGHT_MAX && connection_may_read(&c->connection);
}

static void on_lines_end(struct connection *connection)
{
    struct event_connection *c = event_connection_of(connection);
    if (!connection->blocked && !connection_flush(connection) && connection->closed)
        return;
    if (c->backlog.size > 0)
        event_connection_touch(c); /* what was written meanwhile may have made room */
    if (!event_connection_may_read(c))
        connection_pause(connection);
}

static void on_ended_or_drained(struct connection *connection)
{
    event_connection_turn(event_connection_of(connection));
}

static void on_closed(struct connection *connection)
{
    struct event_connection *c = event_connection_of(connection);
    while (c->subscriptions != NULL)
        subscription_remove(c->subscriptions);
    forget_backlog(c);
    if (c->in_flight > 0)
        event_waiters_check(c->server, false);
}

static bool is_busy(const struct connection *connection)
{
    const struct event_connection *c = (const struct event_connection *)connection;
    return c->subscription_count > 0 || c->in_flight > 0;
}

static void on_relieved(struct listener *listener)
{
    struct event_server *server = listener->options.context;
    for (struct connection *c = listener->connections; c != NULL; c = c->next)
        if (c->paused || event_connection_of(c)->backlog.size > 0)
            event_connection_touch(event_connection_of(c));
    event_jobs_start(server);
}

static void on_destroyed(struct connection *connection)
{
    const struct event_connection *c = event_connection_of(connection);
    INVARIANT(c->in_flight == 0 && !c->ready, "a connection is still in use");
}

static const struct connection_handler handler = {
    .size = sizeof(struct event_connection),
    .line_max = EVENT_LINE_MAX,
    .opened = on_opened,
    .line = on_line,
    .lines_end = on_lines_end,
    .ended = on_ended_or_drained,
    .drained = on_ended_or_drained,
    .closed = on_closed,
    .busy = is_busy,
    .relieved = on_relieved,
    .destroyed = on_destroyed,
};

/* --- life ------------------------------------------------------------------------------------- */
struct event_server *event_server_new(void)
{
    struct event_server *server = memory_new(sizeof *server);
    server->published_end = &server->published;
    pthread_mutex_init(&server->lock, NULL);
    return server;
}

static void copy_facts(struct event_server *server, struct kernel *kernel)
{
    server->node_id = text_copy(kernel_node_id(kernel));
    server->origin = text_copy(kernel_origin(kernel));
    server->chain = text_copy(kernel_chain(kernel));
    server->network = network_name(kernel_network(kernel));
}

enum status event_server_open(struct event_server *server, const struct event_server_options *options,
                              struct error *error)
{
    struct listener_options listener = options->listener;
    server->base = listener.base;
    server->wake = options->wake;
    server->kernel = options->kernel;
    server->subscriber_count = options->subscriber_count;
    server->delivery_count = options->delivery_count;
    server->request_count = options->request_count;
    server->ring_bytes = options->ring_bytes_now;
    TRY(kernel_reader(server->kernel, &server->reader, error));
    uint64_t head = event_head(server->reader);
    TRY(database_failure(server->reader, error));

    copy_facts(server, server->kernel);
    ring_open(&server->ring, options->ring_bytes, 0, head);
    server->turn = memory_new(sizeof *server->turn);
    turn_open(server->turn);
    watch_open(&server->ready, server->base, WATCH_TIMER, -1, event_stream_ready, server);
    server->cursors = cursor_writer_new(server);
    event_lane_init(&server->quick, server);
    event_lane_init(&server->slow, server);
    listener.handler = &handler;
    listener.context = server;
    return listener_open(&listener, &server->listener, error);
}

void event_server_pause(struct event_server *server)
{
    if (server->listener == NULL)
        return;
    listener_stop(server->listener);
    for (struct connection *c = server->listener->connections; c != NULL; c = c->next)
        connection_pause(c);
    pthread_mutex_lock(&server->lock);
    atomic_store(&server->paused, true);
    pthread_mutex_unlock(&server->lock);
    event_jobs_pause(server);
    event_pages_stop(server);

    /* Whoever has nearly caught up shall see the last events; from here on they come from the ring alone. */
    event_server_take(server);
    event_stream_drain(server, PAUSE_REPLAY_US);
    cursor_writer_flush(server->cursors);
    database_close(server->reader);
    server->reader = NULL;
}

static void end_all(struct event_server *server)
{
    struct buffer CLEANUP(buffer_close) line = { 0 };
    while (server->streaming != NULL) {
        struct event_connection *c = server->streaming;
        buffer_clear(&line);
        while (c->subscriptions != NULL) {
            subscriber_tell_lost(&c->subscriptions->subscriber, &line);
            subscriber_end(&c->subscriptions->subscriber, "shutdown", &line);
            subscription_remove(c->subscriptions);
        }
        connection_append(&c->connection, line.data, line.size);
    }
}

void event_server_finish(struct event_server *server)
{
    if (server->listener == NULL)
        return;
    server->finishing = true;
    event_server_take(server);
    event_server_collect(server);
    event_waiters_check(server, true);
    event_stream_drain(server, PAUSE_REPLAY_US);
    end_all(server);
}

static void forget_published(struct event_server *server)
{
    while (server->published != NULL) {
        struct published *next = server->published->next;
        publication_free(server->published->publication);
        free(server->published);
        server->published = next;
    }
}

/* Connections in the queue hold references. */
static void forget_ready(struct event_server *server)
{
    while (server->ready_first != NULL) {
        struct event_connection *c = server->ready_first;
        server->ready_first = c->next_ready;
        c->ready = false;
        connection_release(&c->connection);
    }
}

void event_server_free(struct event_server *server)
{
    if (server == NULL)
        return;
    event_pages_stop(server);
    cursor_writer_free(server->cursors);
    forget_published(server);
    while (server->listener != NULL && server->listener->connections != NULL)
        connection_close(server->listener->connections);
    forget_ready(server);
    listener_close(server->listener);
    if (server->turn != NULL)
        turn_close(server->turn);
    watch_close(&server->ready);
    event_lane_close(&server->quick);
    event_lane_close(&server->slow);
    database_close(server->reader);
    ring_close(&server->ring);
    pthread_mutex_destroy(&server->lock);
    free(server->turn);
    free(server->node_id);
    free(server->origin);
    free(server->chain);
    free(server);
}
