/* See range_support.h. */
#include "range_support.h"

static uint64_t value_of(size_t bits)
{
    uint64_t most = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

    switch (random_below(4)) {
    case 0:
        return 0;
    case 1:
        return most;
    default:
        return random_u64() & most;
    }
}

void range_make(struct made_range *made, size_t bits, size_t count)
{
    struct error error;

    made->bits = bits;
    made->count = count;
    made->transcript = made->after = transcript_of("test", "dev-1", "range");
    for (size_t j = 0; j < count; j++) {
        made->values[j] = value_of(bits);
        random_scalar(&made->blindings[j]);
    }
    assert_int_equal(range_proof_make(&made->after, bits, made->values, made->blindings, count,
                                      made->commitments, made->proof, &error), OK);
}

struct range_claim range_claim_of(const struct made_range *made)
{
    return (struct range_claim){ &made->transcript, made->bits, made->count,
                                 (const uint8_t(*)[POINT_SIZE])made->commitments,
                                 bytes_of(made->proof, range_proof_size(made->bits, made->count)) };
}

enum status range_verify(const struct made_range *made)
{
    struct range_claim claim = range_claim_of(made);
    struct error error;

    return range_proof_verify(&claim, NULL, &error);
}
