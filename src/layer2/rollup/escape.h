/* The way out of a rollup whose inbox is not served: base commands. A frozen rollup stays frozen. */
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
    uint64_t domain, account;
    struct asset_id asset;
    struct bytes leaf, proof;
};
#define EXIT_FROZEN_PARAMS 5
extern const struct param exit_frozen_params[EXIT_FROZEN_PARAMS];
enum status exit_frozen(struct execution *x, const void *params, struct writer *result);

/* The state that counts when the rollup is frozen. */
void rollup_final_root(struct database *database, const struct rollup *rollup, struct hash *root);

#endif
