/* Liquid's client against a scripted node: what is asked, what each answer is taken for. The answers have
 * the shapes of Elements' RPC help. */
#include "scripted_endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "network/liquid/client.h"
#include "network/liquid/liquid.h"

#define BEST "287ca47e8da47eb8c28d870663450bb026922eadb30a1b2f8293e6e9d1ca5322"
/* The block of BEST (rust-elements, src/block.rs), its challenge OP_TRUE; its only transaction is its
 * tree's root. */
#define HEADER                                                                                               \
    "00000020a66e4a4baff69735267346d12e59e8a0da848b593813554deb16a6f36cd035e9aab0e2451724598471dd4e45f0dca4" \
    "0ca5f4ac62e61957e50925af0859891fcc8842805b02000000015100"
#define COINBASE_ID "cc1f895908af2509e55719e662acf4a50ca4dcf0454edd718459241745e2b0aa"
#define PROOF HEADER "0100000001aab0e2451724598471dd4e45f0dca40ca5f4ac62e61957e50925af0859891fcc0101"

#define ASSET "230f4f5d4b7c6fa845806ee4f67713459e1b69e8e60fcee2e4940c7a0d5de1b2"
#define OUTPUT "01" ASSET "0100000000000003e8" "00" "00"
#define BEFORE "0200000000" "01" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TRANSFER_HEX BEFORE "00000000" "00" "ffffffff" "01" OUTPUT "00000000"
#define PEG_IN_HEX BEFORE "00000040" "00" "ffffffff" "01" OUTPUT "00000000" /* its first input is one */
/* The same with an issue of so many under a contract. */
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ISSUE_HEX(contract, amount)                                                                          \
    BEFORE "00000080" "00" "ffffffff" ZERO contract amount "00" "01" OUTPUT "00000000"
#define CONTRACT "{\"name\":\"Test\",\"precision\":2,\"ticker\":\"TST\",\"version\":0}"
#define THOUSAND "0100000000000003e8"

struct link {
    void *client;
    struct network_call call;
    struct arena arena;
    struct liquid_options options;
};
static struct link here;

static int open_with(const char *wallet, const char *challenge, const char *checkpoint)
{
    struct network_setup setup = { .link = "liquid", .network = NETWORK_DEV, .options = &here.options };
    struct error error;

    crypto_start();
    memset(&here, 0, sizeof(here));
    here.options = (struct liquid_options){ .url = "http://127.0.0.1:7041", .chain = "elementsregtest",
                                            .wallet = wallet, .auth_file = "/nowhere", .confirmations = 2,
                                            .challenge = challenge, .checkpoint = checkpoint };
    if (liquid_network.initialize(&setup, &here.client, &error) != OK)
        fail_msg("%s", error.message);
    arena_init(&here.arena);
    here.call = (struct network_call){ .operation = "0123456789abcdef0123456789abcdef", .attempt = 1,
                                       .arena = &here.arena };
    script_begin();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return open_with("main", NULL, NULL);
}

static int setup_reader(void **state)
{
    (void)state;
    return open_with(NULL, NULL, BEST);
}

static int teardown(void **state)
{
    (void)state;
    script_end();
    liquid_network.release(here.client);
    arena_close(&here.arena);
    return 0;
}

static void script_chain(void)
{
    script("getblockchaininfo",
           "{\"chain\":\"elementsregtest\",\"blocks\":2,\"headers\":2,\"bestblockhash\":\"" BEST
                                "\",\"initialblockdownload\":false}");
}

/* --- the link ----------------------------------------------------------------------------------- */
static void a_greeting_tells_chain_and_pegged_asset(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script_chain();
    script("getnetworkinfo", "{\"version\":280000,\"subversion\":\"/Elements Core:28.99.0/\"}");
    script("getsidechaininfo", "{\"pegged_asset\":\"" ASSET "\"}");
    script("listwallets", "[\"\"]");
    script("loadwallet", "{\"name\":\"main\"}");
    assert_int_equal(liquid_network.connect(here.client, &here.call, &greeting), OK);
    assert_string_equal(greeting.chain, "elementsregtest");
    assert_string_equal(greeting.version, "/Elements Core:28.99.0/");
    assert_string_equal(greeting.account, "main");
    assert_string_equal(greeting.details, "{\"pegged_asset\":\"" ASSET "\"}");
}

