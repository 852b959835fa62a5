/* Half-aggregation of BIP-340 signatures: the published vectors, every way to build an aggregate, every
 * way to spoil one; and many signatures verified on a pool. */
#include <string.h>

#include "base/memory.h"
#include "proof/half_aggregate.h"
#include "proof/signature_batch.h"
#include "support.h"

#define MOST 200

struct signing {
    struct signed_message messages[MOST];
    struct signature signatures[MOST];
};

static void sign_with(const uint8_t secret[32], const uint8_t aux[32], struct signed_message *message,
                      struct signature *signature)
{
    struct secret_key *key = secret_new(sizeof *key);

    memcpy(key->bytes, secret, sizeof key->bytes);
    assert_true(secret_key_account(key, &message->account));
    assert_true(schnorr_sign(key, &message->message, aux, signature));
    secret_free(key);
}

static struct signing *signing_new(size_t count)
{
    struct signing *signing = memory_new(sizeof *signing);
    struct secret_key *key = secret_new(sizeof *key);

    for (size_t i = 0; i < count; i++) {
        if (i % 3 != 2) /* some keys sign more than once */
            secret_key_generate(key);
        assert_true(secret_key_account(key, &signing->messages[i].account));
        random_bytes(signing->messages[i].message.bytes, 32);
        assert_true(schnorr_sign(key, &signing->messages[i].message, NULL, &signing->signatures[i]));
    }
    secret_free(key);
    return signing;
}

static enum status make_of(const struct signing *signing, size_t count, uint8_t *out)
{
    struct error error;
    size_t bad;

    return half_aggregate_make(signing->messages, signing->signatures, count, out, &bad, &error);
}

/* The signatures from `had` on go into the aggregate of those before. */
static enum status add_to(const uint8_t *aggregate, size_t size, const struct signing *signing, size_t had,
                          size_t more, uint8_t *out, size_t *bad)
{
    struct error error;

    return half_aggregate_add(bytes_of(aggregate, size), signing->messages, had, signing->signatures + had,
                              more, out, bad, &error);
}

static enum status verify(const uint8_t *aggregate, size_t size, const struct signed_message *messages,
                          size_t count)
{
    struct error error;

    return half_aggregate_verify(bytes_of(aggregate, size), messages, count, &error);
}

