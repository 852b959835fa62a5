/* What range proofs refuse: every changed bit, every wrong size, values out of range, encodings that are
 * not the one, another transcript. */
#include <string.h>

#include "../sanitized.h"
#include "base/memory.h"
#include "range_support.h"

static bool refused(const struct made_range *made)
{
    enum status status = range_verify(made);

    return status == ERROR_INVALID_PROOF || status == ERROR_MALFORMED_PROOF;
}

static void every_bit_of_a_small_proof_and_its_commitment_counts(void **state)
{
    struct made_range made;
    (void)state;

    range_make(&made, 8, 1);
    for (size_t bit = 0; bit < range_proof_size(8, 1) * 8; bit++) {
        made.proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!refused(&made))
            fail_msg("bit %zu of the proof does not count", bit);
        made.proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < POINT_SIZE * 8; bit++) {
        made.commitments[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!refused(&made))
            fail_msg("bit %zu of the commitment does not count", bit);
        made.commitments[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(range_verify(&made), OK);
}

/* From one bit to the next: to all of them, or to one of each byte. */
static size_t step(size_t bit, bool all)
{
    return all ? 1 : 8 - bit % 8 + random_below(8);
}

/* Of the usual proof, of one value of 64 bits, every bit; of the others, and under sanitizers, one of each
 * byte. */
static void every_bit_of_larger_proofs_and_their_commitments_counts(void **state)
{
    static const size_t shapes[][2] = { { 64, 1 }, { 16, 4 }, { 8, 16 } };
    (void)state;

    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct made_range made;
        bool all = s == 0 && !SANITIZED;
        range_make(&made, shapes[s][0], shapes[s][1]);
        for (size_t i = 0; i < 8 * range_proof_size(made.bits, made.count); i += step(i, all)) {
            made.proof[i / 8] ^= (uint8_t)(1u << i % 8);
            if (!refused(&made))
                fail_msg("%zu bits, %zu values: bit %zu does not count", made.bits, made.count, i);
            made.proof[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t i = 0; i < 8 * made.count * POINT_SIZE; i += step(i, all)) {
            uint8_t *byte = &made.commitments[i / 8 / POINT_SIZE][i / 8 % POINT_SIZE];
            *byte ^= (uint8_t)(1u << i % 8);
            if (!refused(&made))
                fail_msg("bit %zu of the commitments does not count", i);
            *byte ^= (uint8_t)(1u << i % 8);
        }
        assert_int_equal(range_verify(&made), OK);
    }
}

static void another_size_than_the_one_is_refused_before_a_byte_is_read(void **state)
{
    struct made_range made;
    struct error error;
    (void)state;

    range_make(&made, 64, 2);
    struct range_claim claim = range_claim_of(&made);
    size_t right = claim.proof.size;
    for (size_t size = 0; size <= right + 64; size++) {
        claim.proof = bytes_of(NULL, size); /* would be a fault if it were read */
        if (size != right)
            assert_int_equal(range_proof_verify(&claim, NULL, &error), ERROR_MALFORMED_PROOF);
    }
    claim.proof = bytes_of(NULL, SIZE_MAX);
    assert_int_equal(range_proof_verify(&claim, NULL, &error), ERROR_MALFORMED_PROOF);
}

static void proofs_that_there_are_none_of_are_refused(void **state)
{
    static const size_t shapes[][2] = {
        { 0, 1 },   { 1, 1 },  { 7, 1 },  { 63, 1 },  { 65, 1 },       { 128, 1 },
        { 64, 0 },  { 64, 3 }, { 64, 17 }, { 64, 32 }, { SIZE_MAX, 1 }, { 64, SIZE_MAX },
    };
    struct made_range made;
    struct error error;
    (void)state;

    range_make(&made, 64, 1);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct range_claim claim = range_claim_of(&made);
        struct transcript transcript = made.transcript;
        claim.bits = shapes[s][0];
        claim.count = shapes[s][1];
        assert_int_equal(range_proof_verify(&claim, NULL, &error), ERROR_LIMIT);
        assert_int_equal(range_proof_make(&transcript, shapes[s][0], NULL, NULL, shapes[s][1], NULL, NULL,
                                          &error), ERROR_LIMIT);
        assert_memory_equal(&transcript, &made.transcript, sizeof transcript);
    }
}

