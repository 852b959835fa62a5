/* What the operator does with a channel by hand: see operator.h. */
#include "layer2/channel/operator.h"

#include <inttypes.h>
#include <string.h>

#include "base/writer.h"
#include "layer2/channel/authority.h"
#include "layer2/channel/challenge.h"
#include "layer2/channel/commands.h"
#include "layer2/channel/party.h"
#include "layer2/channel/step.h"

/* --- channel.suspend, channel.resume, channel.policy ------------------------------------------ */
const struct param pause_params[1] = {
    PARAM(struct pause, channel, HASH, REQUIRED, "its id"),
};

static enum status move_by_hand(struct execution *x, const struct pause *p, enum life_event event,
                                struct writer *result)
{
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;
    enum channel_phase next;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (!life_next(c.phase, c.phase_before, event, &next))
        return fail(x, ERROR_WRONG_PHASE, "the channel is %s", channel_phase_name(c.phase));
    party_move(x, &c, event);
    if (c.has_staged && life_may_sign(c.phase))
        step_request(x, &c); /* what came in the pause, or before it */
    party_save(x, &c);
    writer_object_begin(result);
    writer_member_text(result, "phase", channel_phase_name(c.phase));
    writer_object_end(result);
    return OK;
}

enum status channel_suspend(struct execution *x, const void *params, struct writer *result)
{
    return move_by_hand(x, params, LIFE_SUSPEND, result);
}

enum status channel_resume(struct execution *x, const void *params, struct writer *result)
{
    return move_by_hand(x, params, LIFE_RESUME, result);
}

static const char *const policies[] = { "never", "safe", "always", NULL };

const struct param policy_params[3] = {
    PARAM(struct policy, signer, ACCOUNT, REQUIRED, "a key of the keystore"),
    PARAM(struct policy, countersign, CHOICE, REQUIRED,
          "never; safe: what the application allows and does not shrink its share; always: what it allows",
          .choices = policies),
    PARAM(struct policy, channel, HASH, OPTIONAL, "for this channel alone; all others when absent"),
};

enum status channel_policy(struct execution *x, const void *params, struct writer *result)
{
    const struct policy *p = params;
    size_t chosen = 0;

    (void)result;
    while (strcmp(policies[chosen], p->countersign) != 0)
        chosen++;
    local_set_policy(execution_database(x), &p->signer, &p->channel, (enum countersign_policy)chosen);
    return OK;
}

/* --- channel.dispute -------------------------------------------------------------------------- */
const struct param dispute_params[2] = {
    PARAM(struct dispute, channel, HASH, REQUIRED, "its id"),
    PARAM(struct dispute, signer, ACCOUNT, REQUIRED, "the participant who challenges, a key of the keystore"),
};

/* The effect signs, and would wait for what lacks; the operator hears of it at once. */
enum status check_dispute(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    const struct dispute *p = params;
    struct local_channel *c = arena_new(arena, sizeof(*c));

    if (!local_read(check->database, &p->channel, arena, c))
        return party_unknown(error, &p->channel);
    if (!c->has_supported)
        return error_set(error, ERROR_WRONG_PHASE, "turn 0 is not signed by all: nothing can be brought");
    return authority_at_hand(check, &c->fixed, &p->signer, error);
}

enum status channel_dispute(struct execution *x, const void *params, struct writer *result)
{
    const struct dispute *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    TRY(party_need(x, &p->channel, &arena, &c));
    if (c.phase == PHASE_DEFUNDING || c.phase == PHASE_CLOSED)
        return fail(x, ERROR_WRONG_PHASE, "the channel is %s", channel_phase_name(c.phase));
    challenge_bring(x, &c, &p->signer);
    party_answer(result, &c, c.supported.state.turn, &c.supported.hash);
    return OK;
}
