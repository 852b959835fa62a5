/* What node/ uses of this room. */
#ifndef LAYER2_PAYMENT_PAYMENT_H
#define LAYER2_PAYMENT_PAYMENT_H

#include "kernel/module.h"

extern const struct module payment_module; /* channels must be there as well */
extern const struct module invoice_module;

#endif
