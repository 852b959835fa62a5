/* Arithmetic in Fp2; see bn254_fp2.h. */
#include "proof/bn254_fp2.h"

const struct fp2 fp2_zero;
const struct fp2 fp2_one = { /* 2^256 mod p, and no i */
    { { 0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f } }, { { 0 } } };

/* a −= b over 512 bits; answers all ones when it went below zero, else zero. */
static inline uint64_t wide_subtract(uint64_t a[2 * LIMBS], const uint64_t b[2 * LIMBS])
{
    uint64_t borrow = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < 2 * LIMBS; i++) {
        unsigned __int128 difference = (unsigned __int128)a[i] - b[i] - borrow;
        a[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return 0 - borrow;
}

/* Karatsuba with three full products and two reductions: sums and differences are made of the products before
 * they are reduced. All stay below p·2^256: (a0 + a1)(b0 + b1) < 4p² and what is left of it is below 2p². */
void fp2_multiply(struct fp2 *out, const struct fp2 *a, const struct fp2 *b)
{
    uint64_t low[2 * LIMBS], high[2 * LIMBS], cross[2 * LIMBS], a_sum[LIMBS], b_sum[LIMBS];

    limbs_add_plain(a_sum, a->c0.limb, a->c1.limb);
    limbs_add_plain(b_sum, b->c0.limb, b->c1.limb);
    limbs_product(low, a->c0.limb, b->c0.limb);
    limbs_product(high, a->c1.limb, b->c1.limb);
    limbs_product(cross, a_sum, b_sum);
    wide_subtract(cross, low);
    wide_subtract(cross, high);
    limbs_reduce_wide(out->c1.limb, cross, &fp_modulus);

    /* a0·b0 − a1·b1 may be negative, by less than p²: p·2^256 is zero modulo p and larger. */
    uint64_t negative = wide_subtract(low, high), carry = 0;
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 sum = (unsigned __int128)low[LIMBS + i] + (fp_modulus.limb[i] & negative) + carry;
        low[LIMBS + i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    limbs_reduce_wide(out->c0.limb, low, &fp_modulus);
}

/* (c0 + c1)(c0 − c1) and 2·c0·c1; both factors of the first stay below 2p and are not reduced. */
void fp2_square(struct fp2 *out, const struct fp2 *a)
{
    uint64_t sum[LIMBS], difference[LIMBS], borrow = 0;
    struct fp product;

    limbs_add_plain(sum, a->c0.limb, a->c1.limb);
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) { /* p − c1 */
        unsigned __int128 less = (unsigned __int128)fp_modulus.limb[i] - a->c1.limb[i] - borrow;
        difference[i] = (uint64_t)less;
        borrow = (uint64_t)(less >> 64) & 1;
    }
    limbs_add_plain(difference, difference, a->c0.limb);
    limbs_multiply(product.limb, a->c0.limb, a->c1.limb, &fp_modulus);
    limbs_multiply(out->c0.limb, sum, difference, &fp_modulus);
    fp_double(&out->c1, &product);
}

void fp2_scale(struct fp2 *out, const struct fp2 *a, const struct fp *b)
{
    limbs_multiply(out->c0.limb, a->c0.limb, b->limb, &fp_modulus);
    limbs_multiply(out->c1.limb, a->c1.limb, b->limb, &fp_modulus);
}

/* (9·c0 − c1) + (9·c1 + c0)·i */
void fp2_multiply_xi(struct fp2 *out, const struct fp2 *a)
{
    struct fp2 nine;

    fp2_double(&nine, a);
    fp2_double(&nine, &nine);
    fp2_double(&nine, &nine);
    fp2_add(&nine, &nine, a);
    struct fp c0 = a->c0;
    fp_subtract(&out->c0, &nine.c0, &a->c1);
    fp_add(&out->c1, &nine.c1, &c0);
}

/* The conjugate over the norm c0² + c1². */
void fp2_invert(struct fp2 *out, const struct fp2 *a)
{
    struct fp norm, square;

    fp_square(&norm, &a->c0);
    fp_square(&square, &a->c1);
    fp_add(&norm, &norm, &square);
    fp_invert(&norm, &norm);
    fp_multiply(&out->c0, &a->c0, &norm);
    fp_negate(&norm, &norm);
    fp_multiply(&out->c1, &a->c1, &norm);
}
