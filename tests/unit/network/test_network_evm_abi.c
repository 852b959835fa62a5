/* The contract ABI: published examples, strict reading, reasons of reverts. */
#include "test_network_evm.h"

#include "network/evm/abi.h"

#define WORD(hex) "00000000000000000000000000000000000000000000000000000000" hex

/* Solidity documentation, "Contract ABI Specification", and ERC-20's well-known selectors. */
static void selectors_and_topics_are_the_published_ones(void **state)
{
    static const struct { const char *signature, *selector; } cases[] = {
        { "transfer(address,uint256)", "a9059cbb" }, { "balanceOf(address)", "70a08231" },
        { "name()", "06fdde03" }, { "decimals()", "313ce567" }, { "baz(uint32,bool)", "cdcd77c0" },
        { "Error(string)", "08c379a0" }, { "Panic(uint256)", "4e487b71" },
    };
    uint8_t selector[ABI_SELECTOR];
    struct hash topic;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        abi_selector(cases[i].signature, selector);
        assert_bytes_are(bytes_of(selector, sizeof selector), cases[i].selector);
    }
    abi_topic("Transfer(address,address,uint256)", &topic);
    assert_hash_is(&topic, "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

/* The same documentation's example sam("dave", true, [1,2,3]) without its array: by hand from the rules. */
static void a_call_is_written_head_first_then_tails(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct evm_address to;
    struct u256 amount = u256_of(1234);
    struct abi_value back[] = { { .type = ABI_BYTES }, { .type = ABI_BOOL }, { .type = ABI_STRING } };

    (void)state;
    arena_init(&arena);
    memset(to.bytes, 0, sizeof to.bytes);
    to.bytes[19] = 0xaa;
    const struct abi_value transfer[] = { abi_address(&to), abi_number(&amount) };
    abi_encode_call("transfer(address,uint256)", transfer, 2, &out);
    assert_bytes_are(buffer_bytes(&out), "a9059cbb" WORD("000000aa") WORD("000004d2")); /* research A.2 */

    buffer_clear(&out);
    const struct abi_value values[] = { abi_bytes(ABI_BYTES, "dave", 4), abi_truth(true),
                                        abi_bytes(ABI_STRING, "", 0) };
    abi_encode(values, 3, &out);
    assert_bytes_are(buffer_bytes(&out),
                     WORD("00000060") WORD("00000001") WORD("000000a0") WORD("00000004")
                     "6461766500000000000000000000000000000000000000000000000000000000" WORD("00000000"));
    assert_true(abi_decode(buffer_bytes(&out), back, 3));
    assert_true(bytes_equal(back[0].bytes, bytes_of("dave", 4)) && back[1].truth && back[2].bytes.size == 0);
}

static void encodings_with_anything_else_in_them_are_refused(void **state)
{
    static const struct { const char *hex; enum abi_type type; } wrong[] = {
        { "", ABI_UINT256 },
        { WORD("00000001") "00", ABI_UINT256 },                       /* a byte too many */
        { WORD("00000002"), ABI_BOOL },
        { WORD("00000100"), ABI_UINT8 },
        { "000000000000000000000000000000000000000000000001" "0000000000000000", ABI_UINT64 },
        { "000000000000000000000001" "1111111111111111111111111111111111111111", ABI_ADDRESS },
        { WORD("00000020"), ABI_STRING },                             /* no size */
        { WORD("00000020") WORD("00000001"), ABI_STRING },            /* no data */
        { WORD("00000040") WORD("00000000") WORD("00000000"), ABI_STRING }, /* an offset with a gap */
        { WORD("00000000") WORD("00000000"), ABI_STRING },            /* an offset back to the head */
        { WORD("00000020") WORD("00000000") WORD("00000000"), ABI_STRING }, /* a word too many */
        { WORD("00000020") WORD("00000001")
          "6100000000000000000000000000000000000000000000000000000000000001", ABI_STRING }, /* padding */
        { WORD("00000020") WORD("00000001")
          "ff00000000000000000000000000000000000000000000000000000000000000", ABI_STRING }, /* not UTF-8 */
        { WORD("00000020") "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ABI_BYTES },
        { WORD("00000020") "000000000000000000000000000000000000000000000000ffffffffffffffff", ABI_BYTES },
        { "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" WORD("00000000"), ABI_BYTES },
    };
    CLEANUP(arena_close) struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct abi_value value = { .type = wrong[i].type };
        if (abi_decode(evm_hex(&arena, wrong[i].hex), &value, 1))
            fail_msg("taken: %zu", i);
    }
}

static void any_values_come_back(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };
    CLEANUP(arena_close) struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 500; i++) {
        struct abi_value values[ABI_VALUES_MAX], back[ABI_VALUES_MAX];
        size_t count = random_below(ABI_VALUES_MAX + 1);
        for (size_t k = 0; k < count; k++) {
            struct bytes bytes = evm_random_bytes(&arena, random_below(100));
            struct u256 number = u256_of(random_u64());
            switch (random_below(4)) {
            case 0: values[k] = abi_bytes(ABI_BYTES, bytes.data, bytes.size); break;
            case 1: values[k] = abi_number(&number); break;
            case 2: values[k] = abi_truth(random_below(2) == 1); break;
            default: values[k] = abi_small(ABI_UINT8, random_below(256)); break;
            }
            back[k].type = values[k].type;
        }
        buffer_clear(&out);
        buffer_clear(&again);
        abi_encode(values, count, &out);
        assert_true(abi_decode(buffer_bytes(&out), back, count));
        abi_encode(back, count, &again);
        assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&again)));
        arena_reset(&arena);
    }
}

static void reverts_tell_why(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct abi_revert_reason reason;
    struct abi_value text = abi_bytes(ABI_STRING, "too little\n", 11), code = abi_small(ABI_UINT64, 0x11);

    (void)state;
    abi_revert_decode(bytes_of(NULL, 0), &reason);
    assert_int_equal(reason.kind, ABI_REVERT_PLAIN);
    abi_encode_call("Error(string)", &text, 1, &out);
    abi_revert_decode(buffer_bytes(&out), &reason);
    assert_int_equal(reason.kind, ABI_REVERT_REASON);
    assert_string_equal(reason.text, "too little ");
    buffer_clear(&out);
    abi_encode_call("Panic(uint256)", &code, 1, &out);
    abi_revert_decode(buffer_bytes(&out), &reason);
    assert_int_equal(reason.kind, ABI_REVERT_PANIC);
    assert_int_equal(reason.panic, 0x11);
    out.size--;
    abi_revert_decode(buffer_bytes(&out), &reason);
    assert_int_equal(reason.kind, ABI_REVERT_CUSTOM);
    assert_string_equal(reason.text, "the contract's error 0x4e487b71");

    char longer[2000];
    memset(longer, 'a', sizeof longer);
    memcpy(longer + ABI_REASON_MAX - 1, "\xc3\xa9", 2); /* a character across the end */
    text = abi_bytes(ABI_BYTES, longer, sizeof longer);
    buffer_clear(&out);
    abi_encode_call("Error(string)", &text, 1, &out);
    abi_revert_decode(buffer_bytes(&out), &reason);
    assert_int_equal(strlen(reason.text), ABI_REASON_MAX - 1);
}

int evm_abi_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_and_topics_are_the_published_ones),
        cmocka_unit_test(a_call_is_written_head_first_then_tails),
        cmocka_unit_test(encodings_with_anything_else_in_them_are_refused),
        cmocka_unit_test(any_values_come_back),
        cmocka_unit_test(reverts_tell_why),
    };

    return cmocka_run_group_tests_name("evm ABI", tests, NULL, NULL);
}
