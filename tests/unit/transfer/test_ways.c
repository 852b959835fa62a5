/* Transfers from end to end, on a whole node: each way, each party's keys here or elsewhere, what happens
 * when
 * nobody acts, and a restart after every step. */
#include "test_transfer.h"

#include "crypto/hash.h"

#define FEE(amount) (1 + ((amount) + 99) / 100)
#define OTHER_HEX "2222222222222222222222222222222222222222222222222222222222222222"
#define SECRET_HEX "1111111111111111111111111111111111111111111111111111111111111111"

/* Of the secret that a test keeps itself. */
static void own_hash(char hex[65])
{
    struct hash secret, hash;

    memset(secret.bytes, 0x11, sizeof(secret.bytes));
    sha256(&hash, secret.bytes, sizeof(secret.bytes));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
}

static char *own_hash_param(void)
{
    char hex[65];

    own_hash(hex);
    return text_format(",'hash':'%s'", hex);
}

static void from_base_to_base_it_arrives_for_the_fee(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = gold(f, "alice"), bob = gold(f, "bob"), carol = gold(f, "carol");
    char id[65];

    start(f, "alice", "base", "base", "carol", 1000, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "alice"), alice - 1000 - FEE(1000));
    assert_int_equal(gold(f, "carol"), carol + 1000);
    assert_int_equal(gold(f, "bob"), bob + FEE(1000));
    assert_int_equal(sql_of(f, EVENTS_OF("transfer.source_locked"), id), 1);
    assert_int_equal(sql_of(f, EVENTS_OF("transfer.destination_locked"), id), 1);
    assert_int_equal(sql_of(f, EVENTS_OF("transfer.claimed"), id), 1);
    assert_int_equal(sql_of(f, EVENTS_OF("transfer.settled"), id), 1);
    await_sql(f, "SELECT count(*) FROM effect WHERE kind LIKE 'transfer.%%'", id, 0);
}

static void from_base_into_a_channel(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    uint64_t alice;
    char id[65];

    market_open_channels(f, &ab, &bc);
    alice = gold(f, "alice");
    start(f, "alice", "base", "channel", "carol", 5000, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "alice"), alice - 5000 - FEE(5000));
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&bc, 1), 1000000 + 5000);
    assert_int_equal(way_share(&bc, 0), 1000000 - 5000);
}

static void from_base_to_an_invoice_of_the_recipients_own(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    char id[65], hash[65];

    market_open_channels(f, &ab, &bc);
    char *invoice AUTO_FREE = invoice_of(f, "carol", 700, "", hash);
    start(f, "alice", "base", "channel", invoice, 700, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    await_sql(f, INVOICE_STATE, hash, 2);
    start_refused(f, ERROR_TRANSFER_HASH_USED, "alice", "base", "channel", invoice, 700, "");
    start_refused(f, ERROR_TRANSFER_RECIPIENT, "alice", "base", "channel", invoice, 701, "");
}

static void out_of_a_channel_to_base(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    uint64_t carol;
    char id[65];

    market_open_channels(f, &ab, &bc);
    carol = gold(f, "carol");
    start(f, "alice", "channel", "base", "carol", 5000, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "carol"), carol + 5000);
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&ab, 0), 1000000 - 5000 - FEE(5000));
}

static void whoever_keeps_key_and_secret_locks_and_claims_himself(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char hash[65], id[65];

    own_hash(hash);
    start_refused(f, ERROR_INVALID_PARAMS, "dave", "base", "base", "dave", 1000, "");
    start(f, "dave", "base", "base", "dave", 1000, more, id);
    assert_int_equal(sql_of(f, TRANSFER_STATE, id), TRANSFER_INITIATED);
    json_t *row AUTO_JSON = fixture_query(f, "transfer.get", "{'transfer':'%s'}", id);
    json_int_t expiry =
        json_integer_value(json_object_get(json_object_get(row, "source"), "expiry_us"));

    /* one that ends too early does not count */
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','deadline':%lld}",
                fixture_address(f, "bob"), hash, (long long)expiry - 1);
    assert_int_equal(sql_of(f, TRANSFER_STATE, id), TRANSFER_INITIATED);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','deadline':%lld}",
                fixture_address(f, "bob"), hash, (long long)expiry);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    char *escrow AUTO_FREE = fixture_sql_text(f, "SELECT reference FROM transfer_leg WHERE side = 1");
    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'" SECRET_HEX "'}", escrow);
    await_state(f, id, TRANSFER_SETTLED);
}

