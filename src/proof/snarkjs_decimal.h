/* Numbers of 256 bits as decimal text in its one form: digits only, no leading zero. */
#ifndef PROOF_SNARKJS_DECIMAL_H
#define PROOF_SNARKJS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_256_MAX 78 /* digits of 2^256 − 1 */

/* `length` characters to 32 bytes, highest first. False, and nothing written, for any other form, or 2^256
 * and up. */
bool decimal_read(uint8_t out[32], const char *text, size_t length);

/* 32 bytes, highest first, to text with a final zero. */
void decimal_write(char out[DECIMAL_256_MAX + 1], const uint8_t in[32]);

#endif
