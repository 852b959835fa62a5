/* Rootstock: a published receipt proof, a testnet block with its merged mining, headers of every version,
 * nodes. */
#include "test_network_evm.h"

#include "crypto/hash.h"
#include "network/evm/merged_mining.h"
#include "network/evm/receipt.h"
#include "network/evm/unitrie.h"

/* rsksmart/rskj, Web3ImplTest.getTransactionReceipt: receipt 0 of a block with one. */
#define RECEIPT_HEAD "f9010c01825208b90100"
#define RECEIPT_TAIL "c082520801"
#define NODE "70078048ee76b19fc451dba9dbee8b3e73084f79ea540d3940b3b36b128e8024e9302500010f"
#define ROOT "f98d6a85d8c70e7d098c465900328549add3b69cc63f5e34a148338dda3669a7"

struct published { struct bytes receipt, node; struct hash root; uint8_t key; };

static struct published published(struct arena *arena)
{
    struct published all = { .node = evm_hex(arena, NODE), .key = 0x80 };
    uint8_t *receipt = arena_new(arena, 271);

    memcpy(receipt, evm_hex(arena, RECEIPT_HEAD).data, 10);
    memcpy(receipt + 266, evm_hex(arena, RECEIPT_TAIL).data, 5);
    all.receipt = bytes_of(receipt, 271);
    memcpy(all.root.bytes, evm_hex(arena, ROOT).data, 32);
    return all;
}

static void the_published_receipt_is_proved(void **state)
{
    CLEANUP(arena_close) struct arena arena;
    struct evm_receipt read;
    struct error error;

    (void)state;
    arena_init(&arena);
    struct published all = published(&arena);
    struct bytes key = bytes_of(&all.key, 1);
    assert_int_equal(unitrie_verify(&all.root, key, all.receipt, &all.node, 1, &error), OK);
    assert_int_equal(evm_receipt_decode(all.receipt, EVM_RECEIPT_ROOTSTOCK, &arena, &read, &error), OK);
    assert_true(read.succeeded && read.gas_used == 21000 && read.cumulative_gas == 21000 &&
                read.log_count == 0);

    struct bytes nodes[2] = { all.node, all.node };
    assert_int_equal(unitrie_verify(&all.root, key, all.receipt, nodes, 2, &error), ERROR_INVALID_PROOF);
    assert_int_equal(unitrie_verify(&all.root, key, all.receipt, nodes, 0, &error), ERROR_INVALID_PROOF);
    uint8_t one = 0x01;
    assert_int_equal(unitrie_verify(&all.root, bytes_of(&one, 1), all.receipt, nodes, 1, &error),
                     ERROR_INVALID_PROOF);
    assert_int_equal(unitrie_verify(&all.root, bytes_of(NULL, 0), all.receipt, nodes, 1, &error),
                     ERROR_INVALID_PROOF);
    /* Another size, under a root made for it. */
    nodes[0] = evm_changed(&arena, all.node, all.node.size - 1, 1);
    struct hash made;
    keccak_hash(&made, nodes[0].data, nodes[0].size);
    assert_int_equal(unitrie_verify(&made, key, all.receipt, nodes, 1, &error), ERROR_INVALID_PROOF);
    nodes[0] = all.node;
    for (size_t at = 0; at < all.receipt.size; at++)
        assert_int_equal(unitrie_verify(&all.root, key, evm_changed(&arena, all.receipt, at, 1), nodes, 1,
                                        &error),
                         ERROR_INVALID_PROOF);
    for (size_t at = 0; at < all.node.size; at++) {
        nodes[0] = evm_changed(&arena, all.node, at, 1);
        assert_int_equal(unitrie_verify(&all.root, key, all.receipt, nodes, 1, &error), ERROR_INVALID_PROOF);
    }
}

