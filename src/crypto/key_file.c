/* One secret key in a file, for signing away from the node. The passphrase's key encrypts it; all that stands
 * before it in the file (name, account, cost) is authenticated with it. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/keystore.h"
#include "crypto/sealing.h"

#define KEY_FILE_FORMAT "layerd/key"
#define KEY_FILE_VERSION 1

struct key_file {
    char name[KEY_NAME_MAX];
    struct account_id account;
    struct derivation derivation;
    struct sealed_secret sealed;
};

bool key_name_valid(const char *name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strnlen(name, KEY_NAME_MAX);
    struct account_id account;

    return length >= 1 && length < KEY_NAME_MAX && name[0] != '-' && name[0] != '.' &&
           strspn(name, characters) == length && !address_decode(&account, name, length);
}

/* The part that is associated data. */
static void head_write(struct writer *w, const struct key_file *file)
{
    writer_object_begin(w);
    writer_member_text(w, "format", KEY_FILE_FORMAT);
    writer_member_integer(w, "version", KEY_FILE_VERSION);
    writer_member_text(w, "name", file->name);
    writer_member_hex(w, "account", file->account.bytes, sizeof file->account.bytes);
    derivation_write(w, &file->derivation);
}

enum status key_file_encode(const struct secret_key *key, const char *name, const char *passphrase,
                            struct buffer *out, struct error *error)
{
    struct key_file file = { .name = "" };

    if (!key_name_valid(name))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "a key's name has 1 to %d of A-Z a-z 0-9 . _ - and does not start with '.' or '-'",
                         KEY_NAME_MAX - 1);
    if (!passphrase_valid(passphrase))
        return error_set(error, ERROR_INVALID_PARAMS, "a passphrase has 1 to %d bytes", PASSPHRASE_MAX);
    if (!secret_key_account(key, &file.account))
        return error_set(error, ERROR_BAD_KEY, "the secret key is 0 or not below the group's order");
    memcpy(file.name, name, strlen(name) + 1);
    derivation_new(&file.derivation);

    CLEANUP(buffer_close) struct buffer text = { 0 };
    struct writer w;
    buffer_init(&text);
    writer_init(&w, &text);
    head_write(&w, &file);
    CLEANUP(secret_free_pointer) struct encryption_key *encryption = secret_new(sizeof *encryption);
    TRY(derivation_run(&file.derivation, passphrase, encryption, error));
    secret_seal(&file.sealed, encryption, buffer_bytes(&text), key);
    sealed_secret_write(&w, &file.sealed);
    checksum_write(&w);
    buffer_append(out, text.data, text.size);
    return OK;
}

/* Whether the file holds what we would have written, every digit and the checksum included. Its form may
 * differ: it may have been a member of a call, or gone through another JSON tool. */
static bool same_value(const json_t *object, const struct buffer *written)
{
    AUTO_JSON json_t *expected = NULL;

    return json_parse((const char *)written->data, written->size, &expected, NULL) == OK &&
           json_equal(object, expected);
}

/* Reads and checks everything that needs no passphrase. *head is the associated data. */
static enum status key_file_read(const char *text, size_t size, struct key_file *file, struct buffer *head,
                                 struct error *error)
{
    AUTO_JSON json_t *object = NULL;
    struct writer w;

    TRY(sealed_file_parse(text, size, &object, error));
    const char *format = json_string_value(json_object_get(object, "format"));
    json_int_t version = json_integer_value(json_object_get(object, "version"));
    const char *name = json_string_value(json_object_get(object, "name"));

    if (format == NULL || strcmp(format, KEY_FILE_FORMAT) != 0)
        return error_set(error, ERROR_BAD_KEY_FILE, "the file's format is not '" KEY_FILE_FORMAT "'");
    if (version != KEY_FILE_VERSION)
        return error_set(error, ERROR_BAD_KEY_FILE,
                         "the key file has version %" PRIdMAX "; this layerd knows %d",
                         (intmax_t)version, KEY_FILE_VERSION);
    if (name == NULL || !key_name_valid(name) || !derivation_read(object, &file->derivation) ||
        !member_hex(object, "account", file->account.bytes, sizeof file->account.bytes) ||
        !sealed_secret_read(object, &file->sealed))
        return error_set(error, ERROR_BAD_KEY_FILE, "a member of the key file is missing or out of bounds");
    memcpy(file->name, name, strlen(name) + 1);

    CLEANUP(buffer_close) struct buffer whole = { 0 };
    buffer_init(&whole);
    writer_init(&w, &whole);
    head_write(&w, file);
    buffer_append(head, whole.data, whole.size);
    sealed_secret_write(&w, &file->sealed);
    checksum_write(&w);
    if (!same_value(object, &whole))
        return error_set(error, ERROR_BAD_KEY_FILE, "the key file is damaged: its checksum or form is wrong");
    return OK;
}

enum status key_file_decode(const char *text, size_t size, const char *passphrase, struct secret_key *key,
                            char name[KEY_NAME_MAX], struct error *error)
{
    CLEANUP(buffer_close) struct buffer head = { 0 };
    struct key_file file;
    struct account_id account;

    buffer_init(&head);
    if (size > KEY_FILE_SIZE_MAX)
        return error_set(error, ERROR_BAD_KEY_FILE, "a key file has at most %d bytes", KEY_FILE_SIZE_MAX);
    TRY(key_file_read(text, size, &file, &head, error));
    if (!passphrase_valid(passphrase))
        return error_set(error, ERROR_WRONG_PASSPHRASE, "a passphrase has 1 to %d bytes", PASSPHRASE_MAX);

    CLEANUP(secret_free_pointer) struct encryption_key *encryption = secret_new(sizeof *encryption);
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    TRY(derivation_run(&file.derivation, passphrase, encryption, error));
    if (!secret_unseal(&file.sealed, encryption, buffer_bytes(&head), secret))
        return error_set(error, ERROR_WRONG_PASSPHRASE, "the passphrase does not open the key file of '%s'",
                         file.name);
    if (!secret_key_account(secret, &account) || !account_equal(&account, &file.account))
        return error_set(error, ERROR_BAD_KEY_FILE,
                         "the secret key in the file of '%s' is not that of its account", file.name);
    *key = *secret;
    memcpy(name, file.name, sizeof file.name);
    return OK;
}
