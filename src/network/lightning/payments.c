/* Paying, for both implementations: orders are checked here, made durable by the caller, sent once, and
 * looked up before anything is sent again. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "network/lightning/begun.h"
#include "network/lightning/client.h"
#include "network/lightning/order.h"
#include "network/lightning/reply.h"

static uint64_t now_s(void)
{
    return (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND);
}

static const char *label_of(struct network_call *call)
{
    return format_in(call->arena, "layerd-%s", call->operation);
}

/* --- preparing -------------------------------------------------------------------------------- */
/* What stands in a payment's details, which are kept with it, for whoever sends it or looks for it. */
struct kept {
    uint64_t send_until;  /* from then on it is not sent any more; 0: whenever */
    uint64_t seconds;     /* how long the server seeks ways for it; 0: not told */
    uint64_t prepared_us; /* Unix; 0: not told */
};

static void write_kept(struct writer *w, const struct kept *kept)
{
    if (kept->send_until != 0)
        writer_member_unsigned(w, "send_until", kept->send_until);
    if (kept->seconds != 0)
        writer_member_unsigned(w, "seconds", kept->seconds);
    if (kept->prepared_us != 0)
        writer_member_unsigned(w, "prepared_us", kept->prepared_us);
}

static struct kept kept_of(const struct network_prepared *prepared)
{
    json_t *details AUTO_JSON = NULL;
    struct kept kept = { 0 };

    if (prepared->details == NULL ||
        json_parse(prepared->details, strlen(prepared->details), &details, NULL) != OK)
        return kept;
    if (!reply_number(details, "send_until", &kept.send_until))
        kept.send_until = 0;
    if (!reply_number(details, "seconds", &kept.seconds) || kept.seconds > LIGHTNING_PATIENCE_MAX)
        kept.seconds = 0;
    if (!reply_number(details, "prepared_us", &kept.prepared_us) || kept.prepared_us > INT64_MAX)
        kept.prepared_us = 0;
    return kept;
}

static struct kept kept_now(uint64_t send_until, uint64_t seconds)
{
    return (struct kept){ .send_until = send_until, .seconds = seconds,
                          .prepared_us = (uint64_t)clock_wall_us() };
}

static const char *order_details(struct arena *arena, const struct bolt11 *invoice,
                                 const struct lightning_order *order)
{
    struct kept kept = kept_now(order->send_until, order->seconds);
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "amount_msat", format_in(arena, "%" PRIu64, order->amount_msat));
    writer_member_text(&w, "max_fee_msat", format_in(arena, "%" PRIu64, order->max_fee_msat));
    writer_member_hex(&w, "payee", invoice->payee.bytes, sizeof(invoice->payee.bytes));
    if (invoice->description != NULL)
        writer_member_text(&w, "description", invoice->description);
    writer_member_unsigned(&w, "expires_at", invoice->time_s + invoice->expiry_s);
    write_kept(&w, &kept);
    writer_object_end(&w);
    return arena_text(arena, (const char *)text.data, text.size);
}

static enum status prepare_order(struct lightning_client *client, struct network_call *call,
                                 const struct lightning_order *wanted, struct network_prepared *prepared)
{
    struct lightning_order order = *wanted;
    struct network_prepared made = { 0 };
    struct bolt11 invoice;
    uint64_t amount;

    TRY(order_check(client->chain->currency, client->patience_s, now_s(), &order, call->arena, &invoice,
                    &amount, &call->error));
    if (!order.has_max_fee)
        order.max_fee_msat = order_default_fee(amount);
    order.has_max_fee = true;
    order.amount_msat = amount;
    if (order.seconds == 0)
        order.seconds = client->patience_s;
    made.transaction = hex_in(call->arena, invoice.payment_hash.bytes, sizeof(invoice.payment_hash.bytes));
    made.details = order_details(call->arena, &invoice, &order);
    TRY(client->backend->prepare(client, call, &order, &invoice, &made));
    *prepared = made;
    return OK;
}

static const char *keysend_details(struct network_call *call, const struct lightning_keysend *keysend)
{
    struct kept kept = kept_now(0, keysend->seconds);
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "amount_msat", lightning_digits(call, keysend->amount_msat));
    writer_member_text(&w, "max_fee_msat", lightning_digits(call, keysend->max_fee_msat));
    writer_member_hex(&w, "payee", keysend->node.bytes, sizeof(keysend->node.bytes));
    write_kept(&w, &kept);
    writer_object_end(&w);
    return arena_text(call->arena, (const char *)text.data, text.size);
}

