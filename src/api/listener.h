/* A listening Unix socket with mode 0660 and its connections, within limits: in all, per uid, and in time
 * for a line begun. A socket left behind by a daemon that died is replaced; one that answers is not. */
#ifndef API_LISTENER_H
#define API_LISTENER_H

#include "api/connection.h"
#include "api/relief.h"
#include "base/bytes.h"

#define LISTENER_READ_SIZE (64 * 1024)               /* read at once from one connection */
#define LISTENER_OPERATOR_SLOTS 16                   /* connections that only operators may take */
/* usual bound of what is kept for all clients together */
#define LISTENER_KEPT_MAX ((size_t)128 << 20)

struct listener_options {
    struct event_base *base;
    const char *path;
    const struct connection_handler *handler;
    void *context;                   /* the server */
    const int64_t *operator_uids;
    size_t operator_uid_count;
    size_t connections_max, connections_per_uid;
    size_t kept_bytes_max; /* for all clients together: replies not read, and requests behind them */
    int64_t line_timeout_us;
    atomic_uint_fast64_t *connection_count, *refused_count; /* counted here */
};

struct listener {
    struct listener_options options;
    char *path;
    int64_t *operator_uids;
    int descriptor;
    struct watch acceptable, sweep, resume;
    bool listening;
    bool sweeping;                   /* some line is begun: `sweep` runs */
    struct connection *connections;
    size_t count;
    struct budget budget;
    struct relief relief;
    char *input;                     /* LISTENER_READ_SIZE, shared by all connections */
};

/* ERROR_DATABASE_IN_USE when somebody answers at the path; ERROR_STORAGE when it cannot be bound;
 * ERROR_LIMIT when the path is too long for a socket. */
MUST_CHECK enum status listener_open(const struct listener_options *options, struct listener **listener,
                                     struct error *error);
void listener_stop(struct listener *listener);  /* no new connections; takes the socket file away */
void listener_close(struct listener *listener); /* stops, closes all connections, frees */

/* Writes what is left to all clients, for at most this long. On the I/O thread, outside the loop. */
void listener_drain(struct listener *listener, int64_t timeout_us);

/* The connections' side: an unfinished line was begun; a connection is gone. */
void listener_watch_lines(struct listener *listener);
void listener_forget(struct listener *listener, struct connection *connection);

#endif
