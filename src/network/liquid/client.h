/* The client of an Elements node with its wallet: what the files of this room share. The node blinds and
 * signs, for there is no library of confidential transactions to do it here; ids, assets, headers and
 * proofs are made and checked here. */
#ifndef NETWORK_LIQUID_CLIENT_H
#define NETWORK_LIQUID_CLIENT_H

#include "network/liquid/merkle_block.h"
#include "network/liquid/transaction.h"
#include "network/network.h"
#include "network/transport/json_rpc.h"

#define LIQUID_DECIMALS 8
#define LIQUID_AMOUNT_MAX ((uint64_t)2100000000000000) /* smallest units: what an explicit value may be */

/* Errors of Elements' RPC (src/rpc/protocol.h). */
enum liquid_rpc_error {
    RPC_NOT_FOUND = -5,        /* invalid address or key: no such transaction, block, asset */
    RPC_NOT_CONNECTED = -9,    /* to any other node */
    RPC_DOWNLOADING = -10,     /* its first blocks */
    RPC_WALLET_LOCKED = -13,   /* wants its passphrase */
    RPC_NO_WALLET = -18,
    RPC_STARTING = -28,
    RPC_WALLET_LOADED = -35,
    RPC_VERIFY = -25,          /* inputs missing or spent: perhaps by the very transaction */
    RPC_REFUSED = -26,
    RPC_IN_CHAIN = -27,        /* it is there already */
};

struct liquid_options {
    const char *url;           /* http://127.0.0.1:7041 */
    /* what getblockchaininfo calls it: liquidv1, liquidtestnet, elementsregtest … */
    const char *chain;
    const char *wallet;        /* NULL: reads alone */
    const char *auth_file;     /* user:password, or the node's .cookie */
    const char *ca_file;       /* NULL: the system's */
    const char *challenge;     /* hex of the federation's script that is trusted; NULL: none */
    const char *checkpoint;    /* hash of a block that is taken for true; NULL: none */
    uint64_t confirmations;    /* until a transaction is final */
    uint64_t connections;      /* 0: as usual */
};

struct liquid_client {
    const struct liquid_options *options;
    struct endpoint *endpoint;
    char *wallet_path;         /* "/wallet/NAME"; NULL */
};

/* --- asking (ask.c) ----------------------------------------------------------------------------- */
/* Any request. ERROR_NETWORK_BUSY: the node starts, downloads, or its wallet is locked. `refusal` may be
 * NULL;
 * nothing of it is the caller's to free. */
MUST_CHECK enum status liquid_call(struct liquid_client *client, struct network_call *call,
                                   const struct rpc_request *request, json_t **result,
                                   struct rpc_refusal *refusal);
/* A read; params as json_pack makes them (stolen). */
MUST_CHECK enum status liquid_ask(struct liquid_client *client, struct network_call *call, const char *method,
                                  json_t *params, json_t **result, struct rpc_refusal *refusal);
/* The same of the wallet, which is loaded where the node has not; ERROR_NETWORK_NOT_SUPPORTED without one. */
MUST_CHECK enum status liquid_ask_wallet(struct liquid_client *client, struct network_call *call,
                                         const char *method, json_t *params, json_t **result,
                                         struct rpc_refusal *refusal);
/* The same with params that are JSON already: for amounts that the node takes as numbers alone. */
MUST_CHECK enum status liquid_ask_wallet_written(struct liquid_client *client, struct network_call *call,
                                                 const char *method, struct bytes params, json_t **result);
/* ERROR_NETWORK_NOT_CONNECTED: the node cannot. */
MUST_CHECK enum status liquid_load_wallet(struct liquid_client *client, struct network_call *call);
/* What the wallet would pay, in smallest units for 1000 virtual bytes, to be in one of the next `blocks`. */
MUST_CHECK enum status liquid_fee_rate(struct liquid_client *client, struct network_call *call,
                                       unsigned blocks,
                                       uint64_t *rate);
/* What the node's answer lacks: ERROR_NETWORK_PROTOCOL. */
enum status liquid_malformed(struct network_call *call, const char *method);

/* Members, strictly. */
MUST_CHECK bool liquid_member_u64(const json_t *object, const char *name, uint64_t *value);
MUST_CHECK bool liquid_member_hash(const json_t *object, const char *name, struct hash *value); /* as shown */
/* a string; appended */
MUST_CHECK bool liquid_member_hex(const json_t *value, size_t most, struct buffer *out);

/* Amounts: what people and the node write with eight decimals, in smallest units here. */
MUST_CHECK bool liquid_amount_read(const char *digits, uint64_t *amount); /* smallest units, 1 … */
#define LIQUID_AMOUNT_TEXT 32
void liquid_amount_decimal(uint64_t amount, char text[LIQUID_AMOUNT_TEXT]); /* "0.00001000" */
MUST_CHECK bool liquid_amount_of_json(const json_t *number, uint64_t *amount); /* may be negative there */

const char *liquid_text(struct network_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* A header by its hash (as shown), verified to have it. *bytes holds it. ERROR_NETWORK_NOT_FOUND. */
MUST_CHECK enum status liquid_fetch_header(struct liquid_client *client, struct network_call *call,
                                           const char *hash, struct buffer *bytes,
                                           struct liquid_header *header);

/* --- operations --------------------------------------------------------------------------------- */
enum status liquid_prepare(void *client, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared);
enum status liquid_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                        struct network_sent *sent);
enum status liquid_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                                struct network_status *status);
enum status liquid_estimate_fees(void *client, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees);
enum status liquid_history(void *client, struct network_call *call, const char *after, size_t limit,
                           struct network_history *history);
enum status liquid_verify_proof(void *client, struct network_call *call, const char *proof,
                                struct network_verdict *verdict);
enum status liquid_generate_proof(void *client, struct network_call *call, const char *claim,
                                  const char **proof);
enum status liquid_validate_state(void *client, struct network_call *call, const char *claim,
                                  struct network_verdict *verdict);

#endif
