/* Core Lightning, scripted: what is asked, what each answer is taken for, and what no answer can make of it.
 * The answers have the shapes of its manual pages. */
#include "lightning_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"

#define INFO(network, more)                                                                                  \
    "{\"id\":\"" NODE "\",\"alias\":\"SILENTARTIST\",\"color\":\"022d22\",\"num_peers\":1,"                  \
    "\"version\":\"v26.06\",\"blockheight\":110,\"network\":\"" network "\",\"fees_collected_msat\":0" more  \
    "}"

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

/* --- the link --------------------------------------------------------------------------------- */
static void a_greeting_tells_chain_version_and_node(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("getinfo", INFO("regtest", ""));
    script("help", XPAY_USAGE);
    script("autoclean-status", AUTOCLEAN("false"));
    assert_int_equal(lightning_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_string_equal(greeting.chain, "regtest");
    assert_string_equal(greeting.version, "v26.06");
    assert_string_equal(greeting.account, NODE);
    assert_has(greeting.details, "\"pays_with\":\"xpay\"");
    assert_has(greeting.details, "\"synced\":true");
}

static void another_chain_is_refused(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("getinfo", INFO("bitcoin", ""));
    assert_int_equal(lightning_network.connect(link_.client, &link_.call, &greeting),
                     ERROR_NETWORK_WRONG_CHAIN);
    assert_has(link_.call.error.message, "bitcoin");
}

static void answers_that_are_none_are_protocol_errors_and_counted(void **state)
{
    static const char *const bad[] = { "{}",
                                       INFO("regtest", ",\"warning_bitcoind_sync\":7"),
                                       "[]",
                                       "7",
                                       "{\"id\":\"02\",\"version\":\"v\",\"blockheight\":1,\"network\":"
                                       "\"regtest\"}",
                                       "{\"id\":\"" NODE "\",\"version\":\"v\",\"blockheight\":-1,"
                                       "\"network\":\"regtest\"}" };
    struct network_state told;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        again(&link_);
        script("getinfo", "%s", bad[i]);
        if (i == 1) { /* a warning of another type is no warning, the rest is good */
            assert_int_equal(lightning_network.health_check(link_.client, &link_.call, &told), OK);
            assert_true(told.synced);
        } else {
            assert_int_equal(lightning_network.health_check(link_.client, &link_.call, &told),
                             ERROR_NETWORK_PROTOCOL);
        }
    }
    assert_int_equal(script_blames(), 5);
}

static void a_warning_means_not_synchronized(void **state)
{
    struct network_state told;

    (void)state;
    script("getinfo", INFO("regtest", ",\"warning_lightningd_sync\":\"Still loading latest blocks\""));
    assert_int_equal(lightning_network.health_check(link_.client, &link_.call, &told), OK);
    assert_false(told.synced);
    assert_int_equal(told.height, 110);
    assert_has(told.details, "Still loading");
}

#define CHANNEL(state, ours)                                                                                 \
    "{\"peer_id\":\"" OTHER_NODE "\",\"peer_connected\":true,\"state\":\"" state "\",\"short_channel_id\":"  \
    "\"103x1x0\",\"funding_txid\":\"ab\",\"funding_outnum\":1,\"to_us_msat\":" ours ",\"total_msat\":"       \
    "1000000000,\"spendable_msat\":9,\"receivable_msat\":8}"

static void the_balance_is_that_of_open_channels(void **state)
{
    struct network_state told;

    (void)state;
    script("getinfo", INFO("regtest", ""));
    script("listpeerchannels", "{\"channels\":[%s,%s,{\"peer_id\":\"" NODE "\",\"state\":\"OPENINGD\"}]}",
           CHANNEL("CHANNELD_NORMAL", "\"600000000msat\""), CHANNEL("ONCHAIN", "70"));
    script("listfunds", "{\"outputs\":[{\"txid\":\"aa\",\"output\":0,\"amount_msat\":5000,\"status\":"
                        "\"confirmed\"},{\"amount_msat\":7,\"status\":\"unconfirmed\"}],\"channels\":[]}");
    assert_int_equal(lightning_network.get_state(link_.client, &link_.call, &told), OK);
    assert_string_equal(told.balance, "600000000");
    assert_has(told.details, "\"on_chain_msat\":\"5000\"");
    assert_has(told.details, "\"channel_count\":3");
}