static void a_proof_for_more_bits_or_fewer_values_is_no_proof_for_others(void **state)
{
    struct made_range made;
    struct error error;
    (void)state;

    range_make(&made, 16, 2); /* 32 bits in all: the sizes agree */
    struct range_claim claim = range_claim_of(&made);
    claim.bits = 32;
    claim.count = 1;
    assert_int_equal(range_proof_verify(&claim, NULL, &error), ERROR_INVALID_PROOF);
    claim.bits = 8;
    claim.count = 4;
    uint8_t four[4][POINT_SIZE];
    memcpy(four, made.commitments, 2 * POINT_SIZE);
    memcpy(four + 2, made.commitments, 2 * POINT_SIZE);
    claim.commitments = (const uint8_t(*)[POINT_SIZE])four;
    assert_int_equal(range_proof_verify(&claim, NULL, &error), ERROR_INVALID_PROOF);
}

static void commitments_in_another_order_are_refused(void **state)
{
    struct made_range made;
    uint8_t first[POINT_SIZE];
    (void)state;

    range_make(&made, 8, 4);
    memcpy(first, made.commitments[0], sizeof first);
    memcpy(made.commitments[0], made.commitments[3], sizeof first);
    memcpy(made.commitments[3], first, sizeof first);
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
}

static void values_out_of_range_cannot_be_proved(void **state)
{
    static const size_t bits[3] = { 8, 16, 32 };
    (void)state;

    for (size_t b = 0; b < 3; b++)
        for (size_t extra = bits[b]; extra < 64; extra += 7) {
            struct transcript transcript = transcript_of("test", "dev-1", "range"), before = transcript;
            uint64_t values[2] = { 1, (uint64_t)1 << extra };
            struct scalar blindings[2];
            uint8_t commitments[2][POINT_SIZE] = { { 7 } }, proof[RANGE_PROOF_SIZE_MAX] = { 7 };
            struct error error;
            random_scalar(&blindings[0]);
            random_scalar(&blindings[1]);
            assert_int_equal(range_proof_make(&transcript, bits[b], values, blindings, 2, commitments, proof,
                                              &error), ERROR_NOT_PROVABLE);
            assert_memory_equal(&transcript, &before, sizeof before);
            assert_true(commitments[0][0] == 7 && proof[0] == 7);
        }
}

/* The commitment to -1: what an overflowing sender would want. Its proof is one of another commitment. */
static void a_commitment_to_a_negative_value_has_no_proof(void **state)
{
    struct made_range made;
    struct point commitment;
    (void)state;

    range_make(&made, 64, 1);
    assert_true(point_decode(&commitment, made.commitments[0]));
    for (uint64_t i = 0; i <= 1; i++) {
        struct scalar value;
        struct point shift;
        scalar_from_u64(&value, made.values[0] + i); /* value - (value + i) is 0, then -1 */
        point_multiply_base(&shift, &value);
        point_subtract(&shift, &commitment, &shift);
        point_encode(made.commitments[0], &shift);
        assert_int_equal(range_verify(&made), made.values[0] + i == 0 ? OK : ERROR_INVALID_PROOF);
    }
}

static void pieces_that_are_the_identity_are_refused(void **state)
{
    struct made_range made, spoiled;
    (void)state;

    range_make(&made, 8, 2);
    size_t size = range_proof_size(8, 2);
    for (size_t at = 0; at < size; at += 32) {
        bool is_scalar = (at >= 128 && at < 224) || at >= size - 64;
        spoiled = made;
        memset(spoiled.proof + at, 0, 32);
        assert_int_equal(range_verify(&spoiled), is_scalar ? ERROR_INVALID_PROOF : ERROR_MALFORMED_PROOF);
    }
    spoiled = made;
    memset(spoiled.commitments[1], 0, POINT_SIZE); /* may be: but it is not the one that was proved */
    assert_int_equal(range_verify(&spoiled), ERROR_INVALID_PROOF);
}

