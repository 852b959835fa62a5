/* What drives transfers on: see engine.h. */
#include "layer2/transfer/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "kernel/kernel.h"
#include "layer2/transfer/network_proof.h"
#include "layer2/transfer/stuck.h"
#include "ledger/ledger.h"

#define STEPS_MOST 8      /* states that one look may pass through */
#define SWEEP_MOST 200    /* transfers a sweep */
#define POLL_US (2 * MICROSECONDS_PER_SECOND) /* that an outside ledger is looked at */
#define POLL_AWAITED_US (10 * MICROSECONDS_PER_SECOND) /* for a lock that may never come */

void engine_secret(const struct kernel *kernel, const struct hash *id, struct hash *secret)
{
    kernel_derive_own(kernel, SECRET_TAG, id, secret);
}

/* --- events ------------------------------------------------------------------------------------ */
static struct event_transfer_source_locked locked(const struct transfer *t, enum side side)
{
    const struct leg *leg = &t->legs[side];

    return (struct event_transfer_source_locked){ .transfer = t->id, .place = leg->place,
                                                  .reference = leg->reference,
                                                  .expiry_us = leg->expiry_us };
}

static void record_locked(struct execution *x, const struct transfer *t, enum side side)
{
    struct event_transfer_source_locked e = locked(t, side);

    if (side == SIDE_SOURCE) {
        event_transfer_source_locked(x, &e);
        return;
    }
    event_transfer_destination_locked(x, &(struct event_transfer_destination_locked){
        .transfer = e.transfer, .place = e.place, .reference = e.reference, .expiry_us = e.expiry_us });
}

static const char *reason_of(const struct transfer *t)
{
    return t->reason[0] == '\0' ? NULL : t->reason;
}

/* What the log says of the state. */
static void record(struct execution *x, const struct transfer *t)
{
    switch (t->state) {
    case TRANSFER_INITIATED: /* by whoever starts it */
        break;
    case TRANSFER_SOURCE_LOCKED:
        record_locked(x, t, SIDE_SOURCE);
        break;
    case TRANSFER_DESTINATION_LOCKED:
        record_locked(x, t, SIDE_DESTINATION);
        break;
    case TRANSFER_CLAIMED:
        event_transfer_claimed(x, &(struct event_transfer_claimed){ .transfer = t->id,
                                                                    .preimage = t->preimage });
        break;
    case TRANSFER_SETTLED:
        event_transfer_settled(x, &(struct event_transfer_settled){
            .transfer = t->id, .amount = t->amount, .fee = t->fee, .preimage = t->preimage });
        break;
    case TRANSFER_REFUNDED:
        event_transfer_refunded(x, &(struct event_transfer_refunded){ .transfer = t->id,
                                                                      .reason = reason_of(t) });
        break;
    case TRANSFER_EXPIRED:
        event_transfer_expired(x, &(struct event_transfer_expired){ .transfer = t->id,
                                                                    .reason = reason_of(t) });
        break;
    case TRANSFER_CANCELLED:
        event_transfer_cancelled(x, &(struct event_transfer_cancelled){ .transfer = t->id });
        break;
    case TRANSFER_FAILED:
        event_transfer_failed(x, &(struct event_transfer_failed){ .transfer = t->id,
                                                                  .reason = reason_of(t) });
        break;
    case TRANSFER_LOST:
        event_transfer_lost(x, &(struct event_transfer_lost){
            .transfer = t->id, .loser = transfer_loser(t->legs[SIDE_SOURCE].sight) });
        break;
    }
}

/* --- looking ----------------------------------------------------------------------------------- */
/* Takes over what a ledger shows. */
void engine_take_view(struct transfer *t, struct leg *leg, const struct leg_view *view)
{
    enum sight sight = sight_to_keep(t->state, leg->side == SIDE_DESTINATION, leg->sight, view->sight);

    if (sight != leg->sight) {
        leg->tries = 0;
        leg->acted = ACT_NOTHING;
    }
    leg->sight = sight;
    if (view->expiry_us > 0)
        leg->expiry_us = view->expiry_us;
    if (view->reference[0] != '\0')
        text_set(leg->reference, sizeof(leg->reference), view->reference);
    text_set(leg->detail, sizeof(leg->detail), view->detail);
    if (view->preimage_known) {
        t->preimage_known = true;
        t->preimage = view->preimage;
    }
}

struct leg_view engine_view_of(const struct leg *leg)
{
    struct leg_view view = { .sight = leg->sight };

