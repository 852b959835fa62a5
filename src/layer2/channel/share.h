/* What a participant can count on in an outcome, so that a key that countersigns by itself never gives away.
 */
#ifndef LAYER2_CHANNEL_SHARE_H
#define LAYER2_CHANNEL_SHARE_H

#include "layer2/channel/local.h"

/* True when no asset's share of the participant is smaller in what is staged than in what is supported:
 * simple entries to his key, and whatever else both states have, which stays as it was. Of what only the
 * old one has, hash-locks from him and to him count, and what channels funded by it give him there; of
 * what only the new one has, entries that fund a channel, with what that one's newest supported state
 * gives him, when they cover all of it and nobody else can change it. A channel that the ledger has ended
 * gives what it ended with. Of the first asset it may be smaller
 * by what he owes, and must be larger by what is due to him. */
bool share_is_kept(struct database *database, const struct local_channel *channel, size_t participant,
                   uint64_t owed, uint64_t due);

/* Both states set the same apart for a channel that they fund. */
bool share_is_set_apart_alike(const struct channel_state *first, const struct channel_state *second,
                              const struct hash *target);

#endif
