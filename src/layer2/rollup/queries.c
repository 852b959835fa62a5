/* What people may ask about rollups: see queries.h. */
#include "layer2/rollup/queries.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/state_proof.h"
#include "kernel/page.h"
#include "layer2/rollup/escape.h"
#include "layer2/rollup/held.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/mempool.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"
#include "layer2/rollup/rules.h"

#define EXAMPLE_HASH "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static enum status need_rollup(struct query *q, uint64_t domain, struct rollup *rollup)
{
    if (rollup_find(q->database, domain, rollup))
        return OK;
    return query_fail(q, ERROR_ROLLUP_NOT_FOUND, "there is no rollup %" PRIu64, domain);
}

static void write_account(struct writer *w, const char *key, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_member_text(w, key, address);
}

static void write_hash(struct writer *w, const char *key, const struct hash *hash)
{
    writer_member_hex(w, key, hash->bytes, sizeof(hash->bytes));
}

static void write_symbol(struct writer *w, struct database *database, const struct asset_id *id)
{
    struct statement *s = statement(database, "SELECT symbol FROM asset WHERE id = ?");

    bind_blob(s, id->bytes, sizeof(id->bytes));
    if (!statement_row(s)) {
        writer_null(w);
        return;
    }
    writer_text(w, column_text(s, "symbol"));
    statement_finish(s);
}

static void write_asset(struct writer *w, struct database *database, uint64_t domain, unsigned number)
{
    struct asset_id id;

    if (domain_asset(database, domain, number, &id))
        write_symbol(w, database, &id);
    else
        writer_null(w);
}

/* --- rollup.get ------------------------------------------------------------------------------- */
static const struct param one_rollup_params[] = {
    PARAM(struct one_rollup, domain, INTEGER, REQUIRED, "its number"),
};

static void write_terms(struct writer *w, const struct rollup *r)
{
    writer_member_unsigned(w, "bond", r->game.bond_base);
    writer_member_unsigned(w, "bond_numerator", r->game.bond_numerator);
    writer_member_unsigned(w, "bond_denominator", r->game.bond_denominator);
    writer_member_unsigned(w, "burn_ppm", r->game.burn_ppm);
    writer_member_integer(w, "challenge_us", r->challenge_us);
    writer_member_integer(w, "clock_us", r->game.max_clock_us);
    writer_member_integer(w, "extension_us", r->game.extension_us);
    writer_member_integer(w, "step_extension_us", r->game.step_extension_us);
    writer_member_integer(w, "air_gap_us", r->game.air_gap_us);
    writer_member_integer(w, "payout_delay_us", r->game.payout_delay_us);
    writer_member_integer(w, "forced_us", r->forced_us);
    writer_member_integer(w, "escape_us", r->escape_us);
    writer_member_integer(w, "jail_us", r->jail_us);
    writer_member_integer(w, "unfreeze_us", r->unfreeze_us);
}

static enum status get_rollup(struct query *q, const void *params, struct writer *w)
{
    const struct one_rollup *p = params;
    struct lane_row lane = { .number = 0 };
    struct batch_row newest;
    struct rollup r;
    struct hash final;
    uint64_t inbox;

    TRY(need_rollup(q, p->domain, &r));
    rollup_final_state(q->database, &r, &final, &inbox);
    writer_object_begin(w);
    writer_member_unsigned(w, "domain", r.domain);
    write_hash(w, "rollup", &r.id);
    write_account(w, "operator", &r.operator_);
    write_account(w, "escrow", &r.escrow);
    writer_key(w, "assets");
    writer_array_begin(w);
    for (unsigned i = 0; i < r.assets; i++)
        write_asset(w, q->database, r.domain, i);
    writer_array_end(w);
    writer_key(w, "deposit_min");
    writer_array_begin(w);
    for (unsigned i = 0; i < r.assets; i++)
        writer_unsigned(w, deposit_min(q->database, r.domain, i));
    writer_array_end(w);
    writer_key(w, "bond_asset");
    write_symbol(w, q->database, &r.bond_asset);
    write_terms(w, &r);
    write_committee(w, q->database, &r);
    writer_member_boolean(w, "frozen", r.frozen);
    writer_member_unsigned(w, "epoch", r.epoch);
    writer_member_integer(w, "unfreeze_at_us", r.unfreeze_at_us);
    writer_member_unsigned(w, "exits_end", r.exits_end);
    writer_member_integer(w, "jailed_until_us", r.jailed_until_us);
    writer_member_unsigned(w, "head", r.head);
    if (r.head > 0 && batch_find_number(q->database, r.domain, r.head, &newest))
        write_hash(w, "head_batch", &newest.id);
    writer_member_unsigned(w, "final", r.final);
    write_hash(w, "final_root", &final);
    write_hash(w, "genesis_root", &r.genesis_root);
    writer_member_unsigned(w, "inbox", inbox_count(q->database, r.domain));
    (void)!lane_read(q->database, r.domain, &lane);
    writer_member_unsigned(w, "executed", lane.number);
    writer_object_end(w);
    return OK;
}

