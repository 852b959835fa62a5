/* Runs the tests of Groth16, one group a source file. */
#include "crypto/hash.h"
#include "groth16_fixture.h"

int main(void)
{
    crypto_start();
    return groth16_field_tests() + groth16_pairing_tests() + groth16_verify_tests() + groth16_prove_tests();
}
