/* One side of a transfer, whatever ledger it is on: how a hash-lock is made there, seen, claimed and taken
 * back. A kind of leg is a table of functions; adding one is one file.
 *
 * All of them may be called again at any time, after a crash in the middle included: what was done already is
 * done once. `lock`, `claim` and `refund` run as effects, on threads that may wait. `look` reads: of a ledger
 * of this node's from the rows, inside the executor; of an outside one on such a thread as well. */
#ifndef LAYER2_TRANSFER_LEG_H
#define LAYER2_TRANSFER_LEG_H

#include "kernel/execution.h"
#include "layer2/transfer/bundle.h"
#include "layer2/transfer/rows.h"

#define REACTION_US ((int64_t)30 * 60 * 1000000) /* window that a node is given to notice; ÷ 1000 on dev */

/* What an action or a look works with. `leg` is one of the transfer's. */
struct leg_work {
    struct kernel *kernel;       /* NULL where only rows are looked at */
    struct database *database;
    const struct transfer *transfer;
    const struct leg *leg;
    int64_t now_us;
    struct arena *arena;
    struct error error;          /* out, when the status is not OK */
};

/* What a ledger shows. The caller fills it with what is known already; a look overwrites what it sees. */
struct leg_view {
    enum sight sight;
    int64_t expiry_us;           /* of the lock that is seen; 0: none */
    bool preimage_known;
    struct hash preimage;
    char reference[REFERENCE_MAX];
    char detail[DETAIL_MAX];     /* what the leg keeps for itself */
};

/* What a leg is planned with. */
struct leg_plan {
    const struct terms *terms;
    const char *recipient;       /* the destination's, as given by whoever starts the transfer */
    const char *account_there;   /* the source's: where the account is on that ledger; NULL */
    const struct hash *hash;     /* NULL: a secret of the node's own */
    struct leg *leg;             /* out: sender, recipient, asset, amount */
    bool takes_secret;           /* out: this node can claim there for the recipient */
    bool locks;                  /* out: this node can lock there for the account */
    struct hash invoice_hash;    /* out: the hash that the recipient chose by an invoice */
    bool has_invoice_hash;
};

/* What the leg's network proves of it, in canonical JSON (network/evm/evm_proof.h), and of which block. */
struct leg_proof {
    const char *text; /* in the work's arena */
    uint64_t chain_id, number;
    struct hash block;
};

struct leg_kind {
    const char *name;            /* "base": a place of this kind is "base", or "name:LINK" */
    bool outside;                /* another network's: looked at by effects */
    bool returns_early;          /* who would receive can give a lock back before its time */
    bool prepares;               /* `lock` is needed even when the account locks by himself */

    /* What the terms say of the network by that link, and the link: when they are set. NULL: they say
     * nothing. ERROR_INVALID_PARAMS, ERROR_NETWORK_LINK_NOT_FOUND, ERROR_TRANSFER_PLACE. */
    enum status (*check_terms)(struct execution *x, const char *link, const json_t *outside);
    void (*timing)(enum node_network network, const char *detail, struct leg_timing *timing);
    /* Whether the leg can be: keys, addresses, amounts. ERROR_TRANSFER_…, ERROR_KEY_NOT_FOUND … */
    enum status (*plan_source)(struct execution *x, struct leg_plan *plan, const struct account_id *account,
                               uint64_t amount); /* NULL: it is no source */
    enum status (*plan_destination)(struct execution *x, struct leg_plan *plan, uint64_t amount);

    /* OK: it is done, or on its way; look. ERROR_TRANSFER_LEG_REFUSED: the ledger will not have it, and
     * nothing of it can come any more. Anything else: it is not known; again later. */
    enum status (*lock)(struct leg_work *work, char detail[DETAIL_MAX]);
    enum status (*claim)(struct leg_work *work, const struct hash *preimage);
    enum status (*refund)(struct leg_work *work);
    enum status (*look)(struct leg_work *work, struct leg_view *view);
    /* NULL: the network's own proofs are not needed, or there are none. ERROR_NETWORK_NOT_SUPPORTED: this one
     * cannot be had; anything else: again later. */
    enum status (*prove)(struct leg_work *work, enum bundle_step step, struct leg_proof *proof);
};

extern const struct leg_kind base_leg, channel_leg, evm_leg, lightning_leg;

/* transfer.deploy: our hash-lock contract on an EVM network, which serves everybody there. */
struct deploy {
    const char *link, *request;
};
extern const struct param deploy_params[2];
command_handler deploy_contract;

/* transfer.collect: what such a contract owes a link's account, which could not be paid. */
struct collect {
    const char *link, *contract, *token, *to, *request;
};
extern const struct param collect_params[5];
command_handler collect_owed;

/* The kind of a place, and the link's name in it ("" where there is none).
 * ERROR_TRANSFER_PLACE: no such kind. */
MUST_CHECK enum status leg_kind_of(const char *place, const struct leg_kind **kind, const char **link,
                                   struct error *error);
/* Of a row, which was checked when it was written. */
const struct leg_kind *leg_kind_known(const struct leg *leg);

/* The window on this network: divided by 1000 on dev. */
int64_t leg_window(enum node_network network, int64_t window_us);

/* ERROR_TRANSFER_LEG_REFUSED with the reason. */
enum status leg_refuse(struct leg_work *work, const char *reason);

/* --- what this node signs --------------------------------------------------------------------- */
/* Whether the node can sign for the account: by its keystore, or because it is the node's own. */
bool leg_signs_for(struct kernel *kernel, const struct account_id *account);

/* A base command by that account. The same transfer, side and purpose give the very same transaction, so that
 * it happens once, however often it is brought. *result is appended to. */
enum status leg_submit(struct leg_work *work, const struct account_id *account, const char *method,
                       json_t *params, const char *purpose, int64_t valid_until_us, struct buffer *result);
/* Its id. */
enum status leg_transaction_id(struct leg_work *work, const struct account_id *account, const char *method,
                               json_t *params, const char *purpose, int64_t valid_until_us, struct hash *id);

/* Runs `run` in the executor, all or nothing, and waits until it is committed. */
struct leg_task;
typedef enum status leg_task_run(struct execution *x, void *context);
enum status leg_run(struct leg_work *work, leg_task_run *run, void *context);

#endif
