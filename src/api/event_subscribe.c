/* subscribe, unsubscribe, credit, ack: what concerns a connection's own subscriptions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/cursor_writer.h"
#include "api/event_method.h"
#include "api/event_stream.h"
#include "api/fields.h"
#include "base/memory.h"

/* --- subscribe -------------------------------------------------------------------------------- */
/* What a cursor adds to the request: its position, and its filter and bound unless the request has its
 * own. */
static enum status use_cursor(struct event_call *call, struct subscribe_request *request, uint64_t *after)
{
    struct event_server *server = call->server;
    const char *name = request->from.cursor;
    struct cursor cursor;
    if (!cursor_name_valid(name))
        return error_set(call->error, ERROR_INVALID_PARAMS, "'%s' is no name of a cursor", name);
    TRY(cursor_get(server->reader, name, &cursor, call->error));

    enum status status = OK;
    if (!caller_owns(&call->connection->connection.caller, cursor.owner_uid))
        status = error_set(call->error, ERROR_CURSOR_DENIED, "cursor '%s' belongs to uid %" PRId64, name,
                           cursor.owner_uid);
    else if (subscription_of_cursor(server, name) != NULL)
        status = error_set(call->error, ERROR_CURSOR_BUSY, "a subscription holds cursor '%s' already", name);
    else if (!request->filter_given)
        status = cursor_filter_compile(cursor.filter, &request->filter, call->error);
    if (request->max_lag == 0)
        request->max_lag = cursor.max_lag;
    *after = cursor.acknowledged;
    cursor_close(&cursor);
    return status;
}

static enum status check_hash(struct event_call *call, const struct subscribe_request *request,
                              uint64_t after)
{
    struct hash hash;
    if (!request->hash_given)
        return OK;
    if (after == 0)
        return error_set(call->error, ERROR_INVALID_PARAMS,
                         "\"expect_hash\" is the hash of the event before the start; "
                         "there is none before the first");
    bool found = event_read(call->server->reader, after, &hash, NULL);
    TRY(database_failure(call->server->reader, call->error));
    if (!found || !hash_equal(&hash, &request->expect_hash)) {
        char ours[2 * sizeof hash.bytes + 1] = "none";
        if (found)
            hex_text(ours, hash.bytes, sizeof hash.bytes);
        return error_set(call->error, ERROR_FORK, "event %" PRIu64 " has hash %s here", after, ours);
    }
    return OK;
}

static enum status begin(struct event_call *call, struct subscribe_request *request)
{
    struct event_server *server = call->server;
    uint64_t after = 0;
    if (request->from.kind == POSITION_CURSOR)
        TRY(use_cursor(call, request, &after));
    else
        TRY(position_resolve(server, &request->from, &after, call->error));
    TRY(check_hash(call, request, after));

    struct subscriber subscriber = {
        .format = request->format,
        .slow = request->slow,
        .filter = request->filter,
        .node_id = server->node_id,
        .next = after + 1,
        .reported = after,
        .until = request->until,
        .credit = request->window,
        .max_lag = request->max_lag == 0 ? MAX_LAG_DEFAULT : request->max_lag,
        .replaying = true,
    };
    struct subscription *s = subscription_add(call->connection, &subscriber, request->heartbeat_us);
    request->filter = NULL; /* the subscription's now */
    s->manual_ack = request->manual_ack;
    if (request->from.kind == POSITION_CURSOR)
        strcpy(s->cursor, request->from.cursor);

    writer_object_begin(call->result);
    writer_member_unsigned(call->result, "sub", s->subscriber.id);
    writer_member_unsigned(call->result, "start", after);
    writer_member_unsigned(call->result, "head", event_server_head(server));
    writer_object_end(call->result);
    return OK;
}

enum status method_subscribe(struct event_call *call)
{
    if (call->connection->subscription_count >= SUBSCRIPTIONS_MAX)
        return error_set(call->error, ERROR_TOO_MANY, "this connection has %d subscriptions already",
                         SUBSCRIPTIONS_MAX);
    struct subscribe_request request;
    TRY(subscribe_request_read(call->params, &request, call->error));
    enum status status = begin(call, &request);
    subscribe_request_close(&request);
    return status;
}

