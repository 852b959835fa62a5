/* The Merkle tree of RFC 6962 §2 (SHA-256), append-only: compact range, roots, inclusion and consistency
 * proofs. Pure; hashes of complete subtrees come from a callback, so the tree may live anywhere. */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include "base/bytes.h"

#define MERKLE_LEVELS_MAX 64
#define MERKLE_PROOF_MAX 64
#define MERKLE_SIZE_MAX ((uint64_t)1 << 63) /* a consistency proof in such a tree has at most 64 hashes */

/* SHA-256(00 ‖ data), and SHA-256(01 ‖ left ‖ right). */
void merkle_leaf(struct hash *out, const void *data, size_t size);
void merkle_node(struct hash *out, const struct hash *left, const struct hash *right);

/* The state one needs to append: one hash for each 1 bit of the size. Copyable by assignment. */
struct merkle_range {
    uint64_t size;
    struct hash peaks[MERKLE_LEVELS_MAX]; /* peaks[level] is valid when bit `level` of size is 1 */
};
void merkle_range_init(struct merkle_range *range);
/* Appends a leaf hash. When `completed` is not NULL it is called for each complete subtree of at least 2
 * leaves that this leaf finishes: (level, index) covers leaves index·2^level … (index+1)·2^level − 1. */
void merkle_range_append(struct merkle_range *range, const struct hash *leaf,
                         void (*completed)(void *context, unsigned level, uint64_t index,
                                           const struct hash *hash),
                         void *context);
void merkle_range_root(const struct merkle_range *range, struct hash *root); /* empty: SHA-256("") */

/* Reads the hash of a complete subtree; level 0 is a leaf hash. False when it cannot be had. */
typedef bool merkle_read(void *context, unsigned level, uint64_t index, struct hash *hash);

struct merkle_proof {
    size_t count;
    struct hash hashes[MERKLE_PROOF_MAX];
};
/* RFC 6962 §2.1.1: leaf `index` of a tree of `size` leaves. False: out of range, or `read` failed. */
MUST_CHECK bool merkle_inclusion(uint64_t index, uint64_t size, merkle_read *read, void *context,
                                 struct merkle_proof *proof);
/* RFC 6962 §2.1.2: the tree of `first` leaves is a prefix of the one of `second`; 0 < first ≤ second. */
MUST_CHECK bool merkle_consistency(uint64_t first, uint64_t second, merkle_read *read, void *context,
                                   struct merkle_proof *proof);
/* The root of the first `size` leaves. */
MUST_CHECK bool merkle_root(uint64_t size, merkle_read *read, void *context, struct hash *root);

/* RFC 9162 §2.1.3.2 and §2.1.4.2: false for every proof that is not exactly the right one. */
MUST_CHECK bool merkle_verify_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
                                        const struct merkle_proof *proof, const struct hash *root);
MUST_CHECK bool merkle_verify_consistency(uint64_t first, uint64_t second, const struct hash *first_root,
                                          const struct hash *second_root, const struct merkle_proof *proof);

#endif
