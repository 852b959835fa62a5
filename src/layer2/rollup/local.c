/* SQL of what this node keeps of rollups: see local.h. */
#include "layer2/rollup/local.h"

#include <stdlib.h>
#include <string.h>

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

/* --- rollup_lane ------------------------------------------------------------------------------ */
bool lane_read(struct database *database, uint64_t domain, struct lane_row *row)
{
    struct statement *s = statement(database, "SELECT batch, number FROM rollup_lane WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    column_fixed(s, "batch", row->batch.bytes, sizeof(row->batch.bytes));
    row->number = (uint64_t)column_integer(s, "number");
    statement_finish(s);
    return true;
}

void lane_write(struct database *database, uint64_t domain, const struct lane_row *row)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_lane (domain, batch, number) VALUES (?, ?, ?)"
        " ON CONFLICT (domain) DO UPDATE SET batch = excluded.batch, number = excluded.number");

    bind_integer(s, (int64_t)domain);
    bind_hash(s, &row->batch);
    bind_integer(s, (int64_t)row->number);
    (void)statement_run(s);
}

bool lane_is_stalled(struct database *database, uint64_t domain, const char *reason)
{
    struct statement *s = statement(database,
        "SELECT 1 AS found FROM rollup_lane WHERE domain = ? AND coalesce(stalled, '') = ?");

    bind_integer(s, (int64_t)domain);
    bind_text(s, reason);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool lane_set_stalled(struct database *database, uint64_t domain, const char *reason)
{
    struct statement *s = statement(database,
        "UPDATE rollup_lane SET stalled = nullif(?1, '') WHERE domain = ?2 AND coalesce(stalled, '') <> ?1");

    bind_text(s, reason);
    bind_integer(s, (int64_t)domain);
    return statement_run(s) > 0;
}

/* --- places and leaves as columns ------------------------------------------------------------- */
struct place_bytes {
    uint8_t bytes[32];
    size_t size;
};

static struct place_bytes place_bytes(const struct leaf_place *place)
{
    struct place_bytes out = { .size = 0 };

    if (place->kind == LEAF_ACCOUNT) {
        put_be32(out.bytes, place->index);
        out.size = 4;
    } else if (place->kind == LEAF_INDEX) {
        memcpy(out.bytes, place->key.bytes, sizeof(place->key.bytes));
        out.size = sizeof(place->key.bytes);
    }
    return out;
}

static void place_from_row(struct statement *s, struct leaf_place *place)
{
    struct bytes bytes = column_blob(s, "place");

    *place = (struct leaf_place){ .kind = (enum leaf_kind)column_integer(s, "kind") };
    if (place->kind == LEAF_ACCOUNT)
        place->index = get_be32(bytes.data);
    else if (place->kind == LEAF_INDEX)
        memcpy(place->key.bytes, bytes.data, sizeof(place->key.bytes));
}

static void bind_place(struct statement *s, const struct leaf_place *place, const struct place_bytes *bytes)
{
    bind_integer(s, place->kind);
    bind_blob(s, bytes->bytes, bytes->size);
}

static void leaf_from_bytes(struct bytes bytes, struct leaf *leaf)
{
    struct error error;

    INVARIANT(leaf_decode(bytes, leaf, &error) == OK, "a leaf's row: %s", error.message);
}

/* --- rollup_leaf ------------------------------------------------------------------------------ */
bool leaf_read(struct database *database, uint64_t domain, const struct leaf_place *place, struct leaf *leaf)
{
    struct statement *s = statement(database,
        "SELECT leaf FROM rollup_leaf WHERE domain = ? AND kind = ? AND place = ?");
    struct place_bytes bytes = place_bytes(place);

    bind_integer(s, (int64_t)domain);
    bind_place(s, place, &bytes);
    if (!statement_row(s))
        return false;
    leaf_from_bytes(column_blob(s, "leaf"), leaf);
    statement_finish(s);
    return true;
}

void leaf_write(struct database *database, uint64_t domain, const struct leaf_place *place,
                const struct leaf *leaf)
{
    struct statement *s = leaf == NULL
        ? statement(database, "DELETE FROM rollup_leaf WHERE domain = ? AND kind = ? AND place = ?")
        : statement(database,
                    "INSERT INTO rollup_leaf (domain, kind, place, leaf) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (domain, kind, place) DO UPDATE SET leaf = excluded.leaf");
    struct buffer encoded CLEANUP(buffer_close) = { 0 };
    struct place_bytes bytes = place_bytes(place);

    bind_integer(s, (int64_t)domain);
    bind_place(s, place, &bytes);
    if (leaf != NULL) {
        leaf_encode(leaf, &encoded);
        bind_blob(s, encoded.data, encoded.size);
    }
    (void)statement_run(s);
}

uint64_t leaf_count(struct database *database, uint64_t domain, uint64_t most)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS count FROM (SELECT 1 FROM rollup_leaf WHERE domain = ? LIMIT ?)");
    uint64_t count;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)most);
    if (!statement_row(s))
        return most; /* what cannot be read is not small */
    count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return count;
}

