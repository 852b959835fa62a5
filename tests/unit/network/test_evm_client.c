/* The EVM client against a server in the process that says whatever a test wants: each server's dialect,
 * lies, and replies that are no replies. */
#include "evm_fake.h"

#include "crypto/hash.h"
#include "network/evm/evm_proof.h"
#include "network/evm/evm_swap.h"
#include "network/evm/trie.h"

#define BOB "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define CHAIN_LENGTH 40
#define CONFIRMATIONS 5

struct fixture {
    const struct network *network;
    struct evm_options options;
    struct test_signer signer;
    void *client;
    struct arena arena;
    struct network_call call;
};

static int start(void **state, const struct network *network)
{
    struct fixture *f = memory_new(sizeof *f);
    struct error error = {0};
    crypto_start();
    f->network = network;
    fake_start(network == &rootstock_network, CHAIN_LENGTH, 0);
    f->options = default_options(network, "http://fake");
    f->options.confirmations = CONFIRMATIONS;
    test_signer_start(&f->signer, KEY_ALICE);
    struct network_setup setup = {.link = "fake", .network = NETWORK_DEV, .options = &f->options,
                                  .signer = &f->signer.signer};
    assert_int_equal(network->initialize(&setup, &f->client, &error), OK);
    call_begin(&f->call, &f->arena, 600);
    *state = f;
    return 0;
}
static int start_bob(void **state) { return start(state, &bob_network); }
static int start_rootstock(void **state) { return start(state, &rootstock_network); }

static int stop(void **state)
{
    struct fixture *f = *state;
    call_end(&f->call);
    f->network->release(f->client);
    test_signer_stop(&f->signer);
    fake_stop();
    free(f);
    return 0;
}

static void expect(struct fixture *f, enum status status, enum status expected)
{
    if (status != expected)
        fail_msg("%s, expected %s: %s", status_name(status), status_name(expected), f->call.error.message);
}

/* What a server needs to say for a payment to be prepared. */
static void ready_to_pay(const struct fixture *f)
{
    fake_answers("eth_estimateGas", json_string("0x5208"));
    fake_answers("eth_getTransactionCount", json_string("0x7"));
    if (f->network == &bob_network)
        fake_answers("eth_feeHistory",
                     json_pack("{s[ss]s[[sss]]}", "baseFeePerGas", "0x3b9aca00", "0x3b9aca00", "reward",
                               "0xf4240", "0xf4240", "0xf4240"));
    else
        fake_answers("eth_gasPrice", json_string("0x3938700"));
}

static struct network_prepared payment(struct fixture *f)
{
    struct network_prepared prepared = {0};
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1"};
    ready_to_pay(f);
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), OK);
    return prepared;
}

static json_t *transaction_json(const struct network_prepared *prepared)
{
    return json_pack("{ss sn}", "hash", prepared->transaction, "blockHash");
}

static struct network_sent sent_of(struct fixture *f, const struct network_prepared *prepared)
{
    struct network_sent sent = {0};
    expect(f, f->network->send(f->client, &f->call, prepared, &sent), OK);
    return sent;
}

/* --- options ----------------------------------------------------------------------------------------- */
static void options_that_do_not_go_together_are_refused(void **state)
{
    struct fixture *f = *state;
    struct evm_options wrong[7];
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        wrong[i] = f->options;
    wrong[0].chain_id = 0;
    wrong[1].confirmations = 0;
    wrong[2].fee_limit = "12x";
    wrong[3].credential = "basic"; /* and no file */
    wrong[4].credential_file = "/nowhere";
    wrong[5].credential = "header", wrong[5].credential_file = "/nowhere";
    wrong[6].work_least = "-1";
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error error = {0};
        void *client = NULL;
        struct network_setup setup = {.link = "x", .network = NETWORK_DEV, .options = &wrong[i]};
        assert_int_equal(f->network->initialize(&setup, &client, &error), ERROR_NETWORK_OPTIONS);
        assert_null(client);
    }
    struct evm_options test = f->options;
    struct error error = {0};
    void *client = NULL;
    test.chain_id = 31337;
    struct network_setup setup = {.link = "x", .network = NETWORK_MAIN, .options = &test};
    assert_int_equal(f->network->initialize(&setup, &client, &error), ERROR_NETWORK_OPTIONS);
    setup.network = NETWORK_DEV;
    assert_int_equal(f->network->initialize(&setup, &client, &error), OK);
    f->network->release(client);
}

/* --- sending ----------------------------------------------------------------------------------------- */
/* As geth, op-geth, anvil, hardhat, rskj and OpenEthereum say it. `known`: whether the server then has it. */
static const struct { const char *message; bool known; enum send_outcome outcome; } dialects[] = {
    {"already known", false, SEND_ACCEPTED},
    {"transaction already imported", false, SEND_ACCEPTED},
    {"Transaction with the same hash was already imported.", false, SEND_ACCEPTED},
    {"Known transaction: 5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060", false,
     SEND_ACCEPTED},
    {"pending transaction with same hash already exists", false, SEND_ACCEPTED},
    {"nonce too low", false, SEND_AMBIGUOUS},
    {"nonce too low", true, SEND_ACCEPTED},
    {"nonce too low: next nonce 4, tx nonce 3", false, SEND_AMBIGUOUS},
    {"Nonce too low. Expected nonce to be 4 but got 3. Note that transactions can't be queued when "
     "automining.", false, SEND_AMBIGUOUS},
    {"transaction nonce too low", false, SEND_AMBIGUOUS},
    {"Nonce too high. Expected nonce to be 0 but got 3.", false, SEND_AMBIGUOUS},
    {"txpool is full", false, SEND_AMBIGUOUS},
    {"replacement transaction underpriced", false, SEND_REJECTED},
    {"replacement transaction underpriced", true, SEND_ACCEPTED},
    {"insufficient funds for gas * price + value: balance 0, tx cost 21000", false, SEND_REJECTED},
    {"intrinsic gas too low", false, SEND_REJECTED},
    {"max fee per gas less than block base fee", false, SEND_REJECTED},
    {"exceeds block gas limit", false, SEND_REJECTED},
    {"invalid chain id for signer", false, SEND_REJECTED},
    {"transaction gas price lower than the minimum", false, SEND_REJECTED},
    {"Error: VM Exception while processing transaction: reverted with reason string 'no'", false,
     SEND_REJECTED},
    /* hardhat refuses so what it mines as failed all the same */
    {"Error: VM Exception while processing transaction: reverted with reason string 'no'", true,
     SEND_ACCEPTED},
};

