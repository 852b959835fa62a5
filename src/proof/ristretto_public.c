/* Sums of multiples of points for verifiers: the time depends on scalars and points, so nothing secret
 * may come here. Few points: Straus's method (all share the doublings; digits are of width-w
 * non-adjacent form). Many: Pippenger's (points are sorted into buckets, one a digit; the buckets are
 * summed). On top of the façade alone. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proof/ristretto.h"

#define SCALAR_BITS 253
#define DIGITS_MAX (SCALAR_BITS + 1) /* a carry can leave the uppermost bit */
#define WIDTH 5                      /* of a point that comes once: 8 odd multiples */
#define MULTIPLES (1 << (WIDTH - 2))
#define FIXED_WIDTH 7 /* of a point with a table: 32 odd multiples */
#define FIXED_MULTIPLES (1 << (FIXED_WIDTH - 2))

struct fixed_points {
    struct point *points;
    struct point *multiples; /* FIXED_MULTIPLES for each of the first `tabled` */
    size_t count, tabled;
};

static struct point *points_new(size_t count)
{
    return memory_array_aligned(count, sizeof(struct point), _Alignof(struct point));
}

void scalars_invert_public(struct scalar *scalars, size_t count)
{
    /* Montgomery's: products of the first i, one inverse of all, then back. */
    AUTO_FREE struct scalar *before = memory_array(count + 1, sizeof *before);
    struct scalar inverse = scalar_one;

    for (size_t i = 0; i < count; i++) {
        before[i] = inverse;
        scalar_multiply(&inverse, &inverse, &scalars[i]);
    }
    INVARIANT(!scalar_is_zero(&inverse), "0 has no inverse");
    scalar_invert(&inverse, &inverse);
    for (size_t i = count; i-- > 0;) {
        struct scalar own = scalars[i];
        scalar_multiply(&scalars[i], &inverse, &before[i]);
        scalar_multiply(&inverse, &inverse, &own);
    }
}

/* --- fixed points --------------------------------------------------------------------------------------- */

static void odd_multiples(struct point *multiples, const struct point *point, size_t count)
{
    struct point twice;

    multiples[0] = *point;
    if (count > 1)
        point_double(&twice, point);
    for (size_t i = 1; i < count; i++)
        point_add(&multiples[i], &multiples[i - 1], &twice);
}

struct fixed_points *fixed_points_new(const struct point *points, size_t count, size_t tabled)
{
    struct fixed_points *fixed = memory_new(sizeof *fixed);

    INVARIANT(tabled <= count, "tables for %zu of %zu points", tabled, count);
    fixed->points = points_new(count);
    fixed->multiples = points_new(tabled * FIXED_MULTIPLES);
    fixed->count = count;
    fixed->tabled = tabled;
    for (size_t i = 0; i < count; i++)
        fixed->points[i] = points[i];
    for (size_t i = 0; i < tabled; i++)
        odd_multiples(fixed->multiples + i * FIXED_MULTIPLES, &points[i], FIXED_MULTIPLES);
    return fixed;
}

void fixed_points_free(struct fixed_points *fixed)
{
    if (fixed == NULL)
        return;
    free(fixed->points);
    free(fixed->multiples);
    free(fixed);
}

const struct point *fixed_points_at(const struct fixed_points *fixed, size_t index)
{
    INVARIANT(index < fixed->count, "fixed point %zu of %zu", index, fixed->count);
    return &fixed->points[index];
}

/* --- Straus --------------------------------------------------------------------------------------------- */

struct straus_term {
    const struct point *multiples; /* odd ones: 1, 3, 5 … */
    int8_t digits[DIGITS_MAX + 2];
};

/* `count` bits of the scalar from bit `at` on; beyond its end they are 0. */
static uint32_t bits_at(const uint64_t limbs[5], size_t at, size_t count)
{
    uint64_t low = limbs[at / 64] >> (at % 64);

    if (at % 64 != 0 && at / 64 < 4)
        low |= limbs[at / 64 + 1] << (64 - at % 64);
    return (uint32_t)(low & ((1u << count) - 1));
}

static void limbs_of(uint64_t limbs[5], const struct scalar *scalar)
{
    uint8_t bytes[SCALAR_SIZE];

    scalar_encode(bytes, scalar);
    for (size_t i = 0; i < 4; i++) {
        limbs[i] = 0;
        for (size_t k = 8; k-- > 0;)
            limbs[i] = limbs[i] << 8 | bytes[8 * i + k];
    }
    limbs[4] = 0;
}

