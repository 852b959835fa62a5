/* The groups of BN254 and their pairing: published inputs and outputs of the EVM's contracts, the laws a
 * group and a pairing have, and multiplication of many points against one at a time. */
#include <stdlib.h>
#include <string.h>

#include "groth16_fixture.h"
#include "proof/bn254_precompile.h"

#define MANY_MAX 700
#define PAIRING_ROUNDS 6

static bool precompile(const char *operation, struct bytes input, uint8_t *out, size_t *size)
{
    *size = PRECOMPILE_POINT_BYTES;
    if (strcmp(operation, "add") == 0)
        return bn254_precompile_add(out, input);
    if (strcmp(operation, "mul") == 0)
        return bn254_precompile_multiply(out, input);
    assert_string_equal(operation, "pairing");
    *size = PRECOMPILE_WORD_BYTES;
    return bn254_precompile_pairing(out, input);
}

static void contracts_answer_as_published(void **state)
{
    static const char *const operations[] = { "add", "mul", "pairing" };
    AUTO_JSON json_t *vectors = vectors_json("bn254.json");
    CLEANUP(buffer_close) struct buffer input = { 0 };
    uint8_t out[PRECOMPILE_POINT_BYTES];
    char text[2 * PRECOMPILE_POINT_BYTES + 1];
    const json_t *row;
    size_t i, size, seen = 0;
    (void)state;

    buffer_init(&input);
    for (size_t k = 0; k < 3; k++)
        json_array_foreach(json_object_get(vectors, operations[k]), i, row) {
            buffer_clear(&input);
            member_bytes(row, "input", &input);
            assert_true(precompile(operations[k], buffer_bytes(&input), out, &size));
            hex_text(text, out, size);
            assert_string_equal(text, member_text(row, "expected"));
            seen++;
        }
    assert_int_equal(seen, 8 + 10 + 7);
}

static void contracts_fail_where_they_must(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("bn254.json");
    CLEANUP(buffer_close) struct buffer input = { 0 };
    uint8_t out[PRECOMPILE_POINT_BYTES], before[PRECOMPILE_POINT_BYTES];
    const json_t *row;
    size_t i, size;
    (void)state;

    buffer_init(&input);
    memset(before, 0x5a, sizeof before);
    assert_int_equal(json_array_size(json_object_get(vectors, "failures_own")), 10);
    json_array_foreach(json_object_get(vectors, "failures_own"), i, row) {
        memcpy(out, before, sizeof out);
        buffer_clear(&input);
        member_bytes(row, "input", &input);
        assert_false(precompile(member_text(row, "op"), buffer_bytes(&input), out, &size));
        assert_memory_equal(out, before, sizeof out);
    }
}

/* More pairs than share one loop, and an odd number of them. */
static void a_long_product_of_pairings_is_one_only_when_all_is_right(void **state)
{
    uint8_t out[PRECOMPILE_WORD_BYTES], one[PRECOMPILE_WORD_BYTES] = { 0 },
                                        zero[PRECOMPILE_WORD_BYTES] = { 0 };
    uint8_t input[36 * PRECOMPILE_PAIR_BYTES + PRECOMPILE_PAIR_BYTES];
    struct g1_affine p, negative;
    struct g2_affine q;
    (void)state;

    one[PRECOMPILE_WORD_BYTES - 1] = 1;
    for (size_t i = 0; i < 18; i++) { /* e(P, Q)·e(−P, Q) = 1 */
        random_g1(&p);
        random_g2(&q);
        g1_affine_negate(&negative, &p);
        uint8_t *at = input + 2 * i * PRECOMPILE_PAIR_BYTES;
        g1_affine_to_bytes(at, &p);
        g2_affine_to_bytes(at + G1_BYTES, &q);
        g1_affine_to_bytes(at + PRECOMPILE_PAIR_BYTES, &negative);
        g2_affine_to_bytes(at + PRECOMPILE_PAIR_BYTES + G1_BYTES, &q);
    }
    memset(input + (size_t)36 * PRECOMPILE_PAIR_BYTES, 0, PRECOMPILE_PAIR_BYTES);
    assert_true(bn254_precompile_pairing(out, bytes_of(input, sizeof input)));
    assert_memory_equal(out, one, sizeof one);
    assert_true(bn254_precompile_pairing(out, bytes_of(input, (size_t)35 * PRECOMPILE_PAIR_BYTES)));
    assert_memory_equal(out, zero, sizeof zero);
}

