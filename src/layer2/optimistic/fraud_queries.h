/* What people may ask about proofs of fraud. */
#ifndef LAYER2_OPTIMISTIC_FRAUD_QUERIES_H
#define LAYER2_OPTIMISTIC_FRAUD_QUERIES_H

#include "kernel/module.h"

#define FRAUD_QUERIES 1
extern const struct query_method fraud_queries[FRAUD_QUERIES];

#endif
