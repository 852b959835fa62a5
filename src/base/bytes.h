/* Bytes: borrowed runs of them, 32-byte values, hex, UTF-8, and integers in a fixed byte order. Pure; no
 * allocation. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The largest amount, count and integer that crosses an interface: exact in JSON, JavaScript and SQLite. */
#define INTEGER_MAX ((uint64_t)9007199254740991) /* 2^53 − 1 */

/* A run of bytes that somebody else owns. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

struct bytes bytes_of(const void *data, size_t size);
struct bytes bytes_of_text(const char *text); /* without the final zero */
bool bytes_equal(struct bytes a, struct bytes b);

struct hash { uint8_t bytes[32]; };       /* a digest, an id */
struct account_id { uint8_t bytes[32]; }; /* an x-only secp256k1 key (BIP-340), or a hash: no key */
struct asset_id { uint8_t bytes[32]; };

bool hash_equal(const struct hash *a, const struct hash *b);
bool account_equal(const struct account_id *a, const struct account_id *b);
bool account_is_zero(const struct account_id *account); /* all zero: "no account given"; never a valid key */

/* Lower-case hex. `out` takes 2·size characters; hex_text adds a final zero (2·size + 1). */
void hex_encode(char *out, const void *data, size_t size);
void hex_text(char *out, const void *data, size_t size);

/* Exactly 2·size hex digits, either case, nothing else; false otherwise and `out` is untouched. */
MUST_CHECK bool hex_decode(void *out, size_t size, const char *hex, size_t length);

/* The largest n <= size such that the first n bytes are valid UTF-8 (RFC 3629: shortest forms, no surrogates,
 * at most U+10FFFF). The text is valid when n is size. */
size_t utf8_valid_prefix(const char *text, size_t size);

/* How many bytes the character takes at the beginning of size > 0 bytes; 0: they do not begin with UTF-8. */
size_t utf8_character_size(const char *text, size_t size);

/* Whether a UTF-8 character makes a terminal do something else than show it: a control character (C0, DEL,
 * C1) or one that turns the direction of what follows (U+202A … U+202E, U+2066 … U+2069). */
bool utf8_steers(const char *character, size_t size);

/* In place, same size: characters that steer a terminal become spaces, bytes that are not UTF-8 become '?'.
 */
void text_make_printable(char *text, size_t size);

void put_be32(uint8_t *out, uint32_t value);
void put_be64(uint8_t *out, uint64_t value);
void put_le64(uint8_t *out, uint64_t value);
uint32_t get_be32(const uint8_t *in);
uint64_t get_be64(const uint8_t *in);

/* Decimal digits of `value` into `out` (at most DECIMAL_MAX, no final zero); returns how many. */
#define DECIMAL_MAX 20
size_t decimal_encode(char *out, uint64_t value);

#endif
