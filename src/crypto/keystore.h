/* Keys at rest. A key file is one secret key under a passphrase; the keystore is a file of many under one
 * passphrase. Both: Argon2id (libsodium, version 1.3) makes the encryption key, XChaCha20-Poly1305 encrypts,
 * names and public keys are authenticated data. Secrets stay in locked memory, are wiped after use, and are
 * written only encrypted, to a new file of mode 0600 that replaces the old one after fsync. Safe from any
 * thread (one lock inside). */
#ifndef CRYPTO_KEYSTORE_H
#define CRYPTO_KEYSTORE_H

#include "base/buffer.h"
#include "crypto/schnorr.h"

#define KEY_NAME_MAX 64 /* with the final zero; [A-Za-z0-9._-], not starting with '-' or '.', no address */
#define KEYSTORE_KEYS_MAX 10000
#define PASSPHRASE_MAX 1024 /* bytes, without the final zero */
#define KEY_FILE_SIZE_MAX 4096

MUST_CHECK bool key_name_valid(const char *name);

/* --- one key in a file, for signing away from the node ---------------------------------------- */
/* The file's text (one JSON object). ERROR_BAD_KEY_FILE, ERROR_WRONG_PASSPHRASE. */
MUST_CHECK enum status key_file_encode(const struct secret_key *key, const char *name, const char *passphrase,
                                       struct buffer *out, struct error *error);
MUST_CHECK enum status key_file_decode(const char *text, size_t size, const char *passphrase,
                                       struct secret_key *key, char name[KEY_NAME_MAX], struct error *error);

/* --- the node's keystore ---------------------------------------------------------------------- */
struct keystore;

/* Opens the keystore at `path`; it may not exist yet. It starts locked. */
MUST_CHECK enum status keystore_open(const char *path, struct keystore **keystore, struct error *error);
void keystore_close(struct keystore *keystore); /* wipes; NULL is fine; also when locked */

/* A keystore that does not exist yet is made, with its passphrase, by keystore_create (wallet.create);
 * nothing else makes it. */
bool keystore_exists(struct keystore *keystore);
bool keystore_is_locked(struct keystore *keystore);
MUST_CHECK enum status keystore_create(struct keystore *keystore, const char *passphrase,
                                       struct error *error);
MUST_CHECK enum status keystore_unlock(struct keystore *keystore, const char *passphrase,
                                       struct error *error);
void keystore_lock(struct keystore *keystore);

/* All need it unlocked (ERROR_KEYSTORE_LOCKED) and are durable when they return. */
MUST_CHECK enum status keystore_generate(struct keystore *keystore, const char *name,
                                         struct account_id *account, struct error *error);
MUST_CHECK enum status keystore_import(struct keystore *keystore, const char *name,
                                       const struct secret_key *key, struct account_id *account,
                                       struct error *error);
MUST_CHECK enum status keystore_export(struct keystore *keystore, const char *name, const char *passphrase,
                                       struct buffer *key_file, struct error *error);
MUST_CHECK enum status keystore_remove(struct keystore *keystore, const char *name, struct error *error);

/* Signs with the key `name` (or the address of one). */
MUST_CHECK enum status keystore_sign(struct keystore *keystore, const char *name, const struct hash *message,
                                     struct signature *signature, struct error *error);
/* The same with ECDSA, recoverable, as BOLT 11 signs; `public_key` is the key's own. */
MUST_CHECK enum status keystore_sign_ecdsa(struct keystore *keystore, const char *name,
                                           const struct hash *message, struct signature *signature,
                                           int *recovery_id, struct public_key *public_key,
                                           struct error *error);
/* A secret that follows from the key: the tagged hash of it under `tag`. Wipe it after use. */
MUST_CHECK enum status keystore_derive(struct keystore *keystore, const char *name, const char *tag,
                                       struct hash *secret, struct error *error);
/* The account of a key, also while locked. `name` may be an address, which must be one of ours. */
MUST_CHECK enum status keystore_account(struct keystore *keystore, const char *name,
                                        struct account_id *account, struct error *error);
/* Whether the key of an account is here, also while locked. NULL has none. */
bool keystore_has(struct keystore *keystore, const struct account_id *account);
/* Calls `each` for every key in order of name, also while locked. */
void keystore_list(struct keystore *keystore,
                   void (*each)(void *context, const char *name, const struct account_id *account),
                   void *context);

#endif
