/* What the channels' tests share: see test_channel.h. */
#include "test_channel.h"

#include "base/clock.h"

struct account_id account_number(unsigned number)
{
    static struct account_id known[64];
    static bool made[64];

    assert_true(number > 0 && number < 64);
    if (!made[number]) {
        struct secret_key *secret CLEANUP(secret_free_pointer) = secret_new(sizeof(*secret));

        memset(secret->bytes, (int)number, sizeof(secret->bytes));
        assert_true(secret_key_account(secret, &known[number]));
        made[number] = true;
    }
    return known[number];
}

struct channel_fixed fixed_of(size_t participants, const char *application)
{
    struct channel_fixed f = { .chain = "dev-0123456789abcdef", .participant_count = participants,
                               .challenge_period_us = 10 * MINUTE, .dispute_limit_us = 30 * MINUTE,
                               .asset_count = 1 };

    snprintf(f.application, sizeof(f.application), "%s", application);
    for (unsigned i = 0; i < participants; i++)
        f.participants[i] = account_number(i + 1);
    memset(&f.assets[0], 0xA0, sizeof(f.assets[0]));
    return f;
}

struct channel_state state_of(const struct channel_fixed *fixed, uint64_t turn, const uint64_t *amounts,
                              struct allocation *all)
{
    struct channel_state s = { .turn = turn, .allocations = all };

    for (; amounts[s.allocation_count] != UINT64_MAX; s.allocation_count++) {
        all[s.allocation_count] = (struct allocation){ .kind = ALLOCATION_SIMPLE,
                                                       .amount = amounts[s.allocation_count],
                                                       .account = fixed->participants[s.allocation_count] };
    }
    return s;
}

uint64_t random_seed(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", test, seed);
    return seed * 2 + 1;
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}
