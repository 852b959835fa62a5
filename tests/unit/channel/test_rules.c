/* The adjudicator's rules by themselves: every refusal beside its rule, and what must hold in random
 * histories. */
#include "test_channel.h"

#define NOW_US (1000 * MINUTE)
#define ALL_THREE 7u

/* data: the turn that signers of this state know of (8 bytes); otherwise consensus. */
static bool known_turn(const struct channel_state *state, uint64_t *turn)
{
    if (state->data.size != 8)
        return false;
    *turn = get_be64(state->data.data);
    return true;
}

static const struct application telling = { .name = "telling", .known = known_turn };

static struct signed_state signed_turn(uint64_t turn, uint32_t signed_by)
{
    return (struct signed_state){ .state = { .turn = turn }, .signed_by = signed_by };
}

static struct adjudication open_at(uint64_t turn)
{
    struct adjudication a = adjudication_new();

    a.turn_record = turn;
    a.has_outcome = true;
    return a;
}

/* --- challenges and their end ----------------------------------------------------------------- */
static void challenge_ends_after_its_period_and_not_before(void **state)
{
    struct channel_fixed fixed = fixed_of(3, "telling");
    struct signed_state s = signed_turn(5, ALL_THREE), newer = signed_turn(6, ALL_THREE);
    struct adjudication a = open_at(0), at_end;
    struct error error = { .message = "" };

    (void)state;
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 1, NOW_US, &a, &error), OK);
    assert_true(a.finalizes_at_us == NOW_US + fixed.challenge_period_us);
    assert_int_equal(adjudication_mode(&a, a.finalizes_at_us - 1), CHANNEL_CHALLENGE);
    assert_int_equal(adjudication_mode(&a, a.finalizes_at_us), CHANNEL_FINALIZED); /* now >= deadline */
    at_end = a;
    assert_status(rules_checkpoint(&telling, &fixed, &newer, 1, a.finalizes_at_us, &at_end, NULL, &error),
                  ERROR_CHANNEL_FINALIZED);
    assert_status(rules_checkpoint(&telling, &fixed, &newer, 1, a.finalizes_at_us - 1, &at_end, NULL, &error),
                  OK);
    assert_int_equal(adjudication_mode(&at_end, NOW_US), CHANNEL_OPEN);
}

static void turn_on_record_challenges_only_with_its_own_state_which_needs_no_proof(void **state)
{
    struct channel_fixed fixed = fixed_of(3, "telling");
    struct signed_state s = signed_turn(5, ALL_THREE), other = signed_turn(5, ALL_THREE);
    struct adjudication a = adjudication_new(), before;
    struct error error = { .message = "" };

    (void)state;
    other.hash.bytes[0] = 1;
    assert_status(rules_checkpoint(&telling, &fixed, &s, 1, NOW_US, &a, NULL, &error), OK);
    before = a;
    assert_status(rules_challenge(&telling, &fixed, &other, 1, 1, NOW_US, &a, &error),
                  ERROR_TURN_NOT_INCREASED);
    s.signed_by = 0;
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 3, NOW_US, &a, &error), ERROR_NOT_A_PARTICIPANT);
    s.state.turn = 6; /* signed by nobody, and not the one on record */
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 1, NOW_US, &a, &error), ERROR_WRONG_SIGNERS);
    assert_memory_equal(&a, &before, sizeof(a));
    s.state.turn = 5;
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 1, NOW_US, &a, &error), OK);
    assert_int_equal(a.challenger, 1);
}

static void no_chain_of_challenges_passes_the_dispute_limit(void **state)
{
    struct channel_fixed fixed = fixed_of(3, "telling");
    struct adjudication a = open_at(0);
    struct error error = { .message = "" };
    int64_t now_us = NOW_US;

    (void)state;
    for (uint64_t turn = 1; adjudication_mode(&a, now_us) != CHANNEL_FINALIZED; turn++) {
        struct signed_state s = signed_turn(turn, ALL_THREE);

        assert_status(rules_challenge(&telling, &fixed, &s, 1, 0, now_us, &a, &error), OK);
        assert_true(a.finalizes_at_us <= NOW_US + fixed.dispute_limit_us);
        now_us += fixed.challenge_period_us - MINUTE;
    }
    assert_true(a.finalizes_at_us == NOW_US + fixed.dispute_limit_us);
}

