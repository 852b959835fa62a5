/* One connection: opened and set up the same way everywhere, its transactions, what happens when the
 * storage fails, and moving the WAL into the database file. */
#include "store/database.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "store/connection.h"
#include "store/memory_budget.h"
#include "store/wal_mover.h"
#include "store/wal_vfs.h"

#define LOG_ROOM "store"
#include "base/log.h"

#define WRITER_CACHE_BYTES ((size_t)64 << 20)
#define READER_CACHE_BYTES ((size_t)2 << 20)
#define READER_CACHE_LEAST ((size_t)256 << 10)
#define BUSY_TIMEOUT_MS 5000
#define PROGRESS_STEPS 2000 /* virtual machine steps between looks at the clock: well under a millisecond */

#define WAL_FRAME_BYTES 4096
/* Pages move once so many wait: one that changed in many commits is then moved once. */
#define WAL_MOVE_FRAMES (DATABASE_WAL_MOVE_BYTES / WAL_FRAME_BYTES)
/* Beyond this, readers are waited for a little. */
#define WAL_RESTART_FRAMES (((int64_t)64 << 20) / WAL_FRAME_BYTES)
#define WAL_RESTART_WAIT_MS 50
#define WAL_RETRY_FRAMES 256
#define WAL_RETRY_US (MICROSECONDS_PER_SECOND / 10)
#define WAL_PINNED_US (30 * MICROSECONDS_PER_SECOND)

/* --- failures --------------------------------------------------------------------------------- */

/* Codes that say "this machine's storage", as opposed to "this program's mistake". */
static bool is_storage_failure(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
        return true;
    default:
        return false;
    }
}

void database_failed(struct database *database, int code, const char *what)
{
    const char *message = sqlite3_errmsg(database->handle);

    if (database->mode == DATABASE_WRITER) {
        INVARIANT(is_storage_failure(code), "%s (%d): %s", message, code, what);
        log_error("cannot write %s: %s (SQLite %d, system error %d); stopping, nothing that was answered is "
                  "lost: %s", database->path, message, code, sqlite3_system_errno(database->handle), what);
        _exit(EXIT_STORAGE); /* no handlers, no flushing: nothing may follow a failed write */
    }
    if (database->failure == SQLITE_OK) {
        database->failure = code;
        database->failure_text = text_copy(message);
    }
}

enum status database_failure(struct database *database, struct error *error)
{
    AUTO_FREE char *text = database->failure_text;
    bool stopped = database->stopped;
    int code = database->failure;

    database->failure = SQLITE_OK;
    database->failure_text = NULL;
    database->stopped = false;
    if (stopped)
        return error_set(error, ERROR_STOPPING, "the node is stopping");
    if (code == SQLITE_OK)
        return OK;
    if ((code & 0xff) == SQLITE_INTERRUPT)
        return error_set(error, ERROR_TIMEOUT, "reading took longer than the time allowed for it");
    return error_set(error, ERROR_STORAGE, "cannot read %s: %s (SQLite %d)", database->path, text, code);
}

/* --- how much memory -------------------------------------------------------------------------- */

static size_t writer_cache = WRITER_CACHE_BYTES, reader_cache = READER_CACHE_BYTES;

