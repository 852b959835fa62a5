/* The tables of transfers: see rows.h. */
#include "layer2/transfer/rows.h"

#include <string.h>

static const struct account_id everybody; /* volumes of all together stand under an empty blob */

void text_set(char *out, size_t size, const char *text)
{
    INVARIANT(strlen(text) < size, "a text of %zu bytes where %zu fit", strlen(text), size);
    memcpy(out, text, strlen(text) + 1);
}

static void read_text(struct statement *s, const char *column, char *out, size_t size)
{
    const char *text = column_text(s, column);

    text_set(out, size, text == NULL ? "" : text);
}

static void bind_optional(struct statement *s, const char *text)
{
    bind_text(s, text[0] == '\0' ? NULL : text);
}

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_way(struct statement *s, const struct way *way)
{
    bind_blob(s, way->asset.bytes, sizeof(way->asset.bytes));
    bind_text(s, way->source);
    bind_text(s, way->destination);
}

/* --- providers --------------------------------------------------------------------------------- */
bool provider_read(struct database *database, const struct account_id *account, struct provider *provider)
{
    struct statement *s = statement(database, "SELECT name, paused FROM transfer_provider WHERE account = ?");

    bind_account(s, account);
    if (!statement_row(s))
        return false;
    provider->account = *account;
    read_text(s, "name", provider->name, sizeof(provider->name));
    provider->paused = column_integer(s, "paused") != 0;
    statement_finish(s);
    return true;
}

bool provider_named(struct database *database, const char *name)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM transfer_provider WHERE name = ?");

    bind_text(s, name);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void provider_insert(struct database *database, const struct provider *provider, uint64_t seq)
{
    struct statement *s = statement(
        database,
            "INSERT INTO transfer_provider (account, name, paused, registered_seq) VALUES (?, ?, ?, ?)");

    bind_account(s, &provider->account);
    bind_text(s, provider->name);
    bind_integer(s, provider->paused);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
}

void provider_pause(struct database *database, const struct account_id *account, bool paused)
{
    struct statement *s = statement(database, "UPDATE transfer_provider SET paused = ? WHERE account = ?");

    bind_integer(s, paused);
    bind_account(s, account);
    INVARIANT(statement_run(s) == 1, "a provider that is not there");
}

/* --- terms ------------------------------------------------------------------------------------- */
static void read_terms(struct statement *s, const struct way *way, struct terms *terms)
{
    terms->way = *way;
    column_fixed(s, "provider", terms->provider.bytes, sizeof(terms->provider.bytes));
    terms->fee_fixed = (uint64_t)column_integer(s, "fee_fixed");
    terms->fee_ppm = (uint64_t)column_integer(s, "fee_ppm");
    terms->least = (uint64_t)column_integer(s, "least");
    terms->most = (uint64_t)column_integer(s, "most");
    terms->account_daily = (uint64_t)column_integer(s, "account_daily");
    terms->daily = (uint64_t)column_integer(s, "daily");
    read_text(s, "outside", terms->outside, sizeof(terms->outside));
    terms->changed_seq = (uint64_t)column_integer(s, "changed_seq");
}

bool terms_read(struct database *database, const struct account_id *provider, const struct way *way,
                struct terms *terms)
{
    struct statement *s = statement(database,
        "SELECT * FROM transfer_terms WHERE provider = ? AND asset = ? AND source = ? AND destination = ?");

    bind_account(s, provider);
    bind_way(s, way);
    if (!statement_row(s))
        return false;
    read_terms(s, way, terms);
    statement_finish(s);
    return true;
}

bool terms_cheapest(struct database *database, const struct way *way, uint64_t amount, struct terms *terms)
{
    struct statement *s = statement(database,
        "SELECT t.* FROM transfer_terms AS t JOIN transfer_provider AS p ON p.account = t.provider"
        " WHERE p.paused = 0 AND t.asset = ? AND t.source = ? AND t.destination = ?"
        " ORDER BY p.registered_seq");
    struct terms candidate;
    uint64_t fee, best = INTEGER_MAX;
    bool found = false;

    bind_way(s, way);
    while (statement_row(s)) {
        read_terms(s, way, &candidate);
        if (amount < candidate.least || amount > candidate.most ||
            !transfer_fee(amount, candidate.fee_fixed, candidate.fee_ppm, &fee) || (found && fee >= best))
            continue;
        *terms = candidate;
        best = fee;
        found = true;
    }
    return found;
}

void terms_write(struct database *database, const struct terms *terms, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer_terms (provider, asset, source, destination, fee_fixed, fee_ppm, least, most,"
        " account_daily, daily, outside, changed_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET fee_fixed = excluded.fee_fixed, fee_ppm = excluded.fee_ppm,"
        " least = excluded.least, most = excluded.most, account_daily = excluded.account_daily,"
        " daily = excluded.daily, outside = excluded.outside, changed_seq = excluded.changed_seq");

    bind_account(s, &terms->provider);
    bind_way(s, &terms->way);
    bind_integer(s, (int64_t)terms->fee_fixed);
    bind_integer(s, (int64_t)terms->fee_ppm);
    bind_integer(s, (int64_t)terms->least);
    bind_integer(s, (int64_t)terms->most);
    bind_integer(s, (int64_t)terms->account_daily);
    bind_integer(s, (int64_t)terms->daily);
    bind_optional(s, terms->outside);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
}

