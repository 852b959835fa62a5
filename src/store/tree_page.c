/* Growing the tree by a page of events, beside the thread that reads them. */
#include "store/tree_page.h"

#include "store/log_tree.h"

static void keep_tile(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tree_page *page = context;

    if (level % TILE_LEVELS != 0)
        return;
    INVARIANT(page->tiles_count < TREE_PAGE_TILES, "more tiles than %zu events complete", page->count);
    page->tiles[page->tiles_count++] = (struct tree_tile){ level, index, *hash };
}

static void *grow(void *context)
{
    struct tree_page *page = context;
    size_t answered = 0;
    struct hash leaf;

    page->tiles_count = 0;
    for (size_t i = 0; i < page->count; i++) {
        merkle_leaf(&leaf, page->hashes[i].bytes, sizeof(page->hashes[i].bytes));
        merkle_range_append(&page->range, &leaf, keep_tile, page);
        if (answered < page->wanted_count && page->wanted[answered] == page->range.size)
            merkle_range_root(&page->range, &page->roots[answered++]);
    }
    INVARIANT(answered == page->wanted_count, "a root was asked for outside its page");
    return NULL;
}

void tree_page_begin(struct tree_page *page)
{
    page->running = pthread_create(&page->thread, NULL, grow, page) == 0;
    if (!page->running)
        grow(page); /* no thread to be had: slower, not wrong */
}

void tree_page_end(struct tree_page *page)
{
    if (page->running)
        pthread_join(page->thread, NULL);
    page->running = false;
}
