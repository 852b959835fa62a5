/* Verifying: all published cases, every kind of damage to keys, proofs and inputs, in snarkjs's files and in
 * canonical bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sanitized.h"
#include "groth16_fixture.h"

static struct bytes text_of(const json_t *value, char **owned)
{
    *owned = json_dumps(value, JSON_COMPACT);
    return bytes_of_text(*owned);
}

static enum groth16_verdict verify_texts(const struct groth16_prepared *key, struct bytes proof_text,
                                         struct bytes inputs_text)
{
    CLEANUP(buffer_close) struct buffer inputs = { 0 };
    struct groth16_proof proof;
    struct error error;

    buffer_init(&inputs);
    TRY_VERDICT(snarkjs_proof_read(proof_text, &proof, &error));
    TRY_VERDICT(snarkjs_inputs_read(inputs_text, &inputs, &error));
    return groth16_verify(key, &proof, buffer_bytes(&inputs), &error);
}

static void the_published_cases_have_their_verdicts(void **state)
{
    static const struct { const char *change; enum groth16_verdict verdict; } expected[] = {
        { "none", GROTH16_VALID },
        { "public[0] + 1", GROTH16_EQUATION },
        { "last public signal + r (alias, not reduced)", GROTH16_PUBLIC_RANGE },
        { "pi_a negated", GROTH16_EQUATION },
        { "pi_a and pi_c exchanged", GROTH16_EQUATION },
        { "pi_c not on the curve", GROTH16_NOT_ON_CURVE },
        { "pi_b on the twist but outside the subgroup", GROTH16_NOT_IN_SUBGROUP },
        { "public signals in the other order", GROTH16_EQUATION },
        { "one public signal missing", GROTH16_PUBLIC_COUNT },
    };
    AUTO_JSON json_t *index = vectors_json("groth16/index.json");
    const json_t *row;
    size_t i, seen = 0;
    (void)state;

    json_array_foreach(json_object_get(index, "cases"), i, row) {
        const char *name = member_text(row, "fixture");
        AUTO_FILE struct bytes proof_file = fixture_file(name, "proof.json");
        AUTO_FILE struct bytes inputs_file = fixture_file(name, "public.json");
        CLEANUP(fixture_close) struct fixture fixture;
        AUTO_FREE char *proof_owned = NULL, *inputs_owned = NULL;
        const json_t *proof = json_object_get(row, "proof"), *inputs = json_object_get(row, "public");
        size_t k = 0;

        fixture_open(&fixture, name);
        while (strcmp(expected[k].change, member_text(row, "change")) != 0)
            assert_true(++k < sizeof expected / sizeof *expected);
        enum groth16_verdict found =
            verify_texts(fixture.prepared, proof == NULL ? proof_file : text_of(proof, &proof_owned),
                         inputs == NULL ? inputs_file : text_of(inputs, &inputs_owned));
        assert_int_equal(found == GROTH16_VALID, json_is_true(json_object_get(row, "valid")));
        assert_int_equal(found, expected[k].verdict);
        seen++;
    }
    assert_int_equal(seen, 27);
}

static void files_are_written_to_the_byte_as_snarkjs_writes_them(void **state)
{
    (void)state;

    for (size_t i = 0; i < FIXTURES; i++) {
        AUTO_FILE struct bytes key = fixture_file(fixture_names[i], "verification_key.json");
        AUTO_FILE struct bytes proof = fixture_file(fixture_names[i], "proof.json");
        AUTO_FILE struct bytes inputs = fixture_file(fixture_names[i], "public.json");
        CLEANUP(buffer_close) struct buffer out = { 0 };
        CLEANUP(fixture_close) struct fixture fixture;

        buffer_init(&out);
        fixture_open(&fixture, fixture_names[i]);
        snarkjs_key_write(&fixture.key, &out);
        assert_true(
            bytes_equal(buffer_bytes(&out), key)); /* vk_alphabeta_12 too: the pairing's values agree */
        buffer_clear(&out);
        snarkjs_proof_write(&fixture.proof, &out);
        assert_true(bytes_equal(buffer_bytes(&out), proof));
        buffer_clear(&out);
        snarkjs_inputs_write(buffer_bytes(&fixture.inputs), &out);
        assert_true(bytes_equal(buffer_bytes(&out), inputs));
    }
}

