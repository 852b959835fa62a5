/* Bulletproofs range proofs (Bünz, Bootle, Boneh, Poelstra, Wuille, Maxwell, 2018; sections 4.2 and 4.3):
 * that each of 1, 2, 4, 8 or 16 Pedersen commitments holds a value of 8, 16, 32 or 64 bits, and nothing
 * else about it. Byte-compatible with dalek's `bulletproofs` (ristretto255, Merlin).
 *
 * A proof is 32-byte pieces: A, S, T_1, T_2 (points), t_x, t_x_blinding, e_blinding (scalars), then for
 * each of log2(bits · count) rounds L and R (points), then a and b (scalars). Sizes are checked before
 * anything else; encodings must be canonical; none of the points may be the identity. A commitment may be
 * it (value and blinding 0).
 *
 * The transcript: started, and bound to chain and purpose, by the caller (transcript.h); both sides the
 * same.
 *
 * A verdict is a function of the bytes alone (the weights of a batch are hashed from all of it), so that
 * every replica comes to the same. Safe from any thread. */
#ifndef PROOF_RANGE_PROOF_H
#define PROOF_RANGE_PROOF_H

#include "proof/transcript.h"

#define RANGE_PROOF_BITS_MAX 64
#define RANGE_PROOF_VALUES_MAX 16
#define RANGE_PROOF_ROUNDS_MAX 10 /* log2(64 · 16) */
#define RANGE_PROOF_SIZE_MAX (32 * (9 + 2 * RANGE_PROOF_ROUNDS_MAX))
#define RANGE_PROOFS_MAX 1024 /* in one batch */

/* The size of a proof; 0 when there is no such proof. */
size_t range_proof_size(size_t bits, size_t count);

/* Makes the commitments to `count` values, and the proof of range_proof_size(bits, count) bytes for them.
 * The transcript goes on past the proof. Constant time for values and blindings; fresh nonces come from the
 * transcript, the secrets and the operating system (transcript.h). The proof has been verified when it is
 * handed out.
 *
 * Errors: LIMIT, no such proof (bits, count); NOT_PROVABLE, a value has more bits. */
MUST_CHECK enum status range_proof_make(struct transcript *transcript, size_t bits, const uint64_t *values,
                                        const struct scalar *blindings, size_t count,
                                        uint8_t (*commitments)[POINT_SIZE], uint8_t *proof,
                                        struct error *error);

/* What is claimed, and the proof for it. */
struct range_claim {
    const struct transcript *transcript; /* not changed */
    size_t bits, count;
    const uint8_t (*commitments)[POINT_SIZE];
    struct bytes proof;
};

/* Errors: LIMIT, there is no such proof (bits, count); MALFORMED_PROOF, size or encoding, also of a
 * commitment; INVALID_PROOF, it proves nothing. `after`, when not NULL, becomes the transcript past the
 * proof. */
MUST_CHECK enum status range_proof_verify(const struct range_claim *claim, struct transcript *after,
                                          struct error *error);

/* All of 0 … RANGE_PROOFS_MAX claims at once, which is several times as fast. Where they are not all
 * good, *bad is the index of the first that is malformed, or else of the first that does not hold.
 * Errors as above, and LIMIT for more claims (then *bad is untouched). */
MUST_CHECK enum status range_proofs_verify(const struct range_claim *claims, size_t count, size_t *bad,
                                           struct error *error);

#endif
