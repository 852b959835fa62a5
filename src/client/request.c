/* JSON-RPC 2.0 lines: see request.h. */
#include "client/request.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "layerd/layerd.h"

/* White space of JSON may be newlines, but a newline ends the message here. In strings they are always
 * escaped. */
static void append_on_one_line(struct buffer *out, struct slice json)
{
    char *at = (char *)buffer_reserve(out, json.size);
    for (size_t i = 0; i < json.size; i++)
        at[i] = json.text[i] == '\n' || json.text[i] == '\r' ? ' ' : json.text[i];
    out->size += json.size;
}

static enum status check_params(const char *params, struct slice *object, struct error *error)
{
    if (!scan_value(params, strlen(params), object))
        return error_set(error, ERROR_PARSE, "the parameters are not one JSON value");
    if (object->text[0] != '{')
        return error_set(error, ERROR_INVALID_PARAMS, "the parameters must be one JSON object, not %.40s",
                         object->text);
    return OK;
}

enum status request_append(struct buffer *out, uint64_t id, const char *method, const char *params,
                           struct error *error)
{
    size_t start = out->size, method_size = strlen(method);
    struct slice object = { "{}", 2 };

    if (method_size == 0 || utf8_valid_prefix(method, method_size) != method_size)
        return error_set(error, ERROR_INVALID_PARAMS, "a method's name is UTF-8 text, not empty");
    if (params != NULL)
        TRY(check_params(params, &object, error));

    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",");
    if (id != 0)
        buffer_append_format(out, "\"id\":%" PRIu64 ",", id);
    buffer_append_text(out, "\"method\":");
    buffer_append_json_string(out, method, method_size);
    buffer_append_text(out, ",\"params\":");
    append_on_one_line(out, object);
    buffer_append_text(out, "}");

    size_t size = out->size - start + 1;
    if (size > LAYERD_LINE_MAX) {
        out->size = start;
        return error_set(error, ERROR_LIMIT, "the request has %zu bytes; a line takes at most %d", size,
                         LAYERD_LINE_MAX);
    }
    return OK;
}

bool reply_read(struct slice object, struct reply *reply)
{
    struct reply read = { 0 };
    struct slice id = { NULL, 0 }, key, value;
    struct scan scan;
    enum scan_step step;

    if (!scan_object(&scan, object))
        return false;
    while ((step = scan_member(&scan, &key, &value)) == SCAN_ITEM) {
        if (key_is(key, "id"))
            id = value;
        else if (key_is(key, "result"))
            read.result = value;
        else if (key_is(key, "error"))
            read.error = value;
    }
    if (step == SCAN_BAD || id.text == NULL || (read.result.text == NULL) == (read.error.text == NULL))
        return false;
    if (!slice_is(id, "null") && (!slice_unsigned(id, &read.id) || read.id == 0))
        return false;
    *reply = read;
    return true;
}
