/* Requests are checked member by member; replies are written by hand, since they stand on the path of
 * every command. */
#include "api/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/writer.h"

static void id_is_null(struct request *request)
{
    memcpy(request->id, "null", 4);
    request->id_size = 4;
}

static enum status read_id(const json_t *id, struct request *request, struct error *error)
{
    if (id == NULL || json_is_null(id)) {
        request->notification = id == NULL;
        return OK;
    }
    if (json_is_integer(id)) {
        request->id_size = (size_t)snprintf(request->id, sizeof request->id, "%" JSON_INTEGER_FORMAT,
                                            json_integer_value(id));
        return OK;
    }
    if (!json_is_string(id))
        return error_set(error, ERROR_INVALID_REQUEST, "\"id\" is not a string, an integer or null");

    struct buffer CLEANUP(buffer_close) text = { 0 };
    buffer_append_json_string(&text, json_string_value(id), json_string_length(id));
    if (text.size > sizeof request->id)
        return error_set(error, ERROR_INVALID_REQUEST, "\"id\" takes %zu bytes; at most %d", text.size,
                         REQUEST_ID_MAX);
    memcpy(request->id, text.data, text.size);
    request->id_size = text.size;
    return OK;
}

static enum status read_params(const json_t *params, struct request *request, struct error *error)
{
    if (params == NULL || json_is_object(params)) {
        request->params = params;
        return OK;
    }
    if (!json_is_array(params))
        return error_set(error, ERROR_INVALID_REQUEST, "\"params\" is not an object");
    if (json_array_size(params) > 0)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "parameters go by name here: give \"params\" as an object");
    return OK;
}

static enum status refuse_others(const json_t *value, struct error *error)
{
    json_t *object = (json_t *)value; /* jansson's iteration takes no const, but changes nothing */
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, "jsonrpc") != 0 && strcmp(key, "id") != 0 && strcmp(key, "method") != 0
            && strcmp(key, "params") != 0)
            return error_set(error, ERROR_INVALID_REQUEST, "a request has no member \"%.64s\"", key);
    }
    return OK;
}

static enum status read_members(const json_t *value, struct request *request, struct error *error)
{
    const char *version = json_string_value(json_object_get(value, "jsonrpc"));
    if (version == NULL || strcmp(version, "2.0") != 0)
        return error_set(error, ERROR_INVALID_REQUEST, "\"jsonrpc\" is not \"2.0\"");
    const json_t *method = json_object_get(value, "method");
    if (!json_is_string(method))
        return error_set(error, ERROR_INVALID_REQUEST, "\"method\" is not a string");
    if (json_string_length(method) > REQUEST_METHOD_MAX)
        return error_set(error, ERROR_METHOD_NOT_FOUND, "no method has a name of %zu bytes",
                         json_string_length(method));
    request->method = json_string_value(method);
    TRY(refuse_others(value, error));
    return read_params(json_object_get(value, "params"), request, error);
}

enum status request_parse(const json_t *value, struct request *request, struct error *error)
{
    request->method = NULL;
    request->params = NULL;
    request->notification = false;
    id_is_null(request);
    if (!json_is_object(value))
        return error_set(error, ERROR_INVALID_REQUEST, "a request is an object");

    enum status status = read_id(json_object_get(value, "id"), request, error);
    if (status == OK)
        status = read_members(value, request, error);
    /* A bad request without an id is answered all the same (id null), as the specification's examples
     * are; but what is a well-formed request with bad parameters and no id stays a notification. */
    if (status == ERROR_INVALID_REQUEST)
        request->notification = false;
    return status;
}

static void reply_begin(struct buffer *out, const char *id, size_t id_size)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
    buffer_append(out, head, sizeof head - 1);
    buffer_append(out, id, id_size);
}

void reply_result(struct buffer *out, const char *id, size_t id_size, struct bytes result)
{
    static const char key[] = ",\"result\":";
    reply_begin(out, id, id_size);
    buffer_append(out, key, sizeof key - 1);
    if (result.size == 0)
        result = bytes_of_text("{}");
    buffer_append(out, result.data, result.size);
    buffer_append(out, "}", 1);
}

void reply_error(struct buffer *out, const char *id, size_t id_size, enum status status,
                 const struct error *error)
{
    const char *message = error != NULL && error->code == status ? error->message : status_meaning(status);
    reply_begin(out, id, id_size);
    buffer_append_format(out, ",\"error\":{\"code\":%d,\"message\":", (int)status);
    buffer_append_json_string(out, message, utf8_valid_prefix(message, strlen(message)));
    buffer_append_text(out, ",\"data\":{\"name\":");
    const char *name = status_name(status), *meaning = status_meaning(status);
    buffer_append_json_string(out, name, strlen(name));
    buffer_append_text(out, ",\"meaning\":");
    buffer_append_json_string(out, meaning, strlen(meaning));
    buffer_append_text(out, "}}}");
}
