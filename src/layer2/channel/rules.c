/* The adjudicator's rules: see rules.h. */
#include "layer2/channel/rules.h"

#include <inttypes.h>

const char *channel_mode_name(enum channel_mode mode)
{
    switch (mode) {
    case CHANNEL_OPEN: return "open";
    case CHANNEL_CHALLENGE: return "challenge";
    case CHANNEL_FINALIZED: return "finalized";
    }
    return "?";
}

const char *case_state_name(enum case_state state)
{
    switch (state) {
    case CASE_NONE: return "none";
    case CASE_OPEN: return "open";
    case CASE_AWARDED: return "awarded";
    case CASE_LAPSED: return "lapsed";
    }
    return "?";
}

struct adjudication adjudication_new(void)
{
    return (struct adjudication){ .finalizes_at_us = NEVER_US, .first_challenge_us = NEVER_US,
                                  .challenger = -1, .evidence_until_us = NEVER_US };
}

enum channel_mode adjudication_mode(const struct adjudication *a, int64_t now_us)
{
    if (a->finalizes_at_us == NEVER_US)
        return CHANNEL_OPEN;
    return now_us < a->finalizes_at_us ? CHANNEL_CHALLENGE : CHANNEL_FINALIZED;
}

static enum status refuse_finalized(const struct adjudication *a, int64_t now_us, struct error *error)
{
    if (adjudication_mode(a, now_us) == CHANNEL_FINALIZED)
        return error_set(error, ERROR_CHANNEL_FINALIZED, "the channel is finalized");
    return OK;
}

static enum status need_higher(const struct adjudication *a, uint64_t turn, struct error *error)
{
    if (turn <= a->turn_record)
        return error_set(error, ERROR_TURN_NOT_INCREASED,
                         "turn %" PRIu64 " is not higher than the %" PRIu64 " on record", turn,
                         a->turn_record);
    return OK;
}

static enum status need_participant(const struct channel_fixed *fixed, int participant, struct error *error)
{
    if (participant < 0 || (size_t)participant >= fixed->participant_count)
        return error_set(error, ERROR_NOT_A_PARTICIPANT, "the signer is none of the %zu participants",
                         fixed->participant_count);
    return OK;
}

/* Whoever challenged with a turn below one that he signed to know of. */
static void remember_cheater(const struct application *application, const struct signed_state *answer,
                             struct adjudication *a)
{
    uint64_t known;

    if (a->challenger >= 0 && (answer->signed_by >> a->challenger & 1) != 0 && application->known != NULL &&
        application->known(&answer->state, &known) && known > a->challenge_turn)
        a->cheaters |= UINT32_C(1) << a->challenger;
}

static void record(struct adjudication *a, const struct signed_state *state)
{
    if (state->state.turn > a->turn_record)
        a->turn_record = state->state.turn;
    a->has_outcome = true;
    a->state = state->hash;
}

/* The same in a channel that goes on. What all signed as its end, nobody judges any more: a case is over, and
 * the time that it added. */
static void record_open(const struct channel_fixed *fixed, struct adjudication *a,
                        const struct signed_state *state)
{
    record(a, state);
    if (!state->state.final || state->signed_by != application_everyone(fixed))
        return;
    if (a->case_state == CASE_OPEN)
        a->first_challenge_us = NEVER_US;
    a->case_state = CASE_LAPSED;
}

