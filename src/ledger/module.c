/* ledger: what the ledger offers. Rules stand in rules.c, SQL in rows.c, what people ask in queries.c, what
 * must always hold in invariants.c. A handler checks who may act, moves value, and records the one event that
 * explains it. */
#include <inttypes.h>
#include <string.h>

#include "kernel/execution.h"
#include "ledger/asset.h"
#include "ledger/escrow.h"
#include "ledger/invariants.h"
#include "ledger/queries.h"

static enum status check_metadata(struct execution *x, struct bytes metadata)
{
    if (metadata.data != NULL && !metadata_valid(metadata))
        return fail(x, ERROR_INVALID_PARAMS, "metadata: a JSON object of at most %d bytes is expected",
                    METADATA_MAX);
    return OK;
}

static enum status check_issuer(struct execution *x, const struct asset *asset)
{
    struct account_id signer = execution_account(x);

    if (!account_equal(&signer, &asset->issuer))
        return fail(x, ERROR_NOT_THE_ISSUER, "the signer is not the issuer of %s", asset->symbol);
    return OK;
}

/* An optional recipient is the signer when absent. */
static enum status choose_recipient(struct execution *x, const struct account_id *given,
                                    struct account_id *to)
{
    if (account_is_zero(given)) {
        *to = execution_account(x);
        return OK;
    }
    TRY(account_can_receive(x, given));
    *to = *given;
    return OK;
}

/* --- ledger.issue ----------------------------------------------------------------------------- */
struct issue {
    const char *symbol, *name;
    uint64_t decimals, amount, max_supply;
    struct bytes metadata;
};

static const struct param issue_params[] = {
    PARAM(struct issue, symbol, TEXT, REQUIRED, "2 … 12 capital letters and digits, a letter first",
          .most = ASSET_SYMBOL_MAX - 1),
    PARAM(struct issue, name, TEXT, OPTIONAL, "for people; the symbol when absent", .most = ASSET_NAME_MAX),
    PARAM(struct issue, decimals, INTEGER, OPTIONAL,
          "digits behind the point when amounts are shown, 0 … 18"),
    PARAM(struct issue, amount, INTEGER, REQUIRED,
          "first supply in the smallest unit, credited to you; may be 0"),
    PARAM(struct issue, max_supply, AMOUNT, OPTIONAL, "the supply never passes this; 2^53−1 when absent"),
    PARAM(struct issue, metadata, JSON, OPTIONAL, "a JSON object of your own", .most = METADATA_MAX),
};

static enum status issue(struct execution *x, const void *params, struct writer *result)
{
    const struct issue *p = params;
    const char *name = p->name != NULL ? p->name : p->symbol;
    struct asset asset = { .decimals = (unsigned)p->decimals, .issuer = execution_account(x),
                           .max_supply = p->max_supply != 0 ? p->max_supply : INTEGER_MAX };
    struct hash id;

    if (!asset_symbol_valid(p->symbol))
        return fail(x, ERROR_INVALID_PARAMS,
                    "symbol: '%s' is not 2 … 12 capital letters and digits, a letter first", p->symbol);
    if (!asset_name_valid(name))
        return fail(x, ERROR_INVALID_PARAMS, "name: 1 … %d bytes without control characters are expected",
                    ASSET_NAME_MAX);
    if (p->decimals > DECIMALS_MAX)
        return fail(x, ERROR_INVALID_PARAMS, "decimals: %" PRIu64 " is over %d", p->decimals, DECIMALS_MAX);
    TRY(check_metadata(x, p->metadata));
    memcpy(asset.symbol, p->symbol, strlen(p->symbol) + 1);
    account_know(x, &asset.issuer);
    TRY(asset_create(x, &asset, name, p->metadata, &asset.issuer, p->amount));
    writer_object_begin(result);
    writer_member_text(result, "symbol", asset.symbol);
    writer_member_hex(result, "asset", asset.id.bytes, sizeof(asset.id.bytes));
    writer_member_unsigned(result, "supply", asset.supply);
    writer_object_end(result);
    memcpy(id.bytes, asset.id.bytes, sizeof(id.bytes));
    return event_asset_issued(x, &(struct event_asset_issued){
        .symbol = asset.symbol, .asset = id, .issuer = asset.issuer, .name = name, .decimals = asset.decimals,
        .amount = p->amount, .max_supply = asset.max_supply, .metadata = p->metadata });
}

