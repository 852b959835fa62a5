/* See leaf_tree.h. What stands at a place of the tree is a reference: nothing, a leaf by its number, or
 * an inner node by its number. */
#include "layer2/rollup/leaf_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/rollup/chunk.h"

#define EMPTY 0u
#define LEAF_BIT ((uint32_t)1 << 31)
#define NO_PARENT UINT32_MAX

/* Nodes are given out in chunks, so that growing copies none. What stands below nodes and their hashes
 * lie apart, since most hashes that are read are those of nodes beside the way. */
#define HASH_BITS 16
#define HASH_CHUNK ((uint32_t)1 << HASH_BITS)
#define HASH_CHUNK_SIZE (HASH_CHUNK * sizeof(struct hash))
#define PAIR_BITS 18
#define PAIR_CHUNK ((uint32_t)1 << PAIR_BITS)
#define PAIR_CHUNK_SIZE (PAIR_CHUNK * sizeof(struct pair))
#define SLICE ((size_t)16384) /* leaves put in one walk: bounds the walk's memory */
#define GROUP 256             /* nodes hashed at once: their messages fit in the nearest cache */
#define NODE_BLOCKS SHA256_BLOCKS(1 + 2 * sizeof(struct hash))
#define NODE_MESSAGE (NODE_BLOCKS * SHA256_BLOCK)
#define AHEAD 12 /* how many nodes ahead of its use one is fetched into the cache */

/* What stands below an inner node. */
struct pair {
    uint32_t below[2];
};

/* One leaf of a walk. */
struct change {
    uint64_t head; /* of the key: its first 64 bits */
    struct hash key;
    uint32_t leaf;
};

/* An inner node of a walk, with those of its changes that lead to it. */
struct visit {
    uint32_t node;   /* EMPTY: it is none any more */
    uint32_t parent; /* 2 · its parent's visit + the side; NO_PARENT: it is the root */
    uint32_t begin, end;
};

struct leaf_tree {
    struct leaf_source source;
    struct sha256_start plain, key_start, value_start;
    uint32_t root;
    struct pair **pairs;
    struct hash **hashes;
    size_t pair_chunks, hash_chunks;
    uint32_t used;      /* nodes ever given out; 0 is none */
    uint32_t free_node; /* the first of those given back, linked by below[0] */
    uint8_t *value;     /* room for one */
    struct change *changes;
    size_t change_room;
    struct visit *visits;
    size_t visit_count, visit_room;
};

/* --- nodes ------------------------------------------------------------------------------------ */

static struct pair *pair_at(const struct leaf_tree *tree, uint32_t node)
{
    return &tree->pairs[node >> PAIR_BITS][node & (PAIR_CHUNK - 1)];
}

static struct hash *hash_at(const struct leaf_tree *tree, uint32_t node)
{
    return &tree->hashes[node >> HASH_BITS][node & (HASH_CHUNK - 1)];
}

static bool is_leaf(uint32_t reference)
{
    return (reference & LEAF_BIT) != 0;
}

static bool is_inner(uint32_t reference)
{
    return reference != EMPTY && !is_leaf(reference);
}

/* Room for this node. */
static void reach(struct leaf_tree *tree, uint32_t node)
{
    INVARIANT(node < LEAF_BIT, "a tree has at most 2^31 nodes");
    if (node >> PAIR_BITS == tree->pair_chunks) {
        tree->pairs = memory_resize(tree->pairs, (tree->pair_chunks + 1) * sizeof tree->pairs[0]);
        tree->pairs[tree->pair_chunks++] = chunk_new(PAIR_CHUNK_SIZE, node >= PAIR_CHUNK);
    }
    if (node >> HASH_BITS == tree->hash_chunks) {
        tree->hashes = memory_resize(tree->hashes, (tree->hash_chunks + 1) * sizeof tree->hashes[0]);
        tree->hashes[tree->hash_chunks++] = chunk_new(HASH_CHUNK_SIZE, node >= HASH_CHUNK);
    }
}

static uint32_t node_new(struct leaf_tree *tree)
{
    uint32_t node = tree->free_node;

    if (node != EMPTY) {
        tree->free_node = pair_at(tree, node)->below[0];
    } else {
        node = ++tree->used;
        reach(tree, node);
    }
    *pair_at(tree, node) = (struct pair){ { EMPTY, EMPTY } };
    return node;
}

