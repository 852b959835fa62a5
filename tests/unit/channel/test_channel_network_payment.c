/* Payments over channels through the network "state-channel": alice's link pays carol by way of bob. */
#include "payment/test_payment.h"

#include <time.h>

#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "layer2/channel/network.h"
#include "layer2/payment/payment.h"
#include "ledger/ledger.h"

#define TURNS 3000 /* of a wait */

static const struct module *const test_modules[] = { &ledger_module, &channel_module, &channel_local_module,
                                                     &payment_module, &invoice_module, &network_module,
                                                     NULL };
static const struct network *const test_networks[] = { &state_channel_network, NULL };

struct town {
    struct fixture f;
    struct way ab, bc;
};

static int setup(void **state)
{
    struct town *t = memory_new(sizeof(*t));

    network_use(test_networks);
    fixture_start(&t->f, NETWORK_DEV, test_modules);
    fixture_keep_keys(&t->f, "alice bob carol");
    fixture_run(&t->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    fixture_run(&t->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                fixture_address(&t->f, "bob"));
    way_open(&t->ab, &t->f, "alice", "bob", 1, 10000, 0);
    way_open(&t->bc, &t->f, "bob", "carol", 2, 10000, 0);
    json_decref(ask(&t->f, "network.initialize",
                    "{'link':'mine','network':'state-channel','key':'alice','poll':'100ms'}"));
    json_decref(ask(&t->f, "network.connect", "{'link':'mine'}"));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct town *t = *state;

    fixture_audit(&t->f);
    fixture_stop(&t->f);
    memory_free_pointer(state);
    return 0;
}

static void await_state(struct town *t, const char *request, const char *state)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM network_write w JOIN network_operation o USING "
                                      "(number)"
                                      " WHERE request_key = '%s' AND w.state = '%s'", request, state);

    for (int i = 0; i < TURNS; i++) {
        if (fixture_sql(&t->f, sql) == 1)
            return;
        fixture_advance(&t->f, MICROSECONDS_PER_SECOND / 10);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    fail_msg("the write of request %s does not become %s", request, state);
}

static void invoice_is_paid_once_over_two_channels(void **state)
{
    struct town *t = *state;
    char hash[65];
    char *invoice AUTO_FREE = invoice_of(&t->f, "carol", 1000, "", hash);
    char *id AUTO_FREE = NULL;
    char *expected AUTO_FREE = text_format("payment/%s", hash);

    json_decref(ask(&t->f, "network.transfer_asset",
                    "{'link':'mine','to':'%s','amount':'1000','request':'a'}",
                    invoice));
    await_state(t, "a", "final");
    assert_int_equal(sql_of(&t->f, PAYMENT_STATE, hash), SETTLED);
    json_decref(ask(&t->f, "network.transfer_asset",
                    "{'link':'mine','to':'%s','amount':'1000','request':'b'}",
                    invoice)); /* another operation, the same invoice */
    await_state(t, "b", "final");
    assert_int_equal(sql_of(&t->f, "SELECT received FROM invoice WHERE hash = x'$'", hash), 1000);
    id = fixture_sql_text(&t->f, "SELECT transaction_id FROM network_write LIMIT 1");
    assert_string_equal(id, expected);
}

static void payment_that_nothing_carries_is_rejected(void **state)
{
    struct town *t = *state;
    char hash[65];
    char *invoice AUTO_FREE = invoice_of(&t->f, "carol", 20000, "", hash);

    json_decref(ask(&t->f, "network.transfer_asset",
                    "{'link':'mine','to':'%s','amount':'20000','request':'a'}",
                    invoice));
    await_state(t, "a", "rejected");
    assert_int_equal(sql_of(&t->f, "SELECT count(*) FROM payment", hash), 0);
}

static void amount_is_the_invoices(void **state)
{
    struct town *t = *state;
    char hash[65];
    char *invoice AUTO_FREE = invoice_of(&t->f, "carol", 1000, "", hash);
    char *open AUTO_FREE = invoice_of(&t->f, "carol", 0, "", hash);

    json_decref(ask(&t->f, "network.transfer_asset", "{'link':'mine','to':'%s','amount':'999','request':'a'}",
                    invoice));
    await_state(t, "a", "rejected");
    json_decref(ask(&t->f, "network.transfer_asset", "{'link':'mine','to':'%s','amount':'999','request':'b'}",
                    open)); /* leaves it to the payer */
    await_state(t, "b", "final");
    assert_int_equal(sql_of(&t->f, "SELECT received FROM invoice WHERE hash = x'$'", hash), 999);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(invoice_is_paid_once_over_two_channels),
        TEST(payment_that_nothing_carries_is_rejected),
        TEST(amount_is_the_invoices),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
