/* The leg on the outside Lightning network: an invoice of the recipient's that the provider's node pays. The
 * link's network module makes the payment durable before it is sent, and never sends it twice.
 *
 * There is no lock to be seen here: a payment hangs, arrives or fails, and once it has been sent nobody can
 * call it back. What binds it is time. It is sent until `send_until` at the latest, ways are sought for it
 * during the link's patience, and its hash-locks last `max_delay` blocks and those that it takes to resolve
 * them on the chain; all of that lies before the leg's expiry, and so before the source's by the usual gap.
 *
 * Failed is what the server lists as failed, or does not know at all, and of which the network module will
 * send nothing any more. All else may still arrive. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "kernel/kernel.h"
#include "layer2/transfer/outside.h"
#include "network/lightning/lightning_pay.h"

#define DECIDED_US (5 * MICROSECONDS_PER_SECOND) /* a command under way is committed or was refused by then */
#define NODE_HEX (2 * sizeof(((struct public_key *)0)->bytes))

/* What a leg is made of, from its row. */
struct lightning_leg {
    const char *link;
    uint64_t link_id, max_delay, patience_s;
    char max_fee[LIGHTNING_DIGITS_MAX + 1];
    int64_t send_until_us;
};

/* --- the leg's own notes -------------------------------------------------------------------------- */
/* From the moment in which it is sent: then it arrived, or never will. */
static int64_t outcome_us(const json_t *notes)
{
    uint64_t blocks = outside_number(notes, "max_delay", LIGHTNING_MAX_DELAY) +
                      outside_number(notes, "resolve", LIGHTNING_RESOLVE);

    return (int64_t)(outside_number(notes, "patience", LIGHTNING_NUMBER_MOST) +
                     blocks * outside_number(notes, "block_s", LIGHTNING_BLOCK_S)) * MICROSECONDS_PER_SECOND;
}

static void timing(enum node_network network, const char *detail, struct leg_timing *timing)
{
    json_t *notes AUTO_JSON = NULL;

    if (json_parse(detail, strlen(detail), &notes, NULL) != OK)
        notes = json_object();
    *timing = (struct leg_timing){
        .skew_us = (int64_t)(outside_number(notes, "skew_s", LIGHTNING_SKEW_S) + 1) * MICROSECONDS_PER_SECOND,
        .reaction_us = leg_window(network, REACTION_US),
        .least_us = outcome_us(notes) +
                    (int64_t)outside_number(notes, "send_s", LIGHTNING_SEND_S) * MICROSECONDS_PER_SECOND };
}

static enum status read_leg(struct leg_work *work, struct lightning_leg *l)
{
    const struct leg *leg = work->leg;
    const char *max_fee;
    unsigned __int128 earned;
    json_t *notes AUTO_JSON = NULL;

    if (json_parse(leg->detail, strlen(leg->detail), &notes, NULL) != OK)
        return error_set(&work->error, ERROR_INTERNAL, "the leg's row is not what was planned");
    max_fee = json_string_value(json_object_get(notes, "max_fee"));
    *l = (struct lightning_leg){ .link = strchr(leg->place, ':') + 1,
                                 .link_id = outside_number(notes, "link", 0),
                                 .max_delay = outside_number(notes, "max_delay", LIGHTNING_MAX_DELAY),
                                 .patience_s = outside_number(notes, "patience", LIGHTNING_NUMBER_MOST),
                                 .send_until_us = leg->expiry_us - outcome_us(notes) };
    /* unless the terms say, the way there costs the provider no more than he earns */
    earned = (unsigned __int128)work->transfer->fee * outside_number(notes, "units", 1);
    if (max_fee != NULL)
        text_set(l->max_fee, sizeof(l->max_fee), max_fee);
    else
        snprintf(l->max_fee, sizeof(l->max_fee), "%" PRIu64,
                 earned < LIGHTNING_AMOUNT_MAX ? (uint64_t)earned : LIGHTNING_AMOUNT_MAX);
    return OK;
}

/* --- planning ---------------------------------------------------------------------------------- */
struct way_there {
    struct link_row link;
    struct lightning_facts facts;
    const json_t *terms; /* of the provider, for Lightning; NULL: none */
    uint64_t units;
};

