/* Calls of a gRPC gateway: see rest.h. */
#include "network/lightning/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/reply.h"
#include "network/transport/exchange.h"

/* LND answers what a macaroon may not do, and what a wallet cannot do yet, with gRPC's code "unknown" alone:
 * its macaroons/service.go, rpcperms/interceptor.go and the macaroon-bakery library have these texts. */
static const char *const credential_texts[] = {
    "verification failed", "permission denied", "cannot get macaroon", "expected 1 macaroon",
    "invalid macaroon", "caveat", "could not get macaroon", "cannot find macaroon", NULL };
static const char *const starting_texts[] = {
    "wallet locked", "wallet not created", "waiting to start", "is in the process of starting up",
    "server is still in the process of starting", "starting up, but not yet ready", "server not active",
    "not ready for calls", "server shutting down", NULL };

/* grpc-gateway's runtime/mux.go and errors.go answer so when no path fits. */
static const char no_such_path[] = "Not Found";

bool rest_says_absent(const struct rest_refusal *refusal)
{
    return refusal->code == REST_NOT_FOUND && strcmp(refusal->message, no_such_path) != 0;
}

static bool has_any(const char *text, const char *const *parts)
{
    for (; *parts != NULL; parts++) {
        if (strstr(text, *parts) != NULL)
            return true;
    }
    return false;
}

static enum status refuse(const json_t *told, long http_status, struct rest_refusal *refusal,
                          struct error *error)
{
    struct rest_refusal r = { .code = REST_UNKNOWN };
    const char *message = json_string_value(json_object_get(told, "message"));
    const json_t *code = json_object_get(told, "code");

    if (code == NULL)
        code = json_object_get(told, "grpc_code");
    if (json_is_integer(code))
        r.code = json_integer_value(code);
    snprintf(r.message, sizeof(r.message), "%s", message == NULL ? "no reason given" : message);
    text_make_printable(r.message, strlen(r.message));
    if (refusal != NULL)
        *refusal = r;
    if (r.code == REST_PERMISSION_DENIED || r.code == REST_UNAUTHENTICATED ||
        (r.code == REST_UNKNOWN && has_any(r.message, credential_texts)))
        return error_set(error, ERROR_NETWORK_AUTH, "the server refuses the macaroon: %s", r.message);
    if (r.code == REST_UNAVAILABLE || (r.code == REST_UNKNOWN && has_any(r.message, starting_texts)))
        return error_set(error, ERROR_NETWORK_SERVER, "the server is not ready: %s", r.message);
    return error_set(error, ERROR_NETWORK_REJECTED, "the server refused (HTTP %ld, code %lld): %s",
                     http_status, (long long)r.code, r.message);
}

static enum status parse(struct bytes text, json_t **json)
{
    return json_parse_bounded((const char *)text.data, text.size, ENDPOINT_JSON_VALUES_MOST, json, NULL);
}

enum status rest_judge(long http_status, struct bytes body, bool lines, json_t **reply,
                       struct rest_refusal *refusal, struct error *error)
{
    json_t *whole AUTO_JSON = NULL;
    const json_t *told;

    if (parse(body, &whole) != OK || !json_is_object(whole)) {
        if (http_status >= 500)
            return error_set(error, ERROR_NETWORK_SERVER, "the server answered HTTP %ld", http_status);
        if (http_status >= 300)
            return refuse(NULL, http_status, refusal, error);
        return error_set(error, ERROR_NETWORK_PROTOCOL, "the server's answer is no JSON object");
    }
    told = json_object_get(whole, "error");
    if (json_is_object(told))
        return refuse(told, http_status, refusal, error);
    if (http_status >= 500 && json_object_get(whole, "message") == NULL)
        return error_set(error, ERROR_NETWORK_SERVER, "the server answered HTTP %ld", http_status);
    if (http_status >= 300)
        return refuse(whole, http_status, refusal, error);
    if (!lines) {
        *reply = json_incref(whole);
        return OK;
    }
    told = json_object_get(whole, "result");
    if (!json_is_object(told))
        return error_set(error, ERROR_NETWORK_PROTOCOL, "the last line of the server's answer has no result");
    *reply = json_incref(json_object_get(whole, "result"));
    return OK;
}

/* Of HTTP 5xx: whether the gateway passes on what the application said, which is no failure of the server. */
static bool is_answer(void *context, const struct http_reply *reply)
{
    json_t *whole AUTO_JSON = NULL;
    const json_t *told;
    const char *message;

    (void)context;
    if (parse(buffer_bytes(&reply->body), &whole) != OK)
        return false;
    told = reply_object(whole, "error");
    return reply_text(told != NULL ? told : whole, "message", &message);
}

enum status rest_call(struct endpoint *endpoint, const struct rest_request *request,
                      const struct waiting *waiting, json_t **reply, struct rest_refusal *refusal,
                      struct error *error)
{
    const struct judge judge = { is_answer, NULL };
    struct http_request http = { .method = request->method, .path = request->path, .body = request->raw,
                                 .write = request->write, .lines = request->lines };
    struct http_reply answer = { 0 };
    char *text = NULL;
    enum status status;

    if (request->body != NULL) {
        text = json_dumps(request->body, JSON_COMPACT);
        INVARIANT(text != NULL, "a request that cannot be written");
        json_decref(request->body);
        http.body = bytes_of_text(text);
    }
    buffer_init(&answer.body);
    status = endpoint_exchange(endpoint, &http, waiting, &answer, &judge, error);
    if (status == OK)
        status = rest_judge(answer.status, buffer_bytes(&answer.body), request->lines, reply, refusal, error);
    buffer_close(&answer.body);
    free(text);
    return status;
}
