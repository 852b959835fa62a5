/* Ring signatures: the known answers of the second implementation byte by byte, every size and many signers,
 * and what an image says: the same key has signed, or another. Refusals: test_ring_refusal.c. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "ring_support.h"

#define ANSWERS SOURCE_ROOT "/tests/unit/proof/ring_vectors.json"
#define ANSWERS_EACH 4 /* images, linkable and confidential signatures in that file */

static void from_hex(uint8_t *out, size_t size, const char *hex)
{
    assert_true(hex_decode(out, size, hex, strlen(hex)));
}

static void member_exact(const json_t *object, const char *member, uint8_t *out, size_t size)
{
    from_hex(out, size, member_text(object, member));
}

/* --- known answers -------------------------------------------------------------------------------------- */

static void the_first_known_key_has_the_image_that_is_written_here(void **state)
{
    uint8_t secret[SCALAR_SIZE], key[POINT_SIZE], image[RING_IMAGE_SIZE];
    (void)state;

    from_hex(secret, sizeof secret, "423b9637fe2197e5200b81f27137e7eb593314ab21279d2534b89ab7ee343b0e");
    assert_true(ring_key(secret, key));
    assert_true(ring_image(secret, image));
    assert_bytes_are(key, sizeof key, "bc587dda2c801bb23153a307bed6237c1a37db3f665106ca9a8642c36eb3b616");
    assert_bytes_are(image, sizeof image, "7e23aa0fa01429514aa762b1ecbfc6afcc97f52cff60493ee768b0d69b0cfd6f");
}

/* Signs with `randomness` what is in the struct, expects `signature`, and verifies it. */
static void assert_signed(struct made_ring *made, const char *label, struct bytes message,
                          const uint8_t randomness[32], const char *signature)
{
    struct ring ring = ring_of(made);
    struct ring_signer signer = ring_signer_of(made);
    struct transcript transcript;
    struct error error;

    ring.message = message;
    signer.randomness = randomness;
    transcript_start(&transcript, label);
    assert_int_equal(ring_sign(&transcript, &ring, &signer, made->signature, &error), OK);
    AUTO_FREE char *text = memory_new(2 * made->size + 1);
    hex_text(text, made->signature, made->size);
    assert_string_equal(text, signature);
    transcript_start(&transcript, label);
    assert_int_equal(ring_verify(&transcript, &ring, bytes_of(made->signature, made->size), &error), OK);
}

static void the_first_known_linkable_signature_is_the_one_written_here(void **state)
{
    static struct made_ring made;
    uint8_t randomness[32];
    (void)state;

    memset(&made, 0, sizeof made);
    made.count = 2;
    made.size = RING_LINKABLE_SIZE(2);
    from_hex(made.secrets[0], 32, "d4df128fbfdb70eeabccf5cfb41474161a98c58919e0f01954e6f72fdb2fc80e");
    from_hex(made.members[0].key, 32, "8294942b8244d79e6f09aef4b9ae75786936667ab32c67c7af1953fa4fa1402f");
    from_hex(made.members[1].key, 32, "4221b4744c0ea96df9accde466739daea7d58f55288cf0934aee283728965005");
    from_hex(randomness, 32, "739220e335535838cff45334fae2b6e7ce1a3f718eaed942bdabf9452bf62a30");
    assert_signed(&made, "layerd test linkable", bytes_of(NULL, 0), randomness,
                  "0481027fedd468d71cd0f4b68364b5404e291a93760d4f7bba675ba772659376"
                  "2d07224ee7880cac6b66299236ca7b6765a722af15bb926be930ca56f4f80d01"
                  "00f61098953aadc5ec1c5a09ebf5f5ddd5fe14cd387cbdc42a72c85b1feabc02"
                  "6c183986a10e2e34cb274422215c6ad2114b1eef5c40dc15f898a18d6e959104");
}