static void conclude_needs_a_final_state_of_all(void **state)
{
    struct channel_fixed fixed = fixed_of(3, "telling");
    struct signed_state s = signed_turn(5, 3);
    struct adjudication a = open_at(9);
    struct error error = { .message = "" };

    (void)state;
    assert_status(rules_conclude(&fixed, &s, NOW_US, &a, &error), ERROR_STATE_NOT_FINAL);
    s.state.final = true;
    assert_status(rules_conclude(&fixed, &s, NOW_US, &a, &error), ERROR_NOT_UNANIMOUS);
    s.signed_by = ALL_THREE;
    assert_status(rules_conclude(&fixed, &s, NOW_US, &a, &error), OK);
    assert_int_equal(a.turn_record, 9); /* an older final state ends the channel, the record stays */
    assert_int_equal(adjudication_mode(&a, NOW_US), CHANNEL_FINALIZED);
    assert_status(rules_conclude(&fixed, &s, NOW_US, &a, &error), ERROR_CHANNEL_FINALIZED);
}

/* --- cheating --------------------------------------------------------------------------------- */
static uint32_t cheaters_after(uint64_t challenged, uint64_t answer_turn, uint64_t known, uint32_t signed_by,
                               bool by_challenge)
{
    struct channel_fixed fixed = fixed_of(3, "telling");
    struct signed_state old = signed_turn(challenged, ALL_THREE),
                        answer = signed_turn(answer_turn, signed_by);
    struct application any = telling;
    struct adjudication a = open_at(0);
    struct error error = { .message = "" };
    uint8_t data[8];

    put_be64(data, known);
    answer.state.data = bytes_of(data, sizeof(data));
    assert_status(rules_challenge(&any, &fixed, &old, 1, 1, NOW_US, &a, &error), OK);
    if (by_challenge)
        assert_status(rules_challenge(&any, &fixed, &answer, 1, 2, NOW_US, &a, &error), OK);
    else
        assert_status(rules_checkpoint(&any, &fixed, &answer, 1, NOW_US, &a, NULL, &error), OK);
    return a.cheaters;
}

static void cheater_is_who_challenged_below_what_he_signed_to_know(void **state)
{
    (void)state;
    assert_int_equal(cheaters_after(5, 9, 8, ALL_THREE, false), 1u << 1);
    assert_int_equal(cheaters_after(5, 9, 8, ALL_THREE, true), 1u << 1);
    assert_int_equal(cheaters_after(5, 9, 6, ALL_THREE, false), 1u << 1);
    assert_int_equal(cheaters_after(5, 9, 5, ALL_THREE, false), 0); /* his challenge was the newest he knew */
    assert_int_equal(cheaters_after(5, 9, 0, ALL_THREE, false), 0);
}

static void penalty_is_a_part_of_the_cheaters_own_and_conserves(void **state)
{
    uint64_t seed = random_seed("penalty_is_a_part_of_the_cheaters_own_and_conserves");

    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t count = 2 + random_below(&seed, 5), cheater = random_below(&seed, count);
        struct channel_fixed fixed = fixed_of(count, "telling");
        struct allocation all[64];
        uint64_t amounts[8], before, after, his;
        struct channel_state s;

        for (size_t i = 0; i < count; i++)
            amounts[i] = random_below(&seed, 4) == 0 ? 0 : random_below(&seed, INTEGER_MAX / 8);
        amounts[count] = UINT64_MAX;
        s = state_of(&fixed, 3, amounts, all);
        if (random_below(&seed, 2) == 0)
            s.allocation_count = cheater + 1; /* those behind him have no entry yet */
        fixed.penalty_ppm = (uint32_t)random_below(&seed, CHANNEL_PPM + 1);
        his = channel_outcome_simple(&s, 0, &fixed.participants[cheater]);
        assert_true(channel_outcome_total(&s, 0, &before));
        (void)payout_penalty(&fixed, cheater, &s);
        assert_true(channel_outcome_total(&s, 0, &after));
        assert_true(before == after);
        assert_true(his - channel_outcome_simple(&s, 0, &fixed.participants[cheater]) ==
                    (uint64_t)((unsigned __int128)his * fixed.penalty_ppm / CHANNEL_PPM));
    }
}

