/* The signed form of a command: canonical JSON (RFC 8785) of {account, chain, method, params, salt,
 * valid_until}, and its id, the tagged hash `layerd/transaction` of those bytes, which a BIP-340 signature of
 * the account covers. Nodes and clients share this file, so that they cannot disagree. */
#ifndef CRYPTO_TRANSACTION_H
#define CRYPTO_TRANSACTION_H

#include "base/json.h"
#include "crypto/schnorr.h"

#define TRANSACTION_TAG "layerd/transaction"
#define TRANSACTION_SALT_SIZE 16                  /* bytes; 32 hex digits in the JSON */
#define TRANSACTION_SIZE_MAX (512 * 1024)         /* canonical bytes */
#define TRANSACTION_CHAIN_MAX 64
#define TRANSACTION_METHOD_MAX 64

struct transaction {
    struct account_id account;            /* who signs */
    const char *chain;                    /* "dev-0123456789abcdef" */
    const char *method;                   /* "ledger.transfer" */
    const json_t *params;                 /* an object */
    uint8_t salt[TRANSACTION_SALT_SIZE];  /* makes equal commands different transactions */
    int64_t valid_until_us;               /* block time from which on it is refused, µs */
};

/* Appends the canonical bytes to `out` and gives their id. ERROR_NOT_CANONICAL, ERROR_LIMIT. */
MUST_CHECK enum status transaction_encode(const struct transaction *transaction, struct buffer *out,
                                          struct hash *id, struct error *error);

/* The reverse, from parsed JSON: exactly these six members, each of its type. The result borrows from `json`.
 * The canonical bytes are appended to `out`. ERROR_INVALID_PARAMS, ERROR_NOT_CANONICAL, ERROR_LIMIT. */
MUST_CHECK enum status transaction_decode(const json_t *json, struct transaction *transaction,
                                          struct buffer *out, struct hash *id, struct error *error);

void transaction_id(struct hash *id, const void *canonical, size_t size);

#endif
