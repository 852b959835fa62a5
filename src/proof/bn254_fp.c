/* Arithmetic modulo BN254's p; see bn254_fp.h. Constants follow from p by their comments. */
#include "proof/bn254_fp.h"

const struct fp fp_zero;
const struct fp fp_one = { /* 2^256 mod p */
    { 0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f } };

static const struct fp to_montgomery = { /* 2^512 mod p */
    { 0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6, 0x06d89f71cab8351f } };

static const uint64_t p_less_two[LIMBS] = { 0x3c208c16d87cfd45, 0x97816a916871ca8d, 0xb85045b68181585d,
                                            0x30644e72e131a029 };

void fp_multiply(struct fp *out, const struct fp *a, const struct fp *b)
{
    limbs_multiply(out->limb, a->limb, b->limb, &fp_modulus);
}

void fp_square(struct fp *out, const struct fp *a)
{
    limbs_multiply(out->limb, a->limb, a->limb, &fp_modulus);
}

void fp_invert(struct fp *out, const struct fp *a)
{
    struct fp power[16]; /* a^0 … a^15: the exponent is read four bits at a time */
    struct fp result = fp_one;

    power[0] = fp_one;
    for (size_t i = 1; i < 16; i++)
        fp_multiply(&power[i], &power[i - 1], a);
    for (size_t i = 64; i-- > 0;) {
        for (size_t j = 0; j < 4; j++)
            fp_square(&result, &result);
        fp_multiply(&result, &result, &power[p_less_two[i / 16] >> (4 * (i % 16)) & 15]);
    }
    *out = result;
}

bool fp_from_bytes(struct fp *out, const uint8_t in[FIELD_BYTES])
{
    struct fp plain;

    limbs_from_big_endian(plain.limb, in);
    if (!limbs_below(plain.limb, fp_modulus.limb))
        return false;
    fp_multiply(out, &plain, &to_montgomery);
    return true;
}

void fp_to_bytes(uint8_t out[FIELD_BYTES], const struct fp *a)
{
    static const struct fp one = { { 1 } };
    struct fp plain;

    fp_multiply(&plain, a, &one);
    limbs_to_big_endian(out, plain.limb);
}

bool fp_from_montgomery_bytes(struct fp *out, const uint8_t in[FIELD_BYTES])
{
    struct fp element;

    limbs_from_little_endian(element.limb, in);
    if (!limbs_below(element.limb, fp_modulus.limb))
        return false;
    *out = element;
    return true;
}
