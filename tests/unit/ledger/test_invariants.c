/* Each invariant is broken on purpose, behind the node's back, and must be reported; the others say whether
 * they see it too. An invariant that cannot fail would prove nothing. */
#include "test_ledger.h"

/* A history with something in every table: two accounts, an open, a claimed and a refunded escrow. */
static int history_setup(void **state)
{
    struct fixture *f;
    char preimage[65], hash[65];
    json_t *locked;

    ledger_setup(state);
    f = *state;
    preimage_of(1, preimage, hash);
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000,'max_supply':5000}");
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':200}",
                fixture_address(f, "bob"));
    locked = fixture_do(f, "alice", "ledger.lock",
                        "{'to':'%s','asset':'GOLD','amount':7,'hash':'%s','timeout':'1m'}",
                        fixture_address(f, "bob"), hash);
    fixture_run(f, "bob", "ledger.claim", "{'escrow':'%s','preimage':'%s'}",
                json_string_value(json_object_get(locked, "escrow")), preimage);
    json_release(&locked);
    fixture_run(f, "alice", "ledger.lock", "{'to':'%s','asset':'GOLD','amount':8,'hash':'%s','timeout':'1m'}",
                fixture_address(f, "bob"), hash);
    fixture_advance(f, 60 * SECOND);
    fixture_run(f, "alice", "ledger.lock", "{'to':'%s','asset':'GOLD','amount':9,'hash':'%s','timeout':'1m'}",
                fixture_address(f, "bob"), hash);
    fixture_audit(f);
    return 0;
}

static int history_teardown(void **state)
{
    fixture_stop(*state);
    memory_free_pointer(state);
    return 0;
}

static void assert_reported(struct fixture *f, const char *invariant, const char *tampering,
                            const char *words)
{
    char *violation AUTO_FREE = NULL;

    fixture_tamper(f, tampering);
    violation = fixture_violation(f, invariant);
    if (violation == NULL)
        fail_msg("%s does not see: %s", invariant, tampering);
    if (strstr(violation, words) == NULL)
        fail_msg("%s says '%s', which does not speak of '%s'", invariant, violation, words);
}

static void value_out_of_nothing_is_reported(void **state)
{
    assert_reported(
        *state, "ledger.conservation",
        "UPDATE balance SET amount = amount + 1 WHERE account = (SELECT recipient FROM escrow LIMIT 1)",
        "asset GOLD: balances add up to 1001, its supply is 1000");
}

static void value_that_vanished_is_reported(void **state)
{
    assert_reported(*state, "ledger.conservation", "DELETE FROM balance", "balances add up to 0");
}

static void balances_of_an_asset_that_is_not_there_are_reported(void **state)
{
    assert_reported(
        *state, "ledger.conservation",
        "DELETE FROM posting; DELETE FROM escrow; DELETE FROM deadline;"
                    " DELETE FROM asset WHERE symbol = 'GOLD'",
        "which is not there");
}

static void a_balance_that_is_not_the_sum_of_its_postings_is_reported(void **state)
{
    assert_reported(
        *state, "ledger.postings",
        "UPDATE balance SET amount = amount - 1 WHERE account = (SELECT recipient FROM escrow LIMIT 1)",
        "postings add up to");
}

static void a_missing_posting_is_reported(void **state)
{
    assert_reported(*state, "ledger.postings",
                    "DELETE FROM posting WHERE seq = (SELECT min(seq) FROM posting)", "postings add up to");
}

static void a_balance_without_any_posting_is_reported(void **state)
{
    assert_reported(*state, "ledger.postings", "DELETE FROM posting", "without postings");
}

static void a_wrong_running_balance_is_reported(void **state)
{
    assert_reported(*state, "ledger.postings",
                    "UPDATE posting SET balance = balance + 1 WHERE seq = (SELECT min(seq) FROM posting)",
                    "a posting gives the balance as 1001, the sum is 1000");
}

static void a_posting_of_nothing_is_reported(void **state)
{
    assert_reported(
        *state, "ledger.postings",
        "INSERT INTO posting SELECT domain, account, seq, entry + 1, asset, 0, balance FROM posting LIMIT 1",
        "a posting of nothing");
}

static void a_posting_under_no_event_is_reported(void **state)
{
    assert_reported(*state, "ledger.postings",
                    "UPDATE posting SET seq = 1000000 WHERE seq = (SELECT max(seq) FROM posting)",
                    "event 1000000 is not there");
}

static void an_escrow_that_holds_too_little_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "UPDATE escrow SET amount = 10 WHERE state = 'locked'",
                    "is locked, but holds 9 instead of 10");
}

static void an_escrow_that_holds_something_else_is_reported(void **state)
{
    assert_reported(
        *state, "ledger.escrows",
        "INSERT INTO balance SELECT 0, id, (SELECT id FROM asset WHERE symbol = 'DEV'), 5 FROM escrow"
        " WHERE state = 'locked'",
        "holds an asset that nobody locked");
}

static void a_closed_escrow_that_still_holds_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows",
                    "INSERT INTO balance SELECT 0, id, asset, 5 FROM escrow WHERE state = 'refunded'",
                    "is refunded, but still holds 5");
}

