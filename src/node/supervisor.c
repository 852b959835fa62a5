/* sd_notify(3) over its socket. */
#include "node/supervisor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_MAX 512
#define DECIMAL 10

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    int file;

    if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract name space */
    file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0)
        return -1;
    if (connect(file, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) != 0) {
        close(file);
        return -1;
    }
    return file;
}

static int64_t watchdog_interval(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    long long value;

    if (interval == NULL || (process != NULL && strtol(process, NULL, DECIMAL) != (long)getpid()))
        return 0;
    value = strtoll(interval, NULL, DECIMAL);
    return value > 0 ? value : 0;
}

void supervisor_open(struct supervisor *supervisor)
{
    const char *path = getenv("NOTIFY_SOCKET");

    supervisor->socket = path == NULL ? -1 : connect_to(path);
    supervisor->watchdog_us = supervisor->socket < 0 ? 0 : watchdog_interval();
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void supervisor_tell(const struct supervisor *supervisor, const char *format, ...)
{
    char state[STATE_MAX];
    va_list arguments;
    int size;

    if (supervisor->socket < 0)
        return;
    va_start(arguments, format);
    size = vsnprintf(state, sizeof state, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < sizeof state)
        (void)send(supervisor->socket, state, (size_t)size, MSG_NOSIGNAL);
}

void supervisor_close(struct supervisor *supervisor)
{
    if (supervisor->socket >= 0)
        close(supervisor->socket);
    supervisor->socket = -1;
}