static void a_secret_is_taken_when_the_destination_is_locked_and_not_before(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char id[65];

    start(f, "dave", "base", "base", "carol", 1000, more, id);
    fixture_refused(f, ERROR_TRANSFER_TOO_EARLY, "dave", "transfer.reveal",
                    "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
    fixture_refused(f, ERROR_TRANSFER_NOT_YOURS, "carol", "transfer.reveal",
                    "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
    char hash[65];
    own_hash(hash);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'1h'}",
                fixture_address(f, "bob"), hash);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    fixture_refused(f, ERROR_WRONG_PREIMAGE, "dave", "transfer.reveal",
                    "{'transfer':'%s','preimage':'" OTHER_HEX "'}", id);
    fixture_run(f, "dave", "transfer.reveal", "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
    await_state(f, id, TRANSFER_SETTLED);
}

static void a_secret_is_not_taken_when_no_claim_is_safe_any_more(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char id[65];

    start(f, "alice", "base", "base", "carol", 1000, more, id);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    int64_t left_us = fixture_sql(f, "SELECT expiry_us FROM transfer_leg WHERE side = 1") -
                      fixture_sql(f, "SELECT max(time_us) FROM event");

    fixture_advance(f, left_us - 1000); /* less than what a claim needs */
    fixture_refused(f, ERROR_TRANSFER_TOO_EARLY, "alice", "transfer.reveal",
                    "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
}

static void what_nobody_claims_goes_back_on_both_sides(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    uint64_t alice = gold(f, "alice"), bob = gold(f, "bob");
    char id[65];

    start(f, "alice", "base", "base", "dave", 1000, more, id);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    assert_int_equal(gold(f, "bob"), bob - 1000);
    fixture_advance(f, 60 * MINUTE);
    await_state(f, id, TRANSFER_REFUNDED);
    assert_int_equal(gold(f, "alice"), alice);
    assert_int_equal(gold(f, "bob"), bob);
    assert_int_equal(fixture_sql(f, "SELECT sum(amount) FROM transfer_volume"), 0);
}

static void a_source_that_nobody_locks_expires(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char id[65];

    start(f, "dave", "base", "base", "dave", 1000, more, id);
    fixture_advance(f, 60 * MINUTE);
    await_state(f, id, TRANSFER_EXPIRED);
    assert_int_equal(fixture_sql(f, "SELECT sum(amount) FROM transfer_volume"), 0);
}

static void a_recipient_who_claims_after_the_providers_node_slept_too_long_costs_the_provider(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    uint64_t dave, bob;
    char hash[65], id[65];

    own_hash(hash);
    start(f, "dave", "base", "base", "dave", 1000, more, id);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'1h'}",
                fixture_address(f, "bob"), hash);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    dave = gold(f, "dave");
    bob = gold(f, "bob");
    keystore_lock(f->keystore); /* nobody unlocks it */
    char *escrow AUTO_FREE = fixture_sql_text(f, "SELECT reference FROM transfer_leg WHERE side = 1");
    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'" SECRET_HEX "'}", escrow);
    await_state(f, id, TRANSFER_CLAIMED);
    fixture_advance(f, 2 * 60 * MINUTE);
    await_state(f, id, TRANSFER_LOST);
    assert_int_equal(gold(f, "dave"), dave + 1000 + 1011);
    assert_int_equal(gold(f, "bob"), bob);
    assert_int_equal(sql_of(f, "SELECT count(*) FROM event WHERE type = 'transfer.lost' AND subject ="
                            " 'transfer/$' AND body LIKE '%\"loser\":\"provider\"%'", id), 1);
}