static void canonical_bytes_come_back_and_the_hash_is_of_them(void **state)
{
    struct hash hash[FIXTURES], again;
    (void)state;

    for (size_t i = 0; i < FIXTURES; i++) {
        CLEANUP(buffer_close) struct buffer key = { 0 }, key_again = { 0 };
        CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
        CLEANUP(fixture_close) struct fixture fixture;
        uint8_t proof[GROTH16_PROOF_BYTES], proof_again[GROTH16_PROOF_BYTES];
        struct groth16_proof read_proof;
        struct error error;

        buffer_init(&key);
        buffer_init(&key_again);
        fixture_open(&fixture, fixture_names[i]);
        groth16_key_encode(&fixture.key, &key);
        assert_int_equal(key.size, GROTH16_KEY_BYTES(fixture.key.public_count));
        assert_int_equal(groth16_key_decode(buffer_bytes(&key), &read, &error), GROTH16_VALID);
        groth16_key_encode(&read, &key_again);
        assert_true(bytes_equal(buffer_bytes(&key), buffer_bytes(&key_again)));
        groth16_proof_encode(&fixture.proof, proof);
        assert_int_equal(groth16_proof_decode(bytes_of(proof, sizeof proof), &read_proof, &error),
                         GROTH16_VALID);
        groth16_proof_encode(&read_proof, proof_again);
        assert_memory_equal(proof, proof_again, sizeof proof);
        groth16_key_hash(&fixture.key, &hash[i]);
        groth16_key_hash(&read, &again);
        assert_true(hash_equal(&hash[i], &again));
        for (size_t k = 0; k < i; k++)
            assert_false(hash_equal(&hash[k], &hash[i]));
    }
}

