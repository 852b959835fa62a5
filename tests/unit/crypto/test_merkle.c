/* The Merkle tree: published vectors, and random trees against the recursive definitions of RFC 6962 §2.1. */
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "vectors.h"

#define TREE_MAX 600
#define TREE_LEVELS 10 /* 2^10 > TREE_MAX */

/* A tree with every complete subtree stored as it is finished, as the log's table holds them. */
struct tree {
    uint64_t size;
    struct hash nodes[TREE_LEVELS][TREE_MAX];
    bool present[TREE_LEVELS][TREE_MAX];
    struct merkle_range range;
    uint64_t fail_at; /* reads until one fails; 0: none does */
};

static void tree_store(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tree *tree = context;

    assert_true(level < TREE_LEVELS && index < TREE_MAX);
    assert_false(tree->present[level][index]);
    tree->nodes[level][index] = *hash;
    tree->present[level][index] = true;
}

static bool tree_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    struct tree *tree = context;

    if (tree->fail_at > 0 && --tree->fail_at == 0)
        return false;
    assert_true(level < TREE_LEVELS && index < TREE_MAX);
    assert_true(tree->present[level][index]); /* only complete subtrees are asked for */
    *hash = tree->nodes[level][index];
    return true;
}

static void tree_append(struct tree *tree, const struct hash *leaf)
{
    tree_store(tree, 0, tree->size++, leaf);
    merkle_range_append(&tree->range, leaf, tree_store, tree);
}

static struct tree *tree_new(uint64_t size)
{
    struct tree *tree = memory_new(sizeof *tree);

    merkle_range_init(&tree->range);
    for (uint64_t i = 0; i < size; i++) {
        struct hash leaf;
        uint64_t data[2] = { i, random_u64() };

        merkle_leaf(&leaf, data, sizeof data);
        tree_append(tree, &leaf);
    }
    return tree;
}

/* --- the definitions, as RFC 6962 has them ---------------------------------------------------- */

static uint64_t below(uint64_t n)
{
    uint64_t k = 1;

    while (k * 2 < n)
        k *= 2;
    return k;
}

static struct hash naive_root(const struct hash *leaves, uint64_t n)
{
    struct hash hash;

    if (n == 1)
        return leaves[0];
    uint64_t k = below(n);
    struct hash left = naive_root(leaves, k), right = naive_root(leaves + k, n - k);
    merkle_node(&hash, &left, &right);
    return hash;
}

static void naive_path(uint64_t m, const struct hash *leaves, uint64_t n, struct merkle_proof *out)
{
    if (n == 1)
        return;
    uint64_t k = below(n);
    if (m < k)
        naive_path(m, leaves, k, out);
    else
        naive_path(m - k, leaves + k, n - k, out);
    out->hashes[out->count++] = m < k ? naive_root(leaves + k, n - k) : naive_root(leaves, k);
}

static void naive_subproof(uint64_t m, const struct hash *leaves, uint64_t n, bool whole,
                           struct merkle_proof *out)
{
    if (m == n) {
        if (!whole)
            out->hashes[out->count++] = naive_root(leaves, n);
        return;
    }
    uint64_t k = below(n);
    if (m <= k) {
        naive_subproof(m, leaves, k, whole, out);
        out->hashes[out->count++] = naive_root(leaves + k, n - k);
    } else {
        naive_subproof(m - k, leaves + k, n - k, false, out);
        out->hashes[out->count++] = naive_root(leaves, k);
    }
}

static void assert_proof_equal(const struct merkle_proof *a, const struct merkle_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hashes, b->hashes, a->count * sizeof a->hashes[0]);
}

/* --- published -------------------------------------------------------------------------------- */

/* Some published cases hold a value of a wrong length, which cannot even be said here: it is filled up with
 * zeros, and so stays a wrong hash. */
static struct hash hash_of_any_length(const char *hex)
{
    struct hash hash = { .bytes = { 0 } };

    assert_true(strlen(hex) <= 64);
    assert_true(hex_decode(hash.bytes, strlen(hex) / 2, hex, strlen(hex)));
    return hash;
}

