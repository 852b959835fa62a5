/* What of Bitcoin a proof of Taproot Assets rests on, checked as bytes: a transaction, its way to the root of
 * a block, the block's work. Pure; formats of the Bitcoin protocol (BIP-144, header of 80 bytes, hashes shown
 * back to front). */
#ifndef NETWORK_TAPROOT_ANCHOR_H
#define NETWORK_TAPROOT_ANCHOR_H

#include "base/bytes.h"

#define ANCHOR_HEADER_SIZE 80
#define ANCHOR_INPUTS_MAX 100000
#define ANCHOR_OUTPUTS_MAX 100000
#define ANCHOR_PATH_MAX 32 /* hashes from a transaction to the root */

struct anchor_outpoint { struct hash txid; uint32_t index; }; /* the bytes of txid as they are hashed */

struct anchor_transaction {
    struct bytes whole;
    size_t inputs_at, input_count, outputs_at, output_count; /* in `whole` */
    struct hash txid;
};

/* False unless the bytes are one transaction, with witness or without, and nothing behind it. */
MUST_CHECK bool anchor_transaction_parse(struct bytes bytes, struct anchor_transaction *transaction);
bool anchor_spends(const struct anchor_transaction *transaction, const struct anchor_outpoint *outpoint);
/* The script of an output; empty when there is no such output. */
struct bytes anchor_script(const struct anchor_transaction *transaction, uint32_t index);

/* Whether the path leads from the transaction to the root in the header. `right` has a bit for each hash,
 * lowest first: 1 means that the hash stands at the right. */
bool anchor_is_in_block(const struct hash *txid, const uint8_t *hashes, size_t count, const uint8_t *right,
                        const uint8_t header[ANCHOR_HEADER_SIZE]);

/* The block's own hash, and whether it is at most the target that the header names, which is at most that of
 * `easiest` (compact form: the chain's limit). */
void anchor_block_hash(const uint8_t header[ANCHOR_HEADER_SIZE], struct hash *hash);
bool anchor_has_work(const uint8_t header[ANCHOR_HEADER_SIZE], uint32_t easiest);

/* As people and servers write hashes of blocks and transactions: 64 hex digits, back to front; a final zero.
 */
void anchor_hash_text(char out[65], const struct hash *hash);

#endif
