/* Payments with people whose keys are elsewhere: they sign late, or never, vanish, claim late, come back. Our
 * own side never loses. Carol is the stranger; alice and bob have their keys here. */
#include "test_payment.h"

#include "layer2/channel/life.h"

#define LIVE "SELECT count(*) FROM htlc WHERE state < 5"

static void stranger_is_paid(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct arena arena CLEANUP(arena_close);
    struct hash preimage = preimage_of(7);
    struct channel_state claim;
    char hash[65];

    (void)state;
    arena_init(&arena);
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    assert_int_equal(way_locks(&bc), 1);
    claim = without_lock(&bc, 1, &preimage, &arena);
    assert_int_equal(propose_as(&bc, "carol", &claim), OK); /* bob's key countersigns at once */
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&bc, 1), 1000);
    assert_int_equal(way_share(&ab, 1), 1001);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void stranger_does_not_want_it(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct arena arena CLEANUP(arena_close);
    struct hash preimage = preimage_of(7);
    struct channel_state back;
    char hash[65];

    (void)state;
    arena_init(&arena);
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    back = without_lock(&bc, 0, NULL, &arena);
    assert_int_equal(propose_as(&bc, "carol", &back), OK);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&ab, 0), 10000);
    assert_int_equal(way_share(&bc, 0), 10000);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* She never signs for the offer. Bob's signature is out, so that it counts until it expires; then alice has
 * her money back. */
