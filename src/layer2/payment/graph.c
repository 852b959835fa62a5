/* The graph of payment channels: see graph.h. Dijkstra from the payee back to the payer, since what a hop
 * must carry follows from what comes after it. */
#include "layer2/payment/graph.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define NONE UINT32_MAX
#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* What `from` can send to the node in whose list this stands. */
struct edge {
    uint32_t from;
    uint32_t channel;      /* in graph.channels */
    uint8_t side;
    bool enabled;
    uint64_t spendable, least, most, base, ppm;
    uint64_t bound;        /* it failed to carry this much */
    int64_t bound_us, delta_us;
};

struct node {
    uint8_t key[64];       /* account ‖ asset */
    struct edge *in;
    uint32_t count, capacity;
    /* of the search at hand */
    uint64_t search;       /* its number: otherwise the rest means nothing */
    bool settled;
    uint8_t hops;
    uint64_t cost, amount; /* so far; that must arrive here */
    int64_t expiry_us;     /* of the hash-lock by which it arrives */
    uint32_t next, edge;   /* the node to pay, and which of its edges */
};

struct channel {
    struct hash id;
    bool used;
    struct { uint32_t node, position; } edges[2];
};

/* Keys to indices, by SipHash with a key of our own: who chooses keys cannot choose where they fall. */
struct index {
    uint32_t *slots;       /* index + 1; 0: free */
    size_t size, count;    /* size: a power of two, or 0 */
};

struct waiting { uint64_t cost; uint32_t node; };

struct graph {
    uint8_t secret[crypto_shorthash_KEYBYTES];
    struct index node_index, channel_index;
    struct node *nodes;
    uint32_t node_count, node_capacity;
    struct channel *channels;
    uint32_t channel_count, channel_capacity;
    uint32_t free_count;
    uint32_t *free_channels;
    struct waiting *heap;
    size_t heap_count, heap_capacity;
    uint64_t search;
};

/* --- finding by key --------------------------------------------------------------------------- */
static const uint8_t *key_at(const struct graph *g, const struct index *index, uint32_t at)
{
    return index == &g->node_index ? g->nodes[at].key : g->channels[at].id.bytes;
}

static size_t key_size(const struct graph *g, const struct index *index)
{
    return index == &g->node_index ? sizeof(g->nodes->key) : sizeof(g->channels->id);
}

static size_t slot_of(const struct graph *g, const struct index *index, const uint8_t *key)
{
    uint64_t hash;

    crypto_shorthash((uint8_t *)&hash, key, key_size(g, index), g->secret);
    return (size_t)hash & (index->size - 1);
}

static uint32_t find(const struct graph *g, const struct index *index, const uint8_t *key)
{
    if (index->size == 0)
        return NONE;
    for (size_t i = slot_of(g, index, key); index->slots[i] != 0; i = (i + 1) & (index->size - 1)) {
        if (memcmp(key_at(g, index, index->slots[i] - 1), key, key_size(g, index)) == 0)
            return index->slots[i] - 1;
    }
    return NONE;
}

static void put(const struct graph *g, struct index *index, uint32_t at)
{
    size_t i = slot_of(g, index, key_at(g, index, at));

    while (index->slots[i] != 0)
        i = (i + 1) & (index->size - 1);
    index->slots[i] = at + 1;
}

static void add(const struct graph *g, struct index *index, uint32_t at)
{
    if (2 * (index->count + 1) > index->size) {
        uint32_t *old = index->slots;
        size_t old_size = index->size;

        index->size = old_size == 0 ? 64 : 2 * old_size;
        index->slots = memory_array(index->size, sizeof(*index->slots));
        for (size_t i = 0; i < old_size; i++) {
            if (old[i] != 0)
                put(g, index, old[i] - 1);
        }
        free(old);
    }
    put(g, index, at);
    index->count++;
}

