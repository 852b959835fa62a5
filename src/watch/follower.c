/* One rollup executed from what is published: see follower.h. */
#include "watch/follower.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "layer2/rollup/data.h"

#define SAME_BATCH_MOST 4096u /* how often one batch may have been taken back and proposed anew */

void follower_open(struct follower *f, uint64_t domain, size_t keep_most, uint64_t limit)
{
    *f = (struct follower){ .domain = domain, .keep_most = keep_most, .limit = limit };
}

static void forget_wrong(struct follower *f)
{
    published_batch_close(&f->wrong.batch);
    f->wrong = (struct stopped_at){ .is_there = false };
}

void follower_close(struct follower *f)
{
    for (size_t i = 0; i < f->kept_count; i++)
        undo_close(&f->kept[i].undo);
    free(f->kept);
    if (f->state != NULL)
        rollup_state_free(f->state);
    forget_wrong(f);
    follower_open(f, f->domain, f->keep_most, f->limit);
}

static const struct executed *tip(const struct follower *f)
{
    return f->kept_count > 0 ? &f->kept[f->kept_count - 1] : &f->base;
}

bool follower_has(const struct follower *f, uint64_t number, const struct hash *id)
{
    const uint64_t first = f->number - f->kept_count + 1;

    return number >= first && number <= f->number && hash_equal(&f->kept[number - first].id, id);
}

void follower_tell(const struct follower *f, const struct watch_listener *listener, const char *what,
                   const struct published_batch *batch, json_t *more, const char *format, ...)
{
    AUTO_JSON json_t *facts = more == NULL ? json_object() : more;
    char said[ERROR_MESSAGE_MAX];
    char *line AUTO_FREE = NULL;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
    json_object_set_new(facts, "rollup", json_integer((json_int_t)f->domain));
    if (batch != NULL) {
        char hex[2 * sizeof(batch->id.bytes) + 1];

        hex_text(hex, batch->id.bytes, sizeof(batch->id.bytes));
        json_object_set_new(facts, "number", json_integer((json_int_t)batch->number));
        json_object_set_new(facts, "batch", json_string(hex));
        line = text_format("rollup %" PRIu64 ", batch %" PRIu64 " (%.8s): %s", f->domain, batch->number, hex,
                           said);
    } else {
        line = text_format("rollup %" PRIu64 ": %s", f->domain, said);
    }
    listener->tell(listener->context, &(struct watch_report){ what, facts, line });
}

/* --- the beginning ---------------------------------------------------------------------------- */
static enum status begin(struct follower *f, const struct published_rollup *terms, struct error *error)
{
    struct rollup_state *state = rollup_state_new(terms->assets, &terms->operator_);
    struct hash root;

    rollup_state_root(state, &root);
    if (!hash_equal(&root, &terms->genesis_root)) {
        rollup_state_free(state);
        return error_set(error, ERROR_CORRUPT,
                         "the root before the first batch is not the one of this operator and these assets");
    }
    f->state = state;
    f->base = (struct executed){ .root = root };
    f->terms = *terms;
    f->begun = true;
    return OK;
}

/* What never changes of a rollup. */
static enum status compare_terms(const struct follower *f, const struct published_rollup *now,
                                 struct error *error)
{
    if (hash_equal(&f->terms.id, &now->id) && hash_equal(&f->terms.genesis_root, &now->genesis_root) &&
        f->terms.assets == now->assets && account_equal(&f->terms.operator_, &now->operator_))
        return OK;
    return error_set(error, ERROR_CORRUPT, "it is another rollup than before: its id or its genesis differs");
}

static void settle(struct follower *f)
{
    const uint64_t first = f->number - f->kept_count + 1;
    size_t done = 0;

    while (done < f->kept_count &&
           (first + done <= f->terms.final || (f->kept_bytes > f->keep_most && done + 1 < f->kept_count))) {
        f->kept_bytes -= f->kept[done].undo.bytes.size;
        undo_close(&f->kept[done].undo);
        f->base = f->kept[done++];
    }
    if (done > 0)
        memmove(f->kept, f->kept + done, (f->kept_count - done) * sizeof(*f->kept));
    f->kept_count -= done;
}

static enum status take_back(struct follower *f, const struct watch_listener *listener, struct error *error)
{
    struct executed *last;

    f->anew = f->kept_count == 0;
    if (f->anew && f->number <= f->terms.final)
        return error_set(error, ERROR_CORRUPT, "batch %" PRIu64 ", which was final, does not stand any more",
                         f->number);
    if (f->anew)
        return error_set(error, ERROR_NOT_READY, "what takes batch %" PRIu64 " back is not kept", f->number);
    last = &f->kept[--f->kept_count];
    undo_back(&last->undo, f->state);
    f->kept_bytes -= last->undo.bytes.size;
    undo_close(&last->undo);
    follower_tell(f, listener, "batch_taken_back",
                  &(struct published_batch){ .id = last->id, .number = f->number }, NULL,
                  "was taken back on the ledger, and is here");
    f->number--;
    return OK;
}

