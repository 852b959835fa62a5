/* Core Lightning: paying with xpay (pay, where that is not there yet), spontaneous payments, and finding what
 * became of them in listpays, which alone decides. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/cln.h"
#include "network/lightning/reply.h"

#define PAYS_MAX 100000    /* entries of one answer that are looked through */
#define LABEL_MARK '#'     /* in a label, before the index after which its parts stand */

/* --- preparing -------------------------------------------------------------------------------- */
/* {"method", "params"} as text: what is kept, and sent byte for byte the same each time. */
static void keep_request(struct network_call *call, const char *method, json_t *params,
                         struct network_prepared *prepared)
{
    json_t *request AUTO_JSON = json_pack("{s:s, s:o}", "method", method, "params", params);
    char *text AUTO_FREE = json_dumps(request, JSON_COMPACT);

    INVARIANT(text != NULL, "a request that cannot be written");
    prepared->raw = bytes_of_text(arena_text(call->arena, text, strlen(text)));
}

static void put_integer(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* xpay, if it is there and takes all that the order says; else pay, which every release has. */
static enum status choose_pay(struct lightning_client *client, struct network_call *call,
                              const struct lightning_order *order, const char **method,
                              const char **parameter)
{
    int xpay, pay;

    TRY(cln_can(client, call, "xpay", &client->can_xpay, &xpay));
    *method = "xpay";
    *parameter = "invstring";
    if ((xpay & CLN_HAS) != 0 && (order->max_delay == 0 || (xpay & CLN_MAXDELAY) != 0))
        return OK;
    TRY(cln_can(client, call, "pay", &client->can_pay, &pay));
    *method = "pay";
    if ((pay & CLN_INVSTRING) == 0)
        *parameter = "bolt11";
    return OK;
}

enum status cln_prepare(struct lightning_client *client, struct network_call *call,
                        const struct lightning_order *order, const struct bolt11 *invoice,
                        struct network_prepared *prepared)
{
    const char *method, *parameter;
    json_t *params;

    TRY(choose_pay(client, call, order, &method, &parameter));
    params = json_pack("{s:s}", parameter, order->invoice);
    if (!invoice->has_amount)
        put_integer(params, "amount_msat", order->amount_msat);
    put_integer(params, "maxfee", order->max_fee_msat);
    put_integer(params, "retry_for", order->seconds);
    if (order->max_delay != 0)
        put_integer(params, "maxdelay", order->max_delay);
    keep_request(call, method, params, prepared);
    return OK;
}

/* The label tells where its parts can stand: behind all that there are now. Servers without indexes are asked
 * for all. */
static enum status mark_label(struct lightning_client *client, struct network_call *call, const char *label,
                              const char **marked)
{
    uint64_t newest;
    int listpays;

    *marked = label;
    TRY(cln_can(client, call, "listpays", &client->can_listpays, &listpays));
    if ((listpays & CLN_INDEX) == 0)
        return OK;
    TRY(cln_newest_index(client, call, LIGHTNING_PAYMENTS, &newest));
    *marked = format_in(call->arena, "%s%c%" PRIu64, label, LABEL_MARK, newest);
    return OK;
}

enum status cln_prepare_keysend(struct lightning_client *client, struct network_call *call,
                                const struct lightning_keysend *keysend, struct network_prepared *prepared)
{
    const char *label;
    int xkeysend, abilities;
    json_t *params;

    TRY(cln_can(client, call, "xkeysend", &client->can_xkeysend, &xkeysend));
    if ((xkeysend & CLN_HAS) != 0)
        abilities = xkeysend;
    else
        TRY(cln_can(client, call, "keysend", &client->can_keysend, &abilities));
    TRY(mark_label(client, call, keysend->label, &label));
    params = json_pack("{s:s, s:s}", "destination",
                       hex_in(call->arena, keysend->node.bytes, sizeof(keysend->node.bytes)), "label", label);
    put_integer(params, "amount_msat", keysend->amount_msat);
    if ((abilities & CLN_MAXFEE) != 0) {
        put_integer(params, "maxfee", keysend->max_fee_msat);
    } else { /* the greater of the two counts */
        put_integer(params, "maxfeepercent", 0);
        put_integer(params, "exemptfee", keysend->max_fee_msat);
    }
    put_integer(params, "retry_for", keysend->seconds);
    if (keysend->max_delay != 0)
        put_integer(params, "maxdelay", keysend->max_delay);
    keep_request(call, (xkeysend & CLN_HAS) != 0 ? "xkeysend" : "keysend", params, prepared);
    prepared->label = label; /* the server makes the preimage: the hash is known once it is sent */
    return OK;
}

/* --- sending ---------------------------------------------------------------------------------- */
static enum status read_sent(struct lightning_client *client, struct network_call *call, const char *method,
                             const json_t *answer, const struct network_prepared *prepared,
                             struct lightning_payment *payment)
{
    struct lightning_payment told = { .state = LIGHTNING_PAYMENT_COMPLETE };
    uint64_t parts, failed;
    const char *status;

    if (reply_text(answer, "status", &status) && strcmp(status, "complete") != 0)
        told.state = LIGHTNING_PAYMENT_PENDING; /* `pay` tells so too; xpay answers only what is complete */
    told.has_preimage =
        reply_hex(answer, "payment_preimage", told.preimage.bytes, sizeof(told.preimage.bytes));
    if (prepared->transaction != NULL)
        told.has_hash = hex_decode(told.payment_hash.bytes, sizeof(told.payment_hash.bytes),
                                   prepared->transaction, strlen(prepared->transaction));
    else if (told.has_preimage) { /* spontaneous: the server chose both */
        sha256(&told.payment_hash, told.preimage.bytes, sizeof(told.preimage.bytes));
        told.has_hash = true;
    }
    told.has_amounts = reply_msat(answer, "amount_msat", &told.amount_msat) &&
                       reply_msat(answer, "amount_sent_msat", &told.sent_msat);
    if (!told.has_amounts)
        return lightning_protocol_error(client, call, method, "amount_msat or amount_sent_msat");
    if (reply_number(answer, "successful_parts", &parts) && reply_number(answer, "failed_parts", &failed) &&
        parts < PAYS_MAX && failed < PAYS_MAX)
        told.attempts = parts + failed;
    else if (reply_number(answer, "parts", &parts))
        told.attempts = parts;
    TRY(lightning_check_preimage(client, call, &told));
    *payment = told;
    return OK;
}

enum status cln_send(struct lightning_client *client, struct network_call *call,
                     const struct network_prepared *prepared, struct lightning_payment *payment)
{
    json_t *request AUTO_JSON = NULL, *answer AUTO_JSON = NULL;
    const char *method;
    uint64_t seconds;

    if (json_parse((const char *)prepared->raw.data, prepared->raw.size, &request, NULL) != OK ||
        !reply_text(request, "method", &method) || reply_object(request, "params") == NULL ||
        !reply_number(reply_object(request, "params"), "retry_for", &seconds))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "what is kept of the payment is not what was prepared");
    TRY(cln_call(client, call, method, json_incref(json_object_get(request, "params")), true, seconds,
                 &answer, NULL));
    return read_sent(client, call, method, answer, prepared, payment);
}

