/* Taproot Assets: proof files against the published one, and tapd, scripted. */
#include "lightning_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "network/taproot/proof_file.h"
#include "network/taproot/taproot.h"

#define REGTEST 0x207fffff
#define BITCOIN 0x1d00ffff
#define ASSET "475985869e2c0a018e7f4997cf646922438dfca3a3e571f72e6371db0f1e1505"

/* Three proofs of an asset on a regtest chain: lightninglabs/taproot-assets proof/testdata/proof-file.hex, as
 * of f35fb8a7c70b, made by its own integration tests. */
static struct buffer published;
static struct link link_;

static void read_published(void)
{
    FILE *file = fopen(SOURCE_ROOT "/tests/unit/network/tapd-proof-file.hex", "re");
    char digits[3] = "";
    int letter;

    assert_non_null(file);
    buffer_init(&published);
    while ((letter = fgetc(file)) != EOF) {
        uint8_t byte;

        if (letter == '\n')
            continue;
        digits[strlen(digits)] = (char)letter;
        if (strlen(digits) < 2)
            continue;
        assert_true(hex_decode(&byte, 1, digits, 2));
        buffer_append(&published, &byte, 1);
        memset(digits, 0, sizeof(digits));
    }
    fclose(file);
}

static enum proof_file_verdict check(struct bytes bytes, uint32_t easiest, char *reason)
{
    struct proof_file file;
    char unused[PROOF_FILE_REASON_MAX];

    return proof_file_check(bytes, easiest, &file, reason == NULL ? unused : reason);
}

/* --- proof files ------------------------------------------------------------------------------ */
static void the_published_file_holds(void **state)
{
    char reason[PROOF_FILE_REASON_MAX] = "", text[65];
    struct proof_file file;

    (void)state;
    assert_int_equal(proof_file_check(buffer_bytes(&published), REGTEST, &file, reason), PROOF_FILE_HOLDS);
    assert_int_equal(file.proofs, 3);
    assert_int_equal(file.height, 444);
    assert_int_equal(file.genesis.index, 0);
    assert_int_equal(file.end.index, 1);
    assert_int_equal(file.additional_inputs, 0);
    anchor_hash_text(text, &file.block);
    assert_string_equal(text, "297204dce0da4b872328a79105d5239d81dc64cb82e3820a25f64b06adabe524");
}

static void its_blocks_lack_the_work_of_bitcoin(void **state)
{
    char reason[PROOF_FILE_REASON_MAX];

    (void)state;
    assert_int_equal(check(buffer_bytes(&published), BITCOIN, reason), PROOF_FILE_BROKEN);
    assert_has(reason, "lacks the work");
}

static void a_changed_bit_anywhere_and_every_cut_are_found(void **state)
{
    uint8_t *copy AUTO_FREE = memory_copy(published.data, published.size);

    (void)state;
    for (size_t i = 0; i < published.size; i++) {
        copy[i] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(check(bytes_of(copy, published.size), REGTEST, NULL), PROOF_FILE_HOLDS);
        copy[i] ^= (uint8_t)(1 << i % 8);
        if (i % 7 == 0)
            assert_int_not_equal(check(bytes_of(copy, i), REGTEST, NULL), PROOF_FILE_HOLDS);
    }
    assert_int_equal(check(bytes_of(copy, published.size), REGTEST, NULL), PROOF_FILE_HOLDS);
}

/* The first proof alone in a file of its own, with `change` made and the hash made good again. */
#define FIRST_AT 12
#define FIRST_SIZE 0x409
static enum proof_file_verdict check_changed(size_t at, uint8_t change, char *reason)
{
    struct buffer file CLEANUP(buffer_close) = { 0 };
    uint8_t zero[32] = { 0 };
    crypto_hash_sha256_state sum;
    struct hash hash;

    buffer_append(&file, "TAPF\0\0\0\0\1\xfd\x04\x09", FIRST_AT);
    buffer_append(&file, published.data + FIRST_AT, FIRST_SIZE);
    file.data[FIRST_AT + at] ^= change;
    crypto_hash_sha256_init(&sum);
    crypto_hash_sha256_update(&sum, zero, sizeof(zero));
    crypto_hash_sha256_update(&sum, file.data + FIRST_AT, FIRST_SIZE);
    crypto_hash_sha256_final(&sum, hash.bytes);
    buffer_append(&file, hash.bytes, sizeof(hash.bytes));
    return check(buffer_bytes(&file), REGTEST, reason);
}