static void another_chain_is_refused(void **state)
{
    struct network_greeting greeting;

    (void)state;
    script("getblockchaininfo",
           "{\"chain\":\"liquidv1\",\"blocks\":2,\"headers\":2,\"bestblockhash\":\"" BEST "\"}");
    assert_int_equal(liquid_network.connect(here.client, &here.call, &greeting), ERROR_NETWORK_WRONG_CHAIN);
}

static void a_node_that_is_no_elements_node_is_a_protocol_error(void **state)
{
    static const char *const answers[] = { "{}", "[]", "7", "null", "{\"chain\":7,\"blocks\":1}",
                                           "{\"chain\":\"elementsregtest\",\"blocks\":-1,\"headers\":2}" };
    struct network_state told;

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        script("getblockchaininfo", "%s", answers[i]);
        assert_int_equal(liquid_network.health_check(here.client, &here.call, &told), ERROR_NETWORK_PROTOCOL);
    }
}

static void script_labels(void)
{
    script("getsidechaininfo", "{\"pegged_asset\":\"" ASSET "\"}");
    script("dumpassetlabels", "{\"bitcoin\":\"" ASSET "\"}");
}

static void balances_are_in_smallest_units(void **state)
{
    struct network_state told;

    (void)state;
    script_chain();
    script_labels();
    script("getbalances",
           "{\"mine\":{\"trusted\":{\"bitcoin\":20999999.99999999,\"" BEST "\":0.00000001}}}");
    assert_int_equal(liquid_network.get_state(here.client, &here.call, &told), OK);
    assert_true(told.synced);
    assert_int_equal(told.height, 2);
    assert_string_equal(told.balance, "2099999999999999");
    assert_string_equal(told.details,
                        "{\"balances\":{\"" ASSET "\":\"2099999999999999\",\"" BEST "\":\"1\"}}");
    script_chain();
    script_labels();
    script("getbalances", "{\"mine\":{\"trusted\":{\"" ASSET "\":1}}}"); /* a node without labels */
    assert_int_equal(liquid_network.get_state(here.client, &here.call, &told), OK);
    assert_string_equal(told.balance, "100000000");
    script_chain();
    script_labels();
    script("getbalances", "{\"mine\":{\"trusted\":{\"bitcoin\":0.000000001}}}");
    assert_int_equal(liquid_network.get_state(here.client, &here.call, &told), ERROR_NETWORK_PROTOCOL);
}

#define FITTING .url = "http://127.0.0.1", .chain = "x", .auth_file = "/n"

static void options_that_do_not_fit_are_refused(void **state)
{
    static const struct liquid_options wrong[] = {
        { FITTING, .confirmations = 1, .wallet = "../other" },
        { FITTING, .confirmations = 1, .wallet = "a/b" },
        { FITTING, .confirmations = 1, .checkpoint = "00" },
        { FITTING, .confirmations = 1, .challenge = "0" },
        { FITTING, .confirmations = 1, .challenge = "xx" },
        { FITTING, .confirmations = 0 },
    };
    static const struct liquid_options least = { FITTING, .confirmations = 1 };
    const struct network_setup fits = { .link = "l", .options = &least };
    struct error error;
    void *client;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct network_setup given = { .link = "l", .options = &wrong[i] };

        assert_int_equal(liquid_network.initialize(&given, &client, &error), ERROR_NETWORK_OPTIONS);
    }
    assert_int_equal(liquid_network.initialize(&fits, &client, &error), OK);
    liquid_network.release(client);
}

/* --- writes ------------------------------------------------------------------------------------- */
static const struct network_write transfer = { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = "1000",
                                               .asset = ASSET };

/* At the mempool's rate, for the node has no estimate; what it says of the fee is nobody's business. */
static void script_funding(void)
{
    script("getmempoolinfo", "{\"mempoolminfee\":0.000001}");
    script("estimatesmartfee", "{\"errors\":[\"Insufficient data or no feerate found\"],\"blocks\":6}");
    script("fundrawtransaction",
           "{\"hex\":\"" TRANSFER_HEX "\",\"fee\":0.00000036,\"changepos\":1}");
}

