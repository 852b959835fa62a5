/* Positions: the published table whole, some of its rows as figures, and the rules at all depths. */
#include "test_optimistic.h"

#include "base/json.h"
#include "base/memory.h"

#define ROWS 31
#define TABLE_DEPTH 4

static struct position at(unsigned __int128 gindex)
{
    return (struct position){ .gindex = gindex };
}

/* A member's number; 0 where it is null. */
static uint64_t number(const json_t *row, const char *member)
{
    const json_t *value = json_object_get(row, member);

    if (!json_is_integer(value) && !json_is_null(value))
        fail_msg("a row lacks %s", member);
    return (uint64_t)json_integer_value(value);
}

static void published_table_is_met_in_every_column(void **state)
{
    const char *folder = getenv("LAYERD_VECTORS");
    AUTO_FREE char *path = text_format("%s/op-positions.json",
                                       folder == NULL ? SOURCE_ROOT "/../shared/vectors" : folder);
    json_error_t problem;
    json_t *table = json_load_file(path, 0, &problem), *rows = json_object_get(table, "positions");

    (void)state;
    if (table == NULL) {
        print_message("SKIPPED: vectors not found: %s\n", path);
        memory_free_pointer(&path);
        skip();
    }
    assert_int_equal(number(table, "max_depth"), TABLE_DEPTH);
    assert_int_equal(json_array_size(rows), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        const json_t *row = json_array_get(rows, i);
        struct position p = at(number(row, "gindex"));
        unsigned depth = position_depth(p);

        assert_int_equal(p.gindex, i + 1);
        assert_int_equal(depth, number(row, "depth"));
        assert_int_equal(position_index(p), number(row, "index_at_depth"));
        assert_true(position_equal(p, position_at(depth, position_index(p))));
        assert_int_equal(position_right(p, TABLE_DEPTH).gindex, number(row, "right_gindex"));
        assert_int_equal(position_trace_index(p, TABLE_DEPTH), number(row, "trace_index"));
        assert_int_equal(position_trace_ancestor(p).gindex, number(row, "trace_ancestor"));
        assert_int_equal((i + 1) >> 1, number(row, "parent"));
        /* Null where no move is allowed, which is the game's to say: see test_moves.c. */
        assert_int_equal(number(row, "attack") == 0, depth == TABLE_DEPTH);
        assert_int_equal(number(row, "defend") == 0, depth == TABLE_DEPTH || i == 0);
        if (number(row, "attack") != 0)
            assert_int_equal(position_attack(p).gindex, number(row, "attack"));
        if (number(row, "defend") != 0)
            assert_int_equal(position_defend(p).gindex, number(row, "defend"));
    }
    json_decref(table);
}

static void rows_of_the_published_table_that_are_carried_here(void **state)
{
    static const struct {
        unsigned gindex, right, trace_index, attack, defend, ancestor;
    } rows[] = {
        { 2, 23, 7, 4, 6, 2 },     { 3, 31, 15, 6, 6, 1 },    { 4, 19, 3, 8, 10, 4 },
        { 6, 27, 11, 12, 14, 6 },  { 8, 17, 1, 16, 18, 8 },   { 9, 19, 3, 18, 18, 4 },
        { 11, 23, 7, 22, 22, 2 },  { 12, 25, 9, 24, 26, 12 }, { 15, 31, 15, 30, 30, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct position p = at(rows[i].gindex);

        assert_int_equal(position_right(p, 4).gindex, rows[i].right);
        assert_int_equal(position_trace_index(p, 4), rows[i].trace_index);
        assert_int_equal(position_attack(p).gindex, rows[i].attack);
        assert_int_equal(position_defend(p).gindex, rows[i].defend);
        assert_int_equal(position_trace_ancestor(p).gindex, rows[i].ancestor);
    }
    assert_int_equal(position_trace_index(POSITION_ROOT, 4), 15);
    for (unsigned leaf = 16; leaf < 32; leaf++)
        assert_int_equal(position_trace_index(at(leaf), 4), leaf - 16);
}

static void ancestor_below_a_bound_commits_to_the_same_leaf_and_is_the_highest_such(void **state)
{
    (void)state;
    for (unsigned gindex = 2; gindex < 1u << 10; gindex++) {
        unsigned depth = position_depth(at(gindex));

        for (unsigned bound = 0; bound < depth; bound++) {
            unsigned highest = gindex;

            while (position_depth(at(highest >> 1)) > bound &&
                   position_trace_index(at(highest >> 1), 10) == position_trace_index(at(gindex), 10))
                highest >>= 1;
            assert_int_equal(position_trace_ancestor_bounded(at(gindex), bound).gindex, highest);
        }
    }
    assert_int_equal(position_trace_ancestor_bounded(at(31), 1).gindex, 7);
    assert_int_equal(position_trace_ancestor_bounded(at(23), 0).gindex, 2);
    assert_int_equal(position_trace_ancestor_bounded(at(23), 1).gindex, 5);
}

static void moves_halve_what_is_disputed_at_every_depth_to_the_greatest(void **state)
{
    uint64_t seed = random_seed("moves_halve_what_is_disputed_at_every_depth_to_the_greatest");

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct position p = position_attack(POSITION_ROOT);

        for (unsigned depth = 1; depth < POSITION_DEPTH_MAX; depth++) {
            unsigned __int128 end = position_trace_index(p, POSITION_DEPTH_MAX);
            unsigned __int128 half = (unsigned __int128)1 << (POSITION_DEPTH_MAX - depth - 1);

            assert_int_equal(position_depth(p), depth);
            assert_int_equal(position_index(p) & 1, 0); /* every move lands on a left child */
            assert_true(position_trace_index(position_attack(p), POSITION_DEPTH_MAX) == end - half);
            assert_true(position_trace_index(position_defend(p), POSITION_DEPTH_MAX) == end + half);
            assert_true(position_equal(position_left_of(position_right_of(p)), p));
            p = random_below(&seed, 2) == 0 ? position_attack(p) : position_defend(p);
        }
    }
}

int position_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_table_is_met_in_every_column),
        cmocka_unit_test(rows_of_the_published_table_that_are_carried_here),
        cmocka_unit_test(ancestor_below_a_bound_commits_to_the_same_leaf_and_is_the_highest_such),
        cmocka_unit_test(moves_halve_what_is_disputed_at_every_depth_to_the_greatest),
    };

    return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
