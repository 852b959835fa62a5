/* Merkle-Patricia proofs, followed from the root. A node is a branch (17 items: a child for each nibble, a
 * value), a leaf or an extension (2 items: a path in hex-prefix form, then the value or the child). A child
 * is a hash, or, where its encoding has less than 32 bytes, stands inside of its parent. */
#include "network/evm/trie.h"

#include <string.h>

#define BRANCH_ITEMS 17
#define BRANCH_VALUE 16
#define PATH_ITEMS 2
#define HASH_SIZE 32
#define ACCOUNT_FIELDS 4

/* Flags in the first nibble of a hex-prefix path. */
#define PATH_ODD 1
#define PATH_LEAF 2
#define PATH_FLAGS_MOST 3

const struct hash trie_empty_root = { {
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
    0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21 } };
const struct hash evm_empty_code = { {
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70 } };

struct walk {
    struct bytes key;
    size_t at;             /* nibbles of the key behind us */
    const struct bytes *nodes;
    size_t count, used;
    bool ended;            /* the answer is known */
    struct bytes value;    /* empty: the key has none */
};

static unsigned nibble(struct bytes key, size_t at)
{
    return at % 2 == 0 ? key.data[at / 2] >> 4 : key.data[at / 2] & 15;
}

/* Whether an item may stand where a node's child stands. */
static bool child_possible(const struct rlp_item *item)
{
    if (item->list)
        return item->encoding.size < HASH_SIZE;
    return item->content.size == 0 || item->content.size == HASH_SIZE;
}

/* The next node of the proof, which must have the hash; `least` bytes it has at least. */
static enum status take_node(struct walk *walk, const uint8_t *hash, size_t least, struct rlp_item *node,
                             struct error *error)
{
    struct hash found;

    if (walk->used == walk->count)
        return error_set(error, ERROR_INVALID_PROOF, "the proof ends after %zu nodes, before the key does",
                         walk->count);
    struct bytes raw = walk->nodes[walk->used];
    keccak_hash(&found, raw.data, raw.size);
    if (memcmp(found.bytes, hash, sizeof found.bytes) != 0)
        return error_set(error, ERROR_INVALID_PROOF, "node %zu of the proof is not the one that is meant",
                         walk->used);
    if (raw.size < least || raw.size > TRIE_NODE_SIZE_MAX || !rlp_decode(raw, node))
        return error_set(error, ERROR_EVM_ENCODING, "node %zu of the proof is no node", walk->used);
    walk->used++;
    return OK;
}

/* Goes down to a child: into it, or to the proof's next node; or there is none. */
static enum status go_down(struct walk *walk, const struct rlp_item *child, struct rlp_item *node,
                           struct error *error)
{
    if (child->list) {
        *node = *child;
        /* Some servers list a node that stands inside of its parent as well. */
        if (walk->used < walk->count && bytes_equal(walk->nodes[walk->used], child->encoding))
            walk->used++;
        return OK;
    }
    if (child->content.size == 0) {
        walk->ended = true;
        return OK;
    }
    return take_node(walk, child->content.data, HASH_SIZE, node, error);
}

static enum status no_node(const struct walk *walk, struct error *error)
{
    return error_set(error, ERROR_EVM_ENCODING, "what stands in node %zu of the proof is no node",
                     walk->used - 1);
}

static enum status pass_branch(struct walk *walk, const struct rlp_item items[BRANCH_ITEMS],
                               struct rlp_item *node, struct error *error)
{
    for (size_t i = 0; i < BRANCH_VALUE; i++) {
        if (!child_possible(&items[i]))
            return no_node(walk, error);
    }
    if (items[BRANCH_VALUE].list)
        return no_node(walk, error);
    if (walk->at == 2 * walk->key.size) {
        walk->ended = true;
        walk->value = items[BRANCH_VALUE].content;
        return OK;
    }
    return go_down(walk, &items[nibble(walk->key, walk->at++)], node, error);
}

/* A leaf has a value, an extension a path and a child; a path of an even number of nibbles has a zero one
 * first. */
static bool path_well(const struct rlp_item items[PATH_ITEMS], bool leaf, size_t length)
{
    uint8_t first = items[0].content.data[0];

    if (first >> 4 > PATH_FLAGS_MOST || ((first >> 4 & PATH_ODD) == 0 && (first & 15) != 0))
        return false;
    if (leaf)
        return !items[1].list && items[1].content.size > 0;
    return length > 0 && child_possible(&items[1]) && items[1].content.size > 0;
}

static enum status pass_path(struct walk *walk, const struct rlp_item items[PATH_ITEMS],
                             struct rlp_item *node, struct error *error)
{
    struct bytes path = items[0].content;

    if (items[0].list || path.size == 0)
        return no_node(walk, error);
    bool leaf = (path.data[0] >> 4 & PATH_LEAF) != 0, odd = (path.data[0] >> 4 & PATH_ODD) != 0;
    size_t first = odd ? 1 : 2, length = 2 * path.size - first;
    if (!path_well(items, leaf, length))
        return no_node(walk, error);

