/* Channels as bytes: one encoding for each value, every limit by name, and nothing signed for one thing
 * counts for another. */
#include <string.h>

#include "crypto/channel.h"
#include "crypto/hash.h"
#include "vectors.h"

static struct account_id key_number(uint8_t number)
{
    struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof(*secret));
    struct account_id account;

    memset(secret->bytes, number, sizeof(secret->bytes));
    assert_true(secret_key_account(secret, &account));
    return account;
}

static struct channel_fixed plain_fixed(void)
{
    struct channel_fixed f = { .chain = "dev-0123456789abcdef", .participant_count = 2, .nonce = 7,
                               .application = "consensus", .challenge_period_us = 1000,
                               .dispute_limit_us = 3000, .penalty_ppm = 5, .asset_count = 2 };

    f.participants[0] = key_number(1);
    f.participants[1] = key_number(2);
    memset(&f.assets[0], 0xA0, sizeof(f.assets[0]));
    memset(&f.assets[1], 0xA1, sizeof(f.assets[1]));
    return f;
}

static struct channel_fixed full_fixed(void)
{
    struct channel_fixed f = plain_fixed();

    f.arbiter_count = 3;
    for (uint8_t i = 0; i < 3; i++)
        f.arbiters[i] = key_number((uint8_t)(3 + i));
    f.arbiter_threshold = 2;
    f.arbitration_window_us = 9000;
    f.arbitration_fee_ppm = 10000;
    f.terms = bytes_of_text("terms");
    return f;
}

/* One allocation of each kind. */
static struct channel_state full_state(struct allocation all[4])
{
    struct channel_state s = { .turn = 9, .final = true, .allocation_count = 4, .allocations = all,
                               .data = bytes_of_text("data") };

    memset(all, 0, 4 * sizeof(*all));
    all[0] = (struct allocation){ .kind = ALLOCATION_SIMPLE, .amount = 10, .account = key_number(1) };
    all[1] = (struct allocation){ .kind = ALLOCATION_CHANNEL, .amount = 11 };
    memset(&all[1].target, 0xC1, 32);
    all[2] = (struct allocation){ .kind = ALLOCATION_GUARANTEE, .amount = 12, .left = key_number(1),
                                  .right = key_number(2) };
    memset(&all[2].target, 0xC2, 32);
    all[3] = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .asset = 1, .amount = 13,
                                  .account = key_number(2), .refund = key_number(1), .expiry_us = 77 };
    memset(&all[3].hash, 0xC3, 32);
    return s;
}

/* --- one encoding a value --------------------------------------------------------------------- */
static bool fixed_again(struct bytes encoding, struct buffer *again)
{
    struct channel_fixed fixed;
    struct arena arena CLEANUP(arena_close);
    struct error error;

    arena_init(&arena);
    if (channel_fixed_decode(encoding, &arena, &fixed, &error) != OK) {
        assert_true(error.code == ERROR_INVALID_PARAMS || error.code == ERROR_BAD_KEY);
        return false;
    }
    buffer_clear(again);
    channel_fixed_encode(&fixed, again);
    return true;
}

static bool state_again(struct bytes encoding, struct buffer *again)
{
    struct channel_state state;
    struct arena arena CLEANUP(arena_close);
    struct error error;

    arena_init(&arena);
    if (channel_state_decode(encoding, &arena, &state, &error) != OK) {
        assert_int_equal(error.code, ERROR_INVALID_PARAMS);
        return false;
    }
    buffer_clear(again);
    channel_state_encode(&state, again);
    return true;
}

/* Every bit flipped, every cut, one byte more: refused, or another value whose encoding these bytes are. */
static void check_canonical(const struct buffer *encoding, bool (*again)(struct bytes, struct buffer *))
{
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct buffer changed CLEANUP(buffer_close) = { 0 };

    assert_true(again(buffer_bytes(encoding), &out));
    assert_true(bytes_equal(buffer_bytes(encoding), buffer_bytes(&out)));
    for (size_t size = 0; size < encoding->size; size++)
        assert_false(again(bytes_of(encoding->data, size), &out));
    for (size_t bit = 0; bit < 8 * encoding->size; bit++) {
        buffer_clear(&changed);
        buffer_append(&changed, encoding->data, encoding->size);
        changed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (again(buffer_bytes(&changed), &out))
            assert_true(bytes_equal(buffer_bytes(&changed), buffer_bytes(&out)));
    }
    buffer_clear(&changed);
    buffer_append(&changed, encoding->data, encoding->size);
    buffer_append(&changed, "", 1);
    assert_false(again(buffer_bytes(&changed), &out));
}

