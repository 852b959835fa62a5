/* The whole node on a failing disk. For every N, a child lives through the same history of signed commands
 * while the Nth change to the disk or the Nth read fails, or no space is left from there on, or the power
 * goes; it tells each acknowledged transaction through a pipe. It must finish, or stop with EXIT_STORAGE;
 * and then a node that opens what it left must hold every acknowledged transaction, keep all invariants, and
 * replay to the same blocks.
 *
 * With LAYERD_THOROUGH set (`make check-crash` sets it) every N is tried, otherwise as many as a quarter of a
 * minute allows, beginning at random. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "fault/fault_vfs.h"
#include "kernel/replay.h"
#include "kernel_fixture.h"
#include "ledger/ledger.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define QUICK_STRIDE 3 /* every how manieth N is tried when nobody asked for all */
#define STEPS 14
#define PREIMAGE "0000000000000000000000000000000000000000000000000000000000000001"
#define PREIMAGE_HASH "ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5" /* SHA-256 of it */

static const struct module *const modules[] = { &ledger_module, NULL };

/* --- the history (child) ---------------------------------------------------------------------- */
static json_t *step_command(struct fixture *f, int step, const char *escrow, const char **who,
                            const char **method)
{
    *who = step % 2 == 0 ? "alice" : "bob";
    *method = "ledger.transfer";
    switch (step) {
    case 0:
    case 1:
        *method = "dev.faucet";
        return fixture_json("{}");
    case 4:
        *method = "ledger.lock";
        return fixture_json("{'to':'%s','asset':'DEV','amount':50,'timeout':'1h','hash':'" PREIMAGE_HASH "'}",
                            fixture_address(f, "bob"));
    case 5:
        *method = "ledger.claim";
        return fixture_json("{'escrow':'%s','preimage':'" PREIMAGE "'}", escrow);
    case 8:
        *method = "ledger.lock";
        return fixture_json("{'to':'%s','asset':'DEV','amount':60,'timeout':'1s','hash':'" PREIMAGE_HASH "'}",
                            fixture_address(f, "bob"));
    case 9:
        *method = "dev.advance_time"; /* refunds the second escrow */
        return fixture_json("{'by':'1m'}");
    default:
        return fixture_json("{'to':'%s','asset':'DEV','amount':%d,'memo':'%.200s'}",
                            fixture_address(f, step % 2 == 0 ? "bob" : "alice"), step + 1,
                            PREIMAGE PREIMAGE PREIMAGE);
    }
}

static void tell(int out, const char *text)
{
    if (write(out, text, strlen(text)) != (ssize_t)strlen(text) || write(out, "\n", 1) != 1)
        _exit(1);
}

static void live(int out, const struct fault *fault)
{
    struct fixture f;
    struct error error;
    enum status status;
    char escrow[65] = PREIMAGE;

    fault_vfs_register("fault", true);
    fault_vfs_arm(fault);
    status = fixture_try_start(&f, NETWORK_DEV, modules, &error);
    tell(out, f.directory);
    if (status != OK)
        _exit(status == ERROR_STORAGE || status == ERROR_CORRUPT ? EXIT_STORAGE : 3);
    for (int step = 0; step < STEPS; step++) {
        const char *who, *method;
        json_t *params = step_command(&f, step, escrow, &who, &method);
        struct reply reply = fixture_call(&f, "transaction.submit", fixture_sign(&f, who, method, params));
        const char *locked;

        if (reply.status != OK)
            _exit(2);
        tell(out, json_string_value(json_object_get(reply.result, "transaction")));
        locked = json_string_value(json_object_get(json_object_get(reply.result, "result"), "escrow"));
        if (step == 4)
            snprintf(escrow, sizeof(escrow), "%s", locked);
        reply_close(&reply);
        fixture_advance(&f, 1000000);
    }
    kernel_stop(f.kernel, "the history ends");
    dprintf(out, "operations %" PRIu64 "\n", fault_vfs_count(fault->operations));
    _exit(0);
}

/* --- what it left (parent) -------------------------------------------------------------------- */
static bool not_stopped(void *context)
{
    (void)context;
    return false;
}

