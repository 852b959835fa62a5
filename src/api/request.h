/* One JSON-RPC 2.0 request object, and the replies to it. Both sockets speak this. Pure.
 *
 * Strict: "jsonrpc" must be "2.0", "id" a string, an integer or null, "params" an object (or an empty
 * array, which stands for none), and no other member may stand there. No "id" makes it a notification,
 * which is never answered. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "base/buffer.h"
#include "base/json.h"

#define REQUEST_ID_MAX 256     /* bytes of the id as JSON text */
#define REQUEST_METHOD_MAX 128 /* bytes of the method's name */

struct request {
    const char *method;   /* borrowed from the parsed value, like params */
    const json_t *params; /* an object, or NULL */
    bool notification;
    size_t id_size;
    char id[REQUEST_ID_MAX]; /* as JSON text: what the reply echoes */
};

/* ERROR_INVALID_REQUEST or ERROR_INVALID_PARAMS; `request` then holds the id to answer with ("null" when
 * none was readable), and is no notification. */
MUST_CHECK enum status request_parse(const json_t *value, struct request *request, struct error *error);

/* A whole reply object, without a newline. */
void reply_result(struct buffer *out, const char *id, size_t id_size, struct bytes result);
void reply_error(struct buffer *out, const char *id, size_t id_size, enum status status,
                 const struct error *error);

#endif
