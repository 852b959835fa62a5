/* What follows when a hash-lock changes: see flow.h. */
#include "layer2/payment/flow.h"

#include <string.h>

#include "crypto/asset.h"
#include "layer2/channel/applications/applications.h"
#include "layer2/channel/party.h"
#include "layer2/channel/record.h"
#include "layer2/payment/ledger_end.h"
#include "layer2/payment/map.h"
#include "layer2/payment/routing.h"

void flow_wake(struct execution *x, const struct hash *channel)
{
    uint8_t subject[sizeof(channel->bytes) + 1];

    memcpy(subject, channel->bytes, sizeof(channel->bytes));
    subject[sizeof(channel->bytes)] = FLOW_WISH;
    reaction_request(x, PAYMENT_CHANNEL, bytes_of(subject, sizeof(subject)));
}

/* Whoever waits for what comes of that hash; nobody may. */
static void tell_others(struct execution *x, const struct hash *hash)
{
    reaction_request(x, "transfer.hash", bytes_of(hash->bytes, sizeof(hash->bytes)));
}

static void write_htlc(struct execution *x, const struct htlc *h)
{
    htlc_write(execution_database(x), h, execution_time(x));
}

/* --- the payer's side ------------------------------------------------------------------------- */
/* What hops keep of the parts that were taken, and of those that may still be. */
static uint64_t fee_of(struct execution *x, const struct hash *hash)
{
    return part_sums(execution_database(x), hash, PAYMENT_IN_FLIGHT).fee +
           part_sums(execution_database(x), hash, PAYMENT_SETTLED).fee;
}

static void settle_payment(struct execution *x, const struct htlc *h, const struct hash *preimage)
{
    struct payment p;
    struct payment_part part;

    if (!part_read(execution_database(x), &h->hash, h->part, &part) || part.state != PAYMENT_IN_FLIGHT)
        return;
    part.state = PAYMENT_SETTLED;
    part_write(execution_database(x), &part);
    if (!payment_read(execution_database(x), &h->hash, &p) || p.state == PAYMENT_SETTLED)
        return;
    p.state = PAYMENT_SETTLED;
    p.unrouted = false;
    p.failure = FAILURE_NONE;
    p.fee = fee_of(x, &h->hash);
    p.has_preimage = preimage != NULL;
    if (preimage != NULL)
        p.preimage = *preimage;
    payment_write(execution_database(x), &p, execution_time(x));
    tell_others(x, &p.hash);
    event_payment_settled(x, &(struct event_payment_settled){
        .hash = p.hash, .payer = p.payer, .payee = p.payee, .amount = p.amount, .fee = p.fee,
        .preimage = p.preimage });
}

void flow_payment_over(struct execution *x, struct payment *p, enum failure failure)
{
    if (p->state != PAYMENT_IN_FLIGHT)
        return;
    p->unrouted = false;
    p->failure = failure;
    if (part_sums(execution_database(x), &p->hash, PAYMENT_IN_FLIGHT).count == 0) {
        p->state = PAYMENT_FAILED;
        tell_others(x, &p->hash);
        event_payment_failed(x, &(struct event_payment_failed){
            .hash = p->hash, .payer = p->payer, .payee = p->payee, .amount = p->amount,
            .failure = failure_name(failure) });
    }
    payment_write(execution_database(x), p, execution_time(x));
}

