/* The keystore's file: its content in memory, and to and from JSON. Keys stand in order of name, each name
 * once. The file carries two seals: `check` over its head alone, which only the right passphrase opens, and
 * `seal` over everything, so that no key can be taken out, put back or renamed by one without the
 * passphrase. */
#ifndef CRYPTO_KEYSTORE_FILE_H
#define CRYPTO_KEYSTORE_FILE_H

#include "crypto/keystore.h"
#include "crypto/sealing.h"

#define KEYSTORE_FILE_SIZE_MAX ((size_t)4 << 20) /* all keys, with the longest names, take 3.2 MB */

struct keystore_key {
    char name[KEY_NAME_MAX];
    struct account_id account;
    struct sealed_secret sealed;
    bool has_pair; /* in memory alone, once the key has signed: what it signs with, sealed as the key is */
    struct sealed_pair pair;
};

struct keystore_file {
    struct derivation derivation;
    struct seal check;
    struct seal seal;
    struct keystore_key *keys; /* in order of name */
    size_t count;
    size_t capacity;
};

void keystore_file_init(struct keystore_file *file);
void keystore_file_close(struct keystore_file *file);

/* Makes both seals anew and appends the file's text. */
void keystore_file_write(struct keystore_file *file, const struct encryption_key *key, struct buffer *out);

/* All checks that need no passphrase, the checksum among them. ERROR_BAD_KEY_FILE. `file` is initialised and
 * empty, and is to be closed whatever the answer. */
MUST_CHECK enum status keystore_file_read(const char *text, size_t size, struct keystore_file *file,
                                          struct error *error);

/* ERROR_WRONG_PASSPHRASE; ERROR_BAD_KEY_FILE when the key is right and yet the content is not what was
 * sealed. */
MUST_CHECK enum status keystore_file_verify(const struct keystore_file *file,
                                            const struct encryption_key *key, struct error *error);

/* The place of a name, or where it would go; *found tells which. */
size_t keystore_file_place(const struct keystore_file *file, const char *name, bool *found);
/* The key with this name or, failing that, address; NULL when there is none. Valid until keys come or go. */
const struct keystore_key *keystore_file_find(const struct keystore_file *file, const char *name);
const struct keystore_key *keystore_file_find_account(const struct keystore_file *file,
                                                      const struct account_id *account);
void keystore_file_insert(struct keystore_file *file, size_t place, const struct keystore_key *key);
void keystore_file_remove(struct keystore_file *file, size_t place);

/* Encryption of one key's secret, bound to its name and account. */
void keystore_key_seal(struct keystore_key *key, const struct encryption_key *encryption,
                       const struct secret_key *secret);
MUST_CHECK bool keystore_key_unseal(const struct keystore_key *key, const struct encryption_key *encryption,
                                    struct secret_key *secret);

#endif
