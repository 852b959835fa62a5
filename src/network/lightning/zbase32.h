/* zbase32: how Lightning implementations write the signature of a message. Five bits a character, the first
 * bit of the first byte first; a last character is filled with zeros. Pure. */
#ifndef NETWORK_LIGHTNING_ZBASE32_H
#define NETWORK_LIGHTNING_ZBASE32_H

#include "base/bytes.h"

#define ZBASE32_SIZE(bytes) (((bytes) * 8 + 4) / 5) /* characters */

void zbase32_encode(char *out, const void *data, size_t size); /* ZBASE32_SIZE(size) + 1 characters */
/* Exactly `size` bytes; false otherwise. */
MUST_CHECK bool zbase32_decode(void *out, size_t size, const char *text, size_t length);

#endif
