/* A whole node without sockets: see kernel_fixture.h. */
#include "kernel_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/transaction.h"
#include "kernel/replay.h"

#define PASSPHRASE "the tests' own"
#define FIXTURE_EPOCH_US (1800000000 * MICROSECONDS_PER_SECOND)
#define FIXTURE_VALIDITY_US (3600 * MICROSECONDS_PER_SECOND)
#define FIXTURE_WORKERS 2
#define FIXTURE_QUERY_TIMEOUT_US (60 * MICROSECONDS_PER_SECOND)

/* --- start and stop --------------------------------------------------------------------------- */
static int64_t fixture_clock(void *context)
{
    return atomic_load(&((struct fixture *)context)->now_us);
}

static void close_reader(struct fixture *f)
{
    sqlite3_close(f->reader);
    f->reader = NULL;
}

static enum status try_open_node(struct fixture *f, struct error *error)
{
    static const struct hash seed = { "the same chain in every test" };
    const struct kernel_options options = {
        .seed = &seed,
        .directory = f->directory,
        .network = f->network,
        .modules = f->modules,
        .workers = FIXTURE_WORKERS,
        .queue_size = 1024,
        .batch_size = 256,
        .block_interval_us = MICROSECONDS_PER_SECOND,
        .query_timeout_us = f->query_timeout_us,
        .clock = fixture_clock,
        .clock_context = f,
        .keystore = f->keystore,
    };

    close_reader(f);
    return kernel_start(&options, &f->kernel, error);
}

static void open_node(struct fixture *f)
{
    struct error error;

    if (try_open_node(f, &error) != OK)
        fail_msg("the node does not start: %s", error.message);
}

static void prepare(struct fixture *f, enum node_network network, const struct module *const *modules)
{
    struct error error;

    memset(f, 0, sizeof(*f));
    crypto_start();
    if (log_set_levels("warn", &error) != OK)
        fail_msg("%s", error.message);
    f->network = network;
    f->modules = modules;
    f->query_timeout_us = FIXTURE_QUERY_TIMEOUT_US;
    atomic_store(&f->now_us, FIXTURE_EPOCH_US);
}

void fixture_open(struct fixture *f, enum node_network network, const struct module *const *modules,
                  const char *directory)
{
    prepare(f, network, modules);
    snprintf(f->directory, sizeof(f->directory), "%s", directory);
    atomic_store(&f->now_us, 2 * FIXTURE_EPOCH_US);
    open_node(f);
}

void fixture_open_kept(struct fixture *f, enum node_network network, const struct module *const *modules,
                       const char *directory)
{
    fixture_open_kept_at(f, network, modules, directory, FIXTURE_EPOCH_US + MICROSECONDS_PER_SECOND);
}

void fixture_open_kept_at(struct fixture *f, enum node_network network, const struct module *const *modules,
                          const char *directory, int64_t now_us)
{
    char *path AUTO_FREE = text_format("%s/keystore.json", directory);
    struct error error;

    prepare(f, network, modules);
    snprintf(f->directory, sizeof(f->directory), "%s", directory);
    atomic_store(&f->now_us, now_us);
    if (keystore_open(path, &f->keystore, &error) != OK ||
        keystore_unlock(f->keystore, PASSPHRASE, &error) != OK)
        fail_msg("no keystore: %s", error.message);
    open_node(f);
}

