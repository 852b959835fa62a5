/* A trie built whole from its sorted leaves: where all keys of a run agree there is an extension, where
 * they part a branch, where one is left a leaf. */
#include "network/evm/trie.h"

#include <stdlib.h>
#include <string.h>

#define CHILDREN 16
#define HASH_SIZE 32
#define PATH_LEAF 0x20 /* hex-prefix: the flags in the first nibble */
#define PATH_ODD 0x10
#define PATH_MAX_BYTES (TRIE_KEY_MAX + 1)

struct trie_node {
    struct bytes key;        /* of any leaf below */
    size_t from, to;         /* its path: these nibbles of the key; none in a branch */
    bool branch;
    struct trie_node *children[CHILDREN]; /* an extension has the first alone */
    struct bytes value;      /* empty: none */
    struct bytes encoding;
    struct hash hash;
};

struct trie { struct trie_node *top; struct hash root; };

struct building { const struct trie_leaf *leaves; struct arena *arena; struct buffer scratch; };

static unsigned nibble(struct bytes key, size_t at)
{
    return at % 2 == 0 ? key.data[at / 2] >> 4 : key.data[at / 2] & 15;
}

static void append_path(struct buffer *out, const struct trie_node *node, bool leaf)
{
    uint8_t path[PATH_MAX_BYTES] = { leaf ? PATH_LEAF : 0 };
    size_t length = node->to - node->from, at = 2; /* nibbles written: two flags, or one */

    if (length % 2 == 1) {
        path[0] |= PATH_ODD;
        at = 1;
    }
    for (size_t i = node->from; i < node->to; i++, at++)
        path[at / 2] |= (uint8_t)(nibble(node->key, i) << (at % 2 == 0 ? 4 : 0));
    rlp_append(out, path, at / 2);
}

static void append_child(struct buffer *out, const struct trie_node *child)
{
    if (child == NULL)
        rlp_append(out, NULL, 0);
    else if (child->encoding.size < HASH_SIZE)
        buffer_append(out, child->encoding.data, child->encoding.size);
    else
        rlp_append(out, child->hash.bytes, sizeof child->hash.bytes);
}

/* Writes and hashes a node whose children are written. */
static void finish(struct building *building, struct trie_node *node)
{
    struct buffer *out = &building->scratch;

    buffer_clear(out);
    size_t list = rlp_list_begin(out);
    if (node->branch) {
        for (size_t i = 0; i < CHILDREN; i++)
            append_child(out, node->children[i]);
        rlp_append(out, node->value.data, node->value.size);
    } else {
        append_path(out, node, node->value.size > 0);
        if (node->value.size > 0)
            rlp_append(out, node->value.data, node->value.size);
        else
            append_child(out, node->children[0]);
    }
    rlp_list_end(out, list);
    uint8_t *copy = arena_new(building->arena, out->size);
    memcpy(copy, out->data, out->size);
    node->encoding = bytes_of(copy, out->size);
    keccak_hash(&node->hash, copy, out->size);
}

/* The leaves from `first` to before `last` agree in their first `at` nibbles. The recursion goes as deep as
 * a key has nibbles, TRIE_KEY_MAX bytes at most. */
static struct trie_node *build(struct building *building, size_t first, size_t last, size_t at)
{
    struct trie_node *node = arena_new(building->arena, sizeof *node);
    const struct trie_leaf *low = &building->leaves[first], *high = &building->leaves[last - 1];
    size_t same = at, most = 2 * low->key.size;

    node->key = low->key;
    node->from = at;
    if (last - first == 1) {
        node->to = most;
        node->value = low->value;
        finish(building, node);
        return node;
    }
    while (same < most && nibble(low->key, same) == nibble(high->key, same))
        same++;
    if (same > at) {
        node->to = same;
        node->children[0] = build(building, first, last, same);
        finish(building, node);
        return node;
    }
    node->branch = true;
    if (most == at) {
        node->value = low->value;
        first++;
    }
    while (first < last) {
        unsigned way = nibble(building->leaves[first].key, at);
        size_t end = first + 1;
        while (end < last && nibble(building->leaves[end].key, at) == way)
            end++;
        node->children[way] = build(building, first, end, at + 1);
        first = end;
    }
    finish(building, node);
    return node;
}

