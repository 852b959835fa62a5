/* The outbox tree: append-only, of depth 32, in the form of the Ethereum deposit contract without its count
 * (eth2 deposit_contract.sol; vectors/deposit-tree.json). Leaves stand from left to right, what is not
 * filled yet is 32 zero bytes, a parent is the hash of its two children one after the other. Appending needs
 * the frontier alone: at most one hash a level. Pure; proofs read complete subtrees through a callback, so
 * the tree may live anywhere. A tree of another hash (Keccak-256 for contracts) is another shape. */
#ifndef CRYPTO_OUTBOX_TREE_H
#define CRYPTO_OUTBOX_TREE_H

#include "crypto/merkle.h"

#define OUTBOX_DEPTH 32
/* One place is never filled, as in the contract. */
#define OUTBOX_COUNT_MAX (((uint64_t)1 << OUTBOX_DEPTH) - 1)
#define OUTBOX_PROOF_SIZE (OUTBOX_DEPTH * 32)

/* The parent of two nodes; `out` may be one of them. */
typedef void outbox_node(struct hash *out, const struct hash *left, const struct hash *right);

/* A hash, and with it the hashes of subtrees where nothing is. */
struct outbox_shape {
    outbox_node *node;
    struct hash empty[OUTBOX_DEPTH + 1]; /* [level]: 2^level unfilled leaves */
};
void outbox_shape_init(struct outbox_shape *shape, outbox_node *node);

/* layerd's own trees: SHA-256(left ‖ right), and leaves as below. Made once, at the first use. */
const struct outbox_shape *outbox_shape(void);
/* SHA-256 tagged `layerd/outbox` (BIP-340 "Tagged Hashes") of a message's bytes: never a node's hash. */
void outbox_leaf(struct hash *out, const void *message, size_t size);

/* All that appending needs. Copyable by assignment; a zeroed one is the empty tree. */
struct outbox_tree {
    uint64_t count;
    struct hash frontier[OUTBOX_DEPTH]; /* [level]: the subtree that waits for its right neighbour, where bit
                                           `level` of count is 1; else 0 */
};
/* Appends a leaf hash; it has index `count` of before. False: the tree is full, or the leaf is 32 zero bytes,
 * which is what unfilled places hold; the tree is not touched. When `completed` is not NULL it is called for
 * each complete subtree of at least 2 leaves that this leaf finishes: (level, index) covers leaves
 * index·2^level … (index+1)·2^level − 1. */
MUST_CHECK bool outbox_append(const struct outbox_shape *shape, struct outbox_tree *tree,
                              const struct hash *leaf,
                              void (*completed)(void *context, unsigned level, uint64_t index,
                                                const struct hash *hash),
                              void *context);
void outbox_root(const struct outbox_shape *shape, const struct outbox_tree *tree, struct hash *root);

/* The siblings of one leaf's path, from the leaf up. As bytes: these, one after the other. */
struct outbox_proof { struct hash siblings[OUTBOX_DEPTH]; };
/* Leaf `index` in the tree of the first `count` leaves. `read` gives complete subtrees of that tree (level 0:
 * leaf hashes). False: index ≥ count, count out of range, or `read` failed. */
MUST_CHECK bool outbox_prove(const struct outbox_shape *shape, uint64_t index, uint64_t count,
                             merkle_read *read, void *context, struct outbox_proof *proof);
/* False for every index, leaf, proof or root but the right ones; that a place is unfilled is not proved. */
MUST_CHECK bool outbox_verify(const struct outbox_shape *shape, uint64_t index, const struct hash *leaf,
                              const struct outbox_proof *proof, const struct hash *root);

#endif
