/* What always holds of links, operations and writes. */
#ifndef NETWORK_INVARIANTS_H
#define NETWORK_INVARIANTS_H

#include "kernel/module.h"

#define NETWORK_INVARIANTS 8
extern const struct invariant network_invariants[NETWORK_INVARIANTS];

#endif
