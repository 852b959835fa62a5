/* The node's keystore. While it is unlocked, memory holds one secret: the encryption key, in locked memory. A
 * key is decrypted for each signature (some 20 us beside the signature's 60) and wiped after it, so that what
 * an unlocked node can lose at any moment is bounded. Readers (sign, list) run side by side; whoever changes
 * the file or the lock runs alone. Memory changes only after the file has. */
#include "crypto/keystore.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/keystore_file.h"
#include "crypto/private_file.h"

struct keystore {
    char *path;
    pthread_rwlock_t lock;         /* over all below */
    bool exists;                   /* the file does, and `file` is its content */
    struct keystore_file file;
    struct private_file_mark mark; /* of the file as we know it */
    struct encryption_key *key;    /* in locked memory; NULL while locked */
};

static void unlock_rwlock(pthread_rwlock_t **lock)
{
    pthread_rwlock_unlock(*lock);
}

static pthread_rwlock_t *lock_shared(struct keystore *keystore)
{
    pthread_rwlock_rdlock(&keystore->lock);
    return &keystore->lock;
}

static pthread_rwlock_t *lock_alone(struct keystore *keystore)
{
    pthread_rwlock_wrlock(&keystore->lock);
    return &keystore->lock;
}

/* Until the end of the enclosing scope. */
#define WHILE_SHARED(keystore) \
    CLEANUP(unlock_rwlock) __attribute__((unused)) pthread_rwlock_t *scope_lock = lock_shared(keystore)
#define WHILE_ALONE(keystore) \
    CLEANUP(unlock_rwlock) __attribute__((unused)) pthread_rwlock_t *scope_lock = lock_alone(keystore)

/* --- opening and locking ---------------------------------------------------------------------- */

static enum status file_load(struct keystore *keystore, struct error *error)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };

    buffer_init(&text);
    buffer_reserve(&text, KEYSTORE_FILE_SIZE_MAX);
    enum status status = private_file_read(keystore->path, text.data, KEYSTORE_FILE_SIZE_MAX, &text.size,
                                           &keystore->mark, error);
    if (status == ERROR_NOT_FOUND)
        return OK;
    if (status != OK)
        return status;
    TRY(keystore_file_read((const char *)text.data, text.size, &keystore->file, error));
    keystore->exists = true;
    return OK;
}

enum status keystore_open(const char *path, struct keystore **keystore, struct error *error)
{
    struct keystore *made = memory_new(sizeof *made);
    pthread_rwlockattr_t attributes;

    made->path = text_copy(path);
    keystore_file_init(&made->file);
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&made->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);

    enum status status = file_load(made, error);
    if (status != OK) {
        keystore_close(made);
        return status;
    }
    *keystore = made;
    return OK;
}

void keystore_close(struct keystore *keystore)
{
    if (keystore == NULL)
        return;
    secret_free_pointer(&keystore->key);
    keystore_file_close(&keystore->file);
    pthread_rwlock_destroy(&keystore->lock);
    memory_free_pointer(&keystore->path);
    memory_free_pointer(&keystore);
}

bool keystore_exists(struct keystore *keystore)
{
    WHILE_SHARED(keystore);
    return keystore->exists;
}

bool keystore_is_locked(struct keystore *keystore)
{
    WHILE_SHARED(keystore);
    return keystore->key == NULL;
}

/* Writes the file as it is in memory, sealed with `key`. */
static enum status file_save(struct keystore *keystore, const struct encryption_key *key, struct error *error)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };

    buffer_init(&text);
    keystore_file_write(&keystore->file, key, &text);
    return private_file_write(keystore->path, text.data, text.size, &keystore->mark, error);
}

enum status keystore_create(struct keystore *keystore, const char *passphrase, struct error *error)
{
    CLEANUP(secret_free_pointer) struct encryption_key *key = secret_new(sizeof *key);
    struct derivation derivation;

    if (!passphrase_valid(passphrase))
        return error_set(error, ERROR_INVALID_PARAMS, "a passphrase has 1 to %d bytes", PASSPHRASE_MAX);
    derivation_new(&derivation);
    TRY(derivation_run(&derivation, passphrase, key, error)); /* takes long: before the lock */

    WHILE_ALONE(keystore);
    if (keystore->exists)
        return error_set(error, ERROR_KEY_EXISTS, "there is a keystore at '%s' already", keystore->path);
    keystore->file.derivation = derivation;
    TRY(file_save(keystore, key, error));
    keystore->exists = true;
    keystore->key = key;
    key = NULL;
    return OK;
}

static enum status derivation_get(struct keystore *keystore, struct derivation *derivation,
                                  struct error *error)
{
    WHILE_SHARED(keystore);
    if (!keystore->exists)
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no keystore at '%s' yet; 'layer-cli wallet.create' makes it",
                         keystore->path);
    *derivation = keystore->file.derivation;
    return OK;
}

enum status keystore_unlock(struct keystore *keystore, const char *passphrase, struct error *error)
{
    CLEANUP(secret_free_pointer) struct encryption_key *key = secret_new(sizeof *key);
    struct derivation derivation;

