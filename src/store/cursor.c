/* Named cursors: the rows of table cursor. */
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/event_log.h"

#define COLUMNS "name, owner_uid, acknowledged, updated_us, max_lag, filter"

void cursor_close(struct cursor *cursor)
{
    memory_free_pointer(&cursor->filter);
}

bool cursor_name_valid(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(name);

    return size > 0 && size < CURSOR_NAME_MAX && strspn(name, allowed) == size;
}

static void take(struct statement *s, struct cursor *cursor)
{
    snprintf(cursor->name, sizeof(cursor->name), "%s", column_text(s, "name"));
    cursor->owner_uid = column_integer(s, "owner_uid");
    cursor->acknowledged = (uint64_t)column_integer(s, "acknowledged");
    cursor->updated_us = column_integer(s, "updated_us");
    cursor->max_lag = (uint64_t)column_integer(s, "max_lag");
    cursor->filter = text_copy(column_text(s, "filter"));
}

static bool cursor_exists(struct database *database, const char *name)
{
    struct statement *s = statement(database, "SELECT 1 FROM cursor WHERE name = ?");
    bool found;

    bind_text(s, name);
    found = statement_row(s);
    statement_finish(s);
    return found;
}

static enum status unknown_cursor(const char *name, struct error *error)
{
    return error_set(error, ERROR_CURSOR_NOT_FOUND, "no cursor is named '%.*s'", CURSOR_NAME_MAX, name);
}

/* A position after the newest event would skip what is not yet written. */
static enum status check_position(struct database *writer, uint64_t seq, struct error *error)
{
    uint64_t head = event_head(writer);

    if (seq > head)
        return error_set(error, ERROR_FUTURE, "position %" PRIu64 " lies after the newest event, %" PRIu64,
                         seq, head);
    return OK;
}

static uint64_t cursor_count(struct database *database)
{
    struct statement *s = statement(database, "SELECT count(*) AS count FROM cursor");
    uint64_t count = 0;

    if (statement_row(s)) {
        count = (uint64_t)column_integer(s, "count");
        statement_finish(s);
    }
    return count;
}

uint64_t cursor_count_of(struct database *database, int64_t owner_uid)
{
    struct statement *s = statement(database, "SELECT count(*) AS count FROM cursor WHERE owner_uid = ?");
    uint64_t count = 0;

    bind_integer(s, owner_uid);
    if (statement_row(s)) {
        count = (uint64_t)column_integer(s, "count");
        statement_finish(s);
    }
    return count;
}

enum status cursor_create(struct database *writer, const struct cursor *cursor, struct error *error)
{
    struct statement *s;

    if (!cursor_name_valid(cursor->name))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "'%.*s' cannot name a cursor: 1 to %d characters of A-Z a-z 0-9 . _ -",
                         CURSOR_NAME_MAX, cursor->name, CURSOR_NAME_MAX - 1);
    if (cursor->filter != NULL && strlen(cursor->filter) > CURSOR_FILTER_MAX)
        return error_set(error, ERROR_LIMIT, "the filter has %zu bytes; %d is the limit",
                         strlen(cursor->filter), CURSOR_FILTER_MAX);
    TRY(check_position(writer, cursor->acknowledged, error));
    if (cursor_exists(writer, cursor->name))
        return error_set(error, ERROR_CURSOR_EXISTS, "a cursor named '%s' exists already", cursor->name);
    if (cursor_count(writer) >= CURSORS_MAX)
        return error_set(error, ERROR_TOO_MANY, "there are %d cursors already; delete one", CURSORS_MAX);
    s = statement(writer, "INSERT INTO cursor (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)");
    bind_text(s, cursor->name);
    bind_integer(s, cursor->owner_uid);
    bind_integer(s, (int64_t)cursor->acknowledged);
    bind_integer(s, cursor->updated_us);
    bind_integer(s, (int64_t)cursor->max_lag);
    bind_text(s, cursor->filter);
    (void)statement_run(s);
    return OK;
}

enum status cursor_get(struct database *database, const char *name, struct cursor *cursor,
                       struct error *error)
{
    struct statement *s = statement(database, "SELECT " COLUMNS " FROM cursor WHERE name = ?");

    bind_text(s, name);
    if (!statement_row(s)) {
        TRY(database_failure(database, error));
        return unknown_cursor(name, error);
    }
    take(s, cursor);
    statement_finish(s);
    return OK;
}

enum status cursor_acknowledge(struct database *writer, const char *name, uint64_t seq, int64_t now_us,
                               struct error *error)
{
    struct statement *s;

    TRY(check_position(writer, seq, error));
    s = statement(writer, "UPDATE cursor SET acknowledged = ?1, updated_us = ?2"
                          " WHERE name = ?3 AND acknowledged < ?1");
    bind_integer(s, (int64_t)seq);
    bind_integer(s, now_us);
    bind_text(s, name);
    if (statement_run(s) == 0 && !cursor_exists(writer, name))
        return unknown_cursor(name, error);
    return OK;
}

enum status cursor_set(struct database *writer, const char *name, uint64_t seq, int64_t now_us,
                       struct error *error)
{
    struct statement *s;

    TRY(check_position(writer, seq, error));
    s = statement(writer, "UPDATE cursor SET acknowledged = ?, updated_us = ? WHERE name = ?");
    bind_integer(s, (int64_t)seq);
    bind_integer(s, now_us);
    bind_text(s, name);
    return statement_run(s) == 0 ? unknown_cursor(name, error) : OK;
}

enum status cursor_delete(struct database *writer, const char *name, struct error *error)
{
    struct statement *s = statement(writer, "DELETE FROM cursor WHERE name = ?");

    bind_text(s, name);
    return statement_run(s) == 0 ? unknown_cursor(name, error) : OK;
}

size_t cursor_list(struct database *database, const char *after, struct cursor *cursors, size_t most)
{
    struct statement *s = statement(database,
                                    "SELECT " COLUMNS " FROM cursor WHERE name > ? ORDER BY name LIMIT ?");
    size_t count = 0;

    bind_text(s, after);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        take(s, &cursors[count++]);
    return count;
}
