/* A scripted history on a failing disk. For every N, a child lives through the same history while the Nth
 * operation of a kind fails; it must either finish or stop with EXIT_STORAGE (or find the power gone), and
 * what it said was committed must be there afterwards, in a log that verifies. It tells each commit
 * through a pipe after database_commit has returned. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/store/store_support.h"
#include "../unit/sanitized.h"
#include "base/log.h"
#include "base/memory.h"
#include "fault/fault_vfs.h"
#include "store/backup.h"
#include "store/cursor.h"
#include "store/migration.h"

#define COMMITS 14
#define EVENTS_PER_COMMIT 9
#define BIG_BODY_BYTES (60 * 1024)
#define WAL_MOVED_AFTER 6 /* this commit's WAL is moved, and the next one overwrites it */
#define EXIT_BUG 3

/* What a child says after each commit. */
struct told {
    uint64_t head;
    struct hash hash;
};

/* --- the history ------------------------------------------------------------------------------ */

static void stop_unless_storage(enum status status, const struct error *error)
{
    if (status == OK)
        return;
    if (status == ERROR_STORAGE || status == ERROR_DATABASE_IN_USE)
        _exit(EXIT_STORAGE);
    fprintf(stderr, "unexpected: %s: %s\n", status_name(status), error->message);
    _exit(EXIT_BUG);
}

static void append_batch(struct place *place, int commit)
{
    static char big[BIG_BODY_BYTES];

    memset(big, 'b', sizeof(big));
    for (int i = 0; i < EVENTS_PER_COMMIT; i++) {
        struct event event = { .seq = event_log_head(place->log) + 1, .time_us = place->now_us,
                               .type = "store.tried", .subject = "thing/1", .last = true,
                               .body = bytes_of_text("{\"small\":true}") };

        if (commit % 3 == 1 && i < 4)
            event.body = bytes_of(big, sizeof(big));
        event_log_append(place->log, &event);
    }
}

static void live(struct place *place, int pipe_end)
{
    struct database_options options = { .path = place->path, .mode = DATABASE_WRITER, .vfs = "fault" };
    struct cursor cursor = { .name = "c", .updated_us = FIRST_TIME_US };
    char backups[192];
    struct error error;
    int from, to;

    place_path(place, "backups", backups);
    stop_unless_storage(database_open(&options, &place->writer, &error), &error);
    stop_unless_storage(migrate(place->writer, backups, &from, &to, &error), &error);
    stop_unless_storage(event_log_open(place->writer, NODE_ID, place->signer, &place->log, &error), &error);
    for (int commit = 0; commit < COMMITS; commit++) {
        struct told told;
        char text[32];

        database_begin(place->writer);
        database_savepoint(place->writer);
        snprintf(text, sizeof(text), "%d", commit);
        meta_set(place->writer, "commit", text);
        if (commit % 4 == 3) {
            database_savepoint_rollback(place->writer);
        } else {
            database_savepoint_release(place->writer);
        }
        append_batch(place, commit);
        snprintf(text, sizeof(text), "%" PRIu64, event_log_head(place->log));
        /* a row that has to agree with the events of its transaction */
        meta_set(place->writer, "head", text);
        if (commit == 0)
            stop_unless_storage(cursor_create(place->writer, &cursor, &error), &error);
        else
            stop_unless_storage(cursor_acknowledge(place->writer, "c", 5 * (uint64_t)commit, FIRST_TIME_US,
                                                   &error),
                                &error);
        (void)event_log_checkpoint(place->log, place->now_us, commit % 5 == 4);
        database_commit(place->writer);
        told.head = event_log_head(place->log);
        event_log_head_hash(place->log, &told.hash);
        if (write(pipe_end, &told, sizeof(told)) != (ssize_t)sizeof(told))
            _exit(EXIT_BUG);
        if (commit == WAL_MOVED_AFTER &&
            sqlite3_wal_checkpoint_v2(database_handle(place->writer), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                      NULL) !=
                SQLITE_OK)
            _exit(EXIT_STORAGE);
        place->now_us += MICROSECONDS_PER_SECOND;
    }
    place_close(place);
}

/* --- one try ---------------------------------------------------------------------------------- */

struct outcome {
    int status;
    struct told told;    /* the last thing that the child said */
    uint64_t operations; /* how many of the armed kinds there were, when it finished */
};

static void run_child(struct place *place, const struct fault *fault, int pipe_end)
{
    struct log_options quiet = { .path = "/dev/null" };
    struct told count;
    struct error error;

    if (log_open(&quiet, &error) != OK)
        _exit(EXIT_BUG);
    fault_vfs_register("fault", false);
    fault_vfs_arm(fault);
    live(place, pipe_end);
    count.head = fault_vfs_count(fault->operations);
    if (write(pipe_end, &count, sizeof(count.head)) != (ssize_t)sizeof(count.head))
        _exit(EXIT_BUG);
    _exit(0);
}

