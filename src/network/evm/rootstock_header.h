/* Headers of Rootstock's blocks: the uncompressed encoding that rsk_getRawBlockHeaderByHash gives, and the
 * encodings that are hashed: for the block's hash (RSKIP92: without the merged-mining proof and coinbase;
 * RSKIP351 and RSKIP535: the logs bloom and what is newer replaced by their hash) and for what Bitcoin
 * miners commit to (RSKIP110, RSKIP176). Blocks from before RSKIP92 (mainnet 729,000) are not supported:
 * their hash comes out another. Pure. */
#ifndef NETWORK_EVM_ROOTSTOCK_HEADER_H
#define NETWORK_EVM_ROOTSTOCK_HEADER_H

#include "network/evm/header.h"

#define ROOTSTOCK_UMM_SIZE 20
#define BITCOIN_HEADER_SIZE 80

struct rootstock_header {
    struct hash parent_hash, ommers_hash;
    struct evm_address coinbase;
    struct hash state_root, transactions_root, receipts_root;
    struct bytes logs_bloom;
    struct u256 difficulty;
    uint64_t number, gas_limit, gas_used, timestamp;
    struct bytes extra_data;
    struct u256 paid_fees, minimum_gas_price;
    uint64_t ommer_count;
    bool has_umm;                  /* since Papyrus */
    struct bytes umm_root;         /* 20 bytes or none */
    unsigned version;              /* 0; 1 (RSKIP351); 2 (RSKIP535) */
    bool has_edges;
    struct bytes edges, base_event;
    bool mined;                    /* it has a Bitcoin header */
    struct bytes bitcoin_header;   /* 80 bytes */
    /* The proof and the coinbase: not in what the server gives as the raw header; eth_getBlockByHash tells
     * them. */
    bool has_mining_proof;
    struct bytes merkle_proof, bitcoin_coinbase;
    struct hash hash;              /* of the block */
    /* what miners commit to; since RSKIP110 its last 12 bytes are others, which stand in the coinbase alone
     */
    struct hash mining_hash;
};

/* All bytes are borrowed from `raw`. ERROR_EVM_ENCODING. Integers that rskj writes with a sign byte
 * (difficulty, fees) are taken so. */
MUST_CHECK enum status rootstock_header_decode(struct bytes raw, struct rootstock_header *header,
                                               struct error *error);

#endif
