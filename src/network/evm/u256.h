/* Unsigned numbers of 256 bits, as EVM chains count: amounts, fees, words of storage. Big-endian bytes, the
 * form in which they are hashed and stored. Pure; nothing wraps, overflow is told. */
#ifndef NETWORK_EVM_U256_H
#define NETWORK_EVM_U256_H

#include "base/bytes.h"

struct u256 { uint8_t bytes[32]; };

#define U256_DECIMAL_MAX 79 /* 78 digits and the final zero */
#define U256_HEX_MAX 67     /* "0x", 64 digits and the final zero */

struct u256 u256_of(uint64_t value);
bool u256_is_zero(const struct u256 *value);
int u256_compare(const struct u256 *a, const struct u256 *b); /* < 0, 0, > 0 */
/* False when it needs more than 64 bits; `out` is then untouched. */
MUST_CHECK bool u256_to_u64(const struct u256 *value, uint64_t *out);

/* False on overflow (or below zero, or a zero divisor), with `out` untouched. `out` may be an operand. */
MUST_CHECK bool u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b);
MUST_CHECK bool u256_subtract(struct u256 *out, const struct u256 *a, const struct u256 *b);
MUST_CHECK bool u256_multiply_small(struct u256 *out, const struct u256 *a, uint64_t factor);
MUST_CHECK bool u256_divide_small(struct u256 *out, const struct u256 *a, uint64_t divisor,
                                  uint64_t *remainder); /* remainder may be NULL */
/* Whether a · b <= 2^256: how a hash is compared with 2^256 / difficulty without a division. */
bool u256_product_fits(const struct u256 *a, const struct u256 *b);

/* 1 … 78 digits, no sign, no needless leading zero. */
MUST_CHECK bool u256_from_decimal(struct u256 *out, const char *text, size_t length);
/* A JSON-RPC quantity: "0x0", or "0x" and 1 … 64 hex digits of which the first is not 0 (EIP-1474). */
MUST_CHECK bool u256_from_quantity(struct u256 *out, const char *text, size_t length);
/* The same from "0x" and hex digits with leading zeros allowed, as some servers write storage words. */
MUST_CHECK bool u256_from_hex(struct u256 *out, const char *text, size_t length);
/* At most 32 bytes, big-endian. */
MUST_CHECK bool u256_from_bytes(struct u256 *out, const void *data, size_t size);
/* With a final zero; return the text. */
char *u256_decimal(char out[U256_DECIMAL_MAX], const struct u256 *value);
char *u256_quantity(char out[U256_HEX_MAX], const struct u256 *value);
/* The bytes without leading zeros: none for zero. Borrowed from `value`. */
struct bytes u256_minimal(const struct u256 *value);

#endif
