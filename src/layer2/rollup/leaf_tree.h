/* The state tree of crypto/state_proof.h in memory, for leaves that stand somewhere else: the tree knows
 * a leaf by a number and asks what it is when it is put. An inner node takes 72 bytes (what is below it, and
 * the hashes of that), a leaf none of its own.
 *
 * A batch of leaves is put or removed in two walks, level by level: down to find which nodes change, up
 * to hash them, all of a level side by side (crypto/sha256_many.h). Pure. */
#ifndef LAYER2_ROLLUP_LEAF_TREE_H
#define LAYER2_ROLLUP_LEAF_TREE_H

#include "crypto/sha256_many.h"
#include "crypto/state_proof.h"

#define LEAF_NUMBER_MAX (((uint32_t)1 << 31) - 1) /* leaves are numbered below this */
#define LEAF_KEY_BYTES_MAX 55                     /* what a key is the hash of: one block with its padding */

/* What a leaf is, now. Its key must stay the same from when it is put until it is removed. */
struct leaf_source {
    void *context;
    /* Bytes of which the key, or the value, is the tagged hash; returns how many. */
    size_t (*key)(void *context, uint32_t leaf, uint8_t out[LEAF_KEY_BYTES_MAX]);
    size_t (*value)(void *context, uint32_t leaf, uint8_t *out); /* at most value_max */
    size_t value_max;
    /* It will be asked about this leaf soon. */
    void (*prefetch)(void *context, uint32_t leaf);
    const char *key_tag, *value_tag;
};

struct leaf_tree;

struct leaf_tree *leaf_tree_new(const struct leaf_source *source);
void leaf_tree_free(struct leaf_tree *tree);

/* Each leaf once. One that is put again has changed its value, and one that has changed is hashed again only
 * when it is put; one that is not there is removed all the same. */
void leaf_tree_put(struct leaf_tree *tree, const uint32_t *leaves, size_t count);
void leaf_tree_remove(struct leaf_tree *tree, const uint32_t *leaves, size_t count);

void leaf_tree_root(const struct leaf_tree *tree, struct hash *root);
/* That the key is there or is not, as state_tree_prove does. */
void leaf_tree_prove(const struct leaf_tree *tree, const struct hash *key, struct state_proof *proof);
size_t leaf_tree_memory(const struct leaf_tree *tree); /* bytes */

#endif
