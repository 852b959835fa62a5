/* A channel's life on a disk that loses power. For every N, a child opens a channel, updates it, and lets it
 * be challenged with an old state, while the power goes at the Nth change to the disk; it tells what was
 * acknowledged. A node that opens what it left must know every acknowledged state with both signatures, keep
 * all invariants, and still answer the challenge: nothing that was at stake is lost.
 *
 * With LAYERD_THOROUGH set every N is tried, otherwise every STRIDEth, beginning at random. */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/fault_vfs.h"
#include "party_support.h"

#define STRIDE 2
#define UPDATES 6

struct left {
    char directory[256], hex[65];
    uint64_t operations;
    int turn;        /* newest that was acknowledged as signed by both; -1: none */
    bool challenged; /* with turn 1, acknowledged */
};

/* --- the child -------------------------------------------------------------------------------- */
static void live(int out, const struct fault *fault)
{
    static struct place p;
    struct channel_state old;

    fault_vfs_register("fault", true);
    party_begin(&p);
    dprintf(out, "directory %s\n", p.f.directory);
    fault_vfs_arm(fault);
    describe(&p, "alice", "bob", 1);
    dprintf(out, "channel %s\n", p.hex);
    if (propose(&p, 600, 400) != OK)
        _exit(2);
    dprintf(out, "turn 0\n");
    await(&p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(&p, "alice", 600);
    deposit(&p, "bob", 400);
    if (update(&p, "alice", 600, 400) != OK)
        _exit(2);
    dprintf(out, "turn 1\n");
    for (int i = 1; i <= UPDATES; i++) {
        if (update(&p, "alice", 600 - i, 400 + i) != OK)
            _exit(2);
        dprintf(out, "turn %d\n", i + 1);
    }
    old = plain(&p, 1, 600, 400);
    challenge_with(&p, &old, "alice");
    dprintf(out, "challenged\n");
    await(&p, "SELECT turn_record FROM channel WHERE id = x'$'", UPDATES + 1);
    dprintf(out, "operations %" PRIu64 "\n", fault_vfs_count(fault->operations));
    _exit(0);
}

static void read_left(int in, struct left *left)
{
    FILE *file = fdopen(in, "r");
    char line[512];

    *left = (struct left){ .turn = -1 };
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "directory %255s", left->directory);
        (void)sscanf(line, "channel %64s", left->hex);
        (void)sscanf(line, "turn %d", &left->turn);
        (void)sscanf(line, "operations %" SCNu64, &left->operations);
        left->challenged |= strncmp(line, "challenged", 10) == 0;
    }
    fclose(file);
}

/* --- what it left ----------------------------------------------------------------------------- */
static void check_states(struct place *p, const struct left *left)
{
    int64_t turn = number(p, "SELECT max(turn) FROM channel_signature WHERE channel = x'$'");

    assert_int_equal(number(p, "SELECT count(*) FROM channel_local WHERE id = x'$'"), 1);
    assert_true(turn >= left->turn);
    assert_true(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'") > left->turn);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$'"), 2);
    if (left->challenged)
        await(p, "SELECT turn_record FROM channel WHERE id = x'$'", UPDATES + 1);
    if (left->turn > 0)
        await(p, "SELECT finalizes_us IS NULL FROM channel WHERE id = x'$'", 1);
}

static void check_left(const struct left *left)
{
    static struct place p;

    memset(&p, 0, sizeof(p));
    fixture_open(&p.f, NETWORK_DEV, party_modules, left->directory);
    snprintf(p.hex, sizeof(p.hex), "%s", left->hex);
    if (left->turn >= 0)
        check_states(&p, left);
    fixture_audit(&p.f);
    fixture_replay(&p.f);
    fixture_stop(&p.f);
}

static uint64_t one_life(const struct fault *fault)
{
    struct left left;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        (void)!freopen("/dev/null", "w", stderr);
        live(ends[1], fault);
    }
    close(ends[1]);
    read_left(ends[0], &left);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_STORAGE &&
                               WEXITSTATUS(status) != FAULT_POWER_EXIT))
        fail_msg("operation %" PRIu64 " (seed %" PRIu64 "): the node ended with status %x", fault->nth,
                 fault->seed, (unsigned)status);
    if (left.directory[0] != '\0')
        check_left(&left);
    return left.operations;
}

static void each_power_loss(enum fault_kind kind)
{
    uint64_t stride = getenv("LAYERD_THOROUGH") != NULL ? 1 : STRIDE, seed = (uint64_t)time(NULL);
    uint64_t count = one_life(&(struct fault){ .operations = FAULT_CHANGE, .nth = 0 });

    assert_true(count > 20);
    print_message("%" PRIu64 " changes to the disk, every %" PRIu64 ". fails, seed %" PRIu64 "\n", count,
                  stride, seed);
    for (uint64_t nth = 1 + seed % stride; nth <= count; nth += stride)
        one_life(&(struct fault){ .operations = FAULT_CHANGE, .nth = nth, .kind = kind, .seed = seed + nth });
}

static void nothing_at_stake_is_lost_when_the_power_goes(void **state)
{
    (void)state;
    each_power_loss(FAULT_POWER_LOSS);
}

static void nothing_at_stake_is_lost_when_a_write_fails(void **state)
{
    (void)state;
    each_power_loss(FAULT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_at_stake_is_lost_when_the_power_goes),
        cmocka_unit_test(nothing_at_stake_is_lost_when_a_write_fails),
    };
    struct error error;

    crypto_start();
    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("channels on a failing disk", tests, NULL, NULL) == 0 ? 0 : 1;
}
