/* Reads ahead for those who replay the log: while the I/O thread sends one page of lines, a thread of its own
 * reads and renders the next. Pages hold every event, in the form of a subscriber without a filter; whoever
 * wants another form, or finds no page at its position, reads for itself. Two pages in all, so the memory is
 * the same however many replay; all functions are the I/O thread's. */
#ifndef API_PAGE_READER_H
#define API_PAGE_READER_H

#include "api/subscriber.h"
#include "api/wake.h"
#include "kernel/kernel.h"

struct page_reader;

/* NULL when the database cannot be opened once more: nobody is read ahead for. */
struct page_reader *page_reader_start(struct kernel *kernel, struct wake *wake);
void page_reader_stop(struct page_reader *reader); /* joins; NULL is allowed */

/* The page that begins at `seq` or goes on there; NULL: none. It stays until page_reader_ask after the next
 * page_reader_find. */
const struct turn *page_reader_find(struct page_reader *reader, uint64_t seq);
/* Whether the page that begins at `seq` is being read. Then `wake` is signalled once it is there. */
bool page_reader_await(struct page_reader *reader, uint64_t seq);
/* Has the page from `seq` to at most `last` read, unless one is being read or waits for its reader. */
void page_reader_ask(struct page_reader *reader, uint64_t seq, uint64_t last);

/* A source of events for subscriber_gather: `context` is a read connection. */
MUST_CHECK enum status page_source(void *context, uint64_t after, uint64_t limit,
                                   bool (*each)(void *each_context, const struct event *event),
                                   void *each_context, struct error *error);

#endif