static enum status prepare_keysend(struct lightning_client *client, struct network_call *call,
                                   const struct network_write *write, struct network_prepared *prepared)
{
    struct lightning_order order = { 0 };
    struct lightning_keysend keysend = { .label = label_of(call) };
    struct network_prepared made = { 0 };

    if (!hex_decode(keysend.node.bytes, sizeof(keysend.node.bytes), write->to, strlen(write->to)) ||
        (keysend.node.bytes[0] != 2 && keysend.node.bytes[0] != 3))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "'to' is neither an invoice nor a node's key (66 hex digits)");
    TRY(order_amount(write->amount, &keysend.amount_msat, &call->error));
    TRY(order_limits(write, &order, &call->error));
    TRY(order_check_limits(&order, client->patience_s, &call->error));
    keysend.max_fee_msat = order.has_max_fee ? order.max_fee_msat : order_default_fee(keysend.amount_msat);
    keysend.max_delay = order.max_delay;
    keysend.seconds = order.seconds == 0 ? client->patience_s : order.seconds;
    made.details = keysend_details(call, &keysend);
    TRY(client->backend->prepare_keysend(client, call, &keysend, &made));
    *prepared = made;
    return OK;
}

enum status lightning_prepare(void *pointer, struct network_call *call, const struct network_write *write,
                              struct network_prepared *prepared)
{
    struct lightning_client *client = pointer;
    struct lightning_order order = { 0 };

    switch (write->kind) {
    case WRITE_ISSUE:
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "Lightning issues no assets");
    case WRITE_SUBMIT:
        if (write->raw.size > BOLT11_TEXT_MAX || memchr(write->raw.data, 0, write->raw.size) != NULL)
            return error_set(&call->error, ERROR_INVALID_PARAMS,
                             "what is submitted is to be an invoice's text");
        order.invoice = arena_text(call->arena, (const char *)write->raw.data, write->raw.size);
        break;
    case WRITE_TRANSFER:
        if (write->asset != NULL)
            return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                             "Lightning moves bitcoin alone: leave the asset out");
        if (!order_is_invoice(write->to))
            return prepare_keysend(client, call, write, prepared);
        order.invoice = write->to;
        break;
    }
    if (write->amount != NULL)
        TRY(order_amount(write->amount, &order.amount_msat, &call->error));
    TRY(order_limits(write, &order, &call->error));
    return prepare_order(client, call, &order, prepared);
}

/* --- sending ---------------------------------------------------------------------------------- */
static bool is_known(const struct lightning_payment *payment)
{
    return payment->state == LIGHTNING_PAYMENT_COMPLETE || payment->state == LIGHTNING_PAYMENT_PENDING;
}

/* Whether the server may have begun, although the call failed. */
static bool may_have_begun(enum status status)
{
    return status == ERROR_NETWORK_AMBIGUOUS || status == ERROR_NETWORK_TIMEOUT ||
           status == ERROR_NETWORK_CANCELLED || status == ERROR_NETWORK_SERVER ||
           status == ERROR_NETWORK_PROTOCOL || status == ERROR_NETWORK_TOO_LARGE;
}

/* What the server tells of it, and no more. */
static enum status find_listed(struct lightning_client *client, struct network_call *call,
                               const struct network_prepared *prepared, struct lightning_payment *payment)
{
    struct hash hash;
    bool by_hash = prepared->transaction != NULL;
    enum status status;

    if (by_hash && !hex_decode(hash.bytes, sizeof(hash.bytes), prepared->transaction,
                               strlen(prepared->transaction)))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a payment's id is its hash: 64 hex digits");
    if (!by_hash && prepared->label == NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "neither a payment hash nor a label to look for");
    status = client->backend->find(client, call, by_hash ? &hash : NULL, prepared->label, payment);
    if (status == ERROR_NETWORK_REJECTED) /* the look is refused, not the payment */
        return error_set(&call->error, ERROR_NETWORK_SERVER, "the server does not tell what became of it: %s",
                         arena_text(call->arena, call->error.message, strlen(call->error.message)));
    return status;
}

static const char *begun_key(const struct network_prepared *prepared)
{
    return prepared->transaction != NULL ? prepared->transaction : prepared->label;
}

static uint64_t seeking_s(const struct lightning_client *client, const struct kept *kept)
{
    return kept->seconds > client->patience_s ? kept->seconds : client->patience_s;
}

/* Whether the server may still be seeking a way for an earlier request of it, though it lists nothing. */
static bool may_run(const struct lightning_client *client, const struct network_prepared *prepared)
{
    struct kept kept = kept_of(prepared);

    return client->begun != NULL &&
           begun_may_run(client->begun, begun_key(prepared), (int64_t)kept.prepared_us,
                         seeking_s(client, &kept), clock_wall_us());
}

/* What is found by a label alone the server would do twice if it were asked twice: until the time of what was
 * asked for is over, nothing listed does not mean that there is nothing. What is found by its hash it refuses
 * to do twice. */
