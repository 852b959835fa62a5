/* Signed notes: a text, an empty line, and lines "— name base64(key id ‖ signature)". Strict in what it
 * takes: one encoding of everything, so that two different notes never count as the same. A line by an
 * unknown key says nothing and is skipped; a wrong line by a known key condemns the note. */
#include "crypto/note.h"

#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/private_file.h"
#include "crypto/schnorr.h"

#define ED25519_KIND 0x01           /* the kind of key, first byte of its encoding (C2SP signed-note) */
#define LINE_START "\xe2\x80\x94 "  /* em dash and space */
#define LINE_START_SIZE 4
#define SEED_SIZE 32
#define SEED_TEXT_SIZE (2 * SEED_SIZE + 1) /* hex and newline */
#define KEY_ID_HEX_SIZE 8

struct note_signer {
    struct note_key key;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

/* --- characters ------------------------------------------------------------------------------- */

/* Reads one UTF-8 character (RFC 3629: shortest form, no surrogates, at most U+10FFFF). Its length, or 0. */
static size_t character_read(const uint8_t *text, size_t size, uint32_t *character)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = text[0];
    size_t length = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 :
                    (first & 0xf8) == 0xf0 ? 4 : 0;

    if (length == 0 || length > size)
        return 0;
    uint32_t value = length == 1 ? first : first & (0x7f >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3f);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *character = value;
    return length;
}

/* Unicode's White_Space. */
static bool character_is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* UTF-8 without control characters other than newline. */
static bool text_valid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t character;
        size_t length = character_read((const uint8_t *)text + at, size - at, &character);

        if (length == 0 || (character < 0x20 && character != '\n'))
            return false;
        at += length;
    }
    return true;
}

static bool name_valid(const char *name, size_t size)
{
    if (size == 0)
        return false;
    for (size_t at = 0; at < size;) {
        uint32_t character;
        size_t length = character_read((const uint8_t *)name + at, size - at, &character);

        if (length == 0 || character < 0x20 || character == '+' || character_is_space(character))
            return false;
        at += length;
    }
    return true;
}

/* --- base64 (RFC 4648 §4, with padding, no spare bits) ---------------------------------------- */

static void base64_append(struct buffer *out, const void *data, size_t size)
{
    size_t most = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL); /* with a final zero */
    char *place = (char *)buffer_reserve(out, most);

    sodium_bin2base64(place, most, data, size, sodium_base64_VARIANT_ORIGINAL);
    out->size += most - 1;
}

/* The bytes, at most `capacity`; false for anything that is not exactly base64 of so many or fewer. libsodium
 * 1.0.18 takes bytes from 80 hex on for characters of the alphabet, so that one text would have many forms:
 * they are refused here. */
static bool base64_read(const char *text, size_t length, void *out, size_t capacity, size_t *size)
{
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] >= 0x80)
            return false;
    return length > 0 &&
           sodium_base642bin(out, capacity, text, length, NULL, size, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void key_id_make(struct note_key *key)
{
    static const uint8_t between[2] = { '\n', ED25519_KIND };
    crypto_hash_sha256_state state;
    struct hash hash;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)key->name, strlen(key->name));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, key->public_key, sizeof key->public_key);
    crypto_hash_sha256_final(&state, hash.bytes);
    memcpy(key->id, hash.bytes, sizeof key->id);
}

enum status note_key_parse(const char *verifier, struct note_key *key, struct error *error)
{
    struct note_key made = { .name = "" };
    uint8_t id[sizeof made.id], encoded[1 + sizeof made.public_key];
    size_t encoded_size;
    const char *id_text = strchr(verifier, '+');
    const char *key_text = id_text == NULL ? NULL : strchr(id_text + 1, '+');

