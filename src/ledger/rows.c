/* The ledger's tables: see rows.h. */
#include "ledger/rows.h"

#include <string.h>

#include "base/bech32.h"

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

static void bind_asset(struct statement *s, const struct asset_id *asset)
{
    bind_blob(s, asset->bytes, sizeof(asset->bytes));
}

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_amount(struct statement *s, uint64_t amount)
{
    bind_integer(s, (int64_t)amount);
}

/* --- account ---------------------------------------------------------------------------------- */
bool row_account_kind(struct database *database, const struct account_id *account,
                      char kind[ACCOUNT_KIND_MAX])
{
    struct statement *s = statement(database, "SELECT kind FROM account WHERE id = ?");
    const char *found;

    bind_account(s, account);
    if (!statement_row(s))
        return false;
    found = column_text(s, "kind");
    INVARIANT(strlen(found) < ACCOUNT_KIND_MAX, "the account kind '%s' is too long", found);
    memcpy(kind, found, strlen(found) + 1);
    statement_finish(s);
    return true;
}

void row_account_insert(struct database *database, const struct account_id *account, const char *kind,
                        uint64_t seq)
{
    struct statement *s =
        statement(database, "INSERT INTO account (id, address, kind, first_seq) VALUES (?, ?, ?, ?)");
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    bind_account(s, account);
    bind_text(s, address);
    bind_text(s, kind);
    bind_amount(s, seq);
    statement_run(s);
}

/* --- asset ------------------------------------------------------------------------------------ */
bool row_asset_read(struct database *database, const struct asset_id *id, struct asset *asset)
{
    struct statement *s =
        statement(database, "SELECT symbol, decimals, issuer, supply, max_supply FROM asset WHERE id = ?");
    const char *symbol;

    bind_asset(s, id);
    if (!statement_row(s))
        return false;
    asset->id = *id;
    symbol = column_text(s, "symbol");
    INVARIANT(strlen(symbol) < ASSET_SYMBOL_MAX, "the symbol '%s' is too long", symbol);
    memcpy(asset->symbol, symbol, strlen(symbol) + 1);
    asset->decimals = (unsigned)column_integer(s, "decimals");
    column_fixed(s, "issuer", asset->issuer.bytes, sizeof(asset->issuer.bytes));
    asset->supply = (uint64_t)column_integer(s, "supply");
    asset->max_supply = (uint64_t)column_integer(s, "max_supply");
    statement_finish(s);
    return true;
}

