/* The life of a proposed batch on the ledger: accepted, final, rejected with what is above it, voided. What
 * others may ask for stands in rollup.h. */
#ifndef LAYER2_ROLLUP_LIFE_H
#define LAYER2_ROLLUP_LIFE_H

#include "layer2/rollup/rollup.h"

#define BATCH_BOND_KIND "batch"
#define BATCH_WINDOW_DEADLINE "rollup.window"
#define BATCH_AIR_GAP_DEADLINE "rollup.air_gap"

/* Chain time runs only while deadlines wait for it: so there is one for whatever is to end by itself. */
#define JAIL_DEADLINE "rollup.jail"
#define OVERDUE_DEADLINE "rollup.overdue"
#define REFUND_DEADLINE "rollup.refund"
/* The inbox of a frozen rollup comes to its end, some hundred items at once: a command, and a block, does not
 * grow with it. */
void refund_inbox(struct execution *x, uint64_t domain);
void refund_more(struct execution *x, struct bytes subject);
void jail_over(struct execution *x, struct bytes subject);
void inbox_overdue(struct execution *x, struct bytes subject);
/* When a rollup can be frozen for this item's sake: it waits for long, and had to be in a batch. What came
 * back from a batch that fell may have waited for long, but there is time to take it in again, as there is
 * after a jail and after an un-freezing. */
int64_t escape_time(const struct rollup *rollup, const struct inbox_item *item);
void inbox_watch(struct execution *x, const struct rollup *rollup); /* after anything was queued */

void batch_watch(struct execution *x, const struct batch_row *row); /* sets the deadline of its window */
/* What it is about became known only now: it, and those above it, can be challenged for a whole window more.
 * Those above need no deadline of their own: they are accepted with this one, or later. Writes the row. */
void batch_reopen(struct execution *x, const struct rollup *rollup, struct batch_row *row);
void batch_window_over(struct execution *x, struct bytes subject);
void batch_air_gap_over(struct execution *x, struct bytes subject);

/* All batches that are not final are void, the newest first, their bonds back with their proposers; the inbox
 * items in them wait again. */
void batch_void_unfinal(struct execution *x, struct rollup *rollup);

#endif
