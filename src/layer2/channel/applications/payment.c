/* payment: two participants pay each other, at once or by hash-locks (HTLCs), many of them pending.
 *
 * Terms: reserve of participant 0 [8] ‖ reserve of participant 1 [8] ‖ least payment [8] ‖ largest payment
 * [8] ‖ hash-locks that each side may offer [2], 1 … 483. Outcome: one simple entry for each participant,
 * then the hash-locks, oldest first. data = turn of the state before, which both had signed [8] ‖ preimages
 * of the hash-locks that this step fulfils, in their order [32 each].
 *
 * A step is one mover's: he may give, offer hash-locks out of his own share, and end hash-locks: those that
 * were offered to him by their preimage (he gets the amount) or by giving it back; those that he offered only
 * by giving the amount to the other side. So the other side never loses but to a preimage, and may sign every
 * step at once that comes before the hash-lock's expiry. A channel that was topped up gives the mover what it
 * has more.
 *
 * Support: both signatures. `known` is the turn of the state before: who challenges below it has cheated. */
#include <string.h>

#include "crypto/hash.h"
#include "layer2/channel/applications/applications.h"

#define SIDES 2
#define TERMS_SIZE (4 * 8 + 2)
#define HASHLOCKS_MOST 483 /* BOLT 2, max_accepted_htlcs */

struct payment_terms payment_terms_read(const struct channel_fixed *fixed)
{
    const uint8_t *at = fixed->terms.data;

    return (struct payment_terms){ .reserve = { get_be64(at), get_be64(at + 8) }, .least = get_be64(at + 16),
                           .largest = get_be64(at + 24), .locks = (unsigned)at[32] << 8 | at[33] };
}

static enum status fixed_ok(const struct channel_fixed *fixed, struct error *error)
{
    struct payment_terms t;

    if (fixed->participant_count != SIDES || fixed->asset_count != 1)
        return error_set(error, ERROR_INVALID_PARAMS, "payment is for two participants and one asset");
    if (fixed->terms.size != TERMS_SIZE)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "terms: reserves, least and largest payment [8 each], hash-locks [2] are expected");
    t = payment_terms_read(fixed);
    if (t.reserve[0] > INTEGER_MAX || t.reserve[1] > INTEGER_MAX || t.least < 1 || t.largest < t.least ||
        t.largest > INTEGER_MAX || t.locks < 1 || t.locks > HASHLOCKS_MOST)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "terms: 1 ≤ least ≤ largest ≤ 2^53−1, and 1 … 483 hash-locks a side");
    return OK;
}

int payment_offerer(const struct channel_fixed *fixed, const struct allocation *a)
{
    for (int side = 0; side < SIDES; side++) {
        if (a->kind == ALLOCATION_HASHLOCK && account_equal(&a->refund, &fixed->participants[side]) &&
            account_equal(&a->account, &fixed->participants[1 - side]))
            return side;
    }
    return -1;
}

static enum status check_shape(const struct channel_fixed *fixed, const struct channel_state *state,
                               struct error *error)
{
    unsigned locks[SIDES] = { 0, 0 }, most = payment_terms_read(fixed).locks;

    if (state->allocation_count < SIDES || state->data.size < 8 || (state->data.size - 8) % 32 != 0)
        return error_set(error, ERROR_INVALID_OUTCOME,
                         "two entries, and the turn before as data are expected");
    for (size_t i = 0; i < SIDES; i++) {
        if (state->allocations[i].kind != ALLOCATION_SIMPLE ||
            !account_equal(&state->allocations[i].account, &fixed->participants[i]))
            return error_set(error, ERROR_INVALID_OUTCOME, "entry %zu is not participant %zu's", i, i);
    }
    for (size_t i = SIDES; i < state->allocation_count; i++) {
        int side = payment_offerer(fixed, &state->allocations[i]);

        if (side < 0 || ++locks[side] > most)
            return error_set(error, ERROR_INVALID_OUTCOME,
                             "entry %zu is no hash-lock between the two, or one too many", i);
    }
    return OK;
}

bool payment_is_shaped(const struct channel_fixed *fixed, const struct channel_state *state)
{
    struct error error;

    return check_shape(fixed, state, &error) == OK;
}

static enum status init_ok(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error)
{
    TRY(check_shape(fixed, state, error));
    if (state->allocation_count != SIDES || state->data.size != 8 || get_be64(state->data.data) != 0)
        return error_set(error, ERROR_INVALID_OUTCOME,
                         "nothing is pending at first, and data is eight zeros");
    return OK;
}

static bool same_lock(const struct allocation *a, const struct allocation *b)
{
    return a->amount == b->amount && a->expiry_us == b->expiry_us && hash_equal(&a->hash, &b->hash) &&
           account_equal(&a->account, &b->account) && account_equal(&a->refund, &b->refund);
}

/* A step under examination: what each side has, entry by entry. */
struct step {
    const struct channel_fixed *fixed;
    const struct channel_state *previous, *next;
    struct payment_terms terms;
    size_t mover;
    uint64_t shares[SIDES]; /* as they follow from what was seen so far */
    const uint8_t *preimage; /* the next one that was not used */
    size_t preimages;
    bool spends;            /* the mover gave or offered something */
    int64_t now_us;         /* what expired until then, and */
    bool is_late;           /* whether some of it is claimed */
};

/* The next preimage fits: the lock is fulfilled. */
static bool uses_preimage(struct step *s, const struct allocation *lock)
{
    struct hash hash;

    if (s->preimages == 0)
        return false;
    sha256(&hash, s->preimage, 32);
    if (!hash_equal(&hash, &lock->hash))
        return false;
    s->preimage += 32;
    s->preimages--;
    return true;
}

