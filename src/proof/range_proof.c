/* The prover of range proofs. Everything between the values and the proof is secret, up to the two vectors
 * that the inner-product argument gets: those are masked by s_left and s_right, which nobody else knows,
 * and the plain protocol of the paper sends them in clear. There, and where a point or scalar goes into the
 * proof, the secrets end (secret.h).
 *
 * Names as in the paper: A commits to the bits, S to the masks; l(x) and r(x) are the masked vectors,
 * and t(x) = <l(x), r(x)> = t0 + t1·x + t2·x². */
#include "proof/range_proof.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/schnorr.h"
#include "proof/generators.h"
#include "proof/inner_product.h"
#include "proof/pedersen.h"
#include "proof/range_shape.h"
#include "proof/secret.h"

struct prover {
    struct inner_product_shape shape;
    const uint64_t *values;
    const struct scalar *blindings;
    struct scalar alpha, rho;            /* blindings of A and S */
    struct scalar t_1, t_2;              /* coefficients */
    struct scalar tau_1, tau_2;          /* blindings of T_1 and T_2 */
    struct scalar scratch;
    struct nonces nonces;
    struct scalar *left, *right;         /* l(x) and r(x), first their constant terms */
    struct scalar *mask_left, *mask_right; /* s_left and s_right; the second then becomes the linear term */
    struct scalar vectors[];             /* the four above, one after another */
};

static void prover_free(void *pointer_to_pointer)
{
    struct prover **prover = pointer_to_pointer;

    secret_free(*prover); /* wipes */
}

static struct prover *prover_new(const struct inner_product_shape *shape, const uint64_t *values,
                                 const struct scalar *blindings)
{
    struct prover *prover = secret_new(sizeof *prover + 4 * shape->size * sizeof prover->vectors[0]);

    prover->shape = *shape;
    prover->values = values;
    prover->blindings = blindings;
    prover->left = prover->vectors;
    prover->right = prover->left + shape->size;
    prover->mask_left = prover->right + shape->size;
    prover->mask_right = prover->mask_left + shape->size;
    return prover;
}

static uint8_t bit_of(const struct prover *prover, size_t index)
{
    return prover->values[index / prover->shape.bits] >> (index % prover->shape.bits) & 1;
}

static void publish_point(struct transcript *transcript, const char *label, const struct point *point,
                          uint8_t out[POINT_SIZE])
{
    point_encode(out, point);
    secret_published(out, POINT_SIZE);
    transcript_append(transcript, label, out, POINT_SIZE);
}

static void publish_scalar(struct transcript *transcript, const char *label, const struct scalar *scalar,
                           uint8_t out[SCALAR_SIZE])
{
    scalar_encode(out, scalar);
    secret_published(out, SCALAR_SIZE);
    transcript_append(transcript, label, out, SCALAR_SIZE);
}

static void draw_nonces(struct prover *prover, const struct transcript *transcript)
{
    nonces_fork(&prover->nonces, transcript);
    for (size_t j = 0; j < prover->shape.count; j++) {
        nonces_secret(&prover->nonces, "value", &prover->values[j], sizeof prover->values[j]);
        nonces_secret(&prover->nonces, "blinding", &prover->blindings[j], sizeof prover->blindings[j]);
    }
    nonces_ready(&prover->nonces, NULL);
    nonces_draw_scalar(&prover->nonces, &prover->alpha);
    nonces_draw_scalar(&prover->nonces, &prover->rho);
    nonces_draw_scalar(&prover->nonces, &prover->tau_1);
    nonces_draw_scalar(&prover->nonces, &prover->tau_2);
    for (size_t i = 0; i < prover->shape.size; i++) {
        nonces_draw_scalar(&prover->nonces, &prover->mask_left[i]);
        nonces_draw_scalar(&prover->nonces, &prover->mask_right[i]);
    }
}

static size_t generator_g(const struct prover *prover, size_t index)
{
    return GENERATOR_G(index / prover->shape.bits, index % prover->shape.bits);
}