    TRY(derivation_get(keystore, &derivation, error));
    if (!passphrase_valid(passphrase))
        return error_set(error, ERROR_WRONG_PASSPHRASE, "a passphrase has 1 to %d bytes", PASSPHRASE_MAX);
    TRY(derivation_run(&derivation, passphrase, key, error)); /* takes long: outside the lock */

    WHILE_ALONE(keystore);
    TRY(keystore_file_verify(&keystore->file, key, error));
    if (keystore->key == NULL) {
        keystore->key = key;
        key = NULL;
    }
    return OK;
}

void keystore_lock(struct keystore *keystore)
{
    WHILE_ALONE(keystore);
    secret_free_pointer(&keystore->key);
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum status unlocked(const struct keystore *keystore, struct error *error)
{
    if (!keystore->exists)
        return error_set(error, ERROR_KEYSTORE_LOCKED,
                         "there is no keystore yet; 'layer-cli wallet.create' makes it");
    if (keystore->key == NULL)
        return error_set(error, ERROR_KEYSTORE_LOCKED, "the keystore is locked");
    return OK;
}

/* Names come from outside and may hold anything; only what could be a name or an address is shown. */
static enum status not_found(const char *name, struct error *error)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    if (name[strspn(name, characters)] != '\0')
        return error_set(error, ERROR_KEY_NOT_FOUND, "no key has this name, which is not a valid one either");
    return error_set(error, ERROR_KEY_NOT_FOUND, "no key is named '%.80s'", name);
}

/* Decrypts into `secret`, which the caller got from secret_new and frees. */
static enum status key_open(const struct keystore *keystore, const struct keystore_key *key,
                            struct secret_key *secret, struct error *error)
{
    if (!keystore_key_unseal(key, keystore->key, secret))
        return error_set(error, ERROR_BAD_KEY_FILE, "the key '%s' in the keystore is damaged", key->name);
    return OK;
}

enum status keystore_import(struct keystore *keystore, const char *name, const struct secret_key *secret,
                            struct account_id *account, struct error *error)
{
    struct keystore_key key = { .name = "" };
    bool found;

    if (!key_name_valid(name))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "a key's name has 1 to %d of A-Z a-z 0-9 . _ -, does not start with '.' or '-',"
                         " and is not an address", KEY_NAME_MAX - 1);
    memcpy(key.name, name, strlen(name) + 1);
    if (!secret_key_account(secret, &key.account))
        return error_set(error, ERROR_BAD_KEY, "the secret key is 0 or not below the group's order");

    WHILE_ALONE(keystore);
    TRY(unlocked(keystore, error));
    size_t place = keystore_file_place(&keystore->file, name, &found);
    if (found)
        return error_set(error, ERROR_KEY_EXISTS, "a key is named '%s' already", name);
    const struct keystore_key *same = keystore_file_find_account(&keystore->file, &key.account);
    if (same != NULL)
        return error_set(error, ERROR_KEY_EXISTS, "this key is here already, as '%s'", same->name);
    if (keystore->file.count == KEYSTORE_KEYS_MAX)
        return error_set(error, ERROR_LIMIT, "the keystore holds its %d keys already", KEYSTORE_KEYS_MAX);
    keystore_key_seal(&key, keystore->key, secret);
    keystore_file_insert(&keystore->file, place, &key);
    enum status status = file_save(keystore, keystore->key, error);
    if (status != OK) {
        keystore_file_remove(&keystore->file, place);
        return status;
    }
    *account = key.account;
    return OK;
}

enum status keystore_generate(struct keystore *keystore, const char *name, struct account_id *account,
                              struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);

    secret_key_generate(secret);
    return keystore_import(keystore, name, secret, account, error);
}

enum status keystore_export(struct keystore *keystore, const char *name, const char *passphrase,
                            struct buffer *key_file, struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    char full_name[KEY_NAME_MAX]; /* `name` may be an address */

    {
        WHILE_SHARED(keystore);
        TRY(unlocked(keystore, error));
        const struct keystore_key *key = keystore_file_find(&keystore->file, name);
        if (key == NULL)
            return not_found(name, error);
        TRY(key_open(keystore, key, secret, error));
        memcpy(full_name, key->name, sizeof full_name);
    }
    /* takes long: outside the lock */
    return key_file_encode(secret, full_name, passphrase, key_file, error);
}

enum status keystore_remove(struct keystore *keystore, const char *name, struct error *error)
{
    WHILE_ALONE(keystore);
    TRY(unlocked(keystore, error));
    const struct keystore_key *key = keystore_file_find(&keystore->file, name);
    if (key == NULL)
        return not_found(name, error);
    struct keystore_key removed = *key;
    size_t place = (size_t)(key - keystore->file.keys);
    keystore_file_remove(&keystore->file, place);
    enum status status = file_save(keystore, keystore->key, error);
    if (status != OK)
        keystore_file_insert(&keystore->file, place, &removed);
    return status;
}

/* Each thread keeps one place for the key that it signs with: making guarded memory for every signature costs
 * as much as half a signature, on every core. It holds zeros but while it is used. */
