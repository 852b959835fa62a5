/* What the graph's tests share: a world of channels that a graph is told of, a search of all its simple paths
 * that is written from the words of graph.h, what must hold of a route, and random worlds. */
#ifndef TESTS_GRAPH_SUPPORT_H
#define TESTS_GRAPH_SUPPORT_H

#include "test_payment.h"

#include "layer2/payment/graph.h"

#define DAY ((int64_t)86400 * 1000000)
#define HOUR (DAY / 24)
#define ACCOUNTS_MAX 40
#define LINKS_MAX 64
#define FAILED_MAX 8
#define ENOUGH INTEGER_MAX

/* What the test knows of a channel, and which amounts it has failed to carry since it last changed. */
struct link {
    bool present;
    struct hash id;
    struct asset_id asset;
    struct graph_side sides[2];
    size_t failed_count;
    struct { size_t side; uint64_t amount; int64_t at_us; } failed[FAILED_MAX];
};

struct world {
    size_t accounts, count;
    struct link links[LINKS_MAX];
    struct graph *graph;
};

enum kind {
    TIMELESS, /* nobody asks for time, small amounts without least: the cheapest is who asks for least fee */
    FEELESS,  /* nobody asks for a fee: every path carries the same amount */
    ANYTHING,
    EXTREME,
    KINDS
};

/* All simple paths, searched backwards from who is paid. */
struct search {
    const struct world *w;
    const struct graph_query *q;
    bool visited[ACCOUNTS_MAX];
    bool any;           /* some path */
    bool free;          /* some path on which nobody asks for fee or time */
    uint64_t least_fee;
};

/* The seed of LAYERD_SEED, or one from the clock, printed so that a failure can be repeated. */
uint64_t random_seed(const char *test);
uint64_t random_below(uint64_t *state, uint64_t bound);
uint64_t extreme(uint64_t *seed, bool integer); /* integer: one that crosses interfaces */

struct account_id account(size_t number);
size_t account_index(const struct account_id *id);
struct asset_id asset(size_t number);
struct hash channel(size_t number);

void world_begin(struct world *w, size_t accounts);
void world_end(struct world *w);
void tell(const struct world *w, const struct link *l);
struct graph_side side_of(size_t who, uint64_t spendable, uint64_t base, uint64_t ppm, int64_t delta_us);

/* A channel of asset 0 in which `a` can send and `b` cannot. */
struct link *one_way(struct world *w, size_t a, size_t b, uint64_t spendable, uint64_t base,
                     int64_t delta_us);

struct graph_query query_of(size_t from, size_t to, uint64_t amount, uint64_t fee_limit);
bool finds(const struct world *w, struct graph_query q);

bool fee_exactly(uint64_t amount, uint64_t base, uint64_t ppm, uint64_t *fee); /* false: it is no amount */
struct search search_all(const struct world *w, const struct graph_query *q);

/* Every hop holds, for a part that brings `amount`. What it takes is added to `used`, unless NULL. */
void assert_holds(const struct world *w, const struct graph_query *q, const struct route *r, uint64_t amount,
                  uint64_t (*used)[2]);
void assert_routes_hold(const struct world *w, const struct graph_query *q, size_t most, size_t count,
                        const struct route *routes);
bool same_route(const struct route *a, const struct route *b);

void random_link(struct world *w, uint64_t *seed, enum kind kind, struct link *l);
void random_world(struct world *w, uint64_t *seed, enum kind kind);
struct graph_query random_query(const struct world *w, uint64_t *seed, enum kind kind);

/* Turns the query into a loop, when its payer has two channels. */
bool make_loop(const struct world *w, uint64_t *seed, struct graph_query *q);

#endif
