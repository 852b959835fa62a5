/* Endpoints and JSON-RPC against a server that misbehaves on request (hostile_server.h): each failure ends in
 * its error or in a retry, nothing is sent twice, nothing grows without bound. */
#include "transport_support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sanitized.h"
#include "base/clock.h"
#include "base/memory.h"
#include "hostile_server.h"
#include "network/transport/cancellation.h"
#include "network/transport/json_rpc.h"

#define MS ((int64_t)1000)
#define S ((int64_t)1000000)

/* Of what ends by itself, so that a machine with much else to do passes too. What would be too long stands
 * with each: a minute of a server's, an hour. */
#define PATIENCE_US (30 * S)
#define HANGS_US (60 * S) /* what never ends, unless something ends it */

static struct transport *transport;
static struct hostile_server *server;
static struct endpoint *endpoint;
static char folder[64], url[128];

/* --- each test: its server, its endpoint ---------------------------------------------------------------- */
static struct endpoint_options options_of(void)
{
    return (struct endpoint_options){ .url = url, .socket = strncmp(url, "unix:", 5) == 0, .name = "bad",
                                      .timeout_us = HANGS_US };
}

static void open_with(const struct endpoint_options *options)
{
    struct error error;
    endpoint_close(endpoint);
    endpoint = NULL;
    if (endpoint_open(transport, options, &endpoint, &error) != OK)
        fail_msg("%s", error.message);
}

static int begin(void **state)
{
    (void)state;
    server = hostile_start(NULL);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", hostile_port(server));
    struct endpoint_options options = options_of();
    open_with(&options);
    return 0;
}

static int begin_socket(void **state)
{
    (void)state;
    (void)snprintf(url, sizeof url, "unix:%s/rpc", folder);
    server = hostile_start(url + 5);
    struct endpoint_options options = options_of();
    open_with(&options);
    return 0;
}

static int end(void **state)
{
    (void)state;
    endpoint_close(endpoint);
    endpoint = NULL;
    hostile_stop(server);
    return 0;
}

static struct error last;

static enum status call(const char *path, bool write, const struct waiting *waiting)
{
    json_t *result = NULL;
    last.message[0] = '\0';
    enum status status = rpc_call(endpoint, &(struct rpc_request){ .path = path, .method = "eth_x",
                                                                   .write = write },
                                  waiting, &result, NULL, &last);
    if (status == OK)
        assert_string_equal(json_string_value(result), "eth_x");
    else
        assert_null(result);
    json_decref(result);
    return status;
}

static struct waiting within(int64_t time_us)
{
    return (struct waiting){ .deadline_us = clock_monotonic_us() + time_us };
}

static struct endpoint_metrics measured(void)
{
    struct endpoint_metrics metrics;
    endpoint_measure(endpoint, &metrics);
    return metrics;
}

#define assert_says(text) assert_non_null(strstr(last.message, text))

/* --- plain exchanges ------------------------------------------------------------------------------------ */
static void a_call_is_answered_and_connections_are_used_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(call("/ok", false, NULL), OK);
    assert_int_equal(hostile_received(server, "/ok"), 20);
    assert_int_equal(hostile_connections(server), 1);
    struct endpoint_metrics metrics = measured();
    assert_int_equal(metrics.exchanges, 20);
    assert_int_equal(metrics.failures + metrics.retries + metrics.refused, 0);
    assert_int_equal(metrics.active_connections, 0);
    assert_int_equal(metrics.connections_max, 8);
    assert_true(metrics.latency_us_p50 > 0 && metrics.latency_us_p50 <= metrics.latency_us_p99);
    assert_string_equal(metrics.breaker, "closed");
}

static void a_reply_of_http_comes_back_with_its_status(void **state)
{
    (void)state;
    struct http_reply reply;
    buffer_init(&reply.body);
    const char *const headers[] = { "X-One: 1", NULL };
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET", .path = "/404",
                     .headers = headers }, NULL, &reply, &last), OK);
    assert_int_equal(reply.status, 404);
    assert_string_equal(buffer_text(&reply.body), "not here");
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "PUT", .path = "/ok",
                     .body = bytes_of_text("{}"), .write = true }, NULL, &reply, &last), OK);
    assert_int_equal(reply.status, 200);
    const char *const smuggled[] = { "X: 1\r\nAuthorization: y", NULL };
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET", .path = "/ok",
                     .headers = smuggled }, NULL, &reply, &last), ERROR_NETWORK_OPTIONS);
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET", .path = "/a b" }, NULL,
                     &reply, &last), ERROR_NETWORK_OPTIONS);
    buffer_close(&reply.body);
}

static void of_a_stream_of_lines_the_last_one_is_kept(void **state)
{
    (void)state;
    struct http_reply reply;
    buffer_init(&reply.body);
    const struct http_request request = { .method = "POST", .path = "/lines", .body = bytes_of_text("{}"),
                                          .lines = true };
    assert_int_equal(http_exchange(endpoint, &request, NULL, &reply, &last), OK);
    assert_string_equal(buffer_text(&reply.body), "{\"status\":4}\n");
    struct http_request broken = request;
    broken.path = "/lines-broken";
    broken.write = true;
    assert_int_equal(http_exchange(endpoint, &broken, NULL, &reply, &last), ERROR_NETWORK_AMBIGUOUS);
    buffer_close(&reply.body);
}

/* --- by another thread --------------------------------------------------------------------------------- */
struct worker {
    pthread_t thread;
    const char *path;
    bool write;
    struct waiting waiting;
    enum status status;
    struct error error;
    int64_t ended_us;
};

static void *work(void *context)
{
    struct worker *worker = context;
    json_t *result = NULL;
    worker->status = rpc_call(endpoint, &(struct rpc_request){ .path = worker->path, .method = "eth_x",
                              .write = worker->write }, &worker->waiting, &result, NULL,
                              &worker->error);
    worker->ended_us = clock_monotonic_us();
    json_decref(result);
    return NULL;
}

