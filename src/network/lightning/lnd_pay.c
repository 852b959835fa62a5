/* LND: paying with /v2/router/send, which answers a stream of lines of which the last counts; finding what
 * became of a payment; lists by pages. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/lnd.h"
#include "network/lightning/reply.h"

#define KEYSEND_RECORD                                                                                       \
    "5482373484" /* the custom record that carries the preimage: lnd's record/experimental.go */
#define KEYSEND_FINAL_DELTA 80      /* blocks: LND's own default for the last hop */
#define NEWEST_LOOKED_AT    25 /* payments among which one under way is looked for before it is tracked */
#define TRACK_SECONDS 5             /* LND holds the line open as long as a payment is under way */
#define HTLCS_MAX 100000

/* --- preparing -------------------------------------------------------------------------------- */
static void keep_body(struct network_call *call, json_t *body, const struct lightning_order *limits,
                      struct network_prepared *prepared)
{
    char *text;

    json_object_set_new(body, "fee_limit_msat", json_string(lightning_digits(call, limits->max_fee_msat)));
    json_object_set_new(body, "timeout_seconds", json_integer((json_int_t)limits->seconds));
    if (limits->max_delay != 0)
        json_object_set_new(body, "cltv_limit", json_integer((json_int_t)limits->max_delay));
    json_object_set_new(body, "no_inflight_updates", json_true());
    text = json_dumps(body, JSON_COMPACT);
    INVARIANT(text != NULL, "a request that cannot be written");
    prepared->raw = bytes_of_text(arena_text(call->arena, text, strlen(text)));
    free(text);
    json_decref(body);
}

enum status lnd_prepare(struct lightning_client *client, struct network_call *call,
                        const struct lightning_order *order, const struct bolt11 *invoice,
                        struct network_prepared *prepared)
{
    json_t *body = json_pack("{s:s}", "payment_request", order->invoice);

    (void)client;
    if (!invoice->has_amount)
        json_object_set_new(body, "amt_msat", json_string(lightning_digits(call, order->amount_msat)));
    keep_body(call, body, order, prepared);
    return OK;
}

enum status lnd_prepare_keysend(struct lightning_client *client, struct network_call *call,
                                const struct lightning_keysend *keysend, struct network_prepared *prepared)
{
    struct lightning_order limits = { .max_fee_msat = keysend->max_fee_msat, .max_delay = keysend->max_delay,
                                      .seconds = keysend->seconds };
    struct hash preimage, hash;
    json_t *body;

    (void)client;
    /* chosen here, so that the id is known before anything is sent; who is paid gets it with the payment */
    randombytes_buf(preimage.bytes, sizeof(preimage.bytes));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    body = json_pack("{s:s, s:s, s:s, s:i, s:{s:s}}", "dest",
                     base64_text(call->arena, keysend->node.bytes, sizeof(keysend->node.bytes)), "amt_msat",
                     lightning_digits(call, keysend->amount_msat), "payment_hash",
                     base64_text(call->arena, hash.bytes, sizeof(hash.bytes)), "final_cltv_delta",
                     KEYSEND_FINAL_DELTA, "dest_custom_records", KEYSEND_RECORD,
                     base64_text(call->arena, preimage.bytes, sizeof(preimage.bytes)));
    keep_body(call, body, &limits, prepared);
    prepared->transaction = hex_in(call->arena, hash.bytes, sizeof(hash.bytes));
    return OK;
}

/* --- a payment as LND tells it ------------------------------------------------------------------ */
static const struct { const char *name; enum lightning_payment_state state; } states[] = {
    { "INITIATED", LIGHTNING_PAYMENT_PENDING },  { "IN_FLIGHT", LIGHTNING_PAYMENT_PENDING },
    { "SUCCEEDED", LIGHTNING_PAYMENT_COMPLETE }, { "FAILED", LIGHTNING_PAYMENT_FAILED },
};
static const struct { const char *name, *meaning; } failures[] = {
    { "FAILURE_REASON_TIMEOUT", "no way was found in the time given" },
    { "FAILURE_REASON_NO_ROUTE", "there is no way to the payee within the limits" },
    { "FAILURE_REASON_ERROR", "the server failed" },
    { "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS", "the payee refuses: unknown invoice, or wrong amount or "
                                                  "delay" },
    { "FAILURE_REASON_INSUFFICIENT_BALANCE", "the channels hold too little on our side" },
    { "FAILURE_REASON_CANCELED", "it was canceled" },
};

static const char *failure_meaning(const json_t *entry)
{
    const char *name;

    for (size_t i = 0; reply_text(entry, "failure_reason", &name) && i < COUNT_OF(failures); i++) {
        if (strcmp(failures[i].name, name) == 0)
            return failures[i].meaning;
    }
    return NULL;
}

