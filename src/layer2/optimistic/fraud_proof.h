/* Fraud that is proved at once: a commitment first, so that nobody takes the proof from whoever found it, and
 * two blocks later the proof itself. Handlers of base commands. */
#ifndef LAYER2_OPTIMISTIC_FRAUD_PROOF_H
#define LAYER2_OPTIMISTIC_FRAUD_PROOF_H

#include "kernel/module.h"
#include "layer2/optimistic/fraud_commitment.h"

#define FRAUD_COMMANDS 2
#define FRAUD_DEADLINE "fraud.commitment"

extern const struct command fraud_commands[FRAUD_COMMANDS];

/* FRAUD_DEADLINE: forgets a commitment that was not opened. */
void fraud_forget(struct execution *x, struct bytes subject);

#endif
