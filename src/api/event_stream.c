/* One turn of one connection sends one page of each of its subscriptions. Whoever has more to send stands
 * in the queue and has the next turn after the others; whoever is blocked stands nowhere, and costs
 * nothing until the client reads. */
#include "api/event_stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/event_job.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "api"
#define SLICE_US 2000                 /* turns go on for this long before the loop looks at sockets again */
#define PROGRESS_US MICROSECONDS_PER_SECOND
#define SEND_BUFFER_BYTES (1 << 20)   /* asked for; the system may give less */

/* --- the queue -------------------------------------------------------------------------------- */
static void make_ready(struct event_connection *c)
{
    struct event_server *server = c->server;
    if (c->ready || c->connection.closed)
        return;
    c->ready = true;
    c->next_ready = NULL;
    connection_hold(&c->connection);
    if (server->ready_first == NULL) {
        server->ready_first = c;
        watch_start_timer(&server->ready, 0);
    } else {
        server->ready_last->next_ready = c;
    }
    server->ready_last = c;
}

static struct event_connection *take_ready(struct event_server *server)
{
    struct event_connection *c = server->ready_first;
    if (c == NULL)
        return NULL;
    server->ready_first = c->next_ready;
    c->ready = false;
    return c;
}

void event_connection_touch(struct event_connection *c)
{
    make_ready(c);
}

void event_stream_ready(void *context)
{
    struct event_server *server = context;
    int64_t end = clock_monotonic_us() + SLICE_US;
    struct event_connection *c;
    while ((c = take_ready(server)) != NULL) {
        event_connection_turn(c);
        connection_release(&c->connection);
        if (clock_monotonic_us() >= end)
            break;
    }
    if (server->ready_first != NULL)
        watch_start_timer(&server->ready, 0);
}

/* --- subscriptions ---------------------------------------------------------------------------- */
/* Lines carry the subscription's number as soon as there are two to tell apart. */
static void number_lines(struct event_connection *c)
{
    for (struct subscription *s = c->subscriptions; s != NULL; s = s->next)
        s->subscriber.prefixed = c->subscription_count > 1;
}

