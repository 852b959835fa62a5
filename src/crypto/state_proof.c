/* Proofs over the state tree: their checks, the root that a change gives, and their bytes. Whatever is
 * computed from a proof starts at its lowest end and folds the siblings in up to the root. */
#include "crypto/state_proof.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/merkle.h"

/* --- the tree's hashes ------------------------------------------------------------------------ */

_Static_assert(sizeof(struct state_leaf) == 64, "a leaf is hashed as it lies in memory");

void state_leaf_hash(struct hash *out, const struct state_leaf *leaf)
{
    merkle_leaf(out, leaf, sizeof *leaf);
}

unsigned state_key_bit(const struct hash *key, unsigned depth)
{
    return key->bytes[depth / 8] >> (7 - depth % 8) & 1U;
}

static bool is_empty(const struct hash *hash)
{
    static const struct hash empty;

    return hash_equal(hash, &empty);
}

/* Whether the keys agree in their first `depth` bits. */
static bool keys_agree(const struct hash *a, const struct hash *b, unsigned depth)
{
    unsigned whole = depth / 8, rest = depth % 8;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

/* --- what a proof must be, whatever the root ---------------------------------------------------- */

/* How deep a path of its kind can go: where nothing is, or another key's leaf stands, at least one more bit
 * follows. */
static unsigned depth_max(enum state_proof_kind kind)
{
    return kind == STATE_PRESENT ? STATE_DEPTH_MAX : STATE_DEPTH_MAX - 1;
}

static void halves_hash(const struct state_proof *proof, struct hash *out)
{
    const struct state_leaf leaf = { proof->halves[0], proof->halves[1] };

    if (proof->sibling == STATE_SIBLING_LEAF)
        state_leaf_hash(out, &leaf);
    else
        merkle_node(out, &proof->halves[0], &proof->halves[1]);
}

/* A last sibling that is shown: hashes to what stands among the siblings, and a leaf belongs there. */
static bool sibling_fits(const struct state_proof *proof, const struct hash *key)
{
    unsigned last = proof->depth - 1;
    struct hash hash;

    if (proof->sibling == STATE_SIBLING_HASH)
        return true;
    if (proof->kind != STATE_PRESENT || proof->depth == 0)
        return false;
    halves_hash(proof, &hash);
    if (!hash_equal(&hash, &proof->siblings[last]))
        return false;
    if (proof->sibling == STATE_SIBLING_INNER)
        return !is_empty(&proof->halves[0]) || !is_empty(&proof->halves[1]);
    return keys_agree(&proof->halves[0], key, last) &&
           state_key_bit(&proof->halves[0], last) != state_key_bit(key, last);
}

static bool proof_fits(const struct state_proof *proof, const struct hash *key)
{
    if (proof->kind < STATE_PRESENT || proof->kind > STATE_ABSENT_OTHER ||
        proof->sibling > STATE_SIBLING_INNER || proof->depth > depth_max(proof->kind))
        return false;
    if (proof->depth > 0 && is_empty(&proof->siblings[proof->depth - 1]))
        return false; /* what ends the path would stand higher */
    if (proof->kind == STATE_ABSENT_OTHER &&
        (hash_equal(&proof->other.key, key) || !keys_agree(&proof->other.key, key, proof->depth)))
        return false;
    return sibling_fits(proof, key);
}

/* --- roots ------------------------------------------------------------------------------------ */

/* `node` stands at `depth` on the key's path; replaced by its parent at depth − 1. */
static void fold_step(struct hash *node, const struct hash *key, unsigned depth, const struct hash *sibling)
{
    if (state_key_bit(key, depth - 1) == 0)
        merkle_node(node, node, sibling);
    else
        merkle_node(node, sibling, node);
}

static void fold(const struct state_proof *proof, const struct hash *key, unsigned depth, struct hash *node)
{
    for (; depth > 0; depth--)
        fold_step(node, key, depth, &proof->siblings[depth - 1]);
}

bool state_proof_present(const struct state_proof *proof, const struct hash *key, const struct hash *value,
                         const struct hash *root)
{
    const struct state_leaf leaf = { *key, *value };
    struct hash node;

    if (proof->kind != STATE_PRESENT || !proof_fits(proof, key))
        return false;
    state_leaf_hash(&node, &leaf);
    fold(proof, key, proof->depth, &node);
    return hash_equal(&node, root);
}

bool state_proof_absent(const struct state_proof *proof, const struct hash *key, const struct hash *root)
{
    struct hash node = { .bytes = { 0 } };

    if (proof->kind == STATE_PRESENT || !proof_fits(proof, key))
        return false;
    if (proof->kind == STATE_ABSENT_OTHER)
        state_leaf_hash(&node, &proof->other);
    fold(proof, key, proof->depth, &node);
    return hash_equal(&node, root);
}

/* A new leaf beside the one that the path ends at: both go down to where their keys part. */
static void insert_beside(const struct state_proof *proof, const struct state_leaf *leaf, struct hash *root)
{
    static const struct hash empty;
    unsigned parting = proof->depth;
    struct hash node, other;

    while (state_key_bit(&leaf->key, parting) == state_key_bit(&proof->other.key, parting))
        parting++;
    state_leaf_hash(&node, leaf);
    state_leaf_hash(&other, &proof->other);
    fold_step(&node, &leaf->key, parting + 1, &other);
    for (unsigned depth = parting; depth > proof->depth; depth--)
        fold_step(&node, &leaf->key, depth, &empty);
    fold(proof, &leaf->key, proof->depth, &node);
    *root = node;
}

/* The leaf goes; a sibling that is a leaf moves up past all that is empty, one that is not stays. */
static void remove_leaf(const struct state_proof *proof, const struct hash *key, struct hash *root)
{
    struct hash node = { .bytes = { 0 } };
    unsigned depth = proof->depth;

    if (depth > 0 && proof->sibling == STATE_SIBLING_LEAF) {
        node = proof->siblings[--depth];
        while (depth > 0 && is_empty(&proof->siblings[depth - 1]))
            depth--;
    }
    fold(proof, key, depth, &node);
    *root = node;
}

bool state_proof_change(const struct state_proof *proof, const struct hash *key, const struct hash *before,
                        const struct hash *after, const struct hash *root, struct hash *changed)
{
    if (before != NULL ? !state_proof_present(proof, key, before, root)
                       : !state_proof_absent(proof, key, root))
        return false;
    if (after == NULL && before == NULL) {
        *changed = *root;
    } else if (after == NULL) {
        if (proof->depth > 0 && proof->sibling == STATE_SIBLING_HASH)
            return false;
        remove_leaf(proof, key, changed);
    } else {
        const struct state_leaf leaf = { *key, *after };

        if (proof->kind == STATE_ABSENT_OTHER) {
            insert_beside(proof, &leaf, changed);
        } else {
            struct hash node;

            state_leaf_hash(&node, &leaf);
            fold(proof, key, proof->depth, &node);
            *changed = node;
        }
    }
    return true;
}

/* --- bytes ------------------------------------------------------------------------------------ */

enum form {
    FORM_PRESENT = 1,
    FORM_PRESENT_LEAF = 2,
    FORM_PRESENT_INNER = 3,
    FORM_ABSENT_EMPTY = 4,
    FORM_ABSENT_OTHER = 5,
};

#define HEAD_SIZE 3

static uint8_t form_of(const struct state_proof *proof)
{
    switch (proof->kind) {
    case STATE_PRESENT:
        return (uint8_t)(FORM_PRESENT + proof->sibling);
    case STATE_ABSENT_EMPTY:
        return FORM_ABSENT_EMPTY;
    case STATE_ABSENT_OTHER:
        return FORM_ABSENT_OTHER;
    }
    invariant_broken(__FILE__, __LINE__, "kind", "no proof is of kind %d", (int)proof->kind);
}

void state_proof_encode(const struct state_proof *proof, struct buffer *out)
{
    uint8_t head[HEAD_SIZE + STATE_DEPTH_MAX / 8] = { form_of(proof), (uint8_t)(proof->depth >> 8),
                                                      (uint8_t)proof->depth };

    for (unsigned d = 0; d < proof->depth; d++)
        if (!is_empty(&proof->siblings[d]))
            head[HEAD_SIZE + d / 8] |= (uint8_t)(0x80 >> d % 8);
    buffer_append(out, head, HEAD_SIZE + (proof->depth + 7) / 8);
    for (unsigned d = 0; d < proof->depth; d++) {
        if (d + 1 == proof->depth && proof->sibling != STATE_SIBLING_HASH)
            buffer_append(out, proof->halves, sizeof proof->halves);
        else if (!is_empty(&proof->siblings[d]))
            buffer_append(out, proof->siblings[d].bytes, sizeof proof->siblings[d].bytes);
    }
    if (proof->kind == STATE_ABSENT_OTHER)
        buffer_append(out, &proof->other, sizeof proof->other);
}

static enum status refused(struct error *error, const char *why)
{
    return error_set(error, ERROR_INVALID_PARAMS, "the proof of state %s", why);
}

/* Takes `size` bytes off the front; false when there are not as many. */
static bool take(struct bytes *rest, void *out, size_t size)
{
    if (rest->size < size)
        return false;
    memcpy(out, rest->data, size);
    rest->data += size;
    rest->size -= size;
    return true;
}

static enum status decode_head(struct bytes *rest, struct state_proof *proof, struct error *error)
{
    uint8_t head[HEAD_SIZE];

    if (!take(rest, head, sizeof head))
        return refused(error, "is shorter than its head");
    if (head[0] < FORM_PRESENT || head[0] > FORM_ABSENT_OTHER)
        return error_set(error, ERROR_INVALID_PARAMS, "the proof of state has form %d; forms are 1 to 5",
                         head[0]);
    proof->kind = head[0] <= FORM_PRESENT_INNER  ? STATE_PRESENT
                  : head[0] == FORM_ABSENT_EMPTY ? STATE_ABSENT_EMPTY
                                                 : STATE_ABSENT_OTHER;
    proof->sibling = proof->kind == STATE_PRESENT ? (enum state_sibling)(head[0] - FORM_PRESENT)
                                                  : STATE_SIBLING_HASH;
    proof->depth = (unsigned)head[1] << 8 | head[2];
    if (proof->depth > depth_max(proof->kind))
        return error_set(error, ERROR_INVALID_PARAMS, "the proof of state has %u steps; at most %u",
                         proof->depth, depth_max(proof->kind));
    if (proof->sibling != STATE_SIBLING_HASH && proof->depth == 0)
        return refused(error, "shows a sibling of the root");
    return OK;
}

static enum status decode_siblings(struct bytes *rest, struct state_proof *proof, struct error *error)
{
    struct hash map = { .bytes = { 0 } }; /* a bit for each step, as a key has them */
    size_t map_size = (proof->depth + 7) / 8;

    if (!take(rest, map.bytes, map_size))
        return refused(error, "ends within its map of siblings");
    for (unsigned d = proof->depth; d < map_size * 8; d++)
        if (state_key_bit(&map, d) != 0)
            return refused(error, "maps siblings below its end");
    if (proof->depth > 0 && state_key_bit(&map, proof->depth - 1) == 0)
        return refused(error, "ends beside nothing");

    for (unsigned d = 0; d < proof->depth; d++) {
        struct hash *sibling = &proof->siblings[d];

        memset(sibling, 0, sizeof *sibling);
        if (state_key_bit(&map, d) == 0)
            continue;
        if (d + 1 == proof->depth && proof->sibling != STATE_SIBLING_HASH) {
            if (!take(rest, proof->halves, sizeof proof->halves))
                return refused(error, "ends within its last sibling");
            if (proof->sibling == STATE_SIBLING_INNER && is_empty(&proof->halves[0]) &&
                is_empty(&proof->halves[1]))
                return refused(error, "has a last sibling with nothing below");
            halves_hash(proof, sibling);
        } else if (!take(rest, sibling->bytes, sizeof sibling->bytes)) {
            return refused(error, "ends within its siblings");
        } else if (is_empty(sibling)) {
            return refused(error, "lists a sibling where nothing is");
        }
    }
    return OK;
}

enum status state_proof_decode(struct bytes bytes, struct state_proof *proof, struct error *error)
{
    struct state_proof found;
    struct bytes rest = bytes;

    memset(&found.other, 0, sizeof found.other);
    memset(found.halves, 0, sizeof found.halves);
    TRY(decode_head(&rest, &found, error));
    TRY(decode_siblings(&rest, &found, error));
    if (found.kind == STATE_ABSENT_OTHER && !take(&rest, &found.other, sizeof found.other))
        return refused(error, "ends within the other leaf");
    if (rest.size != 0)
        return refused(error, "has bytes behind its end");
    memset(found.siblings + found.depth, 0, (STATE_DEPTH_MAX - found.depth) * sizeof found.siblings[0]);
    *proof = found;
    return OK;
}