/* --- a batch ---------------------------------------------------------------------------------- */
static enum status assemble(const struct follower *f, struct node *node,
                            const struct published_batch *published, struct arena *arena, struct batch *batch,
                            struct error *error)
{
    struct buffer data CLEANUP(buffer_close) = { 0 };
    const uint64_t inbox = published->inbox_to - published->inbox_from;
    struct bytes *items;
    size_t count = 0;
    uint8_t *copy;

    if (published->inbox_to < published->inbox_from || inbox > BATCH_ITEMS_MAX)
        return error_set(error, ERROR_CORRUPT, "its part of the inbox is none that a batch can have");
    items = arena_new(arena, (inbox + BATCH_ITEMS_MAX) * sizeof(*items));
    TRY(published_inbox(node, f->domain, published->inbox_from, published->inbox_to, arena, items, error));
    if (data_inflate(buffer_bytes(&published->data), &data, error) != OK)
        return error_set(error, ERROR_CORRUPT, "its data is not what the ledger takes");
    copy = arena_new(arena, data.size + 1);
    if (data.size > 0)
        memcpy(copy, data.data, data.size);
    if (batch_split(bytes_of(copy, data.size), &f->terms.id, f->terms.assets, items + inbox, &count, error) !=
        OK)
        return error_set(error, ERROR_CORRUPT, "its data is not what the ledger takes");
    *batch = (struct batch){ .machine = { .rollup = f->terms.id, .assets = f->terms.assets,
                                          .items = inbox + count, .inbox_items = inbox,
                                          .inbox_from = published->inbox_from },
                             .number = published->number, .previous_root = published->previous_root,
                             .items = items };
    return OK;
}

/* The id is that of the context and what is claimed; or follows from it, where the same was proposed
 * before and taken back. */
static bool id_follows(const struct published_batch *published)
{
    struct hash id;

    batch_id(&id, &published->context, &published->parent, &published->result, &published->proposer);
    for (unsigned i = 0; i < SAME_BATCH_MOST; i++) {
        if (hash_equal(&id, &published->id))
            return true;
        tagged_hash(&id, "layerd/rollup/again", id.bytes, sizeof(id.bytes));
    }
    return false;
}

/* That the batch served is the one with this id, and stands where the rollup was left. */
static enum status check_batch(const struct follower *f, const struct published_batch *published,
                               const struct batch *batch, struct error *error)
{
    struct hash items_root, context;

    if (!hash_equal(&published->previous_root, &tip(f)->root) || published->inbox_from != tip(f)->inbox_to)
        return error_set(error, ERROR_CORRUPT, "batch %" PRIu64 " does not go on where %" PRIu64 " ends",
                         published->number, f->number);
    if (batch->machine.items == published->items) {
        batch_items_root(batch, &items_root);
        batch_context(batch, &items_root, &context);
        if (hash_equal(&items_root, &published->items_root) && hash_equal(&context, &published->context) &&
            id_follows(published))
            return OK;
    }
    return error_set(error, ERROR_CORRUPT, "the data of batch %" PRIu64 " is not that of its id",
                     published->number);
}

static void stop_at(struct follower *f, struct published_batch *published, bool unpublished, const char *why)
{
    forget_wrong(f);
    f->wrong = (struct stopped_at){ .is_there = true, .unpublished = unpublished, .batch = *published };
    snprintf(f->wrong.why, sizeof(f->wrong.why), "%s", why);
    published->data = (struct buffer){ 0 };
}

static const char *difference(const struct batch_result *claimed, const struct batch_result *true_)
{
    if (!hash_equal(&claimed->root, &true_->root))
        return "it leads to another root";
    if (!hash_equal(&claimed->withdrawal_root, &true_->withdrawal_root))
        return "it leads to another withdrawal root";
    return claimed->withdrawals != true_->withdrawals ? "it makes another number of withdrawals" : NULL;
}

static void keep(struct follower *f, const struct published_batch *published,
                 const struct batch_effects *effects)
{
    if (f->kept_count == f->kept_room) {
        f->kept_room = f->kept_room == 0 ? 16 : 2 * f->kept_room;
        f->kept = memory_resize(f->kept, f->kept_room * sizeof(*f->kept));
    }
    f->kept[f->kept_count++] = (struct executed){ .id = published->id, .root = published->result.root,
                                                  .inbox_to = published->inbox_to };
    undo_pack(&f->kept[f->kept_count - 1].undo, effects);
    f->kept_bytes += f->kept[f->kept_count - 1].undo.bytes.size;
    f->number++;
    f->batches++;
}

