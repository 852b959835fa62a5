/* BN254's second group: points of order r on the twist y² = x³ + 3/ξ over Fp2, ξ = 9 + i. The twist has more
 * points than that: whatever comes from outside must pass g2_affine_in_subgroup.
 *
 * Representation, timing and order of arguments are as in bn254_g1.h. */
#ifndef PROOF_BN254_G2_H
#define PROOF_BN254_G2_H

#include "proof/bn254_fp2.h"
#include "proof/bn254_fr.h"

struct g2_affine { struct fp2 x, y; };
struct g2 { struct fp2 x, y, z; };

extern const struct g2_affine g2_generator; /* EIP-197's */

bool g2_affine_is_infinity(const struct g2_affine *a);
bool g2_affine_on_curve(const struct g2_affine *a);    /* false for infinity */
bool g2_affine_in_subgroup(const struct g2_affine *a); /* for a point on the curve */
void g2_affine_negate(struct g2_affine *out, const struct g2_affine *a);
void g2_from_affine(struct g2 *out, const struct g2_affine *a);
void g2_to_affine(struct g2_affine *out, const struct g2 *a);
bool g2_is_infinity(const struct g2 *a);
void g2_set_infinity(struct g2 *out);
void g2_double(struct g2 *out, const struct g2 *a);
void g2_add(struct g2 *out, const struct g2 *a, const struct g2 *b);
void g2_add_affine(struct g2 *out, const struct g2 *a, const struct g2_affine *b);
void g2_multiply(struct g2 *out, const struct g2_affine *a, const struct fr_plain *factor); /* any factor */
void g2_multiply_many(struct g2 *out, const struct g2_affine *points, const struct fr_plain *factors,
                      size_t count, size_t threads);

/* ψ: Frobenius brought to the twist. */
void g2_affine_frobenius(struct g2_affine *out, const struct g2_affine *a);

/* x and y, each the factor of i first and then the other part, as EIP-197 has them; 32 bytes each, highest
 * first. False, and nothing written, unless all are below p and the point is in the subgroup or infinity (all
 * zero). */
#define G2_BYTES ((size_t)4 * FIELD_BYTES)
bool g2_affine_from_bytes(struct g2_affine *out, const uint8_t in[G2_BYTES]);
void g2_affine_to_bytes(uint8_t out[G2_BYTES], const struct g2_affine *a);

#endif