static struct outcome try_fault(struct place *place, const struct fault *fault)
{
    struct outcome outcome = { 0 };
    struct told told;
    int ends[2];
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        run_child(place, fault, ends[1]);
    }
    close(ends[1]);
    while ((got = read(ends[0], &told, sizeof(told))) == (ssize_t)sizeof(told))
        outcome.told = told;
    if (got == (ssize_t)sizeof(told.head))
        outcome.operations = told.head;
    close(ends[0]);
    assert_int_equal(waitpid(child, &outcome.status, 0), child);
    if (!WIFEXITED(outcome.status) ||
        (WEXITSTATUS(outcome.status) != 0 && WEXITSTATUS(outcome.status) != EXIT_STORAGE &&
         WEXITSTATUS(outcome.status) != FAULT_POWER_EXIT))
        fail_msg("operations %x, number %" PRIu64 ", kind %d: ended with %x", fault->operations, fault->nth,
                 (int)fault->kind, (unsigned)outcome.status);
    return outcome;
}

/* The database as the next start finds it. */
static void check_survivors(struct place *place, const struct fault *fault, const struct outcome *outcome)
{
    AUTO_FREE char *head = NULL;
    struct log_report report;
    struct error error = { .message = "" };
    struct hash hash;

    place_open(place); /* fails the test when the log does not open */
    if (event_log_head(place->log) < outcome->told.head)
        fail_msg("operations %x, number %" PRIu64 ", kind %d, seed %" PRIu64 ": event %" PRIu64
                 " was told, the log ends with %" PRIu64, fault->operations, fault->nth, (int)fault->kind,
                 fault->seed, outcome->told.head, event_log_head(place->log));
    if (outcome->told.head > 0) {
        assert_true(event_read(place->writer, outcome->told.head, &hash, NULL));
        assert_memory_equal(hash.bytes, outcome->told.hash.bytes, sizeof(hash.bytes));
    }
    head = meta_get(place->writer, "head");
    assert_int_equal(head == NULL ? 0 : strtoull(head, NULL, 10), event_log_head(place->log));
    if (verify_all(place, &report, &error) != OK)
        fail_msg("operations %x, number %" PRIu64 ", kind %d: %s", fault->operations, fault->nth,
                 (int)fault->kind, error.message);
    place->now_us += 3600 * MICROSECONDS_PER_SECOND;
    place_append(place, 3); /* and life goes on */
    place_close(place);
}

/* Lives through the history with the Nth operation failing, for N = 1, 1 + stride … until it finishes
 * untouched. */
static void sweep(unsigned operations, enum fault_kind kind, uint64_t stride, uint64_t seed)
{
    uint64_t tries = 0;

    for (uint64_t nth = 1;; nth += stride) {
        struct fault fault = { .operations = operations, .nth = nth, .kind = kind, .seed = seed + nth };
        struct outcome outcome;
        struct place place;

        place_begin(&place);
        outcome = try_fault(&place, &fault);
        check_survivors(&place, &fault, &outcome);
        place_end(&place);
        tries++;
        if (outcome.operations != 0 && outcome.operations < nth) {
            assert_int_equal(outcome.status, 0);
            assert_int_equal(outcome.told.head, COMMITS * EVENTS_PER_COMMIT);
            break;
        }
    }
    print_message("operations %x, kind %d: %" PRIu64 " tries\n", operations, (int)kind, tries);
}

/* How far apart the tries lie: 1 with LAYERD_THOROUGH set, as `make check-crash` does, otherwise what a
 * minute allows. */
