/* The verifier of range proofs. Each proof is one equation between points: a sum that must be the
 * identity. A batch is the sum of those sums, each times its own weight, and because all proofs share
 * their generators, each proof more costs only its own points. Weights are drawn from a transcript over
 * all proofs, so whoever makes a bad proof has to find one whose own hash cancels it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proof/generators.h"
#include "proof/range_shape.h"

#define OWN_POINTS_MAX (4 + 2 * RANGE_PROOF_ROUNDS_MAX + RANGE_PROOF_VALUES_MAX) /* A S T_1 T_2, L R, V */

/* One proof, decoded, with its challenges. */
struct opened {
    struct inner_product_shape shape;
    struct point points[OWN_POINTS_MAX]; /* A, S, T_1, T_2, L and R of each round, the commitments */
    size_t points_count;
    struct scalar t_x, t_x_blinding, e_blinding, a, b;
    struct scalar y, z, x, w;
    struct scalar u[RANGE_PROOF_ROUNDS_MAX];
    struct scalar c; /* joins the two equations of a proof into one */
    uint8_t digest[32]; /* of all that the proof and its transcript say */
};

/* The sum so far: own points of the proofs, and one scalar for each generator. */
struct check {
    struct point *points;
    struct scalar *scalars;
    size_t count;
    size_t parties;     /* whose generators are in use */
    struct scalar *generators; /* GENERATORS_COUNT */
};

/* --- decoding ------------------------------------------------------------------------------------------- */

static enum status take_point(struct point *out, const uint8_t *bytes, const char *name, bool identity_may_be,
                              struct error *error)
{
    if (!point_decode(out, bytes))
        return error_set(error, ERROR_MALFORMED_PROOF, "%s is not the encoding of a point", name);
    if (!identity_may_be && point_is_identity(out))
        return error_set(error, ERROR_MALFORMED_PROOF, "%s is the identity", name);
    return OK;
}

static enum status take_scalar(struct scalar *out, const uint8_t *bytes, const char *name,
                               struct error *error)
{
    if (!scalar_decode(out, bytes))
        return error_set(error, ERROR_MALFORMED_PROOF, "%s is not below the group order", name);
    return OK;
}

static enum status decode(struct opened *proof, const struct range_claim *claim, const uint8_t *bytes,
                          struct error *error)
{
    static const char *const names[4] = { "A", "S", "T_1", "T_2" };
    const uint8_t *rounds = bytes + 224, *last = rounds + 64 * proof->shape.rounds;
    struct point *next = proof->points;

    for (size_t i = 0; i < 4; i++)
        TRY(take_point(next++, bytes + 32 * i, names[i], false, error));
    TRY(take_scalar(&proof->t_x, bytes + 128, "t_x", error));
    TRY(take_scalar(&proof->t_x_blinding, bytes + 160, "t_x_blinding", error));
    TRY(take_scalar(&proof->e_blinding, bytes + 192, "e_blinding", error));
    for (size_t i = 0; i < 2 * proof->shape.rounds; i++)
        TRY(take_point(next++, rounds + 32 * i, i % 2 == 0 ? "L" : "R", false, error));
    TRY(take_scalar(&proof->a, last, "a", error));
    TRY(take_scalar(&proof->b, last + 32, "b", error));
    for (size_t j = 0; j < claim->count; j++)
        TRY(take_point(next++, claim->commitments[j], "a commitment", true, error));
    proof->points_count = (size_t)(next - proof->points);
    return OK;
}

static void replay(struct opened *proof, const struct range_claim *claim, const uint8_t *bytes,
                   struct transcript *after)
{
    struct transcript transcript = *claim->transcript;

    range_proof_begin(&transcript, &proof->shape);
    for (size_t j = 0; j < claim->count; j++)
        transcript_append(&transcript, "V", claim->commitments[j], POINT_SIZE);
    transcript_append(&transcript, "A", bytes, POINT_SIZE);
    transcript_append(&transcript, "S", bytes + 32, POINT_SIZE);
    transcript_challenge_scalar(&transcript, "y", &proof->y);
    transcript_challenge_scalar(&transcript, "z", &proof->z);
    transcript_append(&transcript, "T_1", bytes + 64, POINT_SIZE);
    transcript_append(&transcript, "T_2", bytes + 96, POINT_SIZE);
    transcript_challenge_scalar(&transcript, "x", &proof->x);
    transcript_append(&transcript, "t_x", bytes + 128, SCALAR_SIZE);
    transcript_append(&transcript, "t_x_blinding", bytes + 160, SCALAR_SIZE);
    transcript_append(&transcript, "e_blinding", bytes + 192, SCALAR_SIZE);
    transcript_challenge_scalar(&transcript, "w", &proof->w);
    inner_product_challenges(&transcript, &proof->shape, bytes + 224, proof->u);
    if (after != NULL)
        *after = transcript;
    transcript_append(&transcript, "a b", bytes + 224 + 64 * proof->shape.rounds, (size_t)2 * SCALAR_SIZE);
    transcript_challenge_scalar(&transcript, "c", &proof->c);
    transcript_challenge(&transcript, "digest", proof->digest, sizeof proof->digest);
}

