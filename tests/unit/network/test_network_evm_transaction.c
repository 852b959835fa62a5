/* Transactions: published and recorded ones built, signed and read back; what is no transaction; every byte
 * changed. */
#include "test_network_evm.h"

#include "network/evm/rlp.h"

#define GENERATED 200

struct signing { struct secret_key *secret; struct public_key key; struct evm_address address; };

static struct signing key_of(const uint8_t bytes[32])
{
    struct signing signing = { .secret = secret_new(sizeof *signing.secret) };

    memcpy(signing.secret->bytes, bytes, 32);
    assert_true(secret_key_public(signing.secret, &signing.key));
    assert_true(evm_address_of_key(&signing.key, &signing.address));
    return signing;
}

static enum status sign(void *context, const struct hash *digest, struct signature *signature,
                        int *recovery_id,
                        struct error *error)
{
    const struct secret_key *secret = context;

    if (!ecdsa_sign_recoverable(secret, digest, signature, recovery_id))
        return error_set(error, ERROR_KEYSTORE_LOCKED, "no key");
    return OK;
}

static struct u256 amount(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    struct u256 amount = u256_of(0);

    if (json_is_integer(value))
        amount = u256_of((uint64_t)json_integer_value(value));
    else if (json_is_string(value))
        assert_true(u256_from_decimal(&amount, json_string_value(value), json_string_length(value)));
    return amount;
}

static uint64_t number(const json_t *object, const char *member)
{
    struct u256 value = amount(object, member);
    uint64_t small;

    assert_true(u256_to_u64(&value, &small));
    return small;
}

static void take_access(struct arena *arena, const json_t *list, struct evm_transaction *transaction)
{
    struct evm_access *access = arena_new(arena, (json_array_size(list) + 1) * sizeof *access);
    const json_t *entry;
    size_t i, k;

    json_array_foreach(list, i, entry) {
        const json_t *keys = json_object_get(entry, "storageKeys");
        struct hash *words = arena_new(arena, (json_array_size(keys) + 1) * sizeof *words);
        evm_member_fixed(entry, "address", access[i].address.bytes, 20);
        for (k = 0; k < json_array_size(keys); k++)
            memcpy(words[k].bytes, evm_hex(arena, json_string_value(json_array_get(keys, k))).data, 32);
        access[i].keys = words;
        access[i].key_count = json_array_size(keys);
    }
    transaction->access = access;
    transaction->access_count = json_array_size(list);
}

static struct evm_transaction of_vector(struct arena *arena, const json_t *tx)
{
    static const enum evm_transaction_kind kinds[] = { EVM_LEGACY, EVM_ACCESS_LIST, EVM_DYNAMIC_FEE };
    struct evm_transaction transaction = { .kind = kinds[number(tx, "type")] };
    const char *to = json_string_value(json_object_get(tx, "to"));

    transaction.chain_id = number(tx, "chainId");
    transaction.nonce = number(tx, "nonce");
    transaction.gas_limit = number(tx, "gasLimit");
    transaction.value = amount(tx, "value");
    bool dynamic = transaction.kind == EVM_DYNAMIC_FEE;
    transaction.gas_price = amount(tx, dynamic ? "maxFeePerGas" : "gasPrice");
    transaction.priority_fee = amount(tx, "maxPriorityFeePerGas");
    transaction.creates = to == NULL;
    if (to != NULL)
        memcpy(transaction.to.bytes, evm_hex(arena, to).data, 20);
    if (json_object_get(tx, "data") != NULL)
        transaction.data = evm_member(arena, tx, "data");
    take_access(arena, json_object_get(tx, "accessList"), &transaction);
    return transaction;
}