static void fail_part(struct execution *x, const struct htlc *h)
{
    struct payment p;
    struct payment_part part;

    if (!part_read(execution_database(x), &h->hash, h->part, &part) || part.state != PAYMENT_IN_FLIGHT)
        return;
    part.state = PAYMENT_FAILED;
    if (part.failure == FAILURE_NONE)
        part.failure = h->failure;
    part_write(execution_database(x), &part);
    event_payment_part_failed(x, &(struct event_payment_part_failed){
        .hash = part.hash, .part = part.part, .amount = part.amount, .hop = part.hop,
        .channel = part.route.hops[part.hop].channel, .failure = failure_name(part.failure) });
    if (!payment_read(execution_database(x), &h->hash, &p))
        return;
    if (p.state == PAYMENT_SETTLED) { /* the payee took less than all */
        p.fee = fee_of(x, &h->hash);
        payment_write(execution_database(x), &p, execution_time(x));
    }
    if (p.state != PAYMENT_IN_FLIGHT)
        return;
    if (failure_may_retry(part.failure) && p.failure == FAILURE_NONE && p.avoid_count < PAYMENT_AVOID_MAX &&
        execution_time(x) < p.until_us) {
        p.avoid[p.avoid_count++] = part.route.hops[part.hop].channel;
        p.unrouted = true;
        payment_write(execution_database(x), &p, execution_time(x));
        routing_request(x, &p);
        return;
    }
    flow_payment_over(x, &p, p.failure != FAILURE_NONE ? p.failure :
                             execution_time(x) >= p.until_us && failure_may_retry(part.failure)
                                 ? FAILURE_TIMEOUT : part.failure);
}

/* Where it began to fail, before the news reaches the payer. */
static void note_origin(struct execution *x, const struct htlc *h, uint64_t hop, enum failure failure)
{
    struct payment_part part;

    if (h->part == HTLC_NO_PART || !part_read(execution_database(x), &h->hash, h->part, &part) ||
        part.failure != FAILURE_NONE)
        return;
    part.hop = hop;
    part.failure = failure;
    part_write(execution_database(x), &part);
    if (failure == FAILURE_CHANNEL)
        map_learn(map_of(execution_kernel(x)), &part.route.hops[hop].channel, part.route.hops[hop].side,
                  part.route.hops[hop].amount, execution_time(x));
}

/* --- hop by hop back -------------------------------------------------------------------------- */
void flow_preimage(struct execution *x, const struct htlc *h, const struct hash *preimage)
{
    struct htlc before;

    if (h->part == HTLC_NO_PART)
        return;
    if (h->hop == 0) {
        settle_payment(x, h, preimage);
        return;
    }
    if (!htlc_of_hop(execution_database(x), &h->hash, h->part, h->hop - 1, &before) ||
        before.state != HTLC_LOCKED)
        return;
    before.state = HTLC_FULFILLING;
    before.has_preimage = true;
    before.preimage = *preimage;
    write_htlc(x, &before);
    flow_wake(x, &before.channel);
    event_payment_forwarded(x, &(struct event_payment_forwarded){
        .hash = h->hash, .from = before.channel, .to = h->channel, .amount = h->amount,
        .fee = before.amount - h->amount });
}

void flow_lapsed(struct execution *x, const struct htlc *h)
{
    struct htlc before;

    if (h->part == HTLC_NO_PART)
        return;
    note_origin(x, h, h->hop, h->failure == FAILURE_NONE ? FAILURE_EXPIRED : h->failure);
    if (h->hop == 0) {
        fail_part(x, h);
        return;
    }
    if (htlc_of_hop(execution_database(x), &h->hash, h->part, h->hop - 1, &before) &&
        before.state == HTLC_LOCKED)
        flow_give_back(x, &before, h->failure);
}

/* Whether two hash-locks may pay an invoice together: all parts of a payment that this node routes, or one
 * of a stranger's alone, for nothing tells whose others are. */
static bool is_one_set(const struct htlc *a, const struct htlc *b)
{
    return a->part != HTLC_NO_PART ? b->part != HTLC_NO_PART : b->id == a->id;
}

/* The hash-locks that count for an invoice and are locked: those of one set, or (NULL) all. */
static struct htlc_list read_set(struct execution *x, const struct hash *hash, const struct htlc *of,
                                 struct arena *arena, uint64_t *sum)
{
    struct htlc_list list;
    size_t kept = 0;

