/* What this node does on the ledger for the channels it knows, and for others: the reaction to every change,
 * the effect that submits what follows, and the watchtower. */
#ifndef LAYER2_CHANNEL_PARTY_H
#define LAYER2_CHANNEL_PARTY_H

#include "layer2/channel/local.h"
#include "layer2/channel/proof.h"

#define CHANNEL_WATCH "channel.watch"   /* reaction; subject: the channel's id */
#define CHANNEL_SUBMIT "channel.submit" /* effect; request: {method, params} of a base command */

/* Reaction: the channel's phase follows the ledger, a stale challenge is answered, a final state concludes.
 */
void channel_watch(struct execution *x, struct bytes subject);

/* --- staged states */
#define PARTY_NOBODY 0xFF
/* False: it was there already. */
bool party_add_signature(struct execution *x, struct local_channel *channel, size_t participant,
                         const struct signature *signature);
/* Whether the policy of a participant's key lets it countersign what is staged by itself. */
bool party_countersigns(struct execution *x, const struct local_channel *channel, size_t participant);
/* The same entries in the same order. */
bool party_same_outcome(const struct hash *id, const struct channel_state *a, const struct channel_state *b);
void party_tell_staged(struct execution *x, const struct local_channel *channel);
/* One of those on what is staged is of a key of the node's keystore. */
bool party_has_own_signature(struct execution *x, const struct local_channel *channel);
/* All have signed: what was staged is what counts now, or a withdrawal goes to the ledger; not written yet. A
 * final state that lacks signatures but has one of ours lets only final ones follow. */
bool party_support_if_complete(struct execution *x, struct local_channel *channel);
/* The reaction "<application>.channel" looks at the channel: its supported state is another one, moved by
 * participant `mover`, or (PARTY_NOBODY) something else about it changed. Subject: id ‖ mover [1]. */
void party_wake_application(struct execution *x, const struct local_channel *channel, size_t mover);

/* What the commands share: the channel of a command, ERROR_CHANNEL_NOT_FOUND; the same in a check; its row
 * written and looked at again; the answer about one of its states. */
MUST_CHECK enum status party_need(struct execution *x, const struct hash *id, struct arena *arena,
                                  struct local_channel *channel);
enum status party_unknown(struct error *error, const struct hash *id);
void party_save(struct execution *x, const struct local_channel *channel);
void party_answer(struct writer *result, const struct local_channel *channel, uint64_t turn,
                  const struct hash *hash);

/* The phase moves by an event, if it means anything now; recorded as an event of the log. */
void party_move(struct execution *x, struct local_channel *channel, enum life_event event);

/* Whether the ledger holds something for it, or another channel sets something apart. */
bool party_has_funds(struct execution *x, const struct local_channel *channel);

/* The channels that a supported state of another one funds, or no longer does, look at it again. */
void party_wake_targets(struct execution *x, const struct channel_state *state);

/* Parameters of channel.checkpoint and of what else takes `states`, with the supported state and all of its
 * signatures; without the closing brace, so that more may follow. */
void party_write_proof(struct database *database, const struct local_channel *channel, struct writer *w);

/* Member `signatures`: those that are here on a state, or on a withdrawal that is staged. */
void party_write_signatures(struct database *database, const struct local_channel *channel,
                            const struct signed_state *state, struct writer *w);

/* Members `state` and `signatures` of the same. */
void party_write_state(struct database *database, const struct local_channel *channel, struct writer *w);

/* Asks for a base command signed by the node's own account; the same key once is one command. */
void party_submit(struct execution *x, const char *key, const char *method, struct bytes params);
/* Brings a challenge of ours. Until the ledger has answered, nothing more is signed: whoever signs newer
 * states while his own challenge is on the way would be taken for a cheat. Writes the channel's row. */
#define PARTY_CHALLENGE "challenge"
#define PARTY_REDEEM "redeem"
#define PARTY_WITHDRAW "withdraw"
void party_dispute(struct execution *x, struct local_channel *channel, const char *what, struct bytes params);
void party_register(struct execution *x, const struct local_channel *channel);

/* --- the watchtower */
struct appoint {
    struct bytes fixed;
    struct param_list states;
    struct channel_fixed *decoded; /* by the check, as the next three */
    struct hash channel;
    struct proof *proof;
    uint64_t turn;
};
extern const struct param appoint_params[2];
command_check check_appoint;
command_handler appoint;
/* Takes away appointments, at most so many, of channels that the ledger did not come to know in time. */
void tower_expire(struct execution *x, size_t most);
/* The appointed proof of a channel, when its turn is higher than `above`; appended as JSON. */
MUST_CHECK bool tower_proof(struct database *database, const struct hash *channel, uint64_t above,
                            uint64_t *turn, struct buffer *proof);

bool channel_submit_retry(enum status outcome);
enum status channel_submit_run(struct effect_run *run);
void channel_submit_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result);

#endif
