/* Hash-locked amounts on an EVM chain, by contracts/HashLock.sol: calls, what a lock's state is, and proofs
 * of it. For layer2/transfer. The calls are made here and submitted as any write: struct network_write of
 * kind WRITE_SUBMIT with what evm_swap_options() writes as its raw bytes (of network.submit_transaction: the
 * parameter `raw`, in hex), so that nonces, durability and repeats are the module's. */
#ifndef NETWORK_EVM_EVM_SWAP_H
#define NETWORK_EVM_EVM_SWAP_H

#include "network/evm/abi.h"
#include "network/evm/evm_client.h"
#include "network/evm/evm_proof.h"
#include "network/evm/evm_swap_terms.h"

/* --- calls: pure ------------------------------------------------------------------------------------- */
struct evm_swap_call { bool creates; struct evm_address to; struct u256 value; struct buffer data; };
void evm_swap_call_close(struct evm_swap_call *call);
void evm_swap_deploy(struct evm_swap_call *call);  /* the contract: once per chain; anybody's serves all */
/* Tokens alone, before evm_swap_lock: lets the contract take what its `lock` is told to, now and later.
 * Without a limit, for locks that are made at once would else take each other's; it takes from nobody but
 * who calls. */
void evm_swap_approve(const struct evm_swap_terms *terms, struct evm_swap_call *call);
void evm_swap_lock(const struct evm_swap_terms *terms, struct evm_swap_call *call); /* by the sender */
void evm_swap_claim(const struct evm_address *contract, const struct hash *id, const struct hash *secret,
                    struct evm_swap_call *call);
void evm_swap_refund(const struct evm_address *contract, const struct hash *id, struct evm_swap_call *call);
/* What could not be paid to the caller: to `to`. */
void evm_swap_withdraw(const struct evm_address *contract, const struct evm_address *token,
                       const struct evm_address *to, struct evm_swap_call *call);
/* {"to", "value", "data"} for struct network_write; appended. */
void evm_swap_options(const struct evm_swap_call *call, struct buffer *out);

/* --- reading: from the server ------------------------------------------------------------------------ */
struct evm_swap_reading {
    enum evm_swap_state state;     /* after the block `height` */
    struct evm_swap_terms terms;   /* as the contract has them; not filled when the state is NONE */
    uint64_t height, latest;
    int64_t time_s;                /* of the latest block: what deadlines are compared with */
    struct hash block;
};
/* With the link's confirmations (settled true) or as of the newest block. That the contract at that address
 * is ours is checked by its code; ERROR_NETWORK_NOT_FOUND when there is none or another. */
MUST_CHECK enum status evm_swap_read(void *client, struct network_call *call,
                                     const struct evm_address *contract, const struct hash *id, bool settled,
                                     struct evm_swap_reading *reading);
/* With so many confirmations, or the link's where they are more. */
MUST_CHECK enum status evm_swap_read_deep(void *client, struct network_call *call,
                                          const struct evm_address *contract, const struct hash *id,
                                          uint64_t confirmations, struct evm_swap_reading *reading);
/* What the contract may take of the sender's tokens, as of the newest block. */
MUST_CHECK enum status evm_swap_allowance(void *client, struct network_call *call,
                                          const struct evm_swap_terms *terms, struct u256 *allowed);
/* How many of the account's transactions are in blocks up to that one: the number of its next. */
MUST_CHECK enum status evm_swap_next_number(void *client, struct network_call *call,
                                            const struct evm_address *account, uint64_t height,
                                            uint64_t *number);
/* The secret with which the lock was claimed in a block from `since` on: its hash is checked, so it is true
 * whoever says it. *found false: not claimed, as far as the newest block tells. */
MUST_CHECK enum status evm_swap_secret(void *client, struct network_call *call,
                                       const struct evm_address *contract, const struct hash *id,
                                       const struct hash *hash, uint64_t since, bool *found,
                                       struct hash *secret, struct hash *transaction);

/* --- proofs: evm_swap_prove.c ------------------------------------------------------------------------ */
enum evm_swap_fact {
    EVM_SWAP_FACT_LOCKED,   /* the receipt with the event Locked of this id */
    EVM_SWAP_FACT_CLAIMED,  /* the receipt with the event Claimed */
    EVM_SWAP_FACT_CONTRACT, /* after the claim's block: the contract's code, the lock's word in its storage */
};
/* A proof (evm_proof.h) with as little in it as can be, from a block with the link's confirmations; events
 * are looked for from block `since` on. What it proves was checked as anybody else would.
 * ERROR_NETWORK_NOT_FOUND: not that deep yet, or not at all; ERROR_NETWORK_NOT_SUPPORTED: the network's
 * servers, or this link's, cannot prove it. */
MUST_CHECK enum status evm_swap_prove(void *client, struct network_call *call,
                                      const struct evm_swap_terms *terms, uint64_t since,
                                      enum evm_swap_fact fact, const char **text, struct evm_proof *proof);

#endif