static void more_on_one_side_than_in_the_whole_is_a_lie(void **state)
{
    struct network_state told;

    (void)state;
    script("getinfo", INFO("regtest", ""));
    script("listpeerchannels", "{\"channels\":[%s]}", CHANNEL("CHANNELD_NORMAL", "1000000001"));
    assert_int_equal(lightning_network.get_state(link_.client, &link_.call, &told), ERROR_NETWORK_PROTOCOL);
}

static void lists_that_agree_are_valid_by_the_servers_word_alone(void **state)
{
    struct network_verdict verdict;

    (void)state;
    for (int round = 0; round < 2; round++) { /* a difference is looked at twice */
        script("listpeerchannels", "{\"channels\":[%s]}", CHANNEL("CHANNELD_NORMAL", "5"));
        script("listfunds", "{\"outputs\":[],\"channels\":[{\"funding_txid\":\"ab\",\"funding_output\":1,"
                            "\"our_amount_msat\":%d,\"amount_msat\":1000000000}]}", 4 + round);
    }
    assert_int_equal(lightning_network.validate_state(link_.client, &link_.call, NULL, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    assert_has(verdict.reason, "delegated");
    for (int round = 0; round < 2; round++) {
        script("listpeerchannels", "{\"channels\":[%s]}", CHANNEL("CHANNELD_NORMAL", "5"));
        script("listfunds", "{\"outputs\":[],\"channels\":[]}");
    }
    assert_int_equal(lightning_network.validate_state(link_.client, &link_.call, "{\"type\":\"channels\"}",
                                                      &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
}

/* --- preparing -------------------------------------------------------------------------------- */
static enum status prepare(const char *invoice, const char *amount, const char *fee, const char *options,
                           struct network_prepared *prepared)
{
    struct network_write write = { .kind = WRITE_SUBMIT, .raw = bytes_of_text(invoice), .amount = amount,
                                   .fee = fee, .options = options };

    again(&link_);
    return lightning_network.prepare(link_.client, &link_.call, &write, prepared);
}

static void an_invoice_is_prepared_for_xpay(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script("help", XPAY_USAGE);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, "77", "{\"max_delay\":144,\"seconds\":30}",
                             &prepared), OK);
    assert_string_equal(prepared.transaction, hash_hex);
    assert_null(prepared.label);
    assert_has((const char *)prepared.raw.data, "\"method\":\"xpay\"");
    assert_has((const char *)prepared.raw.data, "\"invstring\":\"lnbcrt");
    assert_has((const char *)prepared.raw.data, "\"maxfee\":77");
    assert_has((const char *)prepared.raw.data, "\"retry_for\":30");
    assert_has((const char *)prepared.raw.data, "\"maxdelay\":144");
    assert_has_not((const char *)prepared.raw.data, "amount_msat");
    assert_has(prepared.details, "\"payee\":\"" NODE "\"");
}

static void without_xpay_there_is_pay_and_it_is_asked_once(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script_refusal("help", -32602, "Unknown command 'xpay'");
    script("help", PAY_USAGE);
    assert_int_equal(prepare(invoice_of("bcrt", 0, 0), "10000", NULL, NULL, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"method\":\"pay\"");
    assert_has((const char *)prepared.raw.data, "\"bolt11\":\"lnbcrt");
    assert_has((const char *)prepared.raw.data, "\"amount_msat\":10000");
    assert_has((const char *)prepared.raw.data, "\"maxfee\":5000"); /* a hundredth is less than that */
    assert_int_equal(prepare(invoice_of("bcrt", 0, 0), "1000000", NULL, NULL, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"maxfee\":10000");
}

static void what_cannot_be_paid_is_refused_before_anybody_is_asked(void **state)
{
    struct network_prepared prepared;
    char *damaged;

    (void)state;
    assert_int_equal(prepare(invoice_of("bc", 10000, 0), NULL, NULL, NULL, &prepared),
                     ERROR_NETWORK_WRONG_CHAIN);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 3600), NULL, NULL, NULL, &prepared),
                     ERROR_INVALID_PARAMS);
    assert_has(link_.call.error.message, "expired");
    assert_int_equal(prepare(invoice_of("bcrt", 0, 0), NULL, NULL, NULL, &prepared), ERROR_INVALID_PARAMS);
    assert_has(link_.call.error.message, "say how much");
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), "10001", NULL, NULL, &prepared),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, "-1", NULL, &prepared),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, NULL, "{\"seconds\":61}", &prepared),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, NULL, "{\"max_delay\":17}", &prepared),
                     ERROR_INVALID_PARAMS); /* the last hop wants 18 */
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, NULL, "{\"speed\":1}", &prepared),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(prepare("hello", NULL, NULL, NULL, &prepared), ERROR_INVALID_PARAMS);
    damaged = text_copy(invoice_of("bcrt", 10000, 0));
    damaged[40] = damaged[40] == 'q' ? 'p' : 'q';
    assert_int_equal(prepare(damaged, NULL, NULL, NULL, &prepared), ERROR_INVALID_PARAMS);
    free(damaged);
}

