/* What clients make the node keep: shares of users, and when nothing more is begun. */
#include "test_api.h"

#include "api/budget.h"

#define MOST 1600 /* of both kinds together: 800 each, 400 a user's share */

/* A user with a connection. */
static struct budget_user *present(struct budget *budget, int64_t uid)
{
    struct budget_user *user = budget_user(budget, uid);
    atomic_store(&user->holders, 1);
    return user;
}

static void a_user_has_half_and_the_others_go_on(void **state)
{
    (void)state;
    struct budget budget;
    budget_open(&budget, MOST);
    struct budget_user *greedy = present(&budget, 1), *other = present(&budget, 2);
    budget_charge(&budget, greedy, BUDGET_OUTPUT, 199);
    assert_false(budget_is_tight(&budget, greedy));
    budget_charge(&budget, greedy, BUDGET_OUTPUT, 1);
    assert_true(budget_is_tight(&budget, greedy));
    assert_false(budget_is_spent(&budget, greedy, BUDGET_OUTPUT));
    budget_charge(&budget, greedy, BUDGET_OUTPUT, 200);
    assert_true(budget_is_spent(&budget, greedy, BUDGET_OUTPUT));
    assert_false(budget_is_spent(&budget, greedy, BUDGET_INPUT)); /* the kinds stand apart */
    assert_false(budget_is_spent(&budget, other, BUDGET_OUTPUT));
    assert_false(budget_is_tight(&budget, other));
    assert_false(budget_is_exhausted(&budget, BUDGET_OUTPUT));
    assert_ptr_equal(budget_greediest(&budget, BUDGET_OUTPUT), greedy);
    budget_charge(&budget, other, BUDGET_INPUT, 399); /* which waits, perhaps, for the other's output */
    budget_charge(&budget, other, BUDGET_OUTPUT, 100);
    assert_ptr_equal(budget_greediest(&budget, BUDGET_OUTPUT), greedy);
    assert_ptr_equal(budget_greediest(&budget, BUDGET_INPUT), other);
    budget_close(&budget);
}

static void what_all_keep_together_binds_everybody(void **state)
{
    (void)state;
    struct budget budget;
    budget_open(&budget, MOST);
    for (int uid = 1; uid <= 3; uid++)
        budget_charge(&budget, present(&budget, uid), BUDGET_OUTPUT, 200);
    struct budget_user *innocent = present(&budget, 4);
    assert_true(budget_is_tight(&budget, innocent));
    assert_false(budget_is_spent(&budget, innocent, BUDGET_OUTPUT));
    budget_charge(&budget, present(&budget, 3), BUDGET_OUTPUT, 200);
    assert_true(budget_is_exhausted(&budget, BUDGET_OUTPUT));
    assert_true(budget_is_spent(&budget, innocent, BUDGET_OUTPUT));
    assert_int_equal(budget_greediest(&budget, BUDGET_OUTPUT)->uid, 3);
    for (int uid = 1; uid <= 3; uid++)
        budget_refund(&budget, present(&budget, uid), BUDGET_OUTPUT, uid == 3 ? 400 : 200);
    assert_false(budget_is_tight(&budget, innocent));
    assert_null(budget_greediest(&budget, BUDGET_OUTPUT));
    budget_close(&budget);
}

static void an_entry_is_given_to_the_next_user_only_when_nobody_points_to_it(void **state)
{
    (void)state;
    struct budget budget;
    budget_open(&budget, MOST);
    struct budget_user *first = present(&budget, 1);
    first->connections = 1;
    assert_ptr_equal(budget_user(&budget, 1), first);
    struct budget_user *second = present(&budget, 2);
    assert_ptr_not_equal(second, first);
    first->connections = 0; /* closed, but a call of it is under way */
    assert_ptr_not_equal(budget_user(&budget, 3), first);
    for (int64_t uid = 10; uid < 1000; uid++) /* who comes and goes costs nothing */
        budget_user(&budget, uid);
    size_t entries = 0;
    for (const struct budget_user *u = budget.users; u != NULL; u = u->next)
        entries++;
    assert_int_equal(entries, 3);
    budget_close(&budget);
}

int budget_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_half_and_the_others_go_on),
        cmocka_unit_test(what_all_keep_together_binds_everybody),
        cmocka_unit_test(an_entry_is_given_to_the_next_user_only_when_nobody_points_to_it),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
