/* snarkjs's files for Groth16 as it writes them: verification_key.json, proof.json, public.json.
 *
 * Read strictly: the members that snarkjs writes and no others (vk_alphabeta_12 may be missing; where it is,
 * it must be the pairing of alpha and beta); protocol "groth16", curve "bn128"; numbers are decimal strings
 * without sign, blank or leading zero, below their modulus; points are affine (z = 1), on their curve, those
 * of G2 in the subgroup, which snarkjs itself does not check; nPublic is one less than IC has points. */
#ifndef PROOF_SNARKJS_JSON_H
#define PROOF_SNARKJS_JSON_H

#include "base/buffer.h"
#include "proof/groth16.h"

MUST_CHECK enum groth16_verdict snarkjs_key_read(struct bytes text, struct groth16_key *key,
                                                 struct error *error);
MUST_CHECK enum groth16_verdict snarkjs_proof_read(struct bytes text, struct groth16_proof *proof,
                                                   struct error *error);
/* `inputs` gets 32 bytes each, highest first, appended. A number not below r is GROTH16_PUBLIC_RANGE. */
MUST_CHECK enum groth16_verdict snarkjs_inputs_read(struct bytes text, struct buffer *inputs,
                                                    struct error *error);

/* The same files, to the byte as snarkjs writes them (JSON.stringify with one blank); appended. */
void snarkjs_key_write(const struct groth16_key *key, struct buffer *out);
void snarkjs_proof_write(const struct groth16_proof *proof, struct buffer *out);
void snarkjs_inputs_write(struct bytes inputs, struct buffer *out); /* of 32 bytes each, below r */

#endif
