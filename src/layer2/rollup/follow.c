/* A lane that follows the ledger: batches taken back, batches executed, verdicts. And the state before a
 * batch for whoever proves something about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/mempool.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

#define LOG_ROOM "rollup"

/* --- batches that do not stand any more ------------------------------------------------------- */
struct taken_back {
    struct lane *lane;
    struct lane_row to;
    struct hash *batches; /* the newest first */
    size_t count;
    uint64_t from;        /* number of the newest one */
    uint64_t withdrawals; /* that are left */
};

static void restore_leaves(struct database *database, uint64_t domain, uint64_t number)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_leaf (domain, kind, place, leaf) SELECT domain, kind, place, before"
        " FROM rollup_undo WHERE domain = ? AND number = ? AND before IS NOT NULL"
        " ON CONFLICT (domain, kind, place) DO UPDATE SET leaf = excluded.leaf");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    (void)statement_run(s);
    s = statement(database,
        "DELETE FROM rollup_leaf WHERE domain = ?1 AND (kind, place) IN"
        " (SELECT kind, place FROM rollup_undo WHERE domain = ?1 AND number = ?2 AND before IS NULL)");
    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    (void)statement_run(s);
    undo_delete(database, domain, number);
}

static void write_taken_back(void *context, struct execution *x)
{
    const struct taken_back *t = context;
    struct database *database = execution_database(x);

    for (size_t i = 0; i < t->count; i++) {
        restore_leaves(database, t->lane->domain, t->from - i);
        pending_return(database, &t->batches[i]);
    }
    withdrawals_cut(database, t->lane->domain, t->withdrawals);
    lane_write(database, t->lane->domain, &t->to);
}

static bool stands(struct lane *lane, const struct lane_row *at, struct batch_row *row)
{
    if (at->number == 0)
        return true;
    return batch_find(lane->reader, &at->batch, row) && batch_stands(row->state);
}

/* False: there was nothing to take back, or it came to nothing. */
static bool take_back(struct lane *lane)
{
    struct taken_back t = { .lane = lane, .to = lane->at, .from = lane->at.number };
    struct batch_row row;
    bool done;

    while (!stands(lane, &t.to, &row)) {
        struct leaf_change *changes;
        size_t count;

        changes = undo_read(lane->reader, lane->domain, t.to.number, &count);
        rollup_revert(lane->state, changes, count);
        free(changes);
        t.batches = memory_resize(t.batches, (t.count + 1) * sizeof(*t.batches));
        t.batches[t.count++] = t.to.batch;
        t.to = (struct lane_row){ row.parent, t.to.number - 1 };
    }
    if (t.count == 0)
        return false;
    t.withdrawals = rollup_state_outbox(lane->state)->count;
    done = !lane_read_failed(lane) && lane_commit(lane, write_taken_back, &t);
    free(t.batches);
    if (done)
        lane->at = t.to;
    else
        lane_unload(lane);
    return done;
}

/* --- batches that are new --------------------------------------------------------------------- */
struct executed {
    struct lane *lane;
    struct batch_row row;
    struct batch_verdict verdict;
    struct batch_effects effects;
    struct hash *transactions; /* ids of those in the batch, when they may be in our mempool */
    size_t transaction_count;
    bool own;                  /* made here */
    uint64_t bytes;
};

static void write_effects(struct execution *x, const struct executed *e)
{
    const struct leaf_place outbox = { .kind = LEAF_OUTBOX };
    struct database *database = execution_database(x);
    const struct lane_row at = { e->row.id, e->row.number };
    struct leaf before;

    INVARIANT(leaf_read(database, e->row.domain, &outbox, &before), "a rollup without an outbox");
    withdrawals_append(database, e->row.domain, e->row.number, &before.outbox, e->effects.withdrawals,
                       e->effects.withdrawal_count);
    for (size_t i = 0; i < e->effects.change_count; i++) {
        const struct leaf_change *change = &e->effects.changes[i];

        leaf_write(database, e->row.domain, &change->place, change->is ? &change->after : NULL);
    }
    undo_write(database, e->row.domain, e->row.number, e->effects.changes, e->effects.change_count);
    for (size_t i = 0; i < e->transaction_count; i++)
        pending_include(database, &e->transactions[i], &e->row.id);
    lane_write(database, e->row.domain, &at);
}

