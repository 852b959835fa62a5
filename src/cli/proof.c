/* Proofs, away from any node: `proof verify` judges a claim with its proof, or snarkjs's three files;
 * `proof encode` makes canonical bytes of one of these. The only file of this room that knows proof
 * systems; it judges by the same functions as the node. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/argument.h"
#include "cli/word.h"
#include "crypto/hash.h"
#include "proof/snarkjs_json.h"
#include "proving/claim.h"

#define CLAIM_TEXT_MAX 256 /* of system, chain and purpose; the claim's own bounds are narrower */

/* --- a claim as JSON: what proof.verify takes, and the chain -------------------------------------------- */
enum { BYTES_PROOF, BYTES_COMMITMENTS, BYTES_KEYS, BYTES_MESSAGES, BYTES_MESSAGE, BYTES_KEY, BYTES_INPUTS };
static const char *const byte_members[] = { "proof", "commitments", "keys", "messages", "message", "key",
                                            "inputs" };
#define BYTE_MEMBERS (sizeof byte_members / sizeof byte_members[0])

/* A claim that owns its bytes. */
struct claim_file {
    json_t *json;
    uint8_t *owned[BYTE_MEMBERS];
    struct bytes bytes[BYTE_MEMBERS];
    struct claim claim;
};

static void claim_file_close(struct claim_file *file)
{
    json_release(&file->json);
    for (size_t i = 0; i < BYTE_MEMBERS; i++)
        memory_free_pointer(&file->owned[i]);
}

static enum status read_text(const json_t *json, const char *name, const char **text, struct error *error)
{
    *text = json_string_value(json_object_get(json, name));
    if (*text == NULL || strlen(*text) > CLAIM_TEXT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: a text of at most %d bytes is expected", name,
                         CLAIM_TEXT_MAX);
    return OK;
}

static enum status read_hex(struct claim_file *file, size_t index, const json_t *value, struct error *error)
{
    const char *hex = json_string_value(value);
    size_t digits = hex == NULL ? 1 : strlen(hex);

    file->owned[index] = memory_new(digits / 2 + 1);
    if (digits % 2 != 0 || !hex_decode(file->owned[index], digits / 2, hex, digits))
        return error_set(error, ERROR_INVALID_PARAMS, "%s: hex digits, two for each byte, are expected",
                         byte_members[index]);
    file->bytes[index] = bytes_of(file->owned[index], digits / 2);
    return OK;
}

static enum status read_number(const json_t *value, const char *name, uint64_t *number, struct error *error)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: a whole number is expected", name);
    *number = (uint64_t)json_integer_value(value);
    return OK;
}

static enum status read_member(struct claim_file *file, const char *name, const json_t *value,
                               struct error *error)
{
    static const char *const others[] = { "system", "chain", "purpose", "listed_by" };

    for (size_t i = 0; i < BYTE_MEMBERS; i++)
        if (strcmp(name, byte_members[i]) == 0)
            return read_hex(file, i, value, error);
    if (strcmp(name, "bits") == 0)
        return read_number(value, name, &file->claim.bits, error);
    if (strcmp(name, "binding") == 0)
        return read_number(value, name, &file->claim.binding, error);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return OK;
    return error_set(error, ERROR_INVALID_PARAMS, "'%.40s' is no member of a claim", name);
}

/* `chain`, when not NULL, goes before what the file says. */
static enum status read_claim(struct bytes text, const char *chain, struct claim_file *file,
                              struct error *error)
{
    struct claim *claim = &file->claim;
    const char *system, *name;
    json_t *value;

