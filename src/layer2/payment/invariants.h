/* What always holds of payments. */
#ifndef LAYER2_PAYMENT_INVARIANTS_H
#define LAYER2_PAYMENT_INVARIANTS_H

#include "kernel/module.h"

#define PAYMENT_INVARIANTS 6
extern const struct invariant payment_invariants[PAYMENT_INVARIANTS];

#endif
