/* What the graph's tests share: see graph_support.h. */
#include "graph_support.h"

#include "base/clock.h"

uint64_t random_seed(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", test, seed);
    return seed * 2 + 1;
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

/* --- names ------------------------------------------------------------------------------------ */
struct account_id account(size_t number)
{
    struct account_id id = { { 7 } };

    put_be32(id.bytes + 28, (uint32_t)number);
    return id;
}

size_t account_index(const struct account_id *id)
{
    return get_be32(id->bytes + 28);
}

struct asset_id asset(size_t number)
{
    return (struct asset_id){ { 0xA0, (uint8_t)number } };
}

struct hash channel(size_t number)
{
    struct hash id = { { 0xC0 } };

    put_be32(id.bytes + 28, (uint32_t)number);
    return id;
}

static bool same_asset(const struct asset_id *a, const struct asset_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* --- a world ---------------------------------------------------------------------------------- */
void world_begin(struct world *w, size_t accounts)
{
    memset(w, 0, sizeof(*w));
    w->accounts = accounts;
    w->graph = graph_new();
}

void world_end(struct world *w)
{
    graph_free(w->graph);
    w->graph = NULL;
}

struct graph_side side_of(size_t who, uint64_t spendable, uint64_t base, uint64_t ppm, int64_t delta_us)
{
    return (struct graph_side){ .account = account(who), .enabled = true, .spendable = spendable,
                                .most = ENOUGH, .base = base, .ppm = ppm, .delta_us = delta_us };
}

void tell(const struct world *w, const struct link *l)
{
    graph_set(w->graph, &l->id, &l->asset, l->sides);
}

/* A channel of asset 0 in which `a` can send and `b` cannot. */
struct link *one_way(struct world *w, size_t a, size_t b, uint64_t spendable, uint64_t base,
                     int64_t delta_us)
{
    struct link *l = &w->links[w->count];

    assert_true(w->count < LINKS_MAX);
    *l = (struct link){ .present = true, .id = channel(w->count), .asset = asset(0),
                        .sides = { side_of(a, spendable, base, 0, delta_us), side_of(b, 0, 0, 0, 0) } };
    w->count++;
    tell(w, l);
    return l;
}

struct graph_query query_of(size_t from, size_t to, uint64_t amount, uint64_t fee_limit)
{
    return (struct graph_query){ .from = account(from), .to = account(to), .asset = asset(0),
                                 .amount = amount, .fee_limit = fee_limit, .final_delta_us = HOUR,
                                 .now_us = 1000 * DAY };
}

bool finds(const struct world *w, struct graph_query q)
{
    struct route route;

    return graph_route(w->graph, &q, &route);
}

/* --- the search of all simple paths, backwards from who is paid --------------------------------- */
bool fee_exactly(uint64_t amount, uint64_t base, uint64_t ppm, uint64_t *fee)
{
    unsigned __int128 exact = (unsigned __int128)amount * ppm / 1000000 + base;

    *fee = (uint64_t)exact;
    return exact <= INTEGER_MAX;
}

static bool avoided(const struct graph_query *q, const struct hash *id)
{
    for (size_t i = 0; i < q->avoid_count; i++) {
        if (hash_equal(&q->avoid[i], id))
            return true;
    }
    return false;
}

/* The amount that the side failed to carry, not longer ago than it counts: one is known, the least. */
static uint64_t failed_bound(const struct link *l, size_t side, int64_t now_us)
{
    uint64_t bound = UINT64_MAX;
    int64_t at_us = 0;

    for (size_t i = 0; i < l->failed_count; i++) {
        if (l->failed[i].side == side &&
            (l->failed[i].amount < bound || l->failed[i].at_us - at_us >= GRAPH_BOUND_US)) {
            bound = l->failed[i].amount;
            at_us = l->failed[i].at_us;
        }
    }
    return now_us - at_us < GRAPH_BOUND_US ? bound : UINT64_MAX;
}

static bool carries(const struct graph_query *q, const struct link *l, size_t side, uint64_t amount)
{
    const struct graph_side *s = &l->sides[side];

    return l->present && same_asset(&l->asset, &q->asset) && s->enabled && !avoided(q, &l->id) &&
           amount >= s->least && amount <= s->most && amount <= s->spendable &&
           amount < failed_bound(l, side, q->now_us);
}

/* `amount` has to arrive at `at`; `hops` follow. */
static void search_from(struct search *s, size_t at, uint64_t amount, size_t hops, bool free)
{
    size_t from = account_index(&s->q->from);

    s->visited[at] = true;
    for (size_t i = 0; i < 2 * s->w->count; i++) {
        const struct link *l = &s->w->links[i / 2];
        const struct graph_side *payer = &l->sides[i % 2];
        size_t before = account_index(&payer->account);
        uint64_t fee;

        if (account_index(&l->sides[1 - i % 2].account) != at || !carries(s->q, l, i % 2, amount))
            continue;
        if (hops == 0 && s->q->last != NULL && !hash_equal(s->q->last, &l->id))
            continue;
        if (before == from) {
            if (s->q->first != NULL && !hash_equal(s->q->first, &l->id))
                continue;
            if (amount - s->q->amount > s->q->fee_limit)
                continue;
            if (!s->any || amount - s->q->amount < s->least_fee)
                s->least_fee = amount - s->q->amount;
            s->any = true;
            s->free = s->free || free;
        } else if (!s->visited[before] && fee_exactly(amount, payer->base, payer->ppm, &fee) &&
                   amount + fee <= INTEGER_MAX) {
            search_from(s, before, amount + fee, hops + 1, free && fee == 0 && payer->delta_us == 0);
        }
    }
    s->visited[at] = false;
}

struct search search_all(const struct world *w, const struct graph_query *q)
{
    struct search s = { .w = w, .q = q };

    search_from(&s, account_index(&q->to), q->amount, 0, true);
    return s;
}

/* --- what must hold of a route ------------------------------------------------------------------ */
static size_t link_index(const struct world *w, const struct hash *id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->links[i].present && hash_equal(&w->links[i].id, id))
            return i;
    }
    fail_msg("a hop through a channel that is not there");
    return 0;
}