/* --- withdrawing ------------------------------------------------------------------------------ */
static void withdrawal_takes_no_more_than_is_held_and_no_longer_allocated(void **state)
{
    struct channel_fixed fixed = fixed_of(2, "telling");
    struct allocation all[4], payment = { .amount = 30, .account = account_number(9) };
    struct channel_state s = state_of(&fixed, 4, (uint64_t[]){ 50, 20, UINT64_MAX }, all);
    struct signed_state with = { .state = s, .signed_by = 3 };
    struct adjudication a = open_at(3), before = a;
    struct error error = { .message = "" };
    uint64_t held = 100, less = 99, more = 101;

    (void)state;
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &less, NOW_US, &a, &error), ERROR_NOT_CONSERVED);
    with.signed_by = 1;
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error), ERROR_NOT_UNANIMOUS);
    with.signed_by = 3;
    with.state.turn = 3;
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error),
                  ERROR_TURN_NOT_INCREASED);
    with.state.turn = 4;
    payment.kind = ALLOCATION_CHANNEL;
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error),
                  ERROR_INVALID_PARAMS);
    payment.kind = ALLOCATION_SIMPLE;
    assert_memory_equal(&a, &before, sizeof(a));
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &more, NOW_US, &before, &error),
                  OK); /* somebody's gift takes nothing from them */
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error), OK);
    assert_int_equal(a.turn_record, 4);
    a.finalizes_at_us = NOW_US + 1;
    with.state.turn = 5;
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error), ERROR_WRONG_PHASE);
}

static void rest_of_a_channel_that_ended_is_taken_by_all_and_once(void **state)
{
    struct channel_fixed fixed = fixed_of(2, "telling");
    struct allocation all[4], payment = { .amount = 7, .account = account_number(9) };
    struct channel_state owes = state_of(&fixed, 4, (uint64_t[]){ 50, 20, UINT64_MAX }, all);
    struct signed_state with = { .state = { .turn = 5, .final = true }, .signed_by = 3 };
    struct adjudication a = open_at(4), before;
    struct error error = { .message = "" };
    uint64_t held = 77, less = 76;

    (void)state;
    a.finalizes_at_us = NOW_US;
    before = a;
#define REST(holdings) rules_withdraw_rest(&fixed, &with, &payment, 1, &owes, holdings, &a, &error)
    assert_status(rules_withdraw(&fixed, &with, &payment, 1, &held, NOW_US, &a, &error),
                  ERROR_CHANNEL_FINALIZED);
    assert_status(REST(&less), ERROR_NOT_CONSERVED); /* what it owes is not touched */
    with.signed_by = 1;
    assert_status(REST(&held), ERROR_NOT_UNANIMOUS);
    with.signed_by = 3;
    with.state.turn = 4;
    assert_status(REST(&held), ERROR_TURN_NOT_INCREASED);
    with.state.turn = 5;
    with.state.final = false;
    assert_status(REST(&held), ERROR_CHANNEL_FINALIZED);
    with.state = owes;
    with.state.turn = 5;
    with.state.final = true;
    assert_status(REST(&held), ERROR_CHANNEL_FINALIZED); /* it gives something */
    with.state.allocation_count = 0;
    assert_memory_equal(&a, &before, sizeof(a));
    assert_status(REST(&held), OK);
    assert_status(REST(&held), ERROR_TURN_NOT_INCREASED);
    assert_true(a.finalizes_at_us == NOW_US);
}

/* --- arbitration ------------------------------------------------------------------------------ */
static struct channel_fixed judged(void)
{
    struct channel_fixed fixed = fixed_of(2, "telling");

