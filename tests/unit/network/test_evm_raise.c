/* Fees that are raised: when, by how much, and how far; against a server in the process. And numbers: which
 * of them a new transaction gets when earlier ones are missing. */
#include "evm_fake.h"

#include "crypto/hash.h"
#include "network/evm/fees.h"

#define BOB "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define CHAIN_LENGTH 40
#define SECONDS(n) ((int64_t)(n) * 1000000)
#define GWEI 1000000000ull

struct fixture {
    const struct network *network;
    struct evm_options options;
    struct test_signer signer;
    void *client;
    struct arena arena;
    struct network_call call;
    struct network_write write;
    struct network_prepared first;
};

static void expect(struct fixture *f, enum status status, enum status expected)
{
    if (status != expected)
        fail_msg("%s, expected %s: %s", status_name(status), status_name(expected), f->call.error.message);
}

static void open_client(struct fixture *f)
{
    struct error error = {0};
    struct network_setup setup = {.link = "fake", .network = NETWORK_DEV, .options = &f->options,
                                  .signer = &f->signer.signer};
    if (f->client != NULL)
        f->network->release(f->client);
    assert_int_equal(f->network->initialize(&setup, &f->client, &error), OK);
}

/* What the next block takes: the base fee and tips; on Rootstock one price. */
static void network_asks(struct fixture *f, uint64_t base, uint64_t tip)
{
    if (f->network == &bob_network)
        fake_answers("eth_feeHistory",
                     json_pack("{s[oo]s[[ooo]]}", "baseFeePerGas", json_quantity(base), json_quantity(base),
                               "reward", json_quantity(tip), json_quantity(tip), json_quantity(2 * tip)));
    else
        fake_answers("eth_gasPrice", json_quantity(base));
}

static int start(void **state, const struct network *network)
{
    struct fixture *f = memory_new(sizeof *f);
    crypto_start();
    f->network = network;
    fake_start(network == &rootstock_network, CHAIN_LENGTH, 0);
    f->options = default_options(network, "http://fake");
    f->options.bump_after = SECONDS(40);
    f->options.fee_limit = "1000000000000000000";
    test_signer_start(&f->signer, KEY_ALICE);
    open_client(f);
    call_begin(&f->call, &f->arena, 600);
    fake_answers("eth_estimateGas", json_string("0x5208"));
    fake_answers("eth_getTransactionCount", json_string("0x7"));
    network_asks(f, GWEI, 1000000);
    f->write = (struct network_write){.kind = WRITE_TRANSFER, .to = BOB, .amount = "5"};
    expect(f, network->prepare(f->client, &f->call, &f->write, &f->first), OK);
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

static struct network_raise waited(struct fixture *f, int64_t us)
{
    return (struct network_raise){.write = &f->write, .newest = &f->first, .waited_us = us};
}

static struct network_raised try_raise(struct fixture *f, const struct network_raise *what)
{
    struct network_raised raised;
    expect(f, f->network->raise(f->client, &f->call, what, &raised), OK);
    return raised;
}

static struct evm_transaction read(struct fixture *f, const struct network_prepared *prepared)
{
    struct evm_transaction transaction;
    struct evm_address sender;
    struct error error = {0};
    assert_int_equal(evm_transaction_decode(prepared->raw, &f->arena, &transaction, &sender, &error), OK);
    assert_memory_equal(&sender, &((struct evm_client *)f->client)->account, sizeof sender);
    return transaction;
}

static uint64_t small(const struct u256 *value)
{
    uint64_t number;
    assert_true(u256_to_u64(value, &number));
    return number;
}

/* --- when -------------------------------------------------------------------------------------------- */
static void a_fee_is_raised_when_it_is_too_low_and_has_waited(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(40));
    assert_false(try_raise(f, &what).made); /* what it offers is enough */
    network_asks(f, 5 * GWEI, 1000000);
    what.waited_us--;
    assert_false(try_raise(f, &what).made);
    size_t asked = fake_asked("eth_getTransactionCount");
    what.waited_us++;
    assert_true(try_raise(f, &what).made);
    assert_int_equal(fake_asked("eth_getTransactionCount"), asked + 1);
    fake_answers("eth_getTransactionCount", json_string("0x8")); /* its number is used */
    assert_false(try_raise(f, &what).made);
    fake_answers("eth_getTransactionCount", json_string("0x3")); /* others come before it */
    assert_true(try_raise(f, &what).made);
    assert_int_equal(fake_asked("eth_sendRawTransaction"), 0);
}

static void a_link_may_say_that_fees_are_never_raised(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(1000000));
    network_asks(f, 50 * GWEI, 1000000);
    assert_true(try_raise(f, &what).made);
    f->options.bump_after = 0;
    open_client(f);
    assert_false(try_raise(f, &what).made);
    what.too_cheap = true;
    assert_false(try_raise(f, &what).made);
}

