/* The EVM client against a real node: anvil or hardhat (LAYERD_TEST_EVM_SERVER), as
 * tests/functional/test_evm.py starts it (without mining of its own). LAYERD_TEST_EVM_BOB and
 * LAYERD_TEST_EVM_ROOTSTOCK are its addresses; without them every test is skipped. */
#include "evm_kit.h"

#include "crypto/hash.h"
#include "network/evm/contracts.h"
#include "network/evm/evm_proof.h"
#include "network/evm/evm_swap.h"
#include "network/evm/withdrawal.h"

#define NONE "0x0000000000000000000000000000000000000000"
#define BOB "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define CONFIRMATIONS 3

struct link {
    const struct network *network;
    const char *url;
    struct transport *transport;
    struct endpoint *control;       /* for anvil's own methods */
    struct evm_options options;
    struct test_signer signer;
    void *client;
    struct arena arena;
    struct network_call call;       /* of the running test */
};

/* --- the node ---------------------------------------------------------------------------------------- */
static json_t *anvil(struct link *l, const char *method, json_t *params)
{
    json_t *result = NULL;
    struct rpc_request request = {.method = method, .params = params == NULL ? json_array() : params,
                                  .write = true};
    struct waiting waiting = {.deadline_us = clock_monotonic_us() + 120000000};
    struct error error = {0};
    if (rpc_call(l->control, &request, &waiting, &result, NULL, &error) != OK)
        fail_msg("%s: %s", method, error.message);
    return result;
}

static void mine(struct link *l, int blocks)
{
    for (int i = 0; i < blocks; i++)
        json_decref(anvil(l, "evm_mine", NULL));
}

static uint64_t height(struct link *l)
{
    uint64_t number;
    AUTO_JSON json_t *result = anvil(l, "eth_blockNumber", NULL);
    assert_true(reply_u64(result, &number));
    return number;
}

/* --- the link ---------------------------------------------------------------------------------------- */
static void expect(struct link *l, enum status status, enum status expected)
{
    if (status != expected)
        fail_msg("%s, expected %s: %s", status_name(status), status_name(expected), l->call.error.message);
}
#define FINE(l, expression) expect(l, expression, OK)

static void open_link(struct link *l)
{
    struct error error = {0};
    struct network_setup setup = {.link = "test", .network = NETWORK_DEV, .options = &l->options,
                                  .signer = &l->signer.signer, .transport = l->transport};
    if (l->network->initialize(&setup, &l->client, &error) != OK)
        fail_msg("%s", error.message);
}

/* Another link to the same server, with other options. */
static enum status try_connect(struct link *l, const struct evm_options *options)
{
    struct error error = {0};
    void *client;
    struct network_greeting greeting;
    struct network_setup setup = {.link = "other", .network = NETWORK_DEV, .options = options,
                                  .signer = &l->signer.signer, .transport = l->transport};
    assert_int_equal(l->network->initialize(&setup, &client, &error), OK);
    enum status status = l->network->connect(client, &l->call, &greeting);
    l->network->release(client);
    return status;
}

static int setup_link(void **state, const struct network *network, const char *variable)
{
    const char *url = getenv(variable);
    *state = NULL;
    if (url == NULL) {
        printf("SKIPPED: %s names no server\n", variable);
        return 0;
    }
    struct link *l = memory_new(sizeof *l);
    crypto_start();
    l->network = network;
    l->url = url;
    l->options = default_options(network, url);
    l->options.confirmations = CONFIRMATIONS;
    if (network == &rootstock_network) {
        l->options.chain_id = 33;
        l->options.rsk_methods = false;
        l->options.fee_limit = "10000000000000000"; /* anvil's gas is dear */
    } else {
        l->options.withdrawals_root = false;
    }
    l->transport = transport_start();
    struct endpoint_options control = {.url = url, .name = "control"};
    struct error error = {0};
    assert_int_equal(endpoint_open(l->transport, &control, &l->control, &error), OK);
    test_signer_start(&l->signer, KEY_ALICE);
    open_link(l);
    call_begin(&l->call, &l->arena, 600);
    *state = l;
    return 0;
}
static int setup_bob(void **state) { return setup_link(state, &bob_network, "LAYERD_TEST_EVM_BOB"); }
static int setup_rootstock(void **state)
{
    return setup_link(state, &rootstock_network, "LAYERD_TEST_EVM_ROOTSTOCK");
}

static int teardown(void **state)
{
    struct link *l = *state;
    if (l == NULL)
        return 0;
    call_end(&l->call);
    l->network->release(l->client);
    endpoint_close(l->control);
    transport_stop(l->transport);
    test_signer_stop(&l->signer);
    free(l);
    return 0;
}

