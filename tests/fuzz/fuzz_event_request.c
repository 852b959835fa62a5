/* Any JSON as the parameters of the requests of events.sock, and any bytes as an event line: what is
 * taken is within its bounds, what is refused says why. The first byte chooses. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "api/cloudevents.h"
#include "api/event_request.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(enum status status, const struct error *error)
{
    INVARIANT(status == OK || (error->code == status && error->message[0] != '\0'), "refused without a word");
}

static void try_subscribe(const json_t *params)
{
    struct subscribe_request r;
    struct error error = { 0 };
    enum status status = subscribe_request_read(params, &r, &error);
    check_refusal(status, &error);
    if (status != OK)
        return;
    INVARIANT(r.heartbeat_us >= HEARTBEAT_MIN_MS * 1000 && r.window >= 1 && r.until <= INTEGER_MAX,
              "out of bounds");
    INVARIANT(r.from.kind != POSITION_CURSOR || strlen(r.from.cursor) < CURSOR_NAME_MAX,
              "a cursor's name too long");
    INVARIANT(!r.manual_ack || r.from.kind == POSITION_CURSOR, "acknowledgements without a cursor");
    subscribe_request_close(&r);
}

static void try_cursor(const json_t *params)
{
    struct cursor_create_request r;
    struct error error = { 0 };
    enum status status = cursor_create_request_read(params, &r, &error);
    check_refusal(status, &error);
    if (status != OK)
        return;
    INVARIANT(cursor_name_valid(r.name) && r.filter.size < CURSOR_FILTER_MAX, "out of bounds");
    struct filter *filter = NULL;
    status = cursor_filter_compile(r.filter.size == 0 ? NULL : buffer_text(&r.filter), &filter, &error);
    INVARIANT(status == OK, "a cursor keeps a filter that does not compile: %s", error.message);
    filter_free(filter);
    cursor_create_request_close(&r);
}

static void try_page(const json_t *params)
{
    struct events_get_request r;
    struct error error = { 0 };
    enum status status = events_get_request_read(params, &r, &error);
    check_refusal(status, &error);
    if (status != OK)
        return;
    INVARIANT(r.limit >= 1 && r.limit <= EVENTS_GET_MAX && r.after <= INTEGER_MAX, "out of bounds");
    filter_free(r.filter);
}

static void try_line(const char *text, size_t size)
{
    struct buffer CLEANUP(buffer_close) out = { 0 };
    struct line_parts parts;
    if (!line_parse(text, size, &parts))
        return;
    cloudevent_write(&out, &parts, "00");
    notice_write(&out, &parts);
    INVARIANT(out.size > parts.data.size, "something is missing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON json_t *params = NULL;
    struct error error;
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 1;
    if (data[0] % 4 == 3) {
        try_line(text, size - 1);
        return 0;
    }
    if (json_parse(text, size - 1, &params, &error) != OK || !json_is_object(params))
        return 0;
    if (data[0] % 4 == 0)
        try_subscribe(params);
    else if (data[0] % 4 == 1)
        try_cursor(params);
    else
        try_page(params);
    return 0;
}