/* Takes a key out; those behind it that its place had pushed on move up. */
static void drop(const struct graph *g, struct index *index, const uint8_t *key)
{
    size_t mask = index->size - 1, i = slot_of(g, index, key);

    while (memcmp(key_at(g, index, index->slots[i] - 1), key, key_size(g, index)) != 0)
        i = (i + 1) & mask;
    index->slots[i] = 0;
    index->count--;
    for (i = (i + 1) & mask; index->slots[i] != 0; i = (i + 1) & mask) {
        uint32_t at = index->slots[i] - 1;

        index->slots[i] = 0;
        put(g, index, at);
    }
}

/* --- building --------------------------------------------------------------------------------- */
struct graph *graph_new(void)
{
    struct graph *g = memory_new(sizeof(*g));

    randombytes_buf(g->secret, sizeof(g->secret));
    return g;
}

void graph_free(struct graph *g)
{
    if (g == NULL)
        return;
    for (uint32_t i = 0; i < g->node_count; i++)
        free(g->nodes[i].in);
    free(g->nodes);
    free(g->channels);
    free(g->free_channels);
    free(g->heap);
    free(g->node_index.slots);
    free(g->channel_index.slots);
    free(g);
}

static void node_key(uint8_t key[64], const struct account_id *account, const struct asset_id *asset)
{
    memcpy(key, account->bytes, 32);
    memcpy(key + 32, asset->bytes, 32);
}

static uint32_t node_make(struct graph *g, const struct account_id *account, const struct asset_id *asset)
{
    uint8_t key[64];
    uint32_t at;

    node_key(key, account, asset);
    at = find(g, &g->node_index, key);
    if (at != NONE)
        return at;
    if (g->node_count == g->node_capacity) {
        g->node_capacity = g->node_capacity == 0 ? 64 : 2 * g->node_capacity;
        g->nodes = memory_resize(g->nodes, g->node_capacity * sizeof(*g->nodes));
    }
    at = g->node_count++;
    memset(&g->nodes[at], 0, sizeof(g->nodes[at]));
    memcpy(g->nodes[at].key, key, sizeof(key));
    add(g, &g->node_index, at);
    return at;
}

static uint32_t channel_make(struct graph *g, const struct hash *id)
{
    uint32_t at;

    if (g->free_count > 0) {
        at = g->free_channels[--g->free_count];
    } else {
        if (g->channel_count == g->channel_capacity) {
            g->channel_capacity = g->channel_capacity == 0 ? 64 : 2 * g->channel_capacity;
            g->channels = memory_resize(g->channels, g->channel_capacity * sizeof(*g->channels));
            g->free_channels = memory_resize(g->free_channels, g->channel_capacity * sizeof(uint32_t));
        }
        at = g->channel_count++;
    }
    g->channels[at] = (struct channel){ .id = *id, .used = true };
    add(g, &g->channel_index, at);
    return at;
}

static uint32_t edge_make(struct graph *g, uint32_t to)
{
    struct node *node = &g->nodes[to];

    if (node->count == node->capacity) {
        node->capacity = node->capacity == 0 ? 4 : 2 * node->capacity;
        node->in = memory_resize(node->in, node->capacity * sizeof(*node->in));
    }
    return node->count++;
}

static struct edge *edge_of(const struct graph *g, uint32_t channel, size_t side)
{
    const struct channel *c = &g->channels[channel];

    return &g->nodes[c->edges[side].node].in[c->edges[side].position];
}

/* Whether it still is between these accounts, in this asset. */
static bool joins(const struct graph *g, uint32_t channel, const struct asset_id *asset,
                  const struct graph_side sides[2])
{
    uint8_t key[64];

    for (size_t side = 0; side < 2; side++) {
        node_key(key, &sides[1 - side].account, asset);
        if (memcmp(g->nodes[g->channels[channel].edges[side].node].key, key, sizeof(key)) != 0)
            return false;
    }
    return true;
}

