/* RLP: the examples of the specification, everything that is not the one encoding, and random trees. */
#include "test_network_evm.h"

/* ethereum.org, "Recursive-length prefix serialization", "Examples". */
static void the_examples_are_written_so(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };
    const char *lorem = "Lorem ipsum dolor sit amet, consectetur adipisicing elit";

    (void)state;
    rlp_append(&out, "dog", 3);
    assert_bytes_are(buffer_bytes(&out), "83646f67");
    buffer_clear(&out);
    size_t list = rlp_list_begin(&out);
    rlp_append(&out, "cat", 3);
    rlp_append(&out, "dog", 3);
    rlp_list_end(&out, list);
    assert_bytes_are(buffer_bytes(&out), "c88363617483646f67");
    buffer_clear(&out);
    rlp_append(&out, "", 0);
    rlp_append_u64(&out, 0);
    rlp_append_u64(&out, 15);
    rlp_append_u64(&out, 1024);
    rlp_append(&out, "\0", 1);
    assert_bytes_are(buffer_bytes(&out), "80800f82040000");
    buffer_clear(&out);
    size_t outer = rlp_list_begin(&out), a, b;
    a = rlp_list_begin(&out);
    rlp_list_end(&out, a);
    a = rlp_list_begin(&out);
    b = rlp_list_begin(&out);
    rlp_list_end(&out, b);
    rlp_list_end(&out, a);
    a = rlp_list_begin(&out);
    b = rlp_list_begin(&out);
    rlp_list_end(&out, b);
    b = rlp_list_begin(&out);
    size_t c = rlp_list_begin(&out);
    rlp_list_end(&out, c);
    rlp_list_end(&out, b);
    rlp_list_end(&out, a);
    rlp_list_end(&out, outer);
    assert_bytes_are(buffer_bytes(&out), "c7c0c1c0c3c0c1c0");
    buffer_clear(&out);
    rlp_append(&out, lorem, strlen(lorem));
    assert_int_equal(out.data[0], 0xb8);
    assert_int_equal(out.data[1], 0x38);
    assert_int_equal(out.size, 58);
}

static void what_is_not_the_one_encoding_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",           /* nothing */
        "8100",       /* 0x00 is its own encoding */
        "817f",
        "81",         /* the byte is missing */
        "830102",     /* a byte too few */
        "8301020304", /* a byte too many */
        "0000",
        "b800",       /* the long form for what fits the short one */
        "b837" "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000",
        "b90038" "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000"
        "00000000000000000000000000",  /* a size with a leading zero */
        "b8",         /* the size is missing */
        "b9ff",
        "bfffffffffffffffff", /* a size past the end, near 2^64 */
        "bf0000000000000038",
        "c1",         /* a list without its item */
        "c2c1",
        "c180" "80",  /* something after the list */
        "c28100",     /* wrong inside of a list */
        "c3c28100",
        "f800",
        "f80180",
        "f837" "8080808080808080808080808080808080808080808080808080808080808080808080808080808080808080"
        "8080808080808080808080",
        "f90038" "80",
        "ffffffffffffffffff",
    };
    CLEANUP(arena_close) struct arena arena;
    struct rlp_item item;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (rlp_decode(evm_hex(&arena, wrong[i]), &item))
            fail_msg("taken: %s", wrong[i]);
    }
    /* Right but for one thing: 56 bytes, or 55, behind each long prefix. */
    static const struct { const char *prefix; size_t size; bool good; } longs[] = {
        { "b838", 56, true }, { "b90038", 56, false }, { "b837", 55, false }, { "b838", 57, false },
        { "b838", 55, false }, { "f838", 56, true }, { "f90038", 56, false }, { "f837", 55, false },
    };
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++) {
        CLEANUP(buffer_close) struct buffer raw = { 0 };
        struct bytes prefix = evm_hex(&arena, longs[i].prefix);
        buffer_append(&raw, prefix.data, prefix.size);
        for (size_t k = 0; k < longs[i].size; k++)
            buffer_append(&raw, "\x05", 1);
        assert_int_equal(rlp_decode(buffer_bytes(&raw), &item), longs[i].good);
    }
}

