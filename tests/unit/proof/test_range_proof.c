/* Range proofs: dalek's published proofs, and our own for every size; batches. */
#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "proof/generators.h"
#include "proof/pedersen.h"
#include "range_support.h"

static const size_t bit_sizes[4] = { 8, 16, 32, 64 };

/* --- published ------------------------------------------------------------------------------------------ */

/* As dalek's `bulletproofs` makes them (bulletproofs-dalek.json says where from). */
static void the_generators_are_those_of_dalek(void **state)
{
    static const struct {
        size_t index;
        const char *hex;
    } expected[] = {
        { GENERATOR_BASE, "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76" },
        { GENERATOR_BLINDING, "8c9240b456a9e6dc65c377a1048d745f94a08cdb7f44cbcd7b46f34048871134" },
        { GENERATOR_G(0, 0), "fc3b25801422672a6a8d3adb5d8457d4301fe92324b4fc56ae934c8713ddfe2d" },
        { GENERATOR_G(0, 63), "2878518757fc0f2ae3b991b499f9fdcd1a2d483b663c128b9183556a7155732b" },
        { GENERATOR_G(7, 63), "325e633a11643b95ec2c1463d5e13a08c2a084f900569be3352513ebd429ca45" },
        { GENERATOR_H(0, 0), "ba698f6dd08c501e32b55d2ee7259f6019d629fa2ba4d7039c5de157cba4df73" },
        { GENERATOR_H(7, 63), "40ff5fc68d7514d1d97e0ca2f940e975509fb4f3b6d6e3e48dfb440c64444b76" },
    };
    uint8_t bytes[POINT_SIZE];
    (void)state;

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        point_encode(bytes, generator(expected[i].index));
        assert_bytes_are(bytes, sizeof bytes, expected[i].hex);
    }
}

struct asking {
    pthread_t thread;
    uint8_t first[POINT_SIZE], last[POINT_SIZE];
};

static void *ask(void *argument)
{
    struct asking *asking = argument;

    point_encode(asking->last, generator(GENERATOR_H(15, 63)));
    point_encode(asking->first, generator(GENERATOR_G(0, 0)));
    return NULL;
}

/* The first test of generators here: they are made while these wait. */
static void the_generators_are_made_once_for_threads_that_ask_at_the_same_time(void **state)
{
    struct asking asking[4];
    (void)state;

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&asking[i].thread, NULL, ask, &asking[i]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(asking[i].thread, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_bytes_are(asking[i].first, POINT_SIZE,
                         "fc3b25801422672a6a8d3adb5d8457d4301fe92324b4fc56ae934c8713ddfe2d");
        assert_memory_equal(asking[i].last, asking[0].last, POINT_SIZE);
    }
}

static enum status verify_vector(const json_t *vectors, const json_t *vector, const char *label)
{
    CLEANUP(buffer_close) struct buffer proof = { 0 };
    uint8_t commitments[RANGE_PROOF_VALUES_MAX][POINT_SIZE];
    const json_t *chosen = json_object_get(vector, "commitments");
    size_t count = (size_t)json_integer_value(json_object_get(vector, "m"));
    struct transcript transcript;
    struct error error;

    buffer_init(&proof);
    member_bytes(vector, "proof", &proof);
    assert_true(count <= RANGE_PROOF_VALUES_MAX);
    for (size_t j = 0; j < count; j++) {
        size_t which = chosen == NULL ? j : (size_t)json_integer_value(json_array_get(chosen, j));
        const char *hex = json_string_value(json_array_get(json_object_get(vectors, "commitments"), which));
        assert_non_null(hex);
        assert_true(hex_decode(commitments[j], POINT_SIZE, hex, strlen(hex)));
    }
    transcript_start(&transcript, label);
    struct range_claim claim = { &transcript, (size_t)json_integer_value(json_object_get(vector, "n")), count,
                                 (const uint8_t(*)[POINT_SIZE])commitments,
                                 bytes_of(proof.data, proof.size) };
    return range_proof_verify(&claim, NULL, &error);
}