/* --- finding ---------------------------------------------------------------------------------- */
static enum lightning_payment_state state_named(const char *name)
{
    if (strcmp(name, "complete") == 0)
        return LIGHTNING_PAYMENT_COMPLETE;
    if (strcmp(name, "pending") == 0)
        return LIGHTNING_PAYMENT_PENDING;
    return strcmp(name, "failed") == 0 ? LIGHTNING_PAYMENT_FAILED : LIGHTNING_PAYMENT_UNKNOWN;
}

static enum status read_pay(struct lightning_client *client, struct network_call *call, const json_t *entry,
                            struct lightning_payment *payment)
{
    struct lightning_payment told = { .has_hash = true, .attempts = 1 };
    const char *status, *invoice;

    if (!reply_hex(entry, "payment_hash", told.payment_hash.bytes, sizeof(told.payment_hash.bytes)))
        return lightning_protocol_error(client, call, "listpays", "payment_hash");
    if (!reply_text(entry, "status", &status) || state_named(status) == LIGHTNING_PAYMENT_UNKNOWN)
        return lightning_protocol_error(client, call, "listpays", "status");
    if (!reply_number(entry, "created_at", &told.time_s))
        return lightning_protocol_error(client, call, "listpays", "created_at");
    told.state = state_named(status);
    told.has_preimage = reply_hex(entry, "preimage", told.preimage.bytes, sizeof(told.preimage.bytes));
    told.has_amounts = reply_msat(entry, "amount_msat", &told.amount_msat) &&
                       reply_msat(entry, "amount_sent_msat", &told.sent_msat);
    if (!reply_number(entry, "number_of_parts", &told.attempts))
        told.attempts = 1;
    if (reply_text(entry, "bolt11", &invoice))
        told.invoice = arena_text(call->arena, invoice, strlen(invoice));
    *payment = told;
    return OK;
}