static void clear_challenge(struct adjudication *a)
{
    a->finalizes_at_us = NEVER_US;
    a->first_challenge_us = NEVER_US;
    a->challenger = -1;
    a->challenge_turn = 0;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* The state on record, which is supported; or a newer one with what supports it. */
static enum status need_support(const struct application *application, const struct channel_fixed *fixed,
                                const struct signed_state *states, size_t count,
                                const struct adjudication *a, struct error *error)
{
    const struct signed_state *last = &states[count - 1];

    if (a->has_outcome && last->state.turn == a->turn_record) {
        if (hash_equal(&last->hash, &a->state))
            return OK;
        return error_set(error, ERROR_TURN_NOT_INCREASED,
                         "turn %" PRIu64 " is on record with another state; bring that one, or a newer one",
                         a->turn_record);
    }
    return application_supported(application, fixed, states, count, error);
}

enum status rules_challenge(const struct application *application, const struct channel_fixed *fixed,
                            const struct signed_state *states, size_t count, int challenger, int64_t now_us,
                            struct adjudication *a, struct error *error)
{
    const struct signed_state *last;

    TRY(refuse_finalized(a, now_us, error));
    if (count == 0)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "a challenge needs a state");
    last = &states[count - 1];
    if (adjudication_mode(a, now_us) == CHANNEL_CHALLENGE)
        TRY(need_higher(a, last->state.turn, error));
    if (last->state.turn < a->turn_record)
        return error_set(error, ERROR_TURN_DECREASED, "turn %" PRIu64 " is lower than the %" PRIu64
                         " on record", last->state.turn, a->turn_record);
    TRY(need_support(application, fixed, states, count, a, error));
    TRY(need_participant(fixed, challenger, error));
    remember_cheater(application, last, a);
    record_open(fixed, a, last);
    if (a->first_challenge_us == NEVER_US)
        a->first_challenge_us = now_us;
    if (a->case_state != CASE_OPEN)
        a->finalizes_at_us = earlier(now_us + fixed->challenge_period_us,
                                     a->first_challenge_us + fixed->dispute_limit_us);
    a->challenger = challenger;
    a->challenge_turn = last->state.turn;
    return OK;
}

enum status rules_checkpoint(const struct application *application, const struct channel_fixed *fixed,
                             const struct signed_state *states, size_t count, int64_t now_us,
                             struct adjudication *a, bool *cleared, struct error *error)
{
    bool clears;

    TRY(refuse_finalized(a, now_us, error));
    if (count == 0)
        return error_set(error, ERROR_WRONG_NUMBER_OF_STATES, "a checkpoint needs a state");
    TRY(need_higher(a, states[count - 1].state.turn, error));
    TRY(application_supported(application, fixed, states, count, error));
    remember_cheater(application, &states[count - 1], a);
    record_open(fixed, a, &states[count - 1]);
    clears = adjudication_mode(a, now_us) == CHANNEL_CHALLENGE && a->case_state != CASE_OPEN;
    if (clears)
        clear_challenge(a);
    if (cleared != NULL)
        *cleared = clears;
    return OK;
}

/* The channel ends now; a case that was open is no longer needed. */
static void finalize(struct adjudication *a, int64_t now_us)
{
    clear_challenge(a);
    a->finalizes_at_us = now_us;
    if (a->case_state == CASE_OPEN)
        a->case_state = CASE_LAPSED;
}

static enum status need_everyone(const struct channel_fixed *fixed, const struct signed_state *state,
                                 struct error *error)
{
    if (state->signed_by != application_everyone(fixed))
        return error_set(error, ERROR_NOT_UNANIMOUS, "%d of %zu participants signed",
                         __builtin_popcount(state->signed_by), fixed->participant_count);
    return OK;
}

enum status rules_conclude(const struct channel_fixed *fixed, const struct signed_state *state,
                           int64_t now_us, struct adjudication *a, struct error *error)
{
    TRY(refuse_finalized(a, now_us, error));
    if (!state->state.final)
        return error_set(error, ERROR_STATE_NOT_FINAL, "the state of turn %" PRIu64 " is not marked final",
                         state->state.turn);
    TRY(need_everyone(fixed, state, error));
    record(a, state);
    finalize(a, now_us);
    a->cheaters = 0; /* all of them agreed to this end */
    return OK;
}

void rules_timeout(struct adjudication *a)
{
    if (a->case_state == CASE_OPEN)
        a->case_state = CASE_LAPSED;
}

/* --- withdrawing ------------------------------------------------------------------------------ */
static enum status need_held(const struct channel_fixed *fixed, const struct channel_state *state,
                             const struct allocation *payments, size_t payment_count,
                             const uint64_t *holdings, struct error *error)
{
    const struct channel_state extra = { .allocation_count = payment_count,
                                         .allocations = (struct allocation *)payments };

    for (unsigned asset = 0; asset < fixed->asset_count; asset++) {
        uint64_t allocated, taken;

        if (!channel_outcome_total(state, asset, &allocated) || !channel_outcome_total(&extra, asset, &taken))
            return error_set(error, ERROR_NOT_CONSERVED, "asset %u: the amounts are too large", asset);
        if (allocated + taken > holdings[asset])
            return error_set(error, ERROR_NOT_CONSERVED,
                             "asset %u: %" PRIu64 " are held, less than the %" PRIu64
                             " that stay allocated and %" PRIu64 " that are taken out", asset,
                             holdings[asset], allocated, taken);
    }
    return OK;
}