    text_set(view.reference, sizeof(view.reference), leg->reference);
    text_set(view.detail, sizeof(view.detail), leg->detail);
    return view;
}

/* Ledgers of this node's own are looked at here and now. */
static void look_here(struct execution *x, struct transfer *t)
{
    for (size_t i = 0; i < SIDES; i++) {
        const struct leg_kind *kind = leg_kind_known(&t->legs[i]);
        struct leg_view view = engine_view_of(&t->legs[i]);
        struct leg_work work = { .kernel = execution_kernel(x), .database = execution_database(x),
                                 .transfer = t, .leg = &t->legs[i], .now_us = execution_time(x) };

        if (!kind->outside && kind->look(&work, &view) == OK)
            engine_take_view(t, &t->legs[i], &view);
    }
}

/* --- deciding ---------------------------------------------------------------------------------- */
struct situation engine_situation(struct execution *x, const struct transfer *t)
{
    const struct leg *source = &t->legs[SIDE_SOURCE], *destination = &t->legs[SIDE_DESTINATION];
    const struct leg_kind *from = leg_kind_known(source), *to = leg_kind_known(destination);
    struct situation s = { .state = t->state, .source = source->sight, .destination = destination->sight,
                           .now_us = execution_time(x), .source_expiry_us = source->expiry_us,
                           .destination_expiry_us = destination->expiry_us,
                           .lock_until_us = t->lock_until_us, .locks_source = source->asked,
                           .has_secret = t->secret != SECRET_ELSEWHERE, .preimage_known = t->preimage_known,
                           .cancelled = t->cancelled, .source_refused = source->refused,
                           .destination_asked = destination->asked, .returns_early = from->returns_early };

    if (t->secret == SECRET_GIVEN) /* known to the node is not shown to the provider */
        s.preimage_known = sight_is_claim(source->sight) || sight_is_claim(destination->sight);
    from->timing(execution_network(x), source->detail, &s.source_timing);
    to->timing(execution_network(x), destination->detail, &s.destination_timing);
    return s;
}

bool engine_may_reveal(struct execution *x, const struct transfer *t)
{
    struct situation s = engine_situation(x, t);

    s.has_secret = true;
    return transfer_may_reveal(&s);
}

/* The destination must end before what the source's lock turned out to be. */
static void fit_destination(const struct situation *s, struct transfer *t)
{
    int64_t latest_us =
        s->source_expiry_us - timelock_gap(&s->source_timing, &s->destination_timing);

    if (!t->legs[SIDE_DESTINATION].asked && t->legs[SIDE_DESTINATION].expiry_us > latest_us)
        t->legs[SIDE_DESTINATION].expiry_us = latest_us;
}

static void end(struct execution *x, struct transfer *t)
{
    t->ended_us = execution_time(x);
    if (t->state == TRANSFER_SETTLED || t->state == TRANSFER_LOST || t->day < 0)
        return;
    volume_add(execution_database(x), &t->provider, &t->asset, &t->account, t->day, t->amount, true);
    t->day = -1;
}

void engine_change(struct execution *x, struct transfer *t, enum transfer_event event)
{
    bool can = transfer_next(t->state, event, &t->state);

    INVARIANT(can, "a transfer cannot take the event %d in the state %s", (int)event,
              transfer_state_name(t->state));
    t->awaited = false;
    if (transfer_has_ended(t->state))
        end(x, t);
    record(x, t);
    network_proof_follow(x, t);
}

/* --- acting ------------------------------------------------------------------------------------ */
/* One server that never answers must not hold up the transfers with others. */
static uint64_t party_of(const struct leg *leg)
{
    struct hash hash;

    if (!leg_kind_known(leg)->outside)
        return 0;
    sha256(&hash, leg->place, strlen(leg->place));
    return get_be64(hash.bytes) >> 16;
}

static void request(struct execution *x, const char *kind, const struct transfer *t, const struct leg *leg,
                    const char *what)
{
    char id[2 * sizeof(t->id.bytes) + 1], key[sizeof(id) + 32], text[sizeof(id) + 64];

    hex_text(id, t->id.bytes, sizeof(t->id.bytes));
    snprintf(key, sizeof(key), "%s/%s", id, what);
    snprintf(text, sizeof(text), "{\"transfer\":\"%s\",\"what\":\"%s\"}", id, what);
    (void)effect_request_for(x, kind, party_of(leg), key, text, 0);
}

