/* Hash-locks as rows: see htlc.h. */
#include "layer2/payment/htlc.h"

#include <string.h>

#define COLUMNS                                                                                              \
    "SELECT id, channel, offerer, hash, amount, expiry_us, state, entered, part, hop, last, counts,"         \
    " failure, warned, overdue, preimage FROM htlc"

const char *htlc_state_name(enum htlc_state state)
{
    static const char *const names[HTLC_STATES] = { "wanted", "offered", "locked", "fulfilling", "failing",
                                                    "fulfilled", "failed" };

    return names[state];
}

static uint64_t integer_or(struct statement *s, const char *column, uint64_t otherwise)
{
    return column_is_null(s, column) ? otherwise : (uint64_t)column_integer(s, column);
}

static void read_row(struct statement *s, struct htlc *h)
{
    memset(h, 0, sizeof(*h));
    h->id = column_integer(s, "id");
    column_fixed(s, "channel", h->channel.bytes, sizeof(h->channel.bytes));
    h->offerer = (size_t)column_integer(s, "offerer");
    column_fixed(s, "hash", h->hash.bytes, sizeof(h->hash.bytes));
    h->amount = (uint64_t)column_integer(s, "amount");
    h->expiry_us = column_integer(s, "expiry_us");
    h->state = (enum htlc_state)column_integer(s, "state");
    h->entered = integer_or(s, "entered", HTLC_NOT_ENTERED);
    h->part = integer_or(s, "part", HTLC_NO_PART);
    h->hop = integer_or(s, "hop", 0);
    h->last = column_integer(s, "last") != 0;
    h->counts = column_integer(s, "counts") != 0;
    h->failure = (enum failure)column_integer(s, "failure");
    h->warned = column_integer(s, "warned") != 0;
    h->overdue = column_integer(s, "overdue") != 0;
    h->has_preimage = !column_is_null(s, "preimage");
    if (h->has_preimage)
        column_fixed(s, "preimage", h->preimage.bytes, sizeof(h->preimage.bytes));
}

static void read_all(struct statement *s, struct arena *arena, struct htlc_list *list)
{
    *list = (struct htlc_list){ 0 };
    while (statement_row(s)) {
        if (list->count == list->capacity) {
            struct htlc *larger;

            list->capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
            larger = arena_new(arena, list->capacity * sizeof(*larger));
            if (list->count > 0)
                memcpy(larger, list->items, list->count * sizeof(*larger));
            list->items = larger;
        }
        read_row(s, &list->items[list->count++]);
    }
}

void htlc_list_read(struct database *database, const struct hash *channel, struct arena *arena,
                    struct htlc_list *list)
{
    struct statement *s =
        statement(database, COLUMNS " WHERE channel = ? AND state < 5 ORDER BY entered IS NULL, entered, id");

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    read_all(s, arena, list);
}

void htlc_list_by_hash(struct database *database, const struct hash *hash, struct arena *arena,
                       struct htlc_list *list)
{
    struct statement *s = statement(database, COLUMNS " INDEXED BY htlc_live_hash"
                                               " WHERE hash = ? AND state < 5 ORDER BY id");

    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    read_all(s, arena, list);
}

size_t htlc_list_due_channels(struct database *database, int64_t until_us, const struct hash *after,
                              size_t most, struct hash *channels)
{
    struct statement *s = statement(database, "SELECT DISTINCT channel FROM htlc WHERE state < 5"
                                              " AND expiry_us <= ? AND channel > ? ORDER BY channel LIMIT ?");
    size_t count = 0;

    bind_integer(s, until_us);
    bind_blob(s, after->bytes, sizeof(after->bytes));
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "channel", channels[count++].bytes, sizeof(channels[0].bytes));
    return count;
}

int64_t htlc_first_expiry(struct database *database, int64_t after_us)
{
    struct statement *s = statement(database, "SELECT expiry_us FROM htlc WHERE state < 5 AND expiry_us > ?"
                                              " ORDER BY expiry_us LIMIT 1");
    int64_t first_us = INT64_MAX;

    bind_integer(s, after_us);
    if (statement_row(s)) {
        first_us = column_integer(s, "expiry_us");
        statement_finish(s);
    }
    return first_us;
}

