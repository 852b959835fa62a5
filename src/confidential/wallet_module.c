/* The confidential wallets of this node: what its operator may ask and do. Payments stand in payment.c. */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "confidential/confidential.h"
#include "confidential/payment.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "kernel/page.h"
#include "kernel/query.h"

/* --- addresses ---------------------------------------------------------------------------------------- */
struct address_params {
    struct account_id signer;
};
static const struct param address_params[] = {
    PARAM(struct address_params, signer, ACCOUNT, REQUIRED, "a key of the keystore"),
};

static enum status address_query(struct query *q, const void *params, struct writer *w)
{
    const struct address_params *p = params;
    CLEANUP(secret_free_pointer) struct own_wallet *wallet = NULL;
    char text[CONFIDENTIAL_TEXT_MAX];
    struct error error;

    if (wallet_open(kernel_keystore(q->kernel), kernel_chain(q->kernel), &p->signer, &wallet, &error) != OK)
        return query_fail(q, error.code, "%s", error.message);
    confidential_address_encode(text, &wallet->address);
    writer_object_begin(w);
    writer_member_text(w, "address", text);
    writer_object_end(w);
    return OK;
}

struct seal_params {
    const char *to;
    uint64_t amount;
};
static const struct param seal_params[] = {
    PARAM(struct seal_params, to, TEXT, REQUIRED, "confidential address of whose the note is to be",
          .most = CONFIDENTIAL_TEXT_MAX),
    PARAM(struct seal_params, amount, AMOUNT, REQUIRED, "that will be shielded, in the smallest unit"),
};

static enum status seal_query(struct query *q, const void *params, struct writer *w)
{
    const struct seal_params *p = params;
    struct confidential_address to;
    struct spend_target target;
    struct error error;

    if (confidential_address_decode(&to, p->to, &error) != OK)
        return query_fail(q, error.code, "%s", error.message);
    if (!hidden_note_seal(&to, p->amount, &target))
        return query_fail(q, ERROR_WRONG_CONFIDENTIAL_ADDRESS, "the address is not of two points");
    writer_object_begin(w);
    writer_member_hex(w, "key", target.key, POINT_SIZE);
    writer_member_hex(w, "sealed", target.sealed, NOTE_SEALED_SIZE);
    writer_object_end(w);
    sodium_memzero(&target, sizeof target);
    return OK;
}

/* --- what a wallet holds: commands, for what they find is kept ----------------------------------------- */
struct holdings {
    struct account_id signer;
    struct asset_id asset;
    uint64_t after, limit;
    struct scan scan; /* filled by the check */
};
#define HOLDINGS_PARAMS                                                                                      \
    PARAM(struct holdings, signer, ACCOUNT, REQUIRED, "a key of the keystore"),                              \
    PARAM(struct holdings, asset, ASSET, REQUIRED, "asset id or symbol")
