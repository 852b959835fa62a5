/* Each request is read in the order of its documentation. */
#include "api/event_request.h"

#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "base/clock.h"

static const char *const format_names[] = { "native", "cloudevents", "notify", NULL };
static const char *const slow_names[] = { "replay", "close", "skip", NULL };
static const char *const ack_names[] = { "none", "manual", NULL };

/* --- positions -------------------------------------------------------------------------------- */
static bool read_time(struct fields *f, int64_t *time_us)
{
    const json_t *value = fields_any(f, "time");
    if (value == NULL)
        return false;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *time_us = json_integer_value(value);
        return true;
    }
    if (json_is_string(value) && time_parse(json_string_value(value), time_us))
        return true;
    fields_refuse(f, "time", "microseconds, or ISO 8601 in UTC");
    return false;
}

static enum status read_position_object(const json_t *value, struct position *position, struct error *error)
{
    struct fields f;
    fields_begin(&f, value, "from", error);
    unsigned given = 0;
    if (fields_unsigned(&f, "after", false, 0, INTEGER_MAX, &position->after)) {
        position->kind = POSITION_AFTER;
        given++;
    }
    if (fields_text(&f, "cursor", false, CURSOR_NAME_MAX - 1, &position->cursor)) {
        position->kind = POSITION_CURSOR;
        given++;
    }
    if (read_time(&f, &position->time_us)) {
        position->kind = POSITION_TIME;
        given++;
    }
    TRY(fields_end(&f));
    if (given != 1)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "\"from\" takes one of \"after\", \"cursor\" and \"time\"");
    return OK;
}

/* "first", "now", {"after":N}, {"cursor":"name"}, {"time":µs or ISO}. Never a default: where to begin is
 * the client's to know. */
static enum status read_position(struct fields *f, struct position *position)
{
    *position = (struct position){ 0 };
    const json_t *value = fields_any(f, "from");
    if (json_is_object(value))
        return read_position_object(value, position, f->error);
    const char *word = json_string_value(value);
    if (word != NULL && strcmp(word, "first") == 0)
        position->kind = POSITION_FIRST;
    else if (word != NULL && strcmp(word, "now") == 0)
        position->kind = POSITION_NOW;
    else
        fields_refuse(f, "from", "\"first\", \"now\", {\"after\":N}, {\"cursor\":name} or {\"time\":t}");
    return OK;
}

/* --- subscribe -------------------------------------------------------------------------------- */
void subscribe_request_close(struct subscribe_request *request)
{
    filter_free(request->filter);
    request->filter = NULL;
}

static enum status read_filter(struct fields *f, struct filter **filter, bool *given)
{
    const json_t *types = fields_any(f, "types");
    const json_t *subjects = fields_any(f, "subjects");
    *given = types != NULL || subjects != NULL;
    return filter_compile(types, subjects, filter, f->error);
}

static void read_flow(struct fields *f, struct subscribe_request *r)
{
    int choice;
    if (fields_choice(f, "format", format_names, &choice))
        r->format = (enum subscriber_format)choice;
    if (fields_choice(f, "on_slow", slow_names, &choice))
        r->slow = (enum slow_policy)choice;
    if (fields_choice(f, "ack", ack_names, &choice)) {
        r->manual_ack = choice == 1;
        r->ack_given = true;
    }
    fields_unsigned(f, "until", false, 1, INTEGER_MAX, &r->until);
    fields_unsigned(f, "window", false, 1, INTEGER_MAX, &r->window);
    fields_unsigned(f, "max_lag", false, 1, INTEGER_MAX, &r->max_lag);
    uint64_t heartbeat_ms;
    if (fields_unsigned(f, "heartbeat_ms", false, HEARTBEAT_MIN_MS, HEARTBEAT_MAX_MS, &heartbeat_ms))
        r->heartbeat_us = (int64_t)heartbeat_ms * 1000;
    r->hash_given = fields_hash(f, "expect_hash", &r->expect_hash);
}

