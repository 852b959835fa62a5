/* Signatures that nobody brings: a room above changes a channel of its own accord, or a key of ours could
 * not sign when a state was proposed. What lacks signatures is staged, and marked in its row; once that is
 * durable a worker signs with the keystore's keys, and a task of the executor stores what it made. A sweep
 * takes up what was lost by a restart, a full queue, or a locked keystore. */
#ifndef LAYER2_CHANNEL_STEP_H
#define LAYER2_CHANNEL_STEP_H

#include "layer2/channel/local.h"

#define CHANNEL_UNSIGNED "channel.unsigned" /* sweep */

/* Whether the node's keystore has the account's key. */
bool step_is_ours(struct execution *x, const struct account_id *account);

/* Stages a state that participant `mover`, a key of ours, wants to follow; the channel is running, nothing is
 * staged, and its application lets the state follow. Writes the channel's row. */
void step_stage(struct execution *x, struct local_channel *channel, const struct channel_state *state,
                size_t mover);

/* What is staged lacks a signature that a key of ours gives: it is made beside the executor. Marks `channel`,
 * which the caller writes. */
void step_request(struct execution *x, struct local_channel *channel);

/* Sweep. */
int64_t step_resume(struct execution *x);

#endif