static void check_vector(struct arena *arena, const json_t *vector, const struct signing *signing)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };
    struct evm_transaction transaction = of_vector(arena, json_object_get(vector, "tx")), read;
    struct bytes raw = evm_member(arena, vector, "raw");
    struct evm_address sender;
    struct error error;
    struct hash hash;

    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), OK);
    assert_bytes_are(buffer_bytes(&out), member_text(vector, "unsigned"));
    assert_int_equal(evm_transaction_digest(&transaction, &hash, &error), OK);
    assert_hash_is(&hash, member_text(vector, "unsignedHash") + 2);
    assert_int_equal(evm_transaction_encode(&transaction, &out, &error), ERROR_EVM_SIGNATURE);
    buffer_clear(&out);
    assert_int_equal(evm_transaction_sign(&transaction, &signing->key, sign, signing->secret, &error), OK);
    assert_int_equal(evm_transaction_encode(&transaction, &out, &error), OK);
    assert_true(bytes_equal(buffer_bytes(&out), raw)); /* RFC 6979: the same signature */
    evm_transaction_id(raw, &hash);
    assert_hash_is(&hash, member_text(vector, "hash") + 2);

    assert_int_equal(evm_transaction_decode(raw, arena, &read, &sender, &error), OK);
    assert_true(evm_address_equal(&sender, &signing->address));
    assert_int_equal(read.chain_id, transaction.chain_id);
    assert_int_equal(evm_transaction_encode(&read, &again, &error), OK);
    assert_true(bytes_equal(buffer_bytes(&again), raw));
}

static void recorded_transactions_are_built_signed_and_read(void **state)
{
    CLEANUP(arena_close) struct arena arena;
    AUTO_JSON json_t *file = vectors_json("evm/evm-vectors.json");
    uint8_t secret[32];
    const json_t *vector;
    size_t i;

    (void)state;
    arena_init(&arena);
    evm_member_fixed(file, "key", secret, sizeof secret);
    struct signing signing = key_of(secret);
    assert_true(json_array_size(json_object_get(file, "vectors")) >= 6);
    json_array_foreach(json_object_get(file, "vectors"), i, vector)
        check_vector(&arena, vector, &signing);
    secret_free(signing.secret);
}

/* --- figures ------------------------------------------------------------------------------------------ */
/* EIP-155, "Example"; the others made with ethers 6.17.0 and the same key. */
static const struct { const char *raw, *hash; uint64_t chain; } figures[] = {
    { "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61"
    "340bd939"
      "bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64"
      "214b297f"
      "b1966a3b6d83",
      "33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788", 1 },
    { "f863808403938700825208943535353535353535353535353535353535353535018060a072ea1698f26f0deceb339767"
    "34b3c6e1"
      "1fa8275c70b04a991fa097de03136915a01f3b29a89bb8417e6d9a5a354033a8bcaeace776b975d0bb436090894920e427",
      "ec54906fb44175a0278f902a17450c872ac68ffe39dd87111e8de3ae79c6dbb0", 30 },
    { "01f89d830c576d07018275309435353535353535353535353535353535353535358080f838f794420000000000000000"
    "00000000"
      "00000000000016e1a0000000000000000000000000000000000000000000000000000000000000000001a0b2345dcd4f"
      "99d807ec"
      "a8abe02fdcbbc102bacc4d66dfb5a652227174462cc310a00e368e2c7725056c68d6c925da2b4f71ec1875d7b8631d42"
      "31f06b7d"
      "c302fc9c",
      "556f22d74e534a6da6a81886fe312d0980ebd9701275539527d468e803400cf3", 808813 },
    { "02f86b82ed88808089010000000000000000832dc6c08091010000000000000000000000000000000180c080a02e7be0"
    "4939bbcb"
      "d2d63eb7b00f090fedff953ded4f2f90f1ceeaa6f42a4a874aa0200de21c1f5376ee55902d012f5cb387e41884cf8702"
      "a8294c71"
      "3440bf18a5d3",
      "0495cfa3abb2422350e0a56c209bc7abdbf1f810a95b76e5865352bf72dcb87d", 60808 },
};

