/* What a participant can count on in an outcome, so that a key that countersigns by itself never gives away.
 */
#ifndef LAYER2_CHANNEL_SHARE_H
#define LAYER2_CHANNEL_SHARE_H

#include "layer2/channel/local.h"

/* True when no asset's share of the participant is smaller in `next`. His share: simple entries to his key,
 * hash-locks that come back to him, and what the newest supported states of channels funded by this one give
 * him there. Of the first asset it may be smaller by what he has promised. */
bool share_is_kept(struct database *database, const struct channel_fixed *fixed, size_t participant,
                   const struct channel_state *previous, const struct channel_state *next, uint64_t promised);

#endif
