/* The commands that look after a payment channel: see upkeep.h. */
#include "layer2/payment/upkeep.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "layer2/channel/record.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/step.h"
#include "layer2/payment/map.h"

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
const struct param policy_change_params[6] = {
    PARAM(struct policy_change, channel, HASH, REQUIRED, "its id"),
    PARAM(struct policy_change, signer, ACCOUNT, REQUIRED, "the participant whose side it is about"),
    PARAM(struct policy_change, base, INTEGER, OPTIONAL, "fee of each payment, in the smallest unit; 1",
          .fallback = POLICY_BASE),
    PARAM(struct policy_change, ppm, INTEGER, OPTIONAL, "fee in millionths of what is passed on; 100",
          .fallback = POLICY_PPM),
    PARAM(struct policy_change, delta, DURATION, OPTIONAL,
          "between the expiries of what comes in and what goes out, at least 40m; 40m",
          .fallback = POLICY_DELTA_US),
    PARAM(struct policy_change, enabled, BOOLEAN, OPTIONAL, "whether payments may go this way; true",
          .fallback = true),
};

enum status change_policy(struct execution *x, const void *params, struct writer *result)
{
    const struct policy_change *p = params;
    const struct policy policy = { p->base, p->ppm, p->delta, p->enabled };
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    size_t side;

    (void)result;
    arena_init(&arena);
    TRY(need_side(x, &p->channel, &p->signer, &arena, &c, &side));
    if (p->ppm > CHANNEL_PPM || p->delta < POLICY_DELTA_US)
        return fail(x, ERROR_INVALID_PARAMS, "ppm is at most 1,000,000, and delta at least 40m");
    policy_write(execution_database(x), &p->channel, side, &policy);
    map_note(map_of(execution_kernel(x)), execution_database(x), &c, true);
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
