/* Module "wallet": the keys that live on this node, for unsigned commands with `from`. Operator only. */
#ifndef NODE_WALLET_H
#define NODE_WALLET_H

#include "kernel/module.h"

extern const struct module wallet_module;

#endif