static void what_a_hash_made_good_does_not_hide(void **state)
{
    /* offsets in the first proof: magic 4, version 2+4, previous 2+36, header 2+80, transaction 2+246, path
     */
    static const struct {
        size_t at;
        uint8_t change;
        enum proof_file_verdict verdict;
        const char *reason;
    } cases[] = {
        { 0, 0, PROOF_FILE_HOLDS, NULL },
        { 3, 1, PROOF_FILE_BROKEN, "not made of records" },
        { 9, 2, PROOF_FILE_UNKNOWN, "version" },
        { 12, 1, PROOF_FILE_BROKEN, "does not spend" }, /* the outpoint spent */
        { 47, 1, PROOF_FILE_BROKEN, "does not spend" }, /* its index */
        { 50 + 75, 0x20, PROOF_FILE_BROKEN, "work" }, /* the header's target: none */
        { 50 + 40, 1, PROOF_FILE_BROKEN, "not in its block" }, /* the header's root */
        { 132 + 60, 1, PROOF_FILE_BROKEN, "not in its block" }, /* the transaction: another id */
        { 132 + 240, 1, PROOF_FILE_HOLDS, NULL }, /* its witness is not in its id */
        { 382, 1, PROOF_FILE_BROKEN, "not in its block" }, /* the path */
        { 412, 1, PROOF_FILE_BROKEN, "not in its block" }, /* the sides of the path */
    };
    char reason[PROOF_FILE_REASON_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reason[0] = '\0';
        if (check_changed(cases[i].at, cases[i].change, reason) != cases[i].verdict)
            fail_msg("case %zu: '%s'", i, reason);
        if (cases[i].reason != NULL)
            assert_has(reason, cases[i].reason);
    }
}

static void records_out_of_order_and_unknown_even_ones(void **state)
{
    /* the asset's record (10) made 8 again, and 14, which no version has */
    size_t at = 132 + 246 + 36;
    char reason[PROOF_FILE_REASON_MAX];

    (void)state;
    assert_int_equal(published.data[FIRST_AT + at], 10);
    assert_int_equal(check_changed(at, 10 ^ 8, reason), PROOF_FILE_BROKEN);
    assert_int_not_equal(check_changed(at, 10 ^ 11, reason), PROOF_FILE_HOLDS); /* then there is no asset */
    assert_int_equal(check_changed(at, 10 ^ 14, reason), PROOF_FILE_BROKEN); /* not rising: 12 comes next */
}

