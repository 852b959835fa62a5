/* Runs the tests of proof systems, one group a source file. */
#include "crypto/hash.h"
#include "support.h"

int main(void)
{
    crypto_start();
    return transcript_tests() + ristretto_tests() + range_proof_tests() + range_refusal_tests() +
           half_aggregate_tests();
}
