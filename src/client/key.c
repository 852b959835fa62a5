/* Keys in files, and signing with them. The secret stands in locked memory from its file to its wiping;
 * passphrases are the caller's and are not copied. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "base/writer.h"
#include "client/client.h"
#include "client/failure.h"
#include "client/key.h"
#include "crypto/hash.h"
#include "crypto/keystore.h"
#include "crypto/private_file.h"
#include "crypto/transaction.h"

#define KEY_FILE_READ_MAX ((size_t)65536) /* more than any key file has */

struct layerd_key {
    struct secret_key *secret;
    struct account_id account;
    char name[KEY_NAME_MAX];
};

/* --- files ------------------------------------------------------------------------------------ */

static enum status key_generate(const char *path, const char *name, const char *passphrase,
                                struct error *error)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct private_file_mark mark = { .present = false };

    buffer_init(&text);
    crypto_start();
    if (access(path, F_OK) == 0)
        return error_set(error, ERROR_KEY_EXISTS, "%s exists already; a key file is never overwritten", path);
    struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof *secret);
    secret_key_generate(secret);
    TRY(key_file_encode(secret, name, passphrase, &text, error));
    return private_file_write(path, text.data, text.size, &mark, error);
}

enum layerd_error layerd_key_generate(const char *path, const char *name, const char *passphrase,
                                      struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, key_generate(path, name, passphrase, &error), &error);
}

static enum status key_open(const char *path, const char *passphrase, struct layerd_key **key,
                            struct error *error)
{
    AUTO_FREE char *text = memory_new(KEY_FILE_READ_MAX);
    struct layerd_key *opened AUTO_FREE = memory_new(sizeof *opened);
    size_t size;

    crypto_start();
    TRY(private_file_read(path, text, KEY_FILE_READ_MAX, &size, NULL, error));
    struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof *secret);
    TRY(key_file_decode(text, size, passphrase, secret, opened->name, error));
    if (!secret_key_account(secret, &opened->account))
        return error_set(error, ERROR_BAD_KEY_FILE, "%s holds no valid key", path);
    opened->secret = secret;
    secret = NULL;
    *key = opened;
    opened = NULL;
    return OK;
}

enum layerd_error layerd_key_open(const char *path, const char *passphrase, struct layerd_key **key,
                                  struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, key_open(path, passphrase, key, &error), &error);
}

void layerd_key_close(struct layerd_key *key)
{
    if (key == NULL)
        return;
    secret_free(key->secret);
    free(key);
}

/* --- what follows from a key ------------------------------------------------------------------ */

static enum status key_derive(const struct layerd_key *key, const char *tag, const char *subject,
                              char secret[LAYERD_HASH_MAX], struct error *error)
{
    struct hash about, derived;
    struct tagged_hash h;

    if (!hex_decode(about.bytes, sizeof about.bytes, subject, strlen(subject)))
        return error_set(error, ERROR_INVALID_PARAMS, "the subject has 64 hex digits, not '%.80s'", subject);
    tagged_hash_begin(&h, tag);
    tagged_hash_add(&h, key->secret->bytes, sizeof key->secret->bytes);
    tagged_hash_add(&h, about.bytes, sizeof about.bytes);
    tagged_hash_end(&h, &derived);
    sodium_memzero(&h, sizeof h);
    hex_text(secret, derived.bytes, sizeof derived.bytes);
    return OK;
}

enum layerd_error layerd_key_derive(const struct layerd_key *key, const char *tag, const char *subject,
                                    char secret[LAYERD_HASH_MAX], struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, key_derive(key, tag, subject, secret, &error), &error);
}

/* --- what a key shows ------------------------------------------------------------------------- */

static const char *prefix_of_network(const char *network)
{
    if (network == NULL || strcmp(network, "dev") == 0 || strcmp(network, "test") == 0)
        return ADDRESS_PREFIX_TEST;
    return strcmp(network, "main") == 0 ? ADDRESS_PREFIX_MAIN : NULL;
}

static enum status account_address(const struct account_id *account, const char *network,
                                   char address[LAYERD_ADDRESS_MAX], struct error *error)
{
    const char *prefix = prefix_of_network(network);
    if (prefix == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "there is no network '%s'; dev, test and main exist",
                         network);
    bech32m_encode(address, prefix, account->bytes, sizeof account->bytes);
    return OK;
}

const char *layerd_key_name(const struct layerd_key *key)
{
    return key->name;
}

enum layerd_error layerd_key_address(const struct layerd_key *key, const char *network,
                                     char address[LAYERD_ADDRESS_MAX], struct layerd_failure *failure)
{
    struct error error;
    return failure_report(failure, account_address(&key->account, network, address, &error), &error);
}

void layerd_key_public(const struct layerd_key *key, char public_key[LAYERD_HASH_MAX])
{
    hex_text(public_key, key->account.bytes, sizeof key->account.bytes);
}