void graph_set(struct graph *g, const struct hash *id, const struct asset_id *asset,
               const struct graph_side sides[2])
{
    uint32_t at = find(g, &g->channel_index, id->bytes), nodes[2];

    if (at != NONE && !joins(g, at, asset, sides)) {
        graph_remove(g, id);
        at = NONE;
    }
    if (at == NONE) {
        at = channel_make(g, id);
        for (size_t side = 0; side < 2; side++)
            nodes[side] = node_make(g, &sides[side].account, asset);
        for (size_t side = 0; side < 2; side++) {
            g->channels[at].edges[side].node = nodes[1 - side];
            g->channels[at].edges[side].position = edge_make(g, nodes[1 - side]);
            *edge_of(g, at, side) =
                (struct edge){ .from = nodes[side], .channel = at, .side = (uint8_t)side };
        }
    }
    for (size_t side = 0; side < 2; side++) {
        struct edge *e = edge_of(g, at, side);

        e->enabled = sides[side].enabled;
        e->spendable = sides[side].spendable;
        e->least = sides[side].least;
        e->most = sides[side].most;
        e->base = sides[side].base;
        e->ppm = sides[side].ppm;
        e->delta_us = sides[side].delta_us;
        e->bound = UINT64_MAX;
    }
}

bool graph_set_spendable(struct graph *g, const struct hash *id, const uint64_t spendable[2])
{
    uint32_t at = find(g, &g->channel_index, id->bytes);

    for (size_t side = 0; at != NONE && side < 2; side++) {
        edge_of(g, at, side)->spendable = spendable[side];
        edge_of(g, at, side)->bound = UINT64_MAX;
    }
    return at != NONE;
}

void graph_remove(struct graph *g, const struct hash *id)
{
    uint32_t at = find(g, &g->channel_index, id->bytes);

    if (at == NONE)
        return;
    for (size_t side = 0; side < 2; side++) {
        uint32_t position = g->channels[at].edges[side].position;
        struct node *node = &g->nodes[g->channels[at].edges[side].node];
        struct edge *last = &node->in[--node->count];

        g->channels[last->channel].edges[last->side].position = position;
        node->in[position] = *last;
    }
    drop(g, &g->channel_index, id->bytes);
    g->channels[at].used = false;
    g->free_channels[g->free_count++] = at;
}

void graph_learn(struct graph *g, const struct hash *id, size_t side, uint64_t amount, int64_t now_us)
{
    uint32_t at = find(g, &g->channel_index, id->bytes);
    struct edge *e;

    if (at == NONE)
        return;
    e = edge_of(g, at, side);
    if (amount < e->bound || now_us - e->bound_us >= GRAPH_BOUND_US) {
        e->bound = amount;
        e->bound_us = now_us;
    }
}

size_t graph_channels(const struct graph *g)
{
    return g->channel_index.count;
}

/* --- what waits to be settled, the cheapest first --------------------------------------------- */
static void heap_put(struct graph *g, uint64_t cost, uint32_t node)
{
    size_t i = g->heap_count++;

    if (g->heap_count > g->heap_capacity) {
        g->heap_capacity = g->heap_capacity == 0 ? 256 : 2 * g->heap_capacity;
        g->heap = memory_resize(g->heap, g->heap_capacity * sizeof(*g->heap));
    }
    for (; i > 0 && g->heap[(i - 1) / 2].cost > cost; i = (i - 1) / 2)
        g->heap[i] = g->heap[(i - 1) / 2];
    g->heap[i] = (struct waiting){ cost, node };
}

static struct waiting heap_take(struct graph *g)
{
    struct waiting first = g->heap[0], last = g->heap[--g->heap_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= g->heap_count)
            break;
        if (child + 1 < g->heap_count && g->heap[child + 1].cost < g->heap[child].cost)
            child++;
        if (g->heap[child].cost >= last.cost)
            break;
        g->heap[i] = g->heap[child];
        i = child;
    }
    g->heap[i] = last;
    return first;
}

