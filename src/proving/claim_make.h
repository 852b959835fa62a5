/* Making the proof of a claim. Pure, as claim.h is: the node makes half-aggregates by this, whose parts are
 * public; ranges and rings are made by `layer-cli proof prove` alone, where their secrets are. Each proof was
 * verified against its claim when it is handed out. */
#ifndef PROVING_CLAIM_MAKE_H
#define PROVING_CLAIM_MAKE_H

#include "proof/ristretto.h"
#include "proving/claim.h"

#define CLAIM_SIGNATURE 64 /* bytes */
#define CLAIM_MADE_MAX (32 * (CLAIM_SIGNATURES_MAX + 1)) /* bytes of the longest proof that is made here */

/* Whether the claim has keys, messages and as many signatures. Costs nothing. INVALID_PARAMS, LIMIT. */
MUST_CHECK enum status claim_check_signatures(const struct claim *claim, struct bytes signatures,
                                              struct error *error);

/* Appends the aggregate of the signatures, 64 bytes each, which the claim's keys made of claim_bound_message
 * of its messages. Errors: as above; BAD_SIGNATURE says which one does not verify. */
MUST_CHECK enum status claim_make_half_aggregate(const struct claim *claim, struct bytes signatures,
                                                 struct buffer *proof, struct error *error);

/* Values in 8, 16, 32 or 64 bits (the claim's `bits`), each under its blinding: their commitments, one after
 * another, become the claim's (they are written to `commitments`, of CLAIM_PIECE bytes for each value, from
 * which the claim then borrows). Appends the proof. Constant time for values and blindings.
 * Errors: INVALID_PARAMS, LIMIT; NOT_PROVABLE, a value has more bits. */
MUST_CHECK enum status claim_make_range(struct claim *claim, const uint64_t *values,
                                        const struct scalar *blindings, size_t count, uint8_t *commitments,
                                        struct buffer *proof, struct error *error);

/* Signs the claim's message for the ring of its keys by the one whose secret this is (SCALAR_SIZE bytes).
 * Appends the proof. Errors: INVALID_PARAMS, LIMIT, MALFORMED_PROOF (a key is none); NOT_PROVABLE: the secret
 * is none, or its key is no member; the message then tells this key. */
MUST_CHECK enum status claim_make_ring(const struct claim *claim, const uint8_t *secret, struct buffer *proof,
                                       struct error *error);

#endif