/* hacspec-halfagg/tests/tests.rs @83f5e333: the first two verify vectors. */
static void the_published_aggregates_are_made_and_verified_byte_by_byte(void **state)
{
    static const uint8_t secret[32] = { [0 ... 31] = 1 }, aux[32] = { [0 ... 31] = 3 };
    struct signed_message message;
    struct signature signature;
    uint8_t out[64];
    struct error error;
    size_t bad;
    (void)state;

    memset(message.message.bytes, 2, sizeof message.message.bytes);
    sign_with(secret, aux, &message, &signature);
    assert_bytes_are(message.account.bytes, 32,
                     "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f");
    assert_int_equal(half_aggregate_make(&message, &signature, 1, out, &bad, &error), OK);
    assert_bytes_are(out, 64, "b070aafcea439a4f6f1bbfc2eb66d29d24b0cab74d6b745c3cfb009cc8fe4aa8"
                              "0e066c34819936549ff49b6fd4d41edfc401a367b87ddd59fee38177961c225f");
    assert_int_equal(verify(out, 64, &message, 1), OK);

    assert_int_equal(half_aggregate_make(NULL, NULL, 0, out, &bad, &error), OK);
    assert_bytes_are(out, 32, "0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(verify(out, 32, NULL, 0), OK);
    out[31] = 1; /* a sum of nothing is zero */
    assert_int_equal(verify(out, 32, NULL, 0), ERROR_INVALID_PROOF);
}

/* Own figure, computed by a second implementation from the formula: keys 01…, 04…, 07…, 0a…, 0d…,
 * messages 02…, 05… and so on, auxiliary randomness 03…, 06… and so on. */
static void the_sum_of_five_weighs_each_s_by_the_hash_of_all_before_it(void **state)
{
    struct signed_message messages[5];
    struct signature signatures[5];
    uint8_t out[32 * 6];
    struct error error;
    size_t bad;
    (void)state;

    for (size_t i = 0; i < 5; i++) {
        uint8_t secret[32], aux[32];
        memset(secret, (int)(3 * i + 1), sizeof secret);
        memset(messages[i].message.bytes, (int)(3 * i + 2), 32);
        memset(aux, (int)(3 * i + 3), sizeof aux);
        sign_with(secret, aux, &messages[i], &signatures[i]);
    }
    assert_int_equal(half_aggregate_make(messages, signatures, 5, out, &bad, &error), OK);
    assert_bytes_are(out + 160, 32, "50d9d73924fc4705fd88eebeebfa84b48d6b8f88e7eab93fb149d60554fb157a");
}

static void take(const json_t *input, const char *member, void *out, size_t size)
{
    const char *hex = member_text(input, member);

    assert_true(hex_decode(out, size, hex, strlen(hex)));
}

static void all_vectors_of_half_aggregation_hold(void **state)
{
    json_t *vectors = vectors_json("halfagg.json"), *each, *input;
    size_t i, k;
    (void)state;

    json_array_foreach(json_object_get(vectors, "vectors"), i, each) {
        CLEANUP(buffer_close) struct buffer expected = { 0 };
        uint8_t secret[32], aux[32], out[32 * 17];
        struct signed_message messages[16];
        struct signature signatures[16], published;
        struct account_id account;
        struct error error;
        size_t bad;
        buffer_init(&expected);
        member_bytes(each, "aggregate_signature", &expected);
        json_array_foreach(json_object_get(each, "inputs"), k, input) {
            assert_true(k < 16);
            take(input, "secret_key", secret, sizeof secret);
            take(input, "aux_rand", aux, sizeof aux);
            take(input, "message", messages[k].message.bytes, 32);
            take(input, "public_key", account.bytes, sizeof account.bytes);
            take(input, "signature", published.bytes, sizeof published.bytes);
            sign_with(secret, aux, &messages[k], &signatures[k]);
            assert_true(account_equal(&messages[k].account, &account));
            assert_memory_equal(&signatures[k], &published, sizeof published);
        }
        assert_int_equal(half_aggregate_make(messages, signatures, k, out, &bad, &error), OK);
        assert_int_equal(expected.size, half_aggregate_size(k));
        assert_memory_equal(out, expected.data, expected.size);
        assert_int_equal(verify(out, expected.size, messages, k), OK);
    }
    assert_true(i >= 2);
    json_decref(vectors);
}

static void aggregates_of_many_verify_and_grow_in_steps_to_the_same_bytes(void **state)
{
    static const size_t counts[] = { 1, 2, 3, 63, 64, 65, 129 };
    struct signing *signing = signing_new(MOST);
    uint8_t at_once[32 * (MOST + 1)], grown[32 * (MOST + 1)], before[32 * (MOST + 1)];
    size_t bad;
    (void)state;

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        size_t count = counts[c], had = random_below(count + 1);
        assert_int_equal(make_of(signing, count, at_once),
                         OK);
        assert_int_equal(verify(at_once, half_aggregate_size(count), signing->messages, count), OK);
        assert_int_equal(make_of(signing, had, before), OK);
        assert_int_equal(add_to(before, half_aggregate_size(had), signing, had, count - had, grown, &bad),
                         OK);
        assert_memory_equal(grown, at_once, half_aggregate_size(count));
    }
    memory_free_pointer(&signing);
}

static void one_signature_aggregated_is_that_signature(void **state)
{
    struct signing *signing = signing_new(1);
    uint8_t out[64];
    (void)state;

    assert_int_equal(make_of(signing, 1, out), OK);
    assert_memory_equal(out, signing->signatures[0].bytes, sizeof out); /* z[0] is 1 */
    memory_free_pointer(&signing);
}

/* --- refusals ------------------------------------------------------------------------------------------- */

