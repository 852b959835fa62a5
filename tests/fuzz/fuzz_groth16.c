/* snarkjs's JSON files and the canonical bytes, from anybody: as a verification key, a proof, and public
 * inputs. What is taken is the same when it is written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/snarkjs_json.h"

#define FUZZ_SIZE_MAX 16384

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

/* Canonical bytes with their header and sizes put right, and coordinates that small multiples of the
 * generators have, so that the fuzzer gets behind the first checks. */
static void near_check(const uint8_t *data, size_t size)
{
    uint8_t bytes[GROTH16_PROOF_BYTES] = "lypf\1\1";
    struct fr_plain factor = { { 0 } };
    struct g1_affine a;
    struct g2_affine b;
    struct g1 p;
    struct g2 q;

    if (size < 5)
        return;
    factor.limb[0] = (uint64_t)data[0] + 1;
    g1_multiply(&p, &g1_generator, &factor);
    g1_to_affine(&a, &p);
    g2_multiply(&q, &g2_generator, &factor);
    g2_to_affine(&b, &q);
    g1_affine_to_bytes(bytes + GROTH16_HEADER_BYTES, &a);
    g2_affine_to_bytes(bytes + GROTH16_HEADER_BYTES + G1_BYTES, &b);
    g1_affine_to_bytes(bytes + GROTH16_HEADER_BYTES + G1_BYTES + G2_BYTES, &a);
    for (size_t i = 1; i + 2 < size && i < 16; i += 3)
        bytes[(size_t)(data[i] << 8 | data[i + 1]) % sizeof bytes] ^= data[i + 2];
    proof_check(bytes_of(bytes, sizeof bytes), false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_SIZE_MAX)
        return 0;
    struct bytes in = bytes_of(data, size);
    crypto_start();
    key_check(in, true);
    key_check(in, false);
    proof_check(in, true);
    proof_check(in, false);
    inputs_check(in);
    near_check(data, size);
    return 0;
}
