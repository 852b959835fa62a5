/* Brings changes of cursors to the executor: one task at a time, with everything that came since the one
 * before. A flood of acknowledgements of one cursor costs one row a commit. On the I/O thread, but for
 * the task itself. */
#ifndef API_CURSOR_WRITER_H
#define API_CURSOR_WRITER_H

#include "api/event_reply.h"

struct cursor_writer *cursor_writer_new(struct event_server *server);
void cursor_writer_free(struct cursor_writer *writer);

/* Each takes over the reply and answers it after the commit. `caller` is who must own the cursor; NULL:
 * it was checked when the subscription began. */
void cursor_writer_acknowledge(struct cursor_writer *writer, const char *name, uint64_t seq,
                               const struct caller *caller, struct event_reply *reply);
/* takes over cursor->filter; `caller` is who will own it */
void cursor_writer_create(struct cursor_writer *writer, struct cursor *cursor, const struct caller *caller,
                          struct event_reply *reply);
void cursor_writer_set(struct cursor_writer *writer, const char *name, uint64_t seq,
                       const struct caller *caller, struct event_reply *reply);
void cursor_writer_delete(struct cursor_writer *writer, const char *name, const struct caller *caller,
                          struct event_reply *reply);

void cursor_writer_collect(struct cursor_writer *writer); /* answers what is committed; sends what waits */
/* sends what waits, without waiting for the task before */
void cursor_writer_flush(struct cursor_writer *writer);

#endif
