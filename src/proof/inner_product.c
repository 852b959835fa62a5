/* The generators are not folded from round to round: their coefficients are, which are scalars, and each
 * L and R is one sum over the original generators. Index i of a vector of length n stands for all
 * original indices that are i modulo n. */
#include "proof/inner_product.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proof/generators.h"

struct round {
    const struct inner_product_shape *shape;
    size_t half;                 /* of the present length */
    const struct scalar *a, *b;  /* present vectors */
    struct scalar *g, *h;        /* coefficients of the original generators */
    struct scalar *g_term, *h_term; /* scratch */
};

static void inner_product(struct scalar *out, const struct scalar *a, const struct scalar *b, size_t size)
{
    *out = scalar_zero;
    for (size_t i = 0; i < size; i++)
        scalar_multiply_add(out, &a[i], &b[i]);
}

/* Σ g_term·G + h_term·H + q·B. */
static void sum_generators(struct point *out, const struct round *round, const struct scalar *q)
{
    struct fixed_run runs[1 + 2 * GENERATORS_PARTIES];
    size_t bits = round->shape->bits, used = 0;

    runs[used++] = (struct fixed_run){ GENERATOR_BASE, 1, q };
    for (size_t party = 0; party < round->shape->count; party++) {
        runs[used++] = (struct fixed_run){ GENERATOR_G(party, 0), bits, round->g_term + party * bits };
        runs[used++] = (struct fixed_run){ GENERATOR_H(party, 0), bits, round->h_term + party * bits };
    }
    points_multiply_public_fixed(out, NULL, NULL, 0, generators(), runs, used);
}

/* With `upper` (for L): the lower half of a over the upper half of G, the upper half of b over the lower
 * half of H. Without (for R) the other way round. */
static void cross_term(struct point *out, const struct round *round, bool upper, const struct scalar *q)
{
    size_t half = round->half;
    struct scalar product;

    for (size_t i = 0; i < round->shape->size; i++) {
        size_t at = i % (2 * half);
        bool in_upper = at >= half;
        round->g_term[i] = round->h_term[i] = scalar_zero;
        if (in_upper == upper)
            scalar_multiply(&round->g_term[i], &round->g[i], &round->a[upper ? at - half : at + half]);
        else
            scalar_multiply(&round->h_term[i], &round->h[i], &round->b[upper ? at + half : at - half]);
    }
    if (upper)
        inner_product(&product, round->a, round->b + half, half);
    else
        inner_product(&product, round->a + half, round->b, half);
    scalar_multiply(&product, &product, q);
    sum_generators(out, round, &product);
}

static void fold(struct round *round, struct scalar *a, struct scalar *b, const struct scalar *u,
                 const struct scalar *inverse)
{
    size_t half = round->half;

    for (size_t i = 0; i < half; i++) {
        scalar_multiply(&a[i], &a[i], u);
        scalar_multiply_add(&a[i], &a[half + i], inverse);
        scalar_multiply(&b[i], &b[i], inverse);
        scalar_multiply_add(&b[i], &b[half + i], u);
    }
    for (size_t i = 0; i < round->shape->size; i++) {
        bool in_upper = i % (2 * half) >= half;
        scalar_multiply(&round->g[i], &round->g[i], in_upper ? u : inverse);
        scalar_multiply(&round->h[i], &round->h[i], in_upper ? inverse : u);
    }
}

static void domain(struct transcript *transcript, const struct inner_product_shape *shape)
{
    transcript_append_text(transcript, "dom-sep", "ipp v1");
    transcript_append_u64(transcript, "n", shape->size);
}

void inner_product_make_public(struct transcript *transcript, const struct inner_product_shape *shape,
                               const struct scalar *q, struct scalar *h_factors, struct scalar *a,
                               struct scalar *b, uint8_t *proof)
{
    AUTO_FREE struct scalar *work = memory_array(3 * shape->size, sizeof *work);
    struct round round = { .shape = shape, .half = shape->size, .a = a, .b = b, .g = work, .h = h_factors,
                           .g_term = work + shape->size, .h_term = work + 2 * shape->size };
    struct scalar u, inverse;
    struct point cross;

    for (size_t i = 0; i < shape->size; i++)
        round.g[i] = scalar_one;
    domain(transcript, shape);
    for (size_t r = 0; r < shape->rounds; r++) {
        round.half /= 2;
        cross_term(&cross, &round, true, q);
        point_encode(proof, &cross);
        transcript_append(transcript, "L", proof, POINT_SIZE);
        cross_term(&cross, &round, false, q);
        point_encode(proof + POINT_SIZE, &cross);
        transcript_append(transcript, "R", proof + POINT_SIZE, POINT_SIZE);
        transcript_challenge_scalar(transcript, "u", &u);
        scalar_invert(&inverse, &u);
        fold(&round, a, b, &u, &inverse);
        proof += (size_t)2 * POINT_SIZE;
    }
    scalar_encode(proof, &a[0]);
    scalar_encode(proof + SCALAR_SIZE, &b[0]);
}

void inner_product_challenges(struct transcript *transcript, const struct inner_product_shape *shape,
                              const uint8_t *proof, struct scalar *challenges)
{
    domain(transcript, shape);
    for (size_t r = 0; r < shape->rounds; r++) {
        transcript_append(transcript, "L", proof + 2 * r * POINT_SIZE, POINT_SIZE);
        transcript_append(transcript, "R", proof + (2 * r + 1) * POINT_SIZE, POINT_SIZE);
        transcript_challenge_scalar(transcript, "u", &challenges[r]);
    }
}

void inner_product_factors(const struct inner_product_shape *shape, const struct scalar *challenges,
                           const struct scalar *inverses, struct scalar *factors)
{
    factors[0] = scalar_one;
    for (size_t r = 0; r < shape->rounds; r++)
        scalar_multiply(&factors[0], &factors[0], &inverses[r]);
    /* Bit j of the index belongs to round rounds - 1 - j. Setting it turns u^-1 into u: times u². */
    for (size_t bit = 0; bit < shape->rounds; bit++) {
        struct scalar square;
        const struct scalar *u = &challenges[shape->rounds - 1 - bit];
        scalar_multiply(&square, u, u);
        for (size_t i = 0; i < (size_t)1 << bit; i++)
            scalar_multiply(&factors[((size_t)1 << bit) + i], &factors[i], &square);
    }
}