static void node_free(struct leaf_tree *tree, uint32_t node)
{
    pair_at(tree, node)->below[0] = tree->free_node;
    tree->free_node = node;
}

struct leaf_tree *leaf_tree_new(const struct leaf_source *source)
{
    struct leaf_tree *tree = memory_new(sizeof *tree);

    tree->source = *source;
    sha256_start_plain(&tree->plain);
    sha256_start_tagged(&tree->key_start, source->key_tag);
    sha256_start_tagged(&tree->value_start, source->value_tag);
    reach(tree, 0);
    tree->value = memory_new(source->value_max);
    return tree;
}

void leaf_tree_free(struct leaf_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->pair_chunks; i++)
        chunk_free(tree->pairs[i], PAIR_CHUNK_SIZE);
    for (size_t i = 0; i < tree->hash_chunks; i++)
        chunk_free(tree->hashes[i], HASH_CHUNK_SIZE);
    free(tree->pairs);
    free(tree->hashes);
    free(tree->value);
    free(tree->changes);
    free(tree->visits);
    free(tree);
}

size_t leaf_tree_memory(const struct leaf_tree *tree)
{
    return sizeof *tree + tree->used * (sizeof(struct pair) + sizeof(struct hash)) +
           tree->change_room * sizeof tree->changes[0] + tree->visit_room * sizeof tree->visits[0];
}

/* --- leaves hashed ---------------------------------------------------------------------------- */

static void leaf_keys(const struct leaf_tree *tree, const uint32_t *leaves, size_t count, struct hash *out)
{
    uint8_t messages[GROUP * SHA256_BLOCK];

    for (size_t first = 0; first < count; first += GROUP) {
        size_t part = count - first < GROUP ? count - first : GROUP;

        for (size_t i = 0; i < part; i++) {
            uint8_t *message = messages + i * SHA256_BLOCK;
            sha256_pad(&tree->key_start, message,
                       tree->source.key(tree->source.context, leaves[first + i], message));
        }
        sha256_many(&tree->key_start, messages, 1, part, out + first);
    }
}

/* Values of the same number of blocks wait here for each other. */
#define VALUE_BLOCKS 2
struct values {
    uint8_t messages[GROUP * VALUE_BLOCKS * SHA256_BLOCK];
    size_t which[GROUP];
    size_t count;
};

static void leaf_values(const struct leaf_tree *tree, const uint32_t *leaves, size_t count, struct hash *out)
{
    struct values waiting[VALUE_BLOCKS];
    struct hash hashes[GROUP];

    for (size_t blocks = 1; blocks <= VALUE_BLOCKS; blocks++)
        waiting[blocks - 1].count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = tree->source.value(tree->source.context, leaves[i], tree->value);
        size_t blocks = SHA256_BLOCKS(size);

        if (blocks > VALUE_BLOCKS) {
            tagged_hash(&out[i], tree->source.value_tag, tree->value, size);
            continue;
        }
        struct values *values = &waiting[blocks - 1];
        uint8_t *message = values->messages + values->count * blocks * SHA256_BLOCK;
        memcpy(message, tree->value, size);
        sha256_pad(&tree->value_start, message, size);
        values->which[values->count++] = i;
    }
    for (size_t blocks = 1; blocks <= VALUE_BLOCKS; blocks++) {
        const struct values *values = &waiting[blocks - 1];

        sha256_many(&tree->value_start, values->messages, blocks, values->count, hashes);
        for (size_t i = 0; i < values->count; i++)
            out[values->which[i]] = hashes[i];
    }
}

/* SHA-256(prefix ‖ two hashes), for leaves and inner nodes. */
static void message_begin(const struct leaf_tree *tree, uint8_t *message, uint8_t prefix)
{
    message[0] = prefix;
    sha256_pad(&tree->plain, message, 1 + 2 * sizeof(struct hash));
}

static struct hash *message_half(uint8_t *message, unsigned side)
{
    return (struct hash *)(void *)(message + 1 + side * sizeof(struct hash));
}

