/* Encryption under a passphrase, as key files and the keystore share it: Argon2id makes the encryption key,
 * XChaCha20-Poly1305 encrypts a secret or seals a text. For this room alone; src/crypto/README.md has the
 * formats. */
#ifndef CRYPTO_SEALING_H
#define CRYPTO_SEALING_H

#include "base/json.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"

/* What a new file costs: RFC 9106 §4, second recommended option (64 MiB), with one pass more, as libsodium
 * has one lane where the RFC has four. */
#define DERIVATION_OPERATIONS 4
#define DERIVATION_MEMORY ((uint64_t)64 << 20)     /* bytes */
#define DERIVATION_OPERATIONS_MAX 20               /* what a file may ask of us */
#define DERIVATION_MEMORY_MAX ((uint64_t)256 << 20) /* bytes */
#define SEALED_SECRET_SIZE (sizeof(struct secret_key) + crypto_aead_xchacha20poly1305_ietf_ABYTES)

struct encryption_key { uint8_t bytes[crypto_aead_xchacha20poly1305_ietf_KEYBYTES]; }; /* secret_new only */

/* How a passphrase becomes an encryption key: Argon2id version 1.3. */
struct derivation {
    uint64_t operations;
    uint64_t memory; /* bytes */
    uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];
};

/* A fresh salt at the present cost. */
void derivation_new(struct derivation *derivation);

/* Lowers the cost of everything made from now on. Only tests call this. */
void derivation_set_cost(uint64_t operations, uint64_t memory);

/* 1 to PASSPHRASE_MAX bytes. */
MUST_CHECK bool passphrase_valid(const char *passphrase);
/* Takes a fraction of a second at the usual cost, and its memory for as long; others wait meanwhile.
 * ERROR_LIMIT when the memory cannot be had. */
MUST_CHECK enum status derivation_run(const struct derivation *derivation, const char *passphrase,
                                      struct encryption_key *key, struct error *error);

void derivation_write(struct writer *w, const struct derivation *derivation); /* the member "kdf" */
/* False unless the object has a whole "kdf" within the limits above. */
MUST_CHECK bool derivation_read(const json_t *object, struct derivation *derivation);

/* One secret key, encrypted; the associated data must be the same when it is opened. */
struct sealed_secret {
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    uint8_t bytes[SEALED_SECRET_SIZE];
};
void secret_seal(struct sealed_secret *sealed, const struct encryption_key *key, struct bytes associated,
                 const struct secret_key *secret);
MUST_CHECK bool secret_unseal(const struct sealed_secret *sealed, const struct encryption_key *key,
                              struct bytes associated, struct secret_key *secret);

/* The same of a key pair, for memory alone. */
struct sealed_pair {
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    uint8_t bytes[KEY_PAIR_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES];
};
void pair_seal(struct sealed_pair *sealed, const struct encryption_key *key, struct bytes associated,
               const struct key_pair *pair);
MUST_CHECK bool pair_unseal(const struct sealed_pair *sealed, const struct encryption_key *key,
                            struct bytes associated, struct key_pair *pair);

/* members "nonce" and "secret" */
void sealed_secret_write(struct writer *w, const struct sealed_secret *sealed);
MUST_CHECK bool sealed_secret_read(const json_t *object, struct sealed_secret *sealed);

/* A proof, by one who has the key, that a text is as it was: encryption of nothing with the text as
 * associated data. */
struct seal {
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    uint8_t tag[crypto_aead_xchacha20poly1305_ietf_ABYTES];
};
void seal_make(struct seal *seal, const struct encryption_key *key, struct bytes text);
MUST_CHECK bool seal_verify(const struct seal *seal, const struct encryption_key *key, struct bytes text);
void seal_write(struct writer *w, const char *member, const struct seal *seal);
MUST_CHECK bool seal_read(const json_t *object, const char *member, struct seal *seal);

/* Ends the object with the member "checksum", BLAKE2b-256 of all before it in the writer's buffer, and a
 * newline. It tells damage from a wrong passphrase; against malice there are the seals. */
void checksum_write(struct writer *w);

/* Parses a file's text. It must be one JSON object; ERROR_BAD_KEY_FILE tells no more, as the file may be
 * anything. */
MUST_CHECK enum status sealed_file_parse(const char *text, size_t size, json_t **object, struct error *error);

/* Whether the text is exactly what we would write, but for white space at the end. This is what refuses every
 * unknown member, odd number and changed bit of a file that was read. */
MUST_CHECK bool sealed_file_same(const char *text, size_t size, const struct buffer *written);

MUST_CHECK bool member_hex(const json_t *object, const char *member, void *out, size_t size);

#endif
