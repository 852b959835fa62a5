/* What an EVM server is asked, each question a function: its answers parsed, and checked as far as an answer
 * can be checked by itself (a block's hash is recomputed from its fields). For the files of this room. */
#ifndef NETWORK_EVM_SERVER_H
#define NETWORK_EVM_SERVER_H

#include "network/evm/evm_client.h"
#include "network/evm/header.h"
#include "network/evm/receipt.h"
#include "network/evm/rootstock_header.h"

#define SERVER_REASON_MAX 512

/* A question; `params` is stolen. As rpc_call; errors go to call->error. A refusal's `data` is dropped. */
MUST_CHECK enum status server_ask(struct evm_client *client, struct network_call *call, const char *method,
                                  json_t *params, json_t **result);
/* The same, where the server's refusal is an answer: *refused, and what it said. refusal->data is the
 * caller's. */
MUST_CHECK enum status server_ask_or_no(struct evm_client *client, struct network_call *call,
                                        const char *method, json_t *params, json_t **result, bool *refused,
                                        struct rpc_refusal *refusal);
/* The server said what cannot be: it is blamed, and ERROR_NETWORK_PROTOCOL comes back with the message. */
MUST_CHECK enum status server_lied(struct evm_client *client, struct network_call *call, const char *format,
                                   ...) PRINTF_LIKE(3, 4);

MUST_CHECK enum status server_quantity(struct evm_client *client, struct network_call *call,
                                       const char *method, json_t *params, struct u256 *value);
/* Of one transaction of `account`; `block` is a tag or a number as JSON-RPC takes them, stolen. */
MUST_CHECK enum status server_nonce(struct evm_client *client, struct network_call *call,
                                    const struct evm_address *account, json_t *block, uint64_t *nonce);

/* --- blocks ------------------------------------------------------------------------------------------ */
struct server_block {
    bool known;                    /* false: the server has no such block, nothing else is filled */
    struct hash hash, parent;      /* recomputed */
    struct hash state_root, receipts_root;
    uint64_t number, timestamp, gas_limit;
    bool has_base_fee;
    struct u256 base_fee;
    bool has_minimum_gas_price;    /* Rootstock */
    struct u256 minimum_gas_price;
    struct u256 difficulty;
    struct bytes header;           /* its RLP, as it stands in proofs */
};
/* "latest", "safe", "finalized", "0x1f", or a block's hash. At most RPC_BATCH_MAX in one exchange. A server
 * that does not know a tag gives a block that is not known. */
MUST_CHECK enum status server_blocks(struct evm_client *client, struct network_call *call,
                                     const char *const *which, size_t count, struct server_block *blocks);
MUST_CHECK enum status server_block(struct evm_client *client, struct network_call *call, const char *which,
                                    struct server_block *block);
const char *server_block_number(struct network_call *call, uint64_t number); /* "0x1f", in the arena */
const char *server_block_hash(struct network_call *call, const struct hash *hash);

/* The newest block, and what counts as safe and as final: by tags, or by depth. */
struct server_tips { struct server_block latest; bool has_safe, has_final; uint64_t safe, final; };
MUST_CHECK enum status server_tips(struct evm_client *client, struct network_call *call,
                                   struct server_tips *tips);
/* The number of the newest block with the link's confirmations; 0 when there are too few. */
uint64_t server_settled(const struct evm_client *client, uint64_t latest);

/* --- receipts ---------------------------------------------------------------------------------------- */
struct server_receipt {
    bool known;
    bool succeeded;
    struct hash transaction, block;
    uint64_t number, index, gas_used;
    bool has_contract;
    struct evm_address contract;
    bool has_l1_fee;
    struct u256 l1_fee, gas_price;
};
MUST_CHECK enum status server_receipt(struct evm_client *client, struct network_call *call,
                                      const struct hash *transaction, struct server_receipt *receipt);

/* --- calls ------------------------------------------------------------------------------------------- */
struct server_message {            /* what eth_call and eth_estimateGas run */
    const struct evm_address *sender; /* NULL: nobody */
    const struct evm_address *to;     /* NULL: creates */
    struct u256 value;
    struct bytes data;
    uint64_t gas;                     /* 0: the server's limit */
};
struct server_outcome {
    bool reverted;
    char reason[SERVER_REASON_MAX];   /* of the revert, or what the server refused */
    struct bytes answer;              /* in the arena */
};
/* `block` is a tag, a number or a hash (EIP-1898), as server_blocks takes them. */
MUST_CHECK enum status server_call(struct evm_client *client, struct network_call *call,
                                   const struct server_message *message, const char *block,
                                   struct server_outcome *outcome);
MUST_CHECK enum status server_gas(struct evm_client *client, struct network_call *call,
                                  const struct server_message *message, struct server_outcome *outcome,
                                  uint64_t *gas);

/* --- logs -------------------------------------------------------------------------------------------- */
struct server_log {
    struct evm_address address;
    size_t topic_count;
    struct hash topics[EVM_TOPICS_MAX];
    struct bytes data;
    struct hash transaction, block;
    uint64_t number, index, time_s;   /* time 0: the server does not tell it with the log */
};
#define SERVER_LOGS_MAX 10000
struct server_logs { size_t count; struct server_log *logs; };
/* `filter` is eth_getLogs' object, stolen; what comes back fits its block range, address and topics. */
MUST_CHECK enum status server_logs(struct evm_client *client, struct network_call *call, json_t *filter,
                                   struct server_logs *logs);

/* --- claims ------------------------------------------------------------------------------------------ */
/* validate_state's {type: "account"}: evm_verify.c. */
MUST_CHECK enum status server_validate_account(struct evm_client *client, struct network_call *call,
                                               const json_t *claim, struct network_verdict *verdict);

#endif
