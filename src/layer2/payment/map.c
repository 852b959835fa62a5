/* The node's graph of payment channels: see map.h. */
#include "layer2/payment/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "layer2/channel/applications/applications.h"
#include "layer2/payment/payment.h"

struct map {
    pthread_mutex_t lock;
    struct graph *graph;
    struct keystore *keystore;
    bool has_limits; /* some side has a max_balance; the executor's alone once the map is open */
};

/* --- policies --------------------------------------------------------------------------------- */
struct policy policy_read(struct database *database, const struct hash *channel, size_t side)
{
    struct statement *s = statement(database, "SELECT base, ppm, delta_us, enabled,"
                                              " coalesce(max_balance, 0) AS max_balance FROM payment_policy"
                                              " WHERE channel = ? AND side = ?");
    struct policy policy = { POLICY_BASE, POLICY_PPM, POLICY_DELTA_US, true, 0 };

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    bind_integer(s, (int64_t)side);
    if (!statement_row(s))
        return policy;
    policy.base = (uint64_t)column_integer(s, "base");
    policy.ppm = (uint64_t)column_integer(s, "ppm");
    policy.delta_us = column_integer(s, "delta_us");
    policy.enabled = column_integer(s, "enabled") != 0;
    policy.max_balance = (uint64_t)column_integer(s, "max_balance");
    statement_finish(s);
    return policy;
}

void policy_write(struct database *database, const struct hash *channel, size_t side,
                  const struct policy *policy)
{
    struct statement *s = statement(database,
        "INSERT INTO payment_policy (channel, side, base, ppm, delta_us, enabled, max_balance)"
        " VALUES (?, ?, ?, ?, ?, ?, nullif(?, 0))"
        " ON CONFLICT (channel, side) DO UPDATE SET base = excluded.base, ppm = excluded.ppm,"
        " delta_us = excluded.delta_us, enabled = excluded.enabled, max_balance = excluded.max_balance");

    bind_blob(s, channel->bytes, sizeof(channel->bytes));
    bind_integer(s, (int64_t)side);
    bind_integer(s, (int64_t)policy->base);
    bind_integer(s, (int64_t)policy->ppm);
    bind_integer(s, policy->delta_us);
    bind_integer(s, policy->enabled);
    bind_integer(s, (int64_t)policy->max_balance);
    (void)statement_run(s);
}

void policy_show(const struct policy *policy, struct writer *w)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "base", policy->base);
    writer_member_unsigned(w, "ppm", policy->ppm);
    writer_member_integer(w, "delta_us", policy->delta_us);
    writer_member_boolean(w, "enabled", policy->enabled);
    if (policy->max_balance > 0)
        writer_member_unsigned(w, "max_balance", policy->max_balance);
    writer_object_end(w);
}

/* --- a channel as the graph has it ------------------------------------------------------------ */
/* Beyond the side's reserve, and up to what the other one takes (`most`; 0: any). */
static uint64_t spendable_of(const struct local_channel *c, const struct payment_terms *terms, size_t side,
                             uint64_t most)
{
    uint64_t share = c->supported.state.allocations[side].amount, room = INTEGER_MAX;
    uint64_t other = c->supported.state.allocations[1 - side].amount;
    unsigned offered = 0;

    for (size_t i = 2; i < c->supported.state.allocation_count; i++) {
        if (payment_offerer(&c->fixed, &c->supported.state.allocations[i]) != (int)side)
            continue;
        other += c->supported.state.allocations[i].amount;
        offered++;
    }
    if (most > 0)
        room = most > other ? most - other : 0;
    if (share <= terms->reserve[side] || offered >= terms->locks)
        return 0;
    return share - terms->reserve[side] < room ? share - terms->reserve[side] : room;
}

uint64_t map_limit(const struct map *map, struct database *database, const struct hash *channel,
                   size_t side)
{
    return map->has_limits ? policy_read(database, channel, side).max_balance : 0;
}

void map_has_limit(struct map *map)
{
    map->has_limits = true;
}

