/* The graph of payment channels. Small random ones against a search of all simple paths, that is written from
 * the header's words: every route must hold hop by hop, and one must be found where the search finds one and
 * the cheapest cannot mislead. Long histories equal graphs built afresh. */
#include "graph_support.h"

#include "base/memory.h"

#define HOP_SIZE 49

/* One query against the search; true when there was a route. */
static bool compare(const struct world *w, const struct graph_query *q, enum kind kind)
{
    struct search s = search_all(w, q);
    struct route route;
    bool found = graph_route(w->graph, q, &route);

    if (found) {
        assert_holds(w, q, &route, q->amount, NULL);
        assert_true(s.any);
    }
    if (kind == TIMELESS || kind == FEELESS)
        assert_int_equal(found, s.any);
    if (kind == TIMELESS && found)
        assert_true(route_fee(&route) == s.least_fee);
    if (q->amount <= 1000 && s.free) /* it costs less than the smallest fee: nothing dearer hides it */
        assert_true(found);
    return found;
}

static void small_graphs_are_searched_as_by_hand(void **state)
{
    uint64_t seed = random_seed("small_graphs_are_searched_as_by_hand");

    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        size_t found = 0, loops = 0;

        for (int round = 0; round < 1500; round++) {
            struct world w;

            random_world(&w, &seed, kind);
            for (int i = 0; i < 8; i++) {
                struct graph_query q = random_query(&w, &seed, kind);

                found += compare(&w, &q, kind);
                if (make_loop(&w, &seed, &q))
                    loops += compare(&w, &q, kind);
            }
            world_end(&w);
        }
        assert_true(found > 200 && loops > 20); /* they were worth the while */
    }
}

static void parts_hold_together(void **state)
{
    uint64_t seed = random_seed("parts_hold_together");
    size_t several = 0;

    (void)state;
    for (int round = 0; round < 6000; round++) {
        enum kind kind = (enum kind)random_below(&seed, KINDS);
        struct route routes[GRAPH_PARTS_MAX], again[GRAPH_PARTS_MAX], one;
        struct world w;

        random_world(&w, &seed, kind);
        for (int i = 0; i < 6; i++) {
            struct graph_query q = random_query(&w, &seed, kind);
            size_t most = 1 + random_below(&seed, GRAPH_PARTS_MAX), count, side, on;
            bool alone;

            q.amount = kind == EXTREME ? q.amount : 1 + random_below(&seed, 5000);
            if (random_below(&seed, 6) == 0)
                (void)make_loop(&w, &seed, &q);
            if (random_below(&seed, 4) == 0) {
                on = random_below(&seed, w.count);
                side = random_below(&seed, 2);
                w.links[on].failed[0].side = side;
                w.links[on].failed[0].amount = 1 + random_below(&seed, 1000);
                w.links[on].failed[0].at_us = q.now_us;
                w.links[on].failed_count = 1;
                tell(&w, &w.links[on]); /* forgets what failed before */
                graph_learn(w.graph, &w.links[on].id, side, w.links[on].failed[0].amount, q.now_us);
            }
            alone = graph_route(w.graph, &q, &one);
            count = graph_routes(w.graph, &q, most, routes);
            assert_routes_hold(&w, &q, most, count, routes);
            if (alone)
                assert_true(count == 1 && same_route(&routes[0], &one));
            assert_int_equal(graph_routes(w.graph, &q, most, again), count); /* nothing stays used */
            for (size_t k = 0; k < count; k++)
                assert_true(same_route(&routes[k], &again[k]));
            several += count > 1;
        }
        world_end(&w);
    }
    assert_true(several > 100);
}

static void parts_are_as_large_as_a_halving_allows(void **state)
{
    struct route routes[GRAPH_PARTS_MAX];
    struct graph_query q = query_of(0, 1, 1024, 0);
    struct world w;

    (void)state;
    world_begin(&w, 3);
    one_way(&w, 0, 1, 64, 0, 0);
    one_way(&w, 0, 1, 256, 0, 0);
    one_way(&w, 0, 1, 512, 0, 0);
    one_way(&w, 0, 1, 64, 0, 0);
    one_way(&w, 0, 1, 128, 0, 0);
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 5);
    assert_routes_hold(&w, &q, 5, 5, routes);
    for (size_t i = 0; i < 4; i++)
        assert_true(route_amount(&routes[i]) == 512u >> i);
    assert_int_equal(graph_routes(w.graph, &q, 5, routes), 5);
    assert_int_equal(graph_routes(w.graph, &q, 4, routes), 0);
    q.amount++;
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 0);
    world_end(&w);

    world_begin(&w, 3); /* two ways to the middle, one from there */
    one_way(&w, 0, 2, 50, 0, 0);
    one_way(&w, 0, 2, 50, 0, 0);
    one_way(&w, 2, 1, 80, 0, 0);
    q.amount = 100;
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 0);
    q.amount = 80;
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 2);
    world_end(&w);
}

