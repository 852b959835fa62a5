/* Arithmetic in Fp6 and Fp12; see bn254_fp12.h. */
#include "proof/bn254_fp12.h"

const struct fp12 fp12_one = { /* 2^256 mod p, and nothing else */
    { { { { 0xd35d438dc58f0d9d, 0x0a78eb28f5c70b3d, 0x666ea36f7879462c, 0x0e0a77c19a07df2f } }, { { 0 } } },
      { { { 0 } }, { { 0 } } },
      { { { 0 } }, { { 0 } } } },
    { { { { 0 } }, { { 0 } } }, { { { 0 } }, { { 0 } } }, { { { 0 } }, { { 0 } } } }
};

/* In Montgomery form; the unit tests compute them again from ξ. The first stands for k = 0 and is not used.
 */
const struct fp2 frobenius_factor[FROBENIUS_FACTORS + 1] = {
    { { { 0 } }, { { 0 } } },
    { { { 0xaf9ba69633144907, 0xca6b1d7387afb78a,
          0x11bded5ef08a2087, 0x02f34d751a1f3a7c } },
      { { 0xa222ae234c492d72, 0xd00f02a4565de15b,
          0xdc2ff3a253dfc926, 0x10a75716b3899551 } } },
    { { { 0xb5773b104563ab30, 0x347f91c8a9aa6454,
          0x7a007127242e0991, 0x1956bcd8118214ec } },
      { { 0x6e849f1ea0aa4757, 0xaa1c7b6d89f89141,
          0xb6e713cdfae0ca3a, 0x26694fbb4e82ebc3 } } },
    { { { 0xe4bbdd0c2936b629, 0xbb30f162e133bacb,
          0x31a9d1b6f9645366, 0x253570bea500f8dd } },
      { { 0xa1d77ce45ffe77c7, 0x07affd117826d1db,
          0x6d16bd27bb7edc6b, 0x2c87200285defecc } } },
    { { { 0x7361d77f843abe92, 0xa5bb2bd3273411fb,
          0x9c941f314b3e2399, 0x15df9cddbb9fd3ec } },
      { { 0x5dddfd154bd8c949, 0x62cb29a5a4445b60,
          0x37bc870a0c7dd2b9, 0x24830a9d3171f0fd } } },
    { { { 0xc970692f41690fe7, 0xe240342127694b0b,
          0x32bee66b83c459e8, 0x12aabced0ab08841 } },
      { { 0x0d485d2340aebfa9, 0x05193418ab2fcc57,
          0xd3b0a40b8a4910f5, 0x2f21ebb535d2925a } } },
};

static void fp6_add(struct fp6 *out, const struct fp6 *a, const struct fp6 *b)
{
    fp2_add(&out->c0, &a->c0, &b->c0);
    fp2_add(&out->c1, &a->c1, &b->c1);
    fp2_add(&out->c2, &a->c2, &b->c2);
}

static void fp6_subtract(struct fp6 *out, const struct fp6 *a, const struct fp6 *b)
{
    fp2_subtract(&out->c0, &a->c0, &b->c0);
    fp2_subtract(&out->c1, &a->c1, &b->c1);
    fp2_subtract(&out->c2, &a->c2, &b->c2);
}

static void fp6_negate(struct fp6 *out, const struct fp6 *a)
{
    fp2_negate(&out->c0, &a->c0);
    fp2_negate(&out->c1, &a->c1);
    fp2_negate(&out->c2, &a->c2);
}

/* Times v: the coefficients move up and the highest comes back as ξ. */
static void fp6_multiply_v(struct fp6 *out, const struct fp6 *a)
{
    struct fp2 top = a->c2;

    out->c2 = a->c1;
    out->c1 = a->c0;
    fp2_multiply_xi(&out->c0, &top);
}

