/* The tree in memory against the one of crypto/state_tree.h, which keeps pages and shares no code with it:
 * the same roots, and the same proofs byte by byte, over random histories in which leaves come, change, go,
 * and are taken back. In every width of vectors that the processor has. LAYERD_SEED repeats one. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sanitized.h"
#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "layer2/rollup/leaf_tree.h"
#include "world.h"

#include <cmocka.h>

#define KEY_TAG "test/key"
#define VALUE_TAG "test/value"
#define LEAVES 40000 /* more than two walks take at once */
#define FEW_LEAVES 1200
#define KEPT 4       /* states to which a history goes back */
#define VALUE_SIZE_MAX 200
#define NODE_BYTES 72
#define MEBIBYTE ((size_t)1 << 20)

static struct dice dice;

/* Leaves are numbered in any order; each has a value of some size once it is there. */
struct grove {
    uint32_t values[LEAVES]; /* 0: it is not there */
    struct leaf_tree *tree;
    struct page_store store;
    struct state_tree plain;
    struct arena arena;
    struct hash root; /* of the plain one */
};

static size_t grove_key(void *context, uint32_t leaf, uint8_t out[LEAF_KEY_BYTES_MAX])
{
    const size_t size = 4 + leaf % (LEAF_KEY_BYTES_MAX - 3);
    (void)context;

    memset(out, 0x5a, size);
    put_be32(out, leaf);
    return size;
}

static size_t value_bytes(uint32_t value, uint8_t *out)
{
    const size_t size = 4 + value % (VALUE_SIZE_MAX - 3);

    memset(out, 0xa5, size);
    put_be32(out, value);
    return size;
}

static size_t grove_value(void *context, uint32_t leaf, uint8_t *out)
{
    const struct grove *grove = context;

    assert_true(grove->values[leaf] != 0);
    return value_bytes(grove->values[leaf], out);
}

static void grove_prefetch(void *context, uint32_t leaf)
{
    const struct grove *grove = context;

    __builtin_prefetch(&grove->values[leaf]);
}

static struct grove *grove_new(void)
{
    struct grove *grove = memory_new(sizeof *grove);
    const struct leaf_source source = {
        .context = grove, .key = grove_key, .value = grove_value, .value_max = VALUE_SIZE_MAX,
        .prefetch = grove_prefetch, .key_tag = KEY_TAG, .value_tag = VALUE_TAG,
    };

    grove->tree = leaf_tree_new(&source);
    page_store_init(&grove->store);
    grove->plain = page_store_tree(&grove->store);
    return grove;
}

static void grove_free(struct grove *grove)
{
    leaf_tree_free(grove->tree);
    page_store_close(&grove->store);
    arena_close(&grove->arena);
    free(grove);
}

static void key_of(uint32_t leaf, struct hash *key)
{
    uint8_t bytes[LEAF_KEY_BYTES_MAX];

    tagged_hash(key, KEY_TAG, bytes, grove_key(NULL, leaf, bytes));
}

static int by_key(const void *a, const void *b)
{
    const struct state_change *left = a, *right = b;

    return memcmp(left->key.bytes, right->key.bytes, sizeof left->key.bytes);
}

/* Gives these leaves these values (0: none), in both trees, the one in memory all at once. */
static void grove_set(struct grove *grove, const uint32_t *leaves, const uint32_t *values, size_t count)
{
    struct state_change *changes AUTO_FREE = memory_array(count + 1, sizeof changes[0]);
    uint32_t *put AUTO_FREE = memory_array(count + 1, sizeof put[0]);
    uint32_t *gone AUTO_FREE = memory_array(count + 1, sizeof gone[0]);
    size_t puts = 0, gones = 0;
    struct error error;

    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[VALUE_SIZE_MAX];

        changes[i].present = values[i] != 0;
        key_of(leaves[i], &changes[i].key);
        tagged_hash(&changes[i].value, VALUE_TAG, bytes, value_bytes(values[i], bytes));
        if (values[i] != 0)
            put[puts++] = leaves[i];
        else
            gone[gones++] = leaves[i];
    }
    leaf_tree_remove(grove->tree, gone, gones);
    for (size_t i = 0; i < count; i++)
        grove->values[leaves[i]] = values[i];
    leaf_tree_put(grove->tree, put, puts);
    qsort(changes, count, sizeof changes[0], by_key);
    arena_reset(&grove->arena);
    assert_int_equal(state_tree_update(&grove->plain, changes, count, &grove->arena, &grove->root, &error),
                     OK);
}