static enum status check_payments(const struct allocation *payments, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (payments[i].kind != ALLOCATION_SIMPLE || payments[i].amount == 0)
            return error_set(error, ERROR_INVALID_PARAMS, "payment %zu is not an amount to an account", i);
    }
    return OK;
}

enum status rules_withdraw(const struct channel_fixed *fixed, const struct signed_state *state,
                           const struct allocation *payments, size_t payment_count, const uint64_t *holdings,
                           int64_t now_us, struct adjudication *a, struct error *error)
{
    TRY(refuse_finalized(a, now_us, error));
    if (adjudication_mode(a, now_us) != CHANNEL_OPEN)
        return error_set(error, ERROR_WRONG_PHASE, "a challenge is running; clear it by a checkpoint first");
    TRY(need_higher(a, state->state.turn, error));
    TRY(need_everyone(fixed, state, error));
    TRY(check_payments(payments, payment_count, error));
    TRY(need_held(fixed, &state->state, payments, payment_count, holdings, error));
    record_open(fixed, a, state);
    return OK;
}

enum status rules_withdraw_rest(const struct channel_fixed *fixed, const struct signed_state *state,
                                const struct allocation *payments, size_t payment_count,
                                const struct channel_state *owes, const uint64_t *holdings,
                                struct adjudication *a, struct error *error)
{
    if (!state->state.final || state->state.allocation_count > 0)
        return error_set(error, ERROR_CHANNEL_FINALIZED,
                         "the channel has ended: only a final state that gives nothing takes out the rest");
    TRY(need_higher(a, state->state.turn, error));
    TRY(need_everyone(fixed, state, error));
    TRY(check_payments(payments, payment_count, error));
    TRY(need_held(fixed, owes, payments, payment_count, holdings, error));
    a->turn_record = state->state.turn;
    return OK;
}

/* --- arbitration ------------------------------------------------------------------------------ */
enum status rules_open_case(const struct channel_fixed *fixed, int opener, int64_t now_us,
                            struct adjudication *a, struct error *error)
{
    int64_t window_us = fixed->arbitration_window_us, end_us;

    TRY(refuse_finalized(a, now_us, error));
    if (fixed->arbiter_count == 0)
        return error_set(error, ERROR_NO_ARBITERS, "the channel names no arbiters");
    TRY(need_participant(fixed, opener, error));
    if (a->case_state == CASE_LAPSED)
        return error_set(error, ERROR_WRONG_PHASE,
                         "all signed a final state: 'channel.conclude' ends with it");
    if (a->case_state != CASE_NONE)
        return error_set(error, ERROR_CASE_EXISTS, "the channel's case is %s",
                         case_state_name(a->case_state));
    if (!a->has_outcome)
        return error_set(error, ERROR_NO_STATE, "the ledger has no state of the channel to judge on");
    a->evidence_until_us = now_us + window_us;
    end_us = later(now_us + fixed->challenge_period_us, later(a->finalizes_at_us, a->evidence_until_us));
    a->finalizes_at_us = end_us + window_us;
    a->case_state = CASE_OPEN;
    if (a->challenger < 0) { /* else the challenge that is running stays his who made it */
        a->first_challenge_us = now_us;
        a->challenger = opener;
        a->challenge_turn = a->turn_record;
    }
    return OK;
}

static enum status need_case(const struct adjudication *a, struct error *error)
{
    if (a->case_state == CASE_NONE)
        return error_set(error, ERROR_CASE_NOT_FOUND, "nobody opened a case");
    if (a->case_state == CASE_LAPSED)
        return error_set(error, ERROR_CASE_CLOSED, "all signed a final state: nothing is left to judge");
    if (a->case_state != CASE_OPEN)
        return error_set(error, ERROR_CASE_CLOSED, "the case is %s", case_state_name(a->case_state));
    return OK;
}

