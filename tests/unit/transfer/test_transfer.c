/* Runs every test of transfers between ledgers; an argument runs those whose names match it. */
#include "test_transfer.h"

#include "crypto/hash.h"

int main(int argc, char **argv)
{
    crypto_start();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return rule_tests() + history_tests() + way_tests() + limit_tests() + stuck_tests() + outside_tests() +
           peer_tests() + bundle_tests() + bundle_evm_tests() + bundle_lightning_tests();
}