static uint64_t stride(uint64_t quick)
{
    return getenv("LAYERD_THOROUGH") != NULL ? 1 : quick * (SANITIZED ? 4 : 1);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void every_failing_sync_stops_the_process_and_loses_nothing(void **state)
{
    (void)state;
    sweep(FAULT_SYNC, FAULT_ERROR, 1, 0);
    sweep(FAULT_SYNC, FAULT_DEAD, 1, 0);
}

static void every_failing_open_delete_or_truncate_loses_nothing(void **state)
{
    (void)state;
    sweep(FAULT_OPEN | FAULT_DELETE | FAULT_TRUNCATE, FAULT_ERROR, 1, 0);
    sweep(FAULT_OPEN | FAULT_DELETE | FAULT_TRUNCATE, FAULT_DEAD, 1, 0);
}

static void failing_writes_lose_nothing(void **state)
{
    (void)state;
    sweep(FAULT_WRITE, FAULT_ERROR, stride(13), 0);
    sweep(FAULT_WRITE, FAULT_DEAD, stride(29), 0);
}

static void failing_reads_lose_nothing(void **state)
{
    (void)state;
    sweep(FAULT_READ, FAULT_ERROR, stride(3), 0);
}

static void full_disk_stops_the_process_and_loses_nothing(void **state)
{
    (void)state;
    sweep(FAULT_WRITE, FAULT_NO_SPACE, stride(31), 0);
}

static void power_loss_loses_nothing_that_was_told(void **state)
{
    uint64_t seed = chance_begin("power_loss_loses_nothing_that_was_told");

    (void)state;
    sweep(FAULT_CHANGE, FAULT_POWER_LOSS, stride(11), seed);
    sweep(FAULT_SYNC, FAULT_POWER_LOSS, 1, seed);
}

/* The proof that the disk above is harsh enough: without syncs the same power loss does lose commits. */
static void live_without_syncs(const struct place *place, int pipe_end)
{
    struct told told = { 0 };
    sqlite3 *handle = NULL;

    if (sqlite3_open_v2(place->path, &handle, SQLITE_OPEN_READWRITE, "fault") != SQLITE_OK ||
        sqlite3_exec(handle, "PRAGMA synchronous = OFF; INSERT INTO meta VALUES ('head', '0')", NULL, NULL,
                     NULL) !=
            SQLITE_OK)
        _exit(EXIT_BUG);
    for (int i = 0; i < 40; i++) {
        if (sqlite3_exec(handle, "UPDATE meta SET value = value + 1 WHERE key = 'head'", NULL, NULL,
                         NULL) != SQLITE_OK)
            _exit(EXIT_BUG);
        told.head++;
        if (write(pipe_end, &told, sizeof(told)) != (ssize_t)sizeof(told))
            _exit(EXIT_BUG);
    }
    _exit(0);
}

static void power_loss_without_syncs_would_be_noticed(void **state)
{
    uint64_t lost = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fault fault = { .operations = FAULT_WRITE, .nth = 60, .kind = FAULT_POWER_LOSS, .seed = seed };
        AUTO_FREE char *head = NULL;
        struct told told = { 0 };
        struct place place;
        int ends[2], status;
        pid_t child;

        place_begin(&place);
        place_open(&place);
        place_close(&place);
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            fault_vfs_register("fault", false);
            fault_vfs_arm(&fault);
            live_without_syncs(&place, ends[1]);
        }
        close(ends[1]);
        while (read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told))
            continue;
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), FAULT_POWER_EXIT);
        place_open(&place);
        head = meta_get(place.writer, "head");
        lost += head == NULL || strtoull(head, NULL, 10) < told.head;
        place_end(&place);
    }
    assert_true(lost > 0);
}

static void failing_backup_leaves_the_node_alone(void **state)
{
    struct place place;

    (void)state;
    place_begin(&place);
    place_open(&place);
    place_append(&place, 2000);
    place_checkpoint(&place);
    fault_vfs_register("fault-everywhere", true);
    for (uint64_t nth = 1; nth < 400; nth += 7) {
        enum fault_kind kind = nth % 2 == 0 ? FAULT_ERROR : FAULT_NO_SPACE;
        struct fault fault = { .operations = FAULT_ANY, .nth = nth, .kind = kind };
        struct fault none = { 0 };
        struct backup_report report;
        struct error error;
        enum status status;
        char path[192];

        place_path(&place, "copy.sqlite3", path);
        fault_vfs_arm(&fault);
        status = backup_make(place.path, path, NODE_ID, note_signer_key(place.signer), NULL, NULL, &report,
                             &error);
        fault_vfs_arm(&none);
        if (status == OK)
            assert_int_equal(report.head, 2000);
        assert_true((status == OK) == file_exists(path));
        unlink(path);
    }
    place_append(&place, 10);
    assert_int_equal(event_log_head(place.log), 2010);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_sync_stops_the_process_and_loses_nothing),
        cmocka_unit_test(every_failing_open_delete_or_truncate_loses_nothing),
        cmocka_unit_test(failing_writes_lose_nothing),
        cmocka_unit_test(failing_reads_lose_nothing),
        cmocka_unit_test(full_disk_stops_the_process_and_loses_nothing),
        cmocka_unit_test(power_loss_loses_nothing_that_was_told),
        cmocka_unit_test(power_loss_without_syncs_would_be_noticed),
        cmocka_unit_test(failing_backup_leaves_the_node_alone),
    };
    struct log_options quiet = { .levels = "warn" };
    struct error error;

    if (log_open(&quiet, &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("failing disk", tests, NULL, NULL);
}
