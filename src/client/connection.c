/* The socket's two directions: see connection.h. */
#include "client/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define DATABASE_NAME "layerd.sqlite3" /* what makes a directory a node's */
#define CONNECT_RETRY_MS 10           /* a full backlog of the listener is asked again after this */
#define COMPACT_ABOVE ((size_t)65536) /* bytes taken before what is left moves to the front */

int64_t deadline_after(int timeout_ms)
{
    return timeout_ms < 0 ? DEADLINE_NEVER : clock_monotonic_us() + (int64_t)timeout_ms * 1000;
}

int deadline_left_ms(int64_t deadline)
{
    if (deadline == DEADLINE_NEVER)
        return -1;
    int64_t left = deadline - clock_monotonic_us();
    if (left <= 0)
        return 0;
    return left > (int64_t)INT_MAX * 1000 - 1000 ? INT_MAX : (int)((left + 999) / 1000);
}

/* The data directory that the socket's path is in says why nobody listens there. */
static enum status refuse(const char *path, int code, struct error *error)
{
    char directory[sizeof ((struct sockaddr_un *)NULL)->sun_path];
    char database[sizeof directory + sizeof DATABASE_NAME];
    const char *slash = strrchr(path, '/');

    if (code == ENOENT && slash != NULL && slash != path) {
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
        snprintf(database, sizeof database, "%s/" DATABASE_NAME, directory);
        if (access(directory, F_OK) != 0 && errno == ENOENT)
            return error_set(error, ERROR_CONNECT, "no node runs at %s: there is no directory %s", path,
                             directory);
        if (access(database, F_OK) != 0 && errno == ENOENT)
            return error_set(error, ERROR_CONNECT,
                             "no node runs at %s: %s is no data directory of layerd, for it has no %s", path,
                             directory, DATABASE_NAME);
    }
    if (code == ENOENT || code == ECONNREFUSED)
        return error_set(error, ERROR_CONNECT, "no node runs at %s", path);
    return error_set(error, ERROR_CONNECT, "cannot connect to %s: %s", path, strerror(code));
}

/* connect() on a Unix socket ends at once, but for a full backlog (EAGAIN when it does not block). */
static enum status connect_until(int descriptor, const struct sockaddr_un *address, int64_t deadline,
                                 struct error *error)
{
    while (connect(descriptor, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return refuse(address->sun_path, errno, error);
        int left = deadline_left_ms(deadline);
        if (left == 0)
            return error_set(error, ERROR_TIMEOUT, "%s takes no more connections at the moment",
                             address->sun_path);
        poll(NULL, 0, left < 0 || left > CONNECT_RETRY_MS ? CONNECT_RETRY_MS : left);
    }
    return OK;
}

enum status connection_open(struct connection *connection, const char *path, int64_t deadline,
                            struct error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, ERROR_CONNECT,
                         "the path %s is longer than the %zu bytes of a socket's address", path,
                         sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);

    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return refuse(path, errno, error);
    enum status status = connect_until(descriptor, &address, deadline, error);
    if (status != OK) {
        close(descriptor);
        return status;
    }
    *connection = (struct connection){ .descriptor = descriptor };
    buffer_init(&connection->in);
    buffer_init(&connection->out);
    return OK;
}

void connection_close(struct connection *connection)
{
    if (connection->descriptor >= 0)
        close(connection->descriptor);
    connection->descriptor = -1;
    connection->ended = true;
    buffer_close(&connection->in);
    buffer_close(&connection->out);
    connection->in_taken = connection->in_searched = connection->out_written = 0;
}

/* Writes what goes without waiting. A failed write is not the end: what the other side sent before may still
 * be read, and reading then finds that it has gone. */
