/* `proof prove FILE`: a claim with its secrets becomes the claim with its proof, which `proof verify` and the
 * node take. The secrets come from a file that nobody but its owner may read, never from arguments; they lie
 * in locked memory or in JSON whose memory is wiped, and this process leaves no core behind. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "cli/claim_file.h"
#include "cli/word.h"
#include "crypto/hash.h"
#include "crypto/private_file.h"
#include "crypto/schnorr.h"
#include "proving/claim_make.h"

#define SECRET_FILE_MAX ((size_t)1 << 17) /* bytes: the largest claim there is takes less */

/* In locked memory. */
struct secrets {
    uint64_t values[CLAIM_COMMITMENTS_MAX];
    struct scalar blindings[CLAIM_COMMITMENTS_MAX];
    uint8_t secret[SCALAR_SIZE];
    uint8_t decoded[CLAIM_COMMITMENTS_MAX * SCALAR_WIDE_SIZE];
    size_t count;
    char text[SECRET_FILE_MAX];
};

/* Everything that a proof is made of. */
struct making {
    struct claim_file file;
    struct secrets *secrets;
    uint8_t *signatures; /* 64 bytes each; public */
    size_t signatures_size;
    uint8_t commitments[CLAIM_COMMITMENTS_MAX * CLAIM_PIECE];
    struct buffer proof;
};

static void making_close(struct making *making)
{
    secret_free(making->secrets);
    claim_file_close(&making->file);
    memory_free_pointer(&making->signatures);
    buffer_close(&making->proof);
}

/* --- secrets -------------------------------------------------------------------------------------------- */
/* `count` scalars of 32 bytes each, below the order, or of 64 bytes each, which are reduced. */
static enum status read_scalars(struct secrets *secrets, const char *name, const json_t *value,
                                struct scalar *scalars, size_t count, struct error *error)
{
    const char *hex = json_string_value(value);
    size_t size = hex == NULL ? 0 : strlen(hex) / 2, each = size == count * SCALAR_SIZE ? SCALAR_SIZE
                                                                                       : SCALAR_WIDE_SIZE;

    if (size != count * each || !hex_decode(secrets->decoded, size, hex, strlen(hex)))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "%s: hex digits of %d bytes, or of %d random ones, are expected for each of %zu",
                         name, SCALAR_SIZE, SCALAR_WIDE_SIZE, count);
    for (size_t i = 0; i < count; i++)
        if (each == SCALAR_WIDE_SIZE)
            scalar_from_wide(&scalars[i], secrets->decoded + i * each);
        else if (!scalar_decode(&scalars[i], secrets->decoded + i * each))
            return error_set(error, ERROR_INVALID_PARAMS,
                             "%s: %d bytes are a number, lowest byte first, below the group's order; %d "
                             "random bytes are always taken", name, SCALAR_SIZE, SCALAR_WIDE_SIZE);
    return OK;
}

static enum status read_values(struct secrets *secrets, const json_t *values, struct error *error)
{
    secrets->count = json_array_size(values); /* 0 when it is no array */
    if (secrets->count == 0 || secrets->count > CLAIM_COMMITMENTS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "values: a list of 1 to %d whole numbers is expected",
                         CLAIM_COMMITMENTS_MAX);
    for (size_t i = 0; i < secrets->count; i++) {
        const json_t *value = json_array_get(values, i);

        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return error_set(error, ERROR_INVALID_PARAMS, "values: number %zu is not one from 0 to 2^63 - 1",
                             i + 1);
        secrets->values[i] = (uint64_t)json_integer_value(value);
    }
    return OK;
}

static enum status read_range(struct making *making, struct error *error)
{
    struct secrets *secrets = making->secrets;
    const json_t *json = making->file.json;

    TRY(read_values(secrets, json_object_get(json, "values"), error));
    return read_scalars(secrets, "blindings", json_object_get(json, "blindings"), secrets->blindings,
                        secrets->count, error);
}

static enum status read_ring(struct making *making, struct error *error)
{
    struct secrets *secrets = making->secrets;

    TRY(read_scalars(secrets, "secret", json_object_get(making->file.json, "secret"), secrets->blindings, 1,
                     error));
    scalar_encode(secrets->secret, &secrets->blindings[0]);
    return OK;
}

static enum status read_signatures(struct making *making, struct error *error)
{
    const char *hex = json_string_value(json_object_get(making->file.json, "signatures"));
    size_t digits = hex == NULL ? 1 : strlen(hex);

    making->signatures = memory_new(digits / 2 + 1);
    making->signatures_size = digits / 2;
    if (digits % 2 != 0 || !hex_decode(making->signatures, digits / 2, hex, digits))
        return error_set(error, ERROR_INVALID_PARAMS, "signatures: hex digits of 64 bytes for each key are "
                         "expected");
    return OK;
}

static const char *const range_members[] = { "values", "blindings", NULL };
static const char *const ring_members[] = { "secret", NULL };
static const char *const signature_members[] = { "signatures", NULL };

