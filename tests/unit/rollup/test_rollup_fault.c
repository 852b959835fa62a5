/* Rollups on a disk that fails. For every N a child follows a script while the disk fails at the Nth
 * change to it: deposits, batches of a proposer and of this node's own sequencer, one that is wrong and
 * is played down to its last step, one that is proved wrong at once, what falls with them, what becomes
 * final, withdrawals that are claimed, a rollup that nobody serves, and the way out of it. Then a node
 * opens what it left, and the script goes on from where the rows stand. What was acknowledged is there;
 * the end is the same, whenever the disk failed.
 *
 * With LAYERD_THOROUGH set every N is tried, otherwise some, beginning at random. */
#include "history.h"

#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/lives.h"

#define STRIDE 60
#define LIE 37 /* the step from which the proposer's trace is another one */

static struct counts counts;

/* --- the script ---------------------------------------------------------------------------------- */
struct act {
    const char *name;
    const char *done; /* SQL: 1 from then on for ever: it need not be done again */
    void (*run)(struct history *h);
};

static void deposit(struct history *h, const char *who, unsigned domain, unsigned amount)
{
    fixture_run(&h->f, who, "rollup.deposit", "{'domain':%u,'asset':'GOLD','amount':%u}", domain, amount);
}

static void ann_deposits(struct history *h)
{
    deposit(h, "ann", 1, 1000);
}

static void ben_deposits_with_the_node(struct history *h)
{
    deposit(h, "ben", 2, 2000);
}

static void paul_proposes(struct history *h)
{
    proposer_proposes(h, &h->sides[0], LIE_NONE);
}

/* Lets time pass piece by piece until it is so. What the node does about it by its own threads it does
 * between the pieces: a slow machine gets longer pauses, not more chain time. */
static void pass_until(struct history *h, const char *sql, int64_t piece)
{
    for (unsigned round = 0; round < 60 && ask(h, "%s", sql) != 1; round++) {
        unsigned naps = 20u << (round < 9 ? round : 9);

        history_pass(h, piece);
        for (unsigned nap = 0; nap < naps && ask(h, "%s", sql) != 1; nap++) {
            usleep(1000);
            history_look(h);
        }
    }
}

/* The node's own sequencer takes it in. */
static void it_is_sequenced(struct history *h)
{
    pass_until(h, "SELECT head > 0 FROM rollup WHERE domain = 2", 6 * SECOND);
}

static void ben_deposits(struct history *h)
{
    deposit(h, "ben", 1, 500);
}

static void paul_cheats(struct history *h)
{
    proposer_proposes(h, &h->sides[0], LIE_ROOT);
}

static void paul_plays_on(struct history *h)
{
    for (unsigned i = 0; i < 10; i++) {
        char *hex AUTO_FREE = NULL;
        unsigned before = h->counts->moves;
        struct hash game;

        honest_acts(h);
        hex = ask_text(h, "SELECT lower(hex(id)) FROM game WHERE status = 0");
        if (hex == NULL)
            return;
        assert_true(hex_decode(game.bytes, sizeof(game.bytes), hex, 64));
        liar_plays(h, "paul", &game, LIE);
        if (h->counts->moves == before)
            break;
    }
}

static void the_game_ends(struct history *h)
{
    paul_plays_on(h);
    for (int i = 0; i < 40 && ask(h, "SELECT count(*) FROM game WHERE paid < claims") > 0; i++)
        history_pass(h, PACE_US);
    history_pass(h, JAIL_US);
}

static void paul_forges(struct history *h)
{
    proposer_proposes(h, &h->sides[0], LIE_SIGNATURE);
}

static void it_is_proved(struct history *h)
{
    pass_until(h, "SELECT count(*) > 0 FROM fraud", 3 * SECOND);
    history_pass(h, JAIL_US);
}

static void ann_wants_out(struct history *h)
{
    fixture_run(&h->f, "ann", "rollup.exit", "{'domain':1,'asset':'GOLD','amount':300}");
}

