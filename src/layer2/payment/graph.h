/* The graph of payment channels, and the cheapest way through it. Pure memory: no rows, no clock, no locks
 * (map.h has the one that a node keeps).
 *
 * Each channel is two directed edges, one for the value of each side. An edge knows how much it can carry
 * now; when it failed to carry an amount all the same, that bound counts for ten minutes or until the channel
 * changes. Accounts are nodes once for each asset. Cost of an edge: its fee, what the time lock is worth
 * (RISK_PPM of the amount a day), and up to USE_PPM of the amount, the more of what it can carry is used. */
#ifndef LAYER2_PAYMENT_GRAPH_H
#define LAYER2_PAYMENT_GRAPH_H

#include "layer2/payment/route.h"

#define GRAPH_PARTS_MAX 16
#define GRAPH_AVOID_MAX 64
#define GRAPH_RISK_PPM 15   /* of the amount, for a day's lock */
#define GRAPH_USE_PPM 100
#define GRAPH_EXPIRY_MOST_US ((int64_t)13 * 24 * 3600 * 1000000) /* that the first hash-lock lives */
#define GRAPH_BOUND_US ((int64_t)10 * 60 * 1000000)

/* One side of a channel: what its owner can send, and asks for it from those who pay through him. */
struct graph_side {
    struct account_id account;
    bool enabled;
    uint64_t spendable;    /* beyond his reserve */
    uint64_t least, most;  /* a hash-lock */
    uint64_t base, ppm;
    int64_t delta_us;
};

struct graph;

struct graph *graph_new(void);
void graph_free(struct graph *graph); /* NULL is fine */

/* Adds the channel, or replaces what is known of it. */
void graph_set(struct graph *graph, const struct hash *channel, const struct asset_id *asset,
               const struct graph_side sides[2]);
/* What the two sides can send now; forgets what failed. False: the channel is not here. */
MUST_CHECK bool graph_set_spendable(struct graph *graph, const struct hash *channel,
                                    const uint64_t spendable[2]);
void graph_remove(struct graph *graph, const struct hash *channel);
/* The side did not carry the amount. */
void graph_learn(struct graph *graph, const struct hash *channel, size_t side, uint64_t amount,
                 int64_t now_us);
size_t graph_channels(const struct graph *graph);

struct graph_query {
    struct account_id from, to; /* the same: a loop, which needs `first` and `last` */
    struct asset_id asset;
    uint64_t amount, fee_limit;
    int64_t final_delta_us;     /* that the last hop's hash-lock lives */
    const struct hash *first, *last; /* the channels to leave and to arrive through; NULL: any */
    size_t avoid_count;
    struct hash avoid[GRAPH_AVOID_MAX];
    int64_t now_us;
};

/* fee of who passes on `amount`: base + amount × ppm / 10^6; INTEGER_MAX when it is no amount any more. */
uint64_t graph_fee(uint64_t amount, uint64_t base, uint64_t ppm);

/* The cheapest way; expiries count from now. False: nothing was found within the fee limit, ROUTE_HOPS_MAX
 * and GRAPH_EXPIRY_MOST_US. (A way that keeps them may be hidden by a cheaper one that does not.) */
MUST_CHECK bool graph_route(struct graph *graph, const struct graph_query *query, struct route *route);

/* The same in at most `most` parts (≤ GRAPH_PARTS_MAX), each as large as a halving of what is left allows;
 * one part when one way carries all. The fee limit is for all together. 0: not within the fee limit. */
size_t graph_routes(struct graph *graph, const struct graph_query *query, size_t most,
                    struct route routes[GRAPH_PARTS_MAX]);

#endif
