/* SQL for people: see sql.h. The connection is read-only already; the authorizer keeps statements from
 * reaching anything but this database's rows (no ATTACH, no PRAGMA, no files). */
#include "kernel/sql.h"

#include <math.h>
#include <string.h>

/* Functions that touch more than their arguments. */
static bool function_is_refused(const char *name)
{
    static const char *const refused[] = { "load_extension", "readfile",       "writefile",
                                           "edit",           "fts3_tokenizer", "sqlite_log" };

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (sqlite3_stricmp(name, refused[i]) == 0)
            return true;
    }
    return false;
}

static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *trigger)
{
    (void)context, (void)first, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return function_is_refused(second) ? SQLITE_DENY : SQLITE_OK;
    default: /* SQLite's list grows; what is not known is refused */
        return SQLITE_DENY;
    }
}

static void set_limits(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 50);
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 200);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)SQL_BYTES_MAX);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static enum status prepare(struct query *q, sqlite3 *db, const char *text, sqlite3_stmt **prepared)
{
    const char *tail = "";

    if (sqlite3_prepare_v2(db, text, -1, prepared, &tail) != SQLITE_OK)
        return query_fail(q, ERROR_SQL, "%s", sqlite3_errmsg(db));
    if (*prepared == NULL)
        return query_fail(q, ERROR_SQL, "no statement");
    if (tail[strspn(tail, " \t\r\n;")] != '\0')
        return query_fail(q, ERROR_SQL, "one statement at a time");
    if (!sqlite3_stmt_readonly(*prepared))
        return query_fail(q, ERROR_SQL, "only statements that read are run");
    if (sqlite3_bind_parameter_count(*prepared) > 0)
        return query_fail(q, ERROR_SQL, "the statement has parameters; write the values into it");
    return OK;
}

static void write_real(struct writer *w, double value)
{
    char text[40];

    if (!isfinite(value)) {
        writer_null(w);
        return;
    }
    snprintf(text, sizeof(text), "%.17g", value);
    writer_raw(w, text, strlen(text));
}

static void write_column(struct writer *w, sqlite3_stmt *prepared, int column)
{
    int size;

    switch (sqlite3_column_type(prepared, column)) {
    case SQLITE_INTEGER: {
        sqlite3_int64 value = sqlite3_column_int64(prepared, column);

        if (value <= (sqlite3_int64)INTEGER_MAX && value >= -(sqlite3_int64)INTEGER_MAX)
            writer_integer(w, value);
        else
            writer_text(w, (const char *)sqlite3_column_text(prepared, column));
        break;
    }
    case SQLITE_FLOAT:
        write_real(w, sqlite3_column_double(prepared, column));
        break;
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_column_text(prepared, column);

        size = sqlite3_column_bytes(prepared, column);
        if (utf8_valid_prefix((const char *)text, (size_t)size) == (size_t)size)
            writer_string(w, (const char *)text, (size_t)size);
        else /* CAST makes text of any bytes */
            writer_hex(w, text, (size_t)size);
        break;
    }
    case SQLITE_BLOB:
        size = sqlite3_column_bytes(prepared, column);
        writer_hex(w, sqlite3_column_blob(prepared, column), (size_t)size);
        break;
    default:
        writer_null(w);
        break;
    }
}

static enum status write_rows(struct query *q, sqlite3 *db, sqlite3_stmt *prepared, uint64_t rows_most,
                              struct writer *w)
{
    const int columns = sqlite3_column_count(prepared);
    uint64_t rows = 0;
    bool truncated = false;
    int code;

    writer_object_begin(w);
    writer_key(w, "columns");
    writer_array_begin(w);
    for (int i = 0; i < columns; i++)
        writer_text(w, sqlite3_column_name(prepared, i));
    writer_array_end(w);
    writer_key(w, "types");
    writer_array_begin(w);
    for (int i = 0; i < columns; i++)
        writer_text(w, sqlite3_column_decltype(prepared, i));
    writer_array_end(w);
    writer_key(w, "rows");
    writer_array_begin(w);
    while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
        if (rows == rows_most || w->out->size > SQL_BYTES_MAX) {
            truncated = true;
            break;
        }
        writer_array_begin(w);
        for (int i = 0; i < columns; i++)
            write_column(w, prepared, i);
        writer_array_end(w);
        rows++;
    }
    if (code == SQLITE_INTERRUPT)
        return query_fail(q, ERROR_TIMEOUT,
                          "the statement ran longer than a query may; narrow it, or read the database with "
                          "sqlite3 -readonly");
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return query_fail(q, ERROR_SQL, "%s", sqlite3_errmsg(db));
    writer_array_end(w);
    writer_member_boolean(w, "truncated", truncated);
    writer_object_end(w);
    return OK;
}

enum status sql_run(struct query *q, const char *text, uint64_t rows_most, struct writer *w)
{
    sqlite3 *db = database_handle(q->database);
    sqlite3_stmt *prepared = NULL;
    enum status status;

    set_limits(db);
    sqlite3_set_authorizer(db, authorize, NULL);
    status = prepare(q, db, text, &prepared);
    if (status == OK)
        status = write_rows(q, db, prepared, rows_most, w);
    sqlite3_finalize(prepared);
    sqlite3_set_authorizer(db, NULL, NULL);
    return status;
}