void row_asset_insert(struct database *database, const struct asset *asset, const char *name,
                      struct bytes metadata, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO asset (id, symbol, name, decimals, issuer, supply, max_supply, metadata, created_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_asset(s, &asset->id);
    bind_text(s, asset->symbol);
    bind_text(s, name);
    bind_amount(s, asset->decimals);
    bind_account(s, &asset->issuer);
    bind_amount(s, asset->supply);
    bind_amount(s, asset->max_supply);
    bind_text_sized(s, (const char *)metadata.data, metadata.size);
    bind_amount(s, seq);
    statement_run(s);
}

void row_asset_set_supply(struct database *database, const struct asset_id *id, uint64_t supply)
{
    struct statement *s = statement(database, "UPDATE asset SET supply = ? WHERE id = ?");

    bind_amount(s, supply);
    bind_asset(s, id);
    statement_run(s);
}

void row_asset_set_metadata(struct database *database, const struct asset_id *id, struct bytes metadata)
{
    struct statement *s = statement(database, "UPDATE asset SET metadata = ? WHERE id = ?");

    bind_text_sized(s, (const char *)metadata.data, metadata.size);
    bind_asset(s, id);
    statement_run(s);
}

/* --- balance and posting ---------------------------------------------------------------------- */
uint64_t row_balance_read(struct database *database, uint64_t domain, const struct account_id *account,
                          const struct asset_id *asset)
{
    struct statement *s =
        statement(database, "SELECT amount FROM balance WHERE domain = ? AND account = ? AND asset = ?");
    uint64_t amount;

    bind_amount(s, domain);
    bind_account(s, account);
    bind_asset(s, asset);
    if (!statement_row(s))
        return 0;
    amount = (uint64_t)column_integer(s, "amount");
    statement_finish(s);
    return amount;
}

void row_balance_write(struct database *database, uint64_t domain, const struct account_id *account,
                       const struct asset_id *asset, uint64_t before, uint64_t after)
{
    struct statement *s;

    if (before == 0)
        s = statement(database, "INSERT INTO balance (amount, domain, account, asset) VALUES (?, ?, ?, ?)");
    else if (after == 0)
        s = statement(database, "DELETE FROM balance WHERE domain = ? AND account = ? AND asset = ?");
    else
        s = statement(database,
                      "UPDATE balance SET amount = ? WHERE domain = ? AND account = ? AND asset = ?");
    if (after != 0)
        bind_amount(s, after);
    bind_amount(s, domain);
    bind_account(s, account);
    bind_asset(s, asset);
    statement_run(s);
}

static int64_t posting_insert(struct statement *s, uint64_t domain, const struct account_id *account,
                              uint64_t seq, const struct asset_id *asset, int64_t change, uint64_t balance)
{
    bind_amount(s, domain);
    bind_account(s, account);
    bind_amount(s, seq);
    bind_asset(s, asset);
    bind_integer(s, change);
    bind_amount(s, balance);
    return statement_run(s);
}

/* An account's first posting under an event has entry 0, and it nearly always is the only one; so that is
 * tried first. */
void row_posting_insert(struct database *database, uint64_t domain, const struct account_id *account,
                        uint64_t seq, const struct asset_id *asset, int64_t change, uint64_t balance)
{
    struct statement *s = statement(database,
        "INSERT OR IGNORE INTO posting (domain, account, seq, entry, asset, amount, balance)"
        " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6)");

    if (posting_insert(s, domain, account, seq, asset, change, balance) == 1)
        return;
    s = statement(database,
        "INSERT INTO posting (domain, account, seq, entry, asset, amount, balance)"
        " VALUES (?1, ?2, ?3,"
        " (SELECT max(entry) + 1 FROM posting WHERE domain = ?1 AND account = ?2 AND seq = ?3), ?4, ?5, ?6)");
    posting_insert(s, domain, account, seq, asset, change, balance);
}

/* --- escrow ----------------------------------------------------------------------------------- */
bool row_escrow_read(struct database *database, const struct hash *id, struct escrow *escrow)
{
    struct statement *s = statement(database,
        "SELECT domain, asset, amount, sender, recipient, hash, deadline_us, state FROM escrow WHERE id = ?");
    const char *state;

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    escrow->id = *id;
    escrow->domain = (uint64_t)column_integer(s, "domain");
    column_fixed(s, "asset", escrow->asset.bytes, sizeof(escrow->asset.bytes));
    escrow->amount = (uint64_t)column_integer(s, "amount");
    column_fixed(s, "sender", escrow->sender.bytes, sizeof(escrow->sender.bytes));
    column_fixed(s, "recipient", escrow->recipient.bytes, sizeof(escrow->recipient.bytes));
    column_fixed(s, "hash", escrow->hash.bytes, sizeof(escrow->hash.bytes));
    escrow->deadline_us = column_integer(s, "deadline_us");
    state = column_text(s, "state");
    INVARIANT(escrow_state_parse(state, &escrow->state), "an escrow's state is '%s'", state);
    statement_finish(s);
    return true;
}

void row_escrow_insert(struct database *database, const struct escrow *escrow, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO escrow"
        " (id, domain, asset, amount, sender, recipient, hash, deadline_us, state, created_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, &escrow->id);
    bind_amount(s, escrow->domain);
    bind_asset(s, &escrow->asset);
    bind_amount(s, escrow->amount);
    bind_account(s, &escrow->sender);
    bind_account(s, &escrow->recipient);
    bind_hash(s, &escrow->hash);
    bind_integer(s, escrow->deadline_us);
    bind_text(s, escrow_state_name(escrow->state));
    bind_amount(s, seq);
    statement_run(s);
}

void row_escrow_close(struct database *database, const struct hash *id, enum escrow_state state,
                      const struct hash *preimage, uint64_t seq)
{
    struct statement *s =
        statement(database, "UPDATE escrow SET state = ?, preimage = ?, closed_seq = ? WHERE id = ?");

    bind_text(s, escrow_state_name(state));
    if (preimage != NULL)
        bind_hash(s, preimage);
    else
        bind_null(s);
    bind_amount(s, seq);
    bind_hash(s, id);
    statement_run(s);
}
