/* Statements: prepared once per connection, found again by the address of their SQL, bound in order,
 * columns read by name. All of it is on the path of every event, so nothing here allocates after the first
 * use. */
#include "store/connection.h"

#include <string.h>

#include "base/memory.h"

#define LOG_ROOM "store"
#include "base/log.h"

#define STATEMENTS_INITIAL 256

/* --- the table -------------------------------------------------------------------------------- */

static size_t slot_of(const struct statement_table *table, const char *sql)
{
    size_t slot = ((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32;

    slot &= table->capacity - 1;
    while (table->slots[slot] != NULL && table->slots[slot]->sql != sql)
        slot = (slot + 1) & (table->capacity - 1);
    return slot;
}

static void table_grow(struct statement_table *table)
{
    size_t capacity = table->capacity == 0 ? STATEMENTS_INITIAL : table->capacity * 2;
    struct statement_table grown = { .capacity = capacity, .count = table->count };

    grown.slots = memory_array(grown.capacity, sizeof(struct statement *));
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i] != NULL)
            grown.slots[slot_of(&grown, table->slots[i]->sql)] = table->slots[i];
    memory_free_pointer(&table->slots);
    *table = grown;
}

static struct statement *statement_prepare(struct database *database, const char *sql)
{
    struct statement *s;
    sqlite3_stmt *handle = NULL;
    const char *rest = NULL;
    int code = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &rest);

    INVARIANT((code & 0xff) != SQLITE_ERROR, "SQL does not compile: %s: %s", sqlite3_errmsg(database->handle),
              sql);
    if (code != SQLITE_OK) {
        database_failed(database, code, "prepare");
        return NULL;
    }
    INVARIANT(handle != NULL && rest[strspn(rest, " \n\t;")] == '\0', "not exactly one statement: %s", sql);
    s = memory_new(sizeof(*s));
    s->database = database;
    s->handle = handle;
    s->sql = sql;
    s->parameters = sqlite3_bind_parameter_count(handle);
    s->columns = sqlite3_column_count(handle);
    s->column = memory_array((size_t)s->columns + 1, sizeof(struct column));
    for (int i = 0; i < s->columns; i++)
        s->column[i].name = text_copy(sqlite3_column_name(handle, i));
    return s;
}

/* A statement that could not be prepared because the file cannot be read (readers only): it has no rows. */
static struct statement *statement_failed(struct database *database, const char *sql)
{
    struct statement *s = memory_new(sizeof(*s));

    s->database = database;
    s->sql = sql;
    return s;
}

static void statement_reset(struct statement *s)
{
    if (s->running) {
        s->running = false;
        s->database->running--;
        sqlite3_reset(s->handle);
    }
}

static void statement_free(struct statement *s)
{
    statement_reset(s);
    sqlite3_finalize(s->handle);
    for (int i = 0; i < s->columns; i++)
        memory_free_pointer(&s->column[i].name);
    memory_free_pointer(&s->column);
    memory_free_pointer(&s);
}

struct statement *statement(struct database *database, const char *sql)
{
    struct statement_table *table = &database->statements;
    struct statement *s;
    size_t slot;

    if (table->count * 2 >= table->capacity)
        table_grow(table);
    slot = slot_of(table, sql);
    s = table->slots[slot];
    if (s != NULL && s->handle == NULL) { /* it failed before: perhaps the file can be read by now */
        struct statement *again = statement_prepare(database, sql);

        if (again != NULL) {
            statement_free(s);
            s = table->slots[slot] = again;
        }
    }
    if (s == NULL) {
        s = statement_prepare(database, sql);
        if (s == NULL)
            s = statement_failed(database, sql);
        table->slots[slot] = s;
        table->count++;
    } else if (s->handle != NULL) {
        INVARIANT(strcmp(sqlite3_sql(s->handle), sql) == 0, "SQL text changed behind its address: %s", sql);
    }
    statement_reset(s);
    s->bound = 0;
    s->next = 0;
    return s;
}

void statements_reset(struct database *database)
{
    for (size_t i = 0; i < database->statements.capacity && database->running > 0; i++) {
        struct statement *s = database->statements.slots[i];

        if (s == NULL || !s->running)
            continue;
        log_error("statement left running, statement_finish is missing: %s", s->sql);
        statement_reset(s);
    }
}

void statements_free(struct database *database)
{
    for (size_t i = 0; i < database->statements.capacity; i++)
        if (database->statements.slots[i] != NULL)
            statement_free(database->statements.slots[i]);
    memory_free_pointer(&database->statements.slots);
    database->statements = (struct statement_table){ 0 };
}

/* --- binding ---------------------------------------------------------------------------------- */

