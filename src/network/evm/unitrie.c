/* Nodes of the Unitrie as RSKIP107 writes them, and the way of a key through them. A node: flags; its
 * shared path; its children, each a hash or a whole small node; how large all below is; its value, or the
 * value's hash and size. */
#include "network/evm/unitrie.h"

#include <string.h>

#include "network/evm/address.h"

#define FLAGS_VERSION 0xc0
#define VERSION_RSKIP107 0x40
#define FLAG_LONG_VALUE 0x20
#define FLAG_PATH 0x10
#define FLAG_LEFT 0x08
#define FLAG_RIGHT 0x04
#define FLAG_LEFT_EMBEDDED 0x02
#define FLAG_RIGHT_EMBEDDED 0x01

/* The byte before a path tells its bits: 1 … 32, 160 … 382, or that a variable-length integer follows. */
#define PATH_SHORT_MAX 32
#define PATH_MIDDLE_LEAST 160
#define PATH_MIDDLE_MAX 382
#define PATH_MIDDLE_SHIFT 128
#define PATH_ANY 255

#define HASH_SIZE 32
#define LENGTH_SIZE 3 /* of a long value */

static bool take(struct bytes *rest, size_t size, struct bytes *out)
{
    if (rest->size < size)
        return false;
    *out = bytes_of(rest->data, size);
    *rest = bytes_of(rest->data + size, rest->size - size);
    return true;
}

/* --- Bitcoin's variable-length integer, in its shortest form ------------------------------------------- */
#define VARIABLE_16 253
#define VARIABLE_32 254

static bool take_variable(struct bytes *rest, uint64_t *value)
{
    static const uint64_t least[] = { VARIABLE_16, (uint64_t)UINT16_MAX + 1, (uint64_t)UINT32_MAX + 1 };
    struct bytes in;
    uint64_t read = 0;

    if (!take(rest, 1, &in))
        return false;
    if (in.data[0] < VARIABLE_16) {
        *value = in.data[0];
        return true;
    }
    unsigned form = in.data[0] - VARIABLE_16;
    if (!take(rest, (size_t)2 << form, &in))
        return false;
    for (size_t i = in.size; i-- > 0;)
        read = read << 8 | in.data[i];
    if (read < least[form])
        return false;
    *value = read;
    return true;
}

static void append_variable(struct buffer *out, uint64_t value)
{
    uint8_t little[8];
    unsigned form = value <= UINT16_MAX ? 0 : value <= UINT32_MAX ? 1 : 2;
    uint8_t first = (uint8_t)(value < VARIABLE_16 ? value : VARIABLE_16 + form);

    buffer_append(out, &first, 1);
    put_le64(little, value);
    if (value >= VARIABLE_16)
        buffer_append(out, little, (size_t)2 << form);
}

/* --- nodes ------------------------------------------------------------------------------------------- */
static bool take_path(struct bytes *rest, struct unitrie_node *node)
{
    struct bytes head;
    uint64_t bits;

    if (!take(rest, 1, &head))
        return false;
    if (head.data[0] < PATH_SHORT_MAX) {
        bits = head.data[0] + 1u;
    } else if (head.data[0] < PATH_ANY) {
        bits = head.data[0] + (unsigned)PATH_MIDDLE_SHIFT;
    } else if (!take_variable(rest, &bits) || bits <= PATH_SHORT_MAX || bits > 8 * UNITRIE_KEY_MAX ||
               (bits >= PATH_MIDDLE_LEAST && bits <= PATH_MIDDLE_MAX)) {
        return false;
    }
    node->path_bits = (size_t)bits;
    if (!take(rest, (node->path_bits + 7) / 8, &node->path))
        return false;
    unsigned unused = (unsigned)(8 * node->path.size - node->path_bits);
    return (node->path.data[node->path.size - 1] & ((1u << unused) - 1)) == 0;
}

static bool take_child(struct bytes *rest, struct unitrie_child *child)
{
    struct bytes size;

    if (!child->present)
        return !child->embedded;
    if (!child->embedded)
        return take(rest, HASH_SIZE, &child->bytes);
    return take(rest, 1, &size) && size.data[0] <= UNITRIE_EMBEDDED_MAX &&
           take(rest, size.data[0], &child->bytes);
}

