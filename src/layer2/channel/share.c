/* What a participant can count on: see share.h. */
#include "layer2/channel/share.h"

#include <string.h>

/* What the newest supported state of the target gives `account` of an asset; for a guarantee an end gets what
 * the entry on its side has. Nothing when this node does not know the target. */
static uint64_t target_share(struct database *database, const struct allocation *a,
                             const struct asset_id *asset, const struct account_id *account)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel target;
    uint64_t sum = 0;
    size_t place = 0;

    arena_init(&arena);
    if (!local_read(database, &a->target, &arena, &target) || !target.has_supported)
        return 0;
    for (size_t i = 0; i < target.supported.state.allocation_count; i++) {
        const struct allocation *entry = &target.supported.state.allocations[i];

        if (entry->kind != ALLOCATION_SIMPLE ||
            memcmp(&target.fixed.assets[entry->asset], asset, sizeof(*asset)) != 0)
            continue;
        if (a->kind == ALLOCATION_CHANNEL && account_equal(&entry->account, account))
            sum += entry->amount;
        if (a->kind == ALLOCATION_GUARANTEE && place < 2 &&
            account_equal(place == 0 ? &a->left : &a->right, account))
            sum += entry->amount;
        place++;
    }
    return sum;
}

static uint64_t share_of(struct database *database, const struct channel_fixed *fixed,
                         const struct account_id *account, const struct channel_state *state, unsigned asset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];

        if (a->asset != asset)
            continue;
        switch (a->kind) {
        case ALLOCATION_SIMPLE: sum += account_equal(&a->account, account) ? a->amount : 0; break;
        case ALLOCATION_HASHLOCK: sum += account_equal(&a->refund, account) ? a->amount : 0; break;
        case ALLOCATION_CHANNEL:
        case ALLOCATION_GUARANTEE:
            sum += target_share(database, a, &fixed->assets[asset], account);
            break;
        }
    }
    return sum;
}

bool share_is_kept(struct database *database, const struct channel_fixed *fixed, size_t participant,
                   const struct channel_state *previous, const struct channel_state *next, uint64_t promised)
{
    const struct account_id *account = &fixed->participants[participant];

    for (unsigned asset = 0; asset < fixed->asset_count; asset++) {
        if (share_of(database, fixed, account, next, asset) + (asset == 0 ? promised : 0) <
            share_of(database, fixed, account, previous, asset))
            return false;
    }
    return true;
}
