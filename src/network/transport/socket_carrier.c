/* JSON over a Unix socket, as Core Lightning speaks it: a connection a request; the request is one object and
 * a blank line, the reply one object. Driven by the transport's event loop; never blocks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "network/transport/json_frame.h"
#include "network/transport/pool.h"

#define READ_AT_ONCE 65536

struct line_connection {
    struct exchange *exchange;
    int descriptor;
    struct event event;
    size_t written;
    struct json_frame frame;
};

static bool abandon(struct exchange *exchange)
{
    struct line_connection *connection = exchange->carrier;
    bool sent = connection->written > 0;
    event_del(&connection->event);
    close(connection->descriptor);
    free(connection);
    return sent;
}

static void end(struct line_connection *connection, enum ending ending, const char *reason)
{
    struct exchange *exchange = connection->exchange;
    (void)snprintf(exchange->reason, sizeof exchange->reason, "%s", reason);
    bool sent = abandon(exchange);
    pool_ended(exchange, (struct outcome){ .ending = ending, .sent = sent, .http_status = 200 });
}

static void wait_for(struct line_connection *connection, short what, event_callback_fn callback)
{
    event_assign(&connection->event, transport_base(connection->exchange->endpoint->transport),
                 connection->descriptor, (short)(what | EV_PERSIST), callback, connection);
    event_add(&connection->event, NULL);
}

static void on_readable(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct line_connection *connection = context;
    struct buffer *reply = connection->exchange->reply;
    uint64_t room = connection->exchange->endpoint->body_max - reply->size;
    uint8_t *into = buffer_reserve(reply, READ_AT_ONCE);
    ssize_t got = read((int)descriptor, into, READ_AT_ONCE);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        end(connection, ENDING_BROKEN, got == 0 ? "the connection ended before the reply" : strerror(errno));
        return;
    }
    size_t used;
    switch (json_frame_feed(&connection->frame, into, (size_t)got, &used)) {
    case FRAME_NONE:
        end(connection, ENDING_NO_HTTP, "what came is no JSON object");
        return;
    case FRAME_ENDS:
        if (used > room)
            break;
        reply->size += used;
        end(connection, ENDING_REPLY, "");
        return;
    case FRAME_GOES_ON:
        if ((uint64_t)got > room)
            break;
        reply->size += (size_t)got;
        return;
    }
    end(connection, ENDING_TOO_LARGE, "the reply is too large");
}

static void on_writable(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct line_connection *connection = context;
    struct bytes body = connection->exchange->body;
    ssize_t put = send((int)descriptor, body.data + connection->written, body.size - connection->written,
                       MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (put < 0) {
        end(connection, ENDING_BROKEN, strerror(errno));
        return;
    }
    connection->written += (size_t)put;
    if (connection->written < body.size)
        return;
    event_del(&connection->event);
    wait_for(connection, EV_READ, on_readable);
}

static void start(struct exchange *exchange)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, exchange->endpoint->url.base, strlen(exchange->endpoint->url.base));
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)snprintf(exchange->reason, sizeof exchange->reason, "%s", strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        pool_ended(exchange, (struct outcome){ .ending = ENDING_UNREACHABLE });
        return;
    }
    struct line_connection *connection = memory_new(sizeof *connection);
    connection->exchange = exchange;
    connection->descriptor = descriptor;
    exchange->carrier = connection;
    wait_for(connection, EV_WRITE, on_writable);
}

static void nothing_to_do(struct endpoint *endpoint)
{
    (void)endpoint;
}

const struct carrier socket_carrier = { nothing_to_do, nothing_to_do, start, abandon };