static void what_others_signed_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(1000));
    struct network_write submit = {.kind = WRITE_SUBMIT, .raw = f->first.raw};
    network_asks(f, 50 * GWEI, 1000000);
    what.write = &submit; /* by our key, but not here */
    assert_false(try_raise(f, &what).made);
    struct network_write call = {.kind = WRITE_SUBMIT, .raw = bytes_of_text("{\"to\":\"" BOB "\"}")};
    what.write = &call;
    assert_true(try_raise(f, &what).made);
    struct evm_client *client = f->client;
    client->account.bytes[3] ^= 1; /* another account's */
    what.write = &f->write;
    assert_false(try_raise(f, &what).made);
    client->account.bytes[3] ^= 1;
}

/* --- by how much ------------------------------------------------------------------------------------- */
static void a_raised_transaction_is_the_same_but_for_its_fee(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(60));
    network_asks(f, 50 * GWEI, 3000000);
    struct network_raised raised = try_raise(f, &what);
    assert_true(raised.made);
    struct evm_transaction before = read(f, &f->first), after = read(f, &raised.prepared);
    assert_true(raised.prepared.has_sequence);
    assert_int_equal(raised.prepared.sequence, f->first.sequence);
    assert_string_not_equal(raised.prepared.transaction, f->first.transaction);
    assert_int_equal(after.nonce, before.nonce);
    assert_int_equal(after.kind, before.kind);
    assert_int_equal(after.gas_limit, before.gas_limit);
    assert_memory_equal(&after.to, &before.to, sizeof after.to);
    assert_memory_equal(&after.value, &before.value, sizeof after.value);
    assert_int_equal(after.data.size, before.data.size);
    bool bob = f->network == &bob_network; /* twice the base and the tip; a tenth more than the price */
    assert_int_equal(small(&after.gas_price), bob ? 100 * GWEI + 3000000 : 55 * GWEI);
    char text[U256_DECIMAL_MAX];
    assert_string_equal(raised.fee, u256_decimal(text, &after.gas_price));
    if (bob)
        assert_int_equal(small(&after.priority_fee), 3000000);
}

/* geth: both fees by a tenth at least (list.Add: above, and at least old · 110 / 100); rskj: the price by two
 * fifths (TransactionPoolImpl: above, and at least old · 140 / 100). */
static void every_raise_is_one_that_servers_take_in_the_other_s_place(void **state)
{
    struct fixture *f = *state;
    bool bob = f->network == &bob_network;
    static const uint64_t prices[] = {1, 2, 3, 7, 9, 10, 99, 1000001, GWEI, 123456789012345ull};
    for (size_t i = 0; i < COUNT_OF(prices); i++) {
        struct fee_prices asked = {.dynamic = bob};
        struct fee_limits limits;
        struct evm_transaction transaction = {.kind = bob ? EVM_DYNAMIC_FEE : EVM_LEGACY, .gas_limit = 21000,
                                              .gas_price = u256_of(prices[i]),
                                              .priority_fee = u256_of(bob ? prices[i] / 2 : 0)};
        struct u256 most;
        struct error error = {0};
        uint64_t percent = bob ? 110 : 140, tip = prices[i] / 2;
        memset(&limits, 0xff, sizeof limits);
        limits.layer1 = u256_of(0);
        assert_int_equal(fees_raise(&asked, FEE_NORMAL, bob ? 125 : 400, &limits, &transaction, &most,
                                    &error), OK);
        uint64_t raised = small(&transaction.gas_price), raised_tip = small(&transaction.priority_fee);
        assert_true(raised > prices[i] && raised >= prices[i] * percent / 100);
        assert_true(bob ? raised_tip > tip && raised_tip >= tip * percent / 100 : raised_tip == 0);
        assert_true(raised_tip <= raised);
        assert_int_equal(small(&most), raised * 21000);
    }
}

static void a_low_tip_alone_is_too_low_where_there_are_tips(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(60));
    network_asks(f, GWEI, 900000000);
    struct network_raised raised = try_raise(f, &what);
    assert_true(raised.made);
    struct evm_transaction after = read(f, &raised.prepared);
    assert_int_equal(small(&after.priority_fee), 900000000);
    assert_int_equal(small(&after.gas_price), 2 * GWEI + 900000000);
}

static void raises_that_follow_each_other_rise(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(60));
    struct network_prepared newest = f->first;
    what.newest = &newest;
    what.too_cheap = true; /* the server says so each time, whatever it asked before */
    struct evm_transaction before = read(f, &newest);
    for (int i = 0; i < 8; i++) {
        struct network_raised raised = try_raise(f, &what);
        assert_true(raised.made);
        struct evm_transaction after = read(f, &raised.prepared);
        assert_true(u256_compare(&after.gas_price, &before.gas_price) > 0);
        newest = raised.prepared;
        before = after;
    }
}

