/* Channels in channels once the ledger has ended one of them: the money that a parent set apart goes on to
 * the child, or comes home by the child's end, without anybody asking. Part of the watch's reaction; what
 * follows goes as effects, one for each thing to do. */
#ifndef LAYER2_CHANNEL_UNWIND_H
#define LAYER2_CHANNEL_UNWIND_H

#include "kernel/module.h"
#include "layer2/channel/local.h"
#include "layer2/channel/record.h"

/* What follows for a channel of this node; `record` NULL: the ledger does not know it. A child that a settled
 * parent keeps money for is brought before the ledger to its end; a settled channel pays on what has reached
 * it, and takes its guarantees back. `may_challenge` false: the ledger has just refused our challenge. May
 * write the channel's row. True: its final state is to be concluded. */
MUST_CHECK bool unwind_follow(struct execution *x, struct local_channel *channel,
                              const struct channel_record *record, bool may_challenge);

#endif