static void a_locked_keystore_delays_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct error error;
    char id[65];

    keystore_lock(f->keystore);
    start(f, "alice", "base", "base", "carol", 1000, ",'timeout':'1h'", id);
    await_sql(f, "SELECT count(*) FROM transfer_leg WHERE tries > 0", "", 1);
    assert_int_equal(sql_of(f, TRANSFER_STATE, id), TRANSFER_INITIATED);
    assert_int_equal(keystore_unlock(f->keystore, "the tests' own", &error), OK);
    fixture_advance(f, 2 * 1000000);
    await_state(f, id, TRANSFER_SETTLED);
}

static void a_channel_gives_the_source_back_when_nobody_claims(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    char id[65];

    market_open_channels(f, &ab, &bc);
    char *more AUTO_FREE = own_hash_param();
    start(f, "alice", "channel", "base", "dave", 5000, more, id);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    fixture_advance(f, 3 * 60 * MINUTE);
    await_state(f, id, TRANSFER_REFUNDED);
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&ab, 0), 1000000);
}

/* Given to the node, it was shown to nobody: the provider may not take the source by it. */
static void a_secret_that_was_given_too_late_costs_nobody(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    uint64_t dave = gold(f, "dave"), bob = gold(f, "bob");
    struct error error;
    char hash[65], id[65];

    own_hash(hash);
    start(f, "dave", "base", "base", "carol", 1000, more, id);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'1h'}",
                fixture_address(f, "bob"), hash);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    keystore_lock(f->keystore); /* so that the node cannot claim for carol */
    fixture_run(f, "dave", "transfer.reveal", "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
    fixture_advance(f, 10 * MINUTE); /* the destination is over, the source is not */
    await_sql(f, "SELECT sight FROM transfer_leg WHERE side = 1", "", SIGHT_RETURNED);
    assert_int_equal(keystore_unlock(f->keystore, "the tests' own", &error), OK);
    fixture_advance(f, 5 * MINUTE);
    fixture_advance(f, 2 * 60 * MINUTE);
    await_state(f, id, TRANSFER_REFUNDED);
    assert_int_equal(gold(f, "dave"), dave);
    assert_int_equal(gold(f, "bob"), bob);
}

/* An invoice of somebody else's, for less, has the transfer's hash: what is paid to it is no lock for bob. */
static void an_invoice_of_another_is_no_lock_of_the_source(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    struct way ab, bc;
    char hash[65], id[65], paid[65];

    market_open_channels(f, &ab, &bc);
    own_hash(hash);
    char *cheap AUTO_FREE = text_format(",'hold':true,'hash':'%s'", hash);
    char *invoice AUTO_FREE = invoice_of(f, "carol", 10, cheap, paid);
    assert_string_equal(paid, hash);
    start(f, "alice", "channel", "base", "dave", 5000, more, id);
    json_decref(ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
                    fixture_address(f, "alice")));
    await_sql(f, INVOICE_STATE, hash, 1);
    fixture_advance(f, 1000);
    await_state(f, id, TRANSFER_FAILED);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 0);
    assert_int_equal(sql_of(f, "SELECT count(*) FROM transfer WHERE id = x'$' AND reason LIKE '%another%'",
                            id), 1);
}

/* What was paid once is not paid again: the account would pay for nothing. */
static void an_invoice_that_was_paid_is_refused(void **state)
{
    struct fixture *f = *state;
    struct way ab, bc;
    char hash[65];

    market_open_channels(f, &ab, &bc);
    char *invoice AUTO_FREE = invoice_of(f, "carol", 700, "", hash);
    json_decref(ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(f, "bob")));
    await_sql(f, INVOICE_STATE, hash, 2);
    start_refused(f, ERROR_TRANSFER_HASH_USED, "alice", "base", "channel", invoice, 700, "");
}