void database_share_cache(size_t bytes, size_t readers)
{
    size_t half = bytes / 2, each = half / (readers == 0 ? 1 : readers);

    writer_cache = half < WRITER_CACHE_BYTES ? half : WRITER_CACHE_BYTES;
    reader_cache = each < READER_CACHE_BYTES ? each : READER_CACHE_BYTES;
    if (reader_cache < READER_CACHE_LEAST)
        reader_cache = READER_CACHE_LEAST;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum status open_error(struct database *database, int code, struct error *error)
{
    if ((code & 0xff) == SQLITE_NOTADB)
        return error_set(error, ERROR_NOT_A_LAYERD_DATABASE, "%s is not an SQLite database", database->path);
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        return error_set(error, ERROR_DATABASE_IN_USE, "%s is locked by another program", database->path);
    return error_set(error, ERROR_STORAGE, "cannot open %s: %s (SQLite %d)", database->path,
                     database->handle == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(database->handle),
                     code);
}

static enum status open_execute(struct database *database, const char *sql, struct error *error)
{
    int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? OK : open_error(database, code, error);
}

/* The single value of a pragma or query while opening. */
static enum status open_value(struct database *database, const char *sql, struct buffer *value,
                              struct error *error)
{
    sqlite3_stmt *handle = NULL;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &handle, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(handle);
    if (code != SQLITE_ROW) {
        enum status status = open_error(database, code, error);

        sqlite3_finalize(handle);
        return status;
    }
    buffer_clear(value);
    buffer_append_text(value, (const char *)sqlite3_column_text(handle, 0));
    sqlite3_finalize(handle);
    return OK;
}

/* Looks at what the file is before anything in it is changed. An empty file becomes a database by its
 * first migration. */
static enum status check_identity(struct database *database, struct error *error)
{
    struct buffer value CLEANUP(buffer_close) = { 0 };
    char ours[16];

    snprintf(ours, sizeof(ours), "%d", DATABASE_APPLICATION_ID);
    TRY(open_value(database, "PRAGMA application_id", &value, error));
    if (strcmp(buffer_text(&value), ours) == 0)
        return OK;
    TRY(open_value(database, "SELECT count(*) FROM sqlite_schema", &value, error));
    if (database->mode == DATABASE_WRITER && strcmp(buffer_text(&value), "0") == 0)
        return OK;
    return error_set(error, ERROR_NOT_A_LAYERD_DATABASE, "%s holds something else than a layerd database",
                     database->path);
}

static enum status configure_writer(struct database *database, struct error *error)
{
    struct buffer mode CLEANUP(buffer_close) = { 0 };

    if (sqlite3_db_readonly(database->handle, "main") == 1)
        return error_set(error, ERROR_STORAGE,
                         "%s cannot be written: check its owner and mode, and its file system",
                         database->path);
    TRY(open_value(database, "PRAGMA journal_mode = WAL", &mode, error));
    if (strcmp(buffer_text(&mode), "wal") != 0)
        return error_set(error, ERROR_STORAGE, "%s cannot use a write-ahead log here (journal mode stays %s)",
                         database->path, buffer_text(&mode));
    return open_execute(database,
                        "PRAGMA synchronous = FULL;"       /* a commit is on the disk when it returns */
                        /* or INSERT OR REPLACE slips past the DELETE triggers */
                        "PRAGMA recursive_triggers = ON;"
                        /* rows hold no secrets; overwriting costs writes */
                        "PRAGMA secure_delete = OFF;"
                        "PRAGMA journal_size_limit = 67108864",
                        error);
}

static enum status configure(struct database *database, const struct database_options *options,
                             struct error *error)
{
    bool writer = options->mode == DATABASE_WRITER;
    size_t cache = options->cache_bytes;
    char sql[128];

    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    /* Views use ->>, which SQLite 3.40 does not count among the functions that an untrusted schema may use.
     * Readers cannot write, and people's SQL runs under an authorizer. */
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, !writer, (int *)NULL);
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    TRY(check_identity(database, error));
    TRY(open_execute(database,
                     "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY",
                     error));
    if (cache == 0)
        cache = writer ? writer_cache : reader_cache;
    snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%zu", cache / 1024);
    TRY(open_execute(database, sql, error));
    if (writer)
        return configure_writer(database, error);
    return open_execute(database, "PRAGMA query_only = ON", error);
}

/* Called by SQLite after each commit, in place of its own checkpointing. */
static int after_commit(void *context, sqlite3 *handle, const char *name, int frames)
{
    struct database *database = context;

    (void)handle;
    (void)name;
    database->wal_frames = frames;
    if (frames < database->wal_moved) /* the WAL began anew */
        database->wal_moved = database->wal_tried = 0;
    return SQLITE_OK;
}

/* SQLite's own count of its memory is taken under one lock for all connections; ours goes by thread. Only
 * something outside of this program (a test's preloaded library) can have started SQLite before. */
static void configure_library(void)
{
    if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK || !memory_budget_install())
        log_warn("SQLite runs already, with an allocator of its own: statements have no bound of memory");
}

enum status database_open(const struct database_options *options, struct database **database,
                          struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct database *opened = memory_new(sizeof(*opened));
    bool writer = options->mode == DATABASE_WRITER;
    int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    enum status status = OK;
    int code;

    pthread_once(&once, configure_library);
    opened->path = text_copy(options->path);
    opened->mode = options->mode;
    code = sqlite3_open_v2(options->path, &opened->handle,
                           flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                           writer ? wal_vfs_over(options->vfs) : options->vfs);
    if (code != SQLITE_OK)
        status = open_error(opened, code, error);
    else
        status = configure(opened, options, error);
    if (status != OK) {
        database_close(opened);
        return status;
    }
    if (writer) {
        sqlite3_wal_autocheckpoint(opened->handle, 0);
        sqlite3_wal_hook(opened->handle, after_commit, opened);
    }
    *database = opened;
    return OK;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    wal_mover_stop(database->mover);
    statements_free(database);
    INVARIANT(sqlite3_close(database->handle) == SQLITE_OK, "%s closed with statements that are not its own",
              database->path);
    memory_free_pointer(&database->failure_text);
    memory_free_pointer(&database->path);
    memory_free_pointer(&database);
}

sqlite3 *database_handle(struct database *database)
{
    return database->handle;
}

const char *database_path(const struct database *database)
{
    return database->path;
}

void database_execute(struct database *database, const char *sql)
{
    int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);

    if (code != SQLITE_OK)
        database_failed(database, code, sql);
}

/* --- transactions ----------------------------------------------------------------------------- */

static void run(struct database *database, const char *sql)
{
    (void)statement_run(statement(database, sql));
}

/* Nothing is at stake before a transaction has begun, so whoever else holds the write lock (an sqlite3 shell,
 * a tool) is waited for, and told of; calls queue up meanwhile and are answered busy once the queue is full.
 */
