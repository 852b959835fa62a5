/* What the ledger answers: contents, pages that neither skip nor repeat, and refusals. And the views that
 * people read. */
#include "test_ledger.h"

static json_t *item(const json_t *page, size_t index)
{
    return json_array_get(json_object_get(page, "items"), index);
}

static int64_t integer(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    assert_true(json_is_string(json_object_get(object, key)));
    return json_string_value(json_object_get(object, key));
}

/* Reads a list page by page with each limit from 1 to all, and finds every item once, in the same order.
 * `params` is the inside of an object without its braces. */
static void assert_pages(struct fixture *f, const char *method, const char *params, size_t expected)
{
    json_t *all AUTO_JSON = fixture_query(f, method, "{%s%s'limit':1000}", params, *params ? "," : "");

    assert_int_equal(json_array_size(json_object_get(all, "items")), expected);
    assert_true(json_is_null(json_object_get(all, "next")));
    for (size_t limit = 1; limit <= expected + 1; limit++) {
        json_t *next = NULL;
        size_t seen = 0;

        do {
            char *after AUTO_FREE = next == NULL ? NULL : json_dumps(next, JSON_ENCODE_ANY);
            json_t *page = fixture_query(f, method, "{%s%s'limit':%zu%s%s}", params, *params ? "," : "",
                                         limit, after != NULL ? ",'after':" : "", after != NULL ? after : "");

            assert_true(json_array_size(json_object_get(page, "items")) <= limit);
            for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++)
                assert_true(json_equal(item(page, i), item(all, seen++)));
            json_release(&next);
            next = json_incref(json_object_get(page, "next"));
            json_release(&page);
        } while (!json_is_null(next));
        assert_int_equal(seen, expected);
        json_release(&next);
    }
}

static void lists_are_the_same_read_in_pages_of_any_size(void **state)
{
    struct fixture *f = *state;
    const char *alice = fixture_address(f, "alice"), *bob = fixture_address(f, "bob");
    char params[128];

    for (int i = 0; i < 5; i++) {
        fixture_run(f, "alice", "ledger.issue", "{'symbol':'COIN%d','amount':100}", i);
        fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'COIN%d','amount':10}", bob, i);
        fixture_run(f, "alice", "ledger.lock",
                    "{'to':'%s','asset':'COIN%d','amount':1,'hash':'%064d','timeout':'1m'}", bob, i, 0);
        fixture_run(f, "bob", "ledger.lock",
                    "{'to':'%s','asset':'COIN%d','amount':1,'hash':'%064d','timeout':'1m'}", alice, i, 0);
    }
    snprintf(params, sizeof(params), "'account':'%s'", alice);
    assert_pages(f, "ledger.balance", params, 5);
    assert_pages(f, "ledger.statement", params, 15);
    assert_pages(f, "ledger.escrows", params, 10);
    assert_pages(f, "ledger.escrows", "", 10);
    assert_pages(f, "ledger.escrows", "'state':'locked'", 10);
    assert_pages(f, "ledger.escrows", "'state':'claimed'", 0);
    assert_pages(f, "ledger.assets", "", 6);
    assert_pages(f, "ledger.accounts", "", 13); /* two people, ten escrows, the faucet */
    assert_pages(f, "ledger.domains", "", 1);
}

static void a_balance_can_be_asked_of_one_asset_or_all(void **state)
{
    struct fixture *f = *state;
    const char *alice = fixture_address(f, "alice");
    json_t *page;

    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100,'decimals':3}");
    page = fixture_query(f, "ledger.balance", "{'account':'%s'}", alice);
    assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
    assert_string_equal(text(item(page, 0), "symbol"), "GOLD");
    assert_int_equal(integer(item(page, 0), "amount"), 100);
    assert_int_equal(integer(item(page, 0), "decimals"), 3);
    assert_int_equal(integer(item(page, 0), "domain"), 0);
    json_release(&page);
    page = fixture_query(f, "ledger.balance", "{'account':'%s','asset':'DEV'}", alice);
    assert_int_equal(integer(item(page, 0), "amount"), 0);
    json_release(&page);
    page = fixture_query(f, "ledger.balance", "{'account':'%s'}", fixture_address(f, "nobody"));
    assert_int_equal(json_array_size(json_object_get(page, "items")), 0);
    json_release(&page);
}