/* --- ledger.mint, ledger.burn, ledger.describe ------------------------------------------------ */
struct mint {
    struct asset_id asset;
    uint64_t amount;
    struct account_id to;
};

static const struct param mint_params[] = {
    PARAM(struct mint, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct mint, amount, AMOUNT, REQUIRED, "how much more, in the smallest unit"),
    PARAM(struct mint, to, ACCOUNT, OPTIONAL, "who receives it; you when absent"),
};

static void write_supply(struct writer *result, const struct asset *asset)
{
    writer_object_begin(result);
    writer_member_unsigned(result, "supply", asset->supply);
    writer_object_end(result);
}

static enum status mint(struct execution *x, const void *params, struct writer *result)
{
    const struct mint *p = params;
    struct asset asset;
    struct account_id to;

    TRY(asset_find(x, &p->asset, &asset));
    TRY(check_issuer(x, &asset));
    TRY(choose_recipient(x, &p->to, &to));
    TRY(asset_mint(x, DOMAIN_BASE, &asset, &to, p->amount));
    write_supply(result, &asset);
    return event_asset_minted(x, &(struct event_asset_minted){
        .symbol = asset.symbol, .to = to, .amount = p->amount, .supply = asset.supply });
}

struct burn {
    struct asset_id asset;
    uint64_t amount;
};

static const struct param burn_params[] = {
    PARAM(struct burn, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct burn, amount, AMOUNT, REQUIRED, "how much of yours to destroy, in the smallest unit"),
};

static enum status burn(struct execution *x, const void *params, struct writer *result)
{
    const struct burn *p = params;
    struct account_id from = execution_account(x);
    struct asset asset;

    TRY(asset_find(x, &p->asset, &asset));
    TRY(asset_burn(x, DOMAIN_BASE, &asset, &from, p->amount));
    write_supply(result, &asset);
    return event_asset_burned(x, &(struct event_asset_burned){
        .symbol = asset.symbol, .from = from, .amount = p->amount, .supply = asset.supply });
}

struct describe {
    struct asset_id asset;
    struct bytes metadata;
};

static const struct param describe_params[] = {
    PARAM(struct describe, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct describe, metadata, JSON, REQUIRED, "the JSON object that replaces the one before",
          .most = METADATA_MAX),
};

static enum status describe(struct execution *x, const void *params, struct writer *result)
{
    const struct describe *p = params;
    struct asset asset;

    (void)result;
    TRY(asset_find(x, &p->asset, &asset));
    TRY(check_issuer(x, &asset));
    TRY(check_metadata(x, p->metadata));
    asset_describe(x, &asset, p->metadata);
    return event_asset_described(
        x, &(struct event_asset_described){ .symbol = asset.symbol, .metadata = p->metadata });
}

/* --- ledger.transfer, ledger.transfer_batch --------------------------------------------------- */
struct transfer {
    struct account_id to;
    struct asset_id asset;
    uint64_t amount;
    const char *memo;
};

static const struct param transfer_params[] = {
    PARAM(struct transfer, to, ACCOUNT, REQUIRED, "who receives"),
    PARAM(struct transfer, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct transfer, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct transfer, memo, TEXT, OPTIONAL, "up to 256 bytes, stored as given", .most = MEMO_MAX),
};

static enum status transfer_one(struct execution *x, const struct transfer *t, uint64_t *left)
{
    struct account_id from = execution_account(x);
    struct asset asset;

    if (account_equal(&from, &t->to))
        return fail(x, ERROR_SAME_ACCOUNT, "to: the sender cannot be the recipient");
    TRY(asset_find(x, &t->asset, &asset));
    TRY(account_can_receive(x, &t->to));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &t->to, t->amount, left));
    return event_transferred(x, &(struct event_transferred){
        .from = from, .to = t->to, .asset = asset.symbol, .amount = t->amount, .memo = t->memo });
}

static enum status transfer(struct execution *x, const void *params, struct writer *result)
{
    uint64_t left;

    TRY(transfer_one(x, params, &left));
    writer_object_begin(result);
    writer_member_unsigned(result, "balance", left);
    writer_object_end(result);
    return OK;
}

struct transfer_batch {
    struct param_list transfers;
};

static const struct param transfer_batch_params[] = {
    PARAM(struct transfer_batch, transfers, LIST, REQUIRED,
          "1 … 1000 of {to, asset, amount, memo?}; all or none happen", .most = BATCH_TRANSFERS_MAX,
          .items = transfer_params, .item_params = COUNT_OF(transfer_params),
          .item_size = sizeof(struct transfer)),
};

