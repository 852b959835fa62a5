/* Fp2 = Fp[i]/(i² + 1): where the coordinates of G2 are. Outputs may be inputs. Out first, then in. */
#ifndef PROOF_BN254_FP2_H
#define PROOF_BN254_FP2_H

#include "proof/bn254_fp.h"

struct fp2 { struct fp c0, c1; }; /* c0 + c1·i */

extern const struct fp2 fp2_zero, fp2_one;

static inline void fp2_add(struct fp2 *out, const struct fp2 *a, const struct fp2 *b)
{
    fp_add(&out->c0, &a->c0, &b->c0);
    fp_add(&out->c1, &a->c1, &b->c1);
}

static inline void fp2_subtract(struct fp2 *out, const struct fp2 *a, const struct fp2 *b)
{
    fp_subtract(&out->c0, &a->c0, &b->c0);
    fp_subtract(&out->c1, &a->c1, &b->c1);
}

static inline void fp2_double(struct fp2 *out, const struct fp2 *a)
{
    fp2_add(out, a, a);
}

static inline void fp2_negate(struct fp2 *out, const struct fp2 *a)
{
    fp_negate(&out->c0, &a->c0);
    fp_negate(&out->c1, &a->c1);
}

/* c0 − c1·i, which is a^p. */
static inline void fp2_conjugate(struct fp2 *out, const struct fp2 *a)
{
    out->c0 = a->c0;
    fp_negate(&out->c1, &a->c1);
}

static inline bool fp2_equal(const struct fp2 *a, const struct fp2 *b)
{
    return fp_equal(&a->c0, &b->c0) && fp_equal(&a->c1, &b->c1);
}

static inline bool fp2_is_zero(const struct fp2 *a)
{
    return fp_is_zero(&a->c0) && fp_is_zero(&a->c1);
}

void fp2_multiply(struct fp2 *out, const struct fp2 *a, const struct fp2 *b);
void fp2_square(struct fp2 *out, const struct fp2 *a);
void fp2_scale(struct fp2 *out, const struct fp2 *a, const struct fp *b);
void fp2_multiply_xi(struct fp2 *out, const struct fp2 *a); /* times ξ = 9 + i */
void fp2_invert(struct fp2 *out, const struct fp2 *a);      /* zero gives zero */

#endif