static enum status find_link(struct execution *x, const char *name, struct arena *arena,
                             struct way_there *way)
{
    if (!row_link_find(execution_database(x), name, arena, &way->link))
        return fail(x, ERROR_NETWORK_LINK_NOT_FOUND, "no link '%s'", name);
    if (way->link.account == NULL || way->link.chain == NULL || strlen(way->link.account) != NODE_HEX)
        return fail(x, ERROR_NETWORK_NOT_CONNECTED, "the link '%s' was not connected yet", name);
    if (!lightning_facts_of(way->link.network, way->link.chain, way->link.options, &way->facts))
        return fail(x, ERROR_TRANSFER_PLACE, "the link '%s' is of '%s', which is not Lightning", name,
                    way->link.network);
    return OK;
}

/* The recipient's invoice: of that chain, for that very amount, another's than the provider's, with time
 * left, and payable within the delay that the terms allow. */
static enum status read_invoice(struct execution *x, struct leg_plan *plan, const struct way_there *way,
                                uint64_t amount_msat, struct arena *arena)
{
    struct bolt11 *v = arena_new(arena, sizeof(*v));
    uint64_t max_delay = outside_number(way->terms, "max_delay", LIGHTNING_MAX_DELAY);
    struct error error;
    char payee[NODE_HEX + 1];

    if (bolt11_decode(plan->recipient, strlen(plan->recipient), arena, v, &error) != OK)
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: an invoice is expected: %s", error.message);
    if (strcmp(v->currency, way->facts.currency) != 0)
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: the invoice is of the chain 'ln%s', not 'ln%s'",
                    v->currency, way->facts.currency);
    if (!v->has_amount || v->amount_msat != amount_msat)
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: the invoice is not for %" PRIu64 " msat",
                    amount_msat);
    if (bolt11_expired(v, (uint64_t)(execution_time(x) / MICROSECONDS_PER_SECOND)))
        return fail(x, ERROR_INVOICE_ENDED, "recipient: the invoice expired");
    if (v->final_delta > max_delay)
        return fail(x, ERROR_TRANSFER_RECIPIENT,
                    "recipient: the invoice wants %" PRIu64 " blocks for its last hop; allowed are %" PRIu64,
                    v->final_delta, max_delay);
    hex_text(payee, v->payee.bytes, sizeof(v->payee.bytes));
    if (strcmp(payee, way->link.account) == 0)
        return fail(x, ERROR_SAME_ACCOUNT, "recipient: the invoice is of the provider's own node");
    plan->has_invoice_hash = true;
    plan->invoice_hash = v->payment_hash;
    return OK;
}

static void write_notes(struct leg_plan *plan, const struct way_there *way)
{
    static const char *const kept[] = { "max_delay", "resolve", "block_s", "send_s", "skew_s", "max_fee" };
    json_t *notes AUTO_JSON = json_object();
    char *text AUTO_FREE = NULL;

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        if (json_object_get(way->terms, kept[i]) != NULL)
            json_object_set(notes, kept[i], json_object_get(way->terms, kept[i]));
    }
    json_object_set_new(notes, "link", json_integer((json_int_t)way->link.id));
    json_object_set_new(notes, "patience", json_integer((json_int_t)way->facts.patience_s));
    json_object_set_new(notes, "units", json_integer((json_int_t)way->units));
    text = json_dumps(notes, JSON_COMPACT | JSON_SORT_KEYS);
    text_set(plan->leg->detail, sizeof(plan->leg->detail), text);
}

static enum status check_terms(struct execution *x, const char *link, const json_t *outside)
{
    struct arena arena CLEANUP(arena_close);
    struct lightning_outside terms;
    struct way_there way;
    struct error error;

    arena_init(&arena);
    TRY(find_link(x, link, &arena, &way));
    return lightning_outside_read(outside, &terms, &error) == OK ? OK
                                                                 : fail(x, error.code, "%s", error.message);
}