static void addition_is_a_group(void **state)
{
    struct g1_affine a, b, c;
    struct g1 ab, left, right, pa;
    (void)state;

    for (size_t round = 0; round < 20; round++) {
        random_g1(&a);
        random_g1(&b);
        random_g1(&c);
        g1_from_affine(&pa, &a);
        g1_add_affine(&ab, &pa, &b);
        g1_add_affine(&left, &ab, &c);
        g1_from_affine(&right, &b);
        g1_add_affine(&right, &right, &c);
        g1_add(&right, &pa, &right);
        assert_true(g1_same(&left, &right));
        g1_double(&left, &ab);
        g1_add(&right, &ab, &ab); /* equal points through the general formula */
        assert_true(g1_same(&left, &right));
        g1_to_affine(&c, &ab);
        g1_add_affine(&right, &ab, &c);
        assert_true(g1_same(&left, &right));
        g1_affine_negate(&c, &c);
        g1_add_affine(&right, &ab, &c);
        assert_true(g1_is_infinity(&right));
        g1_add(&left, &right, &ab);
        assert_true(g1_same(&left, &ab));
        g1_double(&right, &right);
        assert_true(g1_is_infinity(&right));
    }
}

static void the_order_of_both_groups_is_r(void **state)
{
    struct fr_plain r;
    struct g1_affine p;
    struct g2_affine q;
    struct g1 a;
    struct g2 b;
    (void)state;

    memcpy(r.limb, fr_modulus.limb, sizeof r.limb);
    random_g1(&p);
    random_g2(&q);
    assert_true(g1_affine_on_curve(&p) && g2_affine_on_curve(&q) && g2_affine_in_subgroup(&q));
    g1_multiply(&a, &p, &r);
    g2_multiply(&b, &q, &r);
    assert_true(g1_is_infinity(&a) && g2_is_infinity(&b));
    r.limb[0]++;
    g1_multiply(&a, &p, &r);
    g2_multiply(&b, &q, &r);
    struct g1_affine p2;
    struct g2_affine q2;
    g1_to_affine(&p2, &a);
    g2_to_affine(&q2, &b);
    assert_true(fp_equal(&p2.x, &p.x) && fp_equal(&p2.y, &p.y));
    assert_true(fp2_equal(&q2.x, &q.x) && fp2_equal(&q2.y, &q.y));
}

/* The fast check says what multiplying by r says: on points outside (each the sum of one outside and one
 * inside), and once the twist's other factor, 2p − r, is multiplied away. */
static void the_subgroup_check_is_multiplication_by_r(void **state)
{
    struct fr_plain r, cofactor = { { 0 } };
    struct g2_affine outside, inside, sum;
    struct g2 point, product;
    unsigned carry = 0;
    (void)state;

    memcpy(r.limb, fr_modulus.limb, sizeof r.limb);
    for (size_t i = 0; i < LIMBS; i++) { /* 2p − r */
        unsigned __int128 twice = ((unsigned __int128)fp_modulus.limb[i] << 1) + carry;
        carry = (unsigned)(twice >> 64);
        cofactor.limb[i] = (uint64_t)twice;
    }
    unsigned borrow = 0;
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 less = (unsigned __int128)cofactor.limb[i] - r.limb[i] - borrow;
        cofactor.limb[i] = (uint64_t)less;
        borrow = (unsigned)(less >> 64) & 1;
    }
    outside_subgroup(&outside);
    for (size_t round = 0; round < 8; round++) {
        random_g2(&inside);
        g2_from_affine(&point, &outside);
        if (round > 0)
            g2_add_affine(&point, &point, &inside);
        g2_to_affine(&sum, &point);
        assert_true(g2_affine_on_curve(&sum));
        g2_multiply(&product, &sum, &r);
        assert_false(g2_is_infinity(&product));
        assert_false(g2_affine_in_subgroup(&sum));
        g2_multiply(&product, &sum, &cofactor);
        g2_to_affine(&sum, &product);
        assert_true(g2_affine_in_subgroup(&sum));
        g2_multiply(&product, &sum, &r);
        assert_true(g2_is_infinity(&product));
    }
}

