/* The fields of BN254 against a second computation (schoolbook product, division bit by bit), and the laws of
 * the tower above them. */
#include <string.h>

#include "groth16_fixture.h"

#define ROUNDS 300
#define TOWER_ROUNDS 20
#define LONG_BITS 512

static const char p_hex[] = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
static const char r_hex[] = "30644e72e131a029b85045b68181585d2833e84879b97091" "43e1f593f0000001";

/* --- numbers as bits, lowest first: slow, and with nothing in common with what is tested --- */

struct bits { uint8_t bit[LONG_BITS]; };

static void bits_from_bytes(struct bits *out, const uint8_t *in, size_t size)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < size * 8; i++)
        out->bit[i] = in[size - 1 - i / 8] >> (i % 8) & 1;
}

static void bits_to_bytes(uint8_t out[FIELD_BYTES], const struct bits *in)
{
    memset(out, 0, FIELD_BYTES);
    for (size_t i = 0; i < FIELD_BYTES * 8; i++)
        out[FIELD_BYTES - 1 - i / 8] |= (uint8_t)(in->bit[i] << (i % 8));
}

static void bits_add_shifted(struct bits *a, const struct bits *b, size_t shift)
{
    uint8_t carry = 0;

    for (size_t i = shift; i < LONG_BITS; i++) {
        uint8_t sum = (uint8_t)(a->bit[i] + b->bit[i - shift] + carry);
        a->bit[i] = sum & 1;
        carry = sum >> 1;
    }
}

/* rest = 2·rest + next, less m when that fits: one step of long division. */
static void division_step(struct bits *rest, uint8_t next, const struct bits *m)
{
    struct bits less;
    int borrow = 0;

    memmove(rest->bit + 1, rest->bit, LONG_BITS - 1);
    rest->bit[0] = next;
    for (size_t i = 0; i < LONG_BITS; i++) {
        int difference = rest->bit[i] - m->bit[i] - borrow;
        borrow = difference < 0;
        less.bit[i] = (uint8_t)(difference & 1);
    }
    if (!borrow)
        *rest = less;
}

static void bits_modulo(struct bits *a, const struct bits *m)
{
    struct bits rest = { { 0 } };

    for (size_t i = LONG_BITS; i-- > 0;)
        division_step(&rest, a->bit[i], m);
    *a = rest;
}

static void slow_product(uint8_t out[FIELD_BYTES], const uint8_t a[FIELD_BYTES], const uint8_t b[FIELD_BYTES],
                         const char *modulus_hex)
{
    uint8_t modulus[FIELD_BYTES];
    struct bits left, right, m, sum = { { 0 } };

    assert_true(hex_decode(modulus, sizeof modulus, modulus_hex, strlen(modulus_hex)));
    bits_from_bytes(&left, a, FIELD_BYTES);
    bits_from_bytes(&right, b, FIELD_BYTES);
    bits_from_bytes(&m, modulus, FIELD_BYTES);
    for (size_t i = 0; i < FIELD_BYTES * 8; i++)
        if (left.bit[i] != 0)
            bits_add_shifted(&sum, &right, i);
    bits_modulo(&sum, &m);
    bits_to_bytes(out, &sum);
}

static void slow_sum(uint8_t out[FIELD_BYTES], const uint8_t a[FIELD_BYTES], const uint8_t b[FIELD_BYTES],
                     const char *modulus_hex)
{
    uint8_t modulus[FIELD_BYTES];
    struct bits sum, right, m;

    assert_true(hex_decode(modulus, sizeof modulus, modulus_hex, strlen(modulus_hex)));
    bits_from_bytes(&sum, a, FIELD_BYTES);
    bits_from_bytes(&right, b, FIELD_BYTES);
    bits_from_bytes(&m, modulus, FIELD_BYTES);
    bits_add_shifted(&sum, &right, 0);
    bits_modulo(&sum, &m);
    bits_to_bytes(out, &sum);
}

/* --- both fields through one face --- */

/* Numbers that are likely to be wrong: about 0, the modulus, and limbs that carry; else random ones. */
static void tricky_bytes(uint8_t out[FIELD_BYTES], const char *modulus_hex, size_t round)
{
    random_bytes(out, FIELD_BYTES);
    if (round % 4 == 0) {
        memset(out, 0, FIELD_BYTES);
        out[FIELD_BYTES - 1] = (uint8_t)random_below(4);
    } else if (round % 4 == 1) {
        assert_true(hex_decode(out, FIELD_BYTES, modulus_hex, strlen(modulus_hex)));
        out[FIELD_BYTES - 1] = (uint8_t)(out[FIELD_BYTES - 1] - 1 - random_below(2) +
                                         (round % 8 == 1 ? 1 : 0));
    } else if (round % 4 == 2) {
        memset(out + random_below(24), 0xff, 8);
    }
    out[0] &= 0x3f;
}

