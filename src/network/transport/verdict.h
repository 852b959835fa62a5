/* How one attempt ended, and what follows from it: the caller's status, what the circuit breaker learns,
 * whether a read is asked again. One table (the README has it in prose). Pure. */
#ifndef NETWORK_TRANSPORT_VERDICT_H
#define NETWORK_TRANSPORT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "network/transport/breaker.h"

enum ending {
    ENDING_REPLY,         /* a whole HTTP reply, or a whole object from a socket */
    ENDING_UNREACHABLE,   /* no address, refused, no connection in time */
    ENDING_BROKEN,        /* the connection ended in the middle */
    ENDING_TIMEOUT,
    ENDING_TLS,
    ENDING_TOO_LARGE,
    ENDING_NO_HTTP,       /* what came is no HTTP, or no object */
    ENDING_CANCELLED,
    ENDING_BAD_REQUEST,   /* libcurl does not take the URL */
    /* not sent at all: */
    ENDING_LATE,          /* the deadline passed in the queue */
    ENDING_RATE_LIMITED,  /* the deadline would pass before the rate limit allows it */
    ENDING_CIRCUIT_OPEN,
    ENDINGS
};

struct outcome {
    enum ending ending;
    bool sent;              /* at least one byte of the request */
    long http_status;       /* of a reply */
    bool has_retry_after;   /* the server said when to come again */
    bool answered;          /* a reply that is an answer to the request in spite of its HTTP status */
    int64_t took_us;        /* since it was let go */
};

struct verdict {
    enum status status;
    enum evidence evidence;
    bool retry;             /* a read may be asked again */
};

/* A caller that gave less than this has not shown that the server hangs. */
#define TIMEOUT_IS_EVIDENCE_US ((int64_t)1000000)

struct verdict verdict_of(const struct outcome *outcome, bool write);

#endif
