/* Channels funded by channels on a whole node: a sub-channel of alice and bob, and a virtual channel of alice
 * and bob through ingrid. Each runs with all keys here and with one of them elsewhere, without and with a
 * restart between any two steps; and each ends on the ledger when somebody vanishes. What everybody has at
 * the end is exact. */
#include "party_support.h"

#include <time.h>

struct side {
    struct channel_fixed fixed;
    struct hash id;
    char hex[65];
};

struct scene {
    struct place p;
    const char *outside; /* whose key is elsewhere; NULL: nobody's */
    bool is_gone;        /* he signs nothing any more */
    bool restarts;       /* between any two steps */
    struct side parent, child;      /* alice–bob, and in it alice–bob */
    struct side left, right, through; /* alice–ingrid, ingrid–bob, and through them alice–ingrid–bob */
    int64_t before[3];
};

static const char *const people[] = { "alice", "ingrid", "bob" };

/* --- who is there ----------------------------------------------------------------------------- */
static int64_t gold(struct scene *s, const char *who)
{
    char sql[200], hex[65];

    hex_text(hex, fixture_key(&s->p.f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT sum(amount) FROM balance WHERE account = x'%s'", hex);
    return fixture_sql(&s->p.f, sql);
}

static void begin(struct scene *s, const char *outside)
{
    char names[64] = "";

    fixture_start(&s->p.f, NETWORK_DEV, party_modules);
    s->outside = outside;
    for (size_t i = 0; i < 3; i++) {
        if (outside != NULL && strcmp(outside, people[i]) == 0)
            continue;
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", names[0] == '\0' ? "" : " ",
                 people[i]);
    }
    fixture_keep_keys(&s->p.f, names);
    fixture_run(&s->p.f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    for (size_t i = 1; i < 3; i++)
        fixture_run(&s->p.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                    fixture_address(&s->p.f, people[i]));
    for (size_t i = 0; i < 3; i++)
        s->before[i] = gold(s, people[i]);
}

static int setup(void **state)
{
    *state = memory_new(sizeof(struct scene));
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    fixture_audit(&s->p.f);
    fixture_replay(&s->p.f);
    fixture_stop(&s->p.f);
    memory_free_pointer(state);
    return 0;
}

static void gains(struct scene *s, int64_t alice, int64_t ingrid, int64_t bob)
{
    assert_int_equal(gold(s, "alice") - s->before[0], alice);
    assert_int_equal(gold(s, "ingrid") - s->before[1], ingrid);
    assert_int_equal(gold(s, "bob") - s->before[2], bob);
    assert_int_equal(fixture_sql(&s->p.f, "SELECT count(*) FROM v_channel_holding WHERE amount > 0"), 0);
}

/* --- steps ------------------------------------------------------------------------------------ */
static void at(struct scene *s, const struct side *side)
{
    s->p.fixed = side->fixed;
    s->p.id = side->id;
    memcpy(s->p.hex, side->hex, sizeof(s->p.hex));
}

static void step(struct scene *s)
{
    if (s->restarts)
        fixture_reopen(&s->p.f);
}

static void describe_side(struct scene *s, struct side *side, const char *first, const char *second,
                          const char *third, uint64_t nonce)
{
    struct place *p = &s->p;

    describe(p, first, second, nonce);
    if (third != NULL) {
        p->fixed.participants[2] = fixture_key(&p->f, third)->account;
        p->fixed.participant_count = 3;
        channel_id(&p->fixed, &p->id);
        hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    }
    side->fixed = p->fixed;
    side->id = p->id;
    memcpy(side->hex, p->hex, sizeof(side->hex));
}

static json_t *shares(struct scene *s, const char *first, int amount, const char *second, int rest)
{
    return json_pack("[{s:s, s:i}, {s:s, s:i}]", "account", fixture_address(&s->p.f, first), "amount", amount,
                     "account", fixture_address(&s->p.f, second), "amount", rest);
}

static json_t *with(json_t *entries, json_t *one_more)
{
    json_array_append_new(entries, one_more);
    return entries;
}

static json_t *funding(const struct side *child, int amount)
{
    return json_pack("{s:s, s:i, s:s}", "kind", "channel", "amount", amount, "target", child->hex);
}

static json_t *guarantee(struct scene *s, int amount, const char *left, const char *right)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:s}", "kind", "guarantee", "amount", amount, "target",
                     s->through.hex, "left", fixture_address(&s->p.f, left), "right",
                     fixture_address(&s->p.f, right));
}