static void figures_are_read_with_their_sender(void **state)
{
    CLEANUP(arena_close) struct arena arena;
    char text[EVM_ADDRESS_TEXT_MAX];

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct bytes raw = evm_hex(&arena, figures[i].raw);
        struct evm_transaction read;
        struct evm_address sender;
        struct error error;
        struct hash id;
        assert_int_equal(evm_transaction_decode(raw, &arena, &read, &sender, &error), OK);
        assert_string_equal(evm_address_encode(text, &sender, EVM_CHECKSUM_PLAIN),
                            "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
        assert_int_equal(read.chain_id, figures[i].chain);
        evm_transaction_id(raw, &id);
        assert_hash_is(&id, figures[i].hash);
    }
}

/* Whatever byte is changed: it is no transaction any more, or another sender's; never the same sender's. */
static void no_changed_byte_keeps_the_sender(void **state)
{
    CLEANUP(arena_close) struct arena arena;
    size_t refused = 0, others = 0;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct bytes raw = evm_hex(&arena, figures[i].raw);
        struct evm_transaction read;
        struct evm_address sender, other;
        struct error error;
        assert_int_equal(evm_transaction_decode(raw, &arena, &read, &sender, &error), OK);
        for (size_t at = 0; at < raw.size; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                struct bytes changed = evm_changed(&arena, raw, at, (uint8_t)(1u << bit));
                if (evm_transaction_decode(changed, &arena, &read, &other, &error) != OK)
                    refused++;
                else if (!evm_address_equal(&sender, &other))
                    others++;
                else
                    fail_msg("byte %zu of figure %zu may change", at, i);
            }
        }
    }
    assert_true(refused > 0 && others > 0);
}

/* --- what is refused ------------------------------------------------------------------------------------ */
static void transactions_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "c0", "80", "03c0", "04c0", "7fc0", "00c0",
        /* figure 0 with: a field more, a leading zero in the nonce, v 26, v 35 (chain 0), a list as data */
        "f86d098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3"
        "dc64214b29"
        "7fb1966a3b6d8380",
        "f86c008504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3"
        "dc64214b29"
        "7fb1966a3b6d83",
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000801aa028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3"
        "dc64214b29"
        "7fb1966a3b6d83",
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008023a028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3"
        "dc64214b29"
        "7fb1966a3b6d83",
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000c025a028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3"
        "dc64214b29"
        "7fb1966a3b6d83",
        /* a recipient of 19 bytes */
        "f86b098504a817c8008252089335353535353535353535353535353535353535880de0b6b3a76400008025a028ef61"
        "340bd939"
        "bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc"
        "64214b297f"
        "b1966a3b6d83",
        /* the high s of the same signature, with the other v */
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008026a028ef"
        "61340bd9"
        "39bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a098341626676089e51348fccfb4c7ff31bcdc144b"
        "7284855d66"
        "5e6d9566fad3be",
    };
    CLEANUP(arena_close) struct arena arena;
    struct evm_transaction read;
    struct evm_address sender;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (evm_transaction_decode(evm_hex(&arena, wrong[i]), &arena, &read, &sender, &error) == OK)
            fail_msg("taken: %zu", i);
    }
}

static void signatures_out_of_range_are_refused(void **state)
{
    static const char *const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
                      *const half = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0",
                      *const above = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1",
                      *const zero = "0000000000000000000000000000000000000000000000000000000000000000",
                      *const one = "0000000000000000000000000000000000000000000000000000000000000001";
    const struct { const char *r, *s; int id; bool good; } cases[] = {
        { one, one, 0, true }, { one, half, 1, true }, { one, above, 0, false }, { zero, one, 0, false },
        { one, zero, 0, false }, { order, one, 0, false }, { one, one, 2, false }, { one, one, -1, false },
    };
    CLEANUP(arena_close) struct arena arena;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evm_transaction transaction = { .kind = EVM_LEGACY, .chain_id = 1 };
        struct signature signature;
        memcpy(signature.bytes, evm_hex(&arena, cases[i].r).data, 32);
        memcpy(signature.bytes + 32, evm_hex(&arena, cases[i].s).data, 32);
        enum status expected = cases[i].good ? OK : ERROR_EVM_SIGNATURE;
        assert_int_equal(evm_transaction_put_signature(&transaction, &signature, cases[i].id, &error),
                         expected);
        assert_int_equal(transaction.is_signed, cases[i].good);
    }
}