/* At most GROUP. */
static void leaf_hashes(const struct leaf_tree *tree, const uint32_t *leaves, size_t count, struct hash *out)
{
    uint8_t messages[GROUP * NODE_MESSAGE];
    struct hash keys[GROUP], values[GROUP];

    leaf_keys(tree, leaves, count, keys);
    leaf_values(tree, leaves, count, values);
    for (size_t i = 0; i < count; i++) {
        uint8_t *message = messages + i * NODE_MESSAGE;
        message_begin(tree, message, 0x00);
        *message_half(message, 0) = keys[i];
        *message_half(message, 1) = values[i];
    }
    sha256_many(&tree->plain, messages, NODE_BLOCKS, count, out);
}

static void reference_hash(const struct leaf_tree *tree, uint32_t reference, struct hash *out)
{
    const uint32_t leaf = reference & ~LEAF_BIT;

    if (reference == EMPTY)
        memset(out, 0, sizeof *out);
    else if (is_leaf(reference))
        leaf_hashes(tree, &leaf, 1, out);
    else
        *out = *hash_at(tree, reference);
}

/* --- down: which nodes change ----------------------------------------------------------------- */

static int change_order(const void *a, const void *b)
{
    const struct change *left = a, *right = b;

    if (left->head != right->head)
        return left->head < right->head ? -1 : 1;
    return memcmp(left->key.bytes, right->key.bytes, sizeof left->key.bytes);
}

static unsigned change_bit(const struct change *change, unsigned depth)
{
    return depth < 64 ? change->head >> (63 - depth) & 1 : state_key_bit(&change->key, depth);
}

static void changes_fill(struct leaf_tree *tree, const uint32_t *leaves, size_t count)
{
    struct hash keys[GROUP];

    if (tree->change_room < count) {
        tree->change_room = count;
        tree->changes = memory_resize(tree->changes, count * sizeof tree->changes[0]);
    }
    for (size_t first = 0; first < count; first += GROUP) {
        size_t part = count - first < GROUP ? count - first : GROUP;

        for (size_t i = 0; i < part; i++)
            tree->source.prefetch(tree->source.context, leaves[first + i]);
        leaf_keys(tree, leaves + first, part, keys);
        for (size_t i = 0; i < part; i++)
            tree->changes[first + i] = (struct change){ get_be64(keys[i].bytes), keys[i], leaves[first + i] };
    }
    qsort(tree->changes, count, sizeof tree->changes[0], change_order);
}

static void visit_push(struct leaf_tree *tree, uint32_t node, uint32_t parent, uint32_t begin, uint32_t end)
{
    if (tree->visit_count == tree->visit_room) {
        tree->visit_room = tree->visit_room == 0 ? 1024 : tree->visit_room * 2;
        tree->visits = memory_resize(tree->visits, tree->visit_room * sizeof tree->visits[0]);
    }
    tree->visits[tree->visit_count++] = (struct visit){ node, parent, begin, end };
    __builtin_prefetch(pair_at(tree, node), 1);
}

/* An inner node in the place of a leaf that gets company: the leaf goes one step down. */
static uint32_t make_room(struct leaf_tree *tree, uint32_t reference, unsigned depth)
{
    const uint32_t leaf = reference & ~LEAF_BIT, node = node_new(tree);
    struct hash key;

    INVARIANT(depth < STATE_DEPTH_MAX, "two keys of a tree are equal");
    if (reference != EMPTY) {
        leaf_keys(tree, &leaf, 1, &key);
        pair_at(tree, node)->below[state_key_bit(&key, depth)] = reference;
    }
    return node;
}

/* What stands at a place to which these changes lead, but for what is below it: that is its visit's. */
static uint32_t settle(struct leaf_tree *tree, uint32_t reference, unsigned depth, uint32_t parent,
                       uint32_t begin, uint32_t end, bool put)
{
    const uint32_t first = tree->changes[begin].leaf | LEAF_BIT;

    if (!is_inner(reference)) {
        if (!put) {
            for (uint32_t i = begin; i < end; i++) {
                if (reference == (tree->changes[i].leaf | LEAF_BIT))
                    return EMPTY;
            }
            return reference;
        }
        if (end - begin == 1 && (reference == EMPTY || reference == first))
            return first;
        reference = make_room(tree, reference, depth);
    }
    visit_push(tree, reference, parent, begin, end);
    return reference;
}

