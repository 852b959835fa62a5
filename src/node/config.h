/* What the operator decided: the values of all settings, and where each came from. Later sources win over
 * earlier ones: default, configuration file, environment, command line. Every source is checked in full, also
 * where a later one wins.
 *
 * setting.h declares the settings; this pair gathers their values and checks what concerns several at once.
 */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "kernel/kernel.h"

#define SETTINGS_MAX 40
#define OPERATOR_UIDS_MAX 32
#define CONFIG_FILE_MAX (64 * 1024) /* bytes */

struct config {
    /* settings, in the order of their declaration */
    bool enabled;
    const char *network_text; /* "dev", "test", "main" */
    char *directory;          /* absolute */
    uint64_t max_concurrent;  /* calls in flight */
    uint64_t max_concurrency; /* reads on outside networks at once */
    int64_t timeout_us;
    uint64_t memory_limit;    /* bytes */
    uint64_t batch_size;      /* commands a commit */
    uint64_t worker_pool_size; /* threads; 0 until config_load asked how many CPUs are online */
    uint64_t queue_size;      /* commands that may wait */
    uint64_t ring_size;       /* bytes */
    uint64_t connections, connections_per_uid;
    int64_t idle_line_timeout_us;
    int64_t block_interval_us;
    char *operator_uids_text; /* "1000,1001"; NULL: none */
    char *log_file;           /* absolute; NULL: standard error, or DIRECTORY/layerd.log in the background */
    const char *log_format;   /* "text", "json" */
    char *log_level;
    bool core_dumps;
    bool watch_rollups;

    /* what follows from them */
    enum node_network network;
    int64_t operator_uids[OPERATOR_UIDS_MAX];
    size_t operator_uid_count;

    char *origins[SETTINGS_MAX]; /* by index of the setting: "default", "FILE:LINE", "environment NAME",
                                    "command line" */
};

/* One `--name value` of the command line, in order. */
struct assignment {
    const char *name, *value;
};

struct config_sources {
    const char
        *file; /* named by --config, and then it must exist; NULL: ~/.layerd/layerd.conf if there is one */
    char *const *environment; /* as environ; NULL: none */
    const struct assignment *command_line;
    size_t command_line_count;
};

/* Fills *config from all sources and checks it. ERROR_INVALID_PARAMS names the source, the setting, its value
 * and what was expected; ERROR_NOT_FOUND or ERROR_STORAGE for a file that does not open. The caller closes it
 * in either case. */
MUST_CHECK enum status config_load(const struct config_sources *sources, struct config *config,
                                   struct error *error);
void config_close(struct config *config);

/* The steps of config_load, each by itself for the tests. `name` is what messages call the file. */
MUST_CHECK enum status config_apply_defaults(struct config *config, struct error *error);
MUST_CHECK enum status config_apply_text(struct config *config, const char *text, size_t size,
                                         const char *name, struct error *error);
MUST_CHECK enum status config_apply_environment(struct config *config, char *const *environment,
                                                struct error *error);
MUST_CHECK enum status config_finish(struct config *config, struct error *error);

/* How memory-limit is spent. The parts that can grow are bounded by what is written here. */
struct memory_plan {
    uint64_t process;     /* code, stacks, libraries */
    uint64_t ring;        /* committed lines kept for subscribers */
    uint64_t queue;       /* calls in flight and commands that wait */
    uint64_t connections; /* buffers of both sockets, at rest */
    uint64_t replies;     /* written and not read by clients, both sockets */
    uint64_t cache;       /* what is left: SQLite's heap, page caches included */
};
/* ERROR_INVALID_PARAMS when the settings do not fit into memory-limit; the message says what would. */
MUST_CHECK enum status config_memory_plan(const struct config *config, struct memory_plan *plan,
                                          struct error *error);

/* A path as the operator wrote it, made absolute: "~/" is the home directory, anything else is seen from the
 * current one. Owned by the caller. */
char *config_path(const char *text);

#endif
