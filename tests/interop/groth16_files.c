/* Groth16 on snarkjs's files, for tests that drive snarkjs too. Not installed.
 *   groth16_files verify VERIFICATION_KEY.json PROOF.json PUBLIC.json    prints the verdict; status 1 unless
 * valid groth16_files prove CIRCUIT.zkey WITNESS.wtns PROOF.json PUBLIC.json writes both groth16_files key
 * CIRCUIT.zkey VERIFICATION_KEY.json                 writes the key that the circuit's has in it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/snarkjs_binary.h"
#include "proof/snarkjs_json.h"

#define FILE_MAX ((size_t)1 << 30)
#define THREADS 2

static struct error error;

static struct buffer file_read(const char *path)
{
    struct buffer out;
    FILE *file = fopen(path, "rb");
    size_t got;

    if (file == NULL) {
        perror(path);
        exit(66);
    }
    buffer_init(&out);
    while (out.size < FILE_MAX && (got = fread(buffer_reserve(&out, 65536), 1, 65536, file)) > 0)
        out.size += got;
    fclose(file);
    return out;
}

static void file_write(const char *path, const struct buffer *content)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(content->data, 1, content->size, file) != content->size || fclose(file) != 0) {
        perror(path);
        exit(73);
    }
}

static enum groth16_verdict verify(char **path)
{
    CLEANUP(buffer_close) struct buffer key_text = file_read(path[0]), proof_text = file_read(path[1]),
                                        inputs_text = file_read(path[2]);
    CLEANUP(buffer_close) struct buffer inputs = { 0 };
    CLEANUP(groth16_key_close) struct groth16_key key = { 0 };
    struct groth16_proof proof;

    buffer_init(&inputs);
    TRY_VERDICT(snarkjs_key_read(buffer_bytes(&key_text), &key, &error));
    TRY_VERDICT(snarkjs_proof_read(buffer_bytes(&proof_text), &proof, &error));
    TRY_VERDICT(snarkjs_inputs_read(buffer_bytes(&inputs_text), &inputs, &error));
    struct groth16_prepared *prepared = groth16_prepare(&key);
    enum groth16_verdict verdict = groth16_verify(prepared, &proof, buffer_bytes(&inputs), &error);
    groth16_prepared_free(prepared);
    return verdict;
}

static enum groth16_verdict prove(char **path)
{
    CLEANUP(buffer_close) struct buffer zkey = file_read(path[0]), wtns = file_read(path[1]);
    CLEANUP(buffer_close) struct buffer inputs = { 0 }, proof_text = { 0 }, inputs_text = { 0 };
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key = { 0 };
    CLEANUP(groth16_witness_close) struct groth16_witness witness = { 0 };
    struct groth16_proof proof;

    buffer_init(&inputs);
    buffer_init(&proof_text);
    buffer_init(&inputs_text);
    TRY_VERDICT(snarkjs_zkey_read(buffer_bytes(&zkey), &key, &error));
    TRY_VERDICT(snarkjs_wtns_read(buffer_bytes(&wtns), &witness, &error));
    TRY_VERDICT(groth16_prove(&key, &witness, THREADS, &proof, &inputs, &error));
    snarkjs_proof_write(&proof, &proof_text);
    snarkjs_inputs_write(buffer_bytes(&inputs), &inputs_text);
    file_write(path[2], &proof_text);
    file_write(path[3], &inputs_text);
    return GROTH16_VALID;
}

static enum groth16_verdict key_write(char **path)
{
    CLEANUP(buffer_close) struct buffer zkey = file_read(path[0]), text = { 0 };
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key = { 0 };

    buffer_init(&text);
    TRY_VERDICT(snarkjs_zkey_read(buffer_bytes(&zkey), &key, &error));
    snarkjs_key_write(&key.key, &text);
    file_write(path[1], &text);
    return GROTH16_VALID;
}

int main(int count, char **argument)
{
    enum groth16_verdict verdict;

    crypto_start();
    if (count == 5 && strcmp(argument[1], "verify") == 0)
        verdict = verify(argument + 2);
    else if (count == 6 && strcmp(argument[1], "prove") == 0)
        verdict = prove(argument + 2);
    else if (count == 4 && strcmp(argument[1], "key") == 0)
        verdict = key_write(argument + 2);
    else
        return fputs("groth16_files verify KEY PROOF PUBLIC | prove ZKEY WTNS PROOF PUBLIC | key ZKEY KEY\n",
                     stderr),
               64;
    puts(groth16_verdict_name(verdict));
    if (verdict != GROTH16_VALID)
        fprintf(stderr, "%s\n", error.message);
    return verdict == GROTH16_VALID ? 0 : 1;
}