static void every_server_s_words_are_understood(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        fake_refuses("eth_sendRawTransaction", -32000, dialects[i].message, NULL);
        fake_answers("eth_getTransactionByHash",
                     dialects[i].known ? transaction_json(&prepared) : json_null());
        struct network_sent sent = sent_of(f, &prepared);
        if (sent.outcome != dialects[i].outcome)
            fail_msg("'%s': outcome %d", dialects[i].message, (int)sent.outcome);
        assert_string_equal(sent.reason, dialects[i].message);
    }
    /* What cannot be looked up is not called rejected. */
    fake_refuses("eth_sendRawTransaction", -32000, "insufficient funds", NULL);
    fake_fails("eth_getTransactionByHash", ERROR_NETWORK_TIMEOUT);
    assert_int_equal(sent_of(f, &prepared).outcome, SEND_AMBIGUOUS);
    assert_int_equal(fake_blamed(), 0); /* none of this is the server's fault */
}

static void a_write_without_an_answer_is_ambiguous_unless_it_was_not_received(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    static const enum status perhaps[] = {ERROR_NETWORK_AMBIGUOUS, ERROR_NETWORK_TIMEOUT,
                                          ERROR_NETWORK_PROTOCOL, ERROR_NETWORK_TOO_LARGE,
                                          ERROR_NETWORK_SERVER};
    for (size_t i = 0; i < COUNT_OF(perhaps); i++) {
        fake_fails("eth_sendRawTransaction", perhaps[i]);
        assert_int_equal(sent_of(f, &prepared).outcome, SEND_AMBIGUOUS);
    }
    static const enum status never[] = {ERROR_NETWORK_TRANSPORT, ERROR_NETWORK_BUSY,
                                        ERROR_NETWORK_CIRCUIT_OPEN, ERROR_NETWORK_TLS};
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        struct network_sent sent;
        fake_fails("eth_sendRawTransaction", never[i]);
        expect(f, f->network->send(f->client, &f->call, &prepared, &sent), never[i]);
    }
    /* one attempt each: nothing is sent again from here */
    assert_int_equal(fake_asked("eth_sendRawTransaction"), COUNT_OF(perhaps) + COUNT_OF(never));
    fake_answers("eth_sendRawTransaction", json_string(prepared.transaction));
    assert_int_equal(sent_of(f, &prepared).outcome, SEND_ACCEPTED);
    assert_int_equal(fake_blamed(), 0);
    char other[REPLY_HASH_TEXT_MAX];
    snprintf(other, sizeof other, "%s", prepared.transaction);
    other[10] = other[10] == '0' ? '1' : '0';
    fake_answers("eth_sendRawTransaction", json_string(other));
    assert_int_equal(sent_of(f, &prepared).outcome, SEND_AMBIGUOUS);
    assert_int_equal(fake_blamed(), 1);
}

/* --- what is signed ---------------------------------------------------------------------------------- */
static void what_is_signed_is_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    struct evm_transaction transaction;
    struct evm_address sender, to;
    struct error error = {0};
    assert_int_equal(evm_transaction_decode(prepared.raw, &f->arena, &transaction, &sender, &error), OK);
    assert_true(evm_address_decode(&to, BOB, strlen(BOB), EVM_CHECKSUM_PLAIN));
    assert_true(evm_address_equal(&transaction.to, &to));
    assert_memory_equal(&sender, &((struct evm_client *)f->client)->account, sizeof sender);
    assert_int_equal(transaction.nonce, 7);
    assert_int_equal(transaction.gas_limit, 21000);
    bool bob = f->network == &bob_network;
    assert_int_equal(transaction.kind, bob ? EVM_DYNAMIC_FEE : EVM_LEGACY);
    assert_int_equal(transaction.chain_id, bob ? 60808 : 30);
    struct u256 price = u256_of(bob ? 2001000000 : 66000000); /* twice the base and the tip; a tenth more */
    assert_int_equal(u256_compare(&transaction.gas_price, &price), 0);
    struct hash id;
    char text[REPLY_HASH_TEXT_MAX];
    evm_transaction_id(prepared.raw, &id);
    assert_string_equal(prepared.transaction, reply_hash_text(text, &id));
}

/* The server knows of 7; 7 and 8 were signed, and not yet sent. */
static void numbers_that_were_signed_are_not_given_again(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared;
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1", .sequence_least = 9};
    ready_to_pay(f);
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), OK);
    assert_int_equal(prepared.sequence, 9);
    write.sequence_least = 3;
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), OK);
    assert_int_equal(prepared.sequence, 7);
}

static void a_server_cannot_make_a_transaction_dearer_than_its_limit(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared;
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1"};
    ready_to_pay(f);
    const char *dear = "0x8ac7230489e80000"; /* ten ether for a unit of gas */
    if (f->network == &bob_network)
        fake_answers("eth_feeHistory", json_pack("{s[s]s[]}", "baseFeePerGas", dear, "reward"));
    else
        fake_answers("eth_gasPrice", json_string(dear));
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), ERROR_NETWORK_FEE_LIMIT);
    ready_to_pay(f);
    fake_answers("eth_estimateGas", json_string("0xffffffff"));
    fake_needs_gas(1);
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), ERROR_NETWORK_FEE_LIMIT);
    fake_answers("eth_estimateGas", json_string("0x5207")); /* less than anything costs */
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), ERROR_NETWORK_PROTOCOL);
    fake_refuses("eth_estimateGas", 3, "execution reverted: no",
                 json_string("0x08c379a0"
                             "0000000000000000000000000000000000000000000000000000000000000020"
                             "0000000000000000000000000000000000000000000000000000000000000002"
                             "6e6f000000000000000000000000000000000000000000000000000000000000"));
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), ERROR_NETWORK_REJECTED);
    assert_string_equal(f->call.error.message, "reverted: no");
    assert_int_equal(fake_asked("eth_sendRawTransaction"), 0);
}

