/* Runs every test of Lightning against scripted servers. */
#include "lightning_support.h"

int main(void)
{
    support_begin();
    return cln_tests() + cln_release_tests() + lnd_tests() + invoice_tests() + proof_tests();
}
