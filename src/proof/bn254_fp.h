/* The field that BN254's coordinates are in: numbers modulo
 * p = 36u⁴ + 36u³ + 24u² + 6u + 1 with u = 4965661367192848881 (Barreto-Naehrig; the curve of EIP-196).
 *
 * Elements are kept in Montgomery form, fully reduced. No function branches on a value, but fp_from_bytes,
 * fp_is_zero and fp_equal tell it. Outputs may be inputs. Out first, then in. */
#ifndef PROOF_BN254_FP_H
#define PROOF_BN254_FP_H

#include "proof/bn254_limbs.h"

struct fp { uint64_t limb[LIMBS]; };

extern const struct fp fp_zero, fp_one;

/* p as limbs: for bn254_fp2.c, which reduces sums of products once. */
#define FP_MODULUS                                                                                           \
    { { 0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029 },                    \
      0x87d20782e4866389 }
static const struct modulus fp_modulus = FP_MODULUS;

static inline void fp_add(struct fp *out, const struct fp *a, const struct fp *b)
{
    limbs_add(out->limb, a->limb, b->limb, &fp_modulus);
}

static inline void fp_subtract(struct fp *out, const struct fp *a, const struct fp *b)
{
    limbs_subtract(out->limb, a->limb, b->limb, &fp_modulus);
}

static inline void fp_double(struct fp *out, const struct fp *a)
{
    fp_add(out, a, a);
}

static inline void fp_negate(struct fp *out, const struct fp *a)
{
    fp_subtract(out, &fp_zero, a);
}

static inline bool fp_equal(const struct fp *a, const struct fp *b)
{
    return limbs_equal(a->limb, b->limb);
}

static inline bool fp_is_zero(const struct fp *a)
{
    return limbs_are_zero(a->limb);
}

void fp_multiply(struct fp *out, const struct fp *a, const struct fp *b);
void fp_square(struct fp *out, const struct fp *a);
void fp_invert(struct fp *out, const struct fp *a); /* a^(p−2); zero gives zero */

/* 32 bytes, highest first. False, and nothing written, for a number that is not below p. */
bool fp_from_bytes(struct fp *out, const uint8_t in[FIELD_BYTES]);
void fp_to_bytes(uint8_t out[FIELD_BYTES], const struct fp *a);

/* 32 bytes, lowest first, already in Montgomery form, as .zkey files have them. False when not below p. */
bool fp_from_montgomery_bytes(struct fp *out, const uint8_t in[FIELD_BYTES]);

#endif
