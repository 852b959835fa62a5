/* Transactions into the mempool: see mempool.h. */
#include "layer2/rollup/mempool.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "layer2/rollup/lane.h"
#include "layer2/rollup/local.h"
#include "layer2/rollup/module.h"

/* --- beside the executor ---------------------------------------------------------------------- */
static enum status account_inside(struct database *database, uint64_t domain, uint32_t index,
                                  struct rollup_account *account, struct error *error)
{
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = index };
    struct leaf leaf;

    if (!leaf_read(database, domain, &place, &leaf))
        return error_set(error, ERROR_NO_ROLLUP_ACCOUNT, "rollup %" PRIu64 " has no account %" PRIu32, domain,
                         index);
    *account = leaf.account;
    return OK;
}

static enum status index_inside(struct database *database, uint64_t domain, const struct account_id *key,
                                uint32_t *index, struct error *error)
{
    const struct leaf_place place = { .kind = LEAF_INDEX, .key = *key };
    char address[ADDRESS_TEXT_MAX];
    struct leaf leaf;

    if (leaf_read(database, domain, &place, &leaf)) {
        *index = leaf.index;
        return OK;
    }
    address_encode(address, key);
    return error_set(error, ERROR_NO_ROLLUP_ACCOUNT, "%s has no account in rollup %" PRIu64, address, domain);
}

static enum status rollup_here(const struct check *check, uint64_t domain, struct rollup *rollup,
                               struct error *error)
{
    struct account_id own = kernel_account(check->kernel);

    if (!rollup_find(check->database, domain, rollup))
        return rollup_unknown(error, domain);
    if (rollup->frozen)
        return error_set(error, ERROR_ROLLUP_FROZEN, "the rollup %" PRIu64 " is frozen", domain);
    if (!account_equal(&own, &rollup->operator_))
        return error_set(error, ERROR_NOT_SEQUENCED_HERE, "rollup %" PRIu64 " has another operator", domain);
    if (!sequencer_is_known(check->database, domain))
        return error_set(error, ERROR_NOT_SEQUENCED_HERE,
                         "rollup %" PRIu64 " is not sequenced here until the node's operator says so"
                         " ('rollup.sequencer')", domain);
    return OK;
}

const struct param rollup_submit_params[SUBMIT_PARAMS] = {
    PARAM(struct submit, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct submit, transaction, BYTES, REQUIRED, "signed, in the rollup's own form",
          .most = ITEM_SIZE_MAX),
};

enum status check_submission(const struct check *check, void *params, struct arena *arena,
                             struct error *error)
{
    struct submit *p = params;
    struct submission *s = &p->submission;
    struct rollup_account account;
    struct rollup rollup;
    size_t size;

    (void)arena;
    TRY(rollup_here(check, p->domain, &rollup, error));
    TRY(rollup_transaction_decode(p->transaction, &rollup.id, rollup.assets, &s->item, &size, error));
    if (size != p->transaction.size)
        return error_set(error, ERROR_MALFORMED_ITEM, "%zu bytes follow the transaction",
                         p->transaction.size - size);
    TRY(account_inside(check->database, p->domain, s->item.from, &account, error));
    if (!schnorr_verify(&account.key, s->item.digest.bytes, sizeof(s->item.digest.bytes), &s->item.signature))
        return error_set(error, ERROR_BAD_SIGNATURE, "the signature is not by the key of account %" PRIu32,
                         s->item.from);
    s->key = account.key;
    s->body = p->transaction;
    return OK;
}

