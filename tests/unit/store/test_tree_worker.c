/* The tree's thread: what it computes is what the caller would have computed alone, in batches of any size,
 * and the log holds the same rows. */
#include "test_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "store/log_tree.h"
#include "store/tree_worker.h"

#define BATCH_MAX 700
#define ROUNDS 400

/* --- the worker by itself --------------------------------------------------------------------- */

struct seen {
    const struct event *events;
    size_t count;
    size_t wrong; /* calls out of order, or with another event; judged by the thread of the test */
};

static void see(void *context, size_t index, const struct event *event)
{
    struct seen *seen = context;

    if (index != seen->count || event != seen->events + index)
        seen->wrong++;
    seen->count++;
}

static void fill(struct event *events, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = chance(random);

        sha256(&events[i].hash, &value, sizeof(value));
    }
}

static void assert_same_range(const struct merkle_range *a, const struct merkle_range *b)
{
    struct hash root_a, root_b;

    assert_int_equal(a->size, b->size);
    merkle_range_root(a, &root_a);
    merkle_range_root(b, &root_b);
    assert_memory_equal(root_a.bytes, root_b.bytes, 32);
}

static void threaded_tree_is_the_plain_tree(void **state)
{
    struct event *events = memory_array(BATCH_MAX, sizeof(*events));
    struct merkle_range plain_range = { .size = 0 }, threaded_range = { .size = 0 };
    struct tree_worker *worker = tree_worker_start();
    uint64_t random = chance_begin("threaded_tree_is_the_plain_tree");
    size_t tiles = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = chance(&random) % (round % 2 == 0 ? 4 : BATCH_MAX + 1);
        struct seen plain_seen = { .events = events }, threaded_seen = { .events = events };
        struct tree_work plain = { .events = events, .count = count, .range = &plain_range, .hashed = see,
                                   .context = &plain_seen };
        struct tree_work threaded = plain;

        threaded.range = &threaded_range;
        threaded.context = &threaded_seen;
        fill(events, count, &random);
        tree_worker_begin(worker, &threaded);
        if (chance(&random) % 2 == 0)
            tree_work_run(&plain); /* so that the thread comes first at times */
        tree_worker_end(worker);
        if (plain_seen.count < count)
            tree_work_run(&plain);

        assert_int_equal(plain_seen.count, count);
        assert_int_equal(threaded_seen.count, count);
        assert_int_equal(plain_seen.wrong + threaded_seen.wrong, 0);
        assert_int_equal(threaded.tile_count, plain.tile_count);
        for (size_t i = 0; i < plain.tile_count; i++) {
            assert_int_equal(threaded.tiles[i].level, plain.tiles[i].level);
            assert_int_equal(threaded.tiles[i].index, plain.tiles[i].index);
            assert_memory_equal(threaded.tiles[i].hash.bytes, plain.tiles[i].hash.bytes, 32);
        }
        assert_same_range(&plain_range, &threaded_range);
        tiles += plain.tile_count;
        tree_work_close(&plain);
        tree_work_close(&threaded);
    }
    assert_true(tiles >= plain_range.size / TILE_LEAVES);
    tree_worker_stop(worker);
    free(events);
}

static void worker_without_work_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        tree_worker_stop(tree_worker_start());
}

/* --- in the log ------------------------------------------------------------------------------- */

struct texts {
    char subject[32];
    char body[64];
};

static void write_events(const struct place *place, struct event *events, struct texts *texts, size_t count)
{
    uint64_t head = event_log_head(place->log);

    for (size_t i = 0; i < count; i++) {
        uint64_t seq = head + 1 + i;

        snprintf(texts[i].subject, sizeof(texts[i].subject), "thing/%d", (int)(seq % 13));
        snprintf(texts[i].body, sizeof(texts[i].body), "{\"number\":%d}", (int)seq);
        events[i] = (struct event){ .seq = seq, .block = seq / 50, .time_us = FIRST_TIME_US + (int64_t)head,
                                    .type = "test.happened",
                                    .subject = seq % 7 == 0 ? NULL : texts[i].subject,
                                    .body = bytes_of_text(texts[i].body), .last = seq % 3 == 0 };
    }
}

static void append_batch(struct place *place, size_t count)
{
    struct event *events = memory_array(count, sizeof(*events));
    struct texts *texts = memory_array(count, sizeof(*texts));
    struct seen seen = { .events = events };

    write_events(place, events, texts, count);
    database_begin(place->writer);
    event_log_append_batch(place->log, events, count, see, &seen);
    database_commit(place->writer);
    assert_int_equal(seen.count, count);
    assert_int_equal(seen.wrong, 0);
    free(events);
    free(texts);
}

static void append_one_by_one(struct place *place, size_t count)
{
    struct event *events = memory_array(count, sizeof(*events));
    struct texts *texts = memory_array(count, sizeof(*texts));

    write_events(place, events, texts, count);
    database_begin(place->writer);
    for (size_t i = 0; i < count; i++)
        event_log_append(place->log, &events[i]);
    database_commit(place->writer);
    free(events);
    free(texts);
}

/* All rows that appending writes, as one hash. */
static void contents(const struct place *place, struct hash *out)
{
    struct database *reader = place_reader(place);
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct statement *s = statement(
        reader, "SELECT 'event ' || seq || coalesce(subject, '-') || body || hex(hash) AS line FROM event"
                " UNION ALL SELECT 'tile ' || level || ' ' || idx || ' ' || hex(hash) FROM tree_tile"
                " UNION ALL SELECT 'subject ' || subject || ' ' || seq FROM event_subject"
                " UNION ALL SELECT 'filed ' || upto FROM event_subject_progress ORDER BY 1");

    while (statement_row(s)) {
        buffer_append_text(&text, column_text(s, "line"));
        buffer_append_text(&text, "\n");
    }
    blake2b256(out, text.data, text.size);
    database_close(reader);
}

static void batches_leave_the_rows_of_single_events(void **state)
{
    struct place batched, single;
    struct hash batched_rows, single_rows;
    struct log_report report;
    struct error error;
    uint64_t random = chance_begin("batches_leave_the_rows_of_single_events");

    (void)state;
    place_begin(&batched);
    place_begin(&single);
    place_open(&batched);
    place_open(&single);
    for (int round = 0; round < 60; round++) {
        size_t most = round % 3 == 0 ? 2 * TREE_BESIDE_LEAST : BATCH_MAX;
        size_t count = 1 + chance(&random) % most;

        append_batch(&batched, count);
        append_one_by_one(&single, count);
    }
    assert_true(event_log_head(batched.log) > 2 * SUBJECTS_FILED_EVERY);
    contents(&batched, &batched_rows);
    contents(&single, &single_rows);
    assert_memory_equal(batched_rows.bytes, single_rows.bytes, 32);
    place_checkpoint(&batched);
    assert_ok(verify_all(&batched, &report, &error));
    assert_true(report.tree_checked);
    place_end(&batched);
    place_end(&single);
}

const struct CMUnitTest tree_worker_tests[] = {
    cmocka_unit_test(threaded_tree_is_the_plain_tree),
    cmocka_unit_test(worker_without_work_ends),
    cmocka_unit_test(batches_leave_the_rows_of_single_events),
};
const size_t tree_worker_tests_count = sizeof(tree_worker_tests) / sizeof(tree_worker_tests[0]);
