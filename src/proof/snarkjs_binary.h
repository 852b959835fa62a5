/* iden3's binary files, as snarkjs writes them: .zkey (version 1, Groth16 over BN254: proving keys) and .wtns
 * (version 2: witnesses). A magic word, a version, and numbered sections; all numbers lowest byte first.
 *
 * Files may come from anybody: every size, count and index is compared with what the file has before anything
 * is allocated or read, each section stands there once, nothing is left over, numbers are below their
 * modulus, points on their curves, and the verification key in a .zkey passes what any verification key must
 * (groth16.h). */
#ifndef PROOF_SNARKJS_BINARY_H
#define PROOF_SNARKJS_BINARY_H

#include "proof/groth16_prove.h"

MUST_CHECK enum groth16_verdict snarkjs_zkey_read(struct bytes file, struct groth16_proving_key *key,
                                                  struct error *error);
MUST_CHECK enum groth16_verdict snarkjs_wtns_read(struct bytes file, struct groth16_witness *witness,
                                                  struct error *error);

#endif
