/* Proofs, away from any node: `proof verify` judges a claim with its proof, or snarkjs's three files, by the
 * same functions as the node; `proof encode` makes canonical bytes of one of these. `proof prove` stands in
 * prove.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/claim_file.h"
#include "cli/word.h"
#include "crypto/hash.h"
#include "proof/snarkjs_json.h"

/* --- verdicts ------------------------------------------------------------------------------------------- */
/* What a verdict is about: a proof that holds is worth nothing to who does not know for what, and by whose
 * key. All of it but the system comes from the file, and so from a stranger. */
struct verdict {
    const char *system;
    const char *chain, *purpose; /* NULL: a proof that is bound to none by us */
    const struct hash *key;      /* groth16, when it could be read; else NULL */
    const char *error, *reason;  /* NULL: it holds */
};

static void print_verdict_json(const struct verdict *verdict)
{
    AUTO_JSON json_t *shown = json_pack("{s:b,s:s,s:b}", "valid", verdict->error == NULL, "system",
                                        verdict->system, "bound", verdict->chain != NULL);
    char hash[2 * sizeof(struct hash) + 1];

    if (verdict->chain != NULL) {
        json_object_set_new(shown, "chain", json_string(verdict->chain));
        json_object_set_new(shown, "purpose", json_string(verdict->purpose));
    }
    if (verdict->key != NULL) {
        hex_text(hash, verdict->key->bytes, sizeof verdict->key->bytes);
        json_object_set_new(shown, "key", json_string(hash));
    }
    if (verdict->error != NULL) {
        json_object_set_new(shown, "error", json_string(verdict->error));
        json_object_set_new(shown, "reason", json_string(verdict->reason));
    }
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
    puts(text);
}

/* In quotes, with line ends and the like escaped. */
static char *quoted(const char *text)
{
    AUTO_JSON json_t *value = json_string(text);
    return json_dumps(value, JSON_ENCODE_ANY);
}

static void print_valid(const struct verdict *verdict)
{
    char hash[2 * sizeof(struct hash) + 1];

    printf("valid (%s)", verdict->system);
    if (verdict->key != NULL) {
        hex_text(hash, verdict->key->bytes, sizeof verdict->key->bytes);
        printf(", by the key %s", hash);
    }
    if (verdict->chain != NULL) {
        AUTO_FREE char *chain = quoted(verdict->chain), *purpose = quoted(verdict->purpose);
        printf(", for the chain %s and the purpose %s alone\n", chain, purpose);
    } else {
        puts("; only its public inputs say what it is for");
    }
}

static int print_verdict(const struct cli *cli, const struct verdict *verdict)
{
    if (cli->json)
        print_verdict_json(verdict);
    else if (verdict->error != NULL)
        printf("not valid: %s: %s\n", verdict->error, verdict->reason);
    else
        print_valid(verdict);
    return verdict->error == NULL ? EXIT_DONE : EXIT_UNVERIFIED;
}

static int verify_claim(const struct cli *cli, struct bytes text)
{
    struct claim_file file CLEANUP(claim_file_close) = { .json = NULL };
    const struct claim *claim = &file.claim;
    struct error error;
    struct hash key;

    enum status status = json_parse((const char *)text.data, text.size, &file.json, &error);
    if (status == OK)
        status = claim_file_read(&file, cli->chain, &error);
    if (status != OK)
        return cli_usage("proof verify: %s", error.message);
    status = claim_verify(claim, file.proof, &key, &error);
    if (status == ERROR_INVALID_PARAMS)
        return cli_usage("proof verify: %s", error.message);
    bool bound = claim_is_bound(claim);
    const struct verdict verdict = { .system = claim_systems[claim->system],
                                     .chain = bound ? claim->chain : NULL,
                                     .purpose = bound ? claim->purpose : NULL,
                                     .key = status == OK && claim->system == CLAIM_GROTH16 ? &key : NULL,
                                     .error = status == OK ? NULL : status_name(status),
                                     .reason = error.message };
    return print_verdict(cli, &verdict);
}

/* --- snarkjs's files ------------------------------------------------------------------------------------ */
static void free_prepared(struct groth16_prepared **prepared)
{
    groth16_prepared_free(*prepared);
}

/* Which of the three files the verdict is about stands in *file, and the hash of a key that is one in
 * *hash. */
static enum groth16_verdict judge_files(struct bytes key_text, struct bytes inputs_text, struct bytes text,
                                        const char **file, struct hash *hash, struct error *error)
{
    struct groth16_prepared *prepared CLEANUP(free_prepared) = NULL;
    struct groth16_key key CLEANUP(groth16_key_close);
    struct buffer inputs CLEANUP(buffer_close) = { 0 };
    struct groth16_proof proof;

    groth16_key_init(&key);
    buffer_init(&inputs);
    *file = "verification key";
    TRY_VERDICT(snarkjs_key_read(key_text, &key, error));
    groth16_key_hash(&key, hash);
    *file = "public inputs";
    TRY_VERDICT(snarkjs_inputs_read(inputs_text, &inputs, error));
    *file = "proof";
    TRY_VERDICT(snarkjs_proof_read(text, &proof, error));
    prepared = groth16_prepare(&key);
    return groth16_verify(prepared, &proof, buffer_bytes(&inputs), error);
}

