/* Data that this node keeps itself: see held.h. */
#include "layer2/rollup/held.h"

#include <inttypes.h>

#include "layer2/rollup/propose.h"
#include "layer2/rollup/rows.h"

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void column_hash(struct statement *s, const char *name, struct hash *hash)
{
    column_fixed(s, name, hash->bytes, sizeof(hash->bytes));
}

static bool has_row(struct statement *s)
{
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

/* --- rollup_data_held ------------------------------------------------------------------------- */
bool held_read(struct database *database, const struct hash *hash, struct buffer *out)
{
    struct statement *s = statement(database, "SELECT data FROM rollup_data_held WHERE hash = ?");
    struct bytes data;

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    data = column_blob(s, "data");
    buffer_append(out, data.data, data.size);
    statement_finish(s);
    return true;
}

bool held_has(struct database *database, const struct hash *hash)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM rollup_data_held WHERE hash = ?");

    bind_hash(s, hash);
    return has_row(s);
}

bool held_write(struct database *database, const struct hash *hash, struct bytes data, int64_t now_us)
{
    struct statement *s = statement(database, "INSERT INTO rollup_data_held (hash, data, held_us)"
                                              " VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING");

    bind_hash(s, hash);
    bind_blob(s, data.data, data.size);
    bind_integer(s, now_us);
    return statement_run(s) == 1;
}

enum status batch_load_here(struct database *database, const struct rollup *rollup,
                            const struct batch_row *row, struct arena *arena, struct batch *batch,
                            struct error *error)
{
    struct buffer packed CLEANUP(buffer_close) = { 0 };

    if (row->data_state == DATA_PUBLISHED)
        return batch_load(database, rollup, row, arena, batch, error);
    if (!held_read(database, &row->data_hash, &packed))
        return error_set(error, ERROR_DATA_NOT_HELD,
                         "the data of batch %" PRIu64 " of rollup %" PRIu64 " is neither on the ledger nor"
                         " here", row->number, row->domain);
    return batch_restore(database, rollup, row, buffer_bytes(&packed), arena, batch, error);
}

bool batch_is_here(struct database *database, const struct batch_row *row)
{
    return row->data_state == DATA_PUBLISHED || held_has(database, &row->data_hash);
}

/* --- rollup_sealed, rollup_attestation -------------------------------------------------------- */
bool sealed_read(struct database *database, uint64_t domain, struct sealed *sealed)
{
    struct statement *s = statement(database,
        "SELECT number, parent, inbox_to, items_root, transactions, data_hash, data_size, message, announced"
        " FROM rollup_sealed WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    *sealed = (struct sealed){ .number = (uint64_t)column_integer(s, "number"),
                               .inbox_to = (uint64_t)column_integer(s, "inbox_to"),
                               .transactions = (uint64_t)column_integer(s, "transactions"),
                               .data_size = (uint64_t)column_integer(s, "data_size"),
                               .announced = column_integer(s, "announced") != 0 };
    column_hash(s, "parent", &sealed->parent);
    column_hash(s, "items_root", &sealed->items_root);
    column_hash(s, "data_hash", &sealed->data_hash);
    column_hash(s, "message", &sealed->message);
    statement_finish(s);
    return true;
}

void sealed_delete(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database, "DELETE FROM rollup_attestation WHERE message ="
                                              " (SELECT message FROM rollup_sealed WHERE domain = ?)");

    bind_integer(s, (int64_t)domain);
    (void)statement_run(s);
    s = statement(database,
        "DELETE FROM rollup_data_held WHERE hash = (SELECT data_hash FROM rollup_sealed WHERE domain = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM batch WHERE domain = ?1 AND data_hash = rollup_data_held.hash)");
    bind_integer(s, (int64_t)domain);
    (void)statement_run(s);
    s = statement(database, "DELETE FROM rollup_sealed WHERE domain = ?");
    bind_integer(s, (int64_t)domain);
    (void)statement_run(s);
}

void sealed_write(struct database *database, uint64_t domain, const struct sealed *sealed)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_sealed (domain, number, parent, inbox_to, items_root, transactions, data_hash,"
        " data_size, message, announced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (domain) DO UPDATE SET announced = excluded.announced");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)sealed->number);
    bind_hash(s, &sealed->parent);
    bind_integer(s, (int64_t)sealed->inbox_to);
    bind_hash(s, &sealed->items_root);
    bind_integer(s, (int64_t)sealed->transactions);
    bind_hash(s, &sealed->data_hash);
    bind_integer(s, (int64_t)sealed->data_size);
    bind_hash(s, &sealed->message);
    bind_integer(s, sealed->announced);
    (void)statement_run(s);
}

