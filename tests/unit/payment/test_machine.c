/* Payments among keys of the node: direct, through hops, in parts, held, retried, around loops, at random. */
#include "test_payment.h"

#include "base/clock.h"

static void payment_goes_through_one_channel(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 500);
    invoice = invoice_of(&f, "bob", 100, ",'description':'coffee'", hash);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_int_equal(way_share(&ab, 0), 900);
    assert_int_equal(way_share(&ab, 1), 600);
    assert_int_equal(way_locks(&ab), 0);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), 2);
    assert_int_equal(sql_of(&f, "SELECT fee FROM payment WHERE hash = x'$'", hash), 0);
    assert_int_equal(
        sql_of(&f,
               "SELECT preimage = (SELECT preimage FROM invoice AS i WHERE i.hash = payment.hash)"
               " FROM payment WHERE hash = x'$'",
               hash),
        1);
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(&f, "alice")));
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM payment_part"), 1); /* once, however often */
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

static void hops_keep_their_fees(void **state)
{
    struct fixture f;
    struct way ab, bc, cd;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob carol dave");
    way_open(&ab, &f, "alice", "bob", 1, 100000, 0);
    way_open(&bc, &f, "carol", "bob", 2, 0, 100000);
    way_open(&cd, &f, "carol", "dave", 3, 100000, 0);
    json_decref(ask(&f, "payment.policy", "{'channel':'%s','signer':'%s','base':7,'ppm':1000}", bc.hex,
                    fixture_address(&f, "bob")));
    invoice = invoice_of(&f, "dave", 10000, "", hash);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    /* carol: 1 + 1 = 2 of 10,000; bob: 7 + 10 of 10,002 */
    assert_int_equal(way_share(&cd, 1), 10000);
    assert_int_equal(way_share(&bc, 0), 10002);
    assert_int_equal(way_share(&ab, 1), 10019);
    assert_int_equal(sql_of(&f, "SELECT fee FROM payment WHERE hash = x'$'", hash), 19);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'payment.forwarded'"), 2);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void one_payment_takes_several_ways(void **state)
{
    struct fixture f;
    struct way ab[3], bc;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob carol");
    for (uint64_t i = 0; i < 3; i++)
        way_open(&ab[i], &f, "alice", "bob", i + 1, 1000, 0);
    way_open(&bc, &f, "bob", "carol", 9, 10000, 0);
    invoice = invoice_of(&f, "carol", 2500, "", hash);
    refused(&f, ERROR_NO_ROUTE, "payment.send", "{'invoice':'%s','payer':'%s','parts':1}", invoice,
            fixture_address(&f, "alice"));
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM payment"), 0);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_true(fixture_sql(&f, "SELECT count(*) FROM payment_part WHERE state = 1") >= 3);
    assert_int_equal(way_share(&bc, 1), 2500);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void payer_may_choose_the_amount(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    invoice = invoice_of(&f, "bob", 0, "", hash);
    assert_int_equal(pay(&f, "alice", invoice, hash, ",'amount':5"), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_int_equal(sql_of(&f, "SELECT received FROM invoice WHERE hash = x'$'", hash), 5);
    assert_int_equal(way_share(&ab, 1), 5);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void held_payments_wait(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65], other[65];
    char *first AUTO_FREE = NULL, *second AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 500);
    first = invoice_of(&f, "bob", 100, ",'hold':true", hash);
    second = invoice_of(&f, "bob", 50, ",'hold':true", other);
    refused(&f, ERROR_INVOICE_ENDED, "invoice.settle", "{'hash':'%s'}", hash);
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", first, fixture_address(&f, "alice")));
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", second, fixture_address(&f, "alice")));
    await_sql(&f, INVOICE_STATE, hash, 1);
    await_sql(&f, INVOICE_STATE, other, 1);
    assert_int_equal(sql_of(&f, PAYMENT_STATE, hash), 0);
    assert_int_equal(way_locks(&ab), 2);
    fixture_reopen(&f); /* what waits, waits through a restart */
    json_decref(ask(&f, "invoice.settle", "{'hash':'%s'}", hash));
    json_decref(ask(&f, "invoice.cancel", "{'hash':'%s'}", other));
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    await_sql(&f, PAYMENT_STATE, other, FAILED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_int_equal(way_share(&ab, 0), 900);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* Nobody settles a hold invoice: before the hash-lock expires it goes back. */
static void held_payments_go_back_in_time(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    invoice = invoice_of(&f, "bob", 100, ",'hold':true,'expiry':'10h'", hash);
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(&f, "alice")));
    await_sql(&f, INVOICE_STATE, hash, 1);
    fixture_reopen(&f);
    fixture_advance(&f, 3000000);
    fixture_advance(&f, 170 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM v_htlc WHERE state = 'timed_out'"), 1);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), 3);
    assert_int_equal(way_share(&ab, 0), 1000);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void refusals_have_names(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65], other[65];
    char *invoice AUTO_FREE = NULL, *open AUTO_FREE = NULL;
    const char *alice;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    alice = fixture_address(&f, "alice");
    refused(&f, ERROR_INVALID_INVOICE, "payment.send", "{'invoice':'%s','payer':'%s'}", DONATION, alice);
    invoice = invoice_of(&f, "bob", 2000, "", hash);
    refused(&f, ERROR_NO_ROUTE, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, alice);
    refused(&f, ERROR_SAME_ACCOUNT, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
            fixture_address(&f, "bob"));
    refused(&f, ERROR_KEY_NOT_FOUND, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
            fixture_address(&f, "dave"));
    refused(&f, ERROR_INVALID_PARAMS, "payment.send", "{'invoice':'%s','payer':'%s','amount':1}", invoice,
            alice);
    open = invoice_of(&f, "bob", 0, "", other);
    refused(&f, ERROR_INVALID_PARAMS, "payment.send", "{'invoice':'%s','payer':'%s'}", open, alice);
    refused(&f, ERROR_INVALID_PARAMS, "payment.send", "{'invoice':'%s','payer':'%s','amount':1,'parts':17}",
            open, alice);
    refused(&f, ERROR_INVOICE_NOT_FOUND, "invoice.cancel", "{'hash':'%064d'}", 1);
    refused(&f, ERROR_KEY_NOT_FOUND, "invoice.create", "{'payee':'%s','asset':'GOLD'}",
            fixture_address(&f, "dave"));
    refused(&f, ERROR_INVALID_PARAMS, "invoice.create", "{'payee':'%s','asset':'GOLD','expiry':'400d'}",
            fixture_address(&f, "bob"));
    fixture_advance(&f, 70 * MINUTE);
    refused(&f, ERROR_INVOICE_ENDED, "payment.send", "{'invoice':'%s','payer':'%s','amount':1}", open, alice);
    await_sql(&f, INVOICE_STATE, other, 4);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM payment"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void value_moves_around_a_loop(void **state)
{
    struct fixture f;
    struct way ab, bc, ca;
    json_t *result AUTO_JSON = NULL;

    (void)state;
    town_start(&f, "alice bob carol");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    way_open(&bc, &f, "bob", "carol", 2, 10000, 0);
    way_open(&ca, &f, "carol", "alice", 3, 10000, 0);
    json_decref(ask(&f, "payment.rebalance", "{'signer':'%s','out':'%s','in':'%s','amount':4000}",
                    fixture_address(&f, "alice"), ab.hex, ca.hex));
    await_sql(&f, "SELECT count(*) FROM payment WHERE state = 1", "", 1);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&ca, 1), 4000);
    assert_int_equal(way_share(&ab, 0), 10000 - 4000 - 2); /* both hops: 1 + 0 */
    result = ask(&f, "payment.drain", "{'signer':'%s','out':'%s','in':'%s'}", fixture_address(&f, "alice"),
                 ab.hex, ca.hex);
    await_sql(&f, "SELECT count(*) FROM payment WHERE state = 1", "", 2);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_true(way_share(&ab, 0) < 10);
    assert_int_equal(way_share(&ca, 1) - 4000, json_integer_value(json_object_get(result, "amount")));
    refused(&f, ERROR_NO_ROUTE, "payment.rebalance", "{'signer':'%s','out':'%s','in':'%s','amount':4000}",
            fixture_address(&f, "alice"), ab.hex, ca.hex);
    refused(&f, ERROR_NOT_A_PARTICIPANT, "payment.rebalance",
            "{'signer':'%s','out':'%s','in':'%s','amount':1}", fixture_address(&f, "alice"), ab.hex, bc.hex);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* What 'channel.export' gives, a watchtower takes as it stands: it has the newest state with both
 * signatures. */
static void exported_channels_can_be_watched(void **state)
{
    struct fixture f;
    struct way ab, bc;
    char hash[65];
    char *invoice AUTO_FREE = NULL;
    json_t *first AUTO_JSON = NULL, *second AUTO_JSON = NULL, *item;
    struct reply reply;

    (void)state;
    town_start(&f, "alice bob carol");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    way_open(&bc, &f, "bob", "carol", 2, 1000, 0);
    invoice = invoice_of(&f, "bob", 100, "", hash);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    first = fixture_query(&f, "channel.export", "{'limit':1}");
    assert_int_equal(json_array_size(json_object_get(first, "items")), 1);
    second = fixture_query(&f, "channel.export", "{'after':%" PRId64 "}",
                           (int64_t)json_integer_value(json_object_get(first, "next")));
    assert_int_equal(json_array_size(json_object_get(second, "items")), 1);
    assert_true(json_is_null(json_object_get(second, "next")));
    item = json_array_get(json_object_get(first, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(item, "channel")), ab.hex);
    assert_int_equal(json_integer_value(json_object_get(item, "turn")), 3);
    reply = fixture_call(&f, "tower.appoint",
                         json_pack("{s:O, s:O}", "fixed", json_object_get(item, "fixed"), "states",
                                   json_object_get(item, "states")));
    if (reply.status != OK)
        fail_msg("%s", reply.error.message);
    assert_int_equal(json_integer_value(json_object_get(reply.result, "turn")), 3);
    reply_close(&reply);
    fixture_stop(&f);
}

/* More is paid in while the channel runs, also while hash-locks are pending; then it carries more. */
static void topped_up_channel_carries_more(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65], other[65];
    char *invoice AUTO_FREE = NULL, *held AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    held = invoice_of(&f, "bob", 300, ",'hold':true", other);
    json_decref(ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", held, fixture_address(&f, "alice")));
    await_sql(&f, INVOICE_STATE, other, 1);
    invoice = invoice_of(&f, "bob", 1500, "", hash);
    refused(&f, ERROR_NO_ROUTE, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
            fixture_address(&f, "alice"));
    refused(&f, ERROR_NOTHING_TO_PAY, "payment.top_up", "{'channel':'%s','signer':'%s'}", ab.hex,
            fixture_address(&f, "alice"));
    fixture_run(&f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':1000}", ab.hex);
    json_decref(
        ask(&f, "payment.top_up", "{'channel':'%s','signer':'%s'}", ab.hex, fixture_address(&f, "alice")));
    await_sql(&f, "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL", "", 0);
    assert_int_equal(way_share(&ab, 0), 1700);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    json_decref(ask(&f, "invoice.settle", "{'hash':'%s'}", other));
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&ab, 0), 200);
    assert_int_equal(way_share(&ab, 1), 1800);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* The map says that bob can pass it on; when it comes to him he cannot: another way is taken. */
static void other_ways_are_tried(void **state)
{
    struct fixture f;
    struct way ab, bd, dc, bc;
    char hash[65];
    char *invoices[8];
    char hashes[8][65];

    (void)state;
    town_start(&f, "alice bob carol dave");
    way_open(&ab, &f, "alice", "bob", 1, 100000, 0);
    way_open(&bc, &f, "bob", "carol", 2, 3500, 0);
    way_open(&bd, &f, "bob", "dave", 3, 100000, 0);
    way_open(&dc, &f, "dave", "carol", 4, 100000, 0);
    for (size_t i = 0; i < 8; i++) {
        invoices[i] = invoice_of(&f, "carol", 1000, "", hashes[i]);
        json_decref(ask(&f, "payment.send", "{'invoice':'%s','payer':'%s','fee_limit':100}", invoices[i],
                        fixture_address(&f, "alice")));
    }
    for (size_t i = 0; i < 8; i++) {
        await_sql(&f, PAYMENT_STATE, hashes[i], SETTLED);
        free(invoices[i]);
    }
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", hash, 0);
    assert_int_equal(way_share(&bc, 1) + way_share(&dc, 1), 8000);
    assert_int_equal(way_share(&bc, 1), 3000);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* A keystore that is locked in the middle: nothing is lost, and the payment goes on when it opens. */
static void locked_keystore_delays(void **state)
{
    struct fixture f;
    struct way ab;
    struct error error;
    char hash[65], other[65];
    char *invoice AUTO_FREE = NULL, *second AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 1000, 0);
    invoice = invoice_of(&f, "bob", 100, ",'hold':true", hash);
    second = invoice_of(&f, "bob", 100, "", other);
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(&f, "alice")));
    await_sql(&f, INVOICE_STATE, hash, 1);
    keystore_lock(f.keystore);
    json_decref(ask(&f, "invoice.settle", "{'hash':'%s'}", hash));
    assert_int_equal(sql_of(&f, PAYMENT_STATE, hash), 0);
    refused(&f, ERROR_KEYSTORE_LOCKED, "payment.send", "{'invoice':'%s','payer':'%s'}", second,
            fixture_address(&f, "alice"));
    fixture_advance(&f, 5 * 1000000);
    assert_int_equal(sql_of(&f, PAYMENT_STATE, hash), 0);
    assert_int_equal(keystore_unlock(f.keystore, "the tests' own", &error), OK);
    fixture_advance(&f, 5 * 1000000);
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- at random -------------------------------------------------------------------------------- */
static uint64_t below(uint64_t *seed, uint64_t bound)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (*seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

#define WAYS 8
#define PAYMENTS 150

static uint64_t sum_of(struct way *ways)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < WAYS; i++)
        sum += way_share(&ways[i], 0) + way_share(&ways[i], 1);
    return sum;
}

/* Many payments at once among five people; some invoices are held and settled, canceled or left; the node is
 * restarted in between. At the end nothing is pending, nothing was made or lost, and each payment is settled
 * exactly when its invoice is. */
static void random_payments_conserve(void **state)
{
    static const char *const people[] = { "alice", "bob", "carol", "dave", "erin" };
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us(), before;
    struct fixture f;
    struct way ways[WAYS];

    (void)state;
    print_message("random_payments_conserve: LAYERD_SEED=%" PRIu64 "\n", seed);
    seed = seed * 2 + 1;
    town_start(&f, "alice bob carol dave erin");
    for (size_t i = 0; i < WAYS; i++) {
        size_t first = i < 5 ? i : below(&seed, 5), second = i < 5 ? (i + 1) % 5 : (first + 2) % 5;

        way_open(&ways[i], &f, people[first], people[second], i, 2000 + below(&seed, 5000),
                 below(&seed, 5000));
    }
    before = sum_of(ways);
    for (size_t i = 0; i < PAYMENTS; i++) {
        size_t payer = below(&seed, 5), payee = (payer + 1 + below(&seed, 4)) % 5;
        bool hold = below(&seed, 4) == 0;
        char hash[65];
        char *invoice AUTO_FREE = invoice_of(&f, people[payee], 1 + below(&seed, 2500),
                                             hold ? ",'hold':true,'expiry':'10h'" : ",'expiry':'10h'", hash);
        struct reply reply = fixture_call(&f, "payment.send",
                                          fixture_json("{'invoice':'%s','payer':'%s'}", invoice,
                                                       fixture_address(&f, people[payer])));

        assert_true(reply.status == OK || reply.status == ERROR_NO_ROUTE);
        reply_close(&reply);
        if (hold && below(&seed, 3) > 0) {
            reply = fixture_call(&f, below(&seed, 2) == 0 ? "invoice.settle" : "invoice.cancel",
                                 fixture_json("{'hash':'%s'}", hash));
            assert_true(reply.status == OK || reply.status == ERROR_INVOICE_ENDED);
            reply_close(&reply);
        }
        if (below(&seed, 40) == 0)
            fixture_reopen(&f);
        if (below(&seed, 10) == 0)
            fixture_audit(&f);
    }
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state IN (0, 1, 3, 4)", "",
              0);                      /* only what is held waits */
    fixture_advance(&f, 165 * MINUTE); /* and goes back before it expires */
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    await_sql(&f, "SELECT count(*) FROM payment WHERE state = 0", "", 0);
    assert_int_equal(sum_of(ways), before);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM payment JOIN invoice USING (hash)"
                                     " WHERE (payment.state = 1) <> (invoice.state = 2)"), 0);
    assert_true(fixture_sql(&f, "SELECT count(*) FROM payment WHERE state = 1") > 20);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 0);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

int machine_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payment_goes_through_one_channel),
        cmocka_unit_test(hops_keep_their_fees),
        cmocka_unit_test(one_payment_takes_several_ways),
        cmocka_unit_test(payer_may_choose_the_amount),
        cmocka_unit_test(held_payments_wait),
        cmocka_unit_test(held_payments_go_back_in_time),
        cmocka_unit_test(refusals_have_names),
        cmocka_unit_test(value_moves_around_a_loop),
        cmocka_unit_test(exported_channels_can_be_watched),
        cmocka_unit_test(topped_up_channel_carries_more),
        cmocka_unit_test(other_ways_are_tried),
        cmocka_unit_test(locked_keystore_delays),
        cmocka_unit_test(random_payments_conserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
