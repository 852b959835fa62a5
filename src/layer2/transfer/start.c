/* The commands of whoever transfers: see start.h. */
#include "layer2/transfer/start.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "kernel/kernel.h"
#include "layer2/transfer/engine.h"
#include "layer2/transfer/provider.h"
#include "ledger/ledger.h"

const struct param start_parameters[11] = {
    PARAM(struct start_params, asset, ASSET, REQUIRED, "asset id or symbol on this ledger"),
    PARAM(struct start_params, amount, AMOUNT, REQUIRED,
          "that is to arrive, in the asset's smallest unit; the fee comes on top"),
    PARAM(struct start_params, source, TEXT, REQUIRED, "base, channel or evm:LINK", .most = PLACE_MAX - 1),
    PARAM(struct start_params, destination, TEXT, REQUIRED, "the same, or lightning:LINK",
          .most = PLACE_MAX - 1),
    PARAM(struct start_params, recipient, TEXT, REQUIRED,
          "an address of the destination, or an invoice of who is to receive there",
          .most = ENDPOINT_MAX - 1),
    PARAM(struct start_params, timeout, DURATION, OPTIONAL,
          "after this time the source goes back at the latest; absent: twice what is needed",
          .fallback = NOT_GIVEN),
    PARAM(struct start_params, provider, ACCOUNT, OPTIONAL, "by whom; the cheapest"),
    PARAM(struct start_params, quote, HASH, OPTIONAL, "of 'transfer.quote', whose fee then counts"),
    PARAM(struct start_params, hash, HASH, OPTIONAL,
          "SHA-256 of a secret of your own: you claim yourself, or give it by 'transfer.reveal'"),
    PARAM(struct start_params, fee_limit, INTEGER, OPTIONAL, "the most that the provider may keep",
          .fallback = NOT_GIVEN),
    PARAM(struct start_params, account_there, TEXT, OPTIONAL,
          "your address on an outside network that you transfer from", .most = ENDPOINT_MAX - 1),
};

static bool is_given(const struct hash *hash)
{
    static const struct hash none;

    return !hash_equal(hash, &none);
}

/* What is being put together. */
struct starting {
    const struct start_params *params;
    struct transfer *t;
    struct terms terms;
    struct asset asset;
    struct leg_plan source, destination;
};

/* --- the terms ----------------------------------------------------------------------------------- */
static bool is_outside(const char *place)
{
    const struct leg_kind *kind;
    const char *link;

    return leg_kind_of(place, &kind, &link, NULL) == OK && kind->outside;
}

/* What a unit is worth on an outside network is in the terms, and as much part of the price as the fee. */
static bool has_another_rate(const struct quote *quote, const struct terms *terms)
{
    return terms->changed_seq > quote->created_seq &&
           (is_outside(terms->way.source) || is_outside(terms->way.destination));
}

static enum status use_quote(struct execution *x, struct starting *s, const struct way *way)
{
    const struct start_params *p = s->params;
    struct quote quote;
    char hex[2 * sizeof(p->quote.bytes) + 1];

    hex_text(hex, p->quote.bytes, sizeof(p->quote.bytes));
    if (!quote_read(execution_database(x), &p->quote, &quote) ||
        !account_equal(&quote.account, &s->t->account))
        return fail(x, ERROR_TRANSFER_QUOTE_NOT_FOUND, "the account has no quote %s", hex);
    if (quote.used || execution_time(x) >= quote.expires_us)
        return fail(x, ERROR_TRANSFER_QUOTE_ENDED, "the quote %s %s", hex,
                    quote.used ? "was used" : "expired");
    if (quote.amount != p->amount || memcmp(&quote.way.asset, &way->asset, sizeof(way->asset)) != 0 ||
        strcmp(quote.way.source, way->source) != 0 || strcmp(quote.way.destination, way->destination) != 0)
        return fail(x, ERROR_INVALID_PARAMS, "quote: it is for another amount, asset or way");
    TRY(terms_choose(x, &quote.provider, way, p->amount, &s->t->account, &s->terms, &s->t->fee));
    if (has_another_rate(&quote, &s->terms))
        return fail(x, ERROR_TRANSFER_QUOTE_ENDED, "the provider's terms are others since the quote %s", hex);
    s->t->fee = quote.fee;
    s->t->has_quote = true;
    s->t->quote = p->quote;
    return OK;
}

static enum status choose_terms(struct execution *x, struct starting *s)
{
    const struct start_params *p = s->params;
    struct way way;

