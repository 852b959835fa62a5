/* The transport's thread: a libevent loop, and a list of tasks that other threads hand it. Endpoints put in
 * at most as many as they let wait, so the list has a bound. */
#ifndef NETWORK_TRANSPORT_TRANSPORT_H
#define NETWORK_TRANSPORT_TRANSPORT_H

#include <event2/event.h>

#include "network/transport/endpoint.h"

struct endpoint_state;

/* One errand to the transport's thread. It lives until `run` was called. */
struct task {
    void (*run)(struct task *task);
    struct task *next;
};

void transport_post(struct transport *transport, struct task *task); /* any thread */

/* Any thread but the transport's: runs it there and waits for its end. */
void transport_run(struct transport *transport, void (*run)(void *context), void *context);

/* Any thread, also under locks: somebody has cancelled something; the transport looks who. */
void transport_look_for_cancelled(struct transport *transport);

/* On the transport's thread. */
struct event_base *transport_base(struct transport *transport);
void transport_add_endpoint(struct transport *transport, struct endpoint *endpoint);
void transport_remove_endpoint(struct transport *transport, struct endpoint *endpoint);

#endif
