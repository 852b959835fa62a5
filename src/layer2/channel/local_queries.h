/* What people may ask about the channels of this node, and its tower. */
#ifndef LAYER2_CHANNEL_LOCAL_QUERIES_H
#define LAYER2_CHANNEL_LOCAL_QUERIES_H

#include "kernel/module.h"

#define LOCAL_QUERIES 4
extern const struct query_method local_queries[LOCAL_QUERIES];

#endif
