/* Random histories with strangers who try everything (malice.h), on a disk that loses power or fails at
 * random writes, several times in one history. Each life of the node is a child; what strangers know outlives
 * it in shared memory, and they go on with whatever the node is after its restart. At the end nobody of ours
 * has lost anything, and nothing that the node once told as settled is undone.
 *
 * Two short histories; with LAYERD_THOROUGH set 60 long ones. LAYERD_SEED repeats one: choices are the same,
 * though what worker and disk do meanwhile may not be. */
#include "malice.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/fault_vfs.h"
#include "store/database.h"

#define HISTORIES 2
#define SHORT 50        /* steps */
#define LIVES 5         /* the last one is spared */
#define LONG_HISTORIES 60
#define LONG_LIVES 12
#define CHANGES 90      /* to the disk, at most, before it fails */

static uint64_t below(uint64_t *seed, uint64_t bound)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % bound;
}

/* Begins or goes on, until the disk fails or the history is over. */
static void live(struct memory *m, size_t steps, const struct fault *fault)
{
    static struct world w;

    setenv("CMOCKA_TEST_ABORT", "1", 1);
    fault_vfs_register("fault", true);
    w.m = m;
    if (m->directory[0] == '\0') {
        malice_begin(&w);
        malice_note(&w);
    } else {
        malice_go_on(&w);
    }
    fault_vfs_arm(fault);
    while (m->steps < steps) {
        m->steps++; /* a step that kills the node is not taken again */
        malice_step(&w);
        malice_note(&w);
    }
    fault_vfs_arm(&(struct fault){ .nth = 0 });
    malice_end(&w);
    _exit(0);
}

/* Whether the node came to the history's end. */
static bool one_life(struct memory *m, size_t steps, const struct fault *fault)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        live(m, steps, fault);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!WIFEXITED(status) ||
        (WEXITSTATUS(status) != EXIT_STORAGE && WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("step %zu, change %" PRIu64 ": the node ended with status %x", m->steps, fault->nth,
                 (unsigned)status);
    return false;
}

static void history(uint64_t seed, size_t steps, size_t lives)
{
    struct memory *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t choices = seed;
    size_t life = 1;

    assert_true(m != MAP_FAILED);
    print_message("LAYERD_SEED=%" PRIu64 "\n", seed);
    m->seed = seed * 2 + 1;
    for (bool over = false; !over; life++) {
        struct fault fault = { .operations = FAULT_CHANGE, .seed = below(&choices, UINT32_MAX),
                               .kind = below(&choices, 3) == 0 ? FAULT_ERROR : FAULT_POWER_LOSS,
                               .nth = life < lives ? 1 + below(&choices, CHANGES) : 0 };

        over = one_life(m, steps, &fault);
        assert_true(over || life < lives);
    }
    print_message("%zu steps in %zu lives\n", m->steps, life - 1);
    munmap(m, sizeof(*m));
}

static void strangers_take_nothing_from_a_node_that_loses_power(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    bool thorough = getenv("LAYERD_THOROUGH") != NULL;
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    size_t count = given != NULL ? 1 : thorough ? LONG_HISTORIES : HISTORIES;

    (void)state;
    for (size_t i = 0; i < count; i++)
        history(seed + i, thorough ? MALICE_STEPS : SHORT, thorough ? LONG_LIVES : LIVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_take_nothing_from_a_node_that_loses_power),
    };
    struct error error;

    crypto_start();
    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("strangers and a failing disk", tests, NULL, NULL) == 0 ? 0 : 1;
}
