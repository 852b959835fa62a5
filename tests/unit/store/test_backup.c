/* Backups and restores: one snapshot while others write, verified before named, nothing lost. */
#include "test_store.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/backup.h"

static int begin(void **state)
{
    struct place *place = malloc(sizeof(*place));

    place_begin(place);
    place_open(place);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

static enum status make(struct place *place, const char *destination,
                        bool (*progress)(void *context, const char *phase, uint64_t done, uint64_t total),
                        void *context, struct backup_report *report, struct error *error)
{
    return backup_make(place->path, destination, NODE_ID, note_signer_key(place->signer), progress, context,
                       report, error);
}

static uint64_t head_of(const char *path)
{
    struct database_options options = { .path = path, .mode = DATABASE_READER };
    struct database *database = NULL;
    struct error error;
    uint64_t head;

    assert_ok(database_open(&options, &database, &error));
    head = event_head(database);
    database_close(database);
    return head;
}

static void backup_is_one_verified_file(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct hash hash;
    struct error error;
    char path[192], beside[256];

    place_append(place, 1000);
    place_checkpoint(place);
    place_path(place, "copy.sqlite3", path);
    assert_ok(make(place, path, NULL, NULL, &report, &error));
    assert_int_equal(report.head, 1000);
    assert_int_equal(report.verified, 1000);
    event_log_head_hash(place->log, &hash);
    assert_memory_equal(report.head_hash.bytes, hash.bytes, 32);
    assert_true(report.bytes > 100000);
    assert_int_equal(head_of(path), 1000);
    snprintf(beside, sizeof(beside), "%s.partial", path);
    assert_false(file_exists(beside));
    snprintf(beside, sizeof(beside), "%s-wal", path);
    assert_false(file_exists(beside));

    assert_refused(make(place, path, NULL, NULL, &report, &error), ERROR_BACKUP_EXISTS);
    place_path(place, "absent/copy.sqlite3", path);
    assert_refused(make(place, path, NULL, NULL, &report, &error), ERROR_STORAGE);
}

/* Writes a commit between every two steps of the copy. */
struct meddling {
    struct place *place;
    uint64_t calls, last_done;
};

static bool write_meanwhile(void *context, const char *phase, uint64_t done, uint64_t total)
{
    struct meddling *meddling = context;

    if (strcmp(phase, "copy") != 0)
        return true;
    assert_true(done > meddling->last_done); /* a copy that began again would stand where it stood */
    assert_true(done <= total);
    meddling->last_done = done;
    meddling->calls++;
    place_append(meddling->place, 500);
    (void)database_checkpoint_wal(meddling->place->writer, meddling->place->now_us);
    return true;
}

static void writes_during_a_backup_neither_restart_it_nor_leak_in(void **state)
{
    struct place *place = *state;
    struct meddling meddling = { .place = place };
    struct backup_report report;
    struct error error;
    char path[192];

    for (int i = 0; i < 10; i++)
        place_append(place, 10000);
    place_checkpoint(place);
    place_path(place, "copy.sqlite3", path);
    assert_ok(make(place, path, write_meanwhile, &meddling, &report, &error));
    assert_true(meddling.calls > 3);
    assert_int_equal(report.head, 100000);
    assert_int_equal(head_of(path), 100000);
    assert_int_equal(event_log_head(place->log), 100000 + 500 * meddling.calls);
}

struct busy_writer {
    struct place *place;
    atomic_bool stop;
    uint64_t commits;
};

static void *write_without_pause(void *context)
{
    struct busy_writer *busy = context;

    while (!busy->stop) {
        place_append(busy->place, 20);
        (void)database_checkpoint_wal(busy->place->writer, busy->place->now_us);
        busy->commits++;
    }
    return NULL;
}

static void backups_beside_a_busy_writer_all_verify(void **state)
{
    struct place *place = *state;
    struct busy_writer busy = { .place = place };
    struct backup_report report;
    struct error error;
    pthread_t thread;
    uint64_t head = 0;

    place_append(place, 5000);
    pthread_create(&thread, NULL, write_without_pause, &busy);
    for (int i = 0; i < 5; i++) {
        AUTO_FREE char *path = text_format("%s/copy-%d", place->directory, i);

        assert_ok(make(place, path, NULL, NULL, &report, &error));
        assert_true(report.head >= head);
        head = report.head;
    }
    busy.stop = true;
    pthread_join(thread, NULL);
    assert_true(busy.commits > 0);
}

static bool stop_copy(void *context, const char *phase, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return strcmp(phase, "copy") != 0;
}

static void stopped_or_failed_backup_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct backup_report report = { .head = 77 };
    struct error error;
    char path[192], partial[256];

    place_append(place, 1000);
    place_checkpoint(place);
    place_path(place, "copy.sqlite3", path);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    assert_refused(make(place, path, stop_copy, NULL, &report, &error), ERROR_STOPPING);
    assert_false(file_exists(path));
    assert_false(file_exists(partial));

    place_close(place);
    tamper(place, "UPDATE event SET body = '{}' WHERE seq = 500");
    assert_refused(make(place, path, NULL, NULL, &report, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "event 500"));
    assert_false(file_exists(path));
    assert_false(file_exists(partial));
    assert_int_equal(report.head, 77); /* a failed call leaves its outputs */
}

