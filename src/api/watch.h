/* What the I/O thread's loop watches: a descriptor to read from or write to, or a moment. Hides libevent,
 * whose `struct event` is not ours. On the I/O thread only. */
#ifndef API_WATCH_H
#define API_WATCH_H

#include <stdint.h>

struct event_base;

enum watch_kind {
    WATCH_READ,  /* calls whenever there is something to read */
    WATCH_WRITE, /* calls whenever there is room to write */
    WATCH_TIMER, /* calls once after watch_start_timer */
};

struct watch {
    void *event; /* libevent's; NULL: closed */
    void (*ready)(void *context);
    void *context;
};

/* `descriptor` is −1 for a timer. */
void watch_open(struct watch *watch, struct event_base *base, enum watch_kind kind, int descriptor,
                void (*ready)(void *context), void *context);
void watch_start(struct watch *watch);
void watch_start_timer(struct watch *watch, int64_t after_us); /* again: the new moment counts */
void watch_stop(struct watch *watch);
void watch_close(struct watch *watch); /* fine on a closed one */

#endif