/* Made-up roots over bytes that are no node. */
static void bytes_that_are_no_node_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "40",                 /* nothing; neither child nor value */
        "0001", "8001", "c001",   /* other versions */
        "4201", "4101",           /* embedded children that are not there */
        "50", "5000",             /* a path that is not there */
        "50004001" "",            /* a path of one bit with others set */
        "50ff" "08" "4001",       /* the long form for a short path */
        "50ff" "fd0800" "4001",   /* not the shortest integer */
        "50fffda000" "0000000000000000000000000000000000000000000000000000000000000000000000000001",
        "48", "4811",             /* a hash that is too short */
        "4a",  "4a0240",          /* an embedded node that is too short, or none */
        "4a024041", /* its size of all below is missing */
        "4a2d" "4000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00" "00",
        "4a054a024041010000",     /* an embedded node with a child */
        "60" "00",                /* a long value that is too short */
        "60" "0000000000000000000000000000000000000000000000000000000000000000" "000020", /* of 32 bytes */
        "60" "0000000000000000000000000000000000000000000000000000000000000000" "000021" "00",
        "40" "000000000000000000000000000000000000000000000000000000000000000000", /* 33 bytes inline */
    };
    CLEANUP(arena_close) struct arena arena;
    struct unitrie_node node;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bytes raw = evm_hex(&arena, wrong[i]);
        if (unitrie_node_decode(raw, &node, &error) == OK)
            fail_msg("taken: %s", wrong[i]);
    }
    assert_int_equal(unitrie_node_decode(evm_hex(&arena, "50074001"), &node, &error), OK); /* eight bits */
    assert_true(node.path_bits == 8 && node.value_size == 1);
}

static struct unitrie_node random_node(struct arena *arena)
{
    static const size_t paths[] = { 0, 1, 8, 32, 33, 159, 160, 250, 382, 383, 4000 };
    struct unitrie_node node = { .path_bits = paths[random_below(sizeof paths / sizeof *paths)] };
    struct bytes path = evm_random_bytes(arena, (node.path_bits + 7) / 8);

    if (node.path_bits % 8 != 0)
        ((uint8_t *)(uintptr_t)path.data)[path.size - 1] &= (uint8_t)(0xff00 >> node.path_bits % 8);
    node.path = path;
    for (size_t i = 0; i < 2; i++) {
        struct unitrie_child *child = i == 0 ? &node.left : &node.right;
        child->present = random_below(2) == 1;
        child->embedded = child->present && random_below(2) == 1;
        if (child->embedded)
            child->bytes = evm_hex(arena, "4001");
        else if (child->present)
            child->bytes = evm_random_bytes(arena, 32);
    }
    if (node.left.present || node.right.present)
        node.children_size = random_u64() >> random_below(64);
    node.long_value = random_below(2) == 1;
    node.has_value = node.long_value || random_below(2) == 1 || (!node.left.present && !node.right.present);
    if (node.long_value)
        node.value_size = 33 + random_below(1u << 24) % ((1u << 24) - 33);
    else if (node.has_value)
        node.value = evm_random_bytes(arena, node.value_size = 1 + random_below(32));
    return node;
}

static void any_node_comes_back(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };
    CLEANUP(arena_close) struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 1000; i++) {
        struct unitrie_node made = random_node(&arena), read;
        struct error error;
        for (size_t k = 0; k < 10; k++) {
            if (k == 0) {
                buffer_clear(&out);
                unitrie_node_encode(&made, &out);
            } else {
                out.data[random_below(out.size)] ^= (uint8_t)(1 + random_below(255));
            }
            if (unitrie_node_decode(buffer_bytes(&out), &read, &error) != OK) {
                assert_true(k > 0);
                continue;
            }
            buffer_clear(&again);
            unitrie_node_encode(&read, &again);
            assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&again)));
        }
        arena_reset(&arena);
    }
}

/* --- a block of the testnet
 * -------------------------------------------------------------------------------- */
/* Block 64,746 (0xfcea), as rsksmart/devportal, docs/…/02-rootstock/02-methods.md (eth_getBlockByHash)
 * shows it. */
static const char block_bloom[] =
    "0000000800000080000000000000000000000000000000000000000000000800000000000004000000000000000000005000"
    "0000000000000000000000000000000000000000000000000000005000000010008000000000100000000000000000000000"
    "0002000000000000000000000000000000000000000000000000000000000000000002000000000002000000000000010400"
    "0000000000040000000000000000000010000000000000001000000000000000000000100000000000000100000100000000"
    "0000000000000000000020000000000080200000100000000000000000000000000000000000000000080000000000000000"
    "000000000000";
#define BLOCK_HASH "cca8612942582f1a890231a25245174d6947b7e2e990adf74e84c035c52b104f"
#define BITCOIN_HEADER \
    "00000020ec6f391bfb4fbad152de916fcf40868295b82d96533ce2329501000000000000fc38d5be8687dc934c89b3ae2a" \
    "6ad3e8" \
    "f77efdad192b9ceef737399fcffb1ff30c4c405df421031a441284ce"