static void every_flipped_bit_of_canonical_bytes_is_refused(void **state)
{
    CLEANUP(fixture_close) struct fixture fixture;
    CLEANUP(buffer_close) struct buffer key = { 0 };
    uint8_t proof[GROTH16_PROOF_BYTES];
    struct error error;
    size_t bits_each = SANITIZED && getenv("LAYERD_THOROUGH") == NULL ? 1 : 8; /* of each byte */
    (void)state;

    fixture_open(&fixture, "mul");
    buffer_init(&key);
    groth16_key_encode(&fixture.key, &key);
    groth16_proof_encode(&fixture.proof, proof);
    for (size_t i = 0; i < sizeof proof * bits_each; i++) {
        uint8_t flip = (uint8_t)(1u << (bits_each == 8 ? i % 8 : random_below(8)));
        struct groth16_proof read;
        proof[i / bits_each] ^= flip;
        enum groth16_verdict verdict = groth16_proof_decode(bytes_of(proof, sizeof proof), &read, &error);
        if (verdict == GROTH16_VALID)
            verdict = groth16_verify(fixture.prepared, &read, buffer_bytes(&fixture.inputs), &error);
        assert_int_not_equal(verdict, GROTH16_VALID);
        proof[i / bits_each] ^= flip;
    }
    for (size_t i = 0; i < key.size * bits_each; i++) {
        CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
        uint8_t flip = (uint8_t)(1u << (bits_each == 8 ? i % 8 : random_below(8)));
        key.data[i / bits_each] ^= flip;
        assert_int_not_equal(groth16_key_decode(buffer_bytes(&key), &read, &error), GROTH16_VALID);
        key.data[i / bits_each] ^= flip;
    }
    for (size_t i = 0; i < fixture.inputs.size * 8; i++) {
        fixture.inputs.data[i / 8] ^= (uint8_t)(1u << (i % 8));
        if (bits_each == 8 || i % 8 == i / 8 % 8)
            assert_int_not_equal(
                groth16_verify(fixture.prepared, &fixture.proof, buffer_bytes(&fixture.inputs), &error),
                GROTH16_VALID);
        fixture.inputs.data[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(groth16_verify(fixture.prepared, &fixture.proof, buffer_bytes(&fixture.inputs), &error),
                     GROTH16_VALID);
}

/* From one bit to the next: to all of them, or to one of each byte. */
static size_t step(size_t bit, bool all)
{
    return all ? 1 : 8 - bit % 8 + random_below(8);
}

/* A flipped bit in a file makes it something else than JSON, or another member, or another number. None may
 * pass: not even as the same proof written otherwise, as no flip turns one blank into another. Of the key's
 * file one bit of each byte: what it says is canonical bytes by then, and of those it was all. */
static void every_flipped_bit_of_the_files_is_refused(void **state)
{
    CLEANUP(fixture_close) struct fixture fixture;
    AUTO_FILE struct bytes proof = fixture_file("range16", "proof.json");
    AUTO_FILE struct bytes inputs = fixture_file("range16", "public.json");
    AUTO_FILE struct bytes key = fixture_file("range16", "verification_key.json");
    struct error error;
    (void)state;

    fixture_open(&fixture, "range16");
    for (size_t i = 0; i < proof.size * 8; i += step(i, !SANITIZED)) {
        uint8_t *byte = (uint8_t *)(uintptr_t)&proof.data[i / 8], before = *byte;
        *byte ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(verify_texts(fixture.prepared, proof, inputs), GROTH16_VALID);
        *byte = before;
    }
    for (size_t i = 0; i < inputs.size * 8; i += step(i, !SANITIZED)) {
        uint8_t *byte = (uint8_t *)(uintptr_t)&inputs.data[i / 8], before = *byte;
        *byte ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(verify_texts(fixture.prepared, proof, inputs), GROTH16_VALID);
        *byte = before;
    }
    for (size_t i = 0; i < key.size * 8; i += step(i, getenv("LAYERD_THOROUGH") != NULL)) {
        CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
        uint8_t *byte = (uint8_t *)(uintptr_t)&key.data[i / 8], before = *byte;
        *byte ^= (uint8_t)(1u << i % 8);
        enum groth16_verdict verdict = snarkjs_key_read(key, &read, &error);
        *byte = before;
        assert_int_not_equal(verdict, GROTH16_VALID);
    }
    assert_int_equal(verify_texts(fixture.prepared, proof, inputs), GROTH16_VALID);
}

static void truncated_and_padded_bytes_are_refused(void **state)
{
    CLEANUP(fixture_close) struct fixture fixture;
    CLEANUP(buffer_close) struct buffer key = { 0 };
    uint8_t proof[GROTH16_PROOF_BYTES + 1] = { 0 };
    struct groth16_proof read;
    struct groth16_key read_key;
    struct error error;
    (void)state;

    fixture_open(&fixture, "mul");
    buffer_init(&key);
    groth16_key_encode(&fixture.key, &key);
    groth16_proof_encode(&fixture.proof, proof);
    for (size_t size = 0; size <= sizeof proof; size++)
        if (size != GROTH16_PROOF_BYTES)
            assert_int_equal(groth16_proof_decode(bytes_of(proof, size), &read, &error), GROTH16_MALFORMED);
    for (size_t size = 0; size < key.size; size++)
        assert_int_equal(groth16_key_decode(bytes_of(key.data, size), &read_key, &error), GROTH16_MALFORMED);
    buffer_append(&key, "", 1);
    assert_int_equal(groth16_key_decode(buffer_bytes(&key), &read_key, &error), GROTH16_MALFORMED);
    memset(key.data + GROTH16_HEADER_BYTES, 0xff, 4); /* a count that no size can match */
    assert_int_equal(groth16_key_decode(buffer_bytes(&key), &read_key, &error), GROTH16_LIMIT);
    for (size_t size = 1; size < FIELD_BYTES; size++)
        assert_int_equal(
            groth16_verify(fixture.prepared, &fixture.proof, bytes_of(fixture.inputs.data, size), &error),
            GROTH16_MALFORMED);
}

static void infinity_and_points_outside_are_refused_everywhere(void **state)
{
    static const struct { size_t at, size; } key_points[] = {
        { 10, 64 }, { 74, 128 }, { 202, 128 }, { 330, 128 }, { 458, 64 }, { 522, 64 } };
    static const struct { size_t at, size; } proof_points[] = { { 6, 64 }, { 70, 128 }, { 198, 64 } };
    CLEANUP(fixture_close) struct fixture fixture;
    CLEANUP(buffer_close) struct buffer key = { 0 };
    uint8_t proof[GROTH16_PROOF_BYTES], outside[G2_BYTES], kept[G2_BYTES];
    struct groth16_proof read;
    struct groth16_key read_key;
    struct g2_affine point;
    struct error error;
    (void)state;

    outside_subgroup(&point);
    g2_affine_to_bytes(outside, &point);
    fixture_open(&fixture, "mul");
    buffer_init(&key);
    groth16_key_encode(&fixture.key, &key);
    for (size_t i = 0; i < sizeof key_points / sizeof *key_points; i++) {
        uint8_t *at = key.data + key_points[i].at;
        memcpy(kept, at, key_points[i].size);
        memset(at, 0, key_points[i].size);
        assert_int_equal(groth16_key_decode(buffer_bytes(&key), &read_key, &error), GROTH16_INFINITY);
        if (key_points[i].size == G2_BYTES) {
            memcpy(at, outside, sizeof outside);
            assert_int_equal(groth16_key_decode(buffer_bytes(&key), &read_key, &error),
                             GROTH16_NOT_IN_SUBGROUP);
        }
        memcpy(at, kept, key_points[i].size);
    }
    for (size_t i = 0; i < 3; i++) {
        groth16_proof_encode(&fixture.proof, proof);
        memset(proof + proof_points[i].at, 0, proof_points[i].size);
        assert_int_equal(groth16_proof_decode(bytes_of(proof, sizeof proof), &read, &error),
                         GROTH16_INFINITY);
    }
}

/* --- the files' members --- */

static enum groth16_verdict proof_verdict(json_t *proof)
{
    AUTO_FREE char *owned = NULL;
    struct groth16_proof read;
    struct error error;

    return snarkjs_proof_read(text_of(proof, &owned), &read, &error);
}

/* A proof with one value of one array put in place of what snarkjs wrote. */
static enum groth16_verdict with_coordinate(const char *member, int pair, size_t index, json_t *value)
{
    AUTO_FILE struct bytes file = fixture_file("mul", "proof.json");
    AUTO_JSON json_t *proof = NULL;
    struct error error;

    assert_int_equal(json_parse((const char *)file.data, file.size, &proof, &error), OK);
    json_t *array = json_object_get(proof, member);
    if (pair >= 0)
        array = json_array_get(array, (size_t)pair);
    assert_int_equal(json_array_set_new(array, index, value), 0);
    return proof_verdict(proof);
}

static void numbers_have_one_form(void **state)
{
    static const char *const wrong[] = {
        "", " ", "+1", "-1", "01", "00", " 1", "1 ", "1\n", "0x1", "1e3", "1.0", "1_000", "\xd9\xa1",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936", /* 2^256 */
        "999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "1000000000000000000000000000000000000000000000000000000000000000000000000000000",
    };
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(with_coordinate("pi_a", -1, 0, json_string(wrong[i])), GROTH16_NOT_CANONICAL);
        assert_int_equal(with_coordinate("pi_b", 1, 1, json_string(wrong[i])), GROTH16_NOT_CANONICAL);
    }
    assert_int_equal(with_coordinate("pi_a", -1, 0, json_integer(1)), GROTH16_MALFORMED);
    assert_int_equal(with_coordinate("pi_a", -1, 0, json_null()), GROTH16_MALFORMED);
    /* p + 1 for 1, and 2^256 − 1: numbers, but not below p */
    assert_int_equal(
        with_coordinate(
            "pi_a", -1, 0,
            json_string("21888242871839275222246405745257275088696311157297823662689037894645226208584")),
        GROTH16_NOT_CANONICAL);
    assert_int_equal(
        with_coordinate(
            "pi_a", -1, 0,
            json_string("115792089237316195423570985008687907853269984665640564039457584007913129639935")),
        GROTH16_NOT_CANONICAL);
    assert_int_equal(with_coordinate("pi_a", -1, 0, json_string("1")), GROTH16_NOT_ON_CURVE);
}

static void points_must_be_affine(void **state)
{
    (void)state;

    assert_int_equal(with_coordinate("pi_a", -1, 2, json_string("1")), GROTH16_VALID);
    assert_int_equal(with_coordinate("pi_a", -1, 2, json_string("2")), GROTH16_NOT_CANONICAL);
    assert_int_equal(with_coordinate("pi_a", -1, 2, json_string("0")), GROTH16_INFINITY);
    assert_int_equal(with_coordinate("pi_b", 2, 0, json_string("0")), GROTH16_INFINITY);
    assert_int_equal(with_coordinate("pi_b", 2, 1, json_string("1")), GROTH16_NOT_CANONICAL);
    assert_int_equal(with_coordinate("pi_b", 2, 1, json_integer(0)), GROTH16_NOT_CANONICAL);
    assert_int_equal(with_coordinate("pi_c", -1, 2, json_string("01")), GROTH16_NOT_CANONICAL);
}

static void proofs_have_their_members_and_no_others(void **state)
{
    static const char *const members[] = { "pi_a", "pi_b", "pi_c", "protocol", "curve" };
    AUTO_FILE struct bytes file = fixture_file("mul", "proof.json");
    struct error error;
    (void)state;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        AUTO_JSON json_t *proof = NULL;
        assert_int_equal(json_parse((const char *)file.data, file.size, &proof, &error), OK);
        assert_int_equal(proof_verdict(proof), GROTH16_VALID);
        json_object_set_new(proof, members[i], json_array());
        assert_int_equal(proof_verdict(proof), GROTH16_MALFORMED);
        json_object_del(proof, members[i]);
        assert_int_equal(proof_verdict(proof), GROTH16_MALFORMED);
    }
    AUTO_JSON json_t *proof = NULL;
    assert_int_equal(json_parse((const char *)file.data, file.size, &proof, &error), OK);
    json_object_set_new(proof, "pi_d", json_array());
    assert_int_equal(proof_verdict(proof), GROTH16_MALFORMED);
    json_object_del(proof, "pi_d");
    json_object_set_new(proof, "curve", json_string("bls12381"));
    assert_int_equal(proof_verdict(proof), GROTH16_OTHER_SYSTEM);
    json_object_set_new(proof, "curve", json_string("bn128"));
    json_object_set_new(proof, "protocol", json_string("plonk"));
    assert_int_equal(proof_verdict(proof), GROTH16_OTHER_SYSTEM);
    AUTO_JSON json_t *list = json_array();
    assert_int_equal(proof_verdict(list), GROTH16_MALFORMED);
}

