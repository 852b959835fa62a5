/* SQL of the mempool: see mempool.h. */
#include <string.h>

#include "kernel/kernel.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/mempool.h"

#define BATCH_ITEMS_USUAL 1000u
#define BATCH_BYTES_USUAL (192u * 1024)
#define BATCH_TIME_USUAL_US ((int64_t)60 * 1000 * 1000) /* on dev divided by 1000 */

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void pending_from_row(struct statement *s, struct arena *arena, struct pending *p)
{
    struct bytes body = column_blob(s, "body");

    *p = (struct pending){ .number = (uint64_t)column_integer(s, "number"),
                           .domain = (uint64_t)column_integer(s, "domain"),
                           .sender = (uint32_t)column_integer(s, "sender"),
                           .nonce = (uint64_t)column_integer(s, "nonce"),
                           .state = (enum pending_state)column_integer(s, "state"),
                           .fault = (enum item_fault)column_integer(s, "fault"),
                           .received_us = column_integer(s, "received_us") };
    column_fixed(s, "id", p->id.bytes, sizeof(p->id.bytes));
    column_fixed(s, "key", p->key.bytes, sizeof(p->key.bytes));
    if (!column_is_null(s, "batch"))
        column_fixed(s, "batch", p->batch.bytes, sizeof(p->batch.bytes));
    if (body.size > 0) {
        uint8_t *copy = arena_new(arena, body.size);

        memcpy(copy, body.data, body.size);
        p->body = bytes_of(copy, body.size);
    }
}

bool pending_find(struct database *database, const struct hash *id, struct arena *arena,
                  struct pending *pending)
{
    struct statement *s = statement(database,
        "SELECT number, id, domain, sender, key, nonce, body, state, batch, fault, received_us"
        " FROM rollup_pending WHERE id = ?");

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    pending_from_row(s, arena, pending);
    statement_finish(s);
    return true;
}

size_t pending_list(struct database *database, uint64_t domain, uint64_t after, size_t most, size_t bytes,
                    struct arena *arena, struct pending *list)
{
    struct statement *s = statement(database,
        "SELECT number, id, domain, sender, key, nonce, body, state, batch, fault, received_us"
        " FROM rollup_pending WHERE domain = ? AND state = 0 AND number > ? ORDER BY number LIMIT ?");
    size_t count = 0, size = 0;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)after);
    bind_integer(s, (int64_t)most);
    while (statement_row(s)) {
        pending_from_row(s, arena, &list[count]);
        size += list[count].body.size;
        if (size > bytes) {
            statement_finish(s);
            break;
        }
        count++;
    }
    return count;
}

struct pending_sums pending_sums(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS count, coalesce((SELECT received_us FROM rollup_pending WHERE domain = ?1"
        "  AND state = 0 ORDER BY number LIMIT 1), 0) AS oldest"
        " FROM (SELECT 1 FROM rollup_pending WHERE domain = ?1 AND state = 0)");
    struct pending_sums sums = { 0, INT64_MAX };

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return sums;
    sums.count = (uint64_t)column_integer(s, "count");
    if (sums.count > 0)
        sums.oldest_us = column_integer(s, "oldest");
    statement_finish(s);
    return sums;
}

uint64_t pending_next_nonce(struct database *database, uint64_t domain, uint32_t sender, uint64_t nonce)
{
    struct statement *s = statement(database,
        "SELECT max(nonce) AS nonce FROM rollup_pending WHERE domain = ? AND sender = ? AND state = 0");
    uint64_t next = nonce;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, sender);
    if (!statement_row(s))
        return nonce;
    if (!column_is_null(s, "nonce") && (uint64_t)column_integer(s, "nonce") >= nonce)
        next = (uint64_t)column_integer(s, "nonce") + 1;
    statement_finish(s);
    return next;
}

void pending_include(struct database *database, const struct hash *id, const struct hash *batch)
{
    struct statement *s = statement(database, "UPDATE rollup_pending SET state = 1, batch = ? WHERE id = ?");

    bind_hash(s, batch);
    bind_hash(s, id);
    (void)statement_run(s);
}

void pending_drop(struct database *database, const struct hash *id, enum item_fault fault)
{
    struct statement *s = statement(database,
                                    "UPDATE rollup_pending SET state = 2, batch = NULL, body = NULL,"
                                              " fault = ? WHERE id = ? AND state = 0");

    bind_integer(s, fault);
    bind_hash(s, id);
    (void)statement_run(s);
    s = statement(database, "DELETE FROM rollup_pending WHERE state = 2"
                            " AND number <= (SELECT max(number) FROM rollup_pending) - ?");
    bind_integer(s, PENDING_TOLD_DROPPED);
    (void)statement_run(s);
}

void pending_return(struct database *database, const struct hash *batch)
{
    struct statement *s = statement(database, "UPDATE rollup_pending SET batch = NULL,"
                                              " state = CASE WHEN body IS NULL THEN 2 ELSE 0 END"
                                              " WHERE batch = ?");

    bind_hash(s, batch);
    (void)statement_run(s);
}