#define COINBASE \
    "0000000000000080e53dea0fdaf87e68c8b878bb8741ae72dc2d529c9604fb603d9fade1340ad3f66088ac000000000000" \
    "000026" \
    "6a24aa21a9ed55c19836d4dbd18acc186dae6ff453d46444df4a4ee48b6850179b871755b90d00000000000000002a6a52" \
    "534b42" \
    "4c4f434b3a9b846df8ecbe1e7b98351144b1672c25f54207e3998ef7d8c8492a320000fcea00000000"
#define BRANCH \
    "2e925b7315afc6cf5a938435ad424fa9c71c61b1c668104e34dfd30107915b7d60293a2d23038560421361d1bf29901efe" \
    "8d3022" \
    "8d04f593c1cc991c4a5d373094588d9356998b9736912df45fb8c02c2c1228c415a5ed15b2e0dd9e14c501c40d6c398a3c" \
    "6d0796" \
    "b08b2d7c8e06a986e3cfc3b58b1a15073a8ef8d0ecad33d5b5d9b4d4da261ac1629892cec44816ebdc64e1d92756b554f5" \
    "25ff93" \
    "3fdfd016cab57a26339ba10486f4af5f3fdf8bf11651d5c345abb4f797c30d75252e8bf5e90e9da3aa73428dc01b7c1657" \
    "60eff6" \
    "0d0742ea243f907a7156c897a8fa29ce357a909b4933c4ea9f1744e21422550bde9e0c51064f160e7ba0b19646ca7d6d"

/* What differs between the versions of a header. */
struct extras { bool umm, mined, with_proof; unsigned version; bool edges; size_t umm_size; };

static void append_hex(struct arena *arena, struct buffer *out, const char *hex)
{
    struct bytes bytes = evm_hex(arena, hex);

    rlp_append(out, bytes.data, bytes.size);
}

static void append_extras(struct arena *arena, struct buffer *out, const struct extras *extras)
{
    static const uint8_t umm[ROOTSTOCK_UMM_SIZE] = "twenty bytes of umm.";

    if (extras->umm)
        rlp_append(out, umm, extras->umm_size);
    if (extras->version > 0)
        rlp_append_u64(out, extras->version);
    if (extras->edges)
        rlp_append(out, "\x02\x00\x05\x00", 4);
    if (extras->version == 2)
        rlp_append(out, "an event", 8);
    if (extras->mined)
        append_hex(arena, out, BITCOIN_HEADER);
    if (extras->with_proof) {
        append_hex(arena, out, BRANCH);
        append_hex(arena, out, COINBASE);
    }
}

static void block_write(struct arena *arena, struct buffer *out, const struct extras *extras)
{
    static const uint8_t zero;
    size_t list = rlp_list_begin(out);

    append_hex(arena, out, "b004f5597ac7eedb515079d33e5b805818fab26c269aa6094fbfea4d99845405");
    append_hex(arena, out, "ff84b3163df46a90bc9414e86bfb70ddb15ecb67834eb87528f8a8abbddc23e0");
    append_hex(arena, out, "1fab9a0e24ffc209b01faa5a61ad4366982d0b7f");
    append_hex(arena, out, "1e07d7d8c5e82f40ef338816c777f5f67a445f904dbcf785647dde1bc24512ea");
    append_hex(arena, out, "3db27be7411aed7534c14990298234782ad91e2b7964be25bb081fc014d49583");
    append_hex(arena, out, "11422b4b5228ed3bed9eae08bb64bbad7230e9b85ef4f74b75964d17dcdecc66");
    append_hex(arena, out, block_bloom);
    rlp_append_u64(out, 0x24aa8907);
    rlp_append_u64(out, 0xfcea);
    rlp_append_u64(out, 0x67c280);
    rlp_append_u64(out, 0);
    rlp_append_u64(out, 0x5d404bf0);
    rlp_append(out, NULL, 0);
    rlp_append_u64(out, 0);     /* paid fees */
    rlp_append(out, &zero, 1);  /* the minimum gas price of 0 is one zero byte in rskj */
    rlp_append_u64(out, 1);     /* ommers */
    append_extras(arena, out, extras);
    rlp_list_end(out, list);
}

