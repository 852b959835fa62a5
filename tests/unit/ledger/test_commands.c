/* Assets and transfers, through signed transactions against a real node: what each command does, and beside
 * it what it refuses. A refused command must change nothing: every test ends with all invariants. */
#include "test_ledger.h"

#include "crypto/hash.h"

#define TOP "9007199254740991" /* 2^53 − 1 */

static void issue_gold(struct fixture *f, uint64_t amount)
{
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':%" PRIu64 ",'decimals':3}", amount);
}

/* --- issue ------------------------------------------------------------------------------------ */
static void issuing_credits_the_issuer_and_says_so(void **state)
{
    struct fixture *f = *state;
    json_t *result AUTO_JSON = fixture_do(
        f, "alice", "ledger.issue",
        "{'symbol':'GOLD','name':'Gold','decimals':3,'amount':5000,'max_supply':9000,"
        "'metadata':{'b':1,'a':[]}}");
    char *event AUTO_FREE = newest_event(f);
    char expected[512];
    json_t *asset AUTO_JSON = fixture_query(f, "ledger.asset", "{'asset':'GOLD'}");

    assert_int_equal(json_integer_value(json_object_get(result, "supply")), 5000);
    snprintf(
        expected, sizeof(expected),
        "ledger.asset_issued {\"symbol\":\"GOLD\",\"asset\":\"%s\",\"issuer\":\"%s\",\"name\":\"Gold\","
             "\"decimals\":3,"
        "\"amount\":5000,\"max_supply\":9000,\"metadata\":{\"a\":[],\"b\":1}}",
        json_string_value(json_object_get(result, "asset")), fixture_address(f, "alice"));
    assert_string_equal(event, expected);
    assert_int_equal(held(f, "alice", "GOLD"), 5000);
    assert_string_equal(json_string_value(json_object_get(asset, "issuer")), fixture_address(f, "alice"));
    assert_int_equal(json_object_size(json_object_get(asset, "metadata")), 2);
}

static void an_asset_can_start_with_nothing_and_its_issuer_is_known(void **state)
{
    struct fixture *f = *state;
    json_t *account;

    fixture_run(f, "alice", "ledger.issue", "{'symbol':'VOID','amount':0}");
    assert_int_equal(held(f, "alice", "VOID"), 0);
    account = fixture_query(f, "ledger.account", "{'account':'%s'}", fixture_address(f, "alice"));
    assert_string_equal(json_string_value(json_object_get(account, "kind")), "key");
    json_release(&account);
}

static void a_symbol_is_taken_once(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, 10);
    fixture_refused(f, ERROR_ASSET_EXISTS, "bob", "ledger.issue", "{'symbol':'GOLD','amount':10}");
    fixture_refused(f, ERROR_ASSET_EXISTS, "alice", "ledger.issue", "{'symbol':'GOLD','amount':10}");
    fixture_refused(f, ERROR_ASSET_EXISTS, "alice", "ledger.issue", "{'symbol':'DEV','amount':10}");
}

static void bad_symbols_names_and_numbers_are_refused(void **state)
{
    static const char *const symbols[] = {
        "", "G", "gold", "1GOLD", "GO-LD", "GOLDGOLDGOLDG", "GÖLD", "GOLD "
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
        fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue", "{'symbol':'%s','amount':1}",
                        symbols[i]);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':1,'name':''}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':1,'name':'two\\nlines'}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':1,'decimals':19}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':1,'metadata':[1]}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue", "{'symbol':'GOLD','amount':-1}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue", "{'symbol':'GOLD'}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':1,'max_supply':0}");
    fixture_refused(f, ERROR_SUPPLY_LIMIT, "alice", "ledger.issue",
                    "{'symbol':'GOLD','amount':11,'max_supply':10}");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM asset"), 1);
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':" TOP ",'decimals':18}");
}

