/* A node inside the benchmark: see local_node.h. */
#include "local_node.h"

#include <errno.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "measure.h"

#define CONNECTIONS_MAX 4096
#define QUEUE_SIZE 100000
#define WORKERS 2

static void on_publish(void *context, struct publication *publication)
{
    struct local_node *node = context;

    if (node->committed != NULL)
        node->committed(node->context, publication, now_ns());
    if (node->api != NULL)
        api_publish(node->api, publication);
    else
        publication_free(publication);
}

static void on_batch_done(void *context)
{
    struct local_node *node = context;

    if (node->api != NULL)
        api_wake(node->api);
}

static void *io_main(void *context)
{
    api_run(context);
    return NULL;
}

static void start_kernel(struct local_node *node, const struct local_node_options *wanted)
{
    static const struct module *const ledger_alone[] = { &ledger_module, NULL };
    const struct kernel_options options = {
        .directory = node->directory,
        .network = NETWORK_DEV,
        .modules = wanted->modules != NULL ? wanted->modules : ledger_alone,
        .keystore = wanted->keystore,
        .workers = WORKERS,
        .queue_size = QUEUE_SIZE,
        .batch_size = wanted->batch_size,
        .block_interval_us = MICROSECONDS_PER_SECOND,
        .query_timeout_us = 60 * MICROSECONDS_PER_SECOND,
        .publish = on_publish,
        .batch_done = on_batch_done,
        .context = node,
    };
    struct error error;

    if (kernel_start(&options, &node->kernel, &error) != OK)
        fatal("the node does not start: %s", error.message);
}

static void start_sockets(struct local_node *node)
{
    struct error error;

    if (api_listen(node->api, node->kernel, &error) != OK)
        fatal("the sockets do not open: %s", error.message);
    if (pthread_create(&node->io_thread, NULL, io_main, node->api) != 0)
        fatal("no thread for input and output");
}

void local_node_start(struct local_node *node, const struct local_node_options *options)
{
    struct error error;

    if (mkdir(options->directory, 0700) != 0 && errno != EEXIST)
        fatal("%s cannot be made", options->directory);
    if (log_set_levels("warn", &error) != OK || evthread_use_pthreads() != 0)
        fatal("the node does not start");
    *node = (struct local_node){ .directory = realpath(options->directory, NULL),
                                 .committed = options->committed,
                                 .context = options->context };
    if (node->directory == NULL)
        fatal("%s has no path", options->directory);
    if (options->sockets) {
        node->base = event_base_new();
        node->api = api_new(&(struct api_options){ .base = node->base,
                                                   .directory = node->directory,
                                                   .connections_max = CONNECTIONS_MAX,
                                                   .connections_per_uid = CONNECTIONS_MAX });
    }
    start_kernel(node, options);
    if (options->sockets)
        start_sockets(node);
}

void local_node_stop(struct local_node *node)
{
    if (node->api != NULL) {
        api_break(node->api);
        pthread_join(node->io_thread, NULL);
        api_pause(node->api);
    }
    kernel_stop(node->kernel, "the benchmark ends");
    if (node->api != NULL) {
        api_finish(node->api);
        api_free(node->api);
        event_base_free(node->base);
    }
    free(node->directory);
}

int64_t local_node_io_cpu_ns(const struct local_node *node)
{
    struct timespec used;
    clockid_t clock;

    if (pthread_getcpuclockid(node->io_thread, &clock) != 0 || clock_gettime(clock, &used) != 0)
        fatal("the CPU time of a thread cannot be read");
    return (int64_t)used.tv_sec * NANOSECONDS + used.tv_nsec;
}
