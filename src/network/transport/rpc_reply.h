/* Reading JSON-RPC replies: 2.0 (jsonrpc.org/specification §5) and the older form of Bitcoin's family, where
 * result and error stand side by side and one of them is null. Hostile bytes in. Pure. */
#ifndef NETWORK_TRANSPORT_RPC_REPLY_H
#define NETWORK_TRANSPORT_RPC_REPLY_H

#include "network/transport/json_rpc.h"

struct rpc_id { uint64_t number; const char *text; }; /* the text where there is one */

struct rpc_reply {
    bool refused;
    json_t *result;             /* not refused: owned; may be JSON null */
    struct rpc_refusal refusal; /* refused */
};

void rpc_reply_close(struct rpc_reply *reply); /* drops what it owns */

/* ERROR_NETWORK_PROTOCOL with the reason. An error without id (the server could not read the request) is
 * taken for the reply. */
MUST_CHECK enum status rpc_reply_parse(const char *text, size_t size, struct rpc_id id,
                                       struct rpc_reply *reply, struct error *error);

/* Replies to the ids `first` … first + count − 1, in any order, each once. One error instead of the array
 * refuses all of them: *refused_all. `replies` has room for count; on error none is filled. */
MUST_CHECK enum status rpc_batch_parse(const char *text, size_t size, uint64_t first, size_t count,
                                       struct rpc_reply *replies, bool *refused_all, struct error *error);

#endif
