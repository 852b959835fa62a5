/* The keystore's content and its JSON form. Reading keeps what it understands and then writes the file again
 * from that: unless the two are the same to the byte, the file is refused. */
#include "crypto/keystore_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"

#define KEYSTORE_FORMAT "layerd/keystore"
#define KEYSTORE_VERSION 1
#define KEYS_FIRST 8 /* room for so many keys at first */

void keystore_file_init(struct keystore_file *file)
{
    *file = (struct keystore_file){ .keys = NULL };
}

void keystore_file_close(struct keystore_file *file)
{
    memory_free_pointer(&file->keys);
    keystore_file_init(file);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What `check` covers. */
static void head_write(struct writer *w, const struct keystore_file *file)
{
    writer_object_begin(w);
    writer_member_text(w, "format", KEYSTORE_FORMAT);
    writer_member_integer(w, "version", KEYSTORE_VERSION);
    derivation_write(w, &file->derivation);
}

/* What `seal` covers, after the head. */
static void body_write(struct writer *w, const struct keystore_file *file)
{
    seal_write(w, "check", &file->check);
    writer_key(w, "keys");
    writer_array_begin(w);
    for (size_t i = 0; i < file->count; i++) {
        const struct keystore_key *key = &file->keys[i];

        writer_object_begin(w);
        writer_member_text(w, "name", key->name);
        writer_member_hex(w, "account", key->account.bytes, sizeof key->account.bytes);
        sealed_secret_write(w, &key->sealed);
        writer_object_end(w);
    }
    writer_array_end(w);
}

static void tail_write(struct writer *w, const struct keystore_file *file)
{
    seal_write(w, "seal", &file->seal);
    checksum_write(w);
}

void keystore_file_write(struct keystore_file *file, const struct encryption_key *key, struct buffer *out)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };
    struct writer w;

    buffer_init(&text);
    writer_init(&w, &text);
    head_write(&w, file);
    seal_make(&file->check, key, buffer_bytes(&text));
    body_write(&w, file);
    seal_make(&file->seal, key, buffer_bytes(&text));
    tail_write(&w, file);
    buffer_append(out, text.data, text.size);
}

enum status keystore_file_verify(const struct keystore_file *file, const struct encryption_key *key,
                                 struct error *error)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };
    struct writer w;

    buffer_init(&text);
    writer_init(&w, &text);
    head_write(&w, file);
    if (!seal_verify(&file->check, key, buffer_bytes(&text)))
        return error_set(error, ERROR_WRONG_PASSPHRASE, "the passphrase does not open the keystore");
    body_write(&w, file);
    if (!seal_verify(&file->seal, key, buffer_bytes(&text)))
        return error_set(error, ERROR_BAD_KEY_FILE,
                         "the keystore was changed by one who did not know its passphrase");
    return OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool key_read(const json_t *object, struct keystore_key *key)
{
    const char *name = json_string_value(json_object_get(object, "name"));

    if (name == NULL || !key_name_valid(name))
        return false;
    memcpy(key->name, name, strlen(name) + 1);
    return member_hex(object, "account", key->account.bytes, sizeof key->account.bytes) &&
           sealed_secret_read(object, &key->sealed);
}

static enum status keys_read(const json_t *keys, struct keystore_file *file, struct error *error)
{
    struct keystore_key key = { .name = "" };

    if (!json_is_array(keys) || json_array_size(keys) > KEYSTORE_KEYS_MAX)
        return error_set(error, ERROR_BAD_KEY_FILE, "the keystore has no list of at most %d keys",
                         KEYSTORE_KEYS_MAX);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (!key_read(json_array_get(keys, i), &key))
            return error_set(error, ERROR_BAD_KEY_FILE, "key %zu of the keystore is not whole", i + 1);
        if (i > 0 && strcmp(file->keys[i - 1].name, key.name) >= 0)
            return error_set(error, ERROR_BAD_KEY_FILE, "key %zu of the keystore is out of order", i + 1);
        keystore_file_insert(file, i, &key);
    }
    return OK;
}

