/* Hash-locks of a channel that the ledger decides about. */
#ifndef LAYER2_PAYMENT_LEDGER_END_H
#define LAYER2_PAYMENT_LEDGER_END_H

#include "kernel/execution.h"
#include "layer2/channel/local.h"
#include "layer2/payment/htlc.h"

/* Whether the row is the entry of a state. */
MUST_CHECK bool htlc_is(const struct htlc *htlc, const struct channel_fixed *fixed,
                        const struct allocation *entry);

/* Shows the ledger the preimages of what we may claim in the channel: in time, whenever it ends. */
void ledger_claim(struct execution *x, const struct local_channel *channel);

/* The channel ended on the ledger: rows end as the outcome, the preimages and the expiries say. */
void ledger_end(struct execution *x, const struct local_channel *channel, const struct htlc_list *list);

/* The preimage shown to the ledger before the hash-lock expired; false: none was. */
MUST_CHECK bool ledger_preimage(struct execution *x, const struct htlc *htlc, struct hash *preimage);

#endif
