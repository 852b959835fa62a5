/* Payments on a disk that loses power. For every N, a child pays over two hops (at once, held and settled,
 * held and canceled) while the power goes at the Nth change to the disk; it tells what was acknowledged. A
 * node that opens what it left brings every acknowledged payment to its end: settled exactly when its invoice
 * is, and nobody has more or less than that explains.
 *
 * With LAYERD_THOROUGH set every N is tried, otherwise every STRIDEth, beginning at random. */
#include "test_payment.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/fault_vfs.h"
#include "store/database.h"

#define STRIDE 4
#define PAYMENTS 3
#define FUNDS 10000
#define KEYS "alice bob carol"

struct left {
    char directory[256];
    uint64_t operations;
    size_t sent, settled;
    char hashes[PAYMENTS][65]; /* acknowledged */
    char first_settled[65];    /* seen as settled; "" when none was */
};

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
    dprintf(out, "operations %" PRIu64 "\n", fault_vfs_count(fault->operations));
    _exit(0);
}

static void read_left(int in, struct left *left)
{
    FILE *file = fdopen(in, "r");
    char line[512];

    *left = (struct left){ .sent = 0 };
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "directory %255s", left->directory);
        (void)sscanf(line, "operations %" SCNu64, &left->operations);
        (void)sscanf(line, "settled %64s", left->first_settled);
        if (left->sent < PAYMENTS && sscanf(line, "sent %64s", left->hashes[left->sent]) == 1)
            left->sent++;
    }
    fclose(file);
}

/* --- what it left ----------------------------------------------------------------------------- */
static void check_left(const struct left *left)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    fixture_open_kept(&f, NETWORK_DEV, payment_test_modules, left->directory);
    fixture_advance(&f, 3 * 1000000); /* what a worker had not signed is taken up again */
    for (size_t i = 0; i < left->sent; i++)
        assert_true(sql_of(&f, PAYMENT_STATE, left->hashes[i]) >= 0);
    if (left->first_settled[0] != '\0')
        assert_int_equal(sql_of(&f, PAYMENT_STATE, left->first_settled), SETTLED);
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

static uint64_t one_life(const struct fault *fault)
{
    struct left left;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        (void)!freopen("/dev/null", "w", stderr);
        live(ends[1], fault);
    }
    close(ends[1]);
    read_left(ends[0], &left);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_STORAGE &&
                               WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("operation %" PRIu64 " (seed %" PRIu64 "): the node ended with status %x", fault->nth,
                 fault->seed, (unsigned)status);
    if (left.directory[0] != '\0')
        check_left(&left);
    return left.operations;
}

static void each_loss(enum fault_kind kind)
{
    uint64_t stride = getenv("LAYERD_THOROUGH") != NULL ? 1 : STRIDE, seed = (uint64_t)time(NULL);
    uint64_t count = one_life(&(struct fault){ .operations = FAULT_CHANGE, .nth = 0 });

    assert_true(count > 20);
    print_message("%" PRIu64 " changes to the disk, every %" PRIu64 ". fails, seed %" PRIu64 "\n", count,
                  stride, seed);
    for (uint64_t nth = 1 + seed % stride; nth <= count; nth += stride)
        one_life(&(struct fault){ .operations = FAULT_CHANGE, .nth = nth, .kind = kind, .seed = seed + nth });
}

static void payments_end_as_they_must_when_the_power_goes(void **state)
{
    (void)state;
    each_loss(FAULT_POWER_LOSS);
}

static void payments_end_as_they_must_when_a_write_fails(void **state)
{
    (void)state;
    each_loss(FAULT_ERROR);
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