/* --- how far ----------------------------------------------------------------------------------------- */
static void the_limits_hold_for_raised_fees_too(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(60));
    struct network_raised raised;
    bool bob = f->network == &bob_network;
    network_asks(f, 50 * GWEI, 1000000);
    /* A limit that lies between what is asked and what would be offered is offered. */
    f->options.max_fee_per_gas = bob ? "60000000000" : "52000000000";
    open_client(f);
    raised = try_raise(f, &what);
    struct evm_transaction after = read(f, &raised.prepared);
    assert_int_equal(small(&after.gas_price), bob ? 60 * GWEI : 52 * GWEI);
    /* One below what is asked is not: it would not be taken, and the next raise needs more again. */
    f->options.max_fee_per_gas = "49999999999";
    open_client(f);
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
    assert_false(raised.made);
    assert_non_null(strstr(f->call.error.message, "max_fee_per_gas is 49999999999"));
    struct network_prepared none; /* nor is anything new signed at such a price */
    expect(f, f->network->prepare(f->client, &f->call, &f->write, &none), ERROR_NETWORK_FEE_LIMIT);
    /* One below the least raise is not, either. */
    network_asks(f, bob ? 2100000000 : 1200000000, 1000000);
    f->options.max_fee_per_gas = bob ? "2200000000" : "1300000000";
    open_client(f);
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
    /* The write's own limit, and the link's, are of the whole. */
    f->options.max_fee_per_gas = NULL;
    open_client(f);
    network_asks(f, 50 * GWEI, 1000000);
    f->write.fee = "1049999999999999"; /* 21,000 times 50 gwei is a wei more */
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
    f->write.fee = "1050023625021000"; /* and the tip, an eighth and a wei more */
    assert_true(try_raise(f, &what).made);
    f->write.fee = NULL;
    f->options.fee_limit = "1049999999999999";
    open_client(f);
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
}

static void a_server_s_lie_about_prices_ends_at_the_limit(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(60));
    struct network_raised raised;
    const char *all = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    if (f->network == &bob_network)
        fake_answers("eth_feeHistory", json_pack("{s[s]s[[sss]]}", "baseFeePerGas", all, "reward", all, all,
                                                 all));
    else
        fake_answers("eth_gasPrice", json_string(all));
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
    assert_false(raised.made);
}

/* --- in a hurry -------------------------------------------------------------------------------------- */
static void the_less_time_is_left_the_sooner_it_is_raised(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(20));
    network_asks(f, 5 * GWEI, 1000000);
    what.is_hurried = true;
    what.left_us = SECONDS(801); /* twenty times bump_after, and more */
    assert_false(try_raise(f, &what).made);
    what.left_us = SECONDS(800);
    struct network_raised raised = try_raise(f, &what);
    assert_true(raised.made);
    struct evm_transaction after = read(f, &raised.prepared); /* what the fastest offer */
    assert_int_equal(small(&after.gas_price),
                     f->network == &bob_network ? 10 * GWEI + 2000000 : 5 * GWEI + 5 * GWEI / 4);
    what.waited_us = SECONDS(10);
    assert_false(try_raise(f, &what).made);
    what.left_us = SECONDS(200);
    assert_true(try_raise(f, &what).made);
    what.waited_us--;
    assert_false(try_raise(f, &what).made);
    what.left_us = 0; /* too late: no hurry any more */
    what.waited_us = SECONDS(39);
    assert_false(try_raise(f, &what).made);
}

static void at_last_it_is_raised_whatever_the_network_asks(void **state)
{
    struct fixture *f = *state;
    struct network_raise what = waited(f, SECONDS(10));
    struct network_raised raised;
    network_asks(f, GWEI / 10, 1000);
    what.is_hurried = true;
    what.left_us = SECONDS(201);
    what.waited_us = SECONDS(1000);
    assert_false(try_raise(f, &what).made);
    what.left_us = SECONDS(200);
    raised = try_raise(f, &what);
    assert_true(raised.made);
    fake_answers("eth_getTransactionCount", json_string("0x6")); /* another is stuck before it */
    assert_false(try_raise(f, &what).made);
    fake_answers("eth_getTransactionCount", json_string("0x7"));
    struct evm_transaction before = read(f, &f->first); /* the limits hold all the same */
    char text[U256_DECIMAL_MAX];
    f->options.max_fee_per_gas = u256_decimal(text, &before.gas_price);
    open_client(f);
    expect(f, f->network->raise(f->client, &f->call, &what, &raised), ERROR_NETWORK_FEE_LIMIT);
}

