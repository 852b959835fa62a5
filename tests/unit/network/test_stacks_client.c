/* Stacks' client against a scripted node: what is asked, what is written, what each answer is taken for. The
 * answers
 * have the shapes of stacks-core's docs/rpc. */
#include "stacks_support.h"

#include <stdio.h>
#include <string.h>

/* --- the link ----------------------------------------------------------------------------------- */
static void a_greeting_tells_chain_version_and_account(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("GET /v2/info", INFO_AT("7"));
    assert_int_equal(stacks_network.connect(here.client, &here.call, &greeting), OK);
    assert_string_equal(greeting.chain, "testnet");
    assert_string_equal(greeting.version, "stacks-node 3.1.0");
    assert_string_equal(greeting.account, ACCOUNT);
}

static void another_chain_is_refused(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("GET /v2/info",
           "{\"network_id\":1,\"server_version\":\"x\",\"stacks_tip_height\":7,\"stacks_tip\":\"" TIP
                           "\",\"burn_block_height\":1}");
    assert_int_equal(stacks_network.connect(here.client, &here.call, &greeting), ERROR_NETWORK_WRONG_CHAIN);
}

static void what_is_no_answer_is_a_protocol_error(void **state)
{
    static const char *const answers[] = { "{}", "[]", "7", "null", "\"x\"", "{\"network_id\":-1}" };
    struct network_state told;

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        script("GET /v2/info", "%s", answers[i]);
        assert_int_equal(stacks_network.get_state(here.client, &here.call, &told), ERROR_NETWORK_PROTOCOL);
    }
    script("GET /v2/info", "<html>");
    assert_int_equal(stacks_network.get_state(here.client, &here.call, &told), ERROR_NETWORK_PROTOCOL);
}

static void the_state_tells_the_balance(void **state)
{
    struct network_state told;

    (void)state;
    script("GET /v2/info", INFO_AT("7"));
    script("GET /v2/accounts/" ACCOUNT "?proof=0", ACCOUNT_AT("3"));
    assert_int_equal(stacks_network.get_state(here.client, &here.call, &told), OK);
    assert_int_equal(told.height, 7);
    assert_string_equal(told.balance, "123");
    assert_string_equal(told.details, "{\"bitcoin_height\":100,\"nonce\":3}");
}

/* --- writes ------------------------------------------------------------------------------------- */
static void a_transfer_is_the_published_one(void **state)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "12345",
                                        .memo = "test" };
    struct network_prepared prepared;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_prepare_write(&write, &prepared);
    assert_string_equal(prepared.transaction,
                        "0xdb97679073ad76d3aca9123ff11dd3ebc283272bee9452200e460f8a5a99385f");
    assert_true(prepared.has_sequence);
    assert_int_equal(prepared.sequence, 3);
    assert_int_equal(prepared.raw.size, 180);
    assert_non_null(strstr(script_asked(0), "\"estimated_len\":180"));
}

static void a_token_transfer_is_the_published_one(void **state)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "42",
                                         .asset = ACCOUNT ".test-token::t" };
    struct network_prepared prepared;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_prepare_write(&write, &prepared);
    assert_string_equal(prepared.transaction,
                        "0x73505a29a2ab4d45e5ab04eb3a0ed2d10e4db037113c426231682016df635301");
}

static void a_nonce_follows_the_links_own(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1", .sequence_least = 9 };
    struct network_prepared prepared;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_prepare_write(&write, &prepared);
    assert_int_equal(prepared.sequence, 9);
    write.sequence_least = 2;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_prepare_write(&write, &prepared);
    assert_int_equal(prepared.sequence, 3);
}

static void an_issue_deploys_a_contract_of_ours(void **state)
{
    const struct network_write write = { .kind = WRITE_ISSUE, .symbol = "TST", .title = "Test",
                                        .amount = "1000",
                                         .decimals = 6 };
    struct network_prepared prepared;
    struct stacks_decoded decoded;
    bool valid;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("0"));
    stacks_prepare_write(&write, &prepared);
    assert_string_equal(prepared.asset, ACCOUNT ".tst::token");
    assert_true(stacks_decode(prepared.raw, &decoded, &valid));
    assert_true(valid);
    assert_int_equal(decoded.payload, STACKS_VERSIONED_CONTRACT);
    assert_string_equal(decoded.to.contract, "tst");
}

static void a_fee_beyond_the_limit_is_refused(void **state)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1", .fee = "1999" };
    struct network_prepared prepared;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    script("POST /v2/fees/transaction", FEES);
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &write, &prepared),
                     ERROR_NETWORK_REJECTED);
}

static void a_node_without_an_index_takes_no_writes(void **state)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1" };
    struct stacks_client *client = here.client;
    struct network_prepared prepared;

    (void)state;
    atomic_store(&client->indexed, false);
    script_http("GET /v3/transaction/00000000", 501, "Transaction indexing is not enabled");
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
    /* the 404 of a path that is not there: an API's, a node's before 3.1 */
    script_http("GET /v3/transaction/00000000", 404,
                "{\"message\":\"Route GET:/v3/transaction/00 not found\",\"error\":\"Not Found\"}");
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
    script_http("GET /v3/transaction/00000000", 404, "No such transaction 00000000\n");
    for (int i = 0; i < 2; i++) { /* asked once */
        script("GET /v2/accounts/", ACCOUNT_AT("3"));
        script("POST /v2/fees/transaction", FEES);
        assert_int_equal(stacks_network.prepare(here.client, &here.call, &write, &prepared), OK);
    }
}

