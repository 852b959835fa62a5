/* What a ring refuses: every changed bit of a signature and its statement, encodings that are not the one,
 * sizes, members and secrets that do not fit, parts of other signatures. */
#include <string.h>

#include "proof/pedersen.h"
#include "ring_support.h"

#define COUNT 3
#define INDEX 1

/* l: the least that is no scalar. */
static const uint8_t order[SCALAR_SIZE] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                            0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

/* RFC 9496, appendix A.2: not canonical, negative, no square, the rest of the equations; and the identity. */
static const char *const bad_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
#define BAD_POINTS (sizeof bad_points / sizeof bad_points[0])

static enum status verify_as(const struct made_ring *made, const struct transcript *transcript,
                             const uint8_t *signature, size_t size)
{
    struct transcript copy = *transcript;
    struct ring ring = ring_of(made);
    struct error error;

    return ring_verify(&copy, &ring, bytes_of(signature, size), &error);
}

static bool refused(enum status status)
{
    return status == ERROR_MALFORMED_PROOF || status == ERROR_INVALID_PROOF;
}

/* --- changed bits --------------------------------------------------------------------------------------- */

static void assert_each_bit_counts(const struct made_ring *made, uint8_t *part, size_t size)
{
    for (size_t bit = 0; bit < 8 * size; bit++) {
        part[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(refused(ring_verify_made(made)));
        part[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(ring_verify_made(made), OK);
}

static void every_bit_of_a_linkable_signature_keys_and_message_counts(void **state)
{
    static struct made_ring made;
    (void)state;

    ring_make_signed(&made, false, COUNT, INDEX);
    assert_each_bit_counts(&made, made.signature, made.size);
    for (size_t i = 0; i < COUNT; i++)
        assert_each_bit_counts(&made, made.members[i].key, POINT_SIZE);
    assert_each_bit_counts(&made, made.message, sizeof made.message);
}

static void every_bit_of_a_confidential_signature_members_pseudo_and_message_counts(void **state)
{
    static struct made_ring made;
    (void)state;

    ring_make_signed(&made, true, COUNT, INDEX);
    assert_each_bit_counts(&made, made.signature, made.size);
    for (size_t i = 0; i < COUNT; i++) {
        assert_each_bit_counts(&made, made.members[i].key, POINT_SIZE);
        assert_each_bit_counts(&made, made.members[i].commitment, POINT_SIZE);
    }
    assert_each_bit_counts(&made, made.pseudo, POINT_SIZE);
    assert_each_bit_counts(&made, made.message, sizeof made.message);
}

/* A bit changed is seldom another good encoding; a point or scalar replaced always is. */
static void another_key_commitment_pseudo_image_or_response_that_is_well_formed_does_not_hold(void **state)
{
    static struct made_ring made, other;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        ring_make_signed(&other, kind == 1, COUNT, INDEX);
        for (size_t at = 0; at < made.size; at += 32) {
            uint8_t kept[32];
            memcpy(kept, made.signature + at, sizeof kept);
            memcpy(made.signature + at, other.signature + at, sizeof kept);
            assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
            memcpy(made.signature + at, kept, sizeof kept);
        }
        for (size_t i = 0; i < COUNT; i++) {
            struct ring_member kept = made.members[i];
            memcpy(made.members[i].key, other.members[i].key, POINT_SIZE);
            assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
            made.members[i] = kept;
            memcpy(made.members[i].commitment, other.members[i].commitment, POINT_SIZE);
            assert_int_equal(ring_verify_made(&made), kind == 1 ? ERROR_INVALID_PROOF : OK);
            made.members[i] = kept;
        }
        memcpy(made.pseudo, other.pseudo, POINT_SIZE);
        assert_int_equal(ring_verify_made(&made), kind == 1 ? ERROR_INVALID_PROOF : OK);
    }
}

/* --- the statement -------------------------------------------------------------------------------------- */

static void a_signature_holds_for_no_other_chain_purpose_or_label(void **state)
{
    static struct made_ring made;
    const struct transcript others[] = { transcript_of("layerd test ring", "test", "spend"),
                                         transcript_of("layerd test ring", "dev", "vote"),
                                         transcript_of("layerd test rings", "dev", "spend") };
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(verify_as(&made, &others[i], made.signature, made.size), ERROR_INVALID_PROOF);
        assert_int_equal(verify_as(&made, &made.transcript, made.signature, made.size), OK);
    }
}

static void a_signature_holds_for_no_other_order_of_the_members(void **state)
{
    static struct made_ring made;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        struct ring_member first = made.members[0];
        made.members[0] = made.members[2];
        made.members[2] = first;
        assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);

        /* Nor when the responses go the same way, though the ring would close for another start. */
        uint8_t *responses = made.signature + made.size - COUNT * SCALAR_SIZE, response[SCALAR_SIZE];
        memcpy(response, responses, sizeof response);
        memcpy(responses, responses + 2 * SCALAR_SIZE, SCALAR_SIZE);
        memcpy(responses + 2 * SCALAR_SIZE, response, SCALAR_SIZE);
        assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
    }
}

