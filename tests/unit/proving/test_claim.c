/* A claim holds for its own chain and purpose, with all of its parts and no others. */
#include "proof/bn254_fr.h"
#include "proof/ring.h"
#include "proving/claim_make.h"
#include "test_proving.h"

#define SYSTEMS 4
#define FLIPS 40 /* of each part and proof, where it has so many bytes */

static void a_claim_of_each_system_holds(void **state)
{
    struct made made;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        assert_int_equal(made_verify(&made), OK);
        assert_true(claim_is_bound(&made.claim));
    }
}

static void a_proof_serves_no_other_chain_and_no_other_purpose(void **state)
{
    struct made made;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        enum status expected = system == CLAIM_GROTH16 ? ERROR_NOT_BOUND : ERROR_INVALID_PROOF;

        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        made.claim.chain = "dev-0123456789abcdee";
        assert_int_equal(made_verify(&made), expected);
        made.claim.chain = CHAIN;
        made.claim.purpose = PURPOSE "s";
        assert_int_equal(made_verify(&made), expected);
        /* The border between the two counts as well. */
        made.claim.chain = CHAIN "t";
        made.claim.purpose = &PURPOSE[1];
        assert_int_equal(made_verify(&made), expected);
    }
}

static void a_groth16_claim_without_binding_says_that_it_is_not_bound(void **state)
{
    struct made made;

    (void)state;
    made_groth16(&made, CHAIN, PURPOSE, 1, false);
    assert_false(claim_is_bound(&made.claim));
    assert_int_equal(made_verify(&made), OK);
    made.claim.chain = "dev-0123456789abcdee";
    assert_int_equal(made_verify(&made), OK);
    made.claim.binding = 0;
    assert_int_equal(made_verify(&made), ERROR_NOT_BOUND);
    made.claim.binding = MADE_INPUTS;
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
}

static void flip_all_over(struct made *made, uint8_t *bytes, size_t size)
{
    size_t step = size < FLIPS ? 1 : size / FLIPS;

    for (size_t i = 0; i < size; i += step) {
        size_t at = i + random_below(size - i < step ? size - i : step);
        uint8_t bit = (uint8_t)(1u << random_below(8));

        bytes[at] ^= bit;
        if (made_verify(made) == OK)
            fail_msg("system %s: byte %zu of %zu, bit %02x: taken", claim_systems[made->claim.system], at,
                     size, bit);
        bytes[at] ^= bit;
    }
    assert_int_equal(made_verify(made), OK);
}

static void a_bit_flipped_anywhere_is_refused(void **state)
{
    struct made made;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        flip_all_over(&made, made.proof, made.proof_size);
        flip_all_over(&made, made.first, made.claim.commitments.size + made.claim.keys.size
                                             + made.claim.key.size);
        flip_all_over(&made, made.second, made.claim.messages.size + made.claim.message.size
                                              + made.claim.inputs.size);
    }
}

static void a_proof_of_another_size_is_malformed(void **state)
{
    struct error error;
    struct made made;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        for (size_t size = 0; size <= made.proof_size + 33; size += size < 2 ? 1 : 31)
            if (size != made.proof_size)
                assert_int_equal(claim_verify(&made.claim, bytes_of(made.proof, size), NULL, &error),
                                 ERROR_MALFORMED_PROOF);
    }
}

/* Where each part of a claim is. */
static const struct {
    const char *name;
    size_t offset;
    unsigned systems; /* bits of those that have it */
} parts[] = {
    { "commitments", offsetof(struct claim, commitments), 1u << CLAIM_RANGE },
    { "keys", offsetof(struct claim, keys), 1u << CLAIM_HALF_AGGREGATE | 1u << CLAIM_RING },
    { "messages", offsetof(struct claim, messages), 1u << CLAIM_HALF_AGGREGATE },
    { "message", offsetof(struct claim, message), 1u << CLAIM_RING },
    { "key", offsetof(struct claim, key), 1u << CLAIM_GROTH16 },
    { "inputs", offsetof(struct claim, inputs), 1u << CLAIM_GROTH16 },
};