enum status keystore_file_read(const char *text, size_t size, struct keystore_file *file, struct error *error)
{
    AUTO_JSON json_t *object = NULL;
    CLEANUP(buffer_close) struct buffer whole = { 0 };
    struct writer w;

    buffer_init(&whole);
    TRY(sealed_file_parse(text, size, &object, error));
    const char *format = json_string_value(json_object_get(object, "format"));
    json_int_t version = json_integer_value(json_object_get(object, "version"));

    if (format == NULL || strcmp(format, KEYSTORE_FORMAT) != 0)
        return error_set(error, ERROR_BAD_KEY_FILE, "the file's format is not '" KEYSTORE_FORMAT "'");
    if (version != KEYSTORE_VERSION)
        return error_set(error, ERROR_BAD_KEY_FILE,
                         "the keystore has version %" PRIdMAX "; this layerd knows %d",
                         (intmax_t)version, KEYSTORE_VERSION);
    if (!derivation_read(object, &file->derivation) || !seal_read(object, "check", &file->check) ||
        !seal_read(object, "seal", &file->seal))
        return error_set(error, ERROR_BAD_KEY_FILE, "a member of the keystore is missing or out of bounds");
    TRY(keys_read(json_object_get(object, "keys"), file, error));

    writer_init(&w, &whole);
    head_write(&w, file);
    body_write(&w, file);
    tail_write(&w, file);
    if (!sealed_file_same(text, size, &whole))
        return error_set(error, ERROR_BAD_KEY_FILE, "the keystore is damaged: its checksum or form is wrong");
    return OK;
}

/* --- keys ------------------------------------------------------------------------------------- */

size_t keystore_file_place(const struct keystore_file *file, const char *name, bool *found)
{
    size_t low = 0, high = file->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(file->keys[middle].name, name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

const struct keystore_key *keystore_file_find_account(const struct keystore_file *file,
                                                      const struct account_id *account)
{
    for (size_t i = 0; i < file->count; i++)
        if (account_equal(&file->keys[i].account, account))
            return &file->keys[i];
    return NULL;
}

const struct keystore_key *keystore_file_find(const struct keystore_file *file, const char *name)
{
    struct account_id account;
    bool found;
    size_t place = keystore_file_place(file, name, &found);

    if (found)
        return &file->keys[place];
    return address_decode(&account, name, strlen(name)) ? keystore_file_find_account(file, &account) : NULL;
}

void keystore_file_insert(struct keystore_file *file, size_t place, const struct keystore_key *key)
{
    if (file->count == file->capacity) {
        file->capacity = file->capacity == 0 ? KEYS_FIRST : 2 * file->capacity;
        file->keys = memory_resize(file->keys, file->capacity * sizeof *file->keys);
    }
    memmove(&file->keys[place + 1], &file->keys[place], (file->count - place) * sizeof *file->keys);
    file->keys[place] = *key;
    file->count++;
}

void keystore_file_remove(struct keystore_file *file, size_t place)
{
    file->count--;
    memmove(&file->keys[place], &file->keys[place + 1], (file->count - place) * sizeof *file->keys);
}

/* A name ends with its zero, so that name and account cannot be read another way. */
static void associated_data(const struct keystore_key *key, struct buffer *out)
{
    buffer_append_text(out, KEYSTORE_FORMAT "/key ");
    buffer_append(out, key->name, strlen(key->name) + 1);
    buffer_append(out, key->account.bytes, sizeof key->account.bytes);
}

void keystore_key_seal(struct keystore_key *key, const struct encryption_key *encryption,
                       const struct secret_key *secret)
{
    CLEANUP(buffer_close) struct buffer associated = { 0 };

    buffer_init(&associated);
    associated_data(key, &associated);
    secret_seal(&key->sealed, encryption, buffer_bytes(&associated), secret);
}

bool keystore_key_unseal(const struct keystore_key *key, const struct encryption_key *encryption,
                         struct secret_key *secret)
{
    CLEANUP(buffer_close) struct buffer associated = { 0 };

    buffer_init(&associated);
    associated_data(key, &associated);
    return secret_unseal(&key->sealed, encryption, buffer_bytes(&associated), secret);
}
