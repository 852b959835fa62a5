/* Encryption under a passphrase, over libsodium. Nonces are random: 24 bytes are enough for that. Reading a
 * member here checks its type and size alone; that nothing else stands in the file is checked by writing it
 * again and comparing. */
#include "crypto/sealing.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "crypto/keystore.h"

#define DERIVATION_NAME "argon2id13"

static struct {
    uint64_t operations, memory;
} cost = { DERIVATION_OPERATIONS, DERIVATION_MEMORY };

/* One derivation at a time: its memory is needed once, however many passphrases come at once. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* --- from a passphrase to a key --------------------------------------------------------------- */

static bool cost_valid(uint64_t operations, uint64_t memory)
{
    return operations >= crypto_pwhash_argon2id_OPSLIMIT_MIN && operations <= DERIVATION_OPERATIONS_MAX &&
           memory >= crypto_pwhash_argon2id_MEMLIMIT_MIN && memory <= DERIVATION_MEMORY_MAX;
}

void derivation_new(struct derivation *derivation)
{
    derivation->operations = cost.operations;
    derivation->memory = cost.memory;
    randombytes_buf(derivation->salt, sizeof derivation->salt);
}

void derivation_set_cost(uint64_t operations, uint64_t memory)
{
    INVARIANT(cost_valid(operations, memory), "%" PRIu64 " operations, %" PRIu64 " bytes", operations,
              memory);
    cost.operations = operations;
    cost.memory = memory;
}

bool passphrase_valid(const char *passphrase)
{
    size_t length = strnlen(passphrase, PASSPHRASE_MAX + 1);

    return length >= 1 && length <= PASSPHRASE_MAX;
}

enum status derivation_run(const struct derivation *derivation, const char *passphrase,
                           struct encryption_key *key, struct error *error)
{
    pthread_mutex_lock(&one_at_a_time);
    int failed = crypto_pwhash(key->bytes, sizeof key->bytes, passphrase, strlen(passphrase),
                               derivation->salt, derivation->operations, (size_t)derivation->memory,
                               crypto_pwhash_ALG_ARGON2ID13);
    pthread_mutex_unlock(&one_at_a_time);
    if (failed != 0)
        return error_set(error, ERROR_LIMIT,
                         "the passphrase's key needs %" PRIu64 " MiB of memory for a moment",
                         derivation->memory >> 20);
    return OK;
}

void derivation_write(struct writer *w, const struct derivation *derivation)
{
    writer_key(w, "kdf");
    writer_object_begin(w);
    writer_member_text(w, "name", DERIVATION_NAME);
    writer_member_unsigned(w, "operations", derivation->operations);
    writer_member_unsigned(w, "memory", derivation->memory);
    writer_member_hex(w, "salt", derivation->salt, sizeof derivation->salt);
    writer_object_end(w);
}

static bool member_unsigned(const json_t *object, const char *member, uint64_t *value)
{
    const json_t *found = json_object_get(object, member);

    if (!json_is_integer(found) || json_integer_value(found) < 0)
        return false;
    *value = (uint64_t)json_integer_value(found);
    return true;
}

bool derivation_read(const json_t *object, struct derivation *derivation)
{
    const json_t *kdf = json_object_get(object, "kdf");

    return member_unsigned(kdf, "operations", &derivation->operations) &&
           member_unsigned(kdf, "memory", &derivation->memory) &&
           cost_valid(derivation->operations, derivation->memory) &&
           member_hex(kdf, "salt", derivation->salt, sizeof derivation->salt);
}

/* --- secrets and seals ------------------------------------------------------------------------ */

void secret_seal(struct sealed_secret *sealed, const struct encryption_key *key, struct bytes associated,
                 const struct secret_key *secret)
{
    randombytes_buf(sealed->nonce, sizeof sealed->nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed->bytes, NULL, secret->bytes, sizeof secret->bytes,
                                               associated.data, associated.size, NULL, sealed->nonce,
                                               key->bytes);
}

