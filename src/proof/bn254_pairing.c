/* The pairing; see bn254_pairing.h. Points of the loop are in Jacobian coordinates; lines are scaled by
 * factors from Fp2, which the final exponentiation takes away. */
#include "proof/bn254_pairing.h"

/* Non-adjacent forms, lowest digit first. */
#define LOOP_DIGITS 66
static const int8_t loop_digit[LOOP_DIGITS] = { /* 6u + 2 */
    0, 0, 0, 1, 0, 1, 0, -1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, -1, 0, 0,
    0, 1, 0, -1, 0, 0, 0, 0, -1, 0, 0, 1, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0,
    -1, 0, 0, -1, 0, 1, 0, -1, 0, 0, 0, -1, 0, -1, 0, 0, 0, 1, 0, -1, 0, 1,
};
#define U_DIGITS 63
static const int8_t u_digit[] = { /* u */
    1, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, -1,
    0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, -1, 0, -1, 0, -1, 0, 1, 0,
    1, 0, 0, -1, 0, 1, 0, 1, 0, -1, 0, 0, 1, 0, 1, 0, 0, 0, 1,
};
_Static_assert(sizeof u_digit == U_DIGITS, "one digit an entry");

/* T becomes 2T; the tangent at T. With the slope λ = 3X²/(2YZ) the line is y_P − λ·x_P·w + (λ·x_T − y_T)·w³,
 * here times 2YZ³. */
static void doubling_step(struct pairing_line *line, struct g2 *t)
{
    struct fp2 xx, yy, zz, slope;

    fp2_square(&xx, &t->x);
    fp2_square(&yy, &t->y);
    fp2_square(&zz, &t->z);
    fp2_double(&slope, &xx);
    fp2_add(&slope, &slope, &xx);
    fp2_multiply(&line->c, &slope, &t->x);
    fp2_double(&yy, &yy);
    fp2_subtract(&line->c, &line->c, &yy);
    fp2_multiply(&line->b, &slope, &zz);
    fp2_negate(&line->b, &line->b);
    g2_double(t, t);
    fp2_multiply(&line->a, &t->z, &zz);
}

/* T becomes T + Q; the line through both. With H = x_Q·Z² − X and D = y_Q·Z³ − Y the slope is D/(Z·H), and
 * the line is scaled by Z·H. The sum is (D² − H³ − 2XH², D(XH² − X₃) − YH³, ZH). */
static void addition_step(struct pairing_line *line, struct g2 *t, const struct g2_affine *q)
{
    struct fp2 h, d, hh, hhh, v, zz, s;

    fp2_square(&zz, &t->z);
    fp2_multiply(&h, &q->x, &zz);
    fp2_subtract(&h, &h, &t->x);
    fp2_multiply(&d, &zz, &t->z);
    fp2_multiply(&d, &d, &q->y);
    fp2_subtract(&d, &d, &t->y);

    fp2_square(&hh, &h);
    fp2_multiply(&hhh, &hh, &h);
    fp2_multiply(&v, &t->x, &hh);
    fp2_multiply(&t->z, &t->z, &h);
    fp2_square(&s, &d);
    fp2_subtract(&s, &s, &hhh);
    fp2_subtract(&s, &s, &v);
    fp2_subtract(&t->x, &s, &v);
    fp2_multiply(&hhh, &hhh, &t->y);
    fp2_subtract(&v, &v, &t->x);
    fp2_multiply(&v, &v, &d);
    fp2_subtract(&t->y, &v, &hhh);

    line->a = t->z;
    fp2_negate(&line->b, &d);
    fp2_multiply(&line->c, &d, &q->x);
    fp2_multiply(&s, &t->z, &q->y);
    fp2_subtract(&line->c, &line->c, &s);
}