#define STAGED "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"

/* Whoever keeps his key elsewhere signs what waits, over the command. */
static void sign_what_waits(struct scene *s)
{
    struct place *p = &s->p;
    char sql[200], *text;
    struct hash hash;

    if (s->outside == NULL || s->is_gone || number(p, STAGED) == 0 ||
        channel_participant(&p->fixed, &fixture_key(&p->f, s->outside)->account) < 0)
        return;
    step(s);
    snprintf(sql, sizeof(sql), "SELECT hex(staged_hash) FROM channel_local WHERE id = x'%s'", p->hex);
    text = fixture_sql_text(&p->f, sql);
    assert_true(hex_decode(hash.bytes, sizeof(hash.bytes), text, strlen(text)));
    free(text);
    assert_call(OK, p, "channel.sign",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", p->hex, "turn",
                          (json_int_t)number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"),
                          "signer", fixture_address(&p->f, s->outside), "signature",
                          signature_of(p, s->outside, &hash)), NULL);
}

static void all_signed(struct scene *s)
{
    sign_what_waits(s);
    assert_int_equal(number(&s->p, STAGED), 0);
    step(s);
}

static void open_side(struct scene *s, const struct side *side, const char *by, json_t *entries,
                      const struct side *first, const struct side *second)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *parents = json_array(), *params;

    at(s, side);
    channel_fixed_encode(&side->fixed, &fixed);
    if (first != NULL)
        json_array_append_new(parents, json_pack("{s:s}", "channel", first->hex));
    if (second != NULL)
        json_array_append_new(parents, json_pack("{s:s}", "channel", second->hex));
    params = json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome", entries,
                       "signer", fixture_address(&s->p.f, by));
    if (json_array_size(parents) > 0)
        json_object_set(params, "parents", parents);
    json_release(&parents);
    assert_call(OK, &s->p, "channel.propose", params, NULL);
    all_signed(s);
}

/* Proposes the side's next state, which everybody who is there signs. */
static void bring(struct scene *s, const struct side *side, const char *by, json_t *entries, bool final)
{
    at(s, side);
    assert_call(OK, &s->p, "channel.update",
                json_pack("{s:s, s:o, s:s, s:b}", "channel", side->hex, "outcome", entries, "signer",
                          fixture_address(&s->p.f, by), "final", final), NULL);
    all_signed(s);
}

static void is_in(struct scene *s, const struct side *side, enum channel_phase expected)
{
    at(s, side);
    assert_string_equal(phase(&s->p), channel_phase_name(expected));
}

static void comes_to(struct scene *s, const struct side *side, enum channel_phase expected)
{
    at(s, side);
    await(&s->p, PHASE, expected);
}

