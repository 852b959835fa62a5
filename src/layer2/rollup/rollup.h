/* What the rooms that secure rollups (layer2/optimistic) may ask of layer2/rollup: its rows, what becomes of
 * a batch, and the state before a batch. */
#ifndef LAYER2_ROLLUP_ROLLUP_H
#define LAYER2_ROLLUP_ROLLUP_H

#include "layer2/optimistic/game.h" /* struct game_params alone */
#include "layer2/rollup/batch.h"
#include "layer2/rollup/state.h"
#include "message/message.h"

extern const struct module rollup_module;

/* --- rows (base) -------------------------------------------------------------------------------- */
enum availability {
    AVAILABILITY_LEDGER,    /* each batch's data is published with it */
    AVAILABILITY_COMMITTEE, /* members vouch for the data; it is published when somebody challenges that */
};
const char *availability_name(enum availability availability);
#define COMMITTEE_MAX 16

struct rollup {
    uint64_t domain;
    struct hash id;              /* tagged hash `layerd/rollup/id` of chain, domain (8) and transaction id */
    struct account_id operator_; /* who proposes; account 0 inside has the same key */
    struct account_id escrow;
    struct asset_id bond_asset;
    unsigned assets;
    bool frozen;
    struct game_params game;     /* max_depth, split_depth and prestate are the batch's own */
    /* windows, chain time, as they are here (dev: ÷ 1000) */
    int64_t challenge_us, forced_us, escape_us, jail_us;
    enum availability availability;
    unsigned committee_threshold; /* members who must vouch; 0 in AVAILABILITY_LEDGER, like those below */
    int64_t availability_us;     /* to answer a challenge of availability, as it is here */
    uint64_t availability_bond;
    int64_t jailed_until_us;     /* the operator, chain time; 0: not */
    uint64_t epoch;              /* how often it was un-frozen */
    int64_t unfreeze_us;         /* a window: from the announcement to the un-freezing */
    int64_t unfreeze_at_us;      /* chain time; 0: not announced */
    int64_t unfrozen_us;         /* chain time, the last time; 0: never */
    uint64_t exits_end;          /* behind the newest exited item of the inbox: each batch reaches to it */
    struct hash genesis_root;
    uint64_t head;               /* number of the newest batch that is not rejected; 0: none */
    uint64_t final;              /* of the newest final one */
};
MUST_CHECK bool rollup_find(struct database *database, uint64_t domain, struct rollup *rollup);

enum batch_state {
    BATCH_PROPOSED, BATCH_CHALLENGED, BATCH_ACCEPTED, BATCH_FINAL,
    BATCH_REJECTED, BATCH_PARENT_REJECTED, BATCH_VOIDED,
};
const char *batch_state_name(enum batch_state state);

enum data_state {
    DATA_PUBLISHED,  /* on the ledger */
    DATA_WITHHELD,   /* with the committee */
    DATA_CHALLENGED, /* the same, and it must be published before a deadline */
};
const char *data_state_name(enum data_state state);

struct batch_row {
    struct hash id, parent, previous_root, items_root, context;
    uint64_t domain, number;
    struct account_id proposer;
    struct batch_result result;  /* as claimed */
    uint64_t inbox_from, inbox_to;
    uint64_t items;              /* of the inbox, and transactions */
    uint64_t bond;               /* held in batch_bond_account until the batch ends */
    enum batch_state state;
    int64_t proposed_us, window_end_us, accepted_us, ended_us; /* chain time; 0: not yet */
    enum data_state data_state;
    struct hash data_hash;       /* of what the committee vouched for; zero: published from the beginning */
    uint64_t data_size;
};
MUST_CHECK bool batch_find(struct database *database, const struct hash *id, struct batch_row *row);
/* The one with this number that is not rejected or voided. */
MUST_CHECK bool batch_find_number(struct database *database, uint64_t domain, uint64_t number,
                                  struct batch_row *row);
/* The batch as it is executed, from published data and inbox rows; memory is the arena's.
 * ERROR_DATA_NOT_PUBLISHED. */
MUST_CHECK enum status batch_load(struct database *database, const struct rollup *rollup,
                                  const struct batch_row *row, struct arena *arena, struct batch *batch,
                                  struct error *error);
void batch_bond_account(struct account_id *account, const struct hash *batch);

/* --- what becomes of a batch (base scope) ------------------------------------------------------- */
/* Whether it may be challenged or proved fraudulent now: its window is open (now < window_end_us), or it is
 * challenged. ERROR_BATCH_NOT_OPEN, ERROR_BATCH_NOT_FOUND. */
MUST_CHECK enum status batch_open_to_challenge(struct execution *x, const struct hash *id,
                                               struct batch_row *row);
/* A game about it has begun, or has ended in its favour. The bond is the caller's to move out of
 * batch_bond_account, and back. */
void batch_challenged(struct execution *x, const struct hash *id);
void batch_defended(struct execution *x, const struct hash *id);
/* It was wrong: rolls it and its descendants back, and jails its proposer for jail_us. Their bonds go back to
 * their proposers, save this one's, which the caller has moved; the games about descendants are the caller's
 * to void (batch_descendants). */
void batch_reject(struct execution *x, const struct hash *id, const char *reason);
/* Nobody can tell whether it was: the same without blame, the batch being voided and nobody jailed. Its bond,
 * too, the caller has moved. */
void batch_void(struct execution *x, const struct hash *id);
/* Ids of the batches above it that stand, oldest first; memory is the arena's. */
size_t batch_descendants(struct execution *x, const struct hash *id, struct arena *arena, struct hash **ids);
/* Called by the rollup room before it takes back batches of its own accord (a frozen rollup, data that nobody
 * gave out) so that their games end; set once at start by layer2/optimistic. `reason` is a literal: at once,
 * and the bond is back in batch_bond_account; NULL: the batch goes with others, its game is void with the
 * next block, and the bond goes from there to whom it belongs. */
extern void (*batch_before_void)(struct execution *x, const struct hash *id, const char *reason);

/* --- this node's own work (local) --------------------------------------------------------------- */
struct batch_verdict {
    bool right;
    struct batch_result result;  /* what it truly leads to; when an item is invalid: nothing */
    bool invalid;
    uint64_t item;               /* when invalid: which, and why */
    enum item_fault fault;
};
/* What this node found out; false: not executed yet. */
MUST_CHECK bool batch_verdict_read(struct database *database, const struct hash *id,
                                   struct batch_verdict *verdict);
/* Ids of batches still open to challenge that this node found wrong, in order, after that one: what a
 * watcher has to see to. */
size_t batch_list_wrong(struct database *database, const struct hash *after, struct hash *ids, size_t most);
/* Name of the reaction that is asked for (subject: batch id) once a verdict is written; layer2/optimistic
 * declares it. */
#define BATCH_VERDICT_REACTION "optimistic.verdict"

/* On a worker: calls `use` with the state before the batch, under the domain's lock; the state must be left
 * as it was. ERROR_NOT_READY: this node is not that far. ERROR_DATA_NOT_HELD: nor has it got the data. */
MUST_CHECK enum status rollup_with_state(struct kernel *kernel, struct database *database,
                                         const struct hash *batch,
                                         enum status (*use)(void *context, struct rollup_state *before,
                                                            const struct batch *batch, struct error *error),
                                         void *context, struct error *error);

#endif
