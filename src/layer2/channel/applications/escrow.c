/* escrow: a buyer, a seller, and a third who decides between them when they cannot.
 *
 * Participants: 0 buyer, 1 seller, 2 third. Terms = what the third gets for deciding [8 bytes]. Outcome: one
 * simple entry for each, in this order. At first everything is the buyer's. data = one byte:
 *   0 open · 1 released by buyer and seller · 2 refunded by both · 3 released by the third with one of them ·
 *   4 refunded by the third with one of them; 3 and 4 pay him.
 *
 * Support: all signatures on one state; or turn 1 with all signatures and the decision with the two that it
 * needs. */
#include "layer2/channel/applications/applications.h"

enum { BUYER, SELLER, THIRD, PARTIES };
enum decision { OPEN, RELEASED, REFUNDED, RELEASED_BY_THIRD, REFUNDED_BY_THIRD, DECISIONS };

static uint64_t fee_of(const struct channel_fixed *fixed)
{
    return get_be64(fixed->terms.data);
}

static enum status fixed_ok(const struct channel_fixed *fixed, struct error *error)
{
    if (fixed->participant_count != PARTIES || fixed->asset_count != 1)
        return error_set(error, ERROR_INVALID_PARAMS, "escrow is for buyer, seller and third, and one asset");
    if (fixed->terms.size != 8 || fee_of(fixed) > INTEGER_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "terms: the third's fee is expected as 8 bytes");
    return OK;
}

static enum status read_decision(const struct channel_state *state, enum decision *decision,
                                 struct error *error)
{
    if (state->data.size != 1 || state->data.data[0] >= DECISIONS)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: one byte of 0 … 4 is expected");
    *decision = (enum decision)state->data.data[0];
    return OK;
}

/* What each party has under a decision about `total`. */
static void divide(uint64_t total, uint64_t fee, enum decision decision, uint64_t shares[PARTIES])
{
    bool third = decision == RELEASED_BY_THIRD || decision == REFUNDED_BY_THIRD;
    bool released = decision == RELEASED || decision == RELEASED_BY_THIRD;

    shares[THIRD] = third ? fee : 0;
    shares[BUYER] = released ? 0 : total - shares[THIRD];
    shares[SELLER] = released ? total - shares[THIRD] : 0;
}

static enum status check_outcome(const struct channel_fixed *fixed, const struct channel_state *state,
                                 enum decision decision, struct error *error)
{
    uint64_t total, shares[PARTIES];

    if (state->allocation_count != PARTIES || !channel_outcome_total(state, 0, &total) ||
        total < fee_of(fixed))
        return error_set(error, ERROR_INVALID_OUTCOME,
                         "outcome: one entry for each of the three is expected, and enough for the fee");
    divide(total, fee_of(fixed), decision, shares);
    for (size_t i = 0; i < PARTIES; i++) {
        const struct allocation *a = &state->allocations[i];

        if (a->kind != ALLOCATION_SIMPLE || !account_equal(&a->account, &fixed->participants[i]) ||
            a->amount != shares[i])
            return error_set(error, ERROR_INVALID_OUTCOME,
                             "outcome: entry %zu is not what the decision gives", i);
    }
    return OK;
}

static enum status init_ok(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error)
{
    enum decision decision = OPEN;

    TRY(read_decision(state, &decision, error));
    if (decision != OPEN)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: nothing is decided at first");
    return check_outcome(fixed, state, decision, error);
}

static enum status next_ok(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error)
{
    uint64_t total_before, total_after;
    enum decision before = OPEN, after = OPEN;

    (void)mover;
    TRY(read_decision(previous, &before, error));
    TRY(read_decision(next, &after, error));
    if (before != OPEN)
        return error_set(error, ERROR_INVALID_TRANSITION, "the escrow is decided");
    if (!channel_outcome_total(previous, 0, &total_before) || !channel_outcome_total(next, 0, &total_after) ||
        total_before != total_after)
        return error_set(error, ERROR_INVALID_TRANSITION, "a decision divides what was paid in");
    return check_outcome(fixed, next, after, error);
}

/* The two who must sign a decision: both sides, or the third and one of them. */
static bool signers_decide(enum decision decision, uint32_t signed_by)
{
    const uint32_t sides = 1u << BUYER | 1u << SELLER, third = 1u << THIRD;

    switch (decision) {
    case RELEASED:
    case REFUNDED: return (signed_by & sides) == sides;
    case RELEASED_BY_THIRD:
    case REFUNDED_BY_THIRD: return (signed_by & third) != 0 && (signed_by & sides) != 0;
    case OPEN:
    case DECISIONS: return false;
    }
    return false;
}

static enum status supported(const struct channel_fixed *fixed, const struct signed_state *states,
                             size_t count, struct error *error)
{
    enum decision decision = OPEN;

    if (count == 1)
        return application_unanimous(fixed, states, count, error);
    if (count != 2)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "one or two states are expected, not %zu",
                         count);
    TRY(application_unanimous(fixed, states, 1, error));
    if (states[0].state.turn != CHANNEL_TURN_POSTFUND || states[1].state.turn != CHANNEL_TURN_POSTFUND + 1)
        return error_set(error, ERROR_INVALID_TRANSITION, "a decision is turn 2, behind turn 1");
    TRY(next_ok(fixed, &states[0].state, &states[1].state, 0, error));
    TRY(read_decision(&states[1].state, &decision, error));
    if (!signers_decide(decision, states[1].signed_by))
        return error_set(error, ERROR_WRONG_SIGNERS,
                         "both sides sign their decision, or the third and one of them sign his");
    return OK;
}

/* A decision counts without the third one's signature. */
static bool by_hand(const struct channel_state *state)
{
    return state->data.size != 1 || state->data.data[0] != OPEN;
}

const struct application application_escrow = {
    .name = "escrow",
    .help = "Buyer and seller, and a third who decides with one of them when they cannot agree.",
    .fixed_ok = fixed_ok,
    .init_ok = init_ok,
    .next_ok = next_ok,
    .supported = supported,
    .by_hand = by_hand,
};