static void fee_limit_is_for_all_parts_together(void **state)
{
    struct route routes[GRAPH_PARTS_MAX];
    struct graph_query q = query_of(0, 1, 100, 20);
    struct world w;

    (void)state;
    world_begin(&w, 4);
    for (size_t middle = 2; middle < 4; middle++) {
        one_way(&w, 0, middle, 60, 0, 0);
        one_way(&w, middle, 1, 50, 10, 0);
    }
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 2);
    assert_routes_hold(&w, &q, 2, 2, routes);
    q.fee_limit = 19;
    assert_int_equal(graph_routes(w.graph, &q, GRAPH_PARTS_MAX, routes), 0);
    world_end(&w);
}

/* --- cost ------------------------------------------------------------------------------------- */
static void time_costs_as_much_as_it_is_worth(void **state)
{
    uint64_t amount = 1000000000, day = amount / 1000000 * GRAPH_RISK_PPM;

    (void)state;
    for (int dearer = 0; dearer < 2; dearer++) {
        struct graph_query q = query_of(0, 1, amount, ENOUGH / 2);
        struct route route;
        struct world w;

        world_begin(&w, 4);
        one_way(&w, 0, 2, ENOUGH, 0, 0);
        one_way(&w, 2, 1, ENOUGH, 0, DAY);
        one_way(&w, 0, 3, ENOUGH, 0, 0);
        one_way(&w, 3, 1, ENOUGH, dearer ? day * 11 / 10 : day * 9 / 10, 0);
        assert_true(graph_route(w.graph, &q, &route));
        assert_holds(&w, &q, &route, amount, NULL);
        assert_true(hash_equal(&route.hops[0].channel, &w.links[dearer ? 0 : 2].id));
        world_end(&w);
    }
}

static void emptying_a_channel_costs(void **state)
{
    uint64_t amount = 1000000000, full = amount / 1000000 * GRAPH_USE_PPM;

    (void)state;
    for (int dearer = 0; dearer < 2; dearer++) {
        struct graph_query q = query_of(0, 1, amount, ENOUGH / 2);
        struct route route;
        struct world w;

        world_begin(&w, 4);
        one_way(&w, 0, 2, ENOUGH, 0, 0);
        one_way(&w, 2, 1, amount, 0, 0);
        one_way(&w, 0, 3, ENOUGH, 0, 0);
        one_way(&w, 3, 1, ENOUGH, dearer ? full * 11 / 10 : full / 2, 0);
        assert_true(graph_route(w.graph, &q, &route));
        assert_holds(&w, &q, &route, amount, NULL);
        assert_true(hash_equal(&route.hops[0].channel, &w.links[dearer ? 0 : 2].id));
        world_end(&w);
    }
}

static void fee_is_exact(void **state)
{
    uint64_t seed = random_seed("fee_is_exact"), fee;

    (void)state;
    assert_true(graph_fee(0, 0, 0) == 0);
    assert_true(graph_fee(0, 7, UINT64_MAX) == 7);
    assert_true(graph_fee(999999, 0, 1) == 0);
    assert_true(graph_fee(1000000, 0, 1) == 1);
    assert_true(graph_fee(1999999, 5, 1) == 6);
    assert_true(graph_fee(INTEGER_MAX, 0, 1000000) == INTEGER_MAX);
    assert_true(graph_fee(INTEGER_MAX, 0, 999999) == INTEGER_MAX - 9007199255);
    assert_true(graph_fee(1, INTEGER_MAX - 1, 1000000) == INTEGER_MAX);
    assert_true(graph_fee(0, INTEGER_MAX + 1, 0) == INTEGER_MAX);
    assert_true(graph_fee(1, UINT64_MAX, 1000000) == INTEGER_MAX);
    assert_true(graph_fee(INTEGER_MAX, UINT64_MAX, UINT64_MAX) == INTEGER_MAX);
    assert_true(graph_fee(UINT64_MAX, UINT64_MAX, UINT64_MAX) == INTEGER_MAX);
    for (int i = 0; i < 100000; i++) {
        uint64_t amount = random_below(&seed, INTEGER_MAX) >> random_below(&seed, 53);
        uint64_t base = random_below(&seed, 3) == 0 ? extreme(&seed, false) : random_below(&seed, 5000);
        uint64_t ppm = random_below(&seed, 3) == 0 ? extreme(&seed, false) : random_below(&seed, 2000000);
        bool fits = fee_exactly(amount, base, ppm, &fee);

        assert_true(graph_fee(amount, base, ppm) == (fits ? fee : INTEGER_MAX));
    }
}