static enum groth16_verdict key_verdict(const json_t *key)
{
    CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
    AUTO_FREE char *owned = NULL;
    struct error error;

    return snarkjs_key_read(text_of(key, &owned), &read, &error);
}

static void keys_agree_with_themselves(void **state)
{
    AUTO_FILE struct bytes file = fixture_file("mul", "verification_key.json");
    AUTO_JSON json_t *key = NULL;
    struct error error;
    (void)state;

    assert_int_equal(json_parse((const char *)file.data, file.size, &key, &error), OK);
    assert_int_equal(key_verdict(key), GROTH16_VALID);
    json_object_set_new(key, "nPublic", json_integer(1));
    assert_int_equal(key_verdict(key), GROTH16_KEY_DISAGREES);
    json_object_set_new(key, "nPublic", json_integer(3));
    assert_int_equal(key_verdict(key), GROTH16_KEY_DISAGREES);
    json_object_set_new(key, "nPublic", json_integer(-1));
    assert_int_equal(key_verdict(key), GROTH16_MALFORMED);
    json_object_set_new(key, "nPublic", json_integer(GROTH16_PUBLIC_MAX + 1));
    assert_int_equal(key_verdict(key), GROTH16_LIMIT);
    json_object_set_new(key, "nPublic", json_string("2"));
    assert_int_equal(key_verdict(key), GROTH16_MALFORMED);
    json_object_set_new(key, "nPublic", json_integer(2));

    json_t *halves = json_object_get(key, "vk_alphabeta_12");
    AUTO_JSON json_t *first = json_incref(json_array_get(halves, 0));
    json_array_set(halves, 0, json_array_get(halves, 1));
    json_array_set(halves, 1, first);
    assert_int_equal(key_verdict(key), GROTH16_KEY_DISAGREES);
    json_object_del(key, "vk_alphabeta_12");
    assert_int_equal(key_verdict(key), GROTH16_VALID);
    json_object_set_new(key, "vk_gamma_3", json_null());
    assert_int_equal(key_verdict(key), GROTH16_MALFORMED);
    json_object_del(key, "vk_gamma_3");
    json_object_set_new(key, "protocol", json_string("fflonk"));
    assert_int_equal(key_verdict(key), GROTH16_OTHER_SYSTEM);
}

