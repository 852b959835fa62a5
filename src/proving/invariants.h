/* What always holds of proofs on record, checked over the whole database by tests after every step and by
 * `audit`. */
#ifndef PROVING_INVARIANTS_H
#define PROVING_INVARIANTS_H

#include "kernel/module.h"

#define PROVING_INVARIANTS 3
extern const struct invariant proving_invariants[PROVING_INVARIANTS];

/* A record is known by what was proved, and by whom it was brought. */
void proof_record_id(const struct hash *claim, const struct account_id *account, struct hash *out);

#endif
