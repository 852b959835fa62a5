/* Unix sockets: see wire.h. */
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "measure.h"

#define PIECE 4096

bool wire_try_connect(const char *path, int *result)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int one;

    if (strlen(path) >= sizeof(address.sun_path))
        fatal("%s is too long for a socket: set LAYERD_BENCH_DIR to a shorter directory", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one < 0)
        fatal("no socket: %s", strerror(errno));
    if (connect(one, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(one);
        return false;
    }
    *result = one;
    return true;
}

int wire_connect(const char *path)
{
    int result;

    if (!wire_try_connect(path, &result))
        fatal("%s: %s", path, strerror(errno));
    return result;
}

void wire_write(int socket, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            fatal("the other side does not take what is sent: %s", strerror(errno));
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
}

char *wire_call(int socket, const char *line, size_t size)
{
    struct buffer reply;

    buffer_init(&reply);
    wire_write(socket, line, size);
    do {
        ssize_t got = recv(socket, buffer_reserve(&reply, PIECE), PIECE, 0);

        if (got <= 0)
            fatal("the node closed the connection");
        reply.size += (size_t)got;
    } while (reply.data[reply.size - 1] != '\n');
    reply.data[reply.size - 1] = '\0';
    return (char *)reply.data;
}
