/* Runs all groups; what they share. */
#include "test_api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"

json_t *quoted(const char *text)
{
    char *AUTO_FREE copy = text_copy(text);
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    json_t *value = NULL;
    struct error error;
    assert_int_equal(json_parse(copy, strlen(copy), &value, &error), OK);
    return value;
}

struct luck luck_new(void)
{
    const char *given = getenv("LAYERD_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("seed %" PRIu64 "\n", seed);
    return (struct luck){ seed * 2 + 1 };
}

uint64_t luck_below(struct luck *luck, uint64_t limit)
{
    luck->state ^= luck->state >> 12;
    luck->state ^= luck->state << 25;
    luck->state ^= luck->state >> 27;
    return (luck->state * 2685821657736338717u >> 11) % limit;
}

int main(void)
{
    crypto_start();
    int failed = line_tests() + budget_tests() + request_tests() + filter_tests() + ring_tests()
                 + subscriber_tests() + cloudevents_tests() + event_request_tests() + kept_tests()
                 + rpc_socket_tests() + event_socket_tests();
    return failed == 0 ? 0 : 1;
}
