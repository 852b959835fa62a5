/* Opening and closing an endpoint, and what it tells about itself. */
#include "network/transport/endpoint.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "network/transport/exchange.h"
#include "network/transport/pool.h"

#define CONNECTIONS_DEFAULT 8
#define FILE_PREFIX "file:"
#define QUEUE_DEFAULT 256
#define QUEUE_MOST 65536
#define TIMEOUT_DEFAULT_US (10 * MICROSECONDS_PER_SECOND)
#define TIMEOUT_MOST_US (86400 * MICROSECONDS_PER_SECOND)
#define BODY_DEFAULT ((uint64_t)16 << 20)
#define BODY_MOST ((uint64_t)1 << 30)
#define RATE_MOST 1e6
#define CA_FILE_MAX (1 << 20)

/* --- what may be opened --------------------------------------------------------------------------------- */
static enum status check_numbers(const struct endpoint_options *options, struct error *error)
{
    if (options->connections_max > ENDPOINT_CONNECTIONS_MOST)
        return error_set(error, ERROR_NETWORK_OPTIONS, "connections: 1 to %d, or 0 for %d; not %llu",
                         ENDPOINT_CONNECTIONS_MOST, CONNECTIONS_DEFAULT,
                         (unsigned long long)options->connections_max);
    if (options->queue_max > QUEUE_MOST)
        return error_set(error, ERROR_NETWORK_OPTIONS, "a queue of %u; at most %d", options->queue_max,
                         QUEUE_MOST);
    if (options->timeout_us < 0 || options->timeout_us > TIMEOUT_MOST_US)
        return error_set(error, ERROR_NETWORK_OPTIONS, "a time limit of %lld us; at most a day",
                         (long long)options->timeout_us);
    if (options->body_max > BODY_MOST)
        return error_set(error, ERROR_NETWORK_OPTIONS, "replies of %llu bytes; at most 1 GiB",
                         (unsigned long long)options->body_max);
    if (!(options->rate >= 0 && options->rate <= RATE_MOST && options->burst >= 0
          && options->burst <= RATE_MOST))
        return error_set(error, ERROR_NETWORK_OPTIONS,
                         "a rate of %g a second and a burst of %g; each 0 to %g",
                         options->rate, options->burst, RATE_MOST);
    return OK;
}

static void close_file(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

/* libcurl reads it when it first connects; who wrote the wrong name learns it now. */
static enum status check_ca_file(const char *path, struct error *error)
{
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) /* a pipe would hold up who opens it */
        return error_set(error, ERROR_NETWORK_OPTIONS, "the certificate file '%s' is no regular file", path);
    FILE *file CLEANUP(close_file) = fopen(path, "re");
    if (file == NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "the certificate file '%s' cannot be opened", path);
    char *text AUTO_FREE = memory_new(CA_FILE_MAX + 1);
    size_t size = fread(text, 1, CA_FILE_MAX, file);
    if (memmem(text, size, "-----BEGIN CERTIFICATE-----", 27) == NULL
        && memmem(text, size, "-----BEGIN TRUSTED CERTIFICATE-----", 35) == NULL)
        return error_set(error, ERROR_NETWORK_OPTIONS, "'%s' holds no certificate in PEM", path);
    return OK;
}

static enum status check_together(const struct endpoint_options *options, const struct endpoint_url *url,
                                  struct error *error)
{
    bool secret = options->credential != CREDENTIAL_NONE;
    if (url->is_socket != options->socket)
        return error_set(error, ERROR_NETWORK_OPTIONS, options->socket
                         ? "this server is reached over a Unix socket: unix:/path is expected"
                         : "this server speaks HTTP, and not over a Unix socket: http:// or https:// is "
                           "expected, not unix:");
    if (secret && url->is_socket)
        return error_set(error, ERROR_NETWORK_OPTIONS, "a socket takes no credentials");
    if (secret && url->plain && !url->loopback)
        return error_set(error, ERROR_NETWORK_OPTIONS, "%s is http: credentials would go there for all to "
                         "read; https is needed", url->label);
    if (options->ca_file != NULL && (url->is_socket || url->plain))
        return error_set(error, ERROR_NETWORK_OPTIONS, "%s has no certificate to check against '%s'",
                         url->label, options->ca_file);
    return options->ca_file == NULL ? OK : check_ca_file(options->ca_file, error);
}

/* --- open and close ------------------------------------------------------------------------------------- */
static void open_pool(void *context)
{
    pool_open(context);
}

static void init_locks(struct endpoint *endpoint)
{
    pthread_condattr_t attributes;
    bool ready = pthread_mutex_init(&endpoint->lock, NULL) == 0 && pthread_condattr_init(&attributes) == 0
                 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
                 && pthread_cond_init(&endpoint->stirred, &attributes) == 0;
    INVARIANT(ready, "the system gives no lock");
    pthread_condattr_destroy(&attributes);
}

static void free_endpoint(struct endpoint *endpoint)
{
    credential_close(endpoint->credential);
    endpoint_url_close(&endpoint->url);
    pthread_cond_destroy(&endpoint->stirred);
    pthread_mutex_destroy(&endpoint->lock);
    free(endpoint->name);
    free(endpoint->ca_file);
    free(endpoint);
}

