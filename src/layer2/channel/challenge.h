/* Challenges by a key of this node: its operator's by command, and the node's own when a peer does not
 * answer and time runs out, or when a channel above has ended. There is one way: an effect, which signs when
 * it runs, so that neither a restart nor a locked keystore loses one. */
#ifndef LAYER2_CHANNEL_CHALLENGE_H
#define LAYER2_CHANNEL_CHALLENGE_H

#include "base/json.h"
#include "kernel/module.h"
#include "layer2/channel/local.h"

/* Brings the newest supported state before the ledger; from now on the channel is in dispute. `challenger` is
 * a participant whose key is ours. Writes the channel's row. */
void challenge_bring(struct execution *x, struct local_channel *channel,
                     const struct account_id *challenger);

/* The same when a peer does not answer in time; nothing when the ledger would not take it, or a dispute is
 * under way. Ask again later. */
void challenge_in_time(struct execution *x, struct local_channel *channel, size_t participant);

/* The effect ended, for the keystore stayed locked all the time: the challenge `what` (challenge/seq) of
 * `request` goes on as another one. False: the channel waits for no such challenge. */
MUST_CHECK bool challenge_again(struct execution *x, const struct hash *channel, const char *what,
                                const char *request);

/* On a worker, before a command is submitted: what it has in `sign` is signed with the key of its
 * `challenger`, and `signature` takes that place. Nothing without `sign`.
 * ERROR_UNSIGNED; the keystore's refusals. */
MUST_CHECK enum status challenge_sign(struct effect_run *run, json_t *params);

#endif
