/* What happened and what is to come, as lists: transactions, blocks, deadlines, effects. */
#ifndef KERNEL_HISTORY_H
#define KERNEL_HISTORY_H

#include "kernel/module.h"

extern const struct module history_module;

#endif