static void write_executed(void *context, struct execution *x)
{
    const struct executed *e = context;
    struct database *database = execution_database(x);
    const struct batch_verdict *v = &e->verdict;

    if (v->right)
        write_effects(x, e);
    verdict_write(database, &e->row.id, v);
    if (e->row.data_size > 0)
        missing_delete(database, &e->row.id);
    event_rollup_verdict(x, &(struct event_rollup_verdict){
        .domain = e->row.domain, .number = e->row.number, .batch = e->row.id, .right = v->right,
        .root = v->result.root, .fault = v->invalid ? item_fault_name(v->fault) : NULL, .item = v->item });
    if (e->own)
        event_rollup_sequenced(x, &(struct event_rollup_sequenced){
            .domain = e->row.domain, .number = e->row.number, .batch = e->row.id,
            .transactions = e->transaction_count, .bytes = e->bytes });
    reaction_request(x, BATCH_VERDICT_REACTION, bytes_of(e->row.id.bytes, sizeof(e->row.id.bytes)));
}

static bool result_equal(const struct batch_result *a, const struct batch_result *b)
{
    return hash_equal(&a->root, &b->root) && hash_equal(&a->withdrawal_root, &b->withdrawal_root) &&
           a->withdrawals == b->withdrawals;
}

/* What this node made itself, it has executed already. */
static bool use_prepared(struct lane *lane, struct executed *e)
{
    struct prepared *p = &lane->prepared;

    if (!p->is_there)
        return false;
    if (p->number != e->row.number || !hash_equal(&p->items_root, &e->row.items_root) ||
        !result_equal(&p->result, &e->row.result)) {
        lane_discard_prepared(lane);
        return false;
    }
    e->verdict = (struct batch_verdict){ .right = true, .result = p->result };
    e->effects = p->effects;
    e->own = true;
    e->bytes = p->bytes;
    *p = (struct prepared){ .is_there = false };
    return true;
}

static enum status judge(struct lane *lane, const struct batch *batch, struct executed *e,
                         struct error *error)
{
    struct batch_result result;
    enum item_fault fault;
    uint64_t item;
    enum status status = rollup_execute(lane->state, batch, NULL, &result, &e->effects, &item, &fault, error);

    if (status == ERROR_INVALID_BATCH) {
        e->verdict = (struct batch_verdict){ .invalid = true, .item = item, .fault = fault };
        return OK;
    }
    TRY(status);
    e->verdict = (struct batch_verdict){ .right = result_equal(&result, &e->row.result), .result = result };
    return OK;
}

static void list_transactions(struct lane *lane, const struct rollup *rollup, const struct batch *batch,
                              struct arena *arena, struct executed *e)
{
    struct account_id own = kernel_account(lane->kernel);
    struct error error;
    struct item item;
    size_t size;

    if (!account_equal(&own, &rollup->operator_))
        return;
    e->transactions = arena_new(arena, batch->machine.items * sizeof(*e->transactions));
    for (uint64_t i = batch->machine.inbox_items; i < batch->machine.items; i++) {
        enum status status = rollup_transaction_decode(batch->items[i], &rollup->id, rollup->assets, &item,
                                                       &size, &error);

        INVARIANT(status == OK, "a published transaction: %s", error.message);
        e->transactions[e->transaction_count++] = item.digest;
    }
}

static bool execute(struct lane *lane, const struct rollup *rollup, const struct batch *batch,
                    struct arena *arena, struct executed *e)
{
    struct error error;
    bool done;

