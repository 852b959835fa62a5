/* An exchange as the rooms' protocols use it: http_exchange, and what JSON-RPC needs beyond it. */
#ifndef NETWORK_TRANSPORT_EXCHANGE_H
#define NETWORK_TRANSPORT_EXCHANGE_H

#include "network/transport/endpoint.h"

/* Whether a reply of HTTP 5xx is an answer of the application all the same (a JSON-RPC error in Elements'
 * dialect). It is asked on the caller's thread. */
struct judge {
    bool (*is_answer)(void *context, const struct http_reply *reply);
    void *context;
};

/* As http_exchange, over sockets too (then the request is its body alone). `judge` may be NULL. */
MUST_CHECK enum status endpoint_exchange(struct endpoint *endpoint, const struct http_request *request,
                                         const struct waiting *waiting, struct http_reply *reply,
                                         const struct judge *judge, struct error *error);

bool endpoint_is_socket(const struct endpoint *endpoint);
const char *endpoint_name(const struct endpoint *endpoint);
uint64_t endpoint_next_ids(struct endpoint *endpoint, size_t count); /* the first of so many */

#endif
