/* The audit: every module's invariants over the whole database. */
#ifndef KERNEL_AUDIT_H
#define KERNEL_AUDIT_H

#include "kernel/query.h"
#include "kernel/registry.h"

#define VIOLATION_MAX 256

/* Runs all invariants, each in a snapshot of its own; `each` hears of every one, with what is wrong or NULL.
 * Returns whether all hold. When the node
 * stops it ends early, and database_failure() tells of it. */
bool audit_run(const struct registry *registry, struct query *q,
               void (*each)(void *context, const struct invariant *invariant, const char *violation),
               void *context);

#endif
