/* Numbers of 256 bits as four 64-bit limbs, lowest first, and Montgomery arithmetic on them (R = 2^256), for
 * the two fields of BN254. Everything is inline, so that the modulus is a constant where it is used.
 *
 * No function here branches on a value or reads memory at a place that depends on one. Results are fully
 * reduced. Only bn254_fp.*, bn254_fr.* and bn254_fp2.c may use this. */
#ifndef PROOF_BN254_LIMBS_H
#define PROOF_BN254_LIMBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMBS 4
#define FIELD_BYTES 32 /* one number in bytes */

/* A prime below 2^254 and what Montgomery's reduction needs of it. The two spare bits are used: sums of two
 * reduced numbers may go into a multiplication unreduced. */
struct modulus {
    uint64_t limb[LIMBS];
    uint64_t inverse; /* −1/p mod 2^64 */
};

#define LIMBS_INLINE static inline __attribute__((always_inline))
#define LIMBS_UNROLL _Pragma("GCC unroll 8") /* at -O2 too: it doubles the speed */

/* value − p when that is not negative, value otherwise; value < 2p. */
LIMBS_INLINE void limbs_reduce_once(uint64_t out[LIMBS], const uint64_t value[LIMBS], const struct modulus *p)
{
    uint64_t less[LIMBS], borrow = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 difference = (unsigned __int128)value[i] - p->limb[i] - borrow;
        less[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    uint64_t keep = 0 - borrow; /* all ones: the value was below p already */
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++)
        out[i] = (value[i] & keep) | (less[i] & ~keep);
}

LIMBS_INLINE void limbs_add_plain(uint64_t out[LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    uint64_t carry = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 sum = (unsigned __int128)a[i] + b[i] + carry;
        out[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

LIMBS_INLINE void limbs_add(uint64_t out[LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS],
                            const struct modulus *p)
{
    uint64_t sum[LIMBS];

    limbs_add_plain(sum, a, b);
    limbs_reduce_once(out, sum, p);
}

LIMBS_INLINE void limbs_subtract(uint64_t out[LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS],
                                 const struct modulus *p)
{
    uint64_t less[LIMBS], borrow = 0, carry = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 difference = (unsigned __int128)a[i] - b[i] - borrow;
        less[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    uint64_t add = 0 - borrow; /* all ones: a was below b */
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 sum = (unsigned __int128)less[i] + (p->limb[i] & add) + carry;
        out[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

/* The full product; a and b are any numbers below 2^256. */
LIMBS_INLINE void limbs_product(uint64_t out[2 * LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++)
        out[i] = 0;
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        LIMBS_UNROLL
        for (size_t j = 0; j < LIMBS; j++) {
            unsigned __int128 t = (unsigned __int128)a[j] * b[i] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + LIMBS] = carry;
    }
}

/* wide / 2^256 mod p, for wide < p·2^256. */
LIMBS_INLINE void limbs_reduce_wide(uint64_t out[LIMBS], const uint64_t wide[2 * LIMBS],
                                    const struct modulus *p)
{
    uint64_t t[2 * LIMBS], late = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < 2 * LIMBS; i++)
        t[i] = wide[i];
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        uint64_t m = t[i] * p->inverse, carry = 0;
        LIMBS_UNROLL
        for (size_t j = 0; j < LIMBS; j++) {
            unsigned __int128 s = (unsigned __int128)m * p->limb[j] + t[i + j] + carry;
            t[i + j] = (uint64_t)s;
            carry = (uint64_t)(s >> 64);
        }
        unsigned __int128 s = (unsigned __int128)t[i + LIMBS] + carry + late;
        t[i + LIMBS] = (uint64_t)s;
        late = (uint64_t)(s >> 64);
    }
    limbs_reduce_once(out, t + LIMBS, p);
}

/* a·b / 2^256 mod p, the reduction woven into the product: as the highest limb of p has a spare bit, no round
 * carries out of the highest limb. a must be below p and b below 2^256, or both
 * below 2p (then a·b/2^256 + p < 2p still, as p < 0.19·2^256). */
LIMBS_INLINE void limbs_multiply(uint64_t out[LIMBS], const uint64_t a[LIMBS], const uint64_t b[LIMBS],
                                 const struct modulus *p)
{
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 product, reduced;
        product = (unsigned __int128)a[0] * b[i] + t0;
        uint64_t m = (uint64_t)product * p->inverse;
        reduced = (unsigned __int128)m * p->limb[0] + (uint64_t)product;
        product = (unsigned __int128)a[1] * b[i] + t1 + (uint64_t)(product >> 64);
        reduced = (unsigned __int128)m * p->limb[1] + (uint64_t)product + (uint64_t)(reduced >> 64);
        t0 = (uint64_t)reduced;
        product = (unsigned __int128)a[2] * b[i] + t2 + (uint64_t)(product >> 64);
        reduced = (unsigned __int128)m * p->limb[2] + (uint64_t)product + (uint64_t)(reduced >> 64);
        t1 = (uint64_t)reduced;
        product = (unsigned __int128)a[3] * b[i] + t3 + (uint64_t)(product >> 64);
        reduced = (unsigned __int128)m * p->limb[3] + (uint64_t)product + (uint64_t)(reduced >> 64);
        t2 = (uint64_t)reduced;
        t3 = (uint64_t)(product >> 64) + (uint64_t)(reduced >> 64);
    }
    uint64_t t[LIMBS] = { t0, t1, t2, t3 };
    limbs_reduce_once(out, t, p);
}

LIMBS_INLINE bool limbs_equal(const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

LIMBS_INLINE bool limbs_are_zero(const uint64_t a[LIMBS])
{
    return (a[0] | a[1] | a[2] | a[3]) == 0;
}

LIMBS_INLINE bool limbs_below(const uint64_t a[LIMBS], const uint64_t b[LIMBS])
{
    uint64_t borrow = 0;

    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++)
        borrow = (uint64_t)(((unsigned __int128)a[i] - b[i] - borrow) >> 64) & 1;
    return borrow != 0;
}

/* Numbers as 32 bytes, highest first (EIP-197) or lowest first (iden3's binary files). */
LIMBS_INLINE void limbs_from_big_endian(uint64_t out[LIMBS], const uint8_t in[FIELD_BYTES])
{
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        const uint8_t *at = in + FIELD_BYTES - 8 * (i + 1);
        out[i] = 0;
        LIMBS_UNROLL
        for (size_t j = 0; j < 8; j++)
            out[i] = out[i] << 8 | at[j];
    }
}

LIMBS_INLINE void limbs_to_big_endian(uint8_t out[FIELD_BYTES], const uint64_t in[LIMBS])
{
    LIMBS_UNROLL
    for (size_t i = 0; i < FIELD_BYTES; i++)
        out[FIELD_BYTES - 1 - i] = (uint8_t)(in[i / 8] >> (8 * (i % 8)));
}

LIMBS_INLINE void limbs_from_little_endian(uint64_t out[LIMBS], const uint8_t in[FIELD_BYTES])
{
    LIMBS_UNROLL
    for (size_t i = 0; i < LIMBS; i++) {
        out[i] = 0;
        LIMBS_UNROLL
        for (size_t j = 8; j-- > 0;)
            out[i] = out[i] << 8 | in[8 * i + j];
    }
}

#endif