/* rskj's estimate is what one run with plenty of gas used up. */
static void a_limit_with_which_it_fails_is_not_signed(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared;
    struct evm_transaction transaction;
    struct evm_address sender;
    struct error error = {0};
    struct network_write write = {.kind = WRITE_SUBMIT,
                                  .options = "{\"to\":\"" BOB "\",\"data\":\"0x84cc9dfb\"}"};
    ready_to_pay(f);
    fake_answers("eth_estimateGas", json_string("0x186a0"));
    fake_needs_gas(364762);
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), OK);
    assert_int_equal(evm_transaction_decode(prepared.raw, &f->arena, &transaction, &sender, &error), OK);
    assert_int_equal(transaction.gas_limit, 4 * 125000);
    fake_needs_gas(8 * 125000 + 1);
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), ERROR_NETWORK_REJECTED);
    assert_string_equal(f->call.error.message, "reverted: NotEnoughGas()");
    /* hardhat's can be beyond what any block takes */
    fake_answers("eth_estimateGas", json_string("0x1700000"));
    fake_needs_gas(1);
    write.fee = "1000000000000000000";
    expect(f, f->network->prepare(f->client, &f->call, &write, &prepared), OK);
    assert_int_equal(evm_transaction_decode(prepared.raw, &f->arena, &transaction, &sender, &error), OK);
    assert_int_equal(transaction.gas_limit, 16777216);
}

/* --- blocks ------------------------------------------------------------------------------------------ */
static void a_block_whose_hash_is_not_its_own_is_refused_and_blamed(void **state)
{
    struct fixture *f = *state;
    static const char *const fields[] = {"parentHash", "stateRoot", "number", "timestamp", "gasUsed",
                                         "extraData", "baseFeePerGas", "hash", "logsBloom", "nonce"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct network_state found;
        json_t *block = json_deep_copy(fake_block(CHAIN_LENGTH - 1)->json);
        const char *was = json_string_value(json_object_get(block, fields[i]));
        AUTO_FREE char *text = text_format("%s%s", was, strcmp(fields[i], "extraData") == 0 ? "aa" : "");
        char *last = text + strlen(text) - 1;
        *last = *last == '1' ? '2' : '1';
        json_object_set_new(block, fields[i], json_string(text));
        fake_answers("eth_getBlockByNumber", block);
        size_t before = fake_blamed();
        expect(f, f->network->get_state(f->client, &f->call, &found), ERROR_NETWORK_PROTOCOL);
        assert_int_equal(fake_blamed(), before + 1);
        json_object_del(block, fields[i]);
        expect(f, f->network->get_state(f->client, &f->call, &found), ERROR_NETWORK_PROTOCOL);
    }
}

static void another_block_than_was_asked_for_is_refused(void **state)
{
    struct fixture *f = *state;
    struct network_sync sync;
    char hash[REPLY_HASH_TEXT_MAX];
    struct network_position position = {true, 10, reply_hash_text(hash, &fake_block(10)->hash)};
    fake_answers("eth_getBlockByNumber", json_incref(fake_block(12)->json));
    expect(f, f->network->sync_state(f->client, &f->call, &position, &sync), ERROR_NETWORK_PROTOCOL);
}

static void a_chain_is_followed_through_reorganisations(void **state)
{
    struct fixture *f = *state;
    char hash[REPLY_HASH_TEXT_MAX];
    struct network_sync sync;
    struct network_position position = {true, 20, reply_hash_text(hash, &fake_block(20)->hash)};
    expect(f, f->network->sync_state(f->client, &f->call, &position, &sync), OK);
    assert_false(sync.rewound);
    assert_int_equal(sync.count, CHAIN_LENGTH - 21);
    for (size_t i = 0; i < sync.count; i++)
        assert_string_equal(sync.blocks[i].hash, reply_hash_text(hash, &fake_block(21 + i)->hash));
    position = (struct network_position){true, CHAIN_LENGTH - 1, sync.blocks[sync.count - 1].hash};

    fake_reorganise(30, CHAIN_LENGTH + 2, 1);
    uint64_t at = position.height, steps = 0;
    do {
        expect(f, f->network->sync_state(f->client, &f->call, &position, &sync), OK);
        if (!sync.rewound)
            break;
        assert_true(sync.rewound_to < at && sync.more);
        at = sync.rewound_to;
        /* what the module knows of that height: from before the reorganisation */
        static const char stale[] = "0x0000000000000000000000000000000000000000000000000000000000000001";
        position.height = at;
        position.hash = at < 30 ? reply_hash_text(hash, &fake_block(at)->hash) : stale;
    } while (++steps < 10);
    assert_int_equal(steps, 4); /* 39 − 1 − 2 − 4 − 8 = 24 */
    assert_int_equal(at, 24);
    assert_int_equal(sync.count, CHAIN_LENGTH + 2 - 25);
    assert_int_equal(fake_blamed(), 0);
}

/* --- status ------------------------------------------------------------------------------------------ */
static json_t *receipt_json(const struct network_prepared *prepared, size_t block, bool succeeded)
{
    return json_pack("{ss so so ss ss ss sn}", "transactionHash", prepared->transaction, "blockHash",
                     json_data(fake_block(block)->hash.bytes, 32), "blockNumber", json_quantity(block),
                     "transactionIndex", "0x0", "gasUsed", "0x5000", "status", succeeded ? "0x1" : "0x0",
                     "contractAddress");
}

static struct network_status status_of(struct fixture *f, const struct network_prepared *prepared)
{
    struct network_status status = {0};
    expect(f, f->network->check_transaction_status(f->client, &f->call, prepared, &status), OK);
    return status;
}

static void a_receipt_counts_as_far_as_its_block_does(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    size_t newest = CHAIN_LENGTH - 1;
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, newest - CONFIRMATIONS + 2, true));
    struct network_status status = status_of(f, &prepared);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_int_equal(status.confirmations, CONFIRMATIONS - 1);
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, newest - CONFIRMATIONS + 1, true));
    status = status_of(f, &prepared);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.finality, FINALITY_FINAL); /* its newest is; Rootstock's by depth */
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, newest - CONFIRMATIONS + 1, false));
    fake_answers("eth_call", json_string("0x"));
    status = status_of(f, &prepared);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    assert_non_null(status.reason);

    /* The receipt's block is no longer the chain's at its height. */
    json_t *receipt = receipt_json(&prepared, 20, true);
    json_object_set_new(receipt, "blockHash", json_data(fake_block(19)->hash.bytes, 32));
    fake_answers("eth_getTransactionReceipt", receipt);
    status = status_of(f, &prepared);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_false(status.has_height);
    assert_non_null(strstr(status.reason, "no longer"));

    /* A receipt of another transaction. */
    receipt = receipt_json(&prepared, 20, true);
    json_object_set_new(receipt, "transactionHash", json_data(fake_block(3)->hash.bytes, 32));
    fake_answers("eth_getTransactionReceipt", receipt);
    expect(f, f->network->check_transaction_status(f->client, &f->call, &prepared, &status),
           ERROR_NETWORK_PROTOCOL);
    assert_int_equal(fake_blamed(), 1);
}