static void transactions_are_parsed_whole_or_not_at_all(void **state)
{
    /* the genesis transaction of Bitcoin: version, one input, one output */
    static const char hex[] = "01000000010000000000000000000000000000000000000000000000000000000000000000ffff"
                              "ffff4d04ffff001d0104455468652054"
                              "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66"
                              "207365636f6e64206261696c6f757420"
                              "666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130"
                              "b7105cd6a828e03909a67962e0ea1f61"
                              "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac0000000"
                              "0";
    uint8_t bytes[sizeof(hex) / 2];
    struct anchor_transaction transaction;
    char text[65];

    (void)state;
    assert_true(hex_decode(bytes, sizeof(bytes), hex, sizeof(hex) - 1));
    assert_true(anchor_transaction_parse(bytes_of(bytes, sizeof(bytes)), &transaction));
    anchor_hash_text(text, &transaction.txid);
    assert_string_equal(text, "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    assert_int_equal(anchor_script(&transaction, 0).size, 67);
    assert_int_equal(anchor_script(&transaction, 1).size, 0);
    for (size_t size = 0; size < sizeof(bytes); size++)
        assert_false(anchor_transaction_parse(bytes_of(bytes, size), &transaction));
    bytes[4] = 2; /* two inputs, where there is one */
    assert_false(anchor_transaction_parse(bytes_of(bytes, sizeof(bytes)), &transaction));
}

static void work_is_that_of_the_genesis_block_and_no_less(void **state)
{
    static const char hex[] = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3ed"
                              "fd7a7b12b27ac72c3e67768f617fc81b"
                              "c3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
    uint8_t header[ANCHOR_HEADER_SIZE];
    struct hash hash;
    char text[65];

    (void)state;
    assert_true(hex_decode(header, sizeof(header), hex, sizeof(hex) - 1));
    anchor_block_hash(header, &hash);
    anchor_hash_text(text, &hash);
    assert_string_equal(text, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
    assert_true(anchor_has_work(header, BITCOIN));
    header[79] ^= 1; /* another nonce */
    assert_false(anchor_has_work(header, BITCOIN));
    header[79] ^= 1;
    assert_false(anchor_has_work(header, 0x1c00ffff)); /* a chain that asks for more */
    header[75] = 0x80 | header[75];
    assert_false(anchor_has_work(header, REGTEST)); /* a target of more than 256 bits */
}

/* --- tapd ------------------------------------------------------------------------------------- */
#define INFO(network)                                                                                        \
    "{\"version\":\"0.8.1-alpha\",\"lnd_version\":\"0.21\",\"network\":\"" network "\",\"block_height\":444,"\
    "\"block_hash\":\"2972\",\"sync_to_chain\":true,\"lnd_identity_pubkey\":\"02\"}"
#define LABEL "layerd-0123456789abcdef0123456789abcdef"

static char *asset_base64, *meta_base64, *txid_base64;
#define ROOTS "GET /v1/taproot-assets/universe/roots/asset-id/" ASSET
#define TXID "00000000000000000000000000000000000000000000000000000000000000ab"

static int setup(void **state)
{
    static const uint8_t txid[32] = { 0xab };
    uint8_t asset[32];
    char text[256];
    const char *meta = "{\"title\":\"t\",\"layerd\":\"" LABEL "\",\"decimal_display\":2}";

    (void)state;
    link_open(&link_, &taproot_assets_network);
    assert_true(hex_decode(asset, 32, ASSET, 64));
    asset_base64 =
        text_copy(sodium_bin2base64(text, sizeof(text), asset, 32, sodium_base64_VARIANT_ORIGINAL));
    txid_base64 = text_copy(sodium_bin2base64(text, sizeof(text), txid, 32, sodium_base64_VARIANT_ORIGINAL));
    meta_base64 = text_copy(sodium_bin2base64(text, sizeof(text), (const uint8_t *)meta, strlen(meta),
                                              sodium_base64_VARIANT_ORIGINAL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_close(&link_);
    free(asset_base64);
    free(meta_base64);
    free(txid_base64);
    return 0;
}

static void greeting_state_and_another_chain(void **state)
{
    struct network_greeting greeting;
    struct network_state told;

    (void)state;
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    assert_int_equal(taproot_assets_network.connect(link_.client, &link_.call, &greeting), OK);
    assert_string_equal(greeting.version, "0.8.1-alpha");
    script("GET /v1/taproot-assets/getinfo", INFO("testnet"));
    assert_int_equal(taproot_assets_network.connect(link_.client, &link_.call, &greeting),
                     ERROR_NETWORK_WRONG_CHAIN);
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    script("GET /v1/taproot-assets/assets/balance?asset_id=true",
           "{\"asset_balances\":{\"" ASSET "\":{\"asset_genesis\":{\"name\":\"gold\"},\"balance\":\"77\"}}}");
    assert_int_equal(taproot_assets_network.get_state(link_.client, &link_.call, &told), OK);
    assert_int_equal(told.height, 444);
    assert_has(told.details, "\"balance\":\"77\"");
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    script("GET /v1/taproot-assets/assets/balance", "{\"asset_balances\":{\"xx\":{}}}");
    assert_int_equal(taproot_assets_network.get_state(link_.client, &link_.call, &told),
                     ERROR_NETWORK_PROTOCOL);
}

/* --- minting ---------------------------------------------------------------------------------- */
static void prepare_mint(struct network_prepared *prepared)
{
    struct network_write write = { .kind = WRITE_ISSUE, .symbol = "gold", .title = "t", .decimals = 2,
                                   .amount = "1000", .options = "{\"fee_rate\":500}" };

    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, prepared), OK);
    assert_null(prepared->transaction);
    assert_string_equal(prepared->label, LABEL);
    assert_has((const char *)prepared->raw.data, "\"decimal_display\":2");
    assert_has((const char *)prepared->raw.data, "\"amount\":\"1000\"");
}

#define BATCHES "GET /v1/taproot-assets/assets/mint/batches/"
#define DECODE  "POST /v1/taproot-assets/proofs/decode"
/* What tapd's own listener says of bytes in base64, and what one says that takes them. */
static void takes_hex(void)
{
    script_http(DECODE, 400, "{\"code\":3,\"message\":\"proto: (line 1:14): invalid value for bytes type: "
                "\\\"/w==\\\"\",\"details\":[]}");
}

static void takes_base64(void)
{
    script_http(DECODE, 500, "{\"code\":2,\"message\":\"invalid raw proof, could not identify decoding "
                "format\",\"details\":[]}");
}

static void batches(const char *batch_state, const char *txid)
{
    script(BATCHES, "{\"batches\":[{\"batch\":{\"state\":\"%s\",\"batch_txid\":\"%s\",\"created_at\":\"5\","
                    "\"assets\":[{\"name\":\"gold\",\"amount\":\"1000\",\"asset_meta\":{\"data\":\"%s\"}}]},"
                    "\"unsealed_assets\":[]}]}", batch_state, txid, meta_base64);
}

static void minted_asset(void)
{
    script("GET /v1/taproot-assets/assets?include_unconfirmed_mints=true",
           "{\"assets\":[{\"asset_genesis\":{\"name\":\"gold\",\"asset_id\":\"%s\"},\"chain_anchor\":{"
           "\"anchor_outpoint\":\"" TXID ":0\",\"block_height\":7}}]}", asset_base64);
}

static void an_asset_is_staged_finalized_and_named(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepare_mint(&prepared);
    script(BATCHES, "{\"batches\":[]}");
    script(BATCHES, "{}");
    takes_base64();
    script("POST /v1/taproot-assets/assets", "{\"pending_batch\":{}}");
    script("POST /v1/taproot-assets/assets/mint/finalize", "{\"batch\":{}}");
    batches("BATCH_STATE_BROADCAST", TXID);
    minted_asset();
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_string_equal(sent.transaction, TXID);
    assert_string_equal(sent.asset, ASSET);
    assert_has(script_asked(2), "\"fee_rate\":500");
    assert_has_not(script_asked(3), "fee_rate");
    assert_has(script_asked(3), "\"data\":\"eyJ0aXRsZSI6InQi"); /* {"title":"t" */
}

static void a_mint_that_was_interrupted_goes_on_where_it_stood(void **state)
{
    struct network_prepared prepared;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    prepare_mint(&prepared);
    script("GET /v1/taproot-assets/assets/transfers", "{\"transfers\":[]}");
    batches("BATCH_STATE_PENDING", "");
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &prepared, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN); /* to be sent again: that finalizes it */
    batches("BATCH_STATE_PENDING", "");
    batches("BATCH_STATE_PENDING", "");
    batches("BATCH_STATE_PENDING", "");
    script("POST /v1/taproot-assets/assets/mint/finalize", "{}");
    batches("BATCH_STATE_COMMITTED", TXID);
    minted_asset();
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    batches("BATCH_STATE_BROADCAST", TXID);
    minted_asset();
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED); /* and nothing was asked for */
    script("GET /v1/taproot-assets/assets/transfers", "{\"transfers\":[]}");
    batches("BATCH_STATE_FINALIZED", TXID);
    minted_asset();
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &prepared, &status), OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_string_equal(status.asset, ASSET);
    assert_int_equal(status.height, 7);
    assert_int_equal(status.confirmations, 438);
    assert_int_equal(status.finality, FINALITY_FINAL);
}

