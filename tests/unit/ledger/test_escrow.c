/* Hash-locked escrows: locked, claimed with the preimage before the deadline, refunded by the deadline; to
 * the microsecond, and against somebody who prepares the ground. */
#include "test_ledger.h"

#include "base/bech32.h"
#include "crypto/transaction.h"
#include "ledger/rules.h"

/* Alice has 1000 GOLD. */
static int escrow_setup(void **state)
{
    ledger_setup(state);
    fixture_run(*state, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000}");
    return 0;
}

/* Alice locks for Bob; the escrow's id. */
static void lock_for_bob(struct fixture *f, uint64_t number, int64_t timeout_us, char id[65])
{
    char preimage[65], hash[65];
    json_t *result;

    preimage_of(number, preimage, hash);
    result = fixture_do(f, "alice", "ledger.lock",
                        "{'to':'%s','asset':'GOLD','amount':100,'hash':'%s','timeout':%" PRId64 "}",
                        fixture_address(f, "bob"), hash, timeout_us);
    snprintf(id, 65, "%s", json_string_value(json_object_get(result, "escrow")));
    json_release(&result);
}

static void claim(struct fixture *f, enum status expected, const char *who, const char *id, uint64_t number)
{
    char preimage[65], hash[65];

    preimage_of(number, preimage, hash);
    if (expected == OK)
        fixture_run(f, who, "ledger.claim", "{'escrow':'%s','preimage':'%s'}", id, preimage);
    else
        fixture_refused(f, expected, who, "ledger.claim", "{'escrow':'%s','preimage':'%s'}", id, preimage);
}

static void assert_state(struct fixture *f, const char *id, const char *expected)
{
    json_t *escrow AUTO_JSON = fixture_query(f, "ledger.escrow", "{'escrow':'%s'}", id);

    assert_string_equal(json_string_value(json_object_get(escrow, "state")), expected);
}

static void locking_takes_the_amount_from_the_sender(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    assert_state(f, id, "locked");
    assert_int_equal(held(f, "alice", "GOLD"), 900);
    assert_int_equal(held(f, "bob", "GOLD"), 0);
    assert_int_equal(fixture_sql(f, "SELECT sum(amount) FROM balance"), 1000);
    assert_int_equal(fixture_sql(f, "SELECT in_escrows FROM v_supply WHERE symbol = 'GOLD'"), 100);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM deadline WHERE kind = 'ledger.escrow'"), 1);
}

static void the_preimage_brings_the_amount_to_the_recipient(void **state)
{
    struct fixture *f = *state;
    char id[65], preimage[65], hash[65], expected[512];
    char *event AUTO_FREE = NULL;

    lock_for_bob(f, 1, 60 * SECOND, id);
    claim(f, OK, "bob", id, 1);
    assert_state(f, id, "claimed");
    assert_int_equal(held(f, "bob", "GOLD"), 100);
    preimage_of(1, preimage, hash);
    event = newest_event(f);
    snprintf(expected, sizeof(expected),
             "ledger.escrow_claimed {\"escrow\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"asset\":\"GOLD\","
             "\"amount\":100,\"preimage\":\"%s\"}",
             id, fixture_address(f, "alice"), fixture_address(f, "bob"), preimage);
    assert_string_equal(event, expected);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM deadline"), 0);
    fixture_advance(f, 120 * SECOND);
    assert_state(f, id, "claimed");
    assert_int_equal(held(f, "bob", "GOLD"), 100);
}

