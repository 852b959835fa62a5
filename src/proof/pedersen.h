/* Pedersen commitments over ristretto255: value·B + blinding·B', with the two generators of dalek's
 * `bulletproofs`: B is the base point of the group, B' is made from SHA3-512 of B's encoding, so that nobody
 * knows its logarithm. They hide the value perfectly, bind it as long as logarithms are hard, and add up:
 * the sum of commitments commits to the sums. */
#ifndef PROOF_PEDERSEN_H
#define PROOF_PEDERSEN_H

#include "proof/ristretto.h"

const struct point *pedersen_blinding_base(void);

/* Constant time for value and blinding. */
void pedersen_commit(struct point *out, uint64_t value, const struct scalar *blinding);
/* The same for any scalar. */
void pedersen_commit_scalar(struct point *out, const struct scalar *value, const struct scalar *blinding);

#endif