static void check_remains(const char *directory, char *const *ids, size_t count)
{
    struct fixture f;
    char work[300];
    struct replay_report report;
    struct registry *registry = registry_new(modules);
    struct error error;

    fixture_open(&f, NETWORK_DEV, modules, directory);
    for (size_t i = 0; i < count; i++) {
        char *sql AUTO_FREE = text_format("SELECT count(*) FROM signed_transaction WHERE id = x'%s'", ids[i]);

        assert_int_equal(fixture_sql(&f, sql), 1);
    }
    fixture_audit(&f);
    json_decref(fixture_query(&f, "verify", "{}"));
    snprintf(work, sizeof(work), "%s/replayed.sqlite3", directory);
    if (replay_run(&(struct replay_options){ .registry = registry,
                                             .database_path = kernel_database_path(f.kernel),
                                             .work_path = work,
                                             .chain = kernel_chain(f.kernel),
                                             .network = NETWORK_DEV,
                                             .stop = not_stopped },
                   &report, &error) != OK)
        fail_msg("replay: %s", error.message);
    if (!report.equal)
        fail_msg("replay: %s", report.difference);
    registry_free(registry);
    fixture_stop(&f);
}

/* One life and what it left. Returns how many operations of the fault's kinds a whole life has, when it came
 * to its end. */
static uint64_t one_life(const struct fault *fault)
{
    char line[512], directory[256] = "", *ids[STEPS];
    size_t count = 0;
    uint64_t operations = 0;
    int ends[2], status;
    pid_t child;
    FILE *in;

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
    in = fdopen(ends[0], "r");
    while (fgets(line, sizeof(line), in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (directory[0] == '\0')
            snprintf(directory, sizeof(directory), "%.255s", line);
        else if (sscanf(line, "operations %" SCNu64, &operations) != 1 && count < STEPS)
            ids[count++] = text_copy(line);
    }
    fclose(in);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_STORAGE &&
                               WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("operation %" PRIu64 " of kinds %x failing (how %d, seed %" PRIu64
                 "): the node ended with status %x",
                 fault->nth, fault->operations, fault->kind, fault->seed, (unsigned)status);
    if (directory[0] != '\0')
        check_remains(directory, ids, count);
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    return operations;
}

static void each_failing(unsigned operations, enum fault_kind kind)
{
    uint64_t stride = getenv("LAYERD_THOROUGH") != NULL ? 1 : QUICK_STRIDE, seed = (uint64_t)time(NULL);
    uint64_t count = one_life(&(struct fault){ .operations = operations, .nth = 0 });

    assert_true(count > STEPS);
    print_message("%" PRIu64 " operations of kinds %x, every %" PRIu64 ". fails, seed %" PRIu64 "\n", count,
                  operations, stride, seed);
    for (uint64_t nth = 1 + seed % stride; nth <= count; nth += stride)
        one_life(&(struct fault){ .operations = operations, .nth = nth, .kind = kind, .seed = seed + nth });
}

static void nothing_acknowledged_is_lost_when_a_write_or_sync_fails(void **state)
{
    (void)state;
    each_failing(FAULT_CHANGE, FAULT_ERROR);
}

static void nothing_acknowledged_is_lost_when_a_read_fails(void **state)
{
    (void)state;
    each_failing(FAULT_READ, FAULT_ERROR);
}

static void nothing_acknowledged_is_lost_when_the_disk_is_full(void **state)
{
    (void)state;
    each_failing(FAULT_CHANGE, FAULT_FULL);
}

static void nothing_acknowledged_is_lost_when_the_power_goes(void **state)
{
    (void)state;
    each_failing(FAULT_CHANGE, FAULT_POWER_LOSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_when_a_write_or_sync_fails),
        cmocka_unit_test(nothing_acknowledged_is_lost_when_a_read_fails),
        cmocka_unit_test(nothing_acknowledged_is_lost_when_the_disk_is_full),
        cmocka_unit_test(nothing_acknowledged_is_lost_when_the_power_goes),
    };
    struct error error;

    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("kernel_fault", tests, NULL, NULL) == 0 ? 0 : 1;
}
