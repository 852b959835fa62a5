/* Each invariant of messages is broken on purpose, behind the node's back, and must be reported: one that
 * cannot fail would prove nothing. */
#include "test_message.h"

/* Items in every state, a claim and a credit. */
static int history_setup(void **state)
{
    struct account_id nobody;
    struct scene *s;
    char root[65];

    scene_setup(state);
    s = *state;
    memset(nobody.bytes, 0xff, sizeof(nobody.bytes));
    deposit(s, 100);
    withdrawals_add(&s->withdrawals, 0, 10, &fixture_key(&s->f, "bob")->account);
    withdrawals_add(&s->withdrawals, 0, 20, &nobody);
    withdrawals_root(&s->withdrawals, 2, root);
    run(s, "owner.final", ",'behind':2,'root':'%s'", root);
    for (uint64_t i = 0; i < 2; i++)
        assert_int_equal(fixture_try(&s->f, "bob", "message.claim",
                                     withdrawals_claim(&s->withdrawals, s->domain, i, 2), NULL), OK);
    for (int i = 0; i < 3; i++)
        run(s, "owner.queue", ",'amount':%d,'window':1", i * 7);
    run(s, "owner.include", ",'first':1,'behind':3");
    return 0;
}

static int history_teardown(void **state)
{
    struct scene *s = *state;

    fixture_stop(&s->f);
    memory_free_pointer(state);
    return 0;
}

static void assert_reported(void **state, const char *invariant, const char *tampering, const char *words)
{
    struct scene *s = *state;
    char *violation AUTO_FREE = NULL;

    fixture_tamper(&s->f, tampering);
    violation = fixture_violation(&s->f, invariant);
    if (violation == NULL)
        fail_msg("%s does not see: %s", invariant, tampering);
    if (strstr(violation, words) == NULL)
        fail_msg("%s says '%s', which does not speak of '%s'", invariant, violation, words);
}

static void a_gap_in_the_inbox_is_reported(void **state)
{
    assert_reported(state, "message.inboxes", "DELETE FROM inbox WHERE number = 1", "are 3 in number");
}

static void an_item_taken_in_out_of_order_is_reported(void **state)
{
    assert_reported(state, "message.inboxes", "UPDATE inbox SET state = 'queued' WHERE number = 1",
                    "inbox item 2 is included, behind one that is queued");
}

static void a_refund_of_nothing_is_reported(void **state)
{
    assert_reported(state, "message.inboxes",
                    "UPDATE inbox SET state = 'refunded', amount = 0 WHERE number = 3", "amount of 0");
}

static void a_claim_of_what_is_not_final_is_reported(void **state)
{
    assert_reported(state, "message.claims", "UPDATE message_domain SET count = 1",
                    "withdrawal 1 was claimed, but only 1 are final");
}

static void a_claim_of_a_foreign_asset_is_reported(void **state)
{
    assert_reported(state, "message.claims", "UPDATE withdrawal_claim SET asset = x'00' WHERE number = 0",
                    "has not got");
}

static void a_deposit_forgotten_is_reported(void **state)
{
    assert_reported(state, "message.holdings", "UPDATE domain_asset SET reserved = reserved - 7",
                    "34 are spoken for; deposits not done and credits are 41");
}

static void a_domain_that_is_short_is_reported(void **state)
{
    assert_reported(state, "message.holdings",
                    "UPDATE balance SET amount = 40 WHERE account = (SELECT escrow FROM message_domain)",
                    "holds 40 of its asset 0; 41 are spoken for");
}

static void an_account_not_held_is_reported(void **state)
{
    assert_reported(state, "message.domains",
                    "UPDATE account SET kind = 'key' WHERE id = (SELECT escrow FROM message_domain)",
                    "its account is not held as a rollup");
}

static void a_count_without_a_root_is_reported(void **state)
{
    assert_reported(state, "message.domains", "UPDATE message_domain SET root = NULL",
                    "2 withdrawals without a root");
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, history_setup, history_teardown)

int invariants_tests(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_TEST(a_gap_in_the_inbox_is_reported),
        HISTORY_TEST(an_item_taken_in_out_of_order_is_reported),
        HISTORY_TEST(a_refund_of_nothing_is_reported),
        HISTORY_TEST(a_claim_of_what_is_not_final_is_reported),
        HISTORY_TEST(a_claim_of_a_foreign_asset_is_reported),
        HISTORY_TEST(a_deposit_forgotten_is_reported),
        HISTORY_TEST(a_domain_that_is_short_is_reported),
        HISTORY_TEST(an_account_not_held_is_reported),
        HISTORY_TEST(a_count_without_a_root_is_reported),
    };

    return cmocka_run_group_tests_name("message invariants", tests, NULL, NULL);
}
