/* How a channel moves: its hash-locks as rows are compared with what both sides signed last, and what the
 * rows wish for becomes the next state. One step is under way at a time; it takes all wishes of one side. */
#ifndef LAYER2_PAYMENT_MACHINE_H
#define LAYER2_PAYMENT_MACHINE_H

#include "kernel/execution.h"

/* Reaction PAYMENT_CHANNEL (flow.h). */
void machine_channel(struct execution *x, struct bytes subject);
/* Reaction PAYMENT_PREIMAGE. */
void machine_preimage(struct execution *x, struct bytes subject);

#endif