static void what_cannot_be_sent_is_not_built(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    struct evm_transaction transaction = { .kind = EVM_LEGACY };
    struct evm_access access = { .key_count = 0 };
    struct error error;

    (void)state;
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), ERROR_EVM_ENCODING); /* chain 0 */
    transaction.chain_id = UINT64_MAX; /* v would overflow */
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), ERROR_EVM_ENCODING);
    transaction.chain_id = 1;
    transaction.nonce = UINT64_MAX;
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), ERROR_EVM_ENCODING);
    transaction.nonce = UINT64_MAX - 1;
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), OK);
    transaction.access = &access;
    transaction.access_count = 1;
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), ERROR_EVM_ENCODING);
    transaction.kind = EVM_DYNAMIC_FEE;
    transaction.priority_fee = u256_of(1);
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), ERROR_EVM_ENCODING);
    transaction.gas_price = u256_of(1);
    assert_int_equal(evm_transaction_unsigned(&transaction, &out, &error), OK);
}

static enum status sign_with_another(void *context, const struct hash *digest, struct signature *signature,
                                     int *recovery_id, struct error *error)
{
    struct secret_key *other = secret_new(sizeof *other);

    (void)context;
    secret_key_generate(other);
    enum status status = sign(other, digest, signature, recovery_id, error);
    secret_free(other);
    return status;
}

static enum status sign_never(void *context, const struct hash *digest, struct signature *signature,
                              int *recovery_id, struct error *error)
{
    (void)context, (void)digest, (void)signature, (void)recovery_id;
    return error_set(error, ERROR_KEYSTORE_LOCKED, "locked");
}

static void a_signature_of_another_key_is_not_put_in(void **state)
{
    struct evm_transaction transaction = { .kind = EVM_LEGACY, .chain_id = 1 };
    struct signing signing = key_of((const uint8_t *)"12345678901234567890123456789012");
    struct error error;

    (void)state;
    assert_int_equal(evm_transaction_sign(&transaction, &signing.key, sign_with_another, NULL, &error),
                     ERROR_EVM_SIGNATURE);
    assert_int_equal(evm_transaction_sign(&transaction, &signing.key, sign_never, NULL, &error),
                     ERROR_KEYSTORE_LOCKED);
    assert_false(transaction.is_signed);
    assert_int_equal(evm_transaction_sign(&transaction, &signing.key, sign, signing.secret, &error), OK);
    secret_free(signing.secret);
}

/* --- random ones -------------------------------------------------------------------------------------- */
static struct evm_transaction random_transaction(struct arena *arena)
{
    static const enum evm_transaction_kind kinds[] = { EVM_LEGACY, EVM_ACCESS_LIST, EVM_DYNAMIC_FEE };
    struct evm_transaction transaction = { .kind = kinds[random_below(3)],
                                           .chain_id = 1 + random_below(1u << 30),
                                           .nonce = random_u64() >> (1 + random_below(63)),
                                           .gas_limit = random_u64() >> random_below(64),
                                           .creates = random_below(4) == 0 };

    memcpy(transaction.to.bytes, evm_random_bytes(arena, 20).data, 20);
    memcpy(transaction.value.bytes, evm_random_bytes(arena, 32).data, 32);
    transaction.gas_price = u256_of(random_u64() >> random_below(32));
    transaction.priority_fee = transaction.kind == EVM_DYNAMIC_FEE ? transaction.gas_price : u256_of(0);
    transaction.data = evm_random_bytes(arena, random_below(200));
    if (transaction.kind == EVM_LEGACY)
        return transaction;
    transaction.access_count = random_below(4);
    struct evm_access *access = arena_new(arena, 4 * sizeof *access);
    for (size_t i = 0; i < transaction.access_count; i++) {
        access[i].key_count = random_below(4);
        access[i].keys = (const struct hash *)evm_random_bytes(arena, 4 * sizeof(struct hash)).data;
        memcpy(access[i].address.bytes, evm_random_bytes(arena, 20).data, 20);
    }
    transaction.access = access;
    return transaction;
}

