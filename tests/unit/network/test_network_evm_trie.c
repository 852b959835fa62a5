/* Tries built and proved: against published roots, for keys that are there and keys that are not, and with
 * every byte of every proof changed. */
#include "test_network_evm.h"

#include "network/evm/trie.h"

#define TRIES 60

static struct trie_leaf leaf(const char *key, const char *value)
{
    return (struct trie_leaf){ bytes_of_text(key), bytes_of_text(value) };
}

static void assert_root(const struct trie_leaf *leaves, size_t count, const char *root)
{
    CLEANUP(arena_close) struct arena arena;
    struct trie *trie;
    struct error error;

    arena_init(&arena);
    assert_int_equal(trie_build(leaves, count, &arena, &trie, &error), OK);
    assert_hash_is(trie_root(trie), root);
}

/* ethereum/tests, TrieTests/trieanyorder.json and trietest.json. */
static void roots_are_the_published_ones(void **state)
{
    const struct trie_leaf dogs[] = { leaf("doe", "reindeer"), leaf("dog", "puppy"),
                                      leaf("dogglesworth", "cat") };
    const struct trie_leaf puppy[] = { leaf("do", "verb"), leaf("horse", "stallion"), leaf("doge", "coin"),
                                       leaf("dog", "puppy") };
    const struct trie_leaf foo[] = { leaf("foo", "bar"), leaf("food", "bass") };
    const struct trie_leaf single[] = { leaf("A", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") };

    (void)state;
    assert_root(dogs, 3, "8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3");
    assert_root(puppy, 4, "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84");
    assert_root(foo, 2, "17beaa1648bafa633cda809c90c04af50fc8aed3cb40d16efbddee6fdf63c4c3");
    assert_root(single, 1, "d23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab");
    assert_root(NULL, 0, "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
}

struct scene {
    struct arena arena;
    struct trie_leaf *leaves;
    size_t count;
    struct trie *trie;
};

/* Short keys meet often: branches with values, extensions, nodes inside of others. */
static void scene_make(struct scene *scene, size_t key_most, size_t value_most)
{
    struct error error;

    arena_init(&scene->arena);
    scene->leaves = arena_new(&scene->arena, 64 * sizeof *scene->leaves);
    scene->count = 0;
    size_t wanted = 1 + random_below(40);
    for (size_t tries = 0; tries < 200 && scene->count < wanted; tries++) {
        struct bytes key = evm_random_bytes(&scene->arena, random_below(key_most + 1));
        bool known = false;
        for (size_t i = 0; random_below(2) == 0 && i < key.size; i++) /* few different bytes */
            ((uint8_t *)(uintptr_t)key.data)[i] &= 0x11;
        for (size_t i = 0; i < scene->count; i++)
            known |= bytes_equal(scene->leaves[i].key, key);
        if (known)
            continue;
        scene->leaves[scene->count++] =
            (struct trie_leaf){ key, evm_random_bytes(&scene->arena, 1 + random_below(value_most)) };
    }
    assert_int_equal(trie_build(scene->leaves, scene->count, &scene->arena, &scene->trie, &error), OK);
}

static const struct trie_leaf *known(const struct scene *scene, struct bytes key)
{
    for (size_t i = 0; i < scene->count; i++) {
        if (bytes_equal(scene->leaves[i].key, key))
            return &scene->leaves[i];
    }
    return NULL;
}

static void check_key(struct scene *scene, struct bytes key)
{
    const struct trie_leaf *leaf = known(scene, key);
    const struct bytes *nodes;
    struct bytes value;
    struct error error;
    bool present;
    size_t count;

    trie_prove(scene->trie, key, &scene->arena, &nodes, &count);
    assert_int_equal(trie_verify(trie_root(scene->trie), key, nodes, count, &present, &value, &error), OK);
    assert_int_equal(present, leaf != NULL);
    if (leaf != NULL)
        assert_true(bytes_equal(value, leaf->value));
}

static void every_key_is_proved_to_be_there_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIES; i++) {
        struct scene scene;
        scene_make(&scene, i % 2 == 0 ? 3 : 32, i % 3 == 0 ? 4 : 100);
        for (size_t k = 0; k < scene.count; k++)
            check_key(&scene, scene.leaves[k].key);
        for (size_t k = 0; k < 60; k++) {
            struct bytes key = evm_random_bytes(&scene.arena, random_below(4));
            for (size_t n = 0; n < key.size; n++)
                ((uint8_t *)(uintptr_t)key.data)[n] &= 0x11;
            check_key(&scene, key);
        }
        arena_close(&scene.arena);
    }
}

/* A changed node has another hash: whatever is changed, nothing is proved, right or wrong. */
static void no_byte_of_a_proof_may_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct scene scene;
        scene_make(&scene, 2, i % 2 == 0 ? 4 : 60);
        struct bytes key = scene.leaves[0].key, value;
        const struct bytes *nodes;
        struct error error;
        bool present;
        size_t count;
        trie_prove(scene.trie, key, &scene.arena, &nodes, &count);
        struct bytes *changed = arena_new(&scene.arena, (count + 1) * sizeof *changed);
        for (size_t node = 0; node < count; node++) {
            memcpy(changed, nodes, count * sizeof *changed);
            for (size_t at = 0; at < nodes[node].size; at++) {
                changed[node] = evm_changed(&scene.arena, nodes[node], at, (uint8_t)(1 + random_below(255)));
                assert_int_not_equal(trie_verify(trie_root(scene.trie), key, changed, count, &present, &value,
                                                 &error), OK);
            }
        }
        arena_close(&scene.arena);
    }
}