enum status rules_evidence(const struct adjudication *a, int64_t now_us, struct error *error)
{
    TRY(refuse_finalized(a, now_us, error));
    TRY(need_case(a, error));
    if (now_us >= a->evidence_until_us)
        return error_set(error, ERROR_CASE_CLOSED, "evidence was taken for one window, which has passed");
    return OK;
}

enum status rules_fee_takers(const struct channel_fixed *fixed, const struct channel_state *award,
                             uint32_t *takers, struct error *error)
{
    uint32_t all = (UINT32_C(1) << fixed->arbiter_count) - 1, named = all;

    if (award->data.size == 2)
        named = (uint32_t)award->data.data[0] << 8 | award->data.data[1];
    if ((award->data.size != 0 && award->data.size != 2) || named == 0 || (named & ~all) != 0)
        return error_set(error, ERROR_AWARD_OUT_OF_BOUNDS,
                         "data: two bytes are expected that name some of the %zu arbiters, or none",
                         fixed->arbiter_count);
    *takers = named;
    return OK;
}

/* What an award gives out of one asset, and the fee in it. */
static enum status check_amounts(const struct channel_fixed *fixed, uint64_t on_record, uint64_t held,
                                 uint64_t given, uint64_t fee, unsigned asset, struct error *error)
{
    uint64_t most = on_record > held ? on_record : held, base = given < held ? given : held;
    uint64_t fee_most = (uint64_t)((unsigned __int128)base * fixed->arbitration_fee_ppm / CHANNEL_PPM);

    if (fee > fee_most)
        return error_set(error, ERROR_AWARD_OUT_OF_BOUNDS,
                         "asset %u: a fee of %" PRIu64 " is over the %" PRIu64 " allowed", asset, fee,
                         fee_most);
    if (given < on_record || given > most)
        return error_set(error, ERROR_AWARD_OUT_OF_BOUNDS,
                         "asset %u: award and fee give %" PRIu64 ", not %" PRIu64 " … %" PRIu64, asset, given,
                         on_record, most);
    return OK;
}

static enum status check_award(const struct channel_fixed *fixed, const struct channel_state *on_record,
                               const struct channel_state *award, const uint64_t *fees,
                               const uint64_t *holdings, struct error *error)
{
    for (unsigned asset = 0; asset < fixed->asset_count; asset++) {
        uint64_t recorded, allocated;

        if (!channel_outcome_total(on_record, asset, &recorded) ||
            !channel_outcome_total(award, asset, &allocated))
            return error_set(error, ERROR_AWARD_OUT_OF_BOUNDS, "asset %u: the amounts are too large", asset);
        TRY(check_amounts(fixed, recorded, holdings[asset], allocated + fees[asset], fees[asset], asset,
                          error));
    }
    return OK;
}

enum status rules_award(const struct channel_fixed *fixed, const struct channel_state *on_record,
                        const struct channel_state *award, const uint64_t *fees, const uint64_t *holdings,
                        uint32_t signers, int64_t now_us, struct adjudication *a, struct error *error)
{
    TRY(refuse_finalized(a, now_us, error));
    TRY(need_case(a, error));
    if (now_us < a->evidence_until_us)
        return error_set(error, ERROR_WRONG_PHASE, "evidence is still taken; an award comes after that");
    if ((unsigned)__builtin_popcount(signers) < fixed->arbiter_threshold)
        return error_set(error, ERROR_MISSING_SIGNATURE, "%d of the arbiters signed; %u must",
                         __builtin_popcount(signers), fixed->arbiter_threshold);
    if (award->turn != a->turn_record)
        return error_set(error, ERROR_WRONG_TURN, "the award judges turn %" PRIu64 "; on record is %" PRIu64,
                         award->turn, a->turn_record);
    TRY(check_award(fixed, on_record, award, fees, holdings, error));
    finalize(a, now_us);
    a->case_state = CASE_AWARDED;
    a->has_outcome = true;
    a->cheaters = 0; /* the arbiters have judged */
    return OK;
}
