/* The tables of links, operations, blocks and verdicts: see rows.h. */
#include "network/rows.h"

#include <string.h>

#include "network/names.h"

/* --- network_link ------------------------------------------------------------------------------- */
const char *link_state_name(enum link_state state)
{
    switch (state) {
    case LINK_IDLE: return "idle";
    case LINK_CONNECTING: return "connecting";
    case LINK_CONNECTED: return "connected";
    case LINK_DEGRADED: return "degraded";
    case LINK_LOST: return "lost";
    case LINK_REMOVED: return "removed";
    }
    return "";
}

static enum link_state link_state_find(const char *name)
{
    enum link_state state = LINK_IDLE;

    while (strcmp(link_state_name(state), name) != 0) {
        INVARIANT(state < LINK_REMOVED, "a link that is '%s'", name);
        state++;
    }
    return state;
}

uint64_t row_link_insert(struct database *database, const struct link_row *row, int64_t now_us)
{
    struct statement *s = statement(database,
        "INSERT INTO network_link (name, network, options, key, public_key, poll_us, health_us, state, "
        "failures,"
        " changed_us) VALUES (?, ?, ?, ?, ?, ?, ?, 'idle', 0, ?)");

    bind_text(s, row->name);
    bind_text(s, row->network);
    bind_text(s, row->options);
    bind_text(s, row->key);
    bind_blob(s, row->key == NULL ? NULL : row->public_key.bytes, sizeof(row->public_key.bytes));
    bind_integer(s, row->poll_us);
    bind_integer(s, row->health_us);
    bind_integer(s, now_us);
    statement_run(s);
    return (uint64_t)sqlite3_last_insert_rowid(database_handle(database));
}

static const char *copy_text(struct statement *s, const char *column, struct arena *arena)
{
    struct bytes text = column_text_sized(s, column);

    return text.data == NULL ? NULL : arena_text(arena, (const char *)text.data, text.size);
}

#define LINK_COLUMNS                                                                                         \
    "id, name, network, options, key, public_key, poll_us, health_us, state, changed_us, failures, flaps,"   \
    " good, error, chain, version, account"

static void read_link(struct statement *s, struct arena *arena, struct link_row *row)
{
    *row = (struct link_row){
        .id = (uint64_t)column_integer(s, "id"),
        .name = copy_text(s, "name", arena),
        .network = copy_text(s, "network", arena),
        .options = copy_text(s, "options", arena),
        .key = copy_text(s, "key", arena),
        .poll_us = column_integer(s, "poll_us"),
        .health_us = column_integer(s, "health_us"),
        .state = link_state_find(column_text(s, "state")),
        .changed_us = column_integer(s, "changed_us"),
        .failures = (uint64_t)column_integer(s, "failures"),
        .flaps = (uint64_t)column_integer(s, "flaps"),
        .good = (uint64_t)column_integer(s, "good"),
        .error = copy_text(s, "error", arena),
        .chain = copy_text(s, "chain", arena),
        .version = copy_text(s, "version", arena),
        .account = copy_text(s, "account", arena),
    };
    if (row->key != NULL)
        column_fixed(s, "public_key", row->public_key.bytes, sizeof(row->public_key.bytes));
}

bool row_link_read(struct database *database, uint64_t id, struct arena *arena, struct link_row *row)
{
    struct statement *s = statement(
        database, "SELECT " LINK_COLUMNS " FROM network_link WHERE id = ? AND state <> 'removed'");

    bind_integer(s, (int64_t)id);
    if (!statement_row(s))
        return false;
    read_link(s, arena, row);
    statement_finish(s);
    return true;
}

bool row_link_find(struct database *database, const char *name, struct arena *arena, struct link_row *row)
{
    struct statement *s = statement(
        database, "SELECT " LINK_COLUMNS " FROM network_link WHERE name = ? AND state <> 'removed'");

    bind_text(s, name);
    if (!statement_row(s))
        return false;
    read_link(s, arena, row);
    statement_finish(s);
    return true;
}

/* A row that changes may move in the file, and SQLite leaves the bytes where it was: of this table, whose
 * options may hold a secret, they are overwritten. */
static void change_link(struct database *database, struct statement *s)
{
    database_execute(database, "PRAGMA secure_delete = ON");
    statement_run(s);
    database_execute(database, "PRAGMA secure_delete = OFF");
}

