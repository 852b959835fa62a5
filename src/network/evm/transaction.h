/* EVM transactions: built, hashed for signing, encoded, and read back with their sender. Kinds: legacy
 * (before and since EIP-155), EIP-2930 (type 1), EIP-1559 (type 2). Signatures have a low S (EIP-2); the
 * curve order is secp256k1's. */
#ifndef NETWORK_EVM_TRANSACTION_H
#define NETWORK_EVM_TRANSACTION_H

#include "base/memory.h"
#include "network/evm/address.h"
#include "network/evm/rlp.h"

#define EVM_TRANSACTION_SIZE_MAX ((size_t)1 << 20) /* a raw transaction; servers take 128 KiB */
#define EVM_ACCESS_MAX 4096                        /* entries of an access list; and keys of an entry */

enum evm_transaction_kind {
    EVM_LEGACY,             /* chain_id 0: without replay protection, read only */
    EVM_ACCESS_LIST,        /* EIP-2930 */
    EVM_DYNAMIC_FEE,        /* EIP-1559 */
};

struct evm_access { struct evm_address address; size_t key_count; const struct hash *keys; };

struct evm_transaction {
    enum evm_transaction_kind kind;
    uint64_t chain_id;
    uint64_t nonce;                 /* below 2^64 − 1 (EIP-2681) */
    struct u256 gas_price;          /* legacy and EIP-2930; the most a gas unit may cost in EIP-1559 */
    struct u256 priority_fee;       /* EIP-1559 alone */
    uint64_t gas_limit;
    bool creates;                   /* a contract: no `to` */
    struct evm_address to;
    struct u256 value;
    struct bytes data;
    size_t access_count;            /* not in legacy */
    const struct evm_access *access;
    bool is_signed;
    int parity;                     /* of the point's y: 0 or 1 */
    struct signature signature;     /* r ‖ s */
};

/* The bytes that are signed, and their Keccak-256. A legacy one needs a chain id (EIP-155). */
MUST_CHECK enum status evm_transaction_unsigned(const struct evm_transaction *transaction, struct buffer *out,
                                                struct error *error);
MUST_CHECK enum status evm_transaction_digest(const struct evm_transaction *transaction, struct hash *digest,
                                              struct error *error);
/* Puts the signature in. Refused: a high S, a recovery id above 1, an r or s of 0 or not below the order
 * (ERROR_EVM_SIGNATURE). */
MUST_CHECK enum status evm_transaction_put_signature(struct evm_transaction *transaction,
                                                     const struct signature *signature, int recovery_id,
                                                     struct error *error);
/* Asks `sign` for the signature, as struct network_signer does; the status is passed on. The signature is
 * checked to be `key`'s. */
MUST_CHECK enum status evm_transaction_sign(struct evm_transaction *transaction, const struct public_key *key,
                                            enum status (*sign)(void *context, const struct hash *digest,
                                                                struct signature *signature, int *recovery_id,
                                                                struct error *error),
                                            void *context, struct error *error);
/* The signed bytes as they are sent, appended. */
MUST_CHECK enum status evm_transaction_encode(const struct evm_transaction *transaction, struct buffer *out,
                                              struct error *error);
/* Reads signed bytes: every field in its one encoding, signature low and recoverable. `data` and the access
 * list live in `raw` and `arena`. ERROR_EVM_ENCODING, ERROR_EVM_SIGNATURE. */
MUST_CHECK enum status evm_transaction_decode(struct bytes raw, struct arena *arena,
                                              struct evm_transaction *transaction, struct evm_address *sender,
                                              struct error *error);
/* Its id: Keccak-256 of the signed bytes, whatever they are. */
void evm_transaction_id(struct bytes raw, struct hash *id);

/* What the transaction costs at least, before anything runs: 21,000, its data by the byte (EIP-2028,
 * EIP-7623's floor), creation (EIP-3860), the access list (EIP-2930). Rootstock counts otherwise. */
uint64_t evm_transaction_intrinsic_gas(const struct evm_transaction *transaction);

#endif