/* A channel that the ledger funds, from nothing to running. */
static void run_on_ledger(struct scene *s, struct side *side, uint64_t nonce, const char *first, int amount,
                          const char *second, int rest)
{
    const char *by = s->outside != NULL && strcmp(s->outside, first) == 0 ? second : first;

    describe_side(s, side, first, second, NULL, nonce);
    open_side(s, side, by, shares(s, first, amount, second, rest), NULL, NULL);
    await(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(&s->p, first, amount);
    step(s);
    deposit(&s->p, second, rest);
    step(s);
    is_in(s, side, PHASE_FUNDED);
    bring(s, side, by, shares(s, first, amount, second, rest), false);
    is_in(s, side, PHASE_RUNNING);
}

/* --- on the ledger ---------------------------------------------------------------------------- */
/* Nothing is on its way any more; what is to be tried again is tried at once. */
static void come_to_rest(struct scene *s)
{
    const struct timespec nap = { .tv_nsec = 5000000 };

    for (int i = 1; i < 2000; i++) {
        if (fixture_sql(&s->p.f, "SELECT count(*) FROM effect WHERE state = 'waiting'") == 0)
            return;
        nanosleep(&nap, NULL);
        if (i % 40 == 0)
            fixture_advance(&s->p.f, MICROSECONDS_PER_SECOND);
    }
    fail_msg("an effect comes to no end");
}

static void dispute(struct scene *s, const struct side *side, const char *by)
{
    at(s, side);
    assert_call(OK, &s->p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", side->hex, "signer", fixture_address(&s->p.f, by)), NULL);
    step(s);
    come_to_rest(s);
}

/* Alice and bob dispute, one after the other, what ingrid does not sign any more. */
static void dispute_both(struct scene *s)
{
    dispute(s, &s->left, "alice");
    advance(&s->p, 5 * MINUTE);
    dispute(s, &s->right, "bob");
}

/* Until nothing is on its way any more, and nobody's time to answer runs. */
static void let_time_run(struct scene *s)
{
    for (int i = 0; i < 20; i++) {
        come_to_rest(s);
        if (fixture_sql(&s->p.f, "SELECT count(*) FROM channel WHERE finalizes_us IS NOT NULL"
                                 " AND outcome IS NULL") == 0)
            return;
        advance(&s->p, 4 * MINUTE);
        step(s);
    }
    fail_msg("the disputes come to no end");
}

static int64_t events(struct scene *s, const char *type)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM event WHERE type = '%s'", type);
    return fixture_sql(&s->p.f, sql);
}

/* What everybody signed as the newest state is shown to the ledger by a stranger. */
static void conclude_by_stranger(struct scene *s, const struct side *side)
{
    struct place *p = &s->p;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *exported AUTO_JSON = NULL, *states, *one = NULL;
    json_t *item;
    size_t i;

    at(s, side);
    channel_fixed_encode(&side->fixed, &fixed);
    assert_int_equal(fixture_try(&p->f, "dave", "channel.register",
                                 json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size)), NULL), OK);
    exported = fixture_query(&p->f, "channel.export", "{}");
    json_array_foreach (json_object_get(exported, "items"), i, item) {
        if (strcmp(json_string_value(json_object_get(item, "channel")), side->hex) == 0)
            one = item;
    }
    assert_non_null(one);
    states = json_object_get(one, "states");
    one = json_array_get(states, json_array_size(states) - 1);
    assert_int_equal(fixture_try(&p->f, "dave", "channel.conclude",
                                 json_pack("{s:s, s:O, s:O}", "channel", side->hex, "state",
                                           json_object_get(one, "state"), "signatures",
                                           json_object_get(one, "signatures")), NULL), OK);
}

/* --- a channel in a channel ------------------------------------------------------------------- */
static void fund_child(struct scene *s)
{
    run_on_ledger(s, &s->parent, 1, "alice", 600, "bob", 400);
    describe_side(s, &s->child, "alice", "bob", NULL, 2);
    open_side(s, &s->child, "alice", shares(s, "alice", 200, "bob", 100), &s->parent, NULL);
    is_in(s, &s->child, PHASE_FUNDING);
    bring(s, &s->parent, "alice", with(shares(s, "alice", 400, "bob", 300), funding(&s->child, 300)), false);
    is_in(s, &s->child, PHASE_FUNDED);
}

static void run_child(struct scene *s)
{
    fund_child(s);
    bring(s, &s->child, "alice", shares(s, "alice", 200, "bob", 100), false);
    is_in(s, &s->child, PHASE_RUNNING);
    bring(s, &s->child, "alice", shares(s, "alice", 120, "bob", 180), false);
    bring(s, &s->child, "alice", shares(s, "alice", 50, "bob", 250), false);
}