    if (key_text == NULL)
        return error_set(error, ERROR_BAD_KEY, "not a verifier key; expected name+id+base64");
    size_t name_size = (size_t)(id_text - verifier);
    if (name_size >= sizeof made.name || !name_valid(verifier, name_size))
        return error_set(error, ERROR_BAD_KEY,
                         "the verifier key's name has %zu bytes; expected 1 to %zu, no spaces",
                         name_size, sizeof made.name - 1);
    id_text++;
    key_text++;
    if (!hex_decode(id, sizeof id, id_text, (size_t)(key_text - 1 - id_text)))
        return error_set(error, ERROR_BAD_KEY, "the verifier key's id is not %d hex digits", KEY_ID_HEX_SIZE);
    if (!base64_read(key_text, strlen(key_text), encoded, sizeof encoded, &encoded_size) ||
        encoded_size != sizeof encoded)
        return error_set(error, ERROR_BAD_KEY, "the verifier key is not base64 of %zu bytes", sizeof encoded);
    if (encoded[0] != ED25519_KIND)
        return error_set(error, ERROR_BAD_KEY, "the verifier key is of kind %u; only Ed25519 (%d) is known",
                         encoded[0], ED25519_KIND);
    memcpy(made.name, verifier, name_size);
    memcpy(made.public_key, encoded + 1, sizeof made.public_key);
    key_id_make(&made);
    if (memcmp(made.id, id, sizeof id) != 0)
        return error_set(error, ERROR_BAD_KEY, "the verifier key's id does not belong to its name and key");
    *key = made;
    return OK;
}

void note_key_text(const struct note_key *key, struct buffer *out)
{
    uint8_t encoded[1 + sizeof key->public_key] = { ED25519_KIND };

    memcpy(encoded + 1, key->public_key, sizeof key->public_key);
    buffer_append_text(out, key->name);
    buffer_append(out, "+", 1);
    buffer_append_hex(out, key->id, sizeof key->id);
    buffer_append(out, "+", 1);
    base64_append(out, encoded, sizeof encoded);
}

struct note_signer *note_signer_new(const char *name, const uint8_t seed[32])
{
    size_t size = strlen(name);

    INVARIANT(size < NOTE_NAME_MAX && name_valid(name, size), "a signer's name of %zu bytes", size);
    struct note_signer *signer = secret_new(sizeof *signer);
    memcpy(signer->key.name, name, size + 1);
    crypto_sign_seed_keypair(signer->key.public_key, signer->secret, seed);
    key_id_make(&signer->key);
    return signer;
}

void note_signer_free(struct note_signer *signer)
{
    secret_free(signer);
}

void note_signer_derive(const struct note_signer *signer, const char *tag, struct secret_key *out)
{
    struct hash derived;

    tagged_hash(&derived, tag, signer->secret, SEED_SIZE); /* the seed stands first (RFC 8032 in libsodium) */
    memcpy(out->bytes, derived.bytes, sizeof(out->bytes));
    sodium_memzero(&derived, sizeof(derived));
}

const struct note_key *note_signer_key(const struct note_signer *signer)
{
    return &signer->key;
}

enum status note_signer_open(const char *path, const char *name, struct note_signer **signer,
                             struct error *error)
{
    CLEANUP(secret_free_pointer) uint8_t *seed = secret_new(SEED_SIZE);
    CLEANUP(secret_free_pointer) char *text = secret_new(SEED_TEXT_SIZE + 1); /* hex_text's final zero */
    struct private_file_mark mark;
    size_t size;

    if (strlen(name) >= NOTE_NAME_MAX || !name_valid(name, strlen(name)))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "a signer's name has 1 to %d bytes, no space and no '+'", NOTE_NAME_MAX - 1);
    enum status status = private_file_read(path, text, SEED_TEXT_SIZE, &size, &mark, error);
    if (status == ERROR_NOT_FOUND) {
        randombytes_buf(seed, SEED_SIZE);
        hex_text(text, seed, SEED_SIZE);
        text[SEED_TEXT_SIZE - 1] = '\n';
        TRY(private_file_write(path, text, SEED_TEXT_SIZE, &mark, error));
    } else if (status != OK) {
        return status;
    } else {
        if (size == SEED_TEXT_SIZE && text[size - 1] == '\n')
            size--;
        if (!hex_decode(seed, SEED_SIZE, text, size))
            return error_set(error, ERROR_BAD_KEY_FILE, "'%s' does not hold a seed; expected %d hex digits",
                             path, 2 * SEED_SIZE);
    }
    *signer = note_signer_new(name, seed);
    return OK;
}