/* l, little-endian. */
static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                   0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

static void scalars_and_points_in_another_encoding_are_refused(void **state)
{
    struct made_range made, spoiled;
    (void)state;

    range_make(&made, 8, 1);
    size_t size = range_proof_size(8, 1);
    for (size_t at = 0; at < size; at += 32) {
        bool is_scalar = (at >= 128 && at < 224) || at >= size - 64;
        spoiled = made;
        if (is_scalar) { /* the same number plus the order */
            unsigned carry = 0;
            for (size_t i = 0; i < 32; i++) {
                carry += spoiled.proof[at + i] + order[i];
                spoiled.proof[at + i] = (uint8_t)carry;
                carry >>= 8;
            }
        } else {
            spoiled.proof[at + 31] |= 0x80; /* the same number in 255 bits */
        }
        assert_int_equal(range_verify(&spoiled), ERROR_MALFORMED_PROOF);
    }
    spoiled = made;
    spoiled.commitments[0][31] |= 0x80;
    assert_int_equal(range_verify(&spoiled), ERROR_MALFORMED_PROOF);
}

static void a_proof_for_another_label_chain_or_purpose_is_refused(void **state)
{
    struct made_range made;
    struct transcript right;
    (void)state;

    range_make(&made, 8, 1);
    right = made.transcript;
    made.transcript = transcript_of("tess", "dev-1", "range");
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
    made.transcript = transcript_of("test", "dev-2", "range");
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
    made.transcript = transcript_of("test", "dev-1", "rangf");
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
    made.transcript = right;
    transcript_append_u64(&made.transcript, "more", 0);
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
    made.transcript = made.after; /* a transcript that has been through the proof */
    assert_int_equal(range_verify(&made), ERROR_INVALID_PROOF);
    made.transcript = right;
    assert_int_equal(range_verify(&made), OK);
}

static void a_refusal_leaves_the_transcript_past_the_proof_untouched(void **state)
{
    struct made_range made;
    struct transcript after, before;
    struct error error;
    (void)state;

    range_make(&made, 8, 1);
    made.proof[130] ^= 1;
    struct range_claim claim = range_claim_of(&made);
    memset(&after, 0x5a, sizeof after);
    before = after;
    assert_int_equal(range_proof_verify(&claim, &after, &error), ERROR_INVALID_PROOF);
    assert_memory_equal(&after, &before, sizeof after);
}

static void random_bytes_are_no_proof(void **state)
{
    struct made_range made;
    (void)state;

    range_make(&made, 8, 1);
    for (int i = 0; i < 300; i++) {
        size_t from = random_below(480), size = 1 + random_below(480 - from);
        struct made_range spoiled = made;
        random_bytes(spoiled.proof + from, size);
        if (memcmp(spoiled.proof, made.proof, 480) != 0)
            assert_true(refused(&spoiled));
    }
}

int range_refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_small_proof_and_its_commitment_counts),
        cmocka_unit_test(every_bit_of_larger_proofs_and_their_commitments_counts),
        cmocka_unit_test(another_size_than_the_one_is_refused_before_a_byte_is_read),
        cmocka_unit_test(proofs_that_there_are_none_of_are_refused),
        cmocka_unit_test(a_proof_for_more_bits_or_fewer_values_is_no_proof_for_others),
        cmocka_unit_test(commitments_in_another_order_are_refused),
        cmocka_unit_test(values_out_of_range_cannot_be_proved),
        cmocka_unit_test(a_commitment_to_a_negative_value_has_no_proof),
        cmocka_unit_test(pieces_that_are_the_identity_are_refused),
        cmocka_unit_test(scalars_and_points_in_another_encoding_are_refused),
        cmocka_unit_test(a_proof_for_another_label_chain_or_purpose_is_refused),
        cmocka_unit_test(a_refusal_leaves_the_transcript_past_the_proof_untouched),
        cmocka_unit_test(random_bytes_are_no_proof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
