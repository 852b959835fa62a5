/* The kernel's own module: transactions, blocks, SQL, audit, verify, replay, help, facts about the node. */
#ifndef KERNEL_KERNEL_MODULE_H
#define KERNEL_KERNEL_MODULE_H

#include "kernel/module.h"

extern const struct module kernel_module;

/* The one method that is in no table, because its parameters are another command's: call.c answers it.
 * Declared like the others, for help and documents; it has no handler. */
#define METHOD_SUBMIT "transaction.submit"
extern const struct query_method submit_method;

#endif