/* alpha·B' + Σ of G[i] where bit i is 1 and -H[i] where it is 0. */
static void commit_bits(const struct prover *prover, struct point *out)
{
    struct point term;

    pedersen_commit(out, 0, &prover->alpha);
    for (size_t i = 0; i < prover->shape.size; i++) {
        size_t g = generator_g(prover, i);
        point_negate(&term, generator(g + GENERATORS_BITS));
        point_select(&term, &term, generator(g), bit_of(prover, i));
        point_add(out, out, &term);
    }
    point_wipe(&term);
}

/* rho·B' + Σ s_left[i]·G[i] + s_right[i]·H[i]. */
static void commit_masks(const struct prover *prover, struct point *out)
{
    const struct inner_product_shape *shape = &prover->shape;
    struct point sum;

    pedersen_commit(out, 0, &prover->rho);
    for (size_t j = 0; j < shape->count; j++) {
        points_multiply(&sum, prover->mask_left + j * shape->bits, generator(GENERATOR_G(j, 0)), shape->bits);
        point_add(out, out, &sum);
        points_multiply(&sum, prover->mask_right + j * shape->bits, generator(GENERATOR_H(j, 0)),
                        shape->bits);
        point_add(out, out, &sum);
    }
    point_wipe(&sum);
}

/* l(x) = (bits - z) + s_left·x; r(x) = y^i·(bits - 1 + z) + z^(2+j)·2^i + y^i·s_right·x. */
static void make_polynomials(struct prover *prover, const struct scalar *y, const struct scalar *z)
{
    struct scalar y_power = scalar_one, z_power, weight, minus_z, z_minus_1, one_minus_z, chosen;

    scalar_negate(&minus_z, z);
    scalar_subtract(&z_minus_1, z, &scalar_one);
    scalar_add(&one_minus_z, &scalar_one, &minus_z);
    scalar_multiply(&z_power, z, z);
    for (size_t i = 0; i < prover->shape.size; i++) {
        uint8_t bit = bit_of(prover, i);
        if (i % prover->shape.bits == 0) {
            if (i != 0)
                scalar_multiply(&z_power, &z_power, z);
            weight = z_power;
        }
        scalar_select(&prover->left[i], &minus_z, &one_minus_z, bit);
        scalar_select(&chosen, &z_minus_1, z, bit);
        scalar_multiply(&prover->right[i], &chosen, &y_power);
        scalar_add(&prover->right[i], &prover->right[i], &weight);
        scalar_multiply(&prover->mask_right[i], &prover->mask_right[i], &y_power);
        scalar_add(&weight, &weight, &weight);
        scalar_multiply(&y_power, &y_power, y);
    }
    prover->t_1 = prover->t_2 = scalar_zero;
    for (size_t i = 0; i < prover->shape.size; i++) {
        scalar_multiply_add(&prover->t_1, &prover->left[i], &prover->mask_right[i]);
        scalar_multiply_add(&prover->t_1, &prover->mask_left[i], &prover->right[i]);
        scalar_multiply_add(&prover->t_2, &prover->mask_left[i], &prover->mask_right[i]);
    }
    scalar_wipe(&chosen);
}

/* l and r at x, and t(x) from them. */
static void evaluate(struct prover *prover, const struct scalar *x, struct scalar *t)
{
    *t = scalar_zero;
    for (size_t i = 0; i < prover->shape.size; i++) {
        scalar_multiply_add(&prover->left[i], &prover->mask_left[i], x);
        scalar_multiply_add(&prover->right[i], &prover->mask_right[i], x);
        scalar_multiply_add(t, &prover->left[i], &prover->right[i]);
    }
}

/* tau_1·x + tau_2·x² + Σ z^(2+j)·blinding[j]. */
static void blind_t(const struct prover *prover, const struct scalar *z, const struct scalar *x,
                    struct scalar *out)
{
    struct scalar power;

    scalar_multiply(out, &prover->tau_2, x);
    scalar_add(out, out, &prover->tau_1);
    scalar_multiply(out, out, x);
    scalar_multiply(&power, z, z);
    for (size_t j = 0; j < prover->shape.count; j++) {
        scalar_multiply_add(out, &power, &prover->blindings[j]);
        scalar_multiply(&power, &power, z);
    }
}

