/* Batches whose data a committee holds: what members sign, and what a proposal with their signatures must
 * be like. */
#ifndef LAYER2_ROLLUP_COMMITTEE_H
#define LAYER2_ROLLUP_COMMITTEE_H

#include "layer2/rollup/availability_rows.h"
#include "layer2/rollup/propose.h"

/* "I hold this data and will give it out": tagged hash `layerd/rollup/availability` of the chain's id (text;
 * its length before it in 8 bytes), rollup id, the batch's context (which has its number, the root before it
 * and its items root), its parent, the data's hash, its size (8), and the rollup's epoch (8): nothing signed
 * before a freeze counts after it. What the batch claims to lead to is not in it, for that is not theirs to
 * know. */
void attestation_message(struct hash *message, const char *chain, const struct rollup *rollup,
                         const struct hash *context, const struct hash *parent, const struct hash *data,
                         uint64_t data_size);

/* The item of the parameter 'attestations'. */
struct attested {
    struct account_id member;
    struct bytes signature;
};
#define ATTESTED_PARAMS 2
extern const struct param attested_params[ATTESTED_PARAMS];

/* Whether the proposal speaks of data that a committee holds. */
bool committee_is_meant(const struct propose *p);
/* The batch as far as the ledger knows it, without items' bytes. ERROR_WRONG_AVAILABILITY,
 * ERROR_MALFORMED_DATA, ERROR_LIMIT. */
MUST_CHECK enum status committee_outline(struct execution *x, const struct propose *p,
                                         const struct rollup *rollup, const struct batch_place *place,
                                         struct batch *batch);
/* ERROR_TOO_FEW_ATTESTATIONS, ERROR_NOT_A_MEMBER, ERROR_ATTESTED_TWICE, ERROR_BAD_ATTESTATION. */
MUST_CHECK enum status committee_check(struct execution *x, const struct propose *p,
                                       const struct rollup *rollup, const struct batch_row *row);
void committee_keep(struct execution *x, const struct propose *p, const struct batch_row *row);

#endif
