/* The rows of a transfer and of its two legs: see rows.h. */
#include <string.h>

#include "layer2/transfer/rows.h"

const char *side_name(enum side side)
{
    switch (side) {
    case SIDE_SOURCE: return "source";
    case SIDE_DESTINATION: return "destination";
    }
    INVARIANT(false, "a side %d", (int)side);
}

enum side action_side(enum transfer_action action)
{
    return action == ACT_LOCK_SOURCE || action == ACT_CLAIM_SOURCE || action == ACT_REFUND_SOURCE
               ? SIDE_SOURCE : SIDE_DESTINATION;
}

bool action_is_lock(enum transfer_action action)
{
    return action == ACT_LOCK_SOURCE || action == ACT_LOCK_DESTINATION;
}

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_optional(struct statement *s, const char *text)
{
    bind_text(s, text[0] == '\0' ? NULL : text);
}

static void read_text(struct statement *s, const char *column, char *out, size_t size)
{
    const char *text = column_text(s, column);

    text_set(out, size, text == NULL ? "" : text);
}

/* --- reading ----------------------------------------------------------------------------------- */
static void read_columns(struct statement *s, struct transfer *t)
{
    column_fixed(s, "account", t->account.bytes, sizeof(t->account.bytes));
    column_fixed(s, "provider", t->provider.bytes, sizeof(t->provider.bytes));
    column_fixed(s, "asset", t->asset.bytes, sizeof(t->asset.bytes));
    column_fixed(s, "hash", t->hash.bytes, sizeof(t->hash.bytes));
    t->amount = (uint64_t)column_integer(s, "amount");
    t->fee = (uint64_t)column_integer(s, "fee");
    t->secret = (enum secret_holder)column_integer(s, "secret");
    t->preimage_known = !column_is_null(s, "preimage");
    if (t->preimage_known)
        column_fixed(s, "preimage", t->preimage.bytes, sizeof(t->preimage.bytes));
    t->state = (enum transfer_state)column_integer(s, "state");
    t->cancelled = column_integer(s, "cancelled") != 0;
    t->awaited = column_integer(s, "awaited") != 0;
    read_text(s, "reason", t->reason, sizeof(t->reason));
    t->has_quote = !column_is_null(s, "quote");
    if (t->has_quote)
        column_fixed(s, "quote", t->quote.bytes, sizeof(t->quote.bytes));
    t->lock_until_us = column_integer(s, "lock_until_us");
    t->day = column_integer(s, "day");
    t->due_us = column_is_null(s, "due_us") ? INT64_MAX : column_integer(s, "due_us");
    t->started_us = column_integer(s, "started_us");
    t->ended_us = column_is_null(s, "ended_us") ? 0 : column_integer(s, "ended_us");
    t->created_seq = (uint64_t)column_integer(s, "created_seq");
}

static void read_leg(struct statement *s, struct leg *leg)
{
    read_text(s, "place", leg->place, sizeof(leg->place));
    read_text(s, "sender", leg->sender, sizeof(leg->sender));
    read_text(s, "recipient", leg->recipient, sizeof(leg->recipient));
    read_text(s, "asset", leg->asset, sizeof(leg->asset));
    read_text(s, "amount", leg->amount, sizeof(leg->amount));
    leg->expiry_us = column_integer(s, "expiry_us");
    leg->sight = (enum sight)column_integer(s, "sight");
    leg->asked = column_integer(s, "asked") != 0;
    leg->refused = column_integer(s, "refused") != 0;
    leg->acting = (enum transfer_action)column_integer(s, "acting");
    leg->acted = (enum transfer_action)column_integer(s, "acted");
    leg->wanted = (enum transfer_action)column_integer(s, "wanted");
    leg->wanted_us = column_integer(s, "wanted_us");
    leg->unseen_us = column_integer(s, "unseen_us");
    leg->told_us = column_integer(s, "told_us");
    leg->tries = (uint64_t)column_integer(s, "tries");
    leg->again_us = column_integer(s, "again_us");
    read_text(s, "reference", leg->reference, sizeof(leg->reference));
    read_text(s, "detail", leg->detail, sizeof(leg->detail));
}

