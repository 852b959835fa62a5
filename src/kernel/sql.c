/* SQL for people: see sql.h. The connection is read-only already; the authorizer keeps statements from
 * reaching anything but this database's rows (no ATTACH, no PRAGMA, no files), and the budget keeps sorts and
 * wide rows in bounds: nothing goes to temporary files, which could fill the disk that the writer needs. */
#include "kernel/sql.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "kernel/kernel.h"
#include "store/memory_budget.h"

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

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_stricmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* What `effect.list` shows the operator alone, and `cursor.list` each owner; and the raw pages, which hold
 * it all; and what confidential wallets know. Rows with preimages that are still worth something, also as a
 * transaction said them, are seen through their views alone (`view`: the one that reads; NULL: the caller's
 * own statement). */
static bool table_is_kept(const char *name, const char *view)
{
    static const char *const kept[] = { "effect", "v_effect", "cursor", "v_cursor", "sqlite_dbpage",
                                        "own_note", "own_payment", "own_scan", "v_network_link",
                                        "network_candidate", "v_network_candidate", "network_operation",
                                        "v_network_operation", "network_write",
                                        "v_network_write", "network_verdict", "v_network_verdict" };
    static const char *const secret[] = { "invoice", "htlc", "channel_local", "network_link", "transfer",
                                         "signed_transaction" };

    return is_one_of(name, kept, COUNT_OF(kept)) ||
           (view == NULL && is_one_of(name, secret, COUNT_OF(secret)));
}

struct permission {
    bool operator_;
    bool has_with;    /* the statement may name tables of its own, which the authorizer takes for views */
    const char *kept; /* "effect": what was asked for and is not shown; NULL: nothing yet */
    char name[64];
};

static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *trigger)
{
    struct permission *permission = context;

    (void)database;
    switch (action) {
    case SQLITE_READ:
        if (permission->operator_ || !table_is_kept(first, permission->has_with ? NULL : trigger))
            return SQLITE_OK;
        snprintf(permission->name, sizeof(permission->name), "%s", first);
        permission->kept = permission->name;
        return SQLITE_DENY;
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return function_is_refused(second) ? SQLITE_DENY : SQLITE_OK;
    default: /* SQLite's list grows; what is not known is refused */
        return SQLITE_DENY;
    }
}

/* The module queries of this reader keep SQLite's own limits: what they read may be larger. */
struct limit { int id, most, before; };

static void limits_set(sqlite3 *db, struct limit *limits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        limits[i].before = sqlite3_limit(db, limits[i].id, limits[i].most);
}

static void limits_restore(sqlite3 *db, const struct limit *limits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlite3_limit(db, limits[i].id, limits[i].before);
}

static enum status refuse_code(struct query *q, sqlite3 *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_INTERRUPT:
        if (database_stopped(q->database))
            return query_fail(q, ERROR_STOPPING, "the node is stopping");
        return query_fail(q, ERROR_TIMEOUT,
                          "the statement ran longer than a query may; narrow it, or read the database with "
                          "sqlite3 -readonly");
    case SQLITE_NOMEM:
        return query_fail(q, ERROR_LIMIT,
                          "the statement needs more than the %zu MiB of memory that one may have; narrow it, "
                          "or read the database with sqlite3 -readonly", SQL_MEMORY_MAX >> 20);
    default:
        return query_fail(q, ERROR_SQL, "%s", sqlite3_errmsg(db));
    }
}

static enum status prepare(struct query *q, sqlite3 *db, const char *text,
                           const struct permission *permission, sqlite3_stmt **prepared)
{
    const char *tail = "";
    int code = sqlite3_prepare_v2(db, text, -1, prepared, &tail);

    if (code != SQLITE_OK && permission->kept != NULL)
        return query_fail(q, ERROR_DENIED, "%s is for the operator; your uid is %" PRId64, permission->kept,
                          q->caller.uid);
    if (code != SQLITE_OK)
        return refuse_code(q, db, code);
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

/* Text and blobs are fetched before their sizes: where no memory was left for them they are NULL, and their
 * size is 0. */
static void write_column(struct writer *w, sqlite3_stmt *prepared, int column)
{
    const unsigned char *data;
    size_t size;

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
    case SQLITE_TEXT:
        data = sqlite3_column_text(prepared, column);
        size = data == NULL ? 0 : (size_t)sqlite3_column_bytes(prepared, column);
        if (utf8_valid_prefix((const char *)data, size) == size)
            writer_string(w, (const char *)data, size);
        else /* CAST makes text of any bytes */
            writer_hex(w, data, size);
        break;
    case SQLITE_BLOB:
        data = sqlite3_column_blob(prepared, column);
        size = data == NULL ? 0 : (size_t)sqlite3_column_bytes(prepared, column);
        writer_hex(w, data, size);
        break;
    default:
        writer_null(w);
        break;
    }
}