static void make_directory(struct fixture *f)
{
    const char *parent = getenv("TMPDIR");

    snprintf(f->directory, sizeof(f->directory), "%s/layerd-test-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(f->directory) == NULL)
        fail_msg("no temporary directory: %s", strerror(errno));
}

void fixture_start(struct fixture *f, enum node_network network, const struct module *const *modules)
{
    prepare(f, network, modules);
    make_directory(f);
    open_node(f);
}

enum status fixture_try_start(struct fixture *f, enum node_network network,
                              const struct module *const *modules,
                              struct error *error)
{
    prepare(f, network, modules);
    make_directory(f);
    return try_open_node(f, error);
}

void fixture_reopen(struct fixture *f)
{
    close_reader(f);
    if (f->kernel != NULL)
        kernel_stop(f->kernel, "the test reopens it");
    open_node(f);
}

void fixture_keep_keys(struct fixture *f, const char *names)
{
    char path[300], copy[256], *rest = copy, *name;
    struct account_id account;
    struct error error;

    close_reader(f);
    kernel_stop(f->kernel, "the test gives it keys");
    snprintf(path, sizeof(path), "%s/keystore.json", f->directory);
    if (keystore_open(path, &f->keystore, &error) != OK ||
        keystore_create(f->keystore, PASSPHRASE, &error) != OK)
        fail_msg("no keystore: %s", error.message);
    snprintf(copy, sizeof(copy), "%s", names);
    while ((name = strsep(&rest, " ")) != NULL)
        if (keystore_import(f->keystore, name, fixture_key(f, name)->secret, &account, &error) != OK)
            fail_msg("the key %s does not come in: %s", name, error.message);
    open_node(f);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void fixture_stop(struct fixture *f)
{
    close_reader(f);
    if (f->kernel != NULL)
        kernel_stop(f->kernel, "the test ends");
    keystore_close(f->keystore);
    nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < f->key_count; i++)
        secret_free(f->keys[i].secret);
    memset(f, 0, sizeof(*f));
}

/* --- keys ------------------------------------------------------------------------------------- */
const struct fixture_key *fixture_key(struct fixture *f, const char *name)
{
    struct fixture_key *key;
    struct hash secret;

    for (size_t i = 0; i < f->key_count; i++)
        if (strcmp(f->keys[i].name, name) == 0)
            return &f->keys[i];
    assert_true(f->key_count < FIXTURE_KEYS_MAX && strlen(name) < FIXTURE_NAME_MAX);
    key = &f->keys[f->key_count++];
    memcpy(key->name, name, strlen(name) + 1);
    key->secret = secret_new(sizeof(*key->secret));
    tagged_hash(&secret, "layerd/test key", name, strlen(name));
    memcpy(key->secret->bytes, secret.bytes, sizeof(secret.bytes));
    assert_true(secret_key_account(key->secret, &key->account));
    address_encode(key->address, &key->account);
    return key;
}

const char *fixture_address(struct fixture *f, const char *name)
{
    return fixture_key(f, name)->address;
}

/* --- time ------------------------------------------------------------------------------------- */
struct pause {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void pause_init(struct pause *pause)
{
    pthread_mutex_init(&pause->lock, NULL);
    pthread_cond_init(&pause->changed, NULL);
    pause->done = false;
}

static void pause_end(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    pause->done = true;
    pthread_cond_signal(&pause->changed);
    pthread_mutex_unlock(&pause->lock);
}

static void pause_wait(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    while (!pause->done)
        pthread_cond_wait(&pause->changed, &pause->lock);
    pthread_mutex_unlock(&pause->lock);
    pthread_mutex_destroy(&pause->lock);
    pthread_cond_destroy(&pause->changed);
}

struct empty_task {
    struct kernel_task task;
    struct pause pause;
};

static enum status run_nothing(struct kernel_task *task, struct execution *x)
{
    (void)task;
    (void)x;
    return OK;
}

static void nothing_done(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status;
    (void)error;
    pause_end(&((struct empty_task *)task)->pause);
}

int64_t fixture_now(struct fixture *f)
{
    return atomic_load(&f->now_us);
}

void fixture_advance(struct fixture *f, int64_t by_us)
{
    struct empty_task task = { .task = { run_nothing, nothing_done } };

    atomic_fetch_add(&f->now_us, by_us);
    pause_init(&task.pause);
    assert_true(kernel_submit_task(f->kernel, &task.task));
    pause_wait(&task.pause);
}

/* --- calls ------------------------------------------------------------------------------------ */
void reply_close(struct reply *reply)
{
    json_release(&reply->result);
}

__attribute__((format(printf, 1, 0))) static json_t *parse_quoted(const char *format, va_list arguments)
{
    char *text AUTO_FREE = NULL;
    struct error error;
    json_t *value;

    assert_true(vasprintf(&text, format, arguments) >= 0);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    if (json_parse(text, strlen(text), &value, &error) != OK)
        fail_msg("the test's own JSON is wrong: %s: %s", error.message, text);
    return value;
}

json_t *fixture_json(const char *format, ...)
{
    va_list arguments;
    json_t *value;

    va_start(arguments, format);
    value = parse_quoted(format, arguments);
    va_end(arguments);
    return value;
}

struct waiting_call {
    struct call call;
    struct kernel *kernel;
    const char *method;
    const json_t *params;
    struct reply *reply;
    struct buffer text;
    struct pause pause;
};

static void call_done(struct call *call, enum status status, const struct error *error, struct bytes result)
{
    struct waiting_call *waiting = call->context;

    waiting->reply->status = status;
    if (status == OK)
        buffer_append(&waiting->text, result.data, result.size);
    else
        waiting->reply->error = *error;
    pause_end(&waiting->pause);
}

static void call_on_worker(struct work *work, size_t worker)
{
    struct call *call = (struct call *)((char *)work - offsetof(struct call, work));
    struct waiting_call *waiting = call->context;

    kernel_call(waiting->kernel, worker, call, waiting->method, waiting->params);
}

static struct reply call_as(struct fixture *f, bool operator_, const char *method, json_t *params)
{
    struct reply reply = { .status = OK };
    struct waiting_call waiting = {
        .kernel = f->kernel, .method = method, .params = params, .reply = &reply
    };
    struct error error;

    waiting.call.caller = (struct caller){ .uid = -1, .gid = -1, .operator_ = operator_ };
    waiting.call.done = call_done;
    waiting.call.context = &waiting;
    waiting.call.work.run = call_on_worker;
    buffer_init(&waiting.text);
    pause_init(&waiting.pause);
    assert_true(workers_submit(kernel_workers(f->kernel), &waiting.call.work));
    pause_wait(&waiting.pause);
    if (reply.status == OK &&
        json_parse((const char *)waiting.text.data, waiting.text.size, &reply.result, &error) != OK)
        fail_msg("%s answered what is not JSON: %s", method, error.message);
    buffer_close(&waiting.text);
    json_release(&params);
    return reply;
}

struct reply fixture_call(struct fixture *f, const char *method, json_t *params)
{
    return call_as(f, true, method, params);
}

struct reply fixture_call_public(struct fixture *f, const char *method, json_t *params)
{
    return call_as(f, false, method, params);
}

json_t *fixture_sign(struct fixture *f, const char *who, const char *method, json_t *params)
{
    const struct fixture_key *key = fixture_key(f, who);
    struct transaction t = { .account = key->account, .chain = kernel_chain(f->kernel), .method = method,
                             .params = params,
                             .valid_until_us = fixture_now(f) + FIXTURE_VALIDITY_US + f->advanced_us };
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct signature signature;
    struct error error;
    struct hash id;
    char hex[129];
    json_t *transaction;

    buffer_init(&canonical);
    put_be64(t.salt, ++f->salt);
    if (transaction_encode(&t, &canonical, &id, &error) != OK)
        fail_msg("the test's own transaction is wrong: %s", error.message);
    assert_true(schnorr_sign(key->secret, &id, NULL, &signature));
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    assert_int_equal(json_parse((const char *)canonical.data, canonical.size, &transaction, &error), OK);
    json_release(&params);
    return json_pack("{s:o, s:s}", "transaction", transaction, "signature", hex);
}

static struct reply submit(struct fixture *f, const char *who, const char *method, json_t *params)
{
    return fixture_call(f, "transaction.submit", fixture_sign(f, who, method, params));
}

enum status fixture_try(struct fixture *f, const char *who, const char *method, json_t *params,
                        json_t **result)
{
    struct reply reply = submit(f, who, method, params);

    if (result != NULL)
        *result = reply.status == OK ? json_incref(json_object_get(reply.result, "result")) : NULL;
    reply_close(&reply);
    return reply.status;
}

static json_t *do_command(struct fixture *f, const char *who, const char *method, json_t *params)
{
    struct reply reply = submit(f, who, method, params);
    json_t *result;

    if (reply.status != OK)
        fail_msg("%s by %s was refused: %s (%s)", method, who, status_name(reply.status),
                 reply.error.message);
    assert_true(json_is_false(json_object_get(reply.result, "repeated")));
    result = json_incref(json_object_get(reply.result, "result"));
    reply_close(&reply);
    return result;
}

json_t *fixture_do(struct fixture *f, const char *who, const char *method, const char *format, ...)
{
    va_list arguments;
    json_t *params;

    va_start(arguments, format);
    params = parse_quoted(format, arguments);
    va_end(arguments);
    return do_command(f, who, method, params);
}

void fixture_run(struct fixture *f, const char *who, const char *method, const char *format, ...)
{
    va_list arguments;
    json_t *params, *result;

    va_start(arguments, format);
    params = parse_quoted(format, arguments);
    va_end(arguments);
    result = do_command(f, who, method, params);
    json_release(&result);
}

void fixture_refused(struct fixture *f, enum status code, const char *who, const char *method,
                     const char *format, ...)
{
    struct reply reply;
    va_list arguments;
    json_t *params;

    va_start(arguments, format);
    params = parse_quoted(format, arguments);
    va_end(arguments);
    reply = submit(f, who, method, params);
    if (reply.status != code)
        fail_msg("%s by %s: expected was %s, it came to %s (%s)", method, who, status_name(code),
                 status_name(reply.status), reply.status == OK ? "" : reply.error.message);
    reply_close(&reply);
}

json_t *fixture_query(struct fixture *f, const char *method, const char *format, ...)
{
    struct reply reply;
    va_list arguments;
    json_t *params;

    va_start(arguments, format);
    params = parse_quoted(format, arguments);
    va_end(arguments);
    reply = fixture_call(f, method, params);
    if (reply.status != OK)
        fail_msg("%s was refused: %s (%s)", method, status_name(reply.status), reply.error.message);
    return reply.result;
}

/* --- the database ----------------------------------------------------------------------------- */
static void database_path_of(const struct fixture *f, char *path, size_t size)
{
    snprintf(path, size, "%s/layerd.sqlite3", f->directory);
}

static sqlite3 *open_database(struct fixture *f, int flags)
{
    char path[sizeof(f->directory) + 32];
    sqlite3 *db;

    database_path_of(f, path, sizeof(path));
    assert_int_equal(sqlite3_open_v2(path, &db, flags, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

char *fixture_sql_text(struct fixture *f, const char *sql)
{
    sqlite3_stmt *statement;
    char *text = NULL;

    if (f->reader == NULL)
        f->reader = open_database(f, SQLITE_OPEN_READONLY);
    if (sqlite3_prepare_v2(f->reader, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(f->reader), sql);
    if (sqlite3_step(statement) == SQLITE_ROW)
        text = text_copy((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

int64_t fixture_sql(struct fixture *f, const char *sql)
{
    char *text AUTO_FREE = fixture_sql_text(f, sql);

    return text == NULL ? -1 : strtoll(text, NULL, 10);
}

void fixture_tamper(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;

    close_reader(f);
    kernel_stop(f->kernel, "the test changes the database");
    f->kernel = NULL;
    db = open_database(f, SQLITE_OPEN_READWRITE);
    if (sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", message != NULL ? message : sqlite3_errmsg(db), sql);
    sqlite3_close(db);
    open_node(f);
}

/* --- invariants ------------------------------------------------------------------------------- */
char *fixture_violation(struct fixture *f, const char *invariant)
{
    json_t *audit AUTO_JSON = fixture_query(f, "audit", "{}");
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(audit, "invariants"), index, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), invariant) == 0) {
            assert_true(json_is_boolean(json_object_get(entry, "ok")));
            return json_is_true(json_object_get(entry, "ok"))
                       ? NULL
                       : text_copy(json_string_value(json_object_get(entry, "violation")));
        }
    }
    fail_msg("there is no invariant '%s'", invariant);
    return NULL;
}

void fixture_audit(struct fixture *f)
{
    json_t *audit AUTO_JSON = fixture_query(f, "audit", "{}");
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(audit, "invariants"), index, entry) {
        if (!json_is_true(json_object_get(entry, "ok")))
            fail_msg("%s is broken: %s", json_string_value(json_object_get(entry, "name")),
                     json_string_value(json_object_get(entry, "violation")));
    }
    assert_true(json_is_true(json_object_get(audit, "ok")));
}

/* --- replay ----------------------------------------------------------------------------------- */
void fixture_replay(struct fixture *f)
{
    char database[sizeof(f->directory) + 32], work[sizeof(f->directory) + 32];
    struct registry *registry = registry_new(f->modules);
    const struct replay_options options = { .registry = registry,
                                            .database_path = database,
                                            .work_path = work,
                                            .chain = kernel_chain(f->kernel),
                                            .network = f->network };
    struct replay_report report;
    struct error error;

    database_path_of(f, database, sizeof(database));
    snprintf(work, sizeof(work), "%s/replay.sqlite3", f->directory);
    if (replay_run(&options, &report, &error) != OK)
        fail_msg("replay: %s", error.message);
    if (!report.equal)
        fail_msg("replay differs: %s", report.difference);
    registry_free(registry);
}