    fixed.arbiter_count = 3;
    for (unsigned i = 0; i < 3; i++)
        fixed.arbiters[i] = account_number(20 + i);
    fixed.arbiter_threshold = 2;
    fixed.arbitration_window_us = 60 * MINUTE;
    fixed.arbitration_fee_ppm = 20000;
    return fixed;
}

static void case_is_opened_once_by_a_participant_about_a_state(void **state)
{
    struct channel_fixed fixed = judged(), none = fixed_of(2, "telling");
    struct adjudication a = open_at(3), nothing = adjudication_new();
    struct error error = { .message = "" };

    (void)state;
    assert_status(rules_open_case(&none, 0, NOW_US, &a, &error), ERROR_NO_ARBITERS);
    assert_status(rules_open_case(&fixed, -1, NOW_US, &a, &error), ERROR_NOT_A_PARTICIPANT);
    assert_status(rules_open_case(&fixed, 0, NOW_US, &nothing, &error), ERROR_NO_STATE);
    assert_status(rules_evidence(&a, NOW_US, &error), ERROR_CASE_NOT_FOUND);
    assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
    assert_true(a.finalizes_at_us == NOW_US + 2 * fixed.arbitration_window_us);
    assert_status(rules_open_case(&fixed, 1, NOW_US, &a, &error), ERROR_CASE_EXISTS);
    assert_status(rules_evidence(&a, a.evidence_until_us - 1, &error), OK);
    assert_status(rules_evidence(&a, a.evidence_until_us, &error), ERROR_CASE_CLOSED);
}

static void case_leaves_everybody_a_challenge_period_to_answer(void **state)
{
    struct channel_fixed fixed = judged();
    struct adjudication a = open_at(3), running = a;
    struct signed_state s = signed_turn(4, 3);
    struct error error = { .message = "" };

    (void)state;
    fixed.arbitration_window_us = 1;
    assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
    assert_true(a.finalizes_at_us == NOW_US + fixed.challenge_period_us + 1);
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 0, NOW_US, &running, &error), OK);
    assert_status(rules_open_case(&fixed, 1, running.finalizes_at_us - 1, &running, &error), OK);
    assert_true(running.finalizes_at_us == NOW_US + 2 * fixed.challenge_period_us);
}

static uint32_t cheaters_of_case(int challenger, int opener)
{
    struct channel_fixed fixed = judged();
    struct signed_state old = signed_turn(4, 3), newer = signed_turn(9, 3);
    struct adjudication a = open_at(3);
    struct error error = { .message = "" };
    uint8_t knows[8];

    put_be64(knows, 8);
    newer.state.data = bytes_of(knows, sizeof(knows));
    if (challenger >= 0)
        assert_status(rules_challenge(&telling, &fixed, &old, 1, challenger, NOW_US, &a, &error), OK);
    assert_status(rules_open_case(&fixed, opener, NOW_US, &a, &error), OK);
    assert_status(rules_checkpoint(&telling, &fixed, &newer, 1, NOW_US, &a, NULL, &error), OK);
    return a.cheaters;
}

static void cheater_is_also_who_opens_a_case_below_what_he_signed_to_know(void **state)
{
    (void)state;
    assert_int_equal(cheaters_of_case(-1, 0), 1u << 0);
    assert_int_equal(cheaters_of_case(-1, 1), 1u << 1);
    assert_int_equal(cheaters_of_case(0, 1), 1u << 0); /* he was challenged, and only asked the arbiters */
    assert_int_equal(cheaters_of_case(0, 0), 1u << 0);
}

