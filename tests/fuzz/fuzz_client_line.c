/* Any bytes as a line from a node: what jansson takes, the client's scanner takes too; what it takes is
 * walked whole; replies, errors and events read from it are texts with their final zero, and data is a run of
 * the line itself. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/event.h"
#include "client/failure.h"
#include "client/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct slice value, unsigned depth)
{
    struct buffer CLEANUP(buffer_close) text = { 0 };
    struct slice key, inner;
    struct scan scan;
    enum scan_step step = SCAN_END;

    INVARIANT(depth <= SCAN_DEPTH_MAX, "nesting of %u", depth);
    if (scan_object(&scan, value)) {
        while ((step = scan_member(&scan, &key, &inner)) == SCAN_ITEM)
            walk(inner, depth + 1);
    } else if (scan_array(&scan, value)) {
        while ((step = scan_element(&scan, &inner)) == SCAN_ITEM)
            walk(inner, depth + 1);
    } else if (slice_string(value, &text)) {
        INVARIANT(strlen((const char *)text.data) + 1 == text.size, "a string with a zero inside");
    }
    INVARIANT(step == SCAN_END, "a checked value could not be walked");
}

static void check_reply(struct slice value)
{
    struct layerd_failure failure;
    struct reply reply;

    if (!reply_read(value, &reply) || reply.error.text == NULL || !failure_read(reply.error, &failure))
        return;
    size_t length = strlen(failure.message);
    INVARIANT(failure.code != LAYERD_OK && utf8_valid_prefix(failure.message, length) == length,
              "an unclean failure");
}

static void check_event(struct slice value)
{
    struct buffer CLEANUP(buffer_close) storage = { 0 };
    struct layerd_event event;

    if (!event_read(value, &storage, &event))
        return;
    INVARIANT(strlen(event.line) <= value.size, "a line longer than it was");
    if (event.kind == LAYERD_EVENT)
        INVARIANT(event.type != NULL && strstr(event.line, event.data) != NULL,
                  "data that is not in the line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON json_t *parsed = NULL;
    struct slice value;
    struct error error;

    bool ours = scan_value((const char *)data, size, &value);
    if (json_parse((const char *)data, size, &parsed, &error) == OK)
        INVARIANT(ours, "jansson takes what the scanner refuses");
    if (!ours)
        return 0;
    walk(value, 0);
    check_reply(value);
    check_event(value);
    return 0;
}
