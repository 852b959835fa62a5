/* The façade over libdecaf and libsodium: the one file of the house that knows their names for ristretto255.
 * Everything here takes the same time for all values; what may not is in ristretto_public.c, on top of this.
 *
 * libdecaf computes; libsodium draws random bytes and wipes. A struct point is a
 * decaf_255_point_t and a struct scalar a decaf_255_scalar_t: same size, same bytes. */
#include "proof/ristretto.h"

#include <decaf/point_255.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/secret.h"

_Static_assert(sizeof(struct scalar) == sizeof(decaf_255_scalar_t), "a scalar is libdecaf's");
_Static_assert(sizeof(struct point) == sizeof(decaf_255_point_t), "a point is libdecaf's");
_Static_assert(_Alignof(struct point) >= _Alignof(struct decaf_255_point_s), "and aligned as such");

const struct scalar scalar_zero = { { 0 } };
const struct scalar scalar_one = { { 1 } };

static const struct decaf_255_scalar_s *in_scalar(const struct scalar *scalar)
{
    return (const struct decaf_255_scalar_s *)(const void *)scalar;
}

static struct decaf_255_scalar_s *out_scalar(struct scalar *scalar)
{
    return (struct decaf_255_scalar_s *)(void *)scalar;
}

static const struct decaf_255_point_s *in_point(const struct point *point)
{
    return (const struct decaf_255_point_s *)(const void *)point;
}

static struct decaf_255_point_s *out_point(struct point *point)
{
    return (struct decaf_255_point_s *)(void *)point;
}

/* --- scalars -------------------------------------------------------------------------------------------- */

bool scalar_decode(struct scalar *out, const uint8_t in[SCALAR_SIZE])
{
    struct scalar decoded;
    bool canonical = decaf_255_scalar_decode(out_scalar(&decoded), in) == DECAF_SUCCESS;

    secret_published(&canonical, sizeof canonical);
    if (canonical)
        *out = decoded;
    scalar_wipe(&decoded);
    return canonical;
}

void scalar_encode(uint8_t out[SCALAR_SIZE], const struct scalar *scalar)
{
    decaf_255_scalar_encode(out, in_scalar(scalar));
}

void scalar_from_wide(struct scalar *out, const uint8_t in[SCALAR_WIDE_SIZE])
{
    decaf_255_scalar_decode_long(out_scalar(out), in, SCALAR_WIDE_SIZE);
}

void scalar_from_u64(struct scalar *out, uint64_t value)
{
    decaf_255_scalar_set_unsigned(out_scalar(out), value);
}

void scalar_random(struct scalar *out)
{
    uint8_t wide[SCALAR_WIDE_SIZE];

    crypto_start();
    randombytes_buf(wide, sizeof wide);
    scalar_from_wide(out, wide);
    sodium_memzero(wide, sizeof wide);
}

void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    decaf_255_scalar_add(out_scalar(out), in_scalar(a), in_scalar(b));
}

void scalar_subtract(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    decaf_255_scalar_sub(out_scalar(out), in_scalar(a), in_scalar(b));
}

void scalar_multiply(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    decaf_255_scalar_mul(out_scalar(out), in_scalar(a), in_scalar(b));
}

void scalar_multiply_add(struct scalar *sum, const struct scalar *a, const struct scalar *b)
{
    struct scalar product;

    scalar_multiply(&product, a, b);
    scalar_add(sum, sum, &product);
    scalar_wipe(&product);
}

void scalar_negate(struct scalar *out, const struct scalar *scalar)
{
    scalar_subtract(out, &scalar_zero, scalar);
}

void scalar_invert(struct scalar *out, const struct scalar *scalar)
{
    (void)!decaf_255_scalar_invert(out_scalar(out), in_scalar(scalar)); /* of 0 it makes 0, and says so */
}

bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
    return decaf_255_scalar_eq(in_scalar(a), in_scalar(b)) == DECAF_TRUE;
}

bool scalar_is_zero(const struct scalar *scalar)
{
    return scalar_equal(scalar, &scalar_zero);
}

void scalar_select(struct scalar *out, const struct scalar *if_0, const struct scalar *if_1, uint8_t bit)
{
    decaf_255_scalar_cond_sel(out_scalar(out), in_scalar(if_0), in_scalar(if_1), bit);
}

void scalar_wipe(struct scalar *scalar)
{
    sodium_memzero(scalar, sizeof *scalar);
}

/* --- points --------------------------------------------------------------------------------------------- */

const struct point *point_identity(void)
{
    return (const struct point *)(const void *)decaf_255_point_identity;
}

const struct point *point_base(void)
{
    return (const struct point *)(const void *)decaf_255_point_base;
}

bool point_decode(struct point *out, const uint8_t in[POINT_SIZE])
{
    struct point decoded;
    bool canonical = decaf_255_point_decode(out_point(&decoded), in, DECAF_TRUE) == DECAF_SUCCESS;

    secret_published(&canonical, sizeof canonical);
    if (canonical)
        *out = decoded;
    return canonical;
}

void point_encode(uint8_t out[POINT_SIZE], const struct point *point)
{
    decaf_255_point_encode(out, in_point(point));
}

void point_from_uniform(struct point *out, const uint8_t in[POINT_UNIFORM_SIZE])
{
    decaf_255_point_from_hash_uniform(out_point(out), in);
}

void point_add(struct point *out, const struct point *a, const struct point *b)
{
    decaf_255_point_add(out_point(out), in_point(a), in_point(b));
}