static void end_child(struct scene *s)
{
    run_child(s);
    bring(s, &s->child, "alice", shares(s, "alice", 50, "bob", 250), true);
    is_in(s, &s->child, PHASE_FINAL);
}

static void live_in_a_channel(struct scene *s)
{
    end_child(s);
    bring(s, &s->parent, "alice", shares(s, "alice", 450, "bob", 550), false);
    is_in(s, &s->child, PHASE_CLOSED);
    assert_int_equal(number(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'"), 0);
    bring(s, &s->parent, "alice", shares(s, "alice", 450, "bob", 550), true);
    comes_to(s, &s->parent, PHASE_CLOSED);
    gains(s, -150, 0, 150);
}

static void a_channel_in_a_channel_lives_and_ends(void **state)
{
    struct scene *s = *state;

    begin(s, NULL);
    live_in_a_channel(s);
}

static void a_channel_in_a_channel_lives_with_restarts(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, NULL);
    live_in_a_channel(s);
}

static void a_channel_in_a_channel_lives_with_a_key_elsewhere(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    live_in_a_channel(s);
}

/* Bob is gone: the parent's end pays into the child, which goes on as a channel of the ledger. */
static void end_on_ledger(struct scene *s, enum channel_phase of_child, int alice)
{
    s->is_gone = true;
    dispute(s, &s->parent, "alice");
    let_time_run(s);
    comes_to(s, &s->parent, PHASE_CLOSED);
    comes_to(s, &s->child, of_child);
    if (of_child != PHASE_CLOSED) {
        assert_int_equal(fixture_sql(&s->p.f, "SELECT sum(amount) FROM v_channel_holding"), 300);
        dispute(s, &s->child, "alice");
        let_time_run(s);
        comes_to(s, &s->child, PHASE_CLOSED);
    }
    gains(s, alice, 0, -alice);
}

static void a_child_that_never_ran_gives_back_what_was_put_in(void **state)
{
    struct scene *s = *state;

    begin(s, "bob");
    fund_child(s);
    end_on_ledger(s, PHASE_FUNDED, 0);
}

static void a_running_child_takes_its_parents_money_on_the_ledger(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    run_child(s);
    end_on_ledger(s, PHASE_RUNNING, -150);
}

static void a_final_child_is_concluded_with_its_parents_money(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    end_child(s);
    end_on_ledger(s, PHASE_CLOSED, -150);
}

/* The other way round: the money comes when the child has ended already. */
static void a_child_that_ended_first_pays_on_what_comes_later(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    end_child(s);
    conclude_by_stranger(s, &s->child);
    assert_int_equal(events(s, "channel.paid"), 0);
    end_on_ledger(s, PHASE_CLOSED, -150);
    assert_int_equal(fixture_sql(&s->p.f, "SELECT count(*) FROM effect WHERE key LIKE '%/transfer/%'"), 1);
}

/* --- a channel through somebody --------------------------------------------------------------- */
static void open_through(struct scene *s)
{
    run_on_ledger(s, &s->left, 11, "alice", 600, "ingrid", 400);
    run_on_ledger(s, &s->right, 12, "ingrid", 500, "bob", 300);
    describe_side(s, &s->through, "alice", "ingrid", "bob", 13);
    open_side(s, &s->through, s->outside != NULL && strcmp(s->outside, "alice") == 0 ? "bob" : "alice",
              shares(s, "alice", 200, "bob", 100), &s->left, &s->right);
    is_in(s, &s->through, PHASE_FUNDING);
}

/* Whoever of two is here. */
static const char *who(const struct scene *s, const char *first, const char *second)
{
    return s->outside != NULL && strcmp(s->outside, first) == 0 ? second : first;
}

static void guarantee_left(struct scene *s)
{
    bring(s, &s->left, who(s, "alice", "ingrid"),
          with(shares(s, "alice", 400, "ingrid", 300), guarantee(s, 300, "alice", "ingrid")), false);
    is_in(s, &s->through, PHASE_FUNDING);
}

static void guarantee_right(struct scene *s)
{
    bring(s, &s->right, who(s, "ingrid", "bob"),
          with(shares(s, "ingrid", 300, "bob", 200), guarantee(s, 300, "ingrid", "bob")), false);
    is_in(s, &s->through, PHASE_FUNDED);
}

static void run_through(struct scene *s)
{
    const char *by = who(s, "alice", "bob");

    open_through(s);
    guarantee_left(s);
    guarantee_right(s);
    bring(s, &s->through, by, shares(s, "alice", 200, "bob", 100), false);
    is_in(s, &s->through, PHASE_RUNNING);
    bring(s, &s->through, by, shares(s, "alice", 120, "bob", 180), false);
    bring(s, &s->through, by, shares(s, "alice", 50, "bob", 250), false);
}

static void end_through(struct scene *s)
{
    run_through(s);
    bring(s, &s->through, who(s, "alice", "bob"), shares(s, "alice", 50, "bob", 250), true);
    is_in(s, &s->through, PHASE_FINAL);
}

/* Taken back off the ledger by the two of a side, and their channel concluded. */
static void close_left(struct scene *s, int alice, int ingrid)
{
    const char *by = who(s, "alice", "ingrid");

    bring(s, &s->left, by, shares(s, "alice", alice, "ingrid", ingrid), false);
    bring(s, &s->left, by, shares(s, "alice", alice, "ingrid", ingrid), true);
    comes_to(s, &s->left, PHASE_CLOSED);
}

static void close_right(struct scene *s, int ingrid, int bob)
{
    const char *by = who(s, "ingrid", "bob");

    bring(s, &s->right, by, shares(s, "ingrid", ingrid, "bob", bob), false);
    bring(s, &s->right, by, shares(s, "ingrid", ingrid, "bob", bob), true);
    comes_to(s, &s->right, PHASE_CLOSED);
}

static void live_through(struct scene *s)
{
    end_through(s);
    bring(s, &s->left, who(s, "alice", "ingrid"), shares(s, "alice", 450, "ingrid", 550), false);
    is_in(s, &s->through, PHASE_FINAL); /* the right one holds its part still */
    close_right(s, 350, 450);
    is_in(s, &s->through, PHASE_CLOSED);
    assert_int_equal(number(&s->p, "SELECT count(*) FROM channel WHERE id = x'$'"), 0);
    bring(s, &s->left, who(s, "alice", "ingrid"), shares(s, "alice", 450, "ingrid", 550), true);
    comes_to(s, &s->left, PHASE_CLOSED);
    gains(s, -150, 0, 150);
}

static void a_channel_through_somebody_lives_and_ends(void **state)
{
    struct scene *s = *state;

    begin(s, NULL);
    live_through(s);
}

static void a_channel_through_somebody_lives_with_restarts(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, NULL);
    live_through(s);
}