/* (x + y)(z + t) − xz − yt, the cross term of Karatsuba's product. */
static void fp2_cross(struct fp2 *out, const struct fp2 *x, const struct fp2 *y, const struct fp2 *z,
                      const struct fp2 *t, const struct fp2 *xz, const struct fp2 *yt)
{
    struct fp2 left, right;

    fp2_add(&left, x, y);
    fp2_add(&right, z, t);
    fp2_multiply(&left, &left, &right);
    fp2_subtract(&left, &left, xz);
    fp2_subtract(out, &left, yt);
}

void fp6_multiply(struct fp6 *out, const struct fp6 *a, const struct fp6 *b)
{
    struct fp2 p0, p1, p2, p01, p02, p12;

    fp2_multiply(&p0, &a->c0, &b->c0);
    fp2_multiply(&p1, &a->c1, &b->c1);
    fp2_multiply(&p2, &a->c2, &b->c2);
    fp2_cross(&p01, &a->c0, &a->c1, &b->c0, &b->c1, &p0, &p1);
    fp2_cross(&p02, &a->c0, &a->c2, &b->c0, &b->c2, &p0, &p2);
    fp2_cross(&p12, &a->c1, &a->c2, &b->c1, &b->c2, &p1, &p2);

    fp2_multiply_xi(&p12, &p12);
    fp2_add(&out->c0, &p0, &p12);
    fp2_add(&out->c2, &p02, &p1);
    fp2_multiply_xi(&p2, &p2);
    fp2_add(&out->c1, &p01, &p2);
}

/* (a0 + a1·v + a2·v²)² with three squares and two products (Chung, Hasan, "Asymmetric squaring formulae",
 * ARITH 2007, SQR2). */
void fp6_square(struct fp6 *out, const struct fp6 *a)
{
    struct fp2 s0, s1, s2, s3, s4, sum;

    fp2_square(&s0, &a->c0);
    fp2_multiply(&s1, &a->c0, &a->c1);
    fp2_double(&s1, &s1);
    fp2_subtract(&sum, &a->c0, &a->c1);
    fp2_add(&sum, &sum, &a->c2);
    fp2_square(&s2, &sum);
    fp2_multiply(&s3, &a->c1, &a->c2);
    fp2_double(&s3, &s3);
    fp2_square(&s4, &a->c2);

    fp2_multiply_xi(&sum, &s3);
    fp2_add(&out->c0, &s0, &sum);
    fp2_multiply_xi(&sum, &s4);
    fp2_add(&out->c1, &s1, &sum);
    fp2_add(&sum, &s1, &s2);
    fp2_add(&sum, &sum, &s3);
    fp2_subtract(&sum, &sum, &s0);
    fp2_subtract(&out->c2, &sum, &s4);
}

/* By the adjugate of the matrix that multiplies by a. */
void fp6_invert(struct fp6 *out, const struct fp6 *a)
{
    struct fp2 t0, t1, t2, product, norm;

    fp2_square(&t0, &a->c0);
    fp2_multiply(&product, &a->c1, &a->c2);
    fp2_multiply_xi(&product, &product);
    fp2_subtract(&t0, &t0, &product);
    fp2_square(&t1, &a->c2);
    fp2_multiply_xi(&t1, &t1);
    fp2_multiply(&product, &a->c0, &a->c1);
    fp2_subtract(&t1, &t1, &product);
    fp2_square(&t2, &a->c1);
    fp2_multiply(&product, &a->c0, &a->c2);
    fp2_subtract(&t2, &t2, &product);

    fp2_multiply(&norm, &a->c2, &t1);
    fp2_multiply(&product, &a->c1, &t2);
    fp2_add(&norm, &norm, &product);
    fp2_multiply_xi(&norm, &norm);
    fp2_multiply(&product, &a->c0, &t0);
    fp2_add(&norm, &norm, &product);
    fp2_invert(&norm, &norm);
    fp2_multiply(&out->c0, &t0, &norm);
    fp2_multiply(&out->c1, &t1, &norm);
    fp2_multiply(&out->c2, &t2, &norm);
}

