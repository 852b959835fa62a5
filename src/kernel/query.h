/* A query while it runs on a worker: a read-only connection, the caller, and the way to refuse. */
#ifndef KERNEL_QUERY_H
#define KERNEL_QUERY_H

#include "kernel/execution.h"
#include "kernel/module.h"

struct caller {
    int64_t uid, gid;  /* SO_PEERCRED at connect; −1 inside the process */
    bool operator_;    /* may call operator methods */
};

struct query {
    struct kernel *kernel;
    struct database *database; /* a snapshot is held for the query's life */
    struct caller caller;
    struct error error;        /* filled by query_fail */
};

/* Around what may take long: at most so many such queries run at once (query_lane.h). ERROR_BUSY: this one
 * does not, and there is nothing to end. */
MUST_CHECK enum status query_long_begin(struct query *q);
void query_long_end(struct query *q);

enum status query_fail(struct query *q, enum status code, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