/* --- sending ---------------------------------------------------------------------------------- */
static void prepared_invoice(struct network_prepared *prepared)
{
    script("help", XPAY_USAGE);
    assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, NULL, NULL, prepared), OK);
}

static void listed(const char *status, uint64_t age_s, const char *preimage)
{
    uint64_t now = (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND);

    script("listpays", "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"%s\",\"created_at\":%llu,"
                       "\"created_index\":3,\"amount_msat\":10000,\"amount_sent_msat\":10002%s%s%s}]}",
           hash_hex, status, (unsigned long long)(now - age_s), preimage == NULL ? "" : ",\"preimage\":\"",
           preimage == NULL ? "" : preimage, preimage == NULL ? "" : "\"");
}

static void a_paid_invoice_is_accepted_when_its_preimage_is_right(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    script("listpays", "{\"pays\":[]}");
    script("xpay", "{\"payment_preimage\":\"%s\",\"failed_parts\":1,\"successful_parts\":2,"
                   "\"amount_msat\":10000,\"amount_sent_msat\":10002}", preimage_hex);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_string_equal(sent.transaction, hash_hex);
    assert_has(sent.details, "\"fee_msat\":\"2\"");
    assert_has(sent.details, "\"attempts\":3");
    assert_has_not(sent.details, preimage_hex); /* it may open a lock elsewhere: asked for by name alone */
}

static void another_preimage_is_a_lie(void **state)
{
    struct network_prepared prepared;
    struct network_status status;
    struct network_sent sent;
    char other[65];

    (void)state;
    memset(other, '2', 64);
    other[64] = '\0';
    prepared_invoice(&prepared);
    script("listpays", "{\"pays\":[]}");
    script("xpay", "{\"payment_preimage\":\"%s\",\"failed_parts\":0,\"successful_parts\":1,"
                   "\"amount_msat\":10000,\"amount_sent_msat\":10002}", other);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS); /* money has moved, or not: it is looked for */
    assert_int_equal(script_blames(), 1);
    listed("complete", 1, other);
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status),
        ERROR_NETWORK_PROTOCOL);
    assert_has(link_.call.error.message, "preimage");
    listed("complete", 1, NULL);
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status),
        ERROR_NETWORK_PROTOCOL);
    assert_int_equal(script_blames(), 3);
}

static void what_the_server_has_is_not_sent_again(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    listed("pending", 5, NULL);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    listed("complete", 5, preimage_hex);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
}

static void from_its_last_moment_on_nothing_is_sent_and_what_the_server_has_is_still_told(void **state)
{
    const struct { const char *options; bool sends; } cases[] = { { "{\"send_until\":9999999999}", true },
                                                                  { "{\"send_until\":1700000000}", false } };
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    script("help", XPAY_USAGE);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(prepare(invoice_of("bcrt", 10000, 0), NULL, NULL, cases[i].options, &prepared), OK);
        assert_has_not((const char *)prepared.raw.data, "send_until");
        script("listpays", "{\"pays\":[]}");
        if (cases[i].sends)
            script("xpay", "{\"payment_preimage\":\"%s\",\"failed_parts\":0,\"successful_parts\":1,"
                           "\"amount_msat\":10000,\"amount_sent_msat\":10002}", preimage_hex);
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, cases[i].sends ? SEND_ACCEPTED : SEND_REJECTED);
        assert_has(sent.details, "\"send_until\":"); /* for whoever sends it again */
    }
    assert_has(sent.reason, "too late");
    listed("pending", 5, NULL);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
}