void fp12_multiply(struct fp12 *out, const struct fp12 *a, const struct fp12 *b)
{
    struct fp6 p0, p1, left, right;

    fp6_multiply(&p0, &a->c0, &b->c0);
    fp6_multiply(&p1, &a->c1, &b->c1);
    fp6_add(&left, &a->c0, &a->c1);
    fp6_add(&right, &b->c0, &b->c1);
    fp6_multiply(&left, &left, &right);
    fp6_subtract(&left, &left, &p0);
    fp6_subtract(&out->c1, &left, &p1);
    fp6_multiply_v(&p1, &p1);
    fp6_add(&out->c0, &p0, &p1);
}

/* (c0 + c1)(c0 + v·c1) = c0² + v·c1² + (1 + v)·c0·c1 */
void fp12_square(struct fp12 *out, const struct fp12 *a)
{
    struct fp6 product, left, right, shifted;

    fp6_multiply(&product, &a->c0, &a->c1);
    fp6_multiply_v(&shifted, &a->c1);
    fp6_add(&left, &a->c0, &a->c1);
    fp6_add(&right, &a->c0, &shifted);
    fp6_multiply(&left, &left, &right);
    fp6_subtract(&left, &left, &product);
    fp6_multiply_v(&shifted, &product);
    fp6_subtract(&out->c0, &left, &shifted);
    fp6_add(&out->c1, &product, &product);
}

void fp12_invert(struct fp12 *out, const struct fp12 *a)
{
    struct fp6 norm, square;

    fp6_square(&norm, &a->c0);
    fp6_square(&square, &a->c1);
    fp6_multiply_v(&square, &square);
    fp6_subtract(&norm, &norm, &square);
    fp6_invert(&norm, &norm);
    fp6_multiply(&out->c0, &a->c0, &norm);
    fp6_negate(&norm, &norm);
    fp6_multiply(&out->c1, &a->c1, &norm);
}

static bool fp6_equal(const struct fp6 *a, const struct fp6 *b)
{
    return fp2_equal(&a->c0, &b->c0) && fp2_equal(&a->c1, &b->c1) && fp2_equal(&a->c2, &b->c2);
}

bool fp12_equal(const struct fp12 *a, const struct fp12 *b)
{
    return fp6_equal(&a->c0, &b->c0) && fp6_equal(&a->c1, &b->c1);
}

void fp12_conjugate(struct fp12 *out, const struct fp12 *a)
{
    out->c0 = a->c0;
    fp6_negate(&out->c1, &a->c1);
}

/* a·(b0 + b1·v) */
static void fp6_multiply_short(struct fp6 *out, const struct fp6 *a, const struct fp2 *b0,
                               const struct fp2 *b1)
{
    struct fp2 p0, p1, cross, high, low;

    fp2_multiply(&p0, &a->c0, b0);
    fp2_multiply(&p1, &a->c1, b1);
    fp2_cross(&cross, &a->c0, &a->c1, b0, b1, &p0, &p1);
    fp2_multiply(&high, &a->c2, b1);
    fp2_multiply(&low, &a->c2, b0);
    fp2_multiply_xi(&high, &high);
    fp2_add(&out->c0, &p0, &high);
    out->c1 = cross;
    fp2_add(&out->c2, &low, &p1);
}

/* l0 stands in the even half alone, l1 + l3·v in the odd. */
void fp12_multiply_line(struct fp12 *out, const struct fp12 *a, const struct fp2 *l0, const struct fp2 *l1,
                        const struct fp2 *l3)
{
    struct fp6 even, odd, sum;
    struct fp2 mixed;

    fp2_multiply(&even.c0, &a->c0.c0, l0);
    fp2_multiply(&even.c1, &a->c0.c1, l0);
    fp2_multiply(&even.c2, &a->c0.c2, l0);
    fp6_multiply_short(&odd, &a->c1, l1, l3);
    fp6_add(&sum, &a->c0, &a->c1);
    fp2_add(&mixed, l0, l1);
    fp6_multiply_short(&sum, &sum, &mixed, l3);
    fp6_subtract(&sum, &sum, &even);
    fp6_subtract(&out->c1, &sum, &odd);
    fp6_multiply_v(&odd, &odd);
    fp6_add(&out->c0, &even, &odd);
}

