/* What people may ask about channels. */
#ifndef LAYER2_CHANNEL_QUERIES_H
#define LAYER2_CHANNEL_QUERIES_H

#include "kernel/module.h"

#define CHANNEL_QUERIES 8
extern const struct query_method channel_queries[CHANNEL_QUERIES];

#endif