static void nodes_too_few_too_many_or_in_another_order_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIES; i++) {
        struct scene scene;
        scene_make(&scene, 3, 60);
        const struct bytes *nodes;
        struct bytes more[TRIE_PROOF_NODES_MAX + 1], value, key = scene.leaves[0].key;
        const struct hash *root = trie_root(scene.trie);
        struct error error;
        bool present;
        size_t count;
        trie_prove(scene.trie, key, &scene.arena, &nodes, &count);
        assert_int_equal(trie_verify(root, key, nodes, count - 1, &present, &value, &error),
                         ERROR_INVALID_PROOF);
        memcpy(more, nodes, count * sizeof *more);
        more[count] = nodes[0];
        assert_int_equal(trie_verify(root, key, more, count + 1, &present, &value, &error),
                         ERROR_INVALID_PROOF);
        more[count] = evm_random_bytes(&scene.arena, 40);
        assert_int_equal(trie_verify(root, key, more, count + 1, &present, &value, &error),
                         ERROR_INVALID_PROOF);
        if (count > 1) {
            more[0] = nodes[1];
            more[1] = nodes[0];
            assert_int_equal(trie_verify(root, key, more, count, &present, &value, &error),
                             ERROR_INVALID_PROOF);
        }
        struct hash other = *root;
        other.bytes[31] ^= 1;
        assert_int_equal(trie_verify(&other, key, nodes, count, &present, &value, &error),
                         ERROR_INVALID_PROOF);
        arena_close(&scene.arena);
    }
}

/* Servers of one kind list nodes that stand inside of their parents. */
static void a_node_inside_of_its_parent_may_be_listed_but_no_other(void **state)
{
    const struct trie_leaf leaves[] = { leaf("a", "1"), leaf("b", "2") };
    CLEANUP(arena_close) struct arena arena;
    const struct bytes *nodes;
    struct bytes listed[2], value;
    struct trie *trie;
    struct error error;
    bool present;
    size_t count;

    (void)state;
    arena_init(&arena);
    assert_int_equal(trie_build(leaves, 2, &arena, &trie, &error), OK);
    trie_prove(trie, leaves[0].key, &arena, &nodes, &count);
    assert_int_equal(count, 1);
    listed[0] = nodes[0];
    /* an extension over 6; in it a branch; in that the leaf [0x20, "1"], three bytes */
    listed[1] = evm_hex(&arena, "c22031");
    assert_int_equal(trie_verify(trie_root(trie), leaves[0].key, listed, 2, &present, &value, &error), OK);
    assert_true(present && bytes_equal(value, leaves[0].value));
    listed[1] = evm_hex(&arena, "c22032"); /* the neighbour */
    assert_int_equal(trie_verify(trie_root(trie), leaves[0].key, listed, 2, &present, &value, &error),
                     ERROR_INVALID_PROOF);
}

/* Nodes that hash to the root and are no nodes all the same: what a server that makes up a root could send.
 */
static void bytes_that_are_no_node_are_refused(void **state)
{
    static const char *const wrong[] = {
        "00",                     /* a string */
        "c0", "c101", "c3010203", /* 0, 1, 3 items */
        "c2c001",                 /* a list as path */
        "c28001",                 /* an empty path */
        "c24001",                 /* flags beyond a leaf's */
        "c22101",                 /* an even path that begins with another nibble than 0 */
        "c22080",                 /* a leaf without a value */
        "c220c0",                 /* a leaf with a list */
        "c20001",                 /* an extension without a path */
        "c21680",                 /* an extension without a child */
        "c416820102",          /* an extension to a string of two bytes */
        "d180808080808080808080808080808080c0", /* a branch with a list as value */
        "d10180808080808080808080808080808080", /* with a child of one byte */
    };
    CLEANUP(arena_close) struct arena arena;
    struct bytes value;
    bool present;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bytes node = evm_hex(&arena, wrong[i]);
        struct error error;
        struct hash root;
        keccak_hash(&root, node.data, node.size);
        if (trie_verify(&root, bytes_of("a", 1), &node, 1, &present, &value, &error) != ERROR_EVM_ENCODING)
            fail_msg("taken: %s", wrong[i]);
    }
    /* A hash that stands for a node of less than 32 bytes, which would stand inside of its parent. */
    struct bytes nodes[2] = { { NULL, 0 }, evm_hex(&arena, "c22031") };
    CLEANUP(buffer_close) struct buffer parent = { 0 };
    struct error error;
    struct hash root;
    keccak_hash(&root, nodes[1].data, nodes[1].size);
    size_t list = rlp_list_begin(&parent);
    rlp_append(&parent, "\x00\x61", 2);
    rlp_append(&parent, root.bytes, sizeof root.bytes);
    rlp_list_end(&parent, list);
    nodes[0] = buffer_bytes(&parent);
    keccak_hash(&root, parent.data, parent.size);
    assert_int_equal(trie_verify(&root, bytes_of("a", 1), nodes, 2, &present, &value, &error),
                     ERROR_EVM_ENCODING);
}