static bool some_limit(struct database *database)
{
    struct statement *s =
        statement(database, "SELECT 1 FROM payment_policy WHERE max_balance IS NOT NULL LIMIT 1");
    bool found = statement_row(s);

    if (found)
        statement_finish(s);
    return found;
}

void map_note(struct map *map, struct database *database, const struct local_channel *c, bool anew)
{
    struct payment_terms terms = payment_terms_read(&c->fixed);
    uint64_t spendable[2] = { 0, 0 };
    bool is_running = c->phase == PHASE_RUNNING, known;

    for (size_t side = 0; is_running && side < 2; side++)
        spendable[side] = spendable_of(c, &terms, side, map_limit(map, database, &c->id, 1 - side));
    pthread_mutex_lock(&map->lock);
    known = !anew && graph_set_spendable(map->graph, &c->id, spendable);
    if (!is_running && (c->phase == PHASE_CLOSED || c->phase == PHASE_DEFUNDING))
        graph_remove(map->graph, &c->id);
    pthread_mutex_unlock(&map->lock);
    if (!known && is_running &&
        (keystore_has(map->keystore, &c->fixed.participants[0]) ||
         keystore_has(map->keystore, &c->fixed.participants[1]))) {
        struct graph_side sides[2];

        for (size_t side = 0; side < 2; side++) {
            struct policy policy = policy_read(database, &c->id, side);

            sides[side] = (struct graph_side){
                .account = c->fixed.participants[side],
                .enabled = policy.enabled && keystore_has(map->keystore, &c->fixed.participants[side]),
                .spendable = spendable[side], .least = terms.least, .most = terms.largest,
                .base = policy.base, .ppm = policy.ppm, .delta_us = policy.delta_us };
        }
        pthread_mutex_lock(&map->lock);
        graph_set(map->graph, &c->id, &c->fixed.assets[0], sides);
        pthread_mutex_unlock(&map->lock);
    }
}

void map_learn(struct map *map, const struct hash *channel, size_t side, uint64_t amount, int64_t now_us)
{
    pthread_mutex_lock(&map->lock);
    graph_learn(map->graph, channel, side, amount, now_us);
    pthread_mutex_unlock(&map->lock);
}

size_t map_routes(struct map *map, const struct graph_query *query, size_t most,
                  struct route routes[GRAPH_PARTS_MAX])
{
    size_t count;

    pthread_mutex_lock(&map->lock);
    count = graph_routes(map->graph, query, most, routes);
    pthread_mutex_unlock(&map->lock);
    return count;
}

size_t map_channels(struct map *map)
{
    size_t count;

    pthread_mutex_lock(&map->lock);
    count = graph_channels(map->graph);
    pthread_mutex_unlock(&map->lock);
    return count;
}

/* --- its life --------------------------------------------------------------------------------- */
struct map *map_of(struct kernel *kernel)
{
    return kernel_memory(kernel, &payment_module);
}

static void load(struct map *map, struct database *database)
{
    struct statement *s = statement(database, "SELECT id FROM channel_local WHERE phase = ?");
    struct arena ids CLEANUP(arena_close);
    struct entry { struct hash id; struct entry *next; } *first = NULL;

    arena_init(&ids);
    bind_integer(s, PHASE_RUNNING);
    while (statement_row(s)) {
        struct entry *entry = arena_new(&ids, sizeof(*entry));

        column_fixed(s, "id", entry->id.bytes, sizeof(entry->id.bytes));
        entry->next = first;
        first = entry;
    }
    for (; first != NULL; first = first->next) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel c;

        arena_init(&arena);
        if (local_read(database, &first->id, &arena, &c) &&
            strcmp(c.application->name, PAYMENT_APPLICATION) == 0)
            map_note(map, database, &c, true);
    }
}

void *map_open(struct kernel *kernel, struct database *database)
{
    struct map *map = memory_new(sizeof(*map));

    pthread_mutex_init(&map->lock, NULL);
    map->graph = graph_new();
    map->keystore = kernel_keystore(kernel);
    map->has_limits = some_limit(database);
    load(map, database);
    return map;
}

void map_close(void *memory)
{
    struct map *map = memory;

    graph_free(map->graph);
    pthread_mutex_destroy(&map->lock);
    free(map);
}
