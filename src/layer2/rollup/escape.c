/* Freezing a rollup, and leaving a frozen one: see escape.h. */
#include "layer2/rollup/escape.h"

#include <inttypes.h>

#include "crypto/state_proof.h"
#include "layer2/rollup/create.h"
#include "layer2/rollup/life.h"
#include "layer2/rollup/module.h"
#include "layer2/rollup/rows.h"

const struct param escape_params[ESCAPE_PARAMS] = {
    PARAM(struct escape, domain, INTEGER, REQUIRED, "the rollup's number"),
};

void rollup_final_state(struct database *database, const struct rollup *rollup, struct hash *root,
                        uint64_t *inbox)
{
    struct batch_row row;

    *root = rollup->genesis_root;
    *inbox = 0;
    if (rollup->final == 0)
        return;
    INVARIANT(batch_find_number(database, rollup->domain, rollup->final, &row),
              "rollup %" PRIu64 " has no batch %" PRIu64, rollup->domain, rollup->final);
    *root = row.result.root;
    *inbox = row.inbox_to;
}

/* Not served: it waits, or lies in a batch that is not final. */
static enum status check_overdue(struct execution *x, const struct rollup *rollup)
{
    struct inbox_item oldest;

    if (rollup->frozen)
        return fail(x, ERROR_ROLLUP_FROZEN, "the rollup %" PRIu64 " is frozen already", rollup->domain);
    if (!inbox_oldest(execution_database(x), rollup->domain, &oldest))
        return fail(x, ERROR_INBOX_IN_TIME, "nothing waits in the inbox");
    if (execution_chain_time(x) < escape_time(rollup, &oldest))
        return fail(x, ERROR_INBOX_IN_TIME,
                    "the oldest inbox item waits since %" PRId64 " of chain time; it must be so until"
                    " %" PRId64 ", and it is %" PRId64,
                    oldest.queued_us, escape_time(rollup, &oldest), execution_chain_time(x));
    return OK;
}

enum status escape_rollup(struct execution *x, const void *params, struct writer *result)
{
    const struct escape *p = params;
    struct rollup rollup;
    struct hash root;
    uint64_t inbox;

    TRY(rollup_need(x, p->domain, &rollup));
    TRY(check_overdue(x, &rollup));
    batch_void_unfinal(x, &rollup);
    rollup.frozen = true;
    rollup_update(execution_database(x), &rollup);
    rollup_final_state(execution_database(x), &rollup, &root, &inbox);
    event_rollup_frozen(x, &(struct event_rollup_frozen){
        .domain = p->domain, .by = execution_account(x), .final = rollup.final, .root = root,
        .epoch = rollup.epoch });
    refund_inbox(x, p->domain);
    rollup_follow(x, p->domain);
    writer_object_begin(result);
    writer_member_unsigned(result, "final", rollup.final);
    writer_member_hex(result, "root", root.bytes, sizeof(root.bytes));
    writer_object_end(result);
    return OK;
}

const struct param exit_frozen_params[EXIT_FROZEN_PARAMS] = {
    PARAM(struct exit_frozen, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct exit_frozen, account, INTEGER, REQUIRED, "the account's index inside"),
    PARAM(struct exit_frozen, asset, ASSET, REQUIRED, "one of the rollup's assets"),
    PARAM(struct exit_frozen, leaf, BYTES, REQUIRED, "the account in the final state: 'rollup.exit_proof'",
          .most = LEAF_SIZE_MAX),
    PARAM(struct exit_frozen, proof, BYTES, REQUIRED, "that it is there", .most = STATE_PROOF_SIZE_MAX),
    PARAM(struct exit_frozen, epoch, INTEGER, OPTIONAL,
          "how often the rollup was un-frozen before: a proof for an earlier time is refused", .fallback = 0),
};

