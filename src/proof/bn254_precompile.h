/* What the EVM's precompiled contracts 6, 7 and 8 answer: addition and multiplication on BN254's first group
 * (EIP-196) and the check of a product of pairings (EIP-197). Bytes in, bytes out; gas is not counted here.
 *
 * False, and nothing written, where the contract fails: a coordinate not below p, a point not on its curve, a
 * point of the twist outside the subgroup, a size that is no multiple of 192. Infinity is all zero. */
#ifndef PROOF_BN254_PRECOMPILE_H
#define PROOF_BN254_PRECOMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PRECOMPILE_POINT_BYTES 64
#define PRECOMPILE_WORD_BYTES 32
#define PRECOMPILE_PAIR_BYTES 192

/* Two points of 64 bytes. Input that is short counts as padded with zeros, what is too much is not read. */
bool bn254_precompile_add(uint8_t out[PRECOMPILE_POINT_BYTES], struct bytes input);

/* A point and a factor of 32 bytes, any number below 2^256; padded and cut likewise. */
bool bn254_precompile_multiply(uint8_t out[PRECOMPILE_POINT_BYTES], struct bytes input);

/* Pairs of a point of G1 (x, y) and one of G2 (x, y, each the factor of i first): 1 when the product of their
 * pairings is one, else 0, as a word of 32 bytes. No pairs: 1. */
bool bn254_precompile_pairing(uint8_t out[PRECOMPILE_WORD_BYTES], struct bytes input);

#endif
