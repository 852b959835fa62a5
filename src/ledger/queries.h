/* What people and programs ask the ledger: declared here as one table, answered in queries.c. Lists are paged
 * by key and answer {"items":[…],"next":KEY|null}; the key goes into `after` to read on. */
#ifndef LEDGER_QUERIES_H
#define LEDGER_QUERIES_H

#include "kernel/module.h"

#define LEDGER_QUERIES 9
extern const struct query_method ledger_queries[LEDGER_QUERIES];

#endif
