/* Ethereum's hexary Merkle-Patricia trie (Yellow Paper, appendix D): proofs that a key has a value or has
 * none, accounts and storage by EIP-1186, and a small trie built whole, for a block's receipts and
 * transactions. Pure. */
#ifndef NETWORK_EVM_TRIE_H
#define NETWORK_EVM_TRIE_H

#include "base/memory.h"
#include "network/evm/address.h"
#include "network/evm/rlp.h"

#define TRIE_KEY_MAX 64            /* bytes of a key */
#define TRIE_PROOF_NODES_MAX 256   /* nodes of one proof: one a nibble, and what servers list needlessly */
#define TRIE_NODE_SIZE_MAX ((size_t)1 << 20)
#define TRIE_LEAVES_MAX 65536      /* that trie_build takes */

extern const struct hash trie_empty_root; /* Keccak-256 of the empty string's RLP */
extern const struct hash evm_empty_code;  /* Keccak-256 of nothing */

/* Follows `key` (as it stands in the trie: hashed already where the trie is a secure one) from `root`
 * through `nodes`, first the root. OK: *present tells whether the key has a value, `value` which one
 * (borrowed). Every node must be used, in order: ERROR_INVALID_PROOF for one too few, too many, or another;
 * ERROR_EVM_ENCODING for bytes that are no node. An empty trie has no nodes (or, as some servers send it,
 * the one node 0x80). */
MUST_CHECK enum status trie_verify(const struct hash *root, struct bytes key, const struct bytes *nodes,
                                   size_t count, bool *present, struct bytes *value, struct error *error);

/* --- accounts and storage (EIP-1186) --------------------------------------------------------------- */
struct evm_account {
    uint64_t nonce;
    struct u256 balance;
    struct hash storage_root, code_hash;
};
/* The account that an address without one has: all zero, empty storage, no code. */
struct evm_account evm_account_empty(void);
MUST_CHECK bool evm_account_decode(struct bytes value, struct evm_account *account);
void evm_account_encode(const struct evm_account *account, struct buffer *out);
/* What is proved of `address` under a state root: *present false means that there is none, and *account is
 * the empty one. */
MUST_CHECK enum status evm_account_verify(const struct hash *state_root, const struct evm_address *address,
                                          const struct bytes *nodes, size_t count, bool *present,
                                          struct evm_account *account, struct error *error);
/* The word at `slot` under an account's storage root; a slot without a value holds zero. */
MUST_CHECK enum status evm_storage_verify(const struct hash *storage_root, const struct u256 *slot,
                                          const struct bytes *nodes, size_t count, struct u256 *value,
                                          struct error *error);

/* --- building -------------------------------------------------------------------------------------- */
struct trie_leaf { struct bytes key, value; }; /* keys all different, values not empty */
struct trie;                                   /* lives in the arena */
/* ERROR_INVALID_PARAMS: a key twice or too long, an empty value, too many leaves. Leaves are borrowed as
 * long as the trie is. */
MUST_CHECK enum status trie_build(const struct trie_leaf *leaves, size_t count, struct arena *arena,
                                  struct trie **trie, struct error *error);
const struct hash *trie_root(const struct trie *trie);
/* The nodes on the way to `key`, there or not, as trie_verify takes them; in `arena`. */
void trie_prove(const struct trie *trie, struct bytes key, struct arena *arena, const struct bytes **nodes,
                size_t *count);
/* The trie of a list: keys are the RLP of 0, 1, … (a block's transactions and receipts). `values` are
 * borrowed. */
MUST_CHECK enum status trie_of_list(const struct bytes *values, size_t count, struct arena *arena,
                                    struct trie **trie, struct error *error);
/* The key of entry `index` of such a trie: its RLP, of at most 9 bytes. Returns how many. */
#define TRIE_INDEX_KEY_MAX 9
size_t trie_index_key(uint8_t out[TRIE_INDEX_KEY_MAX], uint64_t index);

#endif