static void finality_is_what_the_tags_say_or_the_depth(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    struct evm_client *client = f->client;
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, CHAIN_LENGTH - 2, true));
    client->confirmations = 1;
    assert_int_equal(status_of(f, &prepared).finality, FINALITY_FINAL);
    client->confirmations = CONFIRMATIONS;
    if (f->network == &rootstock_network) {
        assert_int_equal(status_of(f, &prepared).finality, FINALITY_SOFT);
        return;
    }
    static const struct { uint64_t safe, final; enum finality expected; } cases[] = {
        {CHAIN_LENGTH - 3, CHAIN_LENGTH - 4, FINALITY_SOFT},
        {CHAIN_LENGTH - 2, CHAIN_LENGTH - 3, FINALITY_SAFE},
        {CHAIN_LENGTH - 2, CHAIN_LENGTH - 2, FINALITY_FINAL},
        {FAKE_BLOCKS_MAX, FAKE_BLOCKS_MAX, FINALITY_SOFT}, /* a server without tags, not deep enough */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_tags(cases[i].safe, cases[i].final);
        assert_int_equal(status_of(f, &prepared).finality, cases[i].expected);
    }
    client->confirmations = 2;
    assert_int_equal(status_of(f, &prepared).finality, FINALITY_SAFE);
}

/* --- lies that have to be noticed -------------------------------------------------------------------- */
static void a_swap_s_terms_have_to_be_those_of_its_id(void **state)
{
    struct fixture *f = *state;
    struct evm_swap_terms terms = {.amount = u256_of(5), .deadline_s = 2000000000};
    struct evm_swap_reading reading;
    struct hash id, secret = {{9}}, found_secret, transaction;
    bool found;
    memset(terms.contract.bytes, 1, EVM_ADDRESS_SIZE);
    memset(terms.sender.bytes, 2, EVM_ADDRESS_SIZE);
    memset(terms.recipient.bytes, 3, EVM_ADDRESS_SIZE);
    sha256(&terms.hash, secret.bytes, sizeof secret.bytes);
    evm_swap_id(((struct evm_client *)f->client)->chain_id, &terms, &id);
    struct evm_swap_call deploy;
    evm_swap_deploy(&deploy);
    const size_t code = 3916; /* HASH_LOCK_CODE_SIZE */
    fake_answers("eth_getCode", json_data(deploy.data.data + deploy.data.size - code, code));
    evm_swap_call_close(&deploy);
    for (int lie = 0; lie < 2; lie++) {
        struct buffer answer CLEANUP(buffer_close);
        buffer_init(&answer);
        struct u256 amount = u256_of(5 + (uint64_t)lie);
        const struct abi_value values[] = {
            abi_address(&terms.sender), abi_small(ABI_UINT64, terms.deadline_s), abi_small(ABI_UINT8, 1),
            abi_address(&terms.recipient), abi_address(&terms.token), abi_number(&amount),
            abi_word(&terms.hash)};
        abi_encode(values, COUNT_OF(values), &answer);
        fake_answers("eth_call", json_data(answer.data, answer.size));
        expect(f, evm_swap_read(f->client, &f->call, &terms.contract, &id, true, &reading),
               lie == 0 ? OK : ERROR_NETWORK_PROTOCOL);
    }
    assert_int_equal(reading.state, EVM_SWAP_LOCKED);
    assert_int_equal(reading.height, CHAIN_LENGTH - CONFIRMATIONS);

    /* A secret that is none. */
    struct hash topic;
    abi_topic("Claimed(bytes32,bytes32)", &topic);
    for (int lie = 0; lie < 2; lie++) {
        struct hash told = secret;
        told.bytes[5] ^= (uint8_t)lie;
        fake_answers("eth_getLogs",
                     json_pack("[{so s[oo] so so so ss ss}]", "address", json_data(terms.contract.bytes, 20),
                               "topics", json_data(topic.bytes, 32), json_data(id.bytes, 32), "data",
                               json_data(told.bytes, 32), "transactionHash", json_data(id.bytes, 32),
                               "blockHash", json_data(fake_block(30)->hash.bytes, 32), "blockNumber", "0x1e",
                               "logIndex", "0x0"));
        expect(f, evm_swap_secret(f->client, &f->call, &terms.contract, &id, &terms.hash, 5, &found,
                                  &found_secret, &transaction), lie == 0 ? OK : ERROR_NETWORK_PROTOCOL);
        assert_true(found);
        assert_memory_equal(&found_secret, &secret, sizeof secret);
    }
    /* Logs from before the range that was asked for were not asked for. */
    expect(f, evm_swap_secret(f->client, &f->call, &terms.contract, &id, &terms.hash, 31, &found,
                              &found_secret, &transaction), ERROR_NETWORK_PROTOCOL);
}

static void expect_claim(struct fixture *f, const char *said, enum status expected,
                         enum proof_verdict verdict)
{
    struct network_verdict found = {0};
    AUTO_FREE char *claim = text_format("{\"type\":\"account\",\"address\":\"" BOB "\"%s}", said);
    enum status status = f->network->validate_state(f->client, &f->call, claim, &found);
    if (status != expected)
        fail_msg("%s: %s, expected %s: %s", said, status_name(status), status_name(expected),
                 f->call.error.message);
    if (status == OK && found.verdict != verdict)
        fail_msg("%s: verdict %d, expected %d: %s", said, found.verdict, verdict, found.reason);
}