static void no_fee_overflows(void **state)
{
    static const uint64_t none[] = { 1, INTEGER_MAX, UINT64_MAX };
    struct graph_query q = query_of(0, 1, INTEGER_MAX, INTEGER_MAX);
    struct route route, routes[GRAPH_PARTS_MAX];
    struct world w;

    (void)state;
    world_begin(&w, 3);
    one_way(&w, 0, 2, INTEGER_MAX, 0, 0);
    one_way(&w, 2, 1, INTEGER_MAX, 0, 0);
    assert_true(graph_route(w.graph, &q, &route));
    assert_holds(&w, &q, &route, INTEGER_MAX, NULL);
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        for (int which = 0; which < 2; which++) {
            w.links[0].sides[0].spendable = w.links[1].sides[0].spendable = UINT64_MAX;
            w.links[0].sides[0].most = w.links[1].sides[0].most = UINT64_MAX;
            w.links[1].sides[0].base = which == 0 ? none[i] : 0;
            w.links[1].sides[0].ppm = which == 1 ? none[i] : 0;
            tell(&w, &w.links[0]);
            tell(&w, &w.links[1]);
            q.fee_limit = i == 0 ? INTEGER_MAX : UINT64_MAX;
            assert_false(graph_route(w.graph, &q, &route));
            assert_int_equal(graph_routes(w.graph, &q, 1, routes), 0);
        }
    }
    w.links[1].sides[0].ppm = 0;
    for (uint64_t base = 0; base < 3; base++) { /* nor is an amount passed on that is none */
        w.links[1].sides[0].base = base;
        tell(&w, &w.links[1]);
        q.amount = UINT64_MAX;
        assert_false(graph_route(w.graph, &q, &route));
        q.amount = INTEGER_MAX + 1;
        assert_false(graph_route(w.graph, &q, &route));
    }
    world_end(&w);
}

/* --- what failed ------------------------------------------------------------------------------ */
static void failed_amount_is_avoided_for_a_while(void **state)
{
    const int64_t at_us = 1000 * DAY;
    struct graph_query q = query_of(0, 1, 100, 0);
    const uint64_t same[2] = { 500, 0 };
    struct hash nowhere = channel(99);
    struct world w;

    (void)state;
    world_begin(&w, 2);
    one_way(&w, 0, 1, 500, 0, 0);
    graph_learn(w.graph, &nowhere, 0, 1, at_us);
    graph_learn(w.graph, &w.links[0].id, 1, 1, at_us); /* the other side */
    assert_true(finds(&w, q));
    for (int changed = 0; changed < 4; changed++) {
        graph_learn(w.graph, &w.links[0].id, 0, 100, at_us);
        for (int64_t after = 0; after < GRAPH_BOUND_US; after += GRAPH_BOUND_US - 1) {
            q.now_us = at_us + after;
            q.amount = 100;
            assert_false(finds(&w, q));
            q.amount = 400;
            assert_false(finds(&w, q));
            q.amount = 99;
            assert_true(finds(&w, q));
        }
        q.amount = 100;
        q.now_us = changed == 0 ? at_us + GRAPH_BOUND_US + 1 : at_us;
        if (changed == 1)
            assert_true(graph_set_spendable(w.graph, &w.links[0].id, same));
        if (changed == 3)
            graph_remove(w.graph, &w.links[0].id);
        if (changed >= 2)
            tell(&w, &w.links[0]);
        assert_true(finds(&w, q));
    }
    graph_learn(w.graph, &w.links[0].id, 0, 100, at_us); /* another way is taken in the meantime */
    one_way(&w, 0, 1, 200, 0, 0);
    assert_true(finds(&w, q));
    world_end(&w);
}