static void commitments_exchanged_between_members_do_not_hold(void **state)
{
    static struct made_ring made;
    uint8_t first[POINT_SIZE];
    (void)state;

    ring_make_signed(&made, true, COUNT, INDEX);
    memcpy(first, made.members[0].commitment, POINT_SIZE);
    memcpy(made.members[0].commitment, made.members[2].commitment, POINT_SIZE);
    memcpy(made.members[2].commitment, first, POINT_SIZE);
    assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
}

static void rings_of_none_one_and_65_are_refused(void **state)
{
    static const size_t counts[] = { 0, 1, RING_MEMBERS_MAX + 1, SIZE_MAX };
    static struct made_ring made;
    static uint8_t signature[RING_CONFIDENTIAL_SIZE(RING_MEMBERS_MAX + 1)];
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, RING_MEMBERS_MAX, 0);
        random_secret(made.secrets[RING_MEMBERS_MAX]);
        assert_true(ring_key(made.secrets[RING_MEMBERS_MAX], made.members[RING_MEMBERS_MAX].key));
        memcpy(signature, made.signature, made.size);
        for (size_t i = 0; i < 4; i++) {
            made.count = counts[i];
            assert_int_equal(ring_sign_made(&made), ERROR_LIMIT);
            size_t size = kind == 1 ? RING_CONFIDENTIAL_SIZE(counts[i]) : RING_LINKABLE_SIZE(counts[i]);
            assert_int_equal(verify_as(&made, &made.transcript, signature, size), ERROR_LIMIT);
        }
    }
}

static void a_key_that_stands_there_twice_is_refused(void **state)
{
    static struct made_ring made;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, 4, 0);
        for (size_t i = 1; i < 4; i++) {
            struct ring_member kept = made.members[i];
            memcpy(made.members[i].key, made.members[i - 1].key, POINT_SIZE);
            assert_int_equal(ring_verify_made(&made), ERROR_MALFORMED_PROOF);
            assert_int_equal(ring_sign_made(&made), ERROR_MALFORMED_PROOF);
            made.members[i] = kept;
        }
    }
}

static void a_commitment_that_is_the_pseudo_one_is_refused(void **state)
{
    static struct made_ring made;
    (void)state;

    ring_make_signed(&made, true, COUNT, INDEX);
    memcpy(made.members[0].commitment, made.pseudo, POINT_SIZE);
    assert_int_equal(ring_verify_made(&made), ERROR_MALFORMED_PROOF);
    assert_int_equal(ring_sign_made(&made), ERROR_MALFORMED_PROOF);
}

/* --- encodings and sizes -------------------------------------------------------------------------------- */

static void assert_only_points(struct made_ring *made, uint8_t *part, bool signing)
{
    uint8_t kept[POINT_SIZE], before[RING_SIGNATURE_MAX];

    memcpy(kept, part, sizeof kept);
    for (size_t i = 0; i < BAD_POINTS; i++) {
        assert_true(hex_decode(part, POINT_SIZE, bad_points[i], 2 * POINT_SIZE));
        assert_int_equal(ring_verify_made(made), ERROR_MALFORMED_PROOF);
        memcpy(before, made->signature, made->size);
        if (signing)
            assert_int_equal(ring_sign_made(made), ERROR_MALFORMED_PROOF);
        assert_memory_equal(before, made->signature, made->size);
        memcpy(part, kept, sizeof kept);
    }
    assert_int_equal(ring_verify_made(made), OK);
}

