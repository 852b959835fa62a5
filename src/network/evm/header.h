/* A block's header: its fields to RLP to the block's hash, and back. Forks have only ever appended fields,
 * so what a header has is how many it has: 15 (Frontier), 16 (London, base fee), 17 (Shanghai, withdrawals
 * root), 20 (Cancun), 21 (Prague, requests hash). Pure. */
#ifndef NETWORK_EVM_HEADER_H
#define NETWORK_EVM_HEADER_H

#include "network/evm/address.h"
#include "network/evm/rlp.h"

#define EVM_BLOOM_SIZE 256
#define EVM_EXTRA_DATA_MAX 1024  /* Ethereum allows 32; proof-of-authority chains more */
#define EVM_HEADER_FIELDS_LEAST 15
#define EVM_HEADER_FIELDS_WITHDRAWALS 17 /* with as many there is a withdrawals root */
#define EVM_HEADER_FIELDS_MOST 21

struct evm_header {
    size_t fields;               /* 15 … 21: which of those below are there */
    struct hash parent_hash, ommers_hash;
    struct evm_address beneficiary;
    struct hash state_root, transactions_root, receipts_root;
    uint8_t logs_bloom[EVM_BLOOM_SIZE];
    struct u256 difficulty;
    uint64_t number, gas_limit, gas_used, timestamp;
    struct bytes extra_data;     /* borrowed */
    struct hash mix_hash;        /* since the Merge: prevRandao */
    uint8_t nonce[8];
    struct u256 base_fee;                     /* the 16th: EIP-1559 */
    struct hash withdrawals_root;             /* the 17th: EIP-4895 */
    uint64_t blob_gas_used, excess_blob_gas;  /* 18th and 19th: EIP-4844 */
    struct hash parent_beacon_root;           /* the 20th: EIP-4788 */
    struct hash requests_hash;                /* the 21st: EIP-7685 */
};

/* ERROR_EVM_ENCODING: another number of fields, too much extra data. */
MUST_CHECK enum status evm_header_encode(const struct evm_header *header, struct buffer *out,
                                         struct error *error);
MUST_CHECK enum status evm_header_decode(struct bytes raw, struct evm_header *header, struct error *error);
MUST_CHECK enum status evm_header_hash(const struct evm_header *header, struct hash *hash,
                                       struct error *error);

#endif
