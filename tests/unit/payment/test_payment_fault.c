/* Payments on a disk that loses power. For every N, a child pays over two hops (at once, held and settled,
 * held and canceled) while the power goes at the Nth change to the disk; it tells what was acknowledged. A
 * node that opens what it left brings every acknowledged payment to its end: settled exactly when its invoice
 * is, and nobody has more or less than that explains. */
#include "test_payment.h"

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/lives.h"

#define PAYMENTS 3
#define FUNDS 10000
#define KEYS "alice bob carol"

static struct left {
    size_t sent;
    char hashes[PAYMENTS][65]; /* acknowledged */
    char first_settled[65];    /* seen as settled; "" when none was */
} left;

/* --- the child -------------------------------------------------------------------------------- */
static void send_one(struct fixture *f, int out, size_t which, char hash[65])
{
    char *invoice AUTO_FREE =
        invoice_of(f, "carol", 100, which == 0 ? "" : ",'hold':true,'expiry':'10h'", hash);

    json_decref(
        ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(f, "alice")));
    dprintf(out, "sent %s\n", hash);
    if (which == 0) {
        await_sql(f, PAYMENT_STATE, hash, SETTLED);
        dprintf(out, "settled %s\n", hash);
        return;
    }
    await_sql(f, INVOICE_STATE, hash, 1);
    json_decref(ask(f, which == 1 ? "invoice.settle" : "invoice.cancel", "{'hash':'%s'}", hash));
    await_sql(f, PAYMENT_STATE, hash, which == 1 ? SETTLED : FAILED);
}

static void live(int out, const struct fault *fault)
{
    static struct fixture f;
    static struct way ab, bc;
    char hash[65];

    fault_vfs_register("fault", true);
    town_start(&f, KEYS);
    dprintf(out, "directory %s\n", f.directory);
    way_open(&ab, &f, "alice", "bob", 1, FUNDS, 0);
    way_open(&bc, &f, "bob", "carol", 2, FUNDS, 0);
    fault_vfs_arm(fault);
    for (size_t i = 0; i < PAYMENTS; i++)
        send_one(&f, out, i, hash);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    lives_end(out, fault);
}

static void hear(const char *line)
{
    if (line == NULL) {
        left = (struct left){ .sent = 0 };
        return;
    }
    (void)sscanf(line, "settled %64s", left.first_settled);
    if (left.sent < PAYMENTS && sscanf(line, "sent %64s", left.hashes[left.sent]) == 1)
        left.sent++;
}

/* --- what it left ----------------------------------------------------------------------------- */
static void check_left(const char *directory)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    fixture_open_kept(&f, NETWORK_DEV, payment_test_modules, directory);
    fixture_advance(&f, 3 * 1000000); /* what a worker had not signed is taken up again */
    for (size_t i = 0; i < left.sent; i++)
        assert_true(sql_of(&f, PAYMENT_STATE, left.hashes[i]) >= 0);
    if (left.first_settled[0] != '\0')
        assert_int_equal(sql_of(&f, PAYMENT_STATE, left.first_settled), SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state IN (0, 1, 3, 4)", "", 0);
    fixture_advance(&f, 175 * MINUTE); /* what is held goes back */
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    await_sql(&f, "SELECT count(*) FROM payment WHERE state = 0", "", 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM payment JOIN invoice USING (hash)"
                                     " WHERE (payment.state = 1) <> (invoice.state = 2)"), 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"), 0);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

static const struct lives lives = { .live = live, .hear = hear, .check = check_left, .stride = 4 };

static void payments_end_as_they_must_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_POWER_LOSS);
}

static void payments_end_as_they_must_when_a_write_fails(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payments_end_as_they_must_when_the_power_goes),
        cmocka_unit_test(payments_end_as_they_must_when_a_write_fails),
    };
    struct error error;

    crypto_start();
    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("payments on a failing disk", tests, NULL, NULL) == 0 ? 0 : 1;
}