static enum status open_claim(struct opened *proof, const struct range_claim *claim, struct transcript *after,
                              struct error *error)
{
    TRY(range_shape(&proof->shape, claim->bits, claim->count, error));
    size_t size = range_proof_size(claim->bits, claim->count);
    if (claim->proof.size != size)
        return error_set(error, ERROR_MALFORMED_PROOF, "a range proof of %zu bytes; expected %zu",
                         claim->proof.size, size);
    TRY(decode(proof, claim, claim->proof.data, error));
    replay(proof, claim, claim->proof.data, after);
    return OK;
}

/* --- the equation --------------------------------------------------------------------------------------- */

/* 1 + base + base² + … of 2^log terms: (1 + base)(1 + base²)(1 + base⁴)… */
static void geometric_sum(struct scalar *out, const struct scalar *base, size_t log)
{
    struct scalar power = *base, factor;

    *out = scalar_one;
    for (size_t i = 0; i < log; i++) {
        scalar_add(&factor, &power, &scalar_one);
        scalar_multiply(out, out, &factor);
        scalar_multiply(&power, &power, &power);
    }
}

/* (z - z²)·<1, y^i> - z³·<1, 2^i>·Σ z^j: what t0 has apart from the values. */
static void delta(struct scalar *out, const struct opened *proof)
{
    const struct inner_product_shape *shape = &proof->shape;
    struct scalar z_2, z_3, sum, part, largest;

    scalar_multiply(&z_2, &proof->z, &proof->z);
    scalar_multiply(&z_3, &z_2, &proof->z);
    geometric_sum(&sum, &proof->y, shape->rounds);
    scalar_subtract(&part, &proof->z, &z_2);
    scalar_multiply(out, &part, &sum);

    part = scalar_zero;
    for (size_t j = 0; j < shape->count; j++) {
        scalar_multiply(&part, &part, &proof->z);
        scalar_add(&part, &part, &scalar_one);
    }
    scalar_from_u64(&largest, shape->bits == 64 ? UINT64_MAX : ((uint64_t)1 << shape->bits) - 1);
    scalar_multiply(&part, &part, &largest);
    scalar_multiply(&part, &part, &z_3);
    scalar_subtract(out, out, &part);
}

static void put(struct check *check, const struct point *point, const struct scalar *scalar)
{
    check->points[check->count] = *point;
    check->scalars[check->count++] = *scalar;
}

/* A + x·S + c·x·T_1 + c·x²·T_2 + Σ u²·L + u^-2·R + c·Σ z^(2+j)·V[j], all times the weight. */
static void add_own_points(struct check *check, const struct opened *proof, const struct scalar *weight,
                           const struct scalar *inverses)
{
    const struct point *next = proof->points;
    struct scalar scalar, square;

    put(check, next++, weight);
    scalar_multiply(&scalar, weight, &proof->x);
    put(check, next++, &scalar);
    scalar_multiply(&scalar, &scalar, &proof->c);
    put(check, next++, &scalar);
    scalar_multiply(&scalar, &scalar, &proof->x);
    put(check, next++, &scalar);
    for (size_t r = 0; r < proof->shape.rounds; r++) {
        scalar_multiply(&square, &proof->u[r], &proof->u[r]);
        scalar_multiply(&scalar, &square, weight);
        put(check, next++, &scalar);
        scalar_multiply(&square, &inverses[r], &inverses[r]);
        scalar_multiply(&scalar, &square, weight);
        put(check, next++, &scalar);
    }
    scalar_multiply(&scalar, weight, &proof->c);
    scalar_multiply(&scalar, &scalar, &proof->z);
    for (size_t j = 0; j < proof->shape.count; j++) {
        scalar_multiply(&scalar, &scalar, &proof->z);
        put(check, next++, &scalar);
    }
}

/* B gets w·(t_x - a·b) + c·(delta - t_x); B' gets -e_blinding - c·t_x_blinding. */
static void add_bases(struct check *check, const struct opened *proof, const struct scalar *weight)
{
    struct scalar sum, part;

    scalar_multiply(&part, &proof->a, &proof->b);
    scalar_subtract(&part, &proof->t_x, &part);
    scalar_multiply(&sum, &part, &proof->w);
    delta(&part, proof);
    scalar_subtract(&part, &part, &proof->t_x);
    scalar_multiply_add(&sum, &part, &proof->c);
    scalar_multiply_add(&check->generators[GENERATOR_BASE], &sum, weight);

    scalar_multiply(&sum, &proof->c, &proof->t_x_blinding);
    scalar_add(&sum, &sum, &proof->e_blinding);
    scalar_negate(&sum, &sum);
    scalar_multiply_add(&check->generators[GENERATOR_BLINDING], &sum, weight);
}

