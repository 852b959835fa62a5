/* The requests of events.sock. To add one: a function, and its line in the table of event_method.c. */
#ifndef API_EVENT_METHOD_H
#define API_EVENT_METHOD_H

#include "api/event_reply.h"
#include "api/event_request.h"
#include "api/event_server.h"
#include "base/writer.h"

/* One request while it is handled. */
struct event_call {
    struct event_server *server;
    struct event_connection *connection;
    const json_t *params;
    struct writer *result;      /* one JSON value; nothing written means {} */
    struct error *error;
    struct event_reply *reply;  /* NULL once somebody took it over to answer later */
};

/* Takes over the reply: the handler answers later, and returns OK now. */
struct event_reply *event_call_later(struct event_call *call);

/* One line from a client. */
void event_method_line(struct event_connection *connection, const char *line, size_t size);

/* --- the groups ------------------------------------------------------------------------------- */
/* event_subscribe.c */
enum status method_subscribe(struct event_call *call);
enum status method_unsubscribe(struct event_call *call);
enum status method_credit(struct event_call *call);
enum status method_ack(struct event_call *call);
/* event_cursor.c */
enum status method_cursor_create(struct event_call *call);
enum status method_cursor_list(struct event_call *call);
enum status method_cursor_set(struct event_call *call);
enum status method_cursor_delete(struct event_call *call);
/* event_job.c */
enum status method_events_get(struct event_call *call);
enum status method_proof_inclusion(struct event_call *call);
enum status method_proof_consistency(struct event_call *call);
enum status method_verify(struct event_call *call);

/* The seq before the first event wanted. ERROR_FUTURE. The cursor is for the caller to look up. */
MUST_CHECK enum status position_resolve(struct event_server *server, const struct position *position,
                                        uint64_t *after, struct error *error);
bool caller_owns(const struct caller *caller, int64_t owner_uid);

/* Answers the waiters that have what they wait for, or all. */
void event_waiters_check(struct event_server *server, bool all);

#endif
