/* A scripted endpoint: see scripted_endpoint.h. */
#include "scripted_endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "network/transport/exchange.h"
#include "network/transport/json_rpc.h"

#define LINES_MAX 64

struct line {
    char *call, *text;
    size_t size; /* of the text */
    long http_status;
    enum status status;
    bool refused;
    int64_t code;
};

static struct line lines[LINES_MAX];
static size_t written, played;
static char *asked[LINES_MAX];
static size_t asked_count;
static unsigned blames;

/* --- writing the script ----------------------------------------------------------------------- */
static struct line *add(const char *call, const char *text)
{
    assert_true(written < LINES_MAX);
    lines[written] = (struct line){ .call = text_copy(call), .text = text_copy(text), .size = strlen(text),
                                    .http_status = 200 };
    return &lines[written++];
}

void script(const char *call, const char *format, ...)
{
    va_list arguments;
    char *text;
    int size;

    va_start(arguments, format);
    size = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(size >= 0);
    add(call, text);
    free(text);
}

void script_http(const char *call, long http_status, const char *text)
{
    add(call, text)->http_status = http_status;
}

void script_bytes(const char *call, struct bytes body)
{
    struct line *line = add(call, "");

    free(line->text);
    line->text = memory_copy(body.data, body.size);
    line->size = body.size;
}

void script_refusal(const char *call, int64_t code, const char *message)
{
    struct line *line = add(call, message);

    line->refused = true;
    line->code = code;
}

void script_failure(const char *call, enum status status)
{
    add(call, "")->status = status;
}

void script_begin(void)
{
    for (size_t i = 0; i < written; i++) {
        free(lines[i].call);
        free(lines[i].text);
    }
    for (size_t i = 0; i < asked_count; i++)
        free(asked[i]);
    written = played = asked_count = 0;
    blames = 0;
}

void script_end(void)
{
    if (played < written)
        fail_msg("'%s' was expected and never asked", lines[played].call);
    script_begin();
}

const char *script_asked(size_t back)
{
    assert_true(back < asked_count);
    return asked[asked_count - 1 - back];
}

unsigned script_blames(void)
{
    return blames;
}

/* --- playing it ------------------------------------------------------------------------------- */
static const struct line *play(const char *call, char *carried)
{
    const struct line *line = &lines[played];

    assert_true(asked_count < LINES_MAX);
    asked[asked_count++] = carried;
    if (played == written)
        fail_msg("'%s' was asked; nothing more was expected", call);
    if (strncmp(call, line->call, strlen(line->call)) != 0)
        fail_msg("'%s' was asked; '%s' was expected", call, line->call);
    played++;
    return line;
}

enum status rpc_call(struct endpoint *endpoint, const struct rpc_request *request,
                     const struct waiting *waiting, json_t **result, struct rpc_refusal *refusal,
                     struct error *error)
{
    const struct bytes *text = &request->written;
    const struct line *line = play(request->method,
                                   text->size > 0
                                       ? text_copy_sized((const char *)text->data, text->size)
                                       : json_dumps(request->params, JSON_COMPACT | JSON_SORT_KEYS));

    (void)endpoint;
    (void)waiting;
    json_decref(request->params);
    if (line->status != OK)
        return error_set(error, line->status, "as scripted");
    if (line->refused) {
        if (refusal != NULL) {
            refusal->code = line->code;
            refusal->data = NULL;
            snprintf(refusal->message, sizeof(refusal->message), "%s", line->text);
        }
        return error_set(error, ERROR_NETWORK_REJECTED, "%s", line->text);
    }
    assert_int_equal(json_parse(line->text, strlen(line->text), result, error), OK);
    return OK;
}

enum status endpoint_exchange(struct endpoint *endpoint, const struct http_request *request,
                              const struct waiting *waiting, struct http_reply *reply,
                              const struct judge *judge, struct error *error)
{
    char *call AUTO_FREE = text_format("%s %s", request->method, request->path);
    const struct line *line = play(call, text_copy_sized((const char *)request->body.data,
                                                         request->body.size));

    (void)endpoint;
    (void)waiting;
    if (line->status != OK)
        return error_set(error, line->status, "as scripted");
    buffer_append(&reply->body, line->text, line->size);
    reply->status = line->http_status;
    if (reply->status >= 500 && (judge == NULL || !judge->is_answer(judge->context, reply)))
        return error_set(error, request->write ? ERROR_NETWORK_AMBIGUOUS : ERROR_NETWORK_SERVER,
                         "as scripted");
    return OK;
}

enum status endpoint_open(struct transport *transport, const struct endpoint_options *options,
                          struct endpoint **endpoint, struct error *error)
{
    (void)transport;
    (void)options;
    (void)error;
    *endpoint = memory_new(1);
    return OK;
}

void endpoint_close(struct endpoint *endpoint)
{
    free(endpoint);
}

const char *endpoint_label(const struct endpoint *endpoint)
{
    (void)endpoint;
    return "scripted";
}

void endpoint_blame(struct endpoint *endpoint)
{
    (void)endpoint;
    blames++;
}

void endpoint_measure(struct endpoint *endpoint, struct endpoint_metrics *metrics)
{
    (void)endpoint;
    *metrics = (struct endpoint_metrics){ .breaker = "closed" };
}
