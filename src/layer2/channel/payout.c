/* What a finalized outcome gives to whom: see payout.h. */
#include "layer2/channel/payout.h"

#include <inttypes.h>
#include <string.h>

void payout_shares(const struct channel_state *outcome, unsigned asset, uint64_t held, uint64_t *shares)
{
    for (size_t i = 0; i < outcome->allocation_count; i++) {
        const struct allocation *a = &outcome->allocations[i];

        if (a->asset != asset)
            continue;
        shares[i] = a->amount < held ? a->amount : held;
        held -= shares[i];
    }
}

static enum status check_outcome(const struct hash *given, const struct hash *stored, struct error *error)
{
    if (given != NULL && !hash_equal(given, stored))
        return error_set(error, ERROR_FINGERPRINT_MISMATCH, "the outcome on record is another one");
    return OK;
}

enum status payout_check(const struct channel_state *outcome, bool finalized, const uint64_t *indices,
                         size_t count, const struct hash *given, const struct hash *stored,
                         struct error *error)
{
    if (!finalized)
        return error_set(error, ERROR_CHANNEL_NOT_FINALIZED, "the channel is not finalized");
    for (size_t i = 1; i < count; i++) {
        if (indices[i] <= indices[i - 1])
            return error_set(error, ERROR_INDICES_NOT_INCREASING, "index %" PRIu64 " stands behind %" PRIu64,
                             indices[i], indices[i - 1]);
    }
    TRY(check_outcome(given, stored, error));
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= outcome->allocation_count)
            return error_set(error, ERROR_INVALID_PARAMS, "index %" PRIu64 ": the outcome has %zu entries",
                             indices[i], outcome->allocation_count);
        if (outcome->allocations[indices[i]].kind == ALLOCATION_GUARANTEE)
            return error_set(error, ERROR_GUARANTEE_NOT_TRANSFERABLE, "entry %" PRIu64 " is a guarantee",
                             indices[i]);
    }
    return OK;
}

bool payout_asked(const uint64_t *indices, size_t count, size_t i)
{
    size_t from = 0, to = count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (indices[middle] == i)
            return true;
        if (indices[middle] < i)
            from = middle + 1;
        else
            to = middle;
    }
    return count == 0;
}

/* --- penalty ---------------------------------------------------------------------------------- */
static struct allocation *find_simple(struct channel_state *outcome, unsigned asset,
                                      const struct account_id *account)
{
    for (size_t i = 0; i < outcome->allocation_count; i++) {
        struct allocation *a = &outcome->allocations[i];

        if (a->kind == ALLOCATION_SIMPLE && a->asset == asset && account_equal(&a->account, account))
            return a;
    }
    return NULL;
}

static uint64_t take_penalty(const struct channel_fixed *fixed, size_t cheater, struct channel_state *outcome,
                             unsigned asset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < outcome->allocation_count; i++) {
        struct allocation *a = &outcome->allocations[i];
        uint64_t part;

        if (a->kind != ALLOCATION_SIMPLE || a->asset != asset ||
            !account_equal(&a->account, &fixed->participants[cheater]))
            continue;
        part = (uint64_t)((unsigned __int128)a->amount * fixed->penalty_ppm / CHANNEL_PPM);
        a->amount -= part;
        sum += part;
    }
    return sum;
}

static void give_penalty(const struct channel_fixed *fixed, size_t cheater, struct channel_state *outcome,
                         unsigned asset, uint64_t sum)
{
    uint64_t others = fixed->participant_count - 1, rest = sum % others;

    for (size_t i = 0; i < fixed->participant_count; i++) {
        const struct account_id *account = &fixed->participants[i];
        struct allocation *a;

        if (i == cheater)
            continue;
        a = find_simple(outcome, asset, account);
        if (a == NULL)
            a = channel_outcome_add(outcome, &(struct allocation){ .kind = ALLOCATION_SIMPLE, .asset = asset,
                                                                   .account = *account });
        a->amount += sum / others + rest;
        rest = 0;
    }
}