/* --- made of a key of this node --------------------------------------------------------------- */
const struct param own_transfer_params[OWN_TRANSFER_PARAMS] = {
    PARAM(struct own_transaction, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct own_transaction, signer, ACCOUNT, REQUIRED,
          "whose account inside pays, a key of the keystore"),
    PARAM(struct own_transaction, to, ACCOUNT, REQUIRED, "the key whose account inside is paid"),
    PARAM(struct own_transaction, asset, ASSET, REQUIRED, "one of the rollup's assets"),
    PARAM(struct own_transaction, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct own_transaction, fee, INTEGER, OPTIONAL, "for the operator, in the same asset",
          .fallback = 0),
};
const struct param own_withdraw_params[OWN_TRANSFER_PARAMS] = {
    PARAM(struct own_transaction, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct own_transaction, signer, ACCOUNT, REQUIRED,
          "whose account inside pays, a key of the keystore"),
    PARAM(struct own_transaction, to, ACCOUNT, OPTIONAL,
          "account of the base ledger that gets it; the signer's when absent"),
    PARAM(struct own_transaction, asset, ASSET, REQUIRED, "one of the rollup's assets"),
    PARAM(struct own_transaction, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    PARAM(struct own_transaction, fee, INTEGER, OPTIONAL, "for the operator, in the same asset",
          .fallback = 0),
};
const struct param own_register_params[OWN_REGISTER_PARAMS] = {
    PARAM(struct own_transaction, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct own_transaction, signer, ACCOUNT, REQUIRED, "who pays the fee, a key of the keystore"),
    PARAM(struct own_transaction, to, ACCOUNT, REQUIRED, "the key that gets an account inside"),
    PARAM(struct own_transaction, asset, ASSET, REQUIRED, "of the fee"),
    PARAM(struct own_transaction, fee, INTEGER, OPTIONAL, "for the operator", .fallback = 0),
};

static enum status find_asset(struct database *database, const struct rollup *rollup,
                              const struct asset_id *asset, unsigned *number, struct error *error)
{
    for (unsigned i = 0; i < rollup->assets; i++) {
        struct asset_id id;

        if (domain_asset(database, rollup->domain, i, &id) &&
            memcmp(id.bytes, asset->bytes, sizeof(id.bytes)) == 0) {
            *number = i;
            return OK;
        }
    }
    return error_set(error, ERROR_ASSET_NOT_FOUND, "the rollup %" PRIu64 " does not have this asset",
                     rollup->domain);
}

/* Sender, asset and nonce, the signature, and the bytes. */
static enum status make(const struct check *check, struct own_transaction *p, const struct rollup *rollup,
                        struct arena *arena, struct error *error)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct submission *s = &p->submission;
    char address[ADDRESS_TEXT_MAX];
    struct rollup_account account;
    struct item decoded;
    uint8_t *copy;
    size_t size;

    TRY(find_asset(check->database, rollup, &p->asset, &s->item.asset, error));
    TRY(index_inside(check->database, p->domain, &p->signer, &s->item.from, error));
    TRY(account_inside(check->database, p->domain, s->item.from, &account, error));
    s->item.fee = p->fee;
    s->item.nonce = pending_next_nonce(check->database, p->domain, s->item.from, account.nonce);
    s->key = p->signer;
    transaction_digest(&s->item, &rollup->id);
    if (check->keystore == NULL)
        return error_set(error, ERROR_KEY_NOT_FOUND, "this node keeps no keys");
    address_encode(address, &p->signer);
    TRY(keystore_sign(check->keystore, address, &s->item.digest, &s->item.signature, error));
    rollup_transaction_encode(&s->item, &bytes);
    TRY(rollup_transaction_decode(buffer_bytes(&bytes), &rollup->id, rollup->assets, &decoded, &size, error));
    copy = arena_new(arena, bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    s->body = bytes_of(copy, bytes.size);
    return OK;
}

enum status check_own_transfer(const struct check *check, void *params, struct arena *arena,
                               struct error *error)
{
    struct own_transaction *p = params;
    struct item *item = &p->submission.item;
    struct rollup rollup;

    TRY(rollup_here(check, p->domain, &rollup, error));
    item->kind = ITEM_TRANSFER;
    item->output_count = 1;
    item->outputs[0].amount = p->amount;
    TRY(index_inside(check->database, p->domain, &p->to, &item->outputs[0].to, error));
    return make(check, p, &rollup, arena, error);
}

enum status check_own_withdraw(const struct check *check, void *params, struct arena *arena,
                               struct error *error)
{
    struct own_transaction *p = params;
    struct item *item = &p->submission.item;
    struct rollup rollup;

    TRY(rollup_here(check, p->domain, &rollup, error));
    item->kind = ITEM_WITHDRAWAL;
    item->amount = p->amount;
    item->recipient = account_is_zero(&p->to) ? p->signer : p->to;
    return make(check, p, &rollup, arena, error);
}

enum status check_own_register(const struct check *check, void *params, struct arena *arena,
                               struct error *error)
{
    struct own_transaction *p = params;
    struct item *item = &p->submission.item;
    struct rollup rollup;
    char address[ADDRESS_TEXT_MAX];

    TRY(rollup_here(check, p->domain, &rollup, error));
    if (!account_is_key(&p->to)) {
        address_encode(address, &p->to);
        return error_set(error, ERROR_BAD_KEY, "%s is no key", address);
    }
    item->kind = ITEM_REGISTRATION;
    item->key = p->to;
    return make(check, p, &rollup, arena, error);
}

/* --- in the executor -------------------------------------------------------------------------- */
static enum status check_limits(struct execution *x, uint64_t domain, const struct submission *s)
{
    struct database *database = execution_database(x);
    struct rollup_account account;
    struct error error;
    uint64_t next;

    if (account_inside(database, domain, s->item.from, &account, &error) != OK)
        return fail(x, error.code, "%s", error.message);
    if (!account_equal(&account.key, &s->key))
        return fail(x, ERROR_BAD_SIGNATURE, "account %" PRIu32 " has another key now", s->item.from);
    if (s->item.kind == ITEM_WITHDRAWAL)
        TRY(account_can_receive(x, &s->item.recipient)); /* what nobody opens would be a credit for ever */
    next = pending_next_nonce(database, domain, s->item.from, account.nonce);
    if (s->item.nonce != next)
        return fail(x, ERROR_WRONG_NONCE,
                    "the next nonce of account %" PRIu32 " is %" PRIu64 ", not %" PRIu64,
                    s->item.from, next, s->item.nonce);
    if (next - account.nonce >= PENDING_PER_SENDER_MAX)
        return fail(x, ERROR_MEMPOOL_FULL, "%u transactions of account %" PRIu32 " wait already",
                    PENDING_PER_SENDER_MAX, s->item.from);
    if (lane_waiting(x, domain) >= PENDING_MAX)
        return fail(x, ERROR_MEMPOOL_FULL, "%u transactions wait already", PENDING_MAX);
    return OK;
}

static void insert(struct execution *x, uint64_t domain, const struct submission *p)
{
    struct statement *s = statement(execution_database(x),
        "INSERT INTO rollup_pending (id, domain, sender, key, nonce, body, state, fault, received_us)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?)"
        " ON CONFLICT (id) DO UPDATE SET number = (SELECT max(number) + 1 FROM rollup_pending),"
        " key = excluded.key, body = excluded.body, state = 0, fault = 0,"
        " received_us = excluded.received_us");

    bind_blob(s, p->item.digest.bytes, sizeof(p->item.digest.bytes));
    bind_integer(s, (int64_t)domain);
    bind_integer(s, p->item.from);
    bind_blob(s, p->key.bytes, sizeof(p->key.bytes));
    bind_integer(s, (int64_t)p->item.nonce);
    bind_blob(s, p->body.data, p->body.size);
    bind_integer(s, execution_time(x));
    (void)statement_run(s);
}

/* The same again answers the same: who lost the answer may ask once more. What was dropped may come anew. */
static enum status submit(struct execution *x, uint64_t domain, const struct submission *s,
                          struct writer *result)
{
    struct arena arena CLEANUP(arena_close);
    struct pending known;
    bool repeated;

    arena_init(&arena);
    repeated = pending_find(execution_database(x), &s->item.digest, &arena, &known) &&
               known.state != PENDING_DROPPED;
    if (!repeated) {
        TRY(check_limits(x, domain, s));
        insert(x, domain, s);
        lane_wake(x, domain);
    }
    writer_object_begin(result);
    writer_member_hex(result, "transaction", s->item.digest.bytes, sizeof(s->item.digest.bytes));
    writer_member_unsigned(result, "nonce", s->item.nonce);
    writer_member_boolean(result, "repeated", repeated);
    writer_object_end(result);
    return OK;
}

enum status submit_transaction(struct execution *x, const void *params, struct writer *result)
{
    const struct submit *p = params;

    return submit(x, p->domain, &p->submission, result);
}

enum status submit_own(struct execution *x, const void *params, struct writer *result)
{
    const struct own_transaction *p = params;

    return submit(x, p->domain, &p->submission, result);
}
