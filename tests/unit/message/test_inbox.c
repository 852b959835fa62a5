/* What enters a domain keeps its order and comes to one end. */
#include <time.h>

#include "test_message.h"

#define MANY 200000
#define LOOKS 100

static void assert_states(struct scene *s, const char *expected)
{
    char *states AUTO_FREE = fixture_sql_text(&s->f, "SELECT group_concat(substr(state, 1, 2), ' ') FROM"
                                                     " (SELECT state FROM inbox ORDER BY domain, number)");

    assert_string_equal(states, expected);
}

static int64_t overdue_end(struct scene *s, uint64_t first)
{
    json_t *result AUTO_JSON = fixture_do(
        &s->f, "alice", "owner.overdue", "{'domain':%" PRIu64 ",'first':%" PRIu64 "}", s->domain, first);

    return json_integer_value(json_object_get(result, "end"));
}

/* −1: nothing waits. */
static int64_t oldest(struct scene *s)
{
    json_t *result AUTO_JSON =
        fixture_do(&s->f, "alice", "owner.oldest", "{'domain':%" PRIu64 "}", s->domain);

    return json_is_true(json_object_get(result, "found"))
               ? json_integer_value(json_object_get(result, "number"))
               : -1;
}

static int64_t deadline_of(struct scene *s, unsigned number)
{
    char *sql AUTO_FREE = text_format("SELECT deadline_us FROM inbox WHERE number = %u", number);

    return fixture_sql(&s->f, sql);
}

static void items_keep_their_order_and_come_to_one_end(void **state)
{
    struct scene *s = *state;

    assert_int_equal(oldest(s), -1);
    for (int i = 0; i < 5; i++)
        run(s, "owner.queue", ",'amount':%d,'window':%" PRIu64, i == 3 ? 0 : 100 + i, (uint64_t)HOUR);
    assert_states(s, "qu qu qu qu qu");
    assert_int_equal(escrowed(s), 100 + 101 + 102 + 104);
    assert_int_equal(oldest(s), 0);
    run(s, "owner.include", ",'first':0,'behind':2");
    assert_states(s, "in in qu qu qu");
    assert_int_equal(oldest(s), 2);
    run(s, "owner.include", ",'first':2,'behind':3");
    run(s, "owner.return", ",'first':2,'behind':3,'window':%" PRIu64, (uint64_t)(2 * HOUR));
    assert_states(s, "in in qu qu qu");
    assert_int_equal(oldest(s), 2);
    run(s, "owner.done", ",'first':0,'behind':2");
    assert_states(s, "do do qu qu qu");
    run(s, "owner.end", "%s", "");
    assert_states(s, "do do re dr re");
    assert_int_equal(oldest(s), -1);
    assert_int_equal(escrowed(s), 100 + 101);
    assert_int_equal(balance(s, "alice"), 100000 - 201);
    run(s, "owner.end", "%s", ""); /* nothing is left to end */
    assert_int_equal(escrowed(s), 100 + 101);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM event WHERE type = 'message.refunded'"), 3);
}

static void a_deposit_needs_its_value(void **state)
{
    struct scene *s = *state;

    fixture_refused(&s->f, ERROR_INSUFFICIENT_BALANCE, "alice", "owner.queue",
                    "{'domain':%" PRIu64 ",'amount':100001,'window':1}", s->domain);
    assert_int_equal(fixture_sql(&s->f, "SELECT count(*) FROM inbox"), 0);
    run(s, "owner.queue", ",'amount':100000,'window':1");
    assert_int_equal(balance(s, "alice"), 0);
    assert_int_equal(fixture_sql(&s->f, "SELECT number FROM inbox"), 0); /* the refused one left no gap */
}

/* A deadline has passed when now >= deadline, and not a microsecond before. */
static void a_deadline_passes_to_the_microsecond(void **state)
{
    struct scene *s = *state;
    int64_t left;

    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)(30 * MICROSECONDS_PER_SECOND));
    left = deadline_of(s, 0) - fixture_sql(&s->f, "SELECT max(chain_time_us) FROM block");
    fixture_advance(&s->f, left - 1);
    assert_int_equal(overdue_end(s, 0), 0);
    assert_int_equal(fixture_sql(&s->f, "SELECT max(chain_time_us) FROM block"), deadline_of(s, 0) - 1);
    fixture_advance(&s->f, 1);
    assert_int_equal(overdue_end(s, 0), 1);
    assert_int_equal(fixture_sql(&s->f, "SELECT max(chain_time_us) FROM block"), deadline_of(s, 0));
}