/* Every block's state is this account alone: nonce 7, balance 5, no storage. */
static void account_in_every_block(struct fixture *f)
{
    struct evm_account account = evm_account_empty();
    struct evm_address address;
    struct buffer value CLEANUP(buffer_close) = {0};
    struct error error = {0};
    struct trie *trie;
    struct hash key;
    const struct bytes *nodes;
    size_t count;
    account.nonce = 7;
    account.balance = u256_of(5);
    assert_true(evm_address_decode(&address, BOB, strlen(BOB), EVM_CHECKSUM_PLAIN));
    keccak_hash(&key, address.bytes, sizeof address.bytes);
    buffer_init(&value);
    evm_account_encode(&account, &value);
    struct trie_leaf leaf = {bytes_of(key.bytes, sizeof key.bytes), buffer_bytes(&value)};
    assert_int_equal(trie_build(&leaf, 1, &f->arena, &trie, &error), OK);
    trie_prove(trie, leaf.key, &f->arena, &nodes, &count);
    assert_int_equal(count, 1);
    fake_state_root(trie_root(trie));
    fake_reorganise(0, CHAIN_LENGTH, 0);
    fake_answers("eth_getProof", json_pack("{s[o] s[{s[]}]}", "accountProof",
                                           json_data(nodes[0].data, nodes[0].size), "storageProof", "proof"));
    fake_answers("eth_getBalance", json_string("0x5"));
    fake_answers("eth_getTransactionCount", json_string("0x7"));
    fake_answers("eth_getStorageAt", json_string("0x0"));
}

static void a_claim_of_an_account_has_to_say_something(void **state)
{
    struct fixture *f = *state;
    bool bob = f->network == &bob_network;
    enum proof_verdict same = bob ? PROOF_VALID : PROOF_UNVERIFIABLE;
    struct buffer many CLEANUP(buffer_close) = {0};
    account_in_every_block(f);
    expect_claim(f, ",\"nonce\":7", OK, same);
    expect_claim(f, ",\"balance\":\"6\"", OK, PROOF_INVALID);
    expect_claim(f, ",\"slots\":[{\"slot\":\"0x1\",\"value\":0}]", OK, same);
    expect_claim(f, ",\"slots\":[{\"slot\":\"0x1\",\"value\":1}]", OK, PROOF_INVALID);

    static const char *const nothing[] = {
        "", ",\"slots\":[]", ",\"block\":1", ",\"balanc\":1", ",\"slots\":[{\"slot\":\"0x1\"}]",
        ",\"nonce\":7,\"slots\":[{\"slot\":\"0x1\",\"value\":0},{\"slot\":\"0x2\"}]",
        ",\"nonce\":7,\"slots\":[{\"value\":0}]", ",\"nonce\":7,\"slots\":[\"0x1\"]",
        ",\"nonce\":7,\"slots\":{\"0x1\":0}", ",\"nonce\":7,\"slots\":\"0x1\"",
        ",\"nonce\":7,\"slots\":null",
        ",\"nonce\":null", ",\"slots\":[{\"slot\":\"0x1\",\"value\":null}]",
    };
    for (size_t i = 0; i < COUNT_OF(nothing); i++)
        expect_claim(f, nothing[i], ERROR_INVALID_PARAMS, PROOF_INVALID);

    /* One slot more than a proof may have: the last would not be compared. */
    buffer_init(&many);
    buffer_append_format(&many, ",\"nonce\":7,\"slots\":[");
    for (size_t i = 0; i <= EVM_PROOF_SLOTS_MAX; i++)
        buffer_append_format(&many, "%s{\"slot\":\"0x%zx\",\"value\":%d}", i == 0 ? "" : ",", i + 1,
                             i == EVM_PROOF_SLOTS_MAX);
    buffer_append_format(&many, "]");
    expect_claim(f, buffer_text(&many), ERROR_INVALID_PARAMS, PROOF_INVALID);
    assert_non_null(strstr(f->call.error.message, "65 slots; 64 at most"));
}

/* Whatever a server answers to any method, an operation ends in order: an answer, or an error. */
static void no_reply_breaks_the_client(void **state)
{
    struct fixture *f = *state;
    static const char *const methods[] = {
        "eth_chainId", "eth_getBlockByNumber", "eth_getBlockByHash", "web3_clientVersion", "rpc_modules",
        "eth_blockNumber",
        "eth_syncing", "eth_gasPrice", "eth_getBalance", "eth_estimateGas", "eth_feeHistory", "eth_call",
        "eth_getTransactionCount", "eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getLogs",
        "eth_getProof", "eth_getBlockReceipts", "eth_getCode", "eth_sendRawTransaction",
        "eth_getRawTransactionByBlockHashAndIndex", "rsk_getRawBlockHeaderByHash",
        "rsk_getTransactionReceiptNodesByHash", "rsk_getRawTransactionReceiptByHash",
    };
    static const char *const shapes[] = {
        "null", "true", "0", "-1", "1.5", "\"\"", "\"0x\"", "\"0xzz\"", "\"0x0g\"", "[]", "{}", "[null]",
        "[{}]", "[[]]", "{\"hash\":1}",
        "\"0x00000000000000000000000000000000000000000000000000000000000000000\"",
        "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
        "[\"0x\"]", "{\"accountProof\":[\"0x\"],\"storageProof\":[{}]}",
        "{\"baseFeePerGas\":[\"0x1\"],\"reward\":1}",
        ("{\"hash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\","
         "\"number\":\"0x1\"}"),
    };
    struct network_prepared prepared = payment(f);
    char claim[256];
    snprintf(claim, sizeof claim, "{\"type\":\"receipt\",\"transaction\":\"%s\"}", prepared.transaction);
    size_t fine = 0;
    for (size_t m = 0; m < COUNT_OF(methods); m++) {
        for (size_t s = 0; s < COUNT_OF(shapes); s++) {
            struct network_greeting greeting;
            struct network_state told;
            struct network_sync sync;
            struct network_status status;
            struct network_history history;
            struct network_prepared other;
            struct network_sent sent;
            struct network_verdict verdict;
            const char *proof;
            struct network_position nowhere = {0};
            struct network_write issue = {.kind = WRITE_ISSUE, .symbol = "A", .amount = "1"};
            struct error error = {0};
            json_t *shape = NULL;
            assert_int_equal(json_parse(shapes[s], strlen(shapes[s]), &shape, &error), OK);
            fake_answers("eth_chainId", json_string(f->network == &bob_network ? "0xed88" : "0x1e"));
            fake_answers("web3_clientVersion", json_string("fake"));
            fake_answers("rpc_modules", json_pack("{ss}", "rsk", "1.0"));
            fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, 20, true));
            ready_to_pay(f);
            fake_answers(methods[m], shape);
            struct arena arena CLEANUP(arena_close);
            arena_init(&arena);
            f->call.arena = &arena;
            struct network_write pay = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1"};
            fine += f->network->connect(f->client, &f->call, &greeting) == OK;
            fine += f->network->health_check(f->client, &f->call, &told) == OK;
            fine += f->network->get_state(f->client, &f->call, &told) == OK;
            fine += f->network->sync_state(f->client, &f->call, &nowhere, &sync) == OK;
            fine += f->network->get_transaction_history(f->client, &f->call, NULL, 5, &history) == OK;
            fine += f->network->prepare(f->client, &f->call, &issue, &other) == OK;
            fine += f->network->generate_proof(f->client, &f->call, claim, &proof) == OK;
            fine += f->network->generate_proof(f->client, &f->call,
                                               "{\"type\":\"account\",\"address\":\"" BOB
                                               "\",\"slots\":[\"0x1\"]}", &proof) == OK;
            fine += f->network->validate_state(f->client, &f->call,
                                               "{\"type\":\"account\",\"address\":\"" BOB "\",\"nonce\":1}",
                                               &verdict) == OK;
            if (f->network->prepare(f->client, &f->call, &pay, &other) == OK) {
                fine += f->network->send(f->client, &f->call, &other, &sent) == OK;
                fine += f->network->check_transaction_status(f->client, &f->call, &other, &status) == OK;
            }
            fake_forgets(methods[m]);
        }
    }
    f->call.arena = &f->arena;
    assert_true(fine > 0); /* most of them need only some of the methods */
}

