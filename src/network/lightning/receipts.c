/* What is read back, for both implementations: history, fees, proofs; and invoices of our own. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/client.h"
#include "network/lightning/order.h"
#include "network/lightning/proofs.h"
#include "network/lightning/reply.h"

/* --- history ---------------------------------------------------------------------------------- */
#define CURSOR_END "-" /* of a list of which all was shown */

/* "17.203": payments below 17 and invoices below 203 come next; "-": none of these any more. */
struct cursor { bool ended[2]; uint64_t before[2]; };

static bool read_position(const char *text, size_t length, bool *ended, uint64_t *before)
{
    char digits[DECIMAL_MAX + 1];

    if (length == 0 || length > DECIMAL_MAX)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (strcmp(digits, CURSOR_END) == 0) {
        *ended = true;
        return true;
    }
    return decimal_parse(digits, before) && *before > 0;
}

static bool read_cursor(const char *text, struct cursor *cursor)
{
    const char *point = strchr(text, '.');

    return point != NULL &&
           read_position(text, (size_t)(point - text), &cursor->ended[0], &cursor->before[0]) &&
           read_position(point + 1, strlen(point + 1), &cursor->ended[1], &cursor->before[1]);
}

static const char *write_cursor(struct arena *arena, const struct cursor *cursor)
{
    const char *parts[2];

    for (size_t i = 0; i < 2; i++)
        parts[i] = cursor->ended[i] ? CURSOR_END : format_in(arena, "%" PRIu64, cursor->before[i]);
    return format_in(arena, "%s.%s", parts[0], parts[1]);
}

/* Takes the newest of both lists, `limit` in all; moves the cursor behind what was taken. */
static size_t merge(struct lightning_item *lists[2], const size_t counts[2], size_t limit,
                    struct network_entry *entries, struct cursor *cursor)
{
    size_t taken[2] = { 0, 0 }, filled = 0;

    while (filled < limit && (taken[0] < counts[0] || taken[1] < counts[1])) {
        size_t from = taken[0] == counts[0] ||
                      (taken[1] < counts[1] &&
                       lists[1][taken[1]].entry.time_s > lists[0][taken[0]].entry.time_s);
        const struct lightning_item *item = &lists[from][taken[from]++];

        entries[filled++] = item->entry;
        cursor->before[from] = item->index;
    }
    for (size_t i = 0; i < 2; i++) {
        if (taken[i] == counts[i] && counts[i] < limit)
            cursor->ended[i] = true; /* the server gave fewer than were asked for: there are no older ones */
        if (cursor->before[i] == 1 && taken[i] > 0)
            cursor->ended[i] = true;
    }
    return filled;
}

enum status lightning_history(void *pointer, struct network_call *call, const char *after, size_t limit,
                              struct network_history *history)
{
    struct lightning_client *client = pointer;
    struct cursor cursor = { 0 };
    struct lightning_item *lists[2];
    struct network_entry *entries;
    size_t counts[2] = { 0, 0 };

    if (after != NULL && !read_cursor(after, &cursor))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "'after' is not what a page before gave as 'next'");
    if (limit == 0 || limit > LIGHTNING_PAGE_MAX)
        limit = LIGHTNING_PAGE_MAX;
    for (size_t i = 0; i < 2; i++) {
        lists[i] = arena_new(call->arena, limit * sizeof(*lists[i]));
        if (!cursor.ended[i])
            TRY(client->backend->list(client, call, i == 0 ? LIGHTNING_PAYMENTS : LIGHTNING_INVOICES,
                                      cursor.before[i], limit, lists[i], &counts[i]));
    }
    entries = arena_new(call->arena, limit * sizeof(*entries));
    *history = (struct network_history){ .entries = entries };
    history->count = merge(lists, counts, limit, entries, &cursor);
    if (!cursor.ended[0] || !cursor.ended[1])
        history->next = write_cursor(call->arena, &cursor);
    return OK;
}

/* --- fees ------------------------------------------------------------------------------------- */
static enum status describe_destination(struct lightning_client *client, struct network_call *call,
                                        const struct network_write *write, struct public_key *payee,
                                        uint64_t *amount, uint64_t *final_delta)
{
    struct lightning_order order = { 0 };
    struct bolt11 invoice;

    *final_delta = BOLT11_FINAL_DELTA_DEFAULT;
    if (write->amount != NULL)
        TRY(order_amount(write->amount, &order.amount_msat, &call->error));
    if (write->kind == WRITE_TRANSFER && !order_is_invoice(write->to)) {
        if (!hex_decode(payee->bytes, sizeof(payee->bytes), write->to, strlen(write->to)) ||
            order.amount_msat == 0)
            return error_set(&call->error, ERROR_INVALID_PARAMS,
                             "a node's key (66 hex digits) and an amount");
        *amount = order.amount_msat;
        return OK;
    }
    order.invoice = write->kind == WRITE_TRANSFER
                        ? write->to
                        : arena_text(call->arena, (const char *)write->raw.data, write->raw.size);
    TRY(order_check(client->chain->currency, client->patience_s,
                    (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND), &order, call->arena, &invoice,
                    amount, &call->error));
    *payee = invoice.payee;
    *final_delta = invoice.final_delta;
    return OK;
}

