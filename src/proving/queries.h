/* What people and programs ask about proofs. */
#ifndef PROVING_QUERIES_H
#define PROVING_QUERIES_H

#include "kernel/module.h"

#define PROVING_QUERIES 8
extern const struct query_method proving_queries[PROVING_QUERIES];

#endif
