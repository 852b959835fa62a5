/* Invoices as rows: see invoice_row.h. */
#include "layer2/payment/invoice_row.h"

#include <string.h>

const char *invoice_state_name(enum invoice_state state)
{
    static const char *const names[] = { "open", "accepted", "settled", "canceled", "expired" };

    return names[state];
}

bool invoice_read(struct database *database, const struct hash *hash, struct invoice *v)
{
    struct statement *s =
        statement(database, "SELECT payee, asset, amount, preimage, hold, state, received, expires_us,"
                            " collect_us, created_seq FROM invoice WHERE hash = ?");

    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    if (!statement_row(s))
        return false;
    memset(v, 0, sizeof(*v));
    v->hash = *hash;
    column_fixed(s, "payee", v->payee.bytes, sizeof(v->payee.bytes));
    column_fixed(s, "asset", v->asset.bytes, sizeof(v->asset.bytes));
    v->amount = (uint64_t)column_integer(s, "amount");
    v->has_preimage = !column_is_null(s, "preimage");
    if (v->has_preimage)
        column_fixed(s, "preimage", v->preimage.bytes, sizeof(v->preimage.bytes));
    v->hold = column_integer(s, "hold") != 0;
    v->state = (enum invoice_state)column_integer(s, "state");
    v->received = (uint64_t)column_integer(s, "received");
    v->expires_us = column_integer(s, "expires_us");
    v->collect_us = column_is_null(s, "collect_us") ? 0 : column_integer(s, "collect_us");
    v->created_seq = (uint64_t)column_integer(s, "created_seq");
    statement_finish(s);
    return true;
}

static void bind_preimage(struct statement *s, const struct invoice *v)
{
    bind_blob(s, v->has_preimage ? v->preimage.bytes : NULL, sizeof(v->preimage.bytes));
}

void invoice_insert(struct database *database, const struct invoice *v, int64_t now_us)
{
    struct statement *s = statement(database,
        "INSERT INTO invoice (hash, payee, asset, amount, text, description, preimage, hold, state, received,"
        " expires_us, created_us, created_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_blob(s, v->hash.bytes, sizeof(v->hash.bytes));
    bind_blob(s, v->payee.bytes, sizeof(v->payee.bytes));
    bind_blob(s, v->asset.bytes, sizeof(v->asset.bytes));
    bind_integer(s, (int64_t)v->amount);
    bind_text(s, v->text);
    bind_text(s, v->description);
    bind_preimage(s, v);
    bind_integer(s, v->hold);
    bind_integer(s, v->state);
    bind_integer(s, (int64_t)v->received);
    bind_integer(s, v->expires_us);
    bind_integer(s, now_us);
    bind_integer(s, (int64_t)v->created_seq);
    (void)statement_run(s);
}

void invoice_write(struct database *database, const struct invoice *v, int64_t now_us)
{
    struct statement *s = statement(database, "UPDATE invoice SET preimage = ?, state = ?, received = ?,"
                                              " collect_us = ?, ended_us = ? WHERE hash = ?");

    bind_preimage(s, v);
    bind_integer(s, v->state);
    bind_integer(s, (int64_t)v->received);
    if (v->state == INVOICE_OPEN && v->collect_us > 0)
        bind_integer(s, v->collect_us);
    else
        bind_null(s);
    if (v->state == INVOICE_OPEN || v->state == INVOICE_ACCEPTED)
        bind_null(s);
    else
        bind_integer(s, now_us);
    bind_blob(s, v->hash.bytes, sizeof(v->hash.bytes));
    (void)statement_run(s);
}

size_t invoice_list_expired(struct database *database, int64_t now_us, size_t most, struct hash *hashes)
{
    struct statement *s = statement(database, "SELECT hash FROM invoice WHERE state = 0 AND expires_us <= ?"
                                              " ORDER BY expires_us LIMIT ?");
    size_t count = 0;

    bind_integer(s, now_us);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "hash", hashes[count++].bytes, sizeof(hashes[0].bytes));
    return count;
}

int64_t invoice_first_due(struct database *database)
{
    struct statement *s = statement(database,
        "SELECT min((SELECT coalesce(min(expires_us), 9223372036854775807) FROM invoice WHERE state = 0),"
        " (SELECT coalesce(min(collect_us), 9223372036854775807) FROM invoice WHERE collect_us IS NOT NULL))"
        " AS due_us");
    int64_t due_us;

    INVARIANT(statement_row(s), "an aggregate gives one row");
    due_us = column_integer(s, "due_us");
    statement_finish(s);
    return due_us;
}

size_t invoice_list_collecting(struct database *database, int64_t now_us, size_t most, struct hash *hashes)
{
    struct statement *s = statement(database, "SELECT hash FROM invoice WHERE collect_us IS NOT NULL"
                                              " AND collect_us <= ? ORDER BY collect_us LIMIT ?");
    size_t count = 0;

    bind_integer(s, now_us);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "hash", hashes[count++].bytes, sizeof(hashes[0].bytes));
    return count;
}
