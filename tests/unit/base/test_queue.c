/* The bounded queue, alone and between threads. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/queue.h"

static void items_leave_in_the_order_they_came(void **state)
{
    (void)state;
    struct queue queue;
    queue_init(&queue, 5);
    int values[100];
    int put = 0, taken = 0;
    struct random random = random_start(__func__);
    while (taken < 100) {
        if (random_below(&random, 2) == 0 && put < 100) {
            bool room = put - taken < 5;
            assert_int_equal(queue_put(&queue, &values[put]), room);
            put += room;
        } else {
            void *items[3];
            size_t most = 1 + random_below(&random, 3), expected = (size_t)(put - taken);
            size_t got = queue_take(&queue, items, most, 0);
            assert_int_equal(got, expected < most ? expected : most);
            for (size_t i = 0; i < got; i++)
                assert_ptr_equal(items[i], &values[taken++]);
        }
        assert_int_equal(queue_count(&queue), put - taken);
    }
    queue_destroy(&queue);
}

static void a_full_queue_says_no(void **state)
{
    (void)state;
    struct queue queue;
    queue_init(&queue, 2);
    int value;
    void *item;
    assert_true(queue_put(&queue, &value));
    assert_true(queue_put(&queue, &value));
    assert_false(queue_put(&queue, &value));
    assert_int_equal(queue_take(&queue, &item, 1, 0), 1);
    assert_true(queue_put(&queue, &value));
    assert_false(queue_put(&queue, &value));
    queue_destroy(&queue);
}

static void taking_from_an_empty_queue_waits_as_long_as_asked(void **state)
{
    (void)state;
    struct queue queue;
    queue_init(&queue, 1);
    void *item;
    int64_t start = clock_monotonic_us();
    assert_int_equal(queue_take(&queue, &item, 1, 0), 0);
    assert_int_equal(queue_take(&queue, &item, 1, 30000), 0);
    int64_t waited = clock_monotonic_us() - start;
    assert_true(waited >= 30000);
    assert_int_equal(queue.waiting, 0);
    queue_destroy(&queue);
}

static void a_closed_queue_drains_and_takes_nothing_more(void **state)
{
    (void)state;
    struct queue queue;
    queue_init(&queue, 4);
    int value;
    void *items[4];
    assert_false(queue_closed(&queue));
    assert_true(queue_put(&queue, &value));
    queue_close(&queue);
    assert_true(queue_closed(&queue));
    assert_false(queue_put(&queue, &value));
    assert_int_equal(queue_take(&queue, items, 4, -1), 1);
    assert_int_equal(queue_take(&queue, items, 4, -1), 0);
    queue_destroy(&queue);
}

static void *take_for_ever(void *argument)
{
    void *item;
    return (void *)(uintptr_t)(queue_take(argument, &item, 1, -1) + 1);
}

static void closing_wakes_all_who_wait(void **state)
{
    (void)state;
    struct queue queue;
    queue_init(&queue, 1);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_for_ever, &queue), 0);
    queue_close(&queue);
    for (int i = 0; i < 3; i++) {
        void *answer;
        pthread_join(threads[i], &answer);
        assert_int_equal((uintptr_t)answer, 1);
    }
    queue_destroy(&queue);
}

#define PUTTERS 4
#define TAKERS 3
#define PER_PUTTER 20000
#define CAPACITY 64

static struct queue shared;
static atomic_uchar seen[PUTTERS * PER_PUTTER];
static atomic_size_t taken_total, order_broken;

static void *put_many(void *argument)
{
    size_t first = (size_t)(uintptr_t)argument * PER_PUTTER;
    for (size_t i = first; i < first + PER_PUTTER; i++)
        while (!queue_put(&shared, &seen[i]))
            sched_yield();
    return NULL;
}

static void *take_many(void *argument)
{
    (void)argument;
    void *items[7];
    size_t got;
    size_t last[PUTTERS] = { 0 };
    while ((got = queue_take(&shared, items, 7, -1)) > 0) {
        for (size_t i = 0; i < got; i++) {
            size_t index = (size_t)((atomic_uchar *)items[i] - seen), putter = index / PER_PUTTER;
            if (index + 1 <= last[putter])
                atomic_fetch_add(&order_broken, 1);
            last[putter] = index + 1;
            atomic_fetch_add(&seen[index], 1);
        }
        atomic_fetch_add(&taken_total, got);
    }
    return NULL;
}

static void between_threads_nothing_is_lost_doubled_or_over_the_bound(void **state)
{
    (void)state;
    queue_init(&shared, CAPACITY);
    pthread_t putters[PUTTERS], takers[TAKERS];
    for (uintptr_t i = 0; i < TAKERS; i++)
        assert_int_equal(pthread_create(&takers[i], NULL, take_many, NULL), 0);
    for (uintptr_t i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_create(&putters[i], NULL, put_many, (void *)i), 0);
    while (atomic_load(&taken_total) < PUTTERS * PER_PUTTER / 2) {
        assert_true(queue_count(&shared) <= CAPACITY);
        sched_yield();
    }
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(putters[i], NULL);
    queue_close(&shared);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(takers[i], NULL);
    assert_int_equal(atomic_load(&taken_total), PUTTERS * PER_PUTTER);
    assert_int_equal(atomic_load(&order_broken), 0);
    for (size_t i = 0; i < PUTTERS * PER_PUTTER; i++)
        assert_int_equal(atomic_load(&seen[i]), 1);
    queue_destroy(&shared);
}

static void make_a_queue_without_room(void)
{
    struct queue queue;
    queue_init(&queue, 0);
}

static void a_queue_without_room_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_aborts(make_a_queue_without_room, "room for one item");
}

int queue_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_they_came),
        cmocka_unit_test(a_full_queue_says_no),
        cmocka_unit_test(taking_from_an_empty_queue_waits_as_long_as_asked),
        cmocka_unit_test(a_closed_queue_drains_and_takes_nothing_more),
        cmocka_unit_test(closing_wakes_all_who_wait),
        cmocka_unit_test(between_threads_nothing_is_lost_doubled_or_over_the_bound),
        cmocka_unit_test(a_queue_without_room_is_a_broken_invariant),
    };
    return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
