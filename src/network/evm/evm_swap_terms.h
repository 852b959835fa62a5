/* What a hash lock of contracts/HashLock.sol is, whoever says so: its terms, the id that covers them, the
 * storage slot that tells its state, and the events of the contract. Pure: for the client, and for whoever
 * judges a proof without one. */
#ifndef NETWORK_EVM_EVM_SWAP_TERMS_H
#define NETWORK_EVM_EVM_SWAP_TERMS_H

#include "network/evm/receipt.h"
#include "network/evm/u256.h"

struct evm_swap_terms {
    struct evm_address contract;   /* the hash lock */
    struct evm_address sender, recipient;
    struct evm_address token;      /* zero: the chain's own coin */
    struct u256 amount;            /* > 0 */
    struct hash hash;              /* SHA-256 of the secret */
    uint64_t deadline_s;           /* Unix: from then on it can be refunded and not claimed */
};
/* The lock's id, as the contract computes it: Keccak-256 of chain id, contract and all terms. */
void evm_swap_id(uint64_t chain_id, const struct evm_swap_terms *terms, struct hash *id);
/* The storage slot whose word tells sender, deadline and state (evm_account proofs), and that word read.
 * False: no state of that number. */
void evm_swap_slot(const struct hash *id, struct u256 *slot);

enum evm_swap_state { EVM_SWAP_NONE, EVM_SWAP_LOCKED, EVM_SWAP_CLAIMED, EVM_SWAP_REFUNDED };
#define EVM_SWAP_STATES 4
struct evm_swap_word { struct evm_address sender; uint64_t deadline_s; enum evm_swap_state state; };
MUST_CHECK bool evm_swap_word_read(const struct u256 *word, struct evm_swap_word *read);

/* --- events ------------------------------------------------------------------------------------------ */
#define EVM_SWAP_EVENT_LOCKED "Locked(bytes32,address,address,address,uint256,bytes32,uint64)"
#define EVM_SWAP_EVENT_CLAIMED "Claimed(bytes32,bytes32)"

/* Of a receipt's logs the one that says that the lock with this id was made: its terms, with the contract
 * that says it; the id is that of these terms on that chain. Whether a hash lock of ours stands at that
 * address is still to be seen: anybody's contract can say anything. False: there is none. */
MUST_CHECK bool evm_swap_find_locked(const struct evm_receipt *receipt, uint64_t chain_id,
                                     const struct hash *id, struct evm_swap_terms *terms);
/* The one of `contract` that says that this lock was claimed, and by what. */
MUST_CHECK bool evm_swap_find_claimed(const struct evm_receipt *receipt, const struct evm_address *contract,
                                      const struct hash *id, struct hash *secret);

#endif
