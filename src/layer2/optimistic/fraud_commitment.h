/* What is committed to before fraud is proved, pure: so that nobody takes the proof from whoever found it. */
#ifndef LAYER2_OPTIMISTIC_FRAUD_COMMITMENT_H
#define LAYER2_OPTIMISTIC_FRAUD_COMMITMENT_H

#include "base/bytes.h"

#define FRAUD_REVEAL_BLOCKS 2 /* between commitment and proof, at least */
#define FRAUD_SALT_SIZE 32
/* A watcher's salt is derived from its key and the batch's id under this tag: nothing of it need be kept. */
#define FRAUD_SALT_TAG "layerd/rollup/fraud-salt"

/* What fraud.commit takes: tagged hash `layerd/rollup/fraud-commitment` of batch id (32), account (32),
 * salt (32) and the SHA-256 of the proof. */
void fraud_commitment_hash(struct hash *out, const struct hash *batch, const struct account_id *account,
                           const struct hash *salt, struct bytes proof);

#endif