static void read_members(struct made_ring *made, const json_t *answer)
{
    const json_t *keys = json_object_get(answer, made->confidential ? "members" : "keys");

    made->count = json_array_size(keys);
    assert_in_range(made->count, RING_MEMBERS_MIN, RING_MEMBERS_MAX);
    for (size_t i = 0; i < made->count; i++) {
        const json_t *member = json_array_get(keys, i);
        if (!made->confidential) {
            from_hex(made->members[i].key, POINT_SIZE, json_string_value(member));
            continue;
        }
        from_hex(made->members[i].key, POINT_SIZE, json_string_value(json_array_get(member, 0)));
        from_hex(made->members[i].commitment, POINT_SIZE, json_string_value(json_array_get(member, 1)));
    }
}

static void assert_answer(const json_t *answer, bool confidential)
{
    static struct made_ring made;
    uint8_t randomness[32], message[512];
    const char *message_hex = member_text(answer, "message");
    size_t message_size = strlen(message_hex) / 2;

    memset(&made, 0, sizeof made);
    made.confidential = confidential;
    read_members(&made, answer);
    made.size = confidential ? RING_CONFIDENTIAL_SIZE(made.count) : RING_LINKABLE_SIZE(made.count);
    made.index = (size_t)json_integer_value(json_object_get(answer, "index"));
    member_exact(answer, "secret", made.secrets[made.index], SCALAR_SIZE);
    member_exact(answer, "random", randomness, sizeof randomness);
    assert_in_range(message_size, 0, sizeof message);
    assert_true(hex_decode(message, message_size, message_hex, 2 * message_size));
    if (confidential) {
        uint8_t expected[POINT_SIZE];
        member_exact(answer, "difference", made.difference, SCALAR_SIZE);
        member_exact(answer, "pseudo", made.pseudo, POINT_SIZE);
        member_exact(answer, "pseudo_blinding", made.pseudo_blinding, SCALAR_SIZE);
        ring_commit(expected, strtoull(member_text(answer, "value"), NULL, 10), made.pseudo_blinding);
        assert_memory_equal(expected, made.pseudo, POINT_SIZE);
    }
    assert_signed(&made, member_text(answer, "label"), bytes_of(message, message_size), randomness,
                  member_text(answer, "signature"));
}

static void all_known_answers_of_the_second_implementation_come_out_byte_by_byte(void **state)
{
    json_t *answers = json_load_file(ANSWERS, 0, NULL);
    const json_t *images = json_object_get(answers, "images"),
                 *linkable = json_object_get(answers, "linkable"),
                 *confidential = json_object_get(answers, "confidential");
    (void)state;

    assert_non_null(answers);
    assert_int_equal(json_array_size(images), ANSWERS_EACH);
    assert_int_equal(json_array_size(linkable), ANSWERS_EACH);
    assert_int_equal(json_array_size(confidential), ANSWERS_EACH);
    for (size_t i = 0; i < ANSWERS_EACH; i++) {
        const json_t *answer = json_array_get(images, i);
        uint8_t secret[SCALAR_SIZE], key[POINT_SIZE], image[RING_IMAGE_SIZE];
        member_exact(answer, "secret", secret, sizeof secret);
        assert_true(ring_key(secret, key));
        assert_true(ring_image(secret, image));
        assert_bytes_are(key, sizeof key, member_text(answer, "key"));
        assert_bytes_are(image, sizeof image, member_text(answer, "image"));
        assert_answer(json_array_get(linkable, i), false);
        assert_answer(json_array_get(confidential, i), true);
    }
    json_decref(answers);
}

/* --- sizes and signers ---------------------------------------------------------------------------------- */

static void assert_every_size(bool confidential)
{
    static struct made_ring made;

    for (size_t count = RING_MEMBERS_MIN; count <= RING_MEMBERS_MAX; count++) {
        ring_make(&made, confidential, count, random_below(count));
        assert_int_equal(ring_sign_made(&made), OK);
        assert_int_equal(ring_verify_made(&made), OK);
    }
    for (size_t index = 0; index < RING_MEMBERS_MAX; index += RING_MEMBERS_MAX - 1) {
        ring_make_signed(&made, confidential, RING_MEMBERS_MAX, index);
        assert_int_equal(ring_verify_made(&made), OK);
    }
}

