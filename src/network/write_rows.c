/* The table of writes: see write_rows.h. */
#include "network/write_rows.h"

#include <inttypes.h>
#include <string.h>

#include "network/names.h"

void row_write_insert(struct database *database, const struct write_row *row)
{
    struct statement *s = statement(database,
        "INSERT INTO network_write (number, link, kind, state, settled, retries, sends, give_up_us,"
        " urgent_us) VALUES (?, ?, ?, 'queued', 0, 0, 0, ?, ?)");

    bind_integer(s, (int64_t)row->number);
    bind_integer(s, (int64_t)row->link);
    bind_text(s, write_kind_name(row->kind));
    bind_integer(s, row->give_up_us);
    if (row->urgent_us == 0)
        bind_null(s);
    else
        bind_integer(s, row->urgent_us);
    statement_run(s);
}

static const char *copy_text(struct statement *s, const char *column, struct arena *arena)
{
    struct bytes text = column_text_sized(s, column);

    return text.data == NULL ? NULL : arena_text(arena, (const char *)text.data, text.size);
}

static struct bytes copy_blob(struct statement *s, const char *column, struct arena *arena)
{
    struct bytes blob = column_blob(s, column);

    return bytes_of(arena_text(arena, (const char *)blob.data, blob.size), blob.size);
}

static enum finality read_finality(struct statement *s)
{
    const char *name = column_text(s, "finality");
    enum finality finality = FINALITY_NONE;

    while (name != NULL && strcmp(finality_name(finality), name) != 0) {
        INVARIANT(finality < FINALITY_FINAL, "a finality '%s'", name);
        finality++;
    }
    return finality;
}

/* With what its operation knows. */
#define WRITE_COLUMNS                                                                                        \
    "w.number AS number, w.link AS link, kind, w.state AS state, settled, transaction_id, label, raw,"       \
    " sequence, asset, details, retries, sends, give_up_us, sent_us, unknown_us, finality, confirmations,"   \
    " height, block, reason, urgent_us, priced_us, fee_reason, id, request, timeout_us"
#define WRITE_FROM " FROM network_write w JOIN network_operation o ON o.number = w.number"

static void read_write(struct statement *s, struct arena *arena, struct write_row *row)
{
    *row = (struct write_row){
        .number = (uint64_t)column_integer(s, "number"),
        .link = (uint64_t)column_integer(s, "link"),
        .stage = write_stage_find(column_text(s, "state")),
        .settled = column_integer(s, "settled") != 0,
        .transaction = copy_text(s, "transaction_id", arena),
        .label = copy_text(s, "label", arena),
        .raw = copy_blob(s, "raw", arena),
        .has_sequence = !column_is_null(s, "sequence"),
        .sequence = (uint64_t)column_integer(s, "sequence"),
        .asset = copy_text(s, "asset", arena),
        .details = copy_text(s, "details", arena),
        .retries = (uint64_t)column_integer(s, "retries"),
        .sends = (uint64_t)column_integer(s, "sends"),
        .give_up_us = column_integer(s, "give_up_us"),
        .sent_us = column_integer(s, "sent_us"),
        .unknown_us = column_integer(s, "unknown_us"),
        .finality = read_finality(s),
        .has_confirmations = !column_is_null(s, "confirmations"),
        .confirmations = (uint64_t)column_integer(s, "confirmations"),
        .has_height = !column_is_null(s, "height"),
        .height = (uint64_t)column_integer(s, "height"),
        .block = copy_text(s, "block", arena),
        .reason = copy_text(s, "reason", arena),
        .urgent_us = column_integer(s, "urgent_us"),
        .priced_us = column_integer(s, "priced_us"),
        .fee_reason = copy_text(s, "fee_reason", arena),
        .request = copy_text(s, "request", arena),
        .timeout_us = column_integer(s, "timeout_us"),
    };
    column_fixed(s, "id", row->id.bytes, sizeof(row->id.bytes));
    INVARIANT(write_kind_find(column_text(s, "kind"), &row->kind), "a write of no kind");
}

bool row_write_read(struct database *database, uint64_t number, struct arena *arena, struct write_row *row)
{
    struct statement *s = statement(database, "SELECT " WRITE_COLUMNS WRITE_FROM " WHERE w.number = ?");

    bind_integer(s, (int64_t)number);
    if (!statement_row(s))
        return false;
    read_write(s, arena, row);
    statement_finish(s);
    return true;
}

