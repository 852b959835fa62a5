/* Core Lightning as its source and its manual pages say it answers, release by release: what each release
 * takes, what its lists leave out, what its errors do not mean. Files are of ElementsProject/lightning. */
#include "lightning_support.h"

#include <string.h>

#include "base/clock.h"
#include "network/lightning/begun.h"

#define INFO                                                                                                 \
    "{\"id\":\"" NODE "\",\"alias\":\"SILENTARTIST\",\"color\":\"022d22\",\"num_peers\":0,"                  \
    "\"address\":[],\"binding\":[],\"version\":\"v25.05\",\"blockheight\":110,\"network\":\"regtest\","     \
    "\"fees_collected_msat\":0}"

static struct link link_;

static int setup(void **state)
{
    (void)state;
    link_open(&link_, &lightning_network);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_close(&link_);
    return 0;
}

static enum status prepare(const char *invoice, const char *options, struct network_prepared *prepared)
{
    struct network_write write = { .kind = WRITE_SUBMIT, .raw = bytes_of_text(invoice), .options = options };

    again(&link_);
    return lightning_network.prepare(link_.client, &link_.call, &write, prepared);
}

static void prepared_invoice(struct network_prepared *prepared)
{
    script("help", XPAY_USAGE);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, prepared), OK);
}

static void failed_long_ago(void)
{
    uint64_t now = (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND);

    script("listpays", "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"failed\",\"created_at\":%llu,"
                       "\"created_index\":3,\"amount_sent_msat\":0}]}",
           hash_hex, (unsigned long long)(now - 2 * PATIENCE));
}

/* autoclean-status.json: what is deleted there is unknown from then on, whatever became of it. */
static void a_server_that_forgets_what_it_paid_is_told_of(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("getinfo", INFO);
    script("help", XPAY_USAGE);
    script("autoclean-status", AUTOCLEAN("true,\"age\":3600"));
    assert_int_equal(lightning_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_has(greeting.details, "\"forgets_paid_after_s\":3600");
    script("getinfo", INFO);
    script("help", XPAY_USAGE);
    script_refusal("autoclean-status", -32601, "Unknown command 'autoclean-status'");
    assert_int_equal(lightning_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_has_not(greeting.details, "forgets");
}

static void what_may_have_been_deleted_there_is_not_asked_for_again(void **state)
{
    struct network_greeting greeting;
    struct network_prepared prepared;
    struct network_sent sent;
    char details[96];

    (void)state;
    script("getinfo", INFO);
    script("help", XPAY_USAGE);
    script("autoclean-status", AUTOCLEAN("true,\"age\":3600"));
    assert_int_equal(lightning_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, &prepared), OK);
    for (int64_t age_s = 3500; age_s <= 3700; age_s += 200) {
        snprintf(details, sizeof(details), "{\"seconds\":60,\"prepared_us\":%lld}",
                 (long long)(clock_wall_us() - age_s * MICROSECONDS_PER_SECOND));
        prepared.details = details;
        script("listpays", "{\"pays\":[]}");
        if (age_s < 3600)
            script("xpay", "{\"payment_preimage\":\"%s\",\"failed_parts\":0,\"successful_parts\":1,"
                           "\"amount_msat\":10000,\"amount_sent_msat\":10002}", preimage_hex);
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, age_s < 3600 ? SEND_ACCEPTED : SEND_AMBIGUOUS);
    }
    assert_has(sent.reason, "nobody can tell");
}

/* xpay.json: maxdelay since 25.02. */
static void xpay_of_24_11_is_not_asked_for_a_delay_that_it_does_not_know(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script("help", XPAY_USAGE_2411);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"xpay\"");
    script("help", PAY_USAGE);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), "{\"max_delay\":144}", &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"pay\"");
    assert_has((const char *)prepared.raw.data, "\"bolt11\":\"lnbcrt");
    assert_has((const char *)prepared.raw.data, "\"maxdelay\":144");
}

