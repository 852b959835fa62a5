/* cursor.create, cursor.list, cursor.set, cursor.delete. Writing goes through the executor and is
 * answered after its commit. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/cursor_writer.h"
#include "api/event_method.h"
#include "api/event_stream.h"
#include "api/fields.h"
#include "base/memory.h"
#include "kernel/page.h"

#define LIST_READ 64 /* rows read at once */

enum status method_cursor_create(struct event_call *call)
{
    struct cursor_create_request request;
    TRY(cursor_create_request_read(call->params, &request, call->error));
    const struct caller *caller = &call->connection->connection.caller;
    struct cursor cursor = {
        .owner_uid = caller->uid,
        .max_lag = request.max_lag,
    };
    enum status status = position_resolve(call->server, &request.from, &cursor.acknowledged, call->error);
    if (status == OK) {
        snprintf(cursor.name, sizeof cursor.name, "%s", request.name);
        if (request.filter.size > 0)
            cursor.filter = text_copy_sized((const char *)request.filter.data, request.filter.size);
        cursor_writer_create(call->server->cursors, &cursor, caller, event_call_later(call));
    }
    cursor_create_request_close(&request);
    return status;
}

/* --- list ------------------------------------------------------------------------------------- */
static void write_cursor(struct event_server *server, const struct cursor *cursor, struct writer *w)
{
    uint64_t head = event_server_head(server);
    uint64_t lag = head > cursor->acknowledged ? head - cursor->acknowledged : 0;
    writer_object_begin(w);
    writer_member_text(w, "name", cursor->name);
    writer_member_integer(w, "owner_uid", cursor->owner_uid);
    writer_member_unsigned(w, "acknowledged", cursor->acknowledged);
    writer_member_unsigned(w, "lag", lag);
    writer_member_unsigned(w, "max_lag", cursor->max_lag);
    writer_member_boolean(w, "behind", cursor->max_lag > 0 && lag > cursor->max_lag);
    writer_member_boolean(w, "held", subscription_of_cursor(server, cursor->name) != NULL);
    writer_member_integer(w, "updated_us", cursor->updated_us);
    writer_key(w, "filter");
    if (cursor->filter == NULL)
        writer_null(w);
    else
        writer_raw(w, cursor->filter, strlen(cursor->filter));
    writer_object_end(w);
}

/* Everybody sees their own cursors, the operator all. Returns whether there are more after *last. */
static bool write_list(struct event_call *call, const char *after, uint64_t limit, char last[CURSOR_NAME_MAX])
{
    const struct caller *caller = &call->connection->connection.caller;
    struct cursor rows[LIST_READ];
    uint64_t written = 0;
    bool more = false;
    size_t count;
    snprintf(last, CURSOR_NAME_MAX, "%s", after);
    do {
        count = cursor_list(call->server->reader, last, rows, LIST_READ);
        for (size_t i = 0; i < count; i++) {
            more = more || written == limit;
            if (!more) {
                if (caller_owns(caller, rows[i].owner_uid)) {
                    write_cursor(call->server, &rows[i], call->result);
                    written++;
                }
                strcpy(last, rows[i].name);
            }
            cursor_close(&rows[i]);
        }
    } while (count == LIST_READ && !more);
    return more;
}

enum status method_cursor_list(struct event_call *call)
{
    struct fields f;
    const char *after = "";
    uint64_t limit = PAGE_LIMIT_DEFAULT;
    char last[CURSOR_NAME_MAX];
    fields_begin(&f, call->params, "params", call->error);
    fields_text(&f, "after", false, CURSOR_NAME_MAX - 1, &after);
    fields_unsigned(&f, "limit", false, 1, PAGE_LIMIT_MAX, &limit);
    TRY(fields_end(&f));

    writer_object_begin(call->result);
    writer_key(call->result, "items");
    writer_array_begin(call->result);
    bool more = write_list(call, after, limit, last);
    writer_array_end(call->result);
    writer_member_text(call->result, "next", more ? last : NULL);
    writer_object_end(call->result);
    return database_failure(call->server->reader, call->error);
}

/* --- set, delete ------------------------------------------------------------------------------ */
static enum status check_free(struct event_call *call, const char *name)
{
    if (subscription_of_cursor(call->server, name) == NULL)
        return OK;
    /* Whose it is comes first: to others it is denied, not busy. */
    struct cursor cursor;
    TRY(cursor_get(call->server->reader, name, &cursor, call->error));
    int64_t owner = cursor.owner_uid;
    cursor_close(&cursor);
    if (!caller_owns(&call->connection->connection.caller, owner))
        return error_set(call->error, ERROR_CURSOR_DENIED, "cursor '%s' belongs to uid %" PRId64, name,
                         owner);
    return error_set(call->error, ERROR_CURSOR_BUSY, "a subscription holds cursor '%s'", name);
}

enum status method_cursor_set(struct event_call *call)
{
    struct fields f;
    const char *name;
    uint64_t seq;
    fields_begin(&f, call->params, "params", call->error);
    fields_text(&f, "name", true, CURSOR_NAME_MAX - 1, &name);
    fields_unsigned(&f, "seq", true, 0, INTEGER_MAX, &seq);
    TRY(fields_end(&f));
    TRY(check_free(call, name));
    cursor_writer_set(call->server->cursors, name, seq, &call->connection->connection.caller,
                      event_call_later(call));
    return OK;
}

enum status method_cursor_delete(struct event_call *call)
{
    struct fields f;
    const char *name;
    fields_begin(&f, call->params, "params", call->error);
    fields_text(&f, "name", true, CURSOR_NAME_MAX - 1, &name);
    TRY(fields_end(&f));
    TRY(check_free(call, name));
    cursor_writer_delete(call->server->cursors, name, &call->connection->connection.caller,
                         event_call_later(call));
    return OK;
}
