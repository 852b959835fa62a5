/* Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint) with Ed25519 (libsodium). The log's
 * head is handed out in this form, so that anyone can keep it elsewhere and compare later. */
#ifndef CRYPTO_NOTE_H
#define CRYPTO_NOTE_H

#include "base/buffer.h"
#include "crypto/schnorr.h"
#include "base/bytes.h"

#define NOTE_NAME_MAX 128
#define NOTE_TEXT_MAX 65536
#define NOTE_SIZE_MAX (1024 * 1024) /* text and signatures; some other kinds of signature are long */
#define NOTE_SIGNATURES_MAX 100

struct note_key {           /* what verifies */
    char name[NOTE_NAME_MAX];
    uint8_t id[4];          /* first 4 bytes of SHA-256(name ‖ 0A ‖ 01 ‖ public key) */
    uint8_t public_key[32];
};
struct note_signer;         /* what signs: the key and its secret, in locked memory */

/* "name+id+base64(01 ‖ public key)"; ERROR_BAD_KEY. */
MUST_CHECK enum status note_key_parse(const char *verifier, struct note_key *key, struct error *error);
void note_key_text(const struct note_key *key, struct buffer *out);

/* The signer whose secret is this 32-byte seed (wiped by the caller). */
struct note_signer *note_signer_new(const char *name, const uint8_t seed[32]);
void note_signer_free(struct note_signer *signer);
const struct note_key *note_signer_key(const struct note_signer *signer);

/* Reads the seed (64 hex digits) from a file that only its owner may read, or makes the file with a fresh
 * seed when it is absent. ERROR_BAD_KEY_FILE, ERROR_STORAGE, and ERROR_INVALID_PARAMS for a bad name. */
MUST_CHECK enum status note_signer_open(const char *path, const char *name, struct note_signer **signer,
                                        struct error *error);

/* A secret of its own for another purpose, which tells nothing of this signer's: SHA-256 tagged hash `tag` of
 * the seed. `out` is locked memory. */
void note_signer_derive(const struct note_signer *signer, const char *tag, struct secret_key *out);

/* Appends text, blank line and signature line. `text` is UTF-8 without control characters and ends with a
 * newline. */
void note_sign(const struct note_signer *signer, const char *text, struct buffer *out);

/* ERROR_BAD_SIGNATURE unless the note is well-formed and has one right signature by `key`. *text_size: how
 * much of the note is the signed text. */
MUST_CHECK enum status note_open(const char *note, size_t size, const struct note_key *key, size_t *text_size,
                                 struct error *error);

/* The same with several keys (a log's old key and its new one). verified[i] tells which of `keys` signed; at
 * least one did. Every line by one of them must be right. Refused too: two keys of one name and id, when a
 * line bears these. */
MUST_CHECK enum status note_open_any(const char *note, size_t size, const struct note_key *keys, size_t count,
                                     size_t *text_size, bool *verified, struct error *error);

struct checkpoint {
    char origin[NOTE_NAME_MAX];
    uint64_t size;
    struct hash root;
};
/* origin \n size \n base64(root) \n */
void checkpoint_text(const struct checkpoint *checkpoint, struct buffer *out);
/* Takes the signed text of a note. Extension lines may follow and are not interpreted.
 * ERROR_INVALID_PARAMS. */
MUST_CHECK enum status checkpoint_parse(const char *text, size_t size, struct checkpoint *checkpoint,
                                        struct error *error);

#endif
