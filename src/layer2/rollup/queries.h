/* What people may ask about rollups. */
#ifndef LAYER2_ROLLUP_QUERIES_H
#define LAYER2_ROLLUP_QUERIES_H

#include "kernel/query.h"
#include "layer2/rollup/rollup.h"

#define ROLLUP_QUERIES 11
extern const struct query_method rollup_queries[ROLLUP_QUERIES];

struct one_rollup {
    uint64_t domain;
};
struct rebuild {
    uint64_t domain;
};
enum status rebuild_rollup(struct query *q, const void *params, struct writer *w);

/* availability_queries.c: members of the answers about a rollup and a batch; data by its hash; the batch that
 * waits here for attestations. */
void write_committee(struct writer *w, struct database *database, const struct rollup *rollup);
void write_data_state(struct writer *w, struct database *database, const struct batch_row *row);
struct one_data {
    struct hash data_hash;
};
#define DATA_PARAMS 1
extern const struct param data_params[DATA_PARAMS];
enum status get_data(struct query *q, const void *params, struct writer *w);
enum status get_sealed(struct query *q, const void *params, struct writer *w);

#endif
