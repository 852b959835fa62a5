/* One client for all EVM networks: BOB and Rootstock are tables over it (bob.c, rootstock.c). It talks to
 * one server by JSON-RPC and believes it as little as it can: blocks' hashes are recomputed, parents linked,
 * transaction and contract ids computed here, and what remains the server's word is called that. A client is
 * used by several threads at once: what changes in it is behind its lock. */
#ifndef NETWORK_EVM_EVM_CLIENT_H
#define NETWORK_EVM_EVM_CLIENT_H

#include <pthread.h>

#include "network/evm/reply.h"
#include "network/evm/transaction.h"
#include "network/network.h"
#include "network/transport/json_rpc.h"

/* --- what differs between the networks --------------------------------------------------------------- */
enum evm_family {
    EVM_OPTIMISM,  /* OP-Stack: EIP-1559, tags safe and finalized, EIP-1186 proofs, withdrawals */
    EVM_ROOTSTOCK, /* legacy transactions, depth instead of tags, rsk_ methods for headers and receipts */
};
struct evm_chain {
    const char *name;               /* "bob" */
    enum evm_family family;
    uint64_t chain_id;              /* of its main network */
    uint64_t confirmations;         /* blocks after which a transaction counts, its own one included */
    const char *fee_limit;          /* wei that one transaction may cost, unless the link or the write says */
    uint64_t log_range;             /* blocks that one eth_getLogs may span */
    int64_t bump_after;             /* µs that a transaction may wait before its fee is raised */
    /* per mille by which a fee has to rise at least for servers to take the transaction in another's place */
    uint64_t bump;
};
extern const struct evm_chain bob_chain, rootstock_chain;

/* --- options of a link --------------------------------------------------------------------------------- */
struct evm_options {
    const char *url;
    uint64_t chain_id;              /* NOT_GIVEN: the chain's own */
    struct hash genesis;            /* zero: what the first connection shows is kept */
    struct hash checkpoint;         /* a block that the operator trusts; zero: none */
    uint64_t confirmations;         /* NOT_GIVEN: the chain's own */
    uint64_t start;                 /* the block at which sync begins; NOT_GIVEN: near the tip */
    const char *fee_limit;          /* decimal wei; NULL: the chain's own */
    const char *max_fee_per_gas;    /* decimal wei; NULL: fee_limit alone */
    int64_t bump_after;             /* µs; 0: never; NOT_GIVEN: the chain's own */
    const char *credential;         /* "none", "basic", "header"; NULL: none */
    const char *credential_file, *header, *ca_file;
    uint64_t rate;                  /* requests a second; 0: no limit */
    int64_t timeout;                /* µs of one exchange; 0: 10 s */
    uint64_t connections;           /* 0: as usual */
    bool withdrawals_root;          /* OP-Stack: headers carry the message passer's root (Isthmus) */
    bool rsk_methods;               /* Rootstock: the server has the module rsk */
    const char *work_least;         /* Rootstock: decimal difficulty from which merged mining is an anchor */
};
/* The parameters of both networks, and those of one. */
#define EVM_OPTIONS_COMMON                                                                                   \
    PARAM(struct evm_options, url, TEXT, REQUIRED,                                                           \
          "the server's JSON-RPC address, http or https, not shown; or file:/path of a file with it",        \
          .most = 2048),                                                                                     \
    PARAM(struct evm_options, chain_id, INTEGER, OPTIONAL,                                                   \
          "the chain id that the server must have; default: the main network's", .fallback = NOT_GIVEN),     \
    PARAM(struct evm_options, genesis, HASH, OPTIONAL, "the hash that block 0 must have"),                   \
    PARAM(struct evm_options, checkpoint, HASH, OPTIONAL,                                                    \
          "the hash of a block that you trust: proofs that lead to it rest on it"),                          \
    PARAM(struct evm_options, confirmations, INTEGER, OPTIONAL,                                              \
          "blocks after which a transaction counts as confirmed", .fallback = NOT_GIVEN),                    \
    PARAM(struct evm_options, start, INTEGER, OPTIONAL,                                                      \
          "the block at which sync_state begins; default: near the newest", .fallback = NOT_GIVEN),          \
    PARAM(struct evm_options, fee_limit, TEXT, OPTIONAL,                                                     \
          "wei that one transaction may cost at most, decimal"),                                             \
    PARAM(struct evm_options, max_fee_per_gas, TEXT, OPTIONAL,                                               \
          "wei that a unit of gas may cost at most, decimal; also of fees that are raised"),                 \
    PARAM(struct evm_options, bump_after, DURATION, OPTIONAL,                                                \
          "a transaction that has waited so long at less than the network asks is sent at a higher fee; "    \
          "0: never", .fallback = NOT_GIVEN),                                                                \
    PARAM(struct evm_options, credential, CHOICE, OPTIONAL, "how to show who you are",                       \
          .choices = evm_credentials),                                                                       \
    PARAM(struct evm_options, credential_file, TEXT, OPTIONAL,                                               \
          "the file with the credential, mode 0600, or credential:NAME of systemd", .most = 4096),           \
    PARAM(struct evm_options, header, TEXT, OPTIONAL, "credential header: the header's name"),               \
    PARAM(struct evm_options, ca_file, TEXT, OPTIONAL,                                                       \
          "PEM file with the only certificate authorities that are trusted", .most = 4096),                  \
    PARAM(struct evm_options, rate, INTEGER, OPTIONAL, "requests a second at most; 0: no limit"),            \
    PARAM(struct evm_options, timeout, DURATION, OPTIONAL, "of one exchange; default: 10 s"),                \
    CONNECTIONS_PARAM(struct evm_options)
