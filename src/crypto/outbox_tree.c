/* The outbox tree. At every level at most one subtree is neither complete nor empty: the one that the next
 * leaf will stand in. It is folded together from the complete ones to its left, as the count's 1 bits tell;
 * every loop is one step a level. */
#include "crypto/outbox_tree.h"

#include <pthread.h>
#include <string.h>

#include "crypto/hash.h"

#define LEAF_TAG "layerd/outbox"

_Static_assert(sizeof(struct outbox_proof) == OUTBOX_PROOF_SIZE, "a proof is its bytes");

void outbox_shape_init(struct outbox_shape *shape, outbox_node *node)
{
    shape->node = node;
    memset(&shape->empty[0], 0, sizeof shape->empty[0]);
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++)
        node(&shape->empty[level + 1], &shape->empty[level], &shape->empty[level]);
}

static void sha256_node(struct hash *out, const struct hash *left, const struct hash *right)
{
    const struct hash both[2] = { *left, *right };

    sha256(out, both, sizeof both);
}

static struct outbox_shape own;

static void own_init(void)
{
    outbox_shape_init(&own, sha256_node);
}

const struct outbox_shape *outbox_shape(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int failed = pthread_once(&once, own_init);

    INVARIANT(failed == 0, "pthread_once: %d", failed);
    return &own;
}

void outbox_leaf(struct hash *out, const void *message, size_t size)
{
    tagged_hash(out, LEAF_TAG, message, size);
}

/* --- appending -------------------------------------------------------------------------------- */

bool outbox_append(const struct outbox_shape *shape, struct outbox_tree *tree, const struct hash *leaf,
                   void (*completed)(void *context, unsigned level, uint64_t index, const struct hash *hash),
                   void *context)
{
    struct hash hash = *leaf;
    unsigned level = 0;

    if (tree->count >= OUTBOX_COUNT_MAX || hash_equal(leaf, &shape->empty[0]))
        return false;
    for (; (tree->count >> level & 1) != 0; level++) {
        shape->node(&hash, &tree->frontier[level], &hash);
        memset(&tree->frontier[level], 0, sizeof tree->frontier[level]);
        if (completed != NULL)
            completed(context, level + 1, tree->count >> (level + 1), &hash);
    }
    tree->frontier[level] = hash;
    tree->count++;
    return true;
}

void outbox_root(const struct outbox_shape *shape, const struct outbox_tree *tree, struct hash *root)
{
    struct hash hash = shape->empty[0];

    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        if ((tree->count >> level & 1) != 0)
            shape->node(&hash, &tree->frontier[level], &hash);
        else
            shape->node(&hash, &hash, &shape->empty[level]);
    }
    *root = hash;
}

/* --- proofs ----------------------------------------------------------------------------------- */

bool outbox_prove(const struct outbox_shape *shape, uint64_t index, uint64_t count, merkle_read *read,
                  void *context, struct outbox_proof *proof)
{
    struct outbox_proof made;
    struct hash edge = shape->empty[0]; /* the subtree of this level that the next leaf will stand in */

    if (count > OUTBOX_COUNT_MAX || index >= count)
        return false;
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        uint64_t beside = index >> level ^ 1, next = count >> level; /* next: where `edge` stands */
        struct hash peak;

        if (beside > next)
            made.siblings[level] = shape->empty[level];
        else if (beside == next)
            made.siblings[level] = edge;
        else if (!read(context, level, beside, &made.siblings[level]))
            return false;
        if ((next & 1) == 0) {
            shape->node(&edge, &edge, &shape->empty[level]);
        } else if (beside == next - 1) {
            shape->node(&edge, &made.siblings[level], &edge);
        } else {
            if (!read(context, level, next - 1, &peak))
                return false;
            shape->node(&edge, &peak, &edge);
        }
    }
    *proof = made;
    return true;
}

bool outbox_verify(const struct outbox_shape *shape, uint64_t index, const struct hash *leaf,
                   const struct outbox_proof *proof, const struct hash *root)
{
    struct hash hash = *leaf;

    if (index >= OUTBOX_COUNT_MAX || hash_equal(leaf, &shape->empty[0]))
        return false;
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        if ((index >> level & 1) != 0)
            shape->node(&hash, &proof->siblings[level], &hash);
        else
            shape->node(&hash, &hash, &proof->siblings[level]);
    }
    return hash_equal(&hash, root);
}
