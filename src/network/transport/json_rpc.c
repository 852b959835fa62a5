/* Requests out as bytes, replies in through rpc_reply.h. A server that answers with something else is blamed
 * for it: the circuit breaker took the HTTP exchange for a success. */
#include "network/transport/json_rpc.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "network/transport/exchange.h"
#include "network/transport/rpc_reply.h"

#define ID_TEXT_MAX 128

/* --- requests ------------------------------------------------------------------------------------------- */
static int append_piece(const char *piece, size_t size, void *context)
{
    buffer_append(context, piece, size);
    return 0;
}

static void append_request(struct buffer *out, const struct rpc_request *request, struct rpc_id id)
{
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id.text != NULL)
        buffer_append_json_string(out, id.text, strlen(id.text));
    else
        buffer_append_format(out, "%llu", (unsigned long long)id.number);
    buffer_append_text(out, ",\"method\":");
    buffer_append_json_string(out, request->method, strlen(request->method));
    buffer_append_text(out, ",\"params\":");
    if (request->written.size > 0)
        buffer_append(out, request->written.data, request->written.size);
    else if (request->params == NULL)
        buffer_append_text(out, "[]");
    else
        INVARIANT(json_dump_callback(request->params, append_piece, out, JSON_COMPACT) == 0,
                  "params of %s that are no JSON", request->method);
    buffer_append_text(out, "}");
}

static void close_reply(struct http_reply *reply)
{
    buffer_close(&reply->body);
}

/* --- one call ------------------------------------------------------------------------------------------- */
static bool is_answer(void *context, const struct http_reply *reply)
{
    const struct rpc_id *id = context;
    struct rpc_reply parsed;
    if (rpc_reply_parse((const char *)reply->body.data, reply->body.size, *id, &parsed, NULL) != OK)
        return false;
    bool refused = parsed.refused;
    rpc_reply_close(&parsed);
    return refused;
}

static enum status not_a_reply(struct endpoint *endpoint, const char *method, long http_status, bool write,
                               const struct error *reason, struct error *error)
{
    bool by_the_application = http_status >= 400; /* 404 of a wrong path and the like: nobody took it */
    if (!by_the_application)
        endpoint_blame(endpoint);
    enum status status =
        write && !by_the_application ? ERROR_NETWORK_AMBIGUOUS : ERROR_NETWORK_PROTOCOL;
    return error_set(error, status, "%s (%s), %s: HTTP %ld and %s", endpoint_name(endpoint),
                     endpoint_label(endpoint), method, http_status, reason->message);
}

static enum status refused(struct endpoint *endpoint, const char *method, struct rpc_reply *reply,
                           struct rpc_refusal *refusal, struct error *error)
{
    enum status status = error_set(error, ERROR_NETWORK_REJECTED, "%s refused %s: %s (code %lld)",
                                   endpoint_name(endpoint), method, reply->refusal.message,
                                   (long long)reply->refusal.code);
    if (refusal != NULL) {
        *refusal = reply->refusal;
        reply->refusal.data = NULL;
    }
    rpc_reply_close(reply);
    return status;
}

static enum status call(struct endpoint *endpoint, const struct rpc_request *request,
                        const struct waiting *waiting, json_t **result, struct rpc_refusal *refusal,
                        struct error *error)
{
    struct buffer body CLEANUP(buffer_close) = { 0 };
    struct http_reply reply CLEANUP(close_reply) = { 0 };
    char id_text[ID_TEXT_MAX];
    struct rpc_id id = { .number = endpoint_next_ids(endpoint, 1) };
    bool socket = endpoint_is_socket(endpoint);
    if (socket) {
        (void)snprintf(id_text, sizeof id_text, "layerd:%.64s#%llu", request->method,
                       (unsigned long long)id.number);
        id.text = id_text;
    }
    buffer_init(&body);
    buffer_init(&reply.body);
    append_request(&body, request, id);
    if (socket)
        buffer_append_text(&body, "\n\n");
    const struct http_request http = { .method = "POST", .path = request->path, .body = buffer_bytes(&body),
                                       .write = request->write, .cost = request->cost };
    const struct judge judge = { is_answer, &id };
    TRY(endpoint_exchange(endpoint, &http, waiting, &reply, &judge, error));
    struct rpc_reply parsed;
    struct error reason;
    if (rpc_reply_parse((const char *)reply.body.data, reply.body.size, id, &parsed, &reason) != OK)
        return not_a_reply(endpoint, request->method, reply.status, request->write, &reason, error);
    if (parsed.refused)
        return refused(endpoint, request->method, &parsed, refusal, error);
    *result = parsed.result;
    return OK;
}