extern const char *const evm_credentials[];

/* --- the client -------------------------------------------------------------------------------------- */
struct evm_client {
    const struct evm_chain *chain;
    const struct evm_options *options;
    uint64_t chain_id, confirmations;
    uint64_t checksum;              /* chain id for evm_address_encode: EIP-1191, or EVM_CHECKSUM_PLAIN */
    struct u256 fee_limit, work_least;
    struct u256 price_limit;        /* of a unit of gas; the largest number: none */
    int64_t bump_after;
    struct endpoint *endpoint;
    struct network_signer *signer;  /* NULL: no key */
    struct evm_address account;     /* of the signer */
    char account_text[EVM_ADDRESS_TEXT_MAX];

    pthread_mutex_t lock;           /* for what is below */
    struct hash genesis;            /* zero: not yet seen */
    uint64_t rewind_at, rewind_step; /* a reorg being followed downwards */
};

/* What a link's row alone tells: after how many blocks its client counts something. False: it is of no EVM
 * network. */
MUST_CHECK bool evm_confirmations_of(const char *network, const char *options, uint64_t *confirmations);

enum status evm_initialize(const struct evm_chain *chain, const struct network_setup *setup, void **client,
                           struct error *error);
void evm_release(void *client);
void evm_describe(const void *client, struct writer *w);
bool evm_measure(const void *client, struct endpoint_metrics *metrics);
bool evm_capable(const void *client, enum network_operation operation, const char **reason);

enum status evm_connect(void *client, struct network_call *call, struct network_greeting *greeting);
enum status evm_disconnect(void *client, struct network_call *call);
/* Whether it is there, on the chain, and how far: one exchange. */
enum status evm_health_check(void *client, struct network_call *call, struct network_state *state);
enum status evm_get_state(void *client, struct network_call *call, struct network_state *state);
enum status evm_sync_state(void *client, struct network_call *call, const struct network_position *position,
                           struct network_sync *sync);
enum status evm_validate_state(void *client, struct network_call *call, const char *claim,
                               struct network_verdict *verdict);
enum status evm_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                             struct network_status *status);
enum status evm_history(void *client, struct network_call *call, const char *after, size_t limit,
                        struct network_history *history);
enum status evm_estimate_fees(void *client, struct network_call *call, const struct network_write *write,
                              struct network_fees *fees);
/* Addresses (not their checksums), amount, memo, symbol, decimals; of WRITE_SUBMIT nothing. Pure. */
enum status evm_judge(const struct network_write *write, struct error *error);
/* WRITE_SUBMIT takes signed bytes; or the text {"to", "value", "data"}, in their place or as options: a call
 * with our key (evm_swap.h makes such). */
enum status evm_prepare(void *client, struct network_call *call, const struct network_write *write,
                        struct network_prepared *prepared);
enum status evm_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                     struct network_sent *sent);
/* Signed anew after bump_after when the newest base fee, tips, or gas price ask more than it offers; sooner,
 * and at last in any case, when it has to be in a block soon. What others signed is left alone. */
enum status evm_raise(void *client, struct network_call *call, const struct network_raise *what,
                      struct network_raised *raised);
enum status evm_verify_proof(void *client, struct network_call *call, const char *proof,
                             struct network_verdict *verdict);
/* Claims: {type: "account", address, slots, block}, {type: "receipt", transaction}, {type: "withdrawal",
 * withdrawal, block}; slots and block may be left out. With `brief: true` the proof is as short as can be:
 * without the headers up to the checkpoint, and without the receipt's transaction. Proofs: evm_proof.h. */
enum status evm_generate_proof(void *client, struct network_call *call, const char *claim,
                               const char **proof);

#define EVM_WRITES (1u << WRITE_SUBMIT | 1u << WRITE_ISSUE | 1u << WRITE_TRANSFER)
#define EVM_TABLE                                                                                            \
    .release = evm_release, .describe = evm_describe, .measure = evm_measure, .capable = evm_capable,        \
    .connect = evm_connect, .disconnect = evm_disconnect, .health_check = evm_health_check,                  \
    .get_state = evm_get_state, .sync_state = evm_sync_state, .validate_state = evm_validate_state,          \
    .check_transaction_status = evm_check_status, .get_transaction_history = evm_history,                    \
    .estimate_fees = evm_estimate_fees, .writes = EVM_WRITES, .judge = evm_judge, .prepare = evm_prepare,    \
    .send = evm_send, .raise = evm_raise,                                                                    \
    .verify_proof = evm_verify_proof, .generate_proof = evm_generate_proof,                                  \
    .paid_how = "whoever pays sends to the link's account, which `connect` tells"

extern const struct network bob_network, rootstock_network;

#endif
