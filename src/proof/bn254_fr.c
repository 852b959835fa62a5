/* Arithmetic modulo BN254's r; see bn254_fr.h. Constants follow from r by their comments. */
#include "proof/bn254_fr.h"

const struct fr fr_zero;
const struct fr fr_one = { /* 2^256 mod r */
    { 0xac96341c4ffffffb, 0x36fc76959f60cd29, 0x666ea36f7879462e, 0x0e0a77c19a07df2f } };

static const struct fr to_montgomery = { /* 2^512 mod r */
    { 0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5 } };

static const struct fr largest_root = { /* 5^((r−1)/2^28), in Montgomery form */
    { 0x636e735580d13d9c, 0xa22bf3742445ffd6, 0x56452ac01eb203d8, 0x1860ef942963f9e7 } };

static const uint64_t r_less_two[LIMBS] = { 0x43e1f593efffffff, 0x2833e84879b97091, 0xb85045b68181585d,
                                            0x30644e72e131a029 };

void fr_power(struct fr *out, const struct fr *base, uint64_t exponent)
{
    struct fr result = fr_one, square = *base;

    for (; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            fr_multiply(&result, &result, &square);
        fr_multiply(&square, &square, &square);
    }
    *out = result;
}

void fr_invert(struct fr *out, const struct fr *a)
{
    struct fr result = fr_one, base = *a;

    for (size_t i = 64 * LIMBS; i-- > 0;) {
        fr_multiply(&result, &result, &result);
        if ((r_less_two[i / 64] >> (i % 64) & 1) != 0)
            fr_multiply(&result, &result, &base);
    }
    *out = result;
}

void fr_set(struct fr *out, uint64_t value)
{
    struct fr plain = { { value } };

    fr_multiply(out, &plain, &to_montgomery);
}

void fr_root_of_unity(struct fr *out, unsigned k)
{
    struct fr root = largest_root;

    for (unsigned i = k; i < FR_TWO_ADICITY; i++)
        fr_multiply(&root, &root, &root);
    *out = root;
}

void fr_to_plain(struct fr_plain *out, const struct fr *a)
{
    static const struct fr one = { { 1 } };
    struct fr plain;

    fr_multiply(&plain, a, &one);
    for (size_t i = 0; i < LIMBS; i++)
        out->limb[i] = plain.limb[i];
}

bool fr_plain_below_r(const struct fr_plain *a)
{
    return limbs_below(a->limb, fr_modulus.limb);
}

bool fr_from_plain(struct fr *out, const struct fr_plain *a)
{
    if (!fr_plain_below_r(a))
        return false;
    limbs_multiply(out->limb, a->limb, to_montgomery.limb, &fr_modulus);
    return true;
}

bool fr_from_bytes(struct fr *out, const uint8_t in[FIELD_BYTES])
{
    struct fr_plain plain;

    limbs_from_big_endian(plain.limb, in);
    return fr_from_plain(out, &plain);
}

void fr_to_bytes(uint8_t out[FIELD_BYTES], const struct fr *a)
{
    struct fr_plain plain;

    fr_to_plain(&plain, a);
    limbs_to_big_endian(out, plain.limb);
}

/* high·2^256 + low: in Montgomery form that is high·2^512 + low·2^256, and multiplying by 2^512 or 2^256·R in
 * that form takes one factor of R away. */
void fr_from_random(struct fr *out, const uint8_t in[2 * FIELD_BYTES])
{
    struct fr high, low;

    limbs_from_big_endian(high.limb, in);
    limbs_from_big_endian(low.limb, in + FIELD_BYTES);
    fr_multiply(&high, &to_montgomery, &high); /* high·2^256 mod r */
    fr_multiply(&high, &to_montgomery, &high); /* high·2^512 mod r */
    fr_multiply(&low, &to_montgomery, &low);   /* low·2^256 mod r */
    fr_add(out, &high, &low);
}