/* --- mint, burn, describe --------------------------------------------------------------------- */
static void only_the_issuer_mints_and_up_to_the_limit(void **state)
{
    struct fixture *f = *state;

    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':10,'max_supply':100}");
    fixture_refused(f, ERROR_NOT_THE_ISSUER, "bob", "ledger.mint", "{'asset':'GOLD','amount':1}");
    fixture_refused(f, ERROR_ASSET_NOT_FOUND, "alice", "ledger.mint", "{'asset':'SILVER','amount':1}");
    fixture_refused(f, ERROR_SUPPLY_LIMIT, "alice", "ledger.mint", "{'asset':'GOLD','amount':91}");
    fixture_refused(f, ERROR_SUPPLY_LIMIT, "alice", "ledger.mint", "{'asset':'GOLD','amount':" TOP "}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.mint", "{'asset':'GOLD','amount':0}");
    fixture_run(f, "alice", "ledger.mint", "{'asset':'GOLD','amount':90,'to':'%s'}",
                fixture_address(f, "bob"));
    assert_int_equal(held(f, "alice", "GOLD"), 10);
    assert_int_equal(held(f, "bob", "GOLD"), 90);
    fixture_refused(f, ERROR_SUPPLY_LIMIT, "alice", "ledger.mint", "{'asset':'GOLD','amount':1}");
}

static void a_supply_of_all_integers_takes_not_one_more(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, INTEGER_MAX);
    fixture_refused(f, ERROR_SUPPLY_LIMIT, "alice", "ledger.mint", "{'asset':'GOLD','amount':1}");
    fixture_run(f, "alice", "ledger.burn", "{'asset':'GOLD','amount':1}");
    fixture_run(f, "alice", "ledger.mint", "{'asset':'GOLD','amount':1}");
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':" TOP "}",
                fixture_address(f, "bob"));
    assert_int_equal(held(f, "bob", "GOLD"), INTEGER_MAX);
}

static void holders_burn_what_they_hold_and_no_more(void **state)
{
    struct fixture *f = *state;
    json_t *result;

    issue_gold(f, 100);
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':40}",
                fixture_address(f, "bob"));
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "bob", "ledger.burn", "{'asset':'GOLD','amount':41}");
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "carol", "ledger.burn", "{'asset':'GOLD','amount':1}");
    fixture_refused(f, ERROR_ASSET_NOT_FOUND, "bob", "ledger.burn", "{'asset':'SILVER','amount':1}");
    result = fixture_do(f, "bob", "ledger.burn", "{'asset':'GOLD','amount':40}");
    assert_int_equal(json_integer_value(json_object_get(result, "supply")), 60);
    json_release(&result);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM balance"), 1);
}

static void only_the_issuer_describes(void **state)
{
    struct fixture *f = *state;
    char *event AUTO_FREE = NULL;

    issue_gold(f, 1);
    fixture_refused(f, ERROR_NOT_THE_ISSUER, "bob", "ledger.describe", "{'asset':'GOLD','metadata':{}}");
    fixture_refused(f, ERROR_ASSET_NOT_FOUND, "bob", "ledger.describe", "{'asset':'SILVER','metadata':{}}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.describe",
                    "{'asset':'GOLD','metadata':'text'}");
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.describe", "{'asset':'GOLD'}");
    fixture_run(f, "alice", "ledger.describe", "{'asset':'GOLD','metadata':{'site':'https://gold.example'}}");
    event = newest_event(f);
    assert_string_equal(event, "ledger.asset_described {\"symbol\":\"GOLD\",\"metadata\":{\"site\":"
                               "\"https://gold.example\"}}");
}

/* --- transfer --------------------------------------------------------------------------------- */
static void a_transfer_moves_the_amount_and_leaves_two_postings(void **state)
{
    struct fixture *f = *state;
    json_t *result;
    char *event AUTO_FREE = NULL;
    char expected[512];

    issue_gold(f, 100);
    result =
        fixture_do(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':30,'memo':'for lunch'}",
                   fixture_address(f, "bob"));
    assert_int_equal(json_integer_value(json_object_get(result, "balance")), 70);
    json_release(&result);
    assert_int_equal(held(f, "alice", "GOLD"), 70);
    assert_int_equal(held(f, "bob", "GOLD"), 30);
    event = newest_event(f);
    snprintf(
        expected, sizeof(expected),
        "ledger.transferred {\"from\":\"%s\",\"to\":\"%s\",\"asset\":\"GOLD\",\"amount\":30,"
             "\"memo\":\"for lunch\"}",
        fixture_address(f, "alice"), fixture_address(f, "bob"));
    assert_string_equal(event, expected);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM posting WHERE seq = (SELECT max(seq) FROM event)"),
                     2);
    assert_int_equal(
        fixture_sql(f, "SELECT sum(amount) FROM posting WHERE seq = (SELECT max(seq) FROM event)"), 0);
}

