/* The EVM's view of BN254; see bn254_precompile.h. */
#include "proof/bn254_precompile.h"

#include <string.h>

#include "base/memory.h"
#include "proof/bn254_pairing.h"

#define PAIRS_AT_ONCE 16 /* share one loop; bounds the memory of a long input */

static void padded(uint8_t *out, size_t size, struct bytes input)
{
    memset(out, 0, size);
    if (input.size > 0)
        memcpy(out, input.data, input.size < size ? input.size : size);
}

static void point_out(uint8_t out[PRECOMPILE_POINT_BYTES], const struct g1 *a)
{
    struct g1_affine affine;

    g1_to_affine(&affine, a);
    g1_affine_to_bytes(out, &affine);
}

bool bn254_precompile_add(uint8_t out[PRECOMPILE_POINT_BYTES], struct bytes input)
{
    uint8_t in[2 * PRECOMPILE_POINT_BYTES];
    struct g1_affine a, b;
    struct g1 sum;

    padded(in, sizeof in, input);
    if (!g1_affine_from_bytes(&a, in) || !g1_affine_from_bytes(&b, in + PRECOMPILE_POINT_BYTES))
        return false;
    g1_from_affine(&sum, &a);
    g1_add_affine(&sum, &sum, &b);
    point_out(out, &sum);
    return true;
}

bool bn254_precompile_multiply(uint8_t out[PRECOMPILE_POINT_BYTES], struct bytes input)
{
    uint8_t in[PRECOMPILE_POINT_BYTES + PRECOMPILE_WORD_BYTES];
    struct g1_affine a;
    struct fr_plain factor;
    struct g1 product;

    padded(in, sizeof in, input);
    if (!g1_affine_from_bytes(&a, in))
        return false;
    limbs_from_big_endian(factor.limb, in + PRECOMPILE_POINT_BYTES);
    g1_multiply(&product, &a, &factor);
    point_out(out, &product);
    return true;
}

bool bn254_precompile_pairing(uint8_t out[PRECOMPILE_WORD_BYTES], struct bytes input)
{
    AUTO_FREE struct g2_prepared *prepared = memory_array(PAIRS_AT_ONCE, sizeof *prepared);
    struct pairing_term terms[PAIRS_AT_ONCE];
    struct fp12 product = fp12_one, part;
    struct g2_affine q;

    if (input.size % PRECOMPILE_PAIR_BYTES != 0)
        return false;
    for (size_t at = 0; at < input.size;) {
        size_t count = 0;
        for (; count < PAIRS_AT_ONCE && at < input.size; count++, at += PRECOMPILE_PAIR_BYTES) {
            if (!g1_affine_from_bytes(&terms[count].p, input.data + at) ||
                !g2_affine_from_bytes(&q, input.data + at + G1_BYTES))
                return false;
            g2_prepare(&prepared[count], &q);
            terms[count].q = &prepared[count];
        }
        pairing_loop(&part, terms, count);
        fp12_multiply(&product, &product, &part);
    }
    final_exponentiation(&product, &product);
    memset(out, 0, PRECOMPILE_WORD_BYTES);
    out[PRECOMPILE_WORD_BYTES - 1] = fp12_equal(&product, &fp12_one) ? 1 : 0;
    return true;
}
