/* The leg on the base ledger: an escrow locked by the hash (ledger/escrow.h). It returns by itself at its
 * deadline, and what is committed there stays. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "kernel/kernel.h"
#include "layer2/transfer/leg.h"
#include "ledger/ledger.h"

/* from the start; a transaction: 366 days at most */
#define CLAIM_VALID_US ((int64_t)365 * 24 * 3600 * 1000000)
#define BLOCK_US ((int64_t)2 * 1000000) /* that a command may wait until it is in a block */

static void timing(enum node_network network, const char *detail, struct leg_timing *timing)
{
    (void)detail;
    *timing = (struct leg_timing){ .depth_us = leg_window(network, BLOCK_US),
                                   .reaction_us = leg_window(network, REACTION_US) };
}

/* --- planning ---------------------------------------------------------------------------------- */
static enum status plan_escrow(struct execution *x, struct leg_plan *plan, const struct account_id *sender,
                               const struct account_id *recipient, uint64_t amount)
{
    struct leg *leg = plan->leg;
    struct asset asset;

    if (account_equal(sender, recipient))
        return fail(x, ERROR_SAME_ACCOUNT, "%s: it would be from an account to itself", leg->place);
    TRY(asset_find(x, &plan->terms->way.asset, &asset));
    address_encode(leg->sender, sender);
    address_encode(leg->recipient, recipient);
    text_set(leg->asset, sizeof(leg->asset), asset.symbol);
    snprintf(leg->amount, sizeof(leg->amount), "%" PRIu64, amount);
    return OK;
}

static enum status plan_source(struct execution *x, struct leg_plan *plan, const struct account_id *account,
                               uint64_t amount)
{
    struct asset asset;

    TRY(plan_escrow(x, plan, account, &plan->terms->provider, amount));
    plan->locks = leg_signs_for(execution_kernel(x), account);
    TRY(asset_find(x, &plan->terms->way.asset, &asset));
    if (balance_of(x, DOMAIN_BASE, &asset, account) < amount) /* it is to be locked within minutes */
        return fail(x, ERROR_INSUFFICIENT_BALANCE, "the account has less than %" PRIu64 " %s", amount,
                    asset.symbol);
    return OK;
}

static enum status plan_destination(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    struct account_id recipient;
    struct asset asset;

    if (!address_decode(&recipient, plan->recipient, strlen(plan->recipient)))
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: an address of this ledger is expected");
    TRY(account_can_receive(x, &recipient));
    TRY(plan_escrow(x, plan, &plan->terms->provider, &recipient, amount));
    plan->takes_secret = leg_signs_for(execution_kernel(x), &recipient);
    TRY(asset_find(x, &plan->terms->way.asset, &asset));
    if (balance_of(x, DOMAIN_BASE, &asset, &plan->terms->provider) < amount)
        return fail(x, ERROR_TRANSFER_LIQUIDITY, "the provider has less than %" PRIu64 " %s just now", amount,
                    asset.symbol);
    return OK;
}

/* --- looking ----------------------------------------------------------------------------------- */
/* From then on no lock is brought, and none that was is taken. */
static int64_t lock_until(const struct leg_work *work)
{
    struct leg_timing t;

    if (work->leg->side == SIDE_SOURCE)
        return work->transfer->lock_until_us;
    timing(kernel_network(work->kernel), work->leg->detail, &t);
    return work->leg->expiry_us - t.depth_us;
}

/* The escrow that keeps the terms, whoever locked it. By the hash: the sender's escrows, which come in the
 * order asked for, are all that the provider ever locked. */
static struct statement *find(const struct leg_work *work)
{
    struct statement *s = statement(work->database,
        "SELECT e.id, e.state, e.preimage, e.deadline_us FROM escrow AS e INDEXED BY escrow_hash"
        " JOIN asset AS a ON a.id = e.asset"
        " WHERE e.hash = ? AND e.domain = 0 AND a.symbol = ? AND e.amount = cast(? AS INTEGER)"
        "   AND e.sender = (SELECT id FROM account WHERE address = ?)"
        "   AND e.recipient = (SELECT id FROM account WHERE address = ?) AND e.deadline_us >= ?"
        " ORDER BY e.created_seq LIMIT 1");

