/* The tower above Fp2: Fp6 = Fp2[v]/(v³ − ξ) with ξ = 9 + i, and Fp12 = Fp6[w]/(w² − v), where the values of
 * the pairing are. The same tower as snarkjs's (ffjavascript), so that its vk_alphabeta_12 can be read.
 * Outputs may be inputs. Out first, then in. */
#ifndef PROOF_BN254_FP12_H
#define PROOF_BN254_FP12_H

#include "proof/bn254_fp2.h"

struct fp6 { struct fp2 c0, c1, c2; };  /* c0 + c1·v + c2·v² */
struct fp12 { struct fp6 c0, c1; };     /* c0 + c1·w */

extern const struct fp12 fp12_one;

void fp6_multiply(struct fp6 *out, const struct fp6 *a, const struct fp6 *b);
void fp6_square(struct fp6 *out, const struct fp6 *a);
void fp6_invert(struct fp6 *out, const struct fp6 *a);

void fp12_multiply(struct fp12 *out, const struct fp12 *a, const struct fp12 *b);
void fp12_square(struct fp12 *out, const struct fp12 *a);
void fp12_invert(struct fp12 *out, const struct fp12 *a);
bool fp12_equal(const struct fp12 *a, const struct fp12 *b);

/* c0 − c1·w, which is a^(p⁶); the inverse in the cyclotomic subgroup. */
void fp12_conjugate(struct fp12 *out, const struct fp12 *a);

/* a·(l0 + l1·w + l3·w³): the shape of a line of the pairing. */
void fp12_multiply_line(struct fp12 *out, const struct fp12 *a, const struct fp2 *l0, const struct fp2 *l1,
                        const struct fp2 *l3);

void fp12_frobenius(struct fp12 *out, const struct fp12 *a); /* a^p */

/* a² for a in the cyclotomic subgroup, that is a^(p⁴ − p² + 1) = 1 (Granger, Scott, "Faster squaring in the
 * cyclotomic subgroup of sixth degree extensions", PKC 2010, section 3.2). */
void fp12_cyclotomic_square(struct fp12 *out, const struct fp12 *a);

/* ξ^(k(p−1)/6) for k = 1 … 5: what Frobenius multiplies the coefficient of w^k by. */
#define FROBENIUS_FACTORS 5
extern const struct fp2 frobenius_factor[FROBENIUS_FACTORS + 1];

#endif
