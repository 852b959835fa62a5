/* The inner-product argument of Bulletproofs (section 3 and, for verification in one sum, 3.1): that a
 * prover knows vectors a and b with P = <a, G> + <b, H'> + <a, b>·Q, in 2·log2(size) points and 2 scalars,
 * where H'[i] = h_factors[i]·H[i]. For range_proof.c alone.
 *
 * It hides nothing: a and b are public in what it is used for (there they are masked). Hence variable
 * time. */
#ifndef PROOF_INNER_PRODUCT_H
#define PROOF_INNER_PRODUCT_H

#include "proof/transcript.h"

/* The generators G and H of `count` parties with `bits` each; size = bits · count. */
struct inner_product_shape {
    size_t bits, count, size, rounds;
};

/* Writes rounds · 64 + 64 bytes: L, R of each round, a, b. `a`, `b` and `h_factors` have `size` scalars
 * and are overwritten. Q = q·B. */
void inner_product_make_public(struct transcript *transcript, const struct inner_product_shape *shape,
                               const struct scalar *q, struct scalar *h_factors, struct scalar *a,
                               struct scalar *b, uint8_t *proof);

/* The challenges u of the rounds, in their order, from the L and R of the proof. */
void inner_product_challenges(struct transcript *transcript, const struct inner_product_shape *shape,
                              const uint8_t *proof, struct scalar *challenges);

/* The factors of the generators: s[i] = Π u[j]^(±1), + where bit j (the first round has the highest) of
 * i is set. The factor of H[i] is s[size - 1 - i]. `inverses` are those of the challenges. */
void inner_product_factors(const struct inner_product_shape *shape, const struct scalar *challenges,
                           const struct scalar *inverses, struct scalar *factors);

#endif
