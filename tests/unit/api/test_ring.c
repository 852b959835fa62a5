/* The ring holds the newest lines, whole and unchanged, however they wrap. */
#include "test_api.h"

#include <string.h>

#include "api/ring.h"

static void fill(char *line, size_t size, uint64_t seq)
{
    memset(line, (int)('a' + seq % 26), size);
    line[size - 1] = '\n';
}

static void check_all(const struct ring *ring, const size_t *sizes)
{
    char expected[1024];
    for (uint64_t seq = ring->tail; seq <= ring->head; seq++) {
        const struct ring_entry *entry = ring_entry(ring, seq);
        assert_int_equal(entry->size, sizes[seq]);
        fill(expected, sizes[seq], seq);
        assert_memory_equal(ring_line(ring, entry), expected, sizes[seq]);
    }
    assert_true(ring_used(ring) <= ring->capacity);
}

static void the_newest_lines_are_there_after_any_sizes(void **state)
{
    (void)state;
    enum { EVENTS = 20000 };
    static size_t sizes[EVENTS + 1];
    struct luck luck = luck_new();
    struct ring ring;
    ring_open(&ring, RING_BYTES_MIN, 0, 0);
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        char line[512];
        sizes[seq] = 1 + luck_below(&luck, luck_below(&luck, 10) == 0 ? 512 : 60);
        fill(line, sizes[seq], seq);
        ring_append(&ring, line, sizes[seq], 3, 1, 2);
        assert_int_equal(ring.head, seq);
        assert_true(ring.tail <= seq);
        check_all(&ring, sizes);
    }
    ring_close(&ring);
}

static void entries_have_a_bound_too(void **state)
{
    (void)state;
    struct ring ring;
    ring_open(&ring, 4096, 4, 100);
    for (int i = 0; i < 10; i++)
        ring_append(&ring, "x\n", 2, 0, 0, 0);
    assert_int_equal(ring.head, 110);
    assert_int_equal(ring.tail, 107);
    ring_close(&ring);
}

static void a_line_too_large_empties_the_ring(void **state)
{
    (void)state;
    static char large[4096];
    struct ring ring;
    ring_open(&ring, 2048, 0, 0);
    ring_append(&ring, "x\n", 2, 0, 0, 0);
    ring_append(&ring, large, 1025, 0, 0, 0);
    assert_int_equal(ring.head, 2);
    assert_int_equal(ring.tail, 3);
    assert_int_equal(ring_used(&ring), 0);
    ring_append(&ring, "y\n", 2, 0, 0, 0);
    assert_int_equal(ring.tail, 3);
    assert_memory_equal(ring_line(&ring, ring_entry(&ring, 3)), "y\n", 2);
    ring_skip(&ring, 9);
    assert_int_equal(ring.tail, 10);
    ring_close(&ring);
}

int ring_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_lines_are_there_after_any_sizes),
        cmocka_unit_test(entries_have_a_bound_too),
        cmocka_unit_test(a_line_too_large_empties_the_ring),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