static void ben_wants_out(struct history *h)
{
    fixture_run(&h->f, "ben", "rollup.exit", "{'domain':2,'asset':'GOLD','amount':700}");
}

static void that_is_sequenced(struct history *h)
{
    pass_until(h, "SELECT head > 1 FROM rollup WHERE domain = 2", 6 * SECOND);
}

static void all_is_final(struct history *h)
{
    for (int i = 0; i < 60 && ask(h, "SELECT count(*) FROM batch WHERE state < 3") > 0; i++)
        history_pass(h, PACE_US);
}

static void nobody_serves_ann(struct history *h)
{
    deposit(h, "ann", 1, 50);
}

static void fred_frees_all(struct history *h)
{
    for (int64_t passed = 0; passed <= ESCAPE_US; passed += PACE_US)
        history_pass(h, PACE_US);
    fixture_run(&h->f, "fred", "rollup.escape", "{'domain':1}");
}

static void all_leave(struct history *h)
{
    honest_acts(h);
    exit_all(h, &h->sides[0]);
}

#define INBOX(domain, amount)                                                                            \
    "SELECT count(*) FROM inbox WHERE domain = " #domain " AND amount = " #amount
static const struct act acts[] = {
    { "ann deposits", INBOX(1, 1000), ann_deposits },
    { "ben deposits with the node", INBOX(2, 2000), ben_deposits_with_the_node },
    { "paul proposes", "SELECT count(*) > 0 FROM batch WHERE domain = 1", paul_proposes },
    { "it is sequenced", "SELECT head > 0 FROM rollup WHERE domain = 2", it_is_sequenced },
    { "ben deposits", INBOX(1, 500), ben_deposits },
    { "paul cheats", "SELECT count(*) > 1 FROM batch WHERE domain = 1", paul_cheats },
    { "the game ends", "SELECT count(*) FROM game WHERE paid = claims AND (SELECT max(chain_time_us) FROM"
                       " block) >= ended_us + (SELECT jail_us FROM rollup WHERE domain = 1)", the_game_ends },
    { "paul forges", "SELECT count(*) > 2 FROM batch WHERE domain = 1", paul_forges },
    { "it is proved", "SELECT count(*) FROM fraud WHERE (SELECT max(chain_time_us) FROM block) >="
                      " (SELECT jailed_until_us FROM rollup WHERE domain = 1)", it_is_proved },
    { "ann wants out", "SELECT count(*) > 2 FROM inbox WHERE domain = 1", ann_wants_out },
    { "paul proposes again", "SELECT count(*) > 3 FROM batch WHERE domain = 1", paul_proposes },
    { "ben wants out", "SELECT count(*) > 1 FROM inbox WHERE domain = 2", ben_wants_out },
    { "that is sequenced", "SELECT head > 1 FROM rollup WHERE domain = 2", that_is_sequenced },
    { "all is final", "SELECT min(final = head) FROM rollup", all_is_final },
    { "all is claimed", "SELECT count(*) = 2 FROM withdrawal_claim", claim_all },
    { "nobody serves ann", INBOX(1, 50), nobody_serves_ann },
    { "fred frees all", "SELECT frozen FROM rollup WHERE domain = 1", fred_frees_all },
    { "all leave", "SELECT count(*) >= 2 FROM rollup_exit", all_leave },
};

static bool is_done(struct history *h, size_t act)
{
    history_look(h);
    return ask(h, "%s", acts[act].done) == 1;
}

/* Each act depends on the rows and its own number alone, so that it is the same after any restart. */
static void go_on(struct history *h, int out)
{
    h->takes_all = true;
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        h->random = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        if (!is_done(h, i))
            acts[i].run(h);
        if (!is_done(h, i))
            fail_msg("not done: %s, see %s", acts[i].name, h->f.directory);
        if (out >= 0)
            dprintf(out, "act %zu\n", i);
    }
    honest_acts(h);
}