static void linkable_rings_of_every_size_are_signed_and_verified(void **state)
{
    (void)state;
    assert_every_size(false);
}

static void confidential_rings_of_every_size_are_signed_and_verified(void **state)
{
    (void)state;
    assert_every_size(true);
}

static void every_member_of_a_ring_can_be_its_signer(void **state)
{
    static struct made_ring made;
    (void)state;

    for (size_t count = 2; count <= 5; count++) {
        for (size_t index = 0; index < count; index++) {
            ring_make_signed(&made, false, count, index);
            assert_int_equal(ring_verify_made(&made), OK);
            ring_make_signed(&made, true, count, index);
            assert_int_equal(ring_verify_made(&made), OK);
        }
    }
}

/* Equal commitments are allowed; so are an empty message and a long one. */
static void members_may_have_one_commitment_and_messages_any_length(void **state)
{
    static struct made_ring made;
    static uint8_t message[100000];
    struct error error;
    (void)state;

    ring_make(&made, true, 4, 2);
    for (size_t i = 0; i < 4; i++)
        memcpy(made.members[i].commitment, made.members[2].commitment, POINT_SIZE);
    for (size_t size = 0; size <= sizeof message; size = 10 * size + 1) {
        struct transcript transcript = made.transcript;
        struct ring ring = ring_of(&made);
        struct ring_signer signer = ring_signer_of(&made);
        ring.message = bytes_of(size == 0 ? NULL : message, size);
        assert_int_equal(ring_sign(&transcript, &ring, &signer, made.signature, &error), OK);
        transcript = made.transcript;
        assert_int_equal(ring_verify(&transcript, &ring, bytes_of(made.signature, made.size), &error), OK);
        ring.message.size++;
        ring.message.data = message;
        transcript = made.transcript;
        if (size < sizeof message)
            assert_int_equal(ring_verify(&transcript, &ring, bytes_of(made.signature, made.size), &error),
                             ERROR_INVALID_PROOF);
    }
}

/* --- what an image says --------------------------------------------------------------------------------- */

static void one_key_has_one_image_in_all_rings_messages_chains_and_kinds(void **state)
{
    static struct made_ring made, again;
    uint8_t image[RING_IMAGE_SIZE];
    (void)state;

    ring_make_signed(&made, false, 5, 3);
    assert_true(ring_image(made.secrets[3], image));
    assert_memory_equal(image, made.signature, RING_IMAGE_SIZE);
    for (int kind = 0; kind < 2; kind++) {
        ring_make(&again, kind == 1, 7, 1);
        memcpy(again.secrets[1], made.secrets[3], SCALAR_SIZE);
        memcpy(again.members[1].key, made.members[3].key, POINT_SIZE);
        again.message[0] ^= 1;
        again.transcript = transcript_of("layerd test ring", "main", "vote");
        assert_int_equal(ring_sign_made(&again), OK);
        assert_int_equal(ring_verify_made(&again), OK);
        assert_memory_equal(again.signature, image, RING_IMAGE_SIZE);
        assert_memory_not_equal(again.signature + RING_IMAGE_SIZE, made.signature + RING_IMAGE_SIZE, 32);
    }
}

static void another_key_has_another_image_in_the_same_ring(void **state)
{
    static struct made_ring made;
    uint8_t images[6][RING_IMAGE_SIZE];
    (void)state;

    ring_make(&made, false, 6, 0);
    for (made.index = 0; made.index < made.count; made.index++) {
        assert_int_equal(ring_sign_made(&made), OK);
        assert_int_equal(ring_verify_made(&made), OK);
        memcpy(images[made.index], made.signature, RING_IMAGE_SIZE);
        for (size_t i = 0; i < made.index; i++)
            assert_memory_not_equal(images[i], images[made.index], RING_IMAGE_SIZE);
    }
}

