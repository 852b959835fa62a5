/* The kernel's own module: transactions, blocks, SQL, audit, verify, replay, help, facts about the node. */
#ifndef KERNEL_KERNEL_MODULE_H
#define KERNEL_KERNEL_MODULE_H

#include "kernel/module.h"

extern const struct module kernel_module;

/* The one method that is not a table entry's handler, because its parameters are another command's. */
#define METHOD_SUBMIT "transaction.submit"

#endif
