/* The flag is cleared before the I/O thread looks into the lists, so what is put there afterwards wakes
 * it again: no hand-over is ever left lying. */
#include "api/wake.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"

static _Thread_local bool hands_over_in_batches;

static void on_readable(void *context)
{
    struct wake *wake = context;
    uint64_t count;
    ssize_t got = read(wake->descriptor, &count, sizeof count);
    (void)got; /* nothing there is fine: the lists tell what is to be done */
    atomic_store(&wake->pending, false);
    if (atomic_exchange(&wake->batch, false))
        wake->batches++;
    wake->woken(wake->context);
}

void wake_open(struct wake *wake, struct event_base *base, void (*woken)(void *context), void *context)
{
    wake->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake->descriptor < 0)
        resource_exhausted("file descriptors");
    atomic_init(&wake->pending, false);
    atomic_init(&wake->batch, false);
    wake->batches = 0;
    wake->woken = woken;
    wake->context = context;
    watch_open(&wake->readable, base, WATCH_READ, wake->descriptor, on_readable, wake);
    watch_start(&wake->readable);
}

void wake_close(struct wake *wake)
{
    watch_close(&wake->readable);
    close(wake->descriptor);
}

static void write_once(struct wake *wake)
{
    if (atomic_exchange(&wake->pending, true))
        return;
    uint64_t one = 1;
    ssize_t written = write(wake->descriptor, &one, sizeof one);
    INVARIANT(written == (ssize_t)sizeof one, "the eventfd took %zd bytes", written);
}

void wake_signal(struct wake *wake)
{
    if (!hands_over_in_batches)
        write_once(wake);
}

void wake_batch_begin(void)
{
    hands_over_in_batches = true;
}

void wake_batch(struct wake *wake)
{
    hands_over_in_batches = true;
    atomic_store(&wake->batch, true);
    write_once(wake);
}

void wake_batch_end(void)
{
    hands_over_in_batches = false;
}
