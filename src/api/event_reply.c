/* Answers go into the connection's output; the connection writes them when its lines are handled, or at
 * once when they come later. */
#include "api/event_reply.h"

#include <stdlib.h>
#include <string.h>

#include "api/event_stream.h"
#include "base/memory.h"

struct event_reply *event_reply_new(struct event_connection *connection, const struct request *request,
                                    struct event_batch *batch, uint32_t slot)
{
    struct event_reply *reply = memory_new(sizeof *reply + request->id_size);
    connection_hold(&connection->connection);
    reply->connection = connection;
    reply->batch = batch;
    reply->slot = slot;
    reply->notification = request->notification;
    reply->id_size = (uint16_t)request->id_size;
    memcpy(reply->id, request->id, request->id_size);
    connection->in_flight++;
    return reply;
}

struct event_batch *event_batch_new(size_t count)
{
    struct event_batch *batch = memory_new(sizeof *batch + count * sizeof batch->replies[0]);
    batch->count = count;
    batch->remaining = count + 1; /* one for the loop that begins them */
    return batch;
}

static void batch_count_down(struct event_connection *connection, struct event_batch *batch)
{
    if (--batch->remaining > 0)
        return;
    struct buffer CLEANUP(buffer_close) line = { 0 };
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->replies[i].size == 0)
            continue;
        buffer_append(&line, line.size == 0 ? "[" : ",", 1);
        buffer_append(&line, batch->replies[i].data, batch->replies[i].size);
        buffer_close(&batch->replies[i]);
    }
    if (line.size > 0) {
        buffer_append(&line, "]\n", 2);
        connection_take(&connection->connection, &line);
    }
    connection_refund(&connection->connection, BUDGET_OUTPUT, batch->charged);
    free(batch);
}

void event_batch_begun(struct event_connection *connection, struct event_batch *batch)
{
    batch_count_down(connection, batch);
}

static void render(struct event_reply *reply, struct buffer *out, enum status status,
                   const struct error *error, struct bytes result)
{
    if (status == OK)
        reply_result(out, reply->id, reply->id_size, result);
    else
        reply_error(out, reply->id, reply->id_size, status, error);
}

void event_reply_finish(struct event_reply *reply, enum status status, const struct error *error,
                        struct bytes result)
{
    struct event_connection *c = reply->connection;
    bool wanted = !reply->notification && !c->connection.closed;
    if (reply->batch != NULL) {
        struct buffer *out = &reply->batch->replies[reply->slot];
        if (wanted)
            render(reply, out, status, error, result);
        reply->batch->bytes += out->size;
        reply->batch->charged += out->capacity;
        connection_charge(&c->connection, BUDGET_OUTPUT, out->capacity);
        batch_count_down(c, reply->batch);
    } else if (wanted) {
        struct buffer CLEANUP(buffer_close) line = { 0 };
        render(reply, &line, status, error, result);
        buffer_append(&line, "\n", 1);
        connection_take(&c->connection, &line);
    }
    c->in_flight--;
    free(reply);
    event_connection_touch(c);
    connection_release(&c->connection);
}
