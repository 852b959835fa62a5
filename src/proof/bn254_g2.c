/* The second group of BN254; see bn254_g2.h. */
#include "proof/bn254_g2.h"

#include "base/memory.h"
#include "base/status.h"
#include "proof/bn254_fp12.h"
#include "proof/bn254_parallel.h"

const struct g2_affine g2_generator = { /* EIP-197's P2, in Montgomery form */
    { { { 0x8e83b5d102bc2026, 0xdceb1935497b0172, 0xfbb8264797811adf, 0x19573841af96503b } },
      { { 0xafb4737da84c6140, 0x6043dd5a5802d8c4, 0x09e950fc52a02f86, 0x14fef0833aea7b6b } } },
    { { { 0x619dfa9d886be9f6, 0xfe7fd297f59e9b78, 0xff9e1a62231b7dfe, 0x28fd7eebae9e4206 } },
      { { 0x64095b56c71856ee, 0xdc57f922327d3cbb, 0x55f935be33351076, 0x0da4a0e693fd6482 } } }
};

static const struct fp2 curve_b = { /* 3/(9 + i) */
    { { 0x3bf938e377b802a8, 0x020b1b273633535d, 0x26b7edf049755260, 0x2514c6324384a86d } },
    { { 0x38e7ecccd1dcff67, 0x65f0b37d93ce0d3e, 0xd749d0dd22ac00aa, 0x0141b9ce4a688d4d } }
};

/* 6u² = t − 1, t the trace of Frobenius: ψ acts on the subgroup as p, and p ≡ t − 1 modulo r. */
static const struct fr_plain six_u_squared = { { 0xf83e9682e87cfd46, 0x6f4d8248eeb859fb, 0, 0 } };

#define FIELD(name) fp2_##name
#define ELEMENT struct fp2
#define GROUP(name) g2_##name
#define AFFINE struct g2_affine
#define POINT struct g2
#include "proof/bn254_curve.inc"

/* Untwist (x·w², y·w³), Frobenius, twist: x^p·ξ^((p−1)/3), y^p·ξ^((p−1)/2). */
void g2_affine_frobenius(struct g2_affine *out, const struct g2_affine *a)
{
    fp2_conjugate(&out->x, &a->x);
    fp2_conjugate(&out->y, &a->y);
    fp2_multiply(&out->x, &out->x, &frobenius_factor[2]);
    fp2_multiply(&out->y, &out->y, &frobenius_factor[3]);
}

/* ψ(Q) = [6u²]Q holds on the subgroup and nowhere else on the twist: ψ² − tψ + p = 0 there, so that a point
 * with ψ(Q) = [t − 1]Q has order dividing (t − 1)² − t(t − 1) + p = p + 1 − t = r, and the twist's other
 * factor is prime to r. (Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly
 * curves", 2021.) */
bool g2_affine_in_subgroup(const struct g2_affine *a)
{
    struct g2_affine left;
    struct g2 right;

    if (g2_affine_is_infinity(a))
        return true;
    g2_affine_frobenius(&left, a);
    fp2_negate(&left.y, &left.y);
    g2_multiply(&right, a, &six_u_squared);
    g2_add_affine(&right, &right, &left);
    return g2_is_infinity(&right);
}

bool g2_affine_from_bytes(struct g2_affine *out, const uint8_t in[G2_BYTES])
{
    struct g2_affine point;

    if (!fp_from_bytes(&point.x.c1, in) || !fp_from_bytes(&point.x.c0, in + FIELD_BYTES) ||
        !fp_from_bytes(&point.y.c1, in + (size_t)2 * FIELD_BYTES) ||
        !fp_from_bytes(&point.y.c0, in + (size_t)3 * FIELD_BYTES))
        return false;
    if (!g2_affine_is_infinity(&point) && !(g2_affine_on_curve(&point) && g2_affine_in_subgroup(&point)))
        return false;
    *out = point;
    return true;
}

void g2_affine_to_bytes(uint8_t out[G2_BYTES], const struct g2_affine *a)
{
    fp_to_bytes(out, &a->x.c1);
    fp_to_bytes(out + FIELD_BYTES, &a->x.c0);
    fp_to_bytes(out + (size_t)2 * FIELD_BYTES, &a->y.c1);
    fp_to_bytes(out + (size_t)3 * FIELD_BYTES, &a->y.c0);
}