static enum status find_prepared(struct lightning_client *client, struct network_call *call,
                                 const struct network_prepared *prepared, struct lightning_payment *payment)
{
    struct kept kept = kept_of(prepared);
    struct lightning_payment told = { 0 };

    TRY(find_listed(client, call, prepared, &told));
    if (told.state == LIGHTNING_PAYMENT_UNKNOWN && prepared->transaction == NULL &&
        may_run(client, prepared)) {
        told.state = LIGHTNING_PAYMENT_PENDING;
        told.reason = "the server lists nothing of it yet; it may be seeking a way";
    }
    if (told.state == LIGHTNING_PAYMENT_FAILED && client->begun != NULL &&
        now_s() < told.time_s + kept.seconds + LIGHTNING_PATIENCE_MARGIN) {
        told.state = LIGHTNING_PAYMENT_PENDING;
        told.reason = "failed so far; the server may still be trying";
    }
    *payment = told;
    return OK;
}

/* Whether the server may have done it and deleted it since. */
static bool may_be_forgotten(struct lightning_client *client, const struct kept *kept)
{
    uint64_t forgets_s = atomic_load(&client->forgets_s);

    return forgets_s != 0 && now_s() >= forgets_s &&
           kept->prepared_us / (uint64_t)MICROSECONDS_PER_SECOND <= now_s() - forgets_s;
}

/* It refused, and its list decides: it refuses also what it has already, or while parts are under way. What
 * an earlier request may still come to, the refusal of this one does not tell. */
static enum status settle_refusal(struct lightning_client *client, struct network_call *call,
                                  const struct network_prepared *prepared, bool earlier,
                                  struct lightning_payment *payment, const char *refusal)
{
    if (find_listed(client, call, prepared, payment) != OK)
        return error_set(&call->error, ERROR_NETWORK_AMBIGUOUS,
                         "the server refused, and does not tell what became of the payment: %s", refusal);
    if (payment->state == LIGHTNING_PAYMENT_UNKNOWN && earlier)
        return error_set(&call->error, ERROR_NETWORK_AMBIGUOUS,
                         "the server refused, but may still be seeking a way as it was asked before: %s",
                         refusal);
    return OK;
}

/* OK: *payment tells, and *refusal is why the server would not, when it would not. */
static enum status send_once(struct lightning_client *client, struct network_call *call,
                             const struct network_prepared *prepared, struct lightning_payment *payment,
                             const char **refusal)
{
    struct kept kept = kept_of(prepared);
    bool earlier = may_run(client, prepared);
    enum status status;

    *refusal = NULL;
    TRY(find_prepared(client, call, prepared, payment));
    if (is_known(payment))
        return OK;
    if (kept.send_until != 0 && now_s() >= kept.send_until) {
        if (earlier && payment->state == LIGHTNING_PAYMENT_UNKNOWN)
            return error_set(&call->error, ERROR_NETWORK_AMBIGUOUS,
                             "it is too late to send it, but the server may still be seeking a way as it was "
                             "asked before");
        *refusal = "it is too late to send it";
        return OK;
    }
    if (payment->state == LIGHTNING_PAYMENT_UNKNOWN && may_be_forgotten(client, &kept))
        return error_set(&call->error, ERROR_NETWORK_AMBIGUOUS,
                         "the server deletes what it paid after %" PRIuLEAST64 " seconds, and this was "
                         "prepared before that: whether it was paid, nobody can tell",
                         atomic_load(&client->forgets_s));
    status = client->backend->send(client, call, prepared, payment);
    if (status == OK)
        return OK;
    if (may_have_begun(status)) {
        if (client->begun != NULL)
            begun_note(client->begun, begun_key(prepared), clock_wall_us());
        return error_set(&call->error, ERROR_NETWORK_AMBIGUOUS, "the payment may have begun: %s",
                         arena_text(call->arena, call->error.message, strlen(call->error.message)));
    }
    if (status != ERROR_NETWORK_REJECTED)
        return status;
    *refusal = arena_text(call->arena, call->error.message, strlen(call->error.message));
    return settle_refusal(client, call, prepared, earlier, payment, *refusal);
}

static const char *payment_details(struct network_call *call, const struct lightning_payment *payment,
                                   const struct network_prepared *prepared)
{
    struct kept kept = kept_of(prepared);
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    if (payment->has_amounts) {
        writer_member_text(&w, "amount_msat", lightning_digits(call, payment->amount_msat));
        writer_member_text(&w, "sent_msat", lightning_digits(call, payment->sent_msat));
        if (payment->sent_msat >= payment->amount_msat)
            writer_member_text(&w, "fee_msat",
                               lightning_digits(call, payment->sent_msat - payment->amount_msat));
    }
    writer_member_unsigned(&w, "attempts", payment->attempts < INTEGER_MAX ? payment->attempts : INTEGER_MAX);
    write_kept(&w, &kept);
    writer_object_end(&w);
    return arena_text(call->arena, (const char *)text.data, text.size);
}

