/* The ledger's queries: see queries.h. */
#include "ledger/queries.h"

#include <string.h>

#include "base/bech32.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "ledger/ledger.h"

/* --- filters ---------------------------------------------------------------------------------- */
static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

static void bind_asset(struct statement *s, const struct asset_id *asset)
{
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
}

static bool asset_is_given(const struct asset_id *asset)
{
    static const struct asset_id none;

    return memcmp(asset->bytes, none.bytes, sizeof(none.bytes)) != 0;
}

static enum status refuse_asset(struct query *q, const struct asset_id *asset)
{
    char hex[2 * sizeof(asset->bytes) + 1];

    hex_text(hex, asset->bytes, sizeof(asset->bytes));
    return query_fail(q, ERROR_ASSET_NOT_FOUND, "there is no asset with the id %s on this chain", hex);
}

/* --- ledger.balance --------------------------------------------------------------------------- */
struct balance {
    struct account_id account;
    struct asset_id asset, after;
    uint64_t limit;
};

static const struct param balance_params[] = {
    PARAM(struct balance, account, ACCOUNT, REQUIRED, "whose balances"),
    PARAM(struct balance, asset, ASSET, OPTIONAL, "only this asset, also when the account holds none of it"),
    PARAM(struct balance, after, ASSET, OPTIONAL, "only assets behind this one, in order of id"),
    PARAM(struct balance, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_balance(struct writer *w, struct statement *s)
{
    writer_object_begin(w);
    write_column_text(w, s, "symbol");
    write_column_integer(w, s, "amount");
    write_column_integer(w, s, "decimals");
    write_column_hex(w, s, "asset");
    write_column_integer(w, s, "domain");
    writer_object_end(w);
}

static enum status balance_of_one(struct query *q, const struct balance *p, struct writer *w)
{
    struct statement *s = statement(
        q->database,
        "SELECT 0 AS domain, symbol, id AS asset, decimals, coalesce((SELECT amount FROM balance"
        " WHERE domain = 0 AND account = ? AND balance.asset = asset.id), 0) AS amount"
        " FROM asset WHERE id = ?");
    struct page page;

    bind_account(s, &p->account);
    bind_asset(s, &p->asset);
    if (!statement_row(s))
        return refuse_asset(q, &p->asset);
    page = page_begin(w, p->limit);
    write_balance(w, s);
    statement_finish(s);
    page_end_text(&page, NULL);
    return OK;
}

static enum status balance(struct query *q, const void *params, struct writer *w)
{
    const struct balance *p = params;
    char last[2 * sizeof(p->asset.bytes) + 1] = "";
    struct statement *s;
    struct page page;

    if (asset_is_given(&p->asset))
        return balance_of_one(q, p, w);
    s = statement(q->database,
        "SELECT domain, symbol, asset, decimals, amount FROM balance JOIN asset ON asset.id = balance.asset"
        " WHERE domain = 0 AND account = ? AND asset > ? ORDER BY asset LIMIT ?");
    bind_account(s, &p->account);
    bind_asset(s, &p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        write_balance(w, s);
        hex_text(last, column_blob(s, "asset").data, sizeof(p->asset.bytes));
    }
    page_end_text(&page, last);
    return OK;
}

/* --- ledger.statement ------------------------------------------------------------------------- */
struct account_statement {
    struct account_id account;
    struct asset_id asset;
    uint64_t after, limit;
};

static const struct param statement_params[] = {
    PARAM(struct account_statement, account, ACCOUNT, REQUIRED, "whose movements"),
    PARAM(struct account_statement, asset, ASSET, OPTIONAL, "only this asset"),
    PARAM(struct account_statement, after, INTEGER, OPTIONAL, "only movements after the event with this seq"),
    PARAM(struct account_statement, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_movement(struct writer *w, struct statement *s)
{
    writer_object_begin(w);
    write_column_integer(w, s, "seq");
    write_column_integer(w, s, "time_us");
    write_column_text(w, s, "type");
    write_column_text(w, s, "symbol");
    write_column_integer(w, s, "amount");
    write_column_integer(w, s, "balance");
    write_column_integer(w, s, "domain");
    writer_object_end(w);
}

/* A page never ends between two movements of one event, or reading on would miss the second; so it may be
 * longer than asked by what one event moved. */
static enum status account_statement(struct query *q, const void *params, struct writer *w)
{
    const struct account_statement *p = params;
    struct statement *s = statement(q->database,
        "SELECT domain, posting.seq AS seq, time_us, type, symbol, amount, balance"
        " FROM posting JOIN event ON event.seq = posting.seq JOIN asset ON asset.id = posting.asset"
        " WHERE domain = 0 AND account = ?1 AND posting.seq > ?2 AND (?3 IS NULL OR posting.asset = ?3)"
        " ORDER BY posting.seq, entry");
    struct page page;
    int64_t last = 0;

    bind_account(s, &p->account);
    bind_integer(s, (int64_t)p->after);
    bind_blob(s, asset_is_given(&p->asset) ? p->asset.bytes : NULL, sizeof(p->asset.bytes));
    page = page_begin(w, p->limit);
    while (!page.more && statement_row(s)) {
        int64_t seq = column_integer(s, "seq");

        page.more = page.left == 0 && seq != last;
        if (page.more)
            break;
        write_movement(w, s);
        page.left -= page.left > 0;
        last = seq;
    }
    statement_finish(s);
    page_end_integer(&page, last);
    return OK;
}

/* --- ledger.asset, ledger.assets -------------------------------------------------------------- */
struct one_asset {
    struct asset_id asset;
};

static const struct param asset_params[] = {
    PARAM(struct one_asset, asset, ASSET, REQUIRED, "asset id or symbol"),
};

struct assets {
    const char *after;
    uint64_t limit;
};

static const struct param assets_params[] = {
    PARAM(struct assets, after, TEXT, OPTIONAL, "only symbols behind this one", .most = ASSET_SYMBOL_MAX - 1),
    PARAM(struct assets, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define ASSET_COLUMNS "symbol, name, supply, max_supply, decimals, issuer, id, created_seq, metadata"

static void write_asset(struct writer *w, struct statement *s)
{
    const char *metadata = column_text(s, "metadata");

    writer_object_begin(w);
    write_column_text(w, s, "symbol");
    write_column_text(w, s, "name");
    write_column_integer(w, s, "supply");
    write_column_integer(w, s, "max_supply");
    write_column_integer(w, s, "decimals");
    write_column_account(w, s, "issuer");
    write_column_hex(w, s, "id");
    write_column_integer(w, s, "created_seq");
    if (metadata != NULL)
        writer_member_raw(w, "metadata", metadata, strlen(metadata));
    writer_object_end(w);
}

static enum status one_asset(struct query *q, const void *params, struct writer *w)
{
    const struct one_asset *p = params;
    struct statement *s = statement(q->database, "SELECT " ASSET_COLUMNS " FROM asset WHERE id = ?");

    bind_asset(s, &p->asset);
    if (!statement_row(s))
        return refuse_asset(q, &p->asset);
    write_asset(w, s);
    statement_finish(s);
    return OK;
}

static enum status assets(struct query *q, const void *params, struct writer *w)
{
    const struct assets *p = params;
    struct statement *s = statement(q->database,
        "SELECT " ASSET_COLUMNS " FROM asset"
        " WHERE symbol > ? ORDER BY symbol LIMIT ?");
    char last[ASSET_SYMBOL_MAX] = "";
    struct page page;

    bind_text(s, p->after != NULL ? p->after : "");
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        write_asset(w, s);
        strncpy(last, column_text(s, "symbol"), sizeof(last) - 1);
    }
    page_end_text(&page, last);
    return OK;
}

/* --- ledger.account, ledger.accounts ---------------------------------------------------------- */
struct one_account {
    struct account_id account;
};

static const struct param account_params[] = {
    PARAM(struct one_account, account, ACCOUNT, REQUIRED, "its address or key"),
};

struct accounts {
    struct account_id after;
    uint64_t limit;
};

static const struct param accounts_params[] = {
    PARAM(struct accounts, after, ACCOUNT, OPTIONAL, "only accounts behind this one, in order of key"),
    PARAM(struct accounts, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_account(struct writer *w, struct statement *s)
{
    writer_object_begin(w);
    write_column_text(w, s, "address");
    write_column_text(w, s, "kind");
    write_column_hex(w, s, "id");
    write_column_integer(w, s, "first_seq");
    writer_object_end(w);
}

static enum status one_account(struct query *q, const void *params, struct writer *w)
{
    const struct one_account *p = params;
    struct statement *s =
        statement(q->database, "SELECT address, kind, id, first_seq FROM account WHERE id = ?");
    char address[ADDRESS_TEXT_MAX];

    bind_account(s, &p->account);
    if (!statement_row(s)) {
        address_encode(address, &p->account);
        return query_fail(q, ERROR_NOT_FOUND, "the ledger has never met the account %s", address);
    }
    write_account(w, s);
    statement_finish(s);
    return OK;
}

static enum status accounts(struct query *q, const void *params, struct writer *w)
{
    const struct accounts *p = params;
    struct statement *s = statement(q->database,
        "SELECT address, kind, id, first_seq FROM account WHERE id > ? ORDER BY id LIMIT ?");
    char last[ADDRESS_TEXT_MAX] = "";
    struct page page;

    bind_account(s, &p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        write_account(w, s);
        strncpy(last, column_text(s, "address"), sizeof(last) - 1);
    }
    page_end_text(&page, last);
    return OK;
}

/* --- ledger.escrow, ledger.escrows ------------------------------------------------------------ */
struct one_escrow {
    struct hash escrow;
};

static const struct param escrow_params[] = {
    PARAM(struct one_escrow, escrow, HASH, REQUIRED, "its id"),
};

struct escrows {
    struct account_id account;
    const char *state;
    uint64_t after, limit;
};

static const char *const escrow_states[] = { "locked", "claimed", "refunded", NULL };

static const struct param escrows_params[] = {
    PARAM(struct escrows, account, ACCOUNT, OPTIONAL, "only escrows that this account sent or may receive"),
    PARAM(struct escrows, state, CHOICE, OPTIONAL, "only escrows in this state", .choices = escrow_states),
    PARAM(struct escrows, after, INTEGER, OPTIONAL, "only escrows locked after the event with this seq"),
    PARAM(struct escrows, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define ESCROW_COLUMNS \
    "escrow.id AS id, state, symbol, amount, sender, recipient, hash, deadline_us, preimage," \
    " escrow.created_seq AS created_seq, closed_seq FROM escrow JOIN asset ON asset.id = escrow.asset"

static void write_escrow(struct writer *w, struct statement *s)
{
    writer_object_begin(w);
    write_column_hex(w, s, "id");
    write_column_text(w, s, "state");
    write_column_text(w, s, "symbol");
    write_column_integer(w, s, "amount");
    write_column_account(w, s, "sender");
    write_column_account(w, s, "recipient");
    write_column_hex(w, s, "hash");
    write_column_integer(w, s, "deadline_us");
    if (!column_is_null(s, "preimage"))
        write_column_hex(w, s, "preimage");
    write_column_integer(w, s, "created_seq");
    if (!column_is_null(s, "closed_seq"))
        write_column_integer(w, s, "closed_seq");
    writer_object_end(w);
}

static enum status one_escrow(struct query *q, const void *params, struct writer *w)
{
    const struct one_escrow *p = params;
    struct statement *s = statement(q->database, "SELECT " ESCROW_COLUMNS " WHERE escrow.id = ?");
    char hex[2 * sizeof(p->escrow.bytes) + 1];

    bind_blob(s, p->escrow.bytes, sizeof(p->escrow.bytes));
    if (!statement_row(s)) {
        hex_text(hex, p->escrow.bytes, sizeof(p->escrow.bytes));
        return query_fail(q, ERROR_ESCROW_NOT_FOUND, "there is no escrow %s", hex);
    }
    write_escrow(w, s);
    statement_finish(s);
    return OK;
}

/* Sender and recipient of an escrow differ, so that its two halves never give the same escrow twice. */
static struct statement *escrows_statement(struct query *q, const struct escrows *p)
{
    struct statement *s;

    if (account_is_zero(&p->account)) {
        s = statement(q->database,
                      "SELECT " ESCROW_COLUMNS " WHERE escrow.created_seq > ?1 AND (?2 IS NULL OR state = ?2)"
                      " ORDER BY created_seq LIMIT ?3");
    } else {
        s = statement(q->database,
                      "SELECT " ESCROW_COLUMNS
                      " WHERE sender = ?1 AND escrow.created_seq > ?2 AND (?3 IS NULL OR state = ?3)"
                      " UNION ALL SELECT " ESCROW_COLUMNS
                      " WHERE recipient = ?1 AND escrow.created_seq > ?2 AND (?3 IS NULL OR state = ?3)"
                      " ORDER BY created_seq LIMIT ?4");
        bind_account(s, &p->account);
    }
    bind_integer(s, (int64_t)p->after);
    bind_text(s, p->state);
    page_bind(s, p->limit);
    return s;
}

static enum status escrows(struct query *q, const void *params, struct writer *w)
{
    const struct escrows *p = params;
    struct statement *s = escrows_statement(q, p);
    struct page page = page_begin(w, p->limit);
    int64_t last = 0;

    while (page_row(&page, s)) {
        write_escrow(w, s);
        last = column_integer(s, "created_seq");
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- ledger.domains --------------------------------------------------------------------------- */
struct domains {
    uint64_t after, limit;
};

static const struct param domains_params[] = {
    PARAM(struct domains, after, INTEGER, OPTIONAL, "only domains behind this id; the base ledger is 0"),
    PARAM(struct domains, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

/* Id 0 is a domain, and `after` 0 must not leave it out: so the list starts behind −1 unless `after` says
 * otherwise. */
static enum status domains(struct query *q, const void *params, struct writer *w)
{
    const struct domains *p = params;
    struct statement *s =
        statement(q->database, "SELECT id, name, kind FROM domain WHERE id > ? ORDER BY id LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, p->after > 0 ? (int64_t)p->after : -1);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_integer(w, s, "id");
        write_column_text(w, s, "name");
        write_column_text(w, s, "kind");
        writer_object_end(w);
        last = column_integer(s, "id");
    }
    page_end_integer(&page, last);
    return OK;
}

const struct query_method ledger_queries[LEDGER_QUERIES] = {
    { "ledger.balance", ACCESS_PUBLIC, balance, PARAMS(struct balance, balance_params),
      .help = "What an account holds.", .result = "a page of balances, by asset id",
      .example = "account=alice asset=GOLD" },
    { "ledger.statement", ACCESS_PUBLIC, account_statement,
      PARAMS(struct account_statement, statement_params),
      .help = "Every movement of an account, oldest first, each with the balance after it.",
      .result = "a page of movements, by seq", .example = "account=alice after=0" },
    { "ledger.asset", ACCESS_PUBLIC, one_asset, PARAMS(struct one_asset, asset_params),
      .help = "One asset: issuer, supply, metadata.", .result = "the asset", .example = "asset=GOLD" },
    { "ledger.assets", ACCESS_PUBLIC, assets, PARAMS(struct assets, assets_params), .help = "All assets.",
      .result = "a page of assets, by symbol", .example = "limit=10" },
    { "ledger.account", ACCESS_PUBLIC, one_account, PARAMS(struct one_account, account_params),
      .help = "One account: its address, its key, and since when it is known.", .result = "the account",
      .example = "account=alice" },
    { "ledger.accounts", ACCESS_PUBLIC, accounts, PARAMS(struct accounts, accounts_params),
      .help = "All accounts that ever held, issued or may claim anything.",
      .result = "a page of accounts, by key", .example = "limit=10" },
    { "ledger.escrow", ACCESS_PUBLIC, one_escrow, PARAMS(struct one_escrow, escrow_params),
      .help = "One escrow: what it holds, for whom, until when.", .result = "the escrow",
      .example = "escrow=ID" },
    { "ledger.escrows", ACCESS_PUBLIC, escrows, PARAMS(struct escrows, escrows_params),
      .help = "Escrows in the order in which they were locked.",
      .result = "a page of escrows, by created_seq", .example = "account=alice state=locked" },
    { "ledger.domains", ACCESS_PUBLIC, domains, PARAMS(struct domains, domains_params),
      .help = "The ledgers that live here; 0 is the base.", .result = "a page of domains, by id" },
};