    if (!use_prepared(lane, e) && judge(lane, batch, e, &error) != OK) {
        log_error("rollup %" PRIu64 ", batch %" PRIu64 ": %s", e->row.domain, e->row.number,
                  error.message);
        return false;
    }
    list_transactions(lane, rollup, batch, arena, e);
    if (!e->verdict.right && !e->verdict.invalid)
        rollup_revert(lane->state, e->effects.changes, e->effects.change_count);
    done = lane_commit(lane, write_executed, e);
    if (done && e->verdict.right)
        lane->at = (struct lane_row){ e->row.id, e->row.number };
    if (!done && e->verdict.right)
        rollup_revert(lane->state, e->effects.changes, e->effects.change_count);
    if (!e->verdict.invalid)
        batch_effects_close(&e->effects);
    return done && e->verdict.right;
}

/* --- batches whose data is not here ------------------------------------------------------------ */
struct missing {
    const struct batch_row *row;
    const char *reason;
};

static void write_missing(void *context, struct execution *x)
{
    const struct missing *m = context;

    if (missing_has(execution_database(x), &m->row->id))
        return;
    missing_write(execution_database(x), m->row, execution_time(x));
    event_rollup_data_missing(x, &(struct event_rollup_data_missing){
        .domain = m->row->domain, .number = m->row->number, .batch = m->row->id,
        .data_hash = m->row->data_hash, .reason = m->reason });
}

/* Told once; the lane goes on when the data comes, or the batch goes. */
static void cannot_load(struct lane *lane, const struct batch_row *row, const struct error *error)
{
    struct missing missing = { row, error->message };

    if (row->data_state == DATA_PUBLISHED) {
        log_error("rollup %" PRIu64 ", batch %" PRIu64 ": %s", row->domain, row->number, error->message);
        return;
    }
    if (!lane_read_failed(lane) && !missing_has(lane->reader, &row->id))
        lane_commit(lane, write_missing, &missing); /* or the next time */
}

/* The next batch, in one snapshot. False: there is none that could be executed now. */
static bool next_batch(struct lane *lane, struct arena *arena, struct rollup *rollup, struct batch_row *row,
                       struct batch *batch)
{
    struct batch_verdict verdict;
    enum status status = OK;
    struct error error;
    bool found;

    database_snapshot_begin(lane->reader);
    found = rollup_find(lane->reader, lane->domain, rollup) &&
            batch_find_number(lane->reader, lane->domain, lane->at.number + 1, row) &&
            hash_equal(&row->parent, &lane->at.batch) &&
            !batch_verdict_read(lane->reader, &row->id, &verdict);
    if (found)
        status = batch_load_here(lane->reader, rollup, row, arena, batch, &error);
    database_snapshot_end(lane->reader);
    lane->holds_unfit =
        status != OK && row->data_state != DATA_PUBLISHED && error.code != ERROR_DATA_NOT_HELD;
    if (status != OK)
        cannot_load(lane, row, &error);
    return !lane_read_failed(lane) && found && status == OK;
}

/* --- batches that are final ------------------------------------------------------------------- */
struct settled {
    uint64_t domain, final;
};

static void write_settled(void *context, struct execution *x)
{
    const struct settled *s = context;

    pending_forget_bodies(execution_database(x), s->domain, s->final);
    pending_forget(execution_database(x), s->domain, s->final);
    undo_delete_to(execution_database(x), s->domain, s->final);
}

static void settle(struct lane *lane)
{
    struct settled settled = { .domain = lane->domain };
    struct rollup rollup;

    if (!rollup_find(lane->reader, lane->domain, &rollup) || rollup.final == 0 ||
        !undo_exists_to(lane->reader, lane->domain, rollup.final))
        return;
    settled.final = rollup.final;
    lane_commit(lane, write_settled, &settled); /* or the next time */
}

