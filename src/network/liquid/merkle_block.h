/* A proof that transactions are in a block, as gettxoutproof gives it: a header and part of the block's
 * tree (BIP 37). Pure. */
#ifndef NETWORK_LIQUID_MERKLE_BLOCK_H
#define NETWORK_LIQUID_MERKLE_BLOCK_H

#include "network/liquid/header.h"

#define LIQUID_PROOF_TRANSACTIONS_MAX 65536

enum liquid_proof { LIQUID_PROOF_GOOD, LIQUID_PROOF_MALFORMED, LIQUID_PROOF_WRONG_ROOT, LIQUID_PROOF_ABSENT };
const char *liquid_proof_name(enum liquid_proof verdict);

/* Whether the proof shows this transaction (wire order) under its header's root. *position: its number in
 * the block. */
enum liquid_proof liquid_proof_check(struct bytes proof, const struct hash *transaction,
                                     struct liquid_header *header, uint32_t *position);

#endif
