/* Events for people: see event_text.h. */
#include "cli/event_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/table.h"

#define VALUE_MAX 96 /* bytes of one value shown; hashes and addresses are shorter */

/* Whether the subject, "<kind>/<text>", already says this value. */
static bool is_subject(const struct layerd_event *event, const char *value)
{
    const char *slash = event->subject == NULL ? NULL : strchr(event->subject, '/');
    return slash != NULL && strcmp(slash + 1, value) == 0;
}

static void append_member(struct buffer *out, const struct layerd_event *event, const char *key,
                          const json_t *value, const char **gap)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    table_cell(&text, key, value);
    const char *shown = buffer_text(&text);
    if (json_is_null(value) || is_subject(event, shown))
        return;
    buffer_append_text(out, *gap);
    *gap = " ";
    table_text(out, key, strlen(key));
    if (text.size <= VALUE_MAX) {
        buffer_append_format(out, "=%s", shown);
        return;
    }
    size_t kept = utf8_valid_prefix(shown, VALUE_MAX);
    buffer_append_format(out, "=%.*s…", (int)kept, shown);
}

void event_text(struct buffer *out, const struct layerd_event *event)
{
    AUTO_JSON json_t *data = NULL;
    struct error error;
    char time[TIME_TEXT_MAX];
    const char *key, *gap = "  "; /* before the first member; then one space */
    json_t *value;

    time_text(time, event->time_us);
    buffer_append_format(out, "%s  %" PRIu64 "  ", time, event->seq);
    table_text(out, event->type, strlen(event->type));
    if (event->subject != NULL) {
        buffer_append_text(out, "  ");
        table_text(out, event->subject, strlen(event->subject));
    }
    if (json_parse(event->data, strlen(event->data), &data, &error) != OK)
        return;
    json_object_foreach(data, key, value)
        append_member(out, event, key, value, &gap);
}

void event_print(FILE *out, const struct layerd_event *event, enum event_format format)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_init(&text);
    switch (format) {
    case EVENT_FORMAT_NATIVE:
    case EVENT_FORMAT_CLOUDEVENTS:
        fprintf(out, "%s\n", event->line);
        return;
    case EVENT_FORMAT_TEXT:
        event_text(&text, event);
        fprintf(out, "%s\n", buffer_text(&text));
        return;
    }
}