static enum status prove_account(struct execution *x, const struct exit_frozen *p, const struct hash *root,
                                 struct leaf *leaf)
{
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = (uint32_t)p->account };
    struct state_proof proof;
    struct hash key, value;
    struct error error;

    if (p->account > UINT32_MAX || leaf_decode(p->leaf, leaf, &error) != OK || leaf->kind != LEAF_ACCOUNT)
        return fail(x, ERROR_INVALID_WITNESS, "the leaf is not that of an account");
    if (state_proof_decode(p->proof, &proof, &error) != OK)
        return fail(x, ERROR_INVALID_WITNESS, "%s", error.message);
    leaf_place_hash(&key, &place);
    leaf_value_hash(&value, leaf);
    if (!state_proof_present(&proof, &key, &value, root))
        return fail(x, ERROR_INVALID_WITNESS, "account %" PRIu64 " is not like that in the final state",
                    p->account);
    return OK;
}

/* What is paid here must not be inside any more once the rollup goes on: the account is debited by the first
 * items of the inbox that a batch takes in then. Until that is final the exit stays known, in whichever
 * epoch. */
static enum status queue_exited(struct execution *x, struct rollup *rollup, uint32_t account, unsigned asset,
                                uint64_t amount, uint64_t *number)
{
    struct account_id signer = execution_account(x);
    struct item item = { .kind = ITEM_EXITED, .inbox = true, .asset = asset, .amount = amount,
                         .from = account, .number = inbox_count(execution_database(x), rollup->domain) };
    struct buffer payload CLEANUP(buffer_close) = { 0 };

    inbox_item_encode(&item, &payload);
    TRY(inbox_queue_lasting(x, rollup->domain, &signer, asset, buffer_bytes(&payload),
                            execution_chain_time(x)));
    INVARIANT(exit_insert(execution_database(x), rollup, account, asset, amount, item.number),
              "account %" PRIu32 " leaves rollup %" PRIu64 " twice", account, rollup->domain);
    rollup->exits_end = item.number + 1;
    rollup_update(execution_database(x), rollup);
    *number = item.number;
    return OK;
}

static enum status check_exit(struct execution *x, const struct exit_frozen *p, const struct rollup *rollup)
{
    if (!rollup->frozen)
        return fail(x, ERROR_ROLLUP_NOT_FROZEN, "the rollup %" PRIu64 " is not frozen", p->domain);
    if (p->epoch != rollup->epoch)
        return fail(x, ERROR_STALE_EPOCH, "the rollup %" PRIu64 " is in epoch %" PRIu64 ", not in %" PRIu64,
                    p->domain, rollup->epoch, p->epoch);
    return OK;
}

enum status exit_frozen(struct execution *x, const void *params, struct writer *result)
{
    const struct exit_frozen *p = params;
    uint64_t amount, inbox, item;
    struct rollup rollup;
    struct asset asset;
    struct leaf leaf;
    struct hash root;
    unsigned number;
    bool credited;

    TRY(rollup_need(x, p->domain, &rollup));
    TRY(check_exit(x, p, &rollup));
    TRY(asset_find(x, &p->asset, &asset));
    TRY(rollup_asset_number(x, &rollup, &p->asset, &number));
    rollup_final_state(execution_database(x), &rollup, &root, &inbox);
    TRY(prove_account(x, p, &root, &leaf));
    if (exit_waits(execution_database(x), p->domain, (uint32_t)p->account, number, inbox))
        return fail(x, ERROR_EXITED_BEFORE, "account %" PRIu64 " has its %s", p->account, asset.symbol);
    amount = leaf.account.balances[number];
    if (amount == 0)
        return fail(x, ERROR_INSUFFICIENT_BALANCE, "account %" PRIu64 " has no %s", p->account, asset.symbol);
    TRY(domain_pay(x, p->domain, number, &leaf.account.key, amount, &credited));
    TRY(queue_exited(x, &rollup, (uint32_t)p->account, number, amount, &item));
    event_rollup_escaped(x, &(struct event_rollup_escaped){
        .domain = p->domain, .account = p->account, .key = leaf.account.key, .asset = asset.symbol,
        .amount = amount, .credited = credited, .epoch = rollup.epoch, .number = item });
    writer_object_begin(result);
    writer_member_unsigned(result, "amount", amount);
    writer_member_boolean(result, "credited", credited);
    writer_member_unsigned(result, "number", item);
    writer_object_end(result);
    return OK;
}