static void script_finish(const char *hex)
{
    script("blindrawtransaction", "\"%s\"", hex);
    script("signrawtransactionwithwallet", "{\"hex\":\"%s\",\"complete\":true}", hex);
}

static void a_transfer_is_made_step_by_step_and_its_id_known(void **state)
{
    struct network_prepared prepared;
    struct liquid_transaction read;
    char id[65];

    (void)state;
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script_finish(TRANSFER_HEX);
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared), OK);
    assert_true(liquid_transaction_read(prepared.raw, &read));
    hash_shown(&read.id, id);
    assert_string_equal(prepared.transaction, id);
    assert_string_equal(script_asked(5), "[[],[{\"asset\":\"" ASSET "\",\"el1qq\":\"0.00001000\"}]]");
    assert_string_equal(script_asked(2),
                        "[\"" TRANSFER_HEX "\",{\"feeRate\":\"0.00000100\",\"lockUnspents\":true}]");
}

static void a_preparation_that_fails_unlocks_what_it_locked(void **state)
{
    struct network_prepared prepared;

    (void)state;
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script("blindrawtransaction", "\"" TRANSFER_HEX "\"");
    script("signrawtransactionwithwallet", "{\"hex\":\"" TRANSFER_HEX "\",\"complete\":false}");
    script("decoderawtransaction", "{\"vin\":[{\"txid\":\"aa\",\"vout\":3}]}");
    script("lockunspent", "true");
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared),
                     ERROR_NETWORK_REJECTED);
    assert_string_equal(script_asked(0), "[true,[{\"txid\":\"aa\",\"vout\":3}]]");
}

static void what_no_transfer_is_asks_nothing(void **state)
{
    static const struct network_write wrong[] = {
        { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = "0" },
        { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = "1.5" },
        { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = "2100000000000001" },
        { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = NULL },
        { .kind = WRITE_TRANSFER, .to = NULL, .amount = "1" },
        { .kind = WRITE_TRANSFER, .to = "el1qq", .amount = "1", .asset = "bitcoin" },
        { .kind = WRITE_ISSUE, .symbol = "AB", .amount = "1" },
        { .kind = WRITE_ISSUE, .symbol = "ABC", .amount = "0" },
        { .kind = WRITE_ISSUE, .symbol = "ABC", .amount = "1", .decimals = 9 },
        { .kind = WRITE_SUBMIT, .raw = { (const uint8_t *)"no", 2 } },
    };
    struct network_prepared prepared;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(liquid_network.prepare(here.client, &here.call, &wrong[i], &prepared),
                         ERROR_INVALID_PARAMS);
}

static const struct network_write issue = { .kind = WRITE_ISSUE, .symbol = "TST", .title = "Test",
                                           .amount = "1000",
                                            .decimals = 2 };

/* An issue under the contract that the write above has, and the asset that follows from it. */
static char *issue_hex(const char *contract, const char *amount, char asset[65])
{
    char hashed[65], *hex;
    struct liquid_transaction read;
    uint8_t bytes[512];
    struct hash hash;

    sha256(&hash, contract, strlen(contract));
    hex_text(hashed, hash.bytes, sizeof(hash.bytes));
    hex = text_format(ISSUE_HEX("%s", "%s"), hashed, amount);
    assert_true(hex_decode(bytes, strlen(hex) / 2, hex, strlen(hex)));
    assert_true(liquid_transaction_read(bytes_of(bytes, strlen(hex) / 2), &read));
    assert_true(read.issue.there);
    hash_shown(&read.issue.asset, asset);
    return hex;
}

static void script_issue(const char *hex, const char *asset)
{
    script("getnewaddress", "\"el1own\"");
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script("rawissueasset", "[{\"hex\":\"%s\",\"vin\":0,\"asset\":\"%s\"}]", hex, asset);
    script_finish(hex);
}

/* Funded before the issue is in it, it is paid twice; the issue stays open (the last argument of blinding).
 * */