/* --- servers' words ---------------------------------------------------------------------------------- */
static void a_refusal_for_the_fee_alone_is_told_from_others(void **state)
{
    struct fixture *f = *state;
    static const struct { const char *message; bool too_cheap; } words[] = {
        {"replacement transaction underpriced", true},
        {"transaction underpriced: gas tip cap 1, minimum needed 1000000", true},
        {"gas price not enough to bump transaction", true}, /* rskj */
        {"max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 2", true},
        {"Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas of 2", true},
        {"Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 3 is necessary", true},
        {"insufficient funds for gas * price + value", false},
        {"nonce too low", false},
        {"already known", false},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct network_sent sent = {0};
        fake_refuses("eth_sendRawTransaction", -32000, words[i].message, NULL);
        fake_answers("eth_getTransactionByHash", json_null());
        expect(f, f->network->send(f->client, &f->call, &f->first, &sent), OK);
        if (sent.too_cheap != words[i].too_cheap)
            fail_msg("'%s'", words[i].message);
        assert_true(!sent.too_cheap || sent.outcome == SEND_REJECTED);
    }
}

/* --- numbers ----------------------------------------------------------------------------------------- */
static uint64_t number_given(struct fixture *f, uint64_t pending, uint64_t least, uint64_t from, uint64_t to)
{
    struct network_prepared prepared;
    f->write.sequence_least = least;
    f->write.hole_from = from;
    f->write.hole_to = to;
    fake_answers("eth_getTransactionCount", json_quantity(pending));
    expect(f, f->network->prepare(f->client, &f->call, &f->write, &prepared), OK);
    return prepared.sequence;
}

static void a_hole_before_all_that_waits_is_filled(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(number_given(f, 5, 10, 5, 9), 5);   /* 9 waits, and 5 … 8 are nobody's */
    assert_int_equal(number_given(f, 6, 10, 5, 9), 6);
    assert_int_equal(number_given(f, 9, 10, 5, 9), 10);  /* it waits for none */
    assert_int_equal(number_given(f, 4, 10, 5, 9), 10);  /* 4 was used: the server lags behind */
    assert_int_equal(number_given(f, 12, 10, 5, 9), 12);
    assert_int_equal(number_given(f, 9, 10, 9, 9), 10);  /* there is none */
}

static void a_transaction_that_is_mined_while_it_is_looked_for_has_not_failed(void **state)
{
    struct fixture *f = *state;
    struct network_status status;
    fake_answers("eth_getTransactionReceipt", json_null());
    fake_answers("eth_getTransactionByHash", json_null());
    fake_answers("eth_getTransactionCount", json_string("0x8"));
    size_t asked = fake_asked("eth_getTransactionReceipt");
    expect(f, f->network->check_transaction_status(f->client, &f->call, &f->first, &status), OK);
    assert_int_equal(status.state, TRANSACTION_FAILED);
    assert_null(status.block);
    /* the receipt was asked for after the number was seen to be used */
    assert_int_equal(fake_asked("eth_getTransactionReceipt"), asked + 2);
}

static void options_of_raising_are_checked(void **state)
{
    struct fixture *f = *state;
    struct evm_options wrong[3];
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        wrong[i] = f->options;
    wrong[0].max_fee_per_gas = "1 gwei";
    wrong[1].bump_after = 999999;
    wrong[2].confirmations = 0;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error error = {0};
        void *client = NULL;
        struct network_setup setup = {.link = "x", .network = NETWORK_DEV, .options = &wrong[i]};
        assert_int_equal(f->network->initialize(&setup, &client, &error), ERROR_NETWORK_OPTIONS);
        assert_null(client);
    }
}

#define BOTH(test)                                                                                           \
    cmocka_unit_test_setup_teardown(test, start_bob, stop),                                                  \
    cmocka_unit_test_setup_teardown(test, start_rootstock, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_fee_is_raised_when_it_is_too_low_and_has_waited),
        BOTH(a_link_may_say_that_fees_are_never_raised),
        BOTH(what_others_signed_is_left_alone),
        BOTH(a_raised_transaction_is_the_same_but_for_its_fee),
        BOTH(every_raise_is_one_that_servers_take_in_the_other_s_place),
        cmocka_unit_test_setup_teardown(a_low_tip_alone_is_too_low_where_there_are_tips, start_bob, stop),
        BOTH(raises_that_follow_each_other_rise),
        BOTH(the_limits_hold_for_raised_fees_too),
        BOTH(a_server_s_lie_about_prices_ends_at_the_limit),
        BOTH(the_less_time_is_left_the_sooner_it_is_raised),
        BOTH(at_last_it_is_raised_whatever_the_network_asks),
        BOTH(a_refusal_for_the_fee_alone_is_told_from_others),
        BOTH(a_hole_before_all_that_waits_is_filled),
        BOTH(a_transaction_that_is_mined_while_it_is_looked_for_has_not_failed),
        BOTH(options_of_raising_are_checked),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
