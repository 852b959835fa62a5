/* The tables of messages: see rows.h; and the readers that message.h promises. */
#include "message/rows.h"

#include <inttypes.h>
#include <string.h>

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

static void bind_count(struct statement *s, uint64_t count)
{
    bind_integer(s, (int64_t)count);
}

static const char *const state_names[] = {
    [INBOX_QUEUED] = "queued", [INBOX_INCLUDED] = "included", [INBOX_DONE] = "done",
    [INBOX_REFUNDED] = "refunded", [INBOX_DROPPED] = "dropped",
};

const char *inbox_state_name(enum inbox_state state)
{
    return state_names[state];
}

static enum inbox_state state_of(const char *name)
{
    enum inbox_state state = INBOX_QUEUED;

    while (strcmp(name, state_names[state]) != 0)
        state++;
    return state;
}

/* --- domain ----------------------------------------------------------------------------------- */
uint64_t row_domain_insert(struct database *database, const char *kind, const struct account_id *escrow)
{
    struct statement *s = statement(database,
        "INSERT INTO domain (id, name, kind) SELECT max(id) + 1, ?1 || '-' || (max(id) + 1), ?1 FROM domain");
    uint64_t domain;

    bind_text(s, kind);
    statement_run(s);
    s = statement(database, "SELECT max(id) AS id FROM domain");
    INVARIANT(statement_row(s), "there is always the base domain");
    domain = (uint64_t)column_integer(s, "id");
    statement_finish(s);
    s = statement(database, "INSERT INTO message_domain (domain, escrow) VALUES (?, ?)");
    bind_count(s, domain);
    bind_account(s, escrow);
    statement_run(s);
    return domain;
}

void row_domain_asset_insert(struct database *database, uint64_t domain, unsigned number,
                             const struct asset_id *asset)
{
    struct statement *s =
        statement(database, "INSERT INTO domain_asset (domain, number, asset) VALUES (?, ?, ?)");

    bind_count(s, domain);
    bind_integer(s, number);
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    statement_run(s);
}

bool domain_find(struct database *database, uint64_t domain, struct account_id *escrow, unsigned *asset_count)
{
    struct statement *s = statement(database,
        "SELECT escrow, (SELECT count(*) FROM domain_asset AS a WHERE a.domain = m.domain) AS assets"
        " FROM message_domain AS m WHERE m.domain = ?");

    bind_count(s, domain);
    if (!statement_row(s))
        return false;
    column_fixed(s, "escrow", escrow->bytes, sizeof(escrow->bytes));
    *asset_count = (unsigned)column_integer(s, "assets");
    statement_finish(s);
    return true;
}

bool domain_asset(struct database *database, uint64_t domain, unsigned number, struct asset_id *asset)
{
    struct statement *s =
        statement(database, "SELECT asset FROM domain_asset WHERE domain = ? AND number = ?");

    bind_count(s, domain);
    bind_integer(s, number);
    if (!statement_row(s))
        return false;
    column_fixed(s, "asset", asset->bytes, sizeof(asset->bytes));
    statement_finish(s);
    return true;
}

uint64_t row_domain_reserved(struct database *database, uint64_t domain, unsigned number)
{
    struct statement *s =
        statement(database, "SELECT reserved FROM domain_asset WHERE domain = ? AND number = ?");
    uint64_t reserved;

    bind_count(s, domain);
    bind_integer(s, number);
    INVARIANT(statement_row(s), "domain %" PRIu64 " has no asset %u", domain, number);
    reserved = (uint64_t)column_integer(s, "reserved");
    statement_finish(s);
    return reserved;
}

static void change_reserved(struct database *database, uint64_t domain, unsigned number, int64_t change)
{
    struct statement *s = statement(
        database, "UPDATE domain_asset SET reserved = reserved + ? WHERE domain = ? AND number = ?");

    bind_integer(s, change);
    bind_count(s, domain);
    bind_integer(s, number);
    INVARIANT(statement_run(s) == 1, "domain %" PRIu64 " has no asset %u", domain, number);
}

void row_domain_reserve(struct database *database, uint64_t domain, unsigned number, uint64_t amount)
{
    change_reserved(database, domain, number, (int64_t)amount);
}