static struct link *link_of(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

/* --- operations -------------------------------------------------------------------------------------- */
static struct network_prepared prepare(struct link *l, const struct network_write *write)
{
    struct network_prepared prepared = {0};
    FINE(l, l->network->prepare(l->client, &l->call, write, &prepared));
    assert_non_null(prepared.transaction);
    return prepared;
}

static void send_it(struct link *l, const struct network_prepared *prepared)
{
    struct network_sent sent;
    FINE(l, l->network->send(l->client, &l->call, prepared, &sent));
    if (sent.outcome != SEND_ACCEPTED)
        fail_msg("not accepted: %s", sent.reason);
    assert_string_equal(sent.transaction, prepared->transaction);
}

static struct network_status status_of(struct link *l, const struct network_prepared *prepared)
{
    struct network_status status;
    FINE(l, l->network->check_transaction_status(l->client, &l->call, prepared, &status));
    return status;
}

static struct network_prepared done(struct link *l, const struct network_write *write)
{
    struct network_prepared prepared = prepare(l, write);
    send_it(l, &prepared);
    mine(l, CONFIRMATIONS);
    struct network_status status = status_of(l, &prepared);
    if (status.state != TRANSACTION_CONFIRMED)
        fail_msg("state %d: %s", (int)status.state, status.reason == NULL ? "" : status.reason);
    return prepared;
}

static struct network_prepared issue(struct link *l, const char *supply)
{
    return done(l, &(struct network_write){.kind = WRITE_ISSUE, .symbol = "GLD", .title = "Gold",
                                           .decimals = 6, .amount = supply});
}

static struct u256 call_word(struct link *l, const char *to, const char *signature,
                             const struct abi_value *values, size_t count)
{
    struct buffer data CLEANUP(buffer_close);
    buffer_init(&data);
    abi_encode_call(signature, values, count, &data);
    json_t *message = json_pack("{ssso}", "to", to, "data", json_data(data.data, data.size));
    AUTO_JSON json_t *result = anvil(l, "eth_call", json_pack("[os]", message, "latest"));
    struct u256 word;
    assert_true(reply_word(result, &word));
    return word;
}

static void assert_tokens(struct link *l, const char *token, const char *account, uint64_t expected)
{
    struct evm_address address;
    uint64_t found;
    assert_true(evm_address_decode(&address, account, strlen(account),
                                   ((struct evm_client *)l->client)->checksum));
    struct abi_value value = abi_address(&address);
    struct u256 word = call_word(l, token, "balanceOf(address)", &value, 1);
    assert_true(u256_to_u64(&word, &found));
    assert_int_equal(found, expected);
}

/* --- connecting -------------------------------------------------------------------------------------- */
static void connects_to_its_chain_and_to_no_other(void **state)
{
    struct link *l = link_of(state);
    struct network_greeting greeting;
    FINE(l, l->network->connect(l->client, &l->call, &greeting));
    assert_string_equal(greeting.chain, l->network == &bob_network ? "60808" : "33");
    assert_true(strlen(greeting.version) > 0);
    assert_int_equal(strncmp(greeting.account, "0x", 2), 0);

    struct evm_options other = l->options;
    other.chain_id = 1;
    expect(l, try_connect(l, &other), ERROR_NETWORK_WRONG_CHAIN);
    other = l->options;
    memset(other.genesis.bytes, 7, sizeof other.genesis.bytes);
    expect(l, try_connect(l, &other), ERROR_NETWORK_WRONG_CHAIN);
    other = l->options;
    memset(other.checkpoint.bytes, 7, sizeof other.checkpoint.bytes);
    expect(l, try_connect(l, &other), ERROR_NETWORK_WRONG_CHAIN);
    FINE(l, try_connect(l, &l->options));
}

static void tells_its_state(void **state)
{
    struct link *l = link_of(state);
    struct network_state found;
    mine(l, 2);
    FINE(l, l->network->get_state(l->client, &l->call, &found));
    assert_true(found.synced);
    assert_true(found.has_height);
    assert_int_equal(found.height, height(l));
    assert_true(found.has_final && found.final <= found.safe && found.safe <= found.height);
    assert_int_equal(strlen(found.tip), 66);
    assert_true(strlen(found.balance) > 18);
}

/* --- writes ------------------------------------------------------------------------------------------ */
static void a_token_is_issued_pending_then_mined_then_confirmed(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_ISSUE, .symbol = "GLD", .title = "Gold", .decimals = 6,
                                  .amount = "1000000"};
    struct network_prepared prepared = prepare(l, &write);
    assert_int_equal(status_of(l, &prepared).state, TRANSACTION_UNKNOWN);
    send_it(l, &prepared);
    struct network_status status = status_of(l, &prepared);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_int_equal(status.confirmations, 0);
    assert_false(status.has_height);
    mine(l, 1);
    status = status_of(l, &prepared);
    assert_int_equal(status.state, TRANSACTION_PENDING);
    assert_int_equal(status.confirmations, 1);
    assert_int_equal(status.height, height(l));
    mine(l, CONFIRMATIONS - 1);
    status = status_of(l, &prepared);
    assert_int_equal(status.state, TRANSACTION_CONFIRMED);
    assert_int_equal(status.confirmations, CONFIRMATIONS);
    assert_string_equal(status.asset, prepared.asset);
    struct u256 decimals = call_word(l, prepared.asset, "decimals()", NULL, 0);
    assert_int_equal(decimals.bytes[31], 6);

    done(l, &(struct network_write){.kind = WRITE_TRANSFER, .asset = prepared.asset, .to = BOB,
                                    .amount = "250000"});
    assert_tokens(l, prepared.asset, BOB, 250000);
    struct network_prepared none;
    struct network_write more = {.kind = WRITE_TRANSFER, .asset = prepared.asset, .to = BOB,
                                 .amount = "750001"};
    expect(l, l->network->prepare(l->client, &l->call, &more, &none), ERROR_NETWORK_REJECTED);
    assert_non_null(strstr(l->call.error.message, "BalanceTooSmall"));
    more.asset = BOB; /* no contract there */
    expect(l, l->network->prepare(l->client, &l->call, &more, &none), ERROR_NETWORK_REJECTED);
    assert_non_null(strstr(l->call.error.message, "no contract"));
}

static void the_same_bytes_sent_again_do_nothing_more(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1000000000000000"};
    struct network_prepared prepared = prepare(l, &write);
    send_it(l, &prepared);
    send_it(l, &prepared); /* in the pool */
    mine(l, 1);
    send_it(l, &prepared); /* mined */
    mine(l, CONFIRMATIONS);
    assert_int_equal(status_of(l, &prepared).state, TRANSACTION_CONFIRMED);
}

