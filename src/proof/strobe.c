/* STROBE-128: a duplex over Keccak-f[1600] with rate 166 (200 − 128/4 − 2 bytes), as sections 4 to 7 of the
 * specification describe it, for operations that neither send nor receive. */
#include "proof/strobe.h"

#include <string.h>

#define RATE 166

/* Section 6.2: what an operation does. */
#define FLAG_INBOUND 1
#define FLAG_APPLICATION 2
#define FLAG_CIPHER 4
#define FLAG_META 16

static inline void xor_byte(struct strobe *strobe, size_t at, uint8_t byte)
{
    strobe->state.lanes[at / 8] ^= (uint64_t)byte << (at % 8 * 8);
}

static inline uint8_t take_byte(struct strobe *strobe, size_t at) /* and leaves zero there */
{
    uint64_t *lane = &strobe->state.lanes[at / 8];
    uint8_t byte = (uint8_t)(*lane >> (at % 8 * 8));

    *lane ^= (uint64_t)byte << (at % 8 * 8);
    return byte;
}

static void run(struct strobe *strobe)
{
    xor_byte(strobe, strobe->position, strobe->begin);
    xor_byte(strobe, strobe->position + 1u, 0x04);
    xor_byte(strobe, RATE + 1, 0x80);
    keccak_permute(&strobe->state);
    strobe->position = 0;
    strobe->begin = 0;
}

static void advance(struct strobe *strobe)
{
    if (++strobe->position == RATE)
        run(strobe);
}

static void absorb(struct strobe *strobe, const void *data, size_t size)
{
    const uint8_t *byte = data;

    for (size_t i = 0; i < size; i++) {
        xor_byte(strobe, strobe->position, byte[i]);
        advance(strobe);
    }
}

static void begin(struct strobe *strobe, uint8_t operation, bool more)
{
    if (more) {
        INVARIANT(strobe->operation == operation, "operation %u goes on as %u", strobe->operation, operation);
        return;
    }
    uint8_t head[2] = { strobe->begin, operation };
    strobe->begin = (uint8_t)(strobe->position + 1);
    strobe->operation = operation;
    absorb(strobe, head, sizeof head);
    if ((operation & FLAG_CIPHER) != 0 && strobe->position != 0)
        run(strobe);
}

void strobe_start(struct strobe *strobe, const char *protocol)
{
    static const uint8_t head[6] = { 1, RATE + 2, 1, 0, 1, 12 * 8 };

    memset(strobe, 0, sizeof *strobe);
    for (size_t i = 0; i < sizeof head; i++)
        xor_byte(strobe, i, head[i]);
    for (size_t i = 0; i < 12; i++)
        xor_byte(strobe, sizeof head + i, (uint8_t)"STROBEv1.0.2"[i]);
    keccak_permute(&strobe->state);
    strobe_meta_ad(strobe, protocol, strlen(protocol), false);
}

void strobe_meta_ad(struct strobe *strobe, const void *data, size_t size, bool more)
{
    begin(strobe, FLAG_META | FLAG_APPLICATION, more);
    absorb(strobe, data, size);
}

void strobe_ad(struct strobe *strobe, const void *data, size_t size, bool more)
{
    begin(strobe, FLAG_APPLICATION, more);
    absorb(strobe, data, size);
}

/* Overwrites the state, so that what was there cannot be computed back from what comes after. */
void strobe_key(struct strobe *strobe, const void *key, size_t size, bool more)
{
    const uint8_t *byte = key;

    begin(strobe, FLAG_APPLICATION | FLAG_CIPHER, more);
    for (size_t i = 0; i < size; i++) {
        (void)take_byte(strobe, strobe->position);
        xor_byte(strobe, strobe->position, byte[i]);
        advance(strobe);
    }
}

void strobe_prf(struct strobe *strobe, void *out, size_t size, bool more)
{
    uint8_t *byte = out;

    begin(strobe, FLAG_INBOUND | FLAG_APPLICATION | FLAG_CIPHER, more);
    for (size_t i = 0; i < size; i++) {
        byte[i] = take_byte(strobe, strobe->position);
        advance(strobe);
    }
}