    TRY(asset_find(x, &p->asset, &s->asset));
    TRY(way_read(x, &p->asset, p->source, p->destination, &way));
    if (is_given(&p->quote))
        TRY(use_quote(x, s, &way));
    else
        TRY(terms_choose(x, &p->provider, &way, p->amount, &s->t->account, &s->terms, &s->t->fee));
    if (p->fee_limit != NOT_GIVEN && s->t->fee > p->fee_limit)
        return fail(x, ERROR_TRANSFER_FEE, "fee_limit: the provider asks %" PRIu64, s->t->fee);
    s->t->provider = s->terms.provider;
    s->t->asset = p->asset;
    s->t->amount = p->amount;
    return OK;
}

/* --- the legs -------------------------------------------------------------------------------------- */
static struct leg *new_leg(struct transfer *t, enum side side, const char *place)
{
    struct leg *leg = &t->legs[side];

    leg->side = side;
    text_set(leg->place, sizeof(leg->place), place);
    return leg;
}

static enum status plan_legs(struct execution *x, struct starting *s)
{
    const struct start_params *p = s->params;
    const struct hash *hash = is_given(&p->hash) ? &p->hash : NULL;
    struct leg *source = new_leg(s->t, SIDE_SOURCE, p->source);
    struct leg *destination = new_leg(s->t, SIDE_DESTINATION, p->destination);

    s->source = (struct leg_plan){ .terms = &s->terms, .account_there = p->account_there, .hash = hash,
                                   .leg = source };
    s->destination = (struct leg_plan){ .terms = &s->terms, .recipient = p->recipient, .hash = hash,
                                        .leg = destination };
    TRY(leg_kind_known(source)->plan_source(x, &s->source, &s->t->account, s->t->amount + s->t->fee));
    TRY(leg_kind_known(destination)->plan_destination(x, &s->destination, s->t->amount));
    source->asked = s->source.locks || leg_kind_known(source)->prepares;
    return OK;
}

/* What whoever starts it locks by himself costs him nothing until he does. */
static enum status check_awaited(struct execution *x, struct starting *s)
{
    const struct transfer *t = s->t;
    uint64_t sum, all;

    if (s->source.locks)
        return OK;
    if (transfer_count_awaited(execution_database(x), &t->account) >= AWAITED_ACCOUNT_MOST)
        return fail(x, ERROR_TRANSFER_AWAITED, "%d transfers of this account wait for their source already",
                    AWAITED_ACCOUNT_MOST);
    all = transfer_sum_awaited(execution_database(x), &t->provider, &t->asset, &sum);
    if (all >= AWAITED_PROVIDER_MOST)
        return fail(x, ERROR_TRANSFER_AWAITED, "%d transfers by this provider wait for their source already",
                    AWAITED_PROVIDER_MOST);
    if (!transfer_may_wait(t->amount, sum, s->terms.daily))
        return fail(x, ERROR_TRANSFER_AWAITED,
                    "amount: of the provider's %" PRIu64 " a day 1/%d may wait for their source, and %" PRIu64
                    " do", s->terms.daily, AWAITED_SHARE, sum);
    s->t->awaited = true;
    return OK;
}

static enum status choose_secret(struct execution *x, struct starting *s)
{
    struct transfer *t = s->t;
    struct hash secret;

    t->secret = SECRET_ELSEWHERE;
    if (s->destination.has_invoice_hash) {
        if (is_given(&s->params->hash) && !hash_equal(&s->params->hash, &s->destination.invoice_hash))
            return fail(x, ERROR_INVALID_PARAMS, "hash: the recipient's invoice has another one");
        t->hash = s->destination.invoice_hash;
    } else if (is_given(&s->params->hash)) {
        t->hash = s->params->hash;
    } else if (!s->source.locks) {
        return fail(x, ERROR_INVALID_PARAMS,
                    "hash: your key is not on this node; keep the secret yourself, and give its SHA-256");
    } else if (!s->destination.takes_secret) {
        return fail(x, ERROR_TRANSFER_RECIPIENT,
                    "recipient: nobody here can claim for it; give 'hash', and claim with your secret");
    } else {
        t->secret = SECRET_NODE;
        engine_secret(execution_kernel(x), &t->id, &secret);
        sha256(&t->hash, secret.bytes, sizeof(secret.bytes));
        memset(&secret, 0, sizeof(secret));
    }
    if (transfer_hash_used(execution_database(x), &t->hash))
        return fail(x, ERROR_TRANSFER_HASH_USED,
                    "hash: a transfer had it already; who knows its secret could take yours");
    return OK;
}

