/* Proofs of what an EVM chain holds, as JSON that says everything: the header, the trie nodes, and what they
 * prove. Checking needs no server; what remains open then is whether the block is the chain's, which
 * `vouched` is for. Every member is checked against what is proved: none is decoration. Pure.
 *
 *   evm_account        {type, chain_id, header, descendants, address, present, nonce, balance,
 *                       storage_root, code_hash, nodes, slots: [{slot, value, nodes}]}
 *   evm_receipt        {type, chain_id, header, descendants, index, receipt, nodes,
 *                       transaction, transaction_nodes}
 *   op_withdrawal      {type, chain_id, header, descendants, withdrawal: {nonce, sender, target, value,
 *                       gas_limit, data}, account_nodes, storage_nodes, output_root}
 *   rootstock_receipt  {type, chain_id, header, descendants, index, receipt, nodes, mining}
 *
 * Numbers of 256 bits are decimal text, bytes "0x…". `descendants` are the headers of the blocks that follow,
 * one after the other, up to one that somebody trusts; may be empty. `transaction` is the raw transaction at
 * the same index, or null: then what transaction the receipt is of is not proved. `mining` is {merkle_proof,
 * coinbase}, or null: then no work is proved. */
#ifndef NETWORK_EVM_EVM_PROOF_H
#define NETWORK_EVM_EVM_PROOF_H

#include "network/evm/receipt.h"
#include "network/evm/reply.h"
#include "network/evm/trie.h"
#include "network/evm/withdrawal.h"

#define EVM_PROOF_TEXT_MAX ((size_t)8 << 20)
#define EVM_PROOF_DESCENDANTS_MAX 128
#define EVM_PROOF_SLOTS_MAX 64

enum evm_proof_type {
    EVM_PROOF_ACCOUNT, EVM_PROOF_RECEIPT, EVM_PROOF_WITHDRAWAL, EVM_PROOF_ROOTSTOCK_RECEIPT
};
struct evm_proof_slot { struct u256 slot, value; };

struct evm_proof {
    enum evm_proof_type type;
    uint64_t chain_id;                    /* as it says: headers do not carry it */
    struct hash block;                    /* what is proved holds after this block */
    uint64_t number, timestamp;
    struct hash vouched;                  /* that block, or the last of its descendants */
    uint64_t vouched_number;

    struct evm_address address;           /* account */
    bool present;
    struct evm_account account;
    size_t slot_count;
    const struct evm_proof_slot *slots;

    uint64_t index;                       /* receipt */
    struct evm_receipt receipt;
    bool has_transaction;
    struct hash transaction;

    struct withdrawal_finding withdrawal;

    bool mined;                           /* merged mining was proved, to this difficulty */
    struct u256 difficulty;
    struct hash bitcoin_block;
};

/* `isthmus`: as in struct withdrawal_proof. ERROR_INVALID_PROOF with what does not hold; *proof lives in the
 * arena. */
MUST_CHECK enum status evm_proof_verify(const char *text, bool isthmus, struct arena *arena,
                                        struct evm_proof *proof, struct error *error);

#endif