void leaf_load_all(struct database *database, uint64_t domain, struct rollup_state *state)
{
    struct statement *s = statement(database, "SELECT kind, place, leaf FROM rollup_leaf WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    while (statement_row(s)) {
        struct leaf_place place;
        struct leaf leaf;

        place_from_row(s, &place);
        leaf_from_bytes(column_blob(s, "leaf"), &leaf);
        rollup_state_load(state, &place, &leaf);
    }
}

/* --- rollup_undo ------------------------------------------------------------------------------ */
static void bind_leaf(struct statement *s, bool present, const struct leaf *leaf, struct buffer *encoded)
{
    if (!present) {
        bind_null(s);
        return;
    }
    leaf_encode(leaf, encoded);
    bind_blob(s, encoded->data, encoded->size);
}

void undo_write(struct database *database, uint64_t domain, uint64_t number,
                const struct leaf_change *changes,
                size_t count)
{
    struct buffer before CLEANUP(buffer_close) = { 0 };
    struct buffer after CLEANUP(buffer_close) = { 0 };

    for (size_t i = 0; i < count; i++) {
        struct statement *s = statement(database,
            "INSERT INTO rollup_undo (domain, number, kind, place, before, after) VALUES (?, ?, ?, ?, ?, ?)");
        struct place_bytes bytes = place_bytes(&changes[i].place);

        buffer_clear(&before);
        buffer_clear(&after);
        bind_integer(s, (int64_t)domain);
        bind_integer(s, (int64_t)number);
        bind_place(s, &changes[i].place, &bytes);
        bind_leaf(s, changes[i].was, &changes[i].before, &before);
        bind_leaf(s, changes[i].is, &changes[i].after, &after);
        (void)statement_run(s);
    }
}

struct leaf_change *undo_read(struct database *database, uint64_t domain, uint64_t number, size_t *count)
{
    struct statement *s = statement(database, "SELECT kind, place, before, after FROM rollup_undo"
                                              " WHERE domain = ? AND number = ?");
    struct leaf_change *changes = NULL;
    size_t capacity = 0;

    *count = 0;
    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    while (statement_row(s)) {
        struct leaf_change *change;

        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            changes = memory_resize(changes, capacity * sizeof(*changes));
        }
        change = &changes[(*count)++];
        memset(change, 0, sizeof(*change));
        place_from_row(s, &change->place);
        change->was = !column_is_null(s, "before");
        change->is = !column_is_null(s, "after");
        if (change->was)
            leaf_from_bytes(column_blob(s, "before"), &change->before);
        if (change->is)
            leaf_from_bytes(column_blob(s, "after"), &change->after);
    }
    return changes;
}

void undo_delete(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s = statement(database, "DELETE FROM rollup_undo WHERE domain = ? AND number = ?");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    (void)statement_run(s);
}

void undo_delete_to(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s = statement(database, "DELETE FROM rollup_undo WHERE domain = ? AND number <= ?");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    (void)statement_run(s);
}

bool undo_exists_to(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM rollup_undo WHERE domain = ?"
                                              " AND number <= ? LIMIT 1");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

/* --- rollup_verdict --------------------------------------------------------------------------- */
void verdict_write(struct database *database, const struct hash *batch, const struct batch_verdict *verdict)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_verdict (batch, is_right, invalid, root, withdrawal_root, withdrawals, item,"
        " fault)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (batch) DO NOTHING");

    bind_hash(s, batch);
    bind_integer(s, verdict->right);
    bind_integer(s, verdict->invalid);
    bind_hash(s, &verdict->result.root);
    bind_hash(s, &verdict->result.withdrawal_root);
    bind_integer(s, (int64_t)verdict->result.withdrawals);
    bind_integer(s, (int64_t)verdict->item);
    bind_integer(s, verdict->fault);
    (void)statement_run(s);
}

bool batch_verdict_read(struct database *database, const struct hash *id, struct batch_verdict *verdict)
{
    struct statement *s = statement(database,
        "SELECT is_right, invalid, root, withdrawal_root, withdrawals, item, fault FROM rollup_verdict"
        " WHERE batch = ?");

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    *verdict = (struct batch_verdict){ .right = column_integer(s, "is_right") != 0,
                                       .invalid = column_integer(s, "invalid") != 0,
                                       .item = (uint64_t)column_integer(s, "item"),
                                       .fault = (enum item_fault)column_integer(s, "fault") };
    column_fixed(s, "root", verdict->result.root.bytes, sizeof(verdict->result.root.bytes));
    column_fixed(s, "withdrawal_root", verdict->result.withdrawal_root.bytes,
                 sizeof(verdict->result.withdrawal_root.bytes));
    verdict->result.withdrawals = (uint64_t)column_integer(s, "withdrawals");
    statement_finish(s);
    return true;
}

