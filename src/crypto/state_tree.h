/* The state tree: a sparse Merkle tree of 256-bit keys whose nodes live wherever the caller keeps them, as
 * rows for instance. What the tree is, and its proofs, stand in state_proof.h; here are looking up, changing
 * a batch of keys, and making proofs. Pure but for the caller's two functions; the same keys and values give
 * the same pages and the same root, whatever the history.
 *
 * The tree is stored in pages of four levels. A page is found by its place: its depth (0, 4, … 252) and the
 * bits above it. It exists when at least two keys begin with these bits; the page of depth 0 when there is
 * any key. The rows of an older state may be kept: a read that answers from them proves that state. */
#ifndef CRYPTO_STATE_TREE_H
#define CRYPTO_STATE_TREE_H

#include "base/memory.h"
#include "crypto/state_proof.h"

#define STATE_PAGE_LEVELS 4
#define STATE_PAGE_SIZE_MAX 1535 /* 15 inner nodes (33 bytes) and 16 leaves (65) */

struct state_page_id {
    unsigned depth;
    struct hash prefix; /* the first `depth` bits; the others 0 */
};

struct state_tree {
    /* The page's bytes, valid until the next call of either function; size 0: there is no such page. */
    enum status (*read)(void *context, const struct state_page_id *id, struct bytes *page,
                        struct error *error);
    /* Keeps the page's bytes (at most STATE_PAGE_SIZE_MAX) in place of what it had; size 0: forgets the page.
     * May be NULL for a tree that is only read. */
    enum status (*write)(void *context, const struct state_page_id *id, struct bytes page,
                         struct error *error);
    void *context;
};

/* One key's new value, or that it has none any more. */
struct state_change {
    struct hash key;
    bool present;
    struct hash value; /* when present */
};

/* All below: what `read` and `write` answer other than OK is passed on; ERROR_CORRUPT when a page is missing
 * or is not what the page above it says. */

/* Nothing stored: 32 zero bytes. One read. */
MUST_CHECK enum status state_tree_root(const struct state_tree *tree, struct hash *root, struct error *error);

/* `value` is set when the key was found. */
MUST_CHECK enum status state_tree_get(const struct state_tree *tree, const struct hash *key, bool *found,
                                      struct hash *value, struct error *error);

/* Makes the changes, which stand in ascending order of keys without a key twice (else ERROR_INVALID_PARAMS,
 * before anything is read), and gives the new root. Each page on a changed key's path is read once, and
 * written once when it is different then; each inner node is hashed once. Pages are read and written in one
 * walk from left to right, those below before those above. `arena` takes one page's memory (2 KiB) for each
 * level of pages that is reached, no more. When it fails, some pages may be written: the caller's transaction
 * must take them back. */
MUST_CHECK enum status state_tree_update(const struct state_tree *tree, const struct state_change *changes,
                                         size_t count, struct arena *arena, struct hash *root,
                                         struct error *error);

/* That the key has its value, or that it has none, whichever is true. A proof of presence shows its last
 * sibling, so that every proof made here is enough for state_proof_change. */
MUST_CHECK enum status state_tree_prove(const struct state_tree *tree, const struct hash *key,
                                        struct state_proof *proof, struct error *error);

/* The leaf of the nearest key below, or above, `key` (which need not be in the tree and is never the
 * answer): its proof of presence is one side of an ICS-23 proof of absence. */
enum state_side { STATE_BELOW, STATE_ABOVE };
MUST_CHECK enum status state_tree_nearest(const struct state_tree *tree, const struct hash *key,
                                          enum state_side side, bool *found, struct state_leaf *leaf,
                                          struct error *error);

/* The first `depth` bits of the key, the others 0; depth ≤ 256. */
void state_key_prefix(struct hash *out, const struct hash *key, unsigned depth);

#endif