/* Every hop holds, for a part that brings `amount`. What it takes is added to `used`, unless NULL. */
void assert_holds(const struct world *w, const struct graph_query *q, const struct route *r,
                         uint64_t amount, uint64_t (*used)[2])
{
    bool visited[ACCOUNTS_MAX] = { false };
    struct account_id at = q->from;
    uint64_t fee = 0;
    int64_t expiry_us = q->final_delta_us;

    assert_in_range(r->count, 1, ROUTE_HOPS_MAX);
    for (size_t i = 0; i < r->count; i++) {
        const struct route_hop *hop = &r->hops[i];
        size_t index = link_index(w, &hop->channel);

        assert_in_range(hop->side, 0, 1);
        assert_true(carries(q, &w->links[index], hop->side, hop->amount));
        assert_true(account_equal(&w->links[index].sides[hop->side].account, &at));
        assert_false(visited[account_index(&at)]);
        visited[account_index(&at)] = true;
        at = w->links[index].sides[1 - hop->side].account;
        assert_true(i + 1 == r->count || !account_equal(&at, &q->to));
        if (used != NULL)
            used[index][hop->side] += hop->amount;
    }
    assert_true(account_equal(&at, &q->to));
    for (size_t i = r->count; i-- > 0;) {
        const struct graph_side *s = &w->links[link_index(w, &r->hops[i].channel)].sides[r->hops[i].side];

        assert_true(r->hops[i].amount == amount);
        assert_true(r->hops[i].expiry_us == expiry_us);
        if (i > 0) {
            assert_true(fee_exactly(amount, s->base, s->ppm, &fee));
            amount += fee;
            expiry_us += s->delta_us;
        }
    }
    assert_true(amount <= INTEGER_MAX);
    assert_true(route_fee(r) == r->hops[0].amount - r->hops[r->count - 1].amount);
    assert_true(route_amount(r) == r->hops[r->count - 1].amount);
    assert_true(route_fee(r) <= q->fee_limit);
    assert_true(q->first == NULL || hash_equal(q->first, &r->hops[0].channel));
    assert_true(q->last == NULL || hash_equal(q->last, &r->hops[r->count - 1].channel));
}

void assert_routes_hold(const struct world *w, const struct graph_query *q, size_t most, size_t count,
                               const struct route *routes)
{
    uint64_t used[LINKS_MAX][2] = { { 0 } }, amount = 0, fee = 0;

    assert_true(count <= most);
    for (size_t i = 0; i < count; i++) {
        assert_true(route_amount(&routes[i]) > 0);
        assert_holds(w, q, &routes[i], route_amount(&routes[i]), used);
        amount += route_amount(&routes[i]);
        fee += route_fee(&routes[i]);
    }
    assert_true(count == 0 || amount == q->amount);
    assert_true(fee <= q->fee_limit);
    for (size_t i = 0; i < 2 * w->count; i++) {
        assert_true(used[i / 2][i % 2] <= w->links[i / 2].sides[i % 2].spendable);
        assert_true(used[i / 2][i % 2] == 0 ||
                    used[i / 2][i % 2] < failed_bound(&w->links[i / 2], i % 2, q->now_us));
    }
}

bool same_route(const struct route *a, const struct route *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = hash_equal(&a->hops[i].channel, &b->hops[i].channel) && a->hops[i].side == b->hops[i].side &&
               a->hops[i].amount == b->hops[i].amount && a->hops[i].expiry_us == b->hops[i].expiry_us;
    return same;
}

