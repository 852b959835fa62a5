/* Encodings of scalars and points from anybody, against libsodium's opinion; and transcripts of whatever
 * was appended: the same again gives the same challenge, one bit more or a boundary elsewhere another
 * one. */
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "proof/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t bytes[32])
{
    uint8_t again[32], wide[64] = { 0 };
    struct scalar scalar;
    struct point point;

    /* libsodium 1.0.18 does not look at the uppermost bit of a point. */
    bool is_point = bytes[31] < 128 && crypto_core_ristretto255_is_valid_point(bytes) == 1;
    INVARIANT(point_decode(&point, bytes) == is_point, "a point is one here and none there");
    if (is_point) {
        point_encode(again, &point);
        INVARIANT(memcmp(again, bytes, 32) == 0, "a point is written differently");
    }
    memcpy(wide, bytes, 32);
    crypto_core_ristretto255_scalar_reduce(again, wide);
    bool is_reduced = memcmp(again, bytes, 32) == 0;
    INVARIANT(scalar_decode(&scalar, bytes) == is_reduced, "a scalar is reduced here and not there");
    if (is_reduced) {
        scalar_encode(again, &scalar);
        INVARIANT(memcmp(again, bytes, 32) == 0, "a scalar is written differently");
    }
}

/* Appends data in the two pieces that `cut` makes of it. */
static void challenge(const uint8_t *data, size_t size, size_t cut, uint8_t out[32])
{
    struct transcript transcript;

    transcript_start(&transcript, "fuzz");
    transcript_append(&transcript, "first", data, cut);
    transcript_append(&transcript, "second", data + cut, size - cut);
    transcript_challenge(&transcript, "challenge", out, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t once[32], again[32], other[32], changed[1024];

    if (size < 4 || size > sizeof changed)
        return 0;
    crypto_start();
    if (size >= 32)
        decode(data);
    size_t cut = (data[0] | data[1] << 8) % size;
    challenge(data, size, cut, once);
    challenge(data, size, cut, again);
    INVARIANT(memcmp(once, again, 32) == 0, "the same transcript has two challenges");
    challenge(data, size, cut + 1, other);
    INVARIANT(memcmp(once, other, 32) != 0, "a boundary does not count");
    memcpy(changed, data, size);
    changed[data[2] % size] ^= (uint8_t)(1u << data[3] % 8);
    challenge(changed, size, cut, other);
    INVARIANT(memcmp(once, other, 32) != 0, "a bit does not count");
    return 0;
}