static void a_channel_through_somebody_lives_with_bobs_key_elsewhere(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    live_through(s);
}

static void a_channel_through_somebody_lives_with_his_key_elsewhere(void **state)
{
    struct scene *s = *state;

    begin(s, "ingrid");
    live_through(s);
}

/* --- somebody vanishes ------------------------------------------------------------------------ */
/* Before the right one guarantees anything: the left one takes back without the ledger. */
static void half_a_guarantee_is_taken_back_when_bob_is_gone(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "bob");
    open_through(s);
    guarantee_left(s);
    s->is_gone = true;
    close_left(s, 600, 400);
    dispute(s, &s->right, "ingrid");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    gains(s, 0, 0, 0);
}

/* The left one ends on the ledger with a guarantee for a channel that nobody ever ran. */
static void half_a_guarantee_comes_home_when_ingrid_is_gone(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "ingrid");
    open_through(s);
    guarantee_left(s);
    s->is_gone = true;
    dispute_both(s);
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->right, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, 0, 0, 0);
}

static void both_guarantees_come_home_before_the_first_step(void **state)
{
    struct scene *s = *state;

    s->restarts = true;
    begin(s, "ingrid");
    open_through(s);
    guarantee_left(s);
    guarantee_right(s);
    s->is_gone = true;
    dispute(s, &s->left, "alice");
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    dispute(s, &s->right, "bob");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    gains(s, 0, 0, 0);
}