static void inputs_are_an_array_of_numbers_below_r(void **state)
{
    static const struct { const char *text; enum groth16_verdict verdict;
    } rows[] = {
        { "[]", GROTH16_VALID },
        { "[\"0\"]", GROTH16_VALID },
        { "[\"21888242871839275222246405745257275088548364400416034343698204186575808495616\"]",
          GROTH16_VALID },
        { "[\"21888242871839275222246405745257275088548364400416034343698204186575808495617\"]",
          GROTH16_PUBLIC_RANGE },
        { "[1]", GROTH16_MALFORMED },
        { "[[\"1\"]]", GROTH16_MALFORMED },
        { "[\"-1\"]", GROTH16_NOT_CANONICAL },
        { "{}", GROTH16_MALFORMED },
        { "", GROTH16_MALFORMED },
        { "[\"1\",]", GROTH16_MALFORMED },
        { "[\"1\"] [", GROTH16_MALFORMED },
    };
    struct error error;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CLEANUP(buffer_close) struct buffer inputs = { 0 };
        buffer_init(&inputs);
        assert_int_equal(snarkjs_inputs_read(bytes_of_text(rows[i].text), &inputs, &error), rows[i].verdict);
        if (rows[i].verdict != GROTH16_VALID)
            assert_int_equal(inputs.size, 0);
    }
}

