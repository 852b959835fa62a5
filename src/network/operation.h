/* Operations: asked for by a command, on record with the effect that carries them out, ended by its
 * result. What reads is one effect; what writes goes its own way (write.h) and ends its operation when the
 * network has taken it. */
#ifndef NETWORK_OPERATION_H
#define NETWORK_OPERATION_H

#include "network/ask.h"
#include "network/links.h"

#define CALL_EFFECT "network.call"
#define CALL_ATTEMPTS 3 /* a read that was cut off by the node's end is begun again so often */

/* The commands' common part: looks at the link, writes the row, asks for the effect, and answers the
 * operation's id. */
enum status operation_ask(struct execution *x, const struct ask *ask, enum network_operation operation,
                          struct writer *result);
enum status operation_cancel(struct execution *x, const struct network_id *id, struct writer *result);

/* Of a link that goes: its reads end as cancelled, at most so many. How many did. */
size_t operation_abandon(struct execution *x, const struct link_row *link, size_t most);
/* The link comes to rest: nothing more is asked or sent there. */
void operation_rest(struct execution *x, struct link_row *link);

/* Ends it, on record and with its event. `error` is NULL when it is done. */
struct operation_failure { enum status code; const char *message; };
void operation_end(struct execution *x, const struct operation_row *row, const char *link,
                   struct bytes result, const struct operation_failure *failure);

#endif