/* --- signing and opening ---------------------------------------------------------------------- */

void note_sign(const struct note_signer *signer, const char *text, struct buffer *out)
{
    size_t size = strlen(text);
    uint8_t line[sizeof signer->key.id + crypto_sign_BYTES];

    INVARIANT(size > 0 && size <= NOTE_TEXT_MAX && text[size - 1] == '\n' && text_valid(text, size),
              "a note's text of %zu bytes", size);
    memcpy(line, signer->key.id, sizeof signer->key.id);
    crypto_sign_detached(line + sizeof signer->key.id, NULL, (const uint8_t *)text, size, signer->secret);
    buffer_append(out, text, size);
    buffer_append_text(out, "\n" LINE_START);
    buffer_append_text(out, signer->key.name);
    buffer_append(out, " ", 1);
    base64_append(out, line, sizeof line);
    buffer_append(out, "\n", 1);
}

struct signature_line {
    struct bytes name;
    const uint8_t *id;       /* 4 bytes */
    struct bytes signature;  /* at least 1 byte; of whatever kind the key is */
};

/* Reads one line without its newline. `space` holds what base64 gives, at least `size` bytes. */
static bool signature_line_parse(const char *line, size_t size, uint8_t *space, struct signature_line *out)
{
    size_t decoded;

    if (size < LINE_START_SIZE || memcmp(line, LINE_START, LINE_START_SIZE) != 0)
        return false;
    line += LINE_START_SIZE;
    size -= LINE_START_SIZE;
    const char *gap = memchr(line, ' ', size);
    if (gap == NULL || !name_valid(line, (size_t)(gap - line)))
        return false;
    out->name = bytes_of(line, (size_t)(gap - line));
    size -= out->name.size + 1;
    if (!base64_read(gap + 1, size, space, size, &decoded) || decoded < 5)
        return false;
    out->id = space;
    out->signature = bytes_of(space + 4, decoded - 4);
    return true;
}

static bool line_is_by(const struct signature_line *line, const struct note_key *key)
{
    return bytes_equal(line->name, bytes_of_text(key->name)) &&
           memcmp(line->id, key->id, sizeof key->id) == 0;
}

/* Checks one line against the known keys and sets signed_by[…] for the one it is by; an unknown key changes
 * nothing. */
static enum status signature_line_check(const struct signature_line *line, struct bytes text,
                                        const struct note_key *keys, size_t count, bool *signed_by,
                                        struct error *error)
{
    size_t found = count;

    for (size_t i = 0; i < count; i++) {
        if (!line_is_by(line, &keys[i]))
            continue;
        if (found != count)
            return error_set(error, ERROR_BAD_SIGNATURE, "two known keys are both named '%s' with one id",
                             keys[i].name);
        found = i;
    }
    if (found == count)
        return OK;
    if (line->signature.size != crypto_sign_BYTES ||
        crypto_sign_verify_detached(line->signature.data, text.data, text.size, keys[found].public_key) != 0)
        return error_set(error, ERROR_BAD_SIGNATURE, "the note's signature by '%s' is wrong",
                         keys[found].name);
    signed_by[found] = true;
    return OK;
}

/* The size of the signed text, its final newline included: up to the last empty line. 0 when there is
 * none. */
static size_t signed_text_size(const char *note, size_t size)
{
    for (size_t at = size; at >= 2; at--)
        if (note[at - 1] == '\n' && note[at - 2] == '\n')
            return at - 1;
    return 0;
}

static enum status malformed(struct error *error, const char *reason)
{
    return error_set(error, ERROR_BAD_SIGNATURE, "not a signed note: %s", reason);
}

