/* The EVM's three contracts over BN254, with input from anybody: what they answer must agree with itself.
 * Good points come about rarely by chance, so the input also chooses multiples of the generators. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/bn254_g2.h"
#include "proof/bn254_g1.h"
#include "proof/bn254_precompile.h"

#define FUZZ_SIZE_MAX (3 * PRECOMPILE_PAIR_BYTES)
#define POINT PRECOMPILE_POINT_BYTES

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void g1_put(uint8_t out[POINT], uint8_t multiple)
{
    const struct fr_plain factor = { { multiple } };
    struct g1_affine affine;
    struct g1 point;

    g1_multiply(&point, &g1_generator, &factor);
    g1_to_affine(&affine, &point);
    g1_affine_to_bytes(out, &affine);
}

/* Sums do not depend on the order, a sum of the answer and nothing is the answer. */
static void add_check(struct bytes in)
{
    uint8_t both[2 * POINT] = { 0 }, swapped[2 * POINT], sum[POINT], other[POINT];

    memcpy(both, in.data, in.size < sizeof both ? in.size : sizeof both);
    memcpy(swapped, both + POINT, POINT);
    memcpy(swapped + POINT, both, POINT);
    bool taken = bn254_precompile_add(sum, in);
    INVARIANT(bn254_precompile_add(other, bytes_of(swapped, sizeof swapped)) == taken, "order decides");
    if (!taken)
        return;
    INVARIANT(memcmp(sum, other, POINT) == 0, "a + b is not b + a");
    INVARIANT(bn254_precompile_add(other, bytes_of(sum, POINT)) && memcmp(sum, other, POINT) == 0,
              "a sum is no point, or a + 0 is not a");
}

/* (k + 1)·P is k·P + P, for any k but the largest. */
static void multiply_check(struct bytes in)
{
    uint8_t next[POINT + PRECOMPILE_WORD_BYTES] = { 0 }, both[2 * POINT], product[POINT], expected[POINT];

    memcpy(next, in.data, in.size < sizeof next ? in.size : sizeof next);
    if (!bn254_precompile_multiply(product, in))
        return;
    memcpy(both, product, POINT);
    memcpy(both + POINT, next, POINT);
    for (size_t i = sizeof next; i-- > POINT && ++next[i] == 0;)
        if (i == POINT)
            return;
    INVARIANT(bn254_precompile_add(expected, bytes_of(both, sizeof both)), "a product is no point");
    INVARIANT(bn254_precompile_multiply(product, bytes_of(next, sizeof next)) &&
              memcmp(product, expected, POINT) == 0, "(k + 1)·P is not k·P + P");
}

/* e(a·G, b·H)·e(c·G, H) is one exactly when a·b + c is 0 modulo r; here c is below 256 or -(a·b). */
static void pairing_check(uint8_t a, uint8_t b, uint8_t c)
{
    uint8_t in[2 * PRECOMPILE_PAIR_BYTES], word[PRECOMPILE_WORD_BYTES];
    struct fr_plain factor = { { b } };
    struct g1_affine affine;
    struct g2_affine g2;
    struct g2 point;
    struct g1 minus;
    bool cancels = c % 2 == 0;

    g1_put(in, a);
    g2_multiply(&point, &g2_generator, &factor);
    g2_to_affine(&g2, &point);
    g2_affine_to_bytes(in + POINT, &g2);
    factor.limb[0] = cancels ? (uint64_t)a * b : c;
    g1_multiply(&minus, &g1_generator, &factor);
    g1_to_affine(&affine, &minus);
    if (cancels)
        g1_affine_negate(&affine, &affine);
    g1_affine_to_bytes(in + PRECOMPILE_PAIR_BYTES, &affine);
    g2_affine_to_bytes(in + PRECOMPILE_PAIR_BYTES + POINT, &g2_generator);
    INVARIANT(bn254_precompile_pairing(word, bytes_of(in, sizeof in)), "good points are refused");
    INVARIANT(word[PRECOMPILE_WORD_BYTES - 1] == (cancels ? 1 : 0), "a product of pairings is wrong");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t word[PRECOMPILE_WORD_BYTES], near[2 * POINT];

    if (size > FUZZ_SIZE_MAX)
        return 0;
    crypto_start();
    add_check(bytes_of(data, size));
    multiply_check(bytes_of(data, size));
    if (bn254_precompile_pairing(word, bytes_of(data, size)))
        INVARIANT(size % PRECOMPILE_PAIR_BYTES == 0 && word[PRECOMPILE_WORD_BYTES - 1] <= 1, "no verdict");
    if (size < 4)
        return 0;
    g1_put(near, data[0]);
    g1_put(near + POINT, data[1]);
    near[data[2] % sizeof near] ^= data[3];
    add_check(bytes_of(near, sizeof near));
    memcpy(near + POINT, data, size < POINT ? size : POINT);
    multiply_check(bytes_of(near, POINT + PRECOMPILE_WORD_BYTES));
    if (data[3] % 8 == 0) /* two pairings take longest */
        pairing_check(data[0], data[1], data[2]);
    return 0;
}
