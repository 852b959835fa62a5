/* What is asked about networks, links, operations and writes. */
#ifndef NETWORK_QUERIES_H
#define NETWORK_QUERIES_H

#include "kernel/module.h"

#define NETWORK_QUERIES 9
extern const struct query_method network_queries[NETWORK_QUERIES];

#endif
