/* rollup.rebuild: a rollup from its creation and batches' data alone, published or held here, every signature
 * verified. */
#include <inttypes.h>
#include <stdio.h>

#include "kernel/kernel.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/queries.h"

struct rebuilding {
    struct rollup rollup;
    struct rollup_state *state;
    struct hash parent, root;
    uint64_t batches, items;
    char difference[ERROR_MESSAGE_MAX + 32];
};

static bool differs(struct rebuilding *r, const struct batch_row *row, const struct batch_result *result)
{
    const char *what = NULL;

    if (!hash_equal(&row->result.root, &result->root))
        what = "the root";
    else if (!hash_equal(&row->result.withdrawal_root, &result->withdrawal_root))
        what = "the withdrawal root";
    else if (row->result.withdrawals != result->withdrawals)
        what = "the number of withdrawals";
    if (what != NULL)
        snprintf(r->difference, sizeof(r->difference), "batch %" PRIu64 ": %s is another one", row->number,
                 what);
    return what != NULL;
}

/* False: there is a difference, or what is here does not suffice (*failure). */
static bool execute(struct rebuilding *r, struct query *q, const struct batch_row *row, enum status *failure)
{
    struct arena arena CLEANUP(arena_close);
    struct batch_result result;
    enum item_fault fault;
    struct batch batch;
    struct error error;
    enum status status;
    uint64_t invalid;

    arena_init(&arena);
    status = batch_load_here(q->database, &r->rollup, row, &arena, &batch, &error);
    if (status == ERROR_DATA_NOT_HELD) {
        *failure = query_fail(q, status, "%s", error.message);
        return false;
    }
    if (status == OK)
        status = rollup_execute(r->state, &batch, NULL, &result, NULL, &invalid, &fault, &error);
    if (status != OK) {
        snprintf(r->difference, sizeof(r->difference), "batch %" PRIu64 ": %s", row->number, error.message);
        return false;
    }
    if (!hash_equal(&row->parent, &r->parent) || !hash_equal(&row->previous_root, &r->root)) {
        snprintf(r->difference, sizeof(r->difference), "batch %" PRIu64 " has another parent", row->number);
        return false;
    }
    if (differs(r, row, &result))
        return false;
    r->parent = row->id;
    r->root = result.root;
    r->batches++;
    r->items += row->items;
    return true;
}

static enum status rebuild(struct query *q, struct rebuilding *r)
{
    enum status failure = OK;
    struct batch_row row;

    rollup_state_root(r->state, &r->root);
    if (!hash_equal(&r->root, &r->rollup.genesis_root)) {
        snprintf(r->difference, sizeof(r->difference), "the root before the first batch is another one");
        return OK;
    }
    for (uint64_t number = 1; number <= r->rollup.head; number++) {
        if (kernel_stopping(q->kernel))
            return query_fail(q, ERROR_STOPPING, "the node stops");
        if (!batch_find_number(q->database, r->rollup.domain, number, &row))
            return query_fail(q, ERROR_NOT_READY, "batch %" PRIu64 " was taken back meanwhile", number);
        if (!execute(r, q, &row, &failure))
            return failure;
    }
    return OK;
}

enum status rebuild_rollup(struct query *q, const void *params, struct writer *w)
{
    const struct rebuild *p = params;
    struct rebuilding r = { .batches = 0 };
    enum status status;

    if (!rollup_find(q->database, p->domain, &r.rollup))
        return query_fail(q, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, p->domain);
    r.state = rollup_state_new(r.rollup.assets, &r.rollup.operator_);
    status = rebuild(q, &r);
    rollup_state_free(r.state);
    TRY(status);
    writer_object_begin(w);
    writer_member_boolean(w, "equal", r.difference[0] == '\0');
    if (r.difference[0] != '\0')
        writer_member_text(w, "difference", r.difference);
    writer_member_unsigned(w, "batches", r.batches);
    writer_member_unsigned(w, "items", r.items);
    writer_member_hex(w, "root", r.root.bytes, sizeof(r.root.bytes));
    writer_object_end(w);
    return OK;
}
