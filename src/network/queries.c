/* What is asked about networks, links, operations and writes: see queries.h. */
#include "network/queries.h"

#include <stdio.h>
#include <string.h>

#include "kernel/page.h"
#include "kernel/param.h"
#include "kernel/query.h"
#include "network/call.h"
#include "network/links.h"
#include "network/names.h"
#include "network/write_rows.h"

/* --- network.networks --------------------------------------------------------------------------- */
static void write_options(struct writer *w, const struct network *network)
{
    writer_key(w, "options");
    writer_array_begin(w);
    for (size_t i = 0; i < network->option_count; i++) {
        writer_object_begin(w);
        writer_member_text(w, "name", network->options[i].name);
        writer_member_text(w, "type", param_type_name(network->options[i].type));
        writer_member_boolean(w, "required", network->options[i].required);
        writer_member_text(w, "help", network->options[i].help);
        writer_object_end(w);
    }
    writer_array_end(w);
}

static void write_network(struct writer *w, const struct network *network, bool whole)
{
    writer_object_begin(w);
    writer_member_text(w, "name", network->name);
    writer_member_text(w, "help", network->help);
    writer_member_boolean(w, "needs_key", network->needs_key);
    if (whole)
        write_options(w, network);
    writer_key(w, "operations");
    writer_array_begin(w);
    for (int i = 0; i < NETWORK_OPERATIONS; i++)
        if (network_offers(network, (enum network_operation)i))
            writer_text(w, network_operation_name((enum network_operation)i));
    writer_array_end(w);
    writer_object_end(w);
}

struct network_name { const char *network; };
static const struct param network_params[] = {
    PARAM(struct network_name, network, TEXT, OPTIONAL, "this one alone", .most = LINK_NAME_MAX),
};

static enum status list_networks(struct query *q, const void *params, struct writer *w)
{
    const struct network_name *p = params;

    if (p->network != NULL && network_find(p->network) == NULL)
        return query_fail(q, ERROR_NETWORK_NOT_SUPPORTED,
                          "network: there is no '%.64s' here; 'network.networks' lists those that are",
                          p->network);
    if (p->network != NULL) {
        write_network(w, network_find(p->network), true);
        return OK;
    }
    writer_object_begin(w);
    writer_key(w, "items");
    writer_array_begin(w);
    for (const struct network *const *n = network_all(); *n != NULL; n++)
        write_network(w, *n, false);
    writer_array_end(w);
    writer_object_end(w);
    return OK;
}

/* --- network.list ------------------------------------------------------------------------------- */
static void write_link(struct query *q, const struct link_row *row, struct writer *w)
{
    struct error error;
    struct link *link;

    writer_object_begin(w);
    writer_member_text(w, "link", row->name);
    writer_member_text(w, "network", row->network);
    writer_member_text(w, "state", link_state_name(row->state));
    writer_member_text(w, "key", row->key);
    if (row->key != NULL)
        writer_member_hex(w, "public_key", row->public_key.bytes, sizeof(row->public_key.bytes));
    writer_member_text(w, "chain", row->chain);
    writer_member_text(w, "version", row->version);
    writer_member_text(w, "account", row->account);
    writer_member_text(w, "error", row->error);
    if (link_hold(links_of(q->kernel), row->id, &link, &error) == OK) {
        writer_key(w, "client");
        link->network->describe(link->client, w);
        link_release(links_of(q->kernel), link);
    } else {
        writer_member_text(w, "client_error", error.message);
    }
    writer_object_end(w);
}

struct listing {
    struct query *q;
    struct writer *w;
};

static void list_one(void *context, const struct link_row *row)
{
    const struct listing *listing = context;

    write_link(listing->q, row, listing->w);
}

static enum status list_links(struct query *q, const void *params, struct writer *w)
{
    struct listing listing = { q, w };

    (void)params;
    writer_object_begin(w);
    writer_key(w, "items");
    writer_array_begin(w);
    row_link_each(q->database, list_one, &listing);
    writer_array_end(w);
    writer_object_end(w);
    return OK;
}

/* --- network.capabilities and network.metrics --------------------------------------------------- */
struct link_name { const char *link; };
static const struct param link_params[] = {
    PARAM(struct link_name, link, TEXT, REQUIRED, "name of the link", .most = LINK_NAME_MAX),
};

static enum status hold(struct query *q, const char *name, struct link **link)
{
    struct arena arena CLEANUP(arena_close);
    struct link_row row;
    struct error error;
    enum status status;