static void every_value_has_one_encoding(void **state)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct channel_fixed fixed = full_fixed();
    struct allocation all[4];
    struct channel_state s = full_state(all);

    (void)state;
    channel_fixed_encode(&fixed, &bytes);
    check_canonical(&bytes, fixed_again);
    buffer_clear(&bytes);
    channel_state_encode(&s, &bytes);
    check_canonical(&bytes, state_again);
    s = (struct channel_state){ .turn = INTEGER_MAX };
    buffer_clear(&bytes);
    channel_state_encode(&s, &bytes);
    check_canonical(&bytes, state_again);
}

/* --- limits ----------------------------------------------------------------------------------- */
#define REFUSED_FIXED(change, words)                                                   \
    do {                                                                               \
        struct channel_fixed f = full_fixed();                                         \
        struct error refusal;                                                           \
        change;                                                                        \
        assert_int_not_equal(channel_fixed_check(&f, &refusal), OK);                     \
        if (strstr(refusal.message, words) == NULL)                                      \
            fail_msg("'%s' does not say '%s'", refusal.message, words);                  \
    } while (0)

static void fixed_part_keeps_its_limits(void **state)
{
    struct channel_fixed good = full_fixed(), plain = plain_fixed();
    struct error error;

    (void)state;
    assert_int_equal(channel_fixed_check(&good, &error), OK);
    assert_int_equal(channel_fixed_check(&plain, &error), OK);
    REFUSED_FIXED(f.chain[0] = '\0', "chain id");
    REFUSED_FIXED(f.chain[0] = 'A', "chain id");
    REFUSED_FIXED(memset(f.chain, 'a', sizeof(f.chain)), "chain id");
    REFUSED_FIXED(f.application[0] = '-', "application");
    REFUSED_FIXED(f.nonce = INTEGER_MAX + 1, "nonce");
    REFUSED_FIXED(f.challenge_period_us = 0, "challenge period");
    REFUSED_FIXED(f.challenge_period_us = INT64_MIN, "challenge period");
    REFUSED_FIXED(f.dispute_limit_us = 999, "dispute limit");
    REFUSED_FIXED(f.penalty_ppm = 1000001, "penalty");
    REFUSED_FIXED(f.participant_count = 1, "2 … 16");
    REFUSED_FIXED(f.participant_count = 17, "2 … 16");
    REFUSED_FIXED(f.participants[1] = f.participants[0], "participants must be distinct");
    REFUSED_FIXED(memset(&f.participants[0], 0xFF, 32), "participant 0 is no key");
    REFUSED_FIXED(f.arbiter_count = 17, "16 arbiters");
    REFUSED_FIXED(f.arbiters[2] = f.arbiters[0], "arbiters must be distinct");
    REFUSED_FIXED(f.arbiters[2] = f.participants[0], "arbiter cannot be a participant");
    REFUSED_FIXED(memset(&f.arbiters[1], 0xFF, 32), "arbiter 1 is no key");
    REFUSED_FIXED(f.arbiter_threshold = 0, "threshold");
    REFUSED_FIXED(f.arbiter_threshold = 4, "threshold");
    REFUSED_FIXED(f.arbiter_count = 0, "need arbiters");
    REFUSED_FIXED(f.arbitration_window_us = 0, "window");
    REFUSED_FIXED(f.arbitration_fee_ppm = 1000001, "fee");
    REFUSED_FIXED(f.asset_count = 0, "1 … 8 assets");
    REFUSED_FIXED(f.asset_count = 9, "1 … 8 assets");
    REFUSED_FIXED(f.assets[1] = f.assets[0], "assets must be distinct");
    REFUSED_FIXED(f.terms.size = CHANNEL_TERMS_MAX + 1, "terms");
}

#define REFUSED_STATE(change, words)                                                   \
    do {                                                                               \
        struct channel_fixed f = full_fixed();                                         \
        struct allocation a[4];                                                        \
        struct channel_state s = full_state(a);                                        \
        struct error refusal;                                                           \
        change;                                                                        \
        assert_int_not_equal(channel_state_check(&f, &s, &refusal), OK);                 \
        if (strstr(refusal.message, words) == NULL)                                      \
            fail_msg("'%s' does not say '%s'", refusal.message, words);                  \
    } while (0)

