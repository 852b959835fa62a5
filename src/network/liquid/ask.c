/* Asking an Elements node: see client.h. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/liquid/client.h"

#define TEXT_MAX 1024
#define COIN 100000000
#define HEADER_MAX 65536
#define ROUNDING 1e-4 /* of a smallest unit: more than that is no amount with eight decimals */

const char *liquid_text(struct network_call *call, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size < 0)
        size = 0;
    if ((size_t)size >= sizeof(text))
        size = (int)utf8_valid_prefix(text, sizeof(text) - 1);
    text_make_printable(text, (size_t)size);
    return arena_text(call->arena, text, (size_t)size);
}

/* --- calls -------------------------------------------------------------------------------------- */
/* Refusals that say something about the node, not about what was asked: later it may do it. */
static bool is_nodes_own(int64_t code)
{
    return code == RPC_NOT_CONNECTED || code == RPC_DOWNLOADING || code == RPC_WALLET_LOCKED ||
        code == RPC_STARTING;
}

enum status liquid_call(struct liquid_client *client, struct network_call *call,
                        const struct rpc_request *request, json_t **result, struct rpc_refusal *refusal)
{
    struct rpc_refusal own = { .code = 0 };
    struct rpc_refusal *told = refusal == NULL ? &own : refusal;
    enum status outcome = rpc_call(client->endpoint, request, &call->waiting, result, told, &call->error);

    json_decref(told->data);
    told->data = NULL;
    if (outcome == ERROR_NETWORK_REJECTED && is_nodes_own(told->code))
        return error_set(&call->error, ERROR_NETWORK_BUSY, "the node cannot do that now: %s", told->message);
    return outcome;
}

enum status liquid_ask(struct liquid_client *client, struct network_call *call, const char *method,
                       json_t *params, json_t **result, struct rpc_refusal *refusal)
{
    const struct rpc_request request = { .method = method, .params = params };

    return liquid_call(client, call, &request, result, refusal);
}

enum status liquid_load_wallet(struct liquid_client *client, struct network_call *call)
{
    AUTO_JSON json_t *loaded = NULL;
    struct rpc_refusal refusal = { .code = 0 };
    enum status outcome =
        liquid_ask(client, call, "loadwallet", json_pack("[s]", client->options->wallet), &loaded, &refusal);

    if (outcome == ERROR_NETWORK_REJECTED && refusal.code == RPC_WALLET_LOADED)
        return OK;
    if (outcome == ERROR_NETWORK_REJECTED)
        return error_set(&call->error, ERROR_NETWORK_NOT_CONNECTED,
                         "the node does not load the wallet '%s': %s",
                         client->options->wallet, refusal.message);
    return outcome;
}

/* A node that was started anew has wallets to load: that is done once, and asked again. */
static enum status ask_wallet(struct liquid_client *client, struct network_call *call,
                              const struct rpc_request *request, json_t **result, struct rpc_refusal *refusal)
{
    struct rpc_refusal own = { .code = 0 };
    struct rpc_refusal *told = refusal == NULL ? &own : refusal;
    AUTO_JSON json_t *again = json_incref(request->params);
    enum status outcome;

    if (client->wallet_path == NULL) {
        json_decref(request->params);
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "the link has no wallet: it reads only");
    }
    outcome = liquid_call(client, call, request, result, told);
    if (outcome != ERROR_NETWORK_REJECTED || told->code != RPC_NO_WALLET)
        return outcome;
    TRY(liquid_load_wallet(client, call));
    json_incref(again);
    return liquid_call(client, call, request, result, told);
}

enum status liquid_ask_wallet(struct liquid_client *client, struct network_call *call, const char *method,
                              json_t *params, json_t **result, struct rpc_refusal *refusal)
{
    const struct rpc_request request = { .path = client->wallet_path, .method = method, .params = params };

    return ask_wallet(client, call, &request, result, refusal);
}

enum status liquid_ask_wallet_written(struct liquid_client *client, struct network_call *call,
                                      const char *method, struct bytes params, json_t **result)
{
    const struct rpc_request request = { .path = client->wallet_path, .method = method, .written = params };

    return ask_wallet(client, call, &request, result, NULL);
}

enum status liquid_malformed(struct network_call *call, const char *method)
{
    return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: not the answer of an Elements node", method);
}

/* --- members ------------------------------------------------------------------------------------ */
bool liquid_member_u64(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member) || json_integer_value(member) < 0)
        return false;
    *value = (uint64_t)json_integer_value(member);
    return true;
}

bool liquid_member_hash(const json_t *object, const char *name, struct hash *value)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && hash_read_shown(text, value);
}

bool liquid_member_hex(const json_t *value, size_t most, struct buffer *out)
{
    size_t digits = json_string_length(value);

    if (!json_is_string(value) || digits == 0 || digits % 2 != 0 || digits / 2 > most ||
        !hex_decode(buffer_reserve(out, digits / 2), digits / 2, json_string_value(value), digits))
        return false;
    out->size += digits / 2;
    return true;
}

/* --- amounts ------------------------------------------------------------------------------------ */
bool liquid_amount_read(const char *digits, uint64_t *amount)
{
    uint64_t sum = 0;

    if (digits == NULL || digits[0] < '1' || digits[0] > '9')
        return false;
    for (const char *digit = digits; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        sum = sum * 10 + (uint64_t)(*digit - '0');
        if (sum > LIQUID_AMOUNT_MAX)
            return false;
    }
    *amount = sum;
    return true;
}

void liquid_amount_decimal(uint64_t amount, char text[LIQUID_AMOUNT_TEXT])
{
    snprintf(text, LIQUID_AMOUNT_TEXT, "%" PRIu64 ".%08" PRIu64, amount / COIN, amount % COIN);
}

/* A double is exact enough for 21 million coins of 10^8 units: the nearest integer is the amount. */
bool liquid_amount_of_json(const json_t *number, uint64_t *amount)
{
    double units, nearest;

    if (!json_is_number(number))
        return false;
    units = fabs(json_number_value(number)) * COIN;
    nearest = nearbyint(units);
    if (!(units <= (double)LIQUID_AMOUNT_MAX) || fabs(units - nearest) > ROUNDING * (1 + units / 1e10))
        return false;
    *amount = (uint64_t)nearest;
    return true;
}

/* --- headers ------------------------------------------------------------------------------------ */
enum status liquid_fetch_header(struct liquid_client *client, struct network_call *call, const char *hash,
                                struct buffer *bytes, struct liquid_header *header)
{
    AUTO_JSON json_t *result = NULL;
    struct rpc_refusal refusal = { .code = 0 };
    struct hash wanted;
    enum status outcome = liquid_ask(client, call, "getblockheader", json_pack("[s, b]", hash, 0), &result,
                                     &refusal);

    if (outcome == ERROR_NETWORK_REJECTED && refusal.code == RPC_NOT_FOUND)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "the node knows no block %s", hash);
    if (outcome != OK)
        return outcome;
    if (!liquid_member_hex(result, HEADER_MAX, bytes))
        return liquid_malformed(call, "getblockheader");
    if (!liquid_header_of(buffer_bytes(bytes), header))
        return liquid_malformed(call, "getblockheader");
    if (!hash_read_shown(hash, &wanted) || !hash_equal(&wanted, &header->hash))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "getblockheader: another block than %s", hash);
    return OK;
}
