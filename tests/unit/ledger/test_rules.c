/* The ledger's rules, exhaustively where that is possible: no node, no database. */
#include "test_ledger.h"

#include "crypto/hash.h"

static void amounts_add_up_to_the_limit_and_not_over_it(void **state)
{
    static const uint64_t values[] = {
        0,         1, 2, 999, INTEGER_MAX / 2, INTEGER_MAX - 1, INTEGER_MAX, INTEGER_MAX + 1, UINT64_MAX - 1,
        UINT64_MAX
    };
    size_t count = sizeof(values) / sizeof(values[0]);

    (void)state;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            for (size_t limit = 0; limit < count; limit++) {
                unsigned __int128 exact = (unsigned __int128)values[a] + values[b];
                uint64_t sum = 42;

                if (exact <= values[limit]) {
                    assert_true(amount_add(values[a], values[b], values[limit], &sum));
                    assert_true(sum == exact);
                } else {
                    assert_false(amount_add(values[a], values[b], values[limit], &sum));
                    assert_true(sum == 42);
                }
            }
}

static void amounts_subtract_down_to_zero_and_not_below(void **state)
{
    uint64_t rest = 42;

    (void)state;
    assert_true(amount_subtract(5, 5, &rest) && rest == 0);
    assert_true(amount_subtract(5, 0, &rest) && rest == 5);
    assert_true(amount_subtract(UINT64_MAX, 1, &rest) && rest == UINT64_MAX - 1);
    rest = 42;
    assert_false(amount_subtract(5, 6, &rest));
    assert_false(amount_subtract(0, UINT64_MAX, &rest));
    assert_true(rest == 42);
}

static void names_are_short_and_without_control_characters(void **state)
{
    char name[ASSET_NAME_MAX + 2];

    (void)state;
    assert_true(asset_name_valid("Gold"));
    assert_true(asset_name_valid("Gœld, 9 999‰"));
    assert_false(asset_name_valid(""));
    assert_false(asset_name_valid("two\nlines"));
    assert_false(asset_name_valid("\x7f"));
    memset(name, 'a', sizeof(name));
    name[ASSET_NAME_MAX] = '\0';
    assert_true(asset_name_valid(name));
    name[ASSET_NAME_MAX] = 'a';
    name[ASSET_NAME_MAX + 1] = '\0';
    assert_false(asset_name_valid(name));
}

static void metadata_is_an_object_within_its_limit(void **state)
{
    char text[METADATA_MAX + 1];

    (void)state;
    assert_true(metadata_valid(bytes_of_text("{}")));
    assert_false(metadata_valid(bytes_of_text("")));
    assert_false(metadata_valid(bytes_of_text("[]")));
    assert_false(metadata_valid(bytes_of_text("\"{}\"")));
    assert_false(metadata_valid(bytes_of_text("17")));
    memset(text, ' ', sizeof(text));
    text[0] = '{';
    assert_true(metadata_valid(bytes_of(text, METADATA_MAX)));
    assert_false(metadata_valid(bytes_of(text, METADATA_MAX + 1)));
}

/* Every state, every action, before, at and after the deadline: one table, written down a second time. */
static void an_escrow_moves_only_along_its_table(void **state)
{
    static const struct {
        enum escrow_state from;
        enum escrow_action action;
        int64_t now;
        enum status outcome;
        enum escrow_state to;
    } expected[] = {
        { ESCROW_LOCKED, ESCROW_CLAIM, 99, OK, ESCROW_CLAIMED },
        { ESCROW_LOCKED, ESCROW_CLAIM, 100, ERROR_ESCROW_EXPIRED, 0 },
        { ESCROW_LOCKED, ESCROW_CLAIM, 101, ERROR_ESCROW_EXPIRED, 0 },
        { ESCROW_LOCKED, ESCROW_REFUND, 99, ERROR_INTERNAL, 0 },
        { ESCROW_LOCKED, ESCROW_REFUND, 100, OK, ESCROW_REFUNDED },
        { ESCROW_LOCKED, ESCROW_REFUND, 101, OK, ESCROW_REFUNDED },
        { ESCROW_CLAIMED, ESCROW_CLAIM, 99, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_CLAIMED, ESCROW_CLAIM, 100, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_CLAIMED, ESCROW_CLAIM, 101, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_CLAIMED, ESCROW_REFUND, 99, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_CLAIMED, ESCROW_REFUND, 100, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_CLAIMED, ESCROW_REFUND, 101, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_REFUNDED, ESCROW_CLAIM, 99, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_REFUNDED, ESCROW_CLAIM, 100, ERROR_ESCROW_EXPIRED, 0 },
        { ESCROW_REFUNDED, ESCROW_CLAIM, 101, ERROR_ESCROW_EXPIRED, 0 },
        { ESCROW_REFUNDED, ESCROW_REFUND, 99, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_REFUNDED, ESCROW_REFUND, 100, ERROR_ESCROW_CLOSED, 0 },
        { ESCROW_REFUNDED, ESCROW_REFUND, 101, ERROR_ESCROW_CLOSED, 0 },
    };

    (void)state;
    assert_int_equal(sizeof(expected) / sizeof(expected[0]), ESCROW_STATES * ESCROW_ACTIONS * 3);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        enum escrow_state untouched = (enum escrow_state)((expected[i].from + 1) % ESCROW_STATES);
        enum escrow_state next = untouched;

        assert_int_equal(escrow_next(expected[i].from, expected[i].action, expected[i].now, 100, &next),
                         expected[i].outcome);
        assert_int_equal(next, expected[i].outcome == OK ? expected[i].to : untouched);
    }
}

