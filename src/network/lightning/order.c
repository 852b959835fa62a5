/* Checking what is to be paid: see order.h. */
#include "network/lightning/order.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "network/lightning/client.h"
#include "network/lightning/reply.h"

#define FEE_LEAST_MSAT 5000
#define FEE_PART 100

bool order_is_invoice(const char *text)
{
    return strncasecmp(text, "ln", 2) == 0;
}

/* BOLT 12 "Encoding": offers, invoices and invoice requests. No BOLT 11 currency gives these prefixes. */
static bool is_bolt12(const char *text)
{
    return strncasecmp(text, "lno1", 4) == 0 || strncasecmp(text, "lni1", 4) == 0 ||
           strncasecmp(text, "lnr1", 4) == 0;
}

uint64_t order_default_fee(uint64_t amount_msat)
{
    uint64_t fee = amount_msat / FEE_PART;

    return fee < FEE_LEAST_MSAT ? FEE_LEAST_MSAT : fee;
}

enum status order_amount(const char *text, uint64_t *amount_msat, struct error *error)
{
    uint64_t amount;

    if (text == NULL || !decimal_parse(text, &amount) || amount < 1 || amount > LIGHTNING_AMOUNT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the amount is to be millisatoshis, digits alone, 1 … %" PRIu64,
                         LIGHTNING_AMOUNT_MAX);
    *amount_msat = amount;
    return OK;
}

static enum status read_option(const char *name, const json_t *value, struct lightning_order *order,
                               struct error *error)
{
    bool good = json_is_integer(value) && json_integer_value(value) > 0;

    if (strcmp(name, "max_delay") == 0 && good) {
        order->max_delay = (uint64_t)json_integer_value(value);
        return OK;
    }
    if (strcmp(name, "seconds") == 0 && good) {
        order->seconds = (uint64_t)json_integer_value(value);
        return OK;
    }
    if (strcmp(name, "send_until") == 0 && good) {
        order->send_until = (uint64_t)json_integer_value(value);
        return OK;
    }
    return error_set(error, ERROR_INVALID_PARAMS,
                     "'%s' is no option of a payment, or no whole number above 0; there are max_delay "
                     "(blocks), seconds and send_until (Unix)",
                     name);
}

enum status order_limits(const struct network_write *write, struct lightning_order *order,
                         struct error *error)
{
    json_t *options AUTO_JSON = NULL;
    struct lightning_order limits = *order;
    const char *name;
    json_t *value;

    if (write->fee != NULL) {
        if (!decimal_parse(write->fee, &limits.max_fee_msat) || limits.max_fee_msat > LIGHTNING_AMOUNT_MAX)
            return error_set(error, ERROR_INVALID_PARAMS, "the fee is to be millisatoshis, digits alone");
        limits.has_max_fee = true;
    }
    if (write->options != NULL) {
        TRY(json_parse(write->options, strlen(write->options), &options, error));
        if (!json_is_object(options))
            return error_set(error, ERROR_INVALID_PARAMS, "the options of a payment are to be an object");
        json_object_foreach(options, name, value)
            TRY(read_option(name, value, &limits, error));
    }
    *order = limits;
    return OK;
}

enum status order_check_limits(const struct lightning_order *order, uint64_t patience_s, struct error *error)
{
    if (order->max_delay > LIGHTNING_DELAY_MAX)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "max_delay is %" PRIu64 " blocks; at most %d are possible", order->max_delay,
                         LIGHTNING_DELAY_MAX);
    if (order->seconds > patience_s)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "seconds is %" PRIu64 "; the link's patience is %" PRIu64, order->seconds,
                         patience_s);
    if (order->has_max_fee && order->max_fee_msat > LIGHTNING_AMOUNT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "the fee is more than there is bitcoin");
    return OK;
}

static enum status agree_on_amount(const struct lightning_order *order, const struct bolt11 *invoice,
                                   uint64_t *amount_msat, struct error *error)
{
    if (invoice->has_amount && order->amount_msat != 0 && order->amount_msat != invoice->amount_msat)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the invoice asks for %" PRIu64 " millisatoshis, not for %" PRIu64,
                         invoice->amount_msat, order->amount_msat);
    if (!invoice->has_amount && order->amount_msat == 0)
        return error_set(error, ERROR_INVALID_PARAMS, "the invoice leaves its amount open: say how much");
    *amount_msat = invoice->has_amount ? invoice->amount_msat : order->amount_msat;
    if (*amount_msat > LIGHTNING_AMOUNT_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "the amount is more than there is bitcoin");
    return OK;
}

enum status order_check(const char *currency, uint64_t patience_s, uint64_t now_s,
                        const struct lightning_order *order, struct arena *arena, struct bolt11 *invoice,
                        uint64_t *amount_msat, struct error *error)
{
    struct bolt11 decoded;
    struct error told;
    uint64_t amount = 0;

    if (is_bolt12(order->invoice))
        return error_set(error, ERROR_NETWORK_NOT_SUPPORTED,
                         "'%.4s…' is of BOLT 12 (an offer, or what follows from one); only invoices of "
                         "BOLT 11 are paid here",
                         order->invoice);
    if (bolt11_decode(order->invoice, strlen(order->invoice), arena, &decoded, &told) != OK)
        return error_set(error, ERROR_INVALID_PARAMS, "%s", told.message);
    if (strcmp(decoded.currency, currency) != 0)
        return error_set(error, ERROR_NETWORK_WRONG_CHAIN,
                         "the invoice is for the chain 'ln%s'; this link pays 'ln%s'", decoded.currency,
                         currency);
    if (bolt11_expired(&decoded, now_s))
        return error_set(error, ERROR_INVALID_PARAMS, "the invoice has expired");
    TRY(agree_on_amount(order, &decoded, &amount, error));
    TRY(order_check_limits(order, patience_s, error));
    if (order->max_delay != 0 && decoded.final_delta > order->max_delay)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "the invoice wants %" PRIu64 " blocks for its last hop alone; max_delay is %" PRIu64,
                         decoded.final_delta, order->max_delay);
    *invoice = decoded;
    *amount_msat = amount;
    return OK;
}
