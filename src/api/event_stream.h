/* Subscriptions and their turns: who is sent what, when. On the I/O thread. */
#ifndef API_EVENT_STREAM_H
#define API_EVENT_STREAM_H

#include "api/event_server.h"

/* Adds a subscription; takes over the subscriber's filter. It has its first turn when the answer is on
 * its way. */
struct subscription *subscription_add(struct event_connection *connection,
                                      const struct subscriber *subscriber, int64_t heartbeat_us);
struct subscription *subscription_find(struct event_connection *connection, uint64_t number); /* NULL: none */
void subscription_remove(struct subscription *subscription);
/* Who holds the cursor now; NULL: nobody. */
struct subscription *subscription_of_cursor(struct event_server *server, const char *cursor);

/* The connection's state has changed (answers to write, credit, a new subscription): has a turn soon. */
void event_connection_touch(struct event_connection *connection);
/* Everything that was sent went out: goes on where it stopped. */
void event_connection_turn(struct event_connection *connection);

/* New events are in the ring: to everybody who keeps up. */
void event_stream_deliver(struct event_server *server);
void event_stream_ready(void *server); /* turns of those in the queue, for a few milliseconds */

/* A page was read ahead: whoever waits for it goes on. */
void event_pages_collect(struct event_server *server);
void event_pages_stop(struct event_server *server); /* nothing is read ahead any more */

/* Turns for everybody until nobody can go on, or the time is over. */
void event_stream_drain(struct event_server *server, int64_t timeout_us);

#endif
