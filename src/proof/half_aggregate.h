/* Half-aggregation of BIP-340 signatures (BlockstreamResearch/cross-input-aggregation,
 * half-aggregation.mediawiki and its reference at 83f5e333, experimental): u signatures become 32·u + 32
 * bytes, r[0] ‖ … ‖ r[u-1] ‖ s, without the signers. s is Σ z[i]·s[i], with z[0] = 1 and z[i] the tagged
 * hash "HalfAgg/randomizer" of r[0] ‖ key[0] ‖ message[0] ‖ … ‖ r[i] ‖ key[i] ‖ message[i].
 *
 * Half the bytes for about twice the time of verifying. The order of the messages counts. Public data
 * alone; variable time. Safe from any thread. */
#ifndef PROOF_HALF_AGGREGATE_H
#define PROOF_HALF_AGGREGATE_H

#include "crypto/schnorr.h"

#define HALF_AGGREGATE_MAX 65535 /* signatures in one aggregate (the draft: fewer than 2^16) */

struct signed_message {
    struct account_id account;
    struct hash message;
};

/* 32·(count + 1). */
size_t half_aggregate_size(size_t count);

/* Writes half_aggregate_size(count) bytes. Each signature is verified first: of wrong ones an aggregate
 * could be made that verifies.
 *
 * Errors: LIMIT, too many; BAD_SIGNATURE, the signature with index *bad does not verify. */
MUST_CHECK enum status half_aggregate_make(const struct signed_message *messages,
                                           const struct signature *signatures, size_t count, uint8_t *out,
                                           size_t *bad, struct error *error);

/* Puts `more` signatures into an aggregate of `had`: `messages` are those of all, the old ones first;
 * `signatures` are the new ones. The result is what half_aggregate_make gives for all of them. Each new
 * signature is verified; the old aggregate is not (of a wrong one a wrong one is made). `out` may not
 * overlap the old one.
 *
 * Errors: LIMIT, too many; MALFORMED_PROOF, the old aggregate has another size or an s that is not below
 * the group order; BAD_SIGNATURE, the new signature with index *bad does not verify. */
MUST_CHECK enum status half_aggregate_add(struct bytes aggregate, const struct signed_message *messages,
                                          size_t had, const struct signature *signatures, size_t more,
                                          uint8_t *out, size_t *bad, struct error *error);

/* Errors: LIMIT, too many; MALFORMED_PROOF, another size, an s that is not below the group order, or an
 * r or key that is no point; INVALID_PROOF, it does not hold. */
MUST_CHECK enum status half_aggregate_verify(struct bytes aggregate, const struct signed_message *messages,
                                             size_t count, struct error *error);

#endif