/* How many of the changes lead left at this depth: the end of them. */
static uint32_t split(const struct leaf_tree *tree, uint32_t begin, uint32_t end, unsigned depth)
{
    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;

        if (change_bit(&tree->changes[middle], depth) == 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static void go_down(struct leaf_tree *tree, uint32_t visit, unsigned depth, bool put)
{
    const struct visit at = tree->visits[visit];
    const uint32_t middle = split(tree, at.begin, at.end, depth);
    const uint32_t ends[3] = { at.begin, middle, at.end };

    for (unsigned side = 0; side < 2; side++) {
        uint32_t below = pair_at(tree, at.node)->below[side];

        if (ends[side] < ends[side + 1])
            below = settle(tree, below, depth + 1, 2 * visit + side, ends[side], ends[side + 1], put);
        else if (is_inner(below))
            __builtin_prefetch(hash_at(tree, below));
        pair_at(tree, at.node)->below[side] = below;
    }
}

/* --- up: hashing them ------------------------------------------------------------------------- */

/* A node that has one leaf left below it, or nothing, is none: that stands in its place. */
static void collapse(struct leaf_tree *tree, struct visit *visit)
{
    const struct pair *node = pair_at(tree, visit->node);
    uint32_t left = node->below[0], right = node->below[1], rest;

    if (left == EMPTY && !is_inner(right))
        rest = right;
    else if (right == EMPTY && is_leaf(left))
        rest = left;
    else
        return;
    node_free(tree, visit->node);
    visit->node = EMPTY;
    if (visit->parent == NO_PARENT)
        tree->root = rest;
    else
        pair_at(tree, tree->visits[visit->parent / 2].node)->below[visit->parent % 2] = rest;
}

/* Nodes of one level, with the hashes of the leaves below them still to come. */
struct group {
    uint8_t messages[GROUP * NODE_MESSAGE];
    uint32_t nodes[GROUP];
    size_t count;
    uint32_t leaves[GROUP];
    struct hash *halves[GROUP];
    size_t leaf_count;
};

static void group_leaves(const struct leaf_tree *tree, struct group *group)
{
    struct hash hashes[GROUP];

    leaf_hashes(tree, group->leaves, group->leaf_count, hashes);
    for (size_t i = 0; i < group->leaf_count; i++)
        *group->halves[i] = hashes[i];
    group->leaf_count = 0;
}

static void group_finish(struct leaf_tree *tree, struct group *group)
{
    struct hash hashes[GROUP];

    group_leaves(tree, group);
    sha256_many(&tree->plain, group->messages, NODE_BLOCKS, group->count, hashes);
    for (size_t i = 0; i < group->count; i++)
        *hash_at(tree, group->nodes[i]) = hashes[i];
    group->count = 0;
}

static void group_add(struct leaf_tree *tree, struct group *group, uint32_t number)
{
    const struct pair *node = pair_at(tree, number);
    uint8_t *message = group->messages + group->count * NODE_MESSAGE;

    message_begin(tree, message, 0x01);
    group->nodes[group->count++] = number;
    for (unsigned side = 0; side < 2; side++) {
        uint32_t below = node->below[side];

        if (is_leaf(below)) {
            tree->source.prefetch(tree->source.context, below & ~LEAF_BIT);
            group->leaves[group->leaf_count] = below & ~LEAF_BIT;
            group->halves[group->leaf_count++] = message_half(message, side);
        } else {
            reference_hash(tree, below, message_half(message, side));
        }
    }
    if (group->leaf_count > GROUP - 2)
        group_leaves(tree, group);
    if (group->count == GROUP)
        group_finish(tree, group);
}

static void fetch_ahead(const struct leaf_tree *tree, uint32_t number)
{
    const struct pair *node;

    if (number == EMPTY)
        return;
    node = pair_at(tree, number);
    for (unsigned side = 0; side < 2; side++) {
        if (is_inner(node->below[side]))
            __builtin_prefetch(hash_at(tree, node->below[side]));
    }
}

static void level_hash(struct leaf_tree *tree, size_t begin, size_t end, bool put, struct group *group)
{
    for (size_t i = begin; i < end; i++) {
        struct visit *visit = &tree->visits[i];

        if (i + 2 * AHEAD < end)
            __builtin_prefetch(pair_at(tree, tree->visits[i + 2 * AHEAD].node));
        if (i + AHEAD < end)
            fetch_ahead(tree, tree->visits[i + AHEAD].node);
        if (!put)
            collapse(tree, visit);
        if (visit->node != EMPTY)
            group_add(tree, group, visit->node);
    }
    group_finish(tree, group);
}

static void walk(struct leaf_tree *tree, const uint32_t *leaves, size_t count, bool put)
{
    size_t levels[STATE_DEPTH_MAX + 2], level = 0; /* [depth]: its first visit */
    struct group group;

    changes_fill(tree, leaves, count);
    tree->visit_count = 0;
    tree->root = settle(tree, tree->root, 0, NO_PARENT, 0, (uint32_t)count, put);
    levels[0] = 0;
    levels[1] = tree->visit_count;
    while (levels[level] < levels[level + 1]) {
        for (size_t i = levels[level]; i < levels[level + 1]; i++)
            go_down(tree, (uint32_t)i, (unsigned)level, put);
        level++;
        levels[level + 1] = tree->visit_count;
    }
    group.count = group.leaf_count = 0;
    while (level-- > 0)
        level_hash(tree, levels[level], levels[level + 1], put, &group);
}

static void walk_slices(struct leaf_tree *tree, const uint32_t *leaves, size_t count, bool put)
{
    for (size_t first = 0; first < count; first += SLICE)
        walk(tree, leaves + first, count - first < SLICE ? count - first : SLICE, put);
}

void leaf_tree_put(struct leaf_tree *tree, const uint32_t *leaves, size_t count)
{
    walk_slices(tree, leaves, count, true);
}

void leaf_tree_remove(struct leaf_tree *tree, const uint32_t *leaves, size_t count)
{
    walk_slices(tree, leaves, count, false);
}

/* --- roots and proofs ------------------------------------------------------------------------- */

void leaf_tree_root(const struct leaf_tree *tree, struct hash *root)
{
    reference_hash(tree, tree->root, root);
}

static void leaf_read(const struct leaf_tree *tree, uint32_t reference, struct hash *key, struct hash *value)
{
    const uint32_t leaf = reference & ~LEAF_BIT;

    leaf_keys(tree, &leaf, 1, key);
    leaf_values(tree, &leaf, 1, value);
}

/* A proof of presence shows what its last sibling is the hash of. */
static void prove_sibling(const struct leaf_tree *tree, uint32_t sibling, struct state_proof *proof)
{
    if (is_leaf(sibling)) {
        proof->sibling = STATE_SIBLING_LEAF;
        leaf_read(tree, sibling, &proof->halves[0], &proof->halves[1]);
        return;
    }
    proof->sibling = STATE_SIBLING_INNER;
    for (unsigned side = 0; side < 2; side++)
        reference_hash(tree, pair_at(tree, sibling)->below[side], &proof->halves[side]);
}

void leaf_tree_prove(const struct leaf_tree *tree, const struct hash *key, struct state_proof *proof)
{
    uint32_t at = tree->root, sibling = EMPTY;
    struct state_leaf end;

    memset(proof, 0, sizeof *proof);
    while (is_inner(at)) {
        unsigned bit = state_key_bit(key, proof->depth);
        const struct pair *node = pair_at(tree, at);

        sibling = node->below[bit ^ 1];
        reference_hash(tree, sibling, &proof->siblings[proof->depth++]);
        at = node->below[bit];
    }
    if (at == EMPTY) {
        proof->kind = STATE_ABSENT_EMPTY;
        return;
    }
    leaf_read(tree, at, &end.key, &end.value);
    if (!hash_equal(&end.key, key)) {
        proof->kind = STATE_ABSENT_OTHER;
        proof->other = end;
        return;
    }
    proof->kind = STATE_PRESENT;
    if (proof->depth > 0)
        prove_sibling(tree, sibling, proof);
}
