/* Runs every test of proofs in the node. */
#include "test_proving.h"

#include "crypto/hash.h"

int main(void)
{
    int failed = 0;

    crypto_start();
    failed += claim_tests();
    failed += job_tests();
    failed += record_tests();
    return failed > 0;
}
