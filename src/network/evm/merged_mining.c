/* Merged mining: work of the Bitcoin header, commitment in the coinbase's tail, coinbase in the block. The
 * coinbase comes as the state of SHA-256 after its first whole blocks, and the tail that follows them. */
#include "network/evm/merged_mining.h"

#include <string.h>

#include "crypto/hash.h"

#define TAG_SIZE (sizeof MERGED_MINING_TAG - 1)
#define MINING_HASH_SIZE 32
#define SHA256_BLOCK 64
#define SHA256_WORDS 8
#define COUNT_SIZE 8           /* before the state: how many bytes went into it */
#define COUNT_MAX ((uint64_t)1 << 32)
#define MERKLE_ROOT_AT 36      /* in the Bitcoin header */
#define LEAST_DIFFICULTY 3     /* rskj takes a smaller one for it */
#define PAIR_SIZE 64

static void double_sha256(struct hash *out, const void *data, size_t size)
{
    struct hash once;

    sha256(&once, data, size);
    sha256(out, once.bytes, sizeof once.bytes);
}

static void reversed(uint8_t out[32], const uint8_t in[32])
{
    for (size_t i = 0; i < 32; i++)
        out[i] = in[31 - i];
}

/* --- work --------------------------------------------------------------------------------------------- */
/* The hash, as a little-endian number, is at most 2^256 / difficulty. */
static bool enough_work(const struct hash *block, const struct u256 *difficulty)
{
    struct u256 number, least = u256_of(LEAST_DIFFICULTY);

    reversed(number.bytes, block->bytes);
    return u256_product_fits(&number, u256_compare(difficulty, &least) < 0 ? &least : difficulty);
}