void row_domain_release(struct database *database, uint64_t domain, unsigned number, uint64_t amount)
{
    change_reserved(database, domain, number, -(int64_t)amount);
}

void row_domain_release_items(struct database *database, uint64_t domain, uint64_t from, uint64_t to)
{
    struct statement *s = statement(database,
        "UPDATE domain_asset SET reserved = reserved - total FROM"
        " (SELECT asset AS deposited, sum(amount) AS total FROM inbox"
        "   WHERE domain = ?1 AND number >= ?2 AND number < ?3 AND amount > 0 AND state = 'done'"
        "   GROUP BY asset)"
        " WHERE domain = ?1 AND number = deposited");

    bind_count(s, domain);
    bind_count(s, from);
    bind_count(s, to);
    statement_run(s);
}

bool row_domain_root(struct database *database, uint64_t domain, struct hash *root, uint64_t *count)
{
    struct statement *s =
        statement(database, "SELECT root, count FROM message_domain WHERE domain = ? AND root IS NOT NULL");

    bind_count(s, domain);
    if (!statement_row(s))
        return false;
    column_fixed(s, "root", root->bytes, sizeof(root->bytes));
    *count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return true;
}

void row_domain_set_root(struct database *database, uint64_t domain, const struct hash *root, uint64_t count)
{
    struct statement *s = statement(database,
        "UPDATE message_domain SET root = ?, count = ? WHERE domain = ?");

    bind_blob(s, root->bytes, sizeof(root->bytes));
    bind_count(s, count);
    bind_count(s, domain);
    INVARIANT(statement_run(s) == 1, "a root of a domain that is not there");
    s = statement(database,
        "INSERT INTO final_root (domain, count, root, position) VALUES (?1, ?2, ?3,"
        " (SELECT coalesce(max(position), 0) + 1 FROM final_root WHERE domain = ?1))"
        " ON CONFLICT (domain, count) DO UPDATE SET root = excluded.root");
    bind_count(s, domain);
    bind_count(s, count);
    bind_blob(s, root->bytes, sizeof(root->bytes));
    statement_run(s);
    s = statement(database, "DELETE FROM final_root WHERE domain = ?1 AND position <="
                            " (SELECT max(position) FROM final_root WHERE domain = ?1) - ?2");
    bind_count(s, domain);
    bind_integer(s, FINAL_ROOTS_KEPT);
    statement_run(s);
}

bool row_final_root(struct database *database, uint64_t domain, uint64_t count, struct hash *root)
{
    struct statement *s =
        statement(database, "SELECT root FROM final_root WHERE domain = ? AND count = ?");

    bind_count(s, domain);
    bind_count(s, count);
    if (!statement_row(s))
        return false;
    column_fixed(s, "root", root->bytes, sizeof(root->bytes));
    statement_finish(s);
    return true;
}

uint64_t row_final_root_oldest(struct database *database, uint64_t domain)
{
    struct statement *s =
        statement(database, "SELECT coalesce(min(count), 0) AS oldest FROM final_root WHERE domain = ?");
    uint64_t oldest;

    bind_count(s, domain);
    INVARIANT(statement_row(s), "an aggregate has one row");
    oldest = (uint64_t)column_integer(s, "oldest");
    statement_finish(s);
    return oldest;
}

/* --- inbox ------------------------------------------------------------------------------------ */
uint64_t inbox_count(struct database *database, uint64_t domain)
{
    struct statement *s =
        statement(database, "SELECT coalesce(max(number) + 1, 0) AS next FROM inbox WHERE domain = ?");
    uint64_t next;

    bind_count(s, domain);
    INVARIANT(statement_row(s), "an aggregate has one row");
    next = (uint64_t)column_integer(s, "next");
    statement_finish(s);
    return next;
}

#define ITEM_COLUMNS \
    "number, sender, asset, amount, payload, deadline_us, queued_us, lasting, state FROM inbox "

