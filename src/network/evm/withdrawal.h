/* Withdrawals of OP-Stack chains: a message that left layer 2 stands as a slot of the contract
 * L2ToL1MessagePasser, and that contract's storage root goes into the output root that layer 1 keeps. Pure.
 * Sources: ethereum-optimism specs, protocol/withdrawals.md and protocol/proposals.md. */
#ifndef NETWORK_EVM_WITHDRAWAL_H
#define NETWORK_EVM_WITHDRAWAL_H

#include "network/evm/header.h"
#include "network/evm/trie.h"

extern const struct evm_address evm_message_passer; /* 0x4200…0016 */

struct withdrawal {
    struct u256 nonce;
    struct evm_address sender, target;
    struct u256 value, gas_limit;
    struct bytes data;
};

/* Keccak-256(abi.encode(nonce, sender, target, value, gasLimit, data)). */
void withdrawal_hash(const struct withdrawal *withdrawal, struct hash *hash);
/* The slot of sentMessages[hash]: Keccak-256(hash ‖ 0). */
void withdrawal_slot(const struct hash *hash, struct u256 *slot);
/* Keccak-256(0 ‖ state root ‖ message passer's storage root ‖ block hash). */
void output_root(const struct hash *state_root, const struct hash *storage_root,
                 const struct hash *block_hash, struct hash *root);

struct withdrawal_proof {
    const struct evm_header *header;
    const struct bytes *account_nodes; size_t account_count;
    const struct bytes *storage_nodes; size_t storage_count;
    /* Since Isthmus the header's withdrawals root is that storage root: then it must be. */
    bool isthmus;
};
struct withdrawal_finding { struct hash withdrawal, block, storage_root, output_root; };
/* OK: the withdrawal was sent in or before the block of that header. ERROR_INVALID_PROOF otherwise; whether
 * the header, or the output root, is the chain's is for the caller to find out. */
MUST_CHECK enum status withdrawal_verify(const struct withdrawal *withdrawal,
                                         const struct withdrawal_proof *proof,
                                         struct withdrawal_finding *finding, struct error *error);

#endif