static void fp_is_arithmetic_modulo_p(void **state)
{
    uint8_t a[FIELD_BYTES], b[FIELD_BYTES], expected[FIELD_BYTES], found[FIELD_BYTES];
    struct fp x, y, z;
    size_t tried = 0;
    (void)state;

    for (size_t round = 0; tried < ROUNDS; round++) {
        tricky_bytes(a, p_hex, round);
        tricky_bytes(b, p_hex, random_below(8));
        if (!fp_from_bytes(&x, a) || !fp_from_bytes(&y, b))
            continue;
        tried++;
        fp_multiply(&z, &x, &y);
        fp_to_bytes(found, &z);
        slow_product(expected, a, b, p_hex);
        assert_memory_equal(found, expected, FIELD_BYTES);
        fp_add(&z, &x, &y);
        fp_to_bytes(found, &z);
        slow_sum(expected, a, b, p_hex);
        assert_memory_equal(found, expected, FIELD_BYTES);
        fp_subtract(&z, &z, &y);
        assert_true(fp_equal(&z, &x));
        fp_invert(&z, &x);
        fp_multiply(&z, &z, &x);
        assert_true(fp_equal(&z, fp_is_zero(&x) ? &fp_zero : &fp_one));
    }
}

static void fr_is_arithmetic_modulo_r(void **state)
{
    uint8_t a[FIELD_BYTES], b[FIELD_BYTES], expected[FIELD_BYTES], found[FIELD_BYTES];
    struct fr x, y, z;
    size_t tried = 0;
    (void)state;

    for (size_t round = 0; tried < ROUNDS; round++) {
        tricky_bytes(a, r_hex, round);
        tricky_bytes(b, r_hex, random_below(8));
        if (!fr_from_bytes(&x, a) || !fr_from_bytes(&y, b))
            continue;
        tried++;
        fr_multiply(&z, &x, &y);
        fr_to_bytes(found, &z);
        slow_product(expected, a, b, r_hex);
        assert_memory_equal(found, expected, FIELD_BYTES);
        fr_add(&z, &x, &y);
        fr_to_bytes(found, &z);
        slow_sum(expected, a, b, r_hex);
        assert_memory_equal(found, expected, FIELD_BYTES);
        fr_subtract(&z, &z, &y);
        assert_true(fr_equal(&z, &x));
        fr_invert(&z, &x);
        fr_multiply(&z, &z, &x);
        assert_true(fr_equal(&z, fr_is_zero(&x) ? &fr_zero : &fr_one));
    }
}

static void numbers_not_below_the_modulus_are_refused(void **state)
{
    static const char *const moduli[] = { p_hex, r_hex };
    uint8_t bytes[FIELD_BYTES], back[FIELD_BYTES];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct fp x = fp_one;
        struct fr y = fr_one;
        assert_true(hex_decode(bytes, sizeof bytes, moduli[i], strlen(moduli[i])));
        assert_false(i == 0 ? fp_from_bytes(&x, bytes) : fr_from_bytes(&y, bytes));
        assert_true(fp_equal(&x, &fp_one) && fr_equal(&y, &fr_one)); /* untouched */
        bytes[FIELD_BYTES - 1]--;
        assert_true(i == 0 ? fp_from_bytes(&x, bytes) : fr_from_bytes(&y, bytes));
        if (i == 0)
            fp_to_bytes(back, &x);
        else
            fr_to_bytes(back, &y);
        assert_memory_equal(back, bytes, FIELD_BYTES);
        memset(bytes, 0xff, sizeof bytes);
        assert_false(i == 0 ? fp_from_bytes(&x, bytes) : fr_from_bytes(&y, bytes));
        assert_false(i == 0 ? fp_from_montgomery_bytes(&x, bytes) : fr_from_bytes(&y, bytes));
    }
}

static void sixty_four_random_bytes_are_one_number_modulo_r(void **state)
{
    uint8_t wide[2 * FIELD_BYTES], modulus[FIELD_BYTES], expected[FIELD_BYTES], found[FIELD_BYTES];
    struct bits number, m;
    struct fr x;
    (void)state;

    assert_true(hex_decode(modulus, sizeof modulus, r_hex, strlen(r_hex)));
    bits_from_bytes(&m, modulus, sizeof modulus);
    for (size_t round = 0; round < 40; round++) {
        random_bytes(wide, sizeof wide);
        if (round % 4 == 0)
            memset(wide + (round % 8 == 0 ? 0 : 32), 0xff, 32);
        bits_from_bytes(&number, wide, sizeof wide);
        bits_modulo(&number, &m);
        bits_to_bytes(expected, &number);
        fr_from_random(&x, wide);
        fr_to_bytes(found, &x);
        assert_memory_equal(found, expected, FIELD_BYTES);
    }
}