static void numbers_of_earlier_writes_are_not_given_again(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1"};
    struct network_prepared first = prepare(l, &write), second;
    assert_true(first.has_sequence);
    write.sequence_least = first.sequence + 1; /* the first is signed, not yet sent */
    second = prepare(l, &write);
    assert_int_equal(second.sequence, first.sequence + 1);
    send_it(l, &second);
    mine(l, 1);
    assert_int_equal(status_of(l, &second).state, TRANSACTION_PENDING);
    send_it(l, &first);
    mine(l, CONFIRMATIONS);
    assert_int_equal(status_of(l, &first).state, TRANSACTION_CONFIRMED);
    assert_int_equal(status_of(l, &second).state, TRANSACTION_CONFIRMED);
}

static void what_reverts_in_its_block_fails_with_the_reason(void **state)
{
    struct link *l = link_of(state);
    struct network_prepared token = issue(l, "1000");
    struct network_write all = {.kind = WRITE_TRANSFER, .asset = token.asset, .to = BOB, .amount = "1000"};
    struct network_prepared first = prepare(l, &all);
    all.sequence_least = first.sequence + 1;
    struct network_prepared second = prepare(l, &all); /* both would succeed alone */
    send_it(l, &first);
    mine(l, 1);
    send_it(l, &second);
    mine(l, 1);
    struct network_status status = status_of(l, &second);
    assert_int_equal(status.state, TRANSACTION_PENDING); /* not deep enough to be sure of it */
    mine(l, CONFIRMATIONS);
    status = status_of(l, &second);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    assert_non_null(strstr(status.reason, "BalanceTooSmall"));
    assert_int_equal(status_of(l, &first).state, TRANSACTION_CONFIRMED);
    assert_tokens(l, token.asset, BOB, 1000);
}

static void a_dropped_transaction_is_unknown_and_can_be_sent_again(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "3"};
    struct network_prepared prepared = prepare(l, &write);
    send_it(l, &prepared);
    json_decref(anvil(l, "hardhat_dropTransaction", json_pack("[s]", prepared.transaction)));
    mine(l, CONFIRMATIONS + 1);
    struct network_status status = status_of(l, &prepared);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    send_it(l, &prepared);
    mine(l, CONFIRMATIONS);
    assert_int_equal(status_of(l, &prepared).state, TRANSACTION_CONFIRMED);
}

static void a_replaced_transaction_fails_once_the_other_is_deep_enough(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "4"};
    struct network_prepared lost = prepare(l, &write);
    write.amount = "5";
    struct network_prepared other = prepare(l, &write);
    assert_int_equal(lost.sequence, other.sequence);
    send_it(l, &other);
    mine(l, 1);
    struct network_status status = status_of(l, &lost);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    assert_non_null(strstr(status.reason, "not yet deep enough"));
    struct network_sent sent;
    FINE(l, l->network->send(l->client, &l->call, &lost, &sent));
    assert_int_equal(sent.outcome, SEND_AMBIGUOUS); /* nonce too low, and unknown: its status decides */
    mine(l, CONFIRMATIONS);
    status = status_of(l, &lost);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    assert_non_null(strstr(status.reason, "replaced"));
}

static void a_reorganisation_takes_a_confirmation_back(void **state)
{
    struct link *l = link_of(state);
    AUTO_JSON json_t *snapshot = anvil(l, "evm_snapshot", NULL);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "6"};
    struct network_prepared prepared = prepare(l, &write);
    send_it(l, &prepared);
    mine(l, 2);
    assert_int_equal(status_of(l, &prepared).confirmations, 2);
    json_decref(anvil(l, "evm_revert", json_pack("[O]", snapshot)));
    mine(l, CONFIRMATIONS + 1);
    struct network_status status = status_of(l, &prepared);
    assert_int_equal(status.state, TRANSACTION_UNKNOWN);
    send_it(l, &prepared);
    mine(l, CONFIRMATIONS);
    assert_int_equal(status_of(l, &prepared).state, TRANSACTION_CONFIRMED);
}

static void a_signed_transaction_of_another_chain_is_not_submitted(void **state)
{
    struct link *l = link_of(state);
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "8"};
    struct network_prepared ours = prepare(l, &write), again;
    struct network_write submit = {.kind = WRITE_SUBMIT, .raw = ours.raw};
    again = prepare(l, &submit);
    assert_string_equal(again.transaction, ours.transaction);
    assert_true(again.has_sequence && again.sequence == ours.sequence);
    struct evm_client *client = l->client;
    client->chain_id++;
    expect(l, l->network->prepare(l->client, &l->call, &submit, &again), ERROR_INVALID_PARAMS);
    client->chain_id--;
    struct network_write broken = {.kind = WRITE_SUBMIT, .raw = {ours.raw.data, ours.raw.size - 1}};
    assert_int_not_equal(l->network->prepare(l->client, &l->call, &broken, &again), OK);
}

