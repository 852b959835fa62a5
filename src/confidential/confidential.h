/* Confidential transfers on the base ledger: one pool of notes for each asset. What goes in and what comes
 * out is public, and so is what the pool holds; who owns which note, which one is spent and how much is in
 * it is not. The statements and their proofs are in spend.h; here they meet the rows. */
#ifndef CONFIDENTIAL_CONFIDENTIAL_H
#define CONFIDENTIAL_CONFIDENTIAL_H

#include "kernel/module.h"

/* What spends are bound to, beside the chain: the command that takes them. */
#define PURPOSE_TRANSFER "confidential.transfer"
#define PURPOSE_UNSHIELD "confidential.unshield"

#define CONFIDENTIAL_ACCOUNT_KIND "confidential" /* of the held account of a pool */

extern const struct module confidential_module;
extern const struct module confidential_wallet_module; /* this node's own wallets */

#endif