static void state_keeps_its_limits(void **state)
{
    struct channel_fixed fixed = full_fixed();
    struct allocation all[4];
    struct channel_state good = full_state(all);
    struct error error;

    (void)state;
    assert_int_equal(channel_state_check(&fixed, &good, &error), OK);
    REFUSED_STATE(s.turn = INTEGER_MAX + 1, "turn");
    REFUSED_STATE(s.allocation_count = CHANNEL_ALLOCATIONS_MAX + 1, "1,024 allocations");
    REFUSED_STATE(s.data.size = CHANNEL_DATA_MAX + 1, "application data");
    REFUSED_STATE(a[0].amount = INTEGER_MAX + 1, "an amount");
    REFUSED_STATE(a[0].amount = INTEGER_MAX, "together");
    REFUSED_STATE(a[2].amount = 0, "needs an amount");
    REFUSED_STATE(a[3].amount = 0, "needs an amount");
    REFUSED_STATE(memset(&a[0].account, 0, 32), "lacks a field");
    REFUSED_STATE(a[0].target = a[1].target, "lacks a field");
    REFUSED_STATE(memset(&a[1].target, 0, 32), "lacks a field");
    REFUSED_STATE(memset(&a[2].left, 0, 32), "lacks a field");
    REFUSED_STATE(memset(&a[2].right, 0, 32), "lacks a field");
    REFUSED_STATE(a[2].right = a[2].left, "two ends");
    REFUSED_STATE(memset(&a[3].refund, 0, 32), "lacks a field");
    REFUSED_STATE(a[3].expiry_us = 0, "lacks a field");
    REFUSED_STATE(a[3].expiry_us = -1, "expiry");
    REFUSED_STATE(a[0].expiry_us = 1, "lacks a field");
    REFUSED_STATE(memset(&a[0].hash, 1, 32), "lacks a field");
    REFUSED_STATE(a[3].asset = 2, "does not have");
    REFUSED_STATE(a[0].asset = 1, "order of their assets");
    REFUSED_STATE(memset(&a[0].account, 0xFF, 32), "allocation 0 goes to an account without a key");
    REFUSED_STATE(memset(&a[3].refund, 0xFF, 32), "allocation 3 goes to an account without a key");
}

/* --- what is signed --------------------------------------------------------------------------- */
/* Of two channels, and of two purposes, no two hashes are equal. */
static void nothing_signed_for_one_purpose_counts_for_another(void **state)
{
    struct hash ids[2], hashes[2 * 8];
    struct channel_fixed fixed = full_fixed();
    struct allocation all[4];
    struct channel_state s = full_state(all);
    uint64_t fees[2] = { 1, 2 };
    size_t count = 0;

    (void)state;
    channel_id(&fixed, &ids[0]);
    strcpy(fixed.chain, "dev-0123456789abcdee");
    channel_id(&fixed, &ids[1]);
    for (size_t i = 0; i < 2; i++) {
        struct hash *state_hash = &hashes[count++];

        channel_state_hash(&ids[i], &s, state_hash);
        channel_outcome_hash(&ids[i], &s, &hashes[count++]);
        channel_challenge_hash(&ids[i], state_hash, &hashes[count++]);
        channel_reject_hash(&ids[i], state_hash, &hashes[count++]);
        channel_withdrawal_hash(&ids[i], state_hash, all, 1, &hashes[count++]);
        channel_award_hash(&ids[i], &s, fees, 2, &hashes[count++]);
        channel_award_hash(&ids[i], &s, fees, 1, &hashes[count++]);
        channel_voucher_hash(&ids[i], 1, &hashes[count++]);
    }
    assert_int_equal(count, sizeof(hashes) / sizeof(hashes[0]));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(hash_equal(&hashes[i], &hashes[j]));
    }
}

static void holding_account_is_no_key(void **state)
{
    struct hash id;
    struct account_id account, again;

    (void)state;
    for (int i = 0; i < 64; i++) {
        uint64_t number = random_u64();

        sha256(&id, &number, sizeof(number));
        channel_holding(&id, &account);
        assert_false(account_is_key(&account));
        channel_holding(&id, &again);
        assert_true(account_equal(&account, &again));
    }
}

static void sums_are_of_one_asset(void **state)
{
    struct allocation all[4];
    struct channel_state s = full_state(all);
    struct account_id first = key_number(1), second = key_number(2);
    struct channel_fixed fixed = full_fixed();
    uint64_t total;

    (void)state;
    assert_true(channel_outcome_total(&s, 0, &total));
    assert_int_equal(total, 10 + 11 + 12);
    assert_true(channel_outcome_total(&s, 1, &total));
    assert_int_equal(total, 13);
    assert_int_equal(channel_outcome_simple(&s, 0, &first), 10);
    assert_int_equal(channel_outcome_simple(&s, 1, &second), 0); /* a hash-lock is nobody's yet */
    all[1].amount = INTEGER_MAX;
    assert_false(channel_outcome_total(&s, 0, &total));
    assert_int_equal(channel_participant(&fixed, &second), 1);
    assert_int_equal(channel_participant(&fixed, &fixed.arbiters[0]), -1);
}

int channel_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_one_encoding),
        cmocka_unit_test(fixed_part_keeps_its_limits),
        cmocka_unit_test(state_keeps_its_limits),
        cmocka_unit_test(nothing_signed_for_one_purpose_counts_for_another),
        cmocka_unit_test(holding_account_is_no_key),
        cmocka_unit_test(sums_are_of_one_asset),
    };

    return cmocka_run_group_tests_name("channels as bytes", tests, NULL, NULL);
}
