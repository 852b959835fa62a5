/* The field of BN254's scalars: numbers modulo the order of the group,
 * r = 36u⁴ + 36u³ + 18u² + 6u + 1 with u = 4965661367192848881. Witnesses and public inputs are its elements.
 *
 * Elements are kept in Montgomery form, fully reduced; `struct fr_plain` is a plain number, as the groups'
 * multiplication reads it. No function branches on a value, but the comparisons tell it. Outputs may be
 * inputs. */
#ifndef PROOF_BN254_FR_H
#define PROOF_BN254_FR_H

#include "proof/bn254_limbs.h"

struct fr { uint64_t limb[LIMBS]; };
struct fr_plain { uint64_t limb[LIMBS]; }; /* any number below 2^256 */

extern const struct fr fr_zero, fr_one;

/* The order of the largest subgroup of size 2^k in r's multiplicative group: r − 1 = 2^28 · odd. */
#define FR_TWO_ADICITY 28

static const struct modulus fr_modulus = {
    { 0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029 }, 0xc2e1f593efffffff
};

static inline void fr_add(struct fr *out, const struct fr *a, const struct fr *b)
{
    limbs_add(out->limb, a->limb, b->limb, &fr_modulus);
}

static inline void fr_subtract(struct fr *out, const struct fr *a, const struct fr *b)
{
    limbs_subtract(out->limb, a->limb, b->limb, &fr_modulus);
}

static inline void fr_multiply(struct fr *out, const struct fr *a, const struct fr *b)
{
    limbs_multiply(out->limb, a->limb, b->limb, &fr_modulus);
}

static inline void fr_negate(struct fr *out, const struct fr *a)
{
    fr_subtract(out, &fr_zero, a);
}

static inline bool fr_equal(const struct fr *a, const struct fr *b)
{
    return limbs_equal(a->limb, b->limb);
}

static inline bool fr_is_zero(const struct fr *a)
{
    return limbs_are_zero(a->limb);
}

void fr_power(struct fr *out, const struct fr *base, uint64_t exponent); /* time depends on the exponent */
void fr_invert(struct fr *out, const struct fr *a);                     /* a^(r−2); zero gives zero */
void fr_set(struct fr *out, uint64_t value);

/* A primitive root of unity of order 2^k, k ≤ FR_TWO_ADICITY: 5^((r−1)/2^28) squared 28 − k times. 5 is the
 * smallest number that is no square modulo r, and what iden3's ffjavascript takes too. */
void fr_root_of_unity(struct fr *out, unsigned k);

void fr_to_plain(struct fr_plain *out, const struct fr *a);
bool fr_from_plain(struct fr *out, const struct fr_plain *a); /* false: not below r */
bool fr_plain_below_r(const struct fr_plain *a);

/* 32 bytes, highest first. False, and nothing written, for a number that is not below r. */
bool fr_from_bytes(struct fr *out, const uint8_t in[FIELD_BYTES]);
void fr_to_bytes(uint8_t out[FIELD_BYTES], const struct fr *a);

/* 64 random bytes, taken as one number, modulo r: uniform but for 2^-258. */
void fr_from_random(struct fr *out, const uint8_t in[2 * FIELD_BYTES]);

#endif