bool transfer_read(struct database *database, const struct hash *id, struct transfer *t)
{
    struct statement *s = statement(database, "SELECT * FROM transfer WHERE id = ?");
    size_t legs = 0;

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    memset(t, 0, sizeof(*t));
    t->id = *id;
    read_columns(s, t);
    statement_finish(s);
    s = statement(database, "SELECT * FROM transfer_leg WHERE transfer = ? ORDER BY side");
    bind_hash(s, id);
    while (statement_row(s) && legs < SIDES) {
        t->legs[legs].side = (enum side)legs;
        read_leg(s, &t->legs[legs++]);
    }
    return legs == SIDES;
}

bool transfer_find(struct database *database, const struct hash *hash, struct hash *id)
{
    struct statement *s =
        statement(database, "SELECT id FROM transfer WHERE hash = ? AND due_us IS NOT NULL");

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    column_fixed(s, "id", id->bytes, sizeof(id->bytes));
    statement_finish(s);
    return true;
}

bool transfer_hash_used(struct database *database, const struct hash *hash)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM transfer WHERE hash = ?");

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

uint64_t transfer_count_awaited(struct database *database, const struct account_id *account)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS transfers FROM transfer INDEXED BY transfer_awaited_account"
        " WHERE account = ? AND awaited = 1");
    uint64_t count;

    bind_blob(s, account->bytes, sizeof(account->bytes));
    INVARIANT(statement_row(s), "an aggregate has one row");
    count = (uint64_t)column_integer(s, "transfers");
    statement_finish(s);
    return count;
}

uint64_t transfer_sum_awaited(struct database *database, const struct account_id *provider,
                              const struct asset_id *asset, uint64_t *sum)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS transfers, coalesce(sum(iif(asset = ?, amount, 0)), 0) AS sum"
        "  FROM transfer INDEXED BY transfer_awaited_provider WHERE provider = ? AND awaited = 1");
    uint64_t count;

    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    bind_blob(s, provider->bytes, sizeof(provider->bytes));
    INVARIANT(statement_row(s), "an aggregate has one row");
    count = (uint64_t)column_integer(s, "transfers");
    *sum = (uint64_t)column_integer(s, "sum");
    statement_finish(s);
    return count;
}

size_t transfer_list_due(struct database *database, int64_t now_us, size_t most, struct hash *ids)
{
    struct statement *s = statement(database,
        "SELECT id FROM transfer WHERE due_us IS NOT NULL AND due_us <= ? ORDER BY due_us LIMIT ?");
    size_t count = 0;

    bind_integer(s, now_us);
    bind_integer(s, (int64_t)most);
    while (statement_row(s)) {
        column_fixed(s, "id", ids[count].bytes, sizeof(ids[count].bytes));
        count++;
    }
    return count;
}

int64_t transfer_first_due(struct database *database)
{
    struct statement *s =
        statement(database, "SELECT min(due_us) AS due FROM transfer WHERE due_us IS NOT NULL");
    int64_t due;

    INVARIANT(statement_row(s), "an aggregate has one row");
    due = column_is_null(s, "due") ? INT64_MAX : column_integer(s, "due");
    statement_finish(s);
    return due;
}

/* --- writing ----------------------------------------------------------------------------------- */
static void insert_leg(struct database *database, const struct transfer *t, const struct leg *leg)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer_leg (transfer, side, place, sender, recipient, asset, amount, expiry_us, sight,"
        " asked, refused, acting, acted, tries, again_us, reference, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, &t->id);
    bind_integer(s, leg->side);
    bind_text(s, leg->place);
    bind_text(s, leg->sender);
    bind_text(s, leg->recipient);
    bind_text(s, leg->asset);
    bind_text(s, leg->amount);
    bind_integer(s, leg->expiry_us);
    bind_integer(s, leg->sight);
    bind_integer(s, leg->asked);
    bind_integer(s, leg->refused);
    bind_integer(s, leg->acting);
    bind_integer(s, leg->acted);
    bind_integer(s, (int64_t)leg->tries);
    bind_integer(s, leg->again_us);
    bind_optional(s, leg->reference);
    bind_optional(s, leg->detail);
    statement_run(s);
}

