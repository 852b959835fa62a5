/* Random histories with strangers who try everything (malice.h), on a node that only restarts when it is
 * told to. */
#include "malice.h"

static void strangers_take_nothing(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    static struct memory memory;
    static struct world w;

    (void)state;
    memset(&w, 0, sizeof(w));
    memset(&memory, 0, sizeof(memory));
    w.m = &memory;
    memory.seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("strangers_take_nothing: LAYERD_SEED=%" PRIu64 "\n", memory.seed);
    memory.seed = memory.seed * 2 + 1;
    malice_begin(&w);
    for (size_t i = 0; i < MALICE_STEPS; i++)
        malice_step(&w);
    malice_end(&w);
}

int malice_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_take_nothing),
        cmocka_unit_test(strangers_take_nothing),
        cmocka_unit_test(strangers_take_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
