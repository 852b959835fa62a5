/* The state tree over pages. Looking up walks one path, page by page. Changing walks all changed paths at
 * once: the changes that lead to a node are a run of the sorted batch, and each node passes the two halves of
 * its run on. What is left below a node afterwards tells what stands there (state_node_join), so that leaves
 * move down when they get company and up when they are left alone. Recursion ends at depth 256. */
#include "crypto/state_tree.h"

#include <string.h>

#include "crypto/merkle.h"
#include "crypto/state_page.h"

#define PAGE_DEPTHS (STATE_DEPTH_MAX / STATE_PAGE_LEVELS)

void state_key_prefix(struct hash *out, const struct hash *key, unsigned depth)
{
    unsigned whole = depth / 8, rest = depth % 8;
    struct hash prefix = { .bytes = { 0 } };

    memcpy(prefix.bytes, key->bytes, whole);
    if (rest > 0)
        prefix.bytes[whole] = (uint8_t)(key->bytes[whole] & 0xff << (8 - rest));
    *out = prefix;
}

/* --- pages ------------------------------------------------------------------------------------ */

static void page_id(struct state_page_id *id, const struct hash *key, unsigned depth)
{
    id->depth = depth;
    state_key_prefix(&id->prefix, key, depth);
}

static enum status page_corrupt(const struct state_page_id *id, const char *what, struct error *error)
{
    char prefix[65];

    hex_text(prefix, id->prefix.bytes, sizeof id->prefix.bytes);
    return error_set(error, ERROR_CORRUPT, "the state tree's page of depth %u at %s %s", id->depth, prefix,
                     what);
}

/* The page of this depth on the key's path. `above`: the inner node that says it is there; NULL: depth 0,
 * where a page that is not there is an empty tree. */
static enum status page_load(const struct state_tree *tree, const struct hash *key, unsigned depth,
                             const struct hash *above, struct state_page *page, struct error *error)
{
    struct state_page_id id;
    struct bytes bytes = { .size = 0 };

    page_id(&id, key, depth);
    TRY(tree->read(tree->context, &id, &bytes, error));
    if (bytes.size == 0) {
        if (above != NULL)
            return page_corrupt(&id, "is missing", error);
        page->nodes[PAGE_TOP].kind = NODE_EMPTY;
        return OK;
    }
    if (!state_page_decode(bytes, &id, page))
        return page_corrupt(&id, "is damaged", error);
    const struct state_node *top = &page->nodes[PAGE_TOP];
    if (above != NULL && (top->kind != NODE_INNER || !hash_equal(&top->hash, above)))
        return page_corrupt(&id, "is not the one that the page above says", error);
    return OK;
}

static enum status page_store(const struct state_tree *tree, const struct hash *key, unsigned depth,
                              const struct state_page *page, struct error *error)
{
    uint8_t bytes[STATE_PAGE_SIZE_MAX];
    struct state_page_id id;

    page_id(&id, key, depth);
    return tree->write(tree->context, &id, bytes_of(bytes, state_page_encode(page, bytes)), error);
}

static enum status page_forget(const struct state_tree *tree, const struct hash *key, unsigned depth,
                               struct error *error)
{
    struct state_page_id id;

    page_id(&id, key, depth);
    return tree->write(tree->context, &id, bytes_of(NULL, 0), error);
}

/* --- looking up ------------------------------------------------------------------------------- */

/* A place in the tree: one node of one loaded page. */
struct place {
    struct state_page page;
    unsigned index; /* in the page */
    unsigned depth; /* in the tree */
};

static struct state_node *place_node(struct place *place)
{
    return &place->page.nodes[place->index];
}

static enum status place_root(const struct state_tree *tree, struct place *place, struct error *error)
{
    static const struct hash any; /* no bit of it is used */

    place->index = PAGE_TOP;
    place->depth = 0;
    return page_load(tree, &any, 0, NULL, &place->page, error);
}

/* Makes sure that what is below an inner node is at hand: loads the page below when it ends this one. */
static enum status place_open(const struct state_tree *tree, const struct hash *key, struct place *place,
                              struct error *error)
{
    if (place->index < PAGE_BOTTOM)
        return OK;
    struct hash above = place_node(place)->hash;
    place->index = PAGE_TOP;
    return page_load(tree, key, place->depth, &above, &place->page, error);
}

static void place_step(struct place *place, unsigned bit)
{
    place->index = 2 * place->index + bit;
    place->depth++;
}

enum status state_tree_root(const struct state_tree *tree, struct hash *root, struct error *error)
{
    struct place place;

    TRY(place_root(tree, &place, error));
    state_node_hash(root, place_node(&place));
    return OK;
}

enum status state_tree_get(const struct state_tree *tree, const struct hash *key, bool *found,
                           struct hash *value, struct error *error)
{
    struct place place;

    TRY(place_root(tree, &place, error));
    while (place_node(&place)->kind == NODE_INNER) {
        TRY(place_open(tree, key, &place, error));
        place_step(&place, state_key_bit(key, place.depth));
    }
    const struct state_node *end = place_node(&place);
    *found = end->kind == NODE_LEAF && hash_equal(&end->leaf.key, key);
    if (*found)
        *value = end->leaf.value;
    return OK;
}

