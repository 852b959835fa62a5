/* What the rollup's commands share, and what the module's table names. */
#ifndef LAYER2_ROLLUP_MODULE_H
#define LAYER2_ROLLUP_MODULE_H

#include "kernel/execution.h"
#include "layer2/rollup/rollup.h"

/* This node's reaction to whatever changed of a rollup's batches; subject: its number (8). */
#define ROLLUP_FOLLOW "rollup.follow"
#define ROLLUP_SWEEP "rollup.lanes"

/* ERROR_ROLLUP_NOT_FOUND. */
MUST_CHECK enum status rollup_need(struct execution *x, uint64_t domain, struct rollup *rollup);
enum status rollup_unknown(struct error *error, uint64_t domain);
/* Asks for the reaction. */
void rollup_follow(struct execution *x, uint64_t domain);

#endif