/* Odd digits below 2^(width-1) in magnitude, with at least width - 1 zeros after each. */
static size_t recode(int8_t digits[DIGITS_MAX], const struct scalar *scalar, size_t width)
{
    uint64_t limbs[5];
    uint32_t carry = 0;
    size_t used = 0;

    limbs_of(limbs, scalar);
    memset(digits, 0, DIGITS_MAX);
    for (size_t at = 0; at < DIGITS_MAX;) {
        if (bits_at(limbs, at, 1) == carry) {
            at++;
            continue;
        }
        uint32_t window = bits_at(limbs, at, width) + carry;
        carry = window >> (width - 1) & 1;
        digits[at] = (int8_t)((int)window - (int)(carry << width));
        used = at + 1;
        at += width;
    }
    return used;
}

static void straus(struct point *out, const struct straus_term *terms, size_t count, size_t digits)
{
    struct point sum = *point_identity();

    for (size_t at = digits; at-- > 0;) {
        point_double(&sum, &sum);
        for (size_t i = 0; i < count; i++) {
            int digit = terms[i].digits[at];
            if (digit > 0)
                point_add(&sum, &sum, &terms[i].multiples[digit / 2]);
            else if (digit < 0)
                point_subtract(&sum, &sum, &terms[i].multiples[-digit / 2]);
        }
    }
    *out = sum;
}

/* --- Pippenger ------------------------------------------------------------------------------------------ */

#define WINDOW_MAX 12

/* The window whose additions are fewest: each of 253/c windows adds every point once, and walks 2^(c-1)
 * buckets with two additions each. */
static size_t window_for(size_t count)
{
    size_t best = 2, least = SIZE_MAX;

    for (size_t window = 2; window <= WINDOW_MAX; window++) {
        size_t additions = (SCALAR_BITS / window + 1) * (count + ((size_t)2 << (window - 1)));
        if (additions < least) {
            least = additions;
            best = window;
        }
    }
    return best;
}

struct pippenger {
    size_t window;  /* bits a digit */
    size_t windows; /* digits a scalar */
    size_t count;
    int16_t *digits;             /* windows for each point */
    const struct point **points;
    struct point *buckets;       /* magnitude m lies in buckets[m - 1] */
    bool *filled;
};

static void digits_signed(int16_t *digits, const struct pippenger *sum, const struct scalar *scalar)
{
    uint64_t limbs[5];
    uint32_t carry = 0;

    limbs_of(limbs, scalar);
    for (size_t i = 0; i < sum->windows; i++) {
        uint32_t digit = bits_at(limbs, i * sum->window, sum->window) + carry;
        carry = digit > 1u << (sum->window - 1);
        digits[i] = (int16_t)((int)digit - (int)(carry << sum->window));
    }
}

static void bucket_put(struct pippenger *sum, int digit, const struct point *point)
{
    size_t at = (size_t)(digit < 0 ? -digit : digit) - 1;

    if (!sum->filled[at]) {
        if (digit > 0)
            sum->buckets[at] = *point;
        else
            point_negate(&sum->buckets[at], point);
        sum->filled[at] = true;
    } else if (digit > 0) {
        point_add(&sum->buckets[at], &sum->buckets[at], point);
    } else {
        point_subtract(&sum->buckets[at], &sum->buckets[at], point);
    }
}

/* Σ m · buckets[m - 1]: from the largest magnitude down, a running sum is added to the total once a step. */
static void buckets_sum(struct point *total, const struct pippenger *sum, size_t buckets)
{
    struct point running = *point_identity();

    *total = *point_identity();
    for (size_t at = buckets; at-- > 0;) {
        if (sum->filled[at])
            point_add(&running, &running, &sum->buckets[at]);
        point_add(total, total, &running);
    }
}

static void pippenger(struct point *out, struct pippenger *sum)
{
    size_t buckets = (size_t)1 << (sum->window - 1);
    struct point total = *point_identity(), part;

    for (size_t window = sum->windows; window-- > 0;) {
        for (size_t i = 0; i < sum->window; i++)
            point_double(&total, &total);
        memset(sum->filled, 0, buckets * sizeof *sum->filled);
        for (size_t i = 0; i < sum->count; i++) {
            int digit = sum->digits[i * sum->windows + window];
            if (digit != 0)
                bucket_put(sum, digit, sum->points[i]);
        }
        buckets_sum(&part, sum, buckets);
        point_add(&total, &total, &part);
    }
    *out = total;
}

