/* Nakamoto blocks (SIP-021): the header, its hashes, and which transactions the block has. Pure. */
#ifndef NETWORK_STACKS_BLOCK_H
#define NETWORK_STACKS_BLOCK_H

#include "network/stacks/wire.h"

#define STACKS_CONSENSUS_HASH_SIZE 20
#define STACKS_BLOCK_TRANSACTIONS_MAX 65536

struct stacks_block {
    uint8_t version;
    uint64_t height, burn_spent, time_s;
    uint8_t consensus_hash[STACKS_CONSENSUS_HASH_SIZE];
    struct hash parent, transactions_root, state_root;
    struct hash hash;            /* what the signers sign: all but their signatures */
    struct hash id;              /* hash and consensus hash: what a child calls its parent */
    uint32_t signature_count;
    const uint8_t *signatures;   /* STACKS_SIGNATURE_SIZE each */
    struct bytes transactions;   /* behind the header: their count, then they */
};

enum stacks_block_verdict {
    STACKS_BLOCK_GOOD,
    STACKS_BLOCK_MALFORMED,
    STACKS_BLOCK_UNKNOWN_VERSION, /* its hash is made of more than is known here */
    STACKS_BLOCK_WRONG_ROOT,      /* the transactions are others than the header says */
};
const char *stacks_block_verdict_name(enum stacks_block_verdict verdict);

/* The header of a block, and nothing about its transactions. */
MUST_CHECK enum stacks_block_verdict stacks_header_read(struct bytes block, struct stacks_block *out);
/* The whole block: also that the transactions are those of the header's root. */
MUST_CHECK enum stacks_block_verdict stacks_block_read(struct bytes block, struct stacks_block *out);

/* The way from one transaction up to the root: at each level the neighbour. */
#define STACKS_PATH_MAX 17
struct stacks_path {
    uint32_t position, count; /* of the transaction; of all in the block */
    unsigned levels;
    struct hash neighbours[STACKS_PATH_MAX];
};
/* Of a block that stacks_block_read found good; false: the transaction is not there. *bytes (may be NULL)
 * is it. */
MUST_CHECK bool stacks_block_path(const struct stacks_block *block, const struct hash *transaction,
                                  struct stacks_path *path, struct bytes *bytes);
/* Whether the path leads from the transaction to the root. */
MUST_CHECK bool stacks_path_holds(const struct stacks_path *path, const struct hash *transaction,
                                  const struct hash *root);

#endif