void row_link_update(struct database *database, const struct link_row *row, int64_t now_us)
{
    struct statement *s = statement(database,
        "UPDATE network_link SET changed_us = CASE WHEN state = ? THEN changed_us ELSE ? END, state = ?,"
        " failures = ?, flaps = ?, good = ?, error = ?, chain = ?, version = ?, account = ?,"
        " options = CASE WHEN ? = 'removed' THEN '{}' ELSE options END WHERE id = ?");

    bind_text(s, link_state_name(row->state));
    bind_integer(s, now_us);
    bind_text(s, link_state_name(row->state));
    bind_integer(s, (int64_t)row->failures);
    bind_integer(s, (int64_t)row->flaps);
    bind_integer(s, (int64_t)row->good);
    bind_text(s, row->error);
    bind_text(s, row->chain);
    bind_text(s, row->version);
    bind_text(s, row->account);
    bind_text(s, link_state_name(row->state));
    bind_integer(s, (int64_t)row->id);
    change_link(database, s);
}

uint64_t row_link_gaps(struct database *database, uint64_t id)
{
    struct statement *s = statement(database, "SELECT gaps FROM network_link WHERE id = ?");
    uint64_t gaps = 0;

    bind_integer(s, (int64_t)id);
    if (statement_row(s)) {
        gaps = (uint64_t)column_integer(s, "gaps");
        statement_finish(s);
    }
    return gaps;
}

void row_link_gap(struct database *database, uint64_t id)
{
    struct statement *s = statement(database, "UPDATE network_link SET gaps = gaps + 1 WHERE id = ?");

    bind_integer(s, (int64_t)id);
    change_link(database, s);
}

void row_link_each(struct database *database, void (*each)(void *context, const struct link_row *row),
                   void *context)
{
    struct statement *s = statement(
        database, "SELECT " LINK_COLUMNS " FROM network_link WHERE state <> 'removed' ORDER BY name");
    struct arena arena CLEANUP(arena_close);

    arena_init(&arena);
    while (statement_row(s)) {
        struct link_row row;

        arena_reset(&arena);
        read_link(s, &arena, &row);
        each(context, &row);
    }
}

/* --- network_operation -------------------------------------------------------------------------- */
uint64_t row_operation_insert(struct database *database, const struct operation_row *row, int64_t now_us)
{
    struct statement *s = statement(database,
        "INSERT INTO network_operation (id, link, operation, request, request_key, timeout_us, state, "
        "asked_us)"
        " VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)");

    bind_blob(s, row->id.bytes, sizeof(row->id.bytes));
    bind_integer(s, (int64_t)row->link);
    bind_text(s, network_operation_name(row->operation));
    bind_text(s, row->request);
    bind_text(s, row->request_key);
    bind_integer(s, row->timeout_us);
    bind_integer(s, now_us);
    statement_run(s);
    return (uint64_t)sqlite3_last_insert_rowid(database_handle(database));
}

#define OPERATION_COLUMNS "number, id, link, operation, request, request_key, timeout_us, state"

static bool read_operation(struct statement *s, struct arena *arena, struct operation_row *row)
{
    if (!statement_row(s))
        return false;
    *row = (struct operation_row){
        .number = (uint64_t)column_integer(s, "number"),
        .link = (uint64_t)column_integer(s, "link"),
        .request = copy_text(s, "request", arena),
        .request_key = copy_text(s, "request_key", arena),
        .timeout_us = column_integer(s, "timeout_us"),
        .state = copy_text(s, "state", arena),
    };
    column_fixed(s, "id", row->id.bytes, sizeof(row->id.bytes));
    INVARIANT(network_operation_find(column_text(s, "operation"), &row->operation), "an operation '%s'",
              column_text(s, "operation"));
    statement_finish(s);
    return true;
}

bool row_operation_find(struct database *database, const struct network_id *id, struct arena *arena,
                        struct operation_row *row)
{
    struct statement *s =
        statement(database, "SELECT " OPERATION_COLUMNS " FROM network_operation WHERE id = ?");

    bind_blob(s, id->bytes, sizeof(id->bytes));
    return read_operation(s, arena, row);
}

bool row_operation_read(struct database *database, uint64_t number, struct arena *arena,
                        struct operation_row *row)
{
    struct statement *s =
        statement(database, "SELECT " OPERATION_COLUMNS " FROM network_operation WHERE number = ?");

    bind_integer(s, (int64_t)number);
    return read_operation(s, arena, row);
}

bool row_operation_requested(struct database *database, uint64_t link, const char *request_key,
                             struct arena *arena, struct operation_row *row)
{
    struct statement *s = statement(
        database, "SELECT " OPERATION_COLUMNS " FROM network_operation WHERE link = ? AND request_key = ?");

