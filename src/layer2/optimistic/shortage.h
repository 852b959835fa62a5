/* What the watcher lacks: one local row for each batch about which it would make a move, had the node's
 * account got the bond, or did the operator let it. It is told once as an event, and once more when it is
 * over. */
#ifndef LAYER2_OPTIMISTIC_SHORTAGE_H
#define LAYER2_OPTIMISTIC_SHORTAGE_H

#include "kernel/kernel.h"
#include "layer2/optimistic/stake.h"

/* From a worker; the row follows a little later. */
void shortage_note(struct kernel *kernel, struct database *reader, const struct stake *stake,
                   enum stake_bar bar);
void shortage_over(struct kernel *kernel, struct database *reader, const struct hash *batch);
/* The ledger refused what this node holds for right. */
void watcher_tell_refused(struct kernel *kernel, const struct hash *batch, const char *method,
                          enum status refusal);

#endif
