/* What a key of this node countersigns by itself. `safe` gives nothing away that its owner can count on, also
 * when whoever proposes is a cheat: what is not certain waits for the owner's own word. */
#include "kernel/kernel.h"
#include "layer2/channel/party.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/share.h"
#include "layer2/channel/step.h"
#include "layer2/channel/voucher.h"
#include "layer2/channel/withdrawal.h"

/* What a topped-up channel has more is his who paid it in, which no state tells: a stranger's claim to it is
 * left to the operator. */
static bool is_claimed_by_stranger(struct execution *x, const struct local_channel *c)
{
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        uint64_t before, after;

        if (!channel_outcome_total(&c->supported.state, asset, &before) ||
            !channel_outcome_total(&c->staged.state, asset, &after) || after > before)
            return !step_is_ours(x, &c->fixed.participants[c->staged_by]);
    }
    return false;
}

/* Nobody can have signed another turn 0 that the ledger already holds money for. */
static bool is_new_to_ledger(struct execution *x, const struct local_channel *c)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX];
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    if (!record_read(execution_database(x), &c->id, &arena, &record))
        return true;
    if (record.a.has_outcome || record.is_settled || record.a.finalizes_at_us != NEVER_US ||
        holdings_read(x, &record, holdings) != OK)
        return false;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (holdings[asset] > 0)
            return false;
    }
    return true;
}

/* A channel in which there is to be nothing would cost whoever proposes it nothing either. */
static bool is_worth_something(const struct local_channel *c)
{
    for (size_t i = 0; i < c->staged.state.allocation_count; i++) {
        if (c->staged.state.allocations[i].amount > 0)
            return true;
    }
    return false;
}

/* A final state that leaves something in the channel which nobody would get. */
static bool leaves_something(struct execution *x, const struct local_channel *c)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX], total;
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    if (!record_read(execution_database(x), &c->id, &arena, &record))
        return false;
    if (holdings_read(x, &record, holdings) != OK)
        return true;
    for (unsigned asset = 0; asset < c->fixed.asset_count; asset++) {
        if (!channel_outcome_total(&c->staged.state, asset, &total) || holdings[asset] > total)
            return true;
    }
    return false;
}

/* Before everything is paid in, earlier entries take what is there: their order is part of the shares. */
static bool is_safe_end(struct execution *x, const struct local_channel *c)
{
    bool may_lack = c->supported.state.turn == CHANNEL_TURN_PREFUND && c->phase != PHASE_FUNDED;

    return (!may_lack || party_same_outcome(&c->id, &c->supported.state, &c->staged.state)) &&
           !leaves_something(x, c);
}

/* --- what other channels fund ----------------------------------------------------------------- */
static bool is_guaranteed(const struct channel_state *parent, const struct hash *id)
{
    for (size_t i = 0; i < parent->allocation_count; i++) {
        if (parent->allocations[i].kind == ALLOCATION_GUARANTEE &&
            hash_equal(&parent->allocations[i].target, id))
            return true;
    }
    return false;
}

/* A guarantee comes home by the places of two entries, whoever they are for. */
static bool keeps_places(const struct channel_state *before, const struct channel_state *after)
{
    if (before->allocation_count != after->allocation_count)
        return false;
    for (size_t i = 0; i < after->allocation_count; i++) {
        const struct allocation *a = &before->allocations[i], *b = &after->allocations[i];

        if (a->kind != ALLOCATION_SIMPLE || b->kind != ALLOCATION_SIMPLE || a->asset != b->asset ||
            !account_equal(&a->account, &b->account))
            return false;
    }
    return true;
}

/* With a signature of his that is out, a parent may take back what it sets apart at today's shares. What was
 * rejected with it is not known any more, and counts as such until a later state stands. */
static bool may_be_taken_back(struct execution *x, const struct local_channel *parent, const struct hash *id,
                              const struct account_id *account)
{
    int participant = channel_participant(&parent->fixed, account);

    return participant >= 0 &&
           (((parent->staged.signed_by >> participant & 1) != 0 &&
             !share_is_set_apart_alike(&parent->supported.state, &parent->staged.state, id)) ||
            local_has_signed(execution_database(x), &parent->id, (size_t)participant,
                             parent->supported.state.turn,
                             parent->has_staged ? parent->staged.state.turn : INTEGER_MAX));
}

static bool is_safe_in_parents(struct execution *x, const struct local_channel *c, size_t participant)
{
    bool moves = !party_same_outcome(&c->id, &c->supported.state, &c->staged.state);

    for (size_t i = 0; i < c->parent_count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel parent;

        arena_init(&arena);
        if (!local_read(execution_database(x), &c->parents[i], &arena, &parent) || !parent.has_supported)
            continue;
        if (is_guaranteed(&parent.supported.state, &c->id) &&
            !keeps_places(&c->supported.state, &c->staged.state))
            return false;
        if (moves && may_be_taken_back(x, &parent, &c->id, &c->fixed.participants[participant]))
            return false;
    }
    return true;
}

/* Whoever has a final state that he signed may bring it instead of this one, after parents took back by this
 * one. */
static bool is_second_end(struct execution *x, const struct local_channel *c, size_t participant)
{
    return c->parent_count > 0 && c->staged.state.final && c->phase == PHASE_CLOSING &&
           local_has_signed(execution_database(x), &c->id, participant, c->supported.state.turn,
                            c->staged.state.turn);
}

static bool is_safe(struct execution *x, const struct local_channel *c, size_t participant)
{
    uint64_t owed, due;

    if (local_is_withdrawing(c))
        return withdrawal_is_safe(x, c);
    if (is_second_end(x, c, participant) || !is_safe_in_parents(x, c, participant))
        return false;
    if (is_claimed_by_stranger(x, c) || (c->staged.state.final && !is_safe_end(x, c)))
        return false;
    if (c->application->next_is_safe && !c->staged.state.final)
        return true;
    voucher_balance(execution_database(x), c, participant, &owed, &due);
    return share_is_kept(execution_database(x), c, participant, owed, due);
}

bool party_countersigns(struct execution *x, const struct local_channel *c, size_t participant)
{
    if (local_is_withdrawing(c) && !withdrawal_awaits_ours(x, c, participant))
        return false;
    if ((c->application->by_hand != NULL && c->application->by_hand(&c->staged.state)) ||
        (c->has_supported && !local_is_withdrawing(c) && c->application->is_late != NULL &&
         c->application->is_late(&c->fixed, &c->supported.state, &c->staged.state, c->staged_by,
                                 execution_time(x))))
        return false;
    switch (local_policy(execution_database(x), &c->fixed.participants[participant], &c->id)) {
    case COUNTERSIGN_NEVER: return false;
    case COUNTERSIGN_ALWAYS: return true;
    case COUNTERSIGN_SAFE:
        return c->has_supported ? is_safe(x, c, participant)
                                : is_worth_something(c) && is_new_to_ledger(x, c);
    }
    return false;
}
