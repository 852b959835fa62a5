/* What always holds of the ledger, checked over the whole database by tests after every step and by `audit`
 * on a live node. */
#ifndef LEDGER_INVARIANTS_H
#define LEDGER_INVARIANTS_H

#include "kernel/module.h"

#define LEDGER_INVARIANTS 8
extern const struct invariant ledger_invariants[LEDGER_INVARIANTS];

#endif