static enum write_stage stage_on_record(struct database *database, uint64_t number)
{
    struct statement *s = statement(database, "SELECT state FROM network_write WHERE number = ?");
    enum write_stage stage;

    bind_integer(s, (int64_t)number);
    INVARIANT(statement_row(s), "there is no write %" PRIu64, number);
    stage = write_stage_find(column_text(s, "state"));
    statement_finish(s);
    return stage;
}

static void bind_number(struct statement *s, bool has, uint64_t number)
{
    if (has)
        bind_integer(s, (int64_t)number);
    else
        bind_null(s);
}

/* Bytes that are there may be none. */
static void bind_raw(struct statement *s, const struct write_row *row)
{
    bool without = row->raw.data == NULL || row->stage == STAGE_QUEUED;

    if (without)
        bind_null(s);
    else
        bind_blob(s, row->raw.size == 0 ? (const uint8_t *)"" : row->raw.data, row->raw.size);
}

void row_write_update(struct database *database, const struct write_row *row)
{
    struct statement *s;
    enum write_stage before = stage_on_record(database, row->number);

    INVARIANT(write_stage_may_follow(before, row->stage), "write %" PRIu64 ": from %s to %s", row->number,
              write_stage_name(before), write_stage_name(row->stage));
    s = statement(database,
        "UPDATE network_write SET state = ?, settled = ?, transaction_id = ?, label = ?, raw = ?, sequence = "
        "?,"
        " asset = ?, details = ?, retries = ?, sends = ?, sent_us = ?, unknown_us = ?, finality = ?,"
        " confirmations = ?, height = ?, block = ?, reason = ?, priced_us = ?, fee_reason = ?"
        " WHERE number = ?");
    bind_text(s, write_stage_name(row->stage));
    bind_integer(s, row->settled);
    bind_text(s, row->transaction);
    bind_text(s, row->label);
    bind_raw(s, row);
    bind_number(s, row->has_sequence, row->sequence);
    bind_text(s, row->asset);
    bind_text(s, row->details);
    bind_integer(s, (int64_t)row->retries);
    bind_integer(s, (int64_t)row->sends);
    bind_number(s, row->sent_us != 0, (uint64_t)row->sent_us);
    bind_number(s, row->unknown_us != 0, (uint64_t)row->unknown_us);
    bind_text(s, row->sent_us == 0 ? NULL : finality_name(row->finality));
    bind_number(s, row->has_confirmations, row->confirmations);
    bind_number(s, row->has_height, row->height);
    bind_text(s, row->block);
    bind_text(s, row->reason);
    bind_number(s, row->priced_us != 0, (uint64_t)row->priced_us);
    bind_text(s, row->fee_reason);
    bind_integer(s, (int64_t)row->number);
    statement_run(s);
}

static size_t read_some(struct statement *s, struct arena *arena, struct write_row rows[WRITES_AT_ONCE])
{
    size_t count = 0;

    while (statement_row(s))
        read_write(s, arena, &rows[count++]);
    return count;
}

bool row_write_is_queued(struct database *database, uint64_t link, uint64_t *retries)
{
    struct statement *s = statement(database, "SELECT retries FROM network_write WHERE link = ?"
                                              " AND state = 'queued' ORDER BY number LIMIT 1");

    bind_integer(s, (int64_t)link);
    if (!statement_row(s))
        return false;
    *retries = (uint64_t)column_integer(s, "retries");
    statement_finish(s);
    return true;
}