enum status subscribe_request_read(const json_t *params, struct subscribe_request *request,
                                   struct error *error)
{
    struct subscribe_request r = {
        .window = NO_WINDOW,
        .heartbeat_us = (int64_t)HEARTBEAT_DEFAULT_MS * 1000,
    };
    struct fields f;
    fields_begin(&f, params, "params", error);
    enum status status = read_position(&f, &r.from);
    if (status == OK)
        read_flow(&f, &r);
    if (status == OK)
        status = read_filter(&f, &r.filter, &r.filter_given);
    if (status == OK)
        status = fields_end(&f);
    if (status == OK && r.manual_ack && r.from.kind != POSITION_CURSOR)
        status =
            error_set(error, ERROR_INVALID_PARAMS, "\"ack\":\"manual\" needs \"from\":{\"cursor\":name}");
    if (status == OK && r.from.kind == POSITION_CURSOR && !r.ack_given)
        r.manual_ack = true;
    if (status != OK) {
        subscribe_request_close(&r);
        return status;
    }
    *request = r;
    return OK;
}

/* --- cursors ---------------------------------------------------------------------------------- */
void cursor_create_request_close(struct cursor_create_request *request)
{
    buffer_close(&request->filter);
}

/* Checks the filter and keeps its canonical text. */
static enum status keep_filter(const json_t *value, struct buffer *text, struct error *error)
{
    struct fields f;
    fields_begin(&f, value, "filter", error);
    struct filter *filter = NULL;
    bool given;
    enum status status = read_filter(&f, &filter, &given);
    filter_free(filter);
    if (status == OK)
        status = fields_end(&f);
    if (status == OK && given)
        status = json_canonical(value, text, error);
    if (status == OK && text->size >= CURSOR_FILTER_MAX)
        status = error_set(error, ERROR_LIMIT, "the filter takes %zu bytes; a cursor keeps at most %d",
                           text->size, CURSOR_FILTER_MAX - 1);
    return status;
}

enum status cursor_create_request_read(const json_t *params, struct cursor_create_request *request,
                                       struct error *error)
{
    struct cursor_create_request r = { 0 };
    struct fields f;
    fields_begin(&f, params, "params", error);
    fields_text(&f, "name", true, CURSOR_NAME_MAX - 1, &r.name);
    fields_unsigned(&f, "max_lag", false, 0, INTEGER_MAX, &r.max_lag);
    enum status status = read_position(&f, &r.from);
    const json_t *filter = fields_any(&f, "filter");
    if (filter != NULL && !json_is_object(filter))
        fields_refuse(&f, "filter", "{\"types\":[…],\"subjects\":[…]}");
    if (status == OK)
        status = fields_end(&f);
    if (status == OK && !cursor_name_valid(r.name))
        status = error_set(error, ERROR_INVALID_PARAMS,
                           "a cursor's name has letters, digits, '.', '_' and '-' only");
    if (status == OK && r.from.kind == POSITION_CURSOR)
        status = error_set(error, ERROR_INVALID_PARAMS,
                           "a cursor does not begin at another cursor; give \"after\"");
    if (status == OK && filter != NULL)
        status = keep_filter(filter, &r.filter, error);
    if (status != OK) {
        cursor_create_request_close(&r);
        return status;
    }
    *request = r;
    return OK;
}

enum status cursor_filter_compile(const char *text, struct filter **filter, struct error *error)
{
    *filter = NULL;
    if (text == NULL)
        return OK;
    AUTO_JSON json_t *value = NULL;
    TRY(json_parse(text, strlen(text), &value, error));
    return filter_compile(json_object_get(value, "types"), json_object_get(value, "subjects"), filter, error);
}

/* --- events.get ------------------------------------------------------------------------------- */
enum status events_get_request_read(const json_t *params, struct events_get_request *request,
                                    struct error *error)
{
    struct events_get_request r = { .limit = EVENTS_GET_DEFAULT };
    struct fields f;
    fields_begin(&f, params, "params", error);
    fields_unsigned(&f, "after", false, 0, INTEGER_MAX, &r.after);
    fields_unsigned(&f, "limit", false, 1, EVENTS_GET_MAX, &r.limit);
    int choice;
    if (fields_choice(&f, "format", format_names, &choice))
        r.format = (enum subscriber_format)choice;
    bool given;
    enum status status = read_filter(&f, &r.filter, &given);
    if (status == OK)
        status = fields_end(&f);
    if (status != OK) {
        filter_free(r.filter);
        return status;
    }
    *request = r;
    return OK;
}
