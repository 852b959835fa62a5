/* Channels as this node's participants see them: their rows. Only local handlers and reactions write them.
 *
 * Always: a state and every signature of ours on it are stored by the commit that lets the signature out, and
 * the node's keys never sign two states with one turn. */
#ifndef LAYER2_CHANNEL_LOCAL_H
#define LAYER2_CHANNEL_LOCAL_H

#include "kernel/execution.h"
#include "layer2/channel/application.h"
#include "layer2/channel/life.h"

#define PARENTS_MAX 2

enum countersign_policy {
    COUNTERSIGN_NEVER,
    COUNTERSIGN_SAFE,   /* what the application lets follow, when our own share does not shrink */
    COUNTERSIGN_ALWAYS, /* what the application lets follow */
};
const char *countersign_policy_name(enum countersign_policy policy);

/* A channel as it stands, all in an arena. */
struct local_channel {
    struct hash id;
    struct channel_fixed fixed;
    const struct application *application;
    enum channel_phase phase;
    enum channel_phase phase_before; /* in a dispute: where it came from */
    uint64_t challenging; /* a challenge of ours is on its way: event seq at which it was asked for; else 0 */
    bool has_supported, has_staged;
    struct signed_state supported, staged;
    size_t staged_by;
    uint64_t next_turn;
    int64_t expires_us;           /* when it has waited too long for signatures or funds; 0: never */
    int64_t overdue_us;           /* when what is staged has waited too long; 0: never, or it was told */
    uint64_t withdrawal;          /* turn of one that the ledger may still take: withdrawal.h; 0: none */
    bool wants_signature;         /* what is staged lacks one that a key of ours gives: step.h */
    struct hash parents[PARENTS_MAX];
    size_t parent_count;
};

/* What is staged is a withdrawal: its `hash` is the withdrawal's, not the state's. */
bool local_is_withdrawing(const struct local_channel *channel);

/* False: this node does not know the channel. */
MUST_CHECK bool local_read(struct database *database, const struct hash *id, struct arena *arena,
                           struct local_channel *channel);
/* The fixed part alone: it never changes, so that a check may read it. */
MUST_CHECK bool local_read_fixed(struct database *database, const struct hash *id, struct arena *arena,
                                 struct channel_fixed *fixed);
void local_insert(struct database *database, const struct local_channel *channel, int64_t now_us,
                  uint64_t seq);
/* All that may change. */
void local_write(struct database *database, const struct local_channel *channel, int64_t now_us);

/* How many are not funded yet, of those that `proposer` (NULL: anybody) proposed. */
uint64_t local_early_count(struct database *database, const struct account_id *proposer);

/* --- signatures */
void local_sign(struct database *database, const struct hash *id, uint64_t turn, size_t participant,
                const struct hash *hash, const struct signature *signature);
MUST_CHECK bool local_signature(struct database *database, const struct hash *id, uint64_t turn,
                                size_t participant, struct hash *hash, struct signature *signature);
/* Whether the participant signed anything of a turn between the two, neither of them included. */
bool local_has_signed(struct database *database, const struct hash *id, size_t participant, uint64_t above,
                      uint64_t below);
void local_forget_signatures(struct database *database, const struct hash *id, uint64_t below_turn);
/* `second` NULL: the ledger has verified it. False: it is on record already. */
bool local_equivocation(struct database *database, const struct hash *id, uint64_t turn, size_t participant,
                        const struct hash *first_hash, const struct signature *first,
                        const struct hash *second_hash, const struct signature *second, uint64_t seq);

/* --- policies */
enum countersign_policy local_policy(struct database *database, const struct account_id *account,
                                     const struct hash *channel);
void local_set_policy(struct database *database, const struct account_id *account, const struct hash *channel,
                      enum countersign_policy policy);

#endif
