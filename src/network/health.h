/* The state of a link: idle, connecting, connected, degraded, lost. It follows from what the server
 * answers to network.connect and to the look that this node takes at it every so often; what other
 * operations meet makes the next look come sooner. */
#ifndef NETWORK_HEALTH_H
#define NETWORK_HEALTH_H

#include <jansson.h>

#include "kernel/execution.h"
#include "network/rows.h"

#define HEALTH_EFFECT "network.health"
#define HEALTH_SWEEP "network.start"
#define HEALTH_AT_ONCE 16
#define HEALTH_FAILURES_LOST 5 /* bad looks in a row after which a degraded link counts as lost */

/* A connection that does not last for so long flapped. After HEALTH_FLAPS_FREE such in a row it takes two
 * good looks in a row before the link counts as connected again, then 4, 8 and up to 64. So a server that
 * comes and goes makes few events, however often it does. */
#define HEALTH_FLAP_US (600 * MICROSECONDS_PER_SECOND)
#define HEALTH_FLAPS_FREE 3
#define HEALTH_FLAPS_MOST 9

/* At the first batch of a life: links that were to be connected are connected anew. */
int64_t health_sweep(struct execution *x);

/* The next look: after the link's interval, or now. */
void health_schedule(struct execution *x, const struct link_row *row);
void health_look_now(struct execution *x, const struct link_row *row);
void health_stop(struct execution *x, const struct link_row *row); /* no more looks */

/* What the server told; and what went wrong instead. Both write the row and record the change. `asked`: the
 * operator wants it connected, whatever it did before. */
void health_connected(struct execution *x, struct link_row *row, const json_t *greeting, bool asked);
void health_failed(struct execution *x, struct link_row *row, enum status code, const char *message);
/* An operation met this: perhaps the link is not well. */
void health_suspect(struct execution *x, uint64_t link, enum status code, const char *message);

#endif
