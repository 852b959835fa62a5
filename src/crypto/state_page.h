/* A page of the state tree: four levels of it, as one row of whatever stores the tree. For state_tree.c
 * alone. A page holds a top node and what is below it, at most 31 nodes by heap index (1 the top; 2i and
 * 2i + 1 below i); an inner node at the bottom (16 … 31) is the top of the page below. Pure. */
#ifndef CRYPTO_STATE_PAGE_H
#define CRYPTO_STATE_PAGE_H

#include "crypto/state_proof.h"
#include "crypto/state_tree.h"

#define PAGE_TOP 1
#define PAGE_BOTTOM 16 /* first index of the bottom */
#define PAGE_NODES 32  /* index 0 is not used */

enum node_kind { NODE_EMPTY = 0, NODE_LEAF = 1, NODE_INNER = 2 };

struct state_node {
    enum node_kind kind;
    union {
        struct hash hash;       /* NODE_INNER */
        struct state_leaf leaf; /* NODE_LEAF */
    };
};

struct state_page {
    struct state_node nodes[PAGE_NODES]; /* below a leaf and below nothing: not valid */
};

void state_node_hash(struct hash *out, const struct state_node *node);
/* What stands where these two are below: nothing, the one leaf, or an inner node. */
void state_node_join(struct state_node *out, const struct state_node *left, const struct state_node *right);

/* Nodes in preorder, each a byte of its kind and its hash, or key and value; the nodes below an inner one of
 * the bottom are in another page. Returns the size; `out` takes STATE_PAGE_SIZE_MAX. */
size_t state_page_encode(const struct state_page *page, uint8_t *out);
/* False for all bytes that are no page of this place. */
MUST_CHECK bool state_page_decode(struct bytes bytes, const struct state_page_id *id,
                                  struct state_page *page);

#endif
