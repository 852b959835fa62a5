/* LND, scripted: what is asked, what each answer is taken for. The answers have the shapes of its REST
 * documentation. */
#include "lightning_support.h"

#include <stdlib.h>
#include <string.h>

#define INFO(network, synced)                                                                                \
    "{\"version\":\"0.21.2-beta\",\"identity_pubkey\":\"" NODE "\",\"alias\":\"carol\",\"block_height\":120,"\
    "\"block_hash\":\"00ff\",\"synced_to_chain\":" synced ",\"synced_to_graph\":true,\"chains\":["           \
    "{\"chain\":\"bitcoin\",\"network\":\"" network "\"}]}"

static struct link link_;

static int setup(void **state)
{
    (void)state;
    link_open(&link_, &lnd_network);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_close(&link_);
    return 0;
}

/* --- the link --------------------------------------------------------------------------------- */
static void greeting_and_chain(void **state)
{
    struct network_greeting greeting;
    struct network_state told;

    (void)state;
    script("GET /v1/getinfo", INFO("regtest", "true"));
    assert_int_equal(lnd_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_string_equal(greeting.version, "0.21.2-beta");
    assert_string_equal(greeting.account, NODE);
    script("GET /v1/getinfo", INFO("mainnet", "true"));
    assert_int_equal(lnd_network.connect(link_.client, &link_.call, &greeting), ERROR_NETWORK_WRONG_CHAIN);
    script("GET /v1/getinfo", INFO("regtest", "false"));
    assert_int_equal(lnd_network.health_check(link_.client, &link_.call, &told), OK);
    assert_false(told.synced);
    assert_has(told.details, "warning");
}

static void refusals_of_the_gateway_are_told_apart(void **state)
{
    static const struct { long http; const char *body; enum status status; } cases[] = { { 500,
                    "{\"code\":2,\"message\":\"verification failed: signature mismatch after caveat "
                    "verification\","
                    "\"details\":[]}",
                    ERROR_NETWORK_AUTH },
                  { 500, "{\"error\":{\"code\":2,\"message\":\"permission denied\"}}", ERROR_NETWORK_AUTH },
                  { 500, "{\"code\":2,\"message\":\"wallet locked, unlock it to enable full RPC access\"}",
                    ERROR_NETWORK_SERVER },
                  { 500,
                    "{\"code\":2,\"message\":\"the RPC server is in the process of starting up, but not yet "
                    "ready to "
                    "accept calls\"}",
                    ERROR_NETWORK_SERVER },
                  /* what LND 0.21 ends its streams with when it ends */
                  { 500,
                    "{\"error\":{\"code\":2,\"message\":\"routerrpc server shutting down\","
                    "\"details\":[]}}",
                    ERROR_NETWORK_SERVER },
                  { 503, "{\"code\":14,\"message\":\"unavailable\"}", ERROR_NETWORK_SERVER },
                  { 500, "{\"code\":2,\"message\":\"something\"}", ERROR_NETWORK_REJECTED },
                  { 404, "{\"code\":5,\"message\":\"Not Found\"}", ERROR_NETWORK_REJECTED },
                  { 404, "404 page not found", ERROR_NETWORK_REJECTED },
                  { 502, "<html>bad gateway</html>", ERROR_NETWORK_SERVER },
                  { 200, "<html>", ERROR_NETWORK_PROTOCOL },
                  { 200, "{\"version\":", ERROR_NETWORK_PROTOCOL },
                  { 200, "{\"version\":1,\"version\":2}", ERROR_NETWORK_PROTOCOL },
                  { 200, "{}", ERROR_NETWORK_PROTOCOL } };
    struct network_state told;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        again(&link_);
        script_http("GET /v1/getinfo", cases[i].http, cases[i].body);
        assert_int_equal(lnd_network.health_check(link_.client, &link_.call, &told), cases[i].status);
    }
}

#define CHANNEL                                                                                              \
    "{\"active\":true,\"remote_pubkey\":\"" OTHER_NODE "\",\"channel_point\":\"ab:1\",\"chan_id\":\"113\","  \
    "\"capacity\":\"1000000\",\"local_balance\":\"600000\",\"remote_balance\":\"396530\",\"commit_fee\":"    \
    "\"3470\",\"unsettled_balance\":\"0\"}"

