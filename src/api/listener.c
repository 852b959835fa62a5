/* The socket's mode is set on the descriptor before bind, so the file never stands there with another
 * one; the umask can only take away, and is made up for afterwards. */
#include "api/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/request.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "api"
#define SOCKET_MODE 0660
#define ACCEPTS_A_TURN 64
#define BACKLOG 4096 /* the system may allow less */
#define RESUME_AFTER_US (500 * 1000)      /* no descriptors left: try to accept again then */
#define OPERATOR_PART 4 /* of few connections, at most this part is kept for operators */
#define SWEEPS_PER_TIMEOUT 4
#define SWEEP_MIN_US (10 * 1000)

/* --- binding ---------------------------------------------------------------------------------- */
/* Whether some process answers at this address. */
static bool answers(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return true; /* not known: leave the file alone */
    int connected = connect(probe, (const struct sockaddr *)address, sizeof *address);
    bool alive = connected == 0 || errno == EAGAIN; /* EAGAIN: its backlog is full */
    close(probe);
    return alive;
}

static enum status clear_the_way(const struct sockaddr_un *address, struct error *error)
{
    struct stat found;
    if (lstat(address->sun_path, &found) != 0)
        return OK;
    if (!S_ISSOCK(found.st_mode))
        return error_set(error, ERROR_STORAGE, "%s is in the way and is no socket", address->sun_path);
    if (answers(address))
        return error_set(error, ERROR_DATABASE_IN_USE, "another process answers at %s", address->sun_path);
    if (unlink(address->sun_path) != 0 && errno != ENOENT)
        return error_set(error, ERROR_STORAGE, "the old socket %s does not go away: %s", address->sun_path,
                         strerror(errno));
    return OK;
}

static enum status bind_socket(const char *path, int *descriptor, struct error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, ERROR_LIMIT,
                         "the socket's path %s is longer than %zu bytes; use a shorter directory", path,
                         sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    TRY(clear_the_way(&address, error));

    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return error_set(error, ERROR_STORAGE, "no socket: %s", strerror(errno));
    if (fchmod(made, SOCKET_MODE) != 0 || bind(made, (const struct sockaddr *)&address, sizeof address) != 0
        || chmod(path, SOCKET_MODE) != 0 || listen(made, BACKLOG) != 0) {
        enum status status =
            error_set(error, ERROR_STORAGE, "cannot listen at %s: %s", path, strerror(errno));
        close(made);
        return status;
    }
    *descriptor = made;
    return OK;
}

/* --- limits ----------------------------------------------------------------------------------- */
static bool is_operator(const struct listener *l, int64_t uid)
{
    if (uid == 0 || uid == (int64_t)geteuid())
        return true;
    for (size_t i = 0; i < l->options.operator_uid_count; i++)
        if (l->operator_uids[i] == uid)
            return true;
    return false;
}

/* Tells why, once, and hangs up. */
static void refuse(struct listener *l, int descriptor, const char *why)
{
    struct error error;
    enum status status = error_set(&error, ERROR_TOO_MANY, "%s", why);
    struct buffer CLEANUP(buffer_close) reply = { 0 };
    reply_error(&reply, "null", 4, status, &error);
    buffer_append(&reply, "\n", 1);
    ssize_t sent = send(descriptor, reply.data, reply.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a client that is gone already needs no reason */
    close(descriptor);
    atomic_fetch_add(l->options.refused_count, 1);
}

/* Some places are the operators': who floods the node cannot lock them out. */
static size_t connections_for(const struct listener *l, const struct caller *caller)
{
    size_t most = l->options.connections_max, kept = most / OPERATOR_PART;
    if (caller->operator_)
        return most;
    return most - (kept < LISTENER_OPERATOR_SLOTS ? kept : LISTENER_OPERATOR_SLOTS);
}

static void welcome(struct listener *l, int descriptor)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        close(descriptor);
        return;
    }
    struct caller caller = { .uid = peer.uid, .gid = peer.gid, .operator_ = is_operator(l, peer.uid) };
    struct budget_user *user = budget_user(&l->budget, peer.uid);
    if (user->connections >= l->options.connections_per_uid) {
        refuse(l, descriptor, "this user has all the connections a user may have");
        return;
    }
    if (l->count >= connections_for(l, &caller) && !relief_make_room(l, user)) {
        refuse(l, descriptor, "the node has all the connections it takes");
        return;
    }
    user->connections++;
    l->count++;
    atomic_fetch_add(l->options.connection_count, 1);

    struct connection *c = connection_new(l, user, descriptor, &caller);
    c->next = l->connections;
    if (c->next != NULL)
        c->next->previous = c;
    l->connections = c;
}

