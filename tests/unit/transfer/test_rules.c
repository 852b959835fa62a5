/* The rules, exhaustively: every state with every event, and every situation that two ledgers, time and the
 * parties can make. */
#include "test_transfer.h"

#define HOUR ((int64_t)3600 * 1000000)
#define NOW (100 * HOUR)

/* --- states ----------------------------------------------------------------------------------- */
static void every_event_in_every_state_does_what_the_table_says(void **state)
{
    /* by rows: state; by columns: event, in their order. − : cannot be */
    static const char *const table[TRANSFER_STATES] = {
        /* INITIATED           */ "S---RXCF-",
        /* SOURCE_LOCKED       */ "-D--R---L",
        /* DESTINATION_LOCKED  */ "--A-R---L",
        /* CLAIMED             */ "---E----L",
        "---------", "---------", "---------", "---------", "---------", "---------",
    };
    static const char letters[] = "ISDAERXCFL"; /* of the states, in their order */

    (void)state;
    for (int s = 0; s < TRANSFER_STATES; s++) {
        for (int e = 0; e < TRANSFER_EVENTS; e++) {
            enum transfer_state next = TRANSFER_LOST;
            bool can = transfer_next((enum transfer_state)s, (enum transfer_event)e, &next);

            assert_int_equal(can, table[s][e] != '-');
            if (can)
                assert_int_equal(letters[next], table[s][e]);
        }
        assert_int_equal(transfer_has_ended((enum transfer_state)s), strcmp(table[s], "---------") == 0);
    }
}

/* --- time ------------------------------------------------------------------------------------- */
static const struct leg_timing here = { .depth_us = 2000000, .reaction_us = HOUR / 2 };
static const struct leg_timing chain = { .depth_us = HOUR / 5, .skew_us = HOUR / 12,
                                         .reaction_us = HOUR / 2 };
static const struct leg_timing hops = { .reaction_us = HOUR / 2, .least_us = 4 * HOUR, .most_us = 3 * HOUR };

static void a_plan_leaves_each_party_time_to_act(void **state)
{
    static const struct leg_timing *const all[] = { &here, &chain, &hops };
    struct timelocks plan;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        for (size_t d = 0; d < 3; d++) {
            int64_t least_us = timelock_least(all[s], all[d]);

            assert_true(timelocks_plan(all[s], all[d], NOW, least_us, &plan));
            assert_int_equal(plan.source_us, NOW + least_us);
            /* once the secret is shown at the last moment, the provider notices and his claim becomes deep */
            assert_true(plan.source_us - plan.destination_us >=
                        all[d]->skew_us + all[s]->reaction_us + all[s]->depth_us + all[s]->skew_us);
            /* a source locked at the last moment becomes deep, then the destination, then the claim */
            assert_true(plan.lock_until_us + all[s]->depth_us + all[d]->reaction_us +
                            timelock_destination_least(all[d]) <= plan.destination_us);
            assert_true(plan.lock_until_us >= NOW + LOCK_WINDOW_US);
            assert_true(plan.lock_until_us <= NOW + 2 * LOCK_WINDOW_US);
        }
    }
}

static void a_timeout_that_does_not_fit_is_refused(void **state)
{
    struct timelocks plan;

    (void)state;
    assert_false(timelocks_plan(&here, &chain, NOW, timelock_least(&here, &chain) - 1, &plan));
    assert_false(timelocks_plan(&hops, &here, NOW, hops.most_us + 1, &plan));
    assert_true(timelocks_plan(&hops, &here, NOW, hops.most_us, &plan));
    assert_true(timelocks_plan(&here, &chain, NOW, TIMEOUT_MOST_US, &plan));
    /* the provider's value is bound so long */
    assert_false(timelocks_plan(&here, &chain, NOW, TIMEOUT_MOST_US + 1, &plan));
    assert_true(timelock_least(&hops, &hops) > hops.most_us); /* between channels there is no room */
}

/* --- situations ------------------------------------------------------------------------------- */
/* Calls `judge` with every situation, of sources and destinations of every timing. */
struct tally {
    size_t situations, locks, reveals, source_claims, refunds;
};

