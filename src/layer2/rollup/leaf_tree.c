/* See leaf_tree.h. Each inner node has two places, one on either side; what stands at a place is a
 * reference: nothing, a leaf by its number, or an inner node by its number. Its hash stands at the same
 * place, so that hashing a node reads one line of the cache, and no leaf is hashed again because it is
 * beside the way. The root is at a place of node 0, which is none otherwise. */
#include "layer2/rollup/leaf_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/rollup/chunk.h"

#define EMPTY 0u
#define LEAF_BIT ((uint32_t)1 << 31)
#define ROOT_PLACE 0u

/* Nodes are given out in chunks, so that growing copies none. References and hashes lie apart: the way down
 * needs references alone, the way up hashes alone. */
#define HASH_BITS 16
#define HASH_CHUNK ((uint32_t)1 << HASH_BITS)
#define HASH_CHUNK_SIZE (HASH_CHUNK * sizeof(struct hash_pair))
#define FORK_BITS 18
#define FORK_CHUNK ((uint32_t)1 << FORK_BITS)
#define FORK_CHUNK_SIZE (FORK_CHUNK * sizeof(struct fork))
#define SLICE ((size_t)16384) /* leaves put in one walk: bounds the walk's memory */
#define GROUP 256             /* leaves hashed at once: their messages fit in the nearest cache */
#define FEW_CHANGES 16        /* are sorted by insertion */
#define AHEAD 12              /* how many nodes ahead of its use one is fetched into the cache */

/* What stands at a node's places. */
struct fork {
    uint32_t below[2];
};

/* One leaf of a walk, in the order of keys. */
struct change {
    uint64_t head;   /* of the key: its first 64 bits */
    uint32_t number; /* among the walk's leaves as they came */
    uint32_t place;  /* where it stands, once it is put */
};

/* An inner node of a walk, with those of its changes that lead to it. */
struct visit {
    uint32_t node;
    uint32_t place; /* where it stands */
    uint32_t begin, end;
};

/* What a walk needs, for as many leaves as there were in the largest. */
struct walk_room {
    size_t leaves;
    struct hash_pair *pairs;        /* keys and values of the leaves as they came */
    struct change *unsorted, *sorted;
    uint32_t *buckets;
    const struct hash_pair **from;  /* the nodes of one level, and where their hashes go */
    struct hash **to;
};

struct leaf_tree {
    struct leaf_source source;
    struct sha256_start key_start, value_start;
    struct fork **forks;
    struct hash_pair **hashes;
    size_t fork_chunks, hash_chunks;
    uint32_t used;      /* nodes ever given out; 0 is none */
    uint32_t free_node; /* the first of those given back, linked by below[0] */
    uint8_t *value;     /* room for one */
    struct walk_room room;
    struct visit *visits;
    size_t visit_count, visit_room;
};

/* --- nodes ------------------------------------------------------------------------------------ */

static struct fork *fork_at(const struct leaf_tree *tree, uint32_t node)
{
    return &tree->forks[node >> FORK_BITS][node & (FORK_CHUNK - 1)];
}

static struct hash_pair *hashes_at(const struct leaf_tree *tree, uint32_t node)
{
    return &tree->hashes[node >> HASH_BITS][node & (HASH_CHUNK - 1)];
}

/* Places are numbered: those of a node are twice its number and the next. */
static uint32_t place_of(uint32_t node, unsigned side)
{
    return 2 * node + side;
}

static uint32_t *reference_at(const struct leaf_tree *tree, uint32_t place)
{
    return &fork_at(tree, place / 2)->below[place % 2];
}

static struct hash *hash_at(const struct leaf_tree *tree, uint32_t place)
{
    return &hashes_at(tree, place / 2)->half[place % 2];
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
    if (node >> FORK_BITS == tree->fork_chunks) {
        tree->forks = memory_resize(tree->forks, (tree->fork_chunks + 1) * sizeof tree->forks[0]);
        tree->forks[tree->fork_chunks++] = chunk_new(FORK_CHUNK_SIZE, node >= FORK_CHUNK);
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
        tree->free_node = fork_at(tree, node)->below[0];
    } else {
        node = ++tree->used;
        reach(tree, node);
    }
    *fork_at(tree, node) = (struct fork){ { EMPTY, EMPTY } };
    memset(hashes_at(tree, node), 0, sizeof(struct hash_pair));
    return node;
}

static void node_free(struct leaf_tree *tree, uint32_t node)
{
    fork_at(tree, node)->below[0] = tree->free_node;
    tree->free_node = node;
}

