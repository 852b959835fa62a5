/* What always holds of rollups. */
#ifndef LAYER2_ROLLUP_INVARIANTS_H
#define LAYER2_ROLLUP_INVARIANTS_H

#include "kernel/module.h"

#define ROLLUP_INVARIANTS 5
extern const struct invariant rollup_invariants[ROLLUP_INVARIANTS];

#endif
