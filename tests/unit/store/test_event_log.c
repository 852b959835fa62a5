/* The log: chain, seat-belts, checkpoints, reading, and that verify finds whatever was changed. */
#include "test_store.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "store/event_hash.h"
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

/* --- the chain -------------------------------------------------------------------------------- */

/* The layout of event_log.h written out once more, byte by byte, so that a slip in the other shows. */
static void chain_hash_covers_the_documented_bytes(void **state)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct event event = { .seq = 0x0102030405060708, .block = 9, .time_us = FIRST_TIME_US, .type = "a.b",
                           .subject = "c/d", .body = bytes_of_text("{}"), .last = true };
    struct hash previous, got, expected;
    uint8_t integer[8];

    (void)state;
    memset(previous.bytes, 0xAB, sizeof(previous.bytes));
    buffer_append_text(&bytes, "layerd/event/1");
    buffer_append(&bytes, previous.bytes, 32);
    buffer_append(&bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    buffer_append(&bytes, "\x09\0\0\0\0\0\0\0", 8);
    put_le64(integer, (uint64_t)FIRST_TIME_US);
    buffer_append(&bytes, integer, 8);
    buffer_append(&bytes, "\1", 1);
    buffer_append(&bytes, "\3\0\0\0\0\0\0\0a.b", 11);
    buffer_append(&bytes, "\3\0\0\0\0\0\0\0c/d", 11);
    buffer_append(&bytes, "\2\0\0\0\0\0\0\0{}", 10);
    blake2b256(&expected, bytes.data, bytes.size);
    event_chain(&got, &previous, &event);
    assert_memory_equal(got.bytes, expected.bytes, 32);

    event.subject = NULL; /* a missing subject and an empty one are not the same event */
    event_chain(&got, &previous, &event);
    event.subject = "";
    event_chain(&expected, &previous, &event);
    assert_memory_not_equal(got.bytes, expected.bytes, 32);
}

static void sequence_is_dense_and_survives_reopening(void **state)
{
    struct place *place = *state;
    struct hash before, after;
    struct log_report report;
    struct error error;

    for (int i = 0; i < 5; i++) {
        place_append(place, 300);
        assert_int_equal(event_log_head(place->log), 300 * (i + 1));
        if (i % 2 == 1)
            place_checkpoint(place);
        event_log_head_hash(place->log, &before);
        place_close(place);
        place_open(place);
        event_log_head_hash(place->log, &after);
        assert_memory_equal(before.bytes, after.bytes, 32);
        assert_int_equal(event_log_head(place->log), 300 * (i + 1));
    }
    assert_ok(verify_all(place, &report, &error));
    assert_int_equal(report.first, 1);
    assert_int_equal(report.last, 1500);
    assert_int_equal(report.checkpoints, 2);
    assert_true(report.tree_checked);
    assert_memory_equal(report.head_hash.bytes, before.bytes, 32);
}

static void empty_log_verifies(void **state)
{
    struct place *place = *state;
    struct log_report report;
    struct error error;

    assert_ok(verify_all(place, &report, &error));
    assert_int_equal(report.last, 0);
}

static void part_of_a_log_verifies_by_itself(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    const struct note_key *key = note_signer_key(place->signer);
    struct log_report report;
    struct error error;

    for (int i = 0; i < 10; i++) {
        place_append(place, 137);
        place_checkpoint(place);
    }
    assert_ok(log_verify(reader, NULL, NULL, 700, 1000, NULL, NULL, &report, &error));
    assert_int_equal(report.first, 701);
    assert_int_equal(report.last, 1000);
    assert_int_equal(report.checkpoints, 2); /* of 822 and 959 events */
    assert_false(report.tree_checked);
    assert_ok(log_verify(reader, NODE_ID, key, 1370, 0, NULL, NULL, &report, &error));
    assert_refused(log_verify(reader, NODE_ID, key, 0, 1371, NULL, NULL, &report, &error), ERROR_PROOF_RANGE);
    assert_refused(log_verify(reader, NODE_ID, key, 10, 9, NULL, NULL, &report, &error), ERROR_PROOF_RANGE);
    assert_refused(log_verify(reader, "another", key, 0, 0, NULL, NULL, &report, &error), ERROR_CORRUPT);
    database_close(reader);
}

