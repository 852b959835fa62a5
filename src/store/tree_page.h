/* A page of the log's tree, grown by a thread of its own while the next page of events is read and
 * chained: half of the work of verifying is in the tree. Touches no database. For log_verify.c. */
#ifndef STORE_TREE_PAGE_H
#define STORE_TREE_PAGE_H

#include <pthread.h>

#include "crypto/merkle.h"

#define TREE_PAGE_EVENTS 20000
#define TREE_PAGE_TILES (TREE_PAGE_EVENTS / 256 * 2 + 8) /* of all levels that one page can complete */

struct tree_tile {
    unsigned level;
    uint64_t index;
    struct hash hash;
};

struct tree_page {
    struct hash hashes[TREE_PAGE_EVENTS];    /* of the page's events, in order */
    size_t count;
    uint64_t wanted[TREE_PAGE_EVENTS];       /* sizes, ascending, whose roots are asked for */
    struct hash roots[TREE_PAGE_EVENTS];     /* those roots */
    size_t wanted_count;
    struct tree_tile tiles[TREE_PAGE_TILES]; /* completed within the page */
    size_t tiles_count;
    struct merkle_range range;               /* the tree before the page; after it when it has ended */
    pthread_t thread;
    bool running;
};

/* Grows page->range by the page's hashes. Nothing of the page may be touched until tree_page_end. */
void tree_page_begin(struct tree_page *page);
/* Waits until it is done; without effect when it does not run. */
void tree_page_end(struct tree_page *page);

#endif
