/* One Unix stream socket that carries lines both ways, without ever blocking outside poll(): while it waits
 * to write it also reads, so that two full buffers cannot lock each other. Every wait has a deadline. Not for
 * more than one thread at once. */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include "base/buffer.h"
#include "base/status.h"

#define CONNECTION_IN_MAX ((size_t)64 * 1024 * 1024) /* bytes read and not taken: the longest line */
#define CONNECTION_OUT_MAX ((size_t)4 * 1024 * 1024) /* bytes that may wait to be written */
#define CONNECTION_READ_SIZE ((size_t)256 * 1024)    /* asked of recv() at once */
#define DEADLINE_NEVER INT64_MAX

struct connection {
    int descriptor;     /* −1: closed */
    struct buffer in;   /* what came; the next line begins at in_taken */
    size_t in_taken;    /* bytes of `in` that are done with */
    size_t in_searched; /* no newline stands between in_taken and here */
    struct buffer out;  /* lines to write */
    size_t out_written; /* bytes of `out` that are written */
    bool ended;         /* the other side closed, or reading failed; what came before can still be taken */
};

/* Milliseconds from now (negative: never) as a point of the monotonic clock, µs. */
int64_t deadline_after(int timeout_ms);
int deadline_left_ms(int64_t deadline); /* for poll(): rounded up; −1 for never */

/* ERROR_CONNECT, ERROR_TIMEOUT. */
MUST_CHECK enum status connection_open(struct connection *connection, const char *path, int64_t deadline,
                                       struct error *error);
void connection_close(struct connection *connection);

/* Queues bytes and writes what can be written at once. */
void connection_put(struct connection *connection, const void *data, size_t size);

/* The next complete line, without its newline; empty lines are skipped. False: none is here yet. Lives until
 * the next step. */
MUST_CHECK bool connection_take(struct connection *connection, const char **line, size_t *size);

/* Looks at complete lines without taking them: *offset (0 at first) moves behind the line given. */
MUST_CHECK bool connection_look(struct connection *connection, size_t *offset, const char **line,
                                size_t *size);
/* Blanks a line that connection_look gave, so that connection_take skips it. */
void connection_blank(struct connection *connection, const char *line, size_t size);

/* Waits until bytes came or went and moves them. ERROR_TIMEOUT at the deadline, ERROR_DISCONNECTED when the
 * other side has closed, ERROR_PROTOCOL when more than CONNECTION_IN_MAX came without being taken. */
MUST_CHECK enum status connection_step(struct connection *connection, int64_t deadline, struct error *error);

/* Steps until all queued bytes but `rest` are written. */
MUST_CHECK enum status connection_flush(struct connection *connection, size_t rest, int64_t deadline,
                                        struct error *error);

#endif
