/* What does not go on is told, tried on, and tried at once when the operator says so; and what a secret that
 * was given says is read by nobody before it is shown. */
#include "test_transfer.h"

#include "crypto/hash.h"

#define SECRET_HEX "1111111111111111111111111111111111111111111111111111111111111111"
#define STUCK_EVENTS "SELECT count(*) FROM event WHERE type = 'transfer.stuck' AND subject = 'transfer/$'"

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    market_start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fixture_audit(f);
    fixture_replay(f);
    fixture_stop(f);
    memory_free_pointer(state);
    return 0;
}

/* dave keeps key and secret; he has locked for as long as `timeout` says, and bob has too. */
static char *lock_both(struct fixture *f, const char *timeout, const char *recipient, char id[65])
{
    struct hash secret, hash;
    char hex[65];

    memset(secret.bytes, 0x11, sizeof(secret.bytes));
    sha256(&hash, secret.bytes, sizeof(secret.bytes));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
    char *more AUTO_FREE = text_format(",'hash':'%s'", hex);
    start(f, "dave", "base", "base", recipient, 1000, more, id);
    fixture_run(f, "dave", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1011,'hash':'%s','timeout':'%s'}",
                fixture_address(f, "bob"), hex, timeout);
    await_state(f, id, TRANSFER_DESTINATION_LOCKED);
    return fixture_sql_text(f, "SELECT reference FROM transfer_leg WHERE side = 1");
}

static void unlock(struct fixture *f)
{
    struct error error;

    assert_int_equal(keystore_unlock(f->keystore, "the tests' own", &error), OK);
}

static void a_claim_that_does_not_succeed_is_told_again_and_again_and_tried_at_once_on_demand(void **state)
{
    struct fixture *f = *state;
    char id[65];
    char *escrow AUTO_FREE = lock_both(f, "1h", "dave", id);

    refused(f, ERROR_TRANSFER_NOT_FOUND, "transfer.retry", "{'transfer':'" SECRET_HEX "'}");
    keystore_lock(f->keystore);
    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'" SECRET_HEX "'}", escrow);
    await_state(f, id, TRANSFER_CLAIMED);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 1);
    assert_int_equal(sql_of(f, STUCK_EVENTS, id), 0); /* not before its time */
    fixture_advance(f, STUCK_US / 1000 + 3000);
    assert_int_equal(sql_of(f, STUCK_EVENTS, id), 1);
    fixture_advance(f, 1000);
    fixture_advance(f, STUCK_AGAIN_LEAST_US / 2);
    assert_int_equal(sql_of(f, STUCK_EVENTS, id), 1); /* once a period */
    fixture_advance(f, STUCK_AGAIN_LEAST_US);
    assert_int_equal(sql_of(f, STUCK_EVENTS, id), 2);
    assert_int_equal(sql_of(f, "SELECT count(*) FROM event JOIN transfer_leg ON side = 0 WHERE subject = "
                               "'transfer/$' AND type = 'transfer.stuck' AND body ->> 'what' = 'claim_source'"
                               " AND body ->> 'side' = 'source' AND body ->> 'deadline_us' = expiry_us"
                               " AND body ->> 'reason' LIKE '%keystore is locked%'", id), 2);
    assert_int_equal(sql_of(f, "SELECT count(*) FROM v_open_transfer WHERE transfer = '$' AND told IS NOT"
        " NULL"
                               " AND waits_for = 'claim_source' AND loser = 'provider'"
                               " AND reason LIKE '%keystore is locked%'", id), 1);
    /* unlocked, it would be tried at its time, which has not come */
    await_sql(f, "SELECT acting FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 0);
    unlock(f);
    assert_int_equal(sql_of(f, TRANSFER_STATE, id), TRANSFER_CLAIMED);
    json_decref(ask(f, "transfer.retry", "{'transfer':'%s'}", id));
    await_state(f, id, TRANSFER_SETTLED);
    refused(f, ERROR_TRANSFER_ENDED, "transfer.retry", "{'transfer':'%s'}", id);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM v_open_transfer"), 0);
}