void transfer_insert(struct database *database, const struct transfer *t)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer (id, account, provider, asset, amount, fee, hash, secret, state, cancelled,"
        " awaited, quote, lock_until_us, day, due_us, started_us, created_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, &t->id);
    bind_blob(s, t->account.bytes, sizeof(t->account.bytes));
    bind_blob(s, t->provider.bytes, sizeof(t->provider.bytes));
    bind_blob(s, t->asset.bytes, sizeof(t->asset.bytes));
    bind_integer(s, (int64_t)t->amount);
    bind_integer(s, (int64_t)t->fee);
    bind_hash(s, &t->hash);
    bind_integer(s, t->secret);
    bind_integer(s, t->state);
    bind_integer(s, t->awaited);
    bind_blob(s, t->has_quote ? t->quote.bytes : NULL, sizeof(t->quote.bytes));
    bind_integer(s, t->lock_until_us);
    bind_integer(s, t->day);
    bind_integer(s, t->due_us);
    bind_integer(s, t->started_us);
    bind_integer(s, (int64_t)t->created_seq);
    statement_run(s);
    for (size_t i = 0; i < SIDES; i++)
        insert_leg(database, t, &t->legs[i]);
}

static void write_leg(struct database *database, const struct transfer *t, const struct leg *leg)
{
    struct statement *s = statement(database,
        "UPDATE transfer_leg SET expiry_us = ?, sight = ?, asked = ?, refused = ?, acting = ?, acted = ?,"
        " wanted = ?, wanted_us = ?, unseen_us = ?, told_us = ?, tries = ?, again_us = ?, reference = ?,"
        " detail = ? WHERE transfer = ? AND side = ?");

    bind_integer(s, leg->expiry_us);
    bind_integer(s, leg->sight);
    bind_integer(s, leg->asked);
    bind_integer(s, leg->refused);
    bind_integer(s, leg->acting);
    bind_integer(s, leg->acted);
    bind_integer(s, leg->wanted);
    bind_integer(s, leg->wanted_us);
    bind_integer(s, leg->unseen_us);
    bind_integer(s, leg->told_us);
    bind_integer(s, (int64_t)leg->tries);
    bind_integer(s, leg->again_us);
    bind_optional(s, leg->reference);
    bind_optional(s, leg->detail);
    bind_hash(s, &t->id);
    bind_integer(s, leg->side);
    INVARIANT(statement_run(s) == 1, "a leg that is not there");
}

void transfer_write(struct database *database, const struct transfer *t)
{
    struct statement *s = statement(database,
        "UPDATE transfer SET secret = ?, preimage = ?, state = ?, cancelled = ?, awaited = ?, reason = ?,"
        " day = ?, due_us = ?, ended_us = ? WHERE id = ?");
    bool ended = transfer_has_ended(t->state);

    bind_integer(s, t->secret);
    bind_blob(s, t->preimage_known ? t->preimage.bytes : NULL, sizeof(t->preimage.bytes));
    bind_integer(s, t->state);
    bind_integer(s, t->cancelled);
    bind_integer(s, t->awaited);
    bind_optional(s, t->reason);
    bind_integer(s, t->day);
    if (ended)
        bind_null(s);
    else
        bind_integer(s, t->due_us);
    if (ended)
        bind_integer(s, t->ended_us);
    else
        bind_null(s);
    bind_hash(s, &t->id);
    INVARIANT(statement_run(s) == 1, "a transfer that is not there");
    for (size_t i = 0; i < SIDES; i++)
        write_leg(database, t, &t->legs[i]);
}