static enum status key_inspect(const char *path, const char *network, char name[LAYERD_NAME_MAX],
                               char address[LAYERD_ADDRESS_MAX], struct error *error)
{
    AUTO_FREE char *text = memory_new(KEY_FILE_READ_MAX);
    AUTO_JSON json_t *file = NULL;
    struct account_id account;
    size_t size;

    TRY(private_file_read(path, text, KEY_FILE_READ_MAX, &size, NULL, error));
    if (json_parse(text, size, &file, error) != OK)
        return error_set(error, ERROR_BAD_KEY_FILE, "%s is not a key file", path);
    const json_t *hex = json_object_get(file, "account"), *called = json_object_get(file, "name");
    if (!json_is_string(hex)
        || !hex_decode(account.bytes, sizeof account.bytes, json_string_value(hex), json_string_length(hex))
        || !json_is_string(called) || !key_name_valid(json_string_value(called)))
        return error_set(error, ERROR_BAD_KEY_FILE, "%s is not a key file", path);
    TRY(account_address(&account, network, address, error));
    strcpy(name, json_string_value(called));
    return OK;
}

enum layerd_error layerd_key_inspect(const char *path, const char *network, char name[LAYERD_NAME_MAX],
                                     char address[LAYERD_ADDRESS_MAX], struct layerd_failure *failure)
{
    _Static_assert(KEY_NAME_MAX <= LAYERD_NAME_MAX, "a key's name fits");
    struct error error;
    return failure_report(failure, key_inspect(path, network, name, address, &error), &error);
}

/* --- signing ---------------------------------------------------------------------------------- */

/* The signed form shows the account under the prefix that base/bech32.h keeps for the whole process. A node
 * has one network; a program with this library may sign for several, so the prefix is set under a lock for
 * each encoding. */
static pthread_mutex_t prefix_lock = PTHREAD_MUTEX_INITIALIZER;

static enum status encode_for_chain(const struct transaction *transaction, struct buffer *canonical,
                                    struct hash *id, struct error *error)
{
    bool main_network = strncmp(transaction->chain, "main-", 5) == 0;

    pthread_mutex_lock(&prefix_lock);
    address_set_prefix(main_network ? ADDRESS_PREFIX_MAIN : ADDRESS_PREFIX_TEST);
    enum status status = transaction_encode(transaction, canonical, id, error);
    pthread_mutex_unlock(&prefix_lock);
    return status;
}

static enum status check_chain(const char *chain, struct error *error)
{
    static const char *const networks[] = { "dev-", "test-", "main-" };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strncmp(chain, networks[i], strlen(networks[i])) == 0)
            return OK;
    return error_set(error, ERROR_INVALID_PARAMS,
                     "'%.64s' is no chain id; one begins with dev-, test- or main-", chain);
}

static enum status sign(const struct layerd_key *key, const char *chain, const char *method,
                        const char *params, int64_t valid_until_us, char **signed_text, struct hash *id,
                        struct error *error)
{
    struct buffer canonical CLEANUP(buffer_close) = { 0 }, text CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *object = NULL;
    struct signature signature;
    struct writer w;

    buffer_init(&canonical);
    buffer_init(&text);
    TRY(check_chain(chain, error));
    TRY(json_parse(params == NULL ? "{}" : params, params == NULL ? 2 : strlen(params), &object, error));
    struct transaction transaction = { .account = key->account,
                                       .chain = chain,
                                       .method = method,
                                       .params = object,
                                       .valid_until_us = valid_until_us };
    randombytes_buf(transaction.salt, sizeof transaction.salt);
    TRY(encode_for_chain(&transaction, &canonical, id, error));
    if (!schnorr_sign(key->secret, id, NULL, &signature))
        return error_set(error, ERROR_BAD_KEY, "the key cannot sign");

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_raw(&w, "transaction", canonical.data, canonical.size);
    writer_member_hex(&w, "signature", signature.bytes, sizeof signature.bytes);
    writer_object_end(&w);
    *signed_text = text_copy(buffer_text(&text));
    return OK;
}

enum layerd_error layerd_sign(const struct layerd_key *key, const char *chain, const char *method,
                              const char *params, int64_t valid_until_us, char **signed_text,
                              char id[LAYERD_HASH_MAX], struct layerd_failure *failure)
{
    struct error error;
    struct hash hash;
    enum status status = sign(key, chain, method, params, valid_until_us, signed_text, &hash, &error);
    if (status == OK && id != NULL)
        hex_text(id, hash.bytes, sizeof hash.bytes);
    return failure_report(failure, status, &error);
}

enum layerd_error layerd_submit_signed(struct layerd_client *client, const char *signed_text, int timeout_ms,
                                       char **result, struct layerd_failure *failure)
{
    return layerd_call(client, "transaction.submit", signed_text, timeout_ms, result, failure);
}

/* --- for the library's other files ------------------------------------------------------------ */
void key_sign_hash(const struct layerd_key *key, const struct hash *hash, struct signature *signature)
{
    INVARIANT(schnorr_sign(key->secret, hash, NULL, signature), "an opened key does not sign");
}

const struct account_id *key_account(const struct layerd_key *key)
{
    return &key->account;
}