void attested_write(struct database *database, const struct hash *message, const struct attestation *given)
{
    struct statement *s = statement(database, "INSERT INTO rollup_attestation (message, member, signature)"
                                              " VALUES (?, ?, ?) ON CONFLICT (message, member) DO NOTHING");

    bind_hash(s, message);
    bind_blob(s, given->member.bytes, sizeof(given->member.bytes));
    bind_blob(s, given->signature.bytes, sizeof(given->signature.bytes));
    (void)statement_run(s);
}

unsigned attested_list(struct database *database, const struct hash *message,
                       struct attestation list[COMMITTEE_MAX])
{
    struct statement *s = statement(database, "SELECT member, signature FROM rollup_attestation"
                                              " WHERE message = ? ORDER BY member LIMIT ?");
    unsigned count = 0;

    bind_hash(s, message);
    bind_integer(s, COMMITTEE_MAX);
    while (statement_row(s)) {
        column_fixed(s, "member", list[count].member.bytes, sizeof(list[count].member.bytes));
        column_fixed(s, "signature", list[count].signature.bytes, sizeof(list[count].signature.bytes));
        count++;
    }
    return count;
}

/* --- rollup_data_missing ---------------------------------------------------------------------- */
bool missing_has(struct database *database, const struct hash *batch)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM rollup_data_missing WHERE batch = ?");

    bind_hash(s, batch);
    return has_row(s);
}

void missing_write(struct database *database, const struct batch_row *row, int64_t now_us)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_data_missing (batch, domain, since_us) VALUES (?, ?, ?)");

    bind_hash(s, &row->id);
    bind_integer(s, (int64_t)row->domain);
    bind_integer(s, now_us);
    (void)statement_run(s);
}

void missing_delete(struct database *database, const struct hash *batch)
{
    struct statement *s = statement(database, "DELETE FROM rollup_data_missing WHERE batch = ?");

    bind_hash(s, batch);
    (void)statement_run(s);
}

uint64_t missing_count(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS count FROM rollup_data_missing AS missing JOIN batch ON batch.id = missing.batch"
        " WHERE missing.domain = ? AND batch.state < 4");
    uint64_t count = 0;

    bind_integer(s, (int64_t)domain);
    if (statement_row(s)) {
        count = (uint64_t)column_integer(s, "count");
        statement_finish(s);
    }
    return count;
}

/* --- rollup_guard ----------------------------------------------------------------------------- */
uint64_t guard_bond(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database, "SELECT bond_max FROM rollup_guard WHERE domain = ?");
    uint64_t bond = 0;

    bind_integer(s, (int64_t)domain);
    if (statement_row(s)) {
        bond = (uint64_t)column_integer(s, "bond_max");
        statement_finish(s);
    }
    return bond;
}

void guard_write(struct database *database, uint64_t domain, uint64_t bond_max)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_guard (domain, bond_max) VALUES (?, ?)"
        " ON CONFLICT (domain) DO UPDATE SET bond_max = excluded.bond_max");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)bond_max);
    (void)statement_run(s);
}

static size_t list_batches(struct statement *s, uint64_t domain, struct batch_row *rows, size_t most)
{
    size_t count = 0;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        batch_from_row(s, &rows[count++]);
    return count;
}

size_t batch_list_missing(struct database *database, uint64_t domain, struct batch_row *rows, size_t most)
{
    return list_batches(statement(database,
        "SELECT " BATCH_COLUMNS " FROM batch WHERE domain = ? AND data_state = 1 AND data_state > 0"
        " AND state < 2 AND NOT EXISTS (SELECT 1 FROM rollup_data_held WHERE hash = data_hash)"
        " ORDER BY number LIMIT ?"), domain, rows, most);
}

size_t batch_list_demanded(struct database *database, uint64_t domain, struct batch_row *rows, size_t most)
{
    return list_batches(statement(database,
        "SELECT " BATCH_COLUMNS " FROM batch WHERE domain = ? AND data_state = 2 AND data_state > 0"
        " AND state < 2 AND EXISTS (SELECT 1 FROM rollup_data_held WHERE hash = data_hash)"
        " ORDER BY number LIMIT ?"), domain, rows, most);
}
