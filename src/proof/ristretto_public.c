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

/* --- terms ---------------------------------------------------------------------------------------------- */

/* One scalar times one point of a sum. Terms with scalar 0 are left out from the start. */
struct term {
    const struct scalar *scalar;
    const struct point *point;
    const struct point *multiples; /* of a fixed point with a table; else NULL */
};

struct terms {
    struct term *list;
    size_t count;
    size_t tabled; /* how many have a table */
};

static void terms_put(struct terms *terms, const struct scalar *scalar, const struct point *point,
                      const struct point *multiples)
{
    if (memcmp(scalar, &scalar_zero, sizeof *scalar) == 0)
        return;
    terms->list[terms->count++] = (struct term){ scalar, point, multiples };
    terms->tabled += multiples != NULL;
}

static void terms_put_run(struct terms *terms, const struct fixed_points *fixed, const struct fixed_run *run)
{
    INVARIANT(run->count <= fixed->count && run->first <= fixed->count - run->count,
              "a run of %zu fixed points from %zu on; there are %zu", run->count, run->first, fixed->count);
    for (size_t i = 0; i < run->count; i++) {
        size_t index = run->first + i;
        const struct point *multiples =
            index < fixed->tabled ? fixed->multiples + index * FIXED_MULTIPLES : NULL;
        terms_put(terms, &run->scalars[i], &fixed->points[index], multiples);
    }
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

/* Odd digits below 2^(width-1) in magnitude, with at least width - 1 zeros after each. Returns how many
 * digits are in use. */
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

static void straus(struct point *out, const struct terms *terms)
{
    AUTO_FREE struct straus_term *all = memory_array(terms->count, sizeof *all);
    AUTO_FREE struct point *multiples = points_new((terms->count - terms->tabled) * MULTIPLES);
    struct point sum = *point_identity(), *next = multiples;
    size_t digits = 0;

    for (size_t i = 0; i < terms->count; i++) {
        const struct term *term = &terms->list[i];
        size_t used = recode(all[i].digits, term->scalar, term->multiples == NULL ? WIDTH : FIXED_WIDTH);
        all[i].multiples = term->multiples;
        if (term->multiples == NULL) {
            odd_multiples(next, term->point, MULTIPLES);
            all[i].multiples = next;
            next += MULTIPLES;
        }
        digits = used > digits ? used : digits;
    }
    for (size_t at = digits; at-- > 0;) {
        point_double(&sum, &sum);
        for (size_t i = 0; i < terms->count; i++) {
            int digit = all[i].digits[at];
            if (digit > 0)
                point_add(&sum, &sum, &all[i].multiples[digit / 2]);
            else if (digit < 0)
                point_subtract(&sum, &sum, &all[i].multiples[-digit / 2]);
        }
    }
    *out = sum;
}

/* --- Pippenger ------------------------------------------------------------------------------------------ */

#define WINDOW_MAX 12

struct pippenger {
    const struct terms *terms;
    size_t window;         /* bits a digit */
    size_t windows;        /* digits a scalar */
    int16_t *digits;       /* `windows` for each term */
    struct point *buckets; /* magnitude m lies in buckets[m - 1] */
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

static void pippenger(struct point *out, const struct terms *terms, size_t window)
{
    size_t buckets = (size_t)1 << (window - 1), windows = SCALAR_BITS / window + 1;
    AUTO_FREE int16_t *digits = memory_array(terms->count * windows, sizeof *digits);
    AUTO_FREE struct point *points = points_new(buckets);
    AUTO_FREE bool *filled = memory_array(buckets, sizeof *filled);
    struct pippenger sum = { terms, window, windows, digits, points, filled };
    struct point total = *point_identity(), part;

    for (size_t i = 0; i < terms->count; i++)
        digits_signed(digits + i * windows, &sum, terms->list[i].scalar);
    for (size_t at = windows; at-- > 0;) {
        for (size_t i = 0; i < window; i++)
            point_double(&total, &total);
        memset(filled, 0, buckets * sizeof *filled);
        for (size_t i = 0; i < terms->count; i++) {
            int digit = digits[i * windows + at];
            if (digit != 0)
                bucket_put(&sum, digit, terms->list[i].point);
        }
        buckets_sum(&part, &sum, buckets);
        point_add(&total, &total, &part);
    }
    *out = total;
}

/* --- which of them -------------------------------------------------------------------------------------- */

/* Both methods double 253 times; what differs is additions. A digit of width w is not zero once in w + 1
 * bits; Straus's additions read all over the tables, which makes them dearer by some 3 in 10 (measured). */
static size_t straus_cost(const struct terms *terms)
{
    size_t once = MULTIPLES + SCALAR_BITS / (WIDTH + 1), tabled = SCALAR_BITS / (FIXED_WIDTH + 1);

    return ((terms->count - terms->tabled) * once + terms->tabled * tabled) * 13 / 10;
}

/* Each window adds every point once and walks 2^(window - 1) buckets with two additions each. */
static size_t pippenger_cost(size_t count, size_t window)
{
    return (SCALAR_BITS / window + 1) * (count + ((size_t)1 << window));
}

static void sum_of(struct point *out, const struct terms *terms)
{
    size_t best = 2;

    for (size_t window = 3; window <= WINDOW_MAX; window++)
        if (pippenger_cost(terms->count, window) < pippenger_cost(terms->count, best))
            best = window;
    if (straus_cost(terms) <= pippenger_cost(terms->count, best))
        straus(out, terms);
    else
        pippenger(out, terms, best);
}

void points_multiply_public_fixed(struct point *out, const struct scalar *scalars,
                                  const struct point *points, size_t count, const struct fixed_points *fixed,
                                  const struct fixed_run *runs, size_t runs_count)
{
    size_t total = count;

    for (size_t r = 0; r < runs_count; r++)
        total += runs[r].count;
    AUTO_FREE struct term *list = memory_array(total, sizeof *list);
    struct terms terms = { list, 0, 0 };
    for (size_t i = 0; i < count; i++)
        terms_put(&terms, &scalars[i], &points[i], NULL);
    for (size_t r = 0; r < runs_count; r++)
        terms_put_run(&terms, fixed, &runs[r]);
    sum_of(out, &terms);
}

void points_multiply_public(struct point *out, const struct scalar *scalars, const struct point *points,
                            size_t count)
{
    points_multiply_public_fixed(out, scalars, points, count, NULL, NULL, 0);
}
