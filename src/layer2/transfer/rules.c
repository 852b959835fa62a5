/* The rules of a transfer: see rules.h. */
#include "layer2/transfer/rules.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* --- states ----------------------------------------------------------------------------------- */
struct transition {
    enum transfer_state from;
    enum transfer_event event;
    enum transfer_state to;
};

static const struct transition transitions[] = {
    { TRANSFER_INITIATED, TRANSFER_SOURCE_IS_LOCKED, TRANSFER_SOURCE_LOCKED },
    { TRANSFER_INITIATED, TRANSFER_TOO_LATE, TRANSFER_EXPIRED },
    { TRANSFER_INITIATED, TRANSFER_CANCEL, TRANSFER_CANCELLED },
    { TRANSFER_INITIATED, TRANSFER_REFUSED, TRANSFER_FAILED },
    { TRANSFER_INITIATED, TRANSFER_WENT_BACK, TRANSFER_REFUNDED },
    { TRANSFER_SOURCE_LOCKED, TRANSFER_DESTINATION_IS_LOCKED, TRANSFER_DESTINATION_LOCKED },
    { TRANSFER_SOURCE_LOCKED, TRANSFER_WENT_BACK, TRANSFER_REFUNDED },
    { TRANSFER_SOURCE_LOCKED, TRANSFER_ONE_SIDED, TRANSFER_LOST },
    { TRANSFER_DESTINATION_LOCKED, TRANSFER_DESTINATION_IS_CLAIMED, TRANSFER_CLAIMED },
    { TRANSFER_DESTINATION_LOCKED, TRANSFER_WENT_BACK, TRANSFER_REFUNDED },
    { TRANSFER_DESTINATION_LOCKED, TRANSFER_ONE_SIDED, TRANSFER_LOST },
    { TRANSFER_CLAIMED, TRANSFER_SOURCE_IS_CLAIMED, TRANSFER_SETTLED },
    { TRANSFER_CLAIMED, TRANSFER_ONE_SIDED, TRANSFER_LOST },
};

bool transfer_next(enum transfer_state state, enum transfer_event event, enum transfer_state *next)
{
    for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        if (transitions[i].from == state && transitions[i].event == event) {
            *next = transitions[i].to;
            return true;
        }
    }
    return false;
}

const char *transfer_state_name(enum transfer_state state)
{
    switch (state) {
    case TRANSFER_INITIATED: return "initiated";
    case TRANSFER_SOURCE_LOCKED: return "source_locked";
    case TRANSFER_DESTINATION_LOCKED: return "destination_locked";
    case TRANSFER_CLAIMED: return "claimed";
    case TRANSFER_SETTLED: return "settled";
    case TRANSFER_REFUNDED: return "refunded";
    case TRANSFER_EXPIRED: return "expired";
    case TRANSFER_CANCELLED: return "cancelled";
    case TRANSFER_FAILED: return "failed";
    case TRANSFER_LOST: return "lost";
    }
    INVARIANT(false, "a transfer's state %d", (int)state);
}

bool transfer_has_ended(enum transfer_state state)
{
    return state >= TRANSFER_SETTLED;
}

const char *sight_name(enum sight sight)
{
    switch (sight) {
    case SIGHT_NONE: return "none";
    case SIGHT_NEVER: return "never";
    case SIGHT_SHALLOW: return "shallow";
    case SIGHT_LOCKED: return "locked";
    case SIGHT_CLAIMING: return "claiming";
    case SIGHT_CLAIMED: return "claimed";
    case SIGHT_RETURNED: return "returned";
    }
    INVARIANT(false, "a sight %d", (int)sight);
}

const char *transfer_action_name(enum transfer_action action)
{
    switch (action) {
    case ACT_NOTHING: return "nothing";
    case ACT_LOCK_SOURCE: return "lock_source";
    case ACT_LOCK_DESTINATION: return "lock_destination";
    case ACT_CLAIM_DESTINATION: return "claim_destination";
    case ACT_CLAIM_SOURCE: return "claim_source";
    case ACT_REFUND_DESTINATION: return "refund_destination";
    case ACT_REFUND_SOURCE: return "refund_source";
    }
    INVARIANT(false, "an action %d", (int)action);
}

/* --- time ------------------------------------------------------------------------------------- */
static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t timelock_gap(const struct leg_timing *source, const struct leg_timing *destination)
{
    return destination->skew_us + source->reaction_us + source->depth_us + source->skew_us;
}

/* From the moment in which the destination is locked for good until its claim is. */
static int64_t claim_time(const struct leg_timing *destination)
{
    return destination->depth_us + destination->skew_us;
}

int64_t timelock_destination_least(const struct leg_timing *destination)
{
    return larger(destination->depth_us + destination->reaction_us + claim_time(destination),
                  destination->least_us);
}