/* --- proofs ----------------------------------------------------------------------------------- */

/* Shows the last sibling, which stands beside `end` in the same page. */
static enum status prove_sibling(const struct state_tree *tree, const struct hash *key,
                                 const struct place *end, struct state_proof *proof, struct error *error)
{
    struct place beside = *end;
    struct hash other;

    state_key_prefix(&other, key, end->depth);
    other.bytes[(end->depth - 1) / 8] ^= (uint8_t)(0x80 >> (end->depth - 1) % 8);
    beside.index ^= 1;
    const struct state_node *node = place_node(&beside);
    if (node->kind == NODE_LEAF) {
        proof->sibling = STATE_SIBLING_LEAF;
        proof->halves[0] = node->leaf.key;
        proof->halves[1] = node->leaf.value;
        return OK;
    }
    proof->sibling = STATE_SIBLING_INNER;
    TRY(place_open(tree, &other, &beside, error));
    for (unsigned side = 0; side < 2; side++)
        state_node_hash(&proof->halves[side], &beside.page.nodes[2 * beside.index + side]);
    return OK;
}

enum status state_tree_prove(const struct state_tree *tree, const struct hash *key, struct state_proof *proof,
                             struct error *error)
{
    struct state_proof made;
    struct place place;

    memset(&made, 0, sizeof made);
    TRY(place_root(tree, &place, error));
    while (place_node(&place)->kind == NODE_INNER) {
        unsigned bit = state_key_bit(key, place.depth);

        TRY(place_open(tree, key, &place, error));
        state_node_hash(&made.siblings[made.depth++], &place.page.nodes[2 * place.index + (bit ^ 1)]);
        place_step(&place, bit);
    }
    const struct state_node *end = place_node(&place);
    if (end->kind == NODE_EMPTY) {
        made.kind = STATE_ABSENT_EMPTY;
    } else if (!hash_equal(&end->leaf.key, key)) {
        made.kind = STATE_ABSENT_OTHER;
        made.other = end->leaf;
    } else {
        made.kind = STATE_PRESENT;
        if (made.depth > 0)
            TRY(prove_sibling(tree, key, &place, &made, error));
    }
    *proof = made;
    return OK;
}

/* --- neighbours ------------------------------------------------------------------------------- */

/* Walks to the leaf that is furthest to one side (0: left) of all below `place`; `path` is a key that leads
 * there, and is kept leading to where the walk is. */
static enum status furthest(const struct state_tree *tree, struct place *place, struct hash *path,
                            unsigned side, struct error *error)
{
    while (place_node(place)->kind == NODE_INNER) {
        TRY(place_open(tree, path, place, error));
        unsigned bit = place->page.nodes[2 * place->index + side].kind == NODE_EMPTY ? side ^ 1 : side;
        uint8_t mask = (uint8_t)(0x80 >> place->depth % 8);
        uint8_t *byte = &path->bytes[place->depth / 8];

        *byte = (uint8_t)(bit == 1 ? *byte | mask : *byte & ~mask);
        place_step(place, bit);
    }
    return OK;
}

enum status state_tree_nearest(const struct state_tree *tree, const struct hash *key, enum state_side side,
                               bool *found, struct state_leaf *leaf, struct error *error)
{
    const unsigned wanted = side == STATE_ABOVE ? 1 : 0;
    struct place place, turn; /* turn: the lowest node beside the path on the wanted side */
    struct hash path;
    bool turns = false;

    TRY(place_root(tree, &place, error));
    while (place_node(&place)->kind == NODE_INNER) {
        unsigned bit = state_key_bit(key, place.depth);

        TRY(place_open(tree, key, &place, error));
        if (bit != wanted && place.page.nodes[2 * place.index + wanted].kind != NODE_EMPTY) {
            turn = place;
            place_step(&turn, wanted);
            turns = true;
        }
        place_step(&place, bit);
    }

    const struct state_node *end = place_node(&place);
    int order = end->kind == NODE_LEAF ? memcmp(end->leaf.key.bytes, key->bytes, sizeof key->bytes) : 0;
    if (side == STATE_ABOVE ? order > 0 : order < 0) {
        *leaf = end->leaf;
        *found = true;
        return OK;
    }
    if (turns) {
        path = *key;
        path.bytes[(turn.depth - 1) / 8] ^= (uint8_t)(0x80 >> (turn.depth - 1) % 8);
        TRY(furthest(tree, &turn, &path, wanted ^ 1, error));
        *leaf = place_node(&turn)->leaf;
    }
    *found = turns;
    return OK;
}

/* --- changing --------------------------------------------------------------------------------- */

struct update {
    const struct state_tree *tree;
    struct arena *arena;
    struct state_page *pages[PAGE_DEPTHS]; /* the page in hand of each depth; made when first reached */
    struct error *error;
};

/* A run of the batch: changes whose keys all lead to one node. */
struct run {
    const struct state_change *changes;
    size_t count;
};