static void points_that_are_not_canonical_and_the_identity_are_refused_everywhere(void **state)
{
    static struct made_ring made;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        assert_only_points(&made, made.signature, false);
        for (size_t i = 0; i < COUNT; i++)
            assert_only_points(&made, made.members[i].key, true);
        if (kind == 0)
            continue;
        assert_only_points(&made, made.signature + POINT_SIZE, false);
        assert_only_points(&made, made.pseudo, true);
        for (size_t i = 0; i < COUNT; i++)
            assert_only_points(&made, made.members[i].commitment, true);
    }
}

/* number += l: the same modulo l, in another form, which fits in 32 bytes. */
static void add_order(uint8_t number[SCALAR_SIZE])
{
    unsigned carry = 0;

    for (size_t i = 0; i < SCALAR_SIZE; i++) {
        carry += (unsigned)number[i] + order[i];
        number[i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
}

static void scalars_not_below_the_order_are_refused_and_zero_only_does_not_hold(void **state)
{
    static struct made_ring made;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        for (size_t at = made.size - (COUNT + 1) * SCALAR_SIZE; at < made.size; at += SCALAR_SIZE) {
            uint8_t kept[SCALAR_SIZE], *scalar = made.signature + at;
            memcpy(kept, scalar, sizeof kept);
            add_order(scalar);
            assert_int_equal(ring_verify_made(&made), ERROR_MALFORMED_PROOF);
            memcpy(scalar, order, SCALAR_SIZE);
            assert_int_equal(ring_verify_made(&made), ERROR_MALFORMED_PROOF);
            memset(scalar, 0xff, SCALAR_SIZE);
            assert_int_equal(ring_verify_made(&made), ERROR_MALFORMED_PROOF);
            memset(scalar, 0, SCALAR_SIZE);
            assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
            memcpy(scalar, kept, sizeof kept);
        }
        assert_int_equal(ring_verify_made(&made), OK);
    }
}

static void every_size_but_the_right_one_is_refused(void **state)
{
    static struct made_ring made;
    static uint8_t longer[RING_SIGNATURE_MAX + 64];
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        memcpy(longer, made.signature, made.size);
        for (size_t size = 0; size <= made.size + 64; size++) {
            if (size == made.size)
                continue;
            assert_int_equal(verify_as(&made, &made.transcript, longer, size), ERROR_MALFORMED_PROOF);
        }
        assert_int_equal(verify_as(&made, &made.transcript, NULL, 0), ERROR_MALFORMED_PROOF);
        assert_int_equal(verify_as(&made, &made.transcript, longer, SIZE_MAX), ERROR_MALFORMED_PROOF);
    }
}

/* A linkable signature of four is as long as a confidential one of three. */
static void a_signature_of_one_kind_is_none_of_the_other(void **state)
{
    static struct made_ring made;
    (void)state;

    ring_make_signed(&made, false, COUNT + 1, INDEX);
    made.confidential = true;
    made.count = COUNT;
    assert_int_equal(RING_CONFIDENTIAL_SIZE(COUNT), made.size);
    assert_true(refused(ring_verify_made(&made)));

    ring_make_signed(&made, true, COUNT, INDEX);
    random_secret(made.secrets[COUNT]);
    assert_true(ring_key(made.secrets[COUNT], made.members[COUNT].key));
    made.confidential = false;
    made.count = COUNT + 1;
    assert_true(refused(ring_verify_made(&made)));
}

/* --- other secrets -------------------------------------------------------------------------------------- */

static void secrets_out_of_range_have_neither_key_nor_image(void **state)
{
    uint8_t secret[SCALAR_SIZE] = { 0 }, key[POINT_SIZE], image[RING_IMAGE_SIZE], untouched[POINT_SIZE];
    (void)state;

    memset(untouched, 7, sizeof untouched);
    memset(key, 7, sizeof key);
    memset(image, 7, sizeof image);
    assert_false(ring_key(secret, key));
    assert_false(ring_image(secret, image));
    memcpy(secret, order, sizeof secret);
    assert_false(ring_key(secret, key));
    assert_false(ring_image(secret, image));
    memset(secret, 0xff, sizeof secret);
    assert_false(ring_key(secret, key));
    assert_false(ring_image(secret, image));
    assert_memory_equal(key, untouched, sizeof key);
    assert_memory_equal(image, untouched, sizeof image);
    memcpy(secret, order, sizeof secret);
    secret[0]--; /* l − 1 */
    assert_true(ring_key(secret, key));
    assert_true(ring_image(secret, image));
}