bool payout_penalty(const struct channel_fixed *fixed, size_t cheater, struct channel_state *outcome)
{
    bool moved = false;

    for (unsigned asset = 0; asset < fixed->asset_count; asset++) {
        uint64_t sum = take_penalty(fixed, cheater, outcome, asset);

        if (sum > 0) {
            give_penalty(fixed, cheater, outcome, asset, sum);
            moved = true;
        }
    }
    return moved;
}

/* --- reclaim ---------------------------------------------------------------------------------- */
/* The target's simple entries of the asset, which must be two and of the guarantee's two ends. */
static enum status read_target(const struct channel_state *target, unsigned asset,
                               const struct allocation *guarantee, uint64_t *left, uint64_t *right,
                               struct error *error)
{
    uint64_t total;

    if (!channel_outcome_total(target, asset, &total) || total != guarantee->amount)
        return error_set(error, ERROR_AMOUNT_MISMATCH,
                         "the target's outcome does not add up to the guaranteed %" PRIu64,
                         guarantee->amount);
    *left = 0;
    *right = 0;
    for (size_t i = 0, place = 0; i < target->allocation_count; i++) {
        const struct allocation *a = &target->allocations[i];

        if (a->asset != asset)
            continue;
        if (a->kind != ALLOCATION_SIMPLE || place > 1)
            return error_set(error, ERROR_AMOUNT_MISMATCH,
                             "the target's outcome is not one amount for each of two ends");
        *(place == 0 ? left : right) = a->amount;
        place++;
    }
    return OK;
}

static void remove_entry(struct channel_state *outcome, size_t index)
{
    memmove(&outcome->allocations[index], &outcome->allocations[index + 1],
            (outcome->allocation_count - index - 1) * sizeof(*outcome->allocations));
    outcome->allocation_count--;
}

/* Index of the asset in the target; −1 when it has another one. */
static int same_asset(const struct channel_fixed *target, const struct asset_id *asset)
{
    for (size_t i = 0; i < target->asset_count; i++) {
        if (memcmp(&target->assets[i], asset, sizeof(*asset)) == 0)
            return (int)i;
    }
    return -1;
}

enum status payout_reclaim(const struct channel_fixed *source_fixed, struct channel_state *source,
                           size_t index, const struct hash *target_id,
                           const struct channel_fixed *target_fixed, const struct channel_state *target,
                           bool target_finalized, const struct hash *given,
                           const struct hash *stored, struct error *error)
{
    const struct allocation *guarantee;
    struct allocation *left, *right;
    uint64_t left_amount, right_amount;
    int asset;

    if (index >= source->allocation_count)
        return error_set(error, ERROR_INVALID_PARAMS, "index %zu: the outcome has %zu entries", index,
                         source->allocation_count);
    guarantee = &source->allocations[index];
    if (guarantee->kind != ALLOCATION_GUARANTEE)
        return error_set(error, ERROR_NOT_A_GUARANTEE, "entry %zu is no guarantee", index);
    if (!hash_equal(&guarantee->target, target_id))
        return error_set(error, ERROR_WRONG_CHANNEL, "entry %zu guarantees another channel", index);
    asset = same_asset(target_fixed, &source_fixed->assets[guarantee->asset]);
    if (asset < 0)
        return error_set(error, ERROR_ASSET_MISMATCH, "the target has other assets than the guarantee");
    if (!target_finalized)
        return error_set(error, ERROR_CHANNEL_NOT_FINALIZED, "the target is not finalized");
    TRY(check_outcome(given, stored, error));
    left = find_simple(source, guarantee->asset, &guarantee->left);
    if (left == NULL)
        return error_set(error, ERROR_LEFT_NOT_FOUND, "the guarantee's left end has no entry in the source");
    right = find_simple(source, guarantee->asset, &guarantee->right);
    if (right == NULL)
        return error_set(error, ERROR_RIGHT_NOT_FOUND,
                         "the guarantee's right end has no entry in the source");
    TRY(read_target(target, (unsigned)asset, guarantee, &left_amount, &right_amount, error));
    left->amount += left_amount;
    right->amount += right_amount;
    remove_entry(source, index);
    return OK;
}
