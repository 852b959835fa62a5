/* What every outside network offers, in one shape. A network is a table of functions (struct network), as
 * a module is; a link is one configured use of it: this server, this key. The functions run on threads
 * that may wait, never in the executor: they talk to servers and hand results back; rows, events and
 * retries are the module's (module.c).
 *
 * Nothing pretends. What a network cannot do is NULL in its table, answers ERROR_NETWORK_NOT_SUPPORTED and
 * is left out of its capabilities. What was not verified is `unverifiable`, with the reason. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include "crypto/schnorr.h"
#include "kernel/execution.h"
#include "kernel/module.h"
#include "network/transport/waiting.h"

struct endpoint_metrics; /* network/transport/endpoint.h */
struct transport;

extern const struct module network_module;

/* --- operations ------------------------------------------------------------------------------- */
enum network_operation {
    NETWORK_CONNECT, NETWORK_DISCONNECT, NETWORK_HEALTH_CHECK,
    NETWORK_GET_STATE, NETWORK_SYNC_STATE, NETWORK_VALIDATE_STATE,
    NETWORK_SUBMIT_TRANSACTION, NETWORK_CHECK_TRANSACTION_STATUS, NETWORK_GET_TRANSACTION_HISTORY,
    NETWORK_ESTIMATE_FEES, NETWORK_ISSUE_ASSET, NETWORK_TRANSFER_ASSET,
    NETWORK_VERIFY_PROOF, NETWORK_GENERATE_PROOF, NETWORK_REQUEST_PAYMENT,
    NETWORK_OPERATIONS
};

/* One operation under way. */
struct network_call {
    const char *operation;  /* 32 hex digits: the same again when the operation is repeated after a crash */
    unsigned attempt;       /* 1, 2, … */
    struct waiting waiting; /* until when, and whether it was cancelled */
    struct arena *arena;    /* whatever is handed back lives there */
    struct error error;     /* out, when the status is not OK */
};

/* --- setting up ------------------------------------------------------------------------------- */
/* Signs for a link with its key: ECDSA, recoverable. The secret stays in the keystore. */
struct network_signer {
    struct public_key public_key; /* 33 bytes, compressed */
    /* ERROR_KEYSTORE_LOCKED and the like. */
    enum status (*sign)(struct network_signer *signer, const struct hash *digest, struct signature *signature,
                        int *recovery_id, struct error *error);
};

struct network_setup {
    const char *link;              /* its name: "bob" */
    enum node_network network;          /* this node's: dev, test, main */
    /* the network's own struct, parsed by its `options`; lives as long as the client */
    const void *options;
    struct network_signer *signer; /* NULL: the link has no key */
    struct transport *transport;
    struct kernel *kernel;         /* for our own channels alone; NULL in tests */
};

/* An option of every network that has a server. */
#define CONNECTIONS_PARAM(structure)                                                                         \
    PARAM(structure, connections, INTEGER, OPTIONAL, "to the server at once, at most 64; 0: 8")

/* --- results ---------------------------------------------------------------------------------- */
/* Amounts are decimal digits in the asset's smallest unit: EVM amounts pass 64 bits. `details` is one JSON
 * value with what this network alone tells, or NULL. Texts may be NULL where that is said. */
struct network_greeting {  /* connect */
    const char *chain;     /* its name or number there, verified against the options */
    const char *version;   /* of the server */
    const char *account;   /* ours there; NULL: none */
    const char *details;
};

struct network_state {      /* get_state, health_check */
    bool synced;
    bool has_height, has_safe, has_final;
    uint64_t height, safe, final; /* blocks */
    const char *tip;        /* the newest block's hash; NULL */
    const char *balance;    /* ours, of the network's own coin; NULL */
    const char *details;
};

struct network_block { uint64_t height; const char *hash, *parent; uint64_t time_s; };

struct network_sync {       /* sync_state */
    bool rewound;           /* the block that we stood on is no more: forget all above `rewound_to` */
    uint64_t rewound_to;
    size_t count;           /* new blocks, verified as a chain, rising */
    const struct network_block *blocks;
    bool more;              /* ask again */
    const char *details;
};

enum transaction_state {
    TRANSACTION_UNKNOWN, TRANSACTION_PENDING, TRANSACTION_CONFIRMED, TRANSACTION_FAILED
};
enum finality { FINALITY_NONE, FINALITY_SOFT, FINALITY_SAFE, FINALITY_FINAL };
struct network_status {     /* check_transaction_status */
    enum transaction_state state;
    enum finality finality;
    bool has_confirmations, has_height;
    uint64_t confirmations, height;
    const char *block;      /* hash; NULL */
    const char *reason;     /* why it failed, or why nothing is known; NULL */
    const char *asset;      /* of an issue, once it is known; NULL */
    const char *details;
};