int64_t timelock_least(const struct leg_timing *source, const struct leg_timing *destination)
{
    return source->depth_us + source->reaction_us + destination->reaction_us +
           timelock_destination_least(destination) + timelock_gap(source, destination);
}

int64_t timelock_most(const struct leg_timing *source, const struct leg_timing *destination)
{
    return source->most_us > 0 ? source->most_us
                               : larger(TIMEOUT_MOST_US, 2 * timelock_least(source, destination));
}

bool timelocks_plan(const struct leg_timing *source, const struct leg_timing *destination, int64_t now_us,
                    int64_t timeout_us, struct timelocks *plan)
{
    if (timeout_us < timelock_least(source, destination) || timeout_us > timelock_most(source, destination))
        return false;
    plan->source_us = now_us + timeout_us;
    plan->destination_us = plan->source_us - timelock_gap(source, destination);
    plan->lock_until_us = smaller(plan->destination_us - timelock_destination_least(destination) -
                                      destination->reaction_us - source->depth_us,
                                  now_us + LOCK_WINDOW_US + smaller(source->depth_us, LOCK_WINDOW_US));
    return true;
}

/* --- what is to be done ----------------------------------------------------------------------- */
static bool is_held(enum sight sight)
{
    return sight == SIGHT_SHALLOW || sight == SIGHT_LOCKED;
}

bool sight_is_claim(enum sight sight)
{
    return sight == SIGHT_CLAIMING || sight == SIGHT_CLAIMED;
}

enum sight sight_to_keep(enum transfer_state state, bool is_destination, enum sight before,
                         enum sight shown)
{
    return is_destination && state == TRANSFER_CLAIMED ? before : shown;
}

bool transfer_may_lock_destination(const struct situation *s)
{
    return s->state == TRANSFER_SOURCE_LOCKED && s->source == SIGHT_LOCKED && !s->cancelled &&
           s->destination_expiry_us > 0 &&
           s->source_expiry_us - s->destination_expiry_us >=
               timelock_gap(&s->source_timing, &s->destination_timing) &&
           s->now_us + timelock_destination_least(&s->destination_timing) <= s->destination_expiry_us;
}

bool transfer_may_reveal(const struct situation *s)
{
    if (!s->has_secret || s->destination != SIGHT_LOCKED || s->destination_expiry_us == 0)
        return false;
    if (s->preimage_known) /* it is out: all that is left is to be in time */
        return s->now_us < s->destination_expiry_us;
    return s->state == TRANSFER_DESTINATION_LOCKED && s->source == SIGHT_LOCKED &&
           s->now_us + claim_time(&s->destination_timing) < s->destination_expiry_us;
}

/* Nothing is held on the destination, and nothing will be. */
static bool destination_is_over(const struct situation *s)
{
    if (s->destination == SIGHT_RETURNED || s->destination == SIGHT_NEVER)
        return true;
    return s->destination == SIGHT_NONE && !s->destination_asked && s->state <= TRANSFER_SOURCE_LOCKED &&
           (s->cancelled ||
            (s->state == TRANSFER_SOURCE_LOCKED &&
             s->now_us + timelock_destination_least(&s->destination_timing) > s->destination_expiry_us));
}

static struct decision event(enum transfer_event event)
{
    return (struct decision){ .has_event = true, .event = event, .look_us = INT64_MAX };
}

static void sooner(struct decision *d, const struct situation *s, int64_t time_us)
{
    if (time_us > s->now_us && time_us < d->look_us)
        d->look_us = time_us;
}

/* Nothing is locked yet. */
static struct decision decide_initiated(const struct situation *s)
{
    struct decision d = { .look_us = INT64_MAX };

    if (s->source == SIGHT_LOCKED || sight_is_claim(s->source))
        return event(TRANSFER_SOURCE_IS_LOCKED);
    if (s->source == SIGHT_RETURNED)
        return event(TRANSFER_WENT_BACK);
    if (s->source == SIGHT_SHALLOW)
        return d;
    if (s->source_refused)
        return event(TRANSFER_REFUSED);
    if (s->source == SIGHT_NEVER)
        return event(s->cancelled ? TRANSFER_CANCEL : TRANSFER_TOO_LATE);
    if (s->now_us < s->lock_until_us && !s->cancelled) {
        d.action = s->locks_source ? ACT_LOCK_SOURCE : ACT_NOTHING;
        sooner(&d, s, s->lock_until_us);
    }
    return d;
}

/* Nothing is held on the source any more, and the provider has not got it: a lock that was there to stay, and
 * went with its block all the same, included. */
static bool source_is_gone(const struct situation *s)
{
    return s->source == SIGHT_RETURNED || s->source == SIGHT_NEVER;
}