static void a_statement_shows_each_movement_with_its_event_and_balance(void **state)
{
    static const struct {
        const char *type;
        int64_t amount, balance;
    } expected[] = {
        { "ledger.asset_issued", 100, 100 }, { "ledger.transferred", -30, 70 },
        { "ledger.escrow_locked", -20, 50 }, { "ledger.escrow_refunded", 20, 70 },
        { "ledger.asset_burned", -70, 0 },   { "ledger.asset_minted", 5, 5 },
    };
    struct fixture *f = *state;
    const char *bob = fixture_address(f, "bob");
    json_t *page;

    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100}");
    fixture_run(f, "alice", "dev.faucet", "{}");
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':30}", bob);
    fixture_run(f, "alice", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':20,'hash':'%064d','timeout':'1m'}", bob, 0);
    fixture_advance(f, 60 * SECOND);
    fixture_run(f, "alice", "ledger.burn", "{'asset':'GOLD','amount':70}");
    fixture_run(f, "alice", "ledger.mint", "{'asset':'GOLD','amount':5}");
    page =
        fixture_query(f, "ledger.statement", "{'account':'%s','asset':'GOLD'}", fixture_address(f, "alice"));
    assert_int_equal(json_array_size(json_object_get(page, "items")), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(text(item(page, i), "type"), expected[i].type);
        assert_int_equal(integer(item(page, i), "amount"), expected[i].amount);
        assert_int_equal(integer(item(page, i), "balance"), expected[i].balance);
        assert_true(integer(item(page, i), "time_us") >= INT64_C(1800000000000000));
    }
    json_release(&page);
    page = fixture_query(f, "ledger.statement", "{'account':'%s'}", fixture_address(f, "alice"));
    assert_int_equal(json_array_size(json_object_get(page, "items")), 7);
    json_release(&page);
}

static void an_escrow_shows_its_preimage_once_it_is_claimed(void **state)
{
    struct fixture *f = *state;
    char preimage[65], hash[65];
    json_t *locked, *escrow;

    preimage_of(1, preimage, hash);
    fixture_run(f, "alice", "dev.faucet", "{}");
    locked = fixture_do(f, "alice", "ledger.lock",
                        "{'to':'%s','asset':'DEV','amount':7,'hash':'%s','timeout':'1m'}",
                        fixture_address(f, "bob"), hash);
    escrow = fixture_query(f, "ledger.escrow", "{'escrow':'%s'}", text(locked, "escrow"));
    assert_string_equal(text(escrow, "state"), "locked");
    assert_string_equal(text(escrow, "hash"), hash);
    assert_int_equal(integer(escrow, "deadline_us"), fixture_now(f) + 60 * SECOND);
    assert_null(json_object_get(escrow, "preimage"));
    assert_null(json_object_get(escrow, "closed_seq"));
    json_release(&escrow);
    fixture_run(f, "bob", "ledger.claim", "{'escrow':'%s','preimage':'%s'}", text(locked, "escrow"),
                preimage);
    escrow = fixture_query(f, "ledger.escrow", "{'escrow':'%s'}", text(locked, "escrow"));
    assert_string_equal(text(escrow, "preimage"), preimage);
    assert_int_equal(integer(escrow, "closed_seq"), fixture_sql(f, "SELECT max(seq) FROM event"));
    json_release(&escrow);
    json_release(&locked);
}

static void assert_query_refused(struct fixture *f, enum status code, const char *method, json_t *params)
{
    struct reply reply = fixture_call(f, method, params);

    assert_string_equal(status_name(reply.status), status_name(code));
    reply_close(&reply);
}

