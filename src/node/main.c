/* layerd from its first instruction to its last. Read this file from the bottom up for the tour: main()
 * decides what was asked for, node_run() starts the rooms from the ground up, serves, and takes them down
 * again in the opposite order.
 *
 * Threads: this one becomes the I/O thread (sockets, signals, timers). The kernel starts the executor, which
 * alone writes, and the worker pool. They meet in bounded queues only. */
#include <config.h>

#include <event2/event.h>
#include <event2/thread.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "base/bech32.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "node/command_line.h"
#include "node/config.h"
#include "node/config_print.h"
#include "node/crash.h"
#include "node/daemon.h"
#include "node/exports.h"
#include "node/modules.h"
#include "node/networks.h"
#include "node/offline.h"
#include "node/operator.h"
#include "node/supervisor.h"

#define LOG_ROOM "node"
#define DESCRIPTORS_RESERVED 64 /* database, log, libraries */
#define OTHER_READERS 4         /* connections that read beside the workers' */
#define WATCHDOG_PARTS 3        /* signs of life in one watchdog interval */

extern char **environ;

struct node {
    const struct config *config;
    struct memory_plan memory;
    struct daemon_background background;
    struct daemon_lock lock;
    struct supervisor supervisor;
    struct keystore *keystore;
    struct event_base *base;
    struct api *api;
    struct kernel *kernel;
    struct event *stop_event, *terminate, *interrupt, *hang_up, *watchdog;
    const char *stop_reason;        /* of the first wish to stop */
    struct kernel_task sign_of_life; /* through the executor and back */
    atomic_bool alive;              /* the last one came back */
};

/* The exit status that fits an error (sysexits.h). */
static int exit_status(enum status status)
{
    if (status == OK)
        return EXIT_SUCCESS;
    if (status == ERROR_DATABASE_IN_USE)
        return EX_UNAVAILABLE;
    if (status == ERROR_CORRUPT || status == ERROR_NEWER_DATABASE || status == ERROR_NOT_A_LAYERD_DATABASE)
        return EX_DATAERR;
    return status == ERROR_STORAGE ? EXIT_STORAGE : EXIT_FAILURE;
}

/* --- while it runs -------------------------------------------------------------------------------------- */
static void stop_for(struct node *node, const char *reason)
{
    if (node->stop_reason == NULL)
        node->stop_reason = reason;
    api_break(node->api);
}

static void on_stop_command(evutil_socket_t file, short what, void *context)
{
    (void)file;
    (void)what;
    stop_for(context, "stop command");
}

