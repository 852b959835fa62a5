/* The most that a side wants to have in a channel (payment.policy max_balance): no way leads over it, and
 * what is offered all the same goes back. Alice and bob have their keys here, dave keeps his own. */
#include "test_payment.h"

#include "layer2/payment/failure.h"

#define LIVE "SELECT count(*) FROM htlc WHERE state < 5"
#define BALANCE_LIMITS "SELECT count(*) FROM htlc WHERE failure = 13"

static void limit(struct fixture *f, const struct way *way, const char *who, int most)
{
    json_t *policy AUTO_JSON = ask(f, "payment.policy", "{'channel':'%s','signer':'%s','max_balance':%d}",
                                   way->hex, fixture_address(f, who), most);

    assert_int_equal(json_integer_value(json_object_get(policy, "max_balance")), most);
    assert_int_equal(json_object_get(policy, "max_balance") != NULL, most > 0);
}

static int64_t shown(struct fixture *f, const struct way *way, size_t side, const char *key)
{
    json_t *all AUTO_JSON = fixture_query(f, "payment.policies", "{'channel':'%s'}", way->hex);
    json_t *one = json_array_get(json_object_get(all, "sides"), side);
    json_t *value = json_object_get(one, key);

    if (value == NULL)
        value = json_object_get(json_object_get(one, "policy"), key);
    return value == NULL ? -1 : json_integer_value(value);
}

static void no_way(struct fixture *f, uint64_t amount)
{
    char hash[65], *invoice AUTO_FREE = invoice_of(f, "bob", amount, "", hash);

    refused(f, ERROR_NO_ROUTE, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
            fixture_address(f, "alice"));
}

static void is_paid(struct fixture *f, uint64_t amount)
{
    char hash[65], *invoice AUTO_FREE = invoice_of(f, "bob", amount, "", hash);

    assert_int_equal(pay(f, "alice", invoice, hash, ""), SETTLED);
    await_sql(f, LIVE, "", 0);
}

static void no_way_leads_over_a_limit(void **state)
{
    struct fixture f;
    struct way ab;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 100);
    assert_int_equal(shown(&f, &ab, 1, "max_balance"), -1);
    limit(&f, &ab, "bob", 600);
    assert_int_equal(shown(&f, &ab, 1, "max_balance"), 600);
    assert_int_equal(shown(&f, &ab, 0, "max_balance"), -1);
    no_way(&f, 501);
    is_paid(&f, 300);
    no_way(&f, 201);
    fixture_reopen(&f); /* it is a row, and the graph knows it again */
    no_way(&f, 201);
    is_paid(&f, 200); /* to the unit */
    assert_int_equal(shown(&f, &ab, 1, "balance"), 600);
    no_way(&f, 1);
    json_decref(ask(&f, "payment.policy", "{'channel':'%s','signer':'%s','base':2}", ab.hex,
                    fixture_address(&f, "bob")));
    no_way(&f, 1); /* what is not said stays */
    limit(&f, &ab, "bob", 0);
    is_paid(&f, 1);
    limit(&f, &ab, "bob", 600); /* what he has already he keeps */
    assert_int_equal(way_share(&ab, 1), 601);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* Dave knows of no limit, and offers. What waits counts, what was given back does not. */
static void stranger_who_offers_more_gets_it_back(void **state)
{
    struct fixture f;
    struct way db;
    struct arena arena CLEANUP(arena_close);
    struct channel_state next;
    char hash[4][65], *invoice;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&db, &f, "dave", "bob", 1, 10000, 0);
    limit(&f, &db, "bob", 500);
    for (size_t i = 0; i < 4; i++) {
        static const uint64_t amounts[4] = { 501, 300, 201, 200 };

        invoice = invoice_of(&f, "bob", amounts[i], ",'hold':true,'expiry':'10h'", hash[i]);
        free(invoice);
        next = with_lock(&db, 0, amounts[i], hash[i], fixture_now(&f) + 200 * MINUTE, &arena);
        assert_int_equal(propose_as(&db, "dave", &next), OK);
        if (i % 2 == 0) { /* bob gives it back by himself, and dave signs that */
            await_sql(&f, SIGNATURES_ELSEWHERE, "", 1);
            countersign_as(&db, "dave");
        }
        await_sql(&f, BALANCE_LIMITS, "", (int64_t)(i / 2 + 1));
        assert_int_equal(sql_of(&f, INVOICE_STATE, hash[i]), i % 2); /* open, or accepted */
    }
    assert_int_equal(way_locks(&db), 2);
    assert_int_equal(shown(&f, &db, 1, "incoming"), 500);
    assert_int_equal(shown(&f, &db, 1, "balance"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* The offer is on its way already when bob sets his limit: the part fails by name. */
static void offer_on_its_way_fails_by_name(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65], *invoice AUTO_FREE = NULL;
    json_t *payment AUTO_JSON = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    json_decref(
        ask(&f, "channel.policy", "{'signer':'%s','countersign':'never'}", fixture_address(&f, "bob")));
    invoice = invoice_of(&f, "bob", 300, "", hash);
    json_decref(
        ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(&f, "alice")));
    await_sql(&f, SIGNATURES_ELSEWHERE, "", 1);
    limit(&f, &ab, "bob", 299);
    json_decref(ask(&f, "channel.sign", "{'channel':'%s','turn':2,'signer':'%s'}", ab.hex,
                    fixture_address(&f, "bob")));
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    payment = fixture_query(&f, "payment.get", "{'hash':'%s'}", hash);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(payment, "parts"), 0), "failure")),
        "balance_limit");
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&ab, 0), 10000);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void failure_has_its_name_and_may_be_tried_elsewhere(void **state)
{
    (void)state;
    assert_string_equal(failure_name(FAILURE_BALANCE_LIMIT), "balance_limit");
    assert_true(failure_may_retry(FAILURE_BALANCE_LIMIT));
}

int balance_limit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_leads_over_a_limit),
        cmocka_unit_test(stranger_who_offers_more_gets_it_back),
        cmocka_unit_test(offer_on_its_way_fails_by_name),
        cmocka_unit_test(failure_has_its_name_and_may_be_tried_elsewhere),
    };

    return cmocka_run_group_tests_name("limits of balance", tests, NULL, NULL);
}