static void an_asset_is_named_by_symbol_or_id(void **state)
{
    struct fixture *f = *state;
    char *id AUTO_FREE = NULL;

    issue_gold(f, 100);
    id = fixture_sql_text(f, "SELECT lower(hex(id)) FROM asset WHERE symbol = 'GOLD'");
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'%s','amount':1}",
                fixture_address(f, "bob"), id);
    assert_int_equal(held(f, "bob", "GOLD"), 1);
}

static void transfers_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *bob = fixture_address(f, "bob");

    issue_gold(f, 100);
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':101}", bob);
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':" TOP "}", bob);
    fixture_refused(f, ERROR_INSUFFICIENT_BALANCE, "carol", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", bob);
    fixture_refused(f, ERROR_ASSET_NOT_FOUND, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'SILVER','amount':1}", bob);
    fixture_refused(f, ERROR_SAME_ACCOUNT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", fixture_address(f, "alice"));
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':0}", bob);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':-1}", bob);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':'1'}", bob);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1,'extra':1}", bob);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1,'memo':'%0257d'}", bob, 0);
    fixture_refused(f, ERROR_INVALID_PARAMS, "alice", "ledger.transfer", "{'asset':'GOLD','amount':1}");
    assert_int_equal(held(f, "alice", "GOLD"), 100);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'ledger.transferred'"), 0);
}

/* x = 5 is no point of secp256k1, and neither is all zero. */
static void nobody_can_send_to_what_is_no_key(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, 100);
    fixture_refused(f, ERROR_BAD_KEY, "alice", "ledger.transfer", "{'to':'%064d','asset':'GOLD','amount':1}",
                    5);
    fixture_refused(f, ERROR_BAD_KEY, "alice", "ledger.transfer", "{'to':'%064d','asset':'GOLD','amount':1}",
                    0);
    fixture_refused(f, ERROR_BAD_KEY, "alice", "ledger.mint", "{'to':'%064d','asset':'GOLD','amount':1}", 5);
    fixture_refused(f, ERROR_BAD_KEY, "alice", "dev.faucet", "{'to':'%064d'}", 5);
    fixture_refused(f, ERROR_BAD_KEY, "alice", "ledger.lock",
                    "{'to':'%064d','asset':'GOLD','amount':1,'timeout':'1m','hash':'%064d'}", 5, 1);
}

static void nobody_can_send_to_the_faucet(void **state)
{
    struct fixture *f = *state;
    char *issuer AUTO_FREE = fixture_sql_text(f, "SELECT lower(hex(issuer)) FROM asset WHERE symbol = 'DEV'");

    fixture_run(f, "alice", "dev.faucet", "{}");
    fixture_refused(f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'DEV','amount':1}", issuer);
}

static void what_is_spent_to_the_last_unit_leaves_no_row(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, 100);
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100}",
                fixture_address(f, "bob"));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM balance"), 1);
    fixture_run(f, "bob", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100}",
                fixture_address(f, "alice"));
    assert_int_equal(held(f, "alice", "GOLD"), 100);
    assert_int_equal(held(f, "bob", "GOLD"), 0);
}

/* --- transfer_batch --------------------------------------------------------------------------- */
static json_t *batch(struct fixture *f, size_t count, uint64_t amount, const char *last_asset)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I}", "to", fixture_address(f, i % 2 == 0 ? "bob" : "carol"),
                            "asset", i + 1 == count ? last_asset : "GOLD", "amount", (json_int_t)amount));
    return json_pack("{s:o}", "transfers", list);
}

static void a_batch_makes_all_its_transfers_with_an_event_each(void **state)
{
    struct fixture *f = *state;
    json_t *result;

    issue_gold(f, 5000);
    assert_int_equal(fixture_try(f, "alice", "ledger.transfer_batch", batch(f, 1000, 5, "GOLD"), &result),
                     OK);
    assert_int_equal(json_integer_value(json_object_get(result, "transfers")), 1000);
    json_release(&result);
    assert_int_equal(held(f, "alice", "GOLD"), 0);
    assert_int_equal(held(f, "bob", "GOLD"), 2500);
    assert_int_equal(held(f, "carol", "GOLD"), 2500);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'ledger.transferred'"), 1000);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'ledger.transferred' AND last"),
                     1);
}

