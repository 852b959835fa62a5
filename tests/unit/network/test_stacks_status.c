/* What becomes of transactions on Stacks, and their proofs, against a scripted node or API. The answers have
 * the shapes
 * of stacks-core's docs/rpc and of the API's. */
#include "stacks_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- blocks ------------------------------------------------------------------------------------- */
static void status_is_what_the_blocks_say(void **state)
{
    struct network_prepared prepared;
    struct network_status status;
    struct buffer block, other;
    struct hash id, other_id;

    (void)state;
    buffer_init(&block);
    buffer_init(&other);
    stacks_prepare_one(&prepared);
    stacks_make_block(&block, prepared.raw, 5, 1, &id);
    stacks_make_block(&other, prepared.raw, 5, 2, &other_id);
    stacks_script_mined(&block, &id, &block, "(ok true)");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.finality, FINALITY_FINAL); /* 100 − 95 + 1 = 6 */
    assert_int_equal(status.confirmations, 5);
    assert_int_equal(status.height, 5);
    stacks_script_mined(&block, &id, &block, "(err u4)");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    stacks_script_mined(&block, &id, &other, "(ok true)"); /* another block stands at its height now */
    script("GET /v2/transactions/unconfirmed/", "{\"tx\":\"00\",\"status\":\"Mempool\"}");
    stacks_assert_status(&prepared, TRANSACTION_PENDING);
    stacks_script_mined(&block, &id, &other, "(ok true)"); /* and it waits no more: so it is sent again */
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_assert_status(&prepared, TRANSACTION_UNKNOWN);
    script("GET /v3/transaction/", "{\"index_block_hash\":\"" TIP "\",\"tx\":\"00\",\"result\":\"(ok true)\","
           "\"block_height\":null,\"is_canonical\":false}");
    script("GET /v2/transactions/unconfirmed/", "{\"tx\":\"00\",\"status\":\"Mempool\"}");
    stacks_assert_status(&prepared, TRANSACTION_PENDING);
    buffer_close(&block);
    buffer_close(&other);
}

static void a_node_that_names_a_block_without_it_is_found_out(void **state)
{
    const struct network_write other = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "7" };
    struct network_prepared prepared, another;
    struct network_status status;
    struct buffer block;
    struct hash id;
    char hex[65];

    (void)state;
    buffer_init(&block);
    stacks_prepare_one(&prepared);
    script("GET /v2/accounts/", ACCOUNT_AT("4"));
    stacks_prepare_write(&other, &another);
    stacks_make_block(&block, another.raw, 5, 1, &id);
    hex_text(hex, id.bytes, 32);
    script("GET /v3/transaction/", "{\"index_block_hash\":\"%s\",\"tx\":\"00\",\"result\":\"(ok true)\"}",
           hex);
    script_bytes("GET /v3/blocks/", buffer_bytes(&block));
    script_bytes("GET /v3/blocks/height/5", buffer_bytes(&block));
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     ERROR_NETWORK_PROTOCOL);
    buffer_close(&block);
}

/* stacks-core stores what the call computed (log_transactions_processed), also where a post-condition undid
 * it. */
static void a_node_does_not_tell_of_post_conditions(void **state)
{
    const struct network_write token = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "7",
                                         .asset = ACCOUNT ".tst::token" };
    struct network_prepared prepared;
    struct network_status status;
    struct buffer block;
    struct hash id;

    (void)state;
    buffer_init(&block);
    script("GET /v2/accounts/", ACCOUNT_AT("4"));
    stacks_prepare_write(&token, &prepared);
    stacks_make_block(&block, prepared.raw, 5, 1, &id);
    stacks_script_mined(&block, &id, &block, "(ok true)");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_non_null(strstr(status.reason, "post-conditions"));
    buffer_close(&block);
}

/* The paths of stacks-core match small letters alone. */
static void an_id_in_capitals_is_asked_in_small_letters(void **state)
{
    struct network_prepared known = { .transaction =
        "0xB1807A2D3F7F8C7922F7C1D60D7C34145ADE05D789640DC7DC9EC1021E07BB54" };

    (void)state;
    script_http("GET /v3/transaction/" TIP, 404, "No such transaction");
    script_http("GET /v2/transactions/unconfirmed/" TIP, 404, "");
    stacks_assert_status(&known, TRANSACTION_UNKNOWN);
}