struct network_entry {
    const char *transaction, *kind, *asset, *amount;
    enum transaction_state state;
    uint64_t height, time_s;
    const char *details;
};
struct network_history {    /* get_transaction_history: newest first */
    size_t count;
    const struct network_entry *entries;
    const char *next;       /* give it as `after` to go on; NULL: that was all */
};

struct network_fees {       /* estimate_fees */
    const char *slow, *normal, *fast; /* in `unit` */
    const char *unit;       /* "wei per gas", "satoshi per 1000 bytes" … */
    const char *total;      /* what the described write would cost; NULL: nothing was described */
    const char *details;
};

enum proof_verdict { PROOF_VALID, PROOF_INVALID, PROOF_UNVERIFIABLE };
enum proof_anchor {
    ANCHOR_NONE, ANCHOR_WORK, ANCHOR_FEDERATION, ANCHOR_SIGNATURE, ANCHOR_CHECKPOINT, ANCHOR_NODE
};
struct network_verdict {    /* verify_proof, validate_state */
    enum proof_verdict verdict;
    enum proof_anchor anchor; /* what the verdict rests on: NODE is the server's word alone */
    const char *reason;     /* what was checked here, what is delegated, or what does not hold */
    const char *details;
};

/* --- being paid --------------------------------------------------------------------------------- */
struct network_payment_request {
    const char *amount, *asset, *memo; /* asset NULL: the network's own coin; memo NULL: none */
    bool has_expiry;
    uint64_t expires_s;     /* seconds from now */
    /* random; together with call->operation the same again when the operation is repeated after a crash, so
     * that a server which can tell makes one of it */
    struct hash secret;
};
struct network_payable {    /* request_payment: to be handed to whoever pays. Texts may be NULL */
    const char *invoice, *address, *payment_hash;
    const char *label;      /* by which check_transaction_status tells what has become of it */
    uint64_t expires_s;     /* Unix; 0: never */
};

/* --- writes: first prepared and durable, then sent ---------------------------------------------- */
enum write_kind { WRITE_SUBMIT, WRITE_ISSUE, WRITE_TRANSFER };
struct network_write {
    enum write_kind kind;
    struct bytes raw;            /* submit: as the network takes it; a text (an invoice) as its bytes */
    const char *symbol, *title;  /* issue */
    unsigned decimals;           /* issue */
    const char *amount;          /* issue: the supply; transfer: how much; submit of an open invoice */
    const char *asset, *to;      /* transfer; asset NULL: the network's own coin */
    const char *memo;            /* NULL */
    /* at most this much, in the smallest unit of the network's coin; NULL: estimated */
    const char *fee;
    const char *options;         /* JSON: what this network alone takes; NULL */
    /* one more than the highest sequence of this link's earlier writes that may still get into a block; 0:
     * there is none */
    uint64_t sequence_least;
    /* a run of lower ones, `to` excluded, that none of them has: what is behind waits for the first that the
     * network misses; empty: from = to */
    uint64_t hole_from, hole_to;
};

struct network_prepared {
    const char *transaction;     /* its id there, if it is known before it is sent; NULL otherwise */
    /* natural key by which to find it there, when there is no such id; else NULL */
    const char *label;
    struct bytes raw;            /* what is sent, byte for byte, as often as needed; may be empty */
    bool has_sequence;
    uint64_t sequence;           /* nonce */
    const char *asset;           /* issue: its id there; NULL: known later */
    const char *details;
};

enum send_outcome {
    SEND_ACCEPTED,               /* also: it has it already */
    SEND_REJECTED,               /* for good: `reason` says why; nothing of it will happen */
    SEND_AMBIGUOUS,              /* it may have arrived or not: find it by its id before anything else */
};
struct network_sent {
    enum send_outcome outcome;
    bool too_cheap;              /* rejected because of its fee alone */
    const char *transaction, *asset, *reason, *details;
};