static void the_testnet_block_has_its_hash_and_its_work(void **state)
{
    CLEANUP(buffer_close) struct buffer raw = { 0 };
    CLEANUP(arena_close) struct arena arena;
    const struct extras forms[] = { { .mined = true }, { .mined = true, .with_proof = true } };
    struct rootstock_header header;
    struct merged_mining finding;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 2; i++) { /* as the server gives it raw, and whole */
        buffer_clear(&raw);
        block_write(&arena, &raw, &forms[i]);
        assert_int_equal(rootstock_header_decode(buffer_bytes(&raw), &header, &error), OK);
        assert_hash_is(&header.hash, BLOCK_HASH);
        assert_int_equal(header.number, 64746);
        assert_int_equal(header.has_mining_proof, i == 1);
        assert_bytes_are(bytes_of(header.mining_hash.bytes, MERGED_MINING_PREFIX),
                         "9b846df8ecbe1e7b98351144b1672c25f54207e3");
    }
    assert_int_equal(merged_mining_verify(&header, header.merkle_proof, header.bitcoin_coinbase, &finding,
                                          &error), OK);
    assert_bytes_are(bytes_of(finding.fork_data, sizeof finding.fork_data), "998ef7d8c8492a320000fcea");
}

static void no_byte_of_the_merged_mining_may_change(void **state)
{
    CLEANUP(buffer_close) struct buffer raw = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct rootstock_header header;
    struct merged_mining finding;
    struct error error;

    (void)state;
    arena_init(&arena);
    block_write(&arena, &raw, &(struct extras){ .mined = true, .with_proof = true });
    assert_int_equal(rootstock_header_decode(buffer_bytes(&raw), &header, &error), OK);
    struct bytes branch = header.merkle_proof, coinbase = header.bitcoin_coinbase;
    for (size_t at = 0; at < branch.size; at++)
        assert_int_equal(merged_mining_verify(&header, evm_changed(&arena, branch, at, 1), coinbase, &finding,
                                              &error), ERROR_INVALID_PROOF);
    for (size_t at = 0; at < coinbase.size; at++)
        assert_int_equal(merged_mining_verify(&header, branch, evm_changed(&arena, coinbase, at, 1), &finding,
                                              &error), ERROR_INVALID_PROOF);
    struct bytes shorter = bytes_of(branch.data, branch.size - 32);
    assert_int_equal(merged_mining_verify(&header, shorter, coinbase, &finding, &error), ERROR_INVALID_PROOF);
    shorter.size = branch.size - 1;
    assert_int_equal(merged_mining_verify(&header, shorter, coinbase, &finding, &error), ERROR_INVALID_PROOF);
    assert_int_equal(merged_mining_verify(&header, branch, bytes_of(coinbase.data, 39), &finding, &error),
                     ERROR_INVALID_PROOF);
    struct rootstock_header other = header;
    other.bitcoin_header = evm_changed(&arena, header.bitcoin_header, 70, 1); /* too little work */
    assert_int_equal(merged_mining_verify(&other, branch, coinbase, &finding, &error), ERROR_INVALID_PROOF);
    other = header;
    memset(other.difficulty.bytes, 0xff, 32);
    assert_int_equal(merged_mining_verify(&other, branch, coinbase, &finding, &error), ERROR_INVALID_PROOF);
    other = header;
    other.mined = false;
    assert_int_equal(merged_mining_verify(&other, branch, coinbase, &finding, &error), ERROR_INVALID_PROOF);

    /* In the raw header: a changed byte makes no header, another hash, or is of the proof, which no hash
     * covers. */
    for (size_t at = 0; at < raw.size; at++) {
        struct bytes changed = evm_changed(&arena, buffer_bytes(&raw), at, 1);
        if (rootstock_header_decode(changed, &other, &error) != OK || !hash_equal(&other.hash, &header.hash))
            continue;
        assert_int_equal(merged_mining_verify(&other, other.merkle_proof, other.bitcoin_coinbase, &finding,
                                              &error),
                         ERROR_INVALID_PROOF);
    }
}

/* --- headers of later versions
 * ------------------------------------------------------------------------------ */
