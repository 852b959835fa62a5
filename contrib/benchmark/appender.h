/* Makes durable events through the real executor: kernel tasks that each write one state row and record one
 * event. A task that is done is submitted again at once, so that commits go back to back and every batch is
 * full. */
#ifndef BENCHMARK_APPENDER_H
#define BENCHMARK_APPENDER_H

#include <pthread.h>

#include "kernel/kernel.h"

#define STATE_ROWS 4096
#define APPENDER_ACCOUNTS 64 /* senders and recipients: as many subjects */

struct append_task {
    struct kernel_task task;
    struct appender *appender;
};

struct appender {
    struct kernel *kernel;
    struct append_task *tasks;
    size_t task_count;
    /* the executor's, while a run lasts */
    uint64_t random;
    uint64_t to_start; /* events not begun */
    int64_t until_ns;  /* none is begun from then on */
    size_t under_way;  /* tasks that wait or run */
    uint64_t durable;  /* events of this run */
    int64_t begun_ns;  /* when the newest task ran */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool finished;
};

/* `depth` tasks wait or run at a time: twice the batch size keeps every batch full. */
void appender_open(struct appender *appender, struct kernel *kernel, size_t depth);
void appender_close(struct appender *appender);

/* Makes `count` events, or as many as it can in that time, and returns when the last one is durable: durable
 * events a second. */
double appender_run(struct appender *appender, uint64_t count);
double appender_run_for(struct appender *appender, double seconds);

#endif
