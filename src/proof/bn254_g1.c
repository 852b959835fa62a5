/* The first group of BN254; see bn254_g1.h. */
#include "proof/bn254_g1.h"

#include "base/memory.h"
#include "base/status.h"
#include "proof/bn254_parallel.h"

const struct g1_affine g1_generator = { /* (1, 2) in Montgomery form */
    { { 0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f } },
    { { 0xa6ba871b8b1e1b3a, 0x14f1d651eb8e167b, 0xccdd46def0f28c58, 0x1c14ef83340fbe5e } }
};

static const struct fp curve_b = { /* 3 */
    { 0x7a17caa950ad28d7, 0x1f6ac17ae15521b9, 0x334bea4e696bd284, 0x2a1f6744ce179d8e } };

#define FIELD(name) fp_##name
#define ELEMENT struct fp
#define GROUP(name) g1_##name
#define AFFINE struct g1_affine
#define POINT struct g1
#include "proof/bn254_curve.inc"

bool g1_affine_from_bytes(struct g1_affine *out, const uint8_t in[G1_BYTES])
{
    struct g1_affine point;

    if (!fp_from_bytes(&point.x, in) || !fp_from_bytes(&point.y, in + FIELD_BYTES))
        return false;
    if (!g1_affine_is_infinity(&point) && !g1_affine_on_curve(&point))
        return false;
    *out = point;
    return true;
}

void g1_affine_to_bytes(uint8_t out[G1_BYTES], const struct g1_affine *a)
{
    fp_to_bytes(out, &a->x);
    fp_to_bytes(out + FIELD_BYTES, &a->y);
}