/* G[i] gets -z - a·s[i]; H[i] gets z + y^-i·(z^(2+j)·2^i - b·s[size - 1 - i]). */
static void add_generators(struct check *check, const struct opened *proof, const struct scalar *weight,
                           const struct scalar *inverses, const struct scalar *y_inverse)
{
    const struct inner_product_shape *shape = &proof->shape;
    struct scalar factors[RANGE_PROOF_BITS_MAX * RANGE_PROOF_VALUES_MAX];
    struct scalar z, a, b, z_power, power_2, y_power = scalar_one, term;

    inner_product_factors(shape, proof->u, inverses, factors);
    scalar_multiply(&z, &proof->z, weight);
    scalar_multiply(&a, &proof->a, weight);
    scalar_multiply(&b, &proof->b, weight);
    scalar_multiply(&z_power, &z, &proof->z);
    for (size_t j = 0; j < shape->count; j++) {
        struct scalar *g = &check->generators[GENERATOR_G(j, 0)], *h = &check->generators[GENERATOR_H(j, 0)];
        power_2 = z_power;
        for (size_t i = 0; i < shape->bits; i++) {
            size_t index = j * shape->bits + i;
            scalar_multiply(&term, &a, &factors[index]);
            scalar_add(&term, &term, &z);
            scalar_subtract(&g[i], &g[i], &term);
            scalar_multiply(&term, &b, &factors[shape->size - 1 - index]);
            scalar_subtract(&term, &power_2, &term);
            scalar_multiply(&term, &term, &y_power);
            scalar_add(&term, &term, &z);
            scalar_add(&h[i], &h[i], &term);
            scalar_add(&power_2, &power_2, &power_2);
            scalar_multiply(&y_power, &y_power, y_inverse);
        }
        scalar_multiply(&z_power, &z_power, &proof->z);
    }
    check->parties = shape->count > check->parties ? shape->count : check->parties;
}

static void add_proof(struct check *check, const struct opened *proof, const struct scalar *weight)
{
    size_t rounds = proof->shape.rounds;
    struct scalar inverses[RANGE_PROOF_ROUNDS_MAX + 1];

    memcpy(inverses, proof->u, rounds * sizeof inverses[0]);
    inverses[rounds] = proof->y;
    scalars_invert_public(inverses, rounds + 1);
    add_own_points(check, proof, weight, inverses);
    add_bases(check, proof, weight);
    add_generators(check, proof, weight, inverses, &inverses[rounds]);
}

static void check_init(struct check *check, size_t proofs)
{
    *check = (struct check){
        .points = memory_array_aligned(proofs * OWN_POINTS_MAX, sizeof(struct point), _Alignof(struct point)),
        .scalars = memory_array(proofs * OWN_POINTS_MAX, sizeof(struct scalar)),
    };
    check->generators = memory_array(GENERATORS_COUNT, sizeof(struct scalar));
}

static void check_close(struct check *check)
{
    free(check->points);
    free(check->scalars);
    free(check->generators);
}

static bool check_holds(const struct check *check)
{
    struct fixed_run run = { GENERATOR_BASE, GENERATOR_G(check->parties, 0), check->generators };
    struct point sum;

    points_multiply_public_fixed(&sum, check->scalars, check->points, check->count, generators(), &run, 1);
    return point_is_identity(&sum);
}

/* --- claims --------------------------------------------------------------------------------------------- */

static bool opened_hold(const struct opened *proofs, size_t count)
{
    CLEANUP(check_close) struct check check;
    struct transcript transcript;
    struct scalar weight = scalar_one;

    check_init(&check, count);
    transcript_start(&transcript, "layerd/range-proof-batch");
    for (size_t i = 0; i < count; i++)
        transcript_append(&transcript, "proof", proofs[i].digest, sizeof proofs[i].digest);
    for (size_t i = 0; i < count; i++) {
        add_proof(&check, &proofs[i], &weight);
        transcript_challenge_scalar(&transcript, "weight", &weight);
    }
    return check_holds(&check);
}

enum status range_proof_verify(const struct range_claim *claim, struct transcript *after, struct error *error)
{
    struct opened proof;
    struct transcript past;

    TRY(open_claim(&proof, claim, &past, error));
    if (!opened_hold(&proof, 1))
        return error_set(error, ERROR_INVALID_PROOF, "the range proof does not hold");
    if (after != NULL)
        *after = past;
    return OK;
}

enum status range_proofs_verify(const struct range_claim *claims, size_t count, size_t *bad,
                                struct error *error)
{
    if (count > RANGE_PROOFS_MAX)
        return error_set(error, ERROR_LIMIT, "%zu range proofs at once; at most %d", count, RANGE_PROOFS_MAX);
    AUTO_FREE struct opened *proofs = memory_array_aligned(count, sizeof *proofs, _Alignof(struct opened));
    for (size_t i = 0; i < count; i++) {
        enum status status = open_claim(&proofs[i], &claims[i], NULL, error);
        if (status != OK) {
            *bad = i;
            return status;
        }
    }
    if (opened_hold(proofs, count))
        return OK;
    for (size_t i = 0; i < count; i++)
        if (!opened_hold(&proofs[i], 1)) {
            *bad = i;
            return error_set(error, ERROR_INVALID_PROOF, "range proof %zu of %zu does not hold", i + 1,
                             count);
        }
    INVARIANT(false, "a batch fails whose proofs all hold");
}