/* --- loops, ends and lengths --------------------------------------------------------------------- */
static void loops_leave_and_arrive_through_what_is_named(void **state)
{
    struct graph_query q = query_of(0, 0, 100, 50);
    struct route route;
    struct world w;

    (void)state;
    world_begin(&w, 3);
    one_way(&w, 0, 1, 500, 1000, 0);
    one_way(&w, 1, 2, 500, 10, HOUR);
    one_way(&w, 2, 0, 500, 20, 2 * HOUR);
    one_way(&w, 1, 0, 500, 0, 0); /* a shorter loop, which nobody asks for */
    assert_false(finds(&w, q));
    q.first = &w.links[0].id;
    q.last = &w.links[2].id;
    assert_true(graph_route(w.graph, &q, &route));
    assert_holds(&w, &q, &route, 100, NULL);
    assert_int_equal(route.count, 3);
    assert_true(route_fee(&route) == 30 && route.hops[0].expiry_us == 4 * HOUR);
    q.last = &w.links[3].id;
    assert_true(graph_route(w.graph, &q, &route));
    assert_int_equal(route.count, 2);
    q.last = &w.links[1].id; /* does not lead home */
    assert_false(finds(&w, q));
    q.last = &w.links[2].id;
    q.first = &w.links[1].id;
    assert_false(finds(&w, q));
    w.links[0].sides[1].spendable = 500; /* there and back through the same one is no loop */
    tell(&w, &w.links[0]);
    q.first = q.last = &w.links[0].id;
    assert_false(finds(&w, q));
    q.first = NULL;
    q.to = account(2);
    q.last = &w.links[1].id;
    assert_true(finds(&w, q));
    q.to = account(17); /* nobody knows him */
    q.last = NULL;
    assert_false(finds(&w, q));
    world_end(&w);
}

static void way_is_not_longer_than_a_route(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, ROUTE_HOPS_MAX + 2);
    for (size_t i = 0; i <= ROUTE_HOPS_MAX; i++)
        one_way(&w, i, i + 1, 1000, 1, HOUR);
    for (size_t to = 1; to <= ROUTE_HOPS_MAX + 1; to++) {
        struct graph_query q = query_of(0, to, 100, 1000);
        struct route route;

        assert_int_equal(graph_route(w.graph, &q, &route), to <= ROUTE_HOPS_MAX);
        if (to <= ROUTE_HOPS_MAX)
            assert_holds(&w, &q, &route, 100, NULL);
    }
    world_end(&w);
}

/* --- histories -------------------------------------------------------------------------------- */
/* Numbers so large that no two ways cost the same. */
static void distinct_link(struct world *w, uint64_t *seed, struct link *l)
{
    const uint64_t unit = 100000000000000;

    random_link(w, seed, ANYTHING, l);
    for (size_t i = 0; i < 2; i++) {
        struct account_id who = l->sides[i].account;

        l->sides[i] = side_of(account_index(&who), unit + random_below(seed, 20 * unit),
                              random_below(seed, unit / 1000), random_below(seed, 2000),
                              (int64_t)random_below(seed, (uint64_t)DAY));
        l->sides[i].enabled = random_below(seed, 10) > 0;
    }
}

static void change(struct world *w, uint64_t *seed, int64_t now_us)
{
    struct link *l = &w->links[random_below(seed, w->count)];
    uint64_t spendable[2];

    switch (random_below(seed, 6)) {
    case 0:
        graph_remove(w->graph, &l->id);
        l->present = false;
        break;
    case 1:
        for (size_t i = 0; i < 2; i++)
            spendable[i] = l->sides[i].spendable = 1 + random_below(seed, 2000000000000000);
        assert_int_equal(graph_set_spendable(w->graph, &l->id, spendable), l->present);
        l->failed_count = 0;
        break;
    case 2:
        if (l->present && l->failed_count < FAILED_MAX) {
            size_t side = random_below(seed, 2), n = l->failed_count++;
            uint64_t amount = 1 + random_below(seed, 200000000000000);

            l->failed[n].side = side;
            l->failed[n].amount = amount;
            l->failed[n].at_us = now_us;
            graph_learn(w->graph, &l->id, side, amount, now_us);
        }
        break;
    default:
        distinct_link(w, seed, l);
        tell(w, l);
    }
}

static struct graph *built_afresh(const struct world *w)
{
    struct graph *graph = graph_new();

    for (size_t i = w->count; i-- > 0;) {
        const struct link *l = &w->links[i];

        if (!l->present)
            continue;
        graph_set(graph, &l->id, &l->asset, l->sides);
        for (size_t k = 0; k < l->failed_count; k++)
            graph_learn(graph, &l->id, l->failed[k].side, l->failed[k].amount, l->failed[k].at_us);
    }
    return graph;
}