static void start(struct worker *worker, const char *path, bool write, struct cancellation *cancellation,
                  int64_t time_us)
{
    *worker = (struct worker){ .path = path, .write = write, .waiting = within(time_us) };
    worker->waiting.cancellation = cancellation;
    assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
}

/* --- the server fails ----------------------------------------------------------------------------------- */
static void nobody_there_is_a_transport_error_also_of_a_write(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.url = "http://127.0.0.1:1";
    open_with(&options);
    struct waiting soon = within(PATIENCE_US);
    assert_int_equal(call(NULL, true, &soon), ERROR_NETWORK_TRANSPORT);
    assert_int_equal(call(NULL, false, &soon), ERROR_NETWORK_TRANSPORT);
    options.url = "http://no-such-host.invalid";
    open_with(&options);
    soon = within(PATIENCE_US);
    assert_int_equal(call(NULL, true, &soon), ERROR_NETWORK_TRANSPORT);
}

static void a_silent_or_slow_server_ends_in_a_timeout_and_a_write_is_ambiguous(void **state)
{
    (void)state;
    static const char *const paths[] = { "/hang", "/slow-headers", "/slow-body" };
    struct worker reads[3], writes[3];
    int64_t begin_us = clock_monotonic_us();
    for (size_t i = 0; i < 3; i++) {
        start(&reads[i], paths[i], false, NULL, 900 * MS);
        start(&writes[i], paths[i], true, NULL, 900 * MS);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(reads[i].thread, NULL);
        pthread_join(writes[i].thread, NULL);
        assert_int_equal(reads[i].status, ERROR_NETWORK_TIMEOUT);
        assert_int_equal(writes[i].status, ERROR_NETWORK_AMBIGUOUS);
        assert_non_null(strstr(writes[i].error.message, "not known"));
        /* the loop's timers go by a coarse clock, some milliseconds early */
        assert_in_range(reads[i].ended_us - begin_us, 850 * MS, PATIENCE_US);
        assert_in_range(writes[i].ended_us - begin_us, 850 * MS, PATIENCE_US);
        assert_int_equal(hostile_received(server, paths[i]), 2);
    }
    assert_string_equal(measured().breaker, "closed"); /* nine tenths of a second show no hanging */
}

/* A server that hangs once: the time limit of one attempt leaves time for another. */
static void a_read_that_hangs_is_given_up_and_asked_again_and_a_write_has_all_its_time(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.timeout_us = 700 * MS;
    open_with(&options);
    struct waiting long_enough = within(PATIENCE_US);
    assert_int_equal(call("/hang-once", false, &long_enough), OK);
    assert_int_equal(hostile_received(server, "/hang-once"), 2);
    assert_int_equal(measured().retries, 1);
    assert_int_equal(call("/delay-900", true, &long_enough), OK);
    assert_int_equal(hostile_received(server, "/delay-900"), 1);
    /* the wait in line is none of the attempt's */
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(call("/429-seconds", false, &long_enough), OK);
    assert_in_range(clock_monotonic_us() - begin_us, 1 * S, PATIENCE_US);
}