static void a_batch_whose_last_transfer_fails_does_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t events;

    issue_gold(f, 100);
    events = fixture_sql(f, "SELECT count(*) FROM event");
    assert_int_equal(fixture_try(f, "alice", "ledger.transfer_batch", batch(f, 21, 5, "GOLD"), NULL),
                     ERROR_INSUFFICIENT_BALANCE);
    assert_int_equal(fixture_try(f, "alice", "ledger.transfer_batch", batch(f, 3, 5, "SILVER"), NULL),
                     ERROR_ASSET_NOT_FOUND);
    assert_int_equal(held(f, "alice", "GOLD"), 100);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event"), events);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM account WHERE kind = 'key'"), 1);
}

static void batches_of_none_or_too_many_are_refused(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, 5000);
    assert_int_equal(fixture_try(f, "alice", "ledger.transfer_batch", batch(f, 0, 1, "GOLD"), NULL),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(fixture_try(f, "alice", "ledger.transfer_batch", batch(f, 1001, 1, "GOLD"), NULL),
                     ERROR_INVALID_PARAMS);
    fixture_refused(
        f, ERROR_SAME_ACCOUNT, "alice", "ledger.transfer_batch",
        "{'transfers':[{'to':'%s','asset':'GOLD','amount':1},{'to':'%s','asset':'GOLD','amount':1}]}",
        fixture_address(f, "bob"), fixture_address(f, "alice"));
}

/* --- faucet ----------------------------------------------------------------------------------- */
static void the_faucet_pays_its_default_to_the_signer(void **state)
{
    struct fixture *f = *state;
    char *event AUTO_FREE = NULL;
    char expected[256];

    fixture_run(f, "alice", "dev.faucet", "{}");
    assert_int_equal(held(f, "alice", "DEV"), FAUCET_DEFAULT);
    event = newest_event(f);
    snprintf(expected, sizeof(expected),
             "dev.faucet_paid {\"to\":\"%s\",\"asset\":\"DEV\",\"amount\":1000000000,\"supply\":1000000000}",
             fixture_address(f, "alice"));
    assert_string_equal(event, expected);
    fixture_run(f, "alice", "dev.faucet", "{'to':'%s','amount':1000000000000}", fixture_address(f, "bob"));
    assert_int_equal(held(f, "bob", "DEV"), FAUCET_MAX);
    fixture_refused(f, ERROR_FAUCET_LIMIT, "alice", "dev.faucet", "{'amount':1000000000001}");
}

static void nobody_mints_or_describes_the_dev_coin(void **state)
{
    struct fixture *f = *state;

    fixture_refused(f, ERROR_NOT_THE_ISSUER, "alice", "ledger.mint", "{'asset':'DEV','amount':1}");
    fixture_refused(f, ERROR_NOT_THE_ISSUER, "alice", "ledger.describe", "{'asset':'DEV','metadata':{}}");
}

static const struct module *const modules[] = { &ledger_module, NULL };

static void other_networks_have_no_faucet_and_no_dev_coin(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, NETWORK_TEST, modules);
    fixture_refused(&f, ERROR_NOT_ON_THIS_NETWORK, "alice", "dev.faucet", "{}");
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM asset"), 0);
    fixture_run(&f, "alice", "ledger.issue", "{'symbol':'DEV','amount':1}");
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- the envelope ----------------------------------------------------------------------------- */
static void a_transaction_sent_twice_moves_once_and_answers_the_same(void **state)
{
    struct fixture *f = *state;
    json_t *signed_once;
    struct reply first, second;

    issue_gold(f, 100);
    signed_once =
        fixture_sign(f, "alice", "ledger.transfer",
                     fixture_json("{'to':'%s','asset':'GOLD','amount':60}", fixture_address(f, "bob")));
    first = fixture_call(f, "transaction.submit", json_incref(signed_once));
    second = fixture_call(f, "transaction.submit", signed_once);
    assert_int_equal(first.status, OK);
    assert_int_equal(second.status, OK);
    assert_true(json_is_false(json_object_get(first.result, "repeated")));
    assert_true(json_is_true(json_object_get(second.result, "repeated")));
    assert_true(
        json_equal(json_object_get(first.result, "result"), json_object_get(second.result, "result")));
    assert_true(json_equal(json_object_get(first.result, "block"), json_object_get(second.result, "block")));
    assert_int_equal(held(f, "bob", "GOLD"), 60);
    reply_close(&first);
    reply_close(&second);
}

