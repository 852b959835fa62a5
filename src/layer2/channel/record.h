/* A channel's row on the base ledger, and the other rows of the adjudicator: every SQL statement that writes
 * them or reads one for a rule. Lists for people stand in queries.c. */
#ifndef LAYER2_CHANNEL_RECORD_H
#define LAYER2_CHANNEL_RECORD_H

#include "layer2/channel/rules.h"
#include "store/database.h"

struct channel_record {
    struct hash id;
    struct channel_fixed fixed;
    struct account_id holding;
    struct adjudication a;
    struct channel_state state;   /* when a.has_outcome: the one on record */
    bool is_settled;              /* finalized, and `outcome` is what is still owed */
    struct channel_state outcome;
};

/* What it points to is in `arena`. False: the ledger does not know the channel. */
MUST_CHECK bool record_read(struct database *database, const struct hash *id, struct arena *arena,
                            struct channel_record *record);
MUST_CHECK bool record_exists(struct database *database, const struct hash *id);
/* A new channel without a state; `fixed` is its encoding. */
void record_insert(struct database *database, const struct channel_record *record, struct bytes fixed,
                   uint64_t seq);
/* Everything that may have changed: the adjudication, and state and outcome where `record` has them. */
void record_write(struct database *database, const struct channel_record *record);

/* --- hash-locks of finalized channels */
void record_lock_insert(struct database *database, const struct hash *channel, uint64_t lock,
                        const struct hash *hash, int64_t expiry_us);
void record_lock_delete(struct database *database, const struct hash *channel, uint64_t lock);
/* Some channel with a lock of this hash; false when there is none (any more). */
MUST_CHECK bool record_lock_channel(struct database *database, const struct hash *hash,
                                    struct hash *channel);
/* The channel's locks that have this hash (NULL: none has) or whose expiry has come, rising. Returns how
 * many. */
size_t record_locks(struct database *database, const struct hash *channel, const struct hash *hash,
                    int64_t now_us, uint64_t locks[CHANNEL_ALLOCATIONS_MAX]);

/* --- preimages */
MUST_CHECK bool record_preimage(struct database *database, const struct hash *hash, int64_t *revealed_us);
void record_preimage_insert(struct database *database, const struct hash *hash, const struct hash *preimage,
                            int64_t revealed_us, uint64_t seq);

/* --- arbitration */
void record_case_insert(struct database *database, const struct hash *channel,
                        const struct account_id *opener, const char *claim, uint64_t seq);
void record_case_award(struct database *database, const struct hash *channel, struct bytes award,
                       struct bytes fees);
/* Returns the evidence's number: 1, 2, … */
uint64_t record_evidence_insert(struct database *database, const struct hash *channel,
                                const struct account_id *account, struct bytes body, uint64_t seq);
/* How many pieces somebody gave. */
uint64_t record_evidence_of(struct database *database, const struct hash *channel,
                            const struct account_id *account);

#endif
