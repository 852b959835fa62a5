/* Rootstock's merged mining: that a Bitcoin block's header has the work which a Rootstock block needs, and
 * commits to that block in its coinbase. Rules as rskj has them (co.rsk.validators.ProofOfWorkRule) since
 * RSKIP92. Pure. */
#ifndef NETWORK_EVM_MERGED_MINING_H
#define NETWORK_EVM_MERGED_MINING_H

#include "network/evm/rootstock_header.h"

#define MERGED_MINING_TAG "RSKBLOCK:"
#define MERGED_MINING_PREFIX 20          /* bytes of the mining hash that the header determines */
#define MERGED_MINING_FORK_DATA 12       /* the rest: fork detection data (RSKIP110) */
#define MERGED_MINING_MIDSTATE 40        /* 8 bytes of length, 32 of state */
#define MERGED_MINING_AFTER_MAX 128      /* bytes of the coinbase after the mining hash */
#define MERGED_MINING_PROOF_MAX 960      /* bytes of the merkle branch (RSKIP180) */
#define MERGED_MINING_COINBASE_MAX 4096

struct merged_mining {
    struct hash bitcoin_block;           /* double SHA-256, in the order in which it is hashed */
    uint8_t fork_data[MERGED_MINING_FORK_DATA];
};
/* ERROR_INVALID_PROOF: too little work, no commitment or another, or the branch leads elsewhere.
 * `merkle_proof` and `coinbase` as eth_getBlockByHash gives them (bitcoinMergedMiningMerkleProof,
 * …CoinbaseTransaction). Whether the difficulty is the one that the chain demands is not told by one
 * header. */
MUST_CHECK enum status merged_mining_verify(const struct rootstock_header *header, struct bytes merkle_proof,
                                            struct bytes coinbase, struct merged_mining *finding,
                                            struct error *error);

#endif
