/* Runs every test of channels. */
#include "test_channel.h"

#include "crypto/hash.h"

int main(void)
{
    crypto_start();
    return adjudicator_tests() + application_tests() + dispute_tests() + kit_tests() + life_tests() +
           party_tests() + play_tests() + rules_tests() + safe_tests() + vector_tests() + virtual_tests() +
           withdrawal_tests();
}
