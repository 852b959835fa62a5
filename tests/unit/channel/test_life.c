/* The life of a channel as one table: every phase with every event, and what it may lead to. */
#include "layer2/channel/life.h"

#include "test_channel.h"

/* Written once more, by event: the phases in which it means something, and where it leads. */
static enum channel_phase expected(enum channel_phase p, enum channel_phase before, enum life_event event)
{
    bool funded = p == PHASE_FUNDING || p == PHASE_FUNDED;
    bool alive = p == PHASE_RUNNING || p == PHASE_SUSPENDED || p == PHASE_CLOSING;

    switch (event) {
    case LIFE_PREFUND: return p == PHASE_PROPOSED ? PHASE_FUNDING : p;
    case LIFE_FUNDS: return p == PHASE_FUNDING ? PHASE_FUNDED : p;
    case LIFE_POSTFUND: return p == PHASE_FUNDED ? PHASE_RUNNING : p;
    case LIFE_UPDATE: return p;
    case LIFE_FINAL: return funded || alive ? PHASE_FINAL : p;
    case LIFE_REJECT: return p == PHASE_PROPOSED ? PHASE_REJECTED : p;
    case LIFE_SUSPEND: return p == PHASE_RUNNING ? PHASE_SUSPENDED : p;
    case LIFE_RESUME: return p == PHASE_SUSPENDED ? PHASE_RUNNING : p;
    case LIFE_CHALLENGED: return funded || alive || p == PHASE_FINAL ? PHASE_DISPUTE : p;
    case LIFE_CLEARED: return p == PHASE_DISPUTE ? before : p;
    case LIFE_FINALIZED:
        return funded || alive || p == PHASE_FINAL || p == PHASE_DISPUTE ? PHASE_DEFUNDING : p;
    case LIFE_EXPIRE: return p == PHASE_PROPOSED || p == PHASE_FUNDING ? PHASE_REJECTED : p;
    case LIFE_CLOSING: return funded || p == PHASE_RUNNING ? PHASE_CLOSING : p;
    case LIFE_SETTLED: return p == PHASE_FINAL || p == PHASE_DEFUNDING ? PHASE_CLOSED : p;
    }
    return p;
}

static void every_phase_with_every_event(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_COUNT; p++) {
        for (int e = 0; e < LIFE_COUNT; e++) {
            enum channel_phase before = (enum channel_phase)((p * LIFE_COUNT + e) % PHASE_DISPUTE);
            enum channel_phase next = (enum channel_phase)p;
            bool moved = life_next((enum channel_phase)p, before, (enum life_event)e, &next);

            if (next != expected((enum channel_phase)p, before, (enum life_event)e) ||
                moved != (next != (enum channel_phase)p))
                fail_msg("%s on event %d goes to %s", channel_phase_name((enum channel_phase)p), e,
                         channel_phase_name(next));
        }
    }
}

/* Every phase that a challenge interrupts is taken up again: a pause, and what was all but over. */
static void disputes_lead_back_to_where_they_came_from(void **state)
{
    enum channel_phase dispute, next;

    (void)state;
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (!life_next((enum channel_phase)p, PHASE_RUNNING, LIFE_CHALLENGED, &dispute))
            continue;
        assert_int_equal(dispute, PHASE_DISPUTE);
        assert_true(life_next(dispute, (enum channel_phase)p, LIFE_CLEARED, &next));
        assert_int_equal(next, p);
    }
}

static void nothing_but_an_end_follows_a_final_signature(void **state)
{
    enum channel_phase next;

    (void)state;
    for (int e = 0; e < LIFE_COUNT; e++) {
        if (life_next(PHASE_CLOSING, PHASE_RUNNING, (enum life_event)e, &next))
            assert_true(next == PHASE_FINAL || next == PHASE_DISPUTE || next == PHASE_DEFUNDING);
        if (life_next(PHASE_FINAL, PHASE_RUNNING, (enum life_event)e, &next))
            assert_true(next == PHASE_DISPUTE || next == PHASE_DEFUNDING || next == PHASE_CLOSED);
    }
}

/* What has ended never begins again, and funds are only asked for when all signed how to get them back. */
static void no_way_leads_back_from_the_end(void **state)
{
    bool reachable[PHASE_COUNT][PHASE_COUNT] = { { false } };
    enum channel_phase next;

    (void)state;
    for (int p = 0; p < PHASE_COUNT; p++)
        for (int e = 0; e < LIFE_COUNT; e++)
            if (life_next((enum channel_phase)p, PHASE_FINAL, (enum life_event)e, &next))
                reachable[p][next] = true;
    for (int k = 0; k < PHASE_COUNT; k++)
        for (int i = 0; i < PHASE_COUNT; i++)
            for (int j = 0; j < PHASE_COUNT; j++)
                reachable[i][j] |= reachable[i][k] && reachable[k][j];
    for (int p = 0; p < PHASE_COUNT; p++) {
        assert_false(reachable[PHASE_CLOSED][p]);
        assert_false(reachable[PHASE_REJECTED][p]);
        assert_false(reachable[p][PHASE_PROPOSED]);
        if (p != PHASE_CLOSED)
            assert_false(reachable[PHASE_DEFUNDING][p]);
        if (p != PHASE_CLOSED && p != PHASE_REJECTED)
            assert_true(reachable[p][PHASE_CLOSED]); /* everything comes to an end */
    }
    assert_false(reachable[PHASE_REJECTED][PHASE_FUNDING]);
}

static void proposals_are_for_phases_that_can_use_them(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_COUNT; p++) {
        for (unsigned turn = 0; turn < 4; turn++) {
            bool later = p == PHASE_RUNNING && turn > 1;

            assert_int_equal(life_may_propose((enum channel_phase)p, turn, false),
                             later || (p == PHASE_FUNDED && turn == 1));
            assert_int_equal(life_may_propose((enum channel_phase)p, turn, true),
                             later || p == PHASE_FUNDED || p == PHASE_CLOSING ||
                                 (p == PHASE_FUNDING && turn > 0));
        }
    }
}

int life_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_phase_with_every_event),
        cmocka_unit_test(disputes_lead_back_to_where_they_came_from),
        cmocka_unit_test(nothing_but_an_end_follows_a_final_signature),
        cmocka_unit_test(no_way_leads_back_from_the_end),
        cmocka_unit_test(proposals_are_for_phases_that_can_use_them),
    };

    return cmocka_run_group_tests_name("the life of a channel", tests, NULL, NULL);
}