static void newer_states_raise_the_record_of_a_case_but_not_its_end(void **state)
{
    struct channel_fixed fixed = judged();
    struct signed_state s = signed_turn(4, 3), newer = signed_turn(5, 3);
    struct adjudication a = open_at(3);
    struct error error = { .message = "" };
    int64_t end_us;
    bool cleared = true;

    (void)state;
    assert_status(rules_challenge(&telling, &fixed, &s, 1, 0, NOW_US, &a, &error), OK);
    assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
    end_us = a.finalizes_at_us;
    assert_status(rules_checkpoint(&telling, &fixed, &newer, 1, NOW_US, &a, &cleared, &error), OK);
    assert_false(cleared);
    newer.state.turn = 6;
    assert_status(rules_challenge(&telling, &fixed, &newer, 1, 0, NOW_US, &a, &error), OK);
    assert_int_equal(a.turn_record, 6);
    assert_true(a.finalizes_at_us == end_us);
}

/* By a checkpoint, a challenge or a withdrawal. */
static void what_all_signed_as_the_end_is_not_judged(void **state)
{
    struct channel_fixed fixed = judged();
    struct allocation all[4];
    struct channel_state award = state_of(&fixed, 4, (uint64_t[]){ 1000, 0, UINT64_MAX }, all);
    struct signed_state final = signed_turn(4, 3), alone = signed_turn(4, 1);
    struct error error = { .message = "" };
    uint64_t held = 1000, fee = 0;

    (void)state;
    final.state.final = true;
    alone.state.final = true;
    for (int way = 0; way < 3; way++) {
        struct adjudication a = open_at(3);
        bool cleared = false;

        if (way == 2) { /* the case was there before */
            assert_status(rules_challenge(&telling, &fixed, &(struct signed_state){ .state.turn = 3 }, 1, 0,
                                          NOW_US, &a, &error), OK);
            assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
        }
        if (way == 1)
            assert_status(rules_challenge(&telling, &fixed, &final, 1, 0, NOW_US, &a, &error), OK);
        else
            assert_status(rules_checkpoint(&telling, &fixed, &final, 1, NOW_US, &a, &cleared, &error), OK);
        assert_int_equal(cleared, way == 2); /* the case ends, and the challenge with it */
        assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), ERROR_WRONG_PHASE);
        assert_status(rules_evidence(&a, NOW_US, &error), ERROR_CASE_CLOSED);
        assert_status(rules_award(&fixed, &award, &award, &fee, &held, 3, NOW_US + 1, &a, &error),
                      ERROR_CASE_CLOSED);
        assert_status(rules_conclude(&fixed, &final, NOW_US, &a, &error), OK);
    }
    {
        struct adjudication a = open_at(4); /* called final by one of them: that is no agreement */

        assert_status(rules_challenge(&telling, &fixed, &alone, 1, 0, NOW_US, &a, &error), OK);
        assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
    }
}

#define AWARD(fee, signers, now_us)                                                                \
    rules_award(&fixed, &on_record, &award, &(fee), &held, signers, now_us, &a, &error)

static void award_is_bounded(void **state)
{
    struct channel_fixed fixed = judged();
    struct allocation all[4], recorded[4];
    struct channel_state on_record = state_of(&fixed, 3, (uint64_t[]){ 600, 400, UINT64_MAX }, recorded);
    struct channel_state award = state_of(&fixed, 3, (uint64_t[]){ 700, 290, UINT64_MAX }, all);
    struct adjudication a = open_at(3), before;
    struct error error = { .message = "" };
    uint64_t held = 1000, fee = 10, high = 21, low = 9;
    int64_t now_us;

    (void)state;
    assert_status(AWARD(fee, 3, NOW_US), ERROR_CASE_NOT_FOUND);
    assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
    assert_status(AWARD(fee, 5, a.evidence_until_us - 1), ERROR_WRONG_PHASE);
    now_us = a.evidence_until_us;
    before = a;
    assert_status(AWARD(fee, 4, now_us), ERROR_MISSING_SIGNATURE);
    award.turn = 2;
    assert_status(AWARD(fee, 5, now_us), ERROR_WRONG_TURN);
    award.turn = 3;
    assert_status(AWARD(high, 5, now_us), ERROR_AWARD_OUT_OF_BOUNDS);
    all[0].amount = 701;
    assert_status(AWARD(fee, 5, now_us), ERROR_AWARD_OUT_OF_BOUNDS);
    all[0].amount = 699;
    assert_status(AWARD(fee, 5, now_us), ERROR_AWARD_OUT_OF_BOUNDS);
    all[0].amount = 700;
    assert_status(AWARD(low, 5, now_us), ERROR_AWARD_OUT_OF_BOUNDS); /* 999 of 1000 */
    assert_memory_equal(&a, &before, sizeof(a));
    assert_status(AWARD(fee, 5, a.finalizes_at_us), ERROR_CHANNEL_FINALIZED);
    assert_status(AWARD(fee, 5, now_us), OK);
    assert_int_equal(a.case_state, CASE_AWARDED);
    assert_status(AWARD(fee, 5, now_us), ERROR_CHANNEL_FINALIZED);
}

