/* The rollup's module on a whole node. */
#include "node_support.h"

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    failed += rules_tests();
    failed += story_tests();
    failed += refusal_tests();
    failed += rollback_tests();
    failed += escape_tests();
    failed += lane_tests();
    return failed == 0 ? 0 : 1;
}
