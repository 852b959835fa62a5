/* The commands that look after a payment channel: see upkeep.h. */
#include "layer2/payment/upkeep.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "layer2/channel/record.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/step.h"
#include "layer2/payment/map.h"

#define BASE_MOST UINT64_C(1000000000000)
#define DELTA_MOST_US ((int64_t)24 * 3600 * 1000000)

/* The signer's side of a payment channel. */
static enum status need_side(struct execution *x, const struct hash *id, const struct account_id *signer,
                             struct arena *arena, struct local_channel *c, size_t *side)
{
    int participant;

    if (!local_read(execution_database(x), id, arena, c))
        return fail(x, ERROR_CHANNEL_NOT_FOUND, "this node does not take part in such a channel");
    if (strcmp(c->application->name, PAYMENT_APPLICATION) != 0)
        return fail(x, ERROR_WRONG_PHASE, "the channel runs '%s', not '" PAYMENT_APPLICATION "'",
                    c->application->name);
    participant = channel_participant(&c->fixed, signer);
    if (participant < 0)
        return fail(x, ERROR_NOT_A_PARTICIPANT, "the signer takes no part in the channel");
    *side = (size_t)participant;
    return OK;
}

/* --- payment.policy --------------------------------------------------------------------------- */
const struct param policy_change_params[7] = {
    PARAM(struct policy_change, channel, HASH, REQUIRED, "its id"),
    PARAM(struct policy_change, signer, ACCOUNT, REQUIRED, "the participant whose side it is about"),
    PARAM(struct policy_change, base, INTEGER, OPTIONAL,
          "fee of each payment, in the smallest unit; absent: as before (at first 1)", .fallback = NOT_GIVEN),
    PARAM(struct policy_change, ppm, INTEGER, OPTIONAL,
          "fee in millionths of what is passed on; absent: as before (at first 100)", .fallback = NOT_GIVEN),
    PARAM(
        struct policy_change, delta, DURATION, OPTIONAL,
        "between the expiries of what comes in and what goes out, 40m … 1d; absent: as before (at first 40m)",
        .fallback = NOT_GIVEN),
    PARAM(struct policy_change, enabled, BOOLEAN, OPTIONAL, "whether payments may go this way",
          .fallback = true),
    PARAM(struct policy_change, max_balance, INTEGER, OPTIONAL,
          "the most to have on this side: a hash-lock that could lift it higher is given back; 0: any; "
          "absent: as before (at first any)", .fallback = NOT_GIVEN),
};

enum status change_policy(struct execution *x, const void *params, struct writer *result)
{
    const struct policy_change *p = params;
    struct policy policy;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    size_t side;

    arena_init(&arena);
    TRY(need_side(x, &p->channel, &p->signer, &arena, &c, &side));
    policy = policy_read(execution_database(x), &p->channel, side);
    if (p->base != NOT_GIVEN)
        policy.base = p->base;
    if (p->ppm != NOT_GIVEN)
        policy.ppm = p->ppm;
    if (p->delta != (int64_t)NOT_GIVEN)
        policy.delta_us = p->delta;
    if (p->max_balance != NOT_GIVEN)
        policy.max_balance = p->max_balance;
    policy.enabled = p->enabled;
    if (policy.ppm > CHANNEL_PPM || policy.delta_us < POLICY_DELTA_US || policy.delta_us > DELTA_MOST_US ||
        policy.base > BASE_MOST)
        return fail(x, ERROR_INVALID_PARAMS, "base is at most 10^12, ppm 1,000,000, and delta 40m … 1d");
    policy_write(execution_database(x), &p->channel, side, &policy);
    if (policy.max_balance > 0)
        map_has_limit(map_of(execution_kernel(x)));
    map_note(map_of(execution_kernel(x)), execution_database(x), &c, true);
    policy_show(&policy, result);
    return OK;
}

/* --- payment.top_up --------------------------------------------------------------------------- */
const struct param top_up_params[2] = {
    PARAM(struct top_up, channel, HASH, REQUIRED, "its id"),
    PARAM(struct top_up, signer, ACCOUNT, REQUIRED, "who paid in: a key of the keystore"),
};

/* What the ledger holds for the channel beyond its newest state. */
static enum status surplus_of(struct execution *x, const struct local_channel *c, struct arena *arena,
                              uint64_t *surplus)
{
    uint64_t holdings[CHANNEL_ASSETS_MAX], total = 0;
    struct channel_record record;

    *surplus = 0;
    if (!record_read(execution_database(x), &c->id, arena, &record))
        return OK;
    TRY(holdings_read(x, &record, holdings));
    if (channel_outcome_total(&c->supported.state, 0, &total) && holdings[0] > total)
        *surplus = holdings[0] - total;
    return OK;
}

enum status top_up(struct execution *x, const void *params, struct writer *result)
{
    const struct top_up *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    struct channel_state next;
    uint8_t before[8];
    uint64_t surplus;
    size_t side;

    arena_init(&arena);
    TRY(need_side(x, &p->channel, &p->signer, &arena, &c, &side));
    if (!step_is_ours(x, &p->signer))
        return fail(x, ERROR_KEY_NOT_FOUND, "signer: the keystore has no such key");
    if (c.phase != PHASE_RUNNING)
        return fail(x, ERROR_WRONG_PHASE, "the channel is %s", channel_phase_name(c.phase));
    if (c.has_staged)
        return fail(x, ERROR_PROPOSAL_PENDING, "turn %" PRIu64 " waits for signatures; call again",
                    c.staged.state.turn);
    TRY(surplus_of(x, &c, &arena, &surplus));
    if (surplus == 0)
        return fail(x, ERROR_NOTHING_TO_PAY, "nothing was paid in beyond the channel's newest state; "
                                             "'channel.deposit' comes first");
    next = c.supported.state;
    next.turn = c.next_turn;
    next.allocations[side].amount += surplus;
    put_be64(before, c.supported.state.turn);
    next.data = bytes_of(before, sizeof(before));
    step_stage(x, &c, &next, side);
    writer_object_begin(result);
    writer_member_unsigned(result, "amount", surplus);
    writer_member_unsigned(result, "turn", next.turn);
    writer_object_end(result);
    return OK;
}