static void fees_are_told_and_their_limit_holds(void **state)
{
    struct link *l = link_of(state);
    struct network_fees fees;
    struct network_write write = {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1"};
    FINE(l, l->network->estimate_fees(l->client, &l->call, NULL, &fees));
    assert_null(fees.total);
    assert_true(strlen(fees.normal) > 0);
    FINE(l, l->network->estimate_fees(l->client, &l->call, &write, &fees));
    struct u256 total;
    assert_true(u256_from_decimal(&total, fees.total, strlen(fees.total)));
    assert_false(u256_is_zero(&total));
    struct network_prepared prepared;
    write.fee = "20999"; /* less than one wei for a unit of gas */
    expect(l, l->network->prepare(l->client, &l->call, &write, &prepared), ERROR_NETWORK_FEE_LIMIT);
    write.fee = fees.total;
    prepare(l, &write);
}

static void nonsense_is_refused_before_anything_is_signed(void **state)
{
    struct link *l = link_of(state);
    const struct network_write wrong[] = {
        {.kind = WRITE_TRANSFER, .to = BOB, .amount = "-1"},
        {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1.5"},
        {.kind = WRITE_TRANSFER, .to = BOB},
        {.kind = WRITE_TRANSFER, .to = NONE, .amount = "1"},
        {.kind = WRITE_TRANSFER, .to = "0x70997970C51812dc3A010C7d01b50e0d17dc79C9", .amount = "1"},
        {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1", .memo = "hello"},
        {.kind = WRITE_TRANSFER, .to = BOB, .amount = "1", .asset = "GLD"},
        {.kind = WRITE_ISSUE, .symbol = "", .amount = "1"},
        {.kind = WRITE_ISSUE, .symbol = "GLD", .amount = "1", .decimals = 37},
        {.kind = WRITE_SUBMIT},
        {.kind = WRITE_SUBMIT, .options = "{\"to\":\"" BOB "\",\"gas\":1}"},
        {.kind = WRITE_SUBMIT, .options = "{\"value\":\"1\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct network_prepared prepared;
        enum status status = l->network->prepare(l->client, &l->call, &wrong[i], &prepared);
        if (status != ERROR_INVALID_PARAMS)
            fail_msg("write %zu: %s", i, status_name(status));
    }
}

/* --- following the chain ----------------------------------------------------------------------------- */
static struct network_position catch_up(struct link *l, struct network_position position, size_t *rewinds)
{
    struct network_sync sync;
    do {
        FINE(l, l->network->sync_state(l->client, &l->call, &position, &sync));
        if (sync.rewound) {
            char which[24];
            (*rewinds)++;
            assert_true(sync.rewound_to < position.height);
            snprintf(which, sizeof which, "0x%llx", (unsigned long long)sync.rewound_to);
            AUTO_JSON json_t *block = anvil(l, "eth_getBlockByNumber", json_pack("[sb]", which, 0));
            const char *hash = json_string_value(json_object_get(block, "hash"));
            position.height = sync.rewound_to;
            position.hash = arena_text(&l->arena, hash, strlen(hash));
        }
        for (size_t i = 0; i < sync.count; i++) {
            if (position.known) {
                assert_int_equal(sync.blocks[i].height, position.height + 1);
                assert_string_equal(sync.blocks[i].parent, position.hash);
            }
            position = (struct network_position){true, sync.blocks[i].height, sync.blocks[i].hash};
        }
    } while (sync.more);
    assert_int_equal(position.height, height(l));
    return position;
}

static void the_chain_is_followed_and_a_reorganisation_unwound(void **state)
{
    struct link *l = link_of(state);
    size_t rewinds = 0;
    l->options.start = height(l);
    mine(l, 120); /* more than one call's */
    struct network_position position = {0};
    position = catch_up(l, position, &rewinds);
    assert_int_equal(rewinds, 0);
    AUTO_JSON json_t *snapshot = anvil(l, "evm_snapshot", NULL);
    mine(l, 9);
    position = catch_up(l, position, &rewinds);
    assert_int_equal(rewinds, 0);

    struct network_sync sync;
    json_decref(anvil(l, "evm_revert", json_pack("[O]", snapshot)));
    FINE(l, l->network->sync_state(l->client, &l->call, &position, &sync));
    assert_false(sync.rewound); /* a shorter chain contradicts nothing yet */
    assert_int_equal(sync.count, 0);
    json_decref(anvil(l, "evm_increaseTime", json_pack("[i]", 5)));
    mine(l, 12);
    catch_up(l, position, &rewinds);
    assert_true(rewinds >= 1 && rewinds <= 5); /* 1 + 2 + 4 + 8 blocks */
    l->options.start = NOT_GIVEN;
}

static void the_account_s_token_transfers_are_found_page_by_page(void **state)
{
    struct link *l = link_of(state);
    l->options.start = height(l);
    struct network_prepared token = issue(l, "100");
    for (int i = 0; i < 3; i++)
        done(l, &(struct network_write){.kind = WRITE_TRANSFER, .asset = token.asset, .to = BOB,
                                        .amount = i == 0 ? "1" : i == 1 ? "2" : "3"});
    struct network_history history;
    const char *after = NULL;
    size_t count = 0;
    static const char *const amounts[] = {"3", "2", "1", "100"};
    do {
        FINE(l, l->network->get_transaction_history(l->client, &l->call, after, 3, &history));
        for (size_t i = 0; i < history.count; i++, count++) {
            assert_true(count < COUNT_OF(amounts));
            assert_string_equal(history.entries[i].amount, amounts[count]);
            assert_string_equal(history.entries[i].asset, token.asset);
            assert_string_equal(history.entries[i].kind, count == 3 ? "token_in" : "token_out");
        }
        after = history.next;
    } while (after != NULL);
    assert_int_equal(count, COUNT_OF(amounts));
    expect(l, l->network->get_transaction_history(l->client, &l->call, "x", 3, &history),
           ERROR_INVALID_PARAMS);
    l->options.start = NOT_GIVEN;
}

/* --- proofs ------------------------------------------------------------------------------------------ */
static const char *format(struct link *l, const char *pattern, ...) PRINTF_LIKE(2, 3);
static const char *format(struct link *l, const char *pattern, ...)
{
    char text[2048];
    va_list list;
    va_start(list, pattern);
    vsnprintf(text, sizeof text, pattern, list);
    va_end(list);
    return arena_text(&l->arena, text, strlen(text));
}

static void assert_verdict(struct link *l, const char *proof, enum proof_verdict verdict,
                           enum proof_anchor anchor)
{
    struct network_verdict found;
    FINE(l, l->network->verify_proof(l->client, &l->call, proof, &found));
    if (found.verdict != verdict || found.anchor != anchor)
        fail_msg("verdict %d anchor %d: %s", (int)found.verdict, (int)found.anchor, found.reason);
}

/* Every hex digit of the proof that stands for bytes, and every decimal one, changed: none is taken. Only
 * what the header does not commit to and the block's hash does (its parent, its time) makes a proof under
 * another block, which is nobody's. */
static void assert_every_digit_counts(const char *proof)
{
    struct evm_proof original;
    struct arena kept;
    struct error none = {0};
    arena_init(&kept);
    assert_int_equal(evm_proof_verify(proof, false, &kept, &original, &none), OK);
    arena_close(&kept);
    AUTO_FREE char *text = text_copy(proof);
    size_t changed = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];
        bool digit = (was >= '0' && was <= '9') || (was >= 'a' && was <= 'f');
        bool in_value = strchr("\"x:0123456789abcdef", i == 0 ? '\0' : text[i - 1]) != NULL;
        if (!digit || !in_value)
            continue;
        text[i] = was == '1' ? '2' : '1';
        struct arena arena;
        struct evm_proof found;
        struct error error = {0};
        arena_init(&arena);
        enum status status = evm_proof_verify(text, false, &arena, &found, &error);
        arena_close(&arena);
        /* The chain id is told, and compared by the client: headers do not carry it. */
        bool another = status == OK && (found.chain_id != original.chain_id ||
                                        !hash_equal(&found.vouched, &original.vouched));
        if (status != ERROR_INVALID_PROOF && !another)
            fail_msg("digit %zu of %zu changed and taken: …%.40s", i, strlen(proof), proof + i);
        changed++;
        text[i] = was;
    }
    assert_true(changed > 500);
}

static const char *generate(struct link *l, const char *claim)
{
    const char *proof = NULL;
    FINE(l, l->network->generate_proof(l->client, &l->call, claim, &proof));
    return proof;
}

static const char *account_claim(struct link *l, const char *address, const char *slot)
{
    return format(l, "{\"type\":\"account\",\"address\":\"%s\",\"slots\":[\"%s\"]}", address, slot);
}

static void an_account_and_its_storage_are_proved(void **state)
{
    struct link *l = link_of(state);
    struct network_prepared token = issue(l, "77");
    /* totalSupply and decimals are immutable: the token's name stands in slot 0 */
    const char *proof = generate(l, account_claim(l, token.asset, "0x0"));
    assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);
    assert_every_digit_counts(proof);
    proof = generate(l, account_claim(l, token.asset, "0x77"));
    assert_non_null(strstr(proof, "\"value\":\"0\""));
    assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);
    const char *absent = generate(l, "{\"type\":\"account\",\"address\":"
                                     "\"0x00000000000000000000000000000000000000aa\"}");
    assert_non_null(strstr(absent, "\"present\":false"));
    assert_verdict(l, absent, PROOF_VALID, ANCHOR_NODE);

    struct network_verdict verdict;
    FINE(l, l->network->validate_state(l->client, &l->call,
                                       format(l, "{\"type\":\"account\",\"address\":\"%s\",\"nonce\":1,"
                                                 "\"balance\":\"0\"}", token.asset), &verdict));
    assert_int_equal(verdict.verdict, PROOF_VALID);
    FINE(l, l->network->validate_state(l->client, &l->call,
                                       format(l, "{\"type\":\"account\",\"address\":\"%s\",\"nonce\":2}",
                                              token.asset), &verdict));
    assert_int_equal(verdict.verdict, PROOF_INVALID);
}

