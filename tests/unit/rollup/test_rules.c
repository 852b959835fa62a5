/* The batch's table: every state with every event, and every edge of the clock. */
#include "node_support.h"

static const enum batch_state all[] = { BATCH_PROPOSED, BATCH_CHALLENGED, BATCH_ACCEPTED, BATCH_FINAL,
                                        BATCH_REJECTED, BATCH_PARENT_REJECTED, BATCH_VOIDED };

static void each_state_moves_only_by_what_is_meant_for_it(void **state)
{
    static const struct {
        enum batch_state from;
        enum batch_event event;
        enum batch_state to;
    } moves[] = {
        { BATCH_PROPOSED, BATCH_EVENT_CHALLENGE, BATCH_CHALLENGED },
        { BATCH_PROPOSED, BATCH_EVENT_ACCEPT, BATCH_ACCEPTED },
        { BATCH_PROPOSED, BATCH_EVENT_REJECT, BATCH_REJECTED },
        { BATCH_PROPOSED, BATCH_EVENT_REJECT_PARENT, BATCH_PARENT_REJECTED },
        { BATCH_PROPOSED, BATCH_EVENT_VOID, BATCH_VOIDED },
        { BATCH_CHALLENGED, BATCH_EVENT_DEFEND, BATCH_PROPOSED },
        { BATCH_CHALLENGED, BATCH_EVENT_REJECT, BATCH_REJECTED },
        { BATCH_CHALLENGED, BATCH_EVENT_REJECT_PARENT, BATCH_PARENT_REJECTED },
        { BATCH_CHALLENGED, BATCH_EVENT_VOID, BATCH_VOIDED },
        { BATCH_ACCEPTED, BATCH_EVENT_FINALIZE, BATCH_FINAL },
        { BATCH_ACCEPTED, BATCH_EVENT_VOID, BATCH_VOIDED },
    };
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < BATCH_STATES; i++) {
        for (unsigned event = 0; event < BATCH_EVENTS; event++) {
            enum batch_state next = BATCH_VOIDED;
            bool moves_on = batch_next(all[i], (enum batch_event)event, &next), expected = false;

            for (size_t k = 0; k < sizeof(moves) / sizeof(moves[0]); k++) {
                if (moves[k].from != all[i] || (unsigned)moves[k].event != event)
                    continue;
                expected = true;
                assert_int_equal(next, moves[k].to);
            }
            assert_int_equal(moves_on, expected);
            found += moves_on;
        }
    }
    assert_int_equal(found, sizeof(moves) / sizeof(moves[0]));
}

static void what_is_over_stays_so_and_stands_only_when_final(void **state)
{
    (void)state;
    for (size_t i = 0; i < BATCH_STATES; i++) {
        enum batch_state next;
        bool any = false;

        for (unsigned event = 0; event < BATCH_EVENTS; event++)
            any |= batch_next(all[i], (enum batch_event)event, &next);
        assert_int_equal(batch_is_over(all[i]), !any);
        assert_int_equal(batch_stands(all[i]), all[i] <= BATCH_FINAL);
    }
}

static void a_window_is_over_at_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < BATCH_STATES; i++) {
        for (size_t p = 0; p <= BATCH_STATES; p++) {
            const struct batch_row row = { .state = all[i], .window_end_us = 100, .accepted_us = 50 };
            const enum batch_state *parent = p < BATCH_STATES ? &all[p] : NULL;
            bool parent_counts = parent == NULL || *parent == BATCH_ACCEPTED || *parent == BATCH_FINAL;
            bool parent_final = parent == NULL || *parent == BATCH_FINAL;

            assert_false(batch_may_accept(&row, parent, 99));
            assert_int_equal(batch_may_accept(&row, parent, 100), all[i] == BATCH_PROPOSED && parent_counts);
            assert_false(batch_may_finalize(&row, parent, 25, 74));
            assert_int_equal(batch_may_finalize(&row, parent, 25, 75),
                             all[i] == BATCH_ACCEPTED && parent_final);
            assert_int_equal(batch_may_challenge(&row, 99),
                             all[i] == BATCH_PROPOSED || all[i] == BATCH_CHALLENGED);
            assert_int_equal(batch_may_challenge(&row, 100), all[i] == BATCH_CHALLENGED);
        }
    }
}

static void nothing_is_accepted_while_its_data_is_demanded(void **state)
{
    struct batch_row row = { .state = BATCH_PROPOSED, .window_end_us = 100, .data_state = DATA_CHALLENGED };

    (void)state;
    assert_false(batch_may_accept(&row, NULL, 100));
    assert_false(batch_may_accept(&row, NULL, INT64_MAX));
    row.data_state = DATA_WITHHELD;
    assert_true(batch_may_accept(&row, NULL, 100));
    row.data_state = DATA_PUBLISHED;
    assert_true(batch_may_accept(&row, NULL, 100));
}

static void a_batch_must_take_in_what_is_overdue_as_far_as_it_can(void **state)
{
    (void)state;
    assert_int_equal(inbox_least(5, 5), 5);
    assert_int_equal(inbox_least(5, 3), 5);
    assert_int_equal(inbox_least(5, 9), 9);
    assert_int_equal(inbox_least(5, 5 + BATCH_ITEMS_MAX), 5 + BATCH_ITEMS_MAX);
    assert_int_equal(inbox_least(5, 6 + BATCH_ITEMS_MAX), 5 + BATCH_ITEMS_MAX);
}

int rules_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_moves_only_by_what_is_meant_for_it),
        cmocka_unit_test(what_is_over_stays_so_and_stands_only_when_final),
        cmocka_unit_test(a_window_is_over_at_its_end),
        cmocka_unit_test(nothing_is_accepted_while_its_data_is_demanded),
        cmocka_unit_test(a_batch_must_take_in_what_is_overdue_as_far_as_it_can),
    };

    return cmocka_run_group_tests_name("rollup rules", tests, NULL, NULL);
}
