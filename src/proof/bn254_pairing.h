/* The optimal ate pairing of BN254, e: G1 × G2 → the r-th roots of unity in Fp12 (Vercauteren, "Optimal
 * pairings", 2010; the loop over 6u + 2).
 *
 * A point of G2 is prepared: the lines of its loop are computed once, and serve every point of G1 and every
 * product. Products of pairings share the loop's squarings and the final exponentiation. For public data:
 * time depends on which points are infinity. */
#ifndef PROOF_BN254_PAIRING_H
#define PROOF_BN254_PAIRING_H

#include "proof/bn254_fp12.h"
#include "proof/bn254_g1.h"
#include "proof/bn254_g2.h"

/* 65 doublings, 21 additions, 2 additions of Frobenius images. */
#define PAIRING_LINES 88

/* The line a·y + b·x·w + c·w³ = 0 at a point (x, y) of G1. */
struct pairing_line { struct fp2 a, b, c; };

struct g2_prepared {
    struct pairing_line line[PAIRING_LINES];
    bool infinity;
};

void g2_prepare(struct g2_prepared *out, const struct g2_affine *q); /* q in the subgroup */

struct pairing_term {
    struct g1_affine p;
    const struct g2_prepared *q;
};

/* The product of the terms' loops, which final_exponentiation makes a product of pairings. A term with
 * infinity on either side counts as 1. */
void pairing_loop(struct fp12 *out, const struct pairing_term *terms, size_t count);

/* To the power of 2u(6u² + 3u + 1)·(p¹² − 1)/r, where the first factor, prime to r, saves work
 * (Fuentes-Castañeda, Knapp, Rodríguez-Henríquez, "Faster hashing to G2", SAC 2011, section 5). snarkjs takes
 * the same power, so that values compare. `a` is not zero. */
void final_exponentiation(struct fp12 *out, const struct fp12 *a);

#endif