static void an_empty_trie_has_nothing_and_says_so(void **state)
{
    const uint8_t nothing = 0x80;
    struct bytes node = bytes_of(&nothing, 1), value;
    struct error error;
    bool present = true;

    (void)state;
    assert_int_equal(trie_verify(&trie_empty_root, bytes_of("a", 1), NULL, 0, &present, &value, &error), OK);
    assert_false(present);
    assert_int_equal(trie_verify(&trie_empty_root, bytes_of("a", 1), &node, 1, &present, &value, &error), OK);
    node = bytes_of("x", 1);
    assert_int_equal(trie_verify(&trie_empty_root, bytes_of("a", 1), &node, 1, &present, &value, &error),
                     ERROR_INVALID_PROOF);
    struct hash other = { { 1 } };
    assert_int_equal(trie_verify(&other, bytes_of("a", 1), NULL, 0, &present, &value, &error),
                     ERROR_INVALID_PROOF);
}

static void what_makes_no_trie_is_refused(void **state)
{
    struct trie_leaf twice[] = { leaf("a", "1"), leaf("b", "1"), leaf("a", "2") }, empty = leaf("a", "");
    uint8_t longer[TRIE_KEY_MAX + 1] = { 0 };
    struct trie_leaf long_key = { bytes_of(longer, sizeof longer), bytes_of("1", 1) };
    CLEANUP(arena_close) struct arena arena;
    struct trie *trie;
    struct error error;

    (void)state;
    arena_init(&arena);
    assert_int_equal(trie_build(twice, 3, &arena, &trie, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(trie_build(&empty, 1, &arena, &trie, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(trie_build(&long_key, 1, &arena, &trie, &error), ERROR_INVALID_PARAMS);
    long_key.key.size--;
    assert_int_equal(trie_build(&long_key, 1, &arena, &trie, &error), OK);
    assert_int_equal(trie_build(twice, TRIE_LEAVES_MAX + 1, &arena, &trie, &error), ERROR_INVALID_PARAMS);
}

static void a_list_is_a_trie_over_its_indexes(void **state)
{
    enum { MANY = 300 };
    CLEANUP(arena_close) struct arena arena;
    struct bytes values[MANY], value;
    uint8_t key[TRIE_INDEX_KEY_MAX];
    const struct bytes *nodes;
    struct trie *trie;
    struct error error;
    bool present;
    size_t count;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < MANY; i++)
        values[i] = evm_random_bytes(&arena, 1 + random_below(80));
    assert_int_equal(trie_of_list(values, MANY, &arena, &trie, &error), OK);
    for (size_t i = 0; i <= MANY; i++) {
        struct bytes at = bytes_of(key, trie_index_key(key, i));
        trie_prove(trie, at, &arena, &nodes, &count);
        assert_int_equal(trie_verify(trie_root(trie), at, nodes, count, &present, &value, &error), OK);
        assert_int_equal(present, i < MANY);
        if (i < MANY)
            assert_true(bytes_equal(value, values[i]));
    }
    assert_int_equal(trie_index_key(key, 0), 1);
    assert_int_equal(key[0], 0x80);
    assert_int_equal(trie_index_key(key, 128), 2);
    assert_int_equal(trie_index_key(key, UINT64_MAX), TRIE_INDEX_KEY_MAX);
}

int evm_trie_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_the_published_ones),
        cmocka_unit_test(every_key_is_proved_to_be_there_or_not),
        cmocka_unit_test(no_byte_of_a_proof_may_change),
        cmocka_unit_test(nodes_too_few_too_many_or_in_another_order_are_refused),
        cmocka_unit_test(a_node_inside_of_its_parent_may_be_listed_but_no_other),
        cmocka_unit_test(bytes_that_are_no_node_are_refused),
        cmocka_unit_test(an_empty_trie_has_nothing_and_says_so),
        cmocka_unit_test(what_makes_no_trie_is_refused),
        cmocka_unit_test(a_list_is_a_trie_over_its_indexes),
    };

    return cmocka_run_group_tests_name("evm tries", tests, NULL, NULL);
}