/* --- the search ------------------------------------------------------------------------------- */
uint64_t graph_fee(uint64_t amount, uint64_t base, uint64_t ppm)
{
    unsigned __int128 fee = base + (unsigned __int128)amount * ppm / 1000000;

    return fee > INTEGER_MAX ? INTEGER_MAX : (uint64_t)fee;
}

struct search {
    struct graph *g;
    const struct graph_query *query;
    uint32_t source, target;
    uint32_t first, last; /* channels; NONE: any */
    size_t avoid_count;
    uint32_t avoid[GRAPH_AVOID_MAX];
};

static bool is_avoided(const struct search *s, uint32_t channel)
{
    for (size_t i = 0; i < s->avoid_count; i++) {
        if (s->avoid[i] == channel)
            return true;
    }
    return false;
}

static bool carries(const struct search *s, const struct edge *e, uint64_t amount)
{
    return e->enabled && amount <= e->spendable && amount >= e->least && amount <= e->most &&
           (amount < e->bound || s->query->now_us - e->bound_us >= GRAPH_BOUND_US);
}

/* What the edge costs besides its fee. */
static uint64_t risk(const struct edge *e, uint64_t amount)
{
    unsigned __int128 lock = (unsigned __int128)amount * (uint64_t)e->delta_us * GRAPH_RISK_PPM / 1000000 /
                             (uint64_t)DAY_US;
    unsigned __int128 whole = (unsigned __int128)e->spendable + 1;
    unsigned __int128 use = (unsigned __int128)amount * amount / whole * GRAPH_USE_PPM / 1000000;

    return (uint64_t)(lock + use > INTEGER_MAX ? INTEGER_MAX : lock + use);
}

/* Looks at all who can pay `to`, which needs `amount` by `expiry_us` at `cost`. */
static void relax(struct search *s, uint32_t to, uint64_t cost, uint64_t amount, int64_t expiry_us,
                  unsigned hops, uint32_t only)
{
    struct graph *g = s->g;

    for (uint32_t i = 0; i < g->nodes[to].count; i++) {
        const struct edge *e = &g->nodes[to].in[i];
        struct node *from = &g->nodes[e->from];
        uint64_t fee, total;

        if (!carries(s, e, amount) || (only != NONE && e->channel != only) ||
            (from->search == g->search && from->settled) || is_avoided(s, e->channel))
            continue;
        if (e->from == s->source) {
            if (s->first != NONE && e->channel != s->first)
                continue;
            fee = 0; /* nobody pays himself */
            total = cost + risk(e, amount);
        } else {
            if (e->from == s->target || e->delta_us > GRAPH_EXPIRY_MOST_US - expiry_us)
                continue;
            fee = graph_fee(amount, e->base, e->ppm);
            total = cost + fee + risk(e, amount);
        }
        if (amount + fee > INTEGER_MAX || amount + fee - s->query->amount > s->query->fee_limit ||
            (from->search == g->search && from->cost <= total))
            continue;
        from->search = g->search;
        from->settled = false;
        from->hops = (uint8_t)(hops + 1);
        from->cost = total;
        from->amount = amount + fee;
        from->expiry_us = expiry_us + e->delta_us;
        from->next = to;
        from->edge = i;
        heap_put(g, total, e->from);
    }
}

static void write_route(const struct search *s, struct route *route)
{
    const struct graph *g = s->g;
    uint32_t at = s->source;

    route->count = 0;
    do {
        const struct node *node = &g->nodes[at];
        const struct edge *e = &g->nodes[node->next].in[node->edge];
        bool arrives = node->next == s->target;

        route->hops[route->count++] = (struct route_hop){
            .channel = g->channels[e->channel].id, .side = e->side,
            .amount = arrives ? s->query->amount : g->nodes[node->next].amount,
            .expiry_us = arrives ? s->query->final_delta_us : g->nodes[node->next].expiry_us };
        at = node->next;
    } while (at != s->target);
}

