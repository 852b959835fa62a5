/* Lists in pages, and rows as JSON: see page.h. */
#include "kernel/page.h"

#include <string.h>

#include "base/bech32.h"

uint64_t page_limit(uint64_t asked)
{
    if (asked == 0)
        return PAGE_LIMIT_DEFAULT;
    return asked < PAGE_LIMIT_MAX ? asked : PAGE_LIMIT_MAX;
}

void page_bind(struct statement *s, uint64_t asked)
{
    bind_integer(s, (int64_t)page_limit(asked) + 1);
}

struct page page_begin(struct writer *w, uint64_t asked)
{
    writer_object_begin(w);
    writer_key(w, "items");
    writer_array_begin(w);
    return (struct page){ .writer = w, .left = page_limit(asked), .more = false };
}

bool page_row(struct page *page, struct statement *s)
{
    if (!statement_row(s))
        return false;
    if (page->left > 0) {
        page->left--;
        return true;
    }
    page->more = true;
    statement_finish(s);
    return false;
}

static void end_items(struct page *page)
{
    writer_array_end(page->writer);
    writer_key(page->writer, "next");
}

void page_end_integer(struct page *page, int64_t last)
{
    end_items(page);
    if (page->more)
        writer_integer(page->writer, last);
    else
        writer_null(page->writer);
    writer_object_end(page->writer);
}

void page_end_text(struct page *page, const char *last)
{
    end_items(page);
    writer_text(page->writer, page->more ? last : NULL);
    writer_object_end(page->writer);
}

void write_column_account(struct writer *w, struct statement *s, const char *column)
{
    struct account_id account;
    char address[ADDRESS_TEXT_MAX];

    column_fixed(s, column, account.bytes, sizeof(account.bytes));
    address_encode(address, &account);
    writer_member_text(w, column, address);
}

void write_column_hex(struct writer *w, struct statement *s, const char *column)
{
    struct bytes blob = column_blob(s, column);

    writer_member_hex(w, column, blob.data, blob.size);
}

void write_column_text(struct writer *w, struct statement *s, const char *column)
{
    writer_member_text(w, column, column_text(s, column));
}

void write_column_integer(struct writer *w, struct statement *s, const char *column)
{
    writer_member_integer(w, column, column_integer(s, column));
}

void write_column_json(struct writer *w, struct statement *s, const char *column)
{
    const char *text = column_text(s, column);

    if (text == NULL)
        writer_member_raw(w, column, "null", 4);
    else
        writer_member_raw(w, column, text, strlen(text));
}