static void pay_of_26_06_takes_the_invoice_under_its_new_name(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script_refusal("help", -32601, "Unknown command 'xpay'"); /* it runs without that plugin */
    script("help", PAY_USAGE_2606);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"pay\"");
    assert_has((const char *)prepared.raw.data, "\"invstring\":\"lnbcrt");
}

static void offers_are_refused_by_name(void **state)
{
    static const char *const texts[] = { "lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6", "LNI1QQG", "lnr1q" };
    struct network_write write = { .kind = WRITE_TRANSFER, .amount = "5" };
    struct network_prepared prepared;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(prepare(texts[i], NULL, &prepared), ERROR_NETWORK_NOT_SUPPORTED);
        assert_has(link_.call.error.message, "BOLT 12");
        write.to = texts[i];
        assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared),
                         ERROR_NETWORK_NOT_SUPPORTED);
    }
}

/* A second request of the same invoice may be refused for what the first one holds (a way that it reserved),
 * while the first goes on. */
static void a_refusal_does_not_end_what_was_asked_for_before(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    script("listpays", "{\"pays\":[]}");
    script_failure("xpay", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    script("listpays", "{\"pays\":[]}");
    script_refusal("xpay", 205, "Failed: Could not find route");
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    assert_has(sent.reason, "asked before");
    script("listpays", "{\"pays\":[]}");
    script_refusal("xpay", 205, "Failed: Could not find route");
    failed_long_ago(); /* now it is listed */
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
}

/* common/jsonrpc_errors.h: PLUGIN_TERMINATED, LIGHTNINGD_SHUTDOWN. */
static void a_server_that_goes_away_has_neither_refused_nor_answered(void **state)
{
    static const int64_t codes[] = { -4, -5 };
    struct network_prepared prepared;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        script("listpays", "{\"pays\":[]}");
        script_refusal("xpay", codes[i], "Plugin terminated before replying to RPC call.");
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
        script_refusal("listpays", codes[i], "lightningd is shutting down");
        assert_int_equal(
            lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status),
            ERROR_NETWORK_SERVER);
        again(&link_);
    }
}

/* The plugin that gives the command (pay; in newer releases xpay) died, or is switched off. */
static void a_look_that_is_refused_refuses_no_payment(void **state)
{
    struct network_prepared prepared;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    script_refusal("listpays", -32601, "Unknown command 'listpays'");
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent),
                     ERROR_NETWORK_SERVER);
    again(&link_);
    script_refusal("listpays", -32601, "Unknown command 'listpays'");
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status),
        ERROR_NETWORK_SERVER);
    assert_has(link_.call.error.message, "does not tell");
}

static void a_server_that_goes_away_does_not_lack_what_was_asked_about(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script_refusal("help", -5, "lightningd is shutting down");
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, &prepared),
                     ERROR_NETWORK_SERVER);
    script("help", XPAY_USAGE); /* it is asked again */
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"xpay\"");
}

/* keysend.json: maxfee since 24.11; pays are listed by index since 24.11. */
static void a_node_before_24_11_is_told_the_fee_as_it_understands_it(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10000", .fee = "77" };
    struct network_prepared prepared;
    struct network_status status;

    (void)state;
    script_refusal("help", -32602, "Unknown command 'xkeysend'");
    script("help", KEYSEND_USAGE(""));
    script("help", LISTPAYS_USAGE_2408); /* `wait` knows indexes from 23.11 on; listpays takes none */
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"keysend\"");
    assert_has((const char *)prepared.raw.data, "\"maxfeepercent\":0");
    assert_has((const char *)prepared.raw.data, "\"exemptfee\":77");
    assert_has_not((const char *)prepared.raw.data, "maxfee\"");
    assert_string_equal(prepared.label, "layerd-0123456789abcdef0123456789abcdef");
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    assert_string_equal(script_asked(0), "{}");
}

static void a_node_of_24_11_has_keysend_with_a_fee(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10000", .fee = "77" };
    struct network_prepared prepared;

    (void)state;
    script_refusal("help", -32602, "Unknown command 'xkeysend'");
    script("help", KEYSEND_USAGE(" [maxfee]"));
    script("help", LISTPAYS_USAGE);
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":0}");
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"maxfee\":77");
    assert_has_not((const char *)prepared.raw.data, "exemptfee");
}