static bool take_value(struct bytes *rest, struct unitrie_node *node)
{
    struct bytes hash, length;

    if (!node->long_value) {
        node->has_value = rest->size > 0;
        node->value_size = rest->size;
        return rest->size <= UNITRIE_VALUE_INLINE_MAX && take(rest, rest->size, &node->value);
    }
    if (!take(rest, HASH_SIZE, &hash) || !take(rest, LENGTH_SIZE, &length))
        return false;
    node->has_value = true;
    memcpy(node->value_hash.bytes, hash.data, hash.size);
    node->value_size = (size_t)length.data[0] << 16 | (size_t)length.data[1] << 8 | length.data[2];
    return node->value_size > UNITRIE_VALUE_INLINE_MAX;
}

static bool decode(struct bytes raw, struct unitrie_node *node)
{
    struct bytes rest = raw, flags;
    struct unitrie_node read = { 0 };

    if (!take(&rest, 1, &flags) || (flags.data[0] & FLAGS_VERSION) != VERSION_RSKIP107)
        return false;
    read.long_value = (flags.data[0] & FLAG_LONG_VALUE) != 0;
    read.left.present = (flags.data[0] & FLAG_LEFT) != 0;
    read.right.present = (flags.data[0] & FLAG_RIGHT) != 0;
    read.left.embedded = (flags.data[0] & FLAG_LEFT_EMBEDDED) != 0;
    read.right.embedded = (flags.data[0] & FLAG_RIGHT_EMBEDDED) != 0;
    bool parent = read.left.present || read.right.present;
    if (((flags.data[0] & FLAG_PATH) != 0 && !take_path(&rest, &read)) || !take_child(&rest, &read.left) ||
        !take_child(&rest, &read.right) || (parent && !take_variable(&rest, &read.children_size)) ||
        !take_value(&rest, &read) || rest.size > 0 || (!parent && !read.has_value))
        return false;
    *node = read;
    return true;
}

/* A node inside of another has no children itself: only then may it stand there. */
static bool embedded_well(const struct unitrie_child *child)
{
    struct unitrie_node inner;

    if (!child->embedded)
        return true;
    return decode(child->bytes, &inner) && !inner.left.present && !inner.right.present;
}

enum status unitrie_node_decode(struct bytes raw, struct unitrie_node *node, struct error *error)
{
    struct unitrie_node read;

    if (raw.size > UNITRIE_NODE_SIZE_MAX || !decode(raw, &read) || !embedded_well(&read.left) ||
        !embedded_well(&read.right))
        return error_set(error, ERROR_EVM_ENCODING, "%zu bytes that are no node of a Unitrie", raw.size);
    *node = read;
    return OK;
}

static void append_path(struct buffer *out, const struct unitrie_node *node)
{
    bool middle = node->path_bits >= PATH_MIDDLE_LEAST && node->path_bits <= PATH_MIDDLE_MAX;
    uint8_t head = PATH_ANY;

    if (node->path_bits <= PATH_SHORT_MAX)
        head = (uint8_t)(node->path_bits - 1);
    else if (middle)
        head = (uint8_t)(node->path_bits - PATH_MIDDLE_SHIFT);
    buffer_append(out, &head, 1);
    if (head == PATH_ANY)
        append_variable(out, node->path_bits);
    buffer_append(out, node->path.data, node->path.size);
}

static void append_child(struct buffer *out, const struct unitrie_child *child)
{
    uint8_t size = (uint8_t)child->bytes.size;

    if (child->embedded)
        buffer_append(out, &size, 1);
    if (child->present)
        buffer_append(out, child->bytes.data, child->bytes.size);
}