static void the_list_decides_about_a_refusal(void **state)
{
    static const struct { int64_t code; const char *listed; enum send_outcome outcome; } cases[] = {
        { 219, "complete", SEND_ACCEPTED },  /* already paid */
        { 209, "pending", SEND_ACCEPTED },
        { 203, "failed", SEND_REJECTED }, { 205, NULL, SEND_REJECTED }, { 207, NULL, SEND_REJECTED },
        { -1, "failed", SEND_REJECTED } };
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        script("listpays", "{\"pays\":[]}");
        script_refusal("xpay", cases[i].code, "as it says");
        if (cases[i].listed == NULL)
            script("listpays", "{\"pays\":[]}");
        else
            listed(cases[i].listed, PATIENCE + LIGHTNING_PATIENCE_MARGIN + 1,
                   strcmp(cases[i].listed, "complete") == 0 ? preimage_hex : NULL);
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, cases[i].outcome);
        if (sent.outcome == SEND_REJECTED)
            assert_has(sent.reason, "as it says");
    }
    script("listpays", "{\"pays\":[]}");
    script_refusal("xpay", 209, "as it says");
    script_failure("listpays", ERROR_NETWORK_TIMEOUT);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
}

static void a_broken_connection_is_ambiguous_and_a_refused_one_is_not(void **state)
{
    static const enum status unclear[] = { ERROR_NETWORK_AMBIGUOUS, ERROR_NETWORK_TIMEOUT,
                                           ERROR_NETWORK_CANCELLED, ERROR_NETWORK_TOO_LARGE };
    static const enum status clear[] = { ERROR_NETWORK_TRANSPORT, ERROR_NETWORK_BUSY,
                                         ERROR_NETWORK_CIRCUIT_OPEN, ERROR_NETWORK_RATE_LIMITED };
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepared_invoice(&prepared);
    for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++) {
        script("listpays", "{\"pays\":[]}");
        script_failure("xpay", unclear[i]);
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
        script("listpays", "{\"pays\":[]}");
        script_failure("xpay", clear[i]);
        assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), clear[i]);
    }
}

/* --- what became of it ------------------------------------------------------------------------ */
static void states_of_payments(void **state)
{
    struct network_prepared which = { .transaction = hash_hex };
    struct network_status status;

    (void)state;
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    assert_has(script_asked(0), hash_hex);
    listed("pending", 100, NULL);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    listed("failed", PATIENCE + LIGHTNING_PATIENCE_MARGIN + 1, NULL);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    listed("complete", 1, preimage_hex);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.finality, FINALITY_FINAL);
}