/* The server makes the preimage, so that it would pay twice what it is asked for twice: xkeysend lists
 * nothing while it seeks its first way. */
static void what_may_have_begun_without_an_invoice_is_not_asked_for_again(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10000" };
    struct network_prepared prepared, before, later;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    script("help", XKEYSEND_USAGE);
    script("help", LISTPAYS_USAGE);
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":41}");
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    script("listpays", "{\"pays\":[]}");
    script_failure("xkeysend", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_has(status.reason, "may be seeking");
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED); /* followed on; nothing was asked for */
    assert_has(sent.details, "\"prepared_us\":");
    before = prepared; /* of a life before this one, which may have asked for it */
    before.label = "layerd-before#7";
    before.details = "{\"seconds\":60,\"prepared_us\":5}";
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &before, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    later = prepared; /* beside it another, prepared by this life and never asked for */
    later.label = "layerd-later#41";
    script("listpays", "{\"pays\":[]}");
    script_failure("xkeysend", ERROR_NETWORK_BUSY);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &later, &sent), ERROR_NETWORK_BUSY);
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &later, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN); /* nobody took it */
}

/* plugins/xpay/listpays.c: of a window of indexes it combines only the parts that stand in it. Parts 4 and 7
 * are one payment's, 5 was deleted, 6 is another's. */
static void a_payment_is_told_once_with_what_it_came_to(void **state)
{
    struct network_history history;
    char other[65];

    (void)state;
    memset(other, '5', 64);
    other[64] = '\0';
#define PART(at, status)                                                                                     \
    "{\"payment_hash\":\"%s\",\"status\":\"" status "\",\"created_at\":9,\"created_index\":" at "}"
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":7}");
    script("listpays", "{\"pays\":[" PART("6", "failed") "," PART("7", "failed") "]}", other, hash_hex);
    script("listpays", "{\"pays\":[" PART("4", "complete") "]}", hash_hex); /* 7 is its second part */
    script("listpays", "{\"pays\":[" PART("6", "failed") "]}", other);
    script("listpays", "{\"pays\":[" PART("4", "failed") "," PART("6", "failed") "]}", hash_hex, other);
    script("listpays", "{\"pays\":[" PART("4", "complete") "]}", hash_hex);
    script("wait", "{\"subsystem\":\"invoices\",\"created\":0}");
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, NULL, 2, &history),
                     OK);
    assert_int_equal(history.count, 2);
    assert_string_equal(history.entries[0].transaction, other);
    assert_int_equal(history.entries[0].state, TRANSACTION_FAILED);
    assert_string_equal(history.entries[1].transaction, hash_hex);
    assert_int_equal(history.entries[1].state, TRANSACTION_CONFIRMED);
    assert_string_equal(history.next, "4.-");
#undef PART
}

static void history_before_24_11_is_refused_with_the_reason(void **state)
{
    struct network_history history;

    (void)state;
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":7}"); /* from 23.11 on */
    script_refusal("listpays", -32602, "unknown parameter: index");
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, NULL, 2, &history),
                     ERROR_NETWORK_NOT_SUPPORTED);
    assert_has(link_.call.error.message, "24.11");
    script_refusal("wait", -32602, "subsystem: unknown subsystem: invalid token '\"sendpays\"'");
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, NULL, 2, &history),
                     ERROR_NETWORK_NOT_SUPPORTED);
}

