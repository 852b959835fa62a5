/* 256-bit numbers and addresses. */
#include "test_network_evm.h"

#include "network/evm/address.h"

#define MOST "115792089237316195423570985008687907853269984665640564039457584007913129639935" /* 2^256 - 1 */

static struct u256 decimal(const char *text)
{
    struct u256 value;

    assert_true(u256_from_decimal(&value, text, strlen(text)));
    return value;
}

static void assert_decimal(const struct u256 *value, const char *text)
{
    char out[U256_DECIMAL_MAX];

    assert_string_equal(u256_decimal(out, value), text);
}

static void texts_come_back(void **state)
{
    static const char *const texts[] = { "0", "1", "9", "10", "18446744073709551615", "18446744073709551616",
                                         "340282366920938463463374607431768211457", MOST };
    char hex[U256_HEX_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct u256 value = decimal(texts[i]), again;
        assert_decimal(&value, texts[i]);
        u256_quantity(hex, &value);
        assert_true(u256_from_quantity(&again, hex, strlen(hex)));
        assert_int_equal(u256_compare(&value, &again), 0);
    }
    struct u256 value = decimal("340282366920938463463374607431768211457");
    assert_string_equal(u256_quantity(hex, &value), "0x100000000000000000000000000000001");
    value = u256_of(0);
    assert_string_equal(u256_quantity(hex, &value), "0x0");
}

static void texts_that_are_no_numbers_are_refused(void **state)
{
    static const char *const decimals[] = {
        "", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "1.0", "1e3",
        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
        "1157920892373161954235709850086879078532699846656405640394575840079131296399350",
    };
    static const char *const quantities[] = {
        "", "0x", "1", "0X1", "0x00", "0x01", "0xg", "-0x1", " 0x1",
        "0x10000000000000000000000000000000000000000000000000000000000000000",
    };
    struct u256 value;

    (void)state;
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++)
        assert_false(u256_from_decimal(&value, decimals[i], strlen(decimals[i])));
    for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
        assert_false(u256_from_quantity(&value, quantities[i], strlen(quantities[i])));
    assert_true(u256_from_hex(&value, "0x0001", 6)); /* a storage word */
    assert_decimal(&value, "1");
}

static void overflow_is_told_and_leaves_the_output(void **state)
{
    struct u256 most = decimal(MOST), one = u256_of(1), zero = u256_of(0), out = u256_of(7);

    (void)state;
    assert_false(u256_add(&out, &most, &one));
    assert_false(u256_subtract(&out, &zero, &one));
    assert_false(u256_multiply_small(&out, &most, 2));
    assert_false(u256_divide_small(&out, &one, 0, NULL));
    assert_decimal(&out, "7");
    assert_true(u256_add(&out, &most, &zero));
    assert_decimal(&out, MOST);
    assert_true(u256_subtract(&out, &out, &out));
    assert_true(u256_is_zero(&out));
    uint64_t small = 5;
    assert_false(u256_to_u64(&most, &small));
    assert_int_equal(small, 5);
}

static struct u256 random_number(void)
{
    struct u256 value = { { 0 } };
    size_t size = random_below(33);

    for (size_t i = 0; i < size; i++)
        value.bytes[31 - i] = (uint8_t)random_u64();
    return value;
}

static void arithmetic_agrees_with_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        struct u256 a = random_number(), b = random_number(), sum, back;
        uint64_t factor = random_u64() >> random_below(64), rest;
        if (u256_add(&sum, &a, &b)) {
            assert_true(u256_subtract(&back, &sum, &b));
            assert_int_equal(u256_compare(&back, &a), 0);
        }
        if (factor != 0 && u256_multiply_small(&sum, &a, factor)) {
            assert_true(u256_divide_small(&back, &sum, factor, &rest));
            assert_int_equal(u256_compare(&back, &a), 0);
            assert_int_equal(rest, 0);
        }
        char text[U256_DECIMAL_MAX];
        u256_decimal(text, &a);
        back = decimal(text);
        assert_int_equal(u256_compare(&back, &a), 0);
    }
}

static void products_are_compared_with_two_to_the_256(void **state)
{
    struct u256 half = { { 0x80 } }, most = decimal(MOST), two = u256_of(2), three = u256_of(3), above;

    (void)state;
    assert_true(u256_product_fits(&half, &two)); /* 2^256 itself */
    assert_false(u256_product_fits(&half, &three));
    above = half;
    above.bytes[31] = 1;
    assert_false(u256_product_fits(&above, &two)); /* 2^256 + 2 */
    assert_false(u256_product_fits(&most, &most));
    struct u256 one = u256_of(1), zero = u256_of(0);
    assert_true(u256_product_fits(&most, &one));
    assert_true(u256_product_fits(&most, &zero));
    struct u256 root = { { 0 } }; /* 2^128 */
    root.bytes[15] = 1;
    assert_true(u256_product_fits(&root, &root));
}

