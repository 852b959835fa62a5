/* LND: invoices of our own. */
#include <string.h>

#include "base/json.h"
#include "network/lightning/lnd.h"
#include "network/lightning/reply.h"

/* LND has two texts for an invoice that it does not know: invoices/interface.go. */
static bool is_unknown(enum status status, const struct rest_refusal *refusal)
{
    return status == ERROR_NETWORK_REJECTED &&
           (rest_says_absent(refusal) || strstr(refusal->message, "unable to locate invoice") != NULL ||
            strstr(refusal->message, "no existing invoices") != NULL);
}

static enum status get_invoice(struct lightning_client *client, struct network_call *call,
                               const struct hash *hash, json_t **answer, bool *known)
{
    struct rest_refusal refusal = { 0 };
    enum status status = lnd_get(
        client, call,
        format_in(call->arena, "/v1/invoice/%s", hex_in(call->arena, hash->bytes, sizeof(hash->bytes))),
        answer, &refusal);

    *known = status == OK;
    return is_unknown(status, &refusal) ? OK : status;
}

enum status lnd_create_invoice(struct lightning_client *client, struct network_call *call,
                               const struct lightning_invoice_order *order, const char **text)
{
    json_t *answer AUTO_JSON = NULL;
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "memo", order->description, "value_msat",
                             lightning_digits(call, order->amount_msat), "expiry",
                             lightning_digits(call, order->expiry_s), "r_preimage",
                             base64_text(call->arena, order->preimage.bytes, sizeof(order->preimage.bytes)));
    const char *invoice;
    enum status status;
    bool known;

    status = lnd_post(client, call, "/v1/invoices", body, true, &answer, NULL);
    if (status == ERROR_NETWORK_REJECTED) { /* it may be there already: made before we were interrupted */
        struct error refused = call->error;

        TRY(get_invoice(client, call, &order->payment_hash, &answer, &known));
        if (!known)
            return error_set(&call->error, ERROR_NETWORK_REJECTED, "%s", refused.message);
    } else {
        TRY(status);
    }
    if (!reply_text(answer, "payment_request", &invoice))
        return lightning_protocol_error(client, call, "invoices", "payment_request");
    *text = arena_text(call->arena, invoice, strlen(invoice));
    return OK;
}

enum status lnd_find_invoice(struct lightning_client *client, struct network_call *call,
                             const struct hash *hash, struct lightning_invoice *invoice)
{
    static const struct { const char *name; enum lightning_invoice_state state; } states[] = {
        { "OPEN", LIGHTNING_INVOICE_OPEN }, { "ACCEPTED", LIGHTNING_INVOICE_ACCEPTED },
        { "SETTLED", LIGHTNING_INVOICE_SETTLED }, { "CANCELED", LIGHTNING_INVOICE_CANCELLED } };
    json_t *answer AUTO_JSON = NULL;
    struct hash its;
    const char *state;
    bool known;

    TRY(get_invoice(client, call, hash, &answer, &known));
    invoice->state = LIGHTNING_INVOICE_UNKNOWN;
    if (!known)
        return OK;
    if (!reply_base64(answer, "r_hash", its.bytes, sizeof(its.bytes)) || !hash_equal(&its, hash))
        return lightning_protocol_error(client, call, "invoice", "r_hash");
    for (size_t i = 0; reply_text(answer, "state", &state) && i < COUNT_OF(states); i++) {
        if (strcmp(states[i].name, state) == 0)
            invoice->state = states[i].state;
    }
    if (invoice->state == LIGHTNING_INVOICE_UNKNOWN)
        return lightning_protocol_error(client, call, "invoice", "state");
    if (invoice->state == LIGHTNING_INVOICE_SETTLED) {
        invoice->has_preimage =
            reply_base64(answer, "r_preimage", invoice->preimage.bytes, sizeof(invoice->preimage.bytes));
        if (!reply_number(answer, "amt_paid_msat", &invoice->amount_msat))
            return lightning_protocol_error(client, call, "invoice", "amt_paid_msat");
    }
    return OK;
}