enum status lightning_estimate_fees(void *pointer, struct network_call *call,
                                    const struct network_write *write, struct network_fees *fees)
{
    struct lightning_client *client = pointer;
    struct network_fees told = { 0 };
    struct public_key payee;
    uint64_t amount, final_delta, fee;

    if (write != NULL && (write->kind == WRITE_ISSUE || write->asset != NULL))
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "Lightning moves bitcoin alone");
    if (write != NULL) {
        TRY(describe_destination(client, call, write, &payee, &amount, &final_delta));
        TRY(client->backend->route_fee(client, call, &payee, amount, final_delta, &fee));
        told.total = lightning_digits(call, fee);
    }
    TRY(client->backend->chain_fees(client, call, &told));
    told.unit = "satoshi per 1000 virtual bytes";
    told.details = write == NULL ? "{\"of\":\"transactions of the chain below: opening and closing "
                                   "channels\"}"
                                 : "{\"of\":\"transactions of the chain below\",\"total\":\"millisatoshis of "
                                   "fee on the "
                                   "way that the server finds now, without the invoice's route hints\"}";
    *fees = told;
    return OK;
}

/* --- proofs ----------------------------------------------------------------------------------- */
enum status lightning_verify_proof(void *pointer, struct network_call *call, const char *proof,
                                   struct network_verdict *verdict)
{
    const struct lightning_client *client = pointer;

    return proofs_verify(proof, client->chain->currency, call->arena, verdict, &call->error);
}

static enum status prove_payment(struct lightning_client *client, struct network_call *call,
                                 const json_t *claim, const char **proof)
{
    struct lightning_payment payment = { 0 };
    struct network_verdict verdict;
    struct hash hash;
    const char *text;

    if (!reply_hex(claim, "transaction", hash.bytes, sizeof(hash.bytes)) || json_object_size(claim) != 2)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a claim of payment has type and transaction (the payment hash), no more");
    TRY(client->backend->find(client, call, &hash, NULL, &payment));
    if (payment.state == LIGHTNING_PAYMENT_UNKNOWN)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the server knows no payment of this hash");
    if (payment.state != LIGHTNING_PAYMENT_COMPLETE)
        return error_set(&call->error, ERROR_NETWORK_REJECTED,
                         "the payment is not complete: nothing proves it");
    if (payment.invoice == NULL)
        return error_set(&call->error, ERROR_NETWORK_REJECTED,
                         "the payment was made without an invoice: its preimage is the payer's own, and "
                         "proves "
                         "nothing");
    text = proofs_write_payment(call->arena, payment.invoice, &payment.preimage);
    TRY(proofs_verify(text, client->chain->currency, call->arena, &verdict, &call->error));
    if (verdict.verdict != PROOF_VALID)
        return lightning_protocol_error(client, call, "a paid invoice", "invoice");
    *proof = text;
    return OK;
}

static enum status prove_message(struct lightning_client *client, struct network_call *call,
                                 const json_t *claim, const char **proof)
{
    const char *message, *zbase;
    struct public_key node, signer;

    if (!reply_text(claim, "message", &message) || json_object_size(claim) != 2 ||
        strlen(message) > PROOF_MESSAGE_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "a claim of a message has type and message (at most 65,536 bytes), no more");
    TRY(client->backend->node(client, call, &node));
    TRY(client->backend->sign_message(client, call, message, &zbase));
    if (!proofs_signer(message, zbase, &signer) || memcmp(signer.bytes, node.bytes, sizeof(node.bytes)) != 0)
        return lightning_protocol_error(client, call, "signmessage", "signature of its own node");
    *proof = proofs_write_message(call->arena, message, zbase, &node);
    return OK;
}

enum status lightning_generate_proof(void *pointer, struct network_call *call, const char *text,
                                     const char **proof)
{
    struct lightning_client *client = pointer;
    json_t *claim AUTO_JSON = NULL;
    const char *type;

    TRY(json_parse(text, strlen(text), &claim, &call->error));
    if (!reply_text(claim, "type", &type))
        return error_set(&call->error, ERROR_INVALID_PARAMS, "a claim is an object with a type");
    if (strcmp(type, "payment") == 0)
        return prove_payment(client, call, claim, proof);
    if (strcmp(type, "message") == 0)
        return prove_message(client, call, claim, proof);
    return error_set(&call->error, ERROR_INVALID_PARAMS,
                     "'%.40s' is nothing that is proved here: payment, message", type);
}

/* --- invoices of our own ---------------------------------------------------------------------- */
#define DESCRIPTION_MAX 639 /* bytes: 1,023 groups of five bits, which is the most of one field of BOLT 11 */
#define EXPIRY_DEFAULT_S 3600