/* Executes it; keeps it, or stops at it. */
static enum status execute(struct follower *f, struct node *node, struct published_batch *published,
                           struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct batch_effects effects = { .changes = NULL };
    struct batch_result result;
    struct batch batch;
    struct error why;
    enum item_fault fault;
    enum status status;
    uint64_t invalid;
    const char *differs;

    arena_init(&arena);
    if (published->data.size == 0 && published->items > published->inbox_to - published->inbox_from) {
        stop_at(f, published, true, "its data is not published");
        return OK;
    }
    status = assemble(f, node, published, &arena, &batch, error);
    if (status == OK)
        status = check_batch(f, published, &batch, error);
    if (status == ERROR_CORRUPT && !published->on_ledger) {
        stop_at(f, published, true, "what is served for its data, which is not on the ledger, is not that");
        return OK;
    }
    TRY(status);
    if (rollup_execute(f->state, &batch, NULL, &result, &effects, &invalid, &fault, &why) != OK) {
        stop_at(f, published, false, why.message);
        return OK;
    }
    differs = difference(&published->result, &result);
    if (differs == NULL) {
        keep(f, published, &effects);
    } else {
        rollup_revert(f->state, effects.changes, effects.change_count);
        stop_at(f, published, false, differs);
    }
    batch_effects_close(&effects);
    return OK;
}

/* --- catching up ------------------------------------------------------------------------------ */
static enum status next_batch(struct follower *f, struct node *node, const struct watch_listener *listener,
                              bool *on, struct error *error)
{
    struct published_batch next CLEANUP(published_batch_close) = { .number = 0 };
    enum status status = published_batch(node, f->domain, f->number + 1, NULL, &next, error);

    if (status == ERROR_BATCH_NOT_FOUND)
        return error_set(error, ERROR_NOT_READY, "batch %" PRIu64 " was taken back meanwhile", f->number + 1);
    TRY(status);
    if (!hash_equal(&next.parent, &tip(f)->id))
        return take_back(f, listener, error);
    if (f->wrong.is_there && hash_equal(&next.id, &f->wrong.batch.id) && !f->wrong.unpublished) {
        memcpy(f->wrong.batch.state, next.state, sizeof(next.state));
        *on = false;
        return OK;
    }
    forget_wrong(f);
    TRY(execute(f, node, &next, error));
    *on = !f->wrong.is_there;
    return OK;
}

/* Whether the newest batch executed here may be the ledger's; what comes next tells the rest. */
static bool stands(const struct follower *f)
{
    if (f->number > f->terms.head)
        return false;
    return f->number < f->terms.head || f->number == 0 || hash_equal(&tip(f)->id, &f->terms.head_batch);
}

enum status follower_catch_up(struct follower *f, struct node *node, const struct watch_listener *listener,
                              struct error *error)
{
    struct published_rollup terms;
    bool on = true;

    f->batches = 0;
    if (f->anew) {
        char doubt[sizeof(f->doubt)];

        memcpy(doubt, f->doubt, sizeof(doubt));
        follower_close(f);
        memcpy(f->doubt, doubt, sizeof(doubt));
    }
    TRY(published_rollup(node, f->domain, &terms, error));
    if (!f->begun)
        TRY(begin(f, &terms, error));
    TRY(compare_terms(f, &terms, error));
    f->terms = terms;
    settle(f);
    while (!stands(f))
        TRY(take_back(f, listener, error));
    while (on && f->number < f->terms.head && (f->limit == 0 || f->number < f->limit) &&
           !listener->stopped(listener->context)) {
        TRY(next_batch(f, node, listener, &on, error));
        settle(f);
        listener->progress(listener->context, f->domain, f->number, f->terms.head);
    }
    if (f->wrong.is_there && f->wrong.batch.number != f->number + 1)
        forget_wrong(f);
    if (f->wrong.is_there && f->number == f->terms.head)
        forget_wrong(f);
    return OK;
}

/* --- the state before a batch ----------------------------------------------------------------- */
/* Back to before kept[from], or forth again. */
static void shift(struct follower *f, size_t from, bool back)
{
    for (size_t i = 0; i < f->kept_count - from; i++) {
        if (back)
            undo_back(&f->kept[f->kept_count - 1 - i].undo, f->state);
        else
            undo_forth(&f->kept[from + i].undo, f->state);
    }
}

enum status follower_before(struct follower *f, struct node *node, const struct published_batch *published,
                            enum status (*use)(void *context, struct rollup_state *before,
                                               const struct batch *batch, struct error *error),
                            void *context, struct error *error)
{
    struct arena arena CLEANUP(arena_close);
    struct batch batch;
    enum status status;
    size_t from;

    arena_init(&arena);
    if (f->wrong.is_there && !f->wrong.unpublished && hash_equal(&f->wrong.batch.id, &published->id))
        from = f->kept_count;
    else if (follower_has(f, published->number, &published->id))
        from = (size_t)(published->number - (f->number - f->kept_count + 1));
    else
        return error_set(error, ERROR_NOT_READY, "batch %" PRIu64 " was not executed here",
                         published->number);
    TRY(assemble(f, node, published, &arena, &batch, error));
    shift(f, from, true);
    status = use(context, f->state, &batch, error);
    shift(f, from, false);
    return status;
}
