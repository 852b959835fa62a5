/* The growable buffer. */
#include "support.h"

#include "base/buffer.h"
#include "base/memory.h"

static void what_is_appended_stands_in_order(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer buffer = { 0 };
    buffer_init(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append(&buffer, "ab", 2);
    buffer_append(&buffer, NULL, 0);
    buffer_append_text(&buffer, "cd");
    buffer_append_format(&buffer, "-%d-", 7);
    buffer_append_hex(&buffer, "\x01\xff", 2);
    assert_string_equal(buffer_text(&buffer), "abcd-7-01ff");
    assert_int_equal(buffer.size, 11);
    assert_true(bytes_equal(buffer_bytes(&buffer), bytes_of_text("abcd-7-01ff")));
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
}

static void growing_keeps_every_byte(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    CLEANUP(buffer_close) struct buffer buffer = { 0 };
    buffer_init(&buffer);
    AUTO_FREE uint8_t *expected = memory_new(1 << 20);
    size_t filled = 0;
    while (filled < (1 << 20) - 5000) {
        size_t size = random_below(&random, 5000);
        random_bytes(&random, expected + filled, size);
        buffer_append(&buffer, expected + filled, size);
        filled += size;
        assert_int_equal(buffer.size, filled);
        assert_true(buffer.capacity >= buffer.size);
    }
    assert_memory_equal(buffer.data, expected, filled);
}

static void a_format_longer_than_the_room_is_whole(void **state)
{
    (void)state;
    for (int width = 1; width < 1200; width += 13) {
        CLEANUP(buffer_close) struct buffer buffer = { 0 };
        buffer_init(&buffer);
        buffer_append_text(&buffer, "start");
        buffer_append_format(&buffer, "%*d|", width, 5);
        assert_int_equal(buffer.size, 5 + width + 1);
        assert_int_equal(buffer.data[buffer.size - 1], '|');
        assert_int_equal(buffer.data[buffer.size - 2], '5');
    }
}

static void taking_moves_the_memory(void **state)
{
    (void)state;
    CLEANUP(buffer_close) struct buffer a = { 0 }, b = { 0 };
    buffer_init(&a);
    buffer_init(&b);
    buffer_append_text(&a, "old");
    buffer_append_text(&b, "new");
    buffer_take(&a, &b);
    assert_string_equal(buffer_text(&a), "new");
    assert_int_equal(b.size, 0);
    assert_null(b.data);
    buffer_take(&a, &a);
    assert_string_equal(buffer_text(&a), "new");
    buffer_append_text(&b, "again");
    assert_string_equal(buffer_text(&b), "again");
}

/* As a client eats its replies, a piece at a time: what is left is never lost, and the memory follows it. */
static void a_buffer_eaten_from_the_front_gives_its_memory_back(void **state)
{
    (void)state;
    enum { SIZE = 300000, PIECE = 7777 };
    CLEANUP(buffer_close) struct buffer buffer = { 0 };
    size_t eaten = 0, moves = 0;
    for (size_t i = 0; i < SIZE; i++)
        buffer_append(&buffer, &(uint8_t){ (uint8_t)(i % 251) }, 1);
    for (size_t at = 0; at < SIZE; at += PIECE) {
        assert_int_equal(buffer.data[eaten], at % 251);
        assert_int_equal(buffer.size - eaten, SIZE - at);
        eaten += PIECE;
        if (at + PIECE > SIZE)
            break;
        buffer_shrink(&buffer, &eaten);
        moves += eaten == 0;
        size_t left = SIZE - at - PIECE;
        assert_int_equal(buffer.size - eaten, left);
        assert_true(buffer.capacity < 2 * left || buffer.capacity <= BUFFER_SHRINK_LEAST);
    }
    assert_true(moves < 12); /* halving, not once a piece */
}

static void grow_past_the_bound(void)
{
    struct buffer buffer;
    buffer_init(&buffer);
    buffer_reserve(&buffer, BUFFER_SIZE_MAX + 1);
}

static void overflow_the_size(void)
{
    struct buffer buffer;
    buffer_init(&buffer);
    buffer_append_text(&buffer, "x");
    buffer_reserve(&buffer, SIZE_MAX);
}

static void a_runaway_buffer_is_a_broken_invariant(void **state)
{
    (void)state;
    assert_aborts(grow_past_the_bound, "was to grow by");
    assert_aborts(overflow_the_size, "was to grow by");
}

int buffer_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_eaten_from_the_front_gives_its_memory_back),
        cmocka_unit_test(what_is_appended_stands_in_order),
        cmocka_unit_test(growing_keeps_every_byte),
        cmocka_unit_test(a_format_longer_than_the_room_is_whole),
        cmocka_unit_test(taking_moves_the_memory),
        cmocka_unit_test(a_runaway_buffer_is_a_broken_invariant),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
