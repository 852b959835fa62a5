/* What prover and verifier of range proofs share: which proofs there are, where their pieces lie, how their
 * transcript begins. For range_proof.c and range_verify.c alone. */
#ifndef PROOF_RANGE_SHAPE_H
#define PROOF_RANGE_SHAPE_H

#include "proof/inner_product.h"
#include "proof/range_proof.h"

/* LIMIT when there is no such proof. */
MUST_CHECK enum status range_shape(struct inner_product_shape *shape, size_t bits, size_t count,
                                   struct error *error);

struct range_proof_pieces {
    uint8_t *a, *s, *t_1, *t_2;                 /* points */
    uint8_t *t_x, *t_x_blinding, *e_blinding;   /* scalars */
    uint8_t *rounds;                            /* L and R of each round, then the two last scalars */
};
struct range_proof_pieces range_proof_pieces(uint8_t *proof);

void range_proof_begin(struct transcript *transcript, const struct inner_product_shape *shape);

#endif