/* --- writes that wait: the same again, at a higher fee ------------------------------------------- */
struct network_raise {
    const struct network_write *write;     /* as it was prepared */
    const struct network_prepared *newest; /* of all that were signed for it: the last, which offers most */
    int64_t waited_us;                     /* so long it has waited at that fee */
    bool too_cheap;                        /* the network refused that one for its fee */
    bool is_hurried;                       /* it, or one behind it, has to be in a block */
    int64_t left_us;                       /* within that time */
};
struct network_raised {
    bool made;                   /* false: it is not time yet, or its fee is what the network asks */
    struct network_prepared prepared; /* with the same sequence: a chain can have one of them at most */
    const char *fee, *unit;      /* what it offers now: decimal, "wei per gas" */
};

/* --- the table ---------------------------------------------------------------------------------- */
struct network_position { bool known; uint64_t height; const char *hash; };

/* Statuses of all functions: OK, the ERROR_NETWORK_… (errors.def), ERROR_KEYSTORE_LOCKED,
 * ERROR_INVALID_PARAMS. Any of them may be called again with the same arguments: reads freely; `send` only
 * where that is idempotent there. */
struct network {
    const char *name;            /* "bob" */
    const char *help;
    const struct param *options; /* of `network.initialize options={…}` */
    size_t option_count, options_size;
    bool needs_key;

    /* Checks the options, reads and checks credentials; talks to nobody. */
    enum status (*initialize)(const struct network_setup *setup, void **client, struct error *error);
    void (*release)(void *client);
    /* One JSON value for people: endpoint (host only), account … No secrets. */
    void (*describe)(const void *client, struct writer *w);
    /* What the link's endpoint counts: endpoint_measure. False: there is none. NULL: never. */
    bool (*measure)(const void *client, struct endpoint_metrics *metrics);
    /* May be NULL: all operations that are not NULL are possible. Otherwise tells for this link, with the
     * reason. */
    bool (*capable)(const void *client, enum network_operation operation, const char **reason);

    enum status (*connect)(void *client, struct network_call *call, struct network_greeting *greeting);
    enum status (*disconnect)(void *client, struct network_call *call);
    enum status (*health_check)(void *client, struct network_call *call, struct network_state *state);
    enum status (*get_state)(void *client, struct network_call *call, struct network_state *state);
    enum status (*sync_state)(void *client, struct network_call *call,
                              const struct network_position *position, struct network_sync *sync);
    enum status (*validate_state)(void *client, struct network_call *call, const char *claim,
                                  struct network_verdict *verdict);
    enum status (*check_transaction_status)(void *client, struct network_call *call,
                                            const struct network_prepared *which,
                                            struct network_status *status);
    enum status (*get_transaction_history)(void *client, struct network_call *call, const char *after,
                                           size_t limit, struct network_history *history);
    enum status (*estimate_fees)(void *client, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees); /* write NULL: in general */
    /* submit_transaction, issue_asset and transfer_asset, each in two steps: what `writes` has a bit for.
     * The module runs one `prepare` a link at a time, several in a row: they become durable together, and
     * none is sent before. What was prepared and lost in a crash is prepared anew. Those with a sequence
     * are sent in it, each once the former was taken, the others at once. */
    unsigned writes;             /* 1 << WRITE_SUBMIT | … */
    /* What a write's parameters tell without a link or a server, before anything is put on record; pure.
     * `prepare` judges all of it, whether it was judged here or not. ERROR_INVALID_PARAMS. NULL: nothing. */
    enum status (*judge)(const struct network_write *write, struct error *error);
    enum status (*prepare)(void *client, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared);
    enum status (*send)(void *client, struct network_call *call, const struct network_prepared *prepared,
                        struct network_sent *sent);
    /* Of a write with a sequence that is in no block: signs it anew with a higher fee, when that is due. The
     * same effect, the same sequence. ERROR_NETWORK_FEE_LIMIT: the limits do not allow it. NULL: fees stay
     * what they are. */
    enum status (*raise)(void *client, struct network_call *call, const struct network_raise *what,
                         struct network_raised *raised);
    /* Proofs and claims are JSON texts: {"type": …, …}. */
    enum status (*verify_proof)(void *client, struct network_call *call, const char *proof,
                                struct network_verdict *verdict);
    enum status (*generate_proof)(void *client, struct network_call *call, const char *claim,
                                  const char **proof);
    /* Has the server make what others pay to: an invoice, an address. What comes back is checked here. */
    enum status (*request_payment)(void *client, struct network_call *call,
                                   const struct network_payment_request *request,
                                   struct network_payable *payable);
    const char *paid_how;        /* without request_payment: how one is paid there all the same */
};

/* Which networks this program has: called once before the kernel starts. Ends with NULL. */
void network_use(const struct network *const *networks);

#endif