/* Points and factors that meet every case: infinity, equal and opposite points in one bucket, 0, 1, r − 1. */
static void random_factor(struct fr_plain *out, size_t i)
{
    random_scalar(out);
    if (i % 5 == 1)
        *out = (struct fr_plain){ { random_below(3) } };
    else if (i % 7 == 2) {
        memcpy(out->limb, fr_modulus.limb, sizeof out->limb);
        out->limb[0]--;
    } else if (i % 11 == 3)
        *out = (struct fr_plain){ { 0, 1 } };
}

static void many_points_sum_up_as_one_by_one(void **state)
{
    static const size_t counts[] = { 0, 1, 2, 3, 31, 32, 33, 64, 100, 257, MANY_MAX };
    struct g1_affine *points = memory_array(MANY_MAX, sizeof *points);
    struct fr_plain *factors = memory_array(MANY_MAX, sizeof *factors);
    struct g1 *sums = memory_array(MANY_MAX + 1, sizeof *sums), term, sum;
    (void)state;

    g1_set_infinity(&sums[0]);
    for (size_t i = 0; i < MANY_MAX; i++) {
        random_g1(&points[i]);
        if (i % 9 == 4)
            memset(&points[i], 0, sizeof points[i]);
        else if (i % 6 == 5)
            points[i] = points[i - 1];
        else if (i % 13 == 6)
            g1_affine_negate(&points[i], &points[i - 1]);
        random_factor(&factors[i], i);
        if (i % 6 == 5)
            factors[i] = factors[i - 1];
        g1_multiply(&term, &points[i], &factors[i]);
        g1_add(&sums[i + 1], &sums[i], &term);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t threads = 1; threads <= 3; threads += 2) {
            g1_multiply_many(&sum, points, factors, counts[i], threads);
            assert_true(g1_same(&sum, &sums[counts[i]]));
        }
    for (size_t i = 0; i < MANY_MAX; i++) /* all in one bucket: 1 times each */
        factors[i] = (struct fr_plain){ { 1 } };
    g1_set_infinity(&term);
    for (size_t i = 0; i < MANY_MAX; i++)
        g1_add_affine(&term, &term, &points[i]);
    g1_multiply_many(&sum, points, factors, MANY_MAX, 1);
    assert_true(g1_same(&sum, &term));
    memory_free_pointer(&points);
    memory_free_pointer(&factors);
    memory_free_pointer(&sums);
}

/* Enough points for wide windows: multiples of the generator that are known, so that the sum is one multiple.
 */
static void very_many_points_sum_up_to_the_multiple_that_is_known(void **state)
{
    size_t count = (size_t)1 << (getenv("LAYERD_THOROUGH") == NULL ? 13 : 19);
    struct g1_affine *points = memory_array(count, sizeof *points);
    struct fr_plain *factors = memory_array(count, sizeof *factors), total;
    struct fr sum = fr_zero, multiple, factor;
    struct g1 point, expected, found;
    (void)state;

    g1_set_infinity(&point);
    for (size_t i = 0; i < count; i++) {
        g1_add_affine(&point, &point, &g1_generator);
        g1_to_affine(&points[i], &point);
        random_fr(&factor);
        if (i % 16 == 0) /* r − 1 */
            fr_negate(&factor, &fr_one);
        fr_to_plain(&factors[i], &factor);
        fr_set(&multiple, i + 1);
        fr_multiply(&multiple, &multiple, &factor);
        fr_add(&sum, &sum, &multiple);
    }
    fr_to_plain(&total, &sum);
    g1_multiply(&expected, &g1_generator, &total);
    g1_multiply_many(&found, points, factors, count, 2);
    assert_true(g1_same(&found, &expected));
    factors[count / 2].limb[0] ^= 1;
    g1_multiply_many(&found, points, factors, count, 2);
    assert_false(g1_same(&found, &expected));
    memory_free_pointer(&points);
    memory_free_pointer(&factors);
}

static void many_points_of_g2_sum_up_as_one_by_one(void **state)
{
    enum { COUNT = 80 };
    struct g2_affine points[COUNT];
    struct fr_plain factors[COUNT];
    struct g2 term, sum, expected;
    (void)state;

    g2_set_infinity(&expected);
    for (size_t i = 0; i < COUNT; i++) {
        random_g2(&points[i]);
        if (i % 9 == 4)
            memset(&points[i], 0, sizeof points[i]);
        random_factor(&factors[i], i);
        g2_multiply(&term, &points[i], &factors[i]);
        g2_add(&expected, &expected, &term);
    }
    g2_multiply_many(&sum, points, factors, COUNT, 2);
    assert_true(g2_same(&sum, &expected));
    factors[0].limb[0] ^= 1;
    g2_multiply_many(&sum, points, factors, COUNT, 2);
    assert_false(g2_same(&sum, &expected));
}

