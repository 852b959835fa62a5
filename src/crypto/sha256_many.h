/* SHA-256 of many short messages at once: what a tree's levels need. Messages of the same number of
 * blocks lie one behind the other and are hashed side by side in the lanes of the processor's vectors,
 * whichever it has; the digests are those of sha256 and tagged_hash. Pure, from any thread. */
#ifndef CRYPTO_SHA256_MANY_H
#define CRYPTO_SHA256_MANY_H

#include "base/bytes.h"

#define SHA256_BLOCK 64
/* A message of so many bytes takes so many blocks with its padding. */
#define SHA256_BLOCKS(size) (((size) + 9 + SHA256_BLOCK - 1) / SHA256_BLOCK)

/* What all messages begin with, as the state after it: whole blocks, which the messages do not hold again. */
struct sha256_start {
    uint32_t words[8];
    uint64_t size; /* bytes of it */
};
void sha256_start_plain(struct sha256_start *start);                   /* nothing: SHA-256(message) */
void sha256_start_tagged(struct sha256_start *start, const char *tag); /* BIP-340 "Tagged Hashes" */

/* Writes the padding behind a message of `size` bytes; there is room for SHA256_BLOCKS(size) blocks. */
void sha256_pad(const struct sha256_start *start, uint8_t *message, size_t size);

/* `count` padded messages of `blocks` blocks each. */
void sha256_many(const struct sha256_start *start, const uint8_t *messages, size_t blocks, size_t count,
                 struct hash *out);

/* SHA-256(prefix ‖ left ‖ right): what leaves and inner nodes of trees are. Pairs that fill a line of the
 * cache each are read with one access. No digest may be written into a pair of the same call. */
struct hash_pair {
    struct hash half[2];
};
void sha256_pairs(uint8_t prefix, const struct hash_pair *const *pairs, size_t count,
                  struct hash *const *out);

/* For tests, while no other thread hashes: from now on at most so many messages at once. Returns how many it
 * is on this processor. */
unsigned sha256_many_limit(unsigned most);

#endif