static void a_part_too_few_or_too_many_is_named(void **state)
{
    static const uint8_t piece[CLAIM_PIECE] = { 1 };
    struct made made;
    struct error error;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            struct bytes *part = (struct bytes *)(void *)((char *)&made.claim + parts[i].offset);
            struct bytes kept = *part;
            bool has = (parts[i].systems & 1u << system) != 0;

            if (has && strcmp(parts[i].name, "inputs") == 0)
                continue; /* there are circuits without inputs; the pairing then decides */
            *part = has ? bytes_of(NULL, 0) : bytes_of(piece, sizeof piece);
            assert_int_equal(claim_verify(&made.claim, made_proof(&made), NULL, &error),
                             ERROR_INVALID_PARAMS);
            assert_non_null(strstr(error.message, parts[i].name));
            *part = kept;
        }
        made.claim.bits = made.claim.bits == 0 ? 8 : 0;
        assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
    }
    made_range(&made, CHAIN, PURPOSE, 1);
    made.claim.binding = 0;
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
}

static void sizes_have_bounds(void **state)
{
    static const uint8_t many[(CLAIM_KEY_INPUTS_MAX + 1) * CLAIM_PIECE] = { 0 };
    char purpose[CLAIM_PURPOSE_MAX + 2];
    struct made made;

    (void)state;
    made_half_aggregate(&made, CHAIN, PURPOSE, 1);
    made.claim.keys.size--;
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
    made.claim.keys.size -= CLAIM_PIECE - 1; /* one key less than messages */
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
    made.claim.keys = made.claim.messages = bytes_of(many, (CLAIM_SIGNATURES_MAX + 1) * CLAIM_PIECE);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made_range(&made, CHAIN, PURPOSE, 1);
    made.claim.bits = 9;
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made.claim.bits = 8;
    made.claim.commitments = bytes_of(many, 3 * CLAIM_PIECE);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made.claim.commitments = bytes_of(many, (CLAIM_COMMITMENTS_MAX + 1) * CLAIM_PIECE);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made_ring(&made, CHAIN, PURPOSE, 1);
    made.claim.message = bytes_of(many, CLAIM_MESSAGE_MAX + 1);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made.claim.message = bytes_of(many, 1);
    made.claim.keys = bytes_of(many, (CLAIM_MEMBERS_MAX + 1) * CLAIM_PIECE);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made.claim.keys = bytes_of(many, CLAIM_PIECE); /* a ring of one hides nobody */
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    made_groth16(&made, CHAIN, PURPOSE, 1, false);
    made.claim.inputs = bytes_of(many, sizeof many);
    assert_int_equal(made_verify(&made), ERROR_LIMIT);
    memset(purpose, 'p', sizeof purpose);
    purpose[CLAIM_PURPOSE_MAX + 1] = '\0';
    made.claim.purpose = purpose;
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
    made.claim.purpose = "";
    assert_int_equal(made_verify(&made), ERROR_INVALID_PARAMS);
}

static void id_of(const struct made *made, struct hash *id)
{
    struct buffer encoded CLEANUP(buffer_close) = { 0 };
    struct hash key = { .bytes = { 1 } };

    buffer_init(&encoded);
    claim_encode(&made->claim, &key, &encoded);
    claim_id(buffer_bytes(&encoded), id);
}

