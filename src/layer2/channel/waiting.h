/* What waits for others, and for how long: proposals, channels that nobody pays into, states that lack
 * signatures, appointments of channels that the ledger does not know. Anybody may bring them, so each has an
 * end or is told of. */
#ifndef LAYER2_CHANNEL_WAITING_H
#define LAYER2_CHANNEL_WAITING_H

#include "layer2/channel/local.h"

#define CHANNEL_WAITING "channel.waiting" /* sweep */
#define EARLY_CHANNELS_MAX 10000 /* proposed or not funded yet, of all who propose */
#define EARLY_CHANNELS_EACH_MAX 100 /* of each */

/* ERROR_LIMIT when a stranger has proposed too many channels that are not funded yet. */
MUST_CHECK enum status waiting_room(struct execution *x, const struct account_id *proposer);
/* The channel is proposed, waits for funds, or has a state staged: from now on time runs. The caller writes
 * the row. */
void waiting_for_signatures(struct execution *x, struct local_channel *channel);
void waiting_for_funds(struct execution *x, struct local_channel *channel);
void waiting_as_staged(struct execution *x, struct local_channel *channel);

/* Sweep. */
int64_t waiting_sweep(struct execution *x);

#endif