static void join_streaming(struct event_connection *c)
{
    struct event_server *server = c->server;
    c->previous = NULL;
    c->next = server->streaming;
    if (c->next != NULL)
        c->next->previous = c;
    server->streaming = c;
    int size = SEND_BUFFER_BYTES;
    setsockopt(c->connection.descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* a wish */
}

static void leave_streaming(struct event_connection *c)
{
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->server->streaming = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->next = c->previous = NULL;
}

static void arm_timer(struct subscription *s, int64_t now)
{
    int64_t due = s->last_sent_us + s->heartbeat_us - now;
    if (s->subscriber.filter != NULL && due > PROGRESS_US)
        due = PROGRESS_US;
    watch_start_timer(&s->timer, due > 0 ? due : s->heartbeat_us);
}

static void on_timer(void *context)
{
    struct subscription *s = context;
    struct event_connection *c = s->connection;
    int64_t now = clock_monotonic_us();
    arm_timer(s, now);
    if (c->connection.blocked || connection_unsent(&c->connection) > 0)
        return; /* the client does not read: nothing is piled up for it */

    uint64_t head = event_server_head(c->server);
    struct buffer CLEANUP(buffer_close) line = { 0 };
    subscriber_tell(&s->subscriber, head, true, &line);
    if (line.size == 0 && now - s->last_sent_us >= s->heartbeat_us)
        subscriber_heartbeat(&s->subscriber, head, clock_wall_us(), &line);
    if (line.size == 0)
        return;
    s->last_sent_us = now;
    arm_timer(s, now);
    connection_hold(&c->connection);
    connection_append(&c->connection, line.data, line.size);
    connection_flush(&c->connection);
    connection_release(&c->connection);
}

struct subscription *subscription_add(struct event_connection *c, const struct subscriber *subscriber,
                                      int64_t heartbeat_us)
{
    struct subscription *s = memory_new(sizeof *s), **end = &c->subscriptions;
    s->subscriber = *subscriber;
    s->subscriber.id = ++c->newest_subscription;
    s->connection = c;
    s->heartbeat_us = heartbeat_us;
    s->last_sent_us = clock_monotonic_us();
    watch_open(&s->timer, c->server->base, WATCH_TIMER, -1, on_timer, s);
    arm_timer(s, s->last_sent_us);
    while (*end != NULL)
        end = &(*end)->next;
    *end = s;
    if (c->subscription_count++ == 0)
        join_streaming(c);
    number_lines(c);
    atomic_fetch_add(c->server->subscriber_count, 1);
    make_ready(c);
    return s;
}

void subscription_remove(struct subscription *s)
{
    struct event_connection *c = s->connection;
    struct subscription **at = &c->subscriptions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (--c->subscription_count == 0)
        leave_streaming(c);
    number_lines(c);
    atomic_fetch_sub(c->server->subscriber_count, 1);
    watch_close(&s->timer);
    filter_free(s->subscriber.filter);
    free(s);
}

struct subscription *subscription_find(struct event_connection *c, uint64_t number)
{
    for (struct subscription *s = c->subscriptions; s != NULL; s = s->next)
        if (s->subscriber.id == number)
            return s;
    return NULL;
}

struct subscription *subscription_of_cursor(struct event_server *server, const char *cursor)
{
    for (struct event_connection *c = server->streaming; c != NULL; c = c->next)
        for (struct subscription *s = c->subscriptions; s != NULL; s = s->next)
            if (strcmp(s->cursor, cursor) == 0)
                return s;
    return NULL;
}

/* --- pages from the database ------------------------------------------------------------------ */
/* Reading ahead pays once there is more than a page to read. */
static bool has_pages(struct event_server *server, const struct subscriber *subscriber)
{
    if (server->reader == NULL || !subscriber_may_take_page(subscriber, &server->ring))
        return false;
    if (server->pages == NULL && !server->pages_refused && !atomic_load(&server->paused)
        && subscriber->next + TURN_ROWS < server->ring.tail) {
        server->pages = page_reader_start(server->kernel, server->wake);
        server->pages_refused = server->pages == NULL;
    }
    return server->pages != NULL;
}

/* Its page is being read: it has its turn when that is there. One waits; others read for themselves. */
static bool wait_for_page(struct event_server *server, struct subscription *s)
{
    struct event_connection *c = s->connection;
    if (server->page_waiter != NULL && server->page_waiter != c)
        return false;
    if (!page_reader_await(server->pages, s->subscriber.next))
        return false;
    if (server->page_waiter == NULL)
        connection_hold(&c->connection);
    server->page_waiter = c;
    server->page_awaited = s->subscriber.next;
    return true;
}

static void end_wait(struct event_server *server)
{
    struct event_connection *c = server->page_waiter;
    if (c == NULL)
        return;
    server->page_waiter = NULL;
    make_ready(c);
    connection_release(&c->connection);
}

/* That something is being read is no reason to wait on: somebody else may have asked for another page
 * since. */
void event_pages_collect(struct event_server *server)
{
    if (server->page_waiter != NULL && !page_reader_await(server->pages, server->page_awaited))
        end_wait(server);
}

void event_pages_stop(struct event_server *server)
{
    page_reader_stop(server->pages);
    server->pages = NULL;
    server->pages_refused = true;
    end_wait(server);
}

/* What comes next, into server->turn. While this thread reads a page, or sends one that is there and reads
 * the next, the other reads the one after: both have as much to do. */
static enum status gather(struct event_server *server, struct subscriber *subscriber, bool pages,
                          struct error *error)
{
    const struct event_source source = { page_source, server->reader };
    const struct turn *page = pages ? page_reader_find(server->pages, subscriber->next) : NULL;
    if (pages) {
        uint64_t after = (page != NULL ? page->next : subscriber->next) + TURN_ROWS;
        if (after < server->ring.tail && (subscriber->until == 0 || after <= subscriber->until))
            page_reader_ask(server->pages, after, server->ring.head);
    }
    if (page == NULL)
        return subscriber_gather(subscriber, &server->ring, &source, server->turn, error);
    subscriber_take_page(subscriber, &server->ring, page, server->turn);
    return OK;
}

/* --- turns ------------------------------------------------------------------------------------ */
enum turn_end { TURN_IDLE, TURN_MORE, TURN_BLOCKED, TURN_OVER };

static void end_subscription(struct subscription *s, const char *why)
{
    struct buffer CLEANUP(buffer_close) line = { 0 };
    struct connection *connection = &s->connection->connection;
    subscriber_tell_lost(&s->subscriber, &line);
    subscriber_end(&s->subscriber, why, &line);
    subscription_remove(s);
    connection_append(connection, line.data, line.size);
}

/* Sends what was gathered, and moves the subscriber as far as it went. */
static enum turn_end send_turn(struct event_server *server, struct subscription *s)
{
    struct connection *connection = &s->connection->connection;
    const struct turn *turn = server->turn;
    ssize_t sent = 0;
    if (turn->bytes > 0) {
        sent = connection_send(connection, turn->pieces, turn->piece_count);
        if (sent < 0)
            return TURN_OVER; /* the connection is closed, the subscription gone */
    }
    struct buffer CLEANUP(buffer_close) rest = { 0 };
    size_t lines = subscriber_advance(&s->subscriber, turn, (size_t)sent, &rest);
    atomic_fetch_add_explicit(server->delivery_count, lines, memory_order_relaxed);
    if (rest.size > 0)
        connection_append(connection, rest.data, rest.size);
    if ((size_t)sent == turn->bytes)
        return TURN_MORE;
    connection_wait(connection);
    return TURN_BLOCKED;
}

/* What is to be said about the stream itself, once the lines before it are out. */
static enum turn_end tell(struct event_server *server, struct subscription *s)
{
    struct subscriber *subscriber = &s->subscriber;
    struct connection *connection = &s->connection->connection;
    uint64_t head = event_server_head(server);
    struct buffer CLEANUP(buffer_close) line = { 0 };
    if (subscriber_is_over(subscriber)) {
        end_subscription(s, "until");
        return connection_flush(connection) ? TURN_OVER : TURN_BLOCKED;
    }
    subscriber_tell(subscriber, head, false, &line);
    if (line.size > 0) {
        connection_append(connection, line.data, line.size);
        if (!connection_flush(connection))
            return connection->closed ? TURN_OVER : TURN_BLOCKED;
    }
    return subscriber_has_work(subscriber, head) ? TURN_MORE : TURN_IDLE;
}

/* One page for one subscription. The connection's output is empty before. */
static enum turn_end serve(struct event_server *server, struct subscription *s, int64_t now)
{
    struct subscriber *subscriber = &s->subscriber;
    struct connection *connection = &s->connection->connection;
    if (subscriber->lost_from != 0) {
        struct buffer CLEANUP(buffer_close) line = { 0 };
        subscriber_tell_lost(subscriber, &line);
        connection_append(connection, line.data, line.size);
        if (!connection_flush(connection))
            return connection->closed ? TURN_OVER : TURN_BLOCKED;
    }
    if (server->reader == NULL && subscriber->next < server->ring.tail)
        return TURN_IDLE; /* the node is stopping, and the database is closed: the client resumes later */

    bool pages = has_pages(server, subscriber);
    if (pages && wait_for_page(server, s))
        return TURN_IDLE;
    struct error error;
    if (gather(server, subscriber, pages, &error) != OK) {
        log_error("a subscriber cannot be served from the database: %s", error.message);
        end_subscription(s, "failed");
        return connection_flush(connection) ? TURN_OVER : TURN_BLOCKED;
    }
    if (server->turn->bytes > 0)
        s->last_sent_us = now;
    enum turn_end end = send_turn(server, s);
    return end == TURN_MORE ? tell(server, s) : end;
}

/* A client that does not read, or gives no credit, and is further behind than it may be. */
static void mind_the_slow(struct event_connection *c, bool blocked)
{
    uint64_t head = event_server_head(c->server);
    for (struct subscription *s = c->subscriptions, *next; s != NULL; s = next) {
        struct subscriber *subscriber = &s->subscriber;
        next = s->next;
        bool slow = subscriber->slow != SLOW_REPLAY && subscriber->was_live
                    && (blocked || subscriber->credit == 0)
                    && subscriber_lag(subscriber, head) > subscriber->max_lag;
        if (!slow)
            continue;
        if (subscriber->slow == SLOW_SKIP)
            subscriber_skip(subscriber, head);
        else
            end_subscription(s, "slow");
        if (c->connection.closed)
            return; /* too much lay unread already */
    }
}

void event_connection_turn(struct event_connection *c)
{
    struct event_server *server = c->server;
    if (c->connection.closed || c->connection.blocked)
        return;
    connection_hold(&c->connection);
    bool more = false, open = connection_flush(&c->connection);
    int64_t now = clock_monotonic_us();
    if (open && c->backlog.size > 0 && !atomic_load(&server->paused)) {
        event_connection_begin(c);
        open = !c->connection.closed && !c->connection.blocked;
    }
    for (struct subscription *s = c->subscriptions, *next; open && s != NULL; s = next) {
        next = s->next;
        enum turn_end end = serve(server, s, now);
        more = more || end == TURN_MORE;
        open = end != TURN_BLOCKED && !c->connection.closed;
    }
    if (!c->connection.closed)
        mind_the_slow(c, c->connection.blocked);
    if (more && open)
        make_ready(c);
    else if (c->connection.end && c->in_flight == 0 && c->subscription_count == 0 && c->backlog.size == 0
             && !c->connection.closed && connection_unsent(&c->connection) == 0)
        connection_close(&c->connection);
    if (!c->connection.closed && c->connection.paused && !atomic_load(&server->paused)
        && event_connection_may_read(c))
        connection_resume(&c->connection);
    if (open)
        event_jobs_start(server);
    connection_release(&c->connection);
}

void event_stream_deliver(struct event_server *server)
{
    for (struct event_connection *c = server->streaming, *next; c != NULL; c = next) {
        next = c->next;
        if (c->connection.blocked)
            mind_the_slow(c, true);
        else if (!c->ready)
            event_connection_turn(c);
    }
}

void event_stream_drain(struct event_server *server, int64_t timeout_us)
{
    int64_t end = clock_monotonic_us() + timeout_us;
    for (struct event_connection *c = server->streaming; c != NULL; c = c->next)
        make_ready(c);
    while (server->ready_first != NULL) { /* a slice at least, also on a machine that stalls */
        event_stream_ready(server);
        if (clock_monotonic_us() >= end)
            break;
    }
}