static void judge(const struct situation *s, struct tally *tally)
{
    struct decision d = transfer_decide(s);
    enum transfer_state next;

    tally->situations++;
    if (d.has_event) {
        assert_true(transfer_next(s->state, d.event, &next)); /* never one that the table does not have */
        assert_int_equal(d.action, ACT_NOTHING);
        if (next == TRANSFER_SETTLED)
            assert_true(s->source == SIGHT_CLAIMED);
        if (next == TRANSFER_CLAIMED)
            assert_true(s->destination == SIGHT_CLAIMED);
        if (next == TRANSFER_REFUNDED)
            assert_true((s->source == SIGHT_RETURNED ||
                         (s->source == SIGHT_NEVER && s->state > TRANSFER_INITIATED)) &&
                        (s->destination == SIGHT_NONE || s->destination == SIGHT_NEVER ||
                         s->destination == SIGHT_RETURNED || s->state == TRANSFER_INITIATED));
        return;
    }
    assert_true(d.look_us > s->now_us);
    switch (d.action) {
    case ACT_NOTHING:
        break;
    case ACT_LOCK_SOURCE:
        assert_true(s->state == TRANSFER_INITIATED && s->locks_source && !s->cancelled &&
                    s->source == SIGHT_NONE && s->now_us < s->lock_until_us);
        break;
    case ACT_LOCK_DESTINATION:
        tally->locks++;
        assert_true(s->state == TRANSFER_SOURCE_LOCKED && s->source == SIGHT_LOCKED && !s->cancelled);
        assert_true(s->destination == SIGHT_NONE);
        assert_true(s->source_expiry_us - s->destination_expiry_us >=
                    timelock_gap(&s->source_timing, &s->destination_timing));
        assert_true(s->now_us + s->destination_timing.depth_us + s->destination_timing.least_us <=
                    s->destination_expiry_us);
        break;
    case ACT_CLAIM_DESTINATION:
        tally->reveals++;
        assert_true(s->has_secret && s->destination == SIGHT_LOCKED);
        if (!s->preimage_known) { /* the rule: not before both are there to stay, and in time */
            assert_true(s->state == TRANSFER_DESTINATION_LOCKED && s->source == SIGHT_LOCKED);
            assert_true(s->now_us + s->destination_timing.depth_us + s->destination_timing.skew_us <
                        s->destination_expiry_us);
        }
        assert_true(s->now_us < s->destination_expiry_us);
        break;
    case ACT_CLAIM_SOURCE:
        tally->source_claims++;
        assert_true(s->preimage_known && (s->source == SIGHT_LOCKED || s->source == SIGHT_SHALLOW));
        break;
    case ACT_REFUND_DESTINATION:
        tally->refunds++;
        assert_true(s->now_us >= s->destination_expiry_us);
        break;
    case ACT_REFUND_SOURCE: /* never while a destination may still be claimed */
        tally->refunds++;
        assert_true(!s->preimage_known && (s->returns_early || s->now_us >= s->source_expiry_us));
        assert_true(s->destination == SIGHT_RETURNED || s->destination == SIGHT_NEVER ||
                    (s->destination == SIGHT_NONE && !s->destination_asked));
        break;
    }
    if (s->preimage_known && s->source == SIGHT_LOCKED && s->state > TRANSFER_INITIATED &&
        !transfer_has_ended(s->state))
        assert_int_equal(d.action, ACT_CLAIM_SOURCE); /* the provider never waits */
}

/* The time by which a source's lock of NOW + 10 h has these moments. */
static void at_every_time(struct situation *s, struct tally *tally)
{
    const int64_t asking_us = s->destination_expiry_us - timelock_destination_least(&s->destination_timing);
    const int64_t showing_us =
        s->destination_expiry_us - s->destination_timing.depth_us - s->destination_timing.skew_us;
    const int64_t moments[] = { NOW, s->lock_until_us - 1, s->lock_until_us, asking_us, asking_us + 1,
                                showing_us - 1, showing_us, s->destination_expiry_us - 1,
                                s->destination_expiry_us, s->source_expiry_us - 1, s->source_expiry_us };

    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        s->now_us = moments[i];
        judge(s, tally);
    }
}

static void no_situation_asks_for_what_could_lose(void **state)
{
    static const struct leg_timing *const all[] = { &here, &chain, &hops };
    struct tally tally = { 0 };

    (void)state;
    for (size_t timing = 0; timing < 6; timing++) {
        struct timelocks plan;
        struct situation s = { .source_timing = *all[timing % 2], .destination_timing = *all[timing / 2] };

        assert_true(timelocks_plan(&s.source_timing, &s.destination_timing, NOW, 10 * HOUR, &plan));
        s.source_expiry_us = plan.source_us;
        s.destination_expiry_us = plan.destination_us;
        s.lock_until_us = plan.lock_until_us;
        for (int st = 0; st < TRANSFER_STATES; st++)
            for (int from = 0; from < SIGHTS; from++)
                for (int to = 0; to < SIGHTS; to++)
                    for (unsigned flags = 0; flags < 128; flags++) {
                        s.state = (enum transfer_state)st;
                        s.source = (enum sight)from;
                        s.destination = (enum sight)to;
                        s.locks_source = flags & 1;
                        s.has_secret = flags & 2;
                        s.preimage_known = flags & 4;
                        s.cancelled = flags & 8;
                        s.source_refused = flags & 16;
                        s.destination_asked = flags & 32;
                        s.returns_early = flags & 64;
                        at_every_time(&s, &tally);
                    }
    }
    assert_true(tally.situations > 4000000 && tally.locks > 0 && tally.reveals > 0 && tally.refunds > 0 &&
                tally.source_claims > 0);
}

