/* Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint) with Ed25519 (libsodium). The log's head is
 * handed out in this form, so that anyone can keep it elsewhere and compare later. */
#ifndef CRYPTO_NOTE_H
#define CRYPTO_NOTE_H

#include "base/buffer.h"
#include "base/bytes.h"

#define NOTE_NAME_MAX 128
#define NOTE_TEXT_MAX 65536

struct note_key {           /* what verifies */
    char name[NOTE_NAME_MAX];
    uint8_t id[4];          /* first 4 bytes of SHA-256(name ‖ 0A ‖ 01 ‖ public key) */
    uint8_t public_key[32];
};
struct note_signer;         /* what signs: the key and its secret, in locked memory */

MUST_CHECK enum status note_key_parse(const char *verifier, struct note_key *key, struct error *error); /* name+id+base64 */
void note_key_text(const struct note_key *key, struct buffer *out);

/* The signer whose secret is this 32-byte seed (wiped by the caller). */
struct note_signer *note_signer_new(const char *name, const uint8_t seed[32]);
void note_signer_free(struct note_signer *signer);
const struct note_key *note_signer_key(const struct note_signer *signer);

/* Reads the seed from a file of mode 0600, or makes the file with a fresh seed when it is absent. */
MUST_CHECK enum status note_signer_open(const char *path, const char *name, struct note_signer **signer,
                                        struct error *error);

/* Appends text, blank line and signature line. `text` ends with a newline. */
void note_sign(const struct note_signer *signer, const char *text, struct buffer *out);

/* ERROR_BAD_SIGNATURE unless the note is well-formed and has one right signature by `key`. *text_size: how much of the
 * note is the signed text. */
MUST_CHECK enum status note_open(const char *note, size_t size, const struct note_key *key, size_t *text_size,
                                 struct error *error);

struct checkpoint {
    char origin[NOTE_NAME_MAX];
    uint64_t size;
    struct hash root;
};
void checkpoint_text(const struct checkpoint *checkpoint, struct buffer *out); /* origin \n size \n base64(root) \n */
MUST_CHECK enum status checkpoint_parse(const char *text, size_t size, struct checkpoint *checkpoint, struct error *error);

#endif
