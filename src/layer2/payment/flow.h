/* What follows when a hash-lock changes: it is forwarded, kept, given back; its part, payment or invoice goes
 * on. Rows and events in the transaction at hand; channels that are to move are asked for by reactions. */
#ifndef LAYER2_PAYMENT_FLOW_H
#define LAYER2_PAYMENT_FLOW_H

#include "kernel/execution.h"
#include "layer2/channel/local.h"
#include "layer2/payment/htlc.h"
#include "layer2/payment/invoice_row.h"
#include "layer2/payment/payment_row.h"

#define PAYMENT_CHANNEL "payment.channel"     /* reaction; subject: channel ‖ mover [1] */
#define PAYMENT_PREIMAGE "payment.preimage"   /* reaction; subject: hash ‖ preimage, shown to the ledger */
#define PAYMENT_DEADLINES "payment.deadlines" /* sweep */
#define COLLECT_US ((int64_t)60 * 1000000)    /* that parts of one payment may lie apart */

/* A hash-lock of the channel wants something else now: the channel moves as soon as it can. */
#define FLOW_WISH 0xFE /* in the place of the mover: rows changed, the channel's state did not */
void flow_wake(struct execution *x, const struct hash *channel);

/* Both sides signed for it. `recipient_is_ours`: the node has the recipient's key; `share` is what he has in
 * the channel beside hash-locks. */
void flow_locked(struct execution *x, struct htlc *htlc, const struct account_id *recipient,
                 const struct asset_id *asset, bool recipient_is_ours, uint64_t share);
/* It ended: the recipient has its amount. NULL: without showing the preimage. */
void flow_fulfilled(struct execution *x, struct htlc *htlc, const struct hash *preimage);
/* It ended: the offerer has his amount back. */
void flow_failed(struct execution *x, struct htlc *htlc, enum failure failure);
/* The recipient wants to give it back. */
void flow_give_back(struct execution *x, struct htlc *htlc, enum failure failure);

/* The preimage is known, whatever becomes of the hash-lock itself: who offered it may claim what he was
 * offered before. */
void flow_preimage(struct execution *x, const struct htlc *htlc, const struct hash *preimage);
/* Nobody can claim it any more, whatever becomes of the hash-lock itself: the same, the other way. */
void flow_lapsed(struct execution *x, const struct htlc *htlc);

/* The invoice is paid in full and its preimage known: the hash-locks are claimed. */
void flow_settle(struct execution *x, struct invoice *invoice);
/* The preimage of an invoice was shown to the ledger: what is locked for it is claimed, complete or not. */
void flow_shown(struct execution *x, const struct hash *hash);
/* What is locked for an invoice now. */
uint64_t flow_locked_sum(struct execution *x, const struct hash *hash);
/* Its hash-locks are given back; the invoice ends in `state` (INVOICE_OPEN: it stays open). */
void flow_cancel(struct execution *x, struct invoice *invoice, enum invoice_state state,
                 enum failure failure);

/* No part is under way, and none will be. */
void flow_payment_over(struct execution *x, struct payment *payment, enum failure failure);

#endif