static bool stop_at_once(void *context, uint64_t done, uint64_t total)
{
    *(uint64_t *)context = done;
    return done > total;
}

static void verify_stops_when_told(void **state)
{
    struct place *place = *state;
    struct database *reader = place_reader(place);
    struct log_report report;
    struct error error;
    uint64_t done = 0;

    for (int i = 0; i < 6; i++)
        place_append(place, 20000);
    assert_refused(log_verify(reader, NODE_ID, NULL, 0, 0, stop_at_once, &done, &report, &error),
                   ERROR_STOPPING);
    assert_int_equal(done, 100000);
    database_close(reader);
}

/* --- seat-belts ------------------------------------------------------------------------------- */

static void triggers_stop_every_accident(void **state)
{
    static const char *const accidents[] = {
        "UPDATE event SET body = '{}' WHERE seq = 3",
        "DELETE FROM event WHERE seq = 5",
        "DELETE FROM event",
        "INSERT INTO event VALUES (7, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "INSERT INTO event VALUES (5, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "INSERT INTO event VALUES (NULL, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "INSERT OR REPLACE INTO event VALUES (5, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "INSERT OR REPLACE INTO event VALUES (1, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "REPLACE INTO event VALUES (2, 0, 0, 'a', NULL, '{}', 1, x'00')",
        "INSERT INTO event VALUES (5, 0, 0, '', NULL, '', 1, x'') ON CONFLICT (seq) DO UPDATE SET last = 0",
    };
    struct place *place = *state;
    struct log_report report;
    struct error error;

    place_append(place, 5);
    for (size_t i = 0; i < sizeof(accidents) / sizeof(accidents[0]); i++)
        assert_int_equal(sqlite3_exec(database_handle(place->writer), accidents[i], NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
    assert_ok(verify_all(place, &report, &error));
    assert_int_equal(report.last, 5);
}

static void append_out_of_order(void *context)
{
    struct place *place = context;
    struct event event = { .seq = 7, .type = "a", .time_us = place->now_us, .body = bytes_of_text("{}") };

    event_log_append(place->log, &event);
}

static void append_back_in_time(void *context)
{
    struct place *place = context;
    struct event event = { .seq = 6, .type = "a", .time_us = place->now_us - 1000000,
                           .body = bytes_of_text("{}") };

    event_log_append(place->log, &event);
}

static void appending_anything_but_the_next_event_aborts(void **state)
{
    struct place *place = *state;

    place_append(place, 5);
    assert_int_equal(child_status(append_out_of_order, place, SIGABRT), -SIGABRT);
    assert_int_equal(child_status(append_back_in_time, place, SIGABRT), -SIGABRT);
}

/* --- tampering -------------------------------------------------------------------------------- */

struct change {
    const char *sql;
    const char *names; /* what verify's message must hold */
};

static void every_change_is_found_and_named(void **state)
{
    static const struct change changes[] = {
        { "UPDATE event SET block = block + 1 WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET time_us = time_us + 1 WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET type = 'store.Tried' WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET type = type || char(0) || 'x' WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET subject = 'thing/x' WHERE seq = 401", "event 401 was changed" },
        { "UPDATE event SET subject = NULL WHERE seq = 401", "event 401 was changed" },
        { "UPDATE event SET subject = '' WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET subject = subject || char(0) WHERE seq = 401", "event 401 was changed" },
        { "UPDATE event SET body = body || ' ' WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET body = replace(body, '\"number\":400', '\"number\":401') WHERE seq = 400",
          "event 400 was changed" },
        { "UPDATE event SET last = 1 - last WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET hash = zeroblob(32) WHERE seq = 400", "event 400 was changed" },
        { "UPDATE event SET hash = x'00' WHERE seq = 400", "event 400 was changed" },
        { "DELETE FROM event WHERE seq = 400", "event 400 is missing" },
        { "DELETE FROM event WHERE seq > 400 AND seq <= 1000", "event 401 is missing" },
        { "UPDATE event SET seq = 5000 WHERE seq = 400", "event 400 is missing" },
        { "UPDATE event SET seq = -1 WHERE seq = 1", "event 1 is missing" },
        { "DELETE FROM event WHERE seq = 1500", "a checkpoint covers 1500 events" },
        { "UPDATE tree_tile SET hash = zeroblob(32) WHERE level = 8 AND idx = 1",
          "tile that ends with event 512" },
        { "DELETE FROM tree_tile WHERE level = 8 AND idx = 0", "tile that ends with event 256" },
        { "INSERT INTO tree_tile VALUES (8, 99, zeroblob(32))", "tile beyond event 1500" },
        { "UPDATE checkpoint SET root = zeroblob(32) WHERE size = 900", "checkpoint of 900 events" },
        { "UPDATE checkpoint SET note = replace(note, 'layerd', 'Layerd') WHERE size = 900",
          "checkpoint of 900 events" },
        { "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 600) WHERE size = 900",
          "checkpoint of 900 events" },
        { "INSERT INTO checkpoint SELECT 2000, root, time_us, note FROM checkpoint WHERE size = 900",
          "a checkpoint covers 2000 events" },
        { "UPDATE checkpoint SET size = 901 WHERE size = 900", "checkpoint of 901 events" },
    };
    struct place *place = *state;
    char copy[192];
    AUTO_FREE char *keep = NULL;
    AUTO_FREE char *back = NULL;
    struct log_report report;
    struct error error;

    for (int i = 0; i < 5; i++) {
        place_append(place, 300);
        place_checkpoint(place);
    }
    place_close(place);
    place_path(place, "copy", copy);
    keep = text_format("cp '%s' '%s'", place->path, copy);
    back = text_format("cp '%s' '%s'", copy, place->path);
    assert_int_equal(system(keep), 0);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        enum status status;

        tamper(place, changes[i].sql);
        status = verify_all(place, &report, &error);
        if (status != ERROR_CORRUPT && status != ERROR_BAD_SIGNATURE)
            fail_msg("not found: %s", changes[i].sql);
        if (strstr(error.message, changes[i].names) == NULL)
            fail_msg("%s: '%s' does not hold '%s'", changes[i].sql, error.message, changes[i].names);
        assert_int_equal(system(back), 0);
    }
    assert_ok(verify_all(place, &report, &error));
    assert_int_equal(report.checkpoints, 5);
    place_open(place);
}

/* Whoever rewrites the whole chain consistently still lacks the key: checkpoints do not fit any more. */
static void rewritten_history_does_not_fit_its_checkpoints(void **state)
{
    struct place *place = *state;
    struct place other;
    struct log_report report;
    struct error error;

    place_append(place, 100);
    place_checkpoint(place);
    place_begin(&other);
    place_open(&other);
    other.now_us += 1; /* the same history, one microsecond later */
    place_append(&other, 100);
    place_checkpoint(&other);
    place_close(place);
    place_close(&other);
    {
        AUTO_FREE char *sql = text_format("ATTACH '%s' AS other; DELETE FROM event;"
                                          "INSERT INTO event SELECT * FROM other.event", other.path);

        tamper(place, sql);
    }
    assert_refused(verify_all(place, &report, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "the checkpoint of 100 events"));
    place_open(&other);
    place_end(&other);
}

static void open_refused(struct place *place, const char *sql, enum status expected)
{
    struct database_options options = { .path = place->path, .mode = DATABASE_WRITER };
    struct event_log *log = NULL;
    struct error error = { .message = "" };

    place_close(place);
    tamper(place, sql);
    assert_ok(database_open(&options, &place->writer, &error));
    assert_refused(event_log_open(place->writer, NODE_ID, place->signer, &log, &error), expected);
    assert_null(log);
    assert_true(strlen(error.message) > 0);
    database_close(place->writer);
    place->writer = NULL;
}

static void opening_finds_a_change_behind_the_last_checkpoint(void **state)
{
    struct place *place = *state;

    place_append(place, 300);
    place_checkpoint(place);
    place_append(place, 10);
    open_refused(place, "UPDATE event SET body = '{}' WHERE seq = 305", ERROR_CORRUPT);
}

static void opening_finds_a_log_cut_short(void **state)
{
    struct place *place = *state;

    place_append(place, 300);
    place_checkpoint(place);
    open_refused(place, "DELETE FROM event WHERE seq = 300", ERROR_CORRUPT);
}

static void opening_finds_a_tree_that_is_not_the_checkpoints(void **state)
{
    struct place *place = *state;

    place_append(place, 600);
    place_checkpoint(place);
    open_refused(place, "UPDATE tree_tile SET hash = zeroblob(32) WHERE idx = 0", ERROR_CORRUPT);
}

static void opening_finds_a_checkpoint_by_another_key(void **state)
{
    struct place *place = *state;

    place_append(place, 30);
    place_checkpoint(place);
    open_refused(place, "UPDATE checkpoint SET note = replace(note, 'A', 'B')", ERROR_BAD_SIGNATURE);
}

static void log_of_another_node_is_refused(void **state)
{
    struct place *place = *state;
    struct event_log *log = NULL;
    struct error error;

    event_log_close(place->log);
    place->log = NULL;
    assert_refused(event_log_open(place->writer, "another", place->signer, &log, &error), ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "another"));
}

/* --- checkpoints ------------------------------------------------------------------------------ */

static void checkpoint_comes_after_1024_events_or_10_seconds_or_when_forced(void **state)
{
    struct place *place = *state;
    int64_t first_us = place->now_us;

    assert_true(event_log_checkpoint_due(place->log) == INT64_MAX);
    database_begin(place->writer);
    assert_false(event_log_checkpoint(place->log, first_us, true)); /* nothing to cover */
    database_commit(place->writer);

    place_append(place, 1023);
    database_begin(place->writer);
    assert_true(event_log_checkpoint_due(place->log) == first_us + CHECKPOINT_EVERY_US);
    assert_false(event_log_checkpoint(place->log, first_us + CHECKPOINT_EVERY_US - 1, false));
    database_commit(place->writer);
    place_append(place, 1);
    database_begin(place->writer);
    assert_true(event_log_checkpoint(place->log, first_us, false));
    assert_false(event_log_checkpoint(place->log, first_us, true)); /* all is covered */
    database_commit(place->writer);
    assert_true(event_log_checkpoint_due(place->log) == INT64_MAX);

    first_us = place->now_us;
    place_append(place, 1);
    place_close(place); /* when it is due survives a restart */
    place_open(place);
    assert_true(event_log_checkpoint_due(place->log) == first_us + CHECKPOINT_EVERY_US);
    database_begin(place->writer);
    assert_true(event_log_checkpoint(place->log, first_us + CHECKPOINT_EVERY_US, false));
    database_commit(place->writer);
}

static void log_without_a_signer_makes_no_checkpoints(void **state)
{
    struct place *place = *state;
    struct error error;

    event_log_close(place->log);
    assert_ok(event_log_open(place->writer, NODE_ID, NULL, &place->log, &error));
    place_append(place, 2000);
    assert_true(event_log_checkpoint_due(place->log) == INT64_MAX);
    assert_false(event_log_checkpoint(place->log, place->now_us, true));
}

/* --- reading ---------------------------------------------------------------------------------- */

static void line_holds_what_was_stored(void **state)
{
    struct buffer line CLEANUP(buffer_close) = { 0 };
    struct event event = { .seq = 12, .block = 3, .time_us = FIRST_TIME_US, .type = "ledger.transferred",
                           .subject = "account/00ff", .body = bytes_of_text("{\"amount\":5}"),
                           .last = false };

    (void)state;
    memset(event.hash.bytes, 0xC5, 32);
    event_line(&event, 2, &line);
    assert_string_equal(buffer_text(&line),
                        "{\"seq\":12,\"block\":3,\"ts\":1795212000000000,\"type\":\"ledger.transferred\","
                        "\"v\":2,\"subject\":\"account/00ff\",\"data\":{\"amount\":5},\"last\":false,"
                        "\"hash\":\"c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5\"}\n");
    buffer_clear(&line);
    event.subject = "a\"b\\c\n\x01\xC3\xA9";
    event.last = true;
    event_line(&event, 1, &line);
    assert_non_null(strstr(buffer_text(&line), "\"subject\":\"a\\\"b\\\\c\\u000a\\u0001\xC3\xA9\",\"data\""));
    assert_non_null(strstr(buffer_text(&line), "\"last\":true"));
    buffer_clear(&line);
    event.subject = NULL;
    event_line(&event, 1, &line);
    assert_null(strstr(buffer_text(&line), "subject"));
}

static void reader_gives_events_in_order_within_its_limits(void **state)
{
    struct place *place = *state;
    struct database *database = place_reader(place);
    struct event_reader reader;
    struct event event;
    uint64_t seen = 0;

    place_append(place, 50);
    for (uint64_t after = 0; after < 50; after += 7) {
        uint64_t page = 0;

        event_reader_begin(&reader, database, after, 7);
        while (event_reader_next(&reader, &event)) {
            assert_int_equal(event.seq, ++seen);
            page++;
        }
        event_reader_end(&reader);
        assert_true(page == 7 || seen == 50);
    }
    assert_int_equal(seen, 50);
    event_reader_begin(&reader, database, 10, 100);
    assert_true(event_reader_next(&reader, &event));
    assert_int_equal(event.seq, 11);
    event_reader_end(&reader); /* early */
    event_reader_begin(&reader, database, UINT64_MAX, UINT64_MAX);
    assert_false(event_reader_next(&reader, &event));
    assert_false(event_reader_next(&reader, &event));
    event_reader_end(&reader);
    database_close(database);
}

static void time_finds_the_last_event_before_it(void **state)
{
    struct place *place = *state;
    int64_t start = place->now_us;
    struct hash hash;
    int64_t time_us;

    assert_int_equal(event_before_time(place->writer, start), 0);
    place_append(place, 40); /* one a millisecond */
    place->now_us -= 1000;
    place_append(place, 1); /* events 40 and 41 have the same time */
    assert_int_equal(event_before_time(place->writer, 0), 0);
    assert_int_equal(event_before_time(place->writer, start), 0);
    assert_int_equal(event_before_time(place->writer, start + 1), 1);
    assert_int_equal(event_before_time(place->writer, start + 1000), 1);
    assert_int_equal(event_before_time(place->writer, start + 20 * 1000 + 1), 21);
    assert_int_equal(event_before_time(place->writer, start + 39 * 1000), 39);
    assert_int_equal(event_before_time(place->writer, start + 39 * 1000 + 1), 41);
    assert_int_equal(event_before_time(place->writer, INT64_MAX), 41);
    assert_true(event_read(place->writer, 40, &hash, &time_us));
    assert_true(time_us == start + 39 * 1000);
    assert_false(event_read(place->writer, 42, &hash, &time_us));
    assert_false(event_read(place->writer, 0, &hash, NULL));
    assert_false(event_read(place->writer, UINT64_MAX, &hash, NULL));
}

/* --- events by subject ------------------------------------------------------------------------ */
static int64_t number(const struct place *place, const char *sql)
{
    struct statement *s = statement(place->writer, sql);
    int64_t value;

    assert_true(statement_row(s));
    value = column_integer(s, "n");
    statement_finish(s);
    return value;
}

/* What the view says of each subject is what a scan of the log says. */
static void assert_view_is_the_log(const struct place *place)
{
    assert_int_equal(number(place, "SELECT count(*) AS n FROM v_subject_event"),
                     number(place, "SELECT count(*) AS n FROM event WHERE subject IS NOT NULL"));
    assert_int_equal(number(place,
                            "SELECT count(*) AS n FROM (SELECT subject, seq, type, body, hash FROM v_event"
                            " WHERE subject IS NOT NULL"
                            " EXCEPT SELECT subject, seq, type, body, hash FROM v_subject_event)"),
                     0);
}

static void subjects_are_filed_at_the_border_and_not_before(void **state)
{
    struct place *place = *state;

    place_append(place, SUBJECTS_FILED_EVERY - 1);
    assert_int_equal(number(place, "SELECT upto AS n FROM event_subject_progress"), 0);
    assert_int_equal(number(place, "SELECT count(*) AS n FROM event_subject"), 0);
    assert_view_is_the_log(place);
    place_close(place);
    place_open(place);
    place_append(place, 1);
    assert_int_equal(number(place, "SELECT upto AS n FROM event_subject_progress"), SUBJECTS_FILED_EVERY);
    assert_int_equal(number(place, "SELECT count(*) AS n FROM event_subject"),
                     number(place, "SELECT count(*) AS n FROM event WHERE subject IS NOT NULL"));
    assert_view_is_the_log(place);
}

static void subjects_survive_reopening_anywhere(void **state)
{
    struct place *place = *state;
    uint64_t seed = chance_begin("subjects_survive_reopening_anywhere");

    for (int i = 0; i < 12; i++) {
        place_append(place, 1 + chance(&seed) % 3000);
        if (chance(&seed) % 2 == 0) {
            place_close(place);
            place_open(place);
        }
        assert_true((uint64_t)number(place, "SELECT max(seq) - (SELECT upto FROM event_subject_progress) AS n"
                                            " FROM event") < SUBJECTS_FILED_EVERY);
        assert_view_is_the_log(place);
    }
}

/* One subject is looked up in the filed part by its key, and in the rest by seq: never by reading the log. */
static void one_subject_is_found_without_reading_the_log(void **state)
{
    struct place *place = *state;
    struct statement *s =
        statement(place->writer, "EXPLAIN QUERY PLAN SELECT seq FROM v_subject_event WHERE subject = 'a/b'");
    int searches = 0;

    while (statement_row(s)) {
        const char *detail = column_text(s, "detail");

        assert_null(strstr(detail, "SCAN s"));
        assert_false(strcmp(detail, "SCAN e") == 0 || strcmp(detail, "SCAN event") == 0);
        searches += strstr(detail, "SEARCH") != NULL;
    }
    assert_true(searches >= 3);
}

static void opening_finds_subjects_filed_beyond_the_log(void **state)
{
    open_refused(*state, "UPDATE event_subject_progress SET upto = 1000000", ERROR_CORRUPT);
}

const struct CMUnitTest event_log_tests[] = {
    cmocka_unit_test(chain_hash_covers_the_documented_bytes),
    cmocka_unit_test_setup_teardown(sequence_is_dense_and_survives_reopening, begin, end),
    cmocka_unit_test_setup_teardown(empty_log_verifies, begin, end),
    cmocka_unit_test_setup_teardown(part_of_a_log_verifies_by_itself, begin, end),
    cmocka_unit_test_setup_teardown(verify_stops_when_told, begin, end),
    cmocka_unit_test_setup_teardown(triggers_stop_every_accident, begin, end),
    cmocka_unit_test_setup_teardown(appending_anything_but_the_next_event_aborts, begin, end),
    cmocka_unit_test_setup_teardown(every_change_is_found_and_named, begin, end),
    cmocka_unit_test_setup_teardown(rewritten_history_does_not_fit_its_checkpoints, begin, end),
    cmocka_unit_test_setup_teardown(opening_finds_a_change_behind_the_last_checkpoint, begin, end),
    cmocka_unit_test_setup_teardown(opening_finds_a_log_cut_short, begin, end),
    cmocka_unit_test_setup_teardown(opening_finds_a_tree_that_is_not_the_checkpoints, begin, end),
    cmocka_unit_test_setup_teardown(opening_finds_a_checkpoint_by_another_key, begin, end),
    cmocka_unit_test_setup_teardown(log_of_another_node_is_refused, begin, end),
    cmocka_unit_test_setup_teardown(checkpoint_comes_after_1024_events_or_10_seconds_or_when_forced, begin,
                                    end),
    cmocka_unit_test_setup_teardown(log_without_a_signer_makes_no_checkpoints, begin, end),
    cmocka_unit_test(line_holds_what_was_stored),
    cmocka_unit_test_setup_teardown(reader_gives_events_in_order_within_its_limits, begin, end),
    cmocka_unit_test_setup_teardown(time_finds_the_last_event_before_it, begin, end),
    cmocka_unit_test_setup_teardown(subjects_are_filed_at_the_border_and_not_before, begin, end),
    cmocka_unit_test_setup_teardown(subjects_survive_reopening_anywhere, begin, end),
    cmocka_unit_test_setup_teardown(one_subject_is_found_without_reading_the_log, begin, end),
    cmocka_unit_test_setup_teardown(opening_finds_subjects_filed_beyond_the_log, begin, end),
};
const size_t event_log_tests_count = sizeof(event_log_tests) / sizeof(event_log_tests[0]);
