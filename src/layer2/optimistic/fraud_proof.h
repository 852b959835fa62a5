/* Fraud that is proved at once: a commitment first, so that nobody takes the proof from whoever found it, and
 * two blocks later the proof itself. Handlers of base commands. */
#ifndef LAYER2_OPTIMISTIC_FRAUD_PROOF_H
#define LAYER2_OPTIMISTIC_FRAUD_PROOF_H

#include "kernel/module.h"

#define FRAUD_COMMANDS 2
#define FRAUD_REVEAL_BLOCKS 2 /* between commitment and proof, at least */
#define FRAUD_SALT_SIZE 32
#define FRAUD_DEADLINE "fraud.commitment"

extern const struct command fraud_commands[FRAUD_COMMANDS];

/* What fraud.commit takes: tagged hash `layerd/rollup/fraud-commitment` of batch id (32), account (32),
 * salt (32) and the SHA-256 of the proof. */
void fraud_commitment_hash(struct hash *out, const struct hash *batch, const struct account_id *account,
                           const struct hash *salt, struct bytes proof);

/* FRAUD_DEADLINE: forgets a commitment that was not opened. */
void fraud_forget(struct execution *x, struct bytes subject);

#endif
