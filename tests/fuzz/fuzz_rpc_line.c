/* Any bytes on a socket: cut into lines the same way whatever the pieces, and each line that is JSON is a
 * request, or is refused with a reply that is JSON itself and carries the request's id. The first byte
 * tells the size of the pieces. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/line.h"
#include "api/request.h"
#include "base/memory.h"

#define LINE_MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep(void *context, const char *text, size_t size)
{
    struct buffer *lines = context;
    INVARIANT(size > 0 && size <= LINE_MOST && memchr(text, '\n', size) == NULL, "a line that is none");
    buffer_append(lines, text, size);
    buffer_append(lines, "\n", 1);
    return true;
}

/* All lines of the stream, fed in pieces. False when a line was too long. */
static bool cut(const uint8_t *data, size_t size, size_t piece, struct buffer *lines)
{
    struct line_framer framer;
    bool followed = true;
    line_framer_init(&framer, LINE_MOST);
    for (size_t at = 0; followed && at < size; at += piece)
        followed = line_framer_feed(&framer, (const char *)data + at,
                                    size - at < piece ? size - at : piece, keep, lines);
    line_framer_close(&framer);
    return followed;
}

static void check_reply(const struct buffer *reply, const json_t *id, enum status status)
{
    AUTO_JSON json_t *value = NULL;
    struct error error;
    INVARIANT(json_parse((const char *)reply->data, reply->size, &value, &error) == OK, "%s", error.message);
    INVARIANT(memchr(reply->data, '\n', reply->size) == NULL, "a reply of two lines");
    const json_t *echoed = json_object_get(value, "id"),
                 *told = json_object_get(json_object_get(value, "error"), "code");
    INVARIANT(id == NULL || json_equal((json_t *)id, (json_t *)echoed), "another id");
    INVARIANT(status == OK ? told == NULL : json_integer_value(told) == (json_int_t)status, "another code");
}

static void check_request(const json_t *value)
{
    struct buffer CLEANUP(buffer_close) reply = { 0 };
    struct request request;
    struct error error = { 0 };
    enum status status = request_parse(value, &request, &error);
    INVARIANT(status == OK || error.message[0] != '\0', "refused without a word");
    if (status == OK) {
        INVARIANT(request.method != NULL && (request.params == NULL || json_is_object(request.params)),
                  "half a request");
        reply_result(&reply, request.id, request.id_size, bytes_of_text("{}"));
    } else {
        reply_error(&reply, request.id, request.id_size, status, &error);
    }
    check_reply(&reply, status == OK ? json_object_get(value, "id") : NULL, status);
}

static void check_line(const char *line, size_t size)
{
    AUTO_JSON json_t *value = NULL;
    struct error error;
    if (json_parse(line, size, &value, &error) != OK)
        return;
    check_request(value);
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        check_request(json_array_get(value, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer CLEANUP(buffer_close) lines = { 0 }, again = { 0 };
    if (size < 2)
        return 0;
    size_t piece = 1 + data[0];
    bool followed = cut(data + 1, size - 1, piece, &lines);
    INVARIANT(cut(data + 1, size - 1, size, &again) == followed, "the pieces decide about the limit");
    INVARIANT(!followed || bytes_equal(buffer_bytes(&lines), buffer_bytes(&again)),
              "the pieces decide about the lines");
    for (size_t at = 0; at < lines.size;) {
        const char *line = (const char *)lines.data + at;
        size_t length = (size_t)((const char *)memchr(line, '\n', lines.size - at) - line);
        check_line(line, length);
        at += length + 1;
    }
    return 0;
}