    size_t left = 2 * walk->key.size - walk->at;
    bool same = length <= left;
    for (size_t i = 0; same && i < length; i++)
        same = nibble(path, first + i) == nibble(walk->key, walk->at + i);
    walk->at += length;
    if (same && !leaf)
        return go_down(walk, &items[1], node, error);
    walk->ended = true;
    if (same && length == left)
        walk->value = items[1].content;
    return OK;
}

static enum status follow(struct walk *walk, struct rlp_item *node, struct error *error)
{
    struct rlp_item items[BRANCH_ITEMS];
    size_t count;

    while (!walk->ended) {
        if (!rlp_items(node, items, BRANCH_ITEMS, &count))
            return no_node(walk, error);
        if (count == BRANCH_ITEMS)
            TRY(pass_branch(walk, items, node, error));
        else if (count == PATH_ITEMS)
            TRY(pass_path(walk, items, node, error));
        else
            return no_node(walk, error);
    }
    return OK;
}

enum status trie_verify(const struct hash *root, struct bytes key, const struct bytes *nodes, size_t count,
                        bool *present, struct bytes *value, struct error *error)
{
    static const uint8_t nothing = 0x80; /* the empty string's RLP */
    struct walk walk = { .key = key, .nodes = nodes, .count = count };
    struct rlp_item node;

    if (key.size > TRIE_KEY_MAX || count > TRIE_PROOF_NODES_MAX)
        return error_set(error, ERROR_INVALID_PROOF,
                         "a proof has at most %d nodes, for a key of at most %d bytes",
                         TRIE_PROOF_NODES_MAX, TRIE_KEY_MAX);
    if (hash_equal(root, &trie_empty_root)) {
        if (count > 1 || (count == 1 && !bytes_equal(nodes[0], bytes_of(&nothing, 1))))
            return error_set(error, ERROR_INVALID_PROOF, "the trie is empty, its proof has nodes");
        *present = false;
        *value = bytes_of(NULL, 0);
        return OK;
    }
    TRY(take_node(&walk, root->bytes, 1, &node, error));
    TRY(follow(&walk, &node, error));
    if (walk.used != count)
        return error_set(error, ERROR_INVALID_PROOF, "%zu nodes of the proof lead nowhere",
                         count - walk.used);
    *present = walk.value.size > 0;
    *value = walk.value;
    return OK;
}

/* --- accounts and storage ------------------------------------------------------------------------ */
struct evm_account evm_account_empty(void)
{
    return (struct evm_account){ .storage_root = trie_empty_root, .code_hash = evm_empty_code };
}

bool evm_account_decode(struct bytes value, struct evm_account *account)
{
    struct rlp_item list, items[ACCOUNT_FIELDS];
    struct evm_account read;
    size_t count;

    if (!rlp_decode(value, &list) || !rlp_items(&list, items, ACCOUNT_FIELDS, &count) ||
        count != ACCOUNT_FIELDS || !rlp_u64(&items[0], &read.nonce) || !rlp_u256(&items[1], &read.balance) ||
        !rlp_fixed(&items[2], read.storage_root.bytes, sizeof read.storage_root.bytes) ||
        !rlp_fixed(&items[3], read.code_hash.bytes, sizeof read.code_hash.bytes))
        return false;
    *account = read;
    return true;
}

void evm_account_encode(const struct evm_account *account, struct buffer *out)
{
    size_t list = rlp_list_begin(out);

    rlp_append_u64(out, account->nonce);
    rlp_append_u256(out, &account->balance);
    rlp_append(out, account->storage_root.bytes, sizeof account->storage_root.bytes);
    rlp_append(out, account->code_hash.bytes, sizeof account->code_hash.bytes);
    rlp_list_end(out, list);
}

enum status evm_account_verify(const struct hash *state_root, const struct evm_address *address,
                               const struct bytes *nodes, size_t count, bool *present,
                               struct evm_account *account, struct error *error)
{
    struct evm_account found = evm_account_empty();
    struct bytes value;
    struct hash key;
    bool there;

    keccak_hash(&key, address->bytes, sizeof address->bytes);
    TRY(trie_verify(state_root, bytes_of(key.bytes, sizeof key.bytes), nodes, count, &there, &value, error));
    if (there && !evm_account_decode(value, &found))
        return error_set(error, ERROR_EVM_ENCODING, "the proof's value is no account");
    *present = there;
    *account = found;
    return OK;
}

enum status evm_storage_verify(const struct hash *storage_root, const struct u256 *slot,
                               const struct bytes *nodes, size_t count, struct u256 *value,
                               struct error *error)
{
    struct u256 found = { { 0 } };
    struct rlp_item item;
    struct bytes raw;
    struct hash key;
    bool there;

    keccak_hash(&key, slot->bytes, sizeof slot->bytes);
    TRY(trie_verify(storage_root, bytes_of(key.bytes, sizeof key.bytes), nodes, count, &there, &raw, error));
    if (there && (!rlp_decode(raw, &item) || !rlp_u256(&item, &found) || u256_is_zero(&found)))
        return error_set(error, ERROR_EVM_ENCODING, "the proof's value is no word of storage");
    *value = found;
    return OK;
}
