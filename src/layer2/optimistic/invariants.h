/* What always holds of games. */
#ifndef LAYER2_OPTIMISTIC_INVARIANTS_H
#define LAYER2_OPTIMISTIC_INVARIANTS_H

#include "kernel/module.h"

#define GAME_INVARIANTS 4
extern const struct invariant game_invariants[GAME_INVARIANTS];

#endif