    htlc_list_by_hash(execution_database(x), hash, arena, &list);
    *sum = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (!list.items[i].counts || list.items[i].state != HTLC_LOCKED ||
            (of != NULL && !is_one_set(of, &list.items[i])))
            continue;
        *sum += list.items[i].amount;
        list.items[kept++] = list.items[i];
    }
    list.count = kept;
    return list;
}

/* An accepted invoice of which something went back cannot be settled any more. */
static void check_accepted(struct execution *x, const struct htlc *h)
{
    struct arena arena CLEANUP(arena_close);
    struct invoice v;
    uint64_t sum;

    arena_init(&arena);
    if (!invoice_read(execution_database(x), &h->hash, &v) || v.state != INVOICE_ACCEPTED)
        return;
    (void)read_set(x, &h->hash, NULL, &arena, &sum);
    if (sum < v.received)
        flow_cancel(x, &v, INVOICE_CANCELED, FAILURE_CANCELED);
}

void flow_fulfilled(struct execution *x, struct htlc *h, const struct hash *preimage)
{
    h->state = HTLC_FULFILLED;
    if (preimage != NULL) {
        h->has_preimage = true;
        h->preimage = *preimage;
    }
    write_htlc(x, h);
    if (h->counts)
        tell_others(x, &h->hash);
    if (h->has_preimage)
        flow_preimage(x, h, &h->preimage);
    else if (h->hop == 0 && h->part != HTLC_NO_PART)
        settle_payment(x, h, NULL);
    else
        flow_lapsed(x, h); /* a gift: whoever was before has nothing to pay for */
}

void flow_failed(struct execution *x, struct htlc *h, enum failure failure)
{
    h->state = HTLC_FAILED;
    if (h->failure == FAILURE_NONE)
        h->failure = failure;
    write_htlc(x, h);
    flow_lapsed(x, h);
    if (h->counts) {
        tell_others(x, &h->hash);
        check_accepted(x, h);
    }
}

void flow_give_back(struct execution *x, struct htlc *h, enum failure failure)
{
    h->state = HTLC_FAILING;
    h->failure = failure;
    write_htlc(x, h);
    flow_wake(x, &h->channel);
}

/* --- a hop between ---------------------------------------------------------------------------- */
static bool is_running(struct execution *x, const struct hash *channel)
{
    struct statement *s = statement(execution_database(x), "SELECT phase FROM channel_local WHERE id = ?");
    bool running = false;

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    if (statement_row(s)) {
        running = column_integer(s, "phase") == PHASE_RUNNING;
        statement_finish(s);
    }
    return running;
}

/* Whether who forwards gets what he asks for. */
static enum failure judge_forward(struct execution *x, const struct htlc *h, const struct route_hop *next)
{
    struct policy policy = policy_read(execution_database(x), &next->channel, next->side);

    if (!policy.enabled || !is_running(x, &next->channel))
        return FAILURE_CHANNEL_DISABLED;
    if (h->amount < next->amount ||
        h->amount - next->amount < graph_fee(next->amount, policy.base, policy.ppm))
        return FAILURE_FEE_INSUFFICIENT;
    if (h->expiry_us - next->expiry_us < policy.delta_us || next->expiry_us < execution_time(x) + SAFETY_US)
        return FAILURE_EXPIRY_TOO_SOON;
    return FAILURE_NONE;
}

static void forward(struct execution *x, struct htlc *h, const struct payment_part *part)
{
    const struct route_hop *next = &part->route.hops[h->hop + 1];
    enum failure failure = judge_forward(x, h, next);
    struct htlc out = { .channel = next->channel, .offerer = next->side, .hash = h->hash,
                        .amount = next->amount, .expiry_us = next->expiry_us, .state = HTLC_WANTED,
                        .entered = HTLC_NOT_ENTERED, .part = h->part, .hop = h->hop + 1,
                        .last = h->hop + 2 == part->route.count };

    if (failure != FAILURE_NONE) {
        note_origin(x, h, h->hop + 1, failure);
        flow_give_back(x, h, failure);
        return;
    }
    htlc_insert(execution_database(x), &out, execution_time(x));
    sweep_request(x, PAYMENT_DEADLINES, out.expiry_us - SAFETY_US);
    flow_wake(x, &out.channel);
}

