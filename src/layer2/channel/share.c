/* What a participant can count on: see share.h. Whatever stands in both states alike cancels out; of the rest
 * the old one's entries are taken for as much as they may be worth, and the new one's for as little. */
#include "layer2/channel/share.h"

#include <string.h>

#include "layer2/channel/record.h"

#define TARGETS_MAX 16 /* channels looked at; more are worth all that is set apart, or nothing */

/* Two states of a channel, compared for one participant. */
struct comparison {
    struct database *database;
    const struct local_channel *parent;
    const struct account_id *account;
    const struct channel_state *previous, *next;
    bool stays_of_previous[CHANNEL_ALLOCATIONS_MAX], stays_of_next[CHANNEL_ALLOCATIONS_MAX];
    size_t targets;
};

static bool is_same_entry(const struct allocation *a, const struct allocation *b)
{
    return a->amount == b->amount && a->kind == b->kind && a->asset == b->asset &&
           a->expiry_us == b->expiry_us && hash_equal(&a->hash, &b->hash) &&
           hash_equal(&a->target, &b->target) && account_equal(&a->account, &b->account) &&
           account_equal(&a->refund, &b->refund) && account_equal(&a->left, &b->left) &&
           account_equal(&a->right, &b->right);
}

static bool has_entry(const struct channel_state *state, unsigned asset, const struct account_id *account)
{
    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];

        if (a->kind == ALLOCATION_SIMPLE && a->asset == asset && account_equal(&a->account, account))
            return true;
    }
    return false;
}

/* A guarantee comes home to two entries, which must stay too. */
static bool may_stay(const struct channel_state *next, const struct allocation *a)
{
    return a->kind != ALLOCATION_SIMPLE &&
           (a->kind != ALLOCATION_GUARANTEE ||
            (has_entry(next, a->asset, &a->left) && has_entry(next, a->asset, &a->right)));
}

/* Entries that stay keep their order; each stands for one of the others, never for two. */
static void find_what_stays(struct comparison *k)
{
    size_t from = 0;

    for (size_t i = 0; i < k->next->allocation_count; i++) {
        if (!may_stay(k->next, &k->next->allocations[i]))
            continue;
        for (size_t j = from; j < k->previous->allocation_count; j++) {
            if (!is_same_entry(&k->next->allocations[i], &k->previous->allocations[j]))
                continue;
            k->stays_of_next[i] = true;
            k->stays_of_previous[j] = true;
            from = j + 1;
            break;
        }
    }
}

/* --- channels funded by this one -------------------------------------------------------------- */
static bool is_funding(const struct allocation *a)
{
    return a->kind == ALLOCATION_CHANNEL || a->kind == ALLOCATION_GUARANTEE;
}

/* What entries that do not stay set apart for a target: counted at the first of them, 0 at the others. */
static uint64_t set_apart(const struct channel_state *state, const bool *stays, size_t at, size_t *entries)
{
    const struct allocation *first = &state->allocations[at];
    uint64_t sum = 0;

    *entries = 0;
    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];

        if (stays[i] || !is_funding(a) || a->asset != first->asset || !hash_equal(&a->target, &first->target))
            continue;
        if (i < at)
            return 0;
        sum += a->amount;
        (*entries)++;
    }
    return sum;
}

/* Once the ledger has ended it, what it ended with counts, also when a newer state is here: guarantees come
 * home by that state, and others are paid what it still owes. */
static bool read_target(struct comparison *k, const struct allocation *a, struct arena *arena,
                        struct local_channel *target)
{
    struct channel_record record;

    if (k->targets++ >= TARGETS_MAX || !local_read(k->database, &a->target, arena, target) ||
        !target->has_supported)
        return false;
    if (record_read(k->database, &a->target, arena, &record) && record.is_settled) {
        target->supported.state = a->kind == ALLOCATION_GUARANTEE ? record.state : record.outcome;
        target->phase = PHASE_DEFUNDING;
    }
    return true;
}

static int asset_in(const struct local_channel *target, const struct asset_id *asset)
{
    for (unsigned i = 0; i < target->fixed.asset_count; i++) {
        if (memcmp(&target->fixed.assets[i], asset, sizeof(*asset)) == 0)
            return (int)i;
    }
    return -1;
}