void listener_forget(struct listener *l, struct connection *c)
{
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        l->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->next = c->previous = NULL;
    l->count--;
    c->user->connections--;
    atomic_fetch_sub(l->options.connection_count, 1);
}

/* --- accepting -------------------------------------------------------------------------------- */
static void on_acceptable(void *context)
{
    struct listener *l = context;
    for (size_t i = 0; i < ACCEPTS_A_TURN; i++) {
        int accepted = accept4(l->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted >= 0) {
            welcome(l, accepted);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("cannot accept a connection: %s; trying again shortly", strerror(errno));
            watch_stop(&l->acceptable);
            watch_start_timer(&l->resume, RESUME_AFTER_US);
        }
        return;
    }
}

static void on_resume(void *context)
{
    struct listener *l = context;
    watch_start(&l->acceptable);
}

/* --- lines that do not end -------------------------------------------------------------------- */
static void start_sweep(struct listener *l)
{
    int64_t us = l->options.line_timeout_us / SWEEPS_PER_TIMEOUT;
    l->sweeping = true;
    watch_start_timer(&l->sweep, us < SWEEP_MIN_US ? SWEEP_MIN_US : us);
}

void listener_watch_lines(struct listener *l)
{
    if (!l->sweeping)
        start_sweep(l);
}

static void on_sweep(void *context)
{
    struct listener *l = context;
    int64_t now = clock_monotonic_us();
    bool some_left = false;
    for (struct connection *c = l->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (!line_framer_in_line(&c->framer))
            continue;
        if (c->reading && now - c->line_begun_us > l->options.line_timeout_us) {
            connection_close_telling(c, CLOSING_LINE_TIME, ERROR_TIMEOUT,
                                     "a line begun was not finished in time");
        } else {
            some_left = true;
        }
    }
    l->sweeping = false;
    if (some_left)
        start_sweep(l);
}

/* --- life ------------------------------------------------------------------------------------- */
enum status listener_open(const struct listener_options *options, struct listener **listener,
                          struct error *error)
{
    int descriptor = -1;
    TRY(bind_socket(options->path, &descriptor, error));

    struct listener *l = memory_new(sizeof *l);
    l->options = *options;
    l->options.path = l->path = text_copy(options->path);
    if (options->operator_uid_count > 0)
        l->operator_uids = memory_copy(options->operator_uids,
                                       options->operator_uid_count * sizeof *options->operator_uids);
    l->descriptor = descriptor;
    l->input = memory_new(LISTENER_READ_SIZE);
    watch_open(&l->acceptable, options->base, WATCH_READ, descriptor, on_acceptable, l);
    watch_open(&l->sweep, options->base, WATCH_TIMER, -1, on_sweep, l);
    watch_open(&l->resume, options->base, WATCH_TIMER, -1, on_resume, l);
    budget_open(&l->budget, options->kept_bytes_max);
    relief_open(l);
    watch_start(&l->acceptable);
    l->listening = true;
    *listener = l;
    return OK;
}

void listener_stop(struct listener *l)
{
    if (!l->listening)
        return;
    l->listening = false;
    watch_close(&l->acceptable);
    watch_close(&l->resume);
    unlink(l->path); /* before the close: while it is ours nobody else binds there */
    close(l->descriptor);
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    listener_stop(l);
    while (l->connections != NULL)
        connection_close(l->connections);
    relief_close(l);
    watch_close(&l->sweep);
    free(l->input);
    budget_close(&l->budget);
    free(l->operator_uids);
    free(l->path);
    free(l);
}

/* Waits until one of the clients that have something unread can take more. False when nobody has. */
static bool wait_for_room(struct listener *l, int64_t timeout_us)
{
    struct pollfd AUTO_FREE *waiting = memory_array(l->count + 1, sizeof *waiting);
    size_t count = 0;
    for (struct connection *c = l->connections; c != NULL; c = c->next)
        if (connection_unsent(c) > 0)
            waiting[count++] = (struct pollfd){ .fd = c->descriptor, .events = POLLOUT };
    return count > 0 && poll(waiting, count, (int)(timeout_us / 1000) + 1) > 0;
}

void listener_drain(struct listener *l, int64_t timeout_us)
{
    int64_t deadline = clock_monotonic_us() + timeout_us;
    for (;;) {
        for (struct connection *c = l->connections, *next; c != NULL; c = next) {
            next = c->next;
            connection_flush(c);
        }
        int64_t left = deadline - clock_monotonic_us();
        if (left <= 0 || !wait_for_room(l, left))
            return;
    }
}
