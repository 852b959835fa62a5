/* A claim and its proof as parameters: the same for proof.verify, which records, and proof.check, which does
 * not. */
#ifndef PROVING_CLAIM_PARAMS_H
#define PROVING_CLAIM_PARAMS_H

#include "kernel/module.h"
#include "proving/claim.h"

#define CLAIM_KEY_BYTES_MAX (1 << 15) /* what CLAIM_KEY_INPUTS_MAX leads to is less */
#define CLAIM_PROOF_BYTES_MAX (1 << 14)

struct claim_params {
    const char *system, *purpose;
    struct bytes proof, commitments, keys, messages, message, key, inputs;
    uint64_t bits, binding;
    struct account_id listed_by; /* proof.verify alone */

    /* proof.verify: what its check found out. */
    struct claim claim;
    struct bytes content;        /* the claim's canonical bytes */
    struct hash id, key_hash;
};

#define CLAIM_PARAMS                                                                                         \
    PARAM(struct claim_params, system, CHOICE, REQUIRED, "which proof system", .choices = claim_systems),    \
    PARAM(struct claim_params, purpose, TEXT, REQUIRED, "what the proof is for, as its maker bound it",      \
          .most = CLAIM_PURPOSE_MAX),                                                                        \
    PARAM(struct claim_params, proof, BYTES, REQUIRED, "the proof", .most = CLAIM_PROOF_BYTES_MAX),          \
    PARAM(struct claim_params, bits, INTEGER, OPTIONAL, "range: 8, 16, 32 or 64"),                           \
    PARAM(struct claim_params, commitments, BYTES, OPTIONAL, "range: 1, 2, 4, 8 or 16, of 32 bytes each",    \
          .most = CLAIM_COMMITMENTS_MAX * CLAIM_PIECE),                                                      \
    PARAM(struct claim_params, keys, BYTES, OPTIONAL,                                                        \
          "half_aggregate: who signed; ring: its members. 32 bytes each",                                    \
          .most = CLAIM_SIGNATURES_MAX * CLAIM_PIECE),                                                       \
    PARAM(struct claim_params, messages, BYTES, OPTIONAL,                                                    \
          "half_aggregate: 32 bytes for each key; proof.binding tells what is signed for one",               \
          .most = CLAIM_SIGNATURES_MAX * CLAIM_PIECE),                                                       \
    PARAM(struct claim_params, message, BYTES, OPTIONAL, "ring: what was signed",                            \
          .most = CLAIM_MESSAGE_MAX),                                                                        \
    PARAM(struct claim_params, key, BYTES, OPTIONAL, "groth16: the verification key's canonical bytes",      \
          .most = CLAIM_KEY_BYTES_MAX),                                                                      \
    PARAM(struct claim_params, inputs, BYTES, OPTIONAL, "groth16: public inputs, 32 bytes each",             \
          .most = CLAIM_KEY_INPUTS_MAX * CLAIM_PIECE),                                                       \
    PARAM(struct claim_params, binding, INTEGER, OPTIONAL,                                                   \
          "groth16: which public input (0, 1, …) binds chain and purpose; absent: none does",                \
          .fallback = NOT_GIVEN)

/* Borrows from the parameters. */
struct claim claim_of_params(const struct claim_params *params, const char *chain);

#endif