/* By the RSKIPs, put together here in another way: the compressed encoding is written out whole. */
static void expect_hash(struct arena *arena, const struct extras *extras, bool with_mining, struct hash *hash)
{
    CLEANUP(buffer_close) struct buffer plain = { 0 }, inner = { 0 }, extension = { 0 }, out = { 0 };
    struct extras none = { 0 };
    struct rlp_item list, items[16];
    struct hash bloom;
    size_t count;

    block_write(arena, &plain, &none);
    assert_true(rlp_decode(buffer_bytes(&plain), &list) && rlp_items(&list, items, 16, &count) &&
                count == 16);
    keccak_hash(&bloom, items[6].content.data, 256);
    size_t begin = rlp_list_begin(&inner);
    rlp_append(&inner, bloom.bytes, 32);
    if (extras->version == 2)
        rlp_append(&inner, "an event", 8);
    if (extras->edges)
        rlp_append(&inner, "\x02\x00\x05\x00", 4);
    rlp_list_end(&inner, begin);
    keccak_hash(&bloom, inner.data, inner.size);
    begin = rlp_list_begin(&extension);
    rlp_append_u64(&extension, extras->version);
    rlp_append(&extension, bloom.bytes, 32);
    rlp_list_end(&extension, begin);

    begin = rlp_list_begin(&out);
    for (size_t i = 0; i < 16; i++) {
        if (i == 6 && extras->version > 0)
            rlp_append(&out, extension.data, extension.size);
        else
            buffer_append(&out, items[i].encoding.data, items[i].encoding.size);
    }
    struct extras rest = { .umm = extras->umm, .umm_size = extras->umm_size, .mined = with_mining };
    append_extras(arena, &out, &rest);
    rlp_list_end(&out, begin);
    keccak_hash(hash, out.data, out.size);
}

static void headers_of_every_version_have_their_hashes(void **state)
{
    static const struct extras forms[] = {
        { .umm = true, .mined = true }, { .umm = true, .mined = true, .umm_size = 20 },
        { .umm = true, .mined = true, .version = 1 }, { .umm = true, .mined = true, .version = 1,
                                                        .edges = true },
        { .umm = true, .mined = true, .version = 2 }, { .umm = true, .mined = true, .version = 2,
                                                        .edges = true },
        { .umm = true, .mined = true, .version = 2, .edges = true, .umm_size = 20, .with_proof = true },
        { .umm = true, .version = 1, .edges = true },
    };
    CLEANUP(arena_close) struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        CLEANUP(buffer_close) struct buffer raw = { 0 };
        struct rootstock_header header;
        struct error error;
        struct hash expected;
        block_write(&arena, &raw, &forms[i]);
        assert_int_equal(rootstock_header_decode(buffer_bytes(&raw), &header, &error), OK);
        assert_int_equal(header.version, forms[i].version);
        assert_int_equal(header.has_edges, forms[i].edges);
        assert_int_equal(header.mined, forms[i].mined);
        expect_hash(&arena, &forms[i], forms[i].mined, &expected);
        assert_true(hash_equal(&header.hash, &expected));
        expect_hash(&arena, &forms[i], false, &expected);
        if (forms[i].umm_size == 20) {
            uint8_t pair[40];
            memcpy(pair, expected.bytes, 20);
            memcpy(pair + 20, "twenty bytes of umm.", 20);
            keccak_hash(&expected, pair, sizeof pair);
        }
        assert_true(hash_equal(&header.mining_hash, &expected));
    }
}

static void headers_that_are_none_are_refused(void **state)
{
    static const struct extras forms[] = {
        { .umm = true, .mined = true, .umm_size = 19 },
        { .umm = true, .mined = true, .version = 3 },
        { .umm = true, .mined = true, .edges = true }, /* no version before the edges */
        { .mined = true, .version = 1 },               /* no umm root before the version */
    };
    CLEANUP(buffer_close) struct buffer raw = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct rootstock_header header;
    struct error error;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        buffer_clear(&raw);
        block_write(&arena, &raw, &forms[i]);
        assert_int_equal(rootstock_header_decode(buffer_bytes(&raw), &header, &error), ERROR_EVM_ENCODING);
    }
    assert_int_equal(rootstock_header_decode(bytes_of(raw.data, raw.size - 1), &header, &error),
                     ERROR_EVM_ENCODING);
    assert_int_equal(rootstock_header_decode(evm_hex(&arena, "c0"), &header, &error), ERROR_EVM_ENCODING);
}

/* --- merged mining, block by block
 * ---------------------------------------------------------------------------- */
/* A coinbase without a state before it: all of it is tail. The difficulty is the least, the work that of a
 * moment. */
struct mined {
    struct rootstock_header header;
    uint8_t bitcoin[BITCOIN_HEADER_SIZE];
    struct buffer coinbase;
    struct hash branch[2];
};

