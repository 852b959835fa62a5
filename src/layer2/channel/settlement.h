/* The end of a channel: its outcome stands, and is paid out as far as holdings and hash-locks allow. All of
 * it inside the executor, on base rows; also the commands that pay what is still owed. */
#ifndef LAYER2_CHANNEL_SETTLEMENT_H
#define LAYER2_CHANNEL_SETTLEMENT_H

#include "kernel/execution.h"
#include "layer2/channel/record.h"

#define ACCOUNT_KIND_CHANNEL "channel"
#define CHANNEL_FINALIZED_DEADLINE "channel.finalized" /* chain time; subject: the channel's id */
#define CHANNEL_HASHLOCK_DEADLINE "channel.hashlock"   /* block time; subject: id and lock [4] */
#define CHANNEL_UNLOCK_DEADLINE "channel.unlock"       /* block time; subject: hash that waits no more */
#define UNLOCK_CHANNELS_MAX 8   /* that a preimage pays in one block; the others in the next ones */
#define UNLOCK_LOCKS_MAX 1024   /* as many locks in one block, or all of one channel */

/* Makes the holding account of a channel unless it is there. */
MUST_CHECK enum status holding_make(struct execution *x, const struct hash *channel,
                                    struct account_id *holding);
/* What the channel holds of each of its assets. */
MUST_CHECK enum status holdings_read(struct execution *x, const struct channel_record *record,
                                     uint64_t holdings[CHANNEL_ASSETS_MAX]);
/* Something of the channel changed on the ledger: this node's own rooms may want to do something about it. */
void channel_changed(struct execution *x, const struct hash *channel);

/* The channel ends with record->state: penalties are taken, hash-locks noted, everything that can be paid is
 * paid. record->a says already that it is finalized. */
MUST_CHECK enum status channel_settle(struct execution *x, struct channel_record *record, struct arena *arena,
                                      const char *reason);

/* Pays entries of a settled outcome (no indices: all that can be paid); *paid: how many got something. Writes
 * the record. */
MUST_CHECK enum status channel_pay(struct execution *x, struct channel_record *record,
                                   const uint64_t *indices, size_t count, size_t *paid);

/* Pays simple amounts out of a channel, as all signed; payments written as JSON for its event. */
MUST_CHECK enum status channel_pay_simple(struct execution *x, const struct channel_record *record,
                                          const struct allocation *payments, size_t count,
                                          struct buffer *json);

/* A preimage is on record: pays the hash-locks that waited for it, those of the first channels now and the
 * others by a deadline. */
MUST_CHECK enum status channel_unlock(struct execution *x, const struct hash *hash);

/* Deadlines. */
void channel_timeout(struct execution *x, struct bytes subject);
void channel_hashlock_expire(struct execution *x, struct bytes subject);
void channel_unlock_rest(struct execution *x, struct bytes subject);

/* --- commands of the end ---------------------------------------------------------------------- */
struct transfer {
    struct hash channel, outcome;
    struct bytes entries;
    struct entries { size_t count; uint64_t items[CHANNEL_ALLOCATIONS_MAX]; } *list; /* by the check */
};
extern const struct param transfer_params[3];
command_check check_transfer;
command_handler channel_transfer;

struct reclaim {
    struct hash channel, target, outcome;
    uint64_t entry;
};
extern const struct param reclaim_params[4];
command_handler channel_reclaim;

struct reveal {
    struct hash preimage;
};
extern const struct param reveal_params[1];
command_handler channel_reveal;

#endif
