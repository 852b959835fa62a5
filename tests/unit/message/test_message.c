/* Runs every test of messages. */
#include "test_message.h"

int main(void)
{
    int failed = 0;

    failed += inbox_tests();
    failed += claims_tests();
    failed += invariants_tests();
    failed += histories_tests();
    return failed > 0;
}
