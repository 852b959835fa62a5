/* The lines of JSON-RPC 2.0, out and in: one request, and what a reply says. Pure. */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include "client/scan.h"

/* Appends {"jsonrpc":"2.0","id":…,"method":…,"params":…} without a newline; id 0 makes a notification.
 * `params` is the text of one object or NULL. ERROR_PARSE, ERROR_INVALID_PARAMS; ERROR_LIMIT when it is over
 * LAYERD_LINE_MAX with its newline. `out` is as before then. */
MUST_CHECK enum status request_append(struct buffer *out, uint64_t id, const char *method, const char *params,
                                      struct error *error);

struct reply {
    uint64_t id;         /* 0: null, the node could not tell which request */
    struct slice result; /* either this … */
    struct slice error;  /* … or this; the other's text is NULL */
};

/* Reads one reply object of checked JSON. False when it is none. */
MUST_CHECK bool reply_read(struct slice object, struct reply *reply);

#endif