/* --- what the scheme itself gives --- */

/* A' = A/z + …: with random s, A' = sA and B' = B/s hold as well, and so does B' = B + s·delta with C' = C +
 * s·A. A proof's bytes are no id. */
static void proofs_made_from_a_proof_hold_too(void **state)
{
    CLEANUP(fixture_close) struct fixture fixture;
    uint8_t bytes[GROTH16_PROOF_BYTES], other_bytes[GROTH16_PROOF_BYTES];
    struct groth16_proof other, read;
    struct fr_plain factor, inverse;
    struct fr s;
    struct g1 a, c;
    struct g2 b, shift;
    struct error error;
    (void)state;

    fixture_open(&fixture, "poseidon2in");
    other = fixture.proof;
    random_fr(&s);
    fr_to_plain(&factor, &s);
    fr_invert(&s, &s);
    fr_to_plain(&inverse, &s);
    g1_multiply(&a, &other.a, &factor);
    g1_to_affine(&other.a, &a);
    g2_multiply(&b, &other.b, &inverse);
    g2_to_affine(&other.b, &b);
    assert_int_equal(groth16_verify(fixture.prepared, &other, buffer_bytes(&fixture.inputs), &error),
                     GROTH16_VALID);

    random_scalar(&factor);
    g2_multiply(&shift, &fixture.key.delta, &factor);
    g2_add_affine(&shift, &shift, &other.b);
    g2_to_affine(&other.b, &shift);
    assert_int_equal(groth16_verify(fixture.prepared, &other, buffer_bytes(&fixture.inputs), &error),
                     GROTH16_EQUATION); /* half of it is not enough */
    g1_multiply(&c, &other.a, &factor);
    g1_add_affine(&c, &c, &other.c);
    g1_to_affine(&other.c, &c);
    assert_int_equal(groth16_verify(fixture.prepared, &other, buffer_bytes(&fixture.inputs), &error),
                     GROTH16_VALID);

    groth16_proof_encode(&fixture.proof, bytes);
    groth16_proof_encode(&other, other_bytes);
    assert_memory_not_equal(bytes, other_bytes, sizeof bytes);
    assert_int_equal(groth16_proof_decode(bytes_of(other_bytes, sizeof other_bytes), &read, &error),
                     GROTH16_VALID);
}

