/* Liquid's wire format: sizes, transactions, asset ids, headers with their signatures, proofs of
 * transactions. */
#include <string.h>

#include <secp256k1.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "crypto/vectors.h"
#include "network/liquid/merkle_block.h"
#include "network/liquid/transaction.h"

static void put_hex(struct buffer *out, const char *hex)
{
    size_t size = strlen(hex) / 2;

    assert_true(hex_decode(buffer_reserve(out, size), size, hex, strlen(hex)));
    out->size += size;
}

static void put_size(struct buffer *out, size_t size)
{
    uint8_t byte = (uint8_t)size;

    assert_true(size < 0xfd);
    buffer_append(out, &byte, 1);
}

static void assert_shown(const struct hash *hash, const char *text)
{
    char shown[65];

    hash_shown(hash, shown);
    assert_string_equal(shown, text);
}

/* --- sizes -------------------------------------------------------------------------------------- */
static void sizes_have_one_form(void **state)
{
    static const struct { const char *hex; uint64_t value; bool good; } forms[] = {
        { "00", 0, true }, { "fc", 252, true }, { "fdfd00", 253, true }, { "fdffff", 65535, true },
        { "fe00000100", 65536, true }, { "ff0000000001000000", 4294967296, true },
        { "fdfc00", 0, false }, { "feffff0000", 0, false }, { "ffffffffff00000000", 0, false },
        { "fd", 0, false }, { "fdfd", 0, false }, { "", 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct cursor cursor = { .failed = false };
        struct buffer bytes;

        buffer_init(&bytes);
        put_hex(&bytes, forms[i].hex);
        cursor.rest = buffer_bytes(&bytes);
        assert_int_equal(cursor_count(&cursor, UINT64_MAX), forms[i].value);
        assert_int_equal(cursor_at_end(&cursor), forms[i].good);
        buffer_close(&bytes);
    }
}

/* --- assets ------------------------------------------------------------------------------------- */
/* Figures of rust-elements' src/issuance.rs, from Elements Core 0.17 and 0.21. */
static void ids_of_assets_are_elements(void **state)
{
    static const struct {
        const char *spent;
        uint32_t output;
        const char *contract, *entropy, *asset, *token;
        bool blinded;
    } issues[] = {
        { "05a047c98e82a848dee94efcf32462b065198bebf2404d201ba2e06db30b28f4", 0,
          "0000000000000000000000000000000000000000000000000000000000000000",
          "746f447f691323502cad2ef646f932613d37a83aeaa2133185b316648df4b70a",
          "dcd60818d863b5c026c40b2bc3ba6fdaf5018bcc8606c18adf7db4da0bcd8533",
          "c1adb114f4f87d33bf9ce90dd4f9ca523dd414d6cd010a7917903e2009689530", false },
        { "c76664aa4be760056dcc39b59637eeea8f3c3c3b2aeefb9f23a7b99945a2931e", 1,
          "0000000000000000000000000000000000000000000000000000000000000000",
          "bc67a13736341d8ad19e558433483a38cae48a44a5a8b5598ca0b01b5f9f9f41",
          "2ec6c1a06e895b06fffb8dc36084255f890467fb906565b0c048d4c807b4a129",
          "d09d205ff7c626ca98c91fed24787ff747fec62194ed1b7e6ef6cc775a1a1fdc", true },
        { "ee45365ddb62e8822182fbdd132fb156b4991e0b7411cff4aab576fd964f2edb", 0,
          "e06e6d4933e76afd7b9cc6a013e0855aa60bbe6d2fca1c27ec6951ff5f1a20c9",
          "1922da340705eef526640b49d28b08928630d1ad52db0f945f3c389267e292c9",
          "8eebf6109bca0331fe559f0cbd1ef846a2bbb6812f3ae3d8b0b610170cc21a4e",
          "eb02cbc591c9ede071625c129f0a1fab386202cb27a894a45be0d564e961d6bc", false },
        { "8903ee739b52859877fbfedc58194c2d59d0f5a4ea3c2774dc3cba3031cec757", 0,
          "0000000000000000000000000000000000000000000000000000000000000000",
          "b9789de8589dc1b664e4f2bda4d04af9d4d2180394a8c47b1f889acfb5e0acc4",
          "bdab916e8cda17781bcdb84505452e44d0ab2f080e9e5dd7765ffd5ce0c07cd9",
          "f144868169dfc7afc024c4d8f55607ac8dfe925e67688650a9cdc54c3cfa5b1c", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(issues) / sizeof(issues[0]); i++) {
        struct liquid_outpoint spent = { .output = issues[i].output };
        struct hash contract, entropy, id;

        assert_true(hash_read_shown(issues[i].spent, &spent.transaction));
        assert_true(hash_read_shown(issues[i].contract, &contract));
        liquid_entropy(&spent, &contract, &entropy);
        assert_shown(&entropy, issues[i].entropy);
        liquid_asset(&entropy, &id);
        assert_shown(&id, issues[i].asset);
        liquid_token(&entropy, issues[i].blinded, &id);
        assert_shown(&id, issues[i].token);
    }
}

/* --- a block ------------------------------------------------------------------------------------ */
/* Of rust-elements' src/block.rs: a block with a coinbase alone, its challenge OP_TRUE. */
#define HEADER                                                                                               \
    "00000020a66e4a4baff69735267346d12e59e8a0da848b593813554deb16a6f36cd035e9aab0e2451724598471dd4e45f0dca4" \
    "0ca5f4ac62e61957e50925af0859891fcc8842805b020000000151"
#define COINBASE                                                                                             \
    "0200000001010000000000000000000000000000000000000000000000000000000000000000ffffffff03520101ffffffff"   \
    "0201230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b201000000000000000000016a01230f4f"   \
    "5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b201000000000000000000266a24aa21a9ed94f15ed3"   \
    "a62165e4a0b99699cc28b48e19cb5bc1b1f47155db62d63f1e047d4500000000000001200000000000000000000000000000"   \
    "0000000000000000000000000000000000000000000000"

static void a_block_reads_as_elements_has_it(void **state)
{
    struct cursor in = { .failed = false };
    struct liquid_transaction transaction;
    struct liquid_header header;
    struct buffer bytes, coinbase;
    size_t signers, keys;

    (void)state;
    buffer_init(&bytes);
    buffer_init(&coinbase);
    put_hex(&bytes, HEADER "00");
    in.rest = buffer_bytes(&bytes);
    assert_true(liquid_header_read(&in, true, &header));
    assert_true(cursor_at_end(&in));
    assert_shown(&header.hash, "287ca47e8da47eb8c28d870663450bb026922eadb30a1b2f8293e6e9d1ca5322");
    assert_int_equal(header.version, 0x20000000);
    assert_int_equal(header.height, 2);
    assert_false(header.dynamic);
    assert_int_equal(liquid_header_signatures(&header, &signers, &keys), SIGNATURES_OPEN);
    put_hex(&coinbase, COINBASE);
    assert_true(liquid_transaction_read(buffer_bytes(&coinbase), &transaction));
    assert_true(hash_equal(&transaction.id, &header.transactions_root)); /* the one leaf is the root */
    assert_false(transaction.issue.there);
    for (size_t size = 0; size < coinbase.size; size++)
        assert_false(liquid_transaction_read(bytes_of(coinbase.data, size), &transaction));
    buffer_close(&bytes);
    buffer_close(&coinbase);
}

/* --- signatures --------------------------------------------------------------------------------- */
#define SIGNERS 3
#define NEEDED 2
#define NO_KIND (-1) /* behind a signature; a witness has one there */

struct federation {
    struct secret_key *secrets[SIGNERS];
    struct public_key keys[SIGNERS];
    struct buffer script;
};

static void federation_open(struct federation *f)
{
    static const uint8_t head = 0x50 + NEEDED, tail[] = { 0x50 + SIGNERS, 0xae };

    buffer_init(&f->script);
    buffer_append(&f->script, &head, 1);
    for (size_t i = 0; i < SIGNERS; i++) {
        f->secrets[i] = secret_new(sizeof(*f->secrets[i]));
        secret_key_generate(f->secrets[i]);
        assert_true(secret_key_public(f->secrets[i], &f->keys[i]));
        put_size(&f->script, 33);
        buffer_append(&f->script, f->keys[i].bytes, 33);
    }
    buffer_append(&f->script, tail, sizeof(tail));
}

static void federation_close(struct federation *f)
{
    for (size_t i = 0; i < SIGNERS; i++)
        secret_free(f->secrets[i]);
    buffer_close(&f->script);
}

static void put_signature(struct buffer *out, const struct federation *f, size_t signer,
                          const struct hash *hash, int kind)
{
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_signature parsed;
    struct signature signature;
    uint8_t der[80];
    size_t size = sizeof(der);
    int id;

    assert_true(ecdsa_sign_recoverable(f->secrets[signer], hash, &signature, &id));
    assert_int_equal(secp256k1_ecdsa_signature_parse_compact(context, &parsed, signature.bytes), 1);
    assert_int_equal(secp256k1_ecdsa_signature_serialize_der(context, der, &size, &parsed), 1);
    if (kind != NO_KIND)
        der[size++] = (uint8_t)kind;
    put_size(out, size);
    buffer_append(out, der, size);
    secp256k1_context_destroy(context);
}

/* A dynamic header whose parameters name the federation; its witness is not there yet. */
static void put_dynamic(struct buffer *out, const struct federation *f)
{
    struct hash program;

    sha256(&program, f->script.data, f->script.size);
    put_hex(out, "000000a0");
    put_hex(out, "1111111111111111111111111111111111111111111111111111111111111111");
    put_hex(out, "2222222222222222222222222222222222222222222222222222222222222222");
    put_hex(out, "0000005f" "05000000" "01" "22" "0020");
    buffer_append(out, program.bytes, 32);
    put_hex(out, "2a000000");
    put_hex(out, "3333333333333333333333333333333333333333333333333333333333333333" "00");
}

static enum liquid_signatures judge_dynamic(const struct federation *f, const size_t *signers, size_t count,
                                            const struct hash *message, int kind)
{
    struct cursor in = { .failed = false };
    struct liquid_header header;
    struct buffer bytes;
    struct hash hash;
    size_t needed, keys;
    enum liquid_signatures verdict;

    buffer_init(&bytes);
    put_dynamic(&bytes, f);
    double_sha256(&hash, bytes.data, bytes.size);
    put_size(&bytes, count + 2);
    put_size(&bytes, 0);
    for (size_t i = 0; i < count; i++)
        put_signature(&bytes, f, signers[i], message == NULL ? &hash : message, kind);
    put_size(&bytes, f->script.size);
    buffer_append(&bytes, f->script.data, f->script.size);
    in.rest = buffer_bytes(&bytes);
    assert_true(liquid_header_read(&in, true, &header));
    assert_true(cursor_at_end(&in));
    assert_true(hash_equal(&header.hash, &hash));
    assert_int_equal(header.height, 5);
    assert_true(header.dynamic);
    verdict = liquid_header_signatures(&header, &needed, &keys);
    assert_int_equal(needed, NEEDED);
    assert_int_equal(keys, SIGNERS);
    buffer_close(&bytes);
    return verdict;
}

static void a_federation_signs_dynamic_headers(void **state)
{
    static const size_t good[][2] = { { 0, 1 }, { 0, 2 }, { 1, 2 } };
    static const size_t wrong[][2] = { { 1, 0 }, { 2, 0 }, { 2, 1 }, { 0, 0 }, { 1, 1 }, { 2, 2 } };
    static const size_t all[] = { 0, 1, 2 };
    static const int no_kinds[] = { NO_KIND, 0, 4, 0x80 };
    const struct hash other = { .bytes = { 1 } };
    struct federation f;

    (void)state;
    federation_open(&f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(judge_dynamic(&f, good[i], 2, NULL, 1), SIGNATURES_GOOD);
        assert_int_equal(judge_dynamic(&f, good[i], 2, &other, 1), SIGNATURES_WRONG);
    }
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(judge_dynamic(&f, wrong[i], 2, NULL, 1), SIGNATURES_WRONG);
    assert_int_equal(judge_dynamic(&f, good[0], 2, NULL, 0x83), SIGNATURES_GOOD);
    for (size_t i = 0; i < sizeof(no_kinds) / sizeof(no_kinds[0]); i++)
        assert_int_equal(judge_dynamic(&f, good[0], 2, NULL, no_kinds[i]), SIGNATURES_WRONG);
    assert_int_equal(judge_dynamic(&f, all, 1, NULL, 1), SIGNATURES_WRONG);
    assert_int_equal(judge_dynamic(&f, all, 3, NULL, 1), SIGNATURES_WRONG);
    federation_close(&f);
}

static void a_federation_signs_in_a_script(void **state)
{
    static const size_t good[] = { 0, 2 }, few[] = { 1 }, turned[] = { 2, 0 };
    static const struct { const size_t *signers; size_t count; enum liquid_signatures verdict; } cases[] = {
        { good, 2, SIGNATURES_GOOD }, { few, 1, SIGNATURES_WRONG }, { turned, 2, SIGNATURES_WRONG },
    };
    struct federation f;

    (void)state;
    federation_open(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cursor in = { .failed = false };
        struct liquid_header header;
        struct buffer bytes, solution;
        struct hash hash;
        size_t needed, keys;

        buffer_init(&bytes);
        buffer_init(&solution);
        put_hex(&bytes, HEADER);
        bytes.size -= 2;
        put_size(&bytes, f.script.size);
        buffer_append(&bytes, f.script.data, f.script.size);
        double_sha256(&hash, bytes.data, bytes.size);
        put_size(&solution, 0);
        for (size_t j = 0; j < cases[i].count; j++)
            put_signature(&solution, &f, cases[i].signers[j], &hash, NO_KIND);
        put_size(&bytes, solution.size);
        buffer_append(&bytes, solution.data, solution.size);
        in.rest = buffer_bytes(&bytes);
        assert_true(liquid_header_read(&in, true, &header));
        assert_true(cursor_at_end(&in));
        assert_int_equal(liquid_header_signatures(&header, &needed, &keys), cases[i].verdict);
        buffer_close(&bytes);
        buffer_close(&solution);
    }
    federation_close(&f);
}

/* --- what federations signed --------------------------------------------------------------------- */
/* Of rust-elements' src/block.rs (tests `block` and `dynafed_block`): blocks that Liquid's functionaries
 * signed in their
 * integration tests, and their hashes. Before dynamic federations, with compact parameters, with full ones
 * and others
 * proposed. */
#define STATIC_SIGNED                                                                                        \
    "0000002069de100c1bae40e1cf8819bd18282e4ca370f62123c8ea2c60836984ba052270ee0cb6e5458591ac157ad414a111"   \
    "db4d34cedffc22e096291f7b4b3c8de3f69f8d53815b03000000695221031c25c60ef342990d9bf75425c1dc2392b5e20626"   \
    "8d9d35044b731735db230c38210319c5a32a8ae698aaf1246784f54231d8d20f81b91c31353214538b827d718c8d210399d5"   \
    "5e0a7fb30281da074dfbbb2654cacc2d03289ba79feae702ad6dbb542aab53ae9000463044022029bbe179c2f0d8e6d15768"   \
    "69cea19ef439d0e52373f7efab77cd6ccb551b29f6022042baa3c17fccfb265ee878059b6cb85d40b976a30495c6ca14b7ff"   \
    "e6d1d87572473045022100da88bb6fa1ecf3060ad7c8347eaa1a7ef8c9ae27a8b0136cff909994ca409f9e022068ddf3090b"   \
    "de1e04deda04f762eb35858d7dfc17e156bfc1c8131ca07a349dda"
#define COMPACT_SIGNED                                                                                       \
    "000000a0da9d569617d1d65c3390a01c18c4fa7c4d0f4738b6fc2b5c5faf2e8a463abbaa46eb9123808e1e2ff75e9472fa0f"   \
    "0589b53b7518a69d3d6fcb9228ed345734ea06b9c45d070000000122002057c555a91edf9552282d88624d1473c275e64b72"   \
    "18870eb8fb0335b442976b8d02010000fbee9cea00d8efdc49cfbec328537e0d7032194de6ebf3cf42e5c05bb89a08b10004"   \
    "0047304402206f55bc871387a9840489d47624b02995e774e3b70fed56d1eb43a9a53d4fd3e102201e1cbfbbd1079f5bea3b"   \
    "c216882d3fefbf6f27aa761820d3a88f12e5a5ea7ff001483045022100c072816f6561e73ee6c0ae32d55c3eec4da73b0354"   \
    "25e4eb05ab50772591b4360220311bf295010094a489d9b280d9dafb724d776a1d99b9ede31c4b59bc2095c5c30169522103"   \
    "cadff18e928133df2e670a3715c4e7a81d357de36ddaa5016628e70a3e6a452f21021f0d8638c413ef7769cd711ce84c8f19"   \
    "2f5a85f0fd6d8e63ddb4d2cf6740b23b210296db75c11ea3a292a372f6c94f5013eaeb379f701857a702f3b83f88da21be6f"   \
    "53ae"
#define FULL_SIGNED                                                                                          \
    "000000a01ecf88cda4d9e6339109c685417c526e8316fe0d3ea058765634dcbb205d3081bd83073b1f1793154ab820c70a1f"   \
    "da32a0d45bb0e1f40c0c61ae03507f49c293debcc45d1400000002220020a6794de47a1612cc94c1b978d5bd1b25873f4cab"   \
    "0b1a76260b0b8af9ad954dc74b0100002200204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc332"   \
    "60015100022200204cb40d59d6e1bbe963f3a63021b0d7d5474b87206978a1129fbffc4d1c1cf7e44b0100002200204ae815"   \
    "72f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc332600151000500483045022100ab2203a8a68d7eca8a3a"   \
    "0fac91e7c7802656d937535800da82f7102e1c06f7b80220576f004cb14b95178c71e36bf947bfea496b00b66c18d2eb8feb"   \
    "f46362d50e2b0147304402202d4630887d661a50b76b7b32555fd76906ad298ce24483df42310ffbf62d451802200e0d6406"   \
    "9e58047c271c1b4051c1ff3d1cba7d32e56abb0d8b8bc30e1bed075b01483045022100c6b196967c661c4543802a895ae731"   \
    "af44862e75d9e3c65b8efdd668727a34af022041ff4d67029052eb6305d25d0fc4813d21a939ff5316a12562d0c9038976f8"   \
    "e1016953210296db75c11ea3a292a372f6c94f5013eaeb379f701857a702f3b83f88da21be6f21021f0d8638c413ef7769cd"   \
    "711ce84c8f192f5a85f0fd6d8e63ddb4d2cf6740b23b2103cadff18e928133df2e670a3715c4e7a81d357de36ddaa5016628"   \
    "e70a3e6a452f53ae"

static void federations_signed_as_published(void **state)
{
    static const struct {
        const char *hex, *hash;
        bool dynamic;
        enum liquid_parameters current;
        size_t signers;
        uint32_t height;
    } published[] = {
        { STATIC_SIGNED, "bcc6eb2ab6c97b9b4590825b9136f100b22e090c0469818572b8b93926a79f28", false,
         PARAMETERS_NONE,
          2, 3 },
        { COMPACT_SIGNED, "4961df970cf12d789383974e6ab439f780d956b5a50162ca9d281362e46c605a", true,
          PARAMETERS_COMPACT, 2, 7 },
        { FULL_SIGNED, "e9a5176b1690a448f76fb691ab4d516e60e13a6e7a49454c62dbf0d611ffcce7", true,
         PARAMETERS_FULL,
          3, 20 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        struct liquid_header header;
        struct buffer bytes;
        size_t signers, keys;

        buffer_init(&bytes);
        put_hex(&bytes, published[i].hex);
        assert_true(liquid_header_of(buffer_bytes(&bytes), &header));
        assert_shown(&header.hash, published[i].hash);
        assert_int_equal(header.dynamic, published[i].dynamic);
        assert_int_equal(header.current, published[i].current);
        assert_int_equal(header.version, 0x20000000);
        assert_int_equal(header.height, published[i].height);
        assert_int_equal(liquid_header_signatures(&header, &signers, &keys), SIGNATURES_GOOD);
        assert_int_equal(signers, published[i].signers);
        assert_int_equal(keys, 3);
        bytes.data[70] ^= 1; /* the time */
        assert_true(liquid_header_of(buffer_bytes(&bytes), &header));
        assert_int_equal(liquid_header_signatures(&header, &signers, &keys), SIGNATURES_WRONG);
        buffer_close(&bytes);
    }
}

/* --- a block with confidential amounts ------------------------------------------------------------ */
/* Of the same place (test `block`): its header, and its three transactions without their witnesses. Its
 * tree's root
 * shows that their ids are right; the proof of the second is what gettxoutproof gives for it. */
#define THREE_HEADER                                                                                         \
    "000000207e3dba98460e4136659f0fccf3e59338dfe53ed5f094fb0bb94d771c48341854d875900105c87e5dd46c740cb112"   \
    "9c06f8f4007e868f61b25e37cffa946c718d8742805b01000000015100"
#define THREE_1                                                                                              \
    "0200000000010000000000000000000000000000000000000000000000000000000000000000ffffffff03510101ffffffff"   \
    "0201230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b2010000000000009b64001976a914608c"   \
    "0ea8194a8ceb57f0196f44a6b48a54fc065988ac01230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d"   \
    "5de1b201000000000000000000266a24aa21a9ed8f8a98e5623643b24167266c2648ead4a50d18b0491c6f34e11398aaee0c"   \
    "a6e800000000"
#define THREE_2                                                                                              \
    "020000000001eb04b68e9a26d116046c76e8ff47332fb71dda90ff4bef5370f25226d3bc09fc0000000000feffffff020123"   \
    "0f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b20100000002540bd71c001976a91448633e2c0e"   \
    "e9495dd3f9c43732c47f4702a362c888ac01230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b2"   \
    "010000000000000ce4000000000000"
#define THREE_3                                                                                              \
    "020000000001f23ceddac67cfbbc997199daa651384d0746fb2a5482b8c8629ba8df4b788f75000000006b483045022100e0"   \
    "feb3e2f292000d67e24b821d87c9532230dac1de428d6a0068c9f416583abf02200e76f072788dd411b2327267cd91c6b165"   \
    "9809598cd4fae35be475efe1e4bbad01210201e15c23c021652d07c1557b607ea0379fca0462aca840d6c33c4d4927524547"   \
    "feffffff030b60424a423335923c15ae387d95d4f80d944722020bfa55b9f0a0e67579e3c13c081c4f215239c77456d121eb"   \
    "73bd9914a9a6398fe369b4eb8f88a5f78e257fcaa303301ee46349950886ae115c9556607fcda9381c2f72368f4b5286488c"   \
    "62aa0b081976a9148bb6c4d5814d43fefb9e330575e326632136389c88ac0bd436b0539f5497af792d7cb281f09b73d8a5ab"   \
    "c198b3ce6239d79e68893e5e5d0923899fd35071ba8a209d85b556d5747b6c35539c3b2f8631a27c0d477a1f45a603d1d350"   \
    "b8cbf900f7666da66541bf6252fc4c162141ad49c670884c93c57db6ba1976a9148c7ab6e0fca387d03643d4846f708bf39d"   \
    "47c1e988ac01230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b2010000000000008e80000000"   \
    "000000"

static void confidential_transactions_have_the_ids_of_their_block(void **state)
{
    static const char *const hex[] = { THREE_1, THREE_2, THREE_3 };
    static const uint64_t fees[] = { 0, 0xce4, 0x8e80 };
    struct liquid_transaction read;
    struct liquid_header header;
    struct buffer bytes, proof;
    struct hash ids[3], last;
    uint8_t both[64];
    uint32_t position;

    (void)state;
    buffer_init(&proof);
    put_hex(&proof, THREE_HEADER "03000000" "03");
    for (size_t i = 0; i < 3; i++) {
        buffer_init(&bytes);
        put_hex(&bytes, hex[i]);
        assert_true(liquid_transaction_read(buffer_bytes(&bytes), &read));
        assert_int_equal(read.fee, fees[i]);
        ids[i] = read.id;
        buffer_close(&bytes);
    }
    memcpy(both, ids[2].bytes, 32);
    memcpy(both + 32, ids[2].bytes, 32);
    double_sha256(&last, both, sizeof(both));
    buffer_append(&proof, ids[0].bytes, 32);
    buffer_append(&proof, ids[1].bytes, 32);
    buffer_append(&proof, last.bytes, 32);
    put_hex(&proof, "01" "0b"); /* down, down, not the first, the second, not the right */
    assert_int_equal(liquid_proof_check(buffer_bytes(&proof), &ids[1], &header, &position),
                     LIQUID_PROOF_GOOD);
    assert_int_equal(position, 1);
    assert_shown(&header.hash, "e935d06cf3a616eb4d551338598b84daa0e8592ed14673263597f6af4b4a6ea6");
    assert_int_equal(liquid_proof_check(buffer_bytes(&proof), &ids[0], &header, &position),
                     LIQUID_PROOF_ABSENT);
    proof.data[proof.size - 20] ^= 1;
    assert_int_equal(liquid_proof_check(buffer_bytes(&proof), &ids[1], &header, &position),
                     LIQUID_PROOF_WRONG_ROOT);
    buffer_close(&proof);
}

/* --- proofs of transactions --------------------------------------------------------------------- */
#define TRANSACTIONS_MAX 12

/* The tree by the plain rule, level by level; returns the node at a height and position. */
static void plain_node(const struct hash *leaves, uint32_t count, unsigned height, uint32_t position,
                       struct hash *out)
{
    struct hash pair[2];
    uint32_t below = (count + (1u << (height == 0 ? 0 : height - 1)) - 1) >> (height == 0 ? 0 : height - 1);

    if (height == 0) {
        *out = leaves[position];
        return;
    }
    plain_node(leaves, count, height - 1, 2 * position, &pair[0]);
    pair[1] = pair[0];
    if (2 * position + 1 < below)
        plain_node(leaves, count, height - 1, 2 * position + 1, &pair[1]);
    double_sha256(out, pair, sizeof(pair));
}

struct made_proof { struct buffer hashes; uint8_t bits[16]; size_t hash_count, bit_count; };

static void descend(struct made_proof *p, const struct hash *leaves, uint32_t count, unsigned height,
                    uint32_t position, uint32_t wanted)
{
    bool above = wanted >> height == position;
    struct hash hash;

    if (above)
        p->bits[p->bit_count / 8] |= (uint8_t)(1 << (p->bit_count % 8));
    p->bit_count++;
    if (height == 0 || !above) {
        plain_node(leaves, count, height, position, &hash);
        buffer_append(&p->hashes, hash.bytes, 32);
        p->hash_count++;
        return;
    }
    descend(p, leaves, count, height - 1, 2 * position, wanted);
    if (2 * position + 1 < (count + (1u << (height - 1)) - 1) >> (height - 1))
        descend(p, leaves, count, height - 1, 2 * position + 1, wanted);
}

static void make_proof(struct buffer *out, const struct hash *leaves, uint32_t count, uint32_t wanted)
{
    struct made_proof p = { .hash_count = 0 };
    unsigned height = 0;
    uint8_t number[4] = { (uint8_t)count };
    struct hash root;

    while ((1u << height) < count)
        height++;
    buffer_init(&p.hashes);
    plain_node(leaves, count, height, 0, &root);
    descend(&p, leaves, count, height, 0, wanted);
    put_hex(out, HEADER "00");
    memcpy(out->data + 36, root.bytes, 32);
    buffer_append(out, number, 4);
    put_size(out, p.hash_count);
    buffer_append(out, p.hashes.data, p.hashes.size);
    put_size(out, (p.bit_count + 7) / 8);
    buffer_append(out, p.bits, (p.bit_count + 7) / 8);
    buffer_close(&p.hashes);
}

static void a_proof_shows_its_transaction_and_no_other(void **state)
{
    struct hash leaves[TRANSACTIONS_MAX];
    struct liquid_header header;
    uint32_t position;

    (void)state;
    for (size_t i = 0; i < TRANSACTIONS_MAX; i++)
        memset(leaves[i].bytes, (int)i + 1, 32);
    for (uint32_t count = 1; count <= TRANSACTIONS_MAX; count++) {
        for (uint32_t wanted = 0; wanted < count; wanted++) {
            struct buffer proof;

            buffer_init(&proof);
            make_proof(&proof, leaves, count, wanted);
            assert_int_equal(liquid_proof_check(buffer_bytes(&proof), &leaves[wanted], &header, &position),
                             LIQUID_PROOF_GOOD);
            assert_int_equal(position, wanted);
            for (uint32_t other = 0; other < TRANSACTIONS_MAX; other++) {
                if (other != wanted)
                    assert_int_not_equal(
                        liquid_proof_check(buffer_bytes(&proof), &leaves[other], &header, &position),
                        LIQUID_PROOF_GOOD);
            }
            buffer_close(&proof);
        }
    }
}

static void a_changed_proof_is_refused_or_of_another_block(void **state)
{
    struct hash leaves[TRANSACTIONS_MAX], hash;
    struct liquid_header header;
    struct buffer proof;
    uint32_t position;

    (void)state;
    for (size_t i = 0; i < TRANSACTIONS_MAX; i++)
        memset(leaves[i].bytes, (int)i + 1, 32);
    buffer_init(&proof);
    make_proof(&proof, leaves, 7, 6);
    assert_int_equal(liquid_proof_check(buffer_bytes(&proof), &leaves[6], &header, &position),
                     LIQUID_PROOF_GOOD);
    hash = header.hash;
    for (size_t at = 0; at < proof.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            proof.data[at] ^= (uint8_t)(1 << bit);
            if (liquid_proof_check(buffer_bytes(&proof), &leaves[6], &header, &position) == LIQUID_PROOF_GOOD)
                assert_false(hash_equal(&hash, &header.hash));
            proof.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t size = 0; size < proof.size; size++)
        assert_int_equal(liquid_proof_check(bytes_of(proof.data, size), &leaves[6], &header, &position),
                         LIQUID_PROOF_MALFORMED);
    buffer_close(&proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_one_form),
        cmocka_unit_test(ids_of_assets_are_elements),
        cmocka_unit_test(a_block_reads_as_elements_has_it),
        cmocka_unit_test(a_federation_signs_dynamic_headers),
        cmocka_unit_test(a_federation_signs_in_a_script),
        cmocka_unit_test(federations_signed_as_published),
        cmocka_unit_test(confidential_transactions_have_the_ids_of_their_block),
        cmocka_unit_test(a_proof_shows_its_transaction_and_no_other),
        cmocka_unit_test(a_changed_proof_is_refused_or_of_another_block),
    };

    crypto_start();
    return cmocka_run_group_tests_name("liquid_wire", tests, NULL, NULL);
}