static void assert_root(const struct grove *grove)
{
    struct hash root;

    leaf_tree_root(grove->tree, &root);
    assert_memory_equal(root.bytes, grove->root.bytes, sizeof root.bytes);
}

/* Of a leaf that is there, or is not. */
static void assert_proof(const struct grove *grove, uint32_t leaf)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 }, plain_bytes = { 0 };
    static struct state_proof proof, plain;
    struct error error;
    struct hash key;

    key_of(leaf, &key);
    leaf_tree_prove(grove->tree, &key, &proof);
    assert_int_equal(state_tree_prove(&grove->plain, &key, &plain, &error), OK);
    assert_int_equal(proof.kind == STATE_PRESENT, grove->values[leaf] != 0);
    state_proof_encode(&proof, &bytes);
    state_proof_encode(&plain, &plain_bytes);
    assert_int_equal(bytes.size, plain_bytes.size);
    assert_memory_equal(bytes.data, plain_bytes.data, bytes.size);
}

/* Different leaves below `below`, as many as asked for or fewer. */
static size_t leaves_choose(uint32_t *leaves, size_t count, uint32_t below)
{
    static bool chosen[LEAVES];
    size_t made = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t leaf = (uint32_t)dice_roll(&dice, below);

        if (!chosen[leaf])
            leaves[made++] = leaf;
        chosen[leaf] = true;
    }
    for (size_t i = 0; i < made; i++)
        chosen[leaves[i]] = false;
    return made;
}

static void step(struct grove *grove)
{
    static uint32_t leaves[FEW_LEAVES], values[FEW_LEAVES];
    const size_t sizes[] = { 1, 2, 40, FEW_LEAVES };
    const uint32_t below = (uint32_t)(2 + dice_roll(&dice, FEW_LEAVES - 1));
    const unsigned goes = (unsigned)dice_roll(&dice, 4); /* so many of three, of which some are not there */
    size_t count = leaves_choose(leaves, 1 + dice_roll(&dice, sizes[dice_roll(&dice, 4)]), below);

    for (size_t i = 0; i < count; i++)
        values[i] = dice_roll(&dice, 3) < goes ? 0 : 1 + (uint32_t)dice_roll(&dice, UINT32_MAX);
    grove_set(grove, leaves, values, count);
}

/* Back to values that all leaves had: what came since goes, what went comes. */
static void take_back(struct grove *grove, const uint32_t *values, const struct hash *root)
{
    static uint32_t changed[FEW_LEAVES], before[FEW_LEAVES];
    size_t count = 0;

    for (uint32_t i = 0; i < FEW_LEAVES; i++) {
        if (grove->values[i] == values[i])
            continue;
        changed[count] = i;
        before[count++] = values[i];
    }
    grove_set(grove, changed, before, count);
    assert_memory_equal(grove->root.bytes, root->bytes, sizeof root->bytes);
    assert_root(grove);
}

static void check_history(void)
{
    static uint32_t kept[KEPT][FEW_LEAVES];
    struct grove *grove = grove_new();
    struct hash roots[KEPT];
    size_t depth = 0;

    for (unsigned i = 0; i < 120; i++) {
        if (depth < KEPT && dice_one_in(&dice, 4)) {
            memcpy(kept[depth], grove->values, sizeof kept[depth]);
            roots[depth++] = grove->root;
        }
        step(grove);
        assert_root(grove);
        for (unsigned k = 0; k < 8; k++)
            assert_proof(grove, (uint32_t)dice_roll(&dice, FEW_LEAVES));
        if (depth > 0 && dice_one_in(&dice, 8)) {
            depth--;
            take_back(grove, kept[depth], &roots[depth]);
        }
    }
    grove_free(grove);
}

static void random_histories_have_the_roots_and_proofs_of_the_plain_tree(void **state)
{
    const unsigned widest = sha256_many_limit(UINT32_MAX);
    unsigned lanes = widest, wider;
    (void)state;

    do {
        check_history();
        check_history();
        wider = lanes;
        lanes = sha256_many_limit(wider - 1);
    } while (lanes < wider);
    assert_int_equal(sha256_many_limit(UINT32_MAX), widest);
}

