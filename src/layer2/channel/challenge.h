/* A challenge that this node brings of its own accord, with a key of its keystore, when a peer does not
 * answer and time runs out. */
#ifndef LAYER2_CHANNEL_CHALLENGE_H
#define LAYER2_CHANNEL_CHALLENGE_H

#include "layer2/channel/local.h"

/* A worker signs as the participant, whose key is ours; then the newest supported state is brought before the
 * ledger. Nothing happens while the keystore is locked: ask again later. */
void challenge_request(struct execution *x, const struct local_channel *channel, size_t participant);

#endif