static enum status read_payment(struct lightning_client *client, struct network_call *call,
                                const json_t *entry, struct lightning_payment *payment)
{
    struct lightning_payment told = { .state = LIGHTNING_PAYMENT_UNKNOWN };
    const char *status, *invoice;
    const json_t *htlcs;
    uint64_t fee, time_ns;

    told.has_hash =
        reply_hex(entry, "payment_hash", told.payment_hash.bytes, sizeof(told.payment_hash.bytes));
    if (!told.has_hash)
        return lightning_protocol_error(client, call, "payments", "payment_hash");
    for (size_t i = 0; reply_text(entry, "status", &status) && i < COUNT_OF(states); i++) {
        if (strcmp(states[i].name, status) == 0)
            told.state = states[i].state;
    }
    if (told.state == LIGHTNING_PAYMENT_UNKNOWN)
        return lightning_protocol_error(client, call, "payments", "status");
    told.has_preimage =
        told.state == LIGHTNING_PAYMENT_COMPLETE &&
        reply_hex(entry, "payment_preimage", told.preimage.bytes, sizeof(told.preimage.bytes));
    if (reply_number(entry, "value_msat", &told.amount_msat) && reply_number(entry, "fee_msat", &fee) &&
        told.amount_msat <= LIGHTNING_AMOUNT_MAX && fee <= LIGHTNING_AMOUNT_MAX) {
        told.has_amounts = true;
        told.sent_msat = told.amount_msat + fee;
    }
    if (reply_list(entry, "htlcs", &htlcs) && json_array_size(htlcs) <= HTLCS_MAX)
        told.attempts = json_array_size(htlcs);
    if (reply_number(entry, "creation_time_ns", &time_ns))
        told.time_s = time_ns / 1000000000u;
    if (reply_text(entry, "payment_request", &invoice) && invoice[0] != '\0')
        told.invoice = arena_text(call->arena, invoice, strlen(invoice));
    if (told.state == LIGHTNING_PAYMENT_FAILED)
        told.reason = failure_meaning(entry);
    TRY(lightning_check_preimage(client, call, &told));
    *payment = told;
    return OK;
}

/* --- sending ---------------------------------------------------------------------------------- */
enum status lnd_send(struct lightning_client *client, struct network_call *call,
                     const struct network_prepared *prepared, struct lightning_payment *payment)
{
    struct rest_request request = { .method = "POST", .path = "/v2/router/send", .raw = prepared->raw,
                                    .write = true, .lines = true };
    struct waiting waiting = lightning_waiting(call, client->patience_s);
    json_t *reply AUTO_JSON = NULL;
    struct lightning_payment told;
    struct hash asked;

    if (prepared->transaction == NULL ||
        !hex_decode(asked.bytes, sizeof(asked.bytes), prepared->transaction, strlen(prepared->transaction)))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "what is kept of the payment is not what was prepared");
    TRY(rest_call(client->endpoint, &request, &waiting, &reply, NULL, &call->error));
    TRY(read_payment(client, call, reply, &told));
    if (!hash_equal(&told.payment_hash, &asked))
        return lightning_protocol_error(client, call, "router/send", "payment_hash");
    *payment = told;
    return OK;
}

/* --- finding ---------------------------------------------------------------------------------- */
static enum status get_page(struct lightning_client *client, struct network_call *call, uint64_t before,
                            size_t limit, json_t **answer, const json_t **payments)
{
    TRY(lnd_get(client, call,
                format_in(call->arena,
                          "/v1/payments?include_incomplete=true&reversed=true&index_offset=%" PRIu64
                          "&max_payments=%zu", before, limit),
                answer, NULL));
    if (!reply_list(*answer, "payments", payments) || json_array_size(*payments) > limit)
        return lightning_protocol_error(client, call, "payments", "payments");
    return OK;
}

static enum status find_newest(struct lightning_client *client, struct network_call *call,
                               const struct hash *hash, struct lightning_payment *payment, bool *found)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *payments;

    *found = false;
    TRY(get_page(client, call, 0, NEWEST_LOOKED_AT, &answer, &payments));
    for (size_t i = json_array_size(payments); i-- > 0;) {
        const json_t *entry = json_array_get(payments, i);
        struct hash its;

        if (!reply_hex(entry, "payment_hash", its.bytes, sizeof(its.bytes)) || !hash_equal(&its, hash))
            continue;
        *found = true;
        return read_payment(client, call, entry, payment);
    }
    return OK;
}

/* Of older ones: the stream ends at once when the payment has ended, or was never made. */
static enum status track(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                         struct lightning_payment *payment)
{
    struct rest_request request = { .method = "GET", .lines = true };
    struct waiting waiting = call->waiting;
    int64_t soon = clock_monotonic_us() + TRACK_SECONDS * MICROSECONDS_PER_SECOND;
    json_t *reply AUTO_JSON = NULL;
    struct rest_refusal refusal = { 0 };
    enum status status;
    bool shortened = waiting.deadline_us == 0 || waiting.deadline_us > soon;

