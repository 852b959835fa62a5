/* The two hashes that Stacks has and libsodium has not: SHA-512/256 (FIPS 180-4 §5.3.6.2, not SHA-512 cut
 * short) and RIPEMD-160. Pure. */
#ifndef NETWORK_STACKS_HASHES_H
#define NETWORK_STACKS_HASHES_H

#include "base/bytes.h"

#define HASH160_SIZE 20

void sha512_256(struct hash *out, const void *data, size_t size);
void ripemd160(uint8_t out[HASH160_SIZE], const void *data, size_t size);
/* RIPEMD-160 of SHA-256: what an address of one key is made of. */
void hash160(uint8_t out[HASH160_SIZE], const void *data, size_t size);

#endif
