/* What becomes of a pool: the handlers of its commands. The proofs were verified by the check (params.h),
 * which knows no rows; here is asked what only rows tell. */
#ifndef CONFIDENTIAL_POOL_H
#define CONFIDENTIAL_POOL_H

#include "crypto/asset.h"
#include "kernel/module.h"

/* The id of the held account of an asset's pool: the first hash of chain, asset and 0, 1, … that is no key,
 * so that nobody can send value there, and so block the pool, before it is opened. */
void pool_account(const char *chain, const struct asset_id *asset, struct account_id *account);

enum status pool_shield(struct execution *x, const void *params, struct writer *result);
enum status pool_transfer(struct execution *x, const void *params, struct writer *result);
enum status pool_unshield(struct execution *x, const void *params, struct writer *result);

#endif