static void pairing(struct fp12 *out, const struct g1_affine *p, const struct g2_affine *q)
{
    struct g2_prepared prepared;
    struct pairing_term term = { *p, &prepared };

    g2_prepare(&prepared, q);
    pairing_loop(out, &term, 1);
    final_exponentiation(out, out);
}

static void fp12_power(struct fp12 *out, const struct fp12 *base, const struct fr_plain *exponent)
{
    struct fp12 result = fp12_one;

    for (size_t i = 64 * LIMBS; i-- > 0;) {
        fp12_square(&result, &result);
        if ((exponent->limb[i / 64] >> (i % 64) & 1) != 0)
            fp12_multiply(&result, &result, base);
    }
    *out = result;
}

/* e(aP, bQ) = e(P, Q)^(ab) = e(abP, Q) = e(P, abQ), and another exponent gives another value. */
static void the_pairing_is_bilinear(void **state)
{
    (void)state;

    for (size_t round = 0; round < PAIRING_ROUNDS; round++) {
        struct g1_affine p, ap, abp;
        struct g2_affine q, bq, abq;
        struct g1 point;
        struct g2 twisted;
        struct fr a, b, ab;
        struct fr_plain sa, sb, sab;
        struct fp12 base, expected, found;
        random_g1(&p);
        random_g2(&q);
        random_fr(&a);
        random_fr(&b);
        fr_multiply(&ab, &a, &b);
        fr_to_plain(&sa, &a);
        fr_to_plain(&sb, &b);
        fr_to_plain(&sab, &ab);
        g1_multiply(&point, &p, &sa);
        g1_to_affine(&ap, &point);
        g1_multiply(&point, &p, &sab);
        g1_to_affine(&abp, &point);
        g2_multiply(&twisted, &q, &sb);
        g2_to_affine(&bq, &twisted);
        g2_multiply(&twisted, &q, &sab);
        g2_to_affine(&abq, &twisted);

        pairing(&base, &p, &q);
        fp12_power(&expected, &base, &sab);
        pairing(&found, &ap, &bq);
        assert_true(fp12_equal(&found, &expected));
        pairing(&found, &abp, &q);
        assert_true(fp12_equal(&found, &expected));
        pairing(&found, &p, &abq);
        assert_true(fp12_equal(&found, &expected));
        pairing(&found, &ap, &q);
        assert_false(fp12_equal(&found, &expected));
    }
}

static void the_pairing_is_not_degenerate_and_its_values_have_order_r(void **state)
{
    struct fp12 value, power;
    struct fr_plain r;
    struct g1_affine infinity = { 0 };
    struct g2_affine infinite = { 0 };
    (void)state;

    memcpy(r.limb, fr_modulus.limb, sizeof r.limb);
    pairing(&value, &g1_generator, &g2_generator);
    assert_false(fp12_equal(&value, &fp12_one));
    fp12_power(&power, &value, &r);
    assert_true(fp12_equal(&power, &fp12_one));
    pairing(&value, &infinity, &g2_generator);
    assert_true(fp12_equal(&value, &fp12_one));
    pairing(&value, &g1_generator, &infinite);
    assert_true(fp12_equal(&value, &fp12_one));
}

int groth16_pairing_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contracts_answer_as_published),
        cmocka_unit_test(contracts_fail_where_they_must),
        cmocka_unit_test(a_long_product_of_pairings_is_one_only_when_all_is_right),
        cmocka_unit_test(addition_is_a_group),
        cmocka_unit_test(the_order_of_both_groups_is_r),
        cmocka_unit_test(the_subgroup_check_is_multiplication_by_r),
        cmocka_unit_test(many_points_sum_up_as_one_by_one),
        cmocka_unit_test(very_many_points_sum_up_to_the_multiple_that_is_known),
        cmocka_unit_test(many_points_of_g2_sum_up_as_one_by_one),
        cmocka_unit_test(the_pairing_is_bilinear),
        cmocka_unit_test(the_pairing_is_not_degenerate_and_its_values_have_order_r),
    };
    return cmocka_run_group_tests_name("groth16_pairing", tests, NULL, NULL);
}
