/* Reading what servers answer, which may be anything: each function takes a member only in the form that the
 * server's documentation gives it, and answers false otherwise. For lightning/ and taproot/. Pure. */
#ifndef NETWORK_LIGHTNING_REPLY_H
#define NETWORK_LIGHTNING_REPLY_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/memory.h"

#define REPLY_NUMBER_MAX ((uint64_t)INT64_MAX) /* what JSON integers hold here, and 64-bit decimals at most */

/* Members of an object; false also when `object` is none, or has no such member. The text lives as long as
 * the object. */
MUST_CHECK bool reply_text(const json_t *object, const char *name, const char **text);
/* An integer ≥ 0; or, as protobuf's JSON has 64 bits, its decimal digits. */
MUST_CHECK bool reply_number(const json_t *object, const char *name, uint64_t *value);
/* Millisatoshis: an integer, or digits that may end with "msat" (Core Lightning before 23.08). */
MUST_CHECK bool reply_msat(const json_t *object, const char *name, uint64_t *value);
/* A truth value. Absent counts as false, for protobuf's JSON may leave out what is false. */
MUST_CHECK bool reply_flag(const json_t *object, const char *name, bool *value);
/* Bytes of this very size in hex, or in base64 (RFC 4648 §4, padded, as protobuf's JSON has bytes). */
MUST_CHECK bool reply_hex(const json_t *object, const char *name, void *out, size_t size);
MUST_CHECK bool reply_base64(const json_t *object, const char *name, void *out, size_t size);
/* The array, or object, of that name; NULL: there is none. */
const json_t *reply_array(const json_t *object, const char *name);
const json_t *reply_object(const json_t *object, const char *name);
/* An array which is left out when it is empty (protobuf's JSON): *list is NULL then, which has no members for
 * jansson. */
MUST_CHECK bool reply_list(const json_t *object, const char *name, const json_t **list);

/* Decimal digits of a number of at most REPLY_NUMBER_MAX, without leading zeros. */
MUST_CHECK bool decimal_parse(const char *text, uint64_t *value);

/* Base64 as above, or with the alphabet for URLs (§5, padded), of bytes. `out` lives in the arena. */
const char *base64_text(struct arena *arena, const void *data, size_t size);
const char *base64_url_text(struct arena *arena, const void *data, size_t size);
const char *hex_in(struct arena *arena, const void *data, size_t size);
char *format_in(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