static struct hash row_hash(const json_t *row, const char *member)
{
    return hash_of_any_length(member_text(row, member));
}

static uint64_t row_number(const json_t *row, const char *member)
{
    return (uint64_t)json_integer_value(json_object_get(row, member));
}

static struct merkle_proof proof_from_json(const json_t *list)
{
    struct merkle_proof proof = { .count = json_array_size(list) };

    assert_true(proof.count <= MERKLE_PROOF_MAX);
    for (size_t i = 0; i < proof.count; i++)
        proof.hashes[i] = hash_of_any_length(json_string_value(json_array_get(list, i)));
    return proof;
}

static void hashes_and_roots_are_the_published_ones(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("rfc6962.json");
    const json_t *row, *inputs = json_object_get(vectors, "leaf_inputs");
    struct merkle_range range;
    struct hash hash;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "hashes"), i, row) {
        CLEANUP(buffer_close) struct buffer data = { 0 };
        const char *what = member_text(row, "what");

        buffer_init(&data);
        if (strcmp(what, "leaf") == 0) {
            member_bytes(row, "data", &data);
            merkle_leaf(&hash, data.data, data.size);
            assert_hash_is(&hash, member_text(row, "value"));
        } else if (strcmp(what, "empty root") == 0) {
            merkle_range_init(&range);
            merkle_range_root(&range, &hash);
            assert_hash_is(&hash, member_text(row, "value"));
            assert_true(merkle_root(0, tree_read, NULL, &hash));
            assert_hash_is(&hash, member_text(row, "value"));
        } else { /* its children have 4 bytes: what merkle_node does with 32 is checked by the roots */
            assert_string_equal(what, "node");
            buffer_append(&data, "\x01", 1);
            member_bytes(row, "left", &data);
            member_bytes(row, "right", &data);
            sha256(&hash, data.data, data.size);
            assert_hash_is(&hash, member_text(row, "value"));
        }
    }

    merkle_range_init(&range);
    for (i = 0; i < json_array_size(inputs); i++) {
        uint8_t data[64];
        const char *hex = json_string_value(json_array_get(inputs, i));
        size_t size = strlen(hex) / 2;

        assert_true(hex_decode(data, size, hex, strlen(hex)));
        merkle_leaf(&hash, data, size);
        merkle_range_append(&range, &hash, NULL, NULL);
        merkle_range_root(&range, &hash);
        assert_hash_is(&hash,
                       json_string_value(json_array_get(json_object_get(vectors, "roots_by_size"), i + 1)));
    }
}

static void inclusion_proofs_are_judged_as_published(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("rfc6962.json");
    const json_t *row;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "inclusion"), i, row) {
        struct hash root = row_hash(row, "root"), leaf = row_hash(row, "leaf_hash");
        struct merkle_proof proof = proof_from_json(json_object_get(row, "proof"));

        print_message("rfc6962.json inclusion %s\n", member_text(row, "case"));
        assert_int_equal(merkle_verify_inclusion(row_number(row, "leaf_index"), row_number(row, "tree_size"),
                                                 &leaf, &proof, &root),
                         json_is_true(json_object_get(row, "valid")));
    }
}

static void consistency_proofs_are_judged_as_published(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("rfc6962.json");
    const json_t *row;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "consistency"), i, row) {
        struct hash first = row_hash(row, "root1"), second = row_hash(row, "root2");
        struct merkle_proof proof = proof_from_json(json_object_get(row, "proof"));

        print_message("rfc6962.json consistency %s\n", member_text(row, "case"));
        assert_int_equal(merkle_verify_consistency(row_number(row, "size1"), row_number(row, "size2"),
                                                   &first, &second, &proof),
                         json_is_true(json_object_get(row, "valid")));
    }
}