static void write_some(struct connection *connection)
{
    while (connection->out_written < connection->out.size) {
        ssize_t written = send(connection->descriptor, connection->out.data + connection->out_written,
                               connection->out.size - connection->out_written, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (written < 0)
            break;
        connection->out_written += (size_t)written;
    }
    if (connection->out.size > 0)
        explicit_bzero(connection->out.data, connection->out.size); /* it may have held a secret */
    buffer_clear(&connection->out);
    connection->out_written = 0;
}

void connection_put(struct connection *connection, const void *data, size_t size)
{
    if (connection->ended)
        return;
    if (connection->out_written > COMPACT_ABOVE && connection->out_written > connection->out.size / 2) {
        connection->out.size -= connection->out_written;
        memmove(connection->out.data, connection->out.data + connection->out_written, connection->out.size);
        connection->out_written = 0;
    }
    buffer_append(&connection->out, data, size);
    write_some(connection);
}

static void compact(struct connection *connection)
{
    size_t taken = connection->in_taken;
    if (taken < connection->in.size && (taken < COMPACT_ABOVE || taken < connection->in.size / 2))
        return;
    if (taken == 0)
        return;
    connection->in.size -= taken;
    if (connection->in.size > 0)
        memmove(connection->in.data, connection->in.data + taken, connection->in.size);
    connection->in_searched -= taken;
    connection->in_taken = 0;
}

static void read_some(struct connection *connection)
{
    compact(connection);
    uint8_t *space = buffer_reserve(&connection->in, CONNECTION_READ_SIZE);
    ssize_t got;
    do
        got = recv(connection->descriptor, space, CONNECTION_READ_SIZE, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        connection->in.size += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        connection->ended = true;
}

bool connection_look(struct connection *connection, size_t *offset, const char **line, size_t *size)
{
    if (*offset < connection->in_taken)
        *offset = connection->in_taken;
    while (*offset < connection->in.size) {
        const char *begin = (const char *)connection->in.data + *offset;
        const char *newline = memchr(begin, '\n', connection->in.size - *offset);
        if (newline == NULL)
            return false;
        *offset += (size_t)(newline - begin) + 1;
        if (newline == begin)
            continue;
        *line = begin;
        *size = (size_t)(newline - begin);
        return true;
    }
    return false;
}

void connection_blank(struct connection *connection, const char *line, size_t size)
{
    memset(connection->in.data + ((const uint8_t *)line - connection->in.data), '\n', size);
}

bool connection_take(struct connection *connection, const char **line, size_t *size)
{
    while (connection->in_taken < connection->in.size) {
        const char *begin = (const char *)connection->in.data + connection->in_taken;
        if (connection->in_searched < connection->in_taken)
            connection->in_searched = connection->in_taken;
        const char *from = (const char *)connection->in.data + connection->in_searched;
        const char *newline = memchr(from, '\n', connection->in.size - connection->in_searched);
        if (newline == NULL) {
            connection->in_searched = connection->in.size;
            return false;
        }
        connection->in_taken += (size_t)(newline - begin) + 1;
        connection->in_searched = connection->in_taken;
        if (newline == begin)
            continue;
        *line = begin;
        *size = (size_t)(newline - begin);
        return true;
    }
    return false;
}

enum status connection_step(struct connection *connection, int64_t deadline, struct error *error)
{
    if (connection->ended)
        return error_set(error, ERROR_DISCONNECTED, "the node closed the connection");
    if (connection->in.size - connection->in_taken > CONNECTION_IN_MAX)
        return error_set(error, ERROR_PROTOCOL,
                         "the node sent more than %zu bytes that nothing here waits for", CONNECTION_IN_MAX);

    bool writing = connection->out.size > connection->out_written;
    struct pollfd polled = { .fd = connection->descriptor,
                             .events = (short)(POLLIN | (writing ? POLLOUT : 0)) };
    int ready;
    do
        ready = poll(&polled, 1, deadline_left_ms(deadline));
    while (ready < 0 && errno == EINTR && deadline_left_ms(deadline) != 0);
    if (ready <= 0)
        return error_set(error, ERROR_TIMEOUT, "nothing came from the node in the time allowed");
    if (polled.revents & POLLOUT)
        write_some(connection);
    if (polled.revents & (POLLIN | POLLHUP | POLLERR))
        read_some(connection);
    return OK;
}

enum status connection_flush(struct connection *connection, size_t rest, int64_t deadline,
                             struct error *error)
{
    while (connection->out.size - connection->out_written > rest)
        TRY(connection_step(connection, deadline, error));
    return OK;
}