    bind_integer(s, (int64_t)link);
    bind_text(s, request_key);
    return read_operation(s, arena, row);
}

void row_operation_end(struct database *database, uint64_t number, const char *state, struct bytes result,
                       enum status code, const char *error, int64_t now_us)
{
    struct statement *s = statement(database,
        "UPDATE network_operation SET state = ?, result = ?, code = ?, error = ?, ended_us = ?"
        " WHERE number = ? AND state = 'queued'");

    bind_text(s, state);
    if (code == OK) {
        bind_text_sized(s, (const char *)result.data, result.size);
        bind_null(s);
        bind_null(s);
    } else {
        bind_null(s);
        bind_integer(s, code);
        bind_text(s, error);
    }
    bind_integer(s, now_us);
    bind_integer(s, (int64_t)number);
    INVARIANT(statement_run(s) == 1, "an operation that ends twice");
}

void row_operation_prune(struct database *database, uint64_t number)
{
    struct statement *s;

    if (number <= OPERATIONS_KEPT)
        return;
    s = statement(database,
        "DELETE FROM network_operation AS o WHERE number = ? AND state <> 'queued'"
        " AND NOT EXISTS (SELECT 1 FROM network_write w WHERE w.number = o.number)"
        " AND NOT EXISTS (SELECT 1 FROM network_verdict v WHERE v.number = o.number)");
    bind_integer(s, (int64_t)(number - OPERATIONS_KEPT));
    statement_run(s);
}

bool row_operation_too_many(struct database *database, uint64_t link, uint64_t most)
{
    struct statement *s = statement(database,
        "SELECT 1 AS found FROM network_operation WHERE link = ? AND state = 'queued' LIMIT 1 OFFSET ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)most - 1);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool row_operation_first_queued(struct database *database, uint64_t link, struct arena *arena,
                                struct operation_row *row)
{
    struct statement *s = statement(database,
        "SELECT " OPERATION_COLUMNS " FROM network_operation AS o WHERE link = ? AND state = 'queued'"
        " AND NOT EXISTS (SELECT 1 FROM network_write w WHERE w.number = o.number) ORDER BY number LIMIT 1");

    bind_integer(s, (int64_t)link);
    return read_operation(s, arena, row);
}

/* --- network_block ------------------------------------------------------------------------------ */
void row_block_newest(struct database *database, uint64_t link, struct arena *arena,
                      struct network_position *position)
{
    struct statement *s = statement(
        database, "SELECT height, hash FROM network_block WHERE link = ? ORDER BY height DESC LIMIT 1");

    *position = (struct network_position){ .known = false };
    bind_integer(s, (int64_t)link);
    if (!statement_row(s))
        return;
    position->known = true;
    position->height = (uint64_t)column_integer(s, "height");
    position->hash = copy_text(s, "hash", arena);
    statement_finish(s);
}

void row_block_insert(struct database *database, uint64_t link, const struct network_block *block)
{
    struct statement *s = statement(database,
        "INSERT INTO network_block (link, height, hash, parent, time_s) VALUES (?, ?, ?, ?, ?)");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)block->height);
    bind_text(s, block->hash);
    bind_text(s, block->parent);
    bind_integer(s, (int64_t)block->time_s);
    statement_run(s);
}

void row_block_rewind(struct database *database, uint64_t link, uint64_t height)
{
    struct statement *s = statement(database, "DELETE FROM network_block WHERE link = ? AND height > ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)height);
    statement_run(s);
}

void row_block_prune(struct database *database, uint64_t link, uint64_t newest)
{
    struct statement *s = statement(database, "DELETE FROM network_block WHERE link = ? AND height <= ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)newest - BLOCKS_KEPT);
    statement_run(s);
}

void row_block_forget(struct database *database, uint64_t link)
{
    struct statement *s = statement(database, "DELETE FROM network_block WHERE link = ?");

    bind_integer(s, (int64_t)link);
    statement_run(s);
}

/* --- network_verdict ---------------------------------------------------------------------------- */
void row_verdict_insert(struct database *database, uint64_t number, uint64_t link, const char *kind,
                        const struct hash *hash, const char *verdict, const char *anchor, const char *reason)
{
    struct statement *s = statement(database,
        "INSERT INTO network_verdict (number, link, kind, hash, verdict, anchor, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");

    bind_integer(s, (int64_t)number);
    bind_integer(s, (int64_t)link);
    bind_text(s, kind);
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    bind_text(s, verdict);
    bind_text(s, anchor);
    bind_text(s, reason);
    statement_run(s);
}