static void all_proofs_of_dalek_verify_and_what_was_changed_in_them_does_not(void **state)
{
    json_t *vectors = vectors_json("bulletproofs-dalek.json"), *each;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "proofs"), i, each)
        assert_int_equal(verify_vector(vectors, each, member_text(vectors, "label")), OK);
    assert_int_equal(i, 8);
    json_array_foreach(json_object_get(vectors, "negatives_own"), i, each) {
        enum status status = verify_vector(vectors, each, member_text(each, "label"));
        if (status != ERROR_INVALID_PROOF && status != ERROR_MALFORMED_PROOF)
            fail_msg("%s: %s", member_text(each, "why"), status_name(status));
    }
    assert_int_equal(i, 6);
    json_decref(vectors);
}

/* dalek's bulletproofs, tests/range_proof.rs (deserialize_and_verify): 8 bits, one value. */
static const char *const dalek_commitment =
    "90b0c2fe57934dff9f5396e135e7d72b82b3c5393e1843178918eb2cf28a5f3c";

static void commitments_add_up_and_the_empty_one_is_the_identity(void **state)
{
    struct scalar r, s, sum_r, value;
    struct point a, b, sum, expected;
    uint8_t bytes[POINT_SIZE];
    (void)state;

    random_scalar(&r);
    random_scalar(&s);
    pedersen_commit(&a, 1000, &r);
    pedersen_commit(&b, UINT64_MAX, &s);
    point_add(&sum, &a, &b);
    scalar_add(&sum_r, &r, &s);
    scalar_from_u64(&value, UINT64_MAX);
    for (int i = 0; i < 1000; i++)
        scalar_add(&value, &value, &scalar_one);
    pedersen_commit_scalar(&expected, &value, &sum_r);
    assert_true(point_equal(&sum, &expected));
    pedersen_commit(&a, 0, &scalar_zero);
    assert_true(point_is_identity(&a));
    pedersen_commit(&a, 1, &scalar_zero);
    assert_true(point_equal(&a, point_base()));
    pedersen_commit(&a, 0, &scalar_one);
    assert_true(point_equal(&a, pedersen_blinding_base()));
    assert_true(hex_decode(bytes, sizeof bytes, dalek_commitment, 64));
    assert_true(point_decode(&a, bytes));
}

/* --- our own -------------------------------------------------------------------------------------------- */

static void proofs_of_every_size_verify_and_leave_both_transcripts_alike(void **state)
{
    (void)state;

    for (size_t b = 0; b < 4; b++)
        for (size_t count = 1; count <= RANGE_PROOF_VALUES_MAX; count *= 2) {
            struct transcript after;
            struct point commitment;
            uint8_t bytes[POINT_SIZE];
            struct error error;
            struct made_range made;
            range_make(&made, bit_sizes[b], count);
            struct range_claim claim = range_claim_of(&made);
            assert_int_equal(range_proof_verify(&claim, &after, &error), OK);
            assert_memory_equal(&after, &made.after, sizeof after);
            for (size_t j = 0; j < count; j++) {
                pedersen_commit(&commitment, made.values[j], &made.blindings[j]);
                point_encode(bytes, &commitment);
                assert_memory_equal(bytes, made.commitments[j], sizeof bytes);
            }
        }
}

static void proofs_have_their_published_sizes(void **state)
{
    (void)state;

    assert_int_equal(range_proof_size(8, 1), 480);
    assert_int_equal(range_proof_size(64, 1), 672);
    assert_int_equal(range_proof_size(64, 8), 864);
    assert_int_equal(range_proof_size(64, 16), RANGE_PROOF_SIZE_MAX);
    assert_int_equal(range_proof_size(0, 1), 0);
    assert_int_equal(range_proof_size(128, 1), 0);
    assert_int_equal(range_proof_size(64, 0), 0);
    assert_int_equal(range_proof_size(64, 3), 0);
    assert_int_equal(range_proof_size(64, 32), 0);
}

static void two_proofs_of_the_same_are_different_and_both_verify(void **state)
{
    struct made_range first, second;
    struct error error;
    (void)state;

    range_make(&first, 8, 1);
    second = first;
    second.after = second.transcript;
    assert_int_equal(range_proof_make(&second.after, 8, second.values, second.blindings, 1,
                                      second.commitments, second.proof, &error), OK);
    assert_memory_equal(first.commitments, second.commitments, POINT_SIZE);
    for (size_t piece = 0; piece < range_proof_size(8, 1); piece += 32)
        assert_memory_not_equal(first.proof + piece, second.proof + piece, 32);
    struct range_claim claim = range_claim_of(&second);
    assert_int_equal(range_proof_verify(&claim, NULL, &error), OK);
}