void pending_forget_bodies(struct database *database, uint64_t domain, uint64_t final)
{
    struct statement *s = statement(database,
        "UPDATE rollup_pending SET body = NULL WHERE batch IN (SELECT id FROM batch WHERE domain = ?1"
        " AND state = 3 AND number IN (SELECT number FROM rollup_undo WHERE domain = ?1 AND number <= ?2))");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)final);
    (void)statement_run(s);
}

/* Each batch once: when the one PENDING_TOLD_BATCHES above it becomes final. */
void pending_forget(struct database *database, uint64_t domain, uint64_t final)
{
    struct statement *s = statement(database,
        "DELETE FROM rollup_pending WHERE batch IN (SELECT id FROM batch WHERE domain = ?1 AND state = 3"
        " AND state < 4 AND number IN (SELECT number - ?3 FROM rollup_undo WHERE domain = ?1"
        "  AND number <= ?2))");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)final);
    bind_integer(s, PENDING_TOLD_BATCHES);
    (void)statement_run(s);
}

/* --- rollup.sequencer ------------------------------------------------------------------------- */
struct sequencer_policy sequencer_policy(struct database *database, enum node_network network,
                                         uint64_t domain)
{
    struct statement *s = statement(database,
        "SELECT enabled, batch_items, batch_bytes, batch_us FROM rollup_sequencer WHERE domain = ?");
    struct sequencer_policy policy = {
        .enabled = false, .batch_items = BATCH_ITEMS_USUAL, .batch_bytes = BATCH_BYTES_USUAL,
        .batch_us = network == NETWORK_DEV ? BATCH_TIME_USUAL_US / 1000 : BATCH_TIME_USUAL_US };

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return policy;
    policy.enabled = column_integer(s, "enabled") != 0;
    policy.batch_items = (uint64_t)column_integer(s, "batch_items");
    policy.batch_bytes = (uint64_t)column_integer(s, "batch_bytes");
    policy.batch_us = column_integer(s, "batch_us");
    statement_finish(s);
    return policy;
}

bool sequencer_is_known(struct database *database, uint64_t domain)
{
    struct statement *s = statement(database, "SELECT 1 FROM rollup_sequencer WHERE domain = ?");
    bool known;

    bind_integer(s, (int64_t)domain);
    known = statement_row(s);
    if (known)
        statement_finish(s);
    return known;
}

const struct param sequencer_params[SEQUENCER_PARAMS] = {
    PARAM(struct sequencer, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct sequencer, enabled, BOOLEAN, OPTIONAL, "whether this node makes batches by itself",
          .fallback = true),
    PARAM(struct sequencer, batch_items, INTEGER, OPTIONAL, "transactions in a batch",
          .fallback = BATCH_ITEMS_USUAL),
    PARAM(struct sequencer, batch_bytes, INTEGER, OPTIONAL, "bytes of transactions in a batch",
          .fallback = BATCH_BYTES_USUAL),
    PARAM(struct sequencer, batch_time, DURATION, OPTIONAL, "how long a transaction waits for others",
          .fallback = NOT_GIVEN),
};

enum status set_sequencer(struct execution *x, const void *params, struct writer *result)
{
    const struct sequencer *p = params;
    struct sequencer_policy usual = sequencer_policy(execution_database(x), execution_network(x), UINT32_MAX);
    struct account_id own = kernel_account(execution_kernel(x));
    struct statement *s;
    struct rollup rollup;

    (void)result;
    if (!rollup_find(execution_database(x), p->domain, &rollup))
        return fail(x, ERROR_ROLLUP_NOT_FOUND, "there is no such rollup");
    if (p->enabled && !account_equal(&own, &rollup.operator_))
        return fail(x, ERROR_NOT_SEQUENCED_HERE, "the operator is another account than this node's own");
    if (p->batch_items == 0 || p->batch_items > BATCH_ITEMS_MAX)
        return fail(x, ERROR_INVALID_PARAMS, "batch_items is 1 … %u", BATCH_ITEMS_MAX);
    if (p->batch_bytes < ITEM_SIZE_MAX || p->batch_bytes > BATCH_BYTES_USUAL)
        return fail(x, ERROR_INVALID_PARAMS, "batch_bytes is %u … %u", ITEM_SIZE_MAX, BATCH_BYTES_USUAL);
    s = statement(execution_database(x),
        "INSERT INTO rollup_sequencer (domain, enabled, batch_items, batch_bytes, batch_us)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (domain) DO UPDATE SET enabled = excluded.enabled,"
        " batch_items = excluded.batch_items, batch_bytes = excluded.batch_bytes,"
        " batch_us = excluded.batch_us");
    bind_integer(s, (int64_t)p->domain);
    bind_integer(s, p->enabled);
    bind_integer(s, (int64_t)p->batch_items);
    bind_integer(s, (int64_t)p->batch_bytes);
    bind_integer(s, p->batch_time == (int64_t)NOT_GIVEN ? usual.batch_us : p->batch_time);
    (void)statement_run(s);
    lane_policy_changed(x, p->domain);
    return OK;
}
