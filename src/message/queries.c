/* The queries about messages: see queries.h. */
#include "message/queries.h"

#include "kernel/page.h"
#include "kernel/query.h"

/* --- message.domains -------------------------------------------------------------------------- */
struct domains {
    uint64_t after, limit;
};

static const struct param domains_params[] = {
    PARAM(struct domains, after, INTEGER, OPTIONAL, "only domains with a higher number"),
    PARAM(struct domains, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status domains(struct query *q, const void *params, struct writer *w)
{
    const struct domains *p = params;
    struct statement *s = statement(q->database,
        "SELECT domain, name, kind, escrow, root, count, (SELECT json_group_array(symbol) FROM"
        "  (SELECT symbol FROM domain_asset AS a JOIN asset ON asset.id = a.asset"
        "   WHERE a.domain = message_domain.domain ORDER BY number)) AS assets"
        " FROM message_domain JOIN domain ON domain.id = domain WHERE domain > ? ORDER BY domain LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "domain");
        writer_object_begin(w);
        write_column_integer(w, s, "domain");
        write_column_text(w, s, "name");
        write_column_text(w, s, "kind");
        write_column_account(w, s, "escrow");
        write_column_json(w, s, "assets");
        write_column_hex(w, s, "root");
        write_column_integer(w, s, "count");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- message.inbox ---------------------------------------------------------------------------- */
struct inbox {
    uint64_t domain, after, limit;
};

/* Of message.claims too. */
static const struct param inbox_params[] = {
    PARAM(struct inbox, domain, INTEGER, REQUIRED, "number of the domain"),
    PARAM(struct inbox, after, INTEGER, OPTIONAL, "only what has a higher number", .fallback = NOT_GIVEN),
    PARAM(struct inbox, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status inbox(struct query *q, const void *params, struct writer *w)
{
    const struct inbox *p = params;
    struct statement *s = statement(
        q->database,
        "SELECT inbox.number AS number, state, sender, symbol, inbox.amount AS amount, payload,"
        " deadline_us, queued_us, lasting, queued_seq FROM inbox"
        " JOIN domain_asset AS a ON a.domain = inbox.domain AND a.number = inbox.asset"
        " JOIN asset ON asset.id = a.asset"
        " WHERE inbox.domain = ? AND inbox.number > ? ORDER BY inbox.number LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->domain);
    bind_integer(s, p->after == NOT_GIVEN ? -1 : (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "number");
        writer_object_begin(w);
        write_column_integer(w, s, "number");
        write_column_text(w, s, "state");
        write_column_account(w, s, "sender");
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "amount");
        write_column_hex(w, s, "payload");
        write_column_integer(w, s, "deadline_us");
        write_column_integer(w, s, "queued_us");
        write_column_integer(w, s, "lasting");
        write_column_integer(w, s, "queued_seq");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- message.claims --------------------------------------------------------------------------- */
static enum status claims(struct query *q, const void *params, struct writer *w)
{
    const struct inbox *p = params;
    struct statement *s = statement(
        q->database,
        "SELECT number, symbol, amount, recipient, claimed_seq FROM withdrawal_claim AS c"
        " JOIN asset ON asset.id = c.asset WHERE domain = ? AND number > ? ORDER BY number LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->domain);
    bind_integer(s, p->after == NOT_GIVEN ? -1 : (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "number");
        writer_object_begin(w);
        write_column_integer(w, s, "number");
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "amount");
        write_column_account(w, s, "recipient");
        write_column_integer(w, s, "claimed_seq");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- message.credits -------------------------------------------------------------------------- */
struct credits {
    uint64_t after, limit;
};

static const struct param credits_params[] = {
    PARAM(struct credits, after, INTEGER, OPTIONAL, "only credits with a higher number"),
    PARAM(struct credits, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status credits(struct query *q, const void *params, struct writer *w)
{
    const struct credits *p = params;
    struct statement *s = statement(
        q->database,
        "SELECT credit.id AS id, credit.domain AS domain, symbol, credit.amount AS amount, recipient,"
        " credit.created_seq AS created_seq FROM credit"
        " JOIN domain_asset AS a ON a.domain = credit.domain AND a.number = credit.asset"
        " JOIN asset ON asset.id = a.asset WHERE credit.id > ? ORDER BY credit.id LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "id");
        writer_object_begin(w);
        write_column_integer(w, s, "id");
        write_column_integer(w, s, "domain");
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "amount");
        write_column_account(w, s, "recipient");
        write_column_integer(w, s, "created_seq");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

const struct query_method message_queries[MESSAGE_QUERIES] = {
    { "message.domains", ACCESS_PUBLIC, domains, PARAMS(struct domains, domains_params),
      .help = "List the domains above the base ledger, with their assets and their newest final root.",
      .result = "a page of domains" },
    { "message.inbox", ACCESS_PUBLIC, inbox, PARAMS(struct inbox, inbox_params),
      .help = "List what was sent into a domain, and what became of it.", .result = "a page of inbox items",
      .example = "domain=1" },
    { "message.claims", ACCESS_PUBLIC, claims, PARAMS(struct inbox, inbox_params),
      .help = "List the withdrawals from a domain that were claimed.", .result = "a page of claims",
      .example = "domain=1" },
    { "message.credits", ACCESS_PUBLIC, credits, PARAMS(struct credits, credits_params),
      .help = "List what was due to accounts that no key opens.", .result = "a page of credits" },
};
