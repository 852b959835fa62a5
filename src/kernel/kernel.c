/* Starting and stopping the machine, and what anybody may ask of it: see kernel.h. */
#include "kernel/kernel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "crypto/hash.h"
#include "kernel/internal.h"
#include "store/migration.h"

#define LOG_ROOM "kernel"
#define META_NODE_ID "node_id"
#define META_NETWORK "network"
#define META_CHAIN "chain"
#define META_GENESIS "genesis"
#define META_CLEAN_STOP "clean_stop"
#define OWN_KEY_TAG "layerd/node/account"

const char *network_name(enum node_network network)
{
    switch (network) {
    case NETWORK_DEV: return "dev";
    case NETWORK_TEST: return "test";
    case NETWORK_MAIN: return "main";
    }
    return "";
}

/* --- identity: who this node is, which chain it keeps ----------------------------------------- */
static void make_identity(struct kernel *k)
{
    uint8_t random[16 + 32];
    char node_id[NODE_ID_TEXT], genesis_text[65], chain[CHAIN_TEXT];
    struct tagged_hash h;
    struct hash genesis;

    if (k->options.seed == NULL)
        randombytes_buf(random, sizeof(random));
    else
        randombytes_buf_deterministic(random, sizeof(random), k->options.seed->bytes);
    hex_text(node_id, random, 16);
    tagged_hash_begin(&h, "layerd/chain");
    tagged_hash_add(&h, network_name(k->options.network), strlen(network_name(k->options.network)) + 1);
    tagged_hash_add(&h, random + 16, 32);
    tagged_hash_end(&h, &genesis);
    hex_text(genesis_text, genesis.bytes, sizeof(genesis.bytes));
    snprintf(chain, sizeof(chain), "%s-%.16s", network_name(k->options.network), genesis_text);
    database_begin(k->writer);
    meta_set(k->writer, META_NODE_ID, node_id);
    meta_set(k->writer, META_NETWORK, network_name(k->options.network));
    meta_set(k->writer, META_GENESIS, genesis_text);
    meta_set(k->writer, META_CHAIN, chain);
    database_commit(k->writer);
}

static enum status load_identity(struct kernel *k, struct hash *genesis, struct error *error)
{
    char *node_id AUTO_FREE = meta_get(k->writer, META_NODE_ID);
    char *network AUTO_FREE = NULL, *chain AUTO_FREE = NULL, *genesis_text AUTO_FREE = NULL;

    if (node_id == NULL) {
        make_identity(k);
        node_id = meta_get(k->writer, META_NODE_ID);
    }
    network = meta_get(k->writer, META_NETWORK);
    chain = meta_get(k->writer, META_CHAIN);
    genesis_text = meta_get(k->writer, META_GENESIS);
    if (network == NULL || chain == NULL || genesis_text == NULL ||
        !hex_decode(genesis->bytes, sizeof(genesis->bytes), genesis_text, strlen(genesis_text)))
        return error_set(error, ERROR_CORRUPT, "the database's facts about its node are not complete");
    if (strcmp(network, network_name(k->options.network)) != 0)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the database is of the %s network, and %s was asked for", network,
                         network_name(k->options.network));
    snprintf(k->node_id, sizeof(k->node_id), "%s", node_id);
    snprintf(k->chain, sizeof(k->chain), "%s", chain);
    snprintf(k->origin, sizeof(k->origin), "layerd/%s", k->node_id);
    return OK;
}

/* --- start ------------------------------------------------------------------------------------ */
static enum status open_database(struct kernel *k, int *from, int *to, struct error *error)
{
    const struct database_options options = { .path = k->database_path,
                                              .mode = DATABASE_WRITER,
                                              .vfs = k->options.vfs };

    TRY(database_open(&options, &k->writer, error));
    TRY(migrate(k->writer, k->backup_directory, from, to, error));
    return database_move_in_background(k->writer, &options, error);
}

/* A seed whose hash is no key exists, but nobody will ever see one. */
static enum status derive_own_key(struct kernel *k, struct error *error)
{
    k->own_key = secret_new(sizeof(*k->own_key));
    note_signer_derive(k->signer, OWN_KEY_TAG, k->own_key);
    if (!secret_key_account(k->own_key, &k->own_account))
        return error_set(error, ERROR_BAD_KEY, "node.key gives no key for the node's own account");
    return OK;
}

static enum status open_log(struct kernel *k, struct error *error)
{
    char *path AUTO_FREE = text_format("%s/node.key", k->directory);

    TRY(note_signer_open(path, k->origin, &k->signer, error));
    TRY(derive_own_key(k, error));
    return event_log_open(k->writer, k->node_id, k->signer, &k->log, error);
}