static void a_connection_reset_in_the_body_is_retried_for_a_read_and_ambiguous_for_a_write(void **state)
{
    (void)state;
    assert_int_equal(call("/reset-once", false, NULL), OK);
    assert_int_equal(hostile_received(server, "/reset-once"), 2);
    assert_int_equal(measured().retries, 1);
    assert_int_equal(call("/reset", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(hostile_received(server, "/reset"), 1);
    assert_int_equal(call("/close", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(hostile_received(server, "/close"), 1);
}

static void server_errors_are_retried_for_reads_alone(void **state)
{
    (void)state;
    assert_int_equal(call("/503-once", false, NULL), OK);
    assert_int_equal(hostile_received(server, "/503-once"), 2);
    assert_int_equal(call("/500", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_says("HTTP 500: <html>oops</html>");
    assert_int_equal(hostile_received(server, "/500"), 1);
    assert_int_equal(call("/503-retry-after", true, NULL), ERROR_NETWORK_SERVER); /* surely not done */
    assert_int_equal(hostile_received(server, "/503-retry-after"), 1);
}

static void too_many_requests_wait_as_long_as_the_server_says(void **state)
{
    (void)state;
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(call("/429-seconds", false, NULL), OK);
    assert_in_range(clock_monotonic_us() - begin_us, 1 * S, PATIENCE_US);
    begin_us = clock_monotonic_us();
    /* two seconds on, of which one may be nearly over */
    assert_int_equal(call("/429-date", false, NULL), OK);
    assert_in_range(clock_monotonic_us() - begin_us, 900 * MS, PATIENCE_US);
    assert_int_equal(hostile_received(server, "/429-seconds") + hostile_received(server, "/429-date"), 4);

    begin_us = clock_monotonic_us();
    assert_int_equal(call("/429-hour", true, NULL), ERROR_NETWORK_RATE_LIMITED);
    /* others wait as well, or not at all */
    assert_int_equal(call("/ok", false, NULL), ERROR_NETWORK_RATE_LIMITED);
    assert_true(clock_monotonic_us() - begin_us < PATIENCE_US);
    assert_int_equal(hostile_received(server, "/ok"), 0);
}

static void a_server_with_none_left_is_not_asked_before_its_reset(void **state)
{
    (void)state;
    struct http_reply reply;
    buffer_init(&reply.body);
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET", .path = "/left-none" },
                                   NULL,
                                   &reply, &last), OK);
    assert_int_equal(call("/ok", false, NULL), ERROR_NETWORK_RATE_LIMITED);
    assert_int_equal(hostile_received(server, "/ok"), 0);
    buffer_close(&reply.body);
}

static void our_own_rate_limit_holds(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.rate = 50;
    options.burst = 5;
    open_with(&options);
    int64_t begin_us = clock_monotonic_us();
    for (int i = 0; i < 20; i++)
        assert_int_equal(call("/ok", false, NULL), OK);
    assert_in_range(clock_monotonic_us() - begin_us, 290 * MS, PATIENCE_US); /* 15 of them at 20 ms */
    options.rate = 0.1;
    open_with(&options);
    for (int i = 0; i < 5; i++)
        assert_int_equal(call("/ok", false, NULL), OK);
    struct waiting soon = within(5 * S); /* what costs more than there is waits for a full bucket: 50 s */
    json_t *result;
    assert_int_equal(rpc_call(endpoint, &(struct rpc_request){ .method = "x", .cost = 100 }, &soon, &result,
                              NULL,
                              &last), ERROR_NETWORK_RATE_LIMITED);
}

static void redirects_are_named_and_not_followed(void **state)
{
    (void)state;
    assert_int_equal(call("/redirect", false, NULL), ERROR_NETWORK_PROTOCOL);
    assert_says("HTTP 302, a redirect to http://evil.example:1, which is not followed");
    assert_null(strstr(last.message, "SECRET"));
    assert_int_equal(hostile_received(server, "/redirect"), 1);
    assert_int_equal(call("/redirect", true, NULL), ERROR_NETWORK_AMBIGUOUS);
}

static void what_is_no_http_is_a_protocol_error(void **state)
{
    (void)state;
    assert_int_equal(call("/no-http", false, NULL), ERROR_NETWORK_PROTOCOL);
    assert_int_equal(call("/no-http", true, NULL), ERROR_NETWORK_AMBIGUOUS);
}

static void a_gibibyte_is_cut_off_at_the_cap(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.body_max = 1 << 20;
    open_with(&options);
    assert_int_equal(call("/huge", false, NULL), ERROR_NETWORK_TOO_LARGE);
    assert_int_equal(call("/huge-chunked", false, NULL), ERROR_NETWORK_TOO_LARGE);
    assert_int_equal(call("/huge-chunked", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(call("/header-flood", false, NULL), ERROR_NETWORK_TOO_LARGE);
    /* what the sockets' buffers took, at most: nobody read on */
    assert_true(hostile_bytes_sent(server) < 64 << 20);
    struct http_reply reply;
    buffer_init(&reply.body);
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET",
                                                                     .path = "/huge-chunked" },
                                   NULL, &reply, &last), ERROR_NETWORK_TOO_LARGE);
    assert_true(reply.body.capacity <= 4 << 20);
    buffer_close(&reply.body);
    assert_int_equal(measured().retries, 0);
}

static void five_failures_open_the_circuit_and_then_nobody_is_asked(void **state)
{
    (void)state;
    int64_t begin_us = 0;
    for (int i = 0; i < 5; i++) {
        begin_us = clock_monotonic_us(); /* the last of them opens it */
        assert_int_equal(call("/close", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    }
    assert_string_equal(measured().breaker, "open");
    assert_int_equal(call("/ok", true, NULL), ERROR_NETWORK_CIRCUIT_OPEN);
    assert_non_null(strstr(last.message, "failed too often"));
    assert_null(strstr(last.message, ": ;")); /* and why: without that nobody knows what to mend */
    assert_int_equal(call("/ok", false, NULL), ERROR_NETWORK_CIRCUIT_OPEN);
    assert_int_equal(hostile_received(server, "/ok"), 0);
    assert_int_equal(measured().refused, 2);
    enum status status;
    while ((status = call("/ok", false, NULL)) == ERROR_NETWORK_CIRCUIT_OPEN)
        usleep(50000);
    assert_int_equal(status, OK); /* the probe */
    assert_in_range(clock_monotonic_us() - begin_us, 5 * S, PATIENCE_US);
    assert_string_equal(measured().breaker, "closed");
}

static void errors_of_the_application_do_not_open_it(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(call("/elements-500", i % 2 == 0, NULL), ERROR_NETWORK_REJECTED);
        assert_int_equal(call("/403", true, NULL), ERROR_NETWORK_AUTH);
        assert_int_equal(call("/404", true, NULL), ERROR_NETWORK_PROTOCOL);
    }
    assert_string_equal(measured().breaker, "closed");
    assert_int_equal(measured().failures + measured().retries, 0);
}

/* --- writes go out once --------------------------------------------------------------------------------- */
/* libcurl sends a request again when a connection that it uses again turns out to be dead. */
static void a_write_never_goes_out_on_a_used_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        /* leaves a connection behind that dies on the next request */
        assert_int_equal(call("/dies-when-reused", false, NULL), OK);
        unsigned before = hostile_received(server, "/dies-when-reused");
        assert_int_equal(call("/dies-when-reused", true, NULL), OK);
        assert_int_equal(hostile_received(server, "/dies-when-reused"), before + 1);
    }
    /* the same with a read: it is sent again, which shows that the server does what this test is about */
    unsigned before = hostile_received(server, "/dies-when-reused");
    assert_int_equal(call("/dies-when-reused", false, NULL), OK);
    assert_true(hostile_received(server, "/dies-when-reused") >= before + 2);
}

/* --- credentials ---------------------------------------------------------------------------------------- */
static void write_file(const char *path, const char *content, mode_t mode)
{
    char fresh[160];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    int descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(descriptor >= 0 && write(descriptor, content, strlen(content)) == (ssize_t)strlen(content));
    assert_int_equal(fchmod(descriptor, mode) + close(descriptor) + rename(fresh, path), 0);
}

static void a_cookie_that_changed_is_read_again_on_401_also_for_a_write(void **state)
{
    (void)state;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/cookie", folder);
    write_file(file, "a:1\n", 0600);
    struct endpoint_options options = options_of();
    options.credential = CREDENTIAL_BASIC;
    options.credential_file = file;
    open_with(&options);
    hostile_expect(server, "Basic YTox");
    assert_int_equal(call("/secret", false, NULL), OK);
    write_file(file, "a:2\n", 0600);
    hostile_expect(server, "Basic YToy");
    assert_int_equal(call("/secret", true, NULL), OK);
    assert_int_equal(hostile_received(server, "/secret"), 2); /* the change was seen before it was sent */
    hostile_expect(server, "Basic YToz");
    assert_int_equal(call("/secret", true, NULL), ERROR_NETWORK_AUTH);
    assert_int_equal(hostile_received(server, "/secret"), 3);
    write_file(file, "a:3\n", 0644);
    assert_int_equal(call("/secret", true, NULL), ERROR_NETWORK_CREDENTIALS);
    assert_int_equal(hostile_received(server, "/secret"), 3);
    unlink(file);
}

/* The file keeps its mark (same inode, size and times cannot be had; so the server changes its mind while the
 * request is under way, and the file is renewed before it says 401). */
static void renew(const char *file)
{
    write_file(file, "b:2\n", 0600);
}

static void a_401_with_the_old_file_in_hand_is_tried_once_more_with_the_new_one(void **state)
{
    (void)state;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/cookie", folder);
    write_file(file, "b:1\n", 0600);
    struct endpoint_options options = options_of();
    options.credential = CREDENTIAL_BASIC;
    options.credential_file = file;
    open_with(&options);
    hostile_expect(server, "Basic YjoxCg==");
    assert_int_equal(call("/ok", false, NULL), OK);
    hostile_expect(server, "Basic Yjoy");
    hostile_before_refusal(server, renew, file);
    assert_int_equal(call("/secret", true, NULL), OK);
    assert_int_equal(hostile_received(server, "/secret"), 2);
    unlink(file);
}

static void a_page_that_repeats_a_key_is_not_shown(void **state)
{
    (void)state;
    static const struct { const char *more, *file; bool shown; } cases[] = {
        { "/repeat", NULL, true }, { "/repeat/SECRETKEY", NULL, false }, { "/repeat?key=SECRETKEY", NULL,
                                                                           false },
        { "/repeat", "a:SECRETKEY", false },
    };
    char file[96], where[256];
    (void)snprintf(file, sizeof file, "%s/cookie", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_options options = options_of();
        (void)snprintf(where, sizeof where, "%s%s", url, cases[i].more);
        options.url = where;
        if (cases[i].file != NULL) {
            write_file(file, cases[i].file, 0600);
            options.credential = CREDENTIAL_BASIC;
            options.credential_file = file;
        }
        open_with(&options);
        assert_int_equal(call(NULL, true, NULL), ERROR_NETWORK_AMBIGUOUS);
        assert_int_equal(strstr(last.message, "Cannot POST") != NULL, cases[i].shown);
        assert_null(strstr(last.message, "SECRET"));
        assert_null(strstr(last.message, "YTpTRUNSRVRLRVk")); /* in base64 */
    }
    unlink(file);
}

static void what_cannot_be_opened_is_refused_at_once(void **state)
{
    (void)state;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/cookie", folder);
    write_file(file, "a:1", 0600);
    const struct endpoint_options wrong[] = {
        { .url = "http://rpc.example/", .credential = CREDENTIAL_BASIC, .credential_file = file },
        { .url = "ftp://127.0.0.1/" },
        { .url = NULL },
        { .url = "unix:/tmp/x", .socket = true, .credential = CREDENTIAL_BASIC, .credential_file = file },
        { .url = "unix:/tmp/x" }, /* whoever speaks HTTP has no use for a socket, */
        { .url = "http://127.0.0.1/", .socket = true }, /* and the other way round */
        { .url = "http://127.0.0.1/", .ca_file = file },
        { .url = "https://127.0.0.1/", .ca_file = file }, /* holds no certificate */
        { .url = "https://127.0.0.1/", .ca_file = "/nonexistent" },
        { .url = "http://127.0.0.1/", .rate = -1 },
        { .url = "http://127.0.0.1/", .rate = (double)NAN },
        { .url = "http://127.0.0.1/", .connections_max = ENDPOINT_CONNECTIONS_MOST + 1 },
        { .url = "http://127.0.0.1/", .connections_max = ((uint64_t)1 << 32) + 1 },
        { .url = "http://127.0.0.1/", .timeout_us = -1 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct endpoint *none = NULL;
        assert_int_equal(endpoint_open(transport, &wrong[i], &none, &last), ERROR_NETWORK_OPTIONS);
        assert_null(none);
    }
    struct endpoint *fine = NULL;
    assert_int_equal(endpoint_open(transport, &(struct endpoint_options){ .url = "https://rpc.example/",
                     .credential = CREDENTIAL_BASIC, .credential_file = file }, &fine, &last), OK);
    assert_string_equal(endpoint_label(fine), "https://rpc.example:443");
    endpoint_close(fine);
    unlink(file);
}

/* --- JSON-RPC ------------------------------------------------------------------------------------------- */
static void what_is_no_reply_to_the_request_is_refused_and_blamed(void **state)
{
    (void)state;
    static const char *const paths[] = { "/truncated", "/wrong-id", "/text-id", "/duplicate-keys" };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(call(paths[i], false, NULL), ERROR_NETWORK_PROTOCOL);
    assert_int_equal(measured().failures, 4);
    assert_string_equal(measured().breaker, "closed");
    assert_int_equal(call("/wrong-id", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_string_equal(measured().breaker, "open");
    assert_int_equal(measured().retries, 0);
}

static void elements_errors_come_with_http_404_and_500_and_are_refusals(void **state)
{
    (void)state;
    static const char *const paths[] = { "/elements-404", "/elements-500" };
    for (size_t i = 0; i < 2; i++) {
        json_t *result = NULL;
        struct rpc_refusal refusal = { 0 };
        assert_int_equal(rpc_call(endpoint, &(struct rpc_request){ .path = paths[i], .method = "m",
                                                                   .write = true,
                         .params = json_pack("{s:i}", "a", 1) }, NULL, &result, &refusal, &last),
                         ERROR_NETWORK_REJECTED);
        assert_null(result);
        assert_int_equal(refusal.code, -5);
        assert_string_equal(refusal.message, "no such"); /* what steers a terminal is gone */
        assert_int_equal(json_integer_value(json_array_get(refusal.data, 0)), 7);
        json_decref(refusal.data);
        assert_string_equal(last.message, "bad refused m: no such (code -5)");
        assert_int_equal(hostile_received(server, paths[i]), 1);
    }
}

static void a_batch_is_answered_in_any_order_and_each_id_once(void **state)
{
    (void)state;
    struct rpc_request requests[RPC_BATCH_MAX + 1];
    json_t *results[RPC_BATCH_MAX] = { 0 };
    struct rpc_refusal refusals[RPC_BATCH_MAX];
    for (size_t i = 0; i <= RPC_BATCH_MAX; i++)
        requests[i] = (struct rpc_request){ .path = "/batch", .method = "m" };
    requests[1].params = json_pack("[i]", 1);
    assert_int_equal(rpc_batch(endpoint, requests, RPC_BATCH_MAX, NULL, results, refusals, &last), OK);
    for (size_t i = 0; i < RPC_BATCH_MAX; i++) { /* ids begin with 1; even ones are refused */
        assert_int_equal(results[i] == NULL, i % 2 == 1);
        assert_int_equal(i % 2 == 1 ? refusals[i].code : json_integer_value(results[i]),
                         i % 2 == 1 ? -1 : (json_int_t)i + 1);
        json_decref(results[i]);
        results[i] = NULL;
        requests[i].params = NULL;
    }
    requests[RPC_BATCH_MAX].params = NULL;
    assert_int_equal(rpc_batch(endpoint, requests, RPC_BATCH_MAX + 1, NULL, results, NULL, &last),
                     ERROR_LIMIT);
    assert_int_equal(rpc_batch(endpoint, requests, 0, NULL, results, NULL, &last), OK);
    requests[0].path = "/batch-missing";
    assert_int_equal(rpc_batch(endpoint, requests, 5, NULL, results, refusals, &last),
                     ERROR_NETWORK_PROTOCOL);
    requests[0].path = "/batch-twice";
    assert_int_equal(rpc_batch(endpoint, requests, 5, NULL, results, refusals, &last),
                     ERROR_NETWORK_PROTOCOL);
    requests[0].path = "/batch-refused";
    assert_int_equal(rpc_batch(endpoint, requests, 5, NULL, results, refusals, &last),
                     ERROR_NETWORK_REJECTED);
    assert_says("batches are off");
    assert_null(results[0]);
}

/* --- JSON over a socket --------------------------------------------------------------------------------- */
static enum status ask(const char *method, bool write, const struct waiting *waiting)
{
    json_t *result = NULL;
    enum status status = rpc_call(endpoint, &(struct rpc_request){ .method = method, .write = write,
                                  .params = json_pack("{s:s}", "a", "}{\\\"") }, waiting, &result, NULL,
                                      &last);
    if (status == OK)
        assert_string_equal(json_string_value(result), method);
    json_decref(result);
    return status;
}

static void a_socket_answers_in_pieces_and_without_a_blank_line(void **state)
{
    (void)state;
    assert_int_equal(ask("getinfo", false, NULL), OK);
    assert_int_equal(ask("pieces", true, NULL), OK);
    assert_int_equal(ask("elements", true, NULL), ERROR_NETWORK_REJECTED);
    assert_string_equal(endpoint_label(endpoint), url);
    struct http_reply reply = { 0 };
    assert_int_equal(http_exchange(endpoint, &(struct http_request){ .method = "GET" }, NULL, &reply, &last),
                     ERROR_NETWORK_OPTIONS);
}

static void a_socket_that_misbehaves_ends_in_the_same_errors(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.body_max = 1 << 20;
    open_with(&options);
    struct waiting soon = within(900 * MS);
    assert_int_equal(ask("hang", false, &soon), ERROR_NETWORK_TIMEOUT);
    soon = within(900 * MS);
    assert_int_equal(ask("hang", true, &soon), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(ask("huge", false, NULL), ERROR_NETWORK_TOO_LARGE);
    assert_int_equal(ask("close", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(ask("getinfo", true, NULL), OK);
    assert_int_equal(ask("truncated", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(ask("garbage", false, NULL), ERROR_NETWORK_PROTOCOL);
    assert_int_equal(ask("wrong-id", false, NULL), ERROR_NETWORK_PROTOCOL);
    assert_int_equal(ask("duplicate-keys", true, NULL), ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(hostile_received(server, "duplicate-keys"), 1);
    unlink(url + 5);
    open_with(&options);
    assert_int_equal(ask("getinfo", true, NULL), ERROR_NETWORK_TRANSPORT);
}

static void a_url_is_taken_from_a_file_that_nobody_else_can_read(void **state)
{
    (void)state;
    char file[96], given[128];
    (void)snprintf(file, sizeof file, "%s/url", folder);
    (void)snprintf(given, sizeof given, "file:%s", file);
    struct endpoint_options options = { .url = given };
    struct endpoint *made = NULL;
    write_file(file, "https://rpc.example/v1/SECRET\n", 0600);
    assert_int_equal(endpoint_open(transport, &options, &made, &last), OK);
    assert_string_equal(endpoint_label(made), "https://rpc.example:443");
    endpoint_close(made);
    made = NULL;
    chmod(file, 0644);
    assert_int_equal(endpoint_open(transport, &options, &made, &last), ERROR_NETWORK_CREDENTIALS);
    unlink(file);
    assert_int_equal(endpoint_open(transport, &options, &made, &last), ERROR_NETWORK_CREDENTIALS);
    static const char *const wrong[] = { "ftp://SECRET/", "https://SECRET@host/", "file:///tmp/SECRET",
                                         "unix:/SECRET" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_file(file, wrong[i], 0600);
        assert_int_equal(endpoint_open(transport, &options, &made, &last), ERROR_NETWORK_OPTIONS);
        assert_null(strstr(last.message, "SECRET"));
        unlink(file);
    }
    assert_null(made);
}

/* --- waiting -------------------------------------------------------------------------------------------- */
static void wait_until_received(const char *path, unsigned count)
{
    while (hostile_received(server, path) < count)
        usleep(1000);
}

static void a_cancelled_exchange_ends_at_once_wherever_it_is(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.connections_max = 2;
    open_with(&options);
    struct cancellation *cancellation = cancellation_new();
    struct worker running[2], queued[3], other;
    start(&running[0], "/hang", false, cancellation, HANGS_US);
    start(&running[1], "/hang", true, cancellation, HANGS_US);
    wait_until_received("/hang", 2);
    for (int i = 0; i < 3; i++)
        start(&queued[i], "/ok", i == 0, cancellation, HANGS_US);
    start(&other, "/ok", true, NULL, HANGS_US);
    while (measured().queued < 4)
        usleep(1000);
    assert_int_equal(measured().active_connections, 2);
    assert_true(measured().pool_utilization == 1.0);
    int64_t begin_us = clock_monotonic_us();
    cancellation_cancel(cancellation);
    for (int i = 0; i < 2; i++)
        pthread_join(running[i].thread, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(queued[i].thread, NULL);
    pthread_join(other.thread, NULL);
    assert_true(clock_monotonic_us() - begin_us < HANGS_US / 2);
    assert_int_equal(running[0].status, ERROR_NETWORK_CANCELLED);
    assert_int_equal(running[1].status, ERROR_NETWORK_AMBIGUOUS); /* it was sent */
    for (int i = 0; i < 3; i++)
        assert_int_equal(queued[i].status, ERROR_NETWORK_CANCELLED);
    assert_int_equal(other.status, OK); /* it was not cancelled, and has a slot now */
    assert_int_equal(hostile_received(server, "/ok"), 1);
    struct waiting cancelled = within(S);
    cancelled.cancellation = cancellation;
    assert_int_equal(call("/ok", true, &cancelled), ERROR_NETWORK_CANCELLED);
    assert_int_equal(hostile_received(server, "/ok"), 1);
    cancellation_free(cancellation);
}

/* A listener whose queue is full: whoever connects gets no answer. Linux drops the first packet then. */
enum { FILLERS = 8 };
static unsigned listen_deaf(int *listener, int fillers[FILLERS])
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(*listener, 0), 0);
    assert_int_equal(getsockname(*listener, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    usleep(50000);
    return ntohs(address.sin_port);
}

static void no_connection_in_time_is_a_transport_error_and_cancelling_ends_the_attempt(void **state)
{
    (void)state;
    int listener, fillers[FILLERS];
    char where[64];
    (void)snprintf(where, sizeof where, "http://127.0.0.1:%u", listen_deaf(&listener, fillers));
    struct endpoint_options options = options_of();
    options.url = where;
    open_with(&options);
    struct cancellation *cancellation = cancellation_new();
    struct worker cancelled, late;
    int64_t begin_us = clock_monotonic_us();
    start(&cancelled, NULL, true, cancellation, HANGS_US);
    start(&late, NULL, true, NULL, HANGS_US);
    while (measured().active_connections < 2)
        usleep(1000);
    int64_t cancelled_us = clock_monotonic_us();
    cancellation_cancel(cancellation);
    pthread_join(cancelled.thread, NULL);
    assert_true(cancelled.ended_us - cancelled_us < HANGS_US / 2);
    assert_int_equal(cancelled.status, ERROR_NETWORK_CANCELLED); /* not ambiguous: nothing was sent */
    struct waiting soon = within(100 * MS);
    assert_int_equal(call(NULL, true, &soon), ERROR_NETWORK_TIMEOUT);
    pthread_join(late.thread, NULL);
    assert_int_equal(late.status, ERROR_NETWORK_TRANSPORT);
    assert_in_range(late.ended_us - begin_us, 2900 * MS, HANGS_US / 2);
    cancellation_free(cancellation);
    for (int i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(listener);
}

static void cancelling_ends_a_pause_between_attempts(void **state)
{
    (void)state;
    struct cancellation *cancellation = cancellation_new();
    struct worker pausing[3];
    for (int i = 0; i < 3; i++)
        start(&pausing[i], "/429-minute", false, cancellation, 10 * HANGS_US);
    wait_until_received("/429-minute", 1);
    usleep(100000);
    int64_t begin_us = clock_monotonic_us();
    cancellation_cancel(cancellation);
    for (int i = 0; i < 3; i++) {
        pthread_join(pausing[i].thread, NULL);
        assert_true(pausing[i].ended_us - begin_us < HANGS_US / 2);
        assert_int_equal(pausing[i].status, ERROR_NETWORK_CANCELLED);
    }
    cancellation_free(cancellation);
}

static void a_full_queue_says_busy_and_a_deadline_holds_in_the_queue(void **state)
{
    (void)state;
    struct endpoint_options options = options_of();
    options.connections_max = 2;
    options.queue_max = 3;
    open_with(&options);
    struct cancellation *cancellation = cancellation_new();
    struct worker running[2], queued[3];
    for (int i = 0; i < 2; i++)
        start(&running[i], "/hang", false, cancellation, HANGS_US);
    wait_until_received("/hang", 2);
    for (int i = 0; i < 3; i++)
        start(&queued[i], "/ok", true, NULL, 3 * S);
    while (measured().queued < 3)
        usleep(1000);
    struct waiting long_enough = within(HANGS_US);
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(call("/ok", true, &long_enough), ERROR_NETWORK_BUSY); /* and does not wait for a place */
    assert_true(clock_monotonic_us() - begin_us < HANGS_US / 2);
    for (int i = 0; i < 3; i++) {
        pthread_join(queued[i].thread, NULL);
        assert_int_equal(queued[i].status, ERROR_NETWORK_TIMEOUT); /* not ambiguous: it was never sent */
    }
    assert_int_equal(hostile_received(server, "/ok"), 0);
    cancellation_cancel(cancellation);
    for (int i = 0; i < 2; i++)
        pthread_join(running[i].thread, NULL);
    cancellation_free(cancellation);
    struct waiting past = within(-1);
    assert_int_equal(call("/ok", true, &past), ERROR_NETWORK_TIMEOUT);
}

static void closing_an_endpoint_cancels_who_waits(void **state)
{
    (void)state;
    struct worker running, pausing;
    start(&running, "/hang", false, NULL, HANGS_US);
    wait_until_received("/hang", 1);
    start(&pausing, "/429-minute", false, NULL, 10 * HANGS_US);
    wait_until_received("/429-minute", 1);
    struct endpoint *closed = endpoint;
    endpoint_close(closed);
    endpoint = NULL;
    pthread_join(running.thread, NULL);
    pthread_join(pausing.thread, NULL);
    assert_int_equal(running.status, ERROR_NETWORK_CANCELLED);
    assert_int_equal(pausing.status, ERROR_NETWORK_CANCELLED);
}

/* --- many at once --------------------------------------------------------------------------------------- */
enum { CALLERS = 64 };
static unsigned each;
static bool with_writes;

static void *call_often(void *context)
{
    unsigned *wrong = context;
    for (unsigned i = 0; i < each; i++) {
        json_t *result = NULL;
        *wrong += rpc_call(endpoint, &(struct rpc_request){ .path = "/ok", .method = "m",
                           .write = with_writes && i % 2 == 0 }, NULL, &result, NULL, NULL) != OK;
        json_decref(result);
    }
    return NULL;
}

static unsigned crowd(unsigned callers, unsigned calls)
{
    pthread_t threads[CALLERS];
    unsigned wrong[CALLERS] = { 0 }, sum = 0;
    each = calls;
    for (unsigned i = 0; i < callers; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &wrong[i]), 0);
    for (unsigned i = 0; i < callers; i++) {
        pthread_join(threads[i], NULL);
        sum += wrong[i];
    }
    return sum;
}

static void the_pool_never_has_more_connections_than_it_may(void **state)
{
    (void)state;
    for (unsigned most = 1; most <= 8; most += 7) {
        struct endpoint_options options = options_of();
        options.connections_max = most;
        open_with(&options);
        with_writes = true; /* they open new connections beside the idle ones */
        assert_int_equal(crowd(CALLERS, SANITIZED ? 10 : 40), 0);
        assert_true(hostile_most_connections(server) <= most);
    }
    assert_true(hostile_connections(server) > CALLERS);
}

static double cpu_seconds(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The server's threads are in this number too. */
static void a_call_costs_less_than_a_millisecond_of_cpu(void **state)
{
    (void)state;
    unsigned calls = SANITIZED ? 50 : 500;
    with_writes = false;
    assert_int_equal(crowd(16, 5), 0);
    double before = cpu_seconds(RUSAGE_SELF);
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(crowd(16, calls), 0);
    double spent = cpu_seconds(RUSAGE_SELF) - before;
    double took = (double)(clock_monotonic_us() - begin_us) / 1e6;
    print_message("%u exchanges in %.3f s: %.0f a second, %.1f us of CPU each with the server's share\n",
                  16 * calls,
                  took, 16 * calls / took, spent / (16 * calls) * 1e6);
    assert_true(hostile_connections(server) <= 8);
    with_writes = true;
    begin_us = clock_monotonic_us();
    assert_int_equal(crowd(16, calls), 0);
    print_message("%.0f a second when half of them are writes\n",
                  16 * calls / ((double)(clock_monotonic_us() - begin_us) / 1e6));
    if (!SANITIZED)
        assert_true(spent / (16 * calls) < 1e-3);
}

/* --- TLS ------------------------------------------------------------------------------------------------ */
static pid_t run(const char *const *arguments, int *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        if (chdir(folder) == 0)
            execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    close(ends[1]);
    *output = ends[0];
    return child;
}

static bool run_to_end(const char *const *arguments)
{
    int output, status = -1;
    pid_t child = run(arguments, &output);
    char drain[256];
    while (child > 0 && read(output, drain, sizeof drain) > 0)
        ;
    close(output);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool make_certificate(const char *name, const char *alternative)
{
    char key[32], certificate[32], subject[64], extension[64];
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(certificate, sizeof certificate, "%s.pem", name);
    (void)snprintf(subject, sizeof subject, "/CN=%s", name);
    (void)snprintf(extension, sizeof extension, "subjectAltName=%s", alternative);
    const char *const arguments[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                      "ec_paramgen_curve:prime256v1",
                          "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", subject,
                              "-addext",
                          extension, NULL };
    return run_to_end(arguments);
}

/* openssl's own server, which answers GET /reply by the file's content. */
static pid_t serve_tls(const char *name, const char *version, unsigned *port)
{
    char key[32], certificate[32], text[256] = "";
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(certificate, sizeof certificate, "%s.pem", name);
    const char *const arguments[] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert",
                                      certificate,
                          "-HTTP", version, NULL };
    int output;
    pid_t child = run(arguments, &output);
    size_t size = 0;
    ssize_t got;
    *port = 0;
    while (child > 0 && *port == 0 && (got = read(output, text + size, sizeof text - 1 - size)) > 0) {
        size += (size_t)got;
        text[size] = '\0';
        const char *at = strstr(text, "ACCEPT 127.0.0.1:");
        if (at != NULL && strchr(at, '\n') != NULL)
            *port = (unsigned)strtoul(at + 17, NULL, 10);
    }
    close(output);
    return child;
}

static void stop_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static enum status get_reply(const char *host, unsigned port, const char *ca)
{
    char where[64], file[96];
    (void)snprintf(where, sizeof where, "https://%s:%u", host, port);
    (void)snprintf(file, sizeof file, "%s/%s", folder, ca == NULL ? "" : ca);
    struct endpoint_options options = options_of();
    options.url = where;
    options.ca_file = ca == NULL ? NULL : file;
    open_with(&options);
    struct http_reply reply;
    buffer_init(&reply.body);
    enum status status = http_exchange(endpoint, &(struct http_request){ .method = "GET", .path = "/reply" },
                                       NULL,
                                       &reply, &last);
    if (status == OK)
        assert_string_equal(buffer_text(&reply.body), "hello");
    buffer_close(&reply.body);
    return status;
}

static void only_the_pinned_certificate_and_its_host_are_trusted(void **state)
{
    (void)state;
    char file[96];
    (void)snprintf(file, sizeof file, "%s/reply", folder);
    write_file(file, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", 0600);
    if (!make_certificate("right", "IP:127.0.0.1") || !make_certificate("other", "IP:127.0.0.1")) {
        print_message("SKIPPED: no openssl command here, TLS is not tested\n");
        skip();
    }
    unsigned port;
    pid_t child = serve_tls("right", NULL, &port);
    assert_true(child > 0 && port > 0);
    assert_int_equal(get_reply("127.0.0.1", port, "right.pem"), OK);
    assert_int_equal(get_reply("127.0.0.1", port, "right.pem"), OK);
    assert_int_equal(get_reply("127.0.0.1", port, "other.pem"), ERROR_NETWORK_TLS); /* wrong authority */
    assert_int_equal(get_reply("127.0.0.1", port, NULL), ERROR_NETWORK_TLS);        /* self-signed */
    assert_int_equal(get_reply("localhost", port, "right.pem"), ERROR_NETWORK_TLS); /* wrong host */
    assert_int_equal(call(NULL, true, NULL), ERROR_NETWORK_TLS); /* nothing was sent: not ambiguous */
    stop_child(child);
    child = serve_tls("right", "-tls1_1", &port);
    if (port > 0)
        assert_int_equal(get_reply("127.0.0.1", port, "right.pem"), ERROR_NETWORK_TLS);
    stop_child(child);
    struct endpoint_options options = options_of();
    char where[64];
    (void)snprintf(where, sizeof where, "https://127.0.0.1:%u", hostile_port(server)); /* speaks no TLS */
    options.url = where;
    open_with(&options);
    struct waiting soon = within(200 * MS);
    enum status status = call("/ok", true, &soon);
    assert_true(status == ERROR_NETWORK_TLS || status == ERROR_NETWORK_TIMEOUT
                || status == ERROR_NETWORK_TRANSPORT);
    static const char *const files[] = { "reply", "right.key", "right.pem", "other.key", "other.pem" };
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", folder, files[i]);
        unlink(file);
    }
}

/* -------------------------------------------------------------------------------------------------------- */
static int start_all(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/layerd-transport-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    /* what the environment says about proxies is not heard: every test would fail if it were */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    transport = transport_start();
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    transport_stop(transport);
    return rmdir(folder);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define socket_test(name) cmocka_unit_test_setup_teardown(name, begin_socket, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        test(a_call_is_answered_and_connections_are_used_again),
        test(a_reply_of_http_comes_back_with_its_status),
        test(of_a_stream_of_lines_the_last_one_is_kept),
        test(nobody_there_is_a_transport_error_also_of_a_write),
        test(a_silent_or_slow_server_ends_in_a_timeout_and_a_write_is_ambiguous),
        test(a_read_that_hangs_is_given_up_and_asked_again_and_a_write_has_all_its_time),
        test(a_connection_reset_in_the_body_is_retried_for_a_read_and_ambiguous_for_a_write),
        test(server_errors_are_retried_for_reads_alone),
        test(too_many_requests_wait_as_long_as_the_server_says),
        test(a_server_with_none_left_is_not_asked_before_its_reset),
        test(our_own_rate_limit_holds),
        test(redirects_are_named_and_not_followed),
        test(what_is_no_http_is_a_protocol_error),
        test(a_gibibyte_is_cut_off_at_the_cap),
        test(five_failures_open_the_circuit_and_then_nobody_is_asked),
        test(errors_of_the_application_do_not_open_it),
        test(a_write_never_goes_out_on_a_used_connection),
        test(a_cookie_that_changed_is_read_again_on_401_also_for_a_write),
        test(a_401_with_the_old_file_in_hand_is_tried_once_more_with_the_new_one),
        test(a_page_that_repeats_a_key_is_not_shown),
        test(what_cannot_be_opened_is_refused_at_once),
        test(what_is_no_reply_to_the_request_is_refused_and_blamed),
        test(elements_errors_come_with_http_404_and_500_and_are_refusals),
        test(a_batch_is_answered_in_any_order_and_each_id_once),
        socket_test(a_socket_answers_in_pieces_and_without_a_blank_line),
        socket_test(a_socket_that_misbehaves_ends_in_the_same_errors),
        test(a_url_is_taken_from_a_file_that_nobody_else_can_read),
        test(a_cancelled_exchange_ends_at_once_wherever_it_is),
        test(no_connection_in_time_is_a_transport_error_and_cancelling_ends_the_attempt),
        test(cancelling_ends_a_pause_between_attempts),
        test(a_full_queue_says_busy_and_a_deadline_holds_in_the_queue),
        test(closing_an_endpoint_cancels_who_waits),
        test(the_pool_never_has_more_connections_than_it_may),
        test(a_call_costs_less_than_a_millisecond_of_cpu),
        test(only_the_pinned_certificate_and_its_host_are_trusted),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("network transport", tests, start_all, stop_all);
}