/* Signs with `signer`; the signature's place must stay as it was. */
static enum status sign_with(struct made_ring *made, const struct ring_signer *signer)
{
    uint8_t before[RING_SIGNATURE_MAX];
    struct transcript transcript = made->transcript;
    struct ring ring = ring_of(made);
    struct error error;
    enum status status;

    memcpy(before, made->signature, sizeof before);
    status = ring_sign(&transcript, &ring, signer, made->signature, &error);
    assert_memory_equal(before, made->signature, sizeof before);
    return status;
}

static void who_is_not_in_the_ring_or_at_another_place_cannot_sign(void **state)
{
    static struct made_ring made;
    uint8_t stranger[SCALAR_SIZE], zero[SCALAR_SIZE] = { 0 };
    (void)state;

    random_secret(stranger);
    for (int kind = 0; kind < 2; kind++) {
        ring_make(&made, kind == 1, COUNT, INDEX);
        struct ring_signer signer = ring_signer_of(&made);
        const uint8_t *const wrong[] = { stranger, zero, order, made.secrets[0] };
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            signer.secret = wrong[i];
            assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
        }
        signer = ring_signer_of(&made);
        for (signer.index = 0; signer.index < COUNT + 2; signer.index++) {
            if (signer.index != INDEX)
                assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
        }
        signer.index = SIZE_MAX;
        assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
    }
}

static void a_difference_that_is_not_the_blindings_cannot_sign(void **state)
{
    static struct made_ring made;
    uint8_t zero[SCALAR_SIZE] = { 0 };
    (void)state;

    ring_make(&made, true, COUNT, INDEX);
    struct ring_signer signer = ring_signer_of(&made);
    const uint8_t *const wrong[] = { made.blinding, made.pseudo_blinding, zero, order, NULL };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        signer.difference = wrong[i];
        assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
    }
}

/* The pseudo commitment of one unit more or less, with the blinding that would fit. */
static void a_changed_amount_can_neither_be_signed_nor_put_in_afterwards(void **state)
{
    static struct made_ring made;
    uint8_t good[POINT_SIZE];
    (void)state;

    ring_make_signed(&made, true, COUNT, INDEX);
    memcpy(good, made.pseudo, sizeof good);
    for (int change = -1; change <= 1; change += 2) {
        struct ring_signer signer = ring_signer_of(&made);
        ring_commit(made.pseudo, made.amount + (uint64_t)(int64_t)change, made.pseudo_blinding);
        assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
        assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
        memcpy(made.pseudo, good, sizeof good);
    }
    assert_int_equal(ring_verify_made(&made), OK);
}

/* The member's commitment hides the amount of another: its owner has no difference that fits. */
static void the_amount_of_another_member_cannot_be_taken(void **state)
{
    static struct made_ring made;
    uint8_t own[SCALAR_SIZE], richer[SCALAR_SIZE];
    (void)state;

    ring_make(&made, true, COUNT, INDEX);
    random_secret(own);
    random_secret(richer);
    ring_commit(made.members[INDEX].commitment, 5, own);
    ring_commit(made.members[0].commitment, 500, richer);
    ring_commit(made.pseudo, 500, made.pseudo_blinding);
    struct ring_signer signer = ring_signer_of(&made);
    ring_scalar_subtract(made.difference, own, made.pseudo_blinding);
    assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
    ring_scalar_subtract(made.difference, richer, made.pseudo_blinding);
    assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
    signer.index = 0;
    assert_int_equal(sign_with(&made, &signer), ERROR_NOT_PROVABLE);
}

/* --- other images --------------------------------------------------------------------------------------- */

static void the_image_of_another_key_does_not_hold(void **state)
{
    static struct made_ring made;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        ring_make_signed(&made, kind == 1, COUNT, INDEX);
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(ring_image(made.secrets[i], made.signature));
            assert_int_equal(ring_verify_made(&made), i == INDEX ? OK : ERROR_INVALID_PROOF);
        }
    }
}

