/* What time does to hash-locks and invoices: rows that become due, looked for by SQL. */
#ifndef LAYER2_PAYMENT_DEADLINES_H
#define LAYER2_PAYMENT_DEADLINES_H

#include "kernel/execution.h"

#define OVERDUE_US ((int64_t)10 * 60 * 1000000) /* past its expiry, what is not resolved is overdue */

/* Sweep PAYMENT_DEADLINES (flow.h). */
int64_t deadlines(struct execution *x);

#endif
