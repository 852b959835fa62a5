/* A whole node inside the benchmark: kernel, both sockets and the I/O thread, started as src/node/main.c
 * does. So that a benchmark can look at the clock the moment COMMIT returns, and at the I/O thread's own CPU
 * time. */
#ifndef BENCHMARK_LOCAL_NODE_H
#define BENCHMARK_LOCAL_NODE_H

#include <pthread.h>

#include "api/api.h"
#include "kernel/kernel.h"

struct local_node {
    struct kernel *kernel;
    struct api *api; /* NULL: no sockets */
    struct event_base *base;
    pthread_t io_thread;
    char *directory;

    /* Called by the executor when COMMIT has returned, before subscribers hear of it; NULL: nobody. */
    void (*committed)(void *context, const struct publication *publication, int64_t at_ns);
    void *context;
};

struct local_node_options {
    const char *directory; /* made when absent */
    size_t batch_size;     /* commands a commit */
    bool sockets;
    const struct module *const *modules; /* NULL: the ledger alone */
    struct keystore *keystore;           /* NULL: none; stays the caller's */
    void (*committed)(void *context, const struct publication *publication, int64_t at_ns);
    void *context;
};

void local_node_start(struct local_node *node, const struct local_node_options *options);
void local_node_stop(struct local_node *node);
int64_t local_node_io_cpu_ns(const struct local_node *node); /* CPU time that the I/O thread has used */

#endif