size_t batch_list_wrong(struct database *database, const struct hash *after, struct hash *ids, size_t most)
{
    struct statement *s = statement(database,
        "SELECT batch FROM rollup_verdict JOIN batch ON batch.id = rollup_verdict.batch WHERE is_right = 0"
        " AND batch.state IN (?, ?) AND rollup_verdict.batch > ? ORDER BY rollup_verdict.batch LIMIT ?");
    size_t count = 0;

    bind_integer(s, BATCH_PROPOSED);
    bind_integer(s, BATCH_CHALLENGED);
    bind_hash(s, after);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "batch", ids[count++].bytes, sizeof(ids[0].bytes));
    return count;
}

/* --- rollup_withdrawal, rollup_outbox --------------------------------------------------------- */
struct outbox_rows {
    struct database *database;
    uint64_t domain;
};

static void node_write(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    const struct outbox_rows *rows = context;
    struct statement *s = statement(rows->database,
        "INSERT INTO rollup_outbox (domain, level, node, hash) VALUES (?, ?, ?, ?)");

    bind_integer(s, (int64_t)rows->domain);
    bind_integer(s, level);
    bind_integer(s, (int64_t)index);
    bind_hash(s, hash);
    (void)statement_run(s);
}

static bool node_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const struct outbox_rows *rows = context;
    struct statement *s = statement(rows->database, "SELECT hash FROM rollup_outbox WHERE domain = ?"
                                                    " AND level = ? AND node = ?");

    bind_integer(s, (int64_t)rows->domain);
    bind_integer(s, level);
    bind_integer(s, (int64_t)index);
    if (!statement_row(s))
        return false;
    column_fixed(s, "hash", hash->bytes, sizeof(hash->bytes));
    statement_finish(s);
    return true;
}

void withdrawals_append(struct database *database, uint64_t domain, uint64_t batch, struct outbox_tree *tree,
                        const struct withdrawal *list, size_t count)
{
    struct outbox_rows rows = { database, domain };

    for (size_t i = 0; i < count; i++) {
        struct statement *s = statement(database,
            "INSERT INTO rollup_withdrawal (domain, number, batch, asset, amount, recipient)"
            " VALUES (?, ?, ?, ?, ?, ?)");
        uint8_t message[WITHDRAWAL_SIZE];
        struct hash leaf;

        bind_integer(s, (int64_t)domain);
        bind_integer(s, (int64_t)list[i].number);
        bind_integer(s, (int64_t)batch);
        bind_integer(s, list[i].asset);
        bind_integer(s, (int64_t)list[i].amount);
        bind_blob(s, list[i].recipient.bytes, sizeof(list[i].recipient.bytes));
        (void)statement_run(s);
        withdrawal_encode(&list[i], message);
        outbox_leaf(&leaf, message, sizeof(message));
        INVARIANT(tree->count == list[i].number, "withdrawals out of order");
        node_write(&rows, 0, list[i].number, &leaf);
        INVARIANT(outbox_append(outbox_shape(), tree, &leaf, node_write, &rows), "the outbox is full");
    }
}

void withdrawals_cut(struct database *database, uint64_t domain, uint64_t count)
{
    struct statement *s = statement(database,
        "DELETE FROM rollup_withdrawal WHERE domain = ? AND number >= ?");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)count);
    (void)statement_run(s);
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        s = statement(database, "DELETE FROM rollup_outbox WHERE domain = ? AND level = ? AND node >= ?");
        bind_integer(s, (int64_t)domain);
        bind_integer(s, level);
        bind_integer(s, (int64_t)(count >> level)); /* complete subtrees of the first `count` stay */
        (void)statement_run(s);
    }
}

bool withdrawal_find(struct database *database, uint64_t domain, uint64_t number,
                     struct withdrawal *withdrawal, uint64_t *batch)
{
    struct statement *s = statement(database, "SELECT batch, asset, amount, recipient FROM rollup_withdrawal"
                                              " WHERE domain = ? AND number = ?");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    if (!statement_row(s))
        return false;
    *withdrawal = (struct withdrawal){ .number = number, .asset = (unsigned)column_integer(s, "asset"),
                                       .amount = (uint64_t)column_integer(s, "amount") };
    column_fixed(s, "recipient", withdrawal->recipient.bytes, sizeof(withdrawal->recipient.bytes));
    *batch = (uint64_t)column_integer(s, "batch");
    statement_finish(s);
    return true;
}

bool withdrawal_prove(struct database *database, uint64_t domain, uint64_t number, uint64_t count,
                      struct outbox_proof *proof)
{
    struct outbox_rows rows = { database, domain };

    return outbox_prove(outbox_shape(), number, count, node_read, &rows, proof);
}