struct leaf_tree *leaf_tree_new(const struct leaf_source *source)
{
    struct leaf_tree *tree = memory_new(sizeof *tree);

    tree->source = *source;
    sha256_start_tagged(&tree->key_start, source->key_tag);
    sha256_start_tagged(&tree->value_start, source->value_tag);
    reach(tree, 0);
    tree->value = memory_new(source->value_max);
    return tree;
}

static void room_close(struct walk_room *room)
{
    free(room->pairs);
    free(room->unsorted);
    free(room->sorted);
    free(room->buckets);
    free(room->from);
    free(room->to);
}

void leaf_tree_free(struct leaf_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->fork_chunks; i++)
        chunk_free(tree->forks[i], FORK_CHUNK_SIZE);
    for (size_t i = 0; i < tree->hash_chunks; i++)
        chunk_free(tree->hashes[i], HASH_CHUNK_SIZE);
    free(tree->forks);
    free(tree->hashes);
    free(tree->value);
    room_close(&tree->room);
    free(tree->visits);
    free(tree);
}

/* A level has no more nodes than the walk has leaves. */
static void room_reach(struct walk_room *room, size_t leaves)
{
    if (room->leaves >= leaves)
        return;
    room->leaves = leaves;
    room->pairs = memory_resize(room->pairs, leaves * sizeof room->pairs[0]);
    room->unsorted = memory_resize(room->unsorted, leaves * sizeof room->unsorted[0]);
    room->sorted = memory_resize(room->sorted, leaves * sizeof room->sorted[0]);
    room->buckets = memory_resize(room->buckets, leaves * sizeof room->buckets[0]);
    room->from = memory_resize(room->from, leaves * sizeof room->from[0]);
    room->to = memory_resize(room->to, leaves * sizeof room->to[0]);
}

static size_t room_memory(const struct walk_room *room)
{
    return room->leaves * (sizeof room->pairs[0] + 2 * sizeof room->sorted[0] + sizeof room->buckets[0] +
                           sizeof room->from[0] + sizeof room->to[0]);
}

size_t leaf_tree_memory(const struct leaf_tree *tree)
{
    return sizeof *tree + tree->used * (sizeof(struct fork) + sizeof(struct hash_pair)) +
           room_memory(&tree->room) + tree->visit_room * sizeof tree->visits[0];
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

/* --- the leaves of a walk, in the order of their keys ------------------------------------------- */

static const struct hash *key_at(const struct walk_room *room, const struct change *change)
{
    return &room->pairs[change->number].half[0];
}

static int change_order(const struct walk_room *room, const struct change *a, const struct change *b)
{
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return memcmp(key_at(room, a)->bytes, key_at(room, b)->bytes, sizeof key_at(room, a)->bytes);
}

static int change_compare(const void *a, const void *b, void *room)
{
    return change_order(room, a, b);
}

static void few_sort(const struct walk_room *room, struct change *changes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct change change = changes[i];
        size_t at = i;

        for (; at > 0 && change_order(room, &changes[at - 1], &change) > 0; at--)
            changes[at] = changes[at - 1];
        changes[at] = change;
    }
}

/* First into about as many buckets as there are changes, by the keys' first bits. Keys are hashes, so that
 * few have the same; whoever takes the pains to make such ones has them sorted too. */
static void changes_sort(struct walk_room *room, size_t count)
{
    const unsigned bits = 63 - (unsigned)__builtin_clzll(count), shift = 63 - bits;
    uint32_t *buckets = room->buckets, end = 0;

    memset(buckets, 0, ((size_t)1 << bits) * sizeof buckets[0]);
    for (size_t i = 0; i < count; i++)
        buckets[room->unsorted[i].head >> 1 >> shift]++;
    for (size_t i = 0; i < (size_t)1 << bits; i++) {
        const uint32_t held = buckets[i];
        buckets[i] = end;
        end += held;
    }
    for (size_t i = 0; i < count; i++)
        room->sorted[buckets[room->unsorted[i].head >> 1 >> shift]++] = room->unsorted[i];
    for (size_t i = 0, begin = 0; i < (size_t)1 << bits; begin = buckets[i++]) {
        const size_t held = buckets[i] - begin;

        if (held > FEW_CHANGES)
            qsort_r(room->sorted + begin, held, sizeof room->sorted[0], change_compare, room);
        else
            few_sort(room, room->sorted + begin, held);
    }
}