void unitrie_node_encode(const struct unitrie_node *node, struct buffer *out)
{
    uint8_t flags = (uint8_t)(VERSION_RSKIP107 | (node->long_value ? FLAG_LONG_VALUE : 0) |
                              (node->path_bits > 0 ? FLAG_PATH : 0) | (node->left.present ? FLAG_LEFT : 0) |
                              (node->right.present ? FLAG_RIGHT : 0) |
                              (node->left.embedded ? FLAG_LEFT_EMBEDDED : 0) |
                              (node->right.embedded ? FLAG_RIGHT_EMBEDDED : 0));
    uint8_t length[LENGTH_SIZE] = { (uint8_t)(node->value_size >> 16), (uint8_t)(node->value_size >> 8),
                                    (uint8_t)node->value_size };

    buffer_append(out, &flags, 1);
    if (node->path_bits > 0)
        append_path(out, node);
    append_child(out, &node->left);
    append_child(out, &node->right);
    if (node->left.present || node->right.present)
        append_variable(out, node->children_size);
    if (node->long_value) {
        buffer_append(out, node->value_hash.bytes, sizeof node->value_hash.bytes);
        buffer_append(out, length, sizeof length);
    } else {
        buffer_append(out, node->value.data, node->value.size);
    }
}

/* --- proofs ------------------------------------------------------------------------------------------- */
struct walk {
    struct bytes key;
    size_t at;                 /* bits of the key behind us */
    const struct bytes *nodes;
    size_t left;               /* nodes not used yet; the next one is nodes[left − 1] */
};

static unsigned bit(struct bytes path, size_t at)
{
    return path.data[at / 8] >> (7 - at % 8) & 1;
}

static enum status take_node(struct walk *walk, const uint8_t *hash, struct unitrie_node *node,
                             struct error *error)
{
    struct hash found;

    if (walk->left == 0)
        return error_set(error, ERROR_INVALID_PROOF, "the proof ends before the key does");
    struct bytes raw = walk->nodes[walk->left - 1];
    keccak_hash(&found, raw.data, raw.size);
    if (memcmp(found.bytes, hash, sizeof found.bytes) != 0)
        return error_set(error, ERROR_INVALID_PROOF, "node %zu of the proof is not the one that is meant",
                         walk->left - 1);
    walk->left--;
    return unitrie_node_decode(raw, node, error);
}

static enum status go_down(struct walk *walk, struct unitrie_node *node, struct error *error)
{
    struct unitrie_child child = bit(walk->key, walk->at++) == 0 ? node->left : node->right;

    if (!child.present)
        return error_set(error, ERROR_INVALID_PROOF, "the key's way ends at bit %zu", walk->at - 1);
    if (!child.embedded)
        return take_node(walk, child.bytes.data, node, error);
    if (walk->left > 0 && bytes_equal(walk->nodes[walk->left - 1], child.bytes))
        walk->left--;
    return unitrie_node_decode(child.bytes, node, error);
}

static bool value_is(const struct unitrie_node *node, struct bytes value)
{
    struct hash hash;

    if (!node->has_value || node->value_size != value.size)
        return false;
    if (!node->long_value)
        return bytes_equal(node->value, value);
    keccak_hash(&hash, value.data, value.size);
    return hash_equal(&hash, &node->value_hash);
}

enum status unitrie_verify(const struct hash *root, struct bytes key, struct bytes value,
                           const struct bytes *nodes, size_t count, struct error *error)
{
    struct walk walk = { .key = key, .nodes = nodes, .left = count };
    struct unitrie_node node;

    if (count > UNITRIE_NODES_MAX || key.size > UNITRIE_KEY_MAX)
        return error_set(error, ERROR_INVALID_PROOF,
                         "a proof has at most %d nodes, for a key of at most %d bytes",
                         UNITRIE_NODES_MAX, UNITRIE_KEY_MAX);
    TRY(take_node(&walk, root->bytes, &node, error));
    for (;;) {
        bool same = node.path_bits <= 8 * key.size - walk.at;
        for (size_t i = 0; same && i < node.path_bits; i++)
            same = bit(node.path, i) == bit(key, walk.at + i);
        if (!same)
            return error_set(error, ERROR_INVALID_PROOF, "the way parts from the key after bit %zu", walk.at);
        walk.at += node.path_bits;
        if (walk.at == 8 * key.size)
            break;
        TRY(go_down(&walk, &node, error));
    }
    if (!value_is(&node, value))
        return error_set(error, ERROR_INVALID_PROOF, "the key has another value there, or none");
    if (walk.left != 0)
        return error_set(error, ERROR_INVALID_PROOF, "%zu nodes of the proof lead nowhere", walk.left);
    return OK;
}