static void roots_of_unity_have_their_order_and_no_smaller(void **state)
{
    struct fr root, power, minus_one;
    (void)state;

    fr_negate(&minus_one, &fr_one);
    for (unsigned k = 1; k <= FR_TWO_ADICITY; k++) {
        fr_root_of_unity(&root, k);
        fr_power(&power, &root, (uint64_t)1 << (k - 1));
        assert_true(fr_equal(&power, &minus_one));
    }
    fr_root_of_unity(&root, 0);
    assert_true(fr_equal(&root, &fr_one));
}

/* --- the tower --- */

static void fp2_power(struct fp2 *out, const struct fp2 *base, const struct bits *exponent)
{
    struct fp2 result = fp2_one;

    for (size_t i = FIELD_BYTES * 8; i-- > 0;) {
        fp2_square(&result, &result);
        if (exponent->bit[i] != 0)
            fp2_multiply(&result, &result, base);
    }
    *out = result;
}

static void frobenius_factors_are_powers_of_xi(void **state)
{
    uint8_t p[FIELD_BYTES];
    struct bits less, sixth = { { 0 } }, rest = { { 0 } }, six = { { 0, 1, 1 } };
    struct fp2 xi, factor, power = fp2_one;
    (void)state;

    assert_true(hex_decode(p, sizeof p, p_hex, strlen(p_hex)));
    p[FIELD_BYTES - 1]--;
    bits_from_bytes(&less, p, sizeof p);
    for (size_t i = LONG_BITS; i-- > 0;) { /* (p − 1)/6, which has no rest */
        struct bits before = rest;
        division_step(&rest, less.bit[i], &six);
        memmove(before.bit + 1, before.bit, LONG_BITS - 1);
        before.bit[0] = less.bit[i];
        sixth.bit[i] = memcmp(&before, &rest, sizeof rest) != 0;
    }
    for (size_t i = 0; i < LONG_BITS; i++)
        assert_int_equal(rest.bit[i], 0);
    fp2_multiply_xi(&xi, &fp2_one);
    fp2_power(&factor, &xi, &sixth);
    for (size_t k = 1; k <= FROBENIUS_FACTORS; k++) {
        fp2_multiply(&power, &power, &factor);
        assert_true(fp2_equal(&power, &frobenius_factor[k]));
    }
}

/* (a0 + a1·i)(b0 + b1·i) by Fp's operations alone. */
static void fp2_is_fp_with_a_root_of_minus_one(void **state)
{
    struct fp2 a, b, product, square, inverse;
    struct fp real, imaginary, t;
    (void)state;

    for (size_t round = 0; round < ROUNDS; round++) {
        random_fp(&a.c0);
        random_fp(&a.c1);
        random_fp(&b.c0);
        random_fp(&b.c1);
        if (round % 5 == 0) /* the largest values: p − 1 */
            fp_negate(&a.c0, &fp_one);
        if (round % 3 == 0)
            fp_negate(&b.c1, &fp_one);
        if (round % 7 == 0)
            a.c1 = fp_zero;
        if (round % 15 == 0) {
            a.c1 = a.c0;
            b.c0 = b.c1;
        }
        fp_multiply(&real, &a.c0, &b.c0);
        fp_multiply(&t, &a.c1, &b.c1);
        fp_subtract(&real, &real, &t);
        fp_multiply(&imaginary, &a.c0, &b.c1);
        fp_multiply(&t, &a.c1, &b.c0);
        fp_add(&imaginary, &imaginary, &t);
        fp2_multiply(&product, &a, &b);
        assert_true(fp_equal(&product.c0, &real) && fp_equal(&product.c1, &imaginary));
        fp2_multiply(&product, &a, &a);
        fp2_square(&square, &a);
        assert_true(fp2_equal(&product, &square));
        fp2_invert(&inverse, &a);
        fp2_multiply(&inverse, &inverse, &a);
        assert_true(fp2_equal(&inverse, &fp2_one));
    }
}

/* The product by definition: all 36 pairs of coefficients of powers of w, and w⁶ = ξ. */
static void slow_fp12_product(struct fp12 *out, const struct fp12 *a, const struct fp12 *b)
{
    const struct fp2 *left[] = { &a->c0.c0, &a->c1.c0, &a->c0.c1, &a->c1.c1, &a->c0.c2, &a->c1.c2 };
    const struct fp2 *right[] = { &b->c0.c0, &b->c1.c0, &b->c0.c1, &b->c1.c1, &b->c0.c2, &b->c1.c2 };
    struct fp12 sum;
    struct fp2 *to[] = { &sum.c0.c0, &sum.c1.c0, &sum.c0.c1, &sum.c1.c1, &sum.c0.c2, &sum.c1.c2 };

    for (size_t i = 0; i < 6; i++)
        *to[i] = fp2_zero;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            struct fp2 product;
            fp2_multiply(&product, left[i], right[j]);
            if (i + j >= 6)
                fp2_multiply_xi(&product, &product);
            fp2_add(to[(i + j) % 6], to[(i + j) % 6], &product);
        }
    *out = sum;
}

