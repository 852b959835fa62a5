/* Invoices of our own, both implementations: made once, checked, looked up. */
#include "lightning_support.h"

#include <stdlib.h>
#include <string.h>

#include "network/lightning/reply.h"

#define CLN_INFO(node)                                                                                       \
    "{\"id\":\"" node "\",\"alias\":\"a\",\"version\":\"v26.06\",\"blockheight\":110,"                     \
    "\"network\":\"regtest\"}"
#define LND_INFO                                                                                             \
    "{\"identity_pubkey\":\"" NODE "\",\"alias\":\"a\",\"version\":\"0.21.0\",\"block_height\":110,"         \
    "\"synced_to_chain\":true,\"synced_to_graph\":true,\"chains\":[{\"network\":\"regtest\"}]}"

static struct link link_;

static int setup_cln(void **state)
{
    (void)state;
    link_open(&link_, &lightning_network);
    return 0;
}

static int setup_lnd(void **state)
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

/* --- Core Lightning --------------------------------------------------------------------------- */
static struct network_payment_request asked_for(const char *amount)
{
    struct network_payment_request request = { .amount = amount, .memo = "a test" };

    memset(request.secret.bytes, 0x11, sizeof(request.secret.bytes));
    return request;
}

static enum status request_payment(const struct network_payment_request *request,
                                   struct network_payable *payable)
{
    again(&link_);
    return lightning_network.request_payment(link_.client, &link_.call, request, payable);
}

#define LISTED(state, more)                                                                                  \
    "{\"invoices\":[{\"label\":\"layerd-0123456789abcdef0123456789abcdef\",\"bolt11\":\"%s\","               \
    "\"payment_hash\":\"%s\",\"status\":\"" state "\",\"expires_at\":1,\"created_index\":1" more "}]}"

#define PAID ",\"payment_preimage\":\"%s\",\"amount_received_msat\":10000"

static void an_invoice_is_made_once_a_label(void **state)
{
    struct network_payment_request request = asked_for("10000");
    struct network_payable payable;
    const char *text = invoice_of("bcrt", 10000, 0);

    (void)state;
    script("invoice", "{\"bolt11\":\"%s\"}", text);
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), OK);
    assert_has(script_asked(1), "\"label\":\"layerd-0123456789abcdef0123456789abcdef\"");
    assert_has(script_asked(1), "\"amount_msat\":10000");
    assert_has(script_asked(1), "\"expiry\":3600");
    assert_has(script_asked(1), preimage_hex);
    assert_string_equal(payable.invoice, text);
    assert_string_equal(payable.payment_hash, hash_hex);
    assert_has(payable.label, hash_hex);
    assert_true(payable.expires_s > 3600);
    script_refusal("invoice", 900, "label exists"); /* made before we were interrupted */
    script("listinvoices", LISTED("unpaid", ""), text, hash_hex);
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), OK);
    assert_has(script_asked(1), "layerd-0123456789abcdef0123456789abcdef");
    assert_string_equal(payable.invoice, text);
    script_failure("invoice", ERROR_NETWORK_AMBIGUOUS); /* it was made, and the answer lost */
    script_refusal("invoice", 900, "label exists");
    script("listinvoices", LISTED("unpaid", ""), text, hash_hex);
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), OK);
    assert_string_equal(payable.invoice, text);
    script_failure("invoice", ERROR_NETWORK_AMBIGUOUS);
    script_failure("invoice", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_AMBIGUOUS);
    script_refusal("invoice", 901, "preimage exists");
    script("listinvoices", "{\"invoices\":[]}");
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_REJECTED);
}