/* --- unsubscribe, credit ---------------------------------------------------------------------- */
static enum status find(struct event_call *call, uint64_t number, struct subscription **subscription)
{
    *subscription = subscription_find(call->connection, number);
    if (*subscription == NULL)
        return error_set(call->error, ERROR_SUBSCRIPTION_NOT_FOUND,
                         "this connection has no subscription %" PRIu64, number);
    return OK;
}

enum status method_unsubscribe(struct event_call *call)
{
    struct fields f;
    uint64_t number;
    struct subscription *s;
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, "sub", true, 0, INTEGER_MAX, &number);
    TRY(fields_end(&f));
    TRY(find(call, number, &s));
    writer_object_begin(call->result);
    writer_member_unsigned(call->result, "sub", number);
    writer_member_unsigned(call->result, "next", s->subscriber.next);
    writer_object_end(call->result);
    subscription_remove(s);
    return OK;
}

enum status method_credit(struct event_call *call)
{
    struct fields f;
    uint64_t number, more;
    struct subscription *s;
    fields_begin(&f, call->params, "params", call->error);
    fields_unsigned(&f, "sub", true, 0, INTEGER_MAX, &number);
    fields_unsigned(&f, "n", true, 1, INTEGER_MAX, &more);
    TRY(fields_end(&f));
    TRY(find(call, number, &s));
    uint64_t *credit = &s->subscriber.credit;
    if (*credit == NO_WINDOW)
        return error_set(call->error, ERROR_INVALID_PARAMS,
                         "subscription %" PRIu64 " was made without \"window\"", number);
    *credit = *credit + more > INTEGER_MAX ? INTEGER_MAX : *credit + more;
    writer_object_begin(call->result);
    writer_member_unsigned(call->result, "sub", number);
    writer_member_unsigned(call->result, "credit", *credit);
    writer_object_end(call->result);
    event_connection_touch(call->connection);
    return OK;
}

/* --- ack -------------------------------------------------------------------------------------- */
static enum status ack_subscription(struct event_call *call, uint64_t number, uint64_t seq)
{
    struct subscription *s;
    TRY(find(call, number, &s));
    if (!s->manual_ack)
        return error_set(call->error, ERROR_INVALID_PARAMS,
                         "subscription %" PRIu64
                         " takes no acknowledgements: it is not from a cursor, or has ack none",
                         number);
    if (seq >= s->subscriber.next)
        return error_set(call->error, ERROR_FUTURE,
                         "event %" PRIu64 " was not sent yet; the newest sent is before %" PRIu64, seq,
                         s->subscriber.next);
    cursor_writer_acknowledge(call->server->cursors, s->cursor, seq, NULL, event_call_later(call));
    return OK;
}

enum status method_ack(struct event_call *call)
{
    struct fields f;
    uint64_t number, seq;
    const char *cursor = NULL;
    fields_begin(&f, call->params, "params", call->error);
    bool by_number = fields_unsigned(&f, "sub", false, 0, INTEGER_MAX, &number);
    bool by_name = fields_text(&f, "cursor", false, CURSOR_NAME_MAX - 1, &cursor);
    fields_unsigned(&f, "seq", true, 0, INTEGER_MAX, &seq);
    TRY(fields_end(&f));
    if (by_number == by_name)
        return error_set(call->error, ERROR_INVALID_PARAMS, "\"ack\" takes one of \"sub\" and \"cursor\"");
    if (by_number)
        return ack_subscription(call, number, seq);
    uint64_t head = event_server_head(call->server);
    if (seq > head)
        return error_set(call->error, ERROR_FUTURE, "event %" PRIu64 " lies after the newest, %" PRIu64,
                         seq, head);
    cursor_writer_acknowledge(call->server->cursors, cursor, seq, &call->connection->connection.caller,
                              event_call_later(call));
    return OK;
}