/* What strangers pay in makes room, and takes none; arbiters may give it to whom they find it is due. */
static void award_stands_whatever_is_paid_in(void **state)
{
    struct channel_fixed fixed = judged();
    struct allocation all[4], recorded[4];
    struct channel_state on_record = state_of(&fixed, 3, (uint64_t[]){ 600, 400, UINT64_MAX }, recorded);
    struct channel_state award = state_of(&fixed, 3, (uint64_t[]){ 700, 290, UINT64_MAX }, all);
    struct error error = { .message = "" };
    uint64_t fee = 10;

    (void)state;
    for (uint64_t held = 0; held < 3000; held += 77) {
        struct adjudication a = open_at(3);
        int64_t now_us = NOW_US + fixed.arbitration_window_us;

        assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
        fee = held < 1000 ? held / 100 : 10; /* of what is there */
        all[0].amount = 710 - fee;
        assert_status(AWARD(fee, 5, now_us), OK);
        if (held <= 1000)
            continue;
        a = open_at(3);
        assert_status(rules_open_case(&fixed, 0, NOW_US, &a, &error), OK);
        all[0].amount += held - 1000 + 1;
        assert_status(AWARD(fee, 5, now_us), ERROR_AWARD_OUT_OF_BOUNDS);
        all[0].amount--;
        assert_status(AWARD(fee, 5, now_us), OK);
    }
}

static void fees_are_for_whom_the_award_names(void **state)
{
    static const struct {
        uint8_t data[3];
        size_t size;
        uint32_t takers; /* 0: refused */
    } rows[] = {
        { { 0 }, 0, 7 },    { { 0, 5 }, 2, 5 }, { { 0, 7 }, 2, 7 },    { { 0, 4 }, 2, 4 },
        { { 0, 0 }, 2, 0 }, { { 0, 8 }, 2, 0 }, { { 0x80, 1 }, 2, 0 }, { { 1 }, 1, 0 },
        { { 0, 0, 1 }, 3, 0 },
    };
    struct channel_fixed fixed = judged();
    struct error error = { .message = "" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct channel_state award = { .data = bytes_of(rows[i].data, rows[i].size) };
        uint32_t takers = 0;

        assert_status(rules_fee_takers(&fixed, &award, &takers, &error),
                      rows[i].takers == 0 ? ERROR_AWARD_OUT_OF_BOUNDS : OK);
        assert_int_equal(takers, rows[i].takers);
    }
}

/* --- histories -------------------------------------------------------------------------------- */
static enum status random_step(uint64_t *seed, const struct channel_fixed *fixed, int64_t now_us,
                               struct adjudication *a, struct error *error)
{
    struct signed_state s = signed_turn(random_below(seed, 12), random_below(seed, 4) == 0 ? 1 : 3);
    struct allocation none;
    struct channel_state award = { .turn = random_below(seed, 12), .allocations = &none };
    uint64_t nothing = 0;
    uint8_t data[8];

