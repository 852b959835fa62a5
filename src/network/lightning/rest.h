/* Calls of a gRPC gateway, as LND and tapd have one: JSON over HTTPS, 64-bit numbers as decimal text, bytes
 * in base64; refusals as {"code", "message"}, or {"error": {…}} at the end of a stream of lines. */
#ifndef NETWORK_LIGHTNING_REST_H
#define NETWORK_LIGHTNING_REST_H

#include <jansson.h>

#include "network/transport/endpoint.h"

/* gRPC's status codes that mean something here. */
enum rest_code {
    REST_UNKNOWN = 2, REST_INVALID_ARGUMENT = 3, REST_NOT_FOUND = 5, REST_ALREADY_EXISTS = 6,
    REST_PERMISSION_DENIED = 7, REST_UNIMPLEMENTED = 12, REST_UNAVAILABLE = 14, REST_UNAUTHENTICATED = 16
};

struct rest_refusal {
    int64_t code;      /* gRPC's; REST_UNKNOWN when the server gave none */
    char message[512]; /* cut, made printable */
};
/* The server has not what was asked for. False for a path that the gateway itself does not know, which it
 * answers with the same code: that says nothing about payments and invoices. */
bool rest_says_absent(const struct rest_refusal *refusal);

struct rest_request {
    const char *method, *path;
    json_t *body;      /* stolen; NULL: none */
    struct bytes raw;  /* the body as it is, when `body` is NULL */
    bool write, lines; /* as in struct http_request; of lines the last one's "result" is the reply */
};

/* *reply is owned by the caller. ERROR_NETWORK_REJECTED: the server refused, which *refusal tells (may be
 * NULL) and the message names; whether a write happened all the same is the caller's to look up.
 * ERROR_NETWORK_AUTH also for a macaroon that is refused by message; ERROR_NETWORK_SERVER for a wallet that
 * is locked or still starting. ERROR_NETWORK_PROTOCOL: no JSON object. Otherwise as http_exchange. */
MUST_CHECK enum status rest_call(struct endpoint *endpoint, const struct rest_request *request,
                                 const struct waiting *waiting, json_t **reply, struct rest_refusal *refusal,
                                 struct error *error);

/* What an answer with this HTTP status and body means; as rest_call. Pure. */
MUST_CHECK enum status rest_judge(long http_status, struct bytes body, bool lines, json_t **reply,
                                  struct rest_refusal *refusal, struct error *error);

#endif