static void left_over_partial_file_is_no_obstacle(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char path[192], partial[256];
    FILE *file;

    place_append(place, 10);
    place_path(place, "copy.sqlite3", path);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    file = fopen(partial, "w");
    for (int i = 0; i < 100000; i++)
        fputs("half a copy\n", file);
    fclose(file);
    assert_ok(make(place, path, NULL, NULL, &report, &error));
    assert_int_equal(report.head, 10);
    assert_false(file_exists(partial));
}

/* --- restore ---------------------------------------------------------------------------------- */

/* The file that a restore kept; fails unless there is exactly one. */
static void find_replaced(const struct place *place, char path[192])
{
    DIR *directory = opendir(place->directory);
    struct dirent *entry;
    int count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, "layerd.sqlite3.replaced-", 24) != 0)
            continue;
        count++;
        snprintf(path, 192, "%s/%.100s", place->directory, entry->d_name);
    }
    closedir(directory);
    assert_int_equal(count, 1);
}

static void restore_puts_the_copy_in_place_and_keeps_the_old_file(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char copy[192], replaced[192];
    struct log_report verified;

    place_append(place, 400);
    place_checkpoint(place);
    place_path(place, "copy.sqlite3", copy);
    assert_ok(make(place, copy, NULL, NULL, &report, &error));
    place_append(place, 300);
    place_close(place);
    assert_ok(backup_restore(copy, place->path, &report, &error));
    assert_int_equal(report.head, 400);
    find_replaced(place, replaced);
    assert_int_equal(head_of(replaced), 700); /* WAL folded in: nothing of the old one is lost */
    assert_int_equal(head_of(copy), 400);
    place_open(place);
    assert_int_equal(event_log_head(place->log), 400);
    place_append(place, 10);
    assert_ok(verify_all(place, &verified, &error));
}

static void restore_is_refused_while_the_database_is_in_use(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char copy[192];

    place_append(place, 40);
    place_path(place, "copy.sqlite3", copy);
    assert_ok(make(place, copy, NULL, NULL, &report, &error));
    place_append(place, 40);
    assert_refused(backup_restore(copy, place->path, &report, &error), ERROR_DATABASE_IN_USE);
    assert_int_equal(event_head(place->writer), 80);
}

static void damaged_backup_is_not_restored(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char copy[192];
    FILE *file;

    place_append(place, 400);
    place_checkpoint(place);
    place_path(place, "copy.sqlite3", copy);
    assert_ok(make(place, copy, NULL, NULL, &report, &error));
    file = fopen(copy, "r+");
    fseek(file, report.bytes / 2, SEEK_SET);
    for (int i = 0; i < 3000; i++)
        fputc(0xA5, file);
    fclose(file);
    place_close(place);
    assert_int_not_equal(backup_restore(copy, place->path, &report, &error), OK);
    place_open(place); /* what was there still is */
    assert_int_equal(event_log_head(place->log), 400);
}

static void restore_replaces_a_damaged_database_and_keeps_its_remains(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char copy[192], replaced[192];
    FILE *file;

    place_append(place, 400);
    place_path(place, "copy.sqlite3", copy);
    assert_ok(make(place, copy, NULL, NULL, &report, &error));
    place_close(place);
    file = fopen(place->path, "r+");
    for (int i = 0; i < 3000; i++)
        fputc(0xA5, file);
    fclose(file);
    assert_ok(backup_restore(copy, place->path, &report, &error));
    find_replaced(place, replaced);
    place_open(place);
    assert_int_equal(event_log_head(place->log), 400);
}

static void restore_into_an_empty_place_works(void **state)
{
    struct place *place = *state;
    struct backup_report report;
    struct error error;
    char copy[192], fresh[192];

    place_append(place, 40);
    place_path(place, "copy.sqlite3", copy);
    place_path(place, "fresh.sqlite3", fresh);
    assert_ok(make(place, copy, NULL, NULL, &report, &error));
    assert_ok(backup_restore(copy, fresh, &report, &error));
    assert_int_equal(head_of(fresh), 40);
    place_path(place, "absent", copy);
    assert_refused(backup_restore(copy, fresh, &report, &error), ERROR_STORAGE);
    assert_int_equal(head_of(fresh), 40);
}

const struct CMUnitTest backup_tests[] = {
    cmocka_unit_test_setup_teardown(backup_is_one_verified_file, begin, end),
    cmocka_unit_test_setup_teardown(writes_during_a_backup_neither_restart_it_nor_leak_in, begin, end),
    cmocka_unit_test_setup_teardown(backups_beside_a_busy_writer_all_verify, begin, end),
    cmocka_unit_test_setup_teardown(stopped_or_failed_backup_leaves_nothing, begin, end),
    cmocka_unit_test_setup_teardown(left_over_partial_file_is_no_obstacle, begin, end),
    cmocka_unit_test_setup_teardown(restore_puts_the_copy_in_place_and_keeps_the_old_file, begin, end),
    cmocka_unit_test_setup_teardown(restore_is_refused_while_the_database_is_in_use, begin, end),
    cmocka_unit_test_setup_teardown(damaged_backup_is_not_restored, begin, end),
    cmocka_unit_test_setup_teardown(restore_replaces_a_damaged_database_and_keeps_its_remains, begin, end),
    cmocka_unit_test_setup_teardown(restore_into_an_empty_place_works, begin, end),
};
const size_t backup_tests_count = sizeof(backup_tests) / sizeof(backup_tests[0]);