static pthread_key_t scratch;
static pthread_once_t scratch_made = PTHREAD_ONCE_INIT;

static void scratch_make(void)
{
    INVARIANT(pthread_key_create(&scratch, secret_free) == 0, "no place for a key a thread");
}

static struct key_pair *scratch_pair(void)
{
    struct key_pair *pair;

    pthread_once(&scratch_made, scratch_make);
    pair = pthread_getspecific(scratch);
    if (pair == NULL) {
        pair = secret_new(sizeof *pair);
        INVARIANT(pthread_setspecific(scratch, pair) == 0, "a thread cannot keep its place for a key");
    }
    return pair;
}

static void scratch_wipe(void *pointer_to_pointer)
{
    struct key_pair **pair = pointer_to_pointer;

    sodium_memzero((*pair)->bytes, sizeof (*pair)->bytes);
}

/* A key's pair is computed when it first signs, and kept sealed: its public half costs a third of a
 * signature. Signers share the keystore's lock, so that filling needs one of its own; `has_pair` is set last.
 */
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;

static enum status pair_fill(const struct keystore *keystore, struct keystore_key *key, struct key_pair *pair,
                             struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);

    TRY(key_open(keystore, key, secret, error));
    INVARIANT(key_pair_make(secret, pair), "only valid keys are in the keystore");
    pthread_mutex_lock(&filling);
    if (!__atomic_load_n(&key->has_pair, __ATOMIC_ACQUIRE)) {
        pair_seal(&key->pair, keystore->key, bytes_of(key->account.bytes, sizeof key->account.bytes), pair);
        __atomic_store_n(&key->has_pair, true, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&filling);
    return OK;
}

static enum status pair_open(const struct keystore *keystore, struct keystore_key *key, struct key_pair *pair,
                             struct error *error)
{
    if (!__atomic_load_n(&key->has_pair, __ATOMIC_ACQUIRE))
        return pair_fill(keystore, key, pair, error);
    INVARIANT(pair_unseal(&key->pair, keystore->key, bytes_of(key->account.bytes, sizeof key->account.bytes),
                          pair),
              "a key pair that was sealed in memory does not open");
    return OK;
}

enum status keystore_sign(struct keystore *keystore, const char *name, const struct hash *message,
                          struct signature *signature, struct error *error)
{
    CLEANUP(scratch_wipe) struct key_pair *pair = scratch_pair();

    {
        WHILE_SHARED(keystore);
        TRY(unlocked(keystore, error));
        const struct keystore_key *key = keystore_file_find(&keystore->file, name);
        if (key == NULL)
            return not_found(name, error);
        TRY(pair_open(keystore, &keystore->file.keys[key - keystore->file.keys], pair, error));
    }
    schnorr_sign_pair(pair, message, signature);
    return OK;
}

enum status keystore_sign_ecdsa(struct keystore *keystore, const char *name, const struct hash *message,
                                struct signature *signature, int *recovery_id, struct public_key *public_key,
                                struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);

    {
        WHILE_SHARED(keystore);
        TRY(unlocked(keystore, error));
        const struct keystore_key *key = keystore_file_find(&keystore->file, name);
        if (key == NULL)
            return not_found(name, error);
        TRY(key_open(keystore, key, secret, error));
    }
    if (!secret_key_public(secret, public_key) ||
        !ecdsa_sign_recoverable(secret, message, signature, recovery_id))
        return error_set(error, ERROR_BAD_KEY, "the key does not sign");
    return OK;
}

enum status keystore_derive(struct keystore *keystore, const char *name, const char *tag, struct hash *secret,
                            struct error *error)
{
    CLEANUP(secret_free_pointer) struct secret_key *key_secret = secret_new(sizeof *key_secret);

    {
        WHILE_SHARED(keystore);
        TRY(unlocked(keystore, error));
        const struct keystore_key *key = keystore_file_find(&keystore->file, name);
        if (key == NULL)
            return not_found(name, error);
        TRY(key_open(keystore, key, key_secret, error));
    }
    tagged_hash(secret, tag, key_secret->bytes, sizeof key_secret->bytes);
    return OK;
}

enum status keystore_account(struct keystore *keystore, const char *name, struct account_id *account,
                             struct error *error)
{
    WHILE_SHARED(keystore);
    const struct keystore_key *key = keystore_file_find(&keystore->file, name);
    if (key == NULL)
        return not_found(name, error);
    *account = key->account;
    return OK;
}

bool keystore_has(struct keystore *keystore, const struct account_id *account)
{
    if (keystore == NULL)
        return false;
    WHILE_SHARED(keystore);
    return keystore_file_find_account(&keystore->file, account) != NULL;
}

void keystore_list(struct keystore *keystore,
                   void (*each)(void *context, const char *name, const struct account_id *account),
                   void *context)
{
    WHILE_SHARED(keystore);
    for (size_t i = 0; i < keystore->file.count; i++)
        each(context, keystore->file.keys[i].name, &keystore->file.keys[i].account);
}
