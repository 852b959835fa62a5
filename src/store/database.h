/* One SQLite connection: opening it as layerd does, statements prepared once, transactions and savepoints.
 *
 * Storage failures never reach the handlers. On the writer a failure (disk full, I/O error, corruption) is
 * logged and ends the process with status 74 (EX_IOERR): nothing is retried after a failed sync, the
 * restart reads what is on disk. On a reader the statement ends early, the connection remembers why, and
 * whoever owns the reader asks database_failure() before believing the rows. A constraint that fails is a
 * bug: handlers check first. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>

#include "base/bytes.h"

#define EXIT_STORAGE 74
#define DATABASE_WAL_MOVE_BYTES ((int64_t)32 << 20) /* the WAL may grow to this before pages are moved */
#define DATABASE_APPLICATION_ID 0x4C594431 /* "LYD1" */

struct database;

enum database_mode {
    DATABASE_WRITER, /* read and write; one in the whole system (the executor's) */
    DATABASE_READER, /* read-only, query_only; any number */
};

struct database_options {
    const char *path;
    enum database_mode mode;
    const char *vfs;       /* NULL: the default; tests inject faults here */
    size_t cache_bytes;    /* page cache; 0: 64 MiB for the writer, 2 MiB for a reader */
};

/* What the page caches may take together: half of it the writer's, the rest shared by so many readers; never
 * more than usual. Before the first connection is opened; without it they take the usual sizes. */
void database_share_cache(size_t bytes, size_t readers);

/* A writer makes the file when it is absent; it does not migrate (see migration.h). ERROR_STORAGE,
 * ERROR_NOT_A_LAYERD_DATABASE. */
MUST_CHECK enum status database_open(const struct database_options *options, struct database **database,
                                     struct error *error);
void database_close(struct database *database); /* NULL is fine */
sqlite3 *database_handle(struct database *database);
const char *database_path(const struct database *database);

/* Runs plain SQL text without rows (schema, pragmas). On a reader the failure is remembered as above. */
void database_execute(struct database *database, const char *sql);

/* --- transactions (writer) -------------------------------------------------------------------- */
void database_begin(struct database *database);    /* BEGIN IMMEDIATE */
void database_commit(struct database *database);   /* durable when it returns */
void database_rollback(struct database *database);
void database_savepoint(struct database *database);          /* one level */
void database_savepoint_release(struct database *database);
void database_savepoint_rollback(struct database *database); /* back to the savepoint, and releases it */

/* Rows changed by this connection since it was opened: tells whether anything was written in between. */
int64_t database_changes(struct database *database);

/* --- readers: what went wrong ----------------------------------------------------------------- */
/* OK, or why a statement of this reader ended early (and forgets it): ERROR_TIMEOUT when its time ran out,
 * ERROR_STOPPING, ERROR_STORAGE. */
MUST_CHECK enum status database_failure(struct database *database, struct error *error);

/* A snapshot for several statements that must agree; end it before any wait. */
void database_snapshot_begin(struct database *database);
void database_snapshot_end(struct database *database);

/* Ends the running statement of a reader when `deadline_us` (monotonic clock) has passed; 0: never. */
void database_set_time_limit(struct database *database, int64_t deadline_us);
/* Ends it as well once `stopping` says so; NULL: nobody is asked. */
void database_set_stopping(struct database *database, bool (*stopping)(const void *context),
                           const void *context);
/* Asks now; once true, true until database_failure() tells of it. */
bool database_stopped(struct database *database);

/* --- statements ------------------------------------------------------------------------------- */
struct statement;

/* The prepared statement for this SQL. `sql` must be a string literal (or live as long as the connection):
 * it is prepared once per connection and found again by its address. The statement comes reset, with
 * nothing bound. SQL that does not compile is a bug and aborts. */
struct statement *statement(struct database *database, const char *sql);

/* Binds parameters one after the other, in the order of the SQL. Data must live until the statement is
 * stepped to its end (nothing is copied). */
void bind_integer(struct statement *s, int64_t value);
void bind_text(struct statement *s, const char *text);              /* NULL binds NULL */
void bind_text_sized(struct statement *s, const char *text, size_t size);
void bind_blob(struct statement *s, const void *data, size_t size); /* NULL data binds NULL */
void bind_null(struct statement *s);

/* True with a row at hand; false at the end, and then the statement is reset. */
MUST_CHECK bool statement_row(struct statement *s);
void statement_finish(struct statement *s); /* stop before the end: resets */
int64_t statement_run(struct statement *s); /* for SQL without rows: runs, resets, returns rows changed */

/* Columns of the row at hand, by name; an unknown name aborts. Text and blobs live until the next step. */
int64_t column_integer(struct statement *s, const char *name);
const char *column_text(struct statement *s, const char *name);              /* NULL for NULL */
struct bytes column_text_sized(struct statement *s, const char *name);       /* data NULL for NULL */
struct bytes column_blob(struct statement *s, const char *name);             /* size 0 for NULL */
bool column_is_null(struct statement *s, const char *name);
/* a blob of exactly this size */
void column_fixed(struct statement *s, const char *name, void *out, size_t size);

/* --- the WAL ---------------------------------------------------------------------------------- */
/* From now on a thread moves the bulk of the pages (wal_mover.h), and database_checkpoint_wal only what it
 * leaves. `options` are those that the writer was opened with. */
MUST_CHECK enum status database_move_in_background(struct database *database,
                                                   const struct database_options *options,
                                                   struct error *error);

/* Moves committed pages into the database file when the WAL has grown past DATABASE_WAL_MOVE_BYTES (writer,
 * between transactions). Returns true when readers have kept it from moving anything for 30 s: the caller
 * raises an event. */
bool database_checkpoint_wal(struct database *database, int64_t now_us);

#endif
