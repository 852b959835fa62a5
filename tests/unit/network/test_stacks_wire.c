/* Stacks' wire format: hashes, addresses, Clarity values, transactions. */
#include <string.h>

#include "crypto/hash.h"
#include "crypto/vectors.h"
#include "network/stacks/block.h"

/* --- hashes ------------------------------------------------------------------------------------- */
static void assert_hash160_is(const uint8_t hash[HASH160_SIZE], const char *hex)
{
    char text[2 * HASH160_SIZE + 1];

    hex_text(text, hash, HASH160_SIZE);
    assert_string_equal(text, hex);
}

/* FIPS 180-4 §5.3.6: the beginning of SHA-512/t is SHA-512, from its own beginning with every byte ^ a5,
 * of its name. */
static void sha512_256_begins_as_its_name_says(void **state)
{
    crypto_hash_sha512_state beginning;
    uint8_t digest[64];
    struct hash out, expected;

    (void)state;
    crypto_hash_sha512_init(&beginning);
    for (size_t i = 0; i < 8; i++)
        beginning.state[i] ^= 0xa5a5a5a5a5a5a5a5;
    crypto_hash_sha512_update(&beginning, (const uint8_t *)"SHA-512/256", 11);
    crypto_hash_sha512_final(&beginning, digest);
    for (size_t i = 0; i < 8; i++)
        beginning.state[i] = get_be64(digest + 8 * i);
    beginning.count[0] = beginning.count[1] = 0;
    crypto_hash_sha512_update(&beginning, (const uint8_t *)"abc", 3);
    crypto_hash_sha512_final(&beginning, digest);
    memcpy(expected.bytes, digest, 32);
    sha512_256(&out, "abc", 3);
    assert_true(hash_equal(&out, &expected));
}

/* NIST, "Examples with Intermediate Values", SHA-512/256. */
static void sha512_256_is_nists(void **state)
{
    struct hash out;

    (void)state;
    sha512_256(&out, "abc", 3);
    assert_hash_is(&out, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
    sha512_256(&out, "", 0);
    assert_hash_is(&out, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
}

/* The values of the paper's appendix B. */
static void ripemd160_is_its_papers(void **state)
{
    static const struct { const char *text, *hash; } values[] = {
        { "", "9c1185a5c5e9fc54612808977ee8f548b2258d31" },
        { "a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe" },
        { "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc" },
        { "message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36" },
        { "abcdefghijklmnopqrstuvwxyz", "f71c27109c692c1b56bbdceb5b9d2865b3708dbc" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "12a053384a9c0c88e405a06c27dcf49ada62eb2b" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
          "b0e20b6e3116640286ed3a87a5713079b21f5189" },
    };
    uint8_t hash[HASH160_SIZE];
    char many[1000000];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        ripemd160(hash, values[i].text, strlen(values[i].text));
        assert_hash160_is(hash, values[i].hash);
    }
    memset(many, 'a', sizeof(many));
    ripemd160(hash, many, sizeof(many));
    assert_hash160_is(hash, "52783243c1697bdbe16d37f97f68f08325dc1528");
}

/* --- addresses ---------------------------------------------------------------------------------- */
static void put_key(struct secret_key *key)
{
    static const char hex[] = "edf9aee84d9b7abc145504dde6726c64f369d37ee34ded868fabd876c26570bc";

    assert_true(hex_decode(key->bytes, sizeof(key->bytes), hex, strlen(hex)));
}

/* hirosystems/stacks.js' test key; both networks' addresses of it. */
static void a_key_has_its_address(void **state)
{
    struct secret_key *key = secret_new(sizeof(*key));
    struct public_key public_key;
    struct stacks_address address;
    char text[STACKS_ADDRESS_TEXT];

    (void)state;
    put_key(key);
    assert_true(secret_key_public(key, &public_key));
    stacks_address_of_key(&public_key, false, &address);
    stacks_address_text(&address, text);
    assert_string_equal(text, "STAW66WC3G8WA5F28JVNG1NTRJ6H76E7EMHDBMBN");
    secret_free(key);
}

/* Addresses that the network's own documents use: a boot contract of each network, and hashes that begin
 * with zeros. */
static void addresses_read_as_they_are_written(void **state)
{
    static const char *const texts[] = {
        "SP000000000000000000002Q6VF78", "ST000000000000000000002AMW42H",
        "SP3FBR2AGK5H9QBDH3EEN6DF8EK8JY7RX8QJ5SVTE", "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM",
    };
    char again[STACKS_ADDRESS_TEXT];
    struct stacks_address address;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(stacks_address_read(texts[i], strlen(texts[i]), &address));
        stacks_address_text(&address, again);
        assert_string_equal(again, texts[i]);
    }
}