/* --- time ------------------------------------------------------------------------------------------ */
static enum status plan_time(struct execution *x, struct starting *s)
{
    struct transfer *t = s->t;
    struct leg *source = &t->legs[SIDE_SOURCE], *destination = &t->legs[SIDE_DESTINATION];
    struct leg_timing from, to;
    struct timelocks plan;
    int64_t timeout_us = s->params->timeout, least_us, most_us;

    leg_kind_known(source)->timing(execution_network(x), source->detail, &from);
    leg_kind_known(destination)->timing(execution_network(x), destination->detail, &to);
    least_us = timelock_least(&from, &to);
    most_us = timelock_most(&from, &to);
    if ((uint64_t)timeout_us == NOT_GIVEN)
        timeout_us = 2 * least_us > most_us ? most_us : 2 * least_us;
    if (!timelocks_plan(&from, &to, execution_time(x), timeout_us, &plan)) {
        if (most_us < least_us)
            return fail(x, ERROR_TRANSFER_TIMEOUT,
                        "from '%s' to '%s' needs a lock of %" PRId64 " s, and '%s' has %" PRId64 " s at most",
                        source->place, destination->place, least_us / MICROSECONDS_PER_SECOND + 1,
                        source->place, most_us / MICROSECONDS_PER_SECOND);
        return fail(x, ERROR_TRANSFER_TIMEOUT, "timeout: %" PRId64 " … %" PRId64 " ms are expected",
                    least_us / 1000 + 1, most_us / 1000);
    }
    source->expiry_us = plan.source_us;
    destination->expiry_us = plan.destination_us;
    t->lock_until_us = plan.lock_until_us;
    return OK;
}

/* --- transfer.start ---------------------------------------------------------------------------------- */
static void answer(struct writer *result, const struct starting *s)
{
    const struct transfer *t = s->t;
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, &t->provider);
    writer_object_begin(result);
    writer_member_hex(result, "transfer", t->id.bytes, sizeof(t->id.bytes));
    writer_member_text(result, "provider", address);
    writer_member_unsigned(result, "amount", t->amount);
    writer_member_unsigned(result, "fee", t->fee);
    writer_member_hex(result, "hash", t->hash.bytes, sizeof(t->hash.bytes));
    writer_member_text(result, "pay_to", t->legs[SIDE_SOURCE].recipient);
    writer_member_integer(result, "lock_until_us", t->lock_until_us);
    writer_member_integer(result, "source_expiry_us", t->legs[SIDE_SOURCE].expiry_us);
    writer_member_integer(result, "destination_expiry_us", t->legs[SIDE_DESTINATION].expiry_us);
    writer_object_end(result);
}

static void record(struct execution *x, const struct starting *s)
{
    const struct transfer *t = s->t;
    const struct leg *source = &t->legs[SIDE_SOURCE], *destination = &t->legs[SIDE_DESTINATION];

    event_transfer_initiated(x, &(struct event_transfer_initiated){
        .transfer = t->id, .account = t->account, .provider = t->provider, .asset = s->asset.symbol,
        .amount = t->amount, .fee = t->fee, .hash = t->hash, .source = source->place,
        .source_from = source->sender, .source_to = source->recipient, .source_asset = source->asset,
        .source_amount = source->amount, .source_expiry_us = source->expiry_us,
        .destination = destination->place, .destination_from = destination->sender,
        .destination_to = destination->recipient, .destination_asset = destination->asset,
        .destination_amount = destination->amount, .destination_expiry_us = destination->expiry_us });
}

static enum status begin(struct execution *x, struct starting *s, struct writer *result)
{
    struct transfer *t = s->t;

    TRY(choose_terms(x, s));
    TRY(plan_legs(x, s));
    TRY(check_awaited(x, s));
    TRY(choose_secret(x, s));
    TRY(plan_time(x, s));
    t->started_us = execution_time(x);
    t->due_us = t->started_us;
    t->day = transfer_day(t->started_us);
    t->created_seq = execution_next_seq(x);
    transfer_insert(execution_database(x), t);
    volume_add(execution_database(x), &t->provider, &t->asset, &t->account, t->day, t->amount, false);
    if (t->has_quote)
        quote_use(execution_database(x), &t->quote, &t->id);
    answer(result, s);
    record(x, s);
    engine_advance(x, &t->id);
    return OK;
}

enum status transfer_start(struct execution *x, const void *params, struct writer *result)
{
    struct transfer *t = memory_new(sizeof(*t));
    struct starting s = { .params = params, .t = t };
    enum status status;

    t->id = execution_transaction(x);
    t->account = execution_account(x);
    status = begin(x, &s, result);
    memory_free_pointer(&t);
    return status;
}

/* --- transfer.cancel, transfer.reveal ---------------------------------------------------------------- */
const struct param transfer_cancel_params[1] = {
    PARAM(struct cancel_params, transfer, HASH, REQUIRED, "its id"),
};