static void a_claim_needs_the_recipient_the_preimage_and_the_escrow(void **state)
{
    struct fixture *f = *state;
    char id[65], other[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    claim(f, ERROR_WRONG_PREIMAGE, "bob", id, 2);
    claim(f, ERROR_NOT_THE_RECIPIENT, "carol", id, 1);
    claim(f, ERROR_NOT_THE_RECIPIENT, "alice", id, 1);
    snprintf(other, sizeof(other), "%s", id);
    other[0] = other[0] == '0' ? '1' : '0';
    claim(f, ERROR_ESCROW_NOT_FOUND, "bob", other, 1);
    fixture_refused(f, ERROR_INVALID_PARAMS, "bob", "ledger.claim", "{'escrow':'%s','preimage':'00'}", id);
    fixture_refused(f, ERROR_INVALID_PARAMS, "bob", "ledger.claim", "{'escrow':'%s'}", id);
    assert_state(f, id, "locked");
    claim(f, OK, "bob", id, 1);
    claim(f, ERROR_ESCROW_CLOSED, "bob", id, 1);
    assert_int_equal(held(f, "bob", "GOLD"), 100);
}

static void a_claim_one_microsecond_before_the_deadline_succeeds(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    fixture_advance(f, 60 * SECOND - 1);
    claim(f, OK, "bob", id, 1);
    assert_int_equal(held(f, "bob", "GOLD"), 100);
}

static void a_claim_at_the_deadline_is_too_late(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    fixture_advance(f, 60 * SECOND);
    claim(f, ERROR_ESCROW_EXPIRED, "bob", id, 1);
    assert_state(f, id, "refunded");
    assert_int_equal(held(f, "alice", "GOLD"), 1000);
}

static void a_claim_one_microsecond_after_the_deadline_is_too_late(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    fixture_advance(f, 60 * SECOND + 1);
    claim(f, ERROR_ESCROW_EXPIRED, "bob", id, 1);
    assert_int_equal(held(f, "bob", "GOLD"), 0);
}

static void the_deadline_refunds_without_anybody_asking(void **state)
{
    struct fixture *f = *state;
    char id[65], expected[512];
    char *event AUTO_FREE = NULL;

    lock_for_bob(f, 1, 60 * SECOND, id);
    fixture_advance(f, 60 * SECOND - 1);
    assert_state(f, id, "locked");
    fixture_advance(f, 1);
    assert_state(f, id, "refunded");
    event = newest_event(f);
    snprintf(expected, sizeof(expected),
             "ledger.escrow_refunded {\"escrow\":\"%s\",\"to\":\"%s\",\"asset\":\"GOLD\",\"amount\":100}", id,
             fixture_address(f, "alice"));
    assert_string_equal(event, expected);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM deadline"), 0);
}

static void a_deadline_that_passed_while_the_node_was_down_refunds_at_the_start(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    atomic_fetch_add(&f->now_us, 3600 * SECOND);
    fixture_reopen(f);
    fixture_advance(f, 0);
    assert_state(f, id, "refunded");
    claim(f, ERROR_ESCROW_EXPIRED, "bob", id, 1);
}

/* More escrows fall due at once than one block fires: those that still wait are too late to claim all the
 * same. */
static void a_due_escrow_that_still_waits_for_its_refund_cannot_be_claimed(void **state)
{
    enum { MANY = 1100 };
    struct fixture *f = *state;
    char preimage[65], hash[65];

    fixture_run(f, "alice", "ledger.mint", "{'asset':'GOLD','amount':10000}");
    preimage_of(1, preimage, hash);
    for (int i = 0; i < MANY; i++)
        fixture_run(f, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%s','deadline':%" PRId64 "}",
                    fixture_address(f, "bob"), hash, fixture_now(f) + 60 * SECOND);
    atomic_fetch_add(&f->now_us, 60 * SECOND);
    for (int i = 0; i < 3; i++) {
        char *id AUTO_FREE =
            fixture_sql_text(f, "SELECT lower(hex(id)) FROM escrow ORDER BY created_seq DESC LIMIT 1");

        claim(f, ERROR_ESCROW_EXPIRED, "bob", id, 1);
    }
    fixture_advance(f, 0);
    fixture_advance(f, 0);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow WHERE state = 'refunded'"), MANY);
    assert_int_equal(held(f, "alice", "GOLD"), 11000);
}

static void deadlines_are_checked_when_locking(void **state)
{
    struct fixture *f = *state;
    const char *bob = fixture_address(f, "bob");
    int64_t now = fixture_now(f);

    fixture_refused(f, ERROR_DEADLINE_PASSED, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','deadline':%" PRId64 "}", bob, 0,
                    now);
    fixture_refused(f, ERROR_DEADLINE_PASSED, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','deadline':%" PRId64 "}", bob, 0,
                    now - 1);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d'}", bob, 0);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':0}", bob, 0);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':'1m','deadline':%" PRId64
                    "}",
                    bob, 0, now + SECOND);
    fixture_refused(f, ERROR_LIMIT, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','deadline':%" PRId64 "}", bob, 0,
                    now + ESCROW_DURATION_MAX_US + 1);
    fixture_run(f, "alice", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','deadline':%" PRId64 "}", bob, 0,
                now + 1);
    fixture_run(f, "alice", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':'1000d'}", bob, 0);
}