    claim->binding = CLAIM_NOT_BOUND;
    TRY(json_parse((const char *)text.data, text.size, &file->json, error));
    if (!json_is_object(file->json))
        return error_set(error, ERROR_INVALID_PARAMS, "a JSON object is expected");
    json_object_foreach(file->json, name, value)
        TRY(read_member(file, name, value, error));
    TRY(read_text(file->json, "system", &system, error));
    TRY(read_text(file->json, "purpose", &claim->purpose, error));
    claim->chain = chain;
    if (chain == NULL)
        TRY(read_text(file->json, "chain", &claim->chain, error));
    if (!claim_system_find(system, &claim->system))
        return error_set(error, ERROR_INVALID_PARAMS, "system: '%.40s' is none", system);
    claim->commitments = file->bytes[BYTES_COMMITMENTS];
    claim->keys = file->bytes[BYTES_KEYS];
    claim->messages = file->bytes[BYTES_MESSAGES];
    claim->message = file->bytes[BYTES_MESSAGE];
    claim->key = file->bytes[BYTES_KEY];
    claim->inputs = file->bytes[BYTES_INPUTS];
    return OK;
}

/* --- verdicts ------------------------------------------------------------------------------------------- */
static int print_verdict(const struct cli *cli, const char *system, bool bound, const char *name,
                         const char *reason)
{
    if (cli->json) {
        AUTO_JSON json_t *shown = json_pack("{s:b,s:s,s:b}", "valid", name == NULL, "system", system, "bound",
                                            bound);
        if (name != NULL) {
            json_object_set_new(shown, "error", json_string(name));
            json_object_set_new(shown, "reason", json_string(reason));
        }
        AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);
        puts(text);
    } else if (name != NULL) {
        printf("not valid: %s: %s\n", name, reason);
    } else {
        printf("valid (%s)%s\n", system,
               bound ? ", for this chain and purpose alone" : "; only its public inputs say what it is for");
    }
    return name == NULL ? EXIT_DONE : EXIT_UNVERIFIED;
}

static int verify_claim(const struct cli *cli, struct bytes text)
{
    struct claim_file file CLEANUP(claim_file_close) = { .json = NULL };
    struct error error;

    enum status status = read_claim(text, cli->chain, &file, &error);
    if (status != OK)
        return cli_usage("proof verify: %s", error.message);
    status = claim_verify(&file.claim, file.bytes[BYTES_PROOF], NULL, &error);
    if (status == ERROR_INVALID_PARAMS)
        return cli_usage("proof verify: %s", error.message);
    return print_verdict(cli, claim_systems[file.claim.system], claim_is_bound(&file.claim),
                         status == OK ? NULL : status_name(status), error.message);
}

/* --- snarkjs's files ------------------------------------------------------------------------------------ */
static void free_prepared(struct groth16_prepared **prepared)
{
    groth16_prepared_free(*prepared);
}

/* Which of the three files the verdict is about stands in *file. */
static enum groth16_verdict judge_files(struct bytes key_text, struct bytes inputs_text, struct bytes text,
                                        const char **file, struct error *error)
{
    struct groth16_prepared *prepared CLEANUP(free_prepared) = NULL;
    struct groth16_key key CLEANUP(groth16_key_close);
    struct buffer inputs CLEANUP(buffer_close) = { 0 };
    struct groth16_proof proof;

    groth16_key_init(&key);
    buffer_init(&inputs);
    *file = "verification key";
    TRY_VERDICT(snarkjs_key_read(key_text, &key, error));
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
    struct error error;

    buffer_init(&key);
    buffer_init(&inputs);
    buffer_init(&proof);
    if (argument_file(key_path, &key, &error) != OK || argument_file(inputs_path, &inputs, &error) != OK ||
        argument_file(proof_path, &proof, &error) != OK)
        return cli_usage("proof verify: %s", error.message);
    enum groth16_verdict verdict = judge_files(buffer_bytes(&key), buffer_bytes(&inputs),
                                               buffer_bytes(&proof), &file, &error);
    if (verdict == GROTH16_VALID)
        return print_verdict(cli, claim_systems[CLAIM_GROTH16], false, NULL, NULL);
    AUTO_FREE char *reason = text_format("%s: %s", file, error.message);
    return print_verdict(cli, claim_systems[CLAIM_GROTH16], false, groth16_verdict_name(verdict), reason);
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
    return cli_usage("proof: SEQ, 'verify FILE' or 'encode FILE' is expected, not '%.40s'", what);
}