/* The newest block becomes the machine's head; a new chain gets its block 0. */
static void load_head(struct kernel *k, const struct hash *genesis)
{
    struct block newest, parent;
    struct hash hash;
    int64_t time_us, advance_us = 0;

    machine_init(&k->machine, k->writer, k->registry, k, k->chain, k->options.network);
    if (event_read(k->writer, event_log_head(k->log), &hash, &time_us))
        k->event_time_us = time_us;
    if (!block_newest(k->writer, &newest)) {
        executor_genesis(k, genesis);
        log_info("new chain %s", k->chain);
        return;
    }
    if (newest.height > 0 && block_read(k->writer, newest.height - 1, &parent))
        advance_us = newest.advanced_us - parent.advanced_us;
    machine_load(&k->machine, &newest, advance_us);
}

static enum status record_upgraded(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    return event_database_upgraded(x, params);
}

static enum status record_started(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    meta_set(execution_database(x), META_CLEAN_STOP, "no");
    return event_node_started(x, params);
}

static enum status record_stopped(struct execution *x, const void *params, struct writer *result)
{
    (void)result;
    meta_set(execution_database(x), META_CLEAN_STOP, "yes");
    return event_node_stopped(x, params);
}

static void record_start(struct kernel *k, int from, int to)
{
    char *clean AUTO_FREE = meta_get(k->writer, META_CLEAN_STOP);
    struct event_node_started started = { .version = PACKAGE_VERSION,
                                          .network = network_name(k->options.network),
                                          .height = k->machine.head.height,
                                          .clean = clean == NULL || strcmp(clean, "yes") == 0 };

    if (from > 0 && from < to)
        executor_record(k, record_upgraded,
                        &(struct event_database_upgraded){ .from = (uint64_t)from, .to = (uint64_t)to },
                        false);
    executor_record(k, record_started, &started, false);
    if (!started.clean)
        log_info("the stop before was not orderly; the log was checked from its last checkpoint");
}

static enum status open_readers(struct kernel *k, struct error *error)
{
    k->readers = memory_array(k->options.workers, sizeof(*k->readers));
    for (size_t i = 0; i < k->options.workers; i++)
        TRY(kernel_reader(k, &k->readers[i], error));
    return OK;
}

/* --- memory of the modules -------------------------------------------------------------------- */
static void open_memories(struct kernel *k)
{
    k->memories = memory_array(registry_module_count(k->registry), sizeof(*k->memories));
    for (size_t i = 0; i < registry_module_count(k->registry); i++) {
        const struct module *module = registry_module(k->registry, i);

        if (module->memory_open != NULL)
            k->memories[i] = module->memory_open(k, k->writer);
    }
}

static void close_memories(struct kernel *k)
{
    for (size_t i = 0; k->memories != NULL && i < registry_module_count(k->registry); i++) {
        const struct module *module = registry_module(k->registry, i);

        if (module->memory_open != NULL)
            module->memory_close(k->memories[i]);
    }
    free(k->memories);
}

void *kernel_memory(const struct kernel *k, const struct module *module)
{
    for (size_t i = 0; i < registry_module_count(k->registry); i++) {
        if (registry_module(k->registry, i) == module)
            return k->memories[i];
    }
    return NULL;
}

static void release(struct kernel *k)
{
    close_memories(k);
    for (size_t i = 0; k->readers != NULL && i < k->options.workers; i++)
        database_close(k->readers[i]);
    free(k->readers);
    machine_close(&k->machine);
    event_log_close(k->log);
    database_close(k->writer);
    note_signer_free(k->signer);
    secret_free(k->own_key);
    registry_free(k->registry);
    query_lane_destroy(&k->lane);
    buffer_close(&k->results);
    free(k->batch);
    free(k->directory);
    free(k->database_path);
    free(k->backup_directory);
    free(k);
}

static enum status open_all(struct kernel *k, struct error *error)
{
    struct hash genesis;
    int from, to;

    TRY(open_database(k, &from, &to, error));
    TRY(load_identity(k, &genesis, error));
    TRY(open_log(k, error));
    load_head(k, &genesis);
    open_memories(k); /* before anything runs: the first batch may fire deadlines that came due meanwhile */
    record_start(k, from, to);
    return open_readers(k, error);
}

enum status kernel_start(const struct kernel_options *options, struct kernel **kernel, struct error *error)
{
    struct kernel *k = memory_new(sizeof(*k));
    enum status status;