    arena_init(&arena);
    if (!row_link_find(q->database, name, &arena, &row))
        return query_fail(q, ERROR_NETWORK_LINK_NOT_FOUND, "link: there is no '%s'", name);
    status = link_hold(links_of(q->kernel), row.id, link, &error);
    return status == OK ? OK : query_fail(q, status, "%s", error.message);
}

static enum status capabilities(struct query *q, const void *params, struct writer *w)
{
    const struct link_name *p = params;
    struct link *link;
    const char *reason;

    TRY(hold(q, p->link, &link));
    writer_object_begin(w);
    writer_member_text(w, "link", p->link);
    writer_member_text(w, "network", link->network->name);
    writer_key(w, "operations");
    writer_array_begin(w);
    for (int i = 0; i < NETWORK_OPERATIONS; i++) {
        bool offered = link_offers(link, (enum network_operation)i, &reason);

        if (!offered && reason == NULL)
            reason = "the network has no such operation here";
        writer_object_begin(w);
        writer_member_text(w, "operation", network_operation_name((enum network_operation)i));
        writer_member_boolean(w, "supported", offered);
        if (!offered)
            writer_member_text(w, "reason", reason);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_object_end(w);
    link_release(links_of(q->kernel), link);
    return OK;
}

static void write_endpoint(const struct link *link, struct writer *w)
{
    struct endpoint_metrics m = { .breaker = "closed" };
    char share[16];
    unsigned thousandths;

    if (link->network->measure == NULL || !link->network->measure(link->client, &m))
        return;
    writer_member_unsigned(w, "active_connections", m.active_connections);
    writer_member_unsigned(w, "connections_max", m.connections_max);
    thousandths = (unsigned)(m.pool_utilization * 1000 + 0.5);
    snprintf(share, sizeof(share), "%u.%03u", thousandths / 1000, thousandths % 1000);
    writer_member_raw(w, "pool_utilization", share, strlen(share)); /* 0 … 1 */
    writer_member_unsigned(w, "requests_queued", m.queued);
    writer_member_unsigned(w, "exchanges", m.exchanges);
    writer_member_unsigned(w, "exchange_failures", m.failures);
    writer_member_unsigned(w, "retries", m.retries);
    writer_member_unsigned(w, "refused", m.refused);
    writer_member_text(w, "breaker", m.breaker);
    writer_member_unsigned(w, "latency_us_p50", m.latency_us_p50);
    writer_member_unsigned(w, "latency_us_p99", m.latency_us_p99);
}

static enum status metrics(struct query *q, const void *params, struct writer *w)
{
    const struct link_name *p = params;
    struct link *link;

    TRY(hold(q, p->link, &link));
    writer_object_begin(w);
    writer_member_text(w, "link", p->link);
    writer_member_unsigned(w, "calls", atomic_load(&link->counts.calls));
    writer_member_unsigned(w, "failures", atomic_load(&link->counts.failures));
    writer_member_unsigned(w, "running", atomic_load(&link->counts.running));
    writer_member_unsigned(w, "time_us", atomic_load(&link->counts.time_us));
    write_endpoint(link, w);
    writer_object_end(w);
    link_release(links_of(q->kernel), link);
    return OK;
}

/* --- network.operation and network.operations --------------------------------------------------- */
#define OPERATION_COLUMNS                                                                                    \
    "o.number AS number, o.id AS id, l.name AS link, operation, request, request_key,"                       \
    " CASE WHEN o.state = 'queued' AND EXISTS (SELECT 1 FROM effect WHERE kind = 'network.call'"             \
    " AND key = lower(hex(o.id)) AND running = 1) THEN 'running' ELSE o.state END AS state,"                 \
    " result, code, o.error AS error, asked_us, ended_us"
#define OPERATION_FROM " FROM network_operation o JOIN network_link l ON l.id = o.link"

static void write_operation(struct writer *w, struct statement *s, bool whole)
{
    writer_key(w, "operation");
    writer_hex(w, column_blob(s, "id").data, column_blob(s, "id").size);
    write_column_integer(w, s, "number");
    write_column_text(w, s, "link");
    writer_member_text(w, "kind", column_text(s, "operation"));
    write_column_text(w, s, "state");
    write_column_text(w, s, "request_key");
    if (whole) {
        write_column_json(w, s, "request");
        write_column_json(w, s, "result");
    }
    if (!column_is_null(s, "code"))
        writer_member_text(w, "error_name", status_name((enum status)column_integer(s, "code")));
    write_column_text(w, s, "error");
    write_column_integer(w, s, "asked_us");
    if (!column_is_null(s, "ended_us"))
        write_column_integer(w, s, "ended_us");
}

struct one { struct bytes operation; };
static const struct param one_params[] = {
    PARAM(struct one, operation, BYTES, REQUIRED, "its id", .most = NETWORK_ID_SIZE),
};

static enum status operation(struct query *q, const void *params, struct writer *w)
{
    const struct one *p = params;
    struct statement *s =
        statement(q->database, "SELECT " OPERATION_COLUMNS OPERATION_FROM " WHERE o.id = ?");

