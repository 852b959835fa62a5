/* One read on a network, on a thread that may wait: from what was asked for to the result's JSON. */
#ifndef NETWORK_CALL_H
#define NETWORK_CALL_H

#include "network/ask.h"
#include "network/links.h"

/* Whether the network's table has what the operation needs. */
bool network_offers(const struct network *network, enum network_operation operation);
/* Why not, as far as that is so for all its links; NULL: the table has no word of it. */
const char *network_lacks(const struct network *network, enum network_operation operation);
/* The same for this link, with the reason when it cannot. */
bool link_offers(const struct link *link, enum network_operation operation, const char **reason);
enum status refuse_not_offered(const struct network *network, enum network_operation operation,
                               const char *reason, struct error *error);

/* Writes one JSON object. */
MUST_CHECK enum status call_run(struct link_call *c, enum network_operation operation, const struct ask *ask,
                                struct buffer *result, struct error *error);

#endif