/* hardhat does not know the method. */
static bool gives_raw_transactions(void)
{
    const char *server = getenv("LAYERD_TEST_EVM_SERVER");
    return server == NULL || strcmp(server, "hardhat") != 0;
}

static void a_receipt_is_proved_with_its_transaction(void **state)
{
    struct link *l = link_of(state);
    struct network_prepared token = issue(l, "77");
    struct network_write write = {.kind = WRITE_TRANSFER, .asset = token.asset, .to = BOB, .amount = "1"};
    struct network_prepared payments[3];
    for (size_t i = 0; i < COUNT_OF(payments); i++) { /* three in one block: the trie has branches */
        payments[i] = prepare(l, &write);
        send_it(l, &payments[i]);
        write.sequence_least = payments[i].sequence + 1;
    }
    mine(l, 1);
    for (size_t i = 0; i < COUNT_OF(payments); i++) {
        const char *proof = generate(l, format(l, "{\"type\":\"receipt\",\"transaction\":\"%s\"}",
                                               payments[i].transaction));
        assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);
        struct evm_proof found;
        struct error error = {0};
        assert_int_equal(evm_proof_verify(proof, false, &l->arena, &found, &error), OK);
        assert_true(found.receipt.succeeded);
        assert_int_equal(found.receipt.log_count, 1);
        char id[REPLY_HASH_TEXT_MAX];
        assert_int_equal(found.has_transaction, gives_raw_transactions());
        if (found.has_transaction)
            assert_string_equal(reply_hash_text(id, &found.transaction), payments[i].transaction);
        if (i == 0)
            assert_every_digit_counts(proof);
    }
    const char *none = NULL;
    expect(l, l->network->generate_proof(l->client, &l->call,
                                         "{\"type\":\"receipt\",\"transaction\":\"0x"
                                         "00000000000000000000000000000000"
                                         "00000000000000000000000000000001\"}", &none),
           ERROR_NETWORK_NOT_FOUND);
}