static void an_invoice_that_was_not_asked_for_is_refused(void **state)
{
    struct network_payment_request request = asked_for("10000");
    struct network_payable payable;
    char *lies[] = {
        text_copy(invoice_of("bcrt", 10001, 0)), /* another amount */
        text_copy(invoice_of("bcrt", 0, 0)),     /* any amount */
        text_copy(invoice_of("bc", 10000, 0)),   /* another chain */
        text_copy("lnbcrt1nothing")
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        script("invoice", "{\"bolt11\":\"%s\"}", lies[i]);
        script("getinfo", CLN_INFO(NODE));
        assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
        free(lies[i]);
    }
    request.secret.bytes[0] ^= 1; /* another hash */
    script("invoice", "{\"bolt11\":\"%s\"}", invoice_of("bcrt", 10000, 0));
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
    request = asked_for("10000");
    request.memo = "another test";
    script("invoice", "{\"bolt11\":\"%s\"}", invoice_of("bcrt", 10000, 0));
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
    request = asked_for("10000");
    request.has_expiry = true;
    request.expires_s = 60;
    script("invoice", "{\"bolt11\":\"%s\"}", invoice_of("bcrt", 10000, 0));
    script("getinfo", CLN_INFO(NODE));
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
    request = asked_for("10000");
    script("invoice", "{\"bolt11\":\"%s\"}", invoice_of("bcrt", 10000, 0));
    script("getinfo", CLN_INFO(OTHER_NODE)); /* another node's invoice */
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
    request.asset = "gold"; /* nobody is asked */
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_NOT_SUPPORTED);
    request = asked_for("2100000000000000001");
    assert_int_equal(request_payment(&request, &payable), ERROR_INVALID_PARAMS);
}

static enum status status_of_invoice(const char *hash, struct network_status *status)
{
    struct network_prepared which = { .label = format_in(&link_.arena, "invoice-%s", hash) };

    again(&link_);
    return lightning_network.check_transaction_status(link_.client, &link_.call, &which, status);
}

