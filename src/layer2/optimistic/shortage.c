/* What the watcher lacks, and what it is refused: see shortage.h. */
#include "layer2/optimistic/shortage.h"

#include <stdlib.h>

#include "ledger/rows.h"

struct note {
    struct kernel_task task;
    struct hash batch;
    struct asset_id asset;
    uint64_t domain, bond, needed, limit;
    enum stake_bar bar;
    const char *method; /* literal */
    enum status refusal;
};

/* For this reason; NULL: for any. */
static bool is_known(struct database *database, const struct hash *batch, const char *reason)
{
    struct statement *s = statement(database, "SELECT 1 FROM watcher_shortage WHERE batch = ?1"
                                              " AND reason = coalesce(?2, reason)");
    bool known;

    bind_blob(s, batch->bytes, sizeof(batch->bytes));
    if (reason == NULL)
        bind_null(s);
    else
        bind_text(s, reason);
    known = statement_row(s);
    if (known)
        statement_finish(s);
    return known;
}

static void forget(struct execution *x, const struct hash *batch)
{
    struct statement *s = statement(execution_database(x), "DELETE FROM watcher_shortage WHERE batch = ?");

    bind_blob(s, batch->bytes, sizeof(batch->bytes));
    (void)statement_run(s);
}

static enum status write_shortage(struct kernel_task *task, struct execution *x)
{
    const struct note *n = (const struct note *)task;
    const char *reason = stake_bar_name(n->bar);
    struct statement *s;
    struct asset asset;

    if (is_known(execution_database(x), &n->batch, reason) ||
        !row_asset_read(execution_database(x), &n->asset, &asset))
        return OK;
    forget(x, &n->batch); /* there was another reason */
    s = statement(execution_database(x), "INSERT INTO watcher_shortage (batch, asset, needed, since_us,"
                                         " reason) VALUES (?, ?, ?, ?, ?)");
    bind_blob(s, n->batch.bytes, sizeof(n->batch.bytes));
    bind_blob(s, n->asset.bytes, sizeof(n->asset.bytes));
    bind_integer(s, (int64_t)(n->bar == STAKE_LOCK ? n->bond : n->needed));
    bind_integer(s, execution_time(x));
    bind_text(s, reason);
    (void)statement_run(s);
    if (n->bar != STAKE_FUNDS)
        return event_watcher_held_back(x, &(struct event_watcher_held_back){
            .batch = n->batch, .domain = n->domain, .reason = reason, .asset = asset.symbol,
            .needed = n->needed, .limit = n->limit });
    return event_watcher_underfunded(x, &(struct event_watcher_underfunded){
        .batch = n->batch, .asset = asset.symbol, .needed = n->needed, .held = n->limit });
}

static enum status forget_shortage(struct kernel_task *task, struct execution *x)
{
    const struct note *n = (const struct note *)task;

    if (!is_known(execution_database(x), &n->batch, NULL))
        return OK;
    forget(x, &n->batch);
    return event_watcher_funded(x, &(struct event_watcher_funded){ .batch = n->batch });
}

static enum status tell_refused(struct kernel_task *task, struct execution *x)
{
    const struct note *n = (const struct note *)task;

    return event_watcher_refused(x, &(struct event_watcher_refused){
        .batch = n->batch, .method = n->method, .error = status_name(n->refusal) });
}

static void end(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status, (void)error;
    free(task);
}

static void bring(struct kernel *kernel, const struct note *note)
{
    struct note *n = memory_copy(note, sizeof(*note));

    n->task.done = end;
    if (!kernel_submit_task(kernel, &n->task))
        free(n); /* the next look tells again */
}

void shortage_note(struct kernel *kernel, struct database *reader, const struct stake *stake,
                   enum stake_bar bar)
{
    if (!is_known(reader, &stake->batch->id, stake_bar_name(bar)))
        bring(kernel, &(struct note){ .task = { .run = write_shortage }, .batch = stake->batch->id,
                                      .asset = stake->rollup->bond_asset, .domain = stake->rollup->domain,
                                      .bond = stake->bond, .needed = stake->needed, .limit = stake->limit,
                                      .bar = bar });
}

void shortage_over(struct kernel *kernel, struct database *reader, const struct hash *batch)
{
    if (is_known(reader, batch, NULL))
        bring(kernel, &(struct note){ .task = { .run = forget_shortage }, .batch = *batch });
}

void watcher_tell_refused(struct kernel *kernel, const struct hash *batch, const char *method,
                          enum status refusal)
{
    bring(kernel, &(struct note){ .task = { .run = tell_refused }, .batch = *batch, .method = method,
                                  .refusal = refusal });
}
