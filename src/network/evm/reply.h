/* What a server's JSON holds, read strictly: quantities, bytes, hashes and addresses as JSON-RPC writes them
 * (EIP-1474). The server is not trusted: false means that it is not of that form, and nothing else happens.
 * Pure. */
#ifndef NETWORK_EVM_REPLY_H
#define NETWORK_EVM_REPLY_H

#include "base/json.h"
#include "base/memory.h"
#include "base/writer.h"
#include "network/evm/address.h"
#include "network/evm/u256.h"

#define REPLY_DATA_MAX ((size_t)4 << 20) /* bytes of one "0x…" */
#define REPLY_NODES_MAX 128              /* of one trie proof */
#define REPLY_HASH_TEXT_MAX 67           /* "0x", 64 digits and the final zero */

/* NULL is of no form: false. */
MUST_CHECK bool reply_u256(const json_t *value, struct u256 *out);
MUST_CHECK bool reply_u64(const json_t *value, uint64_t *out);
MUST_CHECK bool reply_hash(const json_t *value, struct hash *out);
MUST_CHECK bool reply_address(const json_t *value, struct evm_address *out); /* whatever the case */
MUST_CHECK bool reply_fixed(const json_t *value, void *out, size_t size);
MUST_CHECK bool reply_data(const json_t *value, struct arena *arena, struct bytes *out);
/* A word of storage: leading zeros or not, servers differ. */
MUST_CHECK bool reply_word(const json_t *value, struct u256 *out);
/* An array of bytes, at most REPLY_NODES_MAX (or 0 of them). */
MUST_CHECK bool reply_nodes(const json_t *value, struct arena *arena, const struct bytes **nodes,
                            size_t *count);

/* The other way: parameters of a call, and texts. */
json_t *json_quantity(uint64_t value);
json_t *json_amount(const struct u256 *value);
json_t *json_data(const void *data, size_t size); /* "0x…" */
char *reply_hash_text(char out[REPLY_HASH_TEXT_MAX], const struct hash *hash);
void writer_member_data(struct writer *w, const char *key, const void *data, size_t size); /* "0x…" */
void writer_data(struct writer *w, const void *data, size_t size);

#endif
