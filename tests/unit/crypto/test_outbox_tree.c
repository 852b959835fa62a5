/* The outbox tree: the published vectors under their own hash, and random histories against the tree computed
 * whole, level by level. Keccak-256 is here for the vectors alone: no library of ours has it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/outbox_tree.h"
#include "vectors.h"

#define LEAVES_MAX 300
#define LEVELS 10 /* 2^9 > LEAVES_MAX */

/* --- Keccak-256, FIPS 202 §3 with padding 01 ------------------------------------------------- */

#define RATE 136

static uint64_t rotated(uint64_t lane, unsigned count)
{
    return count == 0 ? lane : lane << count | lane >> (64 - count);
}

static void keccak_round(uint64_t lanes[25], uint8_t *lfsr)
{
    uint64_t parity[5], row[5], current;
    unsigned x = 1, y = 0;

    for (unsigned i = 0; i < 5; i++)
        parity[i] = lanes[i] ^ lanes[i + 5] ^ lanes[i + 10] ^ lanes[i + 15] ^ lanes[i + 20];
    for (unsigned i = 0; i < 25; i++)
        lanes[i] ^= parity[(i + 4) % 5] ^ rotated(parity[(i + 1) % 5], 1);
    current = lanes[1];
    for (unsigned step = 0; step < 24; step++) {
        unsigned next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
        uint64_t kept = lanes[x + 5 * y];
        lanes[x + 5 * y] = rotated(current, (step + 1) * (step + 2) / 2 % 64);
        current = kept;
    }
    for (unsigned at = 0; at < 25; at += 5) {
        memcpy(row, lanes + at, sizeof row);
        for (unsigned i = 0; i < 5; i++)
            lanes[at + i] = row[i] ^ (~row[(i + 1) % 5] & row[(i + 2) % 5]);
    }
    for (unsigned step = 0; step < 7; step++) {
        *lfsr = (uint8_t)(*lfsr << 1 ^ (*lfsr >> 7) * 0x71);
        if ((*lfsr & 2) != 0)
            lanes[0] ^= (uint64_t)1 << ((1U << step) - 1);
    }
}

static void keccak256(struct hash *out, const void *data, size_t size)
{
    uint64_t lanes[25] = { 0 };
    size_t at = 0;

    for (bool last = false; !last; at += RATE) {
        uint8_t block[RATE] = { 0 }, lfsr = 1;
        size_t part = size - at < RATE ? size - at : RATE;

        last = part < RATE;
        if (part > 0)
            memcpy(block, (const uint8_t *)data + at, part);
        if (last) {
            block[part] ^= 0x01;
            block[RATE - 1] ^= 0x80;
        }
        for (unsigned i = 0; i < RATE; i++)
            lanes[i / 8] ^= (uint64_t)block[i] << i % 8 * 8;
        for (unsigned round = 0; round < 24; round++)
            keccak_round(lanes, &lfsr);
    }
    for (unsigned i = 0; i < 32; i++)
        out->bytes[i] = (uint8_t)(lanes[i / 8] >> i % 8 * 8);
}

static void keccak_node(struct hash *out, const struct hash *left, const struct hash *right)
{
    const struct hash both[2] = { *left, *right };

    keccak256(out, both, sizeof both);
}

/* --- a tree with its complete subtrees kept -------------------------------------------------- */

struct box {
    const struct outbox_shape *shape;
    struct outbox_tree tree;
    struct hash nodes[LEVELS][LEAVES_MAX];
    bool present[LEVELS][LEAVES_MAX];
    uint64_t asked;   /* the count of leaves that proofs are asked for; nothing beyond it is read */
    uint64_t fail_at; /* reads until one fails; 0: none does */
};

static void box_keep(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct box *box = context;

    assert_true(level < LEVELS && index < LEAVES_MAX && !box->present[level][index]);
    box->nodes[level][index] = *hash;
    box->present[level][index] = true;
}

static bool box_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    struct box *box = context;

    if (box->fail_at > 0 && --box->fail_at == 0)
        return false;
    assert_true(level < LEVELS && (index + 1) << level <= box->asked);
    assert_true(box->present[level][index]);
    *hash = box->nodes[level][index];
    return true;
}

static void box_append(struct box *box, const struct hash *leaf)
{
    box_keep(box, 0, box->tree.count, leaf);
    assert_true(outbox_append(box->shape, &box->tree, leaf, box_keep, box));
}

