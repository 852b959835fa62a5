/* The rollup's module on a whole node. */
#include "node_support.h"

/* The argument is a filter of names. */
int main(int count, char **arguments)
{
    int failed = 0;

    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    failed += rules_tests();
    failed += story_tests();
    failed += refusal_tests();
    failed += rollback_tests();
    failed += escape_tests();
    failed += lane_tests();
    failed += unfreeze_tests();
    failed += bounds_tests();
    failed += availability_tests();
    failed += committee_tests();
    return failed == 0 ? 0 : 1;
}