    request.path = format_in(call->arena, "/v2/router/track/%s?no_inflight_updates=true",
                             base64_url_text(call->arena, hash->bytes, sizeof(hash->bytes)));
    if (shortened)
        waiting.deadline_us = soon;
    status = rest_call(client->endpoint, &request, &waiting, &reply, &refusal, &call->error);
    if (status == ERROR_NETWORK_REJECTED && (rest_says_absent(&refusal) ||
                                             strstr(refusal.message, "isn't initiated") != NULL)) {
        *payment = (struct lightning_payment){ .state = LIGHTNING_PAYMENT_UNKNOWN };
        return OK;
    }
    if (status == ERROR_NETWORK_TIMEOUT && shortened) {
        *payment = (struct lightning_payment){
            .state = LIGHTNING_PAYMENT_PENDING, .has_hash = true, .payment_hash = *hash,
            .reason = "the server holds the line open, as it does while a payment is under way" };
        return OK;
    }
    TRY(status);
    return read_payment(client, call, reply, payment);
}

enum status lnd_find(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                     const char *label, struct lightning_payment *payment)
{
    struct lightning_payment told = { 0 };
    bool found;

    (void)label; /* LND's payments have none, and need none: their hash is always known beforehand */
    if (hash == NULL)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "LND finds payments by their hash alone");
    TRY(find_newest(client, call, hash, &told, &found));
    if (!found)
        TRY(track(client, call, hash, &told));
    if (told.has_hash && !hash_equal(&told.payment_hash, hash))
        return lightning_protocol_error(client, call, "router/track", "payment_hash");
    *payment = told;
    return OK;
}

/* --- lists ------------------------------------------------------------------------------------ */
static enum status payment_item(struct lightning_client *client, struct network_call *call,
                                const json_t *entry, struct lightning_item *item)
{
    static const enum transaction_state state_of[] = { [LIGHTNING_PAYMENT_UNKNOWN] = TRANSACTION_UNKNOWN,
                                                       [LIGHTNING_PAYMENT_PENDING] = TRANSACTION_PENDING,
                                                       [LIGHTNING_PAYMENT_COMPLETE] = TRANSACTION_CONFIRMED,
                                                       [LIGHTNING_PAYMENT_FAILED] = TRANSACTION_FAILED };
    struct lightning_payment payment;

    TRY(read_payment(client, call, entry, &payment));
    if (!reply_number(entry, "payment_index", &item->index) || item->index == 0)
        return lightning_protocol_error(client, call, "payments", "payment_index");
    item->entry = (struct network_entry){
        .transaction = hex_in(call->arena, payment.payment_hash.bytes, sizeof(payment.payment_hash.bytes)),
        .kind = "payment", .state = state_of[payment.state], .time_s = payment.time_s,
        .amount = payment.has_amounts ? lightning_digits(call, payment.amount_msat) : NULL };
    return OK;
}

static enum status invoice_item(struct lightning_client *client, struct network_call *call,
                                const json_t *entry, struct lightning_item *item)
{
    static const struct { const char *name; enum transaction_state state; } invoice_states[] = {
        { "OPEN", TRANSACTION_PENDING }, { "ACCEPTED", TRANSACTION_PENDING },
        { "SETTLED", TRANSACTION_CONFIRMED }, { "CANCELED", TRANSACTION_FAILED } };
    struct network_entry told = { .kind = "invoice" };
    const char *state;
    struct hash hash;
    uint64_t amount;
    bool known = false;

    if (!reply_base64(entry, "r_hash", hash.bytes, sizeof(hash.bytes)))
        return lightning_protocol_error(client, call, "invoices", "r_hash");
    if (!reply_number(entry, "add_index", &item->index) || item->index == 0)
        return lightning_protocol_error(client, call, "invoices", "add_index");
    for (size_t i = 0; reply_text(entry, "state", &state) && i < COUNT_OF(invoice_states); i++) {
        if (strcmp(invoice_states[i].name, state) == 0) {
            told.state = invoice_states[i].state;
            known = true;
        }
    }
    if (!known || !reply_number(entry, "creation_date", &told.time_s))
        return lightning_protocol_error(client, call, "invoices", "state or creation_date");
    told.transaction = hex_in(call->arena, hash.bytes, sizeof(hash.bytes));
    if ((told.state == TRANSACTION_CONFIRMED && reply_number(entry, "amt_paid_msat", &amount)) ||
        reply_number(entry, "value_msat", &amount))
        told.amount = lightning_digits(call, amount);
    item->entry = told;
    return OK;
}

enum status lnd_list(struct lightning_client *client, struct network_call *call, enum lightning_list list,
                     uint64_t before, size_t limit, struct lightning_item *items, size_t *count)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *entries;
    size_t size;

    if (list == LIGHTNING_PAYMENTS) {
        TRY(get_page(client, call, before, limit, &answer, &entries));
    } else {
        TRY(lnd_get(client, call,
                    format_in(call->arena, "/v1/invoices?reversed=true&index_offset=%" PRIu64
                              "&num_max_invoices=%zu", before, limit), &answer, NULL));
        if (!reply_list(answer, "invoices", &entries) || json_array_size(entries) > limit)
            return lightning_protocol_error(client, call, "invoices", "invoices");
    }
    size = json_array_size(entries);
    for (size_t i = 0; i < size; i++) { /* the server's order within a page is oldest first */
        const json_t *entry = json_array_get(entries, size - 1 - i);

        TRY(list == LIGHTNING_PAYMENTS ? payment_item(client, call, entry, &items[i])
                                       : invoice_item(client, call, entry, &items[i]));
    }
    *count = size;
    return OK;
}