static struct hash random_leaf(void)
{
    uint64_t message = random_u64();
    struct hash leaf;

    outbox_leaf(&leaf, &message, sizeof message);
    return leaf;
}

static struct box *box_new(const struct outbox_shape *shape, uint64_t count)
{
    struct box *box = memory_new(sizeof *box);

    box->shape = shape;
    while (box->tree.count < count) {
        struct hash leaf = random_leaf();
        box_append(box, &leaf);
    }
    return box;
}

/* The definition: all leaves with zeros behind them, halved 32 times. */
static struct hash naive_root(const struct outbox_shape *shape, const struct hash *leaves, uint64_t count)
{
    AUTO_FREE struct hash *row = memory_array(count + 2, sizeof *row);
    struct hash empty = { .bytes = { 0 } };

    if (count > 0)
        memcpy(row, leaves, count * sizeof *row);
    for (unsigned level = 0; level < OUTBOX_DEPTH; level++) {
        row[count] = empty;
        row[count + 1] = empty;
        for (uint64_t i = 0; i < count / 2 + 1; i++)
            shape->node(&row[i], &row[2 * i], &row[2 * i + 1 < count + 2 ? 2 * i + 1 : count + 1]);
        shape->node(&empty, &empty, &empty);
        count = (count + 1) / 2;
    }
    return count == 0 ? empty : row[0];
}

static void assert_root_is_naive(const struct box *box)
{
    struct hash expected = naive_root(box->shape, box->nodes[0], box->tree.count), root;

    outbox_root(box->shape, &box->tree, &root);
    assert_true(hash_equal(&root, &expected));
}

/* --- published ------------------------------------------------------------------------------- */

static void row_hash(const json_t *value, struct hash *hash)
{
    const char *hex = json_string_value(value);

    assert_non_null(hex);
    assert_true(hex_decode(hash->bytes, sizeof hash->bytes, hex, strlen(hex)));
}

static void the_tests_keccak_is_keccak(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("keccak.json");
    unsigned checked = 0;
    const json_t *row;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "hashes"), i, row) {
        CLEANUP(buffer_close) struct buffer data = { 0 };
        struct hash hash;

        buffer_init(&data);
        if (strcmp(member_text(row, "algorithm"), "keccak-256") != 0)
            continue;
        member_bytes(row, "message", &data);
        keccak256(&hash, data.data, data.size);
        assert_hash_is(&hash, member_text(row, "output"));
        checked++;
    }
    assert_true(checked > 0);
}

static void roots_and_proofs_are_the_published_ones(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("deposit-tree.json");
    const json_t *roots = json_object_get(vectors, "roots"), *leaves = json_object_get(vectors, "leaves");
    const json_t *row;
    struct outbox_shape shape;
    struct hash hash, root;
    size_t i, level;
    (void)state;

    outbox_shape_init(&shape, keccak_node);
    AUTO_FREE struct box *box = box_new(&shape, 0);
    json_array_foreach(json_object_get(vectors, "zero_hashes"), i, row) {
        row_hash(row, &hash);
        assert_true(i <= OUTBOX_DEPTH && hash_equal(&shape.empty[i], &hash));
    }
    assert_int_equal(i, OUTBOX_DEPTH + 1);
    json_array_foreach(roots, i, row) {
        row_hash(row, &hash);
        outbox_root(&shape, &box->tree, &root);
        assert_true(hash_equal(&root, &hash));
        if (i < json_array_size(leaves)) {
            row_hash(json_array_get(leaves, i), &hash);
            box_append(box, &hash);
        }
    }
    assert_int_equal(i, 5);
    box->asked = box->tree.count;
    json_array_foreach(json_object_get(vectors, "proofs"), i, row) {
        uint64_t index = (uint64_t)json_integer_value(json_object_get(row, "index"));
        struct outbox_proof proof, published;
        const json_t *sibling;

        row_hash(json_object_get(row, "leaf"), &hash);
        row_hash(json_object_get(row, "root"), &root);
        json_array_foreach(json_object_get(row, "siblings"), level, sibling)
            row_hash(sibling, &published.siblings[level]);
        assert_int_equal(level, OUTBOX_DEPTH);
        assert_true(outbox_prove(&shape, index, box->tree.count, box_read, box, &proof));
        assert_memory_equal(&proof, &published, sizeof proof);
        assert_true(outbox_verify(&shape, index, &hash, &published, &root));
    }
    assert_int_equal(i, 4);
}

