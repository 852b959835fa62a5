/* Pages of a state tree in memory, for this room's tests: a hash table that counts its calls and can fail at
 * one of them. */
#ifndef TEST_CRYPTO_PAGE_STORE_H
#define TEST_CRYPTO_PAGE_STORE_H

#include "crypto/state_tree.h"

struct stored_page {
    struct state_page_id id;
    uint8_t *bytes; /* NULL: the slot is free */
    size_t size;    /* 0: forgotten */
};

struct page_store {
    struct stored_page *slots;
    size_t slot_count; /* a power of two */
    size_t used;       /* forgotten ones too */
    size_t pages;      /* with bytes */
    uint64_t reads, writes;
    uint64_t fail_at; /* calls until one fails; 0: none does */
};

void page_store_init(struct page_store *store);
void page_store_close(struct page_store *store);
void page_store_copy(struct page_store *to, const struct page_store *from); /* `to` is not yet inited */
bool page_store_equal(const struct page_store *a, const struct page_store *b); /* the same pages */
struct stored_page *page_store_find(struct page_store *store, const struct state_page_id *id); /* or NULL */
struct state_tree page_store_tree(struct page_store *store);

#endif
