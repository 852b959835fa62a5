/* SHA-256 (FIPS 180-4) in vector lanes: lane l of every vector belongs to message l. One text of the rounds
 * serves all widths of vectors; the widest that the processor has is chosen at run time. */
#include "crypto/sha256_many.h"

#include <pthread.h>
#include <string.h>

#include "crypto/hash.h"

#define LANES 16 /* messages taken at once, whatever the vectors' width */

static const uint32_t initial_words[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Words of all lanes: [word][lane]. */
typedef uint32_t lane_words[LANES] __attribute__((aligned(64)));

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define SUM_A(x) (ROTATE(x, 2) ^ ROTATE(x, 13) ^ ROTATE(x, 22))
#define SUM_E(x) (ROTATE(x, 6) ^ ROTATE(x, 11) ^ ROTATE(x, 25))
#define MIX_0(x) (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x) >> 3)
#define MIX_1(x) (ROTATE(x, 17) ^ ROTATE(x, 19) ^ (x) >> 10)

/* A function that takes one block of each lane into the states, with vectors of WIDTH words. */
#define COMPRESS(name, WIDTH, ...)                                                                          \
    typedef uint32_t name##_vector __attribute__((vector_size((WIDTH) * 4), may_alias));                    \
    __VA_ARGS__ static void name(lane_words *state, const lane_words *block)                                \
    {                                                                                                       \
        for (unsigned first = 0; first < LANES; first += (WIDTH)) {                                         \
            name##_vector w[16], a, b, c, d, e, f, g, h;                                                    \
                                                                                                            \
            for (unsigned i = 0; i < 16; i++)                                                               \
                w[i] = *(const name##_vector *)(const void *)&block[i][first];                              \
            a = *(name##_vector *)(void *)&state[0][first];                                                 \
            b = *(name##_vector *)(void *)&state[1][first];                                                 \
            c = *(name##_vector *)(void *)&state[2][first];                                                 \
            d = *(name##_vector *)(void *)&state[3][first];                                                 \
            e = *(name##_vector *)(void *)&state[4][first];                                                 \
            f = *(name##_vector *)(void *)&state[5][first];                                                 \
            g = *(name##_vector *)(void *)&state[6][first];                                                 \
            h = *(name##_vector *)(void *)&state[7][first];                                                 \
            for (unsigned turn = 0; turn < 64; turn += 16) {                                                \
                _Pragma("GCC unroll 16") for (unsigned i = 0; i < 16; i++)                                  \
                {                                                                                           \
                    if (turn > 0)                                                                           \
                        w[i] += MIX_0(w[(i + 1) & 15]) + w[(i + 9) & 15] + MIX_1(w[(i + 14) & 15]);         \
                    name##_vector x = h + SUM_E(e) + (g ^ (e & (f ^ g))) + round_constants[turn + i] + w[i];\
                    name##_vector y = SUM_A(a) + ((a & b) | (c & (a | b)));                                 \
                    h = g, g = f, f = e, e = d + x;                                                         \
                    d = c, c = b, b = a, a = x + y;                                                         \
                }                                                                                           \
            }                                                                                               \
            *(name##_vector *)(void *)&state[0][first] += a;                                                \
            *(name##_vector *)(void *)&state[1][first] += b;                                                \
            *(name##_vector *)(void *)&state[2][first] += c;                                                \
            *(name##_vector *)(void *)&state[3][first] += d;                                                \
            *(name##_vector *)(void *)&state[4][first] += e;                                                \
            *(name##_vector *)(void *)&state[5][first] += f;                                                \
            *(name##_vector *)(void *)&state[6][first] += g;                                                \
            *(name##_vector *)(void *)&state[7][first] += h;                                                \
        }                                                                                                   \
    }

COMPRESS(compress_any, 4)
#ifdef __x86_64__
COMPRESS(compress_avx2, 8, __attribute__((target("avx2"))))
COMPRESS(compress_avx512, 16, __attribute__((target("avx512f"))))
#endif

static void (*compress)(lane_words *state, const lane_words *block);

static void compress_choose(void)
{
    compress = compress_any;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        compress = compress_avx2;
    if (__builtin_cpu_supports("avx512f"))
        compress = compress_avx512;
#endif
}

void sha256_start_plain(struct sha256_start *start)
{
    memcpy(start->words, initial_words, sizeof start->words);
    start->size = 0;
}

void sha256_start_tagged(struct sha256_start *start, const char *tag)
{
    struct tagged_hash tagged;

    tagged_hash_begin(&tagged, tag);
    memcpy(start->words, tagged.state.state, sizeof start->words);
    start->size = SHA256_BLOCK;
}

void sha256_pad(const struct sha256_start *start, uint8_t *message, size_t size)
{
    size_t end = SHA256_BLOCKS(size) * SHA256_BLOCK;

    message[size] = 0x80;
    memset(message + size + 1, 0, end - size - 9);
    put_be64(message + end - 8, (start->size + size) * 8);
}

/* Between bytes in memory and a word; its own inverse. (get_be32 is a call, and these are most of the work
 * that is not rounds.) */
static inline uint32_t word_turn(uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

/* One lane's block into its column. */
static void block_spread(lane_words *block, unsigned lane, const uint8_t *message)
{
    uint32_t words[16];

    memcpy(words, message, sizeof words);
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++)
        block[i][lane] = word_turn(words[i]);
}

static void digest_gather(struct hash *out, lane_words *state, unsigned lane)
{
    uint32_t words[8];

#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++)
        words[i] = word_turn(state[i][lane]);
    memcpy(out->bytes, words, sizeof words);
}

void sha256_many(const struct sha256_start *start, const uint8_t *messages, size_t blocks, size_t count,
                 struct hash *out)
{
    static pthread_once_t chosen = PTHREAD_ONCE_INIT;
    size_t stride = blocks * SHA256_BLOCK;
    lane_words state[8], block[16];

    pthread_once(&chosen, compress_choose);
    memset(block, 0, sizeof block); /* lanes without a message are hashed too, and forgotten */
    for (size_t first = 0; first < count; first += LANES) {
        unsigned lanes = (unsigned)(count - first < LANES ? count - first : LANES);

        for (unsigned i = 0; i < 8; i++)
            for (unsigned lane = 0; lane < LANES; lane++)
                state[i][lane] = start->words[i];
        for (size_t b = 0; b < blocks; b++) {
            for (unsigned lane = 0; lane < lanes; lane++)
                block_spread(block, lane, messages + (first + lane) * stride + b * SHA256_BLOCK);
            compress(state, block);
        }
        for (unsigned lane = 0; lane < lanes; lane++)
            digest_gather(&out[first + lane], state, lane);
    }
}
