/* SHA-256 (FIPS 180-4) in vector lanes. One text serves all widths of vectors, sha256_lanes.inc; the widest
 * that the processor has is chosen at run time. */
#include "crypto/sha256_many.h"

#include <pthread.h>
#include <string.h>

#include "crypto/hash.h"

#define LANES_MAX 32
#define PAIR_BITS (uint32_t)((1 + 2 * sizeof(struct hash)) * 8) /* of a message of two hashes and a prefix */

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

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define SUM_A(x) (ROTATE(x, 2) ^ ROTATE(x, 13) ^ ROTATE(x, 22))
#define SUM_E(x) (ROTATE(x, 6) ^ ROTATE(x, 11) ^ ROTATE(x, 25))
#define MIX_0(x) (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x) >> 3)
#define MIX_1(x) (ROTATE(x, 17) ^ ROTATE(x, 19) ^ (x) >> 10)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD_TURN(x) ((ROTATE(x, 8) & 0xff00ff00) | (ROTATE(x, 24) & 0x00ff00ff))
#else
#define WORD_TURN(x) (x)
#endif
#define UNROLL _Pragma("GCC unroll 16")

#define LANES(x) any_##x
#define TARGET
#define WIDTH 4
#define STREAMS 1
#include "crypto/sha256_lanes.inc"

#ifdef __x86_64__
#define LANES(x) avx2_##x
#define TARGET __attribute__((target("avx2")))
#define WIDTH 8
#define STREAMS 1
#include "crypto/sha256_lanes.inc"

#define LANES(x) avx512_##x
#define TARGET __attribute__((target("avx512f")))
#define WIDTH 16
#define STREAMS 2
#include "crypto/sha256_lanes.inc"
#endif

/* --- which ------------------------------------------------------------------------------------ */

struct lanes {
    unsigned count; /* messages at once, at most LANES_MAX */
    void (*messages)(const struct sha256_start *start, const uint8_t *const *messages, size_t blocks,
                     struct hash *const *out);
    void (*pairs)(uint8_t prefix, const uint8_t *const *pairs, struct hash *const *out,
                  const void *const *soon);
};

static const struct lanes any_lanes = { 4, any_messages, any_pairs };
#ifdef __x86_64__
static const struct lanes avx2_lanes = { 8, avx2_messages, avx2_pairs };
static const struct lanes avx512_lanes = { 32, avx512_messages, avx512_pairs };
#endif

/* The widest that the processor has, of at most so many lanes. */
static const struct lanes *lanes_find(unsigned most)
{
#ifdef __x86_64__
    if (most >= avx512_lanes.count && __builtin_cpu_supports("avx512f"))
        return &avx512_lanes;
    if (most >= avx2_lanes.count && __builtin_cpu_supports("avx2"))
        return &avx2_lanes;
#endif
    (void)most;
    return &any_lanes;
}

static const struct lanes *chosen;

static void lanes_choose(void)
{
    chosen = lanes_find(LANES_MAX);
}

static const struct lanes *lanes_chosen(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, lanes_choose);
    return chosen;
}

unsigned sha256_many_limit(unsigned most)
{
    lanes_chosen();
    chosen = lanes_find(most);
    return chosen->count;
}

/* --- messages --------------------------------------------------------------------------------- */

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

/* Lanes without a message hash another one's again, and forget it. */
void sha256_many(const struct sha256_start *start, const uint8_t *messages, size_t blocks, size_t count,
                 struct hash *out)
{
    const struct lanes *lanes = lanes_chosen();
    const uint8_t *from[LANES_MAX];
    struct hash *to[LANES_MAX], spare;

    for (size_t first = 0; first < count; first += lanes->count) {
        for (unsigned lane = 0; lane < lanes->count; lane++) {
            bool there = lane < count - first;

            from[lane] = messages + (there ? first + lane : first) * blocks * SHA256_BLOCK;
            to[lane] = there ? &out[first + lane] : &spare;
        }
        lanes->messages(start, from, blocks, to);
    }
}

/* While some are hashed, the next ones come into the cache. */
void sha256_pairs(uint8_t prefix, const struct hash_pair *const *pairs, size_t count,
                  struct hash *const *out)
{
    const struct lanes *lanes = lanes_chosen();
    const uint8_t *from[LANES_MAX];
    struct hash *to[LANES_MAX], spare;
    const void *soon[2 * LANES_MAX];

    for (size_t first = 0; first < count; first += lanes->count) {
        for (unsigned lane = 0; lane < lanes->count; lane++) {
            size_t i = first + lane, next = i + lanes->count;

            from[lane] = pairs[i < count ? i : first]->half[0].bytes;
            to[lane] = i < count ? out[i] : &spare;
            soon[2 * lane] = next < count ? (const void *)pairs[next] : &spare;
            soon[2 * lane + 1] = next < count ? out[next] : &spare;
        }
        lanes->pairs(prefix, from, to, soon);
    }
}