/* The two ends of a guarantee get what the target's two entries have. False: that is not what it has. */
static bool guaranteed(const struct local_channel *target, unsigned asset, const struct allocation *guarantee,
                       const struct account_id *account, uint64_t *amount)
{
    size_t place = 0;

    *amount = 0;
    for (size_t i = 0; i < target->supported.state.allocation_count; i++) {
        const struct allocation *a = &target->supported.state.allocations[i];

        if (a->asset != asset)
            continue;
        if (a->kind != ALLOCATION_SIMPLE || place > 1)
            return false;
        if (account_equal(place == 0 ? &guarantee->left : &guarantee->right, account))
            *amount += a->amount;
        place++;
    }
    return place == 2;
}

/* Everything of an outcome that may come to be his. */
static uint64_t possible_in(const struct local_channel *target, unsigned asset,
                            const struct account_id *account)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < target->supported.state.allocation_count; i++) {
        const struct allocation *a = &target->supported.state.allocations[i];

        if (a->asset == asset && (is_funding(a) || account_equal(&a->account, account) ||
                                  (a->kind == ALLOCATION_HASHLOCK && account_equal(&a->refund, account))))
            sum += a->amount;
    }
    return sum;
}

/* Nothing moves in it any more, or yet. Whoever took its money back before could go on in it with others who
 * still give theirs. */
static bool is_at_rest(const struct local_channel *target)
{
    switch (target->phase) {
    case PHASE_PROPOSED:
    case PHASE_FUNDING:
    case PHASE_FINAL:
    case PHASE_DEFUNDING:
    case PHASE_CLOSED:
    case PHASE_REJECTED: return true;
    case PHASE_FUNDED:
    case PHASE_RUNNING:
    case PHASE_SUSPENDED:
    case PHASE_DISPUTE:
    case PHASE_CLOSING: return false;
    }
    return false;
}

/* The most that an entry which is no longer there was worth to him. */
static uint64_t most_given(struct comparison *k, size_t at)
{
    const struct allocation *a = &k->previous->allocations[at];
    struct arena arena CLEANUP(arena_close);
    struct local_channel target;
    size_t entries;
    uint64_t sum = set_apart(k->previous, k->stays_of_previous, at, &entries), share;
    bool is_end = account_equal(&a->left, k->account) || account_equal(&a->right, k->account);
    int asset;

    arena_init(&arena);
    if (sum == 0 || (a->kind == ALLOCATION_GUARANTEE && entries == 1 && !is_end))
        return 0;
    if (entries != 1)
        return sum; /* one of them could be his, whoever the first is for */
    if (!read_target(k, a, &arena, &target))
        return a->kind == ALLOCATION_GUARANTEE || k->targets > TARGETS_MAX ? sum : 0;
    asset = asset_in(&target, &k->parent->fixed.assets[a->asset]);
    if (asset < 0)
        return 0;
    if (!is_at_rest(&target))
        return sum;
    if (a->kind == ALLOCATION_CHANNEL)
        share = possible_in(&target, (unsigned)asset, k->account);
    else if (!guaranteed(&target, (unsigned)asset, a, k->account, &share))
        share = sum;
    return share < sum ? share : sum;
}

/* A target that gives back what is paid in, no later than its parent would, and by its participants alone. */
static bool is_reliable(const struct comparison *k, const struct local_channel *target)
{
    const struct channel_fixed *fixed = &target->fixed, *parent = &k->parent->fixed;

    return !hash_equal(&target->id, &k->parent->id) && fixed->arbiter_count == 0 &&
           target->application->supported == NULL && /* nothing counts without his signature */
           channel_participant(fixed, k->account) >= 0 &&
           fixed->challenge_period_us <= parent->challenge_period_us &&
           fixed->dispute_limit_us <= parent->dispute_limit_us && life_keeps_funds(target->phase);
}

static bool is_funded_already(const struct comparison *k, const struct allocation *a)
{
    for (size_t i = 0; i < k->next->allocation_count; i++) {
        if (k->stays_of_next[i] && hash_equal(&k->next->allocations[i].target, &a->target))
            return true;
    }
    return false;
}

/* So that it keeps its entries, and is brought to its end when the ledger ends this one. */
static bool is_parent(const struct local_channel *target, const struct hash *id)
{
    for (size_t i = 0; i < target->parent_count; i++) {
        if (hash_equal(&target->parents[i], id))
            return true;
    }
    return false;
}

