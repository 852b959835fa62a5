/* What always holds of transfers. */
#ifndef LAYER2_TRANSFER_INVARIANTS_H
#define LAYER2_TRANSFER_INVARIANTS_H

#include "kernel/module.h"

#define TRANSFER_INVARIANTS 8
extern const struct invariant transfer_invariants[TRANSFER_INVARIANTS];

#endif