static void a_batch_with_others_assets_is_left_alone(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;
    static const char others[] = "{\"batches\":[{\"batch\":{\"state\":\"BATCH_STATE_PENDING\",\"assets\":[{"
                                 "\"name\":\"silver\"}]}}]}";

    (void)state;
    prepare_mint(&prepared);
    script(BATCHES, others);
    script(BATCHES, others);
    script(BATCHES, others);
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_has(sent.reason, "other assets");
}

static void what_cannot_be_finalized_is_taken_back(void **state)
{
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    prepare_mint(&prepared);
    for (int round = 0; round < 2; round++) {
        script(BATCHES, "{}");
        script(BATCHES, "{}");
        if (round == 0)
            takes_base64(); /* asked once */
        script("POST /v1/taproot-assets/assets", "{}");
        script_http("POST /v1/taproot-assets/assets/mint/finalize", 500,
                    "{\"code\":2,\"message\":\"insufficient funds\"}");
        batches("BATCH_STATE_PENDING", "");
        if (round == 0)
            script("POST /v1/taproot-assets/assets/mint/cancel", "{}");
        else
            script_failure("POST /v1/taproot-assets/assets/mint/cancel", ERROR_NETWORK_TIMEOUT);
        assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
        assert_int_equal(sent.outcome, round == 0 ? SEND_REJECTED : SEND_AMBIGUOUS);
        if (round == 0)
            assert_has(sent.reason, "insufficient funds");
    }
}

/* --- sending ---------------------------------------------------------------------------------- */
static void decoded(const char *amount)
{
    script("POST /v1/taproot-assets/addrs/decode", "{\"asset_id\":\"%s\",\"amount\":\"%s\"}", asset_base64,
           amount);
}

static void transfers(const char *label, unsigned height, const char *delivery)
{
    script("GET /v1/taproot-assets/assets/transfers",
           "{\"transfers\":[{\"transfer_timestamp\":\"9\",\"anchor_tx_hash\":\"%s\",\"label\":\"%s\","
           "\"anchor_tx_block_height\":%u,\"inputs\":[{\"asset_id\":\"%s\"}],\"outputs\":[{"
           "\"proof_delivery_status\":\"PROOF_DELIVERY_STATUS_NOT_APPLICABLE\"},{\"proof_delivery_status\":"
           "\"%s\""
           "}]}]}",
           txid_base64, label, height, asset_base64, delivery);
}

