/* Range proofs made for tests. */
#ifndef TEST_PROOF_RANGE_SUPPORT_H
#define TEST_PROOF_RANGE_SUPPORT_H

#include "proof/range_proof.h"
#include "support.h"

struct made_range {
    struct transcript transcript, after;
    size_t bits, count;
    uint64_t values[RANGE_PROOF_VALUES_MAX];
    struct scalar blindings[RANGE_PROOF_VALUES_MAX];
    uint8_t commitments[RANGE_PROOF_VALUES_MAX][POINT_SIZE];
    uint8_t proof[RANGE_PROOF_SIZE_MAX];
};

/* Of random values (often the least and the most there are) and blindings. */
void range_make(struct made_range *made, size_t bits, size_t count);
struct range_claim range_claim_of(const struct made_range *made);
enum status range_verify(const struct made_range *made);

#endif
