/* Hash-locked escrow: see escrow.h. Which step is allowed when stands in rules.c. */
#include "ledger/escrow.h"

#include <string.h>

#include "kernel/execution.h"

/* Whoever waits on this node for locks by that hash; nobody may. */
static void tell(struct execution *x, const struct escrow *escrow)
{
    reaction_request(x, "transfer.hash", bytes_of(escrow->hash.bytes, sizeof(escrow->hash.bytes)));
}

/* The account that holds the escrow's value has the escrow's id. */
static struct account_id holder(const struct escrow *escrow)
{
    struct account_id account;

    memcpy(account.bytes, escrow->id.bytes, sizeof(account.bytes));
    return account;
}

enum status escrow_lock(struct execution *x, struct escrow *escrow, const struct asset *asset)
{
    struct hash transaction = execution_transaction(x);
    struct account_id account;
    uint64_t seq = execution_next_seq(x);

    escrow_id(&escrow->id, &transaction, 0);
    escrow->state = ESCROW_LOCKED;
    account = holder(escrow);
    TRY(account_hold(x, &account, ACCOUNT_KIND_ESCROW));
    TRY(balance_move(x, escrow->domain, asset, &escrow->sender, &account, escrow->amount, NULL));
    account_know(x, &escrow->recipient);
    row_escrow_insert(execution_database(x), escrow, seq);
    deadline_set(x, CLOCK_BLOCK, escrow->deadline_us, ESCROW_DEADLINE,
                 bytes_of(escrow->id.bytes, sizeof(escrow->id.bytes)));
    tell(x, escrow);
    return event_escrow_locked(x, &(struct event_escrow_locked){
        .escrow = escrow->id, .from = escrow->sender, .to = escrow->recipient, .asset = asset->symbol,
        .amount = escrow->amount, .hash = escrow->hash, .deadline_us = escrow->deadline_us });
}

static enum status refuse_claim(struct execution *x, const struct escrow *escrow, enum status refusal)
{
    char id[2 * sizeof(escrow->id.bytes) + 1], deadline[TIME_TEXT_MAX];

    hex_text(id, escrow->id.bytes, sizeof(escrow->id.bytes));
    time_text(deadline, escrow->deadline_us);
    if (refusal == ERROR_ESCROW_EXPIRED)
        return fail(x, refusal, "the escrow %s could be claimed before %s only", id, deadline);
    return fail(x, refusal, "the escrow %s is %s already", id, escrow_state_name(escrow->state));
}

/* Moves what the escrow holds, and closes it. */
static void release(struct execution *x, struct escrow *escrow, const struct asset *asset,
                    enum escrow_state state, const struct account_id *to, const struct hash *preimage)
{
    struct account_id account = holder(escrow);
    enum status status;

    row_escrow_close(execution_database(x), &escrow->id, state, preimage, execution_next_seq(x));
    escrow->state = state;
    status = balance_move(x, escrow->domain, asset, &account, to, escrow->amount, NULL);
    INVARIANT(status == OK, "an open escrow does not hold its amount");
    tell(x, escrow);
}

/* Everything that a claim must satisfy. */
static enum status check_claim(struct execution *x, const struct escrow *escrow, const struct hash *preimage,
                               enum escrow_state *next)
{
    struct account_id signer = execution_account(x);
    char id[2 * sizeof(escrow->id.bytes) + 1];
    enum status refusal;

    hex_text(id, escrow->id.bytes, sizeof(escrow->id.bytes));
    if (!account_equal(&signer, &escrow->recipient))
        return fail(x, ERROR_NOT_THE_RECIPIENT, "the signer is not the recipient of the escrow %s", id);
    refusal = escrow_next(escrow->state, ESCROW_CLAIM, execution_time(x), escrow->deadline_us, next);
    if (refusal != OK)
        return refuse_claim(x, escrow, refusal);
    if (!preimage_matches(preimage, &escrow->hash))
        return fail(x, ERROR_WRONG_PREIMAGE, "the SHA-256 of the preimage is not the hash of the escrow %s",
                    id);
    return OK;
}

enum status escrow_claim(struct execution *x, const struct hash *id, const struct hash *preimage,
                         struct escrow *claimed, struct asset *asset)
{
    struct escrow escrow;
    enum escrow_state next;
    char hex[2 * sizeof(id->bytes) + 1];

    if (!row_escrow_read(execution_database(x), id, &escrow)) {
        hex_text(hex, id->bytes, sizeof(id->bytes));
        return fail(x, ERROR_ESCROW_NOT_FOUND, "there is no escrow %s", hex);
    }
    TRY(check_claim(x, &escrow, preimage, &next));
    TRY(asset_find(x, &escrow.asset, asset));
    release(x, &escrow, asset, next, &escrow.recipient, preimage);
    deadline_clear(x, ESCROW_DEADLINE, bytes_of(id->bytes, sizeof(id->bytes)));
    *claimed = escrow;
    return event_escrow_claimed(x, &(struct event_escrow_claimed){
        .escrow = *id, .from = escrow.sender, .to = escrow.recipient, .asset = asset->symbol,
        .amount = escrow.amount, .preimage = *preimage });
}

void escrow_refund(struct execution *x, struct bytes subject)
{
    struct escrow escrow;
    struct asset asset;
    struct hash id;
    enum escrow_state next;
    enum status status;

    INVARIANT(subject.size == sizeof(id.bytes), "an escrow's deadline names %zu bytes", subject.size);
    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    INVARIANT(row_escrow_read(execution_database(x), &id, &escrow),
              "a deadline names an escrow that is not there");
    status = escrow_next(escrow.state, ESCROW_REFUND, execution_time(x), escrow.deadline_us, &next);
    INVARIANT(status == OK, "an escrow's deadline came while it was %s", escrow_state_name(escrow.state));
    status = asset_find(x, &escrow.asset, &asset);
    INVARIANT(status == OK, "an escrow holds an asset that is not there");
    release(x, &escrow, &asset, next, &escrow.sender, NULL);
    event_escrow_refunded(x, &(struct event_escrow_refunded){
        .escrow = id, .to = escrow.sender, .asset = asset.symbol, .amount = escrow.amount });
}