/* --- rollup.batch, rollup.batches ------------------------------------------------------------- */
struct one_batch {
    uint64_t domain, number;
    struct hash batch;
};

static const struct param one_batch_params[] = {
    PARAM(struct one_batch, domain, INTEGER, OPTIONAL, "the rollup's number", .fallback = NOT_GIVEN),
    PARAM(struct one_batch, number, INTEGER, OPTIONAL, "the batch's, of those that stand",
          .fallback = NOT_GIVEN),
    PARAM(struct one_batch, batch, HASH, OPTIONAL, "its id, instead of the two"),
};

static void write_verdict(struct writer *w, struct database *database, const struct hash *batch)
{
    struct batch_verdict v;

    writer_key(w, "verdict");
    if (!batch_verdict_read(database, batch, &v)) {
        writer_null(w);
        return;
    }
    writer_object_begin(w);
    writer_member_boolean(w, "right", v.right);
    if (v.invalid) {
        writer_member_unsigned(w, "item", v.item);
        writer_member_text(w, "fault", item_fault_name(v.fault));
    } else {
        write_hash(w, "root", &v.result.root);
        write_hash(w, "withdrawal_root", &v.result.withdrawal_root);
        writer_member_unsigned(w, "withdrawals", v.result.withdrawals);
    }
    writer_object_end(w);
}

static void write_batch(struct writer *w, const struct batch_row *row)
{
    writer_member_unsigned(w, "domain", row->domain);
    writer_member_unsigned(w, "number", row->number);
    write_hash(w, "batch", &row->id);
    write_hash(w, "parent", &row->parent);
    writer_member_text(w, "state", batch_state_name(row->state));
    write_account(w, "proposer", &row->proposer);
    write_hash(w, "previous_root", &row->previous_root);
    write_hash(w, "root", &row->result.root);
    write_hash(w, "withdrawal_root", &row->result.withdrawal_root);
    writer_member_unsigned(w, "withdrawals", row->result.withdrawals);
    write_hash(w, "items_root", &row->items_root);
    write_hash(w, "context", &row->context);
    writer_member_unsigned(w, "items", row->items);
    writer_member_unsigned(w, "inbox_from", row->inbox_from);
    writer_member_unsigned(w, "inbox_to", row->inbox_to);
    writer_member_unsigned(w, "bond", row->bond);
    writer_member_text(w, "data_state", data_state_name(row->data_state));
    writer_member_integer(w, "proposed_us", row->proposed_us);
    writer_member_integer(w, "window_end_us", row->window_end_us);
    writer_member_integer(w, "accepted_us", row->accepted_us);
    writer_member_integer(w, "ended_us", row->ended_us);
}

static enum status get_batch(struct query *q, const void *params, struct writer *w)
{
    const struct one_batch *p = params;
    struct buffer data CLEANUP(buffer_close) = { 0 };
    struct batch_row row;
    bool found;

    if (p->domain != NOT_GIVEN && p->number != NOT_GIVEN)
        found = batch_find_number(q->database, p->domain, p->number, &row);
    else
        found = batch_find(q->database, &p->batch, &row);
    if (!found)
        return query_fail(q, ERROR_BATCH_NOT_FOUND, "there is no such batch");
    writer_object_begin(w);
    write_batch(w, &row);
    write_data_state(w, q->database, &row);
    if (!batch_data(q->database, &row.id, &data))
        (void)!held_read(q->database, &row.data_hash, &data);
    writer_member_hex(w, "data", data.data, data.size);
    write_verdict(w, q->database, &row.id);
    writer_object_end(w);
    return OK;
}

struct many_batches {
    uint64_t domain, after, limit;
};

static const struct param many_batches_params[] = {
    PARAM(struct many_batches, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct many_batches, after, INTEGER, OPTIONAL, "the page after this one", .fallback = 0),
    PARAM(struct many_batches, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP, .fallback = 0),
};

