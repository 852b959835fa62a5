/* SHA-512/256 and RIPEMD-160: see hashes.h. */
#include "network/stacks/hashes.h"

#include <string.h>

#include "crypto/hash.h"

/* --- SHA-512/256 -------------------------------------------------------------------------------- */
/* SHA-512 from another beginning, cut to 256 bits. libsodium's state is public, so only the beginning is
 * ours. */
void sha512_256(struct hash *out, const void *data, size_t size)
{
    static const uint64_t beginning[8] = {
        0x22312194FC2BF72C, 0x9F555FA3C84C64C2, 0x2393B86B6F53B151, 0x963877195940EABD,
        0x96283EE2A88EFFE3, 0xBE5E1E2553863992, 0x2B0199FC2C85B8AA, 0x0EB72DDC81C52CA2,
    };
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;

    crypto_hash_sha512_init(&state);
    memcpy(state.state, beginning, sizeof(beginning));
    crypto_hash_sha512_update(&state, data, size);
    crypto_hash_sha512_final(&state, digest);
    memcpy(out->bytes, digest, sizeof(out->bytes));
}

/* --- RIPEMD-160 --------------------------------------------------------------------------------- */
/* Dobbertin, Bosselaers, Preneel: "RIPEMD-160, a strengthened version of RIPEMD" (1996), appendix A. */
#define WORDS 16
#define BLOCK 64
#define ROUNDS 5

static const uint8_t left_word[ROUNDS][WORDS] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8 },
    { 3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12 },
    { 1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2 },
    { 4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13 },
};
static const uint8_t right_word[ROUNDS][WORDS] = {
    { 5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12 },
    { 6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2 },
    { 15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13 },
    { 8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14 },
    { 12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11 },
};
static const uint8_t left_turn[ROUNDS][WORDS] = {
    { 11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8 },
    { 7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12 },
    { 11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5 },
    { 11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12 },
    { 9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6 },
};
static const uint8_t right_turn[ROUNDS][WORDS] = {
    { 8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6 },
    { 9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11 },
    { 9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5 },
    { 15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8 },
    { 8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11 },
};
static const uint32_t left_constant[ROUNDS] = { 0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E };
static const uint32_t right_constant[ROUNDS] = { 0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0 };

static uint32_t turn(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static uint32_t mix(unsigned round, uint32_t x, uint32_t y, uint32_t z)
{
    switch (round) {
    case 0: return x ^ y ^ z;
    case 1: return (x & y) | (~x & z);
    case 2: return (x | ~y) ^ z;
    case 3: return (x & z) | (y & ~z);
    default: return x ^ (y | ~z);
    }
}

/* One of the two lines; the right one takes the rounds' functions from the last to the first. */
static void line(uint32_t v[5], const uint32_t words[WORDS], const uint8_t order[ROUNDS][WORDS],
                 const uint8_t turns[ROUNDS][WORDS], const uint32_t constants[ROUNDS], bool right)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < WORDS; i++) {
            uint32_t sum = v[0] + mix(right ? ROUNDS - 1 - round : round, v[1], v[2], v[3]) +
                           words[order[round][i]] + constants[round];

            sum = turn(sum, turns[round][i]) + v[4];
            v[0] = v[4];
            v[4] = v[3];
            v[3] = turn(v[2], 10);
            v[2] = v[1];
            v[1] = sum;
        }
    }
}

static void compress(uint32_t state[5], const uint8_t *block)
{
    uint32_t words[WORDS], left[5], right[5], first;

    for (size_t i = 0; i < WORDS; i++)
        words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
                   (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    memcpy(left, state, sizeof(left));
    memcpy(right, state, sizeof(right));
    line(left, words, left_word, left_turn, left_constant, false);
    line(right, words, right_word, right_turn, right_constant, true);
    first = state[1] + left[2] + right[3];
    state[1] = state[2] + left[3] + right[4];
    state[2] = state[3] + left[4] + right[0];
    state[3] = state[4] + left[0] + right[1];
    state[4] = state[0] + left[1] + right[2];
    state[0] = first;
}

void ripemd160(uint8_t out[HASH160_SIZE], const void *data, size_t size)
{
    uint32_t state[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
    const uint8_t *bytes = data;
    uint8_t last[2 * BLOCK] = { 0 };
    size_t rest = size % BLOCK, last_size = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;

    for (size_t i = 0; i + BLOCK <= size; i += BLOCK)
        compress(state, bytes + i);
    if (rest > 0)
        memcpy(last, bytes + size - rest, rest);
    last[rest] = 0x80;
    put_le64(last + last_size - 8, (uint64_t)size * 8);
    for (size_t i = 0; i < last_size; i += BLOCK)
        compress(state, last + i);
    for (size_t i = 0; i < HASH160_SIZE; i++)
        out[i] = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
}

void hash160(uint8_t out[HASH160_SIZE], const void *data, size_t size)
{
    struct hash digest;

    sha256(&digest, data, size);
    ripemd160(out, digest.bytes, sizeof(digest.bytes));
}