/* One side ends on the ledger, the other one without it. */
static void lose_bob(struct scene *s)
{
    s->is_gone = true;
    dispute(s, &s->right, "ingrid");
    let_time_run(s);
    comes_to(s, &s->right, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    close_left(s, 450, 550);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, -150, 0, 150);
}

static void lose_alice(struct scene *s)
{
    s->is_gone = true;
    dispute(s, &s->left, "ingrid");
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    close_right(s, 350, 450);
    assert_int_equal(events(s, "channel.reclaimed"), 1);
    gains(s, -150, 0, 150);
}

static void lose_ingrid(struct scene *s)
{
    s->is_gone = true;
    dispute_both(s);
    let_time_run(s);
    comes_to(s, &s->left, PHASE_CLOSED);
    comes_to(s, &s->right, PHASE_CLOSED);
    comes_to(s, &s->through, PHASE_CLOSED);
    assert_int_equal(events(s, "channel.reclaimed"), 2);
    gains(s, -150, 0, 150);
}

static void somebody_vanishes(struct scene *s, const char *who_does, bool is_final, bool restarts)
{
    s->restarts = restarts;
    begin(s, who_does);
    if (is_final)
        end_through(s);
    else
        run_through(s);
    if (strcmp(who_does, "alice") == 0)
        lose_alice(s);
    else if (strcmp(who_does, "bob") == 0)
        lose_bob(s);
    else
        lose_ingrid(s);
    assert_int_equal(events(s, "channel.submit_failed"), 0);
}

static void bob_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "bob", false, true);
}

static void alice_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "alice", false, false);
}

static void ingrid_vanishes_while_it_runs(void **state)
{
    somebody_vanishes(*state, "ingrid", false, true);
}

static void bob_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "bob", true, false);
}

static void alice_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "alice", true, true);
}

static void ingrid_vanishes_at_the_end(void **state)
{
    somebody_vanishes(*state, "ingrid", true, true);
}

/* --- the table -------------------------------------------------------------------------------- */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int virtual_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_channel_in_a_channel_lives_and_ends),
        TEST(a_channel_in_a_channel_lives_with_restarts),
        TEST(a_channel_in_a_channel_lives_with_a_key_elsewhere),
        TEST(a_child_that_never_ran_gives_back_what_was_put_in),
        TEST(a_running_child_takes_its_parents_money_on_the_ledger),
        TEST(a_final_child_is_concluded_with_its_parents_money),
        TEST(a_child_that_ended_first_pays_on_what_comes_later),
        TEST(a_channel_through_somebody_lives_and_ends),
        TEST(a_channel_through_somebody_lives_with_restarts),
        TEST(a_channel_through_somebody_lives_with_bobs_key_elsewhere),
        TEST(a_channel_through_somebody_lives_with_his_key_elsewhere),
        TEST(half_a_guarantee_is_taken_back_when_bob_is_gone),
        TEST(half_a_guarantee_comes_home_when_ingrid_is_gone),
        TEST(both_guarantees_come_home_before_the_first_step),
        TEST(bob_vanishes_while_it_runs),
        TEST(alice_vanishes_while_it_runs),
        TEST(ingrid_vanishes_while_it_runs),
        TEST(bob_vanishes_at_the_end),
        TEST(alice_vanishes_at_the_end),
        TEST(ingrid_vanishes_at_the_end),
    };

    return cmocka_run_group_tests_name("channels in channels", tests, NULL, NULL);
}
