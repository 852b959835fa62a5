/* Receipts: written, read back, changed; blooms; and the receipts of a block proved one by one. */
#include "test_network_evm.h"

#include "network/evm/abi.h"
#include "network/evm/receipt.h"
#include "network/evm/trie.h"

static struct evm_receipt random_receipt(struct arena *arena)
{
    static const uint8_t types[] = { 0, 0, 1, 2, 3, 4, EVM_RECEIPT_DEPOSIT };
    struct evm_receipt receipt = { .shape = random_below(4) == 0
                                   ? EVM_RECEIPT_ROOTSTOCK : EVM_RECEIPT_ETHEREUM,
                                   .succeeded = random_below(2) == 1,
                                   .cumulative_gas = random_u64() >> random_below(64) };

    if (receipt.shape == EVM_RECEIPT_ROOTSTOCK)
        receipt.gas_used = random_u64() >> random_below(64);
    else
        receipt.type = types[random_below(sizeof types)];
    if (receipt.type == EVM_RECEIPT_DEPOSIT) {
        receipt.deposit_fields = random_below(3);
        receipt.deposit_nonce = receipt.deposit_fields > 0 ? random_u64() : 0;
        receipt.deposit_version = receipt.deposit_fields > 1 ? 1 : 0;
    }
    receipt.log_count = random_below(5);
    struct evm_log *logs = arena_new(arena, 5 * sizeof *logs);
    for (size_t i = 0; i < receipt.log_count; i++) {
        memcpy(logs[i].address.bytes, evm_random_bytes(arena, 20).data, 20);
        logs[i].topic_count = random_below(5);
        memcpy(logs[i].topics, evm_random_bytes(arena, sizeof logs[i].topics).data, sizeof logs[i].topics);
        logs[i].data = evm_random_bytes(arena, random_below(100));
    }
    receipt.logs = logs;
    evm_receipt_bloom(logs, receipt.log_count, receipt.bloom);
    return receipt;
}

static void any_receipt_comes_back_and_no_changed_one_is_the_same(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        CLEANUP(arena_close) struct arena arena;
        arena_init(&arena);
        struct evm_receipt made = random_receipt(&arena), read;
        struct error error;
        buffer_clear(&out);
        assert_int_equal(evm_receipt_encode(&made, &out, &error), OK);
        for (size_t at = 0; at <= out.size; at++) {
            struct bytes raw = at == out.size ? buffer_bytes(&out)
                                              : evm_changed(&arena, buffer_bytes(&out), at, 1);
            if (evm_receipt_decode(raw, made.shape, &arena, &read, &error) != OK) {
                assert_true(at < out.size);
                continue;
            }
            buffer_clear(&again);
            assert_int_equal(evm_receipt_encode(&read, &again, &error), OK);
            /* Java's zero (receipt.h) is another amount of gas. */
            if (!bytes_equal(buffer_bytes(&again), raw))
                assert_true(made.shape == EVM_RECEIPT_ROOTSTOCK && raw.data[at] == 0 &&
                            (read.gas_used != made.gas_used || read.cumulative_gas != made.cumulative_gas));
        }
    }
}

static void a_bloom_that_is_not_of_the_logs_is_refused(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct evm_receipt receipt = { .succeeded = true }, read;
    struct error error;

    (void)state;
    arena_init(&arena);
    receipt.bloom[17] = 4;
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), OK);
    assert_int_equal(evm_receipt_decode(buffer_bytes(&out), EVM_RECEIPT_ETHEREUM, &arena, &read, &error),
                     ERROR_EVM_ENCODING);
    receipt.bloom[17] = 0;
    buffer_clear(&out);
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), OK);
    assert_int_equal(evm_receipt_decode(buffer_bytes(&out), EVM_RECEIPT_ETHEREUM, &arena, &read, &error), OK);
    assert_int_equal(evm_receipt_decode(buffer_bytes(&out), EVM_RECEIPT_ROOTSTOCK, &arena, &read, &error),
                     ERROR_EVM_ENCODING); /* two fields are missing for that */
}

static void blooms_have_what_was_put_in(void **state)
{
    struct evm_log log = { .topic_count = 2 };
    uint8_t bloom[EVM_BLOOM_SIZE];
    unsigned bits = 0;

    (void)state;
    abi_topic("Transfer(address,address,uint256)", &log.topics[0]);
    memset(log.address.bytes, 0x35, sizeof log.address.bytes);
    evm_receipt_bloom(&log, 1, bloom);
    for (size_t i = 0; i < sizeof bloom; i++)
        bits += (unsigned)__builtin_popcount(bloom[i]);
    assert_true(bits >= 7 && bits <= 9);
    assert_true(evm_bloom_may_have(bloom, log.address.bytes, 20));
    assert_true(evm_bloom_may_have(bloom, log.topics[0].bytes, 32));
    assert_true(evm_bloom_may_have(bloom, log.topics[1].bytes, 32));
    log.address.bytes[0] ^= 1;
    assert_false(evm_bloom_may_have(bloom, log.address.bytes, 20));
}