static enum status list_batches(struct query *q, const void *params, struct writer *w)
{
    const struct many_batches *p = params;
    struct statement *s = statement(q->database,
        "SELECT created_seq, " BATCH_COLUMNS " FROM batch WHERE domain = ? AND created_seq > ?"
        " ORDER BY created_seq LIMIT ?");
    struct rollup rollup;
    int64_t last = 0;
    struct page page;

    TRY(need_rollup(q, p->domain, &rollup));
    bind_integer(s, (int64_t)p->domain);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        struct batch_row row;

        batch_from_row(s, &row);
        last = column_integer(s, "created_seq");
        writer_object_begin(w);
        write_batch(w, &row);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- rollup.account --------------------------------------------------------------------------- */
struct one_account {
    uint64_t domain, account;
    struct account_id key;
};

static const struct param one_account_params[] = {
    PARAM(struct one_account, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct one_account, account, INTEGER, OPTIONAL, "its index inside", .fallback = NOT_GIVEN),
    PARAM(struct one_account, key, ACCOUNT, OPTIONAL, "or whose it is"),
};

static enum status find_account(struct query *q, const struct one_account *p, uint32_t *index,
                                struct rollup_account *account)
{
    struct leaf_place place = { .kind = LEAF_INDEX, .key = p->key };
    struct leaf leaf;

    if (p->account == NOT_GIVEN) {
        if (!leaf_read(q->database, p->domain, &place, &leaf))
            return query_fail(q, ERROR_NO_ROLLUP_ACCOUNT, "this key has no account in rollup %" PRIu64,
                              p->domain);
        *index = leaf.index;
    } else {
        *index = p->account > UINT32_MAX ? UINT32_MAX : (uint32_t)p->account;
    }
    place = (struct leaf_place){ .kind = LEAF_ACCOUNT, .index = *index };
    if (!leaf_read(q->database, p->domain, &place, &leaf))
        return query_fail(q, ERROR_NO_ROLLUP_ACCOUNT, "rollup %" PRIu64 " has no account %" PRIu32, p->domain,
                          *index);
    *account = leaf.account;
    return OK;
}

static enum status get_account(struct query *q, const void *params, struct writer *w)
{
    const struct one_account *p = params;
    struct lane_row lane = { .number = 0 };
    struct rollup_account account;
    struct rollup rollup;
    uint32_t index;

    TRY(need_rollup(q, p->domain, &rollup));
    TRY(find_account(q, p, &index, &account));
    (void)!lane_read(q->database, p->domain, &lane);
    writer_object_begin(w);
    writer_member_unsigned(w, "account", index);
    write_account(w, "key", &account.key);
    writer_member_unsigned(w, "nonce", account.nonce);
    writer_member_unsigned(w, "next_nonce",
                           pending_next_nonce(q->database, p->domain, index, account.nonce));
    writer_key(w, "balances");
    writer_array_begin(w);
    for (unsigned i = 0; i < rollup.assets; i++) {
        writer_object_begin(w);
        writer_key(w, "symbol");
        write_asset(w, q->database, p->domain, i);
        writer_member_unsigned(w, "amount", account.balances[i]);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_member_unsigned(w, "executed", lane.number);
    writer_object_end(w);
    return OK;
}

/* --- rollup.transaction, rollup.pending ------------------------------------------------------- */
struct one_transaction {
    struct hash transaction;
};

static const struct param one_transaction_params[] = {
    PARAM(struct one_transaction, transaction, HASH, REQUIRED, "its id, as 'rollup.submit' answered it"),
};

static void write_pending(struct writer *w, struct database *database, const struct pending *p)
{
    struct batch_row row;

    write_hash(w, "transaction", &p->id);
    writer_member_unsigned(w, "domain", p->domain);
    writer_member_unsigned(w, "account", p->sender);
    writer_member_unsigned(w, "nonce", p->nonce);
    writer_member_integer(w, "received_us", p->received_us);
    switch (p->state) {
    case PENDING_WAITS:
        writer_member_text(w, "state", "pending");
        break;
    case PENDING_IN_BATCH:
        if (!batch_find(database, &p->batch, &row))
            break;
        writer_member_text(w, "state", row.state == BATCH_FINAL ? "final" : "in_batch");
        writer_member_unsigned(w, "number", row.number);
        write_hash(w, "batch", &row.id);
        break;
    case PENDING_DROPPED:
        writer_member_text(w, "state", "dropped");
        writer_member_text(w, "fault", item_fault_name(p->fault));
        break;
    }
}

static enum status get_transaction(struct query *q, const void *params, struct writer *w)
{
    const struct one_transaction *p = params;
    struct arena arena CLEANUP(arena_close);
    struct pending pending;