static void random_addresses_read_as_they_are_written(void **state)
{
    struct stacks_address address, again;
    char text[STACKS_ADDRESS_TEXT];

    (void)state;
    for (size_t i = 0; i < 2000; i++) {
        address.version = (uint8_t)random_below(32);
        for (size_t j = 0; j < HASH160_SIZE; j++)
            address.hash[j] = j < i % 21 ? 0 : (uint8_t)random_u64();
        stacks_address_text(&address, text);
        assert_true(stacks_address_read(text, strlen(text), &again));
        assert_memory_equal(&address, &again, sizeof(address));
    }
}

static void an_address_with_any_other_character_is_none(void **state)
{
    static const char good[] = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM";
    struct stacks_address address, same;
    char text[sizeof(good) + 1];

    (void)state;
    assert_true(stacks_address_read(good, strlen(good), &same));
    for (size_t i = 0; i < strlen(good); i++) {
        for (int character = 1; character < 256; character++) {
            memcpy(text, good, sizeof(good));
            text[i] = (char)character;
            if (stacks_address_read(text, strlen(good), &address))
                assert_memory_equal(&address, &same, sizeof(same)); /* another case, or O for 0 */
        }
    }
    for (size_t size = 0; size < strlen(good); size++)
        assert_false(stacks_address_read(good, size, &address));
    memcpy(text, good, 2);
    text[2] = '0'; /* a zero before the number is another text of the same bytes */
    memcpy(text + 3, good + 2, sizeof(good) - 2);
    assert_false(stacks_address_read(text, strlen(text), &address));
}

