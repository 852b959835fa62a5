/* The commands that send: see send.h. */
#include "layer2/payment/send.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/map.h"
#include "layer2/payment/routing.h"

#define FEE_LIMIT_LEAST 20                              /* without `fee_limit`: this, or a hundredth */
#define TIMEOUT_US ((int64_t)60 * 1000000)
#define BISECTIONS 40

const char *payment_currency(const char *chain)
{
    return strncmp(chain, "main-", 5) == 0 ? "ly" : "lyt";
}

/* --- what the checks share -------------------------------------------------------------------- */
static enum status need_key(const struct check *check, const struct account_id *account, const char *name,
                            struct error *error)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    if (!keystore_has(check->keystore, account))
        return error_set(error, ERROR_KEY_NOT_FOUND, "%s: the keystore has no key of %s", name, address);
    if (keystore_is_locked(check->keystore))
        return error_set(error, ERROR_KEYSTORE_LOCKED, "payments sign as they go; the keystore is locked");
    return OK;
}

static uint64_t fee_limit_of(uint64_t given, uint64_t amount)
{
    if (given != NOT_GIVEN)
        return given;
    return amount / 100 > FEE_LIMIT_LEAST ? amount / 100 : FEE_LIMIT_LEAST;
}

static size_t look_for_routes(const struct check *check, struct sending *s)
{
    const struct part_sums none = { 0 };
    struct graph_query query;

    routing_query(&s->payment, &none, kernel_now(check->kernel), &query);
    s->route_count = map_routes(map_of(check->kernel), &query, (size_t)s->payment.parts_most, s->routes);
    return s->route_count;
}

static enum status no_route(const struct payment *p, struct error *error)
{
    return error_set(error, ERROR_NO_ROUTE,
                     "nothing carries %" PRIu64 " there for a fee of at most %" PRIu64 " in %" PRIu64
                     " parts; 'payment.route' tells for other amounts",
                     p->amount, p->fee_limit, p->parts_most);
}

static void answer(struct writer *result, const struct payment *p)
{
    writer_object_begin(result);
    writer_member_hex(result, "hash", p->hash.bytes, sizeof(p->hash.bytes));
    writer_member_text(result, "state", payment_state_name(p->state));
    writer_member_unsigned(result, "amount", p->amount);
    writer_member_unsigned(result, "fee", p->fee);
    writer_object_end(result);
}

static bool is_same(const struct payment *a, const struct payment *b)
{
    return account_equal(&a->payer, &b->payer) && account_equal(&a->payee, &b->payee) &&
           memcmp(&a->asset, &b->asset, sizeof(a->asset)) == 0 && a->amount == b->amount;
}

/* The payment begins, or begins anew after it failed; one that is under way or settled is told again. */
static enum status begin(struct execution *x, const struct sending *s, int64_t timeout_us,
                         struct writer *result)
{
    struct payment p = s->payment, before;
    bool is_known = payment_read(execution_database(x), &p.hash, &before);

    if (is_known && before.state != PAYMENT_FAILED && !is_same(&p, &before))
        return fail(x, ERROR_PAYMENT_EXISTS, "a payment with this hash is %s already, and is another one",
                    payment_state_name(before.state));
    if (is_known && before.state != PAYMENT_FAILED) {
        answer(result, &before);
        return OK;
    }
    if (s->route_count == 0)
        return fail(x, ERROR_NO_ROUTE, "the payment failed in between; call again");
    p.attempts = is_known ? before.attempts : 0;
    p.created_seq = is_known ? before.created_seq : execution_next_seq(x);
    p.until_us = execution_time(x) + timeout_us;
    payment_insert(execution_database(x), &p, execution_time(x));
    TRY(event_payment_started(x, &(struct event_payment_started){
        .hash = p.hash, .payer = p.payer, .payee = p.payee, .amount = p.amount, .fee_limit = p.fee_limit,
        .parts = s->route_count }));
    routing_use(x, &p, s->routes, s->route_count);
    answer(result, &p);
    return OK;
}