/* rfc6962.json: the empty root, the empty leaf, and the root of 8 leaves. */
static void figures_of_rfc6962_hold(void **state)
{
    static const struct { const char *data; size_t size; } leaves[] = {
        { "", 0 }, { "\x00", 1 }, { "\x10", 1 }, { "\x20\x21", 2 }, { "\x30\x31", 2 },
        { "\x40\x41\x42\x43", 4 },
        { "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
        { "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
    };
    struct merkle_range range;
    struct hash hash;
    (void)state;

    merkle_range_init(&range);
    merkle_range_root(&range, &hash);
    assert_hash_is(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    merkle_leaf(&hash, "", 0);
    assert_hash_is(&hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    for (size_t i = 0; i < 8; i++) {
        merkle_leaf(&hash, leaves[i].data, leaves[i].size);
        merkle_range_append(&range, &hash, NULL, NULL);
    }
    merkle_range_root(&range, &hash);
    assert_hash_is(&hash, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

/* --- random trees ----------------------------------------------------------------------------- */

static void check_all_proofs(struct tree *tree)
{
    const struct hash *leaves = tree->nodes[0];
    struct merkle_proof proof;
    struct hash root, other;

    assert_true(merkle_root(tree->size, tree_read, tree, &root));
    merkle_range_root(&tree->range, &other);
    assert_true(hash_equal(&root, &other));
    other = naive_root(leaves, tree->size);
    assert_true(hash_equal(&root, &other));

    for (uint64_t index = 0; index < tree->size; index++) {
        assert_true(merkle_inclusion(index, tree->size, tree_read, tree, &proof));
        assert_true(merkle_verify_inclusion(index, tree->size, &leaves[index], &proof, &root));
    }
    for (uint64_t first = 1; first <= tree->size; first++) {
        struct hash first_root;

        assert_true(merkle_root(first, tree_read, tree, &first_root));
        assert_true(merkle_consistency(first, tree->size, tree_read, tree, &proof));
        assert_true(merkle_verify_consistency(first, tree->size, &first_root, &root, &proof));
    }
}

static void every_proof_of_a_tree_verifies(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 70; size++) {
        AUTO_FREE struct tree *tree = tree_new(size);
        check_all_proofs(tree);
    }
    for (int round = 0; round < 12; round++) {
        AUTO_FREE struct tree *tree = tree_new(1 + random_below(TREE_MAX));
        check_all_proofs(tree);
    }
}

static void proofs_are_those_of_the_recursive_definition(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        AUTO_FREE struct tree *tree = tree_new(1 + random_below(round < 100 ? 40 : TREE_MAX));
        uint64_t index = random_below(tree->size), first = 1 + random_below(tree->size);
        struct merkle_proof proof, expected = { .count = 0 };

        naive_path(index, tree->nodes[0], tree->size, &expected);
        assert_true(merkle_inclusion(index, tree->size, tree_read, tree, &proof));
        assert_proof_equal(&proof, &expected);

        expected.count = 0;
        naive_subproof(first, tree->nodes[0], tree->size, true, &expected);
        assert_true(merkle_consistency(first, tree->size, tree_read, tree, &proof));
        assert_proof_equal(&proof, &expected);
    }
}

/* Which side each hash of a proof stands on, from the bottom up: all that a verifier can know of the sizes.
 * Two sizes that give the same sides are told apart by their roots alone. */
static uint64_t sides(uint64_t node, uint64_t last)
{
    uint64_t found = 1;

    for (; last > 0; node >>= 1, last >>= 1) {
        if (node & 1)
            found = found << 1 | 1;
        else if (node != last)
            found = found << 1;
    }
    return found;
}

static uint64_t consistency_sides(uint64_t first, uint64_t second)
{
    uint64_t node = first - 1, last = second - 1;

    for (; node & 1; node >>= 1)
        last >>= 1;
    return sides(node, last);
}

static void flip(struct hash *hash)
{
    uint64_t bit = random_below(256);

    hash->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void changed_inclusion_proofs_are_refused(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        AUTO_FREE struct tree *tree = tree_new(1 + random_below(round < 300 ? 33 : TREE_MAX));
        uint64_t index = random_below(tree->size), size = tree->size;
        struct merkle_proof proof;
        struct hash root, leaf = tree->nodes[0][index];

        assert_true(merkle_root(size, tree_read, tree, &root));
        assert_true(merkle_inclusion(index, size, tree_read, tree, &proof));
        for (size_t i = 0; i < proof.count; i++) {
            struct merkle_proof changed = proof;
            flip(&changed.hashes[i]);
            assert_false(merkle_verify_inclusion(index, size, &leaf, &changed, &root));
        }
        struct hash changed = root;
        flip(&changed);
        assert_false(merkle_verify_inclusion(index, size, &leaf, &proof, &changed));
        changed = leaf;
        flip(&changed);
        assert_false(merkle_verify_inclusion(index, size, &changed, &proof, &root));

        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t other = index ^ (uint64_t)1 << bit, other_size = size ^ (uint64_t)1 << bit;
            assert_false(merkle_verify_inclusion(other, size, &leaf, &proof, &root));
            bool same = other_size > index && other_size <= MERKLE_SIZE_MAX &&
                        sides(index, other_size - 1) == sides(index, size - 1);
            assert_int_equal(merkle_verify_inclusion(index, other_size, &leaf, &proof, &root), same);
        }
        struct merkle_proof longer = proof;
        longer.hashes[longer.count++] = root;
        assert_false(merkle_verify_inclusion(index, size, &leaf, &longer, &root));
        if (proof.count > 0) {
            proof.count--;
            assert_false(merkle_verify_inclusion(index, size, &leaf, &proof, &root));
        }
    }
}

static void changed_consistency_proofs_are_refused(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        AUTO_FREE struct tree *tree = tree_new(2 + random_below(round < 300 ? 33 : TREE_MAX - 1));
        uint64_t second = tree->size, first = 1 + random_below(second - 1);
        struct merkle_proof proof;
        struct hash first_root, second_root, changed;

        assert_true(merkle_root(first, tree_read, tree, &first_root));
        assert_true(merkle_root(second, tree_read, tree, &second_root));
        assert_true(merkle_consistency(first, second, tree_read, tree, &proof));
        for (size_t i = 0; i < proof.count; i++) {
            struct merkle_proof wrong = proof;
            flip(&wrong.hashes[i]);
            assert_false(merkle_verify_consistency(first, second, &first_root, &second_root, &wrong));
        }
        changed = first_root;
        flip(&changed);
        assert_false(merkle_verify_consistency(first, second, &changed, &second_root, &proof));
        changed = second_root;
        flip(&changed);
        assert_false(merkle_verify_consistency(first, second, &first_root, &changed, &proof));
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t other = first ^ (uint64_t)1 << bit, other_second = second ^ (uint64_t)1 << bit;
            assert_false(merkle_verify_consistency(other, second, &first_root, &second_root, &proof));
            bool same = other_second > first && other_second <= MERKLE_SIZE_MAX &&
                        consistency_sides(first, other_second) == consistency_sides(first, second);
            bool taken = merkle_verify_consistency(first, other_second, &first_root, &second_root, &proof);
            assert_int_equal(taken, same);
        }
        struct merkle_proof longer = proof;
        longer.hashes[longer.count++] = second_root;
        assert_false(merkle_verify_consistency(first, second, &first_root, &second_root, &longer));
        proof.count--;
        assert_false(merkle_verify_consistency(first, second, &first_root, &second_root, &proof));
    }
}

static void a_forked_tree_has_no_consistency_proof(void **state)
{
    AUTO_FREE struct tree *tree = tree_new(100), *fork = tree_new(100);
    struct merkle_proof proof;
    struct hash first, second;
    (void)state;

    assert_true(merkle_root(60, tree_read, fork, &first));
    assert_true(merkle_root(100, tree_read, tree, &second));
    assert_true(merkle_consistency(60, 100, tree_read, tree, &proof));
    assert_false(merkle_verify_consistency(60, 100, &first, &second, &proof));
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void ranges_outside_the_tree_are_refused(void **state)
{
    AUTO_FREE struct tree *tree = tree_new(10);
    struct merkle_proof proof = { .count = 99 };
    struct hash root = { .bytes = { 0 } };
    (void)state;

    assert_false(merkle_inclusion(10, 10, tree_read, tree, &proof));
    assert_false(merkle_inclusion(0, 0, tree_read, tree, &proof));
    assert_false(merkle_inclusion(0, MERKLE_SIZE_MAX + 1, tree_read, tree, &proof));
    assert_false(merkle_consistency(0, 10, tree_read, tree, &proof));
    assert_false(merkle_consistency(10, 9, tree_read, tree, &proof));
    assert_false(merkle_consistency(1, UINT64_MAX, tree_read, tree, &proof));
    assert_false(merkle_root(UINT64_MAX, tree_read, tree, &root));
    assert_int_equal(proof.count, 99); /* a refusal leaves outputs alone */
    proof.count = MERKLE_PROOF_MAX + 1;
    assert_false(merkle_verify_inclusion(0, 10, &root, &proof, &root));
    assert_false(merkle_verify_consistency(1, 10, &root, &root, &proof));
}

static void a_failed_read_fails_the_proof_wherever_it_happens(void **state)
{
    AUTO_FREE struct tree *tree = tree_new(597);
    struct merkle_proof proof = { .count = 99 };
    struct hash root;
    (void)state;

    for (uint64_t nth = 1; nth < 100; nth++) {
        tree->fail_at = nth;
        bool made = merkle_inclusion(300, tree->size, tree_read, tree, &proof);
        if (made)
            break;
        assert_int_equal(proof.count, 99);
        assert_true(nth < 20);
    }
    proof.count = 99;
    for (uint64_t nth = 1; nth < 100; nth++) {
        tree->fail_at = nth;
        bool made = merkle_consistency(301, tree->size, tree_read, tree, &proof);
        if (made)
            break;
        assert_int_equal(proof.count, 99);
        assert_true(nth < 30);
    }
    tree->fail_at = 3;
    assert_false(merkle_root(tree->size, tree_read, tree, &root));
}

static bool constant_read(void *context, unsigned level, uint64_t index, struct hash *hash)
{
    (void)context;
    assert_true(level < MERKLE_LEVELS_MAX);
    assert_true(index <= (MERKLE_SIZE_MAX - 1) >> level);
    memset(hash, (int)level, sizeof *hash);
    return true;
}

/* Every tree whose size fits in 2^63 stays within the proof's room, at both ends. */
static void the_largest_trees_fit(void **state)
{
    static const uint64_t sizes[] = { MERKLE_SIZE_MAX, MERKLE_SIZE_MAX - 1, INTEGER_MAX, (uint64_t)1 << 53 };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t size = sizes[i];
        struct merkle_proof proof;
        struct hash root;

        assert_true(merkle_root(size, constant_read, NULL, &root));
        assert_true(merkle_inclusion(0, size, constant_read, NULL, &proof));
        assert_true(proof.count <= MERKLE_PROOF_MAX);
        assert_true(merkle_inclusion(size - 1, size, constant_read, NULL, &proof));
        assert_true(merkle_inclusion(size / 2 + 1, size, constant_read, NULL, &proof));
        assert_true(merkle_consistency(size / 2 + 1, size, constant_read, NULL, &proof));
        assert_true(proof.count <= MERKLE_PROOF_MAX);
        assert_true(merkle_consistency(size - 1, size, constant_read, NULL, &proof));
        assert_true(proof.count <= MERKLE_PROOF_MAX);
        assert_true(merkle_consistency(1, size, constant_read, NULL, &proof));
    }
}

int merkle_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_rfc6962_hold),
        cmocka_unit_test(hashes_and_roots_are_the_published_ones),
        cmocka_unit_test(inclusion_proofs_are_judged_as_published),
        cmocka_unit_test(consistency_proofs_are_judged_as_published),
        cmocka_unit_test(every_proof_of_a_tree_verifies),
        cmocka_unit_test(proofs_are_those_of_the_recursive_definition),
        cmocka_unit_test(changed_inclusion_proofs_are_refused),
        cmocka_unit_test(changed_consistency_proofs_are_refused),
        cmocka_unit_test(a_forked_tree_has_no_consistency_proof),
        cmocka_unit_test(ranges_outside_the_tree_are_refused),
        cmocka_unit_test(a_failed_read_fails_the_proof_wherever_it_happens),
        cmocka_unit_test(the_largest_trees_fit),
    };
    return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
