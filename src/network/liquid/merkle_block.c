/* Proofs of gettxoutproof: see merkle_block.h. */
#include "network/liquid/merkle_block.h"

#include <string.h>

/* The tree while it is walked: bits say where to go down, hashes stand where one does not. */
struct walk {
    uint32_t count;          /* of transactions */
    struct bytes hashes, bits;
    size_t hash, bit;        /* used so far */
    bool failed;
    const struct hash *wanted;
    bool found;
    uint32_t position;
};

const char *liquid_proof_name(enum liquid_proof verdict)
{
    switch (verdict) {
    case LIQUID_PROOF_GOOD: return "good";
    case LIQUID_PROOF_MALFORMED: return "no proof of a transaction";
    case LIQUID_PROOF_WRONG_ROOT: return "the tree does not lead to the header's root";
    case LIQUID_PROOF_ABSENT: return "the proof is not about this transaction";
    }
    return "";
}

/* How many nodes there are at a height above the transactions. */
static uint32_t width(const struct walk *walk, unsigned height)
{
    return (uint32_t)(((uint64_t)walk->count + ((uint64_t)1 << height) - 1) >> height);
}

static bool next_bit(struct walk *walk)
{
    if (walk->bit >= walk->bits.size * 8) {
        walk->failed = true;
        return false;
    }
    walk->bit++;
    return (walk->bits.data[(walk->bit - 1) / 8] >> ((walk->bit - 1) % 8) & 1) != 0;
}

static void next_hash(struct walk *walk, struct hash *hash)
{
    if (32 * (walk->hash + 1) > walk->hashes.size) {
        walk->failed = true;
        return;
    }
    memcpy(hash->bytes, walk->hashes.data + 32 * walk->hash, 32);
    walk->hash++;
}

static void node(struct walk *walk, unsigned height, uint32_t position, struct hash *out)
{
    uint8_t both[64];
    struct hash left = { .bytes = { 0 } }, right;
    bool down = next_bit(walk);

    memset(out, 0, sizeof(*out));
    if (walk->failed)
        return;
    if (height == 0 || !down) {
        next_hash(walk, out);
        if (height == 0 && down && hash_equal(out, walk->wanted)) {
            walk->found = true;
            walk->position = position;
        }
        return;
    }
    node(walk, height - 1, 2 * position, &left);
    right = left;
    if (2 * position + 1 < width(walk, height - 1)) {
        node(walk, height - 1, 2 * position + 1, &right);
        if (hash_equal(&left, &right))
            walk->failed = true; /* CVE-2012-2459: the same node twice only at the end of an odd row */
    }
    memcpy(both, left.bytes, 32);
    memcpy(both + 32, right.bytes, 32);
    double_sha256(out, both, sizeof(both));
}

static bool all_used(const struct walk *walk)
{
    if (walk->failed || 32 * walk->hash != walk->hashes.size || (walk->bit + 7) / 8 != walk->bits.size)
        return false;
    for (size_t bit = walk->bit; bit < walk->bits.size * 8; bit++) {
        if ((walk->bits.data[bit / 8] >> (bit % 8) & 1) != 0)
            return false; /* one proof has one writing */
    }
    return true;
}

static enum liquid_proof check_with(struct bytes proof, bool with_witness, const struct hash *transaction,
                                    struct liquid_header *header, uint32_t *position)
{
    struct cursor in = { .rest = proof };
    struct walk walk = { .wanted = transaction };
    unsigned height = 0;
    struct hash root;

    if (!liquid_header_read(&in, with_witness, header))
        return LIQUID_PROOF_MALFORMED;
    walk.count = cursor_le32(&in);
    walk.hashes = cursor_run(&in, 32 * (size_t)cursor_count(&in, LIQUID_PROOF_TRANSACTIONS_MAX));
    walk.bits = cursor_string(&in, LIQUID_PROOF_TRANSACTIONS_MAX / 4);
    if (!cursor_at_end(&in) || walk.count == 0 || walk.count > LIQUID_PROOF_TRANSACTIONS_MAX)
        return LIQUID_PROOF_MALFORMED;
    while (width(&walk, height) > 1)
        height++;
    node(&walk, height, 0, &root);
    if (!all_used(&walk))
        return LIQUID_PROOF_MALFORMED;
    if (!hash_equal(&root, &header->transactions_root))
        return LIQUID_PROOF_WRONG_ROOT;
    *position = walk.position;
    return walk.found ? LIQUID_PROOF_GOOD : LIQUID_PROOF_ABSENT;
}

enum liquid_proof liquid_proof_check(struct bytes proof, const struct hash *transaction,
                                     struct liquid_header *header, uint32_t *position)
{
    enum liquid_proof verdict = check_with(proof, false, transaction, header, position);

    return verdict == LIQUID_PROOF_MALFORMED ? check_with(proof, true, transaction, header,
                                                          position) : verdict;
}