static void what_goes_well_is_not_told(void **state)
{
    struct fixture *f = *state;
    char id[65];

    start(f, "alice", "base", "base", "carol", 1000, "", id);
    await_state(f, id, TRANSFER_SETTLED);
    free(lock_both(f, "1h", "dave", id)); /* who takes his time is not stuck */
    fixture_advance(f, 60 * MINUTE / 1000);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'transfer.stuck'"), 0);
}

/* The ledger takes locks of up to 1,000 days, and transactions that are good for 366. */
static void a_source_that_is_locked_for_years_is_claimed_all_the_same(void **state)
{
    struct fixture *f = *state;
    char id[65];
    char *escrow AUTO_FREE = lock_both(f, "900d", "dave", id);

    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'" SECRET_HEX "'}", escrow);
    await_state(f, id, TRANSFER_SETTLED);
}

/* Whoever reads it before the recipient has claimed could be a hop on the way to him. */
static void a_secret_that_was_given_is_read_by_the_operator_alone(void **state)
{
    struct fixture *f = *state;
    char id[65];
    free(lock_both(f, "1h", "carol", id));

    keystore_lock(f->keystore); /* so that it is given, and not shown */
    fixture_run(f, "dave", "transfer.reveal", "{'transfer':'%s','preimage':'" SECRET_HEX "'}", id);
    assert_int_equal(sql_of(f, TRANSFER_STATE, id), TRANSFER_DESTINATION_LOCKED);
    static const char *const ways[] = {
        "SELECT * FROM v_transaction", "SELECT * FROM v_cross_transfer", "SELECT * FROM v_open_transfer",
        "SELECT * FROM v_cross_transfer_leg", "SELECT * FROM transfer_leg", "SELECT * FROM v_event",
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct reply reply = fixture_call_public(f, "sql", json_pack("{s:s}", "query", ways[i]));
        char *text AUTO_FREE = reply.result == NULL ? NULL : json_dumps(reply.result, 0);

        assert_int_equal(reply.status, OK);
        assert_true(json_array_size(json_object_get(reply.result, "rows")) > 0);
        if (strstr(text, SECRET_HEX) != NULL)
            fail_msg("%s shows the secret", ways[i]);
        reply_close(&reply);
    }
    static const char *const kept[] = { "SELECT body FROM signed_transaction",
                                        "SELECT preimage FROM transfer" };
    for (size_t i = 0; i < 2; i++) {
        struct reply reply = fixture_call_public(f, "sql", json_pack("{s:s}", "query", kept[i]));

        assert_int_equal(reply.status, ERROR_DENIED);
        reply_close(&reply);
    }
    char *given AUTO_FREE =
        fixture_sql_text(f, "SELECT id FROM v_transaction WHERE method = 'transfer.reveal'");
    struct reply stranger = fixture_call_public(f, "transaction.get", json_pack("{s:s}", "id", given));
    struct reply own = fixture_call(f, "transaction.get", json_pack("{s:s}", "id", given));
    assert_int_equal(stranger.status, OK);
    assert_null(json_object_get(stranger.result, "transaction"));
    assert_non_null(json_object_get(own.result, "transaction"));
    reply_close(&stranger);
    reply_close(&own);
    json_t *other AUTO_JSON = fixture_query(f, "transaction.list", "{}");
    const char *first = json_string_value(json_object_get(json_array_get(json_object_get(other, "items"), 0),
                                                          "id"));
    struct reply usual = fixture_call_public(f, "transaction.get", json_pack("{s:s}", "id", first));
    assert_non_null(json_object_get(usual.result, "transaction"));
    reply_close(&usual);
    unlock(f);
    json_decref(ask(f, "transfer.retry", "{'transfer':'%s'}", id));
    await_state(f, id, TRANSFER_SETTLED);
}

int stuck_tests(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_claim_that_does_not_succeed_is_told_again_and_again_and_tried_at_once_on_demand),
        TEST(what_goes_well_is_not_told),
        TEST(a_source_that_is_locked_for_years_is_claimed_all_the_same),
        TEST(a_secret_that_was_given_is_read_by_the_operator_alone),
#undef TEST
    };

    return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
