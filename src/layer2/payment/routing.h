/* Routes for payments: looked for by a worker, put to use in the executor. The row says that a payment waits
 * for one (`unrouted`), so that a sweep takes it up after a restart. */
#ifndef LAYER2_PAYMENT_ROUTING_H
#define LAYER2_PAYMENT_ROUTING_H

#include "kernel/execution.h"
#include "layer2/payment/graph.h"
#include "layer2/payment/payment_row.h"

#define PAYMENT_ROUTING "payment.routing" /* sweep */

/* What is to be looked for: the rest of the payment beyond `sums` under way. */
void routing_query(const struct payment *payment, const struct part_sums *sums, int64_t now_us,
                   struct graph_query *query);

/* Asks a worker for routes of what is left; payment->unrouted is set and written already. */
void routing_request(struct execution *x, const struct payment *payment);

/* Makes parts of the routes and offers their first hash-locks; writes the payment. */
void routing_use(struct execution *x, struct payment *payment, const struct route *routes, size_t count);

/* Sweep. */
int64_t routing_resume(struct execution *x);

#endif