static void a_proof_of_a_block_that_is_gone_is_unverifiable_unless_a_checkpoint_holds_it(void **state)
{
    struct link *l = link_of(state);
    mine(l, 2);
    AUTO_JSON json_t *snapshot = anvil(l, "evm_snapshot", NULL);
    json_decref(anvil(l, "evm_increaseTime", json_pack("[i]", 7)));
    mine(l, 3);
    const char *claim = format(l, "{\"type\":\"account\",\"address\":\"" BOB "\",\"block\":%llu}",
                               (unsigned long long)height(l) - 2);
    const char *proof = generate(l, claim);
    assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);
    /* With the newest as checkpoint, the proof brings the headers up to it. */
    AUTO_JSON json_t *newest = anvil(l, "eth_getBlockByNumber", json_pack("[sb]", "latest", 0));
    assert_true(reply_hash(json_object_get(newest, "hash"), &l->options.checkpoint));
    const char *anchored = generate(l, claim);
    assert_true(strlen(anchored) > strlen(proof) + 1000);
    assert_verdict(l, anchored, PROOF_VALID, ANCHOR_CHECKPOINT);
    assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);

    json_decref(anvil(l, "evm_revert", json_pack("[O]", snapshot)));
    json_decref(anvil(l, "evm_increaseTime", json_pack("[i]", 9)));
    mine(l, 3);
    assert_verdict(l, proof, PROOF_UNVERIFIABLE, ANCHOR_NONE);
    assert_verdict(l, anchored, PROOF_VALID, ANCHOR_CHECKPOINT);
    memset(&l->options.checkpoint, 0, sizeof l->options.checkpoint);
    assert_verdict(l, anchored, PROOF_UNVERIFIABLE, ANCHOR_NONE);
    char *other = arena_text(&l->arena, proof, strlen(proof));
    *strstr(other, "60808") = '7';
    assert_verdict(l, other, PROOF_INVALID, ANCHOR_NONE);
}

static const char *withdrawal_claim(struct link *l, int value)
{
    return format(l, "{\"type\":\"withdrawal\",\"withdrawal\":{\"nonce\":\"5\",\"sender\":\"0x%s\","
                     "\"target\":\"0x%s\",\"value\":\"%d\",\"gas_limit\":\"21000\",\"data\":\"0x0102\"}}",
                  "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222",
                  value);
}

static void a_withdrawal_is_proved_and_one_that_was_not_sent_is_not(void **state)
{
    struct link *l = link_of(state);
    struct withdrawal withdrawal = {.nonce = u256_of(5), .value = u256_of(42), .gas_limit = u256_of(21000),
                                    .data = bytes_of("\x01\x02", 2)};
    memset(withdrawal.sender.bytes, 0x11, EVM_ADDRESS_SIZE);
    memset(withdrawal.target.bytes, 0x22, EVM_ADDRESS_SIZE);
    struct hash hash;
    struct u256 slot, one = u256_of(1);
    withdrawal_hash(&withdrawal, &hash);
    withdrawal_slot(&hash, &slot);
    const char *passer = "0x4200000000000000000000000000000000000016";
    json_decref(anvil(l, "hardhat_setCode", json_pack("[ss]", passer, "0x00")));
    json_decref(anvil(l, "hardhat_setStorageAt", json_pack("[soo]", passer, json_data(slot.bytes, 32),
                                                         json_data(one.bytes, 32))));
    mine(l, CONFIRMATIONS);
    const char *claim = withdrawal_claim(l, 42);
    const char *proof = generate(l, claim), *none = NULL;
    assert_verdict(l, proof, PROOF_VALID, ANCHOR_NODE);
    assert_every_digit_counts(proof);
    expect(l, l->network->generate_proof(l->client, &l->call, withdrawal_claim(l, 43), &none),
           ERROR_NETWORK_NOT_FOUND);
    /* This server does not fill in the header's withdrawals root: with the check on, nothing passes. */
    l->options.withdrawals_root = true;
    assert_verdict(l, proof, PROOF_INVALID, ANCHOR_NONE);
    l->options.withdrawals_root = false;
}

static void rootstock_without_its_methods_proves_nothing_and_says_so(void **state)
{
    struct link *l = link_of(state);
    const char *reason = NULL, *proof = NULL;
    assert_false(l->network->capable(l->client, NETWORK_GENERATE_PROOF, &reason));
    assert_non_null(strstr(reason, "rsk_"));
    assert_true(l->network->capable(l->client, NETWORK_TRANSFER_ASSET, &reason));
    expect(l, l->network->generate_proof(l->client, &l->call, "{\"type\":\"receipt\"}", &proof),
           ERROR_NETWORK_NOT_SUPPORTED);
    struct network_verdict verdict;
    FINE(l, l->network->validate_state(l->client, &l->call,
                                       "{\"type\":\"account\",\"address\":"
                                       "\"0x00000000000000000000000000000000000000aa\","
                                       "\"nonce\":0,\"balance\":\"0\"}", &verdict));
    assert_int_equal(verdict.verdict, PROOF_UNVERIFIABLE); /* the server says so: that proves nothing */
    assert_int_equal(verdict.anchor, ANCHOR_NODE);
}

/* --- swaps ------------------------------------------------------------------------------------------- */
static struct network_prepared submit(struct link *l, struct evm_swap_call *call)
{
    struct buffer options CLEANUP(buffer_close);
    buffer_init(&options);
    evm_swap_options(call, &options);
    struct network_write write = {.kind = WRITE_SUBMIT, .raw = buffer_bytes(&options)};
    struct network_prepared prepared = done(l, &write);
    evm_swap_call_close(call);
    return prepared;
}

static struct evm_address deployed(struct link *l)
{
    struct evm_swap_call call;
    struct evm_address contract;
    evm_swap_deploy(&call);
    struct network_prepared prepared = submit(l, &call);
    struct network_status status = status_of(l, &prepared);
    assert_true(evm_address_decode(&contract, status.asset, strlen(status.asset),
                                   ((struct evm_client *)l->client)->checksum));
    return contract;
}

