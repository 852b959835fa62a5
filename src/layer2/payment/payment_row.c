/* Payments and their parts as rows: see payment_row.h. */
#include "layer2/payment/payment_row.h"

#include <string.h>

const char *payment_state_name(enum payment_state state)
{
    static const char *const names[] = { "in_flight", "settled", "failed" };

    return names[state];
}

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void read_avoid(struct bytes bytes, struct payment *p)
{
    p->avoid_count = bytes.size / sizeof(p->avoid[0]);
    INVARIANT(p->avoid_count <= PAYMENT_AVOID_MAX, "a payment avoids %zu channels", p->avoid_count);
    if (bytes.size > 0)
        memcpy(p->avoid, bytes.data, bytes.size);
}

bool payment_read(struct database *database, const struct hash *hash, struct payment *p)
{
    struct statement *s = statement(
        database,
        "SELECT payer, payee, asset, amount, fee_limit, parts_most, state, unrouted, attempts, until_us,"
        " avoid, fee, first_hop, last_hop, failure, preimage, created_seq FROM payment WHERE hash = ?");

    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    memset(p, 0, sizeof(*p));
    p->hash = *hash;
    column_fixed(s, "payer", p->payer.bytes, sizeof(p->payer.bytes));
    column_fixed(s, "payee", p->payee.bytes, sizeof(p->payee.bytes));
    column_fixed(s, "asset", p->asset.bytes, sizeof(p->asset.bytes));
    p->amount = (uint64_t)column_integer(s, "amount");
    p->fee_limit = (uint64_t)column_integer(s, "fee_limit");
    p->parts_most = (uint64_t)column_integer(s, "parts_most");
    p->state = (enum payment_state)column_integer(s, "state");
    p->unrouted = column_integer(s, "unrouted") != 0;
    p->attempts = (uint64_t)column_integer(s, "attempts");
    p->until_us = column_integer(s, "until_us");
    read_avoid(column_blob(s, "avoid"), p);
    p->fee = (uint64_t)column_integer(s, "fee");
    p->is_loop = !column_is_null(s, "first_hop");
    if (p->is_loop) {
        column_fixed(s, "first_hop", p->first_hop.bytes, sizeof(p->first_hop.bytes));
        column_fixed(s, "last_hop", p->last_hop.bytes, sizeof(p->last_hop.bytes));
    }
    p->failure = (enum failure)column_integer(s, "failure");
    p->has_preimage = !column_is_null(s, "preimage");
    if (p->has_preimage)
        column_fixed(s, "preimage", p->preimage.bytes, sizeof(p->preimage.bytes));
    p->created_seq = (uint64_t)column_integer(s, "created_seq");
    statement_finish(s);
    return true;
}

void payment_insert(struct database *database, const struct payment *p, int64_t now_us)
{
    struct statement *s = statement(database,
        "INSERT INTO payment (hash, payer, payee, asset, amount, fee_limit, parts_most, state, unrouted,"
        " attempts, until_us, avoid, fee, first_hop, last_hop, failure, created_us, created_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'', 0, ?, ?, 0, ?, ?)"
        " ON CONFLICT (hash) DO UPDATE SET payer = excluded.payer, payee = excluded.payee,"
        " asset = excluded.asset, amount = excluded.amount, fee_limit = excluded.fee_limit,"
        " parts_most = excluded.parts_most, state = excluded.state, unrouted = excluded.unrouted,"
        " until_us = excluded.until_us, avoid = excluded.avoid, first_hop = excluded.first_hop,"
        " last_hop = excluded.last_hop, failure = 0, ended_us = NULL");

    bind_hash(s, &p->hash);
    bind_blob(s, p->payer.bytes, sizeof(p->payer.bytes));
    bind_blob(s, p->payee.bytes, sizeof(p->payee.bytes));
    bind_blob(s, p->asset.bytes, sizeof(p->asset.bytes));
    bind_integer(s, (int64_t)p->amount);
    bind_integer(s, (int64_t)p->fee_limit);
    bind_integer(s, (int64_t)p->parts_most);
    bind_integer(s, p->state);
    bind_integer(s, p->unrouted);
    bind_integer(s, (int64_t)p->attempts);
    bind_integer(s, p->until_us);
    bind_blob(s, p->is_loop ? p->first_hop.bytes : NULL, sizeof(p->first_hop.bytes));
    bind_blob(s, p->is_loop ? p->last_hop.bytes : NULL, sizeof(p->last_hop.bytes));
    bind_integer(s, now_us);
    bind_integer(s, (int64_t)p->created_seq);
    (void)statement_run(s);
}