static enum status transfer_batch(struct execution *x, const void *params, struct writer *result)
{
    const struct transfer_batch *p = params;
    const struct transfer *transfers = p->transfers.items;

    for (size_t i = 0; i < p->transfers.count; i++)
        TRY(transfer_one(x, &transfers[i], NULL));
    writer_object_begin(result);
    writer_member_unsigned(result, "transfers", p->transfers.count);
    writer_object_end(result);
    return OK;
}

/* --- ledger.lock, ledger.claim ---------------------------------------------------------------- */
struct lock {
    struct account_id to;
    struct asset_id asset;
    uint64_t amount;
    struct hash hash;
    int64_t timeout, deadline;
};

static const struct param lock_params[] = {
    PARAM(struct lock, to, ACCOUNT, REQUIRED, "who may claim"),
    PARAM(struct lock, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct lock, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct lock, hash, HASH, REQUIRED, "SHA-256 of the 32-byte preimage"),
    PARAM(struct lock, timeout, DURATION, OPTIONAL,
          "goes back to you after this time; either this or deadline"),
    PARAM(struct lock, deadline, TIME, OPTIONAL,
          "goes back to you at this block time; either this or timeout"),
};

static enum status choose_deadline(struct execution *x, const struct lock *p, int64_t *deadline_us)
{
    enum status refusal = escrow_deadline(execution_time(x), p->timeout, p->deadline, deadline_us);
    char now[TIME_TEXT_MAX];

    if (refusal == OK)
        return OK;
    if (refusal == ERROR_INVALID_PARAMS)
        return fail(x, refusal, "timeout, deadline: one of the two is expected, and not both");
    if (refusal == ERROR_LIMIT)
        return fail(x, refusal, "the deadline lies more than 1000 days ahead");
    time_text(now, execution_time(x));
    return fail(x, refusal, "deadline: it must lie after the block's time, which is %s", now);
}

static enum status lock(struct execution *x, const void *params, struct writer *result)
{
    const struct lock *p = params;
    struct escrow escrow = { .domain = DOMAIN_BASE, .asset = p->asset, .amount = p->amount,
                             .sender = execution_account(x), .recipient = p->to, .hash = p->hash };
    struct asset asset;

    if (account_equal(&escrow.sender, &escrow.recipient))
        return fail(x, ERROR_SAME_ACCOUNT, "to: the sender cannot be the recipient");
    TRY(asset_find(x, &p->asset, &asset));
    TRY(account_can_receive(x, &p->to));
    TRY(choose_deadline(x, p, &escrow.deadline_us));
    TRY(escrow_lock(x, &escrow, &asset));
    writer_object_begin(result);
    writer_member_hex(result, "escrow", escrow.id.bytes, sizeof(escrow.id.bytes));
    writer_member_integer(result, "deadline_us", escrow.deadline_us);
    writer_object_end(result);
    return OK;
}

struct claim {
    struct hash escrow, preimage;
};

static const struct param claim_params[] = {
    PARAM(struct claim, escrow, HASH, REQUIRED, "its id"),
    PARAM(struct claim, preimage, HASH, REQUIRED, "32 bytes whose SHA-256 is the escrow's hash"),
};

static enum status claim(struct execution *x, const void *params, struct writer *result)
{
    const struct claim *p = params;
    struct escrow escrow;
    struct asset asset;

    TRY(escrow_claim(x, &p->escrow, &p->preimage, &escrow, &asset));
    writer_object_begin(result);
    writer_member_text(result, "asset", asset.symbol);
    writer_member_unsigned(result, "amount", escrow.amount);
    writer_object_end(result);
    return OK;
}

/* --- dev.faucet ------------------------------------------------------------------------------- */
struct faucet {
    struct account_id to;
    uint64_t amount;
};

static const struct param faucet_params[] = {
    PARAM(struct faucet, to, ACCOUNT, OPTIONAL, "who receives; you when absent"),
    PARAM(struct faucet, amount, AMOUNT, OPTIONAL,
          "in millionths of a DEV; 1000000000 (1,000 DEV) when absent"),
};

static enum status faucet(struct execution *x, const void *params, struct writer *result)
{
    const struct faucet *p = params;
    uint64_t amount = p->amount != 0 ? p->amount : FAUCET_DEFAULT;
    struct account_id to;
    struct asset asset;