/* The row at hand, and the end of its statement. */
static void take_item(struct statement *s, uint64_t domain, struct inbox_item *item)
{
    static _Thread_local uint8_t payload[INBOX_PAYLOAD_MAX];
    struct bytes stored = column_blob(s, "payload");

    INVARIANT(stored.size <= sizeof(payload), "an inbox item of %zu bytes", stored.size);
    if (stored.size > 0)
        memcpy(payload, stored.data, stored.size);
    item->domain = domain;
    item->number = (uint64_t)column_integer(s, "number");
    column_fixed(s, "sender", item->sender.bytes, sizeof(item->sender.bytes));
    item->asset = (unsigned)column_integer(s, "asset");
    item->amount = (uint64_t)column_integer(s, "amount");
    item->payload = bytes_of(payload, stored.size);
    item->deadline_us = column_integer(s, "deadline_us");
    item->queued_us = column_integer(s, "queued_us");
    item->lasting = column_integer(s, "lasting") != 0;
    item->state = state_of(column_text(s, "state"));
    statement_finish(s);
}

bool inbox_read(struct database *database, uint64_t domain, uint64_t number, struct inbox_item *item)
{
    struct statement *s = statement(database, "SELECT " ITEM_COLUMNS "WHERE domain = ? AND number = ?");

    bind_count(s, domain);
    bind_count(s, number);
    if (!statement_row(s))
        return false;
    take_item(s, domain, item);
    return true;
}

bool inbox_oldest(struct database *database, uint64_t domain, struct inbox_item *item)
{
    /* By its name: SQLite takes the primary key otherwise, and reads through all that was ever done. */
    struct statement *s = statement(database, "SELECT " ITEM_COLUMNS "INDEXED BY inbox_queued"
        " WHERE domain = ? AND state = 'queued' ORDER BY number LIMIT 1");

    bind_count(s, domain);
    if (!statement_row(s))
        return false;
    take_item(s, domain, item);
    return true;
}

bool row_inbox_ending(struct database *database, uint64_t domain, struct inbox_item *item)
{
    struct statement *s = statement(database, "SELECT " ITEM_COLUMNS "INDEXED BY inbox_ending"
        " WHERE domain = ? AND state = 'queued' AND lasting = 0 ORDER BY number LIMIT 1");

    bind_count(s, domain);
    if (!statement_row(s))
        return false;
    take_item(s, domain, item);
    return true;
}

uint64_t row_inbox_ended(struct database *database, uint64_t domain, uint64_t from, uint64_t to)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS ended FROM inbox WHERE domain = ? AND number >= ? AND number < ?"
        " AND state IN ('refunded', 'dropped')");
    uint64_t ended;

    bind_count(s, domain);
    bind_count(s, from);
    bind_count(s, to);
    INVARIANT(statement_row(s), "an aggregate has one row");
    ended = (uint64_t)column_integer(s, "ended");
    statement_finish(s);
    return ended;
}

int64_t inbox_deadline(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s =
        statement(database, "SELECT deadline_us FROM inbox WHERE domain = ? AND number = ?");
    int64_t deadline_us;

    bind_count(s, domain);
    bind_count(s, number);
    INVARIANT(statement_row(s), "the inbox of domain %" PRIu64 " has no item %" PRIu64, domain, number);
    deadline_us = column_integer(s, "deadline_us");
    statement_finish(s);
    return deadline_us;
}

uint64_t row_domain_included_to(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database, "SELECT included_to FROM message_domain WHERE domain = ?");
    uint64_t to;

    bind_count(s, domain);
    INVARIANT(statement_row(s), "there is no domain %" PRIu64, domain);
    to = (uint64_t)column_integer(s, "included_to");
    statement_finish(s);
    return to;
}

static bool is_overdue(struct database *database, uint64_t domain, uint64_t number, int64_t now_us)
{
    return inbox_deadline(database, domain, number) <= now_us;
}

/* Without looking at all that waits: of items that were never in a batch, deadlines come in their order; of
 * those that came back, in the reverse order (inbox.c), so that the last of these tells of all. */