    arena_init(&arena);
    if (!pending_find(q->database, &p->transaction, &arena, &pending))
        return query_fail(q, ERROR_ROLLUP_TRANSACTION_NOT_FOUND,
                          "this node was not given this transaction, or not within %u final batches",
                          PENDING_TOLD_BATCHES);
    writer_object_begin(w);
    write_pending(w, q->database, &pending);
    writer_member_hex(w, "body", pending.body.data, pending.body.size);
    writer_object_end(w);
    return OK;
}

static enum status list_pending(struct query *q, const void *params, struct writer *w)
{
    const struct many_batches *p = params;
    struct arena arena CLEANUP(arena_close);
    uint64_t limit = page_limit(p->limit);
    struct pending *list;
    size_t count;

    arena_init(&arena);
    list = arena_new(&arena, (size_t)(limit + 1) * sizeof(*list));
    count = pending_list(q->database, p->domain, p->after, (size_t)limit + 1, SIZE_MAX, &arena, list);
    writer_object_begin(w);
    writer_key(w, "items");
    writer_array_begin(w);
    for (size_t i = 0; i < count && i < limit; i++) {
        writer_object_begin(w);
        write_pending(w, q->database, &list[i]);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_key(w, "next");
    if (count > limit)
        writer_unsigned(w, list[limit - 1].number);
    else
        writer_null(w);
    writer_object_end(w);
    return OK;
}

/* --- rollup.withdrawal ------------------------------------------------------------------------ */
struct one_withdrawal {
    uint64_t domain, number;
};

static const struct param one_withdrawal_params[] = {
    PARAM(struct one_withdrawal, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct one_withdrawal, number, INTEGER, REQUIRED, "0, 1, … in the order of execution"),
};

static enum status get_withdrawal(struct query *q, const void *params, struct writer *w)
{
    const struct one_withdrawal *p = params;
    struct withdrawal withdrawal;
    struct outbox_proof proof;
    struct batch_row final;
    struct rollup rollup;
    uint64_t batch;
    bool is_final;

    TRY(need_rollup(q, p->domain, &rollup));
    if (!withdrawal_find(q->database, p->domain, p->number, &withdrawal, &batch))
        return query_fail(q, ERROR_WITHDRAWAL_NOT_FOUND, "rollup %" PRIu64 " has no withdrawal %" PRIu64,
                          p->domain, p->number);
    is_final = rollup.final > 0 && batch_find_number(q->database, p->domain, rollup.final, &final) &&
               p->number < final.result.withdrawals &&
               withdrawal_prove(q->database, p->domain, p->number, final.result.withdrawals, &proof);
    writer_object_begin(w);
    writer_member_unsigned(w, "domain", p->domain);
    writer_member_unsigned(w, "number", p->number);
    writer_member_unsigned(w, "batch", batch);
    writer_member_unsigned(w, "asset_number", withdrawal.asset);
    writer_key(w, "asset");
    write_asset(w, q->database, p->domain, withdrawal.asset);
    writer_member_unsigned(w, "amount", withdrawal.amount);
    write_account(w, "recipient", &withdrawal.recipient);
    writer_member_boolean(w, "final", is_final);
    if (is_final) {
        write_hash(w, "root", &final.result.withdrawal_root);
        writer_member_unsigned(w, "count", final.result.withdrawals);
        writer_member_hex(w, "proof", proof.siblings, sizeof(proof.siblings));
    }
    writer_object_end(w);
    return OK;
}

/* --- rollup.exit_proof ------------------------------------------------------------------------ */
static enum status exit_proof(struct query *q, const void *params, struct writer *w)
{
    const struct one_account *p = params;
    struct buffer proof_bytes CLEANUP(buffer_close) = { 0 };
    struct buffer leaf_bytes CLEANUP(buffer_close) = { 0 };
    struct leaf_place place = { .kind = LEAF_ACCOUNT };
    struct rollup_account account;
    struct state_proof proof;
    struct rollup rollup;
    struct lane *lane;
    struct leaf leaf;
    uint64_t at;
    bool present;