/* D changes with the pseudo commitment, so that the two spends of one key are linked by the image alone. */
static void the_auxiliary_image_is_another_for_another_pseudo_commitment(void **state)
{
    static struct made_ring made;
    uint8_t before[2 * POINT_SIZE];
    (void)state;

    ring_make_signed(&made, true, 3, 1);
    memcpy(before, made.signature, sizeof before);
    random_secret(made.pseudo_blinding);
    ring_scalar_subtract(made.difference, made.blinding, made.pseudo_blinding);
    ring_commit(made.pseudo, made.amount, made.pseudo_blinding);
    assert_int_equal(ring_sign_made(&made), OK);
    assert_int_equal(ring_verify_made(&made), OK);
    assert_memory_equal(made.signature, before, POINT_SIZE);
    assert_memory_not_equal(made.signature + POINT_SIZE, before + POINT_SIZE, POINT_SIZE);
}

/* --- nonces --------------------------------------------------------------------------------------------- */

static void two_signatures_of_one_statement_have_nothing_in_common_but_the_images(void **state)
{
    static struct made_ring made;
    uint8_t before[RING_SIGNATURE_MAX];
    (void)state;

    ring_make_signed(&made, true, 4, 2);
    memcpy(before, made.signature, made.size);
    assert_int_equal(ring_sign_made(&made), OK);
    assert_memory_equal(made.signature, before, 2 * POINT_SIZE);
    for (size_t at = 2 * POINT_SIZE; at < made.size; at += SCALAR_SIZE)
        assert_memory_not_equal(made.signature + at, before + at, SCALAR_SIZE);
}

/* Nonce and responses are drawn one after the other: where the responses differ, so did the nonces. */
static void repeated_randomness_gives_other_nonces_for_another_message_chain_or_secret(void **state)
{
    static const uint8_t randomness[32] = { 0 };
    static struct made_ring made;
    uint8_t seen[4][SCALAR_SIZE];
    struct error error;
    (void)state;

    ring_make(&made, false, 2, 0);
    for (size_t i = 0; i < 4; i++) {
        struct ring ring = ring_of(&made);
        struct ring_signer signer = ring_signer_of(&made);
        struct transcript transcript = made.transcript;
        signer.randomness = randomness;
        if (i == 1)
            ring.message.size--;
        if (i == 2)
            transcript = transcript_of("layerd test ring", "main", "spend");
        if (i == 3) {
            signer.index = 1;
            signer.secret = made.secrets[1];
        }
        assert_int_equal(ring_sign(&transcript, &ring, &signer, made.signature, &error), OK);
        memcpy(seen[i], made.signature + RING_LINKABLE_SIZE(1 - signer.index), SCALAR_SIZE);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], seen[i], SCALAR_SIZE);
    }
}

int ring_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_known_key_has_the_image_that_is_written_here),
        cmocka_unit_test(the_first_known_linkable_signature_is_the_one_written_here),
        cmocka_unit_test(all_known_answers_of_the_second_implementation_come_out_byte_by_byte),
        cmocka_unit_test(linkable_rings_of_every_size_are_signed_and_verified),
        cmocka_unit_test(confidential_rings_of_every_size_are_signed_and_verified),
        cmocka_unit_test(every_member_of_a_ring_can_be_its_signer),
        cmocka_unit_test(members_may_have_one_commitment_and_messages_any_length),
        cmocka_unit_test(one_key_has_one_image_in_all_rings_messages_chains_and_kinds),
        cmocka_unit_test(another_key_has_another_image_in_the_same_ring),
        cmocka_unit_test(the_auxiliary_image_is_another_for_another_pseudo_commitment),
        cmocka_unit_test(two_signatures_of_one_statement_have_nothing_in_common_but_the_images),
        cmocka_unit_test(repeated_randomness_gives_other_nonces_for_another_message_chain_or_secret),
    };

    return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}

int main(void)
{
    crypto_start();
    return ring_tests() + ring_refusal_tests();
}