void payment_write(struct database *database, const struct payment *p, int64_t now_us)
{
    struct statement *s = statement(database,
        "UPDATE payment SET state = ?, unrouted = ?, attempts = ?, avoid = ?, fee = ?, failure = ?,"
        " preimage = ?, ended_us = ? WHERE hash = ?");

    bind_integer(s, p->state);
    bind_integer(s, p->unrouted);
    bind_integer(s, (int64_t)p->attempts);
    bind_blob(s, p->avoid, p->avoid_count * sizeof(p->avoid[0]));
    bind_integer(s, (int64_t)p->fee);
    bind_integer(s, p->failure);
    bind_blob(s, p->has_preimage ? p->preimage.bytes : NULL, sizeof(p->preimage.bytes));
    if (p->state == PAYMENT_IN_FLIGHT)
        bind_null(s);
    else
        bind_integer(s, now_us);
    bind_hash(s, &p->hash);
    (void)statement_run(s);
}

size_t payment_list_unrouted(struct database *database, size_t most, struct hash *hashes)
{
    struct statement *s =
        statement(database, "SELECT hash FROM payment WHERE unrouted = 1 ORDER BY created_seq LIMIT ?");
    size_t count = 0;

    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "hash", hashes[count++].bytes, sizeof(hashes[0].bytes));
    return count;
}

/* --- parts ------------------------------------------------------------------------------------ */
bool part_read(struct database *database, const struct hash *hash, uint64_t part, struct payment_part *out)
{
    struct statement *s = statement(database, "SELECT state, amount, fee, route, hop, failure"
                                              " FROM payment_part WHERE hash = ? AND part = ?");
    bool good;

    bind_hash(s, hash);
    bind_integer(s, (int64_t)part);
    if (!statement_row(s))
        return false;
    memset(out, 0, sizeof(*out));
    out->hash = *hash;
    out->part = part;
    out->state = (enum payment_state)column_integer(s, "state");
    out->amount = (uint64_t)column_integer(s, "amount");
    out->fee = (uint64_t)column_integer(s, "fee");
    good = route_decode(column_blob(s, "route"), &out->route);
    INVARIANT(good, "a stored route does not decode");
    out->hop = column_is_null(s, "hop") ? 0 : (uint64_t)column_integer(s, "hop");
    out->failure = (enum failure)column_integer(s, "failure");
    statement_finish(s);
    return true;
}

void part_insert(struct database *database, const struct payment_part *part)
{
    struct statement *s = statement(
        database,
        "INSERT INTO payment_part (hash, part, state, amount, fee, route, failure)"
        " VALUES (?, ?, ?, ?, ?, ?, 0)");
    struct buffer route CLEANUP(buffer_close) = { 0 };

    route_encode(&part->route, &route);
    bind_hash(s, &part->hash);
    bind_integer(s, (int64_t)part->part);
    bind_integer(s, part->state);
    bind_integer(s, (int64_t)part->amount);
    bind_integer(s, (int64_t)part->fee);
    bind_blob(s, route.data, route.size);
    (void)statement_run(s);
}

void part_write(struct database *database, const struct payment_part *part)
{
    struct statement *s = statement(database, "UPDATE payment_part SET state = ?, hop = ?, failure = ?"
                                              " WHERE hash = ? AND part = ?");

    bind_integer(s, part->state);
    if (part->failure != FAILURE_NONE)
        bind_integer(s, (int64_t)part->hop);
    else
        bind_null(s);
    bind_integer(s, part->failure);
    bind_hash(s, &part->hash);
    bind_integer(s, (int64_t)part->part);
    (void)statement_run(s);
}

struct part_sums part_sums(struct database *database, const struct hash *hash, enum payment_state state)
{
    struct statement *s = statement(database,
        "SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(fee), 0) AS fee, count(*) AS count"
        " FROM payment_part WHERE hash = ? AND state = ?");
    struct part_sums sums;

    bind_hash(s, hash);
    bind_integer(s, state);
    INVARIANT(statement_row(s), "an aggregate gives one row");
    sums.amount = (uint64_t)column_integer(s, "amount");
    sums.fee = (uint64_t)column_integer(s, "fee");
    sums.count = (uint64_t)column_integer(s, "count");
    statement_finish(s);
    return sums;
}
