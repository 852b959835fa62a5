/* layerd.sock: JSON-RPC 2.0. The I/O thread cuts lines; workers parse them and call the kernel; replies
 * come back from whichever thread has them, and the I/O thread writes them.
 *
 * Order: requests of one connection reach the kernel in the order they were sent, because at most one run
 * of its lines is in the workers at a time. Replies come as they are ready; a batch answers as one array
 * in its own order. */
#ifndef API_RPC_SERVER_H
#define API_RPC_SERVER_H

#include <pthread.h>

#include "api/listener.h"
#include "api/wake.h"
#include "base/workers.h"
#include "kernel/kernel.h"

#define RPC_LINE_MAX ((size_t)1 << 20)
#define RPC_RUN_LINES 64                            /* lines that one job of a worker handles */
#define RPC_URGENT_MAX 4096 /* bytes of a line that is looked into on the I/O thread */
#define RPC_BATCH_MAX 1024                          /* requests in one array */
#define RPC_IN_FLIGHT_MAX 4096 /* requests of one connection not answered: it is not read */
#define RPC_IN_FLIGHT_BYTES ((size_t)8 << 20)       /* the same in bytes of their lines */
#define RPC_IN_FLIGHT_TOTAL ((size_t)128 << 20)     /* the usual bound of that for all connections together */

struct rpc_server {
    struct event_base *base;
    struct wake *wake;
    struct kernel *kernel;
    struct listener *listener;
    char *hold_method;                   /* its replies wait for rpc_server_release; may be NULL */
    atomic_uint_fast64_t *request_count;
    struct buffer incoming;              /* the I/O thread's: complete lines of the read at hand */
    size_t incoming_lines;
    size_t calls_max, calls_bytes_max;
    bool throttled;                      /* some connection waits because of calls_max or calls_bytes_max */
    /* calls of all connections, not answered nor parked, and the bytes of their lines */
    atomic_size_t in_flight, in_flight_bytes;
    atomic_bool stopping;                /* new requests are answered ERROR_STOPPING */

    pthread_mutex_t lock;                /* guards the two lists */
    struct rpc_connection *woken;        /* have replies to write */
    struct rpc_held *held;               /* answered, but not told yet */
};

struct rpc_connection {
    struct connection connection;
    struct rpc_server *server;
    struct work run;                     /* in the workers at most once at a time */
    atomic_size_t in_flight, in_flight_bytes;

    struct buffer lines;                 /* of the run: handled up to lines_at */
    size_t lines_at;

    pthread_mutex_t lock;                /* guards what follows */
    struct buffer backlog;               /* complete lines that wait for the run */
    bool running;                        /* there is a run, which alone may touch lines */
    bool parked; /* the run ended before its lines did: the client does not read, or the budget is spent */
    size_t parked_lines, parked_bytes;   /* what waits then; others do not wait because of it */
    size_t parked_charged;               /* what its memory is charged for */
    struct buffer replies;               /* rendered, to be taken by the I/O thread */
    size_t unsent;                       /* taken, but not read by the client */
    bool woken, gone;
    struct rpc_connection *next_woken;
};

struct rpc_server_options {
    struct listener_options listener;    /* handler and context are filled in here */
    struct wake *wake;
    struct kernel *kernel;
    const char *hold_method;
    atomic_uint_fast64_t *request_count;
    size_t calls_max, calls_bytes_max;   /* in flight over all connections: beyond them none is read */
};

MUST_CHECK enum status rpc_server_open(const struct rpc_server_options *options, struct rpc_server **server,
                                       struct error *error);
void rpc_server_collect(struct rpc_server *server); /* after a wake: takes the replies and writes them */
void rpc_server_pause(struct rpc_server *server);   /* no more connections; requests not begun are refused */
void rpc_server_release(struct rpc_server *server); /* gives the held replies free; then collect */
void rpc_server_close(struct rpc_server *server);   /* once no call is under way */

#endif