static void figures_of_published_trees_hold(void **state)
{
    struct outbox_shape keccak;
    struct outbox_tree tree = { .count = 0 };
    struct hash hash, count = { .bytes = { 0 } };
    (void)state;

    /* deposit-tree.json: no leaves, and the first one */
    outbox_shape_init(&keccak, keccak_node);
    outbox_root(&keccak, &tree, &hash);
    assert_hash_is(&hash, "27ae5ba08d7291c96c8cbddcc148bf48a6d68c7974b94356f53754ef6171d757");
    assert_true(hex_decode(hash.bytes, 32, "e67f46c5e4b2e73cd9bc449ff2053ae7758f718fcc4d9df4d77fb169e4729503",
                           64));
    assert_true(outbox_append(&keccak, &tree, &hash, NULL, NULL));
    outbox_root(&keccak, &tree, &hash);
    assert_hash_is(&hash, "47d6c069bf9ae1d490124b9c5c061a34d8761a0d2c9124d8b2adee6363e9522a");

    /* SHA-256: the deposit root of the beacon chain's contract when it was empty (it mixes the count in) */
    tree = (struct outbox_tree){ .count = 0 };
    outbox_root(outbox_shape(), &tree, &hash);
    outbox_shape()->node(&hash, &hash, &count);
    assert_hash_is(&hash, "d70a234731285c6804c2a4f56711ddb8c82c99740f207854891028af34e27e5e");

    /* layerd's own leaves, by the second implementation */
    for (char i = '0'; i < '3'; i++) {
        char message[] = "message x";

        message[8] = i;
        outbox_leaf(&hash, message, strlen(message));
        assert_true(outbox_append(outbox_shape(), &tree, &hash, NULL, NULL));
        outbox_root(outbox_shape(), &tree, &hash);
        if (i == '0')
            assert_hash_is(&hash, "f210aeb7b8756d52d18506343e876e3d3f469c0140be5776edd66e04124d5e17");
    }
    assert_hash_is(&hash, "f62cea67901aaa0f8ad32f3a601d8b9e59694fbd4cd6dfd811d59fb92d6fa735");
}

/* --- random trees ---------------------------------------------------------------------------- */

static void every_leaf_is_proved_in_every_tree_it_was_in(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        AUTO_FREE struct box *box = box_new(outbox_shape(), 0);
        uint64_t size = 1 + random_below(round < 3 ? 20 : 70);

        assert_root_is_naive(box);
        while (box->tree.count < size) {
            struct hash leaf = random_leaf(), root;
            struct outbox_proof proof;

            box_append(box, &leaf);
            assert_root_is_naive(box);
            box->asked = 1 + random_below(box->tree.count); /* an older tree, or the present one */
            root = naive_root(box->shape, box->nodes[0], box->asked);
            for (uint64_t index = 0; index < box->asked; index++) {
                assert_true(outbox_prove(box->shape, index, box->asked, box_read, box, &proof));
                assert_true(outbox_verify(box->shape, index, &box->nodes[0][index], &proof, &root));
            }
        }
    }
    AUTO_FREE struct box *box = box_new(outbox_shape(), LEAVES_MAX - 1);
    assert_root_is_naive(box);
}

