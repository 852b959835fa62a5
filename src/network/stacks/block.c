/* Nakamoto blocks: see block.h. */
#include "network/stacks/block.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define TAG_LEAF 0x00
#define TAG_NODE 0x01
#define VERSION_SHADOW 0x80 /* a block that replaces a lost one: hashed alike */
#define BEFORE_SIGNATURES (1 + 8 + 8 + STACKS_CONSENSUS_HASH_SIZE + 3 * 32 + 8 + STACKS_SIGNATURE_SIZE)

const char *stacks_block_verdict_name(enum stacks_block_verdict verdict)
{
    switch (verdict) {
    case STACKS_BLOCK_GOOD: return "good";
    case STACKS_BLOCK_MALFORMED: return "no Nakamoto block";
    case STACKS_BLOCK_UNKNOWN_VERSION: return "a version of block that is not known here";
    case STACKS_BLOCK_WRONG_ROOT: return "the transactions are not those of the header";
    }
    return "";
}

static void read_fields(const uint8_t *at, struct stacks_block *out)
{
    out->version = at[0];
    out->height = get_be64(at + 1);
    out->burn_spent = get_be64(at + 9);
    memcpy(out->consensus_hash, at + 17, STACKS_CONSENSUS_HASH_SIZE);
    memcpy(out->parent.bytes, at + 37, 32);
    memcpy(out->transactions_root.bytes, at + 69, 32);
    memcpy(out->state_root.bytes, at + 101, 32);
    out->time_s = get_be64(at + 133);
}

/* Everything but the signers' signatures, and the id made of it. */
static void hash_header(struct bytes block, struct bytes treatment, struct stacks_block *out)
{
    struct buffer signed_part CLEANUP(buffer_close) = { 0 };
    uint8_t both[32 + STACKS_CONSENSUS_HASH_SIZE];

    buffer_init(&signed_part);
    buffer_append(&signed_part, block.data, BEFORE_SIGNATURES);
    buffer_append(&signed_part, treatment.data, treatment.size);
    sha512_256(&out->hash, signed_part.data, signed_part.size);
    memcpy(both, out->hash.bytes, 32);
    memcpy(both + 32, out->consensus_hash, STACKS_CONSENSUS_HASH_SIZE);
    sha512_256(&out->id, both, sizeof(both));
}

enum stacks_block_verdict stacks_header_read(struct bytes block, struct stacks_block *out)
{
    struct bytes rest, treatment;
    size_t signatures_size, treatment_size;

    memset(out, 0, sizeof(*out));
    if (block.size < BEFORE_SIGNATURES + 4)
        return STACKS_BLOCK_MALFORMED;
    read_fields(block.data, out);
    if ((out->version & ~VERSION_SHADOW) != 0)
        return STACKS_BLOCK_UNKNOWN_VERSION;
    rest = bytes_of(block.data + BEFORE_SIGNATURES + 4, block.size - BEFORE_SIGNATURES - 4);
    out->signature_count = get_be32(block.data + BEFORE_SIGNATURES);
    signatures_size = (size_t)out->signature_count * STACKS_SIGNATURE_SIZE;
    if (signatures_size > rest.size || rest.size - signatures_size < 6)
        return STACKS_BLOCK_MALFORMED;
    out->signatures = rest.data;
    rest = bytes_of(rest.data + signatures_size, rest.size - signatures_size);
    treatment_size = get_be32(rest.data + 2);
    if (treatment_size > rest.size - 6 ||
        treatment_size != ((size_t)rest.data[0] * 256 + rest.data[1] + 7) / 8)
        return STACKS_BLOCK_MALFORMED;
    treatment = bytes_of(rest.data, 6 + treatment_size);
    out->transactions = bytes_of(rest.data + treatment.size, rest.size - treatment.size);
    hash_header(block, treatment, out);
    return STACKS_BLOCK_GOOD;
}

/* --- transactions ------------------------------------------------------------------------------- */
/* Their count, and *in at the first of them. */
static bool begin_transactions(const struct stacks_block *block, struct bytes *in, uint32_t *count)
{
    *in = block->transactions;
    if (in->size < 4)
        return false;
    *count = get_be32(in->data);
    *in = bytes_of(in->data + 4, in->size - 4);
    return *count <= STACKS_BLOCK_TRANSACTIONS_MAX && *count <= in->size;
}

static bool next_transaction(struct bytes *in, struct bytes *bytes, struct hash *id)
{
    struct stacks_decoded decoded;
    const uint8_t *begin = in->data;

    if (!stacks_read(in, &decoded, NULL))
        return false;
    *bytes = bytes_of(begin, (size_t)(in->data - begin));
    sha512_256(id, bytes->data, bytes->size);
    return true;
}