static void an_issue_names_the_asset_that_follows_from_it(void **state)
{
    struct network_prepared prepared;
    char asset[65], shown[65], *hex AUTO_FREE = issue_hex(CONTRACT, THOUSAND, asset);
    struct hash hash;

    (void)state;
    script_issue(hex, asset);
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &issue, &prepared), OK);
    assert_string_equal(prepared.asset, asset);
    assert_string_equal(prepared.details, "{\"fee\":\"1000\"}");
    sha256(&hash, CONTRACT, strlen(CONTRACT));
    hash_shown(&hash, shown);
    assert_non_null(strstr(script_asked(2), shown));
    assert_non_null(strstr(script_asked(2), "\"asset_amount\":0.00001000,")); /* a text would count as none */
    assert_non_null(strstr(script_asked(3), "{\"feeRate\":\"0.00000200\",\"lockUnspents\":true}"));
    assert_non_null(strstr(script_asked(1), "\",true,[],false]"));
}

static void a_node_that_issues_something_else_is_found_out(void **state)
{
    static const struct { const char *contract, *amount; } lies[] = {
        { "another contract", THOUSAND },
        { CONTRACT, "0100000000000003e9" },
        { CONTRACT, "08" ZERO }, /* nobody here can see how many */
    };
    struct network_prepared prepared;
    char asset[65];

    (void)state;
    for (size_t i = 0; i <= COUNT_OF(lies); i++) {
        bool named = i == COUNT_OF(lies);
        char *hex AUTO_FREE = named ? issue_hex(CONTRACT, THOUSAND, asset)
                                    : issue_hex(lies[i].contract, lies[i].amount, asset);

        script_issue(hex, named ? ASSET : asset);
        script("decoderawtransaction", "{\"vin\":[]}");
        assert_int_equal(liquid_network.prepare(here.client, &here.call, &issue, &prepared),
                         ERROR_NETWORK_PROTOCOL);
    }
}

/* The node says what it likes of the fee: what the transaction pays is read from it. */
static void a_fee_is_paid_and_not_beyond_the_limit(void **state)
{
    static const struct { const char *fee; enum status status; } cases[] = {
        { "1000", OK }, { "999", ERROR_NETWORK_REJECTED }, { "0", ERROR_INVALID_PARAMS },
        { "1.5", ERROR_INVALID_PARAMS },
    };
    struct network_write limited = transfer;
    struct network_prepared prepared;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        limited.fee = cases[i].fee;
        script("createrawtransaction", "\"" TRANSFER_HEX "\"");
        script_funding();
        script_finish(TRANSFER_HEX);
        if (cases[i].status != OK)
            script("decoderawtransaction", "{\"vin\":[]}");
        assert_int_equal(liquid_network.prepare(here.client, &here.call, &limited, &prepared),
                         cases[i].status);
    }
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script_finish(BEFORE "00000000" "00" "ffffffff" "01" "01" ASSET "0100000000000003e8" "00" "0151"
                  "00000000");
    script("decoderawtransaction", "{\"vin\":[]}");
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared),
                     ERROR_NETWORK_PROTOCOL); /* none at all */
}

/* A node that starts, downloads or waits for a passphrase refuses for now, and the write is not lost by it.
 * */
static void a_node_that_cannot_now_is_asked_later(void **state)
{
    static const int64_t codes[] = { RPC_NOT_CONNECTED, RPC_DOWNLOADING, RPC_WALLET_LOCKED, RPC_STARTING };
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        script_refusal("createrawtransaction", codes[i], "not now");
        assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared),
                         ERROR_NETWORK_BUSY);
    }
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script_finish(TRANSFER_HEX);
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared), OK);
    script_refusal("testmempoolaccept", RPC_STARTING, "Loading block index");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), ERROR_NETWORK_BUSY);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script_refusal("sendrawtransaction", RPC_STARTING, "Loading block index");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), ERROR_NETWORK_BUSY);
}

static void a_wallet_that_is_not_loaded_is_loaded_once(void **state)
{
    struct network_history history;

    (void)state;
    script_refusal("listtransactions", RPC_NO_WALLET, "Requested wallet does not exist or is not loaded");
    script("loadwallet", "{\"name\":\"main\"}");
    script("listtransactions", "[]");
    assert_int_equal(liquid_network.get_transaction_history(here.client, &here.call, NULL, 1, &history), OK);
    script_refusal("listtransactions", RPC_NO_WALLET, "Requested wallet does not exist or is not loaded");
    script_refusal("loadwallet", RPC_NO_WALLET, "Path does not exist");
    assert_int_equal(liquid_network.get_transaction_history(here.client, &here.call, NULL, 1, &history),
                     ERROR_NETWORK_NOT_CONNECTED);
}

