/* What people may ask about transfers, providers and quotes. */
#ifndef LAYER2_TRANSFER_QUERIES_H
#define LAYER2_TRANSFER_QUERIES_H

#include "kernel/module.h"

#define TRANSFER_QUERIES 6
extern const struct query_method transfer_queries[TRANSFER_QUERIES];

#endif