static void hash_leaf(const struct hash *id, struct hash *out)
{
    uint8_t input[1 + 32];

    input[0] = TAG_LEAF;
    memcpy(input + 1, id->bytes, 32);
    sha512_256(out, input, sizeof(input));
}

static void hash_node(const struct hash *left, const struct hash *right, struct hash *out)
{
    uint8_t input[1 + 2 * 32];

    input[0] = TAG_NODE;
    memcpy(input + 1, left->bytes, 32);
    memcpy(input + 33, right->bytes, 32);
    sha512_256(out, input, sizeof(input));
}

/* The tree of tagged hashes: a level of an odd number ends with its last node twice, the leaves' too. On
 * the way up, the neighbours of *path's position (may be NULL). */
static void merkle_root(struct hash *level, uint32_t count, struct stacks_path *path, struct hash *root)
{
    uint32_t position = path == NULL ? 0 : path->position;

    memset(root, 0, sizeof(*root));
    if (count == 0)
        return;
    do {
        uint32_t parents = (count + 1) / 2;

        if (path != NULL)
            path->neighbours[path->levels++] = level[(position ^ 1) < count ? position ^ 1 : position];
        position /= 2;
        for (uint32_t i = 0; i < parents; i++)
            hash_node(&level[2 * i], &level[2 * i + 1 < count ? 2 * i + 1 : 2 * i], &level[i]);
        count = parents;
    } while (count > 1);
    *root = level[0];
}

enum stacks_block_verdict stacks_block_read(struct bytes block, struct stacks_block *out)
{
    enum stacks_block_verdict verdict = stacks_header_read(block, out);
    struct hash *leaves AUTO_FREE = NULL, root;
    struct bytes in, bytes;
    uint32_t count;

    if (verdict != STACKS_BLOCK_GOOD)
        return verdict;
    if (!begin_transactions(out, &in, &count))
        return STACKS_BLOCK_MALFORMED;
    leaves = memory_array((size_t)count + 1, sizeof(*leaves));
    for (uint32_t i = 0; i < count; i++) {
        struct hash id;

        if (!next_transaction(&in, &bytes, &id))
            return STACKS_BLOCK_MALFORMED;
        hash_leaf(&id, &leaves[i]);
    }
    if (in.size != 0)
        return STACKS_BLOCK_MALFORMED;
    merkle_root(leaves, count, NULL, &root);
    return hash_equal(&root, &out->transactions_root) ? STACKS_BLOCK_GOOD : STACKS_BLOCK_WRONG_ROOT;
}

/* --- paths -------------------------------------------------------------------------------------- */
bool stacks_block_path(const struct stacks_block *block, const struct hash *transaction,
                       struct stacks_path *path, struct bytes *bytes)
{
    struct hash *leaves AUTO_FREE = NULL, root;
    struct bytes in, one;
    bool found = false;

    memset(path, 0, sizeof(*path));
    if (!begin_transactions(block, &in, &path->count))
        return false;
    leaves = memory_array((size_t)path->count + 1, sizeof(*leaves));
    for (uint32_t i = 0; i < path->count; i++) {
        struct hash id;

        if (!next_transaction(&in, &one, &id))
            return false;
        hash_leaf(&id, &leaves[i]);
        if (found || !hash_equal(&id, transaction))
            continue;
        found = true;
        path->position = i;
        if (bytes != NULL)
            *bytes = one;
    }
    if (found)
        merkle_root(leaves, path->count, path, &root);
    return found;
}

bool stacks_path_holds(const struct stacks_path *path, const struct hash *transaction,
                       const struct hash *root)
{
    uint32_t position = path->position, count = path->count;
    unsigned level = 0;
    struct hash hash;

    if (count == 0 || position >= count || count > STACKS_BLOCK_TRANSACTIONS_MAX)
        return false;
    hash_leaf(transaction, &hash);
    do {
        const struct hash *neighbour = &path->neighbours[level];

        if (level >= path->levels || level >= STACKS_PATH_MAX)
            return false;
        if ((position ^ 1) >= count && !hash_equal(neighbour, &hash))
            return false; /* the last of an odd number stands beside itself */
        if (position % 2 == 0)
            hash_node(&hash, neighbour, &hash);
        else
            hash_node(neighbour, &hash, &hash);
        position /= 2;
        count = (count + 1) / 2;
        level++;
    } while (count > 1);
    return level == path->levels && hash_equal(&hash, root);
}
