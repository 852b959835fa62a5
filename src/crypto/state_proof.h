/* Proofs over the state tree (state_tree.h): that a key has a value, that it has none, and what the root is
 * once that key is changed. Pure; a verifier needs nothing but the root.
 *
 * The tree: keys and values are 32-byte hashes. SHA-256 throughout; bit 0 of a key is the highest bit of its
 * first byte, and leads left when it is 0.
 *     nothing below       32 zero bytes
 *     one leaf below      SHA-256(00 ‖ key ‖ value), at any height: a leaf stands as high as it is alone
 *     more than one       SHA-256(01 ‖ left ‖ right)
 * This is the tree of the ICS-23 specification `smt` (cosmos/ics23, SmtSpec):
 *     leaf_op     hash SHA256, prehash_key SHA256, prehash_value SHA256, length NO_PREFIX, prefix 00
 *     inner_spec  child_order 0 1, child_size 32, min_prefix_length 1, max_prefix_length 1, empty_child 32
 *                 zero bytes, hash SHA256 (each inner prefix is 01)
 *     max_depth 256, min_depth 0, prehash_key_before_comparison true
 * where `key` here is SHA-256 of theirs and `value` SHA-256 of theirs. Whoever has the two hashes but not
 * what was hashed verifies the same roots with prehash_key and prehash_value NO_HASH, length
 * REQUIRE_32_BYTES and prehash_key_before_comparison false. An ICS-23 existence proof is a proof of presence
 * (its path from the last sibling to the first); a non-existence proof is that of the nearest key on either
 * side (state_tree_nearest). Of an empty tree ICS-23 proves nothing; the proofs here do.
 *
 * Keys must be outputs of a hash: keys of somebody's choice could make paths of 256 steps. */
#ifndef CRYPTO_STATE_PROOF_H
#define CRYPTO_STATE_PROOF_H

#include "base/buffer.h"
#include "base/bytes.h"

#define STATE_DEPTH_MAX 256       /* bits of a key */
#define STATE_PROOF_SIZE_MAX 8259 /* 3 + 32 + 255·32 + 64: all steps, and the halves or the other leaf */

struct state_leaf {
    struct hash key;
    struct hash value;
};

enum state_proof_kind {
    STATE_PRESENT = 1,      /* the key's leaf ends the path */
    STATE_ABSENT_EMPTY = 2, /* the path ends where nothing is below */
    STATE_ABSENT_OTHER = 3, /* the path ends at the leaf of another key */
};

/* What a proof of presence tells of its last sibling: without it a removal cannot be computed, because a leaf
 * that is left alone moves up and anything else does not. */
enum state_sibling {
    STATE_SIBLING_HASH = 0,  /* its hash alone */
    STATE_SIBLING_LEAF = 1,  /* halves: key and value */
    STATE_SIBLING_INNER = 2, /* halves: left and right */
};

struct state_proof {
    enum state_proof_kind kind;
    enum state_sibling sibling; /* STATE_SIBLING_HASH unless kind is STATE_PRESENT and depth > 0 */
    unsigned depth;             /* 0 … 256: how many steps the path has */
    struct hash siblings[STATE_DEPTH_MAX]; /* [d]: beside the path at depth d + 1; zero: nothing is there */
    struct state_leaf other;    /* of STATE_ABSENT_OTHER */
    struct hash halves[2];      /* what the last sibling is the hash of, when `sibling` says so */
};

void state_leaf_hash(struct hash *out, const struct state_leaf *leaf);
unsigned state_key_bit(const struct hash *key, unsigned depth); /* depth < 256 */

/* The key has this value under this root; the key is absent under this root. False for every proof that is
 * not exactly right: one that could not come from a tree (a last sibling where nothing is) is refused too. */
MUST_CHECK bool state_proof_present(const struct state_proof *proof, const struct hash *key,
                                    const struct hash *value, const struct hash *root);
MUST_CHECK bool state_proof_absent(const struct state_proof *proof, const struct hash *key,
                                   const struct hash *root);

/* The root once the key's value is `after` in place of `before`; NULL is absent on either side. False, and
 * `changed` is untouched: the proof does not show `before` under `root`, or a removal whose proof has the
 * last sibling's hash alone. */
MUST_CHECK bool state_proof_change(const struct state_proof *proof, const struct hash *key,
                                   const struct hash *before, const struct hash *after,
                                   const struct hash *root, struct hash *changed);

/* Bytes, at most STATE_PROOF_SIZE_MAX, one form for each proof:
 *     form (1): 1 presence, 2 with the last sibling a leaf, 3 or inner; 4 nothing is there, 5 another key is
 *     depth (2, big-endian)
 *     a bit for each step from the root: 1, the sibling is listed; 0, nothing is there; then 0 to full bytes
 *     the listed siblings from the root on (32 each; with forms 2 and 3 the last one as its two halves, 64)
 *     form 5: the other leaf's key and value (64) */
void state_proof_encode(const struct state_proof *proof, struct buffer *out);
/* ERROR_INVALID_PARAMS for all bytes that state_proof_encode would not write. */
MUST_CHECK enum status state_proof_decode(struct bytes bytes, struct state_proof *proof, struct error *error);

#endif
