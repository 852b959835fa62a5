/* What people may ask about transfers: see queries.h. */
#include "layer2/transfer/queries.h"

#include <string.h>

#include "base/bech32.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "layer2/transfer/proof.h"
#include "layer2/transfer/rows.h"

#define EXAMPLE_TRANSFER "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static void write_account(struct writer *w, const char *name, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_member_text(w, name, address);
}

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static void bind_given(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account_is_zero(account) ? NULL : account->bytes, sizeof(account->bytes));
}

/* --- transfer.get, transfer.list ------------------------------------------------------------------ */
static void write_leg(struct writer *w, const struct leg *leg)
{
    writer_key(w, side_name(leg->side));
    writer_object_begin(w);
    writer_member_text(w, "place", leg->place);
    writer_member_text(w, "from", leg->sender);
    writer_member_text(w, "to", leg->recipient);
    writer_member_text(w, "asset", leg->asset);
    writer_member_text(w, "amount", leg->amount);
    writer_member_text(w, "lock", sight_name(leg->sight));
    writer_member_integer(w, "expiry_us", leg->expiry_us);
    writer_member_text(w, "reference", text_or_null(leg->reference));
    writer_member_text(w, "acting", leg->acting == ACT_NOTHING ? NULL : transfer_action_name(leg->acting));
    if (leg->unseen_us > 0)
        writer_member_integer(w, "unseen_us", leg->unseen_us); /* since when it cannot be looked at */
    if (leg->told_us > 0)
        writer_member_integer(w, "told_us", leg->told_us);     /* transfer.stuck */
    writer_member_unsigned(w, "tries", leg->tries);
    if (leg->tries > 0)
        writer_member_integer(w, "again_us", leg->again_us); /* not before then */
    writer_object_end(w);
}

/* A secret that was given and is not shown yet is nobody's business. */
static bool is_shown(const struct transfer *t)
{
    return t->preimage_known && (t->secret != SECRET_GIVEN || t->state >= TRANSFER_CLAIMED);
}

static void write_transfer(struct writer *w, const struct transfer *t)
{
    writer_object_begin(w);
    writer_member_hex(w, "transfer", t->id.bytes, sizeof(t->id.bytes));
    writer_member_text(w, "state", transfer_state_name(t->state));
    write_account(w, "account", &t->account);
    write_account(w, "provider", &t->provider);
    writer_member_hex(w, "asset", t->asset.bytes, sizeof(t->asset.bytes));
    writer_member_unsigned(w, "amount", t->amount);
    writer_member_unsigned(w, "fee", t->fee);
    writer_member_hex(w, "hash", t->hash.bytes, sizeof(t->hash.bytes));
    if (is_shown(t))
        writer_member_hex(w, "preimage", t->preimage.bytes, sizeof(t->preimage.bytes));
    writer_member_boolean(w, "cancelled", t->cancelled);
    writer_member_text(w, "reason", text_or_null(t->reason));
    writer_member_integer(w, "lock_until_us", t->lock_until_us);
    writer_member_integer(w, "started_us", t->started_us);
    if (t->ended_us > 0)
        writer_member_integer(w, "ended_us", t->ended_us);
    writer_member_unsigned(w, "created_seq", t->created_seq);
    for (size_t i = 0; i < SIDES; i++)
        write_leg(w, &t->legs[i]);
    writer_object_end(w);
}

static enum status get(struct query *q, const void *params, struct writer *w)
{
    const struct proof_params *p = params;
    struct transfer *t = memory_new(sizeof(*t));
    bool found = transfer_read(q->database, &p->transfer, t);

    if (found)
        write_transfer(w, t);
    memory_free_pointer(&t);
    return found ? OK : query_fail(q, ERROR_TRANSFER_NOT_FOUND, "there is no such transfer");
}

struct list {
    struct account_id account, provider;
    bool open;
    uint64_t after, limit;
};

static const struct param list_params[] = {
    PARAM(struct list, account, ACCOUNT, OPTIONAL, "only those that this account started"),
    PARAM(struct list, provider, ACCOUNT, OPTIONAL, "only those by this provider"),
    PARAM(struct list, open, BOOLEAN, OPTIONAL, "only those that have not ended; false"),
    PARAM(struct list, after, INTEGER, OPTIONAL, "only those whose created_seq is greater"),
    PARAM(struct list, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

/* Each by the index that serves it: those that ended are passed over by none. */
static struct statement *list_statement(struct query *q, const struct list *p)
{
    if (p->open)
        return statement(q->database,
            "SELECT id, created_seq FROM transfer INDEXED BY transfer_open WHERE due_us IS NOT NULL"
            " AND account = coalesce(?, account) AND provider = coalesce(?, provider) AND created_seq > ?"
            " ORDER BY created_seq LIMIT ?");
    if (!account_is_zero(&p->account))
        return statement(q->database,
            "SELECT id, created_seq FROM transfer INDEXED BY transfer_account WHERE account = ?"
            " AND provider = coalesce(?, provider) AND created_seq > ? ORDER BY created_seq LIMIT ?");
    return statement(q->database,
        "SELECT id, created_seq FROM transfer WHERE account = coalesce(?, account)"
        " AND provider = coalesce(?, provider) AND created_seq > ? ORDER BY created_seq LIMIT ?");
}

static enum status list(struct query *q, const void *params, struct writer *w)
{
    const struct list *p = params;
    struct statement *s = list_statement(q, p);
    struct transfer *t = memory_new(sizeof(*t));
    struct page page;
    int64_t last = 0;
    struct hash id;

    bind_given(s, &p->account);
    bind_given(s, &p->provider);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "created_seq");
        column_fixed(s, "id", id.bytes, sizeof(id.bytes));
        if (transfer_read(q->database, &id, t))
            write_transfer(w, t);
    }
    page_end_integer(&page, last);
    memory_free_pointer(&t);
    return OK;
}

