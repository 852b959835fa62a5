/* Every member is looked at before anything of the reply is believed. */
#include "network/transport/rpc_reply.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/transport/endpoint.h"

static enum status broken(struct error *error, const char *what)
{
    return error_set(error, ERROR_NETWORK_PROTOCOL, "no JSON-RPC reply: %s", what);
}

void rpc_reply_close(struct rpc_reply *reply)
{
    json_decref(reply->result);
    json_decref(reply->refusal.data);
    reply->result = reply->refusal.data = NULL;
}

/* --- one reply ------------------------------------------------------------------------------------------ */
static enum status parse_refusal(const json_t *refused, struct rpc_refusal *refusal, struct error *error)
{
    const json_t *code = json_object_get(refused, "code"), *message = json_object_get(refused, "message");
    if (!json_is_object(refused) || !json_is_integer(code))
        return broken(error, "its error has no code");
    if (message != NULL && !json_is_string(message) && !json_is_null(message))
        return broken(error, "its error's message is no text");
    *refusal = (struct rpc_refusal){ .code = json_integer_value(code) };
    const char *text = json_is_string(message) ? json_string_value(message) : "";
    size_t size = strnlen(text, sizeof refusal->message - 1);
    size = utf8_valid_prefix(text, size);
    memcpy(refusal->message, text, size);
    text_make_printable(refusal->message, size);
    json_t *data = json_object_get(refused, "data");
    refusal->data = data == NULL || json_is_null(data) ? NULL : json_incref(data);
    return OK;
}

static bool has_id(const json_t *value, struct rpc_id id)
{
    if (id.text != NULL)
        return json_is_string(value) && strcmp(json_string_value(value), id.text) == 0;
    return json_is_integer(value) && json_integer_value(value) >= 0
           && (uint64_t)json_integer_value(value) == id.number;
}

static bool is_version(const json_t *version)
{
    const char *text = json_is_string(version) ? json_string_value(version) : "";
    return strcmp(text, "2.0") == 0 || strcmp(text, "1.1") == 0 || strcmp(text, "1.0") == 0;
}

/* What the reply says, whoever it answers. */
static enum status parse_content(const json_t *value, struct rpc_reply *reply, struct error *error)
{
    const json_t *version = json_object_get(value, "jsonrpc");
    if (version != NULL && !is_version(version))
        return broken(error, "its version is none of 2.0, 1.1 and 1.0");
    json_t *result = json_object_get(value, "result");
    const json_t *refused = json_object_get(value, "error");
    bool has_error = refused != NULL && !json_is_null(refused);
    if (has_error && result != NULL && !json_is_null(result))
        return broken(error, "it has both a result and an error");
    if (!has_error && result == NULL)
        return broken(error, "it has neither a result nor an error");
    struct rpc_reply made = { .refused = has_error };
    if (has_error)
        TRY(parse_refusal(refused, &made.refusal, error));
    else
        made.result = json_incref(result);
    *reply = made;
    return OK;
}

static enum status parse_value(const char *text, size_t size, json_t **value, struct error *error)
{
    struct error reason = { 0 };
    if (json_parse_bounded(text, size, ENDPOINT_JSON_VALUES_MOST, value, &reason) != OK)
        return broken(error, reason.message);
    return OK;
}

enum status rpc_reply_parse(const char *text, size_t size, struct rpc_id id, struct rpc_reply *reply,
                            struct error *error)
{
    AUTO_JSON json_t *value = NULL;
    TRY(parse_value(text, size, &value, error));
    if (!json_is_object(value))
        return broken(error, "it is no object");
    struct rpc_reply made;
    TRY(parse_content(value, &made, error));
    const json_t *its_id = json_object_get(value, "id");
    bool without_id = its_id == NULL || json_is_null(its_id);
    if (!has_id(its_id, id) && !(made.refused && without_id)) {
        rpc_reply_close(&made);
        return broken(error, "it has another id than the request");
    }
    *reply = made;
    return OK;
}

/* --- a batch -------------------------------------------------------------------------------------------- */
static enum status fill_batch(const json_t *array, uint64_t first, size_t count, struct rpc_reply *replies,
                              bool *seen, struct error *error)
{
    size_t index;
    json_t *value;
    json_array_foreach((json_t *)array, index, value) {
        const json_t *id = json_object_get(value, "id");
        uint64_t number = json_is_integer(id) ? (uint64_t)json_integer_value(id) : 0;
        if (!json_is_integer(id) || json_integer_value(id) < 0 || number < first || number - first >= count)
            return broken(error, "a reply of the batch has an id that nobody asked with");
        if (seen[number - first])
            return broken(error, "two replies of the batch have the same id");
        TRY(parse_content(value, &replies[number - first], error));
        seen[number - first] = true;
    }
    return OK;
}

enum status rpc_batch_parse(const char *text, size_t size, uint64_t first, size_t count,
                            struct rpc_reply *replies, bool *refused_all, struct error *error)
{
    AUTO_JSON json_t *value = NULL;
    INVARIANT(count <= RPC_BATCH_MAX, "a batch of %zu", count);
    TRY(parse_value(text, size, &value, error));
    struct rpc_reply made[RPC_BATCH_MAX] = { 0 };
    if (json_is_object(value)) {
        TRY(parse_content(value, &made[0], error));
        if (!made[0].refused) {
            rpc_reply_close(&made[0]);
            return broken(error, "one result instead of a batch");
        }
        replies[0] = made[0];
        *refused_all = true;
        return OK;
    }
    if (!json_is_array(value) || json_array_size(value) != count)
        return broken(error, "it is no batch of as many replies as requests");
    bool seen[RPC_BATCH_MAX] = { false };
    enum status status = fill_batch(value, first, count, made, seen, error);
    if (status != OK) {
        for (size_t i = 0; i < count; i++)
            rpc_reply_close(&made[i]);
        return status;
    }
    memcpy(replies, made, count * sizeof *made); /* as many as asked for, each another: none is missing */
    *refused_all = false;
    return OK;
}