/* --- which of them -------------------------------------------------------------------------------------- */

/* Straus reads a table for every point and digit; beyond this, the buckets are cheaper (measured). */
#define STRAUS_MAX 320

static size_t runs_total(const struct fixed_run *runs, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += runs[i].count;
    return total;
}

static void by_straus(struct point *out, const struct scalar *scalars, const struct point *points,
                      size_t count, const struct fixed_points *fixed, const struct fixed_run *runs,
                      size_t runs_count)
{
    size_t total = count + runs_total(runs, runs_count), digits = 0, at = 0, untabled = count;
    AUTO_FREE struct straus_term *terms = memory_array(total + 1, sizeof *terms);

    for (size_t r = 0; r < runs_count; r++)
        for (size_t i = 0; i < runs[r].count; i++)
            untabled += runs[r].first + i >= fixed->tabled;
    struct point *multiples = points_new(untabled * MULTIPLES), *next = multiples;
    for (size_t i = 0; i < count; i++, at++, next += MULTIPLES) {
        size_t used = recode(terms[at].digits, &scalars[i], WIDTH);
        odd_multiples(next, &points[i], MULTIPLES);
        terms[at].multiples = next;
        digits = used > digits ? used : digits;
    }
    for (size_t r = 0; r < runs_count; r++)
        for (size_t i = 0; i < runs[r].count; i++, at++) {
            size_t index = runs[r].first + i, used;
            if (index < fixed->tabled) {
                used = recode(terms[at].digits, &runs[r].scalars[i], FIXED_WIDTH);
                terms[at].multiples = fixed->multiples + index * FIXED_MULTIPLES;
            } else {
                used = recode(terms[at].digits, &runs[r].scalars[i], WIDTH);
                odd_multiples(next, &fixed->points[index], MULTIPLES);
                terms[at].multiples = next;
                next += MULTIPLES;
            }
            digits = used > digits ? used : digits;
        }
    straus(out, terms, total, digits);
    free(multiples);
}

static void by_pippenger(struct point *out, const struct scalar *scalars, const struct point *points,
                         size_t count, const struct fixed_points *fixed, const struct fixed_run *runs,
                         size_t runs_count)
{
    size_t total = count + runs_total(runs, runs_count), window = window_for(total), at = 0;
    size_t windows = SCALAR_BITS / window + 1;
    AUTO_FREE int16_t *digits = memory_array(total * windows + 1, sizeof *digits);
    AUTO_FREE const struct point **where = memory_array(total + 1, sizeof *where);
    AUTO_FREE bool *filled = memory_array((size_t)1 << window, sizeof *filled);
    struct pippenger sum = { window, windows, total, digits, where, points_new((size_t)1 << window), filled };

    for (size_t i = 0; i < count; i++, at++) {
        digits_signed(digits + at * windows, &sum, &scalars[i]);
        where[at] = &points[i];
    }
    for (size_t r = 0; r < runs_count; r++)
        for (size_t i = 0; i < runs[r].count; i++, at++) {
            digits_signed(digits + at * windows, &sum, &runs[r].scalars[i]);
            where[at] = &fixed->points[runs[r].first + i];
        }
    pippenger(out, &sum);
    free(sum.buckets);
}

void points_multiply_public_fixed(struct point *out, const struct scalar *scalars,
                                  const struct point *points, size_t count, const struct fixed_points *fixed,
                                  const struct fixed_run *runs, size_t runs_count)
{
    for (size_t i = 0; i < runs_count; i++)
        INVARIANT(runs[i].count <= fixed->count && runs[i].first <= fixed->count - runs[i].count,
                  "a run of %zu fixed points from %zu on; there are %zu", runs[i].count, runs[i].first,
                  fixed->count);
    if (count + runs_total(runs, runs_count) <= STRAUS_MAX)
        by_straus(out, scalars, points, count, fixed, runs, runs_count);
    else
        by_pippenger(out, scalars, points, count, fixed, runs, runs_count);
}

void points_multiply_public(struct point *out, const struct scalar *scalars, const struct point *points,
                            size_t count)
{
    points_multiply_public_fixed(out, scalars, points, count, NULL, NULL, 0);
}
