/* What does not go on is told: by the event transfer.stuck, when it has lasted for longer than it takes when
 * all is well, and again after each such time. Trying goes on whatever is told; transfer.retry tries now. */
#ifndef LAYER2_TRANSFER_STUCK_H
#define LAYER2_TRANSFER_STUCK_H

#include "kernel/module.h"
#include "layer2/transfer/rows.h"

/* The action is what the rules call for. Tells when it has been called for too long; returns when to come
 * back for that (INT64_MAX: never). */
int64_t stuck_in_action(struct execution *x, struct transfer *transfer, enum transfer_action action,
                        const struct situation *situation);

/* The leg's ledger could not be looked at, for that reason. */
void stuck_in_looking(struct execution *x, struct transfer *transfer, struct leg *leg, const char *reason);

/* transfer.retry */
struct retry_params {
    struct hash transfer;
};
extern const struct param transfer_retry_params[1];
command_handler transfer_retry;

#endif