static void a_missing_transaction_is_unknown_or_replaced(void **state)
{
    struct network_prepared prepared;
    struct network_status status;

    (void)state;
    stacks_prepare_one(&prepared);
    script_http("GET /v3/transaction/", 404, "No such transaction");
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    script_http("GET /v3/transaction/", 404, "No such transaction");
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    script("GET /v2/accounts/", ACCOUNT_AT("4"));
    script_http("GET /v3/transaction/", 404, "No such transaction");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    /* mined between two questions: by this very one */
    script_http("GET /v3/transaction/", 404, "No such transaction");
    script_http("GET /v2/transactions/unconfirmed/", 404, "");
    script("GET /v2/accounts/", ACCOUNT_AT("4"));
    script("GET /v3/transaction/",
           "{\"index_block_hash\":\"" TIP "\",\"tx\":\"00\",\"result\":\"(ok true)\"}");
    stacks_assert_status(&prepared, TRANSACTION_UNKNOWN);
    for (size_t i = 0; i < 2; i++) { /* it may well have been mined */
        if (i == 0)
            script_http("GET /v3/transaction/", 501, "no index");
        else
            script_http("GET /v3/transaction/", 404, "No such resource");
        script_http("GET /v2/transactions/unconfirmed/", 404, "");
        assert_int_equal(
            stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status), OK);
        assert_int_equal(status.state, TRANSACTION_UNKNOWN);
        assert_non_null(strstr(status.reason, "txindex"));
    }
}

static void the_apis_states_are_read(void **state)
{
    struct network_prepared prepared;
    struct network_status status;

    (void)state;
    stacks_prepare_one(&prepared);
    script("GET /extended/v1/tx/0x", "{\"tx_status\":\"pending\"}");
    stacks_assert_status(&prepared, TRANSACTION_PENDING);
    /* whoever drops it: it may still be mined as long as its nonce is free */
    script("GET /extended/v1/tx/0x", "{\"tx_status\":\"dropped_stale_garbage_collect\"}");
    script("GET /extended/v1/address/" ACCOUNT "/nonces", "{\"last_executed_tx_nonce\":null}");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    assert_string_equal(status.reason, "dropped_stale_garbage_collect");
    script("GET /extended/v1/tx/0x", "{\"tx_status\":\"dropped_replace_by_fee\"}");
    script("GET /extended/v1/address/" ACCOUNT "/nonces", "{\"last_executed_tx_nonce\":3}");
    script("GET /extended/v1/tx/0x", "{\"tx_status\":\"dropped_replace_by_fee\"}");
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    assert_non_null(strstr(status.reason, "dropped_replace_by_fee"));
}

static void script_api(const struct stacks_block *block, const char *tx_status)
{
    char hex[65];

    hex_text(hex, block->hash.bytes, sizeof(block->hash.bytes));
    script("GET /extended/v1/tx/0x",
           "{\"tx_status\":\"%s\",\"canonical\":true,\"block_hash\":\"0x%s\",\"block_height\":5,"
           "\"tx_result\":{\"hex\":\"0x0703\",\"repr\":\"(ok true)\"}}", tx_status, hex);
}

/* The API names a block by the header's hash and the height: its id is made with the consensus hash. */
static void the_apis_blocks_are_fetched_by_height(void **state)
{
    struct network_prepared prepared;
    struct network_status status;
    struct stacks_block read;
    struct buffer block, other;
    struct hash id;

    (void)state;
    buffer_init(&block);
    buffer_init(&other);
    stacks_prepare_one(&prepared);
    stacks_make_block(&block, prepared.raw, 5, 1, &id);
    stacks_make_block(&other, prepared.raw, 5, 2, &id);
    assert_int_equal(stacks_block_read(buffer_bytes(&block), &read), STACKS_BLOCK_GOOD);
    for (int failed = 0; failed < 2; failed++) {
        script_api(&read, failed ? "abort_by_post_condition" : "success");
        script_bytes("GET /v3/blocks/height/5", buffer_bytes(&block));
        script("GET /v2/info", INFO_AT("9"));
        script("GET /v3/sortitions/consensus/", "[{\"burn_block_height\":95}]");
        stacks_assert_status(&prepared, failed ? TRANSACTION_FAILED : TRANSACTION_CONFIRMED);
    }
    script_api(&read, "success"); /* a server without this path does not make it vanish */
    script_http("GET /v3/blocks/height/5", 404, "");
    script("GET /v2/info", INFO_AT("9"));
    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, &prepared, &status),
                     ERROR_NETWORK_PROTOCOL);
    script_api(&read, "success"); /* a chain that is shorter now does */
    script_http("GET /v3/blocks/height/5", 404, "");
    script("GET /v2/info", INFO_AT("4"));
    script("GET /v2/transactions/unconfirmed/", "{\"tx\":\"00\",\"status\":\"Mempool\"}");
    stacks_assert_status(&prepared, TRANSACTION_PENDING);
    script_api(&read, "success");
    /* the node before it is elsewhere by now */
    script_bytes("GET /v3/blocks/height/5", buffer_bytes(&other));
    script("GET /v2/transactions/unconfirmed/", "{\"tx\":\"00\",\"status\":\"Mempool\"}");
    stacks_assert_status(&prepared, TRANSACTION_PENDING);
    buffer_close(&block);
    buffer_close(&other);
}

