/* What later modules do with the ledger: several movements under one event, value that leaves or enters a
 * domain, accounts of their own. Through commands of a module that stands above it. */
#include "test_ledger.h"

#include "kernel/execution.h"

struct moves {
    struct account_id to;
    uint64_t amount;
};

static const struct param moves_params[] = {
    PARAM(struct moves, to, ACCOUNT, REQUIRED, "who receives"),
    PARAM(struct moves, amount, AMOUNT, REQUIRED, "how much, each time"),
};

static enum status find_coin(struct execution *x, struct asset *asset)
{
    struct asset_id id;

    asset_id_from_symbol(&id, execution_chain(x), "DEV");
    return asset_find(x, &id, asset);
}

/* Two movements between the same two accounts, explained by one event. */
static enum status move_twice(struct execution *x, const void *params, struct writer *result)
{
    const struct moves *p = params;
    struct account_id from = execution_account(x);
    struct asset asset;

    (void)result;
    TRY(find_coin(x, &asset));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &p->to, p->amount, NULL));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &p->to, p->amount, NULL));
    return event_transferred(x, &(struct event_transferred){
        .from = from, .to = p->to, .asset = asset.symbol, .amount = 2 * p->amount });
}

/* The same amount leaves one account and enters another, in two steps. */
static enum status debit_and_credit(struct execution *x, const void *params, struct writer *result)
{
    const struct moves *p = params;
    struct account_id from = execution_account(x);
    struct asset asset;
    uint64_t left;

    TRY(find_coin(x, &asset));
    TRY(balance_debit(x, DOMAIN_BASE, &asset, &from, p->amount, &left));
    balance_credit(x, DOMAIN_BASE, &asset, &p->to, p->amount);
    writer_object_begin(result);
    writer_member_unsigned(result, "left", left);
    writer_member_unsigned(result, "there", balance_of(x, DOMAIN_BASE, &asset, &p->to));
    writer_object_end(result);
    return event_transferred(x, &(struct event_transferred){
        .from = from, .to = p->to, .asset = asset.symbol, .amount = p->amount });
}

/* An account that no key opens, with something in it. */
static enum status hold(struct execution *x, const void *params, struct writer *result)
{
    const struct moves *p = params;
    struct account_id from = execution_account(x);
    struct asset asset;

    (void)result;
    TRY(find_coin(x, &asset));
    TRY(account_hold(x, &p->to, "vault"));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &from, &p->to, p->amount, NULL));
    return event_transferred(x, &(struct event_transferred){
        .from = from, .to = p->to, .asset = asset.symbol, .amount = p->amount });
}

#define ABOVE(name, run, text) \
    { name, SCOPE_BASE, ACCESS_SIGNED, run, PARAMS(struct moves, moves_params), .help = text }
static const struct command commands[] = {
    ABOVE("above.move_twice", move_twice, "Moves an amount twice."),
    ABOVE("above.debit_and_credit", debit_and_credit, "Takes an amount, then gives it."),
    ABOVE("above.hold", hold, "Holds an amount."),
};
static const struct module above = { .name = "above",
                                     .help = "Stands above the ledger.",
                                     COMMANDS(commands) };
static const struct module *const modules[] = { &ledger_module, &above, NULL };

static int above_setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    fixture_start(f, NETWORK_DEV, modules);
    fixture_run(f, "alice", "dev.faucet", "{'amount':1000}");
    *state = f;
    return 0;
}

static int above_teardown(void **state)
{
    fixture_replay(*state);
    return ledger_teardown(state);
}

static void two_movements_under_one_event_are_two_entries(void **state)
{
    struct fixture *f = *state;
    char *entries AUTO_FREE = NULL;

    fixture_run(f, "alice", "above.move_twice", "{'to':'%s','amount':10}", fixture_address(f, "bob"));
    entries = fixture_sql_text(
        f, "SELECT group_concat(entry || ':' || amount || ':' || balance, ' ') FROM (SELECT *"
           " FROM v_posting WHERE seq = (SELECT max(seq) FROM event) ORDER BY amount, entry)");
    assert_string_equal(entries, "0:-10:990 1:-10:980 0:10:10 1:10:20");
}

static void a_page_of_a_statement_does_not_part_what_one_event_moved(void **state)
{
    struct fixture *f = *state;
    int64_t after = 0;
    json_t *page;

    fixture_run(f, "alice", "above.move_twice", "{'to':'%s','amount':10}", fixture_address(f, "bob"));
    fixture_run(f, "alice", "above.move_twice", "{'to':'%s','amount':10}", fixture_address(f, "bob"));
    for (int pages = 0; pages < 2; pages++) {
        page = fixture_query(f, "ledger.statement", "{'account':'%s','limit':1,'after':%" PRId64 "}",
                             fixture_address(f, "bob"), after);
        assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
        assert_int_equal(json_is_null(json_object_get(page, "next")), pages == 1);
        after = json_integer_value(json_object_get(page, "next"));
        json_release(&page);
    }
}

static void the_second_of_two_movements_that_fails_takes_the_first_with_it(void **state)
{
    struct fixture *f = *state;

    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "alice", "above.move_twice", "{'to':'%s','amount':501}",
                    fixture_address(f, "bob"));
    assert_int_equal(held(f, "alice", "DEV"), 1000);
    fixture_run(f, "alice", "above.move_twice", "{'to':'%s','amount':500}", fixture_address(f, "bob"));
    assert_int_equal(held(f, "bob", "DEV"), 1000);
}

static void a_debit_and_a_credit_say_what_is_left_and_there(void **state)
{
    struct fixture *f = *state;
    json_t *result = fixture_do(f, "alice", "above.debit_and_credit", "{'to':'%s','amount':300}",
                                fixture_address(f, "bob"));

    assert_int_equal(json_integer_value(json_object_get(result, "left")), 700);
    assert_int_equal(json_integer_value(json_object_get(result, "there")), 300);
    json_release(&result);
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "alice", "above.debit_and_credit",
                    "{'to':'%s','amount':701}", fixture_address(f, "bob"));
}

static void a_held_account_is_made_once_and_takes_nothing_from_users(void **state)
{
    struct fixture *f = *state;

    fixture_run(f, "alice", "above.hold", "{'to':'%064d','amount':5}", 77);
    fixture_refused(f, ERROR_ACCOUNT_EXISTS, "alice", "above.hold", "{'to':'%064d','amount':5}", 77);
    fixture_refused(f, ERROR_ACCOUNT_EXISTS, "alice", "above.hold", "{'to':'%s','amount':5}",
                    fixture_address(f, "alice"));
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%064d','asset':'DEV','amount':5}", 77);
    assert_int_equal(fixture_sql(f, "SELECT elsewhere FROM v_supply WHERE symbol = 'DEV'"), 5);
}

#define ABOVE_TEST(name) cmocka_unit_test_setup_teardown(name, above_setup, above_teardown)

int above_tests(void)
{
    const struct CMUnitTest tests[] = {
        ABOVE_TEST(two_movements_under_one_event_are_two_entries),
        ABOVE_TEST(a_page_of_a_statement_does_not_part_what_one_event_moved),
        ABOVE_TEST(the_second_of_two_movements_that_fails_takes_the_first_with_it),
        ABOVE_TEST(a_debit_and_a_credit_say_what_is_left_and_there),
        ABOVE_TEST(a_held_account_is_made_once_and_takes_nothing_from_users),
    };

    return cmocka_run_group_tests_name("ledger from above", tests, NULL, NULL);
}