/* --- payment.send ----------------------------------------------------------------------------- */
const struct param send_params[6] = {
    PARAM(struct send, invoice, TEXT, REQUIRED, "BOLT 11 text of this chain, from 'invoice.create'",
          .most = BOLT11_TEXT_MAX),
    PARAM(struct send, payer, ACCOUNT, REQUIRED, "who pays: a key of the keystore"),
    PARAM(struct send, amount, INTEGER, OPTIONAL,
          "in the asset's smallest unit, when the invoice leaves it to the payer", .fallback = NOT_GIVEN),
    PARAM(struct send, fee_limit, INTEGER, OPTIONAL,
          "the most that hops may keep, in the asset's smallest unit; a hundredth, at least 20",
          .fallback = NOT_GIVEN),
    PARAM(struct send, parts, INTEGER, OPTIONAL, "at most so many parts, 1 … 16",
          .fallback = GRAPH_PARTS_MAX),
    PARAM(struct send, timeout, DURATION, OPTIONAL, "how long other routes are tried",
          .fallback = TIMEOUT_US),
};

static enum status read_invoice(const struct check *check, const struct send *p, struct arena *arena,
                                struct payment *payment, struct error *error)
{
    struct bolt11 *v = arena_new(arena, sizeof(*v));

    TRY(bolt11_decode(p->invoice, strlen(p->invoice), arena, v, error));
    if (strcmp(v->currency, payment_currency(check->chain)) != 0 ||
        v->metadata.size != sizeof(payment->asset))
        return error_set(error, ERROR_INVALID_INVOICE, "invoice: it is of another network ('%s')",
                         v->currency);
    if (bolt11_expired(v, (uint64_t)(kernel_now(check->kernel) / MICROSECONDS_PER_SECOND)))
        return error_set(error, ERROR_INVOICE_ENDED, "invoice: it expired");
    if (v->has_amount && p->amount != NOT_GIVEN && p->amount != v->amount_msat)
        return error_set(error, ERROR_INVALID_PARAMS, "amount: the invoice is for %" PRIu64, v->amount_msat);
    if (!v->has_amount && (p->amount == NOT_GIVEN || p->amount == 0))
        return error_set(error, ERROR_INVALID_PARAMS, "amount: the invoice leaves it to you");
    payment->hash = v->payment_hash;
    payment->amount = v->has_amount ? v->amount_msat : p->amount;
    memcpy(payment->asset.bytes, v->metadata.data, sizeof(payment->asset.bytes));
    memcpy(payment->payee.bytes, v->payee.bytes + 1, sizeof(payment->payee.bytes));
    return OK;
}

enum status check_send(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct send *p = params;
    struct sending *s = arena_new(arena, sizeof(*s));
    struct payment before;

    p->sending = s;
    if (p->parts < 1 || p->parts > GRAPH_PARTS_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "parts: 1 … %d are expected", GRAPH_PARTS_MAX);
    TRY(read_invoice(check, p, arena, &s->payment, error));
    s->payment.payer = p->payer;
    s->payment.parts_most = p->parts;
    s->payment.fee_limit = fee_limit_of(p->fee_limit, s->payment.amount);
    if (account_equal(&p->payer, &s->payment.payee))
        return error_set(error, ERROR_SAME_ACCOUNT,
                         "who asks is who pays; 'payment.rebalance' moves one's own");
    if (payment_read(check->database, &s->payment.hash, &before) && before.state != PAYMENT_FAILED)
        return OK; /* told again, nothing more */
    TRY(need_key(check, &p->payer, "payer", error));
    return look_for_routes(check, s) > 0 ? OK : no_route(&s->payment, error);
}

enum status send_payment(struct execution *x, const void *params, struct writer *result)
{
    const struct send *p = params;

    return begin(x, p->sending, p->timeout, result);
}

/* --- payment.rebalance, payment.drain --------------------------------------------------------- */
#define LOOP_PARAMS                                                                                          \
    PARAM(struct loop, fee_limit, INTEGER, OPTIONAL,                                                         \
          "the most that hops may keep, in the asset's smallest unit; a hundredth, at least 20",             \
          .fallback = NOT_GIVEN),                                                                            \
    PARAM(struct loop, timeout, DURATION, OPTIONAL, "how long other routes are tried",                  \
          .fallback = TIMEOUT_US)

const struct param rebalance_params[6] = {
    PARAM(struct loop, signer, ACCOUNT, REQUIRED, "whose channels they are: a key of the keystore"),
    PARAM(struct loop, out, HASH, REQUIRED, "id of the channel that the value leaves"),
    PARAM(struct loop, in, HASH, REQUIRED, "id of the channel by which it comes home"),
    PARAM(struct loop, amount, AMOUNT, REQUIRED, "in the asset's smallest unit"),
    LOOP_PARAMS,
};