static void history_comes_from_the_api(void **state)
{
    struct network_history history;

    (void)state;
    script("GET /extended/v1/address/" ACCOUNT "/transactions?limit=2&offset=0",
           "{\"total\":3,\"results\":[{\"tx_id\":\"0x" TIP "\",\"tx_type\":\"token_transfer\","
           "\"tx_status\":\"success\","
           "\"block_height\":4,\"block_time\":77,\"token_transfer\":{\"amount\":\"12\"}},"
           "{\"tx_id\":\"0x" TIP "\",\"tx_type\":\"contract_call\",\"tx_status\":\"abort_by_response\"}]}");
    assert_int_equal(stacks_network.get_transaction_history(here.client, &here.call, NULL, 2, &history), OK);
    assert_int_equal(history.count, 2);
    assert_string_equal(history.entries[0].amount, "12");
    assert_int_equal(history.entries[1].state, TRANSACTION_FAILED);
    assert_string_equal(history.next, "2");
}

/* --- proofs ------------------------------------------------------------------------------------- */
static void a_proof_made_here_holds_and_no_changed_one(void **state)
{
    struct network_prepared prepared;
    struct network_verdict verdict;
    struct buffer block;
    const char *proof;
    char claim[128], *changed;
    struct hash id;

    (void)state;
    buffer_init(&block);
    stacks_prepare_one(&prepared);
    stacks_make_block(&block, prepared.raw, 5, 1, &id);
    snprintf(claim, sizeof(claim), "{\"type\":\"stacks-transaction\",\"transaction\":\"%s\"}",
             prepared.transaction);
    stacks_script_mined(&block, &id, &block, "(ok true)");
    script_bytes("GET /v3/blocks/", buffer_bytes(&block));
    assert_int_equal(stacks_network.generate_proof(here.client, &here.call, claim, &proof), OK);
    script_bytes("GET /v3/blocks/height/5", buffer_bytes(&block));
    assert_int_equal(stacks_network.verify_proof(here.client, &here.call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
    changed = text_copy(proof);
    for (size_t at = 0; at < strlen(proof); at += at < 60 ? 1 : 7) {
        enum status outcome;

        changed[at] = proof[at] == '0' ? '1' : '0';
        script_bytes("GET /v3/blocks/height/", buffer_bytes(&block));
        outcome = stacks_network.verify_proof(here.client, &here.call, changed, &verdict);
        assert_true(outcome != OK || verdict.verdict != PROOF_VALID);
        changed[at] = proof[at];
        script_begin();
    }
    free(changed);
    buffer_close(&block);
}

static void what_is_not_read_here_is_unverifiable(void **state)
{
    struct network_verdict verdict;

    (void)state;
    assert_int_equal(stacks_network.verify_proof(here.client, &here.call, "{\"type\":\"stacks-account\"}",
                                                 &verdict),
                     OK);
    assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE);
    assert_int_equal(stacks_network.verify_proof(here.client, &here.call, "{\"type\":\"eth\"}", &verdict),
                     ERROR_INVALID_PARAMS);
    assert_int_equal(stacks_network.verify_proof(here.client, &here.call, "{", &verdict),
                     ERROR_INVALID_PARAMS);
}

int main(void)
{
#define LINKED(test) cmocka_unit_test_setup_teardown(test, stacks_setup, stacks_teardown)
#define BY_API(test) cmocka_unit_test_setup_teardown(test, stacks_setup_api, stacks_teardown)
    const struct CMUnitTest tests[] = {
        LINKED(status_is_what_the_blocks_say),
        LINKED(a_node_that_names_a_block_without_it_is_found_out),
        LINKED(a_node_does_not_tell_of_post_conditions),
        LINKED(an_id_in_capitals_is_asked_in_small_letters),
        LINKED(a_missing_transaction_is_unknown_or_replaced),
        BY_API(the_apis_states_are_read),
        BY_API(the_apis_blocks_are_fetched_by_height),
        BY_API(history_comes_from_the_api),
        LINKED(a_proof_made_here_holds_and_no_changed_one),
        LINKED(what_is_not_read_here_is_unverifiable),
    };

    return cmocka_run_group_tests_name("stacks_status", tests, NULL, NULL);
}
