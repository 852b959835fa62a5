/* What does not go on: see stuck.h. */
#include "layer2/transfer/stuck.h"

#include "kernel/execution.h"
#include "layer2/transfer/engine.h"
#include "layer2/transfer/leg.h"

static int64_t tell_us(struct execution *x, const struct leg *leg, int64_t since_us, int64_t usual_us)
{
    return stuck_tell_us(since_us, usual_us, leg->told_us, leg_window(execution_network(x), STUCK_US));
}

static void tell(struct execution *x, const struct transfer *t, struct leg *leg, const char *what,
                 int64_t since_us, int64_t deadline_us, const char *reason)
{
    leg->told_us = execution_time(x);
    event_transfer_stuck(x, &(struct event_transfer_stuck){
        .transfer = t->id, .side = side_name(leg->side), .place = leg->place, .what = what,
        .since_us = since_us, .tries = leg->tries, .deadline_us = deadline_us,
        .reason = reason[0] == '\0' ? NULL : reason });
}

int64_t stuck_in_action(struct execution *x, struct transfer *t, enum transfer_action action,
                        const struct situation *s)
{
    struct leg *leg = &t->legs[action_side(action)];
    const struct leg_timing *timing = leg->side == SIDE_SOURCE ? &s->source_timing : &s->destination_timing;

    if (action == ACT_NOTHING || action == ACT_LOCK_SOURCE) /* that ends by itself, in minutes */
        return INT64_MAX;
    if (execution_time(x) >= tell_us(x, leg, leg->wanted_us, timing->depth_us))
        tell(x, t, leg, transfer_action_name(action), leg->wanted_us, transfer_deadline(action, s),
             t->reason);
    return tell_us(x, leg, leg->wanted_us, timing->depth_us);
}

/* What is not seen costs somebody something once a destination was asked for: then the provider's claim of
 * the source hangs on it. */
void stuck_in_looking(struct execution *x, struct transfer *t, struct leg *leg, const char *reason)
{
    bool matters = t->legs[SIDE_DESTINATION].asked;

    if (leg->unseen_us == 0)
        leg->unseen_us = execution_time(x);
    if (t->state > TRANSFER_INITIATED && execution_time(x) >= tell_us(x, leg, leg->unseen_us, 0))
        tell(x, t, leg, "look", leg->unseen_us, matters ? t->legs[SIDE_SOURCE].expiry_us : 0, reason);
}

/* --- transfer.retry ------------------------------------------------------------------------------ */
const struct param transfer_retry_params[1] = {
    PARAM(struct retry_params, transfer, HASH, REQUIRED, "its id"),
};

static const char *action_or_null(const struct transfer *t, enum side side)
{
    return t->legs[side].acting == ACT_NOTHING ? NULL : transfer_action_name(t->legs[side].acting);
}

static enum status retry(struct execution *x, const struct retry_params *p, struct transfer *t,
                         struct writer *result)
{
    char hex[2 * sizeof(p->transfer.bytes) + 1];

    hex_text(hex, p->transfer.bytes, sizeof(p->transfer.bytes));
    if (!transfer_read(execution_database(x), &p->transfer, t))
        return fail(x, ERROR_TRANSFER_NOT_FOUND, "there is no transfer %s", hex);
    if (transfer_has_ended(t->state))
        return fail(x, ERROR_TRANSFER_ENDED, "the transfer is %s", transfer_state_name(t->state));
    engine_retry(x, t);
    writer_object_begin(result);
    writer_member_text(result, "state", transfer_state_name(t->state));
    writer_member_text(result, "source_acting", action_or_null(t, SIDE_SOURCE));
    writer_member_text(result, "destination_acting", action_or_null(t, SIDE_DESTINATION));
    writer_object_end(result);
    return OK;
}

enum status transfer_retry(struct execution *x, const void *params, struct writer *result)
{
    struct transfer *t = memory_new(sizeof(*t));
    enum status status = retry(x, params, t, result);

    memory_free_pointer(&t);
    return status;
}