static void a_transfer_is_labelled_and_never_sent_twice(void **state)
{
    struct network_write write = {
        .kind = WRITE_TRANSFER, .asset = ASSET, .amount = "5", .to = "taprt1qqqsq"
    };
    struct network_prepared prepared;
    struct network_sent sent;

    (void)state;
    decoded("5");
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    assert_has((const char *)prepared.raw.data, "\"label\":\"" LABEL "\"");
    script("GET /v1/taproot-assets/assets/transfers", "{}");
    script("POST /v1/taproot-assets/send", "{\"transfer\":{\"anchor_tx_hash\":\"%s\",\"label\":\"" LABEL "\","
           "\"inputs\":[],\"outputs\":[]}}", txid_base64);
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_string_equal(sent.transaction, TXID);
    transfers(LABEL, 0, "PROOF_DELIVERY_STATUS_PENDING");
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    script("GET /v1/taproot-assets/assets/transfers", "{}");
    script_failure("POST /v1/taproot-assets/send", ERROR_NETWORK_AMBIGUOUS);
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS);
    script("GET /v1/taproot-assets/assets/transfers", "{}");
    script_http("POST /v1/taproot-assets/send", 500, "{\"code\":2,\"message\":\"insufficient balance\"}");
    script("GET /v1/taproot-assets/assets/transfers", "{}");
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_REJECTED);
    assert_has(sent.reason, "insufficient balance");
}

static void an_address_must_take_what_is_sent(void **state)
{
    struct network_write write = {
        .kind = WRITE_TRANSFER, .asset = ASSET, .amount = "5", .to = "taprt1qqqsq"
    };
    struct network_prepared prepared;

    (void)state;
    decoded("6");
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_INVALID_PARAMS);
    /* addresses of version 2 may leave the amount to the sender, or take any asset of a group */
    script("POST /v1/taproot-assets/addrs/decode", "{\"asset_id\":\"%s\",\"amount\":\"0\",\"group_key\":\"\","
           "\"address_version\":\"ADDR_VERSION_V2\"}", asset_base64);
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared), OK);
    assert_has((const char *)prepared.raw.data,
               "\"addresses_with_amounts\":[{\"tap_addr\":\"taprt1qqqsq\",\"amount\":\"5\"}]");
    assert_has_not((const char *)prepared.raw.data, "tap_addrs");
    script("POST /v1/taproot-assets/addrs/decode", "{\"asset_id\":\"%s\",\"amount\":\"0\",\"group_key\":\"\","
           "\"address_version\":\"ADDR_VERSION_V1\"}", asset_base64);
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_INVALID_PARAMS);
    script("POST /v1/taproot-assets/addrs/decode", "{\"asset_id\":\"\",\"amount\":\"5\","
           "\"group_key\":\"02ab\",\"address_version\":\"ADDR_VERSION_V2\"}");
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
    write.asset = TXID;
    decoded("5");
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_INVALID_PARAMS);
    write.to = "tapbc1qqqsq"; /* of another chain: nobody is asked */
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_INVALID_PARAMS);
    write.asset = NULL;
    assert_int_equal(taproot_assets_network.prepare(link_.client, &link_.call, &write, &prepared),
                     ERROR_NETWORK_NOT_SUPPORTED);
}

static enum status request_payment(const struct network_payment_request *request,
                                   struct network_payable *payable)
{
    return taproot_assets_network.request_payment(link_.client, &link_.call, request, payable);
}

static void an_address_of_ours_is_what_was_asked_for(void **state)
{
    struct network_payment_request request = { .asset = ASSET, .amount = "5" };
    static const struct { const char *address, *asset, *amount; } lies[] = {
        { "taprt1qqqsq", ASSET, "6" }, { "taprt1qqqsq", TXID, "5" }, { "tapbc1qqqsq", ASSET, "5" },
        { "taprt1\\u0007", ASSET, "5" },
    };
    struct network_payable payable;

    (void)state;
    takes_base64(); /* asked once */
    script("POST /v1/taproot-assets/addrs",
           "{\"encoded\":\"taprt1qqqsq\",\"asset_id\":\"%s\",\"amount\":\"5\"}", asset_base64);
    assert_int_equal(request_payment(&request, &payable), OK);
    assert_has(script_asked(0), asset_base64);
    assert_has(script_asked(0), "\"amt\":\"5\"");
    assert_string_equal(payable.address, "taprt1qqqsq");
    assert_null(payable.invoice);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        script("POST /v1/taproot-assets/addrs", "{\"encoded\":\"%s\",\"asset_id\":\"%s\",\"amount\":\"%s\"}",
               lies[i].address, lies[i].asset, lies[i].amount);
        assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_PROTOCOL);
    }
    script_http("POST /v1/taproot-assets/addrs", 500, "{\"code\":2,\"message\":\"asset not known\"}");
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_REJECTED);
    request.memo = "m"; /* from here on nobody is asked */
    assert_int_equal(request_payment(&request, &payable), ERROR_INVALID_PARAMS);
    request = (struct network_payment_request){ .asset = ASSET, .amount = "5", .has_expiry = true,
                                                .expires_s = 60 };
    assert_int_equal(request_payment(&request, &payable), ERROR_INVALID_PARAMS);
    request = (struct network_payment_request){ .amount = "5" };
    assert_int_equal(request_payment(&request, &payable), ERROR_NETWORK_NOT_SUPPORTED);
}