static void assert_like_afresh(struct world *w, uint64_t *seed, int64_t now_us)
{
    struct graph *fresh = built_afresh(w);
    struct route here[GRAPH_PARTS_MAX], there[GRAPH_PARTS_MAX];

    assert_int_equal(graph_channels(w->graph), graph_channels(fresh));
    for (int i = 0; i < 12; i++) {
        struct graph_query q = random_query(w, seed, ANYTHING);
        size_t most = 1 + random_below(seed, 6), count;

        q.now_us = now_us;
        q.fee_limit = 1000000000000;
        q.amount = 1 + random_below(seed, 300000000000000);
        count = graph_routes(w->graph, &q, most, here);
        assert_int_equal(graph_routes(fresh, &q, most, there), count);
        for (size_t k = 0; k < count; k++) {
            assert_holds(w, &q, &here[k], route_amount(&here[k]), NULL);
            assert_true(same_route(&here[k], &there[k]));
        }
    }
    graph_free(fresh);
}

static void histories_equal_graphs_built_afresh(void **state)
{
    uint64_t seed = random_seed("histories_equal_graphs_built_afresh");

    (void)state;
    for (int history = 0; history < 30; history++) {
        int64_t now_us = 1000 * DAY;
        struct world w;

        world_begin(&w, 3 + random_below(&seed, ACCOUNTS_MAX - 3));
        w.count = 4 + random_below(&seed, LINKS_MAX - 4);
        for (size_t i = 0; i < w.count; i++)
            w.links[i].id = channel(i);
        for (int i = 0; i < 1500; i++) {
            now_us += (int64_t)random_below(&seed, 60000000);
            change(&w, &seed, now_us);
            if (i % 20 == 0)
                assert_like_afresh(&w, &seed, now_us);
        }
        for (size_t i = 0; i < w.count; i++) {
            graph_remove(w.graph, &w.links[i].id);
            graph_remove(w.graph, &w.links[i].id); /* the second time there is nothing */
        }
        assert_int_equal(graph_channels(w.graph), 0);
        world_end(&w);
    }
}

static void many_channels_are_told_apart(void **state)
{
    const size_t count = 5000;
    struct graph *graph = graph_new();
    uint64_t spendable[2] = { 5, 5 };

    (void)state;
    for (size_t i = 0; i < count; i++) { /* everybody has one with the next, and one with the seventh on */
        struct graph_side sides[2] = { side_of(i / 2, 1000, 0, 0, 0),
                                       side_of(i / 2 + (i % 2 == 0 ? 1 : 7), 1000, 0, 0, 0) };
        struct hash id = channel(i);
        struct asset_id gold = asset(0);

        graph_set(graph, &id, &gold, sides);
        assert_int_equal(graph_channels(graph), i + 1);
    }
    for (size_t i = 0; i < count; i++) {
        struct hash id = channel(i);

        if (i % 2 == 1)
            graph_remove(graph, &id);
        assert_int_equal(graph_set_spendable(graph, &id, spendable), i % 2 == 0);
    }
    assert_int_equal(graph_channels(graph), count / 2);
    for (size_t from = 0; from < 2000; from += 100) {
        struct graph_query q = query_of(from, from + 14, 5, 0);
        struct route route;

        assert_true(graph_route(graph, &q, &route));
        assert_int_equal(route.count, 14);
    }
    graph_free(graph);
    graph_free(NULL);
}

