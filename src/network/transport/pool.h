/* Inside the transport: an endpoint as all its parts see it, and the exchanges that wait for it or are under
 * way. What the transport's thread alone touches and what the lock guards is kept apart. */
#ifndef NETWORK_TRANSPORT_POOL_H
#define NETWORK_TRANSPORT_POOL_H

#include <curl/curl.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "network/transport/breaker.h"
#include "network/transport/credential.h"
#include "network/transport/endpoint_url.h"
#include "network/transport/latency.h"
#include "network/transport/rate_limiter.h"
#include "network/transport/retry.h"
#include "network/transport/transport.h"
#include "network/transport/verdict.h"

TAILQ_HEAD(endpoint_list, endpoint);
TAILQ_HEAD(exchange_list, exchange);

#define REQUEST_HEADERS_MAX 16 /* that a caller may give */
#define OWN_HEADERS 3          /* Content-Type, Expect, credentials */

/* One attempt: made on its caller's stack, who waits there until it is done. */
struct exchange {
    struct task task; /* first: its errand to the transport's thread */
    struct endpoint *endpoint;
    TAILQ_ENTRY(exchange) link; /* among those that wait, or those under way */

    /* what is asked; borrowed */
    const char *method, *url;
    struct bytes body;
    struct curl_slist headers[REQUEST_HEADERS_MAX + OWN_HEADERS]; /* linked from 0 on */
    bool write, lines;
    double cost;
    int64_t deadline_us;
    int64_t limit_us; /* from when it is let go */
    struct cancellation *cancellation;

    /* on the transport's thread */
    struct event expiry;
    bool running;
    int64_t started_us;
    struct breaker_ticket ticket;
    void *carrier; /* what carries it: a lane of http_carrier.c, a connection of socket_carrier.c */

    /* what came of it */
    struct buffer *reply;
    struct outcome outcome;
    bool admitted; /* the breaker wants to be told */
    char redirect[128]; /* scheme and host where a 3xx points to; empty: it did not say */
    char reason[256];

    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
};

/* How exchanges of an endpoint travel. On the transport's thread. */
struct carrier {
    void (*open)(struct endpoint *endpoint);
    void (*close)(struct endpoint *endpoint);
    /* Calls pool_ended, at once or later. */
    void (*start)(struct exchange *exchange);
    /* It ends now, whatever is under way; says whether a byte of the request was sent. */
    bool (*abandon)(struct exchange *exchange);
};
extern const struct carrier http_carrier, socket_carrier;

struct endpoint {
    /* fixed when opened */
    struct transport *transport;
    char *name, *ca_file;
    struct endpoint_url url;
    struct credential *credential;
    const struct carrier *carrier;
    unsigned connections_max, queue_max;
    int64_t timeout_us;
    uint64_t body_max;
    atomic_uint_fast64_t next_id; /* of JSON-RPC */

    pthread_mutex_t lock;
    pthread_cond_t stirred;       /* something was cancelled, the endpoint closes, or callers became 0 */
    bool closing;
    unsigned callers;             /* inside http_exchange and the like */
    unsigned outstanding;         /* exchanges that wait or are under way */
    unsigned active;              /* those under way */
    struct breaker breaker;
    char failure[512];            /* the newest, for people: why the breaker is open */
    struct retry_budget budget;
    struct latency latency;
    uint64_t exchanges, failures, retries, refused, random;
    int64_t warned_us;            /* when the log last told that the pool is nearly used up */

    /* the transport's thread alone */
    TAILQ_ENTRY(endpoint) link;
    struct exchange_list waiting, running;
    double waiting_cost;
    bool dispatching, closed;
    struct rate_limiter limiter;
    struct event dispatch;        /* when the rate limit lets the next one go */
    CURLM *multi;                 /* http_carrier.c */
    CURLSH *share;
    struct event multi_timer;
    struct lane *lanes, *free_lane;
};

/* --- callers' threads -------------------------------------------------------------------------------- */
/* Hands it over and waits until it has ended. ERROR_NETWORK_BUSY, _CIRCUIT_OPEN: at once; otherwise OK, and
 * exchange->outcome tells. */
MUST_CHECK enum status pool_exchange(struct exchange *exchange, struct error *error);
uint64_t endpoint_random(struct endpoint *endpoint); /* with its lock held; for jitter, not for secrets */

/* --- the transport's thread -------------------------------------------------------------------------- */
void pool_open(struct endpoint *endpoint);
void pool_end_all(struct endpoint *endpoint); /* as cancelled, and those too that come later */
void pool_close(struct endpoint *endpoint);   /* once no caller is left */
void pool_end_cancelled(struct endpoint *endpoint); /* those whose cancellation was requested */

/* For carriers: it has ended. The exchange is gone when this returns. */
void pool_ended(struct exchange *exchange, struct outcome outcome);
void pool_pause(struct endpoint *endpoint, int64_t wait_us); /* the server asks for silence */

#endif
