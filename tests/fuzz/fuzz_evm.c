/* What EVM servers send: transactions, receipts, headers, tries' nodes, ABI values. Whatever is taken is
 * written again byte for byte; whatever nodes are sent, under the root of a known trie they prove nothing
 * but what is there. */
#include <string.h>

#include "crypto/hash.h"
#include "network/evm/abi.h"
#include "network/evm/receipt.h"
#include "network/evm/rootstock_header.h"
#include "network/evm/transaction.h"
#include "network/evm/trie.h"
#include "network/evm/unitrie.h"

#define FUZZ_SIZE_MAX 16384
#define NODES_MAX 16
#define LEAVES 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;
static struct error error;

static void same(const struct buffer *again, struct bytes raw)
{
    INVARIANT(bytes_equal(buffer_bytes(again), raw), "%zu bytes are written again as %zu", raw.size,
              again->size);
}

static void check_transaction(struct bytes raw)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct evm_transaction transaction;
    struct evm_address sender;

    if (evm_transaction_decode(raw, &arena, &transaction, &sender, &error) != OK)
        return;
    INVARIANT(evm_transaction_encode(&transaction, &again, &error) == OK, "read, but not written");
    INVARIANT(evm_transaction_intrinsic_gas(&transaction) >= 21000, "less gas than any transaction takes");
    same(&again, raw);
}

static void check_receipt(struct bytes raw)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct evm_receipt receipt;

    if (evm_receipt_decode(raw, EVM_RECEIPT_ROOTSTOCK, &arena, &receipt, &error) == OK)
        INVARIANT(evm_receipt_encode(&receipt, &again, &error) == OK, "read, but not written");
    buffer_clear(&again);
    if (evm_receipt_decode(raw, EVM_RECEIPT_ETHEREUM, &arena, &receipt, &error) != OK)
        return;
    INVARIANT(evm_receipt_encode(&receipt, &again, &error) == OK, "read, but not written");
    same(&again, raw);
}

static void check_header(struct bytes raw)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct rootstock_header rootstock;
    struct evm_header header;

    (void)!rootstock_header_decode(raw, &rootstock, &error);
    if (evm_header_decode(raw, &header, &error) != OK)
        return;
    INVARIANT(evm_header_encode(&header, &again, &error) == OK, "read, but not written");
    same(&again, raw);
}

static void check_unitrie(struct bytes raw)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct unitrie_node node;
    struct hash root;

    if (unitrie_node_decode(raw, &node, &error) != OK)
        return;
    unitrie_node_encode(&node, &again);
    same(&again, raw);
    keccak_hash(&root, raw.data, raw.size); /* as a root of its own, along its path */
    size_t size = node.path_bits / 8;
    if (unitrie_verify(&root, bytes_of(node.path.data, size), node.value, &raw, 1, &error) == OK)
        INVARIANT(node.path_bits % 8 == 0 && node.has_value, "a value where there is none");
}

/* Bytes to nodes: each begins with its size in two bytes. */
static size_t take_nodes(struct bytes raw, struct bytes nodes[NODES_MAX])
{
    size_t count = 0, at = 0;

    while (count < NODES_MAX && raw.size - at >= 2) {
        size_t size = (size_t)raw.data[at] << 8 | raw.data[at + 1];
        at += 2;
        if (size > raw.size - at)
            size = raw.size - at;
        nodes[count++] = bytes_of(raw.data + at, size);
        at += size;
    }
    return count;
}

/* The first byte chooses the key; the first node's own hash is a root as well, of whatever trie. */
static void check_trie(struct bytes raw)
{
    struct bytes nodes[NODES_MAX], value;
    struct trie_leaf leaves[LEAVES];
    uint8_t keys[LEAVES];
    struct trie *trie;
    struct hash root;
    bool present;

    for (size_t i = 0; i < LEAVES; i++) {
        keys[i] = (uint8_t)(i * 7);
        leaves[i] = (struct trie_leaf){ bytes_of(&keys[i], 1), bytes_of(&keys[i], 1) };
    }
    INVARIANT(trie_build(leaves, LEAVES, &arena, &trie, &error) == OK, "the trie is not built");
    if (raw.size == 0)
        return;
    uint8_t key = raw.data[0];
    size_t count = take_nodes(bytes_of(raw.data + 1, raw.size - 1), nodes);
    if (trie_verify(trie_root(trie), bytes_of(&key, 1), nodes, count, &present, &value, &error) == OK) {
        bool there = key % 7 == 0 && key / 7 < LEAVES;
        INVARIANT(present == there, "a lie is proved");
        INVARIANT(!there || bytes_equal(value, bytes_of(&key, 1)), "another value is proved");
    }
    if (count == 0)
        return;
    keccak_hash(&root, nodes[0].data, nodes[0].size);
    if (trie_verify(&root, bytes_of(&key, 1), nodes, count, &present, &value, &error) == OK)
        INVARIANT(present == (value.size > 0), "present without a value");
}

static void check_abi(struct bytes raw)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct abi_value values[] = { { .type = ABI_STRING }, { .type = ABI_UINT8 }, { .type = ABI_ADDRESS },
                                  { .type = ABI_BYTES }, { .type = ABI_BOOL } };
    struct abi_revert_reason reason;

    abi_revert_decode(raw, &reason);
    INVARIANT(strlen(reason.text) <= ABI_REASON_MAX, "the reason is too long");
    if (!abi_decode(raw, values, sizeof values / sizeof *values))
        return;
    abi_encode(values, sizeof values / sizeof *values, &again);
    same(&again, raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct bytes raw) = { check_transaction, check_receipt, check_header,
                                                        check_unitrie, check_trie, check_abi };
    static bool started;

    if (!started) {
        crypto_start();
        arena_init(&arena);
    }
    started = true;
    if (size == 0 || size > FUZZ_SIZE_MAX)
        return 0;
    checks[data[0] % (sizeof checks / sizeof *checks)](bytes_of(data + 1, size - 1));
    arena_reset(&arena);
    return 0;
}