/* --- the child ----------------------------------------------------------------------------------- */
static void live(int out, const struct fault *fault)
{
    static struct history h;

    fault_vfs_register("fault", true);
    history_begin(&h, 1, HONEST_NODE, &counts);
    dprintf(out, "directory %s\n", h.f.directory);
    fault_vfs_arm(fault);
    go_on(&h, out);
    lives_end(out, fault);
}

/* --- what it left -------------------------------------------------------------------------------- */
static int told; /* the last act that was acknowledged; −1: none */
static char *undisturbed;

static void hear(const char *line)
{
    if (line == NULL)
        told = -1;
    else
        (void)sscanf(line, "act %d", &told);
}

/* All that people have and see of it: what they hold, what became of batches and messages, the state
 * inside. */
static char *end_of(struct history *h)
{
    return ask_text(h,
        "SELECT group_concat(line, char(10)) FROM ("
        "SELECT printf('%%s holds %%d', address, amount) AS line FROM balance JOIN account"
        " ON account.id = balance.account JOIN asset ON asset.id = asset WHERE balance.domain = 0"
        " AND symbol = 'GOLD' AND address IN ('%s', '%s', '%s')"
        " UNION ALL SELECT printf('inbox %%d %%d %%d %%s', domain, number, amount, state) FROM inbox"
        " UNION ALL SELECT printf('batch %%d %%d %%d %%d', domain, number, state, inbox_to) FROM batch"
        " UNION ALL SELECT printf('claimed %%d %%d %%d', domain, number, amount) FROM withdrawal_claim"
        " UNION ALL SELECT printf('left %%d %%d %%d %%d', domain, account, asset, amount) FROM rollup_exit"
        " UNION ALL SELECT printf('leaf %%s %%s', hex(place), hex(leaf)) FROM rollup_leaf WHERE domain = 1"
        " UNION ALL SELECT printf('game %%d %%d %%d', status, claims, paid) FROM game"
        " ORDER BY 1)", fixture_address(&h->f, "ann"), fixture_address(&h->f, "ben"),
        fixture_address(&h->f, "paul"));
}

/* Of both the first line that differs. */
static void assert_same_end(const char *end, const char *expected)
{
    const char *a = end, *b = expected;

    if (strcmp(end, expected) == 0)
        return;
    while (strcspn(a, "\n") == strcspn(b, "\n") && strncmp(a, b, strcspn(a, "\n")) == 0) {
        a += strcspn(a, "\n") + 1;
        b += strcspn(b, "\n") + 1;
    }
    fail_msg("the end is '%.*s', not '%.*s'", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static void check_left(const char *directory)
{
    static struct history h;
    char *end AUTO_FREE = NULL;

    history_open(&h, directory, &counts);
    for (int i = 0; i <= told; i++) {
        if (!is_done(&h, (size_t)i))
            fail_msg("lost: %s, see %s", acts[i].name, directory);
    }
    history_check(&h);
    go_on(&h, -1);
    history_check(&h);
    end = end_of(&h);
    if (undisturbed == NULL)
        undisturbed = text_copy(end);
    assert_same_end(end, undisturbed);
    history_end(&h);
}

static const struct lives lives = { .live = live, .hear = hear, .check = check_left, .stride = STRIDE };

static void the_end_is_the_same_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_POWER_LOSS);
}

static void the_end_is_the_same_when_a_write_fails(void **state)
{
    (void)state;
    lives_each(&lives, FAULT_CHANGE, FAULT_ERROR);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_the_same_when_the_power_goes),
        cmocka_unit_test(the_end_is_the_same_when_a_write_fails),
    };
    struct error error;
    int failed;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    crypto_start();
    if (log_set_levels("error", &error) != OK)
        return 1;
    failed = cmocka_run_group_tests_name("rollups on a failing disk", tests, NULL, NULL);
    free(undisturbed);
    return failed == 0 ? 0 : 1;
}
