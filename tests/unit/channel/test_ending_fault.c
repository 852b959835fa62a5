/* Value that leaves channels on a disk that loses power: taken out of a channel that goes on, and brought
 * home from channels in channels once somebody has vanished. For every N a child follows a script while the
 * disk fails at the Nth change to it; then a node opens what it left, and the script goes on from where the
 * channels stand. The end is the same to the unit, whenever the disk failed, and what was acknowledged is not
 * asked for again.
 *
 * With LAYERD_THOROUGH set every N is tried, otherwise some, beginning at random. */
#include "virtual_support.h"

#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "fault/lives.h"

#define TAKING_OUT_STRIDE 4
#define UNWINDING_STRIDE 10
#define NEXT_TURN "SELECT next_turn FROM channel_local WHERE id = x'$'"
#define PENDING "SELECT count(*) FROM channel_withdrawal WHERE channel = x'$'"

/* --- what a child tells ------------------------------------------------------------------------ */
#define TOLD_MAX 65536
static char told[TOLD_MAX]; /* its lines */

static void hear(const char *line)
{
    size_t size = line == NULL ? 0 : strlen(told);

    snprintf(told + size, sizeof(told) - size, "%s%s", line == NULL ? "" : line, line == NULL ? "" : "\n");
}

/* The number behind `name` in the last line that begins with it; `fallback` when there is none. */
static int64_t told_number(const char *name, int64_t fallback)
{
    size_t length = strlen(name);

    for (const char *line = told; line[0] != '\0'; line += strcspn(line, "\n"), line += line[0] == '\n') {
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            fallback = (int64_t)strtoll(line + length + 1, NULL, 10);
    }
    return fallback;
}

/* --- from one node to the next ---------------------------------------------------------------- */
static void tell_start(struct scene *s, int out)
{
    dprintf(out, "directory %s\n", s->p.f.directory);
    for (size_t i = 0; i < 3; i++)
        dprintf(out, "before-%zu %" PRId64 "\n", i, s->before[i]);
}

/* What a worker had not signed is taken up again. */
static void open_left(struct scene *s, const char *directory, const char *outside)
{
    char name[16];

    memset(s, 0, sizeof(*s));
    fixture_open_kept(&s->p.f, NETWORK_DEV, party_modules, directory);
    s->outside = outside;
    s->p.f.salt = 1000000;                  /* its own transactions, */
    s->p.f.advanced_us = 24 * 60 * MINUTE;  /* which live until the clock that the first node left ahead */
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "before-%zu", i);
        s->before[i] = told_number(name, -1);
        assert_true(s->before[i] > 0);
    }
    fixture_advance(&s->p.f, 3 * MICROSECONDS_PER_SECOND);
    come_to_rest(s);
    fixture_audit(&s->p.f);
}

static void close_left_node(struct scene *s)
{
    fixture_audit(&s->p.f);
    fixture_replay(&s->p.f);
    fixture_stop(&s->p.f);
}

/* --- taking out -------------------------------------------------------------------------------- */
/* Alice and bob, who keeps his key himself: she takes 100, he pays her 50 and takes 150, they close. */
static struct hash taken(struct scene *s, const struct channel_state *next, const char *taker,
                         uint64_t amount)
{
    struct allocation payment = { .amount = amount, .account = fixture_key(&s->p.f, taker)->account };
    struct hash state, hash;

    channel_state_hash(&s->p.id, next, &state);
    channel_withdrawal_hash(&s->p.id, &state, &payment, 1, &hash);
    return hash;
}

static void alice_takes(struct scene *s)
{
    struct place *p = &s->p;
    struct channel_state next = plain(p, 2, 500, 400);
    struct hash hash = taken(s, &next, "alice", 100);

    assert_call(OK, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}], s:s}", "channel", p->hex, "payments", "amount", 100, "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_call(OK, p, "channel.sign_withdrawal",
                json_pack("{s:s, s:i, s:s, s:o}", "channel", p->hex, "turn", 2, "signer",
                          fixture_address(&p->f, "bob"), "signature", signature_of(p, "bob", &hash)), NULL);
}

static void bob_pays(struct scene *s)
{
    struct channel_state next = plain(&s->p, 3, 550, 350);

    assert_string_equal(status_name(update_outside(&s->p, "bob", &next, NULL)), "ok");
}

static void bob_takes(struct scene *s)
{
    struct place *p = &s->p;
    struct channel_state next = plain(p, 4, 550, 200);
    struct hash hash = taken(s, &next, "bob", 150);

    assert_call(OK, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}], s:s, s:o}", "channel", p->hex, "payments", "amount", 150,
                          "signer", fixture_address(&p->f, "bob"), "signature",
                          signature_of(p, "bob", &hash)), NULL);
}

static void both_close(struct scene *s)
{
    struct channel_state last = plain(&s->p, 5, 550, 200);

    last.final = true;
    assert_string_equal(status_name(update_outside(&s->p, "bob", &last, NULL)), "ok");
}

static void (*const take_out_steps[])(struct scene *s) = { alice_takes, bob_pays, bob_takes, both_close };
#define TAKE_OUT_STEPS 4

static void go_on_taking(struct scene *s, int out)
{
    int64_t turn = number(&s->p, NEXT_TURN);

    for (; turn - 2 < TAKE_OUT_STEPS; turn++) {
        take_out_steps[turn - 2](s);
        if (out >= 0)
            dprintf(out, "step %" PRId64 "\n", turn);
        await(&s->p, NEXT_TURN, turn + 1);
        come_to_rest(s);
        assert_int_equal(number(&s->p, PENDING), 0);
    }
    await(&s->p, PHASE, PHASE_CLOSED);
    gains(s, 50, 0, -50);
}