static const char *payment_id(struct network_call *call, const struct lightning_payment *payment)
{
    return payment->has_hash
               ? hex_in(call->arena, payment->payment_hash.bytes, sizeof(payment->payment_hash.bytes))
               : NULL;
}

enum status lightning_send(void *pointer, struct network_call *call, const struct network_prepared *prepared,
                           struct network_sent *sent)
{
    struct lightning_payment payment = { 0 };
    const char *refusal;
    enum status status = send_once(pointer, call, prepared, &payment, &refusal);

    if (status == ERROR_NETWORK_AMBIGUOUS) {
        *sent = (struct network_sent){
            .outcome = SEND_AMBIGUOUS, .transaction = prepared->transaction,
            .reason = arena_text(call->arena, call->error.message, strlen(call->error.message)) };
        return OK;
    }
    TRY(status);
    *sent = (struct network_sent){
        .outcome = is_known(&payment) ? SEND_ACCEPTED : SEND_REJECTED,
        .transaction = payment_id(call, &payment),
        .details = payment_details(call, &payment, prepared) };
    if (sent->transaction == NULL)
        sent->transaction = prepared->transaction;
    if (sent->outcome == SEND_REJECTED) {
        sent->reason = refusal != NULL ? refusal : payment.reason;
        if (sent->reason == NULL)
            sent->reason = "the payment failed; the server does not say why";
    }
    return OK;
}

/* --- what became of it ------------------------------------------------------------------------ */
enum status lightning_check_status(void *pointer, struct network_call *call,
                                   const struct network_prepared *which, struct network_status *status)
{
    struct lightning_payment payment = { 0 };
    struct network_status told = { .state = TRANSACTION_UNKNOWN };

    if (which->label != NULL &&
        strncmp(which->label, LIGHTNING_INVOICE_LABEL, strlen(LIGHTNING_INVOICE_LABEL)) == 0)
        return lightning_invoice_status(pointer, call, which->label, status);
    TRY(find_prepared(pointer, call, which, &payment));
    switch (payment.state) {
    case LIGHTNING_PAYMENT_UNKNOWN:
        told.reason = "the server has never tried it";
        break;
    case LIGHTNING_PAYMENT_PENDING:
        told.state = TRANSACTION_PENDING;
        told.reason = payment.reason;
        break;
    case LIGHTNING_PAYMENT_COMPLETE:
        told.state = TRANSACTION_CONFIRMED;
        told.finality = FINALITY_FINAL; /* who has the preimage was paid: nothing takes that back */
        break;
    case LIGHTNING_PAYMENT_FAILED:
        told.state = TRANSACTION_FAILED;
        told.finality = FINALITY_FINAL;
        told.reason = payment.reason != NULL ? payment.reason : "the server found no way for it";
        break;
    }
    if (payment.state != LIGHTNING_PAYMENT_UNKNOWN)
        told.details = payment_details(call, &payment, which);
    *status = told;
    return OK;
}

/* --- lightning_pay.h -------------------------------------------------------------------------- */
enum status lightning_check_order(const struct network *network, const void *pointer,
                                  const struct lightning_order *order, struct arena *arena,
                                  struct bolt11 *invoice, uint64_t *amount_msat, struct error *error)
{
    const struct lightning_client *client = pointer;

    (void)network;
    return order_check(client->chain->currency, client->patience_s, now_s(), order, arena, invoice,
                       amount_msat, error);
}

enum status lightning_pay(const struct network *network, void *pointer, struct network_call *call,
                          const struct lightning_order *order, struct lightning_payment *payment)
{
    struct lightning_client *client = pointer;
    struct network_prepared prepared;
    struct lightning_payment told = { 0 };
    const char *refusal;

    (void)network;
    TRY(prepare_order(client, call, order, &prepared));
    TRY(send_once(client, call, &prepared, &told, &refusal));
    if (!is_known(&told)) {
        told.state = LIGHTNING_PAYMENT_FAILED;
        if (refusal != NULL)
            told.reason = refusal;
    }
    *payment = told;
    return OK;
}

enum status lightning_look_up_payment(const struct network *network, void *pointer, struct network_call *call,
                                      const struct hash *payment_hash, struct lightning_payment *payment)
{
    struct lightning_client *client = pointer;
    struct lightning_payment told = { 0 };

    (void)network;
    TRY(client->backend->find(client, call, payment_hash, NULL, &told));
    *payment = told;
    return OK;
}