/* The command `stop`, on a worker thread: only wakes the I/O thread. */
static void wish_to_stop(void *context)
{
    struct node *node = context;

    event_active(node->stop_event, 0, 0);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    stop_for(context, number == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_hang_up(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    (void)context;
    log_reopen();
    log_info("log opened anew");
}

/* --- the watchdog: alive means that both this thread and the executor turn ------------------------------ */
static enum status pass_executor(struct kernel_task *task, struct execution *x)
{
    (void)task;
    (void)x;
    return OK;
}

static void back_from_executor(struct kernel_task *task, enum status status, const struct error *error)
{
    struct node *node = (struct node *)(void *)((char *)task - offsetof(struct node, sign_of_life));

    (void)status;
    (void)error;
    atomic_store(&node->alive, true);
}

static void on_watchdog(evutil_socket_t file, short what, void *context)
{
    struct node *node = context;

    (void)file;
    (void)what;
    if (!atomic_exchange(&node->alive, false))
        return; /* still on its way: systemd will judge */
    supervisor_tell(&node->supervisor, "WATCHDOG=1\nSTATUS=%s: %" PRIu64 " events, block %" PRIu64,
                    node->config->network_text, kernel_head(node->kernel), kernel_height(node->kernel));
    if (!kernel_submit_task(node->kernel, &node->sign_of_life))
        atomic_store(&node->alive, true); /* a full queue is being worked off */
}

/* --- starting ------------------------------------------------------------------------------------------- */
static enum status open_log(const struct node *node, struct error *error)
{
    const struct config *config = node->config;
    bool background = node->background.ready >= 0;
    char *usual AUTO_FREE = text_format("%s/layerd.log", config->directory);
    struct log_options options = {
        .path = config->log_file != NULL ? config->log_file : background ? usual : NULL,
        .json = strcmp(config->log_format, "json") == 0,
        .levels = config->log_level,
    };

    return log_open(&options, error);
}

/* Both sockets' connections and what else is open must fit into the descriptors that the system gives. */
static size_t connections_possible(const struct config *config)
{
    uint64_t most = daemon_descriptors();

    most = most > DESCRIPTORS_RESERVED + 2 ? (most - DESCRIPTORS_RESERVED) / 2 : 1;
    if (config->connections <= most)
        return config->connections;
    log_warn("only %" PRIu64 " connections a socket instead of %" PRIu64
             ": the limit of open files is %" PRIu64,
             most, config->connections, daemon_descriptors());
    return most;
}

static struct api *new_api(const struct node *node)
{
    const struct config *config = node->config;
    struct api_options options = {
        .base = node->base,
        .directory = config->directory,
        .operator_uids = config->operator_uids,
        .operator_uid_count = config->operator_uid_count,
        .connections_max = connections_possible(config),
        .connections_per_uid = config->connections_per_uid,
        .ring_bytes = config->ring_size,
        .calls_max = config->max_concurrent,
        .calls_bytes_max = node->memory.queue,
        .unsent_bytes_max = node->memory.replies / 2, /* two sockets */
        .idle_line_timeout_us = config->idle_line_timeout_us,
        .hold_method = OPERATOR_STOP_METHOD,
    };

    return api_new(&options);
}

static enum status start_kernel(struct node *node, struct error *error)
{
    const struct config *config = node->config;
    struct kernel_options options = {
        .directory = config->directory,
        .network = config->network,
        .modules = modules,
        .workers = config->worker_pool_size,
        .queue_size = config->queue_size,
        .queue_bytes = node->memory.queue,
        .batch_size = config->batch_size,
        .max_concurrency = config->max_concurrency,
        .block_interval_us = config->block_interval_us,
        .query_timeout_us = config->timeout_us,
        .stays_out_of_disputes = !config->watch_rollups,
        .keystore = node->keystore,
        .publish = api_publish,
        .batch_done = api_wake,
        .context = node->api,
    };

    network_use(networks);
    operator_on_stop(wish_to_stop, node);
    return kernel_start(&options, &node->kernel, error);
}

static void watch(struct node *node)
{
    struct timeval interval;

    node->stop_event = event_new(node->base, -1, 0, on_stop_command, node);
    node->terminate = evsignal_new(node->base, SIGTERM, on_signal, node);
    node->interrupt = evsignal_new(node->base, SIGINT, on_signal, node);
    node->hang_up = evsignal_new(node->base, SIGHUP, on_hang_up, node);
    node->watchdog = event_new(node->base, -1, EV_PERSIST, on_watchdog, node);
    if (node->stop_event == NULL || node->terminate == NULL || node->interrupt == NULL ||
        node->hang_up == NULL || node->watchdog == NULL || event_add(node->terminate, NULL) != 0 ||
        event_add(node->interrupt, NULL) != 0 || event_add(node->hang_up, NULL) != 0)
        resource_exhausted("events");
    if (node->supervisor.watchdog_us == 0)
        return;
    interval.tv_sec = (time_t)(node->supervisor.watchdog_us / WATCHDOG_PARTS / 1000000);
    interval.tv_usec = (suseconds_t)(node->supervisor.watchdog_us / WATCHDOG_PARTS % 1000000);
    node->sign_of_life = (struct kernel_task){ .run = pass_executor, .done = back_from_executor };
    atomic_store(&node->alive, true);
    if (event_add(node->watchdog, &interval) != 0)
        resource_exhausted("events");
}

/* The rooms from the ground up. On failure node_close takes down what stands. */
static enum status node_start(struct node *node, struct error *error)
{
    const struct config *config = node->config;
    char *crash_log AUTO_FREE = text_format("%s/crash.log", config->directory);
    char *keystore AUTO_FREE = text_format("%s/keystore.json", config->directory);

    /* A place of our own, and nobody else in it. */
    TRY(daemon_directory(config->directory, error));
    TRY(daemon_lock(config->directory, &node->lock, error));

    /* From here on what happens is written down, be it a crash. */
    TRY(open_log(node, error));
    crash_install(crash_log, PACKAGE_VERSION);
    log_info("layerd " PACKAGE_VERSION " starts: network %s, directory %s, process %ld", config->network_text,
             config->directory, (long)getpid());

    /* Bounds of what can grow: the caches here, the rest where it is made. */
    TRY(config_memory_plan(config, &node->memory, error));
    database_share_cache(node->memory.cache, config->worker_pool_size + OTHER_READERS);

    /* Keys, locked until the operator opens them. */
    address_set_prefix(config->network == NETWORK_MAIN ? ADDRESS_PREFIX_MAIN : ADDRESS_PREFIX_TEST);
    TRY(keystore_open(keystore, &node->keystore, error));

    /* The loop, then the two that need each other: the API first, since the kernel publishes to it; it
     * listens last, so that nobody gets in before the database is open, migrated and checked. */
    if (evthread_use_pthreads() != 0 || (node->base = event_base_new()) == NULL)
        resource_exhausted("descriptors");
    watch(node);
    node->api = new_api(node);
    TRY(start_kernel(node, error));
    return api_listen(node->api, node->kernel, error);
}

/* --- stopping ------------------------------------------------------------------------------------------- */
static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

/* In the opposite order. Also fits a node that did not start to the end. */
static void node_close(struct node *node)
{
    daemon_lock_stopping(&node->lock);
    operator_stopping();

    /* Nothing new comes in; what is under way gets its answer. */
    if (node->api != NULL)
        api_pause(node->api);

    /* The last batch, a signed checkpoint, and the database is closed. */
    if (node->kernel != NULL)
        kernel_stop(node->kernel, node->stop_reason != NULL ? node->stop_reason : "failed start");

    /* Only now is `stop` answered, and the sockets disappear. */
    if (node->api != NULL) {
        api_finish(node->api);
        api_free(node->api);
    }
    free_event(node->watchdog);
    free_event(node->hang_up);
    free_event(node->interrupt);
    free_event(node->terminate);
    free_event(node->stop_event);
    if (node->base != NULL)
        event_base_free(node->base);
    keystore_close(node->keystore);
    libevent_global_shutdown();
    supervisor_close(&node->supervisor);
    daemon_unlock(&node->lock);
}

static int node_run(const struct config *config, bool background)
{
    struct node node = { .config = config, .background = { .ready = -1 }, .lock = { .file = -1 } };
    struct error error = { .code = OK };
    enum status status;

    /* The process itself, while it has one thread. */
    daemon_limits(config->core_dumps);
    if (background)
        daemon_background(&node.background);
    supervisor_open(&node.supervisor);

    if (!config->enabled) {
        supervisor_tell(&node.supervisor, "READY=1\nSTATUS=switched off");
        fputs("layerd: switched off by the setting 'enabled' (LAYER2_ENABLED); nothing was started\n",
              stderr);
        daemon_ready(&node.background);
        supervisor_close(&node.supervisor);
        return EXIT_SUCCESS;
    }

    status = node_start(&node, &error);
    if (status == OK) {
        log_info("ready: chain %s, %" PRIu64 " events, block %" PRIu64, kernel_chain(node.kernel),
                 kernel_head(node.kernel), kernel_height(node.kernel));
        supervisor_tell(&node.supervisor, "READY=1\nSTATUS=%s: %" PRIu64 " events", config->network_text,
                        kernel_head(node.kernel));
        daemon_ready(&node.background);

        /* Everything that happens, happens in here and in the kernel's threads. */
        api_run(node.api);

        log_info("stopping: %s", node.stop_reason);
        supervisor_tell(&node.supervisor, "STOPPING=1");
    } else {
        fprintf(stderr, "layerd: %s\n", error.message);
        if (log_descriptor() != STDERR_FILENO)
            log_error("does not start: %s", error.message);
    }
    node_close(&node);
    if (status == OK)
        log_info("stopped");
    log_close();
    return exit_status(status);
}

/* --- what was asked for --------------------------------------------------------------------------------- */
/* A full disk must not look like success. */
static int print_text(const struct buffer *text)
{
    if (fwrite(text->data, 1, text->size, stdout) == text->size && fflush(stdout) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "layerd: standard output could not be written\n");
    return EX_IOERR;
}

static int print(void (*write)(struct buffer *out))
{
    struct buffer out CLEANUP(buffer_close) = { 0 };

    buffer_init(&out);
    write(&out);
    return print_text(&out);
}

static int offline(enum status status, const struct error *error)
{
    if (status != OK)
        fprintf(stderr, "layerd: %s\n", error->message);
    return exit_status(status);
}

static int act(const struct command_line *line, const struct config *config)
{
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct error error = { .code = OK };

    buffer_init(&out);
    switch (line->action) {
    case ACTION_HELP:
        return print(command_line_help);
    case ACTION_VERSION:
        buffer_append_text(&out, "layerd " PACKAGE_VERSION "\n");
        return print_text(&out);
    case ACTION_PRINT_CONFIG_EXAMPLE:
        return print(config_print_example);
    case ACTION_PRINT_CONFIG_MANUAL:
        return print(config_print_manual);
    case ACTION_PRINT_OPENRPC:
        return print(export_openrpc);
    case ACTION_PRINT_EVENTS_SCHEMA:
        return print(export_events_schema);
    case ACTION_PRINT_OPTIONS:
        return print(command_line_options);
    case ACTION_PRINT_METHODS:
        return print(export_methods);
    case ACTION_PRINT_CONFIG:
        config_print(config, &out);
        return print_text(&out);
    case ACTION_VERIFY:
        return offline(offline_verify(config, line->head_file, &error), &error);
    case ACTION_RESTORE:
        return offline(offline_restore(config, line->restore_file, &error), &error);
    case ACTION_RUN:
        return node_run(config, line->background);
    }
    return EX_SOFTWARE;
}

/* These say what the binary is, whatever its configuration. */
static bool needs_config(enum action action)
{
    return action == ACTION_RUN || action == ACTION_PRINT_CONFIG || action == ACTION_VERIFY ||
           action == ACTION_RESTORE;
}

int main(int argc, char **argv)
{
    struct config_sources sources = { .environment = environ };
    struct command_line line;
    struct config config;
    struct error error = { .code = OK };
    int result;

    if (command_line_parse(argc, argv, &line, &error) != OK) {
        fprintf(stderr, "layerd: %s\n", error.message);
        return EX_USAGE;
    }
    crypto_start();
    if (!needs_config(line.action))
        return act(&line, NULL);

    sources.file = line.config_file;
    sources.command_line = line.assignments;
    sources.command_line_count = line.assignment_count;
    if (config_load(&sources, &config, &error) != OK) {
        fprintf(stderr, "layerd: %s\n", error.message);
        config_close(&config);
        return EX_CONFIG;
    }
    result = act(&line, &config);
    config_close(&config);
    return result;
}
