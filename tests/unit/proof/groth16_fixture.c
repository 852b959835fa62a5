/* Shared by the tests of Groth16; see groth16_fixture.h. */
#include "groth16_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "proof/bn254_precompile.h"

const char *const fixture_names[FIXTURES] = { "mul", "range16", "poseidon2in" };

void random_bytes(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(random_u64() >> 32);
}

void random_fp(struct fp *out)
{
    uint8_t bytes[FIELD_BYTES];

    do
        random_bytes(bytes, sizeof bytes);
    while (!fp_from_bytes(out, bytes));
}

void random_fr(struct fr *out)
{
    uint8_t bytes[FIELD_BYTES];

    do
        random_bytes(bytes, sizeof bytes);
    while (!fr_from_bytes(out, bytes));
}

void random_scalar(struct fr_plain *out)
{
    struct fr element;

    random_fr(&element);
    fr_to_plain(out, &element);
}

void random_fp12(struct fp12 *out)
{
    struct fp2 *part[] = { &out->c0.c0, &out->c0.c1, &out->c0.c2, &out->c1.c0, &out->c1.c1, &out->c1.c2 };

    for (size_t i = 0; i < 6; i++) {
        random_fp(&part[i]->c0);
        random_fp(&part[i]->c1);
    }
}

void random_g1(struct g1_affine *out)
{
    struct fr_plain factor;
    struct g1 point;

    random_scalar(&factor);
    g1_multiply(&point, &g1_generator, &factor);
    g1_to_affine(out, &point);
}

void random_g2(struct g2_affine *out)
{
    struct fr_plain factor;
    struct g2 point;

    random_scalar(&factor);
    g2_multiply(&point, &g2_generator, &factor);
    g2_to_affine(out, &point);
}

void outside_subgroup(struct g2_affine *out)
{
    AUTO_JSON json_t *vectors = vectors_json("bn254.json");
    CLEANUP(buffer_close) struct buffer input = { 0 };
    const json_t *failure;
    size_t i;

    buffer_init(&input);
    json_array_foreach(json_object_get(vectors, "failures_own"), i, failure) {
        if (strstr(member_text(failure, "why"), "outside the order-r subgroup") == NULL)
            continue;
        member_bytes(failure, "input", &input);
        const uint8_t *at = input.data + G1_BYTES;
        assert_true(fp_from_bytes(&out->x.c1, at) && fp_from_bytes(&out->x.c0, at + 32) &&
                    fp_from_bytes(&out->y.c1, at + 64) && fp_from_bytes(&out->y.c0, at + 96));
        return;
    }
    fail_msg("bn254.json has no point outside the subgroup");
}

bool g1_same(const struct g1 *a, const struct g1 *b)
{
    struct g1_affine left, right;

    g1_to_affine(&left, a);
    g1_to_affine(&right, b);
    return fp_equal(&left.x, &right.x) && fp_equal(&left.y, &right.y);
}

bool g2_same(const struct g2 *a, const struct g2 *b)
{
    struct g2_affine left, right;

    g2_to_affine(&left, a);
    g2_to_affine(&right, b);
    return fp2_equal(&left.x, &right.x) && fp2_equal(&left.y, &right.y);
}

struct bytes fixture_file(const char *name, const char *file)
{
    char path[128];
    size_t size;

    snprintf(path, sizeof path, "groth16/%s/%s", name, file);
    char *text = vectors_text(path, &size);
    return bytes_of(text, size);
}

void fixture_release(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
    *bytes = bytes_of(NULL, 0);
}

void fixture_open(struct fixture *fixture, const char *name)
{
    AUTO_FILE struct bytes key = fixture_file(name, "verification_key.json");
    AUTO_FILE struct bytes proof = fixture_file(name, "proof.json");
    AUTO_FILE struct bytes inputs = fixture_file(name, "public.json");
    struct error error;

    groth16_key_init(&fixture->key);
    buffer_init(&fixture->inputs);
    assert_int_equal(snarkjs_key_read(key, &fixture->key, &error), GROTH16_VALID);
    assert_int_equal(snarkjs_proof_read(proof, &fixture->proof, &error), GROTH16_VALID);
    assert_int_equal(snarkjs_inputs_read(inputs, &fixture->inputs, &error), GROTH16_VALID);
    fixture->prepared = groth16_prepare(&fixture->key);
}

void fixture_close(struct fixture *fixture)
{
    groth16_prepared_free(fixture->prepared);
    groth16_key_close(&fixture->key);
    buffer_close(&fixture->inputs);
}