static void any_transaction_comes_back_and_pays_for_itself(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct signing signing = key_of((const uint8_t *)"12345678901234567890123456789012");

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < GENERATED; i++) {
        struct evm_transaction made = random_transaction(&arena), read;
        struct evm_address sender;
        struct error error;
        buffer_clear(&out);
        buffer_clear(&again);
        assert_int_equal(evm_transaction_sign(&made, &signing.key, sign, signing.secret, &error), OK);
        assert_int_equal(evm_transaction_encode(&made, &out, &error), OK);
        assert_int_equal(evm_transaction_decode(buffer_bytes(&out), &arena, &read, &sender, &error), OK);
        assert_true(evm_address_equal(&sender, &signing.address));
        assert_int_equal(evm_transaction_encode(&read, &again, &error), OK);
        assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&again)));
        assert_int_equal(evm_transaction_intrinsic_gas(&made), evm_transaction_intrinsic_gas(&read));
        assert_true(evm_transaction_intrinsic_gas(&made) >= 21000 + 10 * made.data.size);
        arena_reset(&arena);
    }
    secret_free(signing.secret);
}

/* Before EIP-155: v is 27 or 28, and nothing of the chain is signed. */
static void a_transaction_from_before_eip_155_is_read(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct signing signing = key_of((const uint8_t *)"12345678901234567890123456789012");
    struct evm_transaction transaction = { .kind = EVM_LEGACY, .gas_limit = 21000, .nonce = 3 }, read;
    struct evm_address sender;
    struct signature signature;
    struct error error;
    struct hash digest;
    int recovery_id;

    (void)state;
    arena_init(&arena);
    size_t list = rlp_list_begin(&out); /* what was signed then: the first six fields */
    rlp_append_u64(&out, 3);
    rlp_append_u64(&out, 0);
    rlp_append_u64(&out, 21000);
    rlp_append(&out, transaction.to.bytes, 20);
    rlp_append_u64(&out, 0);
    rlp_append(&out, NULL, 0);
    rlp_list_end(&out, list);
    keccak_hash(&digest, out.data, out.size);
    assert_true(ecdsa_sign_recoverable(signing.secret, &digest, &signature, &recovery_id));
    assert_int_equal(evm_transaction_put_signature(&transaction, &signature, recovery_id, &error), OK);
    buffer_clear(&out);
    assert_int_equal(evm_transaction_encode(&transaction, &out, &error), OK);
    assert_int_equal(evm_transaction_decode(buffer_bytes(&out), &arena, &read, &sender, &error), OK);
    assert_true(evm_address_equal(&sender, &signing.address));
    assert_int_equal(read.chain_id, 0);
    secret_free(signing.secret);
}

int evm_transaction_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_transactions_are_built_signed_and_read),
        cmocka_unit_test(figures_are_read_with_their_sender),
        cmocka_unit_test(no_changed_byte_keeps_the_sender),
        cmocka_unit_test(transactions_that_are_none_are_refused),
        cmocka_unit_test(signatures_out_of_range_are_refused),
        cmocka_unit_test(what_cannot_be_sent_is_not_built),
        cmocka_unit_test(a_signature_of_another_key_is_not_put_in),
        cmocka_unit_test(any_transaction_comes_back_and_pays_for_itself),
        cmocka_unit_test(a_transaction_from_before_eip_155_is_read),
    };

    return cmocka_run_group_tests_name("evm transactions", tests, NULL, NULL);
}
