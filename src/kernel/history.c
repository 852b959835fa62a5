/* What happened and what is to come: see history.h. Queries only. */
#include "kernel/history.h"

#include <inttypes.h>

#include "kernel/block.h"
#include "kernel/internal.h"
#include "kernel/page.h"

struct list {
    uint64_t after, limit;
};
static const struct param list_params[] = {
    PARAM(struct list, after, INTEGER, OPTIONAL, "the `next` of the page before"),
    PARAM(struct list, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

/* Pages of a table by its integer key. `sql` has two parameters: the key to start after, and the limit. */
static enum status list_rows(struct query *q, const struct list *list, const char *sql, const char *key,
                             void (*write)(struct writer *w, struct statement *s), struct writer *w)
{
    struct statement *s = statement(q->database, sql);
    struct page page = page_begin(w, list->limit);
    int64_t last = 0;

    bind_integer(s, (int64_t)list->after);
    page_bind(s, list->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, key);
        writer_object_begin(w);
        write(w, s);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- transactions ----------------------------------------------------------------------------- */
struct transaction_key {
    struct hash id;
};
static const struct param transaction_params[] = {
    PARAM(struct transaction_key, id, HASH, REQUIRED, "the transaction's id"),
};

static void write_transaction(struct writer *w, struct statement *s)
{
    write_column_integer(w, s, "number");
    write_column_hex(w, s, "id");
    write_column_integer(w, s, "block");
    write_column_account(w, s, "account");
    write_column_text(w, s, "method");
    write_column_integer(w, s, "first_seq");
    write_column_integer(w, s, "last_seq");
}

/* Whether the caller may see what the transaction says. */
static bool body_is_shown(const struct query *q, struct statement *s)
{
    const struct command *command = registry_command(q->kernel->registry, column_text(s, "method"));

    return q->caller.operator_ || command == NULL || !command->sealed;
}

static enum status transaction_get(struct query *q, const void *params, struct writer *w)
{
    const struct transaction_key *p = params;
    struct statement *s = statement(
        q->database, "SELECT *, body AS \"transaction\" FROM signed_transaction WHERE id = ?");
    char id[65];

    hex_text(id, p->id.bytes, sizeof(p->id.bytes));
    bind_blob(s, p->id.bytes, sizeof(p->id.bytes));
    if (!statement_row(s))
        return query_fail(q, ERROR_NOT_FOUND, "no transaction %s was executed here", id);
    writer_object_begin(w);
    write_transaction(w, s);
    if (body_is_shown(q, s))
        write_column_json(w, s, "transaction");
    write_column_hex(w, s, "signature");
    write_column_json(w, s, "result");
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

static enum status transaction_list(struct query *q, const void *params, struct writer *w)
{
    return list_rows(q, params, "SELECT * FROM signed_transaction WHERE number > ? ORDER BY number LIMIT ?",
                     "number", write_transaction, w);
}

/* --- blocks ----------------------------------------------------------------------------------- */
struct block_key {
    uint64_t height;
};
static const struct param block_params[] = {
    PARAM(struct block_key, height, INTEGER, REQUIRED, "the block's height"),
};

static void write_block(struct writer *w, struct statement *s)
{
    write_column_integer(w, s, "height");
    write_column_integer(w, s, "time_us");
    write_column_integer(w, s, "chain_time_us");
    write_column_integer(w, s, "transactions");
    write_column_integer(w, s, "events");
    write_column_hex(w, s, "content");
    write_column_hex(w, s, "previous");
    write_column_hex(w, s, "hash");
}

static enum status block_get(struct query *q, const void *params, struct writer *w)
{
    const struct block_key *p = params;
    struct statement *s = statement(q->database, "SELECT * FROM block WHERE height = ?");

    bind_integer(s, (int64_t)p->height);
    if (!statement_row(s))
        return query_fail(q, ERROR_NOT_FOUND, "no block %" PRIu64 "; the newest is %" PRIu64, p->height,
                          kernel_height(q->kernel));
    writer_object_begin(w);
    write_block(w, s);
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

/* Heights begin with 0, so this list starts at a height and not after one. */
struct block_list {
    uint64_t first, limit;
};
static const struct param block_list_params[] = {
    PARAM(struct block_list, first, INTEGER, OPTIONAL,
          "start with this height; the `next` of the page before"),
    PARAM(struct block_list, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status block_list(struct query *q, const void *params, struct writer *w)
{
    const struct block_list *p = params;
    struct statement *s =
        statement(q->database, "SELECT * FROM block WHERE height >= ? ORDER BY height LIMIT ?");
    struct page page = page_begin(w, p->limit);
    int64_t next = 0;

    bind_integer(s, (int64_t)p->first);
    page_bind(s, p->limit);
    while (page_row(&page, s)) {
        next = column_integer(s, "height") + 1;
        writer_object_begin(w);
        write_block(w, s);
        writer_object_end(w);
    }
    page_end_integer(&page, next);
    return OK;
}

/* --- deadlines and effects -------------------------------------------------------------------- */
static void write_deadline(struct writer *w, struct statement *s)
{
    write_column_integer(w, s, "id");
    writer_member_text(w, "clock", column_integer(s, "clock") == CLOCK_BLOCK ? "block" : "chain");
    write_column_integer(w, s, "due_us");
    write_column_text(w, s, "kind");
    write_column_hex(w, s, "subject");
}

static enum status deadline_list(struct query *q, const void *params, struct writer *w)
{
    return list_rows(q, params, "SELECT * FROM deadline WHERE id > ? ORDER BY id LIMIT ?", "id",
                     write_deadline, w);
}

static void write_effect(struct writer *w, struct statement *s)
{
    write_column_integer(w, s, "id");
    write_column_text(w, s, "kind");
    write_column_text(w, s, "key");
    write_column_text(w, s, "state");
    write_column_integer(w, s, "attempts");
    write_column_integer(w, s, "created_us");
    write_column_integer(w, s, "next_us");
    if (!column_is_null(s, "ended_us"))
        write_column_integer(w, s, "ended_us");
    write_column_json(w, s, "request");
    if (!column_is_null(s, "result"))
        write_column_json(w, s, "result");
}

static enum status effect_list(struct query *q, const void *params, struct writer *w)
{
    return list_rows(q, params, "SELECT * FROM effect WHERE id > ? ORDER BY id LIMIT ?", "id", write_effect,
                     w);
}

struct effect_key {
    uint64_t id;
};
static const struct param effect_params[] = {
    PARAM(struct effect_key, id, INTEGER, REQUIRED, "the effect's id"),
};

static enum status effect_get(struct query *q, const void *params, struct writer *w)
{
    const struct effect_key *p = params;
    struct statement *s = statement(q->database, "SELECT * FROM effect WHERE id = ?");

    bind_integer(s, (int64_t)p->id);
    if (!statement_row(s))
        return query_fail(q, ERROR_NOT_FOUND, "no effect %" PRIu64, p->id);
    writer_object_begin(w);
    write_effect(w, s);
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

/* --- the tables ------------------------------------------------------------------------------- */
static const struct query_method queries[] = {
    { "transaction.get", ACCESS_PUBLIC, transaction_get, PARAMS(struct transaction_key, transaction_params),
      .help = "One executed transaction with its signature and result; what reveals a secret is shown to the "
              "operator alone.", .result = "{number, id, block, …}" },
    { "transaction.list", ACCESS_PUBLIC, transaction_list, PARAMS(struct list, list_params),
      .help = "Executed transactions in order.", .result = "{items, next}", .example = "limit=20" },
    { "block.get", ACCESS_PUBLIC, block_get, PARAMS(struct block_key, block_params), .help = "One block.",
      .result = "{height, time_us, hash, …}", .example = "height=1" },
    { "block.list", ACCESS_PUBLIC, block_list, PARAMS(struct block_list, block_list_params),
      .help = "Blocks in order of height.", .result = "{items, next}" },
    { "deadline.list", ACCESS_PUBLIC, deadline_list, PARAMS(struct list, list_params),
      .help = "What will fire when its time comes.", .result = "{items, next}" },
    { "effect.list", ACCESS_OPERATOR, effect_list, PARAMS(struct list, list_params),
      .help = "Work outside the transaction: waiting, done and failed.", .result = "{items, next}" },
    { "effect.get", ACCESS_OPERATOR, effect_get, PARAMS(struct effect_key, effect_params),
      .help = "One effect.", .result = "{id, kind, state, …}" },
};

const struct module history_module = {
    .name = "history", .help = "transactions, blocks, deadlines and effects", QUERIES(queries),
};