static void somebody_elses_signature_moves_nothing(void **state)
{
    struct fixture *f = *state;
    json_t *by_alice, *by_bob;
    struct reply reply;

    issue_gold(f, 100);
    by_alice =
        fixture_sign(f, "alice", "ledger.transfer",
                     fixture_json("{'to':'%s','asset':'GOLD','amount':60}", fixture_address(f, "bob")));
    by_bob =
        fixture_sign(f, "bob", "ledger.transfer",
                     fixture_json("{'to':'%s','asset':'GOLD','amount':60}", fixture_address(f, "carol")));
    json_object_set(by_alice, "signature", json_object_get(by_bob, "signature"));
    reply = fixture_call(f, "transaction.submit", by_alice);
    assert_int_equal(reply.status, ERROR_BAD_SIGNATURE);
    reply_close(&reply);
    json_release(&by_bob);
    assert_int_equal(held(f, "alice", "GOLD"), 100);
}

static void a_changed_amount_breaks_the_signature(void **state)
{
    struct fixture *f = *state;
    json_t *transaction;
    struct reply reply;

    issue_gold(f, 100);
    transaction =
        fixture_sign(f, "alice", "ledger.transfer",
                     fixture_json("{'to':'%s','asset':'GOLD','amount':1}", fixture_address(f, "bob")));
    json_object_set_new(json_object_get(json_object_get(transaction, "transaction"), "params"), "amount",
                        json_integer(2));
    reply = fixture_call(f, "transaction.submit", transaction);
    assert_int_equal(reply.status, ERROR_BAD_SIGNATURE);
    reply_close(&reply);
    assert_int_equal(held(f, "bob", "GOLD"), 0);
}

static void a_signed_command_without_a_signature_is_refused(void **state)
{
    struct fixture *f = *state;
    struct reply reply =
        fixture_call(f, "ledger.transfer",
                     fixture_json("{'to':'%s','asset':'DEV','amount':1}", fixture_address(f, "bob")));

    assert_int_equal(reply.status, ERROR_UNSIGNED);
    reply_close(&reply);
}

static void everything_is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;

    issue_gold(f, 100);
    fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':30}",
                fixture_address(f, "bob"));
    fixture_reopen(f);
    assert_int_equal(held(f, "alice", "GOLD"), 70);
    fixture_run(f, "bob", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':30}",
                fixture_address(f, "alice"));
    assert_int_equal(held(f, "alice", "GOLD"), 100);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, ledger_setup, ledger_teardown)

int commands_tests(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(issuing_credits_the_issuer_and_says_so),
        LEDGER_TEST(an_asset_can_start_with_nothing_and_its_issuer_is_known),
        LEDGER_TEST(a_symbol_is_taken_once),
        LEDGER_TEST(bad_symbols_names_and_numbers_are_refused),
        LEDGER_TEST(only_the_issuer_mints_and_up_to_the_limit),
        LEDGER_TEST(a_supply_of_all_integers_takes_not_one_more),
        LEDGER_TEST(holders_burn_what_they_hold_and_no_more),
        LEDGER_TEST(only_the_issuer_describes),
        LEDGER_TEST(a_transfer_moves_the_amount_and_leaves_two_postings),
        LEDGER_TEST(an_asset_is_named_by_symbol_or_id),
        LEDGER_TEST(transfers_that_cannot_be_are_refused),
        LEDGER_TEST(nobody_can_send_to_what_is_no_key),
        LEDGER_TEST(nobody_can_send_to_the_faucet),
        LEDGER_TEST(what_is_spent_to_the_last_unit_leaves_no_row),
        LEDGER_TEST(a_batch_makes_all_its_transfers_with_an_event_each),
        LEDGER_TEST(a_batch_whose_last_transfer_fails_does_nothing),
        LEDGER_TEST(batches_of_none_or_too_many_are_refused),
        LEDGER_TEST(the_faucet_pays_its_default_to_the_signer),
        LEDGER_TEST(nobody_mints_or_describes_the_dev_coin),
        cmocka_unit_test(other_networks_have_no_faucet_and_no_dev_coin),
        LEDGER_TEST(a_transaction_sent_twice_moves_once_and_answers_the_same),
        LEDGER_TEST(somebody_elses_signature_moves_nothing),
        LEDGER_TEST(a_changed_amount_breaks_the_signature),
        LEDGER_TEST(a_signed_command_without_a_signature_is_refused),
        LEDGER_TEST(everything_is_there_after_a_restart),
    };

    return cmocka_run_group_tests_name("ledger commands", tests, NULL, NULL);
}