static void a_commitment_to_nothing_without_blinding_can_be_proved(void **state)
{
    struct made_range made = { .bits = 16, .count = 2 };
    struct error error;
    (void)state;

    made.transcript = made.after = transcript_of("test", "dev-1", "range");
    assert_int_equal(range_proof_make(&made.after, 16, made.values, made.blindings, 2, made.commitments,
                                      made.proof, &error), OK);
    struct range_claim claim = range_claim_of(&made);
    assert_int_equal(range_proof_verify(&claim, NULL, &error), OK);
}

#define BATCH 20

static void batches_of_any_sizes_verify_and_one_bad_proof_is_found(void **state)
{
    struct made_range *made = memory_array(BATCH, sizeof *made);
    struct range_claim claims[BATCH];
    struct error error;
    size_t bad = SIZE_MAX;
    (void)state;

    for (size_t i = 0; i < BATCH; i++) {
        range_make(&made[i], bit_sizes[random_below(4)], (size_t)1 << random_below(3));
        claims[i] = range_claim_of(&made[i]);
    }
    for (size_t count = 0; count <= BATCH; count += 5)
        assert_int_equal(range_proofs_verify(claims, count, &bad, &error), OK);
    assert_true(bad == SIZE_MAX);
    for (size_t i = 0; i < BATCH; i += 3) {
        made[i].proof[128] ^= 1; /* t_x */
        assert_int_equal(range_proofs_verify(claims, BATCH, &bad, &error), ERROR_INVALID_PROOF);
        assert_int_equal(bad, i);
        made[i].proof[128] ^= 1;
        claims[i].proof.size--;
        assert_int_equal(range_proofs_verify(claims, BATCH, &bad, &error), ERROR_MALFORMED_PROOF);
        assert_int_equal(bad, i);
        claims[i].proof.size++;
    }
    assert_int_equal(range_proofs_verify(claims, BATCH, &bad, &error), OK);
    memory_free_pointer(&made);
}

/* Two wrong proofs whose errors are opposite: t_x_blinding one more here, one less there. With equal
 * weights the sum would hold. */
static void bad_proofs_do_not_cancel_in_a_batch(void **state)
{
    struct made_range made[2];
    struct range_claim claims[2];
    struct scalar blinding;
    struct error error;
    size_t bad;
    (void)state;

    range_make(&made[0], 8, 1);
    made[1] = made[0];
    for (size_t i = 0; i < 2; i++) {
        assert_true(scalar_decode(&blinding, made[i].proof + 192)); /* e_blinding: outside of the weight c */
        if (i == 0)
            scalar_add(&blinding, &blinding, &scalar_one);
        else
            scalar_subtract(&blinding, &blinding, &scalar_one);
        scalar_encode(made[i].proof + 192, &blinding);
        claims[i] = range_claim_of(&made[i]);
    }
    assert_int_equal(range_proofs_verify(claims, 2, &bad, &error), ERROR_INVALID_PROOF);
    assert_int_equal(bad, 0);
}

static void a_batch_has_a_limit(void **state)
{
    struct error error;
    size_t bad = 7;
    (void)state;

    assert_int_equal(range_proofs_verify(NULL, RANGE_PROOFS_MAX + 1, &bad, &error), ERROR_LIMIT);
    assert_int_equal(bad, 7);
}

int range_proof_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generators_are_made_once_for_threads_that_ask_at_the_same_time),
        cmocka_unit_test(the_generators_are_those_of_dalek),
        cmocka_unit_test(all_proofs_of_dalek_verify_and_what_was_changed_in_them_does_not),
        cmocka_unit_test(commitments_add_up_and_the_empty_one_is_the_identity),
        cmocka_unit_test(proofs_of_every_size_verify_and_leave_both_transcripts_alike),
        cmocka_unit_test(proofs_have_their_published_sizes),
        cmocka_unit_test(two_proofs_of_the_same_are_different_and_both_verify),
        cmocka_unit_test(a_commitment_to_nothing_without_blinding_can_be_proved),
        cmocka_unit_test(batches_of_any_sizes_verify_and_one_bad_proof_is_found),
        cmocka_unit_test(bad_proofs_do_not_cancel_in_a_batch),
        cmocka_unit_test(a_batch_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