static enum status node_update(struct update *u, struct state_page *page, unsigned index, unsigned depth,
                               struct run run, bool *changed);

static struct state_page *update_page(struct update *u, unsigned depth)
{
    struct state_page **page = &u->pages[depth / STATE_PAGE_LEVELS];

    if (*page == NULL)
        *page = arena_new(u->arena, sizeof **page);
    return *page;
}

/* One change where nothing or one leaf is: done at once, unless both a leaf and a new one must stand here. */
static bool change_alone(struct state_node *node, const struct state_change *change, bool *changed)
{
    bool same = node->kind == NODE_LEAF && hash_equal(&node->leaf.key, &change->key);

    if (node->kind == NODE_LEAF && !same && change->present)
        return false;
    if (!change->present) {
        *changed = same;
        node->kind = same ? NODE_EMPTY : node->kind;
    } else {
        *changed = !same || !hash_equal(&node->leaf.value, &change->value);
        node->kind = NODE_LEAF;
        node->leaf = (struct state_leaf){ change->key, change->value };
    }
    return true;
}

/* How many changes of the run lead left at this depth. */
static size_t run_split(struct run run, unsigned depth)
{
    size_t low = 0, high = run.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (state_key_bit(&run.changes[middle].key, depth) == 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A node of a page's bottom: the same node is the top of the page below, which is loaded, or begun when there
 * was none. */
static enum status bottom_update(struct update *u, struct state_node *node, unsigned depth, struct run run,
                                 bool *changed)
{
    const struct hash *key = &run.changes[0].key;
    bool was_page = node->kind == NODE_INNER;

    INVARIANT(depth < STATE_DEPTH_MAX, "two keys of a tree are equal");
    struct state_page *page = update_page(u, depth);
    if (was_page)
        TRY(page_load(u->tree, key, depth, &node->hash, page, u->error));
    else
        page->nodes[PAGE_TOP] = *node;
    TRY(node_update(u, page, PAGE_TOP, depth, run, changed));
    if (!*changed)
        return OK;
    *node = page->nodes[PAGE_TOP];
    if (node->kind == NODE_INNER)
        return page_store(u->tree, key, depth, page, u->error);
    return was_page ? page_forget(u->tree, key, depth, u->error) : OK;
}

static enum status node_update(struct update *u, struct state_page *page, unsigned index, unsigned depth,
                               struct run run, bool *changed)
{
    struct state_node *node = &page->nodes[index];
    bool was_inner = node->kind == NODE_INNER, left_changed = false, right_changed = false;

    if (!was_inner && run.count == 1 && change_alone(node, run.changes, changed))
        return OK;
    if (index >= PAGE_BOTTOM)
        return bottom_update(u, node, depth, run, changed);

    struct state_node *left = &page->nodes[2 * index], *right = &page->nodes[2 * index + 1];
    if (!was_inner) { /* company comes: the leaf, if any, goes one step down */
        bool goes_right = node->kind == NODE_LEAF && state_key_bit(&node->leaf.key, depth) == 1;
        left->kind = right->kind = NODE_EMPTY;
        *(goes_right ? right : left) = *node;
    }
    size_t split = run_split(run, depth);
    if (split > 0)
        TRY(node_update(u, page, 2 * index, depth + 1, (struct run){ run.changes, split }, &left_changed));
    if (split < run.count)
        TRY(node_update(u, page, 2 * index + 1, depth + 1,
                        (struct run){ run.changes + split, run.count - split }, &right_changed));
    *changed = left_changed || right_changed;
    if (*changed)
        state_node_join(node, left, right);
    return OK;
}

static enum status changes_check(const struct state_change *changes, size_t count, struct error *error)
{
    char key[65];

    for (size_t i = 1; i < count; i++) {
        if (memcmp(changes[i - 1].key.bytes, changes[i].key.bytes, sizeof changes[i].key.bytes) < 0)
            continue;
        hex_text(key, changes[i].key.bytes, sizeof changes[i].key.bytes);
        return error_set(error, ERROR_INVALID_PARAMS, "change %zu of key %s does not come after the one "
                         "before it; keys ascend, each once", i, key);
    }
    return OK;
}

enum status state_tree_update(const struct state_tree *tree, const struct state_change *changes, size_t count,
                              struct arena *arena, struct hash *root, struct error *error)
{
    struct update u = { .tree = tree, .arena = arena, .error = error };
    struct state_page *page = update_page(&u, 0);
    bool changed = false;

    INVARIANT(tree->write != NULL, "a tree that is only read is not changed");
    TRY(changes_check(changes, count, error));
    static const struct hash any; /* no bit of it is used */
    TRY(page_load(tree, &any, 0, NULL, page, error));
    if (count > 0)
        TRY(node_update(&u, page, PAGE_TOP, 0, (struct run){ changes, count }, &changed));
    const struct state_node *top = &page->nodes[PAGE_TOP];
    if (changed && top->kind == NODE_EMPTY)
        TRY(page_forget(tree, &any, 0, error));
    else if (changed)
        TRY(page_store(tree, &any, 0, page, error));
    state_node_hash(root, top);
    return OK;
}
