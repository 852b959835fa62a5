/* What node/ uses of this room. */
#ifndef LAYER2_TRANSFER_TRANSFER_H
#define LAYER2_TRANSFER_TRANSFER_H

#include "kernel/module.h"

extern const struct module transfer_module; /* ledger, channels and payments must be there as well */

#endif
