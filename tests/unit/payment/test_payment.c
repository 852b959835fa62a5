/* Runs every test of payments. */
#include "test_payment.h"

#include "crypto/hash.h"

int main(void)
{
    crypto_start();
    return graph_tests() + invoice_tests() + machine_tests() + malice_tests() + stranger_tests() +
           attack_tests() + take_out_tests() + balance_limit_tests();
}