/* --- commitment ----------------------------------------------------------------------------------------- */
static bool last_tag(struct bytes tail, size_t *at)
{
    for (size_t i = tail.size < TAG_SIZE ? 0 : tail.size - TAG_SIZE + 1; i-- > 0;) {
        if (memcmp(tail.data + i, MERGED_MINING_TAG, TAG_SIZE) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* The tag stands in the first block of the tail, so that what is before it cannot be chosen by moving
 * blocks between state and tail; it is the last tag; and little follows, so that it cannot be hidden in
 * outputs. */
static enum status check_tail(const struct rootstock_header *header, struct bytes tail,
                              struct merged_mining *finding, struct error *error)
{
    size_t at;

    if (!last_tag(tail, &at))
        return error_set(error, ERROR_INVALID_PROOF, "the coinbase commits to no block");
    if (at >= SHA256_BLOCK)
        return error_set(error, ERROR_INVALID_PROOF, "the commitment stands too far behind in the coinbase");
    size_t after = tail.size - at - TAG_SIZE;
    if (after < MINING_HASH_SIZE || after - MINING_HASH_SIZE > MERGED_MINING_AFTER_MAX)
        return error_set(error, ERROR_INVALID_PROOF, "%zu bytes follow the commitment's tag", after);
    const uint8_t *commitment = tail.data + at + TAG_SIZE;
    if (memcmp(commitment, header->mining_hash.bytes, MERGED_MINING_PREFIX) != 0)
        return error_set(error, ERROR_INVALID_PROOF, "the coinbase commits to another block");
    memcpy(finding->fork_data, commitment + MERGED_MINING_PREFIX, sizeof finding->fork_data);
    return OK;
}

/* --- coinbase and branch ---------------------------------------------------------------------------------
 */
static enum status coinbase_hash(struct bytes coinbase, struct hash *out, struct error *error)
{
    crypto_hash_sha256_state state;
    struct bytes tail = bytes_of(coinbase.data + MERGED_MINING_MIDSTATE,
                                 coinbase.size - MERGED_MINING_MIDSTATE);
    uint64_t count = get_be64(coinbase.data);
    struct hash once;

    if (count % SHA256_BLOCK != 0 || count > COUNT_MAX || count + tail.size <= SHA256_BLOCK)
        return error_set(error, ERROR_INVALID_PROOF, "no coinbase has these lengths");
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < SHA256_WORDS; i++)
        state.state[i] = get_be32(coinbase.data + COUNT_SIZE + 4 * i);
    state.count = 8 * count; /* libsodium counts bits */
    crypto_hash_sha256_update(&state, tail.data, tail.size);
    crypto_hash_sha256_final(&state, once.bytes);
    sha256(out, once.bytes, sizeof once.bytes);
    return OK;
}

static uint64_t little(const uint8_t *in, size_t size)
{
    uint64_t value = 0;

    while (size-- > 0)
        value = value << 8 | in[size];
    return value;
}

/* Whether 64 bytes of a Merkle tree could be a transaction of Bitcoin: one input and one output, 4 bytes of
 * scripts. A tree with such a leaf proves what is not in it. */
static bool could_be_transaction(const uint8_t pair[PAIR_SIZE])
{
    const uint64_t most_index = 1000000, most_value = (uint64_t)2100000000000000;
    uint64_t index = little(pair + 37, 4);
    uint8_t input = pair[41];

    if (pair[4] != 1 || (index > most_index && index != UINT32_MAX) || input > 4 || pair[46 + input] != 1)
        return false;
    uint64_t value = little(pair + 47 + input, 8);
    return value >= 1 && value <= most_value && pair[55 + input] == 4 - input;
}

/* The coinbase is the leftmost leaf: it and what becomes of it is always the left half. The branch holds
 * hashes in the order in which they are shown, the other way round than they are hashed. */
static enum status check_branch(struct bytes branch, struct hash node, const uint8_t *root,
                                struct error *error)
{
    uint8_t hashed[PAIR_SIZE], shown[PAIR_SIZE];

    for (size_t at = 0; at < branch.size; at += MINING_HASH_SIZE) {
        memcpy(hashed, node.bytes, sizeof node.bytes);
        reversed(hashed + sizeof node.bytes, branch.data + at);
        reversed(shown, node.bytes);
        memcpy(shown + sizeof node.bytes, branch.data + at, MINING_HASH_SIZE);
        if (could_be_transaction(hashed) || could_be_transaction(shown)) /* rskj looks at the latter */
            return error_set(error, ERROR_INVALID_PROOF, "two nodes of the branch could be a transaction");
        double_sha256(&node, hashed, sizeof hashed);
    }
    if (memcmp(node.bytes, root, sizeof node.bytes) != 0)
        return error_set(error, ERROR_INVALID_PROOF, "the coinbase is not in the Bitcoin block");
    return OK;
}

enum status merged_mining_verify(const struct rootstock_header *header, struct bytes merkle_proof,
                                 struct bytes coinbase, struct merged_mining *finding, struct error *error)
{
    struct merged_mining found;
    struct hash leaf;

    if (!header->mined)
        return error_set(error, ERROR_INVALID_PROOF, "the block has no Bitcoin header");
    if (merkle_proof.size > MERGED_MINING_PROOF_MAX || merkle_proof.size % MINING_HASH_SIZE != 0)
        return error_set(error, ERROR_INVALID_PROOF, "the branch has %zu bytes", merkle_proof.size);
    if (coinbase.size < MERGED_MINING_MIDSTATE || coinbase.size > MERGED_MINING_COINBASE_MAX)
        return error_set(error, ERROR_INVALID_PROOF, "the coinbase has %zu bytes", coinbase.size);
    double_sha256(&found.bitcoin_block, header->bitcoin_header.data, header->bitcoin_header.size);
    if (!enough_work(&found.bitcoin_block, &header->difficulty))
        return error_set(error, ERROR_INVALID_PROOF, "the Bitcoin header has too little work");
    struct bytes tail = bytes_of(coinbase.data + MERGED_MINING_MIDSTATE,
                                 coinbase.size - MERGED_MINING_MIDSTATE);
    TRY(check_tail(header, tail, &found, error));
    TRY(coinbase_hash(coinbase, &leaf, error));
    TRY(check_branch(merkle_proof, leaf, header->bitcoin_header.data + MERKLE_ROOT_AT, error));
    *finding = found;
    return OK;
}