bool lane_catch_up(struct lane *lane)
{
    struct arena arena CLEANUP(arena_close);
    struct executed e = { .lane = lane };
    struct rollup rollup;
    struct batch batch;
    struct batch_row row;

    arena_init(&arena);
    if (kernel_stopping(lane->kernel))
        return false;
    if (!stands(lane, &lane->at, &row)) {
        lane_discard_prepared(lane);
        return take_back(lane);
    }
    if (next_batch(lane, &arena, &rollup, &e.row, &batch) && execute(lane, &rollup, &batch, &arena, &e))
        return true;
    settle(lane);
    return false;
}

/* --- the state before a batch ----------------------------------------------------------------- */
/* A batch makes leaves and changes them, and removes none. */
static void redo(struct rollup_state *state, const struct leaf_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rollup_state_load(state, &changes[i].place, &changes[i].after);
}

/* The lane's state taken back to before batch `number`, or brought forth again. */
static void shift(struct lane *lane, uint64_t number, bool back)
{
    uint64_t steps = lane->at.number - number + 1;

    for (uint64_t i = 0; i < steps; i++) {
        uint64_t at = back ? lane->at.number - i : number + i;
        size_t count;
        struct leaf_change *changes = undo_read(lane->reader, lane->domain, at, &count);

        if (back)
            rollup_revert(lane->state, changes, count);
        else
            redo(lane->state, changes, count);
        free(changes);
    }
}

static enum status not_ready(struct error *error, uint64_t domain, uint64_t number)
{
    return error_set(error, ERROR_NOT_READY,
                     "rollup %" PRIu64 " is not executed up to batch %" PRIu64 " here",
                     domain, number);
}

static enum status use_state(struct lane *lane, const struct batch_row *row, const struct batch *batch,
                             enum status (*use)(void *context, struct rollup_state *before,
                                                const struct batch *batch, struct error *error),
                             void *context, struct error *error)
{
    struct rollup rollup;
    struct batch_row at, here;
    enum status status;

    if (!stands(lane, &lane->at, &at) || !batch_stands(row->state) ||
        !rollup_find(lane->reader, row->domain, &rollup) || lane->at.number + 1 < row->number)
        return not_ready(error, row->domain, row->number);
    if (lane->at.number + 1 == row->number)
        return hash_equal(&lane->at.batch, &row->parent) ? use(context, lane->state, batch, error)
                                                         : not_ready(error, row->domain, row->number);
    if (!batch_find_number(lane->reader, row->domain, row->number, &here) || !hash_equal(&here.id, &row->id))
        return not_ready(error, row->domain, row->number); /* another one took its place meanwhile */
    if (row->number <= rollup.final)
        return error_set(error, ERROR_NOT_READY,
                         "batch %" PRIu64 " is final; the state before it is not kept",
                         row->number);
    shift(lane, row->number, true);
    status = use(context, lane->state, batch, error);
    shift(lane, row->number, false);
    if (!lane_read_failed(lane))
        return status;
    lane_unload(lane);
    return not_ready(error, row->domain, row->number);
}

enum status rollup_with_state(struct kernel *kernel, struct database *database, const struct hash *batch,
                              enum status (*use)(void *context, struct rollup_state *before,
                                                 const struct batch *batch, struct error *error),
                              void *context, struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct rollup rollup;
    struct batch_row row;
    struct batch loaded;
    struct lane *lane;
    enum status status;

    arena_init(&arena);
    if (!batch_find(database, batch, &row) || !rollup_find(database, row.domain, &rollup))
        return error_set(error, ERROR_BATCH_NOT_FOUND, "there is no such batch");
    TRY(batch_load_here(database, &rollup, &row, &arena, &loaded, error));
    lane = lane_lock(kernel, row.domain);
    if (lane == NULL)
        return not_ready(error, row.domain, row.number);
    status = use_state(lane, &row, &loaded, use, context, error);
    lane_unlock(lane);
    return status;
}