static enum status read_request(struct network_call *call, const struct network_payment_request *request,
                                struct lightning_invoice_order *order)
{
    if (request->asset != NULL)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "Lightning moves bitcoin alone: leave the asset out");
    TRY(order_amount(request->amount, &order->amount_msat, &call->error));
    order->description = request->memo == NULL ? "" : request->memo;
    if (strlen(order->description) > DESCRIPTION_MAX)
        return error_set(&call->error, ERROR_INVALID_PARAMS, "memo: an invoice holds at most %d bytes",
                         DESCRIPTION_MAX);
    order->expiry_s = request->has_expiry ? request->expires_s : EXPIRY_DEFAULT_S;
    order->label = format_in(call->arena, "layerd-%s", call->operation);
    order->preimage = request->secret;
    sha256(&order->payment_hash, order->preimage.bytes, sizeof(order->preimage.bytes));
    return OK;
}

/* What the server wrote is what was asked for, and this link's own node signed it. */
static enum status check_written(struct lightning_client *client, struct network_call *call, const char *text,
                                 const struct lightning_invoice_order *order, struct bolt11 *invoice)
{
    struct public_key node;

    TRY(client->backend->node(client, call, &node));
    if (bolt11_decode(text, strlen(text), call->arena, invoice, NULL) != OK ||
        strcmp(invoice->currency, client->chain->currency) != 0 ||
        !hash_equal(&invoice->payment_hash, &order->payment_hash) || !invoice->has_amount ||
        invoice->amount_msat != order->amount_msat || invoice->expiry_s != order->expiry_s ||
        invoice->description == NULL || strcmp(invoice->description, order->description) != 0 ||
        memcmp(invoice->payee.bytes, node.bytes, sizeof(node.bytes)) != 0)
        return lightning_protocol_error(client, call, "making an invoice", "invoice as it was asked for");
    return OK;
}

enum status lightning_request_payment(void *pointer, struct network_call *call,
                                      const struct network_payment_request *request,
                                      struct network_payable *payable)
{
    struct lightning_client *client = pointer;
    struct lightning_invoice_order order = { 0 };
    struct bolt11 invoice;
    const char *text;
    enum status status;

    TRY(read_request(call, request, &order));
    status = client->backend->create_invoice(client, call, &order, &text);
    if (status == ERROR_NETWORK_AMBIGUOUS) /* the same label and preimage: there is one invoice at most */
        status = client->backend->create_invoice(client, call, &order, &text);
    if (status != OK)
        return status;
    TRY(check_written(client, call, text, &order, &invoice));
    *payable = (struct network_payable){
        .invoice = text,
        .payment_hash = hex_in(call->arena, order.payment_hash.bytes, sizeof(order.payment_hash.bytes)),
        .expires_s = invoice.time_s + invoice.expiry_s };
    payable->label = format_in(call->arena, LIGHTNING_INVOICE_LABEL "%s", payable->payment_hash);
    return OK;
}

static enum status check_settled(struct lightning_client *client, struct network_call *call,
                                 const struct lightning_invoice *invoice, const struct hash *payment_hash)
{
    struct hash hash;

    sha256(&hash, invoice->preimage.bytes, sizeof(invoice->preimage.bytes));
    if (!invoice->has_preimage || !hash_equal(&hash, payment_hash))
        return lightning_protocol_error(client, call, "a settled invoice", "preimage");
    return OK;
}

enum status lightning_invoice_status(struct lightning_client *client, struct network_call *call,
                                     const char *label, struct network_status *status)
{
    const char *hex = label + strlen(LIGHTNING_INVOICE_LABEL);
    struct network_status told = { .state = TRANSACTION_UNKNOWN };
    struct lightning_invoice invoice = { 0 };
    struct hash hash;

    if (!hex_decode(hash.bytes, sizeof(hash.bytes), hex, strlen(hex)))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "an invoice's label ends with its payment hash: 64 hex digits");
    TRY(client->backend->find_invoice(client, call, &hash, &invoice));
    switch (invoice.state) {
    case LIGHTNING_INVOICE_UNKNOWN:
        told.reason = "the server has no such invoice";
        break;
    case LIGHTNING_INVOICE_OPEN:
        told.state = TRANSACTION_PENDING;
        told.reason = "nobody has paid it yet";
        break;
    case LIGHTNING_INVOICE_ACCEPTED:
        told.state = TRANSACTION_PENDING;
        told.reason = "the money is locked, and not settled yet";
        break;
    case LIGHTNING_INVOICE_SETTLED:
        TRY(check_settled(client, call, &invoice, &hash));
        told.state = TRANSACTION_CONFIRMED;
        told.finality = FINALITY_FINAL;
        told.details = format_in(call->arena, "{\"received_msat\":\"%" PRIu64 "\"}", invoice.amount_msat);
        break;
    case LIGHTNING_INVOICE_CANCELLED:
        told.state = TRANSACTION_FAILED;
        told.finality = FINALITY_FINAL;
        told.reason = "it has expired, or was cancelled";
        break;
    }
    *status = told;
    return OK;
}
