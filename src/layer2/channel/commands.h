/* What the handlers of this room share. */
#ifndef LAYER2_CHANNEL_COMMANDS_H
#define LAYER2_CHANNEL_COMMANDS_H

#include "layer2/channel/proof.h"
#include "layer2/channel/record.h"
#include "layer2/channel/settlement.h"

/* Fails the command with what a pure rule said. */
enum status refuse(struct execution *x, enum status status, const struct error *error);

/* ERROR_CHANNEL_NOT_FOUND; ERROR_EXTERNAL_DESTINATION when the id is an account's. */
MUST_CHECK enum status record_need(struct execution *x, const struct hash *id, struct arena *arena,
                                   struct channel_record *record);

#endif
