/* Pages of the state tree to bytes and back. Bytes are read from this node's own storage; that they are a
 * page of the asked place is checked, their hashes are checked by whoever verifies a proof. */
#include "crypto/state_page.h"

#include <string.h>

#include "crypto/merkle.h"

void state_node_hash(struct hash *out, const struct state_node *node)
{
    switch (node->kind) {
    case NODE_EMPTY:
        memset(out, 0, sizeof *out);
        break;
    case NODE_LEAF:
        state_leaf_hash(out, &node->leaf);
        break;
    case NODE_INNER:
        *out = node->hash;
        break;
    }
}

void state_node_join(struct state_node *out, const struct state_node *left, const struct state_node *right)
{
    struct hash left_hash, right_hash;

    if (left->kind != NODE_INNER && right->kind == NODE_EMPTY) {
        *out = *left;
    } else if (left->kind == NODE_EMPTY && right->kind == NODE_LEAF) {
        *out = *right;
    } else {
        state_node_hash(&left_hash, left);
        state_node_hash(&right_hash, right);
        out->kind = NODE_INNER;
        merkle_node(&out->hash, &left_hash, &right_hash);
    }
}

/* The nodes of a preorder walk that are still to come: one a level, and the one in hand. */
#define WALK_MAX (STATE_PAGE_LEVELS + 1)

size_t state_page_encode(const struct state_page *page, uint8_t *out)
{
    unsigned walk[WALK_MAX] = { PAGE_TOP }, count = 1;
    uint8_t *end = out;

    while (count > 0) {
        unsigned index = walk[--count];
        const struct state_node *node = &page->nodes[index];
        size_t size = node->kind == NODE_EMPTY  ? 0
                      : node->kind == NODE_LEAF ? sizeof node->leaf
                                                : sizeof node->hash;

        *end++ = (uint8_t)node->kind;
        if (size > 0)
            memcpy(end, &node->leaf, size);
        end += size;
        if (node->kind == NODE_INNER && index < PAGE_BOTTOM) {
            walk[count++] = 2 * index + 1;
            walk[count++] = 2 * index;
        }
    }
    return (size_t)(end - out);
}

/* Whether a leaf's key leads to node `index` of the page. */
static bool leads_to(const struct hash *key, const struct state_page_id *id, unsigned index)
{
    unsigned level = 31 - (unsigned)__builtin_clz(index), found = PAGE_TOP;
    struct hash prefix;

    state_key_prefix(&prefix, key, id->depth);
    for (unsigned i = 0; i < level; i++)
        found = 2 * found + state_key_bit(key, id->depth + i);
    return found == index && hash_equal(&prefix, &id->prefix);
}

static bool take_node(struct bytes *rest, const struct state_page_id *id, unsigned index,
                      struct state_node *node)
{
    if (rest->size == 0 || rest->data[0] > NODE_INNER)
        return false;
    node->kind = (enum node_kind)rest->data[0];
    size_t size = node->kind == NODE_EMPTY  ? 0
                  : node->kind == NODE_LEAF ? sizeof node->leaf
                                            : sizeof node->hash;
    if (rest->size < 1 + size)
        return false;
    if (size > 0)
        memcpy(&node->leaf, rest->data + 1, size);
    rest->data += 1 + size;
    rest->size -= 1 + size;
    if (node->kind == NODE_LEAF)
        return leads_to(&node->leaf.key, id, index);
    /* Two keys that agree in all their bits are one key. */
    return node->kind == NODE_EMPTY || index < PAGE_BOTTOM ||
           id->depth + STATE_PAGE_LEVELS < STATE_DEPTH_MAX;
}

/* An inner node has at least two leaves below: one leaf alone would stand in its place. */
static bool has_company(const struct state_page *page, unsigned index)
{
    enum node_kind left = page->nodes[2 * index].kind, right = page->nodes[2 * index + 1].kind;

    return left == NODE_INNER || right == NODE_INNER || (left == NODE_LEAF && right == NODE_LEAF);
}

bool state_page_decode(struct bytes bytes, const struct state_page_id *id, struct state_page *page)
{
    unsigned walk[WALK_MAX] = { PAGE_TOP }, count = 1, inner = 0; /* bit i: node i is an inner one */
    struct bytes rest = bytes;

    while (count > 0) {
        unsigned index = walk[--count];

        if (!take_node(&rest, id, index, &page->nodes[index]))
            return false;
        if (page->nodes[index].kind == NODE_INNER && index < PAGE_BOTTOM) {
            inner |= 1U << index;
            walk[count++] = 2 * index + 1;
            walk[count++] = 2 * index;
        }
    }
    for (unsigned index = PAGE_TOP; index < PAGE_BOTTOM; index++)
        if ((inner >> index & 1) != 0 && !has_company(page, index))
            return false;
    return rest.size == 0;
}