/* The server lists tries of one hash apart. What is complete decides; then what is on its way. */
static void combine(struct lightning_payment *sum, const struct lightning_payment *one)
{
    static const int weight[] = { [LIGHTNING_PAYMENT_UNKNOWN] = 0, [LIGHTNING_PAYMENT_FAILED] = 1,
                                  [LIGHTNING_PAYMENT_PENDING] = 2, [LIGHTNING_PAYMENT_COMPLETE] = 3 };
    uint64_t newest = sum->time_s > one->time_s ? sum->time_s : one->time_s;
    uint64_t attempts = sum->attempts < PAYS_MAX ? sum->attempts + one->attempts : sum->attempts;

    if (weight[one->state] >= weight[sum->state])
        *sum = *one;
    sum->time_s = newest;
    sum->attempts = attempts;
}

static enum status combine_all(struct lightning_client *client, struct network_call *call, const json_t *pays,
                               const struct hash *hash, const char *label, struct lightning_payment *sum)
{
    if (pays == NULL || json_array_size(pays) > PAYS_MAX)
        return lightning_protocol_error(client, call, "listpays", "pays");
    for (size_t i = 0; i < json_array_size(pays); i++) {
        const json_t *entry = json_array_get(pays, i);
        struct lightning_payment one;
        const char *its;

        if (hash == NULL && (!reply_text(entry, "label", &its) || strcmp(its, label) != 0))
            continue;
        TRY(read_pay(client, call, entry, &one));
        if (hash != NULL && !hash_equal(hash, &one.payment_hash))
            return lightning_protocol_error(client, call, "listpays", "payment_hash");
        combine(sum, &one);
    }
    return OK;
}

enum status cln_pays_of(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                        json_t **answer, const json_t **entries)
{
    TRY(cln_call(client, call, "listpays",
                 json_pack("{s:s}", "payment_hash", hex_in(call->arena, hash->bytes, sizeof(hash->bytes))),
                 false, 0, answer, NULL));
    *entries = reply_array(*answer, "pays");
    return OK;
}

static enum status find_hash(struct lightning_client *client, struct network_call *call,
                             const struct hash *hash, struct lightning_payment *sum)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *entries;

    TRY(cln_pays_of(client, call, hash, &answer, &entries));
    return combine_all(client, call, entries, hash, NULL, sum);
}

static enum status find_label(struct lightning_client *client, struct network_call *call, const char *label,
                              struct lightning_payment *sum)
{
    const char *mark = strrchr(label, LABEL_MARK);
    json_t *answer AUTO_JSON = NULL, *params = json_object();
    uint64_t behind;

    if (mark != NULL && decimal_parse(mark + 1, &behind) && behind < INT64_MAX) {
        json_object_set_new(params, "index", json_string("created"));
        put_integer(params, "start", behind + 1);
    }
    TRY(cln_call(client, call, "listpays", params, false, 0, &answer, NULL));
    return combine_all(client, call, reply_array(answer, "pays"), NULL, label, sum);
}

enum status cln_find(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                     const char *label, struct lightning_payment *payment)
{
    struct lightning_payment sum = { .state = LIGHTNING_PAYMENT_UNKNOWN };
    uint64_t now = (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND);

    TRY(hash != NULL ? find_hash(client, call, hash, &sum) : find_label(client, call, label, &sum));
    TRY(lightning_check_preimage(client, call, &sum));
    /* xpay tries on for its time, also when nobody waits for its answer, and between two tries all parts are
     * failed ones: only after that time nothing will follow. It is counted from the first part of the newest
     * try (`created_at`), which is later than its beginning; what began within it may take a little more */
    if (sum.state == LIGHTNING_PAYMENT_FAILED &&
        now < sum.time_s + client->patience_s + LIGHTNING_PATIENCE_MARGIN) {
        sum.state = LIGHTNING_PAYMENT_PENDING;
        sum.reason = "failed so far; the server may still be trying";
    }
    *payment = sum;
    return OK;
}