bool secret_unseal(const struct sealed_secret *sealed, const struct encryption_key *key,
                   struct bytes associated, struct secret_key *secret)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(secret->bytes, NULL, NULL, sealed->bytes,
                                                      sizeof sealed->bytes,
                                                      associated.data, associated.size, sealed->nonce,
                                                      key->bytes) == 0;
}

void pair_seal(struct sealed_pair *sealed, const struct encryption_key *key, struct bytes associated,
               const struct key_pair *pair)
{
    randombytes_buf(sealed->nonce, sizeof sealed->nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed->bytes, NULL, pair->bytes, sizeof pair->bytes,
                                               associated.data, associated.size, NULL, sealed->nonce,
                                               key->bytes);
}

bool pair_unseal(const struct sealed_pair *sealed, const struct encryption_key *key, struct bytes associated,
                 struct key_pair *pair)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(pair->bytes, NULL, NULL, sealed->bytes,
                                                      sizeof sealed->bytes, associated.data, associated.size,
                                                      sealed->nonce, key->bytes) == 0;
}

void sealed_secret_write(struct writer *w, const struct sealed_secret *sealed)
{
    writer_member_hex(w, "nonce", sealed->nonce, sizeof sealed->nonce);
    writer_member_hex(w, "secret", sealed->bytes, sizeof sealed->bytes);
}

bool sealed_secret_read(const json_t *object, struct sealed_secret *sealed)
{
    return member_hex(object, "nonce", sealed->nonce, sizeof sealed->nonce) &&
           member_hex(object, "secret", sealed->bytes, sizeof sealed->bytes);
}

void seal_make(struct seal *seal, const struct encryption_key *key, struct bytes text)
{
    randombytes_buf(seal->nonce, sizeof seal->nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(seal->tag, NULL, NULL, 0, text.data, text.size, NULL,
                                               seal->nonce, key->bytes);
}

bool seal_verify(const struct seal *seal, const struct encryption_key *key, struct bytes text)
{
    uint8_t nothing[1];

    return crypto_aead_xchacha20poly1305_ietf_decrypt(nothing, NULL, NULL, seal->tag, sizeof seal->tag,
                                                      text.data, text.size, seal->nonce, key->bytes) == 0;
}

void seal_write(struct writer *w, const char *member, const struct seal *seal)
{
    writer_key(w, member);
    writer_object_begin(w);
    writer_member_hex(w, "nonce", seal->nonce, sizeof seal->nonce);
    writer_member_hex(w, "tag", seal->tag, sizeof seal->tag);
    writer_object_end(w);
}

bool seal_read(const json_t *object, const char *member, struct seal *seal)
{
    const json_t *found = json_object_get(object, member);

    return member_hex(found, "nonce", seal->nonce, sizeof seal->nonce) &&
           member_hex(found, "tag", seal->tag, sizeof seal->tag);
}

/* --- files ------------------------------------------------------------------------------------ */

void checksum_write(struct writer *w)
{
    struct hash checksum;

    blake2b256(&checksum, w->out->data, w->out->size);
    writer_member_hex(w, "checksum", checksum.bytes, sizeof checksum.bytes);
    writer_object_end(w);
    buffer_append(w->out, "\n", 1);
}

enum status sealed_file_parse(const char *text, size_t size, json_t **object, struct error *error)
{
    AUTO_JSON json_t *value = NULL;
    /* may quote the file, and the file may be anything, a bare secret even: not passed on */
    struct error detail;

    if (json_parse(text, size, &value, &detail) != OK || !json_is_object(value))
        return error_set(error, ERROR_BAD_KEY_FILE, "the file is not one JSON object");
    *object = value;
    value = NULL;
    return OK;
}

bool sealed_file_same(const char *text, size_t size, const struct buffer *written)
{
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' '))
        size--;
    return bytes_equal(bytes_of(text, size), bytes_of(written->data, written->size - 1));
}

bool member_hex(const json_t *object, const char *member, void *out, size_t size)
{
    const json_t *found = json_object_get(object, member);

    return json_is_string(found) &&
           hex_decode(out, size, json_string_value(found), json_string_length(found));
}
