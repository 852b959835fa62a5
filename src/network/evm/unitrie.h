/* Rootstock's binary trie, the Unitrie (RSKIP107): proofs that a key has a value under a root, as
 * rsk_getTransactionReceiptNodesByHash gives them. Pure. */
#ifndef NETWORK_EVM_UNITRIE_H
#define NETWORK_EVM_UNITRIE_H

#include "base/buffer.h"
#include "base/bytes.h"

#define UNITRIE_NODES_MAX 1024       /* nodes of one proof */
#define UNITRIE_NODE_SIZE_MAX 65536
#define UNITRIE_KEY_MAX 512          /* bytes */
#define UNITRIE_EMBEDDED_MAX 44      /* bytes of a node that stands inside of its parent */
#define UNITRIE_VALUE_INLINE_MAX 32  /* longer values stand as hash and length */

struct unitrie_child { bool present, embedded; struct bytes bytes; /* the node, or its 32-byte hash */ };
struct unitrie_node {
    size_t path_bits;                /* of the shared path */
    struct bytes path;               /* packed, the first bit is the highest */
    struct unitrie_child left, right;
    uint64_t children_size;          /* told where there is a child */
    bool has_value, long_value;
    struct bytes value;              /* not long: the value itself */
    struct hash value_hash;          /* long */
    size_t value_size;
};

/* One node in its one encoding; ERROR_EVM_ENCODING. Everything is borrowed. */
MUST_CHECK enum status unitrie_node_decode(struct bytes raw, struct unitrie_node *node, struct error *error);
void unitrie_node_encode(const struct unitrie_node *node, struct buffer *out);

/* Whether `key` has `value` under `root`: ERROR_INVALID_PROOF otherwise. `nodes` as the server gives them,
 * the leaf first and the root last; nodes that stand inside of their parents are listed too (or left out).
 * Every node must be on the way. */
MUST_CHECK enum status unitrie_verify(const struct hash *root, struct bytes key, struct bytes value,
                                      const struct bytes *nodes, size_t count, struct error *error);

#endif
