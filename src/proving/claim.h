/* A claim: what a proof is said to show, on which chain and for which purpose. Pure; the node and `layer-cli
 * proof verify` judge by these functions alone.
 *
 * How each system is bound to chain and purpose:
 *   range, ring      their transcript begins with CLAIM_RANGE_LABEL or CLAIM_RING_LABEL and is bound to both
 *                    (proof/transcript.h).
 *   half_aggregate   what is signed is no message but claim_bound_message of it.
 *   groth16          nothing but public inputs binds such a proof. Where `binding` names one of them, that
 *                    input has to be claim_binding; where it names none, the claim is not bound by us, and
 *                    says so. */
#ifndef PROVING_CLAIM_H
#define PROVING_CLAIM_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/status.h"

#define CLAIM_PURPOSE_MAX 128     /* bytes */
#define CLAIM_KEY_INPUTS_MAX 256  /* public inputs of a Groth16 circuit */
#define CLAIM_SIGNATURES_MAX 256  /* in a half-aggregate */
#define CLAIM_MEMBERS_MAX 64      /* of a ring */
#define CLAIM_COMMITMENTS_MAX 16  /* of a range proof */
#define CLAIM_MESSAGE_MAX 1024    /* bytes that a ring signs */
#define CLAIM_PIECE 32            /* bytes of a commitment, key, message or input */
#define CLAIM_NOT_BOUND UINT64_MAX
#define CLAIM_RANGE_LABEL "layerd range proof"
#define CLAIM_RING_LABEL "layerd ring signature"

enum claim_system { CLAIM_GROTH16, CLAIM_HALF_AGGREGATE, CLAIM_RANGE, CLAIM_RING };
extern const char *const claim_systems[]; /* their names; ends with NULL */
MUST_CHECK bool claim_system_find(const char *name, enum claim_system *system);

/* Parts that a system does not have are empty, `bits` 0 and `binding` CLAIM_NOT_BOUND. */
struct claim {
    enum claim_system system;
    const char *chain, *purpose;
    uint64_t bits;            /* range: 8, 16, 32 or 64 */
    struct bytes commitments; /* range: 1, 2, 4, 8 or 16 points */
    struct bytes keys;        /* half_aggregate: x-only keys; ring: members. In their order */
    struct bytes messages;    /* half_aggregate: 32 bytes for each key */
    struct bytes message;     /* ring */
    struct bytes key;         /* groth16: canonical bytes (proof/groth16.h) */
    struct bytes inputs;      /* groth16 */
    uint64_t binding;         /* groth16: which input is claim_binding, 0, 1, … */
};

/* Errors: INVALID_PARAMS, a part is missing, of a wrong size, or none of this system's; LIMIT, too much of
 * something; VERIFICATION_KEY, the key is none; NOT_BOUND, the input is another; MALFORMED_PROOF;
 * INVALID_PROOF. `key_hash`, when not NULL, becomes the hash of a Groth16 claim's key. */
MUST_CHECK enum status claim_verify(const struct claim *claim, struct bytes proof, struct hash *key_hash,
                                    struct error *error);

/* What claim_verify looks at first, before any proof: the parts and their sizes. INVALID_PARAMS, LIMIT. */
MUST_CHECK enum status claim_check(const struct claim *claim, struct error *error);

/* Whether the proof can serve no other chain and purpose. */
bool claim_is_bound(const struct claim *claim);

/* 32 bytes, below 2^253 and so below r: what a public input has to be that binds chain and purpose. */
void claim_binding(const char *chain, const char *purpose, struct hash *out);
/* What the owner of a key signs for a half-aggregate. */
void claim_bound_message(const char *chain, const char *purpose, const uint8_t message[CLAIM_PIECE],
                         struct hash *out);

/* The canonical bytes of a claim that is well-formed (appended), and the id that they give. For Groth16 they
 * have the key's hash in the key's place:
 *   "lycl" version=1 system:1, then each with its size:4 before it: chain, purpose, and
 *   groth16         key hash, binding:8, inputs
 *   half_aggregate  keys, messages
 *   range           bits:8, commitments
 *   ring            members, message */
void claim_encode(const struct claim *claim, const struct hash *key_hash, struct buffer *out);
void claim_id(struct bytes encoded, struct hash *out);

/* A Groth16 key: its number of public inputs, and the hash that it is known by. Errors: VERIFICATION_KEY,
 * LIMIT. */
MUST_CHECK enum status claim_key_read(struct bytes key, uint64_t *public_inputs, struct hash *hash,
                                      struct error *error);

#endif
