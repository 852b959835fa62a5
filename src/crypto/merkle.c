/* The Merkle tree of RFC 6962. The recursive definitions are walked from the root down, one level a step, so
 * that every loop is bounded by the tree's height. Whatever the shape of a tree, only its complete subtrees
 * are ever read: an incomplete one is folded together from them, as its size's 1 bits tell. */
#include "crypto/merkle.h"

#include "crypto/hash.h"

void merkle_leaf(struct hash *out, const void *data, size_t size)
{
    static const uint8_t prefix = 0x00;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &prefix, 1);
    crypto_hash_sha256_update(&state, data, size);
    crypto_hash_sha256_final(&state, out->bytes);
}

void merkle_node(struct hash *out, const struct hash *left, const struct hash *right)
{
    static const uint8_t prefix = 0x01;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &prefix, 1);
    crypto_hash_sha256_update(&state, left->bytes, sizeof left->bytes);
    crypto_hash_sha256_update(&state, right->bytes, sizeof right->bytes);
    crypto_hash_sha256_final(&state, out->bytes);
}

/* --- appending -------------------------------------------------------------------------------- */

void merkle_range_init(struct merkle_range *range)
{
    *range = (struct merkle_range){ .size = 0 };
}

void merkle_range_append(struct merkle_range *range, const struct hash *leaf,
                         void (*completed)(void *context, unsigned level, uint64_t index,
                                           const struct hash *hash),
                         void *context)
{
    struct hash hash = *leaf;
    unsigned level = 0;

    INVARIANT(range->size < MERKLE_SIZE_MAX, "a tree holds at most 2^63 leaves");
    for (; (range->size >> level & 1) != 0; level++) {
        merkle_node(&hash, &range->peaks[level], &hash);
        if (completed != NULL)
            completed(context, level + 1, range->size >> (level + 1), &hash);
    }
    range->peaks[level] = hash;
    range->size++;
}

void merkle_range_root(const struct merkle_range *range, struct hash *root)
{
    bool started = false;

    if (range->size == 0) {
        sha256(root, NULL, 0);
        return;
    }
    for (unsigned level = 0; level < MERKLE_LEVELS_MAX; level++) {
        if ((range->size >> level & 1) == 0)
            continue;
        if (started)
            merkle_node(root, &range->peaks[level], root);
        else
            *root = range->peaks[level];
        started = true;
    }
}

/* --- roots and proofs from stored subtrees ---------------------------------------------------- */

/* The hash of leaves begin … begin + width − 1, where width > 0 and begin is a multiple of a power of two ≥
 * width. */
static bool subtree_hash(uint64_t begin, uint64_t width, merkle_read *read, void *context, struct hash *out)
{
    struct hash hash, peak;
    bool started = false;

    for (unsigned level = 0; level < MERKLE_LEVELS_MAX && width >> level != 0; level++) {
        if ((width >> level & 1) == 0)
            continue;
        if (!read(context, level, (begin >> level) + (width >> level) - 1, &peak))
            return false;
        if (started)
            merkle_node(&hash, &peak, &hash);
        else
            hash = peak;
        started = true;
    }
    *out = hash;
    return true;
}

/* The largest power of two below `width`, which is at least 2 (RFC 6962 §2.1: k < n ≤ 2k). */
static uint64_t split_point(uint64_t width)
{
    return (uint64_t)1 << (63 - __builtin_clzll(width - 1));
}

/* Proofs list hashes from the bottom up; the walk finds them from the top down. */
static void proof_reverse(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        struct hash other = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = proof->hashes[i];
        proof->hashes[i] = other;
    }
}

bool merkle_inclusion(uint64_t index, uint64_t size, merkle_read *read, void *context,
                      struct merkle_proof *proof)
{
    struct merkle_proof made = { .count = 0 };
    uint64_t begin = 0, width = size;

    if (index >= size || size > MERKLE_SIZE_MAX)
        return false;
    while (width > 1) {
        uint64_t split = split_point(width);
        bool left = index - begin < split;
        struct hash *sibling = &made.hashes[made.count++];

        if (!(left ? subtree_hash(begin + split, width - split, read, context, sibling)
                   : subtree_hash(begin, split, read, context, sibling)))
            return false;
        begin = left ? begin : begin + split;
        width = left ? split : width - split;
    }
    proof_reverse(&made);
    *proof = made;
    return true;
}