/* --- the payee's side ------------------------------------------------------------------------- */
static enum failure judge_arrival(struct execution *x, const struct htlc *h, const struct invoice *v,
                                  const struct account_id *recipient, const struct asset_id *asset)
{
    if (!account_equal(recipient, &v->payee) || memcmp(asset, &v->asset, sizeof(*asset)) != 0)
        return FAILURE_UNKNOWN_DETAILS;
    if (v->state != INVOICE_OPEN || v->expires_us <= execution_time(x))
        return FAILURE_INVOICE_ENDED;
    if (h->expiry_us < execution_time(x) + SAFETY_US)
        return FAILURE_EXPIRY_TOO_SOON;
    if (h->expiry_us > execution_time(x) + PAYMENT_EXPIRY_MOST_US)
        return FAILURE_EXPIRY_TOO_FAR;
    return FAILURE_NONE;
}

/* What must come in all before anything is claimed. */
static uint64_t expected(struct execution *x, const struct htlc *h, const struct invoice *v)
{
    struct payment p;

    if (v->amount > 0)
        return v->amount;
    return h->part != HTLC_NO_PART && payment_read(execution_database(x), &h->hash, &p) ? p.amount
                                                                                        : h->amount;
}

static void tell_invoice(struct execution *x, const struct invoice *v)
{
    struct event_invoice_changed changed = { .hash = v->hash, .payee = v->payee, .amount = v->received,
                                             .state = invoice_state_name(v->state) };

    tell_others(x, &v->hash);
    event_invoice_changed(x, &changed);
}

uint64_t flow_locked_sum(struct execution *x, const struct hash *hash)
{
    struct arena arena CLEANUP(arena_close);
    uint64_t sum;

    arena_init(&arena);
    (void)read_set(x, hash, NULL, &arena, &sum);
    return sum;
}

void flow_settle(struct execution *x, struct invoice *v)
{
    struct arena arena CLEANUP(arena_close);
    struct htlc_list set;

    arena_init(&arena);
    set = read_set(x, &v->hash, NULL, &arena, &v->received);
    v->state = INVOICE_SETTLED;
    v->collect_us = 0;
    invoice_write(execution_database(x), v, execution_time(x));
    tell_invoice(x, v);
    for (size_t i = 0; i < set.count; i++) {
        set.items[i].state = HTLC_FULFILLING;
        set.items[i].has_preimage = true;
        set.items[i].preimage = v->preimage;
        write_htlc(x, &set.items[i]);
        flow_wake(x, &set.items[i].channel);
    }
}

/* The preimage was shown to the ledger before one of these expired: now the invoice has it too. */
static bool is_shown(struct execution *x, struct invoice *v, const struct htlc_list *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (ledger_preimage(x, &set->items[i], &v->preimage)) {
            v->has_preimage = true;
            return true;
        }
    }
    return false;
}

void flow_shown(struct execution *x, const struct hash *hash)
{
    struct arena arena CLEANUP(arena_close);
    struct htlc_list set;
    struct invoice v;
    uint64_t sum;

    arena_init(&arena);
    set = read_set(x, hash, NULL, &arena, &sum);
    if (set.count > 0 && invoice_read(execution_database(x), hash, &v) &&
        (v.state == INVOICE_OPEN || v.state == INVOICE_ACCEPTED) && is_shown(x, &v, &set))
        flow_settle(x, &v);
}

