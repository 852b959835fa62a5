/* Migrations: all or nothing, once, recorded; a copy first; what does not fit is refused. */
#include "test_store.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/migration.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char base_sql[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;";
static const char views[] = "CREATE VIEW v_meta AS SELECT key, value FROM meta;";
static const struct migration three[] = {
    { 1, "0001_base", base_sql },
    { 2, "0002_book", "CREATE TABLE book (title TEXT) STRICT; INSERT INTO book VALUES ('one');" },
    { 3, "0003_year", "ALTER TABLE book ADD COLUMN year INTEGER NOT NULL DEFAULT 2026;" },
};

static int begin(void **state)
{
    struct place *place = malloc(sizeof(*place));

    place_begin(place);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

static void open_writer(struct place *place)
{
    struct database_options options = { .path = place->path, .mode = DATABASE_WRITER };
    struct error error;

    assert_ok(database_open(&options, &place->writer, &error));
}

static enum status run(struct place *place, const struct migration *list, size_t count,
                       const char *with_views, int *from, int *to, struct error *error)
{
    char backups[192];

    place_path(place, "backups", backups);
    return migrate_with(place->writer, list, count, with_views, backups, from, to, error);
}

static int64_t number(struct place *place, const char *sql)
{
    struct statement *s = statement(place->writer, sql);
    int64_t value;

    assert_true(statement_row(s));
    value = column_integer(s, "value");
    statement_finish(s);
    return value;
}

static int64_t version(struct place *place)
{
    return number(place, "SELECT user_version AS value FROM pragma_user_version");
}

/* How many copies were made; `path` gets the last one found. */
static int backups_count(struct place *place, char path[192])
{
    char directory[96];
    struct dirent *entry;
    int count = 0;
    DIR *opened;

    snprintf(directory, sizeof(directory), "%s/backups", place->directory);
    opened = opendir(directory);
    if (opened == NULL)
        return 0;
    while ((entry = readdir(opened)) != NULL) {
        if (strncmp(entry->d_name, "before-", 7) != 0)
            continue;
        count++;
        assert_null(strstr(entry->d_name, "partial"));
        snprintf(path, 192, "%s/%.80s", directory, entry->d_name);
    }
    closedir(opened);
    return count;
}

static void embedded_migrations_make_a_database_with_every_view(void **state)
{
    static const char *const expected[] = { "v_event", "v_block", "v_transaction", "v_checkpoint",
                                            "v_cursor", "v_effect", "v_deadline" };
    struct place *place = *state;
    char path[192];

    assert_true(migrations_count >= 2);
    for (size_t i = 0; i < migrations_count; i++)
        assert_int_equal(migrations[i].number, i + 1);
    place_open(place);
    assert_int_equal(version(place), migrations_count);
    for (size_t i = 0; i < COUNT(expected); i++) {
        AUTO_FREE char *sql = text_format("SELECT * FROM %s", expected[i]);

        assert_int_equal(sqlite3_exec(database_handle(place->writer), sql, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(number(place, "SELECT count(*) AS value FROM migration"), migrations_count);
    assert_int_equal(number(place, "SELECT count(*) AS value FROM migration WHERE length(sha256) = 32"),
                     migrations_count);
    assert_int_equal(backups_count(place, path), 0); /* there was nothing to keep */
    place_close(place);
    place_open(place); /* and again, without effect */
    assert_int_equal(number(place, "SELECT count(*) AS value FROM migration"), migrations_count);
}

static void upgrade_keeps_a_copy_of_what_was_there(void **state)
{
    struct place *place = *state;
    struct error error;
    int from = -1, to = -1;
    char path[192];
    sqlite3 *copy;

    open_writer(place);
    assert_ok(run(place, three, 1, views, &from, &to, &error));
    assert_int_equal(from, 0);
    assert_int_equal(to, 1);
    meta_set(place->writer, "colour", "green");
    assert_ok(run(place, three, 3, views, &from, &to, &error));
    assert_int_equal(from, 1);
    assert_int_equal(to, 3);
    assert_int_equal(version(place), 3);
    assert_int_equal(number(place, "SELECT year AS value FROM book"), 2026);

    assert_int_equal(backups_count(place, path), 1);
    assert_non_null(strstr(path, "before-0001-to-0003-"));
    assert_int_equal(sqlite3_open_v2(path, &copy, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(copy, "SELECT 1 / (value = 'green') FROM meta WHERE key = 'colour'", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
    /* the old schema */
    assert_int_equal(sqlite3_exec(copy, "SELECT * FROM book", NULL, NULL, NULL), SQLITE_ERROR);
    sqlite3_close(copy);
    assert_ok(run(place, three, 3, views, &from, &to, &error));
    assert_int_equal(backups_count(place, path), 1);
}

static void newer_database_is_refused_untouched(void **state)
{
    struct place *place = *state;
    struct error error;
    int from, to;

    open_writer(place);
    assert_ok(run(place, three, 3, views, &from, &to, &error));
    assert_refused(run(place, three, 2, views, &from, &to, &error), ERROR_NEWER_DATABASE);
    assert_int_equal(version(place), 3);
}

static void changed_migration_is_refused_by_name(void **state)
{
    struct place *place = *state;
    struct migration changed[COUNT(three)];
    struct error error;
    int from, to;

    memcpy(changed, three, sizeof(three));
    open_writer(place);
    assert_ok(run(place, three, 2, views, &from, &to, &error));
    changed[1].sql = "CREATE TABLE book (title TEXT) STRICT; INSERT INTO book VALUES ('two');";
    assert_refused(run(place, changed, 3, views, &from, &to, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "0002_book"));
    assert_int_equal(version(place), 2);
    changed[1] = three[1];
    changed[1].name = "0002_other";
    assert_refused(run(place, changed, 3, views, &from, &to, &error), ERROR_CORRUPT);
    database_execute(place->writer, "DELETE FROM migration WHERE number = 1");
    assert_refused(run(place, three, 3, views, &from, &to, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "migration 1"));
}

static void failing_migration_leaves_the_old_version(void **state)
{
    static const char broken_reference[] =
        "PRAGMA defer_foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"
        "CREATE TABLE new (a INTEGER REFERENCES parent (id)) STRICT; INSERT INTO new VALUES (5);";
    static const char *const broken[] = {
        "CREATE TABLE new (a) STRICT, NOT A TABLE;",
        "CREATE TABLE new (a INTEGER) STRICT; INSERT INTO absent VALUES (1);",
        "CREATE TABLE new (a INTEGER UNIQUE) STRICT; INSERT INTO new VALUES (1), (1);",
        broken_reference,
    };
    struct place *place = *state;
    struct error error;
    int from, to;

    open_writer(place);
    assert_ok(run(place, three, 1, views, &from, &to, &error));
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct migration list[] = { three[0], three[1], { 3, "0003_broken", broken[i] } };

        assert_refused(run(place, list, 3, views, &from, &to, &error), ERROR_CORRUPT);
        assert_int_equal(version(place), 1);
        assert_int_equal(number(place, "SELECT count(*) AS value FROM sqlite_schema"
                                       " WHERE name IN ('book', 'new')"), 0);
        assert_int_equal(number(place, "SELECT count(*) AS value FROM v_meta WHERE key = 'views_sha256'"), 1);
    }
}

static void migration_that_commits_by_itself_is_refused_by_name(void **state)
{
    static const struct migration list[] = { { 1, "0001_base", base_sql },
                                             { 2, "0002_commits",
                                               "CREATE TABLE new (a INTEGER) STRICT; COMMIT;" } };
    struct place *place = *state;
    struct error error;
    int from, to;

    open_writer(place);
    assert_refused(run(place, list, 2, views, &from, &to, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "0002_commits"));
}

static void views_follow_their_file(void **state)
{
    struct place *place = *state;
    struct error error;
    int from, to;

    open_writer(place);
    assert_ok(run(place, three, 3, views, &from, &to, &error));
    assert_ok(run(place, three, 3, "CREATE VIEW v_book AS SELECT title FROM book;", &from, &to, &error));
    assert_int_equal(from, 3);
    assert_int_equal(number(place, "SELECT count(*) AS value FROM sqlite_schema WHERE type = 'view'"), 1);
    assert_int_equal(number(place, "SELECT count(*) AS value FROM v_book"), 1);
    assert_refused(run(place, three, 3, "CREATE VIEW v_bad AS SELEKT;", &from, &to, &error), ERROR_CORRUPT);
    assert_int_equal(number(place, "SELECT count(*) AS value FROM v_book"), 1);
}

static void die(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)context;
    (void)count;
    (void)values;
    abort();
}

static void die_in_the_middle(void *context)
{
    struct place *place = context;
    static const struct migration list[] = {
        { 1, "0001_base", base_sql },
        { 2, "0002_book", "CREATE TABLE book (title TEXT) STRICT; INSERT INTO book VALUES ('one');" },
        { 3, "0003_die", "INSERT INTO book VALUES (die());" },
    };
    struct error error;
    int from, to;

    open_writer(place);
    sqlite3_create_function(database_handle(place->writer), "die", 0, SQLITE_UTF8, NULL, die, NULL, NULL);
    (void)!run(place, list, 3, views, &from, &to, &error);
}

static void crash_in_the_middle_leaves_the_old_version(void **state)
{
    struct place *place = *state;
    struct error error;
    int from, to;

    open_writer(place);
    assert_ok(run(place, three, 1, views, &from, &to, &error));
    place_close(place);
    assert_int_equal(child_status(die_in_the_middle, place, SIGABRT), -SIGABRT);
    open_writer(place);
    assert_int_equal(version(place), 1);
    assert_int_equal(number(place, "SELECT count(*) AS value FROM sqlite_schema WHERE name = 'book'"), 0);
    assert_ok(run(place, three, 3, views, &from, &to, &error));
    assert_int_equal(from, 1);
}

static void meta_keeps_small_facts(void **state)
{
    struct place *place = *state;
    char *value;

    place_open(place);
    assert_null(meta_get(place->writer, "colour"));
    meta_set(place->writer, "colour", "green");
    meta_set(place->writer, "colour", "blue");
    value = meta_get(place->writer, "colour");
    assert_string_equal(value, "blue");
    free(value);
}

const struct CMUnitTest migration_tests[] = {
    cmocka_unit_test_setup_teardown(embedded_migrations_make_a_database_with_every_view, begin, end),
    cmocka_unit_test_setup_teardown(upgrade_keeps_a_copy_of_what_was_there, begin, end),
    cmocka_unit_test_setup_teardown(newer_database_is_refused_untouched, begin, end),
    cmocka_unit_test_setup_teardown(changed_migration_is_refused_by_name, begin, end),
    cmocka_unit_test_setup_teardown(failing_migration_leaves_the_old_version, begin, end),
    cmocka_unit_test_setup_teardown(migration_that_commits_by_itself_is_refused_by_name, begin, end),
    cmocka_unit_test_setup_teardown(views_follow_their_file, begin, end),
    cmocka_unit_test_setup_teardown(crash_in_the_middle_leaves_the_old_version, begin, end),
    cmocka_unit_test_setup_teardown(meta_keeps_small_facts, begin, end),
};
const size_t migration_tests_count = COUNT(migration_tests);
