/* Runs the tests of the client library, one group a source file. */
#include "test_client.h"

int main(void)
{
    return channel_tests() + scan_tests() + event_tests() + proof_tests() + key_tests() + call_tests() +
           subscription_tests();
}
