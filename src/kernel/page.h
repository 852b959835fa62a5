/* Lists in pages, and rows as JSON: what queries of every module answer with. A list is
 * {"items":[…],"next":KEY|null}; the next page starts after that key, so that what is added or removed in
 * between neither repeats nor hides a row. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include "base/writer.h"
#include "store/database.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX 1000
#define PAGE_LIMIT_HELP "items at most; 100 when absent, never over 1000"

/* How many items a page holds when `asked` (0: not said) were asked for. */
uint64_t page_limit(uint64_t asked);

/* A page in the making. The statement asks for one row more than the page holds: when it comes, there is a
 * next page. */
struct page {
    struct writer *writer;
    uint64_t left; /* items it still takes */
    bool more;     /* a further row was there */
};
void page_bind(struct statement *s, uint64_t asked); /* the LIMIT, one more than the page holds */
struct page page_begin(struct writer *w, uint64_t asked);
bool page_row(struct page *page,
              struct statement *s); /* steps; false at the end of the page or of the rows */
void page_end_integer(struct page *page, int64_t last); /* `last`: key of the last item written */
void page_end_text(struct page *page, const char *last);

/* One column as one member of the same name. */
void write_column_account(struct writer *w, struct statement *s, const char *column);
void write_column_hex(struct writer *w, struct statement *s, const char *column);
void write_column_text(struct writer *w, struct statement *s, const char *column);
void write_column_integer(struct writer *w, struct statement *s, const char *column);
void write_column_json(struct writer *w, struct statement *s,
                 const char *column); /* text that is JSON; NULL writes null */

#endif
