/* Asking a Stacks node: see client.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/stacks/client.h"
#include "network/transport/exchange.h"

#define TEXT_MAX 1024
#define HTTP_NOT_IMPLEMENTED 501

const char *stacks_text(struct network_call *call, const char *format, ...)
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

const char *stacks_details(struct network_call *call, const struct buffer *json)
{
    return arena_text(call->arena, (const char *)json->data, json->size);
}

/* --- exchanges ---------------------------------------------------------------------------------- */
/* A node without an index of transactions says so by 501: an answer, no failure of the server. */
static bool is_answer(void *context, const struct http_reply *reply)
{
    (void)context;
    return reply->status == HTTP_NOT_IMPLEMENTED;
}

static enum status exchange(struct stacks_client *client, struct network_call *call,
                            const struct http_request *request, long *status, struct buffer *body)
{
    static const struct judge judge = { .is_answer = is_answer };
    struct http_reply reply = { .body = *body };
    enum status outcome =
        endpoint_exchange(client->endpoint, request, &call->waiting, &reply, &judge, &call->error);

    *body = reply.body;
    *status = reply.status;
    return outcome;
}

static enum status read_json(struct network_call *call, const char *path, long status,
                             const struct buffer *body, json_t **json)
{
    struct error error;

    *json = NULL;
    if (json_parse_bounded((const char *)body->data, body->size, ENDPOINT_JSON_VALUES_MOST, json,
                           &error) != OK && status == 200)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: no JSON: %s", path, error.message);
    return OK;
}

enum status stacks_get_bytes(struct stacks_client *client, struct network_call *call, const char *path,
                             long *status, struct buffer *out)
{
    const struct http_request request = { .method = "GET", .path = path };

    return exchange(client, call, &request, status, out);
}

enum status stacks_get(struct stacks_client *client, struct network_call *call, const char *path,
                       long *status, json_t **json)
{
    struct buffer body CLEANUP(buffer_close) = { 0 };

    buffer_init(&body);
    TRY(stacks_get_bytes(client, call, path, status, &body));
    return read_json(call, path, *status, &body, json);
}

/* What a node's 404 says when the index does not have it: stacks-core, net/api/gettransaction.rs. */
static bool is_no_such_transaction(const struct buffer *body)
{
    static const char words[] = "No such transaction";

    return memmem(body->data, body->size, words, strlen(words)) != NULL;
}

enum status stacks_get_indexed(struct stacks_client *client, struct network_call *call, const char *hex,
                               bool *known, bool *indexed, json_t **json)
{
    char path[sizeof("/v3/transaction/") + 64];
    struct buffer body CLEANUP(buffer_close) = { 0 };
    long status;

    buffer_init(&body);
    snprintf(path, sizeof(path), "/v3/transaction/%s", hex);
    TRY(stacks_get_bytes(client, call, path, &status, &body));
    *known = status == 200;
    *indexed = status == 200 || (status == 404 && is_no_such_transaction(&body));
    if (status != 200 && status != 404 && status != HTTP_NOT_IMPLEMENTED)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: no transaction (HTTP %ld)", path, status);
    return status == 200 ? read_json(call, path, status, &body, json) : OK;
}

enum status stacks_post(struct stacks_client *client, struct network_call *call, const char *path,
                        const char *type, struct bytes content, bool write, long *status, json_t **json)
{
    const struct http_request request = { .method = "POST", .path = path, .content_type = type,
                                          .body = content, .write = write };
    struct buffer body CLEANUP(buffer_close) = { 0 };

    buffer_init(&body);
    TRY(exchange(client, call, &request, status, &body));
    return read_json(call, path, *status, &body, json);
}

/* --- members ------------------------------------------------------------------------------------ */
bool stacks_member_u64(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member) || json_integer_value(member) < 0)
        return false;
    *value = (uint64_t)json_integer_value(member);
    return true;
}

static const char *hex_digits(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && strncmp(text, "0x", 2) == 0 ? text + 2 : text;
}