/* Its inputs were locked by us; those of a transaction that came from elsewhere were not. */
static void what_is_rejected_keeps_no_coin_locked(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    script("createrawtransaction", "\"" TRANSFER_HEX "\"");
    script_funding();
    script_finish(TRANSFER_HEX);
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &transfer, &prepared), OK);
    script("testmempoolaccept", "[{\"allowed\":false,\"reject-reason\":\"txn-mempool-conflict\"}]");
    script("decoderawtransaction", "{\"vin\":[{\"txid\":\"aa\",\"vout\":3},{\"txid\":\"bb\",\"vout\":0}]}");
    script_refusal("lockunspent", -8, "Invalid parameter, expected unspent output");
    script("lockunspent", "true");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_string_equal(script_asked(0), "[true,[{\"txid\":\"bb\",\"vout\":0}]]");
}

static void prepare_given(struct network_prepared *prepared)
{
    static uint8_t bytes[sizeof(TRANSFER_HEX) / 2];
    struct network_write write = { .kind = WRITE_SUBMIT };

    assert_true(hex_decode(bytes, strlen(TRANSFER_HEX) / 2, TRANSFER_HEX, strlen(TRANSFER_HEX)));
    write.raw = bytes_of(bytes, strlen(TRANSFER_HEX) / 2);
    assert_int_equal(liquid_network.prepare(here.client, &here.call, &write, prepared), OK);
}

static void what_is_sent_is_tried_out_first(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepare_given(&prepared);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script("sendrawtransaction", "\"%s\"", prepared.transaction);
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_string_equal(script_asked(0), "[\"" TRANSFER_HEX "\"]");
    script("testmempoolaccept", "[{\"allowed\":false,\"reject-reason\":\"txn-already-in-mempool\"}]");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    script("testmempoolaccept", "[{\"allowed\":false,\"reject-reason\":\"min relay fee not met\"}]");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_string_equal(sent.reason, "min relay fee not met");
}

static void refusals_are_told_apart(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepare_given(&prepared);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script_refusal("sendrawtransaction", RPC_IN_CHAIN, "Transaction already in block chain");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script_refusal("sendrawtransaction", RPC_REFUSED, "bad-txns");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script_refusal("sendrawtransaction", RPC_VERIFY, "Missing inputs");
    script("gettransaction", "{\"confirmations\":0}");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    script("testmempoolaccept", "[{\"allowed\":false,\"reject-reason\":\"missing-inputs\"}]");
    script_refusal("gettransaction", RPC_NOT_FOUND, "Invalid or non-wallet transaction id");
    script_refusal("getrawtransaction", RPC_NOT_FOUND, "No such mempool transaction");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script("sendrawtransaction", "\"" BEST "\"");
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    assert_int_equal(script_blames(), 1);
    script("testmempoolaccept", "[{\"allowed\":true}]");
    script_failure("sendrawtransaction", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(liquid_network.send(here.client, &here.call, &prepared, &sent), ERROR_NETWORK_AMBIGUOUS);
}

/* --- status ------------------------------------------------------------------------------------- */
static void status_follows_the_confirmations(void **state)
{
    static const struct {
        const char *answer;
        enum transaction_state state;
        enum finality finality;
    } cases[] = {
        { "{\"confirmations\":0}", TRANSACTION_PENDING, FINALITY_NONE },
        { "{\"confirmations\":1,\"blockhash\":\"" BEST "\",\"blockheight\":2}", TRANSACTION_CONFIRMED,
         FINALITY_SOFT },
        { "{\"confirmations\":2,\"blockhash\":\"" BEST "\",\"blockheight\":2}", TRANSACTION_CONFIRMED,
          FINALITY_FINAL },
        /* stale */
        { "{\"confirmations\":0,\"blockhash\":\"" BEST "\"}", TRANSACTION_UNKNOWN, FINALITY_NONE },
        { "{\"confirmations\":-1}", TRANSACTION_PENDING, FINALITY_NONE },
        { "{\"confirmations\":-2}", TRANSACTION_FAILED, FINALITY_NONE },
        { "{\"confirmations\":-9223372036854775808}", TRANSACTION_FAILED, FINALITY_NONE },
        { "{\"confirmations\":0,\"details\":[{\"abandoned\":true}]}", TRANSACTION_FAILED, FINALITY_NONE },
    };
    const struct network_prepared known = { .transaction = BEST };
    struct network_status status;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        script("gettransaction", "%s", cases[i].answer);
        assert_int_equal(liquid_network.check_transaction_status(here.client, &here.call, &known, &status),
                         OK);
        assert_int_equal(status.state, cases[i].state);
        assert_int_equal(status.finality, cases[i].finality);
    }
    script("gettransaction", "{\"confirmations\":1}"); /* mined, and in no block */
    assert_int_equal(liquid_network.check_transaction_status(here.client, &here.call, &known, &status),
                     ERROR_NETWORK_PROTOCOL);
}