static void mine(struct mined *mined, const char *before, const char *after, size_t tags)
{
    /* FIPS 180-4, §5.3.3 */
    static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    uint8_t state[MERGED_MINING_MIDSTATE] = { 0 }, pair[64];
    struct hash node;

    for (size_t i = 0; i < 8; i++)
        put_be32(state + 8 + 4 * i, first[i]);
    buffer_clear(&mined->coinbase);
    buffer_append(&mined->coinbase, state, sizeof state);
    buffer_append_text(&mined->coinbase, before);
    for (size_t i = 0; i < tags; i++) {
        buffer_append_text(&mined->coinbase, MERGED_MINING_TAG);
        buffer_append(&mined->coinbase, mined->header.mining_hash.bytes, 32);
    }
    buffer_append_text(&mined->coinbase, after);
    struct bytes tail = bytes_of(mined->coinbase.data + sizeof state, mined->coinbase.size - sizeof state);
    sha256(&node, tail.data, tail.size);
    sha256(&node, node.bytes, 32);
    for (size_t i = 0; i < 2; i++) {
        memcpy(pair, node.bytes, 32);
        for (size_t k = 0; k < 32; k++)
            pair[32 + k] = mined->branch[i].bytes[31 - k];
        sha256(&node, pair, sizeof pair);
        sha256(&node, node.bytes, 32);
    }
    memcpy(mined->bitcoin + 36, node.bytes, 32);
    do { /* a third of all hashes will do */
        mined->bitcoin[76]++;
        sha256(&node, mined->bitcoin, sizeof mined->bitcoin);
        sha256(&node, node.bytes, 32);
    } while (node.bytes[31] >= 0x55);
    mined->header.mined = true;
    mined->header.bitcoin_header = bytes_of(mined->bitcoin, sizeof mined->bitcoin);
}

static enum status judge(const struct mined *mined)
{
    struct merged_mining finding;
    struct error error;

    return merged_mining_verify(&mined->header, bytes_of(mined->branch, sizeof mined->branch),
                                buffer_bytes(&mined->coinbase), &finding, &error);
}

static void the_rules_about_the_commitment_hold(void **state)
{
    static const char filler[] =
        "................................................................................................"
        "................................................................................................";
    struct mined mined = { .header.difficulty = u256_of(1) };
    char before[80], after[200];

    (void)state;
    memset(mined.branch, 7, sizeof mined.branch);
    memset(mined.header.mining_hash.bytes, 0x5a, 32);
    mine(&mined, "coinbase, more than 64 bytes", "", 1);
    assert_int_equal(judge(&mined), OK);
    mined.header.mining_hash.bytes[0] ^= 1; /* another block */
    assert_int_equal(judge(&mined), ERROR_INVALID_PROOF);
    mined.header.mining_hash.bytes[0] ^= 1;
    mine(&mined, filler, "", 0); /* no tag */
    assert_int_equal(judge(&mined), ERROR_INVALID_PROOF);
    mine(&mined, "coinbase", "RSKBLOCK:", 1); /* a tag after the tag */
    assert_int_equal(judge(&mined), ERROR_INVALID_PROOF);
    mine(&mined, "", "", 1); /* 41 bytes: no coinbase is that short */
    assert_int_equal(judge(&mined), ERROR_INVALID_PROOF);
    for (size_t size = 62; size <= 66; size++) { /* the tag begins in the first 64 bytes */
        snprintf(before, sizeof before, "%.*s", (int)size, filler);
        mine(&mined, before, "", 1);
        assert_int_equal(judge(&mined), size < 64 ? OK : ERROR_INVALID_PROOF);
    }
    for (size_t size = 127; size <= 130; size++) { /* at most 128 bytes after it */
        snprintf(after, sizeof after, "%.*s", (int)size, filler);
        mine(&mined, "coinbase", after, 1);
        assert_int_equal(judge(&mined), size <= 128 ? OK : ERROR_INVALID_PROOF);
    }
    mine(&mined, "coinbase, more than 64 bytes", "", 1);
    mined.header.difficulty = u256_of(3); /* the least counts for less */
    assert_int_equal(judge(&mined), OK);
    mined.header.difficulty = u256_of(UINT64_MAX);
    assert_int_equal(judge(&mined), ERROR_INVALID_PROOF);
    buffer_close(&mined.coinbase);
}

int evm_rootstock_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_receipt_is_proved),
        cmocka_unit_test(bytes_that_are_no_node_are_refused),
        cmocka_unit_test(any_node_comes_back),
        cmocka_unit_test(the_testnet_block_has_its_hash_and_its_work),
        cmocka_unit_test(no_byte_of_the_merged_mining_may_change),
        cmocka_unit_test(headers_of_every_version_have_their_hashes),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(the_rules_about_the_commitment_hold),
    };

    return cmocka_run_group_tests_name("evm Rootstock", tests, NULL, NULL);
}
