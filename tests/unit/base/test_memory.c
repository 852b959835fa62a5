/* Allocation, its end when there is none left, and the arena. */
#include "support.h"

#include <stdalign.h>

#include "base/memory.h"

static void new_memory_is_zero(void **state)
{
    (void)state;
    AUTO_FREE uint8_t *one = memory_new(1000);
    AUTO_FREE uint64_t *many = memory_array(100, sizeof *many);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(one[i], 0);
    for (size_t i = 0; i < 100; i++)
        assert_true(many[i] == 0);
    AUTO_FREE void *nothing = memory_new(0);
    assert_non_null(nothing);
    AUTO_FREE uint64_t *aligned = memory_array_aligned(3, sizeof *aligned, 64);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    assert_true(aligned[0] == 0 && aligned[2] == 0);
    AUTO_FREE void *no_items = memory_array(0, 8);
    assert_non_null(no_items);
}

static void copies_hold_the_same(void **state)
{
    (void)state;
    AUTO_FREE char *text = text_copy("hello");
    assert_string_equal(text, "hello");
    assert_null(text_copy(NULL));
    AUTO_FREE char *sized = text_copy_sized("hello", 3);
    assert_string_equal(sized, "hel");
    AUTO_FREE char *formatted = text_format("%d-%s", 42, "x");
    assert_string_equal(formatted, "42-x");
    AUTO_FREE char *copy = memory_copy("abc", 4);
    assert_string_equal(copy, "abc");
    copy = memory_resize(copy, 1000);
    assert_string_equal(copy, "abc");
    memory_free_pointer(&copy);
    assert_null(copy);
}

static void ask_for_too_many_items(void)
{
    free(memory_array(SIZE_MAX / 2, 3));
}

static void ask_for_too_much(void)
{
    free(memory_new(SIZE_MAX));
}

static void ask_to_grow_too_much(void)
{
    free(memory_resize(NULL, (size_t)PTRDIFF_MAX + 1));
}

static void ask_for_too_long_a_text(void)
{
    free(text_copy_sized("", SIZE_MAX));
}

static void ask_an_arena_for_too_much(void)
{
    struct arena arena;
    arena_init(&arena);
    arena_new(&arena, SIZE_MAX - 8);
}

static void exhaustion_ends_the_process_with_a_message(void **state)
{
    (void)state;
    void (*const bodies[])(void) = {
        ask_for_too_many_items, ask_for_too_much, ask_to_grow_too_much, ask_for_too_long_a_text,
        ask_an_arena_for_too_much,
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char said[1000];
        assert_int_equal(ending_of(bodies[i], said, sizeof said), ENDED_BY_EXIT + MEMORY_EXIT_CODE);
        assert_string_equal(said, "layerd: out of memory\n");
    }
}

static void arena_pieces_are_zero_aligned_and_apart(void **state)
{
    (void)state;
    struct random random = random_start(__func__);
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 5; round++) {
        uint8_t *pieces[300];
        size_t sizes[300];
        for (size_t i = 0; i < 300; i++) {
            sizes[i] = random_below(&random, i % 50 == 0 ? 200000 : 300);
            pieces[i] = arena_new(&arena, sizes[i]);
            assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], 0);
            memset(pieces[i], (int)(i % 255 + 1), sizes[i]);
        }
        for (size_t i = 0; i < 300; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], i % 255 + 1);
        arena_reset(&arena);
        assert_true(arena.total <= 65536);
    }
    assert_string_equal(arena_text(&arena, "hello", 4), "hell");
    arena_close(&arena);
    assert_null(arena.chunk);
    assert_int_equal(arena.total, 0);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void a_wiped_arena_holds_nothing_of_what_it_held(void **state)
{
    (void)state;
    enum { PIECES = 40, PIECE = 4000 }; /* several chunks */
    uint8_t *pieces[PIECES];
    struct arena arena;
    arena_init(&arena);
    arena_wipe(&arena); /* nothing to do */
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = memset(arena_new(&arena, PIECE), 's', PIECE);
    char *text = arena_text(&arena, "open sesame", 11);
    arena_wipe(&arena);
    for (size_t i = 0; i < PIECES; i++)
        assert_true(is_zero(pieces[i], PIECE));
    assert_true(is_zero((uint8_t *)text, 12));
    assert_string_equal(arena_text(&arena, "again", 5), "again");
    arena_close(&arena);
}

int memory_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero),
        cmocka_unit_test(copies_hold_the_same),
        cmocka_unit_test(exhaustion_ends_the_process_with_a_message),
        cmocka_unit_test(arena_pieces_are_zero_aligned_and_apart),
        cmocka_unit_test(a_wiped_arena_holds_nothing_of_what_it_held),
    };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
