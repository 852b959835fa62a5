/* Hashes: SHA-256 and BLAKE2b-256 (libsodium), and BIP-340 tagged hashes. Pure. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <sodium.h>

#include "base/bytes.h"

/* Readies libsodium; call once before anything in this room (safe to repeat). */
void crypto_start(void);

void sha256(struct hash *out, const void *data, size_t size);
void blake2b256(struct hash *out, const void *data, size_t size);

/* SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ data): BIP-340 "Tagged Hashes". */
void tagged_hash(struct hash *out, const char *tag, const void *data, size_t size);

/* The same in steps, for more than one run of data. */
struct tagged_hash { crypto_hash_sha256_state state; };
void tagged_hash_begin(struct tagged_hash *h, const char *tag);
void tagged_hash_add(struct tagged_hash *h, const void *data, size_t size);
void tagged_hash_end(struct tagged_hash *h, struct hash *out);

#endif