/* --- Rootstock's own --------------------------------------------------------------------------------- */
/* rsksmart/rskj, Web3ImplTest.getTransactionReceipt: receipt 0 of a block with one, with an empty bloom. */
#define RECEIPT_NODE "0x70078048ee76b19fc451dba9dbee8b3e73084f79ea540d3940b3b36b128e8024e9302500010f"
static const struct hash receipts_root = {
    {0xf9, 0x8d, 0x6a, 0x85, 0xd8, 0xc7, 0x0e, 0x7d, 0x09, 0x8c, 0x46, 0x59, 0x00, 0x32, 0x85, 0x49,
     0xad, 0xd3, 0xb6, 0x9c, 0xc6, 0x3f, 0x5e, 0x34, 0xa1, 0x48, 0x33, 0x8d, 0xda, 0x36, 0x69, 0xa7}};

static void a_rootstock_receipt_is_proved_and_any_change_refused(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    uint8_t receipt[271] = {0xf9, 0x01, 0x0c, 0x01, 0x82, 0x52, 0x08, 0xb9, 0x01, 0x00};
    const char *proof = NULL;
    struct network_verdict verdict;
    char claim[128];
    memcpy(receipt + 266, "\xc0\x82\x52\x08\x01", 5);
    fake_receipts_root(&receipts_root);
    fake_reorganise(25, CHAIN_LENGTH, 3);
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, 26, true));
    fake_answers("rsk_getRawTransactionReceiptByHash", json_data(receipt, sizeof receipt));
    fake_answers("rsk_getTransactionReceiptNodesByHash", json_pack("[s]", RECEIPT_NODE));
    snprintf(claim, sizeof claim, "{\"type\":\"receipt\",\"transaction\":\"%s\"}", prepared.transaction);
    expect(f, f->network->generate_proof(f->client, &f->call, claim, &proof), OK);
    assert_non_null(strstr(proof, "\"mining\":null"));
    expect(f, f->network->verify_proof(f->client, &f->call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    assert_int_equal(verdict.anchor, ANCHOR_NODE);

    /* The node itself, the index, and the receipt. */
    const char *places[] = {strstr(proof, "\"index\":") + 8, strstr(proof, "\"receipt\":\"0x") + 13,
                            strstr(proof, "\"nodes\":[\"0x") + 12};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        AUTO_FREE char *changed = text_copy(proof);
        char *place = changed + (places[i] - proof);
        *place = *place == '0' ? '1' : '0';
        expect(f, f->network->verify_proof(f->client, &f->call, changed, &verdict), OK);
        assert_int_equal(verdict.verdict, PROOF_INVALID);
    }
    /* A server that gives another receipt, or another node, is caught before anything is handed out. */
    receipt[4] = 0x81;
    fake_answers("rsk_getRawTransactionReceiptByHash", json_data(receipt, sizeof receipt));
    expect(f, f->network->generate_proof(f->client, &f->call, claim, &proof), ERROR_NETWORK_PROTOCOL);
    assert_int_equal(fake_blamed(), 1);
    /* Accounts are not proved there. */
    expect(f, f->network->generate_proof(f->client, &f->call,
                                         "{\"type\":\"account\",\"address\":\"" BOB "\"}", &proof),
           ERROR_NETWORK_NOT_SUPPORTED);
}

/* --- proofs of swaps --------------------------------------------------------------------------------- */
/* A receipt with the event Locked of these terms, or another one; alone in its block's trie. */
static void lock_in_a_block(struct fixture *f, const struct evm_swap_terms *terms, const char *event,
                            struct buffer *receipt, struct buffer *node)
{
    const struct evm_client *client = f->client;
    const struct abi_value values[] = {abi_address(&terms->token), abi_number(&terms->amount),
                                       abi_word(&terms->hash), abi_small(ABI_UINT64, terms->deadline_s)};
    struct evm_log log = {.address = terms->contract, .topic_count = 4};
    struct evm_receipt made = {.shape = EVM_RECEIPT_ROOTSTOCK, .succeeded = true, .cumulative_gas = 50000,
                               .gas_used = 50000, .log_count = 1, .logs = &log};
    struct buffer data CLEANUP(buffer_close);
    struct hash value, root;
    struct error error;
    buffer_init(&data);
    abi_encode(values, COUNT_OF(values), &data);
    log.data = buffer_bytes(&data);
    abi_topic(event, &log.topics[0]);
    evm_swap_id(client->chain_id, terms, &log.topics[1]);
    memcpy(log.topics[2].bytes + 12, terms->sender.bytes, EVM_ADDRESS_SIZE);
    memcpy(log.topics[3].bytes + 12, terms->recipient.bytes, EVM_ADDRESS_SIZE);
    evm_receipt_bloom(&log, 1, made.bloom);
    buffer_clear(receipt);
    buffer_clear(node);
    assert_int_equal(evm_receipt_encode(&made, receipt, &error), OK);
    keccak_hash(&value, receipt->data, receipt->size);
    buffer_append(node, "\x70\x07\x80", 3); /* a leaf with the key of index 0, its value by hash */
    buffer_append(node, value.bytes, sizeof value.bytes);
    const uint8_t size[] = {0, (uint8_t)(receipt->size >> 8), (uint8_t)receipt->size};
    buffer_append(node, size, sizeof size);
    keccak_hash(&root, node->data, node->size);
    fake_receipts_root(&root);
    fake_reorganise(10, CHAIN_LENGTH, 5);
    fake_answers("rsk_getRawTransactionReceiptByHash", json_data(receipt->data, receipt->size));
    fake_answers("rsk_getTransactionReceiptNodesByHash",
                 json_pack("[o]", json_data(node->data, node->size)));
}