const struct param drain_params[5] = {
    PARAM(struct loop, signer, ACCOUNT, REQUIRED, "whose channels they are: a key of the keystore"),
    PARAM(struct loop, out, HASH, REQUIRED, "id of the channel to be emptied of the signer's value"),
    PARAM(struct loop, in, HASH, REQUIRED, "id of the channel by which it comes home"),
    LOOP_PARAMS,
};

static enum status need_channel(const struct check *check, const struct hash *id, const struct loop *p,
                                const char *name, struct arena *arena, struct asset_id *asset,
                                struct error *error)
{
    struct channel_fixed *fixed = arena_new(arena, sizeof(*fixed));

    if (!local_read_fixed(check->database, id, arena, fixed))
        return error_set(error, ERROR_CHANNEL_NOT_FOUND, "%s: this node does not take part in it", name);
    if (strcmp(fixed->application, PAYMENT_APPLICATION) != 0)
        return error_set(error, ERROR_WRONG_PHASE, "%s: the channel runs '%s', not '" PAYMENT_APPLICATION "'",
                         name, fixed->application);
    if (channel_participant(fixed, &p->signer) < 0)
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "%s: the signer takes no part in it", name);
    *asset = fixed->assets[0];
    return OK;
}

static enum status check_loop(const struct check *check, struct loop *p, struct arena *arena,
                              struct error *error)
{
    struct sending *s = arena_new(arena, sizeof(*s));
    struct payment *payment = &s->payment;
    struct asset_id other;

    p->sending = s;
    if (hash_equal(&p->out, &p->in))
        return error_set(error, ERROR_INVALID_PARAMS, "in: another channel than 'out' is expected");
    TRY(need_channel(check, &p->out, p, "out", arena, &payment->asset, error));
    TRY(need_channel(check, &p->in, p, "in", arena, &other, error));
    if (memcmp(&payment->asset, &other, sizeof(other)) != 0)
        return error_set(error, ERROR_ASSET_MISMATCH, "in: the channel holds another asset than 'out'");
    TRY(need_key(check, &p->signer, "signer", error));
    randombytes_buf(s->preimage.bytes, sizeof(s->preimage.bytes));
    sha256(&payment->hash, s->preimage.bytes, sizeof(s->preimage.bytes));
    payment->payer = payment->payee = p->signer;
    payment->parts_most = 1;
    payment->is_loop = true;
    payment->first_hop = p->out;
    payment->last_hop = p->in;
    return OK;
}

enum status check_rebalance(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct loop *p = params;

    TRY(check_loop(check, p, arena, error));
    p->sending->payment.amount = p->amount;
    p->sending->payment.fee_limit = fee_limit_of(p->fee_limit, p->amount);
    return look_for_routes(check, p->sending) > 0 ? OK : no_route(&p->sending->payment, error);
}

/* The largest amount that a route carries. */
enum status check_drain(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct loop *p = params;
    struct payment *payment;
    uint64_t least = 0, most = INTEGER_MAX;

    TRY(check_loop(check, p, arena, error));
    payment = &p->sending->payment;
    for (int i = 0; i < BISECTIONS + 14 && most - least > 1; i++) {
        payment->amount = least + (most - least) / 2;
        payment->fee_limit = fee_limit_of(p->fee_limit, payment->amount);
        if (look_for_routes(check, p->sending) > 0)
            least = payment->amount;
        else
            most = payment->amount;
    }
    payment->amount = least;
    payment->fee_limit = fee_limit_of(p->fee_limit, least);
    if (least == 0 || look_for_routes(check, p->sending) == 0)
        return error_set(error, ERROR_NO_ROUTE, "nothing carries any of it home through 'in'");
    return OK;
}

/* The account asks itself for the amount. */
enum status send_loop(struct execution *x, const void *params, struct writer *result)
{
    const struct loop *p = params;
    const struct payment *payment = &p->sending->payment;
    struct invoice v = { .hash = payment->hash, .payee = payment->payee, .asset = payment->asset,
                         .amount = payment->amount, .text = "", .has_preimage = true,
                         .preimage = p->sending->preimage, .created_seq = execution_next_seq(x),
                         .expires_us = execution_time(x) + p->timeout + FINAL_DELTA_US };

    invoice_insert(execution_database(x), &v, execution_time(x));
    sweep_request(x, PAYMENT_DEADLINES, v.expires_us);
    return begin(x, p->sending, p->timeout, result);
}
