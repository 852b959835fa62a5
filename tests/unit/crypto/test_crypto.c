/* Runs the tests of the room's pure parts, one group a source file. */
#include "crypto/hash.h"
#include "vectors.h"

int main(void)
{
    crypto_start();
    return channel_tests() + hash_tests() + schnorr_tests() + merkle_tests() + note_tests() +
           outbox_tree_tests() + state_tree_tests() + transaction_tests();
}
