/* What people and programs ask about confidential pools. */
#ifndef CONFIDENTIAL_QUERIES_H
#define CONFIDENTIAL_QUERIES_H

#include "kernel/module.h"

#define CONFIDENTIAL_QUERIES 3
extern const struct query_method confidential_queries[CONFIDENTIAL_QUERIES];

#endif
