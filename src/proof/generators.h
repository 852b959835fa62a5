/* The generators of range proofs, as dalek's `bulletproofs` makes them: for each of 16 parties 64 points
 * G and 64 points H, from SHAKE256("GeneratorsChain" ‖ 'G' or 'H' ‖ LE32(party)), 64 bytes a point; and
 * the two of Pedersen commitments. Made once, at the first call, in some 20 ms; 0.5 MiB; read only
 * afterwards, from any thread. */
#ifndef PROOF_GENERATORS_H
#define PROOF_GENERATORS_H

#include "proof/ristretto.h"

#define GENERATORS_PARTIES 16
#define GENERATORS_BITS 64

/* All of them, in this order: B, B', then for each party its 64 G and its 64 H. */
#define GENERATOR_BASE 0
#define GENERATOR_BLINDING 1
#define GENERATOR_G(party, bit) ((size_t)2 + (party) * 2 * GENERATORS_BITS + (bit))
#define GENERATOR_H(party, bit) (GENERATOR_G(party, bit) + GENERATORS_BITS)
#define GENERATORS_COUNT GENERATOR_G(GENERATORS_PARTIES, 0)

const struct fixed_points *generators(void);
const struct point *generator(size_t index);

#endif