void database_begin(struct database *database)
{
    struct statement *s = statement(database, "BEGIN IMMEDIATE");
    int code;

    while ((code = sqlite3_step(s->handle)) == SQLITE_BUSY) {
        sqlite3_reset(s->handle);
        log_warn(
            "%s: another process holds the write lock, and no command is executed until it lets go: look for"
            " an sqlite3 shell or tool that writes",
            database->path);
    }
    if (code != SQLITE_DONE)
        database_failed(database, code, "BEGIN IMMEDIATE");
    sqlite3_reset(s->handle);
}

void database_commit(struct database *database)
{
    statements_reset(database); /* one still running would keep its snapshot, and with it the WAL */
    run(database, "COMMIT");
}

void database_rollback(struct database *database)
{
    statements_reset(database);
    run(database, "ROLLBACK");
}

void database_savepoint(struct database *database)
{
    run(database, "SAVEPOINT command");
}

void database_savepoint_release(struct database *database)
{
    run(database, "RELEASE command");
}

void database_savepoint_rollback(struct database *database)
{
    run(database, "ROLLBACK TO command");
    run(database, "RELEASE command");
}

int64_t database_changes(struct database *database)
{
    return sqlite3_total_changes64(database->handle);
}

/* BEGIN alone would take the snapshot at the first read, which may come much later. */
void database_snapshot_begin(struct database *database)
{
    struct statement *s;

    run(database, "BEGIN");
    s = statement(database, "SELECT 1 FROM sqlite_schema LIMIT 1");
    if (statement_row(s))
        statement_finish(s);
}

void database_snapshot_end(struct database *database)
{
    statements_reset(database);
    run(database, "COMMIT");
}

/* --- time limit ------------------------------------------------------------------------------- */

static int must_end(void *context)
{
    struct database *database = context;

    return database_stopped(database) ||
           (database->deadline_us != 0 && clock_monotonic_us() >= database->deadline_us);
}

static void watch_progress(struct database *database)
{
    INVARIANT(database->mode == DATABASE_READER, "ending the writer's statements would end the process");
    if (database->deadline_us == 0 && database->stopping == NULL)
        sqlite3_progress_handler(database->handle, 0, NULL, NULL);
    else
        sqlite3_progress_handler(database->handle, PROGRESS_STEPS, must_end, database);
}

void database_set_time_limit(struct database *database, int64_t deadline_us)
{
    database->deadline_us = deadline_us;
    watch_progress(database);
}

void database_set_stopping(struct database *database, bool (*stopping)(const void *context),
                           const void *context)
{
    database->stopping = stopping;
    database->stopping_context = context;
    watch_progress(database);
}

bool database_stopped(struct database *database)
{
    if (database->stopping != NULL && database->stopping(database->stopping_context))
        database->stopped = true;
    return database->stopped;
}

/* --- the WAL ---------------------------------------------------------------------------------- */

/* A passive checkpoint never waits. Once it moved everything, the next transaction overwrites the WAL from
 * its beginning, unless a reader still uses it; overwriting is twice as fast as growing, so the file is
 * never cut short here. Readers that take turns can keep the WAL from ever beginning anew: beyond 64 MiB
 * we wait for them a moment. */
static void wal_move(struct database *database, int *frames, int *moved)
{
    bool all_moved_last_time = database->wal_moved == database->wal_tried;
    bool restart = database->wal_frames >= WAL_RESTART_FRAMES && all_moved_last_time;
    int code;

    if (restart)
        sqlite3_busy_timeout(database->handle, WAL_RESTART_WAIT_MS);
    code = sqlite3_wal_checkpoint_v2(database->handle, NULL,
                                     restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, frames,
                                     moved);
    if (restart)
        sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        database_failed(database, code, "moving the WAL");
}

enum status database_move_in_background(struct database *database, const struct database_options *options,
                                        struct error *error)
{
    INVARIANT(database->mode == DATABASE_WRITER && database->mover == NULL, "one mover, for the writer");
    return wal_mover_start(options, &database->mover, error);
}

bool database_checkpoint_wal(struct database *database, int64_t now_us)
{
    int frames = 0, moved = 0;
    bool soon_again;

    if (database->wal_frames - database->wal_moved < WAL_MOVE_FRAMES) {
        database->wal_stuck_us = 0;
        return false;
    }
    soon_again = database->wal_tried > 0 && database->wal_frames < database->wal_tried + WAL_RETRY_FRAMES &&
                 now_us < database->wal_tried_us + WAL_RETRY_US && now_us >= database->wal_tried_us;
    if (soon_again)
        return false;
    if (database->mover != NULL && !wal_mover_turn(database->mover))
        return false; /* the bulk is being moved; the rest is ours */
    wal_move(database, &frames, &moved);
    database->wal_tried = database->wal_frames;
    database->wal_tried_us = now_us;
    if (moved > database->wal_moved || moved == frames) {
        database->wal_moved = moved;
        database->wal_stuck_us = 0;
        return false;
    }
    if (database->wal_stuck_us == 0)
        database->wal_stuck_us = now_us;
    if (now_us - database->wal_stuck_us < WAL_PINNED_US)
        return false;
    database->wal_stuck_us = now_us; /* and again when it lasts another 30 s */
    return true;
}
