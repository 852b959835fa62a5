/* What always holds of messages, checked over the whole database by tests after every step and by `audit`. */
#ifndef MESSAGE_INVARIANTS_H
#define MESSAGE_INVARIANTS_H

#include "kernel/module.h"

#define MESSAGE_INVARIANTS 4
extern const struct invariant message_invariants[MESSAGE_INVARIANTS];

#endif