uint64_t inbox_overdue_end(struct database *database, uint64_t domain, uint64_t from, int64_t now_us)
{
    const uint64_t count = inbox_count(database, domain);
    const uint64_t came_back_to = row_domain_included_to(database, domain);
    uint64_t first = came_back_to > from ? came_back_to : from, after = count;

    if (first >= count || !is_overdue(database, domain, first, now_us))
        return came_back_to > from && is_overdue(database, domain, came_back_to - 1, now_us) ? came_back_to
                                                                                              : from;
    while (after - first > 1) { /* `first` is overdue, `after` is not */
        uint64_t middle = first + (after - first) / 2;

        if (is_overdue(database, domain, middle, now_us))
            first = middle;
        else
            after = middle;
    }
    return after;
}

void row_domain_included(struct database *database, uint64_t domain, uint64_t to)
{
    struct statement *s = statement(database, "UPDATE message_domain SET included_to = ?1"
                                              " WHERE domain = ?2 AND included_to < ?1");

    bind_count(s, to);
    bind_count(s, domain);
    statement_run(s);
}

void row_inbox_insert(struct database *database, const struct inbox_item *item, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO inbox (domain, number, sender, asset, amount, payload, deadline_us, queued_us, lasting,"
        " state, queued_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_count(s, item->domain);
    bind_count(s, item->number);
    bind_account(s, &item->sender);
    bind_integer(s, item->asset);
    bind_count(s, item->amount);
    bind_blob(s, item->payload.data, item->payload.size);
    bind_integer(s, item->deadline_us);
    bind_integer(s, item->queued_us);
    bind_integer(s, item->lasting);
    bind_text(s, inbox_state_name(item->state));
    bind_count(s, seq);
    statement_run(s);
}

uint64_t row_inbox_set_state(struct database *database, uint64_t domain, uint64_t from, uint64_t to,
                             enum inbox_state before, enum inbox_state after)
{
    struct statement *s = statement(database,
        "UPDATE inbox SET state = ? WHERE domain = ? AND number >= ? AND number < ? AND state = ?");

    bind_text(s, inbox_state_name(after));
    bind_count(s, domain);
    bind_count(s, from);
    bind_count(s, to);
    bind_text(s, inbox_state_name(before));
    return (uint64_t)statement_run(s);
}

void row_inbox_not_before(struct database *database, uint64_t domain, uint64_t from, uint64_t to,
                          int64_t deadline_us)
{
    struct statement *s = statement(database,
        "UPDATE inbox SET deadline_us = ?1"
        " WHERE domain = ?2 AND number >= ?3 AND number < ?4 AND deadline_us < ?1 AND state = 'queued'");

    bind_integer(s, deadline_us);
    bind_count(s, domain);
    bind_count(s, from);
    bind_count(s, to);
    statement_run(s);
}

/* --- claims and credits ------------------------------------------------------------------------ */
bool row_claim_exists(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s =
        statement(database, "SELECT 1 FROM withdrawal_claim WHERE domain = ? AND number = ?");

    bind_count(s, domain);
    bind_count(s, number);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void row_claim_insert(struct database *database, uint64_t domain, uint64_t number,
                      const struct asset_id *asset, uint64_t amount, const struct account_id *recipient,
                      uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO withdrawal_claim (domain, number, asset, amount, recipient, claimed_seq)"
        " VALUES (?, ?, ?, ?, ?, ?)");

    bind_count(s, domain);
    bind_count(s, number);
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    bind_count(s, amount);
    bind_account(s, recipient);
    bind_count(s, seq);
    statement_run(s);
}

uint64_t row_credit_insert(struct database *database, const struct credit *credit, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO credit (id, domain, asset, amount, recipient, created_seq)"
        " VALUES ((SELECT coalesce(max(id), 0) + 1 FROM credit), ?, ?, ?, ?, ?)");
    uint64_t id;

    bind_count(s, credit->domain);
    bind_integer(s, credit->asset);
    bind_count(s, credit->amount);
    bind_account(s, &credit->recipient);
    bind_count(s, seq);
    statement_run(s);
    s = statement(database, "SELECT max(id) AS id FROM credit");
    INVARIANT(statement_row(s), "a credit was just noted");
    id = (uint64_t)column_integer(s, "id");
    statement_finish(s);
    return id;
}
