/* One server of an outside network and what protects it and us: a pool of connections, a bounded queue, a
 * rate limit, a circuit breaker, retries of reads. All exchanges run on the transport's one thread
 * (libcurl's multi interface on libevent); callers wait on theirs. Safe from any thread. */
#ifndef NETWORK_TRANSPORT_ENDPOINT_H
#define NETWORK_TRANSPORT_ENDPOINT_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/status.h"
#include "base/writer.h"
#include "network/transport/waiting.h"

struct transport; /* the thread, and what all endpoints share */
struct endpoint;

struct transport *transport_start(void);
void transport_stop(struct transport *transport); /* cancels what runs; all endpoints are closed before */

/* --- credentials -------------------------------------------------------------------------------- */
enum credential_kind {
    CREDENTIAL_NONE,
    /* the file has user:password, as Elements' .cookie; read again on 401 and when it changed */
    CREDENTIAL_BASIC,
    CREDENTIAL_HEADER, /* the file's content is the value of `header`, blanks at its end left out */
    CREDENTIAL_HEADER_HEX, /* the same, in hex (macaroons) */
};

#define ENDPOINT_CONNECTIONS_MOST 64
/* of JSON in a reply; a Lightning node that lists 20,000 channels needs them */
#define ENDPOINT_JSON_VALUES_MOST 1000000

struct endpoint_options {
    /* http, https; or, with `socket`, unix:/path. May hold a provider's key: never logged. "file:/path" and
     * "credential:NAME" name a file that holds the URL, as those of credentials do */
    const char *url;
    bool socket;                /* the server speaks JSON-RPC over a Unix socket, and no HTTP */
    const char *name;           /* for logs and metrics: "bob" */
    enum credential_kind credential;
    /* a path, mode without group and others; "credential:NAME" is the file NAME of systemd's
     * $CREDENTIALS_DIRECTORY */
    const char *credential_file;
    const char *header;         /* CREDENTIAL_HEADER…: its name */
    /* PEM of the only certificate authorities (or the very certificate) that are trusted; NULL: the
     * system's */
    const char *ca_file;
    uint64_t connections_max;   /* at most ENDPOINT_CONNECTIONS_MOST; 0: 8 */
    unsigned queue_max;         /* 0: 256 */
    double rate;                /* requests a second; 0: no limit */
    double burst;               /* 0: the rate, at least 1 */
    /* Of an exchange whose caller gives no deadline; and of each attempt of a read, so that a server that
     * hangs leaves time for another one. 0: 10 s */
    int64_t timeout_us;
    uint64_t body_max;          /* bytes of a reply; 0: 16 MiB */
};

/* ERROR_NETWORK_OPTIONS: URL, numbers out of range, or plain http with credentials to what is not loopback.
 * ERROR_NETWORK_CREDENTIALS: a file is missing, empty, or open to others. Talks to nobody. */
MUST_CHECK enum status endpoint_open(struct transport *transport, const struct endpoint_options *options,
                                     struct endpoint **endpoint, struct error *error);
void endpoint_close(struct endpoint *endpoint); /* cancels what waits; NULL is fine */
const char *endpoint_label(const struct endpoint *endpoint); /* scheme, host and port alone */

/* --- one exchange ------------------------------------------------------------------------------- */
struct http_request {
    const char *method;           /* "GET", "POST" */
    const char *path;             /* appended to the URL; NULL: nothing */
    const char *const *headers;   /* "Name: value"; ends with NULL; NULL: none */
    const char *content_type;     /* of the body; NULL: application/json */
    struct bytes body;
    /* may change something there: never sent twice. Otherwise it is a read, which is repeated within
     * deadline and retry budget */
    bool write;
    unsigned cost;                /* tokens of the rate limit; 0: 1 */
    bool lines;                   /* wait for the end of a stream of JSON lines and keep the last one alone */
};
struct http_reply {
    long status;                  /* 200, 404 …: 2xx to 4xx come back as OK, but 401, 403, 408, 429 */
    struct buffer body;           /* buffer_init'ed by the caller, or reused */
};

/* ERROR_NETWORK_TIMEOUT, _CANCELLED, _TRANSPORT (it was certainly not received), _AMBIGUOUS (a write of
 * which at least a byte went out, whatever ended it: it may have been received), _TLS, _AUTH (401, 403),
 * _RATE_LIMITED, _CIRCUIT_OPEN, _BUSY (queue full), _TOO_LARGE, _PROTOCOL (a redirect, no HTTP), _SERVER
 * (5xx; a write that got one is _AMBIGUOUS unless it is 503 with Retry-After), _CREDENTIALS (the file is bad
 * now), _OPTIONS (path or headers that no request can have; a socket). README.md has the whole table. A read
 * that ends as _TRANSPORT may have been received: it changes nothing there. */
MUST_CHECK enum status http_exchange(struct endpoint *endpoint, const struct http_request *request,
                                     const struct waiting *waiting, struct http_reply *reply,
                                     struct error *error);

/* --- metrics ------------------------------------------------------------------------------------ */
struct endpoint_metrics {
    unsigned active_connections, connections_max, queued;
    double pool_utilization;      /* active ÷ most */
    uint64_t exchanges, failures, retries, refused;
    const char *breaker;          /* "closed", "open", "half_open" */
    uint64_t latency_us_p50, latency_us_p99; /* of the newest 1,024 */
};
void endpoint_measure(struct endpoint *endpoint, struct endpoint_metrics *metrics);

/* What an operation cost is counted when the breaker is told what the application thinks: an error of the
 * application (a revert, insufficient funds) is none of the server, and is not counted. A lie of the
 * server is: */
void endpoint_blame(struct endpoint *endpoint);

#endif
