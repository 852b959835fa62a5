/* .zkey files from anybody, and edits of a small good one made here: refused, or a proving key with which
 * proving ends, and whose proofs hold for the verification key that is in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/snarkjs_binary.h"

#define FUZZ_SIZE_MAX 8192
#define VARIABLES_MAX 64 /* larger circuits take too long to prove here */
#define ROWS_BITS_MAX 6
#define EDIT_SIZE 3 /* place (2 bytes), what is changed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer good;

static void put_little(struct buffer *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer_append(out, &(uint8_t){ (uint8_t)(value >> (8 * i)) }, 1);
}

static void put_limbs(struct buffer *out, const uint64_t limb[LIMBS])
{
    for (size_t i = 0; i < LIMBS; i++)
        put_little(out, limb[i], 8);
}

static void put_section(struct buffer *out, uint32_t number, uint64_t size)
{
    put_little(out, number, 4);
    put_little(out, size, 8);
}

static void put_g1(struct buffer *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_limbs(out, g1_generator.x.limb);
        put_limbs(out, g1_generator.y.limb);
    }
}

static void put_g2(struct buffer *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_limbs(out, g2_generator.x.c0.limb);
        put_limbs(out, g2_generator.x.c1.limb);
        put_limbs(out, g2_generator.y.c0.limb);
        put_limbs(out, g2_generator.y.c1.limb);
    }
}

static void put_g2_multiple(struct buffer *out, uint64_t factor)
{
    const struct fr_plain plain = { { factor } };
    struct g2_affine point;
    struct g2 product;

    g2_multiply(&product, &g2_generator, &plain);
    g2_to_affine(&point, &product);
    put_limbs(out, point.x.c0.limb);
    put_limbs(out, point.x.c1.limb);
    put_limbs(out, point.y.c0.limb);
    put_limbs(out, point.y.c1.limb);
}

/* A file in perfect form about no circuit: every point is the generator, but beta, gamma and delta, which
 * must be different. Three variables, one public, two rows. */
static void good_file(struct buffer *out)
{
    buffer_append(out, "zkey\1\0\0\0\12\0\0\0", 12);
    put_section(out, 1, 4);
    put_little(out, 1, 4);
    put_section(out, 2, 84 + 3 * G1_BYTES + 3 * G2_BYTES);
    put_little(out, FIELD_BYTES, 4);
    put_limbs(out, fp_modulus.limb);
    put_little(out, FIELD_BYTES, 4);
    put_limbs(out, fr_modulus.limb);
    put_little(out, 3, 4);
    put_little(out, 1, 4);
    put_little(out, 2, 4);
    put_g1(out, 2);
    put_g2_multiple(out, 2);
    put_g2_multiple(out, 3);
    put_g1(out, 1);
    put_g2_multiple(out, 4);
    put_section(out, 3, 2 * G1_BYTES);
    put_g1(out, 2);
    put_section(out, 4, 4 + 2 * 44);
    put_little(out, 2, 4);
    for (uint32_t i = 0; i < 2; i++) {
        put_little(out, i, 4);
        put_little(out, i, 4);
        put_little(out, i + 1, 4);
        put_limbs(out, fr_one.limb);
    }
    put_section(out, 5, 3 * G1_BYTES);
    put_g1(out, 3);
    put_section(out, 6, 3 * G1_BYTES);
    put_g1(out, 3);
    put_section(out, 7, 3 * G2_BYTES);
    put_g2(out, 3);
    put_section(out, 8, G1_BYTES);
    put_g1(out, 1);
    put_section(out, 9, 2 * G1_BYTES);
    put_g1(out, 2);
    put_section(out, 10, 0);
}

static void file_check(struct bytes file, bool must_be_read)
{
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key = { 0 };
    CLEANUP(groth16_witness_close) struct groth16_witness witness = { 0 };
    CLEANUP(buffer_close) struct buffer inputs = { 0 };
    struct groth16_proof proof;
    struct error error;

    buffer_init(&inputs);
    enum groth16_verdict verdict = snarkjs_zkey_read(file, &key, &error);
    INVARIANT(verdict == GROTH16_VALID || !must_be_read, "the good file is refused: %s", error.message);
    if (verdict != GROTH16_VALID || key.variables > VARIABLES_MAX || key.domain_bits > ROWS_BITS_MAX)
        return;
    witness.count = key.variables;
    witness.value = memory_array(witness.count, sizeof *witness.value);
    for (size_t i = 0; i < witness.count; i++)
        witness.value[i].limb[0] = i + 1;
    if (groth16_prove(&key, &witness, 1, &proof, &inputs, &error) != GROTH16_VALID)
        return;
    struct groth16_prepared *prepared = groth16_prepare(&key.key);
    INVARIANT(groth16_verify(prepared, &proof, buffer_bytes(&inputs), &error) == GROTH16_VALID,
              "a proof was given out that does not hold");
    groth16_prepared_free(prepared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer edited = { 0 };

    if (size > FUZZ_SIZE_MAX)
        return 0;
    if (good.data == NULL) {
        crypto_start();
        buffer_init(&good);
        good_file(&good);
        file_check(buffer_bytes(&good), true);
    }
    file_check(bytes_of(data, size), false);
    buffer_init(&edited);
    buffer_append(&edited, good.data, good.size);
    for (size_t i = 0; i + EDIT_SIZE <= size && i < 8 * EDIT_SIZE; i += EDIT_SIZE)
        edited.data[(size_t)(data[i] << 8 | data[i + 1]) % edited.size] ^= data[i + 2];
    file_check(buffer_bytes(&edited), false);
    return 0;
}
