/* snarkjs's JSON files and the canonical bytes, from anybody: as a verification key, a proof, and public
 * inputs. What is taken is the same when it is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/snarkjs_json.h"

#define FUZZ_SIZE_MAX 16384
#define EDIT_SIZE 3 /* place (2 bytes), what is changed */
#define EDITS_MAX 8
#define KEY_SHARE 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_check(struct bytes in, bool text)
{
    CLEANUP(groth16_key_close) struct groth16_key key = { 0 }, again = { 0 };
    CLEANUP(buffer_close) struct buffer out = { 0 }, bytes = { 0 }, bytes_again = { 0 };
    struct error error;

    buffer_init(&out);
    buffer_init(&bytes);
    buffer_init(&bytes_again);
    if ((text ? snarkjs_key_read(in, &key, &error) : groth16_key_decode(in, &key, &error)) != GROTH16_VALID)
        return;
    groth16_key_encode(&key, &bytes);
    INVARIANT(text || bytes_equal(in, buffer_bytes(&bytes)), "a key has two forms");
    snarkjs_key_write(&key, &out);
    INVARIANT(snarkjs_key_read(buffer_bytes(&out), &again, &error) == GROTH16_VALID, "%s", error.message);
    groth16_key_encode(&again, &bytes_again);
    INVARIANT(bytes_equal(buffer_bytes(&bytes), buffer_bytes(&bytes_again)), "a key comes back as another");
}

static void proof_check(struct bytes in, bool text)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    uint8_t bytes[GROTH16_PROOF_BYTES], bytes_again[GROTH16_PROOF_BYTES];
    struct groth16_proof proof, again;
    struct error error;

    buffer_init(&out);
    if ((text ? snarkjs_proof_read(in, &proof, &error) : groth16_proof_decode(in, &proof, &error)) !=
        GROTH16_VALID)
        return;
    groth16_proof_encode(&proof, bytes);
    INVARIANT(text || bytes_equal(in, bytes_of(bytes, sizeof bytes)), "a proof has two forms");
    snarkjs_proof_write(&proof, &out);
    INVARIANT(snarkjs_proof_read(buffer_bytes(&out), &again, &error) == GROTH16_VALID, "%s", error.message);
    groth16_proof_encode(&again, bytes_again);
    INVARIANT(memcmp(bytes, bytes_again, sizeof bytes) == 0, "a proof comes back as another");
}

static void inputs_check(struct bytes in)
{
    CLEANUP(buffer_close) struct buffer inputs = { 0 }, out = { 0 }, again = { 0 };
    struct error error;

    buffer_init(&inputs);
    buffer_init(&out);
    buffer_init(&again);
    if (snarkjs_inputs_read(in, &inputs, &error) != GROTH16_VALID)
        return;
    snarkjs_inputs_write(buffer_bytes(&inputs), &out);
    INVARIANT(snarkjs_inputs_read(buffer_bytes(&out), &again, &error) == GROTH16_VALID, "%s", error.message);
    INVARIANT(bytes_equal(buffer_bytes(&inputs), buffer_bytes(&again)), "inputs come back as others");
}

/* A key and a proof in perfect form about nothing: multiples of the generators. */
static struct buffer good_key, good_proof;

static void start(void)
{
    struct g1_affine ic[3] = { g1_generator, g1_generator, g1_generator };
    struct groth16_key key = { g1_generator, g2_generator, g2_generator, g2_generator, 2, ic };
    struct groth16_proof proof = { g1_generator, g2_generator, g1_generator };

    crypto_start();
    buffer_init(&good_key);
    buffer_init(&good_proof);
    snarkjs_key_write(&key, &good_key);
    snarkjs_proof_write(&proof, &good_proof);
}

/* Those files with some bytes changed, so that the fuzzer gets behind the first checks. */
static void edited_check(const struct buffer *good, void (*check)(struct bytes in, bool text),
                         const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer edited = { 0 };

    buffer_init(&edited);
    buffer_append(&edited, good->data, good->size);
    for (size_t i = 0; i + EDIT_SIZE <= size && i < EDITS_MAX * EDIT_SIZE; i += EDIT_SIZE)
        edited.data[(size_t)(data[i] << 8 | data[i + 1]) % edited.size] ^= data[i + 2];
    check(buffer_bytes(&edited), true);
}

/* Canonical bytes of a proof from a multiple of the generators, changed likewise. */
static void near_check(const uint8_t *data, size_t size)
{
    uint8_t bytes[GROTH16_PROOF_BYTES];
    struct fr_plain factor = { { 0 } };
    struct groth16_proof proof;
    struct g1 p;
    struct g2 q;

    if (size == 0)
        return;
    factor.limb[0] = (uint64_t)data[0] + 1;
    g1_multiply(&p, &g1_generator, &factor);
    g1_to_affine(&proof.a, &p);
    g2_multiply(&q, &g2_generator, &factor);
    g2_to_affine(&proof.b, &q);
    proof.c = proof.a;
    groth16_proof_encode(&proof, bytes);
    for (size_t i = 1; i + EDIT_SIZE <= size && i < EDITS_MAX * EDIT_SIZE; i += EDIT_SIZE)
        bytes[(size_t)(data[i] << 8 | data[i + 1]) % sizeof bytes] ^= data[i + 2];
    proof_check(bytes_of(bytes, sizeof bytes), false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_SIZE_MAX)
        return 0;
    struct bytes in = bytes_of(data, size);
    if (good_key.data == NULL)
        start();
    key_check(in, true);
    key_check(in, false);
    proof_check(in, true);
    proof_check(in, false);
    inputs_check(in);
    if (size > 0 && data[size - 1] % KEY_SHARE == 0) /* a key takes longest */
        edited_check(&good_key, key_check, data, size);
    else if (size > 0 && data[size - 1] % 2 == 0)
        edited_check(&good_proof, proof_check, data, size);
    else
        near_check(data, size);
    return 0;
}