size_t row_write_queued(struct database *database, uint64_t link, struct arena *arena,
                        struct write_row rows[WRITES_AT_ONCE])
{
    struct statement *s = statement(database, "SELECT " WRITE_COLUMNS WRITE_FROM
                                              " WHERE w.link = ? AND w.state = 'queued' ORDER BY w.number "
                                              "LIMIT ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, WRITES_AT_ONCE);
    return read_some(s, arena, rows);
}

size_t row_write_lane(struct database *database, uint64_t link, struct arena *arena,
                      struct write_row rows[WRITES_AT_ONCE])
{
    struct statement *s = statement(database,
        "SELECT " WRITE_COLUMNS WRITE_FROM " WHERE w.link = ? AND w.state IN ('prepared', 'ambiguous')"
        " AND w.sequence IS NOT NULL ORDER BY w.sequence LIMIT ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, WRITES_AT_ONCE);
    return read_some(s, arena, rows);
}

uint64_t row_write_sequence_least(struct database *database, uint64_t link)
{
    struct statement *s = statement(database, "SELECT coalesce(max(sequence) + 1, 0) AS least FROM "
                                              "network_write"
                                              " WHERE link = ? AND sequence IS NOT NULL AND settled = 0");
    uint64_t least;

    bind_integer(s, (int64_t)link);
    if (!statement_row(s))
        return 0; /* a reader that failed: links_reader_done tells */
    least = (uint64_t)column_integer(s, "least");
    statement_finish(s);
    return least;
}

void row_write_hole(struct database *database, uint64_t link, uint64_t *from, uint64_t *to)
{
    struct statement *s = statement(database,
        "SELECT (SELECT coalesce(max(sequence) + 1, 0) FROM network_write WHERE link = ?1"
        " AND (block IS NOT NULL OR state = 'failed')) AS used,"
        " (SELECT coalesce(min(sequence), 0) FROM network_write WHERE link = ?1 AND sequence IS NOT NULL"
        " AND settled = 0) AS lowest");

    *from = *to = 0;
    bind_integer(s, (int64_t)link);
    if (!statement_row(s))
        return; /* a reader that failed: links_reader_done tells */
    *from = (uint64_t)column_integer(s, "used");
    *to = (uint64_t)column_integer(s, "lowest");
    if (*to < *from)
        *to = *from;
    statement_finish(s);
}

bool row_write_awaited(struct database *database, uint64_t link, uint64_t sequence)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM network_write WHERE link = ?"
                                              " AND sequence > ? AND sequence IS NOT NULL AND settled = 0"
                                              " LIMIT 1");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)sequence);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

int64_t row_write_urgent(struct database *database, uint64_t link, uint64_t sequence, int64_t now_us)
{
    struct statement *s = statement(database,
        "SELECT coalesce(min(urgent_us), 0) AS first FROM network_write WHERE link = ? AND sequence >= ?"
        " AND sequence IS NOT NULL AND settled = 0 AND block IS NULL AND urgent_us > ?");
    int64_t first;

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)sequence);
    bind_integer(s, now_us);
    if (!statement_row(s))
        return 0; /* a reader that failed: links_reader_done tells */
    first = column_integer(s, "first");
    statement_finish(s);
    return first;
}

bool row_write_sequence_taken(struct database *database, uint64_t link, uint64_t sequence)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM network_write WHERE link = ?"
                                              " AND sequence = ? AND sequence IS NOT NULL AND settled = 0");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)sequence);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void row_write_requeue(struct database *database, uint64_t link, uint64_t sequence)
{
    struct statement *s = statement(database,
        "UPDATE network_write SET state = 'queued', raw = NULL, transaction_id = NULL, label = NULL,"
        " sequence = NULL, asset = NULL, details = NULL, retries = 0"
        " WHERE link = ? AND state = 'prepared' AND sequence > ?");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)sequence);
    statement_run(s);
}

uint64_t row_write_open(struct database *database, uint64_t link)
{
    struct statement *s =
        statement(database, "SELECT count(*) AS open FROM network_write WHERE link = ? AND settled = 0");
    uint64_t open;

    bind_integer(s, (int64_t)link);
    INVARIANT(statement_row(s), "an aggregate has one row");
    open = (uint64_t)column_integer(s, "open");
    statement_finish(s);
    return open;
}

bool row_write_next_open(struct database *database, uint64_t link, uint64_t after, struct arena *arena,
                         struct write_row *row)
{
    struct statement *s = statement(database, "SELECT " WRITE_COLUMNS WRITE_FROM
                                              " WHERE w.link = ? AND w.number > ? AND w.settled = 0 ORDER BY "
                                              "w.number LIMIT 1");

    bind_integer(s, (int64_t)link);
    bind_integer(s, (int64_t)after);
    if (!statement_row(s))
        return false;
    read_write(s, arena, row);
    statement_finish(s);
    return true;
}