static void a_tree_of_nothing_and_of_one_leaf_is_as_defined(void **state)
{
    struct grove *grove = grove_new();
    const struct hash nothing = { .bytes = { 0 } };
    const uint32_t leaf = 7, there = 1, gone = 0;
    struct hash root;
    (void)state;

    leaf_tree_root(grove->tree, &root);
    assert_true(hash_equal(&root, &nothing));
    leaf_tree_remove(grove->tree, &leaf, 1); /* which is not there */
    leaf_tree_root(grove->tree, &root);
    assert_true(hash_equal(&root, &nothing));
    grove_set(grove, &leaf, &there, 1);
    assert_root(grove);
    assert_proof(grove, leaf);
    assert_proof(grove, leaf + 1);
    grove_set(grove, &leaf, &gone, 1);
    assert_root(grove);
    leaf_tree_root(grove->tree, &root);
    assert_true(hash_equal(&root, &nothing));
    grove_free(grove);
}

/* More leaves than one walk takes: grown at once, taken away, and grown again in the same memory. */
static void what_grew_and_went_leaves_its_memory_to_what_grows_again(void **state)
{
    uint32_t *leaves AUTO_FREE = memory_array(LEAVES, sizeof leaves[0]);
    uint32_t *values AUTO_FREE = memory_array(LEAVES, sizeof values[0]);
    const struct hash nothing = { .bytes = { 0 } };
    struct grove *grove = grove_new();
    size_t taken = 0;
    (void)state;

    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < LEAVES; i++) {
            leaves[i] = i;
            values[i] = 1 + i * (round + 1);
        }
        grove_set(grove, leaves, values, LEAVES);
        assert_root(grove);
        assert_proof(grove, (uint32_t)dice_roll(&dice, LEAVES));
        memset(values, 0, LEAVES * sizeof values[0]);
        grove_set(grove, leaves, values, LEAVES);
        assert_root(grove);
        assert_true(hash_equal(&grove->root, &nothing));
        if (round > 0)
            assert_int_equal(leaf_tree_memory(grove->tree), taken);
        taken = leaf_tree_memory(grove->tree);
    }
    /* About 1.44 inner nodes a leaf; one walk's lists are of 16,384 leaves at most. */
    assert_in_range(taken, LEAVES * (size_t)NODE_BYTES, LEAVES * (size_t)NODE_BYTES * 3 / 2 + 8 * MEBIBYTE);
    grove_free(grove);
}

/* In a process that may have only so much memory: it ends as everything here does that has none left. */
static void without_memory_the_process_ends_as_it_should(void **state)
{
    int status;
    (void)state;

#if SANITIZED
    skip(); /* the sanitizers' own memory is beyond any limit */
#endif
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = { 160 * MEBIBYTE, 160 * MEBIBYTE };
        const struct leaf_source source = {
            .key = grove_key, .value = grove_key, .value_max = LEAF_KEY_BYTES_MAX,
            .prefetch = grove_prefetch, .key_tag = KEY_TAG, .value_tag = VALUE_TAG, .context = NULL,
        };
        static uint32_t leaves[LEAVES];
        struct leaf_tree *tree;

        if (freopen("/dev/null", "w", stderr) == NULL || setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(1);
        tree = leaf_tree_new(&source);
        for (uint32_t leaf = 0; leaf < 100 * LEAVES;) {
            for (uint32_t i = 0; i < LEAVES; i++)
                leaves[i] = leaf++;
            leaf_tree_put(tree, leaves, LEAVES);
        }
        _exit(0); /* more than the limit, it seems, was enough */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), MEMORY_EXIT_CODE);
}

int main(void)
{
    const char *seed = getenv("LAYERD_SEED");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_of_nothing_and_of_one_leaf_is_as_defined),
        cmocka_unit_test(random_histories_have_the_roots_and_proofs_of_the_plain_tree),
        cmocka_unit_test(what_grew_and_went_leaves_its_memory_to_what_grows_again),
        cmocka_unit_test(without_memory_the_process_ends_as_it_should),
    };

    crypto_start();
    dice.state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("LAYERD_SEED=%" PRIu64 "\n", dice.state);
    return cmocka_run_group_tests_name("leaf_tree", tests, NULL, NULL);
}
