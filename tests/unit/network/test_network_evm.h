/* What the tests of network/evm share: cmocka's includes, hex with "0x", vectors (../crypto/vectors.h), and
 * keys. */
#ifndef TESTS_NETWORK_EVM_H
#define TESTS_NETWORK_EVM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../crypto/vectors.h"
#include "base/memory.h"
#include "network/evm/header.h"
#include "network/evm/transaction.h"

/* "0x…" or bare hex to bytes in the arena. */
struct bytes evm_hex(struct arena *arena, const char *hex);
struct bytes evm_member(struct arena *arena, const json_t *object, const char *member);
void evm_member_fixed(const json_t *object, const char *member, void *out, size_t size);
uint64_t evm_member_number(const json_t *object, const char *member); /* a quantity */
struct u256 evm_member_quantity(const json_t *object, const char *member);
/* An array of hex strings. */
const struct bytes *evm_members(struct arena *arena, const json_t *array, size_t *count);
void evm_block_header(struct arena *arena, const json_t *block, struct evm_header *header);
struct bytes evm_random_bytes(struct arena *arena, size_t size);
/* A copy with one byte changed. */
struct bytes evm_changed(struct arena *arena, struct bytes bytes, size_t at, uint8_t difference);
void assert_bytes_are(struct bytes bytes, const char *hex);

int evm_number_tests(void);
int evm_rlp_tests(void);
int evm_abi_tests(void);
int evm_transaction_tests(void);
int evm_trie_tests(void);
int evm_proof_tests(void);
int evm_receipt_tests(void);
int evm_rootstock_tests(void);

#endif