bool stacks_member_hash(const json_t *object, const char *name, struct hash *value)
{
    const char *hex = hex_digits(object, name);

    return hex != NULL && hex_decode(value->bytes, sizeof(value->bytes), hex, strlen(hex));
}

/* "0x" and 32 digits: how the node writes 128-bit balances. */
bool stacks_member_hex_number(const json_t *object, const char *name, struct clarity_uint *value)
{
    const char *hex = hex_digits(object, name);
    uint8_t bytes[16];

    if (hex == NULL || !hex_decode(bytes, sizeof(bytes), hex, strlen(hex)))
        return false;
    value->high = get_be64(bytes);
    value->low = get_be64(bytes + 8);
    return true;
}

/* --- the node and an account -------------------------------------------------------------------- */
enum status stacks_info(struct stacks_client *client, struct network_call *call, struct stacks_info *info)
{
    AUTO_JSON json_t *json = NULL;
    const char *version;
    uint64_t network;
    long status;

    memset(info, 0, sizeof(*info));
    TRY(stacks_get(client, call, "/v2/info", &status, &json));
    version = json_string_value(json_object_get(json, "server_version"));
    if (status != 200 || !stacks_member_u64(json, "network_id", &network) ||
        !stacks_member_u64(json, "stacks_tip_height", &info->height) ||
        !stacks_member_u64(json, "burn_block_height", &info->burn_height) ||
        !stacks_member_hash(json, "stacks_tip", &info->tip) || version == NULL)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL,
                         "/v2/info: no answer of a Stacks node (HTTP %ld)",
                         status);
    if (network != client->chain)
        return error_set(&call->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the node is on the chain 0x%" PRIx64 "; the link says 0x%" PRIx32 " (%s)", network,
                         client->chain, client->options->chain);
    snprintf(info->version, sizeof(info->version), "%s", version);
    text_make_printable(info->version, strlen(info->version));
    info->synced = !json_is_false(json_object_get(json, "is_fully_synced"));
    return OK;
}

enum status stacks_account(struct stacks_client *client, struct network_call *call, const char *principal,
                           uint64_t *nonce, struct clarity_uint *balance)
{
    char path[sizeof("/v2/accounts/?proof=0") + STACKS_PRINCIPAL_TEXT];
    AUTO_JSON json_t *json = NULL;
    long status;

    snprintf(path, sizeof(path), "/v2/accounts/%s?proof=0", principal);
    TRY(stacks_get(client, call, path, &status, &json));
    if (status != 200 || !stacks_member_u64(json, "nonce", nonce) ||
        !stacks_member_hex_number(json, "balance", balance))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "/v2/accounts: no account (HTTP %ld)", status);
    return OK;
}

enum status stacks_fetch_block(struct stacks_client *client, struct network_call *call,
                               const uint64_t *height,
                               const struct hash *id, struct buffer *bytes, struct stacks_block *block)
{
    enum stacks_block_verdict verdict;
    char path[sizeof("/v3/blocks/height/") + 64], hex[65];
    long status;

    if (height != NULL) {
        snprintf(path, sizeof(path), "/v3/blocks/height/%" PRIu64, *height);
    } else {
        hex_text(hex, id->bytes, sizeof(id->bytes));
        snprintf(path, sizeof(path), "/v3/blocks/%s", hex);
    }
    TRY(stacks_get_bytes(client, call, path, &status, bytes));
    if (status == 404)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "%s: the node has no such Nakamoto block",
                         path);
    if (status != 200)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: HTTP %ld", path, status);
    verdict = stacks_block_read(buffer_bytes(bytes), block);
    if (verdict != STACKS_BLOCK_GOOD)
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: %s", path,
                         stacks_block_verdict_name(verdict));
    if ((height != NULL && block->height != *height) || (id != NULL && !hash_equal(&block->id, id)))
        return error_set(&call->error, ERROR_NETWORK_PROTOCOL, "%s: another block than was asked for", path);
    return OK;
}
