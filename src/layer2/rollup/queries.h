/* What people may ask about rollups. */
#ifndef LAYER2_ROLLUP_QUERIES_H
#define LAYER2_ROLLUP_QUERIES_H

#include "kernel/query.h"
#include "layer2/rollup/rollup.h"

#define ROLLUP_QUERIES 9
extern const struct query_method rollup_queries[ROLLUP_QUERIES];

struct rebuild {
    uint64_t domain;
};
enum status rebuild_rollup(struct query *q, const void *params, struct writer *w);

#endif
