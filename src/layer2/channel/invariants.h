/* What always holds of channels on the ledger. */
#ifndef LAYER2_CHANNEL_INVARIANTS_H
#define LAYER2_CHANNEL_INVARIANTS_H

#include "kernel/module.h"

#define CHANNEL_INVARIANTS 3
extern const struct invariant channel_invariants[CHANNEL_INVARIANTS];

#endif