/* False: the row does not fit, and nothing of it was written. Over the bound goes at most one value. */
static bool write_row(sqlite3_stmt *prepared, int columns, struct writer *w)
{
    const struct writer before = *w;
    const size_t size = w->out->size;

    writer_array_begin(w);
    for (int i = 0; i < columns; i++) {
        write_column(w, prepared, i);
        if (w->out->size > SQL_BYTES_MAX) {
            *w = before;
            w->out->size = size;
            return false;
        }
    }
    writer_array_end(w);
    return true;
}

static void write_head(struct writer *w, sqlite3_stmt *prepared, int columns)
{
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
}

static enum status write_rows(struct query *q, sqlite3 *db, sqlite3_stmt *prepared, uint64_t rows_most,
                              struct writer *w)
{
    const int columns = sqlite3_column_count(prepared);
    uint64_t rows = 0;
    bool truncated = false;
    int code = SQLITE_DONE;

    writer_object_begin(w);
    write_head(w, prepared, columns);
    writer_key(w, "rows");
    writer_array_begin(w);
    while (!truncated && (code = sqlite3_step(prepared)) == SQLITE_ROW) {
        if (rows == rows_most) {
            truncated = true;
            break;
        }
        truncated = !write_row(prepared, columns, w);
        if ((sqlite3_errcode(db) & 0xff) == SQLITE_NOMEM)
            return refuse_code(q, db, SQLITE_NOMEM);
        if (truncated && rows == 0)
            return query_fail(q, ERROR_LIMIT, "a single row takes more than the %zu MiB of an answer",
                              SQL_BYTES_MAX >> 20);
        rows++;
    }
    if (!truncated && code != SQLITE_DONE)
        return refuse_code(q, db, code);
    writer_array_end(w);
    writer_member_boolean(w, "truncated", truncated);
    writer_object_end(w);
    return OK;
}

static bool node_stops(const void *context)
{
    return kernel_stopping(context);
}

/* Under the limits; the reader comes back as it was. */
static enum status run(struct query *q, const char *text, uint64_t rows_most, struct writer *w)
{
    struct limit limits[] = {
        { SQLITE_LIMIT_EXPR_DEPTH, 100, 0 },
        { SQLITE_LIMIT_COMPOUND_SELECT, 50, 0 },
        { SQLITE_LIMIT_COLUMN, 200, 0 },
        { SQLITE_LIMIT_LENGTH, SQL_VALUE_MAX, 0 },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000, 0 }, /* one LIKE cannot be interrupted */
        { SQLITE_LIMIT_ATTACHED, 0, 0 },
        { SQLITE_LIMIT_WORKER_THREADS, 0, 0 }, /* they would have no budget */
    };
    struct permission permission = { .operator_ = q->caller.operator_,
                                     .has_with = strcasestr(text, "with") != NULL };
    sqlite3 *db = database_handle(q->database);
    sqlite3_stmt *prepared = NULL;
    enum status status;

    limits_set(db, limits, COUNT_OF(limits));
    sqlite3_set_authorizer(db, authorize, &permission);
    database_set_stopping(q->database, node_stops, q->kernel);
    memory_budget_begin(SQL_MEMORY_MAX);
    status = prepare(q, db, text, &permission, &prepared);
    if (status == OK)
        status = write_rows(q, db, prepared, rows_most, w);
    sqlite3_finalize(prepared);
    memory_budget_end();
    database_set_stopping(q->database, NULL, NULL);
    sqlite3_set_authorizer(db, NULL, NULL);
    limits_restore(db, limits, COUNT_OF(limits));
    return status;
}

enum status sql_run(struct query *q, const char *text, uint64_t rows_most, struct writer *w)
{
    enum status status;

    TRY(query_long_begin(q));
    status = run(q, text, rows_most, w);
    query_long_end(q);
    return status;
}
