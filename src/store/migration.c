/* Bringing a database to the newest schema: what is recorded must be what we know, then all that is
 * missing runs in one transaction, views included. Also the table of small facts, meta. */
#include "store/migration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "store/copy.h"

#define LOG_ROOM "store"
#include "base/log.h"

#define HASH_TEXT_MAX 65
#define VIEW_NAMES_MAX 1000

struct upgrade {
    struct database *writer;
    const struct migration *list;
    int count;
    const char *views;
    int from;
};

/* --- small readings --------------------------------------------------------------------------- */

static int64_t single_integer(struct database *database, const char *sql)
{
    struct statement *s = statement(database, sql);
    int64_t value = 0;

    if (statement_row(s)) {
        value = column_integer(s, "value");
        statement_finish(s);
    }
    return value;
}

static bool table_exists(struct database *database, const char *name)
{
    struct statement *s = statement(database,
                                    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
    bool found;

    bind_text(s, name);
    found = statement_row(s);
    statement_finish(s);
    return found;
}

static int schema_version(struct database *database)
{
    return (int)single_integer(database, "SELECT user_version AS value FROM pragma_user_version");
}

/* --- what is recorded ------------------------------------------------------------------------- */

static enum status check_record(const struct upgrade *u, struct statement *s, int expected,
                                struct error *error)
{
    const struct migration *known = &u->list[expected - 1];
    int64_t number = column_integer(s, "number");
    const char *name = column_text(s, "name");
    struct bytes recorded = column_blob(s, "sha256");
    struct hash ours;

    if (number != expected)
        return error_set(error, ERROR_CORRUPT,
                         "migration %d is not on record; found %" PRId64 " in its place", expected, number);
    sha256(&ours, known->sql, strlen(known->sql));
    if (strcmp(name, known->name) != 0 || !bytes_equal(recorded, bytes_of(ours.bytes, sizeof(ours.bytes))))
        return error_set(error, ERROR_CORRUPT,
                         "migration %d ran as %s with another text than this program's %s", expected, name,
                         known->name);
    return OK;
}

static enum status check_records(const struct upgrade *u, struct error *error)
{
    struct statement *s;
    enum status status = OK;
    int number = 0;

    if (u->from > u->count)
        return error_set(error, ERROR_NEWER_DATABASE, "%s has schema %d; this program knows up to %d",
                         database_path(u->writer), u->from, u->count);
    if (!table_exists(u->writer, "migration")) {
        if (u->from == 0)
            return OK;
        return error_set(error, ERROR_CORRUPT, "schema %d without a record of its migrations", u->from);
    }
    s = statement(u->writer, "SELECT number, name, sha256 FROM migration ORDER BY number");
    while (status == OK && statement_row(s)) {
        if (++number > u->from)
            status = error_set(error, ERROR_CORRUPT, "more migrations on record than schema %d has", u->from);
        else
            status = check_record(u, s, number, error);
    }
    statement_finish(s);
    if (status == OK && number != u->from)
        status = error_set(error, ERROR_CORRUPT, "migration %d is not on record", number + 1);
    return status;
}

/* --- views ------------------------------------------------------------------------------------ */

static void views_hash(const char *views, char text[HASH_TEXT_MAX])
{
    struct hash hash;

    sha256(&hash, views, strlen(views));
    hex_text(text, hash.bytes, sizeof(hash.bytes));
}

static bool views_changed(const struct upgrade *u)
{
    char ours[HASH_TEXT_MAX];
    AUTO_FREE char *stored = table_exists(u->writer, "meta") ? meta_get(u->writer, META_VIEWS) : NULL;

    views_hash(u->views, ours);
    return stored == NULL || strcmp(stored, ours) != 0;
}

static void views_drop(struct database *writer)
{
    for (int i = 0; i < VIEW_NAMES_MAX; i++) {
        struct statement *s = statement(writer, "SELECT name FROM sqlite_schema WHERE type = 'view' LIMIT 1");
        char *sql;

        if (!statement_row(s))
            return;
        sql = sqlite3_mprintf("DROP VIEW \"%w\"", column_text(s, "name"));
        statement_finish(s);
        database_execute(writer, sql);
        sqlite3_free(sql);
    }
}

/* --- running ---------------------------------------------------------------------------------- */

/* SQL of a migration: its mistakes are told, while failures of the storage end the process as always. */
static enum status execute(struct database *writer, const char *name, const char *sql, struct error *error)
{
    int code = sqlite3_exec(database_handle(writer), sql, NULL, NULL, NULL);

    if (code == SQLITE_OK && sqlite3_get_autocommit(database_handle(writer)) == 0)
        return OK;
    if (code == SQLITE_OK)
        return error_set(error, ERROR_CORRUPT, "%s ends the transaction that it runs in", name);
    if ((code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_CONSTRAINT)
        return error_set(error, ERROR_CORRUPT, "%s: %s", name, sqlite3_errmsg(database_handle(writer)));
    database_execute(writer, "ROLLBACK");
    return error_set(error, ERROR_STORAGE, "%s: %s", name, sqlite3_errstr(code));
}

static void record(struct database *writer, const struct migration *migration)
{
    struct statement *s = statement(writer, "INSERT INTO migration (number, name, sha256, applied_us)"
                                            " VALUES (?, ?, ?, ?)");
    struct hash hash;

    sha256(&hash, migration->sql, strlen(migration->sql));
    bind_integer(s, migration->number);
    bind_text(s, migration->name);
    bind_blob(s, hash.bytes, sizeof(hash.bytes));
    bind_integer(s, clock_wall_us());
    (void)statement_run(s);
}

static enum status check_foreign_keys(struct database *writer, struct error *error)
{
    struct statement *s = statement(writer, "SELECT \"table\" AS child, parent"
                                            " FROM pragma_foreign_key_check LIMIT 1");
    enum status status = OK;

    if (statement_row(s))
        status = error_set(error, ERROR_CORRUPT, "after the migration a row of %s refers to no row of %s",
                           column_text(s, "child"), column_text(s, "parent"));
    statement_finish(s);
    return status;
}

static enum status run_all(const struct upgrade *u, struct error *error)
{
    char text[HASH_TEXT_MAX];
    char version[64];

    views_drop(u->writer);
    database_execute(u->writer, "CREATE TABLE IF NOT EXISTS migration ("
                                "  number     INTEGER PRIMARY KEY,"
                                "  name       TEXT    NOT NULL,"
                                "  sha256     BLOB    NOT NULL,"
                                "  applied_us INTEGER NOT NULL) STRICT");
    for (int i = u->from; i < u->count; i++) {
        TRY(execute(u->writer, u->list[i].name, u->list[i].sql, error));
        record(u->writer, &u->list[i]);
    }
    TRY(check_foreign_keys(u->writer, error));
    TRY(execute(u->writer, "schema/views.sql", u->views, error));
    views_hash(u->views, text);
    meta_set(u->writer, META_VIEWS, text);
    snprintf(version, sizeof(version), "PRAGMA application_id = %d", DATABASE_APPLICATION_ID);
    database_execute(u->writer, version);
    snprintf(version, sizeof(version), "PRAGMA user_version = %d", u->count);
    database_execute(u->writer, version);
    return OK;
}

static enum status backup_before(const struct upgrade *u, const char *directory, struct error *error)
{
    char stamp[COPY_STAMP_MAX];
    AUTO_FREE char *path = NULL;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return error_set(error, ERROR_STORAGE, "cannot make %s: %s", directory, strerror(errno));
    copy_stamp(stamp, clock_wall_us());
    path = text_format("%s/before-%04d-to-%04d-%s.sqlite3", directory, u->from, u->count, stamp);
    TRY(copy_make(database_path(u->writer), path, NULL, NULL, error));
    log_info("schema %d of %s is kept as %s", u->from, database_path(u->writer), path);
    return OK;
}

enum status migrate_with(struct database *writer, const struct migration *list, size_t count,
                         const char *views, const char *backup_directory, int *from, int *to,
                         struct error *error)
{
    struct upgrade u = { .writer = writer, .list = list, .count = (int)count, .views = views };
    enum status status;

    crypto_start();
    u.from = schema_version(writer);
    TRY(check_records(&u, error));
    if (u.from < u.count || views_changed(&u)) {
        if (u.from > 0 && u.from < u.count)
            TRY(backup_before(&u, backup_directory, error));
        database_begin(writer);
        status = run_all(&u, error);
        if (status != OK) {
            if (sqlite3_get_autocommit(database_handle(writer)) == 0)
                database_rollback(writer);
            return status;
        }
        database_commit(writer);
        if (u.from < u.count)
            log_info("%s: schema %d is now %d", database_path(writer), u.from, u.count);
    }
    *from = u.from;
    *to = u.count;
    return OK;
}

enum status migrate(struct database *writer, const char *backup_directory, int *from, int *to,
                    struct error *error)
{
    return migrate_with(writer, migrations, migrations_count, views_sql, backup_directory, from, to, error);
}

/* --- meta ------------------------------------------------------------------------------------- */

void meta_set(struct database *writer, const char *key, const char *value)
{
    struct statement *s = statement(writer, "INSERT INTO meta (key, value) VALUES (?, ?)"
                                            " ON CONFLICT (key) DO UPDATE SET value = excluded.value");

    bind_text(s, key);
    bind_text(s, value);
    (void)statement_run(s);
}

char *meta_get(struct database *database, const char *key)
{
    struct statement *s = statement(database, "SELECT value FROM meta WHERE key = ?");
    char *value = NULL;

    bind_text(s, key);
    if (statement_row(s)) {
        value = text_copy(column_text(s, "value"));
        statement_finish(s);
    }
    return value;
}