static void the_balance_is_the_servers_and_its_lists_must_agree(void **state)
{
    struct network_verdict verdict;
    struct network_state told;

    (void)state;
    script("GET /v1/getinfo", INFO("regtest", "true"));
    script("GET /v1/channels", "{\"channels\":[" CHANNEL "]}");
    script("GET /v1/balance/channels", "{\"local_balance\":{\"sat\":\"600000\",\"msat\":\"600000500\"}}");
    script("GET /v1/balance/blockchain", "{\"confirmed_balance\":\"25\"}");
    assert_int_equal(lnd_network.get_state(link_.client, &link_.call, &told), OK);
    assert_string_equal(told.balance, "600000500");
    assert_has(told.details, "\"on_chain_msat\":\"25000\"");
    script("GET /v1/channels", "{\"channels\":[" CHANNEL "]}");
    script("GET /v1/balance/channels", "{\"local_balance\":{\"sat\":\"600001\",\"msat\":\"600001000\"}}");
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call, NULL, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID); /* within the rounding of one channel */
    /* what is below the dust limit is in the commitment's fee as well: 996,330 + 200 + 3,670 */
    script("GET /v1/channels", "{\"channels\":[{\"active\":true,\"remote_pubkey\":\"" OTHER_NODE "\","
           "\"channel_point\":\"ab:1\",\"chan_id\":\"113\",\"capacity\":\"1000000\","
           "\"local_balance\":\"996330\","
           "\"remote_balance\":\"200\",\"commit_fee\":\"3670\",\"unsettled_balance\":\"0\"}]}");
    script("GET /v1/balance/channels", "{\"local_balance\":{\"sat\":\"996330\",\"msat\":\"996330000\"}}");
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call, NULL, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    for (int round = 0; round < 2; round++) { /* but balances alone cannot be more than the capacity */
        script("GET /v1/channels", "{\"channels\":[{\"active\":true,\"remote_pubkey\":\"" OTHER_NODE "\","
               "\"channel_point\":\"ab:1\",\"chan_id\":\"113\",\"capacity\":\"1000000\",\"local_balance\":"
               "\"600000\",\"remote_balance\":\"400000\",\"commit_fee\":\"0\","
               "\"unsettled_balance\":\"1\"}]}");
        script("GET /v1/balance/channels", "{\"local_balance\":{\"sat\":\"600000\",\"msat\":\"600000000\"}}");
    }
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call, NULL, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    for (int round = 0; round < 2; round++) {
        script("GET /v1/channels", "{\"channels\":[" CHANNEL "]}");
        script("GET /v1/balance/channels", "{\"local_balance\":{\"sat\":\"600002\",\"msat\":\"600002000\"}}");
    }
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call, NULL, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    script("GET /v1/getinfo", INFO("regtest", "true"));
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call,
                                                "{\"type\":\"height\",\"height\":118,\"tolerance\":2}",
                                                &verdict),
                     OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    script("GET /v1/getinfo", INFO("regtest", "true"));
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call,
                                                "{\"type\":\"height\",\"height\":117,\"tolerance\":2}",
                                                &verdict),
                     OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    script("GET /v1/getinfo", INFO("regtest", "true"));
    assert_int_equal(lnd_network.validate_state(link_.client, &link_.call,
                                                "{\"type\":\"height\",\"height\":1000}", &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
}

/* --- paying ----------------------------------------------------------------------------------- */
#define PAYMENT                                                                                              \
    "{\"payment_hash\":\"%s\",\"value_msat\":\"10000\",\"fee_msat\":\"7\",\"payment_preimage\":\"%s\","      \
    "\"payment_request\":\"%s\",\"status\":\"%s\",\"creation_time_ns\":\"1738000000000000000\",\"htlcs\":["  \
    "{},{}],\"payment_index\":\"%d\",\"failure_reason\":\"%s\"}"
#define NO_PREIMAGE "0000000000000000000000000000000000000000000000000000000000000000"

static void prepare(struct network_prepared *prepared, uint64_t msat, const char *amount)
{
    struct network_write write = { .kind = WRITE_SUBMIT, .amount = amount };

    again(&link_);
    write.raw = bytes_of_text(invoice_of("bcrt", msat, 0));
    assert_int_equal(lnd_network.prepare(link_.client, &link_.call, &write, prepared), OK);
}

static void nothing_known(void)
{
    script("GET /v1/payments?include_incomplete=true&reversed=true", "{\"payments\":[]}");
    script_http("GET /v2/router/track/", 404,
                "{\"error\":{\"code\":5,\"message\":\"payment isn't initiated\"}}");
}

static void an_invoice_is_paid_and_the_last_line_counts(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;
    char *line;

    (void)state;
    prepare(&prepared, 0, "10000");
    assert_string_equal(prepared.transaction, hash_hex);
    assert_has((const char *)prepared.raw.data, "\"amt_msat\":\"10000\"");
    assert_has((const char *)prepared.raw.data, "\"fee_limit_msat\":\"5000\"");
    assert_has((const char *)prepared.raw.data, "\"timeout_seconds\":60");
    nothing_known();
    line = text_format("{\"result\":" PAYMENT "}", hash_hex, preimage_hex, "", "SUCCEEDED", 1,
                       "FAILURE_REASON_NONE");
    script_http("POST /v2/router/send", 200, line);
    free(line);
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_has(sent.details, "\"fee_msat\":\"7\"");
    assert_has(sent.details, "\"attempts\":2");
    assert_memory_equal(script_asked(0), prepared.raw.data, prepared.raw.size);
}

static void failures_have_meanings_and_are_final(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;
    char *line;

    (void)state;
    prepare(&prepared, 10000, NULL);
    assert_has_not((const char *)prepared.raw.data, "amt_msat");
    nothing_known();
    line = text_format("{\"result\":" PAYMENT "}", hash_hex, NO_PREIMAGE, "", "FAILED", 1,
                       "FAILURE_REASON_NO_ROUTE");
    script_http("POST /v2/router/send", 200, line);
    free(line);
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_has(sent.reason, "no way to the payee");
}

static void a_refusal_is_looked_into(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepare(&prepared, 10000, NULL);
    nothing_known();
    script_http("POST /v2/router/send", 500, "{\"error\":{\"code\":2,\"message\":\"invoice expired\"}}");
    nothing_known();
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_has(sent.reason, "invoice expired");
    nothing_known();
    script_http("POST /v2/router/send", 409,
                "{\"error\":{\"code\":6,\"message\":\"payment is in transition\"}}");
    script("GET /v1/payments", "{\"payments\":[" PAYMENT "]}", hash_hex, NO_PREIMAGE, "", "IN_FLIGHT", 3,
           "FAILURE_REASON_NONE");
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    nothing_known();
    script_http("POST /v2/router/send", 502, "<html>");
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    nothing_known();
    script_http("POST /v2/router/send", 200, "{\"result\":{\"status\":\"SUCC"); /* cut off */
    assert_int_equal(lnd_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
}

static void lies_about_preimages_and_hashes_are_found(void **state)
{
    struct network_prepared which = { .transaction = hash_hex };
    struct network_status status;
    char *line;

    (void)state;
    script("GET /v1/payments", "{\"payments\":[" PAYMENT "]}", hash_hex, hash_hex, "", "SUCCEEDED", 3,
           "FAILURE_REASON_NONE");
    assert_int_equal(lnd_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     ERROR_NETWORK_PROTOCOL);
    script("GET /v1/payments", "{\"payments\":[]}");
    line = text_format("{\"result\":" PAYMENT "}", preimage_hex, NO_PREIMAGE, "", "FAILED", 3,
                       "FAILURE_REASON_TIMEOUT");
    script_http("GET /v2/router/track/", 200, line);
    free(line);
    assert_int_equal(lnd_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     ERROR_NETWORK_PROTOCOL);
    assert_int_equal(script_blames(), 2);
}

static void a_payment_is_tracked_by_its_hash_in_base64url(void **state)
{
    struct network_prepared which = { .transaction = hash_hex };
    struct network_status status;
    char *call = text_format("GET /v2/router/track/%s?", hash_base64_url);

    (void)state;
    script("GET /v1/payments", "{}"); /* an empty list may be left out */
    script_http(call, 404, "{\"code\":5,\"message\":\"payment isn't initiated\"}");
    assert_int_equal(lnd_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    script("GET /v1/payments", "{}");
    script_failure(call, ERROR_NETWORK_TIMEOUT);
    assert_int_equal(lnd_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_has(status.reason, "holds the line open");
    script("GET /v1/payments", "{}"); /* a gateway that does not know the path says nothing of the payment */
    script_http(call, 404, "{\"code\":5,\"message\":\"Not Found\",\"details\":[]}");
    assert_int_equal(lnd_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     ERROR_NETWORK_SERVER);
    free(call);
}

static void a_node_is_paid_with_a_preimage_of_ours(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10000" };
    struct network_prepared first, second;

    (void)state;
    assert_int_equal(lnd_network.prepare(link_.client, &link_.call, &write, &first), OK);
    assert_int_equal(lnd_network.prepare(link_.client, &link_.call, &write, &second), OK);
    assert_int_equal(strlen(first.transaction), 64);
    assert_string_not_equal(first.transaction, second.transaction);
    assert_has((const char *)first.raw.data, "\"dest_custom_records\":{\"5482373484\":\"");
    assert_has((const char *)first.raw.data, "\"payment_hash\":\"");
}

/* --- history, fees ---------------------------------------------------------------------------- */
static void history_pages_by_the_servers_indexes(void **state)
{
    struct network_history history;

    (void)state;
    script("GET /v1/payments?include_incomplete=true&reversed=true&index_offset=0&max_payments=1",
           "{\"payments\":[" PAYMENT "]}", hash_hex, preimage_hex, "", "SUCCEEDED", 9, "FAILURE_REASON_NONE");
    script("GET /v1/invoices?reversed=true&index_offset=0&num_max_invoices=1",
           "{\"invoices\":[{\"r_hash\":\"%s\",\"add_index\":\"4\",\"state\":\"SETTLED\",\"creation_date\":"
           "\"1738000001\",\"amt_paid_msat\":\"77\",\"value_msat\":\"70\"}]}", hash_base64);
    assert_int_equal(lnd_network.get_transaction_history(link_.client, &link_.call, NULL, 1, &history), OK);
    assert_int_equal(history.count, 1);
    assert_string_equal(history.entries[0].kind, "invoice");
    assert_string_equal(history.entries[0].amount, "77");
    assert_string_equal(history.next, "0.4");
}

static void fees(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10001" };
    struct network_fees told;

    (void)state;
    script("POST /v2/router/route/estimatefee", "{\"routing_fee_msat\":\"1002\",\"time_lock_delay\":\"41\","
                                                "\"failure_reason\":\"FAILURE_REASON_NONE\"}");
    script("GET /v2/wallet/estimatefee/2", "{\"sat_per_kw\":\"12500\"}");
    script("GET /v2/wallet/estimatefee/12", "{\"sat_per_kw\":\"2500\"}");
    script("GET /v2/wallet/estimatefee/100", "{\"sat_per_kw\":\"253\"}");
    assert_int_equal(lnd_network.estimate_fees(link_.client, &link_.call, &write, &told), OK);
    assert_string_equal(told.total, "1002");
    assert_string_equal(told.fast, "50000");
    assert_string_equal(told.slow, "1012");
    assert_has(script_asked(3), "\"amt_sat\":\"11\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int lnd_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(greeting_and_chain),
        TEST(refusals_of_the_gateway_are_told_apart),
        TEST(the_balance_is_the_servers_and_its_lists_must_agree),
        TEST(an_invoice_is_paid_and_the_last_line_counts),
        TEST(failures_have_meanings_and_are_final),
        TEST(a_refusal_is_looked_into),
        TEST(lies_about_preimages_and_hashes_are_found),
        TEST(a_payment_is_tracked_by_its_hash_in_base64url),
        TEST(a_node_is_paid_with_a_preimage_of_ours),
        TEST(history_pages_by_the_servers_indexes),
        TEST(fees),
    };

    return cmocka_run_group_tests_name("lnd", tests, NULL, NULL);
}
