/* The two sockets: layerd.sock (JSON-RPC 2.0) and events.sock (the event stream). Everything here runs on
 * the I/O thread except api_publish and api_wake, which the executor calls, and `done` callbacks. Turns
 * bytes into kernel calls and back; no rules of its own. */
#ifndef API_API_H
#define API_API_H

#include <event2/event.h>

#include "kernel/kernel.h"

struct api;

struct api_options {
    struct event_base *base;         /* the I/O thread's loop */
    const char *directory;           /* the sockets go here */
    const int64_t *operator_uids;    /* besides the node's own uid and root */
    size_t operator_uid_count;
    size_t connections_max;          /* each socket */
    size_t connections_per_uid;
    size_t ring_bytes;               /* committed lines kept for subscribers; 0: 16 MiB */
    /* in flight; beyond it no connection is read until some have ended; 0: no bound of its own */
    size_t calls_max;
    size_t calls_bytes_max;          /* the same for the bytes of their lines; 0: 128 MiB */
    /* each socket's: replies not read by clients, and requests that wait behind them; at it nothing is
     * begun, and who does not read is closed; 0: 128 MiB */
    size_t unsent_bytes_max;
    /* a line begun and not finished (slow-loris) closes the connection; 0: 30 s */
    int64_t idle_line_timeout_us;
    /* Replies of this detached query ("stop") are kept until api_finish. From an operator it waits for no
     * worker. May be NULL. */
    const char *hold_method;
};

/* Made before the kernel, because the kernel publishes to it; listens once both exist. */
struct api *api_new(const struct api_options *options);
MUST_CHECK enum status api_listen(struct api *api, struct kernel *kernel, struct error *error);

/* For kernel_options: hand-over from the executor. */
void api_publish(void *api, struct publication *publication);
void api_wake(void *api);

/* The I/O thread's loop, until api_break (any thread but the executor). Waking a thread that sleeps takes
 * about a third as long as a commit; so after the executor has handed something over, the loop looks for more
 * by itself for 0.3 ms before it sleeps again, and lets every other thread go first. */
void api_run(struct api *api);
void api_break(struct api *api);

/* Stop in this order: no new connections or requests (api_pause; calls under way still answer); then
 * kernel_stop; then api_finish sends what is left (subscribers get "end" with why "shutdown"), then the
 * held replies, and closes; then api_free. */
void api_pause(struct api *api);
void api_finish(struct api *api);
void api_free(struct api *api);

struct api_counters {
    uint64_t connections, subscribers, requests, deliveries, refused_connections;
    uint64_t ring_bytes; /* now */
};
void api_counters(const struct api *api, struct api_counters *counters);

#endif