    INVARIANT(options->workers > 0 && options->queue_size > 0 && options->batch_size > 0, "kernel options");
    crypto_start();
    k->options = *options;
    if (options->workers < WORKERS_LEAST)
        k->options.workers = WORKERS_LEAST;
    if (options->max_concurrency == 0)
        k->options.max_concurrency = MAX_CONCURRENCY_USUAL;
    if (options->queue_bytes == 0)
        k->options.queue_bytes = QUEUED_BYTES_USUAL;
    k->directory = text_copy(options->directory);
    k->database_path = text_format("%s/layerd.sqlite3", options->directory);
    k->backup_directory = text_format("%s/backups", options->directory);
    k->registry = registry_new(options->modules);
    k->batch = memory_array(options->batch_size, sizeof(*k->batch));
    buffer_init(&k->results);
    query_lane_init(&k->lane, k->options.workers);
    json_set_alloc_funcs(malloc, memory_free_wiped); /* its strings may be passphrases */
    status = open_all(k, error);
    if (status != OK) {
        release(k);
        return status;
    }
    queue_init(&k->queue, options->queue_size);
    k->workers = workers_start("worker", k->options.workers, options->queue_size);
    k->effects = effects_start(k);
    executor_start(k);
    *kernel = k;
    return OK;
}

/* --- stop ------------------------------------------------------------------------------------- */
static void wake_waiting(struct kernel *k)
{
    for (size_t i = 0; i < registry_module_count(k->registry); i++) {
        const struct module *module = registry_module(k->registry, i);

        if (module->memory_stopping != NULL)
            module->memory_stopping(k->memories[i]);
    }
}

void kernel_stop(struct kernel *k, const char *reason)
{
    atomic_store(&k->stopping, true);
    wake_waiting(k);
    workers_end(k->workers); /* calls under way end, or reach the queue */
    effects_stop(k->effects);
    executor_stop(k);
    executor_record(k, record_stopped, &(struct event_node_stopped){ .reason = reason }, true);
    effects_free(k->effects);
    workers_free(k->workers);
    queue_destroy(&k->queue);
    release(k);
}

bool kernel_takes_part(const struct kernel *k)
{
    return !k->options.stays_out_of_disputes;
}

bool kernel_stopping(const struct kernel *k)
{
    return atomic_load(&k->stopping);
}

/* --- tasks ------------------------------------------------------------------------------------ */
bool kernel_submit_task(struct kernel *k, struct kernel_task *task)
{
    struct job *job = job_new(JOB_TASK);

    job->task = task;
    if (executor_submit(k, job))
        return true;
    job_free(job);
    return false;
}

/* --- facts ------------------------------------------------------------------------------------ */
int64_t kernel_clock(const struct kernel *k)
{
    return k->options.clock == NULL ? clock_wall_us() : k->options.clock(k->options.clock_context);
}

int64_t kernel_now(const struct kernel *k)
{
    int64_t now_us = kernel_clock(k) + (int64_t)atomic_load(&k->advanced_us);
    int64_t newest_us = (int64_t)atomic_load(&k->block_time_us);

    return now_us > newest_us ? now_us : newest_us;
}

struct account_id kernel_account(const struct kernel *k)
{
    return k->own_account;
}

struct workers *kernel_workers(struct kernel *k)
{
    return k->workers;
}

const char *kernel_chain(const struct kernel *k)
{
    return k->chain;
}

const char *kernel_node_id(const struct kernel *k)
{
    return k->node_id;
}

const char *kernel_origin(const struct kernel *k)
{
    return k->origin;
}

const struct note_key *kernel_note_key(const struct kernel *k)
{
    return note_signer_key(k->signer);
}

const char *kernel_database_path(const struct kernel *k)
{
    return k->database_path;
}

enum node_network kernel_network(const struct kernel *k)
{
    return k->options.network;
}

uint64_t kernel_head(const struct kernel *k)
{
    return atomic_load(&k->head);
}

uint64_t kernel_height(const struct kernel *k)
{
    return atomic_load(&k->height);
}

struct keystore *kernel_keystore(struct kernel *k)
{
    return k->options.keystore;
}

enum status kernel_reader(struct kernel *k, struct database **reader, struct error *error)
{
    const struct database_options options = { .path = k->database_path, .mode = DATABASE_READER,
                                              .vfs = k->options.vfs };

    return database_open(&options, reader, error);
}

void kernel_counters(struct kernel *k, struct kernel_counters *counters)
{
    *counters = (struct kernel_counters){
        .commits = atomic_load(&k->commits),
        .commands = atomic_load(&k->commands),
        .refused = atomic_load(&k->refused),
        .events = atomic_load(&k->events),
        .blocks = atomic_load(&k->blocks),
        .queries = atomic_load(&k->queries),
        .busy = atomic_load(&k->busy),
        .queued = queue_count(&k->queue),
    };
}