static void prove(struct prover *prover, struct transcript *transcript, uint8_t *proof)
{
    struct range_proof_pieces at = range_proof_pieces(proof);
    struct scalar y, z, x, w;
    struct point point;

    commit_bits(prover, &point);
    publish_point(transcript, "A", &point, at.a);
    commit_masks(prover, &point);
    publish_point(transcript, "S", &point, at.s);
    transcript_challenge_scalar(transcript, "y", &y);
    transcript_challenge_scalar(transcript, "z", &z);

    make_polynomials(prover, &y, &z);
    pedersen_commit_scalar(&point, &prover->t_1, &prover->tau_1);
    publish_point(transcript, "T_1", &point, at.t_1);
    pedersen_commit_scalar(&point, &prover->t_2, &prover->tau_2);
    publish_point(transcript, "T_2", &point, at.t_2);
    transcript_challenge_scalar(transcript, "x", &x);

    evaluate(prover, &x, &prover->scratch);
    publish_scalar(transcript, "t_x", &prover->scratch, at.t_x);
    blind_t(prover, &z, &x, &prover->scratch);
    publish_scalar(transcript, "t_x_blinding", &prover->scratch, at.t_x_blinding);
    prover->scratch = prover->alpha;
    scalar_multiply_add(&prover->scratch, &prover->rho, &x);
    publish_scalar(transcript, "e_blinding", &prover->scratch, at.e_blinding);
    transcript_challenge_scalar(transcript, "w", &w);

    size_t size = prover->shape.size;
    AUTO_FREE struct scalar *h_factors = memory_array(size, sizeof *h_factors);
    struct scalar inverse;
    scalar_invert(&inverse, &y);
    h_factors[0] = scalar_one;
    for (size_t i = 1; i < size; i++)
        scalar_multiply(&h_factors[i], &h_factors[i - 1], &inverse);
    secret_published(prover->left, size * sizeof prover->left[0]);
    secret_published(prover->right, size * sizeof prover->right[0]);
    inner_product_make_public(transcript, &prover->shape, &w, h_factors, prover->left, prover->right,
                              at.rounds);
    point_wipe(&point);
}

/* Whether all values have at most so many bits: the answer is public, which value had more is not. */
static bool values_fit(const uint64_t *values, size_t count, size_t bits)
{
    uint64_t excess = 0;

    if (bits < 64)
        for (size_t j = 0; j < count; j++)
            excess |= values[j] >> bits;
    secret_published(&excess, sizeof excess);
    return excess == 0;
}

enum status range_proof_make(struct transcript *transcript, size_t bits, const uint64_t *values,
                             const struct scalar *blindings, size_t count,
                             uint8_t (*commitments)[POINT_SIZE], uint8_t *proof, struct error *error)
{
    struct transcript before = *transcript, now = *transcript;
    uint8_t committed[RANGE_PROOF_VALUES_MAX][POINT_SIZE], made[RANGE_PROOF_SIZE_MAX];
    struct inner_product_shape shape;

    TRY(range_shape(&shape, bits, count, error));
    if (!values_fit(values, count, bits))
        return error_set(error, ERROR_NOT_PROVABLE, "a value has more than %zu bits", bits);
    CLEANUP(prover_free) struct prover *prover = prover_new(&shape, values, blindings);
    range_proof_begin(&now, &shape);
    for (size_t j = 0; j < count; j++) {
        struct point commitment;
        pedersen_commit(&commitment, values[j], &blindings[j]);
        publish_point(&now, "V", &commitment, committed[j]);
    }
    draw_nonces(prover, &now);
    prove(prover, &now, made);

    /* A fault while computing could give secrets away; a proof that verifies is one of the right form. */
    struct range_claim claim = { &before, bits, count, (const uint8_t(*)[POINT_SIZE])committed,
                                 bytes_of(made, range_proof_size(bits, count)) };
    INVARIANT(range_proof_verify(&claim, NULL, error) == OK,
              "a fresh range proof does not verify: the machine computes wrongly");
    memcpy(commitments, committed, count * POINT_SIZE);
    memcpy(proof, made, claim.proof.size);
    *transcript = now;
    return OK;
}