static const char *details_of(void)
{
    const struct network_prepared known = { .transaction = BEST };
    struct network_status status;

    assert_int_equal(liquid_network.check_transaction_status(here.client, &here.call, &known, &status), OK);
    return status.details;
}

/* A peg-in is a bit of an input's index in the bytes; a peg-out is what the node says of an output. */
static void a_status_tells_of_pegs_in_and_out(void **state)
{
    static const char outputs[] = "[{\"scriptPubKey\":{\"hex\":\"51\"}},"
                                  "{\"scriptPubKey\":{\"hex\":\"6a\",\"pegout_chain\":\"" BEST "\"}}]";

    (void)state;
    script("gettransaction", "{\"confirmations\":0,\"hex\":\"%s\"}", TRANSFER_HEX);
    assert_null(details_of());
    script("gettransaction", "{\"confirmations\":0,\"hex\":\"%s\"}", PEG_IN_HEX);
    assert_string_equal(details_of(), "{\"peg_in\":true,\"peg_out\":false}");
    script("gettransaction", "{\"confirmations\":0,\"hex\":\"%s\",\"decoded\":{\"vout\":%s}}", TRANSFER_HEX,
           outputs);
    assert_string_equal(details_of(), "{\"peg_in\":false,\"peg_out\":true}");
    script_refusal("gettransaction", -5, "Invalid or non-wallet transaction id");
    script("getrawtransaction", "{\"hex\":\"%s\",\"vout\":%s}", PEG_IN_HEX, outputs);
    assert_string_equal(details_of(), "{\"peg_in\":true,\"peg_out\":true}");
}