static void every_bit_of_aggregate_keys_and_messages_counts(void **state)
{
    enum { COUNT = 3 };
    struct signing *signing = signing_new(COUNT);
    uint8_t out[32 * (COUNT + 1)];
    (void)state;

    assert_int_equal(make_of(signing, COUNT, out), OK);
    for (size_t bit = 0; bit < sizeof out * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum status status = verify(out, sizeof out, signing->messages, COUNT);
        assert_true(status == ERROR_INVALID_PROOF || status == ERROR_MALFORMED_PROOF);
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    uint8_t *claimed = (uint8_t *)signing->messages;
    for (size_t bit = 0; bit < COUNT * sizeof signing->messages[0] * 8; bit++) {
        claimed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum status status = verify(out, sizeof out, signing->messages, COUNT);
        assert_true(status == ERROR_INVALID_PROOF || status == ERROR_MALFORMED_PROOF);
        claimed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(verify(out, sizeof out, signing->messages, COUNT), OK);
    memory_free_pointer(&signing);
}

static void other_orders_and_counts_are_refused(void **state)
{
    enum { COUNT = 4 };
    struct signing *signing = signing_new(COUNT);
    uint8_t out[32 * (COUNT + 2)] = { 0 };
    (void)state;

    assert_int_equal(make_of(signing, COUNT, out), OK);
    struct signed_message swapped[COUNT];
    memcpy(swapped, signing->messages, sizeof swapped);
    swapped[1] = signing->messages[2];
    swapped[2] = signing->messages[1];
    assert_int_equal(verify(out, 160, swapped, COUNT), ERROR_INVALID_PROOF);
    for (size_t size = 0; size <= sizeof out; size++)
        if (size != 160)
            assert_int_equal(verify(out, size, signing->messages, COUNT),
                             ERROR_MALFORMED_PROOF);
    assert_int_equal(verify(out, 160, signing->messages, COUNT - 1),
                     ERROR_MALFORMED_PROOF);
    assert_int_equal(verify(out, 160, signing->messages, (size_t)1 << 16),
                     ERROR_LIMIT);
    assert_int_equal(verify(out, 160, signing->messages, SIZE_MAX), ERROR_LIMIT);
    memory_free_pointer(&signing);
}

/* Keys and r that are the x of no point (BIP-340 vectors 5 and 14), s that is the order or above. */
static void what_is_no_point_or_not_reduced_is_malformed(void **state)
{
    static const char *const no_points[2] = {
        "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34",
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30",
    };
    static const char *const large[2] = {
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    struct signing *signing = signing_new(2);
    uint8_t good[96], out[96];
    struct signed_message messages[2];
    size_t bad;
    (void)state;

    assert_int_equal(make_of(signing, 2, good), OK);
    for (size_t i = 0; i < 2; i++) {
        memcpy(out, good, sizeof out);
        assert_true(hex_decode(out + 32, 32, no_points[i], 64));
        assert_int_equal(verify(out, 96, signing->messages, 2),
                         ERROR_MALFORMED_PROOF);
        memcpy(messages, signing->messages, sizeof messages);
        assert_true(hex_decode(messages[1].account.bytes, 32, no_points[i], 64));
        assert_int_equal(verify(good, 96, messages, 2), ERROR_MALFORMED_PROOF);
        memcpy(out, good, sizeof out);
        assert_true(hex_decode(out + 64, 32, large[i], 64));
        assert_int_equal(verify(out, 96, signing->messages, 2),
                         ERROR_MALFORMED_PROOF);
        assert_int_equal(add_to(out, 96, signing, 2, 0, good, &bad),
                         ERROR_MALFORMED_PROOF);
    }
    memory_free_pointer(&signing);
}

/* Two signatures wrong by opposite amounts, weighed so that the aggregate would hold: making refuses them. */
static void wrong_signatures_are_not_aggregated_and_named(void **state)
{
    enum { COUNT = 5 };
    struct signing *signing = signing_new(COUNT);
    uint8_t out[32 * (COUNT + 1)], untouched[sizeof out], had[32 * 3], nothing[32] = { 0 };
    (void)state;

    memset(out, 0x5a, sizeof out);
    memcpy(untouched, out, sizeof out);
    for (size_t wrong = 0; wrong < COUNT; wrong++) {
        size_t bad = SIZE_MAX;
        signing->signatures[wrong].bytes[63] ^= 1;
        assert_int_equal(add_to(NULL, 0, signing, 0, COUNT, out, &bad), ERROR_MALFORMED_PROOF);
        assert_int_equal(add_to(nothing, 32, signing, 0, COUNT, out, &bad), ERROR_BAD_SIGNATURE);
        assert_int_equal(bad, wrong);
        assert_int_equal(make_of(signing, COUNT, out), ERROR_BAD_SIGNATURE);
        assert_memory_equal(out, untouched, sizeof out);
        if (wrong >= 2) {
            assert_int_equal(make_of(signing, 2, had), OK);
            assert_int_equal(add_to(had, sizeof had, signing, 2, COUNT - 2, out, &bad),
                             ERROR_BAD_SIGNATURE);
            assert_int_equal(bad, wrong - 2);
        }
        signing->signatures[wrong].bytes[63] ^= 1;
    }
    memory_free_pointer(&signing);
}

static void growing_a_wrong_aggregate_gives_a_wrong_one(void **state)
{
    struct signing *signing = signing_new(3);
    uint8_t had[96], out[128];
    size_t bad;
    (void)state;

    assert_int_equal(make_of(signing, 2, had), OK);
    had[95] ^= 1;
    assert_int_equal(add_to(had, 96, signing, 2, 1, out, &bad), OK);
    assert_int_equal(verify(out, 128, signing->messages, 3), ERROR_INVALID_PROOF);
    assert_int_equal(add_to(had, 95, signing, 2, 1, out, &bad), ERROR_MALFORMED_PROOF);
    assert_int_equal(add_to(had, 96, signing, 2, HALF_AGGREGATE_MAX - 1, out, &bad), ERROR_LIMIT);
    memory_free_pointer(&signing);
}

/* --- on a pool ------------------------------------------------------------------------------------------ */

static void checks_of(const struct signing *signing, struct signature_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        checks[i] = (struct signature_check){ signing->messages[i].account, signing->signatures[i],
                                              bytes_of(signing->messages[i].message.bytes, 32), i % 2 == 0 };
}

static void a_batch_tells_each_verdict_with_and_without_a_pool(void **state)
{
    struct workers *pool = workers_start("verify", 3, 2), *pools[2] = { NULL, pool };
    struct signing *signing = signing_new(MOST);
    struct signature_check *checks = memory_array(MOST, sizeof *checks);
    (void)state;

    for (size_t p = 0; p < 2; p++) {
        assert_true(signatures_verify(pools[p], NULL, 0));
        for (size_t count = 1; count <= MOST; count = count * 2 + 5) {
            checks_of(signing, checks, count);
            assert_true(signatures_verify(pools[p], checks, count));
            for (size_t i = 0; i < count; i++)
                assert_true(checks[i].holds);
            size_t wrong = random_below(count);
            checks[wrong].signature.bytes[random_below(64)] ^= 1;
            assert_false(signatures_verify(pools[p], checks, count));
            for (size_t i = 0; i < count; i++)
                assert_int_equal(checks[i].holds, i != wrong);
        }
    }
    workers_stop(pool);
    memory_free_pointer(&checks);
    memory_free_pointer(&signing);
}

struct nested {
    struct work work;
    struct workers *pool;
    const struct signing *signing;
    bool held;
};

static void nested_run(struct work *work, size_t worker)
{
    struct nested *nested = (struct nested *)work;
    struct signature_check *checks = memory_array(MOST, sizeof *checks);
    (void)worker;

    checks_of(nested->signing, checks, MOST);
    nested->held = signatures_verify(nested->pool, checks, MOST);
    memory_free_pointer(&checks);
}

static void a_batch_ends_when_every_worker_of_its_pool_runs_one(void **state)
{
    struct workers *pool = workers_start("verify", 2, 8);
    struct signing *signing = signing_new(MOST);
    struct nested nested[4];
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        nested[i] = (struct nested){ { nested_run }, pool, signing, false };
        assert_true(workers_submit(pool, &nested[i].work));
    }
    workers_end(pool);
    workers_free(pool);
    for (size_t i = 0; i < 4; i++)
        assert_true(nested[i].held);
    memory_free_pointer(&signing);
}

int half_aggregate_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_aggregates_are_made_and_verified_byte_by_byte),
        cmocka_unit_test(the_sum_of_five_weighs_each_s_by_the_hash_of_all_before_it),
        cmocka_unit_test(all_vectors_of_half_aggregation_hold),
        cmocka_unit_test(aggregates_of_many_verify_and_grow_in_steps_to_the_same_bytes),
        cmocka_unit_test(one_signature_aggregated_is_that_signature),
        cmocka_unit_test(every_bit_of_aggregate_keys_and_messages_counts),
        cmocka_unit_test(other_orders_and_counts_are_refused),
        cmocka_unit_test(what_is_no_point_or_not_reduced_is_malformed),
        cmocka_unit_test(wrong_signatures_are_not_aggregated_and_named),
        cmocka_unit_test(growing_a_wrong_aggregate_gives_a_wrong_one),
        cmocka_unit_test(a_batch_tells_each_verdict_with_and_without_a_pool),
        cmocka_unit_test(a_batch_ends_when_every_worker_of_its_pool_runs_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