static void a_transfer_is_confirmed_once_its_proofs_are_delivered(void **state)
{
    struct network_prepared which = { .label = LABEL };
    struct network_status status;

    (void)state;
    transfers(LABEL, 0, "PROOF_DELIVERY_STATUS_COMPLETE");
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    transfers(LABEL, 12, "PROOF_DELIVERY_STATUS_PENDING");
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_has(status.reason, "not delivered");
    transfers(LABEL, 440, "PROOF_DELIVERY_STATUS_COMPLETE");
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.height, 440);
    assert_int_equal(status.finality, FINALITY_SAFE); /* five deep: six are final */
    transfers("another", 12, "PROOF_DELIVERY_STATUS_COMPLETE");
    script(BATCHES, "{}");
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
}

static void history_has_transfers_and_mints_by_pages(void **state)
{
    struct network_history history;

    (void)state;
    for (int page = 0; page < 2; page++) {
        transfers(LABEL, 12, "PROOF_DELIVERY_STATUS_COMPLETE");
        batches("BATCH_STATE_FINALIZED", TXID);
        assert_int_equal(taproot_assets_network.get_transaction_history(
                             link_.client, &link_.call, page == 0 ? NULL : history.next, 1, &history), OK);
        assert_int_equal(history.count, 1);
        assert_string_equal(history.entries[0].kind, page == 0 ? "transfer" : "mint");
    }
    assert_null(history.next);
}

/* --- proofs ----------------------------------------------------------------------------------- */
static char *proof_text(struct bytes bytes)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    size_t room = sodium_base64_encoded_len(bytes.size, sodium_base64_VARIANT_ORIGINAL);
    char *base64 AUTO_FREE = memory_new(room);

    sodium_bin2base64(base64, room, bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL);
    buffer_append_format(&text, "{\"type\":\"file\",\"proof\":\"%s\"}", base64);
    return text_copy(buffer_text(&text));
}

static void a_file_is_checked_here_first_and_then_by_tapd(void **state)
{
    char *proof AUTO_FREE = proof_text(buffer_bytes(&published)), *broken AUTO_FREE = NULL;
    uint8_t *copy AUTO_FREE = memory_copy(published.data, published.size);
    struct network_verdict verdict;

    (void)state;
    takes_base64();
    script("POST /v1/taproot-assets/proofs/verify", "{\"valid\":true,\"decoded_proof\":{}}");
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    assert_has(verdict.reason, "delegated to tapd");
    assert_has(verdict.details, "\"proofs\":3");
    assert_has(script_asked(0), "\"genesis_point\":"
               "\"02f220d4685454ce2980f0eb0265f02cb847dd7633300abb047db9ef62b63500:0\"");
    script("POST /v1/taproot-assets/proofs/verify", "{\"valid\":false}");
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    script_http("POST /v1/taproot-assets/proofs/verify", 500,
                "{\"code\":2,\"message\":\"group key not known\"}");
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    assert_has(verdict.reason, "group key not known");
    script_failure("POST /v1/taproot-assets/proofs/verify", ERROR_NETWORK_TIMEOUT);
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict),
                     ERROR_NETWORK_TIMEOUT);
    copy[2000] ^= 1; /* tapd is not even asked */
    broken = proof_text(bytes_of(copy, published.size));
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, broken, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    assert_int_equal(verdict.anchor, ANCHOR_NONE);
    assert_int_equal(
        taproot_assets_network.verify_proof(link_.client, &link_.call, "{\"type\":\"x\"}", &verdict),
        ERROR_INVALID_PARAMS);
}