static void an_invoice_is_open_paid_or_expired_as_the_server_lists_it(void **state)
{
    struct network_status status;
    const char *text = invoice_of("bcrt", 10000, 0);

    (void)state;
    script("listinvoices", LISTED("unpaid", ""), text, hash_hex);
    assert_int_equal(status_of_invoice(hash_hex, &status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    script("listinvoices", LISTED("paid", PAID), text, hash_hex, preimage_hex);
    assert_int_equal(status_of_invoice(hash_hex, &status), OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_has(status.details, "\"10000\"");
    assert_has_not(status.details, preimage_hex);
    script("listinvoices", LISTED("paid", PAID), text, hash_hex, hash_hex);
    assert_int_equal(status_of_invoice(hash_hex, &status), ERROR_NETWORK_PROTOCOL);
    script("listinvoices", LISTED("expired", ""), text, hash_hex);
    assert_int_equal(status_of_invoice(hash_hex, &status), OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    script("listinvoices", "{\"invoices\":[]}");
    assert_int_equal(status_of_invoice(hash_hex, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    assert_int_equal(status_of_invoice("17", &status), ERROR_INVALID_PARAMS);
}

#define ALREADY_THERE "{\"code\":2,\"message\":\"invoice with payment hash already exists\"}"

/* --- LND --------------------------------------------------------------------------------------- */
static enum status request_of_lnd(const char *amount, struct network_payable *payable)
{
    struct network_payment_request request = { .amount = amount, .memo = "a test" };

    memset(request.secret.bytes, 0x11, sizeof(request.secret.bytes));
    again(&link_);
    return lnd_network.request_payment(link_.client, &link_.call, &request, payable);
}

static void an_invoice_is_made_once_a_preimage(void **state)
{
    struct network_payable payable;
    const char *text = invoice_of("bcrt", 10000, 0);

    (void)state;
    script("POST /v1/invoices", "{\"payment_request\":\"%s\",\"add_index\":\"1\"}", text);
    script("GET /v1/getinfo", LND_INFO);
    assert_int_equal(request_of_lnd("10000", &payable), OK);
    assert_has(script_asked(1), preimage_base64);
    assert_has(script_asked(1), "\"value_msat\":\"10000\"");
    assert_has(script_asked(1), "\"expiry\":\"3600\"");
    assert_has(script_asked(1), "\"memo\":\"a test\"");
    assert_string_equal(payable.invoice, text);
    assert_string_equal(payable.payment_hash, hash_hex);
    script_http("POST /v1/invoices", 500, ALREADY_THERE);
    script("GET /v1/invoice/", "{\"payment_request\":\"%s\"}", text);
    script("GET /v1/getinfo", LND_INFO);
    assert_int_equal(request_of_lnd("10000", &payable), OK);
    assert_string_equal(payable.invoice, text);
    script_failure("POST /v1/invoices", ERROR_NETWORK_AMBIGUOUS); /* it was made, and the answer lost */
    script_http("POST /v1/invoices", 500, ALREADY_THERE);
    script("GET /v1/invoice/", "{\"payment_request\":\"%s\"}", text);
    script("GET /v1/getinfo", LND_INFO);
    assert_int_equal(request_of_lnd("10000", &payable), OK);
    script("POST /v1/invoices", "{\"payment_request\":\"%s\"}", text);
    script("GET /v1/getinfo", LND_INFO);
    assert_int_equal(request_of_lnd("10001", &payable), ERROR_NETWORK_PROTOCOL);
    script_http("POST /v1/invoices", 500, "{\"code\":2,\"message\":\"no\"}");
    script_http("GET /v1/invoice/", 404, "{\"code\":5,\"message\":\"unable to locate invoice\"}");
    assert_int_equal(request_of_lnd("10000", &payable), ERROR_NETWORK_REJECTED);
}

static enum status lnd_status_of_invoice(struct network_status *status)
{
    struct network_prepared which = { .label = format_in(&link_.arena, "invoice-%s", hash_hex) };

    again(&link_);
    return lnd_network.check_transaction_status(link_.client, &link_.call, &which, status);
}

#define INVOICE_STATE(state)                                                                                 \
    "{\"r_hash\":\"%s\",\"state\":\"" state "\",\"r_preimage\":\"%s\",\"amt_paid_msat\":\"10000\"}"

static void an_invoice_is_open_paid_or_cancelled_as_the_server_says(void **state)
{
    struct network_status status;

    (void)state;
    script("GET /v1/invoice/", INVOICE_STATE("OPEN"), hash_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_has(status.reason, "nobody");
    script("GET /v1/invoice/", INVOICE_STATE("ACCEPTED"), hash_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_has(status.reason, "locked");
    script("GET /v1/invoice/", INVOICE_STATE("SETTLED"), hash_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.finality, FINALITY_FINAL);
    assert_has(status.details, "\"10000\"");
    script("GET /v1/invoice/", INVOICE_STATE("SETTLED"), hash_base64, hash_base64);
    assert_int_equal(lnd_status_of_invoice(&status), ERROR_NETWORK_PROTOCOL);
    script("GET /v1/invoice/", INVOICE_STATE("CANCELED"), hash_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    script("GET /v1/invoice/", INVOICE_STATE("WHAT"), hash_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), ERROR_NETWORK_PROTOCOL);
    script("GET /v1/invoice/", INVOICE_STATE("OPEN"), preimage_base64, preimage_base64);
    assert_int_equal(lnd_status_of_invoice(&status), ERROR_NETWORK_PROTOCOL);
    script_http("GET /v1/invoice/", 500, "{\"code\":2,\"message\":\"unable to locate invoice\"}");
    assert_int_equal(lnd_status_of_invoice(&status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
}

#define CLN(name) cmocka_unit_test_setup_teardown(name, setup_cln, teardown)
#define LND(name) cmocka_unit_test_setup_teardown(name, setup_lnd, teardown)

int invoice_tests(void)
{
    const struct CMUnitTest tests[] = {
        CLN(an_invoice_is_made_once_a_label),
        CLN(an_invoice_that_was_not_asked_for_is_refused),
        CLN(an_invoice_is_open_paid_or_expired_as_the_server_lists_it),
        LND(an_invoice_is_made_once_a_preimage),
        LND(an_invoice_is_open_paid_or_cancelled_as_the_server_says),
    };

    return cmocka_run_group_tests_name("lightning: invoices of our own", tests, NULL, NULL);
}