/* c_k·w^k to the p: conj(c_k)·w^k·w^(k(p−1)), and w^(p−1) = ξ^((p−1)/6). */
void fp12_frobenius(struct fp12 *out, const struct fp12 *a)
{
    const struct fp2 *in[] = { &a->c0.c0, &a->c1.c0, &a->c0.c1, &a->c1.c1, &a->c0.c2, &a->c1.c2 };
    struct fp2 *to[] = { &out->c0.c0, &out->c1.c0, &out->c0.c1, &out->c1.c1, &out->c0.c2, &out->c1.c2 };

    fp2_conjugate(to[0], in[0]);
    for (size_t k = 1; k <= FROBENIUS_FACTORS; k++) {
        fp2_conjugate(to[k], in[k]);
        fp2_multiply(to[k], to[k], &frobenius_factor[k]);
    }
}

/* (x + y·s)² = (x² + ξ·y²) + 2xy·s in Fp2[s]/(s² − ξ). */
static void fp4_square(struct fp2 *even, struct fp2 *odd, const struct fp2 *x, const struct fp2 *y)
{
    struct fp2 x2, y2, sum;

    fp2_square(&x2, x);
    fp2_square(&y2, y);
    fp2_add(&sum, x, y);
    fp2_square(&sum, &sum);
    fp2_subtract(&sum, &sum, &x2);
    fp2_subtract(odd, &sum, &y2);
    fp2_multiply_xi(&y2, &y2);
    fp2_add(even, &x2, &y2);
}

static void three_less_two(struct fp2 *out, const struct fp2 *square,
                           const struct fp2 *a) /* 3·square − 2·a */
{
    struct fp2 t;

    fp2_subtract(&t, square, a);
    fp2_double(&t, &t);
    fp2_add(out, &t, square);
}

static void three_and_two(struct fp2 *out, const struct fp2 *square, const struct fp2 *a) /* 3·square + 2·a */
{
    struct fp2 t;

    fp2_add(&t, square, a);
    fp2_double(&t, &t);
    fp2_add(out, &t, square);
}

/* With s = w³, Fp12 is Fp4[w]/(w³ − s): A = c0.c0 + c1.c1·s, B = c1.c0 + c0.c2·s, C = c0.c1 + c1.c2·s are the
 * coefficients of 1, w and w². The square is (3A² − 2Ā) + (3s·C² + 2B̄)·w + (3B² − 2C̄)·w². */
void fp12_cyclotomic_square(struct fp12 *out, const struct fp12 *a)
{
    struct fp2 a_even, a_odd, b_even, b_odd, c_even, c_odd;

    fp4_square(&a_even, &a_odd, &a->c0.c0, &a->c1.c1);
    fp4_square(&b_even, &b_odd, &a->c1.c0, &a->c0.c2);
    fp4_square(&c_even, &c_odd, &a->c0.c1, &a->c1.c2);
    fp2_multiply_xi(&c_odd, &c_odd);

    three_less_two(&out->c0.c0, &a_even, &a->c0.c0);
    three_and_two(&out->c1.c1, &a_odd, &a->c1.c1);
    three_and_two(&out->c1.c0, &c_odd, &a->c1.c0);
    three_less_two(&out->c0.c2, &c_even, &a->c0.c2);
    three_less_two(&out->c0.c1, &b_even, &a->c0.c1);
    three_and_two(&out->c1.c2, &b_odd, &a->c1.c2);
}
