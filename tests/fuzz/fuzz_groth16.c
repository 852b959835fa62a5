/* snarkjs's JSON files and the canonical bytes, from anybody: as a verification key, a proof, and public
 * inputs. What is taken is the same when it is written and read again. And the verifier: its verdict is that
 * of arithmetic where all logarithms are known. */
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
    const struct fr_plain two = { { 2 } }, three = { { 3 } };
    struct g1_affine ic[3] = { g1_generator, g1_generator, g1_generator };
    struct groth16_key key = { g1_generator, g2_generator, g2_generator, g2_generator, 2, ic };
    struct g1 doubled;
    struct g2 gamma, delta;
    struct groth16_proof proof = { g1_generator, g2_generator, g1_generator };

    crypto_start();
    buffer_init(&good_key);
    buffer_init(&good_proof);
    g1_multiply(&doubled, &g1_generator, &two); /* a key with points that are the same is refused at once */
    g1_to_affine(&ic[2], &doubled);
    g2_multiply(&gamma, &g2_generator, &two);
    g2_to_affine(&key.gamma, &gamma);
    g2_multiply(&delta, &g2_generator, &three);
    g2_to_affine(&key.delta, &delta);
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

/* Of a key with alpha = 1, beta = 1, gamma = 2, delta = 3 and IC = 1, 1, 2 (times the generators), a proof
 * (a, b, c) holds for the inputs i and k exactly when a·b = 1 + 2·(1 + i + 2·k) + 3·c. The input chooses all
 * but one of them; half the time that one is what makes it hold. */
static void verify_check(const uint8_t *data)
{
    static struct groth16_prepared *prepared;
    CLEANUP(groth16_key_close) struct groth16_key key = { 0 };
    uint8_t inputs[2 * FIELD_BYTES] = { 0 };
    struct groth16_proof proof;
    struct fr_plain plain;
    struct fr a, b, c, rest, three, inverse;
    struct error error;
    struct g1 p;
    struct g2 q;

    if (prepared == NULL) {
        INVARIANT(snarkjs_key_read(buffer_bytes(&good_key), &key, &error) == GROTH16_VALID, "%s",
                  error.message);
        prepared = groth16_prepare(&key);
    }
    fr_set(&a, (uint64_t)data[0] + 1);
    fr_set(&b, (uint64_t)data[1] + 1);
    inputs[FIELD_BYTES - 1] = data[2];
    inputs[2 * FIELD_BYTES - 1] = data[3];
    fr_set(&three, 3);
    fr_invert(&inverse, &three);
    fr_multiply(&c, &a, &b);
    fr_set(&rest, 1 + 2 * (1 + (uint64_t)data[2] + 2 * (uint64_t)data[3]));
    fr_subtract(&c, &c, &rest);
    fr_multiply(&c, &c, &inverse);
    bool holds = data[4] % 2 == 0;
    if (!holds)
        fr_add(&c, &c, &fr_one);
    if (fr_is_zero(&c))
        return;
    fr_to_plain(&plain, &a);
    g1_multiply(&p, &g1_generator, &plain);
    g1_to_affine(&proof.a, &p);
    fr_to_plain(&plain, &b);
    g2_multiply(&q, &g2_generator, &plain);
    g2_to_affine(&proof.b, &q);
    fr_to_plain(&plain, &c);
    g1_multiply(&p, &g1_generator, &plain);
    g1_to_affine(&proof.c, &p);
    enum groth16_verdict verdict = groth16_verify(prepared, &proof, bytes_of(inputs, sizeof inputs), &error);
    INVARIANT(verdict == (holds ? GROTH16_VALID : GROTH16_EQUATION), "the verifier says %s",
              groth16_verdict_name(verdict));
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
    if (size >= 8 && data[size - 1] % KEY_SHARE == 1) /* so does a verdict */
        verify_check(data);
    if (size > 0 && data[size - 1] % KEY_SHARE == 0) /* a key takes longest */
        edited_check(&good_key, key_check, data, size);
    else if (size > 0 && data[size - 1] % 2 == 0)
        edited_check(&good_proof, proof_check, data, size);
    else
        near_check(data, size);
    return 0;
}
