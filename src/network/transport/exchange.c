/* The caller's side of an exchange: an attempt, what it tells the breaker, another one when that is allowed.
 * Straight on, on the caller's thread; the transport's thread carries one attempt at a time. */
#include "network/transport/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "network/transport/cancellation.h"
#include "network/transport/pool.h"

#define LOG_ROOM "network"
#define BODY_SHOWN_MAX 120 /* bytes of an error's body in a message */
#define SECRET_MIN 8       /* shorter parts of a URL are no keys */

/* One call, over all its attempts. */
struct call {
    struct endpoint *endpoint;
    const struct http_request *request;
    struct cancellation *cancellation;
    int64_t deadline_us;
    bool patient; /* the deadline was given: a write may use it all */
    struct http_reply *reply;
    const struct judge *judge;
    char *url;
};

/* --- one attempt ---------------------------------------------------------------------------------------- */
static void add_header(struct exchange *exchange, size_t *count, const char *text)
{
    INVARIANT(*count < REQUEST_HEADERS_MAX + OWN_HEADERS, "more than %d headers", REQUEST_HEADERS_MAX);
    struct curl_slist *item = &exchange->headers[*count];
    item->data = (char *)text; /* libcurl only reads it */
    item->next = NULL;
    if (*count > 0)
        exchange->headers[*count - 1].next = item;
    (*count)++;
}

static void add_headers(struct exchange *exchange, const struct http_request *request, char *content_type,
                        struct credential_line *line)
{
    size_t count = 0;
    add_header(exchange, &count, "Expect:"); /* none: no waiting for 100 Continue */
    if (request->body.size > 0 || strcmp(request->method, "GET") != 0)
        add_header(exchange, &count, content_type);
    if (line != NULL)
        add_header(exchange, &count, credential_text(line));
    for (const char *const *header = request->headers; header != NULL && *header != NULL; header++)
        add_header(exchange, &count, *header);
}

/* A read is given up after the endpoint's own time limit, counted from when it is let go, and asked again; a
 * write and a stream get all that the caller gives. */
static int64_t attempt_limit(const struct call *call)
{
    bool waits_long = call->request->write || call->request->lines || call->endpoint->url.is_socket;
    return call->patient && waits_long ? INT64_MAX : call->endpoint->timeout_us;
}

static enum status attempt(const struct call *call, struct credential_line *line, struct exchange *exchange,
                           struct error *error)
{
    const struct http_request *request = call->request;
    char content_type[128];
    (void)snprintf(content_type, sizeof content_type, "Content-Type: %s",
                   request->content_type == NULL ? "application/json" : request->content_type);
    *exchange = (struct exchange){
        .endpoint = call->endpoint, .method = request->method, .url = call->url, .body = request->body,
        .write = request->write, .lines = request->lines, .cost = request->cost == 0 ? 1 : request->cost,
        .deadline_us = call->deadline_us, .limit_us = attempt_limit(call), .cancellation = call->cancellation,
        .reply = &call->reply->body, .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER,
    };
    add_headers(exchange, request, content_type, line);
    buffer_clear(&call->reply->body);
    enum status status = pool_exchange(exchange, error);
    pthread_cond_destroy(&exchange->ended);
    pthread_mutex_destroy(&exchange->lock);
    return status;
}

static void log_breaker(const struct endpoint *endpoint, enum breaker_state before, enum breaker_state after)
{
    if (before == after)
        return;
    if (after == BREAKER_OPEN)
        log_warn("%s (%s) failed too often and is left alone for some seconds", endpoint->name,
                 endpoint->url.label);
    else
        log_info("%s (%s) answers again", endpoint->name, endpoint->url.label);
}

/* --- what follows from it ------------------------------------------------------------------------------- */
static void tell_the_breaker(const struct exchange *exchange, enum evidence evidence)
{
    struct endpoint *endpoint = exchange->endpoint;
    if (!exchange->admitted)
        return;
    pthread_mutex_lock(&endpoint->lock);
    enum breaker_state before = endpoint->breaker.state;
    breaker_report(&endpoint->breaker, exchange->ticket, evidence, clock_monotonic_us(),
                   endpoint_random(endpoint));
    enum breaker_state after = endpoint->breaker.state;
    endpoint->failures += evidence == EVIDENCE_BAD;
    pthread_mutex_unlock(&endpoint->lock);
    log_breaker(endpoint, before, after);
}