static void a_failed_part_is_no_failure_while_the_server_may_try_on(void **state)
{
    struct network_prepared which = { .transaction = hash_hex };
    struct network_status status;

    (void)state;
    static const uint64_t ages_s[] = { PATIENCE - 5, PATIENCE + 1 };

    for (size_t i = 0; i < COUNT_OF(ages_s); i++) {
        listed("failed", ages_s[i], NULL);
        assert_int_equal(
            lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
        assert_int_equal(status.state, TRANSACTION_PENDING);
        assert_has(status.reason, "still be trying");
    }
    which.details = "{\"seconds\":3600}"; /* it was asked to try for longer than the link's patience is now */
    listed("failed", 3600, NULL);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    listed("failed", 3600 + LIGHTNING_PATIENCE_MARGIN + 1, NULL);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
}

static void of_several_tries_the_complete_one_counts(void **state)
{
    struct network_prepared which = { .transaction = hash_hex };
    struct network_status status;

    (void)state;
    script("listpays",
           "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":5,"
           "\"preimage\":\"%s\",\"amount_sent_msat\":3},{\"payment_hash\":\"%s\",\"status\":"
           "\"failed\",\"created_at\":9,\"amount_sent_msat\":0}]}",
           hash_hex, preimage_hex, hash_hex);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_has(status.details, "\"attempts\":2");
}

static void another_hash_than_asked_for_is_a_protocol_error(void **state)
{
    struct network_prepared which = { .transaction = preimage_hex };
    struct network_status status;

    (void)state;
    listed("complete", 1, preimage_hex);
    assert_int_equal(lightning_network.check_transaction_status(link_.client, &link_.call, &which, &status),
                     ERROR_NETWORK_PROTOCOL);
}

/* --- spontaneous payments --------------------------------------------------------------------- */
static void a_node_is_paid_by_its_key_and_found_by_our_label(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "10000" };
    struct network_prepared prepared;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    script("help", XKEYSEND_USAGE);
    script("help", LISTPAYS_USAGE);
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":41}");
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    assert_null(prepared.transaction);
    assert_string_equal(prepared.label, "layerd-0123456789abcdef0123456789abcdef#41");
    assert_has((const char *)prepared.raw.data, prepared.label);
    assert_has((const char *)prepared.raw.data, "\"maxfee\":5000");
    assert_has((const char *)prepared.raw.data, "\"method\":\"xkeysend\"");
    script("listpays", "{\"pays\":[]}");
    script("xkeysend", "{\"payment_preimage\":\"%s\",\"failed_parts\":0,\"successful_parts\":1,"
                       "\"amount_msat\":10000,\"amount_sent_msat\":10001}", preimage_hex);
    assert_int_equal(lightning_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_string_equal(sent.transaction, hash_hex);
    script("listpays",
           "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":5,"
           "\"preimage\":\"%s\",\"label\":\"%s\"},{\"payment_hash\":\"%s\",\"status\":\"pending\","
           "\"created_at\":5,\"label\":\"another\"}]}",
           hash_hex, preimage_hex, prepared.label, preimage_hex);
    assert_int_equal(
        lightning_network.check_transaction_status(link_.client, &link_.call, &prepared, &status), OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_has(script_asked(0), "\"index\":\"created\"");
    assert_has(script_asked(0), "\"start\":42"); /* however many the node has sent since */
    assert_has_not(script_asked(0), "limit");
}

static void an_asset_is_not_supported(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "1", .asset = "abc" };
    struct network_prepared prepared;
    const char *reason;

    (void)state;
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
    write = (struct network_write){ .kind = WRITE_ISSUE, .symbol = "X", .amount = "1" };
    assert_int_equal(lightning_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
    assert_false(lightning_network.capable(link_.client, NETWORK_ISSUE_ASSET, &reason));
    assert_true(lightning_network.capable(link_.client, NETWORK_TRANSFER_ASSET, &reason));
}

/* --- history, fees ---------------------------------------------------------------------------- */
static void history_goes_back_by_windows_of_both_lists(void **state)
{
    struct network_history history;

    (void)state;
    script("wait", "{\"subsystem\":\"sendpays\",\"created\":3}");
    for (int i = 0; i < 3; i++) /* the window, and what each of the two came to, wherever its parts are */
        script("listpays",
               "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":100,"
               "\"created_index\":2,\"amount_msat\":5},{\"payment_hash\":\"%s\",\"status\":\"failed\","
               "\"created_at\":300,\"created_index\":3}]}",
               hash_hex, hash_hex);
    script("wait", "{\"subsystem\":\"invoices\",\"created\":1}");
    script("listinvoices", "{\"invoices\":[{\"label\":\"l\",\"payment_hash\":\"%s\",\"status\":\"paid\","
                           "\"expires_at\":900,\"paid_at\":200,\"created_index\":1,"
                           "\"amount_received_msat\":7}]}", hash_hex);
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, NULL, 2, &history),
                     OK);
    assert_int_equal(history.count, 2);
    assert_int_equal(history.entries[0].time_s, 300);
    assert_int_equal(history.entries[0].state, TRANSACTION_FAILED);
    assert_string_equal(history.entries[1].kind, "invoice");
    assert_string_equal(history.entries[1].amount, "7");
    assert_string_equal(history.next, "3.-");
    for (int i = 0; i < 2; i++)
        script("listpays", "{\"pays\":[{\"payment_hash\":\"%s\",\"status\":\"complete\",\"created_at\":100,"
                           "\"created_index\":2,\"amount_msat\":5}]}", hash_hex);
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, history.next, 2,
                                                               &history), OK);
    assert_has(script_asked(1), "\"start\":1");
    assert_int_equal(history.count, 1);
    assert_null(history.next);
    assert_int_equal(lightning_network.get_transaction_history(link_.client, &link_.call, "x", 2, &history),
                     ERROR_INVALID_PARAMS);
}