void point_subtract(struct point *out, const struct point *a, const struct point *b)
{
    decaf_255_point_sub(out_point(out), in_point(a), in_point(b));
}

void point_double(struct point *out, const struct point *point)
{
    decaf_255_point_double(out_point(out), in_point(point));
}

void point_negate(struct point *out, const struct point *point)
{
    decaf_255_point_negate(out_point(out), in_point(point));
}

bool point_equal(const struct point *a, const struct point *b)
{
    return decaf_255_point_eq(in_point(a), in_point(b)) == DECAF_TRUE;
}

bool point_is_identity(const struct point *point)
{
    return point_equal(point, point_identity());
}

void point_select(struct point *out, const struct point *if_0, const struct point *if_1, uint8_t bit)
{
    decaf_255_point_cond_sel(out_point(out), in_point(if_0), in_point(if_1), bit);
}

void point_wipe(struct point *point)
{
    sodium_memzero(point, sizeof *point);
    *point = *point_identity();
}

/* --- multiples by secrets ------------------------------------------------------------------------------- */

void point_multiply(struct point *out, const struct scalar *scalar, const struct point *point)
{
    decaf_255_point_scalarmul(out_point(out), in_point(point), in_scalar(scalar));
}

void point_multiply_base(struct point *out, const struct scalar *scalar)
{
    decaf_255_precomputed_scalarmul(out_point(out), decaf_255_precomputed_base, in_scalar(scalar));
}

struct point_table { decaf_255_precomputed_s *table; };

struct point_table *point_table_new(const struct point *point)
{
    struct point_table *table = memory_new(sizeof *table);

    table->table = memory_array_aligned(1, decaf_255_sizeof_precomputed_s, decaf_255_alignof_precomputed_s);
    decaf_255_precompute(table->table, in_point(point));
    return table;
}

void point_table_free(struct point_table *table)
{
    if (table == NULL)
        return;
    free(table->table);
    free(table);
}

void point_table_multiply(struct point *out, const struct scalar *scalar, const struct point_table *table)
{
    decaf_255_precomputed_scalarmul(out_point(out), table->table, in_scalar(scalar));
}

/* Straus's method with signed digits to base 16: 64 of them, each -8 … 7, and of each point the
 * multiples 1 … 8. All eight are read for every digit, and one is kept. */
#define DIGITS 64
#define MULTIPLES 8
#define TOGETHER 128 /* points that share their doublings: 256 KiB of multiples */

struct secret_term {
    struct point multiples[MULTIPLES];
    int8_t digits[DIGITS];
};

static void recode(int8_t digits[DIGITS], const struct scalar *scalar)
{
    uint8_t bytes[SCALAR_SIZE];
    int carry = 0;

    scalar_encode(bytes, scalar);
    for (size_t i = 0; i < DIGITS; i++) {
        int digit = (bytes[i / 2] >> (i % 2 * 4) & 15) + carry;
        carry = (digit + 8) >> 4;
        digits[i] = (int8_t)(digit - carry * 16);
    }
    /* A scalar is below 2^253: the uppermost digit is at most 2, and no carry leaves it. */
    sodium_memzero(bytes, sizeof bytes);
}

/* `negative` is room that the caller wipes. */
static void pick(struct point *out, struct point *negative, const struct secret_term *term,
                 size_t digit_index)
{
    int digit = term->digits[digit_index];
    int sign = digit >> 31; /* -1 or 0 */
    unsigned magnitude = (unsigned)((digit ^ sign) - sign);

    *out = *point_identity();
    for (unsigned i = 0; i < MULTIPLES; i++) {
        unsigned differs = magnitude ^ (i + 1);
        point_select(out, out, &term->multiples[i], (uint8_t)((differs - 1) >> 31));
    }
    point_negate(negative, out);
    point_select(out, out, negative, (uint8_t)(sign & 1));
}

static void multiply_together(struct point *out, struct secret_term *terms, const struct scalar *scalars,
                              const struct point *points, size_t count)
{
    struct point sum = *point_identity(), term, negative;

    for (size_t i = 0; i < count; i++) {
        recode(terms[i].digits, &scalars[i]);
        terms[i].multiples[0] = points[i];
        for (size_t k = 1; k < MULTIPLES; k++)
            point_add(&terms[i].multiples[k], &terms[i].multiples[k - 1], &points[i]);
    }
    for (size_t digit = DIGITS; digit-- > 0;) {
        if (digit != DIGITS - 1)
            for (unsigned i = 0; i < 4; i++)
                point_double(&sum, &sum);
        for (size_t i = 0; i < count; i++) {
            pick(&term, &negative, &terms[i], digit);
            point_add(&sum, &sum, &term);
        }
    }
    *out = sum;
    point_wipe(&sum);
    point_wipe(&term);
    point_wipe(&negative);
}

void points_multiply(struct point *out, const struct scalar *scalars, const struct point *points,
                     size_t count)
{
    size_t most = count < TOGETHER ? count : TOGETHER;
    struct secret_term *terms = memory_array_aligned(most, sizeof *terms, _Alignof(struct secret_term));
    struct point sum = *point_identity(), part;

    for (size_t done = 0; done < count; done += most) {
        size_t now = count - done < most ? count - done : most;
        multiply_together(&part, terms, scalars + done, points + done, now);
        point_add(&sum, &sum, &part);
    }
    sodium_memzero(terms, most * sizeof *terms);
    free(terms);
    *out = sum;
    point_wipe(&sum);
    point_wipe(&part);
}