/* What the system's proofs are made of. What was read goes out of the JSON (and is wiped there): a claim is
 * left. */
static enum status read_secrets(struct making *making, enum claim_system system, struct error *error)
{
    const char *const *members = NULL;
    enum status status = OK;

    switch (system) {
    case CLAIM_RANGE:
        status = read_range(making, error);
        members = range_members;
        break;
    case CLAIM_RING:
        status = read_ring(making, error);
        members = ring_members;
        break;
    case CLAIM_HALF_AGGREGATE:
        status = read_signatures(making, error);
        members = signature_members;
        break;
    case CLAIM_GROTH16:
        return error_set(error, ERROR_INVALID_PARAMS, "system: a node makes proofs of system groth16 "
                         "('proof.prove'), and so does snarkjs");
    }
    for (; *members != NULL; members++)
        (void)json_object_del(making->file.json, *members);
    return status;
}

/* --- making --------------------------------------------------------------------------------------------- */
static enum status make_proof(struct making *making, struct error *error)
{
    const struct secrets *secrets = making->secrets;
    struct claim *claim = &making->file.claim;

    switch (claim->system) {
    case CLAIM_RANGE:
        return claim_make_range(claim, secrets->values, secrets->blindings, secrets->count,
                                making->commitments, &making->proof, error);
    case CLAIM_RING:
        return claim_make_ring(claim, secrets->secret, &making->proof, error);
    case CLAIM_HALF_AGGREGATE:
        return claim_make_half_aggregate(claim, bytes_of(making->signatures, making->signatures_size),
                                         &making->proof, error);
    case CLAIM_GROTH16:
        break; /* refused when the secrets were read */
    }
    return error_set(error, ERROR_INTERNAL, "no maker of this system");
}

static enum status read_file(struct making *making, const struct cli *cli, const char *path,
                             struct error *error)
{
    enum claim_system system;
    const char *name;
    size_t size;

    TRY(private_file_read(path, making->secrets->text, sizeof making->secrets->text, &size, NULL, error));
    if (json_parse(making->secrets->text, size, &making->file.json, NULL) != OK)
        return error_set(error, ERROR_INVALID_PARAMS, "%s is not JSON; where is not shown, for what stands "
                         "there may be a secret", path);
    name = json_string_value(json_object_get(making->file.json, "system"));
    if (name == NULL || !claim_system_find(name, &system))
        return error_set(error, ERROR_INVALID_PARAMS, "system: half_aggregate, range or ring is expected");
    TRY(read_secrets(making, system, error));
    TRY(claim_file_read(&making->file, cli->chain, error));
    if (making->file.proof.size > 0 || making->file.claim.commitments.size > 0)
        return error_set(error, ERROR_INVALID_PARAMS, "proof and commitments are what is made");
    return OK;
}

static void set_hex(json_t *json, const char *name, struct bytes bytes)
{
    AUTO_FREE char *text = memory_new(2 * bytes.size + 1);

    hex_text(text, bytes.data, bytes.size);
    if (bytes.size > 0)
        json_object_set_new(json, name, json_string(text));
}

/* The claim's parts one by one: nothing that was not asked for can come along. */
static void print_made(const struct making *making)
{
    const struct claim *claim = &making->file.claim;
    json_t *json AUTO_JSON = json_object();

    json_object_set_new(json, "system", json_string(claim_systems[claim->system]));
    json_object_set_new(json, "chain", json_string(claim->chain));
    json_object_set_new(json, "purpose", json_string(claim->purpose));
    if (claim->bits > 0)
        json_object_set_new(json, "bits", json_integer((json_int_t)claim->bits));
    set_hex(json, "commitments", claim->commitments);
    set_hex(json, "keys", claim->keys);
    set_hex(json, "messages", claim->messages);
    set_hex(json, "message", claim->message);
    set_hex(json, "proof", buffer_bytes(&making->proof));
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    puts(text);
}

static void leave_no_core(void)
{
    const struct rlimit none = { 0, 0 };

    (void)setrlimit(RLIMIT_CORE, &none); /* lowering cannot fail */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int prove_file(const struct cli *cli, const char *path)
{
    struct making making CLEANUP(making_close) = { .file = { .json = NULL } };
    struct error error;

    if (cli->key != NULL || cli->public_inputs != NULL)
        return cli_usage("proof prove: takes one file, and --chain");
    leave_no_core();
    json_set_alloc_funcs(malloc, memory_free_wiped); /* its strings are secrets */
    making.secrets = secret_new(sizeof *making.secrets);
    buffer_init(&making.proof);
    if (read_file(&making, cli, path, &error) != OK)
        return cli_usage("proof prove: %s", error.message);
    enum status status = make_proof(&making, &error);
    if (status == ERROR_INVALID_PARAMS || status == ERROR_LIMIT)
        return cli_usage("proof prove: %s", error.message);
    if (status != OK) {
        fprintf(stderr, "layer-cli: proof prove: %s: %s\n", status_name(status), error.message);
        return EXIT_UNVERIFIED;
    }
    print_made(&making);
    return EXIT_DONE;
}
