/* One accepted connection on a Unix socket: lines in, bytes out, and who stands at the other end. It
 * belongs to the I/O thread; other threads may only hold a reference, since calls outlive the connection
 * they came by. An idle connection holds no buffers. */
#ifndef API_CONNECTION_H
#define API_CONNECTION_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "api/budget.h"
#include "api/line.h"
#include "api/watch.h"
#include "base/buffer.h"
#include "kernel/query.h"

/* unread by the client: its requests are not begun until it catches up */
#define CONNECTION_OUTPUT_PAUSE ((size_t)256 << 10)
#define CONNECTION_INPUT_PAUSE ((size_t)1 << 20) /* memory of requests that wait for that: no more are read */
#define CONNECTION_BATCH_MAX ((size_t)4 << 20) /* answers of one batch: the rest of it is refused */

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
    bool (*busy)(const struct connection *connection); /* not to be closed as idle */
    void (*relieved)(struct listener *listener);      /* there may be room again for those that wait */
    void (*destroyed)(struct connection *connection); /* the last reference is gone (any thread) */
};

struct connection {
    struct listener *listener;
    const struct connection_handler *handler;
    struct caller caller;   /* SO_PEERCRED at connect */
    struct budget_user *user;
    atomic_size_t kept[BUDGET_KINDS]; /* what of the budget is this connection's */
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
    size_t line_charged;    /* bytes of it that were charged */
    int64_t active_us;      /* monotonic; something was read or written */
    int64_t unread_since_us; /* monotonic; when `output` was last empty */
    struct buffer output;   /* output.data + sent … : not written yet */
    size_t sent;
    size_t output_charged;  /* what its memory is charged for: nothing when all was sent */
    struct connection *next, *previous; /* the listener's list */
};

/* Takes over the descriptor. Returns it open, with one reference held by the listener. */
struct connection *connection_new(struct listener *listener, struct budget_user *user, int descriptor,
                                  const struct caller *caller);
void connection_hold(struct connection *connection);
void connection_release(struct connection *connection);

/* The budget's counters of this connection, its user, and all (any thread). */
void connection_charge(struct connection *connection, enum budget_kind kind, size_t bytes);
void connection_refund(struct connection *connection, enum budget_kind kind, size_t bytes);
/* The same for one thing that grows and shrinks: it takes so many bytes now, and `*charged` before. */
void connection_recharge(struct connection *connection, enum budget_kind kind, size_t *charged, size_t bytes);
/* Whether a request may be begun for a client that has so many bytes unread (any thread). */
bool connection_may_begin(const struct connection *connection, size_t unread);
/* Whether its next request may be read. Asks for relief when it may not because the budget is spent. */
bool connection_may_read(struct connection *connection);

/* Puts bytes behind what waits to be written. */
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
/* closes at once; tells the reason where it fits: behind whole lines, into the socket's own buffer */
void connection_close_telling(struct connection *connection, enum closing why, enum status status,
                              const char *text);
void connection_close(struct connection *connection);

#endif
