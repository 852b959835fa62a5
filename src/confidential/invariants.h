/* What always holds of confidential pools. */
#ifndef CONFIDENTIAL_INVARIANTS_H
#define CONFIDENTIAL_INVARIANTS_H

#include "kernel/module.h"

#define CONFIDENTIAL_INVARIANTS 4
extern const struct invariant confidential_invariants[CONFIDENTIAL_INVARIANTS];

#endif