void endpoint_blame(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    enum breaker_state before = endpoint->breaker.state;
    breaker_blame(&endpoint->breaker, clock_monotonic_us(), endpoint_random(endpoint));
    enum breaker_state after = endpoint->breaker.state;
    endpoint->failures++;
    snprintf(endpoint->failure, sizeof endpoint->failure, "it gave answers that cannot be");
    pthread_mutex_unlock(&endpoint->lock);
    log_breaker(endpoint, before, after);
}

/* --- what people read ---------------------------------------------------------------------------------- */
static bool is_in(const struct buffer *body, const char *secret)
{
    size_t size = secret == NULL ? 0 : strlen(secret), looked_at = BODY_SHOWN_MAX + size;
    if (size < SECRET_MIN)
        return false;
    return memmem(body->data, body->size < looked_at ? body->size : looked_at, secret, size) != NULL;
}

/* Error pages like to repeat what they were asked, and a URL or a header may hold a key. */
static bool repeats_a_secret(const struct call *call)
{
    const struct buffer *body = &call->reply->body;
    const struct endpoint *endpoint = call->endpoint;
    const char *base = endpoint->url.base, *segment = strrchr(base, '/'), *query = endpoint->url.query;
    const char *value = query == NULL ? NULL : strchr(query, '=');
    if (is_in(body, segment == NULL ? NULL : segment + 1) || is_in(body, query == NULL ? NULL : query + 1)
        || is_in(body, value == NULL ? NULL : value + 1))
        return true;
    struct credential_line *line = NULL;
    if (endpoint->credential == NULL)
        return false;
    if (credential_take(endpoint->credential, &line, NULL) != OK)
        return true;
    const char *last = strrchr(credential_text(line), ' ');
    bool repeats = is_in(body, last == NULL ? credential_text(line) : last + 1);
    credential_give_back(endpoint->credential, line);
    return repeats;
}

static void describe_reply(const struct call *call, const struct exchange *exchange, struct buffer *text)
{
    buffer_append_format(text, "HTTP %ld", exchange->outcome.http_status);
    if (exchange->outcome.http_status < 400) {
        buffer_append_format(text, ", a redirect%s%s, which is not followed",
                             exchange->redirect[0] == '\0' ? "" : " to ", exchange->redirect);
        return;
    }
    char shown[BODY_SHOWN_MAX + 1];
    size_t size = call->reply->body.size > BODY_SHOWN_MAX ? BODY_SHOWN_MAX : call->reply->body.size;
    if (size == 0 || repeats_a_secret(call))
        return;
    memcpy(shown, call->reply->body.data, size);
    text_make_printable(shown, size);
    buffer_append_format(text, ": %.*s", (int)size, shown);
}

static void describe(const struct call *call, const struct exchange *exchange, struct buffer *text)
{
    switch (exchange->outcome.ending) {
    case ENDING_REPLY: describe_reply(call, exchange, text); return;
    case ENDING_UNREACHABLE:
    case ENDING_BROKEN:
    case ENDING_TLS:
    case ENDING_NO_HTTP:
    case ENDING_BAD_REQUEST: buffer_append_text(text, exchange->reason); return;
    case ENDING_TIMEOUT:
        buffer_append_format(text, "no answer in %.3f s", (double)exchange->outcome.took_us / 1e6);
        return;
    case ENDING_TOO_LARGE:
        buffer_append_format(text, "the answer is larger than %llu bytes",
                             (unsigned long long)call->endpoint->body_max);
        return;
    case ENDING_CANCELLED: buffer_append_text(text, "cancelled"); return;
    case ENDING_LATE: buffer_append_text(text, "no connection became free in time"); return;
    case ENDING_RATE_LIMITED: buffer_append_text(text, "the rate limit allows no request in time"); return;
    case ENDING_CIRCUIT_OPEN: buffer_append_text(text, "failed too often; left alone for a while"); return;
    case ENDINGS: break;
    }
    INVARIANT(false, "ending %d", (int)exchange->outcome.ending);
}