static enum status plan_destination(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    struct arena arena CLEANUP(arena_close);
    json_t *outside AUTO_JSON = NULL;
    struct way_there way = { .terms = NULL };
    struct lightning_outside terms;
    struct error error;
    uint64_t amount_msat;

    arena_init(&arena);
    TRY(find_link(x, strchr(plan->leg->place, ':') + 1, &arena, &way));
    if (json_parse(plan->terms->outside, strlen(plan->terms->outside), &outside, NULL) == OK)
        way.terms = json_object_get(outside, "lightning");
    if (lightning_outside_read(outside, &terms, &error) != OK)
        return fail(x, ERROR_TRANSFER_TERMS_NOT_FOUND, "the provider's terms: %s", error.message);
    way.units = terms.units;
    if (__builtin_mul_overflow(amount, way.units, &amount_msat) || amount_msat > LIGHTNING_AMOUNT_MAX)
        return fail(x, ERROR_TRANSFER_AMOUNT, "amount: in units of %" PRIu64 " msat it is none there",
                    way.units);
    TRY(read_invoice(x, plan, &way, amount_msat, &arena));
    text_set(plan->leg->sender, sizeof(plan->leg->sender), way.link.account);
    text_set(plan->leg->recipient, sizeof(plan->leg->recipient), plan->recipient);
    text_set(plan->leg->asset, sizeof(plan->leg->asset), "msat");
    snprintf(plan->leg->amount, sizeof(plan->leg->amount), "%" PRIu64, amount_msat);
    write_notes(plan, &way);
    return OK;
}

/* --- paying ------------------------------------------------------------------------------------ */
struct paying {
    struct ask ask;
    const struct lightning_leg *leg;
    const char *node;
};

/* In the executor, so that what is not asked for in time is never asked for. */
static enum status pay_now(struct execution *x, void *context)
{
    struct paying *p = context;
    struct arena arena CLEANUP(arena_close);
    struct operation_row operation;
    struct link_row link;

    arena_init(&arena);
    if (row_operation_requested(execution_database(x), p->leg->link_id, p->ask.request, &arena, &operation))
        return OK;
    if (execution_time(x) >= p->leg->send_until_us)
        return fail(x, ERROR_TRANSFER_LEG_REFUSED, "it became too late to pay");
    if (!row_link_find(execution_database(x), p->leg->link, &arena, &link) || link.id != p->leg->link_id ||
        link.account == NULL || strcmp(link.account, p->node) != 0)
        return fail(x, ERROR_NETWORK_NOT_CONNECTED, "the link '%s' is not the one that this was planned with",
                    p->leg->link);
    p->ask.give_up_after = p->leg->send_until_us - execution_time(x);
    return outside_submit(x, &p->ask);
}

static enum status lock(struct leg_work *work, char detail[DETAIL_MAX])
{
    struct lightning_leg l;
    struct paying p = { .leg = &l, .node = work->leg->sender };
    char key[OUTSIDE_KEY_MAX], options[128];

    (void)detail;
    TRY(read_leg(work, &l));
    outside_key(key, work, "pay", 1);
    snprintf(options, sizeof(options), "{\"max_delay\":%" PRIu64 ",\"send_until\":%" PRId64 "}", l.max_delay,
             l.send_until_us / MICROSECONDS_PER_SECOND);
    p.ask = (struct ask){ .link = l.link, .request = key, .timeout = (int64_t)NOT_GIVEN,
                          .raw = bytes_of_text(work->leg->recipient), .fee = l.max_fee,
                          .options = bytes_of_text(options) };
    return leg_run(work, pay_now, &p);
}

/* Who shows the secret there was paid: nobody claims by himself. */
static enum status claim(struct leg_work *work, const struct hash *preimage)
{
    (void)work, (void)preimage;
    return OK;
}

/* What fails comes back by itself, and nothing else does. */
static enum status refund(struct leg_work *work)
{
    (void)work;
    return OK;
}

/* --- looking ----------------------------------------------------------------------------------- */
struct looking {
    struct lightning_leg leg;
    enum fate fate;
    struct leg_view *view;
};

/* The server knows nothing of it and nothing more is sent: but it may still be seeking a way for what it
 * took, so it is asked again after its patience. */
