/* Memory for an event is had when it is opened; starting and stopping allocate nothing of ours. */
#include "api/watch.h"

#include <event2/event.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/memory.h"

static void on_event(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct watch *watch = context;
    watch->ready(watch->context);
}

void watch_open(struct watch *watch, struct event_base *base, enum watch_kind kind, int descriptor,
                void (*ready)(void *context), void *context)
{
    short flags = 0;
    switch (kind) {
    case WATCH_READ:
        flags = EV_READ | EV_PERSIST;
        break;
    case WATCH_WRITE:
        flags = EV_WRITE | EV_PERSIST;
        break;
    case WATCH_TIMER:
        break;
    }
    watch->ready = ready;
    watch->context = context;
    watch->event = event_new(base, descriptor, flags, on_event, watch);
    if (watch->event == NULL)
        resource_exhausted("events of the loop");
}

void watch_start(struct watch *watch)
{
    if (event_add(watch->event, NULL) != 0)
        resource_exhausted("events of the loop");
}

void watch_start_timer(struct watch *watch, int64_t after_us)
{
    if (after_us < 0)
        after_us = 0;
    struct timeval after = {
        .tv_sec = after_us / MICROSECONDS_PER_SECOND,
        .tv_usec = after_us % MICROSECONDS_PER_SECOND,
    };
    if (event_add(watch->event, &after) != 0)
        resource_exhausted("events of the loop");
}

void watch_stop(struct watch *watch)
{
    event_del(watch->event);
}

void watch_close(struct watch *watch)
{
    if (watch->event == NULL)
        return;
    event_free(watch->event); /* stops it, too */
    watch->event = NULL;
}