/* Stopped and started again, by the clock of that node, after each step that the log shows. */
static void restart_through(struct fixture *f, const char *id)
{
    static const char *const steps[] = { EVENTS_OF("transfer.initiated"), EVENTS_OF("transfer.source_locked"),
                                         EVENTS_OF("transfer.destination_locked"),
                                         EVENTS_OF("transfer.claimed") };
    struct error error;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        await_sql(f, steps[i], id, 1);
        fixture_reopen(f);
        if (keystore_is_locked(f->keystore))
            assert_int_equal(keystore_unlock(f->keystore, "the tests' own", &error), OK);
        fixture_advance(f, 1000);
    }
    for (int i = 0; i < 50 && sql_of(f, TRANSFER_STATE, id) != TRANSFER_SETTLED; i++)
        fixture_advance(f, 100000);
    await_state(f, id, TRANSFER_SETTLED);
}

static void a_node_that_stops_after_every_step_settles_all_the_same(void **state)
{
    static const char *const ways[][2] = { { "base", "base" }, { "base", "channel" }, { "channel", "base" } };
    struct fixture *f = *state;
    struct way ab, bc;
    char id[65];

    market_open_channels(f, &ab, &bc);
    for (size_t i = 0; i < 3; i++) {
        start(f, "alice", ways[i][0], ways[i][1], "carol", 3000, i == 1 ? "" : ",'timeout':'2h'", id);
        restart_through(f, id);
        fixture_audit(f);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 4);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM payment WHERE state = 1"), 2);
}

static void a_transfer_is_cancelled_before_the_destination_is_asked_for_and_not_after(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char id[65], hash[65];

    own_hash(hash);
    start(f, "dave", "base", "base", "dave", 1000, more, id);
    fixture_refused(f, ERROR_TRANSFER_NOT_YOURS, "carol", "transfer.cancel", "{'transfer':'%s'}", id);
    fixture_run(f, "dave", "transfer.cancel", "{'transfer':'%s'}", id);
    await_state(f, id, TRANSFER_CANCELLED);
    fixture_refused(f, ERROR_TRANSFER_ENDED, "dave", "transfer.cancel", "{'transfer':'%s'}", id);
    /* what he locks all the same is not followed, and comes back to him */
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'1h'}",
                fixture_address(f, "bob"), hash);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 1);
    start(f, "alice", "base", "base", "dave", 1000,
          ",'hash':'2222222222222222222222222222222222222222222222222222222222222222'", id);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    fixture_refused(f, ERROR_TRANSFER_LOCKED, "alice", "transfer.cancel", "{'transfer':'%s'}", id);
}

static void what_is_not_built_or_makes_no_sense_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    const char *own = ",'hash':'2222222222222222222222222222222222222222222222222222222222222222'";

    start_refused(f, ERROR_TRANSFER_LEG_NOT_BUILT, "alice", "lightning:ln", "base", "carol", 1000, "");
    start_refused(f, ERROR_TRANSFER_PLACE, "alice", "base", "lightning", "carol", 1000, "");
    start_refused(f, ERROR_TRANSFER_PLACE, "alice", "base", "moon", "carol", 1000, "");
    start_refused(f, ERROR_TRANSFER_PLACE, "alice", "base", "evm", "carol", 1000, "");
    start_refused(f, ERROR_TRANSFER_PLACE, "alice", "channel", "channel", "carol", 1000, "");
    start_refused(f, ERROR_TRANSFER_RECIPIENT, "alice", "base", "base", "dave", 1000, "");
    start_refused(f, ERROR_TRANSFER_TIMEOUT, "alice", "base", "base", "carol", 1000, ",'timeout':'1ms'");
    start_refused(f, ERROR_TRANSFER_TIMEOUT, "alice", "base", "base", "carol", 1000, ",'timeout':'2d'");
    start_refused(f, ERROR_TRANSFER_QUOTE_NOT_FOUND, "alice", "base", "base", "carol", 1000,
                  ",'quote':'2222222222222222222222222222222222222222222222222222222222222222'");
    start_refused(f, ERROR_SAME_ACCOUNT, "alice", "base", "base", "bob", 1000, own);
    fixture_run(f, "bob", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':9999500}",
                fixture_address(f, "dave"));
    start_refused(f, ERROR_TRANSFER_LIQUIDITY, "alice", "base", "base", "carol", 1000, "");
}