static void silent_stranger_delays_until_the_expiry(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimage = preimage_of(7);
    char hash[65];

    (void)state;
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    fixture_advance(&f, 100 * MINUTE);
    assert_int_equal(sql_of(&f, PAYMENT_STATE, hash), 0);
    fixture_advance(&f, 81 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5 AND hop = 0", "", 0);
    assert_int_equal(way_share(&ab, 0), 10000);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* She signs for the offer and vanishes. Past the expiry alice has hers back, the hash-lock is overdue, and
 * bob takes the channel to the ledger, which gives him back what he offered. */
static void vanished_stranger_is_taken_to_the_ledger(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimage = preimage_of(7);
    char hash[65];

    (void)state;
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    fixture_advance(&f, 181 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    assert_int_equal(way_share(&ab, 0), 10000);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 0);
    fixture_advance(&f, 11 * MINUTE);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 1);
    await_sql(&f, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", bc.hex, 1);
    fixture_run(&f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", 11 * MINUTE);
    f.advanced_us += 11 * MINUTE;
    fixture_advance(&f, 1);
    await_sql(&f, LIVE, "", 0);
    await_sql(&f, "SELECT phase FROM channel_local WHERE id = x'$'", bc.hex, PHASE_CLOSED);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* Bob's challenge is asked for while nobody can sign it: it is a row until the keystore is unlocked, and
 * nothing is signed in the channel before. */
static void overdue_one_is_challenged_once_the_keystore_is_unlocked(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimage = preimage_of(7);
    struct error error;
    char hash[65];

    (void)state;
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    keystore_lock(f.keystore);
    fixture_advance(&f, 192 * MINUTE);
    await_sql(&f, "SELECT phase FROM channel_local WHERE id = x'$'", bc.hex, PHASE_DISPUTE);
    await_sql(&f, "SELECT count(*) FROM effect WHERE key LIKE '%/challenge/%' AND attempts > 0", "", 1);
    fixture_reopen(&f);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM channel WHERE finalizes_us IS NOT NULL"), 0);
    assert_int_equal(keystore_unlock(f.keystore, "the tests' own", &error), OK);
    fixture_advance(&f, 6 * MINUTE);
    await_sql(&f, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", bc.hex, 1);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM effect WHERE key LIKE '%/challenge/%'"), 1);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* She shows the preimage to the ledger alone, in time: bob claims from alice at once. */
static void preimage_on_the_ledger_counts(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimage = preimage_of(7);
    char hash[65], hex[65];

    (void)state;
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    hex_text(hex, preimage.bytes, 32);
    fixture_run(&f, "carol", "channel.reveal", "{'preimage':'%s'}", hex);
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5 AND hop = 0", "", 0);
    assert_int_equal(way_share(&ab, 1), 1001);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* She claims after the expiry: the ledger would not let her, and neither does bob. */
static void late_claims_are_not_signed(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct arena arena CLEANUP(arena_close);
    struct hash preimage = preimage_of(7);
    struct channel_state claim;
    char hash[65];

    (void)state;
    arena_init(&arena);
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    countersign_as(&bc, "carol");
    fixture_advance(&f, 181 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    claim = without_lock(&bc, 1, &preimage, &arena);
    assert_int_equal(propose_as(&bc, "carol", &claim), OK);
    fixture_advance(&f, 5 * 1000000);
    assert_int_equal(way_locks(&bc), 1); /* staged, and not countersigned */
    assert_int_equal(way_share(&bc, 1), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- strangers who pay ------------------------------------------------------------------------ */
static void stranger_pays(void **state)
{
    struct fixture f;
    struct way cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    invoice = invoice_of(&f, "bob", 700, ",'expiry':'10h'", hash);
    offer = with_lock(&cb, 0, 700, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    await_sql(&f, INVOICE_STATE, hash, 2);
    await_sql(&f, "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL AND wants_signature = 0", "",
              1);
    countersign_as(&cb, "carol");
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&cb, 1), 700);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* Half of what was asked for, and the rest never comes: it goes back. Too much, and too short a time: at
 * once. */
static void wrong_offers_go_back(void **state)
{
    struct fixture f;
    struct way cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;
    const struct {
        uint64_t amount;
        int64_t for_us;
    } wrong[] = { { 1500, 180 * MINUTE }, { 700, 5 * MINUTE } };

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    invoice = invoice_of(&f, "bob", 700, ",'expiry':'10h'", hash);
    for (size_t i = 0; i < 2; i++) {
        offer = with_lock(&cb, 0, wrong[i].amount, hash, fixture_now(&f) + wrong[i].for_us, &arena);
        assert_int_equal(propose_as(&cb, "carol", &offer), OK);
        await_sql(&f, "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL AND wants_signature = 0",
                  "", 1);
        countersign_as(&cb, "carol");
        assert_int_equal(way_locks(&cb), 0);
        assert_int_equal(way_share(&cb, 0), 10000);
    }
    offer = with_lock(&cb, 0, 300, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    assert_int_equal(way_locks(&cb), 1);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), 0);
    fixture_advance(&f, 2 * MINUTE);
    await_sql(&f, "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL AND wants_signature = 0", "",
              1);
    countersign_as(&cb, "carol");
    assert_int_equal(way_share(&cb, 0), 10000);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* She does not let bob take what he was paid: before the expiry the ledger sees the preimage, and then the
 * channel. Bob has his money, also when the node restarts in the middle. */
static void unwilling_payer_is_taken_to_the_ledger(void **state)
{
    struct fixture f;
    struct way cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    invoice = invoice_of(&f, "bob", 700, ",'expiry':'10h'", hash);
    offer = with_lock(&cb, 0, 700, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    await_sql(&f, INVOICE_STATE, hash, 2);
    fixture_reopen(&f);
    fixture_advance(&f, 161 * MINUTE);
    await_sql(&f, "SELECT count(*) FROM preimage", "", 1);
    await_sql(&f, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", cb.hex, 1);
    fixture_reopen(&f);
    fixture_run(&f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", 11 * MINUTE);
    f.advanced_us += 11 * MINUTE;
    fixture_advance(&f, 1);
    await_sql(&f, "SELECT phase FROM channel_local WHERE id = x'$'", cb.hex, PHASE_CLOSED);
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc WHERE state = 5"), 1);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 0);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

int stranger_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stranger_is_paid),
        cmocka_unit_test(stranger_does_not_want_it),
        cmocka_unit_test(silent_stranger_delays_until_the_expiry),
        cmocka_unit_test(vanished_stranger_is_taken_to_the_ledger),
        cmocka_unit_test(overdue_one_is_challenged_once_the_keystore_is_unlocked),
        cmocka_unit_test(preimage_on_the_ledger_counts),
        cmocka_unit_test(late_claims_are_not_signed),
        cmocka_unit_test(stranger_pays),
        cmocka_unit_test(wrong_offers_go_back),
        cmocka_unit_test(unwilling_payer_is_taken_to_the_ledger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