/* Written by whoever has the key and nothing else: a proof for inputs that were never in any circuit. */
enum forgery { DELTA_IS_GAMMA, DELTA_IS_BETA, GAMMA_IS_BETA, FORGERIES };

static void forge(enum forgery forgery, const struct groth16_key *key, const struct g1_affine *inputs,
                  struct groth16_proof *proof)
{
    struct g2 sum;
    struct g1 more;

    switch (forgery) {
    case DELTA_IS_GAMMA: /* e(alpha, beta)·e(X, gamma)·e(-X, gamma) */
        *proof = (struct groth16_proof){ .a = key->alpha, .b = key->beta };
        g1_affine_negate(&proof->c, inputs);
        break;
    case DELTA_IS_BETA: /* e(X, gamma) = e(alpha, beta)·e(X, gamma)·e(-alpha, beta) */
        *proof = (struct groth16_proof){ .a = *inputs, .b = key->gamma };
        g1_affine_negate(&proof->c, &key->alpha);
        break;
    case GAMMA_IS_BETA: /* e(alpha + X, gamma + delta) = e(alpha + X, gamma)·e(alpha + X, delta) */
        g1_from_affine(&more, inputs);
        g1_add_affine(&more, &more, &key->alpha);
        g1_to_affine(&proof->a, &more);
        proof->c = proof->a;
        g2_from_affine(&sum, &key->gamma);
        g2_add_affine(&sum, &sum, &key->delta);
        g2_to_affine(&proof->b, &sum);
        break;
    case FORGERIES:
        fail();
    }
}

static void spoil(enum forgery forgery, struct groth16_key *key)
{
    if (forgery == DELTA_IS_GAMMA)
        key->delta = key->gamma;
    else if (forgery == DELTA_IS_BETA)
        key->delta = key->beta;
    else
        key->gamma = key->beta;
}

static enum groth16_verdict decoded_again(const struct groth16_key *key)
{
    CLEANUP(groth16_key_close) struct groth16_key read = { 0 };
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    struct error error;

    buffer_init(&bytes);
    groth16_key_encode(key, &bytes);
    return groth16_key_decode(buffer_bytes(&bytes), &read, &error);
}

/* What a set-up without any contribution gives (delta is gamma), and its like: for such keys proofs of
 * anything are made here with no witness and no trapdoor, and they hold; so no such key is taken. */
static void a_key_for_which_anybody_makes_proofs_is_refused(void **state)
{
    (void)state;

    for (int forgery = 0; forgery < FORGERIES; forgery++) {
        CLEANUP(fixture_close) struct fixture fixture;
        struct g1_affine inputs;
        struct groth16_proof forged;
        struct error error;
        struct g1 sum, term;
        struct fr input;

        fixture_open(&fixture, "mul");
        struct groth16_key key = fixture.key; /* borrows its points */
        spoil((enum forgery)forgery, &key);
        g1_from_affine(&sum, &key.ic[0]);
        for (size_t i = 0; i < key.public_count; i++) {
            struct fr_plain plain;
            random_fr(&input);
            fr_to_bytes(fixture.inputs.data + i * FIELD_BYTES, &input);
            fr_to_plain(&plain, &input);
            g1_multiply(&term, &key.ic[i + 1], &plain);
            g1_add(&sum, &sum, &term);
        }
        g1_to_affine(&inputs, &sum);
        forge((enum forgery)forgery, &key, &inputs, &forged);
        struct groth16_prepared *prepared = groth16_prepare(&key);
        assert_int_equal(groth16_verify(prepared, &forged, buffer_bytes(&fixture.inputs), &error),
                         GROTH16_VALID);
        groth16_prepared_free(prepared);
        assert_int_equal(groth16_verify(fixture.prepared, &forged, buffer_bytes(&fixture.inputs), &error),
                         GROTH16_EQUATION);
        assert_int_equal(decoded_again(&key), GROTH16_KEY_FORGEABLE);
        if (forgery == GAMMA_IS_BETA)
            g2_affine_negate(&key.gamma, &key.gamma);
        else
            g2_affine_negate(&key.delta, &key.delta);
        assert_int_equal(decoded_again(&key), GROTH16_KEY_FORGEABLE);
        assert_int_equal(decoded_again(&fixture.key), GROTH16_VALID);
    }
}