/* Values are hashed while what they are made of is still in the cache. */
static void changes_fill(struct leaf_tree *tree, const uint32_t *leaves, size_t count, bool put)
{
    struct walk_room *room = &tree->room;
    struct hash keys[GROUP], values[GROUP];

    room_reach(room, count);
    for (size_t first = 0; first < count; first += GROUP) {
        const size_t part = count - first < GROUP ? count - first : GROUP;

        for (size_t i = 0; i < part; i++)
            tree->source.prefetch(tree->source.context, leaves[first + i]);
        leaf_keys(tree, leaves + first, part, keys);
        if (put)
            leaf_values(tree, leaves + first, part, values);
        for (size_t i = 0; i < part; i++) {
            room->pairs[first + i].half[0] = keys[i];
            if (put)
                room->pairs[first + i].half[1] = values[i];
            room->unsorted[first + i] = (struct change){ get_be64(keys[i].bytes), (uint32_t)(first + i),
                                                         ROOT_PLACE };
        }
    }
    changes_sort(room, count);
}

/* --- down: which nodes change ----------------------------------------------------------------- */

static unsigned change_bit(const struct walk_room *room, const struct change *change, unsigned depth)
{
    return depth < 64 ? change->head >> (63 - depth) & 1 : state_key_bit(key_at(room, change), depth);
}

/* Room for all visits of one more level. */
static void visits_reach(struct leaf_tree *tree, size_t more)
{
    if (tree->visit_count + more <= tree->visit_room)
        return;
    tree->visit_room = 2 * (tree->visit_count + more);
    tree->visits = memory_resize(tree->visits, tree->visit_room * sizeof tree->visits[0]);
}

static inline void visit_push(struct leaf_tree *tree, uint32_t node, uint32_t place, uint32_t begin,
                              uint32_t end)
{
    tree->visits[tree->visit_count++] = (struct visit){ node, place, begin, end };
    __builtin_prefetch(fork_at(tree, node), 1);
}

/* What stands at the place, with its hash. */
static void place_set(struct leaf_tree *tree, uint32_t place, uint32_t reference, const struct hash *hash)
{
    *reference_at(tree, place) = reference;
    *hash_at(tree, place) = *hash;
}

/* An inner node at the place of a leaf that gets company: the leaf goes one step down. */
static void make_room(struct leaf_tree *tree, uint32_t place, unsigned depth)
{
    const uint32_t reference = *reference_at(tree, place), node = node_new(tree);
    const uint32_t leaf = reference & ~LEAF_BIT;
    struct hash key;

    INVARIANT(depth < STATE_DEPTH_MAX, "two keys of a tree are equal");
    if (reference != EMPTY) {
        leaf_keys(tree, &leaf, 1, &key);
        place_set(tree, place_of(node, state_key_bit(&key, depth)), reference, hash_at(tree, place));
    }
    *reference_at(tree, place) = node;
}

/* The leaf at a place, or nothing, to which these changes lead. */
static void settle_removed(struct leaf_tree *tree, const uint32_t *leaves, uint32_t place, uint32_t begin,
                           uint32_t end)
{
    const struct hash nothing = { .bytes = { 0 } };
    const uint32_t reference = *reference_at(tree, place);

    for (uint32_t i = begin; i < end; i++) {
        if (reference == (leaves[tree->room.sorted[i].number] | LEAF_BIT)) {
            place_set(tree, place, EMPTY, &nothing);
            return;
        }
    }
}

/* Makes the place what these changes, which lead to it, want; but what is below it is its visit's. */
static void settle(struct leaf_tree *tree, const uint32_t *leaves, uint32_t place, unsigned depth,
                   uint32_t begin, uint32_t end, bool put)
{
    const uint32_t reference = *reference_at(tree, place);

    if (!is_inner(reference)) {
        struct change *first = &tree->room.sorted[begin];
        const uint32_t leaf = leaves[first->number] | LEAF_BIT;

        if (!put) {
            settle_removed(tree, leaves, place, begin, end);
            return;
        }
        if (end - begin == 1 && (reference == EMPTY || reference == leaf)) {
            *reference_at(tree, place) = leaf;
            first->place = place;
            return;
        }
        make_room(tree, place, depth);
    }
    visit_push(tree, *reference_at(tree, place), place, begin, end);
}

