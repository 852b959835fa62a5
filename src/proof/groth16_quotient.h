/* The quotient of a Groth16 proof: from the rows of a circuit to the numbers that the key's points H are
 * multiplied by. For groth16_prove.c. */
#ifndef PROOF_GROTH16_QUOTIENT_H
#define PROOF_GROTH16_QUOTIENT_H

#include "proof/groth16_prove.h"

/* With A and B the polynomials through the matrices' products with the witness on the 2^k-th roots of unity
 * and C the one through those products' products: A·B − C on the other coset of the 2^(k+1)-th roots, 2^k
 * numbers below r. There the divisor is one constant, which the points H contain. */
void groth16_quotient(const struct groth16_proving_key *key, const struct groth16_witness *witness,
                      size_t threads, struct fr_plain *out);

/* out[i] = Σ in[j]·w^(ij), w = fr_root_of_unity(bits), and back. Both by the plain rule of the transform, in
 * place, in natural order; for tests of what groth16_quotient does in one go. */
void fr_transform(struct fr *values, unsigned bits, bool back);

#endif