/* The action that the rules call for now, and since when they do. */
static void want(struct execution *x, struct transfer *t, enum transfer_action action)
{
    struct leg *leg = &t->legs[action_side(action)];

    if (action == ACT_NOTHING || leg->wanted == action)
        return;
    leg->wanted = action;
    leg->wanted_us = execution_time(x);
    leg->told_us = 0;
}

/* Asks for the action, unless one of that leg's is under way, or it was tried just now. Returns when it may
 * be asked for. */
static int64_t act(struct execution *x, struct transfer *t, enum transfer_action action)
{
    struct leg *leg;

    if (action == ACT_NOTHING)
        return INT64_MAX;
    want(x, t, action);
    leg = &t->legs[action_side(action)];
    if (leg->acting != ACT_NOTHING)
        return INT64_MAX;
    if (leg->acted == action && leg->again_us > execution_time(x))
        return leg->again_us;
    leg->acting = action;
    if (action_is_lock(action))
        leg->asked = true;
    request(x, TRANSFER_ACT, t, leg, transfer_action_name(action));
    return INT64_MAX;
}

static bool has_outside(const struct transfer *t)
{
    return leg_kind_known(&t->legs[SIDE_SOURCE])->outside ||
           leg_kind_known(&t->legs[SIDE_DESTINATION])->outside;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* An outside ledger is asked how the lock stands, once there may be one; one that was refused as well, and
 * one that is said to come never, for both are the word of a server. */
static void look_outside(struct execution *x, const struct transfer *t)
{
    for (size_t i = 0; i < SIDES; i++) {
        const struct leg *leg = &t->legs[i];

        if (leg_kind_known(leg)->outside &&
            (leg->side == SIDE_SOURCE || leg->asked || leg->tries > 0))
            request(x, TRANSFER_LOOK, t, leg, side_name(leg->side));
    }
}

void engine_take_on(struct execution *x, struct transfer *t, bool ask_outside)
{
    int64_t due_us = INT64_MAX;

    for (size_t i = 0; i < STEPS_MOST && !transfer_has_ended(t->state); i++) {
        struct situation s;
        struct decision d;

        look_here(x, t);
        s = engine_situation(x, t);
        fit_destination(&s, t);
        s.destination_expiry_us = t->legs[SIDE_DESTINATION].expiry_us;
        d = transfer_decide(&s);
        if (d.has_event) {
            engine_change(x, t, d.event);
            continue;
        }
        due_us = earlier(d.look_us, act(x, t, d.action));
        due_us = earlier(due_us, stuck_in_action(x, t, d.action, &s));
        break;
    }
    t->awaited = t->awaited && t->legs[SIDE_SOURCE].sight <= SIGHT_NEVER;
    if (!transfer_has_ended(t->state)) {
        if (has_outside(t))
            due_us = earlier(due_us, execution_time(x) + (t->awaited ? POLL_AWAITED_US : POLL_US));
        if (ask_outside)
            look_outside(x, t);
        t->due_us = due_us;
        sweep_request(x, TRANSFER_CLOCK, due_us);
    }
    transfer_write(execution_database(x), t);
}

void engine_retry(struct execution *x, struct transfer *t)
{
    for (size_t i = 0; i < SIDES; i++) {
        t->legs[i].tries = 0;
        t->legs[i].again_us = 0;
    }
    engine_take_on(x, t, true);
}

static void advance(struct execution *x, const struct hash *id, bool ask_outside)
{
    struct transfer *t = memory_new(sizeof(*t));

    if (transfer_read(execution_database(x), id, t) && !transfer_has_ended(t->state))
        engine_take_on(x, t, ask_outside);
    memory_free_pointer(&t);
}

void engine_advance(struct execution *x, const struct hash *id)
{
    advance(x, id, false);
}

void engine_hash_changed(struct execution *x, struct bytes subject)
{
    struct hash hash, id;

    if (subject.size != sizeof(hash.bytes))
        return;
    memcpy(hash.bytes, subject.data, sizeof(hash.bytes));
    if (transfer_find(execution_database(x), &hash, &id))
        advance(x, &id, false);
}

int64_t engine_clock(struct execution *x)
{
    struct hash *due = memory_array(SWEEP_MOST, sizeof(*due));
    size_t count = transfer_list_due(execution_database(x), execution_time(x), SWEEP_MOST, due);

    for (size_t i = 0; i < count; i++)
        advance(x, &due[i], true);
    memory_free_pointer(&due);
    return transfer_first_due(execution_database(x));
}
