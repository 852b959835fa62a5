/* The way out of a rollup whose inbox is not served: base commands. A rollup stays frozen until its operator
 * un-freezes it (unfreeze.h); what was taken out by then is taken from the accounts inside, by inbox
 * items. */
#ifndef LAYER2_ROLLUP_ESCAPE_H
#define LAYER2_ROLLUP_ESCAPE_H

#include "layer2/rollup/rollup.h"

struct escape {
    uint64_t domain;
};
#define ESCAPE_PARAMS 1
extern const struct param escape_params[ESCAPE_PARAMS];
enum status escape_rollup(struct execution *x, const void *params, struct writer *result);

struct exit_frozen {
    uint64_t domain, account, epoch;
    struct asset_id asset;
    struct bytes leaf, proof;
};
#define EXIT_FROZEN_PARAMS 6
extern const struct param exit_frozen_params[EXIT_FROZEN_PARAMS];
enum status exit_frozen(struct execution *x, const void *params, struct writer *result);

/* The state that counts when the rollup is frozen, and the first inbox item that it does not know of. */
void rollup_final_state(struct database *database, const struct rollup *rollup, struct hash *root,
                        uint64_t *inbox);

#endif