bool merkle_consistency(uint64_t first, uint64_t second, merkle_read *read, void *context,
                        struct merkle_proof *proof)
{
    struct merkle_proof made = { .count = 0 };
    /* `kept`: leaves of the old tree in the present subtree */
    uint64_t begin = 0, width = second, kept = first;

    if (first == 0 || first > second || second > MERKLE_SIZE_MAX)
        return false;
    while (kept != width) {
        uint64_t split = split_point(width);
        bool left = kept <= split;
        struct hash *sibling = &made.hashes[made.count++];

        if (!(left ? subtree_hash(begin + split, width - split, read, context, sibling)
                   : subtree_hash(begin, split, read, context, sibling)))
            return false;
        begin = left ? begin : begin + split;
        kept = left ? kept : kept - split;
        width = left ? split : width - split;
    }
    /* A subtree that starts at leaf 0 here is the whole old tree, whose root the verifier has. */
    if (begin != 0 && !subtree_hash(begin, width, read, context, &made.hashes[made.count++]))
        return false;
    proof_reverse(&made);
    *proof = made;
    return true;
}

bool merkle_root(uint64_t size, merkle_read *read, void *context, struct hash *root)
{
    if (size > MERKLE_SIZE_MAX)
        return false;
    if (size == 0) {
        sha256(root, NULL, 0);
        return true;
    }
    return subtree_hash(0, size, read, context, root);
}

/* --- verifying -------------------------------------------------------------------------------- */

/* Where a verifier stands: the node on the path and the last node of its level, by number (RFC 9162 calls
 * them fn, sn). */
struct position {
    uint64_t node, last;
};

static void position_up(struct position *at)
{
    at->node >>= 1;
    at->last >>= 1;
}

/* Whether the next hash of the proof stands to the left; then also skips the levels on which the node has no
 * sibling. */
static bool position_sibling_left(struct position *at)
{
    if ((at->node & 1) == 0 && at->node != at->last)
        return false;
    while ((at->node & 1) == 0 && at->node != 0)
        position_up(at);
    return true;
}

bool merkle_verify_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
                             const struct merkle_proof *proof, const struct hash *root)
{
    struct hash hash = *leaf;

    if (index >= size || size > MERKLE_SIZE_MAX || proof->count > MERKLE_PROOF_MAX)
        return false;
    struct position at = { .node = index, .last = size - 1 };
    for (size_t i = 0; i < proof->count; i++) {
        if (at.last == 0)
            return false;
        if (position_sibling_left(&at))
            merkle_node(&hash, &proof->hashes[i], &hash);
        else
            merkle_node(&hash, &hash, &proof->hashes[i]);
        position_up(&at);
    }
    return at.last == 0 && hash_equal(&hash, root);
}

bool merkle_verify_consistency(uint64_t first, uint64_t second, const struct hash *first_root,
                               const struct hash *second_root, const struct merkle_proof *proof)
{
    if (first == 0 || first > second || second > MERKLE_SIZE_MAX || proof->count > MERKLE_PROOF_MAX)
        return false;
    if (first == second)
        return proof->count == 0 && hash_equal(first_root, second_root);
    if (proof->count == 0)
        return false;

    /* An old tree that is complete is itself the first node; then the proof leaves it out. */
    bool complete = (first & (first - 1)) == 0;
    struct hash old_hash = complete ? *first_root : proof->hashes[0];
    struct hash new_hash = old_hash;
    struct position at = { .node = first - 1, .last = second - 1 };

    while ((at.node & 1) != 0)
        position_up(&at);
    for (size_t i = complete ? 0 : 1; i < proof->count; i++) {
        const struct hash *sibling = &proof->hashes[i];

        if (at.last == 0)
            return false;
        if (position_sibling_left(&at)) {
            merkle_node(&old_hash, sibling, &old_hash);
            merkle_node(&new_hash, sibling, &new_hash);
        } else {
            merkle_node(&new_hash, &new_hash, sibling);
        }
        position_up(&at);
    }
    return at.last == 0 && hash_equal(&old_hash, first_root) && hash_equal(&new_hash, second_root);
}
