/* A spend of the confidential pool as a statement and its proofs, pure: some notes are spent, nobody learns
 * which of each ring; new notes come to be, nobody learns how much is in them; and the sums agree. No rows,
 * no clock.
 *
 * A note is a one-time key P = x·K and a commitment C = amount·B + blinding·K (proof/pedersen.h,
 * proof/ring.h). For each note spent there is a pseudo commitment to the same amount, and a confidential
 * ring signature that says so of one member of its ring. What comes in equals what goes out:
 *
 *     Σ pseudo = Σ commitments of the new notes + amount·B        (amount: what leaves the pool in public)
 *
 * and one range proof shows that each new note holds 0 … 2^64 − 1. No sum wraps: at most SPEND_OUTPUTS_MAX
 * such numbers are far below the group's order; and since inputs hold what earlier spends or deposits put
 * in, no note ever holds more than its pool.
 *
 * Everything is bound: chain, purpose, asset, all rings, pseudo commitments, images and new notes, the
 * amount and the recipient, the range proof. A spend has at least one new note (it may hold 0): so the
 * blindings of pseudo commitments are free, and none equals the commitment that it stands for. */
#ifndef CONFIDENTIAL_SPEND_H
#define CONFIDENTIAL_SPEND_H

#include "crypto/asset.h"
#include "proof/range_proof.h"
#include "proof/ring.h"

#define SPEND_INPUTS_MAX 8
#define SPEND_OUTPUTS_MAX RANGE_PROOF_VALUES_MAX /* 1, 2, 4, 8 or 16 */
#define SPEND_BITS 64
#define NOTE_SEALED_SIZE 56 /* sealed.h */

struct spend_input {
    const struct ring_member *members;
    size_t count;
    uint8_t pseudo[POINT_SIZE];
    struct bytes signature; /* its first 32 bytes are the image */
};

struct spend_output {
    uint8_t key[POINT_SIZE], commitment[POINT_SIZE];
    uint8_t sealed[NOTE_SEALED_SIZE];
};

struct spend {
    const char *chain, *purpose;
    struct asset_id asset;
    const struct spend_input *inputs;
    size_t input_count;
    const struct spend_output *outputs;
    size_t output_count;
    struct bytes range_proof;
    uint64_t amount;             /* out of the pool; 0: nothing */
    struct account_id recipient; /* of it; zero: nobody */
};

/* The encoding of a point that is not the identity, as keys and commitments of notes must be. */
MUST_CHECK bool note_point_valid(const uint8_t in[POINT_SIZE]);
/* amount·B: the commitment of a note that is put in in public, with the blinding 0. */
void note_commit_public(uint64_t amount, uint8_t commitment[POINT_SIZE]);

/* Errors: LIMIT, counts, rings that are not of one size; MALFORMED_PROOF, encodings, sizes, the identity,
 * two inputs with one image, two outputs with one key; INVALID_PROOF, the sums, the range proof, a ring. */
MUST_CHECK enum status spend_verify(const struct spend *spend, struct error *error);

/* --- making one --------------------------------------------------------------------------------------- */

/* A note that is ours: one of the members. */
struct spend_source {
    const struct ring_member *members;
    size_t count, index;
    uint8_t secret[SCALAR_SIZE];
    uint64_t amount;
    struct scalar blinding;
};

struct spend_target {
    uint8_t key[POINT_SIZE];
    uint64_t amount;
    struct scalar blinding;
    uint8_t sealed[NOTE_SEALED_SIZE];
};

/* What is made; spend_verify has taken it when it is handed out. */
struct spend_made {
    struct spend_input inputs[SPEND_INPUTS_MAX];
    struct spend_output outputs[SPEND_OUTPUTS_MAX];
    uint8_t signatures[SPEND_INPUTS_MAX][RING_SIGNATURE_MAX];
    uint8_t range_proof[RANGE_PROOF_SIZE_MAX];
    struct spend spend;
};

/* `terms`: chain, purpose, asset, amount, recipient. Constant time for secrets, amounts and blindings, as
 * ring_sign and range_proof_make are. Errors: LIMIT; NOT_PROVABLE, sums that differ or a secret that is not
 * the member's; MALFORMED_PROOF. The members stay the caller's and must outlive `made`. */
MUST_CHECK enum status spend_make(const struct spend *terms, const struct spend_source *sources,
                                  size_t source_count, const struct spend_target *targets,
                                  size_t target_count, struct spend_made *made, struct error *error);

#endif
