/* The questions of proof_reference about BN254 and Groth16. */
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "base/buffer.h"
#include "proof/bn254_precompile.h"
#include "proof/groth16_prove.h"
#include "proof/snarkjs_binary.h"
#include "proof/snarkjs_json.h"
#include "proof_reference.h"

#define THREADS 2

static bool precompile_question(const char *what, char **rest)
{
    uint8_t out[PRECOMPILE_POINT_BYTES];
    size_t size = sizeof out;
    bool made;

    if (strcmp(what, "bn254_add") == 0) {
        made = bn254_precompile_add(out, bytes_word(rest));
    } else if (strcmp(what, "bn254_multiply") == 0) {
        made = bn254_precompile_multiply(out, bytes_word(rest));
    } else if (strcmp(what, "bn254_pairing") == 0) {
        made = bn254_precompile_pairing(out, bytes_word(rest));
        size = PRECOMPILE_WORD_BYTES;
    } else {
        return false;
    }
    if (made)
        answer_bytes(out, size);
    else
        refused();
    return true;
}

static bool groth16_valid(struct bytes key_text, struct bytes proof_text, struct bytes public_text)
{
    CLEANUP(groth16_key_close) struct groth16_key key;
    CLEANUP(buffer_close) struct buffer inputs;
    struct groth16_proof proof;
    struct error error;

    groth16_key_init(&key);
    buffer_init(&inputs);
    if (snarkjs_key_read(key_text, &key, &error) != GROTH16_VALID ||
        snarkjs_proof_read(proof_text, &proof, &error) != GROTH16_VALID ||
        snarkjs_inputs_read(public_text, &inputs, &error) != GROTH16_VALID)
        return false;
    struct groth16_prepared *prepared = groth16_prepare(&key);
    bool valid = groth16_verify(prepared, &proof, buffer_bytes(&inputs), &error) == GROTH16_VALID;
    groth16_prepared_free(prepared);
    return valid;
}

static void groth16_prove_question(struct bytes zkey, struct bytes wtns)
{
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key;
    CLEANUP(groth16_witness_close) struct groth16_witness witness;
    CLEANUP(buffer_close) struct buffer inputs, text, hex;
    struct groth16_proof proof;
    struct error error;

    groth16_proving_key_init(&key);
    groth16_witness_init(&witness);
    buffer_init(&inputs);
    buffer_init(&text);
    buffer_init(&hex);
    if (snarkjs_zkey_read(zkey, &key, &error) != GROTH16_VALID ||
        snarkjs_wtns_read(wtns, &witness, &error) != GROTH16_VALID ||
        groth16_prove(&key, &witness, THREADS, &proof, &inputs, &error) != GROTH16_VALID) {
        refused();
        return;
    }
    snarkjs_proof_write(&proof, &text);
    buffer_append_hex(&hex, text.data, text.size);
    buffer_append_text(&hex, " ");
    buffer_clear(&text);
    snarkjs_inputs_write(buffer_bytes(&inputs), &text);
    buffer_append_hex(&hex, text.data, text.size);
    puts(buffer_text(&hex));
}

static bool groth16_question(const char *what, char **rest)
{
    if (strcmp(what, "groth16_verify") == 0) {
        struct bytes key = bytes_word(rest), proof = bytes_word(rest), public = bytes_word(rest);
        answer_verdict(groth16_valid(key, proof, public));
    } else if (strcmp(what, "groth16_prove") == 0) {
        struct bytes zkey = bytes_word(rest), wtns = bytes_word(rest);
        groth16_prove_question(zkey, wtns);
    } else {
        return false;
    }
    return true;
}

bool pairing_question(const char *what, char **rest)
{
    return precompile_question(what, rest) || groth16_question(what, rest);
}