static void fill(struct endpoint *endpoint, const struct endpoint_options *options)
{
    endpoint->name = text_copy(options->name == NULL ? "network" : options->name);
    endpoint->ca_file = text_copy(options->ca_file);
    endpoint->carrier = endpoint->url.is_socket ? &socket_carrier : &http_carrier;
    endpoint->connections_max =
        options->connections_max == 0 ? CONNECTIONS_DEFAULT : (unsigned)options->connections_max;
    endpoint->queue_max = options->queue_max == 0 ? QUEUE_DEFAULT : options->queue_max;
    endpoint->timeout_us = options->timeout_us == 0 ? TIMEOUT_DEFAULT_US : options->timeout_us;
    endpoint->body_max = options->body_max == 0 ? BODY_DEFAULT : options->body_max;
    endpoint->warned_us = INT64_MIN / 2;
    randombytes_buf(&endpoint->random, sizeof endpoint->random);
    breaker_init(&endpoint->breaker);
    retry_budget_init(&endpoint->budget);
    rate_limiter_init(&endpoint->limiter, options->rate, options->burst, clock_monotonic_us());
}

static bool begins_with(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* As it is given, or from the file that holds it; freed by the caller. */
static enum status take_url(const char *given, char **text, struct error *error)
{
    if (begins_with(given, FILE_PREFIX))
        return credential_read(given + strlen(FILE_PREFIX), text, error);
    if (begins_with(given, CREDENTIAL_PREFIX))
        return credential_read(given, text, error);
    *text = text_copy(given);
    return OK;
}

static enum status parse_url(const char *given, struct endpoint_url *url, struct error *error)
{
    char *text;
    TRY(take_url(given, &text, error));
    enum status status = endpoint_url_parse(text, url, error);
    memory_free_wiped(text);
    return status;
}

enum status endpoint_open(struct transport *transport, const struct endpoint_options *options,
                          struct endpoint **endpoint, struct error *error)
{
    TRY(check_numbers(options, error));
    struct endpoint *made = memory_new(sizeof *made);
    made->transport = transport;
    init_locks(made);
    enum status status = parse_url(options->url, &made->url, error);
    if (status == OK)
        status = check_together(options, &made->url, error);
    if (status == OK && options->credential != CREDENTIAL_NONE)
        status = credential_open(options->credential, options->credential_file, options->header,
                                 &made->credential, error);
    if (status != OK) {
        free_endpoint(made);
        return status;
    }
    fill(made, options);
    transport_run(transport, open_pool, made);
    *endpoint = made;
    return OK;
}

static void end_all(void *context)
{
    pool_end_all(context);
}

static void close_pool(void *context)
{
    pool_close(context);
}

void endpoint_close(struct endpoint *endpoint)
{
    if (endpoint == NULL)
        return;
    pthread_mutex_lock(&endpoint->lock);
    endpoint->closing = true;
    pthread_cond_broadcast(&endpoint->stirred);
    pthread_mutex_unlock(&endpoint->lock);
    transport_run(endpoint->transport, end_all, endpoint);
    pthread_mutex_lock(&endpoint->lock);
    while (endpoint->callers > 0)
        pthread_cond_wait(&endpoint->stirred, &endpoint->lock);
    pthread_mutex_unlock(&endpoint->lock);
    transport_run(endpoint->transport, close_pool, endpoint);
    free_endpoint(endpoint);
}

/* --- about itself --------------------------------------------------------------------------------------- */
const char *endpoint_label(const struct endpoint *endpoint)
{
    return endpoint->url.label;
}

const char *endpoint_name(const struct endpoint *endpoint)
{
    return endpoint->name;
}

bool endpoint_is_socket(const struct endpoint *endpoint)
{
    return endpoint->url.is_socket;
}

uint64_t endpoint_next_ids(struct endpoint *endpoint, size_t count)
{
    return atomic_fetch_add_explicit(&endpoint->next_id, count, memory_order_relaxed) + 1;
}

void endpoint_measure(struct endpoint *endpoint, struct endpoint_metrics *metrics)
{
    static const unsigned percents[] = { 50, 99 };
    uint64_t latencies[2];
    pthread_mutex_lock(&endpoint->lock);
    struct latency latency = endpoint->latency;
    *metrics = (struct endpoint_metrics){
        .active_connections = endpoint->active,
        .connections_max = endpoint->connections_max,
        .queued = endpoint->outstanding - endpoint->active,
        .pool_utilization = (double)endpoint->active / endpoint->connections_max,
        .exchanges = endpoint->exchanges,
        .failures = endpoint->failures,
        .retries = endpoint->retries,
        .refused = endpoint->refused,
        .breaker = breaker_state_name(endpoint->breaker.state),
    };
    pthread_mutex_unlock(&endpoint->lock);
    latency_percentiles(&latency, percents, 2, latencies); /* sorts: outside the lock */
    metrics->latency_us_p50 = latencies[0];
    metrics->latency_us_p99 = latencies[1];
}