    put_be64(data, random_below(seed, 12));
    s.state.data = bytes_of(data, sizeof(data));
    s.state.final = random_below(seed, 10) == 0;
    s.hash.bytes[0] = (uint8_t)random_below(seed, 3);
    switch (random_below(seed, 6)) {
    case 0:
        return rules_challenge(&telling, fixed, &s, 1, (int)random_below(seed, 3) - 1, now_us, a, error);
    case 1: return rules_checkpoint(&telling, fixed, &s, 1, now_us, a, NULL, error);
    case 2: return rules_conclude(fixed, &s, now_us, a, error);
    case 3: return rules_withdraw(fixed, &s, NULL, 0, &nothing, now_us, a, error);
    case 4: return rules_open_case(fixed, (int)random_below(seed, 3) - 1, now_us, a, error);
    default:
        return rules_award(fixed, &award, &award, &nothing, &nothing, (uint32_t)random_below(seed, 8), now_us,
                           a, error);
    }
}

static void histories_never_lower_the_record_nor_leave_the_end(void **state)
{
    uint64_t seed = random_seed("histories_never_lower_the_record_nor_leave_the_end");
    size_t accepted = 0, ended = 0;

    (void)state;
    for (int history = 0; history < 3000; history++) {
        struct channel_fixed fixed = judged();
        struct adjudication a = adjudication_new();
        struct error error = { .message = "" };
        int64_t now_us = NOW_US, case_end_us = 0;

        for (int step = 0; step < 40; step++) {
            struct adjudication before = a;
            enum channel_mode mode;
            enum status status;

            now_us += (int64_t)random_below(&seed, 8) * MINUTE;
            mode = adjudication_mode(&a, now_us);
            status = random_step(&seed, &fixed, now_us, &a, &error);
            accepted += status == OK;
            if (status != OK || mode == CHANNEL_FINALIZED)
                assert_memory_equal(&a, &before, sizeof(a));
            assert_true(a.turn_record >= before.turn_record);
            if (a.turn_record == before.turn_record && before.has_outcome && a.finalizes_at_us > now_us)
                assert_true(hash_equal(&a.state, &before.state));
            assert_true((a.cheaters & ~3u) == 0);
            if (a.first_challenge_us != NEVER_US && a.case_state != CASE_OPEN)
                assert_true(a.finalizes_at_us <= a.first_challenge_us + fixed.dispute_limit_us);
            if (before.case_state == CASE_OPEN && a.case_state == CASE_OPEN)
                assert_true(a.finalizes_at_us == case_end_us);
            case_end_us = a.finalizes_at_us;
        }
        ended += adjudication_mode(&a, now_us) == CHANNEL_FINALIZED;
    }
    assert_true(accepted > 3000 && ended > 300); /* the histories get somewhere */
}

int rules_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenge_ends_after_its_period_and_not_before),
        cmocka_unit_test(turn_on_record_challenges_only_with_its_own_state_which_needs_no_proof),
        cmocka_unit_test(no_chain_of_challenges_passes_the_dispute_limit),
        cmocka_unit_test(conclude_needs_a_final_state_of_all),
        cmocka_unit_test(cheater_is_who_challenged_below_what_he_signed_to_know),
        cmocka_unit_test(penalty_is_a_part_of_the_cheaters_own_and_conserves),
        cmocka_unit_test(withdrawal_takes_no_more_than_is_held_and_no_longer_allocated),
        cmocka_unit_test(rest_of_a_channel_that_ended_is_taken_by_all_and_once),
        cmocka_unit_test(case_is_opened_once_by_a_participant_about_a_state),
        cmocka_unit_test(case_leaves_everybody_a_challenge_period_to_answer),
        cmocka_unit_test(cheater_is_also_who_opens_a_case_below_what_he_signed_to_know),
        cmocka_unit_test(newer_states_raise_the_record_of_a_case_but_not_its_end),
        cmocka_unit_test(what_all_signed_as_the_end_is_not_judged),
        cmocka_unit_test(award_is_bounded),
        cmocka_unit_test(award_stands_whatever_is_paid_in),
        cmocka_unit_test(fees_are_for_whom_the_award_names),
        cmocka_unit_test(histories_never_lower_the_record_nor_leave_the_end),
    };

    return cmocka_run_group_tests_name("the adjudicator's rules", tests, NULL, NULL);
}