    if (amount > FAUCET_MAX)
        return fail(x, ERROR_FAUCET_LIMIT, "amount: %" PRIu64 " is over %" PRIu64, amount, FAUCET_MAX);
    TRY(choose_recipient(x, &p->to, &to));
    faucet_find(x, &asset);
    TRY(asset_mint(x, DOMAIN_BASE, &asset, &to, amount));
    writer_object_begin(result);
    writer_member_text(result, "asset", asset.symbol);
    writer_member_unsigned(result, "amount", amount);
    writer_object_end(result);
    return event_faucet_paid(x, &(struct event_faucet_paid){
        .to = to, .asset = asset.symbol, .amount = amount, .supply = asset.supply });
}

/* --- the tables ------------------------------------------------------------------------------- */
static const struct command commands[] = {
    { "ledger.issue", SCOPE_BASE, ACCESS_SIGNED, issue, PARAMS(struct issue, issue_params),
      .help = "Make a new asset, whose issuer you are.", .result = "its id and supply",
      .example = "from=alice symbol=GOLD amount=1000000 decimals=3 name=Gold" },
    { "ledger.mint", SCOPE_BASE, ACCESS_SIGNED, mint, PARAMS(struct mint, mint_params),
      .help = "Make more of an asset that you issued.", .result = "the supply afterwards",
      .example = "from=alice asset=GOLD amount=500000" },
    { "ledger.burn", SCOPE_BASE, ACCESS_SIGNED, burn, PARAMS(struct burn, burn_params),
      .help = "Destroy an amount that you hold.", .result = "the supply afterwards",
      .example = "from=alice asset=GOLD amount=1000" },
    { "ledger.describe", SCOPE_BASE, ACCESS_SIGNED, describe, PARAMS(struct describe, describe_params),
      .help = "Replace the metadata of an asset that you issued.", .result = "nothing",
      .example = "from=alice asset=GOLD 'metadata={\"site\":\"https://gold.example\"}'" },
    { "ledger.transfer", SCOPE_BASE, ACCESS_SIGNED, transfer, PARAMS(struct transfer, transfer_params),
      .help = "Move an amount of an asset to another account.", .result = "what you have left of it",
      .example = "from=alice to=bob asset=GOLD amount=250 memo=lunch" },
    { "ledger.transfer_batch", SCOPE_BASE, ACCESS_SIGNED, transfer_batch,
      PARAMS(struct transfer_batch, transfer_batch_params),
      .help = "Make up to 1000 transfers at once: all of them happen or none.",
      .result = "how many there were",
      .example = "from=alice 'transfers=[{\"to\":\"bob\",\"asset\":\"GOLD\",\"amount\":5}]'" },
    { "ledger.lock", SCOPE_BASE, ACCESS_SIGNED, lock, PARAMS(struct lock, lock_params),
      .help = "Lock an amount until the recipient shows a preimage, or the deadline brings it back.",
      .result = "the escrow's id and deadline",
      .example = "from=alice to=bob asset=GOLD amount=100 timeout=10m "
                 "hash=66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925" },
    { "ledger.claim", SCOPE_BASE, ACCESS_SIGNED, claim, PARAMS(struct claim, claim_params),
      .help = "Take what an escrow holds for you by showing the preimage before its deadline.",
      .result = "what it was",
      .example = "from=bob escrow=ID "
                 "preimage=0000000000000000000000000000000000000000000000000000000000000000" },
    { "dev.faucet", SCOPE_BASE, ACCESS_SIGNED, faucet, PARAMS(struct faucet, faucet_params),
      .help = "Make DEV coins for an account.", .result = "what was paid",
      .example = "from=alice amount=5000000", .dev_only = true },
};

static const struct deadline_kind deadlines[] = {
    { ESCROW_DEADLINE, escrow_refund, "An escrow that nobody claimed goes back to its sender." },
};

static const char *const base_tables[] = {
    "domain", "account", "asset", "balance", "posting", "escrow", NULL
};

const struct module ledger_module = {
    .name = "ledger",
    .help = "Accounts, assets, balances, transfers and hash-locked escrows.",
    COMMANDS(commands),
    .queries = ledger_queries,
    .query_count = LEDGER_QUERIES,
    DEADLINES(deadlines),
    .invariants = ledger_invariants,
    .invariant_count = LEDGER_INVARIANTS,
    .base_tables = base_tables,
    .genesis = faucet_create,
};