static int leaf_compare(const void *left, const void *right)
{
    const struct trie_leaf *a = left, *b = right;
    size_t common = a->key.size < b->key.size ? a->key.size : b->key.size;
    int order = common == 0 ? 0 : memcmp(a->key.data, b->key.data, common);

    if (order != 0)
        return order;
    return (a->key.size > b->key.size) - (a->key.size < b->key.size);
}

enum status trie_build(const struct trie_leaf *leaves, size_t count, struct arena *arena, struct trie **trie,
                       struct error *error)
{
    if (count > TRIE_LEAVES_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "a trie is built of at most %d leaves, not %zu",
                         TRIE_LEAVES_MAX, count);
    struct trie_leaf *sorted = arena_new(arena, (count + 1) * sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = leaves[i];
        if (leaves[i].key.size > TRIE_KEY_MAX || leaves[i].value.size == 0)
            return error_set(error, ERROR_INVALID_PARAMS, "leaf %zu has a key of %zu bytes, a value of %zu",
                             i, leaves[i].key.size, leaves[i].value.size);
    }
    qsort(sorted, count, sizeof *sorted, leaf_compare);
    for (size_t i = 1; i < count; i++) {
        if (leaf_compare(&sorted[i - 1], &sorted[i]) == 0)
            return error_set(error, ERROR_INVALID_PARAMS, "two leaves have the same key");
    }
    struct trie *built = arena_new(arena, sizeof *built);
    struct building building = { .leaves = sorted, .arena = arena };
    if (count > 0)
        built->top = build(&building, 0, count, 0);
    built->root = count > 0 ? built->top->hash : trie_empty_root;
    buffer_close(&building.scratch);
    *trie = built;
    return OK;
}

const struct hash *trie_root(const struct trie *trie)
{
    return &trie->root;
}

/* The node below on the way of `key`, of which `at` nibbles are behind; NULL: the way ends here. */
static const struct trie_node *below(const struct trie_node *node, struct bytes key, size_t *at)
{
    size_t length = 2 * key.size;

    if (node->branch)
        return *at < length ? node->children[nibble(key, (*at)++)] : NULL;
    for (size_t i = node->from; i < node->to; i++, (*at)++) {
        if (*at == length || nibble(key, *at) != nibble(node->key, i))
            return NULL;
    }
    return node->children[0];
}

void trie_prove(const struct trie *trie, struct bytes key, struct arena *arena, const struct bytes **nodes,
                size_t *count)
{
    struct bytes *way = arena_new(arena, TRIE_PROOF_NODES_MAX * sizeof *way);
    size_t found = 0, at = 0;

    for (const struct trie_node *node = trie->top; node != NULL; node = below(node, key, &at)) {
        if (node == trie->top || node->encoding.size >= HASH_SIZE)
            way[found++] = node->encoding;
    }
    *nodes = way;
    *count = found;
}

/* --- lists ----------------------------------------------------------------------------------------- */
size_t trie_index_key(uint8_t out[TRIE_INDEX_KEY_MAX], uint64_t index)
{
    CLEANUP(buffer_close) struct buffer key = { 0 };

    rlp_append_u64(&key, index);
    memcpy(out, key.data, key.size);
    return key.size;
}

enum status trie_of_list(const struct bytes *values, size_t count, struct arena *arena, struct trie **trie,
                         struct error *error)
{
    if (count > TRIE_LEAVES_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "a trie is built of at most %d leaves, not %zu",
                         TRIE_LEAVES_MAX, count);
    struct trie_leaf *leaves = arena_new(arena, (count + 1) * sizeof *leaves);
    for (size_t i = 0; i < count; i++) {
        uint8_t *key = arena_new(arena, TRIE_INDEX_KEY_MAX);
        leaves[i].key = bytes_of(key, trie_index_key(key, i));
        leaves[i].value = values[i];
    }
    return trie_build(leaves, count, arena, trie, error);
}