static struct evm_swap_terms terms_for(struct link *l, const struct evm_address *contract,
                                       const struct hash *secret, int64_t wait)
{
    struct evm_swap_terms terms = {.contract = *contract, .amount = u256_of(1000)};
    AUTO_JSON json_t *block = anvil(l, "eth_getBlockByNumber", json_pack("[sb]", "latest", 0));
    uint64_t now;
    assert_true(reply_u64(json_object_get(block, "timestamp"), &now));
    terms.sender = ((struct evm_client *)l->client)->account;
    assert_true(evm_address_decode(&terms.recipient, BOB, strlen(BOB), EVM_CHECKSUM_PLAIN));
    sha256(&terms.hash, secret->bytes, sizeof secret->bytes);
    terms.deadline_s = now + (uint64_t)wait;
    return terms;
}

static struct evm_swap_reading reading_of(struct link *l, const struct evm_swap_terms *terms,
                                          const struct hash *id, bool settled)
{
    struct evm_swap_reading reading;
    FINE(l, evm_swap_read(l->client, &l->call, &terms->contract, id, settled, &reading));
    return reading;
}

static void a_locked_amount_is_read_claimed_and_its_secret_found(void **state)
{
    struct link *l = link_of(state);
    struct hash secret, id, found_secret, transaction;
    struct evm_swap_call call;
    struct evm_address contract = deployed(l);
    bool found = true;
    memset(secret.bytes, 0x5a, sizeof secret.bytes);
    secret.bytes[0] = (uint8_t)height(l);
    struct evm_swap_terms terms = terms_for(l, &contract, &secret, 1000);
    evm_swap_id(((struct evm_client *)l->client)->chain_id, &terms, &id);
    assert_int_equal(reading_of(l, &terms, &id, false).state, EVM_SWAP_NONE);
    uint64_t since = height(l);
    evm_swap_lock(&terms, &call);
    submit(l, &call);
    struct evm_swap_reading reading = reading_of(l, &terms, &id, true);
    assert_int_equal(reading.state, EVM_SWAP_LOCKED);
    assert_int_equal(reading.height, reading.latest - CONFIRMATIONS + 1);
    assert_memory_equal(&reading.terms.hash, &terms.hash, sizeof terms.hash);
    assert_int_equal(u256_compare(&reading.terms.amount, &terms.amount), 0);
    FINE(l, evm_swap_secret(l->client, &l->call, &contract, &id, &terms.hash, since, &found, &found_secret,
                            &transaction));
    assert_false(found);
    const char *proof_text;
    struct evm_proof shown;
    bool proves = l->network == &bob_network; /* the other one's server has no rsk_ methods */
    expect(l, evm_swap_prove(l->client, &l->call, &terms, since, EVM_SWAP_FACT_CLAIMED, &proof_text, &shown),
           proves ? ERROR_NETWORK_NOT_FOUND : ERROR_NETWORK_NOT_SUPPORTED);

    struct hash wrong = secret;
    wrong.bytes[31] ^= 1;
    evm_swap_claim(&contract, &id, &wrong, &call);
    struct buffer options CLEANUP(buffer_close);
    buffer_init(&options);
    evm_swap_options(&call, &options);
    struct network_write write = {.kind = WRITE_SUBMIT, .options = buffer_text(&options)};
    struct network_prepared none;
    expect(l, l->network->prepare(l->client, &l->call, &write, &none), ERROR_NETWORK_REJECTED);
    assert_non_null(strstr(l->call.error.message, "WrongSecret"));
    evm_swap_call_close(&call);

    evm_swap_claim(&contract, &id, &secret, &call);
    struct network_prepared claim = submit(l, &call);
    assert_int_equal(reading_of(l, &terms, &id, true).state, EVM_SWAP_CLAIMED);
    FINE(l, evm_swap_secret(l->client, &l->call, &contract, &id, &terms.hash, since, &found, &found_secret,
                            &transaction));
    assert_true(found);
    assert_memory_equal(&found_secret, &secret, sizeof secret);
    char text[REPLY_HASH_TEXT_MAX];
    assert_string_equal(reply_hash_text(text, &transaction), claim.transaction);

    if (proves) { /* both events, and the contract */
        struct evm_swap_terms said;
        const enum evm_swap_fact facts[] = {EVM_SWAP_FACT_LOCKED, EVM_SWAP_FACT_CLAIMED,
                                            EVM_SWAP_FACT_CONTRACT};
        for (size_t i = 0; i < COUNT_OF(facts); i++) {
            FINE(l, evm_swap_prove(l->client, &l->call, &terms, since, facts[i], &proof_text, &shown));
            assert_null(strstr(proof_text, "\"transaction\":\"")); /* nothing that is not needed */
            assert_true(shown.number >= since && shown.number <= height(l) - CONFIRMATIONS + 1);
            if (facts[i] == EVM_SWAP_FACT_LOCKED)
                assert_true(evm_swap_find_locked(&shown.receipt, shown.chain_id, &id, &said) &&
                            evm_address_equal(&said.contract, &contract));
            if (facts[i] == EVM_SWAP_FACT_CLAIMED)
                assert_true(evm_swap_find_claimed(&shown.receipt, &contract, &id, &found_secret) &&
                            hash_equal(&found_secret, &secret));
        }
        assert_true(contract_is_hash_lock(&shown.account.code_hash));
    }
    if (proves) { /* the lock's word of storage, proved */
        struct u256 slot;
        struct evm_proof proof;
        struct evm_swap_word word;
        char slot_text[REPLY_HASH_TEXT_MAX], address[EVM_ADDRESS_TEXT_MAX];
        struct error error = {0};
        evm_swap_slot(&id, &slot);
        reply_hash_text(slot_text, (const struct hash *)&slot);
        evm_address_encode(address, &contract, EVM_CHECKSUM_PLAIN);
        const char *text_proof = generate(l, account_claim(l, address, slot_text));
        assert_int_equal(evm_proof_verify(text_proof, false, &l->arena, &proof, &error), OK);
        assert_true(evm_swap_word_read(&proof.slots[0].value, &word));
        assert_int_equal(word.state, EVM_SWAP_CLAIMED);
        assert_int_equal(word.deadline_s, terms.deadline_s);
        assert_memory_equal(&word.sender, &terms.sender, sizeof word.sender);
    }
}