static void a_locked_escrow_without_its_deadline_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "DELETE FROM deadline", "has no deadline");
}

static void a_deadline_at_another_time_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "UPDATE deadline SET due_us = due_us + 1", "has no deadline");
}

static void a_deadline_of_a_closed_escrow_is_reported(void **state)
{
    assert_reported(
        *state, "ledger.escrows",
        "INSERT INTO deadline (clock, due_us, kind, subject) SELECT 0, 9000000000000000, 'ledger.escrow', id"
        " FROM escrow WHERE state = 'claimed'",
        "which is not locked");
}

static void a_claimed_escrow_without_a_preimage_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "UPDATE escrow SET preimage = NULL", "no preimage");
}

static void a_locked_escrow_with_a_closing_event_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "UPDATE escrow SET closed_seq = 1 WHERE state = 'locked'",
                    "is locked, with closed_seq 1");
}

static void an_escrow_whose_account_others_can_use_is_reported(void **state)
{
    assert_reported(*state, "ledger.escrows", "UPDATE account SET kind = 'key'", "has no account of its own");
}

static void a_holder_without_an_account_is_reported(void **state)
{
    assert_reported(*state, "ledger.accounts",
                    "DELETE FROM account WHERE id = (SELECT recipient FROM escrow LIMIT 1)", "is not known");
}

static void an_issuer_without_an_account_is_reported(void **state)
{
    assert_reported(*state, "ledger.accounts", "DELETE FROM account WHERE kind = 'faucet'",
                    "the issuer of DEV is not known");
}

static void a_supply_over_its_limit_is_reported(void **state)
{
    assert_reported(*state, "ledger.supply", "UPDATE asset SET max_supply = 999 WHERE symbol = 'GOLD'",
                    "asset GOLD: its supply is 1000 of at most 999");
}

static void a_limit_over_all_integers_is_reported(void **state)
{
    assert_reported(*state, "ledger.supply",
                    "UPDATE asset SET max_supply = 9007199254740992 WHERE symbol = 'GOLD'", "asset GOLD");
}

static void a_negative_supply_is_reported(void **state)
{
    assert_reported(*state, "ledger.supply", "UPDATE asset SET supply = -1 WHERE symbol = 'GOLD'",
                    "its supply is -1");
}

static void an_address_of_somebody_else_is_reported(void **state)
{
    assert_reported(*state, "ledger.addresses", "UPDATE account SET address = 'lyt1' || substr(address, 6)",
                    "another one's");
}

static void an_asset_under_a_wrong_id_is_reported(void **state)
{
    assert_reported(*state, "ledger.assets", "UPDATE asset SET symbol = 'SILVER' WHERE symbol = 'GOLD'",
                    "does not follow from its symbol");
}

static void a_preimage_of_another_hash_is_reported(void **state)
{
    assert_reported(*state, "ledger.preimages",
                    "UPDATE escrow SET preimage = zeroblob(32) WHERE state = 'claimed'",
                    "does not hash to its hash");
}

#define BROKEN_TEST(name) cmocka_unit_test_setup_teardown(name, history_setup, history_teardown)

int invariants_tests(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN_TEST(value_out_of_nothing_is_reported),
        BROKEN_TEST(value_that_vanished_is_reported),
        BROKEN_TEST(balances_of_an_asset_that_is_not_there_are_reported),
        BROKEN_TEST(a_balance_that_is_not_the_sum_of_its_postings_is_reported),
        BROKEN_TEST(a_missing_posting_is_reported),
        BROKEN_TEST(a_balance_without_any_posting_is_reported),
        BROKEN_TEST(a_wrong_running_balance_is_reported),
        BROKEN_TEST(a_posting_of_nothing_is_reported),
        BROKEN_TEST(a_posting_under_no_event_is_reported),
        BROKEN_TEST(an_escrow_that_holds_too_little_is_reported),
        BROKEN_TEST(an_escrow_that_holds_something_else_is_reported),
        BROKEN_TEST(a_closed_escrow_that_still_holds_is_reported),
        BROKEN_TEST(a_locked_escrow_without_its_deadline_is_reported),
        BROKEN_TEST(a_deadline_at_another_time_is_reported),
        BROKEN_TEST(a_deadline_of_a_closed_escrow_is_reported),
        BROKEN_TEST(a_claimed_escrow_without_a_preimage_is_reported),
        BROKEN_TEST(a_locked_escrow_with_a_closing_event_is_reported),
        BROKEN_TEST(an_escrow_whose_account_others_can_use_is_reported),
        BROKEN_TEST(a_holder_without_an_account_is_reported),
        BROKEN_TEST(an_issuer_without_an_account_is_reported),
        BROKEN_TEST(a_supply_over_its_limit_is_reported),
        BROKEN_TEST(a_limit_over_all_integers_is_reported),
        BROKEN_TEST(a_negative_supply_is_reported),
        BROKEN_TEST(an_address_of_somebody_else_is_reported),
        BROKEN_TEST(an_asset_under_a_wrong_id_is_reported),
        BROKEN_TEST(a_preimage_of_another_hash_is_reported),
    };

    return cmocka_run_group_tests_name("ledger invariants", tests, NULL, NULL);
}