static int verify_files(const struct cli *cli, const char *key_path, const char *inputs_path,
                        const char *proof_path)
{
    struct buffer key CLEANUP(buffer_close) = { 0 }, inputs CLEANUP(buffer_close) = { 0 },
                  proof CLEANUP(buffer_close) = { 0 };
    const char *file;
    struct error error = { .message = "" };
    struct hash hash;

    buffer_init(&key);
    buffer_init(&inputs);
    buffer_init(&proof);
    if (argument_file(key_path, &key, &error) != OK || argument_file(inputs_path, &inputs, &error) != OK ||
        argument_file(proof_path, &proof, &error) != OK)
        return cli_usage("proof verify: %s", error.message);
    enum groth16_verdict judged = judge_files(buffer_bytes(&key), buffer_bytes(&inputs),
                                              buffer_bytes(&proof), &file, &hash, &error);
    AUTO_FREE char *reason = text_format("%s: %s", file, error.message);
    const struct verdict verdict = { .system = claim_systems[CLAIM_GROTH16],
                                     .key = judged == GROTH16_VALID ? &hash : NULL,
                                     .error = judged == GROTH16_VALID ? NULL : groth16_verdict_name(judged),
                                     .reason = reason };
    return print_verdict(cli, &verdict);
}

static int verify_folder(const struct cli *cli, const char *folder)
{
    AUTO_FREE char *key = text_format("%s/verification_key.json", folder);
    AUTO_FREE char *inputs = text_format("%s/public.json", folder);
    AUTO_FREE char *proof = text_format("%s/proof.json", folder);
    return verify_files(cli, key, inputs, proof);
}

static int verify(const struct cli *cli, const char *path)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct error error;
    struct stat facts;

    if ((cli->key == NULL) != (cli->public_inputs == NULL))
        return cli_usage("proof verify: --key and --public go together");
    if (cli->key != NULL && cli->chain != NULL)
        return cli_usage("proof verify: --chain is for a claim; these files have none");
    if (cli->key != NULL)
        return verify_files(cli, cli->key, cli->public_inputs, path);
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return cli->chain == NULL ? verify_folder(cli, path)
                                  : cli_usage("proof verify: --chain is for a claim; a folder has none");
    buffer_init(&text);
    if (argument_file(path, &text, &error) != OK)
        return cli_usage("proof verify: %s", error.message);
    return verify_claim(cli, buffer_bytes(&text));
}

/* --- encode --------------------------------------------------------------------------------------------- */
/* Tells the kind by what only it has; the reader then is strict. */
static enum groth16_verdict encode_text(struct bytes text, struct buffer *out, struct error *error)
{
    struct groth16_key key CLEANUP(groth16_key_close);
    AUTO_JSON json_t *json = NULL;
    struct groth16_proof proof;

    groth16_key_init(&key);
    if (json_parse((const char *)text.data, text.size, &json, error) != OK)
        return GROTH16_MALFORMED;
    if (json_is_array(json))
        return snarkjs_inputs_read(text, out, error);
    if (json_object_get(json, "vk_alpha_1") != NULL) {
        TRY_VERDICT(snarkjs_key_read(text, &key, error));
        groth16_key_encode(&key, out);
        return GROTH16_VALID;
    }
    TRY_VERDICT(snarkjs_proof_read(text, &proof, error));
    groth16_proof_encode(&proof, buffer_reserve(out, GROTH16_PROOF_BYTES));
    out->size += GROTH16_PROOF_BYTES;
    return GROTH16_VALID;
}

static int encode(const struct cli *cli, const char *path)
{
    struct buffer text CLEANUP(buffer_close) = { 0 }, out CLEANUP(buffer_close) = { 0 },
                  hex CLEANUP(buffer_close) = { 0 };
    struct error error;

    if (cli->key != NULL || cli->public_inputs != NULL || cli->chain != NULL)
        return cli_usage("proof encode: takes one file and no options");
    buffer_init(&text);
    buffer_init(&out);
    buffer_init(&hex);
    if (argument_file(path, &text, &error) != OK)
        return cli_usage("proof encode: %s", error.message);
    enum groth16_verdict verdict = encode_text(buffer_bytes(&text), &out, &error);
    if (verdict != GROTH16_VALID) {
        fprintf(stderr, "layer-cli: proof encode: %s: %s\n", groth16_verdict_name(verdict), error.message);
        return EXIT_UNVERIFIED;
    }
    buffer_append_hex(&hex, out.data, out.size);
    printf(cli->json ? "\"%s\"\n" : "%s\n", buffer_text(&hex));
    return EXIT_DONE;
}

int word_proof(struct cli *cli)
{
    const char *what = cli->arguments[0];

    if (cli->argument_count == 1) {
        if (cli->key != NULL || cli->public_inputs != NULL || cli->chain != NULL)
            return cli_usage("proof: --key, --public and --chain are for 'proof verify'");
        return word_inclusion(cli);
    }
    if (cli->verifier != NULL)
        return cli_usage("proof: --verifier is for the proof of an event");
    crypto_start();
    if (strcmp(what, "verify") == 0)
        return verify(cli, cli->arguments[1]);
    if (strcmp(what, "encode") == 0)
        return encode(cli, cli->arguments[1]);
    if (strcmp(what, "prove") == 0)
        return prove_file(cli, cli->arguments[1]);
    return cli_usage("proof: SEQ, 'verify FILE', 'prove FILE' or 'encode FILE' is expected, not '%.40s'",
                     what);
}