static void a_proof_is_exported_and_must_hold(void **state)
{
    char *file AUTO_FREE = proof_text(buffer_bytes(&published));
    char *base64 = strstr(file, "proof\":\"") + 8;
    const char *proof, *claim = "{\"type\":\"file\",\"asset\":\"" ASSET "\",\"script_key\":\"" NODE "\"}";

    (void)state;
    base64[strlen(base64) - 2] = '\0';
    takes_base64();
    script("POST /v1/taproot-assets/proofs/export", "{\"raw_proof_file\":\"%s\"}", base64);
    assert_int_equal(taproot_assets_network.generate_proof(link_.client, &link_.call, claim, &proof), OK);
    base64[100] = base64[100] == 'A' ? 'B' : 'A';
    script("POST /v1/taproot-assets/proofs/export", "{\"raw_proof_file\":\"%s\"}", base64);
    assert_int_equal(taproot_assets_network.generate_proof(link_.client, &link_.call, claim, &proof),
                     ERROR_NETWORK_PROTOCOL);
}

static char *hex_of(struct bytes bytes)
{
    char *text = memory_new(2 * bytes.size + 1);

    hex_text(text, bytes.data, bytes.size);
    return text;
}

/* As tapd's own listener has it; that of lightning-terminal has base64. */
static void bytes_in_hex_are_read_and_written_where_the_server_takes_them(void **state)
{
    char *file AUTO_FREE = hex_of(buffer_bytes(&published)), *meta AUTO_FREE = NULL, *again AUTO_FREE = NULL;
    const char *proof, *claim = "{\"type\":\"file\",\"asset\":\"" ASSET "\",\"script_key\":\"" NODE "\"}";
    const char *data = "{\"layerd\":\"" LABEL "\"}";
    struct network_prepared prepared, which = { .label = LABEL };
    struct network_greeting greeting;
    struct network_verdict verdict;
    struct network_status status;
    struct network_sent sent;

    (void)state;
    takes_hex();
    script("POST /v1/taproot-assets/proofs/export", "{\"raw_proof_file\":\"%s\"}", file);
    assert_int_equal(taproot_assets_network.generate_proof(link_.client, &link_.call, claim, &proof), OK);
    assert_has(script_asked(0), "\"asset_id\":\"" ASSET "\"");
    assert_has(script_asked(0), "\"script_key\":\"" NODE "\"");
    again = proof_text(buffer_bytes(&published));
    assert_string_equal(proof, again); /* what is handed out is in base64 all the same */
    script("POST /v1/taproot-assets/proofs/verify", "{\"valid\":true}");
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_has(script_asked(0), "\"raw_proof_file\":\"54415046");
    prepare_mint(&prepared);
    script(BATCHES, "{}");
    script(BATCHES, "{}");
    script("POST /v1/taproot-assets/assets", "{}");
    script("POST /v1/taproot-assets/assets/mint/finalize", "{}");
    meta = hex_of(bytes_of_text(data));
    script(BATCHES, "{\"batches\":[{\"batch\":{\"state\":\"BATCH_STATE_BROADCAST\",\"assets\":[{"
           "\"asset_meta\":{\"data\":\"%s\"}}]}}]}", meta);
    assert_int_equal(taproot_assets_network.send(link_.client, &link_.call, &prepared, &sent), OK);
    assert_int_equal(sent.outcome, SEND_ACCEPTED);
    assert_has(script_asked(2), "\"data\":\"7b227469746c65223a2274222c"); /* {"title":"t", */
    script("GET /v1/taproot-assets/assets/transfers",
           "{\"transfers\":[{\"anchor_tx_hash\":\""
           "ab00000000000000000000000000000000000000000000000000000000000000\","
           "\"label\":\"" LABEL "\",\"inputs\":[{\"asset_id\":\"" ASSET "\"}],\"outputs\":[]}]}");
    assert_int_equal(
        taproot_assets_network.check_transaction_status(link_.client, &link_.call, &which, &status), OK);
    assert_has(status.details, TXID);
    assert_string_equal(status.asset, ASSET);
    /* a new connection may lead to another server */
    script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
    assert_int_equal(taproot_assets_network.connect(link_.client, &link_.call, &greeting), OK);
    script_http(DECODE, 404, "{\"code\":5,\"message\":\"Not Found\",\"details\":[]}");
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict),
                     ERROR_NETWORK_REJECTED);
    script(DECODE, "{}"); /* which no server says of one byte */
    assert_int_equal(taproot_assets_network.verify_proof(link_.client, &link_.call, proof, &verdict),
                     ERROR_NETWORK_PROTOCOL);
}

static struct network_verdict verdict_on(const char *claim)
{
    struct network_verdict verdict = { .verdict = PROOF_VALID };

    assert_int_equal(taproot_assets_network.validate_state(link_.client, &link_.call, claim, &verdict), OK);
    return verdict;
}