/* --- bytes of a route ------------------------------------------------------------------------- */
static void routes_come_back_as_they_were(void **state)
{
    uint64_t seed = random_seed("routes_come_back_as_they_were");

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct buffer out CLEANUP(buffer_close) = { 0 };
        struct route route = { .count = 1 + random_below(&seed, ROUTE_HOPS_MAX) }, got;
        uint64_t amount = 1 + random_below(&seed, INTEGER_MAX / 2),
                 expiry = random_below(&seed, INTEGER_MAX / 2);
        uint8_t zeros[HOP_SIZE] = { 0 };

        for (size_t i = route.count; i-- > 0;) {
            route.hops[i] = (struct route_hop){ .channel = channel(random_below(&seed, 1000)),
                                                .side = random_below(&seed, 2), .amount = amount,
                                                .expiry_us = (int64_t)expiry };
            amount += random_below(&seed, INTEGER_MAX / 100);
            expiry += random_below(&seed, INTEGER_MAX / 100);
        }
        route_encode(&route, &out);
        assert_int_equal(out.size, route.count * HOP_SIZE);
        assert_memory_equal(out.data, route.hops[0].channel.bytes, 32);
        assert_int_equal(out.data[32], route.hops[0].side);
        assert_true(get_be64(out.data + 33) == route.hops[0].amount);
        assert_true(get_be64(out.data + 41) == (uint64_t)route.hops[0].expiry_us);
        assert_true(route_decode(buffer_bytes(&out), &got));
        assert_true(same_route(&route, &got));
        for (size_t size = 0; size < out.size; size++) {
            uint8_t *part AUTO_FREE = memory_copy(out.data, size + 1); /* its end is watched */
            bool whole = size > 0 && size % HOP_SIZE == 0;

            assert_int_equal(route_decode(bytes_of(part, size), &got), whole); /* whole hops are a route */
            assert_true(!whole || got.count == size / HOP_SIZE);
        }
        out.data[HOP_SIZE * random_below(&seed, route.count) + 32] = (uint8_t)(2 + random_below(&seed, 254));
        assert_false(route_decode(buffer_bytes(&out), &got));
        out.size = 0;
        route_encode(&route, &out);
        for (size_t more = 1; more < HOP_SIZE; more++) {
            buffer_append(&out, zeros, 1);
            assert_false(route_decode(buffer_bytes(&out), &got));
        }
    }
}

static void longest_route_has_its_hops_and_no_more(void **state)
{
    uint8_t bytes[HOP_SIZE * (ROUTE_HOPS_MAX + 1)] = { 0 };
    struct route got;

    (void)state;
    for (size_t i = 0; i <= ROUTE_HOPS_MAX; i++)
        put_be64(bytes + HOP_SIZE * i + 33, 1);
    assert_true(route_decode(bytes_of(bytes, HOP_SIZE * ROUTE_HOPS_MAX), &got));
    assert_int_equal(got.count, ROUTE_HOPS_MAX);
    assert_false(route_decode(bytes_of(bytes, HOP_SIZE * (ROUTE_HOPS_MAX + 1)), &got));
    put_be64(bytes + 33, INTEGER_MAX + 1); /* no amount */
    assert_false(route_decode(bytes_of(bytes, HOP_SIZE), &got));
    put_be64(bytes + 33, INTEGER_MAX);
    assert_true(route_decode(bytes_of(bytes, HOP_SIZE), &got));
    put_be64(bytes + 41, UINT64_MAX); /* no time */
    assert_false(route_decode(bytes_of(bytes, HOP_SIZE), &got));
}

/* Nobody's money is locked for longer than GRAPH_EXPIRY_MOST_US, the payer's own time not counted. */
static void way_is_not_longer_in_time_than_allowed(void **state)
{
    (void)state;
    for (int64_t more = 0; more < 2; more++) {
        struct world w;
        struct graph_query q;
        struct route route;

        world_begin(&w, 3);
        one_way(&w, 0, 2, ENOUGH, 0, GRAPH_EXPIRY_MOST_US);
        one_way(&w, 2, 1, ENOUGH, 0, GRAPH_EXPIRY_MOST_US - HOUR + more);
        q = query_of(0, 1, 1000, 1000);
        assert_int_equal(graph_route(w.graph, &q, &route), more == 0);
        world_end(&w);
    }
}

int graph_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_graphs_are_searched_as_by_hand),
        cmocka_unit_test(parts_hold_together),
        cmocka_unit_test(parts_are_as_large_as_a_halving_allows),
        cmocka_unit_test(fee_limit_is_for_all_parts_together),
        cmocka_unit_test(time_costs_as_much_as_it_is_worth),
        cmocka_unit_test(emptying_a_channel_costs),
        cmocka_unit_test(fee_is_exact),
        cmocka_unit_test(no_fee_overflows),
        cmocka_unit_test(failed_amount_is_avoided_for_a_while),
        cmocka_unit_test(loops_leave_and_arrive_through_what_is_named),
        cmocka_unit_test(way_is_not_longer_than_a_route),
        cmocka_unit_test(way_is_not_longer_in_time_than_allowed),
        cmocka_unit_test(histories_equal_graphs_built_afresh),
        cmocka_unit_test(many_channels_are_told_apart),
        cmocka_unit_test(routes_come_back_as_they_were),
        cmocka_unit_test(longest_route_has_its_hops_and_no_more),
    };

    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