    TRY(need_rollup(q, p->domain, &rollup));
    if (!rollup.frozen)
        return query_fail(q, ERROR_ROLLUP_NOT_FROZEN, "the rollup %" PRIu64 " is not frozen", p->domain);
    TRY(find_account(q, p, &place.index, &account));
    lane = lane_lock_soon(q->kernel, p->domain);
    if (lane == NULL)
        return query_fail(q, ERROR_NOT_READY, "the state of rollup %" PRIu64 " is being read or worked on",
                          p->domain);
    at = lane->at.number;
    if (at != rollup.final) {
        lane_unlock(lane);
        return query_fail(q, ERROR_NOT_READY, "this node is at batch %" PRIu64 ", the final one is %" PRIu64,
                          at, rollup.final);
    }
    rollup_state_prove(lane->state, &place, &proof, &leaf, &present);
    lane_unlock(lane);
    if (!present)
        return query_fail(q, ERROR_NO_ROLLUP_ACCOUNT, "the final state has no account %" PRIu32, place.index);
    leaf_encode(&leaf, &leaf_bytes);
    state_proof_encode(&proof, &proof_bytes);
    writer_object_begin(w);
    writer_member_unsigned(w, "account", place.index);
    writer_member_unsigned(w, "epoch", rollup.epoch);
    writer_member_hex(w, "leaf", leaf_bytes.data, leaf_bytes.size);
    writer_member_hex(w, "proof", proof_bytes.data, proof_bytes.size);
    writer_object_end(w);
    return OK;
}

/* --- the table -------------------------------------------------------------------------------- */
const struct query_method rollup_queries[ROLLUP_QUERIES] = {
    { "rollup.get", ACCESS_PUBLIC, get_rollup, PARAMS(struct one_rollup, one_rollup_params),
      .help = "One rollup: its terms, its newest and its newest final batch.",
      .result = "the rollup, and how far this node has executed it", .example = "domain=1" },
    { "rollup.batch", ACCESS_PUBLIC, get_batch, PARAMS(struct one_batch, one_batch_params),
      .help = "One batch, by domain and number or by id, with its data.",
      .result = "the batch, and this node's verdict", .example = "domain=1 number=1" },
    { "rollup.batches", ACCESS_PUBLIC, list_batches, PARAMS(struct many_batches, many_batches_params),
      .help = "A rollup's batches in the order of their coming, those that did not stand as well.",
      .result = "a page of batches", .example = "domain=1" },
    { "rollup.account", ACCESS_PUBLIC, get_account, PARAMS(struct one_account, one_account_params),
      .help = "An account inside of a rollup, as far as this node has executed it.",
      .result = "index, key, nonces and balances", .example = "domain=1 account=0" },
    { "rollup.transaction", ACCESS_PUBLIC, get_transaction,
      PARAMS(struct one_transaction, one_transaction_params),
      .help = "What became of a transaction that this node was given.",
      .result = "pending, in_batch, final or dropped, and why", .example = "transaction=" EXAMPLE_HASH },
    { "rollup.pending", ACCESS_PUBLIC, list_pending, PARAMS(struct many_batches, many_batches_params),
      .help = "Transactions that wait for a batch.", .result = "a page of transactions",
      .example = "domain=1" },
    { "rollup.withdrawal", ACCESS_PUBLIC, get_withdrawal,
      PARAMS(struct one_withdrawal, one_withdrawal_params),
      .help = "A withdrawal from a rollup.",
      .result = "the withdrawal, and once it is final what 'message.claim' asks for",
      .example = "domain=1 number=0" },
    { "rollup.exit_proof", ACCESS_PUBLIC, exit_proof, PARAMS(struct one_account, one_account_params),
      .help = "What 'rollup.exit_frozen' asks for: an account of a frozen rollup.",
      .result = "the account's leaf, and the proof of it", .example = "domain=1 account=0" },
    { "rollup.data", ACCESS_PUBLIC, get_data, PARAMS(struct one_data, data_params),
      .help = "Data of a batch, or of one that waits for its committee, when this node keeps it.",
      .result = "the data, as its committee vouches for it", .example = "data_hash=" EXAMPLE_HASH },
    { "rollup.sealed", ACCESS_PUBLIC, get_sealed, PARAMS(struct one_rollup, one_rollup_params),
      .help = "The batch that this node has made and that waits for its committee.",
      .result = "what members sign, and who elsewhere has", .example = "domain=1" },
    { "rollup.rebuild", ACCESS_PUBLIC, rebuild_rollup, PARAMS(struct one_rollup, one_rollup_params),
      .help = "Executes a rollup anew, from nothing but batches' data, and compares every root.",
      .result = "batches and items executed, and the first difference", .example = "domain=1", .slow = true },
};
