/* Keccak-f[1600] and the hashes made of it: SHA3-256, SHA3-512, SHAKE256 (FIPS 202) and Keccak-256 as
 * Ethereum has it (the padding from before FIPS 202). Pure. Time depends on sizes alone, never on data. */
#ifndef PROOF_KECCAK_H
#define PROOF_KECCAK_H

#include "base/bytes.h"

#define KECCAK_STATE_SIZE 200

/* The state as 25 lanes, lane x + 5y; byte i of the state is byte i mod 8 (little-endian) of lane i / 8. */
struct keccak { uint64_t lanes[25]; };

void keccak_permute(struct keccak *state);

/* A sponge: absorb as often as wanted, then squeeze as often as wanted, in pieces of any size. */
struct sponge {
    struct keccak state;
    size_t rate;     /* bytes a block */
    size_t position; /* bytes of the block taken in or given out */
    uint8_t padding; /* the suffix and the first bit of the padding */
    bool squeezing;
};
void shake256_begin(struct sponge *sponge);
void sponge_absorb(struct sponge *sponge, const void *data, size_t size); /* not after squeezing has begun */
void sponge_squeeze(struct sponge *sponge, void *out, size_t size);

void sha3_256(uint8_t out[32], const void *data, size_t size);
void sha3_512(uint8_t out[64], const void *data, size_t size);
void keccak_256(uint8_t out[32], const void *data, size_t size);
void shake256(void *out, size_t out_size, const void *data, size_t size);

#endif