/* --- invariants ----------------------------------------------------------------------------------- */
static int broken_teardown(void **state)
{
    fixture_stop(*state);
    memory_free_pointer(state);
    return 0;
}

/* An invariant that cannot fail would prove nothing: each is broken behind the node's back, and mended. */
static void assert_seen(struct fixture *f, const char *invariant, const char *tampering, const char *mending)
{
    char *violation AUTO_FREE = NULL;
    char *after AUTO_FREE = NULL;

    fixture_tamper(f, tampering);
    violation = fixture_violation(f, invariant);
    if (violation == NULL)
        fail_msg("%s does not see: %s", invariant, tampering);
    fixture_tamper(f, mending);
    after = fixture_violation(f, invariant);
    if (after != NULL)
        fail_msg("%s still says after it was mended: %s", invariant, after);
}

static void every_invariant_sees_what_breaks_it(void **state)
{
    struct fixture *f = *state;
    char *more AUTO_FREE = own_hash_param();
    char id[65];

    start(f, "alice", "base", "base", "dave", 1000, more, id);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    assert_seen(f, "transfer.place", "UPDATE transfer_leg SET sight = 6 WHERE side = 0",
                "UPDATE transfer_leg SET sight = 3 WHERE side = 0");
    assert_seen(f, "transfer.place", "UPDATE transfer_leg SET amount = '999' WHERE side = 1",
                "UPDATE transfer_leg SET amount = '1000' WHERE side = 1");
    assert_seen(f, "transfer.both", "UPDATE transfer SET state = 4", "UPDATE transfer SET state = 2");
    assert_seen(f, "transfer.order",
                "UPDATE transfer_leg SET expiry_us = expiry_us + 3600000000 WHERE side = 1",
                "UPDATE transfer_leg SET expiry_us = expiry_us - 3600000000 WHERE side = 1");
    assert_seen(f, "transfer.secret", "UPDATE transfer_leg SET sight = 5 WHERE side = 1",
                "UPDATE transfer_leg SET sight = 3 WHERE side = 1");
    assert_seen(f, "transfer.preimages", "UPDATE transfer SET preimage = zeroblob(32)",
                "UPDATE transfer SET preimage = NULL");
    assert_seen(f, "transfer.volume", "UPDATE transfer_volume SET amount = amount - 1",
                "UPDATE transfer_volume SET amount = amount + 1");
}

int way_tests(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, market_setup, market_teardown)
        TEST(from_base_to_base_it_arrives_for_the_fee),
        TEST(from_base_into_a_channel),
        TEST(from_base_to_an_invoice_of_the_recipients_own),
        TEST(out_of_a_channel_to_base),
        TEST(whoever_keeps_key_and_secret_locks_and_claims_himself),
        TEST(a_secret_is_taken_when_the_destination_is_locked_and_not_before),
        TEST(a_secret_is_not_taken_when_no_claim_is_safe_any_more),
        TEST(what_nobody_claims_goes_back_on_both_sides),
        TEST(a_source_that_nobody_locks_expires),
        TEST(a_recipient_who_claims_after_the_providers_node_slept_too_long_costs_the_provider),
        TEST(a_locked_keystore_delays_and_loses_nothing),
        TEST(a_node_that_stops_after_every_step_settles_all_the_same),
        TEST(a_transfer_is_cancelled_before_the_destination_is_asked_for_and_not_after),
        TEST(what_is_not_built_or_makes_no_sense_is_refused_by_name),
        TEST(a_channel_gives_the_source_back_when_nobody_claims),
        TEST(a_secret_that_was_given_too_late_costs_nobody),
        TEST(an_invoice_of_another_is_no_lock_of_the_source),
        TEST(an_invoice_that_was_paid_is_refused),
        cmocka_unit_test_setup_teardown(every_invariant_sees_what_breaks_it, market_setup,
                                        broken_teardown),
#undef TEST
    };

    return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