/* --- making ------------------------------------------------------------------------------------- */
static void proofs_made_of_claims_hold_for_them_alone(void **state)
{
    struct scalar blindings[CLAIM_COMMITMENTS_MAX];
    uint64_t values[CLAIM_COMMITMENTS_MAX] = { 0, 255 };
    uint8_t commitments[CLAIM_COMMITMENTS_MAX * CLAIM_PIECE], secret[SCALAR_SIZE] = { 3 };
    struct claim claim = { .system = CLAIM_RANGE, .chain = CHAIN, .purpose = PURPOSE, .bits = 8,
                           .binding = CLAIM_NOT_BOUND };
    struct buffer proof CLEANUP(buffer_close) = { 0 };
    struct error error;
    struct made made;

    (void)state;
    buffer_init(&proof);
    for (size_t i = 0; i < CLAIM_COMMITMENTS_MAX; i++)
        scalar_random(&blindings[i]);
    assert_int_equal(claim_make_range(&claim, values, blindings, 2, commitments, &proof, &error), OK);
    assert_int_equal(claim.commitments.size, 2 * CLAIM_PIECE);
    assert_int_equal(claim_verify(&claim, buffer_bytes(&proof), NULL, &error), OK);
    claim.purpose = "another";
    assert_int_equal(claim_verify(&claim, buffer_bytes(&proof), NULL, &error), ERROR_INVALID_PROOF);
    claim.purpose = PURPOSE;

    size_t had = proof.size; /* what fails appends nothing */
    values[1] = 256;
    assert_int_equal(claim_make_range(&claim, values, blindings, 2, commitments, &proof, &error),
                     ERROR_NOT_PROVABLE);
    for (size_t count = 0; count <= CLAIM_COMMITMENTS_MAX; count++)
        if ((count & (count - 1)) != 0 || count == 0)
            assert_int_equal(claim_make_range(&claim, values, blindings, count, commitments, &proof, &error),
                             ERROR_LIMIT);
    claim.purpose = "";
    values[1] = 0;
    assert_int_equal(claim_make_range(&claim, values, blindings, 2, commitments, &proof, &error),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(proof.size, had);

    made_ring(&made, CHAIN, PURPOSE, 1); /* whose members have the secrets 1, 2, 3, 4 */
    assert_int_equal(claim_make_ring(&made.claim, secret, &proof, &error), OK);
    assert_memory_equal(proof.data + had, made.proof, RING_IMAGE_SIZE); /* the same signer, 3 */
    assert_memory_not_equal(proof.data + had + RING_IMAGE_SIZE, made.proof + RING_IMAGE_SIZE, SCALAR_SIZE);
    had = proof.size;
    secret[0] = 5;
    assert_int_equal(claim_make_ring(&made.claim, secret, &proof, &error), ERROR_NOT_PROVABLE);
    secret[0] = 0;
    assert_int_equal(claim_make_ring(&made.claim, secret, &proof, &error), ERROR_NOT_PROVABLE);
    made.claim.keys.size--;
    assert_int_equal(claim_make_ring(&made.claim, secret, &proof, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(proof.size, had);
}

static void everything_that_is_claimed_changes_the_id(void **state)
{
    struct hash id, other;
    struct made made;

    (void)state;
    for (int system = 0; system < SYSTEMS; system++) {
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1);
        id_of(&made, &id);
        id_of(&made, &other);
        assert_true(hash_equal(&id, &other));
        made.claim.chain = CHAIN "t";
        made.claim.purpose = &PURPOSE[1];
        id_of(&made, &other);
        assert_false(hash_equal(&id, &other));
        made.claim.chain = CHAIN;
        made.claim.purpose = PURPOSE;
        if (system != CLAIM_GROTH16) { /* there the key's hash stands for it */
            made.first[0] ^= 1;
            id_of(&made, &other);
            assert_false(hash_equal(&id, &other));
            made.first[0] ^= 1;
        }
        made.claim.bits++;
        made.claim.binding--;
        made.second[0] ^= 1;
        id_of(&made, &other);
        assert_false(hash_equal(&id, &other));
    }
}

static void what_binds_a_public_input_is_below_r(void **state)
{
    char purpose[16];
    struct hash binding;
    struct fr input;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(purpose, sizeof purpose, "%d", i);
        claim_binding(CHAIN, purpose, &binding);
        assert_true(fr_from_bytes(&input, binding.bytes));
    }
}

int claim_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_of_each_system_holds),
        cmocka_unit_test(a_proof_serves_no_other_chain_and_no_other_purpose),
        cmocka_unit_test(a_groth16_claim_without_binding_says_that_it_is_not_bound),
        cmocka_unit_test(a_bit_flipped_anywhere_is_refused),
        cmocka_unit_test(a_proof_of_another_size_is_malformed),
        cmocka_unit_test(a_part_too_few_or_too_many_is_named),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(proofs_made_of_claims_hold_for_them_alone),
        cmocka_unit_test(everything_that_is_claimed_changes_the_id),
        cmocka_unit_test(what_binds_a_public_input_is_below_r),
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