/* Guarantees come home from two entries alone: no hash-locks come between, and he signed nothing newer. */
static bool keeps_two_entries(const struct comparison *k, const struct local_channel *target)
{
    size_t participant = (size_t)channel_participant(&target->fixed, k->account);

    return is_parent(target, &k->parent->id) && !target->application->next_is_safe &&
           !local_has_signed(k->database, &target->id, participant, target->supported.state.turn,
                             INTEGER_MAX);
}

/* The least that a new entry is worth to him. */
static uint64_t least_given(struct comparison *k, size_t at)
{
    const struct allocation *a = &k->next->allocations[at];
    struct arena arena CLEANUP(arena_close);
    struct local_channel target;
    uint64_t sum, total, share;
    size_t entries;
    int asset;

    arena_init(&arena);
    sum = set_apart(k->next, k->stays_of_next, at, &entries);
    if (sum == 0 || is_funded_already(k, a) || !read_target(k, a, &arena, &target) ||
        !is_reliable(k, &target))
        return 0;
    asset = asset_in(&target, &k->parent->fixed.assets[a->asset]);
    if (asset < 0 || !channel_outcome_total(&target.supported.state, (unsigned)asset, &total) || sum < total)
        return 0;
    if (entries != 1)
        return 0;
    if (a->kind == ALLOCATION_CHANNEL)
        return channel_outcome_simple(&target.supported.state, (unsigned)asset, k->account);
    if (sum != total || !keeps_two_entries(k, &target) || !has_entry(k->next, a->asset, &a->left) ||
        !has_entry(k->next, a->asset, &a->right) ||
        !guaranteed(&target, (unsigned)asset, a, k->account, &share))
        return 0;
    return share;
}

/* --- both sides ------------------------------------------------------------------------------- */
static uint64_t share_before(struct comparison *k, unsigned asset)
{
    uint64_t sum = channel_outcome_simple(k->previous, asset, k->account);

    for (size_t i = 0; i < k->previous->allocation_count; i++) {
        const struct allocation *a = &k->previous->allocations[i];

        if (a->asset != asset || k->stays_of_previous[i])
            continue;
        if (is_funding(a))
            sum += most_given(k, i);
        if (a->kind == ALLOCATION_HASHLOCK &&
            (account_equal(&a->refund, k->account) || account_equal(&a->account, k->account)))
            sum += a->amount;
    }
    return sum;
}

static uint64_t share_after(struct comparison *k, unsigned asset)
{
    uint64_t sum = channel_outcome_simple(k->next, asset, k->account);

    for (size_t i = 0; i < k->next->allocation_count; i++) {
        const struct allocation *a = &k->next->allocations[i];

        if (a->asset == asset && !k->stays_of_next[i] && is_funding(a))
            sum += least_given(k, i);
    }
    return sum;
}

bool share_is_kept(struct database *database, const struct local_channel *channel, size_t participant,
                   uint64_t owed, uint64_t due)
{
    struct comparison k = { .database = database, .parent = channel,
                            .account = &channel->fixed.participants[participant],
                            .previous = &channel->supported.state, .next = &channel->staged.state };

    find_what_stays(&k);
    for (unsigned asset = 0; asset < channel->fixed.asset_count; asset++) {
        uint64_t before = share_before(&k, asset), after = share_after(&k, asset);

        if (after + (asset == 0 ? owed : 0) < before + (asset == 0 ? due : 0))
            return false;
    }
    return true;
}

static const struct allocation *next_for(const struct channel_state *state, const struct hash *target,
                                         size_t *at)
{
    while (*at < state->allocation_count) {
        const struct allocation *a = &state->allocations[(*at)++];

        if (is_funding(a) && hash_equal(&a->target, target))
            return a;
    }
    return NULL;
}

bool share_is_set_apart_alike(const struct channel_state *first, const struct channel_state *second,
                              const struct hash *target)
{
    const struct allocation *a, *b;
    size_t i = 0, j = 0;

    do {
        a = next_for(first, target, &i);
        b = next_for(second, target, &j);
        if ((a == NULL) != (b == NULL) || (a != NULL && !is_same_entry(a, b)))
            return false;
    } while (a != NULL);
    return true;
}