const struct param transfer_reveal_params[2] = {
    PARAM(struct reveal_params, transfer, HASH, REQUIRED, "its id"),
    PARAM(struct reveal_params, preimage, HASH, REQUIRED, "32 bytes whose SHA-256 is the transfer's hash"),
};

static enum status need_transfer(struct execution *x, const struct hash *id, struct transfer *t)
{
    struct account_id signer = execution_account(x);
    char hex[2 * sizeof(id->bytes) + 1];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    if (!transfer_read(execution_database(x), id, t))
        return fail(x, ERROR_TRANSFER_NOT_FOUND, "there is no transfer %s", hex);
    if (!account_equal(&signer, &t->account))
        return fail(x, ERROR_TRANSFER_NOT_YOURS, "the transfer %s is another account's", hex);
    if (transfer_has_ended(t->state))
        return fail(x, ERROR_TRANSFER_ENDED, "the transfer is %s", transfer_state_name(t->state));
    return OK;
}

static void tell(struct execution *x, const struct hash *id, struct writer *result)
{
    struct transfer *t = memory_new(sizeof(*t));
    bool found = transfer_read(execution_database(x), id, t);

    INVARIANT(found, "a transfer that is not there any more");
    writer_object_begin(result);
    writer_member_text(result, "state", transfer_state_name(t->state));
    writer_object_end(result);
    memory_free_pointer(&t);
}

static enum status cancel(struct execution *x, struct transfer *t)
{
    if (t->state > TRANSFER_SOURCE_LOCKED || t->legs[SIDE_DESTINATION].asked)
        return fail(x, ERROR_TRANSFER_LOCKED,
                    "the provider has locked, or is about to; it ends by itself, at the latest when its "
                    "locks do");
    if (t->cancelled)
        return OK;
    t->cancelled = true;
    if (t->state == TRANSFER_INITIATED && !t->legs[SIDE_SOURCE].asked &&
        t->legs[SIDE_SOURCE].sight <= SIGHT_NEVER)
        engine_change(x, t, TRANSFER_CANCEL); /* what he locks all the same goes back at its deadline */
    transfer_write(execution_database(x), t);
    engine_advance(x, &t->id);
    return OK;
}

enum status transfer_cancel(struct execution *x, const void *params, struct writer *result)
{
    const struct cancel_params *p = params;
    struct transfer *t = memory_new(sizeof(*t));
    enum status status = need_transfer(x, &p->transfer, t);

    if (status == OK)
        status = cancel(x, t);
    if (status == OK)
        tell(x, &p->transfer, result);
    memory_free_pointer(&t);
    return status;
}

static enum status reveal(struct execution *x, struct transfer *t, const struct hash *preimage)
{
    struct account_id recipient;
    struct hash hash;

    sha256(&hash, preimage->bytes, sizeof(preimage->bytes));
    if (!hash_equal(&hash, &t->hash))
        return fail(x, ERROR_WRONG_PREIMAGE, "the SHA-256 of the preimage is not the transfer's hash");
    if (t->secret == SECRET_NODE || t->secret == SECRET_GIVEN)
        return OK;
    if (t->state != TRANSFER_DESTINATION_LOCKED)
        return fail(x, ERROR_TRANSFER_TOO_EARLY,
                    "the transfer is %s; show the secret when the destination is locked, not before",
                    transfer_state_name(t->state));
    if (!engine_may_reveal(x, t))
        return fail(x, ERROR_TRANSFER_TOO_EARLY,
                    "a claim may not be safe in time, or a lock not deep enough just now; keep the secret");
    if (address_decode(&recipient, t->legs[SIDE_DESTINATION].recipient,
                       strlen(t->legs[SIDE_DESTINATION].recipient)) &&
        !leg_signs_for(execution_kernel(x), &recipient))
        return fail(x, ERROR_KEY_NOT_FOUND, "the recipient's key is not on this node; he claims himself");
    t->secret = SECRET_GIVEN;
    t->preimage_known = true;
    t->preimage = *preimage;
    transfer_write(execution_database(x), t);
    engine_advance(x, &t->id);
    return OK;
}

enum status transfer_reveal(struct execution *x, const void *params, struct writer *result)
{
    const struct reveal_params *p = params;
    struct transfer *t = memory_new(sizeof(*t));
    enum status status = need_transfer(x, &p->transfer, t);

    if (status == OK)
        status = reveal(x, t, &p->preimage);
    if (status == OK)
        tell(x, &p->transfer, result);
    memory_free_pointer(&t);
    return status;
}
