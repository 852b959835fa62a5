/* Who waits for a server, in the order in which they came, and who is let go: a slot is free, the rate limit
 * has tokens, the breaker is not open. A wait that cannot end in time is refused as soon as that is known. */
#include "network/transport/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "network/transport/cancellation.h"

#define LOG_ROOM "network"
#define UTILIZATION_WARN_PERCENT 80
#define UTILIZATION_WARN_EVERY_US (60 * MICROSECONDS_PER_SECOND)

uint64_t endpoint_random(struct endpoint *endpoint)
{
    /* splitmix64 (public domain, S. Vigna): a counter, mixed */
    uint64_t z = endpoint->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct timeval interval(int64_t wait_us)
{
    if (wait_us < 0)
        wait_us = 0;
    return (struct timeval){ .tv_sec = wait_us / MICROSECONDS_PER_SECOND,
                             .tv_usec = wait_us % MICROSECONDS_PER_SECOND };
}

/* --- the end ------------------------------------------------------------------------------------------- */
static void hand_back(struct exchange *exchange, struct outcome outcome)
{
    struct endpoint *endpoint = exchange->endpoint;
    event_del(&exchange->expiry);
    bool ran = exchange->running;
    exchange->outcome = outcome;
    pthread_mutex_lock(&endpoint->lock);
    endpoint->outstanding--;
    if (ran) {
        endpoint->active--;
        latency_add(&endpoint->latency, outcome.took_us);
    } else {
        endpoint->refused++;
    }
    pthread_mutex_unlock(&endpoint->lock);
    /* under the lock: the caller cannot take the exchange off his stack before it is released */
    pthread_mutex_lock(&exchange->lock);
    exchange->has_ended = true;
    pthread_cond_signal(&exchange->ended);
    pthread_mutex_unlock(&exchange->lock);
}

static void dispatch(struct endpoint *endpoint);

void pool_ended(struct exchange *exchange, struct outcome outcome)
{
    struct endpoint *endpoint = exchange->endpoint;
    TAILQ_REMOVE(&endpoint->running, exchange, link);
    outcome.took_us = clock_monotonic_us() - exchange->started_us;
    hand_back(exchange, outcome);
    dispatch(endpoint);
}

static void refuse(struct exchange *exchange, enum ending ending)
{
    struct endpoint *endpoint = exchange->endpoint;
    TAILQ_REMOVE(&endpoint->waiting, exchange, link);
    endpoint->waiting_cost -= exchange->cost;
    if (TAILQ_EMPTY(&endpoint->waiting))
        endpoint->waiting_cost = 0;
    hand_back(exchange, (struct outcome){ .ending = ending });
}

static void end_now(struct exchange *exchange, enum ending running, enum ending waiting)
{
    if (exchange->running)
        pool_ended(exchange, (struct outcome){ .ending = running,
                                               .sent = exchange->endpoint->carrier->abandon(exchange) });
    else
        refuse(exchange, waiting);
}

static void on_expiry(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    end_now(context, ENDING_TIMEOUT, ENDING_LATE);
}

void pool_end_cancelled(struct endpoint *endpoint)
{
    struct exchange *next;
    for (struct exchange *e = TAILQ_FIRST(&endpoint->waiting); e != NULL; e = next) {
        next = TAILQ_NEXT(e, link);
        if (cancellation_requested(e->cancellation))
            refuse(e, ENDING_CANCELLED);
    }
    for (struct exchange *e = TAILQ_FIRST(&endpoint->running); e != NULL; e = next) {
        next = TAILQ_NEXT(e, link);
        if (cancellation_requested(e->cancellation))
            end_now(e, ENDING_CANCELLED, ENDING_CANCELLED);
    }
    dispatch(endpoint);
}

/* --- letting go ----------------------------------------------------------------------------------------- */
static void warn_of_utilization(struct endpoint *endpoint, int64_t now_us)
{
    unsigned percent = endpoint->active * 100 / endpoint->connections_max;
    if (percent <= UTILIZATION_WARN_PERCENT || endpoint->connections_max == 1
        || now_us < endpoint->warned_us + UTILIZATION_WARN_EVERY_US)
        return;
    endpoint->warned_us = now_us;
    log_warn("%s (%s): %u of %u connections are in use; this is said once a minute at most", endpoint->name,
             endpoint->url.label, endpoint->active, endpoint->connections_max);
}

static bool admit(struct exchange *exchange, int64_t now_us)
{
    struct endpoint *endpoint = exchange->endpoint;
    pthread_mutex_lock(&endpoint->lock);
    bool admitted = breaker_admit(&endpoint->breaker, now_us, &exchange->ticket);
    if (admitted) {
        endpoint->active++;
        endpoint->exchanges++;
        warn_of_utilization(endpoint, now_us);
    }
    pthread_mutex_unlock(&endpoint->lock);
    return admitted;
}

static void start(struct exchange *exchange, int64_t now_us)
{
    struct endpoint *endpoint = exchange->endpoint;
    TAILQ_REMOVE(&endpoint->waiting, exchange, link);
    endpoint->waiting_cost -= exchange->cost;
    if (TAILQ_EMPTY(&endpoint->waiting))
        endpoint->waiting_cost = 0;
    rate_limiter_take(&endpoint->limiter, exchange->cost, now_us);
    exchange->admitted = exchange->running = true;
    exchange->started_us = now_us;
    TAILQ_INSERT_TAIL(&endpoint->running, exchange, link);
    if (exchange->limit_us < exchange->deadline_us - now_us) {
        struct timeval limit = interval(exchange->limit_us);
        event_add(&exchange->expiry, &limit);
    }
    endpoint->carrier->start(exchange);
}

/* Carriers may end an exchange inside `start`, which comes back here: the loop of the outermost call goes
 * on from the queue's new head, so the inner one has nothing to do. */
static void dispatch(struct endpoint *endpoint)
{
    if (endpoint->dispatching)
        return;
    endpoint->dispatching = true;
    struct exchange *head;
    while ((head = TAILQ_FIRST(&endpoint->waiting)) != NULL) {
        int64_t now_us = clock_monotonic_us();
        if (endpoint->active >= endpoint->connections_max)
            break;
        int64_t ready_us = rate_limiter_ready_us(&endpoint->limiter, 0, head->cost, now_us);
        if (ready_us > now_us) {
            struct timeval wait = interval(ready_us - now_us);
            event_add(&endpoint->dispatch, &wait);
            break;
        }
        if (admit(head, now_us))
            start(head, now_us);
        else
            refuse(head, ENDING_CIRCUIT_OPEN);
    }
    endpoint->dispatching = false;
}

static void on_dispatch(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    dispatch(context);
}

void pool_pause(struct endpoint *endpoint, int64_t wait_us)
{
    int64_t now_us = clock_monotonic_us();
    rate_limiter_pause(&endpoint->limiter, now_us, now_us + wait_us);
    struct exchange *next;
    for (struct exchange *e = TAILQ_FIRST(&endpoint->waiting); e != NULL; e = next) {
        next = TAILQ_NEXT(e, link);
        if (e->deadline_us <= endpoint->limiter.paused_until_us)
            refuse(e, ENDING_RATE_LIMITED);
    }
}

/* --- coming in ------------------------------------------------------------------------------------------ */
static void enter(struct task *task)
{
    struct exchange *exchange = (struct exchange *)task;
    struct endpoint *endpoint = exchange->endpoint;
    int64_t now_us = clock_monotonic_us();
    int64_t ready_us =
        rate_limiter_ready_us(&endpoint->limiter, endpoint->waiting_cost, exchange->cost, now_us);
    evtimer_assign(&exchange->expiry, transport_base(endpoint->transport), on_expiry, exchange);
    struct timeval wait = interval(exchange->deadline_us - now_us);
    event_add(&exchange->expiry, &wait);
    TAILQ_INSERT_TAIL(&endpoint->waiting, exchange, link);
    endpoint->waiting_cost += exchange->cost;
    if (endpoint->closed || cancellation_requested(exchange->cancellation))
        refuse(exchange, ENDING_CANCELLED);
    else if (ready_us > now_us && ready_us >= exchange->deadline_us)
        refuse(exchange, ENDING_RATE_LIMITED);
    else
        dispatch(endpoint);
}

static enum status reserve(struct endpoint *endpoint, struct error *error)
{
    enum status status = OK;
    char failure[sizeof endpoint->failure];
    pthread_mutex_lock(&endpoint->lock);
    memcpy(failure, endpoint->failure, sizeof failure);
    if (breaker_refuses(&endpoint->breaker, clock_monotonic_us()))
        status = ERROR_NETWORK_CIRCUIT_OPEN;
    else if (endpoint->outstanding >= endpoint->connections_max + endpoint->queue_max)
        status = ERROR_NETWORK_BUSY;
    if (status == OK)
        endpoint->outstanding++;
    else
        endpoint->refused++;
    pthread_mutex_unlock(&endpoint->lock);
    if (status == ERROR_NETWORK_BUSY)
        return error_set(error, status, "%s (%s): %u requests are under way and %u more wait", endpoint->name,
                         endpoint->url.label, endpoint->connections_max, endpoint->queue_max);
    if (status != OK)
        return error_set(error, status, "%s (%s): %s; it failed too often and is left alone for a while",
                         endpoint->name, endpoint->url.label, failure);
    return OK;
}

enum status pool_exchange(struct exchange *exchange, struct error *error)
{
    TRY(reserve(exchange->endpoint, error));
    exchange->task.run = enter;
    transport_post(exchange->endpoint->transport, &exchange->task);
    pthread_mutex_lock(&exchange->lock);
    while (!exchange->has_ended)
        pthread_cond_wait(&exchange->ended, &exchange->lock);
    pthread_mutex_unlock(&exchange->lock);
    return OK;
}

/* --- open and close ------------------------------------------------------------------------------------- */
void pool_open(struct endpoint *endpoint)
{
    TAILQ_INIT(&endpoint->waiting);
    TAILQ_INIT(&endpoint->running);
    evtimer_assign(&endpoint->dispatch, transport_base(endpoint->transport), on_dispatch, endpoint);
    endpoint->carrier->open(endpoint);
    transport_add_endpoint(endpoint->transport, endpoint);
}

void pool_end_all(struct endpoint *endpoint)
{
    struct exchange *exchange;
    endpoint->closed = true;
    while ((exchange = TAILQ_FIRST(&endpoint->waiting)) != NULL)
        refuse(exchange, ENDING_CANCELLED);
    while ((exchange = TAILQ_FIRST(&endpoint->running)) != NULL)
        end_now(exchange, ENDING_CANCELLED, ENDING_CANCELLED);
}

void pool_close(struct endpoint *endpoint)
{
    INVARIANT(endpoint->outstanding == 0, "an exchange outlived its caller");
    transport_remove_endpoint(endpoint->transport, endpoint);
    event_del(&endpoint->dispatch);
    endpoint->carrier->close(endpoint);
}
