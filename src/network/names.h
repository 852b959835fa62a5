/* The words for operations, states and verdicts: what rows, events and replies call them. Pure. */
#ifndef NETWORK_NAMES_H
#define NETWORK_NAMES_H

#include "network/network.h"

const char *network_operation_name(enum network_operation operation); /* "get_state" */
bool network_operation_find(const char *name, enum network_operation *operation);
/* unless something else is asked for */
int64_t network_operation_timeout_us(enum network_operation operation);
bool network_operation_writes(enum network_operation operation, enum write_kind *kind);

const char *write_kind_name(enum write_kind kind); /* "submit" */
bool write_kind_find(const char *name, enum write_kind *kind);
const char *transaction_state_name(enum transaction_state state);
bool transaction_state_find(const char *name, enum transaction_state *state);
const char *finality_name(enum finality finality);
const char *proof_verdict_name(enum proof_verdict verdict);
const char *proof_anchor_name(enum proof_anchor anchor);
const char *send_outcome_name(enum send_outcome outcome);

#endif