/* A bind fails only when the SQL has fewer parameters, or a value is beyond SQLite's limits: both are
 * bugs. */
static void bound(const struct statement *s, int code)
{
    INVARIANT(code == SQLITE_OK, "parameter %d: %s: %s", s->bound, sqlite3_errstr(code), s->sql);
}

void bind_integer(struct statement *s, int64_t value)
{
    s->bound++;
    if (s->handle != NULL)
        bound(s, sqlite3_bind_int64(s->handle, s->bound, value));
}

void bind_text_sized(struct statement *s, const char *text, size_t size)
{
    s->bound++;
    if (s->handle != NULL)
        bound(s, sqlite3_bind_text64(s->handle, s->bound, text, size, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_text(struct statement *s, const char *text)
{
    bind_text_sized(s, text, text == NULL ? 0 : strlen(text));
}

void bind_blob(struct statement *s, const void *data, size_t size)
{
    s->bound++;
    if (s->handle != NULL)
        bound(s, sqlite3_bind_blob64(s->handle, s->bound, data, size, SQLITE_STATIC));
}

void bind_null(struct statement *s)
{
    s->bound++;
    if (s->handle != NULL)
        bound(s, sqlite3_bind_null(s->handle, s->bound));
}

/* --- running ---------------------------------------------------------------------------------- */

/* One step; SQLITE_ROW, SQLITE_DONE, or (readers) the code of a failure, which is remembered. Reset unless
 * a row. */
static int statement_step(struct statement *s)
{
    int code;

    if (s->handle == NULL)
        return SQLITE_ERROR;
    if (!s->running) {
        while (s->bound < s->parameters) /* what an earlier use left bound must not speak now */
            bind_null(s);
        s->running = true;
        s->database->running++;
    }
    s->next = 0;
    code = sqlite3_step(s->handle);
    if (code == SQLITE_ROW)
        return code;
    if (code != SQLITE_DONE)
        database_failed(s->database, code, s->sql);
    statement_reset(s);
    return code;
}

bool statement_row(struct statement *s)
{
    return statement_step(s) == SQLITE_ROW;
}

void statement_finish(struct statement *s)
{
    statement_reset(s);
}

int64_t statement_run(struct statement *s)
{
    int code = statement_step(s);

    INVARIANT(code != SQLITE_ROW, "SQL gives rows where none are read: %s", s->sql);
    return code == SQLITE_DONE ? sqlite3_changes64(s->database->handle) : 0;
}

/* --- columns ---------------------------------------------------------------------------------- */

static int column_search(struct statement *s, const char *name)
{
    int index = -1;

    for (int i = 0; i < s->columns && index < 0; i++)
        if (s->column[i].asked == name)
            index = i;
    for (int i = 0; i < s->columns && index < 0; i++)
        if (strcmp(s->column[i].name, name) == 0)
            index = i;
    INVARIANT(index >= 0, "no column %s: %s", name, s->sql);
    s->column[index].asked = name;
    s->next = index + 1;
    return index;
}

/* Callers ask in the order of the SQL most of the time, with the same literals each time: then this is one
 * compare. */
static inline int column_index(struct statement *s, const char *name)
{
    INVARIANT(s->running, "no row at hand, asked for column %s: %s", name, s->sql);
    if (s->next < s->columns && s->column[s->next].asked == name)
        return s->next++;
    return column_search(s, name);
}

int64_t column_integer(struct statement *s, const char *name)
{
    return sqlite3_column_int64(s->handle, column_index(s, name));
}

const char *column_text(struct statement *s, const char *name)
{
    return (const char *)sqlite3_column_text(s->handle, column_index(s, name));
}

struct bytes column_text_sized(struct statement *s, const char *name)
{
    int index = column_index(s, name);
    const unsigned char *text = sqlite3_column_text(s->handle, index);

    return (struct bytes){ .data = text,
                           .size = text == NULL ? 0 : (size_t)sqlite3_column_bytes(s->handle, index) };
}

struct bytes column_blob(struct statement *s, const char *name)
{
    int index = column_index(s, name);
    const void *data = sqlite3_column_blob(s->handle, index);

    return (struct bytes){ .data = data, .size = (size_t)sqlite3_column_bytes(s->handle, index) };
}

bool column_is_null(struct statement *s, const char *name)
{
    return sqlite3_column_type(s->handle, column_index(s, name)) == SQLITE_NULL;
}

void column_fixed(struct statement *s, const char *name, void *out, size_t size)
{
    struct bytes blob = column_blob(s, name);

    INVARIANT(blob.size == size, "column %s has %zu bytes instead of %zu: %s", name, blob.size, size, s->sql);
    memcpy(out, blob.data, size);
}