void flow_cancel(struct execution *x, struct invoice *v, enum invoice_state state, enum failure failure)
{
    struct arena arena CLEANUP(arena_close);
    struct htlc_list set;
    uint64_t sum;

    arena_init(&arena);
    set = read_set(x, &v->hash, NULL, &arena, &sum);
    if (is_shown(x, v, &set)) {
        flow_settle(x, v); /* whoever passed it on claims by it: nothing may be given back */
        return;
    }
    for (size_t i = 0; i < set.count; i++) {
        note_origin(x, &set.items[i], set.items[i].hop, failure);
        flow_give_back(x, &set.items[i], failure);
    }
    v->collect_us = 0;
    if (state != v->state) {
        v->state = state;
        tell_invoice(x, v);
    }
    invoice_write(execution_database(x), v, execution_time(x));
}

static void refuse(struct execution *x, struct htlc *h, enum failure failure)
{
    note_origin(x, h, h->hop, failure);
    flow_give_back(x, h, failure);
}

/* What came for the invoice by others than the set that pays it goes back. */
static void give_back_others(struct execution *x, const struct htlc *h)
{
    struct arena arena CLEANUP(arena_close);
    struct htlc_list all;
    uint64_t sum;

    arena_init(&arena);
    all = read_set(x, &h->hash, NULL, &arena, &sum);
    for (size_t i = 0; i < all.count; i++) {
        if (!is_one_set(h, &all.items[i]))
            refuse(x, &all.items[i], FAILURE_INVOICE_ENDED);
    }
}

/* All of it is there. */
static void take(struct execution *x, const struct htlc *h, struct invoice *v, uint64_t sum)
{
    give_back_others(x, h);
    if (!v->hold) {
        flow_settle(x, v);
        return;
    }
    v->state = INVOICE_ACCEPTED;
    v->received = sum;
    v->collect_us = 0;
    invoice_write(execution_database(x), v, execution_time(x));
    tell_invoice(x, v);
}

static void await_others(struct execution *x, struct invoice *v)
{
    if (v->collect_us != 0)
        return;
    v->collect_us = execution_time(x) + COLLECT_US;
    invoice_write(execution_database(x), v, execution_time(x));
    sweep_request(x, PAYMENT_DEADLINES, v->collect_us);
}

static void arrive(struct execution *x, struct htlc *h, const struct account_id *recipient,
                   const struct asset_id *asset)
{
    struct arena arena CLEANUP(arena_close);
    struct invoice v;
    enum failure failure = FAILURE_UNKNOWN_DETAILS;
    uint64_t sum, need;

    arena_init(&arena);
    if (invoice_read(execution_database(x), &h->hash, &v))
        failure = judge_arrival(x, h, &v, recipient, asset);
    if (failure != FAILURE_NONE) {
        refuse(x, h, failure);
        return;
    }
    h->counts = true;
    write_htlc(x, h);
    (void)read_set(x, &h->hash, h, &arena, &sum);
    need = expected(x, h, &v);
    if (sum >= need && sum - need <= need) /* BOLT 4: at most twice what was asked for */
        take(x, h, &v, sum);
    else if (sum < need && h->part != HTLC_NO_PART)
        await_others(x, &v);
    else
        refuse(x, h, FAILURE_UNKNOWN_DETAILS);
}

/* All that is locked for the recipient could become his. */
static bool is_too_much(struct execution *x, const struct htlc *h, uint64_t share)
{
    struct database *database = execution_database(x);
    uint64_t most = map_limit(map_of(execution_kernel(x)), database, &h->channel, 1 - h->offerer);

    return most > 0 && share + htlc_incoming(database, &h->channel, h->offerer) > most;
}

void flow_locked(struct execution *x, struct htlc *h, const struct account_id *recipient,
                 const struct asset_id *asset, bool recipient_is_ours, uint64_t share)
{
    struct payment_part part;

    h->state = HTLC_LOCKED;
    write_htlc(x, h);
    if (!recipient_is_ours)
        return;
    if (is_too_much(x, h, share))
        refuse(x, h, FAILURE_BALANCE_LIMIT);
    else if (h->last)
        arrive(x, h, recipient, asset);
    else if (part_read(execution_database(x), &h->hash, h->part, &part))
        forward(x, h, &part);
}
