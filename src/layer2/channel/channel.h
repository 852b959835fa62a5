/* What node/ and later modules may use of this room's base part: the adjudicator. */
#ifndef LAYER2_CHANNEL_CHANNEL_H
#define LAYER2_CHANNEL_CHANNEL_H

#include "kernel/module.h"

extern const struct module channel_module;       /* the adjudicator: base tables, base commands */
extern const struct module channel_local_module; /* this node's own channels, and what it watches */

#endif
