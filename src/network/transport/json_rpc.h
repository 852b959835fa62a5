/* JSON-RPC over an endpoint: HTTP POST (Ethereum's and Elements' dialects), or a Unix socket (Core
 * Lightning's). */
#ifndef NETWORK_TRANSPORT_JSON_RPC_H
#define NETWORK_TRANSPORT_JSON_RPC_H

#include <jansson.h>

#include "network/transport/endpoint.h"

/* What the other side refused. */
struct rpc_refusal {
    int64_t code;
    char message[512];   /* cut, made printable */
    json_t *data;        /* owned by the caller (json_decref); NULL: none */
};

struct rpc_request {
    const char *path;    /* appended to the URL: "/wallet/main"; NULL: nothing */
    const char *method;
    json_t *params;      /* array or object; stolen; NULL: an empty array */
    /* Instead of params where a number has to stand as it is written (jansson writes 0.00001 as
     * 1.0000000000000001e-05): their JSON, the caller's. Empty: none. */
    struct bytes written;
    bool write;          /* as in struct http_request */
    unsigned cost;
};

/* result is owned by the caller. ERROR_NETWORK_REJECTED: the other side answered with an error, which
 * *refusal tells (may be NULL) and the message names. ERROR_NETWORK_PROTOCOL: no JSON-RPC reply to this
 * request (of a write: ERROR_NETWORK_AMBIGUOUS, unless HTTP said 4xx). Otherwise as http_exchange. An error
 * reply with an HTTP status other than 200 (Elements: 404, 500) is a refusal all the same. */
MUST_CHECK enum status rpc_call(struct endpoint *endpoint, const struct rpc_request *request,
                                const struct waiting *waiting, json_t **result, struct rpc_refusal *refusal,
                                struct error *error);

/* Several reads in one exchange, replies in any order; results[i] is NULL where refusals[i] (may be NULL)
 * tells why. At most 50 (Rootstock's limit). Over HTTP alone. */
#define RPC_BATCH_MAX 50
MUST_CHECK enum status rpc_batch(struct endpoint *endpoint, const struct rpc_request *requests, size_t count,
                                 const struct waiting *waiting, json_t **results,
                                 struct rpc_refusal *refusals,
                                 struct error *error);

#endif