/* The one that comes back gets a later deadline, never an earlier one. */
static void what_is_overdue_must_be_taken_in(void **state)
{
    struct scene *s = *state;
    int64_t deadline_us;

    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)(30 * MICROSECONDS_PER_SECOND));
    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)(3 * HOUR));
    assert_int_equal(overdue_end(s, 0), 0);
    fixture_advance(&s->f, 31 * MICROSECONDS_PER_SECOND);
    assert_int_equal(overdue_end(s, 0), 1);
    assert_int_equal(overdue_end(s, 1), 1);
    run(s, "owner.include", ",'first':0,'behind':2");
    deadline_us = deadline_of(s, 1);
    run(s, "owner.return", ",'first':0,'behind':2,'window':%" PRIu64, (uint64_t)HOUR);
    assert_int_equal(overdue_end(s, 0), 0);
    assert_int_equal(deadline_of(s, 1), deadline_us);
    assert_true(deadline_of(s, 0) > HOUR);
    assert_int_equal(oldest(s), 0);
}

static void nothing_is_due_before_what_was_queued_before_it(void **state)
{
    struct scene *s = *state;

    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)(30 * MICROSECONDS_PER_SECOND));
    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)MICROSECONDS_PER_SECOND);
    assert_int_equal(deadline_of(s, 1), deadline_of(s, 0));
    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)HOUR);
    fixture_advance(&s->f, 31 * MICROSECONDS_PER_SECOND);
    assert_int_equal(overdue_end(s, 0), 2);
    assert_int_equal(overdue_end(s, 2), 2);
    assert_int_equal(overdue_end(s, 3), 3);
}

/* Against a look at every item, whatever was queued, taken in, and came back. */
static void what_is_overdue_is_found_among_any_items(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    uint64_t random = seed * 2 + 1, done = 0, included = 0, count = 0;
    struct scene *s = *state;

    print_message("LAYERD_SEED=%" PRIu64 "\n", seed);
    for (int i = 0; i < 400; i++) {
        uint64_t window = random_below(&random, 40) * MICROSECONDS_PER_SECOND;
        uint64_t to = included + random_below(&random, count - included + 1);
        uint64_t back = done + random_below(&random, included - done + 1);
        char *sql AUTO_FREE = NULL;

        switch (random_below(&random, 6)) {
        case 0:
        case 1:
            run(s, "owner.queue", ",'window':%" PRIu64, window);
            count++;
            break;
        case 2:
            run(s, "owner.include", ",'first':%" PRIu64 ",'behind':%" PRIu64, included, to);
            included = to;
            break;
        case 3:
            run(s, "owner.return", ",'first':%" PRIu64 ",'behind':%" PRIu64 ",'window':%" PRIu64, back,
                included, window);
            included = back;
            break;
        case 4:
            run(s, "owner.done", ",'first':%" PRIu64 ",'behind':%" PRIu64, done, back);
            done = back;
            break;
        default:
            fixture_advance(&s->f, (int64_t)random_below(&random, 20) * MICROSECONDS_PER_SECOND);
            break;
        }
        sql = text_format("SELECT coalesce(max(number) + 1, %" PRIu64 ") FROM inbox WHERE number >= %" PRIu64
                          " AND deadline_us <= (SELECT max(chain_time_us) FROM block)", included, included);
        to = (uint64_t)overdue_end(s, included);
        assert_int_equal(to, fixture_sql(&s->f, sql));
    }
}