/* Both sides came to their end? */
static bool decide_end(const struct situation *s, struct decision *d)
{
    if (sight_is_claim(s->destination) || s->state == TRANSFER_CLAIMED) {
        if (s->destination != SIGHT_CLAIMED && s->state != TRANSFER_CLAIMED)
            return false;
        if (s->state == TRANSFER_SOURCE_LOCKED)
            *d = event(TRANSFER_DESTINATION_IS_LOCKED);
        else if (s->state == TRANSFER_DESTINATION_LOCKED)
            *d = event(TRANSFER_DESTINATION_IS_CLAIMED);
        else if (s->source == SIGHT_CLAIMED)
            *d = event(TRANSFER_SOURCE_IS_CLAIMED);
        else if (source_is_gone(s))
            *d = event(TRANSFER_ONE_SIDED);
        else
            return false;
        return true;
    }
    if (source_is_gone(s) && destination_is_over(s))
        *d = event(TRANSFER_WENT_BACK);
    else if (s->source == SIGHT_CLAIMED && destination_is_over(s))
        *d = event(TRANSFER_ONE_SIDED);
    else
        return false;
    return true;
}

static enum transfer_action decide_action(const struct situation *s)
{
    /* What is the provider's comes first: no wait makes it safer. */
    if (s->preimage_known && is_held(s->source))
        return ACT_CLAIM_SOURCE;
    if (transfer_may_lock_destination(s) && s->destination == SIGHT_NONE)
        return ACT_LOCK_DESTINATION;
    if (transfer_may_reveal(s))
        return ACT_CLAIM_DESTINATION;
    if (is_held(s->destination) && s->now_us >= s->destination_expiry_us)
        return ACT_REFUND_DESTINATION;
    if (is_held(s->source) && !s->preimage_known && destination_is_over(s) &&
        (s->returns_early || (s->locks_source && s->now_us >= s->source_expiry_us)))
        return ACT_REFUND_SOURCE;
    return ACT_NOTHING;
}

struct decision transfer_decide(const struct situation *s)
{
    struct decision d = { .look_us = INT64_MAX };

    if (transfer_has_ended(s->state))
        return d;
    if (s->state == TRANSFER_INITIATED)
        return decide_initiated(s);
    if (decide_end(s, &d))
        return d;
    if (s->state == TRANSFER_SOURCE_LOCKED && s->destination == SIGHT_LOCKED)
        return event(TRANSFER_DESTINATION_IS_LOCKED);
    d.action = decide_action(s);
    sooner(&d, s, s->destination_expiry_us - timelock_destination_least(&s->destination_timing) + 1);
    sooner(&d, s, s->destination_expiry_us);
    sooner(&d, s, s->source_expiry_us);
    return d;
}

const char *transfer_loser(enum sight source)
{
    return source == SIGHT_CLAIMED ? "recipient" : "provider";
}

/* --- what is started and not locked, and what does not go on ------------------------------------ */
bool transfer_may_wait(uint64_t amount, uint64_t sum, uint64_t daily)
{
    uint64_t share = daily / AWAITED_SHARE;

    return sum <= share && amount <= share - sum;
}

int64_t stuck_tell_us(int64_t since_us, int64_t usual_us, int64_t told_us, int64_t window_us)
{
    return told_us == 0 ? since_us + usual_us + window_us
                        : told_us + larger(window_us, STUCK_AGAIN_LEAST_US);
}

int64_t transfer_deadline(enum transfer_action action, const struct situation *s)
{
    switch (action) {
    case ACT_NOTHING:
    case ACT_REFUND_DESTINATION: /* what is due to go back waits */
    case ACT_REFUND_SOURCE:
        return 0;
    case ACT_LOCK_SOURCE:
        return s->lock_until_us;
    case ACT_LOCK_DESTINATION:
        return s->destination_expiry_us - timelock_destination_least(&s->destination_timing);
    case ACT_CLAIM_DESTINATION:
        return s->destination_expiry_us;
    case ACT_CLAIM_SOURCE:
        return s->source_expiry_us;
    }
    INVARIANT(false, "an action %d", (int)action);
}

/* --- money ------------------------------------------------------------------------------------ */
bool transfer_fee(uint64_t amount, uint64_t fixed, uint64_t ppm, uint64_t *fee)
{
    unsigned __int128 sum;

    if (amount > INTEGER_MAX || fixed > INTEGER_MAX || ppm > TRANSFER_PPM_MAX)
        return false;
    sum = fixed + ((unsigned __int128)amount * ppm + TRANSFER_PPM_MAX - 1) / TRANSFER_PPM_MAX;
    if (sum + amount > INTEGER_MAX)
        return false;
    *fee = (uint64_t)sum;
    return true;
}

int64_t transfer_day(int64_t time_us)
{
    return time_us / DAY_US;
}
