/* What node/ uses of this room. */
#ifndef LAYER2_PAYMENT_PAYMENT_H
#define LAYER2_PAYMENT_PAYMENT_H

#include "kernel/module.h"

extern const struct module payment_module;

#endif
