/* The proof systems in the node: verification keys that accounts stand by, proofs verified and put on record
 * on the base ledger. */
#ifndef PROVING_PROVING_H
#define PROVING_PROVING_H

#include "kernel/module.h"

extern const struct module proof_module;

#endif
