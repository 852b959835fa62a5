/* Cancelling what waits: once, for good, from any thread. */
#ifndef NETWORK_TRANSPORT_CANCELLATION_H
#define NETWORK_TRANSPORT_CANCELLATION_H

#include <stdbool.h>

struct cancellation;

struct cancellation *cancellation_new(void);
void cancellation_cancel(struct cancellation *cancellation); /* wakes everybody who waits under it */
bool cancellation_requested(struct cancellation *cancellation); /* NULL: never */
void cancellation_free(struct cancellation *cancellation); /* once nobody waits under it; NULL is fine */

/* Who waits tells how to wake him. `wake` runs at most once, on the thread that cancels, between begin and
 * end and never after; it must not call into the same cancellation. With a NULL cancellation both do
 * nothing. When it is cancelled already, `begin` wakes at once. */
struct cancellation_watch {
    void (*wake)(void *context);
    void *context;
    struct cancellation_watch *before, *after; /* the cancellation's own */
};
void cancellation_watch_begin(struct cancellation *cancellation, struct cancellation_watch *watch);
void cancellation_watch_end(struct cancellation *cancellation, struct cancellation_watch *watch);

#endif
