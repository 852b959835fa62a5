/* Runs every test of the ledger, and holds what they share. */
#include "test_ledger.h"

#include "base/clock.h"
#include "crypto/hash.h"

static const struct module *const modules[] = { &ledger_module, NULL };

int ledger_setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    fixture_start(f, NETWORK_DEV, modules);
    *state = f;
    return 0;
}

int ledger_teardown(void **state)
{
    fixture_audit(*state);
    fixture_stop(*state);
    memory_free_pointer(state);
    return 0;
}

uint64_t held(struct fixture *f, const char *who, const char *symbol)
{
    const char *address = strncmp(who, "lyt1", 4) == 0 ? who : fixture_address(f, who);
    json_t *page AUTO_JSON =
        fixture_query(f, "ledger.balance", "{'account':'%s','asset':'%s'}", address, symbol);
    const json_t *items = json_object_get(page, "items");

    assert_int_equal(json_array_size(items), 1);
    return (uint64_t)json_integer_value(json_object_get(json_array_get(items, 0), "amount"));
}

uint64_t random_seed(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", test, seed);
    return seed * 2 + 1;
}

uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return (random_next(state) >> 11) % bound;
}

void preimage_of(uint64_t number, char preimage[65], char hash[65])
{
    struct hash secret, digest;
    uint8_t counted[8];

    put_be64(counted, number);
    sha256(&secret, counted, sizeof(counted));
    sha256(&digest, secret.bytes, sizeof(secret.bytes));
    hex_text(preimage, secret.bytes, sizeof(secret.bytes));
    hex_text(hash, digest.bytes, sizeof(digest.bytes));
}

char *newest_event(struct fixture *f)
{
    return fixture_sql_text(f, "SELECT type || ' ' || body FROM event ORDER BY seq DESC LIMIT 1");
}

int main(void)
{
    int failed = 0;

    failed += rules_tests();
    failed += commands_tests();
    failed += escrow_tests();
    failed += queries_tests();
    failed += invariants_tests();
    failed += above_tests();
    failed += oracle_tests();
    failed += histories_tests();
    return failed > 0;
}
