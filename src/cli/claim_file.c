/* Claims as JSON: see claim_file.h. */
#include "cli/claim_file.h"

#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"

#define CLAIM_TEXT_MAX 256 /* of system, chain and purpose; the claim's own bounds are narrower */

enum { BYTES_PROOF, BYTES_COMMITMENTS, BYTES_KEYS, BYTES_MESSAGES, BYTES_MESSAGE, BYTES_KEY, BYTES_INPUTS };
static const char *const byte_members[] = { "proof", "commitments", "keys", "messages", "message", "key",
                                            "inputs" };
_Static_assert(sizeof byte_members / sizeof byte_members[0] == CLAIM_FILE_PARTS, "one name a part");

void claim_file_close(struct claim_file *file)
{
    json_release(&file->json);
    for (size_t i = 0; i < CLAIM_FILE_PARTS; i++)
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

    for (size_t i = 0; i < CLAIM_FILE_PARTS; i++)
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

enum status claim_file_read(struct claim_file *file, const char *chain, struct error *error)
{
    struct claim *claim = &file->claim;
    const char *system, *name;
    json_t *value;

    claim->binding = CLAIM_NOT_BOUND;
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
    file->proof = file->bytes[BYTES_PROOF];
    claim->commitments = file->bytes[BYTES_COMMITMENTS];
    claim->keys = file->bytes[BYTES_KEYS];
    claim->messages = file->bytes[BYTES_MESSAGES];
    claim->message = file->bytes[BYTES_MESSAGE];
    claim->key = file->bytes[BYTES_KEY];
    claim->inputs = file->bytes[BYTES_INPUTS];
    return OK;
}
