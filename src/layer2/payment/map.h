/* The graph of this node's payment channels, kept beside the rows and safe from any thread: what routes are
 * looked for in. It may be a moment behind the rows; a route that came too late fails and another one is
 * tried. Also the fee policies, which are rows. */
#ifndef LAYER2_PAYMENT_MAP_H
#define LAYER2_PAYMENT_MAP_H

#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/local.h"
#include "layer2/payment/graph.h"

#define PAYMENT_APPLICATION "payment"
#define POLICY_BASE 1                               /* in the asset's smallest unit */
#define POLICY_PPM 100
#define POLICY_DELTA_US ((int64_t)40 * 60 * 1000000)
#define FINAL_DELTA_US ((int64_t)3 * 3600 * 1000000) /* BOLT 11's default, 18 blocks of ten minutes */
#define SAFETY_US                                                                                            \
    ((int64_t)20 * 60 * 1000000) /* before an expiry: what is owed to us is taken to the ledger */

struct policy {
    uint64_t base, ppm;
    int64_t delta_us;
    bool enabled;
    uint64_t max_balance; /* the most that the owner wants to have there; 0: any */
};
/* POLICY_… and enabled unless somebody said otherwise. */
struct policy policy_read(struct database *database, const struct hash *channel, size_t side);
void policy_write(struct database *database, const struct hash *channel, size_t side,
                  const struct policy *policy);
/* As JSON: an object, max_balance only where there is one. */
void policy_show(const struct policy *policy, struct writer *w);

struct map;
struct map *map_of(struct kernel *kernel);

/* For the module's table. */
void *map_open(struct kernel *kernel, struct database *database);
void map_close(void *map);

/* The channel's supported state, phase or policies may be others now. Costs no SQL unless `anew`, or
 * some side has a max_balance. */
void map_note(struct map *map, struct database *database, const struct local_channel *channel, bool anew);
/* Some side has a max_balance from now on. For the executor. */
void map_has_limit(struct map *map);
/* The most that the side's owner wants to have in the channel; 0: no limit. For the executor. */
uint64_t map_limit(const struct map *map, struct database *database, const struct hash *channel, size_t side);
void map_learn(struct map *map, const struct hash *channel, size_t side, uint64_t amount, int64_t now_us);
/* As graph_routes. */
size_t map_routes(struct map *map, const struct graph_query *query, size_t most,
                  struct route routes[GRAPH_PARTS_MAX]);
size_t map_channels(struct map *map);

#endif
