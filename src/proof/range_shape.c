/* Shapes of range proofs; see range_shape.h. */
#include "proof/range_shape.h"

static size_t log_2(size_t power)
{
    size_t log = 0;

    while ((size_t)1 << log < power)
        log++;
    return log;
}

static bool is_shape(size_t bits, size_t count)
{
    return (bits == 8 || bits == 16 || bits == 32 || bits == 64) &&
           (count == 1 || count == 2 || count == 4 || count == 8 || count == 16);
}

size_t range_proof_size(size_t bits, size_t count)
{
    return is_shape(bits, count) ? 32 * (9 + 2 * log_2(bits * count)) : 0;
}

enum status range_shape(struct inner_product_shape *shape, size_t bits, size_t count, struct error *error)
{
    if (!is_shape(bits, count))
        return error_set(error, ERROR_LIMIT,
                         "a range proof of %zu values with %zu bits; there are those of 1, 2, 4, 8 or 16 "
                         "values with 8, 16, 32 or 64 bits", count, bits);
    *shape = (struct inner_product_shape){ bits, count, bits * count, log_2(bits * count) };
    return OK;
}

struct range_proof_pieces range_proof_pieces(uint8_t *proof)
{
    return (struct range_proof_pieces){ proof, proof + 32, proof + 64, proof + 96, proof + 128, proof + 160,
                                        proof + 192, proof + 224 };
}

void range_proof_begin(struct transcript *transcript, const struct inner_product_shape *shape)
{
    transcript_append_text(transcript, "dom-sep", "rangeproof v1");
    transcript_append_u64(transcript, "n", shape->bits);
    transcript_append_u64(transcript, "m", shape->count);
}
