/* The state tree: a published proof of its form, and random histories against a tree computed whole from its
 * definition. What ICS-23 says of its proofs is checked by test_tree_reference.py. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/state_tree.h"
#include "page_store.h"
#include "vectors.h"

#define LEAVES_MAX 400
#define BATCH_MAX 60

/* The tree as it should be: its leaves in order of keys. */
struct naive { size_t count; struct state_leaf leaves[LEAVES_MAX]; };

struct world {
    struct page_store store;
    struct state_tree tree;
    struct naive naive;
    struct arena arena;
    struct hash root;
};

static struct world *world_new(void)
{
    struct world *w = memory_new(sizeof *w);

    page_store_init(&w->store);
    w->tree = page_store_tree(&w->store);
    arena_init(&w->arena);
    return w;
}

static void world_free(struct world **w)
{
    page_store_close(&(*w)->store);
    arena_close(&(*w)->arena);
    free(*w);
}
#define AUTO_WORLD CLEANUP(world_free)

static int compare_keys(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static bool naive_find(const struct naive *naive, const struct hash *key, size_t *at)
{
    for (*at = 0; *at < naive->count; ++*at) {
        int order = compare_keys(&naive->leaves[*at].key, key);
        if (order >= 0)
            return order == 0;
    }
    return false;
}

static void naive_change(struct naive *naive, const struct state_change *change)
{
    size_t at;
    bool found = naive_find(naive, &change->key, &at);

    if (!change->present && found) {
        naive->count--;
        memmove(&naive->leaves[at], &naive->leaves[at + 1], (naive->count - at) * sizeof naive->leaves[0]);
    } else if (change->present) {
        if (!found) {
            assert_true(naive->count < LEAVES_MAX);
            memmove(&naive->leaves[at + 1], &naive->leaves[at],
                    (naive->count++ - at) * sizeof naive->leaves[0]);
        }
        naive->leaves[at] = (struct state_leaf){ change->key, change->value };
    }
}

/* The definition: nothing, one leaf, or the hash of both halves. */
static struct hash naive_root(const struct state_leaf *leaves, size_t count, unsigned depth)
{
    struct hash hash = { .bytes = { 0 } };
    uint8_t one[65] = { 0 };
    size_t split = 0;

    if (count == 0)
        return hash;
    if (count == 1) {
        memcpy(one + 1, &leaves[0], 64);
        sha256(&hash, one, sizeof one);
        return hash;
    }
    while (split < count && (leaves[split].key.bytes[depth / 8] << depth % 8 & 0x80) == 0)
        split++;
    struct hash left = naive_root(leaves, split, depth + 1);
    struct hash right = naive_root(leaves + split, count - split, depth + 1);
    one[0] = 1;
    memcpy(one + 1, &left, 32);
    memcpy(one + 33, &right, 32);
    sha256(&hash, one, sizeof one);
    return hash;
}

/* --- random ---------------------------------------------------------------------------------- */

static struct hash random_hash(void)
{
    struct hash hash;

    for (size_t i = 0; i < 32; i += 8)
        put_be64(hash.bytes + i, random_u64());
    return hash;
}

static void flip_bit(void *bytes, size_t bit)
{
    ((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* A key of its own, or one that agrees with a key there is in its first bits, up to all but the last. */
static struct hash random_key(const struct naive *naive)
{
    struct hash key = random_hash(), shared;

    if (naive->count == 0 || random_below(3) == 0)
        return key;
    shared = naive->leaves[random_below(naive->count)].key;
    if (random_below(4) == 0)
        return shared;
    size_t part = random_below(2) == 0 ? random_below(20) : random_below(256);
    for (size_t bit = 0; bit <= part; bit++)
        if (state_key_bit(&key, (unsigned)bit) != state_key_bit(&shared, (unsigned)bit))
            flip_bit(&key, bit);
    if (part == 255 || random_below(2) == 0) {
        key = shared;
        flip_bit(&key, part);
    }
    return key;
}

static int compare_changes(const void *a, const void *b)
{
    return compare_keys(&((const struct state_change *)a)->key, &((const struct state_change *)b)->key);
}

static size_t random_batch(const struct naive *naive, struct state_change *batch)
{
    size_t count = random_below(random_below(2) == 0 ? 4 : BATCH_MAX), kept = 0;

    for (size_t i = 0; i < count; i++) {
        bool full = naive->count + BATCH_MAX >= LEAVES_MAX;
        batch[i] = (struct state_change){ random_key(naive), random_below(full ? 4 : 2) == 0, random_hash() };
    }
    qsort(batch, count, sizeof batch[0], compare_changes);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_changes(&batch[kept - 1], &batch[i]) != 0)
            batch[kept++] = batch[i];
    return kept;
}

static void change_all(struct world *w, const struct state_change *batch, size_t count)
{
    struct error error;

    assert_int_equal(state_tree_update(&w->tree, batch, count, &w->arena, &w->root, &error), OK);
    arena_reset(&w->arena);
    for (size_t i = 0; i < count; i++)
        naive_change(&w->naive, &batch[i]);
}

static void change_some(struct world *w)
{
    struct state_change batch[BATCH_MAX];

    change_all(w, batch, random_batch(&w->naive, batch));
}

static struct world *random_world(unsigned batches)
{
    struct world *w = world_new();

    for (unsigned i = 0; i < batches; i++)
        change_some(w);
    return w;
}

static void assert_root_is_naive(struct world *w)
{
    struct hash expected = naive_root(w->naive.leaves, w->naive.count, 0), found;
    struct error error;

    assert_true(hash_equal(&w->root, &expected));
    assert_int_equal(state_tree_root(&w->tree, &found, &error), OK);
    assert_true(hash_equal(&found, &expected));
}

/* --- published ------------------------------------------------------------------------------- */

/* cosmos/ics23 testdata/smt/exist_left.json @606d5105: made by another implementation of the same tree. */
static void the_published_existence_proof_holds(void **state)
{
    static const char *const path[] = {
        "bc79ee59a60c4f08cc0216a5f64d39f871cd730b6983079429e91d9bcd57d470",
        "6732b1eaa2cf07fbc94599aecc2df057d8efb0ccd775d86b6ea176bfaad367ad",
        "3112ffea611a3ef030f5ed8dafb8bcaf8e33bec16fff9027b1a0c718136de2d3",
        "480983a2541b5527e1b5607e32f0597b12204d4973b5d9b498d1ff2a2350352b",
        "97058f1bf50e2b47ad129fdaf2dfd53f88f81467dad54dabfcf0fbe8330c4e4c",
        "08f6f1e45958b4780e1e0f7791315d44355eba4e519e2fb25c3dc48627a59a45",
        "bb4f607cb62f20e673fdfad3e40a8b596db50dc7c34e65aba74eec37f791e886",
        "fe97c3211b6a7eb3d859e754b373e89897a54f74244f0a84defc1df2a203dfd8",
        "2cab93bf9b91d25010972968d69b47ca9dfd5b4cea0c71310e0adced33acb19d",
        "69ca519f1f2528c971a930cdd00b65c41762e8510ce3d4a998d4ad8ccf598984",
    };
    static const char key_hex[] = "002de9b963c4dacf518eeea7b754d2baac1886ef2f2a8ac704c05a692f4bedd5";
    static const char root_hex[] = "432d73b49019d8df5c7e38fd93288d0240a62a3c010e7217a4a74f5885c391d5";
    static const char text[] = "value_for_DEhz0a5v5P6ae6QL7mdE";
    const unsigned depth = sizeof path / sizeof path[0];
    struct state_proof proof = { .kind = STATE_PRESENT, .depth = depth };
    struct hash key, value, root, changed;
    (void)state;

    assert_true(hex_decode(key.bytes, 32, key_hex, 64));
    assert_true(hex_decode(root.bytes, 32, root_hex, 64));
    sha256(&value, text, strlen(text));
    for (unsigned i = 0; i < depth; i++)
        assert_true(hex_decode(proof.siblings[depth - 1 - i].bytes, 32, path[i], 64));
    assert_true(state_proof_present(&proof, &key, &value, &root));
    assert_false(state_proof_absent(&proof, &key, &root));
    assert_true(state_proof_change(&proof, &key, &value, &value, &root, &changed));
    assert_true(hash_equal(&changed, &root));
    /* the last sibling is a hash alone */
    assert_false(state_proof_change(&proof, &key, &value, NULL, &root, &changed));
    flip_bit(&value, 77);
    assert_false(state_proof_present(&proof, &key, &value, &root));
}

/* Computed by the second implementation: one, two and three keys, of which two share four bits. */
static void figures_of_small_trees_hold(void **state)
{
    static const struct { const char *key, *root; } steps[] = {
        { "alice",
          "d016098f5004316b2c734d9f90d96f9a9c606e35fd9f3feb56d2e69d6ddd2f2e" },
        { "bob",
          "3b36289428a3008131f871a2f1ce75c0457b4d9342f36196b68db9af35146598" },
        { "carol",
          "e091b276e4cacaafd03e080ab92fd3e6373324f962b75ddd16358a30c1e9c717" },
    };
    AUTO_WORLD struct world *w = world_new();
    (void)state;

    assert_hash_is(&w->root, "0000000000000000000000000000000000000000000000000000000000000000");
    for (size_t i = 0; i < 3; i++) {
        struct state_change change = { .present = true };

        sha256(&change.key, steps[i].key, strlen(steps[i].key));
        sha256(&change.value, "1", 1);
        change_all(w, &change, 1);
        assert_hash_is(&w->root, steps[i].root);
    }
}

/* --- histories ------------------------------------------------------------------------------- */

static void the_root_is_the_definition_s_after_every_batch(void **state)
{
    (void)state;
    for (int history = 0; history < 40; history++) {
        AUTO_WORLD struct world *w = world_new();

        for (int batch = 0; batch < 25; batch++) {
            change_some(w);
            assert_root_is_naive(w);
        }
    }
}

static void every_key_has_its_value_and_no_other_has_any(void **state)
{
    struct error error;
    struct hash value;
    bool found;
    size_t at;
    (void)state;

    for (int history = 0; history < 30; history++) {
        AUTO_WORLD struct world *w = random_world((unsigned)random_below(20));

        for (size_t i = 0; i < w->naive.count; i++) {
            assert_int_equal(state_tree_get(&w->tree, &w->naive.leaves[i].key, &found, &value, &error), OK);
            assert_true(found && hash_equal(&value, &w->naive.leaves[i].value));
        }
        for (int i = 0; i < 200; i++) {
            struct hash key = random_key(&w->naive);
            assert_int_equal(state_tree_get(&w->tree, &key, &found, &value, &error), OK);
            assert_int_equal(found, naive_find(&w->naive, &key, &at));
        }
    }
}

/* As one batch into nothing, and one key at a time in any order: the same pages, none left over. */
static void the_pages_do_not_tell_the_history(void **state)
{
    (void)state;
    for (int history = 0; history < 20; history++) {
        AUTO_WORLD struct world *w = random_world(15);
        AUTO_WORLD struct world *whole = world_new();
        AUTO_WORLD struct world *single = world_new();
        struct state_change batch[LEAVES_MAX];
        size_t count = w->naive.count;

        for (size_t i = 0; i < count; i++)
            batch[i] = (struct state_change){ w->naive.leaves[i].key, true, w->naive.leaves[i].value };
        change_all(whole, batch, count);
        assert_true(page_store_equal(&w->store, &whole->store));
        for (size_t i = count; i > 0; i--) {
            size_t other = random_below(i);
            change_all(single, &batch[other], 1);
            batch[other] = batch[i - 1];
        }
        assert_true(page_store_equal(&w->store, &single->store));

        for (size_t i = 0; i < count; i++)
            batch[i] = (struct state_change){ w->naive.leaves[i].key, false, { { 0 } } };
        change_all(w, batch, count);
        assert_root_is_naive(w);
        assert_int_equal(w->store.pages, 0);
    }
}

static void what_changes_nothing_writes_nothing(void **state)
{
    (void)state;
    for (int history = 0; history < 20; history++) {
        AUTO_WORLD struct world *w = random_world(10);
        struct state_change batch[BATCH_MAX];
        size_t count = random_batch(&w->naive, batch), at;
        uint64_t writes = w->store.writes;

        for (size_t i = 0; i < count; i++) {
            batch[i].present = naive_find(&w->naive, &batch[i].key, &at);
            if (batch[i].present)
                batch[i].value = w->naive.leaves[at].value;
        }
        change_all(w, batch, count);
        assert_int_equal(w->store.writes, writes);
        assert_root_is_naive(w);
    }
}

/* Of 100,000 keys a changed one is found among 2^4 each page: at most 12 pages are read, however many there
 * are, and no more are written. */
static void the_cost_is_the_path_s(void **state)
{
    AUTO_WORLD struct world *w = world_new();
    AUTO_FREE struct state_change *batch = memory_array(100000, sizeof *batch);
    struct error error;
    (void)state;

    for (size_t i = 0; i < 100000; i++)
        batch[i] = (struct state_change){ random_hash(), true, random_hash() };
    qsort(batch, 100000, sizeof batch[0], compare_changes);
    assert_int_equal(state_tree_update(&w->tree, batch, 100000, &w->arena, &w->root, &error), OK);
    assert_true(w->arena.total < 100000);
    for (size_t i = 0; i < 100; i++) {
        struct state_change change = { batch[random_below(100000)].key, random_below(2) == 0, random_hash() };

        w->store.reads = w->store.writes = 0;
        assert_int_equal(state_tree_update(&w->tree, &change, 1, &w->arena, &w->root, &error), OK);
        assert_true(w->store.reads <= 12);
        assert_true(w->store.writes <= w->store.reads);
    }
}

static void unsorted_and_repeated_changes_are_refused_before_anything_is_read(void **state)
{
    AUTO_WORLD struct world *w = random_world(5);
    struct state_change batch[3] = { { random_hash(), true, random_hash() } };
    struct hash root = { .bytes = { 1, 2, 3 } }, untouched = root;
    struct error error;
    (void)state;

    batch[0].key.bytes[31] = 7;
    batch[2] = batch[1] = batch[0];
    batch[1].key.bytes[31] = 8;
    batch[2].key.bytes[31] = 8; /* twice */
    w->store.reads = 0;
    assert_int_equal(state_tree_update(&w->tree, batch, 3, &w->arena, &root, &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "change 2"));
    batch[2].present = false; /* set and removed */
    assert_int_equal(state_tree_update(&w->tree, batch, 3, &w->arena, &root, &error), ERROR_INVALID_PARAMS);
    batch[2].key.bytes[31] = 6; /* the wrong way round */
    assert_int_equal(state_tree_update(&w->tree, batch, 3, &w->arena, &root, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(w->store.reads, 0);
    assert_true(hash_equal(&root, &untouched));
    assert_root_is_naive(w);
}

static void a_failing_store_fails_the_call_wherever_it_happens(void **state)
{
    (void)state;
    for (int history = 0; history < 10; history++) {
        AUTO_WORLD struct world *w = random_world(12);
        struct state_change batch[BATCH_MAX];
        size_t count = random_batch(&w->naive, batch);
        struct hash root = w->root, before = w->root;
        enum status status = ERROR_STORAGE;
        struct error error;

        for (uint64_t call = 1; status != OK; call++) {
            struct page_store kept;

            page_store_copy(&kept, &w->store);
            w->store.fail_at = call;
            status = state_tree_update(&w->tree, batch, count, &w->arena, &root, &error);
            if (status != OK) {
                assert_int_equal(status, ERROR_STORAGE);
                assert_true(hash_equal(&root, &before));
                page_store_close(&w->store); /* as the transaction that is rolled back */
                w->store = kept;
            } else {
                page_store_close(&kept);
            }
        }
        w->store.fail_at = 0;
        change_all(w, batch, count);
        assert_root_is_naive(w);
    }
}

/* --- proofs ---------------------------------------------------------------------------------- */

/* The value under `key`, or NULL. */
static const struct hash *naive_value(const struct naive *naive, const struct hash *key)
{
    size_t at;

    return naive_find(naive, key, &at) ? &naive->leaves[at].value : NULL;
}

static struct hash naive_changed(const struct naive *naive, const struct hash *key, const struct hash *after)
{
    AUTO_FREE struct naive *changed = memory_copy(naive, sizeof *naive);

    naive_change(changed, &(struct state_change){ *key, after != NULL, after != NULL ? *after : *key });
    return naive_root(changed->leaves, changed->count, 0);
}

static bool judge(const struct state_proof *proof, const struct hash *key, const struct hash *value,
                  const struct hash *root)
{
    return value != NULL ? state_proof_present(proof, key, value, root)
                         : state_proof_absent(proof, key, root);
}

static void check_proof(struct world *w, const struct hash *key, unsigned *shapes)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 }, again = { 0 };
    const struct hash *value = naive_value(&w->naive, key);
    struct hash other = random_hash(), expected, changed;
    struct state_proof proof, decoded;
    struct error error;

    buffer_init(&bytes);
    buffer_init(&again);
    assert_int_equal(state_tree_prove(&w->tree, key, &proof, &error), OK);
    *shapes |= 1U << (proof.kind * 4 + proof.sibling);
    *shapes |= proof.depth == 0 ? 1U << (16 + proof.kind) : 0;
    *shapes |= proof.depth >= 255 ? 1U << (20 + proof.kind) : 0;
    assert_int_equal(proof.kind == STATE_PRESENT, value != NULL);
    assert_true(judge(&proof, key, value, &w->root));
    assert_false(state_proof_present(&proof, key, &other, &w->root));
    assert_false(value != NULL && state_proof_absent(&proof, key, &w->root));

    state_proof_encode(&proof, &bytes);
    assert_true(bytes.size <= STATE_PROOF_SIZE_MAX);
    assert_int_equal(state_proof_decode(buffer_bytes(&bytes), &decoded, &error), OK);
    assert_memory_equal(&decoded, &proof, sizeof proof);
    state_proof_encode(&decoded, &again);
    assert_true(bytes_equal(buffer_bytes(&bytes), buffer_bytes(&again)));

    expected = naive_changed(&w->naive, key, &other);
    assert_true(state_proof_change(&proof, key, value, &other, &w->root, &changed));
    assert_true(hash_equal(&changed, &expected));
    expected = naive_changed(&w->naive, key, NULL);
    assert_true(state_proof_change(&proof, key, value, NULL, &w->root, &changed));
    assert_true(hash_equal(&changed, &expected));
    assert_false(state_proof_change(&proof, key, &other, NULL, &w->root, &changed));
    assert_false(state_proof_change(&proof, key, value, NULL, &other, &changed));
    if (value != NULL && proof.depth > 0) {
        proof.sibling = STATE_SIBLING_HASH;
        assert_true(state_proof_present(&proof, key, value, &w->root));
        assert_false(state_proof_change(&proof, key, value, NULL, &w->root, &changed));
    }
}

static void every_key_s_presence_or_absence_is_proved_and_changed(void **state)
{
    /* kind and sibling; kind at depth 0; kind at the deepest */
    const unsigned all = 1U << 4 | 1U << 5 | 1U << 6 | 1U << 8 | 1U << 12 | 7U << 17 | 7U << 21;
    unsigned shapes = 0;
    (void)state;

    for (int history = 0; history < 60; history++) {
        AUTO_WORLD struct world *w = random_world((unsigned)random_below(history < 30 ? 3 : 14));

        for (size_t i = 0; i < w->naive.count; i += 1 + random_below(8))
            check_proof(w, &w->naive.leaves[i].key, &shapes);
        for (int i = 0; i < 30; i++) {
            struct hash key = random_key(&w->naive);
            check_proof(w, &key, &shapes);
        }
    }
    /* The rare ones, made: one key alone, and three that differ in the last two bits. */
    AUTO_WORLD struct world *w = world_new();
    struct state_change change = { random_hash(), true, random_hash() };
    check_proof(w, &change.key, &shapes);
    for (unsigned last = 0; last < 3; last++) {
        change.key.bytes[31] = (uint8_t)((change.key.bytes[31] & 0xfc) | last);
        change_all(w, &change, 1);
        for (unsigned i = 0; i < 4; i++) {
            struct hash key = change.key;
            key.bytes[31] = (uint8_t)((key.bytes[31] & 0xfc) | i);
            check_proof(w, &key, &shapes);
        }
    }
    assert_int_equal(shapes & all, all);
}

static void every_changed_bit_of_a_proof_is_refused(void **state)
{
    (void)state;
    for (int history = 0; history < 25; history++) {
        AUTO_WORLD struct world *w = random_world(1 + (unsigned)random_below(6));

        for (int i = 0; i < 4; i++) {
            CLEANUP(buffer_close) struct buffer bytes = { 0 };
            struct hash key = random_key(&w->naive), root = w->root, other = key;
            const struct hash *value = naive_value(&w->naive, &key);
            struct state_proof proof, changed;
            struct error error;

            buffer_init(&bytes);
            assert_int_equal(state_tree_prove(&w->tree, &key, &proof, &error), OK);
            state_proof_encode(&proof, &bytes);
            for (size_t bit = 0; bit < bytes.size * 8; bit++) {
                flip_bit(bytes.data, bit);
                if (state_proof_decode(buffer_bytes(&bytes), &changed, &error) == OK)
                    assert_false(judge(&changed, &key, value, &root));
                flip_bit(bytes.data, bit);
            }
            for (size_t bit = 0; bit < 256; bit++) {
                flip_bit(&root, bit);
                assert_false(judge(&proof, &key, value, &root));
                flip_bit(&root, bit);
                flip_bit(&other, bit);
                assert_false(state_proof_present(&proof, &other, value != NULL ? value : &key, &root));
                if (proof.kind == STATE_PRESENT || naive_value(&w->naive, &other) != NULL)
                    assert_false(state_proof_absent(&proof, &other, &root));
                flip_bit(&other, bit);
            }
        }
    }
}

static void bytes_that_are_no_proof_are_refused(void **state)
{
    AUTO_WORLD struct world *w = random_world(8);
    struct state_proof proof, untouched;
    struct error error;
    (void)state;

    memset(&untouched, 7, sizeof untouched);
    proof = untouched;
    for (int i = 0; i < 20; i++) {
        CLEANUP(buffer_close) struct buffer bytes = { 0 };
        struct state_proof made;
        struct hash key = random_key(&w->naive);

        buffer_init(&bytes);
        assert_int_equal(state_tree_prove(&w->tree, &key, &made, &error), OK);
        state_proof_encode(&made, &bytes);
        for (size_t size = 0; size < bytes.size; size++)
            assert_int_equal(state_proof_decode(bytes_of(bytes.data, size), &proof, &error),
                             ERROR_INVALID_PARAMS);
        buffer_append(&bytes, "", 1);
        assert_int_equal(state_proof_decode(buffer_bytes(&bytes), &proof, &error), ERROR_INVALID_PARAMS);
    }

    static const struct { const char *hex, *why; } wrong[] = {
        { "000000", "form 0" },
        { "060000", "form 6" },
        { "010101", "257 steps; at most 256" },
        { "040100", "256 steps; at most 255" },
        { "050100", "256 steps; at most 255" },
        { "020000", "a sibling of the root" },
        { "030000", "a sibling of the root" },
        { "010002c0", "within its siblings" },
        { "01000180ff", "within its siblings" },
        { "01000100", "ends beside nothing" },
        { "010001c0", "below its end" },
        { "01000140", "below its end" },
        { "010001800000000000000000000000000000000000000000000000000000000000000000", "where nothing is" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bytes[64];
        size_t size = strlen(wrong[i].hex) / 2;

        assert_true(hex_decode(bytes, size, wrong[i].hex, 2 * size));
        assert_int_equal(state_proof_decode(bytes_of(bytes, size), &proof, &error), ERROR_INVALID_PARAMS);
        if (strstr(error.message, wrong[i].why) == NULL)
            fail_msg("%s: %s", wrong[i].hex, error.message);
    }
    uint8_t nothing[4 + 64] = { 3, 0, 1, 0x80 }; /* an inner sibling of two empty halves */
    assert_int_equal(state_proof_decode(bytes_of(nothing, sizeof nothing), &proof, &error),
                     ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "with nothing below"));
    assert_memory_equal(&proof, &untouched, sizeof proof);
}

/* A root over a tree that no history gives does not make its proofs right. */
static void proofs_of_trees_that_cannot_be_are_refused(void **state)
{
    struct hash key = random_hash(), value = random_hash(), root;
    struct state_leaf leaf = { key, value };
    struct state_proof proof = { .kind = STATE_PRESENT, .depth = 1 };
    (void)state;

    state_leaf_hash(&root, &leaf);
    proof.depth = 0;
    assert_true(state_proof_present(&proof, &key, &value, &root));
    proof.depth = 1; /* the leaf alone, one step too low */
    struct hash lower, empty = { .bytes = { 0 } };
    if (state_key_bit(&key, 0) == 0)
        merkle_node(&lower, &root, &empty);
    else
        merkle_node(&lower, &empty, &root);
    assert_false(state_proof_present(&proof, &key, &value, &lower));

    /* its sibling is a leaf that belongs elsewhere, shown or not what it is */
    struct state_leaf beside = { key, random_hash() };
    flip_bit(&beside.key, 0);
    for (int wrong = 0; wrong < 2; wrong++) {
        if (wrong)
            flip_bit(&beside.key, 0);
        proof.sibling = STATE_SIBLING_LEAF;
        proof.halves[0] = beside.key;
        proof.halves[1] = beside.value;
        state_leaf_hash(&proof.siblings[0], &beside);
        if (state_key_bit(&key, 0) == 0)
            merkle_node(&lower, &root, &proof.siblings[0]);
        else
            merkle_node(&lower, &proof.siblings[0], &root);
        assert_int_equal(state_proof_present(&proof, &key, &value, &lower), !wrong);
        flip_bit(&proof.halves[1], 5); /* what is shown is not what was hashed */
        assert_false(state_proof_present(&proof, &key, &value, &lower));
    }

    /* the same one step lower, where the key's first bit must be the sibling's too */
    for (int wrong = 0; wrong < 2; wrong++) {
        const struct hash upper = random_hash();

        proof.depth = 2;
        proof.siblings[0] = upper;
        beside = leaf;
        flip_bit(&beside.key, 1);
        if (wrong)
            flip_bit(&beside.key, 0);
        proof.halves[0] = beside.key;
        proof.halves[1] = beside.value;
        state_leaf_hash(&proof.siblings[1], &beside);
        lower = root;
        for (unsigned depth = 2; depth-- > 0;) {
            if (state_key_bit(&key, depth) == 0)
                merkle_node(&lower, &lower, &proof.siblings[depth]);
            else
                merkle_node(&lower, &proof.siblings[depth], &lower);
        }
        assert_int_equal(state_proof_present(&proof, &key, &value, &lower), !wrong);
    }

    /* another leaf that does not stand on the key's path, or is the key's own */
    proof = (struct state_proof){ .kind = STATE_ABSENT_OTHER, .depth = 0, .other = leaf };
    assert_false(state_proof_absent(&proof, &key, &root));
    proof.depth = 1;
    proof.siblings[0] = random_hash();
    struct hash asked = key;
    flip_bit(&asked, 0);
    for (unsigned side = 0; side < 2; side++) {
        merkle_node(&lower, side == 0 ? &root : &proof.siblings[0], side == 0 ? &proof.siblings[0] : &root);
        assert_false(state_proof_absent(&proof, &asked, &lower));
    }
    proof.kind = (enum state_proof_kind)4;
    assert_false(state_proof_absent(&proof, &asked, &lower));
}

static void the_longest_proofs_fit(void **state)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    struct state_proof proof = { .kind = STATE_PRESENT, .sibling = STATE_SIBLING_INNER, .depth = 256 };
    struct state_proof decoded;
    struct error error;
    (void)state;

    buffer_init(&bytes);
    for (size_t i = 0; i < 256; i++)
        proof.siblings[i] = random_hash();
    proof.halves[0] = random_hash();
    merkle_node(&proof.siblings[255], &proof.halves[0], &proof.halves[1]);
    state_proof_encode(&proof, &bytes);
    assert_int_equal(bytes.size, STATE_PROOF_SIZE_MAX);
    assert_int_equal(state_proof_decode(buffer_bytes(&bytes), &decoded, &error), OK);
    assert_memory_equal(&decoded, &proof, sizeof proof);

    proof = (struct state_proof){ .kind = STATE_ABSENT_OTHER, .depth = 255 };
    for (size_t i = 0; i < 255; i++)
        proof.siblings[i] = random_hash();
    buffer_clear(&bytes);
    state_proof_encode(&proof, &bytes);
    assert_int_equal(bytes.size, STATE_PROOF_SIZE_MAX);
    assert_int_equal(state_proof_decode(buffer_bytes(&bytes), &decoded, &error), OK);
}

static void an_older_state_is_proved_from_its_pages(void **state)
{
    AUTO_WORLD struct world *w = random_world(10);
    AUTO_FREE struct naive *old = memory_copy(&w->naive, sizeof w->naive);
    struct hash old_root = w->root;
    struct page_store kept;
    struct error error;
    (void)state;

    page_store_copy(&kept, &w->store);
    for (int i = 0; i < 10; i++)
        change_some(w);
    struct state_tree tree = page_store_tree(&kept);
    tree.write = NULL;
    for (int i = 0; i < 100; i++) {
        struct hash key = random_key(i % 2 == 0 ? old : &w->naive);
        struct state_proof proof;

        assert_int_equal(state_tree_prove(&tree, &key, &proof, &error), OK);
        assert_true(judge(&proof, &key, naive_value(old, &key), &old_root));
    }
    page_store_close(&kept);
}

/* --- neighbours and damage ------------------------------------------------------------------- */

static void the_nearest_keys_are_found_on_either_side(void **state)
{
    struct state_leaf leaf;
    struct error error;
    bool found;
    (void)state;

    for (int history = 0; history < 30; history++) {
        AUTO_WORLD struct world *w = random_world((unsigned)random_below(history < 10 ? 3 : 14));

        for (int i = 0; i < 150; i++) {
            struct hash key = random_key(&w->naive);
            size_t at;
            bool there = naive_find(&w->naive, &key, &at);
            size_t above = at + (there ? 1 : 0);

            assert_int_equal(state_tree_nearest(&w->tree, &key, STATE_BELOW, &found, &leaf, &error), OK);
            assert_int_equal(found, at > 0);
            if (found)
                assert_memory_equal(&leaf, &w->naive.leaves[at - 1], sizeof leaf);
            assert_int_equal(state_tree_nearest(&w->tree, &key, STATE_ABOVE, &found, &leaf, &error), OK);
            assert_int_equal(found, above < w->naive.count);
            if (found)
                assert_memory_equal(&leaf, &w->naive.leaves[above], sizeof leaf);
        }
    }
}

/* Damage is told, or gives a proof that does not hold; never more. */
static void damaged_and_missing_pages_prove_nothing_wrong(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        AUTO_WORLD struct world *w = random_world(1 + (unsigned)random_below(4));
        struct hash key = random_key(&w->naive), value, root = w->root;
        struct stored_page *page;
        struct state_proof proof;
        struct state_leaf leaf;
        struct error error;
        bool found;

        if (w->store.pages == 0)
            continue;
        do {
            page = &w->store.slots[random_below(w->store.slot_count)];
        } while (page->bytes == NULL || page->size == 0);
        switch (random_below(3)) {
        case 0:
            page->size = random_below(page->size);
            break;
        case 1:
            memset(page->bytes + page->size, 0, 1);
            page->size++;
            break;
        default:
            flip_bit(page->bytes, random_below(page->size * 8));
        }
        enum status status = state_tree_prove(&w->tree, &key, &proof, &error);
        assert_true(status == OK || status == ERROR_CORRUPT);
        if (status == OK && state_proof_present(&proof, &key, &proof.halves[1], &root))
            assert_non_null(naive_value(&w->naive, &key));
        if (status == OK && state_proof_absent(&proof, &key, &root))
            assert_null(naive_value(&w->naive, &key));
        status = state_tree_get(&w->tree, &key, &found, &value, &error);
        assert_true(status == OK || status == ERROR_CORRUPT);
        status = state_tree_nearest(&w->tree, &key, STATE_ABOVE, &found, &leaf, &error);
        assert_true(status == OK || status == ERROR_CORRUPT);
        struct state_change change = { key, random_below(2) == 0, random_hash() };
        status = state_tree_update(&w->tree, &change, 1, &w->arena, &root, &error);
        assert_true(status == OK || status == ERROR_CORRUPT);
    }
}

/* A page of an older state among newer ones, and one that no history gives. */
static void a_page_that_is_not_the_right_one_is_told(void **state)
{
    AUTO_WORLD struct world *w = world_new();
    const struct state_page_id below = { .depth = 4 };
    uint8_t lonely[1 + 32 + 2] = { 2 }, old[STATE_PAGE_SIZE_MAX];
    struct state_change changes[2] = { { .present = true }, { .present = true } };
    struct stored_page *page;
    struct error error;
    struct hash value;
    bool found;
    (void)state;

    changes[1].key.bytes[0] = 1;
    change_all(w, changes, 2);
    page = page_store_find(&w->store, &below);
    assert_non_null(page);
    size_t size = page->size;
    memcpy(old, page->bytes, size);
    changes[0].value.bytes[0] = 1;
    change_all(w, changes, 1);
    page = page_store_find(&w->store, &below);
    assert_int_equal(page->size, size);
    memcpy(page->bytes, old, size);
    assert_int_equal(state_tree_get(&w->tree, &changes[0].key, &found, &value, &error), ERROR_CORRUPT);
    assert_int_equal(state_tree_update(&w->tree, changes, 1, &w->arena, &value, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "depth 4"));
    page->size = 0;
    assert_int_equal(state_tree_get(&w->tree, &changes[0].key, &found, &value, &error), ERROR_CORRUPT);

    page = page_store_find(&w->store, &(struct state_page_id){ .depth = 0 });
    memcpy(page->bytes, lonely, sizeof lonely);
    page->size = sizeof lonely; /* an inner node with nothing below */
    assert_int_equal(state_tree_root(&w->tree, &value, &error), ERROR_CORRUPT);
}

int state_tree_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_existence_proof_holds),
        cmocka_unit_test(figures_of_small_trees_hold),
        cmocka_unit_test(the_root_is_the_definition_s_after_every_batch),
        cmocka_unit_test(every_key_has_its_value_and_no_other_has_any),
        cmocka_unit_test(the_pages_do_not_tell_the_history),
        cmocka_unit_test(what_changes_nothing_writes_nothing),
        cmocka_unit_test(the_cost_is_the_path_s),
        cmocka_unit_test(unsorted_and_repeated_changes_are_refused_before_anything_is_read),
        cmocka_unit_test(a_failing_store_fails_the_call_wherever_it_happens),
        cmocka_unit_test(every_key_s_presence_or_absence_is_proved_and_changed),
        cmocka_unit_test(every_changed_bit_of_a_proof_is_refused),
        cmocka_unit_test(bytes_that_are_no_proof_are_refused),
        cmocka_unit_test(proofs_of_trees_that_cannot_be_are_refused),
        cmocka_unit_test(the_longest_proofs_fit),
        cmocka_unit_test(an_older_state_is_proved_from_its_pages),
        cmocka_unit_test(the_nearest_keys_are_found_on_either_side),
        cmocka_unit_test(a_page_that_is_not_the_right_one_is_told),
        cmocka_unit_test(damaged_and_missing_pages_prove_nothing_wrong),
    };
    return cmocka_run_group_tests_name("state tree", tests, NULL, NULL);
}
