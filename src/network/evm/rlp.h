/* RLP, Ethereum's encoding of byte strings and lists (Yellow Paper, appendix B), strict: an item has one
 * encoding only, and whatever is not that one is refused. Items borrow their bytes from the input. Pure. */
#ifndef NETWORK_EVM_RLP_H
#define NETWORK_EVM_RLP_H

#include "base/buffer.h"
#include "network/evm/u256.h"

#define RLP_DEPTH_MAX 16 /* lists inside each other that rlp_decode follows */

struct rlp_item {
    bool list;
    struct bytes content;  /* of a string: its bytes; of a list: its items' encodings, one after the other */
    struct bytes encoding; /* the whole item with its prefix */
};

/* --- reading ----------------------------------------------------------------------------------- */
/* The first item of `input`, which moves past it. False: no item begins there, or not in its one encoding
 * (a byte below 0x80 with a prefix, a length with a leading zero or one that fits the short form, a length
 * past the end). What is inside of a list is not looked at. */
MUST_CHECK bool rlp_read(struct bytes *input, struct rlp_item *item);
/* Exactly one item, nothing after it, and everything inside of it well-formed to RLP_DEPTH_MAX. */
MUST_CHECK bool rlp_decode(struct bytes input, struct rlp_item *item);
/* The items of a list: `items` takes at most `most`. False: no list, more than that, or an item is not
 * well-formed. */
MUST_CHECK bool rlp_items(const struct rlp_item *list, struct rlp_item *items, size_t most, size_t *count);
/* How many items a list has; false: no list or not well-formed. */
MUST_CHECK bool rlp_count(const struct rlp_item *list, size_t *count);

/* A string that is an integer: no leading zero, empty for zero, at most 32 (8) bytes. */
MUST_CHECK bool rlp_u256(const struct rlp_item *item, struct u256 *value);
MUST_CHECK bool rlp_u64(const struct rlp_item *item, uint64_t *value);
/* A string of exactly `size` bytes, copied. */
MUST_CHECK bool rlp_fixed(const struct rlp_item *item, void *out, size_t size);

/* --- writing ----------------------------------------------------------------------------------- */
void rlp_append(struct buffer *out, const void *data, size_t size); /* a string */
void rlp_append_u64(struct buffer *out, uint64_t value);
void rlp_append_u256(struct buffer *out, const struct u256 *value);
/* A list: what is appended between the two calls are its items. Lists may be inside each other. */
size_t rlp_list_begin(const struct buffer *out);
void rlp_list_end(struct buffer *out, size_t begin);

#endif