static void fees_of_the_chain_and_of_a_way(void **state)
{
    struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER_NODE, .amount = "1250000" };
    struct network_fees fees;

    (void)state;
    script("getinfo", INFO("regtest", ""));
    script("getroutes", "{\"probability_ppm\":997501,\"routes\":[{\"amount_msat\":1250000,\"path\":["
                        "{\"amount_msat\":1250026,\"next_node_id\":\"x\",\"delay\":12}]}]}");
    script("feerates", "{\"perkb\":{\"estimates\":[{\"blockcount\":2,\"feerate\":60000},{\"blockcount\":6,"
                       "\"feerate\":44000},{\"blockcount\":12,\"feerate\":30000},{\"blockcount\":100,"
                       "\"feerate\":15000}]}}");
    assert_int_equal(lightning_network.estimate_fees(link_.client, &link_.call, &write, &fees), OK);
    assert_string_equal(fees.total, "26");
    assert_string_equal(fees.fast, "60000");
    assert_string_equal(fees.normal, "30000");
    assert_string_equal(fees.slow, "15000");
    assert_has(script_asked(1), "auto.sourcefree");
}

/* --- for transfers ---------------------------------------------------------------------------- */
static void an_order_is_paid_with_its_limits(void **state)
{
    struct lightning_order order = {
        .has_max_fee = true, .max_fee_msat = 9, .max_delay = 100, .seconds = 20
    };
    struct lightning_payment payment;
    struct bolt11 invoice;
    struct error error;
    uint64_t amount;

    (void)state;
    order.invoice = invoice_of("bcrt", 10000, 0);
    assert_int_equal(lightning_check_order(&lightning_network, link_.client, &order, &link_.arena, &invoice,
                                           &amount, &error), OK);
    assert_int_equal(amount, 10000);
    script("help", XPAY_USAGE);
    script("listpays", "{\"pays\":[]}");
    script("xpay", "{\"payment_preimage\":\"%s\",\"failed_parts\":0,\"successful_parts\":1,"
                   "\"amount_msat\":10000,\"amount_sent_msat\":10002}", preimage_hex);
    assert_int_equal(lightning_pay(&lightning_network, link_.client, &link_.call, &order, &payment), OK);
    assert_int_equal(payment.state, LIGHTNING_PAYMENT_COMPLETE);
    assert_true(payment.has_preimage);
    assert_has(script_asked(0), "\"maxdelay\":100");
    assert_has(script_asked(0), "\"maxfee\":9");
    script("listpays", "{\"pays\":[]}");
    script_refusal("xpay", 205, "no way");
    script("listpays", "{\"pays\":[]}");
    assert_int_equal(lightning_pay(&lightning_network, link_.client, &link_.call, &order, &payment), OK);
    assert_int_equal(payment.state, LIGHTNING_PAYMENT_FAILED);
    assert_has(payment.reason, "no way");
    script("listpays", "{\"pays\":[]}");
    script_failure("xpay", ERROR_NETWORK_TIMEOUT);
    assert_int_equal(lightning_pay(&lightning_network, link_.client, &link_.call, &order, &payment),
                     ERROR_NETWORK_AMBIGUOUS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int cln_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_greeting_tells_chain_version_and_node),
        TEST(another_chain_is_refused),
        TEST(answers_that_are_none_are_protocol_errors_and_counted),
        TEST(a_warning_means_not_synchronized),
        TEST(the_balance_is_that_of_open_channels),
        TEST(more_on_one_side_than_in_the_whole_is_a_lie),
        TEST(lists_that_agree_are_valid_by_the_servers_word_alone),
        TEST(an_invoice_is_prepared_for_xpay),
        TEST(without_xpay_there_is_pay_and_it_is_asked_once),
        TEST(what_cannot_be_paid_is_refused_before_anybody_is_asked),
        TEST(a_paid_invoice_is_accepted_when_its_preimage_is_right),
        TEST(another_preimage_is_a_lie),
        TEST(what_the_server_has_is_not_sent_again),
        TEST(from_its_last_moment_on_nothing_is_sent_and_what_the_server_has_is_still_told),
        TEST(the_list_decides_about_a_refusal),
        TEST(a_broken_connection_is_ambiguous_and_a_refused_one_is_not),
        TEST(states_of_payments),
        TEST(a_failed_part_is_no_failure_while_the_server_may_try_on),
        TEST(of_several_tries_the_complete_one_counts),
        TEST(another_hash_than_asked_for_is_a_protocol_error),
        TEST(a_node_is_paid_by_its_key_and_found_by_our_label),
        TEST(an_asset_is_not_supported),
        TEST(history_goes_back_by_windows_of_both_lists),
        TEST(fees_of_the_chain_and_of_a_way),
        TEST(an_order_is_paid_with_its_limits),
    };

    return cmocka_run_group_tests_name("core lightning", tests, NULL, NULL);
}