/* A lock that is there no more: whose amount it is now. */
static void end_lock(struct step *s, const struct allocation *lock)
{
    size_t offered_by = (size_t)payment_offerer(s->fixed, lock);

    bool claimed = offered_by != s->mover && uses_preimage(s, lock);

    s->is_late |= claimed && lock->expiry_us <= s->now_us;
    s->shares[offered_by == s->mover || claimed ? 1 - offered_by : offered_by] += lock->amount;
}

static enum status add_lock(struct step *s, const struct allocation *lock, struct error *error)
{
    if ((size_t)payment_offerer(s->fixed, lock) != s->mover)
        return error_set(error, ERROR_INVALID_TRANSITION, "who moves offers his own value alone");
    if (lock->amount < s->terms.least || lock->amount > s->terms.largest)
        return error_set(error, ERROR_INVALID_TRANSITION, "a payment is not between least and largest");
    if (s->shares[s->mover] < lock->amount)
        return error_set(error, ERROR_INVALID_TRANSITION, "the mover does not have what he offers");
    s->shares[s->mover] -= lock->amount;
    s->spends = true;
    s->is_late |= lock->expiry_us <= s->now_us || lock->expiry_us - s->now_us > PAYMENT_EXPIRY_MOST_US;
    return OK;
}

/* Locks that stay keep their order; new ones stand behind them. */
static enum status compare_locks(struct step *s, struct error *error)
{
    size_t at = SIDES;

    for (size_t i = SIDES; i < s->previous->allocation_count; i++) {
        const struct allocation *lock = &s->previous->allocations[i];

        if (at < s->next->allocation_count && same_lock(lock, &s->next->allocations[at]))
            at++;
        else
            end_lock(s, lock);
    }
    for (; at < s->next->allocation_count; at++)
        TRY(add_lock(s, &s->next->allocations[at], error));
    if (s->preimages != 0)
        return error_set(error, ERROR_INVALID_TRANSITION, "a preimage unlocks nothing that this step ends");
    return OK;
}

/* What is left to explain is a gift of the mover's; or what he paid in, to a channel that is worth more now.
 */
static enum status compare_shares(struct step *s, struct error *error)
{
    uint64_t mine = s->next->allocations[s->mover].amount, other = s->next->allocations[1 - s->mover].amount;
    uint64_t before, after;

    if (!channel_outcome_total(s->previous, 0, &before) || !channel_outcome_total(s->next, 0, &after))
        return error_set(error, ERROR_INVALID_OUTCOME, "the outcome adds up to more than 2^53−1");
    if (after > before)
        s->shares[s->mover] += after - before;
    if (mine > s->shares[s->mover] || other < s->shares[1 - s->mover] ||
        s->shares[s->mover] - mine != other - s->shares[1 - s->mover])
        return error_set(error, ERROR_INVALID_TRANSITION, "the mover takes what is not his");
    s->spends |= mine < s->shares[s->mover];
    if (s->spends && mine < s->terms.reserve[s->mover])
        return error_set(error, ERROR_INVALID_TRANSITION, "the mover would have less than his reserve");
    return OK;
}

static void begin(struct step *s)
{
    s->terms = payment_terms_read(s->fixed);
    s->shares[0] = s->previous->allocations[0].amount;
    s->shares[1] = s->previous->allocations[1].amount;
    s->preimage = s->next->data.data + 8;
    s->preimages = (s->next->data.size - 8) / 32;
}

static enum status next_ok(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error)
{
    struct step s = { .fixed = fixed, .previous = previous, .next = next, .mover = mover };

    TRY(check_shape(fixed, previous, error));
    TRY(check_shape(fixed, next, error));
    if (next->turn <= CHANNEL_TURN_POSTFUND)
        return init_ok(fixed, next, error);
    if (mover >= SIDES)
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "participant %zu does not pay here", mover);
    if (get_be64(next->data.data) != previous->turn)
        return error_set(error, ERROR_INVALID_TRANSITION, "data does not name the turn before");
    begin(&s);
    TRY(compare_locks(&s, error));
    return compare_shares(&s, error);
}

static bool is_late(const struct channel_fixed *fixed, const struct channel_state *previous,
                    const struct channel_state *next, size_t mover, int64_t now_us)
{
    struct step s = { .fixed = fixed, .previous = previous, .next = next, .mover = mover, .now_us = now_us };
    struct error error;

    if (next->turn <= CHANNEL_TURN_POSTFUND || next->final)
        return false;
    if (!payment_is_shaped(fixed, previous) || !payment_is_shaped(fixed, next))
        return true;
    begin(&s);
    return compare_locks(&s, &error) != OK || s.is_late;
}

/* As a step that gives: who takes out keeps his reserve, and data names the turn before. */
static enum status take_out(const struct channel_fixed *fixed, const struct channel_state *previous,
                            struct channel_state *next, size_t mover, struct arena *arena,
                            struct error *error)
{
    uint8_t *before = arena_new(arena, 8);

    put_be64(before, previous->turn);
    next->data = bytes_of(before, 8);
    TRY(check_shape(fixed, next, error));
    if (next->allocations[mover].amount < payment_terms_read(fixed).reserve[mover])
        return error_set(error, ERROR_INVALID_TRANSITION, "the mover would have less than his reserve");
    return OK;
}

static bool known(const struct channel_state *state, uint64_t *turn)
{
    if (state->turn <= CHANNEL_TURN_POSTFUND || state->data.size < 8)
        return false;
    *turn = get_be64(state->data.data);
    return true;
}

const struct application application_payment = {
    .name = "payment",
    .help = "Two participants pay each other, at once or by hash-locks.",
    .fixed_ok = fixed_ok,
    .init_ok = init_ok,
    .next_ok = next_ok,
    .known = known,
    .is_late = is_late,
    .take_out = take_out,
    .next_is_safe = true,
};
