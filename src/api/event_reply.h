/* The answer that a request on events.sock still owes: given at once, or later when a commit, a job or
 * the next event is there. On the I/O thread. Every reply is finished exactly once. */
#ifndef API_EVENT_REPLY_H
#define API_EVENT_REPLY_H

#include "api/event_server.h"
#include "api/request.h"

struct event_batch {
    size_t count, remaining, bytes;
    size_t charged; /* for the memory of its answers */
    struct buffer replies[];
};

struct event_reply {
    struct event_reply *next;            /* for whoever keeps several */
    struct event_connection *connection; /* a reference */
    struct event_batch *batch;           /* NULL: alone in its line */
    uint32_t slot;
    bool notification;
    uint16_t id_size;
    char id[];
};

struct event_reply *event_reply_new(struct event_connection *connection, const struct request *request,
                                    struct event_batch *batch, uint32_t slot);
/* Renders the answer and sends it, unless nobody wants it any more. Frees the reply. */
void event_reply_finish(struct event_reply *reply, enum status status, const struct error *error,
                        struct bytes result);

struct event_batch *event_batch_new(size_t count);
/* All members were begun: answers now if all were answered. */
void event_batch_begun(struct event_connection *connection, struct event_batch *batch);

#endif