/* --- the secret, by itself ---------------------------------------------------------------------- */
static struct situation ready_to_reveal(void)
{
    struct timelocks plan;
    struct situation s = { .state = TRANSFER_DESTINATION_LOCKED, .source = SIGHT_LOCKED,
                           .destination = SIGHT_LOCKED, .now_us = NOW, .has_secret = true,
                           .source_timing = here, .destination_timing = chain };

    assert_true(timelocks_plan(&here, &chain, NOW, 10 * HOUR, &plan));
    s.source_expiry_us = plan.source_us;
    s.destination_expiry_us = plan.destination_us;
    s.lock_until_us = plan.lock_until_us;
    return s;
}

static void the_secret_is_shown_when_the_other_side_is_there_to_stay(void **state)
{
    struct situation s = ready_to_reveal();

    (void)state;
    assert_true(transfer_may_reveal(&s));
    assert_int_equal(transfer_decide(&s).action, ACT_CLAIM_DESTINATION);
}

static void the_secret_is_not_shown_to_a_lock_that_could_vanish(void **state)
{
    struct situation s = ready_to_reveal();

    (void)state;
    s.destination = SIGHT_SHALLOW;
    assert_false(transfer_may_reveal(&s));
    s.destination = SIGHT_NONE; /* a reorganization took it */
    assert_false(transfer_may_reveal(&s));
}

static void the_secret_is_not_shown_without_it_or_before_its_state(void **state)
{
    struct situation s = ready_to_reveal();

    (void)state;
    s.has_secret = false;
    assert_false(transfer_may_reveal(&s));
    s = ready_to_reveal();
    s.state = TRANSFER_SOURCE_LOCKED;
    assert_false(transfer_may_reveal(&s));
    s = ready_to_reveal();
    s.source = SIGHT_SHALLOW;
    assert_false(transfer_may_reveal(&s));
}

static void the_secret_is_not_shown_a_microsecond_too_late(void **state)
{
    struct situation s = ready_to_reveal();

    (void)state;
    s.now_us = s.destination_expiry_us - chain.depth_us - chain.skew_us - 1;
    assert_true(transfer_may_reveal(&s));
    s.now_us++;
    assert_false(transfer_may_reveal(&s));
    s.preimage_known = true; /* it is out: claim while one can */
    assert_true(transfer_may_reveal(&s));
    s.now_us = s.destination_expiry_us;
    assert_false(transfer_may_reveal(&s));
}

/* --- money ------------------------------------------------------------------------------------ */
static void fees_are_rounded_up_and_stay_amounts(void **state)
{
    uint64_t fee = 7;

    (void)state;
    assert_true(transfer_fee(1000, 1, 10000, &fee));
    assert_int_equal(fee, 11);
    assert_true(transfer_fee(1, 0, 1, &fee));
    assert_int_equal(fee, 1);
    assert_true(transfer_fee(1, 0, 0, &fee));
    assert_int_equal(fee, 0);
    assert_true(transfer_fee(INTEGER_MAX, 0, 0, &fee));
    fee = 7;
    assert_false(transfer_fee(INTEGER_MAX, 1, 0, &fee));
    assert_false(transfer_fee(INTEGER_MAX / 2 + 1, 0, TRANSFER_PPM_MAX, &fee));
    assert_false(transfer_fee(1, 0, TRANSFER_PPM_MAX + 1, &fee));
    assert_int_equal(fee, 7);
}

static void a_day_ends_at_midnight(void **state)
{
    (void)state;
    assert_int_equal(transfer_day(24 * HOUR - 1), 0);
    assert_int_equal(transfer_day(24 * HOUR), 1);
}

int rule_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state_does_what_the_table_says),
        cmocka_unit_test(a_plan_leaves_each_party_time_to_act),
        cmocka_unit_test(a_timeout_that_does_not_fit_is_refused),
        cmocka_unit_test(no_situation_asks_for_what_could_lose),
        cmocka_unit_test(the_secret_is_shown_when_the_other_side_is_there_to_stay),
        cmocka_unit_test(the_secret_is_not_shown_to_a_lock_that_could_vanish),
        cmocka_unit_test(the_secret_is_not_shown_without_it_or_before_its_state),
        cmocka_unit_test(the_secret_is_not_shown_a_microsecond_too_late),
        cmocka_unit_test(fees_are_rounded_up_and_stay_amounts),
        cmocka_unit_test(a_day_ends_at_midnight),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