    bind_blob(s, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    bind_text(s, work->leg->asset);
    bind_text(s, work->leg->amount);
    bind_text(s, work->leg->sender);
    bind_text(s, work->leg->recipient);
    bind_integer(s, work->leg->expiry_us);
    return s;
}

static enum status look(struct leg_work *work, struct leg_view *view)
{
    struct statement *s = find(work);
    const char *state;
    struct hash id;

    if (!statement_row(s)) {
        view->sight = work->now_us >= lock_until(work) ? SIGHT_NEVER : SIGHT_NONE;
        return OK;
    }
    column_fixed(s, "id", id.bytes, sizeof(id.bytes));
    hex_text(view->reference, id.bytes, sizeof(id.bytes));
    view->expiry_us = column_integer(s, "deadline_us");
    state = column_text(s, "state");
    view->sight = strcmp(state, "locked") == 0    ? SIGHT_LOCKED
                  : strcmp(state, "claimed") == 0 ? SIGHT_CLAIMED
                                                  : SIGHT_RETURNED;
    if (view->sight == SIGHT_CLAIMED) {
        column_fixed(s, "preimage", view->preimage.bytes, sizeof(view->preimage.bytes));
        view->preimage_known = true;
    }
    statement_finish(s);
    return OK;
}

/* --- acting ------------------------------------------------------------------------------------ */
static bool may_pass(enum status status)
{
    return status == ERROR_BUSY || status == ERROR_STOPPING || status == ERROR_KEYSTORE_LOCKED;
}

static enum status read_account(struct leg_work *work, const char *address, struct account_id *account)
{
    INVARIANT(address_decode(account, address, strlen(address)), "a leg of '%s'", address);
    (void)work;
    return OK;
}

static enum status lock(struct leg_work *work, char detail[DETAIL_MAX])
{
    const struct leg *leg = work->leg;
    struct buffer result CLEANUP(buffer_close) = { 0 };
    json_t *params AUTO_JSON = NULL;
    char hash[2 * sizeof(work->transfer->hash.bytes) + 1], why[ERROR_MESSAGE_MAX];
    struct account_id sender;
    enum status status;

    (void)detail;
    TRY(read_account(work, leg->sender, &sender));
    hex_text(hash, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    params = json_pack("{s:s, s:s, s:I, s:s, s:I}", "to", leg->recipient, "asset", leg->asset, "amount",
                       (json_int_t)strtoll(leg->amount, NULL, 10), "hash", hash, "deadline",
                       (json_int_t)leg->expiry_us);
    status = leg_submit(work, &sender, "ledger.lock", params, "lock", lock_until(work), &result);
    if (status == OK || may_pass(status))
        return status;
    memcpy(why, work->error.message, sizeof(why));
    return leg_refuse(work, why);
}

/* Until when the claim is valid, the same each time. The ledger takes locks that last for longer than it
 * takes transactions. */
static int64_t claim_until(const struct leg_work *work)
{
    int64_t most_us = work->transfer->started_us + CLAIM_VALID_US;

    return work->leg->expiry_us < most_us ? work->leg->expiry_us : most_us;
}

static enum status claim(struct leg_work *work, const struct hash *preimage)
{
    struct buffer result CLEANUP(buffer_close) = { 0 };
    json_t *params AUTO_JSON = NULL;
    char hex[2 * sizeof(preimage->bytes) + 1];
    struct account_id recipient;

    TRY(read_account(work, work->leg->recipient, &recipient));
    hex_text(hex, preimage->bytes, sizeof(preimage->bytes));
    params = json_pack("{s:s, s:s}", "escrow", work->leg->reference, "preimage", hex);
    return leg_submit(work, &recipient, "ledger.claim", params, "claim", claim_until(work), &result);
}

/* The ledger does that by itself, at the deadline. */
static enum status refund(struct leg_work *work)
{
    (void)work;
    return OK;
}

const struct leg_kind base_leg = {
    .name = "base", .timing = timing, .plan_source = plan_source, .plan_destination = plan_destination,
    .lock = lock, .claim = claim, .refund = refund, .look = look,
};