    bind_blob(s, p->operation.data, p->operation.size);
    if (!statement_row(s))
        return query_fail(q, ERROR_NETWORK_OPERATION_NOT_FOUND, "operation: there is none with this id");
    writer_object_begin(w);
    write_operation(w, s, true);
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

struct list {
    const char *link;
    uint64_t after, limit;
};
static const struct param list_params[] = {
    PARAM(struct list, link, TEXT, OPTIONAL, "only of this link", .most = LINK_NAME_MAX),
    PARAM(struct list, after, INTEGER, OPTIONAL, "the `next` of the page before"),
    PARAM(struct list, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status list_rows(const struct list *list, struct statement *s, const char *key,
                             void (*write)(struct writer *w, struct statement *s), struct writer *w)
{
    struct page page = page_begin(w, list->limit);
    int64_t last = 0;

    bind_text(s, list->link);
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

static void write_short_operation(struct writer *w, struct statement *s)
{
    write_operation(w, s, false);
}

static enum status operations(struct query *q, const void *params, struct writer *w)
{
    struct statement *s = statement(q->database, "SELECT " OPERATION_COLUMNS OPERATION_FROM
                                    " WHERE l.name = coalesce(?, l.name) AND o.number > ? ORDER BY o.number "
                                    "LIMIT ?");

    return list_rows(params, s, "number", write_short_operation, w);
}

/* --- network.write and network.writes ----------------------------------------------------------- */
#define WRITE_COLUMNS                                                                                        \
    "w.number AS number, o.id AS id, l.name AS link, kind, CASE WHEN w.state = 'sending' AND NOT EXISTS"     \
    " (SELECT 1 FROM effect WHERE kind = 'network.send' AND running = 1 AND key IN ('link/' || w.link,"      \
    " 'write/' || w.number)) THEN 'prepared' ELSE w.state END AS state, settled, transaction_id, label,"     \
    " sequence, asset, details, retries, sends, sent_us, finality, confirmations, height, block, reason,"    \
    " fee_reason, urgent_us"
#define WRITE_FROM                                                                                           \
    " FROM network_write w JOIN network_operation o ON o.number = w.number"                                  \
    " JOIN network_link l ON l.id = w.link"

static void write_number_if_any(struct writer *w, struct statement *s, const char *column)
{
    if (!column_is_null(s, column))
        write_column_integer(w, s, column);
}

static void write_write(struct writer *w, struct statement *s)
{
    writer_key(w, "operation");
    writer_hex(w, column_blob(s, "id").data, column_blob(s, "id").size);
    write_column_integer(w, s, "number");
    write_column_text(w, s, "link");
    write_column_text(w, s, "kind");
    write_column_text(w, s, "state");
    writer_member_boolean(w, "settled", column_integer(s, "settled") != 0);
    writer_member_text(w, "transaction", column_text(s, "transaction_id"));
    write_column_text(w, s, "label");
    write_number_if_any(w, s, "sequence");
    write_column_text(w, s, "asset");
    write_column_integer(w, s, "retries");
    write_column_integer(w, s, "sends");
    write_number_if_any(w, s, "sent_us");
    write_column_text(w, s, "finality");
    write_number_if_any(w, s, "confirmations");
    write_number_if_any(w, s, "height");
    write_column_text(w, s, "block");
    write_column_text(w, s, "reason");
    write_column_text(w, s, "fee_reason");
    write_number_if_any(w, s, "urgent_us");
}

/* Of a write whose fee was raised: all that was signed for it. */
static void write_candidates(struct writer *w, struct database *database, uint64_t number)
{
    struct statement *s = statement(database,
        "SELECT place, transaction_id, details, made_us, sent_us, refusal FROM network_candidate"
        " WHERE number = ? ORDER BY place");

    bind_integer(s, (int64_t)number);
    writer_key(w, "candidates");
    writer_array_begin(w);
    while (statement_row(s)) {
        writer_object_begin(w);
        write_column_integer(w, s, "place");
        writer_member_text(w, "transaction", column_text(s, "transaction_id"));
        write_column_json(w, s, "details");
        write_column_integer(w, s, "made_us");
        write_number_if_any(w, s, "sent_us");
        write_column_text(w, s, "refusal");
        writer_object_end(w);
    }
    writer_array_end(w);
}

static enum status write_of(struct query *q, const void *params, struct writer *w)
{
    const struct one *p = params;
    struct statement *s = statement(q->database,
                                    "SELECT " WRITE_COLUMNS ", raw" WRITE_FROM " WHERE o.id = ?");
    uint64_t number;

    bind_blob(s, p->operation.data, p->operation.size);
    if (!statement_row(s))
        return query_fail(q, ERROR_NETWORK_OPERATION_NOT_FOUND, "operation: there is no write with this id");
    writer_object_begin(w);
    write_write(w, s);
    write_column_json(w, s, "details");
    write_column_hex(w, s, "raw");
    number = (uint64_t)column_integer(s, "number");
    statement_finish(s);
    write_candidates(w, q->database, number);
    writer_object_end(w);
    return OK;
}

static enum status writes(struct query *q, const void *params, struct writer *w)
{
    struct statement *s = statement(q->database, "SELECT " WRITE_COLUMNS WRITE_FROM
                                    " WHERE l.name = coalesce(?, l.name) AND w.number > ? ORDER BY w.number "
                                    "LIMIT ?");

    return list_rows(params, s, "number", write_write, w);
}

/* --- network.blocks ----------------------------------------------------------------------------- */
static const struct param blocks_params[] = {
    PARAM(struct list, link, TEXT, REQUIRED, "of this link", .most = LINK_NAME_MAX),
    PARAM(struct list, after, INTEGER, OPTIONAL, "only higher ones", .fallback = NOT_GIVEN),
    PARAM(struct list, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_block(struct writer *w, struct statement *s)
{
    write_column_integer(w, s, "height");
    write_column_text(w, s, "hash");
    write_column_text(w, s, "parent");
    write_column_integer(w, s, "time_s");
}

static enum status blocks(struct query *q, const void *params, struct writer *w)
{
    struct list list = *(const struct list *)params;
    struct statement *s = statement(q->database,
        "SELECT height, hash, parent, time_s FROM network_block"
        " WHERE link = (SELECT id FROM network_link WHERE name = ? AND state <> 'removed') AND height > ?"
        " ORDER BY height LIMIT ?");

    if (list.after == NOT_GIVEN)
        list.after = (uint64_t)-1; /* bound as −1: height 0 as well */
    return list_rows(&list, s, "height", write_block, w);
}

const struct query_method network_queries[NETWORK_QUERIES] = {
    { "network.networks", ACCESS_PUBLIC, list_networks, PARAMS(struct network_name, network_params),
      .help = "List the networks of this program; of one that is named, show the options too.",
      .result = "items: {name, help, needs_key, operations}; of one alone: {name, …, options, operations}",
      .example = "network=bob", .detached = true },
    { "network.list", ACCESS_OPERATOR, list_links, NO_PARAMS, .help = "List the links to outside networks.",
      .result = "items: {link, network, state, key, chain, error, client …}" },
    { "network.capabilities", ACCESS_OPERATOR, capabilities, PARAMS(struct link_name, link_params),
      .help = "Tell what a link can do, and why not, where it cannot.",
      .result = "operations: {operation, supported, reason}", .example = "link=bob" },
    { "network.metrics", ACCESS_OPERATOR, metrics, PARAMS(struct link_name, link_params),
      .help = "Counters of a link since the node started, and of its connections.",
      .result = "{calls, failures, running, active_connections, pool_utilization (0 … 1), …}",
      .example = "link=bob" },
    { "network.operation", ACCESS_OPERATOR, operation, PARAMS(struct one, one_params),
      .help = "Show an operation with its result.", .result = "the operation", .example = "operation=ID" },
    { "network.operations", ACCESS_OPERATOR, operations, PARAMS(struct list, list_params),
      .help = "List operations.", .result = "a page of operations", .example = "link=bob" },
    { "network.write", ACCESS_OPERATOR, write_of, PARAMS(struct one, one_params),
      .help = "Show what has become of a transaction that this node sent.",
          .result = "the write, with its bytes, and all that were signed for it when its fee was raised",
      .example = "operation=ID" },
    { "network.writes", ACCESS_OPERATOR, writes, PARAMS(struct list, list_params),
      .help = "List transactions that this node sent.", .result = "a page of writes", .example = "link=bob" },
    { "network.blocks", ACCESS_PUBLIC, blocks, PARAMS(struct list, blocks_params),
      .help = "List the stored blocks of a link's network.", .result = "a page of blocks",
      .example = "link=bob" },
};