/* --- random worlds ---------------------------------------------------------------------------- */
uint64_t extreme(uint64_t *seed, bool integer)
{
    static const uint64_t values[] = { 0, 1, 999999, 1000000, INTEGER_MAX / 2, INTEGER_MAX - 1, INTEGER_MAX,
                                       INTEGER_MAX + 1, (uint64_t)INT64_MAX, UINT64_MAX - 1, UINT64_MAX };

    return values[random_below(seed, integer ? 7 : sizeof(values) / sizeof(*values))];
}

static struct graph_side random_side(uint64_t *seed, enum kind kind, size_t who)
{
    struct graph_side s = side_of(who, random_below(seed, 2000), 0, 0, 0);

    s.enabled = random_below(seed, 8) > 0;
    if (random_below(seed, 3) == 0)
        s.spendable = ENOUGH / 2;
    if (random_below(seed, 4) == 0)
        s.most = 1 + random_below(seed, 1500);
    if (kind != TIMELESS && random_below(seed, 4) == 0)
        s.least = random_below(seed, 1000);
    if (kind != TIMELESS && random_below(seed, 2) == 0)
        s.delta_us = (int64_t)random_below(seed, 20) * HOUR;
    if (kind != FEELESS && random_below(seed, 3) > 0) {
        s.base = random_below(seed, 20);
        s.ppm = random_below(seed, 3) == 0 ? random_below(seed, 200000) : 0;
    }
    if (kind == EXTREME && random_below(seed, 2) == 0) {
        s.spendable = extreme(seed, false);
        s.most = 1 + extreme(seed, true);
        s.least = random_below(seed, 3) == 0 ? extreme(seed, false) : 0;
        s.base = random_below(seed, 2) == 0 ? extreme(seed, false) : 0;
        s.ppm = random_below(seed, 2) == 0 ? extreme(seed, false) : 0;
        s.delta_us = (int64_t)random_below(seed, (uint64_t)DAY);
    }
    return s;
}

void random_link(struct world *w, uint64_t *seed, enum kind kind, struct link *l)
{
    size_t a = random_below(seed, w->accounts),
           b = (a + 1 + random_below(seed, w->accounts - 1)) % w->accounts;

    l->asset = asset(random_below(seed, 4) == 0);
    l->sides[0] = random_side(seed, kind, a);
    l->sides[1] = random_side(seed, kind, b);
    l->present = true;
    l->failed_count = 0;
}

void random_world(struct world *w, uint64_t *seed, enum kind kind)
{
    world_begin(w, 2 + random_below(seed, 6));
    w->count = 1 + random_below(seed, 14);
    for (size_t i = 0; i < w->count; i++) {
        w->links[i].id = channel(i);
        random_link(w, seed, kind, &w->links[i]);
        tell(w, &w->links[i]);
    }
}

struct graph_query random_query(const struct world *w, uint64_t *seed, enum kind kind)
{
    size_t from = random_below(seed, w->accounts),
           to = (from + 1 + random_below(seed, w->accounts - 1)) % w->accounts;
    struct graph_query q = query_of(from, to, 1 + random_below(seed, 1000), ENOUGH / 4);

    q.asset = asset(random_below(seed, 6) == 0);
    q.final_delta_us = (int64_t)random_below(seed, 100) * HOUR;
    if (random_below(seed, 3) == 0)
        q.fee_limit = random_below(seed, 40);
    if (kind == EXTREME) {
        q.amount = random_below(seed, 4) == 0 ? q.amount : 1 + extreme(seed, true) % INTEGER_MAX;
        q.fee_limit = random_below(seed, 2) == 0 ? extreme(seed, false) : q.fee_limit;
    }
    if (random_below(seed, 4) == 0) {
        q.avoid_count = random_below(seed, 4);
        for (size_t i = 0; i < q.avoid_count; i++)
            q.avoid[i] = channel(random_below(seed, LINKS_MAX / 4)); /* some are not here at all */
    }
    if (random_below(seed, 5) == 0)
        q.first = &w->links[random_below(seed, w->count)].id;
    if (random_below(seed, 5) == 0)
        q.last = &w->links[random_below(seed, w->count)].id;
    return q;
}

/* Turns the query into a loop, when its payer has two channels. */
bool make_loop(const struct world *w, uint64_t *seed, struct graph_query *q)
{
    const struct hash *ends[LINKS_MAX];
    size_t count = 0, first;

    for (size_t i = 0; i < w->count; i++) {
        if (account_equal(&w->links[i].sides[0].account, &q->from) ||
            account_equal(&w->links[i].sides[1].account, &q->from))
            ends[count++] = &w->links[i].id;
    }
    if (count < 2)
        return false;
    first = random_below(seed, count);
    q->to = q->from;
    q->first = ends[first];
    q->last = ends[(first + 1 + random_below(seed, count - 1)) % count];
    return true;
}
