/* Stacks transactions on the wire (SIP-005, SIP-015, SIP-031): built, signed, hashed, and read back. One
 * key signs; others' transactions of several keys or sponsors are read as far as their payload. Pure. */
#ifndef NETWORK_STACKS_WIRE_H
#define NETWORK_STACKS_WIRE_H

#include "network/stacks/clarity.h"

#define STACKS_CHAIN_MAINNET 1u
#define STACKS_CHAIN_TESTNET 0x80000000u
#define STACKS_MEMO_MAX 34
#define STACKS_CODE_MAX (1 << 20)    /* bytes of a contract: half of the network's block */
#define STACKS_ARGUMENTS_MAX 64
#define STACKS_TRANSACTION_MAX (2 << 20)
#define STACKS_SIGNATURE_AT 44       /* recovery id, r, s: 65 bytes from here in a transaction of one key */
#define STACKS_SIGNATURE_SIZE 65

enum stacks_payload {
    STACKS_TOKEN_TRANSFER = 0, STACKS_CONTRACT = 1, STACKS_CONTRACT_CALL = 2, STACKS_COINBASE = 4,
    STACKS_COINBASE_TO = 5, STACKS_VERSIONED_CONTRACT = 6, STACKS_TENURE_CHANGE = 7, STACKS_COINBASE_VRF = 8,
};

/* What the transaction may move at most, or it does not happen (mode deny: nothing else moves at all). We
 * write "the signer sends exactly so much of that". */
struct stacks_post_condition {
    bool token;                     /* false: STX */
    struct stacks_principal owner;  /* token: its contract */
    char name[STACKS_NAME_MAX + 1]; /* token: its name in the contract */
    uint64_t amount;
};

struct stacks_transaction {
    bool mainnet;
    uint32_t chain;
    uint8_t signer[HASH160_SIZE];   /* of the key that signs */
    uint64_t nonce, fee;            /* fee in µSTX */
    bool has_post_condition;
    struct stacks_post_condition post_condition;
    enum stacks_payload payload;
    /* token transfer, contract call */
    struct stacks_principal to;     /* who gets it; which contract is called */
    uint64_t amount;                /* µSTX */
    const char *memo;               /* at most STACKS_MEMO_MAX bytes; NULL: none */
    const char *function;           /* contract call */
    size_t argument_count;
    struct bytes arguments;         /* the values one after the other */
    /* contract */
    uint8_t clarity_version;
    const char *contract, *code;
};

/* The transaction with an empty signature. False: a field is longer than the wire takes, or a name is
 * none. */
MUST_CHECK bool stacks_encode(const struct stacks_transaction *transaction, struct buffer *out);
/* What the key signs: of a transaction of one key as stacks_encode makes it. *initial (may be NULL) is the
 * hash before fee and nonce. */
void stacks_signing_hash(struct bytes transaction, struct hash *initial, struct hash *presign);
/* Puts the signature in its place. */
void stacks_put_signature(struct buffer *transaction, const struct signature *signature, int recovery_id);
/* The transaction's id. */
void stacks_transaction_id(struct bytes transaction, struct hash *id);

/* What anybody's transaction says. */
struct stacks_decoded {
    bool mainnet;
    uint32_t chain;
    bool sponsored, one_key;
    struct stacks_address signer;   /* of the origin's condition */
    uint64_t nonce, fee;
    uint8_t post_condition_mode;
    uint32_t post_conditions;
    uint8_t payload;
    size_t payload_at;              /* where its type stands */
    struct stacks_principal to;
    uint64_t amount;
    char function[STACKS_NAME_MAX + 1];
};
/* Reads one transaction and moves *in past it. Strict: nothing missing, no unknown kind. Where one key
 * signs, the signature is verified: *valid_signature (may be NULL) tells. */
MUST_CHECK bool stacks_read(struct bytes *in, struct stacks_decoded *decoded, bool *valid_signature);
/* The same of bytes that are nothing but one transaction. */
MUST_CHECK bool stacks_decode(struct bytes transaction, struct stacks_decoded *decoded,
                              bool *valid_signature);

#endif