/* --- proofs ------------------------------------------------------------------------------------- */
static void a_proof_is_as_good_as_what_it_rests_on(void **state)
{
    static const char proof[] = "{\"type\":\"liquid-transaction\",\"transaction\":\"" COINBASE_ID
                                "\",\"proof\":\"" PROOF "\"}";
    struct network_verdict verdict;

    (void)state;
    script("getblockheader", "\"" HEADER "\"");
    script("getblockheader", "{\"confirmations\":3}");
    assert_int_equal(liquid_network.verify_proof(here.client, &here.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    script("getblockheader", "\"" HEADER "\"");
    script("getblockheader", "{\"confirmations\":-1}");
    assert_int_equal(liquid_network.verify_proof(here.client, &here.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE);
    script_refusal("getblockheader", RPC_NOT_FOUND, "Block not found");
    assert_int_equal(liquid_network.verify_proof(here.client, &here.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE);
}

#define WHOLE "{\"type\":\"liquid-transaction\",\"transaction\":\"" COINBASE_ID "\",\"proof\":\"" PROOF "\"}"

static void a_proof_rests_on_a_checkpoint_without_asking(void **state)
{
    struct network_verdict verdict;

    (void)state;
    assert_int_equal(liquid_network.verify_proof(here.client, &here.call, WHOLE, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_CHECKPOINT);
}

static void every_changed_digit_of_a_proof_is_refused_or_of_another_block(void **state)
{
    char proof[] = WHOLE;
    struct network_verdict verdict;
    size_t begin = strlen("{\"type\":\"liquid-transaction\",\"transaction\":\"");

    (void)state;
    for (size_t at = begin; at < strlen(proof); at++) {
        char digit = proof[at];
        enum status outcome;

        proof[at] = digit == '0' ? '1' : '0';
        if (proof[at - 1] == '"' && digit == '"')
            continue;
        script_refusal("getblockheader", RPC_NOT_FOUND, "Block not found");
        outcome = liquid_network.verify_proof(here.client, &here.call, proof, &verdict);
        assert_true(outcome == ERROR_INVALID_PARAMS || (outcome == OK && verdict.verdict != PROOF_VALID));
        script_begin();
        proof[at] = digit;
    }
}

static void a_link_without_a_wallet_says_so(void **state)
{
    struct network_history history;
    const char *reason = NULL;

    (void)state;
    assert_false(liquid_network.capable(here.client, NETWORK_TRANSFER_ASSET, &reason));
    assert_non_null(reason);
    assert_true(liquid_network.capable(here.client, NETWORK_VERIFY_PROOF, &reason));
    assert_int_equal(liquid_network.get_transaction_history(here.client, &here.call, NULL, 10, &history),
                     ERROR_NETWORK_NOT_SUPPORTED);
}

/* --- following the chain ------------------------------------------------------------------------ */
static void headers_are_followed_by_their_links(void **state)
{
    const struct network_position position = { .known = true, .height = 1,
        .hash = "e935d06cf3a616eb4d551338598b84daa0e8592ed14673263597f6af4b4a6ea6" };
    const struct network_position other = { .known = true, .height = 1, .hash = BEST };
    struct network_sync sync;

    (void)state;
    script_chain();
    script("getblockhash", "\"" BEST "\"");
    script("getblockheader", "\"" HEADER "\"");
    assert_int_equal(liquid_network.sync_state(here.client, &here.call, &position, &sync), OK);
    assert_int_equal(sync.count, 1);
    assert_string_equal(sync.blocks[0].hash, BEST);
    assert_false(sync.more);
    script_chain();
    script("getblockhash", "\"" BEST "\"");
    script("getblockheader", "\"" HEADER "\"");
    assert_int_equal(liquid_network.sync_state(here.client, &here.call, &other, &sync), OK);
    assert_true(sync.rewound);
    assert_int_equal(sync.rewound_to, 0);
    script_chain();
    script("getblockhash", "\"" COINBASE_ID "\"");
    script("getblockheader", "\"" HEADER "\"");
    assert_int_equal(liquid_network.sync_state(here.client, &here.call, &position, &sync),
                     ERROR_NETWORK_PROTOCOL);
}

int main(void)
{
#define LINKED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        LINKED(a_greeting_tells_chain_and_pegged_asset),
        LINKED(another_chain_is_refused),
        LINKED(a_node_that_is_no_elements_node_is_a_protocol_error),
        LINKED(balances_are_in_smallest_units),
        LINKED(options_that_do_not_fit_are_refused),
        LINKED(a_transfer_is_made_step_by_step_and_its_id_known),
        LINKED(a_preparation_that_fails_unlocks_what_it_locked),
        LINKED(what_no_transfer_is_asks_nothing),
        LINKED(an_issue_names_the_asset_that_follows_from_it),
        LINKED(a_node_that_issues_something_else_is_found_out),
        LINKED(a_fee_is_paid_and_not_beyond_the_limit),
        LINKED(a_node_that_cannot_now_is_asked_later),
        LINKED(a_wallet_that_is_not_loaded_is_loaded_once),
        LINKED(what_is_rejected_keeps_no_coin_locked),
        LINKED(what_is_sent_is_tried_out_first),
        LINKED(refusals_are_told_apart),
        LINKED(status_follows_the_confirmations),
        LINKED(a_status_tells_of_pegs_in_and_out),
        LINKED(a_proof_is_as_good_as_what_it_rests_on),
        LINKED(every_changed_digit_of_a_proof_is_refused_or_of_another_block),
        LINKED(headers_are_followed_by_their_links),
        cmocka_unit_test_setup_teardown(a_proof_rests_on_a_checkpoint_without_asking, setup_reader, teardown),
        cmocka_unit_test_setup_teardown(a_link_without_a_wallet_says_so, setup_reader, teardown),
    };

    return cmocka_run_group_tests_name("liquid_client", tests, NULL, NULL);
}