/* --- transfer.providers, transfer.quotes ----------------------------------------------------------- */
struct providers {
    struct account_id provider;
    uint64_t after, limit;
};

static const struct param providers_params[] = {
    PARAM(struct providers, provider, ACCOUNT, OPTIONAL, "only this one"),
    PARAM(struct providers, after, INTEGER, OPTIONAL, "only providers whose registered_seq is greater"),
    PARAM(struct providers, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_terms(struct query *q, struct writer *w, const struct account_id *provider)
{
    struct statement *s = statement(q->database,
        "SELECT a.symbol AS asset, t.* FROM transfer_terms AS t JOIN asset AS a ON a.id = t.asset"
        " WHERE t.provider = ? ORDER BY t.asset, t.source, t.destination");

    bind_blob(s, provider->bytes, sizeof(provider->bytes));
    writer_key(w, "terms");
    writer_array_begin(w);
    while (statement_row(s)) {
        writer_object_begin(w);
        write_column_text(w, s, "asset");
        write_column_text(w, s, "source");
        write_column_text(w, s, "destination");
        write_column_integer(w, s, "fee_fixed");
        write_column_integer(w, s, "fee_ppm");
        write_column_integer(w, s, "least");
        write_column_integer(w, s, "most");
        write_column_integer(w, s, "account_daily");
        write_column_integer(w, s, "daily");
        write_column_json(w, s, "outside");
        writer_object_end(w);
    }
    writer_array_end(w);
}

static enum status providers(struct query *q, const void *params, struct writer *w)
{
    const struct providers *p = params;
    struct statement *s = statement(q->database,
        "SELECT account, name, paused, registered_seq FROM transfer_provider"
        " WHERE account = coalesce(?, account) AND registered_seq > ? ORDER BY registered_seq LIMIT ?");
    struct account_id account;
    struct page page;
    int64_t last = 0;

    bind_given(s, &p->provider);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "registered_seq");
        column_fixed(s, "account", account.bytes, sizeof(account.bytes));
        writer_object_begin(w);
        write_account(w, "provider", &account);
        write_column_text(w, s, "name");
        writer_member_boolean(w, "paused", column_integer(s, "paused") != 0);
        write_column_integer(w, s, "registered_seq");
        write_terms(q, w, &account);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

struct quotes {
    struct account_id account;
    uint64_t after, limit;
};

static const struct param quotes_params[] = {
    PARAM(struct quotes, account, ACCOUNT, OPTIONAL, "only those that this account asked for"),
    PARAM(struct quotes, after, INTEGER, OPTIONAL, "only quotes whose created_seq is greater"),
    PARAM(struct quotes, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status quotes(struct query *q, const void *params, struct writer *w)
{
    const struct quotes *p = params;
    struct statement *s = statement(q->database,
        "SELECT q.*, a.symbol FROM transfer_quote AS q JOIN asset AS a ON a.id = q.asset"
        " WHERE q.account = coalesce(?, q.account) AND q.created_seq > ? ORDER BY q.created_seq LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_given(s, &p->account);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "created_seq");
        writer_object_begin(w);
        writer_key(w, "quote");
        writer_hex(w, column_blob(s, "id").data, column_blob(s, "id").size);
        write_column_account(w, s, "account");
        write_column_account(w, s, "provider");
        write_column_text(w, s, "symbol");
        write_column_text(w, s, "source");
        write_column_text(w, s, "destination");
        write_column_integer(w, s, "amount");
        write_column_integer(w, s, "fee");
        write_column_integer(w, s, "expires_us");
        writer_key(w, "transfer");
        if (column_is_null(s, "transfer"))
            writer_null(w);
        else
            writer_hex(w, column_blob(s, "transfer").data, column_blob(s, "transfer").size);
        write_column_integer(w, s, "created_seq");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

const struct query_method transfer_queries[TRANSFER_QUERIES] = {
    { "transfer.get", ACCESS_PUBLIC, get, PARAMS(struct proof_params, transfer_proof_params),
      .help = "One transfer between ledgers, with both its locks.", .result = "the transfer",
      .example = "transfer=" EXAMPLE_TRANSFER },
    { "transfer.list", ACCESS_PUBLIC, list, PARAMS(struct list, list_params),
      .help = "Transfers between ledgers, the oldest first.", .result = "a page of transfers",
      .example = "open=true" },
    { "transfer.providers", ACCESS_PUBLIC, providers, PARAMS(struct providers, providers_params),
      .help = "Who moves value between ledgers here, and on which terms.", .result = "a page of providers",
      .example = "limit=10" },
    { "transfer.quotes", ACCESS_PUBLIC, quotes, PARAMS(struct quotes, quotes_params),
      .help = "Quotes that were given.", .result = "a page of quotes", .example = "limit=10" },
    { "transfer.proof", ACCESS_PUBLIC, transfer_proof, PARAMS(struct proof_params, transfer_proof_params),
      .help = "The proof of a settled transfer, which anybody can check without this node.",
      .result = "the bundle, in canonical form", .example = "transfer=" EXAMPLE_TRANSFER },
    { "transfer.verify_proof", ACCESS_PUBLIC, transfer_verify_proof,
      PARAMS(struct verify_params, transfer_verify_params), .detached = true,
      .help = "Judge the proof of a settled transfer; what does not hold is refused.",
      .result = "what it proves", .example = "proof=@bundle.json" },
};
