/* Blocks of a network: fetched from where we stand, checked to be a chain, stored; rewound when the block
 * that we stood on is no more. */
#ifndef NETWORK_SYNC_H
#define NETWORK_SYNC_H

#include <jansson.h>

#include "network/links.h"
#include "network/rows.h"

/* On a waiting thread. Statuses go to c->call.error. */
MUST_CHECK enum status sync_run(struct link_call *c, struct writer *w);

/* In the executor: stores what sync_run found and records it. False: another sync came first, nothing was
 * stored. */
MUST_CHECK bool sync_store(struct execution *x, uint64_t link, const char *name, const json_t *result);

#endif