static void lists_inside_each_other_have_a_limit(void **state)
{
    uint8_t nested[RLP_DEPTH_MAX + 2];
    struct rlp_item item;

    (void)state;
    for (size_t lists = 1; lists <= sizeof nested; lists++) {
        for (size_t i = 0; i < lists; i++)
            nested[i] = (uint8_t)(0xc0 + lists - 1 - i);
        assert_int_equal(rlp_decode(bytes_of(nested, lists), &item), lists <= RLP_DEPTH_MAX);
    }
}

static void integers_have_no_leading_zeros_and_fit(void **state)
{
    static const struct { const char *hex; bool is_u64, is_u256; } cases[] = {
        { "80", true, true }, { "01", true, true }, { "00", false, false }, { "820001", false, false },
        { "88ffffffffffffffff", true, true }, { "89010000000000000000", false, true },
        { "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false, true },
        { "a101ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", false, false },
        { "c0", false, false },
    };
    CLEANUP(arena_close) struct arena arena;
    struct rlp_item item;
    struct u256 wide;
    uint64_t number;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(rlp_decode(evm_hex(&arena, cases[i].hex), &item));
        assert_int_equal(rlp_u64(&item, &number), cases[i].is_u64);
        assert_int_equal(rlp_u256(&item, &wide), cases[i].is_u256);
    }
}

static void append_random(struct arena *arena, struct buffer *out, unsigned depth)
{
    if (depth == 0 || random_below(3) > 0) {
        static const size_t most[] = { 2, 60, 300, 70000 };
        size_t size = random_below(most[random_below(100) == 0 ? 3 : random_below(3)]);
        struct bytes bytes = evm_random_bytes(arena, size);
        rlp_append(out, bytes.data, bytes.size);
        return;
    }
    size_t list = rlp_list_begin(out), count = random_below(6);
    for (size_t i = 0; i < count; i++)
        append_random(arena, out, depth - 1);
    rlp_list_end(out, list);
}

static void write_again(struct buffer *out, const struct rlp_item *item)
{
    struct bytes rest = item->content;
    struct rlp_item inner;

    if (!item->list) {
        rlp_append(out, item->content.data, item->content.size);
        return;
    }
    size_t list = rlp_list_begin(out);
    while (rest.size > 0) {
        assert_true(rlp_read(&rest, &inner));
        write_again(out, &inner);
    }
    rlp_list_end(out, list);
}

static void what_is_written_is_read_and_what_is_read_is_written_so(void **state)
{
    CLEANUP(buffer_close) struct buffer out = { 0 }, again = { 0 };
    CLEANUP(arena_close) struct arena arena;
    struct rlp_item item;
    size_t taken = 0;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 500; i++) {
        buffer_clear(&out);
        append_random(&arena, &out, 5);
        for (size_t k = 0; k < 20; k++) {
            if (k > 0) /* changed, it is either refused or the one encoding of something else */
                out.data[random_below(out.size)] ^= (uint8_t)(1 + random_below(255));
            if (!rlp_decode(buffer_bytes(&out), &item)) {
                assert_true(k > 0);
                continue;
            }
            taken++;
            buffer_clear(&again);
            write_again(&again, &item);
            assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&again)));
        }
        arena_reset(&arena);
    }
    assert_true(taken > 500);
}

static void lists_are_taken_up_to_the_room_for_them(void **state)
{
    uint8_t four[] = { 0xc4, 1, 2, 3, 4 };
    struct rlp_item list, items[4];
    size_t count;

    (void)state;
    assert_true(rlp_decode(bytes_of(four, sizeof four), &list));
    assert_true(rlp_items(&list, items, 4, &count) && count == 4);
    assert_true(rlp_count(&list, &count) && count == 4);
    assert_false(rlp_items(&list, items, 3, &count));
    assert_false(rlp_items(&items[0], items, 4, &count)); /* a string */
    assert_false(rlp_count(&items[0], &count));
}

int evm_rlp_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_are_written_so),
        cmocka_unit_test(what_is_not_the_one_encoding_is_refused),
        cmocka_unit_test(lists_inside_each_other_have_a_limit),
        cmocka_unit_test(integers_have_no_leading_zeros_and_fit),
        cmocka_unit_test(what_is_written_is_read_and_what_is_read_is_written_so),
        cmocka_unit_test(lists_are_taken_up_to_the_room_for_them),
    };

    return cmocka_run_group_tests_name("evm RLP", tests, NULL, NULL);
}