static void flip_bit(void *bytes, size_t bit)
{
    ((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void every_changed_bit_is_refused(void **state)
{
    const struct outbox_shape *shape = outbox_shape();
    (void)state;

    for (int round = 0; round < 8; round++) {
        AUTO_FREE struct box *box = box_new(shape, 1 + random_below(100));
        uint64_t index = random_below(box->tree.count);
        struct hash leaf = box->nodes[0][index], root;
        struct outbox_proof proof;

        box->asked = box->tree.count;
        outbox_root(shape, &box->tree, &root);
        assert_true(outbox_prove(shape, index, box->asked, box_read, box, &proof));
        for (size_t bit = 0; bit < 8 * sizeof proof; bit++) {
            flip_bit(&proof, bit);
            assert_false(outbox_verify(shape, index, &leaf, &proof, &root));
            flip_bit(&proof, bit);
        }
        for (size_t bit = 0; bit < 256; bit++) {
            flip_bit(&leaf, bit);
            assert_false(outbox_verify(shape, index, &leaf, &proof, &root));
            flip_bit(&leaf, bit);
            flip_bit(&root, bit);
            assert_false(outbox_verify(shape, index, &leaf, &proof, &root));
            flip_bit(&root, bit);
        }
        for (unsigned bit = 0; bit < 64; bit++)
            assert_false(outbox_verify(shape, index ^ (uint64_t)1 << bit, &leaf, &proof, &root));
        assert_true(outbox_verify(shape, index, &leaf, &proof, &root));
    }
}

static void an_unfilled_place_is_no_leaf(void **state)
{
    const struct outbox_shape *shape = outbox_shape();
    AUTO_FREE struct box *box = box_new(shape, 5);
    struct outbox_tree before = box->tree;
    struct hash root, empty = { .bytes = { 0 } };
    struct outbox_proof proof;
    (void)state;

    outbox_root(shape, &box->tree, &root);
    box->asked = 5;
    assert_true(outbox_prove(shape, 4, 5, box_read, box, &proof));
    proof.siblings[0] = box->nodes[0][4]; /* the path of place 5 */
    assert_false(outbox_verify(shape, 5, &empty, &proof, &root));
    assert_false(outbox_append(shape, &box->tree, &empty, NULL, NULL));
    assert_memory_equal(&box->tree, &before, sizeof before);
    assert_false(outbox_prove(shape, 5, 5, box_read, box, &proof));
    assert_false(outbox_prove(shape, 0, 0, box_read, box, &proof));
    assert_false(outbox_prove(shape, UINT64_MAX, 5, box_read, box, &proof));
    assert_false(outbox_prove(shape, 0, OUTBOX_COUNT_MAX + 1, box_read, box, &proof));
}

static void a_failed_read_fails_the_proof_wherever_it_happens(void **state)
{
    AUTO_FREE struct box *box = box_new(outbox_shape(), 1 + random_below(200));
    uint64_t index = random_below(box->tree.count);
    struct outbox_proof proof, untouched;
    bool made = false;
    (void)state;

    box->asked = box->tree.count;
    memset(&untouched, 7, sizeof untouched);
    for (uint64_t fail_at = 1; !made; fail_at++) {
        proof = untouched;
        box->fail_at = fail_at;
        made = outbox_prove(box->shape, index, box->asked, box_read, box, &proof);
        if (!made)
            assert_memory_equal(&proof, &untouched, sizeof proof);
    }
}

static bool constant_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    const uint64_t *count = context;

    assert_true((index + 1) << level <= *count);
    memset(hash, (int)level + 1, sizeof *hash);
    return true;
}

/* The frontier as if each complete subtree had the hash that constant_read says. */
static void the_last_leaf_fits_and_none_after_it(void **state)
{
    const struct outbox_shape *shape = outbox_shape();
    struct outbox_tree tree = { .count = OUTBOX_COUNT_MAX - 1 }, full;
    struct hash leaf = random_leaf(), root;
    struct outbox_proof proof;
    (void)state;

    for (unsigned level = 1; level < OUTBOX_DEPTH; level++)
        memset(&tree.frontier[level], (int)level + 1, sizeof tree.frontier[level]);
    memset(&leaf, 1, sizeof leaf);
    assert_true(outbox_append(shape, &tree, &leaf, NULL, NULL));
    full = tree;
    assert_false(outbox_append(shape, &tree, &leaf, NULL, NULL));
    assert_memory_equal(&tree, &full, sizeof full);
    outbox_root(shape, &tree, &root);
    uint64_t count = tree.count;
    assert_true(outbox_prove(shape, count - 1, count, constant_read, &count, &proof));
    assert_true(outbox_verify(shape, count - 1, &leaf, &proof, &root));
    assert_false(outbox_verify(shape, count, &leaf, &proof, &root));
}

int outbox_tree_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_published_trees_hold),
        cmocka_unit_test(the_tests_keccak_is_keccak),
        cmocka_unit_test(roots_and_proofs_are_the_published_ones),
        cmocka_unit_test(every_leaf_is_proved_in_every_tree_it_was_in),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(an_unfilled_place_is_no_leaf),
        cmocka_unit_test(a_failed_read_fails_the_proof_wherever_it_happens),
        cmocka_unit_test(the_last_leaf_fits_and_none_after_it),
    };
    return cmocka_run_group_tests_name("outbox tree", tests, NULL, NULL);
}