static void a_locked_token_is_refunded_after_its_deadline_and_not_before(void **state)
{
    struct link *l = link_of(state);
    struct hash secret = {{1}}, id;
    struct evm_swap_call call;
    struct network_prepared token = issue(l, "5000");
    struct evm_address contract = deployed(l);
    struct evm_swap_terms terms = terms_for(l, &contract, &secret, 500);
    uint64_t checksum = ((struct evm_client *)l->client)->checksum;
    assert_true(evm_address_decode(&terms.token, token.asset, strlen(token.asset), checksum));
    evm_swap_id(((struct evm_client *)l->client)->chain_id, &terms, &id);
    evm_swap_approve(&terms, &call);
    submit(l, &call);
    evm_swap_lock(&terms, &call);
    submit(l, &call);
    assert_int_equal(reading_of(l, &terms, &id, true).state, EVM_SWAP_LOCKED);
    assert_tokens(l, token.asset, ((struct evm_client *)l->client)->account_text, 4000);

    evm_swap_refund(&contract, &id, &call);
    struct buffer options CLEANUP(buffer_close);
    buffer_init(&options);
    evm_swap_options(&call, &options);
    struct network_write write = {.kind = WRITE_SUBMIT, .options = buffer_text(&options)};
    struct network_prepared none;
    expect(l, l->network->prepare(l->client, &l->call, &write, &none), ERROR_NETWORK_REJECTED);
    assert_non_null(strstr(l->call.error.message, "DeadlineNotReached"));
    json_decref(anvil(l, "evm_increaseTime", json_pack("[i]", 600)));
    mine(l, 1);
    submit(l, &call);
    assert_int_equal(reading_of(l, &terms, &id, true).state, EVM_SWAP_REFUNDED);
    assert_tokens(l, token.asset, ((struct evm_client *)l->client)->account_text, 5000);
}

static void another_contract_is_not_taken_for_the_hash_lock(void **state)
{
    struct link *l = link_of(state);
    struct network_prepared token = issue(l, "1");
    struct evm_address contract;
    struct evm_swap_reading reading;
    struct hash id = {{0}};
    uint64_t checksum = ((struct evm_client *)l->client)->checksum;
    assert_true(evm_address_decode(&contract, token.asset, strlen(token.asset), checksum));
    expect(l, evm_swap_read(l->client, &l->call, &contract, &id, true, &reading), ERROR_NETWORK_NOT_FOUND);
    assert_true(evm_address_decode(&contract, BOB, strlen(BOB), EVM_CHECKSUM_PLAIN));
    expect(l, evm_swap_read(l->client, &l->call, &contract, &id, true, &reading), ERROR_NETWORK_NOT_FOUND);
}

#define COMMON                                                                                               \
    cmocka_unit_test(connects_to_its_chain_and_to_no_other),                                                 \
    cmocka_unit_test(tells_its_state),                                                                       \
    cmocka_unit_test(a_token_is_issued_pending_then_mined_then_confirmed),                                   \
    cmocka_unit_test(the_same_bytes_sent_again_do_nothing_more),                                             \
    cmocka_unit_test(numbers_of_earlier_writes_are_not_given_again),                                         \
    cmocka_unit_test(what_reverts_in_its_block_fails_with_the_reason),                                       \
    cmocka_unit_test(a_dropped_transaction_is_unknown_and_can_be_sent_again),                                \
    cmocka_unit_test(a_replaced_transaction_fails_once_the_other_is_deep_enough),                            \
    cmocka_unit_test(a_reorganisation_takes_a_confirmation_back),                                            \
    cmocka_unit_test(a_signed_transaction_of_another_chain_is_not_submitted),                                \
    cmocka_unit_test(fees_are_told_and_their_limit_holds),                                                   \
    cmocka_unit_test(nonsense_is_refused_before_anything_is_signed),                                         \
    cmocka_unit_test(the_chain_is_followed_and_a_reorganisation_unwound),                                    \
    cmocka_unit_test(the_account_s_token_transfers_are_found_page_by_page),                                  \
    cmocka_unit_test(a_locked_amount_is_read_claimed_and_its_secret_found),                                  \
    cmocka_unit_test(a_locked_token_is_refunded_after_its_deadline_and_not_before),                          \
    cmocka_unit_test(another_contract_is_not_taken_for_the_hash_lock)

int main(int argc, char **argv)
{
    const struct CMUnitTest bob[] = {
        COMMON,
        cmocka_unit_test(an_account_and_its_storage_are_proved),
        cmocka_unit_test(a_receipt_is_proved_with_its_transaction),
        cmocka_unit_test(a_proof_of_a_block_that_is_gone_is_unverifiable_unless_a_checkpoint_holds_it),
        cmocka_unit_test(a_withdrawal_is_proved_and_one_that_was_not_sent_is_not),
    };
    const struct CMUnitTest rootstock[] = {
        COMMON,
        cmocka_unit_test(rootstock_without_its_methods_proves_nothing_and_says_so),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("bob", bob, setup_bob, teardown) +
           cmocka_run_group_tests_name("rootstock", rootstock, setup_rootstock, teardown);
}