/* --- addresses ------------------------------------------------------------------------------------- */
/* EIP-55, "Test Cases"; EIP-1191, "Test Cases", chains 30 and 31. */
static void checksums_are_the_published_ones(void **state)
{
    static const struct { const char *text; uint64_t chain; } cases[] = {
        { "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", EVM_CHECKSUM_PLAIN },
        { "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", EVM_CHECKSUM_PLAIN },
        { "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", EVM_CHECKSUM_PLAIN },
        { "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", EVM_CHECKSUM_PLAIN },
        { "0x52908400098527886E0F7030069857D2E4169EE7", EVM_CHECKSUM_PLAIN },
        { "0xde709f2102306220921060314715629080e2fb77", EVM_CHECKSUM_PLAIN },
        { "0x27b1FdB04752BBc536007A920D24ACB045561c26", 30 },
        { "0x5aaEB6053f3e94c9b9a09f33669435E7ef1bEAeD", 30 },
        { "0xFb6916095cA1Df60bb79ce92cE3EA74c37c5d359", 30 },
        { "0xDBF03B407c01E7CD3cBea99509D93F8Dddc8C6FB", 30 },
        { "0xD1220A0Cf47c7B9BE7a2e6ba89F429762E7B9adB", 30 },
        { "0x5aAeb6053F3e94c9b9A09F33669435E7EF1BEaEd", 31 },
        { "0xFb6916095CA1dF60bb79CE92ce3Ea74C37c5D359", 31 },
        { "0xdbF03B407C01E7cd3cbEa99509D93f8dDDc8C6fB", 31 },
    };
    char text[EVM_ADDRESS_TEXT_MAX];
    struct evm_address address;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(evm_address_decode(&address, cases[i].text, strlen(cases[i].text), cases[i].chain));
        assert_string_equal(evm_address_encode(text, &address, cases[i].chain), cases[i].text);
    }
}

static void a_letter_in_the_wrong_case_is_refused(void **state)
{
    const char *right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    char text[EVM_ADDRESS_TEXT_MAX];
    struct evm_address address;

    (void)state;
    for (size_t i = 2; i < 42; i++) {
        strcpy(text, right);
        if (text[i] <= '9')
            continue;
        text[i] ^= 0x20;
        assert_false(evm_address_decode(&address, text, 42, EVM_CHECKSUM_PLAIN));
    }
    assert_false(evm_address_decode(&address, right, 42, 30)); /* another chain's checksum */
    assert_true(evm_address_decode(&address, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", 42, 30));
    assert_true(evm_address_decode(&address, "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", 42, 30));
    assert_false(evm_address_decode(&address, "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", 42, 0));
    assert_false(evm_address_decode(&address, right, 41, 0));
    assert_false(evm_address_decode(&address, "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed00", 42, 0));
}

static void a_key_has_its_address(void **state)
{
    struct secret_key *secret = secret_new(sizeof *secret);
    struct public_key key;
    struct evm_address address;
    char text[EVM_ADDRESS_TEXT_MAX];

    (void)state;
    memset(secret->bytes, 0x46, sizeof secret->bytes); /* EIP-155's example */
    assert_true(secret_key_public(secret, &key));
    assert_true(evm_address_of_key(&key, &address));
    assert_string_equal(evm_address_encode(text, &address, 0), "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
    key.bytes[0] = 0x04;
    assert_false(evm_address_of_key(&key, &address));
    memset(key.bytes, 0xff, sizeof key.bytes);
    key.bytes[0] = 0x02;
    assert_false(evm_address_of_key(&key, &address)); /* no point has this x */
    secret_free(secret);
}

/* The recorded contracts of /vectors/evm: anvil's first account made the two. */
static void a_contract_has_the_address_that_sender_and_nonce_make(void **state)
{
    static const struct { uint64_t nonce; const char *made; } cases[] = {
        { 0, "0x5fbdb2315678afecb367f032d93f642f64180aa3" },
        { 1, "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512" },
    };
    struct evm_address sender, made;
    char text[EVM_ADDRESS_TEXT_MAX], lower[41];

    (void)state;
    strcpy(text, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    assert_true(evm_address_decode(&sender, text, strlen(text), EVM_CHECKSUM_PLAIN));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evm_address_created(&sender, cases[i].nonce, &made);
        hex_text(lower, made.bytes, sizeof made.bytes);
        assert_string_equal(lower, cases[i].made + 2);
    }
}

int evm_number_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(texts_that_are_no_numbers_are_refused),
        cmocka_unit_test(overflow_is_told_and_leaves_the_output),
        cmocka_unit_test(arithmetic_agrees_with_itself),
        cmocka_unit_test(products_are_compared_with_two_to_the_256),
        cmocka_unit_test(checksums_are_the_published_ones),
        cmocka_unit_test(a_letter_in_the_wrong_case_is_refused),
        cmocka_unit_test(a_key_has_its_address),
        cmocka_unit_test(a_contract_has_the_address_that_sender_and_nonce_make),
    };

    return cmocka_run_group_tests_name("evm numbers and addresses", tests, NULL, NULL);
}