static enum status fail(const struct call *call, const struct exchange *exchange, enum status status,
                        struct error *error)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    describe(call, exchange, &text);
    return error_set(error, status, "%s (%s): %s%s", call->endpoint->name, call->endpoint->url.label,
                     buffer_text(&text),
                     status == ERROR_NETWORK_AMBIGUOUS ? "; whether it took the request is not known" : "");
}

/* Kept for those whom the breaker refuses: "failed too often" alone does not tell what to mend. */
static void remember(const struct call *call, const struct exchange *exchange)
{
    struct endpoint *endpoint = call->endpoint;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    describe(call, exchange, &text);
    pthread_mutex_lock(&endpoint->lock);
    snprintf(endpoint->failure, sizeof endpoint->failure, "%s", buffer_text(&text));
    pthread_mutex_unlock(&endpoint->lock);
}

/* --- between attempts ----------------------------------------------------------------------------------- */
/* False: cancelled, or the endpoint closes. */
static bool pause_for(const struct call *call, int64_t until_us)
{
    struct endpoint *endpoint = call->endpoint;
    struct timespec until = { .tv_sec = until_us / MICROSECONDS_PER_SECOND,
                              .tv_nsec = until_us % MICROSECONDS_PER_SECOND * 1000 };
    bool stop;
    pthread_mutex_lock(&endpoint->lock);
    while (!(stop = endpoint->closing || cancellation_requested(call->cancellation))
           && clock_monotonic_us() < until_us)
        pthread_cond_timedwait(&endpoint->stirred, &endpoint->lock, &until);
    pthread_mutex_unlock(&endpoint->lock);
    return !stop;
}

/* Whether another attempt may be made, and when. */
static bool may_retry(const struct call *call, unsigned retries, int64_t *at_us)
{
    struct endpoint *endpoint = call->endpoint;
    if (retries == RETRIES_MAX)
        return false;
    pthread_mutex_lock(&endpoint->lock);
    *at_us = clock_monotonic_us() + retry_pause_us(retries, endpoint_random(endpoint));
    bool may = *at_us < call->deadline_us && !breaker_refuses(&endpoint->breaker, *at_us)
               && retry_budget_spend(&endpoint->budget);
    endpoint->retries += may;
    pthread_mutex_unlock(&endpoint->lock);
    return may;
}

/* One attempt with the credential of now. *again: the server did not take it and the file has another one. */
static enum status attempt_with_credential(const struct call *call, struct exchange *exchange, bool *again,
                                           struct error *error)
{
    struct credential *credential = call->endpoint->credential;
    struct credential_line *line = NULL;
    if (credential != NULL)
        TRY(credential_take(credential, &line, error));
    enum status status = attempt(call, line, exchange, error);
    *again = status == OK && line != NULL && exchange->outcome.ending == ENDING_REPLY
             && exchange->outcome.http_status == 401 && credential_renewed(credential, line);
    credential_give_back(credential, line);
    return status;
}

static struct verdict judge(const struct call *call, struct exchange *exchange)
{
    struct outcome *outcome = &exchange->outcome;
    call->reply->status = outcome->http_status;
    if (outcome->ending == ENDING_REPLY && outcome->http_status >= 500 && call->judge != NULL)
        outcome->answered = call->judge->is_answer(call->judge->context, call->reply);
    return verdict_of(outcome, call->request->write);
}

static enum status run(const struct call *call, struct error *error)
{
    struct exchange exchange;
    bool renewed = false;
    for (unsigned retries = 0;;) {
        bool again;
        TRY(attempt_with_credential(call, &exchange, &again, error));
        struct verdict verdict = judge(call, &exchange);
        if (verdict.evidence == EVIDENCE_BAD)
            remember(call, &exchange);
        tell_the_breaker(&exchange, verdict.evidence);
        if (verdict.status == OK)
            return OK;
        if (again && !renewed) {
            renewed = true; /* not a retry: nobody looked at the request, so a write goes once more too */
            continue;
        }
        int64_t at_us;
        if (!verdict.retry || !may_retry(call, retries, &at_us))
            return fail(call, &exchange, verdict.status, error);
        retries++;
        log_debug("%s (%s): attempt %u failed (%s); once more", call->endpoint->name,
                  call->endpoint->url.label, retries, status_name(verdict.status));
        if (!pause_for(call, at_us)) {
            exchange.outcome.ending = ENDING_CANCELLED;
            return fail(call, &exchange, ERROR_NETWORK_CANCELLED, error);
        }
    }
}

