/* Following a chain height by height, over chains made here that grow, change and shrink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "network/follow.h"

#include <cmocka.h> /* last: it makes a macro of fail() */

#define HEIGHTS 200

/* A block's hash is its branch and its height: "a17". A height below `fork` is of the branch a. */
struct chain {
    struct arena arena;
    uint64_t tip, fork;
    char branch;
    uint64_t changes_at; /* when this height is fetched the chain becomes another from there on; 0: never */
    uint64_t fails_at;   /* 0: never */
    unsigned fetched;
};

static const char *hash_at(struct chain *c, uint64_t height)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%c%u", height < c->fork ? 'a' : c->branch, (unsigned)height);

    return arena_text(&c->arena, text, (size_t)size);
}

static enum status fetch(void *context, uint64_t height, struct network_block *block)
{
    struct chain *c = context;

    c->fetched++;
    if (c->fails_at != 0 && height == c->fails_at)
        return ERROR_NETWORK_TIMEOUT;
    if (c->changes_at != 0 && height >= c->changes_at) {
        c->fork = c->changes_at - 1;
        c->branch = 'z';
        c->changes_at = 0;
    }
    *block = (struct network_block){ .height = height, .hash = hash_at(c, height),
                                     .parent = height == 0 ? "none" : hash_at(c, height - 1) };
    return OK;
}

static struct network_sync follow(struct chain *c, bool known, uint64_t height, const char *hash,
                                  uint64_t least, enum status expected)
{
    const struct network_position position = { .known = known, .height = height, .hash = hash };
    const struct follower f = { .context = c, .fetch = fetch, .tip = c->tip, .least = least };
    struct network_sync sync = { .count = 0 };

    assert_int_equal(follow_chain(&f, &position, &c->arena, &sync), expected);
    return sync;
}

static struct chain chain_of(uint64_t tip)
{
    struct chain c = { .tip = tip, .fork = HEIGHTS, .branch = 'a' };

    arena_init(&c.arena);
    return c;
}

static void assert_blocks(const struct network_sync *sync, uint64_t first, size_t count, bool more)
{
    assert_false(sync->rewound);
    assert_int_equal(sync->count, count);
    assert_int_equal(sync->more, more);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sync->blocks[i].height, first + i);
}

static void a_link_begins_below_the_tip_and_not_below_the_first_block(void **state)
{
    static const struct { uint64_t tip, least, first; } cases[] = {
        { 100, 0, 80 }, { 21, 0, 1 }, { 20, 0, 0 }, { 3, 0, 0 }, { 3, 1, 1 }, { 21, 5, 5 }, { 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct chain c = chain_of(cases[i].tip);
        struct network_sync sync = follow(&c, false, 0, NULL, cases[i].least, OK);

        assert_blocks(&sync, cases[i].first, cases[i].tip - cases[i].first + 1, false);
        arena_close(&c.arena);
    }
}

static void what_follows_is_fetched_in_portions(void **state)
{
    struct chain c = chain_of(70);
    struct network_sync sync;

    (void)state;
    sync = follow(&c, true, 10, "a10", 0, OK);
    assert_blocks(&sync, 11, FOLLOW_BLOCKS, true);
    sync = follow(&c, true, 45, "a45", 0, OK);
    assert_blocks(&sync, 46, FOLLOW_BLOCKS, false);
    c.fetched = 0;
    sync = follow(&c, true, 70, "a70", 0, OK);
    assert_blocks(&sync, 71, 0, false);
    assert_int_equal(c.fetched, 0);
    arena_close(&c.arena);
}

static void another_chain_leads_back_until_it_links(void **state)
{
    struct chain c = chain_of(70);
    struct network_sync sync;

    (void)state;
    c.fork = 55;
    c.branch = 'b';
    sync = follow(&c, true, 60, "a60", 0, OK);
    assert_true(sync.rewound && sync.more);
    assert_int_equal(sync.rewound_to, 60 - FOLLOW_REWIND);
    assert_int_equal(sync.count, 0);
    sync = follow(&c, true, 50, "a50", 0, OK);
    assert_blocks(&sync, 51, 20, false);
    assert_string_equal(sync.blocks[19].hash, "b70");
    arena_close(&c.arena);
}

static void a_shorter_chain_leads_back_and_never_below_zero(void **state)
{
    struct chain c = chain_of(4);
    struct network_sync sync;

    (void)state;
    sync = follow(&c, true, 7, "a7", 0, OK);
    assert_true(sync.rewound && sync.more);
    assert_int_equal(sync.rewound_to, 0);
    assert_int_equal(c.fetched, 0);
    arena_close(&c.arena);
}

static void a_chain_that_changes_while_it_is_read_gives_what_is_linked(void **state)
{
    struct chain c = chain_of(70);
    struct network_sync sync;

    (void)state;
    c.changes_at = 65;
    sync = follow(&c, true, 60, "a60", 0, OK);
    assert_blocks(&sync, 61, 4, true);
    assert_string_equal(sync.blocks[3].hash, "a64");
    sync = follow(&c, true, 64, "a64", 0, OK); /* and the next time it is another chain */
    assert_true(sync.rewound);
    arena_close(&c.arena);
}

static void a_block_that_cannot_be_had_ends_it_with_the_reason(void **state)
{
    struct chain c = chain_of(70);

    (void)state;
    c.fails_at = 63;
    (void)follow(&c, true, 60, "a60", 0, ERROR_NETWORK_TIMEOUT);
    arena_close(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_begins_below_the_tip_and_not_below_the_first_block),
        cmocka_unit_test(what_follows_is_fetched_in_portions),
        cmocka_unit_test(another_chain_leads_back_until_it_links),
        cmocka_unit_test(a_shorter_chain_leads_back_and_never_below_zero),
        cmocka_unit_test(a_chain_that_changes_while_it_is_read_gives_what_is_linked),
        cmocka_unit_test(a_block_that_cannot_be_had_ends_it_with_the_reason),
    };

    return cmocka_run_group_tests_name("following a chain", tests, NULL, NULL) == 0 ? 0 : 1;
}