/* Yellow Paper §4.3.1, put together here by the definition. */
static void the_bits_are_those_of_the_definition(void **state)
{
    static const char *const words[] = { "testtest", "test", "hallo", "other" }, *const others[] = { "tes",
                                                                                                     "lo" };
    struct hash hash;
    uint8_t bloom[EVM_BLOOM_SIZE] = { 0 };

    (void)state;
    for (size_t i = 0; i < 4; i++) { /* by the definition: big-endian number of two bytes, modulo 2048 */
        keccak_hash(&hash, words[i], strlen(words[i]));
        for (size_t k = 0; k < 3; k++) {
            unsigned bit = (hash.bytes[2 * k] * 256u + hash.bytes[2 * k + 1]) & 2047;
            bloom[255 - bit / 8] |= (uint8_t)(1 << bit % 8);
        }
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(evm_bloom_may_have(bloom, words[i], strlen(words[i])));
    for (size_t i = 0; i < 2; i++)
        assert_false(evm_bloom_may_have(bloom, others[i], strlen(others[i])));
}

/* A recorded block in which a token was made: its contract tells a transfer from nobody. */
static void a_recorded_bloom_has_the_event_that_was_told(void **state)
{
    AUTO_JSON json_t *file = vectors_json("evm/proof-ganache.json");
    CLEANUP(arena_close) struct arena arena;
    struct evm_header header;
    struct hash topic, nobody = { { 0 } };

    (void)state;
    arena_init(&arena);
    evm_block_header(&arena, json_object_get(file, "block"), &header);
    abi_topic("Transfer(address,address,uint256)", &topic);
    assert_true(evm_bloom_may_have(header.logs_bloom, topic.bytes, sizeof topic.bytes));
    assert_true(evm_bloom_may_have(header.logs_bloom, nobody.bytes, sizeof nobody.bytes));
    abi_topic("Approval(address,address,uint256)", &topic);
    assert_false(evm_bloom_may_have(header.logs_bloom, topic.bytes, sizeof topic.bytes));
}

static void every_receipt_of_a_block_is_proved_to_its_root(void **state)
{
    enum { COUNT = 140 };
    CLEANUP(arena_close) struct arena arena;
    struct bytes encoded[COUNT], value;
    uint8_t key[TRIE_INDEX_KEY_MAX];
    const struct bytes *nodes;
    struct trie *trie;
    struct error error;
    bool present;
    size_t count;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT; i++) {
        CLEANUP(buffer_close) struct buffer out = { 0 };
        struct evm_receipt receipt = random_receipt(&arena);
        assert_int_equal(evm_receipt_encode(&receipt, &out, &error), OK);
        uint8_t *copy = arena_new(&arena, out.size);
        memcpy(copy, out.data, out.size);
        encoded[i] = bytes_of(copy, out.size);
    }
    assert_int_equal(trie_of_list(encoded, COUNT, &arena, &trie, &error), OK);
    for (size_t i = 0; i < COUNT; i++) {
        struct bytes at = bytes_of(key, trie_index_key(key, i));
        trie_prove(trie, at, &arena, &nodes, &count);
        assert_int_equal(trie_verify(trie_root(trie), at, nodes, count, &present, &value, &error), OK);
        assert_true(present && bytes_equal(value, encoded[i]));
    }
}

static void receipts_that_are_none_are_refused(void **state)
{
    CLEANUP(arena_close) struct arena arena;
    struct evm_log log = { .topic_count = 5 };
    struct evm_receipt receipt = { .log_count = 1, .logs = &log }, read;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct error error;

    (void)state;
    arena_init(&arena);
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), ERROR_EVM_ENCODING); /* five topics */
    log.topic_count = 0;
    receipt.type = 0x80;
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), ERROR_EVM_ENCODING);
    receipt.type = 1;
    receipt.shape = EVM_RECEIPT_ROOTSTOCK;
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), ERROR_EVM_ENCODING);
    receipt.shape = EVM_RECEIPT_ETHEREUM;
    receipt.deposit_fields = 1;
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), ERROR_EVM_ENCODING);
    static const char *const wrong[] = { "", "00", "01", "00c0", "c0", "01c0", "80", "bf" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(evm_receipt_decode(evm_hex(&arena, wrong[i]), EVM_RECEIPT_ETHEREUM, &arena, &read,
                                            &error), ERROR_EVM_ENCODING);
}

int evm_receipt_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_receipt_comes_back_and_no_changed_one_is_the_same),
        cmocka_unit_test(a_bloom_that_is_not_of_the_logs_is_refused),
        cmocka_unit_test(blooms_have_what_was_put_in),
        cmocka_unit_test(a_recorded_bloom_has_the_event_that_was_told),
        cmocka_unit_test(the_bits_are_those_of_the_definition),
        cmocka_unit_test(every_receipt_of_a_block_is_proved_to_its_root),
        cmocka_unit_test(receipts_that_are_none_are_refused),
    };

    return cmocka_run_group_tests_name("evm receipts", tests, NULL, NULL);
}