static void a_closed_escrow_never_opens_again(void **state)
{
    (void)state;
    for (int from = ESCROW_CLAIMED; from < ESCROW_STATES; from++)
        for (int action = 0; action < ESCROW_ACTIONS; action++)
            for (int64_t now = -1; now <= 1; now++) {
                enum escrow_state next;

                assert_int_not_equal(
                    escrow_next((enum escrow_state)from, (enum escrow_action)action, now, 0, &next), OK);
            }
}

static void state_names_are_read_back(void **state)
{
    enum escrow_state parsed;

    (void)state;
    for (int i = 0; i < ESCROW_STATES; i++) {
        assert_true(escrow_state_parse(escrow_state_name((enum escrow_state)i), &parsed));
        assert_int_equal(parsed, i);
    }
    assert_false(escrow_state_parse("open", &parsed));
    assert_false(escrow_state_parse("", &parsed));
}

static void a_deadline_is_given_one_way_and_lies_ahead(void **state)
{
    const int64_t now = 1000000000;
    int64_t result = 42;

    (void)state;
    assert_int_equal(escrow_deadline(now, 5, 0, &result), OK);
    assert_int_equal(result, now + 5);
    assert_int_equal(escrow_deadline(now, 0, now + 1, &result), OK);
    assert_int_equal(result, now + 1);
    assert_int_equal(escrow_deadline(now, ESCROW_DURATION_MAX_US, 0, &result), OK);
    result = 42;
    assert_int_equal(escrow_deadline(now, 0, 0, &result), ERROR_INVALID_PARAMS);
    assert_int_equal(escrow_deadline(now, 5, now + 5, &result), ERROR_INVALID_PARAMS);
    assert_int_equal(escrow_deadline(now, 0, now, &result), ERROR_DEADLINE_PASSED);
    assert_int_equal(escrow_deadline(now, 0, now - 1, &result), ERROR_DEADLINE_PASSED);
    assert_int_equal(escrow_deadline(now, 0, 1, &result), ERROR_DEADLINE_PASSED);
    assert_int_equal(escrow_deadline(now, ESCROW_DURATION_MAX_US + 1, 0, &result), ERROR_LIMIT);
    assert_int_equal(escrow_deadline(now, 0, now + ESCROW_DURATION_MAX_US + 1, &result), ERROR_LIMIT);
    assert_int_equal(escrow_deadline(now, (int64_t)INTEGER_MAX, 0, &result), ERROR_LIMIT);
    assert_int_equal(result, 42);
}

static void only_the_preimage_matches_and_no_bit_of_it_can_differ(void **state)
{
    struct hash preimage, hash;

    (void)state;
    memset(preimage.bytes, 7, sizeof(preimage.bytes));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    assert_true(preimage_matches(&preimage, &hash));
    for (size_t bit = 0; bit < 8 * sizeof(preimage.bytes); bit++) {
        preimage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(preimage_matches(&preimage, &hash));
        preimage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(preimage_matches(&hash, &hash));
}

static void escrow_ids_differ_by_transaction_and_number(void **state)
{
    struct hash transaction = { { 1 } }, other = { { 2 } }, a, b, c, again;

    (void)state;
    escrow_id(&a, &transaction, 0);
    escrow_id(&b, &transaction, 1);
    escrow_id(&c, &other, 0);
    escrow_id(&again, &transaction, 0);
    assert_true(hash_equal(&a, &again));
    assert_false(hash_equal(&a, &b));
    assert_false(hash_equal(&a, &c));
    assert_false(hash_equal(&b, &c));
}

int rules_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_add_up_to_the_limit_and_not_over_it),
        cmocka_unit_test(amounts_subtract_down_to_zero_and_not_below),
        cmocka_unit_test(names_are_short_and_without_control_characters),
        cmocka_unit_test(metadata_is_an_object_within_its_limit),
        cmocka_unit_test(an_escrow_moves_only_along_its_table),
        cmocka_unit_test(a_closed_escrow_never_opens_again),
        cmocka_unit_test(state_names_are_read_back),
        cmocka_unit_test(a_deadline_is_given_one_way_and_lies_ahead),
        cmocka_unit_test(only_the_preimage_matches_and_no_bit_of_it_can_differ),
        cmocka_unit_test(escrow_ids_differ_by_transaction_and_number),
    };

    return cmocka_run_group_tests_name("ledger rules", tests, NULL, NULL);
}