static const struct param balance_params[] = { HOLDINGS_PARAMS };
static const struct param notes_params[] = {
    HOLDINGS_PARAMS,
    PARAM(struct holdings, after, INTEGER, OPTIONAL, "only notes with a higher number",
          .fallback = NOT_GIVEN),
    PARAM(struct holdings, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status check_holdings(const struct check *check, void *params, struct arena *arena,
                                  struct error *error)
{
    CLEANUP(secret_free_pointer) struct own_wallet *wallet = NULL;
    struct holdings *p = params;

    TRY(wallet_open(check->keystore, check->chain, &p->signer, &wallet, error));
    return wallet_scan(check->database, wallet, &p->asset, arena, &p->scan, error);
}

static enum status balance(struct execution *x, const void *params, struct writer *w)
{
    const struct holdings *p = params;
    struct own_sums sums;

    row_scan_store(execution_database(x), &p->signer, &p->scan);
    row_own_sums(execution_database(x), &p->signer, p->scan.pool.id, &sums);
    writer_object_begin(w);
    writer_member_unsigned(w, "balance", sums.free);
    writer_member_unsigned(w, "reserved", sums.reserved);
    writer_member_unsigned(w, "notes", sums.notes);
    writer_member_unsigned(w, "untried", p->scan.pool.notes - p->scan.scanned);
    writer_object_end(w);
    return OK;
}

static enum status notes(struct execution *x, const void *params, struct writer *w)
{
    const struct holdings *p = params;
    struct statement *s;
    struct page page;
    int64_t last = 0;

    row_scan_store(execution_database(x), &p->signer, &p->scan);
    s = statement(execution_database(x),
        "SELECT number, amount, CASE WHEN EXISTS (SELECT 1 FROM key_image WHERE key_image.image ="
        " own_note.image) THEN 'spent' WHEN payment IS NOT NULL THEN 'reserved' ELSE 'free' END AS state"
        " FROM own_note WHERE owner = ? AND pool = ? AND number > ? ORDER BY number LIMIT ?");
    bind_blob(s, p->signer.bytes, sizeof(p->signer.bytes));
    bind_integer(s, (int64_t)p->scan.pool.id);
    bind_integer(s, p->after == NOT_GIVEN ? -1 : (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "number");
        writer_object_begin(w);
        write_column_integer(w, s, "number");
        write_column_integer(w, s, "amount");
        write_column_text(w, s, "state");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- payments ----------------------------------------------------------------------------------------- */
struct payments {
    uint64_t after, limit;
};
static const struct param payments_params[] = {
    PARAM(struct payments, after, INTEGER, OPTIONAL, "only payments with a higher number"),
    PARAM(struct payments, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status payments(struct query *q, const void *params, struct writer *w)
{
    const struct payments *p = params;
    struct statement *s = statement(q->database,
        "SELECT own_payment.id AS id, owner, symbol, kind, amount, recipient, state, failure,"
        " \"transaction\", made_us FROM own_payment JOIN confidential_pool AS pool ON pool.id = pool"
        " JOIN asset ON asset.id = pool.asset WHERE own_payment.id > ? ORDER BY own_payment.id LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "id");
        writer_object_begin(w);
        write_column_integer(w, s, "id");
        write_column_account(w, s, "owner");
        write_column_text(w, s, "symbol");
        write_column_text(w, s, "kind");
        write_column_integer(w, s, "amount");
        write_column_text(w, s, "recipient");
        write_column_text(w, s, "state");
        write_column_text(w, s, "failure");
        write_column_hex(w, s, "transaction");
        write_column_integer(w, s, "made_us");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- the table ---------------------------------------------------------------------------------------- */
static const struct query_method queries[] = {
    { "confidential.address", ACCESS_OPERATOR, address_query, PARAMS(struct address_params, address_params),
      .help = "Show the confidential address of a key of this node; it can be given to everybody.",
      .result = "the address", .example = "signer=alice", .detached = true },
    { "confidential.seal", ACCESS_PUBLIC, seal_query, PARAMS(struct seal_params, seal_params),
      .help = "Make the one-time key and the sealed bytes of a note, for 'confidential.shield'.",
      .result = "key and sealed", .example = "to=ADDRESS amount=250", .detached = true },
    { "confidential.payments", ACCESS_OPERATOR, payments, PARAMS(struct payments, payments_params),
      .help = "List what the confidential wallets of this node sent, and what became of it.",
      .result = "a page of payments" },
};

static const struct command commands[] = {
    { "confidential.balance", SCOPE_LOCAL, ACCESS_OPERATOR, balance, check_holdings,
      PARAMS(struct holdings, balance_params),
      .help = "Look for new notes of a key of this node, and add up what it can spend.",
      .result = "balance, what payments under way reserve, and how many notes of the pool are still untried",
      .example = "signer=alice asset=GOLD" },
    { "confidential.notes", SCOPE_LOCAL, ACCESS_OPERATOR, notes, check_holdings,
      PARAMS(struct holdings, notes_params),
      .help = "Look for new notes of a key of this node, and list those it has and had.",
      .result = "a page of notes: free, reserved, or spent", .example = "signer=alice asset=GOLD" },
    { "confidential.send", SCOPE_LOCAL, ACCESS_OPERATOR, confidential_pay, check_confidential_send,
      PARAMS(struct payment_params, confidential_send_params),
      .help = "Pay to a confidential address; nobody sees who, whom, or how much.",
      .result = "number of the payment, and its transaction",
      .example = "signer=alice asset=GOLD amount=100 to=ADDRESS" },
    { "confidential.withdraw", SCOPE_LOCAL, ACCESS_OPERATOR, confidential_pay, check_confidential_withdraw,
      PARAMS(struct payment_params, confidential_withdraw_params),
      .help = "Pay from a confidential wallet to an account, in public; nobody sees who.",
      .result = "number of the payment, and its transaction",
      .example = "signer=alice asset=GOLD amount=100 account=bob" },
};

static const struct effect_kind effects[] = {
    { CONFIDENTIAL_SUBMIT, payment_submit_run, payment_submit_ended, .attempts = 20,
      .retry = payment_submit_retry,
      .help = "Brings a payment of a confidential wallet before the ledger, signed by a throw-away key." },
};

const struct module confidential_wallet_module = {
    .name = "confidential",
    .help = "The confidential wallets of this node: one for each key of its keystore.",
    COMMANDS(commands),
    QUERIES(queries),
    EFFECTS(effects),
};