static void locks_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *bob = fixture_address(f, "bob");

    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1001,'hash':'%064d','timeout':'1m'}", bob, 0);
    fixture_refused(f, ERROR_ASSET_NOT_FOUND, "alice", "ledger.lock",
                    "{'to':'%s','asset':'SILVER','amount':1,'hash':'%064d','timeout':'1m'}", bob, 0);
    fixture_refused(f, ERROR_SAME_ACCOUNT, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':'1m'}",
                    fixture_address(f, "alice"), 0);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'00','timeout':'1m'}", bob);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 0);
}

static void nobody_can_send_to_an_escrow_open_or_closed(void **state)
{
    struct fixture *f = *state;
    char id[65];

    lock_for_bob(f, 1, 60 * SECOND, id);
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", id);
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.mint", "{'to':'%s','asset':'GOLD','amount':1}",
                    id);
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "dev.faucet", "{'to':'%s'}", id);
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.lock",
                    "{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':'1m'}", id, 0);
    claim(f, OK, "bob", id, 1);
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", id);
}

/* An escrow's id follows from its transaction, which its author knows before anybody else: he may send value
 * to that id beforehand (every other hash is a point on the curve). The lock must then be refused, or the
 * escrow would hold more than it says. */
static void an_escrow_whose_account_was_prepared_beforehand_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct hash transaction, id;
    struct account_id account;
    struct reply reply;
    json_t *lock = NULL;
    char hex[65];

    buffer_init(&canonical);
    do {
        struct transaction decoded;
        struct error error;

        json_release(&lock);
        lock =
            fixture_sign(f, "alice", "ledger.lock",
                         fixture_json("{'to':'%s','asset':'GOLD','amount':1,'hash':'%064d','timeout':'1m'}",
                                      fixture_address(f, "bob"), 0));
        assert_int_equal(transaction_decode(json_object_get(lock, "transaction"), &decoded, &canonical,
                                            &transaction, &error),
                         OK);
        escrow_id(&id, &transaction, 0);
        memcpy(account.bytes, id.bytes, sizeof(account.bytes));
    } while (!account_is_key(&account));
    hex_text(hex, id.bytes, sizeof(id.bytes));
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':5}", hex);
    reply = fixture_call(f, "transaction.submit", lock);
    assert_int_equal(reply.status, ERROR_ACCOUNT_EXISTS);
    reply_close(&reply);
}

#define ESCROW_TEST(name) cmocka_unit_test_setup_teardown(name, escrow_setup, ledger_teardown)

int escrow_tests(void)
{
    const struct CMUnitTest tests[] = {
        ESCROW_TEST(locking_takes_the_amount_from_the_sender),
        ESCROW_TEST(the_preimage_brings_the_amount_to_the_recipient),
        ESCROW_TEST(a_claim_needs_the_recipient_the_preimage_and_the_escrow),
        ESCROW_TEST(a_claim_one_microsecond_before_the_deadline_succeeds),
        ESCROW_TEST(a_claim_at_the_deadline_is_too_late),
        ESCROW_TEST(a_claim_one_microsecond_after_the_deadline_is_too_late),
        ESCROW_TEST(the_deadline_refunds_without_anybody_asking),
        ESCROW_TEST(a_deadline_that_passed_while_the_node_was_down_refunds_at_the_start),
        ESCROW_TEST(a_due_escrow_that_still_waits_for_its_refund_cannot_be_claimed),
        ESCROW_TEST(deadlines_are_checked_when_locking),
        ESCROW_TEST(locks_that_cannot_be_are_refused),
        ESCROW_TEST(nobody_can_send_to_an_escrow_open_or_closed),
        ESCROW_TEST(an_escrow_whose_account_was_prepared_beforehand_is_refused),
    };

    return cmocka_run_group_tests_name("ledger escrows", tests, NULL, NULL);
}