/* tapd tells its newest block alone: only of its height and its hash can it contradict. */
static void a_block_is_invalid_only_against_the_one_that_tapd_tells(void **state)
{
    static const struct {
        const char *claim;
        enum proof_verdict verdict;
        enum proof_anchor anchor;
    } cases[] = {
        { "{\"type\":\"block\",\"height\":444,\"hash\":\"2972\"}", PROOF_VALID, ANCHOR_NODE },
        { "{\"type\":\"block\",\"height\":444,\"hash\":\"2973\"}", PROOF_INVALID, ANCHOR_NODE },
        { "{\"type\":\"block\",\"height\":443,\"hash\":\"2971\"}", PROOF_UNVERIFIABLE, ANCHOR_NONE },
        { "{\"type\":\"block\",\"height\":443,\"hash\":\"2972\"}", PROOF_INVALID, ANCHOR_NODE },
        { "{\"type\":\"block\",\"height\":445,\"hash\":\"2973\"}", PROOF_UNVERIFIABLE, ANCHOR_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        script("GET /v1/taproot-assets/getinfo", INFO("regtest"));
        struct network_verdict verdict = verdict_on(cases[i].claim);

        assert_int_equal(verdict.verdict, cases[i].verdict);
        assert_int_equal(verdict.anchor, cases[i].anchor);
        assert_non_null(strstr(verdict.reason, "444"));
    }
}

static void a_root_is_invalid_only_where_the_universe_has_the_asset(void **state)
{
    static const char *const nothing[] = {
        "{}", "{\"issuance_root\":{}}", "{\"issuance_root\":null,\"transfer_root\":null}",
        "{\"issuance_root\":{\"mssmt_root\":null},\"transfer_root\":{\"mssmt_root\":{\"root_hash\":\"\"}}}",
    };
    const char *claim = "{\"type\":\"universe_root\",\"asset\":\"" ASSET "\",\"root\":\"" ASSET "\"}";
    struct network_verdict verdict;

    (void)state;
    script(ROOTS, "{\"issuance_root\":{\"mssmt_root\":{\"root_hash\":\"%s\"}}}", asset_base64);
    verdict = verdict_on(claim);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    script(ROOTS, "{\"issuance_root\":{},\"transfer_root\":{\"mssmt_root\":{\"root_hash\":\"%s\"}}}",
           asset_base64);
    assert_int_equal(verdict_on(claim).verdict, PROOF_VALID);
    script(ROOTS, "{\"issuance_root\":{\"mssmt_root\":{\"root_hash\":\"" TXID "\"}}}");
    verdict = verdict_on(claim);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    for (size_t i = 0; i < COUNT_OF(nothing); i++) {
        script(ROOTS, "%s", nothing[i]);
        verdict = verdict_on(claim);
        assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE);
        assert_int_equal(verdict.anchor, ANCHOR_NONE);
        assert_non_null(strstr(verdict.reason, "nothing of this asset"));
    }
    script(ROOTS, "{\"issuance_root\":{\"mssmt_root\":{\"root_hash\":\"zz\"}}}");
    assert_int_equal(taproot_assets_network.validate_state(link_.client, &link_.call, claim, &verdict),
                     ERROR_NETWORK_PROTOCOL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test(the_published_file_holds),
        cmocka_unit_test(its_blocks_lack_the_work_of_bitcoin),
        cmocka_unit_test(a_changed_bit_anywhere_and_every_cut_are_found),
        cmocka_unit_test(what_a_hash_made_good_does_not_hide),
        cmocka_unit_test(records_out_of_order_and_unknown_even_ones),
        cmocka_unit_test(transactions_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(work_is_that_of_the_genesis_block_and_no_less),
    };
    const struct CMUnitTest servers[] = {
        TEST(greeting_state_and_another_chain),
        TEST(an_asset_is_staged_finalized_and_named),
        TEST(a_mint_that_was_interrupted_goes_on_where_it_stood),
        TEST(a_batch_with_others_assets_is_left_alone),
        TEST(what_cannot_be_finalized_is_taken_back),
        TEST(a_transfer_is_labelled_and_never_sent_twice),
        TEST(an_address_of_ours_is_what_was_asked_for),
        TEST(an_address_must_take_what_is_sent),
        TEST(a_transfer_is_confirmed_once_its_proofs_are_delivered),
        TEST(history_has_transfers_and_mints_by_pages),
        TEST(a_file_is_checked_here_first_and_then_by_tapd),
        TEST(a_proof_is_exported_and_must_hold),
        TEST(bytes_in_hex_are_read_and_written_where_the_server_takes_them),
        TEST(a_block_is_invalid_only_against_the_one_that_tapd_tells),
        TEST(a_root_is_invalid_only_where_the_universe_has_the_asset),
    };
    int failed;

    support_begin();
    read_published();
    failed = cmocka_run_group_tests_name("proof files", files, NULL, NULL);
    failed += cmocka_run_group_tests_name("tapd", servers, NULL, NULL);
    buffer_close(&published);
    return failed;
}