/* Half of what waits is overdue; a look at all of it would take 20 ms and more. */
static void what_is_overdue_is_found_quickly(void **state)
{
    struct scene *s = *state;
    char *sql AUTO_FREE = NULL;
    struct database *reader;
    struct error error;
    int64_t now_us;
    clock_t before;

    run(s, "owner.queue", ",'window':%" PRIu64, (uint64_t)MICROSECONDS_PER_SECOND);
    sql = text_format("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                      " INSERT INTO inbox (domain, number, sender, asset, amount, payload, deadline_us,"
                      " queued_us, state, queued_seq) SELECT domain, i, sender, asset, amount, payload,"
                      " deadline_us + (i > %d) * 1000000000000, queued_us, state, queued_seq"
                      " FROM inbox JOIN n",
                      MANY, MANY / 2);
    fixture_tamper(&s->f, sql);
    fixture_advance(&s->f, 2 * MICROSECONDS_PER_SECOND);
    assert_int_equal(kernel_reader(s->f.kernel, &reader, &error), OK);
    now_us = deadline_of(s, 0);
    before = clock();
    for (int i = 0; i < LOOKS; i++)
        assert_int_equal(inbox_overdue_end(reader, s->domain, 0, now_us), MANY / 2 + 1);
    before = clock() - before;
    database_close(reader);
    fixture_tamper(&s->f, "DELETE FROM inbox WHERE number > 0");
    assert_true(before * 1000 / LOOKS < 5 * CLOCKS_PER_SEC);
}

/* Chain time stands still while the ledger does, so an outage makes no item overdue. */
static void an_outage_makes_nothing_overdue(void **state)
{
    struct scene *s = *state;
    int64_t deadline_us;

    run(s, "owner.queue", ",'amount':5,'window':%" PRIu64, (uint64_t)HOUR);
    deadline_us = deadline_of(s, 0);
    fixture_reopen(&s->f);
    fixture_advance(&s->f, 24 * HOUR);
    assert_int_equal(overdue_end(s, 0), 0);
    assert_int_equal(deadline_of(s, 0), deadline_us);
}

static int64_t last_of(json_t *page, const char *member)
{
    const json_t *items = json_object_get(page, "items");

    return json_integer_value(
        json_object_get(json_array_get(items, json_array_size(items) - 1), member));
}

static void the_inbox_is_read_in_pages(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 5; i++)
        run(s, "owner.queue", ",'amount':%d,'window':%" PRIu64, i, (uint64_t)HOUR);
    json_t *first AUTO_JSON =
        fixture_query(&s->f, "message.inbox", "{'domain':%" PRIu64 ",'limit':3}", s->domain);
    json_t *second AUTO_JSON =
        fixture_query(&s->f, "message.inbox", "{'domain':%" PRIu64 ",'limit':3,'after':2}", s->domain);
    json_t *other AUTO_JSON =
        fixture_query(&s->f, "message.inbox", "{'domain':%" PRIu64 "}", s->domain + 1);
    json_t *domains AUTO_JSON = fixture_query(&s->f, "message.domains", "{}");
    const json_t *domain = json_array_get(json_object_get(domains, "items"), 0);

    assert_int_equal(json_array_size(json_object_get(first, "items")), 3);
    assert_int_equal(json_integer_value(json_object_get(first, "next")), 2);
    assert_int_equal(last_of(first, "number"), 2);
    assert_int_equal(json_array_size(json_object_get(second, "items")), 2);
    assert_int_equal(last_of(second, "amount"), 4);
    assert_true(json_is_null(json_object_get(second, "next")));
    assert_int_equal(json_array_size(json_object_get(other, "items")), 0);
    assert_int_equal(json_integer_value(json_object_get(domain, "domain")), s->domain);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(domain, "assets"), 0)), "DEV");
}

int inbox_tests(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(items_keep_their_order_and_come_to_one_end),
        SCENE_TEST(a_deposit_needs_its_value),
        SCENE_TEST(a_deadline_passes_to_the_microsecond),
        SCENE_TEST(what_is_overdue_must_be_taken_in),
        SCENE_TEST(nothing_is_due_before_what_was_queued_before_it),
        SCENE_TEST(what_is_overdue_is_found_among_any_items),
        SCENE_TEST(what_is_overdue_is_found_quickly),
        SCENE_TEST(an_outage_makes_nothing_overdue),
        SCENE_TEST(the_inbox_is_read_in_pages),
    };

    return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
