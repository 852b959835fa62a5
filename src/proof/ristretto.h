/* ristretto255 (RFC 9496): a group of prime order l = 2^252 + 27742317777372353535851937790883648493, its
 * scalars, and sums of multiples of its points.
 *
 * ristretto.c is the only file that knows which libraries compute: replace it to replace them. Points stay
 * decoded (libdecaf's extended coordinates) between operations; only point_encode and point_decode convert.
 *
 * Two kinds of functions. Those with `_public` in their name take a time that depends on their inputs and
 * must see public data only. All others take the same time for all values of the same sizes (tested under
 * valgrind: tests/unit/proof/test_constant_time.c), except for what they return: whether a decoding was
 * taken is public.
 *
 * Outputs may be the same object as inputs. Every struct scalar is reduced (below l); every struct point
 * is a point of the group. Safe from any thread. */
#ifndef PROOF_RISTRETTO_H
#define PROOF_RISTRETTO_H

#include "base/bytes.h"

#define SCALAR_SIZE 32
#define SCALAR_WIDE_SIZE 64
#define POINT_SIZE 32
#define POINT_UNIFORM_SIZE 64

struct scalar { uint64_t limbs[4]; };                    /* little-endian */
struct point { _Alignas(32) uint64_t coordinates[32]; }; /* 256 bytes: pass by address */

/* --- scalars -------------------------------------------------------------------------------------------- */

extern const struct scalar scalar_zero, scalar_one;

/* 32 bytes, little-endian, below l; false otherwise and `out` is untouched. */
MUST_CHECK bool scalar_decode(struct scalar *out, const uint8_t in[SCALAR_SIZE]);
void scalar_encode(uint8_t out[SCALAR_SIZE], const struct scalar *scalar);
void scalar_from_wide(struct scalar *out, const uint8_t in[SCALAR_WIDE_SIZE]); /* little-endian, modulo l */
void scalar_from_u64(struct scalar *out, uint64_t value);
void scalar_random(struct scalar *out); /* from the operating system's randomness */

void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_subtract(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_multiply(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_multiply_add(struct scalar *sum, const struct scalar *a, const struct scalar *b); /* sum += a·b */
void scalar_negate(struct scalar *out, const struct scalar *scalar);
void scalar_invert(struct scalar *out, const struct scalar *scalar); /* of 0: 0 */
bool scalar_equal(const struct scalar *a, const struct scalar *b);
bool scalar_is_zero(const struct scalar *scalar);
void scalar_select(struct scalar *out, const struct scalar *if_0, const struct scalar *if_1, uint8_t bit);
void scalar_wipe(struct scalar *scalar);

/* Each of `scalars`, none of them 0, becomes its inverse: one inversion for all. */
void scalars_invert_public(struct scalar *scalars, size_t count);

/* --- points --------------------------------------------------------------------------------------------- */

const struct point *point_identity(void);
const struct point *point_base(void);

/* RFC 9496 section 4.3.1: canonical encodings alone; false otherwise and `out` is untouched. The identity (32
 * zero bytes) is taken: whoever must not have it asks point_is_identity. */
MUST_CHECK bool point_decode(struct point *out, const uint8_t in[POINT_SIZE]);
void point_encode(uint8_t out[POINT_SIZE], const struct point *point);

/* RFC 9496 section 4.3.4: 64 bytes of a hash to a point whose discrete logarithm nobody knows. */
void point_from_uniform(struct point *out, const uint8_t in[POINT_UNIFORM_SIZE]);

void point_add(struct point *out, const struct point *a, const struct point *b);
void point_subtract(struct point *out, const struct point *a, const struct point *b);
void point_double(struct point *out, const struct point *point);
void point_negate(struct point *out, const struct point *point);
bool point_equal(const struct point *a, const struct point *b);
bool point_is_identity(const struct point *point);
void point_select(struct point *out, const struct point *if_0, const struct point *if_1, uint8_t bit);
void point_wipe(struct point *point); /* it is the identity afterwards */

/* --- multiples by secrets ------------------------------------------------------------------------------- */

void point_multiply(struct point *out, const struct scalar *scalar, const struct point *point);
void point_multiply_base(struct point *out, const struct scalar *scalar);

/* A point that is multiplied often, with a table: about four times as fast. */
struct point_table;
struct point_table *point_table_new(const struct point *point);
void point_table_free(struct point_table *table);
void point_table_multiply(struct point *out, const struct scalar *scalar, const struct point_table *table);

/* Σ scalars[i] · points[i]; the identity for count 0. About three times as fast as one by one. */
void points_multiply(struct point *out, const struct scalar *scalars, const struct point *points,
                     size_t count);

/* --- multiples of public data by public data (ristretto_public.c) --------------------------------------- */

/* Σ scalars[i] · points[i]; the identity for count 0. */
void points_multiply_public(struct point *out, const struct scalar *scalars, const struct point *points,
                            size_t count);

/* Points that are used again and again (generators), with odd multiples of the first `tabled` of them, 8 KiB
 * each. Read only after it has been made. */
struct fixed_points;
struct fixed_points *fixed_points_new(const struct point *points, size_t count, size_t tabled);
void fixed_points_free(struct fixed_points *fixed);
const struct point *fixed_points_at(const struct fixed_points *fixed, size_t index);

/* Some scalars for some of the fixed points: scalars[i] goes with point first + i. */
struct fixed_run {
    size_t first, count;
    const struct scalar *scalars;
};

/* Σ scalars[i] · points[i] + Σ over all runs. */
void points_multiply_public_fixed(struct point *out, const struct scalar *scalars,
                                  const struct point *points, size_t count, const struct fixed_points *fixed,
                                  const struct fixed_run *runs, size_t runs_count);

#endif