enum status rpc_call(struct endpoint *endpoint, const struct rpc_request *request,
                     const struct waiting *waiting, json_t **result, struct rpc_refusal *refusal,
                     struct error *error)
{
    enum status status = call(endpoint, request, waiting, result, refusal, error);
    json_decref(request->params);
    return status;
}

/* --- a batch -------------------------------------------------------------------------------------------- */
static bool batch_is_answer(void *context, const struct http_reply *reply)
{
    (void)context;
    struct rpc_reply replies[1];
    bool refused_all = false;
    if (rpc_batch_parse((const char *)reply->body.data, reply->body.size, 0, 0, replies, &refused_all, NULL)
            != OK
        || !refused_all)
        return false;
    rpc_reply_close(&replies[0]);
    return true;
}

static unsigned append_batch(struct buffer *body, const struct rpc_request *requests, size_t count,
                             uint64_t first)
{
    unsigned cost = 0;
    for (size_t i = 0; i < count; i++) {
        INVARIANT(!requests[i].write, "a write (%s) in a batch", requests[i].method);
        buffer_append_text(body, i == 0 ? "[" : ",");
        append_request(body, &requests[i], (struct rpc_id){ .number = first + i });
        cost += requests[i].cost == 0 ? 1 : requests[i].cost;
    }
    buffer_append_text(body, "]");
    return cost;
}

static void hand_out(struct rpc_reply *replies, size_t count, json_t **results, struct rpc_refusal *refusals)
{
    for (size_t i = 0; i < count; i++) {
        results[i] = replies[i].result;
        replies[i].result = NULL;
        if (refusals != NULL) {
            refusals[i] = replies[i].refusal;
            replies[i].refusal.data = NULL;
        }
        rpc_reply_close(&replies[i]);
    }
}

static enum status batch(struct endpoint *endpoint, const struct rpc_request *requests, size_t count,
                         const struct waiting *waiting, json_t **results, struct rpc_refusal *refusals,
                         struct error *error)
{
    struct buffer body CLEANUP(buffer_close) = { 0 };
    struct http_reply reply CLEANUP(close_reply) = { 0 };
    buffer_init(&body);
    buffer_init(&reply.body);
    uint64_t first = endpoint_next_ids(endpoint, count);
    unsigned cost = append_batch(&body, requests, count, first);
    const struct http_request http = { .method = "POST", .path = requests[0].path,
                                       .body = buffer_bytes(&body), .cost = cost };
    const struct judge judge = { batch_is_answer, NULL };
    TRY(endpoint_exchange(endpoint, &http, waiting, &reply, &judge, error));
    struct rpc_reply replies[RPC_BATCH_MAX];
    struct error reason;
    bool refused_all;
    if (rpc_batch_parse((const char *)reply.body.data, reply.body.size, first, count, replies, &refused_all,
                        &reason) != OK)
        return not_a_reply(endpoint, "a batch", reply.status, false, &reason, error);
    if (refused_all)
        return refused(endpoint, "a batch", &replies[0], NULL, error);
    hand_out(replies, count, results, refusals);
    return OK;
}

enum status rpc_batch(struct endpoint *endpoint, const struct rpc_request *requests, size_t count,
                      const struct waiting *waiting, json_t **results, struct rpc_refusal *refusals,
                      struct error *error)
{
    enum status status = OK;
    if (count > RPC_BATCH_MAX)
        status = error_set(error, ERROR_LIMIT, "a batch of %zu requests; at most %d", count, RPC_BATCH_MAX);
    else if (endpoint_is_socket(endpoint))
        status = error_set(error, ERROR_NETWORK_OPTIONS, "%s is a socket: it takes no batches",
                           endpoint_name(endpoint));
    else if (count > 0)
        status = batch(endpoint, requests, count, waiting, results, refusals, error);
    for (size_t i = 0; i < count; i++)
        json_decref(requests[i].params);
    return status;
}
