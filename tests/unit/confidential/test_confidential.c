/* Runs every test of confidential pools. */
#include "test_confidential.h"

int main(void)
{
    int failed = 0;

    failed += pool_tests();
    failed += pool_invariants_tests();
    failed += pool_histories_tests();
    failed += wallet_tests();
    return failed > 0;
}