static void place_take_out(struct scene *s)
{
    describe_side(s, &s->left, "alice", "bob", NULL, 1);
    at(s, &s->left);
}

static void live_taking_out(int out, const struct fault *fault)
{
    static struct scene s;

    fault_vfs_register("fault", true);
    begin(&s, "bob");
    tell_start(&s, out);
    run_on_ledger(&s, &s.left, 1, "alice", 600, "bob", 400);
    dprintf(out, "running 1\n");
    fault_vfs_arm(fault);
    go_on_taking(&s, out);
    lives_end(out, fault);
}

static void look_at_taking_out(const char *directory)
{
    static struct scene s;

    open_left(&s, directory, "bob");
    assert_int_equal(told_number("running", 0), 1);
    place_take_out(&s);
    assert_true(number(&s.p, NEXT_TURN) >= told_number("step", 2));
    go_on_taking(&s, -1);
    close_left_node(&s);
}

static const struct lives taking_out = { .live = live_taking_out, .hear = hear, .check = look_at_taking_out,
                                         .stride = TAKING_OUT_STRIDE };

/* --- channels in channels ---------------------------------------------------------------------- */
/* Alice and bob through ingrid, at 50 and 250 when bob is gone: the right one ends on the ledger, what it
 * guaranteed comes home, and the left one is ended by the two who are here. */
static void place_through(struct scene *s)
{
    describe_side(s, &s->left, "alice", "ingrid", NULL, 11);
    describe_side(s, &s->right, "ingrid", "bob", NULL, 12);
    describe_side(s, &s->through, "alice", "ingrid", "bob", 13);
}

static void run_through(struct scene *s)
{
    run_on_ledger(s, &s->left, 11, "alice", 600, "ingrid", 400);
    run_on_ledger(s, &s->right, 12, "ingrid", 500, "bob", 300);
    place_through(s);
    open_side(s, &s->through, "alice", shares(s, "alice", 200, "bob", 100), &s->left, &s->right);
    bring(s, &s->left, "alice",
          with(shares(s, "alice", 400, "ingrid", 300), guarantee(s, 300, "alice", "ingrid")), false);
    bring(s, &s->right, "ingrid",
          with(shares(s, "ingrid", 300, "bob", 200), guarantee(s, 300, "ingrid", "bob")), false);
    bring(s, &s->through, "alice", shares(s, "alice", 200, "bob", 100), false);
    bring(s, &s->through, "alice", shares(s, "alice", 50, "bob", 250), false);
    is_in(s, &s->through, PHASE_RUNNING);
}

static void tell(int out, const char *what)
{
    if (out >= 0)
        dprintf(out, "%s 1\n", what);
}

static void go_on_unwinding(struct scene *s, int out)
{
    int64_t turn;

    at(s, &s->right);
    if (number(&s->p, PHASE) == PHASE_RUNNING)
        dispute(s, &s->right, "ingrid");
    tell(out, "disputed");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    tell(out, "home");
    at(s, &s->left);
    for (turn = number(&s->p, NEXT_TURN); turn < 5; turn++) {
        bring(s, &s->left, "alice", shares(s, "alice", 450, "ingrid", 550), turn == 4);
        come_to_rest(s);
    }
    comes_to(s, &s->left, PHASE_CLOSED);
    tell(out, "left");
    gains(s, -150, 0, 150);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
}

static void live_unwinding(int out, const struct fault *fault)
{
    static struct scene s;

    fault_vfs_register("fault", true);
    begin(&s, "bob");
    tell_start(&s, out);
    run_through(&s);
    dprintf(out, "running 1\n");
    s.is_gone = true;
    fault_vfs_arm(fault);
    go_on_unwinding(&s, out);
    lives_end(out, fault);
}

static void look_at_unwinding(const char *directory)
{
    static struct scene s;

    open_left(&s, directory, "bob");
    assert_int_equal(told_number("running", 0), 1);
    s.is_gone = true;
    place_through(&s);
    at(&s, &s.right);
    assert_true(number(&s.p, PHASE) != PHASE_RUNNING || told_number("disputed", 0) == 0);
    at(&s, &s.left);
    assert_true(number(&s.p, PHASE) == PHASE_CLOSED || told_number("left", 0) == 0);
    go_on_unwinding(&s, -1);
    close_left_node(&s);
}

static const struct lives unwinding = { .live = live_unwinding, .hear = hear, .check = look_at_unwinding,
                                        .stride = UNWINDING_STRIDE };

/* --- the tests --------------------------------------------------------------------------------- */
static void taking_out_ends_the_same_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&taking_out, FAULT_CHANGE, FAULT_POWER_LOSS);
}

static void taking_out_ends_the_same_when_a_write_fails(void **state)
{
    (void)state;
    lives_each(&taking_out, FAULT_CHANGE, FAULT_ERROR);
}

static void unwinding_ends_the_same_when_the_power_goes(void **state)
{
    (void)state;
    lives_each(&unwinding, FAULT_CHANGE, FAULT_POWER_LOSS);
}

static void unwinding_ends_the_same_when_a_write_fails(void **state)
{
    (void)state;
    lives_each(&unwinding, FAULT_CHANGE, FAULT_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_out_ends_the_same_when_the_power_goes),
        cmocka_unit_test(taking_out_ends_the_same_when_a_write_fails),
        cmocka_unit_test(unwinding_ends_the_same_when_the_power_goes),
        cmocka_unit_test(unwinding_ends_the_same_when_a_write_fails),
    };
    struct error error;

    crypto_start();
    if (log_set_levels("error", &error) != OK)
        return 1;
    return cmocka_run_group_tests_name("value on its way out", tests, NULL, NULL) == 0 ? 0 : 1;
}