static bool stays_unknown(struct leg_work *work, const struct lightning_leg *l, struct leg_view *view)
{
    json_t *notes AUTO_JSON = NULL;
    char *text AUTO_FREE = NULL;
    int64_t since_us;

    if (json_parse(view->detail, strlen(view->detail), &notes, NULL) != OK)
        return false;
    since_us = (int64_t)outside_number(notes, "unknown_us", 0);
    if (since_us > 0)
        return work->now_us >= since_us + (int64_t)l->patience_s * MICROSECONDS_PER_SECOND;
    json_object_set_new(notes, "unknown_us", json_integer((json_int_t)work->now_us));
    text = json_dumps(notes, JSON_COMPACT | JSON_SORT_KEYS);
    text_set(view->detail, sizeof(view->detail), text);
    return false;
}

static bool is_over(struct leg_work *work, const struct looking *looking, bool known)
{
    switch (looking->fate) {
    case FATE_NONE:
    case FATE_UNDER_WAY:
        return false;
    case FATE_DROPPED: /* whatever of it was sent, its hash-locks are gone by then */
        return work->now_us >= work->leg->expiry_us;
    case FATE_DENIED: /* the server's word alone, as all that it lists */
    case FATE_REFUSED:
        return known || stays_unknown(work, &looking->leg, looking->view);
    }
    INVARIANT(false, "a fate %d", (int)looking->fate);
}

static enum status judge(struct leg_work *work, struct link_call *c, const struct looking *looking,
                         const struct lightning_payment *payment)
{
    struct leg_view *view = looking->view;
    struct hash hash;

    view->sight = SIGHT_SHALLOW;
    switch (payment->state) {
    case LIGHTNING_PAYMENT_COMPLETE:
        sha256(&hash, payment->preimage.bytes, sizeof(payment->preimage.bytes));
        if (!payment->has_preimage || !hash_equal(&hash, &work->transfer->hash))
            return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL, "it was paid by another preimage");
        view->preimage_known = true;
        view->preimage = payment->preimage;
        view->sight = SIGHT_CLAIMED;
        return OK;
    case LIGHTNING_PAYMENT_PENDING:
        return OK;
    case LIGHTNING_PAYMENT_FAILED:
    case LIGHTNING_PAYMENT_UNKNOWN:
        if (is_over(work, looking, payment->state == LIGHTNING_PAYMENT_FAILED))
            view->sight = SIGHT_RETURNED;
        return OK;
    }
    INVARIANT(false, "a payment's state %d", (int)payment->state);
}

static enum status look_by(struct leg_work *work, struct link_call *c, void *context)
{
    struct looking *looking = context;
    struct lightning_payment payment;
    struct link_row row;

    TRY(lightning_look_up_payment(c->link->network, c->link->client, &c->call, &work->transfer->hash,
                                  &payment));
    /* what another node does not know, the one that was asked may */
    if (payment.state != LIGHTNING_PAYMENT_COMPLETE &&
        (!row_link_find(work->database, looking->leg.link, work->arena, &row) || row.account == NULL ||
         strcmp(row.account, work->leg->sender) != 0))
        return error_set(&c->call.error, ERROR_NETWORK_NOT_CONNECTED,
                         "the link '%s' is of another node than the one that was asked to pay",
                         looking->leg.link);
    return judge(work, c, looking, &payment);
}

static enum status look(struct leg_work *work, struct leg_view *view)
{
    struct looking looking = { .view = view };
    char key[OUTSIDE_KEY_MAX];

    TRY(read_leg(work, &looking.leg));
    hex_text(view->reference, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    outside_key(key, work, "pay", 1);
    looking.fate = outside_fate_at(work, looking.leg.link_id, key);
    if (looking.fate != FATE_NONE)
        return outside_look_by(work, looking.leg.link, look_by, &looking);
    view->sight = work->now_us >= looking.leg.send_until_us + DECIDED_US ? SIGHT_NEVER : SIGHT_NONE;
    return OK;
}

const struct leg_kind lightning_leg = {
    .name = "lightning", .outside = true, .check_terms = check_terms, .timing = timing,
        .plan_destination = plan_destination,
    .lock = lock, .claim = claim, .refund = refund, .look = look,
};