/* --- the call ------------------------------------------------------------------------------------------- */
static void on_cancel(void *context)
{
    struct endpoint *endpoint = context;
    pthread_mutex_lock(&endpoint->lock);
    pthread_cond_broadcast(&endpoint->stirred);
    pthread_mutex_unlock(&endpoint->lock);
    transport_look_for_cancelled(endpoint->transport);
}

static enum status come_in(struct endpoint *endpoint, struct error *error)
{
    pthread_mutex_lock(&endpoint->lock);
    bool closing = endpoint->closing;
    endpoint->callers += !closing;
    if (!closing)
        retry_budget_earn(&endpoint->budget);
    pthread_mutex_unlock(&endpoint->lock);
    return closing ? error_set(error, ERROR_NETWORK_CANCELLED, "%s is being closed", endpoint->name) : OK;
}

static void go_out(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    if (--endpoint->callers == 0)
        pthread_cond_broadcast(&endpoint->stirred);
    pthread_mutex_unlock(&endpoint->lock);
}

/* A header or method may have been made from what a user gave: nothing in it may begin another header. */
static bool is_one_line(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static enum status check_request(const struct http_request *request, struct error *error)
{
    size_t count = 0;
    for (const char *const *header = request->headers; header != NULL && *header != NULL; header++) {
        if (++count > REQUEST_HEADERS_MAX || !is_one_line(*header))
            return error_set(error, ERROR_NETWORK_OPTIONS, "header %zu of a request has control characters, "
                             "or is past the %dth", count, REQUEST_HEADERS_MAX);
    }
    bool one_line = is_one_line(request->method)
                    && (request->content_type == NULL || is_one_line(request->content_type));
    if (!one_line || (request->path != NULL && strlen(request->path) > ENDPOINT_URL_MAX))
        return error_set(error, ERROR_NETWORK_OPTIONS, "a request's method or type has control characters, "
                         "or its path more than %d bytes", ENDPOINT_URL_MAX);
    return OK;
}

enum status endpoint_exchange(struct endpoint *endpoint, const struct http_request *request,
                              const struct waiting *waiting, struct http_reply *reply,
                              const struct judge *judge_answer, struct error *error)
{
    int64_t now_us = clock_monotonic_us();
    struct call call = { .endpoint = endpoint, .request = request, .reply = reply, .judge = judge_answer,
                         .deadline_us = now_us + endpoint->timeout_us };
    if (waiting != NULL) {
        call.cancellation = waiting->cancellation;
        call.patient = waiting->deadline_us != 0;
        if (call.patient)
            call.deadline_us = waiting->deadline_us;
    }
    if (cancellation_requested(call.cancellation))
        return error_set(error, ERROR_NETWORK_CANCELLED, "%s: cancelled", endpoint->name);
    if (call.deadline_us <= now_us)
        return error_set(error, ERROR_NETWORK_TIMEOUT, "%s: the deadline had passed before the request",
                         endpoint->name);
    TRY(check_request(request, error));
    TRY(come_in(endpoint, error));
    struct cancellation_watch watch = { .wake = on_cancel, .context = endpoint };
    cancellation_watch_begin(call.cancellation, &watch);
    call.url = endpoint_url_join(&endpoint->url, request->path);
    enum status status = run(&call, error);
    free(call.url);
    cancellation_watch_end(call.cancellation, &watch);
    go_out(endpoint);
    return status;
}

enum status http_exchange(struct endpoint *endpoint, const struct http_request *request,
                          const struct waiting *waiting, struct http_reply *reply, struct error *error)
{
    if (endpoint->url.is_socket)
        return error_set(error, ERROR_NETWORK_OPTIONS, "%s is a socket; HTTP is needed here", endpoint->name);
    return endpoint_exchange(endpoint, request, waiting, reply, NULL, error);
}
