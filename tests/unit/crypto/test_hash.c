/* Hashes: published values, and tagged hashes against their definition. */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/sha256_many.h"
#include "vectors.h"

/* FIPS 180-4 "abc", and RFC 7693's BLAKE2b with 32 bytes of digest over nothing. */
static void hashes_give_their_published_values(void **state)
{
    struct hash hash;
    (void)state;

    sha256(&hash, "abc", 3);
    assert_hash_is(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(&hash, NULL, 0);
    assert_hash_is(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    blake2b256(&hash, NULL, 0);
    assert_hash_is(&hash, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    blake2b256(&hash, "abc", 3);
    assert_hash_is(&hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static struct hash tagged_by_definition(const char *tag, const void *data, size_t size)
{
    uint8_t all[64 + 512];
    struct hash tag_hash, hash;

    sha256(&tag_hash, tag, strlen(tag));
    memcpy(all, tag_hash.bytes, 32);
    memcpy(all + 32, tag_hash.bytes, 32);
    memcpy(all + 64, data, size);
    sha256(&hash, all, 64 + size);
    return hash;
}

static void tagged_hash_is_its_definition_for_more_tags_than_are_cached(void **state)
{
    uint8_t data[512];
    (void)state;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_u64();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
            char tag[128];
            struct hash hash;
            size_t size = random_below(sizeof data + 1);

            snprintf(tag, sizeof tag, "layerd/tag-%.*d", 1 + 5 * i, i); /* short and over-long tags */
            struct hash expected = tagged_by_definition(tag, data, size);
            for (int again = 0; again < 2; again++) {
                tagged_hash(&hash, tag, data, size);
                assert_true(hash_equal(&hash, &expected));
            }
        }
    }
}

static void tagged_hash_in_steps_is_the_same_as_at_once(void **state)
{
    uint8_t data[300];
    struct hash whole, parts;
    struct tagged_hash h;
    (void)state;

    memset(data, 7, sizeof data);
    tagged_hash(&whole, "layerd/transaction", data, sizeof data);
    tagged_hash_begin(&h, "layerd/transaction");
    tagged_hash_add(&h, data, 1);
    tagged_hash_add(&h, data + 1, 0);
    tagged_hash_add(&h, data + 1, sizeof data - 1);
    tagged_hash_end(&h, &parts);
    assert_true(hash_equal(&whole, &parts));
}

static void another_tag_gives_another_hash(void **state)
{
    struct hash a, b;
    (void)state;

    tagged_hash(&a, "layerd/transaction", "x", 1);
    tagged_hash(&b, "layerd/transactioN", "x", 1);
    assert_false(hash_equal(&a, &b));
}

/* Any number of messages, of any number of blocks, plain and tagged, is hashed as one alone. */
static void check_many(unsigned rounds)
{
    static uint8_t messages[70 * 5 * SHA256_BLOCK];
    struct hash hashes[70], expected;

    for (unsigned round = 0; round < rounds; round++) {
        size_t count = random_below(71), size = random_below(5 * SHA256_BLOCK - 8);
        size_t stride = SHA256_BLOCKS(size) * SHA256_BLOCK;
        struct sha256_start start;

        if (round % 2 == 0)
            sha256_start_plain(&start);
        else
            sha256_start_tagged(&start, "layerd/test");
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < size; k++)
                messages[i * stride + k] = (uint8_t)random_u64();
            sha256_pad(&start, messages + i * stride, size);
        }
        sha256_many(&start, messages, stride / SHA256_BLOCK, count, hashes);
        for (size_t i = 0; i < count; i++) {
            if (round % 2 == 0)
                sha256(&expected, messages + i * stride, size);
            else
                tagged_hash(&expected, "layerd/test", messages + i * stride, size);
            assert_true(hash_equal(&hashes[i], &expected));
        }
    }
}

/* So is any number of pairs, wherever they stand and wherever their digests go; nothing else is written. */
static void check_pairs(unsigned rounds)
{
    enum { PAIRS = 100 };
    static uint8_t memory[2 * PAIRS * sizeof(struct hash_pair)], was[sizeof memory];
    struct hash_pair *pairs[PAIRS];
    struct hash *out[PAIRS], expected[PAIRS];

    for (unsigned round = 0; round < rounds; round++) {
        size_t count = random_below(PAIRS + 1), shift = random_below(sizeof(struct hash_pair));
        uint8_t prefix = (uint8_t)random_u64(), message[1 + sizeof(struct hash_pair)] = { prefix };

        for (size_t i = 0; i < sizeof memory; i++)
            memory[i] = (uint8_t)random_u64();
        for (size_t i = 0; i < count; i++) {
            pairs[i] = (struct hash_pair *)(void *)(memory + shift) + random_below(PAIRS);
            out[i] = (struct hash *)(void *)(memory + sizeof memory) - 1 - i;
            memcpy(message + 1, pairs[i], sizeof *pairs[i]);
            sha256(&expected[i], message, sizeof message);
        }
        memcpy(was, memory, sizeof memory);
        sha256_pairs(prefix, (const struct hash_pair *const *)pairs, count, out);
        for (size_t i = 0; i < count; i++)
            assert_true(hash_equal(out[i], &expected[i]));
        assert_memory_equal(memory, was, sizeof memory - count * sizeof(struct hash));
    }
}

/* In all vectors that this processor has, down to those that every one has. */
static void many_hashed_at_once_are_hashed_as_one_by_one(void **state)
{
    const unsigned widest = sha256_many_limit(UINT32_MAX);
    unsigned lanes = widest, wider;
    (void)state;

    do {
        check_many(200);
        check_pairs(200);
        wider = lanes;
        lanes = sha256_many_limit(wider - 1);
    } while (lanes < wider);
    assert_int_equal(sha256_many_limit(UINT32_MAX), widest);
}

int hash_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_give_their_published_values),
        cmocka_unit_test(tagged_hash_is_its_definition_for_more_tags_than_are_cached),
        cmocka_unit_test(tagged_hash_in_steps_is_the_same_as_at_once),
        cmocka_unit_test(many_hashed_at_once_are_hashed_as_one_by_one),
        cmocka_unit_test(another_tag_gives_another_hash),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