bool terms_delete(struct database *database, const struct account_id *provider, const struct way *way)
{
    struct statement *s = statement(database,
        "DELETE FROM transfer_terms WHERE provider = ? AND asset = ? AND source = ? AND destination = ?");

    bind_account(s, provider);
    bind_way(s, way);
    return statement_run(s) == 1;
}

/* --- volumes ----------------------------------------------------------------------------------- */
/* Who a volume is of; NULL: all together. */
static void bind_whose(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account == NULL ? everybody.bytes : account->bytes,
              account == NULL ? 0 : sizeof(account->bytes));
}

uint64_t volume_read(struct database *database, const struct terms *terms, const struct account_id *account,
                     int64_t day)
{
    struct statement *s = statement(database,
        "SELECT amount FROM transfer_volume WHERE provider = ? AND asset = ? AND account = ? AND day = ?");
    uint64_t amount = 0;

    bind_account(s, &terms->provider);
    bind_blob(s, terms->way.asset.bytes, sizeof(terms->way.asset.bytes));
    bind_whose(s, account);
    bind_integer(s, day);
    if (statement_row(s)) {
        amount = (uint64_t)column_integer(s, "amount");
        statement_finish(s);
    }
    return amount;
}

static void add_volume(struct database *database, const struct account_id *provider,
                       const struct asset_id *asset, const struct account_id *account, int64_t day,
                       int64_t change)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer_volume (provider, asset, account, day, amount) VALUES (?, ?, ?, ?, max(?5, 0))"
        " ON CONFLICT DO UPDATE SET amount = max(amount + ?5, 0)");

    bind_account(s, provider);
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
    bind_whose(s, account);
    bind_integer(s, day);
    bind_integer(s, change);
    statement_run(s);
}

void volume_add(struct database *database, const struct account_id *provider, const struct asset_id *asset,
                const struct account_id *account, int64_t day, uint64_t amount, bool taken_back)
{
    int64_t change = taken_back ? -(int64_t)amount : (int64_t)amount;

    add_volume(database, provider, asset, NULL, day, change);
    add_volume(database, provider, asset, account, day, change);
}

/* --- quotes ------------------------------------------------------------------------------------ */
bool quote_read(struct database *database, const struct hash *id, struct quote *quote)
{
    struct statement *s = statement(database, "SELECT * FROM transfer_quote WHERE id = ?");

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    quote->id = *id;
    column_fixed(s, "account", quote->account.bytes, sizeof(quote->account.bytes));
    column_fixed(s, "provider", quote->provider.bytes, sizeof(quote->provider.bytes));
    column_fixed(s, "asset", quote->way.asset.bytes, sizeof(quote->way.asset.bytes));
    read_text(s, "source", quote->way.source, sizeof(quote->way.source));
    read_text(s, "destination", quote->way.destination, sizeof(quote->way.destination));
    quote->amount = (uint64_t)column_integer(s, "amount");
    quote->fee = (uint64_t)column_integer(s, "fee");
    quote->expires_us = column_integer(s, "expires_us");
    quote->created_seq = (uint64_t)column_integer(s, "created_seq");
    quote->used = !column_is_null(s, "transfer");
    statement_finish(s);
    return true;
}

void quote_insert(struct database *database, const struct quote *quote, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer_quote (id, account, provider, asset, source, destination, amount, fee,"
        " expires_us, created_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, &quote->id);
    bind_account(s, &quote->account);
    bind_account(s, &quote->provider);
    bind_way(s, &quote->way);
    bind_integer(s, (int64_t)quote->amount);
    bind_integer(s, (int64_t)quote->fee);
    bind_integer(s, quote->expires_us);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
}

void quote_use(struct database *database, const struct hash *id, const struct hash *transfer)
{
    struct statement *s =
        statement(database, "UPDATE transfer_quote SET transfer = ? WHERE id = ? AND transfer IS NULL");

    bind_hash(s, transfer);
    bind_hash(s, id);
    INVARIANT(statement_run(s) == 1, "a quote that is not open");
}

uint64_t quote_count_open(struct database *database, const struct account_id *account, int64_t now_us)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS quotes FROM transfer_quote"
        " WHERE account = ? AND transfer IS NULL AND expires_us > ?");
    uint64_t quotes;

    bind_account(s, account);
    bind_integer(s, now_us);
    INVARIANT(statement_row(s), "an aggregate has one row");
    quotes = (uint64_t)column_integer(s, "quotes");
    statement_finish(s);
    return quotes;
}