static json_t *lock_log(struct fixture *f, const struct evm_swap_terms *terms,
                        const struct network_prepared *prepared, size_t block)
{
    const struct evm_client *client = f->client;
    struct hash topic, id;
    abi_topic(EVM_SWAP_EVENT_LOCKED, &topic);
    evm_swap_id(client->chain_id, terms, &id);
    return json_pack("[{so so so so so ss so}]", "address",
                     json_data(terms->contract.bytes, EVM_ADDRESS_SIZE), "topics",
                     json_pack("[oo]", json_data(topic.bytes, 32), json_data(id.bytes, 32)), "data",
                     json_data(NULL, 0), "blockHash", json_data(fake_block(block)->hash.bytes, 32),
                     "blockNumber", json_quantity(block), "transactionHash", prepared->transaction,
                     "logIndex", json_quantity(0));
}

static void a_lock_on_rootstock_is_proved_and_a_server_that_has_another_receipt_is_caught(void **state)
{
    struct fixture *f = *state;
    struct network_prepared prepared = payment(f);
    struct evm_swap_terms terms = {.amount = u256_of(1000), .deadline_s = 1800000000}, said;
    struct buffer receipt CLEANUP(buffer_close), node CLEANUP(buffer_close);
    struct evm_proof proof;
    const char *text;
    struct hash id;
    buffer_init(&receipt);
    buffer_init(&node);
    memset(terms.contract.bytes, 0xc0, EVM_ADDRESS_SIZE);
    memset(terms.sender.bytes, 0xa1, EVM_ADDRESS_SIZE);
    memset(terms.recipient.bytes, 0xb2, EVM_ADDRESS_SIZE);
    lock_in_a_block(f, &terms, EVM_SWAP_EVENT_LOCKED, &receipt, &node);
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, 15, true));
    fake_answers("eth_getLogs", lock_log(f, &terms, &prepared, 15));
    expect(f, evm_swap_prove(f->client, &f->call, &terms, 5, EVM_SWAP_FACT_LOCKED, &text, &proof), OK);
    assert_int_equal(proof.type, EVM_PROOF_ROOTSTOCK_RECEIPT);
    assert_int_equal(proof.number, 15);
    assert_true(hash_equal(&proof.block, &fake_block(15)->hash));
    evm_swap_id(proof.chain_id, &terms, &id);
    assert_true(evm_swap_find_locked(&proof.receipt, proof.chain_id, &id, &said));
    assert_false(evm_swap_find_locked(&proof.receipt, proof.chain_id + 1, &id, &said)); /* of another chain */

    /* Its servers prove no contract. */
    expect(f, evm_swap_prove(f->client, &f->call, &terms, 5, EVM_SWAP_FACT_CONTRACT, &text, &proof),
           ERROR_NETWORK_NOT_SUPPORTED);
    /* No such log yet, or not as deep. */
    fake_answers("eth_getLogs", json_array());
    expect(f, evm_swap_prove(f->client, &f->call, &terms, 5, EVM_SWAP_FACT_LOCKED, &text, &proof),
           ERROR_NETWORK_NOT_FOUND);
    assert_int_equal(fake_blamed(), 0);
    /* The log is there, and the receipt has another event: whoever says so lies. */
    lock_in_a_block(f, &terms, "Locked()", &receipt, &node);
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, 15, true));
    fake_answers("eth_getLogs", lock_log(f, &terms, &prepared, 15));
    expect(f, evm_swap_prove(f->client, &f->call, &terms, 5, EVM_SWAP_FACT_LOCKED, &text, &proof),
           ERROR_NETWORK_PROTOCOL);
    assert_int_equal(fake_blamed(), 1);
}

