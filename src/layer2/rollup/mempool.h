/* Transactions that wait for a batch: rows of this node, when it proposes the rollup's batches. A transaction
 * is durable before it is answered; its id is what its signature signs. */
#ifndef LAYER2_ROLLUP_MEMPOOL_H
#define LAYER2_ROLLUP_MEMPOOL_H

#include "kernel/execution.h"
#include "layer2/rollup/rollup.h"

#define PENDING_PER_SENDER_MAX 1000u
#define PENDING_MAX 100000u /* of one rollup */

enum pending_state {
    PENDING_WAITS,
    PENDING_IN_BATCH, /* whose state tells the rest */
    PENDING_DROPPED,  /* it cannot be executed */
};

struct pending {
    uint64_t number; /* in the order of coming */
    struct hash id;
    uint64_t domain;
    uint32_t sender;
    struct account_id key; /* of the sender's account when the signature was verified */
    uint64_t nonce;
    struct bytes body;     /* empty once its batch is final; the arena's */
    enum pending_state state;
    struct hash batch;
    enum item_fault fault;
    int64_t received_us;
};

/* --- rows --------------------------------------------------------------------------------------- */
MUST_CHECK bool pending_find(struct database *database, const struct hash *id, struct arena *arena,
                             struct pending *pending);
/* The next ones after number `after`, in the order of coming; stops when `bytes` are reached. */
size_t pending_list(struct database *database, uint64_t domain, uint64_t after, size_t most, size_t bytes,
                    struct arena *arena, struct pending *list);
struct pending_sums {
    uint64_t count;
    int64_t oldest_us; /* INT64_MAX: none waits */
};
struct pending_sums pending_sums(struct database *database, uint64_t domain);
/* The nonce that the sender's next transaction has, when its account's own is `nonce`. */
uint64_t pending_next_nonce(struct database *database, uint64_t domain, uint32_t sender, uint64_t nonce);
void pending_include(struct database *database, const struct hash *id, const struct hash *batch);
void pending_drop(struct database *database, const struct hash *id, enum item_fault fault);
/* to where they were in the order */
void pending_return(struct database *database, const struct hash *batch);
/* Of final batches up to this one whose undo rows are still there. */
void pending_forget_bodies(struct database *database, uint64_t domain, uint64_t final);
/* What became of a transaction is told until its batch is so many final ones back; of a dropped one, until so
 * many came after it. Forgets what is older, for batches as above. */
#define PENDING_TOLD_BATCHES 64
#define PENDING_TOLD_DROPPED 200000
void pending_forget(struct database *database, uint64_t domain, uint64_t final);

/* --- rollup.sequencer: how this node makes batches ----------------------------------------------- */
struct sequencer_policy {
    bool enabled;
    uint64_t batch_items, batch_bytes; /* a batch is made when so much waits */
    int64_t batch_us;                  /* or something so long */
};
struct sequencer_policy sequencer_policy(struct database *database, enum node_network network,
                                         uint64_t domain);
/* Whether the node's operator ever spoke of it: until then this node takes nothing for it, whoever made it in
 * this node's name. */
MUST_CHECK bool sequencer_is_known(struct database *database, uint64_t domain);

struct sequencer {
    uint64_t domain;
    bool enabled;
    uint64_t batch_items, batch_bytes;
    int64_t batch_time;
};
#define SEQUENCER_PARAMS 5
extern const struct param sequencer_params[SEQUENCER_PARAMS];
enum status set_sequencer(struct execution *x, const void *params, struct writer *result);

/* --- rollup.submit, and the same made of a key of this node -------------------------------------- */
/* A transaction that was verified beside the executor. */
struct submission {
    struct item item;
    struct account_id key;
    struct bytes body;
};

struct submit {
    uint64_t domain;
    struct bytes transaction;
    struct submission submission;
};
#define SUBMIT_PARAMS 2
extern const struct param rollup_submit_params[SUBMIT_PARAMS];
enum status check_submission(const struct check *check, void *params, struct arena *arena,
                             struct error *error);
enum status submit_transaction(struct execution *x, const void *params, struct writer *result);

struct own_transaction {
    uint64_t domain;
    struct account_id signer;
    struct asset_id asset;
    uint64_t amount, fee;
    struct account_id to; /* key inside of a transfer or registration; base account of a withdrawal */
    struct submission submission;
};
#define OWN_TRANSFER_PARAMS 6
#define OWN_REGISTER_PARAMS 5
extern const struct param own_transfer_params[OWN_TRANSFER_PARAMS];
extern const struct param own_withdraw_params[OWN_TRANSFER_PARAMS];
extern const struct param own_register_params[OWN_REGISTER_PARAMS];
enum status check_own_transfer(const struct check *check, void *params, struct arena *arena,
                               struct error *error);
enum status check_own_withdraw(const struct check *check, void *params, struct arena *arena,
                               struct error *error);
enum status check_own_register(const struct check *check, void *params, struct arena *arena,
                               struct error *error);
enum status submit_own(struct execution *x, const void *params, struct writer *result);

#endif
