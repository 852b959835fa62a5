/* Keccak-f[1600] as FIPS 202 section 3 gives it, and sponges over it (section 4). Constants are computed by
 * the rules of the standard where that is shorter than a table. */
#include "proof/keccak.h"

#include <string.h>

#define ROUNDS 24

/* FIPS 202 section 3.2.5, algorithm 5: RC[round]. */
static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotate(uint64_t lane, unsigned bits) /* 0 < bits < 64 */
{
    return lane << bits | lane >> (64 - bits);
}

/* Rho and pi in one walk over 24 lanes (sections 3.2.2 and 3.2.3): each lane, turned, goes where the next one
 * of the walk comes from. */
static inline void rho_pi(uint64_t a[25])
{
    static const uint8_t walk[24] = { 10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4,
                                      15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1 };
    uint64_t carried = a[1];

#pragma GCC unroll 24
    for (unsigned t = 0; t < 24; t++) {
        uint64_t here = a[walk[t]];
        a[walk[t]] = rotate(carried, (t + 1) * (t + 2) / 2 % 64);
        carried = here;
    }
}

void keccak_permute(struct keccak *state)
{
    uint64_t a[25], c[5];

    memcpy(a, state->lanes, sizeof a);
    for (unsigned round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 5
        for (unsigned x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (unsigned x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
#pragma GCC unroll 5
            for (unsigned y = 0; y < 25; y += 5)
                a[x + y] ^= d;
        }
        rho_pi(a);
#pragma GCC unroll 5
        for (unsigned y = 0; y < 25; y += 5) {
            memcpy(c, a + y, sizeof c);
#pragma GCC unroll 5
            for (unsigned x = 0; x < 5; x++)
                a[x + y] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
    memcpy(state->lanes, a, sizeof a);
    explicit_bzero(a, sizeof a); /* the state may be of a prover's nonces */
    explicit_bzero(c, sizeof c);
}

static void sponge_begin(struct sponge *sponge, size_t rate, uint8_t padding)
{
    memset(sponge, 0, sizeof *sponge);
    sponge->rate = rate;
    sponge->padding = padding;
}

static void xor_byte(struct keccak *state, size_t at, uint8_t byte)
{
    state->lanes[at / 8] ^= (uint64_t)byte << (at % 8 * 8);
}

void shake256_begin(struct sponge *sponge)
{
    sponge_begin(sponge, 136, 0x1f);
}

void sponge_absorb(struct sponge *sponge, const void *data, size_t size)
{
    const uint8_t *byte = data;

    INVARIANT(!sponge->squeezing, "a sponge is squeezed already");
    for (size_t i = 0; i < size; i++) {
        xor_byte(&sponge->state, sponge->position++, byte[i]);
        if (sponge->position == sponge->rate) {
            keccak_permute(&sponge->state);
            sponge->position = 0;
        }
    }
}

void sponge_squeeze(struct sponge *sponge, void *out, size_t size)
{
    uint8_t *byte = out;

    if (!sponge->squeezing) {
        xor_byte(&sponge->state, sponge->position, sponge->padding);
        xor_byte(&sponge->state, sponge->rate - 1, 0x80);
        sponge->squeezing = true;
        sponge->position = sponge->rate;
    }
    for (size_t i = 0; i < size; i++) {
        if (sponge->position == sponge->rate) {
            keccak_permute(&sponge->state);
            sponge->position = 0;
        }
        byte[i] = (uint8_t)(sponge->state.lanes[sponge->position / 8] >> (sponge->position % 8 * 8));
        sponge->position++;
    }
}

static void hash_once(void *out, size_t out_size, const void *data, size_t size, size_t rate, uint8_t padding)
{
    struct sponge sponge;

    sponge_begin(&sponge, rate, padding);
    sponge_absorb(&sponge, data, size);
    sponge_squeeze(&sponge, out, out_size);
    explicit_bzero(&sponge, sizeof sponge);
}

void sha3_256(uint8_t out[32], const void *data, size_t size)
{
    hash_once(out, 32, data, size, 136, 0x06);
}

void sha3_512(uint8_t out[64], const void *data, size_t size)
{
    hash_once(out, 64, data, size, 72, 0x06);
}

void keccak_256(uint8_t out[32], const void *data, size_t size)
{
    hash_once(out, 32, data, size, 136, 0x01);
}

void shake256(void *out, size_t out_size, const void *data, size_t size)
{
    hash_once(out, out_size, data, size, 136, 0x1f);
}
