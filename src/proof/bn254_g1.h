/* BN254's first group: y² = x³ + 3 over Fp. Its order is the prime r, so that every point of the curve is in
 * it.
 *
 * Points at rest are affine, with (0, 0), which is not on the curve, for infinity (as EIP-196 and .zkey files
 * have it); computations run in Jacobian coordinates (x = X/Z², y = Y/Z³, Z = 0 for infinity). Everything
 * here takes time that depends on the values: for public data, or a prover on its owner's machine. Out first,
 * then in; outputs may be inputs. */
#ifndef PROOF_BN254_G1_H
#define PROOF_BN254_G1_H

#include "proof/bn254_fp.h"
#include "proof/bn254_fr.h"

struct g1_affine { struct fp x, y; };
struct g1 { struct fp x, y, z; };

extern const struct g1_affine g1_generator; /* (1, 2) */

bool g1_affine_is_infinity(const struct g1_affine *a);
bool g1_affine_on_curve(const struct g1_affine *a); /* false for infinity */
void g1_affine_negate(struct g1_affine *out, const struct g1_affine *a);
void g1_from_affine(struct g1 *out, const struct g1_affine *a);
void g1_to_affine(struct g1_affine *out, const struct g1 *a);
bool g1_is_infinity(const struct g1 *a);
void g1_set_infinity(struct g1 *out);
void g1_double(struct g1 *out, const struct g1 *a);
void g1_add(struct g1 *out, const struct g1 *a, const struct g1 *b);
void g1_add_affine(struct g1 *out, const struct g1 *a, const struct g1_affine *b);
void g1_multiply(struct g1 *out, const struct g1_affine *a, const struct fr_plain *factor); /* any factor */

/* The sum of factors[i]·points[i]; factors below r. `threads` 1 … PARALLEL_THREADS_MAX share the windows when
 * there are many points. */
void g1_multiply_many(struct g1 *out, const struct g1_affine *points, const struct fr_plain *factors,
                      size_t count, size_t threads);

/* x and y, 32 bytes each, highest first. False, and nothing written, unless both are below p and the point is
 * on the curve or infinity (all zero). */
#define G1_BYTES ((size_t)2 * FIELD_BYTES)
bool g1_affine_from_bytes(struct g1_affine *out, const uint8_t in[G1_BYTES]);
void g1_affine_to_bytes(uint8_t out[G1_BYTES], const struct g1_affine *a);

#endif