void g2_prepare(struct g2_prepared *out, const struct g2_affine *q)
{
    struct pairing_line *line = out->line;
    struct g2_affine negative, image;
    struct g2 t;

    out->infinity = g2_affine_is_infinity(q);
    if (out->infinity)
        return;
    g2_affine_negate(&negative, q);
    g2_from_affine(&t, q);
    for (size_t i = LOOP_DIGITS - 1; i-- > 0;) {
        doubling_step(line++, &t);
        if (loop_digit[i] != 0)
            addition_step(line++, &t, loop_digit[i] > 0 ? q : &negative);
    }
    g2_affine_frobenius(&image, q); /* ψ(Q), then −ψ²(Q) */
    addition_step(line++, &t, &image);
    g2_affine_frobenius(&image, &image);
    g2_affine_negate(&image, &image);
    addition_step(line, &t, &image);
}

/* Multiplies by the lines number `at` of all terms. */
static void apply_lines(struct fp12 *f, const struct pairing_term *terms, size_t count, size_t at)
{
    struct fp2 a, b;

    for (size_t i = 0; i < count; i++) {
        if (terms[i].q->infinity || g1_affine_is_infinity(&terms[i].p))
            continue;
        const struct pairing_line *line = &terms[i].q->line[at];
        fp2_scale(&a, &line->a, &terms[i].p.y);
        fp2_scale(&b, &line->b, &terms[i].p.x);
        fp12_multiply_line(f, f, &a, &b, &line->c);
    }
}

void pairing_loop(struct fp12 *out, const struct pairing_term *terms, size_t count)
{
    struct fp12 f = fp12_one;
    size_t at = 0;

    for (size_t i = LOOP_DIGITS - 1; i-- > 0;) {
        if (at > 0)
            fp12_square(&f, &f);
        apply_lines(&f, terms, count, at++);
        if (loop_digit[i] != 0)
            apply_lines(&f, terms, count, at++);
    }
    apply_lines(&f, terms, count, at++);
    apply_lines(&f, terms, count, at);
    *out = f;
}

/* a^u in the cyclotomic subgroup, where the inverse is the conjugate. */
static void power_u(struct fp12 *out, const struct fp12 *a)
{
    struct fp12 result = *a, base = *a, inverse;

    fp12_conjugate(&inverse, a);
    for (size_t i = U_DIGITS - 1; i-- > 0;) {
        fp12_cyclotomic_square(&result, &result);
        if (u_digit[i] != 0)
            fp12_multiply(&result, &result, u_digit[i] > 0 ? &base : &inverse);
    }
    *out = result;
}

/* First to (p⁶ − 1)(p² + 1). Then to 2u(6u² + 3u + 1)·(p⁴ − p² + 1)/r, which is
 *   (1 + 6u + 12u² + 12u³) + p·(4u + 6u² + 12u³) + p²·(6u + 6u² + 12u³) + p³·(−1 + 4u + 6u² + 12u³). */
void final_exponentiation(struct fp12 *out, const struct fp12 *a)
{
    struct fp12 f, t, u2, u4, u6, uu6, uuu12, k, l;

    fp12_conjugate(&f, a);
    fp12_invert(&t, a);
    fp12_multiply(&f, &f, &t);
    fp12_frobenius(&t, &f);
    fp12_frobenius(&t, &t);
    fp12_multiply(&f, &f, &t);

    power_u(&t, &f);
    fp12_cyclotomic_square(&u2, &t);
    fp12_cyclotomic_square(&u4, &u2);
    fp12_multiply(&u6, &u4, &u2);
    power_u(&uu6, &u6);
    fp12_cyclotomic_square(&t, &uu6);
    power_u(&uuu12, &t);

    fp12_multiply(&k, &uuu12, &uu6);
    fp12_multiply(&k, &k, &u6);  /* k = f^(6u + 6u² + 12u³) */
    fp12_conjugate(&t, &u2);
    fp12_multiply(&l, &k, &t);   /* l = f^(4u + 6u² + 12u³) */
    fp12_multiply(&t, &k, &uu6);
    fp12_multiply(&t, &t, &f);   /* the part without p */
    fp12_conjugate(&f, &f);
    fp12_multiply(&f, &f, &l);   /* the part of p³ */
    fp12_frobenius(&f, &f);
    fp12_multiply(&f, &f, &k);
    fp12_frobenius(&f, &f);
    fp12_multiply(&f, &f, &l);
    fp12_frobenius(&f, &f);
    fp12_multiply(out, &f, &t);
}
