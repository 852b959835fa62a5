/* The whole node on a failing disk. For every N, a child lives through the same history of signed commands
 * while the Nth change to the disk or the Nth read fails, or no space is left from there on, or the power
 * goes; it tells each acknowledged transaction through a pipe. It must finish, or stop with EXIT_STORAGE;
 * and then a node that opens what it left must hold every acknowledged transaction, keep all invariants, and
 * replay to the same blocks. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "fault/lives.h"
#include "kernel/replay.h"
#include "kernel_fixture.h"
#include "ledger/ledger.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

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
    dprintf(out, "directory %s\n", f.directory);
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
    lives_end(out, fault);
}

/* --- what it left (parent) -------------------------------------------------------------------- */
static char ids[STEPS][65]; /* of acknowledged transactions */
static size_t count;

static void hear(const char *line)
{
    if (line == NULL)
        count = 0;
    else if (count < STEPS)
        snprintf(ids[count++], sizeof(ids[0]), "%.64s", line);
}

static bool not_stopped(void *context)
{
    (void)context;
    return false;
}

static void check_remains(const char *directory)
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

static const struct lives lives = { .live = live, .hear = hear, .check = check_remains, .stride = 3 };

static void nothing_acknowledged_is_lost_when_a_write_or_sync_fails(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_ERROR);
}

static void nothing_acknowledged_is_lost_when_a_read_fails(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_READ, FAULT_ERROR);
}

static void nothing_acknowledged_is_lost_when_the_disk_is_full(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_NO_SPACE);
}

static void nothing_acknowledged_is_lost_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_POWER_LOSS);
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
