/* Connections, statements, transactions and the WAL. */
#include "test_store.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/migration.h"

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

static const char *pragma(struct database *database, const char *sql)
{
    static char value[32];
    sqlite3_stmt *handle = NULL;

    assert_int_equal(sqlite3_prepare_v2(database_handle(database), sql, -1, &handle, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(handle), SQLITE_ROW);
    snprintf(value, sizeof(value), "%s", (const char *)sqlite3_column_text(handle, 0));
    sqlite3_finalize(handle);
    return value;
}

static void writer_is_set_up_for_durability(void **state)
{
    struct place *place = *state;
    int defensive = 0, trusted = 1;
    char ours[16];

    snprintf(ours, sizeof(ours), "%d", DATABASE_APPLICATION_ID);
    assert_string_equal(pragma(place->writer, "PRAGMA journal_mode"), "wal");
    assert_string_equal(pragma(place->writer, "PRAGMA synchronous"), "2");
    assert_string_equal(pragma(place->writer, "PRAGMA foreign_keys"), "1");
    assert_string_equal(pragma(place->writer, "PRAGMA recursive_triggers"), "1");
    assert_string_equal(pragma(place->writer, "PRAGMA cell_size_check"), "1");
    assert_string_equal(pragma(place->writer, "PRAGMA secure_delete"), "0");
    assert_string_equal(pragma(place->writer, "PRAGMA temp_store"), "2");
    assert_string_equal(pragma(place->writer, "PRAGMA cache_size"), "-65536");
    assert_string_equal(pragma(place->writer, "PRAGMA journal_size_limit"), "67108864");
    assert_string_equal(pragma(place->writer, "PRAGMA application_id"), ours);
    sqlite3_db_config(database_handle(place->writer), SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
    sqlite3_db_config(database_handle(place->writer), SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &trusted);
    assert_int_equal(defensive, 1);
    assert_int_equal(trusted, 0);
}

static void reader_cannot_write(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct error error;

    assert_int_equal(statement_run(statement(reader, "DELETE FROM meta")), 0);
    assert_refused(database_failure(reader, &error), ERROR_STORAGE);
    assert_ok(database_failure(reader, &error)); /* asked for once, forgotten */
    database_close(reader);
}

static void statements_are_found_by_address_and_come_reset(void **state)
{
    static const char sql[] = "SELECT value FROM meta WHERE key = ?";
    struct place *place = *state;
    struct statement *first, *second;

    meta_set(place->writer, "colour", "green");
    first = statement(place->writer, sql);
    bind_text(first, "colour");
    assert_true(statement_row(first));
    second = statement(place->writer, sql);
    assert_ptr_equal(first, second);
    assert_false(statement_row(second)); /* nothing is bound any more: key = NULL finds no row */
}

static void a_thousand_statements_keep_their_places(void **state)
{
    enum { COUNT = 1000 };
    static char texts[COUNT][48];
    struct place *place = *state;
    struct statement *found[COUNT];

    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof(texts[i]), "SELECT %d AS number", i);
        found[i] = statement(place->writer, texts[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_ptr_equal(statement(place->writer, texts[i]), found[i]);
        assert_true(statement_row(found[i]));
        assert_int_equal(column_integer(found[i], "number"), i);
        statement_finish(found[i]);
    }
}

static void columns_are_read_by_name_in_any_order(void **state)
{
    struct place *place = *state;
    struct statement *s = statement(place->writer, "SELECT 1 AS one, 'two' AS two, x'030303' AS three,"
                                                   " NULL AS four, '' AS five");
    char again[] = "two"; /* the same name at another address */
    uint8_t three[3];

    assert_true(statement_row(s));
    assert_true(column_is_null(s, "four"));
    assert_null(column_text(s, "four"));
    assert_int_equal(column_blob(s, "four").size, 0);
    column_fixed(s, "three", three, sizeof(three));
    assert_memory_equal(three, "\3\3\3", 3);
    assert_int_equal(column_integer(s, "one"), 1);
    assert_string_equal(column_text(s, "two"), "two");
    assert_string_equal(column_text(s, again), "two");
    assert_string_equal(column_text(s, "five"), "");
    assert_false(column_is_null(s, "five"));
    statement_finish(s);
}

static void values_come_back_as_they_were_bound(void **state)
{
    static const int64_t integers[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
    struct place *place = *state;
    struct statement *s;

    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        s = statement(place->writer, "SELECT ? AS number, ? AS text, ? AS part, ? AS none, ? AS bytes");
        bind_integer(s, integers[i]);
        bind_text(s, NULL);
        bind_text_sized(s, "abcdef", 3);
        bind_null(s);
        bind_blob(s, "\0\1", 2);
        assert_true(statement_row(s));
        assert_true(column_integer(s, "number") == integers[i]);
        assert_true(column_is_null(s, "text"));
        assert_string_equal(column_text(s, "part"), "abc");
        assert_true(column_is_null(s, "none"));
        assert_true(bytes_equal(column_blob(s, "bytes"), bytes_of("\0\1", 2)));
        statement_finish(s);
    }
}

static void savepoint_takes_back_one_command_alone(void **state)
{
    struct place *place = *state;
    char *value;

    database_begin(place->writer);
    meta_set(place->writer, "first", "kept");
    database_savepoint(place->writer);
    meta_set(place->writer, "first", "changed");
    meta_set(place->writer, "second", "made");
    database_savepoint_rollback(place->writer);
    database_savepoint(place->writer);
    meta_set(place->writer, "third", "made");
    database_savepoint_release(place->writer);
    database_commit(place->writer);

    value = meta_get(place->writer, "first");
    assert_string_equal(value, "kept");
    free(value);
    assert_null(meta_get(place->writer, "second"));
    value = meta_get(place->writer, "third");
    assert_string_equal(value, "made");
    free(value);
    database_begin(place->writer);
    meta_set(place->writer, "fourth", "made");
    database_rollback(place->writer);
    assert_null(meta_get(place->writer, "fourth"));
}

static void snapshot_sees_one_state_while_others_write(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);

    place_append(place, 3);
    database_snapshot_begin(reader);
    assert_int_equal(event_head(reader), 3);
    place_append(place, 3);
    assert_int_equal(event_head(reader), 3);
    database_snapshot_end(reader);
    assert_int_equal(event_head(reader), 6);
    database_close(reader);
}

static void time_limit_ends_a_long_statement(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct statement *s;
    struct error error;

    database_set_time_limit(reader, clock_monotonic_us() + 20000);
    s = statement(reader, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                          " SELECT max(i) AS most FROM n");
    assert_false(statement_row(s));
    assert_refused(database_failure(reader, &error), ERROR_TIMEOUT);
    database_set_time_limit(reader, 0);
    assert_int_equal(event_head(reader), 0);
    assert_ok(database_failure(reader, &error));
    database_close(reader);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void other_files_are_refused_and_left_alone(void **state)
{
    struct place *place = *state;
    struct database_options options = { .mode = DATABASE_WRITER };
    struct database *database = NULL;
    struct error error;
    char path[192], before[64] = "", after[64] = "";
    sqlite3 *handle;
    FILE *file;

    place_path(place, "text", path);
    options.path = path;
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 200; i++)
        fputs("this is no database\n", file);
    fclose(file);
    assert_refused(database_open(&options, &database, &error), ERROR_NOT_A_LAYERD_DATABASE);

    place_path(place, "other.sqlite3", path);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "CREATE TABLE book (title)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    file = fopen(path, "r");
    assert_int_equal(fread(before, 1, sizeof(before), file), sizeof(before));
    fclose(file);
    assert_refused(database_open(&options, &database, &error), ERROR_NOT_A_LAYERD_DATABASE);
    options.mode = DATABASE_READER;
    assert_refused(database_open(&options, &database, &error), ERROR_NOT_A_LAYERD_DATABASE);
    file = fopen(path, "r");
    assert_int_equal(fread(after, 1, sizeof(after), file), sizeof(after));
    fclose(file);
    assert_memory_equal(before, after, sizeof(before)); /* not even its journal mode changed */

    place_path(place, "absent", path);
    assert_refused(database_open(&options, &database, &error), ERROR_STORAGE);
    assert_null(database);
    assert_false(file_exists(path));
}

struct attempt {
    char path[192];
    int expected;
};

static void open_as_nobody(void *context)
{
    struct attempt *attempt = context;
    struct database_options options = { .path = attempt->path, .mode = DATABASE_WRITER };
    struct database *database = NULL;
    struct error error = { .message = "" };
    enum status status;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(1);
    status = database_open(&options, &database, &error);
    if (status != ERROR_STORAGE || strstr(error.message, attempt->path) == NULL)
        _exit(2);
    _exit(0);
}

static void directory_that_cannot_be_written_is_a_clear_error(void **state)
{
    struct place *place = *state;
    struct attempt attempt;

    place_path(place, "new.sqlite3", attempt.path);
    assert_int_equal(chmod(place->directory, 0555), 0);
    assert_int_equal(child_status(open_as_nobody, &attempt, 0), 0);
    assert_int_equal(chmod(place->directory, 0755), 0);
    assert_false(file_exists(attempt.path));

    place_close(place); /* a file that exists but cannot be written */
    snprintf(attempt.path, sizeof(attempt.path), "%s", place->path);
    assert_int_equal(chmod(place->path, 0444), 0);
    assert_int_equal(child_status(open_as_nobody, &attempt, 0), 0);
    assert_int_equal(chmod(place->path, 0644), 0);
    place_open(place);
}

/* --- bugs abort ------------------------------------------------------------------------------- */

static void ask_for_an_unknown_column(void *context)
{
    struct statement *s = statement(context, "SELECT 1 AS one");

    if (statement_row(s))
        (void)column_integer(s, "two");
}

static void run_sql_that_does_not_compile(void *context)
{
    (void)statement(context, "SELECT FROM nothing");
}

static void bind_too_many(void *context)
{
    bind_integer(statement(context, "SELECT 1"), 1);
}

static void break_a_constraint(void *context)
{
    (void)statement_run(statement(context, "INSERT INTO meta (key, value) VALUES ('key', NULL)"));
}

static void mistakes_of_the_program_abort(void **state)
{
    struct place *place = *state;

    assert_int_equal(child_status(ask_for_an_unknown_column, place->writer, SIGABRT), -SIGABRT);
    assert_int_equal(child_status(run_sql_that_does_not_compile, place->writer, SIGABRT), -SIGABRT);
    assert_int_equal(child_status(bind_too_many, place->writer, SIGABRT), -SIGABRT);
    assert_int_equal(child_status(break_a_constraint, place->writer, SIGABRT), -SIGABRT);
}

/* --- the WAL ---------------------------------------------------------------------------------- */

static int64_t wal_size(const struct place *place)
{
    char path[192];
    struct stat about;

    place_path(place, "layerd.sqlite3-wal", path);
    return stat(path, &about) == 0 ? (int64_t)about.st_size : 0;
}

/* About 1 MiB of WAL. */
static void write_much(struct place *place)
{
    database_begin(place->writer);
    for (int i = 0; i < 5; i++) {
        static char body[200 * 1024];
        struct event event = { .seq = event_log_head(place->log) + 1, .time_us = place->now_us,
                               .type = "store.tried",
                               .last = true };

        memset(body, 'x', sizeof(body));
        event.body = bytes_of(body, sizeof(body));
        event_log_append(place->log, &event);
    }
    database_commit(place->writer);
}

/* Small commits find room: the file grows by whole MiB, and what lies behind the last commit is nothing to
 * whoever opens it after a crash. */
static void wal_grows_ahead_of_small_commits(void **state)
{
    struct place *place = *state;
    int64_t size;

    place_append(place, 3);
    size = wal_size(place);
    assert_int_equal(size, 1 << 20);
    place_append(place, 3);
    assert_int_equal(wal_size(place), size);
    while (wal_size(place) == size)
        place_append(place, 1);
    assert_int_equal(wal_size(place), 2 << 20);
    place_append(place, 5);
    uint64_t head = event_log_head(place->log);
    place_close(place);
    place_open(place);
    assert_int_equal(event_log_head(place->log), head);
}

static void wal_is_overwritten_instead_of_growing(void **state)
{
    struct place *place = *state;
    int64_t now_us = FIRST_TIME_US;

    for (int i = 0; i < 80; i++) {
        write_much(place);
        assert_false(database_checkpoint_wal(place->writer, now_us));
        now_us += MICROSECONDS_PER_SECOND;
    }
    /* 80 MiB went through it, and it was not cut either */
    assert_in_range(wal_size(place), DATABASE_WAL_MOVE_BYTES, DATABASE_WAL_MOVE_BYTES + (3 << 20));
}

static void wal_pinned_by_a_reader_is_reported_after_30_seconds(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    int64_t now_us = FIRST_TIME_US;
    int64_t reported_us = 0, most;
    int reports = 0;

    write_much(place);
    database_snapshot_begin(reader);
    assert_int_equal(event_head(reader), 5);
    for (int i = 0; i < 150; i++) {
        if (i % 2 == 0)
            write_much(place);
        if (database_checkpoint_wal(place->writer, now_us)) {
            reports++;
            if (reports == 1)
                reported_us = now_us;
        }
        now_us += MICROSECONDS_PER_SECOND;
    }
    assert_in_range(reports, 1, 2); /* once in 30 s, not at every look */
    /* about 64 s until so much has been written, and then the 30 s */
    assert_in_range(reported_us - FIRST_TIME_US, 90 * MICROSECONDS_PER_SECOND, 100 * MICROSECONDS_PER_SECOND);
    database_snapshot_end(reader);
    most = wal_size(place) + DATABASE_WAL_MOVE_BYTES + (3 << 20);

    for (int i = 0; i < 40; i++) { /* the reader is gone: the WAL begins anew and stops growing */
        write_much(place);
        assert_false(database_checkpoint_wal(place->writer, now_us));
        now_us += MICROSECONDS_PER_SECOND;
    }
    assert_in_range(wal_size(place), DATABASE_WAL_MOVE_BYTES, most);
    database_close(reader);
}

const struct CMUnitTest database_tests[] = {
    cmocka_unit_test_setup_teardown(writer_is_set_up_for_durability, begin, end),
    cmocka_unit_test_setup_teardown(reader_cannot_write, begin, end),
    cmocka_unit_test_setup_teardown(statements_are_found_by_address_and_come_reset, begin, end),
    cmocka_unit_test_setup_teardown(a_thousand_statements_keep_their_places, begin, end),
    cmocka_unit_test_setup_teardown(columns_are_read_by_name_in_any_order, begin, end),
    cmocka_unit_test_setup_teardown(values_come_back_as_they_were_bound, begin, end),
    cmocka_unit_test_setup_teardown(savepoint_takes_back_one_command_alone, begin, end),
    cmocka_unit_test_setup_teardown(snapshot_sees_one_state_while_others_write, begin, end),
    cmocka_unit_test_setup_teardown(time_limit_ends_a_long_statement, begin, end),
    cmocka_unit_test_setup_teardown(other_files_are_refused_and_left_alone, begin, end),
    cmocka_unit_test_setup_teardown(directory_that_cannot_be_written_is_a_clear_error, begin, end),
    cmocka_unit_test_setup_teardown(mistakes_of_the_program_abort, begin, end),
    cmocka_unit_test_setup_teardown(wal_grows_ahead_of_small_commits, begin, end),
    cmocka_unit_test_setup_teardown(wal_is_overwritten_instead_of_growing, begin, end),
    cmocka_unit_test_setup_teardown(wal_pinned_by_a_reader_is_reported_after_30_seconds, begin, end),
};
const size_t database_tests_count = sizeof(database_tests) / sizeof(database_tests[0]);
