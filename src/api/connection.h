/* One accepted connection on a Unix socket: lines in, bytes out, and who stands at the other end. It
 * belongs to the I/O thread; other threads may only hold a reference, since calls outlive the connection
 * they came by. An idle connection holds no buffers. */
#ifndef API_CONNECTION_H
#define API_CONNECTION_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "api/line.h"
#include "api/watch.h"
#include "base/buffer.h"
#include "kernel/query.h"

/* unread by the client: its requests are not read until it catches up */
#define CONNECTION_OUTPUT_PAUSE ((size_t)4 << 20)
#define CONNECTION_OUTPUT_MAX ((size_t)64 << 20)   /* unread by the client: the connection is closed */

struct listener;
struct connection;

/* What a server does with its connections. All but `destroyed` run on the I/O thread. */
struct connection_handler {
    size_t size;     /* of the server's own structure, which begins with a struct connection */
    size_t line_max; /* bytes of a line */
    void (*opened)(struct connection *connection);
    void (*line)(struct connection *connection, const char *text, size_t size);
    void (*lines_end)(struct connection *connection); /* all complete lines of one read were given */
    void (*ended)(struct connection *connection);     /* the client sends no more; it may still read */
    /* everything was written, after the client had been slow */
    void (*drained)(struct connection *connection);
    void (*closed)(struct connection *connection);    /* once: let go of everything */
    void (*destroyed)(struct connection *connection); /* the last reference is gone (any thread) */
};

struct connection {
    struct listener *listener;
    const struct connection_handler *handler;
    struct caller caller;   /* SO_PEERCRED at connect */
    int descriptor;
    atomic_uint references;
    struct watch readable, writable;
    bool reading;           /* `readable` is added */
    bool blocked;           /* the client is slow: `writable` is added */
    bool paused;            /* the server asked for no more requests now */
    bool end;               /* the client sends no more */
    bool closed;
    bool close_when_sent;
    struct line_framer framer;
    int64_t line_begun_us;  /* monotonic; when the unfinished line in `framer` began */
    struct buffer output;   /* output.data + sent … : not written yet */
    size_t sent;
    struct connection *next, *previous; /* the listener's list */
};

/* Takes over the descriptor. Returns it open, with one reference held by the listener. */
struct connection *connection_new(struct listener *listener, int descriptor, const struct caller *caller);
void connection_hold(struct connection *connection);
void connection_release(struct connection *connection);

/* Puts bytes behind what waits to be written. Too much unread output closes the connection. */
void connection_append(struct connection *connection, const void *data, size_t size);
void connection_take(struct connection *connection, struct buffer *from); /* the same, and empties `from` */
size_t connection_unsent(const struct connection *connection);

/* Writes what can be written. True when nothing is left; false: blocked (`drained` will tell) or closed. */
bool connection_flush(struct connection *connection);

/* Writes straight from elsewhere, past the output buffer, which must be empty. Returns how much went out
 * (0: blocked), or −1 when the connection is closed now. The caller puts the rest of a line begun into
 * the output, then calls connection_wait. */
ssize_t connection_send(struct connection *connection, const struct iovec *pieces, size_t count);
void connection_wait(struct connection *connection); /* `drained` when the client reads again */

void connection_pause(struct connection *connection);
void connection_resume(struct connection *connection);
/* reads no more, writes what is left, closes */
void connection_close_when_sent(struct connection *connection);
void connection_close(struct connection *connection);

#endif
