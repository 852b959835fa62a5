/* A channel's life on a disk that loses power. For every N, a child opens a channel, updates it, and lets it
 * be challenged with an old state, while the power goes at the Nth change to the disk; it tells what was
 * acknowledged. A node that opens what it left must know every acknowledged state with both signatures, keep
 * all invariants, and still answer the challenge: nothing that was at stake is lost. */
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/lives.h"
#include "party_support.h"

#define UPDATES 6

static struct left {
    char hex[65];
    int turn;        /* newest that was acknowledged as signed by both; -1: none */
    bool challenged; /* with turn 1, acknowledged */
} left;

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
    lives_end(out, fault);
}

static void hear(const char *line)
{
    if (line == NULL) {
        left = (struct left){ .turn = -1 };
        return;
    }
    (void)sscanf(line, "channel %64s", left.hex);
    (void)sscanf(line, "turn %d", &left.turn);
    left.challenged |= strcmp(line, "challenged") == 0;
}

/* --- what it left ----------------------------------------------------------------------------- */
static void check_states(struct place *p)
{
    int64_t turn = number(p, "SELECT max(turn) FROM channel_signature WHERE channel = x'$'");

    assert_int_equal(number(p, "SELECT count(*) FROM channel_local WHERE id = x'$'"), 1);
    assert_true(turn >= left.turn);
    assert_true(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'") > left.turn);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$'"), 2);
    if (left.challenged)
        await(p, "SELECT turn_record FROM channel WHERE id = x'$'", UPDATES + 1);
    if (left.turn > 0)
        await(p, "SELECT finalizes_us IS NULL FROM channel WHERE id = x'$'", 1);
}

static void check_left(const char *directory)
{
    static struct place p;

    memset(&p, 0, sizeof(p));
    fixture_open(&p.f, NETWORK_DEV, party_modules, directory);
    snprintf(p.hex, sizeof(p.hex), "%s", left.hex);
    if (left.turn >= 0)
        check_states(&p);
    fixture_audit(&p.f);
    fixture_replay(&p.f);
    fixture_stop(&p.f);
}

static const struct lives lives = { .live = live, .hear = hear, .check = check_left, .stride = 2 };

static void nothing_at_stake_is_lost_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_POWER_LOSS);
}

static void nothing_at_stake_is_lost_when_a_write_fails(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_ERROR);
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