/* How many of the changes lead left at this depth: the end of them. */
static uint32_t split(const struct walk_room *room, uint32_t begin, uint32_t end, unsigned depth)
{
    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2;

        if (change_bit(room, &room->sorted[middle], depth) == 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static void go_down(struct leaf_tree *tree, const uint32_t *leaves, const struct visit *at, unsigned depth,
                    bool put)
{
    const uint32_t middle = split(&tree->room, at->begin, at->end, depth);

    if (at->begin < middle)
        settle(tree, leaves, place_of(at->node, 0), depth + 1, at->begin, middle, put);
    if (middle < at->end)
        settle(tree, leaves, place_of(at->node, 1), depth + 1, middle, at->end, put);
}

/* Most visits are of one change that leads to one more inner node: they take the short way. */
static void level_down(struct leaf_tree *tree, const uint32_t *leaves, size_t begin, size_t end,
                       unsigned depth, bool put)
{
    for (size_t i = begin; i < end; i++) {
        const struct visit at = tree->visits[i];

        if (at.end - at.begin == 1) {
            const struct change *change = &tree->room.sorted[at.begin];
            const uint32_t place = place_of(at.node, change_bit(&tree->room, change, depth));
            const uint32_t reference = *reference_at(tree, place);

            if (is_inner(reference))
                visit_push(tree, reference, place, at.begin, at.end);
            else
                settle(tree, leaves, place, depth + 1, at.begin, at.end, put);
        } else {
            go_down(tree, leaves, &at, depth, put);
        }
    }
}

/* --- up: hashing them ------------------------------------------------------------------------- */

/* The leaves that were put, each to its place. */
static void changes_hash(struct leaf_tree *tree, size_t count)
{
    const struct walk_room *room = &tree->room;

    for (size_t i = 0; i < count; i++) {
        room->from[i] = &room->pairs[room->sorted[i].number];
        room->to[i] = hash_at(tree, room->sorted[i].place);
    }
    sha256_pairs(0x00, room->from, count, room->to);
}

/* A node that has one leaf left below it, or nothing, is none: that stands in its place. False: it is not
 * so. */
static bool collapse(struct leaf_tree *tree, const struct visit *visit)
{
    const struct fork *node = fork_at(tree, visit->node);
    const uint32_t left = node->below[0], right = node->below[1];
    unsigned rest;

    if (left == EMPTY && !is_inner(right))
        rest = 1;
    else if (right == EMPTY && is_leaf(left))
        rest = 0;
    else
        return false;
    place_set(tree, visit->place, node->below[rest], &hashes_at(tree, visit->node)->half[rest]);
    node_free(tree, visit->node);
    return true;
}

static void level_hash(struct leaf_tree *tree, size_t begin, size_t end, bool put)
{
    struct walk_room *room = &tree->room;
    size_t count = 0;

    for (size_t i = begin; i < end; i++) {
        const struct visit *visit = &tree->visits[i];

        if (!put && i + AHEAD < end)
            __builtin_prefetch(fork_at(tree, tree->visits[i + AHEAD].node));
        if (!put && collapse(tree, visit))
            continue;
        room->from[count] = hashes_at(tree, visit->node);
        room->to[count++] = hash_at(tree, visit->place);
    }
    sha256_pairs(0x01, room->from, count, room->to);
}

static void walk(struct leaf_tree *tree, const uint32_t *leaves, size_t count, bool put)
{
    size_t levels[STATE_DEPTH_MAX + 2], level = 0; /* [depth]: its first visit */

    changes_fill(tree, leaves, count, put);
    tree->visit_count = 0;
    visits_reach(tree, 1);
    settle(tree, leaves, ROOT_PLACE, 0, 0, (uint32_t)count, put);
    levels[0] = 0;
    levels[1] = tree->visit_count;
    while (levels[level] < levels[level + 1]) {
        visits_reach(tree, count);
        level_down(tree, leaves, levels[level], levels[level + 1], (unsigned)level, put);
        level++;
        levels[level + 1] = tree->visit_count;
    }
    if (put)
        changes_hash(tree, count);
    while (level-- > 0)
        level_hash(tree, levels[level], levels[level + 1], put);
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
    *root = *hash_at(tree, ROOT_PLACE);
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
        proof->halves[side] = *hash_at(tree, place_of(sibling, side));
}

void leaf_tree_prove(const struct leaf_tree *tree, const struct hash *key, struct state_proof *proof)
{
    uint32_t at = *reference_at(tree, ROOT_PLACE), sibling = EMPTY;
    struct state_leaf end;

    memset(proof, 0, sizeof *proof);
    while (is_inner(at)) {
        unsigned bit = state_key_bit(key, proof->depth);

        sibling = *reference_at(tree, place_of(at, bit ^ 1));
        proof->siblings[proof->depth++] = *hash_at(tree, place_of(at, bit ^ 1));
        at = *reference_at(tree, place_of(at, bit));
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