static void a_way_to_itself_costs_nothing_and_before_24_11_none_is_told(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = NODE, .amount = "1250000" };
    struct network_fees fees;

    (void)state;
    script("getinfo", INFO);
    script("feerates", "{\"perkb\":{\"estimates\":[]},\"warning_missing_feerates\":\"Some fee estimates "
                       "unavailable: bitcoind startup?\"}");
    assert_int_equal(lightning_network.estimate_fees(link_.client, &link_.call, &write, &fees), OK);
    assert_string_equal(fees.total, "0");
    assert_null(fees.fast);
    write.to = OTHER_NODE;
    script("getinfo", INFO);
    script_refusal("getroutes", -32601, "Unknown command 'getroutes'");
    assert_int_equal(lightning_network.estimate_fees(link_.client, &link_.call, &write, &fees),
                     ERROR_NETWORK_NOT_SUPPORTED);
    script("getinfo", INFO);
    script_refusal("getroutes", -32602, "unknown parameter: final_cltv"); /* 24.08: finalcltv */
    assert_int_equal(lightning_network.estimate_fees(link_.client, &link_.call, &write, &fees),
                     ERROR_NETWORK_NOT_SUPPORTED);
}

/* --- what was asked for lately ---------------------------------------------------------------- */
#define S MICROSECONDS_PER_SECOND

static void what_was_asked_for_may_run_for_its_time_and_no_longer(void **state)
{
    const int64_t margin = LIGHTNING_PATIENCE_MARGIN * S, opened = 1000 * S;
    struct begun *begun = begun_open(opened);

    (void)state;
    assert_false(begun_may_run(begun, "a", opened + 1, 60, opened + 2)); /* never asked for */
    begun_note(begun, "a", opened + 5 * S);
    assert_true(begun_may_run(begun, "a", opened + 1, 60, opened + 65 * S + margin - 1));
    assert_false(begun_may_run(begun, "a", opened + 1, 60, opened + 65 * S + margin));
    assert_false(begun_may_run(begun, "b", opened + 1, 60, opened + 6 * S));
    /* prepared before this life, or nobody knows when: an earlier one may have asked for it */
    assert_true(begun_may_run(begun, "b", opened, 60, opened + 60 * S + margin - 1));
    assert_true(begun_may_run(begun, "b", 0, 60, opened + 6 * S));
    assert_false(begun_may_run(begun, "b", opened, 60, opened + 60 * S + margin));
    begun_close(begun);
}

static void what_is_forgotten_counts_as_asked_for_with_the_newest_of_it(void **state)
{
    struct begun *begun = begun_open(S);
    char key[32];

    (void)state;
    begun_note(begun, "first", 2 * S);
    for (int i = 0; i < 1024; i++) {
        snprintf(key, sizeof(key), "other %d", i);
        begun_note(begun, key, 3 * S);
    }
    assert_true(begun_may_run(begun, "first", S + 1, 60, 4 * S));
    assert_false(begun_may_run(begun, "never", 2 * S + 1, 60, 4 * S)); /* prepared after what is forgotten */
    begun_close(begun);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int cln_release_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_forgets_what_it_paid_is_told_of),
        TEST(what_may_have_been_deleted_there_is_not_asked_for_again),
        TEST(xpay_of_24_11_is_not_asked_for_a_delay_that_it_does_not_know),
        TEST(pay_of_26_06_takes_the_invoice_under_its_new_name),
        TEST(offers_are_refused_by_name),
        TEST(a_refusal_does_not_end_what_was_asked_for_before),
        TEST(a_server_that_goes_away_has_neither_refused_nor_answered),
        TEST(a_look_that_is_refused_refuses_no_payment),
        TEST(a_server_that_goes_away_does_not_lack_what_was_asked_about),
        TEST(a_node_before_24_11_is_told_the_fee_as_it_understands_it),
        TEST(a_node_of_24_11_has_keysend_with_a_fee),
        TEST(what_may_have_begun_without_an_invoice_is_not_asked_for_again),
        TEST(a_payment_is_told_once_with_what_it_came_to),
        TEST(history_before_24_11_is_refused_with_the_reason),
        TEST(a_way_to_itself_costs_nothing_and_before_24_11_none_is_told),
        cmocka_unit_test(what_was_asked_for_may_run_for_its_time_and_no_longer),
        cmocka_unit_test(what_is_forgotten_counts_as_asked_for_with_the_newest_of_it),
    };

    return cmocka_run_group_tests_name("core lightning, by releases", tests, NULL, NULL);
}