uint64_t htlc_incoming(struct database *database, const struct hash *channel, size_t offerer)
{
    struct statement *s = statement(database, "SELECT coalesce(sum(amount), 0) AS sum FROM htlc"
                                              " WHERE channel = ? AND state < 5 AND offerer = ?"
                                              " AND state IN (?, ?)");
    uint64_t sum = 0;

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    bind_integer(s, (int64_t)offerer);
    bind_integer(s, HTLC_LOCKED);
    bind_integer(s, HTLC_FULFILLING);
    if (statement_row(s)) {
        sum = (uint64_t)column_integer(s, "sum");
        statement_finish(s);
    }
    return sum;
}

bool htlc_of_hop(struct database *database, const struct hash *hash, uint64_t part, uint64_t hop,
                 struct htlc *htlc)
{
    struct statement *s = statement(database, COLUMNS " WHERE hash = ? AND part = ? AND hop = ?");

    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    bind_integer(s, (int64_t)part);
    bind_integer(s, (int64_t)hop);
    if (!statement_row(s))
        return false;
    read_row(s, htlc);
    statement_finish(s);
    return true;
}

bool htlc_read(struct database *database, int64_t id, struct htlc *htlc)
{
    struct statement *s = statement(database, COLUMNS " WHERE id = ?");

    bind_integer(s, id);
    if (!statement_row(s))
        return false;
    read_row(s, htlc);
    statement_finish(s);
    return true;
}

static void bind_or_null(struct statement *s, uint64_t value, uint64_t none)
{
    if (value == none)
        bind_null(s);
    else
        bind_integer(s, (int64_t)value);
}

static void bind_preimage(struct statement *s, const struct htlc *h)
{
    bind_blob(s, h->has_preimage ? h->preimage.bytes : NULL, sizeof(h->preimage.bytes));
}

void htlc_insert(struct database *database, struct htlc *h, int64_t now_us)
{
    struct statement *s = statement(
        database,
        "INSERT INTO htlc (channel, offerer, hash, amount, expiry_us, state, entered, part, hop, last,"
        " counts, failure, warned, overdue, preimage, changed_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_blob(s, h->channel.bytes, sizeof(h->channel.bytes));
    bind_integer(s, (int64_t)h->offerer);
    bind_blob(s, h->hash.bytes, sizeof(h->hash.bytes));
    bind_integer(s, (int64_t)h->amount);
    bind_integer(s, h->expiry_us);
    bind_integer(s, h->state);
    bind_or_null(s, h->entered, HTLC_NOT_ENTERED);
    bind_or_null(s, h->part, HTLC_NO_PART);
    bind_or_null(s, h->part == HTLC_NO_PART ? HTLC_NO_PART : h->hop, HTLC_NO_PART);
    bind_integer(s, h->last);
    bind_integer(s, h->counts);
    bind_integer(s, h->failure);
    bind_integer(s, h->warned);
    bind_integer(s, h->overdue);
    bind_preimage(s, h);
    bind_integer(s, now_us);
    (void)statement_run(s);
    h->id = sqlite3_last_insert_rowid(database_handle(database));
}

void htlc_write(struct database *database, const struct htlc *h, int64_t now_us)
{
    struct statement *s =
        statement(database,
                  "UPDATE htlc SET state = ?, entered = ?, counts = ?,"
                  " failure = ?, warned = ?, overdue = ?, preimage = ?, changed_us = ? WHERE id = ?");

    bind_integer(s, h->state);
    bind_or_null(s, h->entered, HTLC_NOT_ENTERED);
    bind_integer(s, h->counts);
    bind_integer(s, h->failure);
    bind_integer(s, h->warned);
    bind_integer(s, h->overdue);
    bind_preimage(s, h);
    bind_integer(s, now_us);
    bind_integer(s, h->id);
    (void)statement_run(s);
}