static void what_is_not_there_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    const char *alice = fixture_address(f, "alice");

    assert_query_refused(f, ERROR_ASSET_NOT_FOUND, "ledger.asset", fixture_json("{'asset':'GOLD'}"));
    assert_query_refused(f, ERROR_ASSET_NOT_FOUND, "ledger.balance",
                         fixture_json("{'account':'%s','asset':'GOLD'}", alice));
    assert_query_refused(f, ERROR_NOT_FOUND, "ledger.account", fixture_json("{'account':'%s'}", alice));
    assert_query_refused(f, ERROR_ESCROW_NOT_FOUND, "ledger.escrow", fixture_json("{'escrow':'%064d'}", 1));
    assert_query_refused(f, ERROR_INVALID_PARAMS, "ledger.escrows", fixture_json("{'state':'open'}"));
    assert_query_refused(f, ERROR_INVALID_PARAMS, "ledger.balance", fixture_json("{}"));
    assert_query_refused(f, ERROR_INVALID_PARAMS, "ledger.balance", fixture_json("{'account':'lyt1wrong'}"));
    assert_query_refused(f, ERROR_INVALID_PARAMS, "ledger.assets", fixture_json("{'limit':-1}"));
}

static void assert_sql(struct fixture *f, const char *sql, const char *expected)
{
    char *found AUTO_FREE = fixture_sql_text(f, sql);

    assert_non_null(found);
    assert_string_equal(found, expected);
}

static void the_views_show_addresses_times_and_decimals(void **state)
{
    struct fixture *f = *state;
    const char *alice = fixture_address(f, "alice"), *bob = fixture_address(f, "bob");
    char expected[256];

    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1234567,'decimals':3}");
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'FINE','amount':9007199254740991,'decimals':18}");
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'RAW','amount':12}");
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':1005,'memo':'hi'}", bob);
    snprintf(expected, sizeof(expected), "%s|%s|1.005|hi|2027-01-15T08:00:00.000000Z", alice, bob);
    assert_sql(f,
               "SELECT sender || '|' || recipient || '|' || amount_shown || '|' || memo || '|' || time"
               " FROM v_transfer",
               expected);
    assert_sql(f, "SELECT supply_shown FROM v_asset WHERE symbol = 'GOLD'", "1234.567");
    assert_sql(f, "SELECT supply_shown FROM v_asset WHERE symbol = 'FINE'", "0.009007199254740991");
    assert_sql(f, "SELECT supply_shown FROM v_asset WHERE symbol = 'RAW'", "12");
    assert_sql(f, "SELECT issuer FROM v_asset WHERE symbol = 'RAW'", alice);
    assert_sql(f,
               "SELECT amount_shown || ' ' || balance_shown FROM v_posting WHERE type = 'ledger.transferred'"
               " AND amount < 0",
               "-1.005 1233.562");
    snprintf(expected, sizeof(expected), "%s", bob);
    assert_sql(f, "SELECT address FROM v_balance WHERE amount_shown = '1.005' AND kind = 'key'", expected);
    fixture_run(f, "alice", "ledger.lock",
                "{'to':'%s','asset':'GOLD','amount':500,'hash':'%064d','timeout':'1m'}",
                fixture_address(f, "carol"), 0);
    assert_sql(f, "SELECT recipient FROM v_escrow WHERE amount_shown = '0.500' AND state = 'locked'",
               fixture_address(f, "carol"));
    assert_sql(f, "SELECT deadline FROM v_escrow", "2027-01-15T08:01:00.000000Z");
    assert_sql(f,
               "SELECT in_accounts || ' ' || in_escrows || ' ' || elsewhere || ' ' || holders FROM v_supply"
               " WHERE symbol = 'GOLD'",
               "1234067 500 0 2");
    assert_sql(f, "SELECT count(*) || ' ' || count(first_time) FROM v_account", "5 5");
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)

int queries_tests(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(lists_are_the_same_read_in_pages_of_any_size),
        LEDGER_TEST(a_balance_can_be_asked_of_one_asset_or_all),
        LEDGER_TEST(a_statement_shows_each_movement_with_its_event_and_balance),
        LEDGER_TEST(an_escrow_shows_its_preimage_once_it_is_claimed),
        LEDGER_TEST(what_is_not_there_is_refused_by_name),
        LEDGER_TEST(the_views_show_addresses_times_and_decimals),
    };

    return cmocka_run_group_tests_name("ledger queries", tests, NULL, NULL);
}
