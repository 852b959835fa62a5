/* Runs every test of messages. */
#include "test_message.h"

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    failed += inbox_tests();
    failed += claims_tests();
    failed += invariants_tests();
    failed += histories_tests();
    return failed > 0;
}