enum status note_open_any(const char *note, size_t size, const struct note_key *keys, size_t count,
                          size_t *text_size, bool *verified, struct error *error)
{
    if (size > NOTE_SIZE_MAX)
        return malformed(error, "it is over 1 MiB");
    size_t text = signed_text_size(note, size);
    if (text == 0)
        return malformed(error, "no empty line stands between text and signatures");
    if (text > NOTE_TEXT_MAX)
        return malformed(error, "its text is over 64 KiB");
    if (text + 1 == size || note[size - 1] != '\n')
        return malformed(error, "it does not end with a signature line");
    if (!text_valid(note, size))
        return malformed(error, "it is not UTF-8 free of control characters");

    AUTO_FREE uint8_t *space = memory_new(size);
    AUTO_FREE bool *signed_by = memory_array(count + 1, sizeof *signed_by); /* never of size 0 */
    size_t lines = 0, right = 0;
    for (size_t at = text + 1; at < size; lines++) {
        const char *line = note + at, *end = memchr(line, '\n', size - at);
        struct signature_line parsed;

        if (lines == NOTE_SIGNATURES_MAX)
            return malformed(error, "it has over 100 signature lines");
        if (!signature_line_parse(line, (size_t)(end - line), space, &parsed))
            return malformed(error, "a signature line is not '— name base64'");
        TRY(signature_line_check(&parsed, bytes_of(note, text), keys, count, signed_by, error));
        at += (size_t)(end - line) + 1;
    }
    for (size_t i = 0; i < count; i++)
        right += signed_by[i];
    if (right == 0)
        return error_set(error, ERROR_BAD_SIGNATURE, "the note bears no signature by a known key");
    memcpy(verified, signed_by, count * sizeof *signed_by);
    *text_size = text;
    return OK;
}

enum status note_open(const char *note, size_t size, const struct note_key *key, size_t *text_size,
                      struct error *error)
{
    bool verified;

    return note_open_any(note, size, key, 1, text_size, &verified, error);
}

/* --- checkpoints (C2SP tlog-checkpoint) ------------------------------------------------------- */

void checkpoint_text(const struct checkpoint *checkpoint, struct buffer *out)
{
    char digits[20];

    buffer_append_text(out, checkpoint->origin);
    buffer_append(out, "\n", 1);
    buffer_append(out, digits, decimal_encode(digits, checkpoint->size));
    buffer_append(out, "\n", 1);
    base64_append(out, checkpoint->root.bytes, sizeof checkpoint->root.bytes);
    buffer_append(out, "\n", 1);
}

/* Takes the next line, without its newline, off the front of `rest`. False when there is none or it is
 * empty. */
static bool line_next(struct bytes *rest, struct bytes *line)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);

    if (end == NULL || end == rest->data)
        return false;
    *line = bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = bytes_of(end + 1, rest->size - line->size - 1);
    return true;
}

/* Decimal digits without leading zeros. */
static bool size_read(struct bytes digits, uint64_t *size)
{
    uint64_t value = 0;

    if (digits.size > 1 && digits.data[0] == '0')
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' ||
            __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits.data[i] - '0'), &value))
            return false;
    }
    *size = value;
    return true;
}

enum status checkpoint_parse(const char *text, size_t size, struct checkpoint *checkpoint,
                             struct error *error)
{
    struct checkpoint made = { .origin = "" };
    struct bytes rest = bytes_of(text, size), line;
    size_t root_size;

    if (size > NOTE_TEXT_MAX || !text_valid(text, size))
        return error_set(error, ERROR_INVALID_PARAMS, "not a checkpoint: not UTF-8 of at most %d bytes",
                         NOTE_TEXT_MAX);
    if (!line_next(&rest, &line) || line.size >= sizeof made.origin)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "not a checkpoint: line 1 is not an origin of 1 to %zu bytes",
                         sizeof made.origin - 1);
    memcpy(made.origin, line.data, line.size);
    if (!line_next(&rest, &line) || !size_read(line, &made.size))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "not a checkpoint: line 2 is not the tree's size in decimal");
    if (!line_next(&rest, &line) ||
        !base64_read((const char *)line.data, line.size, made.root.bytes, sizeof made.root.bytes,
                     &root_size) ||
        root_size != sizeof made.root.bytes)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "not a checkpoint: line 3 is not a root of 32 bytes in base64");
    while (rest.size > 0)
        if (!line_next(&rest, &line))
            return error_set(error, ERROR_INVALID_PARAMS,
                             "not a checkpoint: an extension line is empty or unended");
    *checkpoint = made;
    return OK;
}