/* In a group with a cofactor, the image with a point of small order added is another image of the key. */
static void an_image_with_something_added_does_not_hold(void **state)
{
    static struct made_ring made;
    struct point image;
    (void)state;

    ring_make_signed(&made, false, COUNT, INDEX);
    assert_true(point_decode(&image, made.signature));
    point_add(&image, &image, pedersen_blinding_base());
    point_encode(made.signature, &image);
    assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
    point_subtract(&image, &image, pedersen_blinding_base());
    point_encode(made.signature, &image);
    assert_int_equal(ring_verify_made(&made), OK);
    point_negate(&image, &image);
    point_encode(made.signature, &image);
    assert_int_equal(ring_verify_made(&made), ERROR_INVALID_PROOF);
}

static void the_images_exchanged_or_taken_from_another_signature_do_not_hold(void **state)
{
    static struct made_ring made, other;
    uint8_t swapped[RING_SIGNATURE_MAX];
    (void)state;

    ring_make_signed(&made, true, COUNT, INDEX);
    memcpy(swapped, made.signature, made.size);
    memcpy(swapped, made.signature + POINT_SIZE, POINT_SIZE);
    memcpy(swapped + POINT_SIZE, made.signature, POINT_SIZE);
    assert_int_equal(verify_as(&made, &made.transcript, swapped, made.size), ERROR_INVALID_PROOF);

    /* D of the same key with another pseudo commitment: a good D, for another statement. */
    other = made;
    random_secret(other.pseudo_blinding);
    ring_scalar_subtract(other.difference, other.blinding, other.pseudo_blinding);
    ring_commit(other.pseudo, other.amount, other.pseudo_blinding);
    assert_int_equal(ring_sign_made(&other), OK);
    memcpy(swapped, made.signature, made.size);
    memcpy(swapped + POINT_SIZE, other.signature + POINT_SIZE, POINT_SIZE);
    assert_int_equal(verify_as(&made, &made.transcript, swapped, made.size), ERROR_INVALID_PROOF);
    assert_int_equal(ring_verify_made(&other), OK);
}

int ring_refusal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_linkable_signature_keys_and_message_counts),
        cmocka_unit_test(every_bit_of_a_confidential_signature_members_pseudo_and_message_counts),
        cmocka_unit_test(another_key_commitment_pseudo_image_or_response_that_is_well_formed_does_not_hold),
        cmocka_unit_test(a_signature_holds_for_no_other_chain_purpose_or_label),
        cmocka_unit_test(a_signature_holds_for_no_other_order_of_the_members),
        cmocka_unit_test(commitments_exchanged_between_members_do_not_hold),
        cmocka_unit_test(rings_of_none_one_and_65_are_refused),
        cmocka_unit_test(a_key_that_stands_there_twice_is_refused),
        cmocka_unit_test(a_commitment_that_is_the_pseudo_one_is_refused),
        cmocka_unit_test(points_that_are_not_canonical_and_the_identity_are_refused_everywhere),
        cmocka_unit_test(scalars_not_below_the_order_are_refused_and_zero_only_does_not_hold),
        cmocka_unit_test(every_size_but_the_right_one_is_refused),
        cmocka_unit_test(a_signature_of_one_kind_is_none_of_the_other),
        cmocka_unit_test(secrets_out_of_range_have_neither_key_nor_image),
        cmocka_unit_test(who_is_not_in_the_ring_or_at_another_place_cannot_sign),
        cmocka_unit_test(a_difference_that_is_not_the_blindings_cannot_sign),
        cmocka_unit_test(a_changed_amount_can_neither_be_signed_nor_put_in_afterwards),
        cmocka_unit_test(the_amount_of_another_member_cannot_be_taken),
        cmocka_unit_test(the_image_of_another_key_does_not_hold),
        cmocka_unit_test(an_image_with_something_added_does_not_hold),
        cmocka_unit_test(the_images_exchanged_or_taken_from_another_signature_do_not_hold),
    };

    return cmocka_run_group_tests_name("rings: refusals", tests, NULL, NULL);
}