static void a_server_does_not_get_any_fee_it_asks_for(void **state)
{
    const struct network_write plain = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1" };
    const struct network_write generous = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1",
                                            .fee = "30000000" };
    static const char dear[] = "{\"estimations\":[{\"fee\":1},{\"fee\":20000001},{\"fee\":30000000}]}";
    struct network_prepared prepared;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    script("POST /v2/fees/transaction", "%s", dear);
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &plain, &prepared),
                     ERROR_NETWORK_REJECTED);
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    script("POST /v2/fees/transaction", "%s", dear);
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &generous, &prepared), OK);
}

static void a_node_without_estimates_tells_its_rate(void **state)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1" };
    struct network_prepared prepared;
    struct stacks_decoded decoded;
    bool valid;

    (void)state;
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    script_http("POST /v2/fees/transaction", 400,
                "{\"error\":\"Estimation unavailable\",\"reason\":\"NoEstimateAvailable\"}");
    script("GET /v2/fees/transfer", "2");
    assert_int_equal(stacks_network.prepare(here.client, &here.call, &write, &prepared), OK);
    assert_true(stacks_decode(prepared.raw, &decoded, &valid));
    assert_int_equal(decoded.fee, 2 * 180 * 2);
}

static void what_no_write_is_asks_nothing(void **state)
{
    static const struct network_write wrong[] = {
        { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "0" },
        { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "18446744073709551616" },
        { .kind = WRITE_TRANSFER, .to = "SP3FBR2AGK5H9QBDH3EEN6DF8EK8JY7RX8QJ5SVTE", .amount = "1" },
        { .kind = WRITE_TRANSFER, .to = "nobody", .amount = "1" },
        { .kind = WRITE_TRANSFER, .amount = "1" },
        { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1", .asset = "token" },
        { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1", .asset = ACCOUNT "::token" },
        { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "1", .memo = "thirty-five bytes are more than fit" },
        { .kind = WRITE_ISSUE, .symbol = "\"", .amount = "1" },
        { .kind = WRITE_ISSUE, .symbol = "T", .amount = "1", .decimals = 33 },
        { .kind = WRITE_ISSUE, .amount = "1" },
        { .kind = WRITE_SUBMIT, .raw = { (const uint8_t *)"no", 2 } },
    };
    struct network_prepared prepared;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(stacks_network.prepare(here.client, &here.call, &wrong[i], &prepared),
                         ERROR_INVALID_PARAMS);
}

static void what_is_sent_is_the_prepared_bytes(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    stacks_prepare_one(&prepared);
    script("POST /v2/transactions", "\"%s\"", prepared.transaction + 2);
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_memory_equal(script_asked(0), prepared.raw.data, 5);
    script("POST /v2/transactions", "\"" TIP "\"");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    assert_int_equal(script_blames(), 1);
    script_failure("POST /v2/transactions", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), ERROR_NETWORK_AMBIGUOUS);
}

static void refusals_are_told_apart(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    stacks_prepare_one(&prepared);
    script_http("POST /v2/transactions", 400,
                "{\"error\":\"transaction rejected\",\"reason\":\"NotEnoughFunds\"}");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_string_equal(sent.reason, "transaction rejected: NotEnoughFunds");
    script_http("POST /v2/transactions", 400,
                "{\"error\":\"transaction rejected\",\"reason\":\"ServerFailureDatabase\"}");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    /* behind 25 that wait: it was not taken, and will be */
    script_http("POST /v2/transactions", 400,
                "{\"error\":\"transaction rejected\",\"reason\":\"TooMuchChaining\"}");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), ERROR_NETWORK_BUSY);
    /* its own copy is in the way */
    script_http("POST /v2/transactions", 400, "{\"error\":\"x\",\"reason\":\"ConflictingNonceInMempool\"}");
    script_http("GET /v3/transaction/", 404, "No such transaction");
    script("GET /v2/transactions/unconfirmed/", "{\"tx\":\"00\"}");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    /* past, and nothing is known of it: it may be the one that was mined */
    script_http("POST /v2/transactions", 400, "{\"error\":\"x\",\"reason\":\"BadNonce\"}");
    script_http("GET /v3/transaction/", 501, "");
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    /* another one is */
    script_http("POST /v2/transactions", 400, "{\"error\":\"x\",\"reason\":\"ConflictingNonceInMempool\"}");
    script_http("GET /v3/transaction/", 404, "No such transaction");
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    assert_int_equal(stacks_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
}

int main(void)
{
#define LINKED(test) cmocka_unit_test_setup_teardown(test, stacks_setup, stacks_teardown)
    const struct CMUnitTest tests[] = {
        LINKED(a_greeting_tells_chain_version_and_account),
        LINKED(another_chain_is_refused),
        LINKED(what_is_no_answer_is_a_protocol_error),
        LINKED(the_state_tells_the_balance),
        LINKED(a_transfer_is_the_published_one),
        LINKED(a_token_transfer_is_the_published_one),
        LINKED(a_nonce_follows_the_links_own),
        LINKED(an_issue_deploys_a_contract_of_ours),
        LINKED(a_fee_beyond_the_limit_is_refused),
        LINKED(a_node_without_an_index_takes_no_writes),
        LINKED(a_server_does_not_get_any_fee_it_asks_for),
        LINKED(a_node_without_estimates_tells_its_rate),
        LINKED(what_no_write_is_asks_nothing),
        LINKED(what_is_sent_is_the_prepared_bytes),
        LINKED(refusals_are_told_apart),
    };

    return cmocka_run_group_tests_name("stacks_client", tests, NULL, NULL);
}