static void fp12_is_fp2_with_a_sixth_root_of_xi(void **state)
{
    struct fp12 a, b, c, expected, found;
    struct fp6 square, product;
    (void)state;

    for (size_t round = 0; round < TOWER_ROUNDS; round++) {
        random_fp12(&a);
        random_fp12(&b);
        slow_fp12_product(&expected, &a, &b);
        fp12_multiply(&found, &a, &b);
        assert_true(fp12_equal(&found, &expected));
        slow_fp12_product(&expected, &a, &a);
        fp12_square(&found, &a);
        assert_true(fp12_equal(&found, &expected));
        fp12_invert(&c, &a);
        fp12_multiply(&found, &a, &c);
        assert_true(fp12_equal(&found, &fp12_one));

        struct fp12 line = { 0 };
        line.c0.c0 = b.c0.c0;
        line.c1.c0 = b.c1.c0;
        line.c1.c1 = b.c1.c1;
        slow_fp12_product(&expected, &a, &line);
        fp12_multiply_line(&found, &a, &b.c0.c0, &b.c1.c0, &b.c1.c1);
        assert_true(fp12_equal(&found, &expected));

        fp6_square(&square, &a.c0);
        fp6_multiply(&product, &a.c0, &a.c0);
        assert_true(fp2_equal(&square.c0, &product.c0) && fp2_equal(&square.c1, &product.c1) &&
                    fp2_equal(&square.c2, &product.c2));
    }
}

static void frobenius_is_the_power_of_p(void **state)
{
    uint8_t p[FIELD_BYTES];
    struct bits exponent;
    struct fp12 a, power = fp12_one, image;
    (void)state;

    assert_true(hex_decode(p, sizeof p, p_hex, strlen(p_hex)));
    bits_from_bytes(&exponent, p, sizeof p);
    random_fp12(&a);
    for (size_t i = FIELD_BYTES * 8; i-- > 0;) {
        fp12_square(&power, &power);
        if (exponent.bit[i] != 0)
            fp12_multiply(&power, &power, &a);
    }
    fp12_frobenius(&image, &a);
    assert_true(fp12_equal(&image, &power));
    for (size_t i = 1; i < 6; i++)
        fp12_frobenius(&image, &image);
    fp12_conjugate(&power, &a);
    assert_true(fp12_equal(&image, &power)); /* six times: the conjugate */
}

static void cyclotomic_squares_are_squares_there_and_nowhere_else(void **state)
{
    struct fp12 a, unitary, t, square, fast;
    (void)state;

    for (size_t round = 0; round < TOWER_ROUNDS; round++) {
        random_fp12(&a);
        fp12_conjugate(&unitary, &a); /* a^((p⁶ − 1)(p² + 1)) */
        fp12_invert(&t, &a);
        fp12_multiply(&unitary, &unitary, &t);
        fp12_frobenius(&t, &unitary);
        fp12_frobenius(&t, &t);
        fp12_multiply(&unitary, &unitary, &t);
        fp12_square(&square, &unitary);
        fp12_cyclotomic_square(&fast, &unitary);
        assert_true(fp12_equal(&square, &fast));
        fp12_square(&square, &a);
        fp12_cyclotomic_square(&fast, &a);
        assert_false(fp12_equal(&square, &fast));
    }
}

int groth16_field_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp_is_arithmetic_modulo_p),
        cmocka_unit_test(fr_is_arithmetic_modulo_r),
        cmocka_unit_test(numbers_not_below_the_modulus_are_refused),
        cmocka_unit_test(sixty_four_random_bytes_are_one_number_modulo_r),
        cmocka_unit_test(roots_of_unity_have_their_order_and_no_smaller),
        cmocka_unit_test(frobenius_factors_are_powers_of_xi),
        cmocka_unit_test(fp2_is_fp_with_a_root_of_minus_one),
        cmocka_unit_test(fp12_is_fp2_with_a_sixth_root_of_xi),
        cmocka_unit_test(frobenius_is_the_power_of_p),
        cmocka_unit_test(cyclotomic_squares_are_squares_there_and_nowhere_else),
    };
    return cmocka_run_group_tests_name("groth16_field", tests, NULL, NULL);
}
