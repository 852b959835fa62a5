/* Replay: see replay.h. */
#include "kernel/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/json.h"
#include "crypto/transaction.h"
#include "kernel/machine.h"
#include "kernel/param.h"
#include "store/migration.h"

#define ROOM_KEPT ((uint64_t)256 * 1024 * 1024) /* bytes of disk left for the node itself */
#define BLOCKS_A_TURN 500 /* so that no snapshot of the live database is held for long */

struct replay {
    const struct replay_options *options;
    struct replay_report *report;
    struct database *database; /* the rebuilt one; the live one is attached as `live` */
    struct machine machine;
    struct arena arena;
    struct error error;
};

static bool differs(struct replay *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool differs(struct replay *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(r->report->difference, sizeof(r->report->difference), format, arguments);
    va_end(arguments);
    return false;
}

static bool read_live_block(struct replay *r, uint64_t height, struct block *block)
{
    struct statement *s = statement(r->database, "SELECT * FROM live.block WHERE height = ?");

    bind_integer(s, (int64_t)height);
    return block_from_row(s, block);
}

/* --- one transaction -------------------------------------------------------------------------- */
struct stored {
    uint64_t number, first_seq;
    struct hash id;
    struct signature signature;
    const char *body, *result;
    size_t body_size;
};

static bool execute(struct replay *r, const struct stored *stored, const struct transaction *t)
{
    const struct command *command = registry_command(r->options->registry, t->method);
    const struct check check = { .chain = r->options->chain };
    struct machine_command machine_command = { .scope = SCOPE_BASE };
    struct execution x = { .account = t->account, .transaction = stored->id };
    struct buffer result CLEANUP(buffer_close) = { 0 };
    void *params;

    if (command == NULL || command->access != ACCESS_SIGNED)
        return differs(r, "transaction %" PRIu64 ": no command '%s'", stored->number, t->method);
    if (command->scope != SCOPE_BASE)
        return true; /* this node's own rows: not part of the ledger */
    if (params_parse(command->params, command->param_count, command->params_size, t->params,
                     r->options->chain, &r->arena, &params, &r->error) != OK ||
        (command->check != NULL && command->check(&check, params, &r->arena, &r->error) != OK))
        return differs(r, "transaction %" PRIu64 ": %.200s", stored->number, r->error.message);
    machine_command.run = command->run;
    machine_command.params = params;
    r->machine.next_seq = stored->first_seq;
    if (machine_run(&r->machine, &x, &machine_command, &result, &r->error) != OK)
        return differs(r, "transaction %" PRIu64 " is refused: %.200s", stored->number, r->error.message);
    if (strcmp(buffer_text(&result), stored->result) != 0)
        return differs(r, "transaction %" PRIu64 " gives another result", stored->number);
    r->report->transactions++;
    return true;
}

static bool replay_transaction(struct replay *r, const struct stored *stored)
{
    json_t *json AUTO_JSON = NULL;
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct transaction t;
    struct hash id;

    arena_reset(&r->arena);
    if (json_parse(stored->body, stored->body_size, &json, &r->error) != OK ||
        transaction_decode(json, &t, &canonical, &id, &r->error) != OK)
        return differs(r, "transaction %" PRIu64 ": %.200s", stored->number, r->error.message);
    if (!hash_equal(&id, &stored->id))
        return differs(r, "transaction %" PRIu64 ": its body does not hash to its id", stored->number);
    if (!schnorr_verify(&t.account, id.bytes, sizeof(id.bytes), &stored->signature))
        return differs(r, "transaction %" PRIu64 ": its signature is wrong", stored->number);
    if (strcmp(t.chain, r->options->chain) != 0)
        return differs(r, "transaction %" PRIu64 " is of another chain", stored->number);
    return execute(r, stored, &t);
}

static bool replay_transactions(struct replay *r, uint64_t height)
{
    struct statement *s =
        statement(r->database, "SELECT number, id, body, signature, result, first_seq"
                               " FROM live.signed_transaction WHERE block = ? ORDER BY number");

    bind_integer(s, (int64_t)height);
    while (statement_row(s)) {
        struct stored stored = { .number = (uint64_t)column_integer(s, "number"),
                                 .first_seq = (uint64_t)column_integer(s, "first_seq"),
                                 .body = column_text(s, "body"), .result = column_text(s, "result") };

        stored.body_size = strlen(stored.body);
        column_fixed(s, "id", &stored.id, sizeof(stored.id));
        column_fixed(s, "signature", &stored.signature, sizeof(stored.signature));
        if (!replay_transaction(r, &stored)) {
            statement_finish(s);
            return false;
        }
    }
    return true;
}

/* --- blocks ----------------------------------------------------------------------------------- */
static bool compare_block(struct replay *r, const struct block *live)
{
    const struct block *mine = &r->machine.head;

    if (!hash_equal(&mine->previous, &live->previous))
        return differs(r, "block %" PRIu64 ": another previous hash", live->height);
    if (mine->transactions != live->transactions || mine->events != live->events)
        return differs(r,
                       "block %" PRIu64 ": %" PRIu64 " transactions and %" PRIu64 " events, rebuilt %" PRIu64
                       " and %" PRIu64,
                       live->height, live->transactions, live->events, mine->transactions, mine->events);
    if (!hash_equal(&mine->hash, &live->hash))
        return differs(r, "block %" PRIu64 ": another hash", live->height);
    r->report->blocks++;
    return true;
}

static bool replay_block(struct replay *r, const struct block *live)
{
    struct machine *m = &r->machine;

    if (live->height == 0) {
        machine_genesis(m, live->time_us, &live->previous, live->first_seq);
        return compare_block(r, live);
    }
    machine_batch_begin(m, live->time_us - m->head.advanced_us, live->first_seq, false);
    if (m->next.chain_time_us != live->chain_time_us)
        return differs(r, "block %" PRIu64 ": another chain time", live->height);
    machine_open_block(m);
    machine_fire_deadlines(m);
    if (!replay_transactions(r, live->height))
        return false;
    machine_batch_end(m);
    return compare_block(r, live);
}

/* Goes on from the machine's head for at most `most` blocks. *more tells whether there may be further ones.
 */
static bool replay_blocks(struct replay *r, uint64_t most, bool *more)
{
    struct block live;

    for (uint64_t i = 0; i < most; i++) {
        uint64_t height = r->report->blocks == 0 ? 0 : r->machine.head.height + 1;

        *more = read_live_block(r, height, &live);
        if (!*more)
            return true;
        if (!replay_block(r, &live))
            return false;
    }
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */
/* Whether the table of one database holds a row that the other's lacks. */
static bool table_has_more(struct replay *r, const char *in, const char *than, const char *table, bool *found)
{
    char *sql AUTO_FREE =
        text_format("SELECT * FROM %s.%s EXCEPT SELECT * FROM %s.%s LIMIT 1", in, table, than, table);
    sqlite3_stmt *prepared = NULL;
    sqlite3 *db = database_handle(r->database);
    int code = sqlite3_prepare_v2(db, sql, -1, &prepared, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(prepared);
    sqlite3_finalize(prepared);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return differs(r, "table %s could not be compared: %s", table, sqlite3_errmsg(db));
    *found = code == SQLITE_ROW;
    return true;
}

static bool compare_table(struct replay *r, const char *table)
{
    bool found;

    if (!table_has_more(r, "live", "main", table, &found))
        return false;
    if (found)
        return differs(r, "table %s holds a row that its transactions do not explain", table);
    if (!table_has_more(r, "main", "live", table, &found))
        return false;
    if (found)
        return differs(r, "table %s lacks a row that its transactions made", table);
    return true;
}

static bool compare_rows(struct replay *r)
{
    for (size_t i = 0; i < registry_module_count(r->options->registry); i++) {
        const struct module *module = registry_module(r->options->registry, i);

        for (const char *const *table = module->base_tables; table != NULL && *table != NULL; table++) {
            if (!compare_table(r, *table))
                return false;
        }
    }
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */
static enum status attach(struct replay *r)
{
    sqlite3_stmt *prepared = NULL;
    sqlite3 *db = database_handle(r->database);
    int code = sqlite3_prepare_v2(db, "ATTACH ? AS live", -1, &prepared, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_text(prepared, 1, r->options->database_path, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(prepared);
    sqlite3_finalize(prepared);
    if (code != SQLITE_DONE)
        return error_set(&r->error, ERROR_STORAGE, "%s: %s", r->options->database_path, sqlite3_errmsg(db));
    return OK;
}

static enum status run(struct replay *r)
{
    bool more = true, equal = true;

    TRY(attach(r));
    while (more && equal) {
        if (r->options->stop != NULL && r->options->stop(r->options->context))
            return error_set(&r->error, ERROR_STOPPING, "stopped after %" PRIu64 " blocks",
                             r->report->blocks);
        database_execute(r->database, "BEGIN");
        equal = replay_blocks(r, BLOCKS_A_TURN, &more);
        if (equal && !more)
            equal = compare_rows(r); /* in the snapshot that showed no further block */
        database_commit(r->database);
    }
    r->report->equal = equal;
    return OK;
}

/* The rebuilt database is about as large as the live one; a node whose disk fills up under it would have to
 * stop. */
static enum status check_room(const struct replay_options *options, struct error *error)
{
    char *directory AUTO_FREE = text_copy(options->work_path);
    struct stat live;
    struct statvfs disk;
    uint64_t needed, free_bytes;

    if (stat(options->database_path, &live) != 0 || statvfs(dirname(directory), &disk) != 0)
        return error_set(error, ERROR_STORAGE, "%s: %s", options->database_path, strerror(errno));
    needed = 2 * (uint64_t)live.st_size + ROOM_KEPT;
    free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (free_bytes < needed)
        return error_set(error, ERROR_STORAGE,
                         "replay needs %" PRIu64 " bytes of disk beside the database; %" PRIu64 " are free",
                         needed, free_bytes);
    return OK;
}

static void remove_work(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm", "-journal" };

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char *name AUTO_FREE = text_format("%s%s", path, endings[i]);

        unlink(name);
    }
}

enum status replay_run(const struct replay_options *options, struct replay_report *report,
                       struct error *error)
{
    const struct database_options rebuilt = { .path = options->work_path, .mode = DATABASE_WRITER };
    struct replay r = { .options = options, .report = report };
    int from, to;
    enum status status;

    memset(report, 0, sizeof(*report));
    remove_work(options->work_path);
    TRY(check_room(options, error));
    TRY(database_open(&rebuilt, &r.database, error));
    database_execute(r.database, "PRAGMA synchronous = OFF");
    status = migrate(r.database, ".", &from, &to, &r.error);
    arena_init(&r.arena);
    machine_init(&r.machine, r.database, options->registry, NULL, options->chain, options->network);
    if (status == OK)
        status = run(&r);
    machine_close(&r.machine);
    arena_close(&r.arena);
    database_close(r.database);
    remove_work(options->work_path);
    return status == OK ? OK : error_set(error, status, "%s", r.error.message);
}
