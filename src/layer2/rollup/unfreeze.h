/* A frozen rollup goes on: base command of its operator. Announced first, for everybody to leave who wants
 * to; what left until then is taken from the accounts inside by the first inbox items of the new epoch. */
#ifndef LAYER2_ROLLUP_UNFREEZE_H
#define LAYER2_ROLLUP_UNFREEZE_H

#include "layer2/rollup/rollup.h"

#define UNFREEZE_DEADLINE "rollup.unfreeze"

struct unfreeze {
    uint64_t domain;
    bool withdraw;
};
#define UNFREEZE_PARAMS 2
extern const struct param unfreeze_params[UNFREEZE_PARAMS];
enum status unfreeze_rollup(struct execution *x, const void *params, struct writer *result);
void unfreeze_due(struct execution *x, struct bytes subject);

#endif
