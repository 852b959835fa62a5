/* voucher: a stream of payments in one direction. The payer signs vouchers (channel_voucher_hash: how much in
 * all so far), the payee keeps the highest one and needs nobody to redeem it.
 *
 * Participants: 0 payer, 1 payee. No terms. Outcome: one simple entry for each, in this order. data: nothing,
 * or in the redeeming state (turn 2) the voucher: amount [8] ‖ the payer's signature [64].
 *
 * Support: both signatures on one state; or turn 1 with both, and turn 2 with the payee's signature and the
 * voucher. */
#include <string.h>

#include "layer2/channel/applications/applications.h"

enum { PAYER, PAYEE, PARTIES };
#define VOUCHER_SIZE (8 + sizeof(struct signature))

static enum status fixed_ok(const struct channel_fixed *fixed, struct error *error)
{
    if (fixed->participant_count != PARTIES || fixed->asset_count != 1 || fixed->terms.size != 0)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "voucher is for a payer, a payee and one asset, without terms");
    return OK;
}

static enum status check_entries(const struct channel_fixed *fixed, const struct channel_state *state,
                                 struct error *error)
{
    bool good = state->allocation_count == PARTIES;

    for (size_t i = 0; good && i < PARTIES; i++)
        good = state->allocations[i].kind == ALLOCATION_SIMPLE &&
               account_equal(&state->allocations[i].account, &fixed->participants[i]);
    if (!good)
        return error_set(error, ERROR_INVALID_OUTCOME, "outcome: an entry for payer and payee is expected");
    return OK;
}

static enum status init_ok(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error)
{
    if (state->data.size != 0)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: nothing is redeemed at first");
    return check_entries(fixed, state, error);
}

/* The payee only gains, by no more than a voucher says when one is there. */
static enum status next_ok(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error)
{
    (void)mover;
    TRY(check_entries(fixed, previous, error));
    TRY(check_entries(fixed, next, error));
    if (next->allocations[PAYEE].amount < previous->allocations[PAYEE].amount)
        return error_set(error, ERROR_INVALID_TRANSITION, "value moves from payer to payee alone");
    return OK;
}

static enum status check_voucher(const struct channel_fixed *fixed, const struct channel_state *before,
                                 const struct channel_state *redeems, struct error *error)
{
    struct signature signature;
    struct hash id, hash;
    uint64_t amount;

    if (redeems->data.size != VOUCHER_SIZE)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: a voucher is expected");
    amount = get_be64(redeems->data.data);
    memcpy(signature.bytes, redeems->data.data + 8, sizeof(signature.bytes));
    if (redeems->allocations[PAYEE].amount - before->allocations[PAYEE].amount != amount ||
        before->allocations[PAYER].amount - redeems->allocations[PAYER].amount != amount)
        return error_set(error, ERROR_INVALID_OUTCOME, "outcome: it is not what the voucher gives");
    channel_id(fixed, &id);
    channel_voucher_hash(&id, amount, &hash);
    if (!schnorr_verify(&fixed->participants[PAYER], hash.bytes, sizeof(hash.bytes), &signature))
        return error_set(error, ERROR_BAD_SIGNATURE, "the voucher is not signed by the payer");
    return OK;
}

static enum status supported(const struct channel_fixed *fixed, const struct signed_state *states,
                             size_t count, struct error *error)
{
    if (count == 1)
        return application_unanimous(fixed, states, count, error);
    if (count != 2)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "one or two states are expected, not %zu",
                         count);
    TRY(application_unanimous(fixed, states, 1, error));
    if (states[0].state.turn != CHANNEL_TURN_POSTFUND || states[1].state.turn != CHANNEL_TURN_POSTFUND + 1)
        return error_set(error, ERROR_INVALID_TRANSITION, "a voucher is redeemed in turn 2, behind turn 1");
    if (states[1].signed_by != 1u << PAYEE)
        return error_set(error, ERROR_WRONG_SIGNERS, "the payee redeems a voucher");
    TRY(next_ok(fixed, &states[0].state, &states[1].state, PAYEE, error));
    return check_voucher(fixed, &states[0].state, &states[1].state, error);
}

/* The payee's signature alone redeems. */
static bool by_hand(const struct channel_state *state)
{
    return state->data.size != 0;
}

const struct application application_voucher = {
    .name = "voucher",
    .help = "A stream of payments in one direction, by vouchers that the payee can redeem alone.",
    .fixed_ok = fixed_ok,
    .init_ok = init_ok,
    .next_ok = next_ok,
    .supported = supported,
    .by_hand = by_hand,
};
