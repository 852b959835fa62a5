/* Whether a batch's data can be had: the commands rollup.challenge_availability and
 * rollup.answer_availability, and what is due. Somebody demands the data, with a bond; whoever has it
 * publishes it, and has the bond for his trouble. When nobody does, or what is published is not what the
 * batch says, the batch falls as one that was proved wrong. */
#ifndef LAYER2_ROLLUP_AVAILABILITY_H
#define LAYER2_ROLLUP_AVAILABILITY_H

#include "kernel/execution.h"
#include "layer2/rollup/availability_rows.h"

#define AVAILABILITY_DEADLINE "rollup.availability"
#define AVAILABILITY_HOLDING_KIND "availability"

struct demand {
    struct hash batch;
};
#define DEMAND_PARAMS 1
extern const struct param demand_params[DEMAND_PARAMS];
enum status challenge_availability(struct execution *x, const void *params, struct writer *result);

struct publish {
    struct hash batch;
    struct bytes data;
};
#define PUBLISH_PARAMS 2
extern const struct param publish_params[PUBLISH_PARAMS];
enum status answer_availability(struct execution *x, const void *params, struct writer *result);

void availability_over(struct execution *x, struct bytes subject);
/* The batch goes for another reason: the challenger of its data, if there is one, has his bond back. Changes
 * row->data_state, which the caller writes. */
void availability_void(struct execution *x, const struct rollup *rollup, struct batch_row *row);

#endif