/* False: a name that leads nowhere. */
static bool search_begin(struct search *s, struct graph *g, const struct graph_query *query)
{
    uint8_t key[64];

    *s = (struct search){ .g = g, .query = query, .first = NONE, .last = NONE };
    node_key(key, &query->from, &query->asset);
    s->source = find(g, &g->node_index, key);
    node_key(key, &query->to, &query->asset);
    s->target = find(g, &g->node_index, key);
    if (query->first != NULL && (s->first = find(g, &g->channel_index, query->first->bytes)) == NONE)
        return false;
    if (query->last != NULL && (s->last = find(g, &g->channel_index, query->last->bytes)) == NONE)
        return false;
    for (size_t i = 0; i < query->avoid_count && i < GRAPH_AVOID_MAX; i++) {
        uint32_t channel = find(g, &g->channel_index, query->avoid[i].bytes);

        if (channel != NONE)
            s->avoid[s->avoid_count++] = channel;
    }
    if (query->amount > INTEGER_MAX)
        return false;
    if (query->final_delta_us > GRAPH_EXPIRY_MOST_US)
        return false;
    if (s->source == s->target && (s->first == NONE || s->last == NONE || s->first == s->last))
        return false;
    return s->source != NONE && s->target != NONE;
}

bool graph_route(struct graph *g, const struct graph_query *query, struct route *route)
{
    struct search s;

    if (!search_begin(&s, g, query))
        return false;
    g->search++;
    g->heap_count = 0;
    relax(&s, s.target, 0, query->amount, query->final_delta_us, 0, s.last);
    while (g->heap_count > 0) {
        struct waiting least = heap_take(g);
        struct node *node = &g->nodes[least.node];

        if (node->settled || node->cost != least.cost)
            continue;
        node->settled = true;
        if (least.node == s.source) {
            write_route(&s, route);
            return true;
        }
        if (node->hops < ROUTE_HOPS_MAX)
            relax(&s, least.node, node->cost, node->amount, node->expiry_us, node->hops, NONE);
    }
    return false;
}

/* --- in parts --------------------------------------------------------------------------------- */
/* What a part uses of each edge is not there for the next one. */
static void reserve(struct graph *g, const struct route *route, bool back)
{
    for (size_t i = 0; i < route->count; i++) {
        struct edge *e = edge_of(g, find(g, &g->channel_index, route->hops[i].channel.bytes),
                                 route->hops[i].side);

        e->spendable = back ? e->spendable + route->hops[i].amount : e->spendable - route->hops[i].amount;
        if (e->bound != UINT64_MAX) /* below zero only when it does not count any more */
            e->bound = back ? e->bound + route->hops[i].amount : e->bound - route->hops[i].amount;
    }
}

size_t graph_routes(struct graph *g, const struct graph_query *query, size_t most,
                    struct route routes[GRAPH_PARTS_MAX])
{
    struct graph_query part = *query;
    uint64_t left = query->amount, fee_left = query->fee_limit;
    size_t count = 0;

    while (left > 0 && count < most && count < GRAPH_PARTS_MAX) {
        uint64_t least = left / (most - count) + (left % (most - count) != 0);

        part.amount = left;
        part.fee_limit = fee_left;
        while (!graph_route(g, &part, &routes[count])) {
            if (part.amount <= least || part.amount == 1)
                goto end; /* the parts that remain could not carry it either */
            part.amount = part.amount / 2 > least ? part.amount / 2 : least;
        }
        reserve(g, &routes[count], false);
        left -= part.amount;
        fee_left -= route_fee(&routes[count]);
        count++;
    }
end:
    for (size_t i = 0; i < count; i++)
        reserve(g, &routes[i], true);
    return left == 0 ? count : 0;
}
