/* Groth16 on snarkjs's files, for tests that drive snarkjs or a second implementation too. Not installed.
 *   verify VERIFICATION_KEY.json PROOF.json PUBLIC.json     prints the verdict; status 1 unless it is valid
 *   prove CIRCUIT.zkey WITNESS.wtns PROOF.json PUBLIC.json  writes the last two
 *   key CIRCUIT.zkey VERIFICATION_KEY.json                  writes the verification key that is in the first
 *   contract    for each line "add|mul|pairing HEX" of standard input what the EVM answers, or "failure" */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/bn254_precompile.h"
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

#define LINE_MAX_SIZE ((size_t)1 << 20)
static int contracts(void)
{
    AUTO_FREE char *line = memory_new(LINE_MAX_SIZE);
    CLEANUP(buffer_close) struct buffer input = { 0 };
    uint8_t out[PRECOMPILE_POINT_BYTES];
    char text[2 * PRECOMPILE_POINT_BYTES + 1];

    buffer_init(&input);
    while (fgets(line, LINE_MAX_SIZE, stdin) != NULL) {
        char *hex = strchr(line, ' ');
        if (hex == NULL)
            return 65;
        *hex++ = '\0';
        size_t size = strcspn(hex, "\n") / 2, out_size = PRECOMPILE_POINT_BYTES;
        bool done;
        buffer_clear(&input);
        if (!hex_decode(buffer_reserve(&input, size + 1), size, hex, strcspn(hex, "\n")))
            return 65;
        input.size = size;
        if (strcmp(line, "add") == 0) {
            done = bn254_precompile_add(out, buffer_bytes(&input));
        } else if (strcmp(line, "mul") == 0) {
            done = bn254_precompile_multiply(out, buffer_bytes(&input));
        } else if (strcmp(line, "pairing") == 0) {
            done = bn254_precompile_pairing(out, buffer_bytes(&input));
            out_size = PRECOMPILE_WORD_BYTES;
        } else {
            return 64;
        }
        hex_text(text, out, out_size);
        puts(done ? text : "failure");
        fflush(stdout);
    }
    return 0;
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
    else if (count == 2 && strcmp(argument[1], "contract") == 0)
        return contracts();
    else {
        fputs("groth16_files verify KEY PROOF PUBLIC | prove ZKEY WTNS PROOF PUBLIC | key ZKEY KEY | "
              "contract\n",
              stderr);
        return 64;
    }
    puts(groth16_verdict_name(verdict));
    if (verdict != GROTH16_VALID)
        fprintf(stderr, "%s\n", error.message);
    return verdict == GROTH16_VALID ? 0 : 1;
}
