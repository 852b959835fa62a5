/* Two servers, one wake. The executor's thread only puts things on lists; the I/O thread takes them,
 * events first, then replies, so that whoever was answered finds the events of the answer. */
#include "api/api.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "api/event_server.h"
#include "api/rpc_server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "api"
#define RPC_SOCKET "layerd.sock"
#define EVENT_SOCKET "events.sock"
#define LINE_TIMEOUT_DEFAULT_US (30 * MICROSECONDS_PER_SECOND)
#define DRAIN_US MICROSECONDS_PER_SECOND /* at the end, for clients to take what is left */
#define CONNECTIONS_DEFAULT 1024
#define AWAKE_US 300 /* after a hand-over: two commits on a fast disk */

struct api {
    struct api_options options;
    char *directory, *hold_method;
    int64_t *operator_uids;
    struct wake wake;
    atomic_bool broken; /* api_run is to return */
    struct event_server *events;
    struct rpc_server *rpc; /* NULL until it listens */
    struct {
        atomic_uint_fast64_t connections, subscribers, requests, deliveries, refused, ring_bytes;
    } counters;
};

static void on_woken(void *context)
{
    struct api *api = context;
    if (api->rpc == NULL || api->events->listener == NULL)
        return; /* not listening yet: the lists are looked at then */
    event_server_take(api->events);
    rpc_server_collect(api->rpc);
    event_server_collect(api->events);
}

struct api *api_new(const struct api_options *options)
{
    struct api *api = memory_new(sizeof *api);
    api->options = *options;
    api->directory = text_copy(options->directory);
    api->hold_method = text_copy(options->hold_method);
    if (options->operator_uid_count > 0)
        api->operator_uids = memory_copy(options->operator_uids,
                                         options->operator_uid_count * sizeof *options->operator_uids);
    wake_open(&api->wake, options->base, on_woken, api);
    api->events = event_server_new();
    return api;
}

void api_run(struct api *api)
{
    uint64_t seen = api->wake.batches;
    int64_t awake_until_us = 0;
    bool awake = false;

    while (!atomic_load(&api->broken)) {
        int ended = event_base_loop(api->options.base, awake ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
        INVARIANT(ended >= 0, "the I/O thread's loop failed");
        if (api->wake.batches != seen) {
            seen = api->wake.batches;
            awake_until_us = clock_monotonic_us() + AWAKE_US;
            awake = true;
        } else if (awake) {
            awake = clock_monotonic_us() < awake_until_us;
            sched_yield();
        }
    }
}

void api_break(struct api *api)
{
    atomic_store(&api->broken, true);
    wake_signal(&api->wake);
}

static struct listener_options listener_options(struct api *api, const char *path)
{
    const struct api_options *o = &api->options;
    size_t connections = o->connections_max == 0 ? CONNECTIONS_DEFAULT : o->connections_max;
    return (struct listener_options){
        .base = o->base,
        .path = path,
        .operator_uids = api->operator_uids,
        .operator_uid_count = o->operator_uid_count,
        .connections_max = connections,
        .connections_per_uid = o->connections_per_uid == 0 ? connections : o->connections_per_uid,
        .kept_bytes_max = o->unsent_bytes_max == 0 ? LISTENER_KEPT_MAX : o->unsent_bytes_max,
        .line_timeout_us = o->idle_line_timeout_us == 0 ? LINE_TIMEOUT_DEFAULT_US : o->idle_line_timeout_us,
        .connection_count = &api->counters.connections,
        .refused_count = &api->counters.refused,
    };
}

static size_t ring_bytes(const struct api_options *options)
{
    if (options->ring_bytes == 0)
        return RING_BYTES_DEFAULT;
    if (options->ring_bytes < RING_BYTES_MIN)
        return RING_BYTES_MIN;
    return options->ring_bytes < RING_BYTES_MAX ? options->ring_bytes : RING_BYTES_MAX;
}

enum status api_listen(struct api *api, struct kernel *kernel, struct error *error)
{
    wake_batch_end(); /* the kernel's start ran on this thread, which is the I/O thread's from here on */
    char *rpc_path AUTO_FREE = text_format("%s/" RPC_SOCKET, api->directory);
    char *event_path AUTO_FREE = text_format("%s/" EVENT_SOCKET, api->directory);
    const struct event_server_options events = {
        .listener = listener_options(api, event_path),
        .wake = &api->wake,
        .kernel = kernel,
        .ring_bytes = ring_bytes(&api->options),
        .subscriber_count = &api->counters.subscribers,
        .delivery_count = &api->counters.deliveries,
        .request_count = &api->counters.requests,
        .ring_bytes_now = &api->counters.ring_bytes,
    };
    const struct rpc_server_options rpc = {
        .listener = listener_options(api, rpc_path),
        .wake = &api->wake,
        .kernel = kernel,
        .hold_method = api->hold_method,
        .calls_max = api->options.calls_max == 0 ? SIZE_MAX : api->options.calls_max,
        .calls_bytes_max =
            api->options.calls_bytes_max == 0 ? RPC_IN_FLIGHT_TOTAL : api->options.calls_bytes_max,
        .request_count = &api->counters.requests,
    };
    TRY(event_server_open(api->events, &events, error));
    TRY(rpc_server_open(&rpc, &api->rpc, error));
    event_server_take(api->events);
    log_info("listening at %s and %s", rpc_path, event_path);
    return OK;
}

void api_publish(void *context, struct publication *publication)
{
    struct api *api = context;
    wake_batch_begin();
    event_server_publish(api->events, publication);
}

void api_wake(void *context)
{
    struct api *api = context;
    wake_batch(&api->wake);
}

void api_pause(struct api *api)
{
    if (api->rpc != NULL)
        rpc_server_pause(api->rpc);
    event_server_pause(api->events);
}

void api_finish(struct api *api)
{
    wake_batch_end(); /* the kernel's stop ran on this thread */
    event_server_finish(api->events);
    if (api->events->listener != NULL)
        listener_drain(api->events->listener, DRAIN_US);
    if (api->rpc == NULL)
        return;
    rpc_server_collect(api->rpc);
    listener_drain(api->rpc->listener, DRAIN_US);
    rpc_server_release(api->rpc);
    rpc_server_collect(api->rpc);
    listener_drain(api->rpc->listener, DRAIN_US);
}

void api_free(struct api *api)
{
    if (api == NULL)
        return;
    rpc_server_close(api->rpc);
    event_server_free(api->events);
    wake_close(&api->wake);
    free(api->operator_uids);
    free(api->directory);
    free(api->hold_method);
    free(api);
}

void api_counters(const struct api *api, struct api_counters *counters)
{
    *counters = (struct api_counters){
        .connections = atomic_load(&api->counters.connections),
        .subscribers = atomic_load(&api->counters.subscribers),
        .requests = atomic_load(&api->counters.requests),
        .deliveries = atomic_load(&api->counters.deliveries),
        .refused_connections = atomic_load(&api->counters.refused),
        .ring_bytes = atomic_load(&api->counters.ring_bytes),
    };
}