static void bitcoin_s_work_is_an_anchor_from_the_link_s_difficulty_on(void **state)
{
    struct fixture *f = *state;
    struct evm_client *client = f->client;
    struct network_prepared prepared = payment(f);
    uint8_t receipt[271] = {0xf9, 0x01, 0x0c, 0x01, 0x82, 0x52, 0x08, 0xb9, 0x01, 0x00};
    const char *proof = NULL;
    struct network_verdict verdict;
    char claim[128];
    memcpy(receipt + 266, "\xc0\x82\x52\x08\x01", 5);
    fake_receipts_root(&receipts_root);
    fake_reorganise(25, CHAIN_LENGTH, 3);
    fake_mine();
    fake_answers("eth_getTransactionReceipt", receipt_json(&prepared, CHAIN_LENGTH - 1, true));
    fake_answers("rsk_getRawTransactionReceiptByHash", json_data(receipt, sizeof receipt));
    fake_answers("rsk_getTransactionReceiptNodesByHash", json_pack("[s]", RECEIPT_NODE));
    snprintf(claim, sizeof claim, "{\"type\":\"receipt\",\"transaction\":\"%s\"}", prepared.transaction);
    expect(f, f->network->generate_proof(f->client, &f->call, claim, &proof), OK);
    static const struct { uint64_t least; enum proof_anchor expected; } cases[] = {
        {0, ANCHOR_NODE}, {1, ANCHOR_WORK}, {2, ANCHOR_NODE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        client->work_least = u256_of(cases[i].least);
        expect(f, f->network->verify_proof(f->client, &f->call, proof, &verdict), OK);
        assert_int_equal(verdict.verdict, PROOF_VALID);
        assert_int_equal(verdict.anchor, cases[i].expected);
    }
    /* The work stands by itself, whatever the server says later; without it the proof is worth nothing. */
    fake_reorganise(25, CHAIN_LENGTH, 4);
    expect(f, f->network->verify_proof(f->client, &f->call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE);
    client->work_least = u256_of(1);
    expect(f, f->network->verify_proof(f->client, &f->call, proof, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_VALID);
    AUTO_FREE char *changed = text_copy(proof);
    char *coinbase = strstr(changed, "\"coinbase\":\"0x") + 14 + 2 * (40 + 9);
    *coinbase = *coinbase == '0' ? '1' : '0'; /* it commits to another block */
    expect(f, f->network->verify_proof(f->client, &f->call, changed, &verdict), OK);
    assert_int_equal(verdict.verdict, PROOF_INVALID);
}

static void a_server_of_another_chain_is_refused_whatever_else_it_says(void **state)
{
    struct fixture *f = *state;
    struct network_greeting greeting;
    bool bob = f->network == &bob_network;
    /* the other network's; none; one more; ours and 2^64 */
    const char *others[] = {bob ? "0x1e" : "0xed88", "0x0", bob ? "0xed89" : "0x1f",
                            bob ? "0x1000000000000ed88" : "0x1000000000000001e"};
    fake_answers("web3_clientVersion", json_string("a server"));
    fake_answers("rpc_modules", json_pack("{ss}", "rsk", "1.0"));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        fake_answers("eth_chainId", json_string(others[i]));
        expect(f, f->network->connect(f->client, &f->call, &greeting), ERROR_NETWORK_WRONG_CHAIN);
    }
    fake_answers("eth_chainId", json_string(bob ? "0xed88" : "0x1e"));
    expect(f, f->network->connect(f->client, &f->call, &greeting), OK);
    assert_string_equal(greeting.chain, bob ? "60808" : "30");
}

static void a_health_check_is_one_exchange_and_looks_at_the_chain_again(void **state)
{
    struct fixture *f = *state;
    struct network_state told;
    bool bob = f->network == &bob_network;
    fake_answers("eth_chainId", json_string(bob ? "0xed88" : "0x1e"));
    fake_answers("eth_blockNumber", json_string("0x27"));
    fake_answers("eth_syncing", json_false());
    expect(f, f->network->health_check(f->client, &f->call, &told), OK);
    assert_int_equal(fake_exchanges(), 1);
    assert_true(told.synced && told.has_height);
    assert_int_equal(told.height, 0x27);
    fake_answers("eth_syncing", json_pack("{ss ss}", "currentBlock", "0x27", "highestBlock", "0x1000"));
    expect(f, f->network->health_check(f->client, &f->call, &told), OK);
    assert_false(told.synced);
    fake_refuses("eth_syncing", -32601, "the method does not exist", NULL);
    expect(f, f->network->health_check(f->client, &f->call, &told), OK);
    assert_false(told.synced); /* nobody said that it is */

    fake_answers("eth_chainId", json_string("0x1"));
    expect(f, f->network->health_check(f->client, &f->call, &told), ERROR_NETWORK_WRONG_CHAIN);
    assert_int_equal(fake_blamed(), 0);
    fake_answers("eth_chainId", json_string(bob ? "0xed88" : "0x1e"));
    static const char *const heights[] = {"", "27", "0x", "0x20000000000000", "0x10000000000000000"};
    for (size_t i = 0; i < COUNT_OF(heights); i++) {
        fake_answers("eth_blockNumber", json_string(heights[i]));
        expect(f, f->network->health_check(f->client, &f->call, &told), ERROR_NETWORK_PROTOCOL);
        assert_int_equal(fake_blamed(), i + 1);
    }
    fake_answers("eth_blockNumber", json_string("0x1fffffffffffff"));
    expect(f, f->network->health_check(f->client, &f->call, &told), OK);
    fake_fails("eth_blockNumber", ERROR_NETWORK_TIMEOUT);
    expect(f, f->network->health_check(f->client, &f->call, &told), ERROR_NETWORK_TIMEOUT);
}

static void a_server_without_the_module_rsk_is_not_taken_for_rootstock(void **state)
{
    struct fixture *f = *state;
    struct network_greeting greeting;
    fake_answers("eth_chainId", json_string("0x1e"));
    fake_answers("web3_clientVersion", json_string("RskJ/9.0.3"));
    fake_answers("rpc_modules", json_pack("{ss}", "eth", "1.0"));
    expect(f, f->network->connect(f->client, &f->call, &greeting), ERROR_NETWORK_NOT_SUPPORTED);
    fake_answers("rpc_modules", json_pack("{ssss}", "eth", "1.0", "rsk", "1.0"));
    expect(f, f->network->connect(f->client, &f->call, &greeting), OK);
    assert_string_equal(greeting.chain, "30");
    /* The genesis of the first connection stays. */
    fake_reorganise(0, CHAIN_LENGTH, 9);
    expect(f, f->network->connect(f->client, &f->call, &greeting), ERROR_NETWORK_WRONG_CHAIN);
}

#define BOTH(test)                                                                                           \
    cmocka_unit_test_setup_teardown(test, start_bob, stop),                                                  \
    cmocka_unit_test_setup_teardown(test, start_rootstock, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(options_that_do_not_go_together_are_refused),
        BOTH(a_server_of_another_chain_is_refused_whatever_else_it_says),
        BOTH(a_health_check_is_one_exchange_and_looks_at_the_chain_again),
        BOTH(every_server_s_words_are_understood),
        BOTH(a_write_without_an_answer_is_ambiguous_unless_it_was_not_received),
        BOTH(what_is_signed_is_what_was_asked_for),
        BOTH(numbers_that_were_signed_are_not_given_again),
        BOTH(a_limit_with_which_it_fails_is_not_signed),
        BOTH(a_server_cannot_make_a_transaction_dearer_than_its_limit),
        cmocka_unit_test_setup_teardown(a_block_whose_hash_is_not_its_own_is_refused_and_blamed, start_bob,
                                        stop),
        BOTH(another_block_than_was_asked_for_is_refused),
        BOTH(a_chain_is_followed_through_reorganisations),
        BOTH(a_receipt_counts_as_far_as_its_block_does),
        BOTH(finality_is_what_the_tags_say_or_the_depth),
        BOTH(a_swap_s_terms_have_to_be_those_of_its_id),
        BOTH(a_claim_of_an_account_has_to_say_something),
        BOTH(no_reply_breaks_the_client),
        cmocka_unit_test_setup_teardown(
            a_lock_on_rootstock_is_proved_and_a_server_that_has_another_receipt_is_caught, start_rootstock,
            stop),
        cmocka_unit_test_setup_teardown(a_rootstock_receipt_is_proved_and_any_change_refused, start_rootstock,
                                        stop),
        cmocka_unit_test_setup_teardown(bitcoin_s_work_is_an_anchor_from_the_link_s_difficulty_on,
                                        start_rootstock, stop),
        cmocka_unit_test_setup_teardown(a_server_without_the_module_rsk_is_not_taken_for_rootstock,
                                        start_rootstock, stop),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
