/* See page_store.h. */
#include "page_store.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

void page_store_init(struct page_store *store)
{
    *store = (struct page_store){ .slot_count = SLOTS_FIRST };
    store->slots = memory_array(store->slot_count, sizeof store->slots[0]);
}

void page_store_close(struct page_store *store)
{
    for (size_t i = 0; i < store->slot_count; i++)
        free(store->slots[i].bytes);
    free(store->slots);
    *store = (struct page_store){ .slot_count = 0 };
}

/* The page's slot, or the free one where it belongs. */
static struct stored_page *slot_of(struct page_store *store, const struct state_page_id *id)
{
    uint64_t mixed = id->depth;

    for (size_t i = 0; i < sizeof id->prefix.bytes; i += 8) {
        mixed = (mixed ^ get_be64(id->prefix.bytes + i)) * 0x9e3779b97f4a7c15U;
        mixed ^= mixed >> 32; /* what differs stands in the high bits */
    }
    for (size_t at = (size_t)mixed;; at++) {
        struct stored_page *slot = &store->slots[at & (store->slot_count - 1)];

        if (slot->bytes == NULL || (slot->id.depth == id->depth && hash_equal(&slot->id.prefix, &id->prefix)))
            return slot;
    }
}

static void grow(struct page_store *store)
{
    struct page_store larger = *store;

    larger.slot_count = store->slot_count * 2;
    larger.slots = memory_array(larger.slot_count, sizeof larger.slots[0]);
    for (size_t i = 0; i < store->slot_count; i++)
        if (store->slots[i].bytes != NULL)
            *slot_of(&larger, &store->slots[i].id) = store->slots[i];
    free(store->slots);
    *store = larger;
}

static void keep(struct page_store *store, const struct state_page_id *id, struct bytes page)
{
    struct stored_page *slot = slot_of(store, id);
    size_t before = slot->bytes == NULL ? 0 : slot->size;

    if (slot->bytes == NULL) {
        slot->id = *id;
        store->used++;
    }
    if (slot->bytes == NULL || slot->size < page.size) {
        free(slot->bytes);
        slot->bytes = memory_new(page.size + 1);
    }
    if (page.size > 0)
        memcpy(slot->bytes, page.data, page.size);
    slot->size = page.size;
    store->pages += page.size > 0 && before == 0;
    store->pages -= page.size == 0 && before > 0;
    if (store->used * 2 > store->slot_count)
        grow(store);
}

static bool fails(struct page_store *store)
{
    return store->fail_at > 0 && --store->fail_at == 0;
}

static enum status store_read(void *context, const struct state_page_id *id, struct bytes *page,
                              struct error *error)
{
    struct page_store *store = context;
    struct stored_page *found = page_store_find(store, id);

    store->reads++;
    if (fails(store))
        return error_set(error, ERROR_STORAGE, "this read fails");
    *page = found == NULL ? bytes_of(NULL, 0) : bytes_of(found->bytes, found->size);
    return OK;
}

static enum status store_write(void *context, const struct state_page_id *id, struct bytes page,
                               struct error *error)
{
    struct page_store *store = context;

    store->writes++;
    if (fails(store))
        return error_set(error, ERROR_STORAGE, "this write fails");
    INVARIANT(page.size <= STATE_PAGE_SIZE_MAX, "a page of %zu bytes", page.size);
    INVARIANT(page.size > 0 || page_store_find(store, id) != NULL, "a page is forgotten that was never kept");
    keep(store, id, page);
    return OK;
}

struct stored_page *page_store_find(struct page_store *store, const struct state_page_id *id)
{
    struct stored_page *slot = slot_of(store, id);

    return slot->bytes == NULL || slot->size == 0 ? NULL : slot;
}

void page_store_copy(struct page_store *to, const struct page_store *from)
{
    page_store_init(to);
    for (size_t i = 0; i < from->slot_count; i++)
        if (from->slots[i].bytes != NULL && from->slots[i].size > 0)
            keep(to, &from->slots[i].id, bytes_of(from->slots[i].bytes, from->slots[i].size));
}

bool page_store_equal(const struct page_store *a, const struct page_store *b)
{
    struct page_store other = *b;

    if (a->pages != b->pages)
        return false;
    for (size_t i = 0; i < a->slot_count; i++) {
        const struct stored_page *slot = &a->slots[i];

        if (slot->bytes == NULL || slot->size == 0)
            continue;
        const struct stored_page *found = page_store_find(&other, &slot->id);
        if (found == NULL ||
            !bytes_equal(bytes_of(slot->bytes, slot->size), bytes_of(found->bytes, found->size)))
            return false;
    }
    return true;
}

struct state_tree page_store_tree(struct page_store *store)
{
    return (struct state_tree){ .read = store_read, .write = store_write, .context = store };
}