static void principals_name_contracts(void **state)
{
    struct stacks_principal principal;
    char text[STACKS_PRINCIPAL_TEXT];

    (void)state;
    assert_true(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.test-token", &principal));
    assert_string_equal(principal.contract, "test-token");
    stacks_principal_text(&principal, text);
    assert_string_equal(text, "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.test-token");
    assert_false(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.", &principal));
    assert_false(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.1a", &principal));
    assert_false(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.a.b", &principal));
}

/* --- Clarity ------------------------------------------------------------------------------------ */
static void assert_text_is(const char *hex, const char *text)
{
    struct buffer bytes, out;

    buffer_init(&bytes);
    buffer_init(&out);
    bytes.size = strlen(hex) / 2;
    assert_true(hex_decode(buffer_reserve(&bytes, bytes.size) - bytes.size, bytes.size, hex, strlen(hex)));
    if (text == NULL) {
        assert_false(clarity_is_value(buffer_bytes(&bytes)));
    } else {
        assert_true(clarity_text(buffer_bytes(&bytes), &out));
        assert_string_equal(buffer_text(&out), text);
    }
    buffer_close(&bytes);
    buffer_close(&out);
}

/* Of SIP-005's table of types. */
static void values_read_as_clarity_writes_them(void **state)
{
    (void)state;
    assert_text_is("0100000000000000000000000000000001", "u1");
    assert_text_is("01ffffffffffffffffffffffffffffffff", "u340282366920938463463374607431768211455");
    assert_text_is("00ffffffffffffffffffffffffffffffff", "-1");
    assert_text_is("0080000000000000000000000000000000", "-170141183460469231731687303715884105728");
    assert_text_is("03", "true");
    assert_text_is("04", "false");
    assert_text_is("09", "none");
    assert_text_is("0a03", "(some true)");
    assert_text_is("070a0200000002beef", "(ok (some 0xbeef))");
    assert_text_is("0b00000000", "(list)");
    assert_text_is("0b000000020304", "(list true false)");
    assert_text_is("0c000000020161030162" "04", "(tuple (a true) (b false))");
    assert_text_is("0d000000026869", "\"hi\"");
}

static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    assert_text_is("", NULL);
    assert_text_is("0f", NULL);                /* no such type */
    assert_text_is("0303", NULL);              /* something behind it */
    assert_text_is("01000000000000000000", NULL);
    assert_text_is("02ffffffff00", NULL);      /* longer than there is */
    assert_text_is("0bffffffff03", NULL);
    assert_text_is("0a", NULL);
    assert_text_is("0d0000000100", NULL);      /* no ASCII text */
    assert_text_is("0e00000001ff", NULL);      /* no UTF-8 */
    assert_text_is("0c000000010131" "03", NULL); /* a name that begins with a digit */
}

static void values_nest_to_a_limit(void **state)
{
    uint8_t nested[CLARITY_DEPTH_MAX + 1];

    (void)state;
    memset(nested, CLARITY_SOME, sizeof(nested));
    nested[CLARITY_DEPTH_MAX - 1] = nested[CLARITY_DEPTH_MAX] = CLARITY_NONE;
    assert_true(clarity_is_value(bytes_of(nested, CLARITY_DEPTH_MAX)));
    nested[CLARITY_DEPTH_MAX - 1] = CLARITY_SOME;
    assert_false(clarity_is_value(bytes_of(nested, CLARITY_DEPTH_MAX + 1)));
}

static void amounts_are_of_128_bits(void **state)
{
    static const char *const wrong[] = { "", "00", "01", "-1", "1.0", " 1", "0x1",
                                         "340282366920938463463374607431768211456" };
    static const char *const right[] = { "0", "1", "18446744073709551616",
                                         "340282366920938463463374607431768211455" };
    char text[CLARITY_UINT_TEXT];
    struct clarity_uint value;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(clarity_uint_read(wrong[i], &value));
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_true(clarity_uint_read(right[i], &value));
        clarity_uint_text(value, text);
        assert_string_equal(text, right[i]);
    }
}

/* --- transactions ------------------------------------------------------------------------------- */
/* Research figures: made with @stacks/transactions 7.6.0; key of hirosystems/stacks.js, nonce 3, fee 2000. */
#define TRANSFER                                                                                             \
    "8080000000040015c31b8c1c11c515e244b75806bac48d1399c775000000000000000300000000000007d000011919aa7df3"   \
    "0d5c9bf1b18d5308fe38aa0026a108eca6f3019d6b9f62932a3e3849f35af7e3fcb7fcc55cd16785953f77786bd3dc009a55"   \
    "2e60af9412f92685f403020000000000051a6d78de7b0625dfbfc16c3a8a5735f6dc3dc3f2ce000000000000303974657374"   \
    "000000000000000000000000000000000000000000000000000000000000"
#define CALL                                                                                                 \
    "8080000000040015c31b8c1c11c515e244b75806bac48d1399c775000000000000000300000000000007d00000a09409ec61"   \
    "b0f3b31f9b8ef37ca88b2b2fd84a82a547680912dd2689109349696b3e1efde0001f96e99c948a5b22f54e132ec712ce9ec2"   \
    "5f31edc49ce06bc28003020000000101021a15c31b8c1c11c515e244b75806bac48d1399c7751a15c31b8c1c11c515e244b7"   \
    "5806bac48d1399c7750a746573742d746f6b656e017401000000000000002a021a15c31b8c1c11c515e244b75806bac48d13"   \
    "99c7750a746573742d746f6b656e087472616e7366657200000004010000000000000000000000000000002a051a15c31b8c"   \
    "1c11c515e244b75806bac48d1399c775051a6d78de7b0625dfbfc16c3a8a5735f6dc3dc3f2ce09"

static void sign_with(const struct secret_key *key, struct buffer *transaction)
{
    struct signature signature;
    struct hash presigned;
    int recovery_id;

    stacks_signing_hash(buffer_bytes(transaction), NULL, &presigned);
    assert_true(ecdsa_sign_recoverable(key, &presigned, &signature, &recovery_id));
    stacks_put_signature(transaction, &signature, recovery_id);
}

static void begin_transaction(struct stacks_transaction *t, const struct secret_key *key)
{
    struct stacks_address address;
    struct public_key public_key;

    memset(t, 0, sizeof(*t));
    assert_true(secret_key_public(key, &public_key));
    stacks_address_of_key(&public_key, false, &address);
    memcpy(t->signer, address.hash, HASH160_SIZE);
    t->chain = STACKS_CHAIN_TESTNET;
    t->nonce = 3;
    t->fee = 2000;
}

static void assert_made(const struct stacks_transaction *t, const struct secret_key *key, const char *hex,
                        const char *id_hex, const char *initial_hex)
{
    struct stacks_decoded decoded;
    struct buffer made, text;
    struct hash id, initial, presigned;
    bool valid;

    buffer_init(&made);
    buffer_init(&text);
    assert_true(stacks_encode(t, &made));
    sign_with(key, &made);
    buffer_append_hex(&text, made.data, made.size);
    assert_string_equal(buffer_text(&text), hex);
    stacks_transaction_id(buffer_bytes(&made), &id);
    assert_hash_is(&id, id_hex);
    stacks_signing_hash(buffer_bytes(&made), &initial, &presigned);
    assert_hash_is(&initial, initial_hex);
    assert_true(stacks_decode(buffer_bytes(&made), &decoded, &valid));
    assert_true(valid);
    assert_int_equal(decoded.nonce, t->nonce);
    assert_int_equal(decoded.fee, t->fee);
    buffer_close(&made);
    buffer_close(&text);
}

static void a_transfer_is_made_byte_for_byte(void **state)
{
    struct secret_key *key = secret_new(sizeof(*key));
    struct stacks_transaction t;

    (void)state;
    put_key(key);
    begin_transaction(&t, key);
    t.payload = STACKS_TOKEN_TRANSFER;
    assert_true(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM", &t.to));
    t.amount = 12345;
    t.memo = "test";
    assert_made(&t, key, TRANSFER, "db97679073ad76d3aca9123ff11dd3ebc283272bee9452200e460f8a5a99385f",
                "d2914b16ee7b7d26bf3ec3b54800d157ec5ec90c38d8e09c471557369d1c0da5");
    secret_free(key);
}

static void a_token_transfer_is_made_byte_for_byte(void **state)
{
    struct secret_key *key = secret_new(sizeof(*key));
    struct stacks_principal sender, recipient;
    struct buffer arguments;
    struct stacks_transaction t;

    (void)state;
    put_key(key);
    begin_transaction(&t, key);
    buffer_init(&arguments);
    assert_true(stacks_principal_read("STAW66WC3G8WA5F28JVNG1NTRJ6H76E7EMHDBMBN", &sender));
    assert_true(stacks_principal_read("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM", &recipient));
    assert_true(stacks_principal_read("STAW66WC3G8WA5F28JVNG1NTRJ6H76E7EMHDBMBN.test-token", &t.to));
    t.payload = STACKS_CONTRACT_CALL;
    t.function = "transfer";
    t.has_post_condition = true;
    t.post_condition = (struct stacks_post_condition){ .token = true, .owner = t.to, .name = "t",
                                                       .amount = 42 };
    clarity_put_uint(&arguments, (struct clarity_uint){ 0, 42 });
    clarity_put_principal(&arguments, &sender);
    clarity_put_principal(&arguments, &recipient);
    clarity_put_none(&arguments);
    t.argument_count = 4;
    t.arguments = buffer_bytes(&arguments);
    assert_made(&t, key, CALL, "73505a29a2ab4d45e5ab04eb3a0ed2d10e4db037113c426231682016df635301",
                "da93575723a006363078dfb6cd3e247892a2e5ba68110a64b9b0e9bf1f336f3d");
    buffer_close(&arguments);
    secret_free(key);
}

/* The published ones, whole: read, verified, hashed, and of each every cut and every changed byte. */
static void published_transactions_hold(void **state)
{
    json_t *vectors = vectors_json("evm/stacks-vectors.json"), *vector;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(vectors, "vectors"), i, vector) {
        struct hash id, initial, presigned;
        struct stacks_decoded decoded;
        struct buffer bytes;
        bool valid;

        buffer_init(&bytes);
        member_bytes(vector, "hex", &bytes);
        assert_true(stacks_decode(buffer_bytes(&bytes), &decoded, &valid));
        assert_true(valid);
        stacks_transaction_id(buffer_bytes(&bytes), &id);
        assert_hash_is(&id, member_text(vector, "txid"));
        stacks_signing_hash(buffer_bytes(&bytes), &initial, &presigned);
        assert_hash_is(&initial, member_text(vector, "initialSighash"));
        for (size_t size = 0; size < bytes.size; size++)
            assert_false(stacks_decode(bytes_of(bytes.data, size), &decoded, &valid));
        for (size_t at = 0; at < bytes.size; at++) {
            bytes.data[at] ^= (uint8_t)(1 << (at % 8));
            assert_false(stacks_decode(buffer_bytes(&bytes), &decoded, &valid) && valid);
            bytes.data[at] ^= (uint8_t)(1 << (at % 8));
        }
        buffer_close(&bytes);
    }
    json_decref(vectors);
}

static void what_the_wire_does_not_take_is_not_made(void **state)
{
    struct secret_key *key = secret_new(sizeof(*key));
    struct stacks_transaction t;
    struct buffer out;

    (void)state;
    put_key(key);
    buffer_init(&out);
    begin_transaction(&t, key);
    t.payload = STACKS_TOKEN_TRANSFER;
    t.memo = "a memo that is longer than 34 bytes";
    assert_false(stacks_encode(&t, &out));
    begin_transaction(&t, key);
    t.payload = STACKS_VERSIONED_CONTRACT;
    t.contract = "1token";
    t.code = "()";
    assert_false(stacks_encode(&t, &out));
    t.contract = "a-name-that-is-longer-than-forty-characters";
    assert_false(stacks_encode(&t, &out));
    begin_transaction(&t, key);
    t.payload = STACKS_CONTRACT_CALL;
    t.function = "f";
    assert_false(stacks_encode(&t, &out)); /* no contract */
    buffer_close(&out);
    secret_free(key);
}

/* --- blocks ------------------------------------------------------------------------------------- */
static void put_from_hex(struct buffer *out, const char *hex)
{
    size_t size = strlen(hex) / 2;

    assert_true(hex_decode(buffer_reserve(out, size), size, hex, strlen(hex)));
    out->size += size;
}

/* A block of `count` transfers, numbered by their nonces, with the root that a plain reading of the rule
 * gives. */
static void make_block(struct buffer *block, uint32_t count)
{
    struct hash level[64], id;
    uint8_t number[8], tagged[65];
    struct buffer all;
    uint32_t width = count;

    buffer_init(&all);
    for (uint32_t i = 0; i < count; i++) {
        size_t begin = all.size;

        put_from_hex(&all, TRANSFER);
        all.data[begin + 34] = (uint8_t)i;
        sha512_256(&id, all.data + begin, all.size - begin);
        tagged[0] = 0;
        memcpy(tagged + 1, id.bytes, 32);
        sha512_256(&level[i], tagged, 33);
    }
    while (width > 1 || (width == 1 && count == 1)) {
        if (width % 2 == 1) {
            level[width] = level[width - 1];
            width++;
        }
        for (uint32_t i = 0; i < width / 2; i++) {
            tagged[0] = 1;
            memcpy(tagged + 1, level[2 * i].bytes, 32);
            memcpy(tagged + 33, level[2 * i + 1].bytes, 32);
            sha512_256(&level[i], tagged, 65);
        }
        width /= 2;
        if (width == 1)
            break;
    }
    buffer_append(block, "", 1);
    put_be64(number, 77);
    buffer_append(block, number, 8);
    buffer_append(block, number, 8);
    buffer_append(block, "consensus hash 20 by", 20);
    buffer_append(block, "the parent's block id of 32 byte", 32);
    buffer_append(block, level[0].bytes, 32);
    buffer_append(block, "the state's root, also 32 bytes.", 32);
    buffer_append(block, number, 8);
    for (size_t i = 0; i < 2 * STACKS_SIGNATURE_SIZE; i++) {
        if (i == STACKS_SIGNATURE_SIZE) {
            put_be32(number, 1);
            buffer_append(block, number, 4);
        }
        buffer_append(block, "s", 1);
    }
    buffer_append(block, "\0\x09\0\0\0\x02\xff\x01", 8);
    put_be32(number, count);
    buffer_append(block, number, 4);
    buffer_append(block, all.data, all.size);
    buffer_close(&all);
}

static void a_block_says_which_transactions_it_has(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 33; count++) {
        struct stacks_block read;
        struct buffer block;
        struct bytes bytes;
        struct stacks_path path, changed;
        struct hash id;

        buffer_init(&block);
        make_block(&block, count);
        assert_int_equal(stacks_block_read(buffer_bytes(&block), &read), STACKS_BLOCK_GOOD);
        assert_int_equal(read.height, 77);
        for (uint32_t i = 0; i < count; i++) {
            sha512_256(&id, read.transactions.data + 4 + 180 * i, 180);
            assert_true(stacks_block_path(&read, &id, &path, &bytes));
            assert_int_equal(path.position, i);
            assert_int_equal(bytes.size, 180);
            assert_true(stacks_path_holds(&path, &id, &read.transactions_root));
            for (unsigned level = 0; level < path.levels; level++) {
                changed = path;
                changed.neighbours[level].bytes[random_below(32)] ^= 1;
                assert_false(stacks_path_holds(&changed, &id, &read.transactions_root));
            }
            changed = path;
            changed.position ^= 1;
            assert_false(stacks_path_holds(&changed, &id, &read.transactions_root));
            changed = path;
            changed.levels--;
            assert_false(stacks_path_holds(&changed, &id, &read.transactions_root));
            id.bytes[0] ^= 1;
            assert_false(stacks_block_path(&read, &id, &path, NULL));
        }
        buffer_close(&block);
    }
}

static void a_changed_block_is_another_or_none(void **state)
{
    struct stacks_block good, read;
    struct buffer block;
    size_t signatures = 1 + 8 + 8 + 20 + 96 + 8 + STACKS_SIGNATURE_SIZE + 4;

    (void)state;
    buffer_init(&block);
    make_block(&block, 3);
    assert_int_equal(stacks_block_read(buffer_bytes(&block), &good), STACKS_BLOCK_GOOD);
    for (size_t at = 0; at < block.size; at++) {
        block.data[at] ^= 1;
        if (stacks_block_read(buffer_bytes(&block), &read) == STACKS_BLOCK_GOOD) {
            bool is_signature = at >= signatures && at < signatures + STACKS_SIGNATURE_SIZE;

            assert_int_equal(hash_equal(&read.id, &good.id), is_signature);
        }
        block.data[at] ^= 1;
    }
    for (size_t size = 0; size < block.size; size++)
        assert_int_not_equal(stacks_block_read(bytes_of(block.data, size), &read), STACKS_BLOCK_GOOD);
    buffer_close(&block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha512_256_begins_as_its_name_says),
        cmocka_unit_test(sha512_256_is_nists),
        cmocka_unit_test(ripemd160_is_its_papers),
        cmocka_unit_test(a_key_has_its_address),
        cmocka_unit_test(addresses_read_as_they_are_written),
        cmocka_unit_test(random_addresses_read_as_they_are_written),
        cmocka_unit_test(an_address_with_any_other_character_is_none),
        cmocka_unit_test(principals_name_contracts),
        cmocka_unit_test(values_read_as_clarity_writes_them),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(values_nest_to_a_limit),
        cmocka_unit_test(amounts_are_of_128_bits),
        cmocka_unit_test(a_transfer_is_made_byte_for_byte),
        cmocka_unit_test(a_token_transfer_is_made_byte_for_byte),
        cmocka_unit_test(published_transactions_hold),
        cmocka_unit_test(what_the_wire_does_not_take_is_not_made),
        cmocka_unit_test(a_block_says_which_transactions_it_has),
        cmocka_unit_test(a_changed_block_is_another_or_none),
    };

    crypto_start();
    return cmocka_run_group_tests_name("stacks_wire", tests, NULL, NULL);
}
