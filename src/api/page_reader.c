/* The lock hands a page over and back: the thread writes to `pages[reading]` alone, and only between
 * page_reader_ask and the end of its reading. */
#include "api/page_reader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#define LOG_ROOM "api"
#define PAGES 2
#define PAGE_KEPT_US 20000 /* that nobody has begun to send: whoever it was read for may have gone */

struct page {
    struct turn turn;     /* its events are first … turn.next − 1; none: turn.next is first */
    uint64_t first;
    int64_t read_us;      /* monotonic */
    bool used;            /* somebody was sent of it */
};

enum reading { READING_NOTHING, READING_ASKED, READING_STOP };

struct page_reader {
    struct database *database; /* the thread's */
    struct wake *wake;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    enum reading state;
    uint64_t last;             /* of the page that is being read */
    bool awaited;              /* the I/O thread wants to know when it is there */
    size_t reading;            /* the page that is being read, or was last */
    size_t found;              /* the page that page_reader_find gave out last */
    struct page pages[PAGES];
};

enum status page_source(void *context, uint64_t after, uint64_t limit,
                        bool (*each)(void *each_context, const struct event *event), void *each_context,
                        struct error *error)
{
    struct database *database = context;
    struct event_reader events;
    struct event event;

    event_reader_begin(&events, database, after, limit);
    while (event_reader_next(&events, &event) && each(each_context, &event))
        ;
    event_reader_end(&events);
    return database_failure(database, error);
}

/* --- the thread ------------------------------------------------------------------------------- */
/* A failure leaves the page empty: who reads for himself then, finds out why. */
static void page_fill(struct page_reader *reader, struct page *page)
{
    struct subscriber plain = { .next = page->first, .credit = NO_WINDOW };
    const struct ring ring = { .tail = reader->last + 1, .head = reader->last };
    const struct event_source source = { page_source, reader->database };
    struct error error;

    if (subscriber_gather(&plain, &ring, &source, &page->turn, &error) != OK)
        page->turn.next = page->first;
    page->read_us = clock_monotonic_us();
    page->used = false;
}

static void *page_reader_main(void *context)
{
    struct page_reader *reader = context;
    bool awaited;

    pthread_mutex_lock(&reader->lock);
    while (reader->state != READING_STOP) {
        if (reader->state == READING_NOTHING) {
            pthread_cond_wait(&reader->asked, &reader->lock);
            continue;
        }
        pthread_mutex_unlock(&reader->lock);
        page_fill(reader, &reader->pages[reader->reading]);
        pthread_mutex_lock(&reader->lock);
        if (reader->state == READING_ASKED)
            reader->state = READING_NOTHING;
        awaited = reader->awaited;
        reader->awaited = false;
        if (awaited)
            wake_signal(reader->wake);
    }
    pthread_mutex_unlock(&reader->lock);
    return NULL;
}

/* --- the I/O thread --------------------------------------------------------------------------- */
struct page_reader *page_reader_start(struct kernel *kernel, struct wake *wake)
{
    struct page_reader *reader;
    struct database *database;
    struct error error;
    sigset_t all, before;

    if (kernel_reader(kernel, &database, &error) != OK) {
        log_warn("the log is not read ahead for subscribers: %s", error.message);
        return NULL;
    }
    reader = memory_new(sizeof(*reader));
    reader->database = database;
    reader->wake = wake;
    for (size_t i = 0; i < PAGES; i++) {
        turn_open(&reader->pages[i].turn);
        reader->pages[i].used = true;
    }
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->asked, NULL);
    sigfillset(&all); /* signals are the I/O thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&reader->thread, NULL, page_reader_main, reader) != 0)
        resource_exhausted("threads");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(reader->thread, "pages");
    return reader;
}

void page_reader_stop(struct page_reader *reader)
{
    if (reader == NULL)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->state = READING_STOP;
    pthread_cond_signal(&reader->asked);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    for (size_t i = 0; i < PAGES; i++)
        turn_close(&reader->pages[i].turn);
    database_close(reader->database);
    pthread_mutex_destroy(&reader->lock);
    pthread_cond_destroy(&reader->asked);
    free(reader);
}

static bool is_reading(struct page_reader *reader)
{
    bool reading;

    pthread_mutex_lock(&reader->lock);
    reading = reader->state == READING_ASKED;
    pthread_mutex_unlock(&reader->lock);
    return reading;
}

const struct turn *page_reader_find(struct page_reader *reader, uint64_t seq)
{
    bool reading = is_reading(reader);

    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &reader->pages[i];

        if ((reading && i == reader->reading) || seq < page->first || seq >= page->turn.next)
            continue;
        page->used = true;
        reader->found = i;
        return &page->turn;
    }
    return NULL;
}

bool page_reader_await(struct page_reader *reader, uint64_t seq)
{
    bool reading;

    pthread_mutex_lock(&reader->lock);
    reading = reader->state == READING_ASKED && reader->pages[reader->reading].first == seq;
    reader->awaited = reader->awaited || reading;
    pthread_mutex_unlock(&reader->lock);
    return reading;
}

void page_reader_ask(struct page_reader *reader, uint64_t seq, uint64_t last)
{
    size_t other = (reader->found + 1) % PAGES;
    struct page *page = &reader->pages[other];

    if (is_reading(reader) || page->first == seq)
        return;
    if (!page->used && clock_monotonic_us() - page->read_us < PAGE_KEPT_US)
        return;
    page->first = seq;
    pthread_mutex_lock(&reader->lock);
    reader->reading = other;
    reader->last = last;
    reader->state = READING_ASKED;
    pthread_cond_signal(&reader->asked);
    pthread_mutex_unlock(&reader->lock);
}