/* Two inputs with one point: what one has more the other has less, and nobody sees it. */
static void a_key_whose_inputs_can_be_exchanged_is_refused(void **state)
{
    CLEANUP(fixture_close) struct fixture fixture;
    (void)state;

    fixture_open(&fixture, "mul");
    assert_true(fixture.key.public_count >= 2);
    struct g1_affine kept = fixture.key.ic[2];
    fixture.key.ic[2] = fixture.key.ic[1];
    assert_int_equal(decoded_again(&fixture.key), GROTH16_KEY_FORGEABLE);
    g1_affine_negate(&fixture.key.ic[2], &fixture.key.ic[1]);
    assert_int_equal(decoded_again(&fixture.key), GROTH16_KEY_FORGEABLE);
    fixture.key.ic[2] = fixture.key.ic[0]; /* that one stands alone: its factor is 1 */
    assert_int_equal(decoded_again(&fixture.key), GROTH16_VALID);
    fixture.key.ic[2] = kept;
    assert_int_equal(decoded_again(&fixture.key), GROTH16_VALID);
}

static void a_proof_holds_for_its_own_key_alone(void **state)
{
    struct fixture fixtures[FIXTURES];
    struct error error;
    (void)state;

    for (size_t i = 0; i < FIXTURES; i++)
        fixture_open(&fixtures[i], fixture_names[i]);
    for (size_t i = 0; i < FIXTURES; i++)
        for (size_t k = 0; k < FIXTURES; k++)
            assert_int_equal(groth16_verify(fixtures[i].prepared, &fixtures[k].proof,
                                            buffer_bytes(&fixtures[k].inputs), &error),
                             i == k ? GROTH16_VALID : GROTH16_EQUATION);
    for (size_t i = 0; i < FIXTURES; i++)
        fixture_close(&fixtures[i]);
}

static void verdicts_have_names_of_their_own(void **state)
{
    (void)state;

    for (int i = 0; i < GROTH16_VERDICTS; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(groth16_verdict_name((enum groth16_verdict)i),
                                    groth16_verdict_name((enum groth16_verdict)k));
}

int groth16_verify_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_cases_have_their_verdicts),
        cmocka_unit_test(files_are_written_to_the_byte_as_snarkjs_writes_them),
        cmocka_unit_test(canonical_bytes_come_back_and_the_hash_is_of_them),
        cmocka_unit_test(every_flipped_bit_of_canonical_bytes_is_refused),
        cmocka_unit_test(every_flipped_bit_of_the_files_is_refused),
        cmocka_unit_test(truncated_and_padded_bytes_are_refused),
        cmocka_unit_test(infinity_and_points_outside_are_refused_everywhere),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(points_must_be_affine),
        cmocka_unit_test(proofs_have_their_members_and_no_others),
        cmocka_unit_test(keys_agree_with_themselves),
        cmocka_unit_test(inputs_are_an_array_of_numbers_below_r),
        cmocka_unit_test(proofs_made_from_a_proof_hold_too),
        cmocka_unit_test(a_key_for_which_anybody_makes_proofs_is_refused),
        cmocka_unit_test(a_key_whose_inputs_can_be_exchanged_is_refused),
        cmocka_unit_test(a_proof_holds_for_its_own_key_alone),
        cmocka_unit_test(verdicts_have_names_of_their_own),
    };
    return cmocka_run_group_tests_name("groth16_verify", tests, NULL, NULL);
}
